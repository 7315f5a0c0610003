"""Thirteen languages in tmux: a prompt is typed, edited in the middle, scrolled away from, squeezed into twenty columns
and back, searched for, copied, sent and answered. The screens are golden files, golden/LANGUAGE.txt, for a reader of the
language to judge; BORA_GOLDEN=write writes them anew."""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from test_chat import BORA, SMALL, Home

GOLDEN = pathlib.Path(__file__).parent / "golden"
WIDE, NARROW, ROWS = 120, 20, 16
CODE = 'print("%s")'

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")

# title, question, answer, list, table, then the prompt: its beginning, its end, what is put between them, and a word to
# search for in the answer
TEXTS = {
    "en": ("A trip to Kyoto", "Where shall we go first?",
           "The **old town** is best seen early, before the crowds arrive; the gardens can wait until the afternoon.",
           ["temples", "gardens"], [("Day", "Place"), ("Monday", "Gion")],
           "Which temple ", "is the oldest?", "of them ", "crowds"),
    "fr": ("Voyage à Kyoto", "Où aller d’abord ?",
           "La **vieille ville** se visite tôt, avant la foule ; les jardins peuvent attendre l’après-midi.",
           ["les temples", "les jardins"], [("Jour", "Lieu"), ("lundi", "Gion")],
           "Quel temple ", "est le plus ancien ?", "de la ville ", "foule"),
    "de": ("Reise nach Kyoto", "Wohin gehen wir zuerst?",
           "Die **Altstadt** sieht man am besten früh, bevor die Menschenmengen kommen; die Gärten können warten.",
           ["Tempel", "Gärten"], [("Tag", "Ort"), ("Montag", "Gion")],
           "Welcher Tempel ", "ist der größte?", "der Stadt ", "Gärten"),
    "es": ("Viaje a Kioto", "¿Adónde vamos primero?",
           "El **casco antiguo** se ve mejor temprano, antes de que llegue la gente; los jardines pueden esperar.",
           ["templos", "jardines"], [("Día", "Lugar"), ("lunes", "Gion")],
           "¿Qué templo ", "es el más antiguo?", "de la ciudad ", "jardines"),
    "it": ("Viaggio a Kyoto", "Dove andiamo prima?",
           "La **città vecchia** si vede meglio presto, prima della folla; i giardini possono aspettare il pomeriggio.",
           ["templi", "giardini"], [("Giorno", "Luogo"), ("lunedì", "Gion")],
           "Quale tempio ", "è il più antico?", "della città ", "folla"),
    "pt": ("Viagem a Quioto", "Aonde vamos primeiro?",
           "A **cidade velha** é mais bonita de manhã cedo, antes da multidão; os jardins podem esperar até a tarde.",
           ["templos", "jardins"], [("Dia", "Lugar"), ("segunda-feira", "Gion")],
           "Qual templo ", "é o mais antigo?", "da cidade ", "multidão"),
    "nl": ("Reis naar Kyoto", "Waar gaan we eerst heen?",
           "De **oude stad** is vroeg het mooist, vóór de drukte; de tuinen kunnen tot de middag wachten.",
           ["tempels", "tuinen"], [("Dag", "Plaats"), ("maandag", "Gion")],
           "Welke tempel ", "is de oudste?", "van de stad ", "drukte"),
    "ru": ("Поездка в Киото", "Куда пойдём сначала?",
           "**Старый город** лучше смотреть рано, пока нет толпы; сады могут подождать до полудня.",
           ["храмы", "сады"], [("День", "Место"), ("понедельник", "Гион")],
           "Какой храм ", "самый древний?", "в городе ", "толпы"),
    "zh": ("京都之行", "我们先去哪里？",
           "**老城**最好一大早去，赶在人群到来之前；花园可以等到下午再去，那里的光线在傍晚时分最美，适合慢慢散步和拍照。",
           ["寺庙", "花园"], [("日期", "地点"), ("星期一", "祇园")],
           "哪座寺庙", "最古老？", "在京都", "人群"),
    "ja": ("京都への旅", "まずどこへ行きますか？",
           "**旧市街**は朝早く、人が集まる前に見るのがいちばんです。「庭園」は午後まで待ってもかまいません。ﾀﾞｲｼﾞｮｳﾌﾞです。",
           ["お寺", "庭園"], [("日", "場所"), ("月曜日", "祇園")],
           "どのお寺が", "一番古いですか？", "京都で", "庭園"),
    "ko": ("교토 여행", "어디부터 갈까요?",
           "**구시가지**는 사람이 몰리기 전 이른 아침에 보는 것이 가장 좋습니다. 정원은 오후까지 기다려도 됩니다.",
           ["사찰", "정원"], [("요일", "장소"), ("월요일", "기온")],
           "어느 사찰이 ", "가장 오래되었나요?", "교토에서 ", "오후까지"),
    "ar": ("رحلة إلى كيوتو", "إلى أين نذهب أولاً؟",
           "تُشاهَد **المدينة القديمة** باكراً قبل وصول الزوّار، وشغّل `./map.sh -x` لترى (الخريطة) كاملةً في 12.5 ثانية.",
           ["المعابد", "الحدائق"], [("اليوم", "المكان"), ("الاثنين", "جيون")],
           "أيّ المعابد ", "هو الأقدم؟", "في كيوتو ", "الزوّار"),
    "hi": ("क्योटो की यात्रा", "पहले कहाँ चलें?",
           "**पुराना शहर** सुबह जल्दी देखना सबसे अच्छा है, भीड़ आने से पहले; बग़ीचे दोपहर तक रुक सकते हैं।",
           ["मंदिर", "बग़ीचे"], [("दिन", "स्थान"), ("सोमवार", "गिओन")],
           "कौन सा मंदिर ", "सबसे पुराना है?", "शहर में ", "भीड़"),
}


def answer_of(text):
    _, _, prose, items, table = text[:5]
    rows = ["| %s |" % " | ".join(row) for row in table]
    rows.insert(1, "|---|---|")
    return "\n\n".join((prose, "\n".join("- " + item for item in items), "\n".join(rows),
                        "```python\n%s\n```" % (CODE % items[0])))


class Chat:
    """The program in tmux."""

    def __init__(self, home, path, language):
        self.socket = path / "tmux"
        conf = path / "tmux.conf"
        conf.write_text("set -s set-clipboard on\nset -g status off\nset -s escape-time 0\n")
        text = TEXTS[language]
        session = {"format": "bora-session", "version": 1, "id": "0000000001", "title": text[0], "model": "", "system": "",
                   "created": 1700000000, "updated": 1700000000, "pinned": False, "leaf": 2, "messages": [
                       {"id": 1, "parent": None, "role": "user", "content": text[1], "status": "complete", "model": "",
                        "created": 1700000000},
                       {"id": 2, "parent": 1, "role": "assistant", "content": answer_of(text), "status": "complete",
                        "model": "", "created": 1700000001}]}
        (path / "chat.json").write_text(json.dumps(session))
        home.env["BORA_LANG"] = language
        assert home.run("sessions", "import", str(path / "chat.json")).returncode == 0
        env = ["env"] + ["%s=%s" % item for item in home.env.items()]
        argv = [BORA, "-m", SMALL, "--temp", "0", "--threads", "1", "--max-tokens", "5", "-c"]
        self.tmux("-f", str(conf), "new-session", "-d", "-x", str(WIDE), "-y", str(ROWS), *env, *argv)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-u", "-S", str(self.socket), *arguments], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC"))
        return done.stdout

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def screen(self):
        return "\n".join(line.rstrip() for line in self.tmux("capture-pane", "-p").split("\n"))

    def settled(self, condition, what):
        """The screen, once the condition holds and it no longer changes."""
        end, last = time.monotonic() + 30, None
        while time.monotonic() < end:
            now = (self.screen(), self.tmux("display", "-p", "#{cursor_x} #{cursor_y}"))
            if now == last and condition(now[0]):
                return now[0]
            last = now
            time.sleep(0.15)
        raise AssertionError("never saw %s:\n%s" % (what, self.screen()))

    def resize(self, columns):
        self.tmux("resize-window", "-x", str(columns), "-y", str(ROWS))

    def cursor(self):
        return tuple(map(int, self.tmux("display", "-p", "#{cursor_x} #{cursor_y}").split()))

    def close(self):
        self.tmux("kill-server")


def bare(text):
    """Letters alone: rows in visual order have others forms and another order."""
    return sorted(re.sub(r"\W", "", text))


def steady(screen):
    """Without the status row, and what a clock says."""
    lines = screen.rstrip("\n").split("\n")[:ROWS - 1]
    return "\n".join(re.sub(r"[0-9٠-٩]{1,2}:[0-9٠-٩]{2}", "HH:MM", line).rstrip() for line in lines)


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_conversation(tmp_path, language):
    home = Home(tmp_path)
    text = TEXTS[language]
    begin, end, between, word = text[5:]
    chat = Chat(home, tmp_path, language)
    screens = []
    try:
        chat.settled(lambda s: "8k" in s or "8 k" in s or "٨" in s, "the model's context")
        chat.type(begin + end)
        chat.settled(lambda s: len(s.split("\n")[ROWS - 2].strip()) > len(begin), "the prompt")
        for _ in range(cluster_count(end)):
            chat.press("Left")
        chat.type(between)
        typed = chat.settled(lambda s: True, "the prompt")
        at = chat.cursor()
        screens.append(("typed", typed))

        chat.resize(NARROW)
        narrow = chat.settled(lambda s: len(s.split("\n")[0]) <= NARROW, "a narrow screen")
        screens.append(("narrow", narrow))
        chat.press("PPage")
        chat.press("PPage")
        screens.append(("scrolled", chat.settled(lambda s: s != narrow, "another part of it")))
        chat.press("M->")
        chat.settled(lambda s: s == narrow, "the end again")
        chat.resize(WIDE)
        assert chat.settled(lambda s: s == typed, "the wide screen again") == typed
        assert chat.cursor() == at

        chat.press("Enter")
        chat.settled(lambda s: len(messages(home)) == 4 and messages(home)[3]["status"] != "partial", "an answer")
        assert messages(home)[2]["content"] == begin + between + end

        chat.type("/copy 1")
        chat.press("Enter")
        chat.settled(lambda s: chat.tmux("show-buffer").strip() == CODE % text[3][0], "the code in the clipboard")

        chat.type("/search " + word)
        chat.press("Enter")
        found = chat.settled(lambda s: "/search" not in s, "what was found")
        assert set(bare(word)) <= set(bare(found)) or language == "ar"
        screens.append(("found", "\n".join(found.split("\n")[:8])))
    finally:
        chat.close()
    shown = "".join("--- %s\n%s\n" % (name, steady(screen)) for name, screen in screens)
    path = GOLDEN / (language + ".txt")
    if os.environ.get("BORA_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(shown)
    assert shown == path.read_text()


def messages(home):
    listed = json.loads(home.run("sessions", "ls", "--json").stdout)
    return json.loads(home.run("sessions", "show", listed[0]["id"], "--json").stdout)["messages"]


def cluster_count(text):
    """Letters as the caret sees them: marks and vowel signs go with theirs, conjuncts are one."""
    count, joined = 0, False
    for c in text:
        mark = re.match(r"[\u0300-\u036f\u064b-\u0652\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963\u200d]", c)
        count += not mark and not joined
        joined = c == "\u094d"
    return count
