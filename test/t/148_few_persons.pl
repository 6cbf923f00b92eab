# Few persons stand in the end record of their execution, others in records of their own, and whoever was shown to a client
# that can go on asking is on record before the execution ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigJournal qw(slurp_bytes spew_bytes with_crc write_segment);
use PhigServer qw(findings is_intact journal_dir kill_backend read_segment segments wait_until_open);
use PhigTest;
use PhigWire;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('few', "phiguard.key_file = '" . PostgreSQL::Test::Utils::tempdir() . "/key'", 'max_parallel_workers_per_gather = 0');
my $dir = journal_dir($node);
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(<<'SQL');
CREATE TABLE patient (id int PRIMARY KEY, ssn text);
INSERT INTO patient SELECT i, '999-00-' || i FROM generate_series(1, 20) i;
SELECT phiguard.label('patient', 'ssn', 'ssn');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
CREATE FUNCTION ssn_of(which int) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT ssn FROM patient WHERE id = which); END$$;
SQL
my %person = map { sql("SELECT phiguard.subject_token('patient', '$_')") => $_ } 1 .. 21;

# The records of an application's executions in the files: S, P and E, with the persons whom they name, after docs/journal.md.
sub on_file
{
	my ($app) = @_;
	my (%session, %start, @records);
	my $named = sub { return join(',', sort { $a <=> $b } map { $person{ unpack('H*', $_) } // '?' } unpack('(a16)*', $_[0])) };

	# A reading of the log is on disk, and all that is before it.
	sql('SELECT count(*) FROM phiguard.access_log');
	for my $record (map { @{ read_segment($_)->{records} } } segments($dir))
	{
		my ($type, $body) = ($record->{type}, $record->{body});

		$session{ substr($body, 0, 16) } = substr($body, 16) =~ /^n=\Q$app\E$/m if $type eq 'D';
		$start{ $record->{seq} } = 1, push @records, 'S' if $type eq 'S' && $session{ substr($body, 16, 16) };
		next if $type !~ /[PE]/ || !$start{ unpack('Q<', $body) };
		push @records, 'P ' . $named->(substr($body, 24)) if $type eq 'P';
		my ($flags, $form, $manner) = unpack('CCC', substr($body, 26, 3));
		push @records, join(' ', 'E', $flags, "$form.$manner", $named->(substr($body, 32))) if $type eq 'E';
	}
	return join('; ', @records);
}

sub persons { return sql("SELECT string_agg(CASE WHEN subjects IS NULL THEN 'not known' ELSE concat_ws(' ', (SELECT string_agg(s, ' ' ORDER BY s) FROM unnest(subjects) s), persons) END, ', ' ORDER BY position) FROM phiguard.access_log WHERE application = '$_[0]' AND kind <> 'ddl'") }
sub of { my %id = reverse %person; return join(' ', sort(map { $id{$_} } @_), scalar @_) }

sub names
{
	my ($app, $name, $records, @persons) = @_;
	is(on_file($app), $records, "$name: in the files");
	is(persons($app), of(@persons), '... and in the log');
}

#
# What stands where.
#
run_sql($node, 'SELECT ssn FROM patient WHERE id = 7', app => 'one');
names('one', 'a point read', 'S; E 1 1.1 7', 7);
run_sql($node, 'SELECT ssn FROM patient WHERE id <= 4', app => 'four');
names('four', 'four persons', 'S; E 1 1.1 1,2,3,4', 1 .. 4);
run_sql($node, 'SELECT ssn FROM patient WHERE id <= 5', app => 'five');
names('five', 'five persons', 'S; P 1,2,3,4,5; E 1 0.0 ', 1 .. 5);
run_sql($node, 'SELECT ssn FROM patient WHERE id > 50', app => 'nobody');
names('nobody', 'nobody', 'S; E 1 0.0 ');
run_sql($node, 'SELECT count(ssn) FROM patient WHERE id < 3', app => 'counted');
names('counted', 'a count', 'S; E 1 1.2 1,2', 1, 2);
run_sql($node, q{INSERT INTO patient VALUES (21, 'x')}, app => 'insert');
names('insert', 'an INSERT', 'S; E 1 1.3 21', 21);
sql('DELETE FROM patient WHERE id = 21');
run_sql($node, q{SELECT ssn_of(5)}, app => 'function');
names('function', 'inside a function', 'S; E 1 1.2 5', 5);
run_sql($node, q{SELECT ssn, 1 / (3 - id) FROM (SELECT * FROM patient ORDER BY id OFFSET 0) p}, app => 'fails');
names('fails', 'one that fails', 'S; E 1 1.1 1,2', 1, 2);
run_sql($node, 'COPY (SELECT ssn FROM patient WHERE id = 8) TO STDOUT', app => 'copy');
names('copy', 'COPY of a query', 'S; E 1 1.1 8', 8);
is(sql("SELECT count(*) FROM phiguard.who_saw('patient', '7') WHERE application = 'one' AND certainty = 'seen'"), 1, 'who_saw() knows');
is(sql("SELECT count(*) FROM phiguard.who_saw('patient', '8') WHERE application = 'one'"), 0, '... and that it was nobody else');

#
# Who can ask for more rows has been named for those that are shown.
#
my $cursor = session($node, app => 'cursor');
$cursor->ask('BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id; FETCH 2 FROM c');
names('cursor', 'a cursor', 'S; P 1,2', 1, 2);
$cursor->ask('FETCH 1 FROM c; FETCH ALL FROM c; COMMIT');
names('cursor', '... to its end', 'S; P 1,2; P 3; P ' . join(',', 4 .. 20) . '; E 1 0.0 ', 1 .. 20);
$cursor->ask('BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE id = 9; FETCH ALL FROM c');
like(on_file('cursor'), qr/; S; P 9$/, 'FETCH ALL leaves a cursor open');
kill_backend($node, $cursor->{pid});
wait_until_open($node);
is(sql("SELECT certainty FROM phiguard.who_saw('patient', '9') WHERE application = 'cursor' ORDER BY position DESC LIMIT 1"), 'seen', '... and a crash does not take it away');

my $wire = PhigWire->connect($node, app => 'wire');
$wire->parse('s', 'SELECT ssn FROM patient WHERE id = 6')->bind('', 's')->execute('')->sync->answer;
names('wire', 'extended protocol, with Sync', 'S; E 1 1.1 6', 6);
$wire = PhigWire->connect($node, app => 'wire block');
$wire->query('BEGIN')->answer;
$wire->parse('s', 'SELECT ssn FROM patient WHERE id = 6')->bind('', 's')->execute('')->sync->answer;
names('wire block', '... in a block its portal stays', 'S; P 6', 6);
$wire->query('COMMIT')->answer;
names('wire block', '... until that ends', 'S; P 6; E 1 0.0 ', 6);
$wire = PhigWire->connect($node, app => 'wire simple');
$wire->query('BEGIN; SELECT ssn FROM patient WHERE id = 6')->answer;
names('wire simple', 'simple protocol, in a block', 'S; E 1 1.1 6', 6);
$wire = PhigWire->connect($node, app => 'wire rows');
$wire->parse('s', 'SELECT ssn FROM patient ORDER BY id')->bind('', 's')->execute('', 2)->sync->answer;
names('wire rows', 'a portal that is suspended', 'S; P 1,2; E 1 0.0 ', 1, 2);
journal_is_intact($node, 'the journal is intact');

#
# An end record that speaks of other persons than it has is damage, also with all checksums and hashes right.
#
$node->stop;
my ($file) = segments($dir);
my $good = slurp_bytes($file);
for my $case (
	[ 'tokens without their form', 32 + 27, "\0" ], [ 'tokens as a summary', 32 + 27, "\2" ],
	[ 'tokens as a count', 32 + 27, "\3" ], [ 'an unknown form', 32 + 27, "\7" ],
	[ 'a body that is longer than its tokens', 28, pack('V', 32 + 16 - 1) ])
{
	my ($name, $offset, $bytes) = @$case;
	my $segment = PhigJournal::read_segment($file);
	my ($end) = grep { $_->{type} eq 'E' && length $_->{bytes} == 32 + 32 + 16 } @{ $segment->{records} };

	substr($end->{bytes}, $offset, length $bytes) = $bytes;
	spew_bytes($file, write_segment($segment, crc => 1, seal_to => 1_000_000));
	$node->start;
	like(findings($node), qr/\|$end->{seq}\|the record at offset $end->{offset} /, $name);
	my (undef, undef, $warning) = $node->psql('postgres', 'SELECT count(*) FROM phiguard.access_log');
	like($warning, qr/is damaged after position/, '... also for who reads the log');
	$node->stop;
	unlink grep { $_ ne $file } segments($dir);
	spew_bytes($file, $good);
}
done_testing();
