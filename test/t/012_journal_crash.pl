# Nothing takes a record back: the first row of a cursor has reached the client, then the statement, its
# backend or the whole server ends in every way there is.  The record is there, and the chain verifies.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('crash');
$node->start;
add_patients($node);
$node->safe_psql('postgres', 'INSERT INTO patient SELECT i, \'x\' FROM generate_series(4, 1000) i');

# Each way to end, with what the record says of the outcome.  What a session had marked in its claim tells
# its record from the others.
my @ways = (
	[ 'rollback', sub { query($_[0], 'ROLLBACK') }, 'ok' ],
	[ 'error', sub { query($_[0], 'SELECT 1 / 0') }, 'ok|error' ],
	[ 'cancel', sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[1])") }, 'ok|cancelled|error' ],
	[ 'terminate', sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[1])") }, 'ok|error|cancelled' ],
	[ 'kill -9 of the backend', sub { kill_backend($node, $_[1]) }, 'lost' ],
	[ 'immediate stop', sub { $node->stop('immediate'); $node->start }, 'lost' ],
	[ 'kill -9 of the postmaster', \&kill_postmaster, 'ok|error|lost' ],
);

# Its children end by themselves when they notice.  Where nobody collects dead orphans the pid
# looks alive for ever: the lock files go too.
sub kill_postmaster
{
	$node->kill9;
	sleep 1;
	unlink $node->data_dir . '/postmaster.pid', glob($node->host . '/.s.PGSQL.' . $node->port . '*');
	$node->start;
}

for my $sync (qw(on write))
{
	for my $way (@ways)
	{
		my ($name, $end, $outcome) = @$way;
		my $mark = "$name under $sync";
		my $session = open_session($node);
		my $pid = query($session, 'SELECT pg_backend_pid()');

		query($session, "SET phiguard.journal_sync = $sync; SET phiguard.app_user = '$mark'; BEGIN;"
			  . ' DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id');
		is(query($session, 'FETCH 1 FROM c'), '123-45-0001', "$mark: the first row arrives");
		$end->($session, $pid);
		close_session($session);
		wait_until_open($node);
		like(log_rows($node, 'outcome', "app_user = '$mark' AND returned = '{public.patient.ssn}'"),
			qr/^($outcome)$/, "$mark: its record is there");
	}
	is_intact($node, "journal_sync = $sync");
}

# With journal_sync = off a record is not waited for, but in the segment within 200 ms (and in the ring at once).
my $dir = journal_dir($node);
$node->safe_psql('postgres', q{
	SET phiguard.journal_sync = off; SET phiguard.app_user = 'nobody waits'; SELECT ssn FROM patient WHERE id = 1});
wait_for('the keeper flushes', sub { read_bytes(newest_segment($dir), 0) =~ /u=nobody waits/ });
ok(1, 'journal_sync = off: the keeper brings the record to disk');

# Many writers, and one of them dies in the midst of it, again and again.
my $script = $node->basedir . '/mix.sql';
append_to_file($script, "SET phiguard.journal_sync = off;\nSELECT ssn FROM patient WHERE id = 1;\n"
	  . "SET phiguard.journal_sync = on;\nSELECT ssn FROM patient WHERE id = 2;\n");
for my $round (1 .. 3)
{
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 20, '-f', $script, $node->connstr('postgres') ],
		'>', \my $out, '2>', \my $err);
	my $pid;

	wait_for('a writer', sub
	{
		$pid = $node->safe_psql('postgres', q{
			SELECT max(pid) FROM pg_stat_activity WHERE query LIKE 'S%;' AND pid <> pg_backend_pid()});
		return $pid ne '';
	});
	select(undef, undef, undef, 0.3);
	kill_backend($node, $pid);
	eval { $bench->finish };
	wait_until_open($node);
	is_intact($node, "writers killed, round $round");
}

# Whatever a client was answered is on record: each counts its answers, then the server is gone.
for my $sync (qw(on write off))
{
	my $mark = "answered under $sync";
	my $read = $node->basedir . "/$sync.sql";
	append_to_file($read, "SELECT ssn FROM patient WHERE id = 1;\n");
	local $ENV{PGOPTIONS} = "-c phiguard.journal_sync=$sync -c phiguard.app_user=" . ($mark =~ s/ /\\ /gr);
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 20, '-f', $read, $node->connstr('postgres') ],
		'>', \my $out, '2>', \my $err);

	sleep 1;
	$node->stop('immediate');
	eval { $bench->finish };
	delete $ENV{PGOPTIONS};
	$node->start;
	wait_until_open($node);
	my ($answers) = $out =~ /transactions actually processed: (\d+)/;
	cmp_ok($answers, '>', 0, "$mark: clients were at work");
	my $records = log_rows($node, 'count(*)', "app_user = '$mark' AND kind = 'read'");
	cmp_ok($records, '>=', $answers, "$mark: all $answers answers are on record");
	is_intact($node, $mark);
}

is(log_rows($node, 'count(*) - count(DISTINCT (node, position))', 'true'), '0', 'no record stands twice');

$node->stop;
done_testing();
