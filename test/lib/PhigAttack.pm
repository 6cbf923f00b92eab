# Attempts to learn what a purpose does not show, and a judge of what they learnt.
#
# There are two worlds, databases that are the same but for the secrets in them: one row's columns, and which rows
# are hidden.  Each attempt runs in both, as the same role, with the same text.  Where phiguard enforces, all that it gets
# to see (rows, notices, errors, plans), and all that the server logs about it, has to be the same in both, and hold
# no secret that the attempt did not bring along; so any oracle counts, whatever it is made of.  Where phiguard is off, it has to
# differ: the attempt is one.
#
# Attempts are written in test/attack/*.sql, or made of test/attack/{paths,channels,commands}.
package PhigAttack;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use IPC::Run;
use PhigTest;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(worlds setup written generated run_round learnt seen secrets_in);

my $directory = "$FindBin::RealBin/../attack";

# The secrets of each world.  As text, those of the first sort before what other rows have, those of the second behind.
my %worlds = (
	red => {
		ssn => '131-47-9026', name => 'Aquorvantine Ixel', note => 'akrevstorm palsy', mrn => 'MR1719305', birth => '1931-01-19',
		zip => '90801', amount => 1340926, ward => 'Vyrquist', seen => '2024-12-28 10:00+00', last => 104 },
	blue => {
		ssn => '872-16-3095', name => 'Zsuvrelda Mokht', note => 'zondvexil ataxia minor', mrn => 'MR8826417', birth => '1931-11-23',
		zip => '90862', amount => 8190453, ward => 'Thalmoor', seen => '2024-12-31 10:00+00', last => 106 });

# What "study" does with them is in setup.sql.
my @targets = qw(ssn name note mrn birth zip amount ward);

sub worlds
{
	return sort keys %worlds;
}

# quoted(TEXT): as SQL literal.
sub quoted
{
	my ($text) = @_;

	return $text =~ /^\d+$/ && length $text > 5 ? $text : "'$text'";
}

# fill(TEXT, WORLD, name => value ...): {name} replaced; names of secrets stand for the world's, as literals.
sub fill
{
	my ($text, $world, %more) = @_;
	my %value = ((map { $_ => quoted($worlds{$world}{$_}) } keys %{ $worlds{$world} }), %more);

	$value{last} = $worlds{$world}{last};
	$text =~ s/\{(\w+)\}/exists $value{$1} ? $value{$1} : "{$1}"/ge;
	return $text;
}

sub setup
{
	my ($world, %more) = @_;

	return fill(slurp_file("$directory/setup.sql"), $world, world => "'$world'", %more);
}

# written(NAME): the attempts of a file: { name, sql, and the options of lines that begin with "+" }.
sub written
{
	my ($name) = @_;
	my @attempts;

	for my $line (split /^/, slurp_file("$directory/$name.sql"))
	{
		if ($line =~ /^--- (.*)/)
		{
			push @attempts, { name => $1, sql => '' };
		}
		elsif ($line =~ /^\+ (outside|unrecorded|no control|limit|since)\b *(.*)/)
		{
			$attempts[-1]{$1} = $2 || 1;
		}
		elsif (@attempts && $line !~ /^# /)
		{
			$attempts[-1]{sql} .= $line;
		}
	}
	return @attempts;
}

# lines_of(NAME): { name, text, and flags } of a file of one-line entries.
sub lines_of
{
	my ($name) = @_;
	my @entries;

	for (split /\n/, slurp_file("$directory/$name"))
	{
		next if /^#/;
		my ($title, $flags, $text) = /^(.*?)(?: \[([\w,]+)\])?\t(.*)$/ or die "$name: $_";

		push @entries, { name => $title, text => $text, map { $_ => 1 } split /,/, $flags || '' };
	}
	return @entries;
}

# generated(writer => 0 or 1): each path through each channel, or each command of the writer's through each channel;
# what is left open goes round, so that all pairs come up.  Of the pairs, one in `one_in` is made.
sub generated
{
	my (%opt) = @_;
	my @paths = lines_of('paths');
	my @channels = lines_of('channels');
	my @commands = grep { !!$_->{writer} == !!$opt{writer} } lines_of('commands');
	my @attempts;

	@paths = grep { !$_->{writer} } @paths unless $opt{writer};
	my @rows = $opt{writer} ? @commands : @paths;
	for my $i (0 .. $#rows)
	{
		for my $j (0 .. $#channels)
		{
			next if ($i + $j) % $opt{one_in};
			my $channel = $channels[$j];
			my $path = $opt{writer} ? $paths[ ($i * 11 + $j * 3 + $i % 2) % @paths ] : $rows[$i];
			my $command = $opt{writer} ? $rows[$i] : $commands[ ($i * 5 + $j) % @commands ];
			my @open = grep { !($path->{few} && $_ eq 'name') && !(($path->{derived} || $channel->{derived}) && $_ eq 'mrn') } @targets;

			push @attempts, made($path, $channel, $command, $open[ ($i + $j * 3) % @open ]);
		}
	}
	return @attempts;
}

sub made
{
	my ($path, $channel, $command, $target) = @_;
	my $hidden = $target eq 'ward';
	my $query = fill($channel->{text}, 'red', from => "$path->{text} AS r", x => "r.$target\::text",
		guess => "'$worlds{red}{$target}'", name => $target, column => "'$target'",
		one => $hidden ? 'r.id = 101' : 'r.id = 2', many => $hidden ? 'true' : 'r.id < 100');

	# TABLESAMPLE and WITH ORDINALITY stand on either side of an alias.
	$query =~ s/( TABLESAMPLE BERNOULLI \(100\)) AS r/ AS r$1/g;
	return { name => "$path->{name}, $channel->{name}, $target, by $command->{name}", made => 1,
		sql => fill($command->{text}, 'red', q => $query, guess => "'$worlds{red}{$target}'") . "\n" };
}

# run_round(NODE, MODE, ROUND, fills): in both worlds at once; each attempt gets an {id} and {$mode}{$world}, what it saw.
sub run_round
{
	my ($node, $mode, $round, %fills) = @_;
	my (%out, %err, @runs);

	for my $world (worlds())
	{
		my $file = $node->basedir . "/$mode.$round->{name}.$world.sql";

		append_to_file($file, script($round, $world, %fills));
		push @runs, IPC::Run::start([ $node->installed_command('psql'), '-XAtq',
				'-d', $node->connstr($world) . " user=$round->{role} options='-c phiguard.purpose=study'", '-f', $file ],
			'<', \undef, '>', \$out{$world}, '2>', \$err{$world}, IPC::Run::timeout(5 * $PhigTest::patience));
	}
	$_->finish for @runs;
	for my $world (worlds())
	{
		my %said = marked($out{$world});
		my %told = marked($err{$world});

		for my $attempt (@{ $round->{attempts} })
		{
			my $id = $attempt->{id};

			$attempt->{$mode}{$world} = defined $said{$id} && defined $told{$id} ? "$said{$id}$told{$id}" : "the session was gone\n";
		}
	}
	return;
}

# Each attempt between two marks in either output, under a name of its own in the log and the journal.
sub script
{
	my ($round, $world, %fills) = @_;
	my $script = "\\set SHOW_CONTEXT errors\n";
	my $count = 0;

	for my $attempt (@{ $round->{attempts} })
	{
		my $id = $attempt->{id} = $round->{name} . ++$count;
		my $sql = fill($attempt->{sql}, 'red', database => $world, %fills);

		$attempt->{text} = $sql;
		$sql = "BEGIN;\n${sql}ROLLBACK;\n" unless $attempt->{outside};
		$script .= $attempt->{made} ? "\\unset ON_ERROR_ROLLBACK\n" : "\\set ON_ERROR_ROLLBACK on\nDISCARD ALL;\n";
		$script .= "SET application_name = '$world $id';\n\\echo === $id\n\\warn === $id\n$sql";
	}
	return "$script;\n\\echo === end\n\\warn === end\n";
}

# marked(OUTPUT): attempt => its part.  What comes after the last is the session's end.
sub marked
{
	my (undef, %parts) = split /=== (\w+)\n/, $_[0];

	return %parts;
}

# All the forms in which a secret may show.
sub forms_of
{
	my ($secret) = @_;

	return map { quotemeta } $secret, uc $secret, lc $secret, scalar reverse($secret), unpack('H*', $secret);
}

# secrets_in(TEXT, WORLD, BROUGHT): a world's secrets in a text, but for those that the attempt brought along.
sub secrets_in
{
	my ($text, $world, $brought) = @_;
	my @found;

	for my $target (@targets)
	{
		my $secret = $worlds{$world}{$target};

		next if $brought =~ /\Q$secret\E/;
		push @found, "$world $target" if grep { $text =~ /$_/ } forms_of($secret);
	}
	return @found;
}

# comparable(TEXT): without what differs from world to world, or run to run, and tells nothing: tokens (keys are each world's own),
# numbers of processes and of objects, the world's name.
sub comparable
{
	my ($text) = @_;

	$text =~ s/tk1_[a-z2-7]{26}/TOKEN/g;
	$text =~ s/psql:\S*?:\d+: //g;
	$text =~ s/\b(PID|process) \d+/$1 N/g;
	$text =~ s/\bpg_temp_\d+/pg_temp/g;
	$text =~ s/\b(?:1[6-9]|2\d)\d{3}\b/OID/g;
	$text =~ s/\b(?:red|blue)\b/WORLD/g;
	return $text;
}

# learnt(ATTEMPT, MODE, {"world attempt" => log text}): what it and the log tell, or nothing.
sub learnt
{
	my ($attempt, $mode, $logged) = @_;
	my %seen = %{ $attempt->{$mode} };
	my %log = map { $_ => $logged->{"$_ $attempt->{id}"} || '' } worlds();
	my @found;

	push @found, 'worlds can be told apart' if comparable($seen{red}) ne comparable($seen{blue});
	push @found, 'the server log tells worlds apart' if comparable($log{red}) ne comparable($log{blue});
	for my $world (worlds())
	{
		push @found, map { "shows $_" } secrets_in($seen{$world}, $world, $attempt->{text});
		push @found, map { "the server log shows $_" } secrets_in($log{$world}, $world, $attempt->{text});
	}
	return @found;
}

# What an attempt saw, for a person to read.
sub seen
{
	my ($attempt) = @_;

	return map {
		my $mode = $_;
		map { "-- $mode, $_:\n" . substr($attempt->{$mode}{$_}, 0, 2000) } worlds()
	} qw(enforce off);
}

1;
