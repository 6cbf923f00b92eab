-- Ways to labelled columns that do not name their table.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS phiguard;
RESET client_min_messages;
CREATE VIEW attack_log AS
SELECT command, kind, returned, referenced, stored, rows, outcome, flags, query, "position"
  FROM phiguard.access_log WHERE database = current_database() AND kind IN ('read', 'write', 'ddl');
CREATE TABLE attack_other (mrn text);
SECURITY LABEL FOR phiguard ON COLUMN attack_other.mrn IS 'mrn';
INSERT INTO attack_other VALUES ('m');

-- A child that has a label its parent lacks, however the query meets it.
CREATE TABLE attack_parent (id int, ssn text, plain text);
CREATE TABLE attack_middle () INHERITS (attack_parent);
CREATE TABLE attack_child (extra text, plain text, ssn text, id int);
INSERT INTO attack_child VALUES ('e', 'p', 's', 1);
ALTER TABLE attack_child INHERIT attack_middle;
SECURITY LABEL FOR phiguard ON COLUMN attack_child.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN attack_child.extra IS 'note';
SELECT max("position") AS start FROM attack_log \gset
SELECT ssn FROM attack_parent;
SELECT p.ssn, mrn FROM attack_parent p, attack_other;
SELECT p, mrn FROM attack_middle p, attack_other;
SELECT plain, mrn FROM attack_parent p, attack_other;
SELECT ssn FROM ONLY attack_parent;
SELECT count(*) FROM (SELECT ssn FROM attack_parent UNION ALL SELECT mrn FROM attack_other) u;
UPDATE attack_parent SET ssn = ssn || 'x' FROM attack_other;
UPDATE attack_parent SET plain = 'y';
DELETE FROM attack_parent WHERE plain = 'nobody';
DELETE FROM attack_parent USING attack_other WHERE plain = 'nobody';
SELECT command, returned, referenced, stored, rows, flags, query FROM attack_log WHERE "position" > :start ORDER BY "position";

-- The parent's label counts, not the child's own as well.
SECURITY LABEL FOR phiguard ON COLUMN attack_parent.ssn IS 'ssn';
SELECT max("position") AS start FROM attack_log \gset
SELECT ssn FROM attack_parent;
SELECT command, returned, referenced, stored, rows, flags, query FROM attack_log WHERE "position" > :start ORDER BY "position";
SECURITY LABEL FOR phiguard ON COLUMN attack_parent.ssn IS NULL;

-- DDL on the parent goes down.
SELECT max("position") AS start FROM attack_log \gset
CREATE FUNCTION attack_tell(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
ALTER TABLE attack_parent ADD CONSTRAINT tell CHECK (attack_tell(ssn));
ALTER TABLE attack_parent DROP CONSTRAINT tell;
SELECT command, kind, referenced, query FROM attack_log WHERE "position" > :start ORDER BY "position";

-- A domain's constraints see the values of its columns.
CREATE DOMAIN attack_base AS text;
CREATE DOMAIN attack_domain AS attack_base;
CREATE TABLE attack_typed (ssn attack_domain);
SECURITY LABEL FOR phiguard ON COLUMN attack_typed.ssn IS 'ssn';
INSERT INTO attack_typed VALUES ('s');
SELECT max("position") AS start FROM attack_log \gset
ALTER DOMAIN attack_domain ADD CONSTRAINT tell CHECK (attack_tell(VALUE));
ALTER DOMAIN attack_base ADD CONSTRAINT tell CHECK (attack_tell(VALUE)) NOT VALID;
ALTER DOMAIN attack_base VALIDATE CONSTRAINT tell;
ALTER DOMAIN attack_nothing ADD CHECK (true);
SELECT command, kind, referenced, query FROM attack_log WHERE "position" > :start ORDER BY "position";

DROP VIEW attack_log;
DROP TABLE attack_parent, attack_middle, attack_child, attack_other, attack_typed;
DROP DOMAIN attack_domain, attack_base;
DROP FUNCTION attack_tell(text);
