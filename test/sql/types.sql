-- The PHI types accept what is published, refuse the rest with a text that says
-- what is valid, and never say what the value was.
CREATE EXTENSION phiguard;

-- Every type: what it is underneath, its check, its label.
SELECT t.typname AS type, format_type(t.typbasetype, t.typtypmod) AS base,
       pg_get_constraintdef(c.oid) AS "check", l.label
  FROM pg_type t
  LEFT JOIN pg_constraint c ON c.contypid = t.oid
  LEFT JOIN pg_seclabel l ON l.classoid = 'pg_type'::regclass AND l.objoid = t.oid AND l.provider = 'phiguard'
 WHERE t.typnamespace = 'phiguard'::regnamespace AND t.typtype = 'd'
 ORDER BY t.typname COLLATE "C";

-- None lacks a comment.
SELECT typname FROM pg_type
 WHERE typnamespace = 'phiguard'::regnamespace AND typtype = 'd' AND obj_description(oid, 'pg_type') IS NULL;

-- The texts of a refusal.
SELECT '123-45-678'::phiguard.ssn;
SELECT '900-12-3456'::phiguard.ssn_strict;
SELECT '1234567890'::phiguard.npi_strict;
SELECT '3600'::phiguard.zip_code;
SELECT 'infinity'::phiguard.birth_date;
SELECT phiguard.check_value('123-45-6789', 'social');
\set VERBOSITY sqlstate
SELECT '123-45-678'::phiguard.ssn;
SELECT phiguard.check_value('ssn', '123-45-6789');
\set VERBOSITY default

-- What a value is to a type: valid, or what the refusal complains of; LEAK when any text of it holds the value.
CREATE FUNCTION pg_temp.verdict(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; context text; con text; dt text;
BEGIN
    EXECUTE format('SELECT $1::phiguard.%I', type) USING value;
    RETURN 'valid';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT, con = CONSTRAINT_NAME, dt = PG_DATATYPE_NAME;
    IF strpos(concat_ws(' ', message, detail, hint, context, con, dt), value) > 0 AND value <> '' THEN
        RETURN 'LEAK';
    ELSIF state <> '23514' OR message <> 'invalid value for type phiguard.' || type OR dt <> type
        OR con <> type || '_check' OR detail !~ '\.$' THEN
        RETURN format('%s %s %s', state, message, detail);
    END IF;
    RETURN CASE WHEN hint ~ 'check digit|last digit' THEN 'check digit' WHEN hint = '' OR hint ~ '^(Use NULL|Where)' THEN 'shape' ELSE 'range' END;
END $$;

CREATE TEMP TABLE cases (n serial, type text, value text, expected text);

-- Social Security numbers: SSA's ranges since 2011.
INSERT INTO cases (type, value, expected) VALUES
('ssn', '219-09-1234', 'valid'), ('ssn', '219 09 1234', 'valid'), ('ssn', '219.09.1234', 'valid'), ('ssn', '219091234', 'valid'),
('ssn', '999-17-5017', 'valid'), ('ssn', '912-70-1234', 'valid'), ('ssn', '666-12-3456', 'valid'), ('ssn', '000-00-0000', 'valid'),
('ssn', '219-09 1234', 'shape'), ('ssn', '2190-9-1234', 'shape'), ('ssn', '219-091-234', 'shape'), ('ssn', '219-09-12345', 'shape'),
('ssn', '21909123', 'shape'), ('ssn', '219-09-123A', 'shape'), ('ssn', '', 'shape'), ('ssn', ' 219-09-1234', 'shape'),
('ssn', '219--091234', 'shape'), ('ssn', '-2190912345', 'shape'), ('ssn', '***-**-1234', 'shape'),
('ssn', E'\xEF\xBC\x92\xEF\xBC\x91\xEF\xBC\x99', 'shape'),
('ssn_strict', '219-09-1234', 'valid'), ('ssn_strict', '899-99-9999', 'valid'), ('ssn_strict', '001-01-0001', 'valid'),
('ssn_strict', '665-12-3456', 'valid'), ('ssn_strict', '667123456', 'valid'),
('ssn_strict', '666-12-3456', 'range'), ('ssn_strict', '123-00-4567', 'range'), ('ssn_strict', '123-45-0000', 'range'),
('ssn_strict', '900-12-3456', 'range'), ('ssn_strict', '000-12-3456', 'range'), ('ssn_strict', '999-17-5017', 'range'),
('ssn_strict', '078-05-1120', 'range'), ('ssn_strict', '219099999', 'range'), ('ssn_strict', '219-9-1234', 'shape');

-- National Provider Identifier: 45 CFR 162.406.
INSERT INTO cases (type, value, expected) VALUES
('npi', '1234567893', 'valid'), ('npi', '1234567890', 'valid'), ('npi', '9999999999', 'valid'),
('npi', '123456789', 'shape'), ('npi', '12345678931', 'shape'), ('npi', '123456789A', 'shape'),
('npi_strict', '1234567893', 'valid'), ('npi_strict', '1234567890', 'check digit'), ('npi_strict', '3234567893', 'range'),
('npi_strict', '12345-6789', 'shape');

-- Medicare Beneficiary Identifier (CMS's sample) and other plan numbers.
INSERT INTO cases (type, value, expected) VALUES
('health_plan_id_strict', '1EG4-TE5-MK73', 'valid'), ('health_plan_id_strict', '1EG4TE5MK73', 'valid'),
('health_plan_id_strict', '1SG4-TE5-MK73', 'range'), ('health_plan_id_strict', '0EG4-TE5-MK73', 'range'),
('health_plan_id_strict', '1EG4-TE5-MKA3', 'range'), ('health_plan_id_strict', '1eg4-te5-mk73', 'shape'),
('health_plan_id_strict', '1EG-4TE5-MK73', 'shape'), ('health_plan_id_strict', '1EG4TE5MK7', 'shape'),
('health_plan_id', '2277431c-b682-4a3d-2990-8bef6f1bd4f9', 'valid'), ('health_plan_id', 'XYZ123456789', 'valid'),
('health_plan_id', 'Blue Cross', 'shape');

-- DEA registrations, licences, passports.
INSERT INTO cases (type, value, expected) VALUES
('license_number_strict', 'AB1234563', 'valid'), ('license_number_strict', 'A91234563', 'valid'), ('license_number_strict', 'AB1234563-012', 'valid'),
('license_number_strict', 'AB1234567', 'check digit'), ('license_number_strict', 'IB1234563', 'range'),
('license_number_strict', 'ab1234563', 'shape'), ('license_number_strict', 'AB123456', 'shape'), ('license_number_strict', 'AB1234563-', 'shape'),
('license_number_strict', 'AB1234563012', 'shape'),
('license_number', 'S99959468', 'valid'), ('license_number', 'X15315736X', 'valid'), ('license_number', 'WDL*12AB345C', 'valid'),
('license_number', 'none on file', 'shape'), ('license_number', 'S99959468;', 'shape');

-- Payment cards and bank routing numbers.
INSERT INTO cases (type, value, expected) VALUES
('account_number_strict', '4111111111111111', 'valid'), ('account_number_strict', '4111 1111 1111 1111', 'valid'),
('account_number_strict', '378282246310005', 'valid'), ('account_number_strict', '3782-822463-10005', 'valid'),
('account_number_strict', '2223003122003222', 'valid'), ('account_number_strict', '021000021', 'valid'),
('account_number_strict', '4111111111111112', 'check digit'), ('account_number_strict', '021000022', 'check digit'),
('account_number_strict', '9111111111111111', 'range'), ('account_number_strict', '37828224631000', 'range'), ('account_number_strict', '991000021', 'range'),
('account_number_strict', '4111 1111-1111 1111', 'shape'), ('account_number_strict', '411111111111', 'shape'),
('account_number_strict', '41111111111111111111', 'shape'), ('account_number_strict', '02100002A', 'shape'),
('account_number', 'HAR 0012345', 'valid'), ('account_number', 'pending', 'shape'), ('account_number', 'HAR  0012345', 'shape');

-- Vehicle identification numbers (49 CFR 565.15) and plates.
INSERT INTO cases (type, value, expected) VALUES
('vehicle_id_strict', '1M8GDM9AXKP042788', 'valid'), ('vehicle_id_strict', '1HGCM82633A004352', 'valid'), ('vehicle_id_strict', '11111111111111111', 'valid'),
('vehicle_id_strict', '1HGCM82643A004352', 'check digit'), ('vehicle_id_strict', '1HGCM8263UA004352', 'range'), ('vehicle_id_strict', '1HGCM82633A0043AB', 'range'),
('vehicle_id_strict', '1HGCM8263OA004352', 'shape'), ('vehicle_id_strict', '1HGCM82633A00435', 'shape'), ('vehicle_id_strict', '1HGCM826Y3A004352', 'shape'),
('vehicle_id', '1HGCM82643A004352', 'valid'), ('vehicle_id', 'GOBRUINS', 'valid'), ('vehicle_id', '---', 'shape'), ('vehicle_id', 'ABC{123', 'shape');

-- Devices: UDI, IMEI, MAC; Synthea's UDIs have random check digits.
INSERT INTO cases (type, value, expected) VALUES
('device_id_strict', '(01)00614141999996', 'valid'), ('device_id_strict', '00614141999996', 'valid'),
('device_id_strict', '(01)00614141999996(17)290315(10)A1(21)488266988', 'valid'), ('device_id_strict', '010061414199999617290315', 'valid'),
('device_id_strict', '490154203237518', 'valid'), ('device_id_strict', '00:1A:2b:3c:4D:5e', 'valid'), ('device_id_strict', '00-1A-2B-3C-4D-5E', 'valid'),
('device_id_strict', '001a.2b3c.4d5e', 'valid'),
('device_id_strict', '(01)00614141999995', 'check digit'), ('device_id_strict', '490154203237519', 'check digit'),
('device_id_strict', '(01)13465995954590(11)760704(17)010719(10)8477791433724820(21)488266988', 'check digit'),
('device_id_strict', '(01)00614141999996(17)291315', 'range'), ('device_id_strict', '00:00:00:00:00:00', 'range'), ('device_id_strict', 'ff-ff-ff-ff-ff-ff', 'range'),
('device_id_strict', '(01)0061414199999A', 'shape'), ('device_id_strict', '(01)00614141999996(1)290315', 'shape'), ('device_id_strict', '(01)00614141999996(17)', 'shape'),
('device_id_strict', '(01)00614141999996(10', 'shape'), ('device_id_strict', '00:1A-2B:3C:4D:5E', 'shape'), ('device_id_strict', 'SN-12345', 'shape'),
('device_id', '(01)13465995954590(11)760704(17)010719(10)8477791433724820(21)488266988', 'valid'), ('device_id', '+H123PARTNO1234567890120/$$420020216LOT123456789012345', 'valid'),
('device_id', 'SN 12345', 'valid'), ('device_id', '()', 'shape'), ('device_id', E'SN\xC2\xA012345', 'shape');

-- Telephone and fax: the North American Numbering Plan for the strict ones.
INSERT INTO cases (type, value, expected) VALUES
('phone', '(617) 555-0142', 'valid'), ('phone', '6175550142', 'valid'), ('phone', '555-0142', 'valid'), ('phone', '1-877-267-2323', 'valid'), ('phone', '555-123-4567', 'valid'),
('phone', '+1 617.555.0142 ext. 12', 'valid'), ('phone', '617-555-0142x99', 'valid'), ('phone', '+44 20 7946 0958', 'valid'), ('phone', '117-555-0142', 'valid'),
('phone', '617-555', 'shape'), ('phone', '(617 555-0142', 'shape'), ('phone', '617-555-0142 ext', 'shape'), ('phone', '617-555-0142x1234567', 'shape'),
('phone', '+1234567', 'shape'), ('phone', '1234567890123456', 'shape'), ('phone', 'call 617-555-0142', 'shape'), ('phone', '617+5550142', 'shape'), ('phone', '-6175550142', 'shape'),
('phone_strict', '(617) 555-0142', 'valid'), ('phone_strict', '+1 (617) 555-0142 x5', 'valid'), ('phone_strict', '16175550142', 'valid'),
('phone_strict', '117-555-0142', 'range'), ('phone_strict', '617-155-0142', 'range'), ('phone_strict', '911-555-0142', 'range'), ('phone_strict', '617-411-0142', 'range'),
('phone_strict', '697-555-0142', 'range'), ('phone_strict', '555-0142', 'range'), ('phone_strict', '+44 20 7946 0958', 'range'), ('phone_strict', '617-555-014', 'range'),
('phone_strict', '617-55', 'shape'),
('fax', '617-555-0199', 'valid'), ('fax', 'F: 617-555-0199', 'shape'), ('fax_strict', '617-555-0199', 'valid'), ('fax_strict', '017-555-0199', 'range');

-- ZIP codes.
INSERT INTO cases (type, value, expected) VALUES
('zip_code', '02155', 'valid'), ('zip_code', '02155-1234', 'valid'), ('zip_code', '021551234', 'valid'), ('zip_code', '00000', 'valid'),
('zip_code', '2155', 'shape'), ('zip_code', '02155-', 'shape'), ('zip_code', '02155 1234', 'shape'), ('zip_code', 'K1A 0B1', 'shape'), ('zip_code', '0215512345', 'shape'),
('zip_code_strict', '00501', 'valid'), ('zip_code_strict', '99950-0001', 'valid'), ('zip_code_strict', '00500', 'range'), ('zip_code_strict', '99951', 'range'),
('zip_code_strict', '9995', 'shape');

-- E-mail and web addresses.
INSERT INTO cases (type, value, expected) VALUES
('email', 'j.doe+lab@example.org', 'valid'), ('email', 'o''reilly@mail.example.co', 'valid'), ('email', '"j doe"@example.org', 'valid'), ('email', E'jos\xC3\xA9@example.org', 'valid'),
('email', 'user@epic.local', 'valid'), ('email', 'a@xn--bcher-kva.example', 'valid'),
('email', 'j.doe@localhost', 'shape'), ('email', 'j..doe@example.org', 'shape'), ('email', '.j@example.org', 'shape'), ('email', 'example.org', 'shape'), ('email', '@example.org', 'shape'),
('email', 'j doe@example.org', 'shape'), ('email', 'j@-example.org', 'shape'), ('email', 'j@example..org', 'shape'), ('email', 'j@example.1', 'shape'), ('email', '"j"doe"@example.org', 'shape'),
('email', repeat('a', 65) || '@example.org', 'shape'),
('url', 'https://portal.example.org/p/1?x=2#top', 'valid'), ('url', 'www.example.org', 'valid'), ('url', 'portal.example.org/p/1', 'valid'), ('url', 'ftp://10.0.0.1/x', 'valid'), ('url', 'portal.example.org:8443/x', 'valid'),
('url', 'portal.example.org', 'shape'), ('url', 'not a url', 'shape'), ('url', 'https://', 'shape'), ('url', 'b.i.d.', 'shape'), ('url', 'https://example.org/a b', 'shape'), ('url', '://example.org', 'shape');

-- Names, places, numbers without a published form.
INSERT INTO cases (type, value, expected) VALUES
('person_name', 'Maynard46', 'valid'), ('person_name', 'O''Reilly797', 'valid'), ('person_name', E'Mar\xC3\xADa Jos\xC3\xA9 de la Cruz-Garc\xC3\xADa', 'valid'), ('person_name', 'J.', 'valid'), ('person_name', 'Mrs.', 'valid'),
('person_name', '', 'shape'), ('person_name', '   ', 'shape'), ('person_name', '219-09-1234', 'shape'), ('person_name', E'Doe\tJane', 'shape'), ('person_name', repeat('n', 401), 'shape'),
('street_address', '784 Stamm Lock Unit 46', 'valid'), ('street_address', E'1 Main St\nApt 4', 'valid'), ('street_address', '-', 'shape'), ('street_address', E'1 Main\x01St', 'shape'),
('city', 'Boston  Massachusetts  US', 'valid'), ('city', '02155', 'shape'),
('mrn', '00123456', 'valid'), ('mrn', 'MRN-000123', 'valid'), ('mrn', '3edac2e3-d223-6fae-d515-daf96ef6bc76', 'valid'), ('mrn', 'Smith', 'shape'), ('mrn', '12345 ', 'shape'), ('mrn', '12345^^^HOSP', 'shape'), ('mrn', repeat('1', 65), 'shape'),
('other_id', 'study subject 7', 'valid'), ('other_id', '', 'shape'), ('other_id', E'subject\n7', 'shape');

-- Only what is not as expected, and nothing leaks.
SELECT n, type, value, expected, pg_temp.verdict(type, value) AS got
  FROM cases WHERE pg_temp.verdict(type, value) IS DISTINCT FROM expected ORDER BY n;

-- Every type with a check of its own was tried both ways.
SELECT t.typname FROM pg_type t JOIN pg_constraint c ON c.contypid = t.oid
 WHERE t.typnamespace = 'phiguard'::regnamespace AND t.typbasetype = 'text'::regtype
   AND (SELECT count(DISTINCT expected = 'valid') FROM cases WHERE type = t.typname) < 2;

-- The other base types: dates may lie in the future, infinity is none.
SELECT to_char('2150-01-01'::phiguard.birth_date, 'YYYY') AS in_the_future;
SELECT '-infinity'::phiguard.event_date;
SELECT 'infinity'::phiguard.event_time;
SELECT '192.0.2.1'::phiguard.ip_address AS v4, '2001:db8::1'::phiguard.ip_address AS v6,
       '\xffd8ff'::phiguard.photo AS photo, '\x464d52'::phiguard.biometric AS biometric, ''::phiguard.clinical_note AS note;

-- All that Synthea generates goes in.
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/data/synthea/patients.csv'
CREATE TEMP TABLE patient (
    id phiguard.mrn, born phiguard.birth_date, died phiguard.event_date, ssn phiguard.ssn,
    driver phiguard.license_number, passport phiguard.license_number, prefix phiguard.person_name,
    first phiguard.person_name, last phiguard.person_name, suffix phiguard.person_name, maiden phiguard.person_name,
    marital text, race text, ethnicity text, gender text, birth_place phiguard.city, address phiguard.street_address,
    city phiguard.city, state text, county phiguard.city, zip phiguard.zip_code, lat float8, lon float8,
    expenses numeric, coverage numeric);
COPY patient FROM :'file' (FORMAT csv, HEADER);
SELECT count(*) AS patients, count(ssn) AS ssns, count(driver) AS drivers, count(zip) AS zips FROM patient;
DROP TABLE patient;

-- NULL passes everywhere; whoever has no grant at all can use the types.
CREATE ROLE regress_phig_types;
SET ROLE regress_phig_types;
CREATE TEMP TABLE person (
    id phiguard.mrn, name phiguard.person_name, ssn phiguard.ssn, born phiguard.birth_date, phones phiguard.phone[], note phiguard.clinical_note);
INSERT INTO person VALUES
    (NULL, NULL, NULL, NULL, NULL, NULL),
    ('A1', 'Curt84 Schmidt332', '999-50-8136', '2008-04-07', '{555-0142,508-222-5200}', 'seen by phone 555-0142');
INSERT INTO person (phones) VALUES ('{555-0142,none}');
UPDATE person SET ssn = 'unknown';
SELECT * FROM person ORDER BY id NULLS FIRST;
RESET ROLE;
DROP TABLE person;
DROP ROLE regress_phig_types;
