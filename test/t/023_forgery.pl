# Forgeries: edits of a journal chosen at random, by somebody who knows the format and has no key.  Each is found, where it
# is and as what it is; a journal that nobody touched never is.
#
# For each edit the test works out beforehand what must be said of it: which numbers the first finding may have (one, wherever
# the files can tell; otherwise the batch, which is the least that the chain of hashes can tell), and which kinds of finding
# are right.  PHIG_FORGERY_EDITS and PHIG_FORGERY_SEED; PHIG_LONG=1: 2,000 edits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256);
use PhigJournal qw(crc32c read_segment slurp_bytes spew_bytes);
use PhigServer qw(new_server add_patients journal_dir segments wait_until_open);
use PostgreSQL::Test::Utils;
use Test::More;

my $edits = $ENV{PHIG_FORGERY_EDITS} // ($ENV{PHIG_LONG} ? 2000 : 120);
my $seed = $ENV{PHIG_FORGERY_SEED} // 20261126;
my $place = PostgreSQL::Test::Utils::tempdir();

# What a finding says, by kind.
my %says = (
	altered => qr/^the record at offset \d+ \(\d+ bytes\) was altered/,
	bytes => qr/^\d+ bytes at offset \d+ are no records/,
	torn => qr/^\d+ bytes at offset \d+, where the records end, are no record: torn or altered/,
	stray => qr/^bytes that are not zero, at offset/,
	header => qr/^the segment's header is damaged/,
	header_zeros => qr/^the segment's header is zeros/,
	header_short => qr/^the file is shorter than a segment's header/,
	version => qr/^the segment is of a format version/,
	missing => qr/^records \d+ to \d+ are missing before offset/,
	missing_segment_end => qr/^records \d+ to \d+ are missing before this segment/,
	again => qr/^record \d+ stands again, or out of order/,
	again_segment => qr/^the segment begins at a record that the one before it holds already/,
	seal => qr/^the seal at offset \d+ does not match its batch/,
	seal_number => qr/^the seal at offset \d+ stands for records up to/,
	unsealed => qr/^no seal follows/,
	checkpoint_place => qr/^a checkpoint stands at offset \d+, where none belongs/,
	checkpoint_number => qr/^the checkpoint at offset \d+ stands for records up to/,
	history => qr/^the checkpoint at offset \d+ was signed for another history/,
	signature => qr/^the checkpoint at offset \d+ does not have the signature of the key/,
	key => qr/^the checkpoint at offset \d+ names key [0-9a-f]{16}, which is not known here/,
	times => qr/^the segment's header is wrong about the times of the one before it/,
	continues => qr/^the segment does not continue the one before it/,
	header_place => qr/^the segment's header contradicts its place/,
	anew => qr/^the chain was begun anew here/,
	holds => qr/^the file holds segment \d+ of node/,
	system => qr/^the segment belongs to another database system/,
	segment => qr/^the segment is missing|^the segments \d+ to \d+ are missing/,
	parent => qr/^the node does not continue its parent|^the node continues a parent whose records, here, do not reach/,
	anchor_end => qr/^the journal ends at record \d+, and an anchor knows of record/,
	anchor_other => qr/^the journal is not what it was when the anchor|^there is nothing at the place that the anchor/,
);

#
# A journal: two nodes, the second a branch of the first, of several segments each.
#
my $server = new_server('forged', 'phiguard.journal_segment_size = 1MB', 'phiguard.journal_checkpoint_interval = 1');
my $directory = journal_dir($server);

# Statements whose texts fill segments, some in batches of one, some of many.
sub work
{
	my ($rounds) = @_;

	for my $round (1 .. $rounds)
	{
		my $sql = $round % 2 ? "SET phiguard.journal_sync = off;\n" : '';
		for my $n (1 .. 60)
		{
			my $columns = join ', ', ('ssn') x (1 + ($round * 60 + $n) * 1777 % 3200);
			$sql .= "SELECT ARRAY[$columns] FROM patient WHERE id = 0;\n";
			$sql .= "SELECT ssn FROM patient WHERE id = $_;\n" for 1 .. 3;
		}
		$server->safe_psql('postgres', 'SELECT phiguard.journal_anchor()');
		$server->safe_psql('postgres', $sql);
		$server->safe_psql('postgres', 'SELECT phiguard.journal_anchor()');
	}
}

$server->start;
add_patients($server);
append_to_file("$place/key", $server->safe_psql('postgres', 'SELECT phiguard.journal_public_key()'));
work(6);
$server->stop;
# A copied directory: its next server is another node.
spew_bytes("$directory/node.new", slurp_bytes("$directory/node"));
rename "$directory/node.new", "$directory/node" or die;
$server->start;
wait_until_open($server);
work(4);
$server->stop;

my %pristine;					# name => bytes
my @nodes;						# each a list of segments; the first is the second's parent
{
	my %node;
	for my $path (segments($directory))
	{
		my $s = read_segment($path);
		$pristine{ $s->{name} } = slurp_bytes($path);
		$s->{type} = join '', map { $_->{type} } @{ $s->{records} };
		push @{ $node{ $s->{node8} } }, $s;
	}
	@nodes = sort { $a->[0]{reason} <=> $b->[0]{reason} } values %node;
	is(join(' ', map { $_->[0]{reason} } @nodes), '1 3', 'two nodes, one a branch of the other');
	for my $n (@nodes)
	{
		$n->[$_]{next} = $n->[ $_ + 1 ] for 0 .. $#$n;
		cmp_ok(scalar @$n, '>=', 2, 'several segments');
		is($n->[-1]{records}[-1]{type}, 'C', 'the end of each is signed');
	}
}
my @all = map { @$_ } @nodes;
my ($parent, $branch) = @nodes;
mkdir "$place/pristine" or die;
spew_bytes("$place/pristine/$_", $pristine{$_}) for keys %pristine;

# Each checkpoint in it as an anchor.
$server->start;
wait_until_open($server);
my $last_of_all = $branch->[-1]{records}[-1]{seq};
append_to_file("$place/anchors", $server->safe_psql('postgres',
	"SELECT anchor FROM phiguard.journal_checkpoints WHERE position <= $last_of_all ORDER BY position") . "\n");
cmp_ok(scalar(split /\n/, slurp_file("$place/anchors")), '>=', 15, 'and anchors');

# Another Ed25519 key, for who signs with what he has.
my ($other_key, $other_id);
if (system('openssl version >/dev/null 2>&1') == 0)
{
	system("openssl genpkey -algorithm ed25519 -out $place/other.pem 2>/dev/null") == 0 or die;
	$other_key = substr(`openssl pkey -in $place/other.pem -pubout -outform DER`, -32);
	$other_id = substr(sha256($other_key), 0, 8);
}

#
# What the files say, and what must be said of a change.
#
sub own { return $_[0]{type} !~ /[LC]/ }

# The number of the first record from here on.
sub position { my ($r) = @_; return own($r) ? $r->{seq} : $r->{seq} + 1 }
sub behind { my ($s) = @_; return $s->{records}[-1]{seq} + 1 }

# Of the batch that record i belongs to (a checkpoint to the one after it): its first record's number.
sub batch_first
{
	my ($s, $i) = @_;
	my $before = $i > 0 ? rindex($s->{type}, 'L', $i - 1) : -1;
	return $before < 0 ? $s->{first_seq} : $s->{records}[$before]{seq} + 1;
}

# What was signed before record i: up to which number.
sub vouched_before
{
	my ($s, $i) = @_;
	my ($node) = grep { $_->[0]{node8} eq $s->{node8} } @nodes;
	for my $segment (reverse grep { $_->{number} <= $s->{number} } @$node)
	{
		my $from = $segment == $s ? $i - 1 : length $segment->{type};
		my $c = $from < 0 ? -1 : rindex($segment->{type}, 'C', $from);
		return $segment->{records}[$c]{seq} if $c >= 0;
	}
	return $node->[0]{first_seq} - 1;
}

# The first checkpoint at record i or behind, and its segment.
sub checkpoint_from
{
	my ($s, $i, $only_here) = @_;
	for (; $s; $s = $only_here ? undef : $s->{next}, $i = 0)
	{
		my $c = index($s->{type}, 'C', $i);
		return $s->{records}[$c] if $c >= 0;
	}
	return undef;
}

sub expect { my ($s, $lo, $hi, @kinds) = @_; return { node => $s->{node8}, lo => $lo, hi => $hi, kinds => \@kinds } }
sub exact { my ($s, $at, @kinds) = @_; return expect($s, $at, $at, @kinds) }

# The segment's header is gone: where a branch began, only its first header says.
sub expect_at_header
{
	my ($s, @kinds) = @_;
	return expect($s, $s == $branch->[0] ? 1 : $s->{first_seq}, $s->{first_seq}, @kinds);
}

# The end of a node, or what stands for it elsewhere: nothing (undef) for the last node.
sub expect_end
{
	my ($s) = @_;
	return undef if $s->{node8} eq $branch->[0]{node8};
	return exact($branch->[0], $branch->[0]{first_seq}, 'parent');
}

sub expect_in_next_header
{
	my ($s, @kinds) = @_;
	return $s->{next} ? exact($s->{next}, $s->{next}{first_seq}, @kinds) : expect_end($s);
}

# Bytes that became others at this offset, without right checksums.
sub expect_bytes
{
	my ($s, $offset) = @_;
	return expect_at_header($s, qw(header header_zeros header_short)) if $offset < 512;
	my ($r) = grep { $offset < $_->{offset} + $_->{length} } @{ $s->{records} };
	return exact($s, $r ? position($r) : behind($s), qw(altered bytes torn stray));
}

# Records, each intact, in place of the segment's: the first that is another says what must be found.
sub expect_records
{
	my ($s, $new) = @_;
	my $old = $s->{records};
	my $i = 0;
	$i++ while $i < @$old && $i < @$new && $old->[$i]{bytes} eq $new->[$i]{bytes};
	return undef if $i == @$old && $i == @$new;
	my ($was, $is) = ($old->[$i], $new->[$i]);
	my $number = $was ? position($was) : behind($s);
	my $batch = $was ? batch_first($s, $i) : $number;

	# Behind the place where a branch left, the end of its parent may be half a copy.
	return undef if !$was && !$s->{next} && $s->{node8} eq $parent->[0]{node8};
	if (!$is)
	{
		# What is left at the end may be whole batches.
		return exact($s, $batch, 'unsealed') if $i > 0 && ($was->{type} eq 'L' || $batch < $number);
		return expect_in_next_header($s, $was->{type} eq 'C' ? 'continues' : 'missing_segment_end');
	}
	if (own($is))
	{
		return exact($s, $number, 'missing') if $is->{seq} > $number;
		return exact($s, $is->{seq}, 'again') if $is->{seq} < $number;
		# Beside the one that it takes the number of.
		return exact($s, $number, 'again') if $new->[ $i + 1 ] && own($new->[ $i + 1 ]) && $new->[ $i + 1 ]{seq} <= $number;
		return exact($s, $batch, 'seal') if $was && own($was);
		return expect($s, $batch, $number, qw(seal unsealed)) if !$was || $was->{type} eq 'L';
		# A checkpoint is gone, or comes too late.
		return expect($s, $batch, $old->[ index($s->{type}, 'L', $i) ]{seq} + 1, qw(seal checkpoint_place)) if index($s->{type}, 'L', $i) >= 0;
		return exact($s, $batch, 'unsealed');
	}
	if ($is->{type} eq 'L')
	{
		return exact($s, $number, 'missing') if $is->{seq} >= $number;
		return exact($s, $batch, qw(seal seal_number));
	}
	return exact($s, $number, qw(checkpoint_place checkpoint_number)) if $is->{seq} != $number - 1 || ($was && $was->{type} ne 'C');
	# One of another place with the right number: its signature is for that place.
	return expect($s, $number - 1, $number, qw(signature key checkpoint_place));
}

#
# Writing.
#
sub any_of { return $_[ int rand @_ ] }
sub any_segment { return any_of(@all) }

sub any_record
{
	my ($s, $kinds) = @_;
	return any_of(grep { $s->{records}[$_]{type} =~ $kinds } 0 .. $#{ $s->{records} });
}

sub with_crc
{
	my ($bytes) = @_;
	substr($bytes, 4, 4) = pack('V', crc32c(substr($bytes, 8)));
	return $bytes;
}

sub header_with_crc
{
	my ($header) = @_;
	return substr($header, 0, 508) . pack('V', crc32c(substr($header, 0, 508)));
}

sub record { my ($type, $seq, $bytes) = @_; return { type => $type, seq => $seq, bytes => $bytes, length => length $bytes } }

# A record with some bytes in place of others, and a right checksum.
sub changed
{
	my ($r, $at, $new) = @_;
	my $bytes = $r->{bytes};
	substr($bytes, $at, length $new) = $new;
	$bytes = with_crc($bytes);
	return record($r->{type}, unpack('Q<', substr($bytes, 8, 8)), $bytes);
}

sub flipped { my ($r, $at) = @_; return changed($r, $at, chr(ord(substr($r->{bytes}, $at, 1)) ^ (1 + int rand 255))) }

sub file_of
{
	my ($s, $header, @records) = @_;
	my $bytes = join '', $header, @records;
	return $bytes . "\0" x ($s->{size} > length $bytes ? $s->{size} - length $bytes : 0);
}

sub records_edit
{
	my ($s, @new) = @_;
	return { files => { $s->{name} => file_of($s, $s->{header}, map { $_->{bytes} } @new) }, expect => expect_records($s, \@new) };
}

sub bytes_edit
{
	my ($s, $bytes) = @_;
	my $old = $pristine{ $s->{name} };
	my $size = length $old > length $bytes ? length $old : length $bytes;
	# The first byte that differs; what is not there counts as zero.
	(($old . "\0" x ($size - length $old)) ^ ($bytes . "\0" x ($size - length $bytes))) =~ /^\0*/;
	my $at = $+[0];
	# But a record is not whole because the bytes that it lacks were zeros.
	$at = length $bytes if length $bytes < $at && length $bytes < $s->{end};
	return undef if $at == $size;
	return { files => { $s->{name} => $bytes }, expect => expect_bytes($s, $at) };
}

sub header_edit
{
	my ($s, $at, $new, @expect) = @_;
	my $header = $s->{header};
	substr($header, $at, length $new) = $new;
	return undef if $header eq $s->{header};
	return { files => { $s->{name} => file_of($s, header_with_crc($header), map { $_->{bytes} } @{ $s->{records} }) },
		expect => $expect[1] =~ /header|version/ ? expect_at_header($s, $expect[1]) : exact($s, @expect) };
}

# An Ed25519 signature by the other key, for a checkpoint's record at this place.
sub sign_otherwise
{
	my ($s, $offset, $bytes) = @_;
	my ($seq, $time) = unpack('Q< q<', substr($bytes, 8, 16));
	my $text = sprintf('phiguard-anchor 1 system=%d node=%s segment=%d offset=%d record=%d time=%d oldest=%d hash=%s key=%s',
		$s->{system}, unpack('H*', $s->{node}), $s->{number}, $offset, $seq, $time, unpack('Q<', substr($bytes, 32, 8)),
		unpack('H*', substr($bytes, 40, 32)), unpack('H*', substr($bytes, 72, 8)));
	unlink "$place/text";
	append_to_file("$place/text", $text);
	return `openssl pkeyutl -sign -rawin -inkey $place/other.pem -in $place/text`;
}

# The segment with these records, and the node from there on, every seal and every previous hash made right again.
#	seals		only so many seals are
#	segment		the segments behind are left as they are
#	checkpoints	of the changed record and behind: keep, fit (the hash made right, the signature not), other (signed by another
#				key), named (the same, naming the right key), drop
#	from		index of the first changed record
#	each		changes each record behind as well
sub rehash
{
	my ($s, $records, %how) = @_;
	my %files;
	my ($hash, $seals, $from) = (substr($s->{header}, 64, 32), $how{seals} // 1e9, $how{from});
	my $header = $s->{header};

	while (1)
	{
		my ($out, $covered) = ($header, '');
		$hash = sha256($hash . $header);
		for my $i (0 .. $#$records)
		{
			my $bytes = $records->[$i]{bytes};
			my $type = $records->[$i]{type};
			my $behind = $i >= $from;

			$bytes = $how{each}->($bytes, $type) if $how{each} && $behind;
			if ($type eq 'L' && $behind && $seals-- > 0)
			{
				$hash = sha256($hash . $covered);
				substr($bytes, 32, 32) = $hash;
				$bytes = with_crc($bytes);
				$covered = '';
			}
			elsif ($type eq 'L')
			{
				$hash = substr($bytes, 32, 32);
				$covered = '';
			}
			elsif ($type eq 'C' && $behind && $how{checkpoints} ne 'keep')
			{
				next if $how{checkpoints} eq 'drop';
				substr($bytes, 40, 32) = $covered eq '' ? $hash : sha256($hash . $covered);
				substr($bytes, 72, 8) = $other_id if $how{checkpoints} eq 'other';
				substr($bytes, 80, 64) = sign_otherwise($s, length $out, $bytes) if $how{checkpoints} =~ /other|named/;
				$bytes = with_crc($bytes);
			}
			$covered .= $bytes;
			$out .= $bytes;
		}
		$files{ $s->{name} } = file_of($s, $out);
		$s = $s->{next};
		last if $how{segment} || !$s;
		$hash = $covered eq '' ? $hash : sha256($hash . $covered);
		$header = $s->{header};
		substr($header, 64, 32) = $hash;
		substr($header, 48, 8) = pack('Q<', $s->{first_seq} - 1) if $how{each};
		$header = header_with_crc($header);
		($records, $from) = ($s->{records}, 0);
	}
	return \%files;
}

# A node without its branch: then nobody but an anchor knows where it ended.
sub alone
{
	my ($s) = @_;
	return $s->{node8} eq $parent->[0]{node8} ? map { $_->{name} => undef } @$branch : ();
}

# The journal ends before record i: all that follows is gone.
sub cut
{
	my ($s, $i) = @_;
	my %files = alone($s);
	$files{ $s->{name} } = file_of($s, $s->{header}, map { $_->{bytes} } @{ $s->{records} }[ 0 .. $i - 1 ]);
	for (my $t = $s->{next}; $t; $t = $t->{next}) { $files{ $t->{name} } = undef }
	my $last = $i > 0 ? $s->{records}[ $i - 1 ]{seq} : $s->{first_seq} - 1;
	return undef if $last < $s->{first_seq} || $last == ($s->{node8} eq $parent->[0]{node8} ? $parent : $branch)->[-1]{records}[-1]{seq};
	return { files => \%files, none => $s->{node8}, vouched => vouched_before($s, $i), anchor => exact($s, $last + 1, 'anchor_end') };
}

# A record rewritten, and all behind it; its checkpoints as given.
sub rewritten
{
	my ($checkpoints, %more) = @_;
	my $s = $more{in} || any_segment();
	my $i = any_record($s, qr/[^LC]/);
	my @new = @{ $s->{records} };
	my $files;
	my $vouched = vouched_before($s, $i);
	my $c = checkpoint_from($s, $i, $more{segment});

	$new[$i] = $more{change} ? $more{change}->($new[$i]) : flipped($new[$i], 40 + int rand 3);
	$files = rehash($s, \@new, from => $i, checkpoints => $checkpoints, %more);
	if ($more{seals})
	{
		my ($end, $n) = ($i, $more{seals});
		$end = index($s->{type}, 'L', $end + 1) while $n-- > 0 && $end >= 0;
		my $next = $end < 0 ? -1 : index($s->{type}, 'L', $end + 1);
		my $signed = index($s->{type}, 'C', $i);
		return { files => $files, expect => exact($s, batch_first($s, $next), 'seal') }
		  if $next >= 0 && ($signed < 0 || $signed > $next);
	}
	return { files => $files, expect => expect_in_next_header($s, 'continues') } if !$c;
	return { files => $files, expect => exact($s, $vouched + 1, 'history') } if $checkpoints eq 'keep';
	return { files => $files, expect => exact($s, $c->{seq}, $checkpoints eq 'other' ? 'key' : 'signature') } if $checkpoints ne 'drop';
	return { files => $files, expect => exact($s->{next}, $s->{next}{first_seq}, 'times') } if $more{times};
	$files = { %$files, alone($s) };
	return { files => $files, none => $s->{node8}, vouched => $vouched, anchor => exact($s, $vouched + 1, qw(anchor_other anchor_end)) };
}

#
# The edits.
#
my $header_fields = sub
{
	my $s = any_segment();
	my $first = $s->{first_seq};
	# What nothing but the hash covers: the first seal tells, or a checkpoint before it.
	my $covered = sub { my ($at, $new) = @_;
		return $s->{type} =~ /^C/ ? header_edit($s, $at, $new, vouched_before($s, 0) + 1, 'history')
		  : header_edit($s, $at, $new, $first, 'seal', 'times') };
	my $not_first = $s->{number} > 1;
	return any_of(
		sub { header_edit($s, 0, 'PHIGSEG9', $first, 'header') },
		sub { header_edit($s, 8, pack('V', 2 + int rand 9), $first, 'version') },
		sub { $not_first ? header_edit($s, 16, pack('Q<', 1 + int rand 1e9), $first, 'system') : undef },
		sub { header_edit($s, 24, pack('V', int rand 2**31), $first, 'holds') },
		sub { header_edit($s, 40, pack('Q<', 1 + int rand 9), $first, 'holds') },
		sub { $not_first ? header_edit($s, 48, pack('Q<', $first + 1 + int rand 9), $first, 'missing_segment_end') : undef },
		sub { my $n = $first - 1 - int rand 9; $not_first ? header_edit($s, 48, pack('Q<', $n), $n, 'again_segment') : undef },
		sub { $not_first ? header_edit($s, 64, 'x' x 32, $first, 'continues') : undef },
		sub { $not_first ? header_edit($s, 120, pack('V', any_of(1, 3, 5)), $first, 'header_place') : undef },
		sub { header_edit($s, 120, pack('V', 4), $first, 'anew') },
		map { my $at = $_; sub { $covered->($at, chr int rand 256) } } 56, 124, 144, 152, 160 + int rand 348)->();
};

my $bytes_at = sub
{
	my ($s, $from, $length, $new) = @_;
	my $bytes = $pristine{ $s->{name} };
	substr($bytes, $from, $length) = $new;
	return bytes_edit($s, $bytes);
};
my $noise = sub { return join '', map { chr int rand 256 } 1 .. $_[0] };

# A run of records: where it begins, and how many.
my $run_of = sub
{
	my ($s, $most) = @_;
	my $n = 1 + int rand($most // any_of(1, 3, 40));
	my $i = int rand(@{ $s->{records} } - $n);
	return ($i, $n);
};
# A whole batch with its seal and checkpoint: where it begins and how many.
my $batch_of = sub
{
	my ($s) = @_;
	my @ends = (0);
	push @ends, $+[0] while $s->{type} =~ /LC?/g;
	my $k = int rand $#ends;
	return ($ends[$k], $ends[ $k + 1 ] - $ends[$k]);
};
my $moved = sub
{
	my ($s, $i, $n) = @_;
	my @new = @{ $s->{records} };
	my @run = splice @new, $i, $n;
	splice @new, int rand(@new), 0, @run;
	return records_edit($s, @new);
};
my $repeated = sub
{
	my ($s, $i, $n, $to) = @_;
	my @new = @{ $s->{records} };
	splice @new, $to, 0, @new[ $i .. $i + $n - 1 ];
	return records_edit($s, @new);
};
my $removed = sub
{
	my ($s, $i, $n) = @_;
	my @new = @{ $s->{records} };
	splice @new, $i, $n;
	return records_edit($s, @new);
};
my $field = sub
{
	my ($kinds, $at, $expect) = @_;
	my $s = any_segment();
	my $i = any_record($s, $kinds);
	my @new = @{ $s->{records} };
	$new[$i] = flipped($new[$i], $at);
	return { %{ records_edit($s, @new) }, $expect ? (expect => $expect->($s, $i)) : () };
};
my $segment_missing = sub
{
	my $s = any_of(grep { $_->{next} || $_->{node8} eq $parent->[0]{node8} } @all);
	my $expect = $s->{next} ? expect_at_header($s, 'segment') : expect_end($s);
	return { files => { $s->{name} => undef }, expect => $expect };
};

my @kinds = (
	# Bytes, by somebody who has an editor.
	[ 'a byte of a header changed', sub { my $s = any_segment(); my $o = int rand 512; $bytes_at->($s, $o, 1, $noise->(1)) } ],
	[ 'a byte of the records changed', sub { my $s = any_segment(); $bytes_at->($s, 512 + int rand($s->{end} - 512), 1, $noise->(1)) } ],
	[ 'a byte of a record\'s header changed', sub { my $s = any_segment(); my $r = any_of(@{ $s->{records} });
		$bytes_at->($s, $r->{offset} + int rand 32, 1, $noise->(1)) } ],
	[ 'a byte of a seal or checkpoint changed', sub { my $s = any_segment(); my $r = $s->{records}[ any_record($s, qr/[LC]/) ];
		$bytes_at->($s, $r->{offset} + int rand $r->{length}, 1, $noise->(1)) } ],
	[ 'a byte behind the end changed', sub { my $s = any_of(grep { $_ != $parent->[-1] } @all); return undef if $s->{end} == $s->{size};
		$bytes_at->($s, $s->{end} + int rand($s->{size} - $s->{end}), 1, $noise->(1)) } ],
	[ 'some bytes overwritten', sub { my $s = any_segment(); my $n = 2 + int rand 300; my $o = 512 + int rand($s->{end} - 512 - $n);
		$bytes_at->($s, $o, $n, any_of($noise->($n), "\0" x $n)) } ],
	[ 'bytes taken out', sub { my $s = any_segment(); my $r = any_of(@{ $s->{records} });
		$bytes_at->($s, $r->{offset} + 1 + int rand($r->{length} - 1), 1 + int rand any_of(7, 400), '') } ],
	[ 'bytes put in', sub { my $s = any_segment(); my $n = 1 + int rand any_of(7, 400);
		$bytes_at->($s, any_of(int rand 512, 512 + int rand($s->{end} - 512)), 0, any_of($noise->($n), "\0" x $n)) } ],
	[ 'a file cut inside a record', sub { my $s = any_segment(); my $r = any_of(@{ $s->{records} });
		my $o = any_of(int rand 512, $r->{offset} + 1 + int rand($r->{length} - 1));
		bytes_edit($s, substr($pristine{ $s->{name} }, 0, $o)) } ],
	[ 'the rest of a file overwritten with zeros', sub { my $s = any_segment(); my $r = any_of(@{ $s->{records} });
		$bytes_at->($s, $r->{offset} + 9, $s->{size}, "\0" x ($s->{size} - $r->{offset} - 9)) } ],

	# Whole records, by somebody who knows where they begin.
	[ 'records removed', sub { my $s = any_segment(); $removed->($s, $run_of->($s)) } ],
	[ 'a seal removed', sub { my $s = any_segment(); $removed->($s, any_record($s, qr/L/), 1) } ],
	[ 'a checkpoint removed', sub { my $s = any_segment(); return undef if $s->{type} !~ /C/; $removed->($s, any_record($s, qr/C/), 1) } ],
	[ 'a batch removed', sub { my $s = any_segment(); $removed->($s, $batch_of->($s)) } ],
	[ 'records repeated', sub { my $s = any_segment(); my ($i, $n) = $run_of->($s); $repeated->($s, $i, $n, $i + $n) } ],
	[ 'records repeated elsewhere', sub { my $s = any_segment(); $repeated->($s, $run_of->($s), int rand @{ $s->{records} }) } ],
	[ 'a batch repeated', sub { my $s = any_segment(); my ($i, $n) = $batch_of->($s); $repeated->($s, $i, $n, $i + $n) } ],
	[ 'a seal or checkpoint repeated', sub { my $s = any_segment(); my $i = any_record($s, qr/[LC]/);
		$repeated->($s, $i, 1, any_of($i + 1, int rand @{ $s->{records} })) } ],
	[ 'records moved', sub { my $s = any_segment(); $moved->($s, $run_of->($s)) } ],
	[ 'a seal or checkpoint moved', sub { my $s = any_segment(); $moved->($s, any_record($s, qr/[LC]/), 1) } ],
	[ 'a batch moved', sub { my $s = any_segment(); $moved->($s, $batch_of->($s)) } ],
	[ 'two records swapped', sub { my $s = any_segment(); my ($i, $j) = (any_record($s, qr/[^LC]/), any_record($s, qr/[^LC]/));
		my @new = @{ $s->{records} }; @new[ $i, $j ] = @new[ $j, $i ]; records_edit($s, @new) } ],
	[ 'neighbours swapped', sub { my $s = any_segment(); my ($i) = $run_of->($s, 1);
		my @new = @{ $s->{records} }; @new[ $i, $i + 1 ] = @new[ $i + 1, $i ]; records_edit($s, @new) } ],
	[ 'a record invented', sub { my $s = any_segment(); my ($i) = $run_of->($s, 1); my @new = @{ $s->{records} };
		my $r = $new[ any_record($s, qr/[^LC]/) ];
		splice @new, $i, 0, changed($r, 8, pack('Q<', any_of(position($new[$i]), 1 + int rand 1e6)));
		records_edit($s, @new) } ],
	[ 'a record of another segment', sub { my ($s, $t) = (any_segment(), any_segment()); my @new = @{ $s->{records} };
		$new[ int rand @new ] = any_of(@{ $t->{records} }); records_edit($s, @new) } ],

	# Fields, with the checksum made right.
	[ 'the time of a record', sub { $field->(qr/[^LC]/, 16 + int rand 6) } ],
	[ 'the number of a record', sub { $field->(qr/[^LC]/, 8 + int rand 3) } ],
	[ 'the body of a record', sub { $field->(qr/[SEV]/, 32 + int rand 30) } ],
	[ 'the hash of a seal', sub { $field->(qr/L/, 32 + int rand 32) } ],
	[ 'the number of a seal', sub { $field->(qr/L/, 8 + int rand 3) } ],
	[ 'the time of a seal', sub { $field->(qr/L/, 16 + int rand 6, sub { my ($s, $i) = @_;
		my $next = index($s->{type}, 'L', $i + 1);
		return substr($s->{type}, $i + 1, 1) eq 'C' ? exact($s, vouched_before($s, $i) + 1, 'history')
		  : $next >= 0 ? exact($s, batch_first($s, $next), 'seal') : expect_in_next_header($s, 'continues') }) } ],
	[ 'a field of a checkpoint', sub { $field->(qr/C/, any_of(16 + int rand 6, 32 + int rand 40, 80 + int rand 64), sub { my ($s, $i) = @_;
		return exact($s, $s->{records}[$i]{seq}, 'signature') }) } ],
	[ 'the key of a checkpoint', sub { $field->(qr/C/, 72 + int rand 8, sub { my ($s, $i) = @_;
		return exact($s, $s->{records}[$i]{seq}, 'key') }) } ],
	[ 'the number of a checkpoint', sub { $field->(qr/C/, 8 + int rand 3) } ],
	[ 'a field of a header', $header_fields ],

	# Whole segments.
	[ 'a segment removed', $segment_missing ],
	[ 'the first segments removed', sub { my $n = any_of(@nodes); my @gone = @$n[ 0 .. int rand $#$n ];
		return { files => { map { $_->{name} => undef } @gone }, expect => expect_at_header($n->[0], 'segment') } } ],
	[ 'two segments swapped', sub { my ($s, $t) = (any_segment(), any_segment()); return undef if $s == $t;
		my ($first) = sort { $a->{number} <=> $b->{number} } $s, $t;
		return { files => { $s->{name} => $pristine{ $t->{name} }, $t->{name} => $pristine{ $s->{name} } },
			expect => expect_at_header($first, 'holds') } } ],
	[ 'a segment in place of another', sub { my ($s, $t) = (any_segment(), any_segment()); return undef if $s == $t;
		return { files => { $s->{name} => $pristine{ $t->{name} } }, expect => expect_at_header($s, 'holds') } } ],
	[ 'a segment once more, as the next', sub { my $n = any_of(@nodes); my $t = any_segment();
		my $name = sprintf('%s-%010d.seg', $n->[0]{node8}, @$n + 1);
		return { files => { $name => $pristine{ $t->{name} } }, expect => exact($n->[0], behind($n->[-1]), 'holds') } } ],
	[ 'a segment emptied', sub { my $s = any_segment();
		return { files => { $s->{name} => any_of('', "\0" x $s->{size}, substr($pristine{ $s->{name} }, 0, int rand 512)) },
			expect => expect_at_header($s, qw(header_short header_zeros)) } } ],

	# Hashed again, by somebody who can do what the server does, but sign.
	[ 'some batches hashed again', sub { rewritten('keep', seals => 1 + int rand 5, segment => 1) } ],
	[ 'the segment hashed again', sub { rewritten('keep', segment => 1) } ],
	[ 'the journal hashed again', sub { rewritten('keep') } ],
	[ 'checkpoints made to fit', sub { rewritten('fit') } ],
	[ 'checkpoints signed by another key', sub { rewritten('other') }, 'openssl' ],
	[ 'checkpoints signed by another key in the name of the right one', sub { rewritten('named') }, 'openssl' ],
	[ 'checkpoints left out', sub { rewritten('drop') } ],
	[ 'a time changed by a year, and checkpoints left out', sub {
		my @before = grep { $_->{next} } @all;
		rewritten('drop', in => any_of(@before), times => 1, change => sub { my ($r) = @_;
			return changed($r, 16, pack('q<', unpack('q<', substr($r->{bytes}, 16, 8)) + any_of(-1, 1) * 31_536_000_000_000)) }) } ],
	[ 'a record removed and the others numbered again', sub {
		my $n = any_of(@nodes);
		my $s = $n->[-1];
		# Checksums of all that follows are slow to compute here: near the end.
		my ($i) = grep { $s->{records}[$_]{offset} > $s->{end} - 60_000 } 0 .. $#{ $s->{records} };
		$i = any_of(grep { own($s->{records}[$_]) } $i .. $#{ $s->{records} });
		my $c = checkpoint_from($s, $i);
		my @new = @{ $s->{records} };
		splice @new, $i, 1;
		my $number = sub { my ($bytes, $type) = @_; substr($bytes, 8, 8) = pack('Q<', unpack('Q<', substr($bytes, 8, 8)) - 1); return with_crc($bytes) };
		return { files => rehash($s, \@new, from => $i, checkpoints => any_of('keep', 'fit'), each => $number),
			expect => exact($s, $c->{seq} - 1, 'signature') } } ],
	[ 'the end cut off behind a batch', sub { my $s = any_segment(); my $i = any_record($s, qr/L/) + 1;
		$i++ if substr($s->{type}, $i, 1) eq 'C'; cut($s, $i) } ],
	[ 'an older copy put back', sub { my $s = any_segment(); return undef if $s->{type} !~ /C/; cut($s, any_record($s, qr/C/) + 1) } ],
);
@kinds = grep { !$_->[2] || $other_key } @kinds;

#
# Running.
#
sub verify
{
	my ($dir, @more) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'phiguard-verify', '--public-key', "$place/key", @more, $dir ], '>', \$out, '2>', \$err);
	my @findings = map { [ split / /, $_, 4 ] } grep { !/^node / } split /\n/, $out;
	return { status => $? >> 8, out => $out . $err, findings => \@findings, summary => join("\n", grep { /^node / } split /\n/, $out) };
}

# The journal with some files changed; the others are the same files.
sub make_copy
{
	my ($files) = @_;
	my $dir = "$place/copy";

	unlink glob("$dir/*.seg");
	mkdir $dir;
	for my $name (keys %{ { %pristine, %$files } })
	{
		if (!exists $files->{$name}) { link "$place/pristine/$name", "$dir/$name" or die "link: $!" }
		elsif (defined $files->{$name}) { spew_bytes("$dir/$name", $files->{$name}) }
	}
	return $dir;
}

# Is the first finding of that node what it must be?
sub first_is
{
	my ($e, $findings) = @_;
	my ($f) = grep { $_->[0] eq $e->{node} } @$findings;
	my $at = !$f ? -1 : $f->[2] =~ /^\d+$/ ? $f->[2] : 0;
	return $f && $at >= $e->{lo} && $at <= $e->{hi} && grep { $f->[3] =~ $says{$_} } @{ $e->{kinds} };
}

sub describe
{
	my ($e) = @_;
	return "wanted: node $e->{node}, position $e->{lo} to $e->{hi}, @{ $e->{kinds} }\n";
}

# What is wrong with the verifier's answer; nothing, when it is right.
sub judge
{
	my ($edit) = @_;
	my $dir = make_copy($edit->{files});
	my $got = verify($dir);

	if (my $e = $edit->{expect})
	{
		return describe($e) . $got->{out} if $got->{status} != 1 || !first_is($e, $got->{findings});
		return '';
	}
	my $node = $edit->{none};
	my ($vouched) = $got->{summary} =~ /^node $node: .*vouches for all up to (\d+)/m;
	my ($last_before) = $vouched // 0;
	return "wanted: nothing, vouched up to $edit->{vouched}\n$got->{out}"
	  if $got->{status} != 0 || ($edit->{vouched} > 0 && $vouched ? $vouched != $edit->{vouched} : $got->{summary} !~ /^node $node: .*no checkpoint vouches/m);
	$got = verify($dir, '--anchor', "$place/anchors");
	return describe($edit->{anchor}) . "with anchors\n" . $got->{out}
	  if $got->{status} != 1 || !first_is($edit->{anchor}, $got->{findings});
	return '';
}

my (%wrong, %done, @in_place);
my $clean = 0;
my $unclean = '';
sub check_clean
{
	for my $more ([], [ '--anchor', "$place/anchors" ])
	{
		my $got = verify("$place/pristine", @$more);
		$clean++;
		$unclean .= $got->{out} if $got->{status} != 0;
	}
}

check_clean();
for my $n (0 .. $edits - 1)
{
	my ($name, $make) = @{ $kinds[ $n % @kinds ] };
	my $edit;

	srand($seed + $n);
	# Some edits change nothing, or what nobody can know: try again.
	for (1 .. 100)
	{
		$edit = $make->();
		last if $edit && ($edit->{expect} || $edit->{none});
	}
	die "no edit: $name" if !$edit;
	my $answer = judge($edit);
	$done{$name}++;
	push @{ $wrong{$name} }, "edit $n (PHIG_FORGERY_SEED=$seed), files " . join(' ', sort keys %{ $edit->{files} }) . "\n$answer" if $answer ne '';
	push @in_place, [ $name, $edit ] if $edit->{expect} && !grep { !defined $edit->{files}{$_} || /^$branch->[0]{node8}/ } keys %{ $edit->{files} };
	check_clean() if $n % 25 == 24;
}
for my $kind (@kinds)
{
	my $name = $kind->[0];
	next if !$done{$name};
	is(scalar @{ $wrong{$name} // [] }, 0, "$name: $done{$name} times") or diag(join "\n", @{ $wrong{$name} }[ 0 .. ($#{ $wrong{$name} } > 2 ? 2 : $#{ $wrong{$name} }) ]);
}
is($unclean, '', "the untouched journal has no finding, $clean times");

#
# The same findings from the server, on its own files.
#
sub rows
{
	return map { [ split /\|/, $_, 4 ] } split /\n/, $server->safe_psql('postgres',
		"SELECT node, segment, coalesce(position::text, '-'), what FROM phiguard.verify_journal()");
}

my $in_place = 0;
my $differs = '';
srand($seed);
while ($in_place < ($edits >= 1000 ? 100 : 24) && @in_place)
{
	my ($name, $edit) = @{ splice @in_place, int rand @in_place, 1 };
	my %files = %{ $edit->{files} };

	spew_bytes("$directory/$_", $files{$_}) for keys %files;
	my @found = rows();
	for (keys %files)
	{
		if (exists $pristine{$_}) { spew_bytes("$directory/$_", $pristine{$_}) }
		else { unlink "$directory/$_" }
	}
	$differs .= "$name\n" . describe($edit->{expect}) . join("\n", map { "@$_" } @found) . "\n" if !first_is($edit->{expect}, \@found);
	if (++$in_place % 12 == 0)
	{
		my @after = rows();
		$differs .= 'restored: ' . join("\n", map { "@$_" } @after) if @after;
	}
}
cmp_ok($in_place, '>=', 10, 'edits of a running server\'s files');
is($differs, '', "verify_journal() says so too, $in_place times");
note("$edits edits, seed $seed, $clean checks of the untouched journal, $in_place edits under a running server");
$server->stop;

done_testing();
