-- The record, read: access_log and verify_journal().
-- Which role is the auditor is a setting of the server, so both are granted to
-- everybody and refuse in C whoever is none.

CREATE FUNCTION phiguard.journal_handler() RETURNS fdw_handler
LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'phiguard_journal_handler';
REVOKE ALL ON FUNCTION phiguard.journal_handler() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.journal_handler() IS
'Reads phiguard.journal. Internal.';

CREATE FOREIGN DATA WRAPPER phiguard_journal HANDLER phiguard.journal_handler;
COMMENT ON FOREIGN DATA WRAPPER phiguard_journal IS 'Reads phiguard.journal. Internal.';
CREATE SERVER phiguard_journal FOREIGN DATA WRAPPER phiguard_journal;
COMMENT ON SERVER phiguard_journal IS 'Reads phiguard.journal. Internal.';

CREATE FOREIGN TABLE phiguard.journal (
	started timestamptz,
	ended timestamptz,
	node text,
	"position" bigint,
	kind text,
	command text,
	login_role text,
	active_role text,
	app_user text,
	client inet,
	application text,
	database text,
	pid integer,
	session_id text,
	purpose text,
	justification text,
	returned text[],
	referenced text[],
	stored text[],
	shown text[],
	categories text[],
	rows bigint,
	outcome text,
	sqlstate text,
	fingerprint bigint,
	query text,
	executions bigint,
	"extract" text,
	agreement text,
	recipient text,
	subjects text[],
	persons bigint,
	persons_at_least bigint,
	flags text[],
	directory text)
SERVER phiguard_journal;
REVOKE ALL ON phiguard.journal FROM PUBLIC;
GRANT SELECT ON phiguard.journal TO PUBLIC;
COMMENT ON FOREIGN TABLE phiguard.journal IS
'What phiguard.access_log (directory IS NULL) and phiguard.read_journal(directory) show. Internal: read those.';

CREATE VIEW phiguard.access_log AS
SELECT started, ended, node, "position", kind, command, login_role, active_role, app_user, client, application, database,
	pid, session_id, purpose, justification, returned, referenced, stored, shown, categories, rows, outcome, sqlstate,
	fingerprint, query, executions, "extract", agreement, recipient, subjects, persons, persons_at_least, flags
FROM phiguard.journal
WHERE directory IS NULL;
REVOKE ALL ON phiguard.access_log FROM PUBLIC;
GRANT SELECT ON phiguard.access_log TO PUBLIC;
COMMENT ON VIEW phiguard.access_log IS
'Who reached which labelled column, when, why and in what form: one row an execution, newest last.
For superusers and members of phiguard.auditor_role; raises 42501 for others. Each reading is itself on record, as kind log_read.
Conditions on started and position, such as started > now() - interval ''1 hour'', leave out the segments that cannot match: EXPLAIN ANALYZE shows how many were read.
So do plain conditions on roles, app_user, purpose, database, session_id, command, kind, on the columns (''public.patient.ssn'' = ANY (returned), returned && array, returned @> array), flags and subjects.
Damaged records are passed over with a warning: see phiguard.verify_journal(). Source: 45 CFR 164.312(b).';
COMMENT ON COLUMN phiguard.access_log.started IS 'When the statement began; for events, when they happened.';
COMMENT ON COLUMN phiguard.access_log.ended IS 'When it ended; NULL while it runs and when its end is lost.';
COMMENT ON COLUMN phiguard.access_log.node IS 'Which writer of a journal: the first 8 hex digits of its id, as in the names of its files.';
COMMENT ON COLUMN phiguard.access_log."position" IS 'Number of the record; strictly increases on a node.';
COMMENT ON COLUMN phiguard.access_log.kind IS 'read, write, disclosure, denied (refused with 42501 before anything left), probe, ddl, policy, setting, server or log_read.';
COMMENT ON COLUMN phiguard.access_log.command IS 'Command tag.';
COMMENT ON COLUMN phiguard.access_log.login_role IS 'Role that the session logged in as, which SET SESSION AUTHORIZATION does not change.';
COMMENT ON COLUMN phiguard.access_log.active_role IS 'Role in effect through SET ROLE or SET SESSION AUTHORIZATION; SECURITY DEFINER does not count.';
COMMENT ON COLUMN phiguard.access_log.app_user IS 'The application''s user, as the application claimed it in phiguard.app_user.';
COMMENT ON COLUMN phiguard.access_log.client IS 'Address of the client; NULL for a Unix-domain socket.';
COMMENT ON COLUMN phiguard.access_log.application IS 'application_name: the client writes it.';
COMMENT ON COLUMN phiguard.access_log.database IS 'Database of the session; NULL for events of the server.';
COMMENT ON COLUMN phiguard.access_log.pid IS 'Process of the session.';
COMMENT ON COLUMN phiguard.access_log.session_id IS 'As %c in log_line_prefix.';
COMMENT ON COLUMN phiguard.access_log.purpose IS 'Purpose that the session stated.';
COMMENT ON COLUMN phiguard.access_log.justification IS 'Why, in the user''s words.';
COMMENT ON COLUMN phiguard.access_log.returned IS 'Labelled columns whose values reached the client or the caller.';
COMMENT ON COLUMN phiguard.access_log.referenced IS 'Labelled columns that only steered the statement: filters, joins, ordering, counting.';
COMMENT ON COLUMN phiguard.access_log.stored IS 'Labelled columns whose values were written elsewhere.';
COMMENT ON COLUMN phiguard.access_log.shown IS 'In what form each left: column=clear, column=token ...';
COMMENT ON COLUMN phiguard.access_log.categories IS 'Categories of the columns, as labelled at that time.';
COMMENT ON COLUMN phiguard.access_log.rows IS 'Rows returned or affected.';
COMMENT ON COLUMN phiguard.access_log.outcome IS 'ok, error, cancelled, lost (no end record); NULL while it runs.';
COMMENT ON COLUMN phiguard.access_log.sqlstate IS 'SQLSTATE of the outcome, 00000 for ok.';
COMMENT ON COLUMN phiguard.access_log.fingerprint IS 'phiguard''s own, over the normalised text.';
COMMENT ON COLUMN phiguard.access_log.query IS 'The statement without any literal, comment or alias.';
COMMENT ON COLUMN phiguard.access_log.executions IS 'How many identical executions inside one top-level statement this record stands for.';
COMMENT ON COLUMN phiguard.access_log.extract IS 'The extract that was read; NULL: none.';
COMMENT ON COLUMN phiguard.access_log.agreement IS 'The agreement under which data was disclosed; NULL: none.';
COMMENT ON COLUMN phiguard.access_log.recipient IS 'Who received what was disclosed; NULL: nobody outside, or not stated.';
COMMENT ON COLUMN phiguard.access_log.subjects IS 'Whose data, as keyed tokens; NULL: not captured.';
COMMENT ON COLUMN phiguard.access_log.persons IS 'How many persons they are; with the flag subjects_summary more than subjects names, and right within some per cent, or, where persons_at_least is less, at most. NULL: not captured.';
COMMENT ON COLUMN phiguard.access_log.persons_at_least IS 'The same as persons, but where parallel workers met so many that nobody knows who was met by several.';
COMMENT ON COLUMN phiguard.access_log.flags IS 'exempt, function, copy, replica, explain, constraint, unseen_plan, row_trigger, approximate, session_user_claim, would_deny, would_transform, break_glass, ran (it failed, and its plan had been asked for rows: what it saw may have left, rows or none) ...';

-- Put in line by the planner, so that conditions on it reach the reader.
CREATE FUNCTION phiguard.read_journal(directory text) RETURNS SETOF phiguard.access_log
LANGUAGE SQL STABLE PARALLEL UNSAFE ROWS 10000
BEGIN ATOMIC
SELECT started, ended, node, "position", kind, command, login_role, active_role, app_user, client, application, database,
	pid, session_id, purpose, justification, returned, referenced, stored, shown, categories, rows, outcome, sqlstate,
	fingerprint, query, executions, "extract", agreement, recipient, subjects, persons, persons_at_least, flags
FROM phiguard.journal AS journal
WHERE journal.directory = coalesce(read_journal.directory, '');
END;
REVOKE ALL ON FUNCTION phiguard.read_journal(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.read_journal(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.read_journal(text) IS
'Another node''s journal, or archived segments (all of a node''s or some), as phiguard.access_log shows this server''s own. directory: an absolute path on the server; nothing is written there.
outcome is NULL where the segments have no end record and do not prove that none will come: lost is proven by two later starts of that server, or by a stop and a start.
For superusers, and for members of phiguard.auditor_role who are members of pg_read_server_files too; raises 42501 for others. Each reading is on record as kind log_read, without the path, since that may hold anything.
Raises 22023 for a path that is not absolute, 58P01 where nothing is. Damaged records are passed over with a warning. Source: 45 CFR 164.312(b), 164.316(b)(2)(i).';

CREATE FUNCTION phiguard.verify_journal(since timestamptz DEFAULT NULL, public_keys text[] DEFAULT NULL)
RETURNS TABLE (node text, segment text, "position" bigint, what text)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'phiguard_verify_journal';
REVOKE ALL ON FUNCTION phiguard.verify_journal(timestamptz, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.verify_journal(timestamptz, text[]) TO PUBLIC;
COMMENT ON FUNCTION phiguard.verify_journal(timestamptz, text[]) IS
'Checks every record, the chain of hashes and the signed checkpoints of the journal; a row for each thing that is wrong, none when all is intact.
position is the number of the first record concerned (the one after the last good one), NULL when not known; segment is a file of the journal''s directory.
since: segments that were complete before that time are taken on trust. public_keys: keys that may have signed besides this server''s present one, as PEM or 64 hexadecimal digits.
For superusers and members of phiguard.auditor_role; raises 42501 for others. What only an anchor kept elsewhere can show (the end cut off while the server
was stopped, an older copy put back, a clone) phiguard-verify --anchor finds. Source: 45 CFR 164.312(c)(1).';

CREATE FUNCTION phiguard.journal_anchor() RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'phiguard_journal_anchor';
REVOKE ALL ON FUNCTION phiguard.journal_anchor() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.journal_anchor() TO PUBLIC;
COMMENT ON FUNCTION phiguard.journal_anchor() IS
'The state of the journal now, signed: one line of text to be kept elsewhere. phiguard-verify --anchor finds with it what the files alone cannot show.
For superusers and members of phiguard.auditor_role; raises 42501 for others, PG001 when the journal or the key is not to be had. Source: 45 CFR 164.312(c)(2).';

CREATE FUNCTION phiguard.journal_public_key() RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'phiguard_journal_public_key';
REVOKE ALL ON FUNCTION phiguard.journal_public_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.journal_public_key() TO PUBLIC;
COMMENT ON FUNCTION phiguard.journal_public_key() IS
'The Ed25519 public key by which this server''s checkpoints and anchors are checked, as PEM (RFC 8410). Keep a copy elsewhere: phiguard-verify needs nothing else.
For superusers and members of phiguard.auditor_role; raises 42501 for others, PG001 when the key is not to be had.';

CREATE FUNCTION phiguard.read_checkpoints(
	OUT node text,
	OUT segment text,
	OUT "offset" bigint,
	OUT "position" bigint,
	OUT signed timestamptz,
	OUT oldest_segment bigint,
	OUT key text,
	OUT anchor text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'phiguard_read_checkpoints';
REVOKE ALL ON FUNCTION phiguard.read_checkpoints() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.read_checkpoints() TO PUBLIC;
COMMENT ON FUNCTION phiguard.read_checkpoints() IS
'What phiguard.journal_checkpoints shows. Internal: read the view.';

CREATE VIEW phiguard.journal_checkpoints AS
SELECT node, segment, "offset", "position", signed, oldest_segment, key, anchor FROM phiguard.read_checkpoints();
REVOKE ALL ON phiguard.journal_checkpoints FROM PUBLIC;
GRANT SELECT ON phiguard.journal_checkpoints TO PUBLIC;
COMMENT ON VIEW phiguard.journal_checkpoints IS
'The checkpoints in the journal''s files, as they stand there: verify_journal() says whether they hold. For superusers and members of phiguard.auditor_role.';
COMMENT ON COLUMN phiguard.journal_checkpoints."position" IS 'Number of the last record that it vouches for; with all before.';
COMMENT ON COLUMN phiguard.journal_checkpoints.oldest_segment IS 'Number of the oldest segment of the node that was kept then.';
COMMENT ON COLUMN phiguard.journal_checkpoints.key IS 'First 8 bytes of SHA-256(public key), in hexadecimal.';
COMMENT ON COLUMN phiguard.journal_checkpoints.anchor IS 'The checkpoint as an anchor, for phiguard-verify --anchor.';

CREATE FUNCTION phiguard.read_status(
	OUT node text,
	OUT state text,
	OUT reason text,
	OUT directory text,
	OUT segments bigint,
	OUT bytes bigint,
	OUT oldest timestamptz,
	OUT newest_segment bigint,
	OUT "position" bigint,
	OUT ring_bytes bigint,
	OUT ring_used bigint,
	OUT bytes_per_day bigint,
	OUT free_bytes bigint,
	OUT days_left double precision,
	OUT signed_position bigint,
	OUT signed timestamptz,
	OUT anchored_position bigint,
	OUT archived_segment bigint,
	OUT archive_waiting bigint,
	OUT keeper_pid integer,
	OUT warnings text[])
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'phiguard_read_status';
REVOKE ALL ON FUNCTION phiguard.read_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.read_status() TO PUBLIC;
COMMENT ON FUNCTION phiguard.read_status() IS
'What phiguard.journal_status shows. Internal: read the view.';

CREATE VIEW phiguard.journal_status AS
SELECT node, state, reason, directory, segments, bytes, oldest, newest_segment, "position", ring_bytes, ring_used, bytes_per_day,
	free_bytes, days_left, signed_position, signed, anchored_position, archived_segment, archive_waiting, keeper_pid, warnings
FROM phiguard.read_status();
REVOKE ALL ON phiguard.journal_status FROM PUBLIC;
GRANT SELECT ON phiguard.journal_status TO PUBLIC;
COMMENT ON VIEW phiguard.journal_status IS
'How this server''s journal does, one row. Sizes are bytes. For superusers and members of pg_monitor, phiguard.auditor_role and phiguard.officer_role; raises 42501 for others.';
COMMENT ON COLUMN phiguard.journal_status.state IS 'opening, open, closed.';
COMMENT ON COLUMN phiguard.journal_status.reason IS 'Why it is closed.';
COMMENT ON COLUMN phiguard.journal_status.segments IS 'Files of segments in the directory, of all nodes.';
COMMENT ON COLUMN phiguard.journal_status.oldest IS 'When the oldest of them was begun.';
COMMENT ON COLUMN phiguard.journal_status."position" IS 'Number of the last record.';
COMMENT ON COLUMN phiguard.journal_status.ring_used IS 'What is in the ring and not in a segment yet.';
COMMENT ON COLUMN phiguard.journal_status.bytes_per_day IS 'Growth over the last week, or since this node began; NULL in its first minute.';
COMMENT ON COLUMN phiguard.journal_status.days_left IS 'Days until the file system is full at that rate.';
COMMENT ON COLUMN phiguard.journal_status.signed_position IS 'Number of the last record that a checkpoint vouches for.';
COMMENT ON COLUMN phiguard.journal_status.anchored_position IS 'That of the last anchor that phiguard.journal_anchor_command took.';
COMMENT ON COLUMN phiguard.journal_status.archived_segment IS 'Number of the last segment that phiguard.journal_archive_command took.';
COMMENT ON COLUMN phiguard.journal_status.archive_waiting IS 'Complete segments that are not in the archive; NULL without journal_archive_command.';
COMMENT ON COLUMN phiguard.journal_status.warnings IS 'What somebody should look at; an empty array when all is well.';
