# who_saw() in a journal of several segments: with summaries it reads blocks of them, without it reads all, and says the same.
use strict;
use warnings;
use PhigJournal qw(slurp_bytes spew_bytes);
use PhigServer qw(journal_dir);
use PhigTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('blocks', 'phiguard.journal_segment_size = 1MB', "phiguard.journal_sync = 'off'", "phiguard.subjects_per_record = 100");
my $own = journal_dir($node);
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub summaries { my @files = glob("$own/*.sum"); return @files }
sub segments { my @files = glob("$own/*.seg"); return @files }

sql(<<'SQL');
CREATE TABLE patient (id int PRIMARY KEY, ssn text);
CREATE TABLE visit (id int PRIMARY KEY, patient int REFERENCES patient, note text);
INSERT INTO patient SELECT i, '999-00-' || i FROM generate_series(1, 3000) i;
INSERT INTO visit SELECT i, i % 3000 + 1, 'note' FROM generate_series(1, 3000) i;
SELECT phiguard.label('patient', 'ssn', 'ssn'), phiguard.label('visit', 'note', 'note');
SECURITY LABEL FOR phiguard ON TABLE patient IS 'subject=id';
SQL
run_sql($node, 'SELECT note FROM visit LIMIT 1', app => 'uncaptured');
sql(q{SECURITY LABEL FOR phiguard ON TABLE visit IS 'subject=patient'});

# One cursor goes on in other segments than it began in, and one never ends; the first segment is full before them.
my ($long, $killed) = map { session($node, app => $_) } qw(long killed);
for my $part (1 .. 4)
{
	my $script = join '', map { my $id = ($_ * 7919 + $part) % 3000 + 1; "SELECT ssn FROM patient WHERE id = $id;\n" } 1 .. ($part == 1 ? 7500 : 7000);
	$script .= "SELECT count(ssn) FROM patient WHERE id <= 700;\n" if $part == 2;
	$script .= "SELECT note FROM visit WHERE patient BETWEEN 20 AND 40;\nUPDATE visit SET note = 'x' WHERE id = 77;\n" if $part == 3;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "\\o /dev/null\nSET application_name = 'part$part';\n$script", stdout => \$out, stderr => \$err);
	is($err, '', "part $part");
	$_->ask('BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM patient ORDER BY id; FETCH 2 FROM c') for $part == 1 ? ($long, $killed) : ();
	$long->ask('FETCH 2 FROM c') if $part > 1;
}
$long->ask('COMMIT');
kill 'KILL', $killed->{pid};
ok($node->poll_query_until('postgres', "SELECT outcome = 'lost' FROM phiguard.access_log WHERE application = 'killed' AND kind = 'read'"), 'a session is killed');
cmp_ok(scalar(segments()), '>', 3, 'several segments');
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT count(*) = ' . (segments() - 1) . " FROM pg_ls_dir('$own') f WHERE f LIKE '%.sum'"), 'all but the last are summarized');

my $answers = q{SELECT k || ': ' || coalesce((SELECT string_agg(concat_ws(' ', position, application, kind, certainty, ended - started), ', ' ORDER BY position) FROM phiguard.who_saw('patient', k::text)), '-')
	FROM unnest('{1,2,3,4,9,10,25,40,77,78,79,500,701,1234,2222,2999,3000,3001}'::int[]) k};
my $with = sql($answers);
unlink summaries();
my $without = sql($answers);
is($with, $without, 'the same persons were seen by the same');
like($with, qr/^3: .* long read seen/m, 'among them whom a later segment names');
like($with, qr/^500: .* killed read possible/m, '... who may have been seen by what never ended');
like($with, qr/^500: .* part2 read possible/m, '... who went into a count that names nobody');
like($with, qr/^2222: \d+ uncaptured read possible/m, '... who may have been seen before anybody was captured');
like($with, qr/^40: .* part3 read seen.* part4/m, '... who was seen by another table');
unlike($with, qr/^3001: .*(seen|aggregate)/m, 'a person who is not there was not seen');
like($with, qr/^78: .* part3 write written/m, '... and who was written');
journal_is_intact($node, 'the journal is intact');

# What is not read is not found to be damaged: block 2 of the third segment has point reads of others and nothing else.
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT count(*) >= ' . (segments() - 2) . " FROM pg_ls_dir('$own') f WHERE f LIKE '%.sum'"), 'they are summarized again');
my $third = (sort { $a cmp $b } segments())[2];
my $bytes = slurp_bytes($third);
spew_bytes($third, substr($bytes, 0, 600_000) . "\x55" x 64 . substr($bytes, 600_064));
my $who = "SELECT count(*) > 0 FROM phiguard.who_saw('patient', '3001')";
my ($out, $err) = ('', '');
$node->psql('postgres', $who, stdout => \$out, stderr => \$err);
is("$out$err", 't', 'with summaries that block is not read');
unlink summaries();
$node->psql('postgres', $who, stdout => \$out, stderr => \$err);
like($err, qr/is damaged/, 'control: without, it is');

done_testing();
