#!/bin/sh
# Speed of this machine: every kernel on one thread (GB/s, Gop/s and their shares of the limits, which are measured
# too), then prompts and answers of the models that are here. Lines are printed and appended to tests/bench/history.csv:
# date, commit, CPU, then what is measured.
# usage: bench.sh KERNELS-PROGRAM
set -eu
cd "$(dirname "$0")/../.."
history=tests/bench/history.csv
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1 | tr ',' ' ')
head="$(date +%F),$(git rev-parse --short HEAD 2>/dev/null || echo none),$cpu"

"$1" | while IFS= read -r line; do
	echo "$line"
	echo "$head,kernel,$(echo "$line" | tr -s ' ' ',')" >>$history
done
for model in small gemma coder-0.5b default; do
	path=$(python3 models/fetch.py --path "$model")
	[ -e "$path" ] || continue
	./bora bench -m "$path" -p 512 -n 64 -r 5 --json | while read -r line; do
		echo "$line" | python3 -c 'import json, sys; t = json.load(sys.stdin); print("%s %s: %.1f ± %.1f tok/s" % (t["model"], t["test"], t["avg_ts"], t["stddev_ts"]))'
		echo "$line" | HEAD="$head" python3 -c 'import json, os, sys; t = json.load(sys.stdin); print("%s,model,%s,%s,%s,%.2f,%.2f" % (os.environ["HEAD"], t["model"], t["test"], t["n_threads"], t["avg_ts"], t["stddev_ts"]))' >>$history
	done
done
