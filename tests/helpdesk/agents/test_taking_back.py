"""Undo on the ticket screen: offered to whom, for how long, and how writing goes on."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from helpdesk.models import Article, OutboundMail, Right, Ticket
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser, upload
from .test_ticket import count, do, message, screen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def window(settings):
    settings.HELPDESK = {**settings.HELPDESK, "UNDO_SECONDS": 10}


@pytest.fixture
def desk(red):
    f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    Ticket.objects.filter(pk=red.ticket.pk).update(contact="asker@mail.example")
    return red


def send(desk, change="reply", **data):
    data = message("My words", **{"to": "Asker <asker@mail.example>", **data})
    page = desk.client.post(do(desk.ticket, change), data, follow=True)
    assert page.status_code == 200
    return Article.objects.latest("pk"), page.content.decode()


def url(desk, article):
    return reverse("helpdesk_agents:take_back", args=[desk.ticket.pk, article.pk])


def test_message_after_sending_carries_the_button_of_a_form_on_the_screen(desk):
    article, page = send(desk)
    (form,) = re.findall(r'<form[^>]*id="(hd-undo-\d+)"', page)
    assert page.count(f'form="{form}"') == 1
    assert f'action="{url(desk, article)}"' in page
    assert 'data-hd-undo-seconds-value="10"' in page
    assert "&lt;button" not in page


def test_undo_opens_the_composer_with_text_and_recipients(desk):
    closed = f.state(StateType.CLOSED)
    article, _page = send(desk, cc="Bo <bo@mail.example>", state=closed.pk)
    page = desk.client.post(url(desk, article), follow=True)
    assert page.redirect_chain[0][0].endswith(f"?again={article.pk}#composer")
    (reply,) = [form for form in page.context["composers"] if form.name == "reply"]
    assert page.context["mode"] == "reply"
    assert reply["body"].value() == "My words"
    assert reply["to"].value() == "Asker <asker@mail.example>"
    assert reply["cc"].value() == "Bo <bo@mail.example>"
    assert reply["state"].value() == closed.pk
    text = page.content.decode()
    assert "Taken back" in text
    assert "Nobody received it" in text
    assert "hd-undo-" not in text
    assert OutboundMail.objects.get().state == "withdrawn"


def test_state_that_nobody_chose_is_not_proposed(desk):
    article, _page = send(desk)  # opened the new ticket by itself
    page = desk.client.post(url(desk, article), follow=True)
    assert not page.context["composers"][0]["state"].value()


def test_forwarded_message_goes_back_into_its_own_form(desk):
    original = desk.ticket.articles.get()
    article, _page = send(desk, "forward", to="help@maker.example", original=original.pk)
    page = desk.client.post(url(desk, article), follow=True)
    (form,) = [form for form in page.context["composers"] if form.name == "forward"]
    assert page.context["mode"] == "forward"
    assert form["to"].value() == "help@maker.example"
    assert form["original"].value() == original.pk
    assert form["body"].value() == "My words"


def test_files_go_along_again_unless_unticked(desk):
    article, _page = send(desk, files=[_file("a.txt"), _file("b.txt")])
    first, second = article.attachments.all()
    page = desk.client.post(url(desk, article), follow=True).content.decode()
    boxes = re.findall(r'name="kept" value="(\d+)"[^>]*checked', page)
    assert boxes == [str(first.pk), str(second.pk)]
    again, _page = send(desk, key="k2", again=article.pk, kept=[second.pk])
    (file,) = again.attachments.all()
    assert (file.name, file.blob_id) == ("b.txt", second.blob_id)


def _file(name):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, name.encode(), "text/plain")


def test_refused_form_keeps_the_files_of_the_message_taken_back(desk):
    article, _page = send(desk, files=[_file("a.txt")])
    desk.client.post(url(desk, article))
    file = article.attachments.get()
    data = message("Text", key="k3", to="no address", again=article.pk, kept=[file.pk])
    page = desk.client.post(do(desk.ticket, "reply"), data)
    assert page.status_code == 422
    assert f'name="again" value="{article.pk}"' in page.content.decode()
    assert re.search(rf'name="kept" value="{file.pk}"[^>]*checked', page.content.decode())


@pytest.mark.parametrize("whose", ["other team", "message that stands"])
def test_files_of_anything_else_cannot_be_named(desk, blue, whose):
    if whose == "other team":
        from .conftest import write_note

        article = write_note(blue, files=(upload("secret.txt", b"x", "text/plain"),))
        Article.objects.filter(pk=article.pk).update(extra={"taken_back": "now"})
    else:
        article, _page = send(desk, files=[_file("a.txt")])
    file = article.attachments.get()
    desk.client.post(
        do(desk.ticket, "reply"),
        message("Text", key="k4", to="asker@mail.example", again=article.pk, kept=[file.pk]),
    )
    assert not Article.objects.latest("pk").attachments.exclude(pk=file.pk).exists()
    page = desk.client.get(screen(desk.ticket) + f"?again={article.pk}")
    assert "secret.txt" not in page.content.decode()


def test_undo_comes_too_late_in_plain_words(desk):
    article, _page = send(desk)
    OutboundMail.objects.update(state="sending", sending_since=timezone.now())
    page = desk.client.post(url(desk, article), follow=True).content.decode()
    assert "The mail is on its way already." in page
    article.refresh_from_db()
    assert article.visible


def test_second_click_shows_the_composer_as_the_first_did(desk):
    article, _page = send(desk)
    for _click in range(2):
        answer = desk.client.post(url(desk, article))
        assert answer.url.endswith(f"?again={article.pk}#composer")


def test_undo_is_offered_to_the_author_and_managers_only(desk):
    article, _page = send(desk)
    colleague = browser(f.make_agent(desk.queue, rights=[Right.ANSWER, Right.NOTE]))
    assert "hd-undo-" not in colleague.get(screen(desk.ticket)).content.decode()
    assert colleague.post(url(desk, article)).status_code == 404
    manager = browser(f.make_agent(desk.queue))
    assert "hd-undo-" in manager.get(screen(desk.ticket)).content.decode()


def test_undo_of_another_team_is_not_found(desk, blue):
    article, _page = send(desk)
    assert blue.client.post(url(desk, article)).status_code == 404
    assert OutboundMail.objects.get().state == "queued"


def test_undo_is_offered_as_long_as_the_mail_waits_and_never_when_off(desk, settings):
    send(desk)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        page = desk.client.get(screen(desk.ticket)).content.decode()
    assert 'data-hd-undo-seconds-value="0"' in page
    settings.HELPDESK = {**settings.HELPDESK, "UNDO_SECONDS": 0}
    assert "hd-undo-" not in desk.client.get(screen(desk.ticket)).content.decode()


def test_offering_undo_costs_no_query_more_for_many_mails(desk):
    send(desk)
    few = count(desk.client, screen(desk.ticket))
    for number in range(20):
        send(desk, key=f"many{number}")
    assert count(desk.client, screen(desk.ticket)) == few
