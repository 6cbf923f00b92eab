-- The key ring: who may change it, what its states mean, what is on record, and that no key shows.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_officer;
CREATE ROLE regress_phig_clerk;
SET client_min_messages = error;
SELECT phiguard.create_key('registry');
RESET client_min_messages;

-- Only the officer.
SET ROLE regress_phig_clerk;
SELECT phiguard.create_key('mine');
SELECT phiguard.rotate_key('registry');
SELECT phiguard.retire_key('registry', 1);
SELECT phiguard.destroy_key('registry');
SELECT phiguard.rotate_master_key();
SELECT phiguard.grant_key('registry', 'regress_phig_clerk');
SELECT * FROM phiguard.keys;
TABLE phiguard.key_version;
RESET ROLE;

-- What is wrong is said.
SELECT phiguard.create_key('registry');
SELECT phiguard.create_key('');
SELECT phiguard.create_key(repeat('d', 256));
SELECT phiguard.create_key(NULL);
SELECT phiguard.create_key(E'two\nlines');
SELECT phiguard.rotate_key('nowhere');
SELECT phiguard.retire_key('registry', 2);
SELECT phiguard.retire_key('registry', NULL);
SELECT phiguard.grant_key('registry', 'regress_phig_clerk', '{token,everything}');
SELECT phiguard.grant_key('registry', 'nobody_of_that_name');

-- A pinned domain's tokens stay on their version; sealed values go on to the new one, and all stay readable.
SELECT phiguard.token('A1', 'registry') AS token, phiguard.seal('A1', 'mrn', 'registry') AS sealed \gset
SELECT phiguard.rotate_key('registry');
SELECT phiguard.token('A1', 'registry') = :'token' AS token_stays,
       phiguard.seal('A1', 'mrn', 'registry') <> :'sealed' AS sealed_moves,
       phiguard.unseal(:'sealed', 'mrn', 'registry') AS old,
       phiguard.unseal(phiguard.seal('A1', 'mrn', 'registry'), 'mrn', 'registry') AS new;
SELECT phiguard.rotate_key('registry', move_tokens => true);
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS moved, phiguard.token_uuid('A1', 'registry')::text ~ '^03' AS uuid_moved;
SELECT phiguard.create_key('loose', pinned => false);
SELECT phiguard.rotate_key('loose');
SELECT phiguard.token('A1', 'loose') ~ '^tk2_' AS moved;
SELECT domain, version, state, pinned, for_tokens, master ~ '^[0-9a-f]{16}$' AS master, created_by, changed IS NOT NULL AS changed
  FROM phiguard.keys ORDER BY domain, version;

-- Retired: neither made nor read, until it is reinstated.
SELECT phiguard.retire_key('registry', 1);
SELECT phiguard.unseal(:'sealed', 'mrn', 'registry');
SELECT phiguard.reinstate_key('registry', 1);
SELECT phiguard.unseal(:'sealed', 'mrn', 'registry');
SELECT phiguard.retire_key('registry', 3);
SELECT phiguard.token('A1', 'registry');
SELECT phiguard.reinstate_key('registry', 3);

-- Destroyed: for good, also in a session and a plan that used it before.
PREPARE opened AS SELECT phiguard.unseal(:'sealed', 'mrn', 'registry');
EXECUTE opened;
SELECT phiguard.destroy_key('registry', 1);
EXECUTE opened;
SELECT phiguard.reinstate_key('registry', 1);
SELECT wrapped IS NULL AND check_value IS NULL AND master IS NULL AS gone FROM phiguard.key_version WHERE domain = 'registry' AND version = 1;
SELECT phiguard.destroy_key('loose') AS versions;
SELECT phiguard.token('A1', 'loose');
SELECT phiguard.rotate_key('loose');
SELECT phiguard.token('A1', 'loose') ~ '^tk3_' AS again;

-- A transaction that is rolled back changed nothing.
BEGIN;
SELECT phiguard.destroy_key('registry', 3);
SELECT phiguard.token('A1', 'registry');
ROLLBACK;
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS there;

-- Neither did one, or a part of one, whose domain is made anew: no key of it stays in the session.
BEGIN;
SELECT phiguard.create_key('gone');
SELECT phiguard.token('A1', 'gone') AS token, phiguard.seal('A1', 'mrn', 'gone') AS sealed \gset gone_
SAVEPOINT part;
SELECT phiguard.create_key('gone too');
SELECT phiguard.token('A1', 'gone too') AS token \gset part_
ROLLBACK TO part;
SELECT phiguard.create_key('gone too');
SELECT phiguard.token('A1', 'gone too') <> :'part_token' AS other_in_part;
ROLLBACK;
SELECT phiguard.create_key('gone');
SELECT phiguard.token('A1', 'gone') AS token \gset again_
SELECT :'again_token' <> :'gone_token' AS other;
SELECT phiguard.unseal(:'gone_sealed', 'mrn', 'gone');
\connect -
SELECT phiguard.token('A1', 'gone') = :'again_token' AS same_in_another_session;

-- A grant is to the role of that number and that name.
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_clerk;
SELECT phiguard.grant_key('registry', 'regress_phig_clerk');
SELECT phiguard.grant_key('registry', 'regress_phig_clerk');
SET ROLE regress_phig_clerk;
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS granted;
RESET ROLE;
ALTER ROLE regress_phig_clerk RENAME TO regress_phig_scribe;
SET ROLE regress_phig_scribe;
SELECT phiguard.token('A1', 'registry');
RESET ROLE;
SELECT phiguard.grant_key('registry', 'regress_phig_scribe');
SET ROLE regress_phig_scribe;
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS granted_again;
RESET ROLE;
SELECT count(*) AS rows FROM phiguard.key_grant WHERE grantee = 'regress_phig_scribe'::regrole;
ALTER ROLE regress_phig_scribe RENAME TO regress_phig_clerk;
-- The number of a role that was dropped, in a cluster where another has it, as a dump brings it.
BEGIN;
UPDATE phiguard.key_grant SET grantee = 'regress_phig_officer';
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_officer;
SET ROLE regress_phig_officer;
SELECT phiguard.token('A1', 'registry');
ROLLBACK;
BEGIN;
UPDATE phiguard.key_grant SET grantee = 'regress_phig_officer', grantee_name = 'regress_phig_officer';
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_officer;
SET ROLE regress_phig_officer;
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS with_its_name;
ROLLBACK;
SELECT phiguard.revoke_key('registry', 'regress_phig_clerk', '{token}');
SELECT count(*) AS rows FROM phiguard.key_grant;
REVOKE EXECUTE ON FUNCTION phiguard.token(text, text) FROM regress_phig_clerk;

-- Another key in a row's place, or another domain's, is noticed.
SELECT phiguard.create_key('other');
BEGIN;
UPDATE phiguard.key_version SET wrapped = (SELECT wrapped FROM phiguard.key_version WHERE domain = 'other')
 WHERE domain = 'registry' AND version = 3;
\connect -
SELECT phiguard.token('A1', 'registry') ~ '^tk3_' AS untouched;
UPDATE phiguard.key_version k SET wrapped = o.wrapped, check_value = o.check_value
  FROM phiguard.key_version o WHERE o.domain = 'other' AND k.domain = 'registry' AND k.version = 3;
\connect -
SELECT phiguard.token('A1', 'registry');
UPDATE phiguard.key_version SET master = 'ffffffffffffffff' WHERE domain = 'other';
\connect -
\set VERBOSITY sqlstate
SELECT phiguard.token('A1', 'other');
\set VERBOSITY default

-- Every change is on record.
SELECT command, query FROM phiguard.access_log WHERE database = current_database() AND kind = 'policy' ORDER BY position;

-- Reversals too, one record a statement, with how many values there were.
SELECT phiguard.create_key('default');
SELECT count(phiguard.unseal(phiguard.seal(n::text, 'c'), 'c')) FROM generate_series(1, 1000) n;
SELECT phiguard.unfpe(phiguard.fpe('219-09-1234', 'ssn'), 'ssn');
SELECT kind, command, query, rows, outcome FROM phiguard.access_log
 WHERE database = current_database() AND command IN ('UNSEAL', 'UNFPE') AND query LIKE '%default' ORDER BY position;
DROP ROLE regress_phig_officer, regress_phig_clerk;
