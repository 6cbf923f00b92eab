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

my @pages = map { "docs/$_.md" } qw(getting-started transforms policy detection extracts reports);

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
	my $node = PostgreSQL::Test::Cluster->new('docs_' . ($page =~ /(\w+)\.md/)[0] =~ tr/-/_/r);
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'");
	$node->start;
	# Whoever needs the master key first is told that it was made: the keeper, on a machine with time.
	for (1 .. 600)
	{
		last if -e $node->data_dir . '/phiguard_master.key';
		select undef, undef, undef, 0.1;
	}

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

# The tests that promises.md names are there.
my @named = slurp_file('docs/promises.md') =~ /`([a-z0-9_]+_[a-z0-9_]+\.(?:sql|spec|pl|c)|[a-z]{2,}\.sql)`/g;
my %place = (sql => 'test/sql', spec => 'test/isolation/specs', pl => 'test/t', c => 'test/fuzz');
cmp_ok(scalar(@named), '>', 10, 'promises.md names tests');
for my $name (@named)
{
	my ($suffix) = $name =~ /(\w+)$/;
	ok(-f "$place{$suffix}/$name", "docs/promises.md: $name exists");
}

# Tables made from the catalog.
my %queries = (
	functions => <<'SQL',
SELECT '| function | |' UNION ALL SELECT '|---|---|' UNION ALL (
SELECT format('| `%s(%s)` | %s |', proname,
  regexp_replace(pg_get_function_arguments(oid), '::[a-z ]+|OUT [^,]*(, )?', '', 'g'),
  replace(obj_description(oid, 'pg_proc'), E'\n', ' '))
  FROM pg_proc WHERE pronamespace = 'phiguard'::regnamespace AND proargtypes[0] IS DISTINCT FROM 'internal'::regtype ORDER BY proname, pg_get_function_arguments(oid))
SQL
	relations => <<'SQL',
SELECT '| relation | |' UNION ALL SELECT '|---|---|' UNION ALL (
SELECT format('| `%s` | %s |', relname, replace(obj_description(oid, 'pg_class'), E'\n', ' '))
  FROM pg_class WHERE relnamespace = 'phiguard'::regnamespace AND relkind IN ('v', 'r') ORDER BY relname)
SQL
	access_log => <<'SQL',
SELECT '| column | type | |' UNION ALL SELECT '|---|---|---|' UNION ALL (
SELECT format('| `%s` | %s | %s |', attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum))
  FROM pg_attribute WHERE attrelid = 'phiguard.access_log'::regclass AND attnum > 0 ORDER BY attnum)
SQL
	types => <<'SQL',
SELECT '| type | over | label | |' UNION ALL SELECT '|---|---|---|---|' UNION ALL (
SELECT format('| `%s` | %s | `%s` | %s |', typname, format_type(typbasetype, -1), label, obj_description(t.oid, 'pg_type'))
  FROM pg_type t JOIN pg_seclabel s ON s.objoid = t.oid AND s.classoid = 'pg_type'::regclass
 WHERE typnamespace = 'phiguard'::regnamespace AND typtype = 'd' ORDER BY typname)
SQL
	settings => <<'SQL',
SELECT '| setting | default | context | |' UNION ALL SELECT '|---|---|---|---|' UNION ALL (
SELECT format('| `%s` | %s | %s | %s |', name, quote_literal(boot_val) || coalesce(' ' || unit, ''), context,
  concat_ws(' ', short_desc, extra_desc))
  FROM pg_settings WHERE name LIKE 'phiguard.%' ORDER BY name)
SQL
);

my $reference = 'docs/reference.md';
my $catalog = PostgreSQL::Test::Cluster->new('catalog');
$catalog->init;
$catalog->append_conf('postgresql.conf', "shared_preload_libraries = 'phiguard'");
$catalog->start;
$catalog->safe_psql('postgres', 'CREATE EXTENSION phiguard');
my $page = slurp_file($reference);
my $made = $page;
for my $name (sort keys %queries)
{
	my $table = $catalog->safe_psql('postgres', $queries{$name});
	unlike($table, qr/\|  \|$/m, "$reference: every one of $name has a comment");
	ok($made =~ s/(<!-- made by \S+: $name -->\n).*?(<!-- end -->)/$1$table\n$2/s, "$reference: $name has its place");
}
$catalog->stop;
if ($ENV{PHIG_UPDATE_DOCS})
{
	open my $fh, '>', $reference or die "$reference: $!";
	print $fh $made;
	close $fh;
}
else
{
	is($page, $made, "$reference is what the catalog says");
}

done_testing();
