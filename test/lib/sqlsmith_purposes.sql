-- Purposes over what sqlsmith.sql makes, and values that can be recognised wherever they turn up (103_enforce_sqlsmith.pl).
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- A value of a column that no purpose shows holds a mark, one of those that marks() in the test knows.
UPDATE clinic.patient SET phi_name = 'Zqxwvkjname' || id, phi_ssn = '917-61-000' || id, phi_tax = '917-61-001' || id,
	phi_born = '1961-07-13'::date + 1461 * id, phi_zip = '8735' || id, phi_phones = ARRAY['998-877-665' || id]::phiguard.phone[],
	phi_home = ROW(('Zqxwvkjstreet ' || id)::phiguard.street_address, ('998-877-664' || id)::phiguard.phone, 'remark')::clinic.contact,
	phi_note = 'Zqxwvkjnote ' || id;
UPDATE clinic.visit SET phi_day = make_date(extract(year FROM phi_day)::int, 7, 13), phi_reason = 'Zqxwvkjreason ' || id, phi_cost = 73519.37 + id / 1000.0;
UPDATE clinic.document SET phi_text = 'Zqxwvkjtext ' || id, phi_author = 'Zqxwvkjauthor ' || id;
UPDATE clinic.letter SET phi_recipient = 'Zqxwvkjreader ' || id;
UPDATE clinic.scan SET phi_image = '\xfeedfacefeed';
UPDATE clinic.lab SET phi_value = 73.5193 + length(code), phi_taken = '2022-07-13 07:13:37.4173+00', phi_device = 'ZQXWVKJDEV' || code;
UPDATE clinic.secret SET phi_key = 735193700 + id, phi_payload = 'Zqxwvkjpayload ' || id;
UPDATE clinic.numbered SET phi_mrn = 'ZQXWVKJM-' || id;
REFRESH MATERIALIZED VIEW clinic.monthly;
ANALYZE;

SELECT phiguard.label('clinic.patient', 'id', 'token'), phiguard.label('clinic.patient', NULL, 'subject=id') \g /dev/null
-- One table has not been reviewed: what is not labelled there goes the way of otherwise.
SELECT count(phiguard.review(c)) FROM unnest('{clinic.patient,clinic.visit,clinic.document,clinic.letter,clinic.scan,clinic.secret,clinic.numbered,clinic.monthly}'::regclass[]) c \g /dev/null
SELECT phiguard.create_key('smith') \g /dev/null

CREATE FUNCTION pg_temp.allow(purpose text, relation regclass, columns name[], transform text) RETURNS bigint
	LANGUAGE sql AS 'SELECT count(phiguard.allow(purpose, relation, c, transform => allow.transform)) FROM unnest(columns) c';
\o /dev/null
SELECT phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'mask');
SELECT phiguard.allow('study', category => 'token');
SELECT pg_temp.allow('study', 'clinic.patient', '{phi_name,phi_ssn}', 'token(smith)');
SELECT pg_temp.allow('study', 'clinic.patient', '{phi_born}', 'birth_year');
SELECT pg_temp.allow('study', 'clinic.patient', '{phi_zip}', 'zip3');
SELECT pg_temp.allow('study', 'clinic.patient', '{phi_home}', 'null');
SELECT pg_temp.allow('study', 'clinic.visit', '{phi_day}', 'year');
SELECT pg_temp.allow('study', 'clinic.visit', '{phi_reason}', 'mask(0)');
SELECT pg_temp.allow('study', 'clinic.document', '{phi_author}', 'token(smith)');
SELECT pg_temp.allow('study', 'clinic.lab', '{patient_id,code}', 'clear');
SELECT pg_temp.allow('study', 'clinic.lab', '{phi_taken}', 'year');

SELECT phiguard.create_purpose('count', code => 'HRESCH', otherwise => 'null');
SELECT phiguard.allow('count', category => 'token');
SELECT pg_temp.allow('count', 'clinic.document', '{phi_text}', 'mask');
SELECT pg_temp.allow('count', 'clinic.patient', '{phi_ssn}', 'token(smith)');
SELECT phiguard.allow('count', 'clinic.patient', 'phi_note', transform => 'null', writable => true);

SELECT phiguard.create_purpose('narrow', code => 'HOPERAT', otherwise => 'deny');
SELECT phiguard.allow('narrow', category => 'token');
SELECT pg_temp.allow('narrow', 'clinic.patient', '{phi_name,phi_initial}', 'mask');
SELECT pg_temp.allow('narrow', 'clinic.patient', '{phi_tax}', 'token(smith)');
SELECT pg_temp.allow('narrow', 'clinic.visit', '{phi_day}', 'year');
SELECT pg_temp.allow('narrow', 'clinic.visit', '{phi_reason}', 'null');
SELECT pg_temp.allow('narrow', 'clinic.lab', '{patient_id,code,unit}', 'clear');

-- Rows: some of their conditions read other tables, labelled ones too, and one is on a partitioned table.  What they hide is marked
-- in columns that are clear.
UPDATE clinic.patient SET weight = 73519.375 WHERE id = 9;
UPDATE clinic.visit SET room = 7351937 WHERE id = 12;
UPDATE clinic.document SET tags = '{Zqxwvkjtag}' WHERE id IN (3, 13);
SELECT phiguard.allow_rows('study', 'clinic.patient', 'id < 9 AND phi_name IS NOT NULL');
SELECT phiguard.allow_rows('study', 'clinic.visit', $$EXISTS (SELECT FROM clinic.patient p WHERE p.id = patient_id AND p.phi_born < '2000-01-01') AND visit.id <> 12$$);
SELECT phiguard.allow_rows('study', 'clinic.document', 'id NOT IN (3, 13)');
SELECT phiguard.allow_rows('count', 'clinic.patient', 'id < 5');
SELECT phiguard.allow_rows('count', 'clinic.patient', $$id BETWEEN 5 AND 8 AND ward <> 'east'$$);
SELECT phiguard.allow_rows('count', 'clinic.patient', 'weight < 1000', restrictive => true);
SELECT phiguard.allow_rows('count', 'clinic.visit', 'room < 10');
SELECT phiguard.allow_rows('count', 'clinic.document', 'id NOT IN (3, 13)');
SELECT phiguard.allow_rows('narrow', 'clinic.patient', 'id < 9');
SELECT phiguard.allow_rows('narrow', 'clinic.visit', 'id <> 12 AND room IN (SELECT id FROM plain.room UNION ALL SELECT 0)');
SELECT phiguard.allow_rows('narrow', 'clinic.document', 'id NOT IN (3, 13)');

-- Codes are for who may write none of the tables.  Another comes by the same purpose as a member.
REVOKE smith FROM smith_parallel;
GRANT USAGE ON SCHEMA clinic, plain, phiguard, sieve TO smith_parallel;
GRANT SELECT ON ALL TABLES IN SCHEMA clinic, plain, sieve TO smith_parallel;
REVOKE ALL ON clinic.secret FROM smith_parallel;
GRANT SELECT (id, hint) ON clinic.secret TO smith_parallel;
SELECT phiguard.grant_purpose('study', 'smith_parallel');
SELECT phiguard.grant_purpose('study', 'smith');
SELECT phiguard.grant_purpose('count', 'smith_indexed');
SELECT phiguard.grant_purpose('narrow', 'smith_wise');
\o
ALTER ROLE smith_plain SET phiguard.purpose = 'study';
ALTER ROLE smith_parallel SET phiguard.purpose = 'study';
ALTER ROLE smith_indexed SET phiguard.purpose = 'count';
ALTER ROLE smith_wise SET phiguard.purpose = 'narrow';
