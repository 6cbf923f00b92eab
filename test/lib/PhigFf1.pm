package PhigFf1;

# A second implementation of FF1, step by step as NIST SP 800-38G, algorithm 7, has it, to hold phiguard's against:
# numbers by Math::BigInt, AES by the command "openssl enc".
use strict;
use warnings;
use Digest::SHA qw(sha256);
use IPC::Open2;
use Math::BigInt;

# Encrypt whole blocks, CBC from an IV of zeros or ECB.
sub aes
{
	my ($mode, $key, $blocks) = @_;
	my @command = ('openssl', 'enc', '-aes-' . 8 * length($key) . "-$mode", '-nopad', '-K', unpack('H*', $key));
	push @command, '-iv', '0' x 32 if $mode eq 'cbc';
	my $pid = open2(my $from, my $to, @command);
	binmode $_ for $from, $to;
	print $to $blocks;
	close $to;
	my $result = do { local $/; <$from> };
	waitpid $pid, 0;
	die "@command failed" if $? || length($result) != length($blocks);
	return $result;
}

sub num
{
	my ($radix, @numerals) = @_;
	my $number = Math::BigInt->new(0);
	$number->bmul($radix)->badd($_) for @numerals;
	return $number;
}

sub str
{
	my ($radix, $m, $number) = @_;
	my @numerals;
	for (1 .. $m)
	{
		($number, my $numeral) = $number->copy->bdiv($radix);
		unshift @numerals, $numeral->numify;
	}
	return @numerals;
}

# A number as so many bytes.
sub bytes
{
	my ($number, $length) = @_;
	my $hex = $number->as_hex =~ s/^0x//r;
	return pack('H*', '0' x (2 * $length - length $hex) . $hex);
}

sub encrypt
{
	my ($key, $radix, $tweak, @x) = @_;
	my $n = @x;
	my $t = length $tweak;
	my $u = int($n / 2);
	my $v = $n - $u;
	my @a = @x[ 0 .. $u - 1 ];
	my @b = @x[ $u .. $n - 1 ];

	# ceil(v * log2 radix), exactly: the binary digits of radix^v - 1.
	my $bits = length(Math::BigInt->new($radix)->bpow($v)->bsub(1)->as_bin) - 2;
	my $b = int(($bits + 7) / 8);
	my $d = 4 * int(($b + 3) / 4) + 4;
	my $p = pack('C C C', 1, 2, 1) . substr(pack('N', $radix), 1) . pack('C C N N', 10, $u % 256, $n, $t);
	for my $i (0 .. 9)
	{
		my $q = $tweak . "\0" x ((-$t - $b - 1) % 16) . chr($i) . bytes(num($radix, @b), $b);
		my $r = substr(aes('cbc', $key, "$p$q"), -16);
		my $s = $r;
		$s .= aes('ecb', $key, join '', map { $r ^ bytes(Math::BigInt->new($_), 16) } 1 .. int(($d - 1) / 16)) if $d > 16;
		my $y = Math::BigInt->from_hex(unpack('H*', substr($s, 0, $d)));
		my $m = $i % 2 ? $v : $u;
		my $c = (num($radix, @a) + $y) % Math::BigInt->new($radix)->bpow($m);
		@a = @b;
		@b = str($radix, $m, $c);
	}
	return (@a, @b);
}

# Vectors on both sides of each border: b of 4, 8 and 12 bytes, tweaks that end a block or do not, the longest of everything.
sub vectors
{
	my @shapes = (
		[ 10, 6, 0 ], [ 10, 9, 7 ], [ 10, 9, 12 ], [ 10, 9, 13 ], [ 10, 9, 256 ], [ 10, 18, 11 ], [ 10, 19, 11 ], [ 10, 38, 5 ],
		[ 10, 39, 8 ], [ 10, 56, 3 ], [ 10, 57, 16 ], [ 10, 58, 17 ], [ 10, 115, 100 ], [ 2, 20, 1 ], [ 2, 64, 32 ], [ 2, 65, 0 ],
		[ 3, 41, 4 ], [ 26, 30, 255 ], [ 36, 36, 12 ], [ 36, 37, 12 ], [ 62, 4, 0 ], [ 62, 33, 9 ], [ 256, 24, 2 ], [ 256, 25, 2 ],
		[ 65536, 2, 6 ], [ 65536, 12, 0 ], [ 65536, 14, 0 ], [ 36, 512, 33 ], [ 65536, 512, 256 ]);
	my @vectors;
	for my $shape (@shapes)
	{
		my ($radix, $n, $t) = @$shape;
		my $chance = join '', map { sha256("@$shape $_") } 0 .. int(($t + 2 * $n) / 32) + 1;
		my $key = substr($chance, 0, 32, '');
		my $tweak = substr($chance, 0, $t, '');
		my @x = map { $_ % $radix } unpack "n$n", $chance;
		push @vectors, { key => unpack('H*', $key), radix => $radix, tweak => unpack('H*', $tweak), tcId => "@$shape", msg => \@x,
			ct => [ encrypt($key, $radix, $tweak, @x) ] };
	}
	return @vectors;
}

1;
