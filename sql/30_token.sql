-- Tokens.
-- Stable, not immutable: with another key they answer differently, and an index or a stored plan would not notice.

CREATE FUNCTION phiguard.token(value text, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_text';
REVOKE ALL ON FUNCTION phiguard.token(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(text, text) IS
'A code for value, tk, the key''s version, _ and 26 characters of [a-z2-7]: the first 128 bits of HMAC-SHA-256 under a key that belongs to domain alone.
The same for the same value, domain and key version, on every server that has the key; tokens of different domains cannot be joined, so give each recipient one.
Of the value''s canonical text, so that 7 and ''7'' have one token; of bytea the bytes.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, 22023 for an empty or overlong one, PG002 without a usable key.
Keyed, deterministic, not reversible with the key alone; whoever may call it can test guesses. Not a code that Safe Harbor accepts (45 CFR 164.514(c)).
Source: RFC 2104, RFC 5869.';

CREATE FUNCTION phiguard.token(value bytea, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_bytea';
REVOKE ALL ON FUNCTION phiguard.token(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(bytea, text) IS
'As phiguard.token(text, text), for values of type bytea.';

CREATE FUNCTION phiguard.token(value bigint, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8';
REVOKE ALL ON FUNCTION phiguard.token(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(bigint, text) IS
'As phiguard.token(text, text), for values of type bigint.';

CREATE FUNCTION phiguard.token(value uuid, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid';
REVOKE ALL ON FUNCTION phiguard.token(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(uuid, text) IS
'As phiguard.token(text, text), for values of type uuid.';

CREATE FUNCTION phiguard.token(value date, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_date';
REVOKE ALL ON FUNCTION phiguard.token(date, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token(date, text) IS
'As phiguard.token(text, text), for values of type date.';

CREATE FUNCTION phiguard.token_uuid(value text, domain text) RETURNS uuid
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid_text';
REVOKE ALL ON FUNCTION phiguard.token_uuid(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_uuid(text, text) IS
'As phiguard.token(), as a UUID of version 8 (RFC 9562): the key''s version in the first octet, 114 bits of the code. Raises 54000 past version 255.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, 22023 for an empty or overlong one, PG002 without a usable key.
Keyed, deterministic, not reversible with the key alone; whoever may call it can test guesses. Not a code that Safe Harbor accepts (45 CFR 164.514(c)).
Source: RFC 2104, RFC 5869.';

CREATE FUNCTION phiguard.token_uuid(value bytea, domain text) RETURNS uuid
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid_bytea';
REVOKE ALL ON FUNCTION phiguard.token_uuid(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_uuid(bytea, text) IS
'As phiguard.token_uuid(text, text), for values of type bytea.';

CREATE FUNCTION phiguard.token_uuid(value bigint, domain text) RETURNS uuid
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid_int8';
REVOKE ALL ON FUNCTION phiguard.token_uuid(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_uuid(bigint, text) IS
'As phiguard.token_uuid(text, text), for values of type bigint.';

CREATE FUNCTION phiguard.token_uuid(value uuid, domain text) RETURNS uuid
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid_uuid';
REVOKE ALL ON FUNCTION phiguard.token_uuid(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_uuid(uuid, text) IS
'As phiguard.token_uuid(text, text), for values of type uuid.';

CREATE FUNCTION phiguard.token_uuid(value date, domain text) RETURNS uuid
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_uuid_date';
REVOKE ALL ON FUNCTION phiguard.token_uuid(date, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_uuid(date, text) IS
'As phiguard.token_uuid(text, text), for values of type date.';

CREATE FUNCTION phiguard.token_int8(value text, domain text) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8_text';
REVOKE ALL ON FUNCTION phiguard.token_int8(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_int8(text, text) IS
'As phiguard.token(), as a number from 0 to 2^63 - 1: 63 bits of the code; the key''s version does not show, and of a billion values two may share one (1 in 18).
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, 22023 for an empty or overlong one, PG002 without a usable key.
Keyed, deterministic, not reversible with the key alone; whoever may call it can test guesses. Not a code that Safe Harbor accepts (45 CFR 164.514(c)).
Source: RFC 2104, RFC 5869.';

CREATE FUNCTION phiguard.token_int8(value bytea, domain text) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8_bytea';
REVOKE ALL ON FUNCTION phiguard.token_int8(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_int8(bytea, text) IS
'As phiguard.token_int8(text, text), for values of type bytea.';

CREATE FUNCTION phiguard.token_int8(value bigint, domain text) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8_int8';
REVOKE ALL ON FUNCTION phiguard.token_int8(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_int8(bigint, text) IS
'As phiguard.token_int8(text, text), for values of type bigint.';

CREATE FUNCTION phiguard.token_int8(value uuid, domain text) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8_uuid';
REVOKE ALL ON FUNCTION phiguard.token_int8(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_int8(uuid, text) IS
'As phiguard.token_int8(text, text), for values of type uuid.';

CREATE FUNCTION phiguard.token_int8(value date, domain text) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_token_int8_date';
REVOKE ALL ON FUNCTION phiguard.token_int8(date, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.token_int8(date, text) IS
'As phiguard.token_int8(text, text), for values of type date.';
