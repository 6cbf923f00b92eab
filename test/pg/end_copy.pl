#!/usr/bin/perl
#
# end_copy.pl FILE...: in psql scripts, in place: a COPY FROM STDIN that fails has an end of data, too.
#
# Newer versions of psql (15.20, 17.12 and 18.6 among them) take what follows a COPY for its data even when the server
# refuses it, up to the next \. there is.  In older scripts that is another COPY's, and the statements between are lost.

use strict;
use warnings;

foreach my $file (@ARGV)
{
	open(my $in, '<', $file) or die "$file: $!\n";
	my @lines = <$in>;
	close $in;

	# Backwards: a \. is that of the last COPY before it, and a COPY that has none gets one.
	my $ended = 0;
	foreach my $i (reverse 0 .. $#lines)
	{
		if ($lines[$i] =~ /^\\\.$/)
		{
			$ended = 1;
		}
		elsif ($lines[$i] =~ /^(?!\s*--).*\bcopy\b.*\bfrom\s+stdin\b/i)
		{
			my $last = $i;

			$last++ while $last < $#lines && $lines[$last] !~ /;\s*(--.*)?$/;
			$lines[$last] .= "\\.\n" if !$ended;
			$ended = 0;
		}
	}
	open(my $out, '>', $file) or die "$file: $!\n";
	print $out @lines;
	close $out or die "$file: $!\n";
}
