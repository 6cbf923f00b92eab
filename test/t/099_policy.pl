# Policies on a server that enforces them: what each transform shows, row predicates, and that the stricter answer wins at the
# next execution, whatever changes, in whichever session; and a dump.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigTest;
use PhigWire;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('policy', 'phiguard.mode = enforce', 'phiguard.journal_sync = off', 'phiguard.on_unlabelled_store = ignore',
	"log_statement = 'none'");

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE science;
CREATE ROLE analyst LOGIN IN ROLE science;
CREATE ROLE nurse LOGIN;
CREATE ROLE chief LOGIN SUPERUSER;
CREATE SCHEMA clinic;
CREATE TABLE clinic.patient (id bigint PRIMARY KEY, mrn text, code varchar(40), account bigint, device uuid, ssn char(11), born date, died timestamp,
	seen timestamptz, zip text, zip5 char(5), zipno int, age smallint, scan bytea, note text, nick name, consented boolean, tags text[], ward text);
INSERT INTO clinic.patient SELECT i, 'M' || i, 'C' || i, i * 7, md5(i::text)::uuid, '123-45-678' || i, date '1900-03-04' + i * 10000, timestamp '2020-12-31 23:59' + i * interval '1 day',
	'2020-12-31 23:59:59+00', '02138', '02138', 2138, 60 + i * 10, 'abc', 'note ' || i, 'nick' || i, i % 2 = 0, '{a,b}', 'w' || i % 3 FROM generate_series(1, 6) i;
INSERT INTO clinic.patient (id, zip, born, age, ward) VALUES (7, 'nonsense', 'infinity', -1, 'w1');
CREATE TABLE clinic.consent (patient_id bigint, given boolean);
INSERT INTO clinic.consent SELECT i, i % 3 = 0 FROM generate_series(1, 7) i;
CREATE TABLE clinic.visit (id int, patient_id bigint, at date, note text) PARTITION BY RANGE (id);
CREATE TABLE clinic.visit_1 PARTITION OF clinic.visit FOR VALUES FROM (0) TO (10);
CREATE TABLE clinic.visit_2 (note text, gone int, at date, patient_id bigint, id int);
ALTER TABLE clinic.visit_2 DROP COLUMN gone;
ALTER TABLE clinic.visit ATTACH PARTITION clinic.visit_2 FOR VALUES FROM (10) TO (20);
INSERT INTO clinic.visit SELECT i, i % 7, date '2020-02-02' + i, 'v' || i FROM generate_series(1, 19) i;
SELECT phiguard.label('clinic.patient', NULL, 'subject=id');
SELECT phiguard.label('clinic.patient', c, l) FROM (VALUES ('id', 'mrn'), ('mrn', 'mrn'), ('code', 'mrn'), ('account', 'account'), ('device', 'device'),
	('ssn', 'ssn'), ('born', 'date kind=birth'), ('died', 'date kind=death'), ('seen', 'date kind=event'), ('zip', 'geo kind=zip'), ('zip5', 'geo kind=zip'),
	('zipno', 'geo kind=zip'), ('age', 'age'), ('scan', 'photo'), ('note', 'note'), ('nick', 'name'), ('consented', 'none'), ('tags', 'quasi'), ('ward', 'none')) v (c, l);
SELECT phiguard.label('clinic.visit', c, l) FROM (VALUES ('id', 'none'), ('patient_id', 'mrn'), ('at', 'date'), ('note', 'note')) v (c, l);
SELECT phiguard.create_key('study'), phiguard.create_key('registry');
SELECT phiguard.create_purpose('study', 'HRESCH', otherwise => 'mask');
SELECT phiguard.create_purpose('care', 'TREAT', otherwise => 'clear');
SELECT phiguard.allow('study', category => 'mrn', transform => 'token'), phiguard.allow('study', 'clinic.patient', 'id'), phiguard.allow('study', 'clinic.visit', 'patient_id', transform => 'token');
SELECT phiguard.grant_purpose('study', 'science'), phiguard.grant_purpose('care', 'nurse');
GRANT USAGE ON SCHEMA clinic TO science, nurse;
GRANT SELECT ON clinic.patient, clinic.visit, clinic.visit_1, clinic.visit_2 TO science, nurse;
SQL

sub as_analyst
{
	my ($sql, %opt) = @_;
	my ($out, $err) = run_sql($node, "SET phiguard.purpose = 'study';\n$sql", as => 'analyst', %opt);
	return "$out$err";
}

# What a rule shows of a column, by id; it is the same as what the public function gives, where there is one.
sub shows
{
	my ($column, $transform, $expected, $same) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$node->safe_psql('postgres', "SELECT phiguard.allow('study', 'clinic.patient', '$column', transform => '" . ($transform =~ s/'/''/gr) . "')");
	my $got = as_analyst("SELECT string_agg(coalesce($column\::text, '-'), ' ' ORDER BY id) FROM clinic.patient");
	my $want = $same ? $node->safe_psql('postgres', "SELECT string_agg(coalesce(($same)\::text, '-'), ' ' ORDER BY id) FROM clinic.patient") : $expected;
	is($got, $want, "$column through $transform");
	is(as_analyst("SELECT pg_typeof($column) FROM clinic.patient LIMIT 1"),
		$node->safe_psql('postgres', "SELECT pg_typeof($column) FROM clinic.patient LIMIT 1"), '  is of the type that it was');
	$node->safe_psql('postgres', "SELECT phiguard.disallow('study', 'clinic.patient', '$column')");
}

shows('mrn', 'token', undef, q{phiguard.token(mrn, 'study')});
shows('mrn', 'token(registry)', undef, q{phiguard.token(mrn, 'registry')});
shows('code', 'token', undef, q{phiguard.token(code, 'study')});
shows('account', 'token', undef, q{phiguard.token_int8(account, 'study')});
shows('device', 'token', undef, q{phiguard.token_uuid(device, 'study')});
shows('ssn', 'fpe(ssn)', undef, q{phiguard.fpe(ssn, 'ssn', domain => 'study')});
shows('ssn', "fpe(ssn, 'it''s a tweak', registry)", undef, q{phiguard.fpe(ssn, 'ssn', 'it''s a tweak', 'registry')});
shows('mrn', 'seal(visit)', undef, q{encode(phiguard.seal(mrn, 'visit', 'study'), 'hex')});
shows('scan', 'seal', undef, q{phiguard.seal(scan, '', 'study')});
shows('born', 'shift_date', undef, q{phiguard.shift_date(born, id, 'study')});
shows('seen', 'shift_date(registry, 30)', undef, q{phiguard.shift_date(seen, id, 'registry', 30)});
shows('died', 'shift_date', undef, q{phiguard.shift_date(died, id, 'study')});
shows('note', 'mask(2)', undef, q{phiguard.mask(note, 2)});
shows('born', 'year', '1927-01-01 1954-01-01 1982-01-01 2009-01-01 2037-01-01 2064-01-01 infinity');
shows('died', 'year', join ' ', ('2021-01-01 00:00:00') x 6, '-');
shows('born', 'birth_year(2050-06-01)', '1960-01-01 1960-01-01 1982-01-01 2009-01-01 2037-01-01 2064-01-01 infinity');
shows('zip', 'zip3', '021 021 021 021 021 021 000');
shows('zip', 'zip3(census2020)', '021 021 021 021 021 021 000');
shows('zip5', 'zip3', join ' ', ('021') x 6, '-');
shows('zipno', 'zip3', '21 21 21 21 21 21 -');
shows('age', 'age_90', '70 80 90 90 90 90 -1');
shows('note', 'mask', join ' ', ('***') x 6, '-');
shows('nick', 'mask', join ' ', ('***') x 6, '-');
shows('ssn', 'mask', join ' ', ('***') x 6, '-');
shows('account', 'mask', join ' ', ('-') x 7);
shows('tags', 'mask', join ' ', ('-') x 7);
shows('note', 'null', join ' ', ('-') x 7);
shows('note', 'clear', undef, 'note');

# Whatever the session's time zone, the year of a moment is that of UTC: else one could look a week into it.
$node->safe_psql('postgres', q{SELECT phiguard.allow('study', 'clinic.patient', 'seen', transform => 'year')});
is(as_analyst(q{SET TimeZone = '<x>-100'; SELECT DISTINCT seen AT TIME ZONE 'UTC' FROM clinic.patient WHERE id < 7}), '2020-01-01 00:00:00', 'the year of a moment is that of UTC');

# An unprivileged function of an officer: by its name, while it is what it was.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION clinic.first_letter(text, int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, $2)';
CREATE FUNCTION clinic.first_letter_of(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
SELECT phiguard.register_transform('clinic.first_letter(text, int)', 'generalisation', 'quasi');
SELECT phiguard.register_transform('clinic.first_letter_of(text)', 'generalisation', 'quasi');
SQL
shows('note', 'first_letter(3)', join ' ', ('not') x 6, '-');
shows('note', 'clinic.first_letter(3)', join ' ', ('not') x 6, '-');
like(($node->psql('postgres', q{SELECT phiguard.allow('study', 'clinic.patient', 'scan', transform => 'first_letter(1)')}))[2], qr/does not fit/, 'not where its type does not fit');
like(($node->psql('postgres', q{SELECT phiguard.allow('study', 'clinic.patient', 'note', transform => 'first_letter')}))[2], qr/does not fit/, 'nor without its arguments');
$node->safe_psql('postgres', q{SELECT phiguard.allow('study', 'clinic.patient', 'note', transform => 'first_letter(3)')});
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION clinic.first_letter(text, int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'});
like(as_analyst('SELECT note FROM clinic.patient'), qr/ERROR:  a rule of purpose "study" does not fit a column/, 'replaced, it is none any more: the column is closed');
unlike(as_analyst('SELECT note FROM clinic.patient'), qr/note \d/, 'and shows nothing');
like($node->safe_psql('postgres', 'SELECT finding FROM phiguard.verify_policy()'), qr/transform first_letter\(3\) does not fit/, 'verify_policy() finds it');
$node->safe_psql('postgres', q{SELECT phiguard.disallow('study', 'clinic.patient', 'note')});

# The record has the name of the transform, whatever the type.
as_analyst('/* forms */ SELECT mrn, seen FROM clinic.patient', app => 'forms');
$node->safe_psql('postgres', q{SELECT phiguard.allow('study', 'clinic.patient', 'account', transform => 'token'), phiguard.allow('study', 'clinic.patient', 'age', transform => 'age_90'),
	phiguard.allow('study', 'clinic.patient', 'died', transform => 'shift_date'), phiguard.allow('study', 'clinic.patient', 'zip5', transform => 'zip3')});
as_analyst('SELECT mrn, account, seen, age, zip5 FROM clinic.patient', app => 'forms2');
is((records($node, q{application = 'forms2' AND kind = 'read'}))[0]{shown},
	'clinic.patient.account=token clinic.patient.age=age_90 clinic.patient.mrn=token clinic.patient.seen=year clinic.patient.zip5=zip3', 'forms in the record');

# Row predicates: permissive ones ORed, restrictive ones ANDed, sub-selects as the officer, partitions by name.
my $ids = 'SELECT string_agg(id::text, \' \' ORDER BY id) FROM clinic.patient';
is(as_analyst($ids), '1 2 3 4 5 6 7', 'all rows, to begin with');
# A time zone that a predicate names is what it is: 18 looks among the abbreviations of the session's TimeZone first.
my $day = $node->safe_psql('postgres', q{SET TimeZone = 'UTC'; SELECT min(seen)::date FROM clinic.patient WHERE isfinite(seen)});
my $by_utc = qq{(seen AT TIME ZONE 'UTC')::date = date '$day'};
$node->safe_psql('postgres', "SELECT phiguard.allow_rows('study', 'clinic.patient', \$\$ $by_utc \$\$)");
my $of_day = as_analyst($ids);
isnt($of_day, '', 'rows by their day');
is(as_analyst("SET TimeZone = '<UTC>-100'; $ids"), $of_day, '... whatever the session says that UTC means');
my $moved = $node->safe_psql('postgres', "SET TimeZone = '<UTC>-100'; SELECT count(*) FROM clinic.patient WHERE $by_utc");
is($moved > 0, $node->pg_version->major < 18, '... control: a query by itself goes by that, on 18');
for my $predicate (q{seen AT TIME ZONE 'IST' < now()::timestamp}, q{seen AT TIME ZONE 'IST' < timestamp '2024-01-01'}, q{seen AT TIME ZONE ward < timestamp '2024-01-01'}, q{age(seen, now()) < '1 day'})
{
	my ($out, $err) = run_sql($node, "SELECT phiguard.allow_rows('study', 'clinic.patient', \$\$ $predicate \$\$)");
	like($err, qr/not immutable|goes by a time zone that the user has a say in/, "refused: $predicate");
}
# Nor does it go by the forms that values are written and read in.
for my $predicate (q{(id / 3.0::float8)::text LIKE '%3'}, q{id IN (SELECT patient_id FROM clinic.consent WHERE (patient_id / 3.0::float4)::text LIKE '%3')},
	q{ward::bytea::text = 'w1'}, q{point(id, 1)::text = '(1,1)'})
{
	my ($out, $err) = run_sql($node, "SELECT phiguard.allow_rows('study', 'clinic.patient', \$\$ $predicate \$\$)");
	like($err, qr/in a form that the user has a say in/, "refused: $predicate");
}
isnt($node->safe_psql('postgres', 'SET extra_float_digits = -10; SELECT (1 / 3.0::float8)::text'), $node->safe_psql('postgres', 'SELECT (1 / 3.0::float8)::text'),
	'... control: how a number is written is the session\'s');
$node->safe_psql('postgres', q{SELECT phiguard.disallow_rows('study', 'clinic.patient')});
$node->safe_psql('postgres', q{SELECT phiguard.allow_rows('study', 'clinic.patient', $$ ward <> ALL ('{w0,NULL}') $$)});
is(as_analyst("SET array_nulls = off; $ids"), '', 'NULL in an array is none, whatever the session says');
isnt($node->safe_psql('postgres', "SET array_nulls = off; $ids WHERE ward <> ALL ('{w0,NULL}')"), '', '... control: a query by itself goes by that');
$node->safe_psql('postgres', q{SELECT phiguard.disallow_rows('study', 'clinic.patient')});
$node->safe_psql('postgres', q{SELECT phiguard.allow_rows('study', 'clinic.patient', 'consented')});
is(as_analyst($ids), '2 4 6', 'those of a predicate');
$node->safe_psql('postgres', q{SELECT phiguard.allow_rows('study', 'clinic.patient', 'EXISTS (SELECT FROM consent c WHERE c.patient_id = patient.id AND c.given)')});
is(as_analyst($ids), '2 3 4 6', 'or of another one, over a table that the reader may not read');
like(as_analyst('SELECT * FROM clinic.consent'), qr/permission denied/, '  which he may not');
$node->safe_psql('postgres', q{SELECT phiguard.allow_rows('study', 'clinic.patient', $$ ward <> 'w0' $$, restrictive => true)});
is(as_analyst($ids), '2 4', 'and a restrictive one');
is(as_analyst("SELECT count(*) FROM clinic.patient WHERE ward = 'w0'"), '0', 'whatever is asked for');
$node->safe_psql('postgres', q{REVOKE USAGE ON SCHEMA clinic FROM science; CREATE VIEW public.seen AS SELECT id FROM clinic.patient; GRANT SELECT ON public.seen TO science});
is(as_analyst("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.seen"), '2 4', 'also where the reader may not use the schema that the predicate names');
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA clinic TO science');
$node->safe_psql('postgres', q{SELECT phiguard.allow_rows('study', 'clinic.visit', 'patient_id IN (SELECT id FROM clinic.patient WHERE consented) AND visit IS NOT NULL')});
my $visits = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM clinic.visit";
is(as_analyst($visits), '2 4 6 9 11 13 16 18', 'through the parent');
is(as_analyst($visits . '_1'), '2 4 6 9', 'a partition, read directly');
is(as_analyst($visits . '_2'), '11 13 16 18', 'one with its columns in another order');
is(as_analyst('SELECT count(DISTINCT patient_id) || note FROM clinic.visit_2 GROUP BY note LIMIT 1'), '3***', 'and its columns are as the parent\'s');
$node->safe_psql('postgres', q{UPDATE phiguard.policy_purpose SET rows = 'deny' WHERE purpose = 'study'; SELECT phiguard.disallow_rows('study', 'clinic.visit')});
is(as_analyst($visits), '', 'rows => deny: none where no predicate speaks');
is(as_analyst($ids), '2 4', '  and those of a predicate where one does');
$node->safe_psql('postgres', q{UPDATE phiguard.policy_purpose SET rows = 'all' WHERE purpose = 'study'});

# The stricter answer wins at the next execution: in a session that has the plan, by whatever the change was made.
my $session = session($node, as => 'analyst');
ask($session, "SET plan_cache_mode = force_generic_plan; SET phiguard.purpose = 'study'; PREPARE p AS SELECT string_agg(coalesce(mrn, '-'), ' ' ORDER BY id) FROM clinic.patient WHERE id IN (2, 4)");

# What a session answers, errors too.
sub ask
{
	my ($session, $sql) = @_;
	my $out = $session->ask($sql);

	$out .= $session->{err};
	$session->{err} = '';
	return $out;
}

sub next_execution
{
	my ($change, $expected, $name, $undo) = @_;
	my $before;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	like($before = ask($session, 'EXECUTE p'), qr/^tk1_\w+ tk1_\w+$/, "before: $name");
	$node->safe_psql('postgres', $change);
	like(ask($session, 'EXECUTE p'), $expected, $name);
	$node->safe_psql('postgres', $undo);
	is(ask($session, 'EXECUTE p'), $before, '  and back');
}
next_execution(q{SELECT phiguard.allow('study', 'clinic.patient', 'mrn', transform => 'null')}, qr/^- -$/, 'a more specific rule',
	q{SELECT phiguard.disallow('study', 'clinic.patient', 'mrn')});
next_execution(q{UPDATE phiguard.policy_rule SET transform = 'mask' WHERE category = 'mrn'}, qr/^\*\*\* \*\*\*$/, 'a rule changed by hand',
	q{UPDATE phiguard.policy_rule SET transform = 'token' WHERE category = 'mrn'});
next_execution(q{INSERT INTO phiguard.policy_rule SELECT purpose, schema, relation, column_name, 'mrms', kind, sens, conf, transform, writable, created, created_by FROM phiguard.policy_rule LIMIT 1},
	qr/cannot be decided/, 'a rule by hand that nobody understands', q{DELETE FROM phiguard.policy_rule WHERE category = 'mrms'});
next_execution(q{SELECT phiguard.revoke_purpose('study', 'science')}, qr/is not granted to role "analyst"/, 'a grant taken back', q{SELECT phiguard.grant_purpose('study', 'science')});
next_execution(q{SELECT phiguard.deny_purpose('study', 'analyst')}, qr/is denied to role "analyst"/, 'a denial', q{SELECT phiguard.revoke_purpose('study', 'analyst')});
next_execution('REVOKE science FROM analyst', qr/is not granted to role "analyst"|permission denied/, 'a membership that ended', 'GRANT science TO analyst');
next_execution('ALTER ROLE science RENAME TO art', qr/is not granted to role "analyst"/, 'a role that has another name', 'ALTER ROLE art RENAME TO science');
next_execution(q{UPDATE phiguard.policy_grant SET expires = clock_timestamp() - interval '1 s' WHERE purpose = 'study'}, qr/has expired/, 'a grant that has expired',
	q{UPDATE phiguard.policy_grant SET expires = NULL WHERE purpose = 'study'});
next_execution(q{SELECT phiguard.label('clinic.patient', 'mrn', 'ssn')}, qr/^\*\*\* \*\*\*$/, 'another label', q{SELECT phiguard.label('clinic.patient', 'mrn', 'mrn')});
next_execution(q{SELECT phiguard.allow_rows('study', 'clinic.patient', 'id <> 4', restrictive => true)}, qr/^tk1_\w+$/, 'a row predicate',
	q{SELECT phiguard.disallow_rows('study', 'clinic.patient', '(id <> 4)')});
next_execution(q{SELECT phiguard.set_mode('clinic.patient', 'audit')}, qr/^M2 M4$/, 'a mode of the relation', q{SELECT phiguard.set_mode('clinic.patient', 'enforce')});
next_execution('ALTER TABLE clinic.consent RENAME TO consents', qr/^tk1_\w+ tk1_\w+$/, 'a renamed table that a predicate reads', 'ALTER TABLE clinic.consents RENAME TO consent');
next_execution('ALTER TABLE clinic.consent RENAME given TO yes', qr/^tk1_\w+ tk1_\w+$/, 'and its column', 'ALTER TABLE clinic.consent RENAME yes TO given');
next_execution('ALTER TABLE clinic.consent ALTER given TYPE int USING given::int', qr/cannot|must be type boolean/, 'a predicate that cannot be evaluated any more', 'ALTER TABLE clinic.consent ALTER given TYPE boolean USING given::int::boolean');

# A grant that expires while the session is open, without anything else happening.
$node->safe_psql('postgres', q{UPDATE phiguard.policy_grant SET expires = clock_timestamp() + interval '3 s' WHERE purpose = 'study'});
like(ask($session, 'EXECUTE p'), qr/^tk1_\w+ tk1_\w+$/, 'before it expires');
ask($session, 'SELECT pg_sleep(3.1)');
like(ask($session, 'EXECUTE p'), qr/has expired/, 'and after');
$node->safe_psql('postgres', q{UPDATE phiguard.policy_grant SET expires = NULL WHERE purpose = 'study'});

# In one session: another purpose, none, another role; a purpose that is not granted is refused when it is set, and when it is used.
like(ask($session, 'EXECUTE p'), qr/^tk1/, 'again');
like(ask($session, q{SET phiguard.purpose = 'care'}), qr/Purpose "care" is not granted to role "analyst"/, 'a purpose that is not granted cannot be set');
like(ask($session, q{SELECT phiguard.begin_access('nothing')}), qr/There is no purpose "nothing"/, 'nor by begin_access()');
like(ask($session, 'EXECUTE p'), qr/^tk1/, 'what was set stays');
like(ask($session, 'RESET phiguard.purpose; EXECUTE p'), qr/No purpose is set/, 'no purpose, no table');
like(ask($session, q{BEGIN; SELECT phiguard.begin_access('study'); EXECUTE p; COMMIT}), qr/^tk1/m, 'for one transaction');
like(ask($session, 'EXECUTE p'), qr/No purpose is set/, 'and not after it');
$session->close;
$session = session($node, as => 'chief');
ask($session, "SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT string_agg(coalesce(mrn, '-'), ' ' ORDER BY id) FROM clinic.patient WHERE id IN (2, 4)");
is(ask($session, 'EXECUTE p'), 'M2 M4', 'a superuser is exempt');
like(ask($session, q{SET ROLE analyst; EXECUTE p}), qr/No purpose is set/, 'whoever he becomes is not');
like(ask($session, q{SET phiguard.purpose = 'study'; EXECUTE p}), qr/^tk1_\w+ tk1_\w+$/, 'and sees what that role may');
like(ask($session, q{SET ROLE nurse; EXECUTE p}), qr/Purpose "study" is not granted to role "nurse"/, 'a purpose that the next role has not is refused when it is used');
is(ask($session, q{SET phiguard.purpose = 'care'; EXECUTE p}), 'M2 M4', 'with one of its own it sees what that shows');
is(ask($session, q{RESET ROLE; EXECUTE p}), 'M2 M4', 'and back');
$session->close;

# A justification where one is asked for; a role that has a purpose from ALTER ROLE.
$node->safe_psql('postgres', q{UPDATE phiguard.policy_purpose SET require_justification = true WHERE purpose = 'study'; ALTER ROLE analyst SET phiguard.purpose = 'study'; ALTER ROLE nurse SET phiguard.purpose = 'study'});
like(join('', run_sql($node, 'SELECT mrn FROM clinic.patient WHERE id = 2', as => 'analyst')), qr/requires a justification/, 'a justification is asked for');
like(join('', run_sql($node, q{SET phiguard.justification = 'ticket 1'; SELECT mrn FROM clinic.patient WHERE id = 2}, as => 'analyst')), qr/^tk1_/, 'and given; the purpose is the role\'s own');
like(join('', run_sql($node, 'SHOW phiguard.purpose', as => 'nurse')), qr/WARNING:.*invalid value for parameter/s, 'a role that was given one which it is not granted has none');
$node->safe_psql('postgres', q{UPDATE phiguard.policy_purpose SET require_justification = false WHERE purpose = 'study'; ALTER ROLE nurse RESET phiguard.purpose});

# Where policies are not enforced, a purpose is the claim that it was.
$node->append_conf('postgresql.conf', 'phiguard.mode = audit');
$node->reload;
wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.mode') eq 'audit' }, 'audit');
is(join('', run_sql($node, q{SET phiguard.purpose = 'anything'; SELECT mrn FROM clinic.patient WHERE id = 2}, as => 'nurse')), 'M2', 'in audit mode any purpose can be claimed, and all is shown');
$node->append_conf('postgresql.conf', 'phiguard.mode = enforce');
$node->reload;
wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.mode') eq 'enforce' }, 'enforce');

# The twins cannot be called by the protocol's function call either.
my $wire = PhigWire->connect($node, user => 'analyst');
my $oid = $node->safe_psql('postgres', q{SELECT 'phiguard.token(internal, text, text)'::regprocedure::oid});
my $public = $node->safe_psql('postgres', q{SELECT 'phiguard.mask(text)'::regprocedure::oid});
sub fastpath
{
	my ($function, $format, @values) = @_;
	my $body = pack('N n n n', $function, 1, $format, scalar @values) . join('', map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @values) . pack('n', 0);
	return join(' ', $wire->message('F', $body)->answer);
}
like(fastpath($public, 0, 'x'), qr/\*\*\*/, 'control: a function call of the protocol');
unlike(fastpath($oid, 0, undef, 'M2', 'study'), qr/tk1|value/, 'a twin with a null in front');
unlike(fastpath($oid, 1, undef, 'M2', 'study'), qr/tk1|value/, '  in binary');
unlike(fastpath($oid, 0, '0', 'M2', 'study'), qr/tk1|value/, '  with a value');
like(fastpath($oid, 0, undef, 'M2', 'study'), qr/error/, '  each is refused');

# A dump takes all of it along; where a relation is not restored, its rules close the purpose.
my $dump = $node->basedir . '/policy.sql';
my $all = q{SELECT purpose, schema, relation, column_name, category, kind, sens, conf, transform, writable, predicate, restrictive, created_by FROM phiguard.rules ORDER BY 1, 2, 3, 4, 5, 9, 11};
my $expected = $node->safe_psql('postgres', $all);
$node->safe_psql('postgres', q{SELECT phiguard.set_mode('clinic.visit', 'audit')});
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy' ], 'restored');
is($node->safe_psql('copy', $all), $expected, 'the rules are there');
is($node->safe_psql('copy', 'SELECT * FROM phiguard.verify_policy()'), '', 'and hold');
like(join('', run_sql($node, 'SELECT mrn FROM clinic.patient WHERE id = 2', as => 'analyst', db => 'copy')), qr/^tk1_/, 'a purpose shows what it did');
is($node->safe_psql('copy', q{SELECT DISTINCT mode FROM phiguard.access_of('analyst', 'study') WHERE relation = 'visit'}), 'audit', 'the mode of a relation too');
$node->command_ok([ 'pg_dump', '-T', 'clinic.visit*', '-f', $dump, 'postgres' ], 'pg_dump without a table');
$node->safe_psql('postgres', 'CREATE DATABASE part');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'part' ], 'restored');
like(join('', run_sql($node, 'SELECT mrn FROM clinic.patient WHERE id = 2', as => 'analyst', db => 'part')), qr/names relation clinic.visit, which is gone/, 'a rule of what is not there closes the purpose');
$node->safe_psql('part', q{SELECT phiguard.disallow('study', 'clinic.visit', 'patient_id')});
like(join('', run_sql($node, 'SELECT mrn FROM clinic.patient WHERE id = 2', as => 'analyst', db => 'part')), qr/^tk1_/, 'until it is taken away');
# What is dropped while others have looked closes for them too.
$session = session($node, as => 'analyst', db => 'copy');
like(ask($session, 'SELECT mrn FROM clinic.patient WHERE id = 2'), qr/^tk1_/, 'before a relation of a rule is dropped');
$node->safe_psql('copy', 'DROP TABLE clinic.visit');
like(ask($session, 'SELECT mrn FROM clinic.patient WHERE id = 2'), qr/which is gone/, 'and after');
$session->close;

journal_is_intact($node, 'the journal is intact');
done_testing();
