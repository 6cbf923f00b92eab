-- Whose rows they are: the sets of persons that subject= numbers, and tokens of persons.

CREATE TABLE phiguard.subject_space (
    schema_name   name NOT NULL,
    relation_name name NOT NULL,
    space         text COLLATE "C" NOT NULL,
    key_domain    text COLLATE "C" NOT NULL,
    created       timestamptz NOT NULL
);
REVOKE ALL ON phiguard.subject_space FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.subject_space', '');
COMMENT ON TABLE phiguard.subject_space IS
'Which set of persons the subject of a relation numbers. Kept by phiguard: not to be written by hand. Where a relation has several rows the oldest counts, so that
a dump that is loaded brings its own back. Rows stay when their relation goes: tokens in the record are found by them.';
COMMENT ON COLUMN phiguard.subject_space.space IS 'A random name, part of what tokens are made of: the same key of another set is another person.';
COMMENT ON COLUMN phiguard.subject_space.key_domain IS 'Domain of the key ring whose key makes tokens; that of the oldest row makes them all.';

-- Who may ask is checked inside: the auditor's and the officer's roles are settings, unknown here.

CREATE FUNCTION phiguard.subject_token(relation regclass, key text) RETURNS text
AS 'MODULE_PATHNAME', 'phiguard_subject_token' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION phiguard.subject_token(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.subject_token(regclass, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.subject_token(regclass, text) IS
'The token by which access_log.subjects names a person: 32 hex digits. key is that of the person, as the table at the end of subject= and foreign keys has it.
For officers and auditors: raises 42501 for everybody else, 55000 where relation has no subject that can be named, 22023 for a key that is none of its type,
PG002 without the key. Source: HMAC-SHA-256 (RFC 2104), first 16 bytes.';
