"""Sessions end: when nobody is there, after a day's work, and when somebody ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from helpdesk.models import AuditEntry, AuditKind
from helpdesk.worker import schedule
from portal import sessions
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings):
    cache.clear()
    settings.SESSION_IDLE_MINUTES = 120
    settings.SESSION_MAX_MINUTES = 16 * 60
    settings.SESSION_IDLE_MINUTES_CUSTOMERS = 24 * 60
    settings.SESSION_MAX_MINUTES_CUSTOMERS = 14 * 24 * 60


@pytest.fixture
def agent():
    return f.make_agent(f.QueueFactory(), username="fink", email="fink@staff.example")


def log_in(user, **more) -> Client:
    client = Client(**more)
    response = client.post("/accounts/login/", {"login": user.username, "password": "secret"})
    assert response.status_code == 302
    return client


def is_in(client: Client, path: str = "/requests/") -> bool:
    return client.get(path).status_code == 200


def later(**time) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**time))


def reasons() -> list[str]:
    rows = AuditEntry.objects.filter(kind=AuditKind.SESSION_ENDED).order_by("pk")
    return [row.data["reason"] for row in rows]


def test_an_idle_session_ends_and_says_so(agent):
    client = log_in(agent)
    with later(minutes=100):
        assert is_in(client)
    with later(minutes=210):  # two hours after the last time
        assert is_in(client)
    with later(minutes=210 + 122):
        response = client.get("/admin/", follow=True)
        assert "weil lange nichts geschehen ist" in response.content.decode()
    assert reasons() == ["idle"]
    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    ("path", "method"),
    [("/admin/helpdesk/together/", "post"), ("/admin/helpdesk/notices/count/", "get")],
)
def test_what_pages_ask_by_themselves_keeps_no_session_alive(agent, path, method):
    client = log_in(agent)
    for minutes in range(10, 120, 10):
        with later(minutes=minutes):
            assert getattr(client, method)(path).status_code in (200, 400)
    with later(minutes=122):
        assert not is_in(client)


def test_the_polls_named_here_exist():
    from django.urls import reverse

    names = sessions.POLLS - {"wagtailadmin_editing_sessions:ping"}
    assert all(reverse(name) for name in names)
    assert reverse("wagtailadmin_editing_sessions:ping", args=["a", "b", "1", 1])


def test_a_busy_session_ends_after_a_day_of_work(agent):
    client = log_in(agent)
    for hour in range(1, 16):
        with later(hours=hour):
            assert is_in(client)
    with later(hours=16, minutes=1):
        assert not is_in(client)
    assert reasons() == ["too_long"]


def test_customers_have_limits_of_their_own():
    client = log_in(f.UserFactory(email="ada@mail.example"))
    for hour in (20, 40):
        with later(hours=hour):
            assert is_in(client)
    with later(hours=65):
        assert not is_in(client)


def test_a_session_from_before_is_as_old_as_the_last_log_in(agent):
    client = log_in(agent)
    session = client.session
    del session[sessions.BEGAN], session[sessions.SEEN]
    session.save()
    assert is_in(client)
    session = client.session
    del session[sessions.BEGAN], session[sessions.SEEN]
    session.save()
    with later(hours=3):
        assert not is_in(client)


def test_a_key_that_somebody_laid_before_log_in_is_worth_nothing(agent):
    client = Client()
    client.get("/accounts/login/")
    session = client.session
    session["laid"] = True
    session.save()
    laid = session.session_key
    client.cookies["sessionid"] = laid
    client.post("/accounts/login/", {"login": "fink", "password": "secret"})
    assert client.session.session_key != laid
    thief = Client()
    thief.cookies["sessionid"] = laid
    assert not is_in(thief)


def test_people_see_their_sessions_and_end_the_others(agent):
    one, other = log_in(agent), log_in(agent, headers={"user-agent": "Phone of fink"})
    stranger = log_in(f.UserFactory(email="ada@mail.example"))
    page = one.get("/accounts/sessions/")
    assert "Phone of fink" in page.content.decode()
    assert page.context["session_count"] == 2
    one.post("/accounts/sessions/")
    assert is_in(one)
    assert not is_in(other)
    assert is_in(stranger)
    assert reasons() == ["own"]


def test_the_list_needs_a_log_in(client):
    assert client.get("/accounts/sessions/").status_code == 302


def test_a_new_password_ends_the_other_sessions(agent):
    one, other = log_in(agent), log_in(agent)
    new = "violet herring on a bicycle"
    data = {"oldpassword": "secret", "password1": new, "password2": new}
    assert one.post("/accounts/password/change/", data).status_code == 302
    assert is_in(one)
    assert not is_in(other)
    row = AuditEntry.objects.get(kind=AuditKind.PASSWORD_CHANGED)
    assert (row.user_name, row.subject_name) == ("fink", "fink")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_account_switched_off_and_on_again_needs_a_new_log_in(agent):
    client = log_in(agent)
    agent.is_active = False
    agent.save()
    assert not is_in(client)
    agent.is_active = True
    agent.save()
    assert not is_in(client)
    assert reasons() == ["inactive"]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("way", ["remove", "clear", "set", "from_group", "clear_group"])
def test_leaving_the_last_group_ends_all_sessions(agent, way):
    client = log_in(agent)
    group = agent.groups.get()
    {
        "remove": lambda: agent.groups.remove(group),
        "clear": agent.groups.clear,
        "set": lambda: agent.groups.set([]),
        "from_group": lambda: group.user_set.remove(agent),
        "clear_group": group.user_set.clear,
    }[way]()
    assert not is_in(client)
    assert reasons() == ["no_group"]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_changing_the_group_ends_nothing(agent):
    client = log_in(agent)
    second = f.GroupFactory()
    agent.groups.add(second)
    agent.groups.remove(agent.groups.first())
    assert is_in(client)
    assert reasons() == []


def test_an_administrator_ends_sessions_in_whatever_browser(agent):
    client = log_in(agent)
    UserSession.objects.all().delete()  # one that the list does not know
    chief = Client()
    chief.force_login(f.UserFactory(username="chief", is_superuser=True))
    url = f"/admin/users/{agent.pk}/keys/"
    assert chief.post(url, {"do": "sessions"}).status_code == 302
    assert not is_in(client)
    row = AuditEntry.objects.get(kind=AuditKind.SESSION_ENDED, user_name="chief")
    assert row.subject_name == "fink"
    assert is_in(log_in(agent))


def test_nobody_else_may(agent):
    client = log_in(agent)
    for method in (client.get, client.post):
        assert method(f"/admin/users/{agent.pk}/keys/").status_code == 404
    assert reasons() == []


def test_the_command_ends_sessions(agent):
    client = log_in(agent)
    call_command("end_sessions", "fink")
    assert not is_in(client)
    assert is_in(log_in(agent))
    with pytest.raises(CommandError):
        call_command("end_sessions", "nobody")


def test_worker_forgets_sessions_that_no_browser_ended(agent):
    log_in(agent)
    old = UserSession.objects.create(
        user=agent,
        ip="192.0.2.7",
        session_key="k" * 40,
        user_agent="A browser that never came back",
        created_at=timezone.now() - timedelta(days=14, minutes=1),
    )
    [job] = [job for job in schedule() if job.name == "sessions.forget"]
    assert job.run() == 1
    assert not UserSession.objects.filter(pk=old.pk).exists()
    assert UserSession.objects.count() == 1
