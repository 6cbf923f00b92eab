# C programs that tests need, compiled where they run: libraries for LD_PRELOAD and clients with libpq.
package PhigBuild;

use strict;
use warnings;
use Cwd qw(realpath);
use Exporter 'import';
use FindBin;

our @EXPORT = qw(make_library make_client);

my ($compiler) = grep { $_ && system("command -v $_ >/dev/null 2>&1") == 0 } $ENV{CC}, qw(cc gcc clang);

sub compile
{
	my ($source, $output, $options) = @_;

	die "no C compiler to make $output with" if !defined $compiler;
	system("$compiler -O1 -o $output $source $options") == 0 or die "$source could not be compiled";
	return $output;
}

# test/lib/NAME.c as a library in a directory; its path.
sub make_library
{
	my ($name, $directory) = @_;
	return compile("$FindBin::RealBin/../lib/$name.c", "$directory/$name.so", '-shared -fPIC -ldl');
}

# test/campaign/client.c.  libpq is the distribution's, or lies beside the server.
sub make_client
{
	my ($directory) = @_;
	my $server = realpath(`pg_config --includedir-server` =~ s/\s+$//r);
	my $lib = realpath("$ENV{PHIG_PGXS}/../..");

	return compile("$FindBin::RealBin/../campaign/client.c", "$directory/client",
		"-I$server/.. -I$server/../.. -I/usr/include/postgresql -L$lib -Wl,-rpath,$lib -lpq");
}

1;
