#!/usr/bin/perl
#
# zip3_table.pl: prints zip3_table.h.
#
#   src/transform/zip3_table.pl test/data/census_zip3/zip3_population.csv >src/transform/zip3_table.h

use strict;
use warnings;

my $expected = 'zip3,pop2010,pop2020,restricted2000_hhs,restricted2010,restricted2020';
my @rows = ('{-1, -1, false}') x 1000;

chomp(my $heading = <>);
die "columns are not $expected\n" if $heading ne $expected;
while (my $line = <>)
{
	chomp $line;
	my ($prefix, $pop2010, $pop2020, $restricted2000) =
	  $line =~ /^(\d{3}),(\d*),(\d*),([tf]),[tf]?,[tf]?$/
	  or die "line $. is malformed\n";
	$rows[$prefix] = sprintf '{%s, %s, %s}', $pop2010 eq '' ? -1 : $pop2010,
	  $pop2020 eq '' ? -1 : $pop2020, $restricted2000 eq 't' ? 'true' : 'false';
}

print <<'HEAD';
/*
 * zip3_table.h
 *		People behind each prefix of ZIP codes, 000 to 999.  Made by zip3_table.pl: do not edit.
 *
 * Census 2010, Census 2020 (DHC, table P1), by ZIP code tabulation area, summed by prefix; -1 where the
 * census has no such prefix.  Then whether the prefix is one of the 17 that HHS printed as
 * restricted by Census 2000 (67 FR 53182; guidance of 2012).
 */
static const PhigZip3 zip3_table[1000] = {
HEAD
for (my $first = 0; $first < 1000; $first += 4)
{
	printf "\t/* %03d */\n", $first if $first % 20 == 0;
	printf "\t%s%s\n", join(', ', @rows[$first .. $first + 3]), $first < 996 ? ',' : '';
}
print "};\n";
