# Scans on a server: known schemas with numbers, what is read as whom and under which policies, cancelling, time limits, dumps; no value gets out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('scan', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'",
	'log_min_messages = debug1', "log_statement = 'none'");
my $root = "$FindBin::RealBin/../..";

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

sub as_officer
{
	return run_sql($node, $_[0], as => 'regress_phig_officer');
}

sub suspect
{
	my ($relation, $column) = @_;
	return sql("SELECT category || ' ' || (evidence ~ 'content') FROM phiguard.suspects WHERE relation = '$relation' AND column_name = '$column'");
}

# --- Known schemas: every identifier is found, and little else.
system_or_bail('bash', '-c', <<"SH");
set -euo pipefail
cd '$root'
export PGHOST='@{[ $node->host ]}' PGPORT='@{[ $node->port ]}' PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'
run() { psql -XqAt -v ON_ERROR_STOP=1 "\$@"; }
. test/eval/columns.sh
run -f test/eval/columns.sql
load_csvs synthea test/data/synthea/*.csv
run -c 'CREATE SCHEMA uci'
load_csv uci diabetic_data test/data/uci_diabetes/readmission.csv.gz
run -f test/eval/columns_heldout.sql
run -c 'CREATE TABLE public.gold (schema name, relation name, column_name name, category text)'
run -c "\\copy public.gold FROM test/eval/columns_gold.csv (FORMAT csv, HEADER)"
run -c "DELETE FROM public.gold g WHERE NOT EXISTS (SELECT FROM phiguard.data_dictionary d WHERE (d.schema, d.relation, d.column_name) = (g.schema, g.relation, g.column_name))"
run -c "SELECT phiguard.scan_schema(s) FROM unnest('{synthea,uci,clarity,fhir,claims}'::regnamespace[]) s" >/dev/null
run -f test/eval/columns_score.sql
SH
my %summary = map { my @f = split /\|/; $f[0] => \@f } split /\n/, sql('SELECT schema, identifiers, found, others, alarms FROM column_summary');
is(join(' ', sort keys %summary), 'claims clarity fhir synthea uci', 'the schemas are scored');
for my $schema (sort keys %summary)
{
	my (undef, $identifiers, $found, $others, $alarms) = @{ $summary{$schema} };
	cmp_ok($identifiers, '>=', 3, "$schema has identifiers");
	is($found, $identifiers, "$schema: every column with an identifier is found");
	cmp_ok($alarms, '<=', 0.05 * $others, "$schema: at most 5 % of the others are suspected ($alarms of $others)");
}
is(sql('SELECT count(*) FROM column_score WHERE is_identifier'), sql("SELECT count(*) FROM gold WHERE category NOT IN ('ambiguous', 'note')"),
	'every identifier that is written down was there to be found');
# The control: where nothing is looked at nothing is found.
is(sql("SELECT count(*) FROM phiguard.suspects WHERE schema = 'public'"), 0, 'no suspect where nobody has scanned');

# --- As whom: the officer reads what the officer may read.
sql(<<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_clerk LOGIN;
CREATE TABLE open_table (a text, b text);
CREATE TABLE closed_table (a text, ssn text);
CREATE TABLE some_columns (a text, b text);
CREATE TABLE by_rows (a text, visible boolean);
CREATE TABLE labelled (a text, ssn text);
CREATE TABLE empty_policy (a text);
INSERT INTO open_table SELECT 'jane' || i || '@example.org', 'x' FROM generate_series(1, 100) i;
INSERT INTO closed_table SELECT a, b FROM open_table;
INSERT INTO some_columns SELECT a, b FROM open_table;
INSERT INTO by_rows SELECT CASE WHEN i % 2 = 0 THEN 'jane' || i || '@example.org' ELSE 'plain ' || i END, i % 2 = 1 FROM generate_series(1, 100) i;
INSERT INTO labelled SELECT a, '219-09-' || 1000 + n FROM (SELECT a, row_number() OVER () AS n FROM open_table) s;
INSERT INTO empty_policy SELECT a FROM open_table;
ALTER TABLE by_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON by_rows USING (visible);
ALTER TABLE empty_policy ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON open_table, by_rows, labelled, empty_policy TO regress_phig_officer;
GRANT SELECT (b) ON some_columns TO regress_phig_officer;
SELECT phiguard.label('labelled', 'ssn', 'ssn');
SQL
my ($out, $err) = as_officer("SELECT phiguard.scan_table('open_table'), phiguard.scan_table('closed_table'), phiguard.scan_table('some_columns'), phiguard.scan_table('by_rows'),
	phiguard.scan_table('labelled'), phiguard.scan_table('empty_policy')");
is($out, '1|1|0|0|0|0', 'an officer scans what others own') || diag $err;
is(suspect('open_table', 'a'), 'email true', 'a readable table by its content, in mode enforce');
is(suspect('closed_table', 'ssn'), 'ssn false', 'without privilege by name alone');
like($err, qr/NOTICE:  values of table "closed_table" are not read: permission denied/, '... and a notice says so');
like($err, qr/"some_columns" are not read: permission denied/, 'a privilege on one column is not enough');
is(suspect('by_rows', 'a'), '', 'row security holds: hidden rows say nothing');
like($err, qr/"labelled" are not read: it is labelled and its policies are enforced/, 'values that a policy would replace are not taken for values');
sql("CREATE TABLE above (a text, c text); CREATE TABLE below () INHERITS (above); INSERT INTO below SELECT a, a FROM open_table; GRANT SELECT ON above TO regress_phig_officer; SELECT phiguard.label('below', 'c', 'email')");
(undef, $err) = as_officer("SELECT phiguard.scan_table('above')");
like($err, qr/"above" are not read: it is labelled and its policies are enforced/, '... nor where a child is labelled');
sql("SELECT phiguard.scan_table('labelled'), phiguard.scan_table('empty_policy')");
is(suspect('labelled', 'a'), 'email true', 'control: whom no policy binds reads them');
is(suspect('empty_policy', 'a'), 'email true', 'control: whom row security does not bind sees the rows');
is(sql("SELECT count(*) FROM phiguard.access_log WHERE command = 'SCAN TABLE' AND login_role = 'regress_phig_officer' AND kind = 'policy'"), 7, 'each scan is on record, as the officer');
($out, $err) = run_sql($node, "SELECT phiguard.scan_table('open_table')", as => 'regress_phig_clerk');
like($err, qr/must be a privacy officer to scan tables/, 'nobody else scans');

# --- What owners have planted on their tables does not run with the officer's rights.
sql(<<'SQL');
CREATE ROLE regress_phig_owner;
GRANT CREATE ON SCHEMA public TO regress_phig_owner;
SET ROLE regress_phig_owner;
CREATE TABLE caught (who text);
GRANT INSERT, SELECT ON caught TO PUBLIC;
CREATE FUNCTION who_runs() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION who_plans() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.who_runs(); RETURN true; END $$;
CREATE TABLE trap_rows (a text);
ALTER TABLE trap_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON trap_rows USING (who_runs());
CREATE TABLE trap_index (a text);
CREATE INDEX trap_index_a ON trap_index (a) WHERE who_plans();
INSERT INTO trap_index SELECT 'jane' || i || '@example.org' FROM generate_series(1, 100) i;
INSERT INTO trap_rows SELECT a FROM trap_index;
GRANT SELECT ON trap_rows, trap_index TO regress_phig_officer;
TRUNCATE caught;
RESET ROLE;
SQL
(undef, $err) = as_officer("SELECT phiguard.scan_table('trap_rows'), phiguard.scan_table('trap_index')");
like($err, qr/"trap_rows" are not read: row-level security holds/, 'policies of row security are not run');
is(sql("SELECT string_agg(DISTINCT who, ' ') FROM caught WHERE who <> 'regress_phig_owner'"), '', '... nor what the planner evaluates of an index');
as_officer("SELECT count(*) FROM trap_rows");
is(sql("SELECT string_agg(DISTINCT who, ' ') FROM caught WHERE who <> 'regress_phig_owner'"), 'regress_phig_officer', 'control: an ordinary statement does');
sql('DROP TABLE trap_rows, trap_index');

# --- Foreign tables are read, as far as they go.
sql(<<"SQL");
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE FOREIGN TABLE far (a text, b text) SERVER loop OPTIONS (table_name 'open_table');
SELECT phiguard.scan_table('far');
SQL
is(suspect('far', 'a'), 'email true', 'a foreign table');

# --- Samples: blocks by lot from all of a table, and all of it where the blocks are empty.
sql(<<'SQL');
CREATE TABLE big (id int, a text, filler text);
INSERT INTO big SELECT i, CASE WHEN i > 100000 THEN 'jane' || i || '@example.org' ELSE 'nothing ' || i END, repeat('y', 60) FROM generate_series(1, 400000) i;
ANALYZE big;
SQL
sql("SELECT phiguard.scan_table('big', 2000)");
is(suspect('big', 'a'), 'email true', 'a sample is of the whole table: its first quarter has none');
my $values = sql("SELECT (regexp_match(evidence, '% e-mail of (\\d+) values'))[1] FROM phiguard.suspects WHERE relation = 'big' AND column_name = 'a'");
cmp_ok($values, '<=', 2000, 'no more rows than were asked for');
cmp_ok($values, '>', 500, '... and not many fewer');
sql("DELETE FROM big WHERE id <= 399900; SELECT phiguard.scan_table('big', 2000)");
is(sql("SELECT evidence ~ '100 % e-mail of 100 values' FROM phiguard.suspects WHERE relation = 'big' AND column_name = 'a'"), 't', 'the last rows of a table of empty blocks are found');

# --- It stops when it is told to.
sql(<<'SQL');
CREATE TABLE wide AS SELECT i, repeat('Seen by Dr. Beeler on 3/14/2021 ', 3) || i AS a, 'word ' || i AS b, i || ' Maple Street' AS c, md5(i::text) AS d FROM generate_series(1, 300000) i;
SQL
# In ticks of processor time after the request: how long that takes on the clock is for others to say.
sub ticks
{
	my ($pid) = @_;
	my @fields = split / /, (slurp_file("/proc/$pid/stat") =~ /.*\) (.*)/)[0];
	return $fields[11] + $fields[12];
}

my $most = 0;
my $killer = session($node);
my $second = POSIX::sysconf(&POSIX::_SC_CLK_TCK);
for my $try (1 .. 4)
{
	my $session = session($node);
	$session->send("SELECT phiguard.scan_table('wide', 300000);");
	wait_until(sub { sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid} AND state = 'active' AND query ~ 'scan_table'") eq '1' }, "scan $try has begun");
	my $begun = ticks($session->{pid});
	wait_until(sub { ticks($session->{pid}) > $begun + 2 * $try }, '... and works');
	my $before = ticks($session->{pid});
	$killer->send("SELECT pg_cancel_backend($session->{pid});");
	$session->{run}->pump until $session->{err} =~ /ERROR/;
	my $used = ticks($session->{pid}) - $before;
	like($session->{err}, qr/canceling statement due to user request/, '... and is cancelled');
	$session->close;
	$most = $used if $used > $most;
}
$killer->close;
cmp_ok($most / $second, '<', 0.1, 'a cancel is heeded within 100 ms of work');
is(sql("SELECT count(*) FROM phiguard.suspects WHERE relation = 'wide'"), 0, 'a scan that was cancelled leaves nothing half done');
($out, $err) = run_sql($node, "SET statement_timeout = '200ms'; SELECT phiguard.scan_table('wide', 300000)");
like($err, qr/canceling statement due to statement timeout/, 'statement_timeout is heeded');

# A scan holds up neither DDL elsewhere nor readers and writers of its table.
my $session = session($node);
$session->ask("BEGIN; SELECT phiguard.scan_table('open_table')");
($out, $err) = run_sql($node, "SET lock_timeout = '5s'; INSERT INTO open_table VALUES ('x', 'y'); DELETE FROM open_table WHERE a = 'x'; ALTER TABLE some_columns RENAME TO few_columns; DROP TABLE few_columns;
	SELECT phiguard.scan_table('closed_table'); VACUUM open_table");
is($err, '', 'a scan that has not been committed holds nobody up');
$session->ask('ROLLBACK');
$session->close;

# --- Nothing of what was read gets out: messages, the log, the journal's texts, what suspects say.
my $everything = slurp_file($node->logfile) . sql("SELECT string_agg(t::text, E'\n') FROM phiguard.suspects t") . sql("SELECT string_agg(coalesce(query, ''), E'\n') FROM phiguard.access_log");
unlike($everything, qr/jane\d+\@|219-09-1\d\d\d|Mosciski|999-17-5017/, 'no value stands in any of them');
like(sql("SELECT string_agg(t::text, E'\n') FROM (SELECT * FROM open_table LIMIT 3) t"), qr/jane\d+\@/, 'control: the pattern finds the values where they are');

# --- What officers have decided comes back with a dump.
sql("SELECT phiguard.reject_suspect('big', 'a')");
my $dump = $node->backup_dir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-n', 'public', '-e', 'phiguard', '-t', 'public.big', '-t', 'phiguard.suspect', '-d', $node->connstr('postgres') ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my ($status, $stdout, $stderr) = (0, '', '');
run_sql($node, "CREATE EXTENSION phiguard", db => 'restored');
$node->command_ok([ 'bash', '-c', "grep -v 'CREATE EXTENSION\\|CREATE SCHEMA\\|COMMENT ON EXTENSION' '$dump' | psql -XqAt -d '" . $node->connstr('restored') . "'" ], '... and a restore');
is($node->safe_psql('restored', "SELECT state FROM phiguard.suspects WHERE relation = 'big' AND column_name = 'a'"), 'rejected', 'a rejection is in it');
$node->safe_psql('restored', "SELECT phiguard.scan_table('big')");
is($node->safe_psql('restored', "SELECT state FROM phiguard.suspects WHERE relation = 'big' AND column_name = 'a'"), 'rejected', '... and holds there');

$node->stop;
done_testing();
