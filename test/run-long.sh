#!/bin/bash
#
# run-long.sh [NAME]...: campaigns too long for every change.  `make check-long` calls it.
#
# Each test/long/*.sh (or only those named) runs under the sandbox and is one test; the
# fuzz targets run a hundred times as long as in make check.  Scripts that say
# "versions: all" run on every supported version, and on the one with assertions.
# With PHIG_SERVER_ONLY only the PostgreSQL of PG_CONFIG has its turn.  With PHIG_TALLY,
# counts are added to that file and the line says the version instead.
# sqlsmith runs on the server with assertions (t/081_sqlsmith.pl, t/103_enforce_sqlsmith.pl).

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"
. "$(dirname "$0")/lib/tree.sh"
. "$(dirname "$0")/lib/source.sh"
. "$(dirname "$0")/lib/other.sh"

tally=$(mktemp "${TMPDIR:-/tmp}/phiguard-tally.XXXXXX")
trap 'rm -rf "$tally" "$tally.other"' EXIT

# The version that upgrade.sh goes to.
next_major()
{
	case $(server_version) in
		15.*) echo 17 ;;
		17.*) echo 18 ;;
	esac
}

# run_long NAME: the script test/long/NAME.sh on this server.
run_long()
{
	local name=$1 script=test/long/$1.sh started=$SECONDS

	[ -x "$PHIG_ROOT/$script" ] || die "there is no $script"
	if grep -q '\$PHIG_WORK/regress' "$PHIG_ROOT/$script" && [ -z "${PHIG_REGRESS-}" ]; then
		local PHIG_REGRESS
		if ! PHIG_REGRESS=$(source_regress "$(server_version)"); then
			say "NOT TESTED: $name, on PostgreSQL $(server_version)"
			[ "${PHIGUARD_ALLOW_MISSING-}" = 1 ] || tally_add "$tally" 0 1
			return
		fi
		export PHIG_REGRESS
	fi
	if grep -q '\$PHIG_WORK"*/other' "$PHIG_ROOT/$script" && [ -z "${PHIG_OTHER-}" ]; then
		local PHIG_OTHER=$tally.other next

		next=$(next_major)
		if [ -z "$next" ] || ! other_server "$next" "$PHIG_OTHER"; then
			say "NOT TESTED: $name, from PostgreSQL $(server_version) to ${next:-a later one}"
			[ "${PHIGUARD_ALLOW_MISSING-}" = 1 ] || tally_add "$tally" 0 1
			return
		fi
		export PHIG_OTHER
	fi
	if "$PHIG_ROOT/test/lib/sandbox.sh" "$script"; then
		say "ok      long       $name, $((SECONDS - started)) s"
		tally_add "$tally" 1 0
	else
		say "FAILED  long       $name, $((SECONDS - started)) s"
		tally_add "$tally" 0 1
	fi
}

ensure_packages
names=${*:-$(cd "$PHIG_ROOT/test/long" && ls ./*.sh | sed 's|^\./||; s|\.sh$||')}
if [ $# = 0 ] && [ -z "${PHIG_SERVER_ONLY-}" ]; then
	FUZZ_RUNS=${FUZZ_RUNS:-2000000} PHIG_TALLY=$tally "$PHIG_ROOT/test/run-fuzz.sh" || tally_add "$tally" 0 1
fi
everywhere=
for name in $names; do
	run_long "$name"
	if grep -q '^# versions: all$' "$PHIG_ROOT/test/long/$name.sh"; then
		everywhere="$everywhere $name"
	fi
done
if [ $# = 0 ] && [ -z "${PHIG_SERVER_ONLY-}" ]; then
	PHIG_LONG=1 TAP="081 103" PHIGUARD_VERSIONS=18-assert PHIG_TALLY=$tally "$PHIG_ROOT/test/run-matrix.sh" || tally_add "$tally" 0 1
	cat "$PHIG_ROOT"/build/out/18*-assert/{,enforce_}sqlsmith 2>/dev/null || true
fi

if [ -n "$everywhere" ] && [ -z "${PHIG_SERVER_ONLY-}" ]; then
	# shellcheck disable=SC2086
	PHIG_TALLY=$tally PHIG_NATIVE_DONE=1 PHIGUARD_VERSIONS=${PHIGUARD_VERSIONS:-15 17 18 18-assert} \
		"$PHIG_ROOT/test/run-matrix.sh" --long $everywhere || true
fi

if [ -n "${PHIG_TALLY-}" ]; then
	cat "$tally" >>"$PHIG_TALLY"
	printf 'PostgreSQL %s: ' "$(server_version)"
fi
tally_report "$tally"
