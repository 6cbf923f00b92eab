# pg_stat_statements, auto_explain and pgaudit, loaded before phiguard and after it: everyone sees what it would see
# without the others.  Four servers run the same statements: companions alone, phiguard alone, and both orders.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pkglibdir) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--pkglibdir' ]);
my $has_pgaudit = -e "$pkglibdir/pgaudit.so";
my $companions = 'pg_stat_statements, auto_explain' . ($has_pgaudit ? ', pgaudit' : '');

my @common = ('jit = off', 'autovacuum = off', "log_line_prefix = '%a '", 'max_parallel_workers_per_gather = 0',
	'phiguard.on_unlabelled_store = ignore', "timezone = 'UTC'");
my @companion_conf = (
	'pg_stat_statements.track = all',
	'auto_explain.log_min_duration = 0', 'auto_explain.log_analyze = on', 'auto_explain.log_timing = off',
	'auto_explain.log_buffers = off', 'auto_explain.log_verbose = on', 'auto_explain.log_nested_statements = on',
	$has_pgaudit ? ("pgaudit.log = 'all'", 'pgaudit.log_relation = on', 'pgaudit.log_rows = on', 'pgaudit.log_parameter = on') : ());

my %preload = (
	plain => $companions,
	alone => 'phiguard',
	before => "$companions, phiguard",
	after => "phiguard, $companions");

my $tables = q{
	CREATE TABLE patient (id int PRIMARY KEY, ssn text, name text, ward int);
	INSERT INTO patient SELECT i, '000-00-' || lpad(i::text, 4, '0'), 'Name ' || i, i % 3 FROM generate_series(1, 100) i;
	CREATE TABLE visit (id int PRIMARY KEY, patient int REFERENCES patient, diag text);
	INSERT INTO visit SELECT i, i % 100 + 1, 'D' || i % 7 FROM generate_series(1, 200) i;
	CREATE TABLE plain (id int PRIMARY KEY, word text);
	INSERT INTO plain SELECT i, 'word ' || i FROM generate_series(1, 10) i;
	CREATE TABLE reading (id int, value text) PARTITION BY RANGE (id);
	CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM (1) TO (10);
	CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM (10) TO (20);
	INSERT INTO reading SELECT i, 'R' || i FROM generate_series(1, 19) i;
	CREATE VIEW names AS SELECT id, name FROM patient;
	CREATE FUNCTION ssn_of(who int) RETURNS text LANGUAGE plpgsql AS
	$$ DECLARE s text; BEGIN SELECT ssn INTO s FROM patient WHERE id = who; RETURN s; END $$;
	CREATE FUNCTION names_of(n int) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM patient WHERE id <= n ORDER BY id';
	CREATE FUNCTION note_visit() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM count(*) FROM patient WHERE ward = NEW.id % 3; RETURN NEW; END $$;
	CREATE TRIGGER note_visit AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION note_visit();
	CREATE ROLE clerk;
	GRANT SELECT ON plain TO clerk;
	ANALYZE;
};

my $labels = q{
	SELECT phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('patient', 'name', 'name'), phiguard.label('visit', 'diag', 'clinical'),
		phiguard.label('reading', 'value', 'clinical');
};

my $statements = q{
SELECT ssn FROM patient WHERE id = 5;
SELECT id FROM patient WHERE ssn = '000-00-0007';
SELECT ward, count(*), max(name) FROM patient GROUP BY ward ORDER BY ward;
SELECT word FROM plain WHERE id = 3;
SELECT p.name, v.diag FROM patient p JOIN visit v ON v.patient = p.id WHERE p.id = 8 ORDER BY v.id;
SELECT name FROM names WHERE id = 9;
WITH c AS MATERIALIZED (SELECT id, name FROM patient WHERE ward = 1) SELECT count(name) FROM c;
SELECT value FROM reading WHERE id > 8 AND id < 12 ORDER BY id;
SELECT ssn_of(3);
SELECT ssn_of(id) FROM plain ORDER BY id;
SELECT * FROM names_of(3);
DO $$ BEGIN FOR i IN 1..4 LOOP PERFORM ssn FROM patient WHERE id = i; END LOOP; END $$;
INSERT INTO visit VALUES (1001, 4, 'D9');
UPDATE patient SET name = 'Other' WHERE id = 11 RETURNING ssn;
DELETE FROM visit WHERE id = 1001 RETURNING diag;
INSERT INTO plain SELECT id + 100, name FROM patient WHERE id <= 3;
MERGE INTO plain t USING (SELECT id, ssn FROM patient WHERE id <= 2) s ON t.id = s.id
	WHEN MATCHED THEN UPDATE SET word = s.ssn WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.ssn);
PREPARE one (int) AS SELECT ssn FROM patient WHERE id = $1;
EXECUTE one (1);
EXECUTE one (2);
SET plan_cache_mode = force_generic_plan;
EXECUTE one (3);
RESET plan_cache_mode;
BEGIN;
DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id;
FETCH 2 FROM c;
FETCH 3 FROM c;
CLOSE c;
DECLARE never CURSOR FOR SELECT name FROM patient;
COMMIT;
COPY (SELECT ssn FROM patient WHERE id <= 3 ORDER BY id) TO STDOUT;
COPY visit (diag) TO '/dev/null';
CREATE TABLE copied AS SELECT id, ssn FROM patient WHERE id <= 5;
SELECT count(ssn) FROM copied;
SELECT ssn::int FROM patient WHERE id = 1;
SELECT 1 / (id - id) FROM patient WHERE name > '';
SET ROLE clerk;
SELECT ssn FROM patient;
SELECT word FROM plain WHERE id = 4;
RESET ROLE;
ALTER TABLE patient ADD COLUMN note text;
TRUNCATE visit;
DROP TABLE copied;
};

my $explains = q{
EXPLAIN (VERBOSE, COSTS OFF) SELECT name, ssn FROM patient WHERE ward = 1 ORDER BY name;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT ward, count(ssn) FROM patient GROUP BY ward ORDER BY ward;
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) UPDATE patient SET name = 'x' WHERE id = 12;
PREPARE two (int) AS SELECT ssn FROM patient WHERE ward > $1 ORDER BY ssn;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE two (1);
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) EXECUTE two (1);
EXPLAIN (COSTS OFF) EXECUTE two (1);
};

sub start
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', join("\n", @common,
		$name eq 'alone' ? () : @companion_conf, "shared_preload_libraries = '$preload{$name}'", ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE DATABASE clinic');
	if ($name ne 'plain')
	{
		$node->safe_psql($_, 'CREATE EXTENSION phiguard') foreach ('clinic', 'postgres');
	}
	$node->safe_psql('clinic', $tables);
	$node->safe_psql('clinic', $labels) if $name ne 'plain';
	$node->safe_psql('clinic', 'CREATE EXTENSION pg_stat_statements' . ($has_pgaudit ? '; CREATE EXTENSION pgaudit' : '')) if $name ne 'alone';
	return $node;
}

# What the server's log has of application NAME: messages as lists of lines, without times.
sub messages
{
	my ($node, $app) = @_;
	my @messages;

	foreach my $line (split /\n/, slurp_file($node->logfile))
	{
		if ($line =~ /^\Q$app\E (\w+:  .*)/)
		{
			push @messages, $1;
		}
		elsif (@messages && $line =~ /^\t(.*)/)
		{
			$messages[-1] .= "\n$1";
		}
	}
	return @messages;
}

# Times, and query identifiers, which are made of OIDs.
sub without_numbers
{
	my ($text) = @_;
	return $text =~ s/duration: [\d.]+ ms/duration: ? ms/gr =~ s/^(\s*Query Identifier:) -?\d+$/$1 ?/gmr;
}

my (%answer, %errors, %statistics, %plans, %audit, %access, %explained);
foreach my $name (qw(plain alone before after))
{
	my $node = start($name);

	$node->safe_psql('clinic', 'SELECT pg_stat_statements_reset()') if $name ne 'alone';
	my ($out, $err) = run_sql($node, $statements, db => 'clinic', app => 'statements');
	$answer{$name} = $out;
	$errors{$name} = $err;
	if ($name ne 'plain')
	{
		$access{$name} = [ map { record_line($_) . "; $_->{query}" }
			  records($node, "application = 'statements'", db => 'clinic') ];
	}
	if ($name ne 'alone')
	{
		$statistics{$name} = $node->safe_psql('clinic', q{
			SELECT toplevel, calls, rows, plans, query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
			WHERE datname = 'clinic' AND query !~ 'pg_stat_statements|access_log|phiguard' ORDER BY query COLLATE "C", toplevel, calls});
		my @messages = messages($node, 'statements');
		$plans{$name} = join("\n", map { without_numbers($_) } grep { /^LOG:  duration: .* plan:/ } @messages);
		$audit{$name} = join("\n", grep { /^LOG:  AUDIT: / } @messages);
	}
	if ($name eq 'plain' || $name eq 'before' || $name eq 'after')
	{
		($out, $err) = run_sql($node, $explains, db => 'clinic', app => 'explains');
		$explained{$name} = without_numbers($out);
	}
	journal_is_intact($node, "$name: the chain verifies") if $name ne 'plain';
	$node->stop;
	unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|terminated by signal|unrecognized node type/, "$name: nothing went wrong inside");
}

# Controls: there is something to compare.
cmp_ok(scalar(@{ $access{alone} }), '>', 30, 'phiguard recorded the statements');
cmp_ok(scalar(() = $statistics{plain} =~ /\n/g), '>', 40, 'pg_stat_statements counted them');
cmp_ok(scalar(() = $plans{plain} =~ /Query Text/g), '>', 40, 'auto_explain showed their plans');
like($plans{plain}, qr/Query Text: SELECT ssn FROM patient WHERE id = 5;\nSeq Scan on public\.patient .*\n  Output: ssn$/m,
	'auto_explain, of one table: columns without its name');

foreach my $order (qw(before after))
{
	is($answer{$order}, $answer{plain}, "companions $order phiguard: the same answers");
	is($errors{$order}, $errors{alone}, "companions $order phiguard: the errors of phiguard alone");
	is_deeply($access{$order}, $access{alone}, "companions $order phiguard: the same records");
	is($statistics{$order}, $statistics{plain}, "companions $order phiguard: the same statistics");
	is($plans{$order}, $plans{plain}, "companions $order phiguard: the same plans");
	is($explained{$order} =~ s/^PHI Access:.*\n(  \w+: .*\n?)*//gmr =~ s/\n*\z//r, $explained{plain} =~ s/\n*\z//r,
		"companions $order phiguard: EXPLAIN differs by what it has more");
  SKIP:
	{
		skip 'this server has no pgaudit', 1 if !$has_pgaudit;
		is($audit{$order}, $audit{plain}, "companions $order phiguard: pgaudit writes the same lines");
	}
}
cmp_ok(scalar(() = $audit{plain} =~ /AUDIT/g), '>', 40, 'pgaudit wrote its lines') if $has_pgaudit;

done_testing();
