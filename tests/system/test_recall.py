"""Conversations go on where they were: in another process, after kill -9, in a fork; and what that may cost on disk."""
import json
import os
import shutil
import signal
import stat
import subprocess
import time

import pytest

from program import BORA, MODELS, SMALL, needs_small


pytestmark = needs_small
QUESTION = "What is the capital of France?"
LONG = "Write a long story about the sea, the wind and an old ship."


class Home:
    """Folders of its own; one question is one process."""

    def __init__(self, path):
        self.data, self.log = path / "data", path / "log"
        self.env = dict(os.environ, HOME=str(path), BORA_LANG="en", BORA_MODELS_DIR=MODELS)
        self.env.update({"BORA_%s_DIR" % name: str(path / name.lower()) for name in ("CONFIG", "DATA", "STATE")})

    def command(self, *arguments):
        return [BORA, "-m", SMALL, "--temp", "0", "--threads", "2", "--log", str(self.log), *arguments]

    def run(self, *arguments, given=""):
        return subprocess.run(arguments, env=self.env, input=given, capture_output=True, text=True, timeout=60)

    def ask(self, text, session=None, *more, tokens=16):
        arguments = ["-p", text, "--json", "--max-tokens", str(tokens), *more]
        result = self.run(*self.command(*arguments, *(["--session", session] if session else [])))
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def sessions(self):
        return json.loads(self.run(BORA, "sessions", "ls", "--json").stdout)

    def caches(self):
        return sorted(path.name for path in (self.data / "cache").glob("*")) if (self.data / "cache").exists() else []


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def held(answer):
    """Tokens that the context holds after an answer: also what closes it, <|im_end|> and a line break in ChatML."""
    usage = answer["usage"]
    return usage["prompt_tokens"] + usage["completion_tokens"] + 2


# ChatML's two, SmolLM2's and Qwen's, and Gemma's: what a question adds to a conversation.
TURNS = {"smollm2-135m-instruct-q4_1": "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n",
         "qwen2.5-coder-0.5b-instruct-q4_k_m": "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n",
         "gemma-3-270m-q4_k_m": "<start_of_turn>user\n%s<end_of_turn>\n<start_of_turn>model\n"}


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("tokens", [5, 40])
def test_all_but_the_new_turn_is_known(home, name, tokens):
    model = os.path.join(MODELS, name + ".gguf")
    if not os.path.exists(model):
        pytest.skip("the model is not here")
    answer = home.ask(QUESTION, None, "-m", model, tokens=tokens)
    for question in ("And of Spain?", "Which is larger?", "Why?"):
        following = home.ask(question, answer["session"], "-m", model, tokens=tokens)
        turn = home.run(BORA, "tokenize", "-m", model, "--special", "--no-bos", given=TURNS[name] % question)
        usage = following["usage"]
        assert usage["prompt_tokens"] - usage["cached_tokens"] == len(turn.stdout.split()), turn.stderr
        answer = following
    folder = home.data / "cache"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_a_conversation_keeps_its_system_prompt(home):
    answer = home.ask(QUESTION, None, "--system", "You are a pirate.")
    assert home.ask("And of Spain?", answer["session"])["usage"]["cached_tokens"] == held(answer)
    other = home.ask("And of Italy?", answer["session"], "--system", "You are a monk.")
    assert 0 < other["usage"]["cached_tokens"] < held(answer)


def test_the_answer_is_that_of_a_model_that_read_it_all(home, tmp_path):
    answer = home.ask(QUESTION)
    shutil.copytree(home.data, tmp_path / "cold")
    warm = home.ask("And of Spain?", answer["session"])
    shutil.rmtree(home.data)
    shutil.move(tmp_path / "cold", home.data)
    shutil.rmtree(home.data / "cache")
    cold = home.ask("And of Spain?", answer["session"])
    assert cold["usage"]["cached_tokens"] == 0 < warm["usage"]["cached_tokens"]
    assert cold["content"] == warm["content"]


@pytest.mark.parametrize("moment", [0.15, 0.4, 0.7, 1.1, 1.6, 2.3])
def test_killed(home, tmp_path, moment):
    """Whatever the file holds then is right, and the conversation goes on as from a file that is not there."""
    process = subprocess.Popen(home.command("-p", LONG, "--max-tokens", "400"), env=home.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not home.data.exists() or not home.sessions():
        return
    shutil.copytree(home.data, tmp_path / "cold")
    session = home.sessions()[0]["id"]
    warm = home.ask("Go on.", session)
    shutil.rmtree(home.data)
    shutil.move(tmp_path / "cold", home.data)
    shutil.rmtree(home.data / "cache", ignore_errors=True)
    assert home.ask("Go on.", session)["content"] == warm["content"]
    if moment > 1.5:
        assert warm["usage"]["cached_tokens"] > 30


def test_forks_share_and_part(home):
    answer = home.ask(QUESTION, None, tokens=64)
    before = home.sessions()[0]["cached_bytes"]
    fork = home.run(BORA, "sessions", "fork", answer["session"]).stdout.strip()
    assert sum(session["cached_bytes"] for session in home.sessions()) <= before + 4096
    left, right = home.ask("And of Spain?", answer["session"]), home.ask("And of Italy?", fork)
    assert left["usage"]["cached_tokens"] == held(answer) <= right["usage"]["cached_tokens"]
    for session, last in ((answer["session"], left), (fork, right)):
        assert home.ask("Why?", session)["usage"]["cached_tokens"] == held(last)
    assert home.run(BORA, "sessions", "rm", answer["session"]).returncode == 0
    assert home.caches() == [fork + ".kv"]
    assert home.ask("So?", fork)["usage"]["cached_tokens"] > held(right)


def test_list_says_what_is_ready(home):
    answer = home.ask(QUESTION)
    cold = home.ask(QUESTION, None, "--cache-limit", "0")
    listed = {session["id"]: session["cached_bytes"] for session in home.sessions()}
    assert listed[answer["session"]] > 0 == listed[cold["session"]]
    lines = home.run(BORA, "sessions", "ls").stdout.splitlines()
    assert ["ready" in line for line in lines] == [answer["session"] in line for line in lines]


def test_nothing_is_kept_of_what_is_not_saved(home):
    home.ask(QUESTION, None, "-n")
    home.run(*home.command("--raw", "-p", "Once upon a time", "--max-tokens", "8"))
    assert home.caches() == []


def test_limit(home):
    """The ones used longest ago go first, and the last one stays."""
    ids = []
    for i in range(4):
        ids.append(home.ask("Count to %d." % (i + 5), None, "--cache-limit", "0.003")["session"])
    kept = [name.removesuffix(".kv") for name in home.caches()]
    assert ids[3] in kept and ids[0] not in kept
    assert sum(path.stat().st_blocks * 512 for path in (home.data / "cache").iterdir()) <= 0.003 * 2**30
    assert "removed" in home.log.read_text()
    assert home.ask("And back.", ids[0])["usage"]["cached_tokens"] == 0


def test_a_damaged_file_costs_time_alone(home, tmp_path):
    answer = home.ask(QUESTION)
    shutil.copytree(home.data, tmp_path / "as-it-was")
    good = (home.data / "cache" / (answer["session"] + ".kv")).read_bytes()
    expected = home.ask("And of Spain?", answer["session"])["content"]
    for damaged in (b"", b"x" * 5000, good[:-100], good[:9] + b"\xff" + good[10:]):
        shutil.rmtree(home.data)
        shutil.copytree(tmp_path / "as-it-was", home.data)
        (home.data / "cache" / (answer["session"] + ".kv")).write_bytes(damaged)
        assert home.ask("And of Spain?", answer["session"])["content"] == expected
        assert home.run(BORA, "sessions", "check").returncode == 0
