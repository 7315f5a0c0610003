"""The real program on model files that are wrong: one plain line, exit 1, at once, whatever is in the file."""
import json
import os
import random
import re
import shutil
import struct
import subprocess

import pytest

from program import BORA, SMALL, needs_small


pytestmark = needs_small

# 8-byte numbers that overflow products, sums and signs
NUMBERS = [0, 2**31, 2**32, 2**62, 2**63, 2**63 - 1, 2**64 - 1, 2**64 // 18 + 1]
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10


class Header:
    """The parts of a GGUF file before its weights, and where they stand."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read(8 << 20)
        self.at = 24
        self.values, self.tensors = {}, {}
        tensors, values = struct.unpack_from("<QQ", self.data, 8)
        for _ in range(values):
            start, key = self.at, self.string()
            kind = self.number(4)
            self.values[key] = (start, self.at, kind)
            self.skip(kind)
        self.tensor_start = self.at
        for _ in range(tensors):
            start, name = self.at, self.string()
            dims = self.number(4)
            shape = self.at
            self.at += 8 * dims
            self.tensors[name] = {"start": start, "dims": shape - 4, "shape": shape, "type": self.at, "offset": self.at + 4}
            self.at += 12
        self.end = self.at

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def string(self):
        size = self.number(8)
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def skip(self, kind):
        sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            element, count = self.number(4), self.number(8)
            for _ in range(count):
                self.skip(element)
        else:
            self.at += sizes[kind]


@pytest.fixture(scope="session")
def header():
    return Header(SMALL)


@pytest.fixture
def refused(tmp_path):
    """Checks that the program refuses these bytes; the weights behind them are a hole of the right length."""
    size = os.path.getsize(SMALL) + (1 << 20)

    def check(data, says=None, length=size, command=("models", "show")):
        path = tmp_path / "hostile.gguf"
        path.write_bytes(data)
        os.truncate(path, length)
        words = [BORA, *command, str(path)] if command[0] == "models" else [BORA, "-m", str(path), *command]
        env = dict(os.environ, HOME=str(tmp_path), BORA_LANG="en", BORA_DATA_DIR=str(tmp_path / "data"))
        result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=20, check=False)
        error = result.stderr
        assert result.returncode == 1, (result.returncode, error)
        assert result.stdout == b"" and error.count(b"\n") == 1 and error.endswith(b"\n"), error
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", error), error
        error.decode()
        if says:
            assert re.search(says, error.decode()), error.decode()

    return check


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def with_value(header, key, kind, data):
    """The header with one value put in another's place. Offsets in the file move; nobody gets that far."""
    start, at, old = header.values[key]
    probe = Header.__new__(Header)
    probe.data, probe.at = header.data, at
    probe.skip(old)
    whole = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + data
    return header.data[:start] + whole + header.data[probe.at:header.end]


def with_extra(header, entries):
    """The header with more values in front of its own."""
    data = b"".join(entries)
    count = len(header.values) + len(entries)
    return header.data[:16] + struct.pack("<Q", count) + data + header.data[24:header.end]


def value(key, kind, data):
    key = key if isinstance(key, bytes) else key.encode()
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + data


def text(words):
    words = words if isinstance(words, bytes) else words.encode()
    return struct.pack("<Q", len(words)) + words


def test_cut_short(header, refused):
    cuts = list(range(0, 64, 7)) + [100, 1000, 4095, 4096, header.tensor_start, header.end - 1, header.end, 5 << 20]
    for cut in cuts:
        refused(header.data[:cut], length=cut)


def test_not_a_file(tmp_path, refused):
    fifo = tmp_path / "fifo.gguf"
    os.mkfifo(fifo)
    for path in (str(tmp_path), str(fifo), "/dev/zero", "/dev/null", str(tmp_path / "missing.gguf")):
        result = subprocess.run([BORA, "models", "show", path], capture_output=True, timeout=20, check=False)
        assert result.returncode == 1 and result.stderr.count(b"\n") == 1, (path, result)


def test_wrong_beginnings(header, refused):
    refused(patched(header.data, 0, b"GGML"))
    refused(patched(header.data, 4, struct.pack(">I", 3)))
    for version in (0, 1, 4, 2**32 - 1):
        refused(patched(header.data, 4, struct.pack("<I", version)), says="version")


def test_absurd_counts(header, refused):
    for number in NUMBERS[1:]:
        refused(patched(header.data, 8, struct.pack("<Q", number)))
        refused(patched(header.data, 16, struct.pack("<Q", number)))


def test_absurd_lengths(header, refused):
    for number in NUMBERS[1:]:
        refused(patched(header.data, 24, struct.pack("<Q", number)))                      # the first key
        for key in ("tokenizer.ggml.model", "general.architecture"):
            refused(patched(header.data, header.values[key][1], struct.pack("<Q", number)))
        for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"):
            refused(patched(header.data, header.values[key][1] + 4, struct.pack("<Q", number)))


def test_nested_arrays(header, refused):
    nest = struct.pack("<IQ", ARRAY, 1) * 10000 + struct.pack("<IQ", U32, 0)
    refused(with_extra(header, [value("deep", ARRAY, nest)]))
    refused(with_extra(header, [value("array", ARRAY, struct.pack("<IQ", 77, 1))]))
    refused(with_extra(header, [value("type", 99, b"\0" * 8)]))


def test_keys(header, refused):
    refused(with_extra(header, [value("", U32, b"\0" * 4)]))
    refused(with_extra(header, [value("a", U32, b"\0" * 4)] * 2), says="a")
    refused(with_extra(header, [value("\x1b[31mred\x1b]0;title\x07", 99, b"")]))
    refused(with_extra(header, [value(b"\xff\xfe\xc2\x9b31m", 99, b"")]))


def test_every_value_of_a_wrong_type(header, refused):
    needed = [key for key in header.values if key.startswith(("tokenizer.ggml.tokens", "tokenizer.ggml.model",
              "tokenizer.ggml.merges", "tokenizer.ggml.token_type", "tokenizer.ggml.bos", "tokenizer.chat_template",
              "general.architecture", "general.alignment")) or (key.startswith("llama.") and "vocab_size" not in key)]
    assert len(needed) >= 12
    for key in needed:
        kind = header.values[key][2]
        wrong = (STRING, text("twelve")) if kind != STRING else (F32, struct.pack("<f", 1.5))
        refused(with_value(header, key, *wrong), says=re.escape(key))


def test_alignment(header, refused):
    for number in (0, 3, 13, 2**31, 2**32 - 1):
        refused(with_extra(header, [value("general.alignment", U32, struct.pack("<I", number))]), says="alignment")


def test_tensors(header, refused):
    name = "blk.0.attn_q.weight"
    tensor = header.tensors[name]
    for dims in (0, 5, 2**31, 2**32 - 1):
        refused(patched(header.data, tensor["dims"], struct.pack("<I", dims)))
    for number in NUMBERS + [3, 577, 2**42 + 1]:
        refused(patched(header.data, tensor["shape"], struct.pack("<Q", number)))
        refused(patched(header.data, tensor["shape"] + 8, struct.pack("<Q", number)))
    for kind in (4, 5, 31, 40, 999, 2**32 - 1):
        refused(patched(header.data, tensor["type"], struct.pack("<I", kind)))
    for number in NUMBERS[1:] + [1, 31, os.path.getsize(SMALL)]:
        refused(patched(header.data, tensor["offset"], struct.pack("<Q", number)))
    other = header.tensors["blk.1.attn_q.weight"]["offset"]
    refused(patched(header.data, tensor["offset"], header.data[other:other + 8]))          # one upon the other


def test_missing_tensors(header, refused):
    for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.29.ffn_down.weight", "output_norm.weight"):
        at = header.tensors[name]["start"] + 8
        refused(patched(header.data, at, b"?"), says=re.escape(name))
    twice = header.tensors["blk.1.attn_q.weight"]["start"] + 8
    refused(patched(header.data, twice, b"blk.0"), says=r"blk\.[01]")


def test_hyperparameters(header, refused):
    numbers = {"llama.attention.head_count": (0, 7, 2**31), "llama.attention.head_count_kv": (0, 2, 100),
               "llama.block_count": (0, 31, 513, 2**32 - 1), "llama.embedding_length": (0, 577, 2**31),
               "llama.context_length": (0, 2**32 - 1), "llama.feed_forward_length": (0, 5),
               "llama.rope.dimension_count": (0, 63, 128)}
    for key, wrong in numbers.items():
        for number in wrong:
            refused(with_value(header, key, U32, struct.pack("<I", number)))
    for key in ("llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon"):
        for number in (float("nan"), float("inf"), -1.0, 0.0):
            refused(with_value(header, key, F32, struct.pack("<f", number)), says=re.escape(key))


def test_vocabulary(header, refused):
    count = struct.unpack_from("<Q", header.data, header.values["tokenizer.ggml.tokens"][1] + 4)[0]
    for key in ("tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"):
        for number in (count, 2**31, 2**32 - 1):
            refused(with_value(header, key, U32, struct.pack("<I", number)), says=re.escape(key))
    refused(with_value(header, "tokenizer.ggml.token_type", ARRAY, struct.pack("<IQ", I32, 3) + b"\1\0\0\0" * 3), says="token_type")
    refused(with_value(header, "tokenizer.ggml.pre", STRING, text("\x1b[2Jnever heard of")), says="never heard of")
    refused(with_value(header, "tokenizer.ggml.model", STRING, text("rwkv")), says="rwkv")
    short = struct.pack("<IQ", STRING, 2) + text("a") + text("b")
    refused(with_value(header, "tokenizer.ggml.tokens", ARRAY, short))


def test_json_of_bytes_that_are_no_text(header, tmp_path):
    """Metadata that is not UTF-8: the JSON still is."""
    extra = value("some.bytes", STRING, text(b"a\xff\xfe\xc3z"))
    padding = -(len(extra) + len(value("pad", STRING, text(b"")))) % 32
    extra += value("pad", STRING, text(b"x" * padding))
    path = tmp_path / "bytes.gguf"
    data = header.data[:16] + struct.pack("<Q", len(header.values) + 2) + extra + header.data[24:header.end]
    path.write_bytes(data)
    os.truncate(path, os.path.getsize(SMALL) + len(extra))
    result = subprocess.run([BORA, "models", "show", "--json", str(path)], capture_output=True, timeout=20, check=True)
    assert json.loads(result.stdout.decode())["metadata"]["some.bytes"] == "a\ufffd\ufffd\ufffdz"


def test_cut_while_answering(tmp_path):
    """The file is cut to any length in the middle of an answer: one line, exit 1."""
    env = dict(os.environ, HOME=str(tmp_path), BORA_LANG="en", BORA_DATA_DIR=str(tmp_path / "data"))
    for length in (0, 4096, 50_000_000):
        path = tmp_path / "cut.gguf"
        shutil.copyfile(SMALL, path)
        words = [BORA, "-m", str(path), "--temp", "0", "--max-tokens", "4000", "-p", "Write a very long story."]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=env) as answering:
            assert answering.stdout.read(1)
            os.truncate(path, length)
            _, error = answering.communicate(timeout=60)
        assert answering.returncode == 1, (length, answering.returncode, error)
        assert error.count(b"\n") == 1 and b"cut short while it was in use" in error, error


def test_a_question_is_refused_in_the_same_way(header, refused):
    """Not only `models show`: one-shot answers, tokenize and score open the file too."""
    bad = with_value(header, "tokenizer.ggml.eos_token_id", U32, struct.pack("<I", 2**31))
    for command in (("-p", "hello"), ("tokenize",), ("score",)):
        refused(bad, says="eos_token_id", command=command)
        refused(header.data[:1000], length=1000, command=command)


def test_random_damage(header, tmp_path):
    """Any change of any bytes: refused in one line, or shown; never a crash, never a hang."""
    rng = random.Random(20261123)
    path = tmp_path / "damaged.gguf"
    size = os.path.getsize(SMALL) + (1 << 20)
    for _ in range(60):
        data = bytearray(header.data[:header.end])
        for _ in range(rng.randrange(1, 6)):
            where = rng.choice([(0, 2000), (header.tensor_start, header.end), (0, header.end)])
            data[rng.randrange(*where)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        path.write_bytes(data)
        os.truncate(path, size)
        result = subprocess.run([BORA, "models", "show", str(path)], stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=20, check=False)
        assert result.returncode in (0, 1), (result.returncode, result.stderr)
        if result.returncode:
            assert result.stdout == b"" and result.stderr.count(b"\n") == 1, result.stderr
