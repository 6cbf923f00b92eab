# Directories that cannot be used, are taken away or belong to somebody else: the server starts and goes on,
# statements that need a record are refused with cause and hint (or allowed with a line in the log, where
# so configured), and all is well again by itself once the directory is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
my $dir = "$place/journal";
my @conf = ("phiguard.journal_directory = '$dir'", 'phiguard.journal_buffers = 256kB');
my $node = new_server('files', @conf);

sub read_one
{
	my ($server) = @_;
	my ($status, $stdout, $stderr) = $server->psql('postgres', 'SELECT ssn FROM patient WHERE id = 1');
	return ($stdout, $stderr);
}

sub refused
{
	my ($server, $cause, $name) = @_;
	my ($stdout, $stderr) = read_one($server);

	is($stdout, '', "$name: no row");
	like($stderr, qr/ERROR:  access to PHI cannot be recorded/, "$name: the error says what is refused");
	like($stderr, $cause, "$name: and why");
	like($stderr, qr/HINT:  .*phiguard\.journal_directory/, "$name: and what to do");
	is($server->safe_psql('postgres', 'SELECT count(*) FROM pg_class WHERE false'), '0', "$name: other statements go on");
}

# --- a server that starts without its journal

$node->start;
add_patients($node);
$node->safe_psql('postgres', "SELECT phiguard.create_key('default')");
my $sealed = $node->safe_psql('postgres', "SELECT phiguard.seal('123-45-0001', 'ssn')");
is(join(' ', map { sprintf '%o', (stat $_)[2] & 0777 } $dir, "$dir/ring", "$dir/node", segments($dir)),
	'700 600 600 600', 'nobody but the server may look into the directory');
$node->stop;
rename $dir, "$dir.kept" or die;
append_to_file($dir, "not a directory\n");
$node->start;
refused($node, qr/could not create directory|could not open directory/, 'a file is in its place');
is($node->safe_psql('postgres', "SHOW phiguard.mode"), 'audit', 'settings can be read meanwhile');

# An error that a function catches is no record: the same reversal again, in the same statement, is refused again.
sub reverse_twice
{
	my ($status, $stdout, $stderr) = $node->psql('postgres', <<SQL);
DO \$\$
DECLARE value text;
BEGIN
	FOR i IN 1 .. 2 LOOP
		BEGIN
			value := phiguard.unseal('$sealed', 'ssn');
			RAISE NOTICE 'try %: a value', i;
		EXCEPTION WHEN SQLSTATE 'PG001' THEN
			RAISE NOTICE 'try %: no record, no value', i;
		END;
	END LOOP;
END \$\$
SQL
	return join(', ', $stderr =~ /NOTICE:  (.*)/g);
}
is(reverse_twice(), 'try 1: no record, no value, try 2: no record, no value', 'a caught error: no value without its record');

$node->append_conf('postgresql.conf', 'phiguard.journal_on_failure = allow');
$node->reload;
wait_for('the reload', sub { (read_one($node))[0] ne '' });
my $log = slurp_file($node->logfile);
my @allowed = $log =~ /(LOG:  an access to PHI was allowed without a record:.*)/g;
cmp_ok(scalar @allowed, '>=', 1, 'journal_on_failure = allow: rows, and a line in the log');
unlike($log =~ s/statement: .*//gr, qr/allowed without a record.*\n(.*STATEMENT|.*CONTEXT)/, 'without the statement');
$node->append_conf('postgresql.conf', 'phiguard.journal_on_failure = refuse');
$node->reload;
wait_for('the reload', sub { (read_one($node))[0] eq '' });

unlink $dir;
rename "$dir.kept", $dir or die;
wait_until_open($node);
is(reverse_twice(), 'try 1: a value, try 2: a value', 'control: with the journal there are values');
is(log_rows($node, "string_agg(rows::text, ' ')", "command = 'UNSEAL'"), '2', 'of which there is one record');
ok(1, 'with the directory back, statements are recorded again');
like($node->safe_psql('postgres', q{
	SELECT string_agg(command, ' ') FROM (SELECT * FROM phiguard.access_log ORDER BY position) l WHERE kind = 'server'}),
	qr/^SERVER START SERVER STOP SERVER START$/, 'the late start is on record too');
is_intact($node, 'after the failure');

# --- a directory that goes away under the running server

my $session = open_session($node);
query($session, "SET phiguard.app_user = 'before the move'; SELECT ssn FROM patient WHERE id = 1");
rename $dir, "$dir.moved" or die;
wait_until_open($node);
is(query($session, "SET phiguard.app_user = 'after the move'; SELECT ssn FROM patient WHERE id = 2"), '123-45-0002',
	'moved away: a session that wrote to the old files writes to the new ones');
close_session($session);
is(log_rows($node, 'app_user', "app_user LIKE '% the move'"), 'after the move', 'its record is in the new ones');
my $parent = read_segment((segments("$dir.moved"))[-1]);
my $branch = read_segment((segments($dir))[0]);
is($branch->{header}{reason}, 3, 'the new files are a branch');
is($branch->{header}{prev_hash}, $parent->{last_hash}, 'that continues the hash of the old ones');
is($branch->{header}{first_seq}, $parent->{records}[-1]{seq} + 1, 'and their numbers');
is_intact($node, 'after the move');

unlink "$dir/ring";
wait_until_open($node);
wait_for('a new ring', sub { -e "$dir/ring" });
wait_until_open($node);
is_intact($node, 'after the ring was removed');

# --- a ring of another size, and one that makes no sense

$node->safe_psql('postgres', "SET phiguard.journal_sync = off; SET phiguard.app_user = 'in the ring'; SELECT ssn FROM patient");
$node->stop('immediate');
$node->append_conf('postgresql.conf', 'phiguard.journal_buffers = 512kB');
$node->start;
wait_until_open($node);
is(log_rows($node, 'count(*)', "app_user = 'in the ring' AND kind = 'read'"), '1', 'another size of the ring: what it held is written');
is(-s "$dir/ring", 512 * 1024, 'and the new one has the size');
$node->stop;
write_bytes("$dir/ring", 0, 'rubbish.');
$node->start;
wait_until_open($node);
ok(-e "$dir/ring.damaged", 'a ring that makes no sense is kept aside');
is_intact($node, 'after a damaged ring');

# --- two servers, one directory

my $other = new_server('other', @conf);
$other->start;
my ($status, $stdout, $stderr) = $other->psql('postgres', q{
	CREATE EXTENSION phiguard;
	CREATE TABLE patient (id int, ssn text);
	SELECT phiguard.label('patient', 'ssn', 'ssn');});
like($stderr, qr/in use by another server/, 'a second server is kept out of the directory');
$other->stop;

# --- a new segment for each few records: rotation never loses one

$node->append_conf('postgresql.conf', 'phiguard.journal_segment_size = 1MB');
$node->restart;
wait_until_open($node);
my $before = log_rows($node, 'count(*)', "kind = 'read'");
my $script = $node->basedir . '/long.sql';
append_to_file($script, 'SELECT ssn FROM patient WHERE id = 1' . " AND id < 100000" x 20 . ";\n");
$node->command_ok([ 'pgbench', '-n', '-M', 'prepared', '-c', 4, '-t', 3000, '-f', $script, $node->connstr('postgres') ],
	'12000 reads, each waited for');
is(log_rows($node, 'count(*)', "kind = 'read'"), $before + 12000, 'all of them are on record');
cmp_ok(scalar(segments($dir)), '>=', 3, 'in several segments');
is_intact($node, 'after rotation');

$node->stop;
done_testing();
