"""`bora sessions`: the forms and the JSON that scripts rely on."""

import json
import os
import subprocess

import pytest

from program import BORA, ROOT


CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is 東京都庁?"},
    {"role": "assistant", "content": "In Shinjuku. \u001b[31mred\u001b[0m"},
    {"role": "user", "content": "شكرا"},
]


class Sessions:
    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, BORA_DATA_DIR=str(folder / "data"), BORA_STATE_DIR=str(folder / "state"),
                                BORA_CONFIG_DIR=str(folder / "config"), BORA_LANG="en", TZ="UTC")

    def run(self, *words, input=None, code=0):
        result = subprocess.run([BORA, "sessions", *map(str, words)], input=input, capture_output=True, text=True,
                                timeout=20, env=self.environment)
        assert result.returncode == code, result.stderr
        if code:
            assert result.stderr.startswith("bora: ") and result.stderr.count("\n") == 1, result.stderr
        return result

    def json(self, *words):
        return json.loads(self.run(*words, "--json").stdout)

    def add(self, chat=CHAT, name="chat.json"):
        (self.folder / name).write_text(json.dumps(chat))
        assert self.run("import", self.folder / name).stdout == f"{self.folder / name}: 1 conversation imported\n"
        return self.json("ls")[0]["id"]


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def test_list(sessions):
    assert sessions.json("ls") == []
    name = sessions.add()
    listed = sessions.json()
    assert len(listed) == 1
    assert {"id", "title", "created", "updated", "messages", "model", "tokens"} <= set(listed[0])
    assert listed[0]["id"] == name and listed[0]["messages"] == 3
    line = sessions.run().stdout
    assert line.startswith(name) and line.count("\n") == 1 and "3 messages" in line


def test_show(sessions):
    name = sessions.add()
    shown = sessions.json("show", name)
    assert shown["id"] == name
    assert [m["role"] for m in shown["messages"]] == ["user", "assistant", "user"]
    assert [(m["id"], m["parent"]) for m in shown["messages"]] == [(1, None), (2, 1), (3, 2)]
    assert {"id", "parent", "role", "content", "status", "model", "created"} <= set(shown["messages"][0])
    assert shown["messages"][1]["content"] == CHAT[2]["content"]
    assert shown["messages"][1]["status"] == "complete"
    # A pipe gets the text as it is.
    assert CHAT[2]["content"] in sessions.run("show", name).stdout
    assert sessions.json("show", name[:9])["id"] == name
    assert sessions.json("show", name.upper())["id"] == name


def test_terminal_is_protected(sessions):
    name = sessions.add()
    command = f"{BORA} sessions show {name}"
    result = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=20,
                            env=sessions.environment)
    assert "\u001b" not in result.stdout
    assert "\u241b[31mred" in result.stdout


def test_search(sessions):
    name = sessions.add()
    hits = sessions.json("search", "東京")
    assert [(hit["session"], hit["message"]) for hit in hits] == [(name, 1)]
    assert "東京都庁" in hits[0]["snippet"]
    assert sessions.json("search", "SHINJUKU")[0]["message"] == 2
    assert sessions.json("search", "nowhere") == []


@pytest.mark.parametrize("form", ["json", "md", "html", "txt"])
def test_export(sessions, form):
    name = sessions.add()
    out = sessions.folder / f"out.{form}"
    printed = sessions.run("export", name, "--format", form).stdout
    assert "東京都庁" in printed and "شكرا" in printed
    sessions.run("export", name, "-o", out)
    assert out.read_text() == printed
    assert "there is such a file" in sessions.run("export", name, "-o", out, code=1).stderr
    assert out.read_text() == printed
    if form in ("json", "md"):
        sessions.run("rm", name)
        sessions.run("import", out)
        assert sessions.run("export", name, "--format", form).stdout == printed


def test_changes(sessions):
    first, second = sessions.add(), sessions.add(name="other.json")
    sessions.run("rename", first, "Reise", "nach", "Kyoto")
    sessions.run("pin", first)
    listed = sessions.json("ls")
    assert [entry["id"] for entry in listed] == [first, second]
    assert listed[0]["title"] == "Reise nach Kyoto"
    sessions.run("unpin", first)
    assert [entry["id"] for entry in sessions.json("ls")] == [second, first]
    fork = sessions.run("fork", first, "--at", 2).stdout.strip()
    assert [m["content"] for m in sessions.json("show", fork)["messages"]] == [m["content"] for m in CHAT[1:3]]
    assert "no message 9" in sessions.run("fork", first, "--at", 9, code=1).stderr
    # One wrong ID, and none is deleted.
    sessions.run("rm", first, "zzzzzzzzzz", code=1)
    assert len(sessions.json("ls")) == 3
    sessions.run("rm", first, fork)
    assert [entry["id"] for entry in sessions.json("ls")] == [second]


def test_refused_import(sessions):
    bad = sessions.folder / "bad.json"
    bad.write_text('[{"role":"user","content":"x"},{"role":"wizard","content":"y"}]')
    assert str(bad) in sessions.run("import", bad, code=1).stderr
    sessions.run("import", sessions.folder / "missing.json", code=1)
    assert sessions.json("ls", "--all") == []


def test_check(sessions):
    sessions.add()
    assert sessions.run("check").stdout == "The store is sound.\n"
    store = sessions.folder / "data" / "sessions.db"
    with open(store, "r+b") as file:
        file.write(b"\0" * 100)
    broken = subprocess.run([BORA, "sessions", "check"], capture_output=True, text=True, env=sessions.environment)
    assert broken.returncode == 1 and "not sound" in broken.stdout
    repaired = sessions.run("check", "--repair").stdout
    assert "3 messages of 1 sessions were saved" in repaired and repaired.endswith("The store is sound.\n")
    assert sessions.json("ls")[0]["messages"] == 3


def test_mentions_salvage(sessions):
    sessions.add()
    (sessions.folder / "data" / "sessions.db").write_bytes(b"garbage" * 1000)
    result = sessions.run("ls")
    assert result.stdout == ""
    assert "the damaged file is kept as" in result.stderr


def test_usage(sessions):
    sessions.run("bogus", code=2)
    sessions.run("show", code=2)
    sessions.run("rename", "x", code=2)
    sessions.run("show", "zzzz", code=1)


def test_search_table(sessions):
    """What is said in thirteen languages is found by the words that people look for."""
    table = [line.split("\t") for line in (ROOT / "tests/sessions/search_table.txt").read_text().splitlines()
             if line and line[0] != "#"]
    chats = [{"title": str(i), "messages": [{"role": "user", "content": said}]} for i, (_, said, _) in enumerate(table)]
    (sessions.folder / "table.json").write_text(json.dumps(chats))
    sessions.run("import", sessions.folder / "table.json")
    missing = []
    for i, (language, said, query) in enumerate(table):
        found = any(hit["title"] == str(i) for hit in sessions.json("search", query))
        if found != (language != "!="):
            missing.append((language, said, query))
    assert len(table) >= 60 and missing == []


def test_backup(sessions):
    name = sessions.add()
    copy = sessions.folder / "copy" / "data"
    copy.mkdir(parents=True)
    assert sessions.run("backup", copy / "sessions.db").stdout.startswith(f"{copy}/sessions.db: ")
    sessions.run("rm", name)
    assert sessions.run("backup", copy / "sessions.db", code=1).stderr.count("such a file already") == 1
    sessions.run("backup", sessions.folder / "nowhere" / "x.db", code=1)
    assert Sessions(sessions.folder / "copy").json("ls")[0]["id"] == name
    assert not list(copy.glob("*.part*"))


def test_restore(sessions):
    name, copy = sessions.add(), sessions.folder / "copy.db"
    sessions.run("backup", copy)
    sessions.run("rm", name)
    later = sessions.add()
    said = sessions.run("restore", copy).stdout
    assert [session["id"] for session in sessions.json("ls")] == [name]
    assert sessions.run("check").returncode == 0
    # What was there is kept, and is a copy like any other.
    kept = said.strip().rsplit(" ", 1)[1]
    sessions.run("restore", kept)
    assert [session["id"] for session in sessions.json("ls")] == [later]
    for wrong in (b"", b"garbage" * 1000, copy.read_bytes()[:9000]):
        (sessions.folder / "wrong.db").write_bytes(wrong)
        assert "wrong.db" in sessions.run("restore", sessions.folder / "wrong.db", code=1).stderr
    sessions.run("restore", sessions.folder / "nowhere.db", code=1)
    assert [session["id"] for session in sessions.json("ls")] == [later]
    assert not list((sessions.folder / "data").glob("*.restored*"))
