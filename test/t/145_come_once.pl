# Where a person's key is the key of the one table that is scanned, persons are counted as rows are: exactly; and
# whatever makes one person come twice, or not at all, is not taken for that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 140_000;
my $node = phig_node('once', 'phiguard.on_unlabelled_store = ignore', 'max_parallel_workers_per_gather = 0');
sub sql { return $node->safe_psql('postgres', $_[0]) }

# Each table says how often a person is in it, by its key's column, and what it declares of that.
my %declared = (
	key => 'PRIMARY KEY', alternate => 'NOT NULL UNIQUE', nullable => 'UNIQUE', may_wait => 'NOT NULL UNIQUE DEFERRABLE', undeclared => 'NOT NULL');

sql("CREATE TABLE $_ (id int $declared{$_}, name text)") for sort keys %declared;
sql("CREATE TABLE partial (id int NOT NULL, name text); CREATE UNIQUE INDEX ON partial (id) WHERE id <= $rows");
sql("CREATE TABLE wide_key (id int NOT NULL, name text, UNIQUE (id, name))");
sql("CREATE TABLE in_parts (id int PRIMARY KEY, name text) PARTITION BY HASH (id); CREATE TABLE in_parts_1 PARTITION OF in_parts FOR VALUES WITH (MODULUS 1, REMAINDER 0)");
sql("CREATE TABLE letters (id text PRIMARY KEY, name text); CREATE TABLE numerals (id text PRIMARY KEY, name text); CREATE TABLE mixed (id text PRIMARY KEY, name text)");
sql("CREATE TABLE uuids (id uuid PRIMARY KEY, name text); CREATE TABLE long_keys (id text PRIMARY KEY, name text)");
sql("CREATE TABLE visit (k int PRIMARY KEY, id int NOT NULL REFERENCES key, name text)");
sql("INSERT INTO $_ SELECT i, 'n' FROM generate_series(1, $rows) i") for sort(keys %declared), 'partial', 'wide_key', 'in_parts', 'numerals';
sql(<<"SQL");
INSERT INTO letters SELECT 'p-' || i, 'n' FROM generate_series(1, $rows) i;
INSERT INTO mixed SELECT CASE i % 3 WHEN 0 THEN i::text WHEN 1 THEN 'p' || i ELSE rpad('p' || i, 300, 'x') END, 'n' FROM generate_series(1, $rows) i;
INSERT INTO uuids SELECT md5(i::text)::uuid, 'n' FROM generate_series(1, $rows) i;
INSERT INTO long_keys SELECT i || repeat('x', 200), 'n' FROM generate_series(1, $rows) i;
INSERT INTO visit SELECT i, 1 + i % 2000, 'n' FROM generate_series(1, $rows) i;
INSERT INTO nullable SELECT NULL, 'n' FROM generate_series(1, 50000);
INSERT INTO wide_key SELECT id, 'm' FROM wide_key;
CREATE FUNCTION twice() RETURNS bigint LANGUAGE plpgsql AS 'DECLARE n bigint; BEGIN FOR i IN 1 .. 2 LOOP SELECT count(name) FROM key INTO n; END LOOP; RETURN n; END';
SQL
my @tables = (sort(keys %declared), qw(partial wide_key in_parts letters numerals mixed uuids long_keys visit));
sql("SELECT phiguard.label('$_', 'name', 'name'), phiguard.label('$_', NULL, 'subject=id')") for @tables;
sql('VACUUM (ANALYZE)');

# persons(SQL): those that its records count.
my $last = 0;
sub persons
{
	my $app = 'once ' . ++$last;
	my ($out, $err) = run_sql($node, $_[0], app => $app);

	is($err, '', "$_[1] runs");
	return sql("SELECT string_agg(persons::text, ' ' ORDER BY position) FROM phiguard.access_log WHERE application = '$app' AND kind IN ('read', 'write', 'explain')");
}

sub counts { is(persons(@_[1, 0]), $_[2] // $rows, "$_[0]: each person is counted") }

sub about
{
	my ($name, $query, $expected) = @_;
	my $persons = persons($query, $name);

	cmp_ok(abs($persons - $expected), '<', $expected / 10, "$name: about so many persons") or diag($persons);
	isnt($persons, $_[3], "$name: rows are not taken for persons") if defined $_[3];
}

counts("$_, returned", "SELECT id, name FROM $_") for qw(key alternate letters numerals mixed uuids long_keys);
counts("$_, not returned", "SELECT name FROM $_") for qw(key letters);
counts("$_, below an aggregate", "SELECT count(name) FROM $_") for qw(key letters mixed uuids);
counts('sorted', 'SELECT id, name FROM key ORDER BY name, id DESC');
counts('grouped', 'SELECT name, count(*) FROM key GROUP BY name');
counts('distinct', 'SELECT DISTINCT name FROM key');
counts('limited', 'SELECT name FROM key LIMIT 135000', 135_000);
counts('by an index', "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT name FROM key WHERE id <= 137000", 137_000);
counts('by an index alone', "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(id) FROM letters WHERE name IS NOT NULL AND id > 'p'");
counts('a condition', 'SELECT name FROM key WHERE id % 70 <> 0', 138_000);
counts('instrumented', "LOAD 'auto_explain'; SET auto_explain.log_min_duration = '1h'; SET auto_explain.log_analyze = on; SELECT name FROM key");
counts('to a table', 'CREATE TABLE copied AS SELECT name FROM key');
counts('to a file', 'COPY (SELECT name FROM key) TO PROGRAM $$cat >/dev/null$$');
counts('in many portions', 'BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT name FROM key; MOVE 100 IN c; MOVE 139800 IN c; COMMIT', 139_900);
counts('fewer than a summary of everybody', 'SELECT name FROM letters LIMIT 100000', 100_000);

# One worker, and workers beside the leader, which do not know of each other.
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
my $alone = "$parallel SET parallel_leader_participation = off; SET max_parallel_workers = 1;";
like((run_sql($node, "$alone EXPLAIN (ANALYZE, TIMING off) SELECT name FROM key"))[0], qr/Workers Planned: 2\s+Workers Launched: 1/, 'a plan for workers');
counts('a worker alone, returned', "$alone SELECT name FROM key");
counts('a worker alone, below an aggregate', "$alone SELECT count(name) FROM letters");
for my $query ('SELECT name FROM key', 'SELECT count(name) FROM letters')
{
	my $persons = persons("$parallel $query", $query);

	cmp_ok(abs($persons - $rows), '<', $rows / 10, "parallel, $query: about so many persons") or diag($persons);
}
like(persons('BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT count(name) FROM key; FETCH c; FETCH c; COMMIT', 'a cursor of an aggregate'), qr/^$rows$/, 'a cursor of an aggregate: each is counted');
like((run_sql($node, 'BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT count(name) FROM key; FETCH c; MOVE ABSOLUTE 0 IN c; FETCH c; COMMIT'))[1], qr/can only scan forward/, 'which does not begin anew');

# Whatever is not like that: persons are told apart.
about('no key', 'SELECT id, name FROM undeclared', $rows);
about('a key that may wait', 'SELECT id, name FROM may_wait', $rows);
about('nobody in some rows', 'SELECT id, name FROM nullable', $rows, $rows + 50_000);
about('a key of some rows', 'SELECT id, name FROM partial', $rows);
about('a key of two columns', 'SELECT id, name FROM wide_key', $rows, 2 * $rows);
about('many rows of one', 'SELECT id, name FROM visit', 2000, $rows);
about('partitions', 'SELECT id, name FROM in_parts', $rows);
about('joined with many', 'SELECT p.id, v.name FROM key p JOIN visit v USING (id)', 2000, $rows);
about('twice in a statement', 'SELECT count(name) FROM (SELECT name FROM key UNION ALL SELECT name FROM key) x', $rows, 2 * $rows);
about('twice in a function', 'SELECT twice()', $rows, 2 * $rows);
about('several rows of each', "SELECT generate_series(1, 2), name FROM key", $rows, 2 * $rows);
about('back and forth', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT name FROM key; MOVE 139000 IN c; MOVE BACKWARD 139000 IN c; MOVE 139000 IN c; COMMIT', 139_000, 2 * 139_000);
about('once more for whoever holds it', 'BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT name FROM key; MOVE 139000 IN c; COMMIT', $rows, $rows + 139_000);
about('in a sub-select of each row', 'SELECT k, (SELECT count(name) FROM key) FROM generate_series(1, 2) k', $rows, 2 * $rows);
about('for each row anew', 'SELECT k, x.n FROM generate_series(1, 2) k, LATERAL (SELECT count(name) + k AS n FROM key WHERE id > k - 3) x', $rows, 2 * $rows);

# However it ends: by an error, or with the session.
my ($out, $err) = run_sql($node, 'SELECT name, 1 / (id - 138000) FROM key ORDER BY id', app => 'fails');
like($err, qr/division by zero/, 'an error');
($out, $err) = run_sql($node, 'SELECT name, CASE id WHEN 138000 THEN pg_terminate_backend(pg_backend_pid()) END FROM key ORDER BY id', app => 'is killed');
like($err, qr/terminating connection|server closed/, 'the end of a session');
wait_until(sub { sql("SELECT count(*) FROM phiguard.access_log WHERE application = 'is killed' AND persons > 0") == 1 });
is(sql("SELECT string_agg((persons BETWEEN 137998 AND 138001)::text, ' ' ORDER BY position) FROM phiguard.access_log WHERE application IN ('fails', 'is killed') AND kind = 'read'"), 'true true', 'who was met before is counted')
  or diag(sql("SELECT string_agg(concat_ws(':',kind,persons,rows,flags,command), ' ') FROM phiguard.access_log WHERE application = 'once ' || '$last'"));

# The row that is sent in part when the statement fails is one of them.
sql("UPDATE alternate SET name = E'\\xe6' WHERE id = 138000");
($out, $err) = run_sql($node, "SET client_encoding = 'UTF8'; SET enable_seqscan = off; SELECT id, name FROM alternate ORDER BY id", app => 'cannot be sent');
like($err, qr/invalid byte sequence/, 'a row that cannot be sent');
is(sql("SELECT rows || ' ' || persons FROM phiguard.access_log WHERE application = 'cannot be sent' AND kind = 'read'"), '137999 138000', '... its person is counted');

# A plan that was made while each came once.
my $app = 'prepared';
run_sql($node, 'SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT name FROM alternate; EXECUTE p; BEGIN; ALTER TABLE alternate DROP CONSTRAINT alternate_id_key; INSERT INTO alternate SELECT id FROM alternate; EXECUTE p; ROLLBACK; EXECUTE p', app => $app);
is(sql("SELECT string_agg(CASE WHEN persons = $rows THEN 'each' WHEN abs(persons - $rows) < $rows / 10 THEN 'about so many' ELSE persons::text END, ', ' ORDER BY position) FROM phiguard.access_log WHERE application = '$app' AND command = 'SELECT' AND kind = 'read'"),
	'each, about so many, each', 'a cached plan goes by what is declared when it runs');

# Nobody who was there is ruled out, whatever the key, and some others are while there are not too many.
for my $table (qw(letters numerals mixed long_keys))
{
	for my $limit (3000, $rows)
	{
		my $app = "$table $limit";

		run_sql($node, "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT name FROM $table ORDER BY id LIMIT $limit", app => $app);
		is(sql("SELECT count(*) FROM (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM $table) x WHERE n <= $limit AND n % ($limit / 50) = 1) x WHERE EXISTS (SELECT FROM phiguard.who_saw('$table', x.id) WHERE application = '$app')"),
			50, "$table, $limit rows: nobody is ruled out who was there");
		cmp_ok(sql("SELECT count(*) FROM generate_series(1, 100) i WHERE EXISTS (SELECT FROM phiguard.who_saw('$table', 'nobody-' || i) WHERE application = '$app')"),
			'<', 20, "$table, $limit rows: others are") if $limit < $rows;
	}
}
journal_is_intact($node, 'the journal is intact');
done_testing();
