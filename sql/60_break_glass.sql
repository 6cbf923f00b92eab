-- Break-glass: access in an emergency, on record, and listed until somebody has reviewed it.

CREATE TABLE phiguard.break_glass_grant (
    grantee      regrole NOT NULL,
    grantee_name name NOT NULL,
    most         integer NOT NULL,
    granted      timestamptz NOT NULL,
    granted_by   name NOT NULL
);
CREATE TABLE phiguard.break_glass_reviewed (
    node        text COLLATE "C" NOT NULL,
    "position"  text NOT NULL,
    finding     text NOT NULL,
    reviewed    timestamptz NOT NULL,
    reviewed_by name NOT NULL
);
REVOKE ALL ON phiguard.break_glass_grant, phiguard.break_glass_reviewed FROM PUBLIC;
GRANT SELECT (node, "position") ON phiguard.break_glass_reviewed TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.break_glass_grant', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.break_glass_reviewed', '');
COMMENT ON TABLE phiguard.break_glass_grant IS 'Who may break the glass, and for how many seconds at most: phiguard.grant_break_glass().';
COMMENT ON TABLE phiguard.break_glass_reviewed IS 'Which uses of break-glass somebody has reviewed, and what was found: phiguard.review_break_glass().';
COMMENT ON COLUMN phiguard.break_glass_grant.grantee_name IS 'The grant counts while the role has this name.';
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.break_glass_grant
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
ALTER TABLE phiguard.break_glass_grant ENABLE ALWAYS TRIGGER policies_changed;

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.grant_break_glass(role regrole, most interval) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_grant_break_glass';
REVOKE ALL ON FUNCTION phiguard.grant_break_glass(regrole, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.grant_break_glass(regrole, interval) TO PUBLIC;
COMMENT ON FUNCTION phiguard.grant_break_glass(regrole, interval) IS
'Lets a role and its members see everything in an emergency, by phiguard.break_glass(), for at most that long (24 hours at the longest); NULL takes it back, in running sessions too.
For the officer; a record of kind policy. Raises 42501 for everybody else. Source: 45 CFR 164.312(a)(2)(ii).';

CREATE FUNCTION phiguard.break_glass(reason text, duration interval DEFAULT '30 minutes') RETURNS timestamptz
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_break_glass';
REVOKE ALL ON FUNCTION phiguard.break_glass(text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.break_glass(text, interval) TO PUBLIC;
COMMENT ON FUNCTION phiguard.break_glass(text, interval) IS
'In an emergency: this session sees all labelled data from here on, until the time that it returns, phiguard.end_break_glass(), or another role. Every record has the flag break_glass, with the reason as justification; it is listed until somebody has
reviewed it. Nothing is written but the journal, so that it works on a standby. For roles that phiguard.grant_break_glass() names: raises 42501 for everybody else, 22023 for a time that is too long or without a reason. Source: 45 CFR 164.312(a)(2)(ii).';

CREATE FUNCTION phiguard.end_break_glass() RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_end_break_glass';
REVOKE ALL ON FUNCTION phiguard.end_break_glass() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.end_break_glass() TO PUBLIC;
COMMENT ON FUNCTION phiguard.end_break_glass() IS
'Ends break_glass() before its time; on record. False where it was not broken.';

CREATE FUNCTION phiguard.review_break_glass(node text, "position" bigint, finding text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_review_break_glass';
REVOKE ALL ON FUNCTION phiguard.review_break_glass(text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.review_break_glass(text, bigint, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.review_break_glass(text, bigint, text) IS
'A use of break-glass has been looked at: review_break_glass() lists it no more. For officers and auditors, on the primary; a record of kind policy.';

CREATE FUNCTION phiguard.review_break_glass(OUT node text, OUT "position" bigint, OUT started timestamptz, OUT login_role text, OUT active_role text,
    OUT app_user text, OUT reason text, OUT until text) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
    AS $$
SELECT l.node, l."position", l.started, l.login_role, l.active_role, l.app_user, l.justification, l.query
  FROM phiguard.access_log l
 WHERE l.kind = 'policy' AND l.command = 'BREAK GLASS'
   AND NOT EXISTS (SELECT FROM phiguard.break_glass_reviewed r WHERE r.node = l.node AND r."position" = l."position"::text)
 ORDER BY l.started
$$;
REVOKE ALL ON FUNCTION phiguard.review_break_glass() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.review_break_glass() TO PUBLIC;
COMMENT ON FUNCTION phiguard.review_break_glass() IS
'Uses of break-glass on this server that nobody has reviewed yet, with their reasons. What was read then has the flag break_glass in phiguard.access_log. For auditors.';
