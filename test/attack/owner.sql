# Attempts by the owner of the tables, who has no other purpose than the reader. See reader.sql.

--- a check that tells
ALTER TABLE patient ADD CHECK (tell(ssn));
--- a check of a guess
ALTER TABLE patient ADD CHECK (ssn <> '131-47-9026');
--- a check that is not valid yet, and rows that change
ALTER TABLE patient ADD CONSTRAINT c CHECK (tell(ssn)) NOT VALID;
UPDATE patient SET consented = true WHERE id = 2;
--- a check of a partition
ALTER TABLE visit_out ADD CHECK (tell(note));
--- a type's conversion that tells
ALTER TABLE doubled ALTER ssn TYPE text USING ssn || tell(ssn)::text;
--- a type's conversion that fails
ALTER TABLE doubled ALTER ssn TYPE int USING CASE WHEN id = 2 THEN ssn::int END;
--- a type's conversion into a column's default
ALTER TABLE watched ALTER ward TYPE text USING ssn;
SELECT ward FROM watched WHERE id = 2;
--- a generated column
ALTER TABLE patient ADD g text GENERATED ALWAYS AS (ssn || note) STORED;
SELECT g FROM patient WHERE id = 2;
--- a column that is added, with a default of what is read
ALTER TABLE patient ADD g text DEFAULT ssn_of(2);
SELECT g FROM patient WHERE id = 2;
--- NOT NULL
ALTER TABLE patient ALTER name SET NOT NULL;
SELECT name FROM patient WHERE id = 2;
--- a unique key's duplicate
ALTER TABLE doubled ADD UNIQUE (ssn);
--- a unique index's duplicate
CREATE UNIQUE INDEX ON doubled (ssn);
--- an exclusion's conflict
ALTER TABLE doubled ADD EXCLUDE USING btree (ssn WITH =);
--- an index that tells
CREATE FUNCTION pg_temp.t(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN $1; END';
CREATE INDEX ON patient (pg_temp.t(ssn));
--- an index's condition that tells
CREATE FUNCTION pg_temp.t(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
CREATE INDEX ON patient (id) WHERE pg_temp.t(ssn);
--- an index of a partitioned table that tells
CREATE FUNCTION pg_temp.t(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN $1; END';
CREATE INDEX ON visit (pg_temp.t(note));
--- a foreign key's first check
CREATE TABLE known (s text PRIMARY KEY);
INSERT INTO known SELECT ssn FROM watched WHERE id <> 2;
ALTER TABLE watched ADD FOREIGN KEY (ssn) REFERENCES known;
--- a foreign key's first check, of a guess
CREATE TABLE known (s text PRIMARY KEY);
ALTER TABLE known ADD CHECK (s <> '');
ALTER TABLE patient ADD FOREIGN KEY (ssn) REFERENCES known NOT VALID;
ALTER TABLE patient VALIDATE CONSTRAINT patient_ssn_fkey;
SELECT ssn FROM patient WHERE id = 2;
--- a trigger that tells
CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION pg_temp.t();
UPDATE patient SET consented = true WHERE id = 2;
--- a trigger on a partition
CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON visit_out FOR EACH ROW EXECUTE FUNCTION pg_temp.t();
UPDATE visit SET consented = true WHERE id = 2;
--- a trigger's function, replaced
CREATE FUNCTION public.quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION public.quiet();
UPDATE visit SET consented = true WHERE id = 2;
--- a rule
CREATE TEMP TABLE s (v text);
CREATE TABLE kept (v text);
CREATE RULE r AS ON UPDATE TO patient DO ALSO INSERT INTO kept SELECT OLD.ssn;
UPDATE patient SET consented = true WHERE id = 2;
TABLE kept;
--- a policy that tells
CREATE POLICY p ON patient USING (tell(ssn));
ALTER TABLE patient ENABLE ROW LEVEL SECURITY; ALTER TABLE patient FORCE ROW LEVEL SECURITY;
SELECT id FROM patient WHERE id = 3;
--- a policy that looks for a guess
CREATE POLICY p ON visit USING (ssn::text <> '131-47-9026');
ALTER TABLE visit ENABLE ROW LEVEL SECURITY; ALTER TABLE visit FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM visit;
--- statistics
CREATE STATISTICS s (mcv) ON ssn, name FROM patient;
ANALYZE patient;
SELECT most_common_vals FROM pg_stats_ext WHERE statistics_name = 's';
--- statistics of an expression
CREATE STATISTICS s ON (ssn || note) FROM patient;
ANALYZE patient;
SELECT histogram_bounds FROM pg_stats_ext_exprs WHERE statistics_name = 's';
--- statistics gathered anew
+ unrecorded statistics are in no labelled relation
ANALYZE patient;
SELECT attname, histogram_bounds FROM pg_stats WHERE tablename = 'patient' ORDER BY 1;
--- a label lowered
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'none';
SELECT ssn FROM patient WHERE id = 2;
--- a label of a category that is clear
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'quasi';
SELECT ssn FROM patient WHERE id = 2;
--- a label taken away
SECURITY LABEL FOR phiguard ON COLUMN visit.note IS NULL;
SELECT note FROM visit WHERE id = 2;
--- columns renamed
ALTER TABLE patient RENAME ward TO old_ward;
ALTER TABLE patient RENAME ssn TO ward;
SELECT ward FROM patient WHERE id = 2;
--- a table renamed
ALTER TABLE patient RENAME TO human;
SELECT ssn FROM human WHERE id = 2;
--- a table renamed, and rows hidden
ALTER TABLE patient RENAME TO human;
SELECT ward FROM human WHERE id > 100;
--- a table in another schema
ALTER TABLE patient SET SCHEMA other;
SELECT ssn, ward FROM other.patient WHERE id IN (2, 101);
--- a partition detached
ALTER TABLE visit DETACH PARTITION visit_out;
SELECT ssn, note FROM visit_out WHERE id = 2;
--- a partition detached, and rows hidden
ALTER TABLE visit DETACH PARTITION visit_out;
SELECT ward FROM visit_out WHERE id > 100;
--- a partition attached elsewhere
CREATE TABLE other (kind text, ward text, consented bool, amount int, zip text, birth date, mrn text, note text, ssn text, id int) PARTITION BY LIST (kind);
ALTER TABLE visit DETACH PARTITION visit_out;
ALTER TABLE other ATTACH PARTITION visit_out FOR VALUES IN ('out');
SELECT note, ward FROM other WHERE id = 2 OR id > 100;
--- a parent of one's own
CREATE TABLE parent (id int, ssn text, ward text);
ALTER TABLE patient INHERIT parent;
SELECT id, ssn, ward FROM parent WHERE id IN (2, 101);
--- a child of one's own
CREATE TABLE child (LIKE patient);
ALTER TABLE child INHERIT patient;
SELECT ssn, ward FROM patient WHERE id IN (2, 101);
--- a copy
CREATE TABLE copy AS SELECT * FROM visit;
SELECT ssn, ward FROM copy WHERE id = 2 OR id > 100;
--- a materialized view
CREATE MATERIALIZED VIEW m AS SELECT id, ssn, ward FROM patient;
SELECT ssn, ward FROM m WHERE id = 2 OR id > 100;
--- a view
CREATE VIEW v AS SELECT id, ssn, ward FROM patient;
SELECT ssn, ward FROM v WHERE id = 2 OR id > 100;
--- a SECURITY DEFINER function
CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT ssn || ward FROM public.patient';
SELECT pg_temp.f();
--- the table as it is copied
COPY patient TO STDOUT;
--- a partition as it is copied
COPY visit_out (id, ssn) TO STDOUT;
--- VACUUM FULL over an index that tells
+ outside
CREATE FUNCTION public.t(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN $1; END';
CREATE INDEX patient_t ON patient (public.t(ssn));
VACUUM FULL patient;
DROP INDEX patient_t;
DROP FUNCTION public.t;
--- CLUSTER in a secret's order
CLUSTER patient USING patient_ssn_key;
SELECT id FROM patient WHERE id < 100 LIMIT 1;
--- row-level security forced
ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
SELECT id, ward FROM patient WHERE id > 100;
--- privileges given away
GRANT SELECT ON patient TO PUBLIC;
SET LOCAL phiguard.purpose = '';
SELECT ssn FROM patient WHERE id = 2;
--- replica identity and a publication
ALTER TABLE patient REPLICA IDENTITY FULL;
CREATE PUBLICATION p FOR TABLE patient;
SELECT ssn FROM patient WHERE id = 2;
--- a column dropped and made again
ALTER TABLE patient DROP COLUMN consented CASCADE;
ALTER TABLE patient ADD consented bool DEFAULT true;
SELECT id, ward FROM patient WHERE id > 100;
--- a rewrite by SET ACCESS METHOD or UNLOGGED
ALTER TABLE doubled SET UNLOGGED;
SELECT ssn FROM doubled WHERE id = 2;
--- a domain's new check
CREATE DOMAIN d AS text;
CREATE TABLE with_d AS SELECT id, ssn::d AS s FROM visit;
ALTER DOMAIN d ADD CHECK (tell(VALUE::text));
--- TRUNCATE, and what is counted
SELECT count(*) FROM visit;
TRUNCATE visit;
--- the column's default, of a row that is inserted
ALTER TABLE patient ALTER ward SET DEFAULT ssn_of(2);
INSERT INTO patient (id) VALUES (200) RETURNING ward;
--- storage and statistics of a column
ALTER TABLE patient ALTER ssn SET STATISTICS 1000;
SELECT ssn FROM patient WHERE id = 2;
--- pg_stats of an expression's index
+ unrecorded statistics are in no labelled relation
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'patient_upper_idx';
--- pg_stats of all that one owns
+ unrecorded statistics are in no labelled relation
SELECT tablename, attname, inherited, most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname = 'public' AND tablename IN ('patient', 'visit', 'visit_in', 'visit_out', 'watched', 'doubled') ORDER BY 1, 2, 3;
--- extended statistics
+ unrecorded statistics are in no labelled relation
SELECT most_common_vals, most_common_freqs FROM pg_stats_ext WHERE statistics_name = 'patient_columns';
--- statistics of expressions
+ unrecorded statistics are in no labelled relation
SELECT expr, most_common_vals, histogram_bounds FROM pg_stats_ext_exprs WHERE statistics_name = 'patient_expressions';
--- a virtual column
+ since 18
ALTER TABLE watched ADD g text GENERATED ALWAYS AS (ssn || 'x') VIRTUAL;
SELECT g FROM watched WHERE id = 2;
SELECT ssn FROM watched WHERE id = 2;
