# A second implementation of docs/journal.md reads what the server wrote: headers, records, checksums,
# numbers without holes, definitions before their use, and the chain across segments.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Basename;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('format', "phiguard.journal_segment_size = 1MB", "phiguard.journal_buffers = 256kB",
	"phiguard.journal_sync = off");
$node->start;
add_patients($node);

# Enough for several segments, by two clients; what a statement says is written once a segment.
my $script = $node->basedir . '/reads.sql';
append_to_file($script, "SELECT ssn FROM patient WHERE id = 1" . " AND id > 0" x $_ . ";\n") for 0 .. 9;
$node->command_ok([ 'pgbench', '-n', '-M', 'prepared', '-c', 2, '-t', 1200, '-f', $script, $node->connstr('postgres') ],
	'24000 reads');
$node->stop;

my $dir = journal_dir($node);
my @files = segments($dir);
cmp_ok(scalar @files, '>=', 4, 'several segments were written');
is(join(' ', map { /-(\d{10})\.seg$/ ? $1 + 0 : '?' } @files), join(' ', 1 .. @files),
	'their numbers have no holes');

my $next_seq = 1;
my ($last_hash, %counts, @wrong);
my $used = 0;
for my $file (@files)
{
	my $segment = read_segment($file);
	my $header = $segment->{header};
	my %known;
	my $name = basename($file);

	push @wrong, "$name: magic" if $header->{magic} ne 'PHIGSEG1' || $header->{version} != 2;
	push @wrong, "$name: header's checksum" if !$header->{crc_holds};
	push @wrong, "$name: node" if $name !~ /^\Q@{[substr($header->{node}, 0, 8)]}\E-/;
	push @wrong, "$name: first_seq $header->{first_seq}, expected $next_seq" if $header->{first_seq} != $next_seq;
	push @wrong, "$name: reason $header->{reason}" if $header->{reason} != (defined $last_hash ? 2 : 1);
	push @wrong, "$name: prev_hash" if $header->{prev_hash} ne ($last_hash // "\0" x 32);
	push @wrong, "$name: a seal" if !$segment->{seals_hold};
	push @wrong, "$name: records behind the last seal" if $segment->{records}[-1]{type} !~ /[LC]/;

	my $before = 'H';	# the header
	for my $record (@{ $segment->{records} })
	{
		my ($type, $body) = ($record->{type}, $record->{body});

		push @wrong, "$name: a checkpoint that stands behind no seal"
		  if $type eq 'C' && $before !~ /[LH]/;
		$before = $type;
		$counts{$type}++;
		if ($type eq 'L' || $type eq 'C')
		{
			push @wrong, "$name: a seal's or checkpoint's number" if $record->{seq} != $next_seq - 1;
			next;
		}
		push @wrong, "$name: record $record->{seq}, expected $next_seq" if $record->{seq} != $next_seq;
		$next_seq++;
		if ($type eq 'D')
		{
			push @wrong, "$name: a definition's id"
			  if substr($body, 0, 16) ne substr(sha256(substr($body, 16)), 0, 16);
			$known{ substr($body, 0, 16) } = 1;
		}
		elsif ($type eq 'S' || $type eq 'V')
		{
			$used++;
			push @wrong, "$name: record $record->{seq} uses what is not defined"
			  if !$known{ substr($body, 0, 16) } || !$known{ substr($body, 16, 16) };
		}
	}
	push @wrong, "$name: bytes behind the last record"
	  if read_bytes($file, $segment->{end}) =~ /[^\0]/;
	$last_hash = $segment->{last_hash};
}
is(join("\n", @wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]), '', 'every segment is as the page says');
cmp_ok($counts{S}, '>=', 24000, 'all executions are in it');
is($counts{E}, $counts{S}, 'each with its end');
cmp_ok($counts{L}, '<', $counts{S} / 10, 'many records share a seal when nobody waits');

# What a user put into the statements is nowhere in the bytes.
my $literals = 0;
for my $file (@files, "$dir/ring")
{
	$literals++ while read_bytes($file, 0) =~ /123-45-000/g;
}
is($literals, 0, 'no value of the table is in the files');

done_testing();
