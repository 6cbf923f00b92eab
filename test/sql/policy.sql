-- Policies: purposes, rules and grants as an officer makes them, and what they come to.
CREATE EXTENSION phiguard;
SET client_min_messages = notice;
CREATE ROLE regress_phig_science;
CREATE ROLE regress_phig_trainee IN ROLE regress_phig_science;
CREATE TABLE patient (id int PRIMARY KEY, mrn text, ssn text, born date, zip text, sex text, hair text, remark text);
CREATE TABLE visit (id bigint, patient_id int, at timestamptz, day date, cost numeric, note text);
SELECT phiguard.label('patient', NULL, 'subject=id');
SELECT phiguard.label('patient', c, l) FROM (VALUES
('id', 'mrn'), ('mrn', 'mrn'), ('ssn', 'ssn'), ('born', 'date kind=birth'), ('zip', 'geo kind=zip'), ('sex', 'quasi'), ('hair', 'none')) v (c, l);
SELECT phiguard.label('visit', c, l) FROM (VALUES ('at', 'date kind=event'), ('day', 'date kind=event'), ('note', 'note conf=R sens=HIV,PSY')) v (c, l);

-- A purpose has a code of HL7, and shows nothing that no rule speaks of, unless it is treatment.
SELECT phiguard.create_purpose('readmission', 'HRESCH', require_justification => true, basis => 'IRB 2026-114', description => 'Readmission risk model');
SELECT phiguard.create_purpose('care', code => 'TREAT', otherwise => 'clear');
SELECT phiguard.create_purpose('emergency', code => 'ETREAT', otherwise => 'clear', journal_on_failure => 'allow');
SELECT phiguard.create_purpose('billing', code => 'HPAYMT', otherwise => 'clear');
SELECT phiguard.create_purpose('readmission', 'HRESCH');
SELECT phiguard.create_purpose('x', 'RESEARCH');
SELECT phiguard.create_purpose('x', 'HRESCH', otherwise => 'hidden');
SELECT phiguard.create_purpose('x', 'HRESCH', rows => 'some');
SELECT phiguard.create_purpose('x', 'HRESCH', journal_on_failure => 'ignore');
SELECT phiguard.create_purpose('', 'HRESCH');
SELECT phiguard.create_purpose(repeat('x', 129), 'HRESCH');
SELECT phiguard.create_purpose(NULL, 'HRESCH');
SELECT purpose, code, otherwise, rows, require_justification, basis, description, journal_on_failure, created_by FROM phiguard.purposes ORDER BY 1;

-- A rule names one thing, in words that labels have; its transform fits what it reaches.
SELECT phiguard.allow('readmission', category => 'date', transform => 'year');
SELECT phiguard.allow('readmission', category => 'geo', kind => 'zip', transform => 'zip3');
SELECT phiguard.allow('readmission', 'patient', column_name => 'mrn', transform => 'token');
SELECT phiguard.allow('readmission', category => 'quasi');
SELECT phiguard.allow('readmission', category => 'note', sens => 'HIV', transform => 'deny');
SELECT phiguard.allow('readmission', 'patient', column_name => 'mrn', transform => 'mask');
SELECT phiguard.allow('nothing', category => 'date');
SELECT phiguard.allow('readmission', transform => 'mask');
SELECT phiguard.allow('readmission', 'patient', transform => 'mask');
SELECT phiguard.allow('readmission', column_name => 'mrn');
SELECT phiguard.allow('readmission', 'patient', 'nose');
SELECT phiguard.allow('readmission', 'patient', 'mrn', category => 'mrn');
SELECT phiguard.allow('readmission', category => 'dates');
SELECT phiguard.allow('readmission', category => 'none');
SELECT phiguard.allow('readmission', category => 'geo', kind => 'birth');
SELECT phiguard.allow('readmission', kind => 'birth');
SELECT phiguard.allow('readmission', sens => 'HIV', conf => 'R');
SELECT phiguard.allow('readmission', sens => 'COLD');
SELECT phiguard.allow('readmission', conf => 'X');
SELECT phiguard.allow('readmission', category => 'ssn', transform => 'token(');
SELECT phiguard.allow('readmission', category => 'ssn', transform => 'scramble');
SELECT phiguard.allow('readmission', category => 'ssn', transform => 'year');
SELECT phiguard.allow('readmission', 'patient', 'id', transform => 'token');
SELECT phiguard.allow('readmission', 'patient', 'born', transform => 'token');
SELECT phiguard.allow('readmission', 'patient', 'sex', transform => 'zip3');
SELECT phiguard.allow('readmission', 'visit', 'day', transform => 'shift_date');
SELECT purpose, schema, relation, column_name, category, kind, sens, conf, transform, writable, created_by FROM phiguard.rules ORDER BY 1, 2, 3, 4, 5;

-- What it comes to.
SELECT relation, column_name, shown, writable, because, mode FROM phiguard.access_of('regress_phig_science', 'readmission') ORDER BY 1, 2;
SELECT phiguard.grant_purpose('readmission', 'regress_phig_science', expires => '2000-01-01');
SELECT phiguard.grant_purpose('readmission', 'regress_phig_science', expires => 'infinity');
SELECT phiguard.grant_purpose('care', 'regress_phig_trainee', recipient => 'ward 7', agreement => 'none');
SELECT relation, column_name, shown, writable, because FROM phiguard.access_of('regress_phig_science', 'readmission') ORDER BY 1, 2;
SELECT relation, column_name, shown, writable, because FROM phiguard.access_of('regress_phig_trainee', 'care') ORDER BY 1, 2;
SELECT DISTINCT shown, because FROM phiguard.access_of('regress_phig_science', 'care');
SELECT DISTINCT shown, because FROM phiguard.access_of('regress_phig_science', 'nothing');
SELECT DISTINCT shown, because FROM phiguard.access_of('postgres', NULL);
SELECT purpose, grantee, denied, expires, recipient, agreement, granted_by, in_force FROM phiguard.purpose_grants ORDER BY 1, 2;

-- Everybody sees of himself what he may select.
GRANT SELECT ON visit TO regress_phig_science;
GRANT SELECT (zip) ON patient TO regress_phig_science;
SET ROLE regress_phig_trainee;
SELECT purpose, relation, column_name, shown, because FROM phiguard.my_access ORDER BY 1, 2, 3;
SELECT count(*) FROM phiguard.purposes;
SELECT count(*) FROM phiguard.rules;
SELECT count(*) FROM phiguard.purpose_grants;
SELECT count(*) FROM phiguard.access_of('regress_phig_trainee', 'care');
SELECT phiguard.create_purpose('mine', 'TREAT');
SELECT phiguard.allow('care', category => 'date');
SELECT phiguard.grant_purpose('readmission', 'regress_phig_trainee');
RESET ROLE;

-- What enforcement would change, by role: not what is clear, nor what a role may not select anyway, nor for who is exempt.
ALTER ROLE regress_phig_trainee LOGIN;
CREATE ROLE regress_phig_nobody LOGIN IN ROLE regress_phig_science;
SELECT phiguard.deny_purpose('readmission', 'regress_phig_nobody');
SELECT role, purpose, relation, column_name, shown, because FROM phiguard.preflight() WHERE role LIKE 'regress_phig_%' ORDER BY 1, 2, 3, 4;
SELECT count(*) FROM phiguard.preflight() WHERE role = 'postgres';
SELECT phiguard.revoke_purpose('readmission', 'regress_phig_nobody');
DROP ROLE regress_phig_nobody;

-- A denial is stronger than what is inherited; a grant to the role itself takes its place. Who was granted is known by name and number.
SELECT phiguard.deny_purpose('readmission', 'regress_phig_trainee');
SELECT DISTINCT because FROM phiguard.access_of('regress_phig_trainee', 'readmission');
SELECT DISTINCT shown <> 'deny' AS granted FROM phiguard.access_of('regress_phig_science', 'readmission') WHERE column_name = 'zip';
SELECT phiguard.revoke_purpose('readmission', 'regress_phig_trainee');
SELECT phiguard.revoke_purpose('readmission', 'regress_phig_trainee');
SELECT DISTINCT because FROM phiguard.access_of('regress_phig_trainee', 'readmission') WHERE column_name = 'zip';
ALTER ROLE regress_phig_trainee NOINHERIT;
REVOKE regress_phig_science FROM regress_phig_trainee;
SELECT DISTINCT because FROM phiguard.access_of('regress_phig_trainee', 'readmission');
ALTER ROLE regress_phig_science RENAME TO regress_phig_scientist;
SELECT DISTINCT because FROM phiguard.access_of('regress_phig_scientist', 'readmission');
SELECT * FROM phiguard.verify_policy() ORDER BY 1, 2;
ALTER ROLE regress_phig_scientist RENAME TO regress_phig_science;

-- The mode of a relation.
SELECT phiguard.set_mode('visit', 'off');
SELECT phiguard.set_mode('visit', 'on');
SELECT relation, mode FROM phiguard.access_of('postgres', NULL) GROUP BY 1, 2 ORDER BY 1;
SELECT phiguard.set_mode('visit', 'enforce');
SELECT relation, mode FROM phiguard.access_of('postgres', NULL) GROUP BY 1, 2 ORDER BY 1;

-- What a hand has written and nobody understands closes what it is about, and is found.
SELECT phiguard.create_key('readmission');
SELECT * FROM phiguard.verify_policy();
UPDATE phiguard.policy_rule SET category = 'dates' WHERE category = 'date';
SELECT DISTINCT shown, because FROM phiguard.access_of('regress_phig_science', 'readmission');
UPDATE phiguard.policy_rule SET category = 'date', transform = 'Year' WHERE category = 'dates';
SELECT DISTINCT shown, because FROM phiguard.access_of('regress_phig_science', 'readmission');
SELECT * FROM phiguard.verify_policy();
UPDATE phiguard.policy_rule SET transform = 'year' WHERE transform = 'Year';
UPDATE phiguard.policy_purpose SET otherwise = 'clear' WHERE purpose = 'readmission';
SELECT DISTINCT shown, because FROM phiguard.access_of('regress_phig_science', 'readmission');
SELECT * FROM phiguard.verify_policy();
UPDATE phiguard.policy_purpose SET otherwise = 'null', code = 'X' WHERE purpose = 'readmission';
INSERT INTO phiguard.policy_rule (purpose, category, transform, writable, created, created_by) VALUES ('gone', 'date', 'clear', false, now(), 'hand');
INSERT INTO phiguard.policy_mode VALUES ('public', 'patient', 'weak'), ('public', 'nobody', 'off');
SELECT * FROM phiguard.verify_policy() ORDER BY 1, 2, 3;
SELECT DISTINCT relation, mode FROM phiguard.access_of('postgres', NULL) ORDER BY 1;
UPDATE phiguard.policy_purpose SET code = 'HRESCH' WHERE purpose = 'readmission';
DELETE FROM phiguard.policy_rule WHERE purpose = 'gone';
TRUNCATE phiguard.policy_mode;
SELECT * FROM phiguard.verify_policy();
-- A rule twice, of which one is stricter.
INSERT INTO phiguard.policy_rule SELECT purpose, schema, relation, column_name, category, kind, sens, conf, 'null', true, created, created_by FROM phiguard.policy_rule WHERE category = 'geo';
SELECT shown, writable FROM phiguard.access_of('regress_phig_science', 'readmission') WHERE column_name = 'zip';

-- A purpose goes with all that belongs to it.
SELECT phiguard.drop_purpose('readmission');
SELECT phiguard.drop_purpose('readmission');
SELECT (SELECT count(*) FROM phiguard.rules) AS rules, (SELECT string_agg(purpose, ',') FROM phiguard.purpose_grants) AS grants;

-- All of it is on record, in words.
SELECT command, query FROM phiguard.access_log WHERE database = current_database() AND kind = 'policy' AND command !~ 'LABEL|KEY' ORDER BY position;
SELECT count(*) FROM phiguard.access_log WHERE database = current_database() AND query ~ 'IRB|Readmission risk|ward 7';

DROP TABLE patient, visit;
DROP EXTENSION phiguard;
DROP ROLE regress_phig_science, regress_phig_trainee;
