# Extracts: made, attested, read, closed; and what changes between creation and read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('extract', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore',
	"phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_scientist LOGIN;
CREATE ROLE regress_phig_owner LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_officer, regress_phig_owner;
SET ROLE regress_phig_owner;
CREATE TABLE patient (id int PRIMARY KEY, name text, ssn text, mrn text, birth date, zip text, sex text);
CREATE TABLE visit (id int PRIMARY KEY, patient int, admitted timestamp, note text, diagnosis text);
INSERT INTO patient SELECT i, 'Name' || i, '123-45-' || 1000 + i, 'M' || i, CASE i WHEN 1 THEN date '1915-02-03' ELSE date '1950-05-05' + i END, '0213' || i, 'f'
	FROM generate_series(1, 5) i;
INSERT INTO visit SELECT i, 1 + i % 5, timestamp '2024-03-03 10:00' + i * interval '40 days', 'seen Mr. Jones on 3/4/2024', 'I' || i % 3 FROM generate_series(1, 10) i;
GRANT SELECT ON patient, visit TO regress_phig_officer;
RESET ROLE;
SELECT phiguard.label('patient', 'id', 'other'), phiguard.label('patient', 'name', 'name'), phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('patient', 'mrn', 'mrn'),
	phiguard.label('patient', 'birth', 'date kind=birth'), phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'sex', 'quasi'),
	phiguard.label('visit', 'id', 'none'), phiguard.label('visit', 'patient', 'other'), phiguard.label('visit', 'admitted', 'date kind=event'),
	phiguard.label('visit', 'note', 'note'), phiguard.label('visit', 'diagnosis', 'clinical');
SELECT phiguard.create_key('dua-1'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'), phiguard.allow('study', category => 'quasi'),
	phiguard.allow('study', category => 'clinical'), phiguard.allow('study', category => 'other'), phiguard.allow('study', category => 'geo', kind => 'zip', transform => 'mask'),
	phiguard.allow('study', category => 'date', transform => 'year');
SELECT phiguard.create_agreement('dua-1', 'DUA', 'University X', '{study}');
SQL

my ($out, $err);

sub officer { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_officer', @_[1 .. $#_]); return $out }
sub reads { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_scientist', @_[1 .. $#_]); return $out }
sub su { ($out, $err) = run_sql($node, $_[0]); return $out }

sub shows
{
	my ($sql, $expected, $name, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	reads($sql, %opt);
	is("$out$err", $expected, $name);
}

sub closed
{
	my ($why, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	reads('SELECT count(*) FROM train');
	like($err, qr/extract public.train is closed.*$why/s, $name);
	is($out, '', "... and nothing comes out");
}

my $create = q{SELECT phiguard.create_extract('train', $$
	SELECT phiguard.birth_year(p.birth, current_date) AS born, phiguard.zip3(p.zip) AS zip3, p.sex, phiguard.year(v.admitted) AS year, v.diagnosis
	  FROM patient p JOIN visit v ON v.patient = p.id $$, 'study', agreement => 'dua-1');
	GRANT SELECT ON train TO regress_phig_scientist;};

# Made, attested, read.
officer($create);
is("$out$err", '', 'an extract is made');
is(officer(q{SELECT column_name, array_to_string(sources, ' '), array_to_string(transforms, ' '), verdict, citation FROM phiguard.check_extract('train')}), <<'OUT' =~ s/\n$//r, 'and says what it is made of');
born|public.patient.birth|birth_year|passes|45 CFR 164.514(b)(2)(i)(C)
zip3|public.patient.zip|zip3|passes|45 CFR 164.514(b)(2)(i)(B)
sex|public.patient.sex||passes|45 CFR 164.514(b)(2)(i)
year|public.visit.admitted|year|passes|45 CFR 164.514(b)(2)(i)(C)
diagnosis|public.visit.diagnosis||passes|45 CFR 164.514(b)(2)(i)
|public.patient.id||steers|45 CFR 164.514(d)
|public.visit.patient||steers|45 CFR 164.514(d)
|||closed|
OUT
closed('Nobody has attested', 'without an attestation it is closed');
officer(q{SELECT phiguard.attest_extract('train', 'no actual knowledge')});
is($err, '', 'it is attested');
my $rows = 'SELECT * FROM train ORDER BY born, zip3, year, diagnosis LIMIT 2';
my $cap = (localtime)[5] + 1900 - 90;
my $seen = "$cap|021|f|2024|I2\n$cap|021|f|2025|I1";
shows($rows, $seen, 'and open: readers need SELECT on the view only');
reads('SELECT * FROM patient');
like($err, qr/permission denied/, '... and have it on nothing else');
is(su($rows), $seen, 'a superuser sees what everybody sees');

# On record.
my $record = "SELECT kind, command, array_to_string(returned, ' '), array_to_string(shown, ' '), extract, agreement, recipient, rows, outcome FROM phiguard.access_log WHERE kind = 'disclosure'";
reads('SELECT born, zip3 FROM train WHERE sex = \'f\' LIMIT 3', app => 'one');
is(su("$record AND application = 'one'"),
	'disclosure|SELECT|public.patient.birth public.patient.zip|public.patient.birth=birth_year public.patient.zip=zip3|public.train|dua-1|University X|3|ok',
	'a read is a disclosure, with extract, agreement and recipient');
reads('SELECT count(*) FROM train', app => 'two');
is(su("$record AND application = 'two'"), 'disclosure|SELECT|||public.train|dua-1|University X|1|ok', 'a read that shows no labelled column is one');
reads('COPY (SELECT zip3 FROM train LIMIT 1) TO STDOUT; CREATE TEMP TABLE t AS SELECT zip3 FROM train; PREPARE p AS SELECT sex FROM train LIMIT 1; EXECUTE p; EXECUTE p', app => 'three');
is(su("SELECT string_agg(kind || ' ' || command, ', ' ORDER BY position) FROM phiguard.access_log WHERE application = 'three' AND kind <> 'policy'"),
	'disclosure COPY, disclosure CREATE TABLE AS, disclosure SELECT, disclosure SELECT', 'however it is read');
is(su("SELECT count(*) FROM phiguard.access_log WHERE application = 'three' AND extract = 'public.train'"), '4', '... each with the extract');
is(su("SELECT string_agg(command || ' ' || query, '; ' ORDER BY position) FROM phiguard.access_log WHERE kind = 'policy' AND command LIKE '%EXTRACT'"),
	'CREATE EXTRACT public.train, purpose study, method safe_harbor, agreement dua-1; ' . su("SELECT command || ' ' || query FROM phiguard.access_log WHERE command = 'ATTEST EXTRACT'"),
	'what the officer does is on record');

# Its own purpose, in either mode: not the session's.
my $set = "options='-c phiguard.purpose=care'";
su("SELECT phiguard.create_purpose('care', code => 'TREAT', otherwise => 'clear'), phiguard.grant_purpose('care', 'regress_phig_scientist');
	GRANT SELECT ON patient TO regress_phig_scientist");
my $masked = q{SELECT phiguard.create_extract('masked', $$ SELECT zip AS z, sex, phiguard.zip3(zip) AS z3 FROM patient $$, 'study');
	SELECT phiguard.attest_extract('masked', 'none'); GRANT SELECT ON masked TO regress_phig_scientist};
officer($masked);
is($err, '', 'a second one, whose purpose masks');
foreach my $mode (qw(audit enforce))
{
	$node->append_conf('postgresql.conf', "phiguard.mode = $mode");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = '$mode'");
	shows('SELECT DISTINCT * FROM masked', '***|f|021', "mode $mode: it shows what its purpose does");
	shows('SELECT DISTINCT * FROM masked', '***|f|021', '... whatever purpose the session has', options => $set);
	is(su('SELECT DISTINCT * FROM masked'), '***|f|021', '... also to a superuser');
	su("SELECT phiguard.set_mode('patient', 'off')");
	shows('SELECT DISTINCT * FROM masked', '***|f|021', '... whatever the table\'s mode is');
	su("SELECT phiguard.set_mode('patient', 'enforce')");
	shows('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT DISTINCT * FROM masked', '***|f|021', '... in parallel');
	shows('WITH m AS (SELECT z FROM masked) SELECT DISTINCT (SELECT max(z) FROM m), z3 FROM masked', '***|021', '... inside other queries');
	shows('SELECT DISTINCT m.z, p.zip FROM masked m, patient p WHERE p.id = 1', '***|02131', '... and the session\'s holds beside it', options => $set);
	shows('CREATE TEMP VIEW v AS SELECT z FROM masked; SELECT DISTINCT z FROM v', '***', '... through a view');
	shows("CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT z FROM masked'; SELECT DISTINCT f FROM pg_temp.f() f", '***', '... and a function that the planner puts in line');
	shows("CREATE FUNCTION pg_temp.g() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(z) FROM masked); END'; SELECT pg_temp.g()", '***', '... and one that it does not');
	reads('EXPLAIN SELECT * FROM masked');
	like($out, qr/PHI Access.*public.patient.zip=mask/s, '... EXPLAIN says what is read');
	unlike("$out$err", qr/rows=|Scan/, '... and not how');
	reads('PREPARE e AS SELECT * FROM masked; EXPLAIN EXECUTE e; EXPLAIN ANALYZE SELECT * FROM masked');
	unlike("$out$err", qr/rows=|Scan/, '... nor does EXPLAIN of a prepared statement, or one that runs it');
	like(su('EXPLAIN SELECT * FROM masked'), qr/Seq Scan/, '... which a superuser sees');
	shows("CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.00001 AS 'BEGIN RAISE NOTICE ''%'', \$1; RETURN true; END'; SELECT count(*) FROM masked WHERE pg_temp.tell(z) AND z3 = 'x'",
		'0', '... and a function that tells what it gets gets no row that is not shown');
}
reads('SELECT z FROM masked, patient LIMIT 1');
like($err, qr/table public.patient is open only to a purpose/, 'in mode enforce a table beside it wants a purpose');
officer("UPDATE masked SET sex = 'x'");
like($err, qr/permission denied|purpose/, 'who writes through the view writes the table, by his own purpose');
$node->append_conf('postgresql.conf', 'phiguard.mode = audit');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = 'audit'");

# Nobody writes through it: what is written is looked at, and returned, as it is.
su("GRANT ALL ON masked TO regress_phig_scientist; GRANT ALL ON patient TO regress_phig_officer; CREATE VIEW unmasked AS SELECT zip AS z, sex FROM patient; GRANT ALL ON unmasked TO regress_phig_scientist");
shows("UPDATE unmasked SET sex = sex WHERE z = '02131' RETURNING z", '02131', 'control: a plain view that is written through returns what is there');
foreach my $write ("UPDATE masked SET sex = sex WHERE z = '02131' RETURNING z", "INSERT INTO masked (z, sex) VALUES ('x', 'f') RETURNING z", 'DELETE FROM masked WHERE false RETURNING z',
	'WITH w AS (UPDATE masked SET sex = sex RETURNING z) SELECT z FROM w', 'CREATE TEMP VIEW v AS SELECT * FROM masked; UPDATE v SET sex = sex RETURNING z',
	"CREATE FUNCTION pg_temp.w() RETURNS text LANGUAGE sql AS 'UPDATE masked SET sex = sex RETURNING z'; SELECT pg_temp.w()")
{
	reads($write);
	like("$out$err", qr/^psql:\S+ ERROR:  extract public.masked may not be written through/, "refused: $write");
}
shows("CREATE TEMP TABLE own (z text); INSERT INTO own SELECT DISTINCT z FROM masked; UPDATE own SET z = m.z3 FROM masked m WHERE m.z = own.z RETURNING own.z, m.z; DELETE FROM own USING masked m WHERE m.z3 = own.z RETURNING m.z3",
	"021|***\n021", 'what it shows may be written elsewhere');
shows("CREATE TEMP TABLE own (z text); MERGE INTO own USING (SELECT DISTINCT z FROM masked) m ON m.z = own.z WHEN NOT MATCHED THEN INSERT VALUES (m.z); SELECT * FROM own", '***', '... by MERGE, too');
su('DROP VIEW unmasked; REVOKE ALL ON masked FROM regress_phig_scientist; GRANT SELECT ON masked TO regress_phig_scientist; REVOKE ALL ON patient FROM regress_phig_officer; GRANT SELECT ON patient TO regress_phig_officer');

# Hostile: changes between creation and read. Each closes it; a plain view with the same query shows what comes of the change.
su(q{CREATE VIEW control AS SELECT phiguard.birth_year(p.birth, current_date) AS born, phiguard.zip3(p.zip) AS zip3, p.sex, phiguard.year(v.admitted) AS year, v.diagnosis
	FROM patient p JOIN visit v ON v.patient = p.id; GRANT SELECT ON control TO regress_phig_scientist});

# change SQL, undo SQL, why, name: closed by the first, and open again after the second and what the officer does.
sub hostile
{
	my ($change, $undo, $why, $name, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $cached = session($node, as => 'regress_phig_scientist');

	$cached->ask('SET plan_cache_mode = force_generic_plan');
	$cached->ask("PREPARE p AS $rows");
	is($cached->ask('EXECUTE p'), $seen, "$name: before");
	su($change);
	is($err, '', '... the change is made');
	closed($why, '... it closes the extract');
	is($cached->ask('EXECUTE p'), '', '... also for a plan that was made before');
	like($cached->close, qr/closed/, '... which says so');
	su($undo) if $undo;
	is($err, '', '... it is undone');
	officer("SELECT count(*) FROM phiguard.check_extract('train')" . ($opt{attest} ? "; SELECT phiguard.attest_extract('train', 'none')" : '')) if !$opt{undone};
	shows($rows, $opt{seen} || $seen, '... and then it is open again');
	$seen = $opt{seen} if $opt{seen};
	return;
}

my $changed = 'has changed since';
hostile("SELECT phiguard.label('patient', 'sex', 'ssn')", "SELECT phiguard.label('patient', 'sex', 'quasi')", 'does not meet', 'a label is raised', undone => 1);
hostile("SECURITY LABEL FOR phiguard ON COLUMN patient.sex IS NULL", "SELECT phiguard.label('patient', 'sex', 'quasi')", 'does not meet', 'a label is removed', undone => 1);
hostile("SELECT phiguard.label('visit', 'diagnosis', 'clinical sens=HIV')", "SELECT phiguard.label('visit', 'diagnosis', 'clinical')", $changed, 'a label gets a sensitivity', undone => 1);
hostile("SELECT phiguard.disallow('study', category => 'quasi')", "SELECT phiguard.allow('study', category => 'quasi')", 'does not meet', 'the purpose shows less', undone => 1);
hostile("SELECT phiguard.allow('study', 'patient', column_name => 'id', transform => 'null')", "SELECT phiguard.disallow('study', 'patient', column_name => 'id')", $changed, 'the purpose shows something else of what a filter reads',
	undone => 1);
hostile("SELECT phiguard.allow_rows('study', 'patient', 'id < 100')", "SELECT phiguard.disallow_rows('study', 'patient')", $changed, 'the purpose shows other rows', undone => 1);
hostile('ALTER VIEW train OWNER TO regress_phig_owner', 'ALTER VIEW train OWNER TO regress_phig_officer', 'does not meet', 'the view gets another owner', undone => 1);
hostile('ALTER VIEW train SET (security_barrier = false)', 'ALTER VIEW train SET (security_barrier = true)', 'does not meet', 'the view is no barrier', undone => 1);
hostile('ALTER VIEW train SET (security_invoker = true)', 'ALTER VIEW train RESET (security_invoker)', 'does not meet', 'the view runs as its caller', undone => 1);
hostile('CREATE RULE r AS ON INSERT TO train DO INSTEAD NOTHING', 'DROP RULE r ON train', 'does not meet', 'the view gets a rule', undone => 1);
hostile('CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$; CREATE TRIGGER t INSTEAD OF INSERT ON train FOR EACH ROW EXECUTE FUNCTION trig()',
	'DROP TRIGGER t ON train', 'does not meet', 'the view gets a trigger', undone => 1);
hostile("UPDATE phiguard.method_rule SET verdict = 'passes' WHERE category = 'name' AND method = 'safe_harbor'",
	"UPDATE phiguard.method_rule SET verdict = 'refused' WHERE category = 'name' AND method = 'safe_harbor'", $changed, 'a rule of the method changes', undone => 1);
hostile("UPDATE phiguard.transform_registry SET result = 'none' WHERE name = 'zip3'", "UPDATE phiguard.transform_registry SET result = 'quasi kind=zip3' WHERE name = 'zip3'", $changed,
	'a transform leaves something else', undone => 1);
hostile("UPDATE phiguard.transform_registry SET methods = '{}' WHERE name = 'zip3'",
	"UPDATE phiguard.transform_registry SET methods = '{safe_harbor,limited_data_set,expert_determination}' WHERE name = 'zip3'", $changed,
	'a transform is not accepted any more', undone => 1);
hostile("CREATE ROLE regress_phig_new; GRANT SELECT ON patient, visit TO regress_phig_new; REVOKE SELECT ON patient FROM regress_phig_officer", 'GRANT SELECT ON patient TO regress_phig_officer',
	'does not meet', 'the owner may not read a table any more', undone => 1);
hostile('ALTER ROLE regress_phig_officer RENAME TO regress_phig_other', 'ALTER ROLE regress_phig_other RENAME TO regress_phig_officer', 'does not meet', 'the officer has another name', undone => 1);
hostile('ALTER TABLE patient ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON patient USING (id > 0)', 'DROP POLICY all_rows ON patient; ALTER TABLE patient DISABLE ROW LEVEL SECURITY',
	$changed, 'row-level security', undone => 1);
hostile('CREATE TABLE child (LIKE patient); ALTER TABLE child INHERIT patient; SELECT phiguard.label(\'child\', \'sex\', \'ssn\')', 'DROP TABLE child', 'does not meet',
	'a child with a stricter label', undone => 1);

# What functions of row predicates do.
my $keep = 'CREATE OR REPLACE FUNCTION keep(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS';
su("$keep 'BEGIN RETURN \$1 < 100; END'; SELECT phiguard.allow_rows('study', 'patient', 'keep(id)')");
is($err, '', 'the purpose shows rows by a function');
officer("SELECT count(*) FROM phiguard.check_extract('train'); SELECT phiguard.attest_extract('train', 'none')");
hostile("$keep 'BEGIN RETURN true; END'", "$keep 'BEGIN RETURN \$1 < 100; END'", $changed, 'a function of a row predicate is replaced', undone => 1);
su("SELECT phiguard.disallow_rows('study', 'patient'); DROP FUNCTION keep");
officer("SELECT count(*) FROM phiguard.check_extract('train'); SELECT phiguard.attest_extract('train', 'none')");

# The view itself: what its owner puts there is proven before it is read.
is(su("CREATE OR REPLACE VIEW control AS SELECT phiguard.birth_year(p.birth, current_date) AS born, p.ssn AS zip3, p.sex, phiguard.year(v.admitted) AS year, v.diagnosis
	FROM patient p JOIN visit v ON v.patient = p.id; SET ROLE regress_phig_scientist; SELECT zip3 FROM control ORDER BY 1 LIMIT 1"), '123-45-1001', 'control: a plain view shows what is put there');
my $body = 'SELECT phiguard.birth_year(p.birth, current_date) AS born, phiguard.zip3(p.zip) AS zip3, p.sex, phiguard.year(v.admitted) AS year, v.diagnosis FROM patient p JOIN visit v ON v.patient = p.id';
hostile("CREATE OR REPLACE VIEW train WITH (security_barrier) AS @{[ $body =~ s/phiguard.zip3\(p.zip\)/p.ssn/r ]}", "CREATE OR REPLACE VIEW train WITH (security_barrier) AS $body",
	'does not meet', 'the view shows something else', attest => 1);
hostile("CREATE OR REPLACE VIEW train WITH (security_barrier) AS $body WHERE v.id < 1000", "CREATE OR REPLACE VIEW train WITH (security_barrier) AS $body", $changed,
	'the view shows other rows', attest => 1);
officer("SELECT count(*) FROM phiguard.check_extract('train')");
shows($rows, $seen, 'a check that finds nothing new leaves the attestation');
su("CREATE OR REPLACE VIEW train WITH (security_barrier) AS $body WHERE v.id < 1000");
officer("SELECT count(*) FROM phiguard.check_extract('train')");
closed('It has changed since somebody attested', 'a check of what has changed wants an attestation');
is(su("SELECT closed FROM phiguard.extracts WHERE relation = 'train'"), 'It has changed since somebody attested that there is no actual knowledge (45 CFR 164.514(b)(2)(ii)).', '... and phiguard.extracts says so');
officer("SELECT phiguard.replace_extract('train', \$\$ $body \$\$); SELECT phiguard.attest_extract('train', 'none')");
is($err, '', 'an extract is replaced');
shows($rows, $seen, '... and open');

# What does not change what is shown leaves it open.
su("ALTER TABLE patient ADD COLUMN secret text DEFAULT 'secret'; ALTER TABLE visit RENAME TO encounter; ALTER TABLE encounter RENAME COLUMN diagnosis TO dx");
officer("SELECT count(*) FROM phiguard.check_extract('train')");
reads('SELECT * FROM train LIMIT 1');
unlike("$out$err", qr/secret/, 'a column that is added later does not slip in');
su('ALTER TABLE encounter RENAME COLUMN dx TO diagnosis; ALTER TABLE encounter RENAME TO visit');
officer("SELECT count(*) FROM phiguard.check_extract('train'); SELECT phiguard.attest_extract('train', 'none')");
shows("SET search_path = pg_temp, public; CREATE TEMP TABLE patient (id int, birth date, zip text, sex text); $rows", $seen, 'a table of the same name in the search path is not read');
su('CREATE SCHEMA elsewhere; GRANT USAGE ON SCHEMA elsewhere TO PUBLIC; ALTER VIEW train RENAME TO renamed; ALTER VIEW renamed SET SCHEMA elsewhere');
shows($rows =~ s/train/elsewhere.renamed/r, $seen, 'a view that is renamed stays the extract');
is(su("SELECT schema, relation FROM phiguard.extracts WHERE relation = 'renamed'"), 'elsewhere|renamed', '... as phiguard.extracts shows');
is(su("SELECT extract FROM phiguard.access_log WHERE kind = 'disclosure' ORDER BY position DESC LIMIT 1"), 'elsewhere.renamed', '... and the record');
su('ALTER VIEW elsewhere.renamed SET SCHEMA public; ALTER VIEW renamed RENAME TO train');

# A registered transform that is replaced.
su(q{CREATE FUNCTION band(integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 >= 90 THEN '90+' ELSE 'below' END $$;
	ALTER TABLE patient ADD COLUMN age int DEFAULT 95; SELECT phiguard.label('patient', 'age', 'age');
	SELECT phiguard.register_transform('band(integer)', 'generalisation', 'quasi', categories => '{age}', methods => '{safe_harbor}', source => 'local')});
officer(q{SELECT phiguard.create_extract('banded', 'SELECT band(age) AS band FROM patient', 'study'); SELECT phiguard.attest_extract('banded', 'none'); GRANT SELECT ON banded TO regress_phig_scientist});
shows('SELECT DISTINCT band FROM banded', '90+', 'a registered transform');
su(q{CREATE OR REPLACE FUNCTION band(integer) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text'});
reads('SELECT DISTINCT band FROM banded');
like("$out$err", qr/^psql.*extract public.banded is closed/, '... that is replaced closes its extract');

# Another officer's role, in the server's files: in open sessions too.
my $lasting = session($node, as => 'regress_phig_scientist');
is($lasting->ask('SELECT count(*) FROM train'), '10', 'a session that has read it');
foreach my $role (qw(nobody regress_phig_officer))
{
	$node->append_conf('postgresql.conf', "phiguard.officer_role = '$role'");
	$node->reload;
	wait_until(sub { $lasting->ask('SHOW phiguard.officer_role') eq $role }, "the officer's role is $role");
	is($lasting->ask('SELECT count(*) FROM train'), $role eq 'nobody' ? '' : '10', $role eq 'nobody' ? '... the owner is no officer: closed' : '... and open again');
}
$lasting->close;

# Agreements.
my $open = session($node, as => 'regress_phig_scientist');
$open->ask("PREPARE p AS SELECT count(*) FROM train");
is($open->ask('EXECUTE p'), '10', 'a session with a plan');
officer("SELECT phiguard.end_agreement('dua-1')");
is($open->ask('EXECUTE p'), '', 'an agreement that is ended closes its extracts in open sessions');
closed('Agreement "dua-1" has been ended', '... and for others');
like(officer("SELECT advice FROM phiguard.check_extract('train')"), qr/Agreement "dua-1" has been ended/, '... and the officer is told why');
officer("SELECT phiguard.replace_agreement('dua-1', 'DUA', 'University X', '{study}')");
is($open->ask('EXECUTE p'), '10', 'other terms open them');
officer("SELECT phiguard.replace_agreement('dua-1', 'DUA', 'University X', '{study}', expires => clock_timestamp() + interval '2 seconds')");
$open->ask('EXECUTE p');
wait_until(sub { $open->ask('EXECUTE p') eq '' }, 'an agreement that expires closes them in open sessions');
like($open->close, qr/closed/, '... which says so');
officer("SELECT phiguard.replace_agreement('dua-1', 'DUA', 'University X', '{study}'); SELECT phiguard.attest_extract('train', 'none', '2 seconds')");
wait_until(sub { reads('SELECT count(*) FROM train'); $err =~ /attestation of no actual knowledge has expired/ }, 'an attestation expires');
officer("SELECT phiguard.attest_extract('train', 'none')");
officer("SELECT phiguard.create_agreement('dua-1', 'DUA', 'Y', '{study}')");
like($err, qr/already/, 'an agreement is made once');
officer("SELECT phiguard.create_agreement('x', 'NDA', 'Y', '{study}')");
like($err, qr/unknown kind of agreement/, '... of two kinds');
reads("SELECT phiguard.create_agreement('x', 'DUA', 'Y', '{study}')");
like($err, qr/must be a privacy officer/, '... by the officer');
reads("SELECT * FROM phiguard.check_extract('train')");
like($err, qr/privacy officer or an auditor|must be/, 'who is neither officer nor auditor checks nothing');

# Expert determination.
officer(q{SELECT phiguard.create_extract('expert', 'SELECT admitted, sex FROM patient, visit', 'study', 'expert_determination'); GRANT SELECT ON expert TO regress_phig_scientist});
is($err, '', 'an extract by expert determination');
reads('SELECT count(*) FROM expert');
like($err, qr/No expert's determination is on record/, '... is closed without one');
is(officer(q{SELECT phiguard.record_determination('expert', 'Dr. Who', '{"k": {"min": 11}, "prosecutor_max": {"max": 0.09}}', '{"k": 5, "prosecutor_max": 0.2}')}), 'f', 'one that is not within its limits');
reads('SELECT count(*) FROM expert');
like($err, qr/not within its limits/, '... leaves it closed');
is(officer(q{SELECT phiguard.record_determination('expert', 'Dr. Who', '{"k": {"min": 11}}', '{"l": 20}')}), 'f', 'one without the result that is limited is not within');
is(officer(q{SELECT phiguard.record_determination('expert', 'Dr. Who', '{"k": {"min": 11}, "prosecutor_max": {"max": 0.09}}', '{"k": 11, "prosecutor_max": 0.0909}')}), 'f', 'nor one that is just above');
is(officer(q{SELECT phiguard.record_determination('expert', 'Dr. Who', '{"k": {"min": 11}, "prosecutor_max": {"max": 0.09}}', '{"k": 12, "prosecutor_max": 0.08}')}), 't', 'one that is');
shows('SELECT count(*) FROM expert', '50', '... opens it');

# A dump carries it; where it is restored it is looked at once.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'a database with extracts is dumped');
su('CREATE DATABASE copy');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy' ], '... and restored');
reads('SELECT count(*) FROM expert', db => 'copy');
like($err, qr/extract public.expert is closed/, '... and its extracts are closed');
officer("SELECT count(*) FROM phiguard.check_extract('train'); SELECT phiguard.attest_extract('train', 'none')", db => 'copy');
is($err, '', '... until an officer has looked');
shows($rows, $seen, '... and attested', db => 'copy');

# Codes are no dictionary.
officer(q{SELECT phiguard.create_extract('coded', $$ SELECT phiguard.token(mrn, 'dua-1') AS who, sex FROM patient $$, 'study', 'limited_data_set', 'dua-1'); GRANT SELECT ON coded TO regress_phig_scientist});
shows('SELECT count(DISTINCT who) FROM coded', '5', 'an extract with codes');
$open = session($node, as => 'regress_phig_scientist');
$open->ask('PREPARE p AS SELECT count(*) FROM coded');
is($open->ask('EXECUTE p'), '5', '... and a plan for it');
su('GRANT INSERT (mrn) ON patient TO regress_phig_scientist');
is($open->ask('EXECUTE p'), '', 'who may write the table sees no codes of it');
like($open->close, qr/shows codes of a table that the role may write/, '... and is told so');
shows($rows, $seen, '... but an extract without codes');
su('REVOKE INSERT (mrn) ON patient FROM regress_phig_scientist');
shows('SELECT count(DISTINCT who) FROM coded', '5', '... until he may not any more');
officer("SELECT phiguard.drop_extract('coded')");

# A purpose that is dropped, and made anew.
officer("SELECT phiguard.create_purpose('passing', code => 'HRESCH', otherwise => 'deny'), phiguard.allow('passing', category => 'quasi')");
officer(q{SELECT phiguard.create_extract('passes', 'SELECT sex FROM patient', 'passing'); SELECT phiguard.attest_extract('passes', 'none'); GRANT SELECT ON passes TO regress_phig_scientist});
$open = session($node, as => 'regress_phig_scientist');
is($open->ask('PREPARE p AS SELECT count(*) FROM passes; EXECUTE p'), '5', 'an extract whose purpose will be dropped');
officer("SELECT phiguard.drop_purpose('passing')");
is($open->ask('EXECUTE p'), '', '... is closed then');
like($open->{err}, qr/There is no purpose "passing"/, '... and says so');
officer("SELECT phiguard.create_purpose('passing', code => 'HRESCH', otherwise => 'mask')");
is($open->ask('EXECUTE p'), '', '... nor does another purpose of that name open it');
$open->close;
officer("SELECT phiguard.drop_extract('passes')");
is($err, '', '... and it can be dropped');

# Gone.
officer("SELECT phiguard.drop_extract('expert')");
is($err, '', 'an extract is dropped');
is(su("SELECT count(*) FROM phiguard.extract_risk"), '0', '... with what was said of it');
officer('DROP VIEW masked');
is(su("SELECT string_agg(relation, ' ' ORDER BY relation) FROM phiguard.extract"), 'banded train', 'a view that is dropped takes its row along');
su('DROP VIEW train');
reads('SELECT count(*) FROM train');
like($err, qr/does not exist/, 'and is gone');
su('CREATE ROLE regress_phig_leaving; GRANT regress_phig_leaving TO regress_phig_officer; DROP OWNED BY regress_phig_leaving; DROP ROLE regress_phig_leaving');
is($err, '', 'a role without extracts is dropped');
su('DROP ROLE regress_phig_officer');
like($err, qr/cannot be dropped because some objects depend on it/, 'an officer who owns an extract is not');
is(su('SELECT count(*) FROM phiguard.extract'), '1', '... whose extract stays');
# While phiguard is off, nothing of it works; what happened then is found out.
su('CREATE VIEW plain AS SELECT ssn FROM patient');
officer(q{SELECT phiguard.create_extract('later', 'SELECT sex FROM patient', 'study'); SELECT phiguard.attest_extract('later', 'none'); GRANT SELECT ON later TO regress_phig_scientist});
is($err, '', 'another extract');
$node->append_conf('postgresql.conf', 'phiguard.mode = off');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = 'off'");
su('ALTER VIEW later RENAME TO moved; CREATE VIEW later AS SELECT ssn AS sex FROM patient; GRANT SELECT ON later TO regress_phig_scientist');
shows('SELECT min(sex) FROM later', '123-45-1001', 'control: in mode off, a view is a view');
$node->append_conf('postgresql.conf', 'phiguard.mode = audit');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = 'audit'");
reads('SELECT min(sex) FROM later');
like("$out$err", qr/^psql.*extract public.later is closed/, 'one that took the place of an extract is closed');
su('DROP VIEW later');
officer(q{SELECT phiguard.create_extract('later', 'SELECT sex FROM patient', 'study')});
is($err, '', '... and the name can be had again');
is(su("SELECT count(*) FROM phiguard.extract WHERE relation = 'later'"), '1', '... once');
journal_is_intact($node, 'the journal is intact');
done_testing();
