# Whose rows are written: those that the table has afterwards, and those that it had before, whatever made the values:
# triggers, generated columns, volatile functions, ON CONFLICT, MERGE, other transactions.  Where the record cannot
# tell, it says so.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('writes', 'phiguard.on_unlabelled_store = ignore');
sub sql { return $node->safe_psql('postgres', $_[0]) }
my $major = int($node->pg_version);

sql(<<'SQL');
CREATE TABLE person (k int UNIQUE, id text PRIMARY KEY, name text);
INSERT INTO person SELECT i, 'person-' || i, 'n' || i FROM generate_series(1, 60) i;
CREATE TABLE chart (k int PRIMARY KEY, id text REFERENCES person, name text, other int UNIQUE);
CREATE TABLE made (k int PRIMARY KEY, n int, id text GENERATED ALWAYS AS ('person-' || n::text) STORED REFERENCES person, name text);
CREATE TABLE given (k int PRIMARY KEY, id text REFERENCES person, name text);
CREATE TABLE old_chart (k int, id text REFERENCES person, name text);
CREATE TABLE young_chart () INHERITS (old_chart);
CREATE TABLE parted (k int, id text REFERENCES person, name text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (20);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (20) TO (100);
CREATE TABLE routed (k int, id text REFERENCES person, name text) PARTITION BY RANGE (k);
CREATE TABLE routed_1 PARTITION OF routed FOR VALUES FROM (0) TO (20);
CREATE TABLE routed_2 PARTITION OF routed FOR VALUES FROM (20) TO (100);
CREATE TABLE bare_parted (k int, id text, name text) PARTITION BY RANGE (k);
CREATE TABLE bare_parted_1 PARTITION OF bare_parted FOR VALUES FROM (0) TO (20);
CREATE TABLE met (k int, id text REFERENCES person, name text, PRIMARY KEY (k, id)) PARTITION BY RANGE (k);
CREATE TABLE met_1 PARTITION OF met FOR VALUES FROM (0) TO (20);
INSERT INTO met VALUES (3, 'person-3', 'm');
INSERT INTO chart SELECT i, 'person-' || i, 'c' || i, i FROM generate_series(1, 9) i;
INSERT INTO made (k, n, name) SELECT i, i, 'm' || i FROM generate_series(1, 9) i;
INSERT INTO given SELECT i, 'person-' || i, 'g' || i FROM generate_series(1, 9) i;
INSERT INTO old_chart SELECT i, 'person-' || i, 'o' || i FROM generate_series(1, 4) i;
INSERT INTO young_chart SELECT i, 'person-' || i, 'o' || i FROM generate_series(5, 9) i;
INSERT INTO parted SELECT i, 'person-' || i, 'p' || i FROM generate_series(1, 9) i;
INSERT INTO routed SELECT i, 'person-' || i, 'p' || i FROM generate_series(1, 9) i;
CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.name = 'skip' THEN RETURN NULL; END IF;
	NEW.id := 'person-' || substr(NEW.id, 8)::int + 40;
	RETURN NEW;
END $$;
CREATE TRIGGER gives BEFORE INSERT OR UPDATE ON given FOR EACH ROW EXECUTE FUNCTION give_away();
CREATE TRIGGER gives BEFORE INSERT ON routed_2 FOR EACH ROW EXECUTE FUNCTION give_away();
CREATE TRIGGER gives BEFORE UPDATE ON met_1 FOR EACH ROW EXECUTE FUNCTION give_away();
CREATE FUNCTION somebody(int) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'person-' || $1 $$;
CREATE VIEW v_instead AS SELECT c.k, upper(c.name) AS name, p.name AS whose FROM chart c JOIN person p USING (id);
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN DELETE FROM old_chart WHERE k = OLD.k; RETURN OLD; END IF;
	UPDATE old_chart SET name = NEW.name WHERE k = coalesce(OLD.k, NEW.k);
	RETURN NEW;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON v_instead FOR EACH ROW EXECUTE FUNCTION instead();
CREATE VIEW v_chart AS SELECT * FROM chart WHERE k < 50 WITH LOCAL CHECK OPTION;
SELECT phiguard.label(t, 'name', 'name') FROM unnest('{person,chart,made,given,old_chart,parted,routed,bare_parted,met}'::regclass[]) t;
SECURITY LABEL FOR phiguard ON TABLE person IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE chart IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE made IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE given IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE old_chart IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE parted IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE routed IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE met IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE bare_parted_1 IS 'subject=id->person';
VACUUM ANALYZE;
SQL

my $of = "query ~ 'WITH|chart|own_far|v_instead|made|given|parted|routed|met'";
sub persons
{
	my ($app) = @_;
	my $none = sql("SELECT count(*) FROM phiguard.access_log WHERE application = '$app' AND kind IN ('read', 'write') AND ($of)") == 0;

	return ($none ? 'no record ' : '') . persons_on_record($node, $app, people => 'person', of => "kind IN ('read', 'write') AND ($of)");
}

# Each in a transaction that is rolled back: what left, left.
my $runs = 0;
sub writes
{
	my ($name, $statement, @expected) = @_;
	my $app = 'write ' . ++$runs;
	my ($out, $err) = run_sql($node, "BEGIN;\n$statement;\nROLLBACK", app => $app);

	is($err, '', "$name: it runs") if $err ne '';
	is(persons($app), !@expected ? 'nobody' : $expected[0] =~ /^\d/ ? join(' ', map { sprintf '%02d', $_ } @expected) : $expected[0], $name);
	return $out;
}

# INSERT.
writes('VALUES', "INSERT INTO chart VALUES (11, 'person-11', 'x', 11), (12, 'person-12', 'y', 12)", 11, 12);
writes('a volatile subject', "INSERT INTO chart VALUES (11, somebody(11), 'x', 11)", 11);
writes('a subject from a sub-select', "INSERT INTO chart VALUES (11, (SELECT 'person-' || max(g) FROM generate_series(1, 11) g), 'x', 11)", 11);
writes('a generated subject', "INSERT INTO made (k, n, name) VALUES (11, 12, 'x') RETURNING name", 12);
writes('no subject', "INSERT INTO chart (k, name) VALUES (11, 'x')");
writes('a trigger gives it to another', "INSERT INTO given VALUES (11, 'person-11', 'x'), (12, 'person-12', 'skip')", 51);
writes('a trigger, RETURNING', "INSERT INTO given SELECT 11, id, 'x' FROM person WHERE k = 11 RETURNING *", 11, 51);
writes('DO NOTHING where there is one', "INSERT INTO chart VALUES (3, 'person-13', 'x', 3), (13, 'person-13', 'x', 13) ON CONFLICT DO NOTHING", 13);
writes('DO NOTHING, all are there', "INSERT INTO chart VALUES (3, 'person-13', 'x', 3) ON CONFLICT DO NOTHING");
writes('DO UPDATE by another key: the row is somebody else\'s', "INSERT INTO chart VALUES (14, 'person-14', 'x', 3) ON CONFLICT (other) DO UPDATE SET name = excluded.name RETURNING *", 3);
writes('DO UPDATE gives it to another', "INSERT INTO chart VALUES (14, 'person-14', 'x', 3) ON CONFLICT (other) DO UPDATE SET id = excluded.id", 3, 14);
# Before 18 the server has a look at the row first.
writes('DO UPDATE WHERE: not written', "INSERT INTO chart VALUES (14, 'person-14', 'x', 3) ON CONFLICT (other) DO UPDATE SET id = excluded.id WHERE chart.name = 'none'", $major >= 18 ? () : 3);
writes('below a CTE', "WITH w AS (INSERT INTO chart VALUES (15, 'person-15', 'x', 15) RETURNING name) SELECT name FROM w", 15);
writes('a CTE that nobody reads', "WITH w AS (INSERT INTO chart VALUES (16, 'person-16', 'x', 16)) SELECT 1", 16);
writes('a view', "INSERT INTO v_chart VALUES (17, 'person-17', 'x', 17) RETURNING name", 17);
writes('a partitioned table', "INSERT INTO parted VALUES (12, 'person-18', 'x'), (30, 'person-19', 'y')", 18, 19);
writes('a partition', "INSERT INTO parted_2 VALUES (30, somebody(20), 'x')", 20);
writes('a partition without a trigger', "INSERT INTO routed VALUES (12, 'person-12', 'x')", 12);
writes('a partition with one: nobody is ruled out', "INSERT INTO routed VALUES (30, 'person-13', 'x')", 'not captured nobody');
writes('that partition itself', "INSERT INTO routed_2 VALUES (30, 'person-13', 'x')", 53);
writes('a partition that alone has a subject: nobody is ruled out', "INSERT INTO bare_parted SELECT k, 'person-14', name FROM person WHERE k = 12", 'not captured nobody');
writes('the same below a CTE', "WITH w AS (INSERT INTO bare_parted VALUES (12, 'person-14', 'x')) SELECT name FROM person WHERE k = 12", 'not captured nobody');
writes('below a CTE, a partition', "WITH w AS (INSERT INTO parted VALUES (12, 'person-12', 'x')) SELECT 1", 12);

writes('ON CONFLICT and a trigger of the partition: nobody is ruled out', "INSERT INTO met VALUES (3, 'person-3', 'x') ON CONFLICT (k, id) DO UPDATE SET name = 'y' RETURNING *", 'not captured nobody');
writes('the same, no conflict', "INSERT INTO met VALUES (4, 'person-4', 'x') ON CONFLICT DO NOTHING", 4);

# UPDATE.
writes('UPDATE', "UPDATE chart SET name = 'x' WHERE k IN (2, 3)", 2, 3);
writes('of the subject', "UPDATE chart SET id = 'person-21', name = 'x' WHERE k = 2", 2, 21);
writes('volatile', "UPDATE chart SET id = somebody(22) WHERE k = 2 RETURNING *", 2, 22);
writes('from a sub-select', "UPDATE chart SET id = (SELECT 'person-' || max(g) FROM generate_series(1, 23) g), name = 'x' WHERE k = 2", 2, 23);
writes('generated', "UPDATE made SET n = 24, name = 'x' WHERE k = 2", 2, 24);
writes('by a trigger', "UPDATE given SET name = 'x' WHERE k = 2 RETURNING *", 2, 42);
writes('a trigger skips it', "UPDATE given SET name = 'skip' WHERE k = 2", 2);
writes('below a CTE', "WITH w AS (UPDATE chart SET id = 'person-25' WHERE k = 2 RETURNING name) SELECT name FROM w", 2, 25);
writes('FROM, RETURNING both', "UPDATE chart c SET name = p.name FROM person p WHERE p.k = c.k + 20 AND c.k < 3 RETURNING c.name, p.name", 1, 2, 21, 22);
writes('a row that two rows would change', "UPDATE chart c SET name = g::text FROM generate_series(1, 2) g WHERE c.k = 4 RETURNING c.name", 4);
writes('children', "UPDATE old_chart SET id = somebody(26), name = 'x' WHERE k IN (4, 5)", 4, 5, 26);
writes('ONLY', "UPDATE ONLY old_chart SET name = 'x' WHERE k IN (4, 5)", 4);
writes('a partitioned table', "UPDATE parted SET name = 'x' WHERE k = 6 RETURNING name", 6);
writes('into another partition', "UPDATE parted SET k = k + 50, id = 'person-27', name = 'x' WHERE k = 6", 6, 27);
writes('into one with a trigger: nobody is ruled out', "UPDATE routed SET k = k + 50, name = 'x' WHERE k = 6", 'not captured nobody');
writes('a view', "UPDATE v_chart SET name = 'x' WHERE k = 7", 7);

# INSTEAD OF: what the trigger writes is on record, too.  Since 18, the view is left to the scans.
sub writes_at_least
{
	my ($name, $statement, @expected) = @_;

	return writes($name, $statement, @expected) if $major < 18;
	my $out = (run_sql($node, "BEGIN;\n$statement;\nROLLBACK", app => 'write ' . ++$runs))[0];
	my %have = map { $_ => 1 } split / /, persons("write $runs");
	is((grep { !$have{ sprintf '%02d', $_ } } @expected), 0, "$name: nobody is missing");
	return $out;
}
my $old = writes_at_least('INSTEAD OF UPDATE', "UPDATE v_instead SET name = 'x' WHERE k = 7; SELECT name FROM old_chart WHERE k = 7", 7);
is($old, 'x', 'the trigger has had its row');
writes_at_least('INSTEAD OF UPDATE, RETURNING', "UPDATE v_instead SET name = 'x' WHERE k IN (7, 8) RETURNING whose", 7, 8);
writes_at_least('INSTEAD OF DELETE', "DELETE FROM v_instead v USING person p WHERE v.k = 7 AND p.k = 37 RETURNING v, p.name", 7, 37);
writes('INSTEAD OF INSERT', "INSERT INTO v_instead SELECT k, name, name FROM person WHERE k = 6 RETURNING *", 6);

# DELETE.
writes('DELETE USING', "DELETE FROM chart c USING person p WHERE p.k = c.k + 30 AND c.k = 3 RETURNING c.name, p.name", 3, 33);
writes('DELETE of children', "DELETE FROM old_chart WHERE k IN (3, 8) RETURNING name", 3, 8);
writes('a deleted row returned by a CTE', "WITH w AS (DELETE FROM chart WHERE k = 8 RETURNING name) SELECT name FROM w", 8);

# MERGE.
my $merge = "MERGE INTO chart c USING (SELECT g, 'person-' || g AS id FROM generate_series(8, 11) g) s ON c.k = s.g";
writes('MERGE: all actions', "$merge WHEN MATCHED AND s.g = 8 THEN UPDATE SET id = somebody(28) WHEN MATCHED AND s.g = 9 THEN DELETE " .
	"WHEN NOT MATCHED AND s.g = 10 THEN INSERT VALUES (10, s.id, 'x', 10)", 8, 9, 10, 28);
writes('MERGE: nothing is done', "$merge AND c.name <> '' WHEN MATCHED THEN DO NOTHING");
writes('MERGE into a generated subject', "MERGE INTO made m USING generate_series(9, 10) g ON m.k = g WHEN MATCHED THEN UPDATE SET n = 29 WHEN NOT MATCHED THEN INSERT (k, n, name) VALUES (g, 30, 'x')", 9, 29, 30);
writes('MERGE from persons', "MERGE INTO chart c USING (SELECT * FROM person WHERE k IN (9, 31)) p ON c.k = p.k WHEN MATCHED THEN UPDATE SET name = p.name WHEN NOT MATCHED AND p.k = 0 THEN INSERT VALUES (0, p.id, p.name)", 9, 31);
writes('MERGE and a trigger', "MERGE INTO given v USING generate_series(9, 10) g ON v.k = g WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN INSERT VALUES (g, 'person-' || g, 'x')", 9, 49, 50);
writes('MERGE into children', "MERGE INTO old_chart c USING generate_series(9, 10) g ON c.k = g WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (g, 'person-' || g, 'x')", 9, 10);
writes('MERGE into partitions', "MERGE INTO parted c USING generate_series(9, 10) g ON c.k = g WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN INSERT VALUES (g, 'person-' || g, 'x')", 9, 10);
if ($major >= 17)
{
	writes('MERGE RETURNING', "$merge WHEN MATCHED AND s.g = 8 THEN UPDATE SET name = 'x' WHEN NOT MATCHED AND s.g = 10 THEN INSERT VALUES (10, s.id, 'x', 10) RETURNING c.name, merge_action()", 8, 10);
	writes('MERGE below a CTE', "WITH w AS ($merge WHEN MATCHED AND s.g = 8 THEN UPDATE SET id = somebody(28) WHEN NOT MATCHED AND s.g = 10 THEN INSERT VALUES (10, s.id, 'x', 10) RETURNING c.name) SELECT * FROM w",
		1 .. 10, 28);
	writes('MERGE by source', "MERGE INTO chart c USING generate_series(1, 8) g ON c.k = g WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING c.name", 9);
}
writes('RETURNING what was there', "UPDATE chart SET id = 'person-32' WHERE k = 9 RETURNING old.name, new.name", 9, 32) if $major >= 18;

# Another transaction changes the row while the statement waits for it.
sub meanwhile
{
	my ($name, $change, $statement, @expected) = @_;
	my $app = 'write ' . ++$runs;
	my ($first, $second) = (session($node), session($node, app => $app));

	sql("UPDATE chart SET id = 'person-' || k, name = 'c' WHERE k < 9");
	$first->ask("BEGIN; $change");
	$second->{out} = '';
	$second->send("$statement;\n\\echo waited");
	wait_until(sub { sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = '$app' AND wait_event_type = 'Lock'") eq '1' }, "$name: it waits") or return;
	$first->ask('COMMIT');
	my ($shown) = $second->wait_for(qr/^waited$/m) =~ /(.*?)\n?waited/s;
	is($second->close . $first->close, '', "$name: it runs");
	is(persons($app), $expected[0] =~ /^\d/ ? join(' ', map { sprintf '%02d', $_ } @expected) : $expected[0], $name);
	return $shown;
}

# Whose row it was when it was first looked at is on record, too.
my $give = "UPDATE chart SET id = 'person-34' WHERE k = 2";
meanwhile('UPDATE of a row that is somebody else\'s by now', $give, "UPDATE chart SET name = 'x' WHERE k = 2 RETURNING *", 2, 34);
meanwhile('of its subject', $give, "UPDATE chart SET id = 'person-35', name = 'x' WHERE k = 2", 'not captured nobody');
meanwhile('SELECT FOR UPDATE', $give, 'SELECT name FROM chart WHERE k = 2 FOR UPDATE', 34);
meanwhile('a sub-select for a row that has changed: nobody is ruled out', $give, 'SELECT (SELECT p.name FROM person p WHERE p.id = c.id) FROM chart c WHERE k = 2 FOR UPDATE', 'not captured nobody');
meanwhile('the same that is written', $give, 'UPDATE chart c SET name = (SELECT p.name FROM person p WHERE p.id = c.id) WHERE k = 2', 'not captured nobody');
my $beside = 'SELECT c.name, s.name, s, s2 FROM chart c, (SELECT k, name FROM person WHERE k < 3 ORDER BY k LIMIT 2) s, LATERAL (SELECT s AS whole, s.k OFFSET 0) s2 WHERE s.k = c.k AND c.k = 2 FOR UPDATE OF c';
is(meanwhile('beside a sub-select: nobody is ruled out', $give, $beside, 'not captured nobody'), 'c|n2|(2,n2)|("(2,n2)",2)', 'the row that is shown is whole');
meanwhile('a CTE beside it', $give, 'WITH s AS MATERIALIZED (SELECT k, name FROM person) SELECT c.name, s.name FROM chart c JOIN s ON s.k = c.other + 3 WHERE c.k = 2 FOR UPDATE OF c',
	'not captured nobody');
meanwhile('a table beside it', $give, 'SELECT c.name, p.name FROM chart c JOIN person p ON p.k = c.other + 3 WHERE c.k = 2 FOR UPDATE OF c', 5, 34);
meanwhile('MERGE', $give, "MERGE INTO chart c USING generate_series(2, 2) g ON c.k = g WHEN MATCHED THEN UPDATE SET id = 'person-36', name = 'x'", 2, 34, 36);
meanwhile('ON CONFLICT', $give, "INSERT INTO chart VALUES (2, 'person-37', 'x', 2) ON CONFLICT (k) DO UPDATE SET id = excluded.id, name = 'x'", 34, 37);
meanwhile('below a CTE', $give, "WITH w AS (UPDATE chart SET name = 'x' WHERE k = 2 RETURNING name) SELECT name FROM w", 'not captured nobody');
meanwhile('DELETE: nobody is ruled out', $give, 'DELETE FROM chart WHERE k = 2 RETURNING *', 'not captured nobody');
sql("INSERT INTO chart VALUES (2, 'person-2', 'c', 2)");
meanwhile('DELETE by a CTE that nobody reads', $give, 'WITH w AS (DELETE FROM chart WHERE k = 2) SELECT 1', 'not captured nobody');
is(sql("SELECT certainty FROM phiguard.who_saw('chart', 'person-34') WHERE application = 'write $runs'"), 'possible', 'who_saw says possible of it');

# A foreign server, below a table of ours.
sql(<<"SQL");
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres', application_name 'remote');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE TABLE far_rows (k int, id text, name text);
INSERT INTO far_rows VALUES (50, 'person-50', 'far');
CREATE FOREIGN TABLE far_chart () INHERITS (old_chart) SERVER loop OPTIONS (table_name 'far_rows');
CREATE FOREIGN TABLE own_far (k int, id text, name text) SERVER loop OPTIONS (table_name 'far_rows');
SELECT phiguard.label('own_far', 'name', 'name');
SECURITY LABEL FOR phiguard ON FOREIGN TABLE own_far IS 'subject=id->person';
SQL
writes('a foreign child', "UPDATE old_chart SET name = random()::text WHERE k IN (4, 50)", 4, 50);
writes('below a table of ours: inserted', "INSERT INTO own_far VALUES (52, 'person-52', 'x')", 52);
writes('inserted by a CTE', "WITH w AS (INSERT INTO own_far SELECT k, id, name FROM person WHERE k = 53 RETURNING k) SELECT 1", 53);
writes('updated by the server there: nobody is ruled out', "UPDATE own_far SET name = 'x' WHERE k = 50", 'not captured nobody');
writes('updated by what is here', "UPDATE own_far SET name = random()::text WHERE k = 50 RETURNING name", 50);
writes('whose subject is changed: nobody is ruled out', "UPDATE old_chart SET id = somebody(51), name = 'x' WHERE k IN (4, 50)", 'not captured nobody');
sql('CREATE TRIGGER gives BEFORE INSERT ON own_far FOR EACH ROW EXECUTE FUNCTION give_away()');
writes('given away here, on the way there: nobody is ruled out', "INSERT INTO own_far VALUES (8, 'person-8', 'x') RETURNING *", 'not captured nobody');
writes('the same below a CTE', "WITH w AS (INSERT INTO own_far VALUES (8, 'person-8', 'x')) SELECT 1", 'not captured nobody');

journal_is_intact($node, 'the journal is intact');
done_testing();
