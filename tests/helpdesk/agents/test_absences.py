"""The screens of absences."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.models import (
    Absence,
    AbsenceDeputy,
    AbsenceTicket,
    AgentSettings,
    Handover,
    Notice,
    NoticeKind,
    Right,
    Ticket,
)
from helpdesk.notifications import summaries
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

LIST = "/admin/helpdesk/absences/"
NEW = f"{LIST}new/"
TEAM = f"{LIST}team/"
SETTINGS = "/admin/helpdesk/my-settings/"
WORKERS = [right for right in Right.values if right != Right.MANAGE]
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def today() -> date:
    return timezone.localdate(timezone=BERLIN)


def data(**fields) -> dict[str, object]:
    return {
        "from_day": today() + DAY,
        "to_day": today() + 7 * DAY,
        "handover": "keep",
        "rows-TOTAL_FORMS": "2",
        "rows-INITIAL_FORMS": "0",
        "save": "1",
        **fields,
    }


def queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.fixture
def mate(red):
    return f.make_agent(red.queue, rights=WORKERS, first_name="Fink", last_name="Mate")


@pytest.fixture
def stranger(blue):
    return f.make_agent(blue.queue, first_name="Strange", last_name="Bird")


# --- entering ----------------------------------------------------------------------------------------


def test_whole_days_by_default_in_the_sites_zone(red, mate):
    answer = red.client.post(NEW, data(deputy=mate.pk, reason="Spa", who=red.agent.pk))
    assert answer.url == LIST
    made = Absence.objects.get()
    start, end = (at.astimezone(BERLIN) for at in (made.starts_at, made.ends_at))
    assert start == datetime.combine(today() + DAY, datetime.min.time(), BERLIN)
    assert end == datetime.combine(today() + 8 * DAY, datetime.min.time(), BERLIN)
    assert (made.user, made.deputy, made.reason) == (red.agent, mate, "Spa")


def test_the_sites_zone_counts_whatever_the_agents_own_is(red):
    red.agent.wagtail_userprofile.current_time_zone = "Pacific/Auckland"
    red.agent.wagtail_userprofile.save()
    red.client.post(NEW, data(from_time="08:30", to_time="12:00", who=red.agent.pk))
    made = Absence.objects.get()
    assert made.starts_at.astimezone(BERLIN).strftime("%H:%M") == "08:30"
    assert made.ends_at.astimezone(BERLIN).date() == today() + 7 * DAY
    page = red.client.get(f"{LIST}{made.pk}/").content.decode()
    assert 'value="08:30"' in page
    assert 'value="12:00"' in page


def test_saved_absence_shows_in_its_form_as_it_was_entered(red, mate):
    red.client.post(
        NEW,
        data(
            who=red.agent.pk,
            deputy=mate.pk,
            handover="deputy",
            reason="Spa",
            **{"rows-0-queue": red.queue.pk, "rows-0-deputy": mate.pk},
        ),
    )
    made = Absence.objects.get()
    form = red.client.get(f"{LIST}{made.pk}/").context["form"]
    assert form["from_day"].value() == today() + DAY
    assert form["to_day"].value() == today() + 7 * DAY
    assert form["from_time"].value() is None
    assert (form["deputy"].value(), form["handover"].value()) == (mate.pk, "deputy")
    rows = red.client.get(f"{LIST}{made.pk}/").context["rows"]
    assert rows[0]["queue"].value() == red.queue.pk
    changed = data(
        to_day=today() + 9 * DAY,
        **{"rows-TOTAL_FORMS": "3", "rows-INITIAL_FORMS": "1", "reason": "Spa"},
    )
    red.client.post(f"{LIST}{made.pk}/", changed)
    made.refresh_from_db()
    assert made.ends_at.astimezone(BERLIN).date() == today() + 10 * DAY
    assert made.deputy is None
    assert not AbsenceDeputy.objects.exists()


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"to_day": ""}, "to_day", "required"),
        ({"to_day": date(2020, 1, 1)}, "to_day", "before it begins"),
        ({"to_day": "9999-12-31"}, "to_day", "check the year"),
        ({"handover": "deputy"}, "deputy", "Name a deputy"),
        ({"deputy": "999999"}, "deputy", "valid choice"),
        ({"handover": "nonsense"}, "handover", "valid choice"),
    ],
)
def test_what_is_wrong_shows_at_its_field_and_nothing_typed_is_lost(red, fields, where, words):
    answer = red.client.post(NEW, data(who=red.agent.pk, reason="Spa", **fields))
    assert answer.status_code == 422
    assert where in answer.context["form"].errors
    assert words in answer.content.decode()
    assert 'value="Spa"' in answer.content.decode()
    assert not Absence.objects.exists()


def test_overlap_is_refused_at_the_first_day(red):
    red.client.post(NEW, data(who=red.agent.pk))
    answer = red.client.post(NEW, data(who=red.agent.pk))
    assert "already" in str(answer.context["form"].errors["from_day"])
    assert Absence.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"rows-0-queue": "Q"}, "both"),
        ({"rows-0-deputy": "M"}, "both"),
        (
            {"rows-0-queue": "Q", "rows-0-deputy": "M", "rows-1-queue": "Q", "rows-1-deputy": "M"},
            "already",
        ),
    ],
)
def test_rows_of_deputies_say_what_is_missing(red, mate, row, words):
    ids = {"Q": red.queue.pk, "M": mate.pk}
    answer = red.client.post(
        NEW, data(who=red.agent.pk, **{name: ids[value] for name, value in row.items()})
    )
    assert answer.status_code == 422
    assert words in str(answer.context["rows"].errors)


def test_more_rows_keep_what_was_typed(red, mate):
    answer = red.client.post(
        NEW,
        data(
            who=red.agent.pk,
            more="1",
            reason="Spa",
            **{"rows-1-queue": red.queue.pk, "rows-1-deputy": mate.pk},
        ),
    )
    assert answer.status_code == 200
    assert len(answer.context["rows"].forms) == 4
    assert answer.context["rows"][0]["queue"].value() == str(red.queue.pk)
    assert answer.context["form"]["reason"].value() == "Spa"
    assert not Absence.objects.exists()


def test_nonsense_in_the_rows_management_is_no_fault(red):
    for total in ("x", "-1", "99999999999999999999", "١"):
        sent = data(**{"who": red.agent.pk, "rows-TOTAL_FORMS": total, "to_day": ""})
        assert red.client.post(NEW, sent).status_code == 422
        assert red.client.post(NEW, {**sent, "more": "1"}).status_code == 200


# --- single tickets ----------------------------------------------------------------------------------


def test_second_page_offers_each_open_ticket_and_keeps_the_first(red, mate):
    actions.claim(actor=red.actor, ticket=red.ticket)
    other = actions.claim(actor=red.actor, ticket=f.make_ticket(red.queue, contact=""))
    first = data(who=red.agent.pk, from_day=today(), deputy=mate.pk, handover="deputy", tickets="1")
    del first["save"]
    page = red.client.post(NEW, first)
    text = page.content.decode()
    assert red.ticket.subject in text
    assert f'name="ticket-{other.pk}"' in text
    assert not Absence.objects.exists()
    sent = dict(page.context["hidden"])
    assert sent["deputy"] == str(mate.pk)
    red.client.post(NEW, {**sent, f"ticket-{other.pk}": "queue", "save": "1"})
    assert Ticket.objects.get(pk=red.ticket.pk).owner == mate
    assert Ticket.objects.get(pk=other.pk).owner is None


def test_choices_for_tickets_survive_going_back_and_changing_later(red):
    actions.claim(actor=red.actor, ticket=red.ticket)
    name = f"ticket-{red.ticket.pk}"
    sent = data(**{"who": red.agent.pk, name: "queue"})
    back = red.client.post(NEW, {**sent, "back": "1"})
    assert (name, "queue") in back.context["hidden"]
    red.client.post(NEW, sent)
    made = Absence.objects.get()
    form = red.client.get(f"{LIST}{made.pk}/")
    assert form.context["hidden"] == [(name, "queue")]
    red.client.post(f"{LIST}{made.pk}/", data(**{name: ""}))
    assert not AbsenceTicket.objects.exists()


def test_second_page_takes_as_many_queries_for_many_tickets(red):
    actions.claim(actor=red.actor, ticket=red.ticket)
    counts = []
    sent = {**data(who=red.agent.pk), "tickets": "1"}
    red.client.post(NEW, sent)
    for _more in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert red.client.post(NEW, sent).status_code == 200
        counts.append(len(captured))
        for _number in range(8):
            actions.claim(actor=red.actor, ticket=f.make_ticket(red.queue, contact=""))
    assert counts[0] == counts[1]


def test_second_page_is_limited_and_says_so(red, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.absence_form.LISTED", 1)
    for _number in range(3):
        actions.claim(actor=red.actor, ticket=f.make_ticket(red.queue, contact=""))
    page = red.client.post(NEW, {**data(who=red.agent.pk), "tickets": "1"})
    assert len(page.context["tickets"]) == 1
    assert "2 more tickets" in page.content.decode()


# --- the team lead and the others ----------------------------------------------------------------------


def test_team_lead_enters_for_others(red, mate):
    red.client.post(NEW, data(who=mate.pk, reason="ill"))
    made = Absence.objects.get()
    assert (made.user, made.entered_by) == (mate, red.agent)
    assert "ill" in red.client.get(LIST).content.decode()


def test_agent_chooses_only_themselves(red, mate):
    client = browser(mate)
    assert client.get(NEW).context["form"]["who"].is_hidden
    assert client.post(NEW, data(who=red.agent.pk)).status_code == 422
    assert client.post(NEW, data()).status_code == 302
    assert Absence.objects.get().user == mate


def test_absences_of_others_look_absent_to_who_may_not_change_them(red, mate, stranger):
    own = f.make_absence(red.agent)
    for client in (browser(mate), browser(stranger)):
        for url in (f"{LIST}{own.pk}/", f"{LIST}{own.pk}/end/", f"{LIST}{own.pk}/summary/"):
            for answer in (client.get(url), client.post(url, data())):
                assert answer.status_code in (404, 405), url
    own.refresh_from_db()
    assert own.ends_at > timezone.now()


def test_user_without_rights_comes_nowhere(red):
    client = browser(f.make_agent(rights=[]))
    for url in (LIST, NEW, TEAM, SETTINGS):
        assert client.get(url).status_code == 302
    assert client.post(f"{SETTINGS}address/").status_code == 404


def test_deputies_are_offered_from_own_teams_only(red, mate, stranger):
    names = str(red.client.get(NEW).context["form"]["deputy"])
    assert "Fink Mate" in names
    assert "Strange" not in names
    assert "Blue" not in red.client.get(NEW).content.decode()


def test_reason_shows_to_the_agent_and_to_whom_entered_it_only(red, mate):
    f.make_absence(mate, reason="Private matter")
    assert "Private matter" in browser(mate).get(LIST).content.decode()
    page = red.client.get(LIST).content.decode()
    assert "Fink Mate" in page
    assert "Private matter" not in page
    form = red.client.get(f"{LIST}{Absence.objects.get().pk}/")
    assert "Private matter" not in form.content.decode()
    assert "reason" not in form.context["form"].fields


def test_ending_early_and_deleting(red):
    now, later = f.make_absence(red.agent), f.make_absence(red.agent, start=9 * DAY, end=10 * DAY)
    red.client.post(f"{LIST}{now.pk}/end/")
    red.client.post(f"{LIST}{later.pk}/end/")
    (left,) = Absence.objects.all()
    assert left == now
    assert left.ends_at <= timezone.now()
    assert red.client.get(f"{LIST}{now.pk}/end/").status_code == 405


# --- the list ------------------------------------------------------------------------------------------


def test_list_shows_own_first_then_the_team_and_nobody_else(red, mate, stranger):
    f.make_absence(stranger)
    f.make_absence(mate, start=-2 * DAY, deputy=red.agent)
    f.make_absence(red.agent, start=9 * DAY, end=10 * DAY)
    f.make_absence(mate, start=-20 * DAY, end=-10 * DAY)
    rows = red.client.get(LIST).context["rows"]
    assert [row.absence.user for row in rows] == [red.agent, mate]
    assert [row.is_now for row in rows] == [False, True]
    assert rows[1].deputies == [("", red.agent, False)]


def test_deputies_of_queues_that_the_reader_does_not_know_are_not_named(red, blue, mate):
    mate.groups.add(f.make_team(blue.queue))
    absence = f.make_absence(mate, deputy=red.agent)
    AbsenceDeputy.objects.create(absence=absence, queue=blue.queue, deputy=blue.agent)
    assert "Blue" not in red.client.get(LIST).content.decode()
    assert "Blue" in browser(mate).get(LIST).content.decode()


def test_a_lead_who_changes_an_absence_keeps_the_deputies_of_queues_they_do_not_know(
    red, blue, mate
):
    mate.groups.add(f.make_team(blue.queue))
    absence = f.make_absence(mate)
    AbsenceDeputy.objects.create(absence=absence, queue=blue.queue, deputy=blue.agent)
    page = red.client.get(f"{LIST}{absence.pk}/").content.decode()
    assert "Blue" not in page
    red.client.post(f"{LIST}{absence.pk}/", data(from_day=today()))
    assert AbsenceDeputy.objects.get().queue == blue.queue


def test_list_and_overview_take_as_many_queries_for_200_rows_as_for_2(red, mate, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.absences.PER_PAGE", 250)
    f.make_absence(mate, deputy=red.agent)
    f.make_absence(red.agent, deputy=mate)
    urls = (LIST, TEAM)
    for url in urls:
        queries(red.client, url)  # caches
    few = [queries(red.client, url) for url in urls]
    group = mate.groups.get()
    for _number in range(198):
        user = f.UserFactory()
        user.groups.add(group)
        absence = f.make_absence(user, deputy=mate)
        AbsenceDeputy.objects.create(absence=absence, queue=red.queue, deputy=red.agent)
    assert [queries(red.client, url) for url in urls] == few
    assert len(red.client.get(LIST).context["rows"]) == 200


def test_list_has_pages(red, mate, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.absences.PER_PAGE", 1)
    f.make_absence(mate)
    f.make_absence(red.agent)
    page = red.client.get(LIST)
    assert "?p=2" in page.content.decode()
    assert [row.absence.user for row in page.context["rows"]] == [red.agent]
    assert [row.absence.user for row in red.client.get(f"{LIST}?p=2").context["rows"]] == [mate]


# --- warnings ------------------------------------------------------------------------------------------


def test_deputy_without_the_right_where_there_are_tickets_is_warned_about(red):
    helper = f.make_agent(
        red.queue, rights=[Right.READ, Right.NOTE], first_name="Helper", last_name="H"
    )
    helper.groups.add(f.make_team(f.QueueFactory(parent=red.queue), rights=[Right.OWN]))
    actions.claim(actor=red.actor, ticket=red.ticket)
    answer = red.client.post(NEW, data(who=red.agent.pk, deputy=helper.pk), follow=True)
    page = answer.content.decode()
    assert "Helper H may not own tickets in “Red”; there the team stands in." in page


def test_deputy_who_is_away_too_is_warned_about_with_who_stands_in_then(red, mate):
    meise = f.make_agent(red.queue, first_name="Meise", last_name="M")
    f.make_absence(mate, start=2 * DAY, end=4 * DAY, deputy=meise)
    page = red.client.post(NEW, data(who=red.agent.pk, deputy=mate.pk), follow=True)
    text = page.content.decode()
    assert "Fink Mate is away too, from" in text
    assert "Then stands in: Meise M." in text


def test_two_who_stand_in_for_each_other_are_warned_that_the_team_does(red, mate):
    f.make_absence(mate, start=2 * DAY, end=4 * DAY, deputy=red.agent)
    page = red.client.post(NEW, data(who=red.agent.pk, deputy=mate.pk), follow=True)
    assert "The team stands in then." in page.content.decode()


def test_a_deputy_who_is_there_is_no_warning(red, mate):
    page = red.client.post(NEW, data(who=red.agent.pk, deputy=mate.pk), follow=True)
    assert [str(one) for one in page.context["messages"]] != []
    assert "stands in" not in page.content.decode().split("<main")[1].split("<table")[0]


# --- four weeks, summary, settings ---------------------------------------------------------------------


def test_overview_tells_days_away_parts_of_days_and_days_off(red, mate, stranger):
    monday = today() - today().weekday() * DAY
    start = datetime.combine(monday + 7 * DAY, datetime.min.time(), BERLIN)
    AgentSettings.objects.create(user=mate, free_days=[0, 4])
    Absence.objects.create(
        user=mate, starts_at=start + timedelta(hours=12), ends_at=start + 3 * DAY
    )
    rows = dict(red.client.get(TEAM).context["rows"])
    assert set(rows) == {red.agent, mate}
    codes = [code for code, _words in rows[mate]]
    assert codes[:8] == ["off", "", "", "", "off", "", "", "part"]
    assert codes[8:12] == ["away", "away", "", "off"]
    assert {code for code, _words in rows[red.agent]} == {""}


def test_summary_shows_what_happened_to_the_agent_only(red, mate):
    actions.claim(actor=red.actor, ticket=red.ticket)
    absence = f.make_absence(red.agent)
    actions.rename(actor=permissions.agent(mate), ticket=red.ticket, subject="Renamed")
    page = red.client.get(f"{LIST}{absence.pk}/summary/")
    assert "renamed the ticket" in page.content.decode()
    boss = browser(f.UserFactory(is_superuser=True, is_staff=True))
    assert boss.get(f"{LIST}{absence.pk}/summary/").status_code == 404


def test_notice_of_the_return_leads_to_its_summary(red, mate):
    absence = f.make_absence(red.agent, start=-2 * DAY, end=-DAY)
    summaries.sum_up_absences()
    notice = Notice.objects.get(kind=NoticeKind.RETURN)
    url = reverse("helpdesk_agents:absence_return", args=[notice.pk])
    assert red.client.get(url).url == f"{LIST}{absence.pk}/summary/"
    assert browser(mate).get(url).status_code == 404


def test_days_off_are_saved_and_refused(red):
    red.client.post(SETTINGS, {"free_days": ["2", "4"]})
    assert AgentSettings.objects.get().free_days == [2, 4]
    answer = red.client.post(SETTINGS, {"free_days": [str(day) for day in range(7)]})
    assert answer.status_code == 422
    assert "at least" in answer.content.decode()
    assert AgentSettings.objects.get().free_days == [2, 4]
    assert red.client.post(SETTINGS, {"free_days": ["9", "x"]}).status_code == 422


def test_handover_choice_reaches_the_row(red, mate):
    red.client.post(NEW, data(who=red.agent.pk, handover="queue"))
    assert Absence.objects.get().handover == Handover.QUEUE
