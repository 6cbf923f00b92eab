#!/bin/bash
#
# sandbox.sh COMMAND [ARGUMENT]...
#
# Builds phiguard, installs it into a private copy of the server (a "stage"), and
# runs COMMAND there as an unprivileged user, in a copy of this checkout.
# Nothing is installed into the system, and no server outlives the command.
#
# COMMAND finds:
#   PATH          the stage's server programs first
#   PHIG_WORK     a directory of its own, gone afterwards
#   PHIG_OUT      what is written here comes back as build/out/<version>/; pages that it changes
#                 under docs/ come back too, where PHIG_UPDATE_DOCS is set
#   PHIG_PGXS     the server's test tools (pg_regress and others)
#   PHIG_WORK/regress   the server's own tests, where PHIG_REGRESS names a directory that has them
#   PHIG_WORK/other     another version's server, where PHIG_OTHER names a directory that has one (other.sh)
#   PHIG_DISK     a file system of its own, of 8 MB; empty where the kernel lets nobody mount one
#   and server.sh, beside this file, to start servers.
#
# Environment: PG_CONFIG, CC, WERROR as in the Makefile; variables named PHIG_* or in
# PHIG_PASS (a list of names) are handed on, no other.

set -euo pipefail
. "$(dirname "$0")/common.sh"

config=${PG_CONFIG:-pg_config}
work=$(mktemp -d "${TMPDIR:-/tmp}/phiguard.XXXXXX")
stage=$work/stage
bindir=$stage$($config --bindir)
version=$(server_version)

# Servers die with the sandbox, also when it is interrupted.
finish()
{
	local status=$? pidfile out=$PHIG_ROOT/build/out/$version

	trap - EXIT
	find "$work" -name postmaster.pid 2>/dev/null | while read -r pidfile; do
		unprivileged "$bindir/pg_ctl" -D "$(dirname "$pidfile")" -m immediate stop >/dev/null 2>&1 || true
	done
	mkdir -p "$out"
	rm -rf "${out:?}"/*
	cp -r "$work/out/." "$out/" 2>/dev/null || true
	[ -z "${PHIG_UPDATE_DOCS-}" ] || fetch_docs
	if [ -n "${PHIG_KEEP-}" ]; then
		say "kept: $work"
	else
		rm -rf "$work"
	fi
	exit $status
}

# Pages that tests write (docs/coverage.md) come back where that was asked for.
fetch_docs()
{
	local page

	for page in "$work"/src/docs/*.md; do
		cmp -s "$page" "$PHIG_ROOT/docs/$(basename "$page")" || cat "$page" >"$PHIG_ROOT/docs/$(basename "$page")"
	done
}

# PostgreSQL refuses to run as root; anyone else runs it as himself.
unprivileged()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
	else
		"$@"
	fi
}

# What COMMAND runs under, and with it a small file system, where the kernel lets us mount one;
# inside a tree (tree.sh) there is one already.
enter_with_disk()
{
	local mount='mount -t tmpfs -o size=8m,mode=1777 small "$0"' namespace privileges

	enter=(unprivileged)
	[ -z "$disk" ] || return 0
	mkdir -p "$work/disk"
	if [ "$(id -u)" = 0 ]; then
		namespace="unshare --mount"
		privileges="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
	else
		namespace="unshare --user --map-user=$(id -u) --map-group=$(id -g) --keep-caps --mount"
		privileges="setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all"
	fi
	if $namespace sh -c "$mount" "$work/disk" 2>/dev/null; then
		disk=$work/disk
		enter=($namespace sh -c "$mount && exec $privileges \"\$@\"" "$disk")
	fi
}

# A relocated server: programs find lib and share relative to themselves, so
# copying them, with links for the rest, makes an installation that is ours to change.
make_stage()
{
	local dir

	mkdir -p "$bindir"
	cp -a "$($config --bindir)/." "$bindir/"
	for dir in "$($config --pkglibdir)" "$($config --sharedir)"; do
		mkdir -p "$stage$(dirname "$dir")"
		cp -as "$dir" "$stage$dir"
	done
	mkdir -p "$stage$(dirname "$($config --includedir-server)")"
	ln -s "$($config --includedir-server)" "$stage$($config --includedir-server)"
	# The superuser is postgres, whoever runs the tests.
	mv "$bindir/initdb" "$bindir/initdb.real"
	cat >"$bindir/initdb" <<-INITDB
		#!/bin/sh
		case \$1 in -V | --version) exec "$bindir/initdb.real" -V ;; esac
		exec "$bindir/initdb.real" -U postgres "\$@"
	INITDB
	chmod +x "$bindir/initdb"
	make -s -C "$PHIG_ROOT" install DESTDIR="$stage"
}

copy_checkout()
{
	mkdir -p "$work/src" "$work/out" "$work/tmp"
	tar -C "$PHIG_ROOT" --exclude=./.git --exclude=./build -cf - . | tar -C "$work/src" -xf - --no-same-owner
	# pg_regress looks for expected/ beside sql/.
	ln -s ../expected "$work/src/test/expected"
	[ -z "${PHIG_REGRESS-}" ] || cp -r "$PHIG_REGRESS" "$work/regress"
	[ -z "${PHIG_OTHER-}" ] || cp -a "$PHIG_OTHER" "$work/other"
}

user=postgres
disk=${PHIG_DISK-}
if [ "$(id -u)" = 0 ]; then
	id -u $user >/dev/null 2>&1 || user=nobody
fi
trap finish EXIT
trap 'exit 130' INT TERM HUP

make -s -j2 -C "$PHIG_ROOT" all
make_stage
copy_checkout
pgxs=$(dirname "$(dirname "$($config --pgxs)")")
pass=()
for name in ${!PHIG_*} ${PHIG_PASS-}; do
	[ "$name" = PHIG_ROOT ] || pass+=("$name=${!name-}")
done
if [ "$(id -u)" = 0 ]; then
	chown -R "$user" "$work"
	chmod 711 "$work"
fi
cd "$work/src"
enter_with_disk
"${enter[@]}" env -i "${pass[@]}" HOME="$work/tmp" TMPDIR="$work/tmp" LANG=C TERM="${TERM:-dumb}" \
	PATH="$bindir:/usr/local/bin:/usr/bin:/bin" PG_CONFIG="$bindir/pg_config" \
	PHIG_WORK="$work" PHIG_OUT="$work/out" PHIG_PGXS="$pgxs" PHIG_DISK="$disk" "$@"
