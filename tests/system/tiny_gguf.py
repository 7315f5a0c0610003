"""A GGUF file of a vocabulary alone, of any size: whole for the engine, and quick to send about."""
import struct

STRING, ARRAY, U32, F32, I32 = 8, 9, 4, 6, 5


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, data):
    return text(key) + struct.pack("<I", kind) + data


def array(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def make(size=300_000, license="apache-2.0", seed=0):
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["a", "b", "ab"]
    types = [2, 3, 3] + [6] * 256 + [1, 1, 1]
    values = [
        entry("general.architecture", STRING, text("llama")),
        entry("general.name", STRING, text("Tiny")),
        entry("general.license", STRING, text(license)),
        entry("tokenizer.ggml.model", STRING, text("llama")),
        entry("tokenizer.ggml.tokens", ARRAY, array(STRING, [text(token) for token in tokens])),
        entry("tokenizer.ggml.scores", ARRAY, array(F32, [struct.pack("<f", -i) for i in range(len(tokens))])),
        entry("tokenizer.ggml.token_type", ARRAY, array(I32, [struct.pack("<i", kind) for kind in types])),
        entry("tokenizer.ggml.bos_token_id", U32, struct.pack("<I", 1)),
        entry("tokenizer.ggml.eos_token_id", U32, struct.pack("<I", 2)),
    ]
    filler = size - sum(map(len, values)) - 100
    pattern = bytes(33 + (i * 7 + seed) % 90 for i in range(997))
    values.append(entry("test.filler", STRING, text((pattern * (filler // 997 + 1))[:max(filler, 1)])))
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + b"".join(values)
