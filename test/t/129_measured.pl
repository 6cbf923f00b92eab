# An extract that waits for its determination is measured by the privacy officer, as it is, and shown to nobody.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('measured', "phiguard.journal_sync = 'write'", 'phiguard.on_unlabelled_store = ignore', "phiguard.officer_role = 'regress_phig_officer'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_scientist LOGIN;
CREATE ROLE regress_phig_owner LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_officer, regress_phig_owner;
SET ROLE regress_phig_owner;
CREATE TABLE stay (patient int, mrn text, zip text, sex text, admitted date, diagnosis text);
INSERT INTO stay SELECT i % 400, 'M' || i % 400, '0213' || i % 10, CASE i % 3 WHEN 0 THEN 'f' ELSE 'm' END, date '2024-01-01' + i % 700, 'I' || i % 5 FROM generate_series(1, 4000) i;
GRANT SELECT ON stay TO regress_phig_officer;
RESET ROLE;
ANALYZE stay;
SELECT phiguard.label('stay', 'patient', 'other'), phiguard.label('stay', 'mrn', 'mrn'), phiguard.label('stay', 'zip', 'geo kind=zip'), phiguard.label('stay', 'sex', 'quasi'),
	phiguard.label('stay', 'admitted', 'date kind=event'), phiguard.label('stay', 'diagnosis', 'clinical');
SELECT phiguard.create_key('dua-1'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'), phiguard.allow('study', category => 'quasi'), phiguard.allow('study', category => 'clinical');
SELECT phiguard.create_agreement('dua-1', 'DUA', 'University X', '{study}');
SQL

my ($out, $err);
sub officer { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_officer', @_[1 .. $#_]); return $out }
sub reads { ($out, $err) = run_sql($node, $_[0], as => 'regress_phig_scientist', @_[1 .. $#_]); return $out }
sub su { ($out, $err) = run_sql($node, $_[0]); return $out }

sub closed
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	like($err, qr/extract public\.stays is closed/, $name);
	unlike($out, qr/tk1_/, '... and nothing comes out');
}

my $forced = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3; };
my $metrics = q{SELECT metric, sensitive_column, value FROM phiguard.risk('stays', '{zip3,sex,year}', '{diagnosis}', subject => 'who')};
officer(q{SELECT phiguard.create_extract('stays', $$ SELECT phiguard.token(mrn, 'dua-1') AS who, phiguard.zip3(zip) AS zip3, sex, phiguard.year(admitted) AS year, diagnosis FROM stay $$,
	'study', 'expert_determination', 'dua-1'); GRANT SELECT ON stays TO regress_phig_scientist});
is($err, '', 'an extract by expert determination');

# The officer measures it; nobody reads it.
my $measured = officer($metrics, app => 'measured');
is($err, '', 'the officer measures it');
like($measured, qr/^rows\|\|4000$/m, '... all of its rows');
like($measured, qr/^persons\|\|400$/m, '... and persons');
is(officer($forced . $metrics), $measured, '... with parallel workers the same');
my @shown = ('SELECT * FROM stays', 'SELECT count(*) FROM stays', 'TABLE stays LIMIT 0', 'COPY (SELECT who FROM stays) TO STDOUT', 'CREATE TEMP TABLE t AS SELECT * FROM stays',
	q{SELECT phiguard.risk_profile(1, false, 11, 2, 0.1::float8, NULL, who, NULL::int, zip3) FROM stays}, q{SELECT * FROM phiguard.suppress('stays', 'pg_temp.s', '{zip3}', subject => 'who')},
	q{SELECT * FROM phiguard.risk((SELECT 'seen'::regclass), '{sex}', subject => 'who')}, q{SELECT phiguard.extract_manifest('stays')});
officer('CREATE VIEW seen AS SELECT * FROM stays');
for my $sql (@shown)
{
	officer($sql);
	closed("the officer is not shown it: $sql");
	officer("$metrics LIMIT 1; $sql");
	closed('... also after a measurement');
}
officer("PREPARE p AS SELECT who FROM stays; $metrics LIMIT 1; EXECUTE p");
closed('a statement that was prepared stays closed');
officer(q{BEGIN; SAVEPOINT s; SELECT * FROM phiguard.risk('stays', '{sex}', subject => 'who', population => 'stays', population_subject => 'sex'); ROLLBACK TO s; SELECT who FROM stays LIMIT 1});
closed('... and after a measurement that failed');
reads($metrics);
closed('nobody else measures it');
is(officer($metrics), $measured, 'the officer does again');
$node->append_conf('postgresql.conf', 'phiguard.mode = enforce');
$node->reload;
wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.mode') eq 'enforce' }, 'mode enforce');
is(officer($forced . $metrics), $measured, '... in mode enforce too, without a purpose of his own');
reads($metrics);
closed('... and nobody else');

# What runs inside of a measurement reads the extract as everybody: closed.
su(q{CREATE FUNCTION spy() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT who FROM public.stays; END $$;
	CREATE FUNCTION spied(who text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen %', (SELECT min(s.who) FROM public.stays s); RETURN who; END $$;
	CREATE VIEW register AS SELECT spied(spy) AS who, sex, zip3, year FROM spy(), (VALUES ('f', '021', 2024), ('m', '021', 2025)) v (sex, zip3, year);
	CREATE VIEW others AS SELECT spied('x' || i) AS who, 'f' AS sex FROM generate_series(1, 10) i;
	GRANT SELECT ON register, others TO PUBLIC});
for my $population (qw(register others))
{
	officer("SELECT value FROM phiguard.risk('stays', '{sex}', subject => 'who', population => '$population', population_subject => 'who')");
	closed("a function in the population, $population");
	unlike($err, qr/seen tk1_/, '... which would have told');
}

# Nor does an expression that is given: it would be called with values of the extract.
my $told = q{SELECT metric FROM phiguard.risk('stays', '{sex}', '{who}', subject => 'who', hierarchies => '{"who": ["public.tells(who)"]}')};
su(q{CREATE FUNCTION tells(who text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen %', who; RETURN 1; END $$});
officer($told);
closed('an expression of a hierarchy');
unlike($err, qr/seen tk1_/, '... is given nothing');

# It is entered where it is named, and nowhere else: a view of somebody else's over it would be told all of it.
su(q{CREATE VIEW through AS SELECT who, sex FROM stays WHERE tells(who) = 1; GRANT SELECT ON through TO PUBLIC});
for my $population (qw(through seen stays))
{
	officer("SELECT value FROM phiguard.risk('stays', '{sex}', subject => 'who', population => '$population', population_subject => 'who')");
	closed("itself as its population, by way of $population");
	unlike($err, qr/seen tk1_/, '... and nothing is told');
}

# Nor do functions of users' own types see a value: casts to the population's type, and what says which values are equal.
my $grades = q{CREATE OPERATOR CLASS grades DEFAULT FOR TYPE grade USING hash AS OPERATOR 1 =, FUNCTION 1 hash_grade(grade)};
su(q{CREATE TYPE grade; CREATE FUNCTION grade_in(cstring) RETURNS grade STRICT IMMUTABLE LANGUAGE internal AS 'int4in'; CREATE FUNCTION grade_out(grade) RETURNS cstring STRICT IMMUTABLE LANGUAGE internal AS 'int4out';
	CREATE TYPE grade (INPUT = grade_in, OUTPUT = grade_out, LIKE = int4, CATEGORY = 'N');
	CREATE FUNCTION to_grade(int) RETURNS grade LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN $1::text::grade; END $$;
	CREATE CAST (int AS grade) WITH FUNCTION to_grade(int) AS IMPLICIT; CREATE FUNCTION zero() RETURNS grade LANGUAGE sql AS $$ SELECT '0'::grade $$;
	CREATE FUNCTION same_grade(grade, grade) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN $1::text = $2::text; END $$;
	CREATE FUNCTION hash_grade(grade) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN 1; END $$;
	CREATE OPERATOR = (FUNCTION = same_grade, LEFTARG = grade, RIGHTARG = grade, HASHES);
	CREATE VIEW graded AS SELECT 'x' || i AS who, zero() AS year FROM generate_series(1, 1000) i; GRANT SELECT ON graded TO PUBLIC;
	CREATE TABLE unit (patient int, ward grade, grades grade[]); INSERT INTO unit SELECT i, i::text::grade, ARRAY[i::text::grade] FROM generate_series(1, 40) i; GRANT SELECT ON unit TO regress_phig_officer});
su(q{SELECT phiguard.label('unit', 'ward', 'none'), phiguard.label('unit', 'grades', 'none'), phiguard.label('unit', 'patient', 'other'), phiguard.allow('study', category => 'other')});
my $cast = q{SELECT value FROM phiguard.risk('stays', '{year}', subject => 'who', population => 'graded', population_subject => 'who')};
officer($cast);
like($err, qr/column "year" is of type integer in extract public\.stays and of another in the population/, 'a population of another type');
unlike($err, qr/seen \d/, '... and no cast is given a value');
officer(q{SELECT phiguard.create_extract('units', 'SELECT patient, ward, grades FROM unit', 'study', 'expert_determination', 'dua-1')});
is($err, '', 'an extract with columns of a type that nothing compares yet');
su($grades);
is($err, '', '... then there is something');
for my $columns (q{'{ward}'}, q{'{grades}'}, q{'{patient}', '{ward}'})
{
	officer("SELECT value FROM phiguard.risk('units', $columns, subject => 'patient')");
	like($err, qr/extract public\.units is closed/, "functions of a user's would compare $columns");
	unlike($err, qr/seen \d/, '... and are given nothing');
	su("SELECT value FROM phiguard.risk('unit', $columns, subject => 'patient')");
	like($err, qr/seen \d/, '... control: of the table they are');
}

# On record: what was measured, by whom; no disclosure.
is(su(q{SELECT string_agg(DISTINCT kind || ' ' || command || coalesce(' ' || extract, '') || coalesce(' to ' || recipient, ''), ', ') FROM phiguard.access_log WHERE application = 'measured'}),
	'policy MEASURE EXTRACT, read SELECT public.stays', 'a measurement is a policy record, and a read that goes to nobody');
is(su(q{SELECT query FROM phiguard.access_log WHERE application = 'measured' AND kind = 'policy'}), 'public.stays, by zip3, sex, year; sensitive: diagnosis', '... with what was measured');
is(su(q{SELECT count(*) FROM phiguard.access_log WHERE kind = 'disclosure' AND outcome = 'ok'}), '0', '... and nothing was disclosed');

# Only what waits for an expert.
officer(q{SELECT phiguard.create_extract('harbor', 'SELECT sex, diagnosis FROM stay', 'study')});
officer(q{SELECT * FROM phiguard.risk('harbor', '{sex}', subject => 'diagnosis')});
like($err, qr/extract public\.harbor is closed.*Nobody has attested/s, 'one that waits for an attestation is closed to its officer');
su(q{SELECT phiguard.label('stay', 'sex', 'clinical')});
is($err, '', 'a label is changed');
officer($metrics);
closed('one that has changed is not measured');
su(q{SELECT phiguard.label('stay', 'sex', 'quasi')});
is(officer($metrics), $measured, '... until that is undone');

# What was measured is what is determined, in one statement; then others see what was measured.
is(officer(qq{SELECT phiguard.record_determination('stays', 'Dr. E. Elm', '{"k": {"min": 11}}', (SELECT jsonb_object_agg(metric, value) FROM ($metrics) m WHERE sensitive_column IS NULL))}), 't', 'it is determined by what was measured');
is(reads($metrics), $measured, 'and open: who reads it measures the same');
is($err, '', '... without an error');
like(reads('SELECT who FROM stays LIMIT 1'), qr/^tk1_/, '... and reads it');
reads("SELECT value FROM phiguard.risk('stays', '{sex}', subject => 'who', population => 'others', population_subject => 'who')");
like($err, qr/seen tk1_/, '... where the function tells');
reads($told);
like($err, qr/seen tk1_/, '... and the expression');
reads("SELECT value FROM phiguard.risk('stays', '{sex}', subject => 'who', population => 'through', population_subject => 'who')");
like($err, qr/seen tk1_/, '... and the view over it');
reads($cast);
like($err, qr/seen 202\d/, '... and the cast');
is(su(q{SELECT count(*) > 1 FROM phiguard.access_log WHERE kind = 'disclosure' AND outcome = 'ok' AND recipient = 'University X'}), 't', '... which is disclosure');

$node->stop;
done_testing();
