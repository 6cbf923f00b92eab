# A disk that fails: no row without its record on disk, other statements go on, and when the disk is well again
# everything that was attempted is on record, in a chain that verifies.  The faults come from a library that is
# put before the server's own calls (lib/fault.c).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $library = "$place/fault.so";
my ($made) = grep { system("$_ -shared -fPIC -o $library $FindBin::Bin/../lib/fault.c -ldl 2>/dev/null") == 0 }
  grep { $_ } $ENV{CC}, qw(cc gcc clang);
plan skip_all => 'no C compiler to make the library of faults with' if !$made;

$ENV{PHIG_FAULT} = "$place/fault";
my $node = new_server('faults', 'fsync = on', 'phiguard.journal_buffers = 256kB', 'phiguard.journal_segment_size = 1MB');
{
	local $ENV{LD_PRELOAD} = $library;
	$node->start;
}
add_patients($node);

sub begin_fault { append_to_file("$place/new", "$_[0]\n"); rename "$place/new", $ENV{PHIG_FAULT} or die }
sub end_fault { unlink $ENV{PHIG_FAULT} or die }

for my $case ([ 'eio', qr/could not fsync file ".*\.seg": Input\/output error/ ],
	[ 'enospc', qr/could not write file ".*\.seg": No space left on device/ ])
{
	my ($fault, $cause) = @$case;
	my $session = open_session($node);
	my $log_from = -s $node->logfile;

	# A session that had a good day first: its files are open already.
	is(query($session, "SET phiguard.app_user = 'session of $fault'; SELECT ssn FROM patient WHERE id = 1"),
		'123-45-0001', "$fault: a row while all is well");
	begin_fault($fault);

	my ($status, $stdout, $stderr) = $node->psql('postgres',
		"SET phiguard.app_user = 'refused by $fault'; SELECT ssn FROM patient WHERE id = 1");
	is($stdout, '', "$fault: no row");
	like($stderr, $cause, "$fault: the error names the cause");
	query($session, 'SELECT ssn FROM patient WHERE id = 2');
	like($session->{err}, $cause, "$fault: in the old session too");
	is($session->{out} =~ /123-45/ ? 'row' : 'none', 'none', "$fault: and no row there");
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "$fault: other statements go on");
	wait_for('the keeper notices', sub
	{
		slurp_file($node->logfile, $log_from) =~ /WARNING:  could not write the journal of PHI access/;
	});

	# Nobody waits for the disk with journal_sync = write: rows come as long as the ring has room, then no more.
	append_to_file("$place/$fault.sql", "SET phiguard.journal_sync = write; SET phiguard.app_user = 'write under $fault';\n"
		  . "SELECT ssn FROM patient WHERE id = 1;\n" x 5000);
	($status, $stdout, $stderr) = $node->psql('postgres', "\\i $place/$fault.sql", on_error_stop => 1);
	my $rows = () = $stdout =~ /^123-45-0001$/mg;
	cmp_ok($rows, '>', 100, "$fault: journal_sync = write goes on at first");
	cmp_ok($rows, '<', 5000, "$fault: until the ring is full");
	like($stderr, $cause, "$fault: then it is refused for the same cause");

	end_fault();
	wait_until_open($node);
	is(query($session, "SELECT ssn FROM patient WHERE id = 3"), '123-45-0003', "$fault: the session goes on afterwards");
	close_session($session);
	cmp_ok(log_rows($node, 'count(*)', "app_user = 'write under $fault' AND kind = 'read'"), '>=', $rows,
		"$fault: every row that came is on record");
	is(log_rows($node, 'outcome || sqlstate', "app_user = 'refused by $fault' AND kind = 'read'"), 'errorPG001',
		"$fault: and the refused attempt, as such");
	is_intact($node, $fault);
	wait_for('the keeper says so', sub
	{
		slurp_file($node->logfile, $log_from) =~ /LOG:  the journal of PHI access is available again/;
	});
}

# Writes that take half of what they are given are not faults.
begin_fault('short');
$node->safe_psql('postgres', "SET phiguard.app_user = 'short'; " . 'SELECT ssn FROM patient WHERE id = 1;' x 200);
end_fault();
is(log_rows($node, 'count(*)', "app_user = 'short' AND kind = 'read'"), '200', 'short writes are completed');
is_intact($node, 'short writes');

# The server stops and starts with a disk that fails at both.
begin_fault('eio');
$node->safe_psql('postgres', "SET phiguard.journal_sync = write; SET phiguard.app_user = 'before the stop'; SELECT ssn FROM patient");
$node->stop;
end_fault();
$node->start;
wait_until_open($node);
is(log_rows($node, 'count(*)', "app_user = 'before the stop' AND kind = 'read'"), '1',
	'what could not be written before a stop is written after it');
is_intact($node, 'a stop on a failing disk');
$node->stop;

done_testing();
