# Nobody learns what the session's purpose does not show: attempts of three roles, each in two worlds that differ in
# nothing but the secrets.  See test/attack/README.md.
#
# PHIG_ATTACK_ONE_IN: of the generated attempts, one in so many (4).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Find;
use PhigAttack;
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $one_in = $ENV{PHIG_ATTACK_ONE_IN} || 4;
# Four sessions at a time, and those of \c that have not ended yet.
my $node = phig_node('attack', 'max_connections = 50', 'phiguard.mode = off', "phiguard.journal_sync = 'off'", 'phiguard.on_unlabelled_store = ignore',
	"log_line_prefix = '%a|'", 'log_statement = none', 'max_parallel_workers_per_gather = 2', "statement_timeout = '20s'", 'fsync = off');
my $major = $node->pg_version->major;
my $parallel = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';

$node->safe_psql('postgres', "CREATE ROLE regress_phig_$_ LOGIN") for qw(reader writer owner);
for my $world (worlds())
{
	$node->safe_psql('postgres', "CREATE DATABASE $world");
	my (undef, $trouble) = run_sql($node, "\\set ON_ERROR_STOP 1\n" . setup($world, file => "'" . $node->basedir . "/$world.csv'",
			host => "'" . $node->host . "'", port => "'" . $node->port . "'"), db => $world);
	is($trouble, '', "the $world world is there");
}

my @rounds = (
	{ name => 'r', role => 'regress_phig_reader',
		attempts => [ written('reader'), written('limits'), generated(writer => 0, one_in => $one_in) ] },
	{ name => 'w', role => 'regress_phig_writer', attempts => [ written('writer'), generated(writer => 1, one_in => $one_in) ] },
	{ name => 'o', role => 'regress_phig_owner', attempts => [ written('owner') ] });
for my $round (@rounds)
{
	$round->{attempts} = [ grep { ($_->{since} || 0) <= $major } @{ $round->{attempts} } ];
}
my @attempts = map { @{ $_->{attempts} } } @rounds;

# All rounds in a mode; what attempt A saw is then $A->{$mode}.
sub run_all
{
	my ($mode) = @_;

	$node->append_conf('postgresql.conf', "phiguard.mode = $mode");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('phiguard.mode') = '$mode'");
	run_round($node, $mode, $_, parallel => $parallel) for @rounds;
	return;
}

# The server's log, by application_name: that is a world and an attempt.
sub logged
{
	my %lines;
	my $name = '';

	for my $line (split /^/, slurp_file($node->logfile))
	{
		$name = $1 if $line =~ s/^([^|\t]*)\|//;
		$lines{$name} .= $line;
	}
	return \%lines;
}

run_all('enforce');
my $logged = logged();
my ($recorded, $trouble) = run_sql($node, "SELECT DISTINCT application FROM phiguard.access_log WHERE application ~ '^(red|blue) '", app => 'reader');
is($trouble, '', 'the record can be read');
my %recorded = map { $_ => 1 } split /\n/, $recorded;
run_all('off');

# What is wrong with an attempt, or nothing.
sub shortcomings
{
	my ($attempt) = @_;
	my @learnt = learnt($attempt, 'enforce', $logged);
	my @wrong;

	push @wrong, @learnt unless $attempt->{limit};
	push @wrong, 'nothing is learnt any more: no limit' if $attempt->{limit} && !@learnt;
	push @wrong, map { "not on record in the $_ world" } grep { !$recorded{"$_ $attempt->{id}"} } worlds()
	  unless $attempt->{unrecorded} || $attempt->{limit};
	# Of all combinations some are no attempt: the largest of two values that are not the largest, say.
	push @wrong, 'nothing is learnt without phiguard either'
	  unless $attempt->{'no control'} || ($attempt->{made} && $one_in == 1) || learnt($attempt, 'off', {});
	return @wrong;
}

my $counted = 0;
for my $attempt (@attempts)
{
	my @wrong = shortcomings($attempt);

	ok(@wrong == 0, "$attempt->{id} $attempt->{name}") || diag join("\n", join('; ', @wrong), $attempt->{sql}, seen($attempt));
	$counted++ unless grep { $attempt->{$_} } 'no control', 'limit', 'unrecorded';
}
cmp_ok($counted, '>=', 150, 'attempts that count: with a control, and on record');

# Nothing of it is in the journal, whatever was tried.
my $bytes = '';
find({ no_chdir => 1, wanted => sub { $bytes .= slurp_file($_) if -f } }, $node->data_dir . '/phiguard/journal');
is(join(' ', map { secrets_in($bytes, $_, '') } worlds()), '', 'no secret is in the journal');
journal_is_intact($node, 'which is intact');
$node->stop;
done_testing();
