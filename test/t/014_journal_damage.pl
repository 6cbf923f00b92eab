# Damage while the server is down: a torn end is cut off, anything else is evidence.  The segment with the damage
# is never written to again, the chain goes on in a new one that says where it broke, and the verifier finds
# the place, also after further restarts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('damage');
my $dir = journal_dir($node);
$node->start;
add_patients($node);

sub read_some
{
	$node->safe_psql('postgres', "SET phiguard.app_user = '$_[0]'; SELECT ssn FROM patient WHERE id = 1; SELECT ssn FROM patient");
}

# The server down, the newest segment as bytes and as records.
sub stopped
{
	$node->stop;
	my $file = newest_segment($dir);
	return ($file, read_segment($file));
}

# The ring's file knows how far the segment once was on disk; an old one (or one that a loss of power
# left) does not.  Zeros in its fields for that, as docs/journal.md has them.
sub forget_what_was_on_disk
{
	write_bytes("$dir/ring", 72, "\0" x 16);
}

# Start, and expect the chain to go on in the segment it was in (where broken_offset is undef) or in a new one.
sub start_after
{
	my ($name, $file, $broken_offset) = @_;
	my $before = read_bytes($file, 0);
	my $log_from = -s $node->logfile;

	$node->start;
	wait_until_open($node);
	read_some($name);
	my $newest = newest_segment($dir);
	if (defined $broken_offset)
	{
		my $header = read_segment($newest)->{header};

		is(read_bytes($file, 0), $before, "$name: the damaged segment is left as it was");
		is($header->{reason}, 4, "$name: a new one says that the chain broke");
		my ($number) = $file =~ /-(\d+)\.seg$/;
		is("$header->{broken_segment}/$header->{broken_offset}", $number + 0 . "/$broken_offset", "$name: and where");
		like(slurp_file($node->logfile, $log_from),
			qr/WARNING:  the journal of PHI access is damaged: file ".*\Q@{[(split m{\/}, $file)[-1]]}\E", byte $broken_offset/,
			"$name: the server log warns");
	}
	else
	{
		is($newest, $file, "$name: the segment goes on");
	}
	is(log_rows($node, 'count(*)', "app_user = '$name' AND kind = 'read'"), '2', "$name: records are written and read");
}

# --- ends that a loss of power leaves

read_some('first');
my ($file, $segment) = stopped();
my @records = @{ $segment->{records} };
my ($last_start) = grep { $_->{type} eq 'S' } reverse @records;

forget_what_was_on_disk();
write_bytes($file, $segment->{end}, read_bytes($file, $last_start->{offset}, 40));
start_after('half a record after the end', $file, undef);
is_intact($node, 'half a record after the end');

($file, $segment) = stopped();
forget_what_was_on_disk();
write_bytes($file, $segment->{records}[-1]{offset}, "\0" x 64);
start_after('a batch without its seal', $file, undef);
is_intact($node, 'a batch without its seal');

($file, $segment) = stopped();
forget_what_was_on_disk();
write_bytes($file, $segment->{end}, 'rubbish ' x 20);
start_after('rubbish after the end', $file, undef);
is_intact($node, 'rubbish after the end');

# --- the same end, but the ring knows that it was on disk once

my $findings = 0;

($file, $segment) = stopped();
my @seals = grep { $_->{type} eq 'L' } @{ $segment->{records} };
write_bytes($file, $seals[-2]{behind}, "\0" x ($segment->{end} - $seals[-2]{behind}));
start_after('the last batch cut off', $file, $seals[-2]{behind});
like(findings($node), qr/^\Q@{[(split m{\/}, newest_segment($dir))[-1]]}\E\|\d+\|the chain was begun anew/m,
	'the last batch cut off: the verifier says so');

# --- changes in the middle

($file, $segment) = stopped();
read_some_more();
($file, $segment) = stopped();
@seals = grep { $_->{type} eq 'L' } @{ $segment->{records} };
my ($victim) = grep { $_->{type} eq 'S' && $_->{offset} > $seals[0]{offset} } @{ $segment->{records} };
my ($seal_before) = grep { $_->{offset} < $victim->{offset} } reverse @seals;
forget_what_was_on_disk();
flip_byte($file, $victim->{offset} + 40);
start_after('a byte changed in a record', $file, $seal_before->{behind});
like(findings($node), qr/^\Q@{[(split m{\/}, $file)[-1]]}\E\|$victim->{seq}\|the record at offset $victim->{offset} .* was altered/m,
	'a byte changed in a record: the verifier finds the record');

($file, $segment) = stopped();
read_some_more();
($file, $segment) = stopped();
@seals = grep { $_->{type} eq 'L' } @{ $segment->{records} };
forget_what_was_on_disk();
flip_byte($file, $seals[1]{offset} + 40);
start_after('a byte changed in a seal', $file, $seals[0]{behind});

# A record that was changed by somebody who knows about checksums, but not the chain's later hashes.
($file, $segment) = stopped();
read_some_more();
($file, $segment) = stopped();
@seals = grep { $_->{type} eq 'L' } @{ $segment->{records} };
($victim) = grep { $_->{type} eq 'E' && $_->{offset} > $seals[1]{offset} } @{ $segment->{records} };
my $body = substr(read_bytes($file, $victim->{offset}, $victim->{length}), 8);
substr($body, 24 + 8, 1) ^= "\x01";
write_bytes($file, $victim->{offset} + 4, pack('V', crc32c($body)) . $body);
($seal_before) = grep { $_->{offset} < $victim->{offset} } reverse @seals;
forget_what_was_on_disk();
start_after('a record changed with its checksum', $file, $seal_before->{behind});
like(findings($node), qr/^\Q@{[(split m{\/}, $file)[-1]]}\E\|\d+\|the seal at offset \d+ does not match its batch/m,
	'a record changed with its checksum: the verifier finds the batch');

# --- files that are gone

($file, $segment) = stopped();
flip_byte($file, 100);
start_after('a changed header', $file, 0);

($file, $segment) = stopped();
my $kept = read_bytes($file, 0);
unlink $file;
append_to_file($file, '');
start_after('an emptied segment', $file, 0);

($file, $segment) = stopped();
unlink $file or die;
$node->start;
wait_until_open($node);
like(findings($node), qr/is missing|are missing/, 'a removed segment: the verifier misses it');
isnt(newest_segment($dir), $file, 'a removed segment: its number is not used again');

# All of that is still there after everything: seven breaks, of which three stood in the very headers that
# were destroyed next, and those three.
$node->restart;
wait_until_open($node);
my $all = findings($node);
is(() = $all =~ /the chain was begun anew/g, 4, 'the breaks that can still be read are reported at the end');
is(() = $all =~ /header is damaged|shorter than a segment's header|the segment is missing/g, 3,
	'and so are the files that they can no longer be read from');

sub read_some_more
{
	$node->start;
	wait_until_open($node);
	read_some('more') for 1 .. 3;
}

$node->stop;

# --- a server that is killed with records in its ring, and somebody who alters a record before it is up again

my $killed = new_server('killed', 'phiguard.journal_segment_size = 1MB');
my $killed_dir = journal_dir($killed);
$killed->start;
add_patients($killed);

# So many long statements that a segment and more is filled.
my $reads = 330;

sub fill
{
	my ($mark) = @_;
	my $file = $killed->basedir . '/' . ($mark =~ s/ /_/gr) . '.sql';

	append_to_file($file, join("\n", 'SET phiguard.journal_sync = off;', "SET phiguard.app_user = '$mark';", long_reads($reads)));
	$killed->safe_psql('postgres', "\\i $file");
}

# Kill the server, with two records of a mark in nothing but the ring.
sub kill_with_ring
{
	my ($mark) = @_;

	wait_until_open($killed);
	kill 'STOP', keeper_pid($killed);
	$killed->safe_psql('postgres', "SET phiguard.journal_sync = write; SET phiguard.app_user = '$mark'; SELECT ssn FROM patient WHERE id = 1");
	kill_server($killed);
	unlike(read_bytes(newest_segment($killed_dir), 0), qr/u=\Q$mark\E/, "$mark: the record is in the ring alone");
}

# Start, write on, and expect that no byte that was there before has changed; the newest segment may go on behind
# its end where it was not damaged.
sub nothing_is_overwritten
{
	my ($mark, $newest_end) = @_;
	my %before = map { $_ => read_bytes($_, 0) } segments($killed_dir);
	my $newest = newest_segment($killed_dir);

	$before{$newest} = substr($before{$newest}, 0, $newest_end) if defined $newest_end;
	$killed->start;
	wait_until_open($killed);
	is(log_rows($killed, 'count(*)', "app_user = '$mark' AND kind = 'read'"), '1', "$mark: what the ring held is on record");
	fill("behind $mark");
	is(log_rows($killed, 'count(*)', "app_user = 'behind $mark' AND kind = 'read'"), $reads, "$mark: records are written on");
	cmp_ok(scalar(segments($killed_dir)), '>', scalar(keys %before) + (defined $newest_end ? 0 : 1), "$mark: into new segments");
	is(join(', ', grep { substr(read_bytes($_, 0), 0, length $before{$_}) ne $before{$_} } sort keys %before), '',
		"$mark: no byte of what was there has changed");
	my ($after) = grep { !$before{$_} } segments($killed_dir);
	my $header = read_segment($after)->{header};

	return ($header, (split m{/}, $newest)[-1]);
}

# A start record in the middle of a segment, and where its batch begins: behind the seal before it, or behind the
# header where a keeper that had to wait for its disk wrote all of that as the first batch.
sub middle_record
{
	my ($path) = @_;
	my @all = @{ read_segment($path)->{records} };
	my ($record) = grep { $_->{type} eq 'S' && $_->{offset} > $all[-1]{offset} / 2 } @all;
	my ($seal) = grep { $_->{type} eq 'L' && $_->{offset} < $record->{offset} } reverse @all;

	return ($record, $seal ? $seal->{behind} : PhigJournal::HEADER_BYTES);
}

fill('first');
kill_with_ring('altered in the newest');
my $newest = newest_segment($killed_dir);
my ($record, $batch) = middle_record($newest);
flip_byte($newest, $record->{offset} + 40);
my ($header, $name) = nothing_is_overwritten('altered in the newest');
is("$header->{reason} $header->{broken_offset}", "4 $batch", 'altered in the newest: the new segment says where the chain broke');
like(findings($killed), qr/^\Q$name\E\|$record->{seq}\|the record at offset $record->{offset} .* was altered/m,
	'altered in the newest: the verifier finds the record');

kill_with_ring('altered in an older one');
my @older = segments($killed_dir);
my $end = read_segment(newest_segment($killed_dir))->{end};
($record) = middle_record($older[-2]);
flip_byte($older[-2], $record->{offset} + 40);
nothing_is_overwritten('altered in an older one', $end);
like(findings($killed), qr/^\Q@{[(split m{\/}, $older[-2])[-1]]}\E\|$record->{seq}\|the record at offset $record->{offset} .* was altered/m,
	'altered in an older one: the verifier finds the record');

# Killed between a batch's write and the ring letting go of it: the records stand in both, and one is altered there.
wait_until_open($killed);
my $keeper = keeper_pid($killed);
kill 'STOP', $keeper;
$killed->safe_psql('postgres', "SET phiguard.journal_sync = write; SET phiguard.app_user = 'in both'; SELECT ssn FROM patient WHERE id = 1");
my $ring = read_bytes("$killed_dir/ring", 0);
kill 'CONT', $keeper;
$newest = newest_segment($killed_dir);
wait_for('the keeper flushes', sub { read_bytes($newest, 0) =~ /u=in both/ });
kill_server($killed);
write_bytes("$killed_dir/ring", 0, $ring);
($record) = reverse grep { $_->{type} eq 'S' } @{ read_segment($newest)->{records} };
flip_byte($newest, $record->{offset} + 40);
($header) = nothing_is_overwritten('in both');
my ($first) = grep { $_->{offset} == $header->{broken_offset} } @{ read_segment($newest)->{records} };
is("$header->{reason} $header->{first_seq}", "4 $first->{seq}", 'in both: the batch is written again where the chain goes on');
is(log_rows($killed, 'count(*)', "app_user = 'in both' AND kind = 'read'"), '1', 'in both: and is shown once');

$killed->stop;
done_testing();
