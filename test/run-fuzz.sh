#!/bin/bash
#
# run-fuzz.sh [TARGET]...: bytes from outside against the parsers, under the address and undefined-behaviour sanitizers.
#
# Compiles every test/fuzz/*_fuzz.c, or only those named (detect_fuzz), with the sources that its "sources:" line names, and
# runs it over its corpus and FUZZ_RUNS mutations of it.  FUZZ_SEED starts the
# mutations; both are fixed unless set.  A target with a "seconds:" line runs so long instead, longer
# as FUZZ_RUNS is more.  A target is one test.  See fuzz/README.md.
# With PHIG_TALLY, counts go to that file and no total is printed.

set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/packages.sh"
cd "$PHIG_ROOT"

runs=${FUZZ_RUNS:-20000}
seed=${FUZZ_SEED:-1}
out=build/fuzz
tally=${PHIG_TALLY:-$out/tally}
config=${PG_CONFIG:-pg_config}

ensure_packages
rm -rf "$out"
mkdir -p "$out"

flags="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fwrapv -fno-strict-aliasing
	-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Werror
	-D_GNU_SOURCE -Isrc -I$($config --includedir-server)"

# The sources may call into the server beyond what the shim has: such a call, and only it, crashes.
build()
{
	local name=$1 sources driver="test/fuzz/driver.c test/fuzz/shim.c"

	if grep -q '^main(' "test/fuzz/$name.c"; then
		driver=
	fi
	sources=$(sed -n 's|^/\* sources: \(.*\) \*/$|\1|p' "test/fuzz/$name.c")
	# shellcheck disable=SC2086
	gcc $flags -o "$out/$name" "test/fuzz/$name.c" $driver $sources \
		-Wl,--unresolved-symbols=ignore-all -no-pie -L"$($config --pkglibdir)" -L"$($config --libdir)" -lpgcommon -lpgport -lcrypto -lpcre2-8 -lm
}

# The lines of the target's "vectors:" files, if it has any.
vectors()
{
	local files

	files=$(sed -n 's|^/\* vectors: \(.*\) \*/$|\1|p' "test/fuzz/$1.c")
	# shellcheck disable=SC2086
	[ -z "$files" ] || perl test/lib/vectors.pl $files
}

fuzz()
{
	local name=$1 started seconds

	started=$(date +%s%N)
	seconds=$(sed -n 's|^/\* seconds: \(.*\) \*/$|\1|p' "test/fuzz/$name.c")
	if build "$name" >"$out/$name.log" 2>&1 && [ -x "$out/$name" ] && vectors "$name" >"$out/$name.vectors" 2>"$out/$name.log" &&
		env ${seconds:+FUZZ_SECONDS=$((seconds * runs / 20000 + 1))} \
			ASAN_OPTIONS=abort_on_error=1:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1 \
			"$out/$name" "$runs" "$seed" "$out/$name.input" "test/fuzz/corpus/${name%_fuzz}" <"$out/$name.vectors" >"$out/$name.log" 2>&1; then
		printf 'ok      %-10s %-28s %6d ms  %s\n' fuzz "$name" $((($(date +%s%N) - started) / 1000000)) "$(tail -n 1 "$out/$name.log")"
		tally_add "$tally" 1 0
	else
		printf 'FAILED  %-10s %-28s\n' fuzz "$name"
		head -n 60 "$out/$name.log" | sed 's/^/        /'
		[ ! -e "$out/$name.input" ] || say "        the input: $out/$name.input"
		tally_add "$tally" 0 1
	fi
}

perl src/detect/dictionary.pl src/detect/dictionary "$out/phiguard.dict"
if [ $# = 0 ]; then
	# shellcheck disable=SC2046
	set -- $(cd test/fuzz && echo *_fuzz.c)
fi
for target in "$@"; do
	[ -e "test/fuzz/${target%.c}.c" ] || die "there is no fuzz target $target"
	fuzz "${target%.c}"
done
[ -n "${PHIG_TALLY-}" ] || tally_report "$tally"
