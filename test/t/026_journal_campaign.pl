# Kills at random under load.  Sixteen clients read and write PHI in every way and note what they received
# (campaign/client.c); then a backend, the keeper or the postmaster is killed, the server stopped at once, or the
# power cut.  After each: every answer that a client noted has its record, none has two, numbers have no
# hole, and the chain verifies.
#
# A cut of the power is simulated for the journal's directory (PhigPower.pm), not for PostgreSQL's own data: a
# transaction that is lost with the machine has its record all the same, which is not what is tested here.
#
# PHIG_CRASH_KILLS kills (10), seed PHIG_CRASH_SEED (1); test/long/crash.sh runs it in full.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigBuild;
use PhigPower;
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep clock_gettime CLOCK_MONOTONIC);

my $kills = $ENV{PHIG_CRASH_KILLS} // 10;
my $seed = $ENV{PHIG_CRASH_SEED} // 1;
my $clients = 16;

# What docs/journal.md promises for "write" and "off" when the machine loses power, and what a machine that is
# busy with the test may add to it.
my ($promised_ms, $busy_ms) = (200, 300);

my $place = PostgreSQL::Test::Utils::tempdir();
my $library = make_library('powerloss', $place);
my $client = make_client($place);
my $draw = generator($seed);
my $dir = "$place/journal";
my $power = PhigPower->new(directory => $dir, shadow => "$place/shadow", library => $library, draw => $draw);
my $node = new_server('campaign', 'fsync = on', "phiguard.journal_directory = '$dir'",
	'phiguard.journal_segment_size = 1MB', 'phiguard.journal_buffers = 256kB', 'max_connections = 50',
	'phiguard.journal_checkpoint_interval = 1', 'log_statement = none', 'autovacuum = off');

sub start
{
	local %ENV = (%ENV, $power->environment);
	$node->start;
}

start();
add_patients($node);
$node->safe_psql('postgres', q{
	INSERT INTO patient SELECT i, to_char(i, 'FM000-00-0000') FROM generate_series(4, 1100) i;
	CREATE TABLE intake (id int, ssn text);
	SELECT phiguard.label('intake', 'ssn', 'ssn');
	CREATE FUNCTION reads(first int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE s text;
	BEGIN
		FOR i IN first .. first + 3 LOOP
			SELECT ssn INTO s FROM patient WHERE id = i;
		END LOOP;
		RETURN s;
	END $$;
});

# --- the journal as its files have it, read after docs/journal.md

my %file;		# by path: offset of what is read already, limit of what is proven
my %text;		# of definitions
my %records;	# by mark: how many records of reads and writes
my $expected;	# the next number
my @breaks;		# segments that name one
my @problems;

# Read on where the last call ended: the records since.
sub read_on
{
	my @files = segments($dir);

	for my $path (grep { !$file{$_} } @files)
	{
		my $header = PhigServer::read_header($path);

		$file{$path} = { header => $header, offset => 512 };
		next if $header->{reason} != 4;
		my ($broken) = grep { $file{$_}{header}{number} == $header->{broken_segment} } keys %file;
		$file{$broken}{limit} = $header->{broken_offset} if defined $broken;
		push @breaks, $path;
	}
	push @problems, 'segments of several nodes' if keys %{ { map { substr((split m{/})[-1], 0, 8) => 1 } @files } } != 1;
	for my $path (@files)
	{
		my $state = $file{$path};
		my $first_seq = $state->{header}{first_seq};

		if (!$state->{begun}++)
		{
			push @problems, "$path begins with record $first_seq, not $expected"
			  if defined $expected && $first_seq != $expected && ($state->{header}{reason} != 4 || $first_seq < $expected);
			$expected = $first_seq;
		}
		read_records($path, $state);
	}
}

sub read_records
{
	my ($path, $state) = @_;
	my $bytes = read_bytes($path, $state->{offset});
	my $limit = defined $state->{limit} ? $state->{limit} - $state->{offset} : length $bytes;
	my $at = 0;

	while ($at + 32 <= $limit)
	{
		my ($length, $crc, $seq, $time, $type, undef, $body_bytes) = unpack('V V Q< q< a a3 V', substr($bytes, $at, 32));

		last if $length == 0;
		my $body = substr($bytes, $at + 32, $body_bytes);
		if ($type =~ /[DSEV]/)
		{
			push @problems, "$path: record $seq where $expected should be" if $seq != $expected;
			$expected = $seq + 1;
		}
		elsif ($type eq 'L' && $seq != $expected - 1)
		{
			push @problems, "$path: a seal of record $seq behind record " . ($expected - 1);
		}
		$text{ substr($body, 0, 16) } = substr($body, 16) if $type eq 'D';
		note_start($body) if $type eq 'S';
		$at += $length;
	}
	$state->{offset} += $at;
}

# What a disk that lost power has of a segment behind the place where the chain broke: no proof, but to be read.
sub marks_behind_break
{
	my ($path) = @_;
	my $bytes = read_bytes($path, 0);
	my %before = %records;

	%records = ();
	for (my $at = $file{$path}{limit}; $at + 32 <= length $bytes;)
	{
		my ($length, $crc, $seq, $time, $type, undef, $body_bytes) = unpack('V V Q< q< a a3 V', substr($bytes, $at, 32));
		my $whole = $length >= 32 && $length % 8 == 0 && $at + $length <= length $bytes && $body_bytes <= $length - 32
		  && crc32c(substr($bytes, $at + 8, $length - 8)) == $crc;
		my $body = $whole ? substr($bytes, $at + 32, $body_bytes) : '';

		$text{ substr($body, 0, 16) } = substr($body, 16) if $whole && $type eq 'D';
		note_start($body) if $whole && $type eq 'S';
		$at += $whole ? $length : 8;
	}
	my @marks = keys %records;
	%records = %before;
	return @marks;
}

sub note_start
{
	my ($body) = @_;
	my ($statement, $session, $kind) = unpack('a16 a16 V', $body);

	return if $kind > 2 || ($text{$session} // '') !~ /^u=(\d+\.\d+\.\d+)$/m;
	my $mark = $1;
	push @problems, "the record of $mark names no column"
	  if ($text{$statement} // '') !~ /^[rs]=public\.(patient|intake)\.ssn$/m;
	$records{$mark}++;
}

# --- ways to end

sub some_backend
{
	my @pids = split /\n/, $node->safe_psql('postgres', q{
		SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid});
	return @pids ? $pids[ $draw->(scalar @pids) ] : die 'no client is connected';
}

# Its children end by themselves when they notice.
sub end_postmaster
{
	my @children = freeze_postmaster($node);

	$node->kill9;
	wait_until_dead(@children);
	unlink $node->data_dir . '/postmaster.pid', glob($node->host . '/.s.PGSQL.' . $node->port . '*');
	start();
}

sub cut_power
{
	my ($way) = @_;
	my $at = kill_server($node);

	$way = $power->cut($way);
	start();
	return ($way, $at * 1000);
}

my %ways = (
	'a backend is killed' => sub { kill 'KILL', some_backend() },
	'backends are terminated' => sub { kill 'TERM', some_backend(), some_backend(), some_backend() },
	'the keeper is killed' => sub { kill 'KILL', keeper_pid($node) },
	'the postmaster is killed' => \&end_postmaster,
	'immediate stop' => sub { $node->stop('immediate'); start() },
	'the power is cut' => sub { return cut_power() },
);
my @deck = ((sort keys %ways), ('the power is cut') x 2);

# --- one kill after the other

my ($sum_notes, $sum_lost, $worst_ms) = (0, 0, 0);
my %done;

# What the clients of one kill noted: [mark, journal_sync, kind, time].
sub notes_of
{
	my ($prefix) = @_;
	my @lines = map { split /\n/, slurp_file($_) } grep { !/errors$/ } glob "$prefix.*";
	return map { [split / /] } @lines;
}

sub start_clients
{
	my ($kill, $sync) = @_;
	my $notes = "$place/notes.$kill";
	my $run = IPC::Run::start([ $client, 'load', $node->connstr('postgres'), $notes, $kill, $clients, $seed * 1000 + $kill, $sync ],
		IPC::Run::timeout(300));

	return ($run, $notes);
}

sub pause
{
	my ($ms) = @_;
	my $until = clock_gettime(CLOCK_MONOTONIC) + $ms / 1000;

	while (clock_gettime(CLOCK_MONOTONIC) < $until)
	{
		usleep(40_000);
		$power->look_at_ring;
	}
}

# Returns the notes without a record.
sub missing
{
	my ($prefix) = @_;
	return grep { !$records{ $_->[0] } } notes_of($prefix);
}

# What verify_journal() finds is known already, or about a break that the cut has just brought.
my %known;

sub unexplained
{
	my ($findings, @new) = @_;
	my @about = map {
		my ($header, $name) = ($file{$_}{header}, (split m{/})[-1]);
		($name, sprintf '%s-%010d.seg', substr($name, 0, 8), $header->{broken_segment})
	} @new;
	my @unknown = grep { !$known{$_}++ } split /\n/, $findings;

	return join "\n", grep { my ($segment) = split /\|/; !grep { $_ eq $segment } @about } @unknown;
}

sub one_kill
{
	my ($kill, $name) = @_;
	my $sync = (qw(on on write off mixed))[ $draw->(5) ];
	my $breaks = @breaks;
	my ($run, $notes) = start_clients($kill, $sync);

	pause(400 + $draw->(800));
	my $killed_at = clock_gettime(CLOCK_MONOTONIC) * 1000;
	my ($way, $cut_at) = $ways{$name}->();
	my $cut = $name eq 'the power is cut';
	$killed_at = $cut_at if $cut;
	wait_until_open($node);
	wait_for('the clients are back', sub { grep { $_->[3] > $killed_at + 100 } notes_of($notes) });
	pause(200);
	$run->signal('TERM');
	$run->finish;

	my $findings = findings($node);
	read_on();
	my @noted = notes_of($notes);
	my $test = "kill $kill, $name" . ($cut ? " ($way)" : '') . " under $sync";
	my @missing = missing($notes);
	my @unforgivable = $cut ? grep { $_->[1] eq 'on' || $killed_at - $_->[3] > $promised_ms + $busy_ms } @missing : @missing;
	my @again = grep { $_->[3] > $killed_at + 100 } @noted;

	for (@missing)
	{
		$worst_ms = $killed_at - $_->[3] if $killed_at - $_->[3] > $worst_ms;
	}
	$sum_notes += @noted;
	$sum_lost += @missing;
	$done{$name}++;
	is(join(', ', map { "@$_" } @unforgivable), '', "$test: what clients received is on record (" . @noted . ')');
	cmp_ok(scalar @again, '>', 0, "$test: they work again afterwards");
	is(join(', ', grep { $records{$_} > 1 } sort keys %records), '', "$test: nothing is on record twice");
	is(join("\n", @problems), '', "$test: numbers without holes");
	is(join(', ', $cut ? () : @breaks[ $breaks .. $#breaks ]), '', "$test: the chain goes on");
	is(unexplained($findings, @breaks[ $breaks .. $#breaks ]), '', "$test: the chain verifies");
	is(-e "$notes.errors" ? slurp_file("$notes.errors") : '', '', "$test: clients met no other error");
	@problems = ();
	unlink glob "$notes.*";
}

my @names;
for my $kill (1 .. $kills)
{
	@names = map { splice @deck, $draw->(scalar @deck), 1 } 1 .. @deck and @deck = @names if !@names;
	one_kill($kill, shift @names);
}

# The same from the beginning, and as the server itself reads it.
my %counted = %records;
%records = %text = ();
$_->{offset} = 512, $_->{begun} = 0 for values %file;
$expected = undef;
read_on();
is_deeply(\%records, \%counted, 'read again from the beginning, the files hold the same');
$records{$_}++ for map { marks_behind_break($_) } grep { defined $file{$_}{limit} } keys %file;
is(log_rows($node, q{count(*), count(DISTINCT (node, position)), count(DISTINCT app_user)},
		q{kind IN ('read', 'write') AND app_user ~ '^\d+\.\d+\.\d+$'}),
	join('|', (scalar keys %records) x 3), 'the access log has the same records, each once, and those that can be read behind a break');

# The tests above can fail: a disk that reports a sync and does not do it loses what was answered.
$power->lie(1);
my ($run, $notes) = start_clients($kills + 1, 'on');
wait_for('answers', sub { notes_of($notes) > 50 });
cut_power('none');
$power->lie(0);
wait_until_open($node);
$run->signal('TERM');
$run->finish;
$node->safe_psql('postgres', 'SELECT count(*) FROM phiguard.access_log');
read_on();
cmp_ok(scalar(missing($notes)), '>', 0, 'control: with a disk that lies about its syncs, answers are without record');

$node->stop;

my $summary = sprintf "seed %d, %d kills (%s): %d answers noted, %d of them without record (write and off, power cut), the oldest noted %.0f ms "
  . "before the cut; %d named breaks\n", $seed, $kills, join(', ', map { "$_ $done{$_}" } sort keys %done), $sum_notes, $sum_lost,
  $worst_ms, scalar @breaks;
note($summary);
append_to_file("$ENV{PHIG_OUT}/crash", $summary);
done_testing();
