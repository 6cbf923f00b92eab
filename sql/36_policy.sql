-- Policies: who may see what for which purpose.

-- By name, not by OID: rows must load into any database, also where what they speak of was left out of the dump.
-- Written by phiguard's functions, straight into the tables; an edit by hand counts all the same, at the next execution everywhere.

CREATE TABLE phiguard.policy_purpose (
    purpose               text COLLATE "C" NOT NULL PRIMARY KEY,
    code                  text NOT NULL,
    otherwise             text NOT NULL,
    rows                  text NOT NULL,
    require_justification boolean NOT NULL,
    basis                 text,
    description           text,
    journal_on_failure    text,
    created               timestamptz NOT NULL,
    created_by            name NOT NULL
);

CREATE TABLE phiguard.policy_rule (
    purpose     text COLLATE "C" NOT NULL,
    schema      name,
    relation    name,
    column_name name,
    category    text,
    kind        text,
    sens        text,
    conf        text,
    transform   text NOT NULL,
    writable    boolean NOT NULL,
    created     timestamptz NOT NULL,
    created_by  name NOT NULL
);
CREATE INDEX policy_rule_purpose_idx ON phiguard.policy_rule (purpose);

CREATE TABLE phiguard.policy_rows (
    purpose      text COLLATE "C" NOT NULL,
    schema       name NOT NULL,
    relation     name NOT NULL,
    predicate    text NOT NULL,
    restrictive  boolean NOT NULL,
    officer      regrole NOT NULL,
    officer_name name NOT NULL,
    created      timestamptz NOT NULL
);
CREATE INDEX policy_rows_purpose_idx ON phiguard.policy_rows (purpose);

CREATE TABLE phiguard.policy_grant (
    purpose      text COLLATE "C" NOT NULL,
    grantee      regrole NOT NULL,
    grantee_name name NOT NULL,
    denied       boolean NOT NULL,
    expires      timestamptz,
    recipient    text,
    agreement    text,
    granted      timestamptz NOT NULL,
    granted_by   name NOT NULL
);
CREATE INDEX policy_grant_purpose_idx ON phiguard.policy_grant (purpose);

CREATE TABLE phiguard.policy_mode (
    schema   name NOT NULL,
    relation name NOT NULL,
    mode     text NOT NULL
);

REVOKE ALL ON phiguard.policy_purpose, phiguard.policy_rule, phiguard.policy_rows, phiguard.policy_grant, phiguard.policy_mode FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_purpose', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_rule', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_rows', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_grant', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.policy_mode', '');
COMMENT ON TABLE phiguard.policy_purpose IS 'Purposes: phiguard.create_purpose(). Read the view phiguard.purposes.';
COMMENT ON TABLE phiguard.policy_rule IS 'What a purpose shows of which columns: phiguard.allow(). Read the view phiguard.rules.';
COMMENT ON TABLE phiguard.policy_rows IS 'Which rows a purpose shows: phiguard.allow_rows(). Read the view phiguard.rules.';
COMMENT ON TABLE phiguard.policy_grant IS 'Who may use which purpose: phiguard.grant_purpose(), deny_purpose(). Read the view phiguard.purpose_grants.';
COMMENT ON TABLE phiguard.policy_mode IS 'Relations whose mode is below the server''s: phiguard.set_mode().';
COMMENT ON COLUMN phiguard.policy_rows.officer IS 'As whom the predicate is evaluated: whoever wrote it.';
COMMENT ON COLUMN phiguard.policy_rows.officer_name IS 'The predicate counts while the role has this name; otherwise nobody sees a row of the relation for this purpose.';
COMMENT ON COLUMN phiguard.policy_grant.grantee_name IS
'The grant counts while the role has this name, so that none passes to another role by its number. Who renames a role grants again.';
COMMENT ON COLUMN phiguard.policy_grant.denied IS 'Whoever has this role may not use the purpose, whatever other grants say.';

CREATE FUNCTION phiguard.policies_changed() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_policies_changed';
REVOKE ALL ON FUNCTION phiguard.policies_changed() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.policies_changed() IS 'Has every session read the policies anew. Internal.';
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_purpose
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_rule
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_rows
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_grant
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.policy_mode
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
-- Also for who replays what others wrote.
ALTER TABLE phiguard.policy_purpose ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.policy_rule ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.policy_rows ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.policy_grant ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.policy_mode ENABLE ALWAYS TRIGGER policies_changed;

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.create_purpose(purpose text, code text, otherwise text DEFAULT 'deny', rows text DEFAULT 'all',
                                        require_justification boolean DEFAULT false, basis text DEFAULT NULL, description text DEFAULT NULL,
                                        journal_on_failure text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_create_purpose';
REVOKE ALL ON FUNCTION phiguard.create_purpose(text, text, text, text, boolean, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.create_purpose(text, text, text, text, boolean, text, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.create_purpose(text, text, text, text, boolean, text, text, text) IS
'A purpose for which labelled data may be read. code: of HL7 v3 PurposeOfUse. otherwise: deny, null, mask or clear, for columns that no rule speaks of; clear only for
treatment, TREAT and the codes below it (45 CFR 164.502(b)(2)(i)). rows: all, or deny where no allow_rows() speaks. basis: what the purpose rests on.
require_justification: phiguard.justification must not be empty. journal_on_failure: refuse or allow in place of the setting, where a record cannot be written.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42710 where there is one, 22023 for other words. Source: 45 CFR 164.514(d)(2).';

CREATE FUNCTION phiguard.allow(purpose text, relation regclass DEFAULT NULL, column_name name DEFAULT NULL, category text DEFAULT NULL, kind text DEFAULT NULL,
                               sens text DEFAULT NULL, conf text DEFAULT NULL, transform text DEFAULT 'clear', writable boolean DEFAULT false) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_allow';
REVOKE ALL ON FUNCTION phiguard.allow(text, regclass, name, text, text, text, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.allow(text, regclass, name, text, text, text, text, text, boolean) TO PUBLIC;
COMMENT ON FUNCTION phiguard.allow(text, regclass, name, text, text, text, text, text, boolean) IS
'A rule: what a purpose shows of a column; of a relation''s columns of a category, or kind of it; or of all columns of a category, or kind. The most specific rule holds.
sens or conf, alone or with one of these: only for columns that have that code, or that confidentiality or a higher one; such a rule only tightens.
transform: clear, mask, null, deny, or one of phiguard.transforms with literal arguments: token(registry). The key domain is the purpose''s name unless said.
writable: may be assigned although it is not clear. Labels of category none are always clear. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 for an unknown purpose, 42710 where there is such a rule, 42809 for a relation with parents, 22023 for other words, 42804 for a transform that does not fit a column.';

CREATE FUNCTION phiguard.grant_purpose(purpose text, grantee regrole, expires timestamptz DEFAULT NULL, recipient text DEFAULT NULL, agreement text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_grant_purpose';
REVOKE ALL ON FUNCTION phiguard.grant_purpose(text, regrole, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.grant_purpose(text, regrole, timestamptz, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.grant_purpose(text, regrole, timestamptz, text, text) IS
'Lets a role, and whoever inherits from it, use a purpose, until expires. Takes the place of an earlier grant, or denial, of the same purpose to the same role.
recipient, agreement: to whom data go under this grant, and on what terms; as recorded. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 for an unknown purpose or role, 22023 for an expiry in the past.';

CREATE FUNCTION phiguard.drop_purpose(purpose text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_drop_purpose';
REVOKE ALL ON FUNCTION phiguard.drop_purpose(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.drop_purpose(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.drop_purpose(text) IS
'Removes a purpose with its rules, row predicates, grants and registered functions. For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is none.';

CREATE FUNCTION phiguard.disallow(purpose text, relation text DEFAULT NULL, column_name name DEFAULT NULL, category text DEFAULT NULL, kind text DEFAULT NULL,
                                  sens text DEFAULT NULL, conf text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_disallow';
REVOKE ALL ON FUNCTION phiguard.disallow(text, text, name, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.disallow(text, text, name, text, text, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.disallow(text, text, name, text, text, text, text) IS
'Removes the rule that names exactly this. relation: its name, with the schema where it is gone. What the next less specific rule says holds then.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is no such rule. Warns where a transform does not fit what it reaches now.';

CREATE FUNCTION phiguard.allow_rows(purpose text, relation regclass, predicate text, restrictive boolean DEFAULT false) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_allow_rows';
REVOKE ALL ON FUNCTION phiguard.allow_rows(text, regclass, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.allow_rows(text, regclass, text, boolean) TO PUBLIC;
COMMENT ON FUNCTION phiguard.allow_rows(text, regclass, text, boolean) IS
'Which rows of a relation, and of all below it, a purpose shows: those for which one of its permissive predicates is true, and all of its restrictive ones. Without a
permissive one, all or none, as the purpose''s rows says. Names are looked up in pg_catalog and the relation''s schema. Sub-selects read as whoever calls this, and are not masked.
It may call immutable functions, now() and session_user: nothing that depends on settings. For the officer; a record of kind policy, without the predicate.
Raises 42501 for everybody else, 42704 for an unknown purpose, 42809 for a relation with parents, 0A000 for what it may not use, and what the parser raises.';

CREATE FUNCTION phiguard.disallow_rows(purpose text, relation text, predicate text DEFAULT NULL) RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_disallow_rows';
REVOKE ALL ON FUNCTION phiguard.disallow_rows(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.disallow_rows(text, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.disallow_rows(text, text, text) IS
'Removes the row predicates of a relation, or the one that reads so in phiguard.rules; returns how many. relation: its name, with the schema where it is gone.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is none.';

CREATE FUNCTION phiguard.revoke_purpose(purpose text, grantee regrole) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_revoke_purpose';
REVOKE ALL ON FUNCTION phiguard.revoke_purpose(text, regrole) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.revoke_purpose(text, regrole) TO PUBLIC;
COMMENT ON FUNCTION phiguard.revoke_purpose(text, regrole) IS
'Takes back the grant, or the denial, of a purpose to a role; what it inherits from other roles stays. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 for an unknown purpose or role.';

CREATE FUNCTION phiguard.deny_purpose(purpose text, role regrole) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_deny_purpose';
REVOKE ALL ON FUNCTION phiguard.deny_purpose(text, regrole) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.deny_purpose(text, regrole) TO PUBLIC;
COMMENT ON FUNCTION phiguard.deny_purpose(text, regrole) IS
'The role, and whoever inherits from it, may not use the purpose, whatever grants say. Takes the place of a grant to the role. For the officer; a record of kind policy.
Raises 42501 for everybody else, 42704 for an unknown purpose or role.';

CREATE FUNCTION phiguard.set_mode(relation regclass, mode text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_set_mode';
REVOKE ALL ON FUNCTION phiguard.set_mode(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.set_mode(regclass, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.set_mode(regclass, text) IS
'The mode of a relation and of all below it: off, audit or enforce, never above phiguard.mode; enforce is what every relation has that nothing was said of.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42809 for a relation with parents, 22023 for other words.';

-- What stands there, for officers and auditors.

CREATE FUNCTION phiguard.reads_policies() RETURNS boolean
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'phiguard_reads_policies';
REVOKE ALL ON FUNCTION phiguard.reads_policies() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.reads_policies() TO PUBLIC;
COMMENT ON FUNCTION phiguard.reads_policies() IS
'True for officers and auditors; raises 42501 for everybody else. Internal: for the views phiguard.purposes, rules and purpose_grants.';

CREATE VIEW phiguard.purposes WITH (security_barrier) AS
SELECT purpose, code, otherwise, rows, require_justification, basis, description, journal_on_failure, created, created_by::text
  FROM phiguard.policy_purpose
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.purposes FROM PUBLIC;
GRANT SELECT ON phiguard.purposes TO PUBLIC;
COMMENT ON VIEW phiguard.purposes IS 'Purposes for which labelled data may be read: phiguard.create_purpose(). For officers and auditors.';

CREATE VIEW phiguard.rules WITH (security_barrier) AS
SELECT purpose, schema::text, relation::text, column_name::text, category, kind, sens, conf, transform, writable,
       NULL::text AS predicate, NULL::boolean AS restrictive, created, created_by::text
  FROM phiguard.policy_rule
 WHERE phiguard.reads_policies()
UNION ALL
SELECT purpose, schema::text, relation::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, predicate, restrictive, created, officer_name::text
  FROM phiguard.policy_rows
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.rules FROM PUBLIC;
GRANT SELECT ON phiguard.rules TO PUBLIC;
COMMENT ON VIEW phiguard.rules IS
'What purposes show: columns (phiguard.allow()) and rows (phiguard.allow_rows(), with a predicate). The most specific rule holds. For officers and auditors.';

CREATE VIEW phiguard.purpose_grants WITH (security_barrier) AS
SELECT purpose, grantee_name::text AS grantee, denied, expires, recipient, agreement, granted, granted_by::text,
       NOT denied AND coalesce(expires > pg_catalog.clock_timestamp(), true) AND
       EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = grantee AND r.rolname = grantee_name) AS in_force
  FROM phiguard.policy_grant
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.purpose_grants FROM PUBLIC;
GRANT SELECT ON phiguard.purpose_grants TO PUBLIC;
COMMENT ON VIEW phiguard.purpose_grants IS
'Who may use which purpose: phiguard.grant_purpose(), and who may not: phiguard.deny_purpose(). For officers and auditors.';

CREATE FUNCTION phiguard.access_of(role regrole, purpose text,
    OUT schema text, OUT relation text, OUT column_name text, OUT category text, OUT kind text, OUT shown text, OUT writable boolean,
    OUT because text, OUT mode text) RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000
    AS 'MODULE_PATHNAME', 'phiguard_access_of';
REVOKE ALL ON FUNCTION phiguard.access_of(regrole, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.access_of(regrole, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.access_of(regrole, text) IS
'What a role would see of each column of each labelled relation for a purpose, and why: the sort of rule that spoke, or what stands in the way.
mode: that of the relation; below enforce, everything is shown. Privileges on the relation are not looked at.
For officers and auditors: raises 42501 for everybody else.';

CREATE FUNCTION phiguard.access_of_mine(
    OUT purpose text, OUT schema text, OUT relation text, OUT column_name text, OUT category text, OUT kind text, OUT shown text, OUT writable boolean,
    OUT because text, OUT mode text) RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000
    AS 'MODULE_PATHNAME', 'phiguard_access_of_mine';
REVOKE ALL ON FUNCTION phiguard.access_of_mine() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.access_of_mine() TO PUBLIC;
COMMENT ON FUNCTION phiguard.access_of_mine() IS 'What the view phiguard.my_access is made of.';

CREATE VIEW phiguard.my_access AS
SELECT purpose, schema, relation, column_name, category, kind, shown, writable, because, mode FROM phiguard.access_of_mine();
REVOKE ALL ON phiguard.my_access FROM PUBLIC;
GRANT SELECT ON phiguard.my_access TO PUBLIC;
COMMENT ON VIEW phiguard.my_access IS
'What the session''s role sees of each labelled column that it may select, for each purpose that it is granted, and why. Where it has no purpose, nothing (purpose is null). mode: below enforce, everything is shown.';

CREATE FUNCTION phiguard.verify_policy(OUT purpose text, OUT object text, OUT finding text) RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10
    AS 'MODULE_PATHNAME', 'phiguard_verify_policy';
REVOKE ALL ON FUNCTION phiguard.verify_policy() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.verify_policy() TO PUBLIC;
COMMENT ON FUNCTION phiguard.verify_policy() IS
'What in the policies nobody understands, names something that is gone, or does not fit, a row a finding: until it is set right it closes the relation, or the purpose. None when all is well.
For officers and auditors: raises 42501 for everybody else.';

CREATE FUNCTION phiguard.preflight(
    OUT role text, OUT purpose text, OUT schema text, OUT relation text, OUT column_name text, OUT category text, OUT kind text, OUT shown text, OUT writable boolean,
    OUT because text, OUT mode text) RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000
    AS 'MODULE_PATHNAME', 'phiguard_preflight';
REVOKE ALL ON FUNCTION phiguard.preflight() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.preflight() TO PUBLIC;
COMMENT ON FUNCTION phiguard.preflight() IS
'What mode enforce would change: of every role that can log in and is not exempt, the columns of labelled relations that it may select and would not see as they are, by each purpose that it is granted; purpose is null where
it has none, and would see no row. Row predicates are not looked at. For officers and auditors: raises 42501 for everybody else.';
