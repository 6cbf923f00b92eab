#!/bin/bash
#
# run-check.sh: every test, on the PostgreSQL of PG_CONFIG.  `make check` calls it.
#
# Ends with one plain line, "N passed, N failed", and fails where something failed or
# nothing ran.  See test/README.md for TESTS and TAP.  With PHIG_TALLY, counts are
# added to that file too and the line says the version instead.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"

tally=$(mktemp "${TMPDIR:-/tmp}/phiguard-tally.XXXXXX")
trap 'rm -f "$tally"' EXIT

ensure_packages
ensure_pgaudit
# The trees of other versions have it where it is wanted.
[ -n "${PHIG_SERVER_ONLY-}${TESTS-}${TAP-}" ] || { ensure_command sqlsmith; ensure_python_packages; }

# What needs no server, unless only some tests were named or this is one version of several.
if [ -z "${TESTS-}${TAP-}${PHIG_SERVER_ONLY-}" ]; then
	if "$PHIG_ROOT/test/check-style.sh"; then
		say "ok      style"
		tally_add "$tally" 1 0
	else
		say "FAILED  style"
		tally_add "$tally" 0 1
	fi
	PHIG_TALLY=$tally "$PHIG_ROOT/test/run-fuzz.sh" || tally_add "$tally" 0 1
fi

export PHIG_PASS="TESTS TAP PERL5LIB"
version=$(server_version)
status=0
"$PHIG_ROOT/test/lib/sandbox.sh" test/lib/run-tests.sh || status=$?
if [ -s "$PHIG_ROOT/build/out/$version/tally" ]; then
	cat "$PHIG_ROOT/build/out/$version/tally" >>"$tally"
fi
if [ $status != 0 ]; then
	tally_add "$tally" 0 1
fi

if [ -n "${PHIG_TALLY-}" ]; then
	cat "$tally" >>"$PHIG_TALLY"
	printf 'PostgreSQL %s: ' "$version"
fi
tally_report "$tally"
