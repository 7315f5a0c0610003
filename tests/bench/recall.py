#!/usr/bin/env python3
"""A long conversation gone on with by the real program: after it quit, after kill -9, and by one that never quit.

usage: recall.py MODEL.gguf [TOKENS [CTX_SIZE [BORA-OPTION…]]]

Reads a history of TOKENS tokens (120000) two and a half times, which takes as long as it takes; compares the answers, byte by
byte, and prints what the next question cost. Works in a folder of its own below $TMPDIR."""
import base64
import json
import os
import pathlib
import pty
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BORA = os.environ.get("BORA", str(ROOT / "bora"))
FIRST, NEXT, MORE = "What is this about?", "And what follows from that?", "Go on."


class Bora:
    def __init__(self, folder, model, ctx, options):
        self.folder = folder
        self.options = ["-m", model, "--ctx-size", str(ctx), "--temp", "0", *options]
        self.env = dict(os.environ, BORA_LANG="en", TERM="dumb")
        self.env.update({f"BORA_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE")})

    def run(self, *arguments, given=""):
        result = subprocess.run([BORA, *arguments], env=self.env, input=given, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def ask(self, text, tokens=48):
        begun = time.monotonic()
        answer = json.loads(self.run(*self.options, "-c", "-p", text, "--json", "--max-tokens", str(tokens)))
        answer["seconds"] = time.monotonic() - begun
        return answer

    def kill(self, text, tokens, until):
        """Asks, and kills it when `until` has come true."""
        process = subprocess.Popen([BORA, *self.options, "-c", "-p", text, "--max-tokens", str(tokens)], env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(process)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def messages(self):
        return json.loads(self.run("sessions", "show", "", "--json"))["messages"]

    def last(self):
        """Role and bytes of the last message."""
        message = self.messages()[-1]
        coded = message.get("content_base64")
        return message["role"], base64.b64decode(coded) if coded else message["content"].encode()

    def stay(self, questions, tokens=48):
        """All questions to one process, in a terminal, line by line."""
        before = len(self.messages())
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BORA, [BORA, *self.options, "-c", "--max-tokens", str(tokens)], self.env)
        for i, question in enumerate(questions):
            os.write(terminal, question.encode() + b"\n")
            while len(done := self.messages()) < before + 2 * (i + 1) or done[-1]["status"] != "complete":
                while select.select([terminal], [], [], 0.5)[0]:
                    os.read(terminal, 65536)
        os.kill(child, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(child, 0)
        return [message["content"] for message in done if message["role"] == "assistant"][-len(questions):]


def history(bora, tokens):
    """Pieces of our own sources, said in turns, until there are enough of them."""
    files = subprocess.run(["git", "ls-files", "*.md", "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True)
    text = "".join((ROOT / name).read_text() for name in files.stdout.split())
    count = lambda part: len(bora.run("tokenize", *bora.options[:2], given=part).split())
    size = int(tokens * len(text[:400000]) / count(text[:400000]))
    while count(text[:size]) < tokens:
        size += size // 50
    pieces = [text[at:at + 2000] for at in range(0, size, 2000)]
    pieces += ["So."] * (len(pieces) % 2)
    return {"title": "long", "messages": [{"role": "assistant" if i % 2 else "user", "content": piece}
                                          for i, piece in enumerate(pieces)]}


def twins(work, place, said):
    """Conversations that were not killed: their answer was ended where the killed one's has ended."""
    low, high, found = 1, 2000, []

    def answer(tokens):
        twin = place(f"twin{tokens}")
        shutil.rmtree(twin.folder, ignore_errors=True)
        shutil.copytree(work / "once", twin.folder)
        twin.ask(NEXT, tokens)
        return twin, twin.last()[1]

    while low < high:
        middle = (low + high) // 2
        if len(answer(middle)[1]) < len(said):
            low = middle + 1
        else:
            high = middle
    while True:  # a token that only begins a character adds nothing to the text
        twin, text = answer(low)
        if text != said:
            return found
        found.append(twin)
        low += 1


def main(model, tokens="120000", ctx="131072", *options):
    work = pathlib.Path(tempfile.mkdtemp(prefix="bora-recall-"))
    place = lambda name: Bora(work / name, model, ctx, options)

    def copy(source, name):
        shutil.copytree(work / source, work / name)
        return place(name)

    def tell(what, answer):
        usage, timings = answer["usage"], answer["timings"]
        print(f"{what}: {usage['prompt_tokens']} tokens, {usage['cached_tokens']} of them known; first token after "
              f"{timings['first_token_ms']:.0f} ms, in all {answer['seconds']:.1f} s", flush=True)

    empty = place("empty")
    empty.run("sessions", "import", "-", given=json.dumps(history(empty, int(tokens))))

    left = copy("empty", "left")
    first = left.ask(FIRST)
    tell("read it all", first)
    shutil.copytree(work / "left", work / "once")
    back = left.ask(NEXT)
    tell("back after quitting", back)
    turn = back["usage"]["prompt_tokens"] - back["usage"]["cached_tokens"]
    print(f"  new: {turn} tokens", flush=True)

    for i in range(5):
        moment = random.uniform(0.3, 4)
        killed = copy("once", f"killed{i}")
        killed.kill(NEXT, 2000, lambda process: time.sleep(moment))
        role, said = killed.last()
        warm = killed.ask(MORE)
        tell(f"killed after {moment:.2f} s, back", warm)
        if role == "assistant":
            others = [twin.ask(MORE)["content"] for twin in twins(work, place, said)]
            print(f"  as when it is stopped there: {warm['content'] in others}, after {len(said)} bytes", flush=True)

    half = copy("empty", "half")
    need = sum(file.stat().st_size for file in (work / "once" / "data" / "cache").iterdir()) * random.uniform(0.3, 0.7)
    cache = work / "half" / "data" / "cache"

    def until(process):
        while process.poll() is None and sum(f.stat().st_size for f in cache.glob("*.kv")) < need:
            time.sleep(0.05)

    half.kill(FIRST, 48, until)
    copy("half", "half-cold")
    shutil.copytree(work / "once" / "data" / "cache", work / "half-cold" / "data" / "cache", dirs_exist_ok=True)
    warm, other = half.ask(NEXT), place("half-cold").ask(NEXT)
    tell("killed while reading, back", warm)
    print("  as with the whole file:", warm["content"] == other["content"], flush=True)

    stayed = copy("empty", "stayed").stay([FIRST, NEXT])
    print("never quit: both answers the same:", stayed == [first["content"], back["content"]], flush=True)
    shutil.rmtree(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
