# Whole rows of sub-selects: what a query shows is what it shows without labels, although persons are read along, and
# the persons are those that an independent query finds.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('rows', 'phiguard.on_unlabelled_store = ignore');
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(<<'SQL');
CREATE TABLE patient (gone int, k int UNIQUE, id text PRIMARY KEY, name text);
ALTER TABLE patient DROP COLUMN gone;
CREATE TABLE visit (k int PRIMARY KEY, id text REFERENCES patient, note text);
CREATE TABLE drug (k int PRIMARY KEY, name text);
CREATE TABLE sink (x text);
INSERT INTO patient SELECT i, 'person-' || i, 'n' || i FROM generate_series(1, 20) i;
INSERT INTO visit SELECT i, 'person-' || 1 + i % 20, 'v' || i FROM generate_series(1, 40) i;
INSERT INTO drug SELECT i, 'd' || i FROM generate_series(1, 5) i;
CREATE VIEW v_patient AS SELECT k, upper(name) AS name FROM patient;
CREATE VIEW v_closed WITH (security_barrier) AS SELECT k, name FROM patient;
CREATE FUNCTION patients(int) RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM patient WHERE k < $1';
CREATE FUNCTION is_row(record) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1::text; END';
VACUUM ANALYZE;
SQL

# [ what, query, who (undef: others may have been scanned), left to the scans? ]
my $sub = '(SELECT name, k FROM patient WHERE k IN (3, 4)) s';
my $none = '(SELECT name, k FROM patient WHERE k > 1) s';
my @shapes = (
	[ 'a row', "SELECT s FROM $sub ORDER BY s", 'k IN (3, 4)' ],
	[ 'all columns', "SELECT s.* FROM $sub ORDER BY s", 'k IN (3, 4)' ],
	[ 'as JSON', "SELECT row_to_json(s), to_jsonb(s) FROM $sub ORDER BY k", 'k IN (3, 4)' ],
	[ 'with other names', "SELECT row_to_json(t) FROM (SELECT name, k FROM patient WHERE k = 3) t (a, b)", 'k = 3' ],
	[ 'a field of it', "SELECT (s).name, (x).k FROM (SELECT s, s AS x FROM $sub) s ORDER BY 1", 'k IN (3, 4)' ],
	[ 'a row of rows', "SELECT t FROM (SELECT s, s.k FROM $sub) t ORDER BY k", 'k IN (3, 4)' ],
	[ 'where there is none', "SELECT d.k, s, s IS NULL, s IS NOT NULL, row_to_json(s) FROM drug d LEFT JOIN $none ON s.k = d.k ORDER BY d.k", 'k BETWEEN 2 AND 5' ],
	[ 'on the other side', "SELECT s, d FROM $none RIGHT JOIN drug d ON s.k = d.k ORDER BY d.k", 'k BETWEEN 2 AND 5' ],
	[ 'on both sides', "SELECT s, t FROM $sub FULL JOIN (SELECT name, k FROM patient WHERE k IN (4, 5)) t ON s.k = t.k ORDER BY s.k, t.k", 'k IN (3, 4, 5)' ],
	[ 'not pulled up', "SELECT s FROM (SELECT name, k FROM patient ORDER BY k LIMIT 2) s", 'k < 3' ],
	[ 'sorted by what is not shown', "SELECT s FROM (SELECT name FROM patient ORDER BY k DESC LIMIT 2) s", 'k > 18' ],
	[ 'from a level below', "SELECT (SELECT row_to_json(s)) FROM $sub ORDER BY k", 'k IN (3, 4)' ],
	[ 'from a lateral sub-select', "SELECT l.* FROM $sub, LATERAL (SELECT s AS r, s.k) l ORDER BY k", 'k IN (3, 4)' ],
	[ 'in a condition', "SELECT d.name FROM drug d, $sub WHERE s = ROW('n3'::text, 3) AND d.k = s.k", 'k = 3' ],
	[ 'handed to a function', "SELECT is_row(s) FROM $sub ORDER BY k", 'k IN (3, 4)' ],
	[ 'a volatile column', "SELECT (s).r = r, length(s::text) > 5 FROM (SELECT random() AS r, name FROM patient WHERE k = 3) s", 'k = 3', 'scanned' ],
	[ 'several rows of one', "SELECT s FROM (SELECT generate_series(1, 2), name FROM patient WHERE k = 3) s", 'k = 3', 'scanned' ],
	[ 'a sub-select in it', "SELECT s FROM (SELECT (SELECT 1), name FROM patient WHERE k = 3) s", 'k = 3', 'scanned' ],
	[ 'a view', "SELECT v, row_to_json(v), v.name FROM v_patient v WHERE k = 3", 'k = 3' ],
	[ 'a table', "SELECT p, p.k FROM patient p WHERE k = 3", 'k = 3' ],
	[ 'a table beside a sub-select', "SELECT p, s.name FROM patient p, $sub WHERE p.k = 7 ORDER BY s.k", 'k IN (3, 4, 7)' ],
	[ 'a join', "SELECT j FROM ((SELECT name, k FROM patient WHERE k = 3) s JOIN (SELECT note, k FROM visit WHERE k = 3) v USING (k)) j", 'k IN (3, 4)' ],
	[ 'a CTE', "WITH s AS MATERIALIZED (SELECT name, k FROM patient WHERE k < 3) SELECT s FROM s", 'k < 3', 'scanned' ],
	[ 'a CTE, in two ways', "WITH s AS (SELECT name, k FROM patient WHERE k < 3) SELECT a.name, b FROM s a, s b WHERE a.k = b.k ORDER BY 1", 'k < 3', 'scanned' ],
	[ 'a function that is put in line', "SELECT f FROM patients(3) f ORDER BY k", 'k < 3', 'scanned' ],
	[ 'grouped', "SELECT s, count(*) FROM $sub GROUP BY s ORDER BY s", 'k IN (3, 4)', 'scanned' ],
	[ 'distinct', "SELECT DISTINCT s FROM $sub ORDER BY s", 'k IN (3, 4)', 'scanned' ],
	[ 'INSERT', "INSERT INTO sink SELECT row_to_json(s)::text FROM $sub RETURNING x", 'k IN (3, 4)' ],
	[ 'UPDATE, RETURNING', "UPDATE visit v SET note = s::text FROM $sub WHERE s.k = v.k RETURNING s, v.note", 'k IN (3, 4, 5)' ],
	[ 'FOR UPDATE', "SELECT s FROM $sub FOR UPDATE", 'k IN (3, 4)' ],
	[ 'UPDATE from a view that is closed', "UPDATE drug d SET name = v.name FROM v_closed v WHERE v.k = d.k AND d.k = 3 RETURNING d.name", 'k = 3' ],
	[ 'DELETE by a view inside', "DELETE FROM drug d USING (SELECT v.k, v.name FROM v_closed v OFFSET 0) s WHERE s.k = d.k AND d.k = 3 RETURNING s", 'k = 3' ],
	[ 'MERGE from a function', "MERGE INTO drug d USING patients(4) f ON f.k = d.k WHEN MATCHED THEN UPDATE SET name = f.name", 'k < 4' ],
	[ 'FOR UPDATE beside a view', "SELECT d.k, v.name FROM drug d, v_closed v WHERE v.k = d.k AND d.k = 3 FOR UPDATE OF d", 'k = 3' ],
	[ 'beside a whole row of a view', "SELECT d.k, v FROM drug d, v_closed v WHERE v.k = d.k AND d.k = 3 FOR UPDATE OF d", undef, 'scanned' ],
	[ 'a cursor', "DECLARE c CURSOR FOR SELECT s FROM (SELECT name FROM patient ORDER BY k) s; FETCH 2 FROM c", 'k < 3' ],
);

sub run { return join "\n", grep { $_ ne '' } run_sql($node, "BEGIN;\n$_[0][1];\nROLLBACK", app => $_[1]) }

my @plain = map { run($_, 'plain') } @shapes;
unlike(join("\n", @plain), qr/ERROR/, 'without labels, all run');
sql(<<'SQL');
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('visit', 'note', 'note');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=id';
SQL
for my $number (0 .. $#shapes)
{
	my ($name, undef, $who, $scanned) = @{ $shapes[$number] };
	my $app = "row $number";

	is(run($shapes[$number], $app), $plain[$number], "$name: the same is shown");
	my $persons = persons_on_record($node, $app);
	my $flag = sql("SELECT bool_or('subjects_aggregate' = ANY (flags)) FROM phiguard.access_log WHERE application = '$app' AND kind IN ('read', 'write')");
	my $expected = sql("SELECT string_agg(lpad(k::text, 2, '0'), ' ' ORDER BY k) FROM patient WHERE " . ($who // 'k = 3'));
	is($persons, $expected, "$name: the persons") if defined $who;
	like($persons, qr/(^| )$expected( |$)/, "$name: the person is among them") if !defined $who;
	is($flag, 'f', "$name: row by row") if !$scanned;
}
journal_is_intact($node, 'the journal is intact');
done_testing();
