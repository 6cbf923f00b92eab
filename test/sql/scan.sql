-- Scans find what nobody has labelled, and say why; officers decide.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_clerk;

-- By names alone: words, abbreviations, and what is only about an identifier.
CREATE TABLE admissions (
    "patientId" int, pt_fname text, "PT_LNAME" text, dob date, birthyear int, "SSN" text, ssn_last4 text, ssn_verified boolean, home_phone text, phone_type text,
    emailaddr text, email_opt_in boolean, "mailingAddress" text, address_id int, ptcity text, zipcode text, state text, mrn text, "memberId" text, hospacct_no text,
    driver_license_no text, npi_number text, device_serial_number text, license_plate text, patient_portal_url text, client_ip inet, photo bytea, face_embedding float8[],
    admitdt timestamp, los_days int, age_at_admission int, sex text, marital_status text, occupation text, diagnosis_code text, discharge_summary text, notes json,
    platelet_count int, shipment_no text, version int, is_deceased boolean, nok_name text, pcp_name text, county_fips text);
-- A date is a date of somebody only where rows are about somebody.
CREATE TABLE price_list (item text, valid_from date, changed_at timestamptz, drug_name text, unit_price numeric);
SELECT phiguard.scan_schema('public', 0);
SELECT column_name, category, kind, round(confidence::numeric, 2) AS confidence, evidence FROM phiguard.suspects WHERE relation = 'admissions' ORDER BY category, column_name COLLATE "C";
SELECT column_name FROM phiguard.data_dictionary WHERE relation = 'admissions' AND suspicion IS NULL ORDER BY column_name COLLATE "C";
SELECT column_name, suspicion FROM phiguard.data_dictionary WHERE relation = 'price_list' ORDER BY 1;
DROP TABLE admissions, price_list;

-- By content, where the name says nothing; what contradicts a name.
CREATE TABLE t (id int, a text, b text, c text, d text, e text, f text, g text, h bytea, i text, email text, ssn bigint);
INSERT INTO t SELECT i, lpad((i * 7919 % 900)::text, 3, '1') || '-45-' || 1000 + i, 'user' || i || '@example.org', '617-555-' || 1000 + i, (10 + i) || ' Maple Street',
       (ARRAY['Maria', 'Jessica', 'Kevin', 'Brian', 'Susan', 'Nancy', 'Michelle', 'Steven', 'Timothy', 'Deborah', 'Sandra'])[1 + i % 11],
       'The patient was seen on 3/' || 1 + i % 28 || '/2021 by Dr. Beeler and sent home with medication for the pain.',
       'A longer sentence about nothing that would identify any person at all, written out.', '\xffd8ffe000104a46', 'code ' || i % 3, 'none given', 123450000 + i
  FROM generate_series(1, 200) i;
SELECT phiguard.scan_table('t');
SELECT column_name, category, kind, round(confidence::numeric, 2) AS confidence, evidence FROM phiguard.suspects ORDER BY column_name;
-- By names alone there are two; what values have shown is not taken back by a scan without them.
CREATE TABLE by_name (LIKE t);
SELECT phiguard.scan_table('by_name', 0), phiguard.scan_table('t', 0);
SELECT column_name, category, evidence FROM phiguard.suspects WHERE relation = 'by_name' ORDER BY column_name;
SELECT count(*) FROM phiguard.suspects WHERE relation = 't';
DROP TABLE by_name;
-- No value stands anywhere in it.
SELECT count(*) FROM phiguard.suspects s, t WHERE strpos(s.evidence, t.a) > 0 OR strpos(s.evidence, t.b) > 0 OR strpos(s.evidence, t.c) > 0 OR strpos(s.evidence, t.e) > 0 OR s.evidence ~ 'Beeler|Maple';

-- Comment, foreign key, a labelled column that is referenced, statistics.
CREATE TABLE people (code text PRIMARY KEY, x text, y text);
COMMENT ON COLUMN people.x IS 'Social security number of the person';
COMMENT ON COLUMN people.y IS 'Whether there is one';
CREATE TABLE orders (who text REFERENCES people, what text);
SELECT phiguard.label('people', 'code', 'mrn');
INSERT INTO people SELECT i, NULL, NULL FROM generate_series(1, 50) i;
CREATE TABLE accounts (account_no int, n int);
INSERT INTO accounts SELECT i, i FROM generate_series(1, 50) i;
ANALYZE accounts;
SELECT phiguard.scan_table('people'), phiguard.scan_table('orders'), phiguard.scan_table('accounts');
SELECT relation, column_name, category, evidence FROM phiguard.suspects WHERE relation <> 't' ORDER BY 1, 2;

-- Review: an accepted suspect has a label, a rejected one stays rejected, later scans leave both alone.
SELECT phiguard.accept_suspect('t', 'a'), phiguard.accept_suspect('t', 'd', 'geo kind=street conf=R'), phiguard.reject_suspect('t', 'e');
SELECT column_name, state, reviewed IS NOT NULL AS reviewed, reviewed_by FROM phiguard.suspects WHERE relation = 't' ORDER BY 1;
SELECT phiguard.scan_table('t');
SELECT column_name, state FROM phiguard.suspects WHERE relation = 't' ORDER BY 1;
SELECT column_name, category, kind, conf, suspicion FROM phiguard.data_dictionary WHERE relation = 't' AND (category IS NOT NULL OR suspicion IS NOT NULL) ORDER BY 1;
SELECT phiguard.accept_suspect('t', 'id');
SELECT phiguard.accept_suspect('t', 'b', 'mail');
SELECT phiguard.reject_suspect('t', 'nothing');
SELECT phiguard.accept_suspect(NULL, 'b');
-- A column that was dropped and made again is another one; names are followed; a dropped table takes its suspects along.
ALTER TABLE t RENAME e TO given_name;
SELECT column_name, state FROM phiguard.suspects WHERE column_name = 'given_name';
ALTER TABLE t DROP given_name;
ALTER TABLE t ADD given_name text;
SELECT phiguard.scan_table('t', 0);
SELECT column_name, state FROM phiguard.suspects WHERE column_name = 'given_name';
ALTER TABLE t RENAME TO u;
SELECT DISTINCT relation FROM phiguard.suspects ORDER BY 1;
DROP TABLE orders;
SELECT count(*) FROM phiguard.suspect WHERE relation = 'orders';

-- Many at once: first what would be done.
SELECT phiguard.scan_table('u');
SELECT relation, column_name, label, round(confidence::numeric, 2) AS confidence FROM phiguard.label_suspects(0.9) ORDER BY 1, 2;
SELECT count(*) FROM phiguard.labels WHERE relation = 'u';
SELECT relation, column_name, label FROM phiguard.label_suspects(0.9, dry_run => false) ORDER BY 1, 2;
SELECT column_name, label FROM phiguard.labels WHERE relation = 'u' ORDER BY 1;
SELECT column_name, state FROM phiguard.suspects WHERE relation = 'u' ORDER BY 1;
SELECT * FROM phiguard.label_suspects(0.9);
SELECT * FROM phiguard.label_suspects(2);

-- What is scanned: partitions through their parents, materialized views; no views, temporary or system tables.
CREATE TABLE visit (patient_mrn text, day date, note text) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO visit SELECT 'M' || i, date '2020-06-01' + i, 'n' FROM generate_series(1, 400) i;
CREATE VIEW visits AS SELECT * FROM visit;
CREATE MATERIALIZED VIEW last_visit AS SELECT * FROM visit WITH NO DATA;
CREATE TEMP TABLE scratch (ssn text);
CREATE SEQUENCE numbers;
SELECT phiguard.scan_schema('public');
SELECT relation, column_name, category FROM phiguard.suspects WHERE relation LIKE '%visit%' ORDER BY 1, 2;
SELECT phiguard.scan_table('visit_1');
SELECT phiguard.scan_table('visits');
SELECT phiguard.scan_table('scratch');
SELECT phiguard.scan_table('numbers');
SELECT phiguard.scan_table('pg_class');
SELECT phiguard.scan_table('phiguard.suspect');
SELECT phiguard.scan_schema('pg_catalog');
SELECT phiguard.scan_schema('information_schema');
SELECT phiguard.scan_schema('phiguard');
SELECT phiguard.scan_table('visit', -1);
CREATE TABLE no_columns ();
CREATE TABLE no_rows (ssn text);
SELECT phiguard.scan_table('no_columns'), phiguard.scan_table('no_rows');

-- For the officer.
SET ROLE regress_phig_clerk;
SELECT phiguard.scan_table('visit');
SELECT phiguard.scan_schema('public');
SELECT phiguard.accept_suspect('visit', 'note');
SELECT phiguard.reject_suspect('visit', 'note');
SELECT * FROM phiguard.label_suspects(0.5);
SELECT * FROM phiguard.suspects;
SELECT * FROM phiguard.suspect;
RESET ROLE;

-- Each scan and each rejection is on record, by names only.
SELECT DISTINCT command, query FROM phiguard.access_log WHERE database = current_database() AND command IN ('SCAN TABLE', 'REJECT SUSPECT') AND query ~ 'admissions|public.t' ORDER BY 1, 2;
DROP ROLE regress_phig_clerk;
