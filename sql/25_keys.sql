-- The key ring: domain keys in versions, wrapped by the master key.
-- Written by phiguard's functions alone, straight into the tables: nobody needs a privilege on them.

CREATE TABLE phiguard.key_domain (
    domain        text COLLATE "C" NOT NULL PRIMARY KEY,
    pinned        boolean NOT NULL,
    token_version integer NOT NULL
);
REVOKE ALL ON phiguard.key_domain FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.key_domain', '');
COMMENT ON TABLE phiguard.key_domain IS 'Key domains, see phiguard.keys. Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.key_domain.domain IS 'The domain: a recipient, a data set.';
COMMENT ON COLUMN phiguard.key_domain.pinned IS 'Rotation leaves tokens on the version that they have.';
COMMENT ON COLUMN phiguard.key_domain.token_version IS 'The version that tokens, dates and what else must stay equal are made with.';

CREATE TABLE phiguard.key_version (
    domain      text COLLATE "C" NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    state       text NOT NULL CHECK (state IN ('active', 'retired', 'destroyed')),
    derived     boolean NOT NULL,
    master      text,
    wrapped     bytea,
    check_value bytea,
    created     timestamptz NOT NULL,
    created_by  name NOT NULL,
    changed     timestamptz,
    PRIMARY KEY (domain, version)
);
REVOKE ALL ON phiguard.key_version FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.key_version', '');
COMMENT ON TABLE phiguard.key_version IS 'Versions of domain keys, see phiguard.keys. Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.key_version.derived IS 'Adopted from the first release, which derived it from the master key: see phiguard.adopt_key().';
COMMENT ON COLUMN phiguard.key_version.master IS 'Name of the master key that wrapped it.';
COMMENT ON COLUMN phiguard.key_version.wrapped IS 'The key, encrypted by AES-256 key wrap (RFC 3394); NULL once destroyed.';
COMMENT ON COLUMN phiguard.key_version.check_value IS 'Derived from key, domain and version: another key, or another''s, is refused.';

CREATE TABLE phiguard.key_grant (
    domain       text COLLATE "C" NOT NULL,
    grantee      regrole NOT NULL,
    grantee_name name NOT NULL,
    "right"      text NOT NULL,
    granted      timestamptz NOT NULL,
    granted_by   name NOT NULL,
    PRIMARY KEY (domain, grantee, "right")
);
REVOKE ALL ON phiguard.key_grant FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.key_grant', '');
COMMENT ON TABLE phiguard.key_grant IS 'Who may use which domain for what: phiguard.grant_key(). Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.key_grant.grantee_name IS
'The grant counts while the role has this name, so that none passes to another role by its number. Who renames a role grants again.';

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.create_key(domain text, pinned boolean DEFAULT true) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_create_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.create_key(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.create_key(text, boolean) TO PUBLIC;
COMMENT ON FUNCTION phiguard.create_key(text, boolean) IS
'Makes a random 256-bit key for a domain, wrapped by the master key; returns its version, 1. pinned: rotation leaves tokens on their version,
since another key makes other tokens. For the officer; a record of kind policy. Raises 42501 for everybody else, 42710 where there is one,
22023 for a name of more than 255 bytes, PG002 without a master key. Source: RFC 3394, NIST SP 800-57.';

CREATE FUNCTION phiguard.adopt_key(domain text) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_adopt_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.adopt_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.adopt_key(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.adopt_key(text) IS
'As create_key(domain), pinned, with the key that release 1.0 derived from the master key and the domain: its tokens stay what they were.
To be called while the master key is still the one that they were made with.';

CREATE FUNCTION phiguard.rotate_key(domain text, move_tokens boolean DEFAULT false) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_rotate_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.rotate_key(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.rotate_key(text, boolean) TO PUBLIC;
COMMENT ON FUNCTION phiguard.rotate_key(text, boolean) IS
'Makes a new version of a domain''s key and returns its number. New sealed values are made with it, old ones stay readable. Tokens move to it
where the domain is not pinned, or with move_tokens: they then join with no earlier token. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 where there is no such key.';

CREATE FUNCTION phiguard.retire_key(domain text, version integer) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_retire_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.retire_key(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.retire_key(text, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.retire_key(text, integer) IS
'Nothing is made or read with this version any more, until reinstate_key(). For the officer; a record of kind policy.';

CREATE FUNCTION phiguard.reinstate_key(domain text, version integer) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_reinstate_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.reinstate_key(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.reinstate_key(text, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.reinstate_key(text, integer) IS
'The opposite of retire_key(). For the officer; a record of kind policy. Raises 55000 for a version that was destroyed.';

CREATE FUNCTION phiguard.destroy_key(domain text, version integer DEFAULT NULL) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_destroy_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.destroy_key(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.destroy_key(text, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.destroy_key(text, integer) IS
'Takes the wrapped key of a version (NULL: of all) out of the ring: what was sealed with it can never be read again (crypto-shredding), here.
Returns how many versions. Dumps, base backups and point-in-time recovery bring it back, for whoever also has the master key.
For the officer; a record of kind policy.';

CREATE FUNCTION phiguard.rotate_master_key() RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_rotate_master_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.rotate_master_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.rotate_master_key() TO PUBLIC;
COMMENT ON FUNCTION phiguard.rotate_master_key() IS
'Wraps the keys of this database by the current master key; returns how many. Where they all are already, it first makes a new master key in the file of
phiguard.key_file; with phiguard.key_command the new one must have been made there: raises 55000. No token or sealed value changes.
To be called in each database before an earlier master key is thrown away. For the officer; a record of kind policy.';

CREATE FUNCTION phiguard.grant_key(domain text, grantee regrole, rights text[] DEFAULT '{token}') RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_grant_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.grant_key(text, regrole, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.grant_key(text, regrole, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.grant_key(text, regrole, text[]) IS
'Lets a role and its members use a domain: token, seal, unseal, fpe, unfpe, shift_date, split, surrogate, assign_surrogates. Beside it the role needs EXECUTE on the functions, which nobody has
unless told. A role that is renamed is to be granted again. For the officer; a record of kind policy.';

CREATE FUNCTION phiguard.revoke_key(domain text, grantee regrole,
    rights text[] DEFAULT '{token,seal,unseal,fpe,unfpe,shift_date,split,surrogate,assign_surrogates}') RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_revoke_key' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.revoke_key(text, regrole, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.revoke_key(text, regrole, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.revoke_key(text, regrole, text[]) IS
'The opposite of grant_key(). For the officer; a record of kind policy.';

CREATE FUNCTION phiguard.key_versions(
    OUT domain text, OUT version integer, OUT state text, OUT pinned boolean, OUT for_tokens boolean, OUT master text,
    OUT created timestamptz, OUT created_by text, OUT changed timestamptz) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'phiguard_key_versions' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;
REVOKE ALL ON FUNCTION phiguard.key_versions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.key_versions() TO PUBLIC;
COMMENT ON FUNCTION phiguard.key_versions() IS
'What the view phiguard.keys is made of. For officers and auditors: raises 42501 for everybody else.';

CREATE VIEW phiguard.keys AS SELECT * FROM phiguard.key_versions();
REVOKE ALL ON phiguard.keys FROM PUBLIC;
GRANT SELECT ON phiguard.keys TO PUBLIC;
COMMENT ON VIEW phiguard.keys IS
'Every version of every domain key, without material: its state, whether tokens are made with it, which master key wrapped it. For officers and auditors.';
