-- Tokens: the same for the same value and domain, unjoinable across domains, closed to the public.
CREATE EXTENSION phiguard;

-- Whether this server has a key file yet depends on what ran before: no warning here.
SET client_min_messages = error;
SELECT phiguard.token('219-09-1234', 'registry') ~ '^tk1_[a-z2-7]{26}$' AS form;
RESET client_min_messages;

-- Deterministic, also from another session.
SELECT phiguard.token('219-09-1234', 'registry') AS first \gset
\connect -
SELECT phiguard.token('219-09-1234', 'registry') = :'first' AS same;

-- Another domain, another value: another token.
SELECT count(DISTINCT phiguard.token(v, d)) AS tokens
  FROM (VALUES ('219-09-1234'), ('219-09-1235'), ('219 09 1234'), ('')) v (v),
       (VALUES ('registry'), ('Registry'), ('university'), ('a/b'), (repeat('d', 255))) d (d);

-- One call site, a new domain in every row: none gets another's key.
CREATE TEMP TABLE codes AS
SELECT n, 'domain ' || n % 40 AS domain, phiguard.token('A1', 'domain ' || n % 40) AS code FROM generate_series(1, 400) n;
SELECT count(DISTINCT domain) AS domains, count(DISTINCT code) AS codes, count(DISTINCT (domain, code)) AS pairs FROM codes;
SELECT count(*) AS differing FROM codes WHERE domain = 'domain 7' AND code <> phiguard.token('A1', 'domain 7');

-- NULLs; types of phiguard are text.
SELECT phiguard.token(NULL, 'registry') IS NULL AS no_value, phiguard.token('x', NULL) IS NULL AS no_domain;
SELECT phiguard.token('219-09-1234'::phiguard.ssn, 'registry') = :'first' AS from_domain_type;

-- Long and non-ASCII values.
SELECT count(DISTINCT phiguard.token(v, 'registry')) AS tokens
  FROM (VALUES (repeat('x', 100000)), (repeat('x', 100001)), (E'Jos\xC3\xA9'), ('Jose')) v (v);

-- Errors name the rule, not the value.
SELECT phiguard.token('219-09-1234', '');
SELECT phiguard.token('registry', repeat('219-09-1234', 30));

-- Whoever may call it on guesses can undo tokens: nobody may unless told.
CREATE ROLE regress_phig_token;
SET ROLE regress_phig_token;
SELECT phiguard.token('219-09-1234', 'registry');
RESET ROLE;
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_token;
SET ROLE regress_phig_token;
SELECT phiguard.token('219-09-1234', 'registry') = :'first' AS same;
RESET ROLE;
DROP OWNED BY regress_phig_token;
DROP ROLE regress_phig_token;

-- Not for indexes, whose entries a new key would not change; fine in parallel plans.
CREATE TEMP TABLE person (ssn text);
CREATE INDEX ON person (phiguard.token(ssn, 'registry'));
SELECT provolatile, proparallel, proisstrict, proleakproof FROM pg_proc WHERE oid = 'phiguard.token(text, text)'::regprocedure;
