# What stands in a record as text: UTF-8 whatever the database speaks; and where it is too long for a record it is
# cut and says so, the columns last.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PhigServer;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('text');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION phiguard');

# The log is read in a UTF-8 database, as hex so that no client takes part.
$node->safe_psql('postgres', "CREATE DATABASE utf8 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
$node->safe_psql('utf8', 'CREATE EXTENSION phiguard');
$node->safe_psql('utf8', 'CREATE ROLE regress_phig_ascii SUPERUSER LOGIN');

sub in_log
{
	my ($columns, $where) = @_;
	return $node->safe_psql('utf8', "SELECT $columns FROM phiguard.access_log WHERE $where");
}

# Databases of three encodings, each with a name and a claim beyond ASCII: "ü" as the database writes it.
my %u = (utf8 => '\303\274', latin1 => '\374', ascii => '\374');
$node->safe_psql('postgres', "CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
$node->safe_psql('postgres', "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
for my $db (qw(utf8 latin1 ascii))
{
	$node->safe_psql($db, 'CREATE EXTENSION phiguard') if $db ne 'utf8';
	$node->safe_psql($db, qq{
		SELECT set_config('client_encoding', getdatabaseencoding(), false);
		DO \$\$ BEGIN
			EXECUTE convert_from('CREATE TABLE "M$u{$db}ller" (ssn text)'::bytea, getdatabaseencoding());
		END \$\$;
		SELECT phiguard.label(oid::regclass, 'ssn', 'ssn') FROM pg_class WHERE relname LIKE 'M%ller';
		SELECT set_config('phiguard.app_user', convert_from('M$u{$db}ller of $db'::bytea, getdatabaseencoding()), false);
		DO \$\$ BEGIN
			EXECUTE convert_from('SELECT ssn FROM "M$u{$db}ller"'::bytea, getdatabaseencoding());
		END \$\$;});
	my $expected = $db eq 'ascii' ? '?' : '\303\274';
	is(in_log("encode(convert_to(app_user, 'UTF8'), 'escape')", "app_user LIKE '%of $db' AND kind = 'read'"),
		"M${expected}ller of $db", "$db: a claim in UTF-8");
	is(in_log("encode(convert_to(returned[1], 'UTF8'), 'escape')", "app_user LIKE '%of $db' AND kind = 'read'"),
		"public.\"M${expected}ller\".ssn", "$db: a column in UTF-8");
}

# A thousand labelled columns: what they are called fits into a record, what else is to be said of them does not.
my $n = 1000;
my $columns = join(', ', map { "some_labelled_column_$_ text" } 1 .. $n);
$node->safe_psql('utf8', "CREATE TABLE wide ($columns)");
$node->safe_psql('utf8', join("\n", map { "SECURITY LABEL FOR phiguard ON COLUMN wide.some_labelled_column_$_ IS 'ssn';" } 1 .. $n));
$node->safe_psql('utf8', "SET phiguard.app_user = 'wide'; SELECT * FROM wide");
is(in_log("cardinality(returned) || ' ' || (flags @> '{cut}')", "app_user = 'wide' AND kind = 'read'"),
	"$n true", 'a record too long is cut, and names every column');
$node->safe_psql('utf8', "SET phiguard.app_user = 'narrow'; SELECT some_labelled_column_7 FROM wide");
is(in_log("returned || shown || categories || flags || query", "app_user = 'narrow' AND kind = 'read'"),
	'{public.wide.some_labelled_column_7,public.wide.some_labelled_column_7=clear,ssn,'
	  . 'exempt,session_user_claim,"SELECT some_labelled_column_7 FROM wide"}', 'one that fits has everything');

is_intact($node, 'all of it');
$node->stop;
done_testing();
