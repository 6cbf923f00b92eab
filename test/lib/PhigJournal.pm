# The journal's files, read and rewritten after docs/journal.md and not after the C code: what an
# auditor's own tool, or a forger's, would do.
package PhigJournal;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use Exporter 'import';
our @EXPORT_OK = qw(crc32c read_segment rewrite_from segment_files slurp_bytes spew_bytes with_crc write_segment);

use constant {
	HEADER_BYTES => 512,
	SEAL => 'L',
	CHECKPOINT => 'C',
};

my @crc_table = map {
	my $c = $_;
	$c = $c & 1 ? ($c >> 1) ^ 0x82f63b78 : $c >> 1 for 1 .. 8;
	$c
} 0 .. 255;

sub crc32c
{
	my ($bytes) = @_;
	my $crc = 0xffffffff;
	$crc = $crc_table[($crc ^ $_) & 0xff] ^ ($crc >> 8) for unpack('C*', $bytes);
	return $crc ^ 0xffffffff;
}

sub slurp_bytes
{
	my ($path) = @_;
	open(my $fh, '<:raw', $path) or die "open $path: $!";
	local $/;
	my $bytes = <$fh>;
	close $fh;
	return $bytes;
}

# In place, as a forger with an editor would: a server that has the file open sees it.
sub spew_bytes
{
	my ($path, $bytes) = @_;
	open(my $fh, -e $path ? '+<:raw' : '>:raw', $path) or die "open $path: $!";
	truncate($fh, length $bytes) or die "truncate $path: $!";
	print $fh $bytes;
	close $fh or die "close $path: $!";
}

# Paths of the segments of a directory, oldest first, of one node or of all.
sub segment_files
{
	my ($directory, $node) = @_;
	my $prefix = $node // '????????';
	return sort glob("$directory/$prefix-??????????.seg");
}

# A segment as a hash: header fields, records (offset, length, seq, type, bytes), end.  Dies when it is not intact.
sub read_segment
{
	my ($path) = @_;
	my $bytes = slurp_bytes($path);
	my %s = (path => $path, name => $path =~ s{.*/}{}r, size => length $bytes, header => substr($bytes, 0, HEADER_BYTES));

	@s{qw(magic version header_bytes system node number first_seq created prev_hash parent_node parent_seq reason timeline)}
	  = unpack('a8 V V Q< a16 Q< Q< q< a32 a16 Q< V V', $s{header});
	die "$path: magic" unless $s{magic} eq 'PHIGSEG1';
	die "$path: header" unless crc32c(substr($bytes, 0, 508)) == unpack('V', substr($bytes, 508, 4));
	$s{node8} = substr(unpack('H*', $s{node}), 0, 8);

	my $offset = HEADER_BYTES;
	my $batch = 0;
	while ($offset < length $bytes)
	{
		my ($length, $crc, $seq, $time, $type) = unpack('V V Q< q< a', substr($bytes, $offset, 25));
		last if $length == 0;
		my $record = substr($bytes, $offset, $length);
		die "$path: record at $offset" unless crc32c(substr($record, 8)) == $crc;
		# A checkpoint belongs to the seal before it.
		push @{ $s{records} },
		  { offset => $offset, length => $length, seq => $seq, type => $type, bytes => $record,
			batch => $type eq CHECKPOINT && $batch > 0 ? $batch - 1 : $batch };
		$batch++ if $type eq SEAL;
		$offset += $length;
	}
	$s{end} = $offset;
	return \%s;
}

sub with_crc
{
	my ($record) = @_;
	substr($record, 4, 4) = pack('V', crc32c(substr($record, 8)));
	return $record;
}

# The segment's bytes after its header and records; options:
#	crc		make every record's checksum right
#	header	make the header's checksum right
#	seal_to	n: also make the hash of the first n seals right (a forger who can rehash)
sub write_segment
{
	my ($s, %options) = @_;
	my $header = $s->{header};
	substr($header, 508, 4) = pack('V', crc32c(substr($header, 0, 508))) if $options{header};
	my $hash = sha256(substr($header, 64, 32) . $header);
	my $covered = '';
	my $out = $header;
	my $seals = $options{seal_to} // 0;

	for my $r (@{ $s->{records} })
	{
		my $record = $r->{bytes};
		if ($r->{type} eq SEAL && $seals-- > 0)
		{
			$hash = sha256($hash . $covered);
			substr($record, 32, 32) = $hash;
			$record = with_crc($record);
			$covered = $record;
		}
		elsif ($r->{type} eq SEAL)
		{
			$hash = substr($record, 32, 32);
			$record = with_crc($record) if $options{crc};
			$covered = $record;
		}
		else
		{
			$record = with_crc($record) if $options{crc};
			$covered .= $record;
		}
		$out .= $record;
	}
	my $missing = $s->{size} - length $out;
	return $missing > 0 ? $out . ("\0" x $missing) : $out;
}

# What a forger does who knows the format and has no key: the record of that number goes through change, and everything
# behind it is hashed again.  checkpoints: keep (as they are), fit (their hash made right, the signature not), drop.
# stretch: seconds that each further record comes later.
sub rewrite_from
{
	my ($path, $seq, $change, %options) = @_;
	my $s = read_segment($path);
	my $checkpoints = $options{checkpoints} // 'keep';
	my $hash = sha256(substr($s->{header}, 64, 32) . $s->{header});
	my ($covered, $out, $changed, $late) = ('', $s->{header}, 0, 0);

	for my $r (@{ $s->{records} })
	{
		my $record = $r->{bytes};

		if ($r->{seq} == $seq && $r->{type} !~ /[LC]/)
		{
			$change->($record);
			$changed = 1;
		}
		next if $changed && $r->{type} eq CHECKPOINT && $checkpoints eq 'drop';
		if ($changed && $options{stretch} && $r->{type} !~ /[LC]/)
		{
			$late += $options{stretch} * 1_000_000;
			substr($record, 16, 8) = pack('q<', unpack('q<', substr($record, 16, 8)) + $late);
		}
		if ($changed && $r->{type} eq CHECKPOINT && $checkpoints eq 'fit')
		{
			substr($record, 40, 32) = $covered eq '' ? $hash : sha256($hash . $covered);
		}
		if ($r->{type} eq SEAL)
		{
			$hash = sha256($hash . $covered);
			substr($record, 32, 32) = $hash;
			$covered = '';
		}
		$record = with_crc($record);
		$covered .= $record;
		$out .= $record;
	}
	die "no record $seq" unless $changed;
	spew_bytes($path, $out . ("\0" x ($s->{size} - length $out)));
}

1;
