#!/bin/bash
#
# run-long.sh: campaigns too long for every change.  `make check-long` calls it.
#
# Each test/long/*.sh runs under the sandbox and is one test; the fuzz targets run a
# hundred times as long as in make check.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"

tally=$(mktemp "${TMPDIR:-/tmp}/phiguard-tally.XXXXXX")
trap 'rm -f "$tally"' EXIT

ensure_packages
FUZZ_RUNS=${FUZZ_RUNS:-2000000} PHIG_TALLY=$tally "$PHIG_ROOT/test/run-fuzz.sh" || tally_add "$tally" 0 1
for script in "$PHIG_ROOT"/test/long/*.sh; do
	[ -e "$script" ] || continue
	if "$PHIG_ROOT/test/lib/sandbox.sh" "test/long/$(basename "$script")"; then
		say "ok      long       $(basename "$script" .sh)"
		tally_add "$tally" 1 0
	else
		say "FAILED  long       $(basename "$script" .sh)"
		tally_add "$tally" 0 1
	fi
done
tally_report "$tally"
