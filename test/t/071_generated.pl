# Files that a script made are what the script makes.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

my %made_by = ('src/transform/zip3_table.h' => 'src/transform/zip3_table.pl test/data/census_zip3/zip3_population.csv');

for my $file (sort keys %made_by)
{
	my $made = qx{perl $made_by{$file}};
	is($?, 0, "$made_by{$file} runs");
	ok($made eq slurp_file($file), "$file is what it makes");
}

done_testing();
