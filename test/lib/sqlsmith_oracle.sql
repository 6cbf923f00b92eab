-- What the witness saw against what phiguard recorded (081_sqlsmith.pl; :lines is the witness's file).
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS oracle CASCADE;
CREATE SCHEMA oracle;

CREATE TABLE oracle.seen (line bigserial PRIMARY KEY, pid int, began int8, before int8, after int8, text int8, application text,
	sqlstate text, used text[], returned text[], written text[]);
\set copy 'COPY oracle.seen (pid, began, before, after, text, application, sqlstate, used, returned, written) FROM ' :'lines'
:copy;
DELETE FROM oracle.seen WHERE application NOT ILIKE 'sqlsmith::dut%';

CREATE TABLE oracle.record AS
	SELECT node, position, pid, (extract(epoch FROM started - '2000-01-01 00:00+00') * 1000000)::int8 AS started, kind, outcome, sqlstate,
		returned, referenced, stored, executions, flags, query
	FROM phiguard.access_log WHERE login_role LIKE 'smith%';
CREATE INDEX ON oracle.record (pid, started);

-- A query that names a parent reads its children: a column is on record by its own name or by an ancestor's.
CREATE TABLE oracle.also AS
	WITH RECURSIVE up AS (
		SELECT oid AS relid, oid AS ancestor FROM pg_class WHERE relkind IN ('r', 'p', 'm')
		UNION SELECT relid, inhparent FROM up JOIN pg_inherits ON inhrelid = ancestor)
	SELECT relid::regclass || '.' || a.attname AS name, array_agg(ancestor::regclass || '.' || a.attname) AS names
	FROM up JOIN pg_attribute a ON attrelid = relid
		JOIN pg_attribute b ON b.attrelid = ancestor AND b.attname = a.attname
	WHERE a.attname LIKE 'phi\_%' GROUP BY 1;
ALTER TABLE oracle.also ADD PRIMARY KEY (name);
ANALYZE oracle.seen, oracle.record, oracle.also;

CREATE FUNCTION oracle.names(wanted text[], recorded text[]) RETURNS bool LANGUAGE sql STABLE AS
$$ SELECT wanted <@ recorded OR NOT EXISTS (SELECT FROM unnest(wanted) w WHERE NOT EXISTS
	(SELECT FROM oracle.also WHERE name = w AND names && recorded)) $$;

-- Records by the execution that began them: they were begun while it was started.
CREATE TABLE oracle.begun AS
	SELECT s.line, s.pid, s.began, s.text, r.returned, r.stored, r.returned || r.referenced || r.stored AS named, r.executions
	FROM oracle.seen s JOIN oracle.record r ON r.pid = s.pid AND r.started BETWEEN s.before AND s.after;
CREATE INDEX ON oracle.begun (pid, began, text);
ANALYZE oracle.begun;

-- Executions over labelled columns that are not on record, or not with all their columns: no record was begun by them, nor by
-- an earlier execution of the same text in the same statement of the client, which they share.  without: as if this
-- column stood in no record.
CREATE FUNCTION oracle.misses(without text DEFAULT '') RETURNS SETOF oracle.seen LANGUAGE sql STABLE AS
$$
	SELECT * FROM oracle.seen s
	WHERE (used <> '{}' OR written <> '{}') AND NOT EXISTS (
		SELECT FROM oracle.begun b WHERE (b.pid, b.began, b.text) = (s.pid, s.began, s.text) AND b.line <= s.line
			AND oracle.names(s.used, array_remove(b.named, without))
			AND oracle.names(s.returned, array_remove(b.returned, without))
			AND oracle.names(s.written, array_remove(b.stored, without)))
	ORDER BY line
$$;

-- Texts, by statement of the client, of which the records count fewer executions than the witness.
CREATE FUNCTION oracle.miscounted() RETURNS TABLE (pid int, began int8, text int8, seen int8, recorded numeric) LANGUAGE sql STABLE AS
$$
	SELECT * FROM
		(SELECT s.pid, s.began, s.text, count(*) AS seen FROM oracle.seen s WHERE used <> '{}' OR written <> '{}' GROUP BY 1, 2, 3) s
		LEFT JOIN (SELECT b.pid, b.began, b.text, sum(executions) AS recorded FROM oracle.begun b GROUP BY 1, 2, 3) b USING (pid, began, text)
	WHERE seen > coalesce(recorded, 0)
$$;
