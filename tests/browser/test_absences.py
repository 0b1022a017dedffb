"""Absences in a browser: the form with and without script, and all screens in both languages."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from helpdesk import actions, permissions
from helpdesk.models import Absence, AgentSettings, Ticket
from tests import factories as f

from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: Where to put pictures of the screens, if anywhere.
PICTURES = os.environ.get("ABSENCE_PICTURES", "")
DAY = timedelta(days=1)


@pytest.fixture
def queue() -> Any:
    """A team of five; Amsel and Fink are away, Meise stands in for both."""
    stage = set_up()
    below = f.QueueFactory(name="Schließanlage", parent=stage.queue)
    team = f.make_team(stage.queue, name="Vögel")
    names = ("amsel", "fink", "meise", "zaunkoenig")
    people = {
        name: account(name, "de", team, first_name=name.capitalize(), last_name="Beispiel")
        for name in names
    }
    account("lead", "en", team, first_name="Lea", last_name="Lead")
    for number, subject in enumerate(("Stuhl wackelt", "Schlüssel verloren", "Regal fehlt")):
        ticket = f.make_ticket(below if number == 1 else stage.queue, subject=subject, contact="")
        owner = people["amsel"] if number < 2 else people["meise"]
        actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=owner)
    f.make_absence(people["amsel"], end=9 * DAY, deputy=people["fink"], reason="Geheim")
    f.make_absence(people["fink"], end=3 * DAY, deputy=people["meise"])
    f.make_absence(people["meise"], start=-20 * DAY, end=-9 * DAY)
    AgentSettings.objects.create(user=people["zaunkoenig"], free_days=[2, 4])
    return stage.queue


def picture(visitor: Any, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("user", "language", "phone"),
    [("meise", "de", False), ("lead", "en", False), ("meise", "de", True)],
)
def test_screens_of_absences(visit, queue, user, language, phone):
    running = Absence.objects.get(user__username="amsel")
    places = {
        "list": reverse("helpdesk_agents:absences"),
        "new": reverse("helpdesk_agents:absence_new"),
        "change": reverse("helpdesk_agents:absence", args=[running.pk]),
        "team": reverse("helpdesk_agents:absence_overview"),
        "settings": reverse("helpdesk_agents:my_settings"),
        "tickets": reverse("helpdesk_agents:tickets_view", args=["absent-owners"]),
        "ticket": reverse(
            "helpdesk_agents:ticket", args=[Ticket.objects.get(subject="Stuhl wackelt").pk]
        ),
    }
    if user == "meise":
        over = Absence.objects.filter(user__username=user).order_by("starts_at").first()
        places["summary"] = reverse("helpdesk_agents:absence_summary", args=[over.pk])
    visitor = visit(language=language, phone=phone)
    visitor.log_in(user)
    visitor.goto(places["settings"])
    visitor.page.click(f"form[action='{reverse('helpdesk_agents:feed_renew')}'] button")
    for name, path in places.items() if PICTURES else ():
        visitor.goto(path)
        picture(visitor, f"{name}-{language}{'-phone' if phone else ''}")
    visitor.tour(places)


@pytest.mark.parametrize("scripts", [True, False])
def test_absence_is_entered_in_two_steps(visit, queue, scripts):
    visitor = visit(language="en", scripts=scripts)
    page = visitor.page
    visitor.log_in("lead")
    visitor.goto(reverse("helpdesk_agents:absence_new"))
    page.select_option("[name=who]", label="Meise Beispiel")
    today = timezone.localdate()
    page.fill("[name=from_day]", today.isoformat())
    page.fill("[name=to_day]", (today + 4 * DAY).isoformat())
    page.select_option("[name=deputy]", label="Zaunkoenig Beispiel")
    page.click("summary:has-text('Other deputies')")
    page.click("button[name=more]")
    expect(page.locator("[name=rows-3-queue]")).to_be_attached()
    page.check("[name=handover][value=deputy]")
    page.click("button[name=tickets]")
    expect(page.locator("h2", has_text="Open tickets of Meise")).to_be_visible()
    visitor.check()
    picture(visitor, "step2-en")
    page.get_by_label("What becomes of it: Regal fehlt").select_option("queue")
    page.click("button[name=back]")
    expect(page.get_by_text("For one ticket you chose something else.")).to_be_visible()
    page.click("button.button[name=save]")
    page.wait_for_url("**/absences/")
    made = Absence.objects.get(user__username="meise", ends_at__gt=timezone.now())
    assert made.deputy.username == "zaunkoenig"
    assert Ticket.objects.get(subject="Regal fehlt").owner is None


def test_what_is_missing_is_said_and_assigning_offers_the_deputy(visit, queue):
    visitor = visit(language="en")
    page = visitor.page
    visitor.log_in("lead")
    visitor.goto(reverse("helpdesk_agents:absence_new"))
    page.press("[name=to_day]", "Enter")
    expect(page.locator(".hd-field--to_day .hd-error")).to_be_visible()
    visitor.check()
    picture(visitor, "error-en")
    ticket = Ticket.objects.get(subject="Regal fehlt")
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    form = page.locator("form[action$='/do/owner/']")
    page.locator("details:has(form[action$='/do/owner/']) > summary").click()
    amsel = Absence.objects.get(user__username="amsel").user
    form.locator("select").select_option(str(amsel.pk))
    form.locator("button").click()
    expect(page.get_by_text("Amsel Beispiel is away until")).to_be_visible()
    visitor.check()
    picture(visitor, "assign-en")
    page.click("button[name=anyway]")
    page.wait_for_url(f"**/tickets/{ticket.pk}/")
    assert Ticket.objects.get(pk=ticket.pk).owner == amsel
