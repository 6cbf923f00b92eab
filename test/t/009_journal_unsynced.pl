# A server that is killed between a write and its sync finds, when it is started again, what the disk may not have:
# the kernel does.  Should the machine lose power later on, nothing that was answered in between hangs on it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigBuild;
use PhigPower;
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $dir = "$place/journal";
my $power = PhigPower->new(directory => $dir, shadow => "$place/shadow", library => make_library('powerloss', $place),
	draw => generator(1));
my $node = new_server('unsynced', 'fsync = on', "phiguard.journal_directory = '$dir'",
	'phiguard.journal_segment_size = 2MB', 'log_statement = none', 'autovacuum = off');

my $nfiles = 0;

sub start
{
	local %ENV = (%ENV, $power->environment);
	$node->start;
	wait_until_open($node) if $nfiles;
}

sub read_as
{
	my ($mark) = @_;
	$node->safe_psql('postgres', "SET phiguard.journal_sync = off; SET phiguard.app_user = '$mark'; SELECT ssn FROM patient WHERE id = 1");
}

sub is_on_record
{
	my ($mark) = @_;
	is(log_rows($node, 'count(*)', "kind = 'read' AND app_user = '$mark'"), '1', "$mark: on record");
}

sub write_statements
{
	my $file = "$place/statements." . ++$nfiles;

	append_to_file($file, join("\n", 'SET phiguard.journal_sync = off;', @_, ''));
	return $file;
}

# Until one of them waits for a sync that does not return: the server dies there.  undef: they stall it themselves.
sub die_unsynced
{
	my ($which, @statements) = @_;

	my $file = write_statements(@statements);
	my $output = '';

	$power->stall($which) if defined $which;
	my $client = IPC::Run::start([ $node->installed_command('psql'), '-Xq', '-d', $node->connstr('postgres'), '-f', $file ],
		'>&', \$output, IPC::Run::timeout(60));
	wait_for('a stalled sync', sub { $power->has_stalled });
	kill_server($node);
	$client->finish;
	$power->stall(undef);
}

sub lose_power
{
	kill_server($node);
	$power->cut('none');
	start();
}

# For psql, when nothing else is left to be written.
my $stall_data = "\\! printf 'data .seg' >$place/shadow/stall";

start();
add_patients($node);
$node->command_ok([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-o', '/dev/null', '-f', write_statements(long_reads(420)) ],
	'reads that fill a part of the segment');
cmp_ok(-s newest_segment($dir), '==', 2 * 1024 * 1024, 'the segment has room');

# Written, and not synced.  The next record finds the segment full, and begins another.
die_unsynced(undef, "SET phiguard.app_user = 'not synced'; SELECT pg_sleep(0.5);", $stall_data, 'SELECT ssn FROM patient WHERE id = 1;');
$node->append_conf('postgresql.conf', 'phiguard.journal_segment_size = 1MB');
start();
cmp_ok(scalar(segments($dir)), '==', 2, 'the next segment has begun');
is_on_record('not synced');
read_as('answered then');
lose_power();
is_on_record('not synced');
is_on_record('answered then');
is_intact($node, 'after a segment that was not synced');

# A segment that has its name, and the directory is not synced; nor is it for the sake of another file.
my $before;
for my $attempt (1 .. 5)
{
	$before = () = segments($dir);
	die_unsynced('names .seg', long_reads(300));
	# The keeper may have been about to make a spare, too; then once more.
	last if slurp_file("$place/shadow/directory") !~ /spare\.tmp/;
	$power->cut('all');
	start();
}
cmp_ok(scalar(segments($dir)), '==', $before + 1, 'the segment has its name');
$power->stall('names spare.tmp');
start();
$node->safe_psql('postgres', q{SET phiguard.app_user = 'the name not synced'; SELECT ssn FROM patient WHERE id = 1});
kill_server($node);
$power->stall(undef);
$power->cut('none');
start();
is_on_record('the name not synced');
is_intact($node, 'after a name that was not synced');

# Written, not synced, and the first sector lost: what follows stands in the ring, too, and is on record once.
die_unsynced(undef, "SET phiguard.app_user = 'in two places'; SELECT pg_sleep(0.5);", $stall_data,
	'SELECT ssn AS twice FROM patient WHERE id = 1;');
my $newest = newest_segment($dir);
my $written = unpack 'Q<', read_bytes("$place/shadow/" . (stat $newest)[1] . '.writes', 0, 8);
flip_byte($newest, $written + 40);
like(read_bytes($newest, $written), qr/^u=in two places$/m, 'the first place');
start();
is_on_record('in two places');
like(findings($node), qr/the chain was begun anew here/, 'and the break is named');

$node->stop;
done_testing();
