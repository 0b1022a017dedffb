"""Names and kinds of files, wherever they come in and go out."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import storage, uploads
from helpdesk.customers import access
from helpdesk.models import Attachment
from portal.models import CustomDocument
from tests import factories as f

BAD_NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system32\\x.dll.txt",
    "/abs/olute.txt",
    "a\r\nSet-Cookie: x=1.txt",
    "invoice\u202efdp.txt",
    "a\x00b.txt",
    "CON.txt",
    "lpt1",
    ".htaccess",
    "..",
    "",
    "a\u2028b.txt",
    'q"uote.txt',
    "x" * 5000 + ".txt",
]


@pytest.mark.pure
@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_is_made_harmless(name):
    clean = uploads.clean_name(name)
    assert clean
    assert not set(clean) & set('/\\:"\r\n\0\u202e\u2028<>|?*')
    assert clean not in (".", "..")
    assert not clean.startswith(".")
    assert len(clean) <= uploads.LONGEST_NAME
    assert clean.partition(".")[0].upper() not in ("CON", "LPT1")
    if len(name) > 1000:
        assert clean.endswith(".txt")


@pytest.mark.pure
@given(st.text(max_size=300))
def test_clean_name_stays_as_it_is(name):
    once = uploads.clean_name(name)
    assert uploads.clean_name(once) == once


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"words", ""),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", ""),
        ("a.zip", b"PK\x03\x04" + b"\0" * 40, ""),
        ("a.exe", b"words", "refused"),
        ("a.pdf.exe ", b"words", "refused"),
        ("a.EXE...", b"words", "refused"),
        ("photo.jpg", b"MZ\x90\x00" + b"\0" * 60, "refused"),
        ("notes.txt", b"#!/bin/sh\nrm -rf ~", "refused"),
        ("notes.txt", b"\xef\xbb\xbf <!-- x --> <HTML><script>", "refused"),
        ("notes.txt", b"<!DOCTYPE html>\n<title>x", "refused"),
        ("a.hta", b"words", "refused"),
        ("a\u202egpj.exe", b"words", "refused"),
        ("big.txt", b"x" * 101, "max_bytes"),
    ],
)
def test_which_files_are_taken(settings, name, content, code):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_BYTES": 100}
    file = SimpleUploadedFile("x", content)
    file._name = name
    codes = []
    try:
        uploads.take([file])
    except ValidationError as error:
        codes = [one.code for one in error.error_list]
    assert codes == ([code] if code else [])


@pytest.mark.pure
def test_count_and_total_are_limited(settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_FILES": 2, "UPLOAD_MAX_TOTAL": 10}
    files = [SimpleUploadedFile(f"{n}.txt", b"12345") for n in range(3)]
    for chosen, code in (
        (files, "max_files"),
        ([files[0], SimpleUploadedFile("b", b"123456")], "max_total"),
    ):
        with pytest.raises(ValidationError) as error:
            uploads.take(chosen)
        assert error.value.code == code
    assert len(uploads.take(files[:2])) == 2


@pytest.mark.pure
def test_site_may_refuse_something_else(settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_REFUSED": ["image/svg+xml", ".txt"]}
    assert uploads.is_dangerous("a.bin", "image/svg+xml")
    assert uploads.is_dangerous("a.TXT", "text/plain")
    assert not uploads.is_dangerous("a.exe", "application/x-msdownload")


@pytest.mark.pure
@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a/../../../x"])
def test_storage_keeps_to_its_folder(name, tmp_path):
    from django.core.exceptions import SuspiciousFileOperation

    place = storage.BlobStorage(location=tmp_path / "in", base_url=None)
    with pytest.raises(SuspiciousFileOperation):
        place.save(name, ContentFile(b"x"))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD_NAMES)
def test_header_of_a_download_cannot_be_broken(client, name):
    ticket = f.make_ticket()
    door = access.by_link(access.status_token(ticket))
    article = ticket.articles.get()
    from helpdesk.models import Blob

    name = name.replace("\0", "")  # PostgreSQL stores none
    row = Attachment.objects.create(
        article=article, name=name[:250], content_type="text/html", blob=Blob.keep(b"<script>")
    )
    answer = client.get(door.url("file", pk=row.pk))
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert "Set-Cookie: x" not in str(answer.headers)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<script>alert(1)</script>"),
        ("a.svg", b"<svg onload='alert(1)'/>"),
        ("a.pdf", b"%PDF-1.4"),
    ],
)
def test_documents_of_editors_are_downloads(client, name, content):
    row = CustomDocument(title="x")
    row.file.save(name, ContentFile(content))
    row.file.close()
    answer = client.get(reverse("wagtaildocs_serve", args=[row.pk, row.filename]))
    assert b"".join(answer.streaming_content) == content
    answer.close()
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.django_db
def test_svg_is_not_taken_as_a_picture(settings):
    from wagtail.images import get_image_model
    from wagtail.images.forms import get_image_form

    form = get_image_form(get_image_model())(
        {"title": "x"},
        {"file": SimpleUploadedFile("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")},
    )
    assert "file" in form.errors
