# PhigTest: what the whole-server tests share: a server with phiguard, sessions that are
# driven step by step, and the access log as lines that a person can read.
package PhigTest;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(phig_node run_sql records record_line records_are persons_on_record journal_is_intact session
	wait_until);

# Seconds after which something that should happen counts as not happening.
our $patience = 60;

# phig_node(NAME, CONF LINE...): a started server with phiguard in database postgres.
sub phig_node
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	# Initialised for streaming always: only the standby test uses it, and it costs nothing.
	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf', join("\n",
		"shared_preload_libraries = 'phiguard'",
		'jit = off', 'restart_after_crash = on', 'autovacuum = off', 'phiguard.on_new_column = ignore', @conf, ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION phiguard');
	return $node;
}

# run_sql(NODE, SQL, as => ROLE, app => NAME, db => NAME, options => CONNECTION STRING):
# one psql session; statements go on after an error.  Returns (output, error output).
sub run_sql
{
	my ($node, $sql, %opt) = @_;
	my ($out, $err);

	IPC::Run::run(psql_command($node, %opt), '<', \$sql, '>', \$out, '2>', \$err,
		IPC::Run::timeout($patience));
	chomp($out, $err);
	return ($out, $err);
}

sub psql_command
{
	my ($node, %opt) = @_;
	my $connection = $node->connstr($opt{db} || 'postgres');

	$connection .= " user=$opt{as}" if $opt{as};
	$connection .= " application_name='$opt{app}'" if $opt{app};
	$connection .= " $opt{options}" if $opt{options};
	return [ $node->installed_command('psql'), '-XAtq', '-d', $connection, '-f', '-' ];
}

# records(NODE, WHERE): the access log as hashes, in order; reading it leaves a record itself.
my @columns = qw(position kind command login_role active_role app_user client application database pid session_id
	purpose justification returned referenced stored shown categories rows outcome sqlstate query executions flags);
my %as_text = (client => 'host(client)');
my %is_list = map { $_ => 1 } qw(returned referenced stored shown categories flags);

sub records
{
	my ($node, $where, %opt) = @_;
	my $list = join(', ', map { $as_text{$_} || ($is_list{$_} ? "array_to_string($_, ' ')" : "$_\::text") } @columns);
	my ($out, $err) = run_sql($node, <<"SQL", app => 'reader', %opt);
\\pset fieldsep '\\037'
\\pset recordsep '\\036'
SELECT $list FROM phiguard.access_log WHERE $where ORDER BY access_log.position;
SQL
	die "the access log cannot be read: $err" if $err ne '';
	return map {
		my @values = split /\x1f/, $_, -1;
		my %record;
		@record{@columns} = @values;
		\%record;
	} split /\x1e/, $out;
}

# record_line(RECORD): "read SELECT; returned patient.ssn; rows 1; ok", empty parts left out.
sub record_line
{
	my ($record) = @_;
	my @parts = ("$record->{kind} $record->{command}");

	push @parts, "as $record->{login_role}, $record->{active_role}"
	  if $record->{login_role} ne $record->{active_role};
	foreach my $set (qw(returned referenced stored))
	{
		my $names = $record->{$set};

		$names =~ s/\bpublic\.//g;
		push @parts, "$set " . join(', ', split / /, $names) if $names ne '';
	}
	push @parts, "executions $record->{executions}" if ($record->{executions} || 1) > 1;
	push @parts, "rows $record->{rows}"
	  if $record->{rows} ne '' && $record->{kind} =~ /^(read|write|denied|disclosure)$/;
	push @parts, join(' ', grep { $_ ne '' && $_ ne '00000' } $record->{outcome}, $record->{sqlstate});
	# How persons were named is what tests of that ask for themselves.
	my @flags = sort grep { !/^subjects_/ } split / /, $record->{flags};
	push @parts, 'flags ' . join(', ', @flags) if @flags;
	return join('; ', @parts);
}

# records_are(NODE, WHERE, [LINE...], NAME): one assertion.
sub records_are
{
	my ($node, $where, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is_deeply([ map { record_line($_) } records($node, $where) ], $expected, $name);
}

# persons_on_record(NODE, APPLICATION, people => TABLE, among => CONDITION, of => CONDITION): whose rows its records name,
# as numbers of two digits: column k of that table (patient), where they are among those; '?' is one of no such number.
# Before them "not captured" where a record does not know; of narrows the records.
sub persons_on_record
{
	my ($node, $app, %opt) = @_;
	my $people = $opt{people} // 'patient';
	my $among = $opt{among} // 'true';
	my $of = $opt{of} // 'true';

	return $node->safe_psql('postgres', <<"SQL");
WITH t AS MATERIALIZED (SELECT k, phiguard.subject_token('$people', id) AS token FROM $people WHERE $among)
SELECT CASE WHEN bool_or(subjects IS NULL) THEN 'not captured ' ELSE '' END ||
       coalesce(string_agg(DISTINCT coalesce(lpad(k::text, 2, '0'), '?'), ' ') FILTER (WHERE s IS NOT NULL), 'nobody')
FROM phiguard.access_log LEFT JOIN unnest(subjects) s ON true LEFT JOIN t ON token = s
WHERE application = '$app' AND kind IN ('read', 'write', 'disclosure', 'denied') AND $of
SQL
}

sub journal_is_intact
{
	my ($node, $name) = @_;
	my ($out, $err) = run_sql($node, 'SELECT * FROM phiguard.verify_journal()', app => 'reader');
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is("$out$err", '', $name);
}

# wait_until(CODE, NAME): an assertion that CODE comes true before patience runs out.
sub wait_until
{
	my ($code, $name) = @_;
	my $end = time() + $patience;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	until ($code->())
	{
		return fail($name) if time() > $end;
		select(undef, undef, undef, 0.05);
	}
	return pass($name);
}

# session(NODE, as => ..., app => ...): a psql that takes statements one by one.
sub session
{
	my ($node, %opt) = @_;
	my $self = bless { in => '', out => '', err => '', marks => 0 }, 'PhigTest::Session';

	$self->{run} = IPC::Run::start(psql_command($node, %opt), '<', \$self->{in}, '>', \$self->{out},
		'2>', \$self->{err}, IPC::Run::timeout($patience));
	$self->{pid} = $self->ask('SELECT pg_backend_pid()');
	return $self;
}

package PhigTest::Session;

# Hand over a statement without waiting for it.
sub send
{
	my ($self, $sql) = @_;

	$self->{in} .= "$sql\n";
	$self->{run}->pump_nb;
}

# Wait until the output so far matches; returns it.
sub wait_for
{
	my ($self, $pattern) = @_;

	$self->{run}->pump until $self->{out} =~ $pattern;
	return $self->{out};
}

# One statement and its output; the error output so far is in {err}.
sub ask
{
	my ($self, $sql) = @_;
	my $mark = 'done ' . ++$self->{marks};

	$self->{out} = '';
	$self->{in} .= "$sql;\n\\echo $mark\n";
	$self->wait_for(qr/^$mark$/m);
	$self->{out} =~ s/\n?$mark\n$//;
	return $self->{out};
}

# The end of the session, whatever became of it.
sub close
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	eval { $self->{run}->finish };
	return $self->{err};
}

1;
