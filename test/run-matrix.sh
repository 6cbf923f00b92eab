#!/bin/bash
#
# run-matrix.sh: every test on every supported version.  `make check-all` calls it.
#
# This machine's own PostgreSQL is used where it is one of them, the others run in
# package trees (lib/tree.sh).  A version that could not be had is named at the end
# and counts as a failure, unless PHIGUARD_ALLOW_MISSING=1.  PHIGUARD_VERSIONS
# narrows the list (18-assert is the one built with assertions).  With PHIG_TALLY, counts go to that file and no total is printed.
# With --build nothing is tested: each version's compiler has a look, warnings are errors.
# With --long NAME..., run-long.sh has its turn with these scripts.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"
. "$(dirname "$0")/lib/tree.sh"
. "$(dirname "$0")/lib/source.sh"

versions=${PHIGUARD_VERSIONS:-15 17 18}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/phiguard-matrix.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
tally=${PHIG_TALLY:-$scratch/tally}
missing=
job=test/run-check.sh
case ${1-} in
	--build) job=test/build-only.sh ;;
	--long)
		shift
		job="test/run-long.sh $*"
		;;
esac

# The server's own tests, since no command in a tree can fetch them; without them nothing is in the tally.
give_source()
{
	local tree=$1 tmp=$2 config=$3 version source

	version=$(tree_enter "$tree" "$tmp" "$config" --version | awk '{ print $2 }')
	source=$(source_regress "$version") || return 1
	cp -r "$source" "$tmp/regress"
}

# check_in_tree MAJOR, or MAJOR-assert: false when the version could not be had; failing tests are in the tally.
check_in_tree()
{
	local major=${1%-assert} variant= config tree tmp=$scratch/$1 name pass=()

	config=/usr/lib/postgresql/$major/bin/pg_config
	if [ "$major" != "$1" ]; then
		variant=assert
		config=/opt/assert/bin/pg_config
	fi
	tree=$(tree_make "$major" $variant) || return 1
	mkdir "$tmp"
	: >"$tmp/tally"
	case $job in
		*run-long.sh*)
			give_source "$tree" "$tmp" "$config" || return 1
			pass+=("PHIG_REGRESS=/tmp/regress")
			;;
	esac
	for name in CI WERROR TESTS TAP TERM PHIG_UPDATE_DOCS PHIG_LONG PHIG_SQLSMITH_STATEMENTS PHIG_SQLSMITH_SEED; do
		[ -z "${!name-}" ] || pass+=("$name=${!name}")
	done
	# shellcheck disable=SC2086
	tree_enter "$tree" "$tmp" PATH=/usr/bin:/bin HOME=/tmp PG_CONFIG=$config \
		PHIG_TALLY=/tmp/tally PHIG_SERVER_ONLY=1 "${pass[@]}" $job || true
	if [ ! -s "$tmp/tally" ]; then
		return 1
	fi
	cat "$tmp/tally" >>"$tally"
}

for major in $versions; do
	if [ "$major" = "$(wanted_major)" ]; then
		if [ -z "${PHIG_NATIVE_DONE-}" ]; then
			# shellcheck disable=SC2086
			PHIG_TALLY=$tally "$PHIG_ROOT"/$job || true
		fi
	elif ! check_in_tree "$major"; then
		missing="$missing $major"
	fi
done

for major in $missing; do
	say "NOT TESTED: PostgreSQL $major could not be had"
	[ "${PHIGUARD_ALLOW_MISSING-}" = 1 ] || tally_add "$tally" 0 1
done
[ -n "${PHIG_TALLY-}" ] || tally_report "$tally"
