"""Every kernel set that this CPU has gives the real models' answers and log-probabilities to the byte."""
import os
import re
import subprocess

import pytest

from test_chat import BORA, MODELS, SMALL, Home

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

BEGINNING = "The three primary colours are"
TEXT = "def add(a, b):\n    return a + b  # the sum"


@pytest.fixture(name="home")
def a_home(tmp_path):
    return Home(tmp_path)


def run(home, isa, *arguments, text=""):
    return subprocess.run([BORA, *arguments], env=dict(home.env, BORA_ISA=isa), input=text, capture_output=True, text=True,
                          timeout=300, check=False)


def kernel_sets(home):
    """The program names them to whoever asks for one that is not there; the last one is the plain reference."""
    refused = run(home, "none-such", "-m", SMALL, "-n", "-p", BEGINNING)
    assert refused.returncode == 1 and refused.stdout == ""
    names = re.search(r"choose from: (.*)$", refused.stderr.strip()).group(1).split(", ")
    assert names[-1] == "reference" and len(set(names)) == len(names)
    return names


def answer(home, isa, tokens):
    done = run(home, isa, "-m", SMALL, "-n", "--temp", "0", "--max-tokens", str(tokens), "--raw", "-p", BEGINNING)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_the_same_answer(home):
    *fast, reference = kernel_sets(home)
    answers = {isa: answer(home, isa, 32) for isa in fast}
    assert len(set(answers.values())) <= 1, answers
    plain = answer(home, reference, 6)  # slow
    assert plain and all(a.startswith(plain) and len(a) > len(plain) for a in answers.values()), (plain, answers)


@pytest.mark.parametrize("model,cache,text", [("smollm2-135m-instruct-q4_1", "f16", TEXT),
                                              ("gemma-3-270m-q4_k_m", "q8_0", TEXT[:24]),
                                              ("qwen2.5-coder-0.5b-instruct-q4_k_m", "f32", TEXT[:11])])
def test_the_same_log_probabilities(home, model, cache, text):
    path = os.path.join(MODELS, model + ".gguf")
    if not os.path.exists(path):
        pytest.skip("this model is not here")
    first = None
    for isa in kernel_sets(home):
        scored = run(home, isa, "score", "-m", path, "--kv-type", cache, "--top", "100", text=text)
        assert scored.returncode == 0, scored.stderr
        first = first or scored.stdout
        assert len(first.splitlines()) > 2
        assert scored.stdout == first, isa
