# A disk that is full, and a directory that may not be written to: statements that touch PHI are refused, all others
# go on, everything works again by itself, and what was refused is on record.  Then the same with
# journal_on_failure = allow.  A real file system, of 8 MB (lib/sandbox.sh).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no small file system could be mounted here' if !$ENV{PHIG_DISK};

# The keeper tries again every 10 s at most; the rest is for a busy machine.
my $patience = 10 + 10;
my $dir = "$ENV{PHIG_DISK}/full";
my $balloon = "$ENV{PHIG_DISK}/balloon";
my $node = new_server('full', "phiguard.journal_directory = '$dir'", 'phiguard.journal_segment_size = 1MB',
	'phiguard.journal_buffers = 256kB', 'log_statement = none');

$node->start;
add_patients($node);
$node->safe_psql('postgres', 'CREATE TABLE plain (id int)');
my $script = $node->basedir . '/reads.sql';
append_to_file($script, join("\n", long_reads(500)));

# Take all space there is.
sub fill_disk
{
	open(my $fh, '>:raw', $balloon) or die "$balloon: $!";
	for my $bytes (65536, 4096, 512)
	{
		1 while (syswrite($fh, "\1" x $bytes) // 0) == $bytes;
	}
	close $fh;
}

# Read until it is refused: rows that came, and what psql said then.
sub read_until_refused
{
	my ($mark, $sync) = @_;
	my ($status, $rows, $error) = (0, 0, '');

	for (1 .. 5)
	{
		($status, my $stdout, $error) = $node->psql('postgres',
			"SET phiguard.app_user = '$mark'; SET phiguard.journal_sync = $sync;\n\\i $script", on_error_stop => 1);
		$rows += () = $stdout =~ /^123-45-0001$/mg;
		last if $status != 0;
	}
	return ($rows, $error);
}

sub others_go_on
{
	my ($name) = @_;
	my $rows = $node->safe_psql('postgres', 'INSERT INTO plain VALUES (1); SELECT count(*) FROM plain WHERE id > 1');
	is($rows, '0', "$name: other statements go on");
}

# Returns seconds until a statement is recorded again, by itself.
sub recovers
{
	my ($name) = @_;
	my $since = time;

	wait_until_open($node);
	cmp_ok(time - $since, '<', $patience, "$name: all is well again by itself");
	is_intact($node, $name);
}

# Under refuse: every row that came is on record, and so is the attempt that was refused.
sub refused_and_recorded
{
	my ($mark, $cause, $begin, $end) = @_;

	$begin->();
	my ($rows, $error) = read_until_refused("$mark on", 'on');
	cmp_ok($rows, '>', 0, "$mark: rows come as long as their records find room");
	like($error, qr/ERROR:  (PG001: )?access to PHI cannot be recorded/, "$mark: then statements are refused");
	like($error, $cause, "$mark: for the cause");
	others_go_on($mark);
	my ($more, $later) = read_until_refused("$mark write", 'write');
	cmp_ok($more, '<', 500, "$mark: without waiting for the disk, as much as the ring takes");
	like($later, $cause, "$mark: then the same");
	others_go_on("$mark, later");
	my $other_sessions = $node->safe_psql('postgres', 'SHOW phiguard.mode');
	is($other_sessions, 'audit', "$mark: a new session can begin");

	$end->();
	recovers($mark);
	is(log_rows($node, q{count(*) FILTER (WHERE outcome = 'ok')}, "app_user = '$mark on' AND kind = 'read'"), $rows,
		"$mark: every row that came is on record");
	is(log_rows($node, q{string_agg(DISTINCT outcome || ' ' || sqlstate, ', ')},
			"app_user = '$mark on' AND kind = 'read' AND outcome <> 'ok'"), 'error PG001', "$mark: the refused attempt is, too");
	cmp_ok(log_rows($node, 'count(*)', "app_user = '$mark write' AND kind = 'read'"), '>=', $more,
		"$mark: and every row that came without waiting");
}

refused_and_recorded('full', qr/No space left on device/, \&fill_disk, sub { unlink $balloon or die });

# --- a server that starts on a full disk

fill_disk();
read_until_refused('before the restart', 'on');
$node->restart;
others_go_on('restart on a full disk');
unlink $balloon or die;
recovers('restart on a full disk');
is(log_rows($node, q{count(*) > 0}, q{app_user = 'before the restart' AND outcome = 'error'}), 't',
	'restart on a full disk: what was refused before it is on record');

# --- a directory in which no file may be made: until the next segment is needed, nobody notices

refused_and_recorded('read-only', qr/Permission denied/, sub { chmod 0500, $dir }, sub { chmod 0700, $dir });

# --- files that may not be written to, either: a new session cannot even note its attempt in the ring

chmod 0400, glob "$dir/*";
my $log_from = -s $node->logfile;
my ($status, $stdout, $error) = $node->psql('postgres', "SET phiguard.app_user = 'no ring'; SELECT ssn FROM patient WHERE id = 1");
is($stdout, '', 'read-only files: no row');
like($error, qr/access to PHI cannot be recorded.*\n.*could not open file ".*ring": Permission denied/, 'read-only files: refused');
others_go_on('read-only files');
like(slurp_file($node->logfile, $log_from), qr/ERROR:  access to PHI cannot be recorded/, 'read-only files: the server log has the attempt');
chmod 0600, glob "$dir/*";
recovers('read-only files');

# --- journal_on_failure = allow

$node->append_conf('postgresql.conf', 'phiguard.journal_on_failure = allow');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('phiguard.journal_on_failure') = 'allow'});
$log_from = -s $node->logfile;
fill_disk();
my $answered = 0;
for (1 .. 3)
{
	($status, $stdout, $error) = $node->psql('postgres', "SET phiguard.app_user = 'allowed';\n\\i $script", on_error_stop => 1);
	is($error, '', 'allow: nothing is refused');
	$answered += () = $stdout =~ /^123-45-0001$/mg;
}
is($answered, 1500, 'allow: every row comes');
others_go_on('allow');
my $log = slurp_file($node->logfile, $log_from);
my @lines = $log =~ /(LOG:  an access to PHI was allowed without a record: .*)/g;
cmp_ok(scalar @lines, '>', 0, 'allow: the server log says so');
is(scalar(grep { !/No space left on device/ } @lines), 0, 'allow: with the cause each time');
ok($log !~ /123-45|id < 10000/, 'allow: and without a value or the statement');
unlink $balloon or die;
recovers('allow');
my $recorded = log_rows($node, 'count(*)', q{app_user = 'allowed' AND kind = 'read'});
cmp_ok($recorded, '<', $answered, 'allow: not all of them are on record');
cmp_ok($answered - $recorded, '<=', scalar @lines, 'allow: but each that is not has its line in the log');
is(log_rows($node, q{string_agg(DISTINCT outcome, ', ')}, q{app_user = 'allowed' AND kind = 'read'}), 'ok',
	'allow: what the ring could hold is on record as what it was');

$node->stop;
unlink glob("$dir/*");
rmdir $dir;
done_testing();
