# Persons who are hard to tell apart: two who share a row, a patient id that is merged into another, a deleted patient.
# What who_saw() and disclosures() say of each is what docs/subjects.md promises.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('merged', "phiguard.officer_role = 'regress_phig_officer'", "phiguard.auditor_role = 'regress_phig_auditor'");
sub sql { return $node->safe_psql('postgres', $_[0]) }

sub as
{
	my ($role, $query, $app) = @_;
	my ($out, $err) = run_sql($node, $query, as => "regress_phig_$role", app => $app // $role);
	return $err ne '' ? $err : $out;
}

sql(<<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_auditor LOGIN;
CREATE ROLE regress_phig_nurse LOGIN;
CREATE TABLE patient (id text PRIMARY KEY, name text);
CREATE TABLE visit (id int PRIMARY KEY, patient text REFERENCES patient ON DELETE CASCADE, note text);
CREATE TABLE lab (id int PRIMARY KEY, visit int, value text);
CREATE TABLE birth (id int PRIMARY KEY, mother text REFERENCES patient, child text REFERENCES patient, note text);
CREATE TABLE birth_person (birth int REFERENCES birth ON DELETE CASCADE, person text REFERENCES patient, role text);
CREATE TABLE merge (old text PRIMARY KEY, new text REFERENCES patient);
INSERT INTO patient SELECT 'pat-' || i, 'name ' || i FROM generate_series(1, 20) i;
INSERT INTO visit SELECT i, 'pat-' || 1 + i % 10, 'note ' || i FROM generate_series(0, 39) i;
INSERT INTO lab SELECT i, i % 40, 'value ' || i FROM generate_series(0, 79) i;
INSERT INTO birth VALUES (1, 'pat-11', 'pat-12', 'birth'), (2, 'pat-13', 'pat-14', 'birth'), (3, 'pat-13', NULL, 'birth');
INSERT INTO birth_person VALUES (1, 'pat-11', 'mother'), (1, 'pat-12', 'child'), (2, 'pat-13', 'mother'), (2, 'pat-14', 'child'), (3, 'pat-13', 'mother');
CREATE VIEW birth_of_both AS SELECT b.id, b.note, p.role FROM birth b JOIN birth_person p ON p.birth = b.id;
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('visit', 'note', 'note'), phiguard.label('lab', 'value', 'clinical'),
	phiguard.label('birth', 'note', 'note'), phiguard.label('birth_person', 'role', 'quasi');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=patient';
SECURITY LABEL FOR phiguard ON TABLE lab IS 'subject=visit->visit';
SECURITY LABEL FOR phiguard ON TABLE birth IS 'subject=mother';
SECURITY LABEL FOR phiguard ON TABLE birth_person IS 'subject=person';
GRANT SELECT, INSERT, UPDATE, DELETE ON patient, visit, lab, birth, birth_person, birth_of_both, merge TO regress_phig_nurse;
GRANT SELECT ON patient, merge TO regress_phig_auditor;
SQL

# Who saw a person: applications, with what is certain of each.
sub saw
{
	my ($key, $relation) = @_;

	$relation //= 'patient';
	return as('auditor', "SELECT string_agg(application || '=' || certainty, ' ' ORDER BY node, position) FROM phiguard.who_saw('$relation', '$key') WHERE kind IN ('read', 'write')");
}

#
# Two persons in one record.
#
as('nurse', 'SELECT note FROM birth WHERE id = 1', 'row');
is(saw('pat-11'), 'row=seen', 'the row is about the person that its subject column names');
is(saw('pat-12'), '', 'and about nobody else');
as('nurse', 'SELECT note FROM birth_of_both WHERE id = 1', 'view');
is(saw('pat-11'), 'row=seen view=seen', 'where each of two persons has a row of its own: the first');
is(saw('pat-12'), 'view=seen', 'and the second');
is(saw('pat-14'), '', 'nobody else');
as('nurse', "UPDATE birth SET mother = 'pat-13', note = 'corrected' WHERE id = 1", 'given');
is(saw('pat-13'), 'given=written', 'a row that is given to another person: whose it is');
is(saw('pat-11'), 'row=seen view=seen given=written', 'and whose it was');
as('nurse', 'SELECT note FROM birth WHERE id = 1', 'after');
is(saw('pat-13'), 'given=written after=seen', 'from then on it is hers');
is(saw('pat-11'), 'row=seen view=seen given=written', 'and no longer hers');

#
# A merged patient: pat-2 was pat-1 all along.
#
as('nurse', "SELECT note FROM visit WHERE patient = 'pat-2'", 'b visits');
as('nurse', "SELECT value FROM lab WHERE visit = 1", 'b lab');
as('nurse', "SELECT name FROM patient WHERE id = 'pat-1'", 'a name');
as('officer', "SELECT phiguard.record_disclosure('patient', '{pat-2}', 'County', 'chart', 'public_health', 'report', now() - interval '1 day')");
my $before = saw('pat-2');
is($before, 'b visits=seen b lab=seen', 'before the merge, under the key of then');
is(as('nurse', "BEGIN; UPDATE visit SET patient = 'pat-1', note = note WHERE patient = 'pat-2'; INSERT INTO merge VALUES ('pat-2', 'pat-1'); DELETE FROM patient WHERE id = 'pat-2' AND name <> ''; COMMIT", 'merging'), '', 'the merge');
is(saw('pat-1'), 'a name=seen merging=written', 'the merge is an access to the one');
is(saw('pat-2'), "$before merging=written merging=written", 'and to the other');
as('nurse', 'SELECT value FROM lab WHERE visit = 1', 'lab after');
as('nurse', "SELECT note FROM visit WHERE id = 1", 'visit after');
is(saw('pat-1'), 'a name=seen merging=written lab after=seen visit after=seen', 'afterwards, also what is reached through re-pointed rows has the key that is left');
is(saw('pat-2'), "$before merging=written merging=written", 'and nothing has the old one any more');

# Both in one SELECT, however often somebody was merged; a record that names both is one.
my $both = <<'SQL';
WITH RECURSIVE same AS (SELECT 'pat-1' AS key UNION SELECT m.old FROM merge m JOIN same s ON m.new = s.key)
SELECT string_agg(application, ' ' ORDER BY node, position)
FROM (SELECT DISTINCT ON (node, position) w.* FROM same, phiguard.who_saw('patient', same.key) w WHERE kind IN ('read', 'write')) r
SQL
is(as('auditor', $both), 'b visits b lab a name merging merging lab after visit after', 'who saw the merged patient, in one SELECT');
is(as('auditor', "SELECT recipient FROM unnest('{pat-1,pat-2}'::text[]) k, phiguard.disclosures('patient', k)"), 'County', 'the accounting, likewise');
is(as('auditor', "SELECT count(*) FROM phiguard.disclosures('patient', 'pat-1')"), 0, 'under the key that is left alone it is not there');
as('nurse', "INSERT INTO patient VALUES ('pat-0', 'name'); INSERT INTO merge VALUES ('pat-1', 'pat-0')", 'once more');
(my $again = $both) =~ s/'pat-1' AS key/'pat-0' AS key/;
is(as('auditor', $again), 'b visits b lab a name merging merging lab after visit after once more', 'after a second merge, too');

#
# A deleted patient.
#
as('nurse', "SELECT name FROM patient WHERE id = 'pat-5'", 'alive');
as('nurse', "SELECT value FROM lab WHERE visit = 4", 'lab alive');
as('officer', "SELECT phiguard.record_disclosure('patient', '{pat-5}', 'Registry', 'chart', 'public_health', 'report', now() - interval '1 day')");
my $token = as('auditor', "SELECT phiguard.subject_token('patient', 'pat-5')");
as('nurse', "DELETE FROM patient WHERE id = 'pat-5'", 'deleting');
is(sql("SELECT count(*) FROM patient p FULL JOIN visit v ON p.id = v.patient WHERE 'pat-5' IN (p.id, v.patient)"), 0, 'no row is left of a patient');
is(as('auditor', "SELECT phiguard.subject_token('patient', 'pat-5')"), $token, 'the token can still be made');
like(saw('pat-5'), qr/^alive=seen lab alive=seen deleting=written/, 'and who saw the patient still be found');
like(saw('pat-5', 'visit'), qr/^alive=seen lab alive=seen deleting=written/, 'by any table of the same persons');
is(as('auditor', "SELECT recipient FROM phiguard.disclosures('patient', 'pat-5')"), 'Registry', 'the accounting stays');
is(as('officer', "SELECT phiguard.record_disclosure('patient', '{pat-5}', 'Court', 'chart', 'judicial', 'order', now()) > 0"), 't', 'and goes on: copies may be out');
is(as('auditor', "SELECT string_agg(recipient, ' ' ORDER BY recipient) FROM phiguard.disclosures('patient', 'pat-5')"), 'Court Registry', 'it is in there');
is(as('auditor', "SELECT count(*) FROM phiguard.access_log WHERE '$token' = ANY (subjects) AND application = 'alive'"), 1, 'the log itself has the token');

# What led to the person is gone with the visits: whoever it was cannot be ruled out.
as('nurse', 'SELECT value FROM lab WHERE visit = 4', 'orphan');
like(saw('pat-5'), qr/ orphan=possible$/, 'a row whose way to the person is gone');
like(saw('pat-6'), qr/orphan=possible$/, 'may be anybody\'s');
sql("INSERT INTO patient VALUES ('pat-5', 'somebody else')");
as('nurse', "SELECT name FROM patient WHERE id = 'pat-5'", 'reused');
like(saw('pat-5'), qr/^alive=seen .* reused=seen$/, 'a key that is used again is one person to the record');

# Nothing of this is in the journal by key.
my @files = grep { -f } glob($node->data_dir . '/phiguard/journal/*');
is((grep { slurp_file($_) =~ /\bpat-\d/ } @files), 0, 'no key is in the journal');
journal_is_intact($node, 'the journal is intact');
done_testing();
