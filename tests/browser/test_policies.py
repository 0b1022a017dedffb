"""The Content-Security-Policy in a real browser: nothing of ours breaks it, on any kind of screen, for anybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.customers import access
from helpdesk.mail.sanitise import clean
from helpdesk.models import Calendar, Channel, Queue
from tests import factories as f
from tests import page_factories as pages

from .conftest import Visitor
from .stage import Stage, account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MAIL = '<p style="color:red">Hello</p><img src="https://tracker.example/a.png">'


@dataclass
class Watch:
    """Notes what the browser reports of a broken policy."""

    page: Page
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.broken.append(f"{self.page.url}: {message.text[:300]}")


@pytest.fixture
def stage() -> Stage:
    return set_up()


@pytest.fixture
def watched(visit: Callable[..., Visitor]) -> Callable[[str], tuple[Visitor, Watch]]:
    def start(username: str) -> tuple[Visitor, Watch]:
        visitor = visit()
        watch = Watch(visitor.page)
        if username:
            visitor.log_in(username)
        return visitor, watch

    return start


def walk(visitor: Visitor, places: list[str]) -> None:
    for place in places:
        visitor.goto(place)
        visitor.page.wait_for_load_state("networkidle")


def public_places(stage: Stage) -> list[str]:
    form = pages.make_form(stage.service, pages.ALL_FIELDS)
    article = pages.make_article(stage.service)
    queue = pages.make_queue_page(stage.service, stage.queue)
    urls = [page.url for page in (stage.tree.home, stage.service, form, article, queue)]
    return [
        *urls,
        "/search/?q=m",
        "/nothing/there/",
        "/accounts/login/",
        "/accounts/password/reset/",
    ]


def test_policy_is_watched_at_all(watched, stage):
    visitor, watch = watched("")
    visitor.goto(stage.tree.home.url)
    visitor.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">')"
    )
    visitor.page.wait_for_timeout(300)
    assert watch.broken
    assert visitor.page.evaluate("window.hit") is None


@pytest.mark.parametrize("who", ["", "kundin", "editor", "agent"])
def test_public_pages_break_no_policy(watched, stage, who):
    customer = account("kundin", "de", first_name="Ada", last_name="Beispiel")
    places = public_places(stage)
    ticket = f.make_ticket(stage.queue, customer=f.CustomerFactory(user=customer))
    places.append(reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)]))
    places += [reverse("helpdesk_customers:list")] if who else []
    visitor, watch = watched(who)
    walk(visitor, places)
    visitor.goto(stage.service.url)
    if who == "editor":  # Wagtail's bar is there, and works
        visitor.page.locator("#wagtail-userbar-trigger").click()
        visitor.page.locator("a[href*='/edit/']").first.wait_for()
    assert watch.broken == []


def test_agents_screens_and_the_frame_of_a_mail_break_no_policy(watched, stage):
    ticket = f.make_ticket(stage.queue)
    html = clean(MAIL, {})
    draft = Draft(body="Hello", html=html, channel=Channel.EMAIL, from_address="a@mail.example")
    actions.receive_message(
        actor=permissions.SYSTEM, ticket=ticket, draft=draft, customer=ticket.customer
    )
    parts = ("", "helpdesk/tickets/", "helpdesk/new/", "helpdesk/absences/", "helpdesk/notices/")
    visitor, watch = watched("agent")
    walk(visitor, [*(f"/admin/{part}" for part in parts), "/admin/account/"])
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    visitor.page.locator(".hd-html summary").first.click()
    frame = visitor.page.frame_locator(".hd-html iframe").first
    colour = frame.locator("p").first.evaluate("one => getComputedStyle(one).color")
    assert colour == "rgb(255, 0, 0)"
    assert watch.broken == []


def test_administrators_screens_break_no_policy(watched, stage):
    account("root", "de", is_superuser=True, is_staff=True)
    queue, calendar = Queue.objects.first(), Calendar.objects.first()
    places = [
        *(
            "/admin/pages/",
            "/admin/images/add/",
            "/admin/images/multiple/add/",
            "/admin/documents/",
        ),
        *("/admin/documents/multiple/add/", "/admin/users/add/", "/admin/groups/new/"),
        *(
            "/admin/redirects/add/",
            "/admin/sites/new/",
            "/admin/workflows/add/",
            "/admin/collections/",
        ),
        *("/admin/reports/site-history/", "/admin/reports/aging-pages/", "/admin/locales/"),
        *("/admin/helpdesk/filters/", "/admin/helpdesk/accounts/", "/admin/helpdesk/failures/"),
        f"/admin/helpdesk/queues/edit/{queue.pk}/",
    ]
    if calendar is not None:
        places.append(f"/admin/helpdesk/calendars/edit/{calendar.pk}/")
    visitor, watch = watched("root")
    walk(visitor, places)
    assert watch.broken == []


def test_page_editor_with_all_its_parts_breaks_no_policy(watched, stage):
    account("root", "de", is_superuser=True, is_staff=True)
    article = pages.make_article(stage.service)
    visitor, watch = watched("root")
    page = visitor.page
    visitor.goto(f"/admin/pages/{article.pk}/edit/")
    for number in range(20):
        page.locator(".c-sf-add-button").last.click()
        options = page.locator("[role=option]")
        options.first.wait_for()
        if number >= options.count():
            page.keyboard.press("Escape")
            break
        options.nth(number).click()
        page.wait_for_timeout(150)
    assert number >= 5
    choosers = page.locator("[data-chooser-action-choose]:visible")
    assert choosers.count() >= 2
    for index in range(choosers.count()):
        choosers.nth(index).click()
        page.locator(".modal-body").first.wait_for()
        page.wait_for_timeout(300)
        page.locator(".modal [data-dismiss=modal]").first.click()
        page.locator(".modal-body").first.wait_for(state="detached")
    page.locator("[contenteditable=true]").first.click()
    page.keyboard.type("Words /")
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    for panel in ("checks", "comments", "preview"):
        page.locator(f"[data-side-panel-toggle='{panel}']").first.click()
        page.wait_for_timeout(800)
    shown = page.frame_locator("iframe.w-preview__iframe, [data-w-preview-target=iframe]").first
    shown.locator("h1").first.wait_for()
    assert watch.broken == []
