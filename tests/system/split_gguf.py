"""Splits a GGUF file as llama.cpp's gguf-split does: every file has split.no, split.count and split.tensors.count, the
first has the model's values as well, and each its share of the tensors."""
import pathlib
import struct

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY, U16, I32 = 8, 9, 2, 5


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def skip_string(self):
        length = self.number(8)
        self.at += length

    def skip_value(self, kind):
        if kind == STRING:
            self.skip_string()
        elif kind == ARRAY:
            element, count = self.number(4), self.number(8)
            if element == STRING:
                for _ in range(count):
                    self.skip_string()
            else:
                self.at += SIZES[element] * count
        else:
            self.at += SIZES[kind]


def key(name, kind, form, value):
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I" + form, kind, value)


def padded(data, alignment=32):
    return data + bytes(-len(data) % alignment)


def split(path, folder, name, count, first_empty=False, number=lambda i: i, announced=None):
    """Writes NAME-00001-of-0000N.gguf… to folder; returns their paths."""
    data = pathlib.Path(path).read_bytes()
    reader = Reader(data)
    reader.at = 8
    tensors, values = reader.number(8), reader.number(8)
    start = reader.at
    for _ in range(values):
        reader.skip_string()
        reader.skip_value(reader.number(4))
    values_end = reader.at
    entries = []  # (bytes up to the offset, offset)
    for _ in range(tensors):
        begin = reader.at
        reader.skip_string()
        dims = reader.number(4)
        reader.at += 8 * dims + 4
        entries.append((data[begin:reader.at], reader.number(8)))
    base = reader.at + -reader.at % 32
    ends = sorted(offset for _, offset in entries) + [len(data) - base]
    length = {offset: ends[i + 1] - offset for i, offset in enumerate(ends[:-1])}
    filled = count - first_empty
    shares = [entries[len(entries) * i // filled:len(entries) * (i + 1) // filled] for i in range(filled)]
    if first_empty:
        shares.insert(0, [])
    paths = []
    for i, share in enumerate(shares):
        head = key("split.no", U16, "H", number(i)) + key("split.count", U16, "H", count) + key(
            "split.tensors.count", I32, "i", tensors if announced is None else announced)
        if i == 0:
            head = data[start:values_end] + head
        table, weights = b"", b""
        for entry, offset in share:
            table += entry + struct.pack("<Q", len(weights))
            weights += padded(data[base + offset:base + offset + length[offset]])
        whole = b"GGUF" + struct.pack("<IQQ", 3, len(share), 3 + (values if i == 0 else 0)) + head + table
        out = pathlib.Path(folder) / ("%s-%05d-of-%05d.gguf" % (name, i + 1, count))
        out.write_bytes(padded(whole) + weights)
        paths.append(out)
    return paths
