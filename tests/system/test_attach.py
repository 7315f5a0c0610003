"""Documents as the real programs read them, and what goes along with a one-shot's prompt."""
import os
import shutil
import subprocess
import zipfile

import pytest

from test_chat import BORA, SMALL, Home, answered, ready

pytestmark = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")
WORDS = "The heliotrope grows by the harbour."


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def write_pdf(path):
    stream = b"BT /F1 12 Tf 72 720 Td (%s) Tj ET" % WORDS.encode()
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
               b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
               b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream)]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj%s\nendobj\n" % (number, body)
    xref = len(data)
    data += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    path.write_bytes(data + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % xref)


def write_docx(path):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("[Content_Types].xml",
                   '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                   '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                   '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
                   'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
                   '</Types>')
        z.writestr("_rels/.rels",
                   '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
                   'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
                   'relationships/officeDocument" Target="word/document.xml"/></Relationships>')
        z.writestr("word/_rels/document.xml.rels",
                   '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
                   'relationships"/>')
        z.writestr("word/document.xml",
                   '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/'
                   'main"><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>' % WORDS)


def write_odt(path):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        z.writestr("META-INF/manifest.xml",
                   '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest'
                   ':1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.'
                   'opendocument.text"/></manifest:manifest>')
        z.writestr("styles.xml", '<?xml version="1.0"?><office:document-styles '
                   'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:font-face-decls/>'
                   '<office:styles/><office:automatic-styles/><office:master-styles/></office:document-styles>')
        z.writestr("content.xml",
                   '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:'
                   'office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:automatic-styles/><office:body><office:text>'
                   '<text:p>%s</text:p></office:text></office:body></office:document-content>' % WORDS)


def write_rtf(path):
    path.write_text("{\\rtf1\\ansi %s}" % WORDS)


def write_zip(path, name, xml):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(name, xml % WORDS)


def write_xlsx(path):
    write_zip(path, "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c t='inlineStr'><is><t>%s</t></is></c></row>"
              "</sheetData></worksheet>")


def write_pptx(path):
    write_zip(path, "ppt/slides/slide1.xml", "<p:sld><a:p><a:r><a:t>%s</a:t></a:r></a:p></p:sld>")


def write_epub(path):
    write_zip(path, "OPS/one.xhtml", "<html><body><p>%s</p></body></html>")


KINDS = {"pdf": (write_pdf, ["pdftotext", "mutool"]), "docx": (write_docx, ["pandoc", "docx2txt", "unzip"]),
         "odt": (write_odt, ["pandoc", "odt2txt", "unzip"]), "rtf": (write_rtf, ["pandoc", "unrtf"]),
         "xlsx": (write_xlsx, ["unzip"]), "pptx": (write_pptx, ["unzip"]), "epub": (write_epub, ["unzip"])}


def with_only(home, program):
    """A PATH with the usual programs, but of those that read documents this one alone."""
    folder = home.path / "only"
    folder.mkdir(exist_ok=True)
    others = {name for _, names in KINDS.values() for name in names} - {program}
    others -= {"unzip"} if program == "docx2txt" else set()  # which unpacks by it
    for place in ("/usr/bin", "/bin"):
        for name in os.listdir(place):
            if name not in others and not os.path.lexists(folder / name):
                os.symlink(os.path.join(place, name), folder / name)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("kind,program", [(k, p) for k, (_, ps) in KINDS.items() for p in ps])
def test_documents(home, kind, program):
    if not shutil.which(program):
        pytest.skip(program + " is not installed")
    KINDS[kind][0](home.path / ("paper." + kind))
    env = with_only(home, program)
    with home.chat("--max-tokens", "2", "-f", "paper." + kind, env=env) as chat:
        ready(chat)
        chat.wait(lambda text: "tokens)" in text or "Not attached" in text, 60, "the document")
        assert "Not attached" not in chat.text()
        chat.send("What grows there?\r")
        answered(chat)
        chat.send("\x04")
        chat.wait_exit()
    question = home.messages()[0]["content"]
    assert WORDS in question and question.startswith("What grows there?\n\npaper.%s:\n```%s\n" % (kind, kind))
    assert not list(home.path.glob("bora-run-*"))


def test_no_program_for_it(home):
    write_pdf(home.path / "paper.pdf")
    with home.chat("-f", "paper.pdf", env=with_only(home, "none")) as chat:
        ready(chat)
        chat.wait_for("poppler-utils")


def test_damaged_document(home):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    (home.path / "paper.pdf").write_bytes(b"%PDF-1.4\nnothing of use")
    with home.chat("-f", "paper.pdf") as chat:
        ready(chat)
        chat.wait_for("Not attached: paper.pdf")


def test_one_shot(home):
    folder = home.path / "src"
    folder.mkdir()
    (folder / "a.c").write_text("int harbour;\n")
    (folder / "b.png").write_bytes(b"\x89PNG\0\0")
    (home.path / "latin.txt").write_bytes("Grüße aus Köln, schöne Straße, für Mädchen".encode("latin-1"))
    env = dict(os.environ, **home.env)
    command = [BORA, "-m", SMALL, "--max-tokens", "2", "-p", "Read."]
    run = subprocess.run([*command, "-f", "src", "-f", "latin.txt"], cwd=home.path, env=env, input=b"piped words\n",
                         capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert b"b.png" in run.stderr  # what was left out
    assert home.messages()[0]["content"] == (
        "Read.\n\n```\npiped words\n```\n\nsrc/a.c:\n```c\nint harbour;\n```\n\n"
        "latin.txt:\n```txt\nGrüße aus Köln, schöne Straße, für Mädchen\n```")
    refused = subprocess.run([*command, "-f", "src/b.png"], cwd=home.path, env=env, stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=60)
    assert refused.returncode == 1 and refused.stdout == b"" and b"src/b.png" in refused.stderr
