#!/bin/bash
#
# check-style.sh: what a reviewer should not have to say.  Layout itself is pgindent's (format.sh).
#
# Prints file:line:text of each breach; fails when there is one.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
cd "$PHIG_ROOT"

found=$(mktemp "${TMPDIR:-/tmp}/phiguard-style.XXXXXX")
trap 'rm -f "$found"' EXIT

mapfile -t code < <(find src bin test/fuzz -name '*.[ch]' | sort)
mapfile -t text < <(find Makefile .ci ./*.md src bin sql test $(ls -d docs 2>/dev/null) -type f ! -name '*.gz' \
	! -path 'test/data/*' ! -path 'test/isolation/expected/*' ! -path 'test/fuzz/corpus/*' | sort)

# breach RULE PATTERN FILE...: an extended regular expression that may not match.
breach()
{
	local rule=$1 pattern=$2

	shift 2
	[ $# -gt 0 ] || return 0
	{ grep -nHE -- "$pattern" "$@" || true; } | sed "s/^/$rule: /" >>"$found"
}

# all_but NAME FILE...: every FILE that is not NAME.
all_but()
{
	local name=$1

	shift
	printf '%s\n' "$@" | grep -vxF "$name"
}

tab=$(printf '\t')
breach 'trailing blank' "[ $tab]+\$" "${text[@]}"
breach 'spaces as indentation' '^    ' "${code[@]}"
breach 'banned call' '\<(v?sprintf|strcpy|strncpy|strcat|strncat|gets|system|popen)[(]' "${code[@]}"
breach 'version outside compat.h' 'PG_VERSION_NUM' $(all_but src/compat.h "${code[@]}")
breach 'hook assigned outside hooks.c' '^[^*]*\<[A-Za-z_]+_hook = ' $(all_but src/hooks.c "${code[@]}")
breach 'marker' '\<(TODO|FIXME|XXX|HACK)\>' $(all_but test/check-style.sh "${text[@]}")
breach 'comment to end of line' "(^|[;{} $tab])//( |\$)" "${code[@]}"

for file in "${code[@]}"; do
	# A message stays in one line, so that searching the source for it finds it.
	expand -t4 "$file" | awk -v f="$file" 'length($0) > 120 && !/"/ { printf "longer than 120: %s:%d: %d columns\n", f, NR, length($0) }' >>"$found"
done

cat "$found"
[ ! -s "$found" ]
