#!/bin/bash
#
# verify.sh: CPU time of verification against that of SHA-256 alone, under sandbox.sh.  `make bench` calls it.
#
# A journal of MEGABYTES (journal.c) is verified by phiguard-verify and by verify_journal(), in turns with
# SHA-256 over as many bytes in memory.  CPU time is user and system, reading the files from the kernel's cache included.

set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/server.sh"

MEGABYTES=${MEGABYTES:-512} ROUNDS=${ROUNDS:-9}
journal=$PHIG_WORK/journal

# Of the commands' user and system time, the sum.
cpu_of()
{
	local TIMEFORMAT='%U %S'

	{ time "$@" >"$PHIG_WORK/answer"; } 2>&1 | awk '{ print $1 + $2 }'
}

# verify_journal() in one session: the backend's ticks before and after.
cpu_of_server()
{
	PGOPTIONS='-c client_min_messages=error' psql -XqAt -v ON_ERROR_STOP=1 <<-SQL >"$PHIG_WORK/ticks"
		SELECT pg_read_file('/proc/self/stat');
		SELECT what FROM phiguard.verify_journal(public_keys => ARRAY['$(cat "$PHIG_WORK/key")']);
		SELECT pg_read_file('/proc/self/stat');
	SQL
	awk -v hz="$(getconf CLK_TCK)" 'NF > 20 { sub(/.*\) /, ""); split($0, f, " "); t[n++] = f[12] + f[13] }
		NF && NF <= 20 { print "verify_journal() has a finding: " $0 > "/dev/stderr" }
		END { print (t[1] - t[0]) / hz }' "$PHIG_WORK/ticks"
}

# row NAME COMMAND...: medians of rounds, each with SHA-256 beside it.
row()
{
	local name=$1 round

	shift
	for ((round = 0; round < ROUNDS; round++)); do
		printf '%s %s\n' "$("$@")" "$("$PHIG_WORK/journal_tool" hash "$MEGABYTES")"
	done | awk -v name="$name" -v mb="$MEGABYTES" '
		{ v[NR] = $1; s[NR] = $2; r[NR] = $2 / $1 }
		END { sort(v); sort(s); sort(r); m = int((NR + 1) / 2)
			printf "| %s | %.0f | %.0f | **%.2f** | %.2f-%.2f |\n", name, mb / v[m], mb / s[m], r[m], r[int((NR + 3) / 4)], r[int((3 * NR + 3) / 4)] }
		function sort(x,    i, j, t) { for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t } }'
}

${CC:-cc} -O2 -D_GNU_SOURCE -Isrc "$(dirname "$0")/journal.c" src/journal/chain.c src/journal/checkpoint.c \
	-o "$PHIG_WORK/journal_tool" -lcrypto
server_init verify 'max_connections = 10' 'autovacuum = off'
server_start verify
psql -XqAtc 'CREATE EXTENSION phiguard'

printf '\nVerification of a journal of %s MB, in MB per second of CPU time\n\n' "$MEGABYTES"
printf '| case | verified | SHA-256 alone | ratio, median | quartiles |\n|---|---|---|---|---|\n'
for batch in 20 500; do
	rm -rf "$journal"
	mkdir "$journal"
	"$PHIG_WORK/journal_tool" write "$journal" "$MEGABYTES" $batch >"$PHIG_WORK/key"
	row "phiguard-verify, $batch records a batch" cpu_of phiguard-verify --public-key "$PHIG_WORK/key" "$journal"
	mv "$journal"/*.seg "$PGDATA/phiguard/journal/"
	row "verify_journal(), $batch records a batch" cpu_of_server
done
server_stop verify
