# Whatever is changed, removed, repeated or reordered in the journal's files, verify_journal() says where;
# and says nothing of a journal that nobody touched.
use strict;
use warnings;
use File::Copy qw(copy);
use PhigJournal qw(read_segment segment_files slurp_bytes spew_bytes write_segment);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use constant FLIPS => 60;
srand(20260401);

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'phiguard'
phiguard.journal_segment_size = 1MB
# What the chain says is looked at here; a checkpoint in the middle would speak first.
phiguard.journal_checkpoint_interval = 1800
CONF
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION phiguard;
CREATE TABLE patient (id int, ssn text);
INSERT INTO patient SELECT i, i::text FROM generate_series(1, 10) i;
SELECT phiguard.label('patient', 'ssn', 'ssn');
SQL

# Statements of all lengths: their texts fill three segments and begin a fourth.
my $sql = '';
for my $n (1 .. 420)
{
	my $columns = join ', ', ('ssn') x (1 + $n * 1777 % 3200);
	$sql .= "SELECT ARRAY[$columns] FROM patient WHERE id = 0;\n";
	$sql .= "SELECT ssn FROM patient WHERE id = $_;\n" for 1 .. 8;
}
$node->safe_psql('postgres', $sql);

my $directory = $node->data_dir . '/phiguard/journal';

# A row a finding: node, segment, position, what.
sub findings
{
	my $rows = $node->safe_psql('postgres',
		"SELECT node, segment, coalesce(position::text, '?'), what FROM phiguard.verify_journal()");
	return map { [ split /\|/, $_, 4 ] } split /\n/, $rows;
}

sub described
{
	return join "\n", map { join '|', @$_ } @_;
}

is(described(findings()), '', 'an untouched journal has no finding');

my @paths = segment_files($directory);
cmp_ok(scalar @paths, '>=', 4, 'several segments to work on');
my @segments = map { read_segment($_) } @paths;
my %pristine = map { $_ => slurp_bytes($_) } @paths;
my ($first, $second, $third) = @segments;
my $node8 = $first->{node8};

is($second->{first_seq}, $first->{records}[-1]{seq} + 1, 'segments continue each other');

sub restore
{
	spew_bytes($_, $pristine{$_}) for @_;
}

# Write bytes in place of a file, verify, and put the file back: the first finding is at the position, in the
# segment, and worded like that.  Returns how many findings there were.
sub finds
{
	my ($what, $changed, $segment, $position, $pattern) = @_;

	spew_bytes($_, $changed->{$_}) for keys %$changed;
	my @found = findings();
	restore(keys %$changed);
	my ($f) = @found;
	my $ok = @found && $f->[0] eq $node8 && $f->[1] eq $segment->{name} && $f->[2] eq $position && $f->[3] =~ $pattern;
	ok($ok, $what) or diag("expected $segment->{name} $position $pattern, found:\n" . described(@found));
	return scalar @found;
}

# The position that damage at offset of a segment has: the record that stands there.
sub position_at
{
	my ($s, $offset) = @_;
	return $s->{first_seq} if $offset < 512;
	for my $r (@{ $s->{records} })
	{
		next if $offset >= $r->{offset} + $r->{length};
		return $r->{type} =~ /[LC]/ ? $r->{seq} + 1 : $r->{seq};
	}
	return $s->{records}[-1]{seq} + 1;
}

sub first_seq_of_batch
{
	my ($s, $batch) = @_;
	my ($r) = grep { $_->{batch} == $batch } @{ $s->{records} };
	return $r->{type} =~ /[LC]/ ? $r->{seq} + 1 : $r->{seq};
}

# A copy of a segment with its records, to be changed.
sub clone
{
	my ($s) = @_;
	return { %$s, records => [ map { {%$_} } @{ $s->{records} } ] };
}

sub record_indexes
{
	my ($s, $seals) = @_;
	return grep { $s->{records}[$_]{type} =~ ($seals ? qr/L/ : qr/[^LC]/) } 0 .. $#{ $s->{records} };
}

sub any_of
{
	return $_[ int rand @_ ];
}

#
# One byte, anywhere.
#
my $exact = 0;
for my $n (1 .. FLIPS)
{
	my $s = any_of(@segments[ 0 .. 2 ]);
	my $offset = $n <= 5 ? int rand 512 : $n <= 10 ? $s->{end} + int rand($s->{size} - $s->{end}) : int rand $s->{end};
	my $bytes = $pristine{ $s->{path} };
	my $byte = ord(substr($bytes, $offset, 1)) ^ (1 + int rand 255);
	substr($bytes, $offset, 1) = chr $byte;
	my $n_found = finds("byte $offset of segment $s->{number} changed",
		{ $s->{path} => $bytes }, $s, position_at($s, $offset), qr/./);
	$exact++ if $n_found == 1;
}
cmp_ok($exact, '>=', FLIPS - 2, 'a byte is one finding, unless it makes a record seem longer by whole records');

# The same in the newest segment, whose end the server knows.
{
	my $s = $segments[-1];
	my $r = any_of(@{ $s->{records} });
	# The server goes on writing behind it: only the byte is changed, and put back.
	my $flip = sub {
		open(my $fh, '+<:raw', $s->{path}) or die "open: $!";
		seek($fh, $r->{offset} + 10, 0);
		print $fh substr($r->{bytes}, 10, 1) ^ $_[0];
		close $fh;
	};
	$flip->("\x01");
	my ($f) = findings();
	$flip->("\x00");
	is("$f->[1] $f->[2]", "$s->{name} " . position_at($s, $r->{offset}), 'a byte of the newest segment changed');
}

#
# A forger who makes the checksums right.
#
for my $n (1 .. 10)
{
	my $s = clone(any_of(@segments[ 0 .. 2 ]));
	my $r = $s->{records}[ any_of(record_indexes($s, '')) ];
	substr($r->{bytes}, 16 + int rand(8), 1) ^= "\x10";
	finds("time of record $r->{seq} forged: only the seal tells",
		{ $s->{path} => write_segment($s, crc => 1) },
		$s, first_seq_of_batch($s, $r->{batch}), qr/^the seal at offset \d+ does not match its batch/);
}
{
	my $s = clone($second);
	my ($r) = grep { $_->{type} eq 'S' } @{ $s->{records} };
	substr($r->{bytes}, 32 + 32, 4) = pack('V', 9);
	finds('a read made a server event', { $s->{path} => write_segment($s, crc => 1) },
		$s, first_seq_of_batch($s, $r->{batch}), qr/^the seal/);
}
{
	# The seal's own hash is covered by the next seal, or by the next segment's header.
	my $s = clone($second);
	my ($i) = record_indexes($s, 1);
	substr($s->{records}[0]{bytes}, 16, 1) ^= "\x01";
	finds('a batch altered and sealed again', { $s->{path} => write_segment($s, crc => 1, seal_to => 1) },
		$s, first_seq_of_batch($s, $s->{records}[$i]{batch} + 1), qr/^the seal at offset \d+ does not match.*or the seal before it/);
	finds('a whole segment altered and sealed again',
		{ $s->{path} => write_segment($s, crc => 1, seal_to => 1_000_000) },
		$third, $third->{first_seq}, qr/does not continue the one before it/);
}
{
	my $s = clone($second);
	my ($i) = record_indexes($s, 1);
	substr($s->{records}[$i]{bytes}, 8, 8) = pack('Q<', $s->{records}[$i]{seq} - 1);
	finds('a seal that stands for fewer records', { $s->{path} => write_segment($s, crc => 1) },
		$s, first_seq_of_batch($s, 0), qr/stands for records up to/);
}

#
# Records removed, repeated, in another order.
#
for my $n (1 .. 5)
{
	my $s = clone(any_of(@segments[ 0 .. 2 ]));
	my @candidates = grep { $_ > 0 } record_indexes($s, '');
	my $i = any_of(@candidates);
	my $seq = $s->{records}[$i]{seq};
	splice @{ $s->{records} }, $i, 1;
	finds("record $seq removed", { $s->{path} => write_segment($s) }, $s, $seq, qr/^records $seq to $seq are missing/);
}
{
	my $s = clone($second);
	my $batch = $s->{records}[ int @{ $s->{records} } / 2 ]{batch};
	my $seq = first_seq_of_batch($s, $batch);
	$s->{records} = [ grep { $_->{batch} != $batch } @{ $s->{records} } ];
	finds('a batch removed with its seal', { $s->{path} => write_segment($s) }, $s, $seq, qr/^records $seq to \d+ are missing/);
}
{
	my $s = clone($second);
	my @i = record_indexes($s, '');
	my $i = $i[ int @i / 2 ];
	splice @{ $s->{records} }, $i, 0, $s->{records}[$i];
	my $seq = $s->{records}[$i]{seq};
	finds('a record repeated', { $s->{path} => write_segment($s) }, $s, $seq, qr/^record $seq stands again, or out of order/);
}
{
	my $s = clone($second);
	my @i = grep { $_ > 0 && $s->{records}[ $_ + 1 ]{type} ne 'L' } record_indexes($s, '');
	my $i = any_of(@i);
	my $seq = $s->{records}[$i]{seq};
	@{ $s->{records} }[ $i, $i + 1 ] = @{ $s->{records} }[ $i + 1, $i ];
	finds('two records in each other\'s place', { $s->{path} => write_segment($s) }, $s, $seq, qr/missing/);
}
{
	my $s = clone($second);
	my $last = pop @{ $s->{records} };
	finds('the last seal of a full segment removed', { $s->{path} => write_segment($s) },
		$s, first_seq_of_batch($s, $last->{batch}), qr/^no seal follows/);
	my $n = @{ $s->{records} };
	$s->{records} = [ grep { $_->{batch} < $last->{batch} } @{ $s->{records} } ];
	my $seq = $s->{records}[-1]{seq} + 1;
	finds('the last batch of a full segment removed', { $s->{path} => write_segment($s) },
		$third, $seq, qr/^records $seq to \d+ are missing before this segment/);
}
{
	my $r = any_of(@{ $second->{records} });
	my $cut = $r->{offset} + 8 + int rand($r->{length} - 8);
	finds('a file cut inside a record', { $second->{path} => substr($pristine{ $second->{path} }, 0, $cut) },
		$second, position_at($second, $r->{offset}), qr/are no record: torn or altered/);
}
{
	my $bytes = $pristine{ $second->{path} };
	my $zeros = $second->{size} - $second->{end};
	spew_bytes($second->{path}, substr($bytes, 0, $second->{end}));
	is(described(findings()), '', 'the zeros behind the records do not count');
	restore($second->{path});
	substr($bytes, $second->{end} + 64, 4) = 'EVIL';
	finds('bytes behind the records', { $second->{path} => $bytes },
		$second, $second->{records}[-1]{seq} + 1, qr/^bytes that are not zero, at offset/);
}

#
# Whole segments.
#
{
	unlink $second->{path};
	my @found = findings();
	restore($second->{path});
	is(described(@found), "$node8|$second->{name}|$second->{first_seq}|the segment is missing", 'a segment removed');
}
{
	unlink $first->{path}, $second->{path};
	my @found = findings();
	restore($first->{path}, $second->{path});
	is(described(@found), "$node8|$first->{name}|1|the segments 1 to 2 are missing", 'the first two segments removed');
}
finds('two segments in each other\'s place',
	{ $second->{path} => $pristine{ $third->{path} }, $third->{path} => $pristine{ $second->{path} } },
	$second, $second->{first_seq}, qr/^the file holds segment 3 of node $node8$/);
finds('a segment under another one\'s name', { $third->{path} => $pristine{ $second->{path} } },
	$third, $third->{first_seq}, qr/^the file holds segment 2 of node $node8$/);
finds('a file of zeros', { $second->{path} => "\0" x $second->{size} }, $second, $second->{first_seq}, qr/header is zeros/);
finds('an empty file', { $second->{path} => '' }, $second, $second->{first_seq}, qr/shorter than a segment's header/);

#
# Headers with right checksums.
#
for my $case (
	[ 'another magic', 0, 'PHIGSEG9', qr/does not begin as a journal segment does/ ],
	[ 'a later version', 8, pack('V', 3), qr/format version that is not known/ ],
	[ 'another database system', 16, pack('Q<', 1), qr/another database system, 1$/ ],
	[ 'another node', 24, 'x' x 16, qr/segment 2 of node 78787878/ ],
	[ 'another previous hash', 64, 'x' x 32, qr/does not continue the one before it/ ],
	[ 'a first segment in the middle', 120, pack('V', 1), qr/contradicts its place/ ],
	[ 'a break that nobody had', 120, pack('V', 4), qr/the chain was begun anew here/ ])
{
	my ($what, $at, $new, $pattern) = @$case;
	my $s = clone($second);
	substr($s->{header}, $at, length $new) = $new;
	finds("header: $what", { $s->{path} => write_segment($s, header => 1) }, $s, $s->{first_seq}, $pattern);
}
{
	my $s = clone($second);
	substr($s->{header}, 48, 8) = pack('Q<', $s->{first_seq} + 5);
	my $last = $s->{first_seq} + 4;
	finds('header: a later first record', { $s->{path} => write_segment($s, header => 1) },
		$s, $s->{first_seq}, qr/^records $s->{first_seq} to $last are missing before this segment/);
}

#
# since: what was complete before is taken on trust, but must be there.
#
sub findings_since
{
	my ($number) = @_;
	my $since = 'timestamptz \'2000-01-01 00:00+00\' + interval \'1 microsecond\' * ' . $segments[ $number - 1 ]{created};
	return $node->safe_psql('postgres', "SELECT node, segment, position, what FROM phiguard.verify_journal($since)");
}
{
	my $bytes = $pristine{ $first->{path} };
	substr($bytes, $first->{records}[3]{offset} + 40, 1) ^= "\x01";
	spew_bytes($first->{path}, $bytes);
	is(findings_since(2), '', 'since: an earlier segment is not read');
	like(findings_since(1), qr/altered/, 'since: a segment that may hold records of that time is');
	restore($first->{path});
	unlink $first->{path};
	is(findings_since(3), "$node8|$first->{name}|1|the segment is missing", 'since: an earlier segment must be there');
	restore($first->{path});
}

is(described(findings()), '', 'put back in place, the journal has no finding again');

#
# While the server is stopped.
#
my @saved;

sub stop_and_save
{
	my ($mode) = @_;
	$node->stop($mode);
	@saved = map { [ $_, slurp_bytes($_) ] } segment_files($directory), "$directory/ring";
}

sub start_and_find
{
	$node->start;
	return findings();
}

# Back to the files of stop_and_save; the files stay the same inodes.
sub restore_stopped
{
	$node->stop('immediate');
	my %known = map { $_->[0] => 1 } @saved;
	unlink grep { !$known{$_} } segment_files($directory);
	spew_bytes(@$_) for @saved;
}

stop_and_save('fast');
is(described(start_and_find()), '', 'a server that was stopped and started: no finding');
restore_stopped();

my $newest = read_segment((segment_files($directory))[-1]);
my $records = $newest->{records};

# Half a batch at the end is what a crash of the machine leaves: recovery takes it away.
{
	my $bytes = slurp_bytes($newest->{path});
	substr($bytes, $newest->{end}, 40) = substr($records->[0]{bytes}, 0, 40);
	spew_bytes($newest->{path}, $bytes);
	is(described(start_and_find()), '', 'stopped: a torn end is cut off, and no finding');
	restore_stopped();
}
{
	my $bytes = slurp_bytes($newest->{path});
	my $i = int @$records / 2;
	substr($bytes, $records->[$i]{offset} + 20, 1) ^= "\x04";
	spew_bytes($newest->{path}, $bytes);
	my @found = start_and_find();
	my $position = position_at($newest, $records->[$i]{offset});
	is($found[0][1] . ' ' . $found[0][2], "$newest->{name} $position", 'stopped: a byte changed in the newest segment');
	like(described(@found), qr/the chain was begun anew here, because segment $newest->{number} was found damaged/,
		'stopped: recovery began a new segment that says so');
	$node->restart;
	is(described(findings()), described(@found), 'stopped: which the next start does not cover up');
	restore_stopped();
}
{
	my $batch = $records->[-1]{batch};
	my ($r) = grep { $_->{batch} == $batch } @$records;
	my $bytes = slurp_bytes($newest->{path});
	substr($bytes, $r->{offset}) = "\0" x ($newest->{size} - $r->{offset});
	spew_bytes($newest->{path}, $bytes);
	like(described(start_and_find()), qr/\|$r->{seq}\|/, 'stopped: the last batch wiped out, which the ring remembers');
	restore_stopped();
}
{
	unlink $newest->{path};
	like(described(start_and_find()), qr/^$node8\|$newest->{name}\|$newest->{first_seq}\|the segment is missing/,
		'stopped: the newest segment removed');
	restore_stopped();
}

#
# A copy of the cluster is a branch, and its parent's files must still be the parent's.
#
{
	my $copy = PostgreSQL::Test::Cluster->new('copy');
	my $copied = $copy->data_dir . '/phiguard/journal';
	PostgreSQL::Test::RecursiveCopy::copypath($node->data_dir, $copy->data_dir);
	chmod(0700, $copy->data_dir) or die "chmod: $!";
	chmod(0600, $copy->data_dir . '/phiguard_master.key') or die "chmod: $!";
	$copy->append_conf('postgresql.conf', sprintf("port = %d\n", $copy->port));
	# What a base backup may have caught: the beginning of the next batch.
	my $path = "$copied/$newest->{name}";
	my $bytes = slurp_bytes($path);
	substr($bytes, $newest->{end}, 40) = substr($records->[0]{bytes}, 0, 40);
	spew_bytes($path, $bytes);

	my $query = "SELECT node, segment, position, what FROM phiguard.verify_journal()";
	$copy->start;
	is($copy->safe_psql('postgres', $query), '', 'copy: a branch has no finding, though its parent\'s end is torn');
	my ($branch) = grep { !/\/$node8-/ } segment_files($copied);
	my $header = read_segment($branch);
	is($header->{reason}, 3, 'copy: its first segment is a branch');
	is($header->{parent_seq}, $records->[-1]{seq}, 'copy: after the parent\'s last record');

	my $s = clone($newest);
	my $i = (record_indexes($s, ''))[-1];
	my $seals = record_indexes($s, 1);
	substr($s->{records}[$i]{bytes}, 16, 1) ^= "\x01";
	my $pristine = slurp_bytes($path);
	spew_bytes($path, write_segment($s, crc => 1, seal_to => $seals));
	my $position = $header->{first_seq};
	like($copy->safe_psql('postgres', $query),
		qr/^$node8\|[^|]*\|\d+\|the checkpoint at offset \d+ was signed for another history: .*
$header->{node8}\|$header->{name}\|$position\|the node does not continue its parent: the parent's hash at that record differs$/,
		'copy: the parent\'s last batch altered and sealed again');
	$s = clone($newest);
	is($s->{records}[-1]{type}, 'C', 'copy: its parent ends in a checkpoint');
	substr($s->{records}[-1]{bytes}, 16, 1) ^= "\x01";
	spew_bytes($path, write_segment($s, crc => 1));
	like($copy->safe_psql('postgres', $query),
		qr/^$node8\|[^|]*\|\d+\|the checkpoint at offset \d+ does not have the signature of the key that it names/,
		'copy: the parent\'s last checkpoint altered');
	spew_bytes($path, $pristine);

	$s = clone($newest);
	my $last = $s->{records}[-1]{batch};
	$s->{records} = [ grep { $_->{batch} < $last } @{ $s->{records} } ];
	spew_bytes($path, write_segment($s));
	is($copy->safe_psql('postgres', $query),
		"$header->{node8}|$header->{name}|$position|the node continues a parent whose records, here, do not reach that far",
		'copy: the parent\'s last batch removed');
	spew_bytes($path, $pristine);
	$copy->stop;
}

# What is reported never quotes a record.
$node->start;
my $bytes = $pristine{ $second->{path} };
my @altered = grep { $_->{seq} % 3 == 0 && $_->{type} ne 'L' } @{ $second->{records} };
substr($bytes, $_->{offset} + 40, 1) ^= "\x01" for @altered;
spew_bytes($second->{path}, $bytes);
my ($status, $stdout, $stderr) = $node->psql('postgres', 'SELECT what FROM phiguard.verify_journal()');
unlike($stdout, qr/ssn|patient|SELECT/, 'findings hold nothing of the records');
is(scalar(split /\n/, $stdout), scalar(@altered), 'one for each record altered');

# And a damaged record does not make the log unreadable.
($status, $stdout, $stderr) = $node->psql('postgres', 'SELECT count(*), count(DISTINCT position) FROM phiguard.access_log');
is($status, 0, 'the log with a damaged segment can be read');
like($stderr, qr/WARNING:  journal segment "$second->{name}" is damaged after position \d+/, 'with a warning');
my ($rows, $positions) = split /\|/, $stdout;
cmp_ok($rows, '>', 1000, 'and the rest is there');
restore($second->{path});

$node->stop;
done_testing();
