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
SELECT count(*) FROM phiguard.journal WHERE directory IS NULL;
SELECT count(*) FROM phiguard.read_journal('/');
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

-- Conditions that the reader uses are filters as well: the same rows come out with them as without.
CREATE TEMP TABLE copied AS SELECT "position", started, kind FROM phiguard.access_log;
CREATE TEMP TABLE middle AS
SELECT "position" AS p, started AS s FROM copied ORDER BY "position" OFFSET (SELECT count(*) / 2 FROM copied) LIMIT 1;
DO $$
DECLARE
	condition text;
	read bigint;
	plain bigint;
BEGIN
	FOREACH condition IN ARRAY ARRAY[
		'"position" > 5::int4', '5::int8 < "position"', '"position" = (SELECT p FROM middle)', '"position" < 7::int2',
		'"position" BETWEEN 3 AND (SELECT p FROM middle)', '"position" > NULL::int8', '"position" > 5 AND "position" < 5',
		'started >= (SELECT s FROM middle)', 'started < (SELECT s FROM middle)', 'started > now() - interval ''1 hour''',
		'started <= (SELECT s FROM middle) OR "position" > 5', 'started > current_date - 1', 'started < localtimestamp + interval ''1 day''',
		'started < ''infinity''', 'started > ''infinity''::date', 'NOT started < (SELECT s FROM middle)', '"position" <> 4',
		'started = (SELECT s FROM middle)', 'started > now() - random() * interval ''1 us'' - interval ''1 hour''']
	LOOP
		EXECUTE 'SELECT count(*) FROM phiguard.access_log WHERE "position" <= (SELECT max("position") FROM copied) AND (' || condition || ')' INTO read;
		EXECUTE 'SELECT count(*) FROM copied WHERE ' || condition INTO plain;
		IF read IS DISTINCT FROM plain THEN
			RAISE NOTICE '%: % rows, not %', condition, read, plain;
		END IF;
	END LOOP;
END $$;

-- Parameters, of a generic plan too, and an inner side of a join that starts over; each scan is one reading.
SET plan_cache_mode = force_generic_plan;
PREPARE at(bigint) AS SELECT count(*) FROM phiguard.access_log WHERE "position" = $1;
EXPLAIN (COSTS OFF) EXECUTE at(1);
SELECT p FROM middle \gset
EXECUTE at(:p);
EXECUTE at(-1);
EXECUTE at(NULL);
RESET plan_cache_mode;

-- What was read is told in other formats too.
CREATE FUNCTION explained(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
	RETURN format('%s of %s', plan->0->'Plan'->>'Journal Segments Read', plan->0->'Plan'->>'Journal Segments');
END $$;
SELECT explained('SELECT FROM phiguard.access_log') ~ '^([0-9]+) of \1$' AS all, explained('SELECT FROM phiguard.access_log WHERE "position" < 0') ~ '^[0-9]+ of [0-9]+$' AS none;

SELECT count(*) FROM mine WHERE kind = 'log_read' AND query = 'access_log' \gset a_
SELECT count(*) = 3 AS found FROM (SELECT "position" FROM copied ORDER BY 1 LIMIT 3) c
CROSS JOIN LATERAL (SELECT FROM phiguard.access_log l WHERE l."position" = c."position" OFFSET 0) l;
SELECT count(*) - :a_count AS two_more FROM mine WHERE kind = 'log_read' AND query = 'access_log';

-- A cursor goes on where it was when a subtransaction that read from it is rolled back, and may be left early.
BEGIN;
DECLARE log CURSOR FOR
SELECT "position" - lag("position", 1, 0::bigint) OVER () > 0 AS further FROM phiguard.access_log;
FETCH 1 FROM log;
SAVEPOINT s;
FETCH 1 FROM log;
ROLLBACK TO s;
FETCH 1 FROM log;
SAVEPOINT s;
SELECT 1 / 0;
ROLLBACK TO s;
FETCH 1 FROM log;
COMMIT;
SELECT count(*) FROM (SELECT FROM phiguard.access_log LIMIT 1) l;

-- The table behind the view does not guess which journal is meant, and cannot be written.
SELECT count(*) FROM phiguard.journal;
SELECT count(*) FROM phiguard.journal WHERE directory IS NULL OR "position" = 1;
DELETE FROM phiguard.access_log;
SELECT count(*) FROM pg_database d RIGHT JOIN phiguard.journal j ON j.directory = d.datname;
SELECT count(*) FROM phiguard.journal j FULL JOIN pg_database d ON j.directory = d.datname;
INSERT INTO phiguard.journal DEFAULT VALUES;
CREATE FOREIGN TABLE other_columns (a int, directory text) SERVER phiguard_journal;
SELECT a FROM other_columns;
DROP FOREIGN TABLE other_columns;

-- Bad directories: what the path was is not in the error.
SELECT count(*) FROM phiguard.read_journal('relative/path');
SELECT count(*) FROM phiguard.read_journal(NULL);
SELECT count(*) FROM phiguard.read_journal('/nonexistent/123-45-6789');
SELECT count(*) FROM phiguard.read_journal('/');

DROP FUNCTION explained(text);
DROP EXTENSION phiguard CASCADE;
DROP TABLE patient;
DROP ROLE regress_phig_clerk;
