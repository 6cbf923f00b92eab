-- Tokens.

CREATE FUNCTION phiguard.token(value text, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token';
-- Stable, not immutable: with another key file it answers differently, and an index or a stored plan would not notice.
REVOKE ALL ON FUNCTION phiguard.token(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(text, text) IS
'A code for value, 30 characters of [a-z0-9_]: the first 128 bits of HMAC-SHA-256 under a key that belongs to domain alone.
The same for the same value, domain and master key (phiguard.key_file); tokens of different domains cannot be joined, so give each recipient one.
NULL in, NULL out. Raises 22023 on an empty or overlong domain, PG002 without a usable key.
Keyed, deterministic, not reversible with the key alone; whoever may call it can test guesses. Not a code that Safe Harbor accepts (45 CFR 164.514(c)).
Source: RFC 2104, RFC 5869.';
