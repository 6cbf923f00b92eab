# source.sh: the server's own regression tests, from the distribution's source package.  Sourced after tree.sh, not run.
#
# They are kept beside the trees as regress-VERSION: src/test/regress of the source, nothing else.

# The Debian archive's parts that may hold sources of a suite: the archive proper, and its security updates.
source_lists()
{
	local suite=$1 mirror security key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'

	mirror=$(tree_mirror)
	security=$(tree_mirror Debian-Security)
	[ -n "$mirror" ] || return 1
	echo "deb-src $key $mirror $suite main"
	[ "$suite" = forky ] || [ -z "$security" ] || echo "deb-src $key $security $suite-security main"
}

# source_versions AREA MAJOR VERSION: what the archive lists of that major version, VERSION first, then the newest.
source_versions()
{
	TREE_APT=apt-cache tree_apt "$1" madison "postgresql-$2" 2>/dev/null | awk -F '|' '/Sources/ { gsub(/ /, "", $2); print $2 }' |
		sort -u -rV | awk -v wanted="$3" '
			index($0, wanted "-") == 1 { first = $0; next }
			{ rest = rest $0 "\n" }
			END { if (first) print first; printf "%s", rest }'
}

# source_regress VERSION: print the directory of the tests of PostgreSQL VERSION (15.20), fetching it when it is not
# cached.  Where the archive has lost that very version, those of another of the same major: the tests
# are run with and without phiguard on one server, so that it matters little which.
source_regress()
{
	local version=$1 major=${1%%[!0-9]*} suite cache area

	if [ -n "${PHIGUARD_PG_SOURCE-}" ]; then
		echo "$PHIGUARD_PG_SOURCE/src/test/regress"
		return
	fi
	cache=$(tree_cache)
	if [ -d "$cache/regress-$version" ]; then
		echo "$cache/regress-$version"
		return
	fi
	suite=$(tree_suite "$major") || return 1
	if ! command -v apt-get >/dev/null; then
		say "needs apt-get" >&2
		return 1
	fi
	say "fetching the source of PostgreSQL $version from Debian $suite (about 24 MB, its tests are kept in $cache)" >&2
	mkdir -p "$cache"
	area=$(mktemp -d "$cache/part.XXXXXX")
	if ! source_fetch "$area" "$suite" "$major" "$version"; then
		rm -rf "$area"
		return 1
	fi
	mv "$area/regress" "$cache/regress-$version"
	rm -rf "$area"
	echo "$cache/regress-$version"
}

# source_fetch AREA SUITE MAJOR VERSION: the tests into AREA/regress; the file VERSION in there says of what.
source_fetch()
{
	local area=$1 suite=$2 major=$3 version=$4 candidate

	mkdir -p "$area/lists/partial" "$area/cache/archives/partial"
	: >"$area/status"
	source_lists "$suite" >"$area/sources.list" || return 1
	tree_apt "$area" -o Acquire::Check-Valid-Until=false update >&2 || return 1
	for candidate in $(source_versions "$area" "$major" "$version"); do
		(cd "$area" && tree_apt "$area" source --tar-only --download-only "postgresql-$major=$candidate") >&2 || continue
		mkdir "$area/regress"
		tar -C "$area/regress" -xf "$area"/postgresql-*.orig.tar.* --wildcards --strip-components=4 '*/src/test/regress' || return 1
		echo "${candidate%%-*}" >"$area/regress/VERSION"
		return
	done
	say "no source of PostgreSQL $major could be had" >&2
	return 1
}
