-- Tables made from queries get, per column, the label that the result still has.
\set VERBOSITY terse
-- No word of the trial key, which an earlier test may have made.
SET client_min_messages = error;
CREATE EXTENSION phiguard;
SELECT FROM phiguard.create_key('d');
CREATE TABLE patient (id int PRIMARY KEY, name text, ssn text, zip text, seen date, note text);
INSERT INTO patient VALUES (1, 'Ada', '999-12-3456', '12345', '2026-01-02', 'x');
CREATE MATERIALIZED VIEW early AS SELECT id, upper(name) AS shout FROM patient;
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'ssn', 'ssn conf=R'),
       phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'seen', 'date kind=event sens=HIV');
CREATE VIEW derived AS
SELECT relation, column_name, category, kind, conf, sens FROM phiguard.data_dictionary
 WHERE schema = current_schema() AND relation <> 'patient' AND category IS NOT NULL;

-- CREATE TABLE AS, SELECT INTO, a materialized view, EXECUTE, without data.
CREATE TABLE made AS SELECT id, name || zip AS mixed, count(*) AS n, max(seen) AS last, left(ssn, 3) AS area FROM patient GROUP BY 1, 2, 5;
SELECT name AS n, 1 AS one INTO into_one FROM patient;
CREATE MATERIALIZED VIEW mv AS SELECT (SELECT ssn FROM patient LIMIT 1) AS deep, now() AS t;
PREPARE q AS SELECT zip FROM patient;
CREATE TABLE executed AS EXECUTE q;
CREATE TABLE empty AS SELECT ssn FROM patient WITH NO DATA;
-- A token stays a token; EXPLAIN ANALYZE makes the table too.
CREATE TABLE tokens AS SELECT phiguard.token(ssn, 'd') AS t, phiguard.token(ssn, 'd') || name AS both_of FROM patient;
\o /dev/null
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) CREATE TABLE explained AS SELECT name FROM patient;
\o
SELECT * FROM derived ORDER BY relation COLLATE "C", column_name COLLATE "C";

-- A materialized view that is older than the labels gets them when it is filled anew.
REFRESH MATERIALIZED VIEW early;
SELECT * FROM derived WHERE relation = 'early';

-- An existing table is not touched by IF NOT EXISTS.
CREATE TABLE there (a text);
CREATE TABLE IF NOT EXISTS there AS SELECT ssn AS a FROM patient;
SELECT count(*) FROM derived WHERE relation = 'there';

-- What these statements did is on record as stored, not as returned.
SELECT command, returned, stored FROM phiguard.access_log
 WHERE pid = pg_backend_pid() AND command IN ('CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW')
 ORDER BY position;

-- EXECUTE runs what a prepared statement has come to mean since it was prepared.
CREATE VIEW code AS SELECT 'none'::text AS c;
PREPARE later AS SELECT c FROM code;
CREATE OR REPLACE VIEW code AS SELECT ssn AS c FROM patient;
CREATE TABLE since AS EXECUTE later;
SELECT * FROM derived WHERE relation = 'since';

DEALLOCATE later;
DEALLOCATE q;
DROP VIEW derived, code;
DROP MATERIALIZED VIEW early, mv;
DROP TABLE made, into_one, executed, empty, tokens, explained, there, since, patient;
DROP EXTENSION phiguard;
