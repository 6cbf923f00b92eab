#!/bin/bash
#
# run-in-sandbox.sh COMMAND [ARGUMENT]...: get what is missing, then lib/sandbox.sh.
# `make demo`, `make bench` and `make eval` call it.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"

[ -x "$PHIG_ROOT/$1" ] || die "there is no $1"
export PHIG_PASS="${PHIG_PASS-} ROUNDS BATCH SECONDS_EACH INSTRUCTIONS PARTS MEGABYTES EXECUTIONS PHIGUARD_EVAL_DATA"
ensure_packages
[ "$1" != test/bench/run.sh ] || ensure_pgaudit
[ -z "${INSTRUCTIONS-}" ] || ensure_command valgrind
exec "$PHIG_ROOT/test/lib/sandbox.sh" "$@"
