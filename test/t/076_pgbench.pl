# pgbench over labelled accounts, in every protocol: no error, and a record for each statement that reaches them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 4;
my $transactions = $ENV{PHIG_LONG} ? 500 : 25;
my $total = $clients * $transactions;
my $node = phig_node('bench', 'max_connections = 40');

$node->command_ok([ 'pgbench', '-i', '-s', '1', '-q', 'postgres' ], 'pgbench -i');
$node->safe_psql('postgres', q{SELECT phiguard.label('pgbench_accounts', 'abalance', 'account'), phiguard.label('pgbench_accounts', 'filler', 'note')});

foreach my $run ([ 'tpcb-like', [ 'UPDATE write', 'SELECT read' ] ], [ 'simple-update', [ 'UPDATE write', 'SELECT read' ] ],
	[ 'select-only', ['SELECT read'] ])
{
	foreach my $protocol (qw(simple extended prepared))
	{
		my ($script, $kinds) = @$run;
		my $name = "$script-$protocol";

		my ($out, $err) = run_command([ 'env', "PGAPPNAME=$name", 'pgbench', '-n', '-b', $script, '-M', $protocol, '-c', $clients, '-j', 2, '-t', $transactions,
			'--random-seed=7', '-d', $node->connstr('postgres') ]);
		like($out, qr{actually processed: $total/$total\nnumber of failed transactions: 0 }, "$name: every transaction");
		unlike($err, qr/error|aborted/i, "$name: no error");
		is($node->safe_psql('postgres', qq{
				SELECT command || ' ' || kind, count(*), sum(rows), sum(executions), string_agg(DISTINCT outcome, ','),
					array_to_string(max(returned || referenced || stored), ',')
				FROM phiguard.access_log WHERE application = '$name' GROUP BY 1 ORDER BY 1 DESC}),
			join("\n", map { "$_|$total|$total|$total|ok|public.pgbench_accounts.abalance" } @$kinds),
			"$name: one record a statement, with one row");
	}
}
is($node->safe_psql('postgres', q{
		SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history) AND
			(SELECT count(*) FROM pgbench_history) = } . 6 * $total),
	't', 'the accounts balance');
journal_is_intact($node, 'the chain verifies');
$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|terminated by signal|unrecognized node type/, 'nothing went wrong inside');
done_testing();
