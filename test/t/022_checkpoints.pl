# The journal is signed: checkpoints in it, anchors elsewhere.  phiguard-verify needs the public key alone; a
# forger who knows the format and has no key is found, and what the files cannot show, an anchor does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Copy qw(copy);
use PhigServer;
use PhigJournal qw(rewrite_from);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('signed', 'phiguard.journal_segment_size = 1MB');
$node->start;
add_patients($node);
my $directory = journal_dir($node);
my $place = PostgreSQL::Test::Utils::tempdir();

# Run a program; its exit status and all that it prints.
sub run_command_with
{
	my @command = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

my $key = "$place/journal.pub";
sub verify { return run_command_with('phiguard-verify', '--public-key', $key, @_) }

sub reads { $node->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1;' x $_[0]) }
sub anchor { return $node->safe_psql('postgres', 'SELECT phiguard.journal_anchor()') }
sub keep { my ($name, $text) = @_; append_to_file("$place/$name", "$text\n"); return "$place/$name" }

append_to_file($key, $node->safe_psql('postgres', 'SELECT phiguard.journal_public_key()'));
like(slurp_file($key), qr/^-----BEGIN PUBLIC KEY-----/, 'the public key is PEM');

# The server signs by itself, and says so.
wait_for('the first checkpoint', sub {
	$node->safe_psql('postgres', 'SELECT count(*) FROM phiguard.journal_checkpoints') > 0 });
reads(20);
my $first = anchor();
like($first, qr/^phiguard-anchor 1 system=\d+ node=[0-9a-f]{32} segment=1 offset=\d+ record=\d+ time=\d+ oldest=1 hash=[0-9a-f]{64} key=[0-9a-f]{16} signature=[0-9a-f]{128}$/,
	'an anchor is one line');
is($node->safe_psql('postgres', "SELECT count(*) FROM phiguard.journal_checkpoints WHERE anchor = '$first'"), '1',
	'and stands in the journal as a checkpoint');
is_intact($node, 'with checkpoints');

# openssl knows the format as well.
SKIP:
{
	my ($text, $signature) = $first =~ /^(.*) signature=(.*)$/;
	skip 'no openssl command', 2 if system('openssl version >/dev/null 2>&1') != 0;
	for my $case ([ $text, 0, 'openssl finds the signature good' ], [ "$text ", 1, 'and not that of another text' ])
	{
		unlink "$place/text", "$place/signature";
		append_to_file("$place/text", $case->[0]);
		append_to_file("$place/signature", pack('H*', $signature));
		my ($status) = run_command_with('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', $key, '-rawin',
			'-in', "$place/text", '-sigfile', "$place/signature");
		is($status == 0 ? 0 : 1, $case->[1], $case->[2]);
	}
}

my $anchors = keep('anchors', $first);
for (1 .. 3)
{
	reads(200);
	keep('anchors', anchor());
}
reads(5);
my ($status, $out, $err) = verify('--anchor', $anchors, $directory);
is($status, 0, 'phiguard-verify finds nothing in a running server\'s journal') or diag("$out$err");
like($out, qr/^node [0-9a-f]{8}: 1 segment, records 1 to \d+; a checkpoint vouches for all up to \d+, signed 20/m, 'and says how far it is signed');
unlike($out, qr/patient|ssn/, 'and nothing of what the records say');
($status, $out) = run_command_with('phiguard-verify', $directory);
like("$status $out", qr/^0 .*signature not checked: no --public-key/, 'without a key it says so');

# Who may.
$node->safe_psql('postgres', 'CREATE ROLE regress_phig_clerk LOGIN');
for my $call ('phiguard.journal_anchor()', 'phiguard.journal_public_key()')
{
	my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT $call", extra_params => [ '-U', 'regress_phig_clerk' ]);
	like($stderr, qr/permission denied to read phiguard's record/, "$call is for auditors");
}
($status, undef, $err) = $node->psql('postgres', 'SELECT * FROM phiguard.journal_checkpoints', extra_params => [ '-U', 'regress_phig_clerk' ]);
like($err, qr/permission denied to read phiguard's record/, 'journal_checkpoints too');

# A stop is signed as well: nothing of a stopped server rests on the chain alone.
$node->stop;
($status, $out) = verify('--anchor', $anchors, $directory);
my ($last, $vouched) = $out =~ /records 1 to (\d+); a checkpoint vouches for all up to (\d+)/;
is("$status $last", "0 $vouched", 'a stopped server has signed all of its journal');

# The journal in other hands: copies of its directory, each changed in one way.
my ($segment) = segments($directory);
my $copies = 0;
sub forged
{
	my ($change) = @_;
	my $copy = "$place/copy" . ++$copies;

	mkdir $copy or die;
	copy($_, $copy) or die for segments($directory);
	my ($file) = segments($copy);
	$change->($file);
	return $copy;
}

my $journal = read_segment($segment);
my @records = @{ $journal->{records} };
my @checkpoints = grep { $_->{type} eq 'C' } @records;
cmp_ok(scalar @checkpoints, '>=', 5, 'checkpoints to work on');
my ($victim) = grep { $_->{type} eq 'S' && $_->{offset} > $checkpoints[2]{offset} } @records;

# The time of one record changed, and everything behind it hashed again: the chain fits.
my $forge = sub { my ($file, %how) = @_; rewrite_from($file, $victim->{seq}, sub { substr($_[0], 16, 1) ^= "\x01" }, %how) };
my $copy = forged(sub { $forge->($_[0]) });
($status, $out) = run_command_with('phiguard-verify', $copy);
is($status, 1, 'hashed again: also without a key, the checkpoints contradict');
($status, $out) = verify($copy);
my $from = $checkpoints[2]{seq} + 1;
like("$status $out", qr/^1 .*^\S+ \S+ $from the checkpoint at offset \d+ was signed for another history: records $from to \d+/ms,
	'hashed again: found, and where');
is(scalar(() = $out =~ /signed for another history/g), 1, 'once');

# Checkpoints made to fit, without the key.
$copy = forged(sub { $forge->($_[0], checkpoints => 'fit') });
($status, $out) = verify($copy);
like("$status $out", qr/^1 .*does not have the signature of the key that it names/ms, 'checkpoints forged: the signature tells');

# One bit of a checkpoint, its checksum made right: of its time, of the oldest segment, of the hash, of the signature.
for my $bit (16, 32, 40, 80)
{
	$copy = forged(sub {
		my ($file) = @_;
		my $record = read_bytes($file, $checkpoints[2]{offset}, $checkpoints[2]{length});
		substr($record, $bit, 1) ^= "\x01";
		substr($record, 4, 4) = pack('V', crc32c(substr($record, 8)));
		write_bytes($file, $checkpoints[2]{offset}, $record);
	});
	($status, $out) = verify($copy);
	like("$status $out", qr/^1 .*^\S+ \S+ $checkpoints[2]{seq} the checkpoint at offset $checkpoints[2]{offset} does not have the signature/ms,
		"bit $bit of a checkpoint");
}

# Checkpoints left out: what remains fits, and only an anchor can tell.
$copy = forged(sub { $forge->($_[0], checkpoints => 'drop') });
($status, $out) = verify($copy);
like("$status $out", qr/^0 .*vouches for all up to $checkpoints[2]{seq},/s, 'checkpoints left out: what is vouched for ends before');
($status, $out) = verify('--anchor', $anchors, $copy);
like("$status $out", qr/^1 .*the journal was rewritten, or this is another branch|^1 .*the journal is not what it was when the anchor/ms,
	'and an anchor finds it');

# Over hours nobody fails to sign: then the files alone tell.
$copy = forged(sub { $forge->($_[0], checkpoints => 'drop', stretch => 60) });
($status, $out) = verify($copy);
like("$status $out", qr/^1 .*^\S+ - $from no checkpoint vouches for records $from to \d+, which were written over more than an hour/ms,
	'checkpoints left out for hours');
$copy = forged(sub { $forge->($_[0], checkpoints => 'drop', stretch => -60) });
($status, $out) = verify($copy);
is($status, 0, 'a clock that goes backwards is no time that passes') or diag($out);

# The end cut off.
$copy = forged(sub { my ($file) = @_; my $end = $checkpoints[2]{offset} + $checkpoints[2]{length};
	write_bytes($file, $end, "\0" x ((-s $file) - $end)) });
($status, $out) = verify($copy);
is($status, 0, 'a tail cut off behind a checkpoint: the files alone do not show it');
($status, $out) = verify('--anchor', $anchors, $copy);
like("$status $out", qr/^1 .*^\S+ - $from the journal ends at record $checkpoints[2]{seq}, and an anchor knows of record \d+: its end was cut off/ms,
	'an anchor does');

# An older copy put back.
($status, $out) = verify('--anchor', keep('latest', $node->start && anchor()), forged(sub { }));
is($status, 0, 'the journal as it is now') or diag($out);
$copy = forged(sub { });
reads(10);
($status, $out) = verify('--anchor', keep('later', anchor()), $copy);
like("$status $out", qr/^1 .*an older copy put back/s, 'an older copy');

# A server that goes on from a tail that was cut off does not sign for what it knows to be otherwise: its files, moved
# back by hand while it is down, are found by the anchor, and by the number of the record.
my %other = (key => "$place/other.pub");
append_to_file($other{key}, 'ab' x 32);
($status, $out, $err) = run_command_with('phiguard-verify', '--public-key', $other{key}, $directory);
like("$status $out", qr/^1 .*names key [0-9a-f]{16}, which is not known here/ms, 'another key is not this server\'s');
for my $case ([ 'an anchor that was altered', $first =~ s/record=\d+/record=999999/r, qr/^2 .*was altered or forged/s ],
	[ 'half an anchor', substr($first, 0, 200), qr/^2 .*line 1: not an anchor/s ],
	[ 'no anchor', '', qr/^2 .*holds no anchor/s ])
{
	my ($name, $text, $pattern) = @$case;
	my ($status, $out, $err) = verify('--anchor', keep($name =~ s/ /_/gr, $text), $directory);
	like("$status $out$err", $pattern, $name);
}

# In SQL the same, with more keys where the master key has changed.
my ($seal_before) = $node->safe_psql('postgres', 'SELECT count(*) FROM phiguard.journal_checkpoints');
$node->stop;
rename $node->data_dir . '/phiguard_master.key', "$place/old.key" or die;
$node->start;
wait_until_open($node);
like(findings($node), qr/names key [0-9a-f]{16}, which is not known here/, 'with a new master key the old signatures are not known');
is($node->safe_psql('postgres', 'SELECT * FROM phiguard.verify_journal(public_keys => ARRAY[$key$' . slurp_file($key) . '$key$])'), '',
	'unless the old public key is given');
($status, undef, $err) = $node->psql('postgres', "SELECT * FROM phiguard.verify_journal(public_keys => '{abc}')");
like($err, qr/public key 1 is not an Ed25519 public key/, 'bad keys are refused');

# No key: records are written all the same, and the log and verify_journal() say what is missing.
$node->stop;
unlink $node->data_dir . '/phiguard_master.key';
append_to_file($node->data_dir . '/phiguard_master.key', "not a key\n");
chmod 0600, $node->data_dir . '/phiguard_master.key';
my $log_from = -s $node->logfile;
$node->start;
wait_until_open($node);
wait_for('the keeper complains', sub { slurp_file($node->logfile, $log_from) =~ /WARNING:  could not sign the journal of PHI access: the master key is not available/ });
is($node->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1'), '123-45-0001', 'without a key records are written all the same');
($status, undef, $err) = $node->psql('postgres', 'SELECT phiguard.journal_anchor()');
like($err, qr/the journal cannot be vouched for: the master key is not available/, 'but no anchor is to be had');
($status, undef, $err) = $node->psql('postgres', 'SELECT count(*) FROM phiguard.verify_journal()');
like($err, qr/WARNING:  this server's own signatures cannot be checked/, 'and verify_journal() says what it cannot check');
$node->stop;

done_testing();
