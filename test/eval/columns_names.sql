-- Columns in the manner of systems and data models that are in use, in part and without rows: their names and types alone speak.
CREATE SCHEMA names;
-- i2b2
CREATE TABLE names.patient_dimension (patient_num int, vital_status_cd text, birth_date timestamp, death_date timestamp, sex_cd text, age_in_years_num int, language_cd text, race_cd text, marital_status_cd text, religion_cd text, zip_cd text, statecityzip_path text, income_cd text, patient_blob text, update_date timestamp, download_date timestamp, import_date timestamp, sourcesystem_cd text, upload_id int);
CREATE TABLE names.observation_fact (encounter_num int, patient_num int, concept_cd text, provider_id text, start_date timestamp, modifier_cd text, instance_num int, valtype_cd text, tval_char text, nval_num numeric, valueflag_cd text, quantity_num numeric, units_cd text, end_date timestamp, location_cd text, observation_blob text, confidence_num numeric);
CREATE TABLE names.concept_dimension (concept_path text, concept_cd text, name_char text, concept_blob text, update_date timestamp);
-- PCORnet
CREATE TABLE names.demographic (patid text, birth_date date, birth_time text, sex text, sexual_orientation text, gender_identity text, hispanic text, race text, biobank_flag text, pat_pref_language_spoken text);
CREATE TABLE names.encounter (encounterid text, patid text, admit_date date, admit_time text, discharge_date date, discharge_time text, providerid text, facility_location text, enc_type text, facilityid text, discharge_disposition text, discharge_status text, drg text, drg_type text, admitting_source text, payer_type_primary text);
CREATE TABLE names.death_cause (patid text, death_cause text, death_cause_code text, death_cause_type text);
CREATE TABLE names.lds_address_history (addressid text, patid text, address_use text, address_type text, address_preferred text, address_city text, address_state text, address_zip5 text, address_zip9 text, address_period_start date, address_period_end date, county_fips text);
CREATE TABLE names.lab_result_cm (lab_result_cm_id text, patid text, encounterid text, specimen_source text, lab_loinc text, priority text, lab_px text, lab_order_date date, specimen_date date, specimen_time text, result_date date, result_qual text, result_num numeric, result_unit text, norm_range_low text, abn_ind text, raw_lab_name text);
-- eICU
CREATE TABLE names.eicu_patient (patientunitstayid int, patienthealthsystemstayid int, gender text, age text, ethnicity text, hospitalid int, wardid int, apacheadmissiondx text, admissionheight numeric, hospitaladmittime24 text, hospitaladmitoffset int, hospitaladmitsource text, hospitaldischargeyear int, hospitaldischargetime24 text, unittype text, admissionweight numeric, uniquepid text);
-- MIMIC-IV
CREATE TABLE names.mimic4_patients (subject_id int, gender text, anchor_age int, anchor_year int, anchor_year_group text, dod date);
CREATE TABLE names.mimic4_emar (subject_id int, hadm_id int, emar_id text, emar_seq int, poe_id text, pharmacy_id int, enter_provider_id text, charttime timestamp, medication text, event_txt text, scheduletime timestamp, storetime timestamp);
-- OpenMRS
CREATE TABLE names.person_name (person_name_id int, preferred boolean, person_id int, prefix text, given_name text, middle_name text, family_name_prefix text, family_name text, family_name2 text, family_name_suffix text, degree text, creator int, date_created timestamp, voided boolean, void_reason text, uuid text);
CREATE TABLE names.person_address (person_address_id int, person_id int, preferred boolean, address1 text, address2 text, city_village text, state_province text, postal_code text, country text, latitude text, longitude text, county_district text, address3 text, start_date timestamp, uuid text);
CREATE TABLE names.patient_identifier (patient_identifier_id int, patient_id int, identifier text, identifier_type int, preferred boolean, location_id int, date_created timestamp);
CREATE TABLE names.obs (obs_id int, person_id int, concept_id int, encounter_id int, order_id int, obs_datetime timestamp, location_id int, accession_number text, value_coded int, value_drug int, value_datetime timestamp, value_numeric numeric, value_text text, value_complex text, comments text, interpretation text);
CREATE TABLE names.users (user_id int, system_id text, username text, password text, salt text, secret_question text, person_id int, email text, retired boolean);
-- Cerner
CREATE TABLE names.cern_person (person_id bigint, name_last text, name_first text, name_middle text, name_full_formatted text, name_last_key text, birth_dt_tm timestamp, deceased_dt_tm timestamp, sex_cd numeric, race_cd numeric, marital_type_cd numeric, mother_maiden_name text, vip_cd numeric, active_ind int, updt_dt_tm timestamp, updt_id bigint, birth_tz int, abs_birth_dt_tm timestamp);
CREATE TABLE names.cern_encounter (encntr_id bigint, person_id bigint, encntr_class_cd numeric, reg_dt_tm timestamp, disch_dt_tm timestamp, loc_nurse_unit_cd numeric, loc_room_cd numeric, reason_for_visit text, admit_src_cd numeric, active_ind int);
CREATE TABLE names.cern_person_alias (person_alias_id bigint, person_id bigint, alias text, alias_pool_cd numeric, person_alias_type_cd numeric, beg_effective_dt_tm timestamp);
CREATE TABLE names.cern_phone (phone_id bigint, parent_entity_id bigint, phone_type_cd numeric, phone_num text, extension text, phone_format_cd numeric);
CREATE TABLE names.cern_address (address_id bigint, parent_entity_name text, street_addr text, street_addr2 text, city text, state text, zipcode text, county text, country_cd numeric);
-- VA CDW
CREATE TABLE names.spatient (patientsid bigint, patienticn text, sta3n int, patientname text, patientlastname text, patientfirstname text, patientssn text, scrssn text, birthdatetime timestamp, deathdatetime timestamp, gender text, selfidentifiedgender text, religion text, streetaddress1 text, city text, zip text, zip4 text, phoneresidence text, phonework text, patiententereddate date, testpatientflag text, mothersmaidenname text, placeofbirthcity text, veteranflag text, insurancecoverageflag text);
CREATE TABLE names.tiudocument (tiudocumentsid bigint, patientsid bigint, visitsid bigint, reporttext text, entrydatetime timestamp, authorstaffsid bigint, referencedatetime timestamp, tiudocumentdefinition text);
-- billing/insurance
CREATE TABLE names.remit (check_eft_no text, payee_npi text, patient_ctl_no text, subscriber_last text, subscriber_first text, claim_chg numeric, claim_pmt numeric, icn text, service_date date, cpt text, units int, carc text, rarc text, medical_record_nbr text, remit_advice_date date, rendering_npi text);
-- pharmacy, dental
CREATE TABLE names.rx_fill (rx_nbr text, cardholder_id text, person_cd text, patient_dob date, prescriber_dea text, ndc text, fill_date date, days_supply int, qty numeric, pharmacy_npi text, bin_no text, pcn text, rx_group text, daw text);
CREATE TABLE names.dental_chart (chart_no text, pt_name text, tooth_number int, surface text, treatment_date date, fee numeric, hygienist text, dentist_initials text, xray_image bytea, consent_signed_on date);
-- device telemetry
CREATE TABLE names.telemetry (device_uuid uuid, imei text, mac_addr macaddr, firmware_version text, battery_pct int, heart_rate int, recorded_at timestamptz, gps_lat float8, gps_lon float8, wearer_id int, timezone text);
-- not about people
CREATE TABLE names.flight (flight_no text, tail_number text, departure_time timestamptz, arrival_time timestamptz, origin text, destination text, aircraft_type text, seats int);
CREATE TABLE names.product_catalog (product_id int, product_name text, brand text, ean text, weight numeric, price numeric, launched date, color text, is_active boolean, supplier_code text, image_file text, rating numeric);
CREATE TABLE names.schema_migrations (version text, applied_at timestamptz, checksum text, script_name text, execution_ms int);
CREATE TABLE names.icd10_lookup (code text, short_desc text, long_desc text, chapter text, billable boolean, valid_from date, valid_to date);
CREATE TABLE names.job_run (job_id int, job_name text, started timestamptz, finished timestamptz, exit_code int, host text, message text);
