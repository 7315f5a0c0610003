"""Token ids against the makers': llama.cpp's vocabulary fixtures and mistral-common, fetched by `make fixtures`."""
import json
import os
import pathlib
import random
import subprocess

import pytest

from program import BORA, ROOT

BUILD = os.environ.get("BUILD", "build/release")
CACHE = pathlib.Path(os.environ.get("BORA_TEST_CACHE") or pathlib.Path.home() / ".cache" / "bora-test")
VOCABULARY = CACHE / "vocabulary"
PYTHON = CACHE / "venv" / "bin" / "python"
FIXTURES = ["llama-spm", "llama-bpe", "qwen2", "phi-3", "bert-bge", "gpt-2", "deepseek-coder", "deepseek-llm", "starcoder",
            "refact", "mpt", "falcon", "command-r"]
VERSIONS = ["mistral-v1", "mistral-v2", "mistral-v3", "mistral-v7", "mistral-v3-tekken", "pixtral", "mistral-v7-tekken"]

needs_vocabulary = pytest.mark.skipif(not (VOCABULARY / "stamp").exists(), reason="run make fixtures")
needs_mistral = pytest.mark.skipif(not (CACHE / "venv" / "stamp").exists(), reason="run make fixtures")


@pytest.fixture(scope="session")
def driver():
    target = f"{BUILD}/tests/engine/vocabulary_driver"
    subprocess.run(["make", "-s", target], cwd=ROOT, check=True)
    return str(ROOT / target)


def ask(driver, model, requests):
    result = subprocess.run([driver, str(model)], input=b"".join(requests), capture_output=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode().splitlines()


def text_request(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"text %d\n" % len(data) + data


def chat_request(name, chat):
    out = b"chat %s %d %d\n" % (name.encode(), len(chat["messages"]), chat["continue"])
    for role, text in chat["messages"]:
        out += b"%s %d\n" % (role.encode(), len(text.encode())) + text.encode()
    return out


def ids_of(line):
    return [int(word) for word in line.split(" ")[1:]]


def fixture(name):
    base = VOCABULARY / f"ggml-vocab-{name}.gguf"
    texts = pathlib.Path(f"{base}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    lines = pathlib.Path(f"{base}.out").read_text(encoding="utf-8").split("\n")
    return base, texts, [[int(word) for word in line.split()] for line in lines]


@needs_vocabulary
@pytest.mark.parametrize("name", FIXTURES)
def test_fixture(driver, name):
    base, texts, expected = fixture(name)
    assert len(expected) >= 46
    found = ask(driver, base, map(text_request, texts))
    for text, line, ids in zip(texts, found, expected):
        assert ids_of(line) == ids, repr(text)


@needs_vocabulary
def test_unknown_pretokenizer_is_refused_by_name():
    model = VOCABULARY / "ggml-vocab-qwen35.gguf"
    result = subprocess.run([BORA, "tokenize", "-m", str(model)], input=b"hello", capture_output=True, timeout=30, check=False)
    assert result.returncode == 1 and result.stdout == b""
    assert b"qwen35" in result.stderr and result.stderr.count(b"\n") == 1


@needs_vocabulary
@pytest.mark.parametrize("name", ["llama-bpe", "llama-spm"])
def test_command(name):
    base, texts, expected = fixture(name)
    for text, ids in list(zip(texts, expected))[::6]:
        run = lambda *words: subprocess.run([BORA, *words, "-m", str(base)], input=text.encode(), capture_output=True,
                                            timeout=30, check=True).stdout.decode()
        assert [int(word) for word in run("tokenize", "--no-bos").split()] == ids
        assert [int(word) for word in run("tokenize").split()][1:] == ids


def random_text(rng, valid):
    """Random bytes; valid: characters, for vocabularies that lack the bytes which UTF-8 does not use."""
    size = rng.randrange(1, 200)
    if not valid:
        return rng.randbytes(size).replace(b"\xe2\x96\x81", b"")  # SentencePiece's own sign for a space
    ranges = [(0x20, 0x7E), (0xC0, 0x7FF), (0x800, 0x2580), (0x2590, 0xD7FF), (0x10000, 0x1FFFF)]
    return "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(size)).encode()


@needs_vocabulary
@pytest.mark.parametrize("name", [name for name in FIXTURES if name != "bert-bge"])
def test_random_bytes_come_back(driver, name):
    rng = random.Random(name)
    valid = name not in ("gpt-2", "llama-bpe", "qwen2", "command-r", "llama-spm", "phi-3")
    texts = [random_text(rng, valid) for _ in range(200)]
    lines = ask(driver, VOCABULARY / f"ggml-vocab-{name}.gguf", map(text_request, texts))
    assert [line.split(" ")[0] for line in lines] == ["1"] * len(texts)


TEMPLATES = {
    "qwen2": {"Qwen-Qwen2.5-7B-Instruct": "1 qwen2.5", "Qwen-QwQ-32B": "1 chatml", "Qwen-Qwen3-0.6B": "1 chatml",
              "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": "1 chatml", "HuggingFaceTB-SmolLM3-3B": "1 chatml",
              "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "0 chatml", "google-gemma-2-2b-it": "0 chatml",
              "openai-gpt-oss-120b": "0 chatml"},
    "llama-bpe": {"meta-llama-Llama-3.1-8B-Instruct": "1 llama3", "meta-llama-Llama-3.3-70B-Instruct": "1 llama3",
                  "Qwen-Qwen2.5-7B-Instruct": "0 llama3", "mistralai-Mistral-Nemo-Instruct-2407": "0 llama3"},
    "phi-3": {"microsoft-Phi-3.5-mini-instruct": "1 phi3", "GLM-4.6": "0 plain"},
}
MISTRAL_TEMPLATES = {"mistral-v3-tekken": {"mistralai-Mistral-Nemo-Instruct-2407": "1 mistral-v3-tekken"},
                     "mistral-v7-tekken": {"Mistral-Small-3.2-24B-Instruct-2506": "1 mistral-v7-tekken"}}


def detect_request(name):
    data = (VOCABULARY / "templates" / f"{name}.jinja").read_bytes()
    return b"detect %d\n" % len(data) + data


@needs_vocabulary
@pytest.mark.parametrize("name", TEMPLATES)
def test_templates(driver, name):
    found = ask(driver, VOCABULARY / f"ggml-vocab-{name}.gguf", map(detect_request, TEMPLATES[name]))
    assert dict(zip(TEMPLATES[name], found)) == TEMPLATES[name]


# --- Mistral ------------------------------------------------------------------------------

SIGNS = [" ", "  ", "\n", "\r\n\r\n", "\t", "'s", "'T", "a", "B", "é", "e\u0301", "ß", "你好", "は", "한", "ك", "ِ", "نّ", "ก", "ำ", "น้",
         "म", "्", "ि", "१", "1", "23", "½", "!", "?", ".", "…", "—", "«", "👍", "👩\u200d💻", "\u00a0", "\u3000", "ǅ", "ʰ", "$", "<",
         "[INST]", "</s>", "_", "/", "//\n", "\\"]


def mistral_texts():
    rng = random.Random(7)
    lines = (ROOT / "tests" / "vectors" / "texts.txt").read_text(encoding="utf-8").split("\n")
    made = ["".join(rng.choice(SIGNS) for _ in range(rng.randrange(1, 30))) for _ in range(1500)]
    return [text for text in lines + made if text]


def mistral_chats():
    user, assistant, system = "user", "assistant", "system"
    talks = [
        [(user, "a")],
        [(user, "a"), (assistant, "b"), (user, "c")],
        [(system, "Be kind."), (user, "a"), (assistant, "b "), (user, " c\n")],
        [(system, "one"), (system, "two"), (user, "a"), (user, "b"), (assistant, "c"), (assistant, "d"), (user, "e")],
        [(system, "कृपया हिंदी में"), (user, "สวัสดีครับ </s> [INST]"), (assistant, "شُكْرًا"), (user, "你好")],
    ]
    chats = [{"messages": talk, "continue": False} for talk in talks]
    chats += [{"messages": [*talk, (assistant, "so far")], "continue": True} for talk in talks]
    return chats


@pytest.fixture(scope="session")
def mistral(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistral")
    cases = {"texts": mistral_texts(), "chats": mistral_chats()}
    script = ROOT / "tests" / "system" / "mistral_reference.py"
    subprocess.run([PYTHON, script, folder], input=json.dumps(cases).encode(), check=True, timeout=300)
    return folder


@needs_mistral
@pytest.mark.parametrize("version", VERSIONS)
def test_mistral_texts(driver, mistral, version):
    texts = mistral_texts()
    expected = json.loads((mistral / f"{version}.json").read_text())["texts"]
    found = ask(driver, mistral / f"{version}.gguf", map(text_request, texts))
    for text, line, ids in zip(texts, found, expected):
        assert ids_of(line) == ids, repr(text)
        assert line[0] == "1", repr(text)


@needs_mistral
@pytest.mark.parametrize("version", VERSIONS)
def test_mistral_conversations(driver, mistral, version):
    chats = mistral_chats()
    form = "mistral-v3-tekken" if version == "pixtral" else version
    expected = json.loads((mistral / f"{version}.json").read_text())["chats"]
    found = ask(driver, mistral / f"{version}.gguf", [chat_request(form, chat) for chat in chats])
    for chat, line, ids in zip(chats, found, expected):
        assert ids_of(line) == ids, chat


@needs_mistral
@needs_vocabulary
@pytest.mark.parametrize("version", MISTRAL_TEMPLATES)
def test_mistral_templates(driver, mistral, version):
    expected = MISTRAL_TEMPLATES[version]
    found = ask(driver, mistral / f"{version}.gguf", map(detect_request, expected))
    assert dict(zip(expected, found)) == expected
