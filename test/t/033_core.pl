# No byte of a key in a core file.  Processes that have used keys of every kind are ended by a signal that leaves a core, and
# the core is searched: for master, domain and derived keys, and for what AES and HMAC make of them.  Controls: the same search
# finds a word of the session in each core, and the keys in those pages of the same process that cores leave out.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha512);
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The servers inherit it.
system('prlimit', '--core=unlimited', '--pid', $$);

my $master = join '', map { chr int rand 256 } 1 .. 32;
my $secret = "$PostgreSQL::Test::Utils::tmp_check/secret";
append_to_file($secret, unpack('H*', $master) . "\n");
my $marker = join '', map { chr(97 + int rand 26) } 1 .. 32;
my $node = new_server('core', "phiguard.key_command = 'cat $secret'");

sub has_keys
{
	return ($node->psql('postgres', "SELECT phiguard.split('x', '{1}', 'registry')"))[0] == 0;
}

$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION phiguard;
	CREATE TABLE person (id int, v text);
	INSERT INTO person VALUES (1, '219-09-1234'), (0, '219-09-1234')});
wait_for('the key has come', sub { ($node->psql('postgres', "SELECT phiguard.create_key('registry')"))[0] == 0 });
$node->safe_psql('postgres', "SELECT phiguard.assign_surrogate('219-09-1234', 'registry')");

# A session that has the marker, and its process.
sub marked_session
{
	my $session = open_session($node);
	my $pid = query($session, "SET my.marker = '$marker'; SELECT pg_backend_pid();") =~ s/\D//gr;
	return ($session, $pid);
}

# One that makes keys, and uses them.
my $all = q{SELECT phiguard.token(v, 'registry'), phiguard.seal(v, 'c', 'registry'),
	phiguard.unseal(phiguard.seal(v, 'c', 'registry'), 'c', 'registry'), phiguard.fpe('219091234', 'digits', '', 'registry'),
	phiguard.surrogate(v, 'registry'), phiguard.shift_date('2024-01-01'::date, v, 'registry'), phiguard.split(v, '{1,1}', 'registry')};

my ($used, $used_pid) = marked_session();
query($used, "SELECT phiguard.create_key('other'); SELECT phiguard.rotate_key('other'); SELECT phiguard.journal_anchor();");
like(query($used, "$all FROM person WHERE id = 1;"), qr/^tk1_/, 'keys of every use');

# --- what there is to find

sub hkdf
{
	my ($key, $info) = @_;
	my $prk = hmac_sha256($key, "\0" x 32);
	my $first = hmac_sha256("$info\x01", $prk);
	return $first . hmac_sha256("$first$info\x02", $prk);
}

# AES key unwrap, RFC 3394, by the openssl command.
sub unwrap
{
	my ($kek, $wrapped) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/wrapped";
	unlink $file;
	append_to_file($file, $wrapped);
	my $key = `openssl enc -d -id-aes256-wrap -nopad -iv A6A6A6A6A6A6A6A6 -K @{[unpack 'H*', $kek]} -in '$file'`;
	die 'openssl cannot unwrap the key' if length $key != 32;
	return $key;
}

my $kek = substr(hkdf($master, 'phiguard/wrap/v1/'), 0, 32);
my $seed = substr(hkdf($master, 'phiguard/journal/v1/checkpoint'), 0, 32);
my %keys = (master => $master, wrapping => $kek, signing => $seed, 'signing, expanded' => sha512($seed));
for my $row (split /\n/, $node->safe_psql('postgres', "SELECT domain || '/' || version, encode(wrapped, 'hex') FROM phiguard.key_version"))
{
	my ($version, $wrapped) = split /\|/, $row;
	my $key = $keys{"domain $version"} = unwrap($kek, pack('H*', $wrapped));
	$keys{"$_ $version"} = hkdf($key, "phiguard/$_/v1/$version") for qw(token seal fpe shift split surrogate);
}
is(scalar(grep { /^domain/ } keys %keys), 3, 'the keys of three versions are known');

# The S-box of AES, FIPS 197, section 5.1.1: inverses in GF(2^8), and an affine map.
sub gf_times
{
	my ($a, $b) = @_;
	my $product = 0;
	for (; $b; $b >>= 1)
	{
		$product ^= $a if $b & 1;
		$a = $a << 1 ^ ($a & 0x80 ? 0x11b : 0);
	}
	return $product;
}
my @inverse = (0) x 256;
my @powers = (1);
push @powers, gf_times($powers[-1], 3) while @powers < 255;
@inverse[@powers] = @powers[ 0, reverse 1 .. 254 ];
my @sbox = map { my $i = $_; my $s = 0x63; $s ^= ($i << $_ | $i >> 8 - $_) & 0xff for 0 .. 4; $s } @inverse;

# Round keys of AES-256, FIPS 197, section 5.2: 60 words.
sub round_keys
{
	my ($key) = @_;
	my @words = unpack '(a4)8', $key;
	my $round = 1;
	for my $i (8 .. 59)
	{
		my $word = $words[-1];
		$word = substr($word, 1) . substr($word, 0, 1) if $i % 8 == 0;
		$word = pack 'C4', @sbox[ unpack 'C4', $word ] if $i % 4 == 0;
		if ($i % 8 == 0)
		{
			$word ^= pack 'C x3', $round;
			$round = gf_times($round, 2);
		}
		push @words, $words[-8] ^ $word;
	}
	return join '', @words;
}
is(unpack('H*', substr(round_keys(pack 'H*', '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'), -4)), '706c631e',
	'round keys as in FIPS 197, appendix A.3');

# SHA-256 after the key's own block: what HMAC starts each value from.
sub midstate
{
	my ($key, $pad) = @_;
	my ($words) = Digest::SHA->new(256)->add(substr($key, 0, 32) ^ $pad x 32, $pad x 32)->getstate =~ /^H:([0-9a-f:]+)$/m;
	return pack 'H*', $words =~ tr/://dr;
}

# Eight bytes in a row are found; more would miss what a register held.
my %patterns;
for my $name (keys %keys)
{
	my $key = $keys{$name};
	my %forms = (
		raw => $key,
		hexadecimal => unpack('H*', $key),
		HEXADECIMAL => uc unpack('H*', $key),
		'round key' => join('', map { round_keys($_) } unpack '(a32)*', $key),
		'padded for HMAC' => ($key ^ "\x36" x length $key) . ($key ^ "\x5c" x length $key),
		'HMAC state' => midstate($key, "\x36") . midstate($key, "\x5c"));
	for my $form (keys %forms)
	{
		my $bytes = $forms{$form};
		$patterns{$_} = "$name ($form)" for unpack '(a8)*', $bytes;
		# The same in words of the other byte order.
		$patterns{$_} = "$name ($form)" for unpack '(a8)*', pack('V*', unpack 'N*', $bytes);
	}
}
$patterns{$marker} = 'marker';
my $pattern = join '|', map { quotemeta } keys %patterns;
$pattern = qr/($pattern)/s;

# Names of what is found in a memory or a core.
sub search
{
	my %found;
	$found{ $patterns{$1} }++ while $_[0] =~ /$pattern/g;
	return join(', ', sort keys %found);
}

# --- where to look

# The memory of a process: mappings that cores leave out, and the others.
sub memory
{
	my ($pid) = @_;
	my %bytes = (dumped => '', left_out => '');
	my @range;

	open(my $memory, '<:raw', "/proc/$pid/mem") or return;
	open(my $maps, '<', "/proc/$pid/smaps") or return;
	while (<$maps>)
	{
		@range = (hex $1, hex($2) - hex $1) if /^([0-9a-f]+)-([0-9a-f]+) rw/;
		next unless /^VmFlags:(.*)/ && @range;
		my $part = $1 =~ /\bdd\b/ ? 'left_out' : 'dumped';
		seek($memory, $range[0], 0);
		read($memory, $bytes{$part}, $range[1], length $bytes{$part});
		@range = ();
	}
	return \%bytes;
}

# End a process by SIGABRT: its core, or undef.
sub core_of
{
	my ($pid) = @_;
	my @files = map { $node->data_dir . "/$_" } 'core', "core.$pid";
	my $core;

	unlink @files;
	kill 'ABRT', $pid or die "process $pid: $!";
	wait_until_dead($pid);
	for my $file (grep { -e } @files)
	{
		$core = slurp_file($file);
		unlink $file;
	}
	wait_for('the server goes on', sub { ($node->psql('postgres', 'SELECT 1'))[0] == 0 });
	return $core;
}

# Does the system write cores here?  A process that has nothing to do with us tells.
my $bystander = fork;
if ($bystander == 0)
{
	chdir $node->data_dir;
	exec 'sleep', 600;
}
wait_for('it sleeps', sub { slurp_file("/proc/$bystander/cmdline") =~ /^sleep/ });
my $cores = defined core_of($bystander);

# What a process leaves holds the marker, or nothing of ours where it has none, and no key; where the system writes no cores, its memory
# without the pages that they leave out has to do.
sub leaves_no_key
{
	my ($pid, $name, $expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $memory = memory($pid);
	my $core = core_of($pid);

	SKIP:
	{
		skip 'this system writes no core here', 1 unless $cores;
		is(defined $core ? search($core) : 'no core', $expected, "$name: no key in its core");
	}
	SKIP:
	{
		skip 'this system lets nobody read the memory of a process', 1 unless $memory;
		is(search($memory->{dumped}), $expected, "$name: nor in the memory that a core would have");
	}
	return $memory ? search($memory->{left_out}) : undef;
}

sub leaves_no_core
{
	my ($pid, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok(!defined memory($pid), "$name: no other process of its user reads its memory");
	ok(!defined core_of($pid), "$name: no core");
}

# In pages that cores leave out, the keys are there: the search can find them.
sub has
{
	my ($found, $wanted, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	SKIP:
	{
		skip 'this system lets nobody read the memory of a process', 1 unless defined $found;
		like($found, $wanted, "control: $name");
	}
}

# Statements that are over.
my ($session, $pid);
has(leaves_no_key($used_pid, 'a session that has used keys', 'marker'),
	qr/fpe r.*master \(.*seal r.*shift r.*split r.*surrogate r.*token r/, 'they are in pages that cores leave out');

# While a statement runs, what OpenSSL makes of a key lies where OpenSSL wants.
wait_for('the key has come', \&has_keys);
($session, $pid) = marked_session();
like(query($session, "BEGIN; DECLARE c CURSOR FOR $all FROM person; FETCH 1 FROM c;"), qr/^tk1_/m, 'a cursor that uses keys is open');
leaves_no_core($pid, 'a statement that runs');

# It is over, well or not.
wait_for('the key has come', \&has_keys);
($session, $pid) = marked_session();
query($session, "BEGIN; DECLARE c CURSOR FOR $all FROM person; FETCH 1 FROM c; CLOSE c;");
leaves_no_key($pid, 'a cursor that was closed', 'marker');
wait_for('the key has come', \&has_keys);
($session, $pid) = marked_session();
query($session, "BEGIN; SAVEPOINT a; $all, 1 / id FROM person; ROLLBACK TO a;");
like($session->{err}, qr/division by zero/, 'a statement that uses keys fails');
leaves_no_key($pid, 'a statement that failed', 'marker');

# The keeper, with the keys, and while the command has said them and not ended.
wait_for('the key has come', \&has_keys);
has(leaves_no_key(keeper_pid($node), 'the keeper', ''), qr/master \(/, 'it has the key');
$node->append_conf('postgresql.conf', "phiguard.key_command = 'cat $secret && touch $secret.said && sleep 600'\nphiguard.key_command_timeout = 600");
unlink "$secret.said";
$node->restart;
wait_for('the command has said it', sub { -e "$secret.said" });
my $keeper = keeper_pid($node);
wait_for('the keeper has read it', sub { my $m = memory($keeper); !$m || search($m->{left_out} . $m->{dumped}) ne '' });
has(leaves_no_key($keeper, 'the keeper, of a command that runs', ''), qr/master \(hex/, 'it has read the key');

# From a key file.
append_to_file($node->data_dir . '/phiguard_master.key', "phiguard master key 1\n" . unpack('H*', $master) . "\n");
chmod 0600, $node->data_dir . '/phiguard_master.key';
$node->append_conf('postgresql.conf', "phiguard.key_command = ''");
$node->restart;
($session, $pid) = marked_session();
like(query($session, "$all FROM person WHERE id = 1;"), qr/^tk1_/, 'keys under a master key in a file');
has(leaves_no_key($pid, 'a session that read the key file', 'marker'), qr/master \(/, 'it has the key');

$node->stop;
done_testing();
