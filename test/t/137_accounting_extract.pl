# Readings of extracts in the accounting of disclosures: excluded by the method under which the data left, as the record
# of the reading names it; whatever becomes of the extract afterwards, and not where something else left with it.
use strict;
use warnings;
use PhigJournal qw(slurp_bytes spew_bytes with_crc);
use PhigTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('accounting_extract', "phiguard.officer_role = 'regress_phig_officer'");
sub sql { return $node->safe_psql('postgres', $_[0]) }

sub as
{
	my ($role, $query, %opt) = @_;
	my ($out, $err) = run_sql($node, $query, as => $role, %opt);
	return $err ne '' ? $err : $out;
}

sql(<<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_scientist LOGIN;
GRANT CREATE ON SCHEMA public TO regress_phig_officer;
CREATE TABLE patient (id int PRIMARY KEY, ssn text, birth date, zip text, sex text);
INSERT INTO patient SELECT i, '999-00-' || 1000 + i, date '1950-05-05' + i, '0213' || i, 'f' FROM generate_series(1, 5) i;
GRANT SELECT ON patient TO regress_phig_officer, regress_phig_scientist;
SELECT phiguard.label('patient', 'id', 'other'), phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('patient', 'birth', 'date kind=birth'),
	phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'sex', 'quasi');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SELECT phiguard.create_key('dua-1'), phiguard.create_purpose('study', code => 'HRESCH', otherwise => 'deny'), phiguard.allow('study', category => 'quasi'),
	phiguard.allow('study', category => 'geo'), phiguard.allow('study', category => 'date'), phiguard.allow('study', category => 'other'),
	phiguard.create_purpose('donation', code => 'DONAT', otherwise => 'mask'),
	phiguard.create_agreement('dua-1', 'DUA', 'University X', '{study}'), phiguard.grant_purpose('donation', 'regress_phig_scientist');
SQL
as('regress_phig_officer', q{
	SELECT phiguard.create_extract('harbor', $$ SELECT phiguard.zip3(zip) AS zip3, sex FROM patient $$, 'study', agreement => 'dua-1');
	SELECT phiguard.create_extract('limited', $$ SELECT birth, zip, sex FROM patient $$, 'study', method => 'limited_data_set', agreement => 'dua-1');
	SELECT phiguard.attest_extract('harbor', 'no actual knowledge');
	GRANT SELECT ON harbor, limited TO regress_phig_scientist});

# The accounting of patient 3, of the readings of one application.
sub accounting
{
	my ($app) = @_;
	return as('regress_phig_officer', "SELECT d.basis, coalesce(d.excluded_by, 'told') FROM phiguard.who_saw('patient', '3') w,
		phiguard.disclosures('patient', '3', since => w.started, until => w.started + interval '1 microsecond', include_excluded => true) d WHERE w.application = '$app'");
}

sub reads
{
	my ($app, $query, %opt) = @_;
	return as('regress_phig_scientist', $query, app => $app, %opt);
}

is(reads('harbor', 'SELECT count(*) FROM (SELECT zip3, sex FROM harbor OFFSET 0) x'), 5, 'an extract by Safe Harbor is read');
is(accounting('harbor'), 'deidentified|164.502(d)(2)', '... and is no PHI');
like(reads('limited', 'SELECT zip, sex FROM limited'), qr/^02131\|f/, 'a limited data set is read');
is(accounting('limited'), 'limited_data_set|164.528(a)(1)(viii)', '... and is excluded as such');

# One that fails behind its rows as if it were refused.
sql('CREATE FUNCTION refuse() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE insufficient_privilege; END$$');
like(reads('fails', "\\set FETCH_COUNT 1\nSELECT zip, CASE WHEN birth = '1950-05-10' THEN refuse() END FROM limited"), qr/insufficient_privilege/, 'a reading fails at its last row');
is(accounting('fails'), 'limited_data_set|164.528(a)(1)(viii)', '... and is accounted for: the others have left');

# With something else.
like(reads('beside', 'SELECT h.zip3, p.ssn FROM harbor h, patient p ORDER BY 2 LIMIT 30'), qr/^021\|999-00-1001/, 'an extract is read, and beside it the table');
is(accounting('beside'), 'impermissible|told', '... so the method says nothing of what left');
is(sql("SELECT string_agg(flag, ' ' ORDER BY flag) FROM phiguard.access_log, unnest(flags) flag WHERE application = 'beside' AND kind = 'disclosure' AND flag ~ 'extract|harbor'"),
	'beside_extract safe_harbor', '... and the record names both');
reads('view', 'CREATE TEMP VIEW v AS SELECT ssn FROM patient; SELECT * FROM v, harbor');
is(accounting('view'), 'impermissible|told', '... also through a view');
reads('steered', "SELECT zip3 FROM harbor WHERE (SELECT ssn FROM patient WHERE id = 3) = '999-00-1003'");
is(accounting('steered'), 'impermissible|told', '... also where the table only steers');
reads('both', 'SELECT h.sex FROM harbor h, limited l');
is(accounting('both'), 'limited_data_set|164.528(a)(1)(viii)', 'of two methods the weaker one');

# However much else is to be said of a thousand columns, the record says to whom the extract went, and that they went with it.
my @wide = map { "some_labelled_column_$_" } 1 .. 1000;
sql('CREATE TABLE wide (' . join(', ', map { "$_ text" } @wide) . '); GRANT SELECT ON wide TO regress_phig_scientist; '
	  . join('', map { "SECURITY LABEL FOR phiguard ON COLUMN wide.$_ IS 'ssn';" } @wide));
sql('INSERT INTO wide DEFAULT VALUES');
my $disclosed = "SELECT kind, recipient, agreement, array_to_string(ARRAY(SELECT unnest(flags) ORDER BY 1), ' ') FROM phiguard.access_log WHERE application = '%s' AND 'cut' = ANY (flags)";
reads('wide', 'SELECT l.zip, w.* FROM limited l, wide w');
is(sql(sprintf($disclosed, 'wide')), 'disclosure|University X|dua-1|beside_extract cut limited_data_set would_deny', 'an extract that is read beside a wide table');
reads('wide copy', 'CREATE TEMP TABLE mine AS SELECT l.zip, w.* FROM limited l, wide w');
like(sql(sprintf($disclosed, 'wide copy')), qr/^disclosure\|University X\|dua-1\|.*beside_extract.*limited_data_set/, '... or written with it');

# The code of the session's purpose, where the method does not say.
reads('donation', "SET phiguard.purpose = 'donation'; SELECT h.zip3, p.ssn FROM harbor h, patient p");
is(accounting('donation'), 'organ_donation|told', 'organ donation is no operation: 164.512(h)');
sql("SELECT phiguard.drop_purpose('donation'); SELECT phiguard.create_purpose('donation', code => 'TREAT', otherwise => 'clear')");
is(accounting('donation'), 'impermissible|told', 'a purpose that was made later says nothing of it');

sql('SELECT * FROM harbor');

# What becomes of the extract.
as('regress_phig_officer', q{DROP VIEW IF EXISTS limited; SELECT phiguard.create_extract('limited', $$ SELECT phiguard.zip3(zip) AS zip, sex FROM patient $$, 'study')});
is(sql("SELECT method FROM phiguard.extracts WHERE relation = 'limited'"), 'safe_harbor', 'an extract of the same name, by another method');
is(accounting('limited'), 'limited_data_set|164.528(a)(1)(viii)', '... does not change what the other one was');
as('regress_phig_officer', 'DROP VIEW harbor');
is(accounting('harbor'), 'deidentified|164.502(d)(2)', 'nor does its removal');

# Codes that HL7 counts as operations, or treatment, and 45 CFR 164.528 does not exclude.
is(sql("SELECT string_agg(code || '=' || b.basis, ' ' ORDER BY code) FROM unnest('{DONAT,HDECD,MILCDM,MILDCRG,GOV,HLEGAL,CLINTRL,THREAT}'::text[]) code
	JOIN phiguard.disclosure_basis b ON b.basis = phiguard.basis_of_code(code) AND b.accounted"),
	'CLINTRL=research DONAT=organ_donation GOV=government HDECD=decedents HLEGAL=judicial MILCDM=government MILDCRG=government THREAT=serious_threat', 'all of these are told');
journal_is_intact($node, 'the journal is intact');

# What somebody has written into a copy of it, each record whole: flags that are said twice.
my $copy = PostgreSQL::Test::Utils::tempdir();
for my $segment (glob($node->data_dir . '/phiguard/journal/*.seg'))
{
	my $bytes = slurp_bytes($segment);
	for my $record (@{ PhigJournal::read_segment($segment)->{records} })
	{
		my $changed = $record->{bytes} =~ s/F=safe_harbor\n/F=exempt\nF=ab\n/r;
		substr($bytes, $record->{offset}, $record->{length}) = with_crc($changed) if $changed ne $record->{bytes};
	}
	spew_bytes("$copy/" . (split m{/}, $segment)[-1], $bytes);
}
system("chmod -R a+rX $copy");
is(sql("SELECT count(*) > 0 FROM phiguard.read_journal('$copy') WHERE flags @> '{exempt,ab}'"), 't', 'a flag that a definition repeats is shown once, and is no error');

done_testing();
