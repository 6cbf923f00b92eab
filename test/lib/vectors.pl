# vectors.pl: published test vectors as lines that a C program reads without knowing JSON (test/fuzz/vectors.h).
#
# usage: perl vectors.pl FILE.json|FILE.json.gz|ff1 ...
#
# A line has "name=value" separated by tabs: the members of a vector and of its group in Wycheproof's files, those of a
# vector in spec_vectors, and the name of the file.  A list is its number of items, a colon and the items with commas.
# "ff1" stands for vectors that the second implementation, PhigFf1.pm, makes now.
use strict;
use warnings;
use File::Basename;
use FindBin;
use lib $FindBin::Bin;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use JSON::PP;

sub list
{
	return @_ . ':' . join(',', @_);
}

sub print_vector
{
	my (%vector) = @_;
	my @fields;
	for my $name (sort keys %vector)
	{
		my $value = ref $vector{$name} eq 'ARRAY' ? list(@{ $vector{$name} }) : "$vector{$name}";
		$value =~ s/[^\x21-\x7e]/_/g;
		push @fields, "$name=$value";
	}
	print join("\t", @fields), "\n";
}

# A string of digits and letters to numerals.
sub numerals
{
	return [ map { index '0123456789abcdefghijklmnopqrstuvwxyz', $_ } split //, $_[0] ];
}

# The members of a vector under the names that Wycheproof gives them.
sub with_common_names
{
	my (%vector) = @_;
	$vector{tcId} //= $vector{source};
	$vector{result} //= 'valid';
	$vector{msg} //= delete $vector{plaintext} // delete $vector{message} // delete $vector{data};
	$vector{tag} //= delete $vector{mac};
	$vector{ct} //= ($vector{siv} // '') . delete $vector{ciphertext} if exists $vector{ciphertext};
	@vector{ 'msg', 'ct' } = map { numerals($_) } @vector{ 'msg', 'ct' } if exists $vector{radix} && !ref $vector{msg};
	return map { $_ => $vector{$_} } grep { defined $vector{$_} && ref $vector{$_} ne 'HASH' } keys %vector;
}

for my $argument (@ARGV)
{
	if ($argument eq 'ff1')
	{
		require PhigFf1;
		print_vector(file => 'PhigFf1', result => 'valid', %$_) for PhigFf1::vectors();
		next;
	}
	my $text;
	gunzip($argument => \$text) or die "$argument: $GunzipError";
	my $content = decode_json($text);
	my $file = basename($argument) =~ s/\.json.*//r;
	for my $group (ref $content eq 'ARRAY' ? { tests => $content } : @{ $content->{testGroups} })
	{
		my %shared = map { $_ => $group->{$_} } grep { !ref $group->{$_} && $_ ne 'type' } keys %$group;
		print_vector(with_common_names(%shared, %$_, file => $file)) for @{ $group->{tests} };
	}
}
