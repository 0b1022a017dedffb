"""Tokens: renewed once and in time, kept encrypted, refusals told apart from absence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from helpdesk import oauth, storage
from helpdesk.errors import InvalidInput
from helpdesk.models import OAuthAccess
from tests.servers.provider import Tokens, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[Tokens]:
    with tokens() as running:
        yield running


def test_the_answer_is_what_xoauth2_wants(server):
    access = server.access()
    mechanism, answer = oauth.authenticator(access, "desk@example.org")()
    [token] = server.valid
    assert mechanism == "XOAUTH2"
    assert answer == f"user=desk@example.org\x01auth=Bearer {token}\x01\x01".encode()


def test_a_token_is_used_until_shortly_before_its_end(server):
    access = server.access()
    first = oauth.token(access.pk)
    assert oauth.token(access.pk) == first
    soon = timezone.now() + timedelta(minutes=1)
    OAuthAccess.objects.filter(pk=access.pk).update(access_expires_at=soon)
    assert oauth.token(access.pk) != first
    assert len(server.asked) == 2


def test_a_replaced_refresh_token_is_stored_and_nothing_lies_open(server):
    access = server.access()
    server.lifetime = 0
    oauth.token(access.pk)
    token = oauth.token(access.pk)
    assert [asked["refresh_token"] for asked in server.asked][0] == "first"
    row = OAuthAccess.objects.get()
    assert storage.decrypt(row.refresh_token) == server.refresh
    for kept in (row.refresh_token, row.access_token, row.client_secret):
        assert kept
        assert token not in kept
        assert server.refresh not in kept


def test_the_secret_goes_in_the_header_every_server_must_know(server):
    oauth.token(server.access().pk)
    [asked] = server.asked
    assert asked["authorization"].startswith("Basic ")
    assert "client_secret" not in asked


def test_a_refusal_is_noted_and_the_next_success_clears_it(server):
    access = server.access()
    server.instead = (400, b'{"error": "invalid_client", "error_description": "AADSTS7000222"}')
    with pytest.raises(oauth.AccessRefused, match=r"refused: invalid_client: AADSTS7000222"):
        oauth.token(access.pk)
    access.refresh_from_db()
    assert access.last_error == "127.0.0.1 refused: invalid_client: AADSTS7000222"
    server.instead = None
    oauth.token(access.pk)
    access.refresh_from_db()
    assert access.last_error == ""


@pytest.mark.parametrize(
    "answer",
    [
        (503, b"<html>down</html>"),
        (500, b'{"error": "server_error"}'),
        (429, b'{"error": "slow_down"}'),
        (400, b'{"error": "temporarily_unavailable"}'),
        (404, b"not found"),
        (200, b"[]"),
        (200, b"\xff\xfe"),
        (200, b'{"access_token": 5}'),
        (200, b'{"access_token": "a\\r\\nb"}'),
        (200, b'{"access_token": "a", "token_type": "mac"}'),
        (200, b'{"access_token": "a", "expires_in": "soon"}'),
        (200, b'{"access_token": "' + b"a" * 300_000 + b'"}'),
        (302, b'{"access_token": "a", "token_type": "Bearer"}'),
    ],
)
def test_an_answer_that_makes_no_sense_is_worth_another_try(server, answer):
    access = server.access()
    server.instead = answer
    with pytest.raises(oauth.Unreachable):
        oauth.token(access.pk)
    access.refresh_from_db()
    assert access.last_error
    assert storage.decrypt(access.refresh_token) == "first"


def test_a_token_that_is_still_good_outlives_a_provider_that_is_away(server):
    access = server.access()
    first = oauth.token(access.pk)
    soon = timezone.now() + timedelta(minutes=1)
    OAuthAccess.objects.filter(pk=access.pk).update(access_expires_at=soon)
    server.instead = (503, b"")
    assert oauth.token(access.pk) == first


def test_a_provider_that_says_nothing_costs_seconds_only(server, monkeypatch):
    monkeypatch.setattr("helpdesk.oauth.request.TIMEOUT", (0.2, 0.2))
    released = threading.Event()
    server.meanwhile = lambda: released.wait(5)
    with pytest.raises(oauth.Unreachable, match=r"127\.0\.0\.1 did not answer in time"):
        oauth.token(server.access().pk)
    released.set()


def test_an_access_nobody_has_connected_says_so(server):
    with pytest.raises(oauth.AccessRefused, match="Nobody is signed in"):
        oauth.token(server.access(refresh_token="").pk)
    assert server.asked == []


def test_secrets_of_a_lost_key_are_asked_for_again(server, settings):
    access = server.access()
    settings.SECRET_KEY = "another"
    with pytest.raises(oauth.AccessRefused, match="enter it again"):
        oauth.token(access.pk)


def test_a_provider_without_refresh_token_is_not_connected(server):
    access = server.access(refresh_token="")
    server.instead = (200, b'{"access_token": "a", "token_type": "Bearer", "expires_in": 9}')
    with pytest.raises(oauth.AccessRefused, match="no refresh token"):
        oauth.finish(access, code="c", verifier="v" * 43, redirect_uri="http://testserver/")
    access.refresh_from_db()
    assert access.connected_at is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://mail.example/token",
        "ftp://mail.example/token",
        "https:///token",
        "https://user@mail.example/token",
        "https://mail.example:port/token",
        "http://127.0.0.1.example/token",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "//mail.example/token",
    ],
)
def test_only_https_is_asked(url):
    with pytest.raises(InvalidInput):
        oauth.check_address(url, field="token_url")


@pytest.mark.parametrize(
    "url", ["https://mail.example/token", "http://localhost:80/t", "http://[::1]:9/t"]
)
def test_https_and_this_machine_are_asked(url):
    oauth.check_address(url, field="token_url")


@pytest.mark.parametrize("provider", ["microsoft", "google"])
@pytest.mark.parametrize("flow", ["code", "client"])
def test_the_presets_are_https_and_ask_for_mail(provider, flow):
    access = OAuthAccess(provider=provider, flow=flow, tenant="a/../b", client_id="x")
    found = oauth.endpoints(access)
    for url in (found.authorize, found.token):
        oauth.check_address(url, field="x")
        assert "/../" not in url
    assert "mail.google.com" in found.scope or "outlook.office" in found.scope


def test_the_address_of_the_sign_in_holds_state_and_challenge_but_no_secret(server):
    attempt = oauth.start(server.access(), "http://testserver/back/")
    assert f"state={attempt.state}" in attempt.url
    assert "code_challenge_method=S256" in attempt.url
    assert attempt.verifier not in attempt.url
    assert "cl1ent" not in attempt.url


@pytest.mark.skipif(connection.vendor == "sqlite", reason="row locks are tried on PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_several_workers_renew_once(server):
    access = server.access()
    waiting = threading.Barrier(4)
    found: list[str] = []

    def work() -> None:
        waiting.wait(10)
        try:
            found.append(oauth.token(access.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(server.asked) == 1
    assert found == [*server.valid] * 4
