from __future__ import annotations

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError

from helpdesk.pages.uploads import check_ending, ending_of, endings_of, limits, media_type

pytestmark = pytest.mark.pure

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
PDF = b"%PDF-1.7\n"
EXE = b"MZ\x90\x00" + b"\0" * 64


def zipped(name="word/document.xml"):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(name, "<x/>")
    return raw.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.png", PNG, "image/png"),
        ("A.PNG", PNG, "image/png"),
        ("a.jpeg", b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        ("a.pdf", PDF, "application/pdf"),
        ("a.txt", b"plain", "text/plain"),
        ("a.csv", "ä;ö".encode(), "text/csv"),
        ("a.zip", zipped(), "application/zip"),
        (
            "a.docx",
            zipped(),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("a.png", PDF, None),
        ("a.pdf", b"plain", None),
        ("a.txt", EXE, None),
        ("a.txt", b"x\0y", None),
        ("a.docx", PNG, None),
        ("a.html", b"<script>", None),
        ("a", b"plain", None),
        ("a.tex", rb"\documentclass{article}", "text/plain"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a.ics", b"BEGIN:VCALENDAR", "text/calendar"),
        ("a.py", b"print(1)", "text/plain"),
        ("a.step", b"ISO-10303-21;", "text/plain"),
        ("a.svg", b"<svg/>", "text/plain"),
        ("a.txt", "äöü".encode("utf-16"), "text/plain"),
        ("a.txt", b"\xfe\xff" + "äöü".encode("utf-16-be"), "text/plain"),
        ("a.csv", "ä;ö".encode("utf-32"), "text/csv"),
        ("a.txt", "ä;ö".encode("cp1252"), "text/plain"),
        ("a.txt", b"\xff\xfe\x00", None),
        ("a.txt", "a\0b".encode("utf-16"), None),
        ("a.tex", PNG, None),
        ("a.tex", b"x\0y", None),
        ("a.mp4", b"plain", None),
        ("a.js", b"plain", None),
    ],
)
def test_media_type_is_what_the_content_says(name, content, expected):
    assert media_type(name, content) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tex, json; .SVG *.pdf", ("tex", "json", "svg", "pdf")),
        ("pdf;pdf , ;", ("pdf",)),
        ("*.tar.gz", ("tar.gz",)),
        ("*", ()),
    ],
)
def test_endings_are_read_as_people_write_them(text, expected):
    assert endings_of(text) == expected


@pytest.mark.parametrize("ending", ["pdf", "7z", "tex", "step", "x_t"])
def test_an_ending_of_which_a_file_could_be_sent(ending):
    check_ending(ending)


@pytest.mark.parametrize(
    ("ending", "code"),
    [("tar.gz", "malformed"), ("pdf(", "malformed"), ("bücher", "malformed"), ("exe", "refused"), ("html", "refused"), ("js", "refused")],
)  # fmt: skip
def test_an_ending_of_which_none_could_is_refused(ending, code):
    with pytest.raises(ValidationError) as error:
        check_ending(ending)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("name", "expected"), [("a.tar.GZ", "gz"), ("a", ""), (".profile", "profile"), ("a.", "")]
)
def test_ending_of(name, expected):
    assert ending_of(name) == expected


def test_limits_are_never_above_those_of_the_site(settings):
    settings.HELPDESK = {"UPLOAD_MAX_FILES": 3, "UPLOAD_MAX_BYTES": 5 * 1024 * 1024}
    wide, narrow = limits(99, 99, ""), limits(1, 2, ".PDF, jpg")
    assert (wide.max_files, wide.max_bytes) == (3, 5 * 1024 * 1024)
    assert (narrow.max_files, narrow.max_bytes) == (1, 2 * 1024 * 1024)
    assert narrow.endings == ("pdf", "jpg")
    assert "pdf" in wide.endings
