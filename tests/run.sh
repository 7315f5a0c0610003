#!/bin/sh
# Runs unit test programs (cmocka) and prints one closing line: N passed, N failed.
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in "$@"; do
	if "$t" >"$log" 2>&1; then code=0; else code=$?; fi
	p=$(grep -c '^\[       OK \]' "$log")
	f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$log")
	f=${f:-0}
	# A program that died without saying so failed once.
	if [ $code -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if [ $code -ne 0 ]; then echo "FAILED: $t (exit $code)"; grep -v '^\[ RUN\|^\[       OK' "$log" | tail -40; fi
	passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
