"""Forged requests, open redirects, headers, error pages: over all addresses there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from helpdesk.customers import access
from helpdesk.models import Attachment, Ticket
from tests import factories as f
from tests import page_factories as pages

pytestmark = pytest.mark.django_db

EVIL = ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)")
#: What a part of an address is filled with.
SAMPLES = {"int": "1", "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12}


def addresses(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Give every address of the site, as a path that leads there (as far as that can be made), and its pattern."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, path)
        else:
            yield path, one


def filled(path: str) -> str:
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "", "x"), path)
    path = re.sub(r"\(\?P<\w+>[^()]*(?:\([^()]*\))?[^()]*\)|\(\[?[^()]*\)|\\d\+", "1", path)
    return re.sub(r"[\^$?\\]", "", path)


@pytest.fixture
def root(db) -> Any:
    return f.UserFactory(username="root", is_superuser=True, is_staff=True)


def exempt() -> set[str]:
    """Return the views that do without the protection against forged requests."""
    found = set()
    for _path, pattern in addresses():
        view = pattern.callback
        if getattr(view, "csrf_exempt", False):
            found.add(f"{view.__module__}.{getattr(view, '__qualname__', view)}")
    return found


def test_no_view_of_ours_goes_without_the_protection_against_forged_requests():
    # Wagtail's API of the explorer only reads; what an identity provider posts is signed, and asked for by us
    signed = ["portal.doors.views.saml_acs"]
    assert [one for one in exempt() if one.startswith(("helpdesk", "portal"))] == signed
    others = {one.split(".")[0] for one in exempt() if one not in signed}
    assert others <= {"wagtail", "allauth", "rest_framework"}


def test_every_address_refuses_a_form_without_the_token(root, monkeypatch):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    tried, open_ = 0, []
    for path, pattern in addresses():
        if getattr(pattern.callback, "csrf_exempt", False):
            continue
        answer = client.post(filled(path), {"x": "y"})
        if answer.status_code == 404 and answer.resolver_match is None:
            continue  # not an address that could be made up here
        tried += 1
        if answer.status_code not in (403, 404, 405):
            open_.append(f"{filled(path)}: {answer.status_code}")
    assert open_ == []
    assert tried > 150


def test_refusal_is_said_in_plain_words():
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("account_login"), {"login": "SECRET-WORD", "password": "x"})
    assert answer.status_code == 403
    assert "send the form once more" in answer.text
    assert "SECRET-WORD" not in answer.text
    assert "CSRF" not in answer.text


@pytest.mark.parametrize("target", EVIL)
def test_no_next_leads_to_another_site(client, target):
    pages.make_site()
    user = f.UserFactory(username="eva")
    user.set_password("secret")
    user.save()
    moves = [
        client.get("/admin/login/", {"next": target}),
        client.post("/i18n/setlang/", {"language": "de", "next": target}),
        client.post(
            reverse("account_login"), {"login": "eva", "password": "secret", "next": target}
        ),
        client.post(reverse("account_logout"), {"next": target}),
    ]
    for answer in moves:
        place = answer.get("Location", "")
        assert answer.status_code == 302
        assert not place.startswith(("//", "/\\", "javascript:"))
        assert not re.match(r"https?://(?!testserver)", place)


def test_what_every_answer_says_to_the_browser(client, root):
    tree = pages.make_site()
    client.force_login(root)
    for path in (
        tree.home.url,
        "/accounts/login/",
        "/nothing/",
        "/admin/",
        "/admin/helpdesk/tickets/",
    ):
        answer = client.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in answer["Permissions-Policy"]
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "base-uri 'none'" in policy
        script = next(one for one in policy.split("; ") if one.startswith("script-src"))
        assert "unsafe" not in script
        if not path.startswith("/admin/"):
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy


def test_log_in_servers_may_be_led_to_by_setting(client, settings):
    settings.CSP_FORM_ACTION = ["https://idp.example.org"]
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "form-action 'self' https://idp.example.org" in policy


def test_nonce_belongs_to_a_session_and_tells_nothing_of_it(root):
    first, second = Client(), Client()
    nonces = []
    for client in (first, second, first):
        if "sessionid" not in client.cookies:
            client.force_login(root)
        policy = client.get("/admin/")["Content-Security-Policy"]
        nonces.append(re.search(r"'nonce-([^']+)'", policy)[1])
    assert nonces[0] == nonces[2]
    assert nonces[0] != nonces[1]
    assert first.cookies["sessionid"].value not in nonces


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client):
    user = f.UserFactory(username="eva")
    user.set_password("secret")
    user.save()
    client.get(reverse("account_login"))
    client.post(reverse("account_login"), {"login": "eva", "password": "secret"})
    client.post("/i18n/setlang/", {"language": "de"})
    assert {"sessionid", "csrftoken", "django_language"} <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert cookie["httponly"] or name == "messages", name
        assert cookie["samesite"] == "Lax", name


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/accounts/login/", {"login": "x" * 3_000_000}, 413),
        ("/nothing/SECRET-WORD/", None, 404),
    ],
)
def test_error_pages_repeat_nothing(client, path, data, status):
    pages.make_site()
    answer = client.post(path, data) if data else client.get(path)
    assert answer.status_code == status
    # the way to the same address in the other language
    text = answer.text.replace('href="/en/nothing/SECRET-WORD/"', "")
    assert "SECRET-WORD" not in text
    assert "xxxx" not in answer.text


def test_wrong_host_gets_a_plain_page(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_a_fault_of_ours_shows_nothing_of_it(client, monkeypatch):
    from portal import views

    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("SECRET-WORD")

    monkeypatch.setattr(views, "search_pages", fail)
    client.raise_request_exception = False
    answer = client.get("/search/?q=OTHER-WORD")
    assert answer.status_code == 500
    assert "SECRET-WORD" not in answer.text
    assert "OTHER-WORD" not in answer.text


def test_reply_sets_nothing_but_its_words(client):
    ticket = f.make_ticket()
    before = Ticket.objects.values().get(pk=ticket.pk)
    door = access.by_link(access.status_token(ticket))
    data = {
        "body": "hello",
        "key": "0" * 32,
        "queue": "1",
        "owner": "1",
        "state": "1",
        "sender": "agent",
    }
    data |= {
        "visible": "",
        "priority": "1",
        "customer": "1",
        "ticket": "1",
        "from_address": "x@evil.example",
    }
    assert client.post(door.url("reply"), data).status_code == 302
    after = Ticket.objects.values().get(pk=ticket.pk)
    changed = {name for name, value in after.items() if value != before[name]}
    assert not changed & {
        "queue_id",
        "owner_id",
        "priority_id",
        "customer_id",
        "contact",
        "subject",
    }
    article = ticket.articles.last()
    assert (article.sender, article.from_address, article.visible) == (
        "customer",
        ticket.contact,
        True,
    )


def test_form_sets_nothing_but_its_fields(client):
    tree = pages.make_site()
    form = pages.make_form(pages.make_service(tree.services))
    pages.sent(
        client, form, queue="99", owner="1", priority="9", state="5", customer="1", number="1"
    )
    ticket = Ticket.objects.get()
    assert (ticket.queue_id, ticket.owner_id) == (form.queue_id, None)
    assert ticket.number != "1"
    assert not Attachment.objects.exists()
