-- How phiguard is taken out again: what stands in the way of DROP EXTENSION, and the statements that undo it.

-- Steps in the order in which they run. Names are looked up and types written with search_path empty but for pg_catalog, so that
-- all are qualified. What has no statement is for people.
CREATE FUNCTION phiguard.removal_steps(OUT step integer, OUT object text, OUT statement text) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS $$
WITH RECURSIVE
member AS MATERIALIZED (
    SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'phiguard'),
our_type AS MATERIALIZED (
    SELECT t.oid, t.typtype, t.oid AS element FROM pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass
     -- Array types are members since 17; they follow their elements.
     WHERE NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT t.typarray, 'a', t.oid FROM pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass WHERE t.typarray <> 0),
-- Below a domain is its base type; any other type of ours is written out as text.
base AS (
    SELECT o.oid, o.oid AS top, o.element AS type, -1 AS typmod, 'd'::"char" AS typtype FROM our_type o
    UNION ALL
    SELECT b.oid, b.top, t.typbasetype, t.typtypmod, n.typtype FROM base b JOIN pg_type t ON t.oid = b.type JOIN pg_type n ON n.oid = t.typbasetype WHERE t.typtype = 'd'),
plain AS MATERIALIZED (
    SELECT o.oid, CASE WHEN x.type IS NULL THEN 'text' ELSE format_type(x.type, x.typmod) END || CASE WHEN o.typtype = 'a' THEN '[]' ELSE '' END AS type
      FROM our_type o LEFT JOIN LATERAL (SELECT b.type, b.typmod FROM base b WHERE b.oid = o.oid AND b.typtype <> 'd') x ON true),
typed_column AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attname, a.attinhcount, c.relkind, p.type
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN plain p ON p.oid = a.atttypid
     WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)),
-- What refers to us from outside.
dependent AS MATERIALIZED (
    SELECT DISTINCT d.classid, d.objid FROM pg_depend d
      JOIN (SELECT classid, objid FROM member UNION ALL SELECT 'pg_type'::regclass, oid FROM our_type) r ON r.classid = d.refclassid AND r.objid = d.refobjid
     WHERE d.deptype IN ('n', 'a') AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classid AND m.objid = d.objid)),
view_of_ours AS (
    SELECT c.oid, 0 AS depth, w.oid IS NOT NULL AS calls
      FROM pg_class c JOIN pg_rewrite r ON r.ev_class = c.oid LEFT JOIN (SELECT objid AS oid FROM dependent WHERE classid = 'pg_rewrite'::regclass) w ON w.oid = r.oid
     WHERE c.relkind IN ('v', 'm') AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid) AND
           (w.oid IS NOT NULL OR EXISTS (SELECT FROM pg_depend d JOIN typed_column t ON d.refobjid = t.attrelid AND d.refobjsubid = t.attnum
                                          WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass))
    UNION
    SELECT r.ev_class, v.depth + 1, v.calls OR EXISTS (SELECT FROM dependent x WHERE x.classid = 'pg_rewrite'::regclass AND x.objid = r.oid)
      FROM view_of_ours v JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid WHERE r.ev_class <> v.oid),
view AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relowner, c.relispopulated, c.relacl, c.reloptions, max(v.depth) AS depth, bool_or(v.calls) AS calls,
           CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS kind
      FROM view_of_ours v JOIN pg_class c ON c.oid = v.oid GROUP BY c.oid),
found AS (
    SELECT 1 AS step, 0 AS place, 'event trigger ' || evtname AS object, format('DROP EVENT TRIGGER %I', evtname) AS statement
      FROM pg_event_trigger t JOIN dependent d ON d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid
    UNION ALL
    SELECT 2, 0, format('publication %s of table %s', p.pubname, r.prrelid::regclass), format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, r.prrelid::regclass)
      FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = r.prrelid
    UNION ALL
    SELECT 2, 0, format('publication %s of schema phiguard', p.pubname), format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA phiguard', p.pubname)
      FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid WHERE r.pnnspid = 'phiguard'::regnamespace
    UNION ALL
    SELECT 3, -depth, format('%s %s%s', lower(kind), oid::regclass, CASE WHEN calls THEN ', which uses phiguard' ELSE ', which comes back in step 6' END),
           CASE WHEN NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = view.oid) AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = view.oid AND r.ev_type <> '1')
                THEN format('DROP %s %s', kind, oid::regclass) END
      FROM view
    UNION ALL
    SELECT 4, 0, pg_describe_object(d.classid, d.objid, 0), CASE
        WHEN d.classid = 'pg_proc'::regclass THEN format('DROP ROUTINE %s', d.objid::regprocedure)
        WHEN k.oid IS NOT NULL AND k.conrelid <> 0 THEN format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
        WHEN k.oid IS NOT NULL THEN format('ALTER DOMAIN %s DROP CONSTRAINT %I', k.contypid::regtype, k.conname)
        WHEN t.oid IS NOT NULL THEN format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        WHEN p.oid IS NOT NULL THEN format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
        WHEN f.oid IS NOT NULL THEN format('ALTER TABLE %s ALTER COLUMN %I DROP %s', f.adrelid::regclass, a.attname,
                                           CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)
        WHEN c.relkind IN ('i', 'I') THEN format('DROP INDEX %s', c.oid::regclass)
        WHEN s.oid IS NOT NULL THEN format('DROP STATISTICS %I.%I', s.stxnamespace::regnamespace::text, s.stxname) END
      FROM dependent d
      LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
      LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
      LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
      LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
      LEFT JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
      LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
     -- Parts of our own tables, and what other steps are about.
     WHERE d.classid NOT IN ('pg_rewrite'::regclass, 'pg_event_trigger'::regclass, 'pg_publication_rel'::regclass) AND
           NOT EXISTS (SELECT FROM typed_column x WHERE x.attrelid = c.oid) AND NOT EXISTS (SELECT FROM view v WHERE v.oid = c.oid) AND
           coalesce(c.relkind, 'i') IN ('i', 'I', 'f') AND coalesce(t.tgisinternal, false) = false AND
           NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid IN (k.conrelid, t.tgrelid, p.polrelid, f.adrelid, i.indrelid, s.stxrelid)) AND
           NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = k.contypid) AND
           NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM our_type o WHERE o.oid = d.objid))
    UNION ALL
    SELECT 5, attnum, format('column %I of %s', attname, attrelid::regclass), CASE
        WHEN relkind IN ('r', 'p') THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', attrelid::regclass, attname, type)
        WHEN relkind = 'f' THEN format('ALTER FOREIGN TABLE %s ALTER COLUMN %I TYPE %s', attrelid::regclass, attname, type)
        WHEN relkind = 'c' THEN format('ALTER TYPE %s ALTER ATTRIBUTE %I TYPE %s CASCADE', attrelid::regclass, attname, type) END
      FROM typed_column WHERE attinhcount = 0 AND relkind IN ('r', 'p', 'f', 'c')
    UNION ALL
    -- A materialized view is filled when it has its owner again: that runs its functions as the owner.
    SELECT 6, v.depth, format('%s %s comes back', lower(v.kind), v.oid::regclass),
           format('CREATE %s %s%s AS %s%s;', v.kind, v.oid::regclass, ' WITH (' || array_to_string(v.reloptions, ', ') || ')',
                  rtrim(pg_get_viewdef(v.oid), ';'), CASE v.relkind WHEN 'm' THEN ' WITH NO DATA' END) ||
           format(' ALTER %s %s OWNER TO %I;', v.kind, v.oid::regclass, pg_get_userbyid(v.relowner)) ||
           CASE WHEN v.relkind = 'm' AND v.relispopulated THEN format(' REFRESH MATERIALIZED VIEW %s;', v.oid::regclass) ELSE '' END ||
           coalesce((SELECT string_agg(format(' GRANT %s ON %s TO %s%s;', g.privilege_type, v.oid::regclass,
                                              CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                                              CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '')
                       FROM aclexplode(v.relacl) g), '') ||
           coalesce((SELECT string_agg(format(' %s;', pg_get_indexdef(i.indexrelid)), '') FROM pg_index i WHERE i.indrelid = v.oid), '') ||
           coalesce(format(' COMMENT ON %s %s IS ', v.kind, v.oid::regclass) || quote_literal(obj_description(v.oid, 'pg_class')) || ';', '')
      FROM view v WHERE NOT v.calls
    UNION ALL
    -- pg_seclabels does not quote the names of columns.
    SELECT 7, 0, format('label of %s %s', l.objtype, n.name), format('SECURITY LABEL FOR phiguard ON %s %s IS NULL', upper(l.objtype), n.name)
      FROM pg_seclabels l LEFT JOIN pg_attribute a ON l.classoid = 'pg_class'::regclass AND a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0,
           LATERAL (SELECT CASE WHEN a.attname IS NULL THEN l.objname ELSE format('%s.%I', l.objoid::regclass, a.attname) END AS name) n
     WHERE l.provider = 'phiguard' AND NOT EXISTS (SELECT FROM member m WHERE m.classid = l.classoid AND m.objid = l.objoid) AND
           NOT EXISTS (SELECT FROM view v WHERE l.classoid = 'pg_class'::regclass AND v.oid = l.objoid)
    UNION ALL
    SELECT 8, 0, format('setting %s of %s', s.name, coalesce('role ' || pg_get_userbyid(nullif(r.setrole, 0)), 'database ' || d.datname)),
           CASE WHEN r.setrole = 0 THEN format('ALTER DATABASE %I RESET %s', d.datname, s.name)
                WHEN r.setdatabase = 0 THEN format('ALTER ROLE %I RESET %s', pg_get_userbyid(r.setrole), s.name)
                ELSE format('ALTER ROLE %I IN DATABASE %I RESET %s', pg_get_userbyid(r.setrole), d.datname, s.name) END
      FROM pg_db_role_setting r LEFT JOIN pg_database d ON d.oid = r.setdatabase,
           LATERAL (SELECT split_part(u, '=', 1) AS name FROM unnest(r.setconfig) u) s
     WHERE s.name LIKE 'phiguard.%')
SELECT step, object, statement FROM found ORDER BY step, place, object
$$;
REVOKE ALL ON FUNCTION phiguard.removal_steps() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.removal_steps() IS 'What phiguard.prepare_removal() lists and does.';

CREATE FUNCTION phiguard.prepare_removal(dry_run boolean DEFAULT true, OUT step integer, OUT object text, OUT statement text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'must be superuser to take phiguard out' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A column that loses its type, and a view that comes back, get the label in its place: that goes the second time.
    FOR pass IN 1 .. CASE WHEN dry_run THEN 1 ELSE 2 END LOOP
        FOR step, object, statement IN SELECT s.step, s.object, s.statement FROM phiguard.removal_steps() s LOOP
            IF NOT dry_run AND statement IS NULL THEN
                RAISE EXCEPTION '% uses phiguard, and has to be changed by hand', object USING ERRCODE = 'dependent_objects_still_exist';
            ELSIF NOT dry_run THEN
                EXECUTE statement;
            END IF;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION phiguard.prepare_removal(boolean) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.prepare_removal(boolean) IS
'What stands in the way of DROP EXTENSION phiguard in this database, with the statements that undo it, in their order; with dry_run => false, which also runs them: columns get the types below
ours and keep their values, views over them come back as they were, what calls phiguard is dropped, labels are removed (those that columns got from their types come last). Without a statement: by hand. The journal''s files stay.
For superusers: raises 42501 for everybody else, 2BP01 for what has to be changed by hand, and what the statements raise; then nothing is changed.';
