"""The bell and the mentions in a browser: by keyboard, on a phone, and with no script at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse
from playwright.sync_api import expect

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.models import Channel, Mention, Notice, Watcher
from helpdesk.notifications import telling
from tests import factories as f

from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: Where to put pictures of the screens, if anywhere.
PICTURES = os.environ.get("NOTICE_PICTURES", "")


def picture(visitor: Any, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.fixture
def ticket() -> Any:
    """A ticket of the agent's team, on which some things have happened already."""
    stage = set_up()
    team = Group.objects.get(name="Hausdienst")
    kai = account("kai", "en", team, first_name="Kai", last_name="Kern")
    account("karla", "de", team, first_name="Karla", last_name="Kunz")
    ticket = f.make_ticket(stage.queue, subject="Der Stuhl im Raum 3 ist gebrochen", contact="")
    agent = get_user_model().objects.get(username="agent")
    actions.assign(actor=permissions.agent(kai), ticket=ticket, owner=agent)
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(body="Und die Lehne auch.", channel=Channel.EMAIL),
    )
    note = Draft(body="@agent bitte ansehen", channel=Channel.NOTE)
    actions.add_note(actor=permissions.agent(kai), ticket=ticket, draft=note)
    telling.tell()
    ticket.refresh_from_db()
    return ticket


PLACES = {
    "bell": "helpdesk_agents:notices",
    "choices": "helpdesk_agents:notice_choices",
    "account": "wagtailadmin_account",
    "home": "wagtailadmin_home",
}


@pytest.mark.parametrize(
    ("user", "phone"), [("agent", False), ("agent", True), ("kai", False), ("kai", True)]
)
def test_screens_of_the_bell(visit, ticket, user, phone):
    f.QueueFactory(name="Verlassen")  # of which nobody hears; only its managers see that
    visitor = visit(phone=phone, language="de" if user == "agent" else "en")
    visitor.log_in(user)
    places = {name: reverse(path) for name, path in PLACES.items()}
    places["all"] = places["bell"] + "?show=all"
    places["mentions"] = places["bell"] + "?show=mentions"
    places["watched"] = reverse("helpdesk_agents:tickets_view", args=["watched"])
    for name, path in places.items() if PICTURES else ():
        visitor.goto(path)
        picture(visitor, f"{name}-{user}{'-phone' if phone else ''}")
    del places["account"]  # Wagtail's own
    visitor.tour(places)


def test_the_bell_counts_and_reading_takes_off(visit, ticket):
    visitor = visit()
    visitor.log_in("agent")
    visitor.goto(reverse(PLACES["bell"]))
    page = visitor.page
    bell = page.locator("[data-hd-bell]")
    count = Notice.objects.filter(user__username="agent", read_at=None).count()
    assert count >= 3
    expect(bell).to_contain_text(f"({count})")
    page.evaluate("document.dispatchEvent(new CustomEvent('hd:unread', { detail: '99+' }))")
    expect(bell).to_contain_text("(99+)")
    page.evaluate("document.dispatchEvent(new CustomEvent('hd:unread', { detail: '' }))")
    expect(bell).not_to_contain_text("(")
    page.locator(".hd-notice form button").first.click()
    expect(page.locator("[data-hd-bell]")).to_contain_text(f"({count - 1})")
    page.locator(".hd-notice a").first.click()
    expect(page.locator(".hd-ticket-screen, .hd-screen").first).to_be_visible()
    visitor.goto(reverse(PLACES["bell"]))
    expect(page.locator("[data-hd-bell]")).not_to_contain_text("(")


def test_a_colleague_is_chosen_by_keyboard(visit, ticket):
    visitor = visit()
    visitor.log_in("agent")
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]) + "?mode=note#composer")
    page = visitor.page
    field, names = page.locator("#hd-note-body"), page.locator("#hd-mention-list")
    field.click()
    page.keyboard.type("Bitte, @k")
    options = names.get_by_role("option")
    expect(options).to_have_count(2)
    expect(field).to_have_attribute("role", "combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(field).to_have_attribute("aria-activedescendant", "hd-mention-0")
    picture(visitor, "mention")
    visitor.check()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(names).to_be_hidden()
    expect(field).not_to_have_attribute("role", "combobox")
    assert field.input_value() == "Bitte, @karla "
    page.keyboard.type("und @")
    expect(names).to_be_visible()
    page.keyboard.press("Escape")
    expect(names).to_be_hidden()
    page.keyboard.type("niemand")
    page.locator(".hd-write--note button.button[type=submit]").click()
    expect(page.locator(".messages")).to_contain_text("@niemand")
    assert Mention.objects.latest("pk").user.username == "karla"
    visitor.check()


def test_a_colleague_is_chosen_by_button_and_finger(visit, ticket):
    visitor = visit(phone=True, language="en")
    visitor.log_in("kai")
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]) + "?mode=note#composer")
    page = visitor.page
    page.locator(".hd-mention button").click()
    names = page.locator("#hd-mention-list")
    expect(names.get_by_role("option")).to_have_count(2)
    picture(visitor, "mention-phone")
    visitor.check()
    names.get_by_role("option").filter(has_text="Karla").click()
    assert page.locator("#hd-note-body").input_value() == "@karla "


def test_without_script_everything_is_there(visit, ticket):
    visitor = visit(scripts=False)
    visitor.log_in("agent")
    visitor.goto(reverse(PLACES["bell"]))
    page = visitor.page
    page.locator(".hd-notices__do button").click()
    expect(page.locator(".hd-notice")).to_have_count(0)
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]) + "?mode=note")
    expect(page.locator(".hd-mention button")).to_be_hidden()
    page.locator("#hd-note-body").fill("@karla, please")
    page.locator(".hd-write--note button.button[type=submit]").click()
    assert Mention.objects.filter(user__username="karla").exists()
    page.locator("form[action$='/do/watch/'] button").click()
    assert Watcher.objects.filter(user__username="agent").exists()
    page.locator("form[action$='/do/unwatch/'] button").click()
    assert not Watcher.objects.exists()
