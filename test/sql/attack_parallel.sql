-- Functions that run in parallel workers are on record like any others.

CREATE EXTENSION IF NOT EXISTS phiguard;
CREATE TABLE attack_patient (id int, ssn text);
INSERT INTO attack_patient VALUES (1, 'one'), (2, 'two');
SECURITY LABEL FOR phiguard ON COLUMN attack_patient.ssn IS 'ssn';

CREATE FUNCTION attack_read() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$ BEGIN RETURN (SELECT string_agg(ssn, ',') FROM attack_patient); END $$;
CREATE FUNCTION attack_key(id int) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN RETURN (SELECT max(ssn) FROM public.attack_patient p); END $$;

SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode');
SELECT attack_read() FROM attack_patient;
SELECT attack_read();

-- An index is built by workers without any plan.
CREATE TABLE attack_many AS SELECT generate_series(1, 1000) AS id;
ALTER TABLE attack_many SET (parallel_workers = 2);
CREATE INDEX ON attack_many (attack_key(id));

-- Pruning runs functions when the executor starts.
CREATE TABLE attack_parts (id int) PARTITION BY LIST (id);
CREATE TABLE attack_part PARTITION OF attack_parts FOR VALUES IN (1);
CREATE TABLE attack_part2 PARTITION OF attack_parts FOR VALUES IN (2);
CREATE FUNCTION attack_prune() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$ BEGIN RETURN (SELECT length(max(ssn)) FROM attack_patient WHERE id < 3); END $$;
SELECT * FROM attack_parts WHERE id = attack_prune();
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode');

-- Whoever comes first takes a page, so that the leader may have done it all.  Each worker has one record of what an index build did, not one of each row.
SELECT query, returned, bool_and('function' = ANY (flags)) AS function, count(*) < 20 AS few, sum(executions) AS executions, sum(rows) AS rows
  FROM phiguard.access_log
 WHERE database = current_database() AND kind = 'read' AND 'public.attack_patient.ssn' = ANY (returned) AND query NOT LIKE '%length%'
 GROUP BY query, returned ORDER BY query;
-- Workers work for their leader's session.
SELECT bool_and(pid = pg_backend_pid()) AS leader FROM phiguard.access_log
 WHERE database = current_database() AND kind = 'read' AND query LIKE '%string_agg%';
-- How often pruning asks is the server's business.
SELECT DISTINCT query, returned, flags, outcome
  FROM phiguard.access_log WHERE database = current_database() AND kind = 'read' AND query LIKE '%length%';

DROP TABLE attack_patient, attack_many, attack_parts;
DROP FUNCTION attack_read(), attack_key(int), attack_prune();
