-- Transforms: which functions leave less of a value than went in, and what.

-- By name, not by OID: rows must load into any database, and pg_upgrade takes no column of a reg type.
CREATE TABLE phiguard.transform_registry (
    function    text PRIMARY KEY,
    name        name NOT NULL,
    form        text NOT NULL,
    result      text NOT NULL,
    categories  text[],
    kinds       text[],
    reversible  boolean NOT NULL,
    methods     text[] NOT NULL,
    builtin     boolean NOT NULL,
    source      text,
    definition  text
);
REVOKE ALL ON phiguard.transform_registry FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.transform_registry', 'WHERE NOT builtin');
COMMENT ON TABLE phiguard.transform_registry IS
'What phiguard.transforms shows. Kept by phiguard.register_transform(): not to be written by hand.';
COMMENT ON COLUMN phiguard.transform_registry.function IS 'Signature: schema.name(type,type), types of pg_catalog without their schema.';
COMMENT ON COLUMN phiguard.transform_registry.definition IS 'SHA-256 of what the function did when it was registered; NULL for a built-in one.';

CREATE FUNCTION phiguard.transforms_changed() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_transforms_changed';
REVOKE ALL ON FUNCTION phiguard.transforms_changed() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.transforms_changed() IS
'Has every session read phiguard.transform_registry anew. Internal.';
CREATE TRIGGER transforms_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.transform_registry
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.transforms_changed();

-- All functions of a name, unless its arguments are said.
INSERT INTO phiguard.transform_registry (function, name, form, result, categories, kinds, reversible, methods, builtin, source)
SELECT pg_catalog.format('phiguard.%I(%s)', p.proname, i.arguments), p.proname, t.form, t.result, t.categories::text[], t.kinds::text[], t.reversible, t.methods::text[],
       true, t.source
  FROM (VALUES
('age_90', 'integer', 'generalisation', 'quasi', '{age}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('age_90', 'date', 'generalisation', 'quasi', '{date}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('age_90', 'date,date', 'generalisation', 'quasi', '{date}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('birth_year', NULL, 'generalisation', 'quasi kind=year', '{date}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('fpe', NULL, 'keyed', 'token kind=keyed', NULL, NULL, true, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); NIST SP 800-38G'),
('mask', 'text', 'mask', 'none', NULL, NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)'),
('mask', 'text,integer', 'mask', 'same', NULL, NULL, false, '{expert_determination}', '45 CFR 164.514(b)(2)(i): a part of an identifier counts as the identifier'),
('seal', NULL, 'sealed', 'token kind=sealed', NULL, NULL, true, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); RFC 5297'),
('shift_date', NULL, 'keyed', 'same', NULL, NULL, false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2): a shifted date shows month and day'),
('split', NULL, 'keyed', 'quasi', NULL, NULL, false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); RFC 2104'),
('surrogate', NULL, 'random', 'token kind=random', NULL, NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(c)'),
('token', NULL, 'keyed', 'token kind=keyed', NULL, NULL, false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); RFC 2104'),
('token_int8', NULL, 'keyed', 'token kind=keyed', NULL, NULL, false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); RFC 2104'),
('token_uuid', NULL, 'keyed', 'token kind=keyed', NULL, NULL, false, '{limited_data_set,expert_determination}', '45 CFR 164.514(b)(1), (e)(2); RFC 2104'),
('unfpe', NULL, 'reversal', 'note', NULL, NULL, false, '{}', 'NIST SP 800-38G: what comes out may be anything'),
('unseal', NULL, 'reversal', 'note', NULL, NULL, false, '{}', 'RFC 5297: what comes out may be anything'),
('unseal_bytea', NULL, 'reversal', 'note', NULL, NULL, false, '{}', 'RFC 5297: what comes out may be anything'),
('year', NULL, 'generalisation', 'quasi kind=year', '{date}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C); of a date of birth Safe Harbor wants birth_year'),
('age_90', 'internal,smallint', 'generalisation', 'quasi', '{age}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('age_90', 'internal,integer', 'generalisation', 'quasi', '{age}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('age_90', 'internal,bigint', 'generalisation', 'quasi', '{age}', NULL, false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(C)'),
('zip3', 'internal,text', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); Census 2000, 2010 and 2020'),
('zip3', 'internal,text,text', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); census of the second argument'),
('zip3', 'internal,integer', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); Census 2000, 2010 and 2020'),
('zip3', 'text', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); Census 2000, 2010 and 2020'),
('zip3', 'integer', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); Census 2000, 2010 and 2020'),
('zip3', 'text,text', 'generalisation', 'quasi kind=zip3', '{geo}', '{zip}', false, '{safe_harbor,limited_data_set,expert_determination}', '45 CFR 164.514(b)(2)(i)(B); census of the second argument')
  ) t (name, arguments, form, result, categories, kinds, reversible, methods, source)
  JOIN pg_catalog.pg_proc p ON p.pronamespace = 'phiguard'::regnamespace AND p.proname = t.name,
       LATERAL (SELECT pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ',') AS arguments) i
 WHERE i.arguments = coalesce(t.arguments, i.arguments);

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.register_transform(function regprocedure, form text, result text, categories text[] DEFAULT NULL, kinds text[] DEFAULT NULL,
                                            reversible boolean DEFAULT false, methods text[] DEFAULT '{}', source text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_register_transform';
REVOKE ALL ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], text[], boolean, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], text[], boolean, text[], text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.register_transform(regprocedure, text, text, text[], text[], boolean, text[], text) IS
'Says that a function is a transform, in place of what was said of it before. form: generalisation, mask, keyed, sealed, random, redaction or reversal. result: the category (and kind) that the result still has, or same.
categories and kinds: what it takes, NULL for any; whatever else goes in comes out as what it was. A generalisation takes only columns as they are, not what is computed from them. methods: which of safe_harbor, limited_data_set and expert_determination accept it.
The function counts while it does what it did then: replaced, or with other settings, it is no transform until it is registered again. What it calls is not watched.
For the officer, who vouches for it; on record as kind policy. Raises 42501 for everybody else, 22023 for unknown words and for form keyed or sealed with safe_harbor (45 CFR 164.514(c)), 42809 for what cannot be a transform.';

CREATE FUNCTION phiguard.unregister_transform(function regprocedure) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_unregister_transform';
REVOKE ALL ON FUNCTION phiguard.unregister_transform(regprocedure) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.unregister_transform(regprocedure) TO PUBLIC;
COMMENT ON FUNCTION phiguard.unregister_transform(regprocedure) IS
'The function is no transform any more: its result holds all its arguments. For the officer; on record as kind policy.
Raises 42501 for everybody else, 42704 for what is not registered, 42809 for a transform of phiguard itself.';

CREATE FUNCTION phiguard.transform_is_valid(function text) RETURNS boolean
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_transform_is_valid';
REVOKE ALL ON FUNCTION phiguard.transform_is_valid(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.transform_is_valid(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.transform_is_valid(text) IS
'Whether the function of that signature is there and does what it did when it was registered. Internal: read the view phiguard.transforms.';

CREATE VIEW phiguard.transforms AS
SELECT name::text, function, form, categories, kinds, result, reversible, methods, builtin, source, phiguard.transform_is_valid(function) AS valid
  FROM phiguard.transform_registry
 WHERE NOT (builtin AND function LIKE '%(internal,%');
REVOKE ALL ON phiguard.transforms FROM PUBLIC;
GRANT SELECT ON phiguard.transforms TO PUBLIC;
COMMENT ON VIEW phiguard.transforms IS
'Functions that leave less of a value than went in, and what: the flow of labelled data and the labels of what is made from it go by this.';
COMMENT ON COLUMN phiguard.transforms.function IS 'Signature.';
COMMENT ON COLUMN phiguard.transforms.form IS 'How: generalisation, mask, keyed, sealed, random, redaction; or reversal, whose result may be anything.';
COMMENT ON COLUMN phiguard.transforms.categories IS 'Categories that it takes; NULL: any. Whatever else goes in comes out as what it was.';
COMMENT ON COLUMN phiguard.transforms.kinds IS 'Kinds of them that it takes; NULL: any.';
COMMENT ON COLUMN phiguard.transforms.result IS 'Category, and kind, that the result still has; same where nothing is lowered.';
COMMENT ON COLUMN phiguard.transforms.reversible IS 'Whether the value can be had back from the result.';
COMMENT ON COLUMN phiguard.transforms.methods IS 'Methods of de-identification that accept it, each where its other conditions hold.';
COMMENT ON COLUMN phiguard.transforms.builtin IS 'Came with phiguard; else registered by an officer.';
COMMENT ON COLUMN phiguard.transforms.source IS 'Paragraph or standard.';
COMMENT ON COLUMN phiguard.transforms.valid IS 'False where the function is gone or was replaced since: it is followed like any other then.';
