#!/usr/bin/env python3
"""Turn locale/*.txt into one C file: a sorted table of messages for each language, built into the program.

usage: make_catalogue.py LANG.txt... >catalogue.c
A line is "key = pattern"; # begins a comment; \\n in a pattern is a new line.
"""
import os
import re
import sys


def french(text):
    """Spaces before ; : ! ? and inside « » keep the line together; typed as plain ones."""
    text = re.sub(" (?=[;!?])", "\u202f", text)
    return re.sub(" (?=[:»])|(?<=«) ", "\u00a0", text)


def read(path):
    messages = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            key, equals, text = line.partition(" = ")
            if not equals or key in messages:
                sys.exit(f"{path}:{number}: {'a key twice' if equals else 'expected key = text'}: {key}")
            messages[key] = (french(text) if path.endswith("fr.txt") else text).replace("\\n", "\n")
    return messages


def c_string(text):
    out = ""
    for byte in text.encode("utf-8"):
        char = chr(byte)
        out += {"\n": "\\n", '"': '\\"', "\\": "\\\\"}.get(char, char if 32 <= byte < 127 else f"\\{byte:03o}")
    return f'"{out}"'


print("/* Made from locale/ by make_catalogue.py. */")
print('#include "i18n/catalogue.h"\n')
languages = []
for path in sorted(sys.argv[1:]):
    language = os.path.basename(path)[:-len(".txt")]
    languages.append(language)
    messages = read(path)
    print(f"static const struct catalogue_message messages_{language}[] = {{")
    for key in sorted(messages, key=lambda k: k.encode()):
        print(f"\t{{{c_string(key)}, {c_string(messages[key])}}},")
    print("};\n")
print("const struct catalogue catalogue_table[] = {")
for language in languages:
    print(f'\t{{"{language}", messages_{language}, sizeof(messages_{language}) / sizeof(*messages_{language})}},')
print("\t{0, 0, 0},\n};")
print("const char *const catalogue_languages[] = {" + "".join(f'"{language}", ' for language in languages) + "0};")
