#!/usr/bin/env python3
"""What keeping keys and values in fewer bits costs: perplexity by cache type, against an f32 cache.

usage: kv_loss.py BORA MODEL.gguf... [-- FILE...]
The texts are documents and code of this tree, or the files given. Prints for each model and cache type the tokens, the
perplexity, its change and the change's standard error, and the mean change of a token's log-probability.
"""
import json, math, pathlib, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = [("ARCHITECTURE.md", 5500), ("engine/forward.c", 5500), ("tests/vectors/texts.txt", 4500)]


def logprobs(bora, model, kv, text):
    done = subprocess.run([bora, "score", "-m", model, "--kv-type", kv, "--top", "0"], input=text.encode(),
                          capture_output=True)
    if done.returncode:
        sys.exit(done.stderr.decode())
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [row["next_logprob"] for row in rows if "next_logprob" in row]


def main():
    args = sys.argv[1:]
    files = args[args.index("--") + 1:] if "--" in args else []
    args = args[:args.index("--")] if "--" in args else args
    if len(args) < 2:
        sys.exit(__doc__)
    texts = [pathlib.Path(name).read_text() for name in files] or [(ROOT / name).read_text()[:size] for name, size in TEXTS]
    for model in args[1:]:
        exact = None
        for kv in ("f32", "f16", "q8_0"):
            got = [value for text in texts for value in logprobs(args[0], model, kv, text)]
            exact = exact or got
            changes = [a - b for a, b in zip(exact, got)]
            mean = sum(changes) / len(changes)
            error = math.sqrt(sum((c - mean) ** 2 for c in changes)) / len(changes)
            print("%s %s: %d tokens, perplexity %.4f, %+.3f%% ± %.3f%%, mean change %.4f" % (
                pathlib.Path(model).name, kv, len(got), math.exp(-sum(got) / len(got)), 100 * (math.exp(mean) - 1),
                100 * error, sum(map(abs, changes)) / len(changes)), flush=True)


main()
