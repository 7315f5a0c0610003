#!/usr/bin/env python3
"""The catalogues hold exactly the messages that the program uses, in every complete language.

Keys are string literals of the sources ("status.saved") and names from tables: option.NAME of options.def, action.NAME
of ui/actions.def, help-key.NAME of ui/help_keys.def, hint.NAME of ui/hints.def, command.NAME of ui/commands.def,
role.NAME of roles.def, cli.NAME of the commands in cli/cli.c. The texts of errors are English in the sources; the messages error.* are their patterns,
and every text has one. Placeholders must agree between languages, and plurals must have the categories that the
language needs. Texts are written as each language is: no straight quotes, ¿ and ¡ in Spanish, full-width signs in Chinese and Japanese, spaces before ; : ! ? in French (the
build makes them no-break ones), U+200E before commands in Arabic; nothing is left in English; the parts of the status bar keep to their widths.
"""
import glob
import os
import re
import sys
import unicodedata

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
            elif key.split(".")[0] in kinds and not re.search(r"\.(c|h|db|txt|md|json|html|gguf|lock|def)$", key):
                problems.append(f"{path}: the message {key} is in no catalogue")
    for kind, path, pattern in (("option", "options.def", r'OPTION\(\w+, "([a-z0-9-]+)"'),
                                ("action", "ui/actions.def", r'ACTION\(\w+, "([a-z-]+)"'),
                                ("hint", "ui/hints.def", r'HINT\(\w+, "([a-z-]+)"'),
                                ("help-key", "ui/help_keys.def", r'HELP_KEY\([^"]*"[^"]*", "([a-z-]+)"'),
                                ("command", "ui/commands.def", r'COMMAND\(\w+, "([a-z-]+)"'),
                                ("name", "ui/commands.def", r'COMMAND\(\w+, "([a-z-]+)"'),
                                ("role", "roles.def", r'ROLE\("([a-z]+)"'),
                                ("cli", "cli/cli.c", r'\{"([a-z]+)", cli_')):
        for name in re.findall(pattern, open(path, encoding="utf-8").read(), re.M):
            used.add(f"{kind}.{name}")
    used.update(f"value.{word.lower()}" for word in re.findall(r'ROLE\("[a-z]+", "([A-Z]+)"', open("roles.def").read()))
    for path in ("options.def", "ui/commands.def", "ui/help.c", "cli/cli.c"):
        for literal in re.findall(r'"([^"]*)"', open(path, encoding="utf-8").read()):
            used.update(f"value.{word.lower()}" for word in re.findall(r"[A-Z]{4,16}", literal))
    return used


ERROR = re.compile(r"""(?:snprintf\(\s*(?:\w+(?:->|\.))?(?:err|reason)\s*,[^,]*,|\bxasprintf\(|
    \b(?:cli_fail|fail|FAIL|(?:gguf|gguf_tensor|store)_error|import_fail|problem|tell|take(?:_string)?|wrong_type)\()((?:[^;"]|"(?:\\.|[^"\\])*")*?);""", re.S | re.X)
LITERAL = re.compile(r'(?:"(?:\\.|[^"\\])*"\s*)+')
CONVERSION = re.compile(r"%%|%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?[a-zA-Z]")
# Files of which only the log tells.
LOGGED = re.compile(r"^engine/kv_(file|writer)\.c$")
# Findings that a query words: SELECT printf('…', …).
QUERIES = re.compile(r"""SELECT printf\('([^']*)'""")

FOR_US = {"too many statements", "cannot listen for signals: %s", "the terminal '%s' is not known here; set TERM to one that is"}


def error_texts():
    """What the sources say goes wrong, with x in the place of what is put in: (file, text, must be known)."""
    for path in sorted(glob.glob("*.c") + glob.glob("*/*.c") + glob.glob("engine/*/*.c")):
        if path.startswith(("man/", "tests/", "build/")):
            continue
        source = open(path, encoding="utf-8").read()
        for text in QUERIES.findall(source):
            yield path, CONVERSION.sub("x", text), True
        for call in ERROR.finditer(source):
            for literal in LITERAL.findall(call.group(1)):
                text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', literal)).replace('\\"', '"')
                certain = "xasprintf" not in call.group(0) and not LOGGED.match(path)
                sample = re.sub(r"^x+(?=[a-z])", "", CONVERSION.sub("x", text))
                yield path, sample, certain and text not in FOR_US and \
                    len(re.findall(r"[a-z]{2,}", CONVERSION.sub("", text))) > 1 and " " in text.strip()


def error_keys(messages):
    """The keys error.* whose English pattern a text of the sources has; texts that none has are problems."""
    patterns = {key: re.sub(r"\\\{\d\\\}", "(.*?)", re.escape(text)) for key, text in messages.items() if key.startswith("error.")}
    used = set()

    def known(text):
        found = [(len(pattern.replace("(.*?)", "")), key, match) for key, pattern in patterns.items() if (match := re.fullmatch(pattern, text))]
        if not found:
            return False
        _, key, match = max(found, key=lambda each: each[0])
        used.add(key)
        parts = [part for part in match.groups() if " " in part]
        return all([known(part) for part in parts]) if key in ("error.at", "error.byte", "error.line", "error.nothing-imported") else [known(part) for part in parts] or True

    for path, text, must in error_texts():
        if not known(text) and must:
            problems.append(f"{path}: no message error.* has the English text “{text}”")
    return used


def placeholders(text):
    return sorted(set(re.findall(r"\{(\d+)", text)))


def categories(text):
    return [{name for name in re.findall(r"(=?\w+) \{", case) if name[0] != "="} - {"plural"} for case in re.findall(r"plural, ((?:=?\w+ \{[^}]*\} ?)+)", text)]


CJK = r"[\u3040-\u30ff\u3400-\u9fff]"
LEFT_AS_IN_ENGLISH = re.compile(r"^(attach\.file$|sessions\.(when|heading|messages)|session\.detail|models\.size|man\.sentence|value\.|key\.|name\.)")


def plain(text):
    """What is read: without placeholders, the syntax of plurals, commands and options."""
    text = re.sub(r"\{\d+, plural, |(?:=\d|zero|one|two|few|many|other) (?=\{)", "", text)
    text = re.sub(r"\{\d+[^{}]*\}", "0", text)
    return re.sub(r"[{}]|(?<![\w.])(?:/[a-z]+!?|--?[a-z][a-z-]*|[A-Z]+(?:_[A-Z]+)*)", " ", text)


def writing_problems(language, key, text):
    shown = plain(text.replace("\\n", "\n"))
    if re.search(r"""["'`]|\.\.\.""", shown) and not (language == "en" and key.startswith("error.")):
        yield "straight quotes or three dots; write “ ” ’ …"
    if text != text.strip():
        yield "a space at the end"
    if language == "fr" and re.search(r"[^\W\d_][;!?]|[^\W\d_]:\s|«\S|\w»", shown):
        yield "a space is missing before ; : ! ? or inside « »"
    if language == "es" and ("?" in shown) > ("¿" in shown) or language == "es" and re.search(r"\w!", shown) and "¡" not in shown:
        yield "¿ or ¡ is missing"
    if language in ("zh", "ja") and re.search(rf"{CJK}[,;:!?(]|[,;:!?)]{CJK}|{CJK} \(", shown):
        yield "signs beside Chinese and Japanese letters are full-width"
    if language == "ar" and re.search(r"[\u0620-\u064a][,;?]", shown):
        yield "Arabic writes ، ؛ ؟"
    if language == "ar" and not key.startswith(("name.", "help.")) and \
            re.search(r"(?<![\w.}/<\u200e])/[a-z]|(?:^|[^\u200eA-Za-z0-9-])(?<![A-Za-z] )--?[a-z{]", text):
        yield "U+200E stands before /command and -option"
    if language == "pt" and re.search(r"(?i)ficheiro|ecrã|utilizador|descarreg|telemóvel|\bregisto", shown):
        yield "Portuguese is that of Brazil: arquivo, tela, usuário, baixar, registro"
    if language == "hi" and re.search(r"[\u0900-\u097f]\.(?=\s|$)", shown):
        yield "a sentence in Hindi ends in ।"
    if language != "en" and text == english.get(key) and not LEFT_AS_IN_ENGLISH.match(key) and \
            len(re.findall(r"[^\W\d_]{2,}", shown)) > 1:
        yield "the same as in English"


def cells(text):
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1
               for c in text)
    return wide


STATUS_MOST, HINTS_MOST = 70, 34


def status_bar_cells(messages):
    """The left part of the status bar at its longest: context with its meter, speed, time saved, and gaps."""
    parts = ["status.context", "status.speed", "status.saved"]
    samples = {"{0}": "12.4k/32k", "{0, number, #,##0.0}": "131.2", "{0, time, short}": "11:02 PM"}
    total = 1 + len(" ▕████████▏") + 2 * (len(parts) - 1)
    for part in parts:
        text = messages[part].replace("#,##,##", "#,##")
        for pattern, sample in samples.items():
            text = text.replace(pattern, sample)
        total += cells(text)
    return total


english = read("locale/en.txt")
used = used_keys(english) | error_keys(english)
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
        for problem in writing_problems(language, key, text):
            problems.append(f"{path}: {key}: {problem}: {text[:60]}")
        if text.count("{") != text.count("}"):
            problems.append(f"{path}: {key}: braces do not match")
    if not set(english) - set(messages) and status_bar_cells(messages) > STATUS_MOST:
        problems.append(f"{path}: context, speed and saved take {status_bar_cells(messages)} cells, more than {STATUS_MOST}")
    if cells(messages.get("status.hints", "")) > HINTS_MOST:
        problems.append(f"{path}: status.hints takes more than {HINTS_MOST} cells")
print("\n".join(problems) if problems else f"{len(english)} messages in {len(glob.glob('locale/*.txt'))} languages")
sys.exit(bool(problems))
