# Roll-out: an application that owns its tables goes from audit to enforce, table by table, without an error.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('rollout', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore');
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_app LOGIN;
CREATE ROLE regress_phig_analyst LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_app;
SQL
run_sql($node, <<'SQL', as => 'regress_phig_app');
CREATE TABLE patient (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name text, ssn text, changed timestamptz DEFAULT now());
CREATE TABLE visit (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, patient int REFERENCES patient, note text);
GRANT SELECT ON patient, visit TO regress_phig_analyst;
SQL
$node->safe_psql('postgres', <<'SQL');
SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('visit', 'note', 'note');
SELECT phiguard.review('patient'), phiguard.review('visit');
SQL

# What an ORM does with a patient and a visit: all columns named, rows written back as they were read.
my $work = <<'SQL';
BEGIN;
PREPARE one AS SELECT p.id, p.name, p.ssn, p.changed FROM patient p WHERE p.id = $1;
INSERT INTO patient (name, ssn) VALUES ('A', '123') RETURNING id, name, ssn, changed;
EXECUTE one(1);
UPDATE patient SET name = name, ssn = ssn, changed = now() WHERE id = 1 RETURNING changed IS NULL;
INSERT INTO visit (patient, note) VALUES (1, 'n') RETURNING id;
SELECT count(*) FROM visit v JOIN patient p ON p.id = v.patient WHERE v.note LIKE 'n%' AND p.name IS NOT NULL;
DELETE FROM visit WHERE note = 'x';
COMMIT;
SQL

# The errors of one run of the application, and what was flagged.
sub work_as
{
	my ($app, %opt) = @_;
	my ($out, $err) = run_sql($node, $work, as => 'regress_phig_app', app => $app, %opt);

	return $err;
}

sub flagged
{
	my ($app, $flag) = @_;

	return scalar grep { $_->{flags} =~ /\b$flag\b/ } records($node, "application = '$app' AND kind IN ('read', 'write')");
}

is(work_as('no policy'), '', 'audit: the application works');
is(flagged('no policy', 'would_deny'), 0, 'nothing is flagged while nobody has written a policy');

$node->safe_psql('postgres', <<'SQL');
SELECT phiguard.create_purpose('treatment', code => 'TREAT', otherwise => 'clear');
SELECT phiguard.create_purpose('quality', code => 'HOPERAT', otherwise => 'mask');
SELECT phiguard.grant_purpose('quality', 'regress_phig_analyst');
SQL
is(work_as('no grant'), '', 'audit with a policy: it still works');
cmp_ok(flagged('no grant', 'would_deny'), '>', 4, '... and what would be refused is flagged');

run_sql($node, 'SELECT name FROM patient', as => 'regress_phig_analyst', app => 'analyst', options => "options='-c phiguard.purpose=quality'");
is(flagged('analyst', 'would_transform'), 1, 'what would be masked as well');
is(flagged('analyst', 'would_deny'), 0, '... and is not called refused');

my ($cached) = run_sql($node, "PREPARE q AS SELECT name FROM patient WHERE id = 1; SET plan_cache_mode = force_generic_plan; EXECUTE q; SET phiguard.purpose = 'quality'; EXECUTE q",
	as => 'regress_phig_analyst', app => 'cached');
is_deeply([ map { join ' ', grep { /^would/ } split / /, $_->{flags} } records($node, "application = 'cached' AND kind = 'read'") ],
	[ 'would_deny', 'would_transform' ], 'a prepared statement is flagged for the purpose that it runs under');

$node->safe_psql('postgres', "SELECT phiguard.grant_purpose('treatment', 'regress_phig_app'); ALTER ROLE regress_phig_app SET phiguard.purpose = 'treatment'");
is(work_as('granted'), '', 'with its purpose');
is(flagged('granted', 'would_(deny|transform)'), 0, '... nothing would change for the application');

# The server enforces; tables follow one by one.
$node->safe_psql('postgres', "SELECT phiguard.set_mode('patient', 'audit'), phiguard.set_mode('visit', 'audit')");
$node->append_conf('postgresql.conf', 'phiguard.mode = enforce');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = 'enforce'");
is(work_as('server'), '', 'the server enforces, no table does');
my ($out, $err) = run_sql($node, 'SELECT name FROM patient WHERE id = 1', as => 'regress_phig_analyst', app => 'analyst 2');
is("$out$err", 'A', 'nobody is restricted yet');
is(flagged('analyst 2', 'would_deny'), 1, '... and what would be refused is still flagged');

$node->safe_psql('postgres', "SELECT phiguard.set_mode('patient', 'enforce')");
is(work_as('one table'), '', 'one table');
($out, $err) = run_sql($node, "SELECT name FROM patient WHERE id = 1; SELECT note FROM visit WHERE id = 1", as => 'regress_phig_analyst');
like($err, qr/table public.patient is open only to a purpose/, 'it is closed to those without a purpose');
is($out, 'n', 'the other is not');
$node->safe_psql('postgres', "SELECT phiguard.set_mode('visit', 'enforce')");
is(work_as('both tables'), '', 'both tables: the application has not seen an error');
($out, $err) = run_sql($node, 'SELECT name FROM patient WHERE id = 1; SELECT note FROM visit WHERE id = 1', as => 'regress_phig_analyst', options => "options='-c phiguard.purpose=quality'");
is("$out$err", "***\n***", 'the analyst sees what the purpose shows');
is((run_sql($node, "SELECT DISTINCT name || ssn FROM patient"))[0], 'A123', 'what the application wrote back is what it had read');


# --- What a query would show, asked before it is run.
my $explain = "SELECT array_to_string(ARRAY[use, relation, column_name, shown, because, verdict], ' ', '-') FROM phiguard.explain_access";
is((run_sql($node, "$explain(\$\$SELECT name, note FROM patient p JOIN visit v ON v.patient = p.id WHERE ssn = '1'\$\$, 'regress_phig_analyst', 'quality')"))[0], <<'END' =~ s/\n\z//r, 'explain_access()');
returned patient name mask otherwise -
returned visit note mask otherwise -
referenced patient ssn mask otherwise -
statement - - - - runs, and not all columns and rows are clear
END
is((run_sql($node, "$explain('SELECT name FROM patient', 'regress_phig_analyst', 'treatment')"))[0],
	'statement - - - - refused: table public.patient is open only to a purpose that is granted. Purpose "treatment" is not granted to role "regress_phig_analyst".', '... for a purpose that is not granted');
like((run_sql($node, "$explain('SELECT name FROM patient', 'postgres', 'treatment')"))[0], qr/sees everything/, '... for a superuser');
($out, $err) = run_sql($node, "$explain('UPDATE patient SET name = name', 'regress_phig_analyst', 'quality')", as => 'regress_phig_analyst');
like($out, qr/^statement .* refused: purpose "quality" does not show, to a statement that writes/m, 'anybody may ask for the own role');
($out, $err) = run_sql($node, "$explain('SELECT 1', 'regress_phig_app', 'quality')", as => 'regress_phig_analyst');
like($err, qr/for officers and auditors/, '... and for no other');

$node->stop;
done_testing();
