# Who, on whose behalf, from where and why: what a session says of itself, what the server knows, and
# who may read it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('session', "listen_addresses = '127.0.0.1'", "phiguard.auditor_role = 'regress_phig_auditor'",
	"phiguard.journal_sync = 'write'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_app LOGIN;
CREATE ROLE regress_phig_clerk LOGIN;
GRANT regress_phig_clerk TO regress_phig_app;
CREATE ROLE regress_phig_auditor;
CREATE ROLE regress_phig_eve LOGIN IN ROLE regress_phig_auditor;
CREATE TABLE patient (id int PRIMARY KEY, ssn text);
INSERT INTO patient SELECT i, '000-00-' || i FROM generate_series(1, 10000) i;
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
GRANT SELECT ON patient TO regress_phig_app, regress_phig_clerk;
ANALYZE patient;
CREATE FUNCTION in_worker() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN (SELECT max(ssn) FROM patient); END';
SQL

# The claims of each record of one application name: "app_user|purpose|justification|flags".
sub claims
{
	my ($app) = @_;

	return [ map { join('|', @$_{qw(app_user purpose justification flags)}) } records($node, "application = '$app' AND kind = 'read'") ];
}

my $read = 'SELECT ssn FROM patient WHERE id = 1';
my ($out, $err);

# --- Claims.
run_sql($node, "BEGIN; SELECT phiguard.begin_access('treatment', 'j.doe', 'ticket 12'); $read; COMMIT; $read",
	as => 'regress_phig_app', app => 'begin_access');
is_deeply(claims('begin_access'), [ 'j.doe|treatment|ticket 12|', '|||' ], 'begin_access() holds for its transaction');

run_sql($node, "BEGIN; SELECT phiguard.begin_access(app_user => 'a'); $read; COMMIT;
	BEGIN; SELECT phiguard.begin_access(app_user => 'b'); $read; ROLLBACK;
	BEGIN; $read; SELECT phiguard.begin_access(app_user => 'c'); $read; COMMIT;", as => 'regress_phig_app', app => 'pool');
is_deeply(claims('pool'), [ 'a|||', 'b|||', '|||', 'c|||' ], 'several users on one connection do not mix');

run_sql($node, "SET phiguard.app_user = 'j.doe'; $read; BEGIN; SET LOCAL phiguard.app_user = 'k.roe'; $read; COMMIT; $read; RESET phiguard.app_user; $read",
	as => 'regress_phig_app', app => 'set');
is_deeply(claims('set'), [ 'j.doe|||session_user_claim', 'k.roe|||', 'j.doe|||session_user_claim', '|||' ],
	'what was set in an earlier transaction is flagged');

run_sql($node, "ALTER ROLE regress_phig_app SET phiguard.purpose = 'billing'");
run_sql($node, $read, as => 'regress_phig_app', app => 'role setting');
is_deeply(claims('role setting'), ['|billing||session_user_claim'], 'ALTER ROLE ... SET');
run_sql($node, 'ALTER ROLE regress_phig_app RESET phiguard.purpose');

run_sql($node, $read, as => 'regress_phig_app', app => 'connection', options => "options='-c phiguard.justification=chart\\\\ review'");
is_deeply(claims('connection'), ['||chart review|session_user_claim'], 'a setting that the connection brings');

run_sql($node, "PREPARE s AS $read; BEGIN; SELECT phiguard.begin_access(app_user => 'a'); EXECUTE s; COMMIT;
	BEGIN; SELECT phiguard.begin_access(app_user => 'b'); EXECUTE s; COMMIT", as => 'regress_phig_app', app => 'plan');
is_deeply(claims('plan'), [ 'a|||', 'b|||' ], 'a plan made for one user serves another under his own name');

run_sql($node, "BEGIN; SELECT phiguard.begin_access(app_user => 'a'); DECLARE c CURSOR FOR $read; COMMIT;", as => 'regress_phig_app', app => 'cursor');
is_deeply(claims('cursor'), ['a|||'], 'a cursor');

(undef, $err) = run_sql($node, "SET phiguard.app_user = E'a\\nb'; SELECT set_config('phiguard.purpose', repeat('x', 300), false)", as => 'regress_phig_app');
like($err, qr/Control characters.*At most 256 bytes/s, 'a claim is one line and not long');

# --- What the server knows.
sub facts
{
	my ($app, @names) = @_;

	return [ map { join('|', @$_{@names}) } records($node, "application = '$app' AND kind = 'read'") ];
}

run_sql($node, $read, as => 'regress_phig_app', app => 'socket');
is_deeply(facts('socket', qw(login_role active_role client database application)), ['regress_phig_app|regress_phig_app||postgres|socket'],
	'over the socket there is no client address');
run_sql($node, $read, as => 'regress_phig_app', app => 'tcp', options => 'host=127.0.0.1');
is_deeply(facts('tcp', qw(client)), ['127.0.0.1'], 'over TCP there is');

run_sql($node, "SET ROLE regress_phig_clerk; $read; RESET ROLE; $read", as => 'regress_phig_app', app => 'roles');
is_deeply(facts('roles', qw(login_role active_role)), [ 'regress_phig_app|regress_phig_clerk', 'regress_phig_app|regress_phig_app' ],
	'SET ROLE changes the active role');
run_sql($node, "SET SESSION AUTHORIZATION regress_phig_clerk; $read", app => 'authorization');
is_deeply(facts('authorization', qw(login_role active_role)), ['postgres|regress_phig_clerk'],
	'SET SESSION AUTHORIZATION does not change who logged in');

run_sql($node, "$read; SET application_name = 'second name'; $read", as => 'regress_phig_app', app => 'first name');
is_deeply([ map { scalar @{ claims($_) } } 'first name', 'second name' ], [ 1, 1 ], 'the application name is that of the time');

my $session = session($node, as => 'regress_phig_app', app => 'two statements');
$session->ask($read) foreach 1 .. 2;
$session->close;
my @two = records($node, "application = 'two statements'");
is($two[0]{pid}, $session->{pid}, 'the process id');
isnt($two[0]{session_id}, '', 'a session id');
is($two[0]{session_id}, $two[1]{session_id}, 'the same for both statements');
my ($other) = records($node, "application = 'tcp'");
isnt($two[0]{session_id}, $other->{session_id}, 'and not that of another session');

# --- What a function reads in a parallel worker is the leader's.
my $debug_parallel = $node->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
$session = session($node, as => 'regress_phig_app', app => 'parallel', options => 'host=127.0.0.1');
$session->ask("SET $debug_parallel = on; SET phiguard.app_user = 'j.doe'");
like($session->ask('EXPLAIN (ANALYZE, COSTS OFF) SELECT in_worker()'), qr/Workers Launched: 1/, 'a function runs in a parallel worker');
$session->ask($read);
$session->close;
my ($worker, $leader) = records($node, "application = 'parallel'");
is(record_line($worker), 'read SELECT; returned patient.ssn; rows 1; ok; flags function, session_user_claim',
	'what it reads is on record');
is_deeply([ @$worker{qw(pid session_id client app_user login_role)} ], [ @$leader{qw(pid session_id client app_user login_role)} ],
	"under the session's own name");
is($worker->{client}, '127.0.0.1', 'and address');

# --- A loop of point reads is one record.
run_sql($node, 'DO $$ DECLARE s text; BEGIN FOR i IN 1..10000 LOOP SELECT ssn INTO s FROM patient WHERE id = i; END LOOP; END $$',
	as => 'regress_phig_app', app => 'loop');
records_are($node, "application = 'loop'", ['read SELECT; returned patient.ssn; executions 10000; rows 10000; ok; flags function'],
	'a loop of 10,000 reads is one record, with its count');
run_sql($node, 'DO $$ DECLARE s text; BEGIN FOR i IN 1..3 LOOP SELECT ssn INTO s FROM patient WHERE id = i;
	PERFORM phiguard.begin_access(app_user => \'u\' || i % 2); END LOOP; END $$', as => 'regress_phig_app', app => 'loop of users');
is_deeply([ sort map { "$_->{app_user} $_->{executions}" } records($node, "application = 'loop of users'") ], [ ' 1', 'u0 1', 'u1 1' ],
	'but one for each user that it speaks for');

# --- What autovacuum computes of an index, by functions, for each row that it samples.
run_sql($node, <<'SQL', app => 'index');
CREATE FUNCTION key_of(i int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT ssn FROM public.patient WHERE id = i); END';
CREATE TABLE keyed (id int);
CREATE INDEX ON keyed (key_of(id));
INSERT INTO keyed SELECT i FROM generate_series(1, 100) i;
SQL
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = 1s\nautovacuum_analyze_threshold = 10");
$node->reload;
wait_until(sub { (run_sql($node, q{SELECT autoanalyze_count > 0 FROM pg_stat_user_tables WHERE relname = 'keyed'}, app => 'reader'))[0] eq 't' },
	'autovacuum analyzes the table');
records_are($node, "application IS NULL AND kind = 'read' AND query LIKE '%patient%'",
	['read SELECT; returned patient.ssn; executions 100; rows 100; ok; flags exempt, function'], 'and what its function read is one record');
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->reload;

# --- Who may read it, and the reading is on record.
($out, $err) = run_sql($node, 'SELECT * FROM phiguard.access_log', as => 'regress_phig_app');
like("$out$err", qr/^\S+ ERROR:\s+permission denied/, 'the record is not for everybody');
($out, $err) = run_sql($node, 'SELECT * FROM phiguard.verify_journal()', as => 'regress_phig_app');
like("$out$err", qr/^\S+ ERROR:\s+permission denied/, 'nor is its verification');
($out, $err) = run_sql($node, "SELECT count(*) > 0 FROM phiguard.access_log WHERE application = 'loop'", as => 'regress_phig_eve', app => 'auditor');
is("$out$err", 't', 'an auditor reads it');
($out, $err) = run_sql($node, 'SELECT * FROM phiguard.verify_journal()', as => 'regress_phig_eve', app => 'auditor');
is("$out$err", '', 'and verifies it');
my @readings = records($node, "application = 'auditor'");
cmp_ok(scalar(@readings), '>=', 1, 'the reading is on record');
is_deeply([ map { "$_->{kind} $_->{login_role}" } $readings[0] ], ['log_read regress_phig_eve'], 'with its kind and reader');
run_sql($node, 'SELECT * FROM phiguard.access_log', as => 'regress_phig_app', app => 'refused');
my @refused = records($node, "application = 'refused' AND kind = 'log_read'");
is(scalar(@refused), 0, 'who was refused has read nothing');

# --- Nothing that was asked for is in the journal's bytes.
my $secret = '987-65-4321';
run_sql($node, "SELECT ssn AS secretalias FROM patient /* secretcomment */ WHERE ssn = '$secret' AND id <> 98765432;
	PREPARE secretname AS SELECT ssn FROM patient WHERE ssn = \$1; EXECUTE secretname ('$secret');
	DO \$\$ BEGIN PERFORM ssn FROM patient WHERE ssn = '$secret'; END \$\$;
	SELECT ssn::int FROM patient WHERE ssn = '$secret'; SELEC '$secret' FROM patient;
	COPY (SELECT ssn FROM patient WHERE ssn = '$secret') TO STDOUT; DECLARE secretcursor CURSOR FOR SELECT ssn FROM patient WHERE ssn = '$secret'",
	as => 'regress_phig_app', app => 'secrets');
cmp_ok(scalar(records($node, "application = 'secrets'")), '>=', 5, 'statements with secrets are recorded');
$node->stop;
my $bytes = join('', map { slurp_file($_) } glob($node->data_dir . '/phiguard/journal/*'));
like($bytes, qr/public\.patient\.ssn/, 'the journal is found by a search of its bytes');
unlike($bytes, qr/$_/, "but $_ is not in it") foreach ($secret, '98765432', 'secretalias', 'secretcomment', 'secretname', 'secretcursor', '000-00-1\b');

done_testing();
