"""A model answers in the language of what was said last, and follows when that changes in the middle of a conversation:
the script of each answer tells. The model is greedy, so that it says the same every time."""
import os
import unicodedata

import pytest

from test_chat import MODELS, Home, ready

MODEL = os.path.join(MODELS, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
pytestmark = pytest.mark.skipif(not os.path.exists(MODEL), reason="the small coder model is not here")

TURNS = [("LATIN", "Hello! What is the sky?"), ("CJK", "请介绍一下北京。"), ("CYRILLIC", "Привет! Как дела?"),
         ("LATIN", "Thank you! What is the sea?"), ("HANGUL", "고양이는 무엇인가요?"), ("ARABIC", "ما هو البحر؟")]


def script(text):
    """The script of most letters."""
    scripts = [unicodedata.name(c, "?").split()[0] for c in text if c.isalpha()]
    return max(set(scripts), key=scripts.count) if scripts else None


def test_answers_follow_the_language_of_the_question(tmp_path):
    home = Home(tmp_path)
    with home.chat("-m", MODEL, "--max-tokens", "24") as chat:
        ready(chat)
        for turn, (_, question) in enumerate(TURNS, 1):
            chat.send(question + "\r")
            chat.wait(lambda text: len(done(home)) == 2 * turn, seconds=120, what="answer %d" % turn)
    answers = [message["content"] for message in done(home) if message["role"] == "assistant"]
    assert [script(answer) for answer in answers] == [wanted for wanted, _ in TURNS], answers


def done(home):
    """Messages that are stored to their end."""
    return [message for message in home.messages() if message["status"] == "complete"]
