-- The record as a table: one row an execution, start and end joined, newest last.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_clerk;
CREATE TABLE patient (id int PRIMARY KEY, ssn text, name text);
INSERT INTO patient SELECT i, 'ssn-' || i, 'name-' || i FROM generate_series(1, 10) i;
SELECT phiguard.label('patient', 'ssn', 'ssn');
SELECT phiguard.label('patient', 'name', 'name');
GRANT SELECT, UPDATE ON patient TO regress_phig_clerk;

-- Columns and their types, as documented.
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
FROM pg_attribute WHERE attrelid = 'phiguard.access_log'::regclass;

-- What this test does from here on; the server and its journal are shared.
CREATE VIEW mine AS
SELECT * FROM phiguard.access_log
WHERE database = current_database() AND kind NOT IN ('policy', 'ddl', 'setting', 'server');
SELECT count(*) FROM mine \gset before_

SET application_name = 'regress';
SET phiguard.app_user = 'dr.who';
SET phiguard.purpose = 'care';
SET phiguard.justification = 'line 1\line 2';
SELECT ssn FROM patient WHERE name = 'name-3';
RESET phiguard.justification;
SET ROLE regress_phig_clerk;
SELECT count(name) FROM patient WHERE ssn LIKE 'ssn-%';
UPDATE patient SET name = 'name-0' WHERE id = 1;
RESET ROLE;

-- Rolled back and failed: what happened stays on record.
BEGIN;
SELECT name FROM patient WHERE id = 2;
ROLLBACK;
SELECT ssn::int FROM patient WHERE id = 3;
BEGIN;
SET LOCAL statement_timeout = '100ms';
SELECT name, pg_sleep(10) FROM patient WHERE id = 4;
ROLLBACK;

-- A cursor that has not ended is open; the reader sees it so.
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM patient ORDER BY id;
FETCH 2 FROM c;
SELECT kind, returned, referenced, rows, outcome, sqlstate, ended, executions, session_id IS NOT NULL AS has_session
FROM mine WHERE pid = pg_backend_pid() AND ended IS NULL;
COMMIT;

-- An execution that ends in 42501 is of kind denied, whatever it would have been.
CREATE FUNCTION refuse() RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'insufficient_privilege'; END $$;
SELECT refuse() FROM patient WHERE ssn = 'ssn-5';

-- The record is for auditors; that somebody tried is on record too.
SET ROLE regress_phig_clerk;
SELECT count(*) FROM phiguard.access_log;
SELECT count(*) FROM phiguard.read_log();
SELECT count(*) FROM phiguard.verify_journal();
RESET ROLE;
SELECT count(*) FROM phiguard.verify_journal();

SELECT kind, command, active_role, app_user, purpose, justification, returned, referenced, stored, shown, categories
FROM mine OFFSET :before_count;
SELECT kind, rows, outcome, sqlstate, executions, flags, query FROM mine OFFSET :before_count;

-- What holds of every row.
SELECT DISTINCT login_role = session_user AS login, application, client, pid = pg_backend_pid() AS pid,
	session_id ~ '^[0-9a-f]+\.[0-9a-f]+$' AS session, node ~ '^[0-9a-f]{8}$' AS node, started <= ended AS ends_later,
	extract, agreement, recipient, subjects
FROM (SELECT * FROM mine OFFSET :before_count) m;

-- Positions increase down the log, and each reading has its own.
SELECT bool_and(position > previous) AS increasing
FROM (SELECT position, lag(position, 1, 0::bigint) OVER () AS previous FROM phiguard.access_log) l;
SELECT count(*) FROM mine WHERE kind = 'log_read' AND query = 'access_log' \gset a_
SELECT count(*) - :a_count AS one_more FROM mine WHERE kind = 'log_read' AND query = 'access_log';

-- A reading that is only explained is none.
EXPLAIN (COSTS OFF) SELECT started FROM phiguard.access_log;
SELECT count(*) - :a_count AS two_more FROM mine WHERE kind = 'log_read' AND query = 'access_log';

DROP EXTENSION phiguard CASCADE;
DROP TABLE patient;
DROP ROLE regress_phig_clerk;
