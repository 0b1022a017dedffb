from __future__ import annotations

import importlib.util

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from helpdesk import notifications
from helpdesk.mail.parse import parse
from helpdesk.mailroom import room
from helpdesk.models import OutboundMail, Ticket
from helpdesk.notifications import mime
from tests import factories as f

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.helpdesk.mailroom.urls")]

RAW = (
    b"From: Ina <ina@mail.example>\r\nTo: Bo <bo@mail.example>\r\nSubject: <b>Printer</b>\r\n"
    b"Message-ID: <1@mail.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/html\r\n\r\n<p onclick=x>Hello</p><script>alert(1)</script>\r\n"
    b"--x\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=evil.html\r\n\r\n"
    b"<script>alert(2)</script>\r\n--x--\r\n"
)


def url(name, *args):
    return reverse(f"helpdesk_mailroom:{name}", args=args)


@pytest.fixture
def key():
    return room.take(RAW, sender="ina@mail.example", recipients=["bo@mail.example"])


@pytest.fixture
def queue():
    return f.QueueAddressFactory(address="support@desk.example").queue


def write(client, **values):
    form = {
        "from_name": "Ina Rother",
        "from_address": "ina@mail.example",
        "to": "support@desk.example",
        "subject": "Printer",
        "body": "It is silent.",
    }
    return client.post(url("write"), form | values)


def test_list_leads_to_each_mail_and_escapes_its_subject(client, key):
    page = client.get(url("index")).content.decode()
    assert url("mail", key) in page
    assert "&lt;b&gt;Printer&lt;/b&gt;" in page
    assert "<b>Printer" not in page


def test_list_without_mails_says_so(client):
    assert client.get(url("index"), {"address": "x"}).status_code == 200
    assert client.get(url("index")).status_code == 200


def test_mail_shows_text_head_and_files_and_keeps_its_html_in_a_sandbox(client, key):
    page = client.get(url("mail", key)).content.decode()
    assert "Hello" in page
    assert "alert(1)" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "evil.html" in page
    assert "return-path" in page


def test_html_of_a_mail_may_do_nothing(client, key):
    response = client.get(url("html", key))
    policy = response["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_source_is_plain_text(client, key):
    response = client.get(url("raw", key))
    assert response["Content-Type"].startswith("text/plain")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content.endswith(RAW)


def test_file_is_a_download_of_no_type(client, key):
    response = client.get(url("file", key, 0))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert b"alert(2)" in response.content
    assert client.get(url("file", key, 1)).status_code == 404


@pytest.mark.parametrize("name", ["mail", "html", "raw"])
def test_unknown_mail_is_not_found(client, name):
    assert client.get(url(name, "nothing")).status_code == 404


def test_nothing_is_there_outside_development(client, key, settings):
    settings.HELPDESK = {**settings.HELPDESK, "MAILROOM": False}
    pages = [url("index"), url("write"), url("file", key, 0)]
    pages += [url(name, key) for name in ("mail", "html", "raw")]
    assert {client.get(page).status_code for page in pages} == {404}
    assert write(client).status_code == 404


@pytest.mark.parametrize("is_open", [True, False])
def test_addresses_are_included_in_development_only(settings, is_open):
    settings.HELPDESK = {**settings.HELPDESK, "MAILROOM": is_open}
    spec = importlib.util.find_spec("helpdesk.urls")
    urls = importlib.util.module_from_spec(spec)  # as it is when the site starts
    spec.loader.exec_module(urls)
    assert ("mailroom/" in [str(one.pattern) for one in urls.urlpatterns]) == is_open


def test_mail_written_as_a_customer_opens_a_ticket(client, queue):
    file = SimpleUploadedFile("Foto ä.png", b"\x89PNG", "image/png")
    assert write(client, file=file).status_code == 302
    ticket = Ticket.objects.get()
    assert (ticket.queue, ticket.subject, ticket.contact) == (queue, "Printer", "ina@mail.example")
    article = ticket.articles.get()
    assert article.body.strip() == "It is silent."
    assert article.attachments.get().name == "Foto ä.png"
    assert article.from_name == "Ina Rother"


def test_answer_to_a_receipt_joins_its_ticket(client, queue):
    write(client)
    notifications.send_due()
    receipt = OutboundMail.objects.get()
    raw = mime.build(receipt)
    key = room.take(raw, sender="", recipients=["ina@mail.example"])
    page = client.get(url("write"), {"reply": key})
    assert page.context["form"].initial["to"] == receipt.reply_to
    assert page.context["form"].initial["from_address"] == "ina@mail.example"
    write(client, to=receipt.reply_to, subject="Re: anything", body="Still silent.", reply=key)
    ticket = Ticket.objects.get()
    assert [one.body.strip() for one in ticket.articles.all()] == [
        "It is silent.",
        "Still silent.",
    ]
    answer = parse(room.read(room.mails()[0].key))
    assert answer.in_reply_to == (receipt.message_id,)
    assert answer.references[-1] == receipt.message_id


@pytest.mark.parametrize(
    "values",
    [
        {"from_address": "nobody"},
        {"from_address": "a@b.example\r\nBcc: c@d.example"},
        {"to": "stranger@elsewhere.example"},
        {"body": ""},
    ],
)
def test_bad_input_is_shown_and_nothing_typed_is_lost(client, queue, values):
    response = write(client, **values)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert "Ina Rother" in response.content.decode()
    assert not Ticket.objects.exists()


def test_line_breaks_in_names_and_subjects_make_no_headers(client, queue):
    write(client, from_name="Ina\r\nBcc: x@y.example", subject="a\r\nX-Evil: 1\r\n\r\nbody")
    mail = parse(room.read(room.mails()[0].key))
    assert not {"bcc", "x-evil"} & set(mail.headers)
    assert mail.text.strip() == "It is silent."


def test_writing_needs_a_queue_with_an_address(client):
    assert "<textarea" not in client.get(url("write")).content.decode()
