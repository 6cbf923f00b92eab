# However a statement is executed, it has one start and one end record with the right rows: in parts, in a pipeline,
# never, by cursors of all kinds, in functions that catch what fails, in workers, from C.
#
# Each shape runs under an application name of its own.  The access log is read once, at the end, and
# then the journal's files are, where each start record must have exactly one end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigServer qw(read_segment segments journal_dir);
use PhigTest;
use PhigWire;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# --- Statements run from C: built here, found by dynamic_library_path.
my $place = PostgreSQL::Test::Utils::tempdir();
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $include = qx($pg_config --includedir-server));
my @compilers = grep { defined && $_ ne '' } $ENV{CC}, qw(cc gcc clang);
my ($compiler) = grep { system("command -v $_ >/dev/null") == 0 } @compilers;
is(system($compiler, qw(-Wall -Wextra -Wno-unused-parameter -Werror -shared -fPIC), "-I$include", '-o', "$place/phig_shapes.so",
		"$FindBin::RealBin/../modules/phig_shapes.c"), 0, 'the module in C is built');

my $node = phig_node('shapes', "dynamic_library_path = '$place:\$libdir'", 'max_parallel_workers_per_gather = 2',
	'max_worker_processes = 16', 'max_parallel_workers = 8', 'max_prepared_transactions = 2');
my $dir = journal_dir($node);
my $debug_parallel = $node->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_app LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_app;
CREATE TABLE patient (id int PRIMARY KEY, ssn text, ward int DEFAULT 0);
INSERT INTO patient SELECT i, '000-00-' || to_char(i, 'FM0000') FROM generate_series(1, 20) i;
CREATE TABLE chart (id int PRIMARY KEY, ssn text, note text);
INSERT INTO chart SELECT i, '000-00-' || to_char(i, 'FM00000') FROM generate_series(1, 10000) i;
CREATE TABLE ward (code text PRIMARY KEY);
INSERT INTO ward SELECT 'w' || i FROM generate_series(1, 5) i;
CREATE TABLE stay (id int, ward text REFERENCES ward (code) DEFERRABLE INITIALLY DEFERRED);
SECURITY LABEL FOR phiguard ON COLUMN patient.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN chart.ssn IS 'ssn';
SECURITY LABEL FOR phiguard ON COLUMN chart.note IS 'note';
SECURITY LABEL FOR phiguard ON COLUMN ward.code IS 'geo';
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_phig_app;

CREATE FUNCTION by_sql(i int) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT ssn FROM patient WHERE id = i';
CREATE FUNCTION rows_by_sql(i int) RETURNS SETOF text LANGUAGE sql VOLATILE AS 'SELECT ssn FROM patient WHERE id <= i';
CREATE FUNCTION by_plpgsql(i int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT ssn FROM patient WHERE id = i); END';
CREATE FUNCTION two_deep(i int) RETURNS text LANGUAGE plpgsql AS 'DECLARE s text; BEGIN SELECT by_sql(p.id) INTO s FROM patient p WHERE p.ward = 0 AND p.id = i; RETURN s; END';
CREATE FUNCTION three_deep(i int) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT two_deep(c.id) FROM chart c WHERE c.ssn IS NOT NULL AND c.id <= i';
CREATE FUNCTION countdown(i int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    r record;
    n int := 0;
BEGIN
    FOR r IN SELECT ssn FROM patient WHERE id <= i LOOP
        n := n + 1 + CASE WHEN i > 1 AND n = 0 THEN countdown(i - 1) ELSE 0 END;
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION hand_out(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS 'BEGIN OPEN c FOR SELECT ssn FROM patient ORDER BY id; RETURN c; END';
CREATE FUNCTION quotient(dividend int, i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN dividend / i; END';
CREATE FUNCTION catching(bad int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    s text;
    caught int := 0;
BEGIN
    FOR i IN 1..5 LOOP
        BEGIN
            SELECT ssn INTO STRICT s FROM patient WHERE id = i AND 1 / (id - bad) IS NOT NULL;
        EXCEPTION WHEN division_by_zero THEN
            caught := caught + 1;
        END;
    END LOOP;
    RETURN caught;
END $$;
CREATE FUNCTION catching_cursor() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT ssn FROM patient ORDER BY id;
    s text;
BEGIN
    BEGIN
        OPEN c;
        FETCH c INTO s;
        FETCH c INTO s;
        RAISE EXCEPTION 'after two rows';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    RETURN (SELECT count(*) FROM pg_cursors);
END $$;
CREATE FUNCTION catching_cancel() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s text := '';
BEGIN
    BEGIN
        SELECT string_agg(p.ssn || pg_sleep(60), '') INTO s FROM patient p;
    EXCEPTION WHEN query_canceled THEN
        SELECT ssn INTO s FROM patient WHERE id = 1;
    END;
    RETURN s;
END $$;
CREATE FUNCTION trap(i int) RETURNS int LANGUAGE plpgsql AS
    'BEGIN IF i = 3 AND current_setting(''test.trap'', true) = ''on'' THEN RAISE division_by_zero; END IF; RETURN i; END';
CREATE FUNCTION fails_in_worker() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN (SELECT ssn::int FROM patient WHERE id = 1); END';
CREATE FUNCTION fails_in_loop() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS
    'DECLARE r record; BEGIN FOR r IN SELECT ssn FROM patient LOOP RAISE data_exception; END LOOP; END';
CREATE FUNCTION point_reads(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    s text;
    total bigint := 0;
BEGIN
    FOR i IN 1..n LOOP
        SELECT ssn INTO s FROM chart WHERE id = i;
        total := total + length(s);
    END LOOP;
    RETURN total;
END $$;

CREATE FUNCTION shapes_execute(text, int, int) RETURNS bigint LANGUAGE c STRICT AS 'phig_shapes';
CREATE FUNCTION shapes_plan(text, int, int) RETURNS bigint LANGUAGE c STRICT AS 'phig_shapes';
CREATE FUNCTION shapes_cursor(text, int, int, bool) RETURNS bigint LANGUAGE c STRICT AS 'phig_shapes';
CREATE FUNCTION shapes_worker(text, int, bool) RETURNS void LANGUAGE c STRICT AS 'phig_shapes';
VACUUM ANALYZE;
SQL

# A shape's records, as PhigTest::record_line writes them.
my @shapes;

sub records_will_be
{
	my ($app, @records) = @_;

	push @shapes, { app => $app, records => \@records };
	return;
}

# A connection that speaks the protocol itself.
sub wire
{
	my ($app) = @_;

	return PhigWire->connect($node, user => 'regress_phig_app', app => $app);
}

# The rows $from to $to as answer() shows them.
sub rows { my ($from, $to) = @_; return map { sprintf 'row 000-00-%04d', $_ } $from .. $to; }

# Each that fails here had run by then.
sub read_of { my ($rows, $rest) = @_; return "read SELECT; returned patient.ssn; rows $rows; " . ($rest // 'ok') . (($rest // '') =~ /^(error|cancelled) \w+$/ ? '; flags ran' : ''); }

# A whole session of simple queries.  Each is asked for its answer: pairs of a query and lines.
sub session_is
{
	my ($app, $steps, @records) = @_;
	my $wire = wire($app);
	my @steps = @$steps;

	while (my ($sql, $expected) = splice @steps, 0, 2)
	{
		my @answer = grep { $_ ne 'described' } $wire->ask($sql);

		is_deeply(\@answer, $expected, "$app: $sql") if $expected;
	}
	$wire->terminate;
	records_will_be($app, @records);
	return;
}

my $all = 'SELECT ssn FROM patient ORDER BY id';
my $one = 'SELECT ssn FROM patient WHERE id = $1';
# Fails at the fifth row.
my $fifth = 'SELECT ssn, quotient(1, 5 - id) FROM (SELECT * FROM patient ORDER BY id OFFSET 0) p';
my ($wire, @answer);

# --- Portals and row limits: what a driver's fetch size does.
$wire = wire('fetch size');
$wire->ask('BEGIN');
is_deeply([ $wire->parse('s', $all)->bind('c', 's')->execute('c', 8)->sync->answer ],
	[ 'parsed', 'bound', rows(1, 8), 'suspended', 'ready T' ], 'a portal is suspended');
records_are($node, "application = 'fetch size'", ['read SELECT; returned patient.ssn; '], 'its record is there, and open');
is_deeply([ $wire->execute('c', 8)->sync->answer ], [ rows(9, 16), 'suspended', 'ready T' ], 'goes on');
is_deeply([ $wire->execute('c', 8)->sync->answer ], [ rows(17, 20), 'done SELECT 4', 'ready T' ], 'and comes to its end');
is_deeply([ $wire->close('P', 'c')->sync->answer ], [ 'closed', 'ready T' ], 'and is closed');
records_are($node, "application = 'fetch size'", [ read_of(20) ], 'which ends its record');
# The statement once more, with a limit that is just the number of rows.
is_deeply([ $wire->bind('c', 's')->execute('c', 20)->execute('c', 20)->close('P', 'c')->sync->answer ],
	[ 'bound', rows(1, 20), 'suspended', 'done SELECT 0', 'closed', 'ready T' ], 'a limit of all rows');
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('fetch size', read_of(20), read_of(20));

foreach my $end ([ 'close', sub { $_[0]->close('P', 'c')->sync->answer } ], [ 'commit', sub { $_[0]->ask('COMMIT') } ],
	[ 'rollback', sub { $_[0]->ask('ROLLBACK') } ], [ 'error', sub { $_[0]->ask('SELECT 1/0') } ], [ 'terminate', sub { $_[0]->terminate } ],
	[ 'idle', sub { $_[0]->ask(q{SET idle_in_transaction_session_timeout = '50ms'}); is_deeply([ $_[0]->answer ], [ 'fatal 25P03', 'broken' ], 'idle for too long') } ],
	[ 'break', sub { $_[0]->break } ])
{
	my ($name, $code) = @$end;

	$wire = wire("suspended, $name");
	$wire->ask('BEGIN');
	is_deeply([ $wire->parse('', $all)->bind('c', '')->execute('c', 3)->execute('c', 5)->sync->answer ],
		[ 'parsed', 'bound', rows(1, 3), 'suspended', rows(4, 8), 'suspended', 'ready T' ], "suspended twice, then $name");
	$code->($wire);
	$wire->terminate unless $name =~ /terminate|idle|break/;
	records_will_be("suspended, $name", read_of(8));
}

$wire = wire('suspended, sync');
is_deeply([ $wire->parse('', $all)->bind('c', '')->execute('c', 8)->sync->execute('c', 8)->sync->answer, $wire->answer ],
	[ 'parsed', 'bound', rows(1, 8), 'suspended', 'ready I', 'error 34000', 'ready I' ], 'without BEGIN a portal ends at Sync');
$wire->terminate;
records_will_be('suspended, sync', read_of(8));

$wire = wire('bound anew');
$wire->ask('BEGIN');
$wire->parse('', $all)->bind('', '')->execute('', 8)->bind('', '')->execute('', 0)->sync->answer;
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('bound anew', read_of(8), read_of(20));

$wire = wire('two portals');
$wire->ask('BEGIN');
is_deeply([ $wire->parse('s', $all)->bind('a', 's')->bind('b', 's')->execute('a', 2)->execute('b', 3)->execute('a', 4)->execute('b', 0)->sync->answer ],
	[ 'parsed', 'bound', 'bound', rows(1, 2), 'suspended', rows(1, 3), 'suspended', rows(3, 6), 'suspended', rows(4, 20), 'done SELECT 17', 'ready T' ],
	'two portals of one statement, in turns');
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('two portals', read_of(6), read_of(20));

$wire = wire('never executed');
is_deeply([ $wire->parse('s', $one)->describe('S', 's')->sync->answer ], [ 'parsed', 'described', 'ready I' ], 'a statement that is only described');
is_deeply([ $wire->bind('c', 's', 7)->describe('P', 'c')->sync->answer ], [ 'bound', 'described', 'ready I' ], 'a portal that is never executed');
$wire->terminate;
records_will_be('never executed', read_of(0));

$wire = wire('executed again');
$wire->ask('BEGIN');
is_deeply([ $wire->parse('', $all)->bind('c', '')->execute('c', 0)->execute('c', 0)->sync->answer ],
	[ 'parsed', 'bound', rows(1, 20), 'done SELECT 20', 'done SELECT 0', 'ready T' ], 'a portal that is done gives no more rows');
is_deeply([ $wire->parse('', 'UPDATE chart SET note = NULL WHERE id = 1')->bind('', '')->execute('')->execute('')->sync->answer ],
	[ 'parsed', 'bound', 'done UPDATE 1', 'error 55000', 'ready E' ], 'one that has written cannot be executed again');
$wire->ask('ROLLBACK');
$wire->terminate;
records_will_be('executed again', read_of(20), 'write UPDATE; stored chart.note; rows 1; ok');

$wire = wire('fails later');
$wire->ask('BEGIN');
is_deeply([ grep { !/^row/ } $wire->parse('', $fifth)->bind('c', '')->execute('c', 3)->execute('c', 3)->sync->answer ],
	[ 'parsed', 'bound', 'suspended', 'error 22012', 'ready E' ], 'a portal that fails when it is executed again');
$wire->ask('ROLLBACK');
$wire->terminate;
records_will_be('fails later', read_of(4, 'error 22012'));

$wire = wire('returning');
$wire->ask('BEGIN');
is_deeply([ $wire->parse('', 'UPDATE patient SET ward = 1 WHERE id <= 5 RETURNING ssn')->bind('c', '')->execute('c', 2)->execute('c', 0)->sync->answer ],
	[ 'parsed', 'bound', rows(1, 2), 'suspended', rows(3, 5), 'done UPDATE 3', 'ready T' ], 'UPDATE RETURNING with a row limit');
is_deeply([ $wire->parse('', 'UPDATE patient SET ward = 1 WHERE id <= 5 RETURNING ssn')->bind('c', '')->execute('c', 2)->sync->answer ],
	[ 'parsed', 'error 42P03', 'ready E' ], 'the name of a portal that is open');
$wire->ask('ROLLBACK');
$wire->terminate;
records_will_be('returning', 'read UPDATE; returned patient.ssn; rows 5; ok');

$wire = wire('fetch by portal');
$wire->ask("BEGIN; DECLARE c CURSOR FOR $all");
is_deeply([ $wire->parse('', 'FETCH 5 FROM c')->bind('f', '')->execute('f', 2)->execute('f', 2)->close('P', 'f')->sync->answer ],
	[ 'parsed', 'bound', rows(1, 2), 'suspended', rows(3, 4), 'suspended', 'closed', 'ready T' ], 'a FETCH that is itself suspended');
is_deeply([ $wire->parse('', 'FETCH 1 FROM c')->bind('', '')->execute('', 0)->sync->answer ],
	[ 'parsed', 'bound', rows(6, 6), 'done FETCH 1', 'ready T' ], 'has read what it fetched');
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('fetch by portal', read_of(6));

$wire = wire('function in parts');
$wire->ask('BEGIN');
is_deeply([ $wire->parse('', 'SELECT rows_by_sql(10)')->bind('c', '')->execute('c', 4)->execute('c', 4)->close('P', 'c')->sync->answer ],
	[ 'parsed', 'bound', rows(1, 4), 'suspended', rows(5, 8), 'suspended', 'closed', 'ready T' ], 'a function that is suspended with its caller');
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('function in parts', read_of(8, 'ok; flags function'));

# The connection breaks while rows are on their way: rows are those that the server had produced by then.
$wire = wire('broken');
$wire->query(q{SELECT ssn || repeat(' ', 10000) FROM chart})->send;
is($wire->next_line, 'described', 'rows are on their way');
$wire->break;
wait_until(sub { (records($node, "application = 'broken'"))[0]{outcome} ne '' }, 'the server notices that the connection is gone');
like(record_line((records($node, "application = 'broken'"))[0]), qr/^read SELECT; returned chart.ssn; rows [1-9]\d{0,3}; error 08006; flags ran$/, 'and its record ends');

# --- Pipelines.
$wire = wire('pipeline');
is_deeply([ $wire->parse('s', $one)->bind('', 's', 1)->execute('')->bind('', 's', 2)->execute('')->parse('', $all)->bind('', '')->execute('')
	  ->sync->answer ],
	[ 'parsed', 'bound', rows(1, 1), 'done SELECT 1', 'bound', rows(2, 2), 'done SELECT 1', 'parsed', 'bound', rows(1, 20), 'done SELECT 20', 'ready I' ],
	'a pipeline');
$wire->terminate;
records_will_be('pipeline', read_of(1), read_of(1), read_of(20));

$wire = wire('pipeline, error');
is_deeply([ $wire->parse('s', $one)->parse('u', 'UPDATE chart SET note = $1 WHERE id = 1')->parse('f', 'SELECT ssn::int FROM patient WHERE id = $1')
	  ->bind('u', 'u', 'x')->execute('u')->bind('', 's', 1)->execute('')->bind('', 'f', 2)->execute('')
	  ->bind('', 's', 3)->execute('')->parse('', $all)->bind('', '')->execute('')->sync->answer ],
	[ ('parsed') x 3, 'bound', 'done UPDATE 1', 'bound', rows(1, 1), 'done SELECT 1', 'bound', 'error 22P02', 'ready I' ],
	'an error in a pipeline: the rest is skipped');
is_deeply([ $wire->bind('', 's', 4)->execute('')->sync->answer ], [ 'bound', rows(4, 4), 'done SELECT 1', 'ready I' ], 'up to the next Sync');
is_deeply([ $wire->ask('SELECT count(*) FROM chart WHERE note IS NOT NULL') ], [ 'described', 'row 0', 'done SELECT 1', 'ready I' ],
	'what was written before the error is gone');
$wire->terminate;
records_will_be('pipeline, error', 'write UPDATE; stored chart.note; rows 1; ok', read_of(1), read_of(0, 'error 22P02'), read_of(1),
	'read SELECT; referenced chart.note; rows 1; ok');

$wire = wire('pipeline, refused');
is_deeply([ $wire->parse('s', $one)->bind('', 's', 'x')->execute('')->sync->answer ], [ 'parsed', 'error 22P02', 'ready I' ],
	'a value that does not fit: nothing is executed');
is_deeply([ $wire->parse('', 'SELECT ssn, nothing FROM patient')->bind('', '')->execute('')->sync->answer ], [ 'error 42703', 'ready I' ],
	'a statement that cannot be parsed: nor is it');
$wire->terminate;
records_will_be('pipeline, refused');

$wire = wire('pipeline of transactions');
$wire->parse('b', 'BEGIN')->parse('c', 'COMMIT')->parse('s', $one)->parse('f', 'SELECT ssn::int FROM patient WHERE id = $1')->sync->answer;
is_deeply([ $wire->bind('', 'b')->execute('')->bind('p', 's', 1)->execute('p', 1)->bind('', 'c')->execute('')
	  ->bind('', 'b')->execute('')->bind('', 's', 2)->execute('')->bind('', 'f', 3)->execute('')->bind('', 'c')->execute('')->sync->answer ],
	[ 'bound', 'done BEGIN', 'bound', rows(1, 1), 'suspended', 'bound', 'done COMMIT', 'bound', 'done BEGIN', 'bound', rows(2, 2), 'done SELECT 1',
		'bound', 'error 22P02', 'ready E' ], 'transactions in a pipeline');
$wire->terminate;
records_will_be('pipeline of transactions', read_of(1), read_of(1), read_of(0, 'error 22P02'));

$wire = wire('pipeline of portals');
is_deeply([ $wire->parse('s', $all)->parse('f', $fifth)->bind('a', 's')->execute('a', 3)->bind('b', 's')->bind('c', 'f')->execute('c', 2)
	  ->execute('c', 9)->execute('a', 3)->sync->answer ],
	[ 'parsed', 'parsed', 'bound', rows(1, 3), 'suspended', 'bound', 'bound', (map { "$_|0" } rows(1, 2)), 'suspended', "@{[rows(3, 3)]}|0", "@{[rows(4, 4)]}|1",
		'error 22012', 'ready I' ], 'portals that are open when another fails')
  or diag explain \@answer;
$wire->terminate;
records_will_be('pipeline of portals', read_of(3), read_of(0), read_of(4, 'error 22012'));

session_is('one message', [ "$all; SELECT ssn FROM patient WHERE id = 1; SELECT ssn::int FROM patient WHERE id = 2; SELECT ssn FROM patient" =>
	  [ rows(1, 20), 'done SELECT 20', rows(1, 1), 'done SELECT 1', 'error 22P02', 'ready I' ] ],
	read_of(20), read_of(1), read_of(0, 'error 22P02'));

# --- Cursors.
session_is('fetch after an error', [
	"BEGIN; DECLARE c CURSOR FOR $all; SAVEPOINT s" => undef,
	'FETCH 2 FROM c' => [ rows(1, 2), 'done FETCH 2', 'ready T' ],
	'SELECT 1/0' => [ 'error 22012', 'ready E' ],
	'FETCH 2 FROM c' => [ 'error 25P02', 'ready E' ],
	'ROLLBACK TO s' => [ 'done ROLLBACK', 'ready T' ],
	'FETCH 3 FROM c' => [ rows(3, 5), 'done FETCH 3', 'ready T' ],
	'COMMIT' => undef ], read_of(5));
session_is('fetch after its own error', [
	"BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE quotient(1, 5 - id) IS NOT NULL; SAVEPOINT s" => undef,
	'FETCH 2 FROM c' => [ rows(1, 2), 'done FETCH 2', 'ready T' ],
	'FETCH 9 FROM c' => [ 'error 22012', 'ready E' ],
	'ROLLBACK TO s' => [ 'done ROLLBACK', 'ready T' ],
	'FETCH 3 FROM c' => [ 'error 55000', 'ready E' ],
	'ROLLBACK' => undef ], read_of(4, 'error 22012'));
session_is('cursor of a savepoint', [
	"BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR $all; FETCH 1 FROM c" => undef,
	"SAVEPOINT t; DECLARE d CURSOR FOR $all; FETCH 2 FROM d; RELEASE t; FETCH 1 FROM d" => undef,
	'SELECT 1/0' => undef,
	'ROLLBACK TO s' => undef,
	'FETCH 1 FROM c' => [ 'error 34000', 'ready E' ],
	'ROLLBACK' => undef ], read_of(1), read_of(3));
session_is('close', [
	"BEGIN; DECLARE a CURSOR FOR $all; DECLARE b CURSOR FOR $all; DECLARE c CURSOR FOR $all" => undef,
	'FETCH 1 FROM a; MOVE 2 IN b; FETCH 3 FROM c; CLOSE b; FETCH 1 FROM a' => undef,
	'CLOSE ALL; FETCH 1 FROM a' => [ 'done CLOSE CURSOR ALL', 'error 34000', 'ready E' ],
	'ROLLBACK' => undef ], read_of(2), read_of(2), read_of(3));
session_is('discard', [
	"BEGIN; DECLARE c CURSOR WITH HOLD FOR $all; FETCH 2 FROM c; COMMIT" => undef,
	'FETCH 2 FROM c' => [ rows(3, 4), 'done FETCH 2', 'ready I' ],
	'DISCARD ALL' => [ 'done DISCARD ALL', 'ready I' ],
	'FETCH 2 FROM c' => [ 'error 34000', 'ready I' ],
	$all => [ rows(1, 20), 'done SELECT 20', 'ready I' ] ], read_of(20), read_of(20));

foreach my $scroll ('', 'SCROLL ', 'NO SCROLL ')
{
	session_is("hold, ${scroll}closed", [
		"BEGIN; DECLARE c ${scroll}CURSOR WITH HOLD FOR $all; FETCH 2 FROM c" => undef,
		'COMMIT' => [ 'done COMMIT', 'ready I' ],
		'FETCH 3 FROM c' => [ rows(3, 5), 'done FETCH 3', 'ready I' ],
		'CLOSE c; FETCH 1 FROM c' => [ 'done CLOSE CURSOR', 'error 34000', 'ready I' ] ], read_of(20));
}
session_is('hold, left open', [ "BEGIN; DECLARE c CURSOR WITH HOLD FOR $all; COMMIT; FETCH 1 FROM c" => undef ], read_of(20));
session_is('hold, rolled back', [ "BEGIN; DECLARE c CURSOR WITH HOLD FOR $all; FETCH 4 FROM c; ROLLBACK" => undef ], read_of(4));
session_is('hold, fails at commit', [
	'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT ssn FROM patient WHERE quotient(1, 5 - id) IS NOT NULL; FETCH 2 FROM c' => undef,
	'COMMIT' => [ 'error 22012', 'ready I' ] ], read_of(4, 'error 22012'));
# What it starts over with fails earlier than what the client has got already.
session_is('hold, fails early', [
	'SET enable_seqscan = off; BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT ssn, trap(id) FROM patient ORDER BY id; MOVE 10 IN c' => undef,
	'SET test.trap = on; COMMIT' => [ 'done SET', 'error 22012', 'ready I' ] ], read_of(10, 'error 22012'));

session_is('handed out', [
	q{BEGIN; SELECT hand_out('a')} => undef,
	'FETCH 2 FROM a' => [ rows(1, 2), 'done FETCH 2', 'ready T' ],
	q{SELECT hand_out('b')} => undef,
	'FETCH 3 FROM b; FETCH 1 FROM a; CLOSE a; FETCH 1 FROM b' => undef,
	'COMMIT' => undef ], read_of(3, 'ok; flags function'), read_of(4, 'ok; flags function'));

# --- Functions.
session_is('nested', [ 'SELECT by_sql(1), by_plpgsql(2), by_plpgsql(3)' => [ 'row 000-00-0001|000-00-0002|000-00-0003', 'done SELECT 1', 'ready I' ] ],
	read_of(1, 'ok; flags function'), 'read SELECT; returned patient.ssn; executions 2; rows 2; ok; flags function');
session_is('three deep', [ 'SELECT ssn, three_deep(3) FROM patient WHERE id <= 2' => [ map({ "row 000-00-000$_|000-00-0001" } 1, 2), 'done SELECT 2', 'ready I' ] ],
	read_of(2), 'read SELECT; referenced chart.ssn; executions 2; rows 2; ok; flags function',
	'read SELECT; returned patient.ssn; executions 2; rows 2; ok; flags function');
session_is('recursive', [ 'SELECT countdown(4)' => [ 'row 10', 'done SELECT 1', 'ready I' ] ],
	'read SELECT; returned patient.ssn; executions 4; rows 10; ok; flags function');

# --- Exceptions that PL/pgSQL catches: the shared record has all rows and the error of the last execution that failed.
session_is('caught', [ 'SELECT catching(3)' => [ 'row 1', 'done SELECT 1', 'ready I' ] ],
	'read SELECT; returned patient.ssn; executions 5; rows 4; error 22012; flags function, ran');
session_is('nothing caught', [ 'SELECT catching(9)' => [ 'row 0', 'done SELECT 1', 'ready I' ] ],
	'read SELECT; returned patient.ssn; executions 5; rows 5; ok; flags function');
session_is('caught inside a read', [ 'SELECT ssn FROM patient WHERE id = 6 AND catching(id - 2) = 1' => [ rows(6, 6), 'done SELECT 1', 'ready I' ] ],
	read_of(1), 'read SELECT; returned patient.ssn; executions 5; rows 4; error 22012; flags function, ran');
session_is('caught with a cursor', [ 'SELECT catching_cursor()' => [ 'row 0', 'done SELECT 1', 'ready I' ] ], read_of(2, 'ok; flags function'));
session_is('caught cancel', [ q{SET statement_timeout = '200ms'; SELECT catching_cancel()} => [ 'done SET', 'row 000-00-0001', 'done SELECT 1', 'ready I' ] ],
	read_of(0, 'cancelled 57014; flags function, ran'), read_of(1, 'ok; flags function'));
session_is('not caught', [ 'SELECT ssn, quotient(1, 3 - id), by_plpgsql(id) FROM patient WHERE id IN (1, 2, 3)' => undef ],
	read_of(2, 'error 22012'), 'read SELECT; returned patient.ssn; executions 2; rows 2; ok; flags function');

# --- Timeouts.
session_is('statement_timeout', [
	q{SET statement_timeout = '200ms'} => undef,
	'SELECT ssn, pg_sleep(id / 4 * 60) FROM patient ORDER BY id' => [ map({ "$_|" } rows(1, 3)), 'error 57014', 'ready I' ] ], read_of(3, 'cancelled 57014'));
$wire = wire('timeout of a portal');
$wire->ask(q{SET statement_timeout = '200ms'; BEGIN});
is_deeply([ grep { !/^row/ } $wire->parse('', 'SELECT ssn, pg_sleep(id / 7 * 60) FROM patient ORDER BY id')->bind('c', '')->execute('c', 4)->execute('c', 4)->sync->answer ],
	[ 'parsed', 'bound', 'suspended', 'error 57014', 'ready E' ], 'a portal that runs out of time when it goes on');
$wire->terminate;
records_will_be('timeout of a portal', read_of(6, 'cancelled 57014'));
session_is('timeout in a loop', [
	q{SET statement_timeout = '200ms'} => undef,
	'DO $$ DECLARE s text; BEGIN FOR i IN 1..5 LOOP SELECT ssn || pg_sleep(i / 4 * 60) INTO s FROM patient WHERE id = i; END LOOP; END $$' =>
	  [ 'error 57014', 'ready I' ] ], 'read SELECT; returned patient.ssn; executions 4; rows 3; cancelled 57014; flags function, ran');

$wire = wire('terminated');
my ($pid) = map { /^row (.*)/ ? $1 : () } $wire->ask('SELECT pg_backend_pid()');
$wire->query('DO $$ DECLARE s text; BEGIN FOR i IN 1..5 LOOP SELECT ssn || pg_sleep(i / 4 * 60) INTO s FROM patient WHERE id = i; END LOOP; END $$')->send;
wait_until(sub { (run_sql($node, "SELECT wait_event FROM pg_stat_activity WHERE pid = $pid"))[0] eq 'PgSleep' }, 'a loop is at its fourth execution');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
is_deeply([ $wire->answer ], [ 'fatal 57P01', 'broken' ], 'and the session is terminated');
records_will_be('terminated', 'read SELECT; returned patient.ssn; executions 4; rows 3; error 57P01; flags function, ran');

my $holder = wire('holder');
$holder->ask('BEGIN; SELECT ssn FROM patient WHERE id = 3 FOR UPDATE');
session_is('lock_timeout', [
	q{SET lock_timeout = '100ms'; SET enable_seqscan = off} => undef,
	'SELECT ssn FROM patient WHERE id <= 5 ORDER BY id FOR UPDATE' => [ rows(1, 2), 'error 55P03', 'ready I' ],
	'SELECT ssn FROM patient WHERE id = 3 FOR UPDATE NOWAIT' => [ 'error 55P03', 'ready I' ],
	'SELECT ssn FROM patient WHERE id <= 5 FOR UPDATE SKIP LOCKED' => [ rows(1, 2), rows(4, 5), 'done SELECT 4', 'ready I' ] ],
	read_of(2, 'error 55P03'), read_of(0, 'error 55P03'), read_of(4));
$holder->ask('ROLLBACK; BEGIN; LOCK TABLE patient');
session_is('lock_timeout of the table', [ q{SET lock_timeout = '100ms'; SELECT ssn FROM patient} => [ 'done SET', 'error 55P03', 'ready I' ] ]);
$holder->ask('ROLLBACK');
$holder->terminate;
records_will_be('holder', read_of(1));

# --- Parallel queries: one record, the leader's.
my $parallel = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
	SET enable_indexscan = off; SET enable_bitmapscan = off";
my $everything = 'SELECT ssn FROM chart WHERE length(note) IS NULL';
my $of_chart = 'read SELECT; returned chart.ssn; referenced chart.note';
like(join('', wire('plan')->ask("$parallel; EXPLAIN (ANALYZE, COSTS OFF) $everything")), qr/Workers Launched: [12]/, 'parallel queries run so');
records_will_be('plan', "$of_chart; rows 10000; ok; flags explain");

$wire = wire('parallel');
$wire->ask($parallel);
@answer = $wire->ask($everything);
is(scalar(grep { /^row/ } @answer), 10000, 'a parallel query gives all rows');
$wire->ask("SELECT sum(length(ssn) / (id - 500)) FROM chart");
@answer = $wire->ask("SET $debug_parallel = on; SELECT ssn FROM patient WHERE id <= 4");
$wire->ask("SET $debug_parallel = off; BEGIN; DECLARE c CURSOR FOR $everything; FETCH 7 FROM c; COMMIT");
@answer = $wire->parse('', $everything)->bind('c', '')->execute('c', 50)->sync->answer;
is($answer[-2], 'suspended', 'a parallel plan is executed in parts');
$wire->ask("SELECT ssn FROM chart WHERE length(note) IS NULL LIMIT 3");
$wire->terminate;
records_will_be('parallel', "$of_chart; rows 10000; ok", 'read SELECT; returned chart.ssn; rows 0; error 22012; flags ran', read_of(4),
	"$of_chart; rows 7; ok", "$of_chart; rows 50; ok", "$of_chart; rows 3; ok");

# What a function in a worker reads is the worker's own record, also when it fails there.  (Loops fetch ten rows ahead.)
session_is('parallel functions', [
	"SET $debug_parallel = on" => undef,
	'SELECT fails_in_worker()' => [ 'error 22P02', 'ready I' ],
	'SELECT fails_in_loop()' => [ 'error 22000', 'ready I' ] ],
	read_of(0, 'error 22P02; flags function, ran'), read_of(10, 'ok; flags function'));

# --- From C.
session_is('spi', [
	q{SELECT shapes_execute('SELECT ssn FROM patient', 4, 0)} => [ 'row 80', 'done SELECT 1', 'ready I' ],
	q{SELECT shapes_execute('SELECT ssn FROM patient', 3, 5)} => [ 'row 15', 'done SELECT 1', 'ready I' ],
	q{SELECT shapes_plan('SELECT ssn FROM chart WHERE id <= $1', 100, 7)} => [ 'row 679', 'done SELECT 1', 'ready I' ],
	q{SELECT shapes_plan('SELECT ssn FROM chart WHERE id = $1 AND 1 / (id - 5) IS NOT NULL', 10, 2)} => [ 'error 22012', 'ready I' ],
	q{SELECT shapes_cursor('SELECT ssn FROM patient', 3, 6, false)} => [ 'row 18', 'done SELECT 1', 'ready I' ],
	q{BEGIN; SELECT shapes_cursor('SELECT ssn FROM patient', 2, 6, true); FETCH 1 FROM shapes; SELECT 1; COMMIT} => undef,
	q{SELECT shapes_execute('UPDATE chart SET note = ssn WHERE id <= 3', 2, 0)} => [ 'row 6', 'done SELECT 1', 'ready I' ] ],
	'read SELECT; returned patient.ssn; executions 4; rows 80; ok; flags function', 'read SELECT; returned patient.ssn; executions 3; rows 15; ok; flags function',
	'read SELECT; returned chart.ssn; executions 100; rows 679; ok; flags function', 'read SELECT; returned chart.ssn; executions 5; rows 4; error 22012; flags function, ran',
	read_of(18, 'ok; flags function'), read_of(13, 'ok; flags function'),
	'write UPDATE; stored chart.note, chart.ssn; executions 2; rows 6; ok; flags function');

$wire = wire('starter');
$wire->ask(q{SELECT shapes_worker('SELECT ssn FROM patient', 1, false)});
$wire->ask(q{SELECT shapes_worker('SELECT ssn FROM patient WHERE id < 4', 3, false)});
$wire->ask(q{SELECT shapes_worker('SELECT ssn FROM patient WHERE id < 3', 2, true)});
$wire->ask(q{SELECT shapes_worker('SELECT ssn::int FROM patient', 2, false)});
$wire->ask(q{SELECT shapes_worker('SELECT by_plpgsql(id) FROM patient', 2, false)});
$wire->terminate;
records_will_be('starter');
# A worker has no client, and so no client's statements: its transaction takes their place.
records_will_be('worker', read_of(20, 'ok; flags function'), 'read SELECT; returned patient.ssn; executions 3; rows 9; ok; flags function',
	(read_of(2, 'ok; flags function')) x 2,
	read_of(0, 'error 22P02; flags function, ran'), 'read SELECT; returned patient.ssn; executions 40; rows 40; ok; flags function');

# --- Code that no statement of the client calls: by the protocol's function call, and when a transaction ends.
$wire = wire('function call');
my ($oid) = map { /^row (.*)/ ? $1 : () } $wire->ask(q{SELECT 'by_plpgsql'::regproc::oid});
is_deeply([ $wire->call($oid, 2)->answer ], [ 'value 000-00-0002', 'ready I' ], 'a function called by the protocol');
my ($oid_of_sql) = map { /^row (.*)/ ? $1 : () } $wire->ask(q{SELECT 'by_sql'::regproc::oid});
is_deeply([ $wire->call($oid_of_sql, 5)->answer ], [ 'value 000-00-0005', 'ready I' ], 'and one in SQL');
$wire->ask('BEGIN');
$wire->call($oid, 3)->answer;
$wire->call($oid, 4)->answer;
$wire->ask('COMMIT');
$wire->terminate;
records_will_be('function call', read_of(1, 'ok; flags function'), read_of(1), 'read SELECT; returned patient.ssn; executions 2; rows 2; ok; flags function');

sub checks { my ($executions) = @_; return "read SELECT; referenced ward.code; executions $executions; rows $executions; ok; flags constraint, function"; }

session_is('deferred', [
	q{INSERT INTO stay SELECT i, 'w' || i FROM generate_series(1, 5) i} => [ 'done INSERT 0 5', 'ready I' ],
	q{BEGIN; INSERT INTO stay SELECT i, 'w' || i FROM generate_series(1, 3) i; SELECT 1} => undef,
	'COMMIT' => [ 'done COMMIT', 'ready I' ],
	q{BEGIN; INSERT INTO stay SELECT i, 'w' || i FROM generate_series(1, 4) i; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'} => undef,
	q{BEGIN; INSERT INTO stay VALUES (1, 'w1'), (2, 'nowhere')} => undef,
	'COMMIT' => [ 'error 23503', 'ready I' ],
	q{BEGIN; INSERT INTO stay VALUES (1, 'w1'), (2, 'w2'); SET CONSTRAINTS ALL IMMEDIATE; COMMIT} => undef ],
	checks(5), checks(3), checks(4), 'read SELECT; referenced ward.code; executions 2; rows 1; ok; flags constraint, function', checks(2));

# --- A loop of point reads, with a disk that is waited for.
$node->append_conf('postgresql.conf', 'fsync = on');
$node->reload;
my $loop = 'SELECT point_reads(10000)';
my $total = 'row ' . 12 * 10000;
session_is('loop', [ $loop => [ $total, 'done SELECT 1', 'ready I' ] ], 'read SELECT; returned chart.ssn; executions 10000; rows 10000; ok; flags function');
session_is('loop of two plans', [
	'DO $$ DECLARE s text; BEGIN FOR i IN 1..10000 LOOP SELECT ssn INTO s FROM chart WHERE id = i; SELECT ssn INTO s FROM chart WHERE id = i AND ssn <> \'\'; END LOOP; END $$' =>
	  [ 'done DO', 'ready I' ] ],
	'read SELECT; returned chart.ssn; executions 10000; rows 10000; ok; flags function',
	'read SELECT; returned chart.ssn; executions 10000; rows 10000; ok; flags function');
session_is('loop of dynamic statements', [
	q{DO $$ DECLARE s text; BEGIN FOR i IN 1..100 LOOP EXECUTE 'SELECT ssn FROM chart WHERE id = ' || i INTO s; END LOOP; END $$} => [ 'done DO', 'ready I' ] ],
	'read SELECT; returned chart.ssn; executions 100; rows 100; ok; flags function');

# The time that its durable record takes, against a record that nobody waits for.
sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ $#sorted / 2 ]; }

sub ratio_of_loops
{
	my ($wire, $pairs) = @_;
	my %took;

	for my $pair (1 .. $pairs)
	{
		for my $mode ($pair % 2 ? qw(on off) : qw(off on))
		{
			$wire->ask("SET phiguard.journal_sync = $mode");
			my $begin = time;
			my ($row) = grep { /^row/ } $wire->ask($loop);
			push @{ $took{$mode} }, time - $begin;
			die "the loop answers $row" if $row ne $total;
		}
	}
	my ($on, $off) = map { median(@{ $took{$_} }) } qw(on off);
	diag(sprintf '10,000 point reads in a loop: %.1f ms with journal_sync on, %.1f ms off, ratio %.3f (medians of %d pairs)',
		1000 * $on, 1000 * $off, $on / $off, $pairs);
	return $on / $off;
}

$wire = PhigWire->connect($node, app => 'timing');
is_deeply([ grep { /^row/ } $wire->ask("SHOW fsync; $loop") ], [ 'row on', $total ], 'the disk is waited for');
my $ratio = ratio_of_loops($wire, 7);
# A second look, with more pairs: the machine may have been busy.
$ratio = ratio_of_loops($wire, 21) if $ratio > 1.3;
cmp_ok($ratio, '<=', 1.3, 'a loop of 10,000 point reads with a durable record takes no more than 1.3 times the time');
$wire->terminate;

# --- What the log and the files have.
my %found;
push @{ $found{ $_->{application} } }, record_line($_) foreach records($node, "login_role = 'regress_phig_app' AND kind IN ('read', 'write')");
is_deeply($found{ $_->{app} } || [], $_->{records}, "records: $_->{app}") or diag explain $found{ $_->{app} } foreach @shapes;
journal_is_intact($node, 'the journal is intact');

# The files: each start has one end, and each shape has as many as the log says.
$node->stop;
my (%application, %starts, %ends, %numbers);
my $twice = 0;
foreach my $record (map { @{ read_segment($_)->{records} } } segments($dir))
{
	$twice++ if $record->{type} =~ /[SEV]/ && $numbers{ $record->{seq} }++;
	if ($record->{type} eq 'D')
	{
		my ($id, $text) = unpack('a16 a*', $record->{body});

		$application{$id} = $text =~ /^n=(.*)$/m ? $1 : '';
	}
	$starts{ $record->{seq} } = (unpack('a16 a16', $record->{body}))[1] if $record->{type} eq 'S';
	$ends{ unpack('Q<', $record->{body}) }++ if $record->{type} eq 'E';
}
is($twice, 0, 'no number is there twice');
is_deeply([ grep { ($ends{$_} // 0) != 1 } sort keys %starts ], [], 'each start has one end');
is_deeply([ grep { !$starts{$_} } sort keys %ends ], [], 'each end has its start');
my %in_files;
$in_files{ $application{$_} }++ foreach values %starts;
is_deeply({ map { $_->{app} => $in_files{ $_->{app} } // 0 } @shapes }, { map { $_->{app} => scalar @{ $_->{records} } } @shapes },
	'the files have a start for each record of the log');
done_testing();
