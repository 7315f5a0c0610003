"""What a person has set in their inputrc holds in the chat, in scripts where a letter is more than a character: keys
bound anew, macros, and vi mode. What was sent tells what the line held."""
import os

import pytest

from test_chat import SMALL, Home, ready

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")


def escape(chat):
    """Esc alone. A letter comes and goes before it, so that nothing is still to be drawn: then the caret moves, and what
    is sent next cannot be mistaken for part of it."""
    chat.send("§")
    chat.wait_for("§")
    chat.send("\x7f")
    chat.wait_gone("§")
    before = chat.screen.cursor.x
    chat.send("\x1b")
    chat.wait(lambda text: chat.screen.cursor.x != before, what="the caret move")


def sent(tmp_path, inputrc, *keys):
    (tmp_path / "inputrc").write_text(inputrc)
    home = Home(tmp_path)
    home.env["INPUTRC"] = str(tmp_path / "inputrc")
    with home.chat("--max-tokens", "1") as chat:
        ready(chat)
        for key in keys:
            escape(chat) if key == "\x1b" else chat.send(key)
        chat.send("\r")
        chat.wait_for("saved")
    return home.messages()[0]["content"]


def test_keys_bound_anew_in_hindi(tmp_path):
    inputrc = '"\\C-o": backward-word\n"\\C-xn": "नमस्ते "\n'
    # Two words back from the end, and a macro there.
    assert sent(tmp_path, inputrc, "मेरा नाम क्षितिज", "\x0f", "\x0f", "\x18n") == "मेरा नमस्ते नाम क्षितिज"


def test_a_key_bound_anew_deletes_a_whole_letter(tmp_path):
    assert sent(tmp_path, '"\\C-t": backward-delete-char\n', "प्रक्षि", "\x14") == "प्र"
    (tmp_path / "arabic").mkdir()
    assert sent(tmp_path / "arabic", '"\\C-t": backward-delete-char\n', "مُحَمَّد", "\x14", "\x14") == "مُحَ"


VI = "set editing-mode vi\n"


def test_vi_mode_in_arabic(tmp_path):
    # Esc, to the beginning, one word away, to the end, more written behind it.
    assert sent(tmp_path, VI, "السلام عليكم يا عالم", "\x1b", "0", "dw", "A", " الآن") == "عليكم يا عالم الآن"


def test_vi_mode_in_hindi(tmp_path):
    # x takes the letter under the caret whole, a conjunct with its vowel sign; pyte does not show the caret there, so no Esc.
    inputrc = VI + 'set keymap vi-insert\n"\\C-o": vi-movement-mode\n'
    assert sent(tmp_path, inputrc, "क्षि स्ते कि", "\x0f", "x0wxia") == "क्षि a "


def test_vi_mode_by_a_key(tmp_path):
    # The name of readline that switches to vi, bound to a key.
    assert sent(tmp_path, '"\\C-xv": vi-editing-mode\n', "один два", "\x18vтри", "\x1b", "0", "dw", "A", "!") == "дватри!"
