# Logical replication slots by SQL: where tables are governed they are the officer's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('slots', 'wal_level = logical', 'max_replication_slots = 10', 'phiguard.mode = audit', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'");
my $secret = 'Annabel';
my ($out, $err);

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN REPLICATION;
CREATE ROLE regress_phig_replicator LOGIN REPLICATION;
CREATE TABLE patient (id int PRIMARY KEY, name text);
SELECT phiguard.label('patient', 'name', 'name');
CREATE DATABASE plain;
SQL

sub by { my ($role, $sql, %opt) = @_; ($out, $err) = run_sql($node, $sql, as => "regress_phig_$role", %opt); return $out . $err; }
sub mode
{
	$node->append_conf('postgresql.conf', "phiguard.mode = $_[0]");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = '$_[0]'");
	return;
}

my $create = "SELECT 'made' FROM pg_create_logical_replication_slot('%s', 'test_decoding')";
is(by('replicator', sprintf $create, 'early'), 'made', 'control: in mode audit a role with REPLICATION makes a slot');
run_sql($node, "INSERT INTO patient VALUES (1, '$secret')");
like(by('replicator', "SELECT data FROM pg_logical_slot_peek_changes('early', NULL, NULL)"), qr/$secret/, '... that shows what is written');

mode('enforce');
my $refused = qr/logical decoding shows the rows of all tables/;
for my $sql (sprintf($create, 'late'), "SELECT data FROM pg_logical_slot_peek_changes('early', NULL, NULL)", "SELECT data FROM pg_logical_slot_get_changes('early', NULL, NULL)",
	"SELECT data FROM pg_logical_slot_peek_binary_changes('early', NULL, NULL)", "SELECT data FROM pg_logical_slot_get_binary_changes('early', NULL, NULL)",
	"SELECT pg_copy_logical_replication_slot('early', 'copy')", "SELECT pg_copy_logical_replication_slot('early', 'copy', true)",
	"SELECT pg_copy_logical_replication_slot('early', 'copy', true, 'test_decoding')", "SELECT (SELECT count(data) FROM pg_logical_slot_peek_changes('early', NULL, NULL))",
	"DO \$\$ BEGIN PERFORM pg_logical_slot_peek_changes('early', NULL, NULL); END \$\$",
	"PREPARE p AS SELECT data FROM pg_logical_slot_peek_changes('early', NULL, NULL); EXECUTE p")
{
	like(by('replicator', $sql, app => 'refused'), $refused, "refused: $sql");
	is($out, '', '... and shows nothing');
}
my @denied = records($node, "application = 'refused' AND kind = 'denied' AND command = 'LOGICAL DECODING'");
is(scalar @denied, 11, '... each on record');
is($denied[0]{query}, 'pg_create_logical_replication_slot', '... with the function');
is(by('officer', sprintf $create, 'officers'), 'made', 'the officer may');
like(by('officer', "SELECT data FROM pg_logical_slot_peek_changes('early', NULL, NULL)"), qr/$secret/, '... read one');
is(by('replicator', sprintf($create, 'plain'), db => 'plain'), 'made', 'in a database without governed tables everybody with REPLICATION may');
is(by('replicator', "SELECT 'made' FROM pg_create_physical_replication_slot('physical')"), 'made', 'physical slots are left alone');
is(by('replicator', "SELECT count(pg_drop_replication_slot(s)) FROM unnest('{early,officers,physical}'::name[]) s"), '3', 'slots can be dropped');
journal_is_intact($node, 'the journal is intact');
$node->stop;
done_testing();
