"""The demo: whole or not at all, the same after a second run, and shut where it has to be."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from helpdesk import limits, permissions
from helpdesk.addressing import find_numbers
from helpdesk.models import (
    Article,
    Event,
    InboundMail,
    InformedQueue,
    MailFilter,
    OutboundMail,
    Queue,
    Ticket,
)
from portal.demo import clock, load
from portal.demo.people import PASSWORD, PEOPLE
from portal.models import IntakeFormPage, User
from tests.factories import UserFactory

#: type of a field → something valid to send
VALID = {
    "text": "2718281",
    "long_text": "Zwei Sätze. Nicht mehr.",
    "email": "noch.jemand@uni.example",
    "phone": "555-1234",
    "number": "3",
    "date": "2026-11-03",
    "yes_no": "yes",
    "consent": "on",
    "login": "kranich7",
}

#: What the tests switch off elsewhere.
LIMITS = {*limits.WINDOWS, "FORM_MIN_SECONDS"}


def demo(*arguments: str, **options: Any) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("demo", *arguments, stdout=out, **options)
    return out.getvalue()


def counts() -> dict[str, int]:
    """Count the rows of every table of the site (sessions and the like apart)."""
    labels = ("portal", "helpdesk", "wagtailcore", "auth", "account", "django_mailbox")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return {model._meta.label: model._default_manager.count() for model in models}


def valid_answers(page: IntakeFormPage) -> dict[str, Any]:
    """Return something valid for every field of a form that takes no files."""
    inputs = page.fields.stream_block.inputs(page.fields)
    fixed = {
        f"q_{child.value['key']}": VALID[child.block.type]
        for child in inputs
        if child.block.type in VALID
    }
    chosen = {
        f"q_{child.value['key']}": child.block.choices_of(child.value)[0]["value"]
        for child in inputs
        if child.block.choices_of(child.value)
    }
    return {**fixed, **chosen}


class TestLoaded(TestCase):
    """A class because loading takes seconds: all tests below look at one demo."""

    @classmethod
    def setUpTestData(cls) -> None:
        with patch.dict(settings.HELPDESK):
            for name in LIMITS:  # as on a site that runs
                settings.HELPDESK.pop(name, None)
            cls.said = demo()

    def test_counts_are_equal_after_a_second_run(self) -> None:
        before = counts()
        assert "already" in demo()
        assert counts() == before

    def test_everybody_is_named_with_the_password(self) -> None:
        who = demo("--who")
        assert who.strip() in self.said
        assert PASSWORD in who
        assert [person.username for person in PEOPLE] == [
            line.split()[0] for line in who.splitlines()[1:]
        ]

    def test_every_person_can_log_in_and_lands_at_their_work(self) -> None:
        landed = {}
        for person in PEOPLE:
            self.client.logout()
            data = {"login": person.username, "password": PASSWORD}
            landed[person.username] = self.client.post(reverse("account_login"), data).url
        admin, requests = reverse("wagtailadmin_home"), reverse("helpdesk_customers:list")
        assert landed == {
            person.username: [admin, requests][person.is_customer] for person in PEOPLE
        }

    def test_teams_do_not_see_each_other(self) -> None:
        seen = {
            person.username: set(
                permissions.visible_tickets(
                    permissions.agent(User.objects.get(username=person.username))
                ).values_list("pk", flat=True)
            )
            for person in PEOPLE
        }
        assert seen["fink"] == seen["wren"]
        assert seen["meise"] == seen["lark"]
        assert min(len(seen["fink"]), len(seen["lark"])) > 10
        # but for the ticket of the mail that went to both
        both = set(
            InformedQueue.objects.filter(queue__slug="support").values_list("ticket", flat=True)
        )
        assert seen["fink"] & seen["lark"] == both & seen["lark"]
        assert len(both & seen["lark"]) == 1
        assert seen["star"] == seen["pirol"]
        assert not seen["star"] & (seen["fink"] | seen["lark"])
        assert seen["fink"] | seen["lark"] | seen["star"] == seen["amsel"]
        assert not seen["dohle"] | seen["heron"] | seen["kranich"]

    def test_customers_find_their_requests(self) -> None:
        self.client.force_login(User.objects.get(username="swift"))
        shown = self.client.get(reverse("helpdesk_customers:list")).content.decode()
        assert "VPN drops after ten minutes" in shown
        assert "Laptop screen" not in shown

    def test_every_page_is_there_in_both_languages(self) -> None:
        live = Page.objects.live().filter(depth__gt=1)
        german, english = (
            set(live.filter(locale__language_code=code).values_list("translation_key", flat=True))
            for code in ("de", "en")
        )
        assert german == english
        assert len(german) > 20
        assert not any(Page.find_problems())
        for page in live.specific():
            with self.subTest(page=page.url_path):
                response = self.client.get(page.get_url())
                assert response.status_code == 200
                assert f'lang="{page.locale.language_code}' in response.content.decode()

    def test_every_form_makes_a_ticket_in_its_queue(self) -> None:
        pages = IntakeFormPage.objects.live().select_related("queue", "locale")
        assert set(pages.values_list("queue__slug", flat=True)) == {
            "faults",
            "support",
            "enrolment",
            "procurement",
            "other",
        }
        for page in pages:
            with self.subTest(page=page.url_path):
                before = set(Ticket.objects.values_list("pk", flat=True))
                data = {
                    "contact_name": "Uta Uhu",
                    "contact_email": f"uhu{page.pk}@post.example",
                    **valid_answers(page),
                }
                response = self.client.post(page.get_url(), data)
                assert response.status_code == 302
                made = Ticket.objects.exclude(pk__in=before).get()
                assert (made.queue, made.language) == (page.queue, page.locale.language_code)

    def test_translated_forms_share_their_keys(self) -> None:
        keys: dict[Any, list[Any]] = {}
        for page in IntakeFormPage.objects.live():
            keys.setdefault(page.translation_key, []).append(
                [key for key, _label in page.get_data_fields()]
            )
        assert all(len(pair) == 2 and pair[0] == pair[1] for pair in keys.values())

    def test_stories_lie_in_the_past_and_agree_with_themselves(self) -> None:
        now = timezone.now()
        tickets = Ticket.objects.prefetch_related("articles", "events")
        assert len(tickets) == 47
        for ticket in tickets:
            with self.subTest(ticket=ticket.subject):
                times = [article.created_at for article in ticket.articles.all()]
                events = [event.at for event in ticket.events.all()]
                assert ticket.created_at == times[0] == events[0]
                assert ticket.created_at <= ticket.changed_at <= now
                assert max([*times, *events]) <= now
                day = timezone.localtime(ticket.created_at)
                assert ticket.number.startswith(f"{day:%Y%m%d}")
                assert find_numbers(ticket.number) == (ticket.number,)
        assert (now - min(ticket.created_at for ticket in tickets)).days > 35

    def test_the_desk_is_lively(self) -> None:
        states = set(Ticket.objects.values_list("state__type", flat=True))
        assert states >= {"new", "open", "pending_reminder", "pending_auto", "closed"}
        assert set(Ticket.objects.values_list("channel", flat=True)) == {"web", "email", "phone"}
        assert set(Ticket.objects.values_list("language", flat=True)) == {"de", "en"}
        assert Ticket.objects.filter(objected_at__isnull=False).count() == 2
        assert Ticket.objects.filter(seen=None, waiting_since__isnull=False).count() >= 5
        assert Ticket.objects.filter(pending_until__lt=timezone.now()).exists()
        assert Article.objects.filter(verified=False).count() == 1
        kinds = set(Event.objects.values_list("kind", flat=True))
        assert kinds >= {
            "article.forwarded",
            "article.delivered_again",
            "article.machine",
            "sender.accepted",
            "call.logged",
            "ticket.linked",
            "queue.changed",
            "queue.informed",
            "tags.changed",
            "mail.bounced",
        }

    def test_the_mail_engine_shows(self) -> None:
        assert MailFilter.objects.filter(hits__gt=0).count() == 3
        spam = Ticket.objects.get(queue__is_junk=True)
        assert spam.inbound.get().rule == "spam"
        assert not spam.outbound.exists()
        assert InboundMail.objects.filter(state="ignored", rule="filter").exists()
        receipts = OutboundMail.objects.filter(
            kind="receipt", body__contains="Ihre Störungsmeldung"
        )
        assert receipts.exists()
        back = OutboundMail.objects.get(bounced_at__isnull=False)
        assert (back.kind, back.ticket.tags.count()) == ("answer", 2)

    def test_no_mail_waits_to_go_out_or_could_reach_anybody(self) -> None:
        mails = OutboundMail.objects.all()
        assert {*mails.values_list("state", flat=True)} == {"sent", "failed"}
        assert mails.filter(state="failed").count() == 1
        addresses = {
            address for mail in mails for _name, address in [*mail.to, *mail.cc, *mail.bcc]
        }
        assert all(address.endswith(".example") for address in addresses)

    def test_one_inbound_mail_has_failed_for_good(self) -> None:
        failed = InboundMail.objects.get(state="failed")
        assert failed.next_try_at is None
        assert not InboundMail.objects.filter(state="received").exists()

    def test_no_mail_account_is_active(self) -> None:
        assert not apps.get_model("django_mailbox", "Mailbox").objects.filter(active=True).exists()


@pytest.mark.django_db
def test_nothing_is_left_when_the_run_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts()

    def break_off(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "play", break_off)
    with pytest.raises(KeyboardInterrupt):
        demo()
    assert counts() == before
    assert demo("--who") == ""


@pytest.mark.django_db
def test_demo_is_refused_under_production_settings(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="--force"):
        demo()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_is_refused_where_its_names_are_taken() -> None:
    UserFactory(username="fink")
    with pytest.raises(CommandError, match="fink"):
        demo()
    assert not Queue.objects.exists()


@pytest.mark.pure
def test_clock_counts_working_days() -> None:
    friday = datetime(2026, 11, 20, tzinfo=UTC).date()
    assert clock.working_day(friday, 1).isoformat() == "2026-11-23"
    assert clock.working_day(friday, -5).isoformat() == "2026-11-13"
    assert clock.working_day(friday, 0) == friday


@pytest.mark.pure
def test_clock_is_right_again_afterwards() -> None:
    past = datetime(2026, 1, 2, tzinfo=UTC)
    with clock.at(past):
        assert timezone.now() == past
    assert timezone.now() > past
