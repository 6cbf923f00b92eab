# phiguard.require_tls: labelled data leaves over a network encrypted, or not at all (45 CFR 164.312(e)(1)).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('tls', "listen_addresses = '127.0.0.1'", "phiguard.journal_sync = 'write'");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE patient (id int, name text);
INSERT INTO patient VALUES (1, 'Ann');
CREATE TABLE hospital (name text);
INSERT INTO hospital VALUES ('Mercy');
SELECT phiguard.label('patient', 'name', 'name');
SQL
my $data = $node->data_dir;
my $made = system("openssl req -new -x509 -days 3650 -nodes -subj /CN=localhost -keyout $data/server.key -out $data/server.crt >/dev/null 2>&1");
is($made, 0, 'a certificate');
chmod 0600, "$data/server.key";
$node->append_conf('pg_hba.conf', 'host all all 127.0.0.1/32 trust');
$node->append_conf('postgresql.conf', 'ssl = on');
$node->restart;

my $network = 'host=127.0.0.1 gssencmode=disable';
my ($out, $err);

sub over
{
	my ($connection, $sql, $app) = @_;

	($out, $err) = run_sql($node, $sql, options => $connection, app => $app);
	return "$out$err";
}

my $read = 'SELECT name FROM patient';
is(over("$network sslmode=disable", $read, 'control'), 'Ann', 'control: without the setting it leaves in the clear');
$node->append_conf('postgresql.conf', 'phiguard.require_tls = on');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('phiguard.require_tls') = 'on'");
like(over("$network sslmode=disable", $read, 'clear'), qr/ERROR:  labelled data does not leave over a network connection without TLS/, 'refused over the network in the clear');
like(over("$network sslmode=disable", 'COPY patient TO stdout', 'copy'), qr/ERROR:  labelled data does not leave/, 'COPY too');
like(over("$network sslmode=disable", "INSERT INTO patient VALUES (2, 'Bob')", 'write'), qr/ERROR:  labelled data does not leave/, 'and what would bring it');
is(over("$network sslmode=disable", 'SELECT name FROM hospital', 'other'), 'Mercy', 'other data leaves as ever');
is(over("$network sslmode=require", $read, 'encrypted'), 'Ann', 'encrypted it leaves');
is(over('', $read, 'socket'), 'Ann', 'a Unix-domain socket is no network');
my ($refused) = records($node, "application = 'clear'");
is("$refused->{kind} $refused->{outcome} $refused->{sqlstate}", 'denied error 42501', 'a refusal is on record');
is((run_sql($node, 'SELECT count(*) FROM patient'))[0], '1', 'nothing was written');

$node->stop;
done_testing();
