-- The registry of transforms: what is known of what a function leaves of a value.
-- By name, not by OID: rows must load into any database.

CREATE TABLE phiguard.transform_registry (
    function   text COLLATE "C" NOT NULL PRIMARY KEY,
    form       text NOT NULL CHECK (form IN ('generalisation', 'mask', 'redaction', 'keyed', 'sealed', 'random', 'reversal')),
    takes      text[],
    result     text NOT NULL,
    reversible boolean NOT NULL,
    methods    text[] NOT NULL,
    source     text,
    builtin    boolean NOT NULL,
    definition bytea
);
REVOKE ALL ON phiguard.transform_registry FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.transform_registry', 'WHERE NOT builtin');
COMMENT ON TABLE phiguard.transform_registry IS 'What phiguard.transforms shows. Kept by phiguard: not to be written by hand.';

INSERT INTO phiguard.transform_registry (function, form, takes, result, reversible, methods, source, builtin)
SELECT i.identity, t.form, t.takes::text[], t.result, t.reversible, t.methods::text[], t.source, true
  FROM (VALUES
    ('age_90', NULL, 'generalisation', '{date,age}', 'quasi', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
    ('birth_year', NULL, 'generalisation', '{date}', 'quasi kind=year', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
    ('fpe', NULL, 'keyed', NULL, 'token kind=keyed', true, '{limited_data_set,expert_determination}', 'NIST SP 800-38G; 45 CFR 164.514(c)'),
    ('mask', 1, 'mask', NULL, 'none', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)'),
    ('mask', 2, 'mask', NULL, 'same', false, '{expert_determination}', '45 CFR 164.514(b)(1)'),
    ('seal', NULL, 'sealed', NULL, 'token kind=sealed', true, '{limited_data_set,expert_determination}', 'RFC 5297; 45 CFR 164.514(c)'),
    ('shift_date', NULL, 'keyed', '{date}', 'same', false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1)'),
    ('split', NULL, 'keyed', NULL, 'quasi', false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1)'),
    ('surrogate', NULL, 'random', NULL, 'token kind=random', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(c)'),
    ('token', NULL, 'keyed', NULL, 'token kind=keyed', false, '{limited_data_set,expert_determination}', 'RFC 2104; 45 CFR 164.514(c)'),
    ('token_int8', NULL, 'keyed', NULL, 'token kind=keyed', false, '{limited_data_set,expert_determination}', 'RFC 2104; 45 CFR 164.514(c)'),
    ('token_uuid', NULL, 'keyed', NULL, 'token kind=keyed', false, '{limited_data_set,expert_determination}', 'RFC 2104; 45 CFR 164.514(c)'),
    ('unfpe', NULL, 'reversal', NULL, 'note', false, '{}', 'NIST SP 800-38G'),
    ('unseal', NULL, 'reversal', NULL, 'note', false, '{}', 'RFC 5297'),
    ('unseal_bytea', NULL, 'reversal', NULL, 'note', false, '{}', 'RFC 5297'),
    ('year', NULL, 'generalisation', '{date}', 'quasi kind=year', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
    ('zip3', NULL, 'generalisation', '{geo}', 'quasi kind=zip3', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B)')
  ) t (name, nargs, form, takes, result, reversible, methods, source)
  JOIN pg_catalog.pg_proc p ON p.pronamespace = 'phiguard'::regnamespace AND p.proname = t.name AND p.pronargs = coalesce(t.nargs, p.pronargs),
       LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i;

CREATE VIEW phiguard.transforms AS
SELECT function, form, takes, result, reversible, methods, source, builtin FROM phiguard.transform_registry;
REVOKE ALL ON phiguard.transforms FROM PUBLIC;
GRANT SELECT ON phiguard.transforms TO PUBLIC;
COMMENT ON VIEW phiguard.transforms IS
'Functions of which is known what they leave of a value. What is not listed leaves everything.';
COMMENT ON COLUMN phiguard.transforms.function IS 'The function, with its arguments'' types.';
COMMENT ON COLUMN phiguard.transforms.form IS 'generalisation, mask, redaction; or a code: keyed, sealed (both derived from the value), random; or reversal, whose result may be anything.';
COMMENT ON COLUMN phiguard.transforms.takes IS 'Categories of which it leaves less; NULL: all. Of others it leaves everything.';
COMMENT ON COLUMN phiguard.transforms.result IS 'The label that its result still has; same: that of its argument.';
COMMENT ON COLUMN phiguard.transforms.reversible IS 'Can who has the key get the value back?';
COMMENT ON COLUMN phiguard.transforms.methods IS 'Methods of de-identification that accept it: safe_harbor, limited_data_set, expert_determination (45 CFR 164.514).';
COMMENT ON COLUMN phiguard.transforms.source IS 'The paragraph or standard that it follows.';
COMMENT ON COLUMN phiguard.transforms.builtin IS 'phiguard''s own; else registered by phiguard.register_transform().';

CREATE FUNCTION phiguard.register_transform(function regprocedure, form text, result text, takes text[] DEFAULT NULL,
    reversible boolean DEFAULT false, methods text[] DEFAULT '{}', source text DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_register_transform' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], boolean, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], boolean, text[], text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], boolean, text[], text) IS
'Declares what a function of yours leaves of a value: columns as in phiguard.transforms. It counts as it is defined now: once it is replaced it must be registered anew, and
until then counts as leaving everything. What it calls is yours to watch. For the officer; a record of kind policy.
Raises 42501 for everybody else, 22023 for unknown words, PG004 for a result that is no label, 42710 for a function that is registered already. A code derived from the value is not for Safe Harbor (45 CFR 164.514(c)).';

CREATE FUNCTION phiguard.unregister_transform(function text) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_unregister_transform' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.unregister_transform(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.unregister_transform(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.unregister_transform(text) IS
'The opposite of register_transform(); function: as phiguard.transforms spells it, also of a function that is gone. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 where it is not registered, 55006 for phiguard''s own.';
