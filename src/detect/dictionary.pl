#!/usr/bin/perl
#
# dictionary.pl DIRECTORY OUTPUT: the dictionary of detection from the lists in DIRECTORY.
#
# Writes what dictionary.h describes: a table of hashes (of token.h) with open addressing.

use strict;
use warnings;
no warnings "portable";	# 64-bit constants

my %bit = (first => 0x01, last => 0x02, word => 0x04, medical => 0x08, city => 0x10, city_part => 0x20, common_last => 0x40, proper => 0x80,
	foreign => 0x100, country => 0x200, country_part => 0x400);
my $COMMON_SURNAMES = 1000;

my ($dir, $output) = @ARGV;
die "usage: dictionary.pl DIRECTORY OUTPUT\n" unless defined $output;

my %bits;

sub lines
{
	my ($name) = @_;
	my $in;

	if ($name =~ /\.gz$/)
	{
		open($in, '-|', 'gzip', '-dc', "$dir/$name") or die "gzip: $!\n";
	}
	else
	{
		open($in, '<', "$dir/$name") or die "$dir/$name: $!\n";
	}
	chomp(my @lines = <$in>);
	close $in or die "$dir/$name cannot be read\n";
	die "$dir/$name is empty\n" unless @lines;
	return @lines;
}

sub add
{
	my ($word, $kind) = @_;

	$word = lc $word;
	$word =~ s/'//g;
	$bits{$word} = ($bits{$word} // 0) | $bit{$kind} if $word =~ /^[a-z]+(?: [a-z]+)*$/;
}

# FNV-1a and a last mixing, in 64 bits.
sub hash
{
	my ($word) = @_;
	my $hash = 0xcbf29ce484222325;

	for my $byte (unpack 'C*', $word)
	{
		use integer;
		$hash = ($hash ^ $byte) * 0x100000001b3;
	}
	{
		use integer;
		$hash ^= ($hash >> 29) & 0x7ffffffff;
		$hash *= 0x9e3779b97f4a7c15;
		$hash ^= ($hash >> 32) & 0xffffffff;
	}
	return $hash;
}

add($_, 'first') for lines('given_names.txt.gz');
my $rank = 0;
for my $surname (lines('surnames.txt.gz'))
{
	add($surname, 'last');
	add($surname, 'common_last') if $rank++ < $COMMON_SURNAMES;
}
for my $list ([ 'given_names_world.txt.gz', 'first' ], [ 'surnames_world.txt.gz', 'last' ])
{
	my ($file, $kind) = @$list;

	for my $name (lines($file))
	{
		add($name, 'foreign') unless $bits{$name};
		add($name, $kind);
	}
}
add($_, /^[a-z]/ ? 'word' : 'proper') for lines('words.txt.gz');
add($_, 'medical') for lines('medical.txt');
for my $list ([ 'cities.txt', 'city' ], [ 'countries.txt', 'country' ])
{
	my ($file, $kind) = @$list;

	for my $place (lines($file))
	{
		my $words = $place =~ tr/.-/ /r =~ s/  +/ /gr;

		add($words, $kind);
		add($1, "${kind}_part") if $words =~ /^(\S+) /;
	}
}

my $entries = keys %bits;
my $slots = 1;
$slots *= 2 while $slots < 1.5 * $entries;
my @table = (pack('VV', 0, 0)) x $slots;
my @used;
for my $word (sort keys %bits)
{
	my $hash = hash($word);
	my $i = $hash & ($slots - 1);

	$i = ($i + 1) & ($slots - 1) while $used[$i];
	$used[$i] = 1;
	$table[$i] = pack('VV', ($hash >> 32) & 0xffffffff, $bits{$word});
}

open(my $out, '>:raw', $output) or die "$output: $!\n";
print $out pack('a8VV', 'PHIGDIC1', $slots, $entries), @table;
close $out or die "$output: $!\n";
