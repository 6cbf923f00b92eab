# What a purpose shows, against hand-made views that show the same.
#
# Made-up queries (PhigQueries.pm) and written ones run twice: over labelled tables, by a role under a purpose, and over
# views with the same transforms and conditions, by a superuser.  The results have to be the same.  The
# comparison is also made with the clear tables: it must notice.
#
# PHIG_ENFORCE_QUERIES: how many (1300; test/long has more); PHIG_ENFORCE_SEED: which (1).
use strict;
use warnings;
use FindBin;
use PhigQueries;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = $ENV{PHIG_ENFORCE_QUERIES} || 1300;
my $seed = $ENV{PHIG_ENFORCE_SEED} || 1;

my $node = phig_node('differential', 'phiguard.mode = enforce', 'phiguard.journal_sync = off',
	"statement_timeout = '10s'", 'phiguard.on_unlabelled_store = ignore', 'max_parallel_workers_per_gather = 0');
$node->safe_psql('postgres', schema());

my $queries = PhigQueries->new($seed);
my @queries = written();
while (@queries < $count)
{
	my $query = $queries->query;
	push @queries, $query if $query !~ /\b(INSERT|UPDATE|DELETE|MERGE)\b/;
}

my $shown = run('real', as => 'regress_phig_reader');
my $twin = run('twin');
my $clear = run('real');
is(scalar @$shown, $count, "$count queries under a purpose");

my (@different, %seen);
for my $i (0 .. $#queries)
{
	my $ran = $shown->[$i]{state} eq '00000';

	$seen{errors}++ if !$ran;
	$seen{rows}++ if $ran && $shown->[$i]{rows} ne '';
	# Which of equal rows come first is up to the plan.
	if ($queries[$i] =~ /\b(LIMIT|DISTINCT ON|OVER|string_agg)\b/)
	{
		$seen{undetermined}++;
		push @different, $i if $shown->[$i]{state} ne $twin->[$i]{state};
		next;
	}
	$seen{compared}++;
	push @different, $i if $shown->[$i]{all} ne $twin->[$i]{all};
	$seen{noticed}++ if $clear->[$i]{all} ne $twin->[$i]{all};
}
note join ', ', map { "$_ $seen{$_}" } sort keys %seen;
is(scalar @different, 0, 'all have the results of the same query over hand-made views') or show(@different);
cmp_ok($seen{errors} // 0, '<', $count / 20, 'nearly all queries run');
cmp_ok($seen{compared}, '>=', 500, 'at least 500 are determined by their text');
cmp_ok($seen{rows}, '>', $count / 3, 'many return rows');
cmp_ok($seen{noticed}, '>', $seen{compared} / 3, 'the clear tables, had they been shown, would have been noticed');

$node->stop;
done_testing();

sub schema
{
	my $labels = join '', map { my $t = $_; map { "SECURITY LABEL FOR phiguard ON COLUMN real.$t.$_ IS 'other';\n" } 'a' .. 'd' } qw(t1 t2 t3);
	my $reviewed = join '', map { "SELECT phiguard.review('real.$_');\n" } qw(t1 t2 t3);
	my $objects = <<'SQL';
CREATE VIEW v1 AS SELECT id, k, a, b, c, d, e FROM t1 WHERE b IS NOT NULL;
CREATE VIEW v2 AS SELECT x.id, y.k, x.a, y.b, x.c || y.c AS c, 'v1'::text AS d, x.e FROM t2 x JOIN t3 y ON x.id = y.id AND x.d > y.d;
CREATE FUNCTION f1() RETURNS SETOF t3 LANGUAGE sql STABLE AS 'SELECT * FROM t3 WHERE c < ''v6''';
CREATE FUNCTION f2(text) RETURNS TABLE (o1 text, o2 text) LANGUAGE sql STABLE AS 'SELECT a, b FROM t1 WHERE c >= $1';
CREATE FUNCTION echo(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION rows_of(text) RETURNS TABLE (o1 text, o2 text) LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN RETURN QUERY SELECT left($1, 9), $1 || ''x'' WHERE $1 > ''v2''; END';
SQL

	return <<"SQL";
SELECT phiguard.create_key('d');
CREATE ROLE regress_phig_reader LOGIN;
SELECT phiguard.grant_key('d', 'regress_phig_reader');
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO regress_phig_reader;
CREATE SCHEMA real;
CREATE SCHEMA twin;
GRANT USAGE ON SCHEMA real, twin TO regress_phig_reader;
SET search_path = real;
CREATE TABLE t1 (id int, k int, gone int, a text, b text, c text, d text, e text);
ALTER TABLE t1 DROP COLUMN gone;
CREATE TABLE t2 (LIKE t1);
CREATE TABLE t3 (LIKE t1) PARTITION BY RANGE (id);
CREATE TABLE t3_low (e text, d text, c text, b text, a text, k int, id int);
ALTER TABLE t3 ATTACH PARTITION t3_low FOR VALUES FROM (MINVALUE) TO (4);
CREATE TABLE t3_high PARTITION OF t3 FOR VALUES FROM (4) TO (MAXVALUE);
CREATE TABLE base AS
SELECT 't' || t AS name, id, 1 + (id * 3 + t) % 4 AS k, v[1] AS a, v[2] AS b, v[3] AS c, v[4] AS d, v[5] AS e
FROM generate_series(1, 3) AS t, generate_series(1, 7) AS id,
	LATERAL (SELECT array_agg(CASE WHEN h % 11 = 0 THEN NULL ELSE 'v' || h % 8 END ORDER BY n) AS v
			 FROM (SELECT n, abs(hashint4(t * 1000 + id * 10 + n + $seed)) AS h FROM generate_series(1, 5) AS n) AS hashes) AS vs;
INSERT INTO t1 SELECT id, k, a, b, c, d, e FROM base WHERE name = 't1' ORDER BY id;
INSERT INTO t2 SELECT id, k, a, b, c, d, e FROM base WHERE name = 't2' ORDER BY id;
INSERT INTO t3 SELECT id, k, a, b, c, d, e FROM base WHERE name = 't3' ORDER BY id;
$labels$reviewed$objects
GRANT SELECT ON ALL TABLES IN SCHEMA real TO regress_phig_reader;

SELECT phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'mask');
SELECT phiguard.allow('study', 'real.t1', column_name => 'a', transform => 'clear');
SELECT phiguard.allow('study', 'real.t1', column_name => 'b', transform => 'token(d)');
SELECT phiguard.allow('study', 'real.t1', column_name => 'c', transform => 'null');
SELECT phiguard.allow('study', 'real.t2', column_name => 'b', transform => 'mask(1)');
SELECT phiguard.allow('study', 'real.t2', column_name => 'd', transform => 'token(d)');
SELECT phiguard.allow('study', 'real.t3', column_name => 'c', transform => 'token(d)');
SELECT phiguard.allow('study', 'real.t3', column_name => 'a', transform => 'clear');
SELECT phiguard.allow_rows('study', 'real.t1', 'k <> 2');
SELECT phiguard.allow_rows('study', 'real.t2', 'EXISTS (SELECT FROM real.t3 AS other WHERE other.id = t2.id AND other.c IS NOT NULL)');
SELECT phiguard.allow_rows('study', 'real.t3', 'd IS DISTINCT FROM ''v3''');
SELECT phiguard.grant_purpose('study', 'regress_phig_reader');
ALTER ROLE regress_phig_reader SET phiguard.purpose = 'study';

SET search_path = twin;
CREATE VIEW t1 AS SELECT id, k, a, phiguard.token(b, 'd') AS b, NULL::text AS c, phiguard.mask(d) AS d, e FROM real.t1 WHERE k <> 2;
CREATE VIEW t2 AS SELECT id, k, phiguard.mask(a) AS a, phiguard.mask(b, 1) AS b, phiguard.mask(c) AS c, phiguard.token(d, 'd') AS d, e FROM real.t2
	WHERE EXISTS (SELECT FROM real.t3 AS other WHERE other.id = t2.id AND other.c IS NOT NULL);
CREATE VIEW t3 AS SELECT id, k, a, phiguard.mask(b) AS b, phiguard.token(c, 'd') AS c, phiguard.mask(d) AS d, e FROM real.t3
	WHERE d IS DISTINCT FROM 'v3';
$objects
SQL
}

# What the generator does not make.
sub written
{
	return (
		'SELECT * FROM t1', 'SELECT t1 FROM t1', 'SELECT t3.* FROM t3 ORDER BY t3', 'SELECT row_to_json(x) FROM t2 x',
		'TABLE t1', 'SELECT count(*) FROM t1', 'SELECT count(*), count(b), count(DISTINCT d) FROM t2',
		'SELECT id FROM t1 WHERE c IS NULL', "SELECT id FROM t1 WHERE d = '***'", 'SELECT b FROM t1 GROUP BY b HAVING count(*) > 1',
		'SELECT x.id, y.b FROM t1 x LEFT JOIN t1 y ON y.id = x.id + 1', 'SELECT x, y FROM t1 x LEFT JOIN t3 y ON y.id = x.id + 2',
		'SELECT x.b, y.d FROM t1 x JOIN t2 y ON x.b = y.d', 'SELECT * FROM t1 NATURAL JOIN t2', 'SELECT * FROM t1 FULL JOIN t2 USING (id)',
		'SELECT * FROM t1 x, LATERAL (SELECT * FROM t2 y WHERE y.k = x.k) z', 'SELECT (SELECT max(b) FROM t2 WHERE t2.id = t1.id) FROM t1',
		'SELECT id, b FROM t1 UNION SELECT id, c FROM t3', 'SELECT b FROM t1 INTERSECT SELECT b FROM t1 WHERE id > 2',
		'SELECT k, b, count(*) FROM t1 GROUP BY GROUPING SETS ((k), (b), ())', 'SELECT k, grouping(b) FROM t1 GROUP BY ROLLUP (k, b)',
		'WITH w AS MATERIALIZED (SELECT * FROM t1) SELECT w FROM w', 'SELECT ARRAY(SELECT b FROM t1 ORDER BY id)',
		'SELECT id FROM t1 WHERE (b, d) IN (SELECT b, d FROM t1)', 'SELECT (t1).b FROM t1', 'SELECT (x.r).d FROM (SELECT t1 AS r FROM t1) x',
		"SELECT b COLLATE \"C\" FROM t1 ORDER BY b COLLATE \"C\" DESC", 'SELECT DISTINCT d FROM t1',
		'SELECT id FROM t3 WHERE id < 3', 'SELECT c FROM t3 WHERE id IN (1, 5)', 'SELECT * FROM f1()', "SELECT * FROM f2('v1')",
		'SELECT coalesce(c, b, d) FROM t1', 'SELECT x IS NULL, x.* IS NOT NULL FROM t1 x', 'SELECT md5(t1::text) FROM t1',
		'SELECT json_agg(t2) FROM t2', "SELECT xmlforest(b, d)::text FROM t1");
}

# All of them, by a role, over the relations of a schema.
sub run
{
	my ($schema, %opt) = @_;
	my $file = $node->basedir . '/script.sql';
	my $connection = $node->connstr('postgres') . ($opt{as} ? " user=$opt{as}" : '');
	my $out;

	open my $script, '>', $file or die "$file: $!";
	print $script "SET search_path = $schema, pg_catalog;\n", map { "$_;\n\\echo #:SQLSTATE\n" } @queries;
	close $script;
	IPC::Run::run([ $node->installed_command('psql'), '-XAtq', '-d', $connection, '-f', $file ], '>', \$out, '2>', $node->basedir . "/$schema.err");
	return [ results($out) ];
}

sub results
{
	my ($out) = @_;
	my @found;

	push @found, result($1, $2) while $out =~ /\G(.*?)^#(\w{5})\n/msg;
	return @found;
}

# The rows in any order.
sub result
{
	my ($rows, $state) = @_;
	my @rows = split /\n/, $rows, -1;

	pop @rows;	# behind the last line
	my $sorted = join "\n", sort @rows;

	return { rows => $sorted, state => $state, all => "$state\n$sorted" };
}

sub show
{
	my @indexes = @_;

	for my $i (splice @indexes, 0, 5)
	{
		diag "$queries[$i]\nunder the purpose: $shown->[$i]{all}\nover views: $twin->[$i]{all}";
	}
	return;
}
