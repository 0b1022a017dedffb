"""Two tickets about one thing in a browser: the hint, the comparison, the merge, and back."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import expect

from helpdesk import actions
from helpdesk.models import Merge, Ticket, TicketLink
from tests import factories as f
from tests import page_factories as pages

from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

WORDS = {
    "de": {
        "merge": "Zusammenführen",
        "back": "Zusammenführung zurücknehmen",
        "looks": "Sieht aus wie",
    },
    "en": {"merge": "Merge", "back": "Take the merge back", "looks": "Looks like"},
}


def pair(queue) -> list[Ticket]:
    customer = f.CustomerFactory(name="Ada Beispiel")
    return [
        f.make_ticket(queue, subject=subject, body=body, customer=customer, contact="")
        for subject, body in (
            ("Stuhl im Raum 12.3 wackelt", "Seit gestern wackelt der Stuhl am Fenster."),
            ("Der Stuhl im Raum 12.3 wackelt", "Noch einmal: er wackelt immer noch."),
        )
    ]


def screen(ticket) -> str:
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


@pytest.mark.parametrize(
    ("language", "phone", "scripts"),
    [
        pytest.param("de", False, True, id="german"),
        pytest.param("en", True, True, id="english on a phone"),
        pytest.param("en", False, False, id="without scripts"),
    ],
)
def test_from_the_hint_to_the_merge_and_back(visit, language, phone, scripts):
    words, stage = WORDS[language], set_up(language)
    older, younger = pair(stage.queue)
    agent = visit(language=language, phone=phone, scripts=scripts)
    agent.log_in("agent")
    agent.goto(screen(younger))
    hint = agent.page.locator(".hd-likely")
    expect(hint).to_contain_text(words["looks"])
    expect(hint).to_contain_text(older.number)
    agent.check()
    hint.get_by_role("link", name=words["merge"]).click()
    expect(agent.page.locator(f"[name=keep][value='{older.pk}']")).to_be_checked()
    agent.check()
    agent.page.locator(".hd-merge__buttons button[type=submit]").click()
    expect(agent.page.locator(".hd-head")).to_contain_text(younger.number)
    expect(agent.page.locator("#thread")).to_contain_text("immer noch")
    agent.check()
    agent.goto(screen(younger))
    expect(agent.page.locator(".hd-head")).to_contain_text(older.number)
    agent.check()
    agent.page.get_by_role("button", name=words["back"]).click()
    expect(agent.page.locator("#thread")).to_contain_text("immer noch")
    assert Merge.objects.get().undone_at is not None


def test_customers_who_differ_on_a_phone(visit):
    stage = set_up()
    older, _younger = pair(stage.queue)
    other = f.make_ticket(stage.queue, subject="Lampe flackert", contact="")
    agent = visit(phone=True)
    agent.log_in("agent")
    agent.goto(reverse("helpdesk_agents:merge", args=[older.pk]))
    agent.check()
    agent.goto(reverse("helpdesk_agents:merge", args=[older.pk]) + f"?other={other.number}")
    agent.check()
    agent.page.locator(".hd-merge__buttons button[type=submit]").click()
    expect(agent.page.locator(".hd-error")).to_be_visible()
    agent.check()


def test_another_ticket_is_found_with_the_keyboard_alone(visit):
    stage = set_up("en")
    older, younger = pair(stage.queue)
    agent = visit(language="en")
    agent.log_in("agent")
    agent.goto(screen(older))
    agent.page.locator(".hd-add > summary").click()
    box = agent.page.get_by_role("combobox", name="Number of the other ticket")
    box.press_sequentially("wackelt")
    expect(agent.page.locator(".hd-finder__option")).to_have_count(1)
    agent.check()
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", f"hd-found-{younger.pk}")
    box.press("Enter")
    expect(box).to_have_value(younger.number)
    box.press("Enter")
    expect(agent.page.locator(".hd-link-row")).to_contain_text(younger.number)
    assert TicketLink.objects.get().target == younger
    agent.check()


def test_splitting_off(visit):
    stage = set_up()
    older, _younger = pair(stage.queue)
    agent = visit()
    agent.log_in("agent")
    agent.goto(reverse("helpdesk_agents:split", args=[older.pk, older.articles.get().pk]))
    agent.check()
    agent.page.locator(".hd-merge__buttons button[type=submit]").click()
    expect(agent.page.locator(".hd-link-row")).to_contain_text(older.number)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_customer_adds_to_an_own_request_instead(visit, scripts):
    stage = set_up()
    customer = actions.customer_for_user(account("kundin", "de", first_name="Ada", last_name="Bei"))
    text = "Seit gestern wackelt der Stuhl am Fenster im Lesesaal."
    ticket = f.make_ticket(stage.queue, subject="Stuhl", body=text, customer=customer)
    fields = [
        pages.question("long_text", "what", "Was ist los?"),
        pages.question("files", "photo", "Foto"),
    ]
    form = pages.make_form(stage.service, fields, queue=stage.queue)
    visitor = visit(phone=True, scripts=scripts)
    visitor.log_in("kundin")
    visitor.goto(form.url)
    visitor.page.get_by_label("Was ist los?").fill(text + " Danke!")
    visitor.page.get_by_label("Foto").set_input_files(
        [{"name": "stuhl.txt", "mimeType": "text/plain", "buffer": b"ein Stuhl"}]
    )
    visitor.page.locator("main form.form button.button").last.click()
    expect(visitor.page.locator("main")).to_contain_text(ticket.number)
    expect(visitor.page.locator("main")).to_contain_text("stuhl.txt")
    visitor.check()
    visitor.page.locator(f"[name=instead][value='{ticket.number}']").click()
    expect(visitor.page.locator(".thread")).to_contain_text("Danke!")
    expect(visitor.page.locator(".thread")).to_contain_text("stuhl.txt")
    with translation.override("de"):
        assert visitor.page.url.endswith(
            reverse("helpdesk_customers:detail", kwargs={"number": ticket.number})
        )
    visitor.check()
