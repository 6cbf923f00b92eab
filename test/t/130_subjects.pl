# Whose rows left: for made-up queries the persons in the record against those that an independent query finds.
#
# A query is made up twice: as a user would write it, over relations whose subject it does not ask for, and with the
# person of every relation carried along by hand; the second one, run by itself, says who has to be in the record of
# the first.  Where rows keep what they are about, the sets are equal; below aggregates and the like nobody may be
# missing.  In mode audit, in mode enforce under a purpose that hides who it is, and on a standby.  One in five writes
# what it reads, or what is joined with it; these are rolled back.
#
# PHIG_SUBJECT_QUERIES: how many (450); PHIG_SUBJECT_SEED: which (1).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $state = ($ENV{PHIG_SUBJECT_SEED} || 1) * 7919 + 17;
my $aliases = 0;

my $node = phig_node('subjects', 'phiguard.journal_sync = off', 'phiguard.on_unlabelled_store = ignore',
	'min_parallel_table_scan_size = 0', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
	'max_parallel_workers_per_gather = 2');
$node->safe_psql('postgres', schema());
my $count = $ENV{PHIG_SUBJECT_QUERIES} || 450;

my @queries = written();
push @queries, made_up() while @queries < $count;
my $exact = grep { $_->{exact} } @queries;

my %expected = ask($node, [ map { $_->{oracle} } @queries ]);
compare($node, 'audit', 'postgres');

$node->append_conf('postgresql.conf', 'phiguard.mode = enforce');
$node->reload;
wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.mode') eq 'enforce' }) or die 'mode enforce';
compare($node, 'enforce', 'regress_phig_reader');
my ($hidden) = run_sql($node, "SET phiguard.purpose = 'study'; SELECT count(pid), count(name), count(*) FROM patient", as => 'regress_phig_reader');
is($hidden, '0|60|60', 'where who it is is hidden from the user');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('subjects_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
chmod 0600, $standby->data_dir . '/phiguard_master.key';
$standby->start;
$node->wait_for_catchup($standby);
compare($standby, 'a standby', 'regress_phig_reader');

cmp_ok($exact, '>=', 300 * $count / 450, "$exact of $count queries are row-wise: their sets are equal");
journal_is_intact($node, 'the journal is intact');
done_testing();

# --- running ---

# The persons of each oracle query: by number, a sorted list.
sub ask
{
	my ($server, $oracles) = @_;
	my $sql = '';

	$sql .= "SELECT $_, (SELECT string_agg(DISTINCT p::text, ',' ORDER BY p::text) FROM ($oracles->[$_]) o, unnest(o.persons) p WHERE p IS NOT NULL);\n"
	  for 0 .. $#$oracles;
	my ($out, $err) = run_sql($server, $sql, app => 'oracle');
	is($err, '', 'the independent queries run') or BAIL_OUT('no oracle');
	return map { split /\|/, $_, 2 } split /\n/, $out;
}

sub compare
{
	my ($server, $name, $role) = @_;
	my $sql = $role eq 'postgres' ? '' : "SET phiguard.purpose = 'study';\n";
	my (%got, @missing, @too_many, @failed);
	# A purpose does not let its reader change what it hides, and nobody writes on a standby.
	my @asked = grep { my $writes = $queries[$_]{writes}; !$writes || $name eq 'audit' || ($name eq 'enforce' && $writes eq 'sink') } 0 .. $#queries;

	$sql .= "SET application_name = '$name $_'; " . ($queries[$_]{writes} ? "BEGIN; $queries[$_]{sql}; ROLLBACK" : $queries[$_]{sql}) . ";\n" for @asked;
	my (undef, $err) = run_sql($server, $sql, as => $role);
	# The table of tokens is made of what an auditor may ask; with 16 persons a token that fits by chance is none.
	my ($log) = run_sql($server, <<"SQL", app => 'reader');
WITH tokens AS MATERIALIZED (SELECT pid, phiguard.subject_token('patient', pid::text) AS token FROM people),
log AS MATERIALIZED (SELECT application, subjects, flags FROM phiguard.access_log WHERE application LIKE '$name %')
SELECT substr(application, length('$name ') + 1), bool_or(subjects IS NULL), bool_or('subjects_aggregate' = ANY(flags)),
       count(s) - count(pid), string_agg(DISTINCT pid::text, ',' ORDER BY pid::text)
FROM log LEFT JOIN unnest(subjects) s ON true LEFT JOIN tokens ON token = s GROUP BY 1
SQL
	for my $line (split /\n/, $log)
	{
		my ($number, @rest) = split /\|/, $line, -1;
		$got{$number} = \@rest;
	}
	for my $i (@asked)
	{
		my ($uncaptured, $aggregate, $unknown, $persons) = @{ $got{$i} || [ 't', '', 0, '' ] };
		my %have = map { $_ => 1 } split /,/, $persons;
		my %want = map { $_ => 1 } split /,/, $expected{$i} // '';

		# Where no relation has a subject, nobody is looked for.
		push @failed, $i if $unknown || ($uncaptured eq 't') != ($queries[$i]{sql} !~ /\b(patient|visit|lab|event|person_base|f_patients|v_\w+)\b|event_2/);
		push @missing, $i if grep { !$have{$_} } keys %want;
		push @too_many, $i if $queries[$i]{exact} && ($aggregate eq 't' || grep { !$want{$_} } keys %have);
	}
	is($err, '', "$name: all queries run");
	is(scalar @failed, 0, "$name: all are captured, and every token is somebody's") or show(\%got, @failed);
	is(scalar @missing, 0, "$name: nobody is missing") or show(\%got, @missing);
	is(scalar @too_many, 0, "$name: nobody is there who should not be") or show(\%got, @too_many);
	# A control: the sets differ from query to query, and from everybody.
	my %sets = map { ($expected{$_} // '') => 1 } grep { $queries[$_]{exact} } 0 .. $#queries;
	cmp_ok(scalar keys %sets, '>', $count / 5, "$name: the sets are many");
}

sub show
{
	my ($got, @numbers) = @_;

	for my $i (@numbers[ 0 .. ($#numbers < 4 ? $#numbers : 4) ])
	{
		diag("query $i: $queries[$i]{sql}");
		diag('expected: ' . ($expected{$i} // '') . "\ngot: " . join('|', @{ $got->{$i} || ['no record'] }));
	}
}

# --- the queries ---

sub number
{
	my ($below) = @_;

	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $below;
}

sub chance
{
	return number(100) < $_[0];
}

sub alias
{
	return $_[0] . ++$aliases;
}

# A relation: { sql, oracle => the same with a column persons uuid[], size => its keys are below 100 ** size, exact }.
# Both have k, a key without doubles, and x, something labelled.
sub relation
{
	my ($depth) = @_;
	my $kind = $depth <= 0 ? 0 : number(11);

	return base() if $kind < 2;
	return filtered($depth) if $kind < 4;
	return joined($depth) if $kind < 8;
	return limited($depth) if $kind == 8;
	return shared($depth) if $kind == 9;
	return lateral($depth);
}

sub bases
{
	return (
		[ 'patient', 'k', 'name', 'ARRAY[pid]' ],
		[ 'visit', 'k', 'note', 'ARRAY[pid]' ],
		[ 'lab', 'k', 'value', 'ARRAY[(SELECT v.pid FROM visit v WHERE v.k = vk)]' ],
		[ 'event', 'k', 'what', 'ARRAY[pid]' ],
		[ 'event_2', 'k', 'what', 'ARRAY[pid]' ],
		[ 'person_base', 'k', 'name', 'ARRAY[pid]' ],
		[ 'ONLY person_base', 'k', 'name', 'ARRAY[pid]' ],
		[ 'v_patient', 'k', 'name', 'ARRAY[(SELECT p.pid FROM patient p WHERE p.k = v_patient.k)]' ],
		[ 'v_visits', 'k', 'note', 'ARRAY[(SELECT v.pid FROM visit v WHERE v.k = v_visits.k), (SELECT p.pid FROM patient p WHERE p.k = v_visits.pk)]' ],
		[ 'drug', 'k', 'name', 'NULL::uuid[]' ],
		[ 'f_patients(40)', 'k', 'name', 'ARRAY[(SELECT p.pid FROM patient p WHERE p.k = f_patients.k)]' ],
	);
}

sub base
{
	my @bases = bases();
	my ($relation, $key, $x, $persons) = @{ $bases[ number(scalar @bases) ] };
	my $where = condition($key, 1);

	return {
		sql => "(SELECT $key AS k, $x AS x FROM $relation WHERE $where)",
		oracle => "(SELECT $key AS k, $x AS x, $persons AS persons FROM $relation WHERE $where)",
		size => 1, exact => 1
	};
}

sub condition
{
	my ($key, $size) = @_;
	my $kind = number(5);

	return "$key % " . (2 + number(4)) . ' = ' . number(2) if $kind < 2;
	return "$key BETWEEN " . number(30) . ' AND ' . (30 + number(40)) if $kind == 2 && $size == 1;
	# What a condition looks at does not leave.
	return "EXISTS (SELECT 1 FROM patient e WHERE e.k = $key % 60 AND e.grp < " . (1 + number(4)) . ')' if $kind == 3;
	return "$key % 60 IN (SELECT i.k FROM visit i WHERE i.k % 3 <> " . number(3) . ')' if $kind == 4;
	return 'true';
}

sub filtered
{
	my ($depth) = @_;
	my $inner = relation($depth - 1);
	my $a = alias('f');
	my $where = condition("$a.k", $inner->{size});

	return {
		sql => "(SELECT $a.k, upper($a.x) AS x FROM $inner->{sql} $a WHERE $where)",
		oracle => "(SELECT $a.k, upper($a.x) AS x, $a.persons FROM $inner->{oracle} $a WHERE $where)",
		size => $inner->{size}, exact => $inner->{exact}
	};
}

# The persons of both sides, as far as there is a row.
sub joined
{
	my ($depth) = @_;
	my ($left, $right) = (relation($depth - 1), relation($depth - 1));
	my ($a, $b) = (alias('a'), alias('b'));
	my $type = ('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN')[ number(4) ];
	my $on = "$a.k % 60 = $b.k % 60" . ($type eq 'FULL JOIN' ? '' : " AND $a.k % 2 = " . number(2));
	my $key = "coalesce($a.k, 0)::numeric * 100::numeric ^ $right->{size} + coalesce($b.k, 0)";
	my $columns = "($key)::numeric AS k, coalesce($a.x, 'none') || $b.x AS x";

	return {
		sql => "(SELECT $columns FROM $left->{sql} $a $type $right->{sql} $b ON $on)",
		oracle => "(SELECT $columns, $a.persons || $b.persons AS persons FROM $left->{oracle} $a $type $right->{oracle} $b ON $on)",
		size => $left->{size} + $right->{size}, exact => $left->{exact} && $right->{exact}
	};
}

sub limited
{
	my ($depth) = @_;
	my $inner = relation($depth - 1);
	my $a = alias('l');
	my $order = 'ORDER BY 1 ' . (chance(50) ? 'DESC' : '') . ', 2 LIMIT ' . (1 + number(12)) . ' OFFSET ' . number(3);

	return {
		sql => "(SELECT $a.k, $a.x FROM $inner->{sql} $a $order)",
		oracle => "(SELECT $a.k, $a.x, $a.persons FROM $inner->{oracle} $a $order)",
		size => $inner->{size}, exact => $inner->{exact}
	};
}

# A CTE, read once or twice.
sub shared
{
	my ($depth) = @_;
	my $inner = relation($depth - 1);
	my ($c, $a, $b) = (alias('c'), alias('a'), alias('b'));
	my $with = "WITH $c AS " . ('', 'MATERIALIZED', 'NOT MATERIALIZED')[ number(3) ];
	my $from = "$c $a" . (chance(50) ? " LEFT JOIN $c $b ON $b.k = $a.k + 1" : " JOIN $c $b ON $b.k = $a.k");

	return {
		sql => "($with $inner->{sql} SELECT $a.k, coalesce($b.x, $a.x) AS x FROM $from)",
		oracle => "($with $inner->{oracle} SELECT $a.k, coalesce($b.x, $a.x) AS x, $a.persons || $b.persons AS persons FROM $from)",
		size => $inner->{size}, exact => $inner->{exact}
	};
}

sub lateral
{
	my ($depth) = @_;
	my $inner = relation($depth - 1);
	my ($a, $b) = (alias('a'), alias('b'));
	my $limit = 1 + number(2);
	my $columns = "($a.k::numeric * 100 + $b.k)::numeric AS k, $b.note AS x";
	my $from = "WHERE v.pk = $a.k % 60 ORDER BY v.k LIMIT $limit) $b";

	return {
		sql => "(SELECT $columns FROM $inner->{sql} $a, LATERAL (SELECT v.k, v.note FROM visit v $from)",
		oracle => "(SELECT $columns, $a.persons || $b.pid AS persons FROM $inner->{oracle} $a, LATERAL (SELECT v.k, v.note, v.pid FROM visit v $from)",
		size => $inner->{size} + 1, exact => $inner->{exact}
	};
}

# The top of a query; one in twelve is not row-wise.
sub made_up
{
	my $relation = relation(1 + number(3));
	my $a = alias('t');
	my $kind = number(24);
	my %top = (
		0 => "SELECT count($a.x), max($a.x) FROM $relation->{sql} $a",
		1 => "SELECT DISTINCT left($a.x, 1) FROM $relation->{sql} $a",
		2 => "SELECT $a.x FROM $relation->{sql} $a UNION SELECT '1'",
		3 => "SELECT $a.x, row_number() OVER (ORDER BY $a.x) FROM $relation->{sql} $a",
		4 => "SELECT left($a.x, 2), array_agg($a.x) FROM $relation->{sql} $a GROUP BY 1 HAVING count(*) > 0",
		5 => "SELECT $a.x, (SELECT max(name) FROM patient z WHERE z.grp = 1 AND z.k < 0) FROM $relation->{sql} $a",
	);
	my ($sql, $exact) = ($top{$kind}, 0);

	return writing(relation(number(3))) if !$sql && chance(22);
	($sql, $exact) = ("SELECT " . ("$a.x", "$a.*", "$a", "$a.k, $a.x", "count_of($a.x)", "row_to_json($a)")[ number(6) ] .
		" FROM $relation->{sql} $a" . (chance(30) ? " ORDER BY $a.x" : ''), 1)
	  if !$sql || (chance(40));
	return { sql => $sql, exact => $exact && $relation->{exact}, oracle => "SELECT persons FROM $relation->{oracle} o" };
}

# What is read goes into a table that is nobody's, or changes rows that are somebody's.
sub writing
{
	my ($relation) = @_;
	my ($t, $a) = (alias('t'), alias('a'));
	my $kind = number(7);
	my @targets = (
		[ 'visit', 'note', "$t.pid" ], [ 'lab', 'value', "(SELECT v.pid FROM visit v WHERE v.k = $t.vk)" ], [ 'event', 'what', "$t.pid" ],
		[ 'person_base', 'name', "$t.pid" ], [ 'patient', 'name', "$t.pid" ]);
	# Others refer to rows of the first and last.
	my ($target, $x, $pid) = @{ $targets[ $kind == 5 ? 1 + number(3) : number(5) ] };
	my $oracle = "WITH $a AS MATERIALIZED (SELECT * FROM $relation->{oracle} r) SELECT ARRAY[$pid] || $a.persons AS persons FROM $target $t JOIN $a ON $t.k = $a.k";
	my $returning = chance(50) ? " RETURNING $t.$x, $t.k" : '';
	my %made = (exact => $relation->{exact}, oracle => $oracle, writes => $target);

	if ($kind < 3)
	{
		$returning = chance(50) ? ' RETURNING x' : '';
		my $order = chance(30) ? " ORDER BY $a.k LIMIT 40" : '';
		return { %made, writes => 'sink', sql => "INSERT INTO sink (x, y) SELECT $a.x, $a.k::text FROM $relation->{sql} $a$order$returning",
			oracle => "SELECT persons FROM $relation->{oracle} $a$order" };
	}
	return { %made, sql => "UPDATE $target $t SET $x = $a.x FROM $relation->{sql} $a WHERE $t.k = $a.k$returning" } if $kind < 5;
	return { %made, sql => "DELETE FROM $target $t USING $relation->{sql} $a WHERE $t.k = $a.k" . ($returning && "$returning, $a.x") } if $kind == 5;
	$returning = '' if $node->pg_version < 17;
	return { %made, sql => "MERGE INTO $target $t USING $relation->{sql} $a ON $t.k = $a.k WHEN MATCHED THEN UPDATE SET $x = $a.x$returning" };
}

# What the generator does not make.
sub written
{
	return (
		{ sql => 'SELECT name FROM patient WHERE false', exact => 1, oracle => 'SELECT ARRAY[NULL::uuid] AS persons' },
		{ sql => 'SELECT p FROM patient p WHERE k = 3', exact => 1, oracle => 'SELECT ARRAY[pid] AS persons FROM patient WHERE k = 3' },
		{ sql => 'SELECT name FROM patient TABLESAMPLE BERNOULLI (30) REPEATABLE (3)', exact => 1,
			oracle => 'SELECT ARRAY[pid] AS persons FROM patient TABLESAMPLE BERNOULLI (30) REPEATABLE (3)' },
		{ sql => 'SELECT tableoid::regclass, what FROM event WHERE k IN (3, 45)', exact => 1,
			oracle => 'SELECT ARRAY[pid] AS persons FROM event WHERE k IN (3, 45)' },
		{ sql => 'SELECT generate_series(1, 2), name FROM patient ORDER BY k LIMIT 5', exact => 1,
			oracle => 'SELECT ARRAY[pid] AS persons FROM patient WHERE k <= 3' },
		{ sql => 'SELECT name FROM patient ORDER BY k FETCH FIRST 3 ROWS WITH TIES', exact => 1,
			oracle => 'SELECT ARRAY[pid] AS persons FROM patient WHERE k <= 3' },
		{ sql => 'TABLE patient', exact => 1, oracle => 'SELECT ARRAY[pid] AS persons FROM patient' },
		{ sql => 'WITH RECURSIVE r AS (SELECT k, name FROM patient WHERE k = 1 UNION ALL SELECT p.k, p.name FROM patient p JOIN r ON p.k = r.k * 2) SELECT name FROM r', exact => 0,
			oracle => 'SELECT ARRAY[pid] AS persons FROM patient WHERE k IN (1, 2, 4, 8, 16, 32)' },
		{ sql => "SELECT name FROM patient WHERE k < 5 EXCEPT SELECT note FROM visit WHERE k = 99", exact => 0,
			oracle => 'SELECT ARRAY[pid] AS persons FROM patient WHERE k < 5' },
		{ sql => 'SELECT d.name, s.n FROM drug d JOIN (SELECT k % 5 AS g, count(note) AS n FROM visit GROUP BY 1) s ON s.g = d.k', exact => 0,
			oracle => 'SELECT ARRAY[pid] AS persons FROM visit WHERE k % 5 BETWEEN 1 AND 4' },
		{ sql => 'SELECT (SELECT name FROM patient p WHERE p.k = v.pk) FROM visit v WHERE v.k = 7', exact => 0,
			oracle => 'SELECT ARRAY[v.pid, p.pid] AS persons FROM visit v LEFT JOIN patient p ON p.k = v.pk WHERE v.k = 7' },
	);
}

sub schema
{
	return <<'SQL';
CREATE TABLE patient (k int PRIMARY KEY, pid uuid NOT NULL UNIQUE, name text, grp int);
CREATE TABLE visit (note text, k int PRIMARY KEY, pid uuid REFERENCES patient (pid), pk int);
CREATE INDEX ON visit (pk, k);
CREATE TABLE lab (k int PRIMARY KEY, vk int REFERENCES visit (k), value text);
CREATE TABLE event (k int, pid uuid REFERENCES patient (pid), what text) PARTITION BY RANGE (k);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (40);
CREATE TABLE event_2 (what text, gone int, pid uuid, k int);
ALTER TABLE event_2 DROP COLUMN gone;
ALTER TABLE event ATTACH PARTITION event_2 FOR VALUES FROM (40) TO (100);
CREATE TABLE person_base (k int, pid uuid REFERENCES patient (pid), name text);
CREATE TABLE person_child (extra int) INHERITS (person_base);
CREATE TABLE drug (k int PRIMARY KEY, name text);
CREATE TABLE people (pid uuid);
CREATE TABLE sink (id int GENERATED ALWAYS AS IDENTITY, x text, y text);
INSERT INTO patient SELECT i, md5(i::text)::uuid, 'n' || i, i % 5 FROM generate_series(1, 60) i;
INSERT INTO visit SELECT 'v' || i, i, CASE WHEN i % 7 <> 0 THEN md5((1 + i * 7 % 60)::text)::uuid END, 1 + i * 11 % 60 FROM generate_series(1, 90) i;
INSERT INTO lab SELECT i, CASE WHEN i % 9 <> 0 THEN 1 + i % 90 END, 'l' || i FROM generate_series(1, 80) i;
INSERT INTO event SELECT i, md5((1 + i % 60)::text)::uuid, 'e' || i FROM generate_series(1, 90) i;
INSERT INTO person_base SELECT i, md5(i::text)::uuid, 'b' || i FROM generate_series(1, 20) i;
INSERT INTO person_child SELECT i, md5(i::text)::uuid, 'c' || i, i FROM generate_series(21, 40) i;
INSERT INTO drug SELECT i, 'd' || i FROM generate_series(1, 20) i;
INSERT INTO people SELECT pid FROM patient;
SELECT phiguard.label(r, c, l) FROM (VALUES ('patient', 'pid', 'mrn'), ('patient', 'name', 'name'), ('patient', 'k', 'none'), ('patient', 'grp', 'none'), ('patient', NULL, 'subject=pid'),
	('visit', 'pid', 'mrn'), ('visit', 'note', 'note'), ('visit', 'k', 'none'), ('visit', 'pk', 'none'), ('visit', NULL, 'subject=pid'),
	('lab', 'value', 'clinical'), ('lab', 'vk', 'other'), ('lab', 'k', 'none'), ('lab', NULL, 'subject=vk->visit'),
	('event', 'pid', 'mrn'), ('event', 'what', 'clinical'), ('event', 'k', 'none'), ('event', NULL, 'subject=pid'),
	('person_base', 'pid', 'mrn'), ('person_base', 'name', 'name'), ('person_base', 'k', 'none'), ('person_base', NULL, 'subject=pid'), ('person_child', 'extra', 'none'),
	('drug', 'name', 'other'), ('drug', 'k', 'none')) v (r, c, l);
CREATE VIEW v_patient AS SELECT k, name FROM patient WHERE grp < 4;
CREATE VIEW v_visits WITH (security_barrier) AS SELECT v.k, v.note, p.k AS pk, p.name FROM visit v JOIN patient p ON p.k = v.pk;
CREATE FUNCTION f_patients(int) RETURNS TABLE (k int, name text) LANGUAGE sql STABLE AS 'SELECT k, name FROM patient WHERE k < $1';
CREATE FUNCTION count_of(text) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS 'BEGIN RETURN length($1); END';
ANALYZE;
CREATE ROLE regress_phig_reader LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_phig_reader;
REVOKE SELECT ON people FROM regress_phig_reader;
GRANT INSERT ON sink TO regress_phig_reader;
SELECT phiguard.create_purpose('study', 'HRESCH', otherwise => 'mask');
SELECT phiguard.allow('study', category => 'mrn', transform => 'null'), phiguard.allow('study', category => 'other', transform => 'null');
SELECT phiguard.grant_purpose('study', 'regress_phig_reader');
SQL
}
