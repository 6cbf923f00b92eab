# Copies of a cluster, by PostgreSQL's own tools: each goes on as a branch of its own with its parent named, the parent's
# segments stay as they were, and both verifiers follow.  Standby, cascading standby, recovery to a point in time,
# promotion under load, pg_rewind, pg_upgrade; with the journal inside the data directory and outside of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA;
use File::Basename qw(basename);
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bindir = dirname_of('pg_ctl');
my $scratch = PostgreSQL::Test::Utils::tempdir();
my $place;						# inside or outside
my %directory;					# of each server, by its name
my @all_directories;			# of all servers of this place

sub dirname_of
{
	my ($program) = @_;
	my ($found) = grep { -x "$_/$program" } split /:/, $ENV{PATH};
	return $found;
}

sub directory_of { return $directory{ $_[0]->name } }

# --- what is asked of a directory

# The segments of a node, or of all but one, as they are now: name => hash.
sub fingerprints
{
	my ($dir, $pattern) = @_;
	my %hash = map { (basename($_), Digest::SHA->new(256)->addfile($_, 'b')->hexdigest) }
	  grep { basename($_) =~ $pattern } segments($dir);
	return \%hash;
}

sub node_file
{
	my ($dir) = @_;
	my %value = map { split / /, $_, 2 } split /\n/, slurp_file("$dir/node");
	return \%value;
}

# A server that runs in a copy began a branch of this node: by its node file, and by its first segment.
sub is_branch
{
	my ($server, $parent, $before, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $dir = directory_of($server);
	my $node = node_file($dir);
	my $id = substr($node->{node}, 0, 8);
	my $header = read_segment("$dir/$id-0000000001.seg")->{header};

	is_deeply([ $header->{reason}, $header->{node}, $header->{parent_node}, $header->{parent_seq}, $header->{first_seq} ],
		[ 3, $node->{node}, $node->{parent}, $node->{parent_seq}, $node->{parent_seq} + 1 ],
		"$name: the first segment says the same of the branch as the node file, and numbers go on");
	is($node->{parent}, $parent, "$name: the parent is named");
	is_deeply(fingerprints($dir, qr/^(?!$id)/), $before, "$name: what was copied is as it was, byte for byte");
	is_intact($server, $name);
	return $node->{node};
}

sub node_of { return node_file(directory_of($_[0]))->{node} }
sub anchor { return $_[0]->safe_psql('postgres', 'SELECT phiguard.journal_anchor()') }

sub keep
{
	my ($name, $text) = @_;
	my $path = "$scratch/$place-$name";

	unlink $path;
	append_to_file($path, "$text\n");
	return $path;
}

sub verify
{
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'phiguard-verify', @_ ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8) . " $out$err";
}

sub verifies
{
	my ($name, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like(verify(@arguments), qr/^0 /, "$name: phiguard-verify agrees");
}

# --- servers

my @conf = ("shared_preload_libraries = 'phiguard'", 'phiguard.journal_segment_size = 1MB', 'wal_log_hints = on',
	'wal_keep_size = 256MB', 'autovacuum = off', 'jit = off');

sub set_directory
{
	my ($server, $dir) = @_;

	$dir //= $server->basedir . '/journal' if $place eq 'outside';
	$server->append_conf('postgresql.conf', "phiguard.journal_directory = '$dir'") if defined $dir;
	$directory{ $server->name } = $dir // $server->data_dir . '/phiguard/journal';
	push @all_directories, directory_of($server) unless grep { $_ eq directory_of($server) } @all_directories;
}

# A base backup, and of a journal outside a copy beside it.
sub back_up
{
	my ($server, $name) = @_;

	$server->backup($name);
	system_or_bail('cp', '-a', directory_of($server), $server->backup_dir . "/$name-journal") if $place eq 'outside';
}

# A server made from that backup, not started.
sub copy_of
{
	my ($name, $from, $backup, %options) = @_;
	my $copy = PostgreSQL::Test::Cluster->new("${place}_$name");

	$copy->init_from_backup($from, $backup, %options);
	$copy->append_conf('postgresql.conf', 'archive_mode = off');
	# pg_basebackup keeps the mode, this class does not.
	chmod 0600, $copy->data_dir . '/phiguard_master.key' or die;
	return $copy;
}

sub with_journal
{
	my ($copy, $from, $backup) = @_;

	set_directory($copy);
	system_or_bail('cp', '-a', $from->backup_dir . "/$backup-journal", directory_of($copy)) if $place eq 'outside';
	return $copy;
}

sub start_and_wait
{
	my ($server) = @_;
	$server->start;
	wait_until_open($server);
}

sub reads
{
	my ($server, $app, $times) = @_;
	local $ENV{PGAPPNAME} = $app;
	$server->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1;' x ($times // 1));
}

sub reads_on_record { return log_rows($_[0], 'coalesce(sum(coalesce(executions, 1)), 0)', "application = '$_[1]' AND outcome = 'ok'") }

# Clients that run a script for some seconds; finish_load() says how many transactions were answered.
sub start_load
{
	my ($server, $app, $sql, $seconds) = @_;
	my %load = (out => '', err => '');
	my $script = keep("$app.sql", "$sql;");
	local $ENV{PGAPPNAME} = $app;

	$load{harness} = IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', $seconds, '-f', $script, $server->connstr('postgres') ],
		'<', \undef, '>', \$load{out}, '2>', \$load{err});
	return \%load;
}

sub finish_load
{
	my ($load) = @_;
	$load->{harness}->finish;
	return $load->{out} =~ /actually processed: (\d+)/ ? $1 : "none: $load->{err}";
}

# --- copies

sub try_copies
{
	$place = shift;
	@all_directories = ();
	my $primary = PostgreSQL::Test::Cluster->new("${place}_primary");

	$primary->init(allows_streaming => 1, has_archiving => 1);
	$primary->append_conf('postgresql.conf', join("\n", @conf, ''));
	set_directory($primary);
	$primary->start;
	add_patients($primary);
	$primary->safe_psql('postgres', "CREATE TABLE note (t text); SELECT phiguard.label('note', 't', 'ssn')");
	reads($primary, 'before', 5);
	my $key = keep('key', $primary->safe_psql('postgres', 'SELECT phiguard.journal_public_key()'));
	my $root = node_of($primary);
	my $early = anchor($primary);
	my @check = ('--public-key', $key);

	back_up($primary, 'base');
	my $copied = fingerprints($place eq 'inside' ? $primary->backup_dir . '/base/phiguard/journal' : $primary->backup_dir . '/base-journal', qr/./);
	reads($primary, 'after', 5);
	my $late = anchor($primary);
	$primary->safe_psql('postgres', "SELECT pg_create_restore_point('here'); CREATE TABLE later (); SELECT pg_switch_wal()");

	# Two servers from one backup: a standby, and one that stops at a point in time.
	my $standby = with_journal(copy_of('standby', $primary, 'base', has_streaming => 1), $primary, 'base');
	my $pitr = with_journal(copy_of('pitr', $primary, 'base', has_restoring => 1, standby => 0), $primary, 'base');
	$pitr->append_conf('postgresql.conf', "recovery_target_name = 'here'\nrecovery_target_action = 'promote'");
	$standby->start;
	$pitr->start;
	wait_until_open($_) foreach $standby, $pitr;
	$pitr->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
	reads($_, 'copy') foreach $standby, $pitr;
	my %id = (standby => is_branch($standby, $root, $copied, "$place: standby"), pitr => is_branch($pitr, $root, $copied, "$place: point in time"));
	isnt($id{standby}, $id{pitr}, "$place: two servers from one backup are two nodes");
	is($pitr->safe_psql('postgres', "SELECT to_regclass('later') IS NULL"), 't', "$place: recovered to the point in time");
	wait_for('its promotion', sub { log_rows($pitr, '1', "command = 'PROMOTION'") ne '' });
	is(log_rows($pitr, "string_agg(command || ' ' || split_part(query, ',', 1), '; ')", "kind = 'server' AND node = '" . substr($id{pitr}, 0, 8) . "'"),
		'SERVER START standby; PROMOTION primary', "$place: point in time: its start and its promotion are on record");
	is(reads_on_record($_, 'after') . reads_on_record($_, 'before'), '05', "$place: it has the records up to the copy") foreach $standby, $pitr;

	# An anchor of before fits the copy; of one of later, the copy alone has not the records.
	verifies("$place: standby, anchor of before", @check, '--anchor', keep('early', $early), directory_of($standby));
	my ($seq) = $late =~ / record=(\d+)/;
	my $first = node_file(directory_of($standby))->{parent_seq} + 1;
	like(verify(@check, '--anchor', keep('late', $late), directory_of($standby)),
		qr/^1 .*^\S+ - $first records $first to $seq, which an anchor knows of, are not here, where node @{[substr($id{standby}, 0, 8)]} branches off: they are in the directory that was copied, or an older copy was put back$/ms,
		"$place: an anchor of later: the copy alone lacks records, and it says why that may be");
	verifies("$place: with the directory of the parent", @check, '--anchor', keep('late', "$early\n$late"), directory_of($standby), directory_of($primary));

	# A cascading standby: a branch of a branch.
	back_up($standby, 'cascade');
	my $copied_twice = fingerprints($place eq 'inside' ? $standby->backup_dir . '/cascade/phiguard/journal' : $standby->backup_dir . '/cascade-journal', qr/./);
	my $cascade = with_journal(copy_of('cascade', $standby, 'cascade', has_streaming => 1), $standby, 'cascade');
	start_and_wait($cascade);
	reads($cascade, 'copy');
	$id{cascade} = is_branch($cascade, $id{standby}, $copied_twice, "$place: cascading standby");

	push @check, try_interrupted_branch($primary, $root, $copied, @check) if $place eq 'inside';
	try_wrong_directories($primary, @check) if $place eq 'outside';
	my $old = fingerprints(directory_of($primary), qr/./);
	my $promoted = promote_under_load($primary, $standby);
	try_rewind($primary, $standby, $root, $id{standby}, $promoted);
	try_upgrade($pitr, $id{pitr}, @check);

	# What verifies alone verifies together, whichever part of a node each directory has.
	$_->stop foreach $cascade, $primary, $standby;
	my $anchors = keep('all', "$early\n" . ($place eq 'outside' ? $late : ''));
	verifies("$place: all directories together", @check, '--anchor', $anchors, @all_directories);
	unlike(verify(@check, @all_directories), qr/^node .*no checkpoint vouches/m, "$place: each node has signed");

	# One more copy, in which a byte is another.
	my $forged = "$scratch/$place-forged";
	system_or_bail('cp', '-a', directory_of($cascade), $forged);
	flip_byte((segments($forged))[0], 600);
	like(verify(@check, @all_directories, $forged), qr/^2 .*differ: check their directories one by one$/ms, "$place: a segment that is not the same in two directories");
	return;
}

sub promote_under_load
{
	my ($primary, $standby) = @_;
	my $writes = start_load($primary, 'load on the primary', "INSERT INTO note VALUES ('123-45-6789')", 4);
	my $reads = start_load($standby, 'load on the standby', 'SELECT ssn FROM patient WHERE id = 2', 6);

	wait_for('reads on the standby', sub { reads_on_record($standby, 'load on the standby') > 20 });
	wait_for('writes on the primary', sub { reads_on_record($primary, 'load on the primary') > 20 });
	$standby->promote;
	my $more = start_load($standby, 'writes once promoted', "INSERT INTO note VALUES ('123-45-6789')", 1);
	my $answered = finish_load($more);
	is(reads_on_record($standby, 'writes once promoted'), $answered, "$place: promoted under load: each write is on record");
	$answered = finish_load($writes);
	is(reads_on_record($primary, 'load on the primary'), $answered, "$place: promoted under load: so is each of the primary's");
	my $read = finish_load($reads);
	is(reads_on_record($standby, 'load on the standby'), $read, "$place: promoted under load: and each read of the standby's");
	cmp_ok(log_rows($standby, 'count(*)', "application = 'load on the standby' AND 'replica' = ANY (flags)"), '<', $read,
		"$place: some came after the promotion");
	is(log_rows($standby, 'query', "command = 'PROMOTION'"), 'primary, timeline 2', "$place: the promotion is on record, with the timeline");
	is_intact($standby, "$place: promoted under load");
	return $read;
}

# The old primary becomes a standby of the new one.
sub try_rewind
{
	my ($primary, $standby, $root, $source_id) = @_;
	my $dir = directory_of($primary);
	my $conf = slurp_file($primary->data_dir . '/postgresql.conf');
	my $mine = reads_on_record($primary, 'after');
	my ($before, $said);

	is($mine, '5', "$place: before pg_rewind the old primary has its records");
	$standby->safe_psql('postgres', 'CHECKPOINT');
	# Crashed, it is started in single-user mode by pg_rewind.
	$primary->stop($place eq 'outside' ? 'immediate' : 'fast');
	$before = fingerprints($dir, qr/./);
	command_ok([ 'pg_rewind', '--source-server', $standby->connstr('postgres'), '--target-pgdata', $primary->data_dir ], "$place: pg_rewind");
	unlink $primary->data_dir . '/postgresql.conf';
	append_to_file($primary->data_dir . '/postgresql.conf', $conf);

	if ($place eq 'outside')
	{
		is_deeply([ sort keys %{ fingerprints($dir, qr/./) } ], [ sort keys %$before ], "$place: pg_rewind leaves the journal alone");
	}
	else
	{
		is_deeply([ sort keys %{ fingerprints($dir, qr/./) } ], [ sort keys %{ fingerprints(directory_of($standby), qr/./) } ],
			"$place: pg_rewind puts the source's journal in the place of this server's");
	}
	$before = fingerprints($dir, qr/./);
	$primary->enable_streaming($standby);
	start_and_wait($primary);
	$standby->wait_for_catchup($primary, 'replay', $standby->lsn('insert'));
	reads($primary, 'rewound');

	if ($place eq 'outside')
	{
		is(node_of($primary), $root, "$place: rewound: the node goes on");
		is(reads_on_record($primary, 'after') . reads_on_record($primary, 'rewound'), '51', "$place: rewound: it has all of its records");
		is(log_rows($primary, "string_agg(command || ' ' || split_part(query, ',', 1), '; ')", "kind = 'server'"),
			'SERVER START primary; SERVER START standby', "$place: rewound: it crashed, and came back as a standby");
		$primary->safe_psql('postgres', 'SELECT ssn FROM patient WHERE id = 1\;' x 8000 . 'SELECT 1');
		my $newest = read_segment(newest_segment($dir))->{header};
		is_deeply([ $newest->{node}, $newest->{reason}, $newest->{timeline} ], [ $root, 2, 2 ], "$place: rewound: the next segment is of the new timeline");
		is_intact($primary, "$place: rewound");
	}
	else
	{
		my $id = is_branch($primary, $source_id, $before, "$place: rewound");
		is(reads_on_record($primary, 'after'), '0', "$place: rewound: what only this server had on record is lost");
		like(slurp_file($primary->logfile),
			qr/LOG:  the journal of PHI access is inside the data directory.*pg_rewind puts the source's in its place.*HINT:  In production, set phiguard.journal_directory to a directory elsewhere/s,
			"$place: the server log said that it would be");
	}
}

# pg_upgrade: another system identifier.
sub try_upgrade
{
	my ($old, $old_id, @check) = @_;
	my $new = PostgreSQL::Test::Cluster->new("${place}_upgraded");
	my $system = node_file(directory_of($old))->{system_identifier};
	my $before;

	$new->init(allows_streaming => 1);
	$new->append_conf('postgresql.conf', join("\n", @conf, ''));
	set_directory($new, $place eq 'outside' ? directory_of($old) : undef);
	$old->stop;
	system_or_bail('cp', '-a', $old->data_dir . '/phiguard_master.key', $new->data_dir);
	# Inside, pg_upgrade leaves it behind: it is carried over by hand, before the first start.
	system_or_bail('cp', '-a', $old->data_dir . '/phiguard', $new->data_dir) if $place eq 'inside';
	$before = fingerprints(directory_of($new), qr/./);

	chdir $scratch or die;
	command_ok([ 'pg_upgrade', '--no-sync', '-b', $bindir, '-B', $bindir, '-d', $old->data_dir, '-D', $new->data_dir,
			'-p', $old->port, '-P', $new->port, '-s', $new->host ], "$place: pg_upgrade") or diag(upgrade_log($new));
	start_and_wait($new);
	reads($new, 'upgraded');
	isnt(node_file(directory_of($new))->{system_identifier}, $system, "$place: upgraded: another system identifier");
	# The old server was started by pg_upgrade too: where both have one directory, its node has grown.
	my $id = substr(node_of($new), 0, 8);
	$before = fingerprints(directory_of($new), qr/^(?!$id)/) if $place eq 'outside';
	is_branch($new, $old_id, $before, "$place: upgraded");
	is(reads_on_record($new, 'before') . reads_on_record($new, 'copy') . reads_on_record($new, 'upgraded'), '511', "$place: upgraded: the old records can be read");
	like(log_rows($new, "string_agg(command || ' ' || split_part(query, ',', 1), '; ')", "kind = 'server' AND node = '$id'"),
		qr/^SERVER START binary upgrade; .*; SERVER START primary$/, "$place: upgraded: the server ran in pg_upgrade's mode, and that is on record");
	verifies("$place: upgraded", @check, directory_of($new));
	$new->stop;
}

sub upgrade_log
{
	my ($new) = @_;
	return join '', map { slurp_file($_) } glob($new->data_dir . '/pg_upgrade_output.d/*/log/*');
}

# --- a branch that was cut short while it was begun, and another key

sub try_interrupted_branch
{
	my ($primary, $root, $copied, @check) = @_;
	my $copy = with_journal(copy_of('clone', $primary, 'base'), $primary, 'base');
	my $dir = directory_of($copy);
	my $key = $copy->data_dir . '/phiguard_master.key';

	start_and_wait($copy);
	my $id = is_branch($copy, $root, $copied, 'interrupted');
	my $node = slurp_file("$dir/node");

	# Killed when the node file was written and nothing else: no segment, the ring still the parent's.
	my $cut = sub {
		$copy->stop('immediate');
		unlink grep { /\/\Q@{[substr($_[0], 0, 8)]}\E-/ } segments($dir);
		system_or_bail('cp', $primary->backup_dir . '/base/phiguard/journal/ring', "$dir/ring");
	};
	$cut->($id);
	append_to_file("$dir/node.tmp", 'half');
	start_and_wait($copy);
	is(is_branch($copy, $root, $copied, 'interrupted, started again'), $id, 'interrupted, started again: the same branch');
	is(slurp_file("$dir/node"), $node, 'interrupted, started again: the node file stands');

	# A copy of just that state: another node, the same parent.
	$cut->($id);
	system_or_bail('cp', "$dir/node", "$dir/node.copy");
	rename "$dir/node.copy", "$dir/node" or die;
	start_and_wait($copy);
	my $other = is_branch($copy, $root, $copied, 'a copy of an interrupted branch');
	isnt($other, $id, 'a copy of an interrupted branch: another node');

	# Another master key: what others signed is not known, unless their key is given.
	$copy->stop;
	unlink $key;
	start_and_wait($copy);
	like(findings($copy), qr/names key [0-9a-f]{16}, which is not known here/, 'another key: the signatures of the parent are not known');
	my ($theirs) = map { slurp_file($_) } $check[1];
	is($copy->safe_psql('postgres', "SELECT * FROM phiguard.verify_journal(public_keys => ARRAY[\$key\$$theirs\$key\$])"), '',
		'another key: with the public key of the parent they are');
	my $mine = keep('other.key', $copy->safe_psql('postgres', 'SELECT phiguard.journal_public_key()'));
	$copy->stop;
	like(verify('--public-key', $mine, $dir), qr/^1 .*which is not known here/s, 'another key: phiguard-verify with one of them');
	verifies('another key, both keys', '--public-key', $mine, @check, $dir);
	return ('--public-key', $mine);
}

# --- a configuration that came with the copy

sub try_wrong_directories
{
	my ($primary, @check) = @_;
	my $copy = copy_of('clone', $primary, 'base', has_streaming => 1);
	my $dir = directory_of($primary);
	my $before = fingerprints($dir, qr/./);
	my $node = slurp_file("$dir/node");
	my ($status, $out, $err);

	# Its configuration still names the primary's directory.
	$copy->start;
	wait_for('the refusal', sub { slurp_file($copy->logfile) =~ /WARNING:  could not open the journal of PHI access: directory "\Q$dir\E" is in use by another server/ });
	($status, $out, $err) = $copy->psql('postgres', "\\set VERBOSITY verbose\nSELECT ssn FROM patient");
	like("[$out] $err", qr/^\[\] .*ERROR:  PG001: .*in use by another server/s, 'a directory in use: no PHI without a record, and why');
	is($copy->safe_psql('postgres', 'SELECT id FROM patient WHERE id = 1'), '1', 'a directory in use: what is no PHI goes on');
	is_deeply([ fingerprints($dir, qr/./), slurp_file("$dir/node") ], [ $before, $node ], 'a directory in use: nothing in it was touched');
	reads($primary, 'undisturbed');
	is(reads_on_record($primary, 'undisturbed'), '1', 'a directory in use: its server goes on');
	is_intact($primary, 'a directory in use');
	$copy->stop;

	# A directory that does not exist yet: a journal that begins there, and knows of none before.
	set_directory($copy);
	start_and_wait($copy);
	reads($copy, 'fresh');
	my $own = node_file(directory_of($copy));
	my $header = read_segment(newest_segment(directory_of($copy)))->{header};
	is_deeply([ exists $own->{parent} ? 1 : 0, $header->{reason}, $header->{number}, $header->{first_seq}, $header->{parent_seq} ], [ 0, 1, 1, 1, 0 ],
		'a fresh directory: a chain of its own, without parent');
	is(reads_on_record($copy, 'before') . reads_on_record($copy, 'fresh'), '01', 'a fresh directory: with its own records only');
	is_intact($copy, 'a fresh directory');
	$copy->stop;
	verifies('a fresh directory', @check, directory_of($copy));
	like(verify(@check, '--anchor', keep('late', anchor($primary)), directory_of($copy)),
		qr/^1 .*an anchor names this node, and none of its segments is here/s, 'a fresh directory: an anchor of the parent finds nothing there');
}

try_copies($_) foreach qw(inside outside);
done_testing();
