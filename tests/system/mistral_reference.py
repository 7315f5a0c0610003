"""Mistral's tokenizers as GGUF vocabularies, and what mistral-common makes of texts and conversations.

usage (in the venv of tests/fetch_fixtures.py): mistral_reference.py FOLDER < cases.json

cases.json: {"texts": [...], "chats": [{"messages": [[role, text], ...], "continue": bool}, ...]}
FOLDER receives VERSION.gguf and VERSION.json: {"texts": [[id, ...], ...], "chats": [[id, ...] or null, ...]}
"""
import json
import pathlib
import sys

import gguf
import mistral_common
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

DATA = pathlib.Path(mistral_common.__file__).parent / "data"
FILES = {
    "mistral-v1": "tokenizer.model.v1",
    "mistral-v2": "mistral_instruct_tokenizer_240216.model.v2",
    "mistral-v3": "mistral_instruct_tokenizer_240323.model.v3",
    "mistral-v7": "mistral_instruct_tokenizer_241114.model.v7",
    "mistral-v3-tekken": "tekken_240718.json",
    "pixtral": "tekken_240911.json",
    "mistral-v7-tekken": "tekken_240911.json",
}
TYPE = gguf.TokenType


def byte_alphabet():
    """GPT-2's printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def split_token(ranks, token, rank):
    """The two parts that merging by rank joins last into token."""
    parts = [token[i:i + 1] for i in range(len(token))]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 30))
        if ranks.get(parts[best] + parts[best + 1], 1 << 30) >= rank:
            return None
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
    return parts


def write_tekken(writer, tekken):
    special = tekken.num_special_tokens
    alphabet = byte_alphabet()
    spell = lambda data: "".join(alphabet[b] for b in data)
    pieces = [tekken.id_to_byte_piece(i) for i in range(special, tekken.n_words)]
    ranks = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for rank, piece in enumerate(pieces):
        parts = split_token(ranks, piece, rank) if len(piece) > 1 else None
        if parts:
            merges.append(" ".join(map(spell, parts)))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("tekken")
    writer.add_token_list([tekken.id_to_piece(i) for i in range(special)] + [spell(piece) for piece in pieces])
    writer.add_token_types([TYPE.CONTROL] * special + [TYPE.NORMAL] * len(pieces))
    writer.add_token_merges(merges)


def write_sentencepiece(writer, model):
    size = range(model.vocab_size())
    kind = lambda i: (TYPE.UNKNOWN if model.IsUnknown(i) else TYPE.CONTROL if model.IsControl(i) else
                      TYPE.BYTE if model.IsByte(i) else TYPE.UNUSED if model.IsUnused(i) else TYPE.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([model.IdToPiece(i) for i in size])
    writer.add_token_scores([model.GetScore(i) for i in size])
    writer.add_token_types([kind(i) for i in size])


def write_vocabulary(path, tokenizer):
    writer = gguf.GGUFWriter(path, "llama")
    if hasattr(tokenizer, "_model") and hasattr(tokenizer._model, "IdToPiece"):
        write_sentencepiece(writer, tokenizer._model)
    else:
        write_tekken(writer, tokenizer)
    writer.add_bos_token_id(tokenizer.bos_id)
    writer.add_eos_token_id(tokenizer.eos_id)
    writer.add_unk_token_id(tokenizer.unk_id)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def encode_chat(tokenizer, chat):
    roles = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
    messages = [roles[role](content=text) for role, text in chat["messages"]]
    if chat["continue"]:
        messages[-1].prefix = True
    return tokenizer.encode_chat_completion(ChatCompletionRequest(messages=messages)).tokens


def open_tokenizer(name, folder):
    """The package holds Tekken's files of version 3 only; version 7 has the same vocabulary and other control tokens."""
    path = DATA / FILES[name]
    if name == "mistral-v7-tekken":
        tekken = json.loads(path.read_text(encoding="utf-8"))
        tekken["config"]["version"] = "v7"
        tekken.pop("multimodal", None)
        path = folder / "tekken_v7.json"
        path.write_text(json.dumps(tekken), encoding="utf-8")
    return MistralTokenizer.from_file(str(path))


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = json.load(sys.stdin)
    for name in FILES:
        tokenizer = open_tokenizer(name, folder)
        plain = tokenizer.instruct_tokenizer.tokenizer
        write_vocabulary(folder / f"{name}.gguf", plain)
        found = {"texts": [plain.encode(text, bos=False, eos=False) for text in cases["texts"]],
                 "chats": [encode_chat(tokenizer, chat) for chat in cases["chats"]]}
        (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
