# phiguard's own labelled tables: the officer's without a purpose, nobody else's, and on record.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('own', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_clerk LOGIN;
CREATE TABLE patient (id int, name text);
SELECT phiguard.label('patient', 'name', 'name');
GRANT SELECT ON patient TO regress_phig_officer;
SELECT phiguard.create_purpose('all_of_it', 'TREAT', otherwise => 'clear');
SELECT phiguard.grant_purpose('all_of_it', 'regress_phig_clerk');
SQL
my ($out, $err) = run_sql($node, <<'SQL', as => 'regress_phig_officer', app => 'officer');
INSERT INTO phiguard.detection_terms (list, term, category) VALUES ('deny', 'Zebulon Quix', 'name'), ('allow', 'Ward Nine', NULL);
SELECT term FROM phiguard.detection_terms ORDER BY term;
UPDATE phiguard.detection_terms SET term = 'Ward Ten' WHERE term = 'Ward Nine';
DELETE FROM phiguard.detection_terms WHERE list = 'allow' RETURNING term;
SQL
is($out . $err, "Ward Nine\nZebulon Quix\nWard Ten", 'the officer reads and writes terms without a purpose');
my @read = records($node, "application = 'officer' AND kind = 'read'");
is($read[0]{returned}, 'phiguard.detection_terms.term', '... on record');
($out, $err) = run_sql($node, 'SELECT * FROM patient', as => 'regress_phig_officer');
like($err, qr/open only to a purpose/, 'control: other tables are closed to the officer');
for my $sql ('SELECT term FROM phiguard.detection_terms', 'DELETE FROM phiguard.detection_terms RETURNING term', 'SELECT most_common_vals FROM pg_stats WHERE tablename = \'detection_terms\'',
	'SELECT * FROM phiguard.crosswalk', 'TABLE phiguard.detection_terms')
{
	for my $purpose ('', 'all_of_it')
	{
		($out, $err) = run_sql($node, "SET phiguard.purpose = '$purpose'; $sql", as => 'regress_phig_clerk');
		is($out, '', "nobody else: $sql, purpose '$purpose'");
	}
}
journal_is_intact($node, 'the journal is intact');
$node->stop;
done_testing();
