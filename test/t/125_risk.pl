# Risk metrics equal those that lib/PhigRisk.pm works out: on the UCI table, and on random tables with nulls, persons in
# several classes, populations, and values of several types.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigRisk;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('risk');
# Three workers and nobody else, however few rows there are.
my $forced = q{SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off; };
my $by_number = sub { $_[0] <=> $_[1] };
my $by_bytes = sub { $_[0] cmp $_[1] };

# hold(NAME, SQL OF THE METRICS, METRICS OF PhigRisk, COLUMN NAMES): each metric that either has is the same.
sub hold
{
	my ($name, $sql, $expected, @sensitive) = @_;
	my %number = map { $sensitive[$_] => $_ } 0 .. $#sensitive;
	my %got;
	my @differ;
	my $serial = metrics($sql, '');

	is(metrics($sql, $forced), $serial, "$name: with parallel workers the same, to the last bit");
	for my $line (split /\n/, $serial)
	{
		my ($metric, $column, $value) = split /\|/, $line, -1;
		$got{ $column eq '' ? $metric : "$metric $number{$column}" } = $value;
	}
	for my $metric (sort keys %{ { %got, %$expected } })
	{
		my ($is, $should) = ($got{$metric} // 'missing', $expected->{$metric} // '');
		push @differ, "$metric: $is, not $should" if !alike($is, $should);
	}
	is(join("\n", @differ), '', "$name: " . keys(%got) . ' metrics');
	return %got;
}

sub metrics
{
	my ($sql, $settings, $database) = @_;
	return $node->safe_psql($database // 'postgres', "SET max_parallel_workers_per_gather = 0; $settings SET extra_float_digits = 1; SELECT metric, sensitive_column, value FROM $sql");
}

# Counts are equal, sums of fractions up to what adding in another order does.
sub alike
{
	my ($is, $should) = @_;
	return $is eq $should if $is eq '' || $should eq '' || $is eq 'missing';
	return $should == 9**9**9 if $is eq 'Infinity';
	return abs($is - $should) <= 1e-9 * (1 + abs $should);
}

# What PhigRisk would miss shows that the comparison can fail.
ok(!alike('0.25', 0.2500001) && !alike('', 0) && !alike('missing', '') && alike('0.25', 0.25), 'the comparison tells numbers apart');

# The UCI table: encounters of 10,158 rows, persons by patient_nbr.
my ($header, @encounters) = split /\n/, `gzip -dc $FindBin::RealBin/../data/uci_diabetes/readmission.csv.gz`;
my @columns = split /,/, $header;
my %position = map { $columns[$_] => $_ } 0 .. $#columns;
my @fields = map { [ map { $_ eq '?' ? undef : $_ } split /,/, $_, -1 ] } @encounters;
my @wanted = qw(patient_nbr race gender age admission_type_id diag_1 time_in_hospital num_lab_procedures readmitted);
copy_in('uci', 'patient_nbr int, race text COLLATE "C", gender text COLLATE "C", age text COLLATE "C", admission_type_id smallint,
	diag_1 text COLLATE "C", time_in_hospital int, num_lab_procedures numeric, readmitted text COLLATE "C"',
	map { my $row = $_; [ map { $row->[ $position{$_} ] } @wanted ] } @fields);
is($node->safe_psql('postgres', 'SELECT count(*) > 10000, count(DISTINCT patient_nbr) < count(*) FROM uci'), 't|t', 'persons with several encounters');

my %uci = uci('all four quasi-identifiers', [qw(race gender age admission_type_id)], [qw(diag_1 time_in_hospital num_lab_procedures readmitted)], 11, 2, 1 / 11);
cmp_ok($uci{members}, '>', $uci{persons}, 'some persons are in several classes');
cmp_ok($uci{small_cells}, '>', 0, 'there are small cells');
uci('one', ['gender'], ['time_in_hospital'], 5, 3, 0.2);
uci('the diagnosis too', [qw(race gender age diag_1)], ['readmitted'], 2, 1, 0.5);

sub uci
{
	my ($name, $quasi, $sensitive, $k, $l, $threshold) = @_;
	my %order = (time_in_hospital => $by_number, num_lab_procedures => $by_number);
	my @rows = map { my $row = $_; [ map { $row->[ $position{$_} ] } 'patient_nbr', @$quasi, @$sensitive ] } @fields;

	return hold("UCI, $name",
		sprintf("phiguard.risk('uci', '{%s}', '{%s}', subject => 'patient_nbr', k => $k, l => $l, threshold => %.17g)",
			join(q(,), @$quasi), join(q(,), @$sensitive), $threshold),
		{ risk_metrics(rows => \@rows, quasi => scalar @$quasi, order => [ map { $order{$_} || $by_bytes } @$sensitive ], k => $k, l => $l, threshold => $threshold) },
		@$sensitive);
}

# Random tables, the same ones each time.  The type of the person changes; point has no order.
my $state = 20240229;
for my $round (1 .. 12)
{
	my ($persons, $values, $nulls) = ((5, 60, 400)[ $round % 3 ], 1 + random(9), random(4));
	my $type = (qw(integer text uuid numeric))[ $round % 4 ];
	my @rows = map { [ person($type, random($persons)), value($values, $nulls), value(3, $nulls), value(2, 0), value(12, $nulls), value(5, $nulls) ] } 1 .. 700;
	my @others = map { [ $_, value($values, $nulls), value(3, $nulls), value(2, 0) ] } 1 .. 300;
	# A population is the release's persons as often as they are in its classes, and others.
	my %seen;
	my @population = grep { !$seen{ join '|', map { $_ // '' } @$_ }++ } map { [ @$_[ 0 .. 3 ] ] } @rows;
	my $number = 100_000;
	$_->[0] = $number++ for @population;
	push @population, map { [ $number + $_->[0], @$_[ 1 .. 3 ] ] } @others;

	copy_in("release$round", "person $type, q1 int, q2 text, q3 float8, s1 numeric, s2 text COLLATE \"C\"", @rows);
	$node->safe_psql('postgres', "ALTER TABLE release$round SET (parallel_workers = 3)");
	copy_in("register$round", 'who ' . (qw(int text))[ $round % 2 ] . ', q1 int, q2 text, q3 float8', @population);
	my ($k, $l, $threshold) = (1 + random(12), 1 + random(4), random(100) / 100);
	my %same = (rows => \@rows, quasi => 3, order => [ $by_number, $by_bytes ], k => $k, l => $l, threshold => $threshold);
	my $arguments = "'release$round', '{q1,q2,q3}', '{s1,s2}', subject => 'person', k => $k, l => $l, threshold => $threshold";
	hold("random $round, $type", "phiguard.risk($arguments)", { risk_metrics(%same) }, 's1', 's2');
	hold("random $round with a population", "phiguard.risk($arguments, population => 'register$round', population_subject => 'who')",
		{ risk_metrics(%same, population => \@population) }, 's1', 's2');
	# Over hierarchies: of numbers by two and four and eight, of texts by nothing but all, and by whether they are small.
	my $hierarchies = q{, hierarchies => '{"s1": ["floor(s1 / 2)", "floor(s1 / 4)", "floor(s1 / 8)"], "s2": ["s2 < ''3''"]}'};
	hold("random $round over hierarchies", "phiguard.risk($arguments$hierarchies)",
		{ risk_metrics(%same, hierarchies => [ [ by(2), by(4), by(8) ], [ sub { defined $_[0] ? ($_[0] lt '3' ? 't' : 'f') : undef } ] ]) }, 's1', 's2');
}
# No step but that of all values: the same as if all were equally far from each other.
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT value) FROM phiguard.risk('release1', '{q1}', '{s1,s2}', subject => 'person', hierarchies => '{"s1": ["1"], "s2": []}')
	WHERE metric IN ('t_nominal', 't_hierarchy') AND sensitive_column = 's1'}), '2|2', 'a step that puts all together halves distances');

# More rows of a few persons than wait: they are looked up before the end, some of them in each worker.
for my $type (qw(text integer))
{
	my @crowd = map { [ person($type, 1 + ($_ % 8 > 0 ? $_ % 2 : random(900))), value(40, 1), value(6, 0), value(25, 1) ] } 1 .. 150_000;

	copy_in("crowd_$type", "person $type, q1 int, q2 int, s int", @crowd);
	$node->safe_psql('postgres', "ALTER TABLE crowd_$type SET (parallel_workers = 3)");
	hold("a crowd of rows, $type", "phiguard.risk('crowd_$type', '{q1,q2}', '{s}', subject => 'person', population => 'crowd_$type', population_subject => 'person')",
		{ risk_metrics(rows => \@crowd, quasi => 2, order => [$by_number], k => 11, l => 2, threshold => 1 / 11, population => [ map { [ @$_[ 0 .. 2 ] ] } @crowd ]) }, 's');
}

# A view onto a table does the same.
$node->safe_psql('postgres', 'CREATE VIEW seen AS SELECT * FROM uci');
hold('through a view', q{phiguard.risk('seen', '{gender}', '{time_in_hospital}', subject => 'patient_nbr')},
	{ risk_metrics(rows => [ map { [ @$_[ @position{qw(patient_nbr gender time_in_hospital)} ] ] } @fields ], quasi => 1, order => [$by_number], k => 11, l => 2, threshold => 1 / 11) },
	'time_in_hospital');

# Workers do take part, each with rows of persons that others count too: the plan that ran says so.
$node->safe_psql('postgres', 'ALTER TABLE uci SET (parallel_workers = 3)');
my $explained = q{LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on;
	SET auto_explain.log_verbose = on; SET auto_explain.log_level = notice; };
my $risk_of_uci = q{SELECT count(*) FROM phiguard.risk('uci', '{race,gender,age}', '{diag_1}', subject => 'patient_nbr');};
my $plan;
wait_until(sub {
	$plan = run_as('', $explained . $forced . $risk_of_uci);
	return (() = $plan =~ /Worker \d:.* rows=[1-9]\d+[ .]/g) > 2;
}, 'several workers have rows');
like($plan, qr/Finalize Aggregate.*Workers Launched: [23].*Partial Aggregate/s, 'phiguard.risk is counted by parallel workers');
unlike(run_as('', $explained . q{SET max_parallel_workers_per_gather = 0; } . $risk_of_uci), qr/Workers/, '... or without');

# Values of all kinds: large ones, equal ones that look different, nulls, persons of several workers.
my $collation = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'})
  ? q{CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)} : q{CREATE COLLATION ci FROM "C"};
$node->safe_psql('postgres', q{CREATE DATABASE odd TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'});
$node->safe_psql('odd', 'CREATE EXTENSION phiguard;' . $collation . q{;
	CREATE TYPE pair AS (a int, b text);
	CREATE TABLE odd (who text COLLATE ci, n numeric, f float8, u uuid, a numeric[], p pair, i interval, b boolean, c char(4), long text, s text COLLATE ci, d date) WITH (parallel_workers = 3);
	ALTER TABLE odd ALTER long SET STORAGE EXTERNAL;
	INSERT INTO odd SELECT CASE WHEN g % 13 > 0 THEN CASE g % 2 WHEN 0 THEN 'Person ' ELSE 'person ' END || g * 7919 % 400 END, round(g % 3, g % 4), CASE g % 3 WHEN 0 THEN float8 '-0' ELSE 0 END,
		CASE WHEN g % 5 > 0 THEN '00000000-0000-0000-0000-00000000000' || g % 2 END::uuid, ARRAY[round(g % 2, g % 3)], ROW(g % 2, NULL)::pair, CASE g % 2 WHEN 0 THEN interval '1 day' ELSE '24 hours' END,
		g % 11 > 0, 'x', repeat('y', 3000 + g % 2), CASE WHEN g % 7 > 0 THEN CASE g % 2 WHEN 0 THEN 'A' ELSE 'a' END || g % 6 END, date '2020-01-01' + g % 9 FROM generate_series(1, 4000) g;
	CREATE TABLE odd_register WITH (parallel_workers = 3) AS SELECT * FROM odd;
	INSERT INTO odd_register SELECT 'other ' || g, n, f, u, a, p, i, b, c, long, s, d FROM odd, generate_series(1, 5) g;
	ANALYZE odd, odd_register;
	CREATE VIEW no_rows AS SELECT * FROM odd WHERE d < '1900-01-01'});
for my $quasi ('n,u', 'n,f,u,a,p,i,b,c,long,s', 'who', 'long')
{
	my $risk = "phiguard.risk('odd', '{$quasi}', '{s,n,long,d,u,p}', subject => 'who', population => 'odd_register', population_subject => 'who')";
	is(metrics($risk, $forced, 'odd'), metrics($risk, '', 'odd'), "values of all kinds, by $quasi: with parallel workers the same");
}
isnt(metrics(q{phiguard.risk('odd', '{n}', '{s}', subject => 'who')}, $forced, 'odd'), metrics(q{phiguard.risk('odd', '{n}', '{s}', subject => 'd')}, '', 'odd'), '... which another person column is not');
my $nothing = q{phiguard.risk('no_rows', '{n}', '{s}', subject => 'who')};
is(metrics($nothing, $forced, 'odd'), metrics($nothing, '', 'odd'), 'workers without rows');

# Measured is what the caller may see: the policy holds inside, and each measurement is on record.
$node->safe_psql('postgres', q{
	CREATE ROLE regress_phig_analyst LOGIN;
	DROP VIEW seen;
	ALTER TABLE uci ALTER patient_nbr TYPE bigint;
	ALTER DATABASE postgres SET parallel_setup_cost = 0; ALTER DATABASE postgres SET parallel_tuple_cost = 0; ALTER DATABASE postgres SET min_parallel_table_scan_size = 0;
	GRANT SELECT ON uci TO regress_phig_analyst;
	SELECT phiguard.label('uci', 'patient_nbr', 'mrn'), phiguard.label('uci', 'race', 'quasi'), phiguard.label('uci', 'age', 'age'), phiguard.label('uci', 'diag_1', 'clinical'), phiguard.review('uci');
	SELECT phiguard.create_purpose('measure', code => 'HOPERAT', otherwise => 'deny'), phiguard.allow('measure', category => 'quasi'), phiguard.allow('measure', category => 'age', transform => 'mask'),
		phiguard.create_key('measure'), phiguard.allow('measure', category => 'mrn', transform => 'token'), phiguard.grant_purpose('measure', 'regress_phig_analyst')});
my $k = q{SELECT value FROM phiguard.risk('uci', '{%s}', subject => 'patient_nbr') WHERE metric IN ('k', 'classes')};
my ($of_age, $of_race) = map { run_as('', sprintf $k, $_) } qw(age race);
is(run_as('regress_phig_analyst', sprintf $k, 'age'), $of_age, 'mode audit: ages are measured as they are');
$node->append_conf('postgresql.conf', 'phiguard.mode = enforce');
$node->reload;
wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.mode') eq 'enforce' }, 'mode enforce');
like(run_as('regress_phig_analyst', sprintf $k, 'race'), qr/open only to a purpose/, 'without a purpose nothing is measured');
my $with = q{SET phiguard.purpose = 'measure'; };
is(run_as('regress_phig_analyst', $with . sprintf $k, 'race'), $of_race, 'persons are as many by their tokens');
like(run_as('regress_phig_analyst', $with . sprintf $k, 'age'), qr/^1\n/, 'a masked column has one class');
isnt($of_age, run_as('regress_phig_analyst', $with . sprintf $k, 'age'), '... not those of its values');
like(run_as('regress_phig_analyst', $with . sprintf $k, 'diag_1'), qr/ERROR:.*diag_1/s, 'a column that the purpose denies is not measured');
like(run_as('regress_phig_analyst', $with . q{SELECT * FROM phiguard.suppress('uci', 'pg_temp.s', '{diag_1}', subject => 'patient_nbr')}), qr/ERROR:.*diag_1/s, '... nor suppressed');
is($node->safe_psql('postgres', q{SELECT DISTINCT kind, array_to_string(returned, ' ') FROM phiguard.access_log WHERE login_role = 'regress_phig_analyst' AND outcome = 'ok' AND purpose = 'measure' AND cardinality(returned) > 0 ORDER BY 2}),
	"read|public.uci.age public.uci.patient_nbr\nread|public.uci.patient_nbr public.uci.race", 'what was measured is on record');

# A relation that is named stays what it was when the statement named it, whatever becomes of its name meanwhile.
run_sql($node, join(';', map { "CREATE TABLE $_ AS SELECT i AS who, 'a' AS kind FROM generate_series(1, 20) i" } qw(taken held counted kept lost)) . "; UPDATE kept SET kind = who");
my $metric = q{SELECT value FROM phiguard.risk('%s', '{kind}', subject => 'who', population => '%s', population_subject => 'who') WHERE metric = '%s'};
for my $case (['the release', 'taken', sprintf($metric, 'taken', 'counted', 'rows'), '20'], ['the population', 'held', sprintf($metric, 'counted', 'held', 'presence_max'), '1'],
	['what is suppressed', 'kept', q{SELECT level, rows_shown FROM phiguard.suppress('kept', 'kept_11', '{kind}', subject => 'who')}, '1|20'])
{
	my ($what, $table, $sql, $expected) = @$case;
	is(while_changing($table, "ALTER TABLE $table RENAME TO was_$table; CREATE TABLE $table AS SELECT i AS who, 'a' AS kind FROM generate_series(1, 40) i", $sql), $expected,
		"$what is what was named, not what has the name now");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM kept_11'), '20', '... and so is what the view reads');
like(while_changing('lost', "DROP TABLE lost; CREATE TABLE lost AS SELECT i AS who, 'a' AS kind FROM generate_series(1, 40) i", sprintf($metric, 'lost', 'counted', 'rows')),
	qr/ERROR:  relation with OID \d+ does not exist/, 'one that is dropped and made anew is gone');

$node->stop;
done_testing();

# What comes of a statement that meets a table while another session changes it.
sub while_changing
{
	my ($table, $change, $sql) = @_;
	my $changer = session($node, app => 'changer');
	my $reader = session($node, app => 'reader');

	$changer->ask("BEGIN; LOCK TABLE $table");
	$reader->{out} = '';
	$reader->send("$sql;\n\\echo done");
	wait_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '$table'::regclass AND pid = $reader->{pid}") eq '1' }, "... $table is waited for");
	$changer->ask("$change; COMMIT");
	is($changer->close, '', "... and has been changed");
	my $out = $reader->wait_for(qr/^done$/m);
	my $err = $reader->close;
	$out =~ s/\n?done\n$//;
	return $out . $err;
}

sub run_as
{
	my ($role, $sql) = @_;
	my ($out, $err) = run_sql($node, $sql, $role ? (as => $role) : ());
	return $out . $err;
}

sub random
{
	my ($below) = @_;
	$state = ($state * 1103515245 + 12345) % 2**31;
	return int($state / 65536) % $below;
}

# A small number, or null so many times of ten.
sub value
{
	my ($values, $nulls) = @_;
	return random(10) < $nulls ? undef : random($values);
}

# Which of the groups of so many numbers.
sub by
{
	my ($size) = @_;
	return sub { defined $_[0] ? int($_[0] / $size) : undef };
}

sub person
{
	my ($type, $number) = @_;
	return undef if $number == 0;
	return $type eq 'uuid' ? sprintf('00000000-0000-0000-0000-%012d', $number) : $type eq 'text' ? "person $number" : $number;
}

sub copy_in
{
	my ($table, $definition, @rows) = @_;
	my $sql = "CREATE TABLE $table ($definition);\nCOPY $table FROM STDIN;\n"
	  . join('', map { join("\t", map { $_ // '\N' } @$_) . "\n" } @rows) . "\\.\nANALYZE $table;\n";
	$node->safe_psql('postgres', $sql);
}
