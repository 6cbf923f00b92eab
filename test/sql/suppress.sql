-- phiguard.suppress: a view that has k persons in each class, at little cost.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_maker;

-- 240 visits of 120 persons, each in one class. Ages 20 .. 79, ZIP codes of two regions, one rare sex.
CREATE TABLE visit (id int, person int, zip text, age int, sex text, diagnosis text);
INSERT INTO visit SELECT i, i / 2, lpad((2100 + i / 2 % 4 + 7900 * (i / 2 % 2))::text, 5, '0'), 20 + i / 2 % 60, CASE WHEN i / 2 = 7 THEN 'X' WHEN i / 2 % 3 = 0 THEN 'M' ELSE 'F' END, 'd' || i % 5
  FROM generate_series(0, 239) i;
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=person';

-- The control: as it is, persons stand alone.
CREATE FUNCTION k_of(relation regclass, quasi name[], subject name DEFAULT NULL) RETURNS float8 LANGUAGE sql AS
$$ SELECT value FROM phiguard.risk(relation, quasi, subject => subject) WHERE metric = 'k' $$;
SELECT k_of('visit', '{zip,age,sex}') AS k;

-- Ages in steps of 5, 20 and not at all; of ZIP codes three digits.
SELECT column_name, shown_as, level, levels, round("precision"::numeric, 3) AS "precision", rows_shown, rows_left_out, k_wanted
  FROM phiguard.suppress('visit', 'visit_5', '{zip,age,sex}', k => 5, hierarchies => '{"zip": ["phiguard.zip3(zip)"], "age": ["age / 5 * 5", "age / 20 * 20"]}');
SELECT k_of('visit_5', '{zip,age,sex}', 'person') >= 5 AS kept, count(*) AS rows, count(DISTINCT person) AS persons, count(*) FILTER (WHERE sex = 'X') AS of_the_rare FROM visit_5;
-- Columns and their order are those of the table; what is not a quasi-identifier is as it was.
\d visit_5
SELECT count(*) FROM visit_5 s JOIN visit v USING (id) WHERE (s.person, s.diagnosis) IS DISTINCT FROM (v.person, v.diagnosis);

-- No column could be one level finer: each, taken back alone, leaves out too much.
SELECT c.finer, count(*) FILTER (WHERE members < 5) > 0.05 * count(*) AS too_much
  FROM (VALUES ('zip'), ('age')) c (finer),
       LATERAL (SELECT (SELECT count(DISTINCT person) FROM visit w
                         WHERE CASE c.finer WHEN 'zip' THEN w.zip ELSE phiguard.zip3(w.zip) END = CASE c.finer WHEN 'zip' THEN v.zip ELSE phiguard.zip3(v.zip) END AND
                               CASE c.finer WHEN 'age' THEN w.age / 5 * 5 ELSE w.age / 20 * 20 END = CASE c.finer WHEN 'age' THEN v.age / 5 * 5 ELSE v.age / 20 * 20 END AND
                               w.sex = v.sex) AS members
                  FROM visit v) m GROUP BY 1 ORDER BY 1;

-- Rows come and go: the view still has 5 persons in each class.
DELETE FROM visit WHERE person % 3 = 0 AND person < 60;
INSERT INTO visit VALUES (500, 500, '99999', 33, 'F', 'd'), (501, NULL, '02100', 33, 'F', 'd'), (502, NULL, '02100', 33, 'F', 'd');
SELECT coalesce(k_of('visit_5', '{zip,age,sex}', 'person'), 5) >= 5 AS kept, count(*) > 0 AS rows, count(*) FILTER (WHERE id = 500) AS of_the_new FROM visit_5;

-- Rows of one person are no crowd.
CREATE TABLE crowd (who int, ward text);
INSERT INTO crowd SELECT 1, 'a' FROM generate_series(1, 50);
INSERT INTO crowd SELECT i, 'b' FROM generate_series(1, 20) i;
SELECT rows_shown, rows_left_out, level FROM phiguard.suppress('crowd', 'crowd_5', '{ward}', k => 5, subject => 'who', max_suppressed => 1);
SELECT ward, count(*) FROM crowd_5 GROUP BY 1;
SELECT rows_shown, rows_left_out, level FROM phiguard.suppress('crowd', 'crowd_all', '{ward}', k => 5, subject => 'who', max_suppressed => 0);
SELECT ward, count(*) FROM crowd_all GROUP BY 1;

-- A function that tells what it sees is not asked about rows that are left out.
CREATE FUNCTION tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
SELECT count(*) FROM (SELECT DISTINCT ward FROM crowd_5) w WHERE tell(ward);
SELECT count(*) FROM crowd_5 WHERE tell(ward || who) AND who < 0;

-- What is refused.
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', k => 21, subject => 'who', max_suppressed => 0);
SELECT * FROM phiguard.suppress('crowd', 'crowd_5', '{ward}', k => 5, subject => 'who', max_suppressed => 1);
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', k => 1, subject => 'who');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', max_suppressed => 2);
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', hierarchies => '{"who": []}');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', hierarchies => '{"ward": "left(ward, 1)"}');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', hierarchies => '{"ward": ["1) FROM crowd; DROP TABLE crowd; SELECT (2"]}');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', hierarchies => '{"ward": ["1), (2"]}');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}', subject => 'who', hierarchies => '["ward"]');
SELECT * FROM phiguard.suppress('crowd', 'crowd_x', '{ward}');

-- As the caller: who may not read it makes no view of it.
CREATE SCHEMA makers AUTHORIZATION regress_phig_maker;
SET ROLE regress_phig_maker;
SELECT * FROM phiguard.suppress('crowd', 'makers.crowd_x', '{ward}', subject => 'who');
RESET ROLE;
DROP OWNED BY regress_phig_maker;
DROP ROLE regress_phig_maker;
