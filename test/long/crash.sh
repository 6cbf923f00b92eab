#!/bin/bash
#
# crash.sh: the crash campaign in full, 25 kills on each of 8 new servers.  PHIG_CRASH_SEED moves their seeds.

set -euo pipefail

first=${PHIG_CRASH_SEED:-101}
for seed in $(seq "$first" $((first + 7))); do
	PHIG_CRASH_KILLS=25 PHIG_CRASH_SEED=$seed TAP=026 test/lib/run-tests.sh
	if ! awk '$2 > 0 { failed = 1 } END { exit failed }' "$PHIG_OUT/tally"; then
		exit 1
	fi
done
cat "$PHIG_OUT/crash"
