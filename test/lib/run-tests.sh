#!/bin/bash
#
# run-tests.sh: every test that needs a server, under sandbox.sh.
#
# TESTS names regression tests and isolation specs, TAP the beginnings of TAP
# scripts; with either set, only what is named runs.  Each test gets a database of its
# own.  Counts go to $PHIG_OUT/tally, what failing tests left behind beside it.

set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/server.sh"

TESTS=${TESTS-} TAP=${TAP-}
tally=$PHIG_OUT/tally
max_lines=100					# of a failing test's output

# report KIND NAME STATUS STARTED FILE: one line for a test, more when it failed.
report()
{
	local took=$((($(date +%s%N) - $4) / 1000000))

	if [ "$3" = 0 ]; then
		printf 'ok      %-10s %-28s %6d ms\n' "$1" "$2" $took
		return
	fi
	printf 'FAILED  %-10s %-28s %6d ms\n' "$1" "$2" $took
	head -n $max_lines "$5" | cut -c1-160 | sed 's/^/        /'
	if [ "$(wc -l <"$5")" -gt $max_lines ]; then
		say "        ... more in build/out: ${5#"$PHIG_OUT"/}"
	fi
}

server_is_up()
{
	psql -XAtqc 'SELECT 1' >/dev/null 2>&1
}

# One crash must not fail all that follows.
restart_after_crash()
{
	server_is_up && return
	sleep 2
	server_is_up && return
	say "the server is gone; its last words:"
	tail -n 20 "$PHIG_WORK/main/log"
	pg_ctl -D "$PGDATA" -m immediate stop >/dev/null 2>&1 || true
	server_start main
}

# run_pair KIND NAME: one regression test or isolation spec, in a database of its own, whose
# name tells its records in the journal from those of the others.
run_pair()
{
	local kind=$1 name=$2 started out=$PHIG_OUT/$1/$2 tool input=test status=0

	tool=$PHIG_PGXS/test/regress/pg_regress
	if [ "$kind" = isolation ]; then
		tool=$PHIG_PGXS/test/isolation/pg_isolation_regress
		input=test/isolation
	fi
	mkdir -p "$out"
	started=$(date +%s%N)
	"$tool" --inputdir=$input --outputdir="$out" --bindir="$(dirname "$(command -v psql)")" \
		--dbname="${kind}_$name" "$name" >"$out/log" 2>&1 || status=$?
	if [ $status != 0 ] && [ -s "$out/regression.diffs" ]; then
		report "$kind" "$name" $status "$started" "$out/regression.diffs"
	else
		report "$kind" "$name" $status "$started" "$out/log"
	fi
	if [ $status = 0 ]; then
		tally_add "$tally" 1 0
		rm -rf "$out"
	else
		tally_add "$tally" 0 1
		restart_after_crash
	fi
}

# run_tap FILE: counts the script's own assertions; dying between them is a failure too.
run_tap()
{
	local name started out status=0 passed failed

	name=$(basename "$1" .pl)
	out=$PHIG_OUT/tap/$name
	mkdir -p "$out"
	started=$(date +%s%N)
	TESTDIR=$out TESTDATADIR=$PHIG_WORK/tmp/$name TESTLOGDIR=$out/log \
		PG_TEST_PORT_DIR=$PHIG_WORK/tmp top_builddir=$PHIG_WORK/tmp \
		PG_REGRESS=$PHIG_PGXS/test/regress/pg_regress PERL5OPT=-MPhigUser \
		PERL5LIB=$PHIG_PGXS/test/perl:$PWD/test/lib${PERL5LIB:+:$PERL5LIB} \
		prove --verbose --nocolor "$1" >"$out/output" 2>&1 || status=$?
	passed=$(grep '^ok ' "$out/output" | grep -civ '# skip' || true)
	failed=$(grep -c '^not ok ' "$out/output" || true)
	if [ $status != 0 ] && [ "$failed" = 0 ]; then
		failed=1
	fi
	report tap "$name ($passed)" "$status" "$started" "$out/output"
	grep -iE '^ok .*# skip|\.pl \.\. skipped:' "$out/output" | sed 's|^|        skipped: |' || true
	tally_add "$tally" "$passed" "$failed"
	if [ "$failed" = 0 ]; then
		rm -rf "$out"
	fi
}

# run_taps FILE...: as many at a time as there are processors (PHIG_JOBS): most of them wait for servers.
run_taps()
{
	local script jobs=${PHIG_JOBS:-$(nproc)}

	for script in "$@"; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
			wait -n || true
		done
		{
			# In one piece, since others report as well.
			text=$(run_tap "$script") || tally_add "$tally" 0 1
			printf '%s\n' "$text"
		} &
	done
	wait
}

# found DIRECTORY SUFFIX: base names, sorted.
found()
{
	local file

	for file in "$1"/*"$2"; do
		[ ! -e "$file" ] || basename "$file" "$2"
	done
}

named_or_all()
{
	if [ -n "$TESTS" ]; then
		comm -12 <(found "$1" "$2" | sort) <(printf '%s\n' $TESTS | sort -u)
	elif [ -z "$TAP" ]; then
		found "$1" "$2"
	fi
}

tap_scripts()
{
	local prefix

	if [ -n "$TAP" ]; then
		for prefix in $TAP; do
			ls test/t/"$prefix"*.pl
		done
	elif [ -z "$TESTS" ]; then
		find test/t -name '*.pl' 2>/dev/null | sort
	fi
}

: >"$tally"
regress=$(named_or_all test/sql .sql)
specs=$(named_or_all test/isolation/specs .spec)
taps=$(tap_scripts)
for name in $TESTS; do
	if ! grep -qxF -- "$name" <<<"$(printf '%s\n' $regress $specs)"; then
		die "no test named $name"
	fi
done

say "PostgreSQL $(server_version)"
if [ -n "$regress$specs" ]; then
	# Tests make columns to label them, one after the other; new_column sets it otherwise.
	server_init main "phiguard.on_new_column = ignore"
	server_start main
	for name in $regress; do
		run_pair regress "$name"
	done
	for name in $specs; do
		run_pair isolation "$name"
	done
	server_stop main
	if grep -E 'TRAP:|PANIC:|terminated by signal' "$PHIG_WORK/main/log"; then
		say "FAILED  the server log has the lines above"
		tally_add "$tally" 0 1
	fi
	cp "$PHIG_WORK/main/log" "$PHIG_OUT/server.log"
fi
run_taps $taps
