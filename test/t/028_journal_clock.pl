# A clock that steps backwards: times in the record step with it, numbers do not, and nothing waits for the time
# to come round again.  The wrong time comes from lib/fault.c.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigBuild;
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);

my $place = PostgreSQL::Test::Utils::tempdir();
my $library = make_library('fault', $place);
my $dir = "$place/journal";

sub set_fault
{
	my ($server, $fault) = @_;
	my $file = "$place/fault." . $server->name;

	append_to_file("$file.new", "$fault\n");
	rename "$file.new", $file or die;
}

sub start_with_fault
{
	my ($server, $how) = @_;
	local %ENV = (%ENV, LD_PRELOAD => $library, PHIG_FAULT => "$place/fault." . $server->name);

	$how ? $server->$how : $server->start;
}

# A server whose keeper cannot start keeps statements waiting 30 s, whatever the clock does: looked at in the end.
my $waiting = new_server('waiting', 'max_worker_processes = 0');
start_with_fault($waiting);
$waiting->psql('postgres', q{CREATE EXTENSION phiguard; CREATE TABLE patient (id int, ssn text)});
my ($out, $err) = ('', '');
my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $waiting->connstr('postgres'), '-c', '\timing on',
		'-c', q{SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn'} ], '>', \$out, '2>', \$err, IPC::Run::timeout(300));
usleep(1_000_000);
set_fault($waiting, 'clock -1200');

# --- records

my $node = new_server('clock', "phiguard.journal_directory = '$dir'", 'fsync = on');
start_with_fault($node);
add_patients($node);
my $read = sub
{
	my ($mark) = @_;
	$node->safe_psql('postgres', "SET phiguard.app_user = '$mark'; " . 'SELECT ssn FROM patient WHERE id = 1;' x 3);
};
$read->('before');
set_fault($node, 'clock -900');
$read->('after');
is(log_rows($node, q{count(*) FILTER (WHERE app_user = 'before'), count(*) FILTER (WHERE app_user = 'after')}, 'true'), '3|3',
	'minutes back: statements are recorded on');
is(log_rows($node, q{max(started) FILTER (WHERE app_user = 'after') < min(started) FILTER (WHERE app_user = 'before') - interval '10 minutes'},
		'true'), 't', 'minutes back: times step');
is(log_rows($node, q{min(position) FILTER (WHERE app_user = 'after') > max(position) FILTER (WHERE app_user = 'before')}, 'true'), 't',
	'minutes back: numbers go on');
is_intact($node, 'minutes back');
# pg_ctl does not know a server that started before it was asked to.
set_fault($node, 'no');
start_with_fault($node, 'restart');
wait_until_open($node);
is_intact($node, 'minutes forward, and a restart');

# --- what was to be tried again

# Steps the clock back while the journal cannot be used, repairs it, and returns the seconds until a condition holds.
sub seconds_until
{
	my ($repair, $condition) = @_;
	my $since = clock_gettime(CLOCK_MONOTONIC);

	$repair->();
	wait_for('the journal works again', $condition);
	return clock_gettime(CLOCK_MONOTONIC) - $since;
}

# The pause between two attempts is 10 s at most; the rest is for a busy machine.
my $patience = 10 + 10;

set_fault($node, 'clock -900');
rename $dir, "$dir.kept" or die;
append_to_file($dir, "not a directory\n");
wait_for('the keeper notices', sub { ($node->psql('postgres', 'SELECT ssn FROM patient'))[0] != 0 });
usleep(2_000_000);
my $took = seconds_until(
	sub { set_fault($node, 'clock -1800'); unlink $dir; rename "$dir.kept", $dir or die },
	sub { ($node->psql('postgres', 'SELECT ssn FROM patient'))[0] == 0 });
cmp_ok($took, '<', $patience, 'more minutes while the directory was away: it is opened again at once');

set_fault($node, 'eio clock -1800');
$node->safe_psql('postgres', q{SET phiguard.journal_sync = off; SET phiguard.app_user = 'nobody waits'; SELECT ssn FROM patient});
usleep(2_000_000);
my $log_from = -s $node->logfile;
$took = seconds_until(sub { set_fault($node, 'clock -2700') },
	sub { slurp_file($node->logfile, $log_from) =~ /the journal of PHI access is available again/ });
cmp_ok($took, '<', $patience, 'more minutes while the disk failed: the keeper writes again at once');
like(read_bytes(newest_segment($dir), 0), qr/u=nobody waits/, 'more minutes while the disk failed: what nobody waited for');
is_intact($node, 'more minutes, twice');

# --- the server from the beginning

$run->finish;
like($err, qr/cannot be recorded.*\n.*keeper is not running/, 'minutes back while a statement waits for the keeper: it is refused');
my ($waited) = $out =~ /^Time: (\d+)/m;
cmp_ok($waited / 1000, '<', 30 + $patience, 'minutes back while a statement waits for the keeper: in time');
$waiting->stop;
$node->stop;
done_testing();
