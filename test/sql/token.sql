-- Tokens: the same for the same value and domain, unjoinable across domains, closed to the public.
CREATE EXTENSION phiguard;

-- Without a key there is no token, and the domain is not repeated: it may be a value in the wrong place.
SELECT phiguard.token('219-09-1234', 'registry');
SELECT phiguard.token('registry', '219-09-1234');

-- Whether this server has a key file yet depends on what ran before: no warning here.
SET client_min_messages = error;
SELECT phiguard.create_key('registry');
RESET client_min_messages;
SELECT phiguard.token('219-09-1234', 'registry') ~ '^tk1_[a-z2-7]{26}$' AS form;

-- Deterministic, also from another session.
SELECT phiguard.token('219-09-1234', 'registry') AS first \gset
\connect -
SELECT phiguard.token('219-09-1234', 'registry') = :'first' AS same;

-- Another domain, another value: another token.
SELECT count(phiguard.create_key(d)) AS domains
  FROM (VALUES ('Registry'), ('university'), ('a/b'), (repeat('d', 255))) d (d);
SELECT count(DISTINCT phiguard.token(v, d)) AS tokens
  FROM (VALUES ('219-09-1234'), ('219-09-1235'), ('219 09 1234'), ('')) v (v),
       (VALUES ('registry'), ('Registry'), ('university'), ('a/b'), (repeat('d', 255))) d (d);

-- One call site, a new domain in every row: none gets another's key.
SELECT count(phiguard.create_key('domain ' || n)) AS domains FROM generate_series(0, 39) n;
CREATE TEMP TABLE codes AS
SELECT n, 'domain ' || n % 40 AS domain, phiguard.token('A1', 'domain ' || n % 40) AS code FROM generate_series(1, 400) n;
SELECT count(DISTINCT domain) AS domains, count(DISTINCT code) AS codes, count(DISTINCT (domain, code)) AS pairs FROM codes;
SELECT count(*) AS differing FROM codes WHERE domain = 'domain 7' AND code <> phiguard.token('A1', 'domain 7');

-- NULLs; types of phiguard are text.
SELECT phiguard.token(NULL, 'registry') IS NULL AS no_value, phiguard.token('x', NULL) IS NULL AS no_domain;
SELECT phiguard.token('219-09-1234'::phiguard.ssn, 'registry') = :'first' AS from_domain_type;

-- The canonical text counts, not the type; bytes are taken as they are.
SELECT phiguard.token(7::bigint, 'registry') = phiguard.token('7', 'registry') AS number,
       phiguard.token(-9223372036854775808, 'registry') = phiguard.token('-9223372036854775808', 'registry') AS least,
       phiguard.token('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'registry') =
       phiguard.token('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'registry') AS uuid,
       phiguard.token('x'::bytea, 'registry') = phiguard.token('x', 'registry') AS bytes;
SET datestyle = 'German';
SELECT phiguard.token(d, 'registry') = phiguard.token(t, 'registry') AS date
  FROM (VALUES ('2024-02-29'::date, '2024-02-29'), ('0044-03-15 BC', '0044-03-15 BC'), ('infinity', 'infinity')) v (d, t);
RESET datestyle;

-- As a UUID of version 8, and as a number: another form of the same code.
SELECT phiguard.token_uuid(v, 'registry')::text ~ '^01[0-9a-f]{6}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS form,
       phiguard.token_uuid(v, 'registry') = phiguard.token_uuid(v, 'registry') AS same,
       phiguard.token_uuid(v, 'registry') <> phiguard.token_uuid(v, 'university') AS domain
  FROM (VALUES ('219-09-1234')) v (v);
SELECT count(DISTINCT phiguard.token_int8(n::bigint, 'registry')), min(phiguard.token_int8(n::bigint, 'registry')) >= 0 AS positive,
       count(DISTINCT phiguard.token_uuid(n::bigint, 'registry')), count(DISTINCT phiguard.token(n::bigint, 'registry'))
  FROM generate_series(1, 20000) n;

-- Long and non-ASCII values.
SELECT count(DISTINCT phiguard.token(v, 'registry')) AS tokens
  FROM (VALUES (repeat('x', 100000)), (repeat('x', 100001)), (E'Jos\xC3\xA9'), ('Jose')) v (v);

-- Errors name the rule, not the value.
SELECT phiguard.token('219-09-1234', '');
SELECT phiguard.token('registry', repeat('219-09-1234', 30));

-- Whoever may call it on guesses can undo tokens: nobody may unless told, and then in the domains that he was told.
CREATE ROLE regress_phig_token;
SET ROLE regress_phig_token;
SELECT phiguard.token('219-09-1234', 'registry');
RESET ROLE;
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_token;
SET ROLE regress_phig_token;
SELECT phiguard.token('219-09-1234', 'registry');
SELECT phiguard.token('219-09-1234', 'nowhere');
RESET ROLE;
SELECT phiguard.grant_key('registry', 'regress_phig_token');
SET ROLE regress_phig_token;
SELECT phiguard.token('219-09-1234', 'registry') = :'first' AS same;
SELECT phiguard.token('219-09-1234', 'university');

-- Of one call site, too, and of a plan that was made for another role.
PREPARE code(text) AS SELECT phiguard.token('219-09-1234', $1) = :'first' AS same;
EXECUTE code('registry');
RESET ROLE;
SELECT phiguard.revoke_key('registry', 'regress_phig_token', '{token}');
SET ROLE regress_phig_token;
EXECUTE code('registry');
RESET ROLE;
DEALLOCATE code;
SELECT phiguard.revoke_key('registry', 'regress_phig_token', '{token}');
DROP OWNED BY regress_phig_token;
DROP ROLE regress_phig_token;

-- No function of this family is anybody's.
SELECT proname, count(*) AS functions, bool_or(has_function_privilege('pg_monitor', oid, 'execute')) AS anybody
  FROM pg_proc
 WHERE pronamespace = 'phiguard'::regnamespace
   AND proname IN ('token', 'token_uuid', 'token_int8', 'seal', 'unseal', 'unseal_bytea', 'fpe', 'unfpe', 'shift_date', 'split')
   AND proargtypes[0] IS DISTINCT FROM 'internal'::regtype
 GROUP BY proname ORDER BY proname;

-- Not for indexes, whose entries a new key would not change; fine in parallel plans.
CREATE TEMP TABLE person (ssn text);
CREATE INDEX ON person (phiguard.token(ssn, 'registry'));
SELECT provolatile, proparallel, proisstrict, proleakproof FROM pg_proc WHERE oid = 'phiguard.token(text, text)'::regprocedure;
