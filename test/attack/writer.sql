# Attempts by a role that has all privileges on the tables, and a schema of its own, `own`. See reader.sql.

# --- Statements that write labelled tables.
--- UPDATE that looks for a guess
UPDATE patient SET ward = 'hit' WHERE ssn = {ssn} RETURNING id;
--- UPDATE that looks for a guess, counted
DO $$ DECLARE n int; BEGIN UPDATE patient SET ward = 'hit' WHERE ssn = {ssn}; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE '%', n; END $$;
--- UPDATE that looks for a guess in a sub-select
UPDATE patient SET ward = 'hit' WHERE id IN (SELECT id FROM patient WHERE ssn = {ssn}) RETURNING id;
--- UPDATE that looks for a guess in a view
UPDATE patients SET ward = 'hit' WHERE ssn = {ssn} RETURNING id;
--- UPDATE that looks for a guess in a barrier view
UPDATE patients_barrier SET ward = 'hit' WHERE ssn = {ssn} RETURNING id;
--- UPDATE through a view of one's own that looks for a guess
CREATE VIEW own.v AS SELECT id, ward FROM patient WHERE ssn = {ssn};
UPDATE own.v SET ward = 'hit' RETURNING id;
--- UPDATE through a barrier view of one's own that looks for a guess
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM patient WHERE ssn = {ssn};
UPDATE own.v SET ward = 'hit' RETURNING id;
--- UPDATE through a barrier view over one
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM patient WHERE ssn = {ssn};
CREATE VIEW own.w WITH (security_barrier) AS SELECT * FROM own.v WHERE id > 0;
UPDATE own.w SET ward = 'hit' RETURNING id;
--- UPDATE through a barrier view that tells
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM patient WHERE tell(ssn);
UPDATE own.v SET ward = 'hit' WHERE id % 1000 = 3 RETURNING id;
--- UPDATE through a barrier view of a secured table
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM secured WHERE ssn = {ssn} AND tell(ssn);
UPDATE own.v SET ward = 'hit' RETURNING id;
--- UPDATE through a barrier view of a partitioned table
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM visit WHERE tell(ssn);
UPDATE own.v SET ward = 'hit' RETURNING id;
--- DELETE through a barrier view
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM person WHERE ssn = {ssn};
DELETE FROM own.v RETURNING id;
--- UPDATE through a view with a check option
CREATE VIEW own.v AS SELECT id, ward FROM patient WHERE ssn <> {ssn} WITH CHECK OPTION;
UPDATE own.v SET ward = 'hit' WHERE id = 2 RETURNING id;
--- INSERT through a view whose check option reads another row
CREATE VIEW own.v AS SELECT id, v FROM own.one WHERE EXISTS (SELECT FROM patient WHERE ssn = v) WITH CHECK OPTION;
INSERT INTO own.v VALUES (2, {ssn});
--- UPDATE through a view's trigger
CREATE VIEW own.v AS SELECT id, ssn, ward FROM patient;
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''% %'', OLD, OLD.ssn; RETURN NEW; END';
CREATE TRIGGER t INSTEAD OF UPDATE OR DELETE ON own.v FOR EACH ROW EXECUTE FUNCTION own.f();
UPDATE own.v SET ward = 'x' WHERE id = 2;
--- DELETE through a view's trigger, of hidden rows
CREATE VIEW own.v AS SELECT id, ward FROM patient;
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN OLD; END';
CREATE TRIGGER t INSTEAD OF UPDATE OR DELETE ON own.v FOR EACH ROW EXECUTE FUNCTION own.f();
DELETE FROM own.v WHERE id > 100;
--- UPDATE that copies
UPDATE patient SET ward = ssn WHERE id = 2 RETURNING ward;
--- UPDATE that copies from another reading
UPDATE patient p SET ward = q.ssn FROM patient q WHERE p.id = q.id AND p.id = 2 RETURNING p.ward;
--- UPDATE that copies by a sub-select
UPDATE patient SET ward = (SELECT ssn FROM visit WHERE id = 2) WHERE id = 2 RETURNING ward;
--- UPDATE of several columns
UPDATE patient SET (ward, amount) = (SELECT note, amount FROM visit WHERE id = 2) WHERE id = 3 RETURNING ward, amount;
--- UPDATE that copies the row
UPDATE patient p SET ward = p::text WHERE id = 2 RETURNING ward;
--- UPDATE that swaps
UPDATE patient SET ssn = ward, ward = ssn WHERE id = 2;
SELECT ward FROM patient WHERE id = 2;
--- UPDATE that makes a value clear in steps
UPDATE patient SET ssn = ssn || 'x' WHERE id = 2 RETURNING ssn;
--- UPDATE of what decides which rows are shown
UPDATE patient SET consented = true WHERE id > 100;
SELECT id, ward FROM patient WHERE id > 100;
--- UPDATE of the partition key
+ unrecorded it asks for no labelled column
UPDATE visit SET kind = 'in' WHERE id > 100;
SELECT count(*) FROM visit_in;
--- UPDATE of hidden rows, counted
UPDATE patient SET amount = 1 RETURNING id;
--- UPDATE of hidden rows by a function that tells
UPDATE patient SET consented = true WHERE tell(ward) AND id = 3;
--- UPDATE ... RETURNING
UPDATE patient SET consented = true WHERE id = 2 RETURNING ssn;
--- UPDATE ... RETURNING the row
UPDATE visit v SET consented = true WHERE id = 2 RETURNING v;
--- UPDATE ... RETURNING *
UPDATE person SET consented = true WHERE id = 2 RETURNING *;
--- UPDATE ... RETURNING a sub-select
UPDATE patient SET consented = true WHERE id = 2 RETURNING (SELECT v.ssn FROM visit v WHERE v.id = patient.id);
--- UPDATE ... RETURNING a function
UPDATE visit v SET consented = true WHERE id = 2 RETURNING tell(v::text);
--- UPDATE ... FROM, joined by a masked column
UPDATE patient p SET ward = 'hit' FROM contact c WHERE c.ssn = p.ssn AND p.ssn = {ssn} RETURNING p.id;
--- UPDATE ... FROM guesses
UPDATE patient p SET ward = 'hit' FROM (VALUES ({ssn})) g (v) WHERE g.v = p.ssn RETURNING p.id;
--- UPDATE of one's own table, joined by a masked column
UPDATE own.one SET v = 'hit' FROM patient p WHERE p.ssn = {ssn} RETURNING one.v;
--- UPDATE that fails a constraint
UPDATE patient SET ward = NULL WHERE id = 2;
--- UPDATE that fails a constraint, caught
DO $$ DECLARE d text; BEGIN UPDATE patient SET ward = NULL WHERE id = 2; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- UPDATE that fails a check of what is hidden
UPDATE bounded SET least = 1500000 WHERE id = 2;
--- UPDATE that fails a check of what is hidden, caught
DO $$BEGIN UPDATE bounded SET least = 1500000 WHERE id = 2; RAISE NOTICE 'more'; EXCEPTION WHEN check_violation THEN RAISE NOTICE 'less'; END$$;
--- UPDATE that overflows a generated column of what is hidden
UPDATE bounded SET least = 1000000000 WHERE id = 2;
--- UPDATE that makes no range of what is hidden
UPDATE bounded_range SET least = 1500000 WHERE id = 2;
--- ON CONFLICT that fails a check of what is hidden
INSERT INTO bounded VALUES (2, 9000000, 2) ON CONFLICT (id) DO UPDATE SET least = 1500000;
--- MERGE that fails a check of what is hidden
MERGE INTO bounded b USING (VALUES (2)) v (id) ON b.id = v.id WHEN MATCHED THEN UPDATE SET least = 1500000;
--- UPDATE that fails a partition's bounds
+ unrecorded it asks for no labelled column
UPDATE visit_out SET kind = 'in' WHERE id = 2;
--- UPDATE that fails a foreign key
UPDATE patient SET ssn = 'x' WHERE id = 2;
--- UPDATE that fails a foreign key, caught
DO $$ DECLARE d text; BEGIN UPDATE patient SET ssn = 'x' WHERE id = 2; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- DELETE that looks for a guess
DELETE FROM patient WHERE note = {note} RETURNING id;
--- DELETE that looks for a guess in another table
DELETE FROM patient USING visit v WHERE v.id = patient.id AND v.note = {note} RETURNING patient.id;
--- DELETE that fails a foreign key
DELETE FROM patient WHERE id = 2;
--- DELETE that fails a foreign key, caught
DO $$ DECLARE d text; BEGIN DELETE FROM patient WHERE id = 2; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- DELETE that fails a deferred foreign key, caught
DELETE FROM contact;
DO $$ DECLARE d text; BEGIN DELETE FROM patient WHERE id = 2; SET CONSTRAINTS ALL IMMEDIATE; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- DELETE that fails a deferred foreign key, at SET CONSTRAINTS
DELETE FROM contact;
DELETE FROM patient WHERE id = 2;
SET CONSTRAINTS ALL IMMEDIATE;
--- DELETE that fails a deferred foreign key, at COMMIT
+ outside
BEGIN;
DELETE FROM contact;
DELETE FROM patient WHERE id = 2;
COMMIT;
--- DELETE that fails a deferred foreign key, at COMMIT in a procedure
+ outside
CREATE PROCEDURE own.p() LANGUAGE plpgsql AS 'DECLARE d text; BEGIN DELETE FROM contact; DELETE FROM patient WHERE id = 2; BEGIN COMMIT; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE ''% %'', SQLERRM, d; END; END';
CALL own.p();
DROP PROCEDURE own.p;
--- DELETE ... RETURNING
DELETE FROM visit WHERE id = 2 RETURNING ssn, note;
--- DELETE of hidden rows, counted
DELETE FROM visit WHERE id > 100 RETURNING id;
--- DELETE of hidden rows of a child
DELETE FROM employee WHERE tell(ward) AND id > 100 RETURNING id;
--- INSERT of what is read
INSERT INTO own.sink SELECT ssn FROM patient WHERE id = 2 RETURNING v;
--- INSERT of what is read, into the table
INSERT INTO patient (id, ward) SELECT 200, ssn FROM visit WHERE id = 2 RETURNING ward;
--- INSERT of hidden rows
INSERT INTO own.sink SELECT ward FROM patient WHERE id > 100 RETURNING v;
--- INSERT that copies rows
CREATE TABLE own.t (LIKE visit);
INSERT INTO own.t SELECT * FROM visit;
SELECT id, ssn, ward FROM own.t ORDER BY id;
--- INSERT ... RETURNING another row
INSERT INTO patient (id, ward) VALUES (200, 'x') RETURNING (SELECT ssn FROM visit WHERE id = 2);
--- INSERT into a hidden row's key
INSERT INTO patient (id, ward) VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET ward = patient.ssn RETURNING ward;
--- ON CONFLICT that looks for a guess
INSERT INTO patient (id, ward) VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET ward = 'hit' WHERE patient.ssn = {ssn} RETURNING id;
--- ON CONFLICT ... RETURNING
INSERT INTO patient (id, ward) VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET ward = 'hit' RETURNING ssn;
--- ON CONFLICT with a hidden row
INSERT INTO patient (id, ward) VALUES (101, 'x') ON CONFLICT (id) DO UPDATE SET consented = true RETURNING ward;
--- ON CONFLICT with a hidden row, its value kept
INSERT INTO patient (id, ward) VALUES (101, 'x') ON CONFLICT (id) DO UPDATE SET ward = patient.ward || 'y' RETURNING ward;
--- ON CONFLICT by a key that is masked
INSERT INTO patient (id, ward, ssn) VALUES (200, 'x', {ssn}) ON CONFLICT (ssn) DO UPDATE SET consented = true RETURNING id;
--- ON CONFLICT by a key that is masked, and what was changed
INSERT INTO patient (id, ward, ssn) VALUES (200, 'x', {ssn}) ON CONFLICT ON CONSTRAINT patient_ssn_key DO UPDATE SET ward = 'hit';
SELECT id FROM patient WHERE ward = 'hit';
--- ON CONFLICT by a view
+ no control 18 does not look at the row that is there
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM patient WHERE tell(ssn);
INSERT INTO own.v VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET ward = 'hit' RETURNING id;
--- MERGE that looks for a guess
MERGE INTO patient p USING (VALUES ({ssn})) g (v) ON p.ssn = g.v WHEN MATCHED THEN UPDATE SET ward = 'hit';
SELECT id FROM patient WHERE ward = 'hit';
--- MERGE that looks for a guess in its action
MERGE INTO patient p USING numbers n ON p.id = n.id WHEN MATCHED AND p.ssn = {ssn} THEN UPDATE SET ward = 'hit';
SELECT id FROM patient WHERE ward = 'hit';
--- MERGE that copies
MERGE INTO own.one o USING patient p ON p.id = 2 WHEN MATCHED THEN UPDATE SET v = p.ssn;
TABLE own.one;
--- MERGE that copies into the table
MERGE INTO patient p USING visit v ON p.id = v.id AND p.id = 2 WHEN MATCHED THEN UPDATE SET ward = v.ssn;
SELECT ward FROM patient WHERE id = 2;
--- MERGE of hidden rows
MERGE INTO patient p USING numbers n ON p.id = n.id WHEN MATCHED AND n.id > 100 THEN UPDATE SET consented = true;
SELECT id, ward FROM patient WHERE id > 100;
--- MERGE of rows that are not there
MERGE INTO own.sink s USING (SELECT n.id, p.ward FROM numbers n LEFT JOIN patient p USING (id)) q ON false WHEN NOT MATCHED AND q.ward = {ward} THEN INSERT VALUES (q.ward);
TABLE own.sink;
--- a data-modifying CTE
WITH u AS (UPDATE patient SET consented = true WHERE id = 2 RETURNING *) SELECT ssn FROM u;
--- a data-modifying CTE that is read elsewhere
WITH d AS (DELETE FROM visit WHERE id = 2 RETURNING id, ssn), i AS (INSERT INTO own.sink SELECT ssn FROM d RETURNING v) SELECT v FROM i;
--- COPY of what is changed
COPY (UPDATE patient SET consented = true WHERE id = 2 RETURNING ssn) TO STDOUT;
--- a cursor's current row
DECLARE c CURSOR FOR SELECT id, ssn FROM patient WHERE id = 2 FOR UPDATE;
FETCH c;
UPDATE patient SET consented = true WHERE CURRENT OF c RETURNING ssn;
--- a cursor's current row, hidden
DECLARE c CURSOR FOR SELECT id, ward FROM patient WHERE id > 100 FOR UPDATE;
FETCH c;
DELETE FROM patient WHERE CURRENT OF c RETURNING id, ward;
--- rows locked
SELECT id, ssn FROM patient WHERE id = 2 FOR UPDATE;
--- rows locked, and those that are hidden
+ unrecorded it asks for no labelled column
SELECT count(*) FROM (SELECT id FROM patient FOR UPDATE SKIP LOCKED) q;
--- rows locked by a function that tells
SELECT id FROM visit WHERE tell(ward) FOR UPDATE;
--- LOCK and a plan
LOCK TABLE patient IN SHARE MODE;
EXPLAIN UPDATE patient SET amount = 1 WHERE ward = {ward};
--- EXPLAIN of DELETE
+ unrecorded EXPLAIN reads no row
EXPLAIN DELETE FROM patient WHERE ward = {ward};
--- EXPLAIN of INSERT
+ unrecorded EXPLAIN reads no row
EXPLAIN INSERT INTO own.sink SELECT ward FROM patient WHERE ward = {ward};
--- EXPLAIN ANALYZE of UPDATE
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) UPDATE patient SET consented = consented WHERE ward = {ward};
--- EXPLAIN of UPDATE with an operator that tells
+ unrecorded EXPLAIN reads no row
EXPLAIN UPDATE patient SET consented = true WHERE ward OPERATOR(public.<<<) 'z';
--- EXPLAIN of MERGE
+ unrecorded EXPLAIN reads no row
EXPLAIN MERGE INTO patient p USING numbers n ON p.id = n.id AND p.ward = {ward} WHEN MATCHED THEN DO NOTHING;

# --- Triggers.
--- a statement trigger of the owner that copies
UPDATE watched SET ward = 'x' WHERE id = 2;
TABLE journal_of_watched;
--- a statement trigger of the owner that tells
DELETE FROM watched WHERE id = 2;
--- a trigger on the table
CREATE TRIGGER t BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
UPDATE patient SET consented = true WHERE id = 2;
--- a trigger on the table that tells
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION own.f();
UPDATE visit SET consented = true WHERE id = 2;
--- a trigger on a foreign table
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON far FOR EACH ROW EXECUTE FUNCTION own.f();
UPDATE far SET consented = true WHERE id = 2;
--- a trigger's condition
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''hit''; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON visit FOR EACH ROW WHEN (OLD.ssn::text = '131-47-9026') EXECUTE FUNCTION own.f();
UPDATE visit SET consented = true WHERE id = 2;
--- a trigger on one's own table
CREATE TRIGGER t BEFORE UPDATE ON own.one FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
UPDATE own.one SET v = v;
--- a deferred trigger on one's own table
+ outside
BEGIN;
CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON own.one DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
UPDATE own.one SET v = v;
COMMIT;
DROP TRIGGER t ON own.one;
--- a trigger's condition on one's own table
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON own.one FOR EACH ROW WHEN (own.spy()) EXECUTE FUNCTION own.f();
UPDATE own.one SET v = v;
--- a trigger's argument
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT '' || TG_ARGV[0] || '' FROM patient WHERE id = 2'' INTO NEW.v; RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON own.one FOR EACH ROW EXECUTE FUNCTION own.f('ssn');
UPDATE own.one SET v = v RETURNING v;
--- an event trigger
+ no control only superusers make event triggers
+ unrecorded the statement reaches nothing
CREATE FUNCTION own.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM own.spy(); END';
CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION own.f();

# --- A function of one's own, called from everywhere: own.spy() reads and tells.
--- in a result
SELECT own.spy();
--- in a result of the table
SELECT own.spy(ward) FROM patient WHERE id = 3;
--- in a filter
SELECT id FROM numbers WHERE own.spy() AND id = 1;
--- in FROM
SELECT * FROM own.spy();
--- in a default
CREATE TABLE own.t (i int, b bool DEFAULT own.spy());
INSERT INTO own.t VALUES (1);
--- in a default of a column that is added
CREATE TABLE own.t AS SELECT 1 AS i;
ALTER TABLE own.t ADD b bool DEFAULT own.spy();
--- in a check
CREATE TABLE own.t (i int CHECK (own.spy()));
INSERT INTO own.t VALUES (1);
--- in a check that is validated
ALTER TABLE own.one ADD CHECK (own.spy());
--- in a generated column
CREATE TABLE own.t (i text, s text GENERATED ALWAYS AS (own.spy(i)) STORED);
INSERT INTO own.t VALUES ('a');
--- in an index
CREATE INDEX ON own.one (own.spy(v));
--- in an index's condition
CREATE INDEX ON own.one (v) WHERE own.spy();
--- in an index, when rows change
CREATE TABLE own.t (v text);
CREATE INDEX ON own.t (own.spy(v));
INSERT INTO own.t VALUES ('a');
--- in an index, rebuilt
CREATE TABLE own.t (v text);
CREATE INDEX t_spy ON own.t (own.spy(v));
INSERT INTO own.t VALUES ('a');
REINDEX TABLE own.t;
--- in an index, clustered
CREATE TABLE own.t (v text);
CREATE INDEX t_spy ON own.t (own.spy(v));
INSERT INTO own.t VALUES ('a');
CLUSTER own.t USING t_spy;
--- in an index, analyzed
CREATE TABLE own.t (v text);
CREATE INDEX t_spy ON own.t (own.spy(v));
INSERT INTO own.t VALUES ('a');
ANALYZE own.t;
--- in extended statistics, analyzed
CREATE TABLE own.t AS SELECT i::text AS v, i FROM generate_series(1, 30) i;
CREATE STATISTICS own.s ON (own.spy(v)), i FROM own.t;
ANALYZE own.t;
--- in an exclusion constraint
CREATE TABLE own.t (v int4range, EXCLUDE USING gist (v WITH &&) WHERE (own.spy()));
INSERT INTO own.t VALUES ('[1,2]');
--- in a partition key
CREATE TABLE own.t (v text) PARTITION BY LIST (own.spy(v));
CREATE TABLE own.t1 PARTITION OF own.t DEFAULT;
INSERT INTO own.t VALUES ('a');
--- in a partition bound
CREATE TABLE own.t (v bool) PARTITION BY LIST (v);
CREATE TABLE own.t1 PARTITION OF own.t FOR VALUES IN (own.spy());
--- in a type's conversion
ALTER TABLE own.one ALTER v TYPE text USING own.spy(v);
--- in a domain
CREATE DOMAIN own.d AS text CHECK (own.spy());
SELECT 'a'::own.d;
--- in a domain, cast by a labelled column
CREATE DOMAIN own.d AS text CHECK (tell(VALUE));
SELECT ssn::own.d FROM patient WHERE id = 2;
--- in a domain's default
CREATE DOMAIN own.d AS bool DEFAULT own.spy();
CREATE TABLE own.t (i int, d own.d);
INSERT INTO own.t (i) VALUES (1);
--- in a policy
ALTER TABLE own.one ENABLE ROW LEVEL SECURITY; ALTER TABLE own.one FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON own.one USING (own.spy());
TABLE own.one;
--- in a policy's check
ALTER TABLE own.one ENABLE ROW LEVEL SECURITY; ALTER TABLE own.one FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON own.one WITH CHECK (own.spy());
INSERT INTO own.one VALUES (2, 'a');
--- a policy that reads
ALTER TABLE own.one ENABLE ROW LEVEL SECURITY; ALTER TABLE own.one FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON own.one USING (EXISTS (SELECT FROM patient WHERE ssn = {ssn}));
TABLE own.one;
--- a policy's check that reads
ALTER TABLE own.one ENABLE ROW LEVEL SECURITY; ALTER TABLE own.one FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON own.one WITH CHECK (EXISTS (SELECT FROM patient WHERE ssn = v));
INSERT INTO own.one VALUES (2, {ssn});
--- a policy of one's own, on a join
ALTER TABLE own.one ENABLE ROW LEVEL SECURITY; ALTER TABLE own.one FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON own.one USING (id IN (SELECT count(*) FROM patient WHERE tell(ssn)));
SELECT 1 FROM own.one JOIN patient p ON true WHERE p.id = 3;
--- in a rule
CREATE RULE r AS ON UPDATE TO own.one DO ALSO SELECT own.spy();
UPDATE own.one SET v = v;
--- a rule that reads
CREATE RULE r AS ON DELETE TO own.one DO INSTEAD SELECT ssn FROM patient WHERE id = 2;
DELETE FROM own.one;
--- a rule that reads when rows come
CREATE RULE r AS ON INSERT TO own.sink DO ALSO UPDATE own.one SET v = (SELECT ssn FROM patient WHERE id = 2);
INSERT INTO own.sink VALUES ('x');
TABLE own.one;
--- a rule of a view
CREATE VIEW own.v AS SELECT id, ssn FROM patient;
CREATE RULE r AS ON UPDATE TO own.v DO INSTEAD INSERT INTO own.sink VALUES (OLD.ssn);
UPDATE own.v SET ssn = 'x' WHERE id = 2;
TABLE own.sink;
--- in a materialized view
CREATE MATERIALIZED VIEW own.m AS SELECT own.spy(v) FROM own.one;
--- in a materialized view, refreshed
CREATE MATERIALIZED VIEW own.m AS SELECT own.spy(v) FROM own.one WITH NO DATA;
REFRESH MATERIALIZED VIEW own.m;
--- a materialized view, refreshed
CREATE MATERIALIZED VIEW own.m AS SELECT id, ssn FROM patient WHERE id = 2 WITH NO DATA;
REFRESH MATERIALIZED VIEW own.m;
TABLE own.m;
--- a materialized view of one purpose, under another
CREATE MATERIALIZED VIEW own.m AS SELECT id, ward FROM patient;
SELECT ward FROM own.m WHERE id > 100;
--- in an aggregate
CREATE FUNCTION own.step(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $2; RETURN $2; END';
CREATE AGGREGATE own.agg(text) (SFUNC = own.step, STYPE = text);
SELECT own.agg(ssn), own.agg(ward) FROM patient WHERE id = 2 OR id > 100;
--- in a moving aggregate
CREATE FUNCTION own.step(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''%'', $2; RETURN $2; END';
CREATE AGGREGATE own.agg(text) (SFUNC = own.step, STYPE = text, MSFUNC = own.step, MINVFUNC = own.step, MSTYPE = text);
SELECT own.agg(ssn) OVER (ORDER BY id ROWS 1 PRECEDING) FROM patient WHERE id < 4;
--- in an operator
CREATE FUNCTION own.leak(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
CREATE OPERATOR own.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = own.leak, RESTRICT = eqsel, JOIN = eqjoinsel);
SELECT id FROM patient WHERE ward OPERATOR(own.===) 'a' AND id = 3;
--- in an operator that claims to hash and merge
CREATE FUNCTION own.leak(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''% %'', $1, $2; RETURN true; END';
CREATE OPERATOR own.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = own.leak, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES, COMMUTATOR = OPERATOR(own.===));
SELECT count(*) FROM patient a JOIN patient b ON a.ward OPERATOR(own.===) b.ward AND a.id = b.id;
--- in an operator, under EXPLAIN
+ unrecorded EXPLAIN reads no row
CREATE FUNCTION own.leak(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
CREATE OPERATOR own.<<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = own.leak, RESTRICT = scalarltsel);
EXPLAIN SELECT id FROM patient WHERE ssn OPERATOR(own.<<<<) 'z' OR ward OPERATOR(own.<<<<) 'z';
--- in an operator over tables without hidden rows
CREATE FUNCTION own.leak(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
CREATE OPERATOR own.<<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = own.leak, RESTRICT = scalarltsel);
EXPLAIN SELECT id FROM watched WHERE ssn OPERATOR(own.<<<<) 'z';
SELECT id FROM watched WHERE ssn OPERATOR(own.<<<<) 'z' AND id = 3;
--- in an operator of a deleted row
CREATE FUNCTION own.leak(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END';
CREATE OPERATOR own.<<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = own.leak, RESTRICT = scalarltsel);
DELETE FROM patient WHERE ward OPERATOR(own.<<<<) 'z' AND id = 3;
--- in a cast
CREATE TYPE own.c AS (v text);
CREATE FUNCTION own.c(text) RETURNS own.c LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN ROW($1); END';
CREATE CAST (text AS own.c) WITH FUNCTION own.c(text) AS IMPLICIT;
SELECT ssn::own.c FROM patient WHERE id = 2;
--- in a cast of hidden rows
CREATE TYPE own.c AS (v text);
CREATE FUNCTION own.c(text) RETURNS own.c LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN ROW($1); END';
CREATE CAST (text AS own.c) WITH FUNCTION own.c(text) AS IMPLICIT;
SELECT id FROM patient WHERE ward::own.c IS NOT NULL AND id = 3;
--- in a cast by text
CREATE TYPE own.e AS ENUM ('a');
SELECT ssn::own.e FROM patient WHERE id = 2;
--- in a cast of an enum by name
CREATE TYPE own.e AS ENUM ('a');
CREATE CAST (text AS own.e) WITH INOUT AS ASSIGNMENT;
CREATE TABLE own.t (e own.e);
INSERT INTO own.t SELECT ssn FROM patient WHERE id = 2;
--- in a range type's function
CREATE TYPE own.r AS RANGE (subtype = text);
SELECT own.r(ssn, 'z') FROM patient WHERE id = 2;
--- in a range type's difference
CREATE FUNCTION own.diff(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''% %'', $1, $2; RETURN 1; END';
CREATE TYPE own.r AS RANGE (subtype = int, subtype_diff = own.diff);
CREATE TABLE own.t AS SELECT own.r(amount, NULL) AS r FROM patient WHERE id < 100;
CREATE INDEX ON own.t USING gist (r);
SELECT r FROM own.t ORDER BY r LIMIT 1;
--- in a multirange
SELECT datemultirange(daterange(birth, birth, '[]')) FROM patient WHERE id = 2;
--- in a transform of a search configuration
CREATE TEXT SEARCH DICTIONARY own.d (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION own.c (COPY = simple);
SELECT to_tsvector('own.c', note) FROM visit WHERE id = 2;
--- in a conversion of one's own
CREATE FUNCTION own.f(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 || (SELECT ssn FROM patient WHERE id = 2) $$;
SELECT own.f(v) FROM own.one;
--- in a function that overloads one
CREATE FUNCTION own.upper(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN $1; END';
SET LOCAL search_path = own, public, pg_catalog;
SELECT upper(ssn) FROM patient WHERE id = 2;
--- in a function with the name of a transform
CREATE FUNCTION own.mask(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN $1; END';
SET LOCAL search_path = own, phiguard, public, pg_catalog;
SELECT ssn, own.mask(ssn) FROM patient WHERE id = 2;
--- in an operator with the name of one
CREATE FUNCTION own.leak(bool, bool) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE OPERATOR own.= (LEFTARG = bool, RIGHTARG = bool, FUNCTION = own.leak);
SET LOCAL search_path = own, public, pg_catalog;
SELECT id, ward FROM patient WHERE id > 100;
--- a table with the name of one
CREATE TABLE own.patient (LIKE public.patient);
SET LOCAL search_path = own, public;
SELECT count(*) FROM visit;
SELECT own.spy();
--- a function in a CHECK of a temporary table, told of each row
CREATE TEMP TABLE t (v text CHECK (tell(v)));
INSERT INTO t SELECT ssn FROM patient WHERE id = 2;
--- a view of a view with other columns
CREATE VIEW own.v (a, b) AS SELECT id, ssn || note FROM visit;
CREATE VIEW own.w AS SELECT b AS c FROM own.v WHERE a = 2;
TABLE own.w;
--- a view replaced
CREATE VIEW own.v AS SELECT id, NULL::text AS s FROM patient;
CREATE OR REPLACE VIEW own.v AS SELECT id, ssn AS s FROM patient;
SELECT s FROM own.v WHERE id = 2;
--- a view that others own
CREATE VIEW own.v AS SELECT * FROM patients_barrier;
SELECT ssn, ward FROM own.v WHERE id IN (2, 101);
--- a recursive view
CREATE RECURSIVE VIEW own.v (id, s) AS SELECT id, ssn::text FROM visit WHERE id = 2 UNION ALL SELECT v.id, v.s FROM v WHERE v.id > 1000;
TABLE own.v;

# --- Foreign keys.
--- a key that exists
+ limit whether a key exists
INSERT INTO own.kin_by_ssn VALUES ({ssn});
--- a key of a hidden row
+ limit whether a key exists
INSERT INTO own.kin_of VALUES (105);
--- a trigger that tells, when the row goes
CREATE TRIGGER t BEFORE DELETE ON own.kin_of FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
DELETE FROM patient WHERE id = 4;
--- a trigger that tells, after the row has gone
CREATE TRIGGER t AFTER DELETE ON own.kin_of FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
DELETE FROM patient WHERE id = 4;
--- a trigger that tells, when the key changes
CREATE TRIGGER t BEFORE UPDATE ON own.kin_of FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
UPDATE patient SET id = 44 WHERE id = 4;
--- a trigger that tells, of each statement
CREATE TRIGGER t AFTER UPDATE ON own.kin_of FOR EACH STATEMENT EXECUTE FUNCTION own.spy_on_row();
UPDATE patient SET id = 44 WHERE id = 4;
--- a trigger that tells, when the row gets NULL
CREATE TRIGGER t BEFORE UPDATE ON own.kin_no_more FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
DELETE FROM patient WHERE id = 6;
--- a default that tells
CREATE FUNCTION own.f() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM own.spy(); RETURN 5; END';
ALTER TABLE own.kin_by_default ALTER i SET DEFAULT own.f();
DELETE FROM patient WHERE id = 7;
--- a check that tells, when the key changes
ALTER TABLE own.kin_of ADD CHECK (own.spy()) NOT VALID;
UPDATE patient SET id = 44 WHERE id = 4;
--- an index that tells, when the key changes
CREATE INDEX ON own.kin_of (own.spy(i::text));
UPDATE patient SET id = 44 WHERE id = 4;
--- a policy that tells, when the key changes
CREATE POLICY p ON own.kin_of USING (own.spy());
ALTER TABLE own.kin_of ENABLE ROW LEVEL SECURITY; ALTER TABLE own.kin_of FORCE ROW LEVEL SECURITY;
UPDATE patient SET id = 44 WHERE id = 4;
TABLE own.kin_of;
--- a rule that tells, when the row goes
CREATE RULE r AS ON DELETE TO own.kin_of DO ALSO SELECT own.spy();
DELETE FROM patient WHERE id = 4;
DELETE FROM own.kin_of;
--- a key that cascades
INSERT INTO own.kin_by_ssn VALUES ('504-44-1004');
UPDATE patient SET ssn = (SELECT ssn FROM visit WHERE id = 2) || 'x' WHERE id = 4;
TABLE own.kin_by_ssn;
--- a cast that tells, while a key is looked up
INSERT INTO own.kin_by_cast VALUES (ROW('1'));
--- a cast that tells, while a key is looked up late
INSERT INTO own.kin_by_late_cast VALUES (ROW('1'));
SET CONSTRAINTS ALL IMMEDIATE;
--- a cast that reads, and so decides
CREATE OR REPLACE FUNCTION own.e(own.e) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN ssn = {ssn} THEN 1 ELSE 999 END FROM public.patient WHERE id = 2 $$;
INSERT INTO own.kin_by_cast VALUES (ROW('x'));
SELECT ROW('x')::own.e::int;
--- a cast that reads as a foreign key's query does
CREATE OR REPLACE FUNCTION own.e(own.e) RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN PERFORM 1 FROM ONLY public.patient x WHERE ssn = {ssn} FOR KEY SHARE OF x; RAISE NOTICE '%', FOUND; RETURN 1; END $$;
INSERT INTO own.kin_by_cast VALUES (ROW('x'));
--- a trigger that reads as a foreign key's query does
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM 1 FROM ONLY public.patient x WHERE ssn = {ssn} FOR KEY SHARE OF x; RAISE NOTICE '%', FOUND; RETURN OLD; END $$;
CREATE TRIGGER t BEFORE DELETE ON own.kin_of FOR EACH ROW EXECUTE FUNCTION own.f();
DELETE FROM patient WHERE id = 4;
--- a trigger that writes as a cascade does
CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS
    $$ DECLARE n int; BEGIN DELETE FROM ONLY public.visit WHERE note = {note}; UPDATE ONLY public.visit_out SET amount = 1 WHERE ssn = {ssn}; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE '%', n; RETURN OLD; END $$;
CREATE TRIGGER t BEFORE DELETE ON own.kin_of FOR EACH ROW EXECUTE FUNCTION own.f();
DELETE FROM patient WHERE id = 4;
--- a key of an unlabelled table, when the row goes late
DELETE FROM contact; DELETE FROM late_contact;
DELETE FROM patient WHERE id = 2;
SET CONSTRAINTS ALL IMMEDIATE;
--- a key of an unlabelled table, when the row goes late, caught
DELETE FROM contact; DELETE FROM late_contact;
DO $$ DECLARE d text; BEGIN DELETE FROM patient WHERE id = 2; SET CONSTRAINTS ALL IMMEDIATE; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- a key of an unlabelled table, when the row goes at COMMIT
+ outside
BEGIN;
DELETE FROM contact; DELETE FROM late_contact;
DELETE FROM patient WHERE id = 2;
COMMIT;
--- a key that goes with a row of an unlabelled table
+ unrecorded the statement names an unlabelled table
DELETE FROM wing;
--- a key that goes with a row of an unlabelled table, caught
+ unrecorded the statement names an unlabelled table
DO $$ DECLARE d text; BEGIN DELETE FROM wing; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE '% %', SQLERRM, d; END $$;
--- a foreign key from a view's reader
CREATE VIEW own.v AS SELECT t.i, p.ssn, p.note FROM own.kin_of t JOIN patient p ON p.id = t.i;
INSERT INTO own.kin_of VALUES (2);
TABLE own.v;
--- a unique key
+ limit whether a key exists
INSERT INTO patient (id, ward, ssn) VALUES (200, 'x', {ssn});
--- a unique key, ON CONFLICT
+ limit whether a key exists
INSERT INTO patient (id, ward, ssn) VALUES (200, 'x', {ssn}) ON CONFLICT DO NOTHING;
SELECT count(*) FROM patient WHERE id = 200;
--- a token of a guess that one has written
INSERT INTO patient (id, ward, mrn) VALUES (200, 'x', {mrn});
SELECT p.id FROM patient p JOIN patient q ON q.mrn = p.mrn AND q.id = 200 AND p.id < 100;
--- a token of a guess in a table of one's own
CREATE TABLE own.t (mrn text);
SECURITY LABEL FOR phiguard ON COLUMN own.t.mrn IS 'mrn';
INSERT INTO own.t VALUES ({mrn});
SELECT p.id FROM patient p JOIN own.t ON t.mrn = p.mrn;
--- a token of a guess in a child of one's own
CREATE TABLE own.t (mrn phiguard.mrn);
INSERT INTO own.t VALUES ({mrn});
SELECT p.id FROM patient p JOIN own.t ON t.mrn::text = p.mrn;
--- a predicate's column in a row of one's own
INSERT INTO patient (id, ward, consented) VALUES (200, 'x', true);
SELECT count(*) FROM patient WHERE id > 100 AND id <> 200;
--- a copy that is labelled otherwise
CREATE TABLE own.t AS SELECT id, ssn, ward FROM patient;
SECURITY LABEL FOR phiguard ON COLUMN own.t.ssn IS 'none';
SELECT ssn, ward FROM own.t WHERE id = 2 OR id > 100;
--- a table of the same columns
CREATE TABLE own.t (LIKE patient INCLUDING ALL);
INSERT INTO own.t SELECT * FROM patient;
SELECT ssn FROM own.t WHERE id = 2;
--- a foreign table of one's own over a loop
+ unrecorded on record under the name of the session there
CREATE FOREIGN TABLE own.far (id int, ssn text, ward text) SERVER self OPTIONS (schema_name 'public', table_name 'patients');
SELECT ssn FROM own.far WHERE id = 2;
SELECT count(*) FROM own.far WHERE ward = {ward};
--- a foreign table of one's own over a server that lets in somebody else
+ unrecorded on record under the name of the session there
+ limit what a foreign server sends
CREATE FOREIGN TABLE own.far (id int, ssn text, ward text) SERVER loop OPTIONS (schema_name 'public', table_name 'patients');
SELECT ssn FROM own.far WHERE id = 2;
--- a publication
CREATE PUBLICATION p FOR TABLE patient;
SELECT ssn FROM patient WHERE id = 2;
--- a slot
SELECT pg_create_logical_replication_slot('s', 'test_decoding');
SELECT ssn FROM patient WHERE id = 2;
--- ownership
ALTER TABLE patient OWNER TO regress_phig_writer;
SELECT ssn FROM patient WHERE id = 2;
--- a view's owner
ALTER VIEW patients OWNER TO regress_phig_writer;
SELECT ssn FROM patients WHERE id = 2;
--- reassigned
REASSIGN OWNED BY regress_phig_owner TO regress_phig_writer;
SELECT ssn FROM patient WHERE id = 2;
--- COPY FROM that fails
COPY patient (id, ward, ssn) FROM stdin;
2	x	y
\.
SELECT ssn FROM patient WHERE id = 2;
--- COPY FROM into a view's trigger
CREATE VIEW own.v AS SELECT v FROM own.one;
CREATE TRIGGER t INSTEAD OF INSERT ON own.v FOR EACH ROW EXECUTE FUNCTION own.spy_on_row();
COPY own.v FROM stdin;
x
\.
--- COPY FROM with a condition
COPY own.sink FROM stdin WHERE own.spy();
x
\.
--- statistics of a copy
CREATE TABLE own.t AS SELECT id, ssn, ward, note FROM patient;
ANALYZE own.t;
SELECT attname, most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 't' AND schemaname = 'own' ORDER BY attname;
--- a duplicate of a copy
CREATE TABLE own.t (s text UNIQUE);
INSERT INTO own.t SELECT ssn FROM patient WHERE id = 2;
INSERT INTO own.t SELECT ssn FROM patient WHERE id = 2;
--- a not-null error of a copy
CREATE TABLE own.t (i int, s text, n int NOT NULL);
INSERT INTO own.t SELECT id, ssn, NULL FROM patient WHERE id = 2;
--- a check's error of a copy
CREATE TABLE own.t (i int, s text CHECK (s = 'x'));
INSERT INTO own.t SELECT id, ssn FROM patient WHERE id = 2;
--- an exclusion's error of a copy
CREATE TABLE own.t (i int, s text, EXCLUDE USING btree (s WITH =));
INSERT INTO own.t SELECT id, ssn FROM visit WHERE id = 2 UNION ALL SELECT id, ssn FROM visit WHERE id = 2;
--- a procedure that takes them out
CREATE PROCEDURE own.p(INOUT s text) LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN SELECT ssn INTO s FROM public.patient WHERE id = 2; END';
CALL own.p(NULL);
--- a function whose query is in a default argument
CREATE FUNCTION own.f(s text DEFAULT ssn_of(2)) RETURNS text LANGUAGE sql AS 'SELECT s';
SELECT own.f();
--- a function that returns a cursor
CREATE FUNCTION own.f() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS 'DECLARE c refcursor := ''own_c''; BEGIN OPEN c FOR SELECT ssn FROM public.patient WHERE id = 2; RETURN c; END';
SELECT own.f();
FETCH ALL FROM own_c;
--- a function that keeps what it read in a temporary table
CREATE FUNCTION own.f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN CREATE TEMP TABLE kept AS SELECT * FROM public.visit; END';
SELECT own.f();
SELECT ssn FROM kept WHERE id = 2;
--- a function whose queries change their table
CREATE FUNCTION own.f(t regclass) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE format(''SELECT ssn::text FROM %s WHERE id = 2'', t); END';
SELECT * FROM unnest('{patient,visit,visit_out,person,employee,secured,copied,filed,far,patients_barrier}'::regclass[]) t, own.f(t) f;
--- a support function's estimate
CREATE FUNCTION own.f() RETURNS SETOF int LANGUAGE sql ROWS 7 AS 'SELECT id FROM public.patient WHERE ssn = ''131-47-9026''';
SELECT count(*) FROM own.f();
--- an IMMUTABLE function that is folded
CREATE FUNCTION own.f() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ssn FROM public.patient WHERE id = 2';
EXPLAIN (VERBOSE, COSTS off) SELECT own.f() FROM own.one;
--- an IMMUTABLE function in a view
CREATE FUNCTION own.f() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT ssn FROM public.patient WHERE id = 2); END';
CREATE VIEW own.v AS SELECT own.f() AS s;
EXPLAIN (VERBOSE, COSTS off) TABLE own.v;
--- an IMMUTABLE function in a partition's pruning
CREATE FUNCTION own.f() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT ssn FROM public.patient WHERE id = 2); END';
CREATE TABLE own.t (v text) PARTITION BY LIST (v);
CREATE TABLE own.t1 PARTITION OF own.t FOR VALUES IN ('131-47-9026');
CREATE TABLE own.t2 PARTITION OF own.t DEFAULT;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT * FROM own.t WHERE v = own.f();

# --- What newer servers have.
--- MERGE ... RETURNING
+ since 17
MERGE INTO patient p USING numbers n ON p.id = n.id AND n.id = 2 WHEN MATCHED THEN UPDATE SET consented = true RETURNING p.ssn;
--- MERGE of rows that are not there by source
+ since 17
MERGE INTO patient p USING (SELECT 0 AS id) n ON p.id = n.id WHEN NOT MATCHED BY SOURCE AND p.ssn = {ssn} THEN UPDATE SET ward = 'hit' RETURNING p.id;
--- MERGE of hidden rows that are not there by source
+ since 17
MERGE INTO patient p USING (SELECT 0 AS id) n ON p.id = n.id WHEN NOT MATCHED BY SOURCE AND p.ward = {ward} THEN UPDATE SET amount = 1 RETURNING p.id;
--- MERGE into a view
+ since 17
CREATE VIEW own.v WITH (security_barrier) AS SELECT id, ward FROM patient WHERE tell(ssn);
MERGE INTO own.v USING numbers n ON v.id = n.id WHEN MATCHED THEN UPDATE SET ward = 'hit';
--- RETURNING of the row as it was
+ since 18
UPDATE patient SET consented = true WHERE id = 2 RETURNING old.ssn, new.ssn;
--- RETURNING of the whole row as it was
+ since 18
UPDATE visit SET consented = true WHERE id = 2 RETURNING old, new;
--- RETURNING of the row that goes
+ since 18
DELETE FROM visit WHERE id = 2 RETURNING old.note;
--- ON CONFLICT, and the row that was there
+ since 18
INSERT INTO patient (id, ward) VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET consented = true RETURNING old.ssn;

# --- Planted: objects of the writer's that run when a superuser keeps the house. own.plant() reads, and keeps what it got.
--- in an index, when a superuser analyzes
+ outside
+ unrecorded the superuser's session is
CREATE TABLE own.t AS SELECT 'a' AS v;
CREATE INDEX t_plant ON own.t (own.plant(v));
TRUNCATE own.sink;
\c - postgres
ANALYZE own.t;
\c - regress_phig_writer
TABLE own.sink;
DROP TABLE own.t; TRUNCATE own.sink;
--- in an index, when a superuser rebuilds
+ outside
+ unrecorded the superuser's session is
CREATE TABLE own.t AS SELECT 'a' AS v;
CREATE INDEX t_plant ON own.t (own.plant(v));
TRUNCATE own.sink;
\c - postgres
REINDEX TABLE own.t;
VACUUM FULL own.t;
CLUSTER own.t USING t_plant;
\c - regress_phig_writer
TABLE own.sink;
DROP TABLE own.t; TRUNCATE own.sink;
--- in statistics, when a superuser analyzes
+ outside
+ unrecorded the superuser's session is
CREATE TABLE own.t AS SELECT i::text AS v, i FROM generate_series(1, 2) i;
CREATE STATISTICS own.s ON (own.plant(v)), i FROM own.t;
\c - postgres
ANALYZE own.t;
\c - regress_phig_writer
SELECT DISTINCT v FROM own.sink ORDER BY v;
DROP TABLE own.t; TRUNCATE own.sink;
--- in a materialized view, when a superuser refreshes
+ outside
+ unrecorded the superuser's session is
CREATE MATERIALIZED VIEW own.m AS SELECT own.plant(v) FROM own.one WITH NO DATA;
\c - postgres
REFRESH MATERIALIZED VIEW own.m;
\c - regress_phig_writer
TABLE own.sink;
DROP MATERIALIZED VIEW own.m; TRUNCATE own.sink;
--- in a materialized view of the table, when a superuser refreshes
+ outside
+ unrecorded the superuser's session is
CREATE FUNCTION own.f(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO own.sink VALUES ($1); RETURN $1; END';
CREATE MATERIALIZED VIEW own.m AS SELECT own.f(ssn || ward) FROM patient WHERE id = 2 OR id > 100 WITH NO DATA;
\c - postgres
REFRESH MATERIALIZED VIEW own.m;
\c - regress_phig_writer
TABLE own.sink;
DROP MATERIALIZED VIEW own.m; DROP FUNCTION own.f; TRUNCATE own.sink;
