# Where the master key comes from, how it changes, and what goes on meanwhile; and that no key is found anywhere.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find;
use IPC::Run;
use PhigServer;
use PhigTest qw(wait_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $place = $PostgreSQL::Test::Utils::tmp_check;
my $secret = "$place/secret";
my @keys = map { unpack('H*', pack('N8', map { int rand 2**32 } 1 .. 8)) } 1 .. 4;

sub put_secret
{
	my (@lines) = @_;
	unlink $secret;
	append_to_file($secret, join('', map { "$_\n" } @lines));
}

# Stand-ins for the programs of docs/keys.md, each of which wants the words that the page gives it.
my %programs = (
	vault => 'kv get -field=master secret/phiguard',
	bao => 'kv get -field=master secret/phiguard',
	aws => 'secretsmanager get-secret-value --secret-id phiguard/master --query SecretString --output text');
mkdir "$place/bin";
for my $name (keys %programs)
{
	append_to_file("$place/bin/$name", qq{#!/bin/sh\n[ "\$*" = '$programs{$name}' ] || { echo "$name: no such secret" >&2; exit 2; }\ncat '$secret'\n});
	chmod 0755, "$place/bin/$name";
}
$ENV{PATH} = "$place/bin:$ENV{PATH}";

my $node = new_server('keys', 'log_min_messages = debug5', 'log_statement = all', 'phiguard.key_command_timeout = 1',
	"phiguard.key_command = 'cat $secret'");

# No secret: the server starts, says so, and refuses what needs a key.
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION phiguard; CREATE TABLE patient (id int, ssn text)');
wait_until(sub { slurp_file($node->logfile) =~ /WARNING:  phiguard.key_command failed: it ended with exit code 1/ }, 'without its secret the log says so');

sub refused
{
	my ($what, $why) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SELECT phiguard.create_key('refused')", extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	like($err, qr/ERROR:  PG002: the master key is not available\nDETAIL:  phiguard.key_command: $why/, "$what: refused");
	unlike($err, qr/\Q$secret\E/, "$what: without the command's text");
}
refused('no secret', qr/it ended with exit code 1/);
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'other statements go on');
like($node->safe_psql('postgres', 'SELECT warnings FROM phiguard.journal_status'), qr/key_command/, 'and journal_status says so');

# What it may print, and what not.
sub set_command
{
	my ($command) = @_;
	$command =~ s/'/''/g;
	$node->safe_psql('postgres', "ALTER SYSTEM SET phiguard.key_command = '$command'");
	$node->reload;
}
for my $case (
	[ 'too short', "echo " . substr($keys[0], 2), qr/it did not print a master key/ ],
	[ 'too long', "echo $keys[0]00", qr/it did not print a master key/ ],
	[ 'no line end', "printf $keys[0]", qr/it did not print a master key/ ],
	[ 'not hexadecimal', "echo " . 'x' x 64, qr/it did not print a master key/ ],
	[ 'nothing', 'true', qr/it did not print a master key/ ],
	[ 'five keys', "for i in 1 2 3 4 5; do echo $keys[0]; done", qr/it did not print a master key/ ],
	[ 'megabytes', 'head -c 3000000 /dev/zero', qr/(?:it was terminated by signal 13|it did not print|it did not end within 1 s)/ ],
	[ 'a key and a failure', "echo $keys[0]; exit 3", qr/it ended with exit code 3/ ],
	[ 'no such program', 'no-such-program', qr/it ended with exit code 127/ ],
	[ 'a signal', 'kill -9 $$', qr/it was terminated by signal 9/ ],
	[ 'no end', 'sleep 100', qr/it did not end within 1 s, and was killed/ ])
{
	my ($what, $command, $why) = @$case;
	set_command($command);
	wait_until(sub { my ($s, $o, $e) = $node->psql('postgres', "SELECT phiguard.create_key('refused')"); $e =~ $why }, $what);
	refused($what, $why);
}

# A secret that comes: without a restart.
put_secret($keys[0]);
set_command("cat $secret");
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.create_key('registry')"))[0] == 0 }, 'the secret is there');
my $token = $node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')");
like($token, qr/^tk1_/, 'the secret is there: a token');
$node->safe_psql('postgres', "SELECT phiguard.assign_surrogate('219-09-1234', 'registry')");
my $surrogate = $node->safe_psql('postgres', "SELECT phiguard.surrogate('219-09-1234', 'registry')");
my $sealed = $node->safe_psql('postgres', "SELECT phiguard.seal('219-09-1234', 'c', 'registry')");
my ($master) = $node->safe_psql('postgres', 'SELECT DISTINCT master FROM phiguard.keys');

# The page's examples.
for my $command (slurp_file('docs/keys.md') =~ /^phiguard\.key_command = '([^']*)'$/mg)
{
	# Another secret first, so that the first key can only be the example's.
	put_secret($keys[3]);
	set_command("cat $secret");
	wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[2] =~ /another one/ }, 'another secret');
	put_secret($keys[0]);
	set_command($command =~ s{/run/keys/phiguard}{$secret}r);
	wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[1] eq $token }, $command);
	pass("docs/keys.md: $command");
}

# It fails once it has worked: what there was stays.
set_command('false');
wait_until(sub { slurp_file($node->logfile) =~ /key_command failed: it ended with exit code 1.*key_command failed: it ended with exit code 1/s }, 'a failure later');
is($node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), $token, 'a failure later: the key stays');

# No command any more, then the same again: meanwhile the key file counts, whose key is another.
set_command('');
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[2] =~ /the master key is another one/ }, 'no command');
set_command("cat $secret");
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[1] eq $token }, 'the command again');
pass('a command that goes and comes back');

# Another master key: nothing is made with keys that it did not wrap; with both, the keys move over.
set_command("cat $secret");
put_secret($keys[1]);
$node->reload;
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[2] =~ /the master key is another one/ }, 'another master key');
my ($status, $out, $err) = $node->psql('postgres', 'SELECT phiguard.rotate_master_key()');
like($err, qr/the master key is another one/, 'it cannot wrap what it cannot open');
put_secret(@keys[ 1, 0 ]);
$node->reload;
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[1] eq $token }, 'both master keys');
is($node->safe_psql('postgres', 'SELECT phiguard.rotate_master_key()'), '1', 'one key is wrapped anew');
($status, $out, $err) = $node->psql('postgres', 'SELECT phiguard.rotate_master_key()');
like($err, qr/phiguard makes no master key where phiguard.key_command brings them\nHINT:  Make a new key there/, 'a second time there is nothing to do, and it says what would be');
# Another one in between: then what serves can only be the new one.
put_secret($keys[2]);
$node->reload;
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[2] =~ /the master key is another one/ }, 'neither master key');
put_secret($keys[1]);
$node->reload;
wait_until(sub { ($node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[1] eq $token }, 'the new one alone');
pass('the new one alone: the same token');
is($node->safe_psql('postgres', "SELECT phiguard.unseal('$sealed', 'c', 'registry')"), '219-09-1234', 'and what was sealed opens');
isnt($node->safe_psql('postgres', 'SELECT DISTINCT master FROM phiguard.keys'), $master, 'its name is another');

# A dump, and a standby, have the wrapped keys: with the master key their tokens are the same.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
wait_until(sub { ($standby->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"))[1] eq $token }, 'a standby');
is($standby->safe_psql('postgres', "SELECT phiguard.unseal('$sealed', 'c', 'registry')"), '219-09-1234', 'a standby reads what is sealed');
is($standby->safe_psql('postgres', "SELECT phiguard.surrogate('219-09-1234', 'registry')"), $surrogate, 'and looks up surrogates');
($status, $out, $err) = $standby->psql('postgres', "SELECT phiguard.assign_surrogate('new', 'registry')");
like($err, qr/cannot execute phiguard.assign_surrogate\(\)/, 'of which it assigns none');
($status, $out, $err) = $standby->psql('postgres', "SELECT phiguard.create_key('standby')");
like($err, qr/cannot execute a change of the key ring in a read-only transaction|cannot execute .* during recovery/, 'and makes no keys');
$node->safe_psql('postgres', "SELECT phiguard.rotate_key('registry', true)");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
like($standby->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), qr/^tk2_/, 'a rotation arrives there');
is($standby->safe_psql('postgres', "SELECT command, rows FROM phiguard.access_log WHERE command = 'UNSEAL' AND 'replica' = ANY (flags)"), 'UNSEAL|1', 'its reversals are on its record');
$standby->stop;

my $dump = "$place/dump.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
my $other = new_server('other', "phiguard.key_command = 'cat $secret'");
$other->start;
$other->safe_psql('postgres', 'CREATE DATABASE restored');
$other->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('restored'), '-f', $dump ], 'restored elsewhere');
is($other->safe_psql('restored', "SELECT phiguard.token('219-09-1234', 'registry')"),
	$node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), 'the same token there');
is($other->safe_psql('restored', "SELECT phiguard.unseal('$sealed', 'c', 'registry')"), '219-09-1234', 'and what was sealed opens there');
$other->stop;

# Rotation under load: eight clients make tokens and sealed values while keys and master keys change; a file this time.
$node->safe_psql('postgres', 'ALTER SYSTEM RESET phiguard.key_command');
my $file = $node->data_dir . '/phiguard_master.key';
unlink $file;
append_to_file($file, "phiguard master key 1\n$keys[1]\n");
chmod 0600, $file;
$node->append_conf('postgresql.conf', "phiguard.key_command = ''\nlog_min_messages = warning\nlog_statement = none\nphiguard.journal_sync = off");
$node->restart;
$node->safe_psql('postgres', q{
	SELECT phiguard.create_key('load');
	CREATE TABLE kept (v text, token text, sealed bytea)});
append_to_file("$place/load.sql", q{
\set n random(1, 1000000000)
INSERT INTO kept SELECT v, phiguard.token(v, 'load'), phiguard.seal(v, 'c', 'load') FROM (SELECT md5((:n + i)::text) AS v FROM generate_series(1, 5) i) x;
SELECT 1 / (count(*) FILTER (WHERE phiguard.unseal(sealed, 'c', 'load') <> v) = 0)::int FROM (SELECT * FROM kept LIMIT 20 OFFSET 0) k;
});
my $seconds = $ENV{PHIG_LONG} ? 60 : 6;
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-j', 2, '-T', $seconds, '-f', "$place/load.sql", '-d', $node->connstr('postgres') ], '>', "$place/load.out", '2>', "$place/load.err");
my $until = time + $seconds - 1;
my ($rotations, $masters) = (0, 0);
while (time < $until)
{
	$node->safe_psql('postgres', "SELECT phiguard.rotate_key('load', " . ($rotations % 3 ? 'false' : 'true') . ')');
	$rotations++;
	if ($rotations % 4 == 0)
	{
		$node->safe_psql('postgres', 'SELECT phiguard.rotate_master_key()');
		$masters++;
		# All is wrapped by the first now: the others go.
		my @lines = split /^/, slurp_file($file);
		push @keys, map { /^([0-9a-f]{64})$/ ? $1 : () } @lines;
		append_to_file("$file.new", join('', @lines[ 0, 1 ]));
		chmod 0600, "$file.new";
		rename "$file.new", $file or die;
	}
	usleep(50_000);
}
$load->finish;
my ($load_out, $load_err) = (slurp_file("$place/load.out"), slurp_file("$place/load.err"));
like($load_out, qr/number of failed transactions: 0 /, "no transaction failed in $rotations rotations, $masters of the master key") or diag($load_err);
cmp_ok($masters, '>', 2, 'the master key changed some times');
is($node->safe_psql('postgres', "SELECT count(*) FROM kept WHERE phiguard.unseal(sealed, 'c', 'load') <> v"), '0', 'all that was sealed can be read');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT v, split_part(token, '_', 1) FROM kept GROUP BY 1, 2 HAVING count(DISTINCT token) > 1) x"), '0', 'a value has one token a version');
note "$rotations rotations, $masters of the master key: " . $load_out =~ s/.*(number of transactions actually[^\n]*).*/$1/sr;
cmp_ok($node->safe_psql('postgres', "SELECT count(DISTINCT split_part(token, '_', 1)) FROM kept"), '>', 2, 'and tokens of several versions are there');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM kept'), '>', 500, 'many values');
$node->stop;

# No byte of a key in what the servers wrote: logs, tables, journal, anything but the key file.
my $searched = 0;
my @found;
my @patterns = map { (qr/\Q$_\E/i, quotemeta pack('H*', $_), qr/\Q@{[substr($_, 0, 24)]}\E/i) } @keys;
for my $server ($node, $standby, $other)
{
	find({ no_chdir => 1, wanted => sub {
		return if !-f || -s > 64 * 1024 * 1024 || $_ eq $file || /phiguard_master\.key/;
		my $bytes = slurp_file($_);
		$searched++;
		push @found, $_ if grep { $bytes =~ $_ } @patterns;
	} }, $server->basedir);
	push @found, $server->logfile if grep { slurp_file($server->logfile) =~ $_ } @patterns;
}
# The configuration of a test that prints keys by echo holds them.
is(join(' ', grep { !/postgresql\.auto\.conf$/ && $_ ne $node->logfile } @found), '', "no key in $searched files");
cmp_ok($searched, '>', 1000, 'which are all there are');
ok((grep { slurp_file($secret) =~ $_ } @patterns) > 0, 'control: the search finds a key where there is one');
done_testing();
