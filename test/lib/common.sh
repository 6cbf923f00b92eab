# common.sh: what every script under test/ shares.  Sourced, not run.

# Ordinary users have no sbin in theirs, and chroot is there.
PATH=$PATH:/usr/sbin:/sbin
PHIG_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# A tally is a file of lines "PASSED FAILED"; lanes append, the last one to run adds up.
tally_add()
{
	printf '%d %d\n' "$2" "$3" >>"$1"
}

# Print the sum as the plain line that ends a run; fail where something failed or nothing ran.
tally_report()
{
	local passed failed

	read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$1")
	if ((passed + failed == 0)); then
		say "no test was run"
	fi
	say "$passed passed, $failed failed"
	((passed > 0 && failed == 0))
}

# The server's version as directories and reports name it: 17.12, or 17.12-assert.
server_version()
{
	local config=${PG_CONFIG:-pg_config} variant=

	case $($config --configure) in
		*--enable-cassert*) variant=-assert ;;
	esac
	printf '%s%s' "$($config --version | awk '{ print $2 }')" $variant
}
