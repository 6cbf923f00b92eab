-- Extracts: views that are proven to meet a method of de-identification; and the agreements under which data go out.

CREATE TABLE phiguard.agreement (
    name       text COLLATE "C" NOT NULL PRIMARY KEY,
    kind       text NOT NULL,
    party      text NOT NULL,
    purposes   text[] NOT NULL,
    effective  timestamptz NOT NULL,
    expires    timestamptz,
    reference  text,
    ended      timestamptz,
    created    timestamptz NOT NULL,
    created_by name NOT NULL
);

-- By name, as policies: the row goes with the view, and follows its renames.
CREATE TABLE phiguard.extract (
    schema         name NOT NULL,
    relation       name NOT NULL,
    purpose        text NOT NULL,
    method         text NOT NULL,
    agreement      text,
    owner          name NOT NULL,
    pin            text NOT NULL,
    checked        timestamptz NOT NULL,
    checked_by     name NOT NULL,
    attestation    text,
    attested       timestamptz,
    attested_by    name,
    attested_until timestamptz,
    attested_pin   text,
    redacted       text[],
    created        timestamptz NOT NULL,
    created_by     name NOT NULL
);

CREATE TABLE phiguard.extract_risk (
    schema      name NOT NULL,
    relation    name NOT NULL,
    pin         text NOT NULL,
    expert      text NOT NULL,
    limits      text NOT NULL,
    results     text NOT NULL,
    within      boolean NOT NULL,
    valid_until timestamptz NOT NULL,
    recorded    timestamptz NOT NULL,
    recorded_by name NOT NULL
);

REVOKE ALL ON phiguard.agreement, phiguard.extract, phiguard.extract_risk FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.agreement', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.extract', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.extract_risk', '');
COMMENT ON TABLE phiguard.agreement IS 'Agreements with those who get data: phiguard.create_agreement(). Read the view phiguard.agreements.';
COMMENT ON TABLE phiguard.extract IS 'Views that are extracts: phiguard.create_extract(). Read the view phiguard.extracts.';
COMMENT ON TABLE phiguard.extract_risk IS 'What experts have determined of extracts: phiguard.record_determination().';
COMMENT ON COLUMN phiguard.extract.pin IS 'SHA-256 of all that the proof went by. An extract for which it has changed is closed until phiguard.check_extract().';
COMMENT ON COLUMN phiguard.extract.attested_pin IS 'The attestation counts for what it was made of.';
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.agreement
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.extract
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.extract_risk
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
ALTER TABLE phiguard.agreement ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.extract ENABLE ALWAYS TRIGGER policies_changed;
ALTER TABLE phiguard.extract_risk ENABLE ALWAYS TRIGGER policies_changed;

-- What each method says of a label. Of several rows the one holds that names the transform, then the one that names the kind.
CREATE TABLE phiguard.method_rule (
    method    text NOT NULL,
    category  text NOT NULL,
    kind      text,
    transform text,
    verdict   text NOT NULL CHECK (verdict IN ('passes', 'refused', 'attest')),
    citation  text NOT NULL,
    advice    text
);
REVOKE ALL ON phiguard.method_rule FROM PUBLIC;
GRANT SELECT ON phiguard.method_rule TO PUBLIC;
COMMENT ON TABLE phiguard.method_rule IS
'What methods of de-identification say of what is left of a column in an extract; a category that a method has no row for is refused. Part of what extracts are pinned to.';
COMMENT ON COLUMN phiguard.method_rule.transform IS 'NULL: the row is about the label that is left; else about the column''s own label, where it went through this transform.';
COMMENT ON COLUMN phiguard.method_rule.verdict IS 'passes, refused, or attest: passes where the attestation names the output column.';
CREATE TRIGGER policies_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.method_rule
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.policies_changed();
ALTER TABLE phiguard.method_rule ENABLE ALWAYS TRIGGER policies_changed;

INSERT INTO phiguard.method_rule (method, category, kind, transform, verdict, citation, advice) VALUES
('safe_harbor', 'none', NULL, NULL, 'passes', '45 CFR 164.514(b)(2)(i)', NULL),
('safe_harbor', 'quasi', NULL, NULL, 'passes', '45 CFR 164.514(b)(2)(i)', NULL),
('safe_harbor', 'clinical', NULL, NULL, 'passes', '45 CFR 164.514(b)(2)(i)', NULL),
('safe_harbor', 'token', NULL, NULL, 'refused', '45 CFR 164.514(c)(1)', 'a code that is derived from a value is not allowed: use surrogate(), or leave it out'),
('safe_harbor', 'token', 'random', NULL, 'passes', '45 CFR 164.514(c)', NULL),
('safe_harbor', 'name', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(A)', 'leave it out'),
('safe_harbor', 'geo', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(B)', 'leave it out; of a ZIP code zip3() may stay, and the state'),
('safe_harbor', 'geo', 'state', NULL, 'passes', '45 CFR 164.514(b)(2)(i)(B)', NULL),
('safe_harbor', 'geo', 'zip', NULL, 'refused', '45 CFR 164.514(b)(2)(i)(B)', 'use zip3()'),
('safe_harbor', 'date', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(C)', 'use year(); of a date of birth birth_year(..., current_date) or age_90()'),
('safe_harbor', 'date', NULL, 'year', 'refused', '45 CFR 164.514(b)(2)(i)(C)',
 'whose year tells an age over 89 is not known: use birth_year(..., current_date) of a birth, or label the column date kind=event'),
('safe_harbor', 'date', 'birth', 'year', 'refused', '45 CFR 164.514(b)(2)(i)(C)', 'the year of birth tells an age over 89: use birth_year(..., current_date) or age_90()'),
('safe_harbor', 'date', 'event', 'year', 'passes', '45 CFR 164.514(b)(2)(i)(C)', NULL),
('safe_harbor', 'date', 'death', 'year', 'passes', '45 CFR 164.514(b)(2)(i)(C)', NULL),
('safe_harbor', 'date', NULL, 'birth_year', 'passes', '45 CFR 164.514(b)(2)(i)(C)', NULL),
('safe_harbor', 'date', NULL, 'age_90', 'passes', '45 CFR 164.514(b)(2)(i)(C)', NULL),
('safe_harbor', 'age', NULL, 'age_90', 'passes', '45 CFR 164.514(b)(2)(i)(C)', NULL),
('safe_harbor', 'geo', 'zip', 'zip3', 'passes', '45 CFR 164.514(b)(2)(i)(B)', NULL),
('safe_harbor', 'age', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(C)', 'use age_90()'),
('safe_harbor', 'phone', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(D)', 'leave it out'),
('safe_harbor', 'fax', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(E)', 'leave it out'),
('safe_harbor', 'email', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(F)', 'leave it out'),
('safe_harbor', 'ssn', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(G)', 'leave it out; no part of it may stay'),
('safe_harbor', 'mrn', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(H)', 'use surrogate(), or leave it out'),
('safe_harbor', 'health_plan', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(I)', 'use surrogate(), or leave it out'),
('safe_harbor', 'account', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(J)', 'use surrogate(), or leave it out'),
('safe_harbor', 'license', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(K)', 'use surrogate(), or leave it out'),
('safe_harbor', 'vehicle', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(L)', 'leave it out'),
('safe_harbor', 'device', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(M)', 'use surrogate(), or leave it out'),
('safe_harbor', 'url', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(N)', 'leave it out'),
('safe_harbor', 'ip', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(O)', 'leave it out'),
('safe_harbor', 'biometric', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(P)', 'leave it out'),
('safe_harbor', 'photo', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(Q)', 'leave it out'),
('safe_harbor', 'other', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)(R)', 'use surrogate(), or leave it out'),
('safe_harbor', 'note', NULL, NULL, 'refused', '45 CFR 164.514(b)(2)(i)', 'leave it out, or use redact() and name the column in the attestation'),
('safe_harbor', 'note', NULL, 'redact', 'attest', '45 CFR 164.514(b)(2)(ii)', 'name the column in phiguard.attest_extract(..., redacted): detection does not find everything'),
('limited_data_set', 'none', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'quasi', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'clinical', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'token', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'date', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'age', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'other', NULL, NULL, 'passes', '45 CFR 164.514(e)(2)', NULL),
('limited_data_set', 'name', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(i)', 'leave it out'),
('limited_data_set', 'geo', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(ii)', 'leave it out; city, state and ZIP code may stay'),
('limited_data_set', 'geo', 'city', NULL, 'passes', '45 CFR 164.514(e)(2)(ii)', NULL),
('limited_data_set', 'geo', 'state', NULL, 'passes', '45 CFR 164.514(e)(2)(ii)', NULL),
('limited_data_set', 'geo', 'zip', NULL, 'passes', '45 CFR 164.514(e)(2)(ii)', NULL),
('limited_data_set', 'phone', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(iii)', 'leave it out'),
('limited_data_set', 'fax', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(iv)', 'leave it out'),
('limited_data_set', 'email', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(v)', 'leave it out'),
('limited_data_set', 'ssn', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(vi)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'mrn', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(vii)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'health_plan', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(viii)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'account', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(ix)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'license', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(x)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'vehicle', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xi)', 'leave it out'),
('limited_data_set', 'device', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xii)', 'use token() or surrogate(), or leave it out'),
('limited_data_set', 'url', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xiii)', 'leave it out'),
('limited_data_set', 'ip', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xiv)', 'leave it out'),
('limited_data_set', 'biometric', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xv)', 'leave it out'),
('limited_data_set', 'photo', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)(xvi)', 'leave it out'),
('limited_data_set', 'note', NULL, NULL, 'refused', '45 CFR 164.514(e)(2)', 'leave it out: free text may hold any of them');

-- An expert decides on the rest; nobody releases a direct identifier.
INSERT INTO phiguard.method_rule (method, category, kind, transform, verdict, citation, advice)
SELECT 'expert_determination', category, kind, transform, verdict, '45 CFR 164.514(b)(1)',
       CASE WHEN category = 'note' THEN 'leave it out, or use redact()' WHEN category = 'geo' THEN 'use zip3(), or leave it out' ELSE advice END
  FROM phiguard.method_rule
 WHERE method = 'limited_data_set';
INSERT INTO phiguard.method_rule (method, category, kind, transform, verdict, citation, advice) VALUES
('expert_determination', 'note', NULL, 'redact', 'passes', '45 CFR 164.514(b)(1)', NULL);

-- Twins for extracts: those who read one call no transform themselves.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid, p.proname, pg_catalog.pg_get_function_result(p.oid) AS returns, p.procost, r.*,
                    pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ',') AS arguments
               FROM phiguard.transform_registry r
               JOIN pg_catalog.pg_proc p ON p.pronamespace = 'phiguard'::regnamespace AND
                    r.function = pg_catalog.format('phiguard.%I(%s)', p.proname, pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ','))
              WHERE r.builtin AND r.form IN ('keyed', 'sealed', 'random', 'redaction') AND r.function NOT LIKE '%(internal,%'
              ORDER BY r.function COLLATE "C"
    LOOP
        EXECUTE pg_catalog.format('CREATE FUNCTION phiguard.%I(internal,%s,internal) RETURNS %s LANGUAGE C STABLE PARALLEL SAFE COST %s AS %L, %L',
                                  f.proname, f.arguments, f.returns, f.procost, 'MODULE_PATHNAME', 'phiguard_twin_in_extract');
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION phiguard.%I(internal,%s,internal) FROM PUBLIC', f.proname, f.arguments);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION phiguard.%I(internal,%s,internal) TO PUBLIC', f.proname, f.arguments);
        EXECUTE pg_catalog.format('COMMENT ON FUNCTION phiguard.%I(internal,%s,internal) IS %L', f.proname, f.arguments,
                                  'What extracts put in place of phiguard.' || f.proname || '(). Internal: nobody can call it.');
        INSERT INTO phiguard.transform_registry (function, name, form, result, categories, kinds, reversible, methods, builtin, source)
        VALUES (pg_catalog.format('phiguard.%I(internal,%s,internal)', f.proname, f.arguments), f.name, f.form, f.result, f.categories, f.kinds, f.reversible, f.methods, true, f.source);
    END LOOP;
END
$$;

-- By UTC: whoever could choose the time zone would see more than the year.
CREATE FUNCTION phiguard.year(internal, timestamptz, internal) RETURNS integer
    LANGUAGE C STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_twin_year_in_extract';
REVOKE ALL ON FUNCTION phiguard.year(internal, timestamptz, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.year(internal, timestamptz, internal) TO PUBLIC;
COMMENT ON FUNCTION phiguard.year(internal, timestamptz, internal) IS 'What extracts put in place of phiguard.year(timestamptz): the year by UTC. Internal: nobody can call it.';
INSERT INTO phiguard.transform_registry (function, name, form, result, categories, kinds, reversible, methods, builtin, source)
SELECT 'phiguard.year(internal,timestamp with time zone,internal)', name, form, result, categories, kinds, reversible, methods, true, source
  FROM phiguard.transform_registry
 WHERE function = 'phiguard.year(timestamp with time zone)';

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.create_agreement(name text, kind text, party text, purposes text[], effective timestamptz DEFAULT NULL, expires timestamptz DEFAULT NULL,
                                          reference text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_create_agreement';
REVOKE ALL ON FUNCTION phiguard.create_agreement(text, text, text, text[], timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.create_agreement(text, text, text, text[], timestamptz, timestamptz, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.create_agreement(text, text, text, text[], timestamptz, timestamptz, text) IS
'An agreement with a party that gets data. kind: BAA (45 CFR 164.504(e)) or DUA (164.514(e)(4)). purposes: those that it permits. effective: now, unless said. expires: never, unless said.
reference: where it is filed. For the officer; a record of kind policy. Raises 42501 for everybody else, 42710 where there is one, 42704 for an unknown purpose, 22023 for other words and times that are over.';

CREATE FUNCTION phiguard.replace_agreement(name text, kind text, party text, purposes text[], effective timestamptz DEFAULT NULL, expires timestamptz DEFAULT NULL,
                                           reference text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_replace_agreement';
REVOKE ALL ON FUNCTION phiguard.replace_agreement(text, text, text, text[], timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.replace_agreement(text, text, text, text[], timestamptz, timestamptz, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.replace_agreement(text, text, text, text[], timestamptz, timestamptz, text) IS
'Other terms for an agreement, also one that has been ended: they hold from now on, for all its extracts. For the officer; a record of kind policy.
Raises as phiguard.create_agreement(), and 42704 where there is none.';

CREATE FUNCTION phiguard.end_agreement(name text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_end_agreement';
REVOKE ALL ON FUNCTION phiguard.end_agreement(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.end_agreement(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.end_agreement(text) IS
'Ends an agreement now: its extracts are closed, also in open sessions. For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is none.';

CREATE FUNCTION phiguard.create_extract(name text, query text, purpose text, method text DEFAULT 'safe_harbor', agreement text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_create_extract';
REVOKE ALL ON FUNCTION phiguard.create_extract(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.create_extract(text, text, text, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.create_extract(text, text, text, text, text) IS
'A view of that name, of the caller''s, which is proven to meet a method of de-identification: safe_harbor (45 CFR 164.514(b)(2)), limited_data_set (164.514(e)) or expert_determination (164.514(b)(1)).
In the query a labelled column is read as it is only by transforms that the method accepts, elsewhere as the purpose shows it. Keyed and random codes are of the agreement''s key domain, or the purpose''s.
Whoever has SELECT on the view reads it for this purpose, on record as kind disclosure. For the officer; a record of kind policy.
Raises 42501 for everybody else, and, with all that is wrong, for a query that does not meet the method; 42704 for an unknown purpose or agreement, 22023 for another method, and what CREATE VIEW raises.';

CREATE FUNCTION phiguard.replace_extract(name text, query text DEFAULT NULL, purpose text DEFAULT NULL, method text DEFAULT NULL, agreement text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_replace_extract';
REVOKE ALL ON FUNCTION phiguard.replace_extract(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.replace_extract(text, text, text, text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.replace_extract(text, text, text, text, text) IS
'Another query, purpose, method or agreement for an extract; NULL leaves what is. Its columns stay, others may come behind them, as for CREATE OR REPLACE VIEW. It is proven, and has to be attested, anew.
For the officer; a record of kind policy. Raises as phiguard.create_extract(), and 42704 where there is none.';

CREATE FUNCTION phiguard.drop_extract(name text) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_drop_extract';
REVOKE ALL ON FUNCTION phiguard.drop_extract(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.drop_extract(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.drop_extract(text) IS
'Drops an extract with its view. For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is none, 2BP01 where something depends on the view.';

CREATE FUNCTION phiguard.attest_extract(name text, attestation text, valid interval DEFAULT '1 year', redacted text[] DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_attest_extract';
REVOKE ALL ON FUNCTION phiguard.attest_extract(text, text, interval, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.attest_extract(text, text, interval, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.attest_extract(text, text, interval, text[]) IS
'The caller attests that there is no actual knowledge that what an extract shows could identify a person. A Safe Harbor extract is closed without one that is valid, and of the extract as it is.
redacted: output columns of redacted free text that it covers. For the officer; a record of kind policy, without the text. Raises 42501 for everybody else, 42704 where there is none, 22023 for an empty text. Source: 45 CFR 164.514(b)(2)(ii).';

CREATE FUNCTION phiguard.within_limits(limits jsonb, results jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
SELECT coalesce(bool_and(CASE WHEN jsonb_typeof(results -> l.key) = 'number' AND (l.value ? 'min' OR l.value ? 'max')
                              THEN coalesce((results -> l.key)::numeric >= (l.value -> 'min')::numeric, NOT l.value ? 'min') AND
                                   coalesce((results -> l.key)::numeric <= (l.value -> 'max')::numeric, NOT l.value ? 'max')
                              ELSE false END), false)
  FROM jsonb_each(limits) l
$$;
REVOKE ALL ON FUNCTION phiguard.within_limits(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.within_limits(jsonb, jsonb) TO PUBLIC;
COMMENT ON FUNCTION phiguard.within_limits(jsonb, jsonb) IS
'Whether results keep all limits: {"k": {"min": 11}, "prosecutor_max": {"max": 0.09}}. False where there is no limit, or a result is missing. NULL in, NULL out. Raises 22023 for a limit that is no number.';

CREATE FUNCTION phiguard.record_determination(name text, expert text, limits jsonb, results jsonb, valid interval DEFAULT '1 year') RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_record_determination';
REVOKE ALL ON FUNCTION phiguard.record_determination(text, text, jsonb, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.record_determination(text, text, jsonb, jsonb, interval) TO PUBLIC;
COMMENT ON FUNCTION phiguard.record_determination(text, text, jsonb, jsonb, interval) IS
'What an expert has determined of an extract as it is: limits as phiguard.within_limits() takes them, and results. Returns whether they are kept: an extract by expert determination is closed without one that is, and is valid.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 where there is no such extract. Source: 45 CFR 164.514(b)(1).';

CREATE FUNCTION phiguard.check_extract(name text, OUT column_name text, OUT sources text[], OUT transforms text[], OUT verdict text, OUT citation text, OUT advice text)
    RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20
    AS 'MODULE_PATHNAME', 'phiguard_check_extract';
REVOKE ALL ON FUNCTION phiguard.check_extract(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.check_extract(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.check_extract(text) IS
'The proof of an extract, made anew: a row per output column (passes, attest or refused), one for each labelled column that only decides which rows there are (steers), one for each thing that is wrong with the whole, and at the end
open or closed. Where nothing is refused and a privacy officer asks, the extract is pinned to what it is now. For officers and auditors: raises 42501 for everybody else, 42704 where there is none.';

CREATE FUNCTION phiguard.extract_state(schema name, relation name) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_extract_state';
REVOKE ALL ON FUNCTION phiguard.extract_state(name, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.extract_state(name, name) TO PUBLIC;
COMMENT ON FUNCTION phiguard.extract_state(name, name) IS 'Why an extract is closed; NULL while it is open. Internal: read the view phiguard.extracts.';

CREATE VIEW phiguard.agreements WITH (security_barrier) AS
SELECT name, kind, party, purposes, effective, expires, reference, ended, created, created_by::text,
       effective <= pg_catalog.clock_timestamp() AND coalesce(expires > pg_catalog.clock_timestamp(), true) AND ended IS NULL AS in_force
  FROM phiguard.agreement
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.agreements FROM PUBLIC;
GRANT SELECT ON phiguard.agreements TO PUBLIC;
COMMENT ON VIEW phiguard.agreements IS 'Agreements with those who get data: phiguard.create_agreement(). For officers and auditors.';

CREATE VIEW phiguard.extracts WITH (security_barrier) AS
SELECT schema::text, relation::text, purpose, method, e.agreement, a.party AS recipient, owner::text, phiguard.extract_state(schema, relation) AS closed,
       checked, checked_by::text, attestation, attested, attested_by::text, attested_until, redacted, e.created, e.created_by::text
  FROM phiguard.extract e LEFT JOIN phiguard.agreement a ON a.name = e.agreement
 WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.extracts FROM PUBLIC;
GRANT SELECT ON phiguard.extracts TO PUBLIC;
COMMENT ON VIEW phiguard.extracts IS 'Extracts: phiguard.create_extract(). For officers and auditors.';
COMMENT ON COLUMN phiguard.extracts.closed IS 'Why nobody can read it now; NULL while it is open.';
