#!/usr/bin/env python3
"""How much sooner answers come with guessing: a code edit, a quote and prose, with and without in turn.

usage: guess.py [-m MODEL] [-r ROUNDS] [-n TOKENS] [PROGRAM]
Prints for each text the medians in tokens a second, the median of the rounds' ratios, and whether the bytes were the same."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

CODE = """def read_numbers(path):
    total = 0
    count = 0
    with open(path) as handle:
        for line in handle:
            line = line.strip()
            if not line:
                continue
            total += float(line)
            count += 1
    if count == 0:
        raise ValueError("no numbers in " + path)
    print("total:", total)
    print("mean:", total / count)
    return total, count


def write_report(path, total, count):
    with open(path, "w") as handle:
        handle.write("total: %f\\n" % total)
        handle.write("count: %d\\n" % count)
        handle.write("mean: %f\\n" % (total / count))


def merge(left, right):
    total = left[0] + right[0]
    count = left[1] + right[1]
    return total, count
"""

LETTER = """Dear neighbours,

the stairs of our house will be painted from Monday, the ninth of March, to Friday, the thirteenth. Please take bicycles,
prams and shoes into your flats or down to the cellar by Sunday evening. The painters begin at seven in the morning and leave
at four. They work from the top floor down, so that on each day only one floor smells of paint. The lift stays in use, but its
doors are covered with foil that must not be torn off. If you expect deliveries in that week, ask for them to be left with the
baker next door, who has kindly agreed to keep parcels until six o'clock. Windows on the landings stay open day and night while
the paint dries; keep your own doors shut if you feel the draught. Whoever needs help with heavy things may ring at the ground
floor on the left at any time. Thank you for your patience, and forgive us the noise.

With kind regards,
the committee
"""

TEXTS = {
    "edit": "Repeat this file with the variable `total` renamed to `running_sum`. Output only the code.\n\n```python\n" + CODE + "```\n",
    "quote": "Repeat the following letter word for word, and say nothing else.\n\n" + LETTER,
    "prose": "Write an essay of about three hundred words on why the sea is salty and rivers are not.\n",
}


def ask(program, model, text, tokens, guess):
    command = [program, "-n", "--json", "--temp", "0", "--max-tokens", str(tokens), "--guess", guess]
    command += ["-m", model] if model else []
    with tempfile.TemporaryFile("w+") as question:
        question.write(text)
        question.seek(0)
        run = subprocess.run(command, stdin=question, stdout=subprocess.PIPE, check=True)
    answer = json.loads(run.stdout)
    return answer["content"], answer["timings"]["predicted_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model")
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("-n", "--tokens", type=int, default=250)
    parser.add_argument("program", nargs="?", default=os.path.join(os.path.dirname(__file__), "../../bora"))
    options = parser.parse_args()
    different = False
    for name, text in TEXTS.items():
        speeds = {"off": [], "on": []}
        answers = set()
        for _ in range(options.rounds):
            for guess, list_of in speeds.items():
                content, speed = ask(options.program, options.model, text, options.tokens, guess)
                answers.add(content)
                list_of.append(speed)
        ratio = statistics.median(on / off for on, off in zip(speeds["on"], speeds["off"]))
        different |= len(answers) > 1
        print("%-6s plain %6.1f  guessing %6.1f tok/s  ratio %.2f  %s"
              % (name, statistics.median(speeds["off"]), statistics.median(speeds["on"]), ratio,
                 "same bytes" if len(answers) == 1 else "DIFFERENT BYTES"), flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
