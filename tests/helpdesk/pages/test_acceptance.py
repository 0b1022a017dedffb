"""When a form is open, and for how many requests."""

from __future__ import annotations

import datetime as dt
import threading
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from wagtail.models import Locale

from helpdesk import actions, permissions
from helpdesk.models import Ticket
from helpdesk.pages import acceptance
from helpdesk.pages.acceptance import GRACE, Phase, Window
from helpdesk.states import StateType
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
OPENS = dt.datetime(2026, 12, 1, 8, 0, tzinfo=BERLIN)
CLOSES = dt.datetime(2026, 12, 24, 12, 0, tzinfo=BERLIN)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(p.make_service(tree.services), opens_at=OPENS, closes_at=CLOSES)


@pytest.fixture
def places(tree):
    return p.make_form(tree.services, submission_limit=2)


def test_window_opens_and_closes_at_its_very_seconds():
    window = Window(OPENS, CLOSES)
    assert [window.phase(OPENS + n * SECOND) for n in (-1, 0)] == [Phase.BEFORE, Phase.OPEN]
    assert [window.phase(CLOSES + n * SECOND) for n in (-1, 0)] == [Phase.OPEN, Phase.AFTER]
    assert Window().phase(OPENS) is Phase.OPEN


MOMENTS = st.integers(0, 3 * 86_400).map(
    lambda seconds: dt.datetime(2026, 10, 24, tzinfo=dt.UTC) + seconds * SECOND
)


@given(closes=MOMENTS, now=MOMENTS, ago=st.integers(0, 3600))
def test_late_forms_are_taken_for_the_grace_alone(closes, now, ago):
    shown = now - dt.timedelta(seconds=ago)
    window = Window(None, closes.astimezone(BERLIN))  # over the change to winter time
    taken = window.takes(now.astimezone(BERLIN), shown)
    assert taken is (now < closes or (shown < closes and now < closes + GRACE))
    assert window.takes(now, None) is (now < closes)


def test_outside_its_time_a_form_shows_no_fields(client, page, time_machine):
    time_machine.move_to(OPENS - SECOND, tick=False)
    answer = client.get(page.url)
    assert answer.status_code == 200
    assert "1. Dezember 2026, 08:00 Uhr" in answer.content.decode()
    assert "q_room" not in answer.content.decode()
    time_machine.move_to(OPENS, tick=False)
    assert "q_room" in client.get(page.url).content.decode()
    time_machine.move_to(CLOSES - SECOND, tick=False)
    assert "q_room" in client.get(page.url).content.decode()
    time_machine.move_to(CLOSES, tick=False)
    answer = client.get(page.url)
    assert "24. Dezember 2026, 12:00 Uhr" in answer.content.decode()
    assert "q_room" not in answer.content.decode()


def test_editors_say_what_is_shown_outside(client, tree, time_machine):
    page = p.make_form(
        tree.services,
        opens_at=OPENS,
        closes_at=CLOSES,
        submission_limit=1,
        text_before="<p>Noch ein wenig <b>Geduld</b>.</p>",
        text_after="<p>Bis zum nächsten Jahr.</p>",
        text_full="<p>Leider ausgebucht.</p>",
    )
    time_machine.move_to(OPENS - SECOND, tick=False)
    assert "<b>Geduld</b>" in client.get(page.url).content.decode()
    time_machine.move_to(OPENS, tick=False)
    p.sent(client, page)
    assert "ausgebucht" in client.get(page.url).content.decode()
    time_machine.move_to(CLOSES, tick=False)
    assert "nächsten Jahr" in client.get(page.url).content.decode()


def typed(client, page, **changes):
    shown = client.get(page.url).context["form"]
    return {
        "contact_name": "Ada Beispiel",
        "contact_email": "ada@mail.example",
        "submission_key": shown["submission_key"].value(),
        "shown_at": shown["shown_at"].value(),
        "q_room": "Saal mit Aussicht",
        **changes,
    }


@pytest.mark.parametrize(
    ("shown", "sent", "taken"),
    [
        (-60, -1, True),
        (-60, 0, True),
        (-1, 14 * 60 + 58, True),
        (-60, 15 * 60 - 1, True),
        (-60, 15 * 60, False),
    ],
)
def test_a_form_shown_in_time_may_come_a_little_late(
    client, page, time_machine, shown, sent, taken
):
    time_machine.move_to(CLOSES + shown * SECOND, tick=False)
    data = typed(client, page)
    time_machine.move_to(CLOSES + sent * SECOND, tick=False)
    answer = client.post(page.url, data)
    assert Ticket.objects.exists() is taken
    assert answer.status_code == (302 if taken else 409)


def test_who_comes_too_late_keeps_what_was_typed(client, page, time_machine):
    time_machine.move_to(CLOSES - 60 * SECOND, tick=False)
    data = typed(client, page)
    time_machine.move_to(CLOSES + GRACE, tick=False)
    text = client.post(page.url, data).content.decode()
    assert "Saal mit Aussicht" in text
    assert "24. Dezember 2026, 12:00 Uhr" in text
    # with an error in it as well, nobody is asked to mend what cannot be sent
    broken = client.post(page.url, {**data, "contact_email": "ada"})
    assert "24. Dezember 2026, 12:00 Uhr" in broken.content.decode()
    assert "Saal mit Aussicht" in broken.content.decode()


@pytest.mark.parametrize("stamp", ["", ":abc:def", "forged"])
def test_no_note_of_when_it_was_shown_gives_no_grace(client, page, time_machine, stamp):
    time_machine.move_to(CLOSES - 60 * SECOND, tick=False)
    data = typed(client, page, shown_at=stamp)
    time_machine.move_to(CLOSES, tick=False)
    assert client.post(page.url, data).status_code == 409
    assert not Ticket.objects.exists()


def test_the_thanks_are_shown_after_it_closed(client, page, time_machine):
    time_machine.move_to(CLOSES - 60 * SECOND, tick=False)
    data = typed(client, page)
    time_machine.move_to(CLOSES + 60 * SECOND, tick=False)
    thanks = client.get(client.post(page.url, data)["Location"])
    assert Ticket.objects.get().number in thanks.content.decode()
    # the same once more is the same request
    assert client.post(page.url, data).status_code == 302
    time_machine.move_to(CLOSES + 2 * GRACE, tick=False)
    assert client.post(page.url, data).status_code == 302
    assert Ticket.objects.count() == 1


# --- places --------------------------------------------------------------------------------------


def test_only_so_many_requests_are_taken(client, places):
    data = typed(client, places)
    late = typed(client, places)
    assert [p.sent(client, places).status_code, p.sent(client, places, q_room="2").status_code] == [
        302,
        302,
    ]
    refused = client.post(places.url, late)
    assert refused.status_code == 409
    assert "Saal mit Aussicht" in refused.content.decode()
    assert Ticket.objects.count() == 2
    assert "q_room" not in client.get(places.url).content.decode()
    assert client.post(places.url, data).status_code == 409


def test_the_last_one_sent_twice_is_the_same_request(client, tree):
    page = p.make_form(tree.services, submission_limit=1)
    data = typed(client, page)
    first, second = client.post(page.url, data), client.post(page.url, data)
    assert (first.status_code, second.status_code) == (302, 302)
    assert Ticket.objects.count() == 1


def test_places_are_those_of_all_languages_without_tests_and_removed_ones(client, tree, places):
    english = Locale.objects.get(language_code="en")
    tree.services.copy_for_translation(english).save_revision().publish()
    places.copy_for_translation(english).save_revision().publish()
    other = IntakeFormPage.objects.get(locale=english)
    key = places.translation_key
    f.make_ticket(origin=actions.Origin(form_key=key), is_test=True)
    gone = f.make_ticket(origin=actions.Origin(form_key=key))
    Ticket.objects.filter(pk=gone.pk).update(state=f.state(StateType.REMOVED))
    assert acceptance.submissions([key]) == {}
    p.sent(client, places)
    assert p.sent(client, other, q_room="B").status_code == 302
    assert acceptance.submissions([key]) == {key: 2}
    assert (places.phase(), other.phase()) == (Phase.FULL, Phase.FULL)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_share_the_last_place():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    page = p.make_form(p.make_site().services, submission_limit=3)
    data = [
        typed(Client(), page, q_room=f"Raum {n}", contact_email=f"a{n}@mail.example")
        for n in range(8)
    ]
    start, found = threading.Barrier(8), []

    def send(one):
        try:
            start.wait(20)
            found.append(Client().post(page.url, one).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(one,)) for one in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [302] * 3 + [409] * 5
    assert Ticket.objects.count() == 3


# --- what people read of it ----------------------------------------------------------------------


def buttons(client, service):
    """Return the words of the buttons that lead to a service's forms."""
    soup = BeautifulSoup(client.get(service.url).content, "html.parser")
    return " ".join(one.get_text(strip=True) for one in soup.select("main p.actions a"))


def test_the_service_says_when_its_form_opens(client, page, time_machine):
    service = page.get_parent()
    time_machine.move_to(OPENS - SECOND, tick=False)
    assert "1. Dezember 2026, 08:00 Uhr)" in buttons(client, service)
    time_machine.move_to(OPENS, tick=False)
    assert buttons(client, service) == page.title
    time_machine.move_to(CLOSES, tick=False)
    assert buttons(client, service).startswith(f"{page.title} (")


def test_the_page_of_a_queue_says_so_on_the_card_of_the_form(client, tree, time_machine):
    queue = f.QueueFactory()
    shown = p.make_queue_page(tree.services, queue)
    p.make_form(shown, title="Antrag", queue=queue, opens_at=OPENS, closes_at=CLOSES)

    def card():
        soup = BeautifulSoup(client.get(shown.url).content, "html.parser")
        return soup.select_one("main .card").get_text(" ", strip=True)

    time_machine.move_to(OPENS - SECOND, tick=False)
    assert card() == "Antrag öffnet am 1. Dezember 2026, 08:00 Uhr"
    time_machine.move_to(OPENS, tick=False)
    assert card() == "Antrag"
    time_machine.move_to(CLOSES, tick=False)
    assert card() == "Antrag geschlossen"


def test_buttons_cost_one_query_however_many(tree, django_assert_num_queries):
    pages = [p.make_form(tree.services, submission_limit=1, title=f"F{n}") for n in range(3)]
    f.make_ticket(origin=actions.Origin(form_key=pages[1].translation_key))
    with django_assert_num_queries(1):
        acceptance.mark(pages)
    assert [bool(page.closed_note) for page in pages] == [False, True, False]


def test_the_editor_reads_how_it_stands(admin_client, page, time_machine):
    time_machine.move_to(OPENS - SECOND, tick=False)
    answer = admin_client.get(reverse("wagtailadmin_pages:edit", args=[page.pk]))
    assert answer.status_code == 200
    [words] = acceptance.state_in_words(page)
    assert words in answer.content.decode()
    time_machine.move_to(OPENS, tick=False)
    assert len(acceptance.state_in_words(page)) == 2


def test_preview_shows_the_form_although_it_is_closed(page, time_machine):
    time_machine.move_to(CLOSES, tick=False)
    request = page.make_preview_request()
    assert request.status_code == 200
    assert b"q_room" in request.render().content


def test_summer_and_winter_time_are_told_as_the_clock_shows_them():
    last = dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)  # the second half past two of that night
    assert "02:30" in acceptance.moment(last) or "2:30" in acceptance.moment(last)
    assert Window(last).phase(last - dt.timedelta(minutes=59)) is Phase.BEFORE


def test_a_form_of_an_open_time_takes_the_machine_as_well(page, time_machine):
    time_machine.move_to(OPENS, tick=False)
    page.check_open("")
    assert permissions.visible_tickets(permissions.SYSTEM).count() == 0


def test_junk_and_merged_requests_take_no_place(client, tree):
    page = p.make_form(tree.services, submission_limit=1)
    p.sent(client, page)
    assert page.is_full()
    ticket = Ticket.objects.get()
    home = ticket.queue
    Ticket.objects.update(queue=f.QueueFactory(is_junk=True))
    assert not page.is_full()
    Ticket.objects.update(queue=home)
    assert page.is_full()
    Ticket.objects.filter(pk=ticket.pk).update(merged_into=f.make_ticket(home))
    assert not page.is_full()


def test_a_check_of_a_form_that_is_not_open_names_no_field(client, page, time_machine):
    time_machine.move_to(OPENS - SECOND, tick=False)
    answer = client.post(page.url, {"check_step": "1"})
    assert answer.status_code == 409
    assert answer.json()["errors"] == {}
    assert "1. Dezember 2026, 08:00 Uhr" in answer.json()["closed"]
    # who had it open in time may go on
    time_machine.move_to(CLOSES - 60 * SECOND, tick=False)
    data = typed(client, page, check_step="1", q_room="")
    time_machine.move_to(CLOSES + 60 * SECOND, tick=False)
    assert set(client.post(page.url, data).json()["errors"]) == {"q_room"}
    assert client.post(page.url, {**data, "shown_at": ""}).status_code == 409


def test_a_check_of_a_form_that_is_full_names_no_field(client, places):
    for _n in range(2):
        p.sent(client, places)
    answer = client.post(places.url, {"check_step": "1"})
    assert (answer.status_code, answer.json()["errors"]) == (409, {})
