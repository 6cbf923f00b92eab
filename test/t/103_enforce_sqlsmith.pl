# Queries that sqlsmith makes up, by roles under purposes: nothing breaks, and nothing leaks.
#
# The relations are those of 081_sqlsmith.pl, of every kind.  What the purposes do not show is full of marks
# (lib/sqlsmith_purposes.sql), which may turn up in no result, no message and no line of the server's log.  sqlsmith only
# writes the statements; psql runs them, each in a transaction that is rolled back, since sqlsmith does not look at results.
# Conditions that it makes up are seldom true: every other statement is run without.  Samples are of all rows, so that both
# runs have the same.
#
# The same statements in mode audit are the control: they do find the marks, and what is an error of theirs
# is none of enforcement.
#
# PHIG_LONG=1: the full form, as make check-long runs it.  PHIG_SQLSMITH_STATEMENTS, PHIG_SQLSMITH_SEED: how many, which.
use strict;
use warnings;
use FindBin;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $long = $ENV{PHIG_LONG};
my $statements = $ENV{PHIG_SQLSMITH_STATEMENTS} || ($long ? 100_000 : 2_000);
my $seed = $ENV{PHIG_SQLSMITH_SEED} || 1;
my $per_round = 500;
my @roles = qw(smith_plain smith_parallel smith_indexed smith_wise);
my $lib = "$FindBin::Bin/../lib";

# Of texts, upside down too, of numbers, dates and bytes; long enough for what chance makes.
my $mark = qr/zqxwvkj|jkvwxqz|\b917-?61-?00[01]|\b7351937(\d\d)?\b|\b73519\.3|\b7\d\.5193|(19[5-9]\d|20[012][0-4])-07-13\b|07:13:37\.4173|\b998-?877-?66[45]|feedface|(?<![.\d])8735[1-9]\b/i;

plan skip_all => 'no sqlsmith here' if system('command -v sqlsmith >/dev/null') != 0;

my $node = phig_node('sqlsmith', 'phiguard.journal_sync = off', 'phiguard.mode = enforce', 'phiguard.on_unlabelled_store = ignore',
	'max_connections = 50', 'log_error_verbosity = verbose', 'log_statement = none', "statement_timeout = '2s'");
$node->append_conf('postgresql.conf', 'restart_after_crash = off');
$node->safe_psql('postgres', 'CREATE DATABASE smith');
run_file("$lib/$_") for 'sqlsmith.sql', 'sqlsmith_purposes.sql';

my (%count, %state, @broken, @leaks);
for my $round (0 .. ($statements - 1) / $per_round)
{
	my $role = $roles[ ($seed + $round) % @roles ];
	my @queries = made_up($role, $seed + $round);
	my $log_at = -s $node->logfile;
	my @shown = run(\@queries, $role, "$seed.$round");
	my $log = slurp_file($node->logfile, $log_at);
	my @clear = run_clear(\@queries, $role, "$seed.$round");

	push @leaks, map { "log: $_" } grep { /$mark/ } split /\n/, $log;
	compare($queries[$_], $shown[$_], $clear[$_]) for 0 .. $#queries;
}
my $result = 'PostgreSQL ' . $node->safe_psql('postgres', 'SHOW server_version') . ", seed $seed, $statements statements: "
  . join(', ', map { "$_ $count{$_}" } sort keys %count);
note $result;
note join ', ', map { "$_ $state{$_}" } sort keys %state;
append_to_file("$ENV{PHIG_OUT}/enforce_sqlsmith", "$result\n") if $ENV{PHIG_OUT};
is(shortened(@leaks), '', 'no mark in a result, a message or a line of the log');
is(shortened(@broken), '', 'no error that is not there in mode audit, but refusals and such of data');
cmp_ok($count{ran} // 0, '>', $statements / 5, 'many statements run');
cmp_ok($count{refused} // 0, '>', $statements / 200, 'many are refused');
cmp_ok($count{rows} // 0, '>', $statements / 20, 'many return rows');
cmp_ok($count{would_leak} // 0, '>', $statements / 200, 'control: many find marks in mode audit');
is(join("\n", grep { /TRAP:|PANIC:|terminated by signal|unrecognized node|phiguard cannot follow/ } split /\n/, slurp_file($node->logfile)),
	'', 'nothing broke');
journal_is_intact($node, 'the journal verifies');
done_testing();

sub run_file
{
	my ($file) = @_;
	command_ok([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('smith'), '-f', $file ], $file =~ s|.*/||r);
}

# Statements as sqlsmith makes them up for a role.
sub made_up
{
	my ($role, $number) = @_;
	my $part = $number % 16;
	my ($out, $err);

	IPC::Run::run([ 'sqlsmith', '--target=' . $node->connstr('smith') . " user=$role options='-c sieve.part=$part'", "--seed=$number",
		"--max-queries=$per_round", '--exclude-catalog', '--dry-run' ], '>', \$out, '2>', \$err) or die "sqlsmith failed: $err";
	my @queries = split /;\n/, $out;

	s/\btablesample (\w+) \([\d.]+\)/tablesample $1 (100)/g for @queries;
	$queries[$_] =~ s/\bwhere /where true or /g for grep { $_ % 2 } 0 .. $#queries;
	return @queries;
}

# What became of each: { state, message, rows }.
sub run
{
	my ($queries, $role, $name) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.sql";
	my ($out, @results);

	open my $script, '>', $file or die "$file: $!";
	print $script map { "BEGIN;\n$_;\n\\set now :SQLSTATE\nROLLBACK;\n\\echo #:now\n" } @$queries;
	close $script;
	IPC::Run::run([ $node->installed_command('psql'), '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('smith') . " user=$role", '-f', $file ],
		'>', \$out, '2>&1');
	unlink $file;
	while ($out =~ /\G(.*?)^#(\w{5})\n/msg)
	{
		my ($text, $state) = ($1, $2);
		my ($message) = $text =~ /(?:ERROR|FATAL): +(\w{5}: .*)/;

		push @results, { state => $state, message => $message // '', text => $text };
	}
	die 'the server is gone, see its log' if @results != @$queries;
	return @results;
}

sub run_clear
{
	my @arguments = @_;
	my @results;

	set_mode('audit');
	@results = run(@arguments);
	set_mode('enforce');
	return @results;
}

sub set_mode
{
	my ($mode) = @_;

	$node->append_conf('postgresql.conf', "phiguard.mode = $mode");
	$node->reload;
	$node->poll_query_until('smith', 'SHOW phiguard.mode', $mode) or die "no mode $mode";
	return;
}

sub compare
{
	my ($query, $shown, $clear) = @_;

	$state{ $shown->{state} }++;
	$count{ran}++ if $shown->{state} eq '00000';
	$count{rows}++ if $shown->{state} eq '00000' && $shown->{text} ne '';
	$count{refused}++ if $shown->{state} eq '42501' && $clear->{state} ne '42501';
	$count{would_leak}++ if $clear->{text} =~ /$mark/;
	push @leaks, "$query\n$shown->{text}" if $shown->{text} =~ /$mark/;
	# Other data, other errors: of rows (21), of values (22), of missing ones (23), of what they are taken for a name of, of the
	# time it took (57), of what earlier statements did (55), of bounds of ranges (42601).
	push @broken, "$shown->{message}\nin mode audit: $clear->{state} $clear->{message}\n$query"
	  if $shown->{state} ne $clear->{state} && $shown->{state} !~ /^(00000|21000|22...|23...|3F000|42501|42601|42602|42704|42883|42P01|55000|55P02|57014)$/ &&
	  # only rows tell
	  $shown->{message} !~ /^0A000: risk_profile is not supported as a window function/;
	# What both call an internal error must be the same one.
	push @broken, "$shown->{message}\nin mode audit: $clear->{message}\n$query"
	  if $shown->{state} eq 'XX000' && $shown->{message} ne $clear->{message};
	return;
}

sub shortened
{
	my @texts = @_;

	return join "\n", map { substr $_, 0, 3000 } splice @texts, 0, 10;
}
