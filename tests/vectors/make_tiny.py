#!/usr/bin/env python3
"""Make tiny.bin: llama.cpp's log-probabilities for the random F32 models of tests/engine/tiny_model.h.

usage: build/release/tests/engine/test_forward --write DIR; make_tiny.py DIR OUT.bin     (needs llama-cpp-python and numpy)
File: per model, in the order of the table tiny_f32, for each of POSITIONS the log-probabilities of all ids, f32.
"""
import sys
import numpy as np
import llama_cpp

NAMES = ["llama", "llama-linear", "llama-yarn", "llama-freqs", "qwen2", "qwen2-yarn", "qwen3", "gemma3", "gemma3-linear"]
COUNT, POSITIONS, VOCAB = 100, [0, 1, 15, 40, 99], 320

with open(sys.argv[2], "wb") as out:
    for name in NAMES:
        model = llama_cpp.Llama(f"{sys.argv[1]}/{name}.gguf", n_ctx=512, n_batch=512, n_threads=1, logits_all=True, flash_attn=False,
                                type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, verbose=False)
        model.eval([(i * 131 + 7) % VOCAB for i in range(COUNT)])
        rows = model.scores[POSITIONS].astype(np.float64)
        rows -= rows.max(axis=1, keepdims=True)
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
        out.write(rows.astype(np.float32).tobytes())
        print(name, "likeliest", rows.argmax(axis=1), np.exp(rows.max(axis=1)).round(3))
