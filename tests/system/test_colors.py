"""The colours that reach a terminal: by what it answers, by the environment, by the settings, in tmux."""
import os
import subprocess
import time

import pytest

from test_chat import BORA, Home, SMALL
from test_terminal_probe import JOINED, answers, asked, leave

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

KEPT = "\033P1$r0;8;38:2::1:2:3m\033\\"
NEAREST = "\033P1$r0;8;38;5;16m\033\\"
BLACK, PAPER = "\033]11;rgb:1e1e/1e1e/1e1e\033\\", "\033]11;rgb:fdfd/f6f6/e3e3\033\\"
PROMPT = {"dark": b"\033[38;2;108;199;245m", "light": b"\033[38;2;0;95;174m", "default": b"\033[38;2;40;120;197m"}
PROMPT_OF_256 = {"dark": b"\033[38;5;81m", "light": b"\033[38;5;25m", "default": b"\033[38;5;32m"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("COLORTERM", "NO_COLOR", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path)


def shown(chat, *wanted):
    """Waits until each was written after the questions."""
    for sequence in wanted:
        chat.wait(lambda text: sequence in chat.raw.split(b"\033[c", 1)[1], what=repr(sequence))


def never(chat, *unwanted):
    for sequence in unwanted:
        assert sequence not in chat.raw.split(b"\033[c", 1)[1]


@pytest.mark.parametrize("background,theme", [(BLACK, "dark"), (PAPER, "light"), ("", "default")])
def test_the_terminal_shows_what_it_is_told(home, background, theme):
    with home.chat() as chat:
        asked(chat)
        chat.send(answers(JOINED, modes=(KEPT, background)))
        chat.wait_for("Write a message")
        shown(chat, PROMPT[theme])
        before = len(chat.raw)
        chat.send("/theme light\r" if theme != "light" else "/theme dark\r")
        chat.wait(lambda text: PROMPT["light" if theme != "light" else "dark"] in chat.raw[before:], what="another theme")
        leave(chat)
        assert b"\033]104" not in chat.raw and b"\033]4;" not in chat.raw  # the palette is not ours
    with home.chat() as chat:  # says nothing this time: what was kept holds
        chat.wait_for("Write a message")
        shown(chat, PROMPT[theme])
        leave(chat)


@pytest.mark.parametrize("reply", [NEAREST, ""])
def test_a_terminal_of_256(home, reply):
    with home.chat(env={"COLORTERM": "truecolor"} if reply else {}) as chat:
        asked(chat)
        chat.send(answers(JOINED, modes=(reply, BLACK)))
        chat.wait_for("Write a message")
        shown(chat, PROMPT_OF_256["dark"])
        never(chat, b"38;2;")
        leave(chat)


def test_nothing_is_answered(home):
    for env, wanted in (({}, PROMPT_OF_256), ({"COLORTERM": "24bit"}, PROMPT), ({"COLORTERM": "24bit", "STY": "1.x"}, PROMPT_OF_256)):
        with home.chat(env=env) as chat:
            chat.wait_for("Write a message")
            shown(chat, wanted["default"])
            leave(chat)


def test_settings_overrule(home):
    for arguments, env, wanted in ((("--color-depth", "truecolor"), {}, b"\033[38;2;40;120;197m"),
                                   (("--color-depth", "256"), {"COLORTERM": "truecolor"}, b"\033[38;5;32m"),
                                   (("--color-depth", "16"), {"COLORTERM": "truecolor"}, b"\033[36m")):
        with home.chat(*arguments, env=env) as chat:
            chat.wait_for("Write a message")
            shown(chat, wanted)
            leave(chat)
    for arguments, env in ((("--no-color",), {"COLORTERM": "truecolor"}), ((), {"COLORTERM": "truecolor", "NO_COLOR": "1"})):
        with home.chat(*arguments, env=env) as chat:
            chat.wait_for("Write a message")
            never(chat, b"38;2;", b"38;5;", b"\033[36m")
            leave(chat)


def test_in_tmux(home):
    """tmux keeps colours as they are, and makes of them what its own terminal has."""
    def tmux(*arguments):
        return subprocess.run(["tmux", "-u", "-L", "bora-colors-%d" % os.getpid(), "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, check=True).stdout
    env = [word for name, value in home.env.items() for word in ("-e", "%s=%s" % (name, value))]
    try:
        tmux("new-session", "-d", "-x", "80", "-y", "24", *env, BORA, "-m", SMALL, "--theme", "dark")
        end = time.monotonic() + 20
        while "38;2;108;199;245" not in tmux("capture-pane", "-e", "-p") and time.monotonic() < end:
            time.sleep(0.05)
        assert "38;2;108;199;245" in tmux("capture-pane", "-e", "-p")
    finally:
        tmux("kill-server")


def test_what_bora_terminal_says(home):
    from terminal import Terminal
    with Terminal([BORA, "terminal"], env=home.env, rows=60) as terminal:
        end = time.monotonic() + 20
        while b"\033[c" not in terminal.raw and time.monotonic() < end:
            terminal.read()
        terminal.send(answers(JOINED, modes=(KEPT, PAPER)))
        terminal.wait_for("Colours: 16,777,216 (DECRQSS)")
        terminal.wait_for("Background: #fdf6e3; theme: light")
    with Terminal([BORA, "terminal", "--color-depth", "16"], env=home.env, rows=60) as terminal:
        terminal.wait_for("Colours: 16 (--color-depth)")
    with Terminal([BORA, "terminal", "--no-color"], env=home.env, rows=60) as terminal:
        terminal.wait_for("Colours: none")
