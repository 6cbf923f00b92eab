# Made-up queries for the metamorphic test of flow.
#
# The schema is fixed: tables t1, t2, t3 (id int, k int, a, b, c, d, e text), views v1, v2, functions f1() and f2(text)
# that the planner inlines, echo(text) and rows_of(text) that it does not, and an unlabelled table
# sink (id int, x text, y text).  Everything else comes from the generator that is handed in, so that a seed
# decides all of it.  Queries do not fail when they run and name every output column o1, o2 ...
package PhigQueries;

use strict;
use warnings;

my @text_columns = qw(a b c d e);

# rand_state: a seed.  The generator is our own, so that every perl makes the same queries of it.
sub new
{
	my ($class, $seed) = @_;

	return bless { state => $seed * 7919 + 17, aliases => 0, ctes => [] }, $class;
}

sub number
{
	my ($self, $below) = @_;

	$self->{state} = ($self->{state} * 1103515245 + 12345) % 2147483648;
	return int($self->{state} / 65536) % $below;
}

sub pick
{
	my ($self, @from) = @_;

	return $from[ $self->number(scalar @from) ];
}

sub chance
{
	my ($self, $percent) = @_;

	return $self->number(100) < $percent;
}

sub alias
{
	my ($self, $letter) = @_;

	return $letter . ++$self->{aliases};
}

# A scope is a list of { name => alias, row => may be used as a whole, columns => { column => type } }.
sub columns_of
{
	my ($self, $scope, $type) = @_;
	my @found;

	for my $entry (@$scope)
	{
		push @found, map { "$entry->{name}.$_" }
		  grep { $entry->{columns}{$_} eq $type } sort keys %{ $entry->{columns} };
	}
	return @found;
}

sub literal
{
	my ($self) = @_;

	return "'v" . $self->number(8) . "'::text";
}

sub text_leaf
{
	my ($self, $scope) = @_;
	my @columns = $self->columns_of($scope, 'text');

	return @columns && !$self->chance(8) ? $self->pick(@columns) : $self->literal;
}

sub text
{
	my ($self, $scope, $depth) = @_;
	my $t = sub { $self->text($scope, $depth - 1) };
	my @rows = grep { $_->{row} } @$scope;

	return $self->text_leaf($scope) if $depth <= 0 || $self->chance(45);
	my $kind = $self->number(17);
	return 'upper(' . $t->() . ')' if $kind == 0;
	return '(' . $t->() . " || " . $t->() . ')' if $kind == 1;
	return 'coalesce(' . $t->() . ', ' . $t->() . ')' if $kind == 2;
	return 'CASE WHEN ' . $self->bool($scope, $depth - 1) . ' THEN ' . $t->() . ' ELSE ' . $t->() . ' END'
	  if $kind == 3;
	return 'nullif(' . $t->() . ', ' . $t->() . ')' if $kind == 4;
	return 'left(' . $t->() . ', (' . $self->int($scope, 0) . ')::int % 4)' if $kind == 5;
	return 'greatest(' . $t->() . ', ' . $t->() . ')' if $kind == 6;
	return 'echo(' . $t->() . ')' if $kind == 7;
	return 'phiguard.token(' . $t->() . ", 'd')" if $kind == 8 || $kind == 9;
	return '(ARRAY[' . $t->() . ', ' . $t->() . '])[1]' if $kind == 10;
	return $self->bool($scope, $depth - 1, 1) . '::text' if $kind == 11;
	return $self->scalar_select($scope, $depth - 1, 'text') if $kind == 12 || $kind == 13;
	return $t->() unless @rows;
	my $row = $self->pick(@rows);
	my $column = $self->pick(grep { $row->{columns}{$_} eq 'text' } sort keys %{ $row->{columns} });
	return "($row->{name}::text)" if $kind == 14;
	return "(to_jsonb($row->{name}) ->> '$column')" if $kind == 15;
	return "((SELECT $row->{name})).$column";
}

sub int
{
	my ($self, $scope, $depth) = @_;
	my @columns = $self->columns_of($scope, 'int');
	my $kind = $depth <= 0 ? 0 : $self->number(6);

	return 'length(' . $self->text($scope, $depth - 1) . ')' if $kind == 4;
	return $self->scalar_select($scope, $depth - 1, 'int') if $kind == 5;
	return @columns && !$self->chance(15) ? $self->pick(@columns) : 1 + $self->number(5);
}

# plain: an expression that may stand under a cast.
sub bool
{
	my ($self, $scope, $depth, $plain) = @_;
	my $kind = $self->number($depth <= 0 ? 7 : 12);
	my $sql;

	my $t = sub { $self->text($scope, $depth - 1) };
	$sql = $t->() . ' ' . $self->pick('<', '>', '<>', '<>', '=', 'IS DISTINCT FROM') . ' ' . $t->() if $kind < 3;
	$sql = $t->() . ' IS NOT NULL' if $kind == 3;
	$sql = $t->() . " LIKE '%" . $self->number(8) . "'" if $kind == 4;
	$sql = $self->int($scope, $depth - 1) . ' ' . $self->pick('<', '>=', '=', '<>') . ' ' . $self->int($scope, $depth - 1)
	  if $kind == 5 || $kind == 6;
	$sql = $self->bool($scope, $depth - 1) . ' ' . $self->pick('AND', 'OR') . ' ' . $self->bool($scope, $depth - 1)
	  if $kind == 7;
	$sql = 'NOT ' . $self->bool($scope, $depth - 1) if $kind == 8;
	$sql = $self->pick('EXISTS', 'NOT EXISTS') . ' (' . $self->select($scope, $depth - 1, ['text']) . ')' if $kind == 9;
	$sql = $t->() . ' ' . $self->pick('IN', 'NOT IN', '= ANY', '< ALL') . ' (' . $self->select($scope, $depth - 1, ['text']) . ')'
	  if $kind >= 10;
	return "($sql)";
}

sub scalar_select
{
	my ($self, $scope, $depth, $type) = @_;
	my ($from, $inner) = $self->from($scope, $depth);
	my $all = [ @$inner, @$scope ];
	my $where = $self->bool($all, $depth - 1);

	return '(SELECT ' . $self->aggregate($all, $depth, $type) . " FROM $from WHERE $where)" if $self->chance(60);
	return '(SELECT ' . $self->value($all, $depth, $type) . " FROM $from WHERE $where LIMIT 1)";
}

sub value
{
	my ($self, $scope, $depth, $type) = @_;

	return $type eq 'text' ? $self->text($scope, $depth) : $self->int($scope, $depth);
}

# Arguments come from the level itself: an aggregate over outer columns only would belong to the outer level.
sub aggregate
{
	my ($self, $scope, $depth, $type) = @_;
	my $own = [ $scope->[0] ];
	my $x = $self->text_leaf($own);
	my $filter = $self->chance(25) ? ' FILTER (WHERE ' . $self->bool($own, 0) . ')' : '';

	($x) = $self->columns_of($own, 'text') if $x =~ /^'/;
	if ($type eq 'text')
	{
		return $self->pick('max', 'min') . "($x)$filter" if $self->chance(60);
		return "string_agg($x, ',' ORDER BY " . $self->text_leaf($own) . ", $x)$filter";
	}
	return $self->pick("count(*)", "count($x)", "count(DISTINCT $x)", "sum(length($x))") . $filter;
}

sub window
{
	my ($self, $scope, $type) = @_;
	my $x = $self->text_leaf($scope);
	my $over = 'OVER (' . ($self->chance(50) ? 'PARTITION BY ' . $self->text_leaf($scope) . ' ' : '')
	  . 'ORDER BY ' . $self->text_leaf($scope) . ', ' . $self->text_leaf($scope) . ')';

	return $self->pick("lag($x)", "first_value($x)", "max($x)") . " $over" if $type eq 'text';
	return $self->pick('row_number()', "count($x)", 'rank()') . " $over";
}

sub table_entry
{
	my ($self, $name) = @_;
	my %columns = (id => 'int', k => 'int', map { $_ => 'text' } @text_columns);

	return { name => $name, row => 1, columns => \%columns };
}

sub from_item
{
	my ($self, $outer, $depth, $lateral) = @_;
	my $kind = $self->number($depth <= 0 ? 7 : 12);
	my @ctes = @{ $self->{ctes} };

	if (@ctes && $self->chance(30))
	{
		my $cte = $self->pick(@ctes);
		my $name = $self->alias('w');
		return ("$cte->{name} AS $name", [ { name => $name, columns => $cte->{columns} } ]);
	}
	if ($kind < 4)
	{
		my $name = $self->alias('q');
		return ($self->pick('t1', 't2', 't3') . " AS $name", [ $self->table_entry($name) ]);
	}
	if ($kind < 6)
	{
		my $name = $self->alias('v');
		return ($self->pick('v1', 'v2', 'f1()') . " AS $name", [ $self->table_entry($name) ]);
	}
	if ($kind == 6)
	{
		my $name = $self->alias('f');
		my $argument = $lateral ? $self->text($outer, 0) : $self->literal;
		return ("f2($argument) AS $name", [ { name => $name, columns => { o1 => 'text', o2 => 'text' } } ])
		  if $self->chance(60);
		return ("rows_of($argument) AS $name", [ { name => $name, columns => { o1 => 'text', o2 => 'text' } } ]);
	}
	if ($kind == 7 || $kind == 8)
	{
		my ($name, $left, $right) = ($self->alias('j'), $self->alias('q'), $self->alias('q'));
		my $column = $self->pick(@text_columns);
		return ('(' . $self->pick('t1', 't2') . " AS $left " . $self->pick('FULL', 'LEFT', 'INNER', 'RIGHT')
			  . ' JOIN ' . $self->pick('t2', 't3') . " AS $right USING ($column)) AS $name",
			[ { name => $name, columns => { $column => 'text' } } ]);
	}
	my $name = $self->alias('s');
	my @types = map { $self->pick('text', 'text', 'int') } 1 .. 2 + $self->number(2);
	$types[0] = 'text';
	my $sql = $self->select($lateral ? $outer : [], $depth - 1, \@types);
	return (($lateral ? 'LATERAL ' : '') . "($sql) AS $name",
		[ { name => $name, columns => { map { 'o' . ($_ + 1) => $types[$_] } 0 .. $#types } } ]);
}

sub from
{
	my ($self, $outer, $depth) = @_;
	my ($sql, $scope) = $self->from_item($outer, $depth, 0);

	while ($self->chance($depth > 0 ? 35 : 10) && @$scope < 3)
	{
		my $kind = $self->number(4);
		my ($right, $added) = $self->from_item([ @$scope, @$outer ], $depth - 1, $kind < 2);
		my $both = [ @$scope, @$added ];
		$sql .= " CROSS JOIN $right" if $kind == 0;
		$sql .= " LEFT JOIN $right ON " . $self->bool($both, 0) if $kind == 1 || $kind == 3;
		$sql .= " JOIN $right ON " . $self->bool([ @$both, @$outer ], $depth - 1) if $kind == 2;
		$scope = $both;
	}
	return ($sql, $scope);
}

# One query level with outputs o1, o2 ... of the given types.
sub select
{
	my ($self, $outer, $depth, $types) = @_;
	my $kind = $self->number(10);

	if ($kind == 0 && $depth > 0)
	{
		my $operation = $self->pick('UNION', 'UNION ALL', 'UNION ALL', 'EXCEPT', 'INTERSECT', 'EXCEPT ALL');
		return '(' . $self->select($outer, $depth - 1, $types) . ") $operation ("
		  . $self->select($outer, $depth - 1, $types) . ')';
	}
	my ($from, $inner) = $self->from($outer, $depth);
	my $scope = [ @$inner, @$outer ];
	my $where = $self->chance(65) ? ' WHERE ' . $self->bool($scope, $depth - 1) : '';
	return $self->grouped($from, $scope, $where, $depth, $types) if $kind < 3;

	my $number = 0;
	my $list = join ', ', map {
		my $value = $self->chance(12) ? $self->window($scope, $_) : $self->value($scope, $depth, $_);
		$value . ' AS o' . ++$number
	} @$types;
	return "SELECT DISTINCT $list FROM $from$where" if $kind == 3;
	return 'SELECT DISTINCT ON (' . $self->text_leaf($inner) . ") $list FROM $from$where" if $kind == 4;
	my $order = $self->chance(30) ? ' ORDER BY ' . $self->text([ @$inner ], 1) . ', o1' : '';
	my $limit = $self->chance(15) ? ' LIMIT ' . (1 + $self->number(4)) : '';
	return "SELECT $list FROM $from$where$order$limit";
}

sub grouped
{
	my ($self, $from, $scope, $where, $depth, $types) = @_;
	my @text = $self->columns_of([ $scope->[0] ], 'text');
	my @group = map { $self->pick(@text) } 1 .. 1 + $self->number(2);
	my $number = 0;
	my $list = join ', ', map {
		my $value = $_ eq 'text' && $self->chance(50) ? $self->pick(@group) : $self->aggregate($scope, $depth, $_);
		$value . ' AS o' . ++$number
	} @$types;
	my $by = $self->chance(20) ? 'ROLLUP (' . join(', ', @group) . ')' : join(', ', @group);
	my $having = $self->chance(25) ? ' HAVING ' . $self->aggregate($scope, $depth, 'int') . ' > 0' : '';

	return "SELECT $list FROM $from$where GROUP BY $by$having";
}

# WITH, made before the query that reads it: (text, number of CTEs to forget again).
sub with
{
	my ($self, $depth) = @_;
	my @parts;

	return '' if $self->chance(65);
	if ($self->chance(40))
	{
		my $name = $self->alias('r');
		my ($from, $scope) = $self->from([], 0);
		my $self_scope = [ { name => $name, columns => { o1 => 'text', o2 => 'text' } } ];
		push @parts, "$name(o1, o2, n) AS (SELECT " . $self->text($scope, 1) . ', ' . $self->text($scope, 1) . ", 0 FROM $from"
		  . ' UNION ' . $self->pick('', 'ALL ') . "SELECT $name.o2, " . $self->text($self_scope, 1) . ", n + 1 FROM $name WHERE n < 2 AND "
		  . $self->bool($self_scope, 0) . ')';
		push @{ $self->{ctes} }, { name => $name, columns => { o1 => 'text', o2 => 'text' } };
	}
	else
	{
		my $name = $self->alias('c');
		push @parts, "$name AS " . $self->pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ') . '(' . $self->select([], $depth, [ 'text', 'text', 'int' ]) . ')';
		push @{ $self->{ctes} }, { name => $name, columns => { o1 => 'text', o2 => 'text', o3 => 'int' } };
	}
	return 'WITH RECURSIVE ' . join(', ', @parts) . ' ';
}

sub outputs
{
	my ($self, $scope) = @_;

	return $self->text($scope, 1) . ' AS o1, ' . $self->text($scope, 1) . ' AS o2';
}

# A statement that writes, to sink or to a labelled table.
sub writing
{
	my ($self) = @_;
	my $sink = { name => 'sink', columns => { x => 'text', y => 'text', id => 'int' } };
	my $target = $self->table_entry('t1');
	my $source = { %{ $self->table_entry('t2') }, row => 0 };
	my $kind = $self->number(8);
	# MERGE takes no WITH RECURSIVE, and two have a WITH of their own.
	my $with = $kind >= 4 && $kind <= 6 ? '' : $self->with(1);
	my ($from, $scope) = $self->from([], 1);
	my $where = ' WHERE ' . $self->bool($scope, 1);
	my $returning = $self->chance(60) ? ' RETURNING ' . $self->outputs([$sink]) : '';

	return "${with}INSERT INTO sink SELECT 100 + row_number() OVER (), " . $self->text($scope, 2) . ', '
	  . $self->text($scope, 1) . " FROM $from$where$returning"
	  if $kind == 0;
	return "${with}UPDATE sink SET x = " . $self->text([ @$scope, $sink ], 2) . ', y = ' . $self->text([ $sink, @$scope ], 1)
	  . " FROM $from WHERE " . $self->bool([ @$scope, $sink ], 1) . $returning
	  if $kind == 1;
	return "${with}UPDATE sink SET (x, y) = (SELECT " . $self->text($scope, 1) . ', ' . $self->text([ $sink, @$scope ], 1)
	  . " FROM $from$where LIMIT 1)$returning"
	  if $kind == 2;
	return "${with}INSERT INTO sink SELECT row_number() OVER (), " . $self->text($scope, 1) . ', ' . $self->text($scope, 1)
	  . " FROM $from$where ON CONFLICT (id) DO UPDATE SET x = excluded.y || sink.x, y = "
	  . $self->text([ $sink, { name => 'excluded', columns => $sink->{columns} } ], 1) . $returning
	  if $kind == 3;
	return "MERGE INTO sink USING (SELECT DISTINCT ON (id) * FROM "
	  . $self->pick('t1', 't2', 'v1', 'f1()') . ' AS m) AS t2 ON sink.id = t2.id WHEN MATCHED AND '
	  . $self->bool([ $source, $sink ], 1) . ' THEN UPDATE SET x = ' . $self->text([$source], 2)
	  . ' WHEN NOT MATCHED THEN INSERT VALUES (t2.id, ' . $self->text([$source], 1) . ", 'n')"
	  if $kind == 4;
	return 'WITH gone AS (DELETE FROM t1 WHERE ' . $self->bool([$target], 1) . ' RETURNING ' . $self->outputs([$target])
	  . ') SELECT ' . $self->text([ { name => 'gone', columns => { o1 => 'text', o2 => 'text' } } ], 1) . ' AS o1 FROM gone'
	  if $kind == 5;
	return 'WITH done AS (UPDATE t1 SET ' . $self->pick(@text_columns) . ' = ' . $self->text([$target], 2) . ' RETURNING '
	  . $self->outputs([$target]) . ') INSERT INTO sink SELECT 100 + row_number() OVER (), o1, ' . $self->pick("o2", "'n'") . ' FROM done'
	  if $kind == 6;
	return "${with}UPDATE t1 SET a = " . $self->text([ $target, @$scope ], 1) . ', b = ' . $self->text([$target], 1)
	  . " FROM $from$where AND t1.id < 4 RETURNING " . $self->outputs([$target]);
}

# The next query.
sub query
{
	my ($self) = @_;

	$self->{aliases} = 0;
	$self->{ctes} = [];
	return $self->writing if $self->chance(25);
	return $self->with(1) . $self->select([], 2, [ 'text', map { $self->pick('text', 'int') } 1 .. $self->number(3) ]);
}

1;
