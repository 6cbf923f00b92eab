# Whose rows INSERT of a query writes and reads: for each shape the rows that are written are those that are written
# without labels, and the persons on record are those that an independent query finds.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('inserts', 'phiguard.on_unlabelled_store = ignore');
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(<<"SQL");
CREATE TABLE patient (k int UNIQUE, id text PRIMARY KEY, name text);
CREATE TABLE visit (note text, k int PRIMARY KEY, pk int REFERENCES patient (k), amount numeric);
INSERT INTO patient SELECT i, 'person-' || i, 'n' || i FROM generate_series(1, 40) i;
INSERT INTO visit SELECT 'v' || i, i, 1 + i * 7 % 40, i FROM generate_series(1, 60) i;
CREATE TABLE drug (k int PRIMARY KEY, name text);
INSERT INTO drug SELECT i, 'd' || i FROM generate_series(1, 5) i;
-- What is written to: without persons, with persons, of a shape that makes trouble.
CREATE TABLE sink (n int DEFAULT 7, x text, y text);
CREATE TABLE holes (gone int, x text, gone_too int, d date DEFAULT '2020-02-02', y text);
ALTER TABLE holes DROP COLUMN gone, DROP COLUMN gone_too;
CREATE TABLE made (i int GENERATED ALWAYS AS IDENTITY, x text, up text GENERATED ALWAYS AS (upper(x)) STORED, y text);
CREATE TABLE parted (k int, x text, id text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (20);
CREATE TABLE parted_2 (id text, gone int, x text, k int);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (20) TO (1000);
CREATE TABLE copy (k int PRIMARY KEY, id text, name text);
INSERT INTO copy VALUES (3, 'person-3', 'old'), (4, 'person-4', 'old');
CREATE VIEW v_copy AS SELECT id, k AS number, name FROM copy WHERE k < 100 WITH CHECK OPTION;
CREATE VIEW v_instead AS SELECT k, id, name FROM copy;
CREATE FUNCTION put_in() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO sink (x, y) VALUES (NEW.id, NEW.name); RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF INSERT ON v_instead FOR EACH ROW EXECUTE FUNCTION put_in();
CREATE TABLE ruled (x text, y text);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO sink (x, y) SELECT NEW.x, d.name FROM drug d WHERE d.k = 1;
CREATE TABLE triggered (x text, y text);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.x := upper(NEW.x); RETURN NEW; END';
CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO sink (n, x) SELECT count(*), max(x) FROM fresh; RETURN NULL; END';
CREATE TRIGGER shouts BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TRIGGER tallies AFTER INSERT ON triggered REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally();
CREATE FUNCTION names_to(int) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM patient WHERE k <= \$1';
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres', application_name 'remote');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE FOREIGN TABLE far (n int, x text, y text) SERVER loop OPTIONS (table_name 'sink');
CREATE FOREIGN TABLE far_batch (n int, x text, y text) SERVER loop OPTIONS (table_name 'sink', batch_size '4');
CREATE MATERIALIZED VIEW kept AS SELECT k, name FROM patient WHERE k BETWEEN 5 AND 9 WITH NO DATA;
VACUUM ANALYZE;
SQL

# [ what, statement, who: a condition on patient, more? ].  more: others may be named too, those that were only scanned.
my $visits = 'k IN (SELECT pk FROM visit v WHERE %s)';
my @shapes = (
	[ 'a filter', 'INSERT INTO sink (x) SELECT name FROM patient WHERE k IN (4, 8)', 'k IN (4, 8)' ],
	[ 'nobody', 'INSERT INTO sink (x) SELECT name FROM patient WHERE k < 0', 'false' ],
	[ 'proved to be nobody', 'INSERT INTO sink (x) SELECT name FROM patient WHERE false', 'false' ],
	[ 'other columns, another order', 'INSERT INTO sink (y, n) SELECT name, k * 2 FROM patient WHERE k = 3', 'k = 3' ],
	[ 'constants and defaults', "INSERT INTO sink (x, y) SELECT 'c', name FROM patient WHERE k = 3", 'k = 3' ],
	[ 'the person is asked for', 'INSERT INTO sink (x, y) SELECT id, name FROM patient WHERE k = 5', 'k = 5' ],
	[ 'ORDER BY and LIMIT', 'INSERT INTO sink (x) SELECT name FROM patient ORDER BY k DESC LIMIT 3', 'k > 37' ],
	[ 'ORDER BY what is not written', 'INSERT INTO sink (x) SELECT name FROM patient WHERE k < 4 ORDER BY id DESC, k', 'k < 4' ],
	[ 'a join', 'INSERT INTO sink (x, y) SELECT p.name, v.note FROM patient p JOIN visit v ON v.pk = p.k WHERE v.k < 5', sprintf($visits, 'v.k < 5') ],
	[ 'an outer join', 'INSERT INTO sink (x, y) SELECT d.name, p.name FROM drug d LEFT JOIN patient p ON p.k = d.k + 38', 'k >= 39' ],
	[ 'a CTE', 'WITH c AS MATERIALIZED (SELECT name, k FROM patient WHERE k < 9) INSERT INTO sink (x) SELECT name FROM c WHERE k > 6', 'k IN (7, 8)' ],
	[ 'a CTE inside', 'INSERT INTO sink (x) WITH c AS (SELECT name, k FROM patient WHERE k < 9) SELECT a.name FROM c a JOIN c b ON a.k = b.k + 5', 'k < 9 AND (k > 5 OR k < 4)' ],
	[ 'LATERAL', 'INSERT INTO sink (x, y) SELECT d.name, l.note FROM drug d, LATERAL (SELECT note FROM visit v WHERE v.k > d.k * 10 ORDER BY v.k LIMIT 1) l', sprintf($visits, 'v.k IN (11, 21, 31, 41, 51)') ],
	[ 'a condition only', 'INSERT INTO sink (x) SELECT name FROM drug d WHERE EXISTS (SELECT FROM patient p WHERE p.k = d.k)', 'false' ],
	[ 'a function that is put in line', 'INSERT INTO sink (x) SELECT n FROM names_to(4) n', 'k <= 4' ],
	[ 'set-returning', "INSERT INTO sink (x, y) SELECT name, generate_series(1, 2)::text FROM patient WHERE k = 9", 'k = 9' ],
	[ 'an aggregate', 'INSERT INTO sink (x) SELECT max(name) FROM patient WHERE k IN (1, 2)', 'k IN (1, 2)' ],
	[ 'a set operation', 'INSERT INTO sink (x) SELECT name FROM patient WHERE k = 1 UNION ALL SELECT name FROM patient WHERE k = 2', 'k IN (1, 2)' ],
	[ 'a sub-select that is written', 'INSERT INTO sink (x) SELECT (SELECT name FROM patient p WHERE p.k = d.k) FROM drug d WHERE d.k = 2', 'k = 2' ],
	[ 'sub-selects in VALUES', 'INSERT INTO sink (x) VALUES ((SELECT name FROM patient WHERE k = 2)), (NULL)', 'k = 2' ],
	[ 'a sub-select as the row', 'INSERT INTO sink (x) VALUES ((SELECT name FROM patient WHERE k = 2))', 'k = 2' ],
	[ 'dropped columns', 'INSERT INTO holes (y, x) SELECT name, note FROM patient p JOIN visit v ON v.pk = p.k WHERE v.k < 3', sprintf($visits, 'v.k < 3') ],
	[ 'generated and identity columns', 'INSERT INTO made (x) SELECT name FROM patient WHERE k < 4', 'k < 4' ],
	[ 'partitions', 'INSERT INTO parted (k, x, id) SELECT k, name, id FROM patient WHERE k BETWEEN 18 AND 22', 'k BETWEEN 18 AND 22' ],
	[ 'partitions with persons, who are not those that are read',
		"INSERT INTO parted (k, x, id) SELECT p.k, p.name, 'person-' || p.k + 1 FROM patient p WHERE p.k IN (10, 30)", 'k IN (10, 11, 30, 31)' ],
	[ 'a foreign table', 'INSERT INTO far (n, x, y) SELECT k, name, NULL FROM patient WHERE k < 4', 'k < 4' ],
	[ 'in batches', 'INSERT INTO far_batch (n, x, y) SELECT k, name, NULL FROM patient WHERE k < 12', 'k < 12' ],
	[ 'a foreign table, RETURNING', 'INSERT INTO far (n, x, y) SELECT k, name, NULL FROM patient WHERE k < 4 RETURNING x', 'k < 4' ],
	[ 'a view', 'INSERT INTO v_copy (number, name, id) SELECT k, name, id FROM patient WHERE k IN (5, 6)', 'k IN (5, 6)' ],
	[ 'INSTEAD OF', 'INSERT INTO v_instead SELECT k, id, name FROM patient WHERE k IN (5, 6)', 'k IN (5, 6)' ],
	[ 'INSTEAD OF, RETURNING', 'INSERT INTO v_instead SELECT k, id, name FROM patient WHERE k IN (5, 6) RETURNING name', 'k IN (5, 6)' ],
	[ 'a rule beside', 'INSERT INTO ruled SELECT name, note FROM patient p JOIN visit v ON v.pk = p.k WHERE v.k < 3', sprintf($visits, 'v.k < 3') ],
	[ 'triggers', 'INSERT INTO triggered (x) SELECT name FROM patient WHERE k < 4', 'k < 4' ],
	[ 'RETURNING', 'INSERT INTO copy SELECT k, id, name FROM patient WHERE k = 7 RETURNING name, id', 'k = 7' ],
	[ 'RETURNING what was not read', "INSERT INTO copy SELECT 50 + v.k, p.id, p.name FROM visit v, patient p WHERE p.k = 9 AND v.k < 3 RETURNING *",
		sprintf("(k = 9 OR $visits)", 'v.k < 3') ],
	[ 'RETURNING a sub-select', 'INSERT INTO copy SELECT k, id, name FROM patient WHERE k = 7 RETURNING (SELECT name FROM patient WHERE k = 8)', 'k IN (7, 8)' ],
	[ 'ON CONFLICT DO NOTHING', 'INSERT INTO copy SELECT k, id, name FROM patient WHERE k IN (6, 7) ON CONFLICT DO NOTHING RETURNING k', 'k IN (6, 7)' ],
	[ 'below a CTE', 'WITH w AS (INSERT INTO copy SELECT k, id, name FROM patient WHERE k = 7 RETURNING name) SELECT name FROM w', 'k = 7' ],
	[ 'of a CTE that writes', "WITH w AS (UPDATE visit SET note = 'x' WHERE k < 3 RETURNING note, k) INSERT INTO sink (x) SELECT note FROM w", sprintf($visits, 'v.k < 3'), 1 ],
	[ 'CREATE TABLE AS', 'CREATE TABLE new AS SELECT name FROM patient WHERE k IN (11, 12)', 'k IN (11, 12)' ],
	[ 'SELECT INTO', 'SELECT name INTO new FROM patient WHERE k IN (11, 12)', 'k IN (11, 12)' ],
	[ 'REFRESH MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW kept', 'k BETWEEN 5 AND 9' ],
	[ 'COPY of a query', 'COPY (SELECT name FROM patient WHERE k = 13) TO STDOUT', 'k = 13' ],
	[ 'COPY of INSERT RETURNING', 'COPY (INSERT INTO copy SELECT k, id, name FROM patient WHERE k IN (13, 14) RETURNING name) TO STDOUT', 'k IN (13, 14)' ],
	[ 'a function', "DO 'BEGIN INSERT INTO sink (x) SELECT name FROM patient WHERE k = 15; END'", 'k = 15' ],
	[ 'prepared', 'PREPARE p (int) AS INSERT INTO sink (x) SELECT name FROM patient WHERE k = $1; ' . join('', map { "EXECUTE p ($_); " } 1 .. 7), 'k <= 7' ],
	[ 'EXPLAIN', 'EXPLAIN (COSTS OFF) INSERT INTO sink (x) SELECT name FROM patient WHERE k = 15', undef ],
	[ 'EXPLAIN ANALYZE', 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO sink (x) SELECT name FROM patient WHERE k = 15', 'k = 15' ],
);

sub run
{
	my ($shape, $app) = @_;
	my $after = join '', map { "SELECT '$_', x FROM (SELECT $_ AS x FROM $_) y ORDER BY x::text;\n" } qw(sink holes made parted_1 parted_2 copy ruled triggered);
	my ($out, $err) = run_sql($node, "ALTER SEQUENCE made_i_seq RESTART;\nBEGIN;\n$shape->[1];\nSET application_name = 'after';\n$after" . 'ROLLBACK', app => $app);

	# Buffers and the like are not what this is about.
	$out =~ s/^ *(Buffers|Planning|Memory|PHI Access|Stored|Returned|Referenced|Index Searches)\b.*\n//mg;
	return $err ? "$out\n$err" : $out;
}

my @plain = map { run($_, 'plain') } @shapes;
unlike(join("\n", @plain), qr/ERROR|WARNING/, 'without labels, all run');
sql(<<'SQL');
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('visit', 'note', 'note'), phiguard.label('copy', 'name', 'name'),
	phiguard.label('parted', 'x', 'name');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=pk->patient';
SECURITY LABEL FOR phiguard ON TABLE copy IS 'subject=id->patient';
SECURITY LABEL FOR phiguard ON TABLE parted IS 'subject=id->patient';
SQL

for my $number (0 .. $#shapes)
{
	my ($name, undef, $who, $more) = @{ $shapes[$number] };
	my $app = "insert $number";
	my $have = run($shapes[$number], $app);

	is($have, $plain[$number], "$name: the same rows");
	my $persons = persons_on_record($node, $app);
	my $expected = sql("SELECT coalesce(string_agg(lpad(k::text, 2, '0'), ' ' ORDER BY k), 'nobody') FROM patient WHERE " . ($who // 'false'));
	my %have = map { $_ => 1 } split / /, $persons;
	is($persons, $expected, "$name: the persons") if !$more;
	is((grep { !$have{$_} } split / /, $expected), 0, "$name: nobody is missing") if $more;
}

# What says how a person is on record: read along, not by the scans.
my $flags = sql("SELECT bool_or('subjects_aggregate' = ANY (flags)) FROM phiguard.access_log WHERE application = 'insert 0' AND kind = 'write'");
is($flags, 'f', 'a filter is row-wise');
is(sql("SELECT bool_or('subjects_aggregate' = ANY (flags)) FROM phiguard.access_log a JOIN generate_series(0, 99) i ON application = 'insert ' || i
	WHERE kind = 'write' AND query LIKE '%max(%'"), 't', 'an aggregate is not');

# A plan that was made with columns to be read along, and runs where nobody looks: it writes the same.
my $session = session($node, app => 'later');
$session->ask("SET plan_cache_mode = force_generic_plan; PREPARE p (int) AS INSERT INTO sink (n, x) SELECT k, name FROM patient WHERE k = \$1 RETURNING *; BEGIN");
is($session->ask('EXECUTE p (3)'), '3|n3|', 'a prepared INSERT, captured');
$node->append_conf('postgresql.conf', 'phiguard.mode = off');
$node->reload;
wait_until(sub { $session->ask('SHOW phiguard.mode') eq 'off' }, 'mode off');
is($session->ask('EXECUTE p (4)'), '4|n4|', 'the same plan where nothing is captured');
$node->append_conf('postgresql.conf', "phiguard.mode = audit\nphiguard.key_command = 'false'\nphiguard.journal_on_failure = allow");
$node->restart;
my ($out) = run_sql($node, 'INSERT INTO sink (n, x) SELECT k, name FROM patient WHERE k = 5 RETURNING *', app => 'no key');
is($out, '5|n5|', 'without the key, where that is allowed');
is(sql("SELECT subjects IS NULL FROM phiguard.access_log WHERE application = 'no key' AND kind = 'write'"), 't', 'and the record does not claim to know');
$node->append_conf('postgresql.conf', "phiguard.key_command = ''");
$node->reload;
wait_until(sub { sql('SHOW phiguard.key_command') eq '' }, 'the key is there again');
journal_is_intact($node, 'the journal is intact');
done_testing();
