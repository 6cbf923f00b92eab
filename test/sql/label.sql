-- Labels: the words, the errors, and who may add, raise, lower and remove them.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_owner;
CREATE ROLE regress_phig_officer;
CREATE ROLE regress_phig_clerk;
GRANT CREATE ON SCHEMA public TO regress_phig_owner;

SET ROLE regress_phig_owner;
CREATE TABLE patient (id bigint, ssn text, zip text, note text, sex text, hair text);
CREATE DOMAIN member_no AS text;
RESET ROLE;

-- Every category, every kind of it, the confidentiality codes and the sensitivity codes are accepted, in any case and order.
DO $$
DECLARE
    kinds constant jsonb := '{
      "name": ["family","full","given","initials","maiden","provider","relative"],
      "geo": ["city","county","facility","point","state","street","zip"],
      "date": ["birth","death","event"], "phone": ["home","mobile","work"], "fax": [], "email": [],
      "ssn": ["itin","last4"], "mrn": ["accession","encounter","patient"],
      "health_plan": ["group","hicn","mbi","medicaid","member"], "account": ["bank","billing","card"],
      "license": ["dea","driver","npi","passport","professional"], "vehicle": ["plate","vin"],
      "device": ["imei","implant","mac","serial","udi"], "url": [], "ip": ["v4","v6"],
      "biometric": ["face","fingerprint","gait","iris","voice"], "photo": ["face","scan"],
      "other": ["barcode","employer","occupation","trial","username"], "age": [],
      "note": ["clinical","psychotherapy"],
      "clinical": ["diagnosis","genetic","lab","medication","procedure","vital"],
      "token": ["hash","keyed","random","sealed"],
      "quasi": ["ethnicity","facility","language","marital","occupation","race","sex","year","zip3"], "none": []}';
    word text;
    sub text;
    n int := 0;
BEGIN
    FOR word IN SELECT jsonb_object_keys(kinds) LOOP
        EXECUTE format('SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS %L', word);
        n := n + 1;
        FOR sub IN SELECT jsonb_array_elements_text(kinds -> word) LOOP
            EXECUTE format('SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS %L', word || ' kind=' || sub);
            n := n + 1;
        END LOOP;
    END LOOP;
    FOREACH word IN ARRAY '{U,L,M,N,R,V}'::text[] LOOP
        EXECUTE format('SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS %L', 'note conf=' || word);
        n := n + 1;
    END LOOP;
    FOREACH word IN ARRAY '{ADOL,B,BH,CEL,COGN,DEMO,DIA,DOB,DRGIS,DVD,EMOTDIS,EMP,EMPL,ETH,ETHUD,GDIS,GENDER,HIV,IDS,LIVARG,LOCIS,
            MARST,MH,MST,OPIOIDUD,PATLOC,PDS,PHY,PREGNANT,PRS,PSY,PSYTHPN,RACE,REL,SCA,SDV,SEX,SICKLE,SPI,SSP,STD,SUD,TBOO,VIO,VIP}'::text[] LOOP
        EXECUTE format('SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS %L', 'note sens=' || word);
        n := n + 1;
    END LOOP;
    RAISE NOTICE '% labels', n;
END $$;
SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS '  NOTE  SENS=psy,Hiv   Conf=r kind=CLINICAL ';
SELECT column_name, label, category, kind, conf, sens FROM phiguard.labels WHERE relation = 'patient';
SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS NULL;
SELECT count(*) FROM phiguard.labels WHERE relation = 'patient';

-- What is not understood is refused with what would be valid, and never repeated.
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS '123-45-6789';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS '';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'unlabelled';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn,';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn 123-45-6789';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'geo kind=10027';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'email kind=work';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'geo kind=zip10027';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn conf=X';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn conf=RV';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'note sens=HIV,';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'note sens=HIV,Smith';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'note sens=HIV sens=PSY';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'none conf=R';
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'subject=id';
SELECT phiguard.label('patient', 'ssn', repeat('s', 1025));
SELECT phiguard.label('patient', 'ssn', 'Jane Doe');
SELECT phiguard.label('patient', 'nobody', 'ssn');
SELECT phiguard.label('patient', 'ctid', 'ssn');
SELECT phiguard.label(NULL, 'ssn', 'ssn');
\set VERBOSITY sqlstate
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'Jane Doe';
\set VERBOSITY default

-- Only what has rows of its own, its columns, and domains can be labelled.
CREATE VIEW patient_view AS SELECT * FROM patient;
CREATE TYPE pair AS (a text, b text);
CREATE SEQUENCE counter;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
SECURITY LABEL FOR phiguard ON VIEW patient_view IS 'subject=id';
SECURITY LABEL FOR phiguard ON COLUMN patient_view.ssn IS 'ssn';
SELECT phiguard.label('patient_view', 'ssn', 'ssn');
SECURITY LABEL FOR phiguard ON COLUMN pair.a IS 'ssn';
SECURITY LABEL FOR phiguard ON TYPE pair IS 'ssn';
SECURITY LABEL FOR phiguard ON SEQUENCE counter IS 'ssn';
SECURITY LABEL FOR phiguard ON FUNCTION f() IS 'ssn';
SECURITY LABEL FOR phiguard ON SCHEMA public IS 'ssn';
SECURITY LABEL FOR phiguard ON ROLE regress_phig_owner IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN pg_authid.rolname IS 'name';
SECURITY LABEL FOR phiguard ON COLUMN phiguard.label_registry.label IS 'note';
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.ssn IS 'quasi';
DROP VIEW patient_view;
DROP TYPE pair;
DROP SEQUENCE counter;
DROP FUNCTION f();

-- A table's label names the subject.
SECURITY LABEL FOR phiguard ON TABLE patient IS 'mrn';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id, ssn';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject="id';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=doe';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=ctid';
SECURITY LABEL FOR phiguard ON COLUMN patient.id IS 'none';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON COLUMN patient.id IS NULL;
SECURITY LABEL FOR phiguard ON TABLE patient IS 'SUBJECT=ID';
SECURITY LABEL FOR phiguard ON COLUMN patient.id IS 'none';
SELECT object_kind, relation, column_name, label FROM phiguard.labels WHERE schema = 'public';
CREATE TABLE odd ("My ""Key""" int, "a b" int);
SECURITY LABEL FOR phiguard ON TABLE odd IS 'subject="My ""Key"""';
SELECT label FROM phiguard.labels WHERE relation = 'odd';
SELECT phiguard.label('odd', NULL, 'subject="a b"');
SELECT label FROM phiguard.labels WHERE relation = 'odd';
ALTER TABLE odd DROP COLUMN "a b";
SELECT label FROM phiguard.labels WHERE relation = 'odd';
DROP TABLE odd;

-- An owner adds and raises; to lower, change or remove takes the officer.
ALTER SYSTEM SET phiguard.officer_role = 'regress_phig_officer';
ALTER SYSTEM SET phiguard.auditor_role = 'regress_phig_clerk';
SELECT pg_reload_conf();
\o /dev/null
SELECT CASE WHEN current_setting('phiguard.auditor_role') = '' THEN pg_sleep(0.3) END;
SELECT CASE WHEN current_setting('phiguard.auditor_role') = '' THEN pg_sleep(1) END;
SELECT CASE WHEN current_setting('phiguard.auditor_role') = '' THEN pg_sleep(5) END;
\o
SET ROLE regress_phig_owner;
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date kind=birth';
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date kind=birth conf=M';         -- lower
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date kind=birth conf=R sens=HIV';
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date kind=birth conf=R sens=PSY'; -- drops HIV
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date kind=event conf=R sens=HIV'; -- another kind
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'date conf=R sens=HIV';            -- no kind
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'ssn conf=R';                      -- drops HIV
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'quasi conf=R sens=HIV';
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS NULL;
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'note conf=V sens=HIV,PSY';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=ssn';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE patient IS NULL;
SECURITY LABEL FOR phiguard ON DOMAIN member_no IS 'health_plan';
SECURITY LABEL FOR phiguard ON DOMAIN member_no IS 'quasi';
SECURITY LABEL FOR phiguard ON DOMAIN member_no IS NULL;
SELECT phiguard.label('patient', 'hair', 'none');
SELECT phiguard.review('patient');
SELECT * FROM phiguard.labels;
SELECT * FROM phiguard.data_dictionary;
SELECT * FROM phiguard.verify_labels();

-- The officer owns nothing and may label everything; SECURITY LABEL is still for owners, and the rest for nobody else.
SET ROLE regress_phig_officer;
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'quasi';
SELECT phiguard.label('patient', 'note', 'quasi');
SELECT phiguard.label('patient', NULL, NULL);
SELECT phiguard.review('patient');
SELECT phiguard.review('patient');
SELECT column_name, label FROM phiguard.labels WHERE relation = 'patient' ORDER BY 1;
SELECT * FROM phiguard.verify_labels();
RESET ROLE;
GRANT regress_phig_officer TO regress_phig_owner;
SET ROLE regress_phig_owner;
SECURITY LABEL FOR phiguard ON DOMAIN member_no IS NULL;
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS NULL;

-- The auditor sees labels and sets none.
SET ROLE regress_phig_clerk;
SELECT relation, column_name, label FROM phiguard.labels WHERE schema = 'public' ORDER BY 1, 2;
SELECT phiguard.label('patient', 'note', 'note');
RESET ROLE;

-- Nothing is labelled where nothing may be written.
BEGIN READ ONLY;
SELECT phiguard.label('patient', 'note', 'note');
ROLLBACK;

ALTER SYSTEM RESET phiguard.officer_role;
ALTER SYSTEM RESET phiguard.auditor_role;
SELECT pg_reload_conf();
DROP OWNED BY regress_phig_owner;
DROP ROLE regress_phig_owner;
DROP ROLE regress_phig_officer;
DROP ROLE regress_phig_clerk;
SELECT count(*) FROM phiguard.label_registry;
