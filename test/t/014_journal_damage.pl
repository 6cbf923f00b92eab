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
done_testing();
