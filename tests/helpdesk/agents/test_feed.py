"""The feed of absences: read without logging in by whoever has the secret, and by nobody else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.models import Absence, AgentSettings, QueueRight
from tests import factories as f

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def address(user, name="team") -> str:
    row = AgentSettings.objects.filter(user=user).first()
    row = row or actions.renew_feed_key(actor=permissions.agent(user))
    return reverse(f"helpdesk_feed:{name}", args=[row.feed_key])


def events(answer) -> list[icalendar.Event]:
    assert answer.status_code == 200
    return list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), BERLIN)


@pytest.fixture
def mate(red):
    return f.make_agent(red.queue, first_name="Fink", last_name="Mate")


def test_feed_holds_names_dates_and_deputies_of_the_team_and_never_reasons(red, blue, mate):
    today = timezone.localdate(timezone=BERLIN)
    Absence.objects.create(
        user=mate,
        starts_at=midnight(today),
        ends_at=midnight(today + 3 * DAY),
        deputy=red.agent,
        reason="Private matter",
        entered_by=red.agent,
    )
    f.make_absence(blue.agent)
    answer = Client().get(address(red.agent))
    (event,) = events(answer)
    assert event["SUMMARY"] == "Fink Mate: away, Red Agent stands in"
    assert event["DTSTART"].dt == today
    assert event["DTEND"].dt == today + 3 * DAY  # the first day back
    assert b"Private" not in answer.content
    assert b"Blue" not in answer.content
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"


def test_an_absence_with_times_is_written_in_utc(red):
    start = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)  # the night of the change to summer time
    made = Absence.objects.create(
        user=red.agent, starts_at=start, ends_at=timezone.now() + 400 * DAY
    )
    (event,) = events(Client().get(address(red.agent)))
    assert event["DTSTART"].dt == datetime(2026, 3, 29, 0, 30, tzinfo=ZoneInfo("UTC"))
    assert b"DTSTART:20260329T003000Z" in Client().get(address(red.agent)).content
    assert event["UID"] == f"absence-{made.pk}@desk.example"


def test_own_feed_holds_own_absences_only(red, mate):
    f.make_absence(mate)
    own = f.make_absence(red.agent)
    (event,) = events(Client().get(address(red.agent, "mine")))
    assert event["UID"].startswith(f"absence-{own.pk}@")


def test_long_over_is_left_out(red):
    f.make_absence(red.agent, start=-90 * DAY, end=-70 * DAY)
    f.make_absence(red.agent, start=-20 * DAY, end=-10 * DAY)
    assert len(events(Client().get(address(red.agent)))) == 1


@pytest.mark.parametrize("name", ["team", "mine"])
def test_wrong_old_and_orphaned_keys_are_not_found(red, name):
    url = address(red.agent, name)
    assert Client().get(url).status_code == 200
    wrong = reverse(f"helpdesk_feed:{name}", args=["wrong"])
    assert Client().get(wrong).status_code == 404
    actions.renew_feed_key(actor=permissions.agent(red.agent))
    assert Client().get(url).status_code == 404
    url = address(red.agent, name)
    QueueRight.objects.all().delete()
    assert Client().get(url).status_code == 404


def test_key_of_an_inactive_user_is_not_found(red):
    url = address(red.agent)
    type(red.agent).objects.filter(pk=red.agent.pk).update(is_active=False)
    assert Client().get(url).status_code == 404


def test_feed_is_private_and_answers_not_modified(red, mate):
    f.make_absence(mate)
    first = Client().get(address(red.agent))
    assert first["Cache-Control"] == "private, max-age=300"
    assert first["X-Robots-Tag"] == "noindex"
    again = Client().get(address(red.agent), headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again["ETag"] == first["ETag"]
    assert "private" in again["Cache-Control"]
    actions.end_absence(actor=permissions.agent(mate), absence=Absence.objects.get())
    changed = Client().get(address(red.agent), headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert Client().post(address(red.agent)).status_code == 405


def test_names_cannot_write_lines_of_their_own(red, mate):
    mate.last_name = "Evil\r\nATTENDEE:mailto:eve@evil.example;\\,"
    mate.save()
    f.make_absence(mate)
    answer = Client().get(address(red.agent))
    (event,) = events(answer)
    assert "ATTENDEE" not in event
    assert not [line for line in answer.content.splitlines() if line.startswith(b"ATTENDEE")]
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))  # RFC 5545 3.1


def test_feed_speaks_the_language_of_its_address(red, mate):
    f.make_absence(mate)
    with translation.override("de"):
        german = address(red.agent)
    with translation.override("en"):
        english = address(red.agent)
    assert german != english
    assert "away" in events(Client().get(english))[0]["SUMMARY"]


def test_feed_takes_as_many_queries_for_many_absences(red, mate):
    url = address(red.agent)
    counts = []
    for number in (2, 20):
        while Absence.objects.count() < number:
            user = f.make_agent(red.queue)
            f.make_absence(user, deputy=mate)
        with CaptureQueriesContext(connection) as captured:
            assert len(events(Client().get(url))) == number
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_settings_page_makes_addresses_and_new_ones(red):
    page = red.client.get(reverse("helpdesk_agents:my_settings"))
    assert page.context["feeds"] == []
    red.client.post(reverse("helpdesk_agents:feed_renew"))
    page = red.client.get(reverse("helpdesk_agents:my_settings"))
    urls = [url for _label, url in page.context["feeds"]]
    assert [Client().get(url).status_code for url in urls] == [200, 200]
    red.client.post(reverse("helpdesk_agents:feed_renew"))
    assert [Client().get(url).status_code for url in urls] == [404, 404]
