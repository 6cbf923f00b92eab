# A journal of the format before: it is read, is not written into any more, and goes on in a segment of the new one; a
# segment of a format to come is not read in silence.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigJournal qw(slurp_bytes spew_bytes write_segment);
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

# Without a key no checkpoint is written, whose signature nobody could make again.
my $node = new_server('old_format', "phiguard.key_file = '/nowhere/none'");
my $dir = journal_dir($node);
my $failing = q{SELECT refuse() FROM patient WHERE ssn <> ''};

# How those that failed are shown.
sub refused { return log_rows($node, "kind, rows, array_to_string(flags, ' ')", "sqlstate = '42501'") }

sub versions { return join(' ', map { my $h = PhigServer::read_header($_); "$h->{version}:$h->{reason}" } segments($dir)) }

# What the code before would have left: no marks in end records, another version in the segment and in the ring.
sub make_old
{
	my ($file) = segments($dir);
	my $segment = PhigJournal::read_segment($file);

	substr($segment->{header}, 8, 4) = pack('V', 1);
	substr($_->{bytes}, 32 + 26, 6) = "\0" x 6 for grep { $_->{type} eq 'E' } @{ $segment->{records} };
	spew_bytes($file, write_segment($segment, crc => 1, header => 1, seal_to => 1_000_000));
	my $ring = slurp_bytes("$dir/ring");
	is(unpack('V', substr($ring, 8, 4)), 2, 'the ring is of the new version');
	substr($ring, 8, 4) = pack('V', 1);
	spew_bytes("$dir/ring", $ring);
}

$node->start;
add_patients($node);
$node->safe_psql('postgres', q{
	CREATE FUNCTION refuse() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE insufficient_privilege; END$$;
	SELECT ssn FROM patient;
});
$node->psql('postgres', $failing);
is(refused(), 'denied|0|exempt ran', 'control: the record tells that it ran');
$node->stop;
is(versions(), '2:1', 'one segment, of the new version');
make_old();
my $old = slurp_bytes((segments($dir))[0]);

$node->start;
is(versions(), '1:1 2:2', 'the next record is in a segment of the new version');
is(slurp_bytes((segments($dir))[0]), $old, 'the old one stays as it is');
is_intact($node, 'an old segment and a new one');
is(refused(), 'denied|0|exempt', 'what the old one does not tell is not told');
is(log_rows($node, 'count(*)', "query = 'SELECT ssn FROM patient' AND rows = 3 AND outcome = 'ok'"), 1, 'all else is');
$node->psql('postgres', $failing);
is(refused(), "denied|0|exempt\ndenied|0|exempt ran", 'new records tell');
$node->restart;
is(versions(), '1:1 2:2', 'a segment of the new version is gone on with');
is_intact($node, 'after a restart');
$node->stop;
like(slurp_bytes("$dir/ring"), qr/\APHIGRNG1\x02/, 'the ring is of the new version again');

# A server that had no time for more than the header.
unlink((segments($dir))[1], "$dir/ring");
spew_bytes((segments($dir))[0], substr($old, 0, 512) . "\0" x (length($old) - 512));
$node->start;
is(versions(), '1:1 2:2', 'nothing is written behind an old header');
is_intact($node, 'a header alone');
is(log_rows($node, "command, position", "kind = 'server'"), 'SERVER START|3', 'the record begins with it');
$node->stop;

# One of a format to come.
my $file = (segments($dir))[1];
my $segment = PhigJournal::read_segment($file);
substr($segment->{header}, 8, 4) = pack('V', 3);
spew_bytes($file, write_segment($segment, crc => 1, header => 1, seal_to => 1_000_000));
my $bytes = slurp_bytes($file);
$node->start;
like(findings($node), qr/of a format version that is not known here/, 'a later format is not taken for this one');
my (undef, undef, $warning) = $node->psql('postgres', 'SELECT count(*) FROM phiguard.access_log');
like($warning, qr/has no readable header/, '... nor in the log');
is(slurp_bytes($file), $bytes, '... and nothing is written into it');
is(versions(), '1:1 3:2 2:4', 'a new segment says so');
$node->stop;

done_testing();
