-- The manifest of an extract: where its content comes from and what it is, to be kept beside what is made of it.

CREATE VIEW phiguard.determinations WITH (security_barrier) AS
SELECT schema::text, relation::text, expert, limits::jsonb, results::jsonb, within, valid_until, recorded, recorded_by::text
  FROM phiguard.extract_risk
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.determinations FROM PUBLIC;
GRANT SELECT ON phiguard.determinations TO PUBLIC;
COMMENT ON VIEW phiguard.determinations IS 'What experts have determined of extracts: phiguard.record_determination(). For officers and auditors.';
COMMENT ON COLUMN phiguard.determinations.within IS 'Whether the results keep the limits.';

-- Order does not matter, and a row counts as often as it is there: the hashes of the rows, sorted, hashed.
CREATE FUNCTION phiguard.extract_content(relation regclass, OUT rows bigint, OUT digest text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE STRICT
    SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'iso_8601' SET "TimeZone" = 'UTC'
    SET extra_float_digits = 1 SET bytea_output = 'hex' SET xmlbinary = 'base64' SET lc_monetary = 'C'
AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
      FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('SELECT count(*), encode(sha256(coalesce(string_agg(hash, ''''::bytea ORDER BY hash), '''')), ''hex'')
                      FROM (SELECT sha256(convert_to(ROW(%s)::text, ''UTF8'')) AS hash FROM %s) hashes', columns, relation)
       INTO rows, digest;
END
$$;
REVOKE ALL ON FUNCTION phiguard.extract_content(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.extract_content(regclass) TO PUBLIC;
COMMENT ON FUNCTION phiguard.extract_content(regclass) IS
'How many rows a relation has, and a digest of them: SHA-256 over the sorted SHA-256 of each row as text (ROW(...)::text in UTF-8, ISO dates, UTC). Reads as the caller does.
At most 33 million rows (54000 beyond). Relations of one digest hold the same rows, each as often, in whatever order.';

-- Content first: what is closed has no manifest.
CREATE FUNCTION phiguard.extract_manifest(name regclass, quasi name[] DEFAULT NULL, sensitive name[] DEFAULT '{}', subject name DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    released record;
    content record;
    measured jsonb;
    manifest jsonb;
BEGIN
    SELECT e.* INTO released FROM phiguard.extracts e
     WHERE (e.schema, e.relation) = (SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no extract "%s"', $1), HINT = 'phiguard.extracts lists them; phiguard.create_extract() makes one.';
    END IF;
    SELECT c.* INTO content FROM phiguard.extract_content($1) c;
    IF $2 IS NOT NULL THEN
        SELECT jsonb_build_object('quasi', to_jsonb($2), 'sensitive', to_jsonb($3), 'subject', $4,
                                  'metrics', jsonb_object_agg(coalesce(r.sensitive_column || '.' || r.metric, r.metric), CASE WHEN r.value < 'Infinity' THEN round(r.value::numeric, 9) END))
          INTO measured FROM phiguard.risk($1, $2, $3, $4) r;
    END IF;
    WITH checked AS (SELECT c.* FROM phiguard.check_extract(format('%I.%I', released.schema, released.relation)) c)
    SELECT jsonb_build_object(
             'manifest', 'phiguard extract', 'format', 1,
             'extract', format('%I.%I', released.schema, released.relation),
             'made', clock_timestamp(), 'made_by', session_user, 'database', current_database(),
             'method', released.method,
             'columns', (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'sources', to_jsonb(c.sources),
                                                             'transforms', to_jsonb(c.transforms), 'verdict', c.verdict, 'citation', c.citation) ORDER BY a.attnum)
                           FROM pg_attribute a LEFT JOIN checked c ON c.column_name = a.attname
                          WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped),
             'steered_by', (SELECT coalesce(jsonb_agg(DISTINCT s), '[]') FROM checked c, unnest(c.sources) s WHERE c.verdict = 'steers'),
             'purpose', (SELECT jsonb_build_object('name', p.purpose, 'code', p.code, 'basis', p.basis, 'description', p.description)
                           FROM phiguard.purposes p WHERE p.purpose = released.purpose),
             'agreement', (SELECT jsonb_build_object('name', a.name, 'kind', a.kind, 'party', a.party, 'effective', a.effective, 'expires', a.expires, 'reference', a.reference)
                             FROM phiguard.agreements a WHERE a.name = released.agreement),
             'attestation', CASE WHEN released.attested IS NOT NULL THEN
                            jsonb_build_object('text', released.attestation, 'by', released.attested_by, 'on', released.attested, 'until', released.attested_until) END,
             'determination', (SELECT jsonb_build_object('expert', d.expert, 'limits', d.limits, 'results', d.results, 'on', d.recorded, 'until', d.valid_until)
                                 FROM phiguard.determinations d WHERE (d.schema, d.relation) = (released.schema, released.relation) ORDER BY d.recorded DESC LIMIT 1),
             'risk', measured,
             'rows', content.rows,
             'content', jsonb_build_object('algorithm', 'sha256 of the sorted sha256 of rows', 'digest', content.digest),
             'journal', (SELECT jsonb_build_object('node', s.node, 'position', s.position) FROM phiguard.journal_status s),
             'versions', jsonb_build_object('phiguard', (SELECT x.extversion FROM pg_extension x WHERE x.extname = 'phiguard'),
                                            'postgresql', current_setting('server_version'), 'zip3', 'union of Census 2000, 2010, 2020'))
      INTO manifest;
    RETURN manifest;
END
$$;
REVOKE ALL ON FUNCTION phiguard.extract_manifest(regclass, name[], name[], name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.extract_manifest(regclass, name[], name[], name) TO PUBLIC;
COMMENT ON FUNCTION phiguard.extract_manifest(regclass, name[], name[], name) IS
'What an extract is, as JSON for a model card: columns with sources, transforms and citations, method, purpose, agreement, attestation, determination, rows, a digest of the content
(phiguard.extract_content), the journal''s position, versions. quasi, sensitive, subject: also its risk, as phiguard.risk() measures it. docs/extract-manifest.schema.json is its schema.
Reads the extract as the caller does, on record, and checks it as phiguard.check_extract() does. For officers and auditors who may read it: raises 42501 for everybody else and for a closed one, 42704 for what is no extract.';

CREATE FUNCTION phiguard.verify_manifest(manifest jsonb, OUT part text, OUT finding text, OUT recorded jsonb, OUT present jsonb) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "TimeZone" = 'UTC'
AS $$
#variable_conflict use_variable
DECLARE
    relid regclass := to_regclass(manifest ->> 'extract');
    closed text;
    now_is jsonb;
BEGIN
    IF manifest ->> 'manifest' IS DISTINCT FROM 'phiguard extract' OR manifest -> 'format' IS DISTINCT FROM '1' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'this is no manifest of an extract', HINT = 'Give what phiguard.extract_manifest() returned.';
    END IF;
    SELECT e.closed INTO closed FROM phiguard.extracts e WHERE format('%I.%I', e.schema, e.relation) = manifest ->> 'extract';
    IF NOT FOUND OR relid IS NULL THEN
        part := 'extract'; finding := 'there is no such extract'; recorded := manifest -> 'extract';
        RETURN NEXT;
        RETURN;
    ELSIF closed IS NOT NULL THEN
        part := 'extract'; finding := 'it is closed'; recorded := manifest -> 'extract'; present := to_jsonb(closed);
        RETURN NEXT;
        RETURN;
    END IF;
    IF jsonb_typeof(manifest -> 'risk') = 'object' THEN
        now_is := phiguard.extract_manifest(relid, ARRAY(SELECT jsonb_array_elements_text(manifest -> 'risk' -> 'quasi')::name),
                                            ARRAY(SELECT jsonb_array_elements_text(manifest -> 'risk' -> 'sensitive')::name), (manifest -> 'risk' ->> 'subject')::name);
    ELSE
        now_is := phiguard.extract_manifest(relid);
    END IF;
    FOREACH part IN ARRAY '{method,columns,steered_by,purpose,agreement,attestation,determination,risk,rows,content,versions,database}'::text[] LOOP
        recorded := manifest -> part;
        present := now_is -> part;
        finding := 'it is not what the manifest says';
        IF recorded IS DISTINCT FROM present THEN
            RETURN NEXT;
        END IF;
    END LOOP;
    part := 'journal';
    recorded := manifest -> part;
    present := now_is -> part;
    finding := 'the journal has not come as far as the manifest says';
    IF recorded -> 'node' = present -> 'node' AND coalesce((present ->> 'position')::bigint < (recorded ->> 'position')::bigint, true) THEN
        RETURN NEXT;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION phiguard.verify_manifest(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.verify_manifest(jsonb) TO PUBLIC;
COMMENT ON FUNCTION phiguard.verify_manifest(jsonb) IS
'Is an extract still what a manifest says? A row for each part that is not: what the manifest has, and what is now; none when all is the same. A manifest from another node of the journal is not compared with its position.
Reads the extract as the caller does, on record. For officers and auditors who may read it: raises 42501 for everybody else, 22023 for what is no manifest.';
