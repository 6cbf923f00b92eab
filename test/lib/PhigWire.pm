# PhigWire: a client of PostgreSQL's protocol, version 3, message by message, since psql has no way to
# suspend a portal, to skip what follows an error in a pipeline, or to break the connection.
#
# Messages are collected by parse() ... sync(), which can be chained, and handed over by answer(), which
# returns what came back up to ReadyForQuery as one line each:
#
#	parsed, bound, closed, described, no data, row VALUE|VALUE, suspended, done TAG, empty, value VALUE,
#	error SQLSTATE, fatal SQLSTATE, ready STATUS, broken
#
# STATUS is I (idle), T (in a transaction) or E (in a failed one).
package PhigWire;
use strict;
use warnings;
use IO::Socket::UNIX;

# Seconds after which a server that says nothing counts as broken.
our $patience = 60;

# connect(NODE, user => ROLE, app => NAME, database => NAME)
sub connect
{
	my ($class, $node, %opt) = @_;
	my $path = $node->host . '/.s.PGSQL.' . $node->port;
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "$path: $!";
	my $self = bless { socket => $socket, out => '' }, $class;
	my %parameters = (user => $opt{user} || 'postgres', database => $opt{database} || 'postgres',
		application_name => $opt{app} || '');
	my $body = pack('N', 3 << 16) . join('', map { "$_\0$parameters{$_}\0" } sort keys %parameters) . "\0";
	my @greeting;

	$self->{out} = pack('N', 4 + length $body) . $body;
	@greeting = $self->answer;
	die "no connection: @greeting" unless $greeting[-1] eq 'ready I';
	return $self;
}

sub message
{
	my ($self, $type, $body) = @_;

	$self->{out} .= $type . pack('N', 4 + length $body) . $body;
	return $self;
}

# A simple query: any number of statements.
sub query { my ($self, $sql) = @_; return $self->message('Q', "$sql\0"); }

sub parse { my ($self, $statement, $sql) = @_; return $self->message('P', "$statement\0$sql\0" . pack('n', 0)); }

# Parameters and results as text.
sub bind
{
	my ($self, $portal, $statement, @values) = @_;

	return $self->message('B', "$portal\0$statement\0" . pack('n n', 0, scalar @values)
		. join('', map { pack('N/a*', $_) } @values) . pack('n', 0));
}

# rows: how many at most; 0 for all.
sub execute { my ($self, $portal, $rows) = @_; return $self->message('E', "$portal\0" . pack('N', $rows || 0)); }
sub describe { my ($self, $what, $name) = @_; return $self->message('D', "$what$name\0"); }
sub close { my ($self, $what, $name) = @_; return $self->message('C', "$what$name\0"); }
sub sync { my ($self) = @_; return $self->message('S', ''); }

# The function call of the protocol, arguments and result as text.
sub call
{
	my ($self, $oid, @values) = @_;

	return $self->message('F', pack('N n n', $oid, 0, scalar @values) . join('', map { pack('N/a*', $_) } @values) . pack('n', 0));
}

# Hand over what was collected and wait until the server is ready.
sub answer
{
	my ($self) = @_;
	my @lines;

	$self->send;
	while (1)
	{
		my $line = $self->next_line;

		push @lines, $line if $line ne '';
		return @lines if $line =~ /^(ready|broken)/;
	}
}

# One simple query and its answer.
sub ask { my ($self, $sql) = @_; return $self->query($sql)->answer; }

# Hand over without waiting.
sub send
{
	my ($self) = @_;

	local $SIG{PIPE} = 'IGNORE';
	print { $self->{socket} } $self->{out};
	$self->{socket}->flush;
	$self->{out} = '';
	return $self;
}

# Say goodbye; or break the connection without a word.
sub terminate { my ($self) = @_; $self->message('X', '')->send; return $self->break; }
sub break { my ($self) = @_; return CORE::close($self->{socket}); }

sub receive
{
	my ($self, $length) = @_;
	my $bytes = '';

	local $SIG{ALRM} = sub { die "the server has said nothing for $patience s\n" };
	alarm $patience;
	while (length $bytes < $length)
	{
		sysread($self->{socket}, $bytes, $length - length $bytes, length $bytes) or last;
	}
	alarm 0;
	return length $bytes == $length ? $bytes : undef;
}

sub next_line
{
	my ($self) = @_;
	my ($head, $body);

	$head = $self->receive(5) // return 'broken';
	my ($type, $length) = unpack('a N', $head);
	$body = $length > 4 ? $self->receive($length - 4) // return 'broken' : '';

	return 'parsed' if $type eq '1';
	return 'bound' if $type eq '2';
	return 'closed' if $type eq '3';
	return 'described' if $type eq 'T';
	return 'no data' if $type eq 'n';
	return 'row ' . join('|', map { $_ // 'null' } row_values($body)) if $type eq 'D';
	return 'suspended' if $type eq 's';
	return 'done ' . unpack('Z*', $body) if $type eq 'C';
	return 'empty' if $type eq 'I';
	return 'value ' . (value_at($body, 0))[0] if $type eq 'V';
	return "ready $body" if $type eq 'Z';
	return error_line($body) if $type eq 'E';
	# What nobody asked for: parameters, keys, notices, parameter types, authentication.
	return '' if $type =~ /[SKNtR]/;
	die "message $type of the server is not understood";
}

# A value with its length before it, and where the next begins.
sub value_at
{
	my ($bytes, $offset) = @_;
	my $length = unpack('l>', substr($bytes, $offset, 4));

	return $length < 0 ? (undef, $offset + 4) : (substr($bytes, $offset + 4, $length), $offset + 4 + $length);
}

sub row_values
{
	my ($bytes) = @_;
	my $offset = 2;
	my @values;

	for (1 .. unpack('n', $bytes))
	{
		my $value;

		($value, $offset) = value_at($bytes, $offset);
		push @values, $value;
	}
	return @values;
}

sub error_line
{
	my ($bytes) = @_;
	my %field = map { substr($_, 0, 1) => substr($_, 1) } grep { $_ ne '' } split /\0/, $bytes;

	return ($field{V} eq 'FATAL' ? 'fatal ' : 'error ') . $field{C};
}

1;
