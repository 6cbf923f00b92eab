-- Disclosure risk of what is released: for expert determination, 45 CFR 164.514(b)(1).

CREATE FUNCTION phiguard.risk_profile_add(internal, nquasi integer, in_population boolean, k integer, l integer, threshold double precision, steps integer[],
                                          person "any", population_person "any", VARIADIC columns "any") RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk_profile_add';
REVOKE ALL ON FUNCTION phiguard.risk_profile_add(internal, integer, boolean, integer, integer, double precision, integer[], "any", "any", "any") FROM PUBLIC;
COMMENT ON FUNCTION phiguard.risk_profile_add(internal, integer, boolean, integer, integer, double precision, integer[], "any", "any", "any") IS
'One more row for phiguard.risk_profile. Internal.';

CREATE FUNCTION phiguard.risk_profile_write(internal) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk_profile_write';
REVOKE ALL ON FUNCTION phiguard.risk_profile_write(internal) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.risk_profile_write(internal) IS 'What a parallel worker counted for phiguard.risk_profile, as bytes. Internal.';

CREATE FUNCTION phiguard.risk_profile_read(bytea, internal) RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk_profile_read';
REVOKE ALL ON FUNCTION phiguard.risk_profile_read(bytea, internal) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.risk_profile_read(bytea, internal) IS 'What a parallel worker counted for phiguard.risk_profile, to be merged. Internal.';

CREATE FUNCTION phiguard.risk_profile_merge(internal, internal) RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk_profile_merge';
REVOKE ALL ON FUNCTION phiguard.risk_profile_merge(internal, internal) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.risk_profile_merge(internal, internal) IS 'What parallel workers counted for phiguard.risk_profile, put together: who was counted by several counts once. Internal.';

CREATE FUNCTION phiguard.risk_profile_measure(internal) RETURNS double precision[]
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk_profile_measure';
REVOKE ALL ON FUNCTION phiguard.risk_profile_measure(internal) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.risk_profile_measure(internal) IS 'The result of phiguard.risk_profile. Internal.';

CREATE AGGREGATE phiguard.risk_profile(nquasi integer, in_population boolean, k integer, l integer, threshold double precision, steps integer[],
                                       person "any", population_person "any", VARIADIC columns "any") (
    SFUNC = phiguard.risk_profile_add,
    STYPE = internal,
    FINALFUNC = phiguard.risk_profile_measure,
    FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = phiguard.risk_profile_merge,
    SERIALFUNC = phiguard.risk_profile_write,
    DESERIALFUNC = phiguard.risk_profile_read,
    PARALLEL = SAFE
);
REVOKE ALL ON FUNCTION phiguard.risk_profile(integer, boolean, integer, integer, double precision, integer[], "any", "any", "any") FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.risk_profile(integer, boolean, integer, integer, double precision, integer[], "any", "any", "any") TO PUBLIC;
COMMENT ON AGGREGATE phiguard.risk_profile(integer, boolean, integer, integer, double precision, integer[], "any", "any", "any") IS
'All that phiguard.risk says of a release, as numbers in the order of the metrics, after one pass over its rows. Internal: use phiguard.risk.';

-- Reads as whoever calls it, nothing that the caller could not read: for everybody.
CREATE FUNCTION phiguard.risk(relation regclass, quasi name[], sensitive name[] DEFAULT '{}', subject name DEFAULT NULL,
                              population regclass DEFAULT NULL, population_subject name DEFAULT NULL,
                              k integer DEFAULT 11, l integer DEFAULT 2, threshold double precision DEFAULT 1.0::double precision / 11,
                              hierarchies jsonb DEFAULT NULL,
                              OUT metric text, OUT sensitive_column name, OUT value double precision, OUT meaning text) RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_risk';
REVOKE ALL ON FUNCTION phiguard.risk(regclass, name[], name[], name, regclass, name, integer, integer, double precision, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.risk(regclass, name[], name[], name, regclass, name, integer, integer, double precision, jsonb) TO PUBLIC;
COMMENT ON FUNCTION phiguard.risk(regclass, name[], name[], name, regclass, name, integer, integer, double precision, jsonb) IS
'Disclosure risk of a table or view with these quasi-identifiers, a row a metric: equivalence classes, k-anonymity, prosecutor, journalist and marketer risk, uniques, and for each
sensitive column l-diversity and t-closeness. Counts persons, not rows: subject names the column that says whose row it is, by default the table''s subject.
population: a table with the same quasi-identifiers of all whom the release could be of; without one the release counts as the whole population. k: cells of fewer persons are small.
l: of recursive (c,l)-diversity. threshold: risk above it is at risk. hierarchies: for sensitive columns expressions from fine to coarse, {"diagnosis": ["left(diagnosis, 3)"]}, for t-closeness over them. NULL is a value of its own. Null where a metric does not apply. Reads as the caller does.
Raises 22023 where nothing says whose row it is, 42703 for unknown columns. Source: 45 CFR 164.514(b)(1), which names no number.';

-- Makes what the caller could make: for everybody.
CREATE FUNCTION phiguard.suppress(relation regclass, view text, quasi name[], k integer DEFAULT 11, subject name DEFAULT NULL,
                                  hierarchies jsonb DEFAULT NULL, max_suppressed double precision DEFAULT 0.05,
                                  OUT column_name name, OUT shown_as text, OUT level integer, OUT levels integer, OUT "precision" double precision,
                                  OUT rows_shown bigint, OUT rows_left_out bigint, OUT k_wanted integer) RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_suppress';
REVOKE ALL ON FUNCTION phiguard.suppress(regclass, text, name[], integer, name, jsonb, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.suppress(regclass, text, name[], integer, name, jsonb, double precision) TO PUBLIC;
COMMENT ON FUNCTION phiguard.suppress(regclass, text, name[], integer, name, jsonb, double precision) IS
'Makes a view of a table or view in which each person shares the quasi-identifiers with at least k - 1 others, whenever it is read: columns are generalised until no more than max_suppressed of the rows are
in classes of fewer persons, and those rows are left out. hierarchies: for each column expressions from fine to coarse, {"zip": ["phiguard.zip3(zip)"]}; the last step is always NULL.
A row a quasi-identifier says how it is shown, and with what precision (Sweeney: 1 as it is, 0 not at all); rows_shown and rows_left_out are those of now. No column could be one level finer; the levels stay as
they were decided. Runs as the caller, whose view it is. Raises 22023 for a wrong argument or where there are fewer than k persons. Source: Sweeney, Datafly (1997); Samarati (2001).';
