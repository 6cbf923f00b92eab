# Reports by person, on the patients of test/data/synthea: who saw whom, the accounting of disclosures (45 CFR 164.528)
# against one made by hand, with each exclusion, and what a breach needs.
use strict;
use warnings;
use PhigTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('reports', "phiguard.officer_role = 'regress_phig_officer'", "phiguard.auditor_role = 'regress_phig_auditor'");
sub sql { return $node->safe_psql('postgres', $_[0]) }

sub as
{
	my ($role, $query) = @_;
	my ($out, $err) = run_sql($node, $query, as => $role);
	return $err ne '' ? $err : $out;
}

my $csv = PostgreSQL::Test::Utils::slurp_file('test/data/synthea/patients.csv');
my @rows = grep { $_ } split /\r?\n/, $csv;
shift @rows;
my @patients = map { my @f = split /,/; { id => $f[0], ssn => $f[3], name => $f[8] } } @rows;
sql(<<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_auditor LOGIN;
CREATE ROLE regress_phig_nurse LOGIN;
CREATE ROLE regress_phig_clerk LOGIN;
CREATE TABLE patient (id text PRIMARY KEY, ssn text, name text);
CREATE TABLE encounter (id int PRIMARY KEY, patient text REFERENCES patient ON DELETE CASCADE, note text);
CREATE TABLE plain (id int, patient text);
GRANT SELECT, UPDATE, DELETE ON patient, encounter, plain TO regress_phig_nurse, regress_phig_clerk;
GRANT SELECT ON patient TO regress_phig_officer;
SQL
sql("INSERT INTO patient VALUES " . join(', ', map { "('$_->{id}', '$_->{ssn}', '$_->{name}')" } @patients));
sql("INSERT INTO encounter VALUES " . join(', ', map { "($_, '$patients[$_ % 10]{id}', 'note')" } 1 .. 30));

# Before the table has a subject, nobody's rows are captured.
sql("SELECT phiguard.label('patient', 'ssn', 'ssn'); SELECT phiguard.label('encounter', 'note', 'note')");
run_sql($node, 'SELECT ssn FROM patient', as => 'regress_phig_clerk', app => 'before');
sql(<<'SQL');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SECURITY LABEL FOR phiguard ON TABLE encounter IS 'subject=patient';
SQL

#
# Who saw whom.
#
my ($ann, $bob) = ($patients[0]{id}, $patients[1]{id});
run_sql($node, "SELECT ssn FROM patient WHERE id = '$ann'", as => 'regress_phig_nurse', app => 'one');
run_sql($node, "SELECT ssn FROM patient WHERE id = '$bob'", as => 'regress_phig_nurse', app => 'another');
run_sql($node, "SELECT note FROM encounter WHERE patient = '$ann'", as => 'regress_phig_nurse', app => 'visits');
run_sql($node, 'SELECT count(ssn) FROM patient', as => 'regress_phig_nurse', app => 'counted');
run_sql($node, "UPDATE patient SET ssn = ssn WHERE id = '$ann'", as => 'regress_phig_nurse', app => 'written');
run_sql($node, "SELECT ssn FROM patient WHERE id = 'nobody'", as => 'regress_phig_nurse', app => 'nobody');

my $who = "SELECT application, kind, active_role, array_to_string(columns, ' '), certainty FROM phiguard.who_saw";
my $expected = <<'LINES';
before|read|regress_phig_clerk|public.patient.ssn=clear|possible
one|read|regress_phig_nurse|public.patient.ssn=clear|seen
visits|read|regress_phig_nurse|public.encounter.note=clear|seen
counted|read|regress_phig_nurse|public.patient.ssn|aggregate
LINES
my $of_ann = as('regress_phig_auditor', "$who('patient', '$ann') WHERE kind = 'read'") . "\n";
is($of_ann, $expected, 'who saw a patient, in one SELECT');
is(as('regress_phig_officer', "$who('patient', '$ann') WHERE kind = 'read'") . "\n", $expected, 'the officer may ask, too');
like(as('regress_phig_auditor', "$who('patient', '$ann') WHERE application = 'written'"), qr/^written\|write\|regress_phig_nurse\|.*\|(written|seen)$/, 'writing is told apart');
is(as('regress_phig_auditor', "SELECT string_agg(application, ' ' ORDER BY position) FROM phiguard.who_saw('encounter', '$bob') WHERE kind = 'read'"),
	'before another counted', 'another patient, by another table with the same persons');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$ann', since => now() + interval '1 hour')"), 0, 'since');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$ann', until => '2020-01-01')"), 0, 'until');
like(as('regress_phig_nurse', "$who('patient', '$ann')"), qr/permission denied to read phiguard's record/, 'nobody else may ask');
like(as('regress_phig_nurse', "SELECT phiguard.subject_token('patient', '$ann')"), qr/must be a privacy officer or an auditor/,
	'nor compute the token of a key that is guessed');
like(as('regress_phig_nurse', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'a', 'b', 'abuse', 'c')"), qr/must be a privacy officer/, 'nor write disclosures down');
like(as('regress_phig_nurse', 'SELECT count(*) FROM phiguard.recorded_disclosures'), qr/must be a privacy officer or an auditor/, 'nor read them');
like(as('regress_phig_nurse', 'SELECT * FROM phiguard.disclosure'), qr/permission denied/, 'nor where they are kept');
like(as('regress_phig_auditor', "SELECT * FROM phiguard.who_saw('plain', '1')"), qr/has no subject/, 'a table without subject');
is(as('regress_phig_auditor', "SELECT count(*) > 0, bool_or(query LIKE '%$ann%') FROM phiguard.access_log WHERE kind = 'log_read' AND query = 'who_saw'"),
	't|f', 'each reading is on record, without the key');

# Other names, a deleted row, a crash.
sql('ALTER TABLE patient RENAME TO person');
is(as('regress_phig_auditor', "SELECT string_agg(application, ' ' ORDER BY position) FROM phiguard.who_saw('person', '$ann') WHERE kind = 'read'"),
	'one visits counted', 'after a rename: by the token');
is(as('regress_phig_auditor', "SELECT string_agg(application, ' ' ORDER BY position) FROM phiguard.who_saw('person', '$ann', also_named => '{public.patient}') WHERE kind = 'read'"),
	'before one visits counted', 'with the name it had: what is possible, too');
sql('ALTER TABLE person RENAME TO patient');
my $carl = $patients[2]{id};
run_sql($node, "SELECT ssn FROM patient WHERE id = '$carl'", as => 'regress_phig_nurse', app => 'carl');
sql("DELETE FROM patient WHERE id = '$carl'");
like(as('regress_phig_auditor', "SELECT string_agg(application, ' ' ORDER BY position) FROM phiguard.who_saw('patient', '$carl') WHERE certainty = 'seen'"),
	qr/\bcarl\b/, 'a patient whose row is gone is found by the key');

my ($unseen) = grep { $_ ne $carl } reverse sort map { $_->{id} } @patients;
my $cursor = session($node, as => 'regress_phig_nurse', app => 'lost');
$cursor->ask("BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id; FETCH 1 FROM c");
is(as('regress_phig_auditor', "SELECT certainty FROM phiguard.who_saw('patient', '$unseen') WHERE application = 'lost'"), 'possible',
	'what runs may see more than it has named');
kill 'KILL', $cursor->{pid};
ok($node->poll_query_until('postgres', "SELECT outcome = 'lost' FROM phiguard.access_log WHERE application = 'lost' AND kind = 'read'"), 'it is killed');
is(as('regress_phig_auditor', "SELECT certainty FROM phiguard.who_saw('patient', '$unseen') WHERE application = 'lost'"), 'possible',
	'and it may have, when its end is lost');

#
# The accounting.  Basis, days ago, expected in it, paragraph otherwise; the last but one in three entries.
#
my @made = (
	[ 'treatment', 10, '164.528(a)(1)(i)' ], [ 'payment', 11, '164.528(a)(1)(i)' ], [ 'operations', 12, '164.528(a)(1)(i)' ],
	[ 'individual', 13, '164.528(a)(1)(ii)' ], [ 'incident', 14, '164.528(a)(1)(iii)' ], [ 'authorization', 15, '164.528(a)(1)(iv)' ],
	[ 'directory', 16, '164.528(a)(1)(v)' ], [ 'involved_in_care', 17, '164.528(a)(1)(v)' ], [ 'national_security', 18, '164.528(a)(1)(vi)' ],
	[ 'custody', 19, '164.528(a)(1)(vii)' ], [ 'limited_data_set', 20, '164.528(a)(1)(viii)' ], [ 'deidentified', 21, '164.502(d)(2)' ],
	map { [ $_, 22, '' ] } qw(secretary required_by_law abuse oversight judicial law_enforcement decedents organ_donation serious_threat government
	  workers_compensation impermissible));
for my $d (@made)
{
	like(as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Recipient of $d->[0]', 'diagnosis', '$d->[0]', 'why', now() - interval '$d->[1] days', address => '1 Main St')"),
		qr/^\d+$/, "$d->[0]: written down");
}
my $accounting = "SELECT basis FROM phiguard.disclosures('patient', '$ann')";
is(as('regress_phig_officer', "SELECT string_agg(basis, ' ' ORDER BY basis COLLATE \"C\") FROM phiguard.disclosures('patient', '$ann')"),
	join(' ', sort map { $_->[0] } grep { $_->[2] eq '' } @made), 'in the accounting is what 164.528(a)(1) does not exclude, and nothing else');
is(as('regress_phig_officer', "SELECT string_agg(basis || '=' || excluded_by, ' ' ORDER BY basis COLLATE \"C\") FROM phiguard.disclosures('patient', '$ann', include_excluded => true) WHERE excluded_by IS NOT NULL"),
	join(' ', sort map { "$_->[0]=$_->[2]" } grep { $_->[2] ne '' } @made), 'and each exclusion has its paragraph');
is(as('regress_phig_officer', "SELECT count(*) FROM phiguard.disclosures('patient', '$bob')"), 0, 'not in that of another patient');

sub row
{
	my ($where, $arguments) = @_;
	return as('regress_phig_officer', "SELECT recipient, coalesce(address, '-'), description, purpose, citation, form, times, coalesce(frequency, '-') FROM phiguard.disclosures('patient', '$ann'" . ($arguments // '') . ") WHERE $where ORDER BY disclosed");
}
is(row("basis = 'abuse'"), 'Recipient of abuse|1 Main St|diagnosis|why|164.512(c)|single|1|-', 'its content: 164.528(b)(2)');

# (b)(3): one recipient, one purpose, again and again.
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann,$bob}', 'Health department', 'case report', 'public_health', 'surveillance', now() - interval '$_ days')") for 30, 20, 10;
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Health department', 'case report', 'public_health', 'another purpose', now() - interval '5 days', times => 4, last_disclosed => now() - interval '2 days')");
is(row("basis = 'public_health'"), "Health department|-|case report|surveillance|164.512(b)|repeated|3|3 times in 21 days\n"
	  . 'Health department|-|case report|another purpose|164.512(b)|repeated|4|4 times in 4 days', 'repeated ones are one row: 164.528(b)(3)');
is(as('regress_phig_officer', "SELECT times FROM phiguard.disclosures('patient', '$bob')"), 3, 'persons who share a disclosure have it each');
# Only those under 164.512, or to the Secretary; of a breach each is told.
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'A newspaper', 'chart', 'impermissible', 'stolen laptop', now() - interval '$_ days')") for 9, 8;
is(row("recipient = 'A newspaper'"), join("\n", ('A newspaper|-|chart|stolen laptop|164.402|single|1|-') x 2), 'what was not permitted is never put together');
like(as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'A newspaper', 'chart', 'impermissible', 'x', now() - interval '3 days', times => 3, last_disclosed => now() - interval '1 day')"),
	qr/disclosures on this basis are written down one by one/, 'nor written down together');

# (b)(4): research without a list of persons.
my $protocol = '{"name": "Protocol 7", "description": "why asthma comes back", "criteria": "adults with asthma", "data": "visits", "period": "2025, last in May", "sponsor": "X, 1 Main St, 555-0100", "researcher": "Dr. Y, 2 Main St, 555-0101"}';
my $research = "SELECT phiguard.record_disclosure('patient', '{}', 'University X', 'chart review', 'research', 'protocol 7', now() - interval '40 days', protocol => ";
like(as('regress_phig_officer', $research . "'" . ($protocol =~ s/"$_": ".*?"/"$_": ""/r) . "')"), qr/the protocol must be an object with name/, "a protocol says its $_")
  for qw(name description criteria data period sponsor researcher);
like(as('regress_phig_officer', $research . "'{}')"), qr/the protocol must be an object with name/, 'nor an empty one');
like(as('regress_phig_officer', $research =~ s/'research'/'abuse'/r . "'$protocol')"), qr/only research is accounted for by a protocol/, 'for research only');
like(as('regress_phig_officer', $research . "'$protocol')"), qr/^\d+$/, 'a whole one is taken');
is(as('regress_phig_officer', "SELECT form, protocol->>'name', certainty FROM phiguard.disclosures('patient', '$bob') WHERE basis = 'research'"), 'research|Protocol 7|possible',
	'a protocol may concern anybody: 164.528(b)(4)');

# Six years, and the compliance date.
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Old', 'x', 'abuse', 'y', now() - interval '7 years')");
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Oldest', 'x', 'abuse', 'y', '2003-04-13 12:00 UTC')");
is(row("recipient LIKE 'Old%'", ", since => '1990-01-01'"), '', 'six years before the request, not more');
is(row("recipient = 'Old'", ", until => now() - interval '2 years'"), 'Old|-|x|y|164.512(c)|single|1|-', 'but of a request that was made earlier');
is(row("recipient = 'Oldest'", ", until => '2004-01-01'"), '', 'before the compliance date: 164.528(a)(1)(ix)');
is(as('regress_phig_officer', "SELECT excluded_by FROM phiguard.disclosures('patient', '$ann', until => '2004-01-01', include_excluded => true) WHERE recipient = 'Oldest'"), '164.528(a)(1)(ix)', 'and it says so');

# (a)(2): suspension.
my $suspend = "SELECT phiguard.suspend_accounting('Recipient of oversight'";
like(as('regress_phig_officer', "$suspend, now() + interval '60 days', 'it would impede', 'Inspector')"), qr/by an oral statement for 30 days at most/, 'an oral statement: 30 days');
like(as('regress_phig_officer', "$suspend, now() + interval '60 days', '', 'Inspector', true)"), qr/must be given/, 'not without a statement');
like(as('regress_phig_officer', "$suspend, now() + interval '60 days', 'it would impede', 'Inspector', true, 'patient', '$bob')"), qr/^\d+$/, 'a written one, of another patient');
like(row("basis = 'oversight'"), qr/^Recipient of oversight/, 'has no effect here');
like(as('regress_phig_officer', "$suspend, now() + interval '20 days', 'it would impede', 'Inspector')"), qr/^\d+$/, 'an oral one, of all');
is(row("basis = 'oversight'"), '', 'suspended: not in the accounting');
like(row("basis = 'oversight'", ', include_suspended => true'), qr/^Recipient of oversight/, 'but there for the officer');
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Recipient of oversight', 'chart', '$_', 'a leak', now() - interval '1 day')") for qw(impermissible public_health);
is(as('regress_phig_officer', "SELECT string_agg(basis, ' ' ORDER BY basis) FROM phiguard.disclosures('patient', '$ann') WHERE recipient = 'Recipient of oversight'"), 'impermissible public_health',
	'only what went there for oversight or law enforcement is suspended');

# What is missing is refused, and nothing of it is repeated.
for my $case ([ "'patient', '{$ann}', '', 'b', 'abuse', 'c'", 'the recipient must be given' ], [ "'patient', '{$ann}', 'a', 'b', 'nothing', 'c'", 'the basis of the disclosure is not one of' ],
	[ "'patient', '{$ann}', 'a', 'b', 'abuse'", 'the purpose, or a copy of the request, must be given' ], [ "'patient', '{}', 'a', 'b', 'abuse', 'c'", 'the persons must be given' ],
	[ "'patient', '{$ann}', 'a', 'b', 'abuse', 'c', times => 2", 'the last time of disclosures' ],
	[ "'patient', '{$ann}', 'a', 'b', 'abuse', 'c', now() + interval '1 hour'", 'written down when it was made, not before' ],
	[ "'patient', '{$ann}', 'a', 'b', 'abuse', 'c', now() - interval '1 hour', times => 2, last_disclosed => now() + interval '1 hour'", 'written down when it was made, not before' ])
{
	my $said = as('regress_phig_officer', "SELECT phiguard.record_disclosure($case->[0])");
	like($said, qr/\Q$case->[1]\E/, "refused: $case->[1]");
	unlike($said, qr/\Q$ann\E/, 'without the key') if $said !~ /LINE 1/;
}

# The record of it.
is(as('regress_phig_auditor', "SELECT count(*), bool_and(phiguard.subject_token('patient', '$bob') = ANY (subjects)) FROM phiguard.access_log WHERE kind = 'disclosure' AND cardinality(subjects) = 2"),
	'3|t', 'each is a record of kind disclosure that names the persons');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$bob') WHERE command = 'RECORD DISCLOSURE'"), 4, 'and who_saw() knows them');
my $digest = "SELECT count(DISTINCT query ~ '.*SHA') + count(DISTINCT regexp_replace(query, '.*SHA-256 ', '')) FROM phiguard.access_log WHERE recipient = 'Twice'";
as('regress_phig_officer', "SELECT phiguard.record_disclosure('patient', '{$ann}', 'Twice', 'x', 'abuse', 'y', '2025-01-0$_')") for 1, 2;
is(sql($digest), 1 + 2, 'the digest covers when it was');
unlike(sql("SELECT string_agg(query, ' ') FROM phiguard.access_log WHERE kind = 'disclosure'"), qr/\Q$bob\E|case report/, 'without key or content');

#
# A breach.
#
my $breach = "SELECT item, value FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day')";
is(as('regress_phig_auditor', "SELECT value FROM phiguard.breach_report('nobody', now() - interval '1 day') WHERE item LIKE '500%'"), 'no', 'a role that saw nothing');
is(as('regress_phig_auditor', "$breach WHERE item = 'persons'"), 'persons|' . @patients, 'how many persons: those that the counting reached');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day') WHERE item = 'person' AND value = phiguard.subject_token('patient', '$ann')"), 1, 'who they are');
is(as('regress_phig_auditor', "$breach WHERE item = 'categories'"), 'categories|note, ssn', 'categories');
is(as('regress_phig_auditor', "$breach WHERE item = 'column=form' ORDER BY value"), "column=form|public.encounter.note=clear\ncolumn=form|public.patient.ssn=clear", 'columns and forms');
is(as('regress_phig_auditor', "$breach WHERE item LIKE '500%'"), '500 individuals or more|possible', 'fewer than 500, but a killed session names not everybody');
is(as('regress_phig_auditor', "SELECT count(DISTINCT section) FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day')"), 8, 'four factors and four notices');
like(as('regress_phig_nurse', $breach), qr/permission denied to read phiguard's record/, 'nobody else may ask');

# Whose statement is refused has seen nothing.  Whoever has it fail in that way behind its last row but one has seen the others.
sql(<<'SQL');
CREATE ROLE regress_phig_sly LOGIN;
GRANT SELECT ON patient TO regress_phig_sly;
CREATE FUNCTION refuse() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE insufficient_privilege; END$$;
SQL
my $sly = "SELECT item, value FROM phiguard.breach_report('regress_phig_sly', now() - interval '1 day') WHERE item IN ('persons', 'refused attempts') ORDER BY item";
like((run_sql($node, 'SELECT note FROM encounter', as => 'regress_phig_sly'))[1], qr/permission denied/, 'a statement is refused');
is(as('regress_phig_auditor', $sly), "persons|0\nrefused attempts|1", '... and has seen nobody');
my $last = sql('SELECT id FROM patient ORDER BY ctid DESC LIMIT 1');
my ($got, $said) = run_sql($node, "\\set FETCH_COUNT 1\nSELECT ssn, CASE WHEN id = '$last' THEN refuse() END FROM patient", as => 'regress_phig_sly', app => 'sly');
like($said, qr/insufficient_privilege/, 'control: a statement fails as if it were refused');
is(scalar(() = $got =~ /^\d{3}-\d{2}-\d{4}/mg), @patients - 2, '... and its rows have left');
is(as('regress_phig_auditor', "SELECT kind, outcome, sqlstate, rows, persons FROM phiguard.access_log WHERE application = 'sly'"), 'read|error|42501|' . (@patients - 2) . '|' . (@patients - 2), 'that is a read on record');
is(as('regress_phig_auditor', $sly), 'persons|' . (@patients - 2) . "\nrefused attempts|1", '... and in the report of a breach');
# Nor must a row come back: a function says what it sees.
sql("CREATE FUNCTION say(what text) RETURNS text LANGUAGE plpgsql AS \$\$BEGIN RAISE NOTICE '%', what; RETURN what; END\$\$");
($got, $said) = run_sql($node, 'SELECT count(say(ssn)) FROM patient HAVING count(*) < 0', as => 'regress_phig_sly');
is($got . scalar(() = $said =~ /NOTICE:  \d{3}-\d{2}-\d{4}/g), @patients - 1, 'control: all values leave by NOTICE, and no row does');
is(as('regress_phig_auditor', $sly), 'persons|' . (@patients - 1) . "\nrefused attempts|1", 'the report of a breach has all of them');

# Nor must anybody be captured: it says what it sees, and fails.  What was refused before it ran said nothing.
sql(<<'SQL');
CREATE FUNCTION say_and_fail(what text, state text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '%', what; RAISE EXCEPTION 'no' USING ERRCODE = state; END$$;
CREATE TABLE lonely (id int, ssn text);
INSERT INTO lonely VALUES (1, '123-45-6789');
SELECT phiguard.label('lonely', 'ssn', 'ssn');
SQL
sub failing
{
	my ($name, $role, $run, $fails, $expected, $record) = @_;
	sql("CREATE ROLE $role LOGIN; GRANT SELECT ON patient, lonely TO $role; GRANT INSERT ON plain TO $role");
	(undef, my $said) = run_sql($node, $run, as => $role, app => $role);
	like($said, $fails, "control: $name");
	is(as('regress_phig_auditor', "SELECT kind, outcome, rows, coalesce(subjects::text, 'not captured'), 'ran' = ANY (flags) FROM phiguard.access_log WHERE application = '$role'"), $record, '... on record');
	is(as('regress_phig_auditor', "SELECT string_agg(value, ' ' ORDER BY item) FROM phiguard.breach_report('$role', now() - interval '1 day') WHERE item IN ('executions', 'executions that do not name everybody', 'persons', 'refused attempts') OR item ~ '^notify'"),
		$expected, '... and in the report of a breach');
}
my $one = 'SELECT say_and_fail(ssn, %s) FROM patient LIMIT 1';
# executions, those that do not name everybody, notify, persons, refused attempts
failing('a value leaves by NOTICE, and no row does', 'regress_phig_loud', sprintf($one, "'22000'"), qr/NOTICE:  \d{3}-\d{2}-\d{4}\n.*ERROR:  no/s, '1 1 yes 0 0', 'read|error|0|{}|t');
failing('... and the statement fails as if it were refused', 'regress_phig_loud_too', sprintf($one, "'42501'"), qr/NOTICE:  \d{3}-\d{2}-\d{4}\n.*ERROR:  no/s, '1 1 yes 0 1', 'denied|error|0|{}|t');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.access_log WHERE $_ AND application LIKE 'regress_phig_loud%'"), 2, "found by the flag: $_") for "'ran' = ANY (flags)", "flags && '{ran}'", "flags @> '{ran}'";
failing('... and it writes', 'regress_phig_writer', "INSERT INTO plain SELECT 1, say_and_fail(ssn, '22000') FROM patient", qr/NOTICE:  \d{3}-\d{2}-\d{4}\n.*ERROR:  no/s, '1 1 yes 0 0', 'write|error|0|{}|t');
failing('... of a table of nobody in particular', 'regress_phig_lonely', "SELECT say_and_fail(ssn, '22000') FROM lonely", qr/NOTICE:  123-45-6789\n.*ERROR:  no/s, '1 1 yes 0 0', 'read|error|0|not captured|t');
failing('what is captured before it fails counts', 'regress_phig_late', "SELECT count(say(ssn)) / 0 FROM patient", qr/NOTICE:  \d{3}-\d{2}-\d{4}\n.*ERROR:  division by zero/s, '1 0 yes ' . (@patients - 1) . ' 0',
	'read|error|0|' . sql("SELECT array_agg(phiguard.subject_token('patient', id) ORDER BY phiguard.subject_token('patient', id) COLLATE \"C\") FROM patient") . '|t');
failing('a statement is refused before it runs', 'regress_phig_refused', 'SELECT note FROM encounter', qr/permission denied/, '0 no 0 1', 'denied|error|0|{}|f');
failing('... inside a function', 'regress_phig_refused_inside', 'DO $$BEGIN PERFORM note FROM encounter; END$$', qr/permission denied/, '0 no 0 1', 'denied|error|0|{}|f');
failing('... and one that sees nobody fails nowhere', 'regress_phig_empty', "SELECT ssn FROM patient WHERE id = 'nobody'", qr/^$/, '0 no 0 0', 'read|ok|0|{}|f');

# COPY of a table of nobody in particular, which does not get to its end: what has left is on record.
sql(<<'SQL');
CREATE TABLE crowd (id int, ssn text);
INSERT INTO crowd SELECT i, '123-45-6789' FROM generate_series(1, 400000) i;
SELECT phiguard.label('crowd', 'ssn', 'ssn');
CREATE ROLE regress_phig_copyist LOGIN;
GRANT SELECT ON crowd TO regress_phig_copyist;
SQL
my $copies = "SELECT item, value FROM phiguard.breach_report('regress_phig_copyist', now() - interval '1 day') WHERE item ~ '^(executions that|notify)' ORDER BY item";
is(as('regress_phig_auditor', $copies), "executions that do not name everybody|0\nnotify without unreasonable delay, within 60 days of discovery|no", 'nobody has copied anything');
for my $counts ('on', 'off')
{
	my ($received, $copy, $on_record);
	sql("ALTER ROLE regress_phig_copyist SET track_activities = $counts");
	for my $timeout (5, 10, 20, 40, 80, 160, 320)
	{
		($copy) = run_sql($node, "SET statement_timeout = $timeout; COPY crowd TO STDOUT", as => 'regress_phig_copyist', app => "copy $counts");
		$received = () = $copy =~ /\n/g;
		last if $received > 0;
	}
	cmp_ok($received, '>', 0, "control: cancelled, and $received lines have left (track_activities $counts)");
	$on_record = as('regress_phig_auditor', "SELECT kind, outcome, rows FROM phiguard.access_log WHERE application = 'copy $counts' ORDER BY position DESC LIMIT 1");
	like($on_record, qr/^read\|cancelled\|\d+$/, '... which is on record');
	cmp_ok(($on_record =~ /(\d+)$/)[0], '>=', $received, '... with all of them');
}
sql("ALTER ROLE regress_phig_copyist RESET track_activities");
my $slow = session($node, as => 'regress_phig_copyist', app => 'copy ends');
$slow->send('COPY crowd TO STDOUT;');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_copy WHERE pid = $slow->{pid} AND tuples_processed > 1000"), 'a session copies to a client that does not read');
sql("SELECT pg_terminate_backend($slow->{pid}, 30000)");
like(as('regress_phig_auditor', "SELECT kind, outcome, sqlstate, rows > 1000 FROM phiguard.access_log WHERE application = 'copy ends'"), qr/^read\|error\|57P01\|t$/, '... and is terminated: that is on record as well');
like(as('regress_phig_auditor', $copies), qr/^executions that do not name everybody\|[1-9]\d*\nnotify without unreasonable delay, within 60 days of discovery\|yes$/, 'the report of a breach knows');

#
# Several nodes: another server's journal, by its directory.
#
my $copy = PostgreSQL::Test::Utils::tempdir();
system('cp -r ' . $node->data_dir . "/phiguard/journal $copy/journal && chmod -R a+rX $copy") == 0 or die;
sql('GRANT pg_read_server_files TO regress_phig_auditor');
my $elsewhere = "directories => '{$copy/journal}'";
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$ann', $elsewhere) WHERE application = 'one'"), 1, 'a record that several copies hold is one');
is(as('regress_phig_auditor', "SELECT string_agg(value, ' ') FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day', $elsewhere) WHERE item IN ('persons', 'executions')"),
	as('regress_phig_auditor', "SELECT string_agg(value, ' ') FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day') WHERE item IN ('persons', 'executions')"), '... in a report of a breach, too');
$node->stop;
rename($node->data_dir . '/phiguard/journal', $node->data_dir . '/phiguard/another') or die;
$node->start;
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$ann') WHERE application = 'one'"), 0, 'a node that saw nothing');
is(as('regress_phig_auditor', "SELECT count(*) FROM phiguard.who_saw('patient', '$ann', $elsewhere) WHERE application = 'one'"), 1, 'who_saw() reads the journals of other directories');
is(as('regress_phig_auditor', "$breach WHERE item = 'persons'"), 'persons|0', 'a report of a breach does not know');
is(as('regress_phig_auditor', "SELECT value FROM phiguard.breach_report('regress_phig_nurse', now() - interval '1 day', $elsewhere) WHERE item = 'persons'"), scalar(@patients), '... but with the other directories');
journal_is_intact($node, 'the journal is intact');

done_testing();
