# What a session sees under a purpose, by each kind of statement, and what it is told where it sees nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('enforce', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore',
	"phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer;
CREATE ROLE regress_phig_reader LOGIN;
CREATE ROLE regress_phig_writer LOGIN;
CREATE ROLE regress_phig_editor LOGIN;
CREATE ROLE regress_phig_nobody LOGIN;
CREATE ROLE regress_phig_bypass LOGIN BYPASSRLS;
CREATE ROLE regress_phig_owner LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, gone int, name text, ssn phiguard.ssn UNIQUE, mrn text, birth date, zip text, sex text, hair text);
ALTER TABLE patient DROP COLUMN gone;
CREATE TABLE visit (id int PRIMARY KEY, patient int REFERENCES patient ON DELETE CASCADE, note text, day date);
INSERT INTO patient SELECT i, 'Name' || i, '123-45-' || 1000 + i, 'M' || i, date '1950-05-05' + i, '9021' || i, 'f', 'hair' || i FROM generate_series(1, 5) i;
INSERT INTO visit SELECT i, 1 + i % 5, 'note ' || i, date '2024-03-03' + i FROM generate_series(1, 10) i;
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'mrn', 'mrn'), phiguard.label('patient', 'birth', 'date kind=birth'),
	phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'sex', 'quasi'), phiguard.label('patient', 'id', 'none'),
	phiguard.label('visit', 'note', 'note'), phiguard.label('visit', 'day', 'date kind=event'), phiguard.label('visit', 'id', 'none'),
	phiguard.label('visit', 'patient', 'none');
GRANT SELECT ON patient, visit TO regress_phig_reader;
GRANT ALL ON patient, visit TO regress_phig_editor, regress_phig_writer, regress_phig_nobody, regress_phig_bypass;
CREATE VIEW names AS SELECT id, name FROM patient;
CREATE VIEW everything AS SELECT * FROM patient;
CREATE FUNCTION secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT ssn FROM patient ORDER BY id';
CREATE FUNCTION inlined() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM patient';
GRANT SELECT ON names, everything TO PUBLIC;
SELECT phiguard.create_key('study'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'),
	phiguard.allow('study', category => 'mrn', transform => 'token'), phiguard.allow('study', category => 'date', transform => 'year'),
	phiguard.allow('study', category => 'geo', kind => 'zip', transform => 'zip3'), phiguard.allow('study', category => 'quasi'),
	phiguard.allow('study', 'patient', column_name => 'ssn', transform => 'mask'), phiguard.allow('study', category => 'note', transform => 'null'),
	phiguard.allow_rows('study', 'patient', 'id <> 3'), phiguard.grant_purpose('study', 'regress_phig_reader'), phiguard.grant_purpose('study', 'regress_phig_editor');
SELECT phiguard.create_purpose('care', code => 'TREAT', otherwise => 'clear'), phiguard.allow('care', category => 'ssn', transform => 'null', writable => true),
	phiguard.allow('care', category => 'name', transform => 'mask'), phiguard.grant_purpose('care', 'regress_phig_writer'),
	phiguard.grant_purpose('care', 'regress_phig_reader');
SQL

my ($out, $err);

# run AS, SQL: a session under a purpose, "role/purpose".
sub under
{
	my ($who, $sql, %opt) = @_;
	my ($role, $purpose) = split m{/}, $who;

	$opt{options} = "options='-c phiguard.purpose=$purpose'" if $purpose;
	($out, $err) = run_sql($node, $sql, as => "regress_phig_$role", %opt);
	return $out;
}

sub shows
{
	my ($who, $sql, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is(under($who, $sql) . $err, $expected, $name);
}

sub refused
{
	my ($who, $sql, $pattern, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	under($who, "\\set VERBOSITY verbose\n$sql");
	return ok($out eq '' && $err =~ /42501/ && $err =~ $pattern, $name) || diag "out: $out\nerr: $err";
}

# --- Columns.
shows('reader/study', 'SELECT ssn, birth, zip, sex FROM patient WHERE id = 1', '***|1950-01-01|902|f', 'transforms keep the type');
like(under('reader/study', 'SELECT mrn FROM patient WHERE id = 1'), qr/^\S{20,}$/, 'a token');
is($out, (run_sql($node, "SELECT phiguard.token('M1'::text, 'study')"))[0], 'the token of the key domain of the purpose');
refused('editor/study', 'SELECT mrn FROM patient', qr/column mrn.*look any value up by its code/s, 'codes are not shown to who may write the table');
refused('reader/study', 'SELECT name FROM patient', qr/purpose "study" does not show column name of table public.patient/, 'denied');
refused('reader/study', 'SELECT id FROM patient WHERE hair = \'hair1\'', qr/column hair/, 'nobody has reviewed it: otherwise');
refused('reader/study', 'SELECT * FROM patient', qr/columns? name, hair/, 'all columns that are denied are named');
refused('reader/study', 'SELECT id FROM patient ORDER BY name', qr/column name/, 'sorting asks for a column');
shows('reader/study', 'SELECT count(*) FROM patient WHERE id < 3', '2', 'what is clear selects');
shows('reader/study', 'SELECT id FROM names ORDER BY id', "1\n2\n4\n5", 'a view over a denied column, not asked for it');
refused('reader/study', 'SELECT name FROM names', qr/column name/, 'through a view the purpose is the session\'s');
refused('reader/study', 'SELECT inlined() ', qr/column/, 'an SQL function');
refused('reader/study', 'SELECT * FROM inlined()', qr/column/, 'one that is put in line');
shows('reader/study', 'SELECT id, ssn FROM inlined() ORDER BY id', "1|***\n2|***\n4|***\n5|***", 'and its columns are shown like the table\'s');
shows('reader/study', 'SELECT * FROM secrets()', "***\n***\n***\n***", 'SECURITY DEFINER changes nothing');
shows('reader/study', 'SELECT note FROM visit WHERE id = 1', '', 'null');
shows('reader/study', "SELECT 1 FROM patient WHERE ssn = '123-45-1001'", '', 'a filter sees what is shown');
shows('reader/study', "SELECT id FROM patient WHERE birth = '1950-01-01' ORDER BY id", "1\n2\n4\n5", 'on dates too');
shows('reader/study', 'SELECT pg_typeof(ssn), pg_typeof(birth), pg_typeof(mrn) FROM patient LIMIT 1', 'phiguard.ssn|date|text', 'types inside the query');
shows('reader/study', 'SELECT v.id, p.ssn FROM visit v LEFT JOIN patient p ON p.id = v.patient ORDER BY v.id LIMIT 3', "1|***\n2|\n3|***", 'NULL where the join finds no row');
shows('reader/study', 'CREATE TEMP TABLE mine AS SELECT id, ssn, birth FROM patient; SELECT ssn, format_type(atttypid, atttypmod) FROM mine, pg_attribute WHERE attrelid = \'mine\'::regclass AND attname = \'ssn\' AND id = 1',
	'***|text', 'a table made of it holds what is shown, and is of no checked type');

# A part of a table that the role may write is as good as the table: a value is put in, and its code looked up.
run_sql($node, <<'SQL');
CREATE TABLE filed (id int, mrn text) PARTITION BY RANGE (id);
CREATE TABLE filed_old PARTITION OF filed FOR VALUES FROM (0) TO (100);
CREATE TABLE filed_new PARTITION OF filed FOR VALUES FROM (100) TO (200);
SELECT phiguard.label('filed', 'mrn', 'mrn'), phiguard.label('filed', 'id', 'none');
INSERT INTO filed VALUES (1, 'M1');
GRANT SELECT ON filed, filed_old, filed_new TO regress_phig_reader;
SQL
my $look_up = "INSERT INTO filed_new VALUES (100, 'M1'); SELECT a.id FROM filed a JOIN filed b ON b.mrn = a.mrn WHERE b.id = 100 AND a.id < 100";
my $look_up_part = "INSERT INTO filed VALUES (2, 'M1'); SELECT a.id FROM filed_old a JOIN filed_old b ON b.mrn = a.mrn WHERE b.id = 2 AND a.id < 2";
like(under('reader/study', 'SELECT mrn FROM filed'), qr/^tk1_/, 'a code of a partitioned table') or diag $err;
run_sql($node, 'GRANT INSERT ON filed_new TO regress_phig_reader');
refused('reader/study', $look_up, qr/look any value up by its code/, '... not to who may write one of its partitions');
run_sql($node, 'REVOKE INSERT ON filed_new FROM regress_phig_reader; GRANT INSERT ON filed TO regress_phig_reader');
refused('reader/study', $look_up_part, qr/look any value up by its code/, '... nor of a partition, to who may write the whole');

# --- Rows.
shows('reader/study', 'SELECT id FROM patient ORDER BY id', "1\n2\n4\n5", 'rows that the purpose does not show');
shows('reader/study', 'SELECT count(*) FROM patient', '4', 'are not counted');
under('reader/study', "CREATE FUNCTION pg_temp.tell(int) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''saw %'', \$1; RETURN true; END'; SELECT count(*) FROM patient WHERE pg_temp.tell(id)");
unlike($err, qr/saw 3/, 'nor told to a leaky function');
like($err, qr/saw 2/, '... which tells of others');

# --- No purpose, no table.
refused('nobody', 'SELECT count(*) FROM patient', qr/table public.patient is open only to a purpose/, 'no purpose, no table');
refused('reader', 'SELECT id FROM patient', qr/open only to a purpose/, 'a purpose has to be chosen');
refused('editor', 'DELETE FROM patient WHERE id = 1', qr/open only to a purpose/, 'also to delete');
shows('nobody', "INSERT INTO visit VALUES (100, 1, 'x', '2024-01-01')", '', 'INSERT reads nothing');
refused('nobody', "INSERT INTO visit VALUES (101, 1, 'x', '2024-01-01') RETURNING id", qr/open only/, 'unless it returns');
under('nobody', "COPY visit FROM stdin;\n102\t1\ty\t2024-01-01\n\\.\n");
is($err, '', 'COPY FROM reads nothing');
($out, $err) = run_sql($node, 'SET phiguard.purpose = \'care\'', as => 'regress_phig_nobody');
like($err, qr/purpose/, 'a purpose that is not granted cannot be set');
shows('bypass', 'SELECT name FROM patient WHERE id = 1', 'Name1', 'BYPASSRLS is exempt');
is((records($node, "login_role = 'regress_phig_bypass' AND command = 'SELECT'"))[-1]{flags}, 'exempt', '... and recorded as such');

# --- Statements that write.
refused('writer/care', "UPDATE patient SET hair = 'x' WHERE name = 'Name1'", qr/show, to a statement that writes the table, column name/, 'UPDATE may not look for what is not clear');
refused('writer/care', "UPDATE patient SET name = 'X' WHERE id = 1", qr/allow to assign column name/, 'nor assign it');
shows('writer/care', "UPDATE patient SET ssn = '123-45-9999' WHERE id = 1 RETURNING id", '1', 'unless the rule lets it');
is((run_sql($node, 'SELECT ssn FROM patient WHERE id = 1'))[0], '123-45-9999', '... which it did');
refused('writer/care', 'UPDATE patient SET ssn = ssn', qr/column ssn/, 'a mask is not written back');
refused('writer/care', 'UPDATE patient p SET hair = q.name FROM patient q WHERE p.id = q.id RETURNING p.name', qr/column name/, 'RETURNING looks at the target');
shows('writer/care', 'UPDATE patient p SET hair = q.name FROM patient q WHERE p.id = q.id AND p.id = 2 RETURNING p.hair', '***', 'another reading of the table is shown as ever');
refused('writer/care', 'DELETE FROM patient WHERE ssn IS NOT NULL', qr/column ssn/, 'DELETE may not look for it');
under('editor/study', 'DELETE FROM patient WHERE id = 3; UPDATE patient SET sex = \'m\' WHERE id = 3');
is((run_sql($node, 'SELECT sex FROM patient WHERE id = 3'))[0], 'f', 'hidden rows are neither changed nor removed');
refused('editor/study', "INSERT INTO patient VALUES (3, 'n') ON CONFLICT (id) DO UPDATE SET sex = 'z' RETURNING id", qr/row-level security/, 'nor met by ON CONFLICT');
refused('writer/care', "INSERT INTO patient VALUES (1, 'n') ON CONFLICT (id) DO UPDATE SET name = excluded.name", qr/assign column name/, 'ON CONFLICT assigns');
refused('writer/care', "INSERT INTO patient (id, ssn) VALUES (9, '123-45-1002') ON CONFLICT (ssn) DO UPDATE SET hair = 'x' RETURNING id",
	qr/show, to a statement that writes the table, column ssn/, 'ON CONFLICT tells whose a value is that it does not show');
refused('writer/care', "INSERT INTO patient (id, ssn) VALUES (9, '123-45-1002') ON CONFLICT ON CONSTRAINT patient_ssn_key DO UPDATE SET hair = 'x'",
	qr/show, to a statement that writes the table, column ssn/, '... also by the name of the constraint');
shows('writer/care', "BEGIN; INSERT INTO patient (id, hair) VALUES (1, 'n') ON CONFLICT (id) DO UPDATE SET hair = excluded.hair RETURNING id, hair; ROLLBACK", '1|n',
	'not so by a key that it shows');
refused('writer/care', 'MERGE INTO patient p USING visit v ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = v.note', qr/assign column name/, 'MERGE assigns');
refused('writer/care', 'MERGE INTO patient p USING visit v ON p.name = v.note WHEN MATCHED THEN DO NOTHING', qr/column name/, 'MERGE looks');
under('editor/study', "MERGE INTO patient p USING (VALUES (3), (4)) v(i) ON p.id = v.i WHEN MATCHED THEN UPDATE SET sex = 'd'");
is($err, '', 'MERGE runs');
is((run_sql($node, 'SELECT string_agg(sex, \'\' ORDER BY id) FROM patient'))[0], 'fffdf', '... over the rows that are shown');

# --- Codes are not shown of a table that the role may write; what is left of a value by a generalisation is none.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.scrambled(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT md5($1)';
SELECT phiguard.register_transform('scrambled(text)', 'keyed', 'token', methods => '{expert_determination}');
SELECT phiguard.allow('study', 'patient', column_name => 'name', transform => 'scrambled');
SQL
my $writable = qr/purpose "study" does not show column/;
refused('editor/study', 'SELECT mrn FROM patient', $writable, 'a token of a table that the role may write is not shown');
refused('editor/study', 'SELECT name FROM patient', $writable, 'nor is a code that an officer registered');
shows('reader/study', "SELECT name = md5('Name4') FROM patient WHERE id = 4", 't', '... which others see');
shows('editor/study', 'SELECT birth, zip FROM patient WHERE id = 4', '1950-01-01|902', 'a year and three digits are');
$node->safe_psql('postgres', q{SELECT phiguard.disallow('study', 'patient', column_name => 'name')});

# --- A label that only a child or partition has.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE bare (id int, ssn text);
CREATE TABLE bare_child () INHERITS (bare);
INSERT INTO bare_child VALUES (1, '123-45-7777');
CREATE TABLE bare_list (id int, ssn text) PARTITION BY LIST (id);
CREATE TABLE bare_list_1 PARTITION OF bare_list FOR VALUES IN (1);
INSERT INTO bare_list VALUES (1, '123-45-7777');
SELECT phiguard.label(t, 'ssn', 'ssn'), phiguard.label(t, 'id', 'none') FROM unnest('{bare_child,bare_list_1}'::text[]) t;
GRANT ALL ON bare, bare_child, bare_list, bare_list_1 TO regress_phig_writer;
SQL
my $unnamed = qr/reaches table public.bare_(?:child|list_1)\b/;
refused('writer/care', 'SELECT ssn FROM bare', $unnamed, 'a parent without the label does not show what its child has');
refused('writer/care', 'SELECT b.ssn FROM bare b, bare_child c', $unnamed, '... nor where the child is named, too');
refused('writer/care', 'SELECT b.ssn FROM bare_list b WHERE EXISTS (SELECT FROM bare_list_1)', $unnamed, '... or the partition');
refused('writer/care', "UPDATE bare b SET id = 1 FROM bare_child c WHERE b.ssn = '123-45-7777' RETURNING b.ssn", $unnamed, '... to a statement that writes');
refused('writer/care', "WITH i AS (INSERT INTO bare_child VALUES (2, 'x')) SELECT ssn FROM bare", $unnamed, '... beside one that does');
shows('writer/care', 'SELECT ssn FROM bare_child', '', 'by its own name the child shows what the purpose does');
shows('writer/care', 'SELECT count(*) FROM (SELECT id FROM bare_list_1 UNION ALL SELECT id FROM bare_child) u', '2', '... in a part of UNION ALL');
is((run_sql($node, 'SELECT ssn FROM bare'))[0], '123-45-7777', 'without a purpose in the way the parent shows it');

# --- What the server compares when a row is written.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE bounds (id int PRIMARY KEY, low int CHECK (low > 0), high int, note text, kind text, CHECK (high > low), CHECK (length(note) + length(kind) > 1));
INSERT INTO bounds VALUES (1, 10, 20, 'x', 'y');
CREATE TABLE ranges (id int PRIMARY KEY, low int, high int, size int GENERATED ALWAYS AS (high - low) STORED, seen bool);
CREATE INDEX ON ranges (int4range(low, high)) WHERE seen;
INSERT INTO ranges VALUES (1, 10, 20);
CREATE TABLE parts (id int, low int, high int) PARTITION BY LIST (id);
CREATE TABLE parts_1 (high int, low int, id int, CHECK (high > low));
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (1);
INSERT INTO parts VALUES (1, 10, 20);
SELECT phiguard.label(t, c, k) FROM unnest('{bounds,ranges,parts}'::text[]) t, (VALUES ('high', 'account'), ('low', 'none'), ('id', 'none')) v (c, k);
SELECT phiguard.label('bounds', 'note', 'ssn'), phiguard.label('bounds', 'kind', 'none'), phiguard.label('ranges', 'seen', 'none'),
	phiguard.allow('care', category => 'account', transform => 'mask');
GRANT ALL ON bounds, ranges, parts, parts_1 TO regress_phig_writer;
SQL
my $beside = qr/show, to a statement that assigns what is checked beside it, column/;
refused('writer/care', 'UPDATE bounds SET low = 15', qr/$beside high /, 'a CHECK tells of a column that stands beside what is assigned');
refused('writer/care', 'INSERT INTO bounds VALUES (1, 15, 20) ON CONFLICT (id) DO UPDATE SET low = excluded.low', qr/$beside high /, '... by ON CONFLICT');
refused('writer/care', 'MERGE INTO bounds b USING visit v ON b.id = v.id WHEN MATCHED THEN UPDATE SET low = 15', qr/$beside high /, '... by MERGE');
refused('writer/care', 'UPDATE parts SET low = 15', qr/$beside high /, '... where only the partition has it');
refused('writer/care', 'UPDATE ranges SET low = 15', qr/$beside (?:high|high, size|size) /, 'an index, or a generated column, tells');
shows('writer/care', 'UPDATE bounds SET id = 1 WHERE low = 10 RETURNING id', '1', 'not of what is assigned alone');
refused('writer/care', "UPDATE bounds SET kind = 'z'", qr/$beside note /, 'of a column that may be written');
shows('writer/care', "UPDATE bounds SET kind = 'z', note = 'w' RETURNING kind", 'z', '... unless that is assigned too');
shows('writer/care', 'UPDATE ranges SET seen = false RETURNING id', '1', 'the condition of an index is no comparison of one column');
is((run_sql($node, 'UPDATE bounds SET low = 25'))[1] =~ /bounds_check/, 1, 'without a purpose in the way the constraint speaks');

# --- COPY.
refused('reader/study', 'COPY patient TO stdout', qr/does not show all of table public.patient/, 'COPY of a table that is not all shown');
shows('reader/study', 'COPY (SELECT id, ssn FROM patient ORDER BY id) TO stdout', "1\t***\n2\t***\n4\t***\n5\t***", 'COPY of a query');
$node->append_conf('postgresql.conf', 'phiguard.copy_masked = transform');
$node->reload;
is(join("\n", sort split /\n/, under('reader/study', 'COPY patient (id, ssn) TO stdout')), "1\t***\n2\t***\n4\t***\n5\t***", 'COPY of a table, where that is allowed');
refused('reader/study', 'COPY patient TO stdout', qr/column/, 'not of what is denied');

# --- Plans.
refused('reader/study', 'EXPLAIN ANALYZE SELECT id, ssn FROM patient', qr/not shown/, 'EXPLAIN ANALYZE');
like(under('reader/study', 'EXPLAIN SELECT id, ssn FROM patient'), qr/^PHI Access:\n  Returned: public.patient.ssn=mask$/, 'EXPLAIN tells what leaves, and nothing of the plan') or diag $err;
refused('reader/study', 'PREPARE p AS SELECT id, ssn FROM patient; EXPLAIN EXECUTE p', qr/not shown/, 'EXPLAIN EXECUTE');
like(under('reader/care', 'EXPLAIN SELECT id, birth FROM patient'), qr/Scan/, 'a plan that is all clear is shown') or diag $err;

# --- Cached plans.
shows('reader/study', "PREPARE p AS SELECT zip FROM patient WHERE id = 1; EXECUTE p; SET phiguard.purpose = 'care'; EXECUTE p; SET phiguard.purpose = 'study'; EXECUTE p",
	"902\n90211\n902", 'a prepared statement follows the purpose');
($out, $err) = run_sql($node, "PREPARE p AS SELECT zip FROM patient WHERE id = 1; SET plan_cache_mode = force_generic_plan; EXECUTE p; SET ROLE regress_phig_reader; SET phiguard.purpose = 'study'; EXECUTE p; RESET ROLE; EXECUTE p");
is("$out$err", "90211\n902\n90211", 'and the role');
run_sql($node, 'CREATE FUNCTION cached() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \'BEGIN RETURN (SELECT zip FROM patient WHERE id = 1); END\'');
($out, $err) = run_sql($node, "SET plan_cache_mode = force_generic_plan; SELECT cached(); SET ROLE regress_phig_reader; SET phiguard.purpose = 'study'; SELECT cached(); RESET ROLE; SELECT cached(); BEGIN; SET LOCAL ROLE regress_phig_reader; SELECT cached(); COMMIT; SELECT cached()");
is("$out$err", "90211\n902\n90211\n902\n90211", 'also inside SECURITY DEFINER');

# --- The record.
is((records($node, "login_role = 'regress_phig_reader' AND query ~ 'birth, zip'"))[0]{shown}, 'public.patient.birth=year public.patient.sex=clear public.patient.ssn=mask public.patient.zip=zip3', 'in what form columns left');
my ($denied) = records($node, "login_role = 'regress_phig_reader' AND query = 'SELECT name FROM patient'");
is("$denied->{kind} $denied->{outcome} $denied->{sqlstate} $denied->{returned}", 'denied error 42501 public.patient.name', 'a refusal is on record');

# --- Tables made of what is shown.
refused('reader/study', 'CREATE TEMP TABLE t AS SELECT ssn FROM patient UNION SELECT ssn FROM patient', qr/claim to be of type phiguard.ssn/, 'a set operation keeps its types');
shows('reader/study', 'CREATE TEMP TABLE t AS SELECT ssn::text FROM patient UNION SELECT NULL; SELECT count(*) FROM t', '2', '... unless they are cast');
($out, $err) = run_sql($node, "SELECT query, shown FROM phiguard.access_log WHERE query ~ '^SELECT note FROM visit'");
like($out, qr/^SELECT note FROM visit WHERE id = \?\|\{public.visit.note=null\}$/, 'a column that is withheld is on record');
refused('reader/study', 'SET debug_print_plan = on; SELECT ssn FROM patient', qr/is not printed/, 'plans are not printed');

# Labels that only a child has: its rows are not to be had through the parent, and the attempts are on record.
run_sql($node, <<'SQL');
CREATE TABLE archive (id int, what text);
CREATE TABLE archive_new () INHERITS (archive);
SELECT phiguard.label('archive_new', 'what', 'note');
INSERT INTO archive_new VALUES (1, 'secret');
GRANT SELECT ON archive, archive_new TO regress_phig_reader;
SQL
refused('reader/study', 'SELECT what FROM archive', qr/table public.archive_new/, 'a child with labels that its parent lacks');
refused('reader/study', 'SELECT a.what, p.id FROM archive a, patient p', qr/table public.archive_new/, '... also beside a labelled table');
is_deeply([ map { "$_->{kind} $_->{sqlstate}" } records($node, "login_role = 'regress_phig_reader' AND query ~ 'FROM archive'") ],
	[ ('denied 42501') x 2 ], '... and on record');

# --- What the server does for itself.
is((run_sql($node, "DELETE FROM visit WHERE id > 10", as => 'regress_phig_bypass'))[1], '', 'clean');
shows('writer/care', "INSERT INTO visit VALUES (50, 4, 'n', '2024-01-01'); UPDATE visit SET patient = 5 WHERE id = 50 RETURNING patient; DELETE FROM patient WHERE id = 5 RETURNING id", "5\n5", 'foreign keys check and cascade');
is((run_sql($node, 'SELECT count(*) FROM visit WHERE patient = 5'))[0], '0', '... all rows');

journal_is_intact($node, 'the journal is intact');
$node->stop;
done_testing();
