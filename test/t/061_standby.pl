# On a hot standby every path leaves its record too, in the standby's own journal.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = phig_node('primary');
$primary->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_app LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, ssn text);
INSERT INTO patient SELECT i, '000-00-' || to_char(i, 'FM0000') FROM generate_series(1, 20) i;
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
CREATE FUNCTION ssn_of(i int) RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM patient WHERE id = i';
GRANT SELECT ON patient TO regress_phig_app;
SQL
run_sql($primary, 'SELECT ssn FROM patient', as => 'regress_phig_app', app => 'on the primary');
$primary->backup('copy');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
# The copying of the tests does not keep modes, pg_basebackup does.
chmod 0600, $standby->data_dir . '/phiguard_master.key' or die "chmod: $!";
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my %paths = (
	'select' => ['SELECT ssn FROM patient WHERE id = 5', 'read SELECT; returned patient.ssn; rows 1; ok; flags replica'],
	'function' => ['SELECT ssn_of(5)', 'read SELECT; returned patient.ssn; rows 1; ok; flags function, replica'],
	'cursor' => ['BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient; FETCH 3 FROM c; ROLLBACK',
		'read SELECT; returned patient.ssn; rows 3; ok; flags replica'],
	'prepared' => ['PREPARE s AS SELECT count(*) FROM patient WHERE ssn > $1; EXECUTE s (\'0\')',
		'read SELECT; referenced patient.ssn; rows 1; ok; flags replica'],
	'copy' => ['COPY patient TO STDOUT', 'read COPY; returned patient.ssn; rows 20; ok; flags copy, replica'],
	'do' => ['DO $$ BEGIN PERFORM ssn FROM patient; END $$', 'read SELECT; returned patient.ssn; rows 20; ok; flags function, replica'],
	'fails' => ['SELECT ssn::int FROM patient', 'read SELECT; returned patient.ssn; rows 0; error 22P02; flags ran, replica'],
);
foreach my $path (sort keys %paths)
{
	run_sql($standby, $paths{$path}[0], as => 'regress_phig_app', app => $path);
	records_are($standby, "application = '$path'", [ $paths{$path}[1] ], "standby: $path");
}
my ($out, $err) = run_sql($standby, "UPDATE patient SET ssn = 'x'", as => 'regress_phig_app', app => 'write');
like($err, qr/read-only transaction/, 'a standby refuses to write, as always');
records_are($standby, "application = 'write'", ['write UPDATE; stored patient.ssn; rows 0; error 25006; flags replica'],
	'and the attempt is on record');

records_are($primary, "application IN ('select', 'copy')", [], 'the primary has none of it');
journal_is_intact($standby, "the standby's journal is intact");
journal_is_intact($primary, "the primary's journal is intact");

# The copy of a journal that came with the base backup is another node's.
my ($here) = run_sql($standby, "SELECT DISTINCT node FROM phiguard.access_log WHERE application = 'select'");
my ($there) = run_sql($primary, "SELECT DISTINCT node FROM phiguard.access_log WHERE application = 'on the primary'");
isnt($here, $there, 'the standby writes as a node of its own');

# A relabel on the primary is seen by what the standby has prepared.
my $session = PhigTest::session($standby, as => 'regress_phig_app', app => 'relabel');
$session->ask('PREPARE s AS SELECT id FROM patient WHERE id = 5');
$session->ask('EXECUTE s');
$primary->safe_psql('postgres', "SECURITY LABEL FOR phiguard ON COLUMN patient.id IS 'mrn'");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$session->ask('EXECUTE s');
$session->close;
records_are($standby, "application = 'relabel'", ['read SELECT; returned patient.id; rows 1; ok; flags replica'],
	'a label set on the primary reaches the cached plans of the standby');

# Promoted, it goes on in the same journal.
$standby->promote;
run_sql($standby, 'SELECT ssn FROM patient WHERE id = 5', as => 'regress_phig_app', app => 'promoted');
records_are($standby, "application = 'promoted'", ['read SELECT; returned patient.ssn; referenced patient.id; rows 1; ok'],
	'once promoted, records are those of a primary');
records_are($standby, "application = 'select'", [ $paths{select}[1] ], 'and those from before are kept');
journal_is_intact($standby, 'the journal is intact after promotion');

$standby->stop;
$primary->stop;
done_testing();
