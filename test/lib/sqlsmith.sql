-- What sqlsmith makes up queries over (081_sqlsmith.pl): labelled relations of every kind, and others.
--
-- A column is labelled exactly when its name begins with phi_: that is how the witness
-- (modules/witness) knows, who does not ask phiguard.
--
-- With -v plain=FILE the same without phiguard, for comparison; the file makes what has the names of its objects.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

\if :{?plain}
CREATE SCHEMA phiguard;
\i :plain
\else
CREATE EXTENSION phiguard;
\endif
CREATE SCHEMA clinic;
CREATE SCHEMA plain;

-- Types: domains over domains, arrays and composites of PHI types.
CREATE DOMAIN clinic.checked_ssn AS phiguard.ssn CHECK (VALUE <> '000-00-0000');
CREATE TYPE clinic.contact AS (street phiguard.street_address, phone phiguard.phone, remark text);
CREATE TYPE clinic.ward AS ENUM ('east', 'west', 'north');

CREATE TABLE plain.room (id int PRIMARY KEY, name text, floor int2, beds int8, wing clinic.ward);
CREATE TABLE plain.drug (code text PRIMARY KEY, title varchar(40), price numeric(8, 2), approved date, tags text[]);
CREATE TABLE plain.measure (id bigserial, taken timestamptz, value float8, raw jsonb, PRIMARY KEY (id, taken))
	PARTITION BY RANGE (taken);
CREATE TABLE plain.measure_old PARTITION OF plain.measure FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE plain.measure_new PARTITION OF plain.measure FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE plain.notes (id serial PRIMARY KEY, what text, who text, at timestamptz DEFAULT '2024-05-05 12:00+00');

CREATE TABLE clinic.patient (
	id int PRIMARY KEY,
	phi_name text NOT NULL,
	phi_ssn phiguard.ssn UNIQUE,
	phi_tax clinic.checked_ssn,
	phi_born date,
	phi_zip phiguard.zip_code,
	phi_phones phiguard.phone[],
	phi_home clinic.contact,
	phi_note text,
	phi_initial text GENERATED ALWAYS AS (left(phi_name, 1)) STORED,
	ward clinic.ward DEFAULT 'east',
	active bool DEFAULT true,
	weight float8,
	visits int DEFAULT 0);
CREATE INDEX ON clinic.patient (phi_name);
CREATE INDEX ON clinic.patient (phi_born, ward) WHERE active;

-- Partitions on two levels, one of them with its columns in another order.
CREATE TABLE clinic.visit (
	id int,
	patient_id int REFERENCES clinic.patient ON DELETE CASCADE,
	phi_day date,
	phi_reason text,
	phi_cost numeric(10, 2),
	room int,
	UNIQUE (id, phi_day, room)) PARTITION BY RANGE (phi_day);
CREATE TABLE clinic.visit_early PARTITION OF clinic.visit FOR VALUES FROM (MINVALUE) TO ('2021-01-01');
CREATE TABLE clinic.visit_mid PARTITION OF clinic.visit FOR VALUES FROM ('2021-01-01') TO ('2023-01-01') PARTITION BY LIST (room);
CREATE TABLE clinic.visit_mid_low PARTITION OF clinic.visit_mid FOR VALUES IN (1, 2);
CREATE TABLE clinic.visit_mid_rest PARTITION OF clinic.visit_mid DEFAULT;
CREATE TABLE clinic.visit_late (gone int, room int, phi_cost numeric(10, 2), phi_reason text, phi_day date NOT NULL,
	patient_id int, id int NOT NULL);
ALTER TABLE clinic.visit_late DROP COLUMN gone;
ALTER TABLE clinic.visit ATTACH PARTITION clinic.visit_late FOR VALUES FROM ('2023-01-01') TO (MAXVALUE);
CREATE INDEX ON clinic.visit (patient_id);
CREATE INDEX ON clinic.visit (phi_cost);

-- Inheritance: a child with labelled columns of its own.
CREATE TABLE clinic.document (id int PRIMARY KEY, phi_text text, phi_author phiguard.person_name, tags text[], size int8,
	added timestamptz);
CREATE TABLE clinic.letter (phi_recipient phiguard.person_name, pages int) INHERITS (clinic.document);
CREATE TABLE clinic.scan (phi_image phiguard.photo, dpi int) INHERITS (clinic.document);
CREATE INDEX ON clinic.letter (id);

-- Row-level security, by labelled columns too.
CREATE TABLE clinic.lab (patient_id int REFERENCES clinic.patient ON UPDATE CASCADE, code text, phi_value float8,
	phi_taken timestamptz, phi_device phiguard.device_id, unit text, PRIMARY KEY (patient_id, code));
ALTER TABLE clinic.lab ENABLE ROW LEVEL SECURITY;
CREATE POLICY normal ON clinic.lab USING (phi_value < 90) WITH CHECK (phi_value < 100);

-- Of this one the roles may read a part only.
CREATE TABLE clinic.secret (id int PRIMARY KEY, phi_key int8, phi_payload text, hint text);

-- The other columns of these names have a type that is labelled, or are generated from one that is.
\if :{?plain}
\else
SECURITY LABEL FOR phiguard ON COLUMN clinic.patient.phi_name IS 'name';
SECURITY LABEL FOR phiguard ON COLUMN clinic.patient.phi_born IS 'date kind=birth';
SECURITY LABEL FOR phiguard ON COLUMN clinic.patient.phi_note IS 'note';
SECURITY LABEL FOR phiguard ON COLUMN clinic.visit.phi_day IS 'date kind=event';
SECURITY LABEL FOR phiguard ON COLUMN clinic.visit.phi_reason IS 'note';
SECURITY LABEL FOR phiguard ON COLUMN clinic.visit.phi_cost IS 'other';
SECURITY LABEL FOR phiguard ON COLUMN clinic.document.phi_text IS 'note';
SECURITY LABEL FOR phiguard ON COLUMN clinic.lab.phi_value IS 'other';
SECURITY LABEL FOR phiguard ON COLUMN clinic.lab.phi_taken IS 'date kind=event';
SECURITY LABEL FOR phiguard ON COLUMN clinic.secret.phi_key IS 'other';
SECURITY LABEL FOR phiguard ON COLUMN clinic.secret.phi_payload IS 'other';
\endif

-- Functions that read and write labelled tables, in each language and volatility.
CREATE FUNCTION clinic.name_of(int) RETURNS text LANGUAGE sql STABLE
	AS 'SELECT phi_name FROM clinic.patient WHERE id = $1';
CREATE FUNCTION clinic.born_of(phiguard.ssn) RETURNS date LANGUAGE sql STABLE SECURITY DEFINER
	AS 'SELECT phi_born FROM clinic.patient WHERE phi_ssn = $1';
CREATE FUNCTION clinic.older(date, date) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE FUNCTION clinic.spent_by(int) RETURNS numeric LANGUAGE plpgsql STABLE PARALLEL SAFE
	AS 'DECLARE s numeric; BEGIN SELECT sum(phi_cost) INTO s FROM clinic.visit WHERE patient_id = $1; RETURN s; END';
CREATE FUNCTION clinic.loop_over(int2) RETURNS int LANGUAGE plpgsql
	AS 'DECLARE n int := 0; r record; BEGIN
		FOR r IN SELECT id, phi_reason FROM clinic.visit LOOP n := n + length(clinic.name_of(r.id)); END LOOP;
		RETURN n; END';
CREATE FUNCTION clinic.caught(text) RETURNS text LANGUAGE plpgsql
	AS 'DECLARE t text; BEGIN
		BEGIN SELECT phi_zip::int / (length($1) - length($1)) INTO t FROM clinic.patient; EXCEPTION WHEN OTHERS THEN t := sqlstate; END;
		RETURN t; END';
CREATE FUNCTION clinic.touch(int) RETURNS int LANGUAGE plpgsql
	AS 'BEGIN UPDATE clinic.patient SET visits = visits + 1, phi_note = phi_note || ''.'' WHERE id = $1; RETURN $1; END';
CREATE FUNCTION clinic.dynamic(text) RETURNS int8 LANGUAGE plpgsql
	AS 'DECLARE n int8; BEGIN EXECUTE ''SELECT count(*) FROM clinic.patient WHERE phi_name > $1'' INTO n USING $1; RETURN n; END';
CREATE FUNCTION clinic.constant() RETURNS text LANGUAGE sql IMMUTABLE
	AS 'SELECT min(phi_name) FROM clinic.patient';
CREATE FUNCTION clinic.whole(clinic.patient) RETURNS text LANGUAGE sql STABLE AS 'SELECT ($1).phi_name || ($1).ward::text';
CREATE FUNCTION clinic.any_of(anyelement) RETURNS anyelement LANGUAGE plpgsql STABLE
	AS 'BEGIN PERFORM phi_ssn FROM clinic.patient WHERE active; RETURN $1; END';
CREATE FUNCTION clinic.on_ward(clinic.ward) RETURNS TABLE (id int, phi_name text, ward clinic.ward) LANGUAGE sql STABLE
	AS 'SELECT id, phi_name, ward FROM clinic.patient WHERE ward = $1';
CREATE FUNCTION clinic.expensive(numeric) RETURNS SETOF clinic.visit LANGUAGE plpgsql STABLE
	AS 'BEGIN RETURN QUERY SELECT * FROM clinic.visit WHERE phi_cost > $1; END';
CREATE FUNCTION clinic.longer(text, text) RETURNS text LANGUAGE sql IMMUTABLE
	AS 'SELECT CASE WHEN length($2) > coalesce(length($1), 0) THEN $2 ELSE $1 END';
CREATE AGGREGATE clinic.longest(text) (SFUNC = clinic.longer, STYPE = text);
CREATE FUNCTION public.same_ward(int, int) RETURNS bool LANGUAGE sql STABLE
	AS 'SELECT EXISTS (SELECT FROM clinic.patient a JOIN clinic.patient b USING (ward) WHERE a.id = $1 AND b.id = $2 AND a.phi_zip = b.phi_zip)';
CREATE OPERATOR public.<~> (LEFTARG = int, RIGHTARG = int, FUNCTION = public.same_ward);

-- Views, one on another; materialized views.
CREATE VIEW clinic.elder AS SELECT id, phi_name, phi_born, phi_ssn, ward FROM clinic.patient WHERE phi_born < '1970-01-01';
CREATE VIEW clinic.in_care WITH (security_barrier) AS
	SELECT p.id, p.phi_name, v.phi_day, v.phi_reason, r.name AS room_name
	FROM clinic.patient p JOIN clinic.visit v ON v.patient_id = p.id LEFT JOIN plain.room r ON r.id = v.room WHERE p.active;
CREATE VIEW clinic.per_ward AS
	SELECT ward, count(*) AS n, min(phi_born) AS phi_oldest, array_agg(phi_name ORDER BY phi_born) AS phi_names
	FROM clinic.patient GROUP BY ward HAVING count(phi_ssn) > 0;
CREATE VIEW clinic.ranked AS
	SELECT id, phi_cost, rank() OVER w AS place, lag(phi_reason) OVER w AS phi_before
	FROM clinic.visit WINDOW w AS (PARTITION BY patient_id ORDER BY phi_day);
CREATE VIEW clinic.names AS
	SELECT phi_name FROM clinic.patient UNION SELECT phi_author FROM clinic.document
	UNION ALL SELECT phi_recipient FROM clinic.letter EXCEPT SELECT name FROM plain.room;
CREATE VIEW clinic.chain AS
	WITH RECURSIVE c (n, phi_who) AS (SELECT 1, phi_name FROM clinic.patient WHERE id = 1
		UNION ALL SELECT n + 1, p.phi_name FROM c JOIN clinic.patient p ON p.id = c.n + 1 WHERE n < 5)
	SELECT * FROM c;
CREATE VIEW clinic.small AS SELECT id, phi_name, phi_zip, ward FROM clinic.patient WHERE phi_zip < '5' WITH CHECK OPTION;
CREATE VIEW clinic.editable AS SELECT e.id, e.phi_name, n.n FROM clinic.elder e JOIN clinic.per_ward n USING (ward);
CREATE VIEW clinic.eastern AS SELECT * FROM clinic.on_ward('east');
CREATE VIEW clinic.dear AS SELECT id, phi_cost, phi_reason FROM clinic.expensive(50);
CREATE VIEW clinic.phones AS SELECT p.id, u.phi_phone, (p.phi_home).street AS phi_street
	FROM clinic.patient p, unnest(p.phi_phones) u (phi_phone);
CREATE VIEW clinic.distinct_zip AS SELECT DISTINCT ON (ward) ward, phi_zip, id FROM clinic.patient ORDER BY ward, phi_zip, id;
CREATE MATERIALIZED VIEW clinic.monthly AS
	SELECT date_trunc('month', phi_day) AS phi_month, phi_reason, sum(phi_cost) AS phi_total, count(*) AS n
	FROM clinic.visit GROUP BY 1, 2 WITH NO DATA;
CREATE VIEW clinic.by_month AS SELECT * FROM clinic.monthly;
CREATE VIEW plain.rooms AS SELECT id, name, beds FROM plain.room WHERE floor > 0;

-- Triggers, rules, sequences.
CREATE FUNCTION clinic.log_row() RETURNS trigger LANGUAGE plpgsql
	AS 'BEGIN INSERT INTO plain.notes (what, who) VALUES (tg_op, tg_table_name);
		PERFORM phi_reason FROM clinic.visit WHERE patient_id = coalesce(new.id, old.id);
		RETURN coalesce(new, old); END';
CREATE TRIGGER log_row BEFORE UPDATE OR DELETE ON clinic.patient FOR EACH ROW EXECUTE FUNCTION clinic.log_row();
CREATE FUNCTION clinic.log_all() RETURNS trigger LANGUAGE plpgsql
	AS 'BEGIN INSERT INTO plain.notes (what, who) SELECT ''size'', count(phi_text) FROM changed; RETURN NULL; END';
CREATE TRIGGER log_all AFTER INSERT ON clinic.document REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION clinic.log_all();
CREATE FUNCTION clinic.instead() RETURNS trigger LANGUAGE plpgsql
	AS 'BEGIN UPDATE clinic.patient SET phi_name = coalesce(new.phi_name, ''none'') WHERE id = old.id; RETURN new; END';
CREATE TRIGGER instead INSTEAD OF UPDATE OR DELETE ON clinic.editable FOR EACH ROW EXECUTE FUNCTION clinic.instead();
CREATE RULE also AS ON DELETE TO clinic.letter DO ALSO UPDATE clinic.document SET phi_text = old.phi_text WHERE id = old.id;
CREATE SEQUENCE clinic.numbers;
CREATE TABLE clinic.numbered (id int DEFAULT nextval('clinic.numbers'), phi_mrn phiguard.mrn DEFAULT 'M-1', made date GENERATED ALWAYS AS ('2024-01-01'::date + id) STORED);

-- Rows: few, since the queries join everything with everything.
INSERT INTO plain.room SELECT i, 'room ' || i, i % 3, i * 2, (enum_range(NULL::clinic.ward))[1 + i % 3] FROM generate_series(1, 5) i;
INSERT INTO plain.drug SELECT 'D' || i, 'drug ' || i, i * 1.5, '2010-01-01'::date + i, ARRAY['a', 'b' || i] FROM generate_series(1, 5) i;
INSERT INTO plain.measure (taken, value, raw) SELECT '2019-12-30'::timestamptz + i * interval '1 day', i, jsonb_build_object('i', i) FROM generate_series(1, 6) i;
INSERT INTO clinic.patient (id, phi_name, phi_ssn, phi_tax, phi_born, phi_zip, phi_phones, phi_home, phi_note, ward, active, weight)
	SELECT i, 'Name ' || chr(64 + i), '123-45-000' || i, '123-45-001' || i, '1950-06-01'::date + 1500 * i, '1234' || i,
		ARRAY['212-555-010' || i]::phiguard.phone[], ROW(('Street ' || i)::phiguard.street_address, ('212-555-020' || i)::phiguard.phone, 'remark')::clinic.contact, 'Note ' || i,
		(enum_range(NULL::clinic.ward))[1 + i % 3], i % 4 > 0, 50 + i
	FROM generate_series(1, 9) i;
INSERT INTO clinic.visit SELECT i, 1 + i % 9, '2019-06-01'::date + 170 * i, 'reason ' || i % 5, 10 * i, i % 4 FROM generate_series(1, 12) i;
INSERT INTO clinic.document SELECT i, 'text ' || i, 'Author ' || i, ARRAY['t' || i], i * 10, '2022-01-01' FROM generate_series(1, 3) i;
INSERT INTO clinic.letter SELECT 10 + i, 'text ' || i, 'Author ' || i, ARRAY['t' || i], i * 10, '2022-01-01', 'Reader ' || i, i FROM generate_series(1, 3) i;
INSERT INTO clinic.scan SELECT 20 + i, 'text ' || i, 'Author ' || i, NULL, i * 10, '2022-01-01', '\x0102', 300 FROM generate_series(1, 3) i;
INSERT INTO clinic.lab SELECT 1 + i % 9, 'C' || i, 10 * i, '2022-01-01', 'DEV' || i, 'mg' FROM generate_series(1, 10) i;
INSERT INTO clinic.secret SELECT i, i * 1000, 'payload ' || i, 'hint' FROM generate_series(1, 4) i;
INSERT INTO clinic.numbered (phi_mrn) SELECT 'M-' || i FROM generate_series(1, 4) i;
REFRESH MATERIALIZED VIEW clinic.monthly;
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
ALTER TABLE clinic.document ADD phi_brief text GENERATED ALWAYS AS (left(phi_text, 2)) VIRTUAL;
\endif
ANALYZE;

-- Who asks: roles that can damage no more than this, each with another taste in plans.
CREATE ROLE smith NOLOGIN;
GRANT USAGE ON SCHEMA clinic, plain, phiguard TO smith;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA clinic, plain TO smith;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA clinic, plain TO smith;
REVOKE ALL ON clinic.secret FROM smith;
GRANT SELECT (id, hint), UPDATE (hint) ON clinic.secret TO smith;
CREATE ROLE smith_plain LOGIN IN ROLE smith;
CREATE ROLE smith_parallel LOGIN IN ROLE smith;
ALTER ROLE smith_parallel SET parallel_setup_cost = 0;
ALTER ROLE smith_parallel SET parallel_tuple_cost = 0;
ALTER ROLE smith_parallel SET max_parallel_workers_per_gather = 1;
SELECT format('ALTER TABLE %s SET (parallel_workers = 1)', oid::regclass) FROM pg_class
	WHERE relkind IN ('r', 'm') AND relnamespace IN ('clinic'::regnamespace, 'plain'::regnamespace) \gexec
CREATE ROLE smith_indexed LOGIN IN ROLE smith;
ALTER ROLE smith_indexed SET enable_seqscan = off;
ALTER ROLE smith_indexed SET enable_hashjoin = off;
ALTER ROLE smith_indexed SET enable_hashagg = off;
CREATE ROLE smith_wise LOGIN IN ROLE smith;
ALTER ROLE smith_wise SET enable_partitionwise_join = on;
ALTER ROLE smith_wise SET enable_partitionwise_aggregate = on;
ALTER ROLE smith_wise SET geqo_threshold = 3;
ALTER ROLE smith_wise SET enable_nestloop = off;

-- What sqlsmith is shown of the catalog, by the search path.  Of polymorphic ranges it makes nothing but errors: they seem
-- types of their own, with names that work.  Of the server's functions each process is shown a part, or ours would never be picked.
CREATE SCHEMA sieve;
CREATE VIEW sieve.pg_type AS SELECT oid, typnamespace, typdelim, typrelid, typelem, typarray,
		CASE WHEN typname ~ '^any.*multirange$' THEN 'int4multirange' WHEN typname ~ '^any.*range$' THEN 'int4range' ELSE typname END AS typname,
		CASE WHEN typname ~ '^any.*range$' THEN 'b' ELSE typtype END AS typtype
	FROM pg_catalog.pg_type;
CREATE VIEW sieve.pg_proc AS SELECT oid, pronamespace, prorettype, proname, proretset, prokind, proargtypes FROM pg_catalog.pg_proc
	WHERE oid >= 16384 OR oid::int8 % 16 = current_setting('sieve.part', true)::int;
GRANT USAGE ON SCHEMA sieve TO smith;
GRANT SELECT ON sieve.pg_type, sieve.pg_proc TO smith;
ALTER DATABASE smith SET search_path = sieve, pg_catalog, public;

-- Not these: they wait, or end other sessions, or take locks that outlive a transaction.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
	WHERE proname ~ '^(pg_sleep|pg_advisory|pg_try_advisory|pg_terminate_backend|pg_cancel_backend)' \gexec
