-- Surrogates: random codes from a crosswalk; reading only looks up.
CREATE EXTENSION phiguard;
SET client_min_messages = error;
SELECT phiguard.create_key('trial'), phiguard.create_key('other');
RESET client_min_messages;
CREATE TABLE person (id integer, mrn text, born date, raw numeric);
INSERT INTO person SELECT n, 'M' || n % 500, '1950-01-01'::date + n % 300, n FROM generate_series(1, 1000) n;
INSERT INTO person VALUES (NULL, NULL, NULL, NULL);

SELECT phiguard.surrogate('M1', 'trial');
SELECT count(*) AS codes FROM phiguard.crosswalk;
SELECT phiguard.assign_surrogates('person', 'mrn', 'trial') AS new;
SELECT phiguard.assign_surrogates('person', 'mrn', 'trial') AS again;
SELECT phiguard.surrogate('M1', 'trial') ~ '^sr_[a-z2-7]{26}$' AS form,
       phiguard.surrogate('M1', 'trial') = phiguard.surrogate('M1', 'trial') AS stable;
SELECT count(DISTINCT mrn) AS values, count(DISTINCT phiguard.surrogate(mrn, 'trial')) AS codes, count(phiguard.surrogate(mrn, 'trial')) AS rows FROM person;

-- Another domain has others, of its own; a number and its digits have one.
SELECT phiguard.surrogate('M1', 'other');
SELECT phiguard.assign_surrogate('M1', 'other') AS new, phiguard.assign_surrogate('M1', 'other') AS again;
SELECT phiguard.surrogate('M1', 'other') <> phiguard.surrogate('M1', 'trial') AS differs;
SELECT phiguard.assign_surrogates('person', 'id', 'other') AS ids, phiguard.assign_surrogates('person', 'born', 'other') AS dates;
SELECT phiguard.surrogate(7, 'other') = phiguard.surrogate('7', 'other') AS number_and_digits,
       phiguard.surrogate('1950-01-01'::date, 'other') = phiguard.surrogate('1950-01-01', 'other') AS date_and_text;
SELECT phiguard.surrogate(NULL::text, 'trial') IS NULL AS value;

-- The crosswalk has codes, and no value; it is labelled, and nobody's.
SELECT count(*) AS rows, count(DISTINCT code) AS codes, bool_or(position('1950-01-01'::bytea IN value_key) > 0) AS clear, min(octet_length(value_key)) AS bytes
  FROM phiguard.crosswalk;
SELECT column_name, category FROM phiguard.labels WHERE relation = 'crosswalk' ORDER BY column_name;
CREATE ROLE regress_phig_reader;
GRANT SELECT ON person TO regress_phig_reader;
GRANT EXECUTE ON FUNCTION phiguard.surrogate(text, text), phiguard.assign_surrogates(regclass, name, text), phiguard.assign_surrogate(text, text) TO regress_phig_reader;
SET ROLE regress_phig_reader;
TABLE phiguard.crosswalk;
SELECT phiguard.surrogate('M1', 'trial');
RESET ROLE;
SELECT phiguard.grant_key('trial', 'regress_phig_reader', '{surrogate}');
SET ROLE regress_phig_reader;
SELECT phiguard.surrogate('M1', 'trial') ~ '^sr_' AS reads;
SELECT phiguard.assign_surrogates('person', 'mrn', 'trial');
RESET ROLE;
SELECT phiguard.grant_key('trial', 'regress_phig_reader', '{assign_surrogates}');
INSERT INTO person (mrn) VALUES ('M9999');
SET ROLE regress_phig_reader;
SELECT phiguard.assign_surrogates('person', 'mrn', 'trial') AS new;
SELECT current_user;
RESET ROLE;
SELECT phiguard.revoke_key('trial', 'regress_phig_reader', '{surrogate,assign_surrogates}');
DROP OWNED BY regress_phig_reader;
DROP ROLE regress_phig_reader;

-- What is wrong is said.
SELECT phiguard.assign_surrogates('person', 'nothing', 'trial');
SELECT phiguard.assign_surrogates('person', 'mrn', 'nowhere');
SELECT phiguard.assign_surrogates('nobody', 'mrn', 'trial');
BEGIN READ ONLY;
SELECT phiguard.surrogate('M1', 'trial') ~ '^sr_' AS reads;
SELECT phiguard.assign_surrogate('new', 'trial');
ROLLBACK;

-- Rotation leaves codes alone; a destroyed key shreds them.
SELECT phiguard.surrogate('M1', 'trial') AS code \gset
SELECT phiguard.rotate_key('trial', true);
SELECT phiguard.surrogate('M1', 'trial') = :'code' AS stays;
SELECT phiguard.destroy_key('trial', 1);
SELECT phiguard.surrogate('M1', 'trial');

-- It is a code of ours to flow.
SECURITY LABEL FOR phiguard ON COLUMN person.mrn IS 'mrn';
CREATE TABLE coded AS SELECT phiguard.surrogate(mrn, 'other') AS code FROM person WHERE false;
SELECT column_name, category FROM phiguard.labels WHERE relation = 'coded';
