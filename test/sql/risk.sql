-- Disclosure risk of a release: metrics worked out by hand, what counts as a person, what is refused.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_reader;

-- Ten rows of seven persons. Classes by (zip3, sex): (021,F) holds 1 2 3, (021,M) holds 4 5, (100,) holds 6 and 7 and 1 again.
CREATE TABLE release (person int, zip3 text, sex text, diagnosis text COLLATE "C", age numeric);
INSERT INTO release VALUES
  (1, '021', 'F', 'a', 30), (1, '021', 'F', 'a', 30.0), (2, '021', 'F', 'b', 40), (3, '021', 'F', 'c', 50),
  (4, '021', 'M', 'a', 30), (5, '021', 'M', 'a', 30), (5, '021', 'M', 'b', 40),
  (6, '100', NULL, NULL, 50), (7, '100', NULL, 'c', 60), (1, '100', NULL, 'c', NULL);

-- n = 3 + 2 + 3 = 8, J = 3, k = 2: persons, not rows.
SELECT metric, round(value::numeric, 6) AS value, meaning FROM phiguard.risk('release', '{zip3,sex}', subject => 'person', k => 3, threshold => 0.4);

-- By value of diagnosis, persons a class: F {a1 b1 c1}, M {a2 b1}, null {null1 c2}; over all: a3 b2 c3 null1 of 9.
-- l_entropy: M and null have exp(0.636514) = 1.889882. l_recursive (l = 2): M 2/1. t_nominal: null |1/9-1/3| + |3/9-2/3| + 3/9 + 2/9 = 1.1111 / 2.
SELECT metric, sensitive_column, round(value::numeric, 6) AS value, meaning
  FROM phiguard.risk('release', '{zip3,sex}', '{diagnosis,age}', subject => 'person') WHERE sensitive_column IS NOT NULL;

-- Population: all of the release and six more.
CREATE TABLE register (who bigint, zip3 text, sex char(1));
INSERT INTO register SELECT DISTINCT person, zip3, sex FROM release;
INSERT INTO register VALUES (10, '021', 'F'), (11, '021', 'M'), (12, '021', 'M'), (13, '100', NULL), (14, '100', 'F'), (14, '100', 'F');
ALTER TABLE register ALTER sex TYPE text;
SELECT metric, round(value::numeric, 6) AS value
  FROM phiguard.risk('release', '{zip3,sex}', subject => 'person', population => 'register', population_subject => 'who', threshold => 0.25)
 WHERE metric ~ 'journalist|marketer|presence|unique' OR metric IN ('classes', 'members', 'persons', 'rows');
DELETE FROM register WHERE who IN (6, 7, 13);
SELECT count(*) FROM phiguard.risk('release', '{zip3,sex}', subject => 'person', population => 'register', population_subject => 'who');

-- One column: everybody of one class where it is constant; rows without a person are one person's.
CREATE TABLE visit (id int, patient int, ward text);
INSERT INTO visit SELECT i, CASE WHEN i > 10 THEN i / 5 END, 'w' FROM generate_series(1, 30) i;
SELECT metric, value FROM phiguard.risk('visit', '{ward}', subject => 'patient') WHERE metric IN ('rows', 'rows_without_person', 'persons', 'k', 'small_cells');
SELECT metric, value FROM phiguard.risk('visit', '{ward}', subject => 'id') WHERE metric IN ('rows', 'rows_without_person', 'persons', 'k', 'small_cells');
-- Visits of one person do not hide it.
SELECT value AS k FROM phiguard.risk('visit', '{patient}', subject => 'patient') WHERE metric = 'k';

-- No rows: nothing to measure.
TRUNCATE visit;
SELECT metric, value FROM phiguard.risk('visit', '{ward}', '{id}', subject => 'patient');

-- Equal is what GROUP BY takes for equal: 1.0 and 1.00, a case-insensitive collation, minus zero, composites and arrays.
-- A server without ICU has no such collation.
SELECT count(*) > 0 AS has_icu, CASE WHEN count(*) > 0 THEN 'ABC' ELSE 'abc' END AS like_abc FROM pg_collation WHERE collname = 'und-x-icu' \gset
\if :has_icu
CREATE COLLATION regress_phig_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
\else
CREATE COLLATION regress_phig_ci FROM "C";
\endif
CREATE TABLE equal (n numeric, ci text COLLATE regress_phig_ci, f float8, a numeric[], c char(3), b bit(2), j jsonb, u uuid, i interval, p int);
INSERT INTO equal VALUES (1.0, 'abc', 0, '{1.0}', 'x', '01', '{"a": 1}', '00000000-0000-0000-0000-000000000001', '1 day', 1),
                         (1.00, :'like_abc', '-0', '{1}', 'x  ', '01', '{"a":1.0}', '00000000-0000-0000-0000-000000000001', '24 hours', 2);
SELECT value AS k FROM phiguard.risk('equal', '{n,ci,f,a,c,b,j,u,i}', subject => 'p') WHERE metric = 'k';
-- Long values, compressed or outside the table.
CREATE TABLE long (t text, s text, p int);
ALTER TABLE long ALTER s SET STORAGE EXTERNAL;
INSERT INTO long SELECT repeat('x', 100000), repeat('y', 5000), i FROM generate_series(1, 3) i;
SELECT value AS k FROM phiguard.risk('long', '{t,s}', subject => 'p') WHERE metric = 'k';

-- The label says whose row it is; a view has none.
SECURITY LABEL FOR phiguard ON TABLE release IS 'subject=person';
SELECT value AS k FROM phiguard.risk('release', '{zip3,sex}') WHERE metric = 'k';
CREATE VIEW seen AS SELECT person AS code, zip3, sex FROM release;
SELECT value FROM phiguard.risk('seen', '{zip3,sex}');
SELECT value AS k FROM phiguard.risk('seen', '{zip3,sex}', subject => 'code') WHERE metric = 'k';

-- Over a hierarchy: b and c are one kind, a and null the other. Of 18, values and kinds: F 2 and 2, M 8 and 4, null 10 and 2; half of (8 + 4) / 18 and of (10 + 2) / 18.
SELECT metric, round(value::numeric, 6) AS value, meaning
  FROM phiguard.risk('release', '{zip3,sex}', '{diagnosis}', subject => 'person', hierarchies => '{"diagnosis": ["coalesce(diagnosis, ''a'') < ''b''"]}') WHERE metric ~ '^t_';
SELECT value FROM phiguard.risk('release', '{zip3}', '{diagnosis}', subject => 'person', hierarchies => '{"diagnosis": ["age"]}');
SELECT value FROM phiguard.risk('release', '{zip3}', '{diagnosis}', subject => 'person', hierarchies => '{"diagnosis": ["diagnosis < ''c''", "diagnosis < ''b''"]}');
SELECT value FROM phiguard.risk('release', '{zip3}', '{diagnosis}', subject => 'person', hierarchies => '{"zip3": ["left(zip3, 1)"]}');
SELECT value FROM phiguard.risk('release', '{zip3}', '{diagnosis}', subject => 'person', hierarchies => '{"diagnosis": ["diagnosis FROM release; DROP TABLE release"]}');
SELECT value FROM phiguard.risk('release', '{zip3}', '{diagnosis}', subject => 'person', hierarchies => '{"diagnosis": "age"}');

-- What is refused says what is valid.
SELECT value FROM phiguard.risk('release', '{zip5,sex}');
SELECT value FROM phiguard.risk('release', '{zip3,sex,zip3}');
SELECT value FROM phiguard.risk('release', '{}');
SELECT value FROM phiguard.risk('release', NULL);
SELECT value FROM phiguard.risk(NULL, '{zip3}');
SELECT value FROM phiguard.risk('release', '{zip3,NULL}');
SELECT value FROM phiguard.risk('release', '{zip3}', '{sick}');
SELECT value FROM phiguard.risk('release', '{zip3}', subject => 'who');
SELECT value FROM phiguard.risk('release', '{zip3}', k => 0);
SELECT value FROM phiguard.risk('release', '{zip3}', threshold => 'NaN');
SELECT value FROM phiguard.risk('release', '{ctid}');
SELECT value FROM phiguard.risk('pg_class_oid_index', '{oid}');
CREATE TABLE places (p point, who int);
SELECT value FROM phiguard.risk('places', '{p}', subject => 'who');
INSERT INTO places VALUES ('(1,2)', 1);
SELECT value FROM phiguard.risk('places', '{p}', subject => 'who');

-- The aggregate by itself: whatever it is given, an answer or an error.
SELECT phiguard.risk_profile(1, false, 2, 1, 0.5, NULL, p, NULL::int, q) OVER () FROM (VALUES (1, 2)) v (p, q);
SELECT phiguard.risk_profile(2, false, 2, 1, 0.5, NULL, p, NULL::int, q) FROM (VALUES (1, 2)) v (p, q);
SELECT phiguard.risk_profile(NULL, false, 2, 1, 0.5, NULL, p, NULL::int, q) FROM (VALUES (1, 2)) v (p, q);
SELECT (phiguard.risk_profile(1, false, 2, 1, 0.5, NULL, p, NULL::int, q ORDER BY q DESC) FILTER (WHERE p > 0))[1:5] AS numbers FROM (VALUES (1, '{1}'::int[]), (2, '{1}'), (0, NULL)) v (p, q);

-- As the caller reads: no privilege, no number. Names need quotes, search_path does not matter.
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."Rows ""x""" ("Who?" int, "Zip; DROP TABLE release" text);
INSERT INTO "Odd schema"."Rows ""x""" VALUES (1, '0'), (2, '0');
SELECT value AS k FROM phiguard.risk('"Odd schema"."Rows ""x"""', '{"Zip; DROP TABLE release"}', subject => 'Who?') WHERE metric = 'k';
GRANT SELECT (person, zip3) ON release TO regress_phig_reader;
SET ROLE regress_phig_reader;
SELECT value AS k FROM phiguard.risk('release', '{zip3}') WHERE metric = 'k';
SELECT value FROM phiguard.risk('release', '{zip3,sex}');
RESET ROLE;

-- On record as any reading of labelled columns.
SELECT phiguard.label('release', 'zip3', 'geo');
SELECT count(*) FROM phiguard.risk('release', '{zip3,sex}');
SELECT kind, returned, rows FROM phiguard.access_log WHERE database = current_database() AND returned <> '{}' ORDER BY position DESC LIMIT 1;

DROP OWNED BY regress_phig_reader;
DROP ROLE regress_phig_reader;
