#!/usr/bin/env python3
"""Turn files into one C file of strings, built into the program.

usage: embed.py NAME=FILE... >embedded.c
"""
import sys


def c_string(text):
    return '"' + "".join({10: "\\n", 34: '\\"', 92: "\\\\"}.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
                         for byte in text.encode("utf-8")) + '"'


print("/* Made by models/embed.py. */\n#include \"known_models.h\"\n")
for argument in sys.argv[1:]:
    name, path = argument.split("=")
    print(f"const char {name}[] =")
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            print("\t" + c_string(line))
    print("\t;")
