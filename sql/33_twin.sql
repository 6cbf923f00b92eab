-- Twins of the transforms, for policies: they keep a column's type, take whatever is in it, and ask for no grant of a key domain.
-- Named like what they are a twin of, since that name is what goes into the record.
-- Their first argument is of type internal, of which nobody can make a value, not even a null: what phiguard puts into a plan calls them, and
-- nothing else can. The executor checks EXECUTE against whoever runs the plan, so PUBLIC has it. Not strict: that first argument is always null.

CREATE FUNCTION phiguard.token(internal, text, text) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_token_text';

CREATE FUNCTION phiguard.token(internal, bigint, text) RETURNS bigint
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_token_int8_int8';

CREATE FUNCTION phiguard.token(internal, uuid, text) RETURNS uuid
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_token_uuid_uuid';

CREATE FUNCTION phiguard.seal(internal, text, text, text) RETURNS bytea
    LANGUAGE C STABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_twin_seal_text';

CREATE FUNCTION phiguard.seal(internal, bytea, text, text) RETURNS bytea
    LANGUAGE C STABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_twin_seal_bytea';

CREATE FUNCTION phiguard.fpe(internal, text, text, text, text) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'phiguard_twin_fpe';

CREATE FUNCTION phiguard.surrogate(internal, text, text) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'phiguard_twin_surrogate_text';

CREATE FUNCTION phiguard.shift_date(internal, date, text, text, integer) RETURNS date
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_date_text';

CREATE FUNCTION phiguard.shift_date(internal, date, bigint, text, integer) RETURNS date
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_date_int8';

CREATE FUNCTION phiguard.shift_date(internal, date, uuid, text, integer) RETURNS date
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_date_uuid';

CREATE FUNCTION phiguard.shift_date(internal, timestamp, text, text, integer) RETURNS timestamp
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_text';

CREATE FUNCTION phiguard.shift_date(internal, timestamp, bigint, text, integer) RETURNS timestamp
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_int8';

CREATE FUNCTION phiguard.shift_date(internal, timestamp, uuid, text, integer) RETURNS timestamp
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_uuid';

CREATE FUNCTION phiguard.shift_date(internal, timestamptz, text, text, integer) RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_text';

CREATE FUNCTION phiguard.shift_date(internal, timestamptz, bigint, text, integer) RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_int8';

CREATE FUNCTION phiguard.shift_date(internal, timestamptz, uuid, text, integer) RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'phiguard_twin_shift_timestamp_uuid';

CREATE FUNCTION phiguard.year(internal, date) RETURNS date
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_year_date';

CREATE FUNCTION phiguard.year(internal, timestamp) RETURNS timestamp
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_year_timestamp';

CREATE FUNCTION phiguard.year(internal, timestamptz) RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_year_timestamp';

CREATE FUNCTION phiguard.birth_year(internal, date, date) RETURNS date
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_birth_year_date';

CREATE FUNCTION phiguard.birth_year(internal, timestamp, date) RETURNS timestamp
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_birth_year_timestamp';

CREATE FUNCTION phiguard.birth_year(internal, timestamptz, date) RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_birth_year_timestamp';

CREATE FUNCTION phiguard.age_90(internal, smallint) RETURNS smallint
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_age_90_int2';

CREATE FUNCTION phiguard.age_90(internal, integer) RETURNS integer
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_age_90_int4';

CREATE FUNCTION phiguard.age_90(internal, bigint) RETURNS bigint
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_age_90_int8';

CREATE FUNCTION phiguard.zip3(internal, text) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_zip3';

CREATE FUNCTION phiguard.zip3(internal, text, text) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_zip3_vintage';

CREATE FUNCTION phiguard.zip3(internal, integer) RETURNS integer
    LANGUAGE C STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'phiguard_twin_zip3_integer';

DO $$
DECLARE
    twin regprocedure;
BEGIN
    FOR twin IN SELECT oid FROM pg_catalog.pg_proc WHERE pronamespace = 'phiguard'::regnamespace AND proargtypes[0] = 'internal'::regtype LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', twin);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', twin);
        EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', twin, 'What a policy puts in place of a value. Internal: nobody can call it.');
    END LOOP;
END $$;
