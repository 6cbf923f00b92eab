# Nothing that a statement's author put into it gets into the journal: not one byte of any of its files, the ring
# included.  Every statement carries words and numbers of its own, which are then looked for.  Those of
# statements that fail are looked for in the server log, too.
use strict;
use warnings;
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'phiguard'
max_prepared_transactions = 2
log_statement = none
log_min_error_statement = error
log_error_verbosity = verbose
CONF
$node->start;

my (%private, %failing);    # word => the statement that it stands in

# Each W becomes a private word and each N a private number, W1 ... W9 the same one throughout a statement,
# that is until a line begins without a tab.
my $count = 0;

sub private
{
	my ($text, $words) = @_;
	my %same;
	my $make = sub {
		my ($kind, $line) = @_;
		my $word = $kind eq 'N' ? 731_900_000 + ++$count : 'mrq' . ++$count . 'zx';
		$words->{$word} = $line;
		return $word;
	};
	my @lines = split /^/, $text;
	for my $line (@lines)
	{
		my $before = $line;
		%same = () unless $line =~ /^\t/;
		$line =~ s/\b([WN])([1-9]?)\b/$2 eq '' ? $make->($1, $before) : ($same{"$1$2"} \/\/= $make->($1, $before))/ge;
	}
	return join('', @lines);
}

sub run
{
	my ($words, $text) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', private($text, $words), on_error_stop => 0);
	return $stderr;
}

# Words of $words that occur in $bytes, as the statements they come from.
sub found
{
	my ($words, $bytes) = @_;
	return map { "$_ of: $words->{$_}" } grep { $bytes =~ /\Q$_\E/i } sort keys %$words;
}

sub journal_bytes
{
	my $bytes = '';
	find({ no_chdir => 1, wanted => sub { $bytes .= slurp_file($_) if -f } }, $node->data_dir . '/phiguard/journal');
	return $bytes;
}

# Known names first: these may be on record.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION phiguard;
CREATE TABLE patient (id bigint PRIMARY KEY, name text, ssn text UNIQUE, birth date, bits bit varying, doc xml) WITH (parallel_workers = 2);
CREATE TABLE visit (id bigint, patient_id bigint REFERENCES patient DEFERRABLE INITIALLY DEFERRED, note phiguard.clinical_note);
SELECT phiguard.label('patient', c, k) FROM (VALUES ('name', 'name'), ('ssn', 'ssn'), ('birth', 'date'), ('bits', 'other'), ('doc', 'note')) v (c, k);
CREATE VIEW roster AS SELECT name, birth FROM patient;
CREATE ROLE regress_phig_nobody;
CREATE ROLE regress_phig_clerk;
GRANT SELECT ON patient, visit TO regress_phig_clerk;
SQL

# Reading and writing.
my $stderr = run(\%private, <<'SQL');
INSERT INTO patient VALUES (N, 'W', E'\'W\'', '1980-02-03', B'101'), (N, $W1$ $$ W $$ $W1$, 'W'
	'W', NULL, X'1F') ON CONFLICT (ssn) DO UPDATE SET name = 'W' || excluded.name;
SELECT p.name AS "W W", p.ssn AS W /* W /* W */ W */ FROM patient p WHERE ssn = 'W' OR id = N OR id = -N; -- W
SELECT W1.* FROM patient AS W1 (W2, W3, W4) WHERE W3 = n'W' OR U&'W\0061' = U&'W!0061' UESCAPE '!';
SELECT name, 1.N, .N, N.5e-3 FROM patient WHERE id IN (N, N, N) AND (id, name) IN ((N, 'W'), (N, 'W')) AND name = ANY ('{W, "W"}'::text[]) LIMIT N;
WITH W1 AS (SELECT * FROM patient WHERE name <> 'W'), W2 (W3) AS (VALUES ('W')) SELECT name, W3, count(*) OVER W4 FROM W1, W2 WINDOW W4 AS (ORDER BY 'W'::text);
WITH W1 AS (UPDATE patient SET name = name || 'W' WHERE ssn = 'W' RETURNING name AS W2) SELECT W2 FROM W1;
SELECT max(W1) AS W FROM (SELECT 'W' AS W1, name FROM patient) AS W2, xmltable('/W' PASSING ('<W1>W</W1>'::xml) COLUMNS "W W" text PATH '@W' DEFAULT 'W') AS W3 HAVING max(name) > 'W';
SELECT max(name) AS "W" FROM patient, jsonb_to_recordset('[{"W": "W"}]') AS W ("W" text);
UPDATE patient AS W1 SET name = 'W', ssn = DEFAULT WHERE W1.id = N RETURNING W1.name AS W;
MERGE INTO patient AS W1 USING (VALUES (N, 'W')) AS W2 (W3, W4) ON W1.id = W3 WHEN MATCHED THEN UPDATE SET name = 'W' WHEN NOT MATCHED THEN INSERT (id, name) VALUES (W3, W4);
DELETE FROM patient USING visit AS W1 WHERE patient.name = 'W' AND W1.note = 'W';
SELECT name AS W1 FROM roster AS W2 WHERE W2.name <> 'W' UNION SELECT 'W' ORDER BY W1;
SQL
unlike($stderr, qr/ERROR/, 'all of them run');

# Utility statements.
run(\%private, <<'SQL');
PREPARE W (text) AS SELECT name AS W FROM patient WHERE name = $1 OR name = 'W';
SET my.W = 'W';
SET LOCAL my.setting = W;
SET search_path TO public, W;
ALTER ROLE regress_phig_nobody SET my.setting TO 'W';
ALTER ROLE regress_phig_nobody PASSWORD 'W';
CREATE ROLE "W W" PASSWORD 'W';
COMMENT ON COLUMN patient.name IS 'W';
ALTER TABLE patient ADD CONSTRAINT W CHECK (name <> 'W') NOT VALID;
ALTER TABLE patient ALTER name SET DEFAULT 'W';
CREATE INDEX ON patient (lower(name)) WHERE name <> 'W';
COPY (SELECT name AS W FROM patient WHERE name <> 'W') TO '/dev/null' WITH (FORMAT csv, NULL 'W');
COPY patient TO PROGRAM 'true W' WITH (DELIMITER '|');
COPY patient (id, name, ssn) FROM stdin WITH (NULL 'W');
N	W	W
N	W W	W
\.
COPY patient (id, name) FROM stdin WITH (FORMAT csv, HEADER);
W,W
N,"W ""W""
W"
\.
CREATE TABLE names AS SELECT name AS who FROM patient WHERE name <> 'W';
CREATE MATERIALIZED VIEW more_names AS SELECT name AS who FROM patient WHERE name <> 'W';
REFRESH MATERIALIZED VIEW more_names /* W */;
COPY patient FROM '/nonexistent/W';
EXPLAIN (ANALYZE, VERBOSE) SELECT name AS W FROM patient WHERE name = 'W';
EXPLAIN SELECT name AS W FROM patient WHERE name = 'W';
SQL
# Names that are used again.
run(\%private, $_) for split /^---\n/m, <<'SQL';
PREPARE W1 (text, bigint) AS SELECT name FROM patient WHERE name = $1 OR id = $2;
	EXECUTE W1 ('W', N);
	EXPLAIN ANALYZE EXECUTE W1 ('W', N);
	DEALLOCATE W1;
---
BEGIN;
	SAVEPOINT W1;
	SELECT name FROM patient WHERE ssn = 'W';
	ROLLBACK TO W1;
	COMMIT;
---
BEGIN;
	DECLARE W1 SCROLL CURSOR WITH HOLD FOR SELECT name FROM patient WHERE name <> 'W';
	FETCH 2 FROM W1;
	COMMIT;
	FETCH LAST FROM W1;
	CLOSE W1;
---
BEGIN;
	DECLARE "W1 W2" CURSOR FOR SELECT name FROM patient FOR UPDATE;
	FETCH FROM "W1 W2";
	UPDATE patient SET name = 'W' WHERE CURRENT OF "W1 W2";
	COMMIT;
---
LISTEN W1;
	NOTIFY W1, 'W';
	UNLISTEN W1;
---
BEGIN;
	DELETE FROM patient WHERE name = 'W';
	PREPARE TRANSACTION 'W1';
	ROLLBACK PREPARED 'W1';
---
DO LANGUAGE plpgsql $W2$
	DECLARE W1 text;
	BEGIN
		SELECT name INTO W1 FROM patient WHERE name <> 'W' /* W */ LIMIT 1;
		W1 := W1 || 'W';
		W1 := (SELECT max(name) FROM patient WHERE name <> W1);
		EXECUTE format('SELECT ssn FROM patient WHERE name = %L', 'W');
		RAISE LOG 'seen';
	END $W2$;
---
CREATE FUNCTION f(W1 text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(name) FROM patient WHERE name <> W1 AND name <> 'W'); END $$;
	SELECT f('W') AS W2;
---
CREATE FUNCTION g(W1 text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT name FROM patient WHERE name <> W1 AND name <> 'W' $$;
	SELECT * FROM g('W') AS W2;
---
CREATE FUNCTION h(W1 text) RETURNS text BEGIN ATOMIC SELECT W2.name FROM patient AS W2 WHERE W2.name <> W1 AND W2.name <> 'W'; END;
	SELECT h('W');
---
CREATE PROCEDURE p(W1 text) LANGUAGE plpgsql AS $$ BEGIN UPDATE patient SET name = name || W1 || 'W'; COMMIT; SELECT name INTO W1 FROM patient LIMIT 1; END $$;
	CALL p('W');
---
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM name AS W1 FROM patient WHERE name = NEW.note || 'W'; RETURN NEW; END $$;
	CREATE TRIGGER W1 BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION t('W');
	INSERT INTO visit VALUES (N, NULL, 'W');
SQL

# Bound parameters, by the extended protocol.
my $bound = private('W', \%private);
my $bench = $node->basedir . '/bound.sql';
append_to_file($bench, private("SELECT name AS W FROM patient WHERE name = :value AND id <> :number;\n", \%private));
for my $mode ('extended', 'prepared')
{
	$node->command_ok(['pgbench', '-n', '-t', '3', '-M', $mode, '-f', $bench, '-D', "value=$bound",
			'-D', 'number=' . private('N', \%private), 'postgres'], "parameters of the $mode protocol");
}

# Statements that fail.
my $errors = run(\%failing, <<'SQL');
INSERT INTO patient (id, name, ssn) VALUES (1, 'W', '111-22-3333');
INSERT INTO patient (id, name, ssn) VALUES (1, 'W', 'W');
INSERT INTO patient (id, name, ssn) VALUES (2, 'W', '111-22-3333');
INSERT INTO patient (id, name) VALUES (NULL, 'W');
INSERT INTO visit VALUES (N, N, 'W');
SELECT ('W' || name)::int FROM patient;
SELECT ('W' || name)::date, name AS W FROM patient;
SELECT ('{W' || name)::json FROM patient;
SELECT ('W' || name)::regclass FROM patient;
SELECT id / (length(name) - length(name)) FROM patient WHERE name <> 'W';
SELECT name FROM patient WHERE birth = 'W';
SELECT name FROM roster WHERE birth = 'W';
SELECT 'W'::phiguard.birth_date;
SELECT name FROM patient WHERE nosuch = 'W';
SELECT name FROM patient WHERE name = 'W' 'W';
SELECT name FROM patient WHERE name = 'W;
';
COPY patient (id, name, birth) FROM stdin;
N	W	W
\.
COPY patient (id, name, ssn) FROM stdin;
N	W	111-22-3333
\.
CREATE UNIQUE INDEX ON patient ((name <> 'W'));
ALTER TABLE patient ADD CHECK (name = 'W');
ALTER TABLE patient ALTER ssn TYPE int USING ('W' || name)::int;
SET statement_timeout = '50ms';
SELECT name, pg_sleep(10) FROM patient WHERE name <> 'W';
RESET statement_timeout;
BEGIN;
SELECT name::int AS W FROM patient WHERE name <> 'W';
SELECT name FROM patient WHERE name = 'W';
ROLLBACK;
DO $$ BEGIN PERFORM ssn::int FROM patient WHERE name <> 'W'; END $$;
SELECT f('W'), name::int FROM patient;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT max((name || 'W')::int) FROM patient;
SET ROLE regress_phig_nobody;
SELECT name FROM patient WHERE name = 'W';
INSERT INTO patient VALUES (N, 'W');
COPY patient TO stdout WITH (NULL 'W');
SQL
is(scalar(() = $errors =~ /ERROR: /g), 28, 'the statements that were to fail did');

like(run(\%failing, "SELECT pg_terminate_backend(pg_backend_pid()), name FROM patient WHERE name <> 'W';"),
	qr/terminating connection/, 'so did a session');

# On a busy machine no worker may have started in time: then the leader failed, and it is tried again.
for (1 .. 20)
{
	last if slurp_file($node->logfile) =~ /parallel worker/;
	run(\%failing, <<'SQL');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT max((name || 'W')::int) FROM patient;
SQL
}

# What is recorded as the user's own claim is there: the search can find.
my %claimed;
run(\%claimed, "SET phiguard.app_user = 'W';\nSET application_name = 'W';\nSELECT name FROM patient;\n");

my $log = slurp_file($node->logfile);
is_deeply([ found(\%failing, $log) ], [], 'nothing of a failed statement in the server log');
like($log, qr/phiguard withheld the values/, 'which says that something was withheld');
like($log, qr/LOG:.* seen/, 'control: the log was on');
like($log, qr/parallel worker/, 'control: a parallel worker failed');

my $recorded = $node->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE kind IN ('read', 'write', 'disclosure', 'denied', 'ddl')");
cmp_ok($recorded, '>', 70, 'the statements are on record');
for my $when ('while the server runs', 'after it stopped')
{
	$node->stop if $when eq 'after it stopped';
	my $bytes = journal_bytes();
	is_deeply([ found({ %private, %failing }, $bytes) ], [], "no private word in the journal $when");
	is(scalar(found(\%claimed, $bytes)), scalar(keys %claimed), "control: claims are found in it $when");
	like($bytes, qr/public\.patient\.name/, "control: so are names of columns $when");
}
note(scalar(keys %private) + keys(%failing), " private words");
done_testing();
