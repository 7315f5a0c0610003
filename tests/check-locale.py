#!/usr/bin/env python3
"""The catalogues hold exactly the messages that the program uses, in every complete language.

Keys are string literals of the sources ("status.saved") and names from tables: option.NAME of options.def, action.NAME
of ui/actions.def, command.NAME of ui/commands.def, cli.NAME of the commands in cli/cli.c. Placeholders must agree
between languages, and plurals must have the categories that the language needs.
"""
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
EUROPEAN = {"one", "other"}  # French, Spanish, Italian and Portuguese have "many" for whole millions: never shown here
PLURALS = dict.fromkeys(("en", "fr", "de", "es", "it", "pt", "nl", "hi"), EUROPEAN) | dict.fromkeys(
    ("zh", "ja", "ko"), {"other"}) | {"ru": {"one", "few", "many", "other"},
                                     "ar": {"zero", "one", "two", "few", "many", "other"}}
problems = []


def read(path):
    messages = {}
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.startswith("#"):
            continue
        key, equals, text = line.partition(" = ")
        if not equals:
            problems.append(f"{path}:{number}: expected key = text")
        elif key in messages:
            problems.append(f"{path}:{number}: {key} stands here twice")
        else:
            messages[key] = text
    return messages


def used_keys(known):
    """Keys that the sources use; literals that look like keys but are unknown are reported."""
    used, kinds = set(), {key.split(".")[0] for key in known}
    for path in glob.glob("*.c") + glob.glob("*/*.c"):
        text = open(path, encoding="utf-8").read()
        for key in re.findall(r'"([a-z]+\.[a-z0-9][a-z0-9.-]*)"', text):
            if key in known:
                used.add(key)
            elif key.split(".")[0] in kinds and not re.search(r"\.(c|h|db|txt|md|json|html|gguf|lock)$", key):
                problems.append(f"{path}: the message {key} is in no catalogue")
    for kind, path, pattern in (("option", "options.def", r'OPTION\(\w+, "([a-z-]+)"'),
                                ("action", "ui/actions.def", r'ACTION\(\w+, "([a-z-]+)"'),
                                ("command", "ui/commands.def", r'COMMAND\(\w+, "([a-z-]+)"'),
                                ("name", "ui/commands.def", r'COMMAND\(\w+, "([a-z-]+)"'),
                                ("cli", "cli/cli.c", r'\{"([a-z]+)", cli_')):
        for name in re.findall(pattern, open(path, encoding="utf-8").read(), re.M):
            used.add(f"{kind}.{name}")
    for path in ("options.def", "ui/commands.def", "cli/cli.c"):
        for literal in re.findall(r'"([^"]*)"', open(path, encoding="utf-8").read()):
            used.update(f"value.{word.lower()}" for word in re.findall(r"[A-Z]{4,16}", literal))
    return used


def placeholders(text):
    return sorted(set(re.findall(r"\{(\d+)", text)))


def categories(text):
    return [{name for name in re.findall(r"(=?\w+) \{", case) if name[0] != "="} - {"plural"} for case in re.findall(r"plural, ((?:=?\w+ \{[^}]*\} ?)+)", text)]


english = read("locale/en.txt")
used = used_keys(english)
for key in sorted(used - set(english)):
    problems.append(f"locale/en.txt: {key} is missing")
for key in sorted(set(english) - used):
    problems.append(f"locale/en.txt: {key} is used nowhere")
for path in sorted(glob.glob("locale/*.txt")):
    language, messages = os.path.basename(path)[:-4], read(path)
    for key in sorted(set(english) - set(messages)):
        problems.append(f"{path}: {key} is missing")
    for key in sorted(set(messages) - set(english)):
        problems.append(f"{path}: {key} is not in English")
    for key, text in messages.items():
        if key in english and placeholders(text) != placeholders(english[key]):
            problems.append(f"{path}: {key} has the placeholders {placeholders(text)}, English {placeholders(english[key])}")
        for given in categories(text):
            if given != PLURALS.get(language, given):
                problems.append(f"{path}: {key}: plural cases {sorted(given)}, needed {sorted(PLURALS[language])}")
        if text.count("{") != text.count("}"):
            problems.append(f"{path}: {key}: braces do not match")
print("\n".join(problems) if problems else f"{len(english)} messages in {len(glob.glob('locale/*.txt'))} languages")
sys.exit(bool(problems))
