-- The twins of transforms, which policies put into plans: PUBLIC may execute them, and nobody can call them.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_caller;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA regress_mine AUTHORIZATION regress_phig_caller;
SELECT phiguard.create_key('d');
-- Those for policies, and those for extracts. All have a value of type internal in front, are stable and safe in parallel plans; each is registered as what it is a twin of.
SELECT p.proname, count(*) AS twins, bool_and(has_function_privilege('public', p.oid, 'EXECUTE')) AS public, bool_and(provolatile = 's' AND proparallel = 's' AND NOT prosecdef) AS fits_plans,
       bool_and(r.name = p.proname AND r.builtin) AS registered, bool_or(proisstrict) AS strict
  FROM pg_proc p LEFT JOIN phiguard.transform_registry r ON r.function = format('phiguard.%I(%s)', p.proname, replace(oidvectortypes(p.proargtypes), ', ', ','))
 WHERE pronamespace = 'phiguard'::regnamespace AND proargtypes[0] = 'internal'::regtype AND p.proname NOT LIKE 'risk_profile%' GROUP BY p.proname ORDER BY p.proname;
SELECT count(*) FROM phiguard.transforms WHERE function LIKE '%internal%';

SET ROLE regress_phig_caller;
-- No value, no null, no literal, no parameter, no cast.
SELECT phiguard.token(NULL, 'x', 'd');
SELECT phiguard.token(NULL::internal, 'x', 'd');
SELECT phiguard.token('0', 'x', 'd');
SELECT phiguard.token(CAST('0' AS internal), 'x', 'd');
SELECT phiguard.token(0::internal, 'x', 'd');
SELECT phiguard.token(NULL::text::internal, 'x', 'd');
SELECT phiguard.token((SELECT NULL::internal), 'x', 'd');
SELECT phiguard.token((NULL::record).f, 'x', 'd');
PREPARE guess(internal) AS SELECT phiguard.token($1, 'x', 'd');
PREPARE guess AS SELECT phiguard.token($1, 'x', 'd');
SELECT internal_in('0');
SELECT phiguard.token(internal_in('0'), 'x', 'd');
-- No function, operator, aggregate, domain, column or cast of one's own that has one.
CREATE FUNCTION regress_mine.f(internal) RETURNS text LANGUAGE sql AS 'SELECT phiguard.token($1, ''x'', ''d'')';
CREATE FUNCTION regress_mine.f(x text) RETURNS internal LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION regress_mine.f(x text) RETURNS text LANGUAGE plpgsql AS 'DECLARE i internal; BEGIN RETURN phiguard.token(i, x, ''d''); END';
CREATE FUNCTION regress_mine.f(x text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT phiguard.token(NULL, x, 'd'); END;
CREATE AGGREGATE regress_mine.a(text, text) (SFUNC = phiguard.token, STYPE = internal);
CREATE AGGREGATE regress_mine.a(text, text) (SFUNC = phiguard.token, STYPE = text);
CREATE AGGREGATE regress_mine.a(text) (SFUNC = textcat, STYPE = text, FINALFUNC = phiguard.token, FINALFUNC_EXTRA);
CREATE OPERATOR regress_mine.+ (LEFTARG = internal, RIGHTARG = date, FUNCTION = phiguard.year);
CREATE OPERATOR regress_mine.+ (RIGHTARG = date, FUNCTION = phiguard.year);
CREATE OPERATOR regress_mine.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, RESTRICT = phiguard.zip3);
CREATE TABLE regress_mine.t (x internal);
CREATE TYPE regress_mine.c AS (x internal);
CREATE TYPE regress_mine.r AS RANGE (SUBTYPE = date, SUBTYPE_DIFF = phiguard.year);
CREATE CAST (internal AS text) WITH FUNCTION phiguard.zip3(internal, text);
CREATE TABLE regress_mine.fired (x date);
CREATE TRIGGER t BEFORE INSERT ON regress_mine.fired FOR EACH ROW EXECUTE FUNCTION phiguard.year();
RESET ROLE;
-- What a superuser can bring about is refused by the twin: it asks who calls.
CREATE AGGREGATE regress_mine.a(text, text) (SFUNC = phiguard.token, STYPE = internal);
CREATE FUNCTION regress_mine.make_internal(internal) RETURNS internal LANGUAGE internal AS 'int8up';
CREATE AGGREGATE regress_mine.a(date) (SFUNC = int8_avg_accum, STYPE = internal, FINALFUNC = phiguard.zip3);
DROP SCHEMA regress_mine CASCADE;
DROP EXTENSION phiguard;
DROP ROLE regress_phig_caller;
