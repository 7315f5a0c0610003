"""The chat as a person has it: a real terminal, the real small model, the real store."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from program import BORA, MODELS, SMALL, needs_small
from terminal import Terminal


pytestmark = needs_small
LONG = "Write a long story about the sea, the wind and an old ship."


class Home:
    """Folders of its own for one test."""

    def __init__(self, path):
        self.env = {"BORA_%s_DIR" % name: str(path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        self.env.update(HOME=str(path), BORA_LANG="en", BORA_MODELS_DIR=MODELS, INPUTRC="/dev/null")
        self.env.pop("NO_COLOR", None)
        self.path = path

    def chat(self, *arguments, **more):
        argv = [BORA, "-m", SMALL, "--temp", "0", "--seed", "1", "--threads", "2", *arguments]
        env = dict(self.env, **more.pop("env", {}))
        return Terminal(argv, env=env, cwd=str(self.path), **more)

    def run(self, *arguments):
        env = dict(os.environ, **self.env)
        return subprocess.run([BORA, *arguments], env=env, capture_output=True, text=True, timeout=30)

    def messages(self):
        sessions = json.loads(self.run("sessions", "ls", "--json").stdout)
        if not sessions:
            return []
        return json.loads(self.run("sessions", "show", sessions[0]["id"], "--json").stdout)["messages"]


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def ready(chat):
    chat.wait_for("›")


def send(chat, text):
    chat.send(text)
    chat.wait_for(text[-20:])
    chat.send("\r")


def answered(chat, seconds=25):
    """Waits until an answer has been written to its end and stored."""
    chat.wait_for("saved", seconds)


def prompt_tokens(chat):
    """How much the model was given to read in the last turn, by /tokens."""
    chat.send("/tokens\r")
    chat.wait_for("in the prompt")
    return int(re.findall(r"Last turn: ([\d,]+)\s+in\s+the\s+prompt", chat.text())[-1].replace(",", ""))


def test_chat_and_continue(home):
    with home.chat("--max-tokens", "12") as chat:
        ready(chat)
        send(chat, "What is the capital of France?")
        answered(chat)
        first = prompt_tokens(chat)
        chat.send("\x04")
        assert chat.wait_exit() == 0
        assert chat.settings_restored()
        assert b"\x1b[?1049l" in chat.raw
    user, answer = home.messages()
    assert (user["role"], user["content"]) == ("user", "What is the capital of France?")
    assert answer["role"] == "assistant" and answer["content"]
    with home.chat("-c", "--max-tokens", "12") as chat:
        chat.wait_for("What is the capital of France?")
        chat.wait_for(answer["content"].split("\n")[0][:30])
        send(chat, "Which country did I ask about?")
        chat.wait_for("cut off", 25)
        assert prompt_tokens(chat) > first + 12         # the model is given all that was said
        chat.send("/exit\r")
        assert chat.wait_exit() == 0
    assert len(home.messages()) == 4


def test_escape_keeps_the_partial_answer(home):
    with home.chat() as chat:
        ready(chat)
        send(chat, LONG)
        chat.wait_for("tok/s", 25)
        time.sleep(0.7)
        chat.send("\x1b")
        chat.wait_for("interrupted")
        chat.send("\x04")
        assert chat.wait_exit() == 0
    user, answer = home.messages()
    assert user["status"] == "complete" and answer["status"] == "partial"
    assert len(answer["content"]) > 0
    with home.chat("-c") as chat:
        chat.wait_for("interrupted")
        chat.wait_for(answer["content"].split("\n")[0][:20])


def test_kill_9_while_streaming(home):
    with home.chat() as chat:
        ready(chat)
        send(chat, LONG)
        chat.wait_for("tok/s", 25)
        time.sleep(2.5)
        chat.read(0)
        chat.send("half a thou")
        chat.wait_for("half a thou")
        time.sleep(1.2)
        chat.process.kill()
        chat.process.wait()
    user, answer = home.messages()
    assert user["content"] == LONG
    assert answer["status"] == "partial" and answer["content"]
    with home.chat("-c") as chat:
        chat.wait_for("interrupted")
        chat.wait_for("half a thou")


def test_typing_while_loading_waits_and_goes(home):
    with home.chat("--max-tokens", "8") as chat:
        chat.send("Say hello.\r")
        answered(chat)
        chat.send("\x04")
        assert chat.wait_exit() == 0
    assert [m["role"] for m in home.messages()] == ["user", "assistant"]


def test_resize_storm(home):
    with home.chat() as chat:
        ready(chat)
        send(chat, LONG)
        chat.wait_for("tok/s", 25)
        for rows, columns in [(1, 1), (2, 5), (50, 200), (3, 10), (24, 3), (1, 80), (5, 1), (24, 80)] * 4:
            chat.resize(rows, columns)
            chat.read(0.02)
        chat.send("\x1b")
        chat.wait_for("interrupted")
        chat.wait_for("›")
        assert chat.process.poll() is None
        chat.send("\x04")
        assert chat.wait_exit() == 0


def test_ctrl_c_twice_leaves(home):
    with home.chat() as chat:
        ready(chat)
        chat.send("a draft")
        chat.wait_for("a draft")
        chat.send("\x03")
        chat.wait_for("Ctrl+C")
        chat.wait_gone("a draft")
        chat.send("\x1b[A")
        chat.wait_for("a draft")
        chat.send("\x03")
        chat.wait_for("Ctrl+C")
        chat.send("\x03")
        assert chat.wait_exit() == 0
        assert chat.settings_restored()


def test_paste_of_a_megabyte(home):
    pasted = "".join("line %d of what was pasted\n" % i for i in range(40000))
    with home.chat() as chat:
        ready(chat)
        chat.send("\x1b[200~" + pasted + "\x1b[201~")
        chat.wait_for("40,000 lines")
        assert chat.process.poll() is None
        chat.send(" end")
        chat.wait_for("end")
        time.sleep(1.2)
        chat.send("\x15")
        chat.wait(lambda text: "40,000" not in text, what="an empty line")
        chat.send("\x04")
        assert chat.wait_exit() == 0
    assert home.messages() == []


def test_hang_up(home):
    chat = home.chat()
    with chat:
        ready(chat)
        send(chat, LONG)
        chat.wait_for("tok/s", 25)
        time.sleep(1)
        started = time.monotonic()
        chat.hang_up()
        chat.process.wait(timeout=10)
        assert time.monotonic() - started < 2
    user, answer = home.messages()
    assert answer["status"] == "partial" and answer["content"]


def test_terminate_restores_the_terminal(home):
    with home.chat() as chat:
        ready(chat)
        chat.process.send_signal(signal.SIGTERM)
        assert chat.wait_exit() == 143
        assert chat.settings_restored()
        assert b"\x1b[?1049l" in chat.raw


def test_dumb_terminal(home):
    with home.chat("--max-tokens", "4", term="dumb") as chat:
        chat.wait_for(">", 25)
        chat.send("What is the capital of France?\n")
        chat.wait_for("cut off", 25)
        chat.send("/exit\n")
        assert chat.wait_exit() == 0
        assert b"\x1b" not in chat.raw
    assert [m["role"] for m in home.messages()] == ["user", "assistant"]


def tmux(home, *arguments):
    env = dict(os.environ, **home.env)
    return subprocess.run(["tmux", "-S", str(home.path / "tmux"), *arguments], env=env, capture_output=True, text=True)


def see(home, wanted, seconds=20):
    end = time.monotonic() + seconds
    text = ""
    while time.monotonic() < end:
        text = tmux(home, "capture-pane", "-p").stdout
        if wanted in text:
            return text
        time.sleep(0.05)
    raise AssertionError("never saw %r; screen:\n%s" % (wanted, text))


def test_suspend_in_tmux(home):
    command = "%s -m %s --temp 0 --max-tokens 8" % (BORA, SMALL)
    tmux(home, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "bash --norc --noprofile -i")
    try:
        tmux(home, "send-keys", "PS1='shell> '", "Enter")
        see(home, "shell>")
        tmux(home, "send-keys", command, "Enter")
        see(home, "›")
        tmux(home, "send-keys", "hello there")
        see(home, "hello there")
        tmux(home, "send-keys", "C-z")
        see(home, "Stopped")
        tmux(home, "send-keys", "fg", "Enter")
        assert "Stopped" not in see(home, "hello there")
        tmux(home, "send-keys", "C-c")
        tmux(home, "send-keys", "C-c")
        see(home, "shell>")
    finally:
        tmux(home, "kill-server")


def test_copy_reaches_the_clipboard_of_tmux(home):
    command = "%s -m %s --temp 0 --max-tokens 8" % (BORA, SMALL)
    tmux(home, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command)
    try:
        tmux(home, "set", "-s", "set-clipboard", "on")
        see(home, "›")
        tmux(home, "send-keys", "Say hello.", "Enter")
        see(home, "saved")
        tmux(home, "send-keys", "/copy", "Enter")
        see(home, "OSC 52")
        answer = home.messages()[-1]["content"]
        assert tmux(home, "show-buffer").stdout.rstrip("\n") == answer.rstrip("\n")
    finally:
        tmux(home, "kill-server")


def test_line_mode_interrupt(home):
    with home.chat(term="dumb") as chat:
        chat.wait_for(">", 25)
        chat.send(LONG + "\n")
        chat.wait_for("old ship.", 25)
        chat.wait(lambda text: len(text.split("old ship.")[-1].split()) > 5, 25, "an answer")
        chat.send("\x03")
        chat.wait_for("[interrupted]")
        chat.send("/exit\n")
        assert chat.wait_exit() == 0
    user, answer = home.messages()
    assert answer["status"] == "partial" and answer["content"]


def test_no_save(home):
    """Versions and all, but nothing of it on the disk."""
    with home.chat("-n", "--max-tokens", "8") as chat:
        ready(chat)
        send(chat, "Say a word about the Kattegat")
        chat.wait_for("cut off")
        chat.send("\033[15~")  # F5
        chat.wait_for("‹2/2›")
        assert "saved" not in chat.text()
        chat.send("\x04")
        chat.wait_exit()
    left = [path for path in home.path.rglob("*") if path.is_file() and b"Kattegat" in path.read_bytes()]
    assert left == []
    assert not (home.path / "data" / "sessions.db").exists() and not (home.path / "data" / "cache").exists()
