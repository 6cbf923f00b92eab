# What whole-server tests of the journal share: servers with a labelled table, sessions that stay open,
# waiting, and the journal's files as PhigJournal.pm knows them, with what their chain says.
package PhigServer;

use strict;
use warnings;
use Digest::SHA qw(sha256);
use Exporter 'import';
use IPC::Run;
use PhigJournal qw(crc32c);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep clock_gettime CLOCK_MONOTONIC);

our @EXPORT = qw(
  crc32c new_server add_patients journal_dir segments newest_segment findings is_intact
  wait_for kill_backend wait_until_open log_rows long_reads read_segment read_bytes write_bytes flip_byte
  open_session query close_session
  postmaster_pid child_pids keeper_pid wait_until_dead freeze_postmaster kill_server
);

# A server with phiguard, not started; further arguments are lines of its postgresql.conf.
sub new_server
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'phiguard'",
		"restart_after_crash = on", "jit = off", "phiguard.on_new_column = ignore", @conf, ''));
	return $node;
}

# A labelled table with three rows.
sub add_patients
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{
		CREATE EXTENSION phiguard;
		CREATE TABLE patient (id int PRIMARY KEY, ssn text);
		INSERT INTO patient SELECT i, '123-45-000' || i FROM generate_series(1, 3) i;
		SELECT phiguard.label('patient', 'ssn', 'ssn');
	});
}

sub journal_dir
{
	my ($node) = @_;
	return $node->data_dir . '/phiguard/journal';
}

# Paths, in the order of nodes and numbers.
sub segments
{
	my ($dir) = @_;
	my @files = sort glob("$dir/*.seg");
	return @files;
}

# The segment that was begun last, whichever node's.
sub newest_segment
{
	my ($dir) = @_;
	my @newest = sort { read_header($a)->{created} <=> read_header($b)->{created} } segments($dir);
	return $newest[-1];
}

sub findings
{
	my ($node) = @_;
	return $node->safe_psql('postgres', 'SELECT segment, position, what FROM phiguard.verify_journal()');
}

sub is_intact
{
	my ($node, $name) = @_;
	is(findings($node), '', "$name: the chain verifies");
}

# Poll, since conditions of other processes are waited for: 30 s at most.
sub wait_for
{
	my ($name, $condition) = @_;

	for (1 .. 600)
	{
		return 1 if $condition->();
		usleep(50_000);
	}
	die "waited in vain: $name";
}

# kill -9 of a backend, until the server has noticed: before that it takes connections, and ends them when it does.
sub kill_backend
{
	my ($node, $pid) = @_;
	my $from = -s $node->logfile;

	kill 'KILL', $pid;
	wait_for('the server notices', sub { slurp_file($node->logfile, $from) =~ /\(PID $pid\) was terminated by signal 9/ });
}

# After a crash or a failure: until a statement that needs a record succeeds again.
sub wait_until_open
{
	my ($node) = @_;
	wait_for('the journal opens', sub
	{
		# A psql that cannot connect may be gone before it is told what to do.
		my ($status) = eval { $node->psql('postgres', 'SELECT ssn FROM patient WHERE id = 3', on_error_stop => 1) };
		return defined $status && $status == 0;
	});
}

# Rows of the access log that satisfy a condition, as psql prints them.
sub log_rows
{
	my ($node, $columns, $where) = @_;
	return $node->safe_psql('postgres',
		"SELECT $columns FROM (SELECT * FROM phiguard.access_log ORDER BY started, position) l WHERE $where");
}

# So many different reads of one labelled row, each with a definition of 2 to 6 kB.
sub long_reads
{
	my ($count) = @_;
	return map { 'SELECT ssn FROM patient WHERE id = 1' . ' AND id < 10000' x (150 + $_) . ';' } 1 .. $count;
}

# --- files

sub read_bytes
{
	my ($file, $offset, $length) = @_;
	my $bytes;

	open(my $fh, '<:raw', $file) or die "$file: $!";
	seek($fh, $offset, 0);
	read($fh, $bytes, $length // -s $file);
	close $fh;
	return $bytes;
}

sub write_bytes
{
	my ($file, $offset, $bytes) = @_;

	open(my $fh, '+<:raw', $file) or die "$file: $!";
	seek($fh, $offset, 0);
	print $fh $bytes;
	close $fh or die "$file: $!";
}

sub flip_byte
{
	my ($file, $offset) = @_;
	write_bytes($file, $offset, chr(ord(read_bytes($file, $offset, 1)) ^ 0x01));
}

# --- the format, as docs/journal.md has it

sub read_header
{
	my ($file) = @_;
	my $bytes = read_bytes($file, 0, 512);
	my %header = (bytes => $bytes);

	@header{qw(magic version header_bytes system_identifier node number first_seq created prev_hash
		  parent_node parent_seq reason timeline broken_segment broken_offset)} =
	  unpack('a8 V V Q< H32 Q< Q< q< a32 H32 Q< V V Q< Q<', $bytes);
	$header{crc_holds} = crc32c(substr($bytes, 0, 508)) == unpack('V', substr($bytes, 508));
	return \%header;
}

# A segment: its header, its records up to the first that is none, and what the chain says of them.
#   bytes: all of it; records: [{ type, seq, offset, length, body }, ...], seals also with the offset behind them and their checkpoint; seals_hold: all seals match; end: offset after the
#   last seal that does, and a checkpoint behind it; last_hash: what the next segment's prev_hash must be.
sub read_segment
{
	my ($file) = @_;
	my $header = read_header($file);
	my $bytes = read_bytes($file, 0);
	my %segment = (header => $header, bytes => $bytes, records => [], seals_hold => 1, end => 512);
	my $hash = sha256($header->{prev_hash} . $header->{bytes});
	my $offset = 512;
	my $from = 512;

	$segment{last_hash} = $hash;
	while ($offset + 32 <= length $bytes)
	{
		my ($length, $crc, $seq, $time, $type, $reserved, $body_bytes) =
		  unpack('V V Q< q< a a3 V', substr($bytes, $offset, 32));
		my %record;

		last if $length < 32 || $length % 8 != 0 || $offset + $length > length $bytes;
		last if crc32c(substr($bytes, $offset + 8, $length - 8)) != $crc;
		%record = (type => $type, seq => $seq, time => $time, offset => $offset, length => $length,
			body => substr($bytes, $offset + 32, $body_bytes));
		push @{ $segment{records} }, \%record;
		if ($type eq 'L')
		{
			$record{behind} = $offset + $length;
			my $computed = sha256($hash . substr($bytes, $from, $offset - $from));

			if ($computed eq $record{body})
			{
				$segment{end} = $offset + $length;
				$segment{last_hash} = sha256($computed . substr($bytes, $offset, $length));
			}
			else
			{
				$segment{seals_hold} = 0;
			}
			$hash = $record{body};
			$from = $offset;
		}
		elsif ($type eq 'C' && $offset == $segment{end})
		{
			$segment{records}[-2]{behind} += $length if @{ $segment{records} } > 1;
			$segment{end} = $offset + $length;
			$segment{last_hash} = sha256($hash . substr($bytes, $from, $segment{end} - $from));
		}
		$offset += $length;
	}
	return \%segment;
}

# --- sessions that stay open

sub open_session
{
	my ($node, $dbname) = @_;
	my %session = (in => '', out => '', err => '');

	$session{harness} = IPC::Run::start(
		[ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr($dbname // 'postgres') ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err},
		IPC::Run::timeout(60));
	return \%session;
}

# Run statements, return what they print; dies when the connection does.
sub query
{
	my ($session, $sql) = @_;

	$session->{out} = '';
	$session->{in} .= "$sql\n;\\echo -- done --\n";
	$session->{harness}->pump until $session->{out} =~ /^-- done --$/m;
	(my $answer = $session->{out}) =~ s/^-- done --\n//m;
	chomp $answer;
	return $answer;
}

sub close_session
{
	my ($session) = @_;
	$session->{in} .= "\\q\n";
	eval { $session->{harness}->finish };
}

# --- processes

sub postmaster_pid
{
	my ($node) = @_;
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	return $pid;
}

# (state, parent) as the kernel has them; nothing when the process is gone.
sub process
{
	my ($pid) = @_;
	open(my $fh, '<', "/proc/$pid/stat") or return ();
	my $stat = <$fh> // '';
	return $stat =~ /^\d+ \(.*\) (\S) (\d+)/s;
}

sub child_pids
{
	my ($parent) = @_;
	return grep { my ($state, $ppid) = process($_); defined $ppid && $ppid == $parent } map { m{(\d+)} } glob '/proc/[0-9]*';
}

# Workers without a database are not in pg_stat_activity.
sub keeper_pid
{
	my ($node) = @_;
	my ($pid) = grep { (eval { slurp_file("/proc/$_/cmdline") } // '') =~ /phiguard journal keeper/ } child_pids(postmaster_pid($node));
	return $pid // die 'there is no keeper';
}

# Nobody may be there to collect an orphan that has ended: a zombie is dead too.
sub wait_until_dead
{
	my @pids = @_;
	wait_for('processes end', sub { !grep { my ($state) = process($_); defined $state && $state ne 'Z' } @pids });
}

# The postmaster begins no process any more and ends none; returns those it has.
sub freeze_postmaster
{
	my ($node) = @_;
	my $postmaster = postmaster_pid($node);

	kill 'STOP', $postmaster;
	wait_for('the postmaster stands still', sub { (process($postmaster))[0] eq 'T' });
	return child_pids($postmaster);
}

# Everybody at once: no child may start, and none may notice that its parent is gone.  Returns when, in seconds of
# the monotonic clock.
sub kill_server
{
	my ($node) = @_;
	my $postmaster = postmaster_pid($node);
	my @children = freeze_postmaster($node);
	my $at = clock_gettime(CLOCK_MONOTONIC);

	kill 'KILL', @children;
	$node->kill9;
	wait_until_dead(@children, $postmaster);
	unlink $node->data_dir . '/postmaster.pid', glob($node->host . '/.s.PGSQL.' . $node->port . '*');
	return $at;
}

1;
