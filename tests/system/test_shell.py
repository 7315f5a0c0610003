"""bora in pipes and scripts: what is on standard output, what on standard error, and the exit code."""
import json
import os
import signal
import subprocess
import unicodedata

import pytest

from program import BORA, MODELS, SMALL, needs_small

CODER = os.path.join(MODELS, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")

DIFF = """diff --git a/list.c b/list.c
--- a/list.c
+++ b/list.c
@@ -10,6 +10,8 @@ struct node *list_reverse(struct node *head)
 {
 \tstruct node *before = NULL;
+\tif (!head)
+\t\treturn NULL;
 \twhile (head) {
"""


@pytest.fixture
def bora(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("BORA_MODEL", "NO_COLOR")}
    env.update({"BORA_%s_DIR" % name: str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")})
    env.update(HOME=str(tmp_path), BORA_LANG="en", BORA_MODELS_DIR=MODELS)

    def run(*arguments, stdin="", model=SMALL, text=True):
        words = ["-m", model] if model else []
        return subprocess.run([BORA, *arguments, *words], input=stdin, env=env, capture_output=True, text=text,
                              timeout=60)
    run.env, run.path = env, tmp_path
    return run


def own_role(bora, name, text):
    folder = bora.path / "config" / "roles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def cells(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@needs_small
@pytest.mark.parametrize("model", [SMALL, CODER])
def test_commit_message(bora, model):
    if not os.path.exists(model):
        pytest.skip("this model is not here")
    done = bora("--role", "commit", stdin=DIFF, model=model)
    assert done.returncode == 0 and done.stderr == ""
    subject, *body = done.stdout.rstrip("\n").split("\n")
    assert 0 < cells(subject) <= 72 and "```" not in done.stdout
    assert not body or (body[0] == "" and body[1])
    assert not subject.endswith((".", ":", '"')) and not subject.startswith(('"', "`", "*"))
    assert bora("sessions", "ls", "--json", model=None).stdout.strip() == "[]"


@needs_small
def test_extract(bora):
    own_role(bora, "parrot", "---\ntemp = 0\nmax-tokens = 60\n---\nAnswer with a Python code block that prints hello.")
    whole = bora("--role", "parrot", "-n", "Go on").stdout
    assert whole.count("```") == 2, whole
    inner = whole.split("```")[1].split("\n", 1)[1]
    done = bora("--role", "parrot", "-n", "-x", "Go on")
    assert (done.returncode, done.stdout) == (0, inner)
    assert bora("--role", "parrot", "-n", "--extract=1", "Go on").stdout == inner
    missing = bora("--role", "parrot", "-n", "-x2", "Go on")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "bora: The answer has no code block 2: there is one\n"
    objects = json.loads(bora("--role", "parrot", "-n", "-x", "--json", "Go on").stdout)
    assert objects["extracted"] == inner and objects["content"] + "\n" == whole
    assert json.loads(bora("--role", "parrot", "-n", "-x2", "--json", "Go on").stdout)["extracted"] is None


@needs_small
def test_stream_json(bora):
    done = bora("--stream-json", "--temp", "0", "--max-tokens", "12", "Name three colours.")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [line["type"] for line in lines[:2]] == ["start", "delta"] and lines[-1]["type"] == "done"
    assert len(lines) > 4
    assert "".join(line["text"] for line in lines[1:-1]) == lines[-1]["content"]
    assert lines[0]["session"] == lines[-1]["session"] and lines[-1]["finish_reason"] == "length"
    assert lines[-1]["usage"]["completion_tokens"] == 12 and lines[-1]["timings"]["predicted_ms"] > 0
    failed = bora("--stream-json", "word " * 3000, "--ctx-size", "512")
    last = json.loads(failed.stdout.splitlines()[-1])
    assert failed.returncode == 1 and last["type"] == "error" and last["message"] in failed.stderr


@needs_small
def test_interrupt_and_closed_pipe(bora):
    argv = [BORA, "-m", SMALL, "-n", "--temp", "0", "Write a long story about the sea."]
    with subprocess.Popen(argv, env=bora.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(30) == 130 and process.stderr.read() == b""
    with subprocess.Popen(argv, env=bora.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.wait(30) == 1 and process.stderr.read() == b""


def test_usage(bora):
    for arguments, says in ((["--role", "comit", "x"], "did you mean commit?"), (["-x0", "x"], "--extract"),
                            (["--role", "translate", "x"], "translate:fr"), (["--tmep", "1"], "did you mean --temp?"),
                            (["--role", "translate:Klingonish", "x"], "Klingonish")):
        done = bora(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert says in done.stderr and done.stderr.count("\n") == 1


@needs_small
def test_what_is_piped_in(bora):
    """Any encoding is read, what is no text is refused, and an endless pipe ends."""
    words = ("-n", "--temp", "0", "--max-tokens", "8", "--json", "Repeat:")
    texts = []
    text = "Der größte Müller hört schöne Lieder, und die Bäcker grüßen früh am Morgen über die Straße."
    for data in (text.encode(), text.encode("latin-1")):
        done = bora(*words, stdin=data, text=False)
        assert done.returncode == 0, done
        texts.append(json.loads(done.stdout)["content"])
    assert texts[0] == texts[1]
    refused = bora(*words, stdin=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), text=False)
    assert refused.returncode == 1 and b"PNG" in refused.stderr and refused.stderr.count(b"\n") == 1
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as yes:
        endless = subprocess.run([BORA, "-m", SMALL, *words], stdin=yes.stdout, env=bora.env, capture_output=True,
                                 text=True, timeout=60)
        yes.stdout.close()
    assert endless.returncode == 1 and "16 MiB" in endless.stderr
    assert bora(*words).stderr == ""
    silent = bora(*words, "--role", "commit")
    assert silent.returncode == 0 and "nothing came in" in silent.stderr


@needs_small
def test_closed_and_full_outputs(bora):
    def shell(line, **env):
        return subprocess.run(["sh", "-c", line], env={**bora.env, "B": BORA, "M": SMALL, **env}, capture_output=True,
                              text=True, timeout=60)
    ask = '"$B" -m "$M" -n --max-tokens 4 -p hi'
    assert shell(ask + " <&-").returncode == 0
    for line in (ask + " </dev/null >&-", '"$B" models >&-', '"$B" config >/dev/full', '"$B" completion bash >/dev/full'):
        done = shell(line)
        assert done.returncode == 1 and done.stderr.startswith("bora: ") and done.stderr.count("\n") == 1, (line, done)
    log = shell(ask + " --log /nowhere/log </dev/null")
    assert log.returncode == 0 and "/nowhere/log" in log.stderr and log.stdout


@needs_small
def test_slips(bora):
    done = bora("-n", "--max-tokens", "4", "sesions")
    assert done.returncode == 0 and "bora sessions" in done.stderr
    assert "called" not in bora("-n", "--max-tokens", "4", "sesions", "of", "parliament").stderr
    both = bora("fim", "--prefix", "-", "--suffix", "-")
    assert both.returncode == 1 and "not both" in both.stderr


def test_a_configuration_that_cannot_be_read_stays(bora):
    config = bora.path / "config"
    config.mkdir()
    (config / "config").symlink_to("config")  # leads nowhere: cannot be opened, even by root
    done = bora("config", "set", "temp", "0.5", model=None)
    assert done.returncode == 1 and "cannot read" in done.stderr
    assert (config / "config").is_symlink()


def test_roles(bora):
    own_role(bora, "pirate", "You are a pirate.\n")
    names = [line.split()[0] for line in bora("roles", model=None).stdout.splitlines()]
    assert "pirate" in names and "translate:LANG" in names and names == sorted(names)
    listed = json.loads(bora("roles", "--json", model=None).stdout)
    assert [role["name"] for role in listed if role["own"]] == ["pirate"]
    shown = bora("roles", "show", "commit", model=None).stdout
    own_role(bora, "copy", shown)
    assert bora("roles", "show", "copy", model=None).stdout == shown
    assert bora("roles", "show", "nobody", model=None).returncode == 1


@needs_small
@pytest.mark.skipif(not os.path.exists(CODER), reason="the coder model is not here")
def test_fill_in_the_middle(bora):
    before, behind = bora.path / "before", bora.path / "behind"
    before.write_text("int max(int a, int b)\n{\n\tif (a > b)\n")
    behind.write_text("\treturn b;\n}\n")
    done = bora("fim", "--prefix", str(before), "--suffix", str(behind), model=CODER)
    assert done.returncode == 0 and done.stdout.startswith("\treturn a;\n"), done
    assert "}" not in done.stdout and "return b" not in done.stdout
    piped = bora("fim", "--prefix", "-", "--suffix", str(behind), "--json", stdin=before.read_text(), model=CODER)
    assert json.loads(piped.stdout)["content"] == done.stdout


@needs_small
def test_models_that_fill_no_gaps_are_refused(bora):
    before = bora.path / "before"
    before.write_text("one")
    done = bora("fim", "--prefix", str(before))
    assert (done.returncode, done.stdout) == (1, "") and "cannot fill gaps" in done.stderr
    assert bora("fim", model=None).returncode == 2
    missing = bora("fim", "--prefix", str(bora.path / "nowhere"))
    assert missing.returncode == 1 and missing.stderr.count("\n") == 1 and "nowhere" in missing.stderr


def test_configuration_file(bora):
    config = bora.path / "config" / "config"
    assert bora("config", "path", model=None).stdout == f"{config}\n"
    text = bora("config", "--print", model=None).stdout
    assert not config.exists()
    assert bora("config", "--init", model=None).returncode == 0
    assert config.read_text() == text and "#temp = 0.7\n" in text
    assert all(line.startswith("#") for line in text.splitlines() if line)
    refused = bora("config", "--init", model=None)
    assert refused.returncode == 1 and "stays as it is" in refused.stderr
    assert bora("config", "set", "temp", "0.3", model=None).returncode == 0
    assert config.read_text() == text.replace("#temp = 0.7\n", "temp = 0.3\n")
    config.write_text("# mine\ntemp = 0.1\ntemp = 0.2")
    bora("config", "set", "temp", "0.4", model=None)
    bora("config", "set", "lang", "fr", model=None)
    assert config.read_text() == "# mine\ntemp = 0.1\ntemp = 0.4\nlang = fr\n"
    assert bora("config", "get", "temp", model=None).stdout == "0.4\n"
    for words, says in ((["set", "temp", "hot"], "temp"), (["set", "tmep", "1"], "temp"), (["get", "prompt"], "prompt"),
                        (["set", "temp", "1\n2"], "one line")):
        done = bora("config", *words, model=None)
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1
    assert config.read_text().endswith("lang = fr\n")
    told = json.loads(bora("config", "--json", "--top-k", "4", model=None).stdout)
    assert told["temp"] == {"value": "0.4", "source": "file"} and told["top-k"]["source"] == "command-line"
    assert told["lang"] == {"value": "en", "source": "environment"} and told["top-p"]["source"] == "default"
    assert "temp = 0.4" in bora("config", model=None).stdout


def test_a_link_to_the_configuration_stays_one(bora):
    kept = bora.path / "dotfiles"
    kept.write_text("temp = 0.1\n")
    (bora.path / "config").mkdir()
    (bora.path / "config" / "config").symlink_to(kept)
    assert bora("config", "set", "temp", "0.2", model=None).returncode == 0
    assert (bora.path / "config" / "config").is_symlink() and kept.read_text() == "temp = 0.2\n"


def test_a_broken_configuration_can_be_mended(bora):
    (bora.path / "config").mkdir()
    config = bora.path / "config" / "config"
    config.write_text("top-k = 1\ntemp = hot\n")
    assert bora("roles", model=None).returncode == 2
    listed = bora("config", model=None)
    assert listed.returncode == 1 and "line 2" in listed.stderr and "top-p" in listed.stdout
    assert bora("config", "set", "temp", "1", model=None).returncode == 0
    assert bora("roles", model=None).returncode == 0
    bora.env["EDITOR"] = "sed -i s/1/2/"
    assert bora("config", "edit", model=None).returncode == 0
    assert config.read_text() == "top-k = 2\ntemp = 2\n"


def test_settings_that_are_not_known(bora):
    (bora.path / "config").mkdir()
    (bora.path / "config" / "config").write_text("tmep = 1\nlang = de\n")
    done = bora("roles", model=None)
    assert done.returncode == 0 and "translate" in done.stdout
    assert done.stderr.count("\n") == 1 and "1" in done.stderr and "temp" in done.stderr
