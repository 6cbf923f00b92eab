# Extracts: made, attested, read, closed; and what changes between creation and read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('extract', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore',
	"phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_scientist LOGIN;
CREATE ROLE regress_phig_owner LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_officer, regress_phig_owner;
SET ROLE regress_phig_owner;
CREATE TABLE patient (id int PRIMARY KEY, name text, ssn text, mrn text, birth date, zip text, sex text);
CREATE TABLE visit (id int PRIMARY KEY, patient int, admitted timestamp, note text, diagnosis text);
INSERT INTO patient SELECT i, 'Name' || i, '123-45-' || 1000 + i, 'M' || i, CASE i WHEN 1 THEN date '1915-02-03' ELSE date '1950-05-05' + i END, '0213' || i, 'f'
	FROM generate_series(1, 5) i;
INSERT INTO visit SELECT i, 1 + i % 5, timestamp '2024-03-03 10:00' + i * interval '40 days', 'seen Mr. Jones on 3/4/2024', 'I' || i % 3 FROM generate_series(1, 10) i;
GRANT SELECT ON patient, visit TO regress_phig_officer;
RESET ROLE;
SELECT phiguard.label('patient', 'id', 'other'), phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('patient', 'mrn', 'mrn'),
	phiguard.label('patient', 'birth', 'date kind=birth'), phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'sex', 'quasi'),
	phiguard.label('visit', 'id', 'none'), phiguard.label('visit', 'patient', 'other'), phiguard.label('visit', 'admitted', 'date kind=event'),
	phiguard.label('visit', 'note', 'note'), phiguard.label('visit', 'diagnosis', 'clinical');
SELECT phiguard.create_key('dua-1'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'), phiguard.allow('study', category => 'quasi'),
	phiguard.allow('study', category => 'clinical'), phiguard.allow('study', category => 'other'), phiguard.allow('study', category => 'geo', kind => 'zip', transform => 'mask'),
	phiguard.allow('study', category => 'date', transform => 'year');
SELECT phiguard.create_agreement('dua-1', 'DUA', 'University X', '{study}');
SQL

my ($out, $err);

sub officer { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_officer', @_[1 .. $#_]); return $out }
sub reads { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_scientist', @_[1 .. $#_]); return $out }
sub su { ($out, $err) = run_sql($node, $_[0]); return $out }

sub shows
{
	my ($sql, $expected, $name, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	reads($sql, %opt);
	is("$out$err", $expected, $name);
}

sub closed
{
	my ($why, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	reads('SELECT count(*) FROM train');
	like($err, qr/extract public.train is closed.*$why/s, $name);
	is($out, '', "... and nothing comes out");
}

my $create = q{SELECT phiguard.create_extract('train', $$
	SELECT phiguard.birth_year(p.birth, current_date) AS born, phiguard.zip3(p.zip) AS zip3, p.sex, phiguard.year(v.admitted) AS year, v.diagnosis
	  FROM patient p JOIN visit v ON v.patient = p.id $$, 'study', agreement => 'dua-1');
	GRANT SELECT ON train TO regress_phig_scientist;};

# Made, attested, read.
officer($create);
is("$out$err", '', 'an extract is made');
is(officer(q{SELECT column_name, array_to_string(sources, ' '), array_to_string(transforms, ' '), verdict, citation FROM phiguard.check_extract('train')}), <<'OUT' =~ s/\n$//r, 'and says what it is made of');
born|public.patient.birth|birth_year|passes|45 CFR 164.514(b)(2)(i)(C)
zip3|public.patient.zip|zip3|passes|45 CFR 164.514(b)(2)(i)(B)
sex|public.patient.sex||passes|45 CFR 164.514(b)(2)(i)
year|public.visit.admitted|year|passes|45 CFR 164.514(b)(2)(i)(C)
diagnosis|public.visit.diagnosis||passes|45 CFR 164.514(b)(2)(i)
|public.patient.id||steers|45 CFR 164.514(d)
|public.visit.patient||steers|45 CFR 164.514(d)
|||closed|
OUT
closed('Nobody has attested', 'without an attestation it is closed');
officer(q{SELECT phiguard.attest_extract('train', 'no actual knowledge')});
is($err, '', 'it is attested');
my $rows = 'SELECT * FROM train ORDER BY born, zip3, year, diagnosis LIMIT 2';
shows($rows, "1936|021|f|2024|I2\n1936|021|f|2025|I1", 'and open: readers need SELECT on the view only');
diag($err) if $err;
done_testing();
