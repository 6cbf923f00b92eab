# other.sh: a server of another version that runs beside this machine's own.  Sourced, behind tree.sh.
#
# pg_upgrade wants the programs of two versions in one place.  Those of a tree run outside of it by the tree's own
# dynamic loader and libraries: each program becomes a script that says so.  The directory may be moved.

# other_server MAJOR DIR: PostgreSQL MAJOR with phiguard, in DIR: programs in DIR/usr/lib/postgresql/MAJOR/bin.
other_server()
{
	local major=$1 dir=$2 home=usr/lib/postgresql/$1 tree program

	tree=$(tree_make "$major") || return 1
	mkdir -p "$dir/lib"
	# What is installed goes to /tmp of the tree, which is DIR.
	tree_enter "$tree" "$dir" PATH=/usr/bin:/bin HOME=/tmp PG_CONFIG="/$home/bin/pg_config" HOME_OF="/$home" sh -c '
		make -s -j2 all >&2 && mkdir -p "/tmp$HOME_OF" /tmp/usr/share/postgresql &&
		cp -a "$HOME_OF/bin" "$HOME_OF/lib" "/tmp$HOME_OF/" && cp -aL "/usr/share/postgresql/${HOME_OF##*/}" /tmp/usr/share/postgresql/ &&
		make -s install DESTDIR=/tmp >&2 &&
		ldd "/tmp$HOME_OF"/bin/* "/tmp$HOME_OF"/lib/*.so 2>/dev/null |
			awk "\$3 ~ /^\\// { print \$3 } \$1 ~ /^\\/.*ld-linux/ { print \$1 }" | sort -u | xargs cp -Lt /tmp/lib' || return 1
	mkdir "$dir/$home/programs"
	for program in "$dir/$home/bin"/*; do
		program=${program##*/}
		mv "$dir/$home/bin/$program" "$dir/$home/programs/$program"
		cat >"$dir/$home/bin/$program" <<-PROGRAM
			#!/bin/sh
			bin=\$(cd "\$(dirname "\$0")" && pwd)
			exec "\$bin"/../../../../../lib/ld-linux-* --library-path "\$bin/../../../../../lib" --argv0 "\$bin/$program" "\$bin/../programs/$program" "\$@"
		PROGRAM
		chmod 755 "$dir/$home/bin/$program"
	done
}
