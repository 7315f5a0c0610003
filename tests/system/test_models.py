"""bora models over the stores of a home of its own: listing, showing, removing."""
import json
import os
import subprocess

import pytest

from program import BORA
import tiny_gguf
from terminal import Terminal

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def home(tmp_path):
    class Home:
        path, models = tmp_path, tmp_path / "models"
        environment = dict({name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))},
                           HOME=str(tmp_path), BORA_DATA_DIR=str(tmp_path), BORA_STATE_DIR=str(tmp_path / "state"),
                           BORA_CONFIG_DIR=str(tmp_path / "config"), BORA_MODELS_DIR=str(tmp_path / "models"),
                           OLLAMA_MODELS=str(tmp_path / "ollama"), BORA_LANG="en")

        def bora(self, *arguments):
            return subprocess.run([BORA, *arguments], env=self.environment, capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False)

    home = Home()
    (home.models).mkdir()
    (home.models / "own.gguf").write_bytes(tiny_gguf.make())
    (home.models / "broken.gguf").write_bytes(b"GGUF and no more")
    blobs, names = tmp_path / "ollama" / "blobs", tmp_path / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "tiny"
    blobs.mkdir(parents=True)
    names.mkdir(parents=True)
    (blobs / f"sha256-{DIGEST}").write_bytes(tiny_gguf.make(seed=1))
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + DIGEST}
    (names / "1b").write_text(json.dumps({"layers": [layer]}))
    (names / "latest").write_text(json.dumps({"layers": [layer]}))
    snapshot = tmp_path / ".cache" / "huggingface" / "hub" / "models--me--x" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "shared.gguf").write_bytes(tiny_gguf.make(seed=2))
    cache = tmp_path / ".cache" / "llama.cpp"
    cache.mkdir(parents=True)
    (cache / "cached.gguf").write_bytes(tiny_gguf.make(seed=3))
    return home


def test_every_store_is_listed(home):
    models = json.loads(home.bora("models", "--json").stdout)
    assert {(model["name"], model["store"], model["usable"]) for model in models} == {
        ("own", "bora", True), ("broken", "bora", False), ("tiny:1b", "ollama", True), ("tiny:latest", "ollama", True),
        ("shared", "huggingface", True), ("cached", "llama.cpp", True)}
    assert {model["license"] for model in models if model["usable"]} == {"apache-2.0"}
    rows = home.bora("models").stdout.splitlines()
    assert len(rows) == 7 and rows[0].startswith("Name")
    assert "not usable" in next(row for row in rows if row.startswith("broken"))


def test_only_own_models_are_removed(home):
    for name, words in (("tiny:1b", "ollama rm tiny:1b"), ("shared", "huggingface-cli"), ("cached", "cached.gguf"),
                        ("ow", "no model 'ow'"), ("../own", "no model"), ("own.gguf", "no model")):
        done = home.bora("models", "rm", name)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    assert len(json.loads(home.bora("models", "--json").stdout)) == 6
    assert home.bora("models", "rm", "own").returncode == 0
    assert home.bora("models", "rm", "broken", "--yes").returncode == 0
    assert os.listdir(home.models) == [] and len(json.loads(home.bora("models", "--json").stdout)) == 4


def test_removing_asks_on_a_terminal(home):
    for answer, code in (("n\r", 1), ("\r", 1), ("\x04", 1), ("y\r", 0)):
        with Terminal([BORA, "models", "rm", "own"], env=home.environment) as terminal:
            terminal.wait_for("[y/N]")
            terminal.send(answer)
            assert terminal.wait_exit() == code
        assert (home.models / "own.gguf").exists() == (code == 1)
    with Terminal([BORA, "models", "rm", "broken"], env=dict(home.environment, BORA_LANG="fr")) as terminal:
        terminal.wait_for("[o/N]")
        terminal.send("Oui\r")
        assert terminal.wait_exit() == 0


def test_a_missing_model_says_what_to_type(home):
    for name in ("default", "gemma"):
        done = home.bora("-m", name, "-p", "x")
        assert done.returncode == 1 and f"bora pull {name}" in done.stderr and done.stderr.count("\n") == 1
