-- Reports by person: who saw the data of one, the accounting of disclosures, and what a breach needs.

-- Who may ask is checked inside: the auditor's and the officer's roles are settings, unknown here.

CREATE FUNCTION phiguard.who_saw(
	relation regclass,
	key text,
	since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT NULL,
	directories text[] DEFAULT NULL,
	also_named text[] DEFAULT NULL,
	OUT started timestamptz,
	OUT ended timestamptz,
	OUT node text,
	OUT "position" bigint,
	OUT kind text,
	OUT command text,
	OUT login_role text,
	OUT active_role text,
	OUT app_user text,
	OUT client inet,
	OUT application text,
	OUT purpose text,
	OUT justification text,
	OUT "extract" text,
	OUT recipient text,
	OUT flags text[],
	OUT columns text[],
	OUT certainty text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'phiguard_who_saw';
REVOKE ALL ON FUNCTION phiguard.who_saw(regclass, text, timestamptz, timestamptz, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.who_saw(regclass, text, timestamptz, timestamptz, text[], text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.who_saw(regclass, text, timestamptz, timestamptz, text[], text[]) IS
'Every record in which the data of one person left, was written, or may have been: relation and key say who, as in subject= of the table; the row itself may be gone.
columns: in what form each left (column=form), or what was only referenced. certainty: seen (rows of the person left), aggregate (they went into what left), written, possible (the record does not name everybody, and reached a table of the same persons).
Executions that began then: since is included, until is not. Read are all journals in this server''s directory, and those in directories (absolute paths; their reader must be a member of pg_read_server_files); what several copies hold is one row. also_named: names that tables with the same persons had before, as schema.table.
For officers and auditors: raises 42501 for everybody else, 55000 for a relation without subject, PG002 without the key. Each reading is itself on record, as kind log_read, without the key. Source: 45 CFR 164.528, 164.402(2), 164.312(b).';

-- The grounds on which PHI may have left, and whether an individual is told.
CREATE TABLE phiguard.disclosure_basis (
	basis text COLLATE "C" NOT NULL PRIMARY KEY,
	citation text NOT NULL,
	accounted boolean NOT NULL,
	excluded_by text,
	description text NOT NULL,
	repeats boolean NOT NULL DEFAULT false,
	CHECK (accounted = (excluded_by IS NULL))
);
REVOKE ALL ON phiguard.disclosure_basis FROM PUBLIC;
GRANT SELECT ON phiguard.disclosure_basis TO PUBLIC;
COMMENT ON TABLE phiguard.disclosure_basis IS
'Grounds of disclosures, for phiguard.record_disclosure(), and by which paragraph of 45 CFR 164.528(a)(1) some are not accounted for. De-identified data is no PHI: 164.502(d)(2). repeats: several may be one entry: (b)(3).';
INSERT INTO phiguard.disclosure_basis (basis, citation, accounted, excluded_by, description) VALUES
	('treatment', '164.506(c)(2)', false, '164.528(a)(1)(i)', 'Treatment'),
	('payment', '164.506(c)(3)', false, '164.528(a)(1)(i)', 'Payment'),
	('operations', '164.506(c)(4)', false, '164.528(a)(1)(i)', 'Health care operations'),
	('individual', '164.502(a)(1)(i)', false, '164.528(a)(1)(ii)', 'To the individual'),
	('incident', '164.502(a)(1)(iii)', false, '164.528(a)(1)(iii)', 'Incident to a permitted use or disclosure'),
	('authorization', '164.508', false, '164.528(a)(1)(iv)', 'On the individual''s authorization'),
	('directory', '164.510(a)', false, '164.528(a)(1)(v)', 'Facility directory'),
	('involved_in_care', '164.510(b)', false, '164.528(a)(1)(v)', 'Persons involved in the individual''s care, notification'),
	('national_security', '164.512(k)(2)', false, '164.528(a)(1)(vi)', 'National security or intelligence'),
	('custody', '164.512(k)(5)', false, '164.528(a)(1)(vii)', 'Correctional institutions, law enforcement custody'),
	('limited_data_set', '164.514(e)', false, '164.528(a)(1)(viii)', 'Part of a limited data set'),
	('deidentified', '164.502(d)(2)', false, '164.502(d)(2)', 'De-identified: no PHI'),
	('secretary', '164.502(a)(2)(ii)', true, NULL, 'To the Secretary of HHS, to investigate or determine compliance'),
	('required_by_law', '164.512(a)', true, NULL, 'Required by law'),
	('public_health', '164.512(b)', true, NULL, 'Public health activities'),
	('abuse', '164.512(c)', true, NULL, 'Victims of abuse, neglect or domestic violence'),
	('oversight', '164.512(d)', true, NULL, 'Health oversight'),
	('judicial', '164.512(e)', true, NULL, 'Judicial and administrative proceedings'),
	('law_enforcement', '164.512(f)', true, NULL, 'Law enforcement'),
	('decedents', '164.512(g)', true, NULL, 'Coroners, medical examiners, funeral directors'),
	('organ_donation', '164.512(h)', true, NULL, 'Organ, eye or tissue donation'),
	('research', '164.512(i)', true, NULL, 'Research under a waiver of authorization'),
	('serious_threat', '164.512(j)', true, NULL, 'Serious threat to health or safety'),
	('government', '164.512(k)', true, NULL, 'Other specialized government functions'),
	('workers_compensation', '164.512(l)', true, NULL, 'Workers'' compensation'),
	('impermissible', '164.402', true, NULL, 'Not permitted: a breach, or an error');
UPDATE phiguard.disclosure_basis SET repeats = true
	WHERE excluded_by IS NOT NULL OR citation = '164.502(a)(2)(ii)' OR citation LIKE '164.512%';

CREATE TABLE phiguard.disclosure (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subjects text[] NOT NULL,
	recipient text NOT NULL,
	address text,
	description text NOT NULL,
	basis text COLLATE "C" NOT NULL,
	purpose text,
	request text,
	disclosed timestamptz NOT NULL,
	times integer NOT NULL,
	last_disclosed timestamptz NOT NULL,
	protocol jsonb,
	recorded timestamptz NOT NULL,
	recorded_by name NOT NULL
);
CREATE INDEX ON phiguard.disclosure USING gin (subjects);
CREATE TABLE phiguard.accounting_suspension (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	recipient text NOT NULL,
	subject text,
	suspended_until timestamptz NOT NULL,
	statement text NOT NULL,
	official text NOT NULL,
	written boolean NOT NULL,
	recorded timestamptz NOT NULL,
	recorded_by name NOT NULL
);
REVOKE ALL ON phiguard.disclosure, phiguard.accounting_suspension FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.disclosure', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.disclosure_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.accounting_suspension', '');
SELECT pg_catalog.pg_extension_config_dump('phiguard.accounting_suspension_id_seq', '');
COMMENT ON TABLE phiguard.disclosure IS 'Disclosures outside of the database: phiguard.record_disclosure(). Persons are tokens.';
COMMENT ON TABLE phiguard.accounting_suspension IS 'Whose disclosures an individual is not told of for a time: phiguard.suspend_accounting().';

CREATE VIEW phiguard.recorded_disclosures WITH (security_barrier) AS
SELECT d.id, d.subjects, d.recipient, d.address, d.description, d.basis, b.citation, b.accounted, b.excluded_by, d.purpose, d.request,
	d.disclosed, d.times, d.last_disclosed, d.protocol, d.recorded, d.recorded_by::text
FROM phiguard.disclosure d LEFT JOIN phiguard.disclosure_basis b ON b.basis = d.basis
WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.recorded_disclosures FROM PUBLIC;
GRANT SELECT ON phiguard.recorded_disclosures TO PUBLIC;
COMMENT ON VIEW phiguard.recorded_disclosures IS 'What phiguard.record_disclosure() wrote down. For officers and auditors.';
CREATE VIEW phiguard.accounting_suspensions WITH (security_barrier) AS
SELECT id, recipient, subject, suspended_until, statement, official, written, recorded, recorded_by::text
FROM phiguard.accounting_suspension
WHERE phiguard.reads_policies();
REVOKE ALL ON phiguard.accounting_suspensions FROM PUBLIC;
GRANT SELECT ON phiguard.accounting_suspensions TO PUBLIC;
COMMENT ON VIEW phiguard.accounting_suspensions IS 'What phiguard.suspend_accounting() wrote down: 45 CFR 164.528(a)(2). For officers and auditors.';

CREATE FUNCTION phiguard.is_protocol(protocol jsonb) RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT coalesce(jsonb_typeof(protocol) = 'object' AND (SELECT bool_and(coalesce(protocol ->> part, '') <> '')
	FROM unnest('{name,description,criteria,data,period,sponsor,researcher}'::text[]) part), false);
END;
REVOKE ALL ON FUNCTION phiguard.is_protocol(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.is_protocol(jsonb) IS
'Does it say of a research protocol what an accounting must tell? Internal. Source: 45 CFR 164.528(b)(4)(i).';

CREATE FUNCTION phiguard.record_disclosure(
	relation regclass,
	keys text[],
	recipient text,
	description text,
	basis text,
	purpose text DEFAULT NULL,
	disclosed timestamptz DEFAULT now(),
	address text DEFAULT NULL,
	request text DEFAULT NULL,
	times integer DEFAULT 1,
	last_disclosed timestamptz DEFAULT NULL,
	protocol jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'phiguard_record_disclosure';
REVOKE ALL ON FUNCTION phiguard.record_disclosure(regclass, text[], text, text, text, text, timestamptz, text, text, integer, timestamptz, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.record_disclosure(regclass, text[], text, text, text, text, timestamptz, text, text, integer, timestamptz, jsonb) TO PUBLIC;
COMMENT ON FUNCTION phiguard.record_disclosure(regclass, text[], text, text, text, text, timestamptz, text, text, integer, timestamptz, jsonb) IS
'Writes down a disclosure outside of the database, and returns its number: of which persons (relation and keys), to whom, what, on which basis (one of phiguard.disclosure_basis), and for which purpose, or a copy of the request.
times and last_disclosed: made that often, to the same recipient for one purpose (45 CFR 164.528(b)(3)), where the basis allows that. protocol: research on 50 persons or more ((b)(4)): an object with name, description (and purpose), criteria (by which records were selected), data (the type of PHI), period (or date, and the last one),
sponsor and researcher (name, address, telephone); without keys it may concern everybody.
A record of kind disclosure names the persons as tokens. For the officer: raises 42501 for everybody else, 22023 where something is missing. Source: 45 CFR 164.528(b).';

CREATE FUNCTION phiguard.suspend_accounting(
	recipient text,
	until timestamptz,
	statement text,
	official text,
	written boolean DEFAULT false,
	relation regclass DEFAULT NULL,
	key text DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'phiguard_suspend_accounting';
REVOKE ALL ON FUNCTION phiguard.suspend_accounting(text, timestamptz, text, text, boolean, regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.suspend_accounting(text, timestamptz, text, text, boolean, regclass, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.suspend_accounting(text, timestamptz, text, text, boolean, regclass, text) IS
'Leaves disclosures to a health oversight agency or law enforcement official out of accountings until a time, because the agency stated that they would impede its activities: of one person, or of all.
An oral statement counts for 30 days at most. For the officer; a record of kind disclosure. Raises 42501 for everybody else, 22023 where something is missing. Source: 45 CFR 164.528(a)(2).';

CREATE FUNCTION phiguard.basis_of_code(code text) RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT CASE
	WHEN code = ANY ('{TREAT,COC,ETREAT,BTG,ERTREAT,POPHLTH,TREATDS}'::text[]) THEN 'treatment'
	WHEN code = ANY ('{HPAYMT,CLMATTCH,COVAUTH,COVERAGE,ELIGDTRM,ELIGVER,ENROLLM,REMITADV}'::text[]) THEN 'payment'
	WHEN code = ANY ('{HOPERAT,CAREMGT,FRAUD,HACCRED,HCOMPL,HDM,HOUTCOMS,HPRGRP,HQUALIMP,HSYSADMIN,HTEST,LABELING,METAMGT,MEMADMIN,PATADMIN,PATSFTY,PERFMSR,RECORDMGT,SYSDEV,TRAIN}'::text[]) THEN 'operations'
	WHEN code = ANY ('{PATRQT,PWATRNY}'::text[]) THEN 'individual'
	WHEN code = ANY ('{FAMRQT,SUPNWK}'::text[]) THEN 'involved_in_care'
	WHEN code = 'HDIRECT' THEN 'directory'
	WHEN code = ANY ('{HRESCH,BIORCH,CLINTRCH,CLINTRCHNPC,CLINTRCHPC,PRECLINTRCH,DSRCH,POARCH,TRANSRCH,CLINTRL}'::text[]) THEN 'research'
	WHEN code = ANY ('{PUBHLTH,DISASTER}'::text[]) THEN 'public_health'
	WHEN code = 'THREAT' THEN 'serious_threat'
	WHEN code = 'DONAT' THEN 'organ_donation'
	WHEN code = 'HDECD' THEN 'decedents'
	WHEN code = 'HLEGAL' THEN 'judicial'
	WHEN code = ANY ('{GOV,MILCDM,MILDCRG}'::text[]) THEN 'government'
END;
END;
REVOKE ALL ON FUNCTION phiguard.basis_of_code(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.basis_of_code(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.basis_of_code(text) IS
'The row of phiguard.disclosure_basis that a purpose-of-use code (HL7 v3 ActReason) amounts to; NULL for the others, which are accounted for. HL7 counts more as operations than 45 CFR 164.501 does: organ donation, decedents, the military and the government are 164.512, legal may be.';

-- Extracts: by what method the data was made, which decides whether it is PHI; the record of the reading says so.
CREATE FUNCTION phiguard.basis_of_extract(flags text[], purpose text, started timestamptz) RETURNS text
LANGUAGE SQL STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT coalesce(CASE
		WHEN 'beside_extract' = ANY (flags) THEN NULL
		WHEN 'limited_data_set' = ANY (flags) THEN 'limited_data_set'
		WHEN flags && '{safe_harbor,expert_determination}' THEN 'deidentified'
	END,
	(SELECT phiguard.basis_of_code(p.code) FROM phiguard.purposes p WHERE p.purpose = basis_of_extract.purpose AND p.created <= basis_of_extract.started),
	'impermissible');
END;
REVOKE ALL ON FUNCTION phiguard.basis_of_extract(text[], text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.basis_of_extract(text[], text, timestamptz) TO PUBLIC;
COMMENT ON FUNCTION phiguard.basis_of_extract(text[], text, timestamptz) IS
'The row of phiguard.disclosure_basis for a reading of an extract: by the method that its record names, unless it also reached labelled columns in another way; else by the code of the purpose, if that is not younger; impermissible where neither says, so that it is accounted for. For officers and auditors.';

-- One row a disclosure of which the accounting knows, excluded ones and all.
CREATE FUNCTION phiguard.disclosure_entries(relation regclass, key text, since timestamptz, until timestamptz, directories text[])
RETURNS TABLE (disclosed timestamptz, last_disclosed timestamptz, times bigint, recipient text, address text, description text,
	purpose text, request text, basis text, protocol jsonb, certainty text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT d.disclosed, d.last_disclosed, d.times::bigint, d.recipient, d.address, d.description, d.purpose, d.request, d.basis, d.protocol,
	CASE WHEN d.subjects = '{}' THEN 'possible' ELSE 'seen' END
FROM phiguard.recorded_disclosures d
WHERE (phiguard.subject_token(relation, key) = ANY (d.subjects) OR (d.subjects = '{}' AND d.protocol IS NOT NULL))
	AND d.last_disclosed >= since AND d.disclosed < until
UNION ALL
SELECT w.started, w.started, 1, coalesce(w.recipient, w.active_role), NULL, array_to_string(w.columns, ', '), w.purpose, NULL,
	phiguard.basis_of_extract(w.flags, w.purpose, w.started), NULL, w.certainty
FROM phiguard.who_saw(relation, key, since, until, directories) w
WHERE w.kind = 'disclosure' AND w.command IS DISTINCT FROM 'RECORD DISCLOSURE';
END;
REVOKE ALL ON FUNCTION phiguard.disclosure_entries(regclass, text, timestamptz, timestamptz, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.disclosure_entries(regclass, text, timestamptz, timestamptz, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.disclosure_entries(regclass, text, timestamptz, timestamptz, text[]) IS
'What phiguard.disclosures() is made of. Internal.';

CREATE FUNCTION phiguard.disclosures(
	relation regclass,
	key text,
	since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT NULL,
	include_excluded boolean DEFAULT false,
	include_suspended boolean DEFAULT false,
	directories text[] DEFAULT NULL)
RETURNS TABLE (disclosed timestamptz, last_disclosed timestamptz, times bigint, frequency text, recipient text, address text,
	description text, purpose text, basis text, citation text, form text, protocol jsonb, certainty text, excluded_by text,
	suspended_until timestamptz)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH span AS (
	SELECT coalesce(until, now()) AS before,
		greatest(coalesce(since, '-infinity'), coalesce(until, now()) - interval '6 years') AS first
), entry AS (
	SELECT e.*, b.citation, CASE WHEN coalesce(b.repeats, false) THEN 0 ELSE row_number() OVER () END AS apart, CASE WHEN e.last_disclosed < timestamptz '2003-04-14 00:00 UTC' THEN '164.528(a)(1)(ix)' ELSE b.excluded_by END AS excluded,
		(SELECT max(s.suspended_until) FROM phiguard.accounting_suspensions s
		 WHERE s.recipient = e.recipient AND s.suspended_until > now() AND e.basis IN ('oversight', 'law_enforcement')
			AND (s.subject IS NULL OR s.subject = phiguard.subject_token(relation, key))) AS hidden_until
	FROM span, phiguard.disclosure_entries(relation, key, span.first, span.before, directories) e
	LEFT JOIN phiguard.disclosure_basis b ON b.basis = e.basis
), grouped AS (
	SELECT *, row_number() OVER again AS nth, sum(times) OVER (again ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS in_all,
		max(last_disclosed) OVER (again ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_of_all
	FROM entry
	WHERE (include_excluded OR excluded IS NULL) AND (include_suspended OR hidden_until IS NULL)
	WINDOW again AS (PARTITION BY recipient, coalesce(purpose, request), basis, excluded, protocol, certainty, apart ORDER BY disclosed)
)
SELECT disclosed, last_of_all, in_all,
	CASE WHEN in_all > 1 THEN format('%s times in %s days', in_all, 1 + (last_of_all AT TIME ZONE 'UTC')::date - (disclosed AT TIME ZONE 'UTC')::date) END,
	recipient, address, description, coalesce(purpose, request), basis, citation,
	CASE WHEN protocol IS NOT NULL THEN 'research' WHEN in_all > 1 THEN 'repeated' ELSE 'single' END,
	protocol, certainty, excluded, hidden_until
FROM grouped WHERE nth = 1
ORDER BY disclosed, recipient, basis;
END;
REVOKE ALL ON FUNCTION phiguard.disclosures(regclass, text, timestamptz, timestamptz, boolean, boolean, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.disclosures(regclass, text, timestamptz, timestamptz, boolean, boolean, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.disclosures(regclass, text, timestamptz, timestamptz, boolean, boolean, text[]) IS
'The accounting of disclosures of one person''s data: what phiguard.record_disclosure() wrote down, and readings of extracts that are on record. Six years before until (now) at most.
Repeated disclosures to one recipient for one purpose under 164.512 are one row: all about the first, how often, and the last ((b)(3)). form research: a protocol under which data of this person may have been disclosed ((b)(4)).
Left out, unless asked for: what 164.528(a)(1) excludes (excluded_by says which paragraph), and what went to a health oversight agency or law enforcement and is suspended for the time being ((a)(2)). certainty possible: the record does not name everybody.
For officers and auditors: raises 42501 for everybody else. Source: 45 CFR 164.528.';

CREATE FUNCTION phiguard.breach_report(
	role text,
	since timestamptz,
	until timestamptz DEFAULT now(),
	directories text[] DEFAULT NULL)
RETURNS TABLE (section text, item text, value text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH own AS MATERIALIZED (
	SELECT * FROM phiguard.access_log l
	WHERE (l.active_role = breach_report.role OR l.login_role = breach_report.role) AND l.started >= since AND l.started < until
		AND l.kind IN ('read', 'write', 'disclosure', 'denied', 'probe')
), other AS (
	SELECT DISTINCT ON (l.node, l."position", l.started) l.* FROM unnest(directories) d, LATERAL phiguard.read_journal(d) l
	WHERE (l.active_role = breach_report.role OR l.login_role = breach_report.role) AND l.started >= since AND l.started < until
		AND l.kind IN ('read', 'write', 'disclosure', 'denied', 'probe')
	ORDER BY l.node, l."position", l.started, l.ended NULLS LAST
), access AS MATERIALIZED (
	SELECT * FROM own UNION ALL
	SELECT * FROM other o WHERE NOT EXISTS (SELECT FROM own WHERE own.node = o.node AND own."position" = o."position" AND own.started = o.started)
), seen AS MATERIALIZED (
	SELECT *, outcome IS NULL OR outcome = 'lost' OR subjects IS NULL OR (subjects = '{}' AND 'ran' = ANY (flags)) AS unnamed FROM access
	WHERE kind <> 'probe' AND ('ran' = ANY (flags) OR (kind <> 'denied'
		AND (coalesce(rows, 1) > 0 OR stored <> '{}' OR subjects <> '{}' OR outcome IS NULL OR outcome = 'lost')))
), person AS MATERIALIZED (
	SELECT DISTINCT unnest(subjects) AS token FROM seen
), total AS (
	SELECT greatest((SELECT count(*) FROM person), (SELECT max(s.persons_at_least) FROM seen s)) AS persons,
		(SELECT count(*) FROM person) + (SELECT sum(s.persons - cardinality(s.subjects)) FROM seen s WHERE s.flags && '{subjects_summary}') AS at_most,
		(SELECT count(*) FROM seen WHERE unnamed OR flags && '{subjects_summary}') AS unknown,
		(SELECT count(*) FROM seen WHERE unnamed) AS uncounted
), line (n, section, item, value) AS (
	SELECT 10, '164.402(2)(i) nature and extent', 'categories', (SELECT string_agg(DISTINCT c, ', ' ORDER BY c) FROM seen, unnest(categories) c)
	UNION ALL SELECT 11, '164.402(2)(i) nature and extent', 'column=form', s FROM (SELECT DISTINCT unnest(shown) FROM seen) x (s)
	UNION ALL SELECT 12, '164.402(2)(i) nature and extent', 'only referenced', s FROM (SELECT DISTINCT unnest(referenced) FROM seen) x (s)
	UNION ALL SELECT 20, '164.402(2)(ii) who received it', 'role', s FROM (SELECT DISTINCT concat_ws(' as ', login_role, nullif(active_role, login_role)) FROM seen) x (s)
	UNION ALL SELECT 21, '164.402(2)(ii) who received it', 'application user, as claimed', s FROM (SELECT DISTINCT app_user FROM seen WHERE app_user IS NOT NULL) x (s)
	UNION ALL SELECT 22, '164.402(2)(ii) who received it', 'recipient', s FROM (SELECT DISTINCT recipient FROM seen WHERE recipient IS NOT NULL) x (s)
	UNION ALL SELECT 23, '164.402(2)(ii) who received it', 'client address', s FROM (SELECT DISTINCT coalesce(host(client), 'local') FROM seen) x (s)
	UNION ALL SELECT 30, '164.402(2)(iii) acquired or viewed', 'executions', sum(coalesce(executions, 1))::text FROM seen
	UNION ALL SELECT 31, '164.402(2)(iii) acquired or viewed', 'rows', sum(rows)::text FROM seen
	UNION ALL SELECT 32, '164.402(2)(iii) acquired or viewed', 'first', min(started)::text FROM seen
	UNION ALL SELECT 33, '164.402(2)(iii) acquired or viewed', 'last', max(coalesce(ended, started))::text FROM seen
	UNION ALL SELECT 34, '164.402(2)(iii) acquired or viewed', 'refused attempts', count(*)::text FROM access WHERE kind = 'denied'
	UNION ALL SELECT 35, '164.402(2)(iii) acquired or viewed', 'guesses of keys that exist', count(*)::text FROM access WHERE kind = 'probe'
	UNION ALL SELECT 40, '164.402(2)(iv) mitigation', 'to be stated by the officer', 'not in the record'
	UNION ALL SELECT 50, '164.404 individuals', 'persons', persons::text FROM total
	UNION ALL SELECT 51, '164.404 individuals', 'persons at most, within some per cent', at_most::text FROM total WHERE at_most > persons AND uncounted = 0
	UNION ALL SELECT 51, '164.404 individuals', 'executions that do not name everybody', unknown::text FROM total
	UNION ALL SELECT 52, '164.404 individuals', 'notify without unreasonable delay, within 60 days of discovery', CASE WHEN persons + unknown > 0 THEN 'yes' ELSE 'no' END FROM total
	UNION ALL SELECT 60, '164.406 media', 'more than 500 residents of one state', CASE WHEN persons > 500 OR unknown > 0 THEN 'possible' ELSE 'no' END FROM total
	UNION ALL SELECT 61, '164.408 Secretary', '500 individuals or more', CASE WHEN persons >= 500 THEN 'yes: with the notice to individuals' WHEN unknown > 0 THEN 'possible' WHEN persons = 0 THEN 'no' ELSE 'no: within 60 days after the end of the year' END FROM total
	UNION ALL SELECT 62, '164.410 business associate', 'tell the covered entity, with the persons below', CASE WHEN persons + unknown > 0 THEN 'where the data is held for one' ELSE 'no' END FROM total
	UNION ALL SELECT 70, '164.404 individuals', 'person', token FROM person
)
SELECT section, item, value FROM line WHERE value IS NOT NULL ORDER BY n, item, value;
END;
REVOKE ALL ON FUNCTION phiguard.breach_report(text, timestamptz, timestamptz, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.breach_report(text, timestamptz, timestamptz, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.breach_report(text, timestamptz, timestamptz, text[]) IS
'What the record says of the accesses of a role, as the assessment of a breach needs it: the four factors of 45 CFR 164.402(2), and what 164.404 to 164.410 ask for. Executions that began then: since is included, until is not. directories: journals of other nodes, by absolute paths (members of pg_read_server_files); what several copies hold counts once.
An execution that failed counts if it had run, with the persons that were captured by then or as one that does not name everybody: what it saw may have left in a message. Persons are tokens: phiguard.subject_token() tells whose. The record cannot say whether something was mitigated, nor in which state a person lives. For superusers and members of phiguard.auditor_role; raises 42501 for others.';
