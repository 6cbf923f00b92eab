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
CREATE INDEX ON oracle.seen (pid, began, text);

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

-- Executions over labelled columns that are not on record, or not with all their columns.  An execution has a record
-- that was begun while it was started, or shares the one of an earlier execution of the same text in the same statement
-- of the client.  without: as if this column stood in no record.
CREATE FUNCTION oracle.misses(without text DEFAULT '') RETURNS SETOF oracle.seen LANGUAGE sql STABLE AS
$$
	WITH wanted AS MATERIALIZED (SELECT * FROM oracle.seen WHERE used <> '{}' OR written <> '{}'),
	record AS (
		SELECT pid, started, array_remove(returned, without) AS returned, array_remove(stored, without) AS stored,
			array_remove(returned || referenced || stored, without) AS named
		FROM oracle.record),
	own AS MATERIALIZED (
		SELECT s.*, r.returned AS r_returned, r.stored AS r_stored, r.named AS r_named
		FROM wanted s JOIN record r ON r.pid = s.pid AND r.started BETWEEN s.before AND s.after
		WHERE oracle.names(s.used, r.named) AND oracle.names(s.returned, r.returned)
			AND oracle.names(s.written, r.stored))
	SELECT * FROM wanted s
	WHERE NOT EXISTS (SELECT FROM own WHERE own.line = s.line)
		AND NOT EXISTS (
			SELECT FROM own WHERE (own.pid, own.began, own.text) = (s.pid, s.began, s.text) AND own.line < s.line
				AND oracle.names(s.used, r_named) AND oracle.names(s.returned, r_returned) AND oracle.names(s.written, r_stored))
	ORDER BY line
$$;

-- Texts, by statement of the client, of which the records count fewer executions than the witness.
CREATE FUNCTION oracle.miscounted() RETURNS TABLE (pid int, began int8, text int8, seen int8, recorded numeric) LANGUAGE sql STABLE AS
$$
	WITH wanted AS (SELECT * FROM oracle.seen WHERE used <> '{}' OR written <> '{}'),
	found AS (
		SELECT DISTINCT s.pid, s.began, s.text, r.node, r.position, r.executions
		FROM wanted s JOIN oracle.record r ON r.pid = s.pid AND r.started BETWEEN s.before AND s.after)
	SELECT * FROM
		(SELECT s.pid, s.began, s.text, count(*) AS seen FROM wanted s GROUP BY 1, 2, 3) s
		LEFT JOIN (SELECT f.pid, f.began, f.text, sum(executions) AS recorded FROM found f GROUP BY 1, 2, 3) f USING (pid, began, text)
	WHERE seen > coalesce(recorded, 0)
$$;
