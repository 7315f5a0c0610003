#!/usr/bin/env python3
"""What keeping keys and values in fewer bits costs: perplexity by cache type, against an f32 cache.

usage: kv_loss.py [--tokens N] [--types TYPE,...] BORA MODEL.gguf... [-- FILE...]
N: tokens to read of every model (default 100000); types: of the cache (default f16,q8_0).
The texts are the files given, or passages in turn from what a Debian system has: documents and code of this tree, licences,
the packages' documents, man pages in all languages and Python's library, always in the same order.

Prints for each model and cache type the tokens, the perplexity, its change with the standard error, and the mean change of
a token's log-probability. The error takes passages as what is drawn, so that neighbours may depend on one another.
A line on standard error every ten passages tells how far it is; ^C ends a model with what has been read.
"""
import argparse, gzip, json, math, pathlib, random, re, subprocess, sys, sysconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSAGE = 12000  # characters: 3,000 to 5,000 tokens
LEAST = 3000
SHARE = pathlib.Path("/usr/share")


def plain_man(text):
    """A man page without its commands."""
    text = re.sub(r"^([.'] *(\\\"|\.|ie|el|if|de|ds|nr|tr|rm)|\\[{}]).*\n", "", text, flags=re.M)
    text = re.sub(r"^[.'][A-Za-z]{1,3} ?", "", text, flags=re.M)
    text = re.sub(r"\\f(\(..|\[.*?\]|.)|\\[&/,^|]|\\s[-+]?\d", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")


def read(path):
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        return ""
    return plain_man(text) if SHARE / "man" in path.parents else text


def passages(paths, chosen):
    """A passage of each file, in an order that chance has set, none twice."""
    paths, seen = sorted(path for path in paths if path.is_file()), set()
    chosen.shuffle(paths)
    for path in paths:
        text = read(path)
        if len(text) > PASSAGE:
            start = text.find("\n", chosen.randrange(len(text) - PASSAGE + 1)) + 1
            text = text[start:start + PASSAGE]
        if len(text) >= LEAST and text not in seen:
            seen.add(text)
            yield text


def sources():
    documents = re.compile(r"(readme|news|copying|faq|.*\.(txt|md|rst)$)", re.I)
    languages = [path for path in (SHARE / "man").glob("*") if not path.name.startswith("man")]
    yield [path for pattern in ("*.md", "docs/*.md", "locale/*.txt", "*/*.c", "*/*/*.c") for path in ROOT.glob(pattern)]
    yield (SHARE / "common-licenses").glob("*")
    yield (path for path in (SHARE / "doc").rglob("*") if documents.match(path.name.removesuffix(".gz")))
    for half in 0, 1:
        yield (path for language in sorted(languages)[half::2] for path in language.rglob("*.gz"))
    yield (SHARE / "man").glob("man[0-9]/*.gz")
    yield pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py")


def texts():
    """Passages of the sources in turn, until all have ended."""
    turns = [passages(paths, random.Random(i)) for i, paths in enumerate(sources())]
    while turns:
        for turn in list(turns):
            text = next(turn, None)
            if text is None:
                turns.remove(turn)
            else:
                yield text


def logprobs(bora, model, kv, text):
    done = subprocess.run([bora, "score", "-m", model, "--kv-type", kv, "--top", "0"], input=text.encode(),
                          capture_output=True)
    if done.returncode:
        sys.exit(done.stderr.decode())
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [row["next_logprob"] for row in rows if "next_logprob" in row]


class Tally:
    """The changes of one cache type, passage by passage."""

    def __init__(self):
        self.changes, self.size, self.total = [], 0, 0  # (tokens, sum of changes) of passages

    def add(self, exact, got):
        self.changes.append((len(got), sum(a - b for a, b in zip(exact, got))))
        self.size += sum(abs(a - b) for a, b in zip(exact, got))
        self.total -= sum(got)

    def line(self):
        tokens = sum(n for n, _ in self.changes)
        mean = sum(change for _, change in self.changes) / tokens
        error = math.sqrt(sum((change - mean * n) ** 2 for n, change in self.changes)) / tokens
        return "%d tokens, perplexity %.4f, %+.3f%% ± %.3f%%, mean change %.4f" % (
            tokens, math.exp(self.total / tokens), 100 * math.expm1(mean), 100 * error, self.size / tokens)


def measure(args, model, given):
    tallies, tokens = {kv: Tally() for kv in args.types.split(",")}, 0
    try:
        for count, text in enumerate(given or texts(), 1):
            exact = logprobs(args.bora, model, "f32", text)
            for kv, tally in tallies.items():
                tally.add(exact, logprobs(args.bora, model, kv, text))
            if count % 10 == 0:
                print("; ".join(kv + " " + tally.line() for kv, tally in tallies.items()), file=sys.stderr, flush=True)
            tokens += len(exact)
            if tokens >= args.tokens:
                break
    except KeyboardInterrupt:
        pass
    for kv, tally in tallies.items():
        print("%s %s: %s" % (pathlib.Path(model).name, kv, tally.line()), flush=True)


def main():
    argv = sys.argv[1:]
    files = argv[argv.index("--") + 1:] if "--" in argv else []
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("--tokens", type=int, default=100000)
    parser.add_argument("--types", default="f16,q8_0")
    parser.add_argument("bora")
    parser.add_argument("models", nargs="+")
    args = parser.parse_args(argv[:argv.index("--")] if "--" in argv else argv)
    for model in args.models:
        measure(args, model, [read(pathlib.Path(name)) for name in files])


main()
