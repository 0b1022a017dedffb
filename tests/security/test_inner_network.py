"""OAuth2 addresses: no door to the inner network."""

from __future__ import annotations

import socket

import pytest

from helpdesk import oauth
from helpdesk.oauth import outside, request
from tests.servers.provider import tokens


@pytest.mark.pure
@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", False),
        ("localhost", False),
        ("10.0.0.8", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1%lo", False),
        ("::ffff:10.0.0.1", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("8.8.8.8", True),
        ("idp.inner", True),
    ],
)
def test_which_servers_may_be_asked(settings, host, allowed):
    settings.HELPDESK = {**settings.HELPDESK, "OAUTH_PRIVATE_HOSTS": ["IDP.inner"]}
    assert outside.is_allowed(host) is allowed


@pytest.mark.pure
def test_one_inner_address_of_a_name_is_enough(settings, monkeypatch):
    settings.HELPDESK = {**settings.HELPDESK, "OAUTH_PRIVATE_HOSTS": []}
    found = [(2, 1, 6, "", ("8.8.8.8", 0)), (2, 1, 6, "", ("10.1.2.3", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    assert not outside.is_allowed("twofold.example")


@pytest.mark.django_db
def test_inner_server_is_not_asked_and_redirects_are_not_followed(settings):
    with tokens() as server:
        settings.HELPDESK = {**settings.HELPDESK, "OAUTH_PRIVATE_HOSTS": []}
        access = server.access()
        with pytest.raises(request.AccessRefused, match="inner network"):
            request.ask(access, "grant_type=client_credentials")
        assert server.asked == []


@pytest.mark.django_db
def test_redirect_is_an_answer_that_cannot_be_understood(settings):
    with tokens() as server:
        server.instead = (302, b"")
        with pytest.raises(oauth.OAuthError):
            request.ask(server.access(), "grant_type=client_credentials")
        assert len(server.asked) == 1
