-- Columns that are new: told of, labelled or refused by what the catalog and then their values say.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_maker;
GRANT CREATE ON SCHEMA public TO regress_phig_maker;
CREATE VIEW own_labels AS
SELECT relation, column_name, label FROM phiguard.labels WHERE schema = 'public' AND object_kind <> 'domain' ORDER BY 1, 2;

-- The test server has ignore: nothing is said.
SHOW phiguard.on_new_column;
CREATE TABLE quiet (ssn text);

-- notice, the default: the statement to run is in the hint.
RESET phiguard.on_new_column;
SET phiguard.on_new_column = 'notice';
CREATE TABLE patient (first_name text, ssn text, dob date, sex text);
ALTER TABLE patient ADD COLUMN home_phone text, ADD COLUMN smoker boolean;
SECURITY LABEL FOR phiguard ON COLUMN public.patient.ssn IS 'ssn';
-- Names that say nothing of a person, types by themselves, and names that only contain one that does.
CREATE TABLE product (name text, price numeric, created_at timestamptz, place point, mailing boolean, assn text);
-- What has its label already: by type, by what it was computed from, by LIKE.
CREATE TABLE typed (ssn phiguard.ssn);
CREATE TABLE copied AS SELECT ssn AS ssn_number FROM patient;
CREATE TABLE alike (LIKE typed);
SELECT * FROM own_labels;
-- Other ways to make a column.
CREATE TABLE from_query AS SELECT 'x'::text AS email, 1 AS n;
SELECT 'x'::text AS last_name INTO into_table;
CREATE MATERIALIZED VIEW seen AS SELECT 'x'::text AS mrn;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (patient_ssn text) SERVER elsewhere;
PREPARE emails AS SELECT 'x'::text AS email;
CREATE TABLE from_execute AS EXECUTE emails;
DO $$ BEGIN EXECUTE 'CREATE TABLE by_function (passport_number text)'; END $$;
CREATE SCHEMA regress_phig_wing CREATE TABLE ward (patient_name text);
-- Once for a parent, not for what inherits from it.
CREATE TABLE visit (email text, day date) PARTITION BY LIST (day);
CREATE TABLE visit_one PARTITION OF visit DEFAULT;
-- Passed over: nobody else reads them, and views show what tables have.
CREATE TEMP TABLE mine (ssn text);
CREATE VIEW shown AS SELECT 'x'::text AS ssn;
-- What leaves a temporary table is new where it comes to.
CREATE TABLE not_mine AS SELECT * FROM mine;
-- Names are quoted.
CREATE TABLE "Two words" ("Patient ssn" text);

-- label: whoever makes the column, the label is set.
SET phiguard.on_new_column = 'label';
SET ROLE regress_phig_maker;
CREATE TABLE made (email text, n int);
ALTER TABLE made ADD COLUMN ssn text;
RESET ROLE;
SELECT * FROM own_labels WHERE relation = 'made';

-- refuse: the statement fails as a whole.
SET phiguard.on_new_column = 'refuse';
\set VERBOSITY sqlstate
CREATE TABLE refused (ssn text);
\set VERBOSITY default
CREATE TABLE refused (ssn text);
ALTER TABLE product ADD COLUMN email text;
CREATE TABLE refused AS SELECT 'x'::text AS email;
SELECT to_regclass('refused'), count(*) FROM pg_attribute WHERE attrelid = 'product'::regclass AND attname = 'email';
-- With a type that says so, and what is no PHI.
CREATE TABLE accepted (ssn phiguard.ssn, n int);
-- Only a superuser chooses.
SET ROLE regress_phig_maker;
SET phiguard.on_new_column = 'ignore';
RESET ROLE;
-- What looks like a restore is told and no more: its labels come later.
SET search_path = '';
SET check_function_bodies = off;
SET row_security = off;
CREATE TABLE public.restored (ssn text);
RESET search_path;
RESET check_function_bodies;
RESET row_security;

-- By content, where the name says nothing: at the first COPY and the first ANALYZE.
SET phiguard.on_new_column = 'notice';
CREATE TABLE loaded (a text, b text, c text, d text);
COPY loaded (a, b, c) FROM STDIN;
ann01@example.org	red	219-09-1201
ann02@example.org	red	219-09-1202
ann03@example.org	blue	219-09-1203
ann04@example.org	red	219-09-1204
ann05@example.org	red	219-09-1205
ann06@example.org	blue	219-09-1206
ann07@example.org	red	219-09-1207
ann08@example.org	red	219-09-1208
ann09@example.org	blue	219-09-1209
ann10@example.org	red	219-09-1210
ann11@example.org	red	n/a
\.
-- Not twice in a session.
COPY loaded (d) FROM PROGRAM 'echo word';
ANALYZE loaded;
-- What was taken back is looked at again.
CREATE TABLE again (a text);
BEGIN;
COPY again FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10; do echo ann$i@example.org; done';
ROLLBACK;
COPY again FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10; do echo ann$i@example.org; done';
-- A column that comes later has no statistics.
ALTER TABLE loaded ADD COLUMN e text;
UPDATE loaded SET e = 'Patient ' || b || ' was seen by Dr. Beeler on 3/14/2019 and is doing well.', d = 'word';
SET phiguard.on_new_column = 'refuse';
ANALYZE loaded;
SET phiguard.on_new_column = 'label';
ALTER TABLE loaded ADD COLUMN f text;
UPDATE loaded SET f = '10.1.2.' || length(b);
VACUUM (ANALYZE) loaded;
ANALYZE loaded;
SELECT * FROM own_labels WHERE relation = 'loaded';
-- refuse: the rows do not come in.
SET phiguard.on_new_column = 'refuse';
CREATE TABLE unloaded (a text);
COPY unloaded FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo ann$i@example.org; done';
SELECT count(*) FROM unloaded;
-- Reviewed is reviewed.
SECURITY LABEL FOR phiguard ON COLUMN unloaded.a IS 'none';
COPY unloaded FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo ann$i@example.org; done';
SELECT count(*) FROM unloaded;

RESET phiguard.on_new_column;
DROP SCHEMA regress_phig_wing CASCADE;
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
REVOKE CREATE ON SCHEMA public FROM regress_phig_maker;
DROP TABLE made;
DROP ROLE regress_phig_maker;
