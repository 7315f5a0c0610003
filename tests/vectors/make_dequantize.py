#!/usr/bin/env python3
"""Writes dequantize.bin: random blocks of every quantised type and the weights that the
`gguf` package (PyPI, by the makers of the format) reads from them.

A record a type: u32 type, u32 weights, u32 bytes, the bytes, the weights as f32."""
import struct
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

# Offsets of the f16 scales in a block: random bytes there could be infinities.
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0], T.F16: [0], T.BF16: [],
}


def main():
    random = np.random.default_rng(7)
    out = open(sys.argv[1] if len(sys.argv) > 1 else "dequantize.bin", "wb")
    for kind, halves in HALVES.items():
        block, size = GGML_QUANT_SIZES[kind]
        count = 512 // block if block > 1 else 64
        data = random.integers(0, 256, (count, size), dtype=np.uint8)
        for at in halves:
            scales = random.normal(0, 0.02, count).astype(np.float16)
            scales[0] = 3e-7  # subnormal
            data[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
        if kind == T.BF16:
            data[:, 1] = data[:, 1] & 0x80 | 0x3E
        weights = dequantize(data, kind).astype(np.float32).ravel()
        out.write(struct.pack("<III", kind.value, weights.size, data.size) + data.tobytes() + weights.tobytes())


main()
