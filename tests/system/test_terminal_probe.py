"""The chat asks its terminal what it is: terminals that answer, late, falsely or not at all."""
import os
import re
import time

import pytest

import test_chat
from test_chat import Home, SMALL
from terminal import Terminal

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

# The cells of the samples, in the order of the questions.
JOINED = (1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 1, 0, 2, 2, 2, 2)
APART = (1, 6, 4, 1, 1, 2, 1, 2, 2, 2, 2, 2, 2, 0, 2, 2, 2, 1)
FAMILY = "\U0001F468\u200D\U0001F469\u200D\U0001F467"


def answers(widths, name="Some 1.0", modes=()):
    return ("\033P>|%s\033\\" % name + "".join(modes) + "".join("\033[1;%dR" % (w + 1) for w in widths) +
            "\033[?62;1c")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def asked(chat):
    """Waits for the questions, up to the fence; they are asked before anything is drawn."""
    end = time.monotonic() + 20
    while b"\033[c" not in chat.raw and time.monotonic() < end:
        chat.read()
    assert b"\033[c" in chat.raw
    assert b"\033[6n" in chat.raw and b"\033[>0q" in chat.raw


def leave(chat):
    chat.send("\x15\x04")
    assert chat.wait_exit() == 0
    assert chat.settings_restored()


def test_nothing_answers(home):
    with home.chat() as chat:
        chat.wait_for("Write a message")
        chat.send("abc " + FAMILY + " def")
        chat.wait_for("def")
        assert b"\033[?2026h" not in chat.raw and b"\033[8l" not in chat.raw
        assert FAMILY.encode() not in chat.raw.split(b"\033[c")[1]  # only its first picture
        leave(chat)
    assert not os.path.exists(home.path / "state/terminals")


def test_answers_at_once_and_is_remembered(home):
    with home.chat() as chat:
        asked(chat)
        chat.send(answers(JOINED, modes=("\033[?2026;2$y",)))
        chat.wait_for("Write a message")
        chat.send("abc " + FAMILY + " def")
        chat.wait_for("def")
        chat.wait(lambda text: FAMILY.encode() in chat.raw.split(b"\033[c")[1], what="the whole family")
        chat.wait(lambda text: chat.raw.count(b"\033[?2026h") == chat.raw.count(b"\033[?2026l") > 0,
                  what="the end of a frame")
        leave(chat)
    with home.chat() as chat:  # says nothing this time: what was kept holds
        chat.wait_for("Write a message")
        chat.send("abc " + FAMILY + " def")
        chat.wait_for("def")
        chat.wait(lambda text: FAMILY.encode() in chat.raw.split(b"\033[c")[1], what="the whole family")
        leave(chat)


def test_another_terminal_of_the_same_name(home):
    """What was kept is wrong: the answers overrule it, in what is on the screen too."""
    for widths, cells in ((JOINED, 2), (APART, 6)):
        with home.chat() as chat:
            asked(chat)
            chat.wait_for("Write a message")
            chat.send("abc " + FAMILY + " def")
            chat.wait_for("def")
            chat.send(answers(widths))
            chat.wait(lambda text: chat.screen.cursor.x == 2 + 4 + cells + 4, what="the caret behind %d cells" % cells)
            leave(chat)


def test_late_answers_in_pieces_are_not_typed(home):
    with home.chat() as chat:
        asked(chat)
        chat.wait_for("Write a message")
        for byte in answers(JOINED, modes=("\033[?2026;2$y", "\033[8;0$y")):
            chat.send(byte)
            chat.read(0.002)
        chat.send("only this")
        chat.wait_for("only this")
        row = [line for line in chat.text().split("\n") if "only this" in line]
        assert row[0].strip() == "› only this"
        leave(chat)


def test_keys_between_the_answers(home):
    text = answers(JOINED)
    with home.chat() as chat:
        asked(chat)
        parts = re.findall(r"\033P.*?\033\\|\033\[[^A-Za-z]*[A-Za-z]", text)
        assert "".join(parts) == text
        chat.send("".join(part + letter for part, letter in zip(parts, "typed while answers come")))
        chat.wait_for("› typed while answers")
        leave(chat)


@pytest.mark.parametrize("name, mode, written", [("VTE(7000)", "\033[8;1$y", "\uFEE1\uFEFC\uFEB3"),
                                                 ("Konsole 22.12.3", "", "\uFEB3\uFEFC\uFEE1"), ("XTerm(379)", "", "\uFEE1\uFEFC\uFEB3")])
def test_who_puts_rows_in_order(home, name, mode, written):
    with home.chat() as chat:
        asked(chat)
        chat.send(answers(JOINED[:12] + (2,) + JOINED[13:], name, (mode,)))
        chat.wait_for("Write a message")
        chat.send("سلام")
        chat.wait(lambda text: written in text, what="the word")
        explicit = bool(mode)
        assert (b"\033[8l" in chat.raw) == explicit and b"\033[8h" not in chat.raw
        leave(chat)
        assert (b"\033[8h" in chat.raw) == explicit


def test_a_page_about_the_terminal(home):
    with Terminal([test_chat.BORA, "terminal"], env=home.env, rows=50, columns=80) as terminal:
        asked(terminal)
        terminal.send(answers(JOINED, "Some 1.0", ("\033[?2026;2$y",)))
        assert terminal.wait_exit() == 0
        text = terminal.text()
        assert terminal.settings_restored()
    assert "Some 1.0" in text and "synchronised" in text
    assert re.search(r"ZWJ +2\b", text) and re.search(r"vowel sign +1\b", text)
    greetings = [line for line in text.split("\n") if line.startswith(("Hello", "Bonjour", "你好", "Привет"))]
    assert [line.index("|") for line in greetings if "|" in line] == [30, 30, 30, 24]


def test_links(home):
    """Where links are shown, an address stands behind its text; elsewhere it is written out, and no sequence is sent."""
    chats = home.path / "chats.json"
    chats.write_text('[{"role":"user","content":"where?"},{"role":"assistant","content":'
                     '"See [the page](https://a.example/x?y=1), not [this](javascript:alert)."}]')
    assert home.run("sessions", "import", str(chats)).returncode == 0
    for name, sent, written in (("XTerm(379)", False, True), ("VTE(7000)", True, True), ("kitty(0.26.5)", True, False)):
        with home.chat("-c") as chat:
            asked(chat)
            chat.send(answers(JOINED, name=name))
            chat.wait(lambda text: "See the page" in text and "(javascript:alert)" in text, what="the answer")
            chat.wait(lambda text: ("page (https://a.example/x?y=1)" in text) == written, what="the address")
            link = b"\033]8;id=bora1;https://a.example/x?y=1\033\\"
            chat.wait(lambda text: (link in chat.raw) == sent, what="the link")
            chat.wait(lambda text: chat.raw.count(b"\033]8;;\033\\") == chat.raw.count(b"\033]8;id="), what="its end")
            assert b"javascript" not in b"".join(re.findall(rb"\033\]8;[^\033]*", chat.raw))
            leave(chat)
