# packages.sh: what building and testing need, and getting it.  Sourced, not run.
#
# What counts is whether a thing is there, not which package brought it: a
# PostgreSQL built from source is as good.

# What apt has to say is of interest when it fails.
apt_quietly()
{
	local log status=0

	log=$(mktemp "${TMPDIR:-/tmp}/phiguard-apt.XXXXXX")
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	return $status
}

# The server's major version: the one pg_config speaks of, else the distribution's own.
wanted_major()
{
	local version

	version=$("${PG_CONFIG:-pg_config}" --version 2>/dev/null | awk '{ print $2 }')
	if [ -z "$version" ]; then
		version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
	fi
	printf '%s' "${version%%[!0-9]*}"
}

has_header()
{
	echo "#include <$1>" | ${CC:-gcc} -E -x c - >/dev/null 2>&1
}

has_pcre2()
{
	printf '#define PCRE2_CODE_UNIT_WIDTH 8\n#include <pcre2.h>\n' | ${CC:-gcc} -E -x c - >/dev/null 2>&1
}

# Names of the packages whose things are missing, one a line; nothing when all is there.
missing_packages()
{
	local config=${PG_CONFIG:-pg_config} major pgxs

	major=$(wanted_major)
	pgxs=$(dirname "$(dirname "$($config --pgxs 2>/dev/null)")")
	[ -x "$($config --bindir 2>/dev/null)/postgres" ] || echo "postgresql-${major:-NN}"
	[ -r "$pgxs/makefiles/pgxs.mk" ] && [ -r "$($config --includedir-server)/postgres.h" ] ||
		echo "postgresql-server-dev-${major:-NN}"
	[ -x "$pgxs/test/regress/pg_regress" ] && [ -r "$pgxs/test/perl/PostgreSQL/Test/Cluster.pm" ] ||
		echo "postgresql-client-${major:-NN}"
	if ! command -v "${CC:-gcc}" >/dev/null; then
		echo "${CC:-gcc}"
	fi
	has_header stdio.h || echo libc6-dev
	has_header openssl/evp.h || echo libssl-dev
	has_pcre2 || echo libpcre2-dev
	has_header gssapi.h || has_header gssapi/gssapi.h || echo libkrb5-dev
	command -v prove >/dev/null || echo perl
	command -v openssl >/dev/null || echo openssl
	perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
	command -v setpriv >/dev/null || echo util-linux
}

online_clusters()
{
	{ pg_lsclusters -h 2>/dev/null || true; } | awk '$4 ~ /^online/ { print $1, $2 }' | sort
}

# Installing a server package starts a server: ours are private, so that one is stopped again.
stop_new_clusters()
{
	local version name

	comm -13 <(printf '%s\n' "$1") <(online_clusters) | while read -r version name; do
		say "stopping the server $version/$name that the package started"
		pg_ctlcluster "$version" "$name" stop
	done
}

ensure_packages()
{
	local missing before

	missing=$(missing_packages | sort -u | xargs)
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		die "missing here, by their Debian package names: $missing"
	fi
	if [ "$(id -u)" != 0 ]; then
		die "missing packages; as root, run: apt-get install $missing"
	fi
	# Without package lists the server's version is not known yet.
	say "fetching the distribution's package lists"
	apt_quietly update
	missing=$(missing_packages | sort -u | xargs)
	say "installing from the distribution's packages: $missing"
	before=$(online_clusters)
	# shellcheck disable=SC2086
	apt_quietly install -y --no-install-recommends $missing
	stop_new_clusters "$before"
	missing=$(missing_packages | sort -u | xargs)
	[ -z "$missing" ] || die "still missing after installing: $missing"
}

# pgaudit, beside the distribution's server: other servers are tested without it.
ensure_pgaudit()
{
	local major directory

	major=$(wanted_major)
	directory=$("${PG_CONFIG:-pg_config}" --pkglibdir)
	[ "$directory" = "/usr/lib/postgresql/$major/lib" ] && [ ! -e "$directory/pgaudit.so" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		die "pgaudit is missing here; as root, run: apt-get install postgresql-$major-pgaudit"
	fi
	say "installing from the distribution's packages: postgresql-$major-pgaudit"
	apt_quietly update
	apt_quietly install -y --no-install-recommends "postgresql-$major-pgaudit"
}

# ensure_command PACKAGE: for tools that only some jobs need, named as their package is.
ensure_command()
{
	! command -v "$1" >/dev/null || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		die "$1 is missing here; as root, run: apt-get install $1"
	fi
	say "installing from the distribution's packages: $1"
	apt_quietly update
	apt_quietly install -y --no-install-recommends "$1"
}

# What data scientists read extracts with, in the distribution's own Python: docs/extracts.md is run with it.
ensure_python_packages()
{
	local packages="python3-sklearn python3-pandas python3-sqlalchemy python3-psycopg python3-psycopg2"

	! /usr/bin/python3 -c 'import sklearn, pandas, sqlalchemy, psycopg, psycopg2' 2>/dev/null || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		die "missing here; as root, run: apt-get install $packages"
	fi
	say "installing from the distribution's packages: $packages"
	apt_quietly update
	# shellcheck disable=SC2086
	apt_quietly install -y --no-install-recommends $packages
}
