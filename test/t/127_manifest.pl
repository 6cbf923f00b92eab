# Manifests of extracts: valid against their schema, true to the content, and what no longer is so is found.
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->allow_nonref->canonical;
my $schema = $json->decode(slurp_file("$FindBin::RealBin/../../docs/extract-manifest.schema.json"));
my $node = phig_node('manifest', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'", "phiguard.auditor_role = 'regress_phig_auditor'");
$node->safe_psql('postgres', q{
	CREATE ROLE regress_phig_officer LOGIN;
	CREATE ROLE regress_phig_auditor LOGIN;
	CREATE ROLE regress_phig_scientist LOGIN;
	GRANT CREATE ON SCHEMA public TO regress_phig_officer;
	CREATE TABLE patient (id int PRIMARY KEY, mrn text, birth date, zip text, sex text, dose numeric);
	INSERT INTO patient SELECT i, 'M' || i, date '1950-05-05' + 300 * i, '0213' || i % 4, CASE i % 2 WHEN 0 THEN 'f' WHEN 1 THEN 'm' END, i / 4.0 FROM generate_series(1, 40) i;
	INSERT INTO patient SELECT 100 + i, 'N' || i, date '1970-01-01', NULL, 'f', 0.50 FROM generate_series(1, 2) i;
	GRANT SELECT ON patient TO regress_phig_officer;
	SELECT phiguard.label('patient', 'id', 'other'), phiguard.label('patient', 'mrn', 'mrn'), phiguard.label('patient', 'birth', 'date kind=birth'), phiguard.label('patient', 'zip', 'geo kind=zip'),
		phiguard.label('patient', 'sex', 'quasi'), phiguard.label('patient', 'dose', 'clinical');
	SELECT phiguard.create_key('dua-1'), phiguard.assign_surrogates('patient', 'mrn', 'dua-1');
	SELECT phiguard.create_purpose('study', code => 'HRESCH', basis => 'IRB 1'), phiguard.allow('study', category => 'quasi'), phiguard.allow('study', category => 'clinical'), phiguard.allow('study', category => 'other');
	SELECT phiguard.create_agreement('dua-1', 'DUA', 'University X', '{study}', reference => 'contract 7');});

my ($out, $err);
officer(q{
	SELECT phiguard.create_extract('train', $$
		SELECT phiguard.surrogate(mrn, 'dua-1') AS who, phiguard.birth_year(birth, current_date) AS born, phiguard.zip3(zip) AS zip3, sex, dose FROM patient WHERE id > 0 $$, 'study', agreement => 'dua-1');});
is($err, '', 'an extract');

officer(q{SELECT phiguard.extract_manifest('train')});
like($err, qr/extract public.train is closed/, 'what is closed has no manifest');
officer(q{SELECT phiguard.attest_extract('train', 'no actual knowledge'); GRANT SELECT ON train TO regress_phig_scientist, regress_phig_auditor});

my $text = officer(q{SELECT phiguard.extract_manifest('train')});
is($err, '', 'an open one has');
my $manifest = $json->decode($text);
is_deeply([ breaches($manifest, $schema, '') ], [], 'it is valid against the schema');

# What it says.
is_deeply([ map { "$_->{name} $_->{type} @{$_->{sources}} @{$_->{transforms}} $_->{citation}" } @{ $manifest->{columns} } ], [
		'who text public.patient.mrn surrogate 45 CFR 164.514(c)', 'born integer public.patient.birth birth_year 45 CFR 164.514(b)(2)(i)(C)',
		'zip3 text public.patient.zip zip3 45 CFR 164.514(b)(2)(i)(B)', 'sex text public.patient.sex  45 CFR 164.514(b)(2)(i)', 'dose numeric public.patient.dose  45 CFR 164.514(b)(2)(i)' ], 'columns, sources, transforms, citations');
is_deeply($manifest->{steered_by}, ['public.patient.id'], 'what decides which rows there are');
is_deeply([ @{$manifest}{qw(extract method rows)}, $manifest->{purpose}{name}, $manifest->{purpose}{basis}, @{ $manifest->{agreement} }{qw(name kind party reference)}, @{ $manifest->{attestation} }{qw(text by)}, $manifest->{risk} ],
	[ 'public.train', 'safe_harbor', 42, 'study', 'IRB 1', 'dua-1', 'DUA', 'University X', 'contract 7', 'no actual knowledge', 'regress_phig_officer', undef ], 'method, purpose, agreement, attestation');
unlike($text, qr/M1\b|1950-|0213|postgres:/, 'and no value');

# The digest, worked out here from what any client reads.
my @rows = split /\n/, sci(q{SET extra_float_digits = 1; SELECT encode(convert_to(train::text, 'UTF8'), 'hex') FROM train ORDER BY random()});
is($manifest->{content}{digest}, sha256_hex(join '', sort map { sha256(pack 'H*', $_) } @rows), 'the digest is that of the rows, in whatever order');
is(scalar(@rows), 42, '... all of them');
is(officer(q{SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo'; SET extra_float_digits = -5; SELECT rows || ' ' || digest FROM phiguard.extract_content('train')}),
	"42 $manifest->{content}{digest}", 'whatever the settings');

# With its risk.
my $with_risk = officer(q{SELECT phiguard.extract_manifest('train', '{born,zip3,sex}', '{dose}', 'who')});
is_deeply([ breaches($json->decode($with_risk), $schema, '') ], [], 'with risk it is valid too');
is($json->decode($with_risk)->{risk}{metrics}{k}, officer(q{SELECT value FROM phiguard.risk('train', '{born,zip3,sex}', subject => 'who') WHERE metric = 'k'}), '... and says what risk() says');

# The control of the schema: it refuses what is changed.
for my $change ([ 'rows', -1 ], [ 'rows', '42 rows' ], [ 'method', 'magic' ], [ 'columns', {} ], [ 'more', 1 ], [ 'content', { algorithm => 'md5', digest => 'x' } ], [ 'purpose', undef ])
{
	my %other = (%$manifest, $change->[0] => $change->[1]);
	cmp_ok(scalar(my @breaches = breaches(\%other, $schema, '')), '>', 0, "the schema refuses another $change->[0]");
}
my %less = %$manifest;
delete $less{journal};
is_deeply([ breaches(\%less, $schema, '') ], ['.journal is missing'], 'and one without journal');

# Still so?
is(verify($text), '', 'a manifest that is true has no finding');
is(verify($with_risk), '', 'nor has one with risk');
is(verify($text, as => 'regress_phig_auditor'), '', 'an auditor who may read the extract sees that too');
run_as('regress_phig_scientist', "SELECT * FROM phiguard.verify_manifest('" . quoted($text) . "')");
like($err, qr/officer|auditor/, 'a scientist does not');
run_as('regress_phig_scientist', q{SELECT phiguard.extract_manifest('train')});
like($err, qr/officer|auditor/, '... and makes none');

# Of an extract by expert determination: what the expert determined.
officer(q{SELECT phiguard.create_extract('dosed', 'SELECT sex, dose FROM patient', 'study', 'expert_determination', 'dua-1');
	SELECT phiguard.record_determination('dosed', 'Dr. E', '{"k": {"min": 2}}', '{"k": 1}')});
officer(q{SELECT phiguard.extract_manifest('dosed')});
like($err, qr/closed/, 'an extract whose risk is above the limits has no manifest');
my $determined = officer(q{SELECT phiguard.record_determination('dosed', 'Dr. E', '{"k": {"min": 2}}', '{"k": 21}')}) && officer(q{SELECT phiguard.extract_manifest('dosed')});
is_deeply([ breaches($json->decode($determined), $schema, '') ], [], 'within them it has a valid one');
is_deeply([ @{ $json->decode($determined)->{determination} }{qw(expert limits results)} ], [ 'Dr. E', { k => { min => 2 } }, { k => 21 } ], '... which says who determined what');
officer(q{SELECT phiguard.record_determination('dosed', 'Dr. F', '{"k": {"min": 2}}', '{"k": 20}')});
is(verify($determined), 'determination: it is not what the manifest says', 'another determination is another');

# A forged manifest, and changes of the data.
is(verify($json->encode({ %$manifest, rows => 41 })), 'rows: it is not what the manifest says', 'a manifest with another number of rows');
is(verify($json->encode({ %$manifest, method => 'limited_data_set' })), 'method: it is not what the manifest says', '... another method');
is(verify($json->encode({ %$manifest, journal => { %{ $manifest->{journal} }, position => 1e9 } })), 'journal: the journal has not come as far as the manifest says', '... a position that is not yet');
su(q{UPDATE patient SET dose = 9.75 WHERE id = 3});
is(verify($text), 'content: it is not what the manifest says', 'another value');
su(q{UPDATE patient SET dose = 0.75 WHERE id = 3});
is(verify($text), 'content: it is not what the manifest says', 'a value that prints otherwise (0.75 and 0.7500...) is another');
su(q{UPDATE patient SET dose = 3 / 4.0 WHERE id = 3});
is(verify($text), '', 'the old value again');
su(q{DELETE FROM patient WHERE id = 101});
is(verify($text), join("\n", map { "$_: it is not what the manifest says" } qw(rows content)), 'a row less');
su(q{INSERT INTO patient SELECT 101, 'N1', date '1970-01-01', NULL, 'f', 0.50});
is(verify($text), '', 'the same row again, elsewhere in the table');
su(q{SELECT phiguard.replace_agreement('dua-1', 'DUA', 'University Y', '{study}')});
officer(q{SELECT count(*) FROM phiguard.check_extract('train')});
like(verify($text), qr/^(agreement: it is not what the manifest says|extract: it is closed)/, 'another party');
su(q{SELECT phiguard.end_agreement('dua-1')});
is(verify($text), 'extract: it is closed', 'an extract that is closed');
officer(q{SELECT phiguard.drop_extract('train')});
is(verify($text), 'extract: there is no such extract', 'one that is gone');

for my $no (q{'{}'}, q{'[]'}, q{'{"manifest": "phiguard extract", "format": 2}'})
{
	officer("SELECT * FROM phiguard.verify_manifest($no)");
	like($err, qr/this is no manifest of an extract/, "no manifest: $no");
}
officer(q{SELECT phiguard.extract_manifest('patient')});
like($err, qr/there is no extract "public.patient"/, 'a table is no extract');

# Readings for manifests are on record.
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM phiguard.access_log WHERE kind = 'disclosure' AND extract = 'public.train' AND login_role = 'regress_phig_officer'}), '>', 3, 'each manifest left a disclosure');

$node->stop;
done_testing();

sub run_as { my ($role, $sql) = @_; ($out, $err) = run_sql($node, $sql, as => $role); return $out }
sub officer { my ($sql) = @_; return run_as('regress_phig_officer', $sql) }
sub sci { my ($sql) = @_; return run_as('regress_phig_scientist', $sql) }
sub su { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub quoted { my ($text) = @_; return $text =~ s/'/''/gr }

sub verify
{
	my ($text, %opt) = @_;
	my $result = run_as($opt{as} || 'regress_phig_officer', "SELECT part || ': ' || finding FROM phiguard.verify_manifest('" . quoted($text) . "')");
	return $result . $err;
}

# breaches(VALUE, SCHEMA, PATH): what is not as the schema has it; knows the words that ours uses, and refuses others.
sub breaches
{
	my ($value, $schema, $path) = @_;
	my @found;

	for my $word (keys %$schema)
	{
		die "unknown word $word in the schema" if $word !~ /^(\$schema|title|description|type|additionalProperties|required|properties|items|enum|pattern|minimum)$/;
	}
	if ($schema->{type})
	{
		my @types = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
		my $type = type_of($value);
		return "$path is of type $type" if !grep { $_ eq $type } @types;
	}
	push @found, "$path is none of the values" if $schema->{enum} && !grep { defined $value && !ref $value && $_ eq $value } @{ $schema->{enum} };
	push @found, "$path does not match" if $schema->{pattern} && defined $value && $value !~ /$schema->{pattern}/;
	push @found, "$path is too small" if defined $schema->{minimum} && $value < $schema->{minimum};
	if (ref $value eq 'HASH')
	{
		push @found, map { "$path.$_ is missing" } grep { !exists $value->{$_} } @{ $schema->{required} || [] };
		for my $key (sort keys %$value)
		{
			my $part = ($schema->{properties} || {})->{$key};
			push @found, $part ? breaches($value->{$key}, $part, "$path.$key") : exists $schema->{additionalProperties} ? "$path.$key is not known" : ();
		}
	}
	if (ref $value eq 'ARRAY' && $schema->{items})
	{
		push @found, map { breaches($value->[$_], $schema->{items}, "$path\[$_]") } 0 .. $#$value;
	}
	return @found;
}

sub type_of
{
	my ($value) = @_;
	return 'null' if !defined $value;
	return { HASH => 'object', ARRAY => 'array' }->{ ref $value } // 'boolean' if ref $value;
	return $json->encode($value) !~ /^"/ ? ($value =~ /^-?\d+$/ ? 'integer' : 'number') : 'string';
}
