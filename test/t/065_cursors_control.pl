# The answers of test/sql/cursors.sql are the same on a server without phiguard, line by line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = slurp_file("$FindBin::RealBin/../sql/cursors.sql");

# With phiguard, its own parts run unseen; without, they are left out.
my ($with, $without) = ($script, $script);
$with =~ s/^-- with phiguard\n(.*?)^-- end\n/\\o \/dev\/null\n$1\\o\n/gms;
$without =~ s/^-- with phiguard\n.*?^-- end\n//gms;
unlike($without, qr/phiguard\.\w/, 'the control has nothing of phiguard in it');

my $plain = PostgreSQL::Test::Cluster->new('plain');
$plain->init;
$plain->append_conf('postgresql.conf', 'jit = off');
$plain->start;
my $guarded = phig_node('guarded');
$_->safe_psql('postgres', 'CREATE DATABASE cursors') foreach ($plain, $guarded);

my @answers = map {
	my ($node, $text) = @$_;
	# Errors go where the rows go, at their place in the order.
	my ($out, $err) = run_sql($node, $text, db => 'cursors');
	{ out => $out, err => $err =~ s/^psql:.*?: //gmr };
} ([ $plain, $without ], [ $guarded, $with ]);

cmp_ok(scalar(split /\n/, $answers[0]{out}), '>', 100, 'the script answers');
is($answers[1]{out}, $answers[0]{out}, 'the same rows');
is($answers[1]{err}, $answers[0]{err}, 'the same errors');
is((run_sql($guarded, q{SELECT count(*) > 20 FROM phiguard.access_log WHERE kind IN ('read', 'write')}, db => 'postgres'))[0], 't',
	'and on the guarded server it was recorded');

$_->stop foreach ($plain, $guarded);
done_testing();
