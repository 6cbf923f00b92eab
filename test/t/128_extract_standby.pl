# Extracts are read on a hot standby: on record there, and closed by what happens on the primary.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = phig_node('primary');
$primary->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_scientist LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, mrn text, zip text, sex text);
INSERT INTO patient SELECT i, 'M' || i, '0213' || i, 'f' FROM generate_series(1, 5) i;
SELECT phiguard.label('patient', 'id', 'other'), phiguard.label('patient', 'mrn', 'mrn'), phiguard.label('patient', 'zip', 'geo kind=zip'), phiguard.label('patient', 'sex', 'quasi');
SELECT phiguard.create_purpose('study', code => 'HRESCH'), phiguard.allow('study', category => 'quasi'), phiguard.create_key('dua');
SELECT phiguard.create_agreement('dua', 'DUA', 'University X', '{study}'), phiguard.assign_surrogates('patient', 'mrn', 'dua');
SELECT phiguard.create_extract('train', $$ SELECT phiguard.surrogate(mrn, 'dua') AS who, phiguard.zip3(zip) AS zip3, sex FROM patient $$, 'study', agreement => 'dua');
SELECT phiguard.attest_extract('train', 'none');
GRANT SELECT ON train TO regress_phig_scientist;
SQL
$primary->backup('copy');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
# The copying of the tests does not keep modes, pg_basebackup does.
chmod 0600, $standby->data_dir . '/phiguard_master.key' or die "chmod: $!";
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my ($out, $err) = run_sql($standby, 'SELECT count(DISTINCT who), min(zip3), min(sex) FROM train', as => 'regress_phig_scientist', app => 'reader one');
is("$out$err", '5|021|f', 'an extract is read on a standby');
($out, $err) = run_sql($standby, "SELECT kind, extract, agreement, recipient, array_to_string(flags, ' ') FROM phiguard.access_log WHERE application = 'reader one'");
is($out, 'disclosure|public.train|dua|University X|replica safe_harbor', '... on record in the standby\'s journal');
($out, $err) = run_sql($standby, "SELECT verdict FROM phiguard.check_extract('train') WHERE column_name IS NULL");
is("$out$err", 'open', '... and looked at');

my $open = session($standby, as => 'regress_phig_scientist');
$open->ask('PREPARE p AS SELECT count(*) FROM train');
is($open->ask('EXECUTE p'), '5', 'a session with a plan on the standby');
$primary->safe_psql('postgres', "SELECT phiguard.end_agreement('dua')");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($open->ask('EXECUTE p'), '', '... is closed by the end of the agreement on the primary');
like($open->close, qr/extract public.train is closed/, '... and told so');
$primary->safe_psql('postgres', "SELECT phiguard.replace_agreement('dua', 'DUA', 'University X', '{study}')");
$primary->safe_psql('postgres', "SELECT phiguard.label('patient', 'sex', 'ssn')");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
($out, $err) = run_sql($standby, 'SELECT count(*) FROM train', as => 'regress_phig_scientist');
like($err, qr/extract public.train is closed/, 'a label that is raised on the primary closes it too');
($out, $err) = run_sql($standby, "SELECT verdict FROM phiguard.check_extract('train') WHERE column_name = 'sex'");
is($out, 'refused', '... and a check on the standby says why');
journal_is_intact($standby, 'the journal is intact');
done_testing();
