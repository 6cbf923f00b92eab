# What only many values show of the keyed transforms, and a second opinion on them.
#
# PHIG_LONG=1: ten million tokens instead of 300,000.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(hmac_sha256);
use PhigFf1;
use PhigServer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $long = $ENV{PHIG_LONG};
my $tokens = $long ? 10_000_000 : 300_000;
my $node = new_server('transforms', 'phiguard.journal_sync = off', 'work_mem = 1GB', 'max_parallel_workers_per_gather = 2',
	'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0');

$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION phiguard; SELECT FROM phiguard.create_key('default')});

sub one
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# No two values share a token, in any form; nor do two domains.
is(one("SELECT count(DISTINCT phiguard.token(n, 'default')) FROM generate_series(1::bigint, $tokens) n"), $tokens, "$tokens tokens differ");
is(one("SELECT count(DISTINCT phiguard.token_uuid(n, 'default')) FROM generate_series(1::bigint, $tokens) n"), $tokens, 'as UUIDs, too');
is(one("SELECT count(DISTINCT phiguard.token_int8(n, 'default')) FROM generate_series(1::bigint, $tokens) n"), $tokens, 'as numbers, too');
is(one("SELECT count(DISTINCT phiguard.fpe(to_char(n, 'FM000000000'), 'digits')) FROM generate_series(1, 200000) n"), '200000', 'FF1 is a permutation');

# Uniform: chi-square of 9 degrees of freedom for each digit of FF1, of 99 for sets (the limits are passed once in 10^7 times).
my @digits = split /\n/, one(q{
	SELECT sum((observed - 20000.0) ^ 2 / 20000) FROM (
		SELECT place, digit, count(*) AS observed
		FROM (SELECT phiguard.fpe(to_char(n, 'FM000000000'), 'digits') AS code FROM generate_series(1, 200000) n) c,
			generate_series(1, 9) place, LATERAL substr(code, place, 1) digit GROUP BY place, digit) o
	GROUP BY place});
is(scalar @digits, 9, 'nine digits');
is(join(' ', grep { $_ > 51 } @digits), '', 'each of FF1\'s digits is uniform');
cmp_ok(one(q{SELECT sum((observed - 2000.0) ^ 2 / 2000) FROM (
	SELECT count(*) AS observed FROM generate_series(1::bigint, 200000) n GROUP BY phiguard.split(n, array_fill(1.0::float8, '{100}'))) c}), '<', 190, 'sets are uniform');
cmp_ok(one(q{SELECT sum((observed - 2000.0) ^ 2 / 2000) FROM (
	SELECT count(*) AS observed FROM generate_series(1::bigint, 200000) n GROUP BY phiguard.shift_date('2024-01-01'::date, n, 'default', 50)) c}), '<', 190, 'shifts are uniform');

# In parallel plans, the same.
one(q{CREATE TABLE person AS SELECT n AS id, to_char(n, 'FM000-00-0000') AS ssn FROM generate_series(1, 20000) n; ANALYZE person});
my $query = q{SELECT md5(string_agg(phiguard.token(ssn, 'default') || phiguard.seal(ssn, 'c')::text || phiguard.fpe(ssn, 'ssn') ||
	phiguard.shift_date('2024-01-01'::date, ssn) || phiguard.split(ssn, '{1,1}'), ',' ORDER BY id)) FROM person};
like(one("EXPLAIN SELECT phiguard.token(ssn, 'default'), phiguard.seal(ssn, 'c'), phiguard.fpe(ssn, 'ssn') FROM person"), qr/Gather/, 'transforms run in workers');
unlike(one("EXPLAIN SELECT phiguard.unseal(phiguard.seal(ssn, 'c'), 'c') FROM person"), qr/Gather.*\n.*unseal/, 'reversals do not');
is(one($query), one("SET max_parallel_workers_per_gather = 0; $query"), 'with the same results');

# A second opinion, from the master key on: HKDF, AES key wrap undone by nobody, so of an adopted key, whose material is known.
my ($master) = slurp_file($node->data_dir . '/phiguard_master.key') =~ /^([0-9a-f]{64})$/m;
sub hkdf
{
	my ($key, $info) = @_;
	return hmac_sha256("$info\x01", hmac_sha256($key, "\0" x 32));
}
one(q{SELECT phiguard.adopt_key('old')});
my $domain_key = hkdf(pack('H*', $master), 'phiguard/token/v1/old');
my $fpe_key = hkdf($domain_key, 'phiguard/fpe/v1/old/1');
for my $case ([ '219091234', '' ], [ '000000', 'tweak' ], [ '9' x 30, 'visit' ])
{
	my ($value, $tweak) = @$case;
	is(one("SELECT phiguard.fpe('$value', 'digits', '$tweak', 'old')"),
		join('', PhigFf1::encrypt($fpe_key, 10, $tweak, split(//, $value))), "FF1 of $value as another program computes it");
}
my $shift_key = hkdf($domain_key, 'phiguard/shift/v1/old/1');
my $step = unpack('Q>', hmac_sha256('P1', $shift_key)) % 730;
is(one("SELECT phiguard.shift_date('2024-01-01'::date, 'P1', 'old') - '2024-01-01'"), $step < 365 ? $step - 365 : $step - 364, 'and a shift');
my ($openssl) = `printf 219-09-1234 | openssl mac -digest SHA256 -macopt hexkey:@{[unpack 'H*', $domain_key]} HMAC` =~ /([0-9A-F]{64})/;
my $number = hex(substr($openssl, 0, 8)) * 2**31 + (hex(substr($openssl, 8, 8)) >> 1);
is(one("SELECT phiguard.token_int8('219-09-1234', 'old')"), "$number", 'and a token, by the openssl command');
$node->stop;
done_testing();
