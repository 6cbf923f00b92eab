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

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.
CREATE FUNCTION phiguard.explain_access(query text, role regrole, purpose text,
    OUT use text, OUT schema text, OUT relation text, OUT column_name text, OUT shown text, OUT because text, OUT verdict text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'phiguard_explain_access' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 20;
REVOKE ALL ON FUNCTION phiguard.explain_access(text, regrole, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.explain_access(text, regrole, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.explain_access(text, regrole, text) IS
'What a role would be shown by a query for a purpose, were all its tables in mode enforce: a row for each column that the query asks for (returned, referenced or stored), what is shown of it and which sort of rule says so,
then one for the statement (use = statement) with the verdict. The query is not run. For officers and auditors, and for anybody of the own role: raises 42501 for everybody else, 22023 for other than one statement.';
