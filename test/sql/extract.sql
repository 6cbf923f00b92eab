-- Extracts and agreements: what an officer may write, and what everybody is told.
\set VERBOSITY default
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_scientist;
CREATE SCHEMA clinic;
CREATE TABLE clinic.patient (id int PRIMARY KEY, mrn text, name text, birth date, zip text, sex text, hair text);
CREATE TABLE clinic.visit (patient int, admitted date, diagnosis text, note text);
INSERT INTO clinic.patient VALUES (1, 'M1', 'Ann', '1920-02-03', '02138', 'f', 'red'), (2, 'M2', 'Bob', '1980-02-03', '02139', 'm', 'red');
INSERT INTO clinic.visit VALUES (1, '2020-03-04', 'I50', 'seen by Dr. Oak on 3/4/2020'), (2, '2021-05-06', 'J18', 'well');
SELECT count(phiguard.label('clinic.patient', c, l)) FROM (VALUES ('id', 'other'), ('mrn', 'mrn'), ('name', 'name'), ('birth', 'date kind=birth'), ('zip', 'geo kind=zip'), ('sex', 'quasi')) v (c, l);
SELECT count(phiguard.label('clinic.visit', c, l)) FROM (VALUES ('patient', 'other'), ('admitted', 'date kind=event'), ('diagnosis', 'clinical'), ('note', 'note')) v (c, l);
SELECT phiguard.create_purpose('study', 'HRESCH'), phiguard.allow('study', category => 'quasi'), phiguard.allow('study', category => 'clinical'), phiguard.allow('study', category => 'other');
SELECT phiguard.create_purpose('billing', 'HPAYMT'), phiguard.allow('billing', category => 'quasi');

-- Agreements.
SELECT phiguard.create_agreement('dua', 'DUA', 'University X', '{study}', effective => '2020-01-01', expires => '2199-01-01', reference => 'c/1');
SELECT phiguard.create_agreement('dua', 'DUA', 'University X', '{study}');  -- error: there is one
SELECT phiguard.create_agreement('nda', 'NDA', 'University X', '{study}');  -- error: kind
SELECT phiguard.create_agreement('two', 'DUA', 'University X', '{other}');  -- error: purpose
SELECT phiguard.create_agreement('two', 'DUA', 'University X', '{}');  -- error: no purpose
SELECT phiguard.create_agreement('two', 'DUA', '', '{study}');  -- error: no party
SELECT phiguard.create_agreement('two', 'DUA', 'University X', '{study}', expires => '2001-01-01');  -- error: over
SELECT phiguard.end_agreement('two');  -- error: there is none
SELECT phiguard.create_agreement('pay', 'BAA', 'Clearing house', '{billing}', effective => '2020-01-01');
SELECT name, kind, party, purposes, reference, in_force FROM phiguard.agreements ORDER BY name;

-- All that is wrong, at once.
SELECT phiguard.create_extract('train', $$ SELECT upper(name) AS n, birth, zip, hair, note, pg_backend_pid() FROM clinic.patient JOIN clinic.visit ON patient = id $$, 'study');
SELECT phiguard.create_extract('train', 'SELECT 1; SELECT 2', 'study');  -- error
SELECT phiguard.create_extract('train', 'DELETE FROM clinic.visit', 'study');  -- error
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'other');  -- error: purpose
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'study', 'anonymous');  -- error: method
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'study', agreement => 'two');  -- error: agreement
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'study', 'limited_data_set');
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'billing', 'limited_data_set', 'pay');
SELECT phiguard.create_extract('train', 'SELECT sex FROM clinic.patient', 'study', agreement => 'pay');
SELECT count(*) FROM pg_views WHERE viewname = 'train';

-- One that is proven, and what it waits for.
SELECT phiguard.create_extract('clinic.train', $$
  SELECT phiguard.birth_year(birth, current_date) AS born, phiguard.zip3(zip) AS zip3, sex, phiguard.year(admitted) AS year, diagnosis, phiguard.redact(note) AS note
    FROM clinic.patient JOIN clinic.visit ON patient = id $$, 'study', agreement => 'dua');
SELECT * FROM phiguard.check_extract('clinic.train');
GRANT USAGE ON SCHEMA clinic TO regress_phig_scientist;
GRANT SELECT ON clinic.train TO regress_phig_scientist;
SELECT * FROM clinic.train;  -- error: nobody has attested
SELECT phiguard.attest_extract('clinic.train', '');  -- error
SELECT phiguard.attest_extract('clinic.train', 'No actual knowledge', '-1 day');  -- error
SELECT phiguard.attest_extract('clinic.other', 'No actual knowledge');  -- error
SELECT phiguard.attest_extract('clinic.train', 'No actual knowledge');
SELECT * FROM clinic.train;  -- error: it does not name the redacted text
SELECT phiguard.attest_extract('clinic.train', 'No actual knowledge', redacted => '{note}');
SET ROLE regress_phig_scientist;
SELECT zip3, sex, year, diagnosis FROM clinic.train ORDER BY year;
SELECT * FROM phiguard.extracts;  -- error
SELECT phiguard.create_extract('x', 'SELECT 1', 'study');  -- error
RESET ROLE;
SELECT schema, relation, purpose, method, agreement, recipient, closed, attestation, redacted FROM phiguard.extracts;

-- Replaced: columns stay, and it has to be attested anew.
SELECT phiguard.replace_extract('clinic.train', 'SELECT sex FROM clinic.patient');  -- error: as CREATE OR REPLACE VIEW
SELECT phiguard.replace_extract('clinic.train', purpose => 'billing');  -- error
SELECT phiguard.replace_extract('clinic.train', method => 'limited_data_set');  -- error: free text
SELECT phiguard.replace_extract('clinic.train', $$
  SELECT phiguard.birth_year(birth, current_date) AS born, phiguard.zip3(zip) AS zip3, sex, phiguard.year(admitted) AS year, diagnosis, phiguard.mask(note) AS note, count(*) OVER () AS n
    FROM clinic.patient JOIN clinic.visit ON patient = id $$);
SELECT closed FROM phiguard.extracts;
SELECT phiguard.attest_extract('clinic.train', 'No actual knowledge');
SELECT zip3, note, n FROM clinic.train;

-- Twins are nobody's to call.
SELECT proname, count(*) FROM pg_proc WHERE prosrc = 'phiguard_twin_in_extract' GROUP BY 1 ORDER BY 1;

SELECT phiguard.drop_extract('train');  -- error: not in the search path
SELECT phiguard.drop_extract('clinic.train');
SELECT phiguard.drop_extract('clinic.train');  -- error
SELECT to_regclass('clinic.train'), (SELECT count(*) FROM phiguard.extract);
SELECT phiguard.end_agreement('dua');
SELECT name, in_force FROM phiguard.agreements ORDER BY name;
SELECT phiguard.within_limits('{"k": {"min": 11}, "r": {"max": 0.09}}', r) FROM (VALUES ('{"k": 11, "r": 0.09}'::jsonb), ('{"k": 10, "r": 0.09}'), ('{"k": 11, "r": 0.091}'), ('{"k": 11}'), ('{}')) v (r);
SELECT phiguard.within_limits('{}', '{"k": 11}'), phiguard.within_limits('{"k": {}}', '{"k": 11}'), phiguard.within_limits('{"k": 11}', '{"k": 11}'),
       phiguard.within_limits('{"k": {"min": 11}}', '{"k": "NaN"}'), phiguard.within_limits('{"k": {"min": 11}}', '{"k": null}');
SELECT phiguard.within_limits('{"k": {"max": "NaN"}}', '{"k": 11}');  -- error
DROP OWNED BY regress_phig_scientist;
DROP ROLE regress_phig_scientist;
