#!/usr/bin/python3
"""The picture of the README: a real conversation in a real terminal, drawn as SVG.

usage: picture.py OUT.svg [MODEL]       (needs ./bora, the model, python3-pexpect and python3-pyte)
       picture.py --arabic OUT.svg      a stored conversation in the Arabic interface
"""
import html
import os
import subprocess
import sys
import tempfile
import time
import unicodedata

import pexpect
import pyte

ROWS, COLUMNS = 32, 88
CELL_W, CELL_H, FONT = 8.4, 18, 14
COLORS = {"default": "#d8dee9", "black": "#2e3440", "red": "#bf616a", "green": "#a3be8c", "brown": "#ebcb8b",
          "blue": "#81a1c1", "magenta": "#b48ead", "cyan": "#88c0d0", "white": "#e5e9f0"}
BACKGROUND = "#20242e"
TALK = ["Write a C function that swaps two ints. Code only, please.", "用一句话解释什么是指针。", "مرحبا! كيف حالك؟"]


def color(name, fallback):
    if name == "default":
        return fallback
    return COLORS.get(name) or "#" + name


def draw(screen):
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * CELL_W + 24:.0f}" height="{ROWS * CELL_H + 24}" '
           f'font-family="DejaVu Sans Mono, Menlo, Consolas, Noto Sans Mono CJK SC, monospace" font-size="{FONT}">',
           f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>']
    for y in range(ROWS):
        for x in range(COLUMNS):
            cell = screen.buffer[y][x]
            if not cell.data:
                continue
            front, back = color(cell.fg, COLORS["default"]), color(cell.bg, BACKGROUND)
            if cell.reverse:
                front, back = back, front
            wide = 2 if unicodedata.east_asian_width(cell.data[0]) in "WF" else 1
            left, top = 12 + x * CELL_W, 12 + y * CELL_H
            if back != BACKGROUND:
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{wide * CELL_W + 0.4:.1f}" height="{CELL_H}" fill="{back}"/>')
            if cell.data.strip():
                style = (' font-weight="bold"' if cell.bold else "") + (' font-style="italic"' if cell.italics else "")
                out.append(f'<text x="{left:.1f}" y="{top + 13.5:.1f}" fill="{front}"{style}>{html.escape(cell.data)}</text>')
    return "\n".join(out + ["</svg>", ""])


def main(path, model):
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as home:
        places = {f"BORA_{d}_DIR": os.path.join(home, d.lower()) for d in ("CONFIG", "DATA", "STATE", "CACHE")}
        models = os.environ.get("BORA_MODELS_DIR") or os.path.expanduser("~/.local/share/bora/models")
        environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8", BORA_MODELS_DIR=models, **places)
        environment.pop("NO_COLOR", None)
        bora = pexpect.spawn("./bora", ["-m", model, "--lang", "en", "--temp", "0", "--max-tokens", "220"], env=environment,
                             dimensions=(ROWS, COLUMNS))

        def look(seconds, until=None):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    stream.feed(bora.read_nonblocking(65536, timeout=0.2))
                except pexpect.TIMEOUT:
                    if until and until():
                        return
                except pexpect.EOF:
                    return

        look(3)
        for text in TALK:
            bora.send(text + "\r")
            look(3)
            quiet = {"rows": None, "since": time.monotonic()}

            def settled():
                rows = screen.display[:]
                if rows != quiet["rows"]:
                    quiet.update(rows=rows, since=time.monotonic())
                return time.monotonic() - quiet["since"] > 4

            look(240, settled)
        with open(path, "w", encoding="utf-8") as out:
            out.write(draw(screen))
        print("\n".join(screen.display))
        bora.sendcontrol("d")
        look(2)


def arabic(path):
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from terminal import Terminal
    with tempfile.TemporaryDirectory() as home:
        env = {f"BORA_{d}_DIR": os.path.join(home, d.lower()) for d in ("CONFIG", "DATA", "STATE", "CACHE")}
        env.update(BORA_LANG="ar", BORA_MODELS_DIR=os.environ.get("BORA_MODELS_DIR") or os.path.expanduser("~/.local/share/bora/models"))
        subprocess.run(["./bora", "sessions", "import", os.path.join(here, "arabic.json")], env=dict(os.environ, **env), check=True)
        with Terminal(["./bora", "-c"], env=env, rows=ROWS, columns=COLUMNS) as terminal:
            terminal.wait(lambda text: "int add" in text and "0/" in text, seconds=60, what="the conversation and the model")
            while terminal.read(1):
                pass
            with open(path, "w", encoding="utf-8") as out:
                out.write(draw(terminal.screen))
            print(terminal.text())


if __name__ == "__main__" and sys.argv[1] == "--arabic":
    arabic(sys.argv[2])
elif __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "default")
