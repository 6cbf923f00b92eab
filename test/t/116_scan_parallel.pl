# Scans with parallel workers find what a scan without them finds, as whom and on record as it does; they end when they are told to, and never by half.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Everything is large enough for workers, however small.
my $node = phig_node('scan_parallel', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'",
	'min_parallel_table_scan_size = 0', 'max_parallel_maintenance_workers = 2', "log_statement = 'none'", 'max_worker_processes = 16');
my $root = "$FindBin::RealBin/../..";
my $alone = 'SET max_parallel_maintenance_workers = 0;';

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

# What is suspected in a schema, with the evidence: every table here is read whole.
sub suspects
{
	my ($schema) = @_;
	return sql("SELECT relation, column_name, category, kind, confidence, evidence, state FROM phiguard.suspects WHERE schema = '$schema' ORDER BY 1, 2");
}

# Runs until workers have read something: on a busy machine one may come when all is done.
sub with_workers
{
	my ($query, %opt) = @_;
	my ($out, $err) = ('', '');
	wait_until(sub {
			($out, $err) = run_sql($node, "SET client_min_messages = debug1; $query", %opt);
			return $err =~ /DEBUG:  [1-9]\d* of \d+ parts of \d+ tables were read by \d+ workers/;
		}, "workers take part: " . ((split /\n/, $query)[0])) || diag $err;
	return ($out, said($err));
}

# Without where in the script it was, and without debugging.
sub said
{
	my ($err) = @_;
	return join '', map { "$_\n" } grep { /^(NOTICE|ERROR|WARNING):/ } map { s/^psql:<stdin>:\d+: //r } split /\n/, $err;
}

# --- Known schemas, and every kind of table.
system_or_bail('bash', '-c', <<"SH");
set -euo pipefail
cd '$root'
export PGHOST='@{[ $node->host ]}' PGPORT='@{[ $node->port ]}' PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'
run() { psql -XqAt -v ON_ERROR_STOP=1 "\$@"; }
. test/eval/columns.sh
run -f test/eval/columns.sql
load_csvs synthea test/data/synthea/*.csv
run -f test/eval/columns_heldout.sql
SH
my $wide = join ', ', map { "'jane' || i || '\@example.org' AS m$_, 'none' AS n$_, '617-555-' || 1000 + i AS p$_" } 1 .. 30;
sql(<<"SQL");
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_owner;
CREATE SCHEMA kinds;
GRANT USAGE ON SCHEMA kinds TO regress_phig_officer, regress_phig_owner;
GRANT CREATE ON SCHEMA kinds TO regress_phig_owner;
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres');
CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '1', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere;
CREATE TABLE kinds.plain AS SELECT 'jane' || i || '\@example.org' AS a, '219-09-' || 1000 + i AS b, i AS c FROM generate_series(1, 1000) i;
CREATE TABLE kinds.wide AS SELECT $wide FROM generate_series(1, 300) i;
CREATE TABLE kinds.parts (LIKE kinds.plain) PARTITION BY RANGE (c);
CREATE TABLE kinds.parts_1 PARTITION OF kinds.parts FOR VALUES FROM (0) TO (500);
CREATE FOREIGN TABLE kinds.parts_2 PARTITION OF kinds.parts FOR VALUES FROM (500) TO (5000) SERVER loop OPTIONS (table_name 'parts_3', schema_name 'public');
CREATE TABLE public.parts_3 (LIKE kinds.plain);
INSERT INTO kinds.parts SELECT * FROM kinds.plain;
CREATE TABLE kinds.local_parts (LIKE kinds.plain) PARTITION BY HASH (c);
CREATE TABLE kinds.local_parts_1 PARTITION OF kinds.local_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE kinds.local_parts_2 PARTITION OF kinds.local_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO kinds.local_parts SELECT * FROM kinds.plain;
CREATE TABLE kinds.above (x text, y text);
CREATE TABLE kinds.below () INHERITS (kinds.above);
INSERT INTO kinds.below SELECT a, b FROM kinds.plain;
CREATE MATERIALIZED VIEW kinds.kept AS SELECT a, b FROM kinds.plain;
CREATE MATERIALIZED VIEW kinds.unkept AS SELECT a, b FROM kinds.plain WITH NO DATA;
CREATE UNLOGGED TABLE kinds.unlogged AS SELECT * FROM kinds.plain;
CREATE FOREIGN TABLE kinds.far (a text, b text) SERVER loop OPTIONS (schema_name 'kinds', table_name 'plain');
CREATE FOREIGN TABLE kinds.gone (ssn text, b text) SERVER nowhere;
CREATE TABLE kinds.labelled AS SELECT a, b FROM kinds.plain;
SELECT phiguard.label('kinds.labelled', 'b', 'ssn');
CREATE TABLE kinds.labelled_above (x text, y text);
CREATE TABLE kinds.labelled_below () INHERITS (kinds.labelled_above);
INSERT INTO kinds.labelled_below SELECT a, b FROM kinds.plain;
SELECT phiguard.label('kinds.labelled_below', 'y', 'ssn');
CREATE TABLE kinds.texts AS SELECT 'Seen on 3/' || 1 + i % 28 || '/2021 by Dr. Beeler for cough, call 617-555-' || 1000 + i || ' about it, patient is well' AS t, repeat(md5(i::text), 200) AS toasted FROM generate_series(1, 300) i;
CREATE TABLE kinds.by_rows AS SELECT a FROM kinds.plain;
ALTER TABLE kinds.by_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON kinds.by_rows USING (true);
CREATE TABLE kinds.no_columns ();
CREATE TABLE kinds.no_rows (ssn text, note text);
CREATE TABLE kinds.owned AS SELECT * FROM kinds.plain;
ALTER TABLE kinds.owned OWNER TO regress_phig_owner;
SQL
for my $schema (qw(synthea clarity fhir claims kinds))
{
	my ($found, $notices) = run_sql($node, "$alone SELECT phiguard.scan_schema('$schema')");
	my $serial = suspects($schema);
	cmp_ok(scalar(split /\n/, $serial), '>', 10, "$schema: suspects without workers");
	sql("DELETE FROM phiguard.suspect");
	my ($found_by_workers, $notices_then) = with_workers("DELETE FROM phiguard.suspect; SELECT phiguard.scan_schema('$schema')");
	is($found_by_workers, $found, "$schema: as many with workers");
	is(suspects($schema), $serial, '... the same, by the same evidence');
	is($notices_then, said($notices), '... with the same notices');
}
my ($out, $err) = run_sql($node, "SET client_min_messages = debug1; SELECT phiguard.scan_schema('kinds')");
like($err, qr/ parts of 11 tables were read/, 'what is labelled, foreign or not to be read is left to the leader, at any level');
is(sql("SELECT count(*), count(*) FILTER (WHERE category = 'email' AND evidence ~ '100 % e-mail of 300 values') FROM phiguard.suspects WHERE relation = 'wide' AND column_name ~ '^m'"), '30|30', 'a wide table, cut by columns, loses none');
is(sql("SELECT category, evidence ~ 'of 1000 values' FROM phiguard.suspects WHERE (relation, column_name) = ('parts', 'b')"), 'ssn|t', 'partitions, a foreign one too');
is(sql("SELECT category, evidence ~ 'content' FROM phiguard.suspects WHERE relation = 'far' AND column_name = 'a'"), 'email|t', 'a foreign table');

# --- A table that cannot be read goes by the catalog, and holds up no other.
($out, $err) = run_sql($node, "SELECT phiguard.scan_table('kinds.gone')");
like($err, qr/NOTICE:  values of table "gone" are not read: reading them fails with SQLSTATE 08001$/, 'a foreign server that is down');
is($out, 1, '... leaves the name');

# --- As whom: what owners have planted runs with their rights, in workers too.
sql(<<'SQL');
CREATE SCHEMA planted AUTHORIZATION regress_phig_owner;
GRANT USAGE ON SCHEMA planted TO regress_phig_officer;
SET ROLE regress_phig_owner;
CREATE FUNCTION planted.says() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'as %', current_user; RETURN true; END $$;
SELECT format('CREATE TABLE planted.says_%s AS SELECT ''jane'' || i || ''@example.org'' AS a FROM generate_series(1, 100) i', i),
       format('CREATE INDEX ON planted.says_%s (a) WHERE planted.says()', i), format('GRANT SELECT ON planted.says_%s TO regress_phig_officer', i) FROM generate_series(1, 8) i \gexec
SQL
(undef, $err) = with_workers("SELECT phiguard.scan_schema('planted')", as => 'regress_phig_officer');
is(scalar(() = $err =~ /NOTICE:  as regress_phig_owner$/mg), 8, 'what the planner runs of an index has the rights of the owner of the table');
unlike($err, qr/as regress_phig_officer/, '... and never those of the officer');
(undef, $err) = run_sql($node, 'SELECT count(*) FROM planted.says_1', as => 'regress_phig_officer');
like($err, qr/NOTICE:  as regress_phig_officer/, 'control: in an ordinary statement it does');
is(sql("SELECT count(*) FROM phiguard.suspects WHERE schema = 'planted' AND category = 'email' AND evidence ~ '100 values'"), 8, '... all the same the values are read');

# How far a scan has come is said as tables end, where no worker helps.
(undef, $err) = run_sql($node, "$alone SELECT phiguard.scan_schema('planted')", as => 'regress_phig_officer');
is(join(' ', map { /^(?:\S+ )?NOTICE:  (as|table)/ ? $1 : () } split /\n/, $err), join(' ', ('as table') x 8), 'a table is read when the one before it is done and said to be');

# What cannot be done in a worker is done without: an error there is no difference.
sql(<<'SQL');
DROP SCHEMA planted CASCADE;
CREATE SCHEMA planted AUTHORIZATION regress_phig_owner;
GRANT USAGE ON SCHEMA planted TO regress_phig_officer;
GRANT SELECT ON kinds.labelled TO regress_phig_owner, regress_phig_officer;
SET ROLE regress_phig_owner;
CREATE TABLE planted.caught (who text);
CREATE FUNCTION planted.catches() RETURNS void LANGUAGE sql AS $$ INSERT INTO planted.caught SELECT current_user $$;
CREATE FUNCTION planted.writes() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM planted.catches(); RETURN true; END $$;
CREATE FUNCTION planted.peeks() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION planted.tells() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('planted.tells', true) = 'on' THEN RAISE EXCEPTION 'ssn 219-09-1234'; END IF; RETURN true; END $$;
SELECT format('CREATE TABLE planted.%1$s_%2$s AS SELECT ''jane'' || i || ''@example.org'' AS a FROM generate_series(1, 100) i', f, i),
       format('CREATE INDEX ON planted.%1$s_%2$s (a) WHERE planted.%1$s()', f, i), format('GRANT SELECT ON planted.%1$s_%2$s TO regress_phig_officer', f, i)
  FROM generate_series(1, 4) i, unnest('{peeks,tells}'::text[]) f \gexec
CREATE OR REPLACE FUNCTION planted.peeks() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN EXECUTE 'SELECT FROM kinds.labelled WHERE b IS NULL'; RETURN true; END $$;
RESET ROLE;
SELECT phiguard.set_mode('kinds.labelled', 'audit');
SQL
sub reads
{
	my ($app) = @_;
	return sql("SELECT coalesce(sum(coalesce(executions, 1)), 0) FROM phiguard.access_log WHERE application = '$app' AND 'kinds.labelled.b' = ANY (referenced)");
}
my $email = "SELECT count(*) FROM phiguard.suspects WHERE schema = 'planted' AND category = 'email'";
run_sql($node, "$alone SELECT phiguard.scan_schema('planted')", app => 'alone');
my $reads = reads('alone');
cmp_ok($reads, '>=', 4, 'what planted functions read of labelled tables is on record');
with_workers("SET application_name = 'workers'; DELETE FROM phiguard.suspect WHERE schema = 'planted'; SELECT phiguard.scan_schema('planted')");
is(reads('workers') % $reads, 0, '... in workers too, each of them');
cmp_ok(reads('workers'), '>=', $reads, '... and none is missing');
is(sql($email), 8, '... and the values are read');
is(sql("SELECT count(*) FROM phiguard.access_log WHERE application = 'workers' AND command = 'SCAN TABLE' AND kind = 'policy'") % 9, 0, 'each scan is on record');

($out, $err) = run_sql($node, "DELETE FROM phiguard.suspect; SET planted.tells = 'on'; SELECT phiguard.scan_schema('planted')");
is(join(' ', $err =~ /values of table "(tells_\d)" are not read: reading them fails with SQLSTATE P0001/g), 'tells_1 tells_2 tells_3 tells_4', 'tables whose reading fails are named');
is(sql($email), 4, '... the others are read');
# What an owner may not read is refused to what the owner has planted, in each process.
sql("SELECT phiguard.set_mode('kinds.labelled', 'enforce'); DELETE FROM phiguard.suspect");
($out, $err) = run_sql($node, "SELECT phiguard.scan_schema('planted')");
is(join(' ', $err =~ /values of table "(peeks_\d)" are not read: reading them fails with SQLSTATE 42501/g), 'peeks_1 peeks_2 peeks_3 peeks_4', 'a labelled table is closed to what an owner without a purpose has planted');
is(sql($email), 4, '... the others are read');
sql("SELECT phiguard.set_mode('kinds.labelled', 'audit')");
sql("$alone CREATE INDEX ON planted.peeks_1 (a) WHERE planted.writes(); TRUNCATE planted.caught; DELETE FROM phiguard.suspect");
run_sql($node, "SELECT phiguard.scan_schema('planted')");
is(sql($email), 8, 'a table that no worker can read is read all the same');
is(sql('SELECT DISTINCT who FROM planted.caught'), 'regress_phig_owner', '... as its owner');
sql('DROP SCHEMA planted CASCADE');

# --- What the transaction has done is seen, whatever its isolation.
sql("CREATE SCHEMA fresh; CREATE TABLE fresh.filled AS SELECT 'none' AS a, 'none' AS b FROM generate_series(1, 500) i; CREATE TABLE fresh.emptied AS SELECT 'jane' || i || '\@example.org' AS a FROM generate_series(1, 500) i");
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	($out) = with_workers(<<"SQL");
BEGIN ISOLATION LEVEL $level;
CREATE TABLE fresh.made (a text, b text);
SAVEPOINT s;
INSERT INTO fresh.made SELECT '219-09-' || 1000 + i, 'x' FROM generate_series(1, 500) i;
RELEASE s;
UPDATE fresh.filled SET b = 'jane' || length(b) || '\@example.org';
TRUNCATE fresh.emptied;
INSERT INTO fresh.emptied SELECT '617-555-' || 1000 + i FROM generate_series(1, 500) i;
SELECT phiguard.scan_schema('fresh');
SELECT relation, column_name, category, evidence ~ ' 500 values' FROM phiguard.suspects WHERE schema = 'fresh' ORDER BY 1, 2;
ROLLBACK;
SQL
	is($out, "3\nemptied|a|phone|t\nfilled|b|email|t\nmade|a|ssn|t", "what the transaction has made, filled, changed and emptied: $level");
}
is(suspects('fresh'), '', 'rolled back, nothing is left');

# A temporary child is the leader's, and a table that has one with it.
($out) = with_workers("BEGIN; CREATE TEMP TABLE below () INHERITS (fresh.filled); INSERT INTO below SELECT 'x', '219-09-' || 1000 + i FROM generate_series(1, 5000) i; CREATE TABLE fresh.other_1 AS SELECT 1 AS n; CREATE TABLE fresh.other_2 AS SELECT 1 AS n;
	SELECT phiguard.scan_schema('fresh'); SELECT category, evidence ~ ' 5500 values' FROM phiguard.suspects WHERE relation = 'filled'; ROLLBACK");
is($out, "2\nssn|t", 'a table with a temporary child');

# Somebody waits for a lock that keeps everybody out: the leader has one already, its workers get theirs all the same.
my ($scanner, $waiter) = (session($node), session($node));
$scanner->ask('BEGIN; LOCK fresh.filled, fresh.emptied IN ACCESS SHARE MODE');
$waiter->send('ALTER TABLE fresh.filled ADD c text; ALTER TABLE fresh.filled DROP c;');
wait_until(sub { sql("SELECT count(*) FROM pg_locks WHERE pid = $waiter->{pid} AND NOT granted") eq '1' }, 'a command waits for the table');
is($scanner->ask("SET deadlock_timeout = '100s'; SELECT phiguard.scan_schema('fresh')"), 1, '... and holds up neither the leader nor workers');
$scanner->ask('ROLLBACK');
is($waiter->ask('SELECT 1'), 1, '... and comes in then');
$_->close for $scanner, $waiter;

# --- Inside cursors, blocks with exception handlers, functions.
($out) = with_workers("BEGIN; DECLARE c CURSOR FOR SELECT phiguard.scan_schema('fresh'); FETCH c; FETCH c; ROLLBACK");
is($out, 1, 'in a cursor');
(undef, $err) = with_workers(<<'SQL');
DO $$
DECLARE found int;
BEGIN
	BEGIN
		found := phiguard.scan_schema('fresh');
		RAISE EXCEPTION 'found %', found;
	EXCEPTION WHEN raise_exception THEN
		RAISE NOTICE '%, left %', sqlerrm, (SELECT count(*) FROM phiguard.suspects WHERE schema = 'fresh');
	END;
	RAISE NOTICE 'again %, left %', phiguard.scan_schema('fresh'), (SELECT count(*) FROM phiguard.suspects WHERE schema = 'fresh');
	DELETE FROM phiguard.suspect;
END $$;
SQL
like($err, qr/NOTICE:  found 1, left 0\n/, 'in a block that fails: its suspects go with it');
like($err, qr/NOTICE:  again 1, left 1/, '... and in one that does not');

# --- Without a worker to be had all is done here.
for my $none ('SET max_parallel_workers = 0', 'SET max_parallel_maintenance_workers = 0')
{
	($out, $err) = run_sql($node, "DELETE FROM phiguard.suspect; SET client_min_messages = debug1; $none; SELECT phiguard.scan_schema('fresh')");
	is($out, 1, $none);
	unlike($err, qr/[1-9]\d* of \d+ parts/, '... no worker takes part');
}
is(suspects('fresh'), sql("SELECT relation, column_name, category, kind, confidence, evidence, state FROM phiguard.suspects WHERE schema = 'fresh' AND category = 'email' ORDER BY 1, 2"), '... and what is found is the same');
($out, $err) = run_sql($node, "RESET min_parallel_table_scan_size; SET min_parallel_table_scan_size = '8MB'; SET client_min_messages = debug1; SELECT phiguard.scan_schema('fresh')");
unlike($err, qr/parts of/, 'small tables are not worth a worker');

# --- A scan that is ended, or one of its workers, ends whole, and leaves nothing.
sql(<<'SQL');
DELETE FROM phiguard.suspect;
CREATE SCHEMA large;
CREATE TABLE large.a AS SELECT i, repeat('Seen by Dr. Beeler on 3/14/2021 ', 3) || i AS a, 'word ' || i AS b, i || ' Maple Street' AS c, md5(i::text) AS d FROM generate_series(1, 200000) i;
CREATE TABLE large.b AS SELECT * FROM large.a;
CREATE TABLE large.c AS SELECT * FROM large.a;
SQL
my $workers = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND query LIKE 'phiguard scan of table %'";
my $scan = "SET max_parallel_maintenance_workers = 1; SELECT phiguard.scan_schema('large', 200000);";

# Processor time in ticks: of a process; of the children that a process has seen end.
sub ticks
{
	my ($pid, $of_children) = @_;
	my @fields = split / /, (slurp_file("/proc/$pid/stat") =~ /.*\) (.*)/)[0];
	return $of_children ? $fields[13] + $fields[14] : $fields[11] + $fields[12];
}

my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
my $second = POSIX::sysconf(&POSIX::_SC_CLK_TCK);
my $killer = session($node);
my $most = 0;
for my $try (1 .. 3)
{
	my $session = session($node);
	my $worker = '';
	$session->send($scan);
	wait_until(sub { ($worker = $killer->ask($workers)) ne '' }, "scan $try has a worker");
	my $begun = ticks($worker);
	wait_until(sub { ticks($worker) > $begun + 2 * $try }, '... which works');
	my ($ended, $before) = (ticks($postmaster, 1), ticks($session->{pid}) + ticks($worker));
	$killer->ask("SELECT pg_cancel_backend($session->{pid})");
	$session->{run}->pump until $session->{err} =~ /ERROR/;
	my $used = ticks($session->{pid}) + ticks($postmaster, 1) - $ended - $before;
	like($session->{err}, qr/canceling statement due to user request/, '... and is cancelled');
	is(sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $worker AND backend_type = 'parallel worker'"), 0, '... its worker too');
	$session->close;
	$most = $used if $used > $most;
}
cmp_ok($most / $second, '<', 0.1, 'a cancel is heeded within 100 ms of work, of both together');
for my $end ([ 'pg_terminate_backend', 'terminating .*due to administrator command' ], [ 'pg_cancel_backend', 'canceling statement due to user request' ])
{
	my $session = session($node);
	my $worker = '';
	$session->send($scan);
	wait_until(sub { ($worker = $killer->ask($workers)) ne '' }, "a worker for $end->[0]");
	$killer->ask("SELECT $end->[0]($worker)");
	$session->{run}->pump until $session->{err} =~ /ERROR/;
	like($session->{err}, qr/ERROR:  $end->[1]/, '... ends the scan');
	is($session->ask('SELECT 1'), 1, '... and not the session');
	$session->close;
}
$killer->close;
(undef, $err) = run_sql($node, "SET statement_timeout = '300ms'; $scan");
like($err, qr/canceling statement due to statement timeout/, 'statement_timeout is heeded');
is(sql('SELECT count(*) FROM phiguard.suspects'), 0, 'nothing is left of any of them');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'"), 0, '... no worker either');

# --- A broken table: blocks that are none.
sql("CREATE TABLE fresh.broken AS SELECT 'jane' || i || '\@example.org' AS a, 'none' AS ssn FROM generate_series(1, 500) i");
my $file = $node->data_dir . '/' . sql("SELECT pg_relation_filepath('fresh.broken')");
$node->stop;
open(my $blocks, '+<', $file) or die "$file: $!";
print $blocks "\xaa" x 8192;
close($blocks);
$node->start;
is(sql("SELECT count(*) FROM fresh.filled"), 500, 'control: other tables are whole');
(undef, $err) = run_sql($node, 'SELECT count(*) FROM fresh.broken');
like($err, qr/invalid page in block 0/, 'control: this one is broken');
for my $how ($alone, '')
{
	($out, $err) = run_sql($node, "$how DELETE FROM phiguard.suspect; SELECT phiguard.scan_schema('fresh')");
	is($out, 2, "the others are scanned: $how");
	like($err, qr/NOTICE:  values of table "broken" are not read: reading them fails with SQLSTATE XX001/, '... and it is named');
	is(sql("SELECT string_agg(concat_ws(' ', relation, column_name, evidence ~ 'content'), ', ' ORDER BY relation) FROM phiguard.suspects WHERE schema = 'fresh'"), 'broken ssn f, emptied a t', '... and goes by its names');
}

# --- Nothing of what was read gets out, not from workers either.
unlike(slurp_file($node->logfile), qr/jane\d+\@|219-09-1\d\d\d|Beeler/, 'no value stands in the log');
journal_is_intact($node, 'the journal is intact');

$node->stop;
done_testing();
