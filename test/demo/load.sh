step "1. A database that holds health data" \
	"27 patients of a synthetic clinic (Synthea) with their encounters and conditions, and 10,158 hospital stays of" \
	"diabetics (UCI, 130 US hospitals).  patient uses phiguard's PHI types: domains that any driver reads as text or" \
	"date, which check their published shape.  The other tables are as one finds them, plain types without a label."

sql postgres <<'SQL'
CREATE EXTENSION phiguard;
CREATE ROLE privacy LOGIN;      -- privacy officer: labels
CREATE ROLE audit;
CREATE ROLE auditor LOGIN IN ROLE audit;
CREATE ROLE dr_grey LOGIN;      -- treats patients
CREATE ROLE billing LOGIN;      -- writes invoices
CREATE ROLE scientist LOGIN;    -- trains models

CREATE TABLE patient (
    id phiguard.other_id PRIMARY KEY, birth_date phiguard.birth_date, death_date phiguard.event_date,
    ssn phiguard.ssn, driver phiguard.license_number, passport phiguard.license_number,
    prefix text, first_name phiguard.person_name, last_name phiguard.person_name, suffix text,
    maiden_name phiguard.person_name, marital text, race text, ethnicity text, gender text,
    birth_place phiguard.city, address phiguard.street_address, city phiguard.city, state text,
    county phiguard.city, zip phiguard.zip_code, lat double precision, lon double precision,
    expenses numeric, coverage numeric);
CREATE TABLE encounter (
    id text PRIMARY KEY, start timestamptz, stop timestamptz, patient text REFERENCES patient, organization text,
    provider text, payer text, class text, code text, description text, base_cost numeric, total_cost numeric,
    payer_coverage numeric, reason_code text, reason text);
CREATE TABLE condition (
    start date, stop date, patient text REFERENCES patient, encounter text REFERENCES encounter,
    code text, description text);
SQL
header=$(gzip -dc "test/data/uci_diabetes/readmission.csv.gz" | sed -n 1p)
sql postgres -c "CREATE TABLE readmission (\"$(printf '%s' "$header" | sed 's/,/" text, "/g')\" text)"

tell "Loaded with COPY:"
show postgres <<'SQL'
\copy patient FROM 'test/data/synthea/patients.csv' (FORMAT csv, HEADER)
\copy encounter FROM 'test/data/synthea/encounters.csv' (FORMAT csv, HEADER)
\copy condition FROM 'test/data/synthea/conditions.csv' (FORMAT csv, HEADER)
\copy readmission FROM PROGRAM 'gzip -dc test/data/uci_diabetes/readmission.csv.gz' (FORMAT csv, HEADER)
SQL
show postgres <<'SQL'
SELECT (SELECT count(*) FROM patient) AS patients, (SELECT count(*) FROM encounter) AS encounters,
       (SELECT count(*) FROM condition) AS conditions, (SELECT count(*) FROM readmission) AS stays;
SQL

tell "What is no social security number does not get into a column of type ssn, and is not repeated in the error:"
show postgres <<'SQL'
INSERT INTO patient (id, ssn) VALUES ('p1', '999-17-501');
SQL
