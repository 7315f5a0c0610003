"""What a guest in a terminal owes it: everything back at every end, no noise, no colours where none are wanted."""
import os
import re
import signal

import pytest

from test_chat import BORA, LONG, SMALL, Home, answered, ready, send
from terminal import Terminal

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

MODES = ["?1049", "?2004", "?1004"]  # the alternate screen, bracketed paste, focus reports
BELL, OSC9 = b"\x07", b"\x1b]9;"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def given_back(chat):
    """Every mode that was switched on is off, the cursor is seen, and the title is the terminal's own."""
    raw = chat.raw.decode(errors="replace")
    for mode in MODES:
        last = [m.group() for m in re.finditer(r"\x1b\[%s[hl]" % re.escape(mode), raw)]
        assert last and last[-1][-1] == "l", mode
    cursor = [m.group() for m in re.finditer(r"\x1b\[\?25[hl]", raw)]
    assert not cursor or cursor[-1][-1] == "h"
    assert raw.count("\x1b[22;2t") == raw.count("\x1b[23;2t") > 0
    assert chat.settings_restored()


@pytest.mark.parametrize("name", ["SEGV", "BUS", "ABRT", "FPE", "ILL", "QUIT"])
def test_a_fault_gives_the_terminal_back(home, name):
    number = getattr(signal, "SIG" + name)
    with home.chat() as chat:
        ready(chat)
        if name == "SEGV":  # in the middle of an answer
            send(chat, LONG)
            chat.wait_gone("Hello! Write a message")
        chat.process.send_signal(number)
        assert chat.wait_exit() == -number
        while chat.read():
            pass
        given_back(chat)
        assert "broke off" in chat.text() and "bora -c" in chat.text()
        assert chat.screen.cursor.hidden is False


@pytest.mark.parametrize("name", ["TERM", "HUP", "leaving"])
def test_every_other_end_does(home, name):
    with home.chat() as chat:
        ready(chat)
        if name == "leaving":
            chat.send("\x04")
        else:
            chat.process.send_signal(getattr(signal, "SIG" + name))
        chat.wait_exit()
        while chat.read():
            pass
        given_back(chat)
        assert "broke off" not in chat.text()


def test_a_fault_while_another_program_has_the_terminal(home):
    editor = home.path / "editor"
    editor.write_text("#!/bin/sh\necho editing >/dev/tty\nsleep 60\n")
    editor.chmod(0o755)
    with home.chat(env={"VISUAL": str(editor)}) as chat:
        ready(chat)
        chat.send("\x07")
        chat.wait_for("editing")
        before = len(chat.raw)
        chat.process.send_signal(signal.SIGSEGV)
        assert chat.wait_exit() == -signal.SIGSEGV
        while chat.read():
            pass
        assert chat.raw[before:] == b""  # the editor's screen is left alone


def rung(home, *arguments, focus=None, env=None):
    """What the terminal is sent at the end of an answer, while its window is looked at or not."""
    with home.chat("--max-tokens", "4", *arguments, env=env or {}) as chat:
        ready(chat)
        if focus:
            chat.send(focus)
        send(chat, "Say hello.")
        answered(chat)
        chat.send("\x04")
        chat.wait_exit()
        return re.sub(rb"\x1b\][02];[^\x07\x1b]*\x07?", b"", chat.raw)


def test_notification(home):
    away, here = "\x1b[O", "\x1b[I"
    assert BELL in rung(home, "--notify-after", "0", focus=away)
    assert OSC9 in rung(home, "--notify-after", "0", focus=away, env={"TERM_PROGRAM": "WezTerm"})
    assert b"\x1b]777;notify;bora;" in rung(home, "--notify-after", "0", "--notify", "osc777", focus=away)
    assert BELL in rung(home, "--notify-after", "0", "--notify", "bell")  # asked for: without focus reports, too


def test_no_notification(home):
    away, here = "\x1b[O", "\x1b[I"
    quiet = [rung(home, "--notify-after", "0", focus=here), rung(home, "--notify-after", "0"),
             rung(home, "--notify-after", "0", "--notify", "off", focus=away),
             rung(home, focus=away)]  # four tokens are no long answer
    for raw in quiet:
        assert BELL not in raw and b"\x1b]9;" not in raw and b"\x1b]777" not in raw


def test_title_can_stay_as_it_is(home):
    with home.chat("--title", "off", "--max-tokens", "4") as chat:
        ready(chat)
        send(chat, "Say hello.")
        answered(chat)
        chat.send("\x04")
        chat.wait_exit()
        assert b"\x1b]2;" not in chat.raw and b"\x1b[22;2t" not in chat.raw


def colors(raw):
    """Parameters of SGR sequences that set a colour."""
    found = []
    for parameters in re.findall(rb"\x1b\[([\d;:]*)m", raw):
        numbers = [int(n or 0) for n in re.split(rb"[;:]", parameters)]
        found += [n for n in numbers if 30 <= n <= 38 or 40 <= n <= 48 or 90 <= n <= 107]
    return found


def test_no_color(home):
    counts = []
    for env in ({"NO_COLOR": "1"}, {"NO_COLOR": ""}):
        with home.chat("--max-tokens", "8", env=env) as chat:
            ready(chat)
            send(chat, "Write `x = 1` in Python.")
            answered(chat)
            chat.send("\x04")
            chat.wait_exit()
            counts.append(len(colors(chat.raw)))
    assert counts[0] == 0 and counts[1] > 0  # an empty NO_COLOR asks for nothing


def test_log_is_clean(home):
    log = home.path / "log"
    secret = "the password is heliotrope"
    with home.chat("--log", str(log), "--max-tokens", "8") as chat:
        ready(chat)
        send(chat, secret)
        answered(chat)
        chat.send("\x04")
        assert chat.wait_exit() == 0
    text = log.read_text()
    assert text and "heliotrope" not in text and "\x1b" not in text
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in text.splitlines())
    assert log.stat().st_mode & 0o777 == 0o600


def test_mouse_is_left_alone(home):
    """Selecting is the terminal's: no mode that sends the mouse to the program is ever switched on."""
    with home.chat("--max-tokens", "4") as chat:
        ready(chat)
        send(chat, "Say hello.")
        answered(chat)
        chat.send("\x04")
        chat.wait_exit()
        assert not re.search(rb"\x1b\[\?(9|100[0-3]|100[5-6]|1015|1016)h", chat.raw)


def test_an_answer_clears_nothing(home):
    """No flicker: once the screen is there, it is changed, never cleared."""
    with home.chat("--max-tokens", "60") as chat:
        ready(chat)
        send(chat, LONG)
        before = len(chat.raw)
        answered(chat)
        streamed = chat.raw[before:]
        assert streamed and b"\x1b[2J" not in streamed and b"\x1b[J" not in streamed and b"\x1b[?1049" not in streamed


def test_no_network(home):
    """Nothing is asked of any network by a whole chat."""
    trace = home.path / "trace"
    argv = ["strace", "-f", "-o", str(trace), "-e", "trace=socket,connect,sendto", BORA, "-m", SMALL, "--max-tokens", "2"]
    with Terminal(argv, env=home.env, cwd=str(home.path)) as chat:
        chat.wait_for("›", 60)
        send(chat, "Say hello.")
        answered(chat, 60)
        chat.send("\x04")
        assert chat.wait_exit(30) == 0
    assert "AF_INET" not in trace.read_text()
