"""Models in several files: they answer as the whole does, are one model to everybody, and say what is wrong with them."""
import json
import os
import subprocess

import pytest

from program import BORA, SMALL, needs_small
from split_gguf import split


pytestmark = needs_small


@pytest.fixture
def bora(tmp_path):
    env = {k: v for k, v in os.environ.items() if not k.startswith("BORA_")}
    env.update(HOME=str(tmp_path), BORA_LANG="en", BORA_DATA_DIR=str(tmp_path / "data"))

    def run(*arguments):
        return subprocess.run([BORA, *map(str, arguments)], stdin=subprocess.DEVNULL, env=env, capture_output=True,
                              text=True, timeout=120)
    run.models = tmp_path / "data" / "models"
    run.models.mkdir(parents=True)
    return run


ASK = ("-n", "--temp", "0", "--max-tokens", "48", "-p", "Write a poem about the sea.")


@pytest.mark.parametrize("count, first_empty", [(2, False), (3, True)])
def test_the_same_answers(bora, count, first_empty):
    parts = split(SMALL, bora.models, "big", count, first_empty)
    whole, again = bora("-m", SMALL, *ASK), bora("-m", parts[0], *ASK)
    assert whole.returncode == again.returncode == 0, again
    assert whole.stdout == again.stdout and len(whole.stdout) > 40


def test_one_model(bora):
    parts = split(SMALL, bora.models, "big", 3)
    listed = json.loads(bora("models", "--json").stdout)
    assert [(m["name"], m["usable"], m["bytes"]) for m in listed] == [("big", True, sum(p.stat().st_size for p in parts))]
    shown = json.loads(bora("models", "show", "big", "--json").stdout)
    assert shown["tensors"] == 272 and shown["bytes"] == listed[0]["bytes"]
    assert bora("-m", "big", *ASK).stdout == bora("-m", parts[0].name, *ASK).stdout == bora("-m", SMALL, *ASK).stdout
    removed = bora("models", "rm", "big", "--yes")
    assert removed.returncode == 0 and not list(bora.models.glob("*.gguf")), removed


def refused(bora, model, *words):
    for arguments in (("-m", model, *ASK), ("models", "show", model)):
        done = bora(*arguments)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.count("\n") == 1 and all(word in done.stderr for word in words), done.stderr


def test_parts_that_are_not_in_order(bora):
    folder = bora.models
    parts = split(SMALL, folder, "big", 3)
    refused(bora, parts[1], "part 2 of 3", "big-00001-of-00003.gguf")
    parts[0].rename(folder / "renamed.gguf")
    refused(bora, folder / "renamed.gguf", "part 1 of 3", "-00001-of-00003.gguf")
    (folder / "renamed.gguf").rename(parts[0])

    second = parts[1].read_bytes()
    parts[1].unlink()
    refused(bora, parts[0], "big-00002-of-00003.gguf", "part 2 of 3")
    assert json.loads(bora("models", "--json").stdout)[0]["usable"] is False
    parts[1].write_bytes(parts[2].read_bytes())
    refused(bora, parts[0], "big-00002-of-00003.gguf", "not of one model")
    parts[1].write_bytes(second[:len(second) // 2])
    refused(bora, parts[0], "big-00002-of-00003.gguf", "cut short")
    parts[1].write_bytes(b"GGUF")
    refused(bora, parts[0], "big-00002-of-00003.gguf", "not a GGUF file")
    parts[1].unlink()
    parts[1].symlink_to("/dev/zero")
    refused(bora, parts[0], "big-00002-of-00003.gguf")
    parts[1].unlink()
    parts[1].write_bytes(second)
    assert bora("-m", parts[0], *ASK).returncode == 0


def test_parts_of_different_models(bora):
    split(SMALL, bora.models, "a", 3)
    others = split(SMALL, bora.models, "b", 3, first_empty=True)
    others[1].rename(bora.models / "a-00002-of-00003.gguf")  # other tensors, some of them twice
    refused(bora, bora.models / "a-00001-of-00003.gguf", "not of one model")
    lied = split(SMALL, bora.models, "c", 2, announced=3)
    refused(bora, lied[0], "not of one model")
    same = split(SMALL, bora.models, "d", 3, number=lambda i: min(i, 1))
    refused(bora, same[0], "d-00003-of-00003.gguf", "not of one model")
