# From a reference to the person by rows of other tables: looked up by an index, by a query, or all at once; the persons
# are those that a join finds, as the statement's snapshot shows them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('hops', 'phiguard.on_unlabelled_store = ignore', 'phiguard.subjects_per_record = 100000', 'max_parallel_workers_per_gather = 0');
sub sql { return $node->safe_psql('postgres', $_[0]) }

# visits => [ key's type, key of visit i, what else ]; their doses refer to the keys.
my %visits = (
	close => [ 'int', 'i' ],
	below_zero => [ 'int', '2500 - i' ],
	wide => [ 'bigint', 'i + 9223372036854770000' ],
	far_apart => [ 'int', 'i * 700000' ],
	both_ends => [ 'bigint', 'CASE i % 2 WHEN 0 THEN i ELSE -9223372036854775808 + i END' ],
	spelled => [ 'text', "'v-' || i" ],
	in_parts => [ 'int', 'i', 'PARTITION BY HASH (id)' ],
	with_child => [ 'int', 'i' ]);
my %reference = (close => 'bigint', spelled => 'varchar(20)');

sql('CREATE TABLE patient (id int PRIMARY KEY, name text); INSERT INTO patient SELECT i, $$n$$ FROM generate_series(1, 500) i');
sql("SELECT phiguard.label('patient', 'name', 'name'), phiguard.label('patient', NULL, 'subject=id')");
for my $visit (sort keys %visits)
{
	my ($type, $key, $how) = (@{ $visits{$visit} }, '');
	my $reference = $reference{$visit} // $type;

	sql("CREATE TABLE $visit (id $type PRIMARY KEY, patient int, note text) $how");
	sql("CREATE TABLE ${visit}_1 PARTITION OF $visit FOR VALUES WITH (MODULUS 1, REMAINDER 0)") if $how;
	sql("INSERT INTO $visit SELECT $key, nullif(1 + i % 400, 7), 'v' FROM generate_series(1, 3000) i");
	sql("CREATE TABLE ${visit}_dose (k int PRIMARY KEY, visit $reference, drug text)");
	sql("INSERT INTO ${visit}_dose SELECT k, CASE WHEN k % 50 > 0 THEN $key END, 'd' FROM (SELECT k, 1 + k * 7 % 3000 AS i FROM generate_series(1, 6000) k) x");
}
sql('CREATE TABLE with_child_1 () INHERITS (with_child); WITH moved AS (DELETE FROM ONLY with_child WHERE id % 3 = 0 RETURNING *) INSERT INTO with_child_1 SELECT * FROM moved');
sql(<<"SQL") for sort keys %visits;
SELECT phiguard.label('$_', 'note', 'note'), phiguard.label('$_', NULL, 'subject=patient->patient');
SELECT phiguard.label('${_}_dose', 'drug', 'clinical'), phiguard.label('${_}_dose', NULL, 'subject=visit->$_');
SQL
sql('CREATE ROLE regress_phig_reader LOGIN; GRANT SELECT, UPDATE ON ' . join(', ', map { "${_}_dose" } sort keys %visits) . ' TO regress_phig_reader');
sql("ALTER TABLE close ENABLE ROW LEVEL SECURITY; ALTER TABLE close FORCE ROW LEVEL SECURITY");
sql('VACUUM (ANALYZE)');

# named(APP, VISIT, PATIENTS): are those on record exactly the patients that this query finds?
sub named
{
	my ($app, $patients) = @_;

	return sql(<<"SQL");
WITH recorded AS (SELECT DISTINCT unnest(subjects) AS token FROM phiguard.access_log WHERE application = '$app' AND kind IN ('read', 'write')),
     expected AS (SELECT DISTINCT phiguard.subject_token('patient', p::text) AS token FROM ($patients) x (p) WHERE p IS NOT NULL)
SELECT count(r.token) || ' and ' || count(*) FILTER (WHERE r.token IS NULL) || ' missing, ' || count(*) FILTER (WHERE e.token IS NULL) || ' too many'
  FROM recorded r FULL JOIN expected e ON e.token = r.token
SQL
}

sub join_of { return "SELECT v.patient FROM $_[0] v JOIN $_[0]_dose d ON d.visit = v.id WHERE " . ($_[1] // 'true') }

# How often a table was read whole, and by its index.
sub reads
{
	my ($visit) = @_;

	return split /\|/, sql("SELECT pg_stat_force_next_flush(), pg_sleep(0.2); SELECT sum(seq_scan), sum(idx_scan) FROM pg_stat_user_tables WHERE relname LIKE '$visit%' AND relname NOT LIKE '%dose'") =~ s/^\|\n//r;
}

my %by_index = map { $_ => /close|below|wide/ ? 'at once' : 'one by one' } qw(close below_zero wide far_apart both_ends spelled);
for my $visit (sort keys %visits)
{
	for my $few (1, 0)
	{
		my $app = "$visit " . ($few ? 'few' : 'all');
		my $where = $few ? 'k <= 100' : 'true';
		my (undef, $idx) = reads($visit);
		my ($out, $err) = run_sql($node, "SET work_mem = '64kB'; SELECT k, drug FROM ${visit}_dose WHERE $where;", app => $app, as => 'regress_phig_reader');
		my (undef, $idx_after) = reads($visit);

		is($err, '', "$app: runs");
		is(named($app, join_of($visit, $where)), ($few ? 98 : 391) . ' and 0 missing, 0 too many', "$app: the persons");
		next if $few || !$by_index{$visit};
		is($idx_after - $idx < 2000 ? 'at once' : 'one by one', $by_index{$visit}, "$app: how");
	}
}

# A reference to nobody, all at once or not: not captured.
sql("INSERT INTO close_dose VALUES (6001, 4000000000, 'd'), (6002, 2500, 'd'); DELETE FROM close WHERE id = 2500");
sub captured
{
	my ($app, $query) = @_;

	run_sql($node, $query, app => $app);
	return sql("SELECT bool_and(subjects IS NOT NULL) FROM phiguard.access_log WHERE application = '$app' AND kind = 'read'");
}
is(captured('nobody, few', 'SELECT drug FROM close_dose WHERE k = 6001'), 'f', 'a reference out of range');
is(captured('nobody, all', 'SELECT drug FROM close_dose WHERE k <> 6002 AND visit IS DISTINCT FROM 2500'), 'f', '... among many');
is(captured('gone, all', 'SELECT drug FROM close_dose WHERE k <> 6001'), 'f', 'a row that is gone, among many');
is(captured('the others', 'SELECT drug FROM close_dose WHERE k < 6001 AND visit IS DISTINCT FROM 2500'), 't', 'the others');

# What a snapshot shows, and not what others did since, or this transaction in the meantime.
my $reader = session($node, app => 'old snapshot');
$reader->ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
sql('UPDATE below_zero SET patient = 500');
$reader->ask('SELECT count(drug) FROM below_zero_dose; COMMIT');
is(named('old snapshot', 'SELECT 1 + i % 400 FROM (SELECT 1 + k * 7 % 3000 AS i FROM generate_series(1, 6000) k WHERE k % 50 > 0) x WHERE i % 400 <> 6'), '391 and 0 missing, 0 too many', 'a snapshot is what counts');
run_sql($node, 'SELECT count(drug) FROM below_zero_dose', app => 'new snapshot');
is(named('new snapshot', 'SELECT 500'), '1 and 0 missing, 0 too many', '... a new one is new');
run_sql($node, 'BEGIN; DECLARE c CURSOR FOR SELECT drug FROM wide_dose ORDER BY k; FETCH 3000 FROM c; UPDATE wide SET patient = 500; FETCH 3000 FROM c; ROLLBACK', app => 'cursor');
is(sql("SELECT count(*) FROM phiguard.access_log WHERE application = 'cursor' AND phiguard.subject_token('patient', '500') = ANY (subjects) AND kind = 'read' AND 'public.wide_dose.drug' = ANY (returned)"), 0, 'a cursor does not see what came after');
run_sql($node, 'BEGIN; UPDATE wide SET patient = 500; SELECT drug FROM wide_dose; ROLLBACK', app => 'own change');
is(sql("SELECT cardinality(subjects) FROM phiguard.access_log WHERE application = 'own change' AND kind = 'read'"), 1, 'a transaction sees what it did itself');

run_sql($node, 'BEGIN; DECLARE c CURSOR FOR SELECT drug FROM far_apart_dose ORDER BY k; FETCH 40 FROM c; ALTER TABLE far_apart DROP CONSTRAINT far_apart_pkey; FETCH 60 FROM c; ROLLBACK', app => 'without an index');
is(named('without an index', join_of('far_apart', 'k <= 100')), '98 and 0 missing, 0 too many', 'a cursor outlives an index');

run_sql($node, "BEGIN; DECLARE c CURSOR FOR SELECT drug FROM close_dose WHERE k < 6001 AND visit IS DISTINCT FROM 2500 ORDER BY k; FETCH 40 FROM c; ALTER TABLE close ALTER patient TYPE text USING (1 + patient % 400)::text; FETCH 60 FROM c; ROLLBACK", app => 'another type');
is(sql("SELECT bool_and(subjects IS NOT NULL) FROM phiguard.access_log WHERE application = 'another type' AND kind = 'read' AND 'public.close_dose.drug' = ANY (returned)"), 'f', 'rows in the meantime of another type are those of nobody who is claimed');

# A serializable transaction does not read what it was not asked for.
my ($seq) = reads('wide');
run_sql($node, 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT drug FROM wide_dose; COMMIT', app => 'serializable');
is((reads('wide'))[0], $seq, 'serializable: row by row');
is(named('serializable', join_of('wide')), '391 and 0 missing, 0 too many', '... the same persons');

journal_is_intact($node, 'the journal is intact');
done_testing();
