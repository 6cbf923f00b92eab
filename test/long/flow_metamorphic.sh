#!/bin/bash
#
# flow_metamorphic.sh: the metamorphic test of flow with many more queries, of several seeds.

set -euo pipefail

status=0
for seed in 11 12 13 14; do
	PHIG_FLOW_QUERIES=5000 PHIG_FLOW_SEED=$seed TAP=040 test/lib/run-tests.sh
	awk '$2 > 0 { failed = 1 } END { exit failed }' "$PHIG_OUT/tally" || status=1
done
exit $status
