# Labels survive dump and restore, into another database, another cluster and through pg_upgrade; where a restore
# loses them, verify_labels() says so.  What was refused as a label is in no log.
use strict;
use warnings;
use File::Copy ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $labels = q{SELECT object_kind, schema, relation, column_name, label FROM phiguard.labels
	WHERE schema <> 'phiguard' ORDER BY 1, 2, 3, 4};
my $dictionary = q{SELECT schema, relation, column_name, category, kind, conf, sens, label_source
	FROM phiguard.data_dictionary ORDER BY 1, 2, 3};
my $findings = 'SELECT * FROM phiguard.verify_labels()';

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'\nlog_statement = none\n");
	$node->start;
	return $node;
}

# The same labels there as in the first place, and both books agree.
sub same_labels
{
	my ($node, $database, $expected, $what) = @_;
	is($node->safe_psql($database, $labels), $expected->{labels}, "$what: the labels");
	is($node->safe_psql($database, $dictionary), $expected->{dictionary}, "$what: what they amount to");
	is($node->safe_psql($database, $findings), '', "$what: verify_labels() finds nothing");
}

my $primary = new_node('primary');
$primary->safe_psql('postgres', 'CREATE ROLE clinic');
$primary->safe_psql('postgres', 'CREATE DATABASE source OWNER clinic');
$primary->safe_psql('source', <<'SQL');
CREATE EXTENSION phiguard;
CREATE SCHEMA ward;
GRANT ALL ON SCHEMA ward, public TO clinic;
SET ROLE clinic;
CREATE DOMAIN ward.chart_no AS text;
SECURITY LABEL FOR phiguard ON DOMAIN ward.chart_no IS 'mrn kind=patient';
CREATE TABLE ward.patient ("Id" int PRIMARY KEY, ssn phiguard.ssn, chart ward.chart_no[], note text, hair text,
	initials text GENERATED ALWAYS AS (left(note, 2)) STORED);
SECURITY LABEL FOR phiguard ON COLUMN ward.patient.note IS 'note kind=clinical conf=R sens=PSY,HIV';
SECURITY LABEL FOR phiguard ON COLUMN ward.patient.hair IS 'none';
SECURITY LABEL FOR phiguard ON COLUMN ward.patient."Id" IS 'other';
SECURITY LABEL FOR phiguard ON TABLE ward.patient IS 'subject="Id"';
CREATE TABLE visit (id int, day date, who text) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SECURITY LABEL FOR phiguard ON COLUMN visit.who IS 'name';
ALTER TABLE visit DETACH PARTITION visit_2;
CREATE MATERIALIZED VIEW notes AS SELECT note FROM ward.patient;
INSERT INTO ward.patient VALUES (1, '219-09-1234', '{7}', 'seen', 'grey');
RESET ROLE;
CREATE TEMP TABLE scratch (LIKE ward.patient);
SQL
my $expected = {
	labels => $primary->safe_psql('source', $labels),
	dictionary => $primary->safe_psql('source', $dictionary)
};
is(scalar(split /\n/, $expected->{labels}), 8, 'eight labels to begin with');
is($primary->safe_psql('source', $findings), '', 'registered, all of them');

# Plain, into another database; the owner need not be an officer for his labels to come back.
my $dump = $primary->basedir . '/plain.sql';
$primary->command_ok([ 'pg_dump', '-f', $dump, 'source' ], 'pg_dump');
$primary->safe_psql('postgres', 'CREATE DATABASE copy');
$primary->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy' ], 'restore into another database');
same_labels($primary, 'copy', $expected, 'another database');

# A dump of the copy is the same dump: rows of the registry that are there twice change nothing.
$primary->command_ok([ 'pg_dump', '-f', "$dump.2", 'copy' ], 'pg_dump of the copy');
$primary->safe_psql('postgres', 'CREATE DATABASE copy2');
$primary->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.2", 'copy2' ], 'restore the copy');
same_labels($primary, 'copy2', $expected, 'the copy of the copy');

# Into another cluster, in parallel.
my $archive = $primary->basedir . '/archive';
$primary->command_ok([ 'pg_dump', '-Fc', '-f', $archive, 'source' ], 'pg_dump -Fc');
my $other = new_node('other');
# Tokens of persons in the record need the master key: without it a relation with a subject is not read.
File::Copy::copy($primary->data_dir . '/phiguard_master.key', $other->data_dir . '/phiguard_master.key') or die;
chmod 0600, $other->data_dir . '/phiguard_master.key';
$other->safe_psql('postgres', 'CREATE ROLE clinic');
$other->safe_psql('postgres', 'CREATE DATABASE source');
$other->command_ok([ 'pg_restore', '-e', '-j', '2', '-d', 'source', $archive ], 'pg_restore -j 2 into another cluster');
same_labels($other, 'source', $expected, 'another cluster');

# Without labels, the registry misses every one that it knew, and a label of a type stays with the type.
$primary->command_ok([ 'pg_dump', '--no-security-labels', '-f', "$dump.3", 'source' ], 'pg_dump --no-security-labels');
$primary->safe_psql('postgres', 'CREATE DATABASE lost');
$primary->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.3", 'lost' ], 'restore without labels');
is($primary->safe_psql('lost', $labels), '', 'the labels are lost');
is( $primary->safe_psql('lost', q{SELECT object, finding, registered FROM phiguard.verify_labels() ORDER BY 1}),
	join("\n",
		'column Id of table ward.patient|label is gone|other',
		'column hair of table ward.patient|label is gone|none',
		'column note of materialized view notes|label is gone|note kind=clinical conf=R sens=HIV,PSY',
		'column note of table ward.patient|label is gone|note kind=clinical conf=R sens=HIV,PSY',
		'column who of table visit|label is gone|name',
		'column who of table visit_2|label is gone|name',
		'table ward.patient|label is gone|subject="Id"',
		'type ward.chart_no|label is gone|mrn kind=patient'),
	'and verify_labels() names them');
is( $primary->safe_psql('lost', q{SELECT category FROM phiguard.data_dictionary WHERE relation = 'patient' AND column_name = 'ssn'}),
	'ssn', 'what the type says is not lost');

# A dump without some of the tables restores, and their rows in the registry are found to speak of nothing.
$primary->command_ok([ 'pg_dump', '-N', 'ward', '-T', 'notes', '-f', "$dump.4", 'source' ], 'pg_dump without a schema');
$primary->safe_psql('postgres', 'CREATE DATABASE partial');
$primary->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.4", 'partial' ], 'restore a part');
is( $primary->safe_psql('partial', q{SELECT finding, count(*) FROM phiguard.verify_labels() GROUP BY 1}),
	'object is gone|6', 'what was left out is named');
$primary->safe_psql('postgres', 'DROP DATABASE partial');

# A text that is no label may be PHI in the wrong place: it is in no log.
for my $statement (
	q{SECURITY LABEL FOR phiguard ON COLUMN visit.who IS 'Zacharias Quill'},
	q{SECURITY LABEL FOR phiguard ON COLUMN visit.who IS 'name kind=Zacharias'},
	q{SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=Zacharias'},
	q{SECURITY LABEL FOR phiguard ON SCHEMA ward IS 'Zacharias'},
	q{SELECT phiguard.label('visit', 'who', 'Zacharias Quill')},
	q{DO $$ BEGIN PERFORM phiguard.label('visit', 'who', 'Zacharias Quill'); END $$})
{
	my ($status, $stdout, $stderr) = $primary->psql('source', $statement);
	isnt($status, 0, 'refused: ' . substr($statement, 0, 40));
	(my $message = $stderr) =~ s/^(LINE|QUERY|CONTEXT).*//msg;
	unlike($message, qr/Zacharias|Quill/, 'and not repeated');
}
ok(slurp_file($primary->logfile) !~ /Zacharias|Quill/, 'nor logged');

# pg_upgrade carries relations and the registry as files, and labels by dump.
my $new = PostgreSQL::Test::Cluster->new('upgraded');
$new->init;
$new->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'\n");
$primary->stop;
my $bindir = $new->config_data('--bindir');
chdir $new->basedir;
command_ok(
	[
		'pg_upgrade', '--no-sync', '-d', $primary->data_dir, '-D', $new->data_dir,
		'-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $primary->port, '-P', $new->port
	],
	'pg_upgrade');
$new->start;
same_labels($new, 'source', $expected, 'pg_upgrade');
same_labels($new, 'copy', $expected, 'pg_upgrade of a restored database');
$new->stop;
$other->stop;

done_testing();
