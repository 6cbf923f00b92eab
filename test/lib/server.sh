# server.sh: private servers, for commands that run under sandbox.sh.  Sourced, not run.
#
# Each server has a name, a data directory and a socket directory under PHIG_WORK,
# and no TCP port.  Several can run side by side.

# Create server NAME; further arguments are lines of its postgresql.conf.
server_init()
{
	local name=$1 data=$PHIG_WORK/$1/data line

	shift
	mkdir -p "$PHIG_WORK/$name/socket"
	initdb -D "$data" -A trust -N -E UTF8 --locale=C >"$PHIG_WORK/$name/initdb.log"
	cat >>"$data/postgresql.conf" <<-CONF
		unix_socket_directories = '$PHIG_WORK/$name/socket'
		listen_addresses = ''
		shared_preload_libraries = 'phiguard'
		fsync = off
		jit = off
		max_prepared_transactions = 4
		log_line_prefix = '%m [%p] %q%a '
	CONF
	for line in "$@"; do
		printf '%s\n' "$line" >>"$data/postgresql.conf"
	done
}

# Start server NAME and point psql and the other programs at it.
server_start()
{
	if ! pg_ctl -D "$PHIG_WORK/$1/data" -l "$PHIG_WORK/$1/log" -w start >/dev/null; then
		cat "$PHIG_WORK/$1/log" >&2
		return 1
	fi
	server_use "$1"
}

server_use()
{
	export PGHOST=$PHIG_WORK/$1/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
	export PGDATA=$PHIG_WORK/$1/data
}

# Stop server NAME; the second argument is pg_ctl's mode (fast unless told).
server_stop()
{
	pg_ctl -D "$PHIG_WORK/$1/data" -m "${2:-fast}" -w stop >/dev/null
}
