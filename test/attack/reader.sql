# Attempts by a role that has SELECT on tables and views, and what PUBLIC has: temporary objects, prepared statements, DO.
# Each runs in a transaction that is rolled back, and goes on after errors, unless `+ outside`. {ssn}: the secret of the first world, as a literal.

# --- The row as a whole, and names that come to the same.
--- field selection from the table's row
SELECT (p).ssn FROM patient p WHERE id = 2;
--- functional notation
SELECT ssn(p) FROM patient p WHERE id = 2;
--- a function by attribute notation
CREATE FUNCTION pg_temp.peek(patient) RETURNS text LANGUAGE sql AS 'SELECT $1.ssn';
SELECT pg_temp.peek(p) FROM patient p WHERE id = 2;
--- whole row of the table
SELECT p FROM patient p WHERE id = 2;
--- whole row without denied columns
SELECT v FROM visit v WHERE id = 2;
--- whole row of a partition
SELECT v FROM visit_out v WHERE id = 2;
--- whole row of a child, as its parent's
SELECT e::person FROM employee e WHERE id = 2;
--- row_to_json of a join's rows
SELECT row_to_json(j) FROM (visit v JOIN numbers n USING (id)) AS j WHERE j.id = 2;
--- rows counted by what they are
SELECT count(DISTINCT v) FILTER (WHERE v::text LIKE '%' || {ssn} || '%') FROM visit v;
--- rows compared with a guess
SELECT v.id FROM visit v JOIN LATERAL (SELECT (json_populate_record(v, json_build_object('ssn', {ssn}))).*) g ON g = v WHERE v.id = 2;
--- a row is null
SELECT (v).ssn IS DISTINCT FROM {ssn} FROM visit v WHERE id = 2;
--- row in a subscript
SELECT ((ARRAY(SELECT v FROM visit v WHERE id = 2))[1]).ssn;
--- star of a field
SELECT (q.v).* FROM (SELECT v FROM visit v WHERE id = 2 OFFSET 0) q;
--- rows by xmlforest
SELECT xmlforest(v.ssn, v.note, v.birth) FROM visit v WHERE id = 2;
--- size of a row
SELECT octet_length(p.note || p.name) FROM patient p WHERE id = 2;
--- hash of a row
SELECT hash_record(ROW(v.ssn, v.note, v.birth, v.zip, v.amount)) FROM visit v WHERE id = 2;
--- hash of a row that is hidden
SELECT sum(hash_record(ROW(v.id, v.ward))) FROM visit v;
--- ordering of rows
SELECT id FROM visit v WHERE id < 100 ORDER BY (v.ssn, v.note, v.amount), id LIMIT 1;
--- JSON inside a column
SELECT doc ->> 'a' FROM patient WHERE id = 2;
--- JSON path
SELECT jsonb_path_query(doc, '$.a') FROM patient WHERE id = 2;
--- element of an array column
SELECT tags[1], array_to_string(tags, ','), unnest(tags) FROM patient WHERE id = 2;
--- array overlap
SELECT id FROM patient WHERE tags && ARRAY[{note}];
--- NATURAL JOIN with guesses
SELECT id FROM patient NATURAL JOIN (VALUES ({ssn})) g (ssn);
--- self-join on a masked column
SELECT a.id, b.id FROM patient a JOIN visit b ON a.ssn = b.ssn::text AND a.id = 2 AND b.ssn::text = {ssn};
--- self-join to the table that refers to it
SELECT p.id FROM patient p JOIN contact c ON c.ssn = p.ssn WHERE p.id = 2 AND c.ssn = {ssn};
--- USING, and a column named by its join
SELECT j.ssn FROM (patient JOIN contact USING (ssn)) AS j (ssn);
--- alias list that renames
SELECT a2 FROM patient p (a1, a2) WHERE a1 = 2;
--- alias list of a barrier view
SELECT a2 FROM patients_barrier p (a1, a2) WHERE a1 = 2;
--- dates by parts
SELECT extract(doy FROM birth), birth - date '1931-01-01', to_char(birth, 'DDD'), age(birth, '2000-01-01') FROM patient WHERE id = 2;
--- dates in a range
SELECT id FROM patient WHERE daterange('1931-01-01', '1931-02-01') @> birth AND id < 100 AND birth <> '1931-01-01';
--- dates in order
SELECT id FROM visit WHERE id < 100 ORDER BY birth, id LIMIT 1;
--- dates by generate_series
SELECT d FROM generate_series(date '1931-01-02', '1931-12-31', '1 day') d JOIN patient p ON p.birth = d AND p.id = 2;
--- the year of a time, by the session's time zone
SET LOCAL TimeZone = 'X-38:00';
SELECT seen FROM patient WHERE id = 2;
SET LOCAL TimeZone = 'UTC';
SELECT seen, extract(hour FROM seen) FROM patient WHERE id = 2;
--- the year of a time, compared
SET LOCAL TimeZone = 'X-38:00';
SELECT seen >= '2024-12-31 00:00+00', seen::date, date_trunc('day', seen), to_char(seen, 'YYYY') FROM patient WHERE id = 2;
--- ZIP code by its digits
SELECT substr(zip, 4, 2), right(zip, 2), zip::int % 100 FROM patient WHERE id = 2;
--- numbers by arithmetic
SELECT amount % 1000, sum(amount) OVER (), width_bucket(amount, 0, 9000000, 9) FROM patient WHERE id = 2;
--- sum of visible rows
SELECT sum(amount), avg(amount), stddev(amount), max(amount) FROM patient WHERE id < 100;
--- regression over rows
SELECT corr(amount, id), regr_slope(amount, id) FROM visit WHERE id < 100;
--- numbers to money, and bits
SELECT amount::bit(32), amount::money, to_hex(amount), chr(amount % 1000) FROM patient WHERE id = 2;
--- bitwise aggregates
SELECT bit_or(amount), bit_and(amount) FROM visit WHERE id = 2;
--- hypothetical set
SELECT rank(3000000) WITHIN GROUP (ORDER BY amount) FROM patient WHERE id < 100;
--- mode
SELECT mode() WITHIN GROUP (ORDER BY ssn) FROM patient WHERE id = 2;
--- ntile and nth_value
SELECT id, ntile(20) OVER (ORDER BY ssn) FROM patient WHERE id < 100 ORDER BY id;
--- frame by range
SELECT id, count(*) OVER (ORDER BY birth RANGE BETWEEN CURRENT ROW AND '140 days' FOLLOWING) FROM patient WHERE id < 100 ORDER BY id;
--- FETCH FIRST WITH TIES
SELECT id FROM visit WHERE id < 100 ORDER BY ssn FETCH FIRST 1 ROW WITH TIES;
--- DISTINCT ON a masked column
SELECT DISTINCT ON (ssn) id FROM visit WHERE id < 100 ORDER BY ssn, id;
--- cube
SELECT ssn, ward, count(*) FROM visit WHERE id = 2 GROUP BY CUBE (ssn, ward);
--- grouping by an expression
SELECT count(*) FROM patient WHERE id < 100 GROUP BY ssn < '2' ORDER BY 1;
--- set operation over a masked column
SELECT count(*) FROM (SELECT ssn FROM patient WHERE id < 100 INTERSECT ALL SELECT '131-47-9026') q;
--- recursive search
WITH RECURSIVE q (n, s) AS (SELECT 1, '1' UNION ALL SELECT n + 1, s || (SELECT substr(ssn, n + 1, 1) FROM patient WHERE id = 2) FROM q WHERE n < 11) SELECT max(s) FROM q;
--- search breadth first
WITH RECURSIVE q AS (SELECT id, ssn FROM visit WHERE id = 2 UNION ALL SELECT v.id, v.ssn FROM visit v JOIN q ON v.id = q.id + 1000) SEARCH BREADTH FIRST BY ssn SET o SELECT o FROM q;
--- cycle detection
WITH RECURSIVE q AS (SELECT id, ssn FROM visit WHERE id = 2 UNION ALL SELECT q.id, v.ssn FROM visit v JOIN q ON v.id = q.id) CYCLE ssn SET c USING p SELECT p FROM q;

# --- Hidden rows.
--- rows counted
+ unrecorded it asks for no labelled column
SELECT count(*) FROM patient;
--- rows counted in partitions
+ unrecorded it asks for no labelled column
SELECT count(*) FROM visit_out;
--- rows counted in a child
+ unrecorded it asks for no labelled column
SELECT count(*) FROM employee;
--- rows counted in a materialized view
+ unrecorded it asks for no labelled column
SELECT count(*) FROM copied;
--- hidden row by its key
+ unrecorded it asks for no labelled column
SELECT id FROM patient WHERE id = 105;
--- hidden row by its ctid
SELECT ward FROM patient WHERE ctid = ANY (ARRAY(SELECT format('(0,%s)', n)::tid FROM generate_series(20, 30) n));
--- hidden row by a range of ctid
+ unrecorded it asks for no labelled column
SELECT count(*) FROM patient WHERE ctid > '(0,20)';
--- hidden wards, grouped
SELECT ward, count(*) FROM patient GROUP BY ward ORDER BY ward;
--- hidden rows in an outer join
SELECT n.id, p.ward FROM numbers n LEFT JOIN patient p USING (id) WHERE n.id > 100 ORDER BY n.id;
--- hidden rows in an anti-join
+ unrecorded it asks for no labelled column
SELECT count(*) FROM numbers n WHERE NOT EXISTS (SELECT FROM patient p WHERE p.id = n.id);
--- hidden rows in NOT IN
+ unrecorded it asks for no labelled column
SELECT count(n.id) FROM numbers n WHERE n.id NOT IN (SELECT id FROM visit);
--- hidden rows in a semi-join
+ unrecorded it asks for no labelled column
SELECT count(*) FROM numbers n WHERE n.id IN (SELECT id FROM copied);
--- hidden rows in EXISTS
SELECT EXISTS (SELECT FROM patient WHERE ward = {ward});
--- hidden rows by OR
SELECT count(*) FROM patient WHERE consented OR NOT consented OR ward = {ward};
--- hidden rows by the predicate's negation
+ unrecorded it asks for no labelled column
SELECT id FROM patient WHERE NOT consented;
--- hidden rows by min and max of an index
SELECT max(id), min(id), max(ward) FROM patient;
--- hidden rows by a function in the filter
SELECT count(*) FROM patient WHERE tell(ward);
--- hidden rows by a function in a partition's filter
SELECT count(*) FROM visit_out WHERE tell(ward);
--- hidden rows by a function over a child
SELECT count(*) FROM employee WHERE tell(ward);
--- hidden rows by a function over a parent
SELECT count(*) FROM person WHERE tell(ward);
--- hidden rows by a function under row-level security
SELECT count(*) FROM secured WHERE tell(ward);
--- hidden rows by a function over a materialized view
SELECT count(*) FROM copied WHERE tell(ward);
--- hidden rows by a function over a foreign table
SELECT count(*) FROM filed WHERE tell(ward);
--- hidden rows by a function over a foreign server
SELECT count(*) FROM far WHERE tell(ward);
--- hidden rows by an operator with an estimator
SELECT count(*) FROM patient WHERE ward OPERATOR(public.<<<) 'z';
--- hidden rows by a function of one's own
CREATE FUNCTION pg_temp.tell2(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''told %'', $1; RETURN true; END';
SELECT count(*) FROM patient WHERE pg_temp.tell2(ward);
--- hidden rows by a function in a join
SELECT count(*) FROM patient a JOIN patient b ON a.id = b.id AND tell(a.ward) AND tell(b.ward);
--- hidden rows by a function in an outer join
SELECT count(p.id) FROM numbers n LEFT JOIN patient p ON p.id = n.id AND tell(p.ward);
--- hidden rows by a function in a hash join
SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off;
SELECT count(*) FROM numbers n JOIN patient p ON n.id::text = p.id::text AND tell(p.ward);
--- hidden rows by a function in a merge join
SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = off;
SELECT count(*) FROM numbers n JOIN patient p ON n.id = p.id AND tell(p.ward);
--- hidden rows by an index condition
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM patient WHERE id > 100 AND tell(ward);
--- hidden rows by a bitmap scan
SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
SELECT count(*) FROM patient WHERE id > 100 AND tell(ward);
--- hidden rows by a function in HAVING
SELECT count(*) FROM patient GROUP BY ward HAVING tell(ward);
--- hidden rows by a function in ORDER BY
SELECT id FROM patient ORDER BY tell(ward), id LIMIT 1;
--- hidden rows by a function in a window
SELECT count(tell(ward)) OVER (PARTITION BY tell(ward)) FROM patient LIMIT 1;
--- hidden rows by a function in FILTER
SELECT count(*) FILTER (WHERE tell(ward)) FROM patient;
--- hidden rows by CASE
SELECT count(*) FROM patient WHERE CASE WHEN tell(ward) THEN true END;
--- hidden rows by a conversion error
SELECT count(*) FROM patient WHERE ward::int > 0 AND id > 100;
--- hidden rows by a division
SELECT count(*) FROM patient WHERE 1 / (CASE WHEN ward = {ward} THEN 0 ELSE 1 END) > 0;
--- hidden rows through a barrier view
SELECT count(*) FROM patients_barrier WHERE tell(ward);
--- hidden rows through a view
SELECT count(*) FROM patients_again WHERE tell(ward);
--- hidden rows through an invoker view
SELECT count(*) FROM patients_invoker WHERE tell(ward);
--- hidden rows through a function in line
SELECT count(*) FROM all_inline() WHERE tell(ward);
--- hidden rows through a function of a parsed body
SELECT count(*) FROM all_atomic() f WHERE tell(f.ward);
--- hidden rows in a sample
SELECT count(*) FROM patient TABLESAMPLE SYSTEM (100) WHERE tell(ward);
--- hidden rows in a parallel plan
SET LOCAL {parallel} = on;
SELECT count(*) FROM patient WHERE tell(ward);
--- hidden rows by LIMIT and OFFSET
+ unrecorded it asks for no labelled column
SELECT id FROM patient ORDER BY id OFFSET 20;
--- hidden rows by row_number
+ unrecorded it asks for no labelled column
SELECT max(n) FROM (SELECT row_number() OVER () AS n FROM visit) q;
--- hidden rows by a cursor's end
+ unrecorded it asks for no labelled column
DECLARE c SCROLL CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH LAST FROM c; MOVE ABSOLUTE 25 IN c; FETCH c;
--- hidden rows by a generated column of numbers
+ unrecorded it asks for no labelled column
SELECT array_agg(id ORDER BY id) FROM visits WHERE id > 15;

# --- Errors, notices, settings.
--- enum input
SELECT (SELECT note FROM patient WHERE id = 2)::pg_catalog."char", (SELECT ssn || 'x' FROM patient WHERE id = 2)::bool;
--- interval input
SELECT ssn::interval FROM patient WHERE id = 2;
--- inet input
SELECT ssn::inet FROM patient WHERE id = 2;
--- uuid input
SELECT ssn::uuid FROM patient WHERE id = 2;
--- array input
SELECT ('{' || ssn || '}}')::text[] FROM patient WHERE id = 2;
--- range input
SELECT ssn::int4range FROM patient WHERE id = 2;
--- date input
SELECT note::date FROM patient WHERE id = 2;
--- to_date
SELECT to_date(ssn, 'YYYY-MM-DD'), to_number(note, '999'), to_timestamp(mrn, 'HH24') FROM visit WHERE id = 2;
--- sequence name
SELECT nextval(ssn) FROM patient WHERE id = 2;
--- role name
SELECT pg_has_role(ssn, 'USAGE') FROM patient WHERE id = 2;
--- table name
SELECT has_table_privilege(ssn, 'SELECT') FROM patient WHERE id = 2;
--- column name
SELECT has_column_privilege('numbers', ssn, 'SELECT') FROM patient WHERE id = 2;
--- text search configuration
SELECT to_tsvector(ssn::regconfig, 'x') FROM patient WHERE id = 2;
--- time zone
SELECT now() AT TIME ZONE ssn FROM patient WHERE id = 2;
--- encoding
SELECT convert_to('x', ssn) FROM patient WHERE id = 2;
--- setting name
SELECT set_config(ssn, 'x', true) FROM patient WHERE id = 2;
--- setting value
SELECT set_config('work_mem', ssn, true) FROM patient WHERE id = 2;
--- lexeme
SELECT ssn::tsquery, (note || ':')::tsquery FROM visit WHERE id = 2;
--- JSON path text
SELECT ssn::jsonpath FROM patient WHERE id = 2;
--- query text
SELECT query_to_xml('SELECT ' || note, true, false, '') FROM visit WHERE id = 2;
--- raised by a function
DO $$ DECLARE s text; BEGIN SELECT ssn INTO s FROM patient WHERE id = 2; RAISE EXCEPTION 'it is %', s USING DETAIL = s, HINT = s; END $$;
--- raised as an assertion
DO $$ BEGIN ASSERT (SELECT ssn FROM patient WHERE id = 2) = 'x', (SELECT ssn FROM patient WHERE id = 2); END $$;
--- raised as a state
DO $$ BEGIN RAISE SQLSTATE 'P0001' USING MESSAGE = (SELECT string_agg(ssn, ' ') FROM patient WHERE id = 2); END $$;
--- caught, and told
DO $$ DECLARE d text; BEGIN PERFORM ssn::int FROM patient WHERE id = 2; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END $$;
--- caught in a function in line
CREATE FUNCTION pg_temp.safe(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1::int; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END';
SELECT pg_temp.safe(ssn) FROM patient WHERE id = 2;
--- kept in a variable of psql
SELECT ssn AS kept FROM patient WHERE id = 2 \gset
\echo :kept
--- executed by psql
SELECT format('SELECT %L AS again', ssn) FROM patient WHERE id = 2 \gexec
--- described by psql
SELECT ssn FROM patient WHERE id = 2 \gdesc
SELECT ssn FROM patient WHERE id = 2 \crosstabview
SELECT ssn FROM patient WHERE id = 2 \gx
--- a key of an advisory lock
SELECT pg_advisory_xact_lock(amount) FROM patient WHERE id = 2;
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
--- a setting of one's own
SELECT set_config('my.ssn', ssn, false) FROM patient WHERE id = 2;
SHOW my.ssn;
--- application_name
SELECT set_config('application_name', current_setting('application_name') || ssn, true) FROM patient WHERE id = 2;
SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid();
--- a notification
+ outside
LISTEN told;
SELECT pg_notify('told', ssn) FROM patient WHERE id = 2;
SELECT 1;
UNLISTEN *;
--- a large object
SELECT lo_from_bytea(0, convert_to(ssn, 'UTF8')) AS lo FROM patient WHERE id = 2 \gset
SELECT convert_from(lo_get(:lo), 'UTF8');
--- a sequence of one's own
CREATE TEMP SEQUENCE s MAXVALUE 99999999;
SELECT setval('s', amount) FROM patient WHERE id = 2;
SELECT last_value FROM s;
--- a random generator's seed
SELECT setseed(coalesce(amount, 1) / 99999999.0) FROM patient WHERE id = 2;
SELECT random();
--- length of a string that is made
SELECT length(repeat('x', amount % 1000)), lpad('', amount % 100, 'x') FROM patient WHERE id = 2;
--- number of rows that are made
SELECT count(*) FROM patient p, generate_series(1, p.amount % 1000) WHERE p.id = 2;
--- a subscript
SELECT (ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9])[amount / 1000000] FROM patient WHERE id = 2;
--- memory that is asked for
SELECT sum(length(repeat('x', CASE WHEN ssn = {ssn} THEN 2000000000 ELSE 1 END))) FROM patient WHERE id = 2;
--- numeric overflow
SELECT (CASE WHEN ssn = {ssn} THEN 2147483647 ELSE 1 END) + 1 FROM patient WHERE id = 2;
--- more than one row
SELECT (SELECT n FROM generate_series(1, CASE WHEN p.ssn = {ssn} THEN 2 ELSE 1 END) n) FROM patient p WHERE id = 2;
--- statement_timeout
SET LOCAL statement_timeout = '100ms';
SELECT CASE WHEN ssn = {ssn} THEN pg_sleep(60) END FROM patient WHERE id = 2;
--- stack depth
CREATE FUNCTION pg_temp.deep(s text) RETURNS int LANGUAGE plpgsql AS $$BEGIN IF s = {ssn} THEN RETURN pg_temp.deep(s); END IF; RETURN 1; END$$;
SET LOCAL max_stack_depth = '100kB';
\set SHOW_CONTEXT never
SELECT pg_temp.deep(ssn) FROM patient WHERE id = 2;
\set SHOW_CONTEXT errors
--- COPY of an error
COPY (SELECT ssn::int FROM patient WHERE id = 2) TO STDOUT;
--- COPY of formats
COPY (SELECT ssn, note FROM visit WHERE id = 2) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *);
--- COPY of bytes
COPY (SELECT ssn FROM visit WHERE id = 2) TO STDOUT (FORMAT binary);
--- COPY of the table
COPY patient TO STDOUT;
--- COPY of columns
COPY patient (id, ssn) TO STDOUT;
--- COPY of clear columns, rows hidden
COPY patient (id, ward) TO STDOUT;
--- COPY of a partition
COPY visit_out TO STDOUT;
--- COPY of a child
COPY employee TO STDOUT;
--- COPY of a secured table
COPY secured (id, ssn) TO STDOUT;
--- COPY of a query of the table
COPY (TABLE visit) TO STDOUT;
--- \copy
\copy visit_out (id, ssn) to stdout

# --- Commands that name a table.
--- TABLE
TABLE visit_out;
--- VALUES of sub-selects
VALUES ((SELECT ssn FROM patient WHERE id = 2), (SELECT ward FROM patient WHERE id = 101));
--- a MERGE-like comparison of two readings
SELECT count(*) FROM (SELECT id, ssn FROM visit WHERE id < 100 EXCEPT SELECT id, ssn FROM (VALUES (2, {ssn})) g (id, ssn)) q WHERE id = 2;
--- EXCEPT ALL with a guess
SELECT ssn FROM visit WHERE id = 2 EXCEPT ALL SELECT {ssn};
--- a join of three readings
SELECT c.ssn FROM patient a JOIN visit b USING (id) JOIN employee c USING (id) WHERE id = 2;
--- a self-join that is unequal
SELECT count(*) FROM visit a JOIN visit b ON a.ssn < b.ssn WHERE a.id = 2;
--- an anti-join that is unequal
SELECT a.id FROM visit a WHERE a.id < 100 AND NOT EXISTS (SELECT FROM visit b WHERE b.ssn > a.ssn AND b.id < 100) ORDER BY 1;
--- the nearest neighbour
SELECT a.id FROM visit a, visit b WHERE b.id = 2 AND a.id < 100 AND a.id <> 2 ORDER BY abs(a.amount - b.amount), a.id LIMIT 1;
--- the nearest date
SELECT a.id FROM visit a, visit b WHERE b.id = 2 AND a.id < 100 AND a.id <> 2 ORDER BY abs(a.birth - b.birth), a.id LIMIT 1;
--- a lateral function of the row
SELECT f.* FROM visit v, LATERAL (SELECT v.ssn || v.note UNION ALL SELECT v.zip) f WHERE v.id = 2;
--- sort order by a hidden expression
SELECT id FROM visit WHERE id < 100 ORDER BY left(ssn, 2), id LIMIT 1;
--- a collation's order
SELECT id FROM visit WHERE id < 100 ORDER BY note COLLATE "C", id LIMIT 1;
--- an ordinality of what is split
SELECT n FROM visit v, regexp_split_to_table(v.ssn, '-') WITH ORDINALITY s (t, n) WHERE v.id = 2 AND t = '47';
--- similarity of text
SELECT id FROM visit WHERE note SIMILAR TO 'akrev%' OR note ILIKE 'AKREV%';
--- full text search
SELECT id FROM visit WHERE to_tsvector('simple', note) @@ to_tsquery('simple', 'akrevstorm');
--- full text rank
SELECT ts_rank(to_tsvector('simple', note), to_tsquery('simple', 'akrevstorm')) FROM visit WHERE id = 2;
--- overlay, translate, and the like
SELECT overlay(ssn PLACING 'x' FROM 4), translate(ssn, '-', '.'), split_part(ssn, '-', 2), initcap(note), quote_ident(note) FROM visit WHERE id = 2;
--- bits and bytes
SELECT convert_to(ssn, 'UTF8'), decode(md5(ssn), 'hex'), get_byte(ssn::bytea, 0), sha256(ssn::bytea) FROM visit WHERE id = 2;
--- hash functions
SELECT hashtext(ssn), hashtextextended(note, 1), hashint4(amount) FROM visit WHERE id = 2;
--- width of a value
SELECT pg_column_size(note), char_length(note), octet_length(note), bit_length(note) FROM visit WHERE id IN (2, 1) ORDER BY id;
--- a value in an enumeration of guesses
SELECT array_position(ARRAY['5', {ssn}], v.ssn), {ssn} = ANY (ARRAY[v.ssn]), v.ssn IN ({ssn}, 'x') FROM visit v WHERE id = 2;
--- num_nulls, and NULL tests of comparisons
SELECT num_nonnulls(nullif(ssn, {ssn})), (ssn = {ssn}) IS TRUE, ssn IS DISTINCT FROM {ssn} FROM visit WHERE id = 2;
--- a filter in a join's condition, never true
SELECT count(v.id) FROM numbers n LEFT JOIN visit v ON v.id = n.id AND v.ssn = {ssn};
--- a filter after an outer join
SELECT n.id FROM numbers n LEFT JOIN visit v ON v.id = n.id WHERE v.ssn = {ssn};
--- an outer join's missing rows
+ unrecorded it asks for no labelled column
SELECT count(*) FROM numbers n LEFT JOIN visit v ON v.id = n.id WHERE v.id IS NULL;
--- a right join of hidden rows
SELECT count(*) FROM visit v RIGHT JOIN numbers n ON v.id = n.id AND v.ward = {ward} WHERE v.id IS NOT NULL;
--- aggregates over a join
SELECT n.id % 2, count(DISTINCT v.ssn), max(v.birth), min(v.amount) FROM numbers n JOIN visit v ON v.id = n.id GROUP BY 1 ORDER BY 1;
--- rollup
SELECT ward, birth, count(*) FROM visit GROUP BY ROLLUP (ward, birth) ORDER BY 1, 2;
--- cumulative distribution
SELECT id, cume_dist() OVER (ORDER BY birth), percent_rank() OVER (ORDER BY amount) FROM visit WHERE id < 100 ORDER BY id;
--- a window over hidden rows
SELECT id, count(*) OVER (), first_value(ward) OVER (ORDER BY id DESC) FROM visit ORDER BY id LIMIT 1;
--- a sample that is seeded
SELECT count(*) FROM visit TABLESAMPLE BERNOULLI (50) REPEATABLE (1) WHERE ward = {ward};
--- a cursor that goes backward
DECLARE c SCROLL CURSOR FOR SELECT id, ssn, ward FROM visit ORDER BY id;
FETCH LAST FROM c; FETCH BACKWARD 2 FROM c; FETCH ABSOLUTE 2 FROM c;
--- a cursor of a whole row
DECLARE c CURSOR FOR SELECT v FROM visit v WHERE id = 2;
FETCH c;
--- a binary cursor
DECLARE c BINARY CURSOR FOR SELECT ssn FROM visit WHERE id = 2;
FETCH c;
--- a refcursor in a DO block
DO $$ DECLARE c refcursor; r record; BEGIN OPEN c FOR EXECUTE 'SELECT ssn, ward FROM visit WHERE id IN (2, 101) ORDER BY id'; LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; RAISE NOTICE '%', r; END LOOP; END $$;
--- a row variable of the table's type
DO $$ DECLARE r patient; BEGIN SELECT * INTO r FROM patient WHERE id = 2; RAISE NOTICE '%', r; END $$;
--- a variable of a column's type
DO $$ DECLARE s patient.ssn%TYPE; BEGIN SELECT ssn INTO STRICT s FROM patient WHERE id = 2; RAISE NOTICE '%', s; END $$;
--- a query with too many rows, strictly
DO $$ DECLARE i int; BEGIN SELECT id INTO STRICT i FROM visit WHERE ssn = {ssn}; RAISE NOTICE '%', i; EXCEPTION WHEN no_data_found THEN RAISE NOTICE 'none'; WHEN too_many_rows THEN RAISE NOTICE 'many'; END $$;
--- ROW_COUNT of a query
DO $$ DECLARE n int; BEGIN PERFORM id FROM visit WHERE ward = {ward}; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE '%', n; END $$;
--- FOUND after a query
DO $$ BEGIN PERFORM FROM patient WHERE ssn = {ssn}; RAISE NOTICE '%', FOUND; END $$;
--- a simple expression of PL/pgSQL
DO $$ DECLARE b bool := EXISTS (SELECT FROM visit WHERE ssn = {ssn}); BEGIN RAISE NOTICE '%', b; END $$;
--- a loop over an array of values
DO $$ DECLARE s text; BEGIN FOREACH s IN ARRAY (SELECT array_agg(ssn ORDER BY id) FROM visit WHERE id IN (1, 2)) LOOP RAISE NOTICE '%', s; END LOOP; END $$;
--- a query built out of what was read
DO $$ DECLARE s text; BEGIN EXECUTE 'SELECT ' || (SELECT quote_literal(ssn) FROM visit WHERE id = 2) INTO s; RAISE NOTICE '%', s; END $$;
--- a function of polymorphic types
CREATE FUNCTION pg_temp.same(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
SELECT pg_temp.same(v), pg_temp.same(v.ssn) FROM visit v WHERE id = 2;
--- a variadic function
CREATE FUNCTION pg_temp.join_all(VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT array_to_string($1, '/') $$;
SELECT pg_temp.join_all(ssn, note, zip) FROM visit WHERE id = 2;
--- a function that gets the table's row
CREATE FUNCTION pg_temp.row_of(visit) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1.ssn || $1.note || $1.birth; END';
SELECT pg_temp.row_of(v) FROM visit v WHERE id = 2;
--- an out parameter
CREATE FUNCTION pg_temp.out_of(OUT s text, OUT w text) LANGUAGE sql AS 'SELECT ssn, ward FROM public.visit WHERE id > 1 ORDER BY id = 2 DESC, id DESC LIMIT 1';
SELECT * FROM pg_temp.out_of();
--- a function that returns a table
CREATE FUNCTION pg_temp.table_of() RETURNS TABLE (s text, w text) LANGUAGE sql STABLE AS 'SELECT ssn, ward FROM public.visit WHERE id = 2 OR id > 100';
SELECT * FROM pg_temp.table_of() ORDER BY 2;
--- a strict function in line
CREATE FUNCTION pg_temp.strictly(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT 'x' || $1 $$;
SELECT pg_temp.strictly(ssn) FROM visit WHERE id = 2;
--- a function with settings of its own
CREATE FUNCTION pg_temp.set_off() RETURNS SETOF text LANGUAGE sql SET row_security = off AS 'SELECT ward FROM public.patient WHERE id > 100';
SELECT pg_temp.set_off();
--- a function in another's search_path
CREATE FUNCTION pg_temp.path_of() RETURNS text LANGUAGE sql SET search_path = public AS 'SELECT ssn FROM patient WHERE id = 2';
SELECT pg_temp.path_of();
--- two levels of functions
CREATE FUNCTION pg_temp.inner_one() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT ssn FROM public.patient WHERE id = 2';
CREATE FUNCTION pg_temp.outer_one() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT * FROM pg_temp.inner_one()';
SELECT * FROM pg_temp.outer_one();
--- a sub-transaction that is rolled back
DO $$ DECLARE s text; BEGIN BEGIN SELECT ssn INTO s FROM patient WHERE id = 2; RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; RAISE NOTICE '%', s; END $$;
--- a savepoint that is rolled back
SAVEPOINT s;
SELECT ssn FROM patient WHERE id = 2;
ROLLBACK TO s;
--- a read-only transaction
SET TRANSACTION READ ONLY;
SELECT ssn FROM patient WHERE id = 2;
--- a serializable transaction
+ outside
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT ssn, ward FROM patient WHERE id IN (2, 101);
COMMIT;
--- the simple protocol, two statements at once
SELECT 1\; SELECT ssn FROM patient WHERE id = 2;
--- a statement that is prepared with parameters
PREPARE a (text, int) AS SELECT id FROM patient WHERE ssn = $1 OR id = $2 AND ward = $1;
EXECUTE a ({ssn}, 0);
--- a statement that is prepared many times over
PREPARE a (int) AS SELECT ssn FROM patient WHERE id = $1;
EXECUTE a (2); EXECUTE a (2); EXECUTE a (2); EXECUTE a (2); EXECUTE a (2); EXECUTE a (2); EXECUTE a (2);
--- a table made of a prepared statement
PREPARE a AS SELECT id, ssn FROM patient WHERE id = 2;
CREATE TEMP TABLE t AS EXECUTE a;
TABLE t;
--- a temporary table, and its statistics
CREATE TEMP TABLE t AS SELECT ssn, ward FROM visit;
ANALYZE t;
SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 't';

# --- Functions of the server that read tables.
--- table_to_xml
SELECT table_to_xml('visit', true, false, '');
--- table_to_xml of the table
SELECT table_to_xml('patient', true, false, '');
--- query_to_xml_and_xmlschema
SELECT query_to_xml_and_xmlschema('SELECT id, ssn FROM visit', true, false, '');
--- cursor_to_xml
DECLARE c CURSOR FOR SELECT id, ssn FROM visit WHERE id = 2;
SELECT cursor_to_xml('c', 10, true, false, '');
--- schema_to_xml
SELECT schema_to_xml('public', true, false, '');
--- tables by their numbers
SELECT table_to_xml(oid::regclass, true, false, '') FROM pg_class WHERE relname IN ('visit_out', 'employee') ORDER BY relname;
--- ts_stat
SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', ssn) FROM visit WHERE id = 2') ORDER BY word;
--- ts_rewrite
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, to_tsquery(''simple'', ssn) FROM visit WHERE id = 2');
--- ts_headline
SELECT ts_headline(ssn, '131'::tsquery) FROM visit WHERE id = 2;
--- xmltable
SELECT x.s FROM visit v, xmltable('/a' PASSING xmlelement(name a, v.ssn) COLUMNS s text PATH '.') x WHERE v.id = 2;
--- json_array_elements
SELECT e FROM (SELECT json_agg(v) AS j FROM visit v WHERE id = 2) q, json_array_elements(q.j) e;
--- jsonb_each
SELECT e.* FROM visit v, jsonb_each_text(to_jsonb(v)) e WHERE v.id = 2;
--- generate_subscripts and unnest
SELECT u FROM visit v, unnest(ARRAY[v.ssn::text, v.note, v.zip]) u WHERE v.id = 2;
--- a refcursor of a SECURITY DEFINER function
SELECT open_patients();
FETCH ALL FROM patients_open;
--- a refcursor of a registered function
SELECT registered_cursor();
FETCH ALL FROM registered_open;
--- a scalar function
SELECT ssn_of(2);
--- a scalar SECURITY DEFINER function
SELECT ssn_definer(2);
--- a function that is folded while planning
SELECT (visit_folded()).ssn;
--- a function that is folded under EXPLAIN
EXPLAIN (VERBOSE) SELECT tell((visit_folded()).ssn::text);
--- a function that is folded into a condition
EXPLAIN (VERBOSE) SELECT 1 FROM numbers WHERE id::text = (visit_folded()).ssn;
--- a function that is folded while preparing
PREPARE a AS SELECT 1 FROM numbers WHERE id::text = (visit_folded()).ssn;
EXPLAIN (VERBOSE) EXECUTE a;
--- a function in a worker
SET LOCAL {parallel} = on; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
SELECT (visits_parallel(id)).ssn FROM numbers WHERE id = 2;
--- a function in a worker that tells
SET LOCAL {parallel} = on;
SELECT count(*) FROM numbers WHERE tell((visits_parallel(id)).ward) AND id > 100;
--- an aggregate of functions
SELECT string_agg(ssn_definer(id), ',') FROM numbers WHERE id = 2;
--- an ordered set of functions
SELECT array_agg(ssn_of(id) ORDER BY ssn_of(id)) FROM numbers WHERE id IN (1, 2);
--- a function called in FROM
SELECT * FROM ssn_definer(2);
--- a function called in DEFAULT of a temporary table
CREATE TEMP TABLE t (i int, s text DEFAULT ssn_definer(2));
INSERT INTO t VALUES (1) RETURNING s;
--- a function called by CHECK of a temporary table
CREATE TEMP TABLE t (i int CHECK (tell(ssn_of(i))));
INSERT INTO t VALUES (2);
--- a function called by a generated column
CREATE FUNCTION pg_temp.look(i int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ssn_of(i); END';
CREATE TEMP TABLE t (i int, s text GENERATED ALWAYS AS (pg_temp.look(i)) STORED);
INSERT INTO t VALUES (2) RETURNING s;
--- a function called by an index
CREATE FUNCTION pg_temp.look(i int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.tell(public.ssn_of(i)); RETURN i; END';
CREATE TEMP TABLE t AS SELECT 2 AS i;
CREATE INDEX ON t (pg_temp.look(i));
--- a function called by ANALYZE
CREATE FUNCTION pg_temp.look(i int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.ssn_of(i); END';
CREATE TEMP TABLE t AS SELECT i, i % 2 AS j FROM generate_series(1, 20) i;
CREATE INDEX t_look ON t (pg_temp.look(i));
ANALYZE t;
SELECT histogram_bounds FROM pg_stats WHERE tablename = 't_look';
--- a function called by a cast of a domain
CREATE DOMAIN pg_temp.d AS int CHECK (tell(ssn_definer(VALUE)));
SELECT 2::pg_temp.d;
--- a function called by a trigger
CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.s := public.ssn_of(NEW.i); RETURN NEW; END';
CREATE TEMP TABLE t (i int, s text);
CREATE TRIGGER look BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
INSERT INTO t VALUES (2) RETURNING s;
--- a function called by a rule
CREATE TEMP TABLE t (i int, s text);
CREATE RULE r AS ON INSERT TO t DO INSTEAD SELECT ssn_of(2) AS s;
INSERT INTO t VALUES (2);
--- a function called by a policy
CREATE TEMP TABLE t AS SELECT 2 AS i;
ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (tell(ssn_of(i)));
TABLE t;
--- a function called by a window's frame
SELECT count(*) OVER (ROWS (CASE WHEN ssn_of(2) = {ssn} THEN 1 ELSE 0 END) PRECEDING) FROM numbers WHERE id < 3;
--- a function called by LIMIT
SELECT id FROM numbers ORDER BY id LIMIT (CASE WHEN ssn_definer(2) = {ssn} THEN 1 ELSE 2 END);
--- a function called by TABLESAMPLE
SELECT count(*) > 0 FROM numbers TABLESAMPLE BERNOULLI (CASE WHEN ssn_definer(2) = {ssn} THEN 0 ELSE 100 END);
--- a function called by VALUES
VALUES (ssn_definer(2)), (ssn_of(2));
--- a function called by SET
DO $$ BEGIN EXECUTE format('SET LOCAL my.x = %L', ssn_of(2)); END $$;
SHOW my.x;
--- a function called by EXECUTE's arguments
PREPARE a (text) AS SELECT $1;
EXECUTE a (ssn_definer(2));
--- a function called by CALL's arguments
CREATE PROCEDURE pg_temp.p(s text) LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', s; END';
CALL pg_temp.p(ssn_of(2));
--- a procedure that commits
+ outside
CREATE PROCEDURE pg_temp.p() LANGUAGE plpgsql AS 'DECLARE r record; BEGIN FOR r IN SELECT id, ssn FROM visit WHERE id < 3 ORDER BY id LOOP COMMIT; RAISE NOTICE ''%'', r; END LOOP; END';
CALL pg_temp.p();
--- a DO block that commits
+ outside
DO $$ DECLARE s text; BEGIN COMMIT; SELECT ssn INTO s FROM patient WHERE id = 2; COMMIT; RAISE NOTICE '%', s; END $$;

# --- Plans and statistics.
--- pg_stats
SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'patient' AND attname = 'ssn';
+ unrecorded statistics are in no labelled relation
--- pg_stats of clear columns, rows hidden
+ unrecorded statistics are in no labelled relation
SELECT most_common_vals FROM pg_stats WHERE tablename = 'patient' AND attname = 'ward';
--- pg_stats of all columns
+ unrecorded statistics are in no labelled relation
SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats WHERE tablename IN ('patient', 'visit', 'visit_out', 'person', 'employee', 'copied', 'secured', 'filed') ORDER BY 1, 2, inherited;
--- pg_stats in a function
+ unrecorded statistics are in no labelled relation
DO $$ BEGIN RAISE NOTICE '%', (SELECT string_agg(histogram_bounds::text, ' ') FROM pg_stats WHERE schemaname = 'public' AND tablename = 'patient'); END $$;
--- pg_stats in a join
+ unrecorded statistics are in no labelled relation
SELECT n.id FROM numbers n JOIN pg_stats s ON s.tablename = 'patient' AND s.histogram_bounds::text LIKE '%' || {ssn} || '%' WHERE n.id = 1;
--- pg_stats of a materialized view
+ unrecorded statistics are in no labelled relation
SELECT attname, histogram_bounds FROM pg_stats WHERE tablename = 'copied' ORDER BY 1;
--- pg_stats of a child
+ unrecorded statistics are in no labelled relation
SELECT attname, histogram_bounds FROM pg_stats WHERE tablename = 'employee' ORDER BY 1;
--- pg_stats, correlation
+ unrecorded statistics are in no labelled relation
SELECT attname, correlation, n_distinct, null_frac, avg_width FROM pg_stats WHERE tablename = 'patient' ORDER BY 1;
--- EXPLAIN of a hidden ward
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN of a hidden ward, as JSON
+ unrecorded EXPLAIN reads no row
EXPLAIN (FORMAT json) SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN of all rows
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM patient;
--- EXPLAIN of a range of a masked column
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM patient WHERE ssn < '5';
--- EXPLAIN of a masked column with an operator that tells
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM patient WHERE ssn OPERATOR(public.<<<) 'z';
--- EXPLAIN of a clear column with an operator that tells
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM patient WHERE ward OPERATOR(public.<<<) 'z';
--- a plan for a clear column with an operator that tells
SELECT id FROM patient WHERE ward OPERATOR(public.<<<) 'z' AND id = 3;
--- a plan for a partition with an operator that tells
SELECT id FROM visit_out WHERE ward OPERATOR(public.<<<) 'z' AND id = 3;
--- a plan for a child with an operator that tells
SELECT id FROM person WHERE ward OPERATOR(public.<<<) 'z' AND id = 3;
--- a plan for an index's expression with an operator that tells
SELECT id FROM patient WHERE upper(ssn) OPERATOR(public.<<<) 'z' AND id = 3;
--- a plan for extended statistics' expression with an operator that tells
SELECT id FROM patient WHERE lower(ward) OPERATOR(public.<<<) 'z' AND id = 3;
--- EXPLAIN ANALYZE
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN ANALYZE of what a filter removes
+ unrecorded it asks for no labelled column
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT count(*) FROM patient;
--- EXPLAIN VERBOSE of a function in line
+ unrecorded EXPLAIN reads no row
EXPLAIN (VERBOSE) SELECT id FROM all_inline() WHERE ward = {ward};
--- EXPLAIN of a partition
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM visit_out WHERE ward = {ward};
--- EXPLAIN of a child
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM employee WHERE ward = {ward};
--- EXPLAIN of a materialized view
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM copied WHERE ward = {ward};
--- EXPLAIN of a foreign table
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT id FROM filed WHERE ward = {ward};
--- EXPLAIN of a prepared statement
+ unrecorded EXPLAIN reads no row
PREPARE a AS SELECT id FROM patient WHERE ward = {ward};
EXPLAIN EXECUTE a;
--- EXPLAIN ANALYZE of a prepared statement
PREPARE a AS SELECT id FROM patient WHERE ward = {ward};
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) EXECUTE a;
--- EXPLAIN of a cursor
+ unrecorded EXPLAIN reads no row
EXPLAIN DECLARE c CURSOR FOR SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN of a table that would be made
+ unrecorded EXPLAIN reads no row
EXPLAIN CREATE TEMP TABLE t AS SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN ANALYZE of a table that is made
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) CREATE TEMP TABLE t AS SELECT id FROM patient WHERE ward = {ward};
--- EXPLAIN in a function
+ unrecorded EXPLAIN reads no row
DO $$ DECLARE l text; BEGIN FOR l IN EXECUTE 'EXPLAIN SELECT id FROM patient' LOOP RAISE NOTICE '%', l; END LOOP; END $$;
--- EXPLAIN ANALYZE in a function
+ unrecorded it asks for no labelled column
DO $$ DECLARE l text; BEGIN FOR l IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM patient' LOOP RAISE NOTICE '%', l; END LOOP; END $$;
--- EXPLAIN of a join's estimate
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT 1 FROM patient p JOIN numbers n ON p.id = n.id WHERE p.ward = {ward};
--- EXPLAIN of groups
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT ward, count(*) FROM patient GROUP BY ward;
--- EXPLAIN of a sub-select in an unlabelled query
+ unrecorded EXPLAIN reads no row
EXPLAIN SELECT n.id FROM numbers n WHERE n.id IN (SELECT id FROM patient WHERE ward = {ward});
--- EXPLAIN of a sub-select that is run for it
+ unrecorded EXPLAIN reads no row
EXPLAIN (VERBOSE) SELECT n.id FROM numbers n WHERE n.id < (SELECT count(*) FROM patient WHERE ward = {ward});
--- a plan in the messages
SET LOCAL client_min_messages = log; SET LOCAL debug_print_plan = on;
SELECT id FROM patient WHERE ward = {ward};
--- a plan in the messages, of all rows
+ unrecorded it asks for no labelled column
SET LOCAL client_min_messages = log; SET LOCAL debug_print_plan = on;
SELECT count(*) FROM patient;
--- a plan in the messages, of a masked column
SET LOCAL client_min_messages = log; SET LOCAL debug_print_plan = on;
SELECT id FROM patient WHERE ssn < '5';
--- the shape of a plan, in the order of rows
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;
SELECT id FROM patient WHERE ward = 'north';
--- the order of an index-only scan
+ unrecorded it asks for no labelled column
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
SELECT id FROM queue;
--- the order of an index of dates
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
SELECT id FROM dated WHERE birth >= '1931-01-01';
--- row counts of cursors
+ unrecorded estimates of a cursor are shown nowhere
+ no control PostgreSQL shows no estimate of a cursor
DECLARE c CURSOR FOR SELECT id FROM patient;
SELECT name, statement FROM pg_cursors;

# --- Plans of another purpose or role.
--- no purpose
SET LOCAL phiguard.purpose = '';
SELECT id, ssn FROM patient WHERE id = 2;
--- no purpose, a view
SET LOCAL phiguard.purpose = '';
SELECT id, ssn FROM patients_barrier WHERE id = 2;
--- no purpose, a function
SET LOCAL phiguard.purpose = '';
SELECT ssn_definer(2);
--- no purpose, a partition
SET LOCAL phiguard.purpose = '';
SELECT ssn FROM visit_out WHERE id = 2;
--- no purpose, rows counted
SET LOCAL phiguard.purpose = '';
SELECT count(*) FROM visit;
--- a purpose that is not granted
SET LOCAL phiguard.purpose = 'billing';
SELECT id, ssn, ward FROM patient WHERE id IN (2, 101);
--- a purpose that does not exist
SET LOCAL phiguard.purpose = 'treatment';
SELECT id, ssn FROM patient WHERE id = 2;
--- a purpose in other letters
SET LOCAL phiguard.purpose = 'STUDY';
SELECT id, ssn FROM patient WHERE id = 2;
--- a purpose set in the statement that reads
SELECT set_config('phiguard.purpose', 'billing', true), ssn FROM patient WHERE id = 2;
--- a purpose set by a function's own setting
+ unrecorded the function is refused, and nothing is read
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET phiguard.purpose = 'billing' AS 'SELECT ssn FROM public.patient WHERE id = 2';
SELECT pg_temp.f();
--- a purpose that another role has
SET LOCAL ROLE regress_phig_owner;
SET LOCAL phiguard.purpose = 'study';
SELECT ssn FROM patient WHERE id = 2;
--- phiguard switched off
SET LOCAL phiguard.mode = 'off';
SELECT ssn FROM patient WHERE id = 2;
--- phiguard switched off in the configuration
+ outside
ALTER SYSTEM SET phiguard.mode = 'off';
ALTER ROLE regress_phig_reader SET phiguard.mode = 'off';
ALTER DATABASE {database} SET phiguard.mode = 'off';
SELECT ssn FROM patient WHERE id = 2;
--- row_security
SET LOCAL row_security = off;
SELECT id, ward FROM patient WHERE id > 100;
SELECT id, ward FROM secured WHERE id > 100;
--- a session of another role
SET SESSION AUTHORIZATION postgres;
SELECT ssn FROM patient WHERE id = 2;
--- a function that is in line once a parameter is known
PREPARE a(bool) AS SELECT f.ssn FROM patient p, one_inline(CASE WHEN $1 THEN 2 ELSE random()::int END) f WHERE p.id = 1;
EXECUTE a(true);
--- a function that is in line once a parameter is known, hidden rows
PREPARE a(bool) AS SELECT f.ward FROM patient p, one_inline(CASE WHEN $1 THEN 101 ELSE (SELECT 3) END) f WHERE p.id = 1;
EXECUTE a(true);
--- a function that is in line once a variable is known
DO $$DECLARE known bool := true; s text; BEGIN
SELECT f.ssn INTO s FROM patient p, one_inline(CASE WHEN known THEN 2 ELSE random()::int END) f WHERE p.id = 1; RAISE NOTICE '%', s; END$$;
--- a function that is in line when the planner asks, and was not before
CREATE FUNCTION pg_temp.late() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM set_config(''my.calls'', (current_setting(''my.calls'')::int + 1)::text, true); RETURN current_setting(''my.calls'')::int > current_setting(''my.late'')::int; END';
DO $$DECLARE s text; BEGIN FOR late IN 0..20 LOOP
    PERFORM set_config('my.late', late::text, true), set_config('my.calls', '0', true);
    EXECUTE 'SELECT f.ssn FROM visit p, one_of_visit(CASE WHEN pg_temp.late() THEN 2 ELSE 2 + (random() < 0)::int END) f WHERE p.id = 1' INTO s;
    RAISE NOTICE '%', s; END LOOP; END$$;
--- a function in one, that is in line when the planner asks, and was not before
CREATE FUNCTION pg_temp.late() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM set_config(''my.calls'', (current_setting(''my.calls'')::int + 1)::text, true); RETURN current_setting(''my.calls'')::int > current_setting(''my.late'')::int; END';
CREATE FUNCTION pg_temp.outer_one() RETURNS SETOF visit LANGUAGE sql STABLE AS 'SELECT * FROM one_of_visit(CASE WHEN pg_temp.late() THEN 2 ELSE 2 + (random() < 0)::int END)';
DO $$DECLARE s text; BEGIN FOR late IN 0..20 LOOP
    PERFORM set_config('my.late', late::text, true), set_config('my.calls', '0', true);
    EXECUTE 'SELECT f.ssn FROM visit p, pg_temp.outer_one() f WHERE p.id = 1' INTO s;
    RAISE NOTICE '%', s; END LOOP; END$$;
--- a function that is another one when the planner asks
CREATE FUNCTION pg_temp.one(i int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT i';
CREATE TABLE pg_temp.plain (ssn text, v int);
CREATE FUNCTION pg_temp.other_one() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT ssn FROM pg_temp.plain';
CREATE FUNCTION pg_temp.change() RETURNS void LANGUAGE plpgsql VOLATILE AS $f$BEGIN EXECUTE $e$CREATE OR REPLACE FUNCTION pg_temp.other_one() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT ssn FROM public.visit WHERE id = 2'$e$; END$f$;
CREATE FUNCTION pg_temp.late() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $f$BEGIN PERFORM set_config('my.calls', (current_setting('my.calls')::int + 1)::text, true);
    IF current_setting('my.calls')::int > current_setting('my.late')::int THEN
        PERFORM pg_temp.change(); END IF; RETURN 1; END$f$;
DO $$DECLARE s text; BEGIN FOR late IN 0..20 LOOP
    PERFORM set_config('my.late', late::text, true), set_config('my.calls', '0', true);
    EXECUTE $e$CREATE OR REPLACE FUNCTION pg_temp.other_one() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT ssn FROM pg_temp.plain'$e$;
    BEGIN EXECUTE 'SELECT f.ssn FROM pg_temp.one(pg_temp.late()) l, visit p, pg_temp.other_one() f (ssn) WHERE p.id = 1' INTO s; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'failed %', SQLERRM; END;
    IF s <> '***' THEN RAISE NOTICE '%', s; END IF; END LOOP; END$$;
--- prepared for a purpose that shows it
SET LOCAL phiguard.purpose = 'quality';
PREPARE a AS SELECT id, ssn FROM patient WHERE id = 2;
EXECUTE a \g /dev/null
SET LOCAL phiguard.purpose = 'study';
EXECUTE a;
--- prepared for a purpose that shows it, generic
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL phiguard.purpose = 'quality';
PREPARE a (int) AS SELECT id, ward FROM visit WHERE id > $1;
EXECUTE a (100) \g /dev/null
SET LOCAL phiguard.purpose = 'study';
EXECUTE a (100);
--- prepared for a purpose that shows it, a count
+ unrecorded it asks for no labelled column
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL phiguard.purpose = 'quality';
PREPARE a AS SELECT count(*) FROM patient;
EXECUTE a \g /dev/null
SET LOCAL phiguard.purpose = 'study';
EXECUTE a;
--- prepared for a purpose that shows it, without one
SET LOCAL phiguard.purpose = 'quality';
PREPARE a AS SELECT id, ssn FROM patient WHERE id = 2;
EXECUTE a \g /dev/null
SET LOCAL phiguard.purpose = '';
EXECUTE a;
--- a function that was planned for a purpose that shows it
SET LOCAL phiguard.purpose = 'quality';
SELECT ssn_of(2) \g /dev/null
SET LOCAL phiguard.purpose = 'study';
SELECT ssn_of(2);
--- a SECURITY DEFINER function that was planned for a purpose that shows it
SET LOCAL phiguard.purpose = 'quality';
SELECT ssn_definer(2), ssn_definer(2), ssn_definer(2), ssn_definer(2), ssn_definer(2), ssn_definer(2), ssn_definer(2) \g /dev/null
SET LOCAL phiguard.purpose = 'study';
SELECT ssn_definer(2);
--- an SQL function that was planned for a purpose that shows it
SET LOCAL phiguard.purpose = 'quality';
SELECT (visit_of(2)).ssn \g /dev/null
SET LOCAL phiguard.purpose = 'study';
SELECT (visit_of(2)).ssn;
--- a function whose purpose changes on its way
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql AS 'DECLARE s text; BEGIN FOR i IN 1 .. 3 LOOP SELECT ssn INTO s FROM public.patient WHERE id = 2; IF i < 3 THEN PERFORM set_config(''phiguard.purpose'', ''study'', true); END IF; END LOOP; RETURN s; END';
SET LOCAL phiguard.purpose = 'quality';
SELECT pg_temp.f();
--- rolled back to a purpose
SET LOCAL phiguard.purpose = 'study';
SAVEPOINT s;
SET LOCAL phiguard.purpose = 'quality';
PREPARE a AS SELECT ssn FROM patient WHERE id = 2;
EXECUTE a \g /dev/null
ROLLBACK TO s;
EXECUTE a;
--- a materialization of one purpose, under another
SET LOCAL phiguard.purpose = 'study';
CREATE TEMP TABLE t AS SELECT id, ssn, note, birth FROM patient WHERE id = 2;
SET LOCAL phiguard.purpose = 'billing';
SELECT ssn FROM t;
--- a cursor with hold
+ outside
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id, ssn, ward FROM visit ORDER BY id;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
--- a scrollable cursor with hold
+ outside
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, ward FROM patient ORDER BY id;
COMMIT;
FETCH LAST FROM c;
CLOSE c;

# --- phiguard's own.
--- label taken away
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS NULL;
SELECT ssn FROM patient WHERE id = 2;
--- label lowered by the function
SELECT phiguard.label('patient', 'ssn', 'none');
SELECT ssn FROM patient WHERE id = 2;
--- rule written
SELECT phiguard.allow('study', 'patient', column_name => 'ssn');
SELECT ssn FROM patient WHERE id = 2;
--- purpose granted to oneself
SELECT phiguard.grant_purpose('billing', 'regress_phig_reader');
SET LOCAL phiguard.purpose = 'billing';
SELECT amount FROM patient WHERE id = 2;
--- policies edited
UPDATE phiguard.policy_rule SET transform = 'clear';
DELETE FROM phiguard.policy_rows;
SELECT ssn, ward FROM patient WHERE id IN (2, 101);
--- labels edited
DELETE FROM pg_seclabel;
DELETE FROM phiguard.label_registry;
SELECT ssn FROM patient WHERE id = 2;
--- extension dropped
DROP EXTENSION phiguard CASCADE;
SELECT ssn FROM patient WHERE id = 2;
--- a token of a guess
SELECT id FROM patient WHERE mrn = phiguard.token({mrn}::text, 'study');
SELECT id FROM patient WHERE mrn = {mrn};
--- a token by its twin
SELECT id FROM patient WHERE mrn = phiguard.token(NULL, {mrn}::text, 'study');
SELECT id FROM patient WHERE mrn = {mrn};
--- a token of a guess, in a labelled temporary table
CREATE TEMP TABLE guess (mrn phiguard.mrn);
INSERT INTO guess VALUES ({mrn});
SELECT p.id FROM patient p JOIN guess g ON g.mrn::text = p.mrn::text;
--- a token of a guess, in a temporary table that one labels
CREATE TEMP TABLE guess (mrn text);
SECURITY LABEL FOR phiguard ON COLUMN guess.mrn IS 'mrn';
INSERT INTO guess VALUES ({mrn});
SELECT p.id FROM patient p JOIN guess g ON g.mrn = p.mrn;
--- the types of phiguard
SELECT ssn::phiguard.ssn, ssn::phiguard.ssn::text FROM visit WHERE id = 2;

# --- What newer servers have.
--- a generic plan explained
+ since 16
+ unrecorded EXPLAIN reads no row
EXPLAIN (GENERIC_PLAN) SELECT id FROM patient WHERE ward = {ward} AND id > $1;
--- any_value
+ since 16
SELECT any_value(ssn) FROM patient WHERE id = 2;
--- the error of an input function, as rows
+ since 16
SELECT (pg_input_error_info(ssn, 'integer')).* FROM patient WHERE id = 2;
--- JSON constructors
+ since 16
SELECT JSON_OBJECT('a': ssn, 'b': birth), JSON_ARRAYAGG(ssn) FROM patient WHERE id = 2 GROUP BY ssn, birth;
--- JSON_TABLE
+ since 17
SELECT t.* FROM visit v, JSON_TABLE(to_jsonb(v), '$' COLUMNS (ssn text PATH '$.ssn', zip text PATH '$.zip')) t WHERE v.id = 2;
--- JSON_VALUE with an error
+ since 17
SELECT JSON_VALUE(to_jsonb(v), '$.note' RETURNING int ERROR ON ERROR) FROM visit v WHERE id = 2;
--- what a plan would send
+ since 17
EXPLAIN (ANALYZE, SERIALIZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM patient WHERE ward = {ward};
--- text as an SQL/JSON scalar
+ since 17
SELECT JSON_SERIALIZE(JSON_SCALAR(ssn)), to_bin(amount) FROM patient WHERE id = 2;
