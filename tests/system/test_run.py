"""Code blocks of a conversation in the real program: run in the sandbox, copied, saved, applied and taken back."""
import base64
import json
import os
import re
import shutil
import stat

import pytest

from test_chat import BORA, SMALL, Home, ready, see, tmux

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

PROBE = """import os, socket
print(6 * 7)
def tell(what, fn):
    try:
        fn()
        print(what, "allowed")
    except OSError as error:
        print(what, "refused")
tell("secret", lambda: open(os.path.expanduser("~/.ssh/id_test")).read())
tell("internet", lambda: socket.create_connection(("127.0.0.1", 9), 1))
tell("home", lambda: open(os.path.expanduser("~/made"), "w"))
"""
BLOCKS = [
    ("python", PROBE),
    ("c", '#include <stdio.h>\nint main(void)\n{\n\tprintf("%d from c\\n", 6 * 7);\n\treturn 3;\n}\n'),
    ("sh", "echo $((6 * 7)) from sh\ncat ~/.ssh/id_test || echo kept from sh\n"),
    ("javascript", 'console.log(6 * 7 + " from node");\ntry { require("fs").readFileSync(process.env.HOME + '
                   '"/.ssh/id_test"); } catch (e) { console.log("kept from node"); }\n'),
    ("text", "plain words\n"),
]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.env["PATH"] = "/usr/bin:/bin"  # not what lies in the home of whoever runs the tests
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_test").write_text("heliotrope key\n")
    answer = "\n".join("```%s\n%s```\n" % block for block in BLOCKS)
    path = tmp_path / "talk.json"
    path.write_text(json.dumps([{"role": "user", "content": "Code, please."},
                                {"role": "assistant", "content": answer}]))
    imported = home.run("sessions", "import", str(path))
    assert imported.returncode == 0, imported.stderr
    return home


def run_block(chat, number, wanted):
    chat.send("/run %d\r" % number)
    chat.wait_for("Enter runs it")
    chat.send("\r")
    chat.wait_for(wanted, 30)
    chat.wait(lambda text: "exit code" in text.split(wanted)[-1], 30, "the end of block %d" % number)


def test_python_in_the_sandbox(home):
    with home.chat("-c", rows=50) as chat:
        ready(chat)
        run_block(chat, 1, "42")
        text = chat.text()
        assert "secret refused" in text and "internet refused" in text and "home refused" in text
        assert "heliotrope" not in text and not (home.path / "made").exists()


@pytest.mark.parametrize("number,program,wanted", [(2, "cc", "42 from c"), (3, "sh", "42 from sh"),
                                                   (4, "node", "42 from node")])
def test_other_languages(home, number, program, wanted):
    if not shutil.which(program):
        pytest.skip(program + " is not installed")
    with home.chat("-c", rows=50) as chat:
        ready(chat)
        run_block(chat, number, wanted)
        text = chat.text()
        assert "heliotrope" not in text
        assert number == 2 or "kept from" in text
        assert ("exit code 3" in text) == (number == 2)


def test_not_run_unless_asked(home):
    with home.chat("-c", rows=50) as chat:
        ready(chat)
        chat.send("/run 1\r")
        chat.wait_for("Enter runs it")
        chat.send("n")
        chat.wait_for("Nothing was run")
        assert "42" not in chat.text().split("/run")[-1].split("Nothing was run")[0]


def osc52(raw):
    return [base64.b64decode(m) for m in re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)", raw)]


def test_copy_outside_tmux(home):
    with home.chat("-c", env={"TMUX": "", "STY": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}) as chat:
        ready(chat)
        chat.send("/copy 3\r")
        chat.wait_for("OSC 52")
        assert osc52(chat.raw)[-1].decode() == BLOCKS[2][1]


def test_copy_inside_tmux(home):
    tmux(home, "-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "30", "%s -m %s -c" % (BORA, SMALL))
    try:
        tmux(home, "set", "-s", "set-clipboard", "on")
        see(home, "›")
        tmux(home, "send-keys", "/copy 2", "Enter")
        see(home, "OSC 52")
        assert tmux(home, "show-buffer").stdout == BLOCKS[1][1]
    finally:
        tmux(home, "kill-server")


@pytest.mark.parametrize("name,variable", [("wl-copy", "WAYLAND_DISPLAY"), ("xclip", "DISPLAY")])
def test_copy_by_a_helper(home, name, variable):
    folder = home.path / "bin"
    folder.mkdir()
    helper = folder / name
    helper.write_text('#!/bin/sh\ncat >"%s/copied.new" && mv "%s/copied.new" "%s/copied"\n' % ((home.path,) * 3))
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "PATH": "%s:%s" % (folder, home.env["PATH"])}
    env[variable] = ":test"
    with home.chat("-c", env=env) as chat:
        ready(chat)
        chat.send("/copy 4\r")
        chat.wait_for(name)
        assert (home.path / "copied").read_text() == BLOCKS[3][1]


def test_save_and_apply_and_revert(home):
    target = home.path / "notes.txt"
    with home.chat("-c", rows=40) as chat:
        ready(chat)
        chat.send("/save 5 notes.txt\r")
        chat.wait_for("Written: notes.txt")
        assert target.read_text() == "plain words\n"
        chat.send("/save 2 notes.txt\r")
        chat.wait_for("exists")
        assert target.read_text() == "plain words\n"
        target.write_text("other words\n")
        chat.send("/apply 5 notes.txt\r")
        chat.wait_for("Enter writes it")
        text = chat.text()
        assert "-other words" in text and "+plain words" in text  # the preview
        assert target.read_text() == "other words\n"
        chat.send("\r")
        chat.wait_for("/revert takes it back")
        assert target.read_text() == "plain words\n"
        chat.send("/revert\r")
        chat.wait_for("as it was before")
        assert target.read_text() == "other words\n"
