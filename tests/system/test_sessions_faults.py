"""The store under faults: killed at any write, a disk that is full or failing, two
processes, folders that cannot be written, a clock that jumps, damaged pages.

What must hold: a step that was acknowledged is there afterwards, the store checks
as sound, nothing is stored twice, and every failure is one plain line."""

import os
import re
import shutil
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from program import ROOT

BUILD = os.environ.get("BUILD", "build/release")


FULL = os.environ.get("BORA_SWEEP") == "full"  # make kill-sweep: every point instead of some
TURNS = 4 if FULL else 2
swept = {}


@pytest.fixture(scope="session", autouse=True)
def tell():
    yield
    if FULL:
        print(f"\n{sum(swept.values())} points: " + ", ".join(f"{n} {name}" for name, n in sorted(swept.items())))


@pytest.fixture(scope="session")
def driver():
    target = f"{BUILD}/tests/sessions/store_driver"
    subprocess.run(["make", "-s", target], cwd=ROOT, check=True)
    return str(ROOT / target)


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def can(*command):
    try:
        return run(*command).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


needs_strace = pytest.mark.skipif(not can("strace", "-o", "/dev/null", "true"), reason="strace cannot trace here")


def inject(driver, folder, fault, turns=TURNS):
    return run("strace", "-qq", "-o", "/dev/null", "-e", f"inject={fault}", driver, folder, "talk", str(turns))


def count_calls(driver, folder, turns=TURNS):
    log = folder.parent / "calls"
    run("strace", "-qq", "-o", log, driver, folder, "talk", str(turns))
    names = re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.M)
    return {name: names.count(name) for name in set(names)}


def spread(count, most, name=None):
    """At most `most` numbers from 1 to count, both ends among them; all of them in a full sweep."""
    if name:
        swept[name] = swept.get(name, 0) + (count if FULL else min(count, most))
    if FULL or count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


def at_each(points, try_point):
    """What try_point says of every point, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(try_point, points))


def steps(output):
    """(prompts acknowledged, the last text acknowledged of each answer, failures)."""
    lines = output.splitlines()
    prompts = [line for line in lines if line.startswith("question-")]
    answers = {}
    for line in lines:
        if line.startswith("answer-"):
            answers[re.match(r"answer-\d+", line).group()] = line
    return prompts, answers, [line for line in lines if line.startswith("failed: ")]


def verify(driver, folder, output):
    """The store is sound and holds what was acknowledged, once."""
    if not (Path(folder) / "sessions.db").exists():
        assert not steps(output)[0]
        return ""
    check = run(driver, folder, "check")
    assert (check.returncode, check.stdout) == (0, "")
    dump = run(driver, folder, "dump")
    assert dump.returncode == 0, dump.stdout
    assert "notice:" not in dump.stdout
    prompts, answers, _ = steps(output)
    for prompt in prompts:
        assert len(re.findall(rf"^\d+ user complete {prompt}$", dump.stdout, re.M)) == 1
    for name, text in answers.items():
        stored = re.findall(rf"^\d+ assistant (\w+) ({name}\S*)$", dump.stdout, re.M)
        assert len(stored) == 1
        status, content = stored[0]
        # At most one step further than the last that was acknowledged, never behind it.
        assert content.startswith(text)
        assert (status == "complete") == content.endswith("d-3")
    return dump.stdout


@needs_strace
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "unlink", "openat"])
def test_killed_at_any_moment(driver, tmp_path, call):
    total = count_calls(driver, tmp_path / "count").get(call, 0)
    assert total > 5

    def kill(n):
        folder = tmp_path / str(n)
        result = inject(driver, folder, f"{call}:signal=SIGKILL:when={n}")
        verify(driver, folder, result.stdout)
        shutil.rmtree(folder, ignore_errors=True)
        return result.returncode != 0

    points = spread(total, 24, f"killed at {call}")
    assert sum(at_each(points, kill)) >= len(points) - 2


def damaged_store(driver, folder):
    """A store that has lost a page of its tree, as the first opening finds it."""
    run(driver, folder, "talk", "3")
    data = (folder / "sessions.db").read_bytes()
    (folder / "sessions.db").write_bytes(data[:4096] + os.urandom(4096) + data[8192:])


@needs_strace
def test_killed_at_any_moment_of_salvage(driver, tmp_path):
    """Salvage writes beside the damaged store and renames: at every moment one of the two is there, whole."""
    original = tmp_path / "original"
    damaged_store(driver, original)
    log = tmp_path / "calls"
    shutil.copytree(original, tmp_path / "count")
    whole = run("strace", "-qq", "-o", log, driver, tmp_path / "count", "dump")
    assert "notice:" in whole.stdout
    names = re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.M)
    rescued = sorted(re.findall(r"question-\d", whole.stdout))
    assert rescued
    call = "rename"

    def kill(n):
        folder = tmp_path / f"{call}{n}"
        shutil.copytree(original, folder)
        run("strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={n}", driver, folder, "dump")
        dump = run(driver, folder, "dump")
        assert dump.returncode == 0, dump.stdout
        assert sorted(re.findall(r"question-\d", dump.stdout)) == rescued
        assert run(driver, folder, "check").returncode == 0
        kept = [file.read_bytes() for file in folder.glob("sessions.db.damaged-*[0-9]")]
        assert (original / "sessions.db").read_bytes() in kept
        shutil.rmtree(folder)

    for call in ["rename", "link", "unlink", "fsync", "fdatasync", "pwrite64", "openat"]:
        at_each(spread(names.count(call), 4, f"salvage killed at {call}"), kill)


@needs_strace
@pytest.mark.parametrize("call", ["rename", "link", "unlink", "fsync", "fdatasync", "pwrite64", "openat"])
def test_killed_while_restoring(driver, tmp_path, call):
    """The store is what it was or what the copy is, whole; and if it is the copy, what it was is kept."""
    original, other, log = tmp_path / "original", tmp_path / "other", tmp_path / "calls"
    run(driver, original, "talk", "2")
    run(driver, other, "talk", "3")
    copy = other / "sessions.db"
    states = [run(driver, folder, "state").stdout for folder in (original, other)]
    shutil.copytree(original, tmp_path / "count")
    run("strace", "-qq", "-o", log, driver, tmp_path / "count", "restore", copy)
    assert run(driver, tmp_path / "count", "state").stdout == states[1]

    def kill(n):
        folder = tmp_path / str(n)
        shutil.copytree(original, folder)
        run("strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={n}", driver, folder,
            "restore", copy)
        assert run(driver, folder, "check").returncode == 0
        now = run(driver, folder, "state").stdout
        assert now in states
        if now == states[1]:
            kept = [file.read_bytes() for file in folder.glob("sessions.db.replaced-*")]
            assert kept == [(original / "sessions.db").read_bytes()]
        shutil.rmtree(folder)

    names = re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.M)
    at_each(spread(names.count(call), 8, f"restoring killed at {call}"), kill)


@needs_strace
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "unlink"])
def test_killed_while_rearranging(driver, tmp_path, call):
    """Edits, forks, pins, branches, deletions, imports: each is there whole, or not at all."""
    log = tmp_path / "calls"
    whole = run("strace", "-qq", "-o", log, driver, tmp_path / "count", "work")
    assert whole.stdout.endswith("end\n"), whole.stdout
    total = len(re.findall(rf"^{call}\(", log.read_text(errors="replace"), re.M))
    assert total > 5

    def kill(n):
        folder = tmp_path / str(n)
        result = run("strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={n}", driver,
                     folder, "work")
        if (folder / "sessions.db").exists():
            check = run(driver, folder, "check")
            assert (check.returncode, check.stdout) == (0, "")
            states = [line for line in result.stdout.splitlines() if line.startswith("state ")]
            now = run(driver, folder, "state").stdout.strip()
            known = [line for line in whole.stdout.splitlines() if line.startswith("state ")]
            # The state that was acknowledged last, or the one after it.
            assert now in known[max(len(states) - 1, 0):len(states) + 1] or not states, (now, states)
        shutil.rmtree(folder, ignore_errors=True)

    at_each(spread(total, 16, f"rearranging killed at {call}"), kill)


@needs_strace
@pytest.mark.parametrize("call,error", [("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"),
                                        ("unlink", "EIO")])
def test_disk_fails_once(driver, tmp_path, call, error):
    total = count_calls(driver, tmp_path / "count").get(call, 0)
    assert total > 5

    def fail(n):
        folder = tmp_path / str(n)
        result = inject(driver, folder, f"{call}:error={error}:when={n}")
        prompts, _, failures = steps(result.stdout)
        for line in failures:
            assert re.search(r"sessions\.db: .*(full|disk)", line), line
        # The second try goes through: nothing of the conversation is missing.
        if "read-only:" not in result.stdout:
            assert prompts == [f"question-{i + 1}" for i in range(TURNS)]
        verify(driver, folder, result.stdout)
        shutil.rmtree(folder, ignore_errors=True)
        return len(failures)

    assert sum(at_each(spread(total, 16, f"{error} once at {call}"), fail)) > 0


@needs_strace
@pytest.mark.parametrize("call,error", [("pwrite64", "ENOSPC"), ("fdatasync", "EIO")])
def test_disk_fails_for_good(driver, tmp_path, call, error):
    total = count_calls(driver, tmp_path / "count").get(call, 0)

    def fail(n):
        folder = tmp_path / str(n)
        result = inject(driver, folder, f"{call}:error={error}:when={n}+")
        assert result.returncode >= 0
        verify(driver, folder, result.stdout)
        shutil.rmtree(folder, ignore_errors=True)

    at_each(spread(total, 10, f"{error} from then on at {call}"), fail)


def test_full_disk(driver, tmp_path):
    """A real file system without room: it fails plainly, and works once there is room."""
    script = f"""mount -t tmpfs -o size=128k none {tmp_path} && head -c 20000 /dev/zero >{tmp_path}/ballast &&
        {driver} {tmp_path}/store talk 20; rm {tmp_path}/ballast; {driver} {tmp_path}/store check &&
        {driver} {tmp_path}/store say '' ; {driver} {tmp_path}/store dump"""
    if not can("unshare", "-Urm", "mount", "-t", "tmpfs", "none", str(tmp_path)):
        pytest.skip("cannot mount here")
    result = run("unshare", "-Urm", "sh", "-c", script)
    prompts, _, failures = steps(result.stdout)
    assert failures and all("the disk is full" in line for line in failures)
    assert prompts
    assert "\nsaid\n" in result.stdout
    for prompt in prompts:
        assert len(re.findall(rf"^\d+ user complete {prompt}$", result.stdout, re.M)) == 1


def test_read_only_folder(driver, tmp_path):
    store = tmp_path / "store"
    run(driver, store, "talk", "1")
    script = f"mount --bind {store} {store} && mount -o remount,bind,ro {store} && "
    if not can("unshare", "-Urm", "sh", "-c", script + "true"):
        pytest.skip("cannot mount here")
    result = run("unshare", "-Urm", "sh", "-c", f"{script} {driver} {store} dump; {driver} {store} say ''")
    assert "read-only: " in result.stdout and "sessions.db" in result.stdout
    assert "1 user complete question-1" in result.stdout
    assert result.stdout.count("failed: ") == 2
    assert run(driver, store, "check").returncode == 0
    # Where there is no store at all it is an empty one.
    empty = tmp_path / "empty"
    empty.mkdir()
    script = f"mount --bind {empty} {empty} && mount -o remount,bind,ro {empty} && "
    result = run("unshare", "-Urm", "sh", "-c", f"{script} {driver} {empty}/store names 1; {driver} {empty} names 1")
    assert result.stdout.count("failed: ") >= 3
    assert list(empty.iterdir()) == []


def test_two_processes(driver, tmp_path):
    holder = subprocess.Popen([driver, tmp_path, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        name = holder.stdout.readline().strip()
        refused = run(driver, tmp_path, "say", name)
        assert refused.returncode != 0
        assert refused.stdout.count(f"(process {holder.pid})") == 2
        # Another conversation can be written meanwhile, and this one read.
        assert run(driver, tmp_path, "talk", "1").stdout.endswith("end\n")
        assert "1 user complete held" in run(driver, tmp_path, "dump").stdout
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert run(driver, tmp_path, "say", name).stdout == "said\n"


def test_two_writers_at_once(driver, tmp_path):
    writers = [subprocess.Popen([driver, tmp_path, "talk", "6"], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    for output in outputs:
        assert output.endswith("end\n")
        assert "failed" not in output
    dump = run(driver, tmp_path, "dump").stdout
    assert len(re.findall(r"^\d+ user complete question-\d$", dump, re.M)) == 18
    assert run(driver, tmp_path, "check").returncode == 0


def test_clock_jumps(driver, tmp_path):
    if not can("faketime", "2030-01-01", "true"):
        pytest.skip("no faketime")
    made = []
    for when in ["2026-06-01", "1970-01-02", "2100-01-01", "2026-06-02"]:
        made += run("faketime", when, driver, tmp_path, "names", "2").stdout.split()
    assert len(set(made)) == 8
    assert made == sorted(made)
    listed = re.findall(r"^[0-9a-z]{10}$", run(driver, tmp_path, "dump").stdout, re.M)
    assert listed == made[::-1]
    assert run(driver, tmp_path, "check").returncode == 0


def test_nobody_else_can_read(driver, tmp_path):
    store = tmp_path / "data" / "bora"
    run(driver, store, "talk", "1", umask=0o022)
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    for file in store.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_journal_left_behind(driver, tmp_path):
    """Killed in the middle of a commit, the folder holds a hot journal: it is rolled back."""
    run(driver, tmp_path, "talk", "1")
    before = run(driver, tmp_path, "dump").stdout
    strace = run("strace", "-qq", "-o", "/dev/null", "-e", "inject=unlink:signal=SIGKILL:when=1", driver, tmp_path,
                 "say", "")
    if strace.returncode == 0:
        pytest.skip("strace cannot trace here")
    assert (tmp_path / "sessions.db-journal").exists()
    assert run(driver, tmp_path, "check").returncode == 0
    assert run(driver, tmp_path, "dump").stdout == before


@needs_strace
def test_journal_deleted(driver, tmp_path):
    """Killed in the middle of a commit, and then somebody tidies the journal away."""
    total = count_calls(driver, tmp_path / "count")["pwrite64"]
    for n in spread(total, 16):
        folder = tmp_path / str(n)
        inject(driver, folder, f"pwrite64:signal=SIGKILL:when={n}")
        (folder / "sessions.db-journal").unlink(missing_ok=True)
        dump = run(driver, folder, "dump")
        assert dump.returncode == 0
        assert run(driver, folder, "check").returncode == 0
        assert run(driver, folder, "talk", "1").stdout.endswith("end\n")


def test_damaged_page(driver, tmp_path):
    run(driver, tmp_path, "talk", "4")
    pages = (tmp_path / "sessions.db").stat().st_size // 4096
    run("dd", "if=/dev/urandom", f"of={tmp_path}/sessions.db", "bs=4096", "seek=0", "count=1", "conv=notrunc")
    assert run(driver, tmp_path, "check").returncode == 1
    dump = run(driver, tmp_path, "dump").stdout
    assert "notice: the store was damaged: 8 messages of 1 sessions were saved" in dump
    assert len(re.findall(r"^\d+ user complete question-\d$", dump, re.M)) == 4
    kept = [file for file in tmp_path.iterdir() if ".damaged-" in file.name]
    assert len(kept) == 1 and kept[0].stat().st_size == pages * 4096
    assert run(driver, tmp_path, "check").returncode == 0
    assert "notice" not in run(driver, tmp_path, "dump").stdout


@needs_strace
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "link", "rename"])
def test_killed_while_salvaging(driver, tmp_path, call):
    damaged = tmp_path / "damaged"
    run(driver, damaged, "talk", "3")
    run("dd", "if=/dev/urandom", f"of={damaged}/sessions.db", "bs=4096", "count=1", "conv=notrunc")
    killed = 0
    for n in (1, 2, 5, 9):
        folder = tmp_path / str(n)
        shutil.copytree(damaged, folder)
        result = run("strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={n}", driver, folder,
                     "dump")
        killed += result.returncode != 0
        dump = run(driver, folder, "dump").stdout
        assert len(re.findall(r"^\d+ user complete question-\d$", dump, re.M)) == 3
        assert len(re.findall(r"^\d+ assistant complete answer-\d", dump, re.M)) == 3
        assert run(driver, folder, "check").returncode == 0
        # The damaged file is still there, whole.
        assert any(file.stat().st_size == (damaged / "sessions.db").stat().st_size
                   for file in folder.glob("sessions.db.damaged-*[0-9]"))
    assert killed >= 1


def test_truncated_store(driver, tmp_path):
    run(driver, tmp_path, "talk", "4")
    size = (tmp_path / "sessions.db").stat().st_size
    os.truncate(tmp_path / "sessions.db", size - 3 * 4096 + 100)
    dump = run(driver, tmp_path, "dump").stdout
    assert "notice: the store was damaged" in dump
    assert run(driver, tmp_path, "check").returncode == 0
    assert run(driver, tmp_path, "say", "").stdout.endswith("said\n")


def test_backup_while_another_writes(driver, tmp_path):
    """A copy made in the middle of a conversation is whole, and holds what was acknowledged before it began."""
    store, copies = tmp_path / "store", tmp_path / "copies"
    copies.mkdir()
    writer = subprocess.Popen([driver, store, "talk", "9"], stdout=subprocess.PIPE, text=True)
    said = []
    for i in range(8):
        while len(said) < 5 * (i + 1):
            said.append(writer.stdout.readline())
        folder = copies / str(i)
        folder.mkdir(mode=0o700)
        made = run(driver, store, "backup", str(folder / "sessions.db"))
        assert made.returncode == 0, made.stdout
        assert stat.S_IMODE((folder / "sessions.db").stat().st_mode) == 0o600
        verify(driver, folder, "".join(said))
    assert writer.communicate(timeout=60)[0].endswith("end\n")
    again = run(driver, store, "backup", str(copies / "0" / "sessions.db"))
    assert again.returncode != 0 and "there is such a file already" in again.stdout
