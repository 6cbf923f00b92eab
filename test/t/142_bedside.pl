# Where a record cannot be written, a purpose may say whether its statements go on: bedside purposes do, with a line in the log.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $dir = "$place/journal";
my $node = phig_node('bedside', 'phiguard.mode = enforce', "phiguard.journal_directory = '$dir'", "phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_nurse LOGIN;
CREATE ROLE regress_phig_officer LOGIN;
CREATE TABLE patient (id int, name text);
INSERT INTO patient VALUES (1, 'Annabel');
SELECT phiguard.label('patient', 'name', 'name');
GRANT SELECT ON patient TO regress_phig_nurse;
SELECT phiguard.create_purpose(p, 'TREAT', otherwise => 'clear', journal_on_failure => f)
  FROM (VALUES ('bedside', 'allow'), ('clinic', 'refuse'), ('plain', NULL), ('elsewhere', 'allow')) v (p, f);
SELECT phiguard.grant_purpose(p, 'regress_phig_nurse') FROM unnest('{bedside,clinic,plain}'::text[]) p;
SELECT phiguard.grant_purpose('bedside', 'regress_phig_officer');
SQL

sub reads
{
	my ($purpose) = @_;
	my ($out, $err) = run_sql($node, "SET phiguard.purpose = '$purpose'; SELECT name FROM patient", as => 'regress_phig_nurse');

	return $out ne '' ? $out : $err =~ /access to PHI cannot be recorded/ ? 'refused' : $err;
}

is(join(' ', map { reads($_) } qw(bedside clinic plain)), 'Annabel Annabel Annabel', 'control: with a journal all read');
$node->stop;
rename $dir, "$dir.kept" or die;
append_to_file($dir, "not a directory\n");
$node->start;
is(join(' ', map { reads($_) } qw(bedside clinic plain)), 'Annabel refused refused', 'without one, only the bedside');
my $log = slurp_file($node->logfile);
is(() = $log =~ /LOG:  an access to PHI was allowed without a record/g, 1, '... with a line in the log');
unlike($log =~ s/statement: .*//gr, qr/allowed without a record.*\n.*STATEMENT/, '... that has no statement');
is(reads('elsewhere'), 'refused', 'a purpose that is not granted says nothing');
my ($out, $err) = run_sql($node, "SET phiguard.purpose = 'bedside'; SELECT phiguard.drop_purpose('plain')", as => 'regress_phig_officer');
like($err, qr/cannot be recorded/, 'a change of policies is no bedside');

$node->append_conf('postgresql.conf', 'phiguard.journal_on_failure = allow');
$node->reload;
wait_until(sub { reads('plain') eq 'Annabel' }, 'with the setting, purposes that say nothing go on');
is(reads('clinic'), 'refused', '... and those that say refuse do not');

unlink $dir;
rename "$dir.kept", $dir or die;
wait_until(sub { reads('clinic') eq 'Annabel' }, 'with the directory back, all is on record again');
journal_is_intact($node, 'the journal is intact');
$node->safe_psql('postgres', "UPDATE phiguard.policy_purpose SET journal_on_failure = 'perhaps' WHERE purpose = 'plain'");
is((run_sql($node, 'SELECT finding FROM phiguard.verify_policy()'))[0], 'its journal_on_failure is neither refuse nor allow', 'a word that nobody knows is found');
isnt(reads('plain'), 'Annabel', '... and closes the purpose');
$node->stop;
done_testing();
