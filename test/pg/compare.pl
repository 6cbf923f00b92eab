#!/usr/bin/perl
#
# compare.pl PLAIN GUARDED DIFFERENCES MAJOR MODE: are the results of PostgreSQL's tests the same with phiguard?
#
# PLAIN and GUARDED are directories of result files of the same tests, without phiguard and
# over labelled tables, in mode audit or enforce.  Six kinds of difference are what phiguard is for, and are taken out by
# rule, counted:
#
#   explain   EXPLAIN has a part "PHI Access" more (and so many rows more; the column is as wide as that needs)
#   notice    the NOTICE, with its HINT, that labelled data is stored in columns without a label
#   new_column  the NOTICE that a new column looks like PHI, with its DETAIL and the statements of its HINT
#   withheld  an error's message is the same but for "..." where a value was, and
#             its DETAIL says that phiguard withheld the values
#   wrapper   phiguard's foreign data wrapper and its server are listed with the others (the columns are
#             as wide as that needs)
#   unpurposed  in mode enforce, a role that may not use a table is told that it takes a purpose: that is
#             asked before privileges are
#
# Every other difference has to be listed, with the reason, in DIFFERENCES/<test>:
#
#   @@ 15 17: the versions on which it occurs, and the reason
#   -lines without phiguard
#   +lines with it
#
# Fails when a difference is not listed, when one that is listed for this version does not occur, when
# a rule found nothing, and when a test has results on one side only.

use strict;
use warnings;

my ($plain, $guarded, $listed, $major, $mode) = @ARGV;
my (%count, %by_test, $wrong, $files, $same);

sub lines_of
{
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!\n";
	my @lines = <$in>;
	chomp @lines;
	return \@lines;
}

# The rules that need no other side: rows of PHI Access, notices.
sub take_out
{
	my ($lines, $test) = @_;
	my (@out, $rows);

	$rows = 0;
	for (my $i = 0; $i < @$lines; $i++)
	{
		my $line = $lines->[$i];

		if ($line =~ /^\s*PHI Access:( none)?$/)
		{
			$rows++;
			$rows++, $i++ while ($lines->[ $i + 1 ] // '') =~ /^\s+(Returned|Referenced|Stored): [\w.]/;
			$by_test{explain}{$test}++;
		}
		elsif ($line =~ /NOTICE:  labelled data is stored in columns without a label: / &&
			$lines->[ $i + 1 ] =~ /^HINT:  Label them with phiguard\.label\(\)/)
		{
			$i++;
			$by_test{notice}{$test}++;
		}
		elsif ($line =~ /NOTICE:  columns of relation ".*" look like PHI and have no label: / &&
			$lines->[ $i + 1 ] =~ /^DETAIL:  / && $lines->[ $i + 2 ] =~ /^HINT:  Label them, as none where they are not PHI:$/)
		{
			$i += 2;
			$i++ while ($lines->[ $i + 1 ] // '') =~ /^SECURITY LABEL FOR phiguard ON COLUMN .* IS '[\w =]+';$/;
			$by_test{new_column}{$test}++;
		}
		# Of what catalogs list: the wrapper, and an aggregate of more arguments than the server's own may have.
		elsif ($line =~ /\b(phiguard_journal|risk_profile)\b/ && $line =~ /\|/)
		{
			$rows++;
			$by_test{wrapper}{$test}++;
		}
		elsif ($rows && $line =~ /^\((\d+) rows?\)$/)
		{
			push @out, $1 - $rows == 1 ? '(1 row)' : '(' . ($1 - $rows) . ' rows)';
			$rows = 0;
		}
		else
		{
			push @out, $line;
		}
	}
	return \@out;
}

# Heads of columns without their width, which is the longest line's.  No blanks at a line's end.
sub without_widths
{
	my ($lines) = @_;

	s/\s*(\+?)$/$1/ foreach @$lines;
	for (my $i = 1; $i < @$lines; $i++)
	{
		next if $lines->[$i] !~ /^-+(\+-+)*$/;
		$lines->[$i] =~ s/-+/-/g;
		$lines->[ $i - 1 ] =~ s/^\s+|\s+$//g;
		$lines->[ $i - 1 ] =~ s/\s+/ /g;
	}
	return $lines;
}

# Blocks of lines that differ: [ [lines of one side], [lines of the other] ], by diff.
sub hunks
{
	my ($test, $left, $right) = @_;
	my @hunks;
	my @names = map { "$ENV{TMPDIR}/compare.$_" } qw(plain guarded);

	foreach my $side ([ $names[0], $left ], [ $names[1], $right ])
	{
		open(my $out, '>', $side->[0]) or die "$side->[0]: $!\n";
		print $out map { "$_\n" } @{ $side->[1] };
		close $out or die "$side->[0]: $!\n";
	}
	open(my $diff, '-|', 'diff', '-a', @names) or die "diff: $!\n";
	while (my $line = <$diff>)
	{
		chomp $line;
		push @hunks, [ [], [] ] if $line =~ /^\d/;
		push @{ $hunks[-1][0] }, substr($line, 2) if $line =~ /^</;
		push @{ $hunks[-1][1] }, substr($line, 2) if $line =~ /^>/;
	}
	close $diff;
	unlink @names;
	return @hunks;
}

# Is the line with phiguard the other one, with its values taken out?
sub is_withheld
{
	my ($was, $is) = @_;

	return 1 if $is eq 'DETAIL:  phiguard withheld the values.' && $was =~ /^DETAIL:  /;
	return 0 if $is !~ /\.\.\./;
	my $pattern = join('.*', map { quotemeta } split /\.\.\./, $is, -1);
	return $was =~ /^$pattern$/s;
}

sub only_withheld
{
	my ($hunk) = @_;
	my @was = @{ $hunk->[0] };

	foreach my $is (@{ $hunk->[1] })
	{
		if (@was && is_withheld($was[0], $is))
		{
			shift @was;
		}
		elsif ($is ne 'DETAIL:  phiguard withheld the values.')
		{
			return 0;
		}
	}
	return !@was;
}

# Without a purpose there is no table, whatever the privileges.
sub only_unpurposed
{
	my ($hunk) = @_;
	my ($was, $is) = map { join("\n", @$_) } @$hunk;

	return $mode eq 'enforce' && $was =~ /^ERROR:  permission denied for table (\w+)$/ &&
	  $is =~ /^ERROR:  table \w+\.$1 is open only to a purpose that is granted\nDETAIL:  No purpose is set\.\nHINT:  [^\n]*$/;
}

sub as_listed
{
	my ($hunk) = @_;
	return join('', (map { "-$_\n" } @{ $hunk->[0] }), (map { "+$_\n" } @{ $hunk->[1] }));
}

# What is listed for a test on this version: text of the hunk => how often it was found, 0 so far.
sub listed_differences
{
	my ($test) = @_;
	my ($file, %expected, $text, $counts) = ("$listed/$test");

	return \%expected if !-e $file;
	foreach my $line (@{ lines_of($file) }, '@@ end: ')
	{
		if ($line =~ /^@@ ([\w ]+): ?(.*)$/)
		{
			my ($versions, $reason) = ($1, $2);

			$expected{$text} = 0 if defined $text && $counts;
			$text = '';
			$counts = grep { $_ eq $major } split / /, $versions;
			die "$file: no reason given: $line\n" if $versions ne 'end' && $reason !~ /\w{3}/;
		}
		elsif ($line =~ /^[-+]/)
		{
			$text .= "$line\n";
		}
	}
	return \%expected;
}

sub complain
{
	my ($what, $test, $text) = @_;

	$wrong++;
	print "$what, in $test:\n", map { "    $_\n" } (split /\n/, $text)[0 .. 0], grep { defined } (split /\n/, $text)[1 .. 39];
}

sub compare
{
	my ($test) = @_;
	my $left = without_widths(lines_of("$plain/$test.out"));
	my $right = without_widths(take_out(lines_of("$guarded/$test.out"), $test));
	my $expected = listed_differences($test);

	if ($by_test{wrapper}{$test})
	{
		s/ +/ /g, s/-+/-/g, s/^ | $//g foreach @$left, @$right;
	}
	foreach my $hunk (hunks($test, $left, $right))
	{
		my $text = as_listed($hunk);

		if (only_withheld($hunk))
		{
			$by_test{withheld}{$test}++;
		}
		elsif (only_unpurposed($hunk))
		{
			$by_test{unpurposed}{$test}++;
		}
		elsif (exists $expected->{$text})
		{
			$expected->{$text}++;
			$by_test{listed}{$test}++;
		}
		else
		{
			complain('not listed', $test, $text);
		}
	}
	foreach my $text (sort keys %$expected)
	{
		complain('listed, but did not occur', $test, $text) if !$expected->{$text};
	}
}

my %tests;
foreach my $side ($plain, $guarded)
{
	$tests{ s|.*/(.*)\.out$|$1|r }++ foreach glob("$side/*.out");
}
delete $tests{phiguard_labels};
foreach my $test (sort keys %tests)
{
	if ($tests{$test} == 2)
	{
		compare($test);
	}
	else
	{
		complain('results on one side only', $test, '');
	}
}
foreach my $file (glob("$listed/*"))
{
	my $test = $file =~ s|.*/||r;
	complain('differences are listed for a test that does not exist', $test, '')
	  if !$tests{$test} && %{ listed_differences($test) };
}
print scalar(keys %tests), " tests compared\n";
foreach my $kind (qw(explain notice new_column withheld wrapper listed), $mode eq 'enforce' ? 'unpurposed' : ())
{
	my $found = $by_test{$kind} || {};
	my $sum = 0;

	$sum += $_ foreach values %$found;
	printf "    %-10s %5d in %d tests: %s\n", $kind, $sum, scalar(keys %$found), join(' ', sort keys %$found);
	complain('a rule that found nothing', $kind, '') if $sum == 0;
}
exit($wrong || keys %tests < 200 ? 1 : 0);
