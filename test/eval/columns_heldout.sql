-- Three schemas that no rule was written for, in the manner of an Epic Clarity extract, of FHIR resources in columns, and of claims (837/835) with
-- a member portal.  Names, rows and numbers are made up.  Held out: rules are not changed for what these show.
CREATE FUNCTION pick(list text[], i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT list[1 + i % array_length(list, 1)]';
CREATE FUNCTION given(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT public.pick('{Maria,James,Linda,Robert,Patricia,Michael,Barbara,William,Susan,David,Jessica,Daniel,Karen,Matthew,Nancy,Anthony,Betty,Steven,Sandra,Kevin,Aisha,Diego,Mei,Priya,Olga}', i * 7) $$;
CREATE FUNCTION family(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT public.pick('{Hernandez,Kowalski,Okafor,Nguyen,Johansson,Patel,OConnor,Schwartz,Delgado,Fitzgerald,Yamamoto,Abernathy,Castellano,Whitfield,Petrov,McAllister,Rosenberg,Villanueva,Lindqvist,Adeyemi,Thornton,Kaplan,Mendoza}', i * 11) $$;
CREATE FUNCTION num(i bigint, digits int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT lpad((('x' || substr(md5(i::text || digits), 1, 15))::bit(60)::bigint % (10 ^ digits)::bigint)::text, digits, '0') $$;

CREATE SCHEMA clarity;
CREATE TABLE clarity.patient AS
SELECT 'Z' || num(i, 7) AS pat_id, num(i, 8) AS pat_mrn_id, family(i) || ',' || upper(given(i)) AS pat_name, given(i) AS pat_first_name, family(i) AS pat_last_name,
       num(i, 3) || ' ' || pick('{Maple St,Oak Ave,Cedar Ln,Highland Dr}', i) AS add_line_1, CASE WHEN i % 3 = 0 THEN 'Apt ' || i % 90 END AS add_line_2,
       pick('{Worcester,Springfield,Lowell,Quincy,Newton,Brockton}', i) AS city, '0' || (1000 + i * 37 % 1700) AS zip, (i % 14)::int AS county_c, (i % 50)::int AS state_c,
       '617-555-' || lpad((i % 10000)::text, 4, '0') AS home_phone, '508-555-' || lpad((i * 3 % 10000)::text, 4, '0') AS work_phone, lower(given(i)) || i || '@example.org' AS email_address,
       (date '1930-01-01' + (i * 331 % 30000)::int)::timestamp AS birth_date, CASE WHEN i % 20 = 0 THEN timestamp '2020-05-01' + i * interval '1 day' END AS death_date,
       num(i, 3) || '-' || num(i, 2) || '-' || num(i, 4) AS ssn, (i % 3)::int AS sex_c, (i % 6)::int AS ethnic_group_c, (i % 7)::int AS marital_status_c, (i % 40)::int AS language_c,
       'Y' AS is_valid_pat_yn, (1000 + i % 300)::int AS cur_pcp_prov_id, i AS pat_status_c, now()::timestamp - i * interval '1 hour' AS rec_create_date
  FROM generate_series(1, 400) i;
CREATE TABLE clarity.pat_enc AS
SELECT 'Z' || num(i % 400, 7) AS pat_id, 200000000 + i * 17 AS pat_enc_csn_id, timestamp '2021-01-01' + i % 800 * interval '1 day' AS contact_date, (i % 9)::int AS enc_type_c, 300000 + i % 300 AS visit_prov_id,
       400 + i % 30 AS department_id, 700000000 + i AS hsp_account_id, timestamp '2021-01-01' + i * interval '3 hours' AS hosp_admsn_time, timestamp '2021-01-03' + i * interval '3 hours' AS hosp_dischrg_time,
       (i % 4)::int AS appt_status_c, (98 + i % 4)::numeric AS temperature, (50 + i % 60)::int AS pulse, 'N' AS enc_closed_yn, (i % 6)::int AS serv_area_id, timestamp '2021-01-02' AS appt_made_date,
       'Patient complains of cough and fever for three days, lives with spouse ' || given(i) || ' ' || family(i) AS reason_comments
  FROM generate_series(1, 1500) i;
CREATE TABLE clarity.clarity_ser AS
SELECT (300000 + i)::text AS prov_id, family(i) || ', ' || given(i) || ' ' || pick('{MD,DO,RN,NP}', i) AS prov_name, '1' || num(i, 9) AS npi, 'A' || pick('{H,K,O,N}', i) || num(i, 7) AS dea_number, pick('{Physician,Nurse,Resident}', i) AS prov_type,
       pick('{Y,N}', i) AS active_status, family(i) || '@clinic.example' AS email FROM generate_series(1, 300) i;
CREATE TABLE clarity.hno_note_text AS
SELECT i AS note_id, i % 3 AS line, 200000000 + i * 17 AS note_csn_id, timestamp '2021-02-01' + i * interval '1 hour' AS contact_date,
       pick('{"Seen today in clinic by the team. Vital signs stable and no acute distress. Plan is to follow up in two weeks.","Mr. Kowalski called 617-555-0111 about his refill and will come on 3/4/2021 with his wife."}', i) AS note_text FROM generate_series(1, 500) i;
CREATE TABLE clarity.coverage AS
SELECT i AS coverage_id, 100 + i % 20 AS payor_id, 200 + i % 20 AS plan_id, 'XQ' || num(i, 9) AS subscr_num, family(i) || ',' || given(i) AS subscr_name, 'G' || num(i % 30, 6) AS group_num, (date '1950-01-01' + (i * 91 % 18000)::int) AS subscr_birthdate,
       date '2020-01-01' + (i % 300)::int AS cvg_eff_dt, date '2022-01-01' AS cvg_term_dt FROM generate_series(1, 400) i;
CREATE TABLE clarity.order_results AS
SELECT i AS order_proc_id, i % 5 AS line, 200000000 + i % 1500 * 17 AS pat_enc_csn_id, timestamp '2021-01-01' + i * interval '20 minutes' AS result_time, (10 + i % 90)::text AS ord_value, (i % 100)::numeric AS ord_num_value, pick('{mg/dL,mmol/L,%}', i) AS reference_unit,
       'A21-' || num(i, 7) AS accession_num, 5000 + i % 70 AS component_id, pick('{Low,High,Normal}', i) AS result_flag FROM generate_series(1, 3000) i;
CREATE TABLE clarity.zc_sex AS SELECT i AS rcpt_mem_sex_c, pick('{Female,Male,Unknown}', i) AS name, pick('{FEMALE,MALE,UNK}', i) AS title, pick('{F,M,U}', i) AS abbr FROM generate_series(1, 3) i;
CREATE TABLE clarity.clarity_dep AS SELECT 400 + i AS department_id, pick('{Cardiology,Oncology,Radiology,Emergency,Pediatrics}', i) || ' ' || i AS department_name, pick('{CARD,ONC,RAD}', i) AS dept_abbreviation, i % 6 AS serv_area_id, pick('{Y,N}', i) AS record_status FROM generate_series(1, 30) i;

CREATE SCHEMA fhir;
CREATE TABLE fhir.patient AS
SELECT md5(i::text)::uuid AS id, num(i, 8) AS identifier_value, 'http://hospital.example/ids' AS identifier_system, family(i) AS name_family, given(i) AS name_given, 'official' AS name_use, pick('{male,female}', i) AS gender, date '1940-01-01' + (i * 77 % 25000)::int AS "birthDate",
       (i % 15 = 0) AS "deceasedBoolean", CASE WHEN i % 15 = 0 THEN timestamptz '2021-01-01' + i * interval '1 day' END AS "deceasedDateTime", '(413) 555-' || lpad((i % 10000)::text, 4, '0') AS telecom_value, 'phone' AS telecom_system, num(i, 2) || ' Main Street' AS address_line,
       pick('{Chicago,Peoria,Naperville,Joliet,Aurora,Elgin}', i) AS address_city, 'IL' AS address_state, '606' || lpad((i % 60)::text, 2, '0') AS "address_postalCode", pick('{M,S,D}', i) AS "maritalStatus_code", 'en' AS communication_language,
       family(i + 3) || ' ' || given(i + 9) AS contact_name, timestamptz '2022-01-01' + i * interval '1 min' AS "meta_lastUpdated", '1' AS "meta_versionId", '\xffd8ffe000104a464946'::bytea AS photo FROM generate_series(1, 300) i;
CREATE TABLE fhir.observation AS
SELECT md5('o' || i)::uuid AS id, 'final' AS status, pick('{8867-4,8480-6,29463-7}', i) AS code_coding_code, 'http://loinc.org' AS code_coding_system, pick('{Heart rate,Systolic blood pressure,Body weight}', i) AS code_text, 'Patient/' || md5((i % 300)::text) AS subject_reference,
       'Encounter/' || md5('e' || i) AS encounter_reference, timestamptz '2021-06-01' + i * interval '1 hour' AS "effectiveDateTime", (60 + i % 80)::numeric AS "valueQuantity_value", '/min' AS "valueQuantity_unit", timestamptz '2021-06-01' + i * interval '1 hour' AS issued FROM generate_series(1, 1200) i;
CREATE TABLE fhir.device AS
SELECT md5('d' || i)::uuid AS id, '(01)00844588003288(17)251231(10)L' || num(i, 5) || '(21)' || num(i, 8) AS "udiCarrier_carrierHRF", 'SN' || num(i, 7) AS "serialNumber", 'L' || num(i, 5) AS "lotNumber", pick('{Acme,Medico}', i) AS manufacturer, 'Patient/' || md5((i % 300)::text) AS patient_reference,
       date '2026-01-01' + i::int AS "expirationDate", 'active' AS status FROM generate_series(1, 60) i;
CREATE TABLE fhir."documentReference" AS
SELECT md5('r' || i)::uuid AS id, 'Patient/' || md5((i % 300)::text) AS subject_reference, timestamptz '2021-06-01' + i * interval '1 hour' AS date, pick('{"Discharge summary","Consult note"}', i) AS type_text,
       'https://files.hospital.example/doc/' || i AS content_attachment_url, 'The patient was admitted with chest pain and discharged home in stable condition after two days.' AS text_div FROM generate_series(1, 200) i;
CREATE TABLE fhir.practitioner AS
SELECT md5('p' || i)::uuid AS id, '1' || num(i, 9) AS identifier_npi, family(i) AS name_family, given(i) AS name_given, pick('{MD,RN}', i) AS qualification_code, true AS active FROM generate_series(1, 80) i;

CREATE SCHEMA claims;
CREATE TABLE claims.clm_hdr AS
SELECT 'C' || num(i, 11) AS "ClaimControlNo", 'P' || num(i, 8) AS "PatCtrlNbr", 'W' || num(i % 500, 9) AS "MbrID", 'G' || i % 40 AS "GrpNbr", family(i % 500) AS "PatLName", given(i % 500) AS "PatFName", upper(left(given(i), 1)) AS "PatMI", to_char(date '1950-01-01' + (i * 53 % 20000)::int, 'YYYYMMDD') AS "PatDOB", pick('{F,M}', i) AS "PatSex",
       num(i, 3) || ' Elm Road' AS "SubAddr1", pick('{Toledo,Akron,Dayton,Canton,Columbus,Parma}', i) AS "SubCity", 'OH' AS "SubState", '43' || num(i, 3) || '-' || num(i, 4) AS "SubZip", '1' || num(i % 50, 9) AS "BillProvNPI", num(i % 50, 9) AS "BillProvTaxID", 'Lakeside Clinic ' || i % 50 AS "BillProvName",
       to_char(date '2021-01-01' + (i % 700)::int, 'YYYYMMDD') AS "SvcFromDt", to_char(date '2021-01-02' + (i % 700)::int, 'YYYYMMDD') AS "SvcThruDt", pick('{11,21,22,23}', i) AS "PlaceOfSvc", (i * 13 % 9000)::numeric / 10 AS "TotChrgAmt", pick('{J45,E11.9,I10}', i) AS "PrincDxCd", pick('{837P,837I}', i) AS "FormTyp", pick('{Paid,Denied}', i) AS "ClmStat"
  FROM generate_series(1, 2000) i;
CREATE TABLE claims.clm_line AS
SELECT 'C' || num(i, 11) AS "ClaimControlNo", i % 6 AS "LineNo", pick('{99213,99214,80053,71046}', i) AS "ProcCd", pick('{25,59,RT}', i) AS "Mod1", (i % 4) AS "Units", (i * 7 % 500)::numeric AS "ChrgAmt", (i * 5 % 400)::numeric AS "AllowedAmt", to_char(date '2021-01-01' + (i % 700)::int, 'MM/DD/YYYY') AS "LineSvcDt", pick('{CO-45,PR-1}', i) AS "AdjReason" FROM generate_series(1, 3000) i;
CREATE TABLE claims.portal_session AS
SELECT i AS id, lower(given(i)) || i AS "loginName", ('10.1.' || i % 200 || '.' || i % 250)::inet AS "clientIP", 'Mozilla/5.0 (X11; Linux)' AS "userAgent", timestamptz '2022-01-01' + i * interval '1 min' AS "startedAt", md5(i::text) AS "csrfToken", 'en-US' AS locale, '02:00:5e:10:' || lpad(to_hex(i % 256), 2, '0') || ':0a' AS "devMac", (i % 100) AS "pageViews" FROM generate_series(1, 600) i;
CREATE TABLE claims.employer_group AS
SELECT 'G' || i AS "GrpNbr", pick('{Acme Steel,Buckeye Foods,Lake Erie Shipping}', i) AS "EmployerName", pick('{PPO,HMO}', i) AS "PlanType", (i * 10)::int AS "EnrolledCnt", date '2020-01-01' AS "EffDt", (i % 5)::numeric AS "PremiumAmt" FROM generate_series(1, 40) i;
CREATE TABLE claims.ref_icd AS SELECT pick('{J45,E11.9,I10,C50}', i) || i AS "DxCd", pick('{Asthma,"Type 2 diabetes mellitus",Hypertension}', i) AS "ShortDesc", 'A longer description of the diagnosis that is written out in full words here' AS "LongDesc", date '2015-10-01' AS "EffDt" FROM generate_series(1, 100) i;
CREATE TABLE claims.app_config AS SELECT 'key.' || i AS "paramName", i::text AS "paramValue", 'string' AS "paramType", timestamptz '2020-01-01' AS "updatedAt", 'System parameter number ' || i AS "Descr" FROM generate_series(1, 20) i;
