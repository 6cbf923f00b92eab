# tree.sh: other versions of PostgreSQL, from the Debian archive.  Sourced, not run.
#
# A tree is a directory with the files of the packages that building and testing
# need: downloaded by apt with its signatures verified, unpacked, never
# "installed" (no maintainer script runs, nothing of this machine changes, root is
# not needed).  A command enters it with a user namespace, or as root with chroot.
#
# Trees are kept in ${PHIGUARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/phiguard}; remove that to fetch anew.

tree_packages="base-files base-passwd bash coreutils dash grep gzip sed mawk findutils diffutils tar
	util-linux hostname gcc make libc6-dev libpcre2-dev libssl-dev libkrb5-dev libipc-run-perl"

# postgresql-server-dev depends on compilers for bitcode, half of all bytes; nothing here uses them.
tree_unwanted='/(base-files|clang-|llvm-|lib(llvm|clang)|python3|systemd|libz3|.*-locales|lib(objc|.*san[0-9]))'

tree_suite()
{
	case $1 in
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo forky ;;
		*) return 1 ;;
	esac
}

# The archive this machine itself installs from, or its part with another label.
tree_mirror()
{
	apt-get indextargets 'Identifier: Packages' --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
		sed -n "s/^Debian|${1:-Debian}|//p" | head -n 1
}

tree_cache()
{
	echo "${PHIGUARD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/phiguard}"
}

# tree_apt AREA ARGUMENT...: apt-get (or TREE_APT) on lists and a package state of AREA's own.
tree_apt()
{
	local area=$1

	shift
	"${TREE_APT:-apt-get}" -qq -o Dir::Etc::sourcelist="$area/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::lists="$area/lists" -o Dir::State::status="$area/status" -o Dir::Cache="$area/cache" \
		-o Debug::NoLocking=1 -o Acquire::Languages=none -o APT::Sandbox::User= -o Acquire::Retries=3 "$@"
}

# tree_download AREA SUITE MAJOR PACKAGES: their files, into AREA/cache/archives.
tree_download()
{
	local area=$1 suite=$2 major=$3 packages=$4 mirror fresh=()

	mirror=$(tree_mirror)
	if [ -z "$mirror" ]; then
		say "apt on this machine names no Debian archive" >&2
		return 1
	fi
	# Mirrors of the testing suite may lag behind the date in its signed Release file; still signed.
	[ "$suite" = forky ] && fresh=(-o Acquire::Check-Valid-Until=false)
	mkdir -p "$area/lists/partial" "$area/cache/archives/partial"
	: >"$area/status"
	printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
		deb "$mirror" "$suite" deb-src "$mirror" "$suite" >"$area/sources.list"
	tree_apt "$area" "${fresh[@]}" update >&2 || return 1
	# shellcheck disable=SC2086
	tree_apt "$area" "${fresh[@]}" -y --download-only --no-install-recommends install $packages \
		"postgresql-$major" "postgresql-server-dev-$major" >&2
}

# tree_assert AREA DIR MAJOR: build the server from Debian's source into DIR/opt/assert, with its
# own assertions on: it then checks memory, locks and snapshots of all that runs in it.
tree_assert()
{
	local area=$1 dir=$2 major=$3

	say "building PostgreSQL $major with assertions, for some minutes" >&2
	mkdir -p "$area/build"
	(cd "$area/build" && tree_apt "$area" source --download-only "postgresql-$major") >&2 || return 1
	tree_enter "$dir" "$area/build" PATH=/usr/bin:/bin HOME=/tmp sh -c '
		cd /tmp && tar -xf postgresql-*.orig.tar.* && cd postgresql-*/ &&
		./configure --prefix=/opt/assert --enable-cassert --enable-debug --enable-tap-tests --with-openssl --with-libxml \
			--without-readline --without-zlib --without-icu CFLAGS="-O1 -g" &&
		make -s -j2 && make -s install && make -s -j2 -C contrib install' >"$area/log" 2>&1 || { tail -n 20 "$area/log" >&2; return 1; }
}

# tree_unpack AREA DIR: base-files goes first, since it carries the links /bin, /lib, /sbin.
tree_unpack()
{
	local area=$1 dir=$2 name

	mkdir -p "$dir/proc" "$dir/dev" "$dir/tmp" "$dir/src"
	for name in bin sbin lib lib64; do
		mkdir -p "$dir/usr/$name"
		ln -s "usr/$name" "$dir/$name"
	done
	{
		ls "$area"/cache/archives/base-files_*.deb
		ls "$area"/cache/archives/*.deb | grep -vE "$tree_unwanted"
	} | while read -r name; do
		dpkg-deb --fsys-tarfile "$name" |
			tar -x -C "$dir" --no-same-owner --keep-directory-symlink --exclude=./usr/share/doc \
				--exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/share/info || return 1
	done
	printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:101:101::/tmp:/bin/sh\n' >"$dir/etc/passwd"
	printf 'root:x:0:\npostgres:x:101:\n' >"$dir/etc/group"
	ln -sf mawk "$dir/usr/bin/awk"
	[ -e "$dir/usr/bin/sh" ] || ln -s dash "$dir/usr/bin/sh"
}

# tree_make MAJOR [assert]: print the tree's directory, making it when it is not cached.
tree_make()
{
	local major=$1 variant=${2-} suite cache dir part packages=$tree_packages

	if ! suite=$(tree_suite "$major"); then
		say "no suite of Debian is known for PostgreSQL $major" >&2
		return 1
	fi
	# pgaudit, the package, is of no use to a server of our own.
	if [ -z "$variant" ]; then
		packages="$packages postgresql-$major-pgaudit"
	else
		packages="$packages bison flex bzip2 pkgconf libxml2-dev sqlsmith"
	fi
	cache=$(tree_cache)
	# Another list of packages, or another way to build, is another tree.
	dir=$cache/$suite-$major${variant:+-$variant}-$({ echo $packages; [ -z "$variant" ] || declare -f tree_assert; } | cksum | cut -d' ' -f1)
	if [ ! -d "$dir" ]; then
		if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
			say "needs apt-get and dpkg-deb" >&2
			return 1
		fi
		say "fetching PostgreSQL $major and what it needs from Debian $suite (about 270 MB, kept in $cache)" >&2
		mkdir -p "$cache"
		part=$(mktemp -d "$cache/part.XXXXXX")
		# A tree gets its name when it is whole.
		if ! { tree_download "$part/apt" "$suite" "$major" "$packages" && tree_unpack "$part/apt" "$part/tree" &&
			{ [ -z "$variant" ] || tree_assert "$part/apt" "$part/tree" "$major"; } && mv "$part/tree" "$dir"; }; then
			rm -rf "$part"
			return 1
		fi
		rm -rf "$part"
	fi
	echo "$dir"
}

# tree_enter TREE TMP COMMAND...: run COMMAND inside TREE, in /src (this checkout), with TMP as /tmp.
#
# A small file system is at /mnt, for tests of full disks.  Inside, the user is postgres and cannot be root; where user namespaces are
# forbidden, root enters by chroot and the sandbox drops to postgres itself.
tree_enter()
{
	local tree=$1 tmp=$2 namespace privileges

	shift 2
	if unshare --user --map-user=101 --map-group=101 --keep-caps --mount --pid --fork true 2>/dev/null; then
		namespace="--user --map-user=101 --map-group=101 --keep-caps"
		privileges="setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all"
	elif [ "$(id -u)" = 0 ]; then
		namespace="--propagation private"
		privileges=""
		chmod 1777 "$tmp"
	else
		say "user namespaces are forbidden here and this is not root" >&2
		return 1
	fi
	# shellcheck disable=SC2086
	TREE=$tree TMP=$tmp SRC=$PHIG_ROOT PRIVILEGES=$privileges \
		unshare $namespace --mount --pid --fork --kill-child sh -c '
			mount -t proc proc "$TREE/proc" 2>/dev/null || mount --rbind /proc "$TREE/proc"
			mount --rbind /dev "$TREE/dev" && mount --bind "$TMP" "$TREE/tmp" && mount --bind "$SRC" "$TREE/src" || exit 1
			mkdir -p "$TREE/mnt" && mount -t tmpfs -o size=8m,mode=1777 small "$TREE/mnt" || exit 1
			exec chroot "$TREE" $PRIVILEGES env -i -C /src PHIG_DISK=/mnt "$@"' sh "$@"
}
