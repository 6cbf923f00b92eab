-- Surrogates: random codes from a crosswalk.

CREATE TABLE phiguard.crosswalk (
    domain    text COLLATE "C" NOT NULL,
    value_key bytea NOT NULL,
    code      text COLLATE "C" NOT NULL UNIQUE,
    assigned  timestamptz NOT NULL,
    PRIMARY KEY (domain, value_key)
);
REVOKE ALL ON phiguard.crosswalk FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.crosswalk', '');
SECURITY LABEL FOR phiguard ON COLUMN phiguard.crosswalk.value_key IS 'other';
SECURITY LABEL FOR phiguard ON COLUMN phiguard.crosswalk.code IS 'token';
COMMENT ON TABLE phiguard.crosswalk IS
'Which code stands for which value: phiguard.surrogate(). It must not leave with the codes (45 CFR 164.514(c)). Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.crosswalk.value_key IS 'HMAC-SHA-256 of the value, under the first version of the domain''s key.';
COMMENT ON COLUMN phiguard.crosswalk.code IS 'Random: not derived from the value.';

CREATE FUNCTION phiguard.surrogate(value text, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_surrogate_text';
REVOKE ALL ON FUNCTION phiguard.surrogate(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.surrogate(text, text) IS
'The code of a value in a domain, sr_ and 26 characters of [a-z2-7]: 128 random bits, given once by phiguard.assign_surrogates().
NULL in, NULL out. Raises P0002 for a value that has none yet, 42501 without a grant (phiguard.grant_key), 42704 for an unknown domain, PG002 without a usable key.
Not derived from the value: a code that Safe Harbor accepts while the crosswalk stays with the covered entity. Source: 45 CFR 164.514(c).';

CREATE FUNCTION phiguard.assign_surrogate(value text, domain text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'phiguard_assign_surrogate_text';
REVOKE ALL ON FUNCTION phiguard.assign_surrogate(text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogate(text, text) IS
'Gives a value a code in a domain unless it has one; true when it is new. Of two sessions at a time one waits for the other''s transaction.
Raises as phiguard.surrogate().';

CREATE FUNCTION phiguard.surrogate(value bytea, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_surrogate_bytea';
REVOKE ALL ON FUNCTION phiguard.surrogate(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.surrogate(bytea, text) IS
'As phiguard.surrogate(text, text), for values of type bytea.';

CREATE FUNCTION phiguard.assign_surrogate(value bytea, domain text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'phiguard_assign_surrogate_bytea';
REVOKE ALL ON FUNCTION phiguard.assign_surrogate(bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogate(bytea, text) IS
'As phiguard.assign_surrogate(text, text), for values of type bytea.';

CREATE FUNCTION phiguard.surrogate(value bigint, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_surrogate_int8';
REVOKE ALL ON FUNCTION phiguard.surrogate(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.surrogate(bigint, text) IS
'As phiguard.surrogate(text, text), for values of type bigint.';

CREATE FUNCTION phiguard.assign_surrogate(value bigint, domain text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'phiguard_assign_surrogate_int8';
REVOKE ALL ON FUNCTION phiguard.assign_surrogate(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogate(bigint, text) IS
'As phiguard.assign_surrogate(text, text), for values of type bigint.';

CREATE FUNCTION phiguard.surrogate(value uuid, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_surrogate_uuid';
REVOKE ALL ON FUNCTION phiguard.surrogate(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.surrogate(uuid, text) IS
'As phiguard.surrogate(text, text), for values of type uuid.';

CREATE FUNCTION phiguard.assign_surrogate(value uuid, domain text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'phiguard_assign_surrogate_uuid';
REVOKE ALL ON FUNCTION phiguard.assign_surrogate(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogate(uuid, text) IS
'As phiguard.assign_surrogate(text, text), for values of type uuid.';

CREATE FUNCTION phiguard.surrogate(value date, domain text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_surrogate_date';
REVOKE ALL ON FUNCTION phiguard.surrogate(date, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.surrogate(date, text) IS
'As phiguard.surrogate(text, text), for values of type date.';

CREATE FUNCTION phiguard.assign_surrogate(value date, domain text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'phiguard_assign_surrogate_date';
REVOKE ALL ON FUNCTION phiguard.assign_surrogate(date, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogate(date, text) IS
'As phiguard.assign_surrogate(text, text), for values of type date.';

CREATE FUNCTION phiguard.assign_surrogates(relation regclass, column_name name, domain text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    assigned bigint;
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE phiguard.assign_surrogate(v, $1)) FROM (SELECT DISTINCT %I AS v FROM %s WHERE %I IS NOT NULL) s',
        column_name, relation, column_name) INTO assigned USING domain;
    RETURN assigned;
END $$;
REVOKE ALL ON FUNCTION phiguard.assign_surrogates(regclass, name, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.assign_surrogates(regclass, name, text) IS
'Gives each value of a column that has none a code in a domain; returns how many are new. The caller must be able to read the column.
Raises as phiguard.surrogate(), 42703 for an unknown column, 42883 for a type that has no canonical text (cast it in a view).';
