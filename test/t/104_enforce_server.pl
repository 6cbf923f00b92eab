# What PostgreSQL does of itself goes on in mode enforce: keys, triggers, partitions, maintenance, dumps, replication, standby.
#
# The tables belong to a role without a purpose; another writes to them under one that masks nearly everything.  What is
# stored in the end is asked as a superuser: it has to be what it would be without phiguard, values and not masks.
use strict;
use warnings;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('primary', 'wal_level = logical', 'phiguard.mode = enforce', 'phiguard.on_unlabelled_store = ignore', 'max_prepared_transactions = 2');
$node->safe_psql('postgres', schema());

foreign_keys();
new_tables();
unique_keys();
triggers();
partitions();
maintenance();
event_triggers();
dumps();
logical_replication();
standby();
journal_is_intact($node, 'the journal verifies');
$node->stop;
done_testing();

sub schema
{
	return <<'SQL';
CREATE ROLE regress_phig_owner;
CREATE ROLE regress_phig_app LOGIN;
GRANT ALL ON SCHEMA public TO regress_phig_owner, regress_phig_app;
SET ROLE regress_phig_owner;
CREATE TABLE patient (
	id int PRIMARY KEY, mrn text UNIQUE, ssn phiguard.ssn, name text NOT NULL CHECK (length(name) > 2), born date, ward text DEFAULT 'east',
	initial text GENERATED ALWAYS AS (left(name, 1)) STORED, EXCLUDE (ssn WITH =));
CREATE TABLE visit (id int PRIMARY KEY, mrn text REFERENCES patient (mrn) ON DELETE CASCADE ON UPDATE CASCADE, reason text);
CREATE TABLE bill (id int PRIMARY KEY, patient int REFERENCES patient ON DELETE SET NULL, sum numeric);
CREATE TABLE consent (id int PRIMARY KEY, mrn text REFERENCES patient (mrn) ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE room (id int PRIMARY KEY, name text);
CREATE TABLE history (id serial, op text, old_name text, new_name text, whole text);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO history (op, old_name, new_name, whole) VALUES (tg_op, old.name, new.name, new::text);
	IF tg_op = 'INSERT' THEN new.name := new.name || '!'; END IF;
	RETURN coalesce(new, old);
END $$;
CREATE TABLE measure (id int, site text, at date, value numeric, device text, PRIMARY KEY (id, site)) PARTITION BY LIST (site);
CREATE TABLE measure_a PARTITION OF measure FOR VALUES IN ('a');
CREATE TABLE measure_b (device text, value numeric, at date, site text NOT NULL, id int NOT NULL);
ALTER TABLE measure ATTACH PARTITION measure_b FOR VALUES IN ('b');
INSERT INTO patient (id, mrn, ssn, name, born) SELECT i, 'M' || i, '123-45-678' || i, 'Name ' || i, '1950-01-01'::date + i FROM generate_series(1, 9) i;
INSERT INTO visit SELECT i, 'M' || i, 'reason ' || i FROM generate_series(1, 9) i;
INSERT INTO bill SELECT i, i, i * 100 FROM generate_series(1, 9) i;
INSERT INTO consent SELECT i, 'M' || i FROM generate_series(3, 4) i;
INSERT INTO measure SELECT i, 'a', '2022-01-01', i * 1.5, 'dev' || i FROM generate_series(1, 9) i;
INSERT INTO room VALUES (1, 'one'), (2, 'two');
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO regress_phig_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO regress_phig_app;
RESET ROLE;

SELECT phiguard.label(t::regclass, c, l) FROM (VALUES ('patient', 'id', 'token'), ('patient', 'mrn', 'mrn'), ('patient', 'name', 'name'), ('patient', 'born', 'date kind=birth'),
	('visit', 'mrn', 'mrn'), ('visit', 'reason', 'note'), ('bill', 'patient', 'token'), ('bill', 'sum', 'other'), ('consent', 'mrn', 'mrn'),
	('measure', 'value', 'clinical'), ('measure', 'device', 'device'), ('history', 'old_name', 'name'), ('history', 'new_name', 'name'), ('history', 'whole', 'note')) v (t, c, l);
SELECT phiguard.review(t) FROM unnest('{patient,visit,bill,consent,measure,history}'::regclass[]) t;
SELECT phiguard.create_purpose('clerk', 'HOPERAT', otherwise => 'mask');
SELECT phiguard.allow('clerk', category => 'token');
SELECT phiguard.allow('clerk', 'patient', 'name', transform => 'mask', writable => true);
SELECT phiguard.allow('clerk', 'patient', 'mrn', transform => 'mask', writable => true);
SELECT phiguard.allow('clerk', 'visit', 'mrn', transform => 'mask', writable => true);
SELECT phiguard.grant_purpose('clerk', 'regress_phig_app');
ALTER ROLE regress_phig_app SET phiguard.purpose = 'clerk';
SQL
}

# What the application is told.
sub app
{
	my ($sql, $server) = @_;
	my ($out, $err) = run_sql($server // $node, "\\set VERBOSITY sqlstate\n$sql", as => 'regress_phig_app');

	return join "\n", grep { $_ ne '' } $out, map { s/^.*ERROR: +/ERROR /r } $err;
}

# What is there.
sub stored
{
	my ($sql, $server) = @_;
	return ($server // $node)->safe_psql('postgres', $sql);
}

sub foreign_keys
{
	is(app('SELECT id, mrn, ssn, name, initial FROM patient WHERE id = 1'), '1|***|***|***|***', 'control: the purpose masks');
	is(app(q{INSERT INTO visit VALUES (20, 'M5', 'new'); INSERT INTO visit VALUES (21, 'M77', 'new')}), 'ERROR 23503', 'foreign keys: a masked key is checked');
	is(app(q{INSERT INTO bill VALUES (20, 5, 1); INSERT INTO bill VALUES (21, 77, 1)}), 'ERROR 23503', 'a clear one');
	is(app(q{UPDATE visit SET mrn = 'M6' WHERE id = 20; UPDATE visit SET mrn = 'M88' WHERE id = 20}), 'ERROR 23503', 'when it is assigned');
	is(stored('SELECT mrn FROM visit WHERE id = 20'), 'M6', 'and found where it is');
	is(app(q{INSERT INTO consent VALUES (5, '***')}), 'ERROR 23503', 'a deferred one; a mask is none');
	is(app(q{UPDATE patient SET mrn = 'M111' WHERE id = 1}), '', 'a key that others refer to is changed');
	is(stored('SELECT mrn FROM visit WHERE id = 1'), 'M111', 'and changes there');
	is(app('DELETE FROM patient WHERE id = 2'), '', 'a row that others refer to is removed');
	is(stored('SELECT (SELECT count(*) FROM visit WHERE id = 2), (SELECT patient IS NULL FROM bill WHERE id = 2), (SELECT sum FROM bill WHERE id = 2)'), '0|t|200',
		'cascade and set null follow');
	is(app('DELETE FROM patient WHERE id = 3'), '', 'set default');
	is(stored('SELECT mrn IS NULL FROM consent WHERE id = 3'), 't', 'follows at commit');
	is($node->psql('postgres', 'ALTER TABLE visit ADD CONSTRAINT again FOREIGN KEY (mrn) REFERENCES patient (mrn)'), 0, 'a new foreign key is validated');
}

# What CREATE TABLE makes beside the table sees no values; the same commands later would.
sub new_tables
{
	stored('GRANT REFERENCES ON patient TO regress_phig_app');
	is(app('CREATE TABLE fresh (id int PRIMARY KEY, ssn phiguard.ssn UNIQUE CHECK (ssn > \'0\'), patient int REFERENCES patient)'), '', 'a new table, with keys');
	is(app('CREATE TABLE parts (id int PRIMARY KEY, ssn phiguard.ssn) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parts FOR VALUES IN (1)'), '',
		'with partitions');
	is(app($_), 'ERROR 42501', "$_ is another matter") for 'CREATE INDEX ON fresh (ssn)', 'ALTER TABLE fresh ADD CHECK (ssn > \'1\')',
	  'ALTER TABLE fresh ADD FOREIGN KEY (id) REFERENCES patient';
}

sub unique_keys
{
	is(app(q{INSERT INTO patient (id, mrn, name) VALUES (1, 'M30', 'Other')}), 'ERROR 23505', 'unique: a clear key');
	is(app(q{INSERT INTO patient (id, mrn, name) VALUES (30, 'M4', 'Other')}), 'ERROR 23505', 'a masked one');
	is(app(q{INSERT INTO patient (id, ssn, name) VALUES (30, '123-45-6784', 'Other')}), 'ERROR 23P01', 'an exclusion constraint');
	is(app(q{INSERT INTO patient (id, mrn, name) VALUES (30, '***', 'Other'), (31, '****', 'Other')}), '', 'masks are values like others');
	is(app(q{INSERT INTO patient (id, name) VALUES (4, 'Other') ON CONFLICT DO NOTHING RETURNING id}), '', 'ON CONFLICT DO NOTHING');
	is(app(q{INSERT INTO patient (id, name) VALUES (4, 'Other') ON CONFLICT (id) DO UPDATE SET ward = 'west' RETURNING id, ward}), '4|west', 'DO UPDATE of what is clear');
	is(app(q{INSERT INTO patient (id, name) VALUES (4, 'Newer') ON CONFLICT (id) DO UPDATE SET name = excluded.name}), '', 'of what is writable');
	is(app(q{INSERT INTO patient (id, name) VALUES (4, 'Newer') ON CONFLICT (id) DO UPDATE SET born = '2000-01-01'}), 'ERROR 42501', 'not of what is not');
	is(app(q{INSERT INTO patient (id, name) VALUES (4, 'Newer') ON CONFLICT (id) DO UPDATE SET ward = 'x' WHERE patient.ssn > '5'}), 'ERROR 42501', 'not by what is masked');
	is(stored('SELECT mrn, ssn, name, born, ward, initial FROM patient WHERE id = 4'), 'M4|123-45-6784|Newer|1950-01-05|west|N', 'the row, and its generated column');
	is(app(q{INSERT INTO patient (id, name) VALUES (40, 'x')}), 'ERROR 23514', 'CHECK');
	is(app(q{UPDATE patient SET name = NULL WHERE id = 4}), 'ERROR 23502', 'NOT NULL');
}

sub triggers
{
	stored('CREATE TRIGGER remember BEFORE INSERT OR UPDATE OR DELETE ON patient FOR EACH ROW EXECUTE FUNCTION remember()');
	is(app(q{UPDATE patient SET ward = 'north' WHERE id = 5; INSERT INTO patient (id, mrn, name) VALUES (50, 'M50', 'Late'); DELETE FROM patient WHERE id = 50}), '',
		'triggers: a row trigger that copies fields');
	is(stored('SELECT op, old_name, new_name, whole FROM history ORDER BY id'),
		"UPDATE|Name 5|Name 5|(5,M5,123-45-6785,\"Name 5\",1950-01-06,north,)\nINSERT||Late|(50,M50,,Late,,east,)\nDELETE|Late!||",
		'gets the values (generated columns come later)');
	is(app('SELECT old_name, new_name, whole FROM history WHERE id = 1'), '***|***|***', 'and they are masked where it put them');
	is(stored(q{SELECT name, initial, ward FROM patient WHERE id = 5}), 'Name 5|N|north', 'the row keeps them');
	stored('DROP TRIGGER remember ON patient');
}

sub partitions
{
	is(app(q{INSERT INTO measure VALUES (20, 'b', '2022-02-02', 7, 'dev20'), (21, 'a', NULL, 8, 'dev21') RETURNING id, site}), "20|b\n21|a", 'partitions: rows are routed');
	is(app(q{INSERT INTO measure VALUES (22, 'c')}), 'ERROR 23514', 'where there is one');
	is(app(q{UPDATE measure SET site = 'b' WHERE id = 1}), '', 'a row moves');
	is(stored(q{SELECT tableoid::regclass, id, site, at, value, device FROM measure WHERE id IN (1, 20) ORDER BY id}),
		"measure_b|1|b|2022-01-01|1.5|dev1\nmeasure_b|20|b|2022-02-02|7|dev20", 'with the values that it has');
	is(app('SELECT id, at, value, device FROM measure_b WHERE id = 1'), '1|2022-01-01||***', 'and masked when the partition is read');
	is(app(q{UPDATE measure m SET at = '2022-03-03' FROM measure n WHERE n.id = m.id AND n.site = 'b'; DELETE FROM measure_b WHERE id = 20}), '', 'DML by joins, and of a partition');
	is(stored('SELECT count(*), count(value), count(device) FROM measure'), '10|10|10', 'leaves the others as they are');
}

sub maintenance
{
	stored('CREATE MATERIALIZED VIEW names AS SELECT id, name, mrn FROM patient; CREATE UNIQUE INDEX ON names (id)');
	stored('GRANT SELECT ON names TO regress_phig_app');
	stored(q{UPDATE patient SET name = 'Refreshed' WHERE id = 6; REFRESH MATERIALIZED VIEW names});
	is(stored('SELECT name, mrn FROM names WHERE id = 6'), 'Refreshed|M6', 'REFRESH');
	stored(q{UPDATE patient SET name = 'Concurrent' WHERE id = 6; REFRESH MATERIALIZED VIEW CONCURRENTLY names});
	is(stored('SELECT name, mrn FROM names WHERE id = 6'), 'Concurrent|M6', 'REFRESH CONCURRENTLY');
	is(app('SELECT name, mrn FROM names WHERE id = 6'), '***|***', 'what it has made is masked');
	is($node->psql('postgres', $_), 0, $_) for 'ANALYZE', 'VACUUM FULL patient', 'VACUUM (ANALYZE)', 'CREATE INDEX patient_name ON patient (upper(name), born) WHERE born > \'1950-01-03\'',
	  'CREATE INDEX CONCURRENTLY patient_lower ON patient (lower(name))', 'REINDEX TABLE CONCURRENTLY patient', 'CLUSTER patient USING patient_pkey',
	  'CREATE STATISTICS ward_born ON ward, born FROM patient', 'ALTER TABLE patient ALTER born TYPE timestamp', 'ALTER TABLE patient ALTER born TYPE date', 'ANALYZE patient',
	  'ALTER TABLE measure DETACH PARTITION measure_b', 'ALTER TABLE measure ATTACH PARTITION measure_b FOR VALUES IN (\'b\')';
	is(stored(q{SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'patient' AND attname = 'name' AND histogram_bounds IS NOT NULL}), 't', 'the planner has its statistics');
	is(app(q{SELECT count(*) FROM pg_stats WHERE tablename = 'patient'}), '0', 'the masked role has not');
	is(stored(q{BEGIN; UPDATE patient SET ward = 'far' WHERE id = 7; PREPARE TRANSACTION 'two'; COMMIT PREPARED 'two'; SELECT ward, name FROM patient WHERE id = 7}), 'far|Name 7', 'two phases');
	is(app(q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM patient WHERE id = 7 FOR UPDATE; FETCH c; UPDATE patient SET ward = 'near' WHERE CURRENT OF c; COMMIT; SELECT ward FROM patient WHERE id = 7}),
		"7\nnear", 'WHERE CURRENT OF');
}

sub event_triggers
{
	stored(<<'SQL');
CREATE TABLE ddl (tag text, object text);
GRANT INSERT ON ddl TO PUBLIC;
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ddl SELECT command_tag, object_identity FROM pg_event_trigger_ddl_commands();
END $$;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION note_ddl();
SQL
	is(app(q{CREATE TABLE mine AS SELECT id, name FROM patient WHERE id < 5; CREATE VIEW tall AS SELECT * FROM patient; SELECT name FROM mine WHERE id = 1; SELECT name FROM tall WHERE id = 1}),
		"***\n***", 'event triggers: DDL of the masked role');
	is(stored('SELECT tag, object FROM ddl'), "CREATE TABLE AS|public.mine\nCREATE VIEW|public.tall", 'is seen by one');
	stored('DROP EVENT TRIGGER note_ddl');
}

sub dumps
{
	my $file = $node->basedir . '/dump';
	my $rows = 'SELECT p, v, b FROM patient p LEFT JOIN visit v USING (mrn) LEFT JOIN bill b ON b.patient = p.id ORDER BY p.id, v.id, b.id';

	command_ok([ $node->installed_command('pg_dump'), '-Fc', '-f', $file, '-d', $node->connstr('postgres') ], 'pg_dump by a superuser');
	stored('CREATE DATABASE restored');
	command_ok([ $node->installed_command('pg_restore'), '--exit-on-error', '-d', $node->connstr('restored'), $file ], 'pg_restore');
	is($node->safe_psql('restored', $rows), stored($rows), 'nothing is lost, and nothing masked');
	is((run_sql($node, 'SELECT name, ward FROM patient WHERE id = 7', as => 'regress_phig_app', db => 'restored'))[0], '***|near', 'and the purposes are there');
	command_fails_like([ $node->installed_command('pg_dump'), '-t', 'patient', '-U', 'regress_phig_app', '-d', $node->connstr('postgres') ], qr/does not show all of table/,
		'pg_dump by the masked role is refused');
	stored('DROP DATABASE restored');
}

sub logical_replication
{
	my $subscriber = phig_node('subscriber', 'wal_level = logical', 'phiguard.mode = enforce');

	stored('CREATE PUBLICATION rooms FOR TABLE room');
	$subscriber->safe_psql('postgres', 'CREATE TABLE room (id int PRIMARY KEY, name text)');
	$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION rooms CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION rooms");
	$subscriber->wait_for_subscription_sync($node, 'rooms');
	is(app(q{INSERT INTO room VALUES (3, 'three'); UPDATE room SET name = 'ONE' WHERE id = 1; DELETE FROM room WHERE id = 2}), '', 'logical replication of a table without labels');
	$node->wait_for_catchup('rooms');
	is(stored('SELECT * FROM room ORDER BY id', $subscriber), "1|ONE\n3|three", 'first all, then what changes');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION rooms');
	$subscriber->stop;
}

sub standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	is(app(q{UPDATE patient SET ward = 'last' WHERE id = 8}), '', 'a standby');
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	is(app('SELECT id, mrn, name, ward FROM patient WHERE id = 8', $standby), '8|***|***|last', 'masks');
	is(app(q{SET phiguard.purpose = ''; SELECT id FROM patient WHERE id = 8}, $standby), 'ERROR 42501', 'asks for a purpose');
	is(stored('SELECT mrn, name FROM patient WHERE id = 8', $standby), 'M8|Name 8', 'shows an exempt role what is there');
	is((run_sql($standby, q{SELECT kind, login_role, purpose, returned, shown, rows FROM phiguard.access_log WHERE login_role = 'regress_phig_app' AND returned::text LIKE '%mrn%'
		AND 'replica' = ANY (flags) AND query LIKE '%WHERE id = %'}))[0] , 'read|regress_phig_app|clerk|{public.patient.id,public.patient.mrn,public.patient.name}|'
		. '{public.patient.id=clear,public.patient.mrn=mask,public.patient.name=mask}|1', 'and writes its own record');
	$standby->stop;
}
