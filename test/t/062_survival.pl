# After the first row reached the client, nothing takes the record back: not ROLLBACK, an error, a
# cancel, a killed backend or a server that stops at once.  And before the fact: where no record
# can be written, no row leaves.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('survival', 'phiguard.journal_segment_size = 1MB');
my $journal = $node->data_dir . '/phiguard/journal';
my $lines = 0;					# records that must be there at the end

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_app LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, ssn text, note text);
INSERT INTO patient SELECT i, '000-00-' || to_char(i, 'FM0000') FROM generate_series(1, 20) i;
CREATE TABLE plain AS SELECT 1 AS id;
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN patient.note IS 'note';
CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text;
BEGIN
    BEGIN
        SELECT ssn INTO s FROM patient WHERE id = 1;
        RAISE EXCEPTION 'after the read';
    EXCEPTION WHEN raise_exception THEN
        RETURN s;
    END;
END $$;
GRANT ALL ON patient, plain TO regress_phig_app;
SQL

sub left
{
	my ($app, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$lines += @$expected;
	records_are($node, "application = '$app'", $expected, $name);
	return journal_is_intact($node, "$name: the journal is intact");
}

# --- What a transaction takes back, a record survives.
my ($out, $err);
run_sql($node, 'BEGIN; SELECT ssn FROM patient WHERE id = 1; ROLLBACK', as => 'regress_phig_app', app => 'rollback');
left('rollback', ['read SELECT; returned patient.ssn; rows 1; ok'], 'ROLLBACK');

run_sql($node, "BEGIN; UPDATE patient SET note = 'x' WHERE id = 1; SELECT 1/0; COMMIT", as => 'regress_phig_app', app => 'failed transaction');
left('failed transaction', ['write UPDATE; stored patient.note; rows 1; ok'], 'a transaction that fails later');

run_sql($node, 'BEGIN; SAVEPOINT a; SELECT ssn FROM patient WHERE id <= 2; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 3 FROM c;
	ROLLBACK TO a; SELECT 1; COMMIT', as => 'regress_phig_app', app => 'savepoint');
left('savepoint', [ 'read SELECT; returned patient.ssn; rows 2; ok', 'read SELECT; returned patient.ssn; rows 3; ok' ],
	'a savepoint rolled back');

($out) = run_sql($node, 'SELECT caught()', as => 'regress_phig_app', app => 'caught');
is($out, '000-00-0001', 'the function keeps what it read, though its block is rolled back');
left('caught', ['read SELECT; returned patient.ssn; rows 1; ok; flags function'], 'an exception that PL/pgSQL catches');

($out, $err) = run_sql($node, 'SELECT ssn, 1 / (5 - id) FROM (SELECT * FROM patient ORDER BY id OFFSET 0) p', as => 'regress_phig_app', app => 'error');
like($err, qr/division by zero/, 'the query fails');
left('error', ['read SELECT; returned patient.ssn; rows 4; error 22012; flags ran'], 'an error after four rows');

run_sql($node, 'COPY (SELECT ssn, 1 / (5 - id) FROM (SELECT * FROM patient ORDER BY id OFFSET 0) p) TO STDOUT', as => 'regress_phig_app', app => 'copy to');
left('copy to', ['read COPY; returned patient.ssn; rows 4; error 22012; flags copy, ran'], 'COPY TO that fails after four rows');

run_sql($node, "COPY patient (id, ssn) FROM STDIN;\n101\t000-00-0101\nx\t000-00-0102\n\\.\n", as => 'regress_phig_app', app => 'copy from');
left('copy from', ['write COPY; stored patient.ssn; rows 0; error 22P02; flags copy, ran'], 'COPY FROM that fails at its second line');

run_sql($node, "SET statement_timeout = '200ms'; SELECT ssn, pg_sleep(id - 1) FROM patient ORDER BY id", as => 'regress_phig_app', app => 'timeout');
left('timeout', ['read SELECT; returned patient.ssn; rows 1; cancelled 57014; flags ran'], 'statement_timeout');

# --- A client that has its first row, and then: rows are wider than the network buffers, the second pushes the first out.
my $slow = q{COPY (SELECT ssn || repeat(' ', 20000), pg_sleep(CASE WHEN id > 2 THEN 1000 ELSE 0 END) FROM patient ORDER BY id) TO STDOUT;};

sub reading
{
	my ($app) = @_;
	my $session = session($node, as => 'regress_phig_app', app => $app);

	$session->send($slow);
	like($session->wait_for(qr/000-00-0001/), qr/000-00-0001/, "$app: the first row is with the client");
	return $session;
}

my $session = reading('cancel');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
$session->ask('SELECT 1');
$session->close;
left('cancel', ['read COPY; returned patient.ssn; rows 2; cancelled 57014; flags copy, ran'], 'pg_cancel_backend');

$session = reading('terminate');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($session->{pid}, 30000)");
$session->close;
left('terminate', ['read COPY; returned patient.ssn; rows 2; error 57P01; flags copy, ran'], 'pg_terminate_backend');

$session = session($node, as => 'regress_phig_app', app => 'idle');
$session->ask('BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 1 FROM c');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($session->{pid}, 30000)");
$session->close;
left('idle', ['read SELECT; returned patient.ssn; rows 1; ok'], 'pg_terminate_backend between two statements');

$session = reading('killed');
my $before = (records($node, 'true'))[-1]{position};
kill 'KILL', $session->{pid};
$session->close;
wait_until(sub { (run_sql($node, 'SELECT 1'))[0] eq '1' }, 'the server comes back by itself');
left('killed', ['read COPY; returned patient.ssn; lost; flags copy'], 'kill -9 of the backend');
is(scalar(records($node, "position <= $before AND kind IN ('read', 'write')")), $lines, 'what was recorded before it is still there');

$session = reading('stopped');
$node->stop('immediate');
$session->close;
$node->start;
left('stopped', ['read COPY; returned patient.ssn; lost; flags copy'], 'immediate stop of the server');

$session = reading('all killed');
# The backend does not get to see that the postmaster is gone.
kill 'STOP', $session->{pid};
$node->kill9;
kill 'KILL', $session->{pid};
$session->close;
wait_until(sub { !kill(0, $session->{pid}) }, 'the backend is gone');
$node->start;
left('all killed', ['read COPY; returned patient.ssn; lost; flags copy'], 'kill -9 of the postmaster and the backend');

my $last = (records($node, 'true'))[-1]{position};
$node->restart;
is(scalar(records($node, "position <= $last AND kind IN ('read', 'write')")), $lines, 'a restart keeps them all');
run_sql($node, 'SELECT ssn FROM patient', as => 'regress_phig_app', app => 'restarted');
my ($next) = records($node, "application = 'restarted'");
cmp_ok($next->{position}, '>', $last, 'positions go on increasing');
left('restarted', ['read SELECT; returned patient.ssn; rows 20; ok'], 'after a restart');

# --- Before the fact.
SKIP:
{
	skip 'root may write everywhere', 1 if $> == 0;

	# New segments cannot be made any more; what fits into the present one is still recorded.
	chmod 0500, $journal or die $!;
	my $long = join(' OR ', ('ssn = lower(note)') x 1000);
	my $filler = join('', map { "SELECT ssn FROM patient WHERE " . join(' + ', ('id') x $_) . " < 0 OR $long;\n" } 1 .. 100);
	($out, $err) = run_sql($node, $filler, as => 'regress_phig_app', app => 'full');
	like($err, qr/ERROR:/, 'where no segment can be made, labelled reads are refused in the end');
	is($out, '', 'and no row came before');
	($out, $err) = run_sql($node, "\\set VERBOSITY verbose\nSELECT ssn FROM patient WHERE id = 1", as => 'regress_phig_app');
	like($err, qr/PG001/, 'SQLSTATE PG001');
	is($out, '', 'no row');
	($out, $err) = run_sql($node, "UPDATE patient SET note = 'unrecorded'; COPY patient TO STDOUT", as => 'regress_phig_app');
	is($out, '', 'no row by COPY either');
	is((run_sql($node, 'SELECT id FROM plain', as => 'regress_phig_app'))[0], '1', 'an unlabelled read works');
	is((run_sql($node, 'SELECT count(*) FROM patient', as => 'regress_phig_app'))[0], '20', 'so does one that reaches no labelled column');
	chmod 0700, $journal or die $!;
	wait_until(sub { (run_sql($node, 'SELECT ssn FROM patient WHERE id = 1', as => 'regress_phig_app'))[0] eq '000-00-0001' },
		'when the directory can be written again, reads work again');
	is((run_sql($node, "SELECT count(*) FROM patient WHERE note = 'unrecorded'"))[0], '0', 'the refused UPDATE did nothing');
	journal_is_intact($node, 'the journal is intact after the refusals');

	# A journal that cannot be opened: the server starts, and refuses what it cannot record.
	$node->stop;
	chmod 0000, $journal or die $!;
	$node->start;
	($out, $err) = run_sql($node, 'SELECT ssn FROM patient WHERE id = 1', as => 'regress_phig_app');
	is($out, '', 'a journal that cannot be opened: no labelled row');
	like($err, qr/ERROR/, 'but an error');
	is((run_sql($node, 'SELECT id FROM plain', as => 'regress_phig_app'))[0], '1', 'and an unlabelled read works');
	chmod 0700, $journal or die $!;
	$node->restart;
	is((run_sql($node, 'SELECT ssn FROM patient WHERE id = 1', as => 'regress_phig_app'))[0], '000-00-0001', 'mended, it goes on');
	journal_is_intact($node, 'the journal is intact at the end');
}

$node->stop;
done_testing();
