# The trial master key: made once and only for its owner, refused when it is not, never told to anybody;
# and a token of an adopted key is what RFC 2104 and RFC 5869 make of it, as it was in the first release.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use File::Copy;
use IPC::Run;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64;
use PhigTest qw(wait_until);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node;
my @keys;    # every key that was ever in a file, to look for in the log

sub write_key_file
{
	my ($path, $text, $mode) = @_;
	unlink $path;
	append_to_file($path, $text);
	chmod($mode // 0600, $path) or die "chmod $path: $!";
}

sub key_of
{
	my ($path) = @_;
	my ($hex) = slurp_file($path) =~ /^phiguard master key 1\n([0-9a-f]{64})\n$/
	  or die "$path is no key file";
	push @keys, $hex;
	return pack('H*', $hex);
}

# The key file of the running server, as a value for ALTER SYSTEM.
sub set_key_file
{
	my ($value) = @_;
	my $name = $value =~ s/'//gr =~ s/DEFAULT/phiguard_master.key/r;

	$node->safe_psql('postgres', "ALTER SYSTEM SET phiguard.key_file = $value");
	$node->reload;
	wait_until(sub { $node->safe_psql('postgres', 'SHOW phiguard.key_file') eq $name }, "the server knows of $name");
}

# The keys of the first release.
sub adopt
{
	my ($server, $database, @domains) = @_;
	$server->safe_psql($database, join(' ', "SET client_min_messages = error;", map { "SELECT phiguard.adopt_key('$_');" } @domains));
}

# A second implementation of phiguard.token, from the RFCs.
sub token_from_rfc
{
	my ($master, $value, $domain) = @_;
	my $prk = hmac_sha256($master, "\0" x 32);
	my $key = hmac_sha256("phiguard/token/v1/$domain\x01", $prk);
	my $bits = unpack('B128', hmac_sha256($value, $key)) . '00';
	return 'tk1_' . join('', map { substr('abcdefghijklmnopqrstuvwxyz234567', oct("0b$_"), 1) } $bits =~ /(.{5})/g);
}

$node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
# All that the server can say goes to the log, where no key may be found.
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'phiguard'
log_statement = all
log_min_messages = debug5
phiguard.journal_checkpoint_interval = 30min
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION phiguard');

# The server itself is the first to use one: it signs the journal.
my $key_file = $node->data_dir . '/phiguard_master.key';
wait_until(sub { -e $key_file }, 'a server that starts makes one');
wait_until(sub { slurp_file($node->logfile) =~ /WARNING:  phiguard has made a master key for trial use/ }, 'and its log warns');

# Where it does not, the first key does.
my $other_file = $node->data_dir . '/first_use.key';
set_key_file("'first_use.key'");
# The keeper has read the setting, too, and looked through the journal.
select(undef, undef, undef, 2);
ok(!-e $other_file, 'no key file before the first use');
my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT phiguard.adopt_key('elsewhere')");
is($status, 0, 'the first use makes one');
like($stderr, qr/WARNING:  phiguard has made a master key for trial use/, 'and warns');
unlike($stderr, qr/first_use/, 'without telling the caller where it is');
is((stat $other_file)[2] & 07777, 0600, 'its mode is 0600');
my $other_master = key_of($other_file);
is($node->safe_psql('postgres', "SELECT phiguard.token('A1', 'elsewhere')"), token_from_rfc($other_master, 'A1', 'elsewhere'),
	'it is the key that is used');
set_key_file('DEFAULT');
($status, $stdout, $stderr) = $node->psql('postgres', "SELECT phiguard.token('A1', 'elsewhere')");
like($stderr, qr/ERROR:  the master key is another one than this key was wrapped with\nDETAIL:  That was master key [0-9a-f]{16}/,
	'under another master key nothing is made with it');
is($stdout, '', 'and no token');

adopt($node, 'postgres', 'registry');
my $first = $node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')");
my $master = key_of($key_file);

($status, $stdout, $stderr) = $node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')");
is("$stdout$stderr", $first, 'the second use makes none, and the same token');

# The token is the one that anybody with the key computes.
is($first, token_from_rfc($master, '219-09-1234', 'registry'), 'HMAC under HKDF of the key file');
adopt($node, 'postgres', "universit\xc3\xa9", 'd' x 255);
for my $case (['', 'registry'], ["Jos\xc3\xa9", 'registry'], ['A1', "universit\xc3\xa9"], ['x' x 5000, 'd' x 255])
{
	my ($value, $domain) = @$case;
	is($node->safe_psql('postgres', "SELECT phiguard.token('$value', '$domain')"),
		token_from_rfc($master, $value, $domain), 'value of ' . length($value) . ' bytes, domain of ' . length($domain));
}
$node->safe_psql('postgres',
	"CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
$node->safe_psql('latin', 'CREATE EXTENSION phiguard');
$node->safe_psql('latin', "SET client_encoding = 'UTF8'; SELECT phiguard.adopt_key('universit\xc3\xa9')");
is($node->safe_psql('latin', "SET client_encoding = 'UTF8'; SELECT phiguard.token('Jos\xc3\xa9', 'universit\xc3\xa9')"),
	token_from_rfc($master, "Jos\xc3\xa9", "universit\xc3\xa9"), 'the same in a database of another encoding');

# Where the key lies: locked, not dumped, not inherited.
my $limit = `ulimit -l`;
$stdout = $node->safe_psql('postgres', <<'SQL');
SELECT phiguard.token('A1', 'registry') IS NULL;
SELECT pg_backend_pid() AS pid \gset
\setenv BACKEND :pid
\! grep VmFlags /proc/$BACKEND/smaps
SQL
SKIP:
{
	skip 'no smaps here', 1 unless $stdout =~ /VmFlags/;
	my @pages = grep { /\bdd\b/ && /\bdc\b/ && ($limit =~ /^[0-9]/ && $limit < 64 || /\blo\b/) } split /\n/, $stdout;
	cmp_ok(scalar(@pages), '>=', 1, 'the pages of the keys are locked, out of core dumps and of children');
}

# Many backends find no key at the same moment: one makes it, all use it.
$node->append_conf('postgresql.conf', "phiguard.key_file = 'another.key'");
$node->reload;
my $holder = $node->safe_psql('postgres', 'CREATE TABLE gate ()');
my $gate = '';
my $gate_out = '';
my $keeper = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
	'<', \$gate, '>', \$gate_out, IPC::Run::timeout(120));
$gate .= "BEGIN; LOCK TABLE gate; SELECT 'locked';\n";
$keeper->pump until $gate_out =~ /locked/;
my @racers;
for my $i (1 .. 8)
{
	my %racer = (out => '', err => '');
	my $sql = "SELECT FROM gate; SELECT phiguard.journal_public_key();";
	$racer{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ],
		'>', \$racer{out}, '2>', \$racer{err}, IPC::Run::timeout(120));
	push @racers, \%racer;
}
$node->poll_query_until('postgres', "SELECT count(*) = 8 FROM pg_locks WHERE NOT granted")
  or die 'the racers are not at the gate';
$gate .= "COMMIT;\n\\q\n";
$keeper->finish;
$_->{run}->finish for @racers;
key_of($node->data_dir . '/another.key');
my $second = $node->safe_psql('postgres', 'SELECT phiguard.journal_public_key()');
is(scalar(grep { $_->{out} eq "$second\n" || $_->{out} eq $second } @racers), 8, 'eight backends at once: all have the key in the file');
is(scalar(grep { $_->{err} =~ /has made a master key/ } @racers), 1, 'one made it');
is(join(' ', glob($node->data_dir . '/*.tmp')), '', 'no temporary file is left');

# Back to the first, in a session that goes on: the setting is followed.
$node->append_conf('postgresql.conf', "phiguard.key_file = 'phiguard_master.key'");
($status, $stdout, $stderr) = $node->psql('postgres', <<SQL, on_error_stop => 0);
SELECT phiguard.token('219-09-1234', 'registry');
SELECT pg_reload_conf() \\g /dev/null
SELECT pg_sleep(0.3) \\g /dev/null
SELECT phiguard.token('219-09-1234', 'registry');
SQL
is($stdout, $first, 'a running session follows a changed key_file');
like($stderr, qr/the master key is another one/, 'and had no token before');

# refused(WHAT, PATTERN): the token is refused with PG002, and the pattern says why.
sub refused
{
	my ($what, $why) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	is($stdout, '', "$what: no token");
	like($stderr, qr/ERROR:  PG002: the master key is not available\nDETAIL:  $why.*\nHINT:  /, "$what: the error says so");
	unlike($stderr, qr/phiguard_master|219-09/, "$what: not where the key is, nor what the value was");
}

my $good = slurp_file($key_file);
chmod 0644, $key_file;
refused('world-readable', qr/The key file is open to others than its owner/);
like(slurp_file($node->logfile), qr/Key file "phiguard_master.key": The key file is open/, 'the log says where');
chmod 0640, $key_file;
refused('group-readable', qr/The key file is open to others/);
my ($hex) = $good =~ /\n(.*)\n/;
push @keys, $hex;
for my $case (
	[ 'short', substr($good, 0, 60), 'not as long' ],
	[ 'long', "$good\n", 'not as long' ],
	[ 'empty', '', 'not as long' ],
	[ 'wrong magic', $good =~ s/key 1/key 2/r, 'not a master key' ],
	[ 'no hexadecimal', $good =~ s/\n[0-9a-f]/\ng/r, 'not a master key' ],
	[ 'no line end', $good =~ s/\n\z/0/r, 'not a master key' ])
{
	my ($what, $text, $why) = @$case;
	write_key_file($key_file, $text);
	refused($what, qr/The key file is $why/);
}
unlink $key_file;
SKIP:
{
	# In a user namespace all files may be ours.
	my ($foreign) = grep { -f && (stat)[4] != $> } qw(/etc/passwd /proc/version);
	skip 'no file of another user', 3 unless $foreign;
	symlink $foreign, $key_file;
	refused('of another user', qr/The key file belongs to another user/);
	unlink $key_file;
}
mkdir $key_file;
refused('a directory', qr/It is not a regular file/);
rmdir $key_file;
mkfifo($key_file, 0600);
refused('a FIFO', qr/It is not a regular file/);
unlink $key_file;

write_key_file($key_file, $good);
is($node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), $first, 'the good key again: the same token');

# A link to a file elsewhere: the new key comes to lie there, not in place of the link.
my $elsewhere = PostgreSQL::Test::Utils::tempdir() . '/master.key';
rename $key_file, $elsewhere or die;
symlink $elsewhere, $key_file or die;
$node->safe_psql('postgres', q{
	SELECT phiguard.destroy_key(domain) FROM phiguard.keys WHERE master <> (SELECT master FROM phiguard.keys WHERE domain = 'registry');
	SELECT phiguard.rotate_master_key()});
ok(-l $key_file, 'rotate_master_key() through a symbolic link: the link stays');
is(slurp_file($elsewhere) =~ tr/\n//, 3, 'and the file that it names has both keys');
is($node->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), $first, 'and serves');
push @keys, slurp_file($elsewhere) =~ /^([0-9a-f]{64})$/mg;
$good = slurp_file($elsewhere);
unlink $key_file;
write_key_file($key_file, $good);

# A key that goes away under a running session is not replaced by a new one.
($status, $stdout, $stderr) = $node->psql('postgres', <<SQL, on_error_stop => 0);
SELECT phiguard.token('219-09-1234', 'registry');
\\! mv $key_file $key_file.away
SELECT phiguard.token('219-09-1234', 'registry');
\\! mv $key_file.away $key_file
SELECT phiguard.token('219-09-1234', 'registry');
SQL
is($stdout, "$first\n$first", 'a key that came back serves again');
like($stderr, qr/The key file was there, and is not now/, 'while it was away the token was refused');

# A standby makes no key of its own.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
unlink $standby->data_dir . '/phiguard_master.key';
$standby->start;
($status, $stdout, $stderr) = $standby->psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')");
like($stderr, qr/A standby makes no key file/, 'refused on a standby without the key');
like($stderr, qr/HINT:  Copy the primary's key file/, 'with what to do');
ok(!-e $standby->data_dir . '/phiguard_master.key', 'and none was made');
write_key_file($standby->data_dir . '/phiguard_master.key', $good);
is($standby->safe_psql('postgres', "SELECT phiguard.token('219-09-1234', 'registry')"), $first, 'with it: the same token');
$standby->stop;
$node->stop;

# No byte of a key in what the servers wrote.
my $log = slurp_file($node->logfile) . slurp_file($standby->logfile);
like($log, qr/DEBUG:/, 'the log was as talkative as it can be');
for my $hex (@keys)
{
	my $raw = pack('H*', $hex);
	my $base64 = encode_base64($raw, '');
	ok($log !~ /\Q$hex\E/i && index($log, $raw) < 0 && index($log, substr($base64, 0, 40)) < 0
		&& index($log, substr($hex, 0, 16)) < 0, 'no key in the log');
}

done_testing();
