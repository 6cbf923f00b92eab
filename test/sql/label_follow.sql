-- Labels follow DDL: what had a label keeps it, whatever it came from.
CREATE EXTENSION phiguard;
SELECT FROM phiguard.create_key('test');
CREATE VIEW own AS SELECT relation, column_name, label FROM phiguard.labels WHERE schema = 'public' ORDER BY 1, 2 NULLS FIRST;
CREATE VIEW dictionary AS
SELECT relation, column_name, category, kind, conf, sens, label_source FROM phiguard.data_dictionary
 WHERE category IS NOT NULL ORDER BY relation, column_name;

-- DETACH PARTITION: the partition and what hangs below it.
CREATE TABLE visit (id int, day date, who text, code text) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (id);
CREATE TABLE visit_1_1 PARTITION OF visit_1 FOR VALUES IN (1);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE visit_3 PARTITION OF visit FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SECURITY LABEL FOR phiguard ON COLUMN visit.who IS 'name kind=full sens=VIP';
SECURITY LABEL FOR phiguard ON COLUMN visit.code IS 'quasi';
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=id';
SECURITY LABEL FOR phiguard ON COLUMN visit_1.code IS 'mrn';
ALTER TABLE visit DETACH PARTITION visit_1;
TABLE dictionary;
TABLE own;
ALTER TABLE visit DETACH PARTITION visit_2 CONCURRENTLY;
SELECT * FROM own WHERE relation = 'visit_2';
ALTER TABLE visit_1 DETACH PARTITION visit_1_1;
SELECT * FROM own WHERE relation = 'visit_1_1';
-- Attached again, it has both.
SECURITY LABEL FOR phiguard ON COLUMN visit.code IS 'ssn';
ALTER TABLE visit ATTACH PARTITION visit_1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT * FROM dictionary WHERE column_name = 'code';
DROP TABLE visit, visit_2, visit_1_1;
TABLE own;
SELECT * FROM phiguard.verify_labels();

-- NO INHERIT, INHERIT, and a parent's column dropped with ONLY.
CREATE TABLE parent (a text, b text, c text);
CREATE TABLE child (d text) INHERITS (parent);
CREATE TABLE grandchild () INHERITS (child);
SECURITY LABEL FOR phiguard ON COLUMN parent.a IS 'email';
SECURITY LABEL FOR phiguard ON COLUMN parent.b IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN parent.c IS 'none';
ALTER TABLE ONLY parent DROP COLUMN a;
TABLE dictionary;
ALTER TABLE child NO INHERIT parent;
TABLE own;
SELECT * FROM dictionary WHERE relation = 'grandchild';
ALTER TABLE child INHERIT parent;
TABLE own;
ALTER TABLE parent DROP COLUMN b;
SELECT * FROM own;
DROP TABLE parent CASCADE;
TABLE own;

-- ALTER COLUMN TYPE away from a labelled domain, into another one, and with values from elsewhere.
CREATE TABLE typed (a phiguard.ssn, b phiguard.mrn[], c phiguard.birth_date, d text, e text, f text, g text, h text);
CREATE TABLE typed_child () INHERITS (typed);
SECURITY LABEL FOR phiguard ON COLUMN typed.e IS 'note';
ALTER TABLE typed ALTER g TYPE text USING (SELECT 'x');
ALTER TABLE typed ALTER a TYPE text, ALTER b TYPE text[], ALTER c TYPE phiguard.event_date,
    ALTER d TYPE text USING upper(d) || e, ALTER f TYPE int USING length(f),
    ALTER h TYPE text USING phiguard.token(e, 'test');
TABLE own;
TABLE dictionary;
DROP TABLE typed CASCADE;

-- DROP EXPRESSION leaves the values.
CREATE TABLE generated (ssn phiguard.ssn, last4 text GENERATED ALWAYS AS (right(ssn, 4)) STORED);
ALTER TABLE generated ALTER last4 DROP EXPRESSION;
TABLE own;
DROP TABLE generated;

-- CREATE TABLE ... LIKE, whatever it includes, also under the same name, also of what was inherited.
CREATE TABLE source (id int, ssn phiguard.ssn, note text, plain text, reviewed text,
                     derived text GENERATED ALWAYS AS (lower(note)) STORED);
SECURITY LABEL FOR phiguard ON COLUMN source.note IS 'note sens=HIV';
SECURITY LABEL FOR phiguard ON COLUMN source.reviewed IS 'none';
SECURITY LABEL FOR phiguard ON TABLE source IS 'subject=id';
CREATE TABLE source_child () INHERITS (source);
CREATE TABLE copy_1 (extra int, LIKE source);
CREATE TABLE IF NOT EXISTS copy_2 (LIKE source_child INCLUDING ALL);
CREATE TABLE IF NOT EXISTS copy_2 (LIKE source INCLUDING ALL);
CREATE TEMP TABLE source (LIKE source);
CREATE SCHEMA other CREATE TABLE copy_3 (LIKE public.source);
SELECT * FROM own;
SELECT schema, relation, column_name, label FROM phiguard.labels WHERE schema = 'other';
SELECT relation, column_name, label FROM phiguard.labels WHERE schema LIKE 'pg_temp%' ORDER BY 2;
SELECT * FROM phiguard.verify_labels();
SELECT count(*) FROM phiguard.label_registry WHERE schema LIKE 'pg_temp%';
DROP TABLE pg_temp.source;
DROP SCHEMA other CASCADE;
DROP TABLE copy_1, copy_2;

-- Renames: by number, and by name where names are stored.
ALTER TABLE source RENAME COLUMN note TO "The Note";
ALTER TABLE source RENAME COLUMN id TO "Id";
ALTER INDEX source RENAME TO renamed;           -- the server takes a table there
CREATE SCHEMA ward;
CREATE DOMAIN ward.code AS text;
SECURITY LABEL FOR phiguard ON DOMAIN ward.code IS 'mrn';
ALTER DOMAIN ward.code RENAME TO chart_no;
ALTER TABLE renamed SET SCHEMA ward;
ALTER SCHEMA ward RENAME TO "Ward 2";
SELECT * FROM phiguard.label_registry ORDER BY relation, column_name NULLS FIRST;
SELECT * FROM phiguard.verify_labels();
ALTER DOMAIN "Ward 2".chart_no SET SCHEMA public;
ALTER TABLE "Ward 2".renamed SET SCHEMA public;
DROP SCHEMA "Ward 2";
TABLE own;
TABLE dictionary;
SELECT * FROM phiguard.label_registry ORDER BY relation, column_name NULLS FIRST;
SELECT * FROM phiguard.verify_labels();

-- Drops are forgotten, by whatever way; a rollback forgets that.
BEGIN;
DROP DOMAIN chart_no;
ALTER TABLE renamed DROP COLUMN "The Note" CASCADE;
SELECT * FROM phiguard.label_registry ORDER BY relation, column_name NULLS FIRST;
SELECT * FROM phiguard.verify_labels();
ROLLBACK;
SELECT count(*) FROM phiguard.label_registry;
DROP TABLE renamed CASCADE;
DROP DOMAIN chart_no;
SELECT count(*) FROM phiguard.label_registry;

-- A table inside another one's column.
CREATE TABLE inside (a text);
CREATE TABLE outside (c inside[]);
SELECT * FROM dictionary WHERE relation = 'outside';
CREATE DOMAIN secret AS text;
SECURITY LABEL FOR phiguard ON DOMAIN secret IS 'ssn';
ALTER TABLE inside ADD COLUMN s secret;
SELECT * FROM dictionary WHERE relation = 'outside';

-- Who may not alter a table learns nothing from trying.
CREATE ROLE regress_phig_clerk;
SET ROLE regress_phig_clerk;
ALTER TABLE inside ALTER s TYPE text;
RESET ROLE;
DROP ROLE regress_phig_clerk;
