-- One world: the same tables, roles and policies in each; {ssn} and the like are its secrets.
--
-- Row 2 holds the secrets of columns, rows from 101 on are hidden from purpose "study". The other rows are the same in both worlds,
-- and of the same year, ZIP3 area and so on, so that what a transform leaves is the same too.
SET client_min_messages = warning;
CREATE EXTENSION phiguard;
GRANT CREATE ON SCHEMA public TO regress_phig_owner;
CREATE SCHEMA own AUTHORIZATION regress_phig_writer;
CREATE SCHEMA other AUTHORIZATION regress_phig_owner;

CREATE TABLE patient (id int PRIMARY KEY, gone int, ssn text UNIQUE, name text, note text, mrn text, birth date, zip text, amount int,
    ward text NOT NULL, consented bool NOT NULL DEFAULT true, seen timestamptz, doc jsonb, tags text[]);
ALTER TABLE patient DROP COLUMN gone;
INSERT INTO patient SELECT i, '5' || to_char(i, 'FM00') || '-44-1' || to_char(i, 'FM000'), 'Name' || i, 'note ' || i, 'MR' || 5550000 + i, date '1931-06-01' + i,
    '9083' || i % 10, 5550000 + i, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END, true, '2024-06-01 12:00+00', '{"a": 1}', '{a}'
    FROM generate_series(1, 20) i WHERE i <> 2;
INSERT INTO patient VALUES (2, {ssn}, {name}, {note}, {mrn}, {birth}, {zip}, {amount}, 'north', true, {seen}, jsonb_build_object('a', {note}), ARRAY[{note}]);
INSERT INTO patient SELECT i, '6' || to_char(i, 'FM000') || '-4-1' || to_char(i, 'FM000'), 'Other' || i, 'other ' || i, 'MR' || 6660000 + i, date '1931-03-01' + i,
    '9084' || i % 10, 6660000 + i, {ward}, false, '2024-03-01 12:00+00', '{"a": 2}', '{b}' FROM generate_series(101, {last}) i;
CREATE INDEX ON patient (upper(ssn));
CREATE INDEX patient_birth ON patient (birth, id);
CREATE INDEX patient_ward_ssn ON patient (ward, ssn, id);
CREATE STATISTICS patient_columns (mcv) ON ssn, ward FROM patient;
CREATE STATISTICS patient_expressions ON (lower(ssn)), (lower(ward)) FROM patient;

CREATE TABLE visit (id int, ssn text, note text, mrn text, birth date, zip text, amount int, ward text, consented bool, kind text) PARTITION BY LIST (kind);
CREATE TABLE visit_in PARTITION OF visit FOR VALUES IN ('in');
CREATE TABLE visit_out (kind text, ward text, consented bool, amount int, zip text, birth date, mrn text, note text, ssn text, id int);
ALTER TABLE visit ATTACH PARTITION visit_out FOR VALUES IN ('out');
INSERT INTO visit SELECT id, ssn, note, mrn, birth, zip, amount, ward, consented,
    CASE WHEN id % 4 = 2 OR id > 100 THEN 'out' ELSE 'in' END FROM patient;
CREATE TABLE person (id int, ssn phiguard.ssn, note text, mrn text, birth date, zip text, amount int, ward text, consented bool);
CREATE TABLE employee (badge text) INHERITS (person);
INSERT INTO employee SELECT id, CASE WHEN id < 100 THEN ssn ELSE '666-44-' || 1000 + id END, note, mrn, birth, zip, amount, ward, consented, 'b' FROM patient;
CREATE TABLE secured AS SELECT id, ssn, note, mrn, birth, zip, amount, ward, consented FROM patient;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON secured USING (id > 0);
COPY (SELECT id, ssn, note, mrn, birth, zip, amount, ward, consented FROM patient) TO {file} (FORMAT csv);
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE filed (id int, ssn text, note text, mrn text, birth date, zip text, amount int, ward text, consented bool) SERVER files OPTIONS (filename {file}, format 'csv');
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host {host}, port {port}, dbname {world});
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'postgres', password_required 'false');
CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host {host}, port {port}, dbname {world}, options '-c phiguard.purpose=study');
CREATE USER MAPPING FOR regress_phig_writer SERVER self OPTIONS (user 'regress_phig_writer', password_required 'false');
CREATE FOREIGN TABLE far (id int, ssn text, note text, mrn text, birth date, zip text, amount int, ward text, consented bool) SERVER loop OPTIONS (table_name 'employee');
CREATE MATERIALIZED VIEW copied AS SELECT id, ssn, note, mrn, birth, zip, amount, ward, consented FROM employee;

CREATE TABLE numbers (id int PRIMARY KEY);
INSERT INTO numbers SELECT * FROM generate_series(1, 120);
CREATE TABLE contact (ssn text REFERENCES patient (ssn), phone text);
INSERT INTO contact VALUES ({ssn}, '555');
CREATE TABLE late_contact (ssn text REFERENCES patient (ssn) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late_contact SELECT ssn FROM patient WHERE id = 2;
CREATE TABLE late_plain (s text REFERENCES patient (ssn) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late_plain SELECT ssn FROM patient WHERE id = 2;
CREATE TABLE wing (id int PRIMARY KEY);
INSERT INTO wing VALUES (1);
CREATE TABLE bed (wing int REFERENCES wing ON DELETE CASCADE, ssn text UNIQUE);
INSERT INTO bed SELECT 1, ssn FROM patient WHERE id = 2;
CREATE TABLE stay (ssn text REFERENCES bed (ssn));
INSERT INTO stay SELECT ssn FROM bed;
CREATE TABLE kin (patient int REFERENCES patient ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE watched AS SELECT id, ssn, ward FROM patient WHERE id < 100;
CREATE TABLE queue AS SELECT id, ssn FROM patient WHERE id < 100;
CREATE INDEX ON queue (ssn, id);
CREATE TABLE dated AS SELECT id, birth FROM patient WHERE id < 100;
CREATE INDEX ON dated (birth, id);
CREATE TABLE bounded (id int PRIMARY KEY, amount int, least int CHECK (least > 0), most int GENERATED ALWAYS AS (amount * 200 + least) STORED, CHECK (amount > least));
INSERT INTO bounded SELECT id, amount, 1 FROM patient WHERE id < 100;
CREATE TABLE bounded_range (id int, amount int, least int, EXCLUDE USING gist (int4range(least, amount) WITH &&) WHERE (least > 1));
INSERT INTO bounded_range SELECT id, amount, 1 FROM patient WHERE id < 100;
CREATE TABLE doubled AS SELECT id, ssn FROM patient UNION ALL SELECT id, ssn FROM patient WHERE id = 2;


-- Texts of the catalog, which hold what somebody wrote into them.
CREATE TABLE texts (id int, ward text DEFAULT {ward} CHECK (ward <> {name}));
CREATE VIEW texts_view AS SELECT id FROM texts WHERE ward = {ward};
COMMENT ON TABLE texts IS {note};
CREATE TABLE by_ward (id int, ward text) PARTITION BY LIST (ward);
CREATE TABLE by_ward_1 PARTITION OF by_ward FOR VALUES IN ({ward});
CREATE SEQUENCE number_of_patients;
SELECT setval('number_of_patients', {last}) \g /dev/null
GRANT SELECT ON number_of_patients TO regress_phig_reader;

SELECT phiguard.label(t, c, k) FROM
    (VALUES ('patient'), ('visit'), ('person'), ('secured'), ('filed'), ('far'), ('watched'), ('contact'), ('late_contact'), ('doubled'), ('queue'), ('dated'), ('bed'), ('texts'), ('by_ward')) r (t),
    (VALUES ('ssn', 'ssn'), ('name', 'name'), ('note', 'note'), ('mrn', 'mrn'), ('birth', 'date kind=birth'), ('seen', 'date kind=event'), ('zip', 'geo kind=zip'),
        ('amount', 'account'), ('ward', 'quasi'), ('doc', 'note'), ('tags', 'note'), ('id', 'none'), ('consented', 'none'), ('kind', 'none'), ('phone', 'none')) l (c, k)
    WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = t::regclass AND attname = c) \g /dev/null
SELECT phiguard.label('copied', c, k) FROM (VALUES ('ssn', 'ssn'), ('note', 'note'), ('mrn', 'mrn'), ('birth', 'date kind=birth'), ('zip', 'geo kind=zip'),
    ('amount', 'account'), ('ward', 'quasi'), ('id', 'none'), ('consented', 'none')) l (c, k) \g /dev/null
SELECT phiguard.label('employee', 'badge', 'none'), phiguard.label('kin', 'patient', 'none') \g /dev/null

SELECT phiguard.label(t, c, k) FROM (VALUES ('bounded'), ('bounded_range')) r (t),
    (VALUES ('amount', 'account'), ('id', 'none'), ('least', 'none')) l (c, k) \g /dev/null

-- What applications have made of them.
CREATE VIEW patients AS SELECT * FROM patient;
CREATE VIEW patients_again AS SELECT * FROM patients;
CREATE VIEW patients_barrier WITH (security_barrier) AS SELECT * FROM patient;
CREATE VIEW patients_invoker WITH (security_invoker) AS SELECT * FROM patient;
CREATE VIEW patients_joined AS SELECT p.*, n.id AS number FROM patient p JOIN numbers n ON n.id = p.id;
CREATE VIEW visits AS SELECT * FROM visit;
CREATE FUNCTION all_inline() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM public.patient';
CREATE FUNCTION all_atomic() RETURNS SETOF patient LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM patient; END;
CREATE FUNCTION one_inline(i int) RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM public.patient WHERE id = i';
CREATE FUNCTION twice_inline() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM public.all_inline()';
CREATE FUNCTION visits_inline() RETURNS SETOF visit LANGUAGE sql STABLE AS 'SELECT * FROM public.visit';
CREATE FUNCTION one_of_visit(i int) RETURNS SETOF visit LANGUAGE sql STABLE AS 'SELECT id, ssn, NULL::text, NULL::text, NULL::date, NULL::text, NULL::int, ward, true, kind FROM public.visit WHERE id = i';
CREATE FUNCTION visits_volatile() RETURNS SETOF visit LANGUAGE sql VOLATILE AS 'SELECT * FROM public.visit';
CREATE FUNCTION visits_definer() RETURNS SETOF visit LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM public.visit';
CREATE FUNCTION visits_plpgsql() RETURNS SETOF visit LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM public.visit; END';
CREATE FUNCTION visits_dynamic() RETURNS SETOF visit LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN QUERY EXECUTE ''SELECT * FROM public.visit''; END';
CREATE FUNCTION visits_one_by_one() RETURNS SETOF visit LANGUAGE plpgsql AS 'DECLARE v public.visit; BEGIN FOR v IN SELECT * FROM public.visit LOOP RETURN NEXT v; END LOOP; END';
CREATE FUNCTION visit_of(i int) RETURNS visit LANGUAGE sql STABLE AS 'SELECT * FROM public.visit WHERE id = i';
CREATE FUNCTION visit_folded() RETURNS visit LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT v FROM public.visit v WHERE id = 2); END';
CREATE FUNCTION visits_parallel(i int) RETURNS visit LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN (SELECT v FROM public.visit v WHERE id = i); END';
CREATE FUNCTION ssn_of(i int) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT ssn FROM public.patient WHERE id = i); END';
CREATE FUNCTION ssn_definer(i int) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER AS 'BEGIN RETURN (SELECT ssn FROM public.patient WHERE id = i); END';
CREATE FUNCTION open_patients() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS 'DECLARE c refcursor := ''patients_open''; BEGIN OPEN c FOR SELECT id, ssn, ward FROM public.patient ORDER BY id; RETURN c; END';
CREATE FUNCTION tell(anyelement) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''told %'', $1; RETURN true; END';
CREATE FUNCTION tell(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''told %'', $1; RETURN true; END';
CREATE FUNCTION tell_transition(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''told %'', $2; RETURN $2; END';
CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = tell, RESTRICT = scalarltsel);
CREATE AGGREGATE tell_all(text) (SFUNC = tell_transition, STYPE = text);

-- What runs when rows change.
CREATE TABLE journal_of_watched (word text);
CREATE FUNCTION copy_old() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN INSERT INTO journal_of_watched SELECT ssn FROM old_rows; RETURN NULL; END';
CREATE TRIGGER copy_old AFTER UPDATE ON watched REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION copy_old();
CREATE FUNCTION tell_transition_table() RETURNS trigger LANGUAGE plpgsql AS
    'DECLARE v text; BEGIN SELECT string_agg(ssn, '' '') INTO v FROM old_rows; RAISE NOTICE ''told %'', v; RETURN NULL; END';
CREATE TRIGGER tell_old AFTER DELETE ON watched REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tell_transition_table();

-- Who may see what.
SELECT phiguard.create_key('study'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'),
    phiguard.allow('study', category => 'ssn', transform => 'mask', writable => true), phiguard.allow('study', category => 'note', transform => 'null'),
    phiguard.allow('study', category => 'mrn', transform => 'token'), phiguard.allow('study', category => 'date', transform => 'year'),
    phiguard.allow('study', category => 'geo', kind => 'zip', transform => 'zip3'), phiguard.allow('study', category => 'account', transform => 'mask'),
    phiguard.allow('study', category => 'quasi') \g /dev/null
SELECT phiguard.allow_rows('study', r, 'consented') FROM unnest('{patient,visit,person,secured,filed,far,copied}'::regclass[]) r \g /dev/null
SELECT phiguard.create_purpose('quality', code => 'TREAT', otherwise => 'clear') \g /dev/null
SELECT phiguard.create_purpose('billing', code => 'HPAYMT', otherwise => 'mask') \g /dev/null
SELECT phiguard.grant_purpose(p, r) FROM unnest('{study,quality}'::text[]) p, unnest('{regress_phig_reader,regress_phig_writer,regress_phig_owner}'::regrole[]) r \g /dev/null
-- Registered for a purpose that shows everything: what they read themselves stays inside, what they call goes by "study".
CREATE FUNCTION visits_called(f text) RETURNS SETOF visit LANGUAGE plpgsql SET search_path = public, pg_temp AS
    'DECLARE r record; BEGIN FOR r IN SELECT note FROM visit ORDER BY id LIMIT 1 LOOP RETURN QUERY EXECUTE format(''SELECT * FROM %s'', f); END LOOP; END';
CREATE FUNCTION visits_counted(f text) RETURNS SETOF visit LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
    'BEGIN PERFORM note FROM visit; RETURN QUERY SELECT v.* FROM numbers n, LATERAL visits_plpgsql() v WHERE n.id = 1; END';
CREATE FUNCTION registered_cursor() RETURNS refcursor LANGUAGE plpgsql SET search_path = public, pg_temp AS
    'DECLARE c refcursor := ''registered_open''; BEGIN OPEN c FOR SELECT ssn FROM patient ORDER BY id; RETURN c; END';
REVOKE ALL ON FUNCTION visits_called(text), visits_counted(text), registered_cursor() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visits_called(text), visits_counted(text), registered_cursor() TO regress_phig_reader, regress_phig_writer, regress_phig_owner;
SELECT phiguard.register_function(f, 'quality') FROM unnest('{visits_called(text),visits_counted(text),registered_cursor()}'::regprocedure[]) f \g /dev/null

GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_phig_reader;
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_phig_writer;
GRANT USAGE ON FOREIGN SERVER loop, self, files TO regress_phig_writer;
ALTER TABLE patient OWNER TO regress_phig_owner;
ALTER STATISTICS patient_columns OWNER TO regress_phig_owner;
ALTER STATISTICS patient_expressions OWNER TO regress_phig_owner;
ALTER TABLE visit OWNER TO regress_phig_owner;
ALTER TABLE visit_in OWNER TO regress_phig_owner;
ALTER TABLE visit_out OWNER TO regress_phig_owner;
ALTER TABLE doubled OWNER TO regress_phig_owner;
ALTER TABLE watched OWNER TO regress_phig_owner;

-- What the writer has made for itself.
SET ROLE regress_phig_writer;
SET search_path = own, public;
CREATE TABLE one (id int PRIMARY KEY, v text);
INSERT INTO one VALUES (1, 'v');
CREATE TABLE sink (v text);
GRANT USAGE ON SCHEMA own TO PUBLIC;
CREATE TABLE kin_of (i int REFERENCES patient ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO kin_of VALUES (4);
CREATE TABLE kin_no_more (i int REFERENCES patient ON DELETE SET NULL);
INSERT INTO kin_no_more VALUES (6);
CREATE TABLE kin_by_default (i int DEFAULT 5 REFERENCES patient ON DELETE SET DEFAULT);
INSERT INTO kin_by_default VALUES (7);
CREATE TABLE kin_by_ssn (s text REFERENCES patient (ssn) ON UPDATE CASCADE);
CREATE VIEW own_view AS SELECT * FROM patient;
CREATE VIEW own_barrier WITH (security_barrier) AS SELECT * FROM visit;
CREATE FUNCTION own_inline() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM public.patient';
CREATE FUNCTION own_definer() RETURNS SETOF visit LANGUAGE sql SECURITY DEFINER SET search_path = own, public AS 'SELECT * FROM visit';
CREATE FUNCTION own_plpgsql() RETURNS SETOF visit LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM public.visit; END';
CREATE FUNCTION spy() RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.0001 SET search_path = own, public AS
    'DECLARE v text; BEGIN SELECT string_agg(ssn || ward, '' '') INTO v FROM patient WHERE id = 2 OR id > 100; RAISE NOTICE ''spied %'', v; RETURN true; END';
CREATE FUNCTION spy(text) RETURNS text LANGUAGE plpgsql IMMUTABLE COST 0.0001 SET search_path = own, public AS 'BEGIN PERFORM spy(); RETURN $1; END';
CREATE FUNCTION spy_on_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM own.spy(); RETURN coalesce(NEW, OLD); END';
CREATE TYPE e AS (v text);
CREATE FUNCTION e(e) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM own.spy(); RETURN $1.v; END';
CREATE CAST (e AS int) WITH FUNCTION e(e) AS IMPLICIT;
CREATE TABLE kin_by_cast (e e REFERENCES patient);
CREATE TABLE kin_by_late_cast (e e REFERENCES patient DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION keep() RETURNS void LANGUAGE plpgsql SET search_path = own, public AS 'BEGIN INSERT INTO sink SELECT ssn || ward FROM patient WHERE id = 2 OR id > 100; END';
CREATE FUNCTION plant(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM own.keep(); RETURN $1; END';
RESET ROLE;
RESET search_path;
VACUUM ANALYZE;
