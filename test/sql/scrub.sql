-- Errors about labelled data say what is wrong, not with which value.
CREATE EXTENSION phiguard;
CREATE TABLE patient (id int PRIMARY KEY, name text NOT NULL, ssn text UNIQUE, birth date, weight numeric(5, 2) CHECK (weight > 0));
CREATE TABLE visit (id int, patient_id int REFERENCES patient DEFERRABLE INITIALLY DEFERRED, note varchar(12));
CREATE TABLE parts (LIKE patient) PARTITION BY LIST (ssn);
CREATE VIEW patient_view AS SELECT * FROM patient;
CREATE VIEW view_of_view AS SELECT name, birth FROM patient_view;
SELECT phiguard.label('patient', c, k) FROM (VALUES ('id', 'mrn'), ('name', 'name'), ('ssn', 'ssn'), ('birth', 'date'), ('weight', 'clinical')) v(c, k);
SELECT phiguard.label('visit', 'note', 'note'), phiguard.label('visit', 'patient_id', 'mrn'), phiguard.label('parts', 'ssn', 'ssn');
INSERT INTO patient VALUES (1, 'Ann Secret', '111-22-3333', '1980-02-29', 70.5), (2, 'Bob "B" Secret', '999-88-7777', '1990-01-01', 80);
INSERT INTO visit VALUES (7, 1, 'fine');

-- Integrity: the key or the row goes.
INSERT INTO patient VALUES (3, 'x', '111-22-3333');
UPDATE patient SET ssn = '111-22-3333' WHERE id = 2;
INSERT INTO patient VALUES (3, NULL, '333-22-1111');
INSERT INTO patient VALUES (3, 'Carl Secret', '333-22-1111', NULL, -5);
INSERT INTO parts VALUES (3, 'Carl Secret', '333-22-1111');
INSERT INTO visit VALUES (1, 4711);            -- checked at commit
DELETE FROM patient WHERE id = 1;
BEGIN;
INSERT INTO visit VALUES (1, 4712);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
CREATE UNIQUE INDEX ON patient ((birth > '1900-01-01'));
ALTER TABLE patient ADD CHECK (ssn <> '111-22-3333');
ALTER TABLE patient ADD EXCLUDE ((ssn > '') WITH =);

-- Values that a type refuses.
SELECT ssn::int FROM patient WHERE id = 1;
\set VERBOSITY terse
SELECT ssn::date FROM patient WHERE id = 1;  -- the hint spells DateStyle as the version does
\set VERBOSITY default
SELECT name::json FROM patient WHERE id = 2;
SELECT name::xml FROM patient WHERE id = 2 AND ('<' || name)::xml IS NOT NULL;
SELECT name::int[] FROM patient WHERE id = 2;
SELECT (replace(ssn, '-', '') || '00')::int FROM patient WHERE id = 1;
SELECT to_date(name, 'YYYY-MM-DD') FROM patient WHERE id = 2;
SELECT ssn::regclass FROM patient WHERE id = 1;
SELECT current_setting('a.' || name) FROM patient WHERE id = 2;
SELECT name::varchar(3)::int FROM patient_view WHERE id = 2;
INSERT INTO visit SELECT 1, id, ssn || name FROM patient WHERE id = 1;
UPDATE patient SET weight = 12345.67 WHERE id = 1;
ALTER TABLE visit ALTER note TYPE int USING note::int;

-- A column that is not grouped by has a name, and the client needs it.
SELECT birth, p.name FROM patient p GROUP BY birth;
SELECT *, count(*) FROM patient_view GROUP BY id;

-- COPY names the line and the column.
COPY patient (id, name, ssn, birth) FROM stdin;
5	Dora Secret	555-44-3333	secret day
\.
COPY patient (id, name, ssn, birth) FROM stdin WITH (FORMAT csv);
5,"Dora ""D"" Secret
lives in ""Secretville"",555-44-3333,1990-01-01
\.
COPY patient (id, name, ssn) FROM stdin;
5	Dora Secret	999-88-7777
\.

-- Inside functions, also for those who look at the error.
CREATE FUNCTION digest(p_id int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text; message text; detail text; context text;
BEGIN
	BEGIN
		SELECT ssn::int INTO result FROM patient WHERE id = p_id;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
		result := concat_ws(' | ', message, detail, context);
	END;
	RETURN result;
END $$;
SELECT digest(1);
CREATE FUNCTION dynamic(p_id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT 'SELECT ' || quote_literal(ssn) || '::int' FROM patient WHERE id = p_id);
END $$;
SELECT count(dynamic(id)) FROM patient;

-- What fails before it runs.
INSERT INTO patient (id, name, birth) VALUES (9, 'Eve Secret', 'secret day');
SELECT * FROM patient WHERE birth = 'secret day';
SELECT * FROM view_of_view WHERE birth = 'secret day';
SELECT 'secret day'::phiguard.birth_date;
SELECT 'secret'::phiguard.ssn;
SELECT * FROM patient WHERE ssn = '111-22-3333' '444';
SELECT nosuch FROM patient WHERE ssn = '111-22-3333';  -- names stay
SELECT * FROM patient, nosuch.table WHERE ssn = '111-22-3333';
SELECT * FROM patient WHERE ssn = '111-22-3333' );
SELECT * FROM patient WHERE ssn = '111-22-3333' AND 'secret'::regclass = 1;
ALTER TABLE patient DROP COLUMN nosuch;
CREATE INDEX visit ON patient (ssn) WHERE ssn <> '111-22-3333';

-- A constraint of a labelled table, or to one, that a statement meets which names neither.
CREATE TABLE registry (ssn text UNIQUE);
SECURITY LABEL FOR phiguard ON COLUMN registry.ssn IS 'ssn';
CREATE TABLE late (ssn text REFERENCES registry (ssn) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE wing (id int PRIMARY KEY);
CREATE TABLE bed (id int REFERENCES wing ON DELETE CASCADE, ssn text UNIQUE);
SECURITY LABEL FOR phiguard ON COLUMN bed.ssn IS 'ssn';
CREATE TABLE stay (ssn text REFERENCES bed (ssn));
INSERT INTO registry VALUES ('111-22-3333');
INSERT INTO late VALUES ('111-22-3333');
INSERT INTO wing VALUES (1);
INSERT INTO bed VALUES (1, '111-22-3333');
INSERT INTO stay VALUES ('111-22-3333');
CREATE FUNCTION told(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || ': ' || detail;
END $$;
BEGIN;
DELETE FROM registry;
SELECT told('SET CONSTRAINTS ALL IMMEDIATE');
COMMIT;
SELECT told('DELETE FROM wing');
DELETE FROM wing;

-- Errors that have nothing to do with labelled data stay as they are.
CREATE TABLE plain (a int UNIQUE, d date);
INSERT INTO plain VALUES (1), (1);
INSERT INTO plain VALUES (1, 'some day');
CREATE TABLE plainer (a int REFERENCES plain (a) DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO plainer VALUES (7);
SELECT told('SET CONSTRAINTS ALL IMMEDIATE');
COMMIT;
SELECT 'abc'::int;
COPY plain FROM stdin;
x	y
\.

-- So do permissions, and what the author of a function says.
CREATE ROLE regress_phig_nobody;
SET ROLE regress_phig_nobody;
SELECT ssn FROM patient;
RESET ROLE;
DROP ROLE regress_phig_nobody;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no more patients in ward "%"', TG_ARGV[0] USING HINT = 'Ask "front desk".';
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON patient FOR EACH ROW EXECUTE FUNCTION refuse('west');
INSERT INTO patient VALUES (10, 'Eve Secret');
