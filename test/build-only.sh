#!/bin/bash
#
# build-only.sh: one version's part of `make build-all`.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"

ensure_packages
version=$(server_version)
if WERROR=1 make -s -j2 -C "$PHIG_ROOT" all; then
	say "ok      build $version"
	tally_add "$PHIG_TALLY" 1 0
else
	say "FAILED  build $version"
	tally_add "$PHIG_TALLY" 0 1
fi
