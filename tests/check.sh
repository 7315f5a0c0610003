#!/bin/bash
# Everything that must hold before a change lands. Ends with one line: N passed, N failed.
# A stage that is no collection of tests counts as one. Logs: build/check/STAGE.log.
set -u
cd "$(dirname "$0")/.."
mkdir -p build/check
export BORA_TEST_MODELS="${BORA_TEST_MODELS:-$(python3 models/fetch.py --where)}"
jobs=$(nproc)
passed=0 failed=0 began=$SECONDS

stage() {
	local name=$1 start=$SECONDS log=build/check/$1.log ok p f
	shift
	"$@" >"$log" 2>&1 && ok=1 || ok=0
	# Test runners close with "N passed" and perhaps "N failed"; the last such line counts.
	p=$(grep -oE '[0-9]+ passed' "$log" | tail -1 | grep -oE '[0-9]+')
	f=$(grep -oE '[0-9]+ failed' "$log" | tail -1 | grep -oE '[0-9]+')
	if [ -z "$p$f" ]; then p=$ok f=$((1 - ok)); fi
	p=${p:-0} f=${f:-0}
	if [ $ok = 0 ] && [ "$f" = 0 ]; then f=1; fi
	passed=$((passed + p)) failed=$((failed + f))
	printf '%-12s %4d passed %3d failed  %4d s\n' "$name" "$p" "$f" $((SECONDS - start))
	[ "$f" = 0 ] || tail -60 "$log"
}

gcc_build() { make -j"$jobs" CC=gcc CI=1 bora $(make -s list-tests); }
clang_build() { make -j"$jobs" CC=clang VARIANT=clang CI=1 build/clang/bora; }
models() { python3 models/fetch.py small gemma coder-0.5b; }
asan() { make -j"$jobs" asan; }
tsan() { make -j"$jobs" tsan; }
neon() { make -j"$jobs" CI=1 check-neon; }
system_tests() { /usr/bin/python3 -m pytest -q -x --no-header tests/system; }

stage build gcc_build
stage clang clang_build
stage layers tests/check-layers.sh
stage docs tests/check-docs.sh
stage locale make -s lint-locale
stage models models
stage fixtures make -s fixtures
stage unit make -s unit
[ "$(uname -m)" != x86_64 ] || stage neon neon # ARM machines run the same in the unit tests
stage system system_tests
stage asan asan
stage tsan tsan
stage fuzz make -s fuzz FUZZ_SECONDS=5

echo "took $((SECONDS - began)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
