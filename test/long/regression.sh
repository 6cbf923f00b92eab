#!/bin/bash
#
# regression.sh: PostgreSQL's own regression schedule, without phiguard and over labelled tables, with the same results.
#
# The tests come from the distribution's source package (lib/source.sh) and are found
# in $PHIG_WORK/regress.  They run three times: on a server without phiguard, the control, and on those in mode audit
# and in mode enforce, where every column of every table that the schedule's first test makes (onek, tenk1,
# int4_tbl, person, ...) is labelled.  pg/compare.pl then holds the results against
# each other; what differs must be listed in pg/differences, with the reason.
# Older scripts lack what psql wants behind a COPY that fails (pg/end_copy.pl).
# A superuser runs them, whom a purpose does not restrict; the roles that they make have none.
#
# versions: all

set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/server.sh"

tests=$PHIG_WORK/regress
library=$PHIG_WORK/library
failed=0

# What is wrong is said at once; the run goes on as long as it makes sense.
wrong()
{
	say "FAILED  $*"
	failed=1
}

# The tests' own C functions, and the contrib modules that some of them load from beside it.
make_library()
{
	local module

	mkdir -p "$library"
	cp "$tests/regress.c" "$library/"
	printf 'MODULES = regress\nPGXS := $(shell $(PG_CONFIG) --pgxs)\ninclude $(PGXS)\n' >"$library/Makefile"
	make -s -C "$library" with_llvm=no PG_CONFIG="$PG_CONFIG" >"$library/log" 2>&1 || { tail -n 20 "$library/log"; return 1; }
	for module in autoinc refint; do
		cp "$($PG_CONFIG --pkglibdir)/$module.so" "$library/"
	done
}

# One more test behind the first: labels on every column of what that one made.
add_labels()
{
	cp test/pg/phiguard_labels.sql "$tests/sql/"
	cp test/pg/phiguard_labels.sql "$tests/expected/phiguard_labels.out"
	sed '0,/^test: test_setup$/s//&\ntest: phiguard_labels/' "$tests/parallel_schedule" >"$tests/labelled_schedule"
	grep -q '^test: phiguard_labels$' "$tests/labelled_schedule"
}

# run_schedule NAME SCHEDULE [OPTION]...: results in $PHIG_OUT/NAME/results.
run_schedule()
{
	local name=$1 schedule=$2 started=$SECONDS

	shift 2
	server_start "$name"
	mkdir -p "$PHIG_OUT/$name"
	# That tests fail here says nothing: what counts is what compare.pl finds.
	"$PHIG_PGXS/test/regress/pg_regress" --inputdir="$tests" --outputdir="$PHIG_OUT/$name" --dlpath="$library" \
		--bindir="$(dirname "$(command -v psql)")" --schedule="$tests/$schedule" --max-concurrent-tests=20 "$@" \
		>"$PHIG_OUT/$name/log" 2>&1 || true
	say "$name: $(tail -n 30 "$PHIG_OUT/$name/log" | grep -E 'tests (passed|failed)' | tail -n 1 | tr -d '=' | xargs), $((SECONDS - started)) s"
}

check_log()
{
	cp "$PHIG_WORK/$1/log" "$PHIG_OUT/$1/server.log"
	if grep -E 'TRAP:|PANIC:|terminated by signal|unrecognized node type|could not be recorded' "$PHIG_WORK/$1/log"; then
		wrong "the log of the server $1 has the lines above"
	fi
}

ask()
{
	psql -XAtqc "$1" "${2-regression}"
}

# guarded MODE: the schedule over labelled tables, and whether it was seen.
guarded()
{
	local mode=$1 labelled records scripts findings

	server_init "$mode" "phiguard.mode = $mode"
	run_schedule "$mode" labelled_schedule --load-extension=phiguard
	labelled=$(ask "SELECT count(*) FROM phiguard.labels WHERE relation::text IN ('onek', 'tenk1', 'int4_tbl', 'person')")
	records=$(ask "SELECT count(*) FROM phiguard.access_log WHERE database = 'regression'")
	scripts=$(ask "SELECT count(DISTINCT application) FROM phiguard.access_log WHERE database = 'regression'")
	say "$mode: $records records of $scripts scripts"
	grep -qE 'phiguard_labels .* ok|^ok .* phiguard_labels ' "$PHIG_OUT/$mode/log" || wrong "the labels could not be set"
	[ "$labelled" -gt 30 ] || wrong "the schedule's tables have lost their labels"
	[ "$records" -gt 1000 ] && [ "$scripts" -gt 50 ] || wrong "what the schedule reads is not on record"
	findings=$(ask 'SELECT * FROM phiguard.verify_journal()')
	[ -z "$findings" ] || wrong "verify_journal() finds: $findings"
	server_stop "$mode"
	check_log "$mode"
	test/pg/compare.pl "$PHIG_OUT/plain/results" "$PHIG_OUT/$mode/results" test/pg/differences \
		"$($PG_CONFIG --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')" "$mode" || wrong "the results differ in mode $mode"
}

make_library
add_labels
test/pg/end_copy.pl "$tests"/sql/*.sql
server_init plain "shared_preload_libraries = ''"
run_schedule plain parallel_schedule
server_stop plain
check_log plain
guarded audit
guarded enforce
exit $failed
