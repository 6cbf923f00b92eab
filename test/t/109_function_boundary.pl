# Registered functions: their own statements go by the registered purpose, and nothing else does.
#
# The caller may call the function, and has a purpose of its own that shows less, or none. {clear} stands for what only the
# registered purpose shows; each attempt to get at it by way of the function has a control, the function itself, that does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('boundary', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'",
	'max_parallel_workers_per_gather = 2', 'max_prepared_transactions = 2');
my $clear = 'Annabel';
my ($out, $err);

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_author LOGIN;
CREATE ROLE regress_phig_caller LOGIN NOINHERIT;
CREATE ROLE regress_phig_stranger LOGIN;
CREATE ROLE regress_phig_other;
GRANT regress_phig_other TO regress_phig_caller;
CREATE SCHEMA app AUTHORIZATION regress_phig_author;
CREATE SCHEMA own AUTHORIZATION regress_phig_caller;
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT USAGE ON SCHEMA own TO PUBLIC;
CREATE TABLE app.patient (id int PRIMARY KEY, name text, ward text);
INSERT INTO app.patient SELECT i, 'Annabel' || i, 'east' FROM generate_series(1, 5) i;
CREATE TABLE app.room (id int, name text);
INSERT INTO app.room VALUES (1, 'one');
SELECT phiguard.label('app.patient', 'name', 'name');
SELECT phiguard.review('app.patient');
GRANT SELECT ON app.patient TO regress_phig_author, regress_phig_caller, regress_phig_other, regress_phig_stranger;
GRANT ALL ON app.room TO PUBLIC;
SELECT phiguard.create_purpose('ward_list', 'HOPERAT', otherwise => 'deny');
SELECT phiguard.allow('ward_list', 'app.patient', 'name');
SELECT phiguard.create_purpose('study', 'HRESCH', otherwise => 'mask');
SELECT phiguard.grant_purpose('study', 'regress_phig_caller');
SQL

sub author { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_author'); return $err; }
sub officer { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_officer'); return $err; }
sub caller_sees { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_caller', app => $_[1] || 'caller'); return $out; }

# A function of the author's; and its registration.
sub function
{
	my ($name, $returns, $body, %opt) = @_;
	my $language = $opt{language} || 'plpgsql';
	my $kind = $opt{kind} || 'FUNCTION';
	my $what = ($returns eq '' ? '' : "RETURNS $returns ") . "LANGUAGE $language " . ($opt{options} || '') . ' SET search_path = app, pg_temp';

	is(author("CREATE OR REPLACE $kind app.$name $what AS \$f\$ $body \$f\$; REVOKE ALL ON $kind app.$name FROM PUBLIC; GRANT EXECUTE ON $kind app.$name TO regress_phig_caller"),
		'', "$name is there");
	return;
}

sub registered
{
	my ($name, @rest) = @_;

	function($name, @rest);
	(my $signature = $name) =~ s/\b\w+ (int|text|regproc|name|refcursor)/$1/g;
	is(officer("SELECT phiguard.register_function('app.$signature', 'ward_list')"), '', "... and registered");
	return;
}

# The names of all patients, as it sees them.
my $names = "(SELECT string_agg(name, ',' ORDER BY id) FROM patient)";

# --- What may be registered, by whom.
function('list()', 'text', "BEGIN RETURN $names; END", options => 'STABLE');
is(caller_sees("SELECT app.list()"), '', 'control: without registration the session\'s purpose holds');
like($err, qr/open only to a purpose/, '... and it has none');
like(author("SELECT phiguard.register_function('app.list()', 'ward_list')"), qr/must be a privacy officer/, 'the officer alone registers');
like(officer("SELECT phiguard.register_function('app.list()', 'nothing')"), qr/there is no purpose "nothing"/, 'the purpose must exist');
like(officer("SELECT phiguard.register_function('pg_catalog.now()', 'ward_list')"), qr/functions of the system/, 'not the server\'s');
for my $case (
	[ 'f1() RETURNS text LANGUAGE sql AS $$ SELECT 1::text $$', 'f1()', qr/sets its own search path/ ],
	[ 'f2() RETURNS text LANGUAGE sql SET search_path = app AS $$ SELECT 1::text $$', 'f2()', qr/with pg_temp at the end/ ],
	[ 'f3() RETURNS text LANGUAGE sql SET search_path = "$user", pg_temp AS $$ SELECT 1::text $$', 'f3()', qr/the same for everybody/ ],
	[ 'f4(x anyelement) RETURNS text LANGUAGE sql SET search_path = app, pg_temp AS $$ SELECT 1::text $$', 'f4(anyelement)', qr/of any type/ ],
	[ 'f5() RETURNS trigger LANGUAGE plpgsql SET search_path = app, pg_temp AS $$ BEGIN RETURN new; END $$', 'f5()', qr/functions of triggers/ ],
	[ 'f6() RETURNS text LANGUAGE sql SET search_path = app, pg_temp AS $$ SELECT 1::text $$', 'f6()', qr/everybody may call/ ])
{
	author("CREATE FUNCTION app.$case->[0]");
	like(officer("SELECT phiguard.register_function('app.$case->[1]', 'ward_list')"), $case->[2], "refused: $case->[0]");
}
$node->safe_psql('postgres', 'CREATE SCHEMA anybody; GRANT ALL ON SCHEMA anybody TO PUBLIC');
author('CREATE FUNCTION app.f7() RETURNS text LANGUAGE sql SET search_path = anybody, pg_temp AS $$ SELECT 1::text $$; REVOKE ALL ON FUNCTION app.f7() FROM PUBLIC');
like(officer("SELECT phiguard.register_function('app.f7()', 'ward_list')"), qr/anybody can create objects in schema "anybody"/, 'refused: a schema of everybody');

# --- What it opens.
is(officer("SELECT phiguard.register_function('app.list()', 'ward_list')"), '', 'registered');
is(caller_sees('SELECT app.list()', 'opened'), join(',', map { "$clear$_" } 1 .. 5), 'the function shows what its purpose shows');
my ($record) = records($node, "application = 'opened' AND kind = 'read'");
is("$record->{purpose}; $record->{flags}; $record->{shown}", 'ward_list; function; app.patient.name=clear', 'on record: purpose of the registration, flag function');
($record) = records($node, "kind = 'policy' AND command = 'REGISTER FUNCTION'");
is($record->{query}, 'app.list() of regress_phig_author: purpose ward_list', 'the registration is on record');
is(caller_sees("SELECT app.list(); SELECT name FROM app.patient"), join(',', map { "$clear$_" } 1 .. 5), 'the caller\'s own statements are closed as before');
is(caller_sees("SET phiguard.purpose = 'study'; SELECT app.list() = app.list(), name FROM app.patient WHERE id = 1"), 't|***', 'one statement, both purposes');
is(caller_sees("SET phiguard.purpose = 'study'; PREPARE p AS SELECT name, left(app.list(), 8) FROM app.patient WHERE id = 1; EXECUTE p; EXECUTE p; SELECT app.list() IS NULL; EXECUTE p"),
	"***|${clear}1\n***|${clear}1\nf\n***|${clear}1", 'prepared, in turns');
($out, $err) = run_sql($node, 'SELECT app.list()', as => 'regress_phig_stranger');
like($err, qr/permission denied for function/, 'who may not call it does not');
is(caller_sees('SET ROLE regress_phig_other; SELECT app.list()'), '', 'SET ROLE counts for EXECUTE');
officer("SELECT phiguard.deny_purpose('ward_list', 'regress_phig_caller')");
is(caller_sees('SELECT app.list()'), '', 'a denial of the purpose wins');
like($err, qr/is denied to role/, '... and says so');
officer("SELECT phiguard.revoke_purpose('ward_list', 'regress_phig_caller')");
isnt(caller_sees('SELECT app.list()'), '', '... while it lasts');

# Of all sorts.
registered('list_sql()', 'SETOF text', 'SELECT name FROM patient ORDER BY id', language => 'sql');
is(caller_sees('SELECT app.list_sql()'), join("\n", map { "$clear$_" } 1 .. 5), 'SQL, row by row');
is(caller_sees('SELECT count(*), min(x) FROM app.list_sql() x'), "5|${clear}1", 'SQL in FROM is not put in line');
is(caller_sees("SET phiguard.purpose = 'study'; SELECT x, (SELECT name FROM app.patient p WHERE p.name IS NOT NULL LIMIT 1) FROM (SELECT app.list_sql() x) q LIMIT 2"),
	"${clear}1|***\n${clear}2|***", 'between its rows the session\'s purpose holds');
is(caller_sees("BEGIN; DECLARE c CURSOR FOR SELECT app.list_sql(); FETCH 2 FROM c; SELECT name FROM app.patient; ROLLBACK"), "${clear}1\n${clear}2", '... and between fetches');
registered('list_stable()', 'SETOF text', 'SELECT name FROM patient ORDER BY id', language => 'sql', options => 'STABLE');
is(caller_sees('SELECT count(*) FROM app.list_stable()'), '5', 'a stable one is not put in line either');
registered('list_definer()', 'SETOF text', 'BEGIN RETURN QUERY SELECT name FROM patient ORDER BY id; END', options => 'SECURITY DEFINER');
is(caller_sees('SELECT count(x) FROM app.list_definer() x'), '5', 'SECURITY DEFINER');
registered('list_dynamic()', 'SETOF text', "BEGIN RETURN QUERY EXECUTE 'SELECT name FROM patient ORDER BY id'; END");
is(caller_sees('SELECT count(x) FROM app.list_dynamic() x'), '5', 'dynamic SQL');
registered('list_safe(n int)', 'text', "BEGIN RETURN (SELECT name FROM patient WHERE id = n); END", options => 'STABLE PARALLEL SAFE');
my $parallel = $node->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
is(caller_sees("SET $parallel = on; SELECT count(app.list_safe(id)) FROM app.room"), '1', 'in a parallel worker');
registered('down(n int)', 'text', "BEGIN IF n = 0 THEN RETURN $names; END IF; RETURN down(n - 1) || (SELECT count(name) FROM patient); END");
is(caller_sees('SELECT app.down(3)'), join(',', map { "$clear$_" } 1 .. 5) . '555', 'recursion');
registered('store()', '', 'BEGIN PERFORM name FROM patient; INSERT INTO room SELECT 2, count(name)::text FROM patient; END', kind => 'PROCEDURE');
is(caller_sees('CALL app.store(); SELECT name FROM app.room WHERE id = 2; DELETE FROM app.room WHERE id = 2'), '5', 'a procedure');

# Errors leave it, and are caught inside it.
registered('fails()', 'text', "BEGIN PERFORM name FROM patient; RAISE EXCEPTION 'failed'; END");
is(caller_sees("BEGIN; SAVEPOINT s; SELECT app.fails(); ROLLBACK TO s; SELECT name FROM app.patient"), '', 'after an error the session\'s purpose holds');
like($err, qr/failed\n.*open only to a purpose/s, '... and it is the session that is refused');
is(caller_sees("DO \$\$ BEGIN PERFORM app.fails(); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', (SELECT min(name) FROM app.patient); END \$\$"), '', 'in a handler too');
unlike($err, qr/$clear/, '... nothing');
registered('catches()', 'text', "DECLARE r text; BEGIN BEGIN PERFORM 1/0; EXCEPTION WHEN OTHERS THEN r := $names; END; RETURN r; END");
like(caller_sees('SELECT app.catches()'), qr/^${clear}1,/, 'an exception that it catches changes nothing');
is(caller_sees("DO \$\$ BEGIN PERFORM app.catches(); RAISE NOTICE '%', (SELECT min(name) FROM app.patient); END \$\$") . ($err =~ /$clear/ ? $err : ''), '', '... nor for the caller');

# --- Attempts. What the function calls is not the function.
run_sql($node, <<'SQL', as => 'regress_phig_caller');
CREATE FUNCTION own.peek() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT min(name) FROM app.patient); EXCEPTION WHEN insufficient_privilege THEN RETURN 'closed'; END $$;
CREATE FUNCTION own.peek_sql() RETURNS text LANGUAGE sql AS $$ SELECT min(name) FROM app.patient $$;
CREATE FUNCTION own.peek_rows() RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT name FROM app.patient $$;
CREATE FUNCTION own.peek_path() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'own, app', false); RETURN 'set'; END $$;
CREATE FUNCTION own.peek_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; c refcursor; BEGIN FOR c IN SELECT name FROM pg_cursors LOOP BEGIN EXECUTE format('FETCH %I', c) INTO r; RAISE NOTICE 'got %', r; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', sqlerrm; END; END LOOP; RETURN 'looked'; END $$;
CREATE FUNCTION own.peek_fetch(c refcursor) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN FETCH c INTO r; RETURN r; END $$;
CREATE FUNCTION own.peek_do() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE $x$ DO $y$ BEGIN RAISE NOTICE '%', (SELECT min(name) FROM app.patient); END $y$ $x$; RETURN 'done'; EXCEPTION WHEN insufficient_privilege THEN RETURN 'closed'; END $$;
CREATE FUNCTION own.peek_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app AS $$ BEGIN RETURN (SELECT min(name) FROM app.patient); EXCEPTION WHEN insufficient_privilege THEN RETURN 'closed'; END $$;
CREATE DOMAIN own.checked AS text CHECK (own.peek() = 'closed' OR value <> 'x');
CREATE FUNCTION own.on_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.name := own.peek(); RETURN new; END $$;
CREATE TABLE own.sink (id int, name text DEFAULT own.peek());
CREATE TRIGGER t BEFORE INSERT ON own.sink FOR EACH ROW EXECUTE FUNCTION own.on_room();
GRANT ALL ON own.sink TO PUBLIC;
CREATE VIEW own.own_view AS SELECT own.peek() AS name;
CREATE TABLE own.patient (id int, name text);
INSERT INTO own.patient VALUES (0, 'not the one');
SQL
registered('callback(f regproc)', 'text', "DECLARE r text; BEGIN PERFORM name FROM patient; EXECUTE format('SELECT %s()', f) INTO r; RETURN r; END");
for my $f (qw(peek peek_do peek_definer))
{
	is(caller_sees("SELECT app.callback('own.$f')"), 'closed', "a function that it calls by name is closed: $f");
}
is(caller_sees("SELECT app.callback('own.peek_sql')"), '', '... also in SQL');
is(caller_sees("SET phiguard.purpose = 'study'; SELECT app.callback('own.peek_sql')"), '***', '... where it has a purpose, that holds');
registered('simple()', 'text', "DECLARE r text; BEGIN PERFORM name FROM patient; r := own.peek(); RETURN r || own.peek_definer(); END");
is(caller_sees('SELECT app.simple()'), 'closedclosed', '... called in an expression that is no query of its own');
is(caller_sees('BEGIN; SELECT app.simple(); SELECT app.simple(); COMMIT'), "closedclosed\nclosedclosed", '... twice in a transaction');
registered('simple_sql()', 'text', "BEGIN RETURN own.peek_sql(); END");
is(caller_sees('SELECT app.simple_sql()'), '', '... in SQL');
registered('rows()', 'SETOF text', 'BEGIN PERFORM name FROM patient; RETURN QUERY SELECT * FROM own.peek_rows(); END');
is(caller_sees('SELECT app.rows()'), '', 'one that could be put in line is not');
registered('cast_it()', 'text', "DECLARE d own.checked; BEGIN d := 'x'; RETURN d; END");
like(caller_sees('SELECT app.cast_it()'), qr/^x$/, 'the CHECK of a domain');
registered('sinks()', 'text', "DECLARE r text; BEGIN PERFORM name FROM patient; INSERT INTO own.sink (id) VALUES (1) RETURNING name INTO r; RETURN r; END");
is(caller_sees('SELECT app.sinks()'), 'closed', 'triggers and defaults');
registered('viewed()', 'text', 'BEGIN PERFORM name FROM patient; RETURN (SELECT name FROM own.own_view); END');
is(caller_sees('SELECT app.viewed()'), 'closed', 'a function in a view');

# Names mean what they meant.
like(caller_sees("SET search_path = own, app; SELECT app.list()"), qr/^$clear/, 'the caller\'s search path has no say');
like(caller_sees("CREATE TEMP TABLE patient (id int, name text); INSERT INTO pg_temp.patient VALUES (1, 'temp'); SELECT app.list()"), qr/^$clear/, 'nor a temporary table');
registered('path()', 'text', "DECLARE r text; BEGIN r := own.peek_path(); RETURN (SELECT min(name) FROM patient); END");
unlike(caller_sees("SELECT app.path()"), qr/$clear/, 'a search path that is changed inside of it: not by the registered purpose');
registered('path_local()', 'text', "BEGIN SET LOCAL search_path = app; RETURN (SELECT min(name) FROM app.patient); END");
is(caller_sees("SELECT app.path_local()"), '', '... nor when the function itself does');
registered('roles()', 'text', "BEGIN SET LOCAL ROLE regress_phig_other; RETURN (SELECT min(name) FROM patient); END");
is(caller_sees("SELECT app.roles()"), "${clear}1", 'SET ROLE inside of it: a role that may read the table');
officer("SELECT phiguard.deny_purpose('ward_list', 'regress_phig_other')");
is(caller_sees("SELECT app.roles()"), '', '... and one that is denied the purpose does not see');
like(caller_sees("SELECT app.list()"), qr/^$clear/, '... while the caller does');

# Cursors stay inside.
registered('opens_again(c refcursor)', 'text', 'DECLARE r text; BEGIN FETCH c INTO r; RETURN r; END');
registered('opens(c refcursor)', 'refcursor', "BEGIN OPEN c FOR SELECT name FROM patient; RETURN c; END");
is(caller_sees("BEGIN; SELECT app.opens('leak'); FETCH ALL FROM leak; ROLLBACK"), 'leak', 'a cursor that it leaves open is not read outside');
like($err, qr/may not be read outside/, '... and says so');
is(caller_sees("BEGIN; SELECT app.opens('leak'); SELECT cursor_to_xml('leak', 9, true, false, ''); ROLLBACK"), 'leak', '... nor made XML');
is(caller_sees("BEGIN; SELECT app.opens('leak'); SELECT own.peek_fetch('leak'); ROLLBACK"), 'leak', '... nor fetched by a function that is given it');
is(caller_sees("BEGIN; SELECT own.peek_fetch(app.opens('leak')); ROLLBACK"), '', '... in the same statement');
unlike($err, qr/$clear/, '... nothing of it');
is(caller_sees("BEGIN; SELECT app.opens('leak'); SELECT app.opens_again('leak'); ROLLBACK"), 'leak', '... nor by another registered function');
registered('opens_ids(c refcursor)', 'refcursor', "BEGIN OPEN c FOR SELECT id FROM patient; RETURN c; END");
is(caller_sees("BEGIN; SELECT app.opens_ids('leak'); FETCH ALL FROM leak; ROLLBACK"), 'leak', '... also of columns that are no PHI');
registered('opens_held()', 'void', "BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT name FROM patient'; END");
is(caller_sees("SELECT app.opens_held(); FETCH ALL FROM held"), '', '... nor one that is held');
registered('loops()', 'text', "DECLARE r record; n int := 0; BEGIN FOR r IN SELECT name FROM patient LOOP n := n + 1; PERFORM own.peek_cursor(); END LOOP; RETURN n; END");
is(caller_sees("SELECT app.loops()"), '', 'a loop over rows fails');
unlike($err, qr/$clear/, '... whose cursor what it calls cannot read');
like($err, qr/may not be read outside/, '... though it tries');
registered('reads_own()', 'text', "DECLARE c refcursor; r text; BEGIN OPEN c FOR SELECT name FROM patient ORDER BY id; FETCH c INTO r; CLOSE c; RETURN r; END");
is(caller_sees("SELECT app.reads_own()"), "${clear}1", 'control: its own it reads');

# Plans made inside do not serve outside, nor the other way round.
registered('prepared()', 'text', "DECLARE r text; BEGIN EXECUTE 'EXECUTE outer_plan' INTO r; RETURN r; END");
my $plan = "SET phiguard.purpose = 'study'; PREPARE outer_plan AS SELECT min(name) FROM app.patient; EXECUTE outer_plan";
my @seen = split /\n/, caller_sees("$plan; SELECT 'in ' || coalesce(app.prepared(), ''); EXECUTE outer_plan");
is(join(' ', grep { !/^in / } @seen), '*** ***', '... and run inside shows no more outside');
registered('prepares()', 'void', "BEGIN EXECUTE 'PREPARE inner_plan AS SELECT min(name) FROM app.patient'; PERFORM 1; EXECUTE 'EXECUTE inner_plan'; END");
is(caller_sees("SET phiguard.purpose = 'study'; SELECT app.prepares(); EXECUTE inner_plan"), "\n***", 'a statement prepared inside shows the session\'s purpose outside');

# --- Changed is closed.
my $closed = qr/registered function app\.list\(\) is closed/;
my $list = caller_sees('SELECT app.list()');
my $session = session($node, as => 'regress_phig_caller');
is($session->ask('SELECT app.list()'), $list, 'a session that lasts');
author("CREATE OR REPLACE FUNCTION app.list() RETURNS text LANGUAGE plpgsql STABLE SET search_path = app, pg_temp AS \$\$ BEGIN RETURN 'x' || $names; END \$\$");
is($session->ask('SELECT app.list()'), '', 'a body that was replaced closes it, in running sessions');
like($session->{err}, $closed, '... and says so');
is(caller_sees('SELECT app.list()'), '', '... and in new ones');
my @findings = split /\n/, (run_sql($node, 'SELECT object, finding FROM phiguard.verify_policy()', as => 'regress_phig_officer'))[0];
is("@findings", 'function app.list()|the function was changed since it was registered', 'verify_policy() lists it');
is((run_sql($node, "SELECT problem FROM phiguard.registered_functions WHERE function = 'app.list()'", as => 'regress_phig_officer'))[0],
	'the function was changed since it was registered', '... and the view');
officer("SELECT phiguard.register_function('app.list()', 'ward_list')");
is($session->ask('SELECT app.list()'), "x$list", 'registered again it is open');
for my $change ('ALTER FUNCTION app.list() SET search_path = own, app, pg_temp', 'ALTER FUNCTION app.list() RESET search_path', 'ALTER FUNCTION app.list() SECURITY DEFINER',
	'ALTER FUNCTION app.list() SET work_mem = 1024', 'ALTER FUNCTION app.list() VOLATILE')
{
	author("BEGIN; $change; COMMIT");
	unlike($session->ask('SELECT app.list()'), qr/$clear/, $change);
	author('ALTER FUNCTION app.list() RESET ALL; ALTER FUNCTION app.list() SET search_path = app, pg_temp; ALTER FUNCTION app.list() SECURITY INVOKER STABLE');
	is($session->ask('SELECT app.list()'), "x$list", '... and back');
}
$node->safe_psql('postgres', 'ALTER FUNCTION app.list() OWNER TO regress_phig_officer');
is($session->ask('SELECT app.list()'), '', 'another owner closes it');
$node->safe_psql('postgres', 'ALTER FUNCTION app.list() OWNER TO regress_phig_author');
is($session->ask('SELECT app.list()'), "x$list", '... and the old one opens it');
author('ALTER FUNCTION app.list() RENAME TO list_new; CREATE FUNCTION app.list() RETURNS text LANGUAGE sql SET search_path = app, pg_temp AS $$ SELECT string_agg(id || name, NULL) FROM patient $$; GRANT EXECUTE ON FUNCTION app.list_new() TO regress_phig_caller');
is($session->ask('SELECT app.list()'), '', 'another function of the name is closed');
is($session->ask('SELECT app.list_new()'), '', '... and by another name it is not registered');
author('DROP FUNCTION app.list(); ALTER FUNCTION app.list_new() RENAME TO list');
is($session->ask('SELECT app.list()'), "x$list", 'by its name it is');

# So is one that others could get a hand in, by privileges that its registration was refused for.
for my $open ('CREATE ON SCHEMA app', 'EXECUTE ON FUNCTION app.list()')
{
	my $to = "$open TO PUBLIC";
	$node->safe_psql('postgres', "GRANT $to");
	is($session->ask('SELECT app.list()'), '', "GRANT $to closes it");
	is((run_sql($node, "SELECT count(*) FROM phiguard.verify_policy() WHERE object = 'function app.list()'", as => 'regress_phig_officer'))[0], '1', '... and verify_policy() lists it');
	$node->safe_psql('postgres', "REVOKE $open FROM PUBLIC");
	is($session->ask('SELECT app.list()'), "x$list", '... REVOKE opens it');
}

# In the transaction in which it is registered, functions may have been looked up before.
$session->ask('BEGIN; SELECT own.peek()');
officer("SELECT phiguard.unregister_function('app.list()'); SELECT phiguard.register_function('app.list()', 'ward_list')");
is($session->ask('SELECT app.list()'), "x$list", 'registered again while a transaction runs');
$session->ask('ROLLBACK');
officer("SELECT phiguard.unregister_function('app.list()')");
is($session->ask('SELECT app.list()'), '', 'unregistered it is closed at once');
$session->ask('BEGIN; SELECT own.peek()');
officer("SELECT phiguard.register_function('app.list()', 'ward_list')");
unlike($session->ask('SELECT app.list()'), qr/$clear/, 'new while a transaction runs, it opens nothing in it');
$session->ask('ROLLBACK');
is($session->ask('SELECT app.list()'), "x$list", '... but in the next');
like(officer("SELECT phiguard.unregister_function('app.nothing()')"), qr/no such registered function/, 'what is not registered');

# The purpose counts as it is.
officer("SELECT phiguard.disallow('ward_list', 'app.patient', 'name'); SELECT phiguard.allow('ward_list', 'app.patient', 'name', transform => 'mask')");
is($session->ask('SELECT app.list()'), 'x***,***,***,***,***', 'a rule that changes');
is(officer("SELECT phiguard.drop_purpose('ward_list')"), '', 'a purpose is dropped');
is($session->ask('SELECT app.list()'), '', 'a purpose that is dropped takes its functions along');
is((run_sql($node, 'SELECT count(*) FROM phiguard.registered_functions', as => 'regress_phig_officer'))[0], '0', '... all of them');
$session->close;
unlike(join('', map { slurp_file($_) } $node->logfile), qr/TRAP|PANIC|terminated by signal/, 'nothing broke');
journal_is_intact($node, 'the journal is intact');
$node->stop;
done_testing();
