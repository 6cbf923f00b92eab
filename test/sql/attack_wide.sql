-- A labelled column does not disappear behind many others.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS phiguard;
CREATE TABLE attack_patient (id int, ssn text);
SECURITY LABEL FOR phiguard ON COLUMN attack_patient.ssn IS 'ssn';
INSERT INTO attack_patient VALUES (1, 's');
DO $$ BEGIN
	EXECUTE (SELECT format('CREATE TABLE attack_a (%s)', string_agg(format('%s_%s text', repeat('c', 58), i), ', ')) FROM generate_series(1, 1600) i);
	FOR i IN 1 .. 1600 LOOP
		EXECUTE format('SECURITY LABEL FOR phiguard ON COLUMN attack_a.%s_%s IS ''note''', repeat('c', 58), i);
	END LOOP;
END $$;
INSERT INTO attack_a VALUES ('a');
SELECT length(a::text), ssn FROM attack_a a, attack_patient;
CREATE TABLE attack_c AS SELECT a::text, ssn FROM attack_a a, attack_patient;
COPY (SELECT length(a::text), ssn FROM attack_a a, attack_patient) TO stdout;
SELECT command, returned, stored, shown, categories, rows, outcome, flags, query FROM phiguard.access_log
 WHERE database = current_database() AND kind IN ('read', 'write') AND 'public.attack_patient.ssn' IN (SELECT unnest(returned || stored))
 ORDER BY "position";

-- More tables than fit even so.
SELECT 'regress_phig_' || repeat('s', 50) AS schema, 'attack_' || repeat('t', 50) AS name \gset
CREATE SCHEMA :schema;
SET search_path = :schema, public;
SELECT set_config('attack.name', :'name', false) \gset ignore_
DO $$ BEGIN
	FOR i IN 1 .. 600 LOOP
		EXECUTE format('CREATE TABLE %s_%s (ssn phiguard.ssn)', current_setting('attack.name'), i);
	END LOOP;
END $$;
DO $$ BEGIN
	EXECUTE (SELECT string_agg(format('SELECT ssn FROM %s_%s', current_setting('attack.name'), i), ' UNION ALL ') FROM generate_series(1, 600) i);
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE WARNING '%', SQLERRM;
END $$;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA :schema CASCADE;
SELECT sum(cardinality(referenced)), bool_or('cut' = ANY (flags)) AS cut FROM phiguard.access_log WHERE database = current_database() AND command = 'DROP SCHEMA';
DROP TABLE attack_patient, attack_a, attack_c;
SELECT * FROM phiguard.verify_journal();
