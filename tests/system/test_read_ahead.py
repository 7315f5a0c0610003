"""What is typed is read before it is sent: with the real small model, in a terminal."""
import re

import pytest

from test_chat import SMALL, Home, ready, send  # noqa: F401
from test_chat import pytestmark  # noqa: F401

QUESTION = "List the names of all the months of the year and of all the days of the week, in order, please, and then stop"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def log_of(home):
    log = home.path / "log"
    return log.read_text() if log.exists() else ""


def wait_for_log(chat, home, pattern):
    chat.wait(lambda _: re.search(pattern, log_of(home)), what="%s in the log" % pattern)


def answered(home):
    return [tuple(map(int, numbers)) for numbers in
            re.findall(r"answered: (\d+) tokens, (\d+) of them cached", log_of(home))]


def test_typed_text_is_read(home):
    with home.chat("--log", str(home.path / "log"), "--max-tokens", "4") as chat:
        ready(chat)
        wait_for_log(chat, home, r"model .* loaded")
        chat.send(QUESTION)
        wait_for_log(chat, home, r"read ahead: [4-9]\d tokens")
        chat.send("\r")
        wait_for_log(chat, home, r"answered")
    (total, cached), = answered(home)
    assert total - cached < 12  # the last word and the end of the message


def test_opened_conversation_is_read(home):
    question = " ".join("word%d" % i for i in range(60))
    home.run("-p", question, "-m", SMALL, "--temp", "0", "--max-tokens", "4")
    with home.chat("--log", str(home.path / "log"), "--max-tokens", "4", "-c") as chat:
        ready(chat)
        wait_for_log(chat, home, r"read ahead: [1-9]\d\d tokens")
        chat.send("go on\r")
        wait_for_log(chat, home, r"answered")
    (total, cached), = answered(home)
    assert total > 100 and total - cached < 12


def test_switched_off(home):
    with home.chat("--log", str(home.path / "log"), "--max-tokens", "4", "--read-ahead", "off") as chat:
        ready(chat)
        send(chat, QUESTION)
        wait_for_log(chat, home, r"answered")
    assert "read ahead" not in log_of(home)
    assert answered(home)[0][1] == 0
