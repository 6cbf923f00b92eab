# access_log over sessions, crashes, segments and encodings: what still runs, what was lost, who may read.
use strict;
use warnings;
use PhigJournal qw(read_segment segment_files slurp_bytes spew_bytes);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'phiguard'
phiguard.journal_segment_size = 1MB
CONF
$node->start;
my $patient = <<'SQL';
CREATE EXTENSION phiguard;
CREATE TABLE patient (id int, ssn text);
INSERT INTO patient SELECT i, i::text FROM generate_series(1, 10) i;
SELECT phiguard.label('patient', 'ssn', 'ssn');
SQL
$node->safe_psql('postgres', $patient);
my $directory = $node->data_dir . '/phiguard/journal';

# The rows of statements like that: outcome, sqlstate, rows, whether an end is known.
sub log_of
{
	my ($query) = @_;
	return $node->safe_psql('postgres', <<"SQL");
SELECT coalesce(outcome, 'runs'), sqlstate, rows, ended IS NOT NULL
FROM phiguard.access_log WHERE kind IN ('read', 'denied') AND query LIKE '$query'
SQL
}

#
# A session sees its own records at once, however they are synced.
#
is( $node->safe_psql('postgres', <<'SQL'), "ok|1\n1", 'own records, journal_sync = off');
SET phiguard.journal_sync = off;
SELECT ssn IS NOT NULL AND false FROM patient WHERE id = 1 \g /dev/null
SELECT outcome, rows FROM phiguard.access_log WHERE query LIKE '%NOT NULL AND%' AND kind = 'read';
SELECT count(*) FROM phiguard.access_log WHERE pid = pg_backend_pid() AND kind = 'read';
SQL

#
# Running, ended by others, lost with the server.
#
sub open_cursor
{
	my ($column) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe("BEGIN; DECLARE c CURSOR FOR SELECT ssn, $column FROM patient ORDER BY ssn; FETCH 1 FROM c");
	return $session;
}

my $session = open_cursor('NULL');
is(log_of('%ORDER BY ssn'), 'runs|||f', 'an open cursor runs');
$session->query_safe('COMMIT');
is(log_of('%ORDER BY ssn'), 'ok|00000|1|t', 'a closed one has ended');
$session->quit;

$session = open_cursor('id');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%FETCH 1%' AND pid <> pg_backend_pid()");
like(log_of('%SELECT ssn, id FROM%'), qr/\|1\|t$/, 'its session terminated, it has ended');
$session->{run}->kill_kill;

$session = open_cursor('id, id');
is(log_of('%SELECT ssn, id, id FROM%'), 'runs|||f', 'before a crash it runs');
$node->stop('immediate');
$session->{run}->kill_kill;
$node->start;
is(log_of('%SELECT ssn, id, id FROM%'), 'lost|||f', 'after it, its end is lost');

$session = open_cursor('id, id, id');
$node->restart;
$session->{run}->kill_kill;
$node->restart;
like(log_of('%SELECT ssn, id, id%'), qr/^lost\|\|\|f\n[a-z]+\|.*\|1\|t$/, 'two starts later, the same; a fast stop ends what is open');
is($node->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE kind = 'server' AND command = 'SERVER START'"),
	4, 'each start is on record');

#
# An execution that spans segments.
#
$session = $node->background_psql('postgres');
$session->query_safe("BEGIN; DECLARE long CURSOR FOR SELECT id, ssn FROM patient WHERE ssn > '0' AND id > 0");
my ($before) = scalar segment_files($directory);
my $fill = join '', map { 'SELECT ARRAY[' . join(', ', ('ssn') x (2500 + $_)) . "] FROM patient WHERE id = 0;\n" } 1 .. 200;
$node->safe_psql('postgres', $fill);
my @paths = segment_files($directory);
cmp_ok(scalar @paths, '>=', $before + 2, 'the log has grown by segments');
is(log_of('%FROM patient WHERE ssn > % AND id > %'), 'runs|||f', 'open over segments');
$session->query_safe('FETCH 3 FROM long; COMMIT');
is(log_of('%FROM patient WHERE ssn > % AND id > %'), 'ok|00000|3|t', 'ended in another segment than it began');
$session->quit;
is($node->safe_psql('postgres', "SELECT count(DISTINCT query) FROM phiguard.access_log WHERE query LIKE 'SELECT ARRAY[%'"),
	200, 'every text is there');
is($node->safe_psql('postgres', <<'SQL'), 't|t', 'in the order of positions');
SELECT bool_and(position > previous), bool_and(node = (SELECT min(node) FROM phiguard.access_log))
FROM (SELECT node, position, lag(position, 1, 0::bigint) OVER () AS previous FROM phiguard.access_log) l
SQL

#
# What a header says of the times in the segment before it is so, and leaves segments out.
#
@paths = segment_files($directory);
my ($told, $wrong) = (0, 0);
for my $i (1 .. $#paths)
{
	my @times = map { unpack('q<', substr($_->{bytes}, 16, 8)) }
	  grep { $_->{type} !~ /[LC]/ } @{ read_segment($paths[ $i - 1 ])->{records} };
	my ($earliest, $latest) = (sort { $a <=> $b } @times)[ 0, -1 ];
	my ($first, $last) = unpack('q< q<', substr(read_segment($paths[$i])->{header}, 144, 16));
	next if $first == 0 && $last == 0;
	$told++;
	$wrong++ if $first > $earliest || $last < $latest;
}
cmp_ok($told, '>=', 2, 'segments whose times are told');
is($wrong, 0, 'and right');
my ($read, $all) = $node->safe_psql('postgres', <<'SQL') =~ /Journal Segments: (\d+) of (\d+)/;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT * FROM phiguard.access_log WHERE started <= (SELECT min(started) FROM phiguard.access_log)
SQL
is($all, scalar @paths, 'EXPLAIN counts the segments');
cmp_ok($read, '<', $all, 'the first row: not all of them are read');
is($node->safe_psql('postgres', <<'SQL'), 't|t', 'parts of the log, split at any time, make the whole');
CREATE TEMP TABLE kept AS SELECT position, started FROM phiguard.access_log;
SELECT bool_and(before = (SELECT count(*) FROM kept k WHERE k.started < s.started)),
	bool_and(before + later >= (SELECT count(*) FROM kept))
FROM (SELECT started, (SELECT count(*) FROM phiguard.access_log l WHERE l.started < k.started) AS before,
		(SELECT count(*) FROM phiguard.access_log l WHERE l.started >= k.started) AS later
	FROM kept k WHERE position % 23 = 0) s
SQL
my ($name) = $paths[0] =~ m{([0-9a-f]{8})-\d{10}\.seg$};
is($node->safe_psql('postgres', 'SELECT DISTINCT node FROM phiguard.access_log'), $name, 'node is what its files are called');

#
# A definition that is damaged: its records stay, without the text.
#
my $s = read_segment($paths[1]);
my ($damaged) = grep { $_->{type} eq 'D' && $_->{bytes} =~ /SELECT ARRAY/ } @{ $s->{records} };
my $pristine = slurp_bytes($paths[1]);
my $bytes = $pristine;
substr($bytes, $damaged->{offset} + 60, 1) ^= "\x01";
spew_bytes($paths[1], $bytes);
my ($status, $stdout, $stderr) = $node->psql('postgres', <<'SQL');
SELECT count(*), count(query) FROM phiguard.access_log WHERE kind = 'read' AND (query LIKE 'SELECT ARRAY%' OR query IS NULL)
SQL
is($stdout, '200|199', 'the records of a damaged definition are there, without its text');
my $last_good = $damaged->{seq} - 1;
like($stderr, qr/WARNING:  journal segment "$s->{name}" is damaged after position $last_good\n/, 'and a warning says where');
spew_bytes($paths[1], $pristine);

#
# Who may read.
#
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_auditors;
CREATE ROLE regress_phig_auditor LOGIN IN ROLE regress_phig_auditors;
CREATE ROLE regress_phig_other LOGIN;
ALTER SYSTEM SET phiguard.auditor_role = 'regress_phig_auditors';
SELECT pg_reload_conf();
SQL
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.auditor_role') = 'regress_phig_auditors'");
for my $query ('SELECT count(*) > 200 FROM phiguard.access_log', 'SELECT count(*) = 0 FROM phiguard.verify_journal()')
{
	is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION regress_phig_auditor; $query"), 't', "an auditor: $query");
	($status, $stdout, $stderr) = $node->psql('postgres', "SET SESSION AUTHORIZATION regress_phig_other; $query");
	like($stderr, qr/^psql:<stdin>:1: ERROR:  permission denied to read phiguard's record$/m, "another: $query");
}
is($node->safe_psql('postgres', <<'SQL'), "regress_phig_auditor|log_read|2\nregress_phig_other|denied|2", 'all of it is on record');
SELECT active_role, kind, count(*) FROM phiguard.access_log WHERE active_role LIKE 'regress_phig_%' GROUP BY 1, 2 ORDER BY 1
SQL

#
# Encodings: the journal is UTF-8; a database shows what it can say.
#
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
$node->safe_psql('postgres', "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0");
$node->safe_psql($_, $patient) for qw(latin bytes);
my $claim = sub {
	my ($database, $user) = @_;
	$node->safe_psql($database, "SET client_encoding = 'UTF8'; SET phiguard.app_user = '$user'; SELECT ssn FROM patient WHERE id = 2");
};
$claim->('postgres', "Zo\xc3\xab \xe8\xa9\xa6\xe9\xa8\x93 x");
$claim->('latin', "Andr\xc3\xa9");
for my $case (
	[ 'postgres', "Zo\xc3\xab \xe8\xa9\xa6\xe9\xa8\x93 x\nAndr\xc3\xa9" ],
	[ 'latin', "Zo\xc3\xab ?? x\nAndr\xc3\xa9" ],
	[ 'bytes', "Zo\xc3\xab \xe8\xa9\xa6\xe9\xa8\x93 x\nAndr\xc3\xa9" ])
{
	my ($database, $expected) = @$case;
	# In a database without an encoding the client gets the bytes as they are.
	my $set = $database eq 'bytes' ? '' : "SET client_encoding = 'UTF8';";
	is($node->safe_psql($database, "$set SELECT app_user FROM phiguard.access_log WHERE kind = 'read' AND app_user <> ''"),
		$expected, "app_user read in database $database");
}

#
# A hot standby: its own journal, a branch of the one that the base backup copied.
#
$node->safe_psql('postgres', 'DROP DATABASE latin');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 3 AND true'), 3, 'read on a standby');
my ($first) = map { read_segment($_) } grep { !/$name-/ } segment_files($standby->data_dir . '/phiguard/journal');
is($standby->safe_psql('postgres', <<'SQL'), "$name|read|f\n$first->{node8}|read|t", 'the log of both nodes, the parent first');
WITH log AS MATERIALIZED (SELECT node, kind, flags, row_number() OVER () AS n FROM phiguard.access_log)
SELECT node, kind, 'replica' = ANY (flags) FROM log
WHERE n IN (SELECT max(n) FROM log WHERE kind = 'read' GROUP BY node) ORDER BY n
SQL
is($standby->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE kind = 'log_read' AND 'replica' = ANY (flags)"),
	2, 'reading it there is on record there');
is($standby->safe_psql('postgres', 'SELECT * FROM phiguard.verify_journal()'), '', 'and it is intact');
is($standby->safe_psql('postgres', "SELECT bool_or(outcome IS NULL) FROM phiguard.access_log WHERE node = '$name'"), 'f',
	'nothing of the parent runs here');
$standby->stop;

$node->stop;
done_testing();
