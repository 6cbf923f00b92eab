# A plan taken from the cache before a label was known is recorded by the new label.
#
# In the extended protocol Bind takes a cached plan while the transaction holds its locks
# already, so that nothing tells it of a label set meanwhile.
use strict;
use warnings;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION phiguard;
CREATE TABLE patient (id int, ssn text, note text);
INSERT INTO patient VALUES (1, '999-12-3456', 'x');
CREATE TABLE plain (id int, what text);
INSERT INTO plain VALUES (1, 'y');
SELECT phiguard.label('patient', 'ssn', 'ssn');
SQL

# Two transactions of one connection: the first plans, the second is held up between two reads.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/script", <<'SQL');
BEGIN;
SELECT ssn, note FROM patient;
SELECT what FROM plain;
\set n :n + 1
SELECT pg_advisory_xact_lock(:n);
SELECT ssn AS again, note FROM patient;
SELECT what AS again FROM plain;
COMMIT;
SQL
my $holder = $node->background_psql('postgres');
my $command = [ 'pgbench', '-n', '-D', 'n=0', '-M', 'prepared', '-t', '2', '-f', "$dir/script",
	'-h', $node->host, '-p', $node->port, 'postgres' ];
my ($out, $err) = ('', '');

# The first transaction finds its lock free, the second does not.
$holder->query_safe('SELECT pg_advisory_lock(2)');
local $ENV{PGAPPNAME} = 'bench';
my $bench = start $command, '>', \$out, '2>', \$err;
my $waiting = $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
ok($waiting, 'the second transaction waits between its reads');
$node->safe_psql('postgres', q{SELECT phiguard.label('patient', 'note', 'note'), phiguard.label('plain', 'what', 'name')});
$holder->query_safe('SELECT pg_advisory_unlock(2)');
finish $bench;
$holder->quit;

my @reads = split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT array_to_string(returned, ' ') FROM phiguard.access_log
 WHERE application = 'bench' AND kind = 'read' ORDER BY position DESC LIMIT 2
SQL
is_deeply([ sort @reads ], [ 'public.patient.note public.patient.ssn', 'public.plain.what' ],
	'its reads after the label are recorded by the new labels');
is($node->safe_psql('postgres', q{SELECT count(*) FROM phiguard.access_log
	WHERE application = 'bench' AND returned = '{public.patient.ssn}'}),
	'3', 'control: those before are not');
is($node->safe_psql('postgres', 'SELECT count(*) FROM phiguard.verify_journal()'), '0', 'the journal is intact');

$node->stop;
done_testing();
