#!/bin/bash
#
# format.sh [--check] [FILE...]: lay out the C files as PostgreSQL does, by its own pgindent.
#
# pgindent comes with PostgreSQL 17 and later, so one version of it settles the matter
# for everybody: the one of the package tree of 18 (lib/tree.sh), unless this
# machine's own server is that version.  Comments may reach column 100.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/tree.sh"
cd "$PHIG_ROOT"

major=18
bindir=/usr/lib/postgresql/$major/bin
scratch=$(mktemp -d "${TMPDIR:-/tmp}/phiguard-format.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
if [ ! -x $bindir/pgindent ]; then
	tree=$(tree_make $major)
	tree_enter "$tree" "$scratch" PATH=/usr/bin:/bin HOME=/tmp test/format.sh "$@"
	exit
fi

mode=()
if [ "${1-}" = --check ]; then
	mode=(--check --diff)
	shift
fi
mapfile -t files < <(find src bin test -name '*.[ch]' | sort)
# What is a type shows in the text itself: our prefix, or a typedef in one of our files.
# Of the server's lower-case types only those whose names nobody gives to a variable.
{
	grep -E '[A-Z]|_t$|^(bits|bool|bytea|char|datum|float[48]|int(8|16|32|64)|uint(8|16|32|64)|inet|text|va_list|varlena)$' \
		/usr/share/postgresql/$major/typedefs.list
	grep -ohE '\<(Phig[A-Z][A-Za-z0-9]*|EVP_[A-Z]+(_[A-Z]+)?|OSSL_[A-Z]+)\>' "${files[@]}" || true
	sed -nE -e 's/^\} ?([A-Z][A-Za-z0-9]+);.*/\1/p' -e 's/^typedef .*[ *]([A-Z][A-Za-z0-9]+);.*/\1/p' \
		-e 's/^typedef .*\(\*([A-Z][A-Za-z0-9]+)\).*/\1/p' "${files[@]}"
} | sort -u >"$scratch/typedefs"

# pg_bsd_indent knows neither compound literals nor designated initializers (it sees the
# former as calls, the latter get their blanks back), takes a variable named text for the type,
# and wants braces after foreach(): it sees that as while().
cat >"$scratch/indent" <<'INDENT'
#!/bin/bash
file=${*: -1}
[ -f "$file" ] || exec pg_bsd_indent "$@"
sed -Ei -e 's/\) \{([^{};]*)\}/) COMPOUND_(\1 COMPOUND_END)/g' -e 's/\<text\>([^ ]| [^*]|$)/teXt\1/g' \
	-e 's/^([[:blank:]]*)((for|dlist_for|slist_for)(each|both|three|_each)[a-z_]*)\(/\1while (LOOP_\2, /' "$file"
pg_bsd_indent "${@:1:$#-1}" -l99 "$file" || exit
sed -Ei -e 's/ ?COMPOUND_\(/ {/g' -e 's/ ?COMPOUND_END\)/}/g' -e 's/\<teXt\>/text/g' -e 's/while \(LOOP_([a-z_]+), /\1(/' \
	-e 's/,(\.[a-z_0-9]+ = |\[[^]]+\] = )/, \1/g' -e 's/\[([^] ]+)\.\.\.([^] ]+)\]/[\1 ... \2]/g' "$file"
INDENT
chmod +x "$scratch/indent"

[ $# = 0 ] || files=("$@")
# pgindent's scratch files go where it runs.
cd "$scratch"
PATH=$bindir:$PATH pgindent --indent="$scratch/indent" --typedefs="$scratch/typedefs" "${mode[@]}" "${files[@]/#/$PHIG_ROOT/}"
