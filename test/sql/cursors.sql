-- Cursors behave as without phiguard.
--
-- test/t/065_cursors_control.pl runs this file a second time on a server without phiguard, leaving
-- out what stands between "with phiguard" and "end", and compares the answers.
-- with phiguard
CREATE EXTENSION phiguard;
-- end
SET client_min_messages = warning;
SET enable_seqscan = off;

CREATE TABLE patient (id int PRIMARY KEY, ssn text, note text);
INSERT INTO patient SELECT i, '000-00-' || to_char(i, 'FM0000'), 'note ' || i FROM generate_series(1, 10) i;
CREATE INDEX patient_ssn ON patient (ssn);
CREATE TABLE visit (id int PRIMARY KEY, patient int, diag text);
INSERT INTO visit SELECT i, i % 10 + 1, 'diag ' || i FROM generate_series(1, 20) i;
CREATE TABLE result (id int, value text) PARTITION BY RANGE (id);
CREATE TABLE result_low PARTITION OF result FOR VALUES FROM (0) TO (5);
CREATE TABLE result_high PARTITION OF result FOR VALUES FROM (5) TO (100);
INSERT INTO result SELECT i, 'value ' || i FROM generate_series(1, 10) i;
CREATE TABLE person (id int, ssn text);
CREATE TABLE employee (badge text) INHERITS (person);
INSERT INTO employee SELECT i, '000-00-000' || i, 'b' || i FROM generate_series(1, 3) i;
VACUUM ANALYZE patient, visit, result, person, employee;
-- with phiguard
SELECT phiguard.label('patient', 'ssn', 'ssn');
SELECT phiguard.label('patient', 'note', 'note');
SELECT phiguard.label('visit', 'diag', 'clinical');
SELECT phiguard.label('result', 'value', 'clinical');
SELECT phiguard.label('person', 'ssn', 'ssn');
-- end

-- WHERE CURRENT OF: a simple scan, through LIMIT, an index-only scan, partitions, children.
BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE id >= 3;
FETCH 2 FROM c;
UPDATE patient SET note = 'current' WHERE CURRENT OF c RETURNING id, note;
FETCH 1 FROM c;
DELETE FROM patient WHERE CURRENT OF c RETURNING id;
FETCH 1 FROM c;
SELECT id, note FROM patient WHERE id BETWEEN 3 AND 6 ORDER BY id;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT ssn, note FROM patient WHERE id >= 3 LIMIT 2;
FETCH 1 FROM c;
UPDATE patient SET note = 'through limit' WHERE CURRENT OF c RETURNING id, note;
FETCH ALL FROM c;
FETCH 1 FROM c;
UPDATE patient SET note = 'past the end' WHERE CURRENT OF c RETURNING id, note;
ROLLBACK;

BEGIN;
SET LOCAL enable_bitmapscan = off;
-- with phiguard
EXPLAIN (COSTS OFF) SELECT ssn FROM patient WHERE ssn >= '000-00-0004' ORDER BY ssn;
-- end
DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE ssn >= '000-00-0004' ORDER BY ssn;
FETCH 2 FROM c;
UPDATE patient SET note = 'index only' WHERE CURRENT OF c RETURNING id, note;
FETCH NEXT FROM c;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT id, value FROM result WHERE id IN (2, 7);
FETCH 1 FROM c;
UPDATE result SET value = 'partition' WHERE CURRENT OF c RETURNING tableoid::regclass, *;
FETCH 1 FROM c;
UPDATE result SET value = 'partition' WHERE CURRENT OF c RETURNING tableoid::regclass, *;
DELETE FROM result WHERE CURRENT OF c;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM person WHERE id = 2;
FETCH 1 FROM c;
UPDATE person SET ssn = '000-00-0009' WHERE CURRENT OF c RETURNING tableoid::regclass, *;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT p.ssn FROM patient p JOIN visit v ON v.patient = p.id WHERE p.id = 5 FOR UPDATE OF p;
FETCH 1 FROM c;
UPDATE patient SET note = 'joined, for update' WHERE CURRENT OF c RETURNING id, note;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT p.ssn FROM patient p JOIN visit v ON v.patient = p.id WHERE p.id = 5;
FETCH 1 FROM c;
SAVEPOINT s;
UPDATE patient SET note = 'joined' WHERE CURRENT OF c RETURNING id, note;
ROLLBACK TO s;
DECLARE g CURSOR FOR SELECT ssn, count(*) FROM patient GROUP BY ssn ORDER BY ssn;
FETCH 1 FROM g;
UPDATE patient SET note = 'grouped' WHERE CURRENT OF g RETURNING id, note;
ROLLBACK;

-- Scrollability: what the plan can do by itself, what only SCROLL can, what cannot.
BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id;
SELECT name, is_holdable, is_binary, is_scrollable FROM pg_cursors;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH ABSOLUTE 9 FROM c;
FETCH RELATIVE -3 FROM c;
FETCH LAST FROM c;
FETCH FIRST FROM c;
FETCH PRIOR FROM c;
MOVE FORWARD ALL IN c;
FETCH BACKWARD ALL FROM c;
CLOSE c;
ROLLBACK;

BEGIN;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
DECLARE c CURSOR FOR SELECT p.ssn, v.diag FROM patient p JOIN visit v ON v.patient = p.id ORDER BY v.id;
DECLARE j CURSOR FOR SELECT p.ssn, v.diag FROM patient p JOIN visit v ON v.patient = p.id;
DECLARE s SCROLL CURSOR FOR SELECT p.ssn, v.diag FROM patient p JOIN visit v ON v.patient = p.id ORDER BY v.id;
DECLARE n NO SCROLL CURSOR FOR SELECT ssn FROM patient;
SELECT name, is_scrollable FROM pg_cursors ORDER BY name;
FETCH 3 FROM s;
FETCH BACKWARD 2 FROM s;
SAVEPOINT a;
MOVE 2 IN j;
FETCH BACKWARD 1 FROM j;
ROLLBACK TO a;
MOVE 2 IN n;
FETCH BACKWARD 1 FROM n;
ROLLBACK;

BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE id = 1 FOR UPDATE;
SELECT name, is_scrollable FROM pg_cursors;
FETCH 1 FROM c;
FETCH BACKWARD 1 FROM c;
ROLLBACK;

-- Counts, also of MOVE, and what a holdable cursor still gives after the commit.
BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id;
\set QUIET off
MOVE 4 IN c;
FETCH 3 FROM c;
MOVE BACKWARD 2 IN c;
MOVE ALL IN c;
FETCH 1 FROM c;
\set QUIET on
COMMIT;

BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT ssn FROM patient ORDER BY id;
DECLARE n NO SCROLL CURSOR WITH HOLD FOR SELECT ssn FROM patient ORDER BY id;
FETCH 2 FROM h;
FETCH 2 FROM n;
COMMIT;
FETCH 2 FROM h;
FETCH BACKWARD 3 FROM h;
FETCH 2 FROM n;
FETCH BACKWARD 1 FROM n;
SELECT name, is_holdable, is_scrollable FROM pg_cursors ORDER BY name;
CLOSE ALL;

-- A cursor keeps its snapshot.
BEGIN;
DECLARE c INSENSITIVE CURSOR FOR SELECT note FROM patient ORDER BY id;
UPDATE patient SET note = 'later';
FETCH 2 FROM c;
ROLLBACK;

-- PL/pgSQL: simple expressions, loops over cursors, cursors handed to the caller.
CREATE FUNCTION walk() RETURNS TABLE (step int, what text) LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR (low int) FOR SELECT p.id, p.ssn FROM patient p WHERE p.id >= low ORDER BY p.id;
    r record;
    total int := 0;
BEGIN
    FOR r IN c(7) LOOP
        total := total + r.id;
        step := total;
        what := upper(left(r.ssn, 6)) || right(r.ssn, 1);
        IF r.ssn > '000-00-0008' AND total > 0 THEN
            UPDATE patient SET note = 'walked' WHERE CURRENT OF c;
        END IF;
        RETURN NEXT;
    END LOOP;
    OPEN c(2);
    MOVE c;
    FETCH RELATIVE 2 FROM c INTO r;
    step := -1;
    what := r.ssn || ' ' || (SELECT count(*) FROM patient WHERE note = 'walked');
    RETURN NEXT;
    CLOSE c;
END $$;
BEGIN;
SELECT * FROM walk();
SELECT * FROM walk();
ROLLBACK;

CREATE FUNCTION hand_out(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$
BEGIN
    OPEN c SCROLL FOR SELECT ssn FROM patient ORDER BY id;
    MOVE FORWARD 3 FROM c;
    RETURN c;
END $$;
BEGIN;
SELECT hand_out('mine');
FETCH 2 FROM mine;
FETCH BACKWARD 1 FROM mine;
COMMIT;

CREATE PROCEDURE in_steps() LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT id, ssn FROM patient ORDER BY id LOOP
        UPDATE patient SET note = r.ssn WHERE id = r.id;
        IF r.id % 3 = 0 THEN
            COMMIT;
        ELSIF r.id = 8 THEN
            ROLLBACK;
        END IF;
    END LOOP;
END $$;
CALL in_steps();
SELECT id, note FROM patient ORDER BY id;

-- with phiguard
-- What was fetched is what was counted; each of the cursors above has one record.
SELECT command, returned, rows, outcome, sqlstate, flags
FROM phiguard.access_log
WHERE pid = pg_backend_pid() AND database = current_database()
  AND application = current_setting('application_name') AND kind IN ('read', 'write')
  AND started >= (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
ORDER BY position;
-- end

DROP TABLE patient, visit, result, person, employee;
DROP FUNCTION walk(), hand_out(refcursor);
DROP PROCEDURE in_steps();
