# Disclosure risk worked out anew, straight from the formulas, with nothing in common with src/extract: what
# phiguard.risk() is held against.
package PhigRisk;

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min sum sum0 uniq);

our @EXPORT = qw(risk_metrics);

# risk_metrics(rows => [[person, quasi ..., sensitive ...], ...], quasi => N, order => [comparison, ...] of each sensitive
# column (undef: none), population => [[person, quasi ...], ...], k =>, l =>, threshold =>)
#
# Values are strings; undef is null, the last in each order.  Returns a hash "metric" or "metric of column (from 0)" => number or undef.
sub risk_metrics
{
	my (%of) = @_;
	my ($f, $rows) = members($of{rows}, $of{quasi});
	my ($F) = $of{population} ? members($of{population}, $of{quasi}) : ($f);
	my @classes = keys %$f;
	my %size = map { $_ => scalar keys %{ $f->{$_} } } @classes;
	my %population = map { $_ => scalar keys %{ $F->{$_} || {} } } @classes;
	my $n = sum0(values %size);
	my @small = grep { $size{$_} < $of{k} } @classes;
	my $link = sum0(map { $size{$_} / $population{$_} } @classes) / $n;
	my %metrics = (
		rows => scalar @{ $of{rows} },
		rows_without_person => scalar(grep { !defined $_->[0] } @{ $of{rows} }),
		persons => scalar(uniq map { text($_->[0]) } @{ $of{rows} }),
		members => $n,
		classes => scalar @classes,
		small_cells => scalar @small,
		small_cell_members => sum0(map { $size{$_} } @small),
		small_cell_rows => sum0(map { $rows->{$_} } @small),
		k => min(values %size),
		sample_uniques => scalar(grep { $size{$_} == 1 } @classes) / $n,
		population_uniques => scalar(grep { $size{$_} == 1 && $population{$_} == 1 } @classes) / $n,
		prosecutor_max => 1 / min(values %size),
		prosecutor_avg => @classes / $n,
		prosecutor_at_risk => sum0(map { 1 / $size{$_} > $of{threshold} ? $size{$_} : 0 } @classes) / $n,
		journalist_max => 1 / min(values %population),
		journalist_avg => max(@classes / sum(values %population), $link),
		journalist_at_risk => sum0(map { 1 / $population{$_} > $of{threshold} ? $size{$_} : 0 } @classes) / $n,
		marketer => $link,
		presence_min => $of{population} ? min(map { $size{$_} / $population{$_} } @classes) : undef,
		presence_max => $of{population} ? max(map { $size{$_} / $population{$_} } @classes) : undef);

	for my $column (0 .. $#{ $of{order} })
	{
		my %of_column = sensitive_metrics($of{rows}, $of{quasi}, $column, $of{order}[$column], $of{l}, $of{hierarchies}[$column]);
		$metrics{"$_ $column"} = $of_column{$_} for keys %of_column;
	}
	return %metrics;
}

# Class => { person => 1 }, class => rows.
sub members
{
	my ($list, $quasi) = @_;
	my (%members, %rows);

	for my $row (@$list)
	{
		my $class = class_of($row, $quasi);
		$members{$class}{ text($row->[0]) } = 1;
		$rows{$class}++;
	}
	return (\%members, \%rows);
}

sub sensitive_metrics
{
	my ($list, $quasi, $column, $order, $l, $steps) = @_;
	my (%persons, %value_of, %all);

	# Persons that have a value in a class.
	for my $row (@$list)
	{
		my $value = $row->[ 1 + $quasi + $column ];
		$value_of{ text($value) } = $value;
		$persons{ class_of($row, $quasi) }{ text($value) }{ text($row->[0]) } = 1;
	}
	my @classes = map { my $class = $_; +{ map { $_ => scalar keys %{ $class->{$_} } } keys %$class } } values %persons;
	for my $class (@classes)
	{
		$all{$_} += $class->{$_} for keys %$class;
	}
	my $total = sum(values %all);
	my %q = map { $_ => $all{$_} / $total } keys %all;
	my @values = sort {
		my ($x, $y) = @value_of{ $a, $b };
		!defined $x || !defined $y ? (defined $x ? -1 : 1) : $order ? $order->($x, $y) : $x cmp $y
	} keys %q;
	my (@distinct, @entropy, @recursive, @nominal, @ordered, @hierarchy);

	for my $class (@classes)
	{
		my $n = sum(values %$class);
		my %p = map { $_ => ($class->{$_} || 0) / $n } @values;
		my @r = sort { $b <=> $a } grep { $_ > 0 } values %p;
		my $tail = sum0(@r[ $l - 1 .. $#r ]);
		my ($so_far, $distance) = (0, 0);

		for my $i (0 .. $#values - 1)
		{
			$so_far += $p{ $values[$i] } - $q{ $values[$i] };
			$distance += abs($so_far);
		}
		push @distinct, scalar @r;
		push @entropy, exp(-sum(map { $_ * log($_) } @r));
		push @recursive, $tail > 0 ? $r[0] / $tail : 9**9**9;
		push @nominal, sum(map { abs($p{$_} - $q{$_}) } @values) / 2;
		push @hierarchy, carried({ map { $_ => $p{$_} - $q{$_} } @values }, \%value_of, @$steps) if $steps;
		push @ordered, @values > 1 ? $distance / $#values : 0;
	}
	return (
		values => scalar @values,
		l_distinct => min(@distinct),
		l_entropy => min(@entropy),
		l_recursive => max(@recursive),
		t_nominal => max(@nominal),
		($steps ? (t_hierarchy => max(@hierarchy)) : ()),
		t_ordered => $order ? max(@ordered) : undef);
}

# As Li et al. have it: each group settles what its members have too much and too little of among themselves, at the
# height of its step, and passes on the rest.
sub carried
{
	my ($left, $value_of, @steps) = @_;
	my $cost = 0;

	for my $height (1 .. @steps + 1)
	{
		my %group = map { my $key = $_; $key => $height > @steps ? 'all' : text($steps[ $height - 1 ]->($value_of->{$key})) } keys %$left;
		my (%much, %little, %rest, %value);

		for my $key (keys %$left)
		{
			my $group = $group{$key};
			$left->{$key} > 0 ? ($much{$group} += $left->{$key}) : ($little{$group} -= $left->{$key});
			$rest{$group} += $left->{$key};
			$value{$group} = $value_of->{$key};
		}
		$cost += $height / (@steps + 1) * min($much{$_} // 0, $little{$_} // 0) for keys %rest;
		($left, $value_of) = (\%rest, \%value);
	}
	return $cost;
}

sub class_of
{
	my ($row, $quasi) = @_;
	return join("\x1f", map { text($_) } @$row[ 1 .. $quasi ]);
}

sub text
{
	my ($value) = @_;
	return defined $value ? "=$value" : 'null';
}

1;
