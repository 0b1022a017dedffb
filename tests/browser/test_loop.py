"""The main job in a browser: an editor builds a form, a customer sends it, an agent answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.utils import translation
from playwright.sync_api import FilePayload, expect

from helpdesk.models import OutboundMail
from helpdesk.pages.stream import FormFieldsBlock
from tests import page_factories as pages

from .conftest import Visitor
from .stage import Stage, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
PHOTO = FilePayload(name="stuhl.png", mimeType="image/png", buffer=PNG)

Visit = Callable[..., Visitor]


@dataclass(frozen=True)
class Words:
    """What people type, in their language."""

    title: str
    room: str
    photo: str
    answer: str
    reply: str


WORDS = {
    "de": Words("Stuhl defekt", "Raum", "Foto", "Wir kommen morgen.", "Danke, ich bin da."),
    "en": Words("Broken chair", "Room", "Photo", "We come tomorrow.", "Thanks, I shall be in."),
}
ROOM = "Turm 3.14"
NOTE = "Schon das dritte Mal."


def kind_of_field(name: str, language: str) -> str:
    """Return what the editor's chooser calls a kind of field."""
    with translation.override(language):
        return str(FormFieldsBlock().child_blocks[name].label)


# --- the editor ----------------------------------------------------------------------------------


def build_form(visit: Visit, stage: Stage, language: str) -> str:
    """Build and publish the form in the page editor, as an editor does; return its address."""
    words = WORDS[language]
    editor = visit(language=language)
    editor.log_in("editor")
    page = editor.page
    editor.goto(f"/admin/pages/{stage.service.pk}/")
    page.locator("header a[href$='/add_subpage/']").first.click()
    page.locator("main a[href*='/add/portal/intakeformpage/']").first.click()
    page.locator("[name=title]").fill(words.title)
    add_field(editor, 0, kind_of_field("text", language))
    page.locator("[name=fields-0-value-label]").fill(words.room)
    required = page.locator("[name=fields-0-value-required]")
    required.press("Space")  # a click may miss it while the new block still unfolds
    expect(required).to_be_checked()
    add_field(editor, 1, kind_of_field("files", language))
    page.locator("[name=fields-1-value-label]").fill(words.photo)
    page.locator("[name=queue]").select_option(label=stage.queue.name)
    editor.check()
    page.locator("footer .w-dropdown__toggle").click()
    page.locator("[name=action-publish]").click()
    page.wait_for_url("**/admin/pages/*/")
    editor.check()
    return page.locator(".messages a:not([href^='/admin'])").get_attribute("href") or ""


def add_field(editor: Visitor, place: int, kind: str) -> None:
    """Add a field at the end of the stream."""
    editor.page.locator("[data-contentpath=fields] .c-sf-add-button").nth(place).click()
    editor.page.get_by_role("option", name=kind, exact=True).click()
    expect(editor.page.locator(f"[name=fields-{place}-value-label]")).to_be_visible()


# --- the customer --------------------------------------------------------------------------------


def send_form(customer: Visitor, address: str, words: Words) -> str:
    """Fill in the form, first wrongly, and send it; return the number the thank-you page tells."""
    page = customer.page
    customer.goto(address)
    customer.check()
    page.get_by_label(words.room).fill(ROOM)
    page.locator("[name=contact_name]").fill("Ada Beispiel")
    page.locator("[name=contact_email]").fill("ada@")
    send(customer)
    expect(page.locator("#problems")).to_be_visible()
    expect(page.get_by_label(words.room)).to_have_value(ROOM)
    expect(page.locator("[name=contact_name]")).to_have_value("Ada Beispiel")
    customer.check()
    page.locator("[name=contact_email]").fill("ada@mail.example")
    page.get_by_label(words.photo).set_input_files([PHOTO])
    send(customer)
    shown = page.locator(".notice--success strong")
    expect(shown).to_have_text(re.compile(r"^\d{16}$"))
    customer.check()
    return shown.inner_text()


def send(visitor: Visitor) -> None:
    visitor.page.locator("main form.form button.button").last.click()
    visitor.page.wait_for_load_state()


def follow(customer: Visitor, number: str) -> None:
    """Go to the request by the link in the receipt: the page shows it only to who is logged in."""
    receipt = OutboundMail.objects.get(ticket__number=number, kind=OutboundMail.Kind.RECEIPT)
    link = re.search(r"http://\S+(/(?:en/)?requests/status/\S+)", receipt.body)
    assert link is not None
    customer.goto(link[1])
    expect(customer.page.locator(".request__side")).to_contain_text(number)
    expect(customer.page.locator("main")).to_contain_text(ROOM)
    customer.check()


# --- the agent -----------------------------------------------------------------------------------


def find_ticket(visit: Visit, language: str, number: str) -> Visitor:
    """Log in as the agent, and open the ticket from the list."""
    agent = visit(language=language)
    agent.log_in("agent")
    agent.goto("/admin/helpdesk/tickets/")
    row = agent.page.locator("tr.hd-row", has_text=number)
    expect(row).to_be_visible()
    agent.check()
    row.locator("a.hd-subject").click()
    expect(agent.page.locator(".hd-answers")).to_contain_text(ROOM)
    expect(agent.page.locator(".hd-answers a")).to_contain_text(PHOTO["name"])
    agent.check()
    return agent


def write(agent: Visitor, mode: str, text: str) -> None:
    """Write a reply or a note in the composer."""
    page = agent.page
    page.locator(f".hd-mode--{mode}").click()
    form = page.locator(f".hd-write--{mode}")
    form.locator("[name=body]").fill(text)
    form.locator("button.button[type=submit]").click()
    expect(page.locator(".hd-article", has_text=text)).to_be_visible()


def claim(agent: Visitor) -> None:
    agent.page.locator(".hd-head form[action$='/do/claim/'] button").click()
    expect(agent.page.locator(".hd-head form[action$='/do/hand-back/']")).to_be_visible()


# --- the play ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "options"),
    [
        pytest.param("de", {}, id="german"),
        pytest.param("en", {"phone": True}, id="english on a phone"),
        pytest.param("de", {"phone": True, "scripts": False}, id="german without scripts"),
    ],
)
def test_loop_when_an_editor_builds_the_form(visit, settings, language, options):
    # Wagtail saves by itself, now and then in the moment of publishing, which makes the page twice; the enrolment
    # (test_enrolment) waits for it
    settings.WAGTAIL_AUTOSAVE_INTERVAL = 0
    words, stage = WORDS[language], set_up(language)
    address = build_form(visit, stage, language)
    customer = visit(language=language, **options)
    number = send_form(customer, address, words)
    follow(customer, number)

    agent = find_ticket(visit, language, number)
    claim(agent)
    write(agent, "note", NOTE)
    write(agent, "reply", words.answer)
    agent.check()

    customer.page.reload()
    expect(customer.page.locator(".thread")).to_contain_text(words.answer)
    expect(customer.page.locator("body")).not_to_contain_text(NOTE)
    customer.page.locator("form.form [name=body]").fill(words.reply)
    send(customer)
    expect(customer.page.locator(".thread")).to_contain_text(words.reply)
    expect(customer.page.locator("body")).not_to_contain_text(NOTE)
    customer.check()

    agent.page.reload()
    expect(agent.page.locator(".hd-article--customer").last).to_contain_text(words.reply)
    expect(agent.page.locator(".hd-article--internal")).to_contain_text(NOTE)


@pytest.mark.smoke
def test_short_loop(visit):
    words, stage = WORDS["de"], set_up()
    fields = [
        pages.question("text", "room", words.room, required=True),
        pages.question("files", "photo", words.photo),
    ]
    form = pages.make_form(stage.service, fields, title=words.title, queue=stage.queue)
    customer = visit()
    number = send_form(customer, form.url, words)
    follow(customer, number)
    write(find_ticket(visit, "de", number), "reply", words.answer)
    customer.page.reload()
    expect(customer.page.locator(".thread")).to_contain_text(words.answer)
