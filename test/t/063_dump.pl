# A dump carries labels, their registry and the types into a new database and a new cluster.
use strict;
use warnings;
use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('source');
my $other = PostgreSQL::Test::Cluster->new('target');
$other->init;
$other->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'\n");
$other->start;

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE patient (id int PRIMARY KEY, ssn text, born date, zip text, hair text, "Odd ""Name" text);
INSERT INTO patient VALUES (1, '000-00-0001', '1950-01-02', '12345', 'grey', 'x');
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn conf=R';
SECURITY LABEL FOR phiguard ON COLUMN patient.born IS 'date kind=birth';
SECURITY LABEL FOR phiguard ON COLUMN patient.zip IS 'geo kind=zip sens=HIV,PSY';
SECURITY LABEL FOR phiguard ON COLUMN patient.hair IS 'none';
SECURITY LABEL FOR phiguard ON COLUMN patient."Odd ""Name" IS 'note';
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
CREATE DOMAIN my_mrn AS text CHECK (VALUE LIKE 'M%');
SECURITY LABEL FOR phiguard ON DOMAIN my_mrn IS 'mrn';
CREATE TABLE visit (mrn my_mrn, mail phiguard.email, mails phiguard.email[], diag text);
INSERT INTO visit VALUES ('M1', 'a@example.org', '{b@example.org}', 'cold');
CREATE TABLE result (day date, value text) PARTITION BY RANGE (day);
CREATE TABLE result_new PARTITION OF result FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SECURITY LABEL FOR phiguard ON COLUMN result.value IS 'clinical';
CREATE MATERIALIZED VIEW patient_copy AS SELECT id, ssn FROM patient;
CREATE TABLE made AS SELECT born FROM patient;
CREATE FUNCTION decade(d date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT extract(decade FROM d)::int';
CREATE FUNCTION area(t text) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT left(t, 1); END;
CREATE FUNCTION stale(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left(t, 1)';
SELECT phiguard.register_transform('decade(date)', 'generalisation', 'quasi', '{date}', '{birth}', methods => '{safe_harbor}', source => 'ours'),
       phiguard.register_transform('area(text)', 'generalisation', 'none'), phiguard.register_transform('stale(text)', 'mask', 'none');
CREATE OR REPLACE FUNCTION stale(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT t';
CREATE TABLE computed (born date, d int GENERATED ALWAYS AS (decade(born)) STORED);
INSERT INTO computed VALUES ('1950-01-02');
SECURITY LABEL FOR phiguard ON COLUMN computed.born IS 'date kind=birth';
CREATE MATERIALIZED VIEW decades AS SELECT decade(born) AS d FROM patient;
SQL

my $label_query = q{SELECT * FROM phiguard.labels l WHERE l::text NOT LIKE '%(phiguard,%' ORDER BY l::text};
my $seclabel_query = q{SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'phiguard' ORDER BY 1, 2, 3};
my $transform_query = q{SELECT t.*, definition FROM phiguard.transforms t JOIN phiguard.transform_registry USING (function) ORDER BY function};
my $derived_query = q{SELECT relation, column_name, category, label_source FROM phiguard.data_dictionary WHERE relation IN ('computed', 'decades') ORDER BY 1, 2};
my @queries = ($label_query, $seclabel_query, $transform_query, $derived_query);
my %before = map { $_ => $node->safe_psql('postgres', $_) } @queries;
like($before{$transform_query}, qr/^decade\|public\.decade\(date\)\|.*\|f\|ours\|t\|[0-9a-f]{64}$/m, 'there is a transform to lose');
like($before{$transform_query}, qr/^stale\|public\.stale\(text\)\|.*\|f\|\|f\|[0-9a-f]{64}$/m, 'and one that has been replaced');
like($before{$label_query}, qr/ssn/, 'there are labels to lose');
is($node->safe_psql('postgres', 'SELECT * FROM phiguard.verify_labels()'), '', 'and none is lost yet');

my $base = "$PostgreSQL::Test::Utils::tmp_check/dump";
command_ok([ 'pg_dump', '-Fp', '-f', "$base.sql", '-d', $node->connstr('postgres') ], 'pg_dump, plain');
command_ok([ 'pg_dump', '-Fc', '-f', "$base.custom", '-d', $node->connstr('postgres') ], 'pg_dump, custom');

sub same_labels
{
	my ($there, $db, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($there->safe_psql($db, $_), $before{$_}, "$name: the same labels and transforms") foreach (@queries);
	is($there->safe_psql($db, 'SELECT * FROM phiguard.verify_labels()'), '', "$name: verify_labels() finds nothing");
	run_sql($there, 'SELECT ssn FROM patient; SELECT mrn, mails FROM visit; SELECT value FROM result_new; SELECT ssn FROM patient_copy; SELECT born FROM made',
		db => $db, app => "read $name");
	records_are($there, "application = 'read $name' AND kind = 'read'", [
		'read SELECT; returned patient.ssn; rows 1; ok; flags exempt',
		'read SELECT; returned visit.mails, visit.mrn; rows 1; ok; flags exempt',
		'read SELECT; returned result_new.value; rows 0; ok; flags exempt',
		'read SELECT; returned patient_copy.ssn; rows 1; ok; flags exempt',
		'read SELECT; returned made.born; rows 1; ok; flags exempt' ], "$name: and reads are on record");
	return;
}

$node->safe_psql('postgres', 'CREATE DATABASE again');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$base.sql", '-d', $node->connstr('again') ], 'restored into a new database');
same_labels($node, 'again', 'new database');

# Tables with a subject are read where the master key is, which no dump carries.
copy($node->data_dir . '/phiguard_master.key', $other->data_dir . '/phiguard_master.key') or die "the key: $!";
chmod 0600, $other->data_dir . '/phiguard_master.key';
$other->safe_psql('postgres', 'CREATE DATABASE again');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr('again'), "$base.custom" ], 'restored into a new cluster');
$other->safe_psql('postgres', 'CREATE EXTENSION phiguard');
same_labels($other, 'again', 'new cluster');

$other->safe_psql('postgres', 'CREATE DATABASE parallel');
command_ok([ 'pg_restore', '-j', '2', '-d', $other->connstr('parallel'), "$base.custom" ], 'restored by several sessions');
same_labels($other, 'parallel', 'several sessions');

# The control: a dump that lost one label is found out.
my $dump = slurp_file("$base.sql");
my $lost = ($dump =~ s/^SECURITY LABEL FOR phiguard ON COLUMN public\.patient\.ssn .*\n//mg);
is($lost, 1, 'one label is taken out of the dump');
append_to_file("$base.lost.sql", $dump);
$other->safe_psql('postgres', 'CREATE DATABASE lossy');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$base.lost.sql", '-d', $other->connstr('lossy') ], 'restored without it');
my $finding = $other->safe_psql('lossy', 'SELECT * FROM phiguard.verify_labels()');
like($finding, qr/patient.*ssn/, 'verify_labels() names what is missing');
is(scalar(split /\n/, $finding), 1, 'and only that');

$_->stop foreach ($node, $other);
done_testing();
