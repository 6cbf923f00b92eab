#!/bin/bash
#
# crash.sh: the crash campaign in full, 25 kills on each of 8 new servers.  PHIG_CRASH_SEED moves their seeds.

set -euo pipefail

status=0
first=${PHIG_CRASH_SEED:-101}
for seed in $(seq "$first" $((first + 7))); do
	PHIG_CRASH_KILLS=25 PHIG_CRASH_SEED=$seed TAP=018 test/lib/run-tests.sh
	awk '$2 > 0 { failed = 1 } END { exit failed }' "$PHIG_OUT/tally" || status=1
done
cat "$PHIG_OUT/crash"
exit $status
