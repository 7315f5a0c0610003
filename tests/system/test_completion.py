"""Words completed by real shells, with the script that bora gives them."""
import os
import shutil
import subprocess

import pytest

from program import BORA
from terminal import Terminal

TAB = "\t"


@pytest.fixture
def env(tmp_path):
    env = {"BORA_%s_DIR" % name: str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE", "MODELS")}
    env.update(HOME=str(tmp_path), BORA_LANG="en", PATH=f"{tmp_path}:{os.environ['PATH']}", INPUTRC="/dev/null", PS1="ready> ")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "parrot-7b.gguf").write_text("")
    (tmp_path / "bora").symlink_to(BORA)
    (tmp_path / "letter.txt").write_text("")
    (tmp_path / "config" / "roles").mkdir(parents=True)
    (tmp_path / "config" / "roles" / "pirate").write_text("You are a pirate.")
    return env


def words(env, *line):
    done = subprocess.run([BORA, "completion", "words", "--", *line], env=dict(os.environ, **env), capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 0 and done.stderr == ""
    return [each.split(TAB)[0] for each in done.stdout.splitlines()]


def test_words(env):
    assert {"--role", "--raw", "--repeat-penalty"} <= set(words(env, "--r"))
    assert words(env, "--theme=da") == ["--theme=dark"]
    assert words(env, "--kv-type", "") == ["f16", "q8_0", "f32"]
    assert words(env, "--role", "pi") == ["pirate"]
    assert {"translate:fr", "translate:"} <= set(words(env, "--role", "tra"))
    assert words(env, "-m", "par") == ["parrot-7b"]
    assert words(env, "sess") == ["sessions"]
    assert {"ls", "show", "export"} <= set(words(env, "sessions", ""))
    assert words(env, "config", "set", "min") == ["min-p"]
    assert words(env, "roles", "show", "co") == ["code", "commit"]
    assert words(env, "-f", "") == [""] and words(env, "fim", "--prefix", "") == [""]
    assert words(env, "tell", "me") == [] and words(env, "-p", "sess") == []


def shell(name, env, tmp_path):
    if not shutil.which(name):
        pytest.skip(f"{name} is not here")
    script = subprocess.run([BORA, "completion", name], capture_output=True, text=True).stdout
    (tmp_path / "script").write_text(script)
    start = {"bash": "source ./script", "fish": "source ./script",
             "zsh": "autoload -Uz compinit; compinit -u -D; source ./script; PS1='ready> '; unsetopt AUTO_MENU"}[name]
    argv = {"bash": ["bash", "--norc", "--noprofile"], "zsh": ["zsh", "-f"], "fish": ["fish", "--no-config"]}[name]
    terminal = Terminal(argv, env=env, cwd=str(tmp_path), columns=100)
    terminal.wait(lambda text: text.rstrip().endswith((">", "#", "%", "$")), what="a prompt")
    terminal.send(start + "; echo be''gin\r")
    terminal.wait_for("begin")
    return terminal


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("typed, completed", [
    ("bora --the", "bora --theme"), ("bora --theme=lig", "bora --theme=light"), ("bora --role pir", "bora --role pirate"),
    ("bora --role translate:ko", "bora --role translate:ko "), ("bora -m par", "bora -m parrot-7b"),
    ("bora -f let", "bora -f letter.txt"), ("bora config set min", "bora config set min-p")])
def test_shells(name, typed, completed, env, tmp_path):
    with shell(name, env, tmp_path) as terminal:
        terminal.send(typed + TAB)
        terminal.wait_for(completed.rstrip())
        terminal.send("X")
        terminal.wait_for(completed.rstrip() + (" X" if not completed.endswith("theme") else ""))
