-- Keyed transforms: reversible ones, dates that keep their distance, sets that keep a person whole.
-- Stable, not immutable, like tokens; nobody may call them unless told.

CREATE FUNCTION phiguard.seal(value text, context text, domain text DEFAULT 'default') RETURNS bytea
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_seal_text';
REVOKE ALL ON FUNCTION phiguard.seal(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.seal(text, text, text) IS
'AES-256-SIV of value (RFC 5297), 21 bytes longer than its UTF-8: deterministic and authenticated. Opens only with the same context, in the same domain.
Equal values of one context show as equal. NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key.
Keyed: not a code that Safe Harbor accepts (45 CFR 164.514(c)).';

CREATE FUNCTION phiguard.seal(value bytea, context text, domain text DEFAULT 'default') RETURNS bytea
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_seal_bytea';
REVOKE ALL ON FUNCTION phiguard.seal(bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.seal(bytea, text, text) IS
'As phiguard.seal(text, text, text), for bytes.';

CREATE FUNCTION phiguard.unseal(sealed bytea, context text, domain text DEFAULT 'default') RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 20
    AS 'MODULE_PATHNAME', 'phiguard_unseal';
REVOKE ALL ON FUNCTION phiguard.unseal(bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.unseal(bytea, text, text) IS
'The text that phiguard.seal() sealed in this context and domain, whatever version of the key made it. One counted record a domain and statement, before the first value.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key, PG005 for a value that was changed or belongs elsewhere, 22023 for what is no sealed value, 22P05 for what is no text.';

CREATE FUNCTION phiguard.unseal_bytea(sealed bytea, context text, domain text DEFAULT 'default') RETURNS bytea
    LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 20
    AS 'MODULE_PATHNAME', 'phiguard_unseal_bytea';
REVOKE ALL ON FUNCTION phiguard.unseal_bytea(bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.unseal_bytea(bytea, text, text) IS
'As phiguard.unseal(), the bytes.';

CREATE FUNCTION phiguard.is_sealed(value bytea) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_is_sealed';
REVOKE ALL ON FUNCTION phiguard.is_sealed(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.is_sealed(bytea) TO PUBLIC;
COMMENT ON FUNCTION phiguard.is_sealed(bytea) IS
'Does it have the form of a sealed value? Whether it opens only the key tells. For the type phiguard.sealed_text.';

CREATE DOMAIN phiguard.sealed_text AS bytea CHECK (phiguard.is_sealed(VALUE));
REVOKE ALL ON TYPE phiguard.sealed_text FROM PUBLIC;
GRANT USAGE ON TYPE phiguard.sealed_text TO PUBLIC;
COMMENT ON DOMAIN phiguard.sealed_text IS
'Text that phiguard.seal() sealed: stored, dumped and shown as AES-256 ciphertext; phiguard.unseal() reads it.';
SECURITY LABEL FOR phiguard ON DOMAIN phiguard.sealed_text IS 'token kind=sealed';

CREATE FUNCTION phiguard.fpe(value text, alphabet text, tweak text DEFAULT '', domain text DEFAULT 'default') RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_fpe';
REVOKE ALL ON FUNCTION phiguard.fpe(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.fpe(text, text, text, text) IS
'FF1 with AES-256 (NIST SP 800-38G): a value of the same form. Alphabets: digits, alphanumeric, alphanumeric_upper; shapes, whose separators stay: ssn, phone, card.
Another tweak (at most 256 bytes) makes another permutation. Nothing shows the key''s version: the one for tokens. Check digits do not hold.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key, 22023 for a value with other characters, too long, or of fewer than one million possible ones (SP 800-38G revision 1).
Keyed: not a code that Safe Harbor accepts (45 CFR 164.514(c)).';

CREATE FUNCTION phiguard.unfpe(value text, alphabet text, tweak text DEFAULT '', domain text DEFAULT 'default', version integer DEFAULT 0) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 20
    AS 'MODULE_PATHNAME', 'phiguard_unfpe';
REVOKE ALL ON FUNCTION phiguard.unfpe(text, text, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.unfpe(text, text, text, text, integer) IS
'The value that phiguard.fpe() encrypted; version: of the key, where tokens have moved since. Nothing tells whether the value was ever encrypted so. One counted record a domain and statement.
Errors as phiguard.fpe().';

CREATE FUNCTION phiguard.shift_date(value date, subject text, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS date
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_date_text';
REVOKE ALL ON FUNCTION phiguard.shift_date(date, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(date, text, text, integer) IS
'The date some days on or back, 1 to max_days (at most 3650): for each subject, domain and max_days the same, so that order and intervals stay. Whole days of 24 hours; infinity stays.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key, 22008 out of the type''s range.
It still shows month and day: never Safe Harbor (45 CFR 164.514(b)(2)(i)(C)).';

CREATE FUNCTION phiguard.shift_date(value timestamp, subject text, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamp
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_text';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamp, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamp, text, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamp and subjects of type text.';

CREATE FUNCTION phiguard.shift_date(value timestamptz, subject text, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamptz
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_text';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamptz, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamptz, text, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamptz and subjects of type text.';

CREATE FUNCTION phiguard.shift_date(value date, subject bigint, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS date
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_date_int8';
REVOKE ALL ON FUNCTION phiguard.shift_date(date, bigint, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(date, bigint, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for date and subjects of type bigint.';

CREATE FUNCTION phiguard.shift_date(value timestamp, subject bigint, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamp
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_int8';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamp, bigint, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamp, bigint, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamp and subjects of type bigint.';

CREATE FUNCTION phiguard.shift_date(value timestamptz, subject bigint, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamptz
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_int8';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamptz, bigint, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamptz, bigint, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamptz and subjects of type bigint.';

CREATE FUNCTION phiguard.shift_date(value date, subject uuid, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS date
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_date_uuid';
REVOKE ALL ON FUNCTION phiguard.shift_date(date, uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(date, uuid, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for date and subjects of type uuid.';

CREATE FUNCTION phiguard.shift_date(value timestamp, subject uuid, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamp
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_uuid';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamp, uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamp, uuid, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamp and subjects of type uuid.';

CREATE FUNCTION phiguard.shift_date(value timestamptz, subject uuid, domain text DEFAULT 'default', max_days integer DEFAULT 365) RETURNS timestamptz
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_shift_timestamp_uuid';
REVOKE ALL ON FUNCTION phiguard.shift_date(timestamptz, uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.shift_date(timestamptz, uuid, text, integer) IS
'As phiguard.shift_date(date, text, text, integer), for timestamptz and subjects of type uuid.';

CREATE FUNCTION phiguard.split(subject text, weights double precision[], domain text DEFAULT 'default') RETURNS integer
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_split_text';
REVOKE ALL ON FUNCTION phiguard.split(text, double precision[], text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.split(text, double precision[], text) IS
'The number of a set, from 1, for each subject and domain the same, in proportion to weights: training, validation and test data that never share a person.
NULL in, NULL out. Raises 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key, 22023 for invalid weights.';

CREATE FUNCTION phiguard.split(subject bigint, weights double precision[], domain text DEFAULT 'default') RETURNS integer
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_split_int8';
REVOKE ALL ON FUNCTION phiguard.split(bigint, double precision[], text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.split(bigint, double precision[], text) IS
'As phiguard.split(text, double precision[], text), for subjects of type bigint.';

CREATE FUNCTION phiguard.split(subject uuid, weights double precision[], domain text DEFAULT 'default') RETURNS integer
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_split_uuid';
REVOKE ALL ON FUNCTION phiguard.split(uuid, double precision[], text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.split(uuid, double precision[], text) IS
'As phiguard.split(text, double precision[], text), for subjects of type uuid.';
