# What a purpose leaves of a plan: index scans, ordered scans, pruning, join removal and parallel plans stay for columns that are clear.
#
# The same query runs as a superuser and under a purpose that shows other columns in other forms.  auto_explain writes
# both plans to the log; their shapes have to be the same.  They run again once the purpose shows certain rows only, and the
# superuser has views with the same conditions.  The last queries are those where a sub-select in place of a table could be
# noticed.
use strict;
use warnings;
use JSON::PP;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('plans', 'phiguard.journal_sync = off', 'phiguard.mode = enforce', "session_preload_libraries = 'auto_explain'",
	'auto_explain.log_format = json', "log_line_prefix = ''", 'log_statement = none');
$node->safe_psql('postgres', schema());

# Text of a query => what its plan must have, or the comparison would be of plans that nobody is afraid for.
my @queries = (
	['an index by a clear key', 'SELECT id, name, note FROM person WHERE id = 17', qr/Index Scan person_pkey/],
	['a range of it', 'SELECT name FROM person WHERE id BETWEEN 10 AND 20 AND k = 3', qr/Index Scan person_pkey/],
	['an index-only scan', 'SELECT id FROM person WHERE id < 100', qr/Index (Only )?Scan person_pkey/],
	['a bitmap', 'SELECT name, ssn FROM person WHERE k = 3', qr/Bitmap Index Scan person_k/],
	['two of them', 'SELECT name FROM person WHERE k = 3 OR id = 17', qr/BitmapOr/],
	['the order of an index', 'SELECT id, name FROM person ORDER BY id LIMIT 5', qr/^Limit\n Index Scan person_pkey$/],
	['the other way round', 'SELECT * FROM person ORDER BY id DESC LIMIT 5', qr/^Limit\n Index Scan person_pkey Backward$/],
	['a merge of ordered partitions', 'SELECT id, day, cost FROM visit ORDER BY day LIMIT 5', qr/Append.*visit_2/s],
	['the smallest by an index', 'SELECT min(id), max(id) FROM person', qr/Index (Only )?Scan person_pkey.*Index (Only )?Scan person_pkey/s],
	['one partition', "SELECT reason, cost FROM visit WHERE day = '2021-05-05'", qr/visit_1/],
	['partitions while the query runs', "SELECT reason FROM visit WHERE day = (SELECT max(day) FROM calendar)", qr/Append/],
	['an outer join that nobody needs', 'SELECT v.id, v.reason FROM visit v LEFT JOIN person p ON p.id = v.person_id', qr/^(?!.*person)/s],
	['an index inside a loop', 'SELECT p.name, v.reason FROM calendar c JOIN person p ON p.id = c.person_id JOIN visit v ON v.person_id = p.id WHERE c.day < \'2021-01-03\'',
		qr/Nested Loop.*Index Scan person_pkey/s],
	['a hash join', 'SELECT p.name, v.reason FROM person p JOIN visit v ON v.person_id = p.id', qr/Hash Join/],
	['an outer join with other columns', 'SELECT c.day, p.name, p.note FROM calendar c LEFT JOIN person p ON p.id = c.person_id WHERE c.day < \'2021-01-03\'', qr/Left/],
	['a semi-join', 'SELECT name FROM person WHERE EXISTS (SELECT FROM visit WHERE visit.person_id = person.id)', qr/Semi|Unique|Aggregate/],
	['an anti-join', 'SELECT name FROM person p WHERE NOT EXISTS (SELECT FROM calendar c WHERE c.person_id = p.id)', qr/Anti/],
	['groups', 'SELECT k, count(*), max(id) FROM person GROUP BY k', qr/Aggregate/],
	['a parallel aggregate', 'SELECT count(*), sum(k), max(length(name)) FROM person', qr/Gather.*Seq Scan person/s, 'SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0'],
	['a window', 'SELECT id, name, row_number() OVER (PARTITION BY k ORDER BY id) FROM person', qr/WindowAgg/],
	['FOR UPDATE', 'SELECT id, name FROM person WHERE id = 17 FOR UPDATE', qr/^LockRows\n Index Scan person_pkey$/],
	['FOR UPDATE of a queue', 'SELECT id, note FROM person ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED', qr/^Limit\n LockRows\n  Index Scan/],
	['FOR UPDATE of one of two', 'SELECT c.day, p.name FROM calendar c JOIN person p ON p.id = c.person_id WHERE c.day < \'2021-01-03\' FOR UPDATE OF c', qr/^LockRows/],
	['a view', 'SELECT id, name FROM tall WHERE id = 17', qr/Index Scan person_pkey/],
	['a function that is put in line', 'SELECT id, name FROM by_k(3) WHERE id < 50', qr/(?!.*Function Scan).*person/s],
	['an update by a clear key', 'UPDATE person SET k = k WHERE id = 17', qr/^ModifyTable person\n Index Scan person_pkey$/],
	['an update from elsewhere', 'UPDATE calendar c SET person_id = p.k FROM person p WHERE p.id = c.person_id AND c.day < \'2021-01-03\'', qr/ModifyTable/],
	['a delete from partitions', "DELETE FROM visit WHERE day = '2021-05-05' AND id < 0", qr/visit_1/],
	['a prepared statement', 'EXECUTE point(17)', qr/Index Scan person_pkey/, 'SET plan_cache_mode = force_generic_plan; PREPARE point(int) AS SELECT name FROM person WHERE id = $1'],
);

compare('columns', 'public');
$node->safe_psql('postgres', q{
	SELECT phiguard.allow_rows('study', 'person', 'seen');
	SELECT phiguard.allow_rows('study', 'visit', 'paid');
	UPDATE visit SET paid = false WHERE id = 17; ANALYZE visit});
compare('rows', 'twin');
is(answer('SELECT count(*) FROM visit'), 19999, 'control: a row is hidden');

# Otherwise the comparison is of nothing: under the purpose the columns are others, and what does depend on them changes the plan.
isnt(answer('SELECT name FROM person WHERE id = 17'), $node->safe_psql('postgres', 'SELECT name FROM person WHERE id = 17'), 'control: the purpose is at work');
like(shape('SELECT id FROM person WHERE name = \'x\'', undef, 'postgres', 'public'), qr/person_name/, 'control: an index on a column');
unlike(shape('SELECT id FROM person WHERE name = \'x\'', undef, 'regress_phig_reader', 'public'), qr/person_name/, 'control: serves nobody who sees it in another form');

# FOR UPDATE locks what the query returns.
is(answer("BEGIN; SELECT id FROM person ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED; SELECT string_agg(id::text, ',') FROM person WHERE xmax::text = pg_current_xact_id()::text; ROLLBACK"),
	"1\n1", 'one row that is returned is one row that is locked');

# A row that another session changes meanwhile is looked at again.
my ($writer, $reader) = (session($node), session($node, as => 'regress_phig_reader'));
$writer->ask('BEGIN');
$writer->ask('UPDATE person SET k = 77, note = \'changed\' WHERE id IN (18, 19)');
$reader->send('SELECT p.k, p.note, p.ssn, c.person_id FROM person p JOIN calendar c ON c.person_id = p.id WHERE p.id = 18 FOR UPDATE OF p;');
$reader->send('SELECT id FROM person WHERE id = 19 AND k = 19 FOR UPDATE;');
wait_until(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'}) == 1 }, 'a row that another changes is waited for');
$writer->ask('COMMIT');
is($reader->ask('SELECT'), '77||***|18', 'what it has become is shown as the purpose says, where the condition still holds');
$_->close for $writer, $reader;

# Where a sub-select in place of the table could be noticed.
my $all = $node->safe_psql('postgres', 'SELECT count(*) FROM person');
is(answer('SELECT n FROM (VALUES (0), (100)) v (percent), LATERAL (SELECT count(name) AS n FROM person TABLESAMPLE bernoulli (percent)) s'), "0\n$all",
	'a sample whose size comes from outside');
is(answer('SELECT (SELECT count(name) FROM person TABLESAMPLE bernoulli (c.person_id)) FROM calendar c WHERE c.person_id = 100'), $all, 'from outside a sub-select');
is(answer('SELECT count(name) FROM person TABLESAMPLE bernoulli ((SELECT 100))'), $all, 'from a sub-select');
is(answer('SELECT tableoid::regclass, count(name) FROM person GROUP BY 1'), "person|$all", 'system columns');
is(answer('SELECT ctid, own, id, own.tableoid::regclass FROM own'), '(0,2)|(2,***,b)|2|own', 'a system column before the whole row');
is(answer("UPDATE calendar SET person_id = f.k FROM first_k(3) f WHERE day = '2021-05-05' AND f.id = 3 RETURNING f.id, f.note IS NULL, (f).k, f::text LIKE '(3,3,%,***,,t)'"), '3|t|3|t',
	'the whole row of a function that is put in line');
is(answer('SELECT id, secret FROM own WHERE ctid IS NOT NULL'), '2|***', 'row-level security by system columns and the whole row');

$node->stop;
done_testing();

sub compare
{
	my ($what, $schema) = @_;

	for my $case (@queries)
	{
		my ($name, $query, $pattern, $before) = @$case;
		my $plain = shape($query, $before, 'postgres', $schema);
		my $shown = shape($query, $before, 'regress_phig_reader', 'public');

		like($plain, $pattern, "$what, $name: the plan without a purpose");
		is($shown, $plain, "$what, $name: is the plan under one");
	}
	return;
}

sub schema
{
	return <<'SQL';
CREATE ROLE regress_phig_reader LOGIN;
CREATE TABLE person (id int PRIMARY KEY, k int, name text, ssn phiguard.ssn, note text, seen bool DEFAULT true);
CREATE INDEX person_k ON person (k);
CREATE INDEX person_name ON person (name);
CREATE TABLE visit (id int, person_id int, day date, reason text, cost numeric, paid bool DEFAULT true) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE INDEX visit_day ON visit (day);
CREATE INDEX visit_person ON visit (person_id);
CREATE TABLE calendar (day date PRIMARY KEY, person_id int);
CREATE TABLE own (id int PRIMARY KEY, secret text, hint text);
INSERT INTO person SELECT i, i % 200, 'name ' || i, '123-45-' || to_char(1 + i % 9999, 'FM0000'), 'note' FROM generate_series(1, 20000) i;
INSERT INTO visit SELECT i, 1 + i % 20000, '2021-01-01'::date + i % 700, 'reason ' || i, i FROM generate_series(1, 20000) i;
INSERT INTO calendar SELECT '2021-01-01'::date + i, i FROM generate_series(1, 700) i;
INSERT INTO own VALUES (1, 'one', 'a'), (2, 'two', 'b');
CREATE VIEW tall AS SELECT * FROM person WHERE k > 0;
CREATE FUNCTION first_k(int) RETURNS SETOF person LANGUAGE sql STABLE AS 'SELECT * FROM person WHERE k = $1 ORDER BY id OFFSET 0';
CREATE SCHEMA twin;
CREATE VIEW twin.person AS SELECT * FROM person WHERE seen;
CREATE VIEW twin.visit AS SELECT * FROM visit WHERE paid;
CREATE VIEW twin.tall AS SELECT * FROM twin.person WHERE k > 0;
CREATE FUNCTION twin.by_k(int) RETURNS SETOF twin.person LANGUAGE sql STABLE AS 'SELECT * FROM twin.person WHERE k = $1';
CREATE FUNCTION by_k(int) RETURNS SETOF person LANGUAGE sql STABLE AS 'SELECT * FROM person WHERE k = $1';
VACUUM ANALYZE;
SELECT phiguard.label(t::regclass, c, 'other') FROM (VALUES ('person', 'name'), ('person', 'note'), ('visit', 'reason'), ('visit', 'cost'), ('own', 'secret')) v (t, c);
SELECT phiguard.review(t) FROM unnest('{person,visit,own}'::regclass[]) t;
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON own USING (tableoid = 'own'::regclass AND ctid <> '(0,1)' AND own IS NOT NULL AND own::text LIKE '%two%');
SELECT phiguard.create_key('plans');
SELECT phiguard.create_purpose('study', 'HRESCH', otherwise => 'mask');
SELECT phiguard.allow('study', 'person', 'name', transform => 'mask(1)');
SELECT phiguard.allow('study', 'visit', 'reason', transform => 'token(plans)');
SELECT phiguard.allow('study', 'person', 'note', transform => 'null');
SELECT phiguard.grant_purpose('study', 'regress_phig_reader');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_phig_reader;
GRANT UPDATE ON person, calendar TO regress_phig_reader;
GRANT DELETE ON visit TO regress_phig_reader;
ALTER ROLE regress_phig_reader SET phiguard.purpose = 'study';
SQL
}

sub answer
{
	my ($sql) = @_;
	my ($out, $err) = run_sql($node, $sql, as => 'regress_phig_reader');

	return $out . $err;
}

# The plan of one query, one line a node.
sub shape
{
	my ($query, $before, $role, $schema) = @_;
	my $at = -s $node->logfile;
	my $script = "SET search_path = $schema, public;\n" . ($before ? "$before;\n" : '') . "$query;\n";

	# Only a superuser may turn it on.
	$node->safe_psql('postgres', "ALTER ROLE $role SET auto_explain.log_min_duration = 0");
	my ($out, $err) = run_sql($node, "BEGIN;\n${script}ROLLBACK;", as => $role);
	$node->safe_psql('postgres', "ALTER ROLE $role RESET auto_explain.log_min_duration");
	die $err if $err ne '';
	my $log = slurp_file($node->logfile, $at);
	my @plans = $log =~ /plan:\n(\t\{\n.*?^\t\})$/msg;

	die "no plan in the log:\n$log" if !@plans;
	return join "\n", lines_of(decode_json($plans[0])->{Plan}, 0);
}

sub lines_of
{
	my ($plan, $depth) = @_;
	my @words = map { $plan->{$_} // () } 'Node Type', 'Join Type', 'Index Name', 'Relation Name', 'Scan Direction', 'Strategy', 'Parent Relationship';

	@words = grep { !/^(Forward|Plain|Outer|Inner|Member)$/ } map { $plan->{'Index Name'} && $_ eq ($plan->{'Relation Name'} // '') ? () : $_ } @words;
	return (' ' x $depth . "@words", map { lines_of($_, $depth + 1) } @{ $plan->{Plans} || [] });
}
