"""The first run: a page once, what to type without a model, and nothing on the network that was not asked for."""
import os
import re
import shutil
import subprocess

import pytest

from program import BORA, MODELS, SMALL, needs_small
from terminal import Terminal


@pytest.fixture
def environment(tmp_path):
    places = {f"BORA_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE", "MODELS")}
    return dict(places, HOME=str(tmp_path), BORA_LANG="en", INPUTRC="/dev/null", OLLAMA_MODELS=str(tmp_path / "ollama"),
                HF_HOME=str(tmp_path / "hf"), LLAMA_CACHE=str(tmp_path / "llama"), XDG_CACHE_HOME=str(tmp_path / "c"))


@needs_small
def test_the_page_comes_once(environment, tmp_path):
    page = {"en": "This is shown once", "fr": "une fois"}
    for language, words in (("en", page["en"]), ("en", None), ("fr", None)):
        environment["BORA_LANG"] = language
        with Terminal([BORA, "-m", SMALL], env=environment, columns=100) as terminal:
            if words:
                terminal.wait_for(words)
                terminal.wait_for(str(tmp_path / "config"))
                terminal.send("/new\r")
                terminal.wait(lambda text: "Hello!" in text and "Settings:" not in text, what="a new conversation")
            terminal.wait_for("0/8k")  # the model is there, and with it the whole screen
            assert page[language] not in terminal.text()
            terminal.send("\x04")
            assert terminal.wait_exit() == 0


def test_without_a_model(environment, tmp_path):
    for answer in ("n\r", "\r", "\x04"):
        with Terminal([BORA], env=environment, columns=120) as terminal:
            terminal.wait_for("[y/N]")
            text = terminal.text()
            for words in ("bora pull default", "bora pull small", "bora -m FILE.gguf", "1,117 MB", "Apache-2.0"):
                assert words in text
            assert "tests only" not in text
            terminal.send(answer)
            assert terminal.wait_exit() == 1
    one_shot = subprocess.run([BORA, "-p", "x"], env=dict(os.environ, **environment), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert one_shot.returncode == 1 and one_shot.stderr.count("\n") == 1 and "bora pull default" in one_shot.stderr


def test_yes_fetches_it(environment, tmp_path):
    """Nobody answers there: what is tried, and that the program says so and ends."""
    nowhere = dict(environment, HF_ENDPOINT="http://127.0.0.1:9", PATH="/nowhere")
    with Terminal([BORA], env=nowhere, columns=120, rows=40) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send("y\r")
        terminal.wait_for("cannot be reached")
        terminal.wait_for("python3")
        assert terminal.wait_exit() == 1


def connections(trace):
    """Sockets of the internet, and connections but to the file system's own."""
    wanted = re.compile(r"(socket\((?!AF_UNIX|AF_LOCAL)|(connect|sendto|bind)\([^{]*\{sa_family=(?!AF_UNIX|AF_LOCAL))")
    return [line for line in trace.splitlines() if wanted.search(line)]


@needs_small
@pytest.mark.skipif(not shutil.which("strace"), reason="watches the calls")
def test_nothing_goes_to_the_network(environment, tmp_path):
    environment["BORA_MODELS_DIR"] = MODELS

    def traced(*arguments):
        return ["strace", "-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=%network", BORA, *arguments]

    with Terminal(traced("-m", SMALL, "--temp", "0", "--max-tokens", "8"), env=environment) as terminal:
        terminal.wait_for("Hello!")
        terminal.send("Say hello.\r")
        terminal.wait(lambda text: "saved" in text and "tok/s" in text, 60, "an answer")
        terminal.send("\x1bOS")  # the list of models
        terminal.wait_for("98 MB")
        terminal.send("\x1b")
        terminal.wait_gone("98 MB")
        terminal.send("\x04")
        assert terminal.wait_exit(30) == 0
    assert connections((tmp_path / "trace").read_text()) == []
    for arguments in (("models",), ("-m", SMALL, "-n", "--max-tokens", "4", "-p", "Hi"), ("--version",)):
        done = subprocess.run(traced(*arguments), env=dict(os.environ, **environment), capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stderr
        assert connections((tmp_path / "trace").read_text()) == []
    # The watching itself works: what is asked for is seen.
    environment["BORA_MODELS_DIR"] = str(tmp_path / "models")
    subprocess.run(traced("pull", "http://127.0.0.1:9/x-q4_0.gguf"), env=dict(os.environ, **environment),
                   capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert connections((tmp_path / "trace").read_text())
