-- Registered functions: their own statements go by a purpose that the officer gave them.

CREATE TABLE phiguard.policy_function (
    purpose       text COLLATE "C" NOT NULL,
    function      text COLLATE "C" NOT NULL PRIMARY KEY,
    owner         name NOT NULL,
    definition    text NOT NULL,
    registered    timestamptz NOT NULL,
    registered_by name NOT NULL
);
CREATE INDEX policy_function_purpose_idx ON phiguard.policy_function (purpose);
REVOKE ALL ON phiguard.policy_function FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_function', '');
COMMENT ON TABLE phiguard.policy_function IS
'Functions that open a purpose: phiguard.register_function(). Read the view phiguard.registered_functions.';
COMMENT ON COLUMN phiguard.policy_function.definition IS
'SHA-256 of what CREATE FUNCTION says of it, as it was when it was registered; the row counts while this, and the owner, are the same.';
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_function
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
ALTER TABLE phiguard.policy_function ENABLE ALWAYS TRIGGER policies_changed;

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.register_function(function regprocedure, purpose text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_register_function';
REVOKE ALL ON FUNCTION phiguard.register_function(regprocedure, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.register_function(regprocedure, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.register_function(regprocedure, text) IS
'The function''s own statements go by this purpose, for whoever may call it; what it calls goes by the session''s. An officer has reviewed what it does: changed since, or of another owner,
it is closed (42501) to whoever is restricted. In sql or plpgsql, with a search path of its own that ends in pg_temp, no arguments of any type, and not for PUBLIC to call: else 55000.
Takes the place of an earlier registration. For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 for an unknown purpose.';

CREATE FUNCTION phiguard.unregister_function(function text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_unregister_function';
REVOKE ALL ON FUNCTION phiguard.unregister_function(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.unregister_function(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.unregister_function(text) IS
'Takes phiguard.register_function() back, of a function that is gone as well; function: as phiguard.registered_functions names it. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 where there is none.';

CREATE FUNCTION phiguard.function_problem(function text, purpose text, owner name, definition text) RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED STRICT
    AS 'MODULE_PATHNAME', 'phiguard_function_problem';
REVOKE ALL ON FUNCTION phiguard.function_problem(text, text, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.function_problem(text, text, name, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.function_problem(text, text, name, text) IS
'Why a row of phiguard.policy_function opens nothing, or NULL. Internal: for the view phiguard.registered_functions.';

CREATE VIEW phiguard.registered_functions WITH (security_barrier) AS
SELECT function, purpose, owner::text, phiguard.function_problem(function, purpose, owner, definition) AS problem, registered, registered_by::text
  FROM phiguard.policy_function
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.registered_functions FROM PUBLIC;
GRANT SELECT ON phiguard.registered_functions TO PUBLIC;
COMMENT ON VIEW phiguard.registered_functions IS
'Functions that open a purpose for whoever may call them: phiguard.register_function(). problem: why it is closed, null where it is not. For officers and auditors.';
