-- Transforms: what is left of a labelled value that goes through a function, and whom to believe about it.
\getenv test PG_ABS_SRCDIR
\set lib :test /lib/flow.psql
\i :lib
SET client_min_messages = error;

SELECT name, function, form, categories, kinds, result, reversible, methods, builtin, valid FROM phiguard.transforms ORDER BY function COLLATE "C";

-- Each form is in the record; a transform lowers what it takes, and only columns as they are.
INSERT INTO claim (query, expected) VALUES
('SELECT phiguard.year(born), phiguard.birth_year(born, current_date), phiguard.age_90(born) FROM patient', 'patient.born=age_90 patient.born=birth_year patient.born=year'),
('SELECT phiguard.year(born::timestamp), phiguard.year(born::timestamptz) FROM patient', 'patient.born=year'),
('SELECT phiguard.age_90(p.born, v.day) FROM patient p JOIN visit v ON v.patient_id = p.id', 'patient.born=age_90 visit.day=age_90'),
('SELECT phiguard.zip3(zip), phiguard.zip3(zip, ''census2020'') FROM patient', 'patient.zip=zip3'),
('SELECT phiguard.zip3(zip::varchar), phiguard.zip3(zip => zip, vintage => ''union'') FROM patient', 'patient.zip=zip3'),
('SELECT phiguard.mask(ssn), phiguard.mask(upper(name)), phiguard.mask(born::text) FROM patient', 'patient.born=mask patient.name=mask patient.ssn=mask'),
-- What it does not take stays what it was.
('SELECT phiguard.zip3(left(ssn, 5)) FROM patient', 'patient.ssn'),
('SELECT phiguard.zip3(ssn) FROM patient', 'patient.ssn'),
('SELECT phiguard.year(to_date(zip, ''J'')) FROM patient', 'patient.zip'),
('SELECT phiguard.age_90(zip::int) FROM patient', 'patient.zip'),
('SELECT phiguard.mask(ssn, 4) FROM patient', 'patient.ssn=mask'),
('SELECT phiguard.zip3(zip, name) FROM patient', 'patient.name patient.zip=zip3'),
-- What is computed may put any part of a value where the transform keeps it.
('SELECT phiguard.zip3(right(zip, 3) || ''00'') FROM patient', 'patient.zip'),
('SELECT phiguard.year(date ''2000-01-01'' + (born - date ''1900-01-01'') * 365) FROM patient', 'patient.born'),
('SELECT phiguard.zip3(z) FROM (SELECT right(zip, 3) || ''00'' AS z FROM patient) s', 'patient.zip'),
('SELECT phiguard.zip3(trim(zip)) FROM patient', 'patient.zip'),
('SELECT phiguard.zip3(zip::varchar(4)) FROM patient', 'patient.zip'),
('SELECT phiguard.year(coalesce(born, date ''2000-01-01'')) FROM patient', 'patient.born'),
('UPDATE patient SET zip = right(zip, 3) || ''00'' RETURNING phiguard.zip3(zip)', 'patient.zip | | patient.zip'),
('SELECT phiguard.token(right(zip, 3), ''d'') FROM patient', 'patient.zip=token'),
-- But however the column is reached.
('SELECT phiguard.zip3(z) FROM (SELECT zip AS z FROM patient) s', 'patient.zip=zip3'),
('WITH c AS MATERIALIZED (SELECT born AS b FROM patient) SELECT phiguard.year(b) FROM c', 'patient.born=year'),
('SELECT phiguard.year(j.born) FROM (patient p JOIN visit v ON v.patient_id = p.id) j', 'patient.born=year'),
('SELECT phiguard.year(born), count(*) FROM patient GROUP BY phiguard.year(born)', 'patient.born=year'),
('SELECT phiguard.year(born), count(*) FROM patient GROUP BY born', 'patient.born=year | patient.born'),
('SELECT (SELECT phiguard.year(p.born)) FROM patient p', 'patient.born=year'),
('SELECT phiguard.year(born) + 1, phiguard.year(born)::text || sex FROM patient', 'patient.born=year patient.sex'),
('SELECT phiguard.year(max(day)), phiguard.year(min(day)::timestamp) FROM visit', 'visit.day=year'),
('SELECT phiguard.year(max(day + 1)), phiguard.zip3(max(note)), phiguard.year((array_agg(day))[1]) FROM visit', 'visit.day visit.note'),
('DELETE FROM patient RETURNING phiguard.year(born)', 'patient.born=year | | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT 1 FROM patient WHERE phiguard.year(born) = 1950', '| patient.born'),
-- One after the other.
('SELECT phiguard.mask(phiguard.year(born)::text) FROM patient', 'patient.born=mask'),
('SELECT phiguard.zip3(phiguard.token(zip, ''d'')) FROM patient', 'patient.zip=token'),
('SELECT phiguard.token(phiguard.zip3(zip), ''d'') FROM patient', 'patient.zip=token'),
('SELECT phiguard.zip3(zip), zip FROM patient', 'patient.zip patient.zip=zip3');
SELECT * FROM mismatch;

-- The labels of what is made: the category that is left, and of a generalisation the sensitivity.
SECURITY LABEL FOR phiguard ON COLUMN visit.day IS 'date kind=event conf=R sens=HIV';
CREATE VIEW left_of AS
SELECT relation, column_name, category, kind, conf, sens, label_source FROM phiguard.data_dictionary
 WHERE schema = 'public' AND relation IN ('made', 'computed', 'retyped') AND category IS NOT NULL;
CREATE TABLE made AS
SELECT phiguard.year(born) AS y, phiguard.zip3(zip) AS z, phiguard.zip3(left(ssn, 5)) AS z_of_ssn, phiguard.zip3(right(zip, 3) || '00') AS laundered,
       phiguard.mask(name) AS m, phiguard.mask(ssn, 4) AS last4, phiguard.year(born)::text || name AS mixed, phiguard.year(day) AS seen,
       phiguard.token(note, 'd') AS t
  FROM patient p JOIN visit v ON v.patient_id = p.id;
CREATE TABLE computed (born date, zip text, ssn text, age int,
    y int GENERATED ALWAYS AS (phiguard.year(born)) STORED, z text GENERATED ALWAYS AS (phiguard.zip3(zip::varchar)) STORED,
    laundered text GENERATED ALWAYS AS (phiguard.zip3(right(zip, 3) || '00')) STORED, z_of_ssn text GENERATED ALWAYS AS (phiguard.zip3(ssn)) STORED,
    m text GENERATED ALWAYS AS (phiguard.mask(ssn || zip)) STORED, a int GENERATED ALWAYS AS (phiguard.age_90(age)) STORED,
    two text GENERATED ALWAYS AS (phiguard.zip3(zip) || phiguard.year(born)) STORED);
SELECT phiguard.label('computed', 'born', 'date kind=birth'), phiguard.label('computed', 'zip', 'geo kind=zip'),
       phiguard.label('computed', 'ssn', 'ssn'), phiguard.label('computed', 'age', 'age');
CREATE TABLE retyped (born date, zip text, y date, z text, laundered text);
SELECT phiguard.label('retyped', 'born', 'date'), phiguard.label('retyped', 'zip', 'geo kind=zip');
ALTER TABLE retyped ALTER y TYPE int USING phiguard.year(born), ALTER z TYPE varchar USING phiguard.zip3(zip),
    ALTER laundered TYPE varchar USING phiguard.zip3(right(zip, 3) || '00');
SELECT * FROM left_of WHERE label_source <> 'column' OR relation <> 'computed' ORDER BY relation COLLATE "C", column_name COLLATE "C";

-- In the access log.
SELECT phiguard.year(born), phiguard.zip3(zip), phiguard.mask(name), phiguard.mask(ssn, 4) FROM patient;
SELECT returned, shown, categories FROM phiguard.access_log
 WHERE pid = pg_backend_pid() AND command = 'SELECT' AND 'public.patient.zip=zip3' = ANY (shown) ORDER BY position DESC LIMIT 1;

-- Functions of users count when an officer says so, and only while they are what he saw.
CREATE FUNCTION decade(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT extract(decade FROM d)::int';
CREATE FUNCTION crosswalk(who text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ''r'' || length(who); END';
CREATE FUNCTION area(t text) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT left(t, 1); END;
SELECT flow_of('SELECT decade(born), crosswalk(name), area(zip) FROM patient') AS unregistered;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', categories => '{date}', methods => '{safe_harbor,limited_data_set}', source => 'ours');
SELECT phiguard.register_transform('crosswalk(text)', 'random', 'token', methods => '{safe_harbor,limited_data_set,expert_determination}');
SELECT phiguard.register_transform('area(text)', 'generalisation', 'none', '{geo}', '{zip,street}', source => 'first digit');
SELECT name, function, form, categories, kinds, result, reversible, methods, builtin, source, valid FROM phiguard.transforms WHERE NOT builtin ORDER BY function COLLATE "C";
SELECT flow_of('SELECT decade(born), crosswalk(name), area(zip) FROM patient') AS registered,
       flow_of('SELECT area(ssn), decade(born + 1) FROM patient') AS not_taken;
-- Whatever the search path, and by other ways to write the call.
SET search_path = phiguard, pg_catalog, public;
SELECT public.flow_of('SELECT decade(born) FROM patient') AS other_path, valid FROM phiguard.transforms WHERE name = 'decade';
RESET search_path;
SELECT flow_of('SELECT decade(d => born) FROM patient') AS named;
-- A generated column follows, when registered and when not.
CREATE TABLE followed (born date, d int GENERATED ALWAYS AS (decade(born)) STORED);
SELECT phiguard.label('followed', 'born', 'date');
PREPARE show AS SELECT category FROM phiguard.data_dictionary WHERE relation = 'followed' AND column_name = 'd';
EXECUTE show;
SELECT phiguard.unregister_transform('decade(date)');
EXECUTE show;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date}');
EXECUTE show;
-- Replaced, it is a function like any other; the same again, and it counts.
CREATE OR REPLACE FUNCTION decade(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT d - date ''2000-01-01''';
SELECT flow_of('SELECT decade(born) FROM patient') AS replaced, valid FROM phiguard.transforms WHERE name = 'decade';
EXECUTE show;
CREATE OR REPLACE FUNCTION decade(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT extract(decade FROM d)::int';
SELECT flow_of('SELECT decade(born) FROM patient') AS as_before, valid FROM phiguard.transforms WHERE name = 'decade';
EXECUTE show;
ALTER FUNCTION decade SET search_path = public;
SELECT flow_of('SELECT decade(born) FROM patient') AS other_settings;
ALTER FUNCTION decade RESET search_path;
ALTER FUNCTION decade SECURITY DEFINER;
SELECT flow_of('SELECT decade(born) FROM patient') AS as_definer;
ALTER FUNCTION decade SECURITY INVOKER;
ALTER FUNCTION decade RENAME TO tenth;
SELECT flow_of('SELECT tenth(born) FROM patient') AS renamed;
ALTER FUNCTION tenth RENAME TO decade;
SELECT flow_of('SELECT decade(born) FROM patient') AS back;
CREATE OR REPLACE FUNCTION area(t text) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT left(t, 5); END;
SELECT flow_of('SELECT area(zip) FROM patient') AS atomic_replaced, valid FROM phiguard.transforms WHERE name = 'area';
CREATE OR REPLACE FUNCTION area(t text) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT left(t, 1); END;
SELECT flow_of('SELECT area(zip) FROM patient') AS atomic_again;
DROP FUNCTION crosswalk(text);
SELECT name, valid FROM phiguard.transforms WHERE name = 'crosswalk';
CREATE FUNCTION crosswalk(who text) RETURNS text LANGUAGE sql AS 'SELECT who';
SELECT flow_of('SELECT crosswalk(name) FROM patient') AS made_anew;
-- An overload is another function; so is one of the same name in another schema, and one of ours that is not ours.
CREATE FUNCTION decade(d timestamp) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE SCHEMA other;
CREATE FUNCTION other.decade(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT extract(decade FROM d)::int';
CREATE FUNCTION other.token(a text, b text) RETURNS text LANGUAGE sql AS 'SELECT a';
SELECT flow_of('SELECT decade(born::timestamp) FROM patient') AS overload, flow_of('SELECT other.decade(born) FROM patient') AS other_schema,
       flow_of('SELECT other.token(ssn, ''d'') FROM patient') AS not_ours;
ALTER EXTENSION phiguard DROP FUNCTION phiguard.zip3(integer);
\connect -
SELECT valid FROM phiguard.transforms WHERE function = 'phiguard.zip3(integer)';
ALTER EXTENSION phiguard ADD FUNCTION phiguard.zip3(integer);
SET client_min_messages = error;
-- The registry written by hand is read anew too.
DELETE FROM phiguard.transform_registry WHERE name = 'decade';
SELECT flow_of('SELECT decade(born) FROM patient') AS deleted;
-- Words that this version does not know make no transform.
UPDATE phiguard.transform_registry SET form = 'bucket' WHERE name = 'area';
SELECT valid FROM phiguard.transforms WHERE name = 'area';
UPDATE phiguard.transform_registry SET form = 'generalisation', result = 'less' WHERE name = 'area';
SELECT valid FROM phiguard.transforms WHERE name = 'area';
UPDATE phiguard.transform_registry SET result = 'none', categories = '{geo,place}' WHERE name = 'area';
SELECT valid FROM phiguard.transforms WHERE name = 'area';
UPDATE phiguard.transform_registry SET categories = '{geo}', kinds = '{}' WHERE name = 'area';
SELECT valid FROM phiguard.transforms WHERE name = 'area';
UPDATE phiguard.transform_registry SET kinds = '{zip,street}' WHERE name = 'area';
SELECT valid FROM phiguard.transforms WHERE name = 'area';
-- Neither does a registry with other columns.
BEGIN;
ALTER TABLE phiguard.transform_registry ADD more int;
SELECT count(*) FILTER (WHERE valid) FROM phiguard.transforms;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date}');
ROLLBACK;
SELECT count(*) FILTER (WHERE valid) FROM phiguard.transforms;
-- A transaction that is undone leaves none.
BEGIN;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date}');
SELECT flow_of('SELECT decade(born) FROM patient') AS inside;
ROLLBACK;
SELECT flow_of('SELECT decade(born) FROM patient') AS undone;

-- Each change is on record.
SELECT kind, command, query FROM phiguard.access_log
 WHERE database = current_database() AND kind = 'policy' AND command LIKE '%TRANSFORM' ORDER BY position;

-- What is refused: with the words that are valid, never with what was written.
SELECT phiguard.register_transform('decade(date)', '219-09-1234', 'quasi');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'unlabelled');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date,dates}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date}', '{birth,zip}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{ssn,date}', '{zip}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{fax}', '{home}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', methods => '{safe_harbour}');
SELECT phiguard.register_transform('decade(date)', 'keyed', 'token', methods => '{limited_data_set,safe_harbor}');
SELECT phiguard.register_transform('decade(date)', 'sealed', 'token', reversible => true, methods => '{safe_harbor}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{}');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date,NULL}');
SELECT phiguard.register_transform('decade(date)', NULL, 'quasi');
SELECT phiguard.register_transform(NULL, 'mask', 'none');
SELECT phiguard.register_transform('pg_catalog.upper(text)', 'mask', 'none');
SELECT phiguard.register_transform('phiguard.token(text,text)', 'random', 'none');
SELECT phiguard.register_transform('pg_catalog.max(text)', 'mask', 'none');
CREATE FUNCTION pg_temp.mine(text) RETURNS text LANGUAGE sql AS 'SELECT 1::text';
SELECT phiguard.register_transform('pg_temp.mine(text)', 'mask', 'none');
CREATE FUNCTION many(text) RETURNS SETOF text LANGUAGE sql AS 'SELECT 1::text';
SELECT phiguard.register_transform('many(text)', 'mask', 'none');
SELECT phiguard.unregister_transform('phiguard.token(text,text)');
SELECT phiguard.unregister_transform('many(text)');
-- Nobody but the officer; everybody may look.
CREATE ROLE regress_phig_transforms;
SET ROLE regress_phig_transforms;
SELECT phiguard.register_transform('public.decade(date)', 'generalisation', 'quasi');
SELECT phiguard.unregister_transform('public.area(text)');
SELECT name, valid FROM phiguard.transforms WHERE NOT builtin ORDER BY name;
SELECT * FROM phiguard.transform_registry;
RESET ROLE;
-- Also where a function lies in a schema that one may not use.
CREATE SCHEMA closed;
CREATE FUNCTION closed."of a day"(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
SELECT phiguard.register_transform('closed."of a day"(date)', 'generalisation', 'quasi', '{date}');
SET ROLE regress_phig_transforms;
SELECT function, valid FROM phiguard.transforms WHERE NOT builtin ORDER BY name;
RESET ROLE;
SELECT phiguard.unregister_transform('closed."of a day"(date)');
DROP SCHEMA closed CASCADE;
DROP ROLE regress_phig_transforms;

-- In a parallel worker as in the leader.
CREATE FUNCTION latest() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN (SELECT max(phiguard.year(born)) FROM patient); END';
INSERT INTO patient (id, born) VALUES (1, '1950-01-02');
INSERT INTO plain SELECT n FROM generate_series(1, 5000) n;
ANALYZE plain;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM plain WHERE a > 4998 AND latest() = 1950;
SELECT count(*) FROM plain WHERE a > 4998 AND latest() = 1950;
SELECT shown FROM phiguard.access_log WHERE database = current_database() AND 'function' = ANY (flags) AND query LIKE '%max%' ORDER BY position DESC LIMIT 1;

-- Without the extension there is none.
DROP VIEW left_of;
DROP TABLE computed, retyped;
SELECT flow_of('SELECT area(zip) FROM patient') AS with_extension;
DROP EXTENSION phiguard;
SELECT flow_of('SELECT area(zip) FROM patient') AS without;
CREATE EXTENSION phiguard;
SELECT flow_of('SELECT area(zip), phiguard.year(born) FROM patient') AS again;
