#!/bin/bash
#
# search.sh: searches of a long journal, cold of everything but the summaries, under sandbox.sh.  `make bench` calls it.
#
# A journal of EXECUTIONS (search_gen.c; three records each, 260 bytes) lies in the server's directory as another node's.  Before
# each search the kernel's cache is emptied of its segments.  EXECUTIONS=34000000 is 100 million records,
# 9 GB on disk, and takes some minutes.

set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/server.sh"

EXECUTIONS=${EXECUTIONS:-1000000} ROUNDS=${ROUNDS:-5}
rounds=$((ROUNDS < 5 ? 5 : ROUNDS))

# Once: ticks of CPU time, bytes from disk and the clock of a backend, before and after.
measure()
{
	local file

	for file in "$journal"/*.seg; do
		dd if="$file" iflag=nocache count=0 status=none
	done
	cat "$journal"/*.sum >"$PHIG_WORK/answer"
	PGOPTIONS='-c client_min_messages=error' psql -XqAt -v ON_ERROR_STOP=1 <<-SQL >"$PHIG_WORK/measured"
		SELECT count(*) FROM phiguard.access_log WHERE position < 0;
		SELECT 'at', extract(epoch FROM clock_timestamp()), pg_read_file('/proc/self/stat'), pg_read_file('/proc/self/io');
		SELECT 'rows', count(*) FROM phiguard.access_log WHERE $1;
		SELECT 'at', extract(epoch FROM clock_timestamp()), pg_read_file('/proc/self/stat'), pg_read_file('/proc/self/io');
	SQL
	awk -F'|' -v hz="$(getconf CLK_TCK)" '
		$1 == "rows" { rows = $2 }
		$1 == "at" { clock[++n] = $2; sub(/.*\) /, ""); split($0, f, " "); ticks[n] = f[12] + f[13] }
		/^read_bytes:/ { sub(/.* /, ""); bytes[n] = $0 }
		END { print rows, clock[2] - clock[1], (ticks[2] - ticks[1]) / hz, (bytes[2] - bytes[1]) / 1e6 }' "$PHIG_WORK/measured"
}

# row NAME CONDITION
row()
{
	local name=$1 round segments

	segments=$(psql -XqAtc "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM phiguard.access_log WHERE $2" |
		sed -n 's/.*Journal Segments: \([0-9]*\) of.*/\1/p')
	for ((round = 0; round < rounds; round++)); do
		measure "$2"
	done | awk -v name="$name" -v segments="$segments" '
		{ rows = $1; e[NR] = $2; c[NR] = $3; b[NR] = $4 }
		END { sort(e); sort(c); sort(b); m = int((NR + 1) / 2)
			printf "| %s | %d | %d | %.0f | %.2f s | **%.2f** s (%.2f-%.2f) |\n", name, rows, segments, b[m], c[m], e[m], e[1], e[NR] }
		function sort(x,    i, j, t) { for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t } }'
}

${CC:-cc} -O2 -Isrc "$(dirname "$0")/../lib/search_gen.c" src/journal/chain.c -o "$PHIG_WORK/search_gen" -lcrypto
server_init search 'max_connections = 10' 'autovacuum = off'
server_start search
psql -XqAtc 'CREATE EXTENSION phiguard'
journal=$PGDATA/phiguard/journal
"$PHIG_WORK/search_gen" "$journal" "$EXECUTIONS" 16384 $((EXECUTIONS / 7)) >"$PHIG_WORK/said"
mapfile -t said <"$PHIG_WORK/said"
segments=$(find "$journal" -name 'dddddddd-*.seg' | wc -l)
psql -XqAtc 'SELECT pg_reload_conf()' >/dev/null
until [ "$(find "$journal" -name 'dddddddd-*.sum' | wc -l)" = $((segments - 1)) ]; do sleep 0.2; done

printf '\nSearches of a journal of %s; summaries take %s of it\n\n' "${said[0]}" \
	"$(du -bc "$journal"/dddddddd-*.sum "$journal"/dddddddd-*.seg | awk '/\.sum$/ { s += $1 } /\.seg$/ { j += $1 } END { printf "%.2f %%", 100 * s / j }')"
printf '| search | rows | segments looked into | MB from disk | CPU, median | elapsed, median (range) |\n|---|---|---|---|---|---|\n'
row 'a person' "'${said[1]}' = ANY (subjects)"
row 'another person' "'${said[2]}' = ANY (subjects)"
row 'a person whom nobody saw' "'0123456789abcdef0123456789abcdef' = ANY (subjects)"
row 'a role on one day' "active_role = 'role_7' AND started >= '2025-03-01 UTC' AND started < '2025-03-02 UTC'"
row 'a column of a relation that few read' "'research.registry.ssn' = ANY (returned)"
server_stop search
