-- PHI types: labelled domains over built-in types, so that every driver and dataframe reads them.
--
-- A type checks the published shape; the one that ends in _strict also checks ranges and check
-- digits.  Which of the two is chosen with the type, never by a setting: a dump restores wherever it
-- was valid once.  NULL passes.  A refusal is SQLSTATE 23514 and never says what the value was.
-- Text that is no date, time or address at all is refused earlier, by PostgreSQL itself.
-- A refusal is an error, never a soft one: COPY's ON_ERROR ignore and pg_input_is_valid() stop at it.

CREATE FUNCTION phiguard.check_value(value text, type_name text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_check_value';
-- Stays public: whoever inserts into a column of a PHI type runs its check.
COMMENT ON FUNCTION phiguard.check_value(text, text) IS
'True when value has the form of the PHI type (a text type of schema phiguard, named without the schema), NULL when value is NULL.
Raises 23514 otherwise, saying what is valid and not what the value was; 22023 for a type without a check.
Called by the domains'' own checks; of use for domains of your own.';

CREATE DOMAIN phiguard.person_name AS text
    CHECK (phiguard.check_value(VALUE, 'person_name'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.person_name IS 'name';
COMMENT ON DOMAIN phiguard.person_name IS
'Name of a person, or a part of one: at least one letter, no control characters, at most 400 bytes. 45 CFR 164.514(b)(2)(i)(A).';

CREATE DOMAIN phiguard.street_address AS text
    CHECK (phiguard.check_value(VALUE, 'street_address'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.street_address IS 'geo kind=street';
COMMENT ON DOMAIN phiguard.street_address IS
'Street address, one line or several: at least one letter or digit, at most 1000 bytes. 45 CFR 164.514(b)(2)(i)(B).';

CREATE DOMAIN phiguard.city AS text
    CHECK (phiguard.check_value(VALUE, 'city'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.city IS 'geo kind=city';
COMMENT ON DOMAIN phiguard.city IS
'City, county or other place smaller than a state: at least one letter, at most 400 bytes. 45 CFR 164.514(b)(2)(i)(B).';

CREATE DOMAIN phiguard.zip_code AS text
    CHECK (phiguard.check_value(VALUE, 'zip_code'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.zip_code IS 'geo kind=zip';
COMMENT ON DOMAIN phiguard.zip_code IS
'US ZIP code: five digits, or nine with or without a hyphen after the fifth. 45 CFR 164.514(b)(2)(i)(B).';

CREATE DOMAIN phiguard.zip_code_strict AS text
    CHECK (phiguard.check_value(VALUE, 'zip_code_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.zip_code_strict IS 'geo kind=zip';
COMMENT ON DOMAIN phiguard.zip_code_strict IS
'US ZIP code in the range that is in use, 00501 to 99950. 45 CFR 164.514(b)(2)(i)(B); USPS Publication 28.';

CREATE DOMAIN phiguard.birth_date AS date
    CONSTRAINT birth_date_is_finite CHECK (pg_catalog.isfinite(VALUE));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.birth_date IS 'date kind=birth';
COMMENT ON DOMAIN phiguard.birth_date IS
'Date of birth: any date but infinity. 45 CFR 164.514(b)(2)(i)(C).';

CREATE DOMAIN phiguard.event_date AS date
    CONSTRAINT event_date_is_finite CHECK (pg_catalog.isfinite(VALUE));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.event_date IS 'date kind=event';
COMMENT ON DOMAIN phiguard.event_date IS
'Date of an event in the care of a person: any date but infinity. 45 CFR 164.514(b)(2)(i)(C).';

CREATE DOMAIN phiguard.event_time AS timestamptz
    CONSTRAINT event_time_is_finite CHECK (pg_catalog.isfinite(VALUE));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.event_time IS 'date kind=event';
COMMENT ON DOMAIN phiguard.event_time IS
'Time of an event in a person''s care: any time but infinity. 45 CFR 164.514(b)(2)(i)(C).';

CREATE DOMAIN phiguard.phone AS text
    CHECK (phiguard.check_value(VALUE, 'phone'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.phone IS 'phone';
COMMENT ON DOMAIN phiguard.phone IS
'Telephone number: 7 to 15 digits with spaces, dots, slashes, hyphens and brackets between, a leading +, an extension of up to six digits after x or ext. 45 CFR 164.514(b)(2)(i)(D).';

CREATE DOMAIN phiguard.phone_strict AS text
    CHECK (phiguard.check_value(VALUE, 'phone_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.phone_strict IS 'phone';
COMMENT ON DOMAIN phiguard.phone_strict IS
'Telephone number: the same, and in range of the North American Numbering Plan: ten digits, 1 or +1 before them allowed, area code 2-9 0-8 0-9, exchange from 200, neither ending in 11. 45 CFR 164.514(b)(2)(i)(D); NANPA, 47 CFR 52.5.';

CREATE DOMAIN phiguard.fax AS text
    CHECK (phiguard.check_value(VALUE, 'fax'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.fax IS 'fax';
COMMENT ON DOMAIN phiguard.fax IS
'Fax number: 7 to 15 digits with spaces, dots, slashes, hyphens and brackets between, a leading +, an extension of up to six digits after x or ext. 45 CFR 164.514(b)(2)(i)(E).';

CREATE DOMAIN phiguard.fax_strict AS text
    CHECK (phiguard.check_value(VALUE, 'fax_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.fax_strict IS 'fax';
COMMENT ON DOMAIN phiguard.fax_strict IS
'Fax number: the same, and in range of the North American Numbering Plan: ten digits, 1 or +1 before them allowed, area code 2-9 0-8 0-9, exchange from 200, neither ending in 11. 45 CFR 164.514(b)(2)(i)(E); NANPA, 47 CFR 52.5.';

CREATE DOMAIN phiguard.email AS text
    CHECK (phiguard.check_value(VALUE, 'email'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.email IS 'email';
COMMENT ON DOMAIN phiguard.email IS
'E-mail address: local-part@host.domain, dot-atom or quoted, UTF-8 allowed. 45 CFR 164.514(b)(2)(i)(F); RFC 5321, RFC 6531.';

CREATE DOMAIN phiguard.ssn AS text
    CHECK (phiguard.check_value(VALUE, 'ssn'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.ssn IS 'ssn';
COMMENT ON DOMAIN phiguard.ssn IS
'Social Security number, or another number of its shape: AAA-GG-SSSS with one kind of separator (hyphen, space, dot), or nine digits. Ranges are not asked, so that test data (999-..) and taxpayer numbers fit. 45 CFR 164.514(b)(2)(i)(G).';

CREATE DOMAIN phiguard.ssn_strict AS text
    CHECK (phiguard.check_value(VALUE, 'ssn_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.ssn_strict IS 'ssn';
COMMENT ON DOMAIN phiguard.ssn_strict IS
'Social Security number that can have been issued: area not 000, 666, 900-999, group not 00, serial not 0000, not withdrawn. 45 CFR 164.514(b)(2)(i)(G); SSA, number randomization of 25 June 2011.';

CREATE DOMAIN phiguard.mrn AS text
    CHECK (phiguard.check_value(VALUE, 'mrn'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.mrn IS 'mrn';
COMMENT ON DOMAIN phiguard.mrn IS
'Medical record, encounter or accession number: at most 64 letters, digits and - . _ / : # * with single spaces between, at least one digit. 45 CFR 164.514(b)(2)(i)(H).';

CREATE DOMAIN phiguard.health_plan_id AS text
    CHECK (phiguard.check_value(VALUE, 'health_plan_id'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.health_plan_id IS 'health_plan';
COMMENT ON DOMAIN phiguard.health_plan_id IS
'Member, subscriber or beneficiary number: at most 64 letters, digits and - . _ / : # * with single spaces between, at least one digit. 45 CFR 164.514(b)(2)(i)(I).';

CREATE DOMAIN phiguard.health_plan_id_strict AS text
    CHECK (phiguard.check_value(VALUE, 'health_plan_id_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.health_plan_id_strict IS 'health_plan';
COMMENT ON DOMAIN phiguard.health_plan_id_strict IS
'Medicare Beneficiary Identifier: eleven characters, plain or 4-3-4 with hyphens, each position as CMS defines it. 45 CFR 164.514(b)(2)(i)(I); CMS, MBI format.';

CREATE DOMAIN phiguard.account_number AS text
    CHECK (phiguard.check_value(VALUE, 'account_number'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.account_number IS 'account';
COMMENT ON DOMAIN phiguard.account_number IS
'Account, claim or guarantor number: at most 64 letters, digits and - . _ / : # * with single spaces between, at least one digit. 45 CFR 164.514(b)(2)(i)(J).';

CREATE DOMAIN phiguard.account_number_strict AS text
    CHECK (phiguard.check_value(VALUE, 'account_number_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.account_number_strict IS 'account';
COMMENT ON DOMAIN phiguard.account_number_strict IS
'Payment card (13 to 19 digits, issuer prefix, Luhn) or ABA routing number (nine digits, weights 3, 7, 1). 45 CFR 164.514(b)(2)(i)(J); ISO/IEC 7812-1.';

CREATE DOMAIN phiguard.npi AS text
    CHECK (phiguard.check_value(VALUE, 'npi'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.npi IS 'license kind=npi';
COMMENT ON DOMAIN phiguard.npi IS
'National Provider Identifier: ten digits. 45 CFR 164.514(b)(2)(i)(K); 45 CFR 162.406.';

CREATE DOMAIN phiguard.npi_strict AS text
    CHECK (phiguard.check_value(VALUE, 'npi_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.npi_strict IS 'license kind=npi';
COMMENT ON DOMAIN phiguard.npi_strict IS
'National Provider Identifier: ten digits, the first 1 or 2, Luhn over 80840 and the number. 45 CFR 164.514(b)(2)(i)(K); 45 CFR 162.406.';

CREATE DOMAIN phiguard.license_number AS text
    CHECK (phiguard.check_value(VALUE, 'license_number'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.license_number IS 'license';
COMMENT ON DOMAIN phiguard.license_number IS
'Licence, certificate or passport number: at most 64 letters, digits and - . _ / : # * with single spaces between, at least one digit. 45 CFR 164.514(b)(2)(i)(K).';

CREATE DOMAIN phiguard.license_number_strict AS text
    CHECK (phiguard.check_value(VALUE, 'license_number_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.license_number_strict IS 'license kind=dea';
COMMENT ON DOMAIN phiguard.license_number_strict IS
'DEA registration number: two letters (or a letter and 9) and seven digits, the last one a checksum; the suffix of a hospital after a hyphen. 45 CFR 164.514(b)(2)(i)(K); 21 CFR 1301.';

CREATE DOMAIN phiguard.vehicle_id AS text
    CHECK (phiguard.check_value(VALUE, 'vehicle_id'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.vehicle_id IS 'vehicle';
COMMENT ON DOMAIN phiguard.vehicle_id IS
'Vehicle identification number, serial number or licence plate: at most 64 letters, digits and - . _ / : # * with single spaces between. 45 CFR 164.514(b)(2)(i)(L).';

CREATE DOMAIN phiguard.vehicle_id_strict AS text
    CHECK (phiguard.check_value(VALUE, 'vehicle_id_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.vehicle_id_strict IS 'vehicle';
COMMENT ON DOMAIN phiguard.vehicle_id_strict IS
'Vehicle identification number: 17 characters without I, O, Q, model year, check digit at position nine. 45 CFR 164.514(b)(2)(i)(L); 49 CFR 565.15.';

CREATE DOMAIN phiguard.device_id AS text
    CHECK (phiguard.check_value(VALUE, 'device_id'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.device_id IS 'device';
COMMENT ON DOMAIN phiguard.device_id IS
'Identifier or serial number of a device: at most 200 printable ASCII characters. Check digits are not asked: those of generated data are random. 45 CFR 164.514(b)(2)(i)(M); 21 CFR 801.20.';

CREATE DOMAIN phiguard.device_id_strict AS text
    CHECK (phiguard.check_value(VALUE, 'device_id_strict'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.device_id_strict IS 'device';
COMMENT ON DOMAIN phiguard.device_id_strict IS
'GS1 unique device identifier or GTIN-14 with its check digit, IMEI (Luhn), or MAC address. 45 CFR 164.514(b)(2)(i)(M); 21 CFR 801.20, GS1 General Specifications 7.9, 3GPP TS 23.003.';

CREATE DOMAIN phiguard.url AS text
    CHECK (phiguard.check_value(VALUE, 'url'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.url IS 'url';
COMMENT ON DOMAIN phiguard.url IS
'Web address: scheme://host/path, www.host, or host/path. 45 CFR 164.514(b)(2)(i)(N); RFC 3986.';

CREATE DOMAIN phiguard.ip_address AS inet;
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.ip_address IS 'ip';
COMMENT ON DOMAIN phiguard.ip_address IS
'IPv4 or IPv6 address. 45 CFR 164.514(b)(2)(i)(O); RFC 791, RFC 4291.';

CREATE DOMAIN phiguard.biometric AS bytea;
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.biometric IS 'biometric';
COMMENT ON DOMAIN phiguard.biometric IS
'Finger or voice print, iris, face template, or other biometric data. 45 CFR 164.514(b)(2)(i)(P).';

CREATE DOMAIN phiguard.photo AS bytea;
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.photo IS 'photo';
COMMENT ON DOMAIN phiguard.photo IS
'Full-face photograph or comparable image. 45 CFR 164.514(b)(2)(i)(Q).';

CREATE DOMAIN phiguard.other_id AS text
    CHECK (phiguard.check_value(VALUE, 'other_id'));
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.other_id IS 'other';
COMMENT ON DOMAIN phiguard.other_id IS
'Any other identifying number, characteristic or code: not blank, no control characters, at most 1000 bytes. 45 CFR 164.514(b)(2)(i)(R).';

CREATE DOMAIN phiguard.clinical_note AS text;
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.clinical_note IS 'note';
COMMENT ON DOMAIN phiguard.clinical_note IS
'Free text that may hold any identifier. 45 CFR 164.514(b)(2)(i).';

-- The types are named by their schema.
GRANT USAGE ON SCHEMA phiguard TO PUBLIC;
