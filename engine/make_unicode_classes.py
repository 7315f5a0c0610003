#!/usr/bin/env python3
"""Write the tables behind unicode_classes.h, frozen so that token ids never change with a library.

usage: make_unicode_classes.py FOLDER      writes unicode_classes.c and unicode_foldings.c there

Needs the package unicodedata2, 16.0.0: the Unicode version that the tokenizer libraries of the model makers carry.
"""
import os
import sys

import unicodedata2 as ud

CLASSES = {"Lu": "LU", "Ll": "LL", "Lt": "LT", "Lm": "LM", "Lo": "LO", "Mn": "MN", "Mc": "MX", "Me": "MX"}
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic

HEAD = """/* %s: written by make_unicode_classes.py from Unicode %s; do not edit. */
#include "unicode_classes.h"

/* clang-format off */
"""
SHORT = """enum {
	CC = UNICODE_CONTROL, LL = UNICODE_LL, LM = UNICODE_LM, LO = UNICODE_LO, LT = UNICODE_LT, LU = UNICODE_LU,
	MN = UNICODE_MN, MX = UNICODE_MARK, NN = UNICODE_NUMBER, PP = UNICODE_PUNCT, SS = UNICODE_SYMBOL, ZZ = UNICODE_SEPARATOR,
};

/* First code point << 8 | class, rising; a class holds until the next entry. */
const uint32_t unicode_class_runs[] = {"""


def class_of(cp):
    category = ud.category(chr(cp))
    if category in CLASSES:
        return CLASSES[category]
    return {"N": "NN", "P": "PP", "S": "SS", "Z": "ZZ", "C": "CC"}[category[0]]


def fold(cp):
    parts = [c for c in ud.normalize("NFD", chr(cp)) if ud.category(c) != "Mn"]
    return [ord(c.lower()) if len(c.lower()) == 1 else ord(c) for c in parts]


def rows(out, items, width=118):
    line = "\t"
    for item in items:
        if len(line.expandtabs(8)) + len(item) + 2 > width:
            print(line.rstrip(), file=out)
            line = "\t"
        line += item + ", "
    print(line.rstrip(), file=out)


def write_classes(folder):
    runs, last = [], None
    for cp in range(0x110000):
        now = class_of(cp)
        if now != last:
            runs.append("0x%X00 | %s" % (cp, now) if cp else now)
            last = now
    with open(os.path.join(folder, "unicode_classes.c"), "w", encoding="ascii") as out:
        print(HEAD % ("unicode_classes.c", ud.unidata_version) + SHORT, file=out)
        rows(out, runs)
        print("};\nconst int unicode_class_run_count = %d;\n/* clang-format on */" % len(runs), file=out)


def write_foldings(folder):
    entries = []
    for cp in range(0x80, 0x110000):
        if cp in HANGUL or 0xD800 <= cp < 0xE000 or ud.category(chr(cp)) == "Mn":
            continue
        to = fold(cp)
        if to != [cp]:
            assert len(to) <= 3, hex(cp)
            entries.append("{0x%X, {%s}}" % (cp, ", ".join("0x%X" % t for t in to) or "0"))
    with open(os.path.join(folder, "unicode_foldings.c"), "w", encoding="ascii") as out:
        print(HEAD % ("unicode_foldings.c", ud.unidata_version), end="", file=out)
        print("const struct unicode_folding unicode_foldings[] = {", file=out)
        rows(out, entries)
        print("};\nconst int unicode_folding_count = %d;\n/* clang-format on */" % len(entries), file=out)


if __name__ == "__main__":
    write_classes(sys.argv[1])
    write_foldings(sys.argv[1])
