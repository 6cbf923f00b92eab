-- Keyed transforms: sealed values, values of the same form, dates that keep their distance, sets that keep a person whole.
CREATE EXTENSION phiguard;
SET client_min_messages = error;
SELECT phiguard.create_key('default'), phiguard.create_key('other');
RESET client_min_messages;

-- Sealed: deterministic, 21 bytes longer, another for another context, domain or value.
SELECT phiguard.seal('HIV negative', 'note') = phiguard.seal('HIV negative', 'note') AS same,
       octet_length(phiguard.seal('HIV negative', 'note')) AS bytes,
       phiguard.seal('HIV negative', 'note') <> phiguard.seal('HIV negative', 'lab') AS context,
       phiguard.seal('HIV negative', 'note') <> phiguard.seal('HIV negative', 'note', 'other') AS domain;

-- Round trips: any text and bytes, of any length.
SELECT count(*) AS values, bool_and(phiguard.unseal(phiguard.seal(v, 'c'), 'c') = v) AS back
  FROM (SELECT left(repeat(md5(n::text) || chr(200 + n) || chr(8364 + n % 50), n / 8 + 1), n) AS v FROM generate_series(0, 300) n) x;
SELECT phiguard.unseal(phiguard.seal(v, 'c'), 'c') = v AS back, octet_length(phiguard.seal(v, 'c')) - octet_length(v) AS more
  FROM (VALUES (''), (repeat('x', 1048576))) t (v);
SELECT phiguard.unseal_bytea(phiguard.seal('\x00ff00'::bytea, 'c'), 'c') AS bytes;
SELECT count(*) AS contexts FROM generate_series(1, 200) n
 WHERE phiguard.unseal(phiguard.seal('v', repeat('c', n)), repeat('c', n)) = 'v';
SELECT phiguard.seal(NULL::text, 'c') IS NULL AS value, phiguard.seal('x', NULL) IS NULL AS context, phiguard.unseal(NULL, 'c') IS NULL AS sealed;

-- What does not open says nothing of what is in it.
SELECT phiguard.unseal(phiguard.seal('HIV negative', 'note'), 'lab');
SELECT phiguard.unseal(phiguard.seal('HIV negative', 'note'), 'note', 'other');
SELECT phiguard.unseal('\x01', 'note');
SELECT phiguard.unseal('\x02000000010000000000000000000000000000000000', 'note');
SELECT phiguard.unseal(set_byte(phiguard.seal('HIV negative', 'note'), 4, 9), 'note');
SELECT phiguard.unseal(phiguard.seal('\xff'::bytea, 'note'), 'note');
CREATE FUNCTION opens(bytea) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM phiguard.unseal($1, 'note');
    RETURN true;
EXCEPTION WHEN sqlstate 'PG005' OR sqlstate '22023' OR undefined_object THEN
    RETURN false;
END $$;
SELECT count(*) AS bits, count(*) FILTER (WHERE opens(set_bit(s, n, 1 - get_bit(s, n)))) AS opened
  FROM phiguard.seal('HIV negative', 'note') s, generate_series(0, octet_length(s) * 8 - 1) n;

-- A column type for it: ciphertext is what it holds and shows, and it comes labelled.
CREATE TABLE visit (id integer, note phiguard.sealed_text);
INSERT INTO visit VALUES (1, phiguard.seal('HIV negative', 'visit.note')), (2, NULL);
INSERT INTO visit VALUES (3, 'HIV negative');
SELECT id, phiguard.unseal(note, 'visit.note') FROM visit ORDER BY id;
SELECT position('HIV'::bytea IN note) AS clear FROM visit WHERE id = 1;
SELECT column_name, category, label_source FROM phiguard.data_dictionary WHERE relation = 'visit' AND column_name = 'note';

-- Of the same form.
SELECT phiguard.fpe('219091234', 'digits') ~ '^\d{9}$' AS digits, phiguard.fpe('219-09-1234', 'ssn') ~ '^\d{3}-\d\d-\d{4}$' AS ssn,
       phiguard.fpe('+1 (617) 555-0123', 'phone') ~ '^\+\d \(\d{3}\) \d{3}-\d{4}$' AS phone,
       phiguard.fpe('4111 1111 1111 1111', 'card') ~ '^\d{4} \d{4} \d{4} \d{4}$' AS card,
       phiguard.fpe('MRN0012x', 'alphanumeric') ~ '^[0-9A-Za-z]{8}$' AS alphanumeric,
       phiguard.fpe('MRN0012', 'alphanumeric_upper') ~ '^[0-9A-Z]{7}$' AS upper;
SELECT phiguard.fpe('219091234', 'digits') = replace(phiguard.fpe('219-09-1234', 'ssn'), '-', '') AS separators_do_not_count,
       phiguard.fpe('219091234', 'digits') <> phiguard.fpe('219091234', 'digits', 'tweak') AS tweak,
       phiguard.fpe('219091234', 'digits') <> phiguard.fpe('219091234', 'digits', '', 'other') AS domain;
SELECT alphabet, count(*), count(DISTINCT phiguard.fpe(v, alphabet, t)) AS codes, bool_and(phiguard.unfpe(phiguard.fpe(v, alphabet, t), alphabet, t) = v) AS back
  FROM generate_series(1, 500) n, (VALUES ('digits'), ('alphanumeric')) a (alphabet),
       LATERAL (SELECT lpad(translate(md5(n::text), 'abcdef', '012345'), 6 + n % 60, '7') AS v, repeat('t', n % 20) AS t) x
 GROUP BY alphabet ORDER BY alphabet;
SELECT phiguard.fpe('02139', 'digits');
SELECT phiguard.fpe('219-09-1234', 'digits');
SELECT phiguard.fpe('219-09-12', 'ssn');
SELECT phiguard.fpe('219-09-12345', 'ssn');
SELECT phiguard.fpe('219091234', '219-09-1234');
SELECT phiguard.fpe(repeat('1', 600), 'digits');
SELECT phiguard.fpe('219091234', 'digits', repeat('t', 257));
SELECT phiguard.unfpe('219091234', 'digits', '', 'default', -1);
SELECT phiguard.unfpe('219091234', 'digits', '', 'default', 7);
SELECT phiguard.fpe('219091234', 'digits') AS old \gset
SELECT phiguard.rotate_key('default', true);
SELECT phiguard.unfpe(:'old', 'digits') <> '219091234' AS another_key, phiguard.unfpe(:'old', 'digits', version => 1) AS the_old_one;

-- Dates: never on the same day, at most max_days away, each person by one number of days.
SELECT count(DISTINCT d) AS shifts, min(d) >= -365 AND max(d) <= 365 AS within, bool_or(d = 0) AS none
  FROM generate_series(1, 20000) n, LATERAL (SELECT phiguard.shift_date('2024-02-29'::date, n::bigint) - '2024-02-29' AS d) x;
SELECT count(*) AS dates, count(DISTINCT phiguard.shift_date(d, 'P1') - d) AS shifts
  FROM (SELECT '1896-01-01'::date + n * 7 AS d FROM generate_series(0, 10000) n) x;
SELECT count(DISTINCT shifted - t) AS shifts
  FROM (SELECT t, phiguard.shift_date(t, 'P1') AS shifted FROM generate_series('2024-01-01'::timestamp, '2025-01-01', '7 hours') t) x;
SELECT phiguard.shift_date(t, 'P1') - t = make_interval(days => phiguard.shift_date('2024-01-01'::date, 'P1') - '2024-01-01') AS same_for_times
  FROM (VALUES ('2024-03-10 01:30+00'::timestamptz)) v (t);
SELECT phiguard.shift_date('2024-01-01'::date, 7::bigint) = phiguard.shift_date('2024-01-01'::date, '7') AS number_and_digits;
SELECT count(DISTINCT phiguard.shift_date('2024-01-01'::date, n::bigint, 'default', 1)) AS two FROM generate_series(1, 100) n;
SELECT phiguard.shift_date('infinity'::date, 'P1'), phiguard.shift_date('-infinity'::timestamp, 'P1'), phiguard.shift_date(NULL::date, 'P1') IS NULL AS null;
SELECT phiguard.shift_date('5874897-12-31'::date, 'P' || n) IS NULL FROM generate_series(1, 30) n;
SELECT phiguard.shift_date('2024-01-01'::date, 'P1', 'default', 0);
SELECT phiguard.shift_date('2024-01-01'::date, 'P1', 'default', 3651);

-- Sets: stable, in proportion, a subject in one of them.
CREATE TEMP TABLE sets AS SELECT n, phiguard.split(n::bigint, '{0.8,0.1,0,0.1}') AS s FROM generate_series(1, 100000) n;
SELECT s, round(count(*) / 1000.0) AS percent FROM sets GROUP BY s ORDER BY s;
SELECT sum(power(observed - 1000, 2) / 1000) < 180 AS uniform
  FROM (SELECT count(*) AS observed FROM generate_series(1, 100000) n GROUP BY phiguard.split(n::bigint, array_fill(1.0::float8, '{100}'))) c;
SELECT count(*) AS moved FROM sets WHERE s <> phiguard.split(n::text, '{0.8,0.1,0,0.1}');
SELECT count(*) BETWEEN 30000 AND 36000 AS another_domain_another_split FROM sets WHERE s <> phiguard.split(n::text, '{0.8,0.1,0,0.1}', 'other');
SELECT phiguard.split('P1', '{1}'), phiguard.split('P1', '{0,1}');
SELECT phiguard.split('P1', '{}');
SELECT phiguard.split('P1', '{0,0}');
SELECT phiguard.split('P1', '{0.5,-1}');
SELECT phiguard.split('P1', '{0.5,NaN}');
SELECT phiguard.split('P1', '{Infinity}');
SELECT phiguard.split('P1', '{0.5,NULL}');
SELECT phiguard.split('P1', '{{0.5},{0.5}}');

-- Stable: neither for indexes nor folded into a plan; values are made readable in the leader alone.
SELECT DISTINCT proname, provolatile, proparallel, proisstrict, proleakproof
  FROM pg_proc WHERE pronamespace = 'phiguard'::regnamespace
   AND proname IN ('seal', 'unseal', 'unseal_bytea', 'is_sealed', 'fpe', 'unfpe', 'shift_date', 'split')
   AND proargtypes[0] IS DISTINCT FROM 'internal'::regtype ORDER BY proname;
