-- The registry: what verify_labels() finds, and what DROP EXTENSION leaves.
CREATE EXTENSION phiguard;
CREATE TABLE patient (id int, ssn text, note text, hair text);
CREATE DOMAIN chart_no AS text;
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'note';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON DOMAIN chart_no IS 'mrn';
SELECT * FROM phiguard.verify_labels();

-- A hand in pg_seclabel: a label removed, one changed, one made up, one of an object that is gone, one malformed.
DELETE FROM pg_seclabel WHERE objoid = 'patient'::regclass AND objsubid = 2;
UPDATE pg_seclabel SET label = 'none' WHERE objoid = 'patient'::regclass AND objsubid = 3;
INSERT INTO pg_seclabel VALUES ('patient'::regclass, 'pg_class'::regclass, 4, 'phiguard', 'quasi');
INSERT INTO pg_seclabel VALUES (4294967295, 'pg_class'::regclass, 1, 'phiguard', 'ssn');
UPDATE pg_seclabel SET label = 'Jane Doe' WHERE objoid = 'patient'::regclass AND objsubid = 0;
DELETE FROM pg_seclabel WHERE objoid = 'chart_no'::regtype;
INSERT INTO pg_seclabel VALUES ('patient'::regclass, 'pg_class'::regclass, 1, 'another provider', 'whatever');
SELECT * FROM phiguard.verify_labels() ORDER BY 1, 2;
DELETE FROM pg_seclabel WHERE objoid = 4294967295 OR provider = 'another provider';

-- Setting the labels again puts both right.
SELECT phiguard.label('patient', NULL, 'subject=id'), phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('patient', 'note', 'note'),
       phiguard.label('patient', 'hair', NULL);
SECURITY LABEL FOR phiguard ON DOMAIN chart_no IS 'mrn';
SELECT * FROM phiguard.verify_labels();

-- A hand in the registry, and what a restore leaves: rows twice, rows that say something else.
INSERT INTO phiguard.label_registry TABLE phiguard.label_registry;
SELECT * FROM phiguard.verify_labels();
INSERT INTO phiguard.label_registry VALUES
    ('public', 'patient', 'ssn', NULL, 'ssn conf=R'), ('public', 'patient', 'nobody', NULL, 'ssn'),
    ('no schema', 'lost', NULL, NULL, 'subject=x'), ('public', NULL, NULL, 'lost', 'mrn'), ('public', NULL, NULL, NULL, 'Jane Doe');
SELECT * FROM phiguard.verify_labels() ORDER BY 1, 2;
DELETE FROM phiguard.label_registry WHERE schema = 'no schema' OR column_name = 'nobody' OR domain = 'lost' OR label = 'Jane Doe';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn conf=R';
SELECT count(*) FROM phiguard.label_registry WHERE column_name = 'ssn';
SELECT * FROM phiguard.verify_labels();

-- Temporary tables are labelled, and not registered.
CREATE TEMP TABLE scratch (ssn text);
SECURITY LABEL FOR phiguard ON COLUMN scratch.ssn IS 'ssn';
SELECT count(*) FROM phiguard.label_registry WHERE relation = 'scratch';
SELECT * FROM phiguard.verify_labels();
DROP TABLE scratch;

-- DROP EXTENSION would take columns of our types with it, whatever they are made of.
DROP EXTENSION phiguard;
CREATE EXTENSION phiguard;
SELECT * FROM phiguard.label_registry ORDER BY relation, column_name;
SELECT * FROM phiguard.verify_labels();
CREATE TYPE pair AS (a text, b phiguard.ssn);
CREATE DOMAIN our_mrn AS phiguard.mrn;
DROP EXTENSION phiguard;                        -- refused by the server: the types depend on it
CREATE TABLE typed (a int, b pair[], c our_mrn, d phiguard.url);
DROP EXTENSION phiguard;
DROP EXTENSION phiguard CASCADE;
DROP EXTENSION IF EXISTS phiguard CASCADE;
SET client_min_messages = warning;
DROP SCHEMA phiguard CASCADE;
SELECT count(*) FROM phiguard.label_registry;
ALTER TABLE typed ALTER c TYPE text, ALTER d TYPE text;
DROP SCHEMA phiguard CASCADE;                   -- only inside a composite type now
ALTER TABLE typed ALTER b TYPE text USING b::text, ALTER d TYPE phiguard.url;
DROP EXTENSION phiguard CASCADE;
DROP SCHEMA phiguard CASCADE;
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 0;
BEGIN;
ALTER TABLE typed DROP COLUMN d;                -- by itself, before: nobody's business
DROP EXTENSION phiguard CASCADE;
ROLLBACK;
RESET client_min_messages;
ALTER TABLE typed ALTER d TYPE text;
SELECT column_name, category FROM phiguard.data_dictionary WHERE relation = 'typed';
DROP TYPE pair;
DROP DOMAIN our_mrn;
DROP EXTENSION phiguard;
SELECT objsubid, label FROM pg_seclabel WHERE objoid = 'typed'::regclass ORDER BY 1;
