-- Flow of queries that read: which labelled columns are returned, which only steer.
-- A claim is a query and "returned | referenced"; only claims that fail are printed.
\set ON_ERROR_STOP on
\getenv test PG_ABS_SRCDIR
\set lib :test /lib/flow.psql
\i :lib

CREATE VIEW everything AS SELECT * FROM patient;
CREATE VIEW sorted AS SELECT id, name, ssn, born FROM patient WHERE zip > '1' ORDER BY born;
CREATE VIEW joined AS SELECT s.id, s.name, v.note, v.day FROM sorted s JOIN visit v ON v.patient_id = s.id WHERE v.cost > 10;
CREATE VIEW counted AS SELECT zip, count(*) AS n, count(ssn) AS n_ssn, max(born) AS youngest FROM patient GROUP BY zip;
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, name, ssn FROM patient WHERE sex = 'f';
CREATE MATERIALIZED VIEW copied AS SELECT id, name FROM patient;
CREATE TYPE pair AS (x text, y text);
CREATE TABLE composite (id int, who pair, other pair);
SECURITY LABEL FOR phiguard ON COLUMN composite.who IS 'name';
CREATE FUNCTION opaque(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION volatile_echo(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION stable_echo(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION rows_of(text) RETURNS TABLE (x text, y text) LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT $1, $1; END';
CREATE FUNCTION inlined() RETURNS SETOF patient LANGUAGE sql STABLE AS $$SELECT * FROM patient WHERE sex = 'f'$$;
CREATE FUNCTION inlined_by(k text) RETURNS TABLE (who text, place text) LANGUAGE sql STABLE
	AS 'SELECT name, zip FROM patient WHERE ssn = k';
CREATE FUNCTION inlined_atomic(k text) RETURNS TABLE (who text, place text) LANGUAGE sql STABLE
	BEGIN ATOMIC SELECT name, zip FROM patient WHERE ssn = k; END;
CREATE FUNCTION inlined_twice() RETURNS TABLE (who text) LANGUAGE sql STABLE AS 'SELECT i.place FROM visit v, inlined_by(v.card) i';
CREATE FUNCTION inlined_echo(k text) RETURNS TABLE (x text) LANGUAGE sql IMMUTABLE AS 'SELECT k || 1';
CREATE FUNCTION not_inlined() RETURNS SETOF patient LANGUAGE sql VOLATILE AS 'SELECT * FROM patient';
CREATE FUNCTION defaulted(k text DEFAULT '1', l text DEFAULT '2') RETURNS TABLE (who text) LANGUAGE sql STABLE
	AS 'SELECT name FROM patient WHERE zip = k OR ssn = l';

-- Columns, expressions, clauses.
INSERT INTO claim (query, expected) VALUES
('SELECT a FROM plain', ''),
('SELECT 1', ''),
('SELECT id FROM patient', ''),
('SELECT hair FROM patient', ''),
('SELECT home FROM patient', ''),
('SELECT name FROM patient', 'patient.name'),
('SELECT name, ssn FROM patient', 'patient.name patient.ssn'),
('SELECT * FROM patient', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT ssn FROM patient WHERE zip = ''1''', 'patient.ssn | patient.zip'),
('SELECT ssn FROM patient WHERE ssn = ''1''', 'patient.ssn'),
('SELECT id FROM patient WHERE ssn LIKE ''1%'' AND NOT (born > ''2000-01-01'' OR hair = ''x'')', '| patient.born patient.ssn'),
('SELECT id FROM patient ORDER BY born', '| patient.born'),
('SELECT id, zip FROM patient ORDER BY zip, born', 'patient.zip | patient.born'),
('SELECT id FROM patient ORDER BY length(ssn) DESC NULLS LAST', '| patient.ssn'),
('SELECT 1 FROM patient LIMIT 1', ''),
('SELECT 1 FROM patient LIMIT (SELECT max(cost) FROM visit WHERE note = ''x'')', '| visit.note'),
('SELECT 1 FROM patient OFFSET (SELECT count(day) FROM visit)', '| visit.day'),
('SELECT id FROM patient ORDER BY ssn FETCH FIRST 3 ROWS WITH TIES', '| patient.ssn'),
('SELECT ssn || ''x'' || zip FROM patient', 'patient.ssn patient.zip'),
('SELECT length(name) FROM patient', 'patient.name'),
('SELECT ssn = ''x'' FROM patient', 'patient.ssn'),
('SELECT ssn IS NULL FROM patient', 'patient.ssn'),
('SELECT ssn IS DISTINCT FROM zip FROM patient', 'patient.ssn patient.zip'),
('SELECT nullif(name, ''x'') FROM patient', 'patient.name'),
('SELECT coalesce(name, zip, ''x'') FROM patient', 'patient.name patient.zip'),
('SELECT greatest(name, zip) FROM patient', 'patient.name patient.zip'),
('SELECT (sex = ''f'') IS TRUE FROM patient', 'patient.sex'),
('SELECT born::text::varchar(4) FROM patient', 'patient.born'),
('SELECT name COLLATE "C" FROM patient', 'patient.name'),
('SELECT extract(year FROM born) FROM patient', 'patient.born'),
('SELECT CASE WHEN ssn = ''x'' THEN 1 ELSE 2 END FROM patient', 'patient.ssn'),
('SELECT CASE sex WHEN ''f'' THEN name WHEN zip THEN ''x'' END FROM patient', 'patient.name patient.sex patient.zip'),
('SELECT id FROM patient WHERE CASE WHEN sex = ''f'' THEN zip ELSE name END = ''x''', '| patient.name patient.sex patient.zip'),
('SELECT ARRAY[name, zip] FROM patient', 'patient.name patient.zip'),
('SELECT (ARRAY[name, zip])[1] FROM patient', 'patient.name patient.zip'),
('SELECT tags[1] FROM patient', 'patient.tags'),
('SELECT tags[length(sex)] FROM patient', 'patient.sex patient.tags'),
('SELECT tags[1:2] FROM patient', 'patient.tags'),
('SELECT id FROM patient WHERE ''x'' = ANY (tags)', '| patient.tags'),
('SELECT id FROM patient WHERE zip IN (''1'', ''2'', sex)', '| patient.sex patient.zip'),
('SELECT tags::varchar[] FROM patient', 'patient.tags'),
('SELECT (ssn, zip) < (name, ''x'') FROM patient', 'patient.name patient.ssn patient.zip'),
('SELECT id FROM patient WHERE (ssn, zip) = (''1'', ''2'')', '| patient.ssn patient.zip'),
('SELECT format(''%s %s'', name, zip) FROM patient', 'patient.name patient.zip'),
('SELECT concat(VARIADIC tags) FROM patient', 'patient.tags'),
('SELECT make_date(day => 1, month => 2, year => extract(year FROM born)::int) FROM patient', 'patient.born'),
('SELECT xmlelement(name a, xmlattributes(zip AS z), name) FROM patient', 'patient.name patient.zip'),
('SELECT xmlforest(name, zip AS z) FROM patient', 'patient.name patient.zip'),
('SELECT xmlserialize(CONTENT note::xml AS text) FROM visit', 'visit.note'),
('SELECT note::xml IS DOCUMENT FROM visit', 'visit.note'),
('SELECT current_date - born, current_user FROM patient', 'patient.born'),
('SELECT opaque(ssn) FROM patient', 'patient.ssn'),
('SELECT id FROM patient WHERE opaque(ssn) IS NULL', '| patient.ssn'),
('SELECT ctid, xmin, tableoid::regclass FROM patient', ''),
('SELECT name FROM ONLY patient TABLESAMPLE bernoulli (10) REPEATABLE (1)', 'patient.name'),
('SELECT 1 FROM patient TABLESAMPLE system ((SELECT length(max(note)) FROM visit))', '| visit.note'),
('SELECT id FROM patient FOR UPDATE', ''),
('SELECT name FROM patient WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED', 'patient.name'),
('SELECT DISTINCT zip FROM patient', 'patient.zip'),
('SELECT DISTINCT ON (ssn) id FROM patient', '| patient.ssn'),
('SELECT DISTINCT ON (ssn) id, name FROM patient ORDER BY ssn, born', 'patient.name | patient.born patient.ssn'),
('SELECT 1 AS one, name FROM patient WHERE false', 'patient.name');

-- Aggregates, grouping, windows.
INSERT INTO claim (query, expected) VALUES
('SELECT count(*) FROM patient', ''),
('SELECT count(*) FROM patient WHERE sex = ''f''', '| patient.sex'),
('SELECT count(1) FROM patient', ''),
('SELECT count(ssn) FROM patient', '| patient.ssn'),
('SELECT count(DISTINCT ssn) FROM patient', '| patient.ssn'),
('SELECT count(p) FROM patient p', '| patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT count(*) FILTER (WHERE zip = ''1'') FROM patient', '| patient.zip'),
('SELECT max(ssn) FROM patient', 'patient.ssn'),
('SELECT sum(DISTINCT length(ssn)) FROM patient', 'patient.ssn'),
('SELECT avg(extract(year FROM born)) FILTER (WHERE sex = ''f'') FROM patient', 'patient.born | patient.sex'),
('SELECT string_agg(name, '','' ORDER BY ssn) FROM patient', 'patient.name | patient.ssn'),
('SELECT string_agg(name, zip ORDER BY name) FROM patient', 'patient.name patient.zip'),
('SELECT array_agg(born ORDER BY born) FROM patient', 'patient.born'),
('SELECT json_agg(p) FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT json_object_agg(id, name) FROM patient', 'patient.name'),
('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY born) FROM patient', 'patient.born'),
('SELECT rank(''x'') WITHIN GROUP (ORDER BY name) FROM patient', 'patient.name'),
('SELECT bool_and(zip = ''1'') FROM patient', 'patient.zip'),
('SELECT zip FROM patient GROUP BY zip', 'patient.zip'),
('SELECT count(*) FROM patient GROUP BY zip', '| patient.zip'),
('SELECT zip, count(ssn) FROM patient GROUP BY zip, born', 'patient.zip | patient.born patient.ssn'),
('SELECT count(*) FROM patient GROUP BY substr(zip, 1, 3)', '| patient.zip'),
('SELECT substr(zip, 1, 3), max(born) FROM patient GROUP BY 1 ORDER BY 2', 'patient.born patient.zip'),
('SELECT sex FROM patient GROUP BY sex HAVING count(ssn) > 1 AND min(born) > ''2000-01-01''', 'patient.sex | patient.born patient.ssn'),
('SELECT id, name FROM patient GROUP BY id', 'patient.name'),
('SELECT sex, zip FROM patient GROUP BY GROUPING SETS ((sex), (zip), ())', 'patient.sex patient.zip'),
('SELECT sex FROM patient GROUP BY CUBE (sex, zip)', 'patient.sex | patient.zip'),
('SELECT grouping(sex, zip) FROM patient GROUP BY ROLLUP (sex, zip)', '| patient.sex patient.zip'),
('SELECT count(*) FROM patient GROUP BY DISTINCT ROLLUP (sex), ROLLUP (zip)', '| patient.sex patient.zip'),
('SELECT (SELECT max(p.ssn)) FROM patient p', 'patient.ssn'),
('SELECT (SELECT count(p.ssn) FROM visit) FROM patient p', '| patient.ssn'),
('SELECT (SELECT string_agg(v.note, p.name) FROM visit v) FROM patient p', 'patient.name visit.note'),
('SELECT row_number() OVER () FROM patient', ''),
('SELECT row_number() OVER (PARTITION BY zip ORDER BY born) FROM patient', '| patient.born patient.zip'),
('SELECT rank() OVER w FROM patient WINDOW w AS (ORDER BY ssn)', '| patient.ssn'),
('SELECT id FROM patient WINDOW w AS (ORDER BY ssn)', ''),
('SELECT lag(name) OVER (ORDER BY born) FROM patient', 'patient.name | patient.born'),
('SELECT name, count(ssn) OVER (PARTITION BY zip) FROM patient', 'patient.name | patient.ssn patient.zip'),
('SELECT max(ssn) FILTER (WHERE sex = ''f'') OVER (ORDER BY id) FROM patient', 'patient.ssn | patient.sex'),
('SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN (SELECT length(max(zip)) FROM patient) PRECEDING AND CURRENT ROW) FROM patient', '| patient.zip'),
('SELECT sum(length(name)) OVER (ORDER BY born RANGE BETWEEN ''1 day''::interval PRECEDING AND CURRENT ROW) FROM patient', 'patient.name | patient.born'),
('SELECT id FROM patient ORDER BY row_number() OVER (ORDER BY ssn)', '| patient.ssn'),
('SELECT sum(count(ssn)) OVER (ORDER BY zip) FROM patient GROUP BY zip', '| patient.ssn patient.zip'),
('SELECT n FROM (SELECT id AS n, row_number() OVER (ORDER BY ssn) FROM patient) s', '| patient.ssn'),
('SELECT n FROM (SELECT DISTINCT ON (hair) id AS n, row_number() OVER (ORDER BY ssn) FROM patient) s', '| patient.ssn'),
('WITH c AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY ssn) FROM patient LIMIT 1) SELECT id FROM c', '| patient.ssn'),
('SELECT count(*) FROM visit WHERE EXISTS (SELECT row_number() OVER (PARTITION BY zip) FROM patient)', '| patient.zip'),
('WITH c AS MATERIALIZED (SELECT array_agg(id) AS i, string_agg(hair, '','' ORDER BY ssn) FROM patient) SELECT i FROM c', '| patient.ssn'),
('WITH c AS MATERIALIZED (SELECT array_agg(id) AS i, count(DISTINCT ssn) FROM patient) SELECT i FROM c', '| patient.ssn'),
('SELECT s.n FROM (SELECT id AS n, row_number() OVER (ORDER BY ssn) FROM patient LIMIT 1) s, visit v FOR UPDATE OF v', '| patient.ssn');

-- Joins.
INSERT INTO claim (query, expected) VALUES
('SELECT 1 FROM patient, visit', ''),
('SELECT p.name FROM patient p, visit v WHERE v.patient_id = p.id', 'patient.name'),
('SELECT p.name, v.note FROM patient p JOIN visit v ON v.patient_id = p.id AND v.day > p.born', 'patient.name visit.note | patient.born visit.day'),
('SELECT v.note FROM patient p LEFT JOIN visit v ON v.card = p.ssn', 'visit.note | patient.ssn visit.card'),
('SELECT p.* FROM patient p RIGHT JOIN visit v ON true', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT 1 FROM patient p CROSS JOIN visit v', ''),
('SELECT card FROM visit JOIN (SELECT ssn AS card FROM patient) s USING (card)', 'visit.card | patient.ssn'),
('SELECT card FROM visit LEFT JOIN (SELECT ssn AS card FROM patient) s USING (card)', 'visit.card | patient.ssn'),
('SELECT card FROM visit RIGHT JOIN (SELECT ssn AS card FROM patient) s USING (card)', 'patient.ssn | visit.card'),
('SELECT card FROM visit FULL JOIN (SELECT ssn AS card FROM patient) s USING (card)', 'patient.ssn visit.card'),
('SELECT s.card FROM visit FULL JOIN (SELECT ssn AS card FROM patient) s USING (card)', 'patient.ssn | visit.card'),
('SELECT * FROM visit NATURAL JOIN (SELECT ssn AS card FROM patient) s', 'visit.card visit.day visit.note | patient.ssn'),
('SELECT j.card FROM visit JOIN (SELECT ssn AS card FROM patient) s USING (card) AS j', 'visit.card | patient.ssn'),
('SELECT j FROM (patient p JOIN visit v ON v.patient_id = p.id) j', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip visit.card visit.day visit.note'),
('SELECT j.note FROM (patient p JOIN visit v ON v.patient_id = p.id) j', 'visit.note'),
('SELECT a.name FROM patient a JOIN patient b ON a.zip = b.zip', 'patient.name | patient.zip'),
('SELECT a.id FROM patient a JOIN patient b USING (zip, born)', '| patient.born patient.zip'),
('SELECT p.id FROM plain LEFT JOIN patient p ON p.id = plain.a', ''),
('SELECT b FROM plain LEFT JOIN patient p ON p.ssn = plain.b', '| patient.ssn'),
('SELECT zip FROM (patient JOIN plain ON a = id) JOIN (SELECT zip FROM patient) z USING (zip)', 'patient.zip'),
('SELECT k FROM (SELECT ssn AS k FROM patient) a FULL JOIN (SELECT note AS k FROM visit) b USING (k) FULL JOIN (SELECT card AS k FROM visit) c USING (k)', 'patient.ssn visit.card visit.note'),
('SELECT l.x FROM patient p, LATERAL (SELECT p.name || v.note AS x FROM visit v WHERE v.day = p.born) l', 'patient.name visit.note | patient.born visit.day'),
('SELECT l.y FROM patient p, LATERAL (SELECT p.name AS x, p.zip AS y) l', 'patient.zip'),
('SELECT p.id FROM patient p LEFT JOIN LATERAL (SELECT note FROM visit WHERE card = p.ssn ORDER BY day LIMIT 1) l ON true', '| patient.ssn visit.card visit.day'),
('SELECT v.id FROM visit v WHERE (v.card, v.day) IN (SELECT ssn, born FROM patient)', '| patient.born patient.ssn visit.card visit.day');

-- Views.
INSERT INTO claim (query, expected) VALUES
('SELECT id FROM everything', ''),
('SELECT name FROM everything', 'patient.name'),
('SELECT id FROM sorted', '| patient.born patient.zip'),
('SELECT name FROM sorted', 'patient.name | patient.born patient.zip'),
('SELECT born FROM sorted', 'patient.born | patient.zip'),
('SELECT s FROM sorted s', 'patient.born patient.name patient.ssn | patient.zip'),
('SELECT (s).ssn FROM sorted s', 'patient.ssn | patient.born patient.zip'),
('SELECT count(*) FROM sorted', '| patient.born patient.zip'),
('SELECT name FROM joined', 'patient.name | patient.born patient.zip'),
('SELECT note FROM joined WHERE day > ''2020-01-01''', 'visit.note | patient.born patient.zip visit.day'),
('SELECT n FROM counted', '| patient.zip'),
('SELECT n_ssn FROM counted', '| patient.ssn patient.zip'),
('SELECT youngest FROM counted WHERE n > 1', 'patient.born | patient.zip'),
('SELECT id FROM barrier', '| patient.sex'),
('SELECT name FROM barrier WHERE ssn = ''1''', 'patient.name | patient.sex patient.ssn'),
('SELECT id, name FROM copied', 'copied.name'),
('SELECT id FROM copied', ''),
('SELECT e.id FROM everything e JOIN sorted s USING (ssn)', '| patient.born patient.ssn patient.zip'),
('SELECT * FROM (SELECT id, hair FROM everything) s', ''),
('SELECT name FROM everything FOR UPDATE', 'patient.name');

-- Sub-selects.
INSERT INTO claim (query, expected) VALUES
('SELECT a FROM (SELECT id AS a, ssn AS b FROM patient) s', ''),
('SELECT b FROM (SELECT id AS a, ssn AS b FROM patient) s', 'patient.ssn'),
('SELECT a FROM (SELECT id AS a, ssn AS b FROM patient) s WHERE b = ''1''', '| patient.ssn'),
('SELECT s FROM (SELECT id, ssn FROM patient) s', 'patient.ssn'),
('SELECT 1 FROM (SELECT ssn FROM patient ORDER BY born) s', '| patient.born'),
('SELECT id FROM (SELECT DISTINCT id, ssn FROM patient) s', '| patient.ssn'),
('SELECT id FROM (SELECT id, ssn FROM patient GROUP BY id, ssn) s', '| patient.ssn'),
('SELECT n FROM (SELECT zip, count(*) AS n FROM patient GROUP BY zip) s', '| patient.zip'),
('SELECT (SELECT max(day) FROM visit) FROM patient', 'visit.day'),
('SELECT (SELECT note FROM visit v WHERE v.card = p.ssn LIMIT 1) FROM patient p', 'visit.note | patient.ssn visit.card'),
('SELECT EXISTS (SELECT note FROM visit)', ''),
('SELECT EXISTS (SELECT 1 FROM visit WHERE note = ''x'')', '| visit.note'),
('SELECT id FROM patient p WHERE EXISTS (SELECT * FROM visit v WHERE v.card = p.ssn)', '| patient.ssn visit.card'),
('SELECT id FROM patient p WHERE NOT EXISTS (SELECT 1 FROM visit v WHERE v.patient_id = p.id)', ''),
('SELECT ssn = ANY (SELECT card FROM visit) FROM patient', 'patient.ssn visit.card'),
('SELECT id FROM patient WHERE ssn = ANY (SELECT card FROM visit WHERE day > ''2020-01-01'')', '| patient.ssn visit.card visit.day'),
('SELECT id FROM patient WHERE ssn NOT IN (SELECT card FROM visit)', '| patient.ssn visit.card'),
('SELECT id FROM patient WHERE born > ALL (SELECT day FROM visit)', '| patient.born visit.day'),
('SELECT id FROM patient WHERE (ssn, born) = (SELECT card, day FROM visit LIMIT 1)', '| patient.born patient.ssn visit.card visit.day'),
('SELECT (ssn, born) < (SELECT card, day FROM visit LIMIT 1) FROM patient', 'patient.born patient.ssn visit.card visit.day'),
('SELECT ARRAY(SELECT note FROM visit ORDER BY day)', 'visit.note | visit.day'),
('SELECT id FROM patient WHERE id IN (SELECT patient_id FROM visit)', ''),
('SELECT (SELECT (SELECT p.ssn || v.note) FROM visit v LIMIT 1) FROM patient p', 'patient.ssn visit.note'),
('SELECT a FROM (SELECT id AS a, (SELECT max(note) FROM visit) AS b FROM patient) s', ''),
('SELECT a, (SELECT b) FROM (SELECT id AS a, ssn AS b FROM patient) s', 'patient.ssn'),
('SELECT id FROM patient WHERE (SELECT true FROM visit WHERE note = name LIMIT 1)', '| patient.name visit.note'),
('SELECT id FROM (SELECT id, volatile_echo(ssn) FROM patient) s', '| patient.ssn'),
('SELECT id FROM (SELECT id, stable_echo(ssn) FROM patient) s', ''),
('SELECT id FROM (SELECT id, unnest(tags) FROM patient) s', '| patient.tags'),
('SELECT x FROM (VALUES (1, (SELECT max(ssn) FROM patient)), (2, ''y'')) AS t(a, x)', 'patient.ssn'),
('SELECT a FROM (VALUES (1, (SELECT max(ssn) FROM patient)), (2, ''y'')) AS t(a, x)', ''),
('SELECT l.x FROM patient p, LATERAL (VALUES (p.name), (p.zip)) AS l(x)', 'patient.name patient.zip'),
('VALUES ((SELECT max(ssn) FROM patient))', 'patient.ssn');

-- CTEs.
INSERT INTO claim (query, expected) VALUES
('WITH c AS (SELECT * FROM visit) SELECT note FROM c', 'visit.note'),
('WITH c AS MATERIALIZED (SELECT * FROM visit WHERE day IS NULL) SELECT id FROM c', '| visit.day'),
('WITH c AS (SELECT * FROM visit) SELECT 1', ''),
('WITH c AS (SELECT * FROM visit), d AS (SELECT note, day FROM c) SELECT day FROM d', 'visit.day'),
('WITH c(x, y) AS (SELECT note, day FROM visit) SELECT y FROM c', 'visit.day'),
('WITH c AS (SELECT ssn FROM patient) SELECT 1 FROM c a JOIN c b USING (ssn)', '| patient.ssn'),
('WITH c AS (SELECT ssn, id FROM patient) SELECT (SELECT ssn FROM c WHERE c.id = v.id) FROM visit v', 'patient.ssn'),
('SELECT x FROM plain, LATERAL (WITH c AS (SELECT name AS x, born FROM patient WHERE id = a) SELECT x FROM c) l', 'patient.name'),
('WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r', ''),
('WITH RECURSIVE r(a, b, c) AS (SELECT name, ssn, zip FROM patient UNION ALL SELECT b, c, ''x'' FROM r) SELECT a FROM r', 'patient.name patient.ssn patient.zip'),
('WITH RECURSIVE r(a, b, c) AS (SELECT name, ssn, zip FROM patient UNION ALL SELECT b, c, ''x'' FROM r) SELECT b FROM r', 'patient.ssn patient.zip'),
('WITH RECURSIVE r(a, b, c) AS (SELECT name, ssn, zip FROM patient UNION ALL SELECT b, c, ''x'' FROM r) SELECT c FROM r', 'patient.zip'),
('WITH RECURSIVE r(a, b, c, d, e) AS (SELECT 1, ''x'', ''y'', ''z'', ssn FROM patient UNION ALL SELECT a + 1, c, d, e, b FROM r WHERE a < 9) SELECT b FROM r', 'patient.ssn'),
('WITH RECURSIVE r(a, b) AS (SELECT id, ssn FROM patient UNION SELECT a + 1, b FROM r) SELECT a FROM r', '| patient.ssn'),
('WITH RECURSIVE r(a, b) AS (SELECT id, ssn FROM patient UNION ALL SELECT v.id, r.b FROM r JOIN visit v ON v.note = r.b) SELECT a FROM r', '| patient.ssn visit.note'),
('WITH RECURSIVE r(a, b) AS (SELECT id, zip FROM patient UNION ALL SELECT a + 1, b FROM r) SEARCH DEPTH FIRST BY b SET o SELECT a FROM r', ''),
('WITH RECURSIVE r(a, b) AS (SELECT id, zip FROM patient UNION ALL SELECT a + 1, b FROM r) SEARCH DEPTH FIRST BY b SET o SELECT a FROM r ORDER BY o', '| patient.zip'),
('WITH RECURSIVE r(a, b) AS (SELECT id, zip FROM patient UNION ALL SELECT a + 1, b FROM r) CYCLE b SET looped USING path SELECT a FROM r', '| patient.zip'),
('WITH RECURSIVE r(a, b) AS (SELECT id, zip FROM patient UNION ALL SELECT a + 1, b FROM r) CYCLE b SET looped USING path SELECT path FROM r', 'patient.zip');

-- Set operations.
INSERT INTO claim (query, expected) VALUES
('SELECT ssn FROM patient UNION ALL SELECT note FROM visit', 'patient.ssn visit.note'),
('SELECT ssn FROM patient UNION SELECT note FROM visit', 'patient.ssn visit.note'),
('SELECT ssn FROM patient INTERSECT SELECT note FROM visit', 'patient.ssn visit.note'),
('SELECT ssn FROM patient EXCEPT SELECT note FROM visit', 'patient.ssn | visit.note'),
('SELECT ssn FROM patient EXCEPT ALL SELECT note FROM visit', 'patient.ssn | visit.note'),
('SELECT b FROM plain EXCEPT SELECT ssn FROM patient', '| patient.ssn'),
('SELECT id FROM (SELECT id, ssn FROM patient UNION ALL SELECT id, note FROM visit) s', ''),
('SELECT id FROM (SELECT id, ssn FROM patient UNION SELECT id, note FROM visit) s', '| patient.ssn visit.note'),
('SELECT id FROM (SELECT id, ssn FROM patient INTERSECT ALL SELECT id, note FROM visit) s', '| patient.ssn visit.note'),
('SELECT id FROM ((SELECT id, ssn FROM patient UNION ALL SELECT id, note FROM visit) EXCEPT SELECT a, b FROM plain) s', '| patient.ssn visit.note'),
('SELECT id FROM ((SELECT id, ssn FROM patient UNION SELECT id, card FROM visit) UNION ALL SELECT id, note FROM visit) s', '| patient.ssn visit.card'),
('(SELECT name FROM patient ORDER BY born LIMIT 1) UNION ALL (SELECT note FROM visit ORDER BY day)', 'patient.name visit.note | patient.born visit.day'),
('SELECT id AS k, name FROM patient UNION ALL SELECT id, note FROM visit ORDER BY name', 'patient.name visit.note'),
('SELECT k FROM (SELECT id AS k, name FROM patient UNION ALL SELECT id, note FROM visit ORDER BY name) s', '| patient.name visit.note'),
('SELECT s FROM (SELECT id, ssn FROM patient UNION ALL SELECT id, note FROM visit) s', 'patient.ssn visit.note'),
('SELECT NULL UNION SELECT zip FROM patient', 'patient.zip'),
('SELECT count(*) FROM (SELECT ssn FROM patient UNION SELECT card FROM visit) s', '| patient.ssn visit.card');

-- Rows, fields, composite types, JSON.
INSERT INTO claim (query, expected) VALUES
('SELECT p FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT p::text FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT (p).ssn FROM patient p', 'patient.ssn'),
('SELECT (p).* FROM (SELECT p FROM patient p) s', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT (s.p).ssn FROM (SELECT p FROM patient p OFFSET 0) s', 'patient.ssn'),
('SELECT (s.p).id FROM (SELECT p FROM patient p OFFSET 0) s', ''),
('SELECT ((s.p)).name FROM (SELECT p, v FROM patient p, visit v) s WHERE (s.v).note = ''x''', 'patient.name | visit.note'),
('SELECT (s.p).ssn FROM (SELECT p FROM patient p UNION ALL SELECT p FROM patient p) s', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT (e.q).zip FROM (SELECT e AS q FROM everything e) e', 'patient.zip'),
('SELECT ((SELECT p FROM patient p LIMIT 1)).name', 'patient.name'),
('WITH c AS (SELECT p FROM patient p) SELECT (p).zip FROM c', 'patient.zip'),
('SELECT row_to_json(p) FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT to_jsonb(s) FROM (SELECT id, zip FROM patient) s', 'patient.zip'),
('SELECT to_jsonb(p) - ''ssn'' FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT ROW(id, name) FROM patient', 'patient.name'),
('SELECT (ROW(ssn, zip)::pair).y FROM patient', 'patient.zip'),
('SELECT p IS NULL FROM patient p', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT id FROM patient p WHERE p IS NOT NULL', '| patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT count(p.*) FROM patient p', '| patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT who FROM composite', 'composite.who'),
('SELECT (who).x FROM composite', 'composite.who'),
('SELECT (other).x FROM composite', ''),
('SELECT c FROM composite c', 'composite.who'),
('SELECT x FROM patient, unnest(tags) AS x', 'patient.tags'),
('SELECT 1 FROM patient, unnest(tags) AS x', '| patient.tags'),
('SELECT n FROM patient, unnest(tags) WITH ORDINALITY AS x(t, n)', 'patient.tags'),
('SELECT y FROM patient, ROWS FROM (unnest(tags), generate_series(1, 2)) AS x(t, y)', 'patient.tags'),
('SELECT key FROM patient, jsonb_each_text(to_jsonb(name)) e', 'patient.name'),
('SELECT e.value FROM visit, json_array_elements_text(note::json) e', 'visit.note'),
('SELECT x.a FROM visit, jsonb_to_recordset(note::jsonb) AS x(a text, b text)', 'visit.note'),
('SELECT generate_series(1, length(name)) FROM patient', 'patient.name'),
('SELECT unnest(tags), name FROM patient', 'patient.name patient.tags'),
('SELECT t.b FROM visit, xmltable(''/a'' PASSING (note::xml) COLUMNS b text PATH ''b'' DEFAULT card) t', 'visit.card visit.note'),
('SELECT 1 FROM visit, xmltable(''/a'' PASSING (note::xml) COLUMNS b text) t', '| visit.note'),
('SELECT xpath(''/a'', note::xml) FROM visit', 'visit.note'),
('SELECT regexp_matches(note, card) FROM visit', 'visit.card visit.note');

-- Functions.
INSERT INTO claim (query, expected) VALUES
('SELECT * FROM inlined()', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT id FROM inlined()', '| patient.sex'),
('SELECT i FROM inlined() i', 'patient.born patient.name patient.sex patient.ssn patient.tags patient.zip'),
('SELECT (i).zip FROM inlined() i', 'patient.zip | patient.sex'),
('SELECT who FROM inlined_by(''x'')', 'patient.name | patient.ssn'),
('SELECT who FROM inlined_by(k => ''x'')', 'patient.name | patient.ssn'),
('SELECT place FROM inlined_atomic(''x'')', 'patient.zip | patient.ssn'),
('SELECT i.place FROM visit v, inlined_by(v.card) i', 'patient.zip | patient.ssn visit.card'),
('SELECT who FROM inlined_twice()', 'patient.zip | patient.ssn visit.card'),
('SELECT x FROM visit, inlined_echo(note)', 'visit.note'),
('SELECT 1 FROM visit, inlined_echo(note)', ''),
('SELECT who FROM defaulted()', 'patient.name | patient.ssn patient.zip'),
('SELECT who FROM defaulted(l => ''3'')', 'patient.name | patient.ssn patient.zip'),
('SELECT 1 FROM patient p WHERE p.id IN (SELECT id FROM inlined())', '| patient.sex'),
('WITH c AS (SELECT * FROM inlined()) SELECT ssn FROM c', 'patient.ssn | patient.sex'),
('SELECT who, n FROM inlined_by(''x'') WITH ORDINALITY AS o(who, place, n)', ''),
('SELECT * FROM not_inlined()', ''),
('SELECT inlined_by(card) FROM visit', 'visit.card'),
('SELECT x FROM visit, rows_of(note) r(x, y)', 'visit.note'),
('SELECT 1 FROM visit, rows_of(note)', '| visit.note'),
('SELECT * FROM rows_of(''x'')', '');

-- Tokens: a column in the form that it leaves in.
INSERT INTO claim (query, expected) VALUES
('SELECT phiguard.token(ssn, ''d'') FROM patient', 'patient.ssn=token'),
('SELECT upper(phiguard.token(ssn, ''d'')) FROM patient', 'patient.ssn=token'),
('SELECT phiguard.token(ssn, ''d''), ssn FROM patient', 'patient.ssn patient.ssn=token'),
('SELECT phiguard.token(ssn || zip, ''d'') FROM patient', 'patient.ssn=token patient.zip=token'),
('SELECT phiguard.token(ssn, ''d'') FROM patient WHERE ssn = ''x''', 'patient.ssn=token | patient.ssn'),
('SELECT 1 FROM patient WHERE phiguard.token(ssn, ''d'') = ''x''', '| patient.ssn'),
('SELECT t FROM (SELECT phiguard.token(ssn, ''d'') AS t, ssn FROM patient) s', 'patient.ssn=token'),
('WITH c AS (SELECT phiguard.token(zip, ''d'') AS t FROM patient) SELECT t || ''x'' FROM c', 'patient.zip=token'),
('SELECT phiguard.token(phiguard.token(ssn, ''d''), ''e'') FROM patient', 'patient.ssn=token'),
('SELECT coalesce(phiguard.token(ssn, ''d''), ssn) FROM patient', 'patient.ssn patient.ssn=token'),
('SELECT count(*) FROM patient GROUP BY phiguard.token(ssn, ''d'')', '| patient.ssn'),
('SELECT phiguard.token((SELECT max(card) FROM visit WHERE note = ''x''), ''d'')', 'visit.card=token | visit.note');

SELECT count(*) AS claims FROM claim;
SELECT number, query, expected, found FROM mismatch;

-- What only younger servers know; older ones have nothing to say here.
TRUNCATE claim;
SELECT current_setting('server_version_num')::int >= 170000 AS has_json,
	current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_json
INSERT INTO claim (query, expected) VALUES
('SELECT json_object(''k'': name, zip: 1) FROM patient', 'patient.name patient.zip'),
('SELECT json_array(name, zip NULL ON NULL) FROM patient', 'patient.name patient.zip'),
('SELECT json_array(SELECT note FROM visit WHERE day IS NULL)', 'visit.note | visit.day'),
('SELECT json_objectagg(id: name) FILTER (WHERE zip = ''1'') FROM patient', 'patient.name | patient.zip'),
('SELECT json_arrayagg(name ORDER BY born) FROM patient', 'patient.name | patient.born'),
('SELECT note IS JSON OBJECT FROM visit', 'visit.note'),
('SELECT id FROM visit WHERE note IS JSON', '| visit.note'),
('SELECT json(note), json_scalar(card) FROM visit', 'visit.card visit.note'),
('SELECT json_value(note::jsonb, ''$.a'' PASSING card AS c DEFAULT ''x'' ON EMPTY) FROM visit', 'visit.card visit.note'),
('SELECT json_exists(note::jsonb, ''$.a'') FROM visit', 'visit.note'),
('SELECT json_query(note::jsonb, ''$.a'') FROM visit', 'visit.note'),
('SELECT json_serialize(note::jsonb) FROM visit', 'visit.note'),
('SELECT t.a FROM visit, json_table(note::jsonb, ''$[*]'' PASSING card AS c COLUMNS (a text PATH ''$.a'', b int PATH ''$.b'')) t', 'visit.card visit.note'),
('SELECT 1 FROM visit, json_table(note::jsonb, ''$'' COLUMNS (n FOR ORDINALITY)) t', '| visit.note'),
('SELECT any_value(name) FROM patient', 'patient.name');
\endif
\if :has_virtual
CREATE TABLE derived (id int, ssn text, masked text GENERATED ALWAYS AS (left(ssn, 1)) VIRTUAL, plain text GENERATED ALWAYS AS (id || 'x') VIRTUAL);
SECURITY LABEL FOR phiguard ON COLUMN derived.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN derived.masked IS 'quasi';
INSERT INTO claim (query, expected) VALUES
('SELECT masked FROM derived', 'derived.masked derived.ssn'),
('SELECT d FROM derived d', 'derived.masked derived.ssn'),
('SELECT id FROM derived WHERE masked = ''1''', '| derived.masked derived.ssn'),
('SELECT plain FROM derived', '');
\endif
SELECT number, query, expected, found FROM mismatch;

-- A claim that is wrong is printed.
TRUNCATE claim;
INSERT INTO claim (query, expected) VALUES ('SELECT zip FROM patient WHERE ssn IS NULL', 'patient.zip');
SELECT query, expected, found FROM mismatch;
