"""Do terminals put the cells of the acceptance texts where our layout says?

tests/ui/test_screen.c draws each text on a row of its own, with a bar in the column
after it. Here two terminals show the drawing, and the bar must stand where the layout
put it: else the row has shifted."""
import os
import shlex
import shutil
import subprocess
import time

import pytest

from program import ROOT
from terminal import Terminal

DRAW = str(ROOT / "build" / os.environ.get("VARIANT", "release") / "tests/ui/test_screen")


# pyte 0.8 drops what follows a character without width whose combining class is 0:
# conjoining jamo, Thai vowels, the virama, variation selectors.
PYTE_DROPS = {3, 5, 7, 10, 21, 31, 32, 33}


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


@pytest.mark.parametrize("measured", [False, True])
def test_pyte(tmp_path, measured):
    path = tmp_path / "columns"
    argv = [DRAW, "draw", str(path)] + (["measured"] if measured else [])
    with Terminal(argv, rows=40, columns=80, answers=measured) as terminal:
        terminal.wait(lambda text: text.count("|") > 20, 10, "the texts")
        columns = expected(path)
        while terminal.read(0.2):
            pass
        wrong = {row: (column, terminal.screen.display[row].rstrip()) for row, column in enumerate(columns)
                 if row not in PYTE_DROPS and terminal.screen.buffer[row][column].data != "|"}
        edges = [terminal.screen.buffer[row][78].data for row in (len(columns), 39)]
        terminal.send("q")
        assert terminal.wait_exit() == 0
    assert wrong == {}
    assert edges == ["世", "界" if measured else "\N{REPLACEMENT CHARACTER}"]


def tmux(socket, *arguments):
    return subprocess.run(["tmux", "-S", str(socket), *arguments], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8")).stdout


def bars_out_of_place(socket, columns):
    """Where tmux's copy mode finds the bars of the rows, when not where they should be."""
    wrong = {}
    tmux(socket, "copy-mode")
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
    return wrong


@pytest.mark.parametrize("measured", ["", "measured"])
def test_tmux(tmp_path, measured):
    path, socket = tmp_path / "columns", tmp_path / "tmux"
    command = "%s draw %s %s" % (DRAW, path, measured)
    tmux(socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "40", command)
    try:
        columns = expected(path)
        time.sleep(0.3)
        shown = tmux(socket, "capture-pane", "-p")
        wrong = bars_out_of_place(socket, columns)
    finally:
        tmux(socket, "kill-server")
    assert wrong == {}
    family = "\U0001F468\u200D\U0001F469\u200D\U0001F467"
    assert (family in shown) == bool(measured)
    rows = shown.split("\n")
    assert rows[len(columns)].endswith("世") and (not measured or rows[39].endswith("界"))


def in_screen(tmp_path, command):
    """The command for GNU screen, in a folder of its own."""
    folder = tmp_path / "screens"
    folder.mkdir(mode=0o700)
    return ["env", "SCREENDIR=%s" % folder, "LC_ALL=C.UTF-8", "screen", "-c", "/dev/null", "-U", *command]


@pytest.mark.parametrize("where", ["tmux", "screen"])
def test_emoji_have_the_width_that_the_terminal_gives_them(tmp_path, where):
    path, socket = tmp_path / "emoji", tmp_path / "tmux"
    command = [DRAW, "emoji", str(path)]
    if where == "screen":
        if not shutil.which("screen"):
            pytest.skip("GNU screen is not here")
        command = in_screen(tmp_path, command)
    tmux(socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", shlex.join(command))
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (path.exists() and "checked" in path.read_text()):
            time.sleep(0.1)
    finally:
        tmux(socket, "kill-server")
    last = path.read_text().splitlines()[-1].split()
    assert int(last[0]) > 3000 and last[2] == "0", path.read_text()[-2000:]
