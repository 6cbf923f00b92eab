-- What the sets say, and what their labels are in categories of phiguard.
CREATE EXTENSION phiguard;
CREATE TABLE raw (line jsonb);
CREATE TABLE line (set text, line jsonb);

-- NULL: annotated, but no identifier of 45 CFR 164.514(b)(2)(i): neither missed nor a false alarm.
CREATE TABLE mapping (set text, label text, category text);
INSERT INTO mapping VALUES
    ('asq_phi', 'NAME', 'name'), ('asq_phi', 'GEOGRAPHIC_LOCATION', 'geo'), ('asq_phi', 'DATE', 'date'), ('asq_phi', 'MEDICAL_RECORD_NUMBER', 'mrn'),
    ('asq_phi', 'HEALTH_PLAN_BENEFICIARY_NUMBER', 'health_plan'), ('asq_phi', 'PHONE_NUMBER', 'phone'), ('asq_phi', 'SOCIAL_SECURITY_NUMBER', 'ssn'),
    ('asq_phi', 'EMAIL_ADDRESS', 'email'), ('asq_phi', 'UNIQUE_IDENTIFIER', 'other'), ('asq_phi', 'CERTIFICATE_LICENSE_NUMBER', 'license'),
    ('presidio_research', 'PERSON', 'name'), ('presidio_research', 'CREDIT_CARD', 'card'), ('presidio_research', 'DATE_TIME', 'date'),
    ('presidio_research', 'PHONE_NUMBER', 'phone'), ('presidio_research', 'EMAIL_ADDRESS', 'email'), ('presidio_research', 'DOMAIN_NAME', 'url'),
    ('presidio_research', 'US_SSN', 'ssn'), ('presidio_research', 'IP_ADDRESS', 'ip'), ('presidio_research', 'IBAN_CODE', 'account'),
    ('presidio_research', 'US_DRIVER_LICENSE', 'license'), ('presidio_research', 'STREET_ADDRESS', 'address'), ('presidio_research', 'ADDRESS', 'address'),
    ('openmed_fixtures', 'NAME', 'name'), ('openmed_fixtures', 'PERSON', 'name'), ('openmed_fixtures', 'GEOGRAPHIC_SUBDIVISION', 'geo'),
    ('openmed_fixtures', 'DATE_ELEMENT', 'date'), ('openmed_fixtures', 'TELEPHONE_NUMBER', 'phone'), ('openmed_fixtures', 'PHONE', 'phone'),
    ('openmed_fixtures', 'FAX_NUMBER', 'fax'), ('openmed_fixtures', 'EMAIL_ADDRESS', 'email'), ('openmed_fixtures', 'SOCIAL_SECURITY_NUMBER', 'ssn'),
    ('openmed_fixtures', 'MEDICAL_RECORD_NUMBER', 'mrn'), ('openmed_fixtures', 'HEALTH_PLAN_BENEFICIARY_NUMBER', 'health_plan'),
    ('openmed_fixtures', 'ACCOUNT_NUMBER', 'account'), ('openmed_fixtures', 'CERTIFICATE_LICENSE_NUMBER', 'license'),
    ('openmed_fixtures', 'VEHICLE_IDENTIFIER', 'vehicle'), ('openmed_fixtures', 'DEVICE_IDENTIFIER', 'device'), ('openmed_fixtures', 'URL', 'url'),
    ('openmed_fixtures', 'IP_ADDRESS', 'ip'),
    ('forms', 'geo', 'address'), ('forms', 'name', 'name'), ('forms', 'phone', 'phone'), ('forms', 'date', 'date');

-- Refined categories: what has a published form stands by itself.
CREATE FUNCTION refined(category text, kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN kind IN ('npi', 'dea', 'mbi', 'vin', 'card', 'zip', 'street', 'city', 'facility') THEN kind ELSE category END $$;
CREATE FUNCTION is_structured(class text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
SELECT class IN ('ssn', 'mbi', 'npi', 'dea', 'vin', 'phone', 'fax', 'email', 'url', 'ip', 'card', 'date', 'zip') $$;
