"""The interface in every language, on a real terminal: nothing left in English, and Arabic from the right."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from program import BORA, ROOT
from terminal import Terminal

HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = sorted(path.stem for path in (ROOT / "locale").glob("*.txt"))
GOLDEN = HERE / "golden" / "arabic.txt"


def catalogue(language):
    lines = (ROOT / "locale" / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line and not line.startswith("#"))


CATALOGUES = {language: catalogue(language) for language in LANGUAGES}
ENGLISH = CATALOGUES["en"]


def english_phrases():
    """Runs of three words and more of what the first screen and the help say in English."""
    keys = [key for key in ENGLISH if re.match(r"(action|command)\.|chat\.(greeting|no-model)|editor\.hint|status\.|help\.", key)]
    for key in keys:
        for part in re.split(r"[^A-Za-z ]+|\\n", re.sub(r"\{[^{}]*\}", ".", ENGLISH[key])):
            if len(part.split()) >= 3:
                yield part.strip()


@pytest.fixture
def env(tmp_path):
    """No model: the interface says so in its language; nothing here needs an answer."""
    env = {"BORA_%s_DIR" % name: str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE", "MODELS")}
    model = tmp_path / "nothing.gguf"
    model.write_bytes(b"GGUF")
    return dict(env, HOME=str(tmp_path), INPUTRC="/dev/null", BORA_MODEL=str(model))


def settled(terminal):
    """What the screen shows when nothing more comes; more reading would only show more."""
    while terminal.read(0.2):
        pass
    return terminal.text()


def check_english(text):
    flat = re.sub(r"\s+", " ", text)
    for phrase in english_phrases():
        assert phrase not in flat, f"{phrase!r} is left in English:\n{text}"


@pytest.mark.parametrize("rows,columns", [(24, 80), (12, 40)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(env, language, rows, columns):
    with Terminal([BORA], env=dict(env, BORA_LANG=language), rows=rows, columns=columns) as terminal:
        terminal.wait(lambda text: "›" in text or "‹" in text, what="the input")
        first = settled(terminal)
        terminal.send("\x1bOP")
        terminal.wait(lambda text: text != first, what="the help")
        pages = [settled(terminal)]
        while "/exit" not in pages[-1]:
            terminal.send("\x1b[6~")
            terminal.wait(lambda text: text != pages[-1], what="the next page")
            pages.append(settled(terminal))
        assert "/help" in "".join(pages)
        for text in [first, *pages, terminal.raw.decode("utf-8", "replace")]:  # pyte drops what follows a vowel sign in Hindi
            if language != "en":
                check_english(text)
        if language == "en":
            with pytest.raises(AssertionError):  # the check can fail
                check_english("\n".join(pages))
        terminal.send("\x1b")
        terminal.wait(lambda text: "/exit" not in text, what="the help to go")
        terminal.send("\x04")
        assert terminal.wait_exit() == 0


def test_every_language_at_once(env):
    """/lang changes what is on the screen already, and back; a language that is not there is refused."""
    with Terminal([BORA, "--hints", "off"], env=dict(env, BORA_LANG="en")) as terminal:  # they take the place of words
        terminal.wait_for("Write a message")
        for language in ("fr", "ru", "ja", "en"):
            terminal.send(f"/lang {language}\r")
            hint = catalogue(language)["editor.hint"].split(",")[0].split("（")[0]
            terminal.wait_for(hint)
            greeting = catalogue(language)["chat.greeting"].split()[0].split("。")[0]
            terminal.wait_for(greeting)
        terminal.send("/lang tlh\r")
        terminal.wait_for("There is no language tlh")
        terminal.send("\x15/aide\r")
        terminal.wait_for("No such command: /aide")
        terminal.send("\x15/lang fr\r")
        terminal.wait_for("Langue")
        terminal.send("/aide\r")
        terminal.wait_for("Touches")


def open_arabic(tmp_path, env, rows, columns):
    run = subprocess.run([BORA, "sessions", "import", str(HERE / "arabic.json")], env=dict(os.environ, **env),
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return Terminal([BORA, "-c"], env=dict(env, BORA_LANG="ar"), rows=rows, columns=columns)


def test_arabic_from_the_right(tmp_path, env):
    """An Arabic conversation with code and a table in the Arabic interface, as a reader of Arabic would have it."""
    parts = []
    for rows, columns in ((30, 80), (38, 40)):
        with open_arabic(tmp_path, env, rows, columns) as terminal:
            terminal.wait(lambda text: "int add" in text and "‹" in text, what="the conversation")
            rows_shown = settled(terminal).split("\n")
            # Below the conversation: that there is no model, with its path; the input, which begins on the right.
            end = next(i for i, row in enumerate(rows_shown) if "sum." in row)
            parts.append("\n".join(rows_shown[1:end + 1]))
            assert rows_shown[-2].endswith("‹") and not rows_shown[-2].startswith(("›", "‹"))
    text = "\n=====\n".join(parts) + "\n"
    if os.environ.get("BORA_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def says(env, language, *arguments):
    """The error of a command line, in one line, without the isolates around names."""
    run = subprocess.run([BORA, "--lang", language, *arguments], env=dict(os.environ, **env), capture_output=True, text=True,
                         stdin=subprocess.DEVNULL, timeout=20)
    assert run.returncode in (1, 2) and run.stderr.count("\n") == 1, run.stderr
    return re.sub("[\u2066-\u2069\u200e]", "", run.stderr.strip())


WRONG = (["--frob"], ["-Q"], ["--temp"], ["--temp=abc"], ["--top-k=1.5"], ["--temp=99"], ["--bidi=x"], ["-f", "{}/none.txt", "hi"],
         ["-m", "nosuch", "hi"], ["-m", "{}/nothing.gguf", "hi"], ["-m", "{}/gone.gguf", "hi"], ["sessions", "show", "zzzz"],
         ["sessions", "frob"], ["--role", "frob", "hi"], ["models", "show", "nosuch"], ["sessions", "import", "{}/none.json"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_on_the_command_line(tmp_path, env, language):
    """Every word of a line that is not the person's own, or a name, is of the language."""
    for arguments in ([argument.format(tmp_path) for argument in each] for each in WRONG):
        line = says(env, language, *arguments)
        assert line.startswith("bora: ")
        if language == "en":
            continue
        rest = re.sub(r"[«“„‘「][^»”“’」]*[»”“’」]|[-/]\S+|bora\S*|BORA_\w+|\w+\|\w+|GGUF|JSON|Markdown|sessions", " ", line)
        english = set(re.findall(r"[a-z]{3,}", rest)) & {"the", "unknown", "option", "needs", "number", "there", "not", "file", "such",
                                                         "must", "between", "one", "cannot", "lists", "begins", "system"}
        assert english <= set(re.findall(r"[a-z]{3,}", " ".join(CATALOGUES[language].values()))), line
    assert says(env, "fr", "--frob") == "bora: option inconnue «\u00a0--frob\u00a0»\u202f; bora --help les montre toutes"
    assert says(env, "ru", "-m", "nosuch", "hi") == "bora: нет модели «nosuch»; найденные показывает «bora models»"


def test_refused_on_the_command_line(env):
    run = subprocess.run([BORA, "--lang", "xx", "--version"], env=dict(os.environ, **env), capture_output=True, text=True)
    assert run.returncode == 2 and "there is no language 'xx'" in run.stderr and " zh" in run.stderr


def test_help_in_every_language(env):
    for language in LANGUAGES:
        run = subprocess.run([BORA, "--lang", language, "--help"], env=dict(os.environ, **env), capture_output=True, text=True)
        assert run.returncode == 0 and catalogue(language)["option.help"] in run.stdout
        if language != "en":
            assert "show this help" not in run.stdout


def test_bench_languages(env):
    models = os.environ.get("BORA_TEST_MODELS", os.path.expanduser("~/.local/share/bora/models"))
    small = os.path.join(models, "smollm2-135m-instruct-q4_1.gguf")
    if not os.path.exists(small):
        pytest.skip("the small model is not here")
    run = subprocess.run([BORA, "bench", "--languages", "--json", "-m", small], env=dict(os.environ, **env),
                         capture_output=True, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0 and sorted(line["language"] for line in lines) == LANGUAGES
    by_language = {line["language"]: line for line in lines}
    assert all(line["prompt_per_second"] > 0 for line in lines)
    assert by_language["en"]["tokens_per_character"] < 0.5 < by_language["hi"]["tokens_per_character"]
