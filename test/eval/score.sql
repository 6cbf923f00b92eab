-- Texts, the spans that are annotated in them, the spans that detection finds, and how they lie to each other.
CREATE TABLE document AS
SELECT row_number() OVER (ORDER BY set, line ->> 'id') AS doc, set, line ->> 'id' AS id, line ->> 'text' AS body,
       -- The rule that keeps a half back: half of the first bytes of a hash of the name.
       CASE WHEN get_byte(decode(md5(line ->> 'id'), 'hex'), 0) % 2 = 1 THEN 'held out' ELSE 'development' END AS part,
       coalesce(line -> 'spans', '[]') AS spans
  FROM line WHERE line ? 'spans';

CREATE TABLE gold AS
SELECT d.doc, (s ->> 'start')::int + 1 AS start, (s ->> 'end')::int - (s ->> 'start')::int AS length, substring(body FROM (s ->> 'start')::int + 1 FOR (s ->> 'end')::int - (s ->> 'start')::int) AS value,
       CASE WHEN d.set = 'synthetic_notes' THEN
                CASE WHEN s ->> 'kind' LIKE 'age%' THEN 'age'
                     ELSE refined(s ->> 'label', CASE s ->> 'kind' WHEN 'zip4' THEN 'zip' WHEN 'addr' THEN 'street' WHEN 'hosp' THEN 'facility' ELSE s ->> 'kind' END) END
            WHEN d.set = 'presidio_research' AND s ->> 'label' = 'DATE_TIME' AND
                 substring(body FROM (s ->> 'start')::int + 1 FOR (s ->> 'end')::int - (s ->> 'start')::int) !~ '\d.*\D.*\d' THEN NULL
            ELSE m.category END AS class
  FROM document d CROSS JOIN LATERAL jsonb_array_elements(d.spans) s
  LEFT JOIN mapping m ON m.set = d.set AND m.label = s ->> 'label'
 WHERE s ->> 'start' IS NOT NULL;

CREATE TABLE found AS
SELECT doc, f.start, f.length, refined(f.category, f.kind) AS class, f.recognizer, f.score
  FROM document, phiguard.detect(body) f;
CREATE INDEX ON found (doc);
CREATE INDEX ON gold (doc);

-- Where a set has one category for what we tell apart, ours is theirs.
UPDATE found f SET class = 'geo' FROM document d WHERE d.doc = f.doc AND d.set IN ('asq_phi', 'openmed_fixtures') AND f.class IN ('street', 'city', 'facility', 'zip');
UPDATE found f SET class = 'health_plan' FROM document d WHERE d.doc = f.doc AND d.set IN ('asq_phi', 'openmed_fixtures') AND f.class = 'mbi';
UPDATE found f SET class = 'license' FROM document d WHERE d.doc = f.doc AND d.set IN ('asq_phi', 'openmed_fixtures', 'presidio_research') AND f.class IN ('npi', 'dea');
UPDATE found f SET class = 'vehicle' FROM document d WHERE d.doc = f.doc AND d.set = 'openmed_fixtures' AND f.class = 'vin';
UPDATE found f SET class = 'account' FROM document d WHERE d.doc = f.doc AND d.set = 'openmed_fixtures' AND f.class = 'card';
UPDATE found f SET class = 'address' FROM document d WHERE d.doc = f.doc AND d.set IN ('presidio_research', 'forms') AND f.class IN ('geo', 'street', 'city', 'zip');
UPDATE found f SET class = 'phone' FROM document d WHERE d.doc = f.doc AND d.set IN ('asq_phi', 'presidio_research', 'forms') AND f.class = 'fax';

-- Words inside annotated spans that identify nobody: titles, states, small words.
CREATE TABLE small AS
SELECT g.doc, g.start, g.length, g.start + sum(length(p.part)) OVER (PARTITION BY g.doc, g.start, g.length ORDER BY p.n) - length(p.part) AS at, length(p.part) AS len
  FROM gold g, regexp_split_to_table(g.value, '(?<=[^[:alnum:]])|(?=[^[:alnum:]])') WITH ORDINALITY p(part, n);
DELETE FROM small s USING gold g
 WHERE g.doc = s.doc AND g.start = s.start AND g.length = s.length
   AND substring(g.value FROM (s.at - s.start + 1)::int FOR s.len) !~ '^(?:Dr|Mrs?|Ms|Prof|in|at|of|and|the|our|A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])$';
-- States are marked inside the addresses of forms, whatever their letters are.
INSERT INTO small
SELECT g.doc, g.start, g.length, (s ->> 'start')::int + 1, (s ->> 'end')::int - (s ->> 'start')::int
  FROM gold g JOIN document d USING (doc) CROSS JOIN LATERAL jsonb_array_elements(d.spans) s
 WHERE d.set = 'forms' AND s ->> 'label' = 'state' AND (s ->> 'start')::int + 1 >= g.start AND (s ->> 'end')::int < g.start + g.length;
CREATE INDEX ON small (doc, start, length);

-- Of each annotated span: is one of its category found there, exactly there, and is each of its letters and digits in some found span?
CREATE TABLE gold_score AS
SELECT g.*, EXISTS (SELECT FROM found f WHERE f.doc = g.doc AND f.class = g.class AND f.start < g.start + g.length AND g.start < f.start + f.length) AS partial,
       EXISTS (SELECT FROM found f WHERE f.doc = g.doc AND f.class = g.class AND f.start = g.start AND f.length = g.length) AS exact,
       NOT EXISTS (SELECT FROM generate_series(1, g.length) i
                    WHERE substring(g.value FROM i FOR 1) ~ '[[:alnum:]]'
                      AND NOT EXISTS (SELECT FROM found f WHERE f.doc = g.doc AND g.start + i - 1 >= f.start AND g.start + i - 1 < f.start + f.length)
                      AND NOT EXISTS (SELECT FROM small s WHERE s.doc = g.doc AND s.start = g.start AND s.length = g.length
                                                             AND g.start + i - 1 >= s.at AND g.start + i - 1 < s.at + s.len)) AS covered
  FROM gold g;

-- Of each found span: what is annotated where it is?  What is annotated there as no identifier does not count.
CREATE TABLE found_score AS
SELECT f.*, EXISTS (SELECT FROM gold g WHERE g.doc = f.doc AND g.class = f.class AND f.start < g.start + g.length AND g.start < f.start + f.length) AS right_class,
       EXISTS (SELECT FROM gold g WHERE g.doc = f.doc AND g.class = f.class AND f.start = g.start AND f.length = g.length) AS exact,
       EXISTS (SELECT FROM gold g WHERE g.doc = f.doc AND f.start < g.start + g.length AND g.start < f.start + f.length) AS anything
  FROM found f;

CREATE TABLE score AS
WITH class AS (SELECT DISTINCT d.set, g.class FROM gold g JOIN document d USING (doc) WHERE g.class IS NOT NULL),
part AS (SELECT DISTINCT set, part FROM document),
g AS (SELECT d.set, d.part, s.class, count(*) AS gold, count(*) FILTER (WHERE partial) AS partial, count(*) FILTER (WHERE exact) AS exact, count(*) FILTER (WHERE covered) AS covered
        FROM gold_score s JOIN document d USING (doc) WHERE class IS NOT NULL GROUP BY 1, 2, 3),
-- Found where the set annotates something that is no identifier, or another one: not a false alarm of this category.
f AS (SELECT d.set, d.part, s.class, count(*) FILTER (WHERE right_class) AS hits, count(*) FILTER (WHERE exact) AS exact_hits, count(*) FILTER (WHERE NOT anything) AS alarms
        FROM found_score s JOIN document d USING (doc) GROUP BY 1, 2, 3)
SELECT c.set, p.part, c.class, coalesce(gold, 0) AS gold, coalesce(partial, 0) AS partial, coalesce(g.exact, 0) AS exact, coalesce(covered, 0) AS covered,
       coalesce(hits, 0) AS hits, coalesce(exact_hits, 0) AS exact_hits, coalesce(alarms, 0) AS alarms
  FROM class c JOIN part p USING (set) LEFT JOIN g USING (set, part, class) LEFT JOIN f USING (set, part, class);
