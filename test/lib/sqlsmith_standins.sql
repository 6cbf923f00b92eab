-- Statements that make what has the names of phiguard's types, functions and views and does nothing, for a server
-- without phiguard (081_sqlsmith.pl).
\set ON_ERROR_STOP on
SELECT format('CREATE DOMAIN phiguard.%I AS %s;', typname, format_type(typbasetype, typtypmod))
FROM pg_catalog.pg_type WHERE typnamespace = 'phiguard'::regnamespace AND typtype = 'd' ORDER BY typname;

SELECT format('CREATE FUNCTION phiguard.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L;', proname, pg_get_function_arguments(oid), prorettype::regtype,
	CASE prorettype WHEN 'void'::regtype THEN 'BEGIN END' ELSE 'BEGIN RETURN NULL; END' END)
FROM pg_catalog.pg_proc WHERE pronamespace = 'phiguard'::regnamespace AND prokind = 'f' AND NOT proretset
	AND proargtypes[0] IS DISTINCT FROM 'internal'::regtype
	AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype, 'fdw_handler'::regtype) ORDER BY oid;

-- No procedural language returns that; what it would do is not asked for.
SELECT format('CREATE FUNCTION phiguard.%I() RETURNS fdw_handler LANGUAGE internal AS ''pg_backend_pid'';', proname)
FROM pg_catalog.pg_proc WHERE pronamespace = 'phiguard'::regnamespace AND prorettype = 'fdw_handler'::regtype;

SELECT format('CREATE VIEW %s AS SELECT %s;', attrelid::regclass,
	string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum))
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'phiguard'::regnamespace AND relkind IN ('r', 'v', 'f') AND attnum > 0 AND NOT attisdropped GROUP BY attrelid ORDER BY attrelid;

SELECT 'GRANT SELECT ON ALL TABLES IN SCHEMA phiguard TO PUBLIC;';
