# Whose rows left, where statements are not read in one go, fail, are killed, or name very many persons; tokens
# through renames and rotations; nothing of a key in the journal; what happens without the key.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('shapes', 'phiguard.on_unlabelled_store = ignore',
	"phiguard.officer_role = 'regress_phig_officer'", "phiguard.auditor_role = 'regress_phig_auditor'");
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(<<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_auditor LOGIN;
CREATE ROLE regress_phig_nurse LOGIN;
CREATE TABLE patient (id text PRIMARY KEY, k int UNIQUE, name text);
INSERT INTO patient SELECT 'person-' || i, i, 'n' || i FROM generate_series(1, 3000) i;
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'k', 'none');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
GRANT SELECT, UPDATE ON patient TO regress_phig_nurse;
VACUUM ANALYZE patient;
SQL

sub persons { return persons_on_record($node, $_[0], among => 'k <= 60') }
sub numbers { return join ' ', map { sprintf '%02d', $_ } @_ }

my $runs = 0;
sub leaves
{
	my ($name, $statements, @expected) = @_;
	my $app = 'shape ' . ++$runs;
	my (undef, $err) = run_sql($node, $statements, app => $app, as => 'regress_phig_nurse');

	is(persons($app), @expected && $expected[0] !~ /^\d/ ? $expected[0] : numbers(@expected), $name);
	return $err;
}

my $first_ten = 'SELECT name FROM patient WHERE k <= 10 ORDER BY k';
leaves('a read', "$first_ten;", 1 .. 10);
leaves('no row, nobody', 'SELECT name FROM patient WHERE k < 0;', 'nobody');
leaves('what was fetched of a cursor', "BEGIN; DECLARE c NO SCROLL CURSOR FOR $first_ten; FETCH 2 FROM c; FETCH 1 FROM c; COMMIT;", 1 .. 3);
leaves('a cursor that nothing was fetched of', "BEGIN; DECLARE c NO SCROLL CURSOR FOR $first_ten; COMMIT;", 'nobody');
leaves('a cursor that scrolls', "BEGIN; DECLARE c SCROLL CURSOR FOR $first_ten; FETCH 4 FROM c; FETCH BACKWARD 2 FROM c; COMMIT;", 1 .. 4);
leaves('a holdable cursor is read at commit', "BEGIN; DECLARE c CURSOR WITH HOLD FOR $first_ten; COMMIT; FETCH 2 FROM c; CLOSE c;", 1 .. 10);
leaves('FOR UPDATE', 'BEGIN; SELECT name FROM patient WHERE k IN (4, 7) FOR UPDATE; COMMIT;', 4, 7);
sql(<<'SQL');
CREATE TABLE guest (id text, name text);
CREATE TABLE guest_patient () INHERITS (guest);
INSERT INTO guest_patient VALUES ('person-1', 'g');
SELECT phiguard.label('guest', 'name', 'name');
SECURITY LABEL FOR phiguard ON TABLE guest_patient IS 'subject=id';
GRANT SELECT ON guest TO regress_phig_nurse;
SQL
leaves('a child that knows its persons, below a table that does not: nobody is ruled out',
	'SELECT g.name, p.name FROM guest g JOIN patient p ON p.k = 2;', 'not captured nobody');
leaves('and below an aggregate', 'SELECT max(g.name), max(p.name) FROM guest g JOIN patient p ON p.k = 2;', 'not captured nobody');
leaves('the parent without its children', 'SELECT p.name FROM ONLY guest g RIGHT JOIN patient p ON p.k = 2 WHERE p.k = 2;', 2);
sql(<<'SQL');
CREATE TABLE member (id text, name text);
CREATE TABLE member_child (own text) INHERITS (member);
INSERT INTO member_child VALUES ('person-1', 'm', 'person-2');
SELECT phiguard.label('member', 'name', 'name'), phiguard.label('member_child', 'own', 'mrn');
SECURITY LABEL FOR phiguard ON TABLE member IS 'subject=id->patient';
SECURITY LABEL FOR phiguard ON TABLE member_child IS 'subject=own->patient';
CREATE TABLE named (base text, id text GENERATED ALWAYS AS (base) STORED, name text);
INSERT INTO named VALUES ('person-1', DEFAULT, 'g');
SELECT phiguard.label('named', 'name', 'name');
SECURITY LABEL FOR phiguard ON TABLE named IS 'subject=id';
CREATE FUNCTION whole_rows() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT s::text FROM (SELECT name FROM patient WHERE k = 37) s';
CREATE FUNCTION look_at_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM f.name, p.name FROM fresh f JOIN patient p ON p.k = 2;
	RETURN NULL;
END $$;
CREATE TABLE watched (id text, name text);
INSERT INTO watched VALUES ('person-1', 'w');
SELECT phiguard.label('watched', 'name', 'name');
SECURITY LABEL FOR phiguard ON TABLE watched IS 'subject=id->patient';
CREATE TRIGGER looks AFTER UPDATE ON watched REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION look_at_new();
GRANT SELECT, UPDATE ON member, named, watched TO regress_phig_nurse;
SQL
leaves('a child whose persons another column names: nobody is claimed', 'SELECT m.name, p.name FROM member m JOIN patient p ON p.k = 2;', 'not captured nobody');
leaves('the scans below an aggregate know each relation\'s own', 'SELECT max(m.name), max(p.name) FROM member m JOIN patient p ON p.k = 3;', 2, 3);
leaves('the parent without that child', 'SELECT p.name FROM ONLY member m RIGHT JOIN patient p ON p.k = 2 WHERE p.k = 2;', 2);
run_sql($node, "UPDATE named SET base = 'person-2', name = 'x' WHERE id = 'person-1'", app => 'anew');
sub who_named { return sql("SELECT string_agg(p || ' ' || certainty, ', ' ORDER BY p) FROM generate_series(1, 4) p, phiguard.who_saw('named', 'person-' || p) WHERE application = '$_[0]'") }
is(who_named('anew'), '1 written, 2 written', 'a subject that is computed anew');
run_sql($node, "WITH w AS (UPDATE named SET base = 'person-3', name = 'x' RETURNING name) SELECT name FROM w WHERE false", app => 'no row');
is(who_named('no row'), '2 aggregate, 3 aggregate', 'what a CTE writes, where no row comes back');
leaves('a transition table has persons, too', "UPDATE watched SET name = 'x';", 'not captured 01');
leaves('a grouped sub-select', 'SELECT (SELECT name FROM patient WHERE k = 36) FROM generate_series(1, 2) GROUP BY 1;', 36);
leaves('a sub-select in what is counted', 'SELECT count((SELECT name FROM patient WHERE k = 36)) FROM generate_series(1, 2);', 36);
leaves('in RETURNING', "UPDATE patient SET name = 'new' WHERE k = 41 RETURNING (SELECT name FROM patient WHERE k = 42);", 41, 42);
leaves('in VALUES', 'SELECT * FROM (VALUES ((SELECT name FROM patient WHERE k = 43)), (NULL)) v;', 43);
leaves('as the argument of a function', 'SELECT * FROM unnest((SELECT array_agg(name) FROM patient WHERE k = 44)) v;', 44);
leaves('DISTINCT ON', 'SELECT DISTINCT ON (k % 2) name FROM patient WHERE k IN (45, 46);', 45, 46);
leaves('a grouped key', 'SELECT name FROM patient WHERE k IN (45, 46) GROUP BY id;', 45, 46);
leaves('a CTE that writes', "WITH w AS (UPDATE patient SET name = 'new' WHERE k = 47 RETURNING name) SELECT w.name, p.name FROM w, patient p WHERE p.k = 48;", 47, 48);
leaves('UPDATE with a join', "UPDATE patient p SET name = q.name FROM patient q WHERE p.k = 49 AND q.k = 50;", 49, 50);
leaves('a grouped sub-select of a sub-select', 'SELECT g FROM (SELECT (SELECT name FROM patient WHERE k = 36) AS g FROM generate_series(1, 2) GROUP BY 1) s;', 36);
is((run_sql($node, 'SELECT a.name, f FROM (SELECT name FROM patient WHERE k = 38) a, whole_rows() f', app => 'whole'))[0], 'n38|(n37)',
	'whole rows in a function that is put in line stay as they are');
is(persons('whole'), '37 38', 'and name their persons');
sql(<<"SQL");
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres', application_name 'remote');
CREATE USER MAPPING FOR regress_phig_nurse SERVER loop OPTIONS (user 'regress_phig_nurse', password_required 'false');
CREATE FOREIGN TABLE far (id text, k int, name text) SERVER loop OPTIONS (table_name 'patient');
SELECT phiguard.label('far', 'name', 'name');
SECURITY LABEL FOR phiguard ON FOREIGN TABLE far IS 'subject=id->patient';
GRANT SELECT, UPDATE ON far TO regress_phig_nurse;
SQL
leaves('a foreign table', 'SELECT name FROM far WHERE k = 3;', 3);
leaves('written by the foreign server, which shows no row', "UPDATE far SET name = 'far' WHERE k = 4;", 'not captured nobody');
leaves('or shows what is returned', "UPDATE far SET name = 'far' WHERE k = 4 RETURNING name;", 'not captured nobody');
leaves('WHERE CURRENT OF', "BEGIN; DECLARE c CURSOR FOR SELECT name FROM patient WHERE k IN (5, 6) ORDER BY k FOR UPDATE; FETCH c; FETCH c; " .
	"UPDATE patient SET name = 'new' WHERE CURRENT OF c; COMMIT;", 5, 6);
leaves('written alone', "UPDATE patient SET name = 'new' WHERE k = 8;", 8);
leaves('RETURNING', "UPDATE patient SET name = 'new' WHERE k = 9 RETURNING name;", 9);
for my $mode ('force_generic_plan', 'force_custom_plan', 'auto')
{
	leaves("prepared, $mode", "SET plan_cache_mode = $mode; PREPARE p (int) AS SELECT name FROM patient WHERE k = \$1; " .
		join('', map { "EXECUTE p ($_); " } 11 .. 18), 11 .. 18);
}
leaves('rolled back', "BEGIN; SELECT name FROM patient WHERE k = 20; ROLLBACK;", 20);
like(leaves('an error in the middle', 'SELECT name, 1 / (k - 3) FROM patient WHERE k <= 10 ORDER BY k;', 1, 2), qr/division by zero/, 'it failed');
leaves('a function of PL/pgSQL', 'DO $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM patient WHERE k IN (30, 31) LOOP NULL; END LOOP; END $$;', 30, 31);
leaves('COPY of a query', "COPY (SELECT name FROM patient WHERE k = 33) TO STDOUT;\n", 33);
my $unsorted = 'SELECT name FROM patient WHERE k <= 10';
leaves('a scan alone', "$unsorted;", 1 .. 10);
leaves('a cursor over a scan alone', "BEGIN; DECLARE c CURSOR FOR $unsorted; FETCH 3 FROM c; COMMIT;", 1 .. 3);
leaves('a scan alone, limited', "$unsorted LIMIT 4;", 1 .. 4);
leaves('a scan alone, where rows vanish on the way', "SELECT name, generate_series(1, k % 2) FROM patient WHERE k <= 10;", 1, 3, 5, 7, 9);
leaves('an index alone', 'SET enable_seqscan = off; SELECT name FROM patient WHERE k = 12;', 12);
leaves('workers over a scan alone', "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; $unsorted;", 1 .. 10);
leaves('EXPLAIN shows nobody', 'EXPLAIN SELECT name FROM patient WHERE k = 34;', 'nobody');

# Cancelled: persons up to there.
my (undef, $cancelled) = run_sql($node, "SET statement_timeout = 300; SELECT name, pg_sleep(CASE WHEN k < 3 THEN 0 ELSE 60 END) FROM patient ORDER BY k;", app => 'cancelled');
like($cancelled, qr/statement timeout/, 'a statement is cancelled');
is(persons('cancelled'), '01 02', 'the persons up to there are on record');

# Workers that are cut off put nobody on record, whatever rows they have handed over.
my $slow = 'SET statement_timeout = 300; SELECT name, pg_sleep(CASE WHEN k < 3 THEN 0 ELSE 60 END) FROM patient;';
my $workers = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
like(leaves('a scan alone is cancelled', $slow, 1, 2), qr/statement timeout/, 'it is');
like(leaves('with workers: nobody is ruled out', "$workers $slow", 'not captured nobody'), qr/statement timeout/, 'it is');
like(leaves('workers below a union', "$workers SET statement_timeout = 300; SELECT name, pg_sleep(k) FROM patient UNION ALL SELECT name, pg_sleep(k) FROM patient;", 'not captured nobody'),
	qr/statement timeout/, 'it is cancelled');

# Keys that differ by a zero in front are those of different persons, behind the cap of those that are looked through, too.
sql(<<'SQL');
CREATE TABLE numbered (id text PRIMARY KEY, name text);
INSERT INTO numbered SELECT lpad('', n, d) || e, 'n' FROM generate_series(1, 18) n, unnest('{0,7}'::text[]) d, unnest('{1,6}'::text[]) e;
SELECT phiguard.label('numbered', 'name', 'name');
SECURITY LABEL FOR phiguard ON TABLE numbered IS 'subject=id';
SQL
run_sql($node, 'SELECT name FROM numbered;', app => 'numbered');
is(sql("SELECT count(*) FROM (SELECT unnest(subjects) FROM phiguard.access_log WHERE application = 'numbered' INTERSECT
	SELECT phiguard.subject_token('numbered', id) FROM numbered) t"), '72', 'all have their tokens');
run_sql($node, 'SET phiguard.subjects_per_record = 3; SELECT name FROM numbered;', app => 'numbered and summarized');
is(sql("SELECT persons FROM phiguard.access_log WHERE application = 'numbered and summarized' AND kind = 'read'"), '72', 'and are counted apart');

# Keys that are equal and written in two ways.  A server that was built without ICU has no such collation.
if (sql("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'") > 0)
{
	sql("CREATE DATABASE unicode ENCODING 'UTF8' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql('unicode', <<'SQL');
CREATE EXTENSION phiguard;
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE caseless (id text COLLATE caseless PRIMARY KEY, name text);
CREATE TABLE visitor (id text COLLATE caseless REFERENCES caseless, name text);
INSERT INTO caseless VALUES ('Abcde', 'x');
INSERT INTO visitor VALUES ('aBCDE', 'y');
SELECT phiguard.label(t, 'name', 'name') FROM unnest('{caseless,visitor}'::regclass[]) t;
SECURITY LABEL FOR phiguard ON TABLE caseless IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE visitor IS 'subject=id';
SQL
	run_sql($node, 'SELECT name FROM visitor', db => 'unicode', app => 'caseless');
	is($node->safe_psql('unicode', "SELECT subjects IS NULL FROM phiguard.access_log WHERE application = 'caseless'"), 't',
		'with a collation that is not deterministic nobody is ruled out');
	like((run_sql($node, "SELECT phiguard.subject_token('visitor', 'Abcde')", db => 'unicode'))[1], qr/has no tokens/, 'such a person has no token');
}

# No row has a virtual column.
if ($node->pg_version >= 18)
{
	sql(<<'SQL');
CREATE TABLE virtual_note (k int, id text GENERATED ALWAYS AS ('person-' || k) VIRTUAL, name text);
INSERT INTO virtual_note (k, name) VALUES (1, 'n');
SELECT phiguard.label('virtual_note', 'name', 'name');
SECURITY LABEL FOR phiguard ON TABLE virtual_note IS 'subject=id->patient';
GRANT ALL ON virtual_note TO regress_phig_nurse;
SQL
	leaves("$_: of a virtual column", "$_;", 'not captured nobody')
		foreach 'SELECT name FROM virtual_note', 'SELECT name FROM virtual_note ORDER BY name', 'SELECT min(name) FROM virtual_note',
			"INSERT INTO virtual_note (k, name) VALUES (2, 'n')", "UPDATE virtual_note SET name = 'm'";
}

# More than the cap: a summary.
my $capped = 'phiguard.subjects_per_record';
run_sql($node, "SET $capped = 10; SELECT name FROM patient WHERE k <= 40;", app => 'capped');
is(sql("SELECT cardinality(subjects), 'subjects_summary' = ANY(flags) FROM phiguard.access_log WHERE application = 'capped' AND kind = 'read'"), '10|t',
	'ten are named, the others are in a summary');
is(sql("SELECT 'subjects_summary' = ANY(flags) FROM phiguard.access_log WHERE application = 'shape 1' AND kind = 'read'"), 'f', 'no summary below the cap');
is(sql("SELECT count(*) FROM generate_series(1, 40) i WHERE EXISTS (SELECT FROM phiguard.who_saw('patient', 'person-' || i) WHERE application = 'capped' AND certainty IN ('seen', 'possible'))"),
	40, 'who_saw finds it for each of them');
is(sql("SELECT count(*) FROM generate_series(1, 40) i WHERE EXISTS (SELECT FROM phiguard.who_saw('patient', 'person-' || i) WHERE application = 'capped' AND certainty = 'seen')"),
	10, 'and is certain of ten');
cmp_ok(sql("SELECT count(*) FROM generate_series(41, 80) i WHERE EXISTS (SELECT FROM phiguard.who_saw('patient', 'person-' || i) WHERE application = 'capped')"),
	'<=', 4, 'of others, hardly anybody');

# Very many: it is possible of everybody.
sql("CREATE TABLE crowd (id int PRIMARY KEY, name text); INSERT INTO crowd SELECT i, 'n' FROM generate_series(1, 200000) i; SELECT phiguard.label('crowd', 'name', 'name'), phiguard.label('crowd', NULL, 'subject=id')");
sql('CREATE ROLE regress_phig_crowd LOGIN; GRANT SELECT ON crowd TO regress_phig_crowd');
run_sql($node, "SELECT name FROM crowd WHERE id <= $_->[1];", app => "crowd $_->[0]", as => 'regress_phig_crowd') for ['some', 100000], ['all', 200000];
# Those that wait behind the cap are on record after an error, and across FETCHes.
run_sql($node, 'SET phiguard.subjects_per_record = 10; SELECT name, 1 / (id - 1500) FROM crowd ORDER BY id;', app => 'crowd fails', as => 'regress_phig_crowd');
run_sql($node, 'SET phiguard.subjects_per_record = 10; BEGIN; DECLARE c CURSOR FOR SELECT name FROM crowd ORDER BY id; MOVE 0 IN c; FETCH 700 FROM c; FETCH 501 FROM c; COMMIT;', app => 'crowd fetches', as => 'regress_phig_crowd');
is(sql("SELECT string_agg(persons::text, ' ' ORDER BY position) FROM phiguard.access_log WHERE application IN ('crowd fails', 'crowd fetches') AND kind = 'read'"), '1499 1201', 'who was met before an error, or fetched, is counted');
is(sql("SELECT string_agg(w.certainty, ' ' ORDER BY w.position) FROM unnest('{1499,1201}'::text[]) k, phiguard.who_saw('crowd', k) w WHERE (w.application, k) IN (('crowd fails', '1499'), ('crowd fetches', '1201'))"), 'possible possible', '... and not ruled out');
cmp_ok(sql("SELECT count(*) FROM generate_series(1600, 1699) k, phiguard.who_saw('crowd', k::text) w WHERE w.application IN ('crowd fails', 'crowd fetches')"), '<', 10, '... as others are');
my $crowd = sub { return sql("SELECT count(*) FROM generate_series(200001, 200200) i WHERE EXISTS (SELECT FROM phiguard.who_saw('crowd', i::text) WHERE application = 'crowd $_[0]')") };
cmp_ok($crowd->('some'), '<', 120, 'the summary of 100,000 rules some out');
is($crowd->('all'), 200, 'that of 200,000 nobody');
is(sql("SELECT count(*) FROM generate_series(1, 200000, 2000) i WHERE EXISTS (SELECT FROM phiguard.who_saw('crowd', i::text) WHERE application = 'crowd all')"), 100, 'nor anybody who was there');

sql("CREATE TABLE named_crowd (id text PRIMARY KEY, name text); INSERT INTO named_crowd SELECT left('p-' || i || repeat('x', i % 13), 20), 'n' FROM generate_series(1, 200000) i; SELECT phiguard.label('named_crowd', 'name', 'name'), phiguard.label('named_crowd', NULL, 'subject=id')");
run_sql($node, 'SELECT id, name FROM named_crowd;', app => 'named');
is(sql("SELECT round(persons, -5) FROM phiguard.access_log WHERE application = 'named' AND kind = 'read'"), 200000, 'texts of all lengths are counted');
is(sql("SELECT count(*) FROM (SELECT id FROM named_crowd LIMIT 100) c WHERE EXISTS (SELECT FROM phiguard.who_saw('named_crowd', c.id) WHERE application = 'named')"), 100, 'and none is left out');
is(sql("SELECT string_agg(cardinality(subjects) || ' of ' || round(persons, -5), ', ' ORDER BY position) FROM phiguard.access_log WHERE application IN ('crowd some', 'crowd all') AND kind = 'read'"),
	'1000 of 100000, 1000 of 200000', 'they are counted, within some per cent');
is(sql("SELECT string_agg(item || ' ' || round(value::int, -5), ', ' ORDER BY item DESC) FROM phiguard.breach_report('regress_phig_crowd', now() - interval '1 day') WHERE item LIKE 'persons%'"),
	'persons at most, within some per cent 300000, persons 200000', 'as the report of a breach says');
is(sql("SELECT string_agg(persons::text, ' ' ORDER BY position) FROM phiguard.access_log WHERE application IN ('shape 1', 'shape 2', 'capped') AND kind = 'read'"), '10 0 40', 'exactly, where they are few');

# Parallel workers each count whom they met: whom several have met counts once, as far as their records can tell.
sql(<<'SQL');
CREATE TABLE ward (id int, name text);
INSERT INTO ward SELECT 1 + i % 3000, repeat('n', 100) FROM generate_series(1, 60000) i;
CREATE TABLE large_ward (id int, name text);
INSERT INTO large_ward SELECT 1 + i % 200000, 'n' FROM generate_series(1, 600000) i;
SELECT phiguard.label(t, 'name', 'name'), phiguard.label(t, NULL, 'subject=id->crowd') FROM unnest('{ward,large_ward}'::regclass[]) t;
CREATE ROLE regress_phig_ward LOGIN;
GRANT SELECT ON crowd, ward, large_ward TO regress_phig_ward;
ALTER ROLE regress_phig_ward SET parallel_setup_cost = 0;
ALTER ROLE regress_phig_ward SET parallel_tuple_cost = 0;
ALTER ROLE regress_phig_ward SET min_parallel_table_scan_size = 0;
ALTER ROLE regress_phig_ward SET max_parallel_workers_per_gather = 3;
ALTER ROLE regress_phig_ward SET parallel_leader_participation = off;
SQL
# Who sleeps now and then lets the others have their share.
sub workers_count
{
	my ($app, $cap, $rows) = @_;
	sql("ALTER ROLE regress_phig_ward SET phiguard.subjects_per_record = $cap");
	run_sql($node, "SELECT count(name) FROM $rows AND pg_sleep(CASE WHEN id % 1000 = 0 THEN 0.01 ELSE 0 END) IS NOT NULL", app => $app, as => 'regress_phig_ward');
	return split /\|/, sql("SELECT cardinality(subjects), persons, persons_at_least FROM phiguard.access_log WHERE application = '$app' AND kind = 'read' ORDER BY position DESC LIMIT 1");
}
is(join(' ', workers_count('workers name', 2000, 'crowd WHERE id <= 2000')), '2000 2000 2000', 'named by several workers: exactly as many');
is(join(' ', workers_count('workers name twice', 3000, 'ward WHERE true')), '3000 3000 3000', 'each by every worker: once');
for my $case ([ 'others', 'crowd WHERE id <= 100000', 100000 ], [ 'the same', 'ward WHERE true', 3000 ])
{
	my ($who, $rows, $persons) = @$case;
	my ($named, $most, $least);
	for my $try (1 .. 10)
	{
		($named, $most, $least) = workers_count("workers summarize $who", 10, $rows);
		last if $named > 20;
	}
	cmp_ok($named, '>', 20, "control: three workers have summarized, each has named ten of $who");
	cmp_ok(abs($most - $persons), '<=', $persons * 0.1, "... and all together they have met $persons") or diag($most);
	cmp_ok($most - $least, '<=', 30, '... which is known');
}
my (undef, $most, $least) = workers_count('workers are full', 1000, 'large_ward WHERE true');
cmp_ok($most, '>=', 170000, 'summaries of everybody: at most as many as all workers have met');
cmp_ok($least, '<=', 230000, '... and at least as many as one');
my %report = split /[|\n]/, sql("SELECT split_part(item, ',', 1), value FROM phiguard.breach_report('regress_phig_ward', now() - interval '1 day') WHERE item LIKE 'persons%'");
is($report{persons}, sql("SELECT max(persons_at_least) FROM phiguard.access_log WHERE active_role = 'regress_phig_ward'"), '... so many the report of a breach is sure of');
cmp_ok($report{'persons at most'}, '>=', $most + 100000 * 0.9, '... and of all others it knows how many they may be');

# Tokens: who may ask, and what they outlive.
my $token = sql("SELECT phiguard.subject_token('patient', 'person-1')");
like($token, qr/^[0-9a-f]{32}$/, 'a token');
for my $role ('officer', 'auditor')
{
	is((run_sql($node, "SELECT phiguard.subject_token('patient', 'person-1')", as => "regress_phig_$role"))[0], $token, "for the $role");
}
like((run_sql($node, "\\set VERBOSITY verbose\nSELECT phiguard.subject_token('patient', 'person-1')", as => 'regress_phig_nurse'))[1], qr/42501/, 'for nobody else');
sql('ALTER TABLE patient RENAME TO client');
is(sql("SELECT phiguard.subject_token('client', 'person-1')"), $token, 'a renamed table keeps tokens');
sql('ALTER TABLE client RENAME TO patient');
sql("SELECT phiguard.create_key('other'); SELECT phiguard.rotate_key('other')");
is(sql("SELECT phiguard.subject_token('patient', 'person-1')"), $token, 'so does rotation of another key');

# subject= that leads round in a circle.
my (undef, $cycle) = run_sql($node, <<'SQL');
\set VERBOSITY verbose
CREATE TABLE one (id int PRIMARY KEY, other int, note text);
CREATE TABLE two (id int PRIMARY KEY, other int, note text);
SELECT phiguard.label('one', 'note', 'note'), phiguard.label('two', 'note', 'note');
SECURITY LABEL FOR phiguard ON TABLE one IS 'subject=other->two';
SECURITY LABEL FOR phiguard ON TABLE two IS 'subject=other->one';
SQL
like($cycle, qr/ERROR:  PG004/, 'a circle of subjects is refused');

# A reference whose values could not be looked up is refused; one that is out of range refers to nobody.
my (undef, $mistyped) = run_sql($node, <<'SQL');
\set VERBOSITY verbose
CREATE TABLE stay (k int PRIMARY KEY, id text, note text);
CREATE TABLE dose (k int PRIMARY KEY, stay bigint, code text, note text);
SELECT phiguard.label('stay', 'note', 'note'), phiguard.label('dose', 'note', 'note');
SECURITY LABEL FOR phiguard ON TABLE stay IS 'subject=id->patient';
INSERT INTO stay VALUES (1, 'person-7', 'x');
INSERT INTO dose VALUES (1, 1, 'a', 'x'), (2, 3000000000, 'b', 'x');
SECURITY LABEL FOR phiguard ON TABLE dose IS 'subject=code->stay';
SECURITY LABEL FOR phiguard ON TABLE dose IS 'subject=stay->stay';
GRANT SELECT ON dose TO regress_phig_nurse;
SQL
like($mistyped, qr/^\S+ ERROR:  PG004: [^\n]*\nDETAIL:  The column has another type[^\n]*\nHINT:[^\n]*\nLOCATION:[^\n]*$/, 'a text that refers to a number is refused, nothing else');
is(leaves('a reference of another width', 'SELECT note FROM dose WHERE k = 1;', 7), '', 'is no error');
is(leaves('nor is one that is out of range: nobody is there', 'SELECT note FROM dose WHERE k = 2;', 'not captured nobody'), '', 'it is not known whose it is');

# Nothing of a person's key in the journal; the table's own file is the control.
$node->psql('postgres', 'CHECKPOINT');
my $path = $node->data_dir . '/' . sql("SELECT pg_relation_filepath('patient')");
my $journal = $node->data_dir . '/phiguard/journal';
my @files = grep { -f } glob("$journal/*");
like(slurp_file($path), qr/person-\d/, 'a control: the table has keys');
cmp_ok(scalar @files, '>=', 2, 'the journal has files');
# Keys that were written in queries of this test are literals there, which no record has either.
is((grep { slurp_file($_) =~ /person-\d/ } @files), 0, 'no file of the journal has one');

# A backend that is killed: nobody knows whom it saw.
my $victim = session($node, app => 'killed');
$victim->ask('BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT name FROM patient ORDER BY k; FETCH 2 FROM c');
kill 'KILL', $victim->{pid};
# A client that is turned away while the server recovers may have gone before it is asked.
wait_until(sub { eval { ($node->psql('postgres', 'SELECT name FROM patient WHERE k = 1'))[0] == 0 && $node->safe_psql('postgres',
	"SELECT count(*) FROM phiguard.access_log WHERE application = 'killed' AND outcome = 'lost'") eq '1' } }, 'a killed backend has the outcome lost');
is(sql("SELECT certainty FROM phiguard.who_saw('patient', 'person-50') WHERE application = 'killed'"), 'possible', 'who_saw says possible of it');

# Without the key.
$node->append_conf('postgresql.conf', "phiguard.key_command = 'false'");
$node->restart;
my (undef, $refused) = run_sql($node, "\\set VERBOSITY verbose\nSELECT name FROM patient WHERE k = 1", app => 'no key');
like($refused, qr/ERROR:  PG002/, 'no key, no rows');
like($refused, qr/HINT:/, 'and a hint');
$node->append_conf('postgresql.conf', 'phiguard.journal_on_failure = allow');
$node->restart;
my ($out, $err) = run_sql($node, 'SELECT name FROM patient WHERE k = 1', app => 'allowed');
is("$out$err", 'n1', 'journal_on_failure = allow lets through');
is(sql("SELECT subjects IS NULL FROM phiguard.access_log WHERE application = 'allowed' AND kind = 'read'"), 't', 'and the record says that it does not know');
like(slurp_file($node->logfile), qr/does not say whose rows it returned/, 'as does the log');
$node->append_conf('postgresql.conf', "phiguard.journal_on_failure = refuse\nphiguard.key_command = ''");
$node->restart;
is(sql("SELECT phiguard.subject_token('patient', 'person-1')"), $token, 'with the key, the same tokens');
is(sql("SELECT certainty FROM phiguard.who_saw('patient', 'person-1') WHERE application = 'allowed'"), 'possible', 'what went on without it is possible');


journal_is_intact($node, 'the journal is intact');

# Another master key wraps the key of tokens: they stay.
my ($old) = slurp_file($node->data_dir . '/phiguard_master.key') =~ /([0-9a-f]{64})/;
my $keys = PostgreSQL::Test::Utils::tempdir() . '/keys';
append_to_file($keys, reverse($old) . "\n$old\n");
$node->append_conf('postgresql.conf', "phiguard.key_command = 'cat $keys'");
$node->restart;
cmp_ok(sql('SELECT phiguard.rotate_master_key()'), '>=', 1, 'keys are wrapped anew');
is(sql("SELECT phiguard.subject_token('patient', 'person-1')"), $token, 'the same tokens under another master key');

$node->stop;
my $verify = IPC::Run::run([ 'phiguard-verify', $journal ], '>', \my $said, '2>&1') ? 0 : $?;
is($verify, 0, 'phiguard-verify says so too') or diag($said);
done_testing();
