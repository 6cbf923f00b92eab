#!/bin/bash
#
# run.sh: what phiguard costs, under sandbox.sh.  `make bench` calls it.
#
# Three servers, one without phiguard, one with it and one with pgaudit, the same statements
# turn by turn (client.c, pgbench).  Prints markdown tables; docs/benchmarks.md holds a run.
# ROUNDS, BATCH, SECONDS_EACH, MEGABYTES (verification) and EXECUTIONS (search) scale it, PARTS names some of its parts (the
# functions below).
# INSTRUCTIONS=1 adds instruction counts under valgrind (minutes).

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
		CREATE UNLOGGED TABLE bulk (LIKE big);
		CREATE TABLE parted (id int, ssn text, note text) PARTITION BY RANGE (id);
		SELECT format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES FROM (%s) TO (%s)', i, (i - 1) * 5000 + 1, i * 5000 + 1)
		  FROM generate_series(1, 20) i \gexec
		INSERT INTO parted SELECT i * 500 + 1, to_char(i, 'FM000000000'), i FROM generate_series(0, 199) i;
		CREATE INDEX ON parted (id);
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
		       phiguard.label('big', 'birth', 'date kind=birth'), phiguard.label('bulk', 'ssn', 'ssn'),
		       phiguard.label('bulk', 'birth', 'date kind=birth'), phiguard.label('parted', 'ssn', 'ssn');
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

# tps CLIENTS MODE SERVER FILE [OPTIONS]: transactions a second; OPTIONS as for PGOPTIONS.
tps()
{
	local pin=()

	[ -z "${PIN-}" ] || pin=(taskset -c "$PIN")
	PGOPTIONS=${5-} "${pin[@]}" pgbench -h "$PHIG_WORK/$3/socket" -U postgres -n -M "$2" -c "$1" -j 1 \
		-T "$(($1 > 8 ? SECONDS_EACH * 2 : SECONDS_EACH))" -f "$PHIG_WORK/$4.sql" postgres 2>/dev/null | awk '/^tps/ { print $3 }'
}

# contest CLIENTS MODE CONFIG...: five rounds or more of all configurations, turn by turn; the first is
# what the others are compared with.  A CONFIG is NAME:SERVER:FILE[:OPTIONS].  Also leaves the medians
# of each NAME in $PHIG_WORK/contest.
contest()
{
	local clients=$1 mode=$2 round config name server file options

	shift 2
	for ((round = 0; round < (ROUNDS < 5 ? 5 : ROUNDS > 9 ? 9 : ROUNDS); round++)); do
		for config in "$@"; do
			IFS=: read -r name server file options <<<"$config"
			printf '%s:%s:%s\n' $round "$name" "$(tps "$clients" "$mode" "$server" "$file" "$options")"
		done
	done | awk -F: -v clients="$clients" -v mode="$mode" -v medians="$PHIG_WORK/contest" '
		{
			if (!($2 in n)) names[++count] = $2
			if ($2 == names[1]) base = $3
			n[$2]++; tps[$2, n[$2]] = $3; ratio[$2, n[$2]] = base > 0 ? $3 / base : 0
		}
		END {
			for (c = 1; c <= count; c++) {
				name = names[c]
				for (i = 1; i <= n[name]; i++) { a[i] = tps[name, i]; r[i] = ratio[name, i] }
				sort(a, n[name]); sort(r, n[name]); m = int((n[name] + 1) / 2)
				printf "| %s | %s | %d | %d | **%.3f** (%.3f-%.3f) |\n", name, mode, clients, a[m], r[m], r[1], r[n[name]]
				printf "%s:%.1f:%.4f\n", name, a[m], r[m] > medians
			}
		}
		function sort(x, n,    i, j, t) { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t } }'
}

# Bytes that a server's journal has on disk, the zeros at the ends of its segments left out.
journal_bytes()
{
	perl -0777 -e 'for my $f (glob "$ARGV[0]/*.seg") { open my $h, "<", $f or die; local $_ = <$h>; s/\0+\z//; $n += length } print $n' \
		"$PHIG_WORK/phig/data/phiguard/journal"
}

# record_bytes SYNC: of one statement's records, seals included.
record_bytes()
{
	local before count=2000

	sleep 1
	before=$(journal_bytes)
	"$client" run prepared $count "$(conn phig)" 'SELECT ssn FROM patient WHERE id = $1::int' \
		"SET phiguard.journal_sync = $1" >/dev/null
	sleep 1
	awk -v before="$before" -v after="$(journal_bytes)" -v n=$count 'BEGIN { printf "%.1f", (after - before) / n }'
}

# Anonymous memory of the backends of a server, kB: mean, and what the server's shared memory holds.
backend_memory()
{
	local pid
	for pid in $(on "$1" -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'"); do
		awk '/^Private_Dirty|^Private_Clean/ { kb += $2 } END { print kb }' "/proc/$pid/smaps_rollup"
	done | awk '{ n++; kb += $1 } END { printf "%d %d\n", n, (n ? kb / n : 0) }'
}

# memory_row SERVER NAME CLIENTS: many sessions that have each used what memory.sql reads.
memory_row()
{
	local bench n kb

	pgbench -h "$PHIG_WORK/$1/socket" -U postgres -n -c "$3" -j 2 -t 1 -f "$PHIG_WORK/memory.sql" postgres >/dev/null 2>&1 &
	bench=$!
	until [ "$(on "$1" -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND wait_event = 'PgSleep'")" = "$3" ]; do
		kill -0 $bench 2>/dev/null || break
		sleep 0.5
	done
	read -r n kb < <(backend_memory "$1")
	kill $bench
	wait $bench || true
	printf '| %s | %d | %d |\n' "$2" "$n" "$kb"
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

# instructions NAME MODE SQL [SETUP]: per execution, without and with phiguard (or what $other is).
instructions()
{
	local a b

	a=$(instructions_of plain "$2" "$3" "${4-}")
	b=$(instructions_of "${other:-phig}" "$2" "$3" "${4-}")
	awk -v name="$1" -v a="$a" -v b="$b" 'BEGIN { printf "| %s | %d | %d | %d | **%.4f** |\n", name, a, b, b - a, b / a }'
}

# One part of the page each.

without_phi()
{
	local point='SELECT balance FROM plain_account WHERE id = ' update='UPDATE plain_account SET balance = balance + 1 WHERE id = $1::int'

	heading 'Statements without PHI: A = PostgreSQL, B = with phiguard loaded'
	compare 'point read, simple' simple "$point%d" "$point%d"
	compare 'point read, prepared' prepared "$point\$1::int" "$point\$1::int"
	compare 'update, prepared' prepared "$update" "$update" 'SET synchronous_commit = off' 'SET synchronous_commit = off'
}

labelled()
{
	local sync

	heading 'Point reads of a labelled table: A = PostgreSQL, B = phiguard, by journal_sync'
	for sync in off write on; do
		compare "prepared, $sync" prepared "$labelled_read" "$labelled_read" '' "SET phiguard.journal_sync = $sync"
	done
	compare 'simple, off' simple 'SELECT ssn FROM patient WHERE id = %d' 'SELECT ssn FROM patient WHERE id = %d' '' 'SET phiguard.journal_sync = off'
	compare 'in a pipeline, off: B - A is a record' pipeline "$labelled_read" "$labelled_read" '' 'SET phiguard.journal_sync = off'
	printf '\nBytes on disk of a statement (start, end, share of seals): %s in mode off, %s in mode on with one client\n' \
		"$(record_bytes off)" "$(record_bytes on)"
}

partitions()
{
	local one='SELECT ssn FROM parted WHERE id = $1::int' all='SELECT ssn FROM parted WHERE note = $1::text'
	local generic='SET plan_cache_mode = force_generic_plan'

	heading 'A labelled table of 20 partitions: A = PostgreSQL, B = phiguard, journal_sync = off'
	compare 'one partition, prepared' prepared "$one" "$one" "$generic" "$generic; SET phiguard.journal_sync = off"
	compare '20 partitions, prepared' prepared "$all" "$all" "$generic" "$generic; SET phiguard.journal_sync = off"
	compare 'one partition, simple' simple "${one/\$1::int/%d}" "${one/\$1::int/%d}" '' 'SET phiguard.journal_sync = off'
	compare '20 partitions, simple' simple "${all/\$1::text/\'%d\'}" "${all/\$1::text/\'%d\'}" '' 'SET phiguard.journal_sync = off'
}

scans()
{
	local scan='SELECT count(ssn), max(birth) FROM big' setup='SET max_parallel_workers_per_gather = 0'

	heading 'Scan of 1 million rows of labelled columns (a statement each)'
	BATCH=1 compare 'scan, journal_sync = on' simple "$scan" "$scan" "$setup" "$setup"
}

bulk()
{
	local copy="TRUNCATE bulk; COPY bulk FROM '$PHIG_WORK/big.copy'" insert='TRUNCATE bulk; INSERT INTO bulk SELECT * FROM big'

	on plain -c "COPY big TO '$PHIG_WORK/big.copy'"
	heading '1 million rows into an unlogged labelled table (a statement each)'
	BATCH=1 compare 'COPY FROM' simple "$copy" "$copy"
	BATCH=1 compare 'INSERT ... SELECT' simple "$insert" "$insert"
}

plans()
{
	printf '\nPlanning time of a join of two tables, as EXPLAIN (SUMMARY) reports it: medians of %s plans each, turn by turn\n\n' $((ROUNDS * 200))
	printf '| case | twin without labels, µs | labelled, µs | added, µs |\n|---|---|---|---|\n'
	planning '7 labelled columns in the database'
	more_labels 10000
	planning '10,007 labelled columns in the database'
}

claims()
{
	local setup='PREPARE q(int) AS SELECT balance FROM plain_account WHERE id = $1'

	heading 'Claims of a pooled connection, a transaction each: A = SET LOCAL of a setting of nobody, B = of phiguard.app_user'
	within 'SET LOCAL app_user, then a prepared statement without PHI' simple \
		"BEGIN; SET LOCAL my.app_user = 'u%d'; EXECUTE q(%d); COMMIT" \
		"BEGIN; SET LOCAL phiguard.app_user = 'u%d'; EXECUTE q(%d); COMMIT" "$setup" "$setup"
	within 'SET LOCAL purpose, then a prepared statement without PHI' simple \
		"BEGIN; SET LOCAL my.purpose = 'p%d'; EXECUTE q(%d); COMMIT" \
		"BEGIN; SET LOCAL phiguard.purpose = 'p%d'; EXECUTE q(%d); COMMIT" "$setup" "$setup"
}

tps_heading()
{
	printf '\n%s\n\n| case | protocol | clients | TPS, median | ratio to the first, median of rounds (least-greatest) |\n|---|---|---|---|---|\n' "$1"
}

transactions()
{
	local mode off='-c phiguard.journal_sync=off' write='-c phiguard.journal_sync=write'
	local labelled=("PostgreSQL:plain:labelled" "phiguard, off:phig:labelled:$off" "phiguard, write:phig:labelled:$write" "pgaudit:audit:labelled")

	tps_heading "Transactions a second, point reads (pgbench, $SECONDS_EACH s each, turn by turn)"
	contest 1 prepared 'PostgreSQL, no PHI:plain:unlabelled' 'phiguard, no PHI:phig:unlabelled'
	contest 8 prepared 'PostgreSQL, no PHI:plain:unlabelled' 'phiguard, no PHI:phig:unlabelled'
	for mode in prepared simple; do
		contest 1 $mode "${labelled[@]}"
		contest 8 $mode "${labelled[@]}"
	done
	if [ "$(nproc)" -gt 1 ]; then
		# Client and backend on one processor, the log collector and the keeper on the other.
		for server in plain phig audit; do
			taskset -p -c 1 "$(head -n 1 "$PHIG_WORK/$server/data/postmaster.pid")" >/dev/null
		done
		printf '| one processor for client and backend: | | | | |\n'
		PIN=1 contest 1 prepared "${labelled[@]}"
		for server in plain phig audit; do
			taskset -p -c "0-$(($(nproc) - 1))" "$(head -n 1 "$PHIG_WORK/$server/data/postmaster.pid")" >/dev/null
		done
	fi
}

durable()
{
	local clients bytes

	bytes=$(record_bytes off)
	printf "\\\\set id random(1, 100000)\nSELECT ssn, pg_logical_emit_message(true, 'a', '%s') FROM patient WHERE id = :id;\n" \
		"$(head -c "${bytes%.*}" /dev/zero | tr '\0' x)" >"$PHIG_WORK/message.sql"
	tps_heading "Durable records: journal_sync = on against WAL messages of ${bytes%.*} bytes"
	for clients in 1 8 32; do
		contest $clients prepared 'PostgreSQL:plain:labelled' 'a WAL message:plain:message' 'phiguard, on:phig:labelled:-c phiguard.journal_sync=on'
		if [ $clients = 1 ]; then
			"$client" sync "$PHIG_WORK/sync" 1000 200 >"$PHIG_WORK/t_sync"
			awk -F: -v t="$(cat "$PHIG_WORK/t_sync")" '{ tps[$1] = $2 } END {
				bound = 1 / (1 / tps["PostgreSQL"] + t / 1e6)
				printf "\nOne client: fdatasync takes %.1f µs; 1 / (1/plain + t_sync) = %.0f; phiguard keeps %.3f of it (aim 0.85)\n\n", t, bound, tps["phiguard, on"] / bound }' \
				"$PHIG_WORK/contest"
			tps_heading 'The same, several clients'
		else
			awk -F: -v c=$clients '{ tps[$1] = $2 } END { ratio[c] = tps["phiguard, on"] / tps["a WAL message"]; printf "| phiguard to a WAL message | | %d | | **%.3f** |\n", c, ratio[c] }' \
				"$PHIG_WORK/contest"
		fi
	done
}

memory()
{
	printf 'SELECT count(ssn) FROM patient;\nSELECT count(ssn) FROM thousand;\nSELECT pg_sleep(600);\n' >"$PHIG_WORK/memory.sql"
	for server in plain phig; do
		on $server <<-'SQL' >/dev/null
			CREATE TABLE thousand (id int, ssn text) PARTITION BY RANGE (id);
			SELECT format('CREATE TABLE thousand_%s PARTITION OF thousand FOR VALUES FROM (%s) TO (%s)', i, i, i + 1)
			  FROM generate_series(1, 1000) i \gexec
		SQL
	done
	on phig -c "SELECT phiguard.label('thousand', 'ssn', 'ssn')" >/dev/null
	[ "$(on phig -c "SELECT to_regclass('wide_1') IS NOT NULL")" = t ] || more_labels 10000
	printf '\nMemory: 10,000 labelled columns in the database, 200 sessions that each read a labelled table of 1,000 partitions\n\n| server | sessions | private memory of each, kB, mean |\n|---|---|---|\n'
	memory_row plain PostgreSQL 200
	memory_row phig phiguard 200
	printf "\nOf that, phiguard's memory contexts in one such session, and phiguard's shared memory:\n\n| what | kB |\n|---|---|\n"
	on phig <<-'SQL' | grep '^|'
		SET phiguard.journal_sync = off;
		SELECT count(ssn) FROM patient;
		SELECT count(ssn) FROM thousand;
		SELECT format('| context %s | %s |', name, sum(total_bytes) / 1024) FROM pg_backend_memory_contexts
		 WHERE name LIKE 'phiguard%' GROUP BY name ORDER BY name;
		SELECT format('| shared memory, %s | %s |', name, allocated_size / 1024) FROM pg_shmem_allocations WHERE name LIKE 'phiguard%';
		SELECT format('| ring, a file mapped by all | %s |', pg_size_bytes(current_setting('phiguard.journal_buffers')) / 1024);
	SQL
}

verification()
{
	"$(dirname "$0")/verify.sh"
}

search()
{
	"$(dirname "$0")/search.sh"
}

crypto()
{
	local sources="$PHIG_ROOT/src/crypto"

	"${CC:-cc}" -O2 -I"$PHIG_ROOT/src" "$(dirname "$0")/crypto.c" "$sources"/{aes,ff1,hmac,siv}.c -o "$PHIG_WORK/crypto" -lcrypto
	printf '\nWhat protects a value of 11 bytes (B) beside calls of OpenSSL (A)\n\n'
	printf '| B | A | A, ns | B, ns | B a second | CPU ratio B/A, median (quartiles) |\n|---|---|---|---|---|---|\n'
	"$PHIG_WORK/crypto" "$ROUNDS" 100000
}

# The engine outside a server beside bare PCRE2, and the SQL functions on the same notes as rows.
detection()
{
	local sources="$PHIG_ROOT/src/detect" notes=$PHIG_WORK/notes.txt names config=pg_config

	names=$(sed -n 's|^/\* sources: \(.*\) \*/$|\1|p' "$PHIG_ROOT/test/fuzz/detect_fuzz.c" | xargs -n 1 | grep -v disguise | sed "s|^|$PHIG_ROOT/|")
	gzip -dc "$PHIG_ROOT/test/data/annotated/synthetic_notes.jsonl.gz" |
		perl -MJSON::PP -ne 'my $note = decode_json($_); print join("", map { "$note->{text}\n\n" } 1 .. 50)' >"$notes"
	perl "$sources/dictionary.pl" "$sources/dictionary" "$PHIG_WORK/phiguard.dict"
	# shellcheck disable=SC2086
	"${CC:-cc}" -O2 -D_GNU_SOURCE -I"$PHIG_ROOT/src" -I"$($config --includedir-server)" "$(dirname "$0")/detect.c" "$PHIG_ROOT/test/fuzz/shim.c" \
		$names -o "$PHIG_WORK/detect" -Wl,--unresolved-symbols=ignore-all -no-pie -L"$($config --pkglibdir)" -L"$($config --libdir)" \
		-lpgcommon -lpgport -lpcre2-8
	printf '\nDetection (B) beside its patterns in bare PCRE2 with JIT, one after the other (A)\n\n'
	printf '| text | A, MB/s | B, MB/s | speed B/A, median (quartiles) |\n|---|---|---|---|\n'
	"$PHIG_WORK/detect" "$ROUNDS" "$PHIG_WORK/phiguard.dict" "$notes"
	on phig -c 'CREATE TABLE note (body text)'
	gzip -dc "$PHIG_ROOT/test/data/annotated/synthetic_notes.jsonl.gz" |
		perl -MJSON::PP -ne 'my $text = decode_json($_)->{text}; utf8::encode($text); $text =~ s/\\/\\\\/g; $text =~ s/\n/\\n/g; print "$text\n"' |
		on phig -c 'COPY note FROM STDIN'
	on phig -c 'INSERT INTO note SELECT body FROM note, generate_series(1, 50)' -c 'VACUUM ANALYZE note'
	heading "Notes as rows, $(on phig -c 'SELECT round(sum(length(body)) / 1e6, 1) FROM note') MB a statement"
	BATCH=1 within 'redact, beside regexp_replace of digits' simple "SELECT sum(length(regexp_replace(body, '\d', '#', 'g'))) FROM note" 'SELECT sum(length(phiguard.redact(body))) FROM note'
}

# A table of 20 columns and a million rows, with a note, searched for columns that may be PHI.
column_scan()
{
	local round

	on phig <<-'SQL'
		CREATE TABLE person AS
		SELECT i AS id, 'M' || 100000 + i AS mrn, 'Maria' AS first_name, 'Kowalski' || i % 977 AS last_name, date '1940-01-01' + i % 20000 AS born, lpad((i % 900)::text, 3, '1') || '-45-' || 1000 + i % 9000 AS c1,
		       '617-555-' || 1000 + i % 9000 AS c2, 'user' || i || '@example.org' AS c3, i % 999 || ' Maple Street' AS c4, (ARRAY['Lowell', 'Quincy', 'Newton'])[1 + i % 3] AS c5, '0' || 1000 + i % 1700 AS c6,
		       (ARRAY['F', 'M'])[1 + i % 2] AS sex, 'Seen on 3/14/2021 by Dr. Beeler for cough and fever, call 617-555-0111 about ' || i AS c7, md5(i::text) AS c8, i * 7 AS c9, i % 5 AS c10, 'code ' || i % 50 AS c11,
		       timestamptz '2021-01-01' + i * interval '1 min' AS at, (i % 900) / 10.0 AS weight, 'active' AS status
		  FROM generate_series(1, 1000000) i;
		VACUUM ANALYZE person;
	SQL
	printf '\nScan of a table of 1 million rows and 20 columns, %s MB, for suspects: 10,000 rows read, ms elapsed\n\n' "$(on phig -c "SELECT pg_relation_size('person') / 1000000")"
	for ((round = 1; round <= ROUNDS; round++)); do
		on phig -c '\timing on' -c "SELECT phiguard.scan_table('person')" -c "DELETE FROM phiguard.suspect"
	done | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | awk 'NR % 2 == 1' | sort -n | awk '{ t[NR] = $1 } END { printf "median %s, least %s, greatest %s\n", t[int((NR + 1) / 2)], t[1], t[NR] }'
	on phig -c "SELECT phiguard.scan_table('person')"
	on phig -c "SELECT string_agg(column_name || ' ' || category, ', ' ORDER BY column_name) FROM phiguard.suspects"
	schema_scan
}

# Processor time of sessions and workers of the server, all of which have ended, ms.
ended()
{
	local postmaster

	postmaster=$(sed -n 1p "$PHIG_WORK/phig/data/postmaster.pid")
	while [ -n "$(ps --ppid "$postmaster" -o args= | grep -E '\[local\]|parallel worker|defunct' || true)" ]; do
		sleep 0.05
	done
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($14 + $15) * 1000 / tick }' "/proc/$postmaster/stat"
}

# schema_scan_with WORKERS: elapsed and processor time of a session that scans, and its workers.
schema_scan_with()
{
	local before elapsed

	before=$(ended)
	elapsed=$(on phig -c "SET max_parallel_maintenance_workers = $1" -c '\timing on' -c "SELECT phiguard.scan_schema('many')" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
	awk -v elapsed="$elapsed" -v before="$before" -v after="$(ended)" 'BEGIN { print elapsed, after - before }'
	on phig -c 'DELETE FROM phiguard.suspect'
}

# medians FILE...: of elapsed and processor time in each.
medians()
{
	local file

	for file in "$@"; do
		sort -n "$file" | awk '{ t[NR] = $1 } END { printf "%s, quartiles %s-%s", t[int((NR + 1) / 2)], t[int((NR + 3) / 4)], t[int((3 * NR + 3) / 4)] }'
		sort -nk2 "$file" | awk '{ c[NR] = $2 } END { printf "; CPU %s\n", c[int((NR + 1) / 2)] }'
	done
}

schema_scan()
{
	local round workers out=$PHIG_WORK/schema_scan

	on phig <<-'SQL'
		CREATE SCHEMA many;
		SELECT format('CREATE TABLE many.t%s AS SELECT * FROM person WHERE id BETWEEN %s AND %s', i, 20000 * i, 20000 * i + 99999) FROM generate_series(1, 40) i \gexec
		VACUUM ANALYZE;
	SQL
	printf '\nScan of a schema of 40 tables of 100,000 rows and 20 columns, 10,000 rows read of each, %s rounds turn by turn, ms elapsed and of processor time\n\n' "$ROUNDS"
	for ((round = 1; round <= ROUNDS; round++)); do
		for workers in 0 1 2; do
			schema_scan_with $workers >>"$out.$workers"
		done
	done
	for workers in 0 1 2; do
		printf 'at most %s workers: %s\n' $workers "$(medians "$out.$workers")"
		paste -d' ' "$out.0" "$out.$workers" | awk '{ print $3 / $1, $4 / $2 }' >"$out.ratio"
		printf '  ratio to none, inside each round: %s\n' "$(medians "$out.ratio")"
	done
}

# transform NAME A B: of a million rows that are in memory, per statement.
transform()
{
	BATCH=1 within "$1" simple "SELECT count($2) FROM person_value" "SELECT count($3) FROM person_value"
}

transforms()
{
	on phig <<-'SQL'
		CREATE EXTENSION IF NOT EXISTS pgcrypto;
		CREATE UNLOGGED TABLE person_value AS
		  SELECT to_char(i, 'FM000-00-0000') AS v, date '1920-01-01' + i % 36500 AS d, to_char(i % 100000, 'FM00000') AS zip, i AS n
		    FROM generate_series(1, 1000000) i;
		VACUUM ANALYZE person_value;
		SELECT FROM phiguard.create_key('default');
	SQL
	heading 'Transforms of 1 million rows, values of 11 bytes (a statement each; the scan is in both)'
	transform 'token, beside the scan' v "phiguard.token(v, 'default')"
	transform 'token, beside pgcrypto hmac as hexadecimal' "encode(hmac(v, 'key', 'sha256'), 'hex')" "phiguard.token(v, 'default')"
	transform 'token_int8, beside pgcrypto hmac' "hmac(v, 'key', 'sha256')" "phiguard.token_int8(v, 'default')"
	transform 'seal, beside pgcrypto encrypt' "encrypt(v::bytea, 'key', 'aes')" "phiguard.seal(v, 'c')"
	transform 'unseal, beside seal' "phiguard.seal(v, 'c')" "phiguard.unseal(phiguard.seal(v, 'c'), 'c')"
	transform 'fpe, beside the scan' v "phiguard.fpe(v, 'ssn')"
	transform 'shift_date, beside date + integer' 'd + 7' "phiguard.shift_date(d, v)"
	transform 'split, beside hashtext' 'hashtext(v)' "phiguard.split(v, '{0.8,0.1,0.1}')"
	transform 'year, beside date_trunc' "date_trunc('year', d)" 'phiguard.year(d)'
	transform 'birth_year, beside date_trunc' "date_trunc('year', d)" "phiguard.birth_year(d, '2026-01-01')"
	transform 'age_90, beside age' "age('2026-01-01'::date, d)" "phiguard.age_90(d, '2026-01-01'::date)"
	transform 'zip3, beside left' 'left(zip, 3)' 'phiguard.zip3(zip)'
	transform 'mask, beside left' 'left(v, 3)' 'phiguard.mask(v)'
	transform 'mask(4), beside right' 'right(v, 4)' 'phiguard.mask(v, 4)'
}

# enforced_rules PURPOSES FROM TO: so many further purposes, and further rules of the one that is used.
enforced_rules()
{
	on phig -v purposes="$1" -v from="$2" -v to="$3" <<-'SQL' >/dev/null
		SELECT phiguard.create_purpose('other ' || i, code => 'HRESCH') FROM generate_series(1, :purposes) i;
		CREATE TABLE IF NOT EXISTS ruled (id int);
		SELECT format('ALTER TABLE ruled ADD COLUMN IF NOT EXISTS c%s text', i) FROM generate_series(:from, :to) i \gexec
		SELECT count(phiguard.label('ruled', ('c' || i)::name, 'other')) FROM generate_series(:from, :to) i;
		SELECT phiguard.allow('study', 'ruled', column_name => ('c' || i)::name, transform => 'mask') FROM generate_series(:from, :to) i;
	SQL
}

# enforced_planning NAME: what planning a masked query takes, beside the one over the view.
enforced_planning()
{
	within "$1" simple 'SELECT id, name, birth FROM chart_view WHERE id = %d' 'SELECT id, name, birth FROM chart WHERE id = %d' "$as_owner" "$as_reader"
}

# A purpose against a view that was written by hand, and against no restriction; records are kept in all.
enforced()
{
	local as_owner='SET phiguard.journal_sync = off' columns='count(sex), count(name), count(ssn), count(mrn), count(birth), count(zip), count(stage)'
	local as_reader="SET phiguard.journal_sync = off; SET ROLE bench_reader; SET phiguard.purpose = 'study'"

	on phig <<-'SQL' >/dev/null
		CREATE ROLE bench_reader;
		CREATE TABLE chart (id int PRIMARY KEY, sex text, name text, ssn text, mrn text, birth date, zip text, stage int);
		INSERT INTO chart SELECT i, 'f', 'Name ' || i, to_char(i, 'FM000-00-0000'), 'M' || i, date '1940-01-01' + i % 20000, to_char(i % 100000, 'FM00000'), i % 4
		  FROM generate_series(1, 1000000) i;
		CREATE TABLE chart_twin (LIKE chart INCLUDING ALL);
		INSERT INTO chart_twin SELECT * FROM chart;
		VACUUM (ANALYZE, FREEZE) chart, chart_twin;
		SELECT phiguard.label('chart', c[1]::name, c[2]) FROM (VALUES ('{name,name}'::text[]), ('{ssn,ssn}'), ('{mrn,mrn}'), ('{birth,date kind=birth}'), ('{zip,geo kind=zip}')) v(c);
		SELECT phiguard.review('chart');
		GRANT SELECT ON chart, chart_twin TO bench_reader;
		SELECT phiguard.create_key('study');
		SELECT phiguard.create_purpose('study', code => 'HRESCH'),
		       phiguard.allow('study', category => 'name', transform => 'mask'), phiguard.allow('study', category => 'ssn', transform => 'null'),
		       phiguard.allow('study', category => 'mrn', transform => 'token'), phiguard.allow('study', category => 'date', transform => 'year'),
		       phiguard.allow('study', category => 'geo', kind => 'zip', transform => 'zip3'), phiguard.grant_purpose('study', 'bench_reader');
		CREATE VIEW chart_view AS SELECT id, sex, phiguard.mask(name) AS name, NULL::text AS ssn, phiguard.token(mrn, 'study') AS mrn,
		  make_date(phiguard.year(birth), 1, 1) AS birth, phiguard.zip3(zip) AS zip, stage FROM chart_twin;
		ALTER SYSTEM SET phiguard.mode = enforce;
		SELECT pg_reload_conf(), pg_sleep(0.5);
	SQL
	heading 'A purpose: A = a view that was written by hand, over a twin without labels; B = the table, under the purpose'
	BATCH=1 within 'full read of 1 million rows, 8 columns, 5 of them transformed' simple "SELECT $columns FROM chart_view" "SELECT $columns FROM chart" "$as_owner" "$as_reader"
	heading 'A purpose: A = the same table in the clear, by a role that is exempt; B = under the purpose'
	within 'point read by a clear key, prepared' prepared 'SELECT id, sex, stage FROM chart WHERE id = $1::int' 'SELECT id, sex, stage FROM chart WHERE id = $1::int' "$as_owner" "$as_reader"
	within 'the same, with three masked columns' prepared 'SELECT id, name, birth, zip FROM chart WHERE id = $1::int' 'SELECT id, name, birth, zip FROM chart WHERE id = $1::int' "$as_owner" "$as_reader"
	heading 'Planned each time: A = the view, B = the table under the purpose'
	enforced_planning '5 rules, 1 purpose'
	enforced_rules 0 1 10
	enforced_planning '15 rules, 1 purpose'
	enforced_rules 99 11 1000
	enforced_planning '1,005 rules, 100 purposes'
	on phig -c 'ALTER SYSTEM RESET phiguard.mode' -c 'SELECT pg_reload_conf(), pg_sleep(0.5)' >/dev/null
}

# Whose rows left: tables with the same rows and labels, made in the same way, some of them with a subject.  Where a
# table lies in memory makes up to a tenth of the time: all are compared before any has a subject, too.
subjects()
{
	local quiet='SET phiguard.journal_sync = off'

	on phig <<-'SQL' >/dev/null
		CREATE TABLE origin (id int PRIMARY KEY, mrn text NOT NULL UNIQUE, ssn text);
		INSERT INTO origin SELECT i, 'M' || i, to_char(i, 'FM000000000') FROM generate_series(1, 1000000) i;
		SELECT format('CREATE TABLE %I (LIKE origin INCLUDING ALL)', t) FROM unnest('{anonymous,subject,subject_text}'::text[]) t \gexec
		SELECT format('CREATE TABLE %I (LIKE origin)', t) FROM unnest('{visit_anonymous,visit_subject,visit_subject_text}'::text[]) t \gexec
		SELECT format('INSERT INTO %I SELECT * FROM origin', t) FROM unnest('{anonymous,subject,subject_text,visit_anonymous,visit_subject,visit_subject_text}'::text[]) t \gexec
		CREATE TABLE chart_origin (id int PRIMARY KEY, sex text, name text, ssn text, mrn text, birth date, zip text, stage int);
		INSERT INTO chart_origin SELECT i, 'f', 'Name ' || i, to_char(i, 'FM000-00-0000'), 'M' || i, date '1940-01-01' + i % 20000, to_char(i % 100000, 'FM00000'), i % 4
		  FROM generate_series(1, 1000000) i;
		CREATE TABLE chart_anonymous (LIKE chart_origin INCLUDING ALL);
		CREATE TABLE chart_subject (LIKE chart_origin INCLUDING ALL);
		INSERT INTO chart_anonymous SELECT * FROM chart_origin;
		INSERT INTO chart_subject SELECT * FROM chart_origin;
		DROP TABLE origin, chart_origin;
		CREATE TABLE stay (id int PRIMARY KEY, patient int);
		INSERT INTO stay SELECT i, 1 + i % 200000 FROM generate_series(1, 1000000) i;
		CREATE TABLE dose_anonymous (id int PRIMARY KEY, stay int, drug text);
		CREATE TABLE dose_subject (LIKE dose_anonymous INCLUDING ALL);
		SELECT format('INSERT INTO %I SELECT i, 1 + (i * 7919::bigint) %% 1000000, $$drug$$ FROM generate_series(1, 1000000) i', t) FROM unnest('{dose_anonymous,dose_subject}'::text[]) t \gexec
		VACUUM (ANALYZE, FREEZE) stay, dose_anonymous, dose_subject, anonymous, subject, subject_text, visit_anonymous, visit_subject, visit_subject_text, chart_anonymous, chart_subject;
		CREATE UNLOGGED TABLE anonymous_bulk (id int, ssn text);
		CREATE UNLOGGED TABLE subject_bulk (LIKE anonymous_bulk);
		SELECT phiguard.label(t, 'ssn', 'ssn'), phiguard.label(t, 'mrn', 'mrn') FROM unnest('{anonymous,subject,subject_text,visit_anonymous,visit_subject,visit_subject_text}'::regclass[]) t;
		SELECT phiguard.label(t, c[1]::name, c[2]) FROM unnest('{chart_anonymous,chart_subject}'::regclass[]) t, (VALUES ('{name,name}'::text[]), ('{ssn,ssn}'), ('{mrn,mrn}'), ('{birth,date kind=birth}')) v(c);
		SELECT phiguard.label(t, 'ssn', 'ssn') FROM unnest('{anonymous_bulk,subject_bulk}'::regclass[]) t;
		SELECT phiguard.label(t, 'drug', 'clinical') FROM unnest('{dose_anonymous,dose_subject}'::regclass[]) t;
	SQL
	heading 'Whose rows left, the control: the same before any of the tables has a subject'
	subject_points
	subject_scans
	on phig <<-'SQL' >/dev/null
		SELECT phiguard.label(t, NULL, 'subject=id') FROM unnest('{subject,visit_subject,chart_subject,subject_bulk}'::regclass[]) t;
		SELECT phiguard.label(t, NULL, 'subject=mrn') FROM unnest('{subject_text,visit_subject_text}'::regclass[]) t;
		SELECT phiguard.label('stay', NULL, 'subject=patient->subject'), phiguard.label('dose_subject', NULL, 'subject=stay->stay');
	SQL
	heading 'Whose rows left: A = a table without a subject, B = the same with one'
	subject_points
	subject_scans
	BATCH=1 within '1 million rows of 2 columns returned, person in another table' simple 'SELECT id, drug FROM dose_anonymous' 'SELECT id, drug FROM dose_subject' "$quiet" "$quiet"
	BATCH=1 within 'the same, A = with that table joined' simple 'SELECT d.id, s.patient FROM dose_anonymous d LEFT JOIN stay s ON s.id = d.stay' 'SELECT id, drug FROM dose_subject' "$quiet" "$quiet"
	within 'insert of a row, prepared' prepared "INSERT INTO anonymous_bulk VALUES (\$1::int, '1')" "INSERT INTO subject_bulk VALUES (\$1::int, '1')" "$quiet" "$quiet"
	BATCH=1 within '300,000 rows written' simple "TRUNCATE anonymous_bulk; INSERT INTO anonymous_bulk SELECT i, 'ssn' FROM generate_series(1, 300000) i" \
		"TRUNCATE subject_bulk; INSERT INTO subject_bulk SELECT i, 'ssn' FROM generate_series(1, 300000) i" "$quiet" "$quiet"
	BATCH=1 within '300,000 rows changed' simple 'UPDATE anonymous_bulk SET ssn = ssn' 'UPDATE subject_bulk SET ssn = ssn' "$quiet" "$quiet"
}

subject_points()
{
	subject_case 'point read, prepared, key integer' prepared 'SELECT ssn FROM anonymous WHERE id = $1::int' subject
	subject_case 'point read, prepared, key text' prepared 'SELECT ssn FROM anonymous WHERE id = $1::int' subject_text
	subject_case 'point read, simple, key integer' simple 'SELECT ssn FROM anonymous WHERE id = %d' subject
}

subject_scans()
{
	local kind

	BATCH=1 within '1 million rows of 8 columns returned' simple 'SELECT * FROM chart_anonymous' 'SELECT * FROM chart_subject' "$quiet" "$quiet"
	for kind in '' visit_; do
		BATCH=1 subject_case "1 million rows of 2 columns returned, key integer${kind:+, not unique}" simple "SELECT id, ssn FROM ${kind}anonymous" subject
		BATCH=1 subject_case "1 million rows of 2 columns returned, key text${kind:+, not unique}" simple "SELECT id, ssn FROM ${kind}anonymous" subject_text
		BATCH=1 subject_case "1 million rows counted, key integer${kind:+, not unique}" simple "SELECT count(ssn) FROM ${kind}anonymous" subject
		BATCH=1 subject_case "1 million rows counted, key text${kind:+, not unique}" simple "SELECT count(ssn) FROM ${kind}anonymous" subject_text
	done
}

# subject_case NAME MODE SQL TABLE: SQL on "anonymous" beside the same on TABLE.
subject_case()
{
	within "$1" "$2" "$3" "${3/anonymous/$4}" "$quiet" "$quiet"
}

# An extract against the same SELECT by hand, of the same functions; records are kept in both.
extracts()
{
	local as_owner='SET phiguard.journal_sync = off' counts='count(born), count(zip3), count(who), count(sex), count(year), count(stage)'
	local as_reader='SET phiguard.journal_sync = off; SET ROLE bench_scientist'
	local query="SELECT phiguard.birth_year(birth, current_date) AS born, phiguard.zip3(zip) AS zip3, phiguard.surrogate(mrn, 'train') AS who, sex, phiguard.year(seen) AS year, stage FROM person"

	on phig -v query="$query" <<-'SQL' >/dev/null
		CREATE ROLE bench_scientist;
		CREATE TABLE person (id int PRIMARY KEY, sex text, name text, ssn text, mrn text, birth date, zip text, seen date, stage int);
		INSERT INTO person SELECT i, 'f', 'Name ' || i, to_char(i, 'FM000-00-0000'), 'M' || i % 1000, date '1940-01-01' + i % 20000, to_char(i % 100000, 'FM00000'), date '2020-01-01' + i % 2000, i % 4
		  FROM generate_series(1, 1000000) i;
		VACUUM (ANALYZE, FREEZE) person;
		SELECT phiguard.label('person', c[1]::name, c[2]) FROM (VALUES ('{name,name}'::text[]), ('{ssn,ssn}'), ('{mrn,mrn}'), ('{birth,date kind=birth}'), ('{zip,geo kind=zip}'),
		       ('{seen,date kind=event}'), ('{sex,quasi}'), ('{id,other}')) v(c);
		SELECT phiguard.review('person');
		SELECT phiguard.create_key('train'), phiguard.assign_surrogates('person', 'mrn', 'train');
		SELECT phiguard.create_purpose('train', code => 'HRESCH'), phiguard.allow('train', category => 'quasi');
		SELECT phiguard.create_extract('person_train', :'query', 'train'), phiguard.attest_extract('person_train', 'none');
		SELECT phiguard.create_extract('person_plain', replace(:'query', $$phiguard.surrogate(mrn, 'train') AS who,$$, ''), 'train'), phiguard.attest_extract('person_plain', 'none');
		SELECT phiguard.allow('train', category => 'other');
		SELECT phiguard.create_extract('person_part', :'query' || ' WHERE id <= 20000', 'train'), phiguard.attest_extract('person_part', 'none');
		GRANT SELECT ON person_train, person_plain, person_part TO bench_scientist;
	SQL
	heading 'An extract: A = the same SELECT by hand, of the same functions; B = reading the extract'
	BATCH=1 within 'full read of 1 million rows, 5 columns, 3 of them generalised' simple "SELECT ${counts/count(who), /} FROM ($query) x" "SELECT ${counts/count(who), /} FROM person_plain" "$as_owner" "$as_reader"
	BATCH=1 within '20,000 of them, with a surrogate' simple "SELECT $counts FROM ($query WHERE id <= 20000) x" "SELECT $counts FROM person_part" "$as_owner" "$as_reader"
	within 'planned each time, no row' simple "SELECT * FROM ($query) x LIMIT 0" 'SELECT * FROM person_train LIMIT 0' "$as_owner" "$as_reader"
	heading 'check_extract(), beside a statement that does nothing'
	within 'six columns' simple 'SELECT 1' "SELECT count(*) FROM phiguard.check_extract('person_train')" "$as_owner" "$as_owner"
}

# Risk over 1 million rows and 5 quasi-identifiers against the plain GROUP BY over them, which counts rows.
risk()
{
	local columns='zip3, birth, sex, race, language' quasi="'{zip3,birth,sex,race,language}'" table workers='SET max_parallel_workers_per_gather = 2'

	on phig <<-'SQL' >/dev/null
		SELECT setseed(0.5);
		CREATE TABLE few AS SELECT (random() * 700000)::int AS person, lpad((random() * 20)::int::text, 3, '0') AS zip3, 1930 + 5 * (random() * 14)::int AS birth,
		       (ARRAY['M', 'F', 'U'])[1 + (random() * 2.4)::int] AS sex, 'race ' || (random() * 3)::int AS race, (ARRAY['en', 'es'])[1 + (random())::int] AS language, 'D' || (random() * 50)::int AS diagnosis
		  FROM generate_series(1, 1000000);
		CREATE TABLE many AS SELECT person, lpad((random() * 200)::int::text, 3, '0') AS zip3, 1930 + (random() * 70)::int AS birth, sex, 'race ' || (random() * 5)::int AS race,
		       (ARRAY['en', 'es', 'zh', 'vi'])[1 + (random() * 3)::int] AS language, diagnosis FROM few;
		VACUUM (ANALYZE, FREEZE) few, many;
	SQL
	heading 'Risk: A = SELECT count(*) GROUP BY of 5 columns of 1 million rows, B = phiguard.risk() of them, by person'
	for table in few many; do
		BATCH=1 within "$table classes" simple "SELECT count(n) FROM (SELECT $columns, count(*) AS n FROM $table GROUP BY $columns) x" "SELECT count(value) FROM phiguard.risk('$table', $quasi, subject => 'person')"
		BATCH=1 within "$table classes, with a sensitive column" simple "SELECT count(n) FROM (SELECT $columns, count(*) AS n FROM $table GROUP BY $columns) x" \
			"SELECT count(value) FROM phiguard.risk('$table', $quasi, '{diagnosis}', subject => 'person')"
		BATCH=1 within "$table classes, A = count(DISTINCT person)" simple "SELECT count(n) FROM (SELECT $columns, count(DISTINCT person) AS n FROM $table GROUP BY $columns) x" \
			"SELECT count(value) FROM phiguard.risk('$table', $quasi, subject => 'person')"
	done
	heading 'The same where the server has parallel workers: what counts is the elapsed ratio, CPU is that of the leader alone'
	for table in few many; do
		BATCH=1 within "$table classes, in parallel" simple "SELECT count(n) FROM (SELECT $columns, count(*) AS n FROM $table GROUP BY $columns) x" \
			"SELECT count(value) FROM phiguard.risk('$table', $quasi, subject => 'person')" "$workers" "$workers"
		BATCH=1 within "$table classes, with a sensitive column, in parallel" simple "SELECT count(n) FROM (SELECT $columns, count(*) AS n FROM $table GROUP BY $columns) x" \
			"SELECT count(value) FROM phiguard.risk('$table', $quasi, '{diagnosis}', subject => 'person')" "$workers" "$workers"
	done
}

count_instructions()
{
	local sync

	printf '\nInstructions of a backend per statement (callgrind)\n\n| case | PostgreSQL | phiguard | more | ratio |\n|---|---|---|---|---|\n'
	instructions 'no PHI, point read, simple' simple 'SELECT balance FROM plain_account WHERE id = %d'
	instructions 'no PHI, point read, prepared' prepared 'SELECT balance FROM plain_account WHERE id = $1::int'
	instructions 'no PHI, update, prepared' prepared 'UPDATE plain_account SET balance = balance + 1 WHERE id = $1::int'
	for sync in off write; do
		printf 'phiguard.journal_sync = %s\n' $sync >>"$PHIG_WORK/phig/data/postgresql.auto.conf"
		instructions "labelled point read, prepared, $sync" prepared "$labelled_read"
	done
	instructions 'labelled point read, simple, write' simple 'SELECT ssn FROM patient WHERE id = %d'
	instructions 'one of 20 partitions, prepared, write' prepared 'SELECT ssn FROM parted WHERE id = $1::int' 'SET plan_cache_mode = force_generic_plan'
	instructions '20 partitions, prepared, write' prepared 'SELECT ssn FROM parted WHERE note = $1::text' 'SET plan_cache_mode = force_generic_plan'
	instructions 'one of 20 partitions, simple, write' simple 'SELECT ssn FROM parted WHERE id = %d'
	instructions '20 partitions, simple, write' simple "SELECT ssn FROM parted WHERE note = '%d'"
	printf '\nThe same with pgaudit in the place of phiguard\n\n| case | PostgreSQL | pgaudit | more | ratio |\n|---|---|---|---|---|\n'
	other=audit instructions 'audited point read, prepared' prepared "$labelled_read"
	other=audit instructions 'audited point read, simple' simple 'SELECT ssn FROM patient WHERE id = %d'
}

${CC:-cc} -O2 -I"$(pg_config --includedir)" -I/usr/include/postgresql "$(dirname "$0")/client.c" -o "$client" -lpq
settings=('shared_buffers = 1GB' 'fsync = on' 'autovacuum = off' 'max_parallel_workers_per_gather = 0' 'max_connections = 250'
	'max_locks_per_transaction = 1024')
server_init plain "${settings[@]}" "shared_preload_libraries = ''"
server_init phig "${settings[@]}"
server_init audit "${settings[@]}" "shared_preload_libraries = 'pgaudit'" "pgaudit.role = 'auditor'" "pgaudit.log = 'none'" \
	'logging_collector = on'
for server in plain phig audit; do
	server_start $server
	make_data $server
done
label_data
on audit -c 'CREATE ROLE auditor' -c 'CREATE EXTENSION pgaudit' -c 'GRANT SELECT (ssn) ON patient TO auditor'
labelled_read='SELECT ssn FROM patient WHERE id = $1::int'
printf '\\set id random(1, 100000)\nSELECT balance FROM plain_account WHERE id = :id;\n' >"$PHIG_WORK/unlabelled.sql"
printf '\\set id random(1, 100000)\nSELECT ssn FROM patient WHERE id = :id;\n' >"$PHIG_WORK/labelled.sql"

printf 'PostgreSQL %s, %s rounds of %s statements, %s CPUs, load %s\n' "$(postgres --version | awk '{ print $3 }')" "$ROUNDS" "$BATCH" \
	"$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
for part in ${PARTS:-without_phi labelled partitions scans bulk transactions durable plans claims memory verification search crypto transforms enforced subjects extracts risk detection column_scan}; do
	$part
	printf '\nLoad afterwards: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
done
for server in plain phig audit; do
	server_stop $server
done
if [ -n "${INSTRUCTIONS-}" ]; then
	count_instructions
fi
