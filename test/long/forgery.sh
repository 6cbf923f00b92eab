#!/bin/bash
#
# forgery.sh: the forgery campaign in full.

set -euo pipefail

PHIG_LONG=1 TAP=023_forgery test/lib/run-tests.sh
awk '$2 > 0 { failed = 1 } END { exit failed }' "$PHIG_OUT/tally"
