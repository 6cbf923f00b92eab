-- Flow of statements that write: what RETURNING shows, what steers, and what is stored, assigned or removed.
-- A claim is a query and "returned | referenced | stored"; only claims that fail are printed.
\set ON_ERROR_STOP on
\getenv test PG_ABS_SRCDIR
\set lib :test /lib/flow.psql
\i :lib

CREATE TABLE registry (id int PRIMARY KEY, ssn text, tail text GENERATED ALWAYS AS (right(ssn, 4)) STORED, remark text DEFAULT 'x');
SECURITY LABEL FOR phiguard ON COLUMN registry.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN registry.tail IS 'ssn';
CREATE UNIQUE INDEX ON registry (id) WHERE ssn IS NULL;
CREATE TABLE holding (a int, b text, c text GENERATED ALWAYS AS (upper(b)) STORED, d text DEFAULT 'x');
SECURITY LABEL FOR phiguard ON COLUMN holding.d IS 'none';
CREATE VIEW updatable AS SELECT id, name, zip FROM patient WHERE sex = 'f';
CREATE VIEW checked AS SELECT id, name, zip FROM patient WHERE sex = 'f' AND born IS NULL WITH CHECK OPTION;
CREATE VIEW unfiltered AS SELECT id, name, zip FROM patient;
CREATE VIEW guarded WITH (security_barrier) AS SELECT id, name FROM patient WHERE zip = '1';
CREATE VIEW instead AS SELECT id, name, upper(ssn) AS loud, 1 AS one FROM patient WHERE zip = '1';
CREATE FUNCTION do_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON instead FOR EACH ROW EXECUTE FUNCTION do_nothing();

INSERT INTO claim (query, expected) VALUES
-- INSERT
('INSERT INTO plain VALUES (1, ''x'')', ''),
('INSERT INTO plain SELECT * FROM plain', ''),
('INSERT INTO patient (id) VALUES (1)', ''),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'')', '| | patient.ssn'),
('INSERT INTO patient VALUES (1, ''x'', ''y'')', '| | patient.name patient.ssn'),
('INSERT INTO patient (id, ssn, zip) VALUES (1, ''x'', ''1''), (2, ''y'', DEFAULT)', '| | patient.ssn patient.zip'),
('INSERT INTO patient DEFAULT VALUES', ''),
('INSERT INTO plain SELECT id, ssn FROM patient', '| | patient.ssn'),
('INSERT INTO plain SELECT id, hair FROM patient', ''),
('INSERT INTO plain SELECT id, name, ssn FROM patient WHERE zip = ''1'' ORDER BY born', '| patient.born patient.zip | patient.name patient.ssn'),
('INSERT INTO plain (a) SELECT count(ssn) FROM patient', '| patient.ssn'),
('INSERT INTO plain (a, b) VALUES (1, (SELECT max(note) FROM visit WHERE day IS NULL))', '| visit.day | visit.note'),
('INSERT INTO visit (id, card) SELECT id, ssn FROM patient', '| | patient.ssn visit.card'),
('INSERT INTO visit (id, card) SELECT id, ssn FROM patient RETURNING card', 'patient.ssn visit.card | | patient.ssn visit.card'),
('INSERT INTO plain SELECT id, ssn, zip FROM patient RETURNING b', 'patient.ssn | | patient.ssn patient.zip'),
('INSERT INTO plain SELECT id, ssn FROM patient RETURNING a', '| | patient.ssn'),
('INSERT INTO plain SELECT id, ssn FROM patient RETURNING plain', 'patient.ssn | | patient.ssn'),
('INSERT INTO plain SELECT id, ssn FROM patient RETURNING (SELECT max(card) || b FROM visit)', 'patient.ssn visit.card | | patient.ssn'),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'') RETURNING ssn', 'patient.ssn | | patient.ssn'),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'') RETURNING id', '| | patient.ssn'),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'') RETURNING *', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip | | patient.ssn'),
('INSERT INTO holding (a, b) SELECT id, ssn FROM patient RETURNING c', 'patient.ssn | | patient.ssn'),
('INSERT INTO holding (a, d) SELECT id, ssn FROM patient RETURNING b, c', '| | patient.ssn'),
('INSERT INTO registry (id, ssn) SELECT id, ssn FROM patient RETURNING tail', 'patient.ssn registry.tail | | patient.ssn registry.ssn'),
('INSERT INTO registry (id, ssn) VALUES (1, ''x'')', '| | registry.ssn'),
('INSERT INTO plain SELECT id, phiguard.token(ssn, ''d'') FROM patient', '| | patient.ssn'),
('INSERT INTO patient (id, tags[1]) SELECT id, note FROM visit', '| | patient.tags visit.note'),
('WITH c AS (SELECT ssn, name FROM patient) INSERT INTO plain SELECT 1, ssn FROM c', '| | patient.ssn'),
('INSERT INTO plain WITH c AS (SELECT id, name FROM patient) SELECT * FROM c', '| | patient.name'),
('INSERT INTO plain SELECT id, name FROM patient UNION SELECT id, note FROM visit', '| | patient.name visit.note'),
('INSERT INTO plain SELECT id, (p).ssn FROM (SELECT id, p FROM patient p) s', '| | patient.ssn'),

-- ON CONFLICT
('INSERT INTO plain VALUES (1) ON CONFLICT DO NOTHING', ''),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT (id) DO NOTHING', ''),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'') ON CONFLICT (ssn) DO NOTHING', '| patient.ssn | patient.ssn'),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT DO NOTHING', '| patient.ssn'),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT ON CONSTRAINT patient_ssn_key DO NOTHING', '| patient.ssn'),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT ON CONSTRAINT patient_pkey DO NOTHING', ''),
('INSERT INTO registry (id) VALUES (1) ON CONFLICT DO NOTHING', '| registry.ssn registry.tail'),
('INSERT INTO registry (id) VALUES (1) ON CONFLICT (id) DO NOTHING', ''),
('INSERT INTO registry (id) VALUES (1) ON CONFLICT (id) WHERE ssn IS NULL DO NOTHING', '| registry.ssn'),
('INSERT INTO patient (id, name) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET name = excluded.name', '| | patient.name'),
('INSERT INTO patient (id, name) SELECT id, note FROM visit ON CONFLICT (id) DO UPDATE SET zip = excluded.name', '| | patient.name patient.zip visit.note'),
('INSERT INTO patient (id, name) SELECT id, note FROM visit ON CONFLICT (id) DO UPDATE SET zip = excluded.hair', '| | patient.name patient.zip visit.note'),
('INSERT INTO plain (a, b) SELECT id, note FROM visit ON CONFLICT (a) DO UPDATE SET c = excluded.b', '| | visit.note'),
('INSERT INTO plain (a, b) SELECT id, note FROM visit ON CONFLICT (a) DO UPDATE SET c = ''y'' RETURNING c', '| | visit.note'),
('INSERT INTO plain (a, b) SELECT id, note FROM visit ON CONFLICT (a) DO UPDATE SET c = excluded.b RETURNING c', 'visit.note | | visit.note'),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET hair = patient.ssn', '| | patient.ssn'),
('INSERT INTO patient (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET hair = patient.ssn WHERE patient.zip = excluded.sex RETURNING hair', 'patient.ssn | patient.zip | patient.ssn'),
('INSERT INTO patient (id, born) SELECT id, day FROM visit ON CONFLICT (id) DO UPDATE SET hair = ''y'' WHERE excluded.born IS NULL', '| | patient.born visit.day'),
('INSERT INTO plain (a, b, c) SELECT id, note, card FROM visit ON CONFLICT (a) DO UPDATE SET (b, c) = (SELECT excluded.c, max(ssn) FROM patient) RETURNING b', 'visit.card visit.note | | patient.ssn visit.card visit.note'),
('INSERT INTO plain (a, b) SELECT id, note FROM visit ON CONFLICT (a) DO UPDATE SET c = to_jsonb(excluded)::text', '| | visit.note'),
('INSERT INTO holding (a, b) SELECT id, note FROM visit ON CONFLICT DO NOTHING', '| | visit.note'),

-- UPDATE
('UPDATE plain SET b = ''x''', ''),
('UPDATE patient SET hair = ''x''', ''),
('UPDATE patient SET ssn = ''x'' WHERE id = 1', '| | patient.ssn'),
('UPDATE patient SET ssn = ''x'' WHERE ssn = ''y''', '| patient.ssn | patient.ssn'),
('UPDATE patient SET hair = ''x'' WHERE zip = ''1''', '| patient.zip'),
('UPDATE patient SET hair = ssn', '| | patient.ssn'),
('UPDATE patient SET hair = ssn RETURNING hair', 'patient.ssn | | patient.ssn'),
('UPDATE patient SET hair = ssn RETURNING id', '| | patient.ssn'),
('UPDATE patient SET hair = ssn RETURNING patient', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip | | patient.ssn'),
('UPDATE patient SET ssn = ssn', '| | patient.ssn'),
('UPDATE patient SET name = zip, zip = name', '| | patient.name patient.zip'),
('UPDATE patient SET name = upper(name) RETURNING zip', 'patient.zip | | patient.name'),
('UPDATE patient SET tags[1] = ''x''', '| | patient.tags'),
('UPDATE patient SET hair = CASE WHEN sex = ''f'' THEN ''x'' ELSE ''y'' END', '| | patient.sex'),
('UPDATE plain SET b = p.ssn FROM patient p WHERE p.id = a AND p.zip = c', '| patient.zip | patient.ssn'),
('UPDATE plain SET b = p.ssn FROM patient p WHERE p.id = a RETURNING p.name, b', 'patient.name patient.ssn | | patient.ssn'),
('UPDATE plain SET b = p.ssn FROM patient p WHERE p.id = a RETURNING a', '| | patient.ssn'),
('UPDATE plain SET b = (SELECT max(note) FROM visit WHERE day = d)', '| visit.day | visit.note'),
('UPDATE plain SET (b, c) = (SELECT ssn, name FROM patient WHERE id = a AND born = d)', '| patient.born | patient.name patient.ssn'),
('UPDATE plain SET (b, c) = (SELECT ssn, name FROM patient WHERE id = a) RETURNING c', 'patient.name | | patient.name patient.ssn'),
('UPDATE plain SET (b, c) = ROW((SELECT max(ssn) FROM patient), ''x'') RETURNING c', '| | patient.ssn'),
('UPDATE plain SET (a, b) = (SELECT 1, note FROM visit LIMIT 1), (c, d) = (SELECT card, day FROM visit LIMIT 1) RETURNING c', 'visit.card | | visit.card visit.day visit.note'),
('UPDATE registry SET ssn = name FROM patient WHERE patient.id = registry.id RETURNING tail', 'patient.name registry.tail | | patient.name registry.ssn'),
('UPDATE holding SET b = ssn FROM patient WHERE id = a RETURNING c', 'patient.ssn | | patient.ssn'),
('UPDATE patient SET ssn = DEFAULT', '| | patient.ssn'),
('UPDATE patient SET zip = ''1'' WHERE ctid = ''(0,1)''', '| | patient.zip'),
('WITH c AS (SELECT id, note FROM visit) UPDATE plain SET b = note FROM c WHERE c.id = a', '| | visit.note'),

-- DELETE
('DELETE FROM plain', ''),
('DELETE FROM patient', '| | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('DELETE FROM patient WHERE ssn = ''x''', '| patient.ssn | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('DELETE FROM plain USING patient p WHERE p.id = a AND p.ssn = b', '| patient.ssn'),
('DELETE FROM plain USING patient p WHERE p.id = a RETURNING p.name, b', 'patient.name'),
('DELETE FROM visit RETURNING note', 'visit.note | | visit.card visit.day visit.note'),
('DELETE FROM plain WHERE b IN (SELECT ssn FROM patient)', '| patient.ssn'),

-- MERGE
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN DELETE', ''),
('MERGE INTO plain USING visit v ON a = v.id AND v.note = b WHEN MATCHED THEN DELETE', '| visit.note'),
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED AND v.day = d THEN UPDATE SET b = v.note', '| visit.day | visit.note'),
('MERGE INTO plain USING visit v ON a = v.id WHEN NOT MATCHED THEN INSERT (a, b, c) VALUES (v.id, v.note, ''x'')', '| | visit.note'),
('MERGE INTO plain USING (SELECT id, ssn, zip FROM patient WHERE sex = ''f'') p ON a = p.id WHEN MATCHED THEN UPDATE SET b = p.ssn WHEN NOT MATCHED AND p.zip = ''1'' THEN INSERT VALUES (p.id) WHEN NOT MATCHED THEN DO NOTHING', '| patient.sex patient.zip | patient.ssn'),
('MERGE INTO patient p USING plain ON a = p.id WHEN MATCHED AND p.zip = ''1'' THEN DELETE', '| patient.zip | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('MERGE INTO patient p USING plain ON p.ssn = b WHEN MATCHED THEN UPDATE SET name = c WHEN NOT MATCHED THEN INSERT (id, ssn) VALUES (a, b)', '| patient.ssn | patient.name patient.ssn'),
('MERGE INTO patient p USING visit v ON v.patient_id = p.id WHEN MATCHED THEN UPDATE SET (zip, hair) = (SELECT v.card, p.ssn)', '| | patient.ssn patient.zip visit.card'),
('MERGE INTO patient p USING visit v ON v.patient_id = p.id WHEN MATCHED THEN DO NOTHING', ''),

-- Data-modifying CTEs
('WITH d AS (DELETE FROM visit RETURNING *) SELECT 1', '| | visit.card visit.day visit.note'),
('WITH d AS (DELETE FROM visit RETURNING *) SELECT note FROM d', 'visit.note | | visit.card visit.day visit.note'),
('WITH d AS (DELETE FROM visit WHERE day IS NULL RETURNING id, card) INSERT INTO plain SELECT id, card FROM d', '| visit.day | visit.card visit.day visit.note'),
('WITH u AS (UPDATE patient SET hair = ssn RETURNING hair) SELECT hair FROM u', 'patient.ssn | | patient.ssn'),
('WITH u AS (UPDATE patient SET hair = ssn RETURNING id, hair) SELECT id FROM u', '| | patient.ssn'),
('WITH i AS (INSERT INTO plain SELECT id, note FROM visit RETURNING b) SELECT count(b) FROM i', '| | visit.note'),
('WITH i AS (INSERT INTO patient (id, ssn) VALUES (1, ''x'')) UPDATE plain SET b = ''y''', '| | patient.ssn'),
('WITH a AS (SELECT id, note FROM visit), i AS (INSERT INTO plain SELECT * FROM a) SELECT 1', '| | visit.note'),

-- Views that PostgreSQL updates by itself
('INSERT INTO updatable (id, name) VALUES (1, ''x'')', '| | patient.name'),
('UPDATE updatable SET name = ''x''', '| patient.sex | patient.name'),
('UPDATE updatable SET name = zip RETURNING name', 'patient.name patient.zip | patient.sex | patient.name patient.zip'),
('DELETE FROM updatable WHERE zip = ''1''', '| patient.sex patient.zip | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('INSERT INTO checked (id, name) VALUES (1, ''x'')', '| patient.born patient.sex | patient.name'),
('UPDATE guarded SET name = ''x''', '| patient.zip | patient.name'),
('DELETE FROM guarded WHERE name = ''x''', '| patient.name patient.zip | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('INSERT INTO unfiltered (id, name) SELECT id, note FROM visit ON CONFLICT (id) DO UPDATE SET zip = excluded.name', '| | patient.name patient.zip visit.note'),
-- and those with INSTEAD OF triggers, which see the view's whole row
('INSERT INTO instead (id, name) VALUES (1, ''x'')', ''),
('INSERT INTO instead (id, name) SELECT id, note FROM visit', '| | visit.note'),
('INSERT INTO instead (id, name) SELECT id, note FROM visit RETURNING loud', 'patient.ssn | | visit.note'),
('INSERT INTO instead (id, name) SELECT id, note FROM visit RETURNING name', 'patient.name visit.note | | visit.note'),
('INSERT INTO instead (id, name) VALUES (1, ''x'') RETURNING name', 'patient.name'),
('UPDATE instead SET one = 2', '| patient.name patient.ssn patient.zip'),
('UPDATE instead SET name = loud RETURNING one', '| patient.name patient.zip | patient.ssn'),
('UPDATE instead SET name = loud RETURNING name', 'patient.name patient.ssn | patient.zip | patient.ssn'),
('DELETE FROM instead WHERE id = 1', '| patient.name patient.ssn patient.zip'),
('DELETE FROM instead RETURNING loud', 'patient.ssn | patient.name patient.zip');

SELECT count(*) AS claims FROM claim;
SELECT number, query, expected, found FROM mismatch;

-- Row-level security: its conditions steer.
CREATE ROLE regress_phig_flow;
CREATE TABLE secured (id int, owner text, ssn text, zip text);
SECURITY LABEL FOR phiguard ON COLUMN secured.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN secured.zip IS 'geo';
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON secured FOR SELECT USING (zip = '1' AND EXISTS (SELECT 1 FROM visit WHERE card = ssn));
CREATE POLICY writing ON secured FOR INSERT WITH CHECK (zip = '2');
GRANT ALL ON secured, visit, claim, mismatch TO regress_phig_flow;
TRUNCATE claim;
INSERT INTO claim (query, expected) VALUES
('SELECT id FROM secured', '| secured.ssn secured.zip visit.card'),
('SELECT ssn FROM secured', 'secured.ssn | secured.zip visit.card'),
('INSERT INTO secured VALUES (1, ''x'', ''y'')', '| secured.zip | secured.ssn'),
('INSERT INTO secured (id) VALUES (1) RETURNING id', '| secured.ssn secured.zip visit.card');
SET ROLE regress_phig_flow;
SELECT query, expected, flow_of(query) AS found FROM claim WHERE flow_of(query) <> expected;
RESET ROLE;

-- Rules.
TRUNCATE claim;
CREATE TABLE audit (at timestamptz, what text);
CREATE TABLE ruled (id int, ssn text);
SECURITY LABEL FOR phiguard ON COLUMN ruled.ssn IS 'ssn';
CREATE RULE also AS ON UPDATE TO ruled DO ALSO INSERT INTO audit VALUES (now(), old.ssn);
CREATE RULE instead AS ON DELETE TO ruled DO INSTEAD UPDATE plain SET b = old.ssn WHERE a = old.id;
INSERT INTO claim (query, expected) VALUES
('UPDATE ruled SET id = 2', '| | ruled.ssn'),
('UPDATE ruled SET ssn = ''x'' WHERE id = 1', '| | ruled.ssn'),
('DELETE FROM ruled WHERE id = 1', '| | ruled.ssn');
SELECT query, expected, found FROM mismatch;

-- Row triggers: a labelled table that fires one shows it the whole row.
TRUNCATE claim;
CREATE TABLE fired (id int, ssn text, zip text);
SECURITY LABEL FOR phiguard ON COLUMN fired.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN fired.zip IS 'geo';
CREATE TABLE parted (id int, ssn text) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (ssn);
CREATE TABLE parted_1_1 PARTITION OF parted_1 DEFAULT;
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
SECURITY LABEL FOR phiguard ON COLUMN parted.ssn IS 'ssn';
CREATE TABLE parent (id int, ssn text);
CREATE TABLE child () INHERITS (parent);
SECURITY LABEL FOR phiguard ON COLUMN parent.ssn IS 'ssn';

CREATE FUNCTION fires(created text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('CREATE TRIGGER t %s EXECUTE FUNCTION do_nothing()', created);
	answer := flow_of(query);
	EXECUTE format('DROP TRIGGER t ON %s', substring(created FROM ' ON (\w+)'));
	RETURN answer;
END $$;
CREATE TABLE fired_claim (created text, query text, expected text);
INSERT INTO fired_claim VALUES
('BEFORE UPDATE ON fired FOR EACH ROW', 'UPDATE fired SET id = 1', '| fired.ssn fired.zip'),
('AFTER UPDATE ON fired FOR EACH ROW', 'UPDATE fired SET zip = ''1''', '| fired.ssn fired.zip | fired.zip'),
('AFTER UPDATE ON fired FOR EACH ROW', 'UPDATE fired SET id = 1 RETURNING zip', 'fired.zip | fired.ssn'),
('AFTER UPDATE ON fired FOR EACH ROW', 'INSERT INTO fired VALUES (1)', ''),
('AFTER UPDATE ON fired FOR EACH ROW', 'INSERT INTO fired VALUES (1) ON CONFLICT DO NOTHING', ''),
('AFTER UPDATE ON fired FOR EACH ROW', 'SELECT id FROM fired', ''),
('AFTER UPDATE ON fired FOR EACH ROW WHEN (old.id > 1)', 'UPDATE fired SET id = 1', '| fired.ssn fired.zip'),
('AFTER UPDATE ON fired FOR EACH STATEMENT', 'UPDATE fired SET id = 1', ''),
('AFTER UPDATE ON fired REFERENCING NEW TABLE AS n FOR EACH STATEMENT', 'UPDATE fired SET id = 1', '| fired.ssn fired.zip'),
('AFTER UPDATE OF zip ON fired FOR EACH ROW', 'UPDATE fired SET id = 1', ''),
('AFTER UPDATE OF zip ON fired FOR EACH ROW', 'UPDATE fired SET zip = ''1''', '| fired.ssn fired.zip | fired.zip'),
('BEFORE INSERT ON fired FOR EACH ROW', 'INSERT INTO fired VALUES (1)', '| fired.ssn fired.zip'),
('BEFORE INSERT ON fired FOR EACH ROW', 'DELETE FROM fired', '| | fired.ssn fired.zip'),
('BEFORE DELETE ON fired FOR EACH ROW', 'DELETE FROM fired', '| fired.ssn fired.zip | fired.ssn fired.zip'),
('AFTER DELETE ON fired REFERENCING OLD TABLE AS o FOR EACH STATEMENT', 'WITH d AS (DELETE FROM fired) SELECT 1', '| fired.ssn fired.zip | fired.ssn fired.zip'),
('BEFORE INSERT ON fired FOR EACH ROW', 'MERGE INTO fired USING plain ON a = id WHEN MATCHED THEN UPDATE SET id = 2', ''),
('BEFORE INSERT ON fired FOR EACH ROW', 'MERGE INTO fired USING plain ON a = id WHEN NOT MATCHED THEN INSERT VALUES (a)', '| fired.ssn fired.zip'),
('BEFORE TRUNCATE ON fired FOR EACH STATEMENT', 'DELETE FROM fired', '| | fired.ssn fired.zip'),
('BEFORE INSERT ON plain FOR EACH ROW', 'INSERT INTO plain SELECT id, ssn FROM patient', '| | patient.ssn'),
('BEFORE INSERT ON parted FOR EACH ROW', 'INSERT INTO parted VALUES (1)', '| parted.ssn'),
('BEFORE INSERT ON parted_2 FOR EACH ROW', 'INSERT INTO parted VALUES (1)', '| parted.ssn'),
('BEFORE INSERT ON parted_1_1 FOR EACH ROW', 'INSERT INTO parted VALUES (1)', '| parted.ssn'),
('BEFORE INSERT ON parted_2 FOR EACH ROW', 'UPDATE parted SET id = 2', '| parted.ssn'),
('BEFORE INSERT ON parted_2 FOR EACH ROW', 'DELETE FROM parted', '| | parted.ssn'),
('BEFORE UPDATE ON child FOR EACH ROW', 'UPDATE parent SET id = 2', '| parent.ssn'),
('BEFORE UPDATE ON child FOR EACH ROW', 'UPDATE ONLY parent SET id = 2', ''),
('BEFORE INSERT ON child FOR EACH ROW', 'INSERT INTO parent VALUES (2)', '');
SELECT count(*) AS claims FROM fired_claim;
SELECT created, query, expected, fires(created, query) AS found FROM fired_claim WHERE fires(created, query) <> expected;
-- A disabled trigger and the internal ones of a foreign key see nothing.
CREATE TRIGGER sleeping AFTER UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION do_nothing();
ALTER TABLE fired DISABLE TRIGGER sleeping;
ALTER TABLE fired ADD UNIQUE (id);
CREATE TABLE pointing (id int REFERENCES fired (id) ON UPDATE CASCADE);
SELECT flow_of('UPDATE fired SET id = 1');
ALTER TABLE fired ENABLE TRIGGER sleeping;
SELECT flow_of('UPDATE fired SET id = 1');

-- Transition tables, which only a trigger can name.
CREATE FUNCTION look_at_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT zip FROM fresh WHERE ssn IS NOT NULL' INTO plan;
	RAISE NOTICE 'columns: %', lists_of(plan);
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT fresh FROM fresh' INTO plan;
	RAISE NOTICE 'row: %', lists_of(plan);
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT count(*) FROM fresh' INTO plan;
	RAISE NOTICE 'none: %', lists_of(plan);
	RETURN NULL;
END $$;
CREATE TRIGGER look AFTER INSERT ON fired REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION look_at_transition();
INSERT INTO fired (id) VALUES (7);
DROP TRIGGER look ON fired;

-- Labelled data on its way into columns without a label, and the label that is left of it.
INSERT INTO plain SELECT id, ssn, zip FROM patient WHERE false;
INSERT INTO plain (a, b) SELECT id, phiguard.token(ssn, 'd') FROM patient WHERE false;
INSERT INTO visit (id, card, note) SELECT id, ssn, name FROM patient WHERE false;
UPDATE patient SET hair = zip, name = ssn WHERE false;
INSERT INTO plain (a, b) SELECT id, note FROM visit WHERE false ON CONFLICT (a) DO UPDATE SET c = excluded.b;
MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN UPDATE SET d = v.day WHEN NOT MATCHED THEN INSERT (a, b) VALUES (v.id, 'x');
INSERT INTO plain (a) SELECT count(ssn) FROM patient HAVING false;
CREATE TABLE made AS SELECT p.id, upper(name) AS loud, phiguard.token(ssn, 'd') AS code, phiguard.token(ssn, 'd') || zip AS mixed, count(day) AS days
FROM patient p LEFT JOIN visit v USING (id) GROUP BY p.id;
SELECT column_name, category FROM phiguard.labels WHERE relation = 'made' ORDER BY 1;

-- What only younger servers know; older ones have nothing to say here.
TRUNCATE claim;
SELECT current_setting('server_version_num')::int >= 170000 AS has_merge_returning,
	current_setting('server_version_num')::int >= 180000 AS has_old_new \gset
\if :has_merge_returning
INSERT INTO claim (query, expected) VALUES
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN UPDATE SET b = v.note RETURNING merge_action(), a', '| | visit.note'),
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN UPDATE SET b = v.note RETURNING b', 'visit.note | | visit.note'),
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN UPDATE SET b = v.note RETURNING v.card', 'visit.card | | visit.note'),
('MERGE INTO plain USING visit v ON a = v.id WHEN NOT MATCHED BY SOURCE AND b = ''x'' THEN DELETE WHEN NOT MATCHED BY TARGET AND v.day IS NULL THEN INSERT VALUES (v.id, v.card)', '| visit.day | visit.card'),
('WITH m AS (MERGE INTO patient p USING plain ON a = p.id WHEN MATCHED THEN DELETE RETURNING p.ssn) SELECT ssn FROM m', 'patient.ssn | | patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('MERGE INTO updatable USING plain ON a = id WHEN MATCHED THEN UPDATE SET name = b', '| patient.sex | patient.name'),
('MERGE INTO instead USING plain ON a = id WHEN MATCHED THEN UPDATE SET name = b', '| patient.name patient.ssn patient.zip'),
('MERGE INTO instead USING visit v ON v.id = instead.id WHEN MATCHED THEN UPDATE SET name = v.note RETURNING name', 'patient.name visit.note | patient.ssn patient.zip | visit.note');
\endif
\if :has_old_new
INSERT INTO claim (query, expected) VALUES
('UPDATE patient SET hair = ssn RETURNING old.hair', '| | patient.ssn'),
('UPDATE patient SET hair = ssn RETURNING new.hair', 'patient.ssn | | patient.ssn'),
('UPDATE patient SET hair = ssn RETURNING old.zip, new.id', 'patient.zip | | patient.ssn'),
('INSERT INTO patient (id, ssn) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET name = ''y'' RETURNING old.name, new', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip | | patient.name patient.ssn'),
('DELETE FROM visit RETURNING old.note', 'visit.note | | visit.card visit.day visit.note'),
('UPDATE updatable SET name = ''x'' RETURNING old.zip, new.name', 'patient.name patient.zip | patient.sex | patient.name'),
('UPDATE instead SET name = ''x'' RETURNING old.loud', 'patient.ssn | patient.name patient.zip'),
('MERGE INTO plain USING visit v ON a = v.id WHEN MATCHED THEN UPDATE SET b = v.note RETURNING old.b, new.c', '| | visit.note');
\endif
SELECT number, query, expected, found FROM mismatch;

-- A claim that is wrong is printed.
TRUNCATE claim;
INSERT INTO claim (query, expected) VALUES ('UPDATE plain SET b = ssn FROM patient WHERE zip = c', '| | patient.ssn');
SELECT query, expected, found FROM mismatch;

DROP OWNED BY regress_phig_flow;
DROP ROLE regress_phig_flow;
