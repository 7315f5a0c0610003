"""Do terminals put the cells of the acceptance texts where our layout says?

tests/ui/test_screen.c draws each text on a row of its own, with a bar in the column
after it. Here two terminals show the drawing, and the bar must stand where the layout
put it: else the row has shifted."""
import os
import pathlib
import subprocess
import time

import pytest

from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRAW = str(ROOT / "build" / os.environ.get("VARIANT", "release") / "tests/ui/test_screen")


# pyte 0.8 drops what follows a character without width whose combining class is 0:
# conjoining jamo, Thai vowels, the virama, variation selectors.
PYTE_DROPS = {3, 5, 7, 10, 21}


@pytest.fixture(scope="module", autouse=True)
def driver():
    subprocess.run(["make", "-s", os.path.relpath(DRAW, ROOT)], cwd=ROOT, check=True)


def expected(path, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text().endswith("\n"):
            return [int(line) for line in path.read_text().split()]
        time.sleep(0.05)
    raise AssertionError("nothing was drawn")


def test_pyte(tmp_path):
    path = tmp_path / "columns"
    with Terminal([DRAW, "draw", str(path)], rows=40, columns=80) as terminal:
        terminal.wait(lambda text: text.count("|") > 20, 10, "the texts")
        columns = expected(path)
        while terminal.read(0.2):
            pass
        wrong = {row: (column, terminal.screen.display[row].rstrip()) for row, column in enumerate(columns)
                 if row not in PYTE_DROPS and terminal.screen.buffer[row][column].data != "|"}
        terminal.send("q")
        assert terminal.wait_exit() == 0
    assert wrong == {}


def tmux(socket, *arguments):
    return subprocess.run(["tmux", "-S", str(socket), *arguments], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8")).stdout


def test_tmux(tmp_path):
    path, socket = tmp_path / "columns", tmp_path / "tmux"
    tmux(socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "40", "%s draw %s" % (DRAW, path))
    try:
        columns = expected(path)
        time.sleep(0.3)
        tmux(socket, "copy-mode")
        wrong = {}
        for row, column in enumerate(columns):
            tmux(socket, "send-keys", "-X", "top-line")
            if row:
                tmux(socket, "send-keys", "-X", "-N", str(row), "cursor-down")
            tmux(socket, "send-keys", "-X", "start-of-line")
            tmux(socket, "send-keys", "-X", "jump-forward", "|")
            x, y = tmux(socket, "display", "-p", "#{copy_cursor_x} #{copy_cursor_y}").split()
            if (int(x), int(y)) != (column, row):
                wrong[row] = (column, int(x), int(y))
        tmux(socket, "send-keys", "-X", "cancel")
    finally:
        tmux(socket, "kill-server")
    assert wrong == {}
