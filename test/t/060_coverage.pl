# Every access path that goes through the executor, COPY or DDL, and what is recorded of it.
#
# A case is a name, the statements, and the records that they must leave, one line each as
# PhigTest::record_line writes them.  The cases are also the page docs/coverage.md: the test makes
# it from what was recorded and compares.  Cases that need a newer server are marked with it and
# keep their rows of the page on older ones, so that one page serves all.  To rewrite the page:
#
#     PHIG_UPDATE_DOCS=1 make check TAP=060
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = "$FindBin::RealBin/../../docs/coverage.md";
my $node = phig_node('coverage', "phiguard.journal_sync = 'write'", 'max_parallel_workers_per_gather = 2',
	'max_prepared_transactions = 2');
my $major = $node->pg_version->major;
my $debug_parallel = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my $socket = $node->host;
my $port = $node->port;

# 20 patients, 40 visits of 10 of them.  Nobody but superusers is exempt.
my (undef, $trouble) = run_sql($node, <<"SQL", app => 'setup');
SET client_min_messages = warning;
\\set ON_ERROR_STOP 1
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION dblink;
CREATE ROLE regress_phig_owner LOGIN;
CREATE ROLE regress_phig_app LOGIN;
CREATE ROLE regress_phig_nobody LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_owner, regress_phig_app;

CREATE TABLE patient (id int PRIMARY KEY, mrn text UNIQUE, name text, ssn text, dob date, note text, ward int);
INSERT INTO patient SELECT i, 'M' || i, 'Name ' || i, '000-00-' || to_char(i, 'FM0000'),
    date '1950-01-01' + i % 4, 'note ' || i, i % 3 FROM generate_series(1, 20) i;
CREATE TABLE visit (id int PRIMARY KEY, mrn text REFERENCES patient (mrn) ON UPDATE CASCADE ON DELETE CASCADE, diag text);
INSERT INTO visit SELECT i, 'M' || i % 10 + 1, 'diag ' || i FROM generate_series(1, 40) i;
CREATE TABLE plain (id int PRIMARY KEY, word text);
INSERT INTO plain SELECT i, 'word ' || i FROM generate_series(1, 5) i;
SELECT phiguard.label('patient', column_name, category) FROM (VALUES
    ('mrn', 'mrn'), ('name', 'name'), ('ssn', 'ssn'), ('dob', 'date kind=birth'), ('note', 'note')) v (column_name, category) \\g /dev/null
SELECT phiguard.label('visit', column_name, category) FROM (VALUES
    ('mrn', 'mrn'), ('diag', 'clinical')) v (column_name, category) \\g /dev/null
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';

CREATE VIEW patients AS SELECT id, mrn, name, ssn, dob, note FROM patient;
CREATE VIEW elders AS SELECT id, name, ssn, dob FROM patients WHERE dob < '1951-01-01';
CREATE VIEW elders_in_order AS SELECT id, name, ssn FROM elders ORDER BY ssn;
CREATE MATERIALIZED VIEW patient_copy AS SELECT id, ssn FROM patient;
CREATE UNIQUE INDEX ON patient_copy (id);

CREATE TABLE result (day date, value text) PARTITION BY RANGE (day);
CREATE TABLE result_old PARTITION OF result FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE result_new PARTITION OF result FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO result SELECT date '2025-12-30' + i, 'value ' || i FROM generate_series(1, 4) i;
SECURITY LABEL FOR phiguard ON COLUMN result.value IS 'clinical';
CREATE TABLE person (id int, ssn text);
CREATE TABLE employee (badge text) INHERITS (person);
INSERT INTO employee VALUES (1, '000-00-0001', 'b1'), (2, '000-00-0002', 'b2');
SECURITY LABEL FOR phiguard ON COLUMN person.ssn IS 'ssn';

CREATE TABLE ledger (id int PRIMARY KEY, ssn text, amount int, last4 text GENERATED ALWAYS AS (right(ssn, 4)) STORED);
INSERT INTO ledger SELECT i, '000-00-000' || i, i FROM generate_series(1, 3) i;
SECURITY LABEL FOR phiguard ON COLUMN ledger.ssn IS 'ssn';
CREATE TABLE seen (word text);
CREATE FUNCTION note_old() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (OLD.ssn); RETURN NEW; END';
CREATE TABLE watched (LIKE ledger INCLUDING ALL);
INSERT INTO watched SELECT id, ssn, amount FROM ledger;
CREATE TRIGGER note_old AFTER UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION note_old();

CREATE TABLE secured (id int, keeper text, ssn text);
INSERT INTO secured VALUES (1, 'regress_phig_app', '000-00-0001'), (2, 'somebody', '000-00-0002');
SECURITY LABEL FOR phiguard ON COLUMN secured.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN secured.keeper IS 'name';
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured USING (keeper = current_user);

CREATE TABLE ruled (id int, ssn text);
INSERT INTO ruled VALUES (1, '000-00-0001');
SECURITY LABEL FOR phiguard ON COLUMN ruled.ssn IS 'ssn';
CREATE RULE also AS ON UPDATE TO ruled DO ALSO INSERT INTO seen SELECT old.ssn;

CREATE SCHEMA secret AUTHORIZATION regress_phig_owner;
CREATE TABLE secret.patient (id int, ssn text);
INSERT INTO secret.patient VALUES (1, '000-00-0001');
SECURITY LABEL FOR phiguard ON COLUMN secret.patient.ssn IS 'ssn';
ALTER TABLE secret.patient OWNER TO regress_phig_owner;

CREATE FUNCTION ssn_of(i int) RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM patient WHERE id = i';
CREATE FUNCTION ssns(i int) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT ssn FROM patient WHERE id <= i';
CREATE FUNCTION ssns_atomic(i int) RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT ssn FROM patient WHERE id <= i; END;
CREATE FUNCTION ssns_volatile(i int) RETURNS SETOF text LANGUAGE sql VOLATILE AS 'SELECT ssn FROM patient WHERE id <= i';
CREATE FUNCTION ssn_plpgsql(i int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT ssn FROM patient WHERE id = i); END';
CREATE FUNCTION ssns_plpgsql(i int) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT ssn FROM patient WHERE id <= i; END';
CREATE FUNCTION ssn_dynamic(i int) RETURNS text LANGUAGE plpgsql AS
    'DECLARE s text; BEGIN EXECUTE ''SELECT ssn FROM patient WHERE id = \$1'' INTO s USING i; RETURN s; END';
CREATE FUNCTION ssn_cursor(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS
    'BEGIN OPEN c FOR SELECT ssn FROM patient; RETURN c; END';
CREATE FUNCTION ssn_definer(i int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT ssn FROM secret.patient WHERE id = i';
CREATE FUNCTION ssn_folded(i int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT ssn FROM patient WHERE id = i); END';
CREATE FUNCTION ssn_parallel(i int) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN (SELECT ssn FROM patient WHERE id = i); END';
CREATE PROCEDURE read_and_commit() LANGUAGE plpgsql AS
    'DECLARE r record; BEGIN FOR r IN SELECT ssn FROM patient WHERE id <= 3 LOOP COMMIT; END LOOP; END';
ALTER FUNCTION ssn_definer OWNER TO regress_phig_owner;
ALTER MATERIALIZED VIEW patient_copy OWNER TO regress_phig_owner;
GRANT USAGE ON SCHEMA secret TO regress_phig_app;

CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '$socket', port '$port', dbname 'postgres', application_name 'remote');
CREATE USER MAPPING FOR regress_phig_app SERVER loop OPTIONS (user 'regress_phig_app', password_required 'false');
CREATE FOREIGN TABLE far_patient (id int, ssn text) SERVER loop OPTIONS (table_name 'patient');
SECURITY LABEL FOR phiguard ON COLUMN far_patient.ssn IS 'ssn';

CREATE VIEW reached AS SELECT id, ssn, ward FROM patient;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON reached FOR EACH ROW EXECUTE FUNCTION instead();
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ssn FROM fresh; RETURN NULL; END';
CREATE TABLE transitional (id int, ssn text);
INSERT INTO transitional VALUES (1, '000-00-0001');
SECURITY LABEL FOR phiguard ON COLUMN transitional.ssn IS 'ssn';
CREATE TRIGGER count_new AFTER UPDATE ON transitional REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_new();

GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_phig_app, regress_phig_owner;
GRANT SELECT (id, name) ON patient TO regress_phig_nobody;
ANALYZE;
SQL
is($trouble, '', 'the tables are there');

# Statements of one session, run by regress_phig_app unless `as` says otherwise.
my @cases;
my $section = '';

sub section { $section = shift; return; }

sub path
{
	my ($name, %case) = @_;

	push @cases, { name => $name, section => $section, as => 'regress_phig_app', %case };
	return;
}

my $everything = 'patient.dob, patient.mrn, patient.name, patient.note, patient.ssn';

section 'Queries';
path 'a labelled column', sql => q{SELECT ssn FROM patient WHERE id = 5},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'only in the filter', sql => q{SELECT id FROM patient WHERE ssn = '000-00-0005'},
  records => ['read SELECT; referenced patient.ssn; rows 1; ok'];
path 'filter and count', sql => q{SELECT count(*) FROM patient WHERE ssn LIKE '000%'},
  records => ['read SELECT; referenced patient.ssn; rows 1; ok'];
path 'an empty answer', sql => q{SELECT ssn FROM patient WHERE id = 0},
  records => ['read SELECT; returned patient.ssn; rows 0; ok'];
path 'all columns', sql => q{SELECT * FROM patient},
  records => ["read SELECT; returned $everything; rows 20; ok"];
path 'no labelled column', sql => q{SELECT id, ward FROM patient}, records => [];
path 'count(*)', sql => q{SELECT count(*) FROM patient}, records => [];
path 'system columns', sql => q{SELECT ctid, tableoid, xmin FROM patient}, records => [];
path 'count of a labelled column', sql => q{SELECT count(ssn) FROM patient},
  records => ['read SELECT; referenced patient.ssn; rows 1; ok'];
path 'max of a labelled column', sql => q{SELECT max(ssn) FROM patient},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'a comparison in the output', sql => q{SELECT ssn = '000-00-0005' FROM patient WHERE id = 5},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'whole row', sql => q{SELECT p FROM patient p WHERE id = 5},
  records => ["read SELECT; returned $everything; rows 1; ok"];
path 'row_to_json', sql => q{SELECT row_to_json(p) FROM patient p WHERE id = 5},
  records => ["read SELECT; returned $everything; rows 1; ok"];
path 'count of whole rows', sql => q{SELECT count(p) FROM patient p},
  records => ["read SELECT; referenced $everything; rows 1; ok"];
path 'a field of a whole row', sql => q{SELECT (p).name FROM patient p WHERE id = 5},
  records => ['read SELECT; returned patient.name; rows 1; ok'];
path 'order', sql => q{SELECT id FROM patient ORDER BY dob},
  records => ['read SELECT; referenced patient.dob; rows 20; ok'];
path 'groups', sql => q{SELECT dob, count(*) FROM patient GROUP BY dob HAVING max(ssn) > '0'},
  records => ['read SELECT; returned patient.dob; referenced patient.ssn; rows 4; ok'];
path 'windows', sql => q{SELECT id, lag(ssn) OVER (PARTITION BY name ORDER BY dob) FROM patient},
  records => ['read SELECT; returned patient.ssn; referenced patient.dob, patient.name; rows 20; ok'];
path 'JOIN USING', sql => q{SELECT diag FROM patient JOIN visit USING (mrn)},
  records => ['read SELECT; returned visit.diag; referenced patient.mrn, visit.mrn; rows 40; ok'];
path 'NATURAL JOIN', sql => q{SELECT name FROM (SELECT mrn, name FROM patient) p NATURAL JOIN (SELECT mrn FROM visit) v},
  records => ['read SELECT; returned patient.name; referenced patient.mrn, visit.mrn; rows 40; ok'];
path 'nested views', sql => q{SELECT name FROM elders_in_order},
  records => ['read SELECT; returned patient.name; referenced patient.dob, patient.ssn; rows 20; ok'];
path 'nothing labelled of a view over labelled columns', sql => q{SELECT id FROM patients}, records => [];
path 'CTE', sql => q{WITH c AS MATERIALIZED (SELECT id, ssn, name FROM patient) SELECT name FROM c WHERE id = 5},
  records => ['read SELECT; returned patient.name; rows 1; ok'];
path 'recursive CTE', sql => q{WITH RECURSIVE c (n, s) AS (SELECT 1, ssn FROM patient WHERE id = 1
    UNION ALL SELECT n + 1, p.name FROM c JOIN patient p ON p.id = n + 1 WHERE n < 3) SELECT s FROM c},
  records => ['read SELECT; returned patient.name, patient.ssn; rows 3; ok'];
path 'LATERAL', sql => q{SELECT l.s FROM plain, LATERAL (SELECT ssn AS s FROM patient WHERE patient.id = plain.id) l},
  records => ['read SELECT; returned patient.ssn; rows 5; ok'];
path 'sub-select in the output', sql => q{SELECT (SELECT ssn FROM patient p WHERE p.id = plain.id) FROM plain},
  records => ['read SELECT; returned patient.ssn; rows 5; ok'];
path 'EXISTS', sql => q{SELECT id FROM plain WHERE EXISTS (SELECT ssn FROM patient WHERE patient.id = plain.id AND name LIKE 'Name%')},
  records => ['read SELECT; referenced patient.name; rows 5; ok'];
path 'UNION', sql => q{SELECT ssn FROM patient UNION SELECT diag FROM visit},
  records => ['read SELECT; returned patient.ssn, visit.diag; rows 60; ok'];
path 'VALUES', sql => q{VALUES ((SELECT ssn FROM patient WHERE id = 5))},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'TABLE', sql => q{TABLE visit}, records => ['read SELECT; returned visit.diag, visit.mrn; rows 40; ok'];
path 'TABLESAMPLE', sql => q{SELECT ssn FROM patient TABLESAMPLE BERNOULLI (100)},
  records => ['read SELECT; returned patient.ssn; rows 20; ok'];
path 'FOR UPDATE', sql => q{BEGIN; SELECT ssn FROM patient WHERE id = 5 FOR UPDATE; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'parallel query', sql => qq{SET $debug_parallel = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0; SELECT count(ssn) FROM patient}, shows => 'SELECT count(ssn) FROM patient, in parallel workers',
  records => ['read SELECT; referenced patient.ssn; rows 1; ok'];
path 'row-level security', sql => q{SELECT ssn FROM secured},
  records => ['read SELECT; returned secured.ssn; referenced secured.keeper; rows 1; ok'];
path 'generated column', sql => q{SELECT last4 FROM ledger WHERE id = 1},
  records => ['read SELECT; returned ledger.last4; rows 1; ok'];
path 'generated column, computed when read', from => 18, setup => q{
CREATE TABLE computed (id int, ssn text, last4 text GENERATED ALWAYS AS (right(ssn, 4)) VIRTUAL);
INSERT INTO computed VALUES (1, '000-00-0001'); SECURITY LABEL FOR phiguard ON COLUMN computed.ssn IS 'ssn';
GRANT SELECT ON computed TO regress_phig_app}, sql => q{SELECT last4 FROM computed},
  records => ['read SELECT; returned computed.last4, computed.ssn; rows 1; ok'];

section 'Copies, partitions, children';
path 'partitioned parent', sql => q{SELECT value FROM result},
  records => ['read SELECT; returned result.value; rows 4; ok'];
path 'partition, directly', sql => q{SELECT value FROM result_new},
  records => ['read SELECT; returned result_new.value; rows 3; ok'];
path 'inheritance parent', sql => q{SELECT ssn FROM person},
  records => ['read SELECT; returned person.ssn; rows 2; ok'];
path 'inheritance child, directly', sql => q{SELECT ssn, badge FROM employee},
  records => ['read SELECT; returned employee.ssn; rows 2; ok'];
path 'materialized view', sql => q{SELECT ssn FROM patient_copy WHERE id = 5},
  records => ['read SELECT; returned patient_copy.ssn; rows 1; ok'];
path 'foreign table (and its other side)', sql => q{SELECT ssn FROM far_patient WHERE id = 5}, also => 'remote',
  records => ['read SELECT; returned far_patient.ssn; rows 1; ok', 'read SELECT; returned patient.ssn; rows 1; ok'];
path 'dblink, the other side', also => 'remote',
  sql => qq{SELECT * FROM dblink('host=$socket port=$port dbname=postgres user=regress_phig_app application_name=remote', 'SELECT ssn FROM patient') AS t (ssn text)},
  as => 'postgres', shows => q{SELECT * FROM dblink('...', 'SELECT ssn FROM patient') AS t (ssn text)},
  records => ['read SELECT; returned patient.ssn; rows 20; ok'];

section 'Functions';
path 'SQL function', sql => q{SELECT ssn_of(5)},
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'SQL function, twice', sql => q{SELECT ssn_of(id) FROM plain WHERE id <= 2},
  records => ['read SELECT; returned patient.ssn; executions 2; rows 2; ok; flags function'];
path 'SQL function of a set, inlined', sql => q{SELECT * FROM ssns(3)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok'];
path 'SQL function of a set, BEGIN ATOMIC, inlined', sql => q{SELECT * FROM ssns_atomic(3)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok'];
path 'SQL function of a set, inlined once its parameter is known',
  sql => q{PREPARE first (bool) AS SELECT s.* FROM patient p, ssns(CASE WHEN $1 THEN 3 ELSE random()::int END) s WHERE p.id = 1; EXECUTE first (true)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok'];
path 'SQL function of a set, not inlined', sql => q{SELECT * FROM ssns_volatile(3)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags function'];
path 'SQL function of a set, in the output', sql => q{SELECT ssns(3)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags function'];
path 'PL/pgSQL function', sql => q{SELECT ssn_plpgsql(5)},
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'PL/pgSQL function of a set', sql => q{SELECT * FROM ssns_plpgsql(3)},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags function'];
path 'PL/pgSQL, dynamic', sql => q{SELECT ssn_dynamic(5)},
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'cursor that a function returns', sql => q{BEGIN; SELECT ssn_cursor('c'); FETCH 2 FROM c; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 2; ok; flags function'];
path 'SECURITY DEFINER', sql => q{SELECT ssn_definer(1)},
  records => ['read SELECT; returned secret.patient.ssn; rows 1; ok; flags function'];
path 'IMMUTABLE function, folded by the planner', sql => q{SELECT ssn_folded(5)},
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'the same under EXPLAIN', sql => q{EXPLAIN SELECT ssn_folded(5)},
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'PL/pgSQL function in a parallel worker', sql => qq{SET $debug_parallel = on; SELECT ssn_parallel(5)}, shows => 'SELECT ssn_parallel(5), in a parallel worker',
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags function'];
path 'set-returning function with ordinality', sql => q{SELECT * FROM ssns(3) WITH ORDINALITY},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags function'];
path 'DO block', sql => q{DO $$ DECLARE s text; BEGIN FOR i IN 1..3 LOOP SELECT ssn INTO s FROM patient WHERE id = i; END LOOP; END $$},
  records => ['read SELECT; returned patient.ssn; executions 3; rows 3; ok; flags function'];
path 'procedure that commits while it reads', sql => q{CALL read_and_commit()},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags function'];
path 'query_to_xml', sql => q{SELECT query_to_xml('SELECT ssn FROM patient', false, false, '')},
  records => ['read SELECT; returned patient.ssn; rows 20; ok; flags function'];
path 'table_to_xml', sql => q{SELECT table_to_xml('visit', false, false, '')},
  records => ['read SELECT; returned visit.diag, visit.mrn; rows 40; ok; flags function'];

section 'Prepared statements and cursors';
path 'PREPARE, EXECUTE', sql => q{PREPARE s (int) AS SELECT ssn FROM patient WHERE id = $1; EXECUTE s (1); EXECUTE s (2)},
  records => [('read SELECT; returned patient.ssn; rows 1; ok') x 2];
path 'generic plan', sql => q{SET plan_cache_mode = force_generic_plan; PREPARE s (int) AS SELECT ssn FROM patient WHERE id = $1;
EXECUTE s (1); EXECUTE s (2); EXECUTE s (0)},
  records => [('read SELECT; returned patient.ssn; rows 1; ok') x 2, 'read SELECT; returned patient.ssn; rows 0; ok'];
path 'PREPARE alone', sql => q{PREPARE s AS SELECT ssn FROM patient}, records => [];
path 'extended protocol', by => sub { pgbench('extended', @_) }, shows => 'SELECT ssn FROM patient WHERE id = $1, twice',
  records => [('read SELECT; returned patient.ssn; rows 1; ok') x 2];
path 'extended protocol, named statement', by => sub { pgbench('prepared', @_) }, shows => 'SELECT ssn FROM patient WHERE id = $1, twice',
  records => [('read SELECT; returned patient.ssn; rows 1; ok') x 2];
path 'cursor', sql => q{BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 2 FROM c; FETCH 3 FROM c; CLOSE c; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 5; ok'];
path 'cursor, not fetched from', sql => q{BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 0; ok'];
path 'cursor, MOVE (the rows were read)', sql => q{BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; MOVE 4 IN c; FETCH 1 FROM c; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 5; ok'];
path 'cursor, backwards', sql => q{BEGIN; DECLARE c SCROLL CURSOR FOR SELECT ssn FROM patient; FETCH 3 FROM c; FETCH BACKWARD 2 FROM c; COMMIT},
  records => ['read SELECT; returned patient.ssn; rows 5; ok'];
path 'holdable cursor, fetched before and after commit',
  sql => q{BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT ssn FROM patient; FETCH 2 FROM c; COMMIT; FETCH 3 FROM c},
  records => ['read SELECT; returned patient.ssn; rows 20; ok'];
path 'cursor, closed by ROLLBACK', sql => q{BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 1 FROM c; ROLLBACK},
  records => ['read SELECT; returned patient.ssn; rows 1; ok'];
path 'WHERE CURRENT OF', sql => q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM patient WHERE ssn = '000-00-0005' FOR UPDATE; FETCH 1 FROM c;
UPDATE patient SET note = 'x' WHERE CURRENT OF c; ROLLBACK},
  records => ['read SELECT; referenced patient.ssn; rows 1; ok', 'write UPDATE; stored patient.note; rows 1; ok'];

section 'COPY and dumps';
path 'COPY table TO', sql => q{COPY patient TO STDOUT}, records => ["read COPY; returned $everything; rows 20; ok; flags copy"];
path 'COPY columns TO', sql => q{COPY patient (id, ssn) TO STDOUT}, records => ['read COPY; returned patient.ssn; rows 20; ok; flags copy'];
path 'COPY columns TO, none labelled', sql => q{COPY patient (id, ward) TO STDOUT}, records => [];
path 'COPY (query) TO', sql => q{COPY (SELECT id, ssn FROM patient WHERE dob = '1950-01-02') TO STDOUT},
  records => ['read COPY; returned patient.ssn; referenced patient.dob; rows 5; ok; flags copy'];
path 'COPY (UPDATE RETURNING) TO', sql => q{BEGIN; COPY (UPDATE patient SET ward = 0 WHERE id = 5 RETURNING ssn) TO STDOUT; ROLLBACK},
  records => ['read COPY; returned patient.ssn; rows 1; ok; flags copy'];
path 'COPY table TO, row-level security', sql => q{COPY secured TO STDOUT},
  records => ['read COPY; returned secured.keeper, secured.ssn; rows 1; ok; flags copy'];
path 'COPY materialized view TO', from => 18, sql => q{COPY patient_copy TO STDOUT},
  records => ['read COPY; returned patient_copy.ssn; rows 20; ok; flags copy'];
path 'COPY FROM', sql => "BEGIN;\nCOPY visit FROM STDIN;\n101\tM1\tdiag 101\n102\tM2\tdiag 102\n\\.\nROLLBACK",
  shows => 'COPY visit FROM STDIN',
  records => ['write COPY; stored visit.diag, visit.mrn; rows 2; ok; flags copy',
	'read SELECT; referenced patient.mrn; executions 2; rows 2; ok; flags constraint, function'];
path 'COPY FROM, through a partitioned parent', sql => "BEGIN;\nCOPY result FROM STDIN;\n2026-02-01\tx\n\\.\nROLLBACK", shows => 'COPY result FROM STDIN',
  records => ['write COPY; stored result.value; rows 1; ok; flags copy'];
path 'COPY through a replication connection', sql => q{COPY visit TO STDOUT}, as => 'postgres', options => 'replication=database',
  records => ['read COPY; returned visit.diag, visit.mrn; rows 40; ok; flags copy, exempt'];
path 'pg_dump', by => sub { pg_dump(@_) }, shows => 'pg_dump --table=visit',
  records => ['read COPY; returned visit.diag, visit.mrn; rows 40; ok; flags copy, exempt'];
path 'pg_dump --inserts', by => sub { pg_dump(@_, '--inserts') }, shows => 'pg_dump --inserts --table=visit',
  records => ['read SELECT; returned visit.diag, visit.mrn; rows 40; ok; flags exempt'];

section 'Writing';
path 'INSERT', sql => q{BEGIN; INSERT INTO patient (id, ssn, ward) VALUES (100, '000-00-0100', 1); ROLLBACK},
  records => ['write INSERT; stored patient.ssn; rows 1; ok'];
path 'INSERT ... SELECT', sql => q{BEGIN; INSERT INTO patient (id, note) SELECT id + 100, diag FROM visit WHERE mrn = 'M1'; ROLLBACK},
  records => ['write INSERT; referenced visit.mrn; stored patient.note, visit.diag; rows 4; ok'];
path 'INSERT ... SELECT into a column without label', sql => q{BEGIN; INSERT INTO plain SELECT id + 100, ssn FROM patient; ROLLBACK},
  records => ['write INSERT; stored patient.ssn; rows 20; ok'];
path 'ON CONFLICT DO UPDATE', sql => q{BEGIN; INSERT INTO patient AS p (id, note) VALUES (5, 'x') ON CONFLICT (id) DO UPDATE SET note = p.ssn || excluded.note
RETURNING name; ROLLBACK},
  records => ['write INSERT; returned patient.name; stored patient.note, patient.ssn; rows 1; ok'];
path 'UPDATE', sql => q{BEGIN; UPDATE patient SET note = 'x' WHERE ssn = '000-00-0005'; ROLLBACK},
  records => ['write UPDATE; referenced patient.ssn; stored patient.note; rows 1; ok'];
path 'UPDATE, from one column to another', sql => q{BEGIN; UPDATE patient SET note = ssn WHERE id = 5; ROLLBACK},
  records => ['write UPDATE; stored patient.note, patient.ssn; rows 1; ok'];
path 'UPDATE RETURNING', sql => q{BEGIN; UPDATE patient SET ward = 0 WHERE id <= 3 RETURNING ssn; ROLLBACK},
  records => ['read UPDATE; returned patient.ssn; rows 3; ok'];
path 'UPDATE RETURNING old and new', from => 18, sql => q{BEGIN; UPDATE patient SET note = 'x' WHERE id = 5 RETURNING old.note, new.ssn; ROLLBACK},
  records => ['write UPDATE; returned patient.note, patient.ssn; stored patient.note; rows 1; ok'];
path 'UPDATE of a view', sql => q{BEGIN; UPDATE patients SET note = 'x' WHERE id = 5; ROLLBACK},
  records => ['write UPDATE; stored patient.note; rows 1; ok'];
path 'DELETE USING', sql => q{BEGIN; DELETE FROM visit USING patient p WHERE visit.mrn = p.mrn AND p.ssn = '000-00-0001'; ROLLBACK},
  records => ['write DELETE; referenced patient.mrn, patient.ssn, visit.mrn; stored visit.diag, visit.mrn; rows 4; ok'];
path 'MERGE', sql => q{BEGIN; MERGE INTO patient p USING visit v ON p.mrn = v.mrn AND v.id = 1 WHEN MATCHED AND p.dob IS NOT NULL THEN UPDATE SET note = v.diag; ROLLBACK},
  records => ['write MERGE; referenced patient.dob, patient.mrn, visit.mrn; stored patient.note, visit.diag; rows 1; ok'];
path 'MERGE RETURNING', from => 17, sql => q{BEGIN; MERGE INTO patient p USING plain ON p.id = plain.id WHEN MATCHED THEN UPDATE SET ward = 1 RETURNING p.ssn, plain.word; ROLLBACK},
  records => ['read MERGE; returned patient.ssn; rows 5; ok'];
path 'data-modifying CTE', sql => q{BEGIN; WITH u AS (UPDATE patient SET ward = 0 WHERE id <= 3 RETURNING ssn) SELECT ssn FROM u; ROLLBACK},
  records => ['read SELECT; returned patient.ssn; rows 3; ok'];
path 'TRUNCATE', sql => q{BEGIN; TRUNCATE visit; ROLLBACK},
  records => ['ddl TRUNCATE TABLE; referenced visit.diag, visit.mrn; ok'];
path 'rule (rows are counted for the statement itself)', sql => q{BEGIN; UPDATE ruled SET id = 2; ROLLBACK},
  records => ['write INSERT; stored ruled.ssn; rows 0; ok'];
path 'trigger that reads OLD', sql => q{BEGIN; UPDATE watched SET amount = 0 WHERE id <= 2; ROLLBACK},
  records => ['read UPDATE; referenced watched.last4, watched.ssn; rows 2; ok; flags row_trigger'];
path 'INSTEAD OF trigger', sql => q{BEGIN; UPDATE reached SET ward = 0 WHERE id = 5; ROLLBACK},
  records => ['read UPDATE; referenced patient.ssn; rows 1; ok; flags row_trigger'];
path 'transition table', sql => q{BEGIN; UPDATE transitional SET id = 2; ROLLBACK},
  records => ['read UPDATE; referenced transitional.ssn; rows 1; ok; flags row_trigger',
	'read SELECT; returned transitional.ssn; rows 1; ok; flags function'];
path 'INSERT into a partition through its parent', sql => q{BEGIN; INSERT INTO result VALUES ('2026-02-01', 'x'); ROLLBACK},
  records => ['write INSERT; stored result.value; rows 1; ok'];
path 'UPDATE of a foreign table (and its other side)', also => 'remote', sql => q{BEGIN; UPDATE far_patient SET ssn = 'x' WHERE id = 5; ROLLBACK},
  records => ['write UPDATE; stored far_patient.ssn; rows 1; ok', 'write UPDATE; stored patient.ssn; rows 1; ok'];
path 'two-phase commit', sql => q{BEGIN; UPDATE patient SET note = 'x' WHERE id = 5; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'},
  records => ['write UPDATE; stored patient.note; rows 1; ok'];
path 'foreign key check', sql => q{BEGIN; INSERT INTO visit VALUES (100, 'M1', 'x'); ROLLBACK},
  records => ['write INSERT; stored visit.diag, visit.mrn; rows 1; ok',
	'read SELECT; referenced patient.mrn; rows 1; ok; flags constraint, function'];
path 'foreign key cascade', sql => q{BEGIN; UPDATE patient SET mrn = 'M100' WHERE id = 1; ROLLBACK},
  records => ['write UPDATE; stored patient.mrn; rows 1; ok',
	'write UPDATE; referenced visit.mrn; stored visit.mrn; rows 4; ok; flags constraint, function',
	'read SELECT; referenced patient.mrn; executions 4; rows 4; ok; flags constraint, function'];

section 'Tables made from queries';
path 'CREATE TABLE AS, and reading it', sql => q{CREATE TABLE made AS SELECT id, ssn FROM patient; SELECT ssn FROM made WHERE id = 1},
  records => ['write CREATE TABLE AS; stored patient.ssn; rows 20; ok', 'policy SECURITY LABEL; referenced made.ssn; ok',
	'read SELECT; returned made.ssn; rows 1; ok'];
path 'CREATE TABLE AS EXECUTE', sql => q{PREPARE s AS SELECT ssn FROM patient; CREATE TABLE made_by_execute AS EXECUTE s},
  records => ['write CREATE TABLE AS; stored patient.ssn; rows 20; ok', 'policy SECURITY LABEL; referenced made_by_execute.ssn; ok'];
path 'SELECT INTO', sql => q{SELECT name INTO selected FROM patient; SELECT name FROM selected},
  records => ['write SELECT INTO; stored patient.name; rows 20; ok', 'policy SECURITY LABEL; referenced selected.name; ok',
	'read SELECT; returned selected.name; rows 20; ok'];
path 'temporary table', sql => q{CREATE TEMP TABLE t AS SELECT ssn FROM patient; SELECT ssn FROM t},
  records => ['write CREATE TABLE AS; stored patient.ssn; rows 20; ok', 'policy SECURITY LABEL; referenced pg_temp.t.ssn; ok',
	'read SELECT; returned pg_temp.t.ssn; rows 20; ok'];
path 'CREATE MATERIALIZED VIEW', sql => q{CREATE MATERIALIZED VIEW m AS SELECT id, ssn FROM patient; SELECT ssn FROM m WHERE id = 1},
  records => ['write CREATE MATERIALIZED VIEW; stored patient.ssn; rows 20; ok', 'policy SECURITY LABEL; referenced m.ssn; ok',
	'read SELECT; returned m.ssn; rows 1; ok'];
path 'CREATE TABLE AS WITH NO DATA, filled later', sql => q{CREATE TABLE empty AS SELECT id, ssn FROM patient WITH NO DATA; INSERT INTO empty SELECT id, ssn FROM patient; SELECT ssn FROM empty},
  records => ['policy SECURITY LABEL; referenced empty.ssn; ok', 'write INSERT; stored empty.ssn, patient.ssn; rows 20; ok',
	'read SELECT; returned empty.ssn; rows 20; ok'];
path 'CREATE TABLE AS in a function', sql => q{DO $$ BEGIN EXECUTE 'CREATE TABLE made_in_do AS SELECT ssn FROM patient'; END $$; SELECT ssn FROM made_in_do},
  records => ['write CREATE TABLE AS; stored patient.ssn; rows 20; ok; flags function', 'policy SECURITY LABEL; referenced made_in_do.ssn; ok; flags function',
	'read SELECT; returned made_in_do.ssn; rows 20; ok'];
path 'CREATE TABLE LIKE', sql => q{CREATE TABLE alike (LIKE visit INCLUDING ALL)},
  records => [ 'policy SECURITY LABEL; referenced alike.mrn; ok', 'policy SECURITY LABEL; referenced alike.diag; ok' ];
path 'REFRESH MATERIALIZED VIEW', sql => q{REFRESH MATERIALIZED VIEW patient_copy}, as => 'regress_phig_owner',
  records => ['write REFRESH MATERIALIZED VIEW; stored patient.ssn; rows 20; ok', 'ddl REFRESH MATERIALIZED VIEW; referenced patient_copy.ssn; ok'];
path 'REFRESH MATERIALIZED VIEW CONCURRENTLY', sql => q{REFRESH MATERIALIZED VIEW CONCURRENTLY patient_copy}, as => 'regress_phig_owner',
  records => ['write REFRESH MATERIALIZED VIEW; stored patient.ssn; rows 20; ok',
	'read REFRESH MATERIALIZED VIEW; referenced patient_copy.ssn; rows 0; ok',
	('write REFRESH MATERIALIZED VIEW; stored patient_copy.ssn; rows 0; ok') x 2];

section 'EXPLAIN';
path 'EXPLAIN', sql => q{EXPLAIN SELECT ssn FROM patient}, records => [];
path 'EXPLAIN ANALYZE', sql => q{EXPLAIN ANALYZE SELECT ssn FROM patient WHERE id <= 3},
  records => ['read SELECT; returned patient.ssn; rows 3; ok; flags explain'];
path 'EXPLAIN ANALYZE EXECUTE', sql => q{PREPARE s AS SELECT ssn FROM patient; EXPLAIN ANALYZE EXECUTE s},
  records => ['read SELECT; returned patient.ssn; rows 20; ok; flags explain'];
path 'EXPLAIN ANALYZE CREATE TABLE AS, and reading it', sql => q{EXPLAIN ANALYZE CREATE TABLE explained AS SELECT ssn FROM patient; SELECT ssn FROM explained},
  records => ['write CREATE TABLE AS; stored patient.ssn; rows 20; ok; flags explain', 'policy SECURITY LABEL; referenced explained.ssn; ok',
	'read SELECT; returned explained.ssn; rows 20; ok'];
path 'EXPLAIN ANALYZE of a write', sql => q{BEGIN; EXPLAIN ANALYZE UPDATE patient SET note = 'x' WHERE id = 5; ROLLBACK},
  records => ['write UPDATE; stored patient.note; rows 1; ok; flags explain'];

section 'Who, and what became of it';
path 'denied', sql => q{SELECT ssn FROM patient}, as => 'regress_phig_nobody',
  records => ['denied SELECT; returned patient.ssn; rows 0; error 42501'];
path 'denied, all columns', sql => q{SELECT * FROM patient}, as => 'regress_phig_nobody',
  records => ["denied SELECT; returned $everything; rows 0; error 42501"];
path 'denied, only in the filter', sql => q{SELECT id FROM patient WHERE ssn = 'x'}, as => 'regress_phig_nobody',
  records => ['denied SELECT; referenced patient.ssn; rows 0; error 42501'];
path 'denied, COPY', sql => q{COPY patient (ssn) TO STDOUT}, as => 'regress_phig_nobody',
  records => ['denied COPY; returned patient.ssn; rows 0; error 42501; flags copy'];
path 'denied, UPDATE', sql => q{UPDATE patient SET ssn = 'x'}, as => 'regress_phig_nobody',
  records => ['denied UPDATE; stored patient.ssn; rows 0; error 42501'];
path 'denied, in a function', sql => q{SELECT ssn_of(5)}, as => 'regress_phig_nobody',
  records => ['denied SELECT; returned patient.ssn; rows 0; error 42501; flags function'];
path 'fails while it runs', sql => q{SELECT ssn::int FROM patient},
  records => ['read SELECT; returned patient.ssn; rows 0; error 22P02; flags ran'];
path 'fails after some rows', sql => q{SELECT ssn, 1 / (10 - id) FROM (SELECT * FROM patient ORDER BY id OFFSET 0) p},
  records => ['read SELECT; returned patient.ssn; rows 9; error 22012; flags ran'];
path 'SET ROLE', sql => q{SET ROLE regress_phig_app; SELECT ssn FROM patient WHERE id = 5}, as => 'postgres',
  records => ['read SELECT; as postgres, regress_phig_app; returned patient.ssn; rows 1; ok'];
path 'superuser', sql => q{SELECT ssn FROM patient WHERE id = 5}, as => 'postgres',
  records => ['read SELECT; returned patient.ssn; rows 1; ok; flags exempt'];

section 'DDL and labels';
path 'a label that comes while a transaction runs', as => 'postgres', shows => q{BEGIN; SELECT count(word) FROM plain; (another session labels plain.word); SELECT word FROM plain; COMMIT},
  sql => qq{BEGIN; SELECT count(word) FROM plain;
\\! psql -Xqd "@{[$node->connstr('postgres')]} application_name=setup" -c "SECURITY LABEL FOR phiguard ON COLUMN plain.word IS 'note'"
SELECT word FROM plain; COMMIT;
SET application_name = 'setup'; SECURITY LABEL FOR phiguard ON COLUMN plain.word IS NULL},
  records => ['read SELECT; returned plain.word; rows 5; ok; flags exempt'];
path 'the same, by a driver that has prepared it', from => 18, as => 'postgres',
  shows => q{BEGIN; SELECT word FROM plain; (another session labels plain.word); the same prepared statement; COMMIT},
  sql => qq{BEGIN; SELECT word FROM plain \\parse s
\\bind_named s \\g
\\! psql -Xqd "@{[$node->connstr('postgres')]} application_name=setup" -c "SECURITY LABEL FOR phiguard ON COLUMN plain.word IS 'note'"
\\bind_named s \\g
COMMIT; SET application_name = 'setup'; SECURITY LABEL FOR phiguard ON COLUMN plain.word IS NULL},
  records => ['read SELECT; returned plain.word; rows 5; ok; flags exempt, unseen_plan'];
path 'ADD CHECK over a labelled column', sql => q{BEGIN; ALTER TABLE ledger ADD CHECK (ssn_of(length(ssn)) <> ''); ROLLBACK}, as => 'postgres',
  records => ['ddl ALTER TABLE; referenced ledger.last4, ledger.ssn; ok; flags exempt',
	'read SELECT; returned patient.ssn; executions 3; rows 3; ok; flags exempt, function'];
path 'CREATE INDEX', sql => q{BEGIN; CREATE INDEX ON ledger (ssn); ROLLBACK}, as => 'postgres',
  records => ['ddl CREATE INDEX; referenced ledger.last4, ledger.ssn; ok; flags exempt'];
path 'ADD FOREIGN KEY', sql => q{BEGIN; ALTER TABLE visit ADD FOREIGN KEY (mrn) REFERENCES patient (mrn); ROLLBACK}, as => 'postgres',
  records => ["ddl ALTER TABLE; referenced visit.diag, visit.mrn; ok; flags exempt",
	'read SELECT; returned visit.mrn; referenced patient.mrn; rows 0; ok; flags exempt, function'];
path 'DROP TABLE CASCADE', setup => q{CREATE TABLE doomed (ssn text); SECURITY LABEL FOR phiguard ON COLUMN doomed.ssn IS 'ssn'},
  sql => q{DROP TABLE doomed CASCADE}, as => 'postgres',
  records => ['ddl DROP TABLE; referenced doomed.ssn; ok; flags exempt'];
path 'GRANT', sql => q{BEGIN; GRANT SELECT ON ledger TO PUBLIC; ROLLBACK}, as => 'postgres',
  records => ['ddl GRANT; referenced ledger.last4, ledger.ssn; ok; flags exempt'];
path 'GRANT on all tables of a schema', sql => q{BEGIN; GRANT SELECT ON ALL TABLES IN SCHEMA secret TO PUBLIC; ROLLBACK}, as => 'postgres',
  records => ['ddl GRANT; referenced secret.patient.ssn; ok; flags exempt'];
path 'a publication', sql => q{CREATE PUBLICATION p FOR TABLE ledger; CREATE PUBLICATION q FOR TABLES IN SCHEMA secret; DROP PUBLICATION p, q}, as => 'postgres',
  records => ['ddl CREATE PUBLICATION; referenced ledger.last4, ledger.ssn; ok; flags exempt', 'ddl CREATE PUBLICATION; referenced secret.patient.ssn; ok; flags exempt'];
path 'REINDEX', sql => q{REINDEX TABLE visit; REINDEX INDEX visit_pkey}, as => 'postgres',
  records => [('ddl REINDEX; referenced visit.diag, visit.mrn; ok; flags exempt') x 2];
path 'VACUUM FULL', sql => q{VACUUM FULL visit}, as => 'postgres', records => ['ddl VACUUM; referenced visit.diag, visit.mrn; ok; flags exempt'];
path 'denied, DDL', sql => q{DROP TABLE patient}, as => 'regress_phig_app',
  records => ["denied DROP TABLE; referenced $everything; rows 0; error 42501"];
path 'a label, raised and removed', sql => q{SECURITY LABEL FOR phiguard ON COLUMN plain.word IS 'note'; SECURITY LABEL FOR phiguard ON COLUMN plain.word IS NULL}, as => 'postgres',
  records => [('policy SECURITY LABEL; referenced plain.word; ok; flags exempt') x 2];
path 'a setting', sql => q{ALTER ROLE regress_phig_nobody SET phiguard.purpose = 'billing'}, as => 'postgres',
  records => ['setting ALTER ROLE; ok; flags exempt'];

sub pgbench
{
	my ($mode, $app) = @_;
	my $script = "$PostgreSQL::Test::Utils::tmp_check/script.$mode.sql";

	append_to_file($script, "\\set i 5\nSELECT ssn FROM patient WHERE id = :i;\n");
	return [ 'pgbench', '-n', '-c', '1', '-t', '2', '-M', $mode, '-f', $script,
		$node->connstr('postgres') . " user=regress_phig_app application_name='$app'" ];
}

sub pg_dump
{
	my ($app, @options) = @_;

	return [ 'pg_dump', '--table=visit', @options, '-d', $node->connstr('postgres') . " application_name='$app'" ];
}

# Is what should run in parallel really run so?
my ($plan) = run_sql($node, "SET $debug_parallel = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0; EXPLAIN (COSTS OFF) SELECT count(ssn) FROM patient");
like($plan, qr/Workers Planned: [1-9]/, 'the parallel case is parallel');

# All cases first, then the log once: reading it costs more than making it.
my $number = 0;
my %labels_of_app;
foreach my $case (@cases)
{
	next if $case->{from} && $case->{from} > $major;
	my $app = 'case ' . ++$number;

	run_sql($node, $case->{setup}, app => 'setup') if $case->{setup};
	$case->{app} = $app;
	$case->{before} = last_position() if $case->{also};
	if ($case->{by})
	{
		my ($out, $err);

		IPC::Run::run($case->{by}->($app), '>', \$out, '2>', \$err);
		is($?, 0, "$case->{name} runs") or diag($err);
	}
	else
	{
		(undef, $case->{errors}) = run_sql($node, $case->{sql} . "\n;", as => $case->{as}, app => $app, options => $case->{options});
	}
	$case->{until} = last_position() if $case->{also};
}

sub last_position
{
	return (run_sql($node, 'SELECT max(position) FROM phiguard.access_log', app => 'reader'))[0];
}

my %by_app;
foreach my $record (records($node, "application LIKE 'case %' OR application = 'remote'"))
{
	push @{ $by_app{ $record->{application} } }, $record;
}
foreach my $case (@cases)
{
	next unless $case->{app};
	my @found = @{ $by_app{ $case->{app} } || [] };

	push @found, grep { $_->{position} > $case->{before} && $_->{position} <= $case->{until} } @{ $by_app{ $case->{also} } || [] }
	  if $case->{also};
	$case->{found} = [ map { record_line($_) } @found ];
	is_deeply($case->{found}, $case->{records}, "$case->{section}: $case->{name}")
	  or diag("errors: " . ($case->{errors} // ''), explain($case->{found}));
}
journal_is_intact($node, 'the journal is intact');

# The page.
sub cell
{
	my ($text) = @_;

	$text =~ s/\s+/ /g;
	$text =~ s/^ | $//g;
	$text =~ s/\|/\\|/g;
	return $text;
}

sub page_row
{
	my ($case) = @_;
	my $name = $case->{name} . ($case->{from} ? " ($case->{from}+)" : '');
	my @lines = @{ $case->{found} };

	return '| ' . join(' | ', cell($name), '`' . cell($case->{shows} || $case->{sql}) . '`',
		@lines ? join('<br>', map { cell($_) } @lines) : 'none') . ' |';
}

my $kept = -e $page ? slurp_file($page) : '';
my $text = <<'MARKDOWN';
# Coverage

Every way to labelled data through the executor, COPY and DDL, and what phiguard records of it. This page is made by
`test/t/060_coverage.pl` from what a server recorded (`PHIG_UPDATE_DOCS=1 make check TAP=060` writes it anew), and that test fails where a server, of any
supported version, records something else. What leaves PostgreSQL on other ways is listed in [limits.md](limits.md).

A record reads: kind and command; the session's role and the active one where they differ; the columns *returned* (their
value reaches the output), *referenced* (they only steer the result), *stored* (written, or the source of what is written); executions where several
share one record; rows; outcome, with the SQLSTATE of an error; flags. Tables without a schema are in `public`. Labelled are all columns of
`patient` but `id` and `ward`, all of `visit` but `id`, none of `plain`.
MARKDOWN
my $last_section = '';
foreach my $case (@cases)
{
	if ($case->{section} ne $last_section)
	{
		$last_section = $case->{section};
		$text .= "\n## $last_section\n\n| path | statement | records |\n|---|---|---|\n";
	}
	if ($case->{found})
	{
		$text .= page_row($case) . "\n";
	}
	else
	{
		# Not for this server: the row stays as a newer one made it.
		my $start = '| ' . cell("$case->{name} ($case->{from}+)") . ' | ';

		$text .= "$_\n" for grep { index($_, $start) == 0 } split /\n/, $kept;
	}
}
if ($ENV{PHIG_UPDATE_DOCS})
{
	open my $out, '>', $page or die $!;
	print $out $text;
	close $out;
}
is_deeply([ split /\n/, $text ], [ split /\n/, $kept ], 'docs/coverage.md says what was recorded')
  unless $ENV{PHIG_UPDATE_DOCS};

$node->stop;
done_testing();
