#!/bin/sh
# Documents tell the truth: generated man pages are current, and every function
# or file that ARCHITECTURE.md names exists, as does every test that docs/ names.
set -u
cd "$(dirname "$0")/.."
bad=0
complain() { echo "$*"; bad=1; }

make -s man-pages MAN_OUT=build/man-check || exit 1
for page in man/*.[15] man/*/*.[15]; do
	cmp -s "$page" "build/man-check/${page#man/}" || complain "$page is stale: run make man"
	man -l --warnings -E UTF-8 "$page" 2>&1 >/dev/null | grep -v 'cannot adjust\|can.t break' | head -3 | grep . && bad=1
done

names=$(ctags -R --languages=C --c-kinds=fsgeutp -x --exclude=build . | awk '{print $1}' | sort -u)
for name in $(grep -oE '`[a-z_]+\(\)`' ARCHITECTURE.md CONTRIBUTING.md README.md | grep -oE '[a-z_]+\(' | tr -d '(' | sort -u); do
	echo "$names" | grep -qx "$name" || complain "a document names $name(), which does not exist"
done
for file in $(grep -ohE '`[a-z_0-9/.-]+\.(c|h|def|sh|py|txt|md|tsv)`' ARCHITECTURE.md CONTRIBUTING.md README.md | tr -d '\`' | sort -u); do
	[ -e "$file" ] || [ -n "$(git ls-files "*/$file")" ] || complain "a document names $file, which does not exist"
done
for target in $(grep -ohE '\bmake [a-z-]+' README.md CONTRIBUTING.md | awk '{print $2}' | sort -u); do
	grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:" Makefile || complain "a document names make $target, which does not exist"
done
for test in $(grep -ohE '`tests/[a-z_/]+\.(c|py)::[a-z0-9_]+`' docs/*.md | tr -d '\`' | sort -u); do
	grep -qE "^(static void|def) ${test##*::}\(" "${test%%::*}" 2>/dev/null || complain "a document names the test $test, which does not exist"
done
exit $bad
