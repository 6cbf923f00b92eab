# A copy of a journal begins a branch: a new node that names the record and the hash after which it went its own
# way.  Base backup, standby, a plain copy, a copy of a copy; the original goes on undisturbed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('original', 'phiguard.journal_segment_size = 1MB');
$node->start;
add_patients($node);
$node->safe_psql('postgres', 'SELECT ssn FROM patient');

# The branch in a stopped copy's directory: its first segment, and its parent's last.
sub check_branch
{
	my ($server, $name) = @_;
	my $dir = journal_dir($server);
	my ($id) = slurp_file("$dir/node") =~ /^node ([0-9a-f]{8})/m;
	my ($parent_id) = slurp_file("$dir/node") =~ /^parent ([0-9a-f]{8})/m;
	my $first = read_segment("$dir/$id-0000000001.seg");
	my $header = $first->{header};

	is($header->{reason}, 3, "$name: the first segment says that it is a branch");
	is(substr($header->{parent_node}, 0, 8), $parent_id, "$name: of the node it was copied from");
	is($header->{first_seq}, $header->{parent_seq} + 1, "$name: numbers go on");

	# Of the parent's segments in this directory one ends a batch with that record, and with that hash.
	my $met = 0;
	for my $file (glob "$dir/$parent_id-*.seg")
	{
		my $segment = read_segment($file);
		$met = 1 if $segment->{last_hash} eq $header->{prev_hash} &&
			(grep { $_->{type} eq 'L' && $_->{seq} == $header->{parent_seq} } @{ $segment->{records} });
	}
	is($met, 1, "$name: and so does the chain");
	return $id;
}

# --- base backup while clients write, started as a standby and as a server of its own

my $script = $node->basedir . '/read.sql';
append_to_file($script, 'SELECT ssn FROM patient WHERE id = 1' . " AND id < 100000" x 20 . ";\n");
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', 60, '-f', $script, $node->connstr('postgres') ],
	'>', \my $out, '2>', \my $err);
wait_for('several segments', sub { segments(journal_dir($node)) >= 3 });
$node->backup('busy');
$bench->kill_kill;

my %id;
for my $kind (qw(standby restored))
{
	my $copy = PostgreSQL::Test::Cluster->new($kind);

	$copy->init_from_backup($node, 'busy', has_streaming => ($kind eq 'standby'));
	$copy->start;
	wait_until_open($copy);
	is(log_rows($copy, 'count(*)', "app_user = 'after the copy'"), '0', "$kind: knows nothing of what comes later");
	$copy->safe_psql('postgres', "SET phiguard.app_user = 'on the copy'; SELECT ssn FROM patient WHERE id = 2");
	is(log_rows($copy, 'rows', "app_user = 'on the copy' AND kind = 'read'"), '1', "$kind: records of its own");
	is(findings($copy), '', "$kind: the chain verifies, the parent's part included");
	$copy->stop;
	$id{$kind} = check_branch($copy, $kind);

	# The same directory again is no copy.
	$copy->start;
	wait_until_open($copy);
	is(() = slurp_file(journal_dir($copy) . '/node') =~ /^node $id{$kind}/m, 1, "$kind: stays the same node when restarted");
	$copy->stop;

	if ($kind eq 'restored')
	{
		# A plain copy of the stopped copy: a branch of a branch.
		my $again = PostgreSQL::Test::Cluster->new('again');
		system_or_bail('cp', '-a', $copy->data_dir, $copy->basedir . '/again');
		mkdir $again->basedir unless -d $again->basedir;
		rename $copy->basedir . '/again', $again->data_dir or die;
		$again->append_conf('postgresql.conf', 'port = ' . $again->port);
		$again->append_conf('postgresql.conf', "unix_socket_directories = '" . $again->host . "'");
		$again->start;
		wait_until_open($again);
		is(findings($again), '', 'copy of the copy: the chain verifies');
		$again->stop;
		is(scalar(grep { $_ eq check_branch($again, 'copy of the copy') } values %id), 0, 'copy of the copy: another node');
	}
}
isnt($id{standby}, $id{restored}, 'two copies are two nodes');

# --- a copy that caught a segment while it was written: the last one, or the one before, and the next had just begun

$node->safe_psql('postgres', join("\n", 'SET phiguard.journal_sync = off;', long_reads(10)));
$node->stop;
my @all = segments(journal_dir($node));
my %written = map { $_ => read_segment($all[$_]) } -2, -1;

sub inside_record
{
	my ($n) = @_;
	my @records = @{ $written{$n}{records} };
	return $records[ @records / 2 ]{offset} + 20;
}

for my $case ([ 'in a record', -1, inside_record(-1) ], [ 'in a page, with later ones', -1, inside_record(-1), 4096 ],
	[ 'in a record, before the next one', -2, inside_record(-2) ],
	[ 'behind a seal, before the next one', -2, (grep { $_->{type} eq 'L' } @{ $written{-2}{records} })[5]{behind} ])
{
	my ($what, $n, $end, $hole) = @$case;
	my $copy = PostgreSQL::Test::Cluster->new('caught_' . ($what =~ tr/ ,/__/r));
	my $name = "caught $what";
	my $file = journal_dir($copy) . '/' . (split m{/}, $all[$n])[-1];

	mkdir $copy->basedir unless -d $copy->basedir;
	system_or_bail('cp', '-a', $node->data_dir, $copy->data_dir);
	$copy->append_conf('postgresql.conf', 'port = ' . $copy->port);
	$copy->append_conf('postgresql.conf', "unix_socket_directories = '" . $copy->host . "'");
	write_bytes($file, $end, "\0" x ($hole // length($written{$n}{bytes}) - $end));
	$copy->start;
	wait_until_open($copy);
	is(findings($copy), '', "$name: the chain verifies");
	flip_byte($file, 1000);
	isnt(findings($copy), '', "$name: and what was altered before is found");
	flip_byte($file, 1000);
	$copy->stop;
	check_branch($copy, $name);
}

# The original is no copy.
write_bytes($all[-2], inside_record(-2), "\0" x (length($written{-2}{bytes}) - inside_record(-2)));
$node->start;
wait_until_open($node);
like(findings($node), qr/where the records end, are no record/, 'the same in the original is found');
write_bytes($all[-2], 0, $written{-2}{bytes});

# --- the original

$node->safe_psql('postgres', "SET phiguard.app_user = 'after the copy'; SELECT ssn FROM patient WHERE id = 1");
is(log_rows($node, 'count(DISTINCT node)', 'true'), '1', 'the original is one node');
is_intact($node, 'original');
$node->stop;

# --- a node file that is lost, or says nothing

my $dir = journal_dir($node);
for my $way (qw(lost damaged))
{
	unlink "$dir/node";
	append_to_file("$dir/node", "rubbish\n") if $way eq 'damaged';
	$node->start;
	wait_until_open($node);
	like(slurp_file($node->logfile), qr/WARNING:  the node file of the journal of PHI access is missing or damaged/,
		"$way node file: the server log warns");
	is(log_rows($node, 'count(*)', "app_user = 'after the copy' AND kind = 'read'"), '1',
		"$way node file: the old records can be read");
	is_intact($node, "$way node file");
	$node->stop;
	check_branch($node, "$way node file");
}

done_testing();
