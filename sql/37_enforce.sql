-- Conditions that phiguard puts into queries of others: whoever runs them has to be allowed to call these.

CREATE FUNCTION phiguard.statistics_visible(relation oid) RETURNS boolean
AS 'MODULE_PATHNAME', 'phiguard_statistics_visible' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION phiguard.statistics_visible(oid) IS
'Whether the session may see the planner''s statistics of a relation, which hold values: in mode enforce, of a labelled one, only where its purpose shows all of it.
Stands as a condition on pg_statistic in queries that read it.';

CREATE FUNCTION phiguard.extended_statistics_visible(statistics oid) RETURNS boolean
AS 'MODULE_PATHNAME', 'phiguard_extended_statistics_visible' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION phiguard.extended_statistics_visible(oid) IS
'The same for an object of CREATE STATISTICS, as a condition on pg_statistic_ext_data.';
