"""Building a mail filter in a browser: with script, and with none at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from helpdesk.mail import ledger
from helpdesk.models import MailFilter

from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: Where to put pictures of the screens, if anywhere.
PICTURES = os.environ.get("FILTER_PICTURES", "")
DEEP = {"not": {"any": [{"field": "subject", "op": "starts_with", "value": "Re:"}]}}


def picture(visitor: Any, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.fixture
def queue() -> Any:
    stage = set_up()
    account("chef", "de", is_superuser=True, is_staff=True)
    account("boss", "en", is_superuser=True, is_staff=True)
    make_filters(stage.queue.pk)
    for number, subject in enumerate(("Unser bestes Angebot", "WLAN tot", "Angebot für Toner")):
        raw = f"From: werbung@shop.example\r\nSubject: {subject}\r\n\r\nHallo\r\n".encode()
        ledger.accept(raw, source="test", key=str(number))
    return stage.queue


def make_filters(queue: int) -> None:
    newsletter = {
        "any": [
            {"field": "list_id", "op": "not_empty"},
            {"field": "machine", "op": "in", "value": ["list", "system"]},
        ]
    }
    spam = {"all": [newsletter, {"field": "spam_score", "op": "ge", "value": 5}]}
    rows = (
        ("Newsletter", newsletter, [{"do": "ignore", "reason": "Newsletter"}]),
        ("Spam", spam, [{"do": "set_queue", "queue": queue}, {"do": "add_tags", "tags": "spam"}]),
        ("Tief", DEEP, [{"do": "add_note", "text": "Bitte ansehen."}]),
        ("Kaputt", {"field": "gone", "op": "is", "value": "x"}, []),
    )
    for position, (name, condition, effects) in enumerate(rows):
        MailFilter.objects.create(
            name=name, condition=condition, effects=effects, position=position, hits=position * 7
        )


def test_filter_screens(visit, queue):
    places = {
        "list": reverse("helpdesk_agents:filters"),
        "new": reverse("helpdesk_agents:filter_new"),
    }
    for row in MailFilter.objects.all():
        places[row.name] = reverse("helpdesk_agents:filter", args=[row.pk])
    row = MailFilter.objects.get(name="Spam")
    places["copy"] = reverse("helpdesk_agents:filter_copy", args=[row.pk])
    places["delete"] = reverse("helpdesk_agents:filter_delete", args=[row.pk])
    for phone, user in ((False, "chef"), (True, "boss")):
        visitor = visit(phone=phone, language="de" if user == "chef" else "en")
        visitor.log_in(user)
        for name, path in places.items() if PICTURES else ():
            visitor.goto(path)
            picture(visitor, f"{name}-{'phone-en' if phone else 'de'}")
        visitor.tour(places)


def test_filter_is_built_tried_and_saved(visit, queue):
    visitor = visit(language="en")
    page = visitor.page
    visitor.log_in("boss")
    visitor.goto(reverse("helpdesk_agents:filter_new"))
    page.fill("[name=name]", "Offers")
    page.select_option("[name=condition-0-0-field]", "subject")
    page.fill("[name=condition-0-0-value]", "angebot")
    page.click("#condition-0-add")
    expect(page.locator("[name=condition-0-1-field]")).to_be_focused()
    page.select_option("[name=condition-0-1-field]", "is_followup")
    page.select_option("[name=condition-0-1-value]", "false")
    page.select_option("[name=effect-0-do]", "ignore")
    page.fill("[name=effect-0-reason]", "advertising")
    assert page.locator("button:visible", has_text="Update").count() == 0
    page.click("#filter-try")
    expect(page.locator("#trial")).to_contain_text("2 fit")
    expect(page.locator("#trial")).to_be_focused()
    picture(visitor, "trial-en")
    visitor.check()
    assert not MailFilter.objects.filter(name="Offers").exists()
    page.fill("[name=condition-0-0-value]", "")
    page.click("main button:visible[value=save]")
    expect(page.locator("#condition-0-0-error")).to_be_visible()
    picture(visitor, "error-en")
    visitor.check()
    page.fill("[name=condition-0-0-value]", "angebot")
    page.press("[name=condition-0-0-value]", "Enter")
    page.wait_for_url("**/filters/")
    row = MailFilter.objects.get(name="Offers")
    assert row.condition == {
        "all": [
            {"field": "subject", "op": "contains", "value": "angebot"},
            {"field": "is_followup", "op": "is", "value": False},
        ]
    }


def test_filter_is_built_without_script(visit, queue):
    visitor = visit(language="en", scripts=False)
    page = visitor.page
    visitor.log_in("boss")
    visitor.goto(reverse("helpdesk_agents:filter_new"))
    page.fill("[name=name]", "Offers")
    page.select_option("[name=condition-0-0-field]", "subject")
    page.click(".hd-builder__row >> nth=0 >> text=Update")
    page.fill("[name=condition-0-0-value]", "angebot")
    page.select_option("[name=effect-0-do]", "set_queue")
    page.click(".hd-builder__row >> nth=1 >> text=Update")
    page.select_option("[name=effect-0-queue]", str(queue.pk))
    page.click("#filter-try")
    expect(page.locator("#trial")).to_contain_text("2 fit")
    picture(visitor, "trial-without-script")
    page.click("main button:visible[value=save]")
    page.wait_for_url("**/filters/")
    assert MailFilter.objects.get(name="Offers").effects == [{"do": "set_queue", "queue": queue.pk}]
    row = MailFilter.objects.get(name="Offers")
    page.locator(f"#item_{row.pk} button[value=up]").click()
    names = list(MailFilter.objects.values_list("name", flat=True))
    assert names == ["Newsletter", "Spam", "Tief", "Offers", "Kaputt"]
    assert page.locator(".w-orderable__item__handle:visible").count() == 0


def test_filters_are_ordered_by_keyboard_on_the_handle(visit, queue):
    visitor = visit()
    page = visitor.page
    visitor.log_in("chef")
    visitor.goto(reverse("helpdesk_agents:filters"))
    handle = page.locator("tbody tr >> nth=1 >> .w-orderable__item__handle")
    handle.focus()
    page.keyboard.press("ArrowUp")
    with page.expect_response("**/position/**") as answer:
        page.keyboard.press("Enter")
    assert answer.value.ok
    assert list(MailFilter.objects.values_list("name", flat=True))[:2] == ["Spam", "Newsletter"]
