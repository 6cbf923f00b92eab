#!/bin/bash
#
# run.sh: what phiguard costs, under sandbox.sh.  `make bench` calls it.
#
# Two servers, one without phiguard and one with it, the same statements turn by turn
# (client.c).  Prints markdown tables; docs/benchmarks.md holds a run.  ROUNDS and BATCH
# scale it.  INSTRUCTIONS=1 adds instruction counts under valgrind (minutes).

set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/server.sh"

ROUNDS=${ROUNDS:-21} BATCH=${BATCH:-2000} SECONDS_EACH=${SECONDS_EACH:-5}
client=$PHIG_WORK/client

heading()
{
	printf '\n%s\n\n| case | A, µs CPU | B, µs CPU | B - A | CPU ratio B/A, median (quartiles) | elapsed ratio |\n|---|---|---|---|---|---|\n' "$1"
}

conn()
{
	printf 'host=%s port=5432 user=postgres dbname=postgres' "$PHIG_WORK/$1/socket"
}

on()
{
	local server=$1

	shift
	PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 -d "$(conn "$server")" "$@"
}

# compare NAME MODE SQL_A SQL_B [SETUP_A SETUP_B]: plain server against phiguard's.
compare()
{
	"$client" "$1" "$2" "$BATCH" "$ROUNDS" "$(conn plain)" "$3" "$(conn phig)" "$4" "${5-}" "${6-}"
}

# within NAME MODE SQL_A SQL_B [SETUP_A SETUP_B]: both on phiguard's server.
within()
{
	"$client" "$1" "$2" "$BATCH" "$ROUNDS" "$(conn phig)" "$3" "$(conn phig)" "$4" "${5-}" "${6-}"
}

make_data()
{
	on "$1" <<-'SQL'
		CREATE TABLE plain_account (id int PRIMARY KEY, balance int, note text);
		INSERT INTO plain_account SELECT i, i % 1000, 'note ' || i FROM generate_series(1, 100000) i;
		CREATE TABLE patient (id int PRIMARY KEY, name text, ssn text, birth date);
		INSERT INTO patient SELECT i, 'Name ' || i, to_char(i, 'FM000000000'), date '1940-01-01' + i % 20000
		  FROM generate_series(1, 100000) i;
		CREATE TABLE visit (id int PRIMARY KEY, patient_id int, seen date, reason text);
		INSERT INTO visit SELECT i, i % 100000 + 1, date '2020-01-01' + i % 1000, 'reason ' || i % 50
		  FROM generate_series(1, 100000) i;
		CREATE TABLE big (id int, ssn text, birth date);
		INSERT INTO big SELECT i, to_char(i, 'FM000000000'), date '1940-01-01' + i % 20000 FROM generate_series(1, 1000000) i;
		CREATE TABLE patient_twin (LIKE patient INCLUDING ALL);
		CREATE TABLE visit_twin (LIKE visit INCLUDING ALL);
		INSERT INTO patient_twin SELECT * FROM patient;
		INSERT INTO visit_twin SELECT * FROM visit;
		VACUUM (ANALYZE, FREEZE);
	SQL
}

label_data()
{
	on phig <<-'SQL'
		CREATE EXTENSION phiguard;
		SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'ssn', 'ssn'),
		       phiguard.label('patient', 'birth', 'date kind=birth'), phiguard.label('visit', 'seen', 'date kind=event'),
		       phiguard.label('visit', 'reason', 'clinical'), phiguard.label('big', 'ssn', 'ssn'),
		       phiguard.label('big', 'birth', 'date kind=birth');
	SQL
}

# Labels on COUNT columns elsewhere in the database, 100 to a table.
more_labels()
{
	on phig -v count="$1" <<-'SQL' >/dev/null
		SELECT format('CREATE TABLE wide_%s (%s)', t, string_agg(format('c%s text', c), ', '))
		  FROM generate_series(1, :count / 100) t, generate_series(1, 100) c GROUP BY t \gexec
		SET phiguard.journal_sync = off;
		SELECT count(phiguard.label(format('wide_%s', t)::regclass, format('c%s', c)::name, 'name'))
		  FROM generate_series(1, :count / 100) t, generate_series(1, 100) c;
	SQL
}

# planning NAME: what the analysis adds to planning two labelled tables.
planning()
{
	on phig -v n=$((ROUNDS * 200)) -v name="$1" <<-'SQL'
		SET phiguard.journal_sync = off;
		CREATE OR REPLACE FUNCTION planning(suffix text) RETURNS float8 LANGUAGE plpgsql AS $$
		DECLARE plan json;
		BEGIN
		  EXECUTE format('EXPLAIN (SUMMARY, FORMAT JSON) SELECT p.name, v.seen FROM patient%s p JOIN visit%s v '
		    'ON v.patient_id = p.id WHERE p.ssn = %L AND v.reason <> %L ORDER BY v.seen', suffix, suffix, '123', 'x') INTO plan;
		  RETURN 1000 * (plan -> 0 ->> 'Planning Time')::float8;
		END $$;
		SELECT format('| %s | %s | %s | **%s** |', :'name', round(twin::numeric, 2), round(labelled::numeric, 2),
		              round((labelled - twin)::numeric, 2))
		  FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY planning('_twin')) twin,
		               percentile_cont(0.5) WITHIN GROUP (ORDER BY planning('')) labelled
		          FROM generate_series(1, :n)) t;
	SQL
}

# pgbench SERVER CLIENTS FILE: transactions a second.
tps()
{
	pgbench -h "$PHIG_WORK/$1/socket" -U postgres -n -M prepared -c "$2" -j 1 -T "$SECONDS_EACH" -f "$3" postgres 2>/dev/null |
		awk '/^tps/ { print $3 }'
}

# The median of paired ratios of TPS, phiguard to plain, for one file and number of clients.
tps_row()
{
	local i plain phig

	for i in 1 2 3 4 5; do
		plain=$(tps plain "$2" "$3")
		phig=$(tps phig "$2" "$3")
		printf '%s %s\n' "$plain" "$phig"
	done | awk -v name="$1" -v clients="$2" '
		{ r[NR] = $2 / $1; a[NR] = $1; b[NR] = $2 }
		END { n = asort_(r); asort_(a); asort_(b); printf "| %s | %d | %d | %d | %.3f |\n", name, clients, a[3], b[3], r[3] }
		function asort_(x,    i, j, t) { for (i = 1; i <= 5; i++) for (j = i + 1; j <= 5; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t }; return 5 }'
}

# Instructions of a backend per execution, under callgrind: from the difference of two counts, so that
# what a session costs by itself drops out.
instructions_of()
{
	local server=$1 mode=$2 sql=$3 setup=$4 out=$PHIG_WORK/callgrind few many

	rm -rf "$out"
	mkdir -p "$out"
	valgrind --quiet --tool=callgrind --trace-children=yes --callgrind-out-file="$out/%p" \
		"$(command -v postgres)" -D "$PHIG_WORK/$server/data" >"$out/log" 2>&1 &
	local pid=$!
	until psql -XqAt -d "$(conn "$server")" -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.5; done
	few=$("$client" run "$mode" 500 "$(conn "$server")" "$sql" "$setup")
	many=$("$client" run "$mode" 2500 "$(conn "$server")" "$sql" "$setup")
	kill -INT $pid
	wait $pid || true
	awk '/^summary:|^totals:/ { n[FILENAME] = $2 } END { print (n[ARGV[2]] - n[ARGV[1]]) / 2000 }' "$out/$few" "$out/$many"
}

# instructions NAME MODE SQL [SETUP]: per execution, both servers.
instructions()
{
	local a b

	a=$(instructions_of plain "$2" "$3" "${4-}")
	b=$(instructions_of phig "$2" "$3" "${4-}")
	awk -v name="$1" -v a="$a" -v b="$b" 'BEGIN { printf "| %s | %d | %d | %d | **%.4f** |\n", name, a, b, b - a, b / a }'
}

${CC:-cc} -O2 -I"$(pg_config --includedir)" -I/usr/include/postgresql "$(dirname "$0")/client.c" -o "$client" -lpq
settings=('shared_buffers = 512MB' 'fsync = on' 'autovacuum = off' 'max_parallel_workers_per_gather = 0' 'max_connections = 40')
server_init plain "${settings[@]}" "shared_preload_libraries = ''"
server_init phig "${settings[@]}"
server_start plain
make_data plain
server_start phig
make_data phig
label_data

printf 'PostgreSQL %s, %s rounds of %s statements, %s CPUs\n' "$(postgres --version | awk '{ print $3 }')" "$ROUNDS" "$BATCH" "$(nproc)"

heading 'Statements without PHI: A = PostgreSQL, B = with phiguard loaded'
point='SELECT balance FROM plain_account WHERE id = '
compare 'point read, simple' simple "$point%d" "$point%d"
compare 'point read, prepared' prepared "$point\$1::int" "$point\$1::int"
compare 'update, prepared' prepared 'UPDATE plain_account SET balance = balance + 1 WHERE id = $1::int' \
	'UPDATE plain_account SET balance = balance + 1 WHERE id = $1::int' 'SET synchronous_commit = off' 'SET synchronous_commit = off'

heading 'Point reads of a labelled table, prepared: A = PostgreSQL, B = phiguard, by journal_sync'
point='SELECT ssn FROM patient WHERE id = $1::int'
for sync in off write on; do
	compare "journal_sync = $sync" prepared "$point" "$point" '' "SET phiguard.journal_sync = $sync"
done

heading 'Scan of 1 million rows of labelled columns (a statement each)'
scan='SELECT count(ssn), max(birth) FROM big'
BATCH=1 compare 'scan, journal_sync = on' simple "$scan" "$scan" 'SET max_parallel_workers_per_gather = 0' 'SET max_parallel_workers_per_gather = 0'

printf '\nPlanning time of a join of two tables, as EXPLAIN (SUMMARY) reports it: medians of %s plans each, turn by turn\n\n' $((ROUNDS * 200))
printf '| case | twin without labels, µs | labelled, µs | added, µs |\n|---|---|---|---|\n'
planning '7 labelled columns in the database'
more_labels 10000
planning '10,007 labelled columns in the database'

heading 'Claims of a pooled connection, a transaction each: A = SET LOCAL of a setting of nobody, B = of phiguard.app_user'
setup='PREPARE q(int) AS SELECT balance FROM plain_account WHERE id = $1'
within 'SET LOCAL app_user, then a prepared statement without PHI' simple \
	"BEGIN; SET LOCAL my.app_user = 'u%d'; EXECUTE q(%d); COMMIT" \
	"BEGIN; SET LOCAL phiguard.app_user = 'u%d'; EXECUTE q(%d); COMMIT" "$setup" "$setup"
within 'SET LOCAL purpose, then a prepared statement without PHI' simple \
	"BEGIN; SET LOCAL my.purpose = 'p%d'; EXECUTE q(%d); COMMIT" \
	"BEGIN; SET LOCAL phiguard.purpose = 'p%d'; EXECUTE q(%d); COMMIT" "$setup" "$setup"

printf '\nTransactions a second, prepared point reads (pgbench, 5 pairs of %s s)\n\n| case | clients | PostgreSQL | phiguard | ratio, median of pairs |\n|---|---|---|---|---|\n' "$SECONDS_EACH"
printf '\\set id random(1, 100000)\nSELECT balance FROM plain_account WHERE id = :id;\n' >"$PHIG_WORK/unlabelled.sql"
printf '\\set id random(1, 100000)\nSELECT ssn FROM patient WHERE id = :id;\n' >"$PHIG_WORK/labelled.sql"
for clients in 1 8; do
	tps_row 'no PHI' $clients "$PHIG_WORK/unlabelled.sql"
	for sync in off write on; do
		on phig -c "ALTER SYSTEM SET phiguard.journal_sync = $sync" -c 'SELECT pg_reload_conf()' >/dev/null
		sleep 0.5
		tps_row "labelled, journal_sync = $sync" $clients "$PHIG_WORK/labelled.sql"
	done
done
server_stop plain
server_stop phig

"$(dirname "$0")/verify.sh"

if [ -n "${INSTRUCTIONS-}" ]; then
	printf '\nInstructions of a backend per statement (callgrind)\n\n| case | PostgreSQL | phiguard | more | ratio |\n|---|---|---|---|---|\n'
	instructions 'no PHI, point read, simple' simple 'SELECT balance FROM plain_account WHERE id = %d'
	instructions 'no PHI, point read, prepared' prepared 'SELECT balance FROM plain_account WHERE id = $1::int'
	instructions 'no PHI, update, prepared' prepared 'UPDATE plain_account SET balance = balance + 1 WHERE id = $1::int'
	for sync in off write; do
		printf 'phiguard.journal_sync = %s\n' $sync >>"$PHIG_WORK/phig/data/postgresql.auto.conf"
		instructions "labelled point read, prepared, journal_sync = $sync" prepared 'SELECT ssn FROM patient WHERE id = $1::int'
	done
fi
