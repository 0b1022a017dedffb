"""Guessing passwords is slow, the owner of an account still comes in, and nobody learns who exists."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import hashers
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import PageViewRestriction

from helpdesk.models import AuditEntry, AuditKind
from portal import checks
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
LOCKED = "Es gab zu viele Versuche, sich anzumelden."
#: The cache of production, where no CACHE_URL is set.
DATABASE = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
    }
}


@pytest.fixture(autouse=True)
def _counted_anew():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada():
    return f.UserFactory(username="ada", email="ada@mail.example")


def attempt(
    client: Client, login: str = "ada", password: str = "wrong", ip: str = "192.0.2.1", **more
):
    data = {"login": login, "password": password}
    return client.post(LOGIN, data, REMOTE_ADDR=ip, **more)


def is_locked(response) -> bool:
    return response.status_code == 200 and LOCKED in response.content.decode()


@pytest.mark.parametrize("kind", ["local", "database"])
def test_the_sixth_wrong_password_is_not_even_looked_at(ada, settings, kind):
    if kind == "database":
        settings.CACHES = DATABASE
    for _number in range(5):
        assert not is_locked(attempt(Client()))
    assert is_locked(attempt(Client(), password="secret"))
    # nor by the other name of the account, nor in other letters
    assert is_locked(attempt(Client(), "Ada@mail.example", "secret"))
    cache.clear()


def test_the_lock_of_one_address_passes_and_others_may_still_try(ada):
    for _number in range(9):
        last = attempt(Client())
    assert is_locked(last)
    assert attempt(Client(), password="secret", ip="198.51.100.7").status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert attempt(Client(), password="secret").status_code == 302


def test_a_spoofed_address_does_not_help(ada, settings):
    for number in range(5):
        attempt(Client(), headers={"x-forwarded-for": f"203.0.113.{number}"})
    assert is_locked(attempt(Client(), headers={"x-forwarded-for": "203.0.113.99"}))
    # behind one proxy only what that proxy wrote counts
    cache.clear()
    settings.HELPDESK = {**settings.HELPDESK, "PROXIES": 1}
    for number in range(5):
        attempt(Client(), headers={"x-forwarded-for": f"203.0.113.{number}, 192.0.2.50"})
    assert is_locked(attempt(Client(), headers={"x-forwarded-for": "203.0.113.99, 192.0.2.50"}))
    assert not is_locked(attempt(Client(), headers={"x-forwarded-for": "192.0.2.50, 192.0.2.51"}))


def test_many_addresses_lock_strangers_out_but_not_the_owner_in_a_known_browser(ada):
    own = Client()
    assert attempt(own, password="secret", ip="198.51.100.7").status_code == 302
    own.post("/accounts/logout/")
    for number in range(32):
        last = attempt(Client(), ip=f"203.0.113.{number}")
    assert is_locked(last)
    assert is_locked(attempt(Client(), password="secret", ip="198.51.100.8"))
    assert attempt(own, password="secret", ip="198.51.100.7").status_code == 302


def test_a_known_browser_is_known_for_its_own_account_only(ada):
    other = Client()
    f.UserFactory(username="eve", email="eve@mail.example")
    attempt(other, "eve", "secret", ip="198.51.100.7")
    other.post("/accounts/logout/")
    for number in range(31):
        attempt(Client(), ip=f"203.0.113.{number}")
    assert is_locked(attempt(other, password="secret", ip="198.51.100.7"))
    # and its own attempts have an end
    for _number in range(10):
        attempt(other, "eve", ip="198.51.100.7")
    assert is_locked(attempt(other, "eve", "secret", ip="198.51.100.7"))


def test_own_success_between_does_not_give_more_guesses(ada):
    f.UserFactory(username="eve", email="eve@mail.example")
    for _number in range(5):
        attempt(Client())
        assert attempt(Client(), "eve", "secret").status_code == 302
    assert is_locked(attempt(Client()))


def test_one_address_may_not_try_many_accounts():
    for number in range(20):
        attempt(Client(), f"somebody{number}")
    assert is_locked(attempt(Client(), "somebody-else"))
    assert not is_locked(attempt(Client(), "somebody-else", ip="198.51.100.7"))


def test_the_lock_is_written_down_once_and_without_what_was_typed(ada):
    for _number in range(9):
        attempt(Client())
        attempt(Client(), "my secret password")
    rows = AuditEntry.objects.filter(kind=AuditKind.LOGIN_LOCKED)
    assert {(row.subject_name, row.user_name, row.ip) for row in rows} == {
        ("ada", "", "192.0.2.1"),
        ("", "", "192.0.2.1"),
    }
    assert len(rows) == 2 or {row.data["limit"] for row in rows} == {
        "login_failed_here",
        "login_failed_ip",
    }


def body(response, *names: str) -> str:
    """Return a page without what differs with every request, and without the names that were typed."""
    text = response.content.decode()
    for name in names:
        text = text.replace(name, "NAME")
    return "\n".join(line for line in text.splitlines() if "csrfmiddlewaretoken" not in line)


@pytest.mark.parametrize("times", [1, 7])
@pytest.mark.parametrize("names", [("ada", "bob"), ("ada@mail.example", "bob@mail.example")])
def test_log_in_answers_alike_for_people_who_exist_and_who_do_not(ada, names, times):
    answers = []
    for number, name in enumerate(names):
        for _time in range(times):
            last = attempt(Client(), name, ip=f"192.0.2.{number}")
        answers.append(body(last, name))
    assert answers[0] == answers[1]


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """Count how often a password is hashed: all that takes time at a log-in."""
    done: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counted(self, password, salt):
        done.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)
    return done


@pytest.mark.parametrize("names", [("ada", "bob"), ("ada@mail.example", "bob@mail.example")])
def test_log_in_takes_the_same_work_for_people_who_exist_and_who_do_not(ada, hashed, names):
    work = []
    for name in names:
        hashed.clear()
        attempt(Client(), name)
        work.append(len(hashed))
    assert work[0] == work[1] > 0


GOOD = "violet herring on a bicycle"


def sign_up(address: str, ip: str):
    data = {"email": address, "password1": GOOD, "password2": GOOD}
    return Client().post("/accounts/signup/", data, REMOTE_ADDR=ip, follow=True)


def test_sign_up_answers_alike_with_the_same_work(ada, hashed, mailoutbox):
    answers, work = [], []
    for number, name in enumerate(("ada@mail.example", "bob@mail.example")):
        hashed.clear()
        answers.append(body(sign_up(name, f"192.0.2.{number}"), name))
        work.append(len(hashed))
    assert answers[0] == answers[1]
    assert work == [1, 1]
    assert [mail.to for mail in mailoutbox] == [["ada@mail.example"], ["bob@mail.example"]]


def test_who_signs_up_chooses_no_log_in_name(client):
    assert 'name="username"' not in client.get("/accounts/signup/").content.decode()
    sign_up("dean@mail.example", "192.0.2.1")
    user = type(f.UserFactory.build()).objects.get(email="dean@mail.example")
    assert user.username.startswith("k-")
    assert "dean" not in user.username


def test_password_reset_answers_alike_and_mails_both(ada, mailoutbox):
    answers = []
    for number, name in enumerate(("ada@mail.example", "bob@mail.example")):
        response = Client().post(
            "/accounts/password/reset/",
            {"email": name},
            REMOTE_ADDR=f"192.0.2.{number}",
            follow=True,
        )
        answers.append(body(response, name))
    assert answers[0] == answers[1]
    assert [mail.to for mail in mailoutbox] == [["ada@mail.example"], ["bob@mail.example"]]


def test_who_logs_in_elsewhere_gets_no_password_here(client, ada, mailoutbox):
    ada.set_unusable_password()
    ada.save()
    client.post("/accounts/password/reset/", {"email": ada.email})
    assert "/password/reset/key/" not in mailoutbox[0].body
    assert "nur dort ändern" in mailoutbox[0].body
    client.force_login(ada)
    for path in ("/accounts/password/set/", "/accounts/password/change/"):
        assert 'name="password' not in client.get(path, follow=True).content.decode()
    assert client.post("/accounts/password/set/", {"password1": GOOD}).status_code == 405


def test_too_many_requests_are_told_in_plain_words():
    for _number in range(21):
        last = Client().post("/accounts/signup/", {})
    assert last.status_code == 429
    assert "site-header" in last.content.decode()


def test_production_is_warned_of_a_cache_that_is_not_shared(settings):
    settings.PRODUCTION = True
    assert [one.id for one in checks.check_shared_cache()] == ["portal.W021"]
    settings.CACHES = DATABASE
    assert checks.check_shared_cache() == []


@pytest.fixture
def private(settings):
    settings.HELPDESK = {**settings.HELPDESK, "PAGE_PASSWORDS_PER_IP": 5}
    tree = p.make_site()
    page = p.make_service(tree.services)
    row = PageViewRestriction.objects.create(
        page=page, restriction_type="password", password="secret"
    )
    return page, reverse("wagtailcore_authenticate_with_password", args=[row.pk, page.pk])


def test_guessing_the_password_of_a_page_has_an_end(client, private):
    page, url = private

    def attempt_at(password: str, ip: str = "192.0.2.1") -> int:
        data = {"password": password, "return_url": page.url}
        return client.post(url, data, REMOTE_ADDR=ip).status_code

    # whoever types the right one takes nothing from others behind the same address
    assert [attempt_at("secret") for _time in range(8)] == [302] * 8
    assert [attempt_at("x") for _time in range(5)] == [200] * 5
    assert attempt_at("x") == attempt_at("secret") == 429
    assert attempt_at("secret", ip="192.0.2.2") == 302
    assert client.get(url, REMOTE_ADDR="192.0.2.1").status_code == 200
