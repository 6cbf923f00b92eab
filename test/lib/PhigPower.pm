# A loss of power, simulated: from what powerloss.c noted, what a disk might hold of a directory once nobody
# writes there any more.  It is put into the files themselves, so that they stay the files they are.
#
# What was not synced may be there or not: of the changes of names the first few, as a file system with a journal
# keeps them; of the contents each sector of 512 bytes as it was before or after any of the writes; of a file
# that was growing any length; of the mapped ring each page of 4096 bytes as it once was.
package PhigPower;

use strict;
use warnings;
use Exporter 'import';
use PhigServer qw(read_bytes);

our @EXPORT = qw(generator);

my ($sector_bytes, $page_bytes) = (512, 4096);

# Numbers below a limit that are the same on every machine: draw->(10).
sub generator
{
	my ($state) = @_;
	$state = ($state * 2654435761 + 12345) & 0x7fffffff;
	return sub
	{
		my ($below) = @_;
		$state = ($state * 1103515245 + 12345) & 0x7fffffff;
		return ($state >> 8) % $below;
	};
}

# new(directory => to lose power, shadow => a new directory, library => powerloss.so, draw => a generator)
sub new
{
	my ($class, %power) = @_;

	mkdir $power{shadow};
	return bless { %power, rings => [], cut => '' }, $class;
}

# The environment in which the server has to be started.
sub environment
{
	my ($self) = @_;
	return (LD_PRELOAD => $self->{library}, PHIG_POWER_OF => $self->{directory}, PHIG_POWER_SHADOW => $self->{shadow});
}

# Remember the ring as it is now: each of its pages may be what the disk has of it.
sub look_at_ring
{
	my ($self) = @_;
	my $ring = eval { read_bytes("$self->{directory}/ring", 0) };

	return if !defined $ring;
	my $inode = (stat "$self->{directory}/ring")[1];
	@{ $self->{rings} } = () if ($self->{ring_inode} // 0) != $inode;
	$self->{ring_inode} = $inode;
	push @{ $self->{rings} }, $ring;
	# The first one may be on the disk for ever, those in between for a while.
	splice @{ $self->{rings} }, 1, 1 if @{ $self->{rings} } > 12;
}

# Syncs that are reported as done and are not: for tests that must fail.
sub lie
{
	my ($self, $on) = @_;
	my $file = "$self->{shadow}/lie";

	return unlink $file if !$on;
	open(my $fh, '>', $file) or die "$file: $!";
	close $fh;
}

# A sync that does not return, as powerloss.c reads it ("data .seg", "names spare.tmp"); nothing: none.
sub stall
{
	my ($self, $which) = @_;
	my $file = "$self->{shadow}/stall";

	unlink $file, "$self->{shadow}/stalled";
	return if !defined $which;
	open(my $fh, '>', "$file.tmp") or die "$file.tmp: $!";
	print $fh $which;
	close $fh or die "$file.tmp: $!";
	rename "$file.tmp", $file or die "$file: $!";
}

sub has_stalled
{
	my ($self) = @_;
	return -e "$self->{shadow}/stalled";
}

# The server is dead: let the directory be what a disk might hold.  How much of what was not synced is there:
# 'none', 'all', 'beginning' (a write cut short), 'any' (sectors out of order); drawn where not given.
# Returns the way, for reports.
sub cut
{
	my ($self, $way) = @_;
	my $draw = $self->{draw};

	$way //= (qw(none all beginning beginning beginning any))[ $draw->(6) ];
	$self->cut_names($way);
	for my $notes (glob "$self->{shadow}/*.writes")
	{
		my ($inode) = $notes =~ /(\d+)\.writes$/;
		my ($file) = grep { -f && (stat)[1] == $inode } glob "$self->{directory}/*";

		$self->cut_file($file, $notes, $way) if defined $file && -s $notes;
		unlink $notes or die "$notes: $!";
	}
	$self->cut_ring($way);
	return $way;
}

sub slurp_lines
{
	my ($file) = @_;
	open(my $fh, '<', $file) or return ();
	chomp(my @lines = <$fh>);
	return @lines;
}

# Undo the last changes of names, as many as drawn.
sub cut_names
{
	my ($self, $way) = @_;
	my ($dir, $shadow) = @$self{qw(directory shadow)};
	my @changes = map { [split / /] } slurp_lines("$shadow/directory");
	my $kept = $way eq 'none' ? 0 : $way eq 'all' ? @changes : $self->{draw}->(@changes + 1);
	my $is = sub { my ($file, $inode) = @_; my @st = stat $file; return @st && $st[1] == $inode };

	for my $change (reverse @changes[ $kept .. $#changes ])
	{
		my ($what, @args) = @$change;

		if ($what eq 'create')
		{
			unlink "$dir/$args[0]" if $is->("$dir/$args[0]", $args[1]);
		}
		elsif ($what eq 'unlink')
		{
			link "$shadow/$args[2]", "$dir/$args[0]" if $args[2] ne '-' && !-e "$dir/$args[0]";
		}
		elsif ($is->("$dir/$args[1]", $args[2]))
		{
			rename "$dir/$args[1]", "$dir/$args[0]" or die "$args[1]: $!";
			link "$shadow/$args[3]", "$dir/$args[1]" if $args[3] ne '-';
		}
	}
	unlink "$shadow/directory", glob("$shadow/saved.*");
}

# One file: its present bytes are those of all writes, the notes tell what was there before each.
sub cut_file
{
	my ($self, $file, $notes, $way) = @_;
	my $draw = $self->{draw};
	my $present = read_bytes($file, 0);
	my $bytes = read_bytes($notes, 0);
	my (%versions, $size);

	for (my $at = 0; $at + 32 <= length $bytes;)
	{
		my ($offset, $len, $size_before, $old) = unpack('Q< Q< Q< Q<', substr($bytes, $at, 32));
		my $before = substr($bytes, $at + 32, $old) . "\0" x ($len - $old);

		$size //= $size_before;
		for my $sector (int($offset / $sector_bytes) .. int(($offset + $len - 1) / $sector_bytes))
		{
			my $start = $sector * $sector_bytes;
			my $from = $start > $offset ? $start : $offset;
			my $to = $start + $sector_bytes < $offset + $len ? $start + $sector_bytes : $offset + $len;

			# What the sector held then: what it holds now, but for the bytes of this write.
			push @{ $versions{$sector} }, [ $from, substr($before, $from - $offset, $to - $from) ];
		}
		$at += 32 + $old;
	}
	return if !defined $size;

	my $grown = length $present;
	$grown = $way eq 'none' ? $size : $size + $draw->($grown - $size + 1) if $way ne 'all' && $grown > $size;
	my @sectors = sort { $a <=> $b } keys %versions;
	my $first_lost = $way eq 'beginning' ? $draw->(@sectors + 1) : 0;
	for my $n (0 .. $#sectors)
	{
		next if $way eq 'all' || ($way eq 'beginning' && $n < $first_lost);
		my @versions = @{ $versions{ $sectors[$n] } };
		# Back to before the last few of the writes; all of them where the sector was not reached at all.
		my $undo = $way eq 'any' ? $draw->(@versions + 1) : @versions;

		for my $version ((reverse @versions)[ 0 .. $undo - 1 ])
		{
			my ($from, $before) = @$version;
			my $len = length($before);

			$len = length($present) - $from if $from + $len > length $present;
			substr($present, $from, $len) = substr($before, 0, $len) if $len > 0;
		}
	}
	$self->put_bytes($file, substr($present, 0, $grown));
}

sub cut_ring
{
	my ($self, $way) = @_;
	my $draw = $self->{draw};
	my $file = "$self->{directory}/ring";

	return if !-e $file;
	$self->look_at_ring();
	my @rings = @{ $self->{rings} };
	my $ring = '';
	my $order = $way eq 'none' ? 0 : $way eq 'all' ? 1 : $draw->(3);
	for (my $page = 0; $page < length $rings[0]; $page += $page_bytes)
	{
		# The oldest, the newest, or a mix.
		my $version = $order == 0 ? 0 : $order == 1 ? $#rings : $draw->(scalar @rings);
		$ring .= substr($rings[$version], $page, $page_bytes);
	}
	$self->put_bytes($file, $ring);
	@{ $self->{rings} } = ($ring);
}

sub put_bytes
{
	my ($self, $file, $bytes) = @_;

	open(my $fh, '+<:raw', $file) or die "$file: $!";
	print $fh $bytes;
	truncate $fh, length $bytes or die "$file: $!";
	close $fh or die "$file: $!";
}

1;
