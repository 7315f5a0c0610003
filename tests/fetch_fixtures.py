#!/usr/bin/env python3
"""Fetch what the vocabulary tests compare with, by package name, into a cache outside the tree.

usage: fetch_fixtures.py [FOLDER]      (default ~/.cache/bora-test, or $BORA_TEST_CACHE)

FOLDER/vocabulary  llama.cpp's vocabulary files, texts and ids, its chat templates; from the source package of
                   llama-cpp-python
FOLDER/venv        a Python with mistral-common, the reference for Mistral's tokenizers and conversations

Nothing is fetched twice: a stamp in each folder names what is in it.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv

SOURCE = "llama-cpp-python==0.3.36"
SOURCE_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
WANTED = re.compile(r"/vendor/llama\.cpp/models/((?:ggml-vocab-[a-z0-9-]+\.gguf(?:\.inp|\.out)?)|(?:templates/[^/]+\.jinja))$")
PYTHON = ["mistral-common==1.13.1", "sentencepiece==0.2.3", "gguf==0.19.0", "numpy==2.3.5"]


def up_to_date(folder, stamp):
    try:
        return (folder / "stamp").read_text(encoding="utf-8") == stamp
    except OSError:
        return False


def fetch_vocabulary(folder, python):
    stamp = f"{SOURCE} {SOURCE_SHA256}\n"
    if up_to_date(folder, stamp):
        return
    with tempfile.TemporaryDirectory() as scratch:
        name = SOURCE.split("==", maxsplit=1)[0]
        subprocess.run([python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--no-binary", name, "--dest", scratch, SOURCE], check=True)
        archive = next(pathlib.Path(scratch).glob("*.tar.gz"))
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != SOURCE_SHA256:
            sys.exit(f"{SOURCE}: sha256 is {found}, expected {SOURCE_SHA256}")
        shutil.rmtree(folder, ignore_errors=True)
        unpack(archive, folder)
    (folder / "stamp").write_text(stamp, encoding="utf-8")


def unpack(archive, folder):
    with tarfile.open(archive) as tar:
        for member in tar:
            match = WANTED.search(member.name)
            if match and member.isfile():
                target = folder / match.group(1)
                target.parent.mkdir(parents=True, exist_ok=True)
                with tar.extractfile(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out)


def make_venv(folder):
    stamp = " ".join(PYTHON) + "\n"
    if up_to_date(folder, stamp):
        return
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON], check=True)
    (folder / "stamp").write_text(stamp, encoding="utf-8")


def main():
    default = os.environ.get("BORA_TEST_CACHE") or pathlib.Path.home() / ".cache" / "bora-test"
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else default)
    folder.mkdir(parents=True, exist_ok=True)
    make_venv(folder / "venv")
    fetch_vocabulary(folder / "vocabulary", folder / "venv" / "bin" / "python")


if __name__ == "__main__":
    main()
