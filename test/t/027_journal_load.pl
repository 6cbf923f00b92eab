# Many sessions at once, and bursts larger than the ring: statements wait, and nothing is lost.
# PHIG_LONG: 1,000 sessions instead of 200.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigBuild;
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = $ENV{PHIG_LONG} ? 1000 : 200;
my $place = PostgreSQL::Test::Utils::tempdir();
my $client = make_client($place);

# --- as many sessions as there may be, each with a read at the same moment

my $node = new_server('crowd', 'fsync = on', 'max_connections = ' . ($sessions + 50), 'shared_buffers = 16MB',
	'log_statement = none', 'log_connections = off', 'log_disconnections = off');
$node->start;
add_patients($node);
my ($out, $err) = ('', '');
IPC::Run::run([ $client, 'crowd', $node->connstr('postgres'), "$place/notes", 'crowd', $sessions ], '>', \$out, '2>', \$err,
	IPC::Run::timeout(600));
is($out, "$sessions answered, 0 not\n", "$sessions sessions at once: each is answered");
is(-s "$place/notes.errors", 0, "$sessions sessions at once: without an error");
is(log_rows($node, q{count(*), count(DISTINCT app_user), count(DISTINCT position), string_agg(DISTINCT outcome, ', ')},
		q{app_user ~ '^crowd\.' AND kind = 'read'}), "$sessions|$sessions|$sessions|ok",
	"$sessions sessions at once: each has one record, with its end");
is_intact($node, "$sessions sessions at once");
$node->stop;

# --- bursts through the smallest ring

my $small = new_server('burst', 'fsync = on', 'phiguard.journal_buffers = 256kB', 'phiguard.journal_segment_size = 1MB',
	'max_connections = 40', 'log_statement = none');
$small->start;
add_patients($small);

my ($clients, $reads) = (8, 40);
my @runs;
for my $n (1 .. $clients)
{
	# Definitions of 2 to 6 kB, no two sessions' the same: 1.3 MB in all.
	my $file = "$place/burst.$n";

	append_to_file($file, join("\n", 'SET phiguard.journal_sync = off;', "SET phiguard.app_user = 'burst';",
		map { 'SELECT ssn FROM patient WHERE id = 1' . ' AND id < 10000' x (150 + $n + $clients * $_) . ';' } 1 .. $reads));
	push @runs, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $small->connstr('postgres'), '-f', $file ],
		'>', \my $rows, '2>', \my $errors, IPC::Run::timeout(300));
}
is(scalar(grep { $_->finish } @runs), $clients, 'definitions that are together five times the ring: nobody is refused');
is(log_rows($small, q{count(*), count(DISTINCT query), string_agg(DISTINCT outcome, ', ')}, q{app_user = 'burst' AND kind = 'read'}),
	$clients * $reads . '|' . $clients * $reads . '|ok', 'definitions that are together five times the ring: all on record');

my $script = "$place/small.sql";
append_to_file($script, "SELECT ssn FROM patient WHERE id = 1;\n");
$small->safe_psql('postgres', 'ALTER DATABASE postgres SET phiguard.journal_sync = off');
{
	local $ENV{PGAPPNAME} = 'small reads';
	$small->command_ok([ 'pgbench', '-n', '-M', 'prepared', '-c', 16, '-t', 500, '-f', $script, $small->connstr('postgres') ],
		'small reads that are together five times the ring: nobody is refused');
}
is(log_rows($small, q{count(*), string_agg(DISTINCT outcome, ', ')}, q{application = 'small reads' AND kind = 'read'}), '8000|ok',
	'small reads that are together five times the ring: all on record');
is_intact($small, 'bursts');

$small->stop;
done_testing();
