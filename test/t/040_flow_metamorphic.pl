# What flow says of a query, against what the query does.
#
# Made-up queries (PhigQueries.pm) run over random data.  Whatever flow did not report may change without
# changing a result, and values of columns that it says are not returned, or not stored, are not found there.
# Both checks are also made with sets that are wrong on purpose: they must notice.
#
# PHIG_FLOW_QUERIES: how many queries (150; test/long has more); PHIG_FLOW_SEED: which (1).
use strict;
use warnings;
use FindBin;
use PhigQueries;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = $ENV{PHIG_FLOW_QUERIES} || 150;
my $seed = $ENV{PHIG_FLOW_SEED} || 1;
my @labelled = map { "t1.$_" } qw(a b c e);
push @labelled, map { "t2.$_" } qw(a b d);
push @labelled, map { "t3.$_" } qw(a c d);

my $node = PostgreSQL::Test::Cluster->new('flow');
$node->init;
$node->append_conf('postgresql.conf', <<CONF);
shared_preload_libraries = 'phiguard'
phiguard.journal_sync = off
phiguard.on_unlabelled_store = ignore
autovacuum = off
jit = off
log_statement = none
max_parallel_workers_per_gather = 0
statement_timeout = '10s'
client_min_messages = error
CONF
$node->start;
$node->safe_psql('postgres', "\\i $FindBin::Bin/../lib/flow.psql");
$node->safe_psql('postgres', schema());
$node->safe_psql('postgres', "SELECT phiguard.create_key('d')");

my $queries = PhigQueries->new($seed);
my @queries = map { $queries->query } 1 .. $count;
my @flows = map { read_flow($_) } split /^#\n/m,
  run_script(map { "SELECT flow_of(\$flow\$$_\$flow\$);\n\\echo #\n" } @queries);
is(scalar @flows, $count, "flow of $count queries");
is(scalar(grep { $_->{error} } @flows), 0, 'all of them are analysed')
  or diag map { "$queries[$_]\n  $flows[$_]{error}\n" } grep { $flows[$_]{error} } 0 .. $#flows;

# Five runs of each: as it is; with what is not reported changed; with marks in what is not returned;
# with one reported column changed too; with marks in one returned column too.
my @runs;
for my $flow (@flows)
{
	my %reported = map { $_ => 1 } map { keys %{ $flow->{$_} } } qw(returned referenced stored tokens);
	my @unreported = grep { !$reported{$_} } @labelled;
	my @hidden = grep { !$flow->{returned}{$_} && !$flow->{stored}{$_} } @labelled;
	my @steering = sort keys %{ $flow->{referenced} };
	my ($returned) = sort keys %{ $flow->{returned} };
	$flow->{hidden} = \@hidden;
	$flow->{unreported} = \@unreported;
	$flow->{wrong_change} = \@steering;
	$flow->{wrong_mark} = [ $returned // () ];
	push @runs, [ [], [] ], [ 'change', \@unreported ], [ 'mark', \@hidden ],
	  [ 'change', [ @unreported, @steering ] ], [ 'mark', [ @hidden, @{ $flow->{wrong_mark} } ] ];
}
my @results = map { read_result($_) } split /^#run\n/m, run_script(make_runs());
is(scalar @results, 5 * $count, 'five runs of each');

my (@changed, @leaked, @kept_in, %seen);
for my $i (0 .. $#flows)
{
	my ($plain, $change, $mark, $wrong_change, $wrong_mark) = @results[ 5 * $i .. 5 * $i + 4 ];
	my $flow = $flows[$i];

	$seen{error}++ if $plain->{error};
	next if $plain->{error};
	$seen{rows}++ if $plain->{output} ne '';
	$seen{marked_rows}++ if $mark->{output} ne '' && !$mark->{error};
	push @changed, $i if $plain->{all} ne $change->{all};
	push @leaked, $i if found($mark->{output}, grep { !$flow->{returned}{$_} } @labelled);
	push @kept_in, $i if found($mark->{sink}, grep { !$flow->{stored}{$_} } @labelled);
	if (@{ $flow->{wrong_change} })
	{
		$seen{wrong_changes}++;
		$seen{wrong_changes_noticed}++ if $plain->{all} ne $wrong_change->{all};
	}
	if (@{ $flow->{wrong_mark} } && $wrong_mark->{output} ne '')
	{
		$seen{wrong_marks}++;
		$seen{wrong_marks_noticed}++ if found($wrong_mark->{output}, @{ $flow->{wrong_mark} });
	}
}
note join ', ', map { "$_ $seen{$_}" } sort keys %seen;
is(scalar @changed, 0, 'changing columns that were not reported changes no result') or show(@changed);
is(scalar @leaked, 0, 'values of columns that are not returned are in no output') or show(@leaked);
is(scalar @kept_in, 0, 'values of columns that are not stored are in no table') or show(@kept_in);

# The checks can fail, and had something to check.
cmp_ok($seen{error} // 0, '<', $count / 20, 'nearly all queries run');
cmp_ok($seen{rows}, '>', $count / 3, 'many return rows');
cmp_ok($seen{marked_rows}, '>', $count / 4, 'and still do when values are marks');
cmp_ok($seen{wrong_changes}, '>', $count / 4, 'columns that steer are reported');
cmp_ok($seen{wrong_changes_noticed}, '>', $seen{wrong_changes} / 3, 'a column that steers, had it not been reported, is noticed');
cmp_ok($seen{wrong_marks}, '>', $count / 6, 'columns are returned');
cmp_ok($seen{wrong_marks_noticed}, '>', $seen{wrong_marks} / 2, 'a returned column, had it not been reported, is noticed');

$node->stop;
done_testing();

sub schema
{
	my $labels = join '', map { "SECURITY LABEL FOR phiguard ON COLUMN $_ IS 'other';\n" } @labelled;

	return <<SQL;
CREATE TABLE t1 (id int, k int, a text, b text, c text, d text, e text);
CREATE TABLE t2 (LIKE t1);
CREATE TABLE t3 (LIKE t1);
CREATE TABLE sink (id int PRIMARY KEY, x text, y text);
CREATE TABLE base AS
SELECT 't' || t AS name, id, 1 + (id * 3 + t) % 4 AS k, v[1] AS a, v[2] AS b, v[3] AS c, v[4] AS d, v[5] AS e
FROM generate_series(1, 3) AS t, generate_series(1, 7) AS id,
	LATERAL (SELECT array_agg(CASE WHEN h % 11 = 0 THEN NULL ELSE 'v' || h % 8 END ORDER BY n) AS v
			 FROM (SELECT n, abs(hashint4(t * 1000 + id * 10 + n + $seed)) AS h FROM generate_series(1, 5) AS n) AS hashes) AS vs;
$labels
CREATE VIEW v1 AS SELECT id, k, a, b, c, d, e FROM t1 WHERE b IS NOT NULL;
CREATE VIEW v2 AS SELECT x.id, y.k, x.a, y.b, x.c || y.c AS c, 'v1'::text AS d, x.e FROM t2 x JOIN t3 y ON x.id = y.id AND x.d > y.d;
CREATE FUNCTION f1() RETURNS SETOF t3 LANGUAGE sql STABLE AS 'SELECT * FROM t3 WHERE c < ''v6''';
CREATE FUNCTION f2(text) RETURNS TABLE (o1 text, o2 text) LANGUAGE sql STABLE AS 'SELECT a, b FROM t1 WHERE c >= \$1';
CREATE FUNCTION echo(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';
CREATE FUNCTION rows_of(text) RETURNS TABLE (o1 text, o2 text) LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN RETURN QUERY SELECT left(\$1, 9), \$1 || ''x'' WHERE \$1 > ''v2''; END';

-- The tables anew, always in the same order, with some columns changed or marked.
CREATE FUNCTION fill(how text, columns text[]) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE
	name text;
	list text;
BEGIN
	TRUNCATE t1, t2, t3, sink;
	FOREACH name IN ARRAY '{t1,t2,t3}'::text[] LOOP
		SELECT string_agg(CASE WHEN name || '.' || col <> ALL (columns) THEN col
				WHEN how = 'mark' THEN format('%L || id', 'mk_' || name || '.' || col || '_')
				ELSE format('nullif(''v'' || abs(hashtext(%I || %L || id)) %% 9, ''v8'')', col, name || col) END, ', ' ORDER BY col)
			INTO list FROM unnest('{a,b,c,d,e}'::text[]) AS col;
		EXECUTE format('INSERT INTO %I SELECT id, k, %s FROM base WHERE name = %L ORDER BY id', name, list, name);
	END LOOP;
	INSERT INTO sink VALUES (1, 'v1', 'v2'), (2, 'v3', NULL), (3, 'v5', 'v6');
END \$\$;
SQL
}

# One session for all: errors are part of the output.
sub run_script
{
	my $file = $node->basedir . '/script.sql';
	my ($stdout, $stderr);

	open my $out, '>', $file or die "$file: $!";
	print $out @_;
	close $out;
	run_log([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$stdout, '2>', \$stderr);
	return $stdout;
}

sub read_flow
{
	my ($line) = @_;
	my %flow;

	chomp $line;
	return { error => $line } if $line =~ /^error/;
	@flow{qw(returned referenced stored)} = map { my $list = $_ // ''; +{ map { $_ => 1 } split ' ', $list } }
	  (split /\|/, $line)[ 0 .. 2 ];
	# A column that is returned as a token alone may not be found, but changing it changes the token.
	$flow{tokens} = { map { s/=.*//r => 1 } grep { /=/ } keys %{ $flow{returned} } };
	delete $flow{returned}{$_} for grep { /=/ } keys %{ $flow{returned} };
	return \%flow;
}

sub make_runs
{
	my @script = ("\\set ON_ERROR_ROLLBACK on\n");

	for my $i (0 .. $#runs)
	{
		my ($how, $columns) = @{ $runs[$i] };
		my $query = $queries[ $i / 5 ];
		my $list = join ',', @$columns;
		$how = 'as is' if ref $how;
		push @script, "BEGIN;\nSELECT fill('$how', '{$list}');\n\\echo #output\n$query;\n\\echo :SQLSTATE\n"
		  . "\\echo #sink\nSELECT * FROM sink ORDER BY id, x, y;\nROLLBACK;\n\\echo #run\n";
	}
	return @script;
}

sub read_result
{
	my ($text) = @_;
	my ($output, $state, $sink) = $text =~ /^#output\n(.*?)^(\w{5})\n#sink\n(.*)\z/ms or die "cannot read: $text";

	return { all => $text, output => $output, sink => $sink, error => $state ne '00000' };
}

# Is a mark of one of these columns in the text?  Functions may have changed its case.
sub found
{
	my ($text, @columns) = @_;

	return grep { $text =~ /mk_\Q$_\E_/i } @columns;
}

sub show
{
	for my $i (@_)
	{
		diag "query: $queries[$i]\nflow: ", join(' | ', map { join ' ', sort keys %{ $flows[$i]{$_} } } qw(returned referenced stored)),
		  "\nas is:\n$results[5 * $i]{all}\nchanged @{ $flows[$i]{unreported} }:\n$results[5 * $i + 1]{all}",
		  "\nmarked @{ $flows[$i]{hidden} }:\n$results[5 * $i + 2]{all}";
	}
}
