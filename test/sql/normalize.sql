-- The record shows what a statement did, and no word of its author's.
-- Everything private here is spelt secret, jane or doe, in some case.
CREATE EXTENSION phiguard;
SELECT coalesce(max("position"), 0) AS begun FROM phiguard.access_log \gset
CREATE SCHEMA clinic;
SET search_path = clinic, public;
CREATE TYPE address AS (street text, zip text);
CREATE TABLE patient (id int PRIMARY KEY, name text, ssn phiguard.ssn, birth date, home address, value numeric, "Odd Name" text);
CREATE TABLE visit (id int PRIMARY KEY, patient_id int REFERENCES patient, year int, note text);
CREATE VIEW roster AS SELECT id, name AS full_name, ssn FROM patient WHERE name <> 'SECRET in a view';
CREATE FUNCTION found(who text) RETURNS TABLE (found_name text) LANGUAGE sql AS $$ SELECT name FROM clinic.patient jane WHERE jane.name = who AND ssn <> '999-99-0000' $$;
CREATE FUNCTION lookup(p_id int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	jane text;
	doe int := 1;
BEGIN
	SELECT ssn INTO jane FROM clinic.patient WHERE id = p_id + doe - 1 /* SECRET */ AND name <> 'SECRET';
	jane := (SELECT max(name) FROM clinic.patient WHERE name <> 'SECRET');
	EXECUTE format('SELECT name FROM clinic.patient WHERE ssn = %L', 'SECRET') INTO jane;
	FOR jane IN SELECT name AS "Jane Doe" FROM clinic.patient LOOP
		NULL;
	END LOOP;
	RETURN jane;
END $$;
CREATE FUNCTION atomic(p_id int) RETURNS text BEGIN ATOMIC
	SELECT jane.full_name FROM clinic.roster jane JOIN clinic.roster doe ON jane.id = doe.id AND doe.ssn <> 'SECRET' WHERE jane.id = p_id;
END;
CREATE PROCEDURE enter(p_name text) LANGUAGE sql AS $$ INSERT INTO clinic.patient (id, name) VALUES (100, p_name), (101, 'SECRET') $$;
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM clinic.patient WHERE name = 'SECRET' || NEW.id; RETURN NEW; END $$;
CREATE TRIGGER logged AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION logged();
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'birth', 'date'), phiguard.label('visit', 'note', 'note');

-- New rows.
INSERT INTO patient (id, name, ssn) VALUES (1, 'Jane SECRET', '111-22-3333'), (2, E'Doe\'s \x53ECRET', '222-33-4444'), (3, $x$ SECRET '' $x$, DEFAULT);
INSERT INTO patient (id, name, ssn) VALUES (4, 'Jane SECRET', '111-22-3333');
INSERT INTO patient (id, name, home.zip) VALUES (5, U&'d!0061t!0061' UESCAPE '!', '02139') ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE patient.value - 1 > -2 RETURNING *;
INSERT INTO visit VALUES (1, 1, 2020, 'SECRET'), (2, 2, 2021, N'SECRET
	over two lines'), (3, 3, 2022, 'SECRET'
	'continued') RETURNING id AS jane;
-- Reading.
SELECT p.name, p.ssn AS "Jane Doe" /* SECRET /* nested SECRET */ */ FROM patient p WHERE ssn = '111-22-3333' AND birth > DATE '1999-01-02' AND id IN (1, 2, -3); -- SECRET
select	P.NAME,p.ssn as doe from clinic.patient as p where ssn='222-33-4444' and birth>date'2001-02-03' and id in(7);
SELECT "name" FROM patient "SECRET ""quoted""" WHERE "SECRET ""quoted""".id = 1.5e3 AND U&"n\0061me" <> '' AND "Odd Name" IS NULL;
SELECT jane.name, doe.* FROM patient jane LEFT JOIN visit AS doe (id, who, secret) ON doe.who = jane.id WHERE jane.name ~* 'SECRET' AND (jane.id, doe.id) IN ((1, 2), (3, 4)) ORDER BY secret DESC NULLS LAST LIMIT 10;
WITH jane AS (SELECT * FROM patient WHERE name = 'SECRET'), doe(a, b) AS MATERIALIZED (SELECT id, name FROM jane) SELECT a, b FROM doe;
WITH RECURSIVE jane(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM jane WHERE n < 3) SELECT name FROM patient, jane WHERE id = n;
SELECT (home).zip, home, max(name), count(*) FILTER (WHERE id > 3) AS secret, sum(id) OVER doe FROM patient GROUP BY home, id WINDOW doe AS (PARTITION BY id ORDER BY 1 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
SELECT extract(year FROM birth), extract(epoch FROM birth), birth::timestamptz, name::varchar(20), CAST(id AS int8), ARRAY[1, 2, 3], '{1}'::int4[], (ARRAY[7, 8])[1:2], id - 1, CURRENT_DATE - CURRENT_DATE, value+1 FROM patient;
SELECT CASE name WHEN 'SECRET' THEN -1 WHEN 'doe' THEN +2 ELSE 0 END AS source, B'101', X'1FF', TRUE, NULL FROM patient source ORDER BY source.id;
SELECT name COLLATE "C", overlay(name PLACING 'SECRET' FROM 2 FOR 3), make_interval(days => id) FROM patient WHERE id BETWEEN -5 AND 10 AND name LIKE 'S%' ESCAPE '!' AND ssn SIMILAR TO 'SECRET%';
SELECT full_name FROM roster WHERE full_name <> 'SECRET' UNION SELECT found_name FROM found('SECRET') UNION ALL VALUES ('jane'), ('doe');
SELECT jane FROM found('SECRET') AS doe (jane);
SELECT p FROM patient p WHERE EXISTS (SELECT FROM visit jane WHERE jane.patient_id = p.id AND note = ANY (ARRAY['SECRET', 'x']::text[]));
SELECT DISTINCT ON (name) * FROM ONLY patient TABLESAMPLE bernoulli (50) REPEATABLE (3);
SELECT name FROM patient jane FOR NO KEY UPDATE OF jane SKIP LOCKED;
SELECT x.* FROM patient, LATERAL (SELECT name AS jane, year FROM visit WHERE patient_id = patient.id) x, generate_series(1, 3) WITH ORDINALITY AS doe (a, b);
SELECT * FROM xmltable('/SECRET' PASSING (SELECT ('<a>' || name || '</a>')::xml FROM patient LIMIT 1) COLUMNS jane text PATH 'SECRET');
TABLE patient;
-- Changing.
UPDATE patient AS doe SET name = 'SECRET', value = value -1, ssn = NULL WHERE id = -1 RETURNING name jane;
UPDATE patient SET (name, birth) = (SELECT 'SECRET', date '2020-01-01') FROM visit jane WHERE jane.id = patient.id AND jane.note = 'SECRET';
MERGE INTO patient AS target USING (VALUES (1, 'SECRET'), (2, 'x')) AS source (jane, doe) ON target.id = source.jane WHEN MATCHED AND name = 'SECRET' THEN UPDATE SET name = source.doe WHEN NOT MATCHED THEN INSERT (id, name) VALUES (jane, doe);
DELETE FROM patient USING visit jane WHERE patient.id = jane.id AND name = 'SECRET' AND jane.id < 0;
-- Functions, procedures, DO.
SELECT lookup(1) AS jane;
SELECT atomic(1);
CALL enter('SECRET');
DO LANGUAGE plpgsql $secret$ DECLARE jane record; BEGIN SELECT * INTO jane FROM clinic.patient WHERE name = 'SECRET'; END $secret$;
-- Prepared statements, cursors, savepoints.
PREPARE jane_doe (int, text) AS SELECT name FROM patient WHERE id = $1 AND name <> $2 AND ssn <> 'SECRET';
EXECUTE jane_doe (1, 'SECRET');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE jane_doe (1, 'SECRET') \g /dev/null
CREATE TEMP TABLE copied AS EXECUTE jane_doe (1, 'SECRET');
DEALLOCATE jane_doe;
BEGIN;
SAVEPOINT "Jane";
DECLARE "Jane Doe" SCROLL CURSOR FOR SELECT id AS secret FROM patient WHERE name LIKE '%SECRET%' ORDER BY id;
FETCH 1 FROM "Jane Doe";
CLOSE "Jane Doe";
DECLARE doe CURSOR FOR SELECT * FROM patient WHERE id = 2 FOR UPDATE;
FETCH 1 FROM doe \g /dev/null
UPDATE patient SET name = 'SECRET' WHERE CURRENT OF doe;
ROLLBACK TO "Jane";
COMMIT;
-- COPY.
COPY patient (id, name) FROM stdin WITH (FORMAT csv, DELIMITER ';', NULL 'SECRET');
50;SECRET
\.
COPY patient (name) TO '/dev/null' WITH (FORMAT csv, QUOTE 'S');
COPY (SELECT name AS jane FROM patient WHERE ssn = 'SECRET') TO '/dev/null';
-- Tables made from others, DDL.
CREATE TABLE names AS SELECT name AS who FROM patient WHERE name = 'SECRET';
CREATE MATERIALIZED VIEW more_names AS SELECT name AS who FROM patient WHERE name = 'SECRET';
ALTER TABLE patient ADD COLUMN nickname text DEFAULT 'SECRET';
ALTER TABLE patient ADD CONSTRAINT secret CHECK (name <> 'SECRET') NOT VALID;
ALTER TABLE patient DROP COLUMN nickname;
COMMENT ON COLUMN patient.name IS 'SECRET';
CREATE INDEX by_name ON patient (lower(name)) WHERE name <> 'SECRET';
-- What fails is on record, too.
SELECT name::int AS jane FROM patient WHERE name = 'Jane SECRET';
INSERT INTO patient (id, name) VALUES (1, 'SECRET');
CREATE ROLE regress_phig_reader;
GRANT USAGE ON SCHEMA clinic TO regress_phig_reader;
SET ROLE regress_phig_reader;
SELECT name AS jane FROM patient WHERE ssn = 'SECRET';
COPY patient (name) TO stdout WITH (NULL 'SECRET');
RESET ROLE;
-- Two statements sent as one, each with its own text.
SELECT name AS jane FROM patient WHERE id = 1\; SELECT 'SECRET' AS doe, ssn FROM patient WHERE id = 2;

SELECT command, query FROM phiguard.access_log WHERE "position" > :begun AND kind IN ('read', 'write', 'disclosure', 'denied', 'ddl') ORDER BY "position";

-- No private word anywhere in the rows; the table's name shows that the search finds what is there.
SELECT count(*) FILTER (WHERE row ~* 'secret|jane|doe') AS leaks, count(*) FILTER (WHERE row ~ 'patient') > 50 AS control
FROM (SELECT concat_ws(' ', kind, command, query, returned, referenced, stored, shown, outcome, flags) FROM phiguard.access_log WHERE "position" > :begun) AS log (row);

-- Statements that differ only in what was taken out have one fingerprint, others have their own.
CREATE TABLE same (what text, statements text[]);
INSERT INTO same VALUES
	('literals', ARRAY['SELECT name FROM patient WHERE id = 1', 'select  name /* x */ from PATIENT where id=- 2 -- y', 'SELECT "name" FROM patient WHERE id = 1e5;']),
	('aliases', ARRAY['SELECT p.name AS a FROM patient AS p', 'SELECT source.name AS b FROM patient AS source', 'SELECT "P Q".name AS c FROM patient AS "P Q"']),
	('IN lists', ARRAY['SELECT name FROM patient WHERE id IN (1)', 'SELECT name FROM patient WHERE id IN (1, 2)', 'SELECT name FROM patient WHERE id IN (1, -2, 3.5)']),
	('IN lists of casts', ARRAY['SELECT name FROM patient WHERE name IN (''a''::text, ''b''::text)', 'SELECT name FROM patient WHERE name IN (''a''::text, ''b''::text, ''c''::text)']),
	('rows', ARRAY['UPDATE patient SET name = name WHERE (id, name) IN ((1, ''a''), (2, ''b''))', 'UPDATE patient SET name = name WHERE (id, name) IN ((1, ''a''), (2, ''b''), (3, ''c''))']),
	('more rows', ARRAY['INSERT INTO patient (id, name) VALUES (201, ''a''), (202, ''b'') RETURNING id', 'INSERT INTO patient (id, name) VALUES (203, ''a''), (204, ''b''), (205, ''c'') RETURNING id']);
CREATE TABLE other (what text, statements text[]);
INSERT INTO other VALUES
	('operators', ARRAY['SELECT name FROM patient WHERE id > 1', 'SELECT name FROM patient WHERE id < 1']),
	('columns', ARRAY['SELECT name FROM patient WHERE id = 1', 'SELECT birth FROM patient WHERE id = 1']),
	('keywords', ARRAY['SELECT name FROM patient', 'SELECT name FROM ONLY patient', 'SELECT ALL name FROM patient']),
	('signs', ARRAY['SELECT name FROM patient WHERE value - 1 > 0', 'SELECT name FROM patient WHERE value + 1 > 0']),
	('expressions', ARRAY['SELECT name FROM patient WHERE id IN (1, 2)', 'SELECT name FROM patient WHERE id IN (1, id)', 'SELECT name FROM patient WHERE id IN (1, 1 + 1)']);
\set statement 'format(''SET application_name = %L'', what), statement FROM (SELECT what, unnest(statements) AS statement'
\o /dev/null
SELECT :statement FROM same) s \gexec
SELECT :statement FROM other) s \gexec
RESET application_name;
\o
SELECT what, cardinality(statements) AS statements, count(*) AS recorded, count(DISTINCT fingerprint) AS fingerprints
FROM (TABLE same UNION ALL TABLE other) s LEFT JOIN phiguard.access_log ON application = what AND "position" > :begun AND kind IN ('read', 'write')
GROUP BY what, statements ORDER BY what;
-- It is the same on every version and machine.
SELECT DISTINCT fingerprint, query FROM phiguard.access_log WHERE "position" > :begun AND query = 'SELECT name FROM patient WHERE id = ?';

DROP OWNED BY regress_phig_reader;
DROP ROLE regress_phig_reader;
