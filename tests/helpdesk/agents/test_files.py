from __future__ import annotations

import pytest
from django.urls import reverse

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.mail.sanitise import clean
from helpdesk.models import Article, Attachment, Blob, Channel, InboundMail

from .conftest import upload, write_note

pytestmark = pytest.mark.django_db

HTML = '<p>Hi</p><img src="https://tracker.example/a.png"><img src="cid:pic"><script>x</script>'


def address(name: str, ticket, pk: int) -> str:
    return reverse(f"helpdesk_agents:{name}", args=[ticket.pk, pk])


@pytest.mark.parametrize(
    ("name", "content_type", "given"),
    [
        ("a.pdf", "application/pdf", "application/pdf"),
        ("a.html", "text/html", "application/octet-stream"),
        ("a.svg", "image/svg+xml", "application/octet-stream"),
        ("a.xml", "application/xhtml+xml", "application/octet-stream"),
        ("a.png", "image/png", "image/png"),
    ],
)
def test_attachment_is_a_download_of_a_harmless_type(red, name, content_type, given):
    write_note(red, files=(upload(name, b"<b>x</b>", content_type),))
    row = Attachment.objects.get()
    answer = red.client.get(address("attachment", red.ticket, row.pk), {"inline": ""})
    assert answer.content == b"<b>x</b>"
    assert answer["Content-Type"] == given
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("content_type", "how"), [("image/png", "inline"), ("image/svg+xml", "attachment")]
)
def test_only_pictures_are_shown_inline(red, content_type, how):
    write_note(red, files=(upload("x", b"x", content_type),))
    url = address("attachment", red.ticket, Attachment.objects.get().pk)
    answer = red.client.get(url + "?inline=1")
    assert answer["Content-Disposition"].startswith(how)
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_name_of_a_file_cannot_break_the_header(red):
    write_note(red, files=(upload('a"\r\nX-Evil: 1/ü.pdf', b"x", "application/pdf"),))
    answer = red.client.get(address("attachment", red.ticket, Attachment.objects.get().pk))
    assert "X-Evil" not in answer.headers
    assert "filename*=" in answer["Content-Disposition"]


def test_attachment_is_found_only_below_its_own_ticket(red, blue):
    write_note(blue, files=(upload("x", b"x", "text/plain"),))
    row = Attachment.objects.get()
    assert red.client.get(address("attachment", red.ticket, row.pk)).status_code == 404
    assert red.client.get(address("attachment", blue.ticket, row.pk)).status_code == 404


def test_lost_bytes_are_not_found(red):
    write_note(red, files=(upload("x", b"will be lost", "text/plain"),))
    row = Attachment.objects.select_related("blob").get()
    from helpdesk import storage

    storage.delete(row.blob.sha256)
    assert red.client.get(address("attachment", red.ticket, row.pk)).status_code == 404


@pytest.fixture
def mail(red):
    return actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=red.ticket,
        draft=Draft(
            body="Hi",
            html=clean(HTML, {"pic": "pic"}),
            channel=Channel.EMAIL,
            files=(upload("p.png", b"png", "image/png", content_id="pic", inline=True),),
        ),
    )


def test_frame_holds_back_remote_pictures_until_asked(red, mail):
    url = address("frame", red.ticket, mail.pk)
    answer = red.client.get(url)
    page = answer.content.decode()
    assert ' src="https://tracker' not in page
    assert "<script" not in page
    policy = answer["Content-Security-Policy"]
    assert "img-src 'self';" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    asked = red.client.get(url + "?remote=1")
    assert ' src="https://tracker.example/a.png"' in asked.content.decode()
    assert "https:" in asked["Content-Security-Policy"]


def test_frame_shows_the_mails_own_pictures(red, mail):
    page = red.client.get(address("frame", red.ticket, mail.pk)).content.decode()
    picture = address("attachment", red.ticket, mail.attachments.get().pk)
    assert f'src="{picture}?inline=1"' in page


def test_frame_has_no_inline_style_and_a_new_nonce_each_time(red, mail):
    Article.objects.filter(pk=mail.pk).update(html='<p style="color:red">Hi</p>')
    policies = set()
    for _twice in range(2):
        answer = red.client.get(address("frame", red.ticket, mail.pk))
        assert '<p class="s0">Hi</p>' in answer.text
        assert ".s0{color:red}" in answer.text
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert "script-src" not in answer["Content-Security-Policy"]
        policies.add(answer["Content-Security-Policy"])
    assert len(policies) == 2


def test_frame_of_a_plain_message_is_not_found(red):
    article = red.ticket.articles.get()
    assert red.client.get(address("frame", red.ticket, article.pk)).status_code == 404


def test_screen_does_not_carry_html_bodies(red, mail):
    page = red.client.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk])).content.decode()
    assert "tracker.example" not in page
    assert "remote=1" in page


def test_source_is_the_raw_mail(red, mail):
    raw = b"From: x\r\n\r\nHi"
    InboundMail.objects.create(
        source="pipe", key="1", state="filed", article=mail, ticket=red.ticket, blob=Blob.keep(raw)
    )
    answer = red.client.get(address("source", red.ticket, mail.pk))
    assert answer.content == raw
    assert answer["Content-Disposition"].startswith("attachment")
    assert (
        red.client.get(address("source", red.ticket, red.ticket.articles.first().pk)).status_code
        == 404
    )
