-- What a column's label amounts to: own, type, ancestors and expression, the strictest of them.
CREATE EXTENSION phiguard;

-- Types: domains over domains, arrays, composites, ranges and multiranges, in any combination.
CREATE DOMAIN d_mrn AS text;
CREATE DOMAIN d_over AS d_mrn;
CREATE DOMAIN d_plain AS text;
SECURITY LABEL FOR phiguard ON DOMAIN d_mrn IS 'mrn kind=patient';
CREATE TYPE pair AS (plain text, code d_over);
CREATE TYPE nested AS (pairs pair[], n int);
CREATE DOMAIN d_day AS date;
SECURITY LABEL FOR phiguard ON DOMAIN d_day IS 'date kind=event conf=R';
CREATE TYPE day_range AS RANGE (subtype = d_day);
CREATE DOMAIN d_range AS day_range;
CREATE TABLE typed (
    plain text, a d_mrn, b d_over, c d_plain, d d_mrn[], e d_over[][], f pair, g pair[], h nested, i day_range,
    j day_multirange, k d_range[], l text[], m phiguard.ssn, n phiguard.zip_code[]);
SELECT column_name, type, category, kind, conf, label_source FROM phiguard.data_dictionary WHERE relation = 'typed';
SECURITY LABEL FOR phiguard ON DOMAIN d_over IS 'ssn sens=HIV';
SECURITY LABEL FOR phiguard ON DOMAIN d_plain IS 'none';
SELECT column_name, category, kind, conf, sens, label_source FROM phiguard.data_dictionary
 WHERE relation = 'typed' AND column_name IN ('a', 'b', 'c', 'e', 'f', 'g', 'h');
SELECT phiguard.review('typed');

-- A composite type may change below its columns; a table is a type too.
ALTER TYPE pair ADD ATTRIBUTE note phiguard.clinical_note;
SELECT column_name, category FROM phiguard.data_dictionary WHERE relation = 'typed' AND column_name IN ('f', 'g', 'h');
CREATE TABLE inner_table (id int, name text);
CREATE TABLE outer_table (rows inner_table[], one inner_table);
SELECT column_name, category FROM phiguard.data_dictionary WHERE relation = 'outer_table';
SECURITY LABEL FOR phiguard ON COLUMN inner_table.name IS 'name';
SELECT column_name, category, label_source FROM phiguard.data_dictionary WHERE relation = 'outer_table';
SECURITY LABEL FOR phiguard ON COLUMN inner_table.name IS 'none';
SELECT column_name, category, label_source FROM phiguard.data_dictionary WHERE relation = 'outer_table';

-- Own label and type: the stricter holds; of two kinds neither.
CREATE TABLE own (a d_mrn, b d_mrn, c d_mrn, d d_mrn, e d_mrn, f text);
SECURITY LABEL FOR phiguard ON COLUMN own.a IS 'quasi conf=V sens=VIP';
SECURITY LABEL FOR phiguard ON COLUMN own.b IS 'note kind=clinical conf=U';
SECURITY LABEL FOR phiguard ON COLUMN own.c IS 'mrn kind=encounter';
SECURITY LABEL FOR phiguard ON COLUMN own.d IS 'mrn';
SECURITY LABEL FOR phiguard ON COLUMN own.e IS 'none';
SECURITY LABEL FOR phiguard ON COLUMN own.f IS 'none';
SELECT column_name, category, kind, conf, sens, label_source, citation FROM phiguard.data_dictionary WHERE relation = 'own';

-- Partitions and children, also of children, whatever the order of their columns.
CREATE TABLE visit (id int, day date, who text, secret text) PARTITION BY RANGE (day);
SECURITY LABEL FOR phiguard ON COLUMN visit.who IS 'name';
CREATE TABLE visit_2020 PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (id);
CREATE TABLE visit_2020_1 (secret text, extra_dropped int, who text, day date, id int);
ALTER TABLE visit_2020_1 DROP COLUMN extra_dropped;
SECURITY LABEL FOR phiguard ON COLUMN visit_2020_1.day IS 'date kind=event';
ALTER TABLE visit_2020 ATTACH PARTITION visit_2020_1 FOR VALUES IN (1);
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=id';
SECURITY LABEL FOR phiguard ON COLUMN visit.secret IS 'note';
SELECT relation, column_name, category, label_source FROM phiguard.data_dictionary WHERE relation LIKE 'visit%' ORDER BY 1, 2;
SECURITY LABEL FOR phiguard ON COLUMN visit.secret IS 'quasi';
SECURITY LABEL FOR phiguard ON COLUMN visit_2020.secret IS 'geo kind=city';
SECURITY LABEL FOR phiguard ON COLUMN visit_2020_1.secret IS 'geo kind=city conf=R';
SELECT relation, column_name, category, kind, conf, label_source FROM phiguard.data_dictionary
 WHERE column_name = 'secret' AND relation LIKE 'visit%' ORDER BY 1;

CREATE TABLE base_a (x text, y text);
CREATE TABLE base_b (x text, z text);
CREATE TABLE child (own text) INHERITS (base_a, base_b);
CREATE TABLE grandchild () INHERITS (child);
SECURITY LABEL FOR phiguard ON COLUMN base_a.x IS 'email';
SECURITY LABEL FOR phiguard ON COLUMN base_b.x IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN base_b.z IS 'none';
SECURITY LABEL FOR phiguard ON COLUMN child.own IS 'device';
SELECT relation, column_name, category, label_source FROM phiguard.data_dictionary
 WHERE relation IN ('base_a', 'base_b', 'child', 'grandchild') ORDER BY 1, 2;

-- Generated columns: what their expression may hold; a transform's result is what the transform makes of it.
CREATE TABLE generated (
    ssn text, zip text, plain text, reviewed text,
    last4 text GENERATED ALWAYS AS (right(ssn, 4)) STORED,
    mixed text GENERATED ALWAYS AS (CASE WHEN plain = 'x' THEN zip ELSE 'y' END || plain) STORED,
    clean text GENERATED ALWAYS AS (upper(plain) || reviewed) STORED,
    typed phiguard.email GENERATED ALWAYS AS (plain || '@example.org') STORED);
SECURITY LABEL FOR phiguard ON COLUMN generated.ssn IS 'ssn sens=VIP';
SECURITY LABEL FOR phiguard ON COLUMN generated.zip IS 'geo kind=zip';
SECURITY LABEL FOR phiguard ON COLUMN generated.reviewed IS 'none';
SECURITY LABEL FOR phiguard ON COLUMN generated.last4 IS 'none';
SELECT column_name, category, kind, sens, label_source FROM phiguard.data_dictionary WHERE relation = 'generated';

ALTER FUNCTION phiguard.token(text, text) IMMUTABLE;     -- a generated column takes nothing less
ALTER TABLE generated ADD coded text GENERATED ALWAYS AS (phiguard.token(ssn, 'test')) STORED,
    ADD beside text GENERATED ALWAYS AS (phiguard.token(ssn, 'test') || zip) STORED,
    ADD of_nothing text GENERATED ALWAYS AS (phiguard.token(plain, 'test')) STORED;
SELECT column_name, category, kind, sens, label_source FROM phiguard.data_dictionary
 WHERE relation = 'generated' AND column_name IN ('coded', 'beside', 'of_nothing');

-- A relation whose label cannot be read must not answer as one without PHI.
UPDATE pg_seclabel SET label = 'ssn of Jane Doe' WHERE objoid = 'own'::regclass AND objsubid = 1;
SELECT * FROM own;
SELECT count(*) FROM phiguard.labels;
SELECT * FROM phiguard.verify_labels();
SECURITY LABEL FOR phiguard ON COLUMN own.a IS 'quasi';
SELECT a FROM own;
SELECT * FROM phiguard.verify_labels();

-- A transaction sees its own labels at once, and nothing of them when they are rolled back.
CREATE TABLE tried (a text, b text);
EXPLAIN (COSTS OFF) SELECT a FROM tried;
BEGIN;
SECURITY LABEL FOR phiguard ON COLUMN tried.a IS 'email';
EXPLAIN (COSTS OFF) SELECT a FROM tried;
SAVEPOINT s;
SELECT phiguard.label('tried', 'a', NULL), phiguard.label('tried', 'b', 'url');
EXPLAIN (COSTS OFF) SELECT a FROM tried;
EXPLAIN (COSTS OFF) SELECT b FROM tried;
ROLLBACK TO s;
EXPLAIN (COSTS OFF) SELECT a FROM tried;
ROLLBACK;
EXPLAIN (COSTS OFF) SELECT a FROM tried;
SELECT * FROM phiguard.verify_labels();

-- Foreign tables and materialized views have labels of their own.
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE far (ssn text) SERVER dummy;
SECURITY LABEL FOR phiguard ON COLUMN far.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON FOREIGN TABLE far IS 'subject=ssn';
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id, 'x'::text AS note;
SECURITY LABEL FOR phiguard ON COLUMN kept.note IS 'note';
SECURITY LABEL FOR phiguard ON MATERIALIZED VIEW kept IS 'subject=id';
SELECT object_kind, relation, column_name, label FROM phiguard.labels WHERE relation IN ('far', 'kept') ORDER BY relation, column_name;
SELECT relation, column_name, category FROM phiguard.data_dictionary WHERE relation IN ('far', 'kept') ORDER BY 1, 2;
