# The pages that a newcomer follows by copy and paste do what they say.
#
# Runs the SQL blocks of a page in order, in one psql session.  A block marked sql must
# succeed, one marked sql-error must fail.  A text block that follows shows the output and
# must equal it.  With PHIG_UPDATE_DOCS set the output blocks are written anew.
use strict;
use warnings;
use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @pages = ('docs/getting-started.md');

# The page as a list of [language, text]; prose has the language ''.
sub pieces_of
{
	my ($text) = @_;
	my @pieces;
	while ($text =~ /\G(.*?)^```([a-z-]*)\n(.*?)^```\n/gcms)
	{
		push @pieces, [ '', $1 ] if $1 ne '';
		push @pieces, [ $2, $3 ];
	}
	push @pieces, [ '', substr($text, pos($text) // 0) ];
	return @pieces;
}

# What psql prints for each SQL block.
sub outputs_of
{
	my ($node, @blocks) = @_;
	my $mark = '----8<----';
	my $script = join('', map { "\\echo $mark\n$_->[1]\n" } @blocks);
	my $out = '';
	run [ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'postgres' ],
	  '<', \$script, '>', \$out, '2>&1';
	my @outputs = split /^\Q$mark\E\n/m, $out, -1;
	shift @outputs;
	return @outputs;
}

for my $page (@pages)
{
	my $node = PostgreSQL::Test::Cluster->new('docs' . scalar(@pages));
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'");
	$node->start;

	my @pieces = pieces_of(slurp_file($page));
	my @blocks = grep { $_->[0] =~ /^sql/ } @pieces;
	my @outputs = outputs_of($node, @blocks);
	is(scalar(@outputs), scalar(@blocks), "$page: every block was run");

	my $written = '';
	my ($last, $n) = ('', 0);
	for my $piece (@pieces)
	{
		my ($language, $text) = @$piece;
		if ($language =~ /^sql/)
		{
			$n++;
			$last = $outputs[ $n - 1 ];
			$last =~ s/[ \t]+$//mg;
			my $failed = $last =~ /^ERROR:/m ? 1 : 0;
			is($failed, $language eq 'sql-error' ? 1 : 0,
				"$page: block $n " . ($language eq 'sql' ? 'succeeds' : 'is refused')) or diag($text . $last);
			$written .= "```$language\n$text```\n";
			$written .= "\n```text\n$last```\n" if $last =~ /\S/;
			next;
		}
		if ($language eq 'text')
		{
			is($text, $last, "$page: output of block $n is as shown");
			# It stands behind its block already.
			$written =~ s/\n\z// if $written =~ /```\n\n\z/;
			next;
		}
		$written .= $language eq '' ? $text : "```$language\n$text```\n";
	}
	$written =~ s/\n{3,}/\n\n/g;
	if ($ENV{PHIG_UPDATE_DOCS})
	{
		open my $fh, '>', $page or die "$page: $!";
		print $fh $written;
		close $fh;
	}
	else
	{
		is(slurp_file($page), $written, "$page: shows all output");
	}
	$node->stop;
}

done_testing();
