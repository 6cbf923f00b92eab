#!/bin/bash
#
# long_journal.sh: reading a journal of 1 and of 10 million executions.

set -euo pipefail

PHIG_LONG=1 TAP=025 test/lib/run-tests.sh
awk '$2 > 0 { failed = 1 } END { exit failed }' "$PHIG_OUT/tally"
cat "$PHIG_OUT/long_journal"
