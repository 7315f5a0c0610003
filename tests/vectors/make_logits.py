#!/usr/bin/env python3
"""Make logits-NAME.bin: what llama.cpp says of texts.txt with the weights expanded to F32.

usage: make_logits.py NAME MODEL.gguf MODEL-F32.gguf OUT.bin      (needs llama-cpp-python and numpy)
The F32 file is made by `llama-quantize --allow-requantize MODEL.gguf MODEL-F32.gguf F32`. F32 cache, no flash attention.

File, little endian: "BLG1", u32 texts, f32 mean KL and f32 argmax agreement of llama.cpp itself on MODEL.gguf (same
texts, same measure), then per text: u32 count, i32 ids[count], per position TOP times (i32 id, u16 logprob * -2048,
rounded). The KL is over these TOP ids and one bucket for the rest.
"""
import struct
import sys
import numpy as np
import llama_cpp

TOP, LENGTH = 32, 64


def open_model(path):
    return llama_cpp.Llama(path, n_ctx=256, n_batch=512, n_threads=2, n_threads_batch=2, logits_all=True,
                           flash_attn=False, type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, verbose=False)


def log_probabilities(model, ids):
    model.reset()
    model.eval(ids)
    rows = model.scores[: len(ids)].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


def truncated_kl(p, q, top):
    pt, qt = p[top], q[top]
    prest, qrest = max(1 - np.exp(pt).sum(), 1e-9), max(1 - np.exp(qt).sum(), 1e-9)
    return float((np.exp(pt) * (pt - qt)).sum() + prest * (np.log(prest) - np.log(qrest)))


def main(name, quantised, expanded, out):
    with open(__file__.rsplit("/", 1)[0] + "/texts.txt", encoding="utf-8") as file:
        texts = file.read().split("=====\n")
    reference = open_model(expanded)
    ids = [reference.tokenize(t.encode(), add_bos=True)[:LENGTH] for t in texts]
    wanted = [log_probabilities(reference, i) for i in ids]
    del reference
    own = open_model(quantised)
    kl, full, same, body = [], [], [], b""
    for i, rows in zip(ids, wanted):
        got = log_probabilities(own, i)
        body += struct.pack(f"<I{len(i)}i", len(i), *i)
        for p, q in zip(rows, got):
            top = np.argsort(-p, kind="stable")[:TOP]
            kl.append(truncated_kl(p, q, top))
            full.append(float((np.exp(p) * (p - q)).sum()))
            same.append(int(np.argmax(p) == np.argmax(q)))
            for t in top:
                body += struct.pack("<iH", int(t), min(65535, round(-p[t] * 2048)))
    with open(out, "wb") as file:
        file.write(b"BLG1" + struct.pack("<Iff", len(ids), np.mean(kl), np.mean(same)) + body)
    print(f"{name}: {len(kl)} positions, llama.cpp's own mean KL {np.mean(kl):.5f} (untruncated {np.mean(full):.5f}), "
          f"argmax agreement {100 * np.mean(same):.1f} %")


if __name__ == "__main__":
    main(*sys.argv[1:5])
