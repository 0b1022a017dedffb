"""Two agents on one ticket, each in a browser: neither writes over the other's head, and no text is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from helpdesk.models import Article, SavedDraft, Ticket
from tests import factories as f

from .conftest import Visitor
from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

Visit = Callable[..., Visitor]
#: Milliseconds between two rounds of asking, and within which a colleague is seen: one round, and some.
ROUND, SOON = 10_000, 15_000


@dataclass(frozen=True)
class Words:
    """What the screens say."""

    writing: str
    held: str
    news: str


WORDS = {
    "de": Words(
        "Fink Vogel schreibt hier gerade.",
        "Noch nicht gesendet: Jemand war schneller.",
        "Eine neue Nachricht ist da.",
    ),
    "en": Words(
        "Fink Vogel is writing here.",
        "Not sent yet: somebody was faster.",
        "A new message has arrived.",
    ),
}


def two_agents(visit: Visit, language: str, **options: bool) -> tuple[Visitor, Visitor, Ticket]:
    """Let Amsel and Fink open the same ticket."""
    stage = set_up(language)
    team = Group.objects.get(name="Hausdienst")
    visitors = []
    for name in ("amsel", "fink"):
        account(name, language, team, first_name=name.title(), last_name="Vogel")
        visitor = visit(language=language, **options)
        if visitor.scripts:
            visitor.context.clock.install()
        visitor.log_in(name)
        visitors.append(visitor)
    ticket = f.make_ticket(stage.queue, subject="Lift stuck", body="It hangs between two floors.")
    for visitor in visitors:
        visitor.goto(screen(ticket))
    return visitors[0], visitors[1], ticket


def later(visitor: Visitor) -> None:
    """Let it be one round later in a browser, whose clock goes on by itself: the page asks now.

    What has not reached the server yet is seen in the next round, which is waited for.
    """
    visitor.context.clock.fast_forward(ROUND)


def screen(ticket: Ticket) -> str:
    return f"/admin/helpdesk/tickets/{ticket.pk}/"


def write(page: Page, mode: str, text: str) -> None:
    page.locator(f".hd-mode[data-mode={mode}]").click()
    box = page.locator(f"form[data-mode={mode}] textarea")
    box.click()
    box.press_sequentially(text)


def send(page: Page, mode: str) -> None:
    page.locator(f"form[data-mode={mode}] .hd-write__end button").click()
    page.wait_for_load_state()


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.smoke), "de"])
def test_two_agents_on_one_ticket(visit, language):
    words = WORDS[language]
    amsel, fink, ticket = two_agents(visit, language)
    write(fink.page, "reply", "The engineer is on the way.")
    # seen on the ticket, and in the list
    later(amsel)
    expect(amsel.page.locator(".hd-people")).to_contain_text(words.writing, timeout=SOON)
    watcher = amsel.context.new_page()
    watcher.goto(amsel.base + "/admin/helpdesk/tickets/")
    expect(watcher.locator(f"[data-hd-row='{ticket.pk}']")).to_contain_text(words.writing)
    watcher.close()
    write(amsel.page, "reply", "We look into it.")
    amsel.check()
    send(fink.page, "reply")
    # Amsel is told, and stopped all the same
    later(amsel)
    expect(amsel.page.locator(".hd-news")).to_contain_text(words.news, timeout=SOON)
    amsel.check()
    send(amsel.page, "reply")
    form = amsel.page.locator("form[data-mode=reply]")
    expect(form.locator(".hd-meanwhile")).to_contain_text(words.held)
    expect(form.locator(".hd-meanwhile")).to_contain_text("The engineer is on the way.")
    expect(form.locator("textarea")).to_have_value("We look into it.")
    expect(form.locator(".hd-meanwhile")).to_be_focused()
    amsel.check()
    assert ticket.articles.filter(sender="agent").count() == 1
    send(amsel.page, "reply")
    expect(amsel.page.locator("#thread")).to_contain_text("We look into it.")
    assert ticket.articles.filter(sender="agent").count() == 2
    assert not SavedDraft.objects.exists()
    # Fink has gone: nobody is here any more
    fink.goto("/admin/")
    later(amsel)
    expect(amsel.page.locator(".hd-person")).to_have_count(0, timeout=SOON)


def test_what_is_new_is_put_in_place_and_the_text_stays(visit):
    amsel, fink, ticket = two_agents(visit, "en")
    write(amsel.page, "reply", "We look into it.")
    write(fink.page, "note", "Called her.")
    send(fink.page, "note")
    news = amsel.page.locator(".hd-news")
    later(amsel)
    expect(news).to_contain_text("A new message has arrived.", timeout=SOON)
    news.get_by_role("link", name="Show it").click()
    expect(amsel.page.locator("#thread article").last).to_contain_text("Called her.")
    expect(amsel.page.locator("#thread article").last).to_be_focused()
    expect(amsel.page.locator("form[data-mode=reply] textarea")).to_have_value("We look into it.")
    expect(news.locator(".hd-banner")).to_have_count(0)
    amsel.check()
    send(amsel.page, "reply")  # read it is: nothing stops the answer
    assert ticket.articles.filter(visible=True, sender="agent").count() == 1


def test_a_draft_survives_reload_log_out_and_the_move_to_another_form(visit):
    amsel, fink, ticket = two_agents(visit, "en")
    page = amsel.page
    write(page, "reply", "Dear Ada,")
    page.locator("form[data-mode=reply] [name=to]").focus()  # leaving a field saves at once
    status = page.locator("form[data-mode=reply] .hd-draft__status")
    expect(status).to_contain_text("Draft saved at")
    page.reload()
    expect(page.locator("form[data-mode=reply] textarea")).to_have_value("Dear Ada,")
    expect(status).to_contain_text("Draft from")
    # logged out in another window: the text stays in this one
    amsel.context.clear_cookies()
    write(page, "reply", " all is well.")
    page.locator("form[data-mode=reply] [name=to]").focus()
    expect(status).to_contain_text("The text is kept in this window.")
    text = page.locator("form[data-mode=reply] textarea").input_value()
    amsel.log_in("amsel")
    amsel.goto(screen(ticket))
    expect(page.locator("form[data-mode=reply] textarea")).to_have_value("Dear Ada,")
    assert "all is well" in text


def test_text_the_server_never_had_comes_back_in_the_same_window(visit):
    amsel, _fink, ticket = two_agents(visit, "en")
    page = amsel.page
    page.route("**/draft/**", lambda route: route.abort())
    write(page, "note", "Nobody has this.")
    page.locator(".hd-mode[data-mode=note]").focus()
    status = page.locator("form[data-mode=note] .hd-draft__status")
    expect(status).to_contain_text("the server does not answer")
    page.unroute("**/draft/**")
    page.reload()
    page.locator(".hd-mode[data-mode=note]").click()
    expect(page.locator("form[data-mode=note] textarea")).to_have_value("Nobody has this.")
    expect(status).to_contain_text("Draft saved at")
    assert SavedDraft.objects.get().fields["body"] == "Nobody has this."


def test_it_all_works_without_script_and_on_a_phone(visit):
    amsel, fink, ticket = two_agents(visit, "en", scripts=False, phone=True)
    expect(fink.page.locator(".hd-people")).to_contain_text("Amsel Vogel is looking at this.")
    for visitor, text in ((fink, "First."), (amsel, "Second.")):
        visitor.page.locator("form[data-mode=reply] textarea").fill(text)
    send(fink.page, "reply")
    send(amsel.page, "reply")
    expect(amsel.page.locator(".hd-meanwhile")).to_contain_text("First.")
    expect(amsel.page.locator("form[data-mode=reply] textarea")).to_have_value("Second.")
    amsel.check()
    send(amsel.page, "reply")
    assert Article.objects.filter(ticket=ticket, sender="agent").count() == 2
