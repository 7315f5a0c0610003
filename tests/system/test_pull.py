"""bora pull against a server of our own that drops, lies, redirects and throttles."""
import hashlib
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest

import split_gguf
from program import BORA
import tiny_gguf

MODEL = tiny_gguf.make()
SHA256 = hashlib.sha256(MODEL).hexdigest()


class Server:
    """Answers each path by the function that stands for it, and remembers what it was asked."""

    def __init__(self, context=None):
        outer = self
        self.routes, self.seen, self.over = {}, [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.seen.append((self.path, dict(self.headers)))
                route = outer.routes.get(self.path.split("?")[0])
                if route:
                    route(self)
                else:
                    answer(404)(self)

            def log_message(self, *unused):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if context:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.http.server_port}"
        self.by_name = f"{scheme}://localhost:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()

    def asked(self, path):
        return [headers for seen, headers in self.seen if seen.split("?")[0] == path]


def answer(status, body=b"", **headers):
    def route(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    return route


def redirect(target, status=302, **headers):
    return answer(status, Location=target, **headers)


def in_turn(*routes):
    """The first request gets the first route…; the last stays."""
    left = list(routes)

    def route(handler):
        (left.pop(0) if len(left) > 1 else left[0])(handler)
    return route


def file(data=MODEL, etag='"one"', ranges=True, drop=None, said=None, hold=None):
    """A file; drop: bytes after which the connection ends; said: the length that is claimed; hold: then it stalls."""
    def route(handler):
        begin, wanted, condition = 0, handler.headers.get("Range"), handler.headers.get("If-Range")
        if wanted and ranges and (not condition or condition == etag):
            begin = int(wanted[len("bytes="):].rstrip("-"))
            if begin >= len(data):
                answer(416)(handler)
                return
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(data) - begin if said is None else said))
        handler.end_headers()
        try:
            handler.wfile.write(data[begin:len(data) if drop is None else begin + drop])
            handler.wfile.flush()
        except OSError:
            pass
        if hold:
            hold.wait(30)
        if drop is not None or said is not None:
            handler.close_connection = True
    return route


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def home(tmp_path, server):
    class Home:
        path, models = tmp_path, tmp_path / "models"
        environment = dict({key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
                           HOME=str(tmp_path), BORA_DATA_DIR=str(tmp_path), BORA_STATE_DIR=str(tmp_path / "state"),
                           BORA_CONFIG_DIR=str(tmp_path / "config"), BORA_MODELS_DIR=str(tmp_path / "models"),
                           HF_ENDPOINT=server.url + "/", OLLAMA_REGISTRY=server.url, BORA_PULL_TIMEOUT="1",
                           LC_ALL="C.UTF-8", HF_HOME=str(tmp_path / "hf"))

        def start(self, *arguments, **more):
            return subprocess.Popen([BORA, "pull", *arguments], env=dict(self.environment, **more), text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def pull(self, *arguments, **more):
            child = self.start(*arguments, **more)
            out, err = child.communicate(timeout=60)
            return subprocess.CompletedProcess(arguments, child.returncode, out, err)

        def left(self):
            return sorted(os.listdir(self.models)) if self.models.exists() else []

        def got(self, done, name="tiny-q4_k_m.gguf", data=MODEL):
            assert done.returncode == 0, done.stderr
            assert done.stdout.strip() == str(self.models / name)
            assert (self.models / name).read_bytes() == data
            assert self.left() == [name]

        def refused(self, done, *words, left=()):
            lines = done.stderr.strip().splitlines()
            assert done.returncode == 1 and lines[-1].startswith("bora: "), done.stderr
            for word in words:
                assert word in lines[-1]
            assert self.left() == sorted(left)
    return Home()


def repository(server, files, name="me/tiny-GGUF", **more):
    """What the hub's interface says of a repository, with its files behind a redirect to another host."""
    siblings = [{"rfilename": "README.md", "size": 3}]
    for path, data in files.items():
        entry = {"rfilename": path, "size": len(data),
                 "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}}
        siblings.append(entry)
        base = path.split("/")[-1]
        server.routes[f"/{name}/resolve/abc123/{path}"] = redirect(
            f"{server.by_name}/store/{base}", X_Linked_Etag=f'"{entry["lfs"]["sha256"]}"', X_Linked_Size=str(len(data)))
        server.routes[f"/store/{base}"] = file(data)
    info = {"id": name, "sha": "abc123", "gated": False, "cardData": {"license": "apache-2.0"}, "siblings": siblings}
    info.update(more)
    server.routes[f"/api/models/{name}"] = answer(200, json.dumps(info).encode())


# --- Plain addresses ----------------------------------------------------------------------------


def test_an_address(server, home):
    server.routes["/a/tiny-q4_k_m.gguf"] = file()
    done = home.pull(server.url + "/a/tiny-q4_k_m.gguf?download=true")
    assert "checking what came, 100%" in done.stderr
    home.got(done)
    assert SHA256 in done.stderr and "apache-2.0" in done.stderr
    assert (home.models / "tiny-q4_k_m.gguf").stat().st_mode & 0o77 == 0


def test_the_checksum_that_was_given(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = file()
    home.refused(home.pull(server.url + "/tiny-q4_k_m.gguf", "--sha256", "0" * 64), "sha256", SHA256)
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf", "--sha256", SHA256.upper()))
    assert home.pull(server.url + "/tiny-q4_k_m.gguf", "--sha256", "12").returncode == 1


def test_drops_are_gone_on_from(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = in_turn(file(drop=100_000), file(drop=150_000), file())
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"))
    ranges = [headers.get("Range") for headers in server.asked("/tiny-q4_k_m.gguf")]
    assert ranges == [None, "bytes=100000-", "bytes=250000-"]
    assert server.asked("/tiny-q4_k_m.gguf")[1]["If-Range"] == '"one"'


@pytest.mark.parametrize("second", [file(ranges=False), answer(416), file(etag='"two"', ranges=True)],
                         ids=["ignores ranges", "refuses the range", "another file"])
def test_what_cannot_be_gone_on_from_begins_anew(server, home, second):
    server.routes["/tiny-q4_k_m.gguf"] = in_turn(file(MODEL[:-1] + b"?", drop=100_000), second, file())
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"))


def test_without_an_etag_nothing_is_sure(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = in_turn(file(drop=100_000, etag=None), file(etag=None))
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"))
    assert [headers.get("Range") for headers in server.asked("/tiny-q4_k_m.gguf")] == [None, None]


def test_a_stall_is_a_drop(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = in_turn(file(drop=100_000, hold=server.over), file())
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"))


def test_a_length_that_is_not_kept(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = file(drop=len(MODEL), said=len(MODEL) + 1000)
    done = home.pull(server.url + "/tiny-q4_k_m.gguf")
    assert done.returncode == 1 and not (home.models / "tiny-q4_k_m.gguf").exists()


def interrupt(server, home, *arguments, at=100_000, **more):
    """Ctrl+C when the first bytes are on the disk."""
    hold = threading.Event()
    path = "/store/tiny-q4_k_m.gguf" if arguments[0].startswith("hf:") else "/tiny-q4_k_m.gguf"
    server.routes[path] = file(drop=at, said=len(MODEL), hold=hold)
    child = home.start(*arguments, BORA_PULL_TIMEOUT="30", **more)
    part = home.models / "tiny-q4_k_m.gguf.part"
    end = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size == at) and time.monotonic() < end:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    hold.set()
    assert child.returncode == 130 and f"bora pull {arguments[0]}" in err, err
    assert part.stat().st_size == at
    assert home.left() == ["tiny-q4_k_m.gguf.part", "tiny-q4_k_m.gguf.part.json"]


def test_ctrl_c_and_on(server, home):
    interrupt(server, home, server.url + "/tiny-q4_k_m.gguf")
    server.routes["/tiny-q4_k_m.gguf"] = file()
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"))
    assert server.asked("/tiny-q4_k_m.gguf")[-1]["Range"] == "bytes=100000-"


def test_ctrl_c_and_the_file_is_another_one(server, home):
    interrupt(server, home, server.url + "/tiny-q4_k_m.gguf")
    other = tiny_gguf.make(seed=5)
    server.routes["/tiny-q4_k_m.gguf"] = file(other, etag='"two"')
    home.got(home.pull(server.url + "/tiny-q4_k_m.gguf"), data=other)


def test_two_at_once(server, home):
    hold = threading.Event()
    server.routes["/tiny-q4_k_m.gguf"] = file(drop=100_000, said=len(MODEL), hold=hold)
    first = home.start(server.url + "/tiny-q4_k_m.gguf", BORA_PULL_TIMEOUT="30")
    part = home.models / "tiny-q4_k_m.gguf.part"
    while not part.exists():
        time.sleep(0.01)
    second = home.pull(server.url + "/tiny-q4_k_m.gguf")
    assert second.returncode == 1 and "another bora" in second.stderr
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=20)
    hold.set()
    assert first.returncode == 130 and part.exists()


def test_what_is_no_model(server, home):
    server.routes["/page.gguf"] = file(b"<html>Please sign in</html>")
    home.refused(home.pull(server.url + "/page.gguf"), "page.gguf", "no GGUF")
    server.routes["/short.gguf"] = file(MODEL[:1000])
    home.refused(home.pull(server.url + "/short.gguf"), "short.gguf", "engine")
    home.refused(home.pull(server.url + "/page.html"), "gguf")
    home.refused(home.pull(server.url + "/..%2f..%2fx.gguf"), "gguf")


def test_a_file_of_the_same_name(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = file()
    home.models.mkdir()
    (home.models / "tiny-q4_k_m.gguf").write_bytes(b"mine")
    home.refused(home.pull(server.url + "/tiny-q4_k_m.gguf"), "already", "-o", left=["tiny-q4_k_m.gguf"])
    assert (home.models / "tiny-q4_k_m.gguf").read_bytes() == b"mine"
    assert home.pull(server.url + "/tiny-q4_k_m.gguf", "-o", "other.gguf").returncode == 0
    assert home.left() == ["other.gguf", "tiny-q4_k_m.gguf"]
    assert home.pull(server.url + "/tiny-q4_k_m.gguf", "-o", "../other.gguf").returncode == 1


def test_room_on_the_disk(server, home):
    server.routes["/huge.gguf"] = file(said=10**16, drop=1000)
    home.refused(home.pull(server.url + "/huge.gguf"), "GB", "free")


@pytest.mark.parametrize("status, word", [(403, "403"), (404, "no such file"), (410, "no such file"), (500, "HTTP 500"),
                                          (429, "too many requests")])
def test_refusals(server, home, status, word):
    server.routes["/tiny-q4_k_m.gguf"] = answer(status)
    home.refused(home.pull(server.url + "/tiny-q4_k_m.gguf"), word)


def test_what_passes_is_waited_for(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = in_turn(answer(503), answer(429, Retry_After="1"), file())
    done = home.pull(server.url + "/tiny-q4_k_m.gguf")
    home.got(done)
    assert "HTTP 503" in done.stderr and "HTTP 429" in done.stderr


def test_nobody_answers(home):
    home.refused(home.pull("http://127.0.0.1:9/tiny-q4_k_m.gguf"), "127.0.0.1")


def test_a_proxy_of_the_environment(server, home):
    server.routes["http://models.example/tiny-q4_k_m.gguf"] = file()
    home.got(home.pull("http://models.example/tiny-q4_k_m.gguf", http_proxy=server.url))


# --- Redirects ---------------------------------------------------------------------------------------


def test_redirects_end(server, home):
    server.routes["/tiny-q4_k_m.gguf"] = redirect(server.url + "/tiny-q4_k_m.gguf")
    home.refused(home.pull(server.url + "/tiny-q4_k_m.gguf"), "redirects without end")
    assert len(server.seen) < 20
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x.gguf"):
        server.routes["/tiny-q4_k_m.gguf"] = redirect(target)
        home.refused(home.pull(server.url + "/tiny-q4_k_m.gguf"), "redirects")


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes the certificate")
def test_never_from_https_to_http(server, home):
    certificate, key = home.path / "certificate.pem", home.path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    safe = Server(context)
    try:
        server.routes["/tiny-q4_k_m.gguf"] = file()
        safe.routes["/tiny-q4_k_m.gguf"] = redirect(server.url + "/tiny-q4_k_m.gguf")
        trust = {"CURL_CA_BUNDLE": str(certificate)}
        home.refused(home.pull(safe.url + "/tiny-q4_k_m.gguf", **trust), "unprotected")
        assert not server.seen
        safe.routes["/tiny-q4_k_m.gguf"] = file()
        home.refused(home.pull(safe.url + "/tiny-q4_k_m.gguf", CURL_CA_BUNDLE="", SSL_CERT_FILE=""), "certificate")
        home.got(home.pull(safe.url + "/tiny-q4_k_m.gguf", **trust))
    finally:
        safe.close()


# --- Hugging Face ----------------------------------------------------------------------------------------


def test_the_hub(server, home):
    other = tiny_gguf.make(seed=1)
    repository(server, {"tiny-q8_0.gguf": other, "sub/tiny-q4_k_m.gguf": MODEL, "mmproj-f16.gguf": b"GGUF"})
    done = home.pull("hf:me/tiny-GGUF", HF_TOKEN="hf_secret")
    home.got(done)
    assert "apache-2.0" in done.stderr
    assert server.asked("/api/models/me/tiny-GGUF")[0]["Authorization"] == "Bearer hf_secret"
    assert server.asked("/me/tiny-GGUF/resolve/abc123/sub/tiny-q4_k_m.gguf")[0]["Authorization"] == "Bearer hf_secret"
    stored = server.asked("/store/tiny-q4_k_m.gguf")
    assert stored and all("Authorization" not in headers for headers in stored)
    assert "already" in home.pull("hf:me/tiny-GGUF").stderr and len(server.asked("/store/tiny-q4_k_m.gguf")) == 1
    assert home.pull("hf:me/tiny-GGUF:q8_0").returncode == 0
    assert (home.models / "tiny-q8_0.gguf").read_bytes() == other


def test_the_token_file_of_the_hub(server, home):
    repository(server, {"tiny-q4_k_m.gguf": MODEL})
    (home.path / "hf").mkdir()
    (home.path / "hf" / "token").write_text(" hf_file\nX-Evil: yes\n")
    home.got(home.pull("hf:me/tiny-GGUF"))
    headers = server.asked("/api/models/me/tiny-GGUF")[0]
    assert headers["Authorization"] == "Bearer hf_file" and "X-Evil" not in headers


def test_quantisations_of_the_hub(server, home):
    repository(server, {"a-q6_k.gguf": MODEL, "a-q5_k_m.gguf": MODEL, "a-iq1_s.gguf": MODEL,
                        "a-q4_k_m-00001-of-00002.gguf": MODEL, "a-q4_k_m-00002-of-00002.gguf": MODEL})
    home.refused(home.pull("hf:me/tiny-GGUF:Q2_K"), "no Q2_K", "Q6_K", "Q5_K_M", "Q4_K_M (in 2 parts)")
    home.refused(home.pull("hf:me/tiny-GGUF:IQ1_S"), "does not compute")
    home.got(home.pull("hf:me/tiny-GGUF"), name="a-q5_k_m.gguf")
    repository(server, {})
    home.refused(home.pull("hf:me/tiny-GGUF"), "no GGUF", left=["a-q5_k_m.gguf"])


def test_libraries_are_loaded_when_they_are_needed(server, home):
    """libcurl and libcrypto take as long to load as all the rest: no other command waits for them."""
    traced = dict(home.environment, LD_DEBUG="libs")
    started = subprocess.run([BORA, "--version"], env=traced, capture_output=True, text=True, timeout=60)
    assert "libsqlite3" in started.stderr and "libcurl" not in started.stderr and "libcrypto" not in started.stderr
    server.routes["/tiny-q4_k_m.gguf"] = file()
    assert "libcurl" in home.pull(server.url + "/tiny-q4_k_m.gguf", LD_DEBUG="libs").stderr


# --- Models in several files --------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path):
    """A whole model in three files: name to bytes."""
    folder = tmp_path / "split"
    folder.mkdir()
    (folder / "whole.gguf").write_bytes(MODEL)
    return {path.name: path.read_bytes() for path in split_gguf.split(folder / "whole.gguf", folder, "big-q8_0", 3)}


def got_all(home, done, parts):
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(home.models / min(parts))
    assert {name: (home.models / name).read_bytes() for name in home.left()} == parts


def test_all_parts_of_the_hub(server, home, parts):
    repository(server, {"Q8_0/" + name: data for name, data in parts.items()})
    got_all(home, home.pull("hf:me/tiny-GGUF"), parts)
    again = home.pull("hf:me/tiny-GGUF:q8_0")
    assert again.returncode == 0 and "already" in again.stderr and len(server.asked("/store/" + max(parts))) == 1


def test_a_part_is_missing_or_lies(server, home, parts):
    last = max(parts)
    repository(server, {name: data for name, data in parts.items() if name != last})
    home.refused(home.pull("hf:me/tiny-GGUF"), "only a part")
    repository(server, parts)
    server.routes["/store/" + min(parts)] = file(MODEL[:len(parts[min(parts)])])
    done = home.pull("hf:me/tiny-GGUF")
    assert done.returncode == 1 and min(parts) in done.stderr.splitlines()[-1]
    assert min(parts) not in home.left() and last in home.left()  # what is good stays for the next time


def test_parts_that_make_no_model(server, home, parts):
    mixed = dict(parts, **{max(parts): parts[min(parts)]})
    repository(server, mixed)
    home.refused(home.pull("hf:me/tiny-GGUF"), "removed again")


def test_parts_at_an_address_go_on(server, home, parts):
    for name, data in parts.items():
        server.routes["/" + name] = file(data, etag=f'"{name}"')
    server.routes["/" + min(parts)] = answer(404)
    address = server.url + "/" + min(parts).replace("00001", "00002", 1)
    failed = home.pull(address + "?x=1")
    assert failed.returncode == 1 and "no such file" in failed.stderr, failed.stderr
    server.routes["/" + min(parts)] = file(parts[min(parts)])
    got_all(home, home.pull(address + "?x=1"), parts)
    assert all(len(server.asked("/" + name)) == 1 for name in parts if name != min(parts))


def test_parts_under_another_name(server, home, parts):
    for name, data in parts.items():
        server.routes["/" + name] = file(data)
    address = server.url + "/" + min(parts)
    home.refused(home.pull(address, "--sha256", SHA256), "3 files")
    done = home.pull(address, "-o", "mine.gguf")
    got_all(home, done, {name.replace("big-q8_0", "mine"): data for name, data in parts.items()})
    assert " mine" in done.stderr or "mine " in done.stderr


@pytest.mark.parametrize("name", ["../../x-q4_k_m.gguf", "..", "/etc/x-q4_k_m.gguf", "a\\b-q4_k_m.gguf", ".q4_k_m.gguf",
                                  "x\n-q4_k_m.gguf"])
def test_names_lead_nowhere_else(server, home, name):
    repository(server, {name: MODEL})
    home.pull("hf:me/tiny-GGUF")
    outside = [str(path.relative_to(home.path)) for path in home.path.rglob("*") if path.is_file()]
    assert all(path.startswith("models/") for path in outside), outside


def test_a_lie_about_the_checksum(server, home):
    repository(server, {"tiny-q4_k_m.gguf": MODEL})
    server.routes["/store/tiny-q4_k_m.gguf"] = file(MODEL[:-1] + b"?")
    home.refused(home.pull("hf:me/tiny-GGUF"), "sha256", "removed")
    server.routes["/store/tiny-q4_k_m.gguf"] = file(MODEL + b"more")
    home.refused(home.pull("hf:me/tiny-GGUF"), "announced")


@pytest.mark.parametrize("status, code, token, words", [
    (401, "GatedRepo", None, ("licence", "HF_TOKEN", "/me/tiny-GGUF")),
    (403, "GatedRepo", "hf_x", ("not been given access",)),
    (401, "RepoNotFound", None, ("me/tiny-GGUF", "no such repository")),
    (401, "", "hf_x", ("token was not accepted",)),
    (404, "RepoNotFound", None, ("no such repository",)),
])
def test_refusals_of_the_hub(server, home, status, code, token, words):
    server.routes["/api/models/me/tiny-GGUF"] = answer(status, X_Error_Code=code)
    home.refused(home.pull("hf:me/tiny-GGUF", **({"HF_TOKEN": token} if token else {})), *words)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"siblings": 7, "sha": []}', b'{"siblings": [{"rfilename": 1}]}',
                                  b"\xff" * 100, b'{"siblings":' + b"[" * 5000])
def test_nonsense_of_the_hub(server, home, body):
    server.routes["/api/models/me/tiny-GGUF"] = answer(200, body)
    home.refused(home.pull("hf:me/tiny-GGUF"), "me/tiny-GGUF")
    for what in ("hf:me", "hf:../x/y", "hf:a/b/c", "hf:/", "me/tiny"):
        home.refused(home.pull(what), "write hf:")


# --- Ollama's registry ------------------------------------------------------------------------------------------


def manifest(server, name, layers):
    server.routes[f"/v2/{name}"] = answer(200, json.dumps({"schemaVersion": 2, "layers": layers}).encode())


def layer(kind, data):
    return {"mediaType": f"application/vnd.ollama.image.{kind}", "size": len(data),
            "digest": "sha256:" + hashlib.sha256(data).hexdigest()}


def test_the_registry(server, home):
    license = b"Apache License\nVersion 2.0"
    layers = [layer("template", b"x"), layer("model", MODEL), layer("license", license)]
    manifest(server, "library/tiny/manifests/latest", layers)
    server.routes[f"/v2/library/tiny/blobs/{layers[1]['digest']}"] = redirect(server.by_name + "/store")
    server.routes[f"/v2/library/tiny/blobs/{layers[2]['digest']}"] = answer(200, license)
    server.routes["/store"] = file()
    done = home.pull("tiny")
    home.got(done, name="tiny-latest.gguf")
    assert "Apache License" in done.stderr
    manifest(server, "me/tiny/manifests/1b", layers)
    server.routes[f"/v2/me/tiny/blobs/{layers[1]['digest']}"] = file()
    assert home.pull("ollama:me/tiny:1b", "-o", "again.gguf").returncode == 0
    home.refused(home.pull("ollama:none"), "none", "no such model", left=["again.gguf", "tiny-latest.gguf"])


@pytest.mark.parametrize("layers", [[], [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../x"}],
                                    [layer("model", b"1"), layer("model", b"2")], "x"])
def test_nonsense_of_the_registry(server, home, layers):
    manifest(server, "library/tiny/manifests/latest", layers)
    home.refused(home.pull("ollama:tiny"), "tiny")
    for what in ("ollama:", "ollama:../x", "ollama:a/b/c", "ollama:a:"):
        home.refused(home.pull(what), "write ollama:")


def test_what_another_store_has_is_not_fetched_again(server, home):
    store = home.path / "ollama"
    digest = "sha256:" + SHA256
    (store / "blobs").mkdir(parents=True)
    (store / "blobs" / f"sha256-{SHA256}").write_bytes(MODEL)
    named = store / "manifests" / "registry.ollama.ai" / "library" / "tiny"
    named.mkdir(parents=True)
    (named / "1b").write_text(json.dumps({"layers": [layer("model", MODEL)]}))
    manifest(server, "library/tiny/manifests/latest", [layer("model", MODEL)])
    done = home.pull("tiny", OLLAMA_MODELS=str(store))
    assert done.returncode == 0 and "already" in done.stderr and "tiny:1b" in done.stderr
    assert not server.asked(f"/v2/library/tiny/blobs/{digest}") and home.left() == []
