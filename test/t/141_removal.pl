# phiguard.prepare_removal() lists what stands in the way of DROP EXTENSION, and undoes it: the data stay, and so do views over them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('removal', 'phiguard.mode = audit', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore', 'wal_level = logical');
my ($out, $err);

sub sql { ($out, $err) = run_sql($node, $_[0], @_[ 1 .. $#_ ]); return $out; }

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_owner LOGIN;
CREATE ROLE regress_phig_reader LOGIN;
GRANT ALL ON SCHEMA public TO regress_phig_owner;
GRANT USAGE ON SCHEMA phiguard TO PUBLIC;
SET ROLE regress_phig_owner;
CREATE TABLE patient (id int PRIMARY KEY, ssn phiguard.ssn UNIQUE, zip phiguard.zip_code, born phiguard.birth_date, mails phiguard.email[], note text);
INSERT INTO patient VALUES (1, '123-45-6789', '12345', '1950-02-03', '{a@example.com,b@example.com}', 'note');
CREATE TABLE visit (id int, mrn phiguard.mrn, kind text) PARTITION BY LIST (kind);
CREATE TABLE "visit In" PARTITION OF visit FOR VALUES IN ('in');
INSERT INTO visit VALUES (1, 'M1', 'in');
CREATE TYPE address AS (street phiguard.street_address, town text);
CREATE VIEW patients WITH (security_barrier) AS SELECT id, ssn, born FROM patient WHERE zip > '0';
COMMENT ON VIEW patients IS 'it''s all';
GRANT SELECT ON patients TO regress_phig_reader;
CREATE VIEW patients_again AS SELECT ssn FROM patients;
CREATE MATERIALIZED VIEW copied AS SELECT id, ssn FROM patient;
CREATE UNIQUE INDEX copied_id ON copied (id);
CREATE VIEW years AS SELECT phiguard.year(born) AS year FROM patient;
CREATE FUNCTION zip_area(p text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT phiguard.zip3(p); END;
CREATE TABLE area (code text DEFAULT phiguard.zip3('12345'), CHECK (phiguard.zip3(code) <> '000'));
CREATE INDEX area_zip ON area (phiguard.zip3(code));
-- Traps for the superuser who will take it out.
CREATE TABLE trap (ssn phiguard.ssn, "a IS NULL;CREATE ROLE regress_phig_trap;--" text);
INSERT INTO trap VALUES ('219-09-9999', 'x');
CREATE TABLE caught (who text);
CREATE FUNCTION who_runs(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN $1; END $$;
CREATE MATERIALIZED VIEW trapped AS SELECT public.who_runs(ssn) AS ssn FROM trap;
CREATE MATERIALIZED VIEW empty AS SELECT ssn FROM trap WITH NO DATA;
TRUNCATE caught;
RESET ROLE;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PUBLICATION labels FOR TABLE phiguard.label_registry, public.area;
SELECT phiguard.label('patient', 'note', 'note');
SELECT phiguard.label('trap', 'a IS NULL;CREATE ROLE regress_phig_trap;--', 'note');
ALTER ROLE regress_phig_reader SET phiguard.app_user = 'somebody';
SQL

sql('DROP EXTENSION phiguard');
like($err, qr/cannot drop extension phiguard/, 'it cannot be dropped while columns have its types');
sql('DROP EXTENSION phiguard CASCADE');
like($err, qr/would drop/, '... nor with the columns');
sql('SELECT * FROM phiguard.prepare_removal()', as => 'regress_phig_owner');
like($err, qr/permission denied/, 'not for everybody');
sql('GRANT EXECUTE ON FUNCTION phiguard.prepare_removal(boolean) TO regress_phig_owner');
sql('SELECT * FROM phiguard.prepare_removal()', as => 'regress_phig_owner');
like($err, qr/must be superuser/, '... also who may call it');
sql('REVOKE EXECUTE ON FUNCTION phiguard.prepare_removal(boolean) FROM regress_phig_owner');

my $before = sql("SELECT md5(string_agg(t::text, ',')) FROM patient t");
my $steps = sql('SELECT step, object, statement FROM phiguard.prepare_removal()');
is($err, '', 'a list');
like($steps, $_, "it has $_") for qr/ALTER PUBLICATION labels DROP TABLE phiguard.label_registry/, qr/DROP VIEW public.years/, qr/DROP ROUTINE public.zip_area\(text\)/,
	qr/DROP INDEX public.area_zip/, qr/DROP CONSTRAINT area_code_check/, qr/DROP DEFAULT/, qr/ALTER TABLE public.patient ALTER COLUMN ssn TYPE text/,
	qr/ALTER COLUMN born TYPE date/, qr/ALTER COLUMN mails TYPE text\[\]/, qr/ALTER TABLE public.visit ALTER COLUMN mrn TYPE text/,
	qr/ALTER TYPE public.address ALTER ATTRIBUTE street TYPE text/, qr/SECURITY LABEL FOR phiguard ON COLUMN public.patient.note IS NULL/,
	qr/ALTER ROLE regress_phig_reader RESET phiguard.app_user/, qr/CREATE VIEW public.patients WITH \(security_barrier=true\)/;
unlike($steps, qr/"visit In" ALTER/, 'partitions follow their table');
unlike($steps, qr/phiguard\.(policy|label|transform|key)\w* (ALTER|DROP)/, 'nothing of phiguard itself');
is(sql('SELECT step, object, statement FROM phiguard.prepare_removal()'), $steps, 'listing changes nothing');

# What cannot be done is said, and nothing is done.
sql('CREATE DOMAIN special AS phiguard.ssn; CREATE TABLE odd (s special)');
like(sql('SELECT * FROM phiguard.prepare_removal()'), qr/type (public\.)?special\|$/m, 'a domain over one of its types is for people');
sql('SELECT * FROM phiguard.prepare_removal(dry_run => false)');
like($err, qr/special uses phiguard, and has to be changed by hand/, '... and stops it');
is(sql("SELECT count(*) FROM pg_views WHERE viewname = 'patients'"), '1', '... before anything is changed');
sql('DROP TABLE odd; DROP DOMAIN special');

my $done = sql('SELECT step, object, statement FROM phiguard.prepare_removal(dry_run => false)');
is(substr($done, 0, length $steps), $steps, 'it does what it listed');
is(join("\n", grep { !/^7\|label of column/ } split /\n/, substr($done, length($steps) + 1)), '', '... and removes the labels that came of that');
is($err, '', '... without an error');
is(sql('SELECT count(*) FROM phiguard.prepare_removal()'), '0', 'then nothing is in the way');
is(sql("SELECT md5(string_agg(t::text, ',')) FROM patient t"), $before, 'the data are as they were');
is(sql("SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'patient'::regclass AND attnum > 0"),
	'id integer, ssn text, zip text, born date, mails text[], note text', '... of plain types');
is(sql('SELECT ssn FROM patients_again'), '123-45-6789', 'views are back');
is(sql('SELECT id, ssn FROM patients', as => 'regress_phig_reader'), '1|123-45-6789', '... with their grants');
is(sql("SELECT relowner::regrole, reloptions, obj_description(oid) FROM pg_class WHERE relname = 'patients'"), 'regress_phig_owner|{security_barrier=true}|it\'s all', '... owner, options, comment');
is(sql('SELECT ssn FROM copied'), '123-45-6789', 'so are materialized views');
is(sql("SELECT count(*) FROM pg_index WHERE indrelid = 'copied'::regclass AND indisunique"), '1', '... with their indexes');
is(sql("SELECT ispopulated FROM pg_matviews WHERE matviewname IN ('trapped', 'empty') ORDER BY matviewname"), "f\nt", '... and are filled if they were');
is(sql('SELECT DISTINCT who FROM caught'), 'regress_phig_owner', '... as their owners: no function of theirs has run as the superuser');
is(sql("SELECT count(*) FROM pg_roles WHERE rolname = 'regress_phig_trap'"), '0', 'names of columns are quoted');
sql("INSERT INTO patient (id, ssn) VALUES (2, '123-45-6789')");
like($err, qr/duplicate key/, 'unique constraints stay');
is(sql("SELECT count(*) FROM pg_seclabel WHERE provider = 'phiguard' AND classoid = 'pg_class'::regclass AND objoid = 'patient'::regclass"), '0', 'labels are gone');
sql('DROP EXTENSION phiguard');
is($err, '', 'the extension can be dropped');
is(sql("SELECT count(*) FROM pg_seclabel WHERE provider = 'phiguard'"), '0', '... and leaves no label');
is(sql('SELECT id, ssn FROM patients', as => 'regress_phig_reader'), '1|123-45-6789', '... and the views go on');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(sql('SELECT ssn FROM patients_again'), '123-45-6789', 'without the library too');
$node->stop;
done_testing();
