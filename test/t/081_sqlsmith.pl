# Queries that sqlsmith makes up over labelled relations: nothing breaks, and all that the server ran over a labelled
# column is on record.
#
# Who says what it ran is a witness (modules/witness): a library that looks at each plan before it is executed and
# knows nothing of phiguard.  Its lines are held against the access log, by process and time: the start record of an
# execution falls between the times before and after ExecutorStart that the witness notes (lib/sqlsmith_oracle.sql).
#
# PHIG_LONG=1: the full form, as make check-long runs it.  PHIG_SQLSMITH_STATEMENTS, PHIG_SQLSMITH_SEED: how many, which.
use strict;
use warnings;
use FindBin;
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use POSIX qw(WNOHANG);
use Time::HiRes qw(usleep);

my $long = $ENV{PHIG_LONG};
my $statements = $ENV{PHIG_SQLSMITH_STATEMENTS} || ($long ? 100_000 : 1_500);
my $seed = $ENV{PHIG_SQLSMITH_SEED} || 1;
my $per_process = $long ? 6_250 : 375;
my @roles = qw(smith_plain smith_parallel smith_indexed smith_wise);
my $place = $PostgreSQL::Test::Utils::tmp_check;
my $lines = "$place/witness";
my $library = "$place/witness.so";
my $lib = "$FindBin::Bin/../lib";

plan skip_all => 'no sqlsmith here' if system('command -v sqlsmith >/dev/null') != 0;

chomp(my $headers = `\${PG_CONFIG:-pg_config} --includedir-server`);
my ($made) = grep { system("$_ -shared -fPIC -I$headers -o $library $FindBin::Bin/../modules/witness/witness.c") == 0 } qw(gcc clang cc);
die 'the witness does not compile' if !$made;

my $node = new_server('sqlsmith', "shared_preload_libraries = 'phiguard, $library'", "witness.file = '$lines'",
	'max_connections = 50', 'phiguard.journal_sync = write', 'phiguard.on_unlabelled_store = ignore', 'jit = off', 'autovacuum = off', 'log_statement = none',
	'restart_after_crash = off', "log_line_prefix = '%m [%p] %q%a %e '");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE smith');
run_file($node, 'smith', "$lib/sqlsmith.sql");
$node->safe_psql('postgres', 'CREATE DATABASE log');
$node->safe_psql('log', q{
	CREATE TABLE instance (id bigserial, rev text, target text, hostname text, version text, seed text);
	CREATE TABLE error (id int8, msg text, query text, sqlstate text);
	CREATE TABLE stat (id int8, generated int8, level float, nodes float, retries float, updated timestamptz, impedance jsonb)});
is(sql(q{
	SELECT schema, relation, column_name, category FROM phiguard.data_dictionary
	WHERE schema IN ('clinic', 'plain') AND (category <> 'none') <> starts_with(column_name, 'phi_')}),
	'', 'labelled is what the witness takes for labelled');

smith($statements, $seed);
read_witness();
my %count = count();
my $result = "PostgreSQL " . $node->safe_psql('postgres', 'SHOW server_version') . ", seed $seed, $statements statements: "
  . join(', ', map { "$_ $count{$_}" } qw(ran executions labelled used returned written nested shared denied));
note $result;
append_to_file("$ENV{PHIG_OUT}/sqlsmith", "$result\n") if $ENV{PHIG_OUT};
cmp_ok($count{ran}, '>', $statements / 4, 'many of the statements run');
cmp_ok($count{$_}, '>', $statements / 200, "many of them: $_") for qw(used returned written nested denied);
is(misses(), '', 'every execution over labelled columns is on record, with all its columns');
is(sql('SELECT * FROM oracle.miscounted()'), '', 'and all of them are counted');
is(sql(q{SELECT position, flags, query FROM oracle.record WHERE 'unseen_plan' = ANY (flags)}), '', 'no plan was made unseen');
is(sql(q{SELECT position, query FROM oracle.record WHERE outcome IS NULL OR outcome = 'lost'}), '', 'no end was lost');

my $log = slurp_file($node->logfile);
my @broken = grep { /TRAP:|PANIC:|terminated by signal|unrecognized node|phiguard cannot follow|than a record can name|cannot be recorded/ }
  split /\n/, $log;
is(join("\n", @broken), '', 'nothing broke, and no plan was refused by phiguard');
is(sql('SELECT * FROM phiguard.verify_journal()'), '', 'the journal verifies');
is(new_internal_errors(), '', 'no internal error that is not there without phiguard');

# Would a miss be noticed?  Of a column that is in no record; of statements without any.
cmp_ok(sql("SELECT count(*) FROM oracle.misses('clinic.$_')"), '>', 0, "control: records without $_ are noticed")
  for qw(patient.phi_name visit.phi_cost document.phi_text);
$node->append_conf('postgresql.conf', 'phiguard.mode = off');
$node->reload;
unlink $lines or die;
smith(100, $seed);
$node->append_conf('postgresql.conf', 'phiguard.mode = audit');
$node->reload;
read_witness();
my $unseen = sql('SELECT count(*) FROM oracle.misses()');
%count = count();
cmp_ok($unseen, '>', 10, "control: a server that records nothing is noticed");
is($unseen, $count{labelled}, 'control: in each execution');
done_testing();

# As many processes as it takes, each with a seed and a role; statements that fail get into the database log.
sub smith
{
	my ($count, $first_seed) = @_;
	my @waiting = map { { seed => $first_seed + $_, role => $roles[ $_ % @roles ] } } 0 .. ($count - 1) / $per_process;
	my @running;

	while (@waiting || @running)
	{
		if (@waiting && @running < 2)
		{
			my $job = shift @waiting;
			my $wanted = $count < $per_process ? $count : $per_process;
			my $part = $job->{seed} % 16;
			my $connection = $node->connstr('smith') . " user=$job->{role} options='-c sieve.part=$part'";
			my $out = "$PostgreSQL::Test::Utils::log_path/sqlsmith.$job->{seed}";

			my @command = ('sqlsmith', "--target=$connection", "--seed=$job->{seed}", "--max-queries=$wanted",
				'--exclude-catalog', '--log-to=' . $node->connstr('log'), '--verbose');
			my $pid = fork // die "fork: $!";

			if ($pid == 0)
			{
				open(STDOUT, '>', '/dev/null');
				open(STDERR, '>', "$out.log");
				exec @command or POSIX::_exit(127);
			}
			push @running, $pid;
			$count -= $wanted;
			next;
		}
		my $pid = shift @running;

		# It would look for ever for a server that is gone.
		until (waitpid($pid, WNOHANG) == $pid)
		{
			usleep(100_000);
			next if -e $node->data_dir . '/postmaster.pid';
			kill 'KILL', $pid, @running;
			die 'the server is gone, see its log';
		}
		$? == 0 or die 'sqlsmith failed';
	}
}

sub sql
{
	my ($sql) = @_;
	return $node->safe_psql('smith', $sql);
}

sub run_file
{
	my ($server, $database, $file, @options) = @_;
	my ($out, $err);

	IPC::Run::run([ $server->installed_command('psql'), '-XAtq', '-d', $server->connstr($database), @options, '-f', $file ],
		'>', \$out, '2>', \$err) or die $err;
	return $out;
}

sub read_witness
{
	run_file($node, 'smith', "$lib/sqlsmith_oracle.sql", '-v', "lines=$lines");
}

# ran: statements that got as far as the executor.  The others are executions over labelled columns, as the witness has
# them, and records: of functions, of more than one execution, of attempts that were denied.
sub count
{
	my ($names, $values) = split /\n/, sql(q{
		SELECT 'ran,executions,labelled,used,returned,written,nested,shared,denied';
		SELECT count(DISTINCT (pid, began)), count(*), count(*) FILTER (WHERE used <> '{}' OR written <> '{}'),
			count(*) FILTER (WHERE used <> '{}'), count(*) FILTER (WHERE returned <> '{}'), count(*) FILTER (WHERE written <> '{}'),
			(SELECT count(*) FROM oracle.record WHERE 'function' = ANY (flags)),
			(SELECT count(*) FROM oracle.record WHERE executions > 1), (SELECT count(*) FROM oracle.record WHERE sqlstate = '42501')
		FROM oracle.seen});
	my %count;

	@count{ split /,/, $names } = split /\|/, $values;
	return %count;
}

# The first of them, with their texts.
sub misses
{
	my @misses = split /\n/, sql('SELECT pid, began, before, used, returned, written FROM oracle.misses() LIMIT 5');
	my $texts = @misses ? slurp_file("$lines.sql") : '';

	return join("\n", map {
		my ($pid, $began, $before) = split /\|/;
		my ($text) = $texts =~ /^-- $pid $began $before\n(.*?)(?=^-- \d+ \d+ \d+$|\z)/ms;
		"$_\n" . ($text // '') . "\n" . sql(qq{
			SELECT 'record', r.position, r.started - $before, r.flags, ARRAY(SELECT unnest(s.used) EXCEPT SELECT unnest(names) FROM oracle.also,
				unnest(r.returned || r.referenced || r.stored) n WHERE n = ANY (names)), s.returned, s.written, r.returned, r.referenced, r.stored
			FROM oracle.record r JOIN oracle.seen s ON s.pid = r.pid AND s.before = $before
			WHERE r.pid = $pid AND r.started BETWEEN $began AND $before + 10000 ORDER BY r.started LIMIT 3});
	} @misses);
}

# Of the statements that end in an internal error (XX000) those that do not without phiguard.  PostgreSQL has some of its
# own that sqlsmith finds.
sub new_internal_errors
{
	my @failed = map { [ split /\|/, $_, 3 ] } split /\x1e/, $node->safe_psql('log', q{
		SELECT string_agg(concat_ws('|', substring(target from 'user=(\w+)'), substring(target from 'part=(\d+)'), query), chr(30))
		FROM error JOIN instance USING (id) WHERE sqlstate = 'XX000'});
	my ($plain, @new);

	note scalar(@failed), ' statements end in an internal error';
	return '' if !@failed;
	$plain = PostgreSQL::Test::Cluster->new('plain');
	$plain->init;
	$plain->append_conf('postgresql.conf', "jit = off\nautovacuum = off\nlog_statement = none\n");
	$plain->start;
	$plain->safe_psql('postgres', 'CREATE DATABASE smith');
	append_to_file("$place/standins.sql", run_file($node, 'smith', "$lib/sqlsmith_standins.sql"));
	run_file($plain, 'smith', "$lib/sqlsmith.sql", '-v', "plain=$place/standins.sql");
	foreach my $statement (@failed)
	{
		my ($role, $part, $query) = @$statement;
		my ($status, $out, $err) = $plain->psql('smith', "\\set VERBOSITY sqlstate\nSET sieve.part = $part; BEGIN;\n$query;\nROLLBACK",
			connstr => $plain->connstr('smith') . " user=$role");

		push @new, "$query\n$err" if $err !~ /XX000/;
	}
	return join("\n", @new);
}
