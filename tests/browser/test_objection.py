"""The objection to longer storage in a browser: by the form, by the link in the receipt, withdrawn; and what is erased."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import translation
from playwright.sync_api import expect

from helpdesk import actions, notifications
from helpdesk.actions.erasing import erase
from helpdesk.models import Ticket, Tombstone
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f
from tests import page_factories as pages

from .conftest import Visitor
from .stage import Stage, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

Visit = Callable[..., Visitor]


@dataclass(frozen=True)
class Words:
    """What the pages say, in the language of whoever reads them."""

    noted: str
    kept: str
    withdrawn: str
    objected: str
    gone: str


WORDS = {
    "de": Words(
        "Ihr Widerspruch",
        "Wie lange sie aufbewahrt wird",
        "zurückgenommen",
        "widersprochen",
        "gelöscht",
    ),
    "en": Words(
        "We have noted your objection",
        "How long it is kept",
        "Your objection is withdrawn.",
        "You objected to the longer storage",
        "This request was deleted",
    ),
}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


def form_of(stage: Stage) -> str:
    return str(pages.make_form(stage.service, queue=stage.queue, slug="melden").url)


def send_form(guest: Visitor, address: str, *, objects: bool) -> Ticket:
    """Fill in the form and send it; return the ticket."""
    page = guest.page
    guest.goto(address)
    box = page.locator("[name=objects_to_storage]")
    expect(box).not_to_be_checked()
    page.locator("[name$=room]").fill("Turm 3.14")
    page.locator("[name=contact_name]").fill("Ada Beispiel")
    page.locator("[name=contact_email]").fill("ada@mail.example")
    if objects:
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    guest.check()
    page.locator("main form.form button.button").last.click()
    page.wait_for_load_state()
    expect(page.locator(".notice--success strong")).to_have_text(re.compile(r"^\d{16}$"))
    guest.check()
    return Ticket.objects.get()


def link_in_receipt() -> str:
    """Send what is due, and return the path that the mail names for the objection, the same in text and HTML."""
    mail.outbox.clear()
    assert notifications.send_due() == 1
    [sent] = [one for one in mail.outbox if one.to == ["ada@mail.example"] or "ada@" in one.to[0]]
    text = re.search(r"http://[^/\s]+(/\S+#storage)(?=\s|$)", str(sent.body))
    html = str(sent.alternatives[0][0])  # type: ignore[attr-defined]
    linked = re.search(r'<a href="http://[^/"]+(/[^"]+#storage)"', html)
    assert text is not None
    assert linked is not None
    assert text[1] == linked[1]
    return text[1]


@pytest.mark.parametrize(("language", "phone"), [("de", False), ("en", True)])
def test_objected_on_the_form_noted_in_the_receipt_and_withdrawn_by_its_link(
    visit: Visit, language: str, phone: bool
) -> None:
    words, stage = WORDS[language], set_up(language)
    guest = visit(language=language, phone=phone)
    page = guest.page
    ticket = send_form(guest, form_of(stage), objects=True)
    if language == "en":
        expect(page.locator("main")).to_contain_text(words.noted)
    assert ticket.objected_at is not None
    guest.goto(link_in_receipt())
    if language == "en":
        expect(page.locator("#storage")).to_have_text(words.kept)
        expect(page.locator("aside")).to_contain_text(words.objected)
    expect(page.locator("aside blockquote")).to_contain_text("14")
    guest.check()
    to_withdraw = page.locator("aside a[href$='/objection/withdraw/']")
    to_withdraw.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/objection/withdraw/")
    guest.check()
    ticket.refresh_from_db()
    assert ticket.objected_at is not None  # asking changes nothing
    page.locator("main form button").press("Enter")
    page.wait_for_url("**#storage")
    if language == "en":
        expect(page.locator("body")).to_contain_text(words.withdrawn)
    expect(page.locator("[name=objects]")).not_to_be_checked()
    guest.check()
    ticket.refresh_from_db()
    assert ticket.objected_at is None


@pytest.mark.parametrize(
    ("language", "phone", "scripts"),
    [("de", True, False), ("en", False, False), ("de", False, True)],
)
def test_objected_by_the_link_in_the_receipt_with_a_box_and_a_button(
    visit: Visit, language: str, phone: bool, scripts: bool
) -> None:
    stage = set_up(language)
    guest = visit(language=language, phone=phone, scripts=scripts)
    page = guest.page
    ticket = send_form(guest, form_of(stage), objects=False)
    guest.goto(link_in_receipt())
    guest.check()
    ticket.refresh_from_db()
    assert ticket.objected_at is None  # opening the link is not enough
    button = page.locator("form[action*='/objection/'] button")
    button.click()  # the browser asks for the tick
    page.locator("[name=objects]").check()
    button.click()
    page.wait_for_load_state()
    expect(page.locator("aside blockquote")).to_contain_text("14")
    guest.check()
    ticket.refresh_from_db()
    assert ticket.objected_at is not None
    page.locator("aside a[href$='/objection/withdraw/']").click()
    page.locator("main form button").click()
    page.wait_for_load_state()
    expect(page.locator("[name=objects]")).to_be_visible()


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_link_to_an_erased_request_says_that_it_was_erased(visit: Visit, language: str) -> None:
    stage = set_up(language)
    guest = visit(language=language, phone=True)
    guest.page.set_viewport_size({"width": 320, "height": 640})
    ticket = send_form(guest, form_of(stage), objects=True)
    link = link_in_receipt()
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    erase(tickets=[ticket.pk], reason=Tombstone.Reason.OBJECTION)
    guest.goto(link)
    expect(guest.page.locator("main")).to_contain_text(ticket.number)
    if language == "en":
        expect(guest.page.locator("h1")).to_have_text(WORDS[language].gone)
    guest.check()
    guest.tour({"erased": link.partition("#")[0]})


def test_an_agent_notes_an_objection_and_reads_of_what_is_erased(visit: Visit) -> None:
    stage = set_up()
    ticket = f.make_ticket(stage.queue, subject="Stuhl")
    agent = visit()
    agent.log_in("agent")
    page = agent.page
    with translation.override("de"):
        path = f"/admin/helpdesk/tickets/{ticket.pk}/"
    agent.goto(path)
    # the first of the forms of the card; the others are about holds
    objection = page.locator("#storage details").first
    objection.locator("summary").click()
    objection.locator("select").select_option("phone")
    objection.locator("textarea").fill("Rief am Montag an.")
    agent.check()
    objection.locator("form button").click()
    page.wait_for_load_state()
    expect(page.locator("#storage")).to_contain_text("Rief am Montag an.")
    agent.check()
    erase(tickets=[ticket.pk], reason=Tombstone.Reason.BY_HAND)
    agent.tour({"erased": path, "found": f"/admin/helpdesk/tickets/list/all/?q={ticket.number}"})
