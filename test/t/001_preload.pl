# Without shared_preload_libraries phiguard refuses to look loaded, and says the line to add.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plain');
$node->init;
$node->start;

my ($status, $stdout, $stderr) = $node->psql('postgres', 'CREATE EXTENSION phiguard');
isnt($status, 0, 'CREATE EXTENSION fails without preload');
like($stderr, qr/phiguard must be loaded when the server starts/, 'the error says what is wrong');
like($stderr, qr/shared_preload_libraries = 'phiguard'/, 'and shows the line to add');

($status, $stdout, $stderr) = $node->psql('postgres', "LOAD 'phiguard'");
isnt($status, 0, 'LOAD fails too');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'phiguard'"),
	'0', 'nothing is left behind');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'");
$node->restart;
$node->safe_psql('postgres', 'CREATE EXTENSION phiguard');
is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'phiguard'"),
	'1.0', 'with the line, the extension is created');

$node->stop;
done_testing();
