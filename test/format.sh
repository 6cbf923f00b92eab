#!/bin/bash
#
# format.sh [--check] [FILE...]: lay out the C files as PostgreSQL does, by its own pgindent.
#
# pgindent comes with PostgreSQL 17 and later, so one version of it settles the matter
# for everybody: the one of the package tree of 18 (lib/tree.sh), unless this
# machine's own server is that version.  Comments may reach column 100.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"
. "$(dirname "$0")/lib/tree.sh"
cd "$PHIG_ROOT"

major=18
pgindent=/usr/lib/postgresql/$major/bin/pgindent
if [ ! -x $pgindent ]; then
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/phiguard-format.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	tree=$(tree_make $major)
	tree_enter "$tree" "$scratch" PATH=/usr/bin:/bin HOME=/tmp test/format.sh "$@"
	exit
fi

mode=()
if [ "${1-}" = --check ]; then
	mode=(--check --diff)
	shift
fi
if [ $# = 0 ]; then
	mapfile -t files < <(find src test/fuzz -name '*.[ch]' | sort)
else
	files=("$@")
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/phiguard-format.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
printf '#!/bin/sh\nexec %s "$@" -l99\n' "$(dirname $pgindent)/pg_bsd_indent" >"$scratch/indent"
chmod +x "$scratch/indent"
{
	cat /usr/share/postgresql/$major/typedefs.list
	grep -ohE '\<(Phig[A-Z][A-Za-z0-9]*|EVP_[A-Z]+(_[A-Z]+)?)\>' "${files[@]}" || true
} | sort -u >"$scratch/typedefs"
$pgindent --indent="$scratch/indent" --typedefs="$scratch/typedefs" "${mode[@]}" "${files[@]}"
