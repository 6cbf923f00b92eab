-- The registry of transforms: what a function leaves of a value, phiguard's own and those of users.
CREATE EXTENSION phiguard;
SELECT function, form, takes, result, reversible, methods FROM phiguard.transforms
 WHERE function !~ '\((bigint|uuid|bytea|timestamp|pg_catalog\.(uuid|bytea|int8))' ORDER BY function;
SELECT count(*) AS unsourced FROM phiguard.transforms WHERE source IS NULL OR NOT builtin;
SELECT count(*) AS keyed_in_safe_harbor FROM phiguard.transforms WHERE form IN ('keyed', 'sealed') AND 'safe_harbor' = ANY (methods);

CREATE TABLE patient (id integer, ssn text, birth date, seen date, zip text, age integer, name text);
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN patient.birth IS 'date kind=birth';
SECURITY LABEL FOR phiguard ON COLUMN patient.seen IS 'date kind=event sens=HIV';
SECURITY LABEL FOR phiguard ON COLUMN patient.zip IS 'geo kind=zip';
SECURITY LABEL FOR phiguard ON COLUMN patient.age IS 'age';
SECURITY LABEL FOR phiguard ON COLUMN patient.name IS 'name';

-- What is left in copies: less of what a transform takes, all of the rest.
CREATE TABLE copy AS
SELECT phiguard.year(birth) AS year, phiguard.year(seen) AS year_seen, phiguard.birth_year(birth, seen) AS birth_year, phiguard.age_90(age) AS age_90,
       phiguard.age_90(birth, seen) AS age_90_of_dates, phiguard.zip3(zip) AS zip3, phiguard.zip3(left(ssn, 5)) AS zip3_of_ssn,
       phiguard.mask(name) AS masked, phiguard.mask(ssn, 4) AS last_four, phiguard.token(ssn, 'd') AS token, phiguard.seal(name, 'c') AS sealed,
       phiguard.fpe(ssn, 'ssn') AS fpe, phiguard.shift_date(seen, id::bigint) AS shifted, phiguard.split(id::bigint, '{1}') AS split,
       phiguard.surrogate(ssn, 'd') AS surrogate, phiguard.year(birth) || zip AS mixed, phiguard.unseal(phiguard.seal(name, 'c'), 'c') AS clear
  FROM patient WHERE false;
SELECT column_name, label FROM phiguard.labels WHERE relation = 'copy' ORDER BY column_name;

-- And in the record.
SET client_min_messages = error;
SELECT phiguard.year(birth), phiguard.zip3(zip), name FROM patient;
RESET client_min_messages;
SELECT shown FROM phiguard.access_log WHERE database = current_database() AND kind = 'read' ORDER BY position DESC LIMIT 1;

-- A user's own.
CREATE FUNCTION decade(date) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT (extract(year FROM $1)::integer / 10) * 10';
CREATE TABLE before AS SELECT decade(birth) AS d, decade(birth)::text || name AS mixed FROM patient;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi kind=year', takes => '{date}',
    methods => '{safe_harbor,expert_determination}', source => 'our policy 7');
SELECT function, form, takes, result, reversible, methods, source, builtin FROM phiguard.transforms WHERE NOT builtin;
CREATE TABLE after AS SELECT decade(birth) AS d, decade(birth)::text || name AS mixed FROM patient;
SELECT relation, column_name, label FROM phiguard.labels WHERE relation IN ('before', 'after') ORDER BY relation DESC, column_name;

-- Once it is another function it counts no more, until it is registered anew; a function of its name elsewhere never did.
CREATE OR REPLACE FUNCTION decade(date) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT to_char($1, ''YYYYMMDD'')::integer';
CREATE TABLE replaced AS SELECT decade(birth) AS d FROM patient;
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi');
SELECT phiguard.unregister_transform('public.decade(pg_catalog.date)');
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi');
CREATE TABLE anew AS SELECT decade(birth) AS d FROM patient;
CREATE SCHEMA other;
CREATE FUNCTION other.decade(date) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE elsewhere AS SELECT other.decade(birth) AS d FROM patient;
ALTER FUNCTION decade(date) RENAME TO "De(cade";
CREATE TABLE renamed AS SELECT "De(cade"(birth) AS d FROM patient;
SELECT relation, column_name, label FROM phiguard.labels WHERE relation IN ('replaced', 'anew', 'elsewhere', 'renamed') ORDER BY relation;
SELECT phiguard.register_transform('"De(cade"(date)', 'mask', 'none');
CREATE TABLE quoted AS SELECT "De(cade"(birth) AS d FROM patient;
SELECT count(*) AS labels FROM phiguard.labels WHERE relation = 'quoted';

-- A type that it takes may go; nothing stands in the way of that.
CREATE TYPE kilo AS (v integer);
CREATE FUNCTION weigh(kilo) RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT phiguard.register_transform('weigh(kilo)', 'mask', 'none');
DROP TYPE kilo CASCADE;
CREATE TABLE still AS SELECT phiguard.year(birth) AS d FROM patient;
SELECT label FROM phiguard.labels WHERE relation = 'still';
SELECT function FROM phiguard.transforms WHERE NOT builtin ORDER BY function;
SELECT phiguard.unregister_transform('public.weigh(public.kilo)');

-- What is wrong is said.
CREATE ROLE regress_phig_clerk;
SET ROLE regress_phig_clerk;
SELECT phiguard.register_transform('pg_catalog.upper(text)', 'mask', 'none');
SELECT phiguard.unregister_transform('phiguard.year(pg_catalog.date)');
SELECT count(*) > 20 AS readable FROM phiguard.transforms;
RESET ROLE;
DROP ROLE regress_phig_clerk;
SELECT phiguard.register_transform('weigh(integer)', 'mask', 'none');
SELECT phiguard.register_transform('other.decade(date)', 'blur', 'none');
SELECT phiguard.register_transform('other.decade(date)', 'mask', 'nothing');
SELECT phiguard.register_transform('other.decade(date)', 'mask', 'subject=id');
SELECT phiguard.register_transform('other.decade(date)', 'mask', 'none', takes => '{date,everything}');
SELECT phiguard.register_transform('other.decade(date)', 'mask', 'none', methods => '{safe}');
SELECT phiguard.register_transform('other.decade(date)', 'keyed', 'token', methods => '{safe_harbor}');
SELECT phiguard.register_transform('other.decade(date)', NULL, 'token');
SELECT phiguard.register_transform('count(*)', 'mask', 'none');
SELECT phiguard.unregister_transform('phiguard.year(pg_catalog.date)');
SELECT phiguard.unregister_transform('nothing');
SELECT command, query FROM phiguard.access_log WHERE database = current_database() AND command LIKE '%TRANSFORM' ORDER BY position;
