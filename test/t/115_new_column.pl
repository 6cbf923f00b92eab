# Columns that are new: dumps are restored whatever phiguard.on_new_column says, ANALYZE of everything, extensions' scripts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('new_column', 'phiguard.on_new_column = notice', 'autovacuum = off');

my $labels = q{SELECT string_agg(relation || '.' || column_name || '=' || label, ' ' ORDER BY relation, column_name)
	FROM phiguard.labels WHERE schema = 'clinic'};

# Of the columns that look like PHI one is labelled so, one is reviewed and one nobody has looked at.
run_sql($node, q{
	CREATE ROLE maker LOGIN;
	GRANT CREATE ON DATABASE postgres TO maker;
	CREATE SCHEMA clinic AUTHORIZATION maker;
	SET ROLE maker;
	CREATE TABLE clinic.patient (ssn text, email text, home_phone text);
	INSERT INTO clinic.patient SELECT '219-09-12' || i, 'ann' || i || '@example.org', '617-555-01' || i FROM generate_series(10, 40) i;
	RESET ROLE;
	SECURITY LABEL FOR phiguard ON COLUMN clinic.patient.ssn IS 'ssn';
	SECURITY LABEL FOR phiguard ON COLUMN clinic.patient.email IS 'none';
});
my ($was) = run_sql($node, $labels);
is($was, 'patient.email=none patient.ssn=ssn', 'labelled, reviewed, not looked at');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/clinic';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-n', 'clinic', '-f', "$dump.sql" ], 'dumped as a script');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-n', 'clinic', '-Fc', '-f', "$dump.dump" ], 'dumped as an archive');

for my $setting (qw(notice label refuse))
{
	for my $how ('script', 'archive', 'archive of an owner')
	{
		my $database = "to_$setting" . ($how =~ tr/a-z/_/cr);
		my $as = $how =~ /owner/ ? 'maker' : 'postgres';

		run_sql($node, "CREATE DATABASE $database; ALTER DATABASE $database SET phiguard.on_new_column = '$setting'; GRANT CREATE ON DATABASE $database TO maker");
		run_sql($node, 'CREATE EXTENSION phiguard', db => $database);
		my $connstr = $node->connstr($database) . " user=$as";
		my @command = $how eq 'script' ? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $connstr, '-f', "$dump.sql")
		  : ('pg_restore', '--exit-on-error', '-d', $connstr, $as eq 'maker' ? '--no-owner' : (), "$dump.dump");
		$node->command_ok(\@command, "$setting: restored, $how");
		my ($got) = run_sql($node, "$labels; SELECT count(*) FROM clinic.patient", db => $database);
		is($got, "$was\n31", "$setting: labels and rows of the $how are as they were");
	}
}

# The control: what is no restore is refused, with the same table.
my (undef, $err) = run_sql($node, 'CREATE TABLE control (ssn text)', db => 'to_refusescript');
like($err, qr/ERROR:  columns of relation "control" look like PHI and have no label: ssn$/m, 'no restore: refused');

# A script of an extension makes its tables; the server's own contrib modules do.
(undef, $err) = run_sql($node, 'CREATE EXTENSION IF NOT EXISTS lo; CREATE EXTENSION IF NOT EXISTS pg_stat_statements', db => 'to_refusescript');
unlike($err, qr/look like PHI/, 'extensions are not refused');

# IMPORT FOREIGN SCHEMA makes tables of what another server has.
run_sql($node, 'CREATE DATABASE importer');
run_sql($node, 'CREATE EXTENSION phiguard; CREATE EXTENSION postgres_fdw; CREATE SCHEMA there; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host \''
	  . $node->host . "', port '" . $node->port . "', dbname 'postgres'); CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'postgres')", db => 'importer');
my $import = 'IMPORT FOREIGN SCHEMA clinic FROM SERVER elsewhere INTO there';
(undef, $err) = run_sql($node, "BEGIN; $import; ROLLBACK", db => 'importer');
like($err, qr/NOTICE:  columns of relation "patient" look like PHI and have no label: ssn, email, home_phone$/m, 'an imported schema: told of');
(undef, $err) = run_sql($node, "SET phiguard.on_new_column = refuse; $import", db => 'importer');
like($err, qr/ERROR:  columns of relation "patient" look like PHI and have no label: ssn, email, home_phone$/m, 'an imported schema: refused');
run_sql($node, "SET phiguard.on_new_column = label; $import", db => 'importer');
is((run_sql($node, $labels =~ s/clinic/there/r, db => 'importer'))[0], 'patient.email=email patient.home_phone=phone kind=home patient.ssn=ssn', 'an imported schema: labelled');

# Nothing is said of the values of others' tables, and no label set on them, where ANALYZE passes them over.
run_sql($node, q{CREATE TABLE others (a text); INSERT INTO others SELECT 'ann' || i || '@example.org' FROM generate_series(1, 40) i});
for my $setting (qw(notice label refuse))
{
	run_sql($node, "ALTER DATABASE postgres SET phiguard.on_new_column = '$setting'");
	(undef, $err) = run_sql($node, 'ANALYZE others; ANALYZE; VACUUM (ANALYZE) others', as => 'maker');
	like($err, qr/permission denied to analyze "others"|skipping "others"/, "$setting: who may not analyze a table ...");
	unlike($err, qr/of relation "others"/, '... is told nothing of it');
}
is((run_sql($node, q{SELECT count(*) FROM phiguard.labels WHERE relation = 'others'}))[0], '0', '... nor labels it');
run_sql($node, q{ALTER DATABASE postgres RESET phiguard.on_new_column});
(undef, $err) = run_sql($node, 'ANALYZE others');
like($err, qr/columns of relation "others" look like PHI/, 'control: who may analyze it is told');

# Nor in how many rows of others it is, to who may only write.
run_sql($node, q{CREATE TABLE inbox (a text, b text); INSERT INTO inbox SELECT 'ann' || i || '@example.org', 'ann' || i || '@example.org' FROM generate_series(1, 40) i;
	GRANT INSERT ON inbox TO maker; ALTER DATABASE postgres SET phiguard.on_new_column = 'notice'});
(undef, $err) = run_sql($node, "COPY inbox FROM stdin;\nx\ty\n\\.\n", as => 'maker');
like($err, qr/DETAIL:  a: email \(content\), b: email \(content\)\.$/m, 'who may not read is told of what kind it is');
run_sql($node, 'GRANT SELECT (b) ON inbox TO maker');
(undef, $err) = run_sql($node, "COPY inbox FROM stdin;\nx\ty\n\\.\n", as => 'maker');
like($err, qr/DETAIL:  a: email \(content\), b: email \(content: \d+ % e-mail of 42 values\)\.$/m, 'control: who may is told in how many rows');

# ANALYZE of all tables looks at those that have no statistics, once, and shows no value.
run_sql($node, q{CREATE TABLE plain (a text, b text); INSERT INTO plain SELECT 'ann' || i || '@example.org', 'red' FROM generate_series(1, 40) i;
	ALTER DATABASE postgres SET phiguard.on_new_column = 'label'});
(undef, $err) = run_sql($node, 'ANALYZE');
like($err, qr/column "a" of relation "plain" is labelled "email"/, 'ANALYZE of everything: found by content');
unlike($err, qr/example\.org/, 'no value is shown');
(undef, $err) = run_sql($node, 'ANALYZE');
is($err, '', 'the second time nothing is said');

# What a label that came so protects: the next statement is on record.
my ($log) = run_sql($node, q{SELECT a FROM plain LIMIT 1; SELECT count(*) > 0 FROM phiguard.access_log WHERE 'public.plain.a' = ANY (returned)});
like($log, qr/^t$/m, 'from then on it is on record who reads it');

# Two sessions load one table at once: both find it, one label is set, neither fails.
run_sql($node, 'CREATE TABLE shared (a text)');
my $load = "COPY shared FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10; do echo ann\$i\@example.org; done'";
my @loaders = map { $node->background_psql('postgres') } 1, 2;
$loaders[0]->query_safe("BEGIN; SET client_min_messages = error; $load");
$loaders[1]->query_safe('SET client_min_messages = error');
$loaders[1]->query_until(qr/^sent$/m, "\\echo sent\nBEGIN; $load; COMMIT;\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'shared'::regclass AND NOT granted}) or die 'the second loader does not wait';
$loaders[0]->query_safe('COMMIT');
$_->quit foreach @loaders;
my ($both) = run_sql($node, q{SELECT count(*), (SELECT label FROM phiguard.labels WHERE relation = 'shared') FROM shared});
is($both, '20|email', 'two loaders: all rows, one label');

# An officer reviews the column while it is loaded: what the officer says holds.
run_sql($node, 'CREATE TABLE reviewed (a text)');
@loaders = map { $node->background_psql('postgres') } 1, 2;
$loaders[0]->query_safe(q{BEGIN; SECURITY LABEL FOR phiguard ON COLUMN reviewed.a IS 'none'});
$loaders[1]->query_safe('SET client_min_messages = error');
$loaders[1]->query_until(qr/^sent$/m, "\\echo sent\n" . $load =~ s/shared/reviewed/r . ";\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'reviewed'::regclass AND NOT granted}) or die 'the loader does not wait';
$loaders[0]->query_safe('COMMIT');
$_->quit foreach @loaders;
is((run_sql($node, q{SELECT count(*), (SELECT label FROM phiguard.labels WHERE relation = 'reviewed') FROM reviewed}))[0], '10|none', 'reviewed meanwhile: the rows, and the label as the officer set it');

# What a subtransaction takes back is looked at again.
run_sql($node, 'CREATE TABLE undone (a text)');
my $undone = $load =~ s/shared/undone/r;
run_sql($node, "BEGIN; SAVEPOINT s; $undone; ROLLBACK TO s; $undone; COMMIT");
is((run_sql($node, q{SELECT label FROM phiguard.labels WHERE relation = 'undone'}))[0], 'email', 'loaded again after ROLLBACK TO: labelled');

# An error of ours on a labelled table keeps its words: there is no value in them.
run_sql($node, q{CREATE TABLE half (ssn text); SELECT phiguard.label('half', 'ssn', 'ssn')});
(undef, $err) = run_sql($node, q{SET phiguard.on_new_column = 'refuse'; ALTER TABLE half ADD COLUMN email text});
like($err, qr/columns of relation "half" look like PHI and have no label: email\nDETAIL:  phiguard.on_new_column is refuse. email: email \(name\).\nHINT:  Give them types/, 'on a labelled table too');

# Long values are looked at in part.
run_sql($node, q{CREATE TABLE large (a text); INSERT INTO large SELECT repeat('Seen by Dr. Beeler on 3/14/2019. ', 20000) FROM generate_series(1, 20)});
(undef, $err) = run_sql($node, 'ANALYZE large');
like($err, qr/labelled "note"/, 'long values: the beginning of each is looked at');

$node->stop;
done_testing();
