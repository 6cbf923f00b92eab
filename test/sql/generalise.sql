-- Generalisations: years, ages and ZIP codes as 45 CFR 164.514(b)(2)(i)(B) and (C) let them stay; masks.
CREATE EXTENSION phiguard;
SET timezone = 'America/New_York';
SET datestyle = 'ISO, YMD';

-- The year, and nothing finer.
SELECT phiguard.year(d) AS year, phiguard.year(d::timestamp) AS of_timestamp
  FROM unnest('{2024-02-29,2023-12-31,2024-01-01,0001-01-01,0001-12-31 BC,0044-03-15 BC,4713-11-24 BC}'::date[])
       WITH ORDINALITY u (d, n) ORDER BY n;
SELECT phiguard.year('5874897-12-31'::date) AS last_date, phiguard.year('294276-12-31 23:59:59.999999'::timestamp) AS last_timestamp;
SELECT count(*) AS dates,
       count(*) FILTER (WHERE phiguard.year(d) <> extract(year FROM d)) AS date_differs,
       count(*) FILTER (WHERE phiguard.year(d + time '23:59:59.999999') <> extract(year FROM d)) AS timestamp_differs,
       count(*) FILTER (WHERE phiguard.year((d + time '23:59')::timestamptz) <> extract(year FROM d)) AS timestamptz_differs
  FROM (SELECT '2100-12-31'::date - 29 * n AS d FROM generate_series(0, 40000) n) days;

-- Around midnight of New Year it is the session's time zone that tells the year.
SELECT phiguard.year('2024-12-31 23:30:00-05'::timestamptz) AS new_york;
SET timezone = 'Asia/Tokyo';
SELECT phiguard.year('2024-12-31 23:30:00-05'::timestamptz) AS tokyo;
SET timezone = 'America/New_York';

-- The example of HHS: born 1910, served 2010.
SELECT phiguard.birth_year('1910-06-01', '2010-06-01');

-- By years alone, so that who turns 90 in the year that shows is in the class before the birthday.
SELECT birth, as_of, phiguard.birth_year(birth, as_of), phiguard.age_90(birth, as_of)
  FROM (VALUES (1, '1934-12-31'::date, '2024-01-01'::date), (2, '1934-01-01', '2024-12-31'), (3, '1935-01-01', '2024-12-31'),
               (4, '1933-12-31', '2024-01-01'), (5, '2024-02-29', '2024-02-29'), (6, '2024-12-31', '2025-01-01'),
               (7, '1934-05-17', '2024-05-16'), (8, '1934-05-17', '2024-05-17'), (9, '1935-05-17', '2025-05-16'),
               (10, '0001-06-01 BC', '0090-06-01'), (11, '0001-06-01 BC', '0089-06-01')) v (n, birth, as_of)
 ORDER BY n;

-- Leap days: in other years the birthday is 1 March, as age() has it.
SELECT birth, as_of, phiguard.age_90(birth, as_of)
  FROM (VALUES (1, '2000-02-29'::date, '2001-02-28'::date), (2, '2000-02-29', '2001-03-01'), (3, '2000-02-29', '2004-02-28'),
               (4, '2000-02-29', '2004-02-29'), (5, '1934-03-01', '2024-02-29'), (6, '1936-02-29', '2026-02-28'),
               (7, '1936-02-29', '2026-03-01'), (8, '2000-02-28', '2001-02-28')) v (n, birth, as_of)
 ORDER BY n;

-- 89 stays 89, what is older is 90.
SELECT a AS age, phiguard.age_90(a) FROM unnest('{0,1,18,88,89,90,91,120,2147483647}'::int[]) a ORDER BY a;

-- The same as age() and extract() for births of 150 years, seen at many days.
CREATE TEMP TABLE life AS
SELECT birth, as_of, extract(year FROM age(as_of::timestamp, birth::timestamp))::int AS years,
       extract(year FROM as_of)::int - extract(year FROM birth)::int AS year_span
  FROM (SELECT '1880-01-01'::date + 31 * n AS birth FROM generate_series(0, 1780) n
        UNION SELECT make_date(y, 2, 29) FROM generate_series(1880, 2028, 4) y WHERE y <> 1900) births,
       (SELECT '1969-12-31'::date + 367 * n AS as_of FROM generate_series(0, 60) n
        UNION VALUES ('1999-12-31'::date), ('2000-01-01'), ('2000-02-28'), ('2000-02-29'), ('2000-03-01'), ('2023-02-28'), ('2023-03-01')) days
 WHERE birth <= as_of;
SELECT count(*) > 50000 AS enough, min(years) AS youngest, max(years) AS oldest,
       count(*) FILTER (WHERE phiguard.age_90(birth, as_of) <> least(years, 90)) AS age_differs,
       count(*) FILTER (WHERE phiguard.age_90(years) <> least(years, 90)) AS capped_differs,
       count(*) FILTER (WHERE phiguard.birth_year(birth, as_of) <>
                        extract(year FROM CASE WHEN year_span >= 90 THEN as_of - interval '90 years' ELSE birth END)) AS birth_year_differs,
       count(*) FILTER (WHERE phiguard.year(as_of) - phiguard.birth_year(birth, as_of) > 90) AS shows_more_than_90
  FROM life;
-- Whoever is over 89 is in the class of the year too.
SELECT count(*) AS over_89, count(*) FILTER (WHERE phiguard.year(as_of) - phiguard.birth_year(birth, as_of) <> 90) AS outside_the_class
  FROM life WHERE years > 89;
SELECT count(*) FILTER (WHERE phiguard.age_90(birth) IS DISTINCT FROM phiguard.age_90(birth, current_date)) AS today_differs
  FROM life WHERE birth < '2024-01-01';
DROP TABLE life;

-- The types of phiguard are dates.
SELECT phiguard.year('2024-02-29'::phiguard.event_date) AS year, phiguard.age_90('1930-01-01'::phiguard.birth_date, '2024-01-01') AS age;

-- All 1000 prefixes, by the numbers of the Census Bureau; unknown to a vintage is not released.
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/data/census_zip3/zip3_population.csv'
CREATE TEMP TABLE census (
    zip3 text, pop2010 int, pop2020 int, restricted2000 bool, restricted2010 bool, restricted2020 bool);
COPY census FROM :'file' (FORMAT csv, HEADER);
CREATE TEMP TABLE prefix AS
SELECT lpad(n::text, 3, '0') AS p, c.*,
       coalesce(pop2010 > 20000, false) AS in2010,
       coalesce(pop2020 > 20000, false) AS in2020,
       coalesce(pop2020 > 20000 AND NOT restricted2000 AND NOT coalesce(restricted2010, false) AND NOT restricted2020, false) AS in_union
  FROM generate_series(0, 999) n LEFT JOIN census c ON c.zip3 = lpad(n::text, 3, '0');
SELECT count(*) AS prefixes, count(zip3) AS known,
       count(*) FILTER (WHERE phiguard.zip3(p || '01', 'census2010') <> CASE WHEN in2010 THEN p ELSE '000' END) AS census2010_differs,
       count(*) FILTER (WHERE phiguard.zip3(p || '01', 'census2020') <> CASE WHEN in2020 THEN p ELSE '000' END) AS census2020_differs,
       count(*) FILTER (WHERE phiguard.zip3(p || '01', 'union') <> CASE WHEN in_union THEN p ELSE '000' END) AS union_differs,
       count(*) FILTER (WHERE phiguard.zip3(p || '01') <> phiguard.zip3(p || '01', 'union')) AS default_differs
  FROM prefix;
SELECT count(*) FILTER (WHERE in2010 IS DISTINCT FROM NOT restricted2010 AND pop2010 IS NOT NULL) AS flags2010,
       count(*) FILTER (WHERE in2020 IS DISTINCT FROM NOT restricted2020 AND pop2020 IS NOT NULL) AS flags2020 FROM prefix;
-- As printed: by HHS for Census 2000, by HRSA for Census 2020; the union of all.
SELECT string_agg(p, ' ' ORDER BY p) FILTER (WHERE restricted2000) AS census2000 FROM prefix;
SELECT string_agg(prefix, ' ' ORDER BY prefix) AS restricted, count(*), vintage
  FROM phiguard.zip3_prefixes WHERE NOT released GROUP BY vintage ORDER BY vintage;
-- What anybody can read about it.
SELECT vintage, count(*) AS known, count(*) FILTER (WHERE released) AS released, min(population) AS least, sum(population) AS people
  FROM phiguard.zip3_prefixes GROUP BY vintage ORDER BY vintage;
SELECT z.vintage, count(*) AS rows
  FROM phiguard.zip3_prefixes z JOIN prefix x ON x.p = z.prefix
 WHERE z.population = CASE z.vintage WHEN 'census2010' THEN x.pop2010 ELSE x.pop2020 END
   AND z.released = CASE z.vintage WHEN 'census2010' THEN in2010 WHEN 'census2020' THEN in2020 ELSE in_union END
 GROUP BY z.vintage ORDER BY z.vintage;
SELECT prefix, population, released FROM phiguard.zip3_prefixes
 WHERE vintage = 'census2020' AND population BETWEEN 15000 AND 23000 ORDER BY population;
-- Puerto Rico: not in the file of Census 2010, hence not restricted by it.
SELECT phiguard.zip3('00926', 'census2010') AS of_2010, phiguard.zip3('00926', 'census2020') AS of_2020, phiguard.zip3('00926');
-- Military, a single organisation, an island area.
SELECT phiguard.zip3('09012') AS military, phiguard.zip3('20502') AS organisation, phiguard.zip3('96910') AS guam;

-- What is a ZIP code.
SELECT zip, phiguard.zip3(zip), phiguard.zip3(zip, 'census2020') AS census2020
  FROM unnest('{02139,02139-4307,021394307,"  02139","02139  ","  02139-4307 ",2139,501,00501,926,"  2139 ",03601,05901,06390,00000,000,99999}'::text[])
       WITH ORDINALITY u (zip, n) ORDER BY n;
SELECT phiguard.zip3(2139) AS padded, phiguard.zip3(926) AS padded_twice, phiguard.zip3(90210) AS five, phiguard.zip3(902101234) AS nine;
SELECT phiguard.zip3('02139'::char(10)) AS of_char, phiguard.zip3('02139'::varchar) AS of_varchar;

-- What is none: each is refused, and the message shows nothing of it.
DO $$
DECLARE
    z text;
    said text;
BEGIN
    FOREACH z IN ARRAY ARRAY['', ' ', '   ', '1', '12', '123456', '1234567', '12345678', '1234567890', '12345-', '12345-678',
        '12345-67890', '1234-56789', '123456-789', '-12345', '12345 6789', '12 345', '02139x', 'x02139', 'K1A 0B1', 'SW1A', '+2139',
        '-501', '021,39', E'02139\n', E'\t02139', E'\uFF10\uFF12\uFF11\uFF13\uFF19', E'\u0660\u0662\u0661\u0663\u0669', '12345-678-', '12345--678', '1234567-89', repeat('9', 1000)]
    LOOP
        BEGIN
            PERFORM phiguard.zip3(z);
            RAISE NOTICE 'accepted: %', z;
        EXCEPTION WHEN invalid_parameter_value THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
            IF said <> 'not a US ZIP code' THEN
                RAISE NOTICE 'said: %', said;
            END IF;
        END;
    END LOOP;
END $$;
SELECT phiguard.zip3('1234-56789');
SELECT phiguard.zip3(12);
SELECT phiguard.zip3(-2139);
SELECT phiguard.zip3(21394307);
SELECT phiguard.zip3('02139', 'census2000');
SELECT phiguard.zip3('02139', '');
SELECT phiguard.zip3('02139', 'union ');

-- Masks: nothing of the value, or its end, and never its length.
SELECT DISTINCT phiguard.mask(v) FROM unnest(ARRAY['', 'x', '219-09-1234', repeat('x', 100000)]) v;
SELECT v, k, phiguard.mask(v, k)
  FROM (VALUES (1, '219-09-1234', 4), (2, '219-09-1234', 0), (3, '12345678', 4), (4, '1234567', 4), (5, '12', 1), (6, '1', 1),
               (7, '', 0), (8, '', 1), (9, '1234567890123456', 8), (10, '123456789012345', 8)) t (n, v, k)
 ORDER BY n;
SELECT phiguard.mask('Zoë Çelebi', 5) AS accents, phiguard.mask('çéàü', 2) AS characters_not_bytes, phiguard.mask('çéà', 2) AS too_few,
       phiguard.mask('東京都港区', 2) AS three_bytes, phiguard.mask('a😀😀b', 2) AS four_bytes;
SELECT phiguard.mask(repeat('x', 100000) || 'end!', 4);
SELECT phiguard.mask('219-09-1234', 9);
SELECT phiguard.mask('219-09-1234', -1);
SELECT phiguard.mask('219-09-1234'::phiguard.ssn) AS of_domain, phiguard.mask('219-09-1234'::phiguard.ssn, 2) AS kept;

-- NULL in, NULL out.
SELECT num_nulls(phiguard.year(NULL::date), phiguard.year(NULL::timestamp), phiguard.year(NULL::timestamptz),
                 phiguard.birth_year(NULL, '2024-01-01'), phiguard.birth_year('2024-01-01', NULL),
                 phiguard.age_90(NULL::int), phiguard.age_90(NULL::date), phiguard.age_90(NULL, '2024-01-01'), phiguard.age_90('2024-01-01', NULL),
                 phiguard.zip3(NULL::text), phiguard.zip3(NULL::int), phiguard.zip3(NULL, 'union'), phiguard.zip3('02139', NULL),
                 phiguard.mask(NULL), phiguard.mask(NULL, 4), phiguard.mask('x', NULL)) AS nulls;

-- Errors name the rule, not the value.
SELECT phiguard.year('infinity'::date);
SELECT phiguard.year('-infinity'::timestamp);
SELECT phiguard.year('infinity'::timestamptz);
SELECT phiguard.birth_year('-infinity', '2024-01-01');
SELECT phiguard.birth_year('2024-01-01', 'infinity');
SELECT phiguard.birth_year('2024-01-02', '2024-01-01');
SELECT phiguard.age_90('infinity', '2024-01-01');
SELECT phiguard.age_90('2024-01-01', '-infinity');
SELECT phiguard.age_90('2024-01-02', '2024-01-01');
SELECT phiguard.age_90('5874897-12-31'::date);
SELECT phiguard.age_90(-1);
-- Their classes: 22008 for infinity, 22023 for the rest.
CREATE FUNCTION pg_temp.state_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
    RETURN state;
END $$;
SELECT call, pg_temp.state_of('phiguard.' || call) AS state
  FROM unnest(ARRAY['year(''infinity''::date)', 'year(''infinity''::timestamp)', 'year(''-infinity''::timestamptz)',
                    'birth_year(''-infinity'', ''2024-01-01'')', 'birth_year(''2024-01-02'', ''2024-01-01'')',
                    'age_90(-1)', 'age_90(''infinity''::date)', 'age_90(''5874897-12-31''::date)', 'age_90(''2024-01-02'', ''2024-01-01'')',
                    'zip3(''0213'' || ''x'')', 'zip3(12)', 'zip3(''02139'', ''census2000'')', 'mask(''x'', 9)', 'mask(''x'', 8)'])
       WITH ORDINALITY u (call, n) ORDER BY n;

-- For everybody, also in parallel plans and, where nothing but arguments counts, in indexes.
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict,
       proacl::text LIKE '%{=X/%' OR proacl::text LIKE '%,=X/%' AS public, obj_description(p.oid) IS NOT NULL AS commented
  FROM pg_proc p
 WHERE pronamespace = 'phiguard'::regnamespace AND proname IN ('year', 'birth_year', 'age_90', 'zip3', 'zip3_list', 'mask')
   AND proargtypes[0] IS DISTINCT FROM 'internal'::regtype
 ORDER BY p.oid::regprocedure::text;
CREATE ROLE regress_phig_generalise;
SET ROLE regress_phig_generalise;
SELECT phiguard.year('2024-02-29'::date), phiguard.zip3('02139'), phiguard.mask('x'), count(*) AS prefixes FROM phiguard.zip3_prefixes;
RESET ROLE;
DROP ROLE regress_phig_generalise;
CREATE TEMP TABLE visit (zip text, at date);
CREATE INDEX ON visit (phiguard.zip3(zip), phiguard.year(at));
