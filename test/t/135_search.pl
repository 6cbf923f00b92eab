# Searching a long journal: summaries of segments leave out what cannot match, and never anything else.  They are made
# by the keeper, made again when they are missing or spoilt, believed only where they fit, and checked by verify_journal().
use strict;
use warnings;
use File::Copy qw(copy);
use Digest::SHA qw(hmac_sha256);
use POSIX ();
use PhigJournal qw(slurp_bytes spew_bytes with_crc);
use PhigServer;
use PhigTest qw(wait_until);
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $generator = "$place/search_gen";
my ($made) = grep { system("$_ -O2 -I src -o $generator test/lib/search_gen.c src/journal/chain.c -lcrypto") == 0 }
  grep { $_ && system("command -v $_ >/dev/null 2>&1") == 0 } $ENV{CC}, qw(cc gcc clang);
ok($made, 'the generator compiles') or BAIL_OUT('no generator');

my $node = new_server('searcher', "phiguard.auditor_role = 'regress_phig_auditors'", 'max_connections = 20');
$node->start;
add_patients($node);
my $own = journal_dir($node);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# How many segments a query looked into.
sub segments_read
{
	my ($query) = @_;
	my ($read) = sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query") =~ /Journal Segments: (\d+) of \d+/;
	return $read;
}

sub summaries
{
	my @files = glob("$own/*.sum");
	return @files;
}

#
# Another node's 72 segments in the server's directory.
#
my $from = "$place/from";
mkdir $from or die;
my @said = split /\n/, `$generator $from 300000 1024 200000`;
like($said[0], qr/^300000 executions, \d+ records, 73 segments$/, 'a journal of 73 segments');
my @tokens = @said[1 .. 5];
my @names = map { s{.*/}{}r } sort glob("$from/*.seg");
copy("$from/$_", "$own/$_") or die "$_: $!" for @names;
$node->reload;
wait_until(sub { summaries() == 72 }, 'all but the last are summarized');
my ($bytes, $summary_bytes) = (0, 0);
$bytes += -s "$own/$_" for @names;
$summary_bytes += -s $_ for summaries();
cmp_ok($summary_bytes / $bytes, '<', 0.02, 'summaries take less than a fiftieth');

#
# Conditions of all kinds and forms, by chance: the answer is that of a table which nobody summarized.
#
sql(<<'SQL');
CREATE TABLE kept AS SELECT * FROM phiguard.access_log WHERE node = 'dddddddd';
CREATE INDEX ON kept USING gin (subjects);
CREATE TABLE late AS SELECT subjects FROM kept WHERE ended - started > interval '2 days' AND subjects <> '{}';
SQL
cmp_ok(sql('SELECT count(*) FROM late'), '>', 10, 'some executions name persons in later segments than they began in');
sql(<<'SQL');
CREATE FUNCTION some_value(what text) RETURNS text LANGUAGE sql AS $$
SELECT CASE what
	WHEN 'token' THEN CASE (random() * 4)::int
		WHEN 0 THEN (SELECT subjects[1] FROM late OFFSET (random() * 5)::int LIMIT 1)
		WHEN 1 THEN md5(random()::text)
		ELSE (SELECT subjects[1] FROM kept WHERE position >= random() * 900000 AND subjects <> '{}' LIMIT 1) END
	WHEN 'role' THEN 'role_' || (random() * 210)::int
	WHEN 'purpose' THEN 'purpose_' || (random() * 21)::int
	WHEN 'user' THEN 'user' || (random() * 700)::int
	WHEN 'column' THEN CASE (random() * 5)::int WHEN 0 THEN 'research.registry.ssn' WHEN 1 THEN 'clinic.none.ssn'
		WHEN 2 THEN 'clinic.table_' || (random() * 299)::int || '.name' ELSE 'clinic.table_' || (random() * 299)::int || '.ssn' END
	ELSE (SELECT session_id FROM kept WHERE position >= random() * 900000 AND kind = 'read' LIMIT 1)
END $$;
CREATE FUNCTION list_of(what text) RETURNS text LANGUAGE sql AS $$
SELECT format('%L::text[]', array_agg(some_value(what))) FROM generate_series(1, 1 + (random() * 3)::int)
$$;
CREATE FUNCTION some_term() RETURNS text LANGUAGE sql AS $$
SELECT CASE (random() * 15)::int
	WHEN 0 THEN format('active_role = %L', some_value('role'))
	WHEN 1 THEN format('active_role IN (%L, %L)', some_value('role'), some_value('role'))
	WHEN 2 THEN format('%L = purpose', some_value('purpose'))
	WHEN 3 THEN format('app_user = ANY (%s)', list_of('user'))
	WHEN 4 THEN format('%L = ANY (returned)', some_value('column'))
	WHEN 5 THEN format('returned && %s', list_of('column'))
	WHEN 6 THEN format('referenced @> %s', list_of('column'))
	WHEN 7 THEN format('%s <@ returned', list_of('column'))
	WHEN 8 THEN format('%L = ANY (shown)', some_value('column') || '=clear')
	WHEN 9 THEN format('session_id = %L', some_value('session'))
	WHEN 10 THEN 'kind = ' || (ARRAY['''server''', '''read''', '''denied''', '''log_read''', '''nothing'''])[1 + (random() * 4)::int]
	WHEN 11 THEN format('command = %L', (ARRAY['SELECT', 'SERVER START', 'COPY'])[1 + (random() * 2)::int])
	WHEN 12 THEN format('subjects && %s', list_of('token'))
	WHEN 13 THEN format('subjects @> %s', list_of('token'))
	ELSE format('%L = ANY (subjects)', some_value('token'))
END $$;
CREATE FUNCTION some_condition(i int) RETURNS text LANGUAGE sql AS $$
SELECT CASE i % 8
	WHEN 0 THEN format('%s AND %s', some_term(), some_term())
	WHEN 1 THEN format('(%s OR %s)', some_term(), some_term())
	WHEN 2 THEN format('(%s OR (%s AND %s)) AND NOT %s', some_term(), some_term(), some_term(), some_term())
	WHEN 3 THEN format('%s AND started >= %2$L::timestamptz AND started < %2$L::timestamptz + interval ''20 days''', some_term(),
		timestamptz '2024-11-27 UTC' + random() * interval '400 days')
	WHEN 4 THEN format('%s AND position > %s', some_term(), (random() * 900000)::int)
	ELSE some_term()
END $$;
CREATE FUNCTION differ(n int, OUT same int, OUT empty int) LANGUAGE plpgsql AS $$
DECLARE
	what text := 'ROW(count(*), sum(position), sum(ended - started), sum(rows), count(outcome), max(query), sum(cardinality(subjects)))::text';
	condition text;
	a text;
	b text;
BEGIN
	same := 0; empty := 0;
	FOR i IN 1 .. n LOOP
		condition := some_condition(i);
		EXECUTE format('SELECT %s FROM phiguard.access_log WHERE node = ''dddddddd'' AND %s', what, condition) INTO a;
		EXECUTE format('SELECT %s FROM kept WHERE %s', what, condition) INTO b;
		IF a = b THEN same := same + 1; ELSE RAISE WARNING '%: % not %', condition, a, b; END IF;
		IF a LIKE '(0,%' THEN empty := empty + 1; END IF;
	END LOOP;
END $$;
SQL
my ($same, $empty) = split /\|/, sql('SELECT setseed(0.25) \g /dev/null
SELECT * FROM differ(80)');
is($same, 80, 'eighty conditions: the answers are those of a table');
cmp_ok($empty, '<', 60, 'and many of them found something');

# Persons whom a later stretch of the journal names are forgotten with their row.
my $memory = "SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'phiguard persons'";
my ($first, $last) = split /\n/, sql("BEGIN; DECLARE c CURSOR FOR SELECT position FROM phiguard.access_log WHERE node = 'dddddddd';
	MOVE 30000 IN c; $memory; MOVE 240000 IN c; $memory");
cmp_ok($last - $first, '<', 100_000, 'a scan does not remember the persons of rows that it has read');

#
# What is left out.
#
my $log = 'SELECT * FROM phiguard.access_log';
my $all = segments_read("$log WHERE true");
cmp_ok($all, '>=', 74, 'without a condition everything is read');
my $hit = sql("SELECT count(*) FROM kept WHERE '$tokens[0]' = ANY (subjects)");
cmp_ok($hit, '>', 2, 'a person whom some saw');
cmp_ok(segments_read("$log WHERE '$tokens[0]' = ANY (subjects)"), '<=', 3 * $hit + 8, 'by a person: where that one is named, and where what is open there goes on');
# One block in 256 seems to name anybody, where as many are named as here: 330 blocks.
my $nobody = segments_read("$log WHERE '0123456789abcdef0123456789abcdef' = ANY (subjects)");
cmp_ok($nobody, '<=', 2 + 6, 'by nobody: the two that are written last, to see, and few others');
is(segments_read("$log WHERE 'nobody' = ANY (subjects)"), 2, 'what is no token');
cmp_ok(segments_read("$log WHERE 'research.registry.ssn' = ANY (returned)"), '<=', 1 + 2, 'by a column that one statement read');
cmp_ok(segments_read("$log WHERE active_role = 'role_7' AND started BETWEEN '2025-03-01 UTC' AND '2025-03-02 UTC'"), '<=', 4, 'by role and day');
cmp_ok(segments_read("$log WHERE active_role = 'nobody'"), '<=', 2, 'by a role that is not there');
cmp_ok(segments_read("$log WHERE active_role = (SELECT 'nobody'::name)"), '<=', 2, 'known only when it runs, and a name');
is(segments_read("$log WHERE active_role = 'nobody?'"), $all, 'a value that may stand for others reads all');
is(segments_read(qq($log WHERE active_role = 'nobody' COLLATE "C")), 2, 'another collation that compares bytes');
is(segments_read("$log WHERE returned && NULL::text[]"), undef, 'NULL is no scan');
is(segments_read("$log WHERE returned && (SELECT NULL::text[])"), 2, 'NULL that shows later');
is(segments_read("$log WHERE returned \@> '{}'"), $all, 'everything contains nothing');
is(segments_read("$log WHERE NOT active_role = 'nobody'"), $all, 'no use is made of NOT');
is(segments_read("$log WHERE active_role = 'nobody' OR rows = 17"), $all, 'nor of an OR with something else');

#
# Missing, spoilt, another's.
#
my ($victim) = "$own/dddddddd-0000000040.sum";
my $good = slurp_bytes($victim);
my $probe = "SELECT count(*), sum(position) FROM phiguard.access_log WHERE node = 'dddddddd' AND '$tokens[1]' = ANY (subjects)";
my $expected = sql($probe =~ s/phiguard\.access_log/kept/r);
my $forty = sql("SELECT subjects[1] FROM kept WHERE position = (SELECT min(position) FROM kept WHERE position > "
	  . unpack('Q<', substr(slurp_bytes("$own/dddddddd-0000000040.seg"), 48, 8)) . " AND subjects <> '{}')");
my $probe_forty = $probe =~ s/\Q$tokens[1]\E/$forty/r;
my $expected_forty = sql($probe_forty =~ s/phiguard\.access_log/kept/r);

# SipHash-2-4, as the seal of a summary.
sub siphash
{
	use integer;
	no warnings qw(portable);
	my ($k0, $k1, $data) = @_;
	my @v = ($k0 ^ 0x736f6d6570736575, $k1 ^ 0x646f72616e646f6d, $k0 ^ 0x6c7967656e657261, $k1 ^ 0x7465646279746573);
	my $turn = sub { return $_[0] << $_[1] | ($_[0] >> (64 - $_[1])) & ((1 << $_[1]) - 1) };
	my $round = sub {
		$v[0] += $v[1]; $v[2] += $v[3];
		$v[1] = $turn->($v[1], 13) ^ $v[0]; $v[3] = $turn->($v[3], 16) ^ $v[2];
		$v[0] = $turn->($v[0], 32);
		$v[2] += $v[1]; $v[0] += $v[3];
		$v[1] = $turn->($v[1], 17) ^ $v[2]; $v[3] = $turn->($v[3], 21) ^ $v[0];
		$v[2] = $turn->($v[2], 32);
	};
	my $rest = substr($data, length($data) & ~7);
	my $last = unpack('q<', $rest . "\0" x (7 - length $rest) . chr(length($data) & 255));
	for my $word (unpack('q<*', substr($data, 0, length($data) & ~7)), $last)
	{
		$v[3] ^= $word;
		$round->() for 1, 2;
		$v[0] ^= $word;
	}
	$v[2] ^= 0xff;
	$round->() for 1 .. 4;
	return $v[0] ^ $v[1] ^ $v[2] ^ $v[3];
}

# HKDF-SHA-256 of the server's master key.
my ($master) = slurp_bytes($node->data_dir . '/phiguard_master.key') =~ /([0-9a-f]{64})/;
my @key = unpack('q<2', hmac_sha256("phiguard/journal/v1/summary\x01", hmac_sha256(pack('H*', $master), "\0" x 32)));
sub sealed { my ($bytes) = @_; my $all = substr($bytes, 0, -8); return $all . pack('q<', siphash(@key, $all)) }
is(unpack('H*', sealed($good)), unpack('H*', $good), 'a summary is sealed under a key of the server');

# Whoever can write files and has no key.
my $subjects_bytes = unpack('V', substr($good, 132, 4));
my $forged = substr($good, 0, -8 - $subjects_bytes) . "\0" x $subjects_bytes . substr($good, -8);
spew_bytes($victim, $forged);
is(sql($probe_forty), $expected_forty, 'a forged summary is not believed');
is(sql('SELECT count(*) FROM phiguard.verify_journal() WHERE what LIKE \'%summary%\''), 0, 'and is no finding: it hides nothing');

# Whoever has the key.
spew_bytes($victim, sealed($forged));
isnt(sql($probe_forty), $expected_forty, 'control: one that is sealed hides records from a search');
like(sql('SELECT segment, what FROM phiguard.verify_journal()'),
	qr/^dddddddd-0000000040\.seg\|its summary is not what the segment holds: searches may have missed records of it$/m,
	'verify_journal() finds it');

# Whoever has the keeper seal what he only puts there for a while: a segment in which somebody else was seen, each record whole.
my $segment_file = "$own/dddddddd-0000000040.seg";
my $true_bytes = slurp_bytes($segment_file);
my $others = $true_bytes;
my $token = pack('H*', $forty);
for my $r (grep { index($_->{bytes}, $token) >= 0 } @{ PhigJournal::read_segment($segment_file)->{records} })
{
	substr($others, $r->{offset}, $r->{length}) = with_crc($r->{bytes} =~ s/\Q$token\E/scalar reverse $token/ger);
}
spew_bytes($segment_file, $others);
unlink $victim, "$own/dddddddd-0000000041.sum";
isnt(sql($probe_forty), $expected_forty, 'control: the segment reads as if that one had not been seen');
$node->reload;
wait_until(sub { -e "$own/dddddddd-0000000041.sum" }, 'the next segment is summarized');
ok(!-e $victim, 'that one is not: its bytes are not those that the next segment continues');
spew_bytes($segment_file, $true_bytes);
is(sql($probe_forty), $expected_forty, 'the true bytes are back: nothing is hidden');
spew_bytes($victim, $good);
is(sql('SELECT count(*) FROM phiguard.verify_journal() WHERE what LIKE \'%summary%\''), 0, 'and nothing otherwise');

for my $case ([ 'a bit changed', $good =~ s/\A(.{300})(.)/$1 . chr(ord($2) ^ 1)/ser ],
	[ 'cut short', substr($good, 0, 200) ], [ 'empty', '' ], [ 'a longer one', $good . "\0" x 100 ],
	[ 'that of another segment', slurp_bytes("$own/dddddddd-0000000041.sum") ],
	[ 'of another version', sealed(substr($good, 0, 8) . pack('V', 3) . substr($good, 12)) ],
	[ 'sizes that are not there', sealed(substr($good, 0, 136) . pack('V4', 1 << 30, 0, 1 << 30, 0) . substr($good, 152)) ])
{
	my ($name, $spoilt) = @$case;
	spew_bytes($victim, $spoilt);
	is(sql($probe_forty), $expected_forty, "$name: not believed");
}
$node->reload;
wait_until(sub { -e $victim && slurp_bytes($victim) eq $good }, 'the keeper makes it again, the same bytes');
unlink summaries();
is(sql($probe), $expected, 'without any summary the answer is the same');
is(sql("SELECT same FROM differ(10)"), 10, 'for conditions of all kinds');
$node->reload;
wait_until(sub { summaries() == 72 }, 'and they are all made again');
is(sql($probe), $expected, 'with them, too');

# Another master key.
my $of_before = slurp_bytes($victim);
$node->append_conf('postgresql.conf', "phiguard.key_file = 'another.key'");
$node->reload;
my $by_nobody = "$log WHERE active_role = 'nobody'";
wait_until(sub { slurp_bytes($victim) ne $of_before && segments_read($by_nobody) <= 4 }, 'under another master key they are made anew');
is(sql($probe_forty), $expected_forty, 'and searches go on');
my $resealed = slurp_bytes($victim);
my $few = segments_read($by_nobody);
spew_bytes($victim, $of_before);
is(segments_read($by_nobody), $few + 1, 'one that is sealed under the old key is not believed');
spew_bytes($victim, $resealed);

# Whoever replaces the key file does so between any two looks at it, of a session and of the keeper.
my $key_file = $node->data_dir . '/another.key';
copy($key_file, "$key_file.$_") && chmod 0600, "$key_file.$_" or die "$key_file.$_: $!" for 0, 1;
my $replacer = fork();
if ($replacer == 0)
{
	for my $i (0 .. 10_000_000) { link("$key_file." . $i % 2, "$key_file.new") && rename("$key_file.new", $key_file) }
	POSIX::_exit(0);
}
$node->reload;
my @found = map { scalar eval { sql($probe_forty) } // 'refused' } 1 .. 10;
kill 'KILL', $replacer;
waitpid($replacer, 0);
is_deeply(\@found, [ ($expected_forty) x 10 ], 'nor does a key file that is replaced all the time hide anything');
unlike(slurp_file($node->logfile), qr/terminated by signal/, 'and the keeper goes on');

# Where phiguard.key_command does not answer, a search waits for the key a while, and can be cancelled all the time.
$node->append_conf('postgresql.conf', "phiguard.key_command = 'echo \$\$ > $place/asked; exec sleep 600'\nphiguard.key_command_timeout = 600");
$node->restart;
my @waits = ($probe_forty, 'SELECT * FROM phiguard.verify_journal()', 'SELECT phiguard.journal_anchor()');
for my $wait (@waits)
{
	my ($result, $said) = ('', '');
	$node->psql('postgres', "SET statement_timeout = '1s'; $wait", stdout => \$result, stderr => \$said);
	is("$result$said", 'psql:<stdin>:1: ERROR:  canceling statement due to statement timeout', 'cancelled while it waits for the key: ' . substr($wait, 0, 40));
}
is(sql($probe_forty), $expected_forty, 'control: left alone it answers, without summaries');
my ($asked) = slurp_file("$place/asked") =~ /(\d+)/;
ok(kill(0, $asked), 'control: the command waits for its end');
$node->append_conf('postgresql.conf', "phiguard.key_command = ''");
$node->restart;
wait_until(sub { !kill(0, $asked) }, 'it ends with the server that asked');

#
# Copies, with and without.
#
chmod 0755, $from;
for my $with (0, 1)
{
	if ($with) { copy($_, "$from/" . s{.*/}{}r) or die for grep { /dddddddd/ } summaries() }
	chmod 0644, glob("$from/*");
	my $elsewhere = $probe =~ s/phiguard\.access_log/phiguard.read_journal('$from')/r;
	is(sql($elsewhere), $expected, 'a copied directory ' . ($with ? 'with' : 'without') . ' summaries');
	my $read = segments_read("SELECT * FROM phiguard.read_journal('$from') WHERE '0123456789abcdef0123456789abcdef' = ANY (subjects)");
	is($read, $with ? $nobody - 1 : 73, 'looks into ' . ($with ? 'the last segment and few others' : 'all'));
}

#
# A segment that is damaged is looked into, whatever its summary says; retention takes summaries along.
#
unlink "$own/dddddddd-0000000072.sum";
my $segment = slurp_bytes("$own/dddddddd-0000000072.seg");
spew_bytes("$own/dddddddd-0000000072.seg", substr($segment, 0, 500_000) . "\x55" x 64 . substr($segment, 500_064));
my ($out, $err);
for my $condition ("active_role = 'nobody'", "'0123456789abcdef0123456789abcdef' = ANY (subjects)")
{
	$node->psql('postgres', "$log WHERE $condition", stdout => \$out, stderr => \$err);
	like($err, qr/journal segment "dddddddd-0000000072\.seg" is damaged/, "a damaged segment shows in any search: $condition");
}
utime(0, 0, $_) for glob("$own/dddddddd-*.seg");
$node->append_conf('postgresql.conf', "phiguard.journal_retention = '1d'");
$node->reload;
wait_until(sub { !glob("$own/dddddddd-*") }, 'retention takes segments with their summaries');

done_testing();
