# What the server does of itself is on record: start, stop, changed settings, promotion; the keeper comes back,
# and single-user mode records too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('primary', "phiguard.journal_sync = on");
$node->start;
add_patients($node);

like(log_rows($node, 'command, outcome, query', "kind = 'server'"),
	qr/^SERVER START\|ok\|primary, .*phiguard\.journal_sync = 'on', .*phiguard\.mode = 'audit'/,
	'the start is on record, with the settings it was made with');

# A reload: what changed, and only that.
$node->append_conf('postgresql.conf', "phiguard.journal_sync = write\nwork_mem = 5MB\n");
$node->reload;
wait_for('the change is on record', sub { log_rows($node, '1', "kind = 'setting'") ne '' });
is(log_rows($node, 'query', "kind = 'setting'"), "phiguard.journal_sync = 'write' (was 'on')",
	'a changed setting is on record');

# Each way to stop leaves its event, after everything that backends wrote, and no session hinders it.
my $starts = 1;
for my $mode (qw(fast smart))
{
	my $session = open_session($node);
	query($session, 'BEGIN; SELECT ssn FROM patient');
	if ($mode eq 'smart')
	{
		close_session($session);
	}
	$node->stop($mode);
	$node->start;
	$starts++;
	is(log_rows($node, 'command', "kind = 'server'"),
		join("\n", ('SERVER START', 'SERVER STOP') x ($starts - 1), 'SERVER START'),
		"$mode stop: start and stop alternate");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM phiguard.access_log a
		WHERE a.kind <> 'server'
		  AND a.position BETWEEN (SELECT max(position) FROM phiguard.access_log WHERE command = 'SERVER STOP')
			AND (SELECT max(position) FROM phiguard.access_log WHERE command = 'SERVER START')}),
		'0', "$mode stop: nothing comes between the stop and the next start");
}
$node->stop('immediate');
$node->start;
is(log_rows($node, 'count(*)', "command = 'SERVER STOP'"), '2', 'an immediate stop leaves no stop event');
is(log_rows($node, 'count(*)', "command = 'SERVER START'"), '4', 'but the start after it does');

# Somebody ends the keeper alone: not a stop of the server, and another one takes its place.
sub keeper_pid
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	for my $dir (glob '/proc/[0-9]*')
	{
		my ($pid) = $dir =~ /(\d+)$/;
		next unless -r "$dir/stat" && -r "$dir/cmdline";
		my $title = eval { slurp_file("$dir/cmdline") } // '';
		my $stat = eval { slurp_file("$dir/stat") } // '';
		return $pid if $title =~ /phiguard journal keeper/ && $stat =~ /\) \S+ $postmaster /;
	}
	return undef;
}
my $first = keeper_pid();
ok($first, 'the keeper runs under its name');
kill 'TERM', $first;
wait_for('another keeper', sub { (keeper_pid() // $first) != $first });
is(log_rows($node, 'count(*)', "command = 'SERVER STOP'"), '2', 'terminating the keeper is no stop');
$node->safe_psql('postgres', "SET phiguard.journal_sync = off; SELECT ssn FROM patient WHERE id = 2");
my $dir = journal_dir($node);
wait_for('the new keeper flushes', sub
{
	my $segment = read_segment(newest_segment($dir));
	return $segment->{records}[-1]{type} =~ /[LC]/ && grep { $_->{type} eq 'S' } @{ $segment->{records} };
});
is_intact($node, 'after another keeper');

# A hot standby records what is read there, and its promotion.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1'), '123-45-0001', 'a read on the standby');
is(log_rows($standby, 'rows, outcome', "kind = 'read' AND 'replica' = ANY (flags)"), '1|ok', 'is on record there');
$standby->promote;
wait_for('the promotion is on record', sub { log_rows($standby, '1', "command = 'PROMOTION'") ne '' });
is(log_rows($standby, 'count(*)', "command = 'PROMOTION'"), '1', 'the promotion is on record, once');
is_intact($standby, 'after promotion');
$standby->stop;

# Single-user mode has no keeper; the one process does its work.
$node->stop;
my $stdout = '';
IPC::Run::run([ $node->installed_command('postgres'), '--single', '-D', $node->data_dir, 'postgres' ],
	'<', \"SELECT ssn FROM patient WHERE id = 3\n", '>', \$stdout);
like($stdout, qr/123-45-0003/, 'single-user mode reads');
$node->start;
is(log_rows($node, 'rows', "query LIKE 'SELECT ssn FROM patient%' AND kind = 'read' AND pid NOT IN "
	  . "(SELECT pid FROM phiguard.access_log WHERE kind <> 'server' AND application = 'psql')"
	  . " AND started > (SELECT max(started) FROM phiguard.access_log WHERE query LIKE 'single-user%')"),
	'1', 'and the read is on record');
is_intact($node, 'after single-user mode');

done_testing();
