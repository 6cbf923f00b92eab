# What the keeper hands to the outside, what it removes, and what journal_status says: anchors to a command, whole
# segments to the archive, old segments retired under a signature; a command that fails or hangs is in nobody's way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $place = PostgreSQL::Test::Utils::tempdir();
mkdir "$place/archive" or die;
my $node = new_server('outward', 'phiguard.journal_segment_size = 1MB', 'phiguard.journal_checkpoint_interval = 1',
	'autovacuum = off');
$node->start;
add_patients($node);
my $dir = journal_dir($node);

# A statement of its own text each, so that a few fill a segment.
sub fill_segments
{
	my ($count) = @_;
	my $to = newest() + $count;

	for (my $n = 0; newest() < $to; $n++)
	{
		$node->safe_psql('postgres', join("\n", 'SET phiguard.journal_sync = off;',
			map { 'SELECT ARRAY[' . join(', ', ('ssn') x (3000 + $n * 20 + $_)) . '] FROM patient WHERE id = 0;' } 1 .. 20));
	}
}
sub status { return $node->safe_psql('postgres', "SELECT $_[0] FROM phiguard.journal_status") }
sub newest { return status('newest_segment') }
sub set { my ($name, $value) = @_; $node->safe_psql('postgres', "ALTER SYSTEM SET phiguard.$name = $value"); $node->reload }

# --- journal_status

is(status("state, coalesce(reason, '-'), keeper_pid > 0, segments, \"position\" > 0, ring_bytes, ring_used < ring_bytes, free_bytes > 0"),
	'open|-|t|1|t|4190208|t|t', 'journal_status: one row');
is(status('directory'), $dir, 'where it is');
is(status('warnings'), '{"directory: inside the data directory, where pg_rewind deletes it"}', 'and that it lies inside the data directory');
is(status("archive_waiting IS NULL, archived_segment IS NULL, anchored_position IS NULL"), 't|t|t', 'nothing goes outside');
wait_for('a checkpoint', sub { status('signed_position') ne '' });
$node->safe_psql('postgres', 'CREATE ROLE regress_phig_clerk LOGIN; CREATE ROLE regress_phig_monitor LOGIN IN ROLE pg_monitor');
my ($code, $out, $err) = $node->psql('postgres', 'SELECT * FROM phiguard.journal_status', extra_params => [ '-U', 'regress_phig_clerk' ]);
like($err, qr/permission denied to see the state of phiguard's journal/, 'not for everybody');
is($node->safe_psql('postgres', 'SELECT state FROM phiguard.journal_status', extra_params => [ '-U', 'regress_phig_monitor' ]),
	'open', 'pg_monitor may');

# --- anchors

set('journal_anchor_command', "'cat >> $place/anchors'");
wait_for('an anchor', sub { -s "$place/anchors" });
my ($anchor) = split /\n/, slurp_file("$place/anchors");
is($node->safe_psql('postgres', "SELECT count(*) FROM phiguard.journal_checkpoints WHERE anchor = '$anchor'"), '1',
	'the command gets each checkpoint\'s anchor');
wait_for('status', sub { status('anchored_position') ne '' });

# The server says in its log and status that a command fails, and goes on.
my $log_from = -s $node->logfile;
set('journal_anchor_command', "'echo s3cret >/dev/null; exit 3'");
$node->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1');
wait_for('a warning', sub { slurp_file($node->logfile, $log_from) =~ /WARNING:  phiguard.journal_anchor_command failed: it ended with exit code 3/ });
like(status('warnings'), qr/journal_anchor_command: it ended with exit code 3/, 'a command that fails is in the status');
is($node->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1'), '123-45-0001', 'and in nobody\'s way');
wait_for('the record of the setting', sub {
	$node->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE kind = 'setting' AND query LIKE '%journal_anchor_command%SHA-256%'") > 0 });
is($node->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE query LIKE '%s3cret%'"), '0', 'no command is recorded as it is');
set('journal_anchor_command', "'sleep 1000 & echo \$! > $place/sleeper; sleep 1000'");
$node->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1');
wait_for('a command that hangs', sub { -s "$place/sleeper" });
$node->safe_psql('postgres', 'SET phiguard.journal_sync = off; SELECT ssn FROM patient WHERE id = 2');
wait_for('the keeper flushes meanwhile', sub { status('ring_used') == 0 });
ok(1, 'a command that hangs is in nobody\'s way either');
my ($sleeper) = slurp_file("$place/sleeper") =~ /(\d+)/;
kill 'KILL', -getpgrp($sleeper);
set('journal_anchor_command', "'cat >> $place/anchors'");
wait_for('no warning any more', sub { status('warnings') !~ /anchor/ });

# --- the archive

fill_segments(2);
is(status('archived_segment IS NULL'), 't', 'no archive yet');
set('journal_archive_command', "'test ! -f $place/archive/%f && cp %p $place/archive/%f'");
wait_for('the archive', sub { status('archive_waiting') eq '0' });
my @archived = glob "$place/archive/*.seg";
is(scalar @archived, newest() - 1, 'every complete segment is archived');
is(slurp_file($archived[0]), slurp_file("$dir/" . (split m{/}, $archived[0])[-1]), 'as it is');
$node->restart;
wait_until_open($node);
fill_segments(1);
wait_for('the next one', sub { status('archive_waiting') eq '0' && glob("$place/archive/*.seg") });
unlike(slurp_file($node->logfile, $log_from), qr/journal_archive_command failed/, 'a restart archives nothing twice');
is_intact($node, 'with an archive');

# --- what somebody does who can write the files, so that the server signs for their removal

# A header made to say that the segment before it is ten years old.
{
	my $second = (segments($dir))[1];
	my $header = read_bytes($second, 0, 512);
	my $forged = $header;

	$node->stop;
	substr($forged, 144, 16) = pack('q<q<', 500_000_000_000_000, 500_000_000_000_001);
	substr($forged, 508, 4) = pack('V', crc32c(substr($forged, 0, 508)));
	write_bytes($second, 0, $forged);
	$log_from = -s $node->logfile;
	$node->start;
	wait_until_open($node);
	wait_for('the keeper complains', sub { slurp_file($node->logfile, $log_from) =~ /WARNING:  could not retire old segments of the journal of PHI access: file ".*", record \d+: / });
	like(status('warnings'), qr/retention: file/, 'a segment made to look old is not retired, and the status says so');
	ok(-e (segments($dir))[0], 'it stays');
	is($node->safe_psql('postgres', "SELECT count(*) FROM phiguard.access_log WHERE command = 'SEGMENTS RETIRED'"), '0', 'and the record does not say that it went');
	$node->stop;
	write_bytes($second, 0, $header);
	$node->start;
	wait_until_open($node);
	is_intact($node, 'put right again');
}

# --- retention

# Another node's segments, all of them old but the last.  Each file is looked at once, not once for each of the others.
my $oldest = (segments($dir))[0];
for my $number (1 .. 4000)
{
	my $header = read_bytes($oldest, 0, 508);
	substr($header, 24, 4) = pack('H*', 'eeeeeeee');
	substr($header, 40, 8) = pack('Q<', $number);
	my $file = sprintf('%s/eeeeeeee-%010d.seg', $dir, $number);
	append_to_file($file, $header . pack('V', crc32c($header)));
	my $time = $number < 4000 ? 0 : time() + 3600;
	utime($time, $time, $file);
}
set('journal_retention', "'1s'");
wait_for('the first segment retires', sub { $node->reload; !-e $oldest });
is(scalar(grep { /eeeeeeee/ } segments($dir)), 4000, 'of another node nothing is retired while its last segment is young');
unlink glob("$dir/eeeeeeee-*");
is_intact($node, 'after segments were retired');
my ($first) = map { /-(\d+)\.seg$/ } (segments($dir))[0];
cmp_ok($first, '>', 1, 'they are gone');
is($node->safe_psql('postgres', "SELECT count(*) > 0 FROM phiguard.access_log WHERE command = 'SEGMENTS RETIRED'"), 't', 'and that is on record');
append_to_file("$place/key", $node->safe_psql('postgres', 'SELECT phiguard.journal_public_key()'));
set('journal_retention', 'DEFAULT');
$node->restart;
wait_until_open($node);
is_intact($node, 'after a restart');
fill_segments(2);
$node->stop;
command_ok([ 'phiguard-verify', '-k', "$place/key", '-a', "$place/anchors", $dir ], 'phiguard-verify takes it, old anchors included');
command_ok([ 'phiguard-verify', '-k', "$place/key", '-a', "$place/anchors", $dir, "$place/archive" ], 'and with the archive beside it');

# Whoever cannot check signatures takes nobody's word for it.
my ($unsigned) = run_command([ 'phiguard-verify', $dir ]);
like($unsigned, qr/^\S+ \S+-0000000001\.seg 1 the segments? .*missing$/m, 'without the key retired segments are missing');

# The control: what nobody signed for as retired is missing.
rename +(segments($dir))[0], "$place/taken" or die;
my ($stdout, $stderr) = run_command([ 'phiguard-verify', '-k', "$place/key", $dir ]);
like($stdout, qr/^\S+ \S+-\S+\.seg - the segment is missing/m, 'a segment taken away is missing');

# The last checkpoint made to say that the first segment was retired, and that one taken away.
{
	$node = new_server('forged', 'phiguard.journal_segment_size = 1MB', 'phiguard.journal_checkpoint_interval = 1');
	$node->start;
	add_patients($node);
	$dir = journal_dir($node);
	fill_segments(2);
	my $newest = newest_segment($dir);
	my ($first) = segments($dir);
	my ($checkpoint, $record, $forged);

	$node->stop;
	($checkpoint) = grep { $_->{type} eq 'C' } reverse @{ read_segment($newest)->{records} };
	$forged = $record = read_bytes($newest, $checkpoint->{offset}, $checkpoint->{length});
	substr($forged, 32, 8) = pack('Q<', 2);
	substr($forged, 4, 4) = pack('V', crc32c(substr($forged, 8)));
	write_bytes($newest, $checkpoint->{offset}, $forged);
	rename $first, "$place/first" or die;
	$node->start;
	wait_until_open($node);
	is($node->safe_psql('postgres', 'SELECT phiguard.journal_anchor()') =~ /oldest=(\d+)/ ? $1 : '', '1',
		'the server does not sign for what a forger says was retired');
	like(findings($node), qr/-0000000001\.seg\|1\|the segment is missing/, 'and it is missing');
	$node->stop;
}

done_testing();
