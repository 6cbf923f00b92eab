# A long journal, written by lib/journal_gen.c: every row as it should be, whatever part of it is asked for; only
# the segments that can matter are read; memory and files stay few; and read_journal() over directories of all kinds.
#
# 200,000 executions; with PHIG_LONG=1 also 1 and 10 million, whose measurements are in $PHIG_OUT/long_journal.
use strict;
use warnings;
use File::Copy qw(copy);
use PhigJournal qw(slurp_bytes spew_bytes);
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $generator = "$place/journal_gen";
my ($made) = grep { system("$_ -O2 -I src -o $generator test/lib/journal_gen.c src/journal/chain.c -lcrypto") == 0 }
  grep { $_ && system("command -v $_ >/dev/null 2>&1") == 0 } $ENV{CC}, qw(cc gcc clang);
ok($made, 'the generator compiles') or BAIL_OUT('no generator');

# A directory with a journal of so many executions; returns what the generator says.
sub generate
{
	my ($directory, $executions, $segment_kb, $expected) = @_;
	mkdir $directory or die "$directory: $!";
	my $said = `$generator $directory $executions $segment_kb @{[ $expected // '' ]}`;
	die "journal_gen failed" if $? != 0;
	chmod 0755, $directory;
	return $said;
}

my $node = new_server('reader', "phiguard.auditor_role = 'regress_phig_auditors'", 'max_connections = 20');
$node->start;
add_patients($node);
my $own = journal_dir($node);

# What a statement prints; in one session where several follow each other.
sub sql { return $node->safe_psql('postgres', $_[0]) }

# "3 of 29": the segments that a query looked into.
sub segments_read
{
	my ($query) = @_;
	my ($read) = sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query") =~ /Journal Segments: (\d+ of \d+)/;
	return $read;
}

#
# Every row, joined with its end; segments smaller and larger than what is read at a time.
#
sql('CREATE TABLE expected (position bigint PRIMARY KEY, began bigint, ended bigint, rows bigint, outcome text)');
for my $case ([ 'small', 1024, 29 ], [ 'large', 16384, 2 ])
{
	my ($name, $kb, $count) = @$case;
	my $said = generate("$place/$name", 200_000, $kb, "$place/$name.expected");
	like($said, qr/^200000 executions, \d+ records, $count segments$/, "$name segments: as many as ever");
	sql("TRUNCATE expected; COPY expected FROM '$place/$name.expected'");
	is(sql("SELECT outcome, count(*) FROM expected GROUP BY 1 ORDER BY 1"), "lost|47\nok|199940\n|13",
		"$name segments: executions of all kinds");
	sql(<<"SQL");
DROP VIEW IF EXISTS got;
CREATE VIEW got AS
SELECT position, started, (extract(epoch FROM started) * 1000000)::bigint - 946684800000000 AS began,
	(extract(epoch FROM ended) * 1000000)::bigint - 946684800000000 AS ended, rows, outcome, kind, query, app_user
FROM phiguard.read_journal('$place/$name')
SQL
	is(sql(<<'SQL'), 't|200000|0|200000|200000|300', "$name segments: rows in order, each with its end");
SELECT bool_and(further), count(*), count(*) FILTER (WHERE e.position IS NULL OR (g.began, g.ended, g.rows, g.outcome)
	IS DISTINCT FROM (e.began, e.ended, e.rows, e.outcome)), count(query), count(app_user), count(DISTINCT query)
FROM (SELECT *, position > lag(position, 1, 0::bigint) OVER () AS further FROM got) g LEFT JOIN expected e USING (position)
WHERE kind = 'read'
SQL

	# Any part of it.  A plan that is off by one segment, or an end that is looked for too near, shows here.
	sql('DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM got');
	is(sql(<<'SQL'), '40', "$name segments: forty parts");
SET client_min_messages = warning;
SELECT setseed(0.5) \g /dev/null
CREATE FUNCTION pg_temp.differ() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	same int := 0;
	what text := 'count(*), sum(position), sum(ended - began), sum(rows), count(outcome), max(query)';
	part text;
	a text;
	b text;
	low bigint;
BEGIN
	FOR i IN 1 .. 40 LOOP
		low := (random() * 400000)::bigint;
		part := CASE i % 4
			WHEN 0 THEN format('position BETWEEN %s AND %s', low, low + (random() * 20000)::bigint)
			WHEN 1 THEN format('started >= %1$L::timestamptz AND started < %1$L::timestamptz + interval %2$L',
				timestamptz '2024-11-20 UTC' + random() * interval '410 days', random() * interval '10 days')
			WHEN 2 THEN format('started < %L AND position > %s', timestamptz '2024-11-20 UTC' + random() * interval '410 days', low)
			ELSE format('%s <= position AND %L >= started', low, timestamptz '2024-11-20 UTC' + random() * interval '410 days')
		END;
		EXECUTE format('SELECT (%s)::text FROM got WHERE %s', replace(what, 'count(*)', 'row(count(*)') || ')', part) INTO a;
		EXECUTE format('SELECT (%s)::text FROM kept WHERE %s', replace(what, 'count(*)', 'row(count(*)') || ')', part) INTO b;
		IF a = b THEN same := same + 1; ELSE RAISE WARNING '%: % not %', part, a, b; END IF;
	END LOOP;
	RETURN same;
END $$;
SELECT pg_temp.differ();
SQL
}

#
# Only the segments that can match.
#
my $small = "phiguard.read_journal('$place/small')";
is(segments_read("SELECT * FROM $small"), '29 of 29', 'everything: all segments');
is(segments_read("SELECT * FROM $small WHERE started >= timestamptz '2026-01-01 00:00 UTC' - interval '1 hour'"),
	'1 of 29', 'the last hour: the last segment');
is(sql("SELECT count(*) FROM $small WHERE started >= timestamptz '2026-01-01 00:00 UTC' - interval '1 hour'"), 1000, 'and its rows');
is(segments_read("SELECT * FROM $small WHERE started > '2026-01-02 UTC'"), '1 of 29', 'later than all: the last, whose times nothing tells');
is(segments_read("SELECT * FROM $small WHERE started < '2024-01-01 UTC'"), '1 of 29', 'earlier than all: the same');
is(segments_read("SELECT * FROM $small WHERE position = 200000"), '1 of 29', 'one position');
is(segments_read("SELECT * FROM $small WHERE position < 0"), '0 of 29', 'no position');
is(segments_read("SELECT * FROM $small WHERE position > NULL"), undef, 'NULL: no scan at all');
is(segments_read("SELECT * FROM $small WHERE position > (SELECT NULL::int8)"), '0 of 29', 'NULL that shows later: no segment');
is(segments_read("SELECT * FROM $small WHERE started > now()"), '1 of 29', 'now() is worked out');
like(segments_read("SELECT * FROM $small LIMIT 10"), qr/^[123] of 29$/, 'a limit stops early');
is(segments_read("SELECT * FROM $small WHERE started > timestamptz 'epoch' + random() * interval '1 s'"),
	'29 of 29', 'what is different for each row is not used');
is(sql('SELECT count(*) FROM (SELECT began < lag(began) OVER (ORDER BY position) AS back FROM kept) k WHERE back'), 1,
	'the clock did go back');

#
# In this server's own journal: the segments of another node.
#
copy($_, $own) or die $! for glob("$place/small/*.seg");
is(sql("SELECT count(*) FROM phiguard.access_log WHERE node = 'cccccccc' AND kind = 'read'"), 200000, 'another node in access_log');
is(segments_read("SELECT * FROM phiguard.access_log WHERE started BETWEEN '2025-12-31 23:00 UTC' AND '2026-01-01 UTC'"),
	'2 of 30', 'its last segment, and the one that is being written');
is(sql('SELECT node, what FROM phiguard.verify_journal()') =~ s/ records .*//r, 'cccccccc|no checkpoint vouches for',
	'what was generated is a valid journal, though nobody signed it');
unlink glob("$own/cccccccc-*.seg");

#
# Files: few, and none left open, however a reading ends.
#
sub pid_of { return query($_[0], 'SELECT pg_backend_pid()') }

sub open_files
{
	my ($pid) = @_;
	return scalar grep { (readlink($_) // '') =~ /^\Q$place\E/ } glob("/proc/$pid/fd/*");
}
sql("CREATE TABLE expected_small (LIKE expected); COPY expected_small FROM '$place/small.expected'");
my $session = open_session($node);
my $pid = pid_of($session);
query($session, 'BEGIN');
query($session, "DECLARE d CURSOR FOR SELECT position FROM $small WHERE kind = 'read'");
query($session, 'FETCH 1 FROM d');
is(open_files($pid), 1, 'a reading under way has one file open');
my @positions;
for my $step (1 .. 20)
{
	query($session, 'SAVEPOINT s');
	push @positions, split /\n/, query($session, 'FETCH 2500 FROM d');
	query($session, 'ROLLBACK TO s');
	push @positions, split /\n/, query($session, 'FETCH 100 FROM d');
}
is(join(',', @positions), join(',', split /\n/, sql('SELECT position FROM expected_small ORDER BY 1 OFFSET 1 LIMIT 52000')),
	'a cursor goes on behind savepoints that are rolled back');
query($session, 'CLOSE d');
is(open_files($pid), 0, 'closed: none');
query($session, 'COMMIT');
query($session, "SELECT count(*) FROM (SELECT FROM $small LIMIT 30000) s");
is(open_files($pid), 0, 'after a limit: none');
my $middle = sql('SELECT max(position) FROM expected_small WHERE position < 300000');
query($session, "SELECT max(1 / (position - $middle)) FROM $small");
like($session->{err}, qr/division by zero/, 'an error in the middle');
is(open_files($pid), 0, 'after an error: none');
query($session, "BEGIN; SAVEPOINT s; SELECT max(1 / (position - $middle)) FROM $small; ROLLBACK TO s");
is(open_files($pid), 0, 'after an error in a subtransaction: none');
query($session, 'COMMIT');
$session->{err} = '';
query($session, "SET statement_timeout = '50ms'; SELECT count(*) FROM $small a, (SELECT pg_sleep(0.001), position FROM $small) b; RESET statement_timeout");
like($session->{err}, qr/canceling statement due to statement timeout/, 'a cancel');
is(open_files($pid), 0, 'after a cancel: none');
close_session($session);

#
# Memory is the same for ten times the length.
#
sub peak
{
	my ($query) = @_;
	my $reader = open_session($node);
	my $reader_pid = pid_of($reader);
	query($reader, $query);
	my ($kb) = slurp_file("/proc/$reader_pid/status") =~ /VmHWM:\s+(\d+) kB/;
	close_session($reader);
	return $kb;
}

sub whole { return "SELECT count(*), sum(rows), count(ended), count(query) FROM phiguard.read_journal('$_[0]')" }

generate("$place/short", 20_000, 1024);
my ($short_peak, $small_peak) = (peak(whole("$place/short")), peak(whole("$place/small")));
cmp_ok($small_peak - $short_peak, '<', 2048, "peak memory of 200,000 ($small_peak kB) and of 20,000 ($short_peak kB)");

#
# Some of a node's segments: no end is made up.
#
mkdir "$place/some";
my @small = sort glob("$place/small/*.seg");
copy($_, "$place/some") or die $! for @small[ 5, 6, 7, 12 ];
my $some = "phiguard.read_journal('$place/some')";
is(sql(<<"SQL"), 't|t|0|t', 'of some segments: rows as they are, and NULL for ends that lie elsewhere');
SELECT count(*) > 20000, bool_and(g.outcome IS NULL OR g.outcome = e.outcome AND g.rows IS NOT DISTINCT FROM e.rows),
	count(*) FILTER (WHERE e.position IS NULL), count(*) FILTER (WHERE g.outcome IS DISTINCT FROM e.outcome) BETWEEN 1 AND 100
FROM $some g LEFT JOIN expected_small e USING (position) WHERE kind = 'read'
SQL
is(segments_read("SELECT * FROM $some WHERE started > '2026-01-01 UTC'"), '2 of 4', 'a gap: what is before it may match');

#
# Nodes whose headers name each other as parents, which somebody has written: each ancestor is looked up once.
#
mkdir "$place/circle";
my $header = read_bytes($small[0], 0, 508);
for my $case ([ 'ffffffff', 1, 'eeeeeeee' ], [ 'eeeeeeee', 1, 'ffffffff' ], map { [ sprintf('%08x', $_), 1, undef ] } 1 .. 3000)
{
	my ($who, $number, $parent) = @$case;
	my $forged = $header;
	substr($forged, 24, 4) = pack('H*', $who);
	substr($forged, 96, 4) = pack('H*', $parent // '00000000');
	substr($forged, 120, 4) = pack('V', $parent ? 3 : 1);
	spew_bytes("$place/circle/$who-0000000001.seg", $forged . pack('V', crc32c($forged)));
}
copy($small[0], "$place/circle") or die $!;
is(sql("SET statement_timeout = '10s'; SELECT count(*) > 5000 FROM phiguard.read_journal('$place/circle') WHERE kind = 'read'"), 't', 'a circle of nodes does not keep anybody from reading');

#
# Damaged and cut: passed over, with a warning.
#
mkdir "$place/bad";
copy($_, "$place/bad") or die $! for @small;
my $path = "$place/bad/" . ($small[3] =~ s{.*/}{}r);
my $bytes = slurp_bytes($path);
substr($bytes, 500_000, 1) ^= "\x01";
spew_bytes($path, $bytes);
my $cut = "$place/bad/" . ($small[10] =~ s{.*/}{}r);
truncate($cut, 700_001);
my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT count(*) FROM phiguard.read_journal('$place/bad') WHERE kind = 'read'");
cmp_ok($stdout, '>', 197000, 'the rows around the damage are there');
cmp_ok($stdout, '<', 200000, 'and those in it are not');
like($stderr, qr/WARNING:  journal segment "cccccccc-0000000004.seg" is damaged after position \d+\nHINT/, 'a warning for what is damaged');
my $warnings = () = $stderr =~ /WARNING:/g;
cmp_ok($warnings, '<=', 3, 'once each');
($status, $stdout, $stderr) = $node->psql('postgres', "SELECT count(*) FROM phiguard.read_journal('$place/bad') WHERE started > '2025-12-31 23:00 UTC'");
is("$stdout|$stderr", '1000|', 'none for what is not read') or diag $stderr;
$bytes = slurp_bytes($path);
substr($bytes, 48, 1) ^= "\x01";
spew_bytes($path, $bytes);
($status, $stdout, $stderr) = $node->psql('postgres', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM phiguard.read_journal('$place/bad') WHERE started > '2025-12-31 23:00 UTC'");
like($stdout, qr/Journal Segments: 2 of 29/, 'a header that is not to be believed: the segment before it is read');

#
# Directories that come from a table: each is read in its turn.
#
is(sql(<<"SQL"), "short|20000\nsmall|200000", 'directories of a table');
SELECT name, count(*) FROM (VALUES ('small'), ('short')) d (name), phiguard.read_journal('$place/' || name) j
WHERE kind = 'read' GROUP BY 1 ORDER BY 1
SQL
is(sql(<<"SQL"), "short|1000\nsmall|1000", 'and of an outer join');
SELECT name, count(position) FROM (VALUES ('small'), ('short')) d (name)
LEFT JOIN LATERAL phiguard.read_journal('$place/' || name) j ON started >= '2025-12-31 23:00 UTC'
GROUP BY 1 ORDER BY 1
SQL

#
# Behind a break in the chain a record may use a definition of the segment before.
#
mkdir "$place/broken";
copy($_, "$place/broken") or die $! for @small[ 0, 1 ];
my $second = PhigJournal::read_segment("$place/broken/cccccccc-0000000002.seg");
my ($statement) = grep { $_->{type} eq 'D' && $_->{bytes} =~ /q=SELECT/ } @{ $second->{records} };
my $undefined = substr($statement->{bytes}, 0, 32) . ("\0" x 16) . substr($statement->{bytes}, 48);
substr($undefined, 4, 4) = pack('V', PhigJournal::crc32c(substr($undefined, 8)));
write_bytes($second->{path}, $statement->{offset}, $undefined);
for my $case ([ 4, 0, 'a segment behind a break' ], [ 2, 1, 'an ordinary one' ])
{
	my ($reason, $missing, $name) = @$case;
	my $header = substr($second->{header}, 0, 120) . pack('V', $reason) . substr($second->{header}, 124, 384);
	write_bytes($second->{path}, 0, $header . pack('V', PhigJournal::crc32c($header)));
	is(sql(<<"SQL"), $missing ? 't|t' : 't|f', "$name: definitions");
SELECT count(*) > 5000, count(query) < count(*) FROM phiguard.read_journal('$place/broken')
WHERE position >= $second->{first_seq} AND kind = 'read'
SQL
}

#
# Who may; what is on record; nothing is written there.
#
sql(<<'SQL');
CREATE ROLE regress_phig_auditors;
CREATE ROLE regress_phig_auditor LOGIN IN ROLE regress_phig_auditors;
CREATE ROLE regress_phig_file_auditor LOGIN IN ROLE regress_phig_auditors, pg_read_server_files;
CREATE ROLE regress_phig_file_reader LOGIN IN ROLE pg_read_server_files;
SQL
my $before = join ' ', map { join ':', (stat $_)[ 7, 9, 10 ], $_ } $place . '/small', @small;
my $count = "SELECT count(*) FROM $small WHERE position < 1000 AND kind = 'read'";
cmp_ok(sql("SET SESSION AUTHORIZATION regress_phig_file_auditor; $count"), '>', 100, 'an auditor who may read files');
for my $case ([ 'regress_phig_auditor', 'grant you the role pg_read_server_files' ], [ 'regress_phig_file_reader', 'Ask an auditor' ])
{
	my ($role, $hint) = @$case;
	($status, $stdout, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION $role;\n$count");
	like($stderr, qr/ERROR:  42501: permission denied to read phiguard's record\nDETAIL:  .*\nHINT:  .*$hint/, "$role: refused, and why");
}
is(sql(<<'SQL'), "regress_phig_auditor|denied|read_journal|1\nregress_phig_file_auditor|log_read|read_journal|1\nregress_phig_file_reader|denied|read_journal|1", 'all on record');
SELECT active_role, kind, query, count(*) FROM phiguard.access_log WHERE active_role LIKE 'regress_phig_%' GROUP BY 1, 2, 3 ORDER BY 1
SQL
is(join(' ', map { join ':', (stat $_)[ 7, 9, 10 ], $_ } $place . '/small', @small), $before, 'that directory is as it was');
is(scalar(grep { slurp_bytes($_) =~ /\Q$place\E/ } glob("$own/*.seg")), 0, 'the path is nowhere in the record');

#
# This server's own directory by its path is access_log; copies of it tell what they can prove.
#
$session = open_session($node);
query($session, 'BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 1 FROM c');
my $outcome = "SELECT coalesce(outcome, 'NULL') FROM phiguard.read_journal('%s') WHERE query LIKE '%SELECT ssn FROM patient'";
is(sql(sprintf $outcome, $own), 'NULL', 'own directory: a cursor that is open runs');
is(sql(sprintf $outcome, "$own/."), 'NULL', 'by another name too');

sub copy_own
{
	my ($name) = @_;
	mkdir "$place/$name" or die;
	copy($_, "$place/$name") or die $! for glob("$own/*.seg");
	return sprintf $outcome, "$place/$name";
}
sql('SELECT 1 FROM phiguard.access_log LIMIT 1');
is(sql(copy_own('live')), 'NULL', 'a copy: its end is not known');
$node->stop('immediate');
close_session($session);
$node->start;
wait_until_open($node);
is(sql(sprintf $outcome, $own), 'lost', 'after a crash, own directory: lost');
is(sql(copy_own('once')), 'NULL', 'a copy after one start: not proven');
$node->restart;
wait_until_open($node);
is(sql(copy_own('twice')), 'lost', 'after another: lost');

#
# At length.
#
if ($ENV{PHIG_LONG})
{
	my %peak;
	my @said;
	my $hour = "started >= timestamptz '2026-01-01 00:00 UTC' - interval '1 hour'";
	for my $millions (1, 10)
	{
		my $directory = "$place/million$millions";
		my $source = "phiguard.read_journal('$directory')";
		push @said, generate($directory, $millions * 1_000_000, 16384);
		$peak{$millions} = peak(whole($directory));
		my $limited = peak("SELECT count(*) FROM (SELECT * FROM $source LIMIT 500000) s");
		my $ordered = peak("SELECT position FROM $source ORDER BY started DESC LIMIT 10");
		push @said, "peak memory of a backend: all $peak{$millions} kB, LIMIT 500000 $limited kB, newest ten $ordered kB";
		my ($seconds) = sql("EXPLAIN (ANALYZE, TIMING OFF) " . whole($directory)) =~ /Execution Time: (\S+) ms/;
		push @said, sprintf('all of it: %.1f s', $seconds / 1000);

		# As this server's own journal has it, a node beside its own.
		rename($_, $own . '/' . s{.*/}{}r) for glob("$directory/*.seg");
		my @times;
		for (1 .. 5)
		{
			my $plan = sql("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT * FROM phiguard.access_log WHERE $hour AND started < '2026-01-01 UTC'");
			push @times, $1 if $plan =~ /Execution Time: (\S+) ms/;
			push @said, "$1 in access_log" if @times == 1 && $plan =~ /(Journal Segments: .*)/;
		}
		my ($best, $worst) = (sort { $a <=> $b } @times)[ 0, -1 ];
		push @said, "access_log, the last hour: $best to $worst ms in five runs";
		cmp_ok($best, '<=', 500, "$millions million: the last hour");
		unlink glob("$own/cccccccc-*.seg");
	}
	# Headers are all read at the start: more of them than there will be.
	push @said, generate("$place/many", 1_000_000, 128);
	my @plans = map { sql("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT * FROM phiguard.read_journal('$place/many') WHERE $hour") } 1 .. 3;
	my ($took) = sort { $a <=> $b } map { /Execution Time: (\S+) ms/ } @plans;
	my ($many) = $plans[0] =~ /Journal Segments: \d+ of (\d+)/;
	cmp_ok($many, '>', 1000, 'many segments');
	cmp_ok($took, '<=', 500, 'many segments: the last hour');
	push @said, "the last hour of $many segments: $took ms";
	cmp_ok($peak{10} - $peak{1}, '<', 2048, 'peak memory of 10 and of 1 million');
	chomp @said;
	note($_) for @said;
	append_to_file("$ENV{PHIG_OUT}/long_journal", join("\n", @said, '')) if $ENV{PHIG_OUT};
}

$node->stop;
done_testing();
