# The readmission case from end to end, on the UCI table and on Synthea: identified tables in, Safe Harbor extract out, a
# logistic regression trained from it, no person in two sets, each disclosure on record.  What data scientists run is
# what docs/extracts.md shows.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run qw(run);
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The distribution's own Python has the distribution's packages.
my ($python) = grep { -x $_ && system("$_ -c 'import sklearn, pandas, sqlalchemy, psycopg2, psycopg' >/dev/null 2>&1") == 0 } qw(/usr/bin/python3 /usr/local/bin/python3);
plan skip_all => 'no Python with scikit-learn, pandas, SQLAlchemy and psycopg here' if !$python;

my $data = "$FindBin::RealBin/../data";
my $page = slurp_file("$FindBin::RealBin/../../docs/extracts.md");
my $node = phig_node('readmission', 'phiguard.mode = enforce', 'phiguard.journal_sync = write', "phiguard.officer_role = 'regress_phig_officer'",
	'phiguard.on_unlabelled_store = ignore');
$node->safe_psql('postgres', q{
	CREATE ROLE regress_phig_officer LOGIN;
	CREATE ROLE regress_phig_scientist LOGIN;
	GRANT CREATE ON SCHEMA public TO regress_phig_officer});

# The UCI table, as it comes: every column is text and somebody's.
my ($header) = split /\n/, `gzip -dc $data/uci_diabetes/readmission.csv.gz`;
my $columns = join ', ', map { qq{"$_" text} } split /,/, $header;
$node->safe_psql('postgres', qq{
	CREATE TABLE encounter ($columns);
	COPY encounter FROM PROGRAM 'gzip -dc $data/uci_diabetes/readmission.csv.gz' (FORMAT csv, HEADER, NULL '?');
	GRANT SELECT ON encounter TO regress_phig_officer;
	SELECT phiguard.label('encounter', attname, CASE attname WHEN 'encounter_id' THEN 'other' WHEN 'patient_nbr' THEN 'mrn' WHEN 'payer_code' THEN 'none'
			WHEN 'race' THEN 'quasi' WHEN 'gender' THEN 'quasi' WHEN 'age' THEN 'quasi' ELSE 'clinical' END)
	FROM pg_attribute WHERE attrelid = 'encounter'::regclass AND attnum > 0;
	SECURITY LABEL FOR phiguard ON TABLE encounter IS 'subject=patient_nbr';});
$node->safe_psql('postgres', q{
	SELECT phiguard.create_key('dua-2026-07'), phiguard.assign_surrogates('encounter', 'patient_nbr', 'dua-2026-07');
	SELECT phiguard.create_purpose('readmission', code => 'HRESCH', otherwise => 'deny');
	SELECT phiguard.allow('readmission', category => 'clinical'), phiguard.allow('readmission', category => 'quasi');
	SELECT phiguard.create_purpose('stays', code => 'HRESCH', otherwise => 'deny');
	SELECT phiguard.allow('stays', category => 'clinical'), phiguard.allow('stays', category => 'quasi'), phiguard.allow('stays', category => 'mrn', transform => 'surrogate(dua-2026-07)');
	SELECT phiguard.create_agreement('dua-2026-07', 'DUA', 'University X', '{readmission,stays}')});

my $query = q{
	SELECT phiguard.surrogate(patient_nbr, 'dua-2026-07') AS patient, race, gender, age, time_in_hospital::int AS days, num_lab_procedures::int AS lab_procedures,
		num_medications::int AS medications, number_emergency::int AS emergency, number_inpatient::int AS inpatient, diag_1 AS diagnosis, insulin, readmitted = '<30' AS readmitted
	FROM encounter};

# The control: without the transform the query is refused.
my ($out, $err) = officer("SELECT phiguard.create_extract('readmission', \$\$ SELECT patient_nbr, age FROM encounter \$\$, 'readmission', agreement => 'dua-2026-07')");
like($err, qr/patient_nbr/, 'the medical record number itself is refused');
($out, $err) = officer("SELECT phiguard.create_extract('readmission', \$\$ $query \$\$, 'readmission', agreement => 'dua-2026-07'); GRANT SELECT ON readmission TO regress_phig_scientist");
is($err, '', 'a Safe Harbor extract is made');
($out, $err) = scientist('SELECT count(*) FROM readmission');
like($err, qr/closed/, 'it is closed before the attestation');
($out, $err) = officer(q{SELECT phiguard.attest_extract('readmission', 'No actual knowledge that anybody could be identified')});
is($err, '', 'it is attested');
($out, $err) = scientist('SELECT count(*) FROM encounter');
like($err, qr/table public.encounter is open only to a purpose/, 'the scientist reads the extract and nothing else');

# What the page shows, block by block.
my $place = "$PostgreSQL::Test::Utils::tmp_check/training";
mkdir $place;
chmod 0777, $place;
my @blocks = blocks_of($page);
cmp_ok(scalar(@blocks), '>=', 6, 'the page has recipes');
for my $number (0 .. $#blocks)
{
	my ($language, $code, $shown) = @{ $blocks[$number] };
	my ($printed, $errors) = runs($language, $code, "recipe$number");

	is($printed, $shown, 'recipe ' . ($number + 1) . " ($language) prints what the page shows") or diag($errors);
}

# Each reading is on record, with all rows that left.
is($node->safe_psql('postgres', q{
		SELECT application, bool_and(extract = 'public.readmission'), string_agg(DISTINCT agreement, ','), string_agg(DISTINCT recipient, ','), max(rows), string_agg(DISTINCT login_role, ','), bool_and(outcome = 'ok')
		FROM phiguard.access_log WHERE kind = 'disclosure' AND application LIKE 'recipe%' GROUP BY 1 ORDER BY 1}),
	join("\n", map { "recipe$_|t|dua-2026-07|University X|10158|regress_phig_scientist|t" } grep { $blocks[$_][1] =~ /FROM readmission/ } 0 .. $#blocks),
	'each recipe that reads the extract left a disclosure of all rows');
is($node->safe_psql('postgres', q{
		SELECT DISTINCT unnest(shown) FROM phiguard.access_log WHERE kind = 'disclosure' AND application LIKE 'recipe%' AND 'public.encounter.patient_nbr' = ANY (returned) ORDER BY 1}),
	join("\n", map { "public.encounter.$_" } qw(age=clear diag_1=clear gender=clear insulin=clear num_lab_procedures=clear num_medications=clear number_emergency=clear number_inpatient=clear
		patient_nbr=surrogate race=clear readmitted=clear time_in_hospital=clear)),
	'and says in what form');

# No number of a patient came out: codes are of the crosswalk, one a person.
($out, $err) = scientist('SELECT patient FROM readmission');
my %codes = map { $_ => 1 } split /\n/, $out;
my %numbers = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT DISTINCT patient_nbr FROM encounter');
is(scalar(keys %codes), scalar(keys %numbers), 'one code a person');
is(scalar(grep { $numbers{$_} } keys %codes), 0, 'which is not the number');

# Sets by person, in Safe Harbor: of the code, since of the number itself they are refused.
my $sets = q{SELECT %s AS set, phiguard.surrogate(patient_nbr, 'dua-2026-07') AS patient, age FROM encounter};
($out, $err) = officer("SELECT phiguard.create_extract('sets', \$\$ " . sprintf($sets, q{phiguard.split(patient_nbr, ARRAY[0.7, 0.15, 0.15], 'dua-2026-07')}) . " \$\$, 'readmission', agreement => 'dua-2026-07')");
like($err, qr/column "set" \(public\.encounter\.patient_nbr\): use surrogate/, 'sets of the number itself are refused');
($out, $err) = officer("SELECT phiguard.create_extract('sets', \$\$ " . sprintf($sets, q{phiguard.split(phiguard.surrogate(patient_nbr, 'dua-2026-07'), ARRAY[0.7, 0.15, 0.15], 'dua-2026-07')})
	  . " \$\$, 'readmission', agreement => 'dua-2026-07'); SELECT phiguard.attest_extract('sets', 'No actual knowledge'); GRANT SELECT ON sets TO regress_phig_scientist");
is($err, '', 'sets of the code are not');
($out, $err) = scientist('SELECT set, count(DISTINCT patient), count(*) FROM sets GROUP BY set ORDER BY set');
my %share = map { my ($set, $persons) = split /\|/; $set => $persons / keys %codes } split /\n/, $out;
is(join(' ', sort keys %share), '1 2 3', 'everybody is in one of three');
ok(abs($share{1} - 0.7) < 0.03 && abs($share{2} - 0.15) < 0.03, '... as many as the weights say') or diag($out);
($out, $err) = scientist('SELECT count(*), max(sets) FROM (SELECT patient, count(DISTINCT set) AS sets FROM sets GROUP BY patient) p');
is($out, keys(%codes) . '|1', '... and nobody in two');
($out, $err) = scientist('SELECT max(persons) > 1 FROM (SELECT count(DISTINCT patient) AS persons FROM sets GROUP BY set, age) s');
is($out, 't', '... with others of their age');

synthea();

is($node->safe_psql('postgres', 'SELECT count(*) FROM phiguard.verify_journal()'), '0', 'the journal is intact');
$node->stop;
done_testing();

# Two tables of Synthea: stays, whose dates make the label, and persons. What comes within 30 days is worked out where
# the dates are, by somebody who may see them; the extract has years. Its tables are joined by the codes that its
# purpose shows of numbers.
sub synthea
{
	$node->safe_psql('postgres', qq{
		CREATE SCHEMA ehr;
		CREATE TABLE ehr.raw (} . join(', ', map { qq{"$_" text} } split /,/, first_line("$data/synthea/encounters.csv")) . qq{);
		COPY ehr.raw FROM '$data/synthea/encounters.csv' (FORMAT csv, HEADER);
		CREATE TABLE ehr.person (} . join(', ', map { qq{"$_" text} } split /,/, first_line("$data/synthea/patients.csv")) . qq{);
		COPY ehr.person FROM '$data/synthea/patients.csv' (FORMAT csv, HEADER);
		CREATE TABLE ehr.patient AS SELECT "Id" AS id, "BIRTHDATE"::date AS birth, "SSN" AS ssn, "FIRST" || ' ' || "LAST" AS name, "ZIP" AS zip, "GENDER" AS gender, "RACE" AS race FROM ehr.person;
		CREATE TABLE ehr.stay AS SELECT "Id" AS id, "PATIENT" AS patient, "START"::timestamptz::timestamp AS started, "ENCOUNTERCLASS" AS class, "TOTAL_CLAIM_COST"::numeric AS cost,
			coalesce(lead("START"::timestamptz) OVER (PARTITION BY "PATIENT" ORDER BY "START"::timestamptz, "Id") - "STOP"::timestamptz < interval '30 days', false) AS again FROM ehr.raw;
		DROP TABLE ehr.raw, ehr.person;
		GRANT USAGE ON SCHEMA ehr TO regress_phig_officer;
		GRANT SELECT ON ehr.patient, ehr.stay TO regress_phig_officer;
		SELECT phiguard.label('ehr.patient', 'id', 'mrn'), phiguard.label('ehr.patient', 'birth', 'date kind=birth'), phiguard.label('ehr.patient', 'ssn', 'ssn'), phiguard.label('ehr.patient', 'name', 'name'),
			phiguard.label('ehr.patient', 'zip', 'geo kind=zip'), phiguard.label('ehr.patient', 'gender', 'quasi'), phiguard.label('ehr.patient', 'race', 'quasi'),
			phiguard.label('ehr.stay', 'id', 'other'), phiguard.label('ehr.stay', 'patient', 'mrn'), phiguard.label('ehr.stay', 'started', 'date kind=event'), phiguard.label('ehr.stay', 'class', 'clinical'),
			phiguard.label('ehr.stay', 'cost', 'clinical'), phiguard.label('ehr.stay', 'again', 'clinical');
		SELECT phiguard.assign_surrogates('ehr.patient', 'id', 'dua-2026-07'), phiguard.assign_surrogates('ehr.stay', 'patient', 'dua-2026-07')});
	($out, $err) = officer(q{
		SELECT phiguard.create_extract('again', $$
			SELECT phiguard.surrogate(s.patient, 'dua-2026-07') AS patient, phiguard.birth_year(p.birth, current_date) AS born, phiguard.zip3(p.zip) AS zip3, p.gender, p.race,
				phiguard.year(s.started) AS year, s.class, s.cost::float8 AS cost, s.again
			FROM ehr.stay s JOIN ehr.patient p ON p.id = s.patient $$, 'stays', agreement => 'dua-2026-07');
		SELECT phiguard.attest_extract('again', 'No actual knowledge');
		GRANT SELECT ON again TO regress_phig_scientist});
	is($err, '', 'Synthea: a Safe Harbor extract is made');
	my ($printed, $errors) = runs('python', <<'PY', 'synthea');
import pandas, sqlalchemy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
with sqlalchemy.create_engine("postgresql+psycopg2://").connect() as connection:
    stays = pandas.read_sql(sqlalchemy.text("SELECT * FROM again ORDER BY patient, year, cost"), connection)
features = pandas.get_dummies(stays[["gender", "race", "class"]]).assign(born=(stays["born"] - 1980) / 20, cost=stays["cost"] / 1000)
train, test = next(GroupShuffleSplit(test_size=0.3, random_state=1).split(stays, groups=stays["patient"]))
model = LogisticRegression(max_iter=2000).fit(features.iloc[train], stays["again"].iloc[train])
score = roc_auc_score(stays["again"].iloc[test], model.predict_proba(features.iloc[test])[:, 1])
print(len(stays), stays["patient"].nunique(), len(set(stays["patient"].iloc[train]) & set(stays["patient"].iloc[test])), 0 < score <= 1, stays["born"].min() >= 1936, int(stays["zip3"].str.len().max()))
PY
	is($printed, "604 27 0 True True 3\n", 'Synthea: a logistic regression is trained, and no person is in two sets') or diag($errors);
	is($node->safe_psql('postgres', q{
			SELECT extract, recipient, rows, array_to_string(shown, ' ') FROM phiguard.access_log WHERE kind = 'disclosure' AND application = 'synthea'}),
		'public.again|University X|604|ehr.patient.birth=birth_year ehr.patient.gender=clear ehr.patient.race=clear ehr.patient.zip=zip3 ehr.stay.again=clear ehr.stay.class=clear ehr.stay.cost=clear '
		. 'ehr.stay.patient=surrogate ehr.stay.started=year', 'Synthea: the disclosure is on record');
	my $names = $node->safe_psql('postgres', q{SELECT string_agg(v, '|') FROM ehr.patient, LATERAL unnest(ARRAY[id, ssn, name]) v});
	($out, $err) = scientist('SELECT again::text FROM again');
	unlike($out, qr/\Q$_\E/, 'Synthea: an identifier is not in it') for (split /\|/, $names)[ 0 .. 5 ];
}

sub officer { return run_sql($node, $_[0], as => 'regress_phig_officer') }
sub scientist { return run_sql($node, $_[0], as => 'regress_phig_scientist') }

sub first_line
{
	my ($file) = @_;
	my ($line) = split /\r?\n/, slurp_file($file);
	return $line;
}

# [language, code, output] of the page's recipes.
sub blocks_of
{
	my ($text) = @_;
	my @found;

	push @found, [ $1, $2, $3 ] while $text =~ /^```(python|sh)\n(.*?)^```\n\n```output\n(.*?)^```\n/gms;
	return @found;
}

# As the scientist would, in a directory of their own.
sub runs
{
	my ($language, $code, $application) = @_;
	my ($printed, $errors) = ('', '');
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE PGAPPNAME)} = ($node->host, $node->port, 'regress_phig_scientist', 'postgres', $application);

	run([ $language eq 'sh' ? ('sh', '-e') : ($python, '-W', 'ignore', '-') ], '<', \$code, '>', \$printed, '2>', \$errors, init => sub { chdir $place or die "$place: $!" });
	return ($printed, $errors);
}
