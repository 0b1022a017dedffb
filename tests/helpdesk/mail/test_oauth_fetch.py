"""Fetching with a token instead of a password: dovecot asks the provider whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk import oauth, storage
from helpdesk.mail import fetch
from helpdesk.models import InboundMail, MailAccount, OAuthAccess
from tests import factories as f
from tests.helpdesk.mail.transports.mails import mail
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.provider import Provider, openid, tokens

pytestmark = pytest.mark.django_db

BACK = "http://testserver/back/"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid() as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(provider: Provider) -> Iterator[Dovecot]:
    with dovecot(userinfo=provider.userinfo) as running:
        yield running


@pytest.fixture
def server(shared_server: Dovecot) -> Dovecot:
    shared_server.empty()
    return shared_server


def connected(provider: Provider, user: str = "desk") -> OAuthAccess:
    access = provider.access()
    attempt = oauth.start(access, BACK)
    back = parse_qs(urlsplit(provider.sign_in(attempt.url, user)).query)
    assert back["state"] == [attempt.state]
    oauth.finish(access, code=back["code"][0], verifier=attempt.verifier, redirect_uri=BACK)
    access.refresh_from_db()
    return access


def account(uri: str, access: OAuthAccess) -> MailAccount:
    mailbox = Mailbox.objects.create(name="Desk", uri=uri)
    return MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory(), oauth=access)


def expire(access: OAuthAccess) -> None:
    OAuthAccess.objects.filter(pk=access.pk).update(access_expires_at=timezone.now())


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_mail_is_fetched_with_a_token_and_again_with_the_next_one(server, provider, protocol):
    uri = server.imap_uri if protocol == "imap" else server.pop3_uri
    access = connected(provider)
    row = account(uri, access)
    server.deliver(mail(1))
    report = fetch.fetch_mailbox(row.mailbox)
    assert (report.fetched, report.removed, report.error) == (1, 1, "")
    assert server.remaining() == []

    expire(access)
    server.deliver(mail(2))
    report = fetch.fetch_mailbox(row.mailbox)
    assert (report.fetched, report.error) == (1, "")
    before, access = access, OAuthAccess.objects.get()
    assert storage.decrypt(access.access_token) != storage.decrypt(before.access_token)
    assert access.access_expires_at > timezone.now() + timedelta(minutes=30)
    assert InboundMail.objects.count() == 2


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_revoked_access_is_told_on_the_account_and_nothing_is_lost(server, provider, protocol):
    access = connected(provider)
    row = account(server.imap_uri if protocol == "imap" else server.pop3_uri, access)
    server.deliver(mail(1))
    provider.revoke("desk")

    expire(access)
    report = fetch.fetch_mailbox(row.mailbox)
    assert report.error.startswith("127.0.0.1 refused: invalid_grant")
    row.refresh_from_db()
    access.refresh_from_db()
    assert row.last_error == access.last_error == report.error
    assert row.lease_until is None
    assert len(server.remaining()) == 1

    row.oauth = connected(provider)
    row.save()
    assert fetch.fetch_mailbox(row.mailbox).fetched == 1
    row.refresh_from_db()
    assert row.last_error == ""


def test_a_token_of_somebody_else_opens_no_mailbox(server, provider):
    row = account(server.imap_uri, connected(provider, "eve"))
    server.deliver(mail(1))
    assert "refused the login of desk" in fetch.fetch_mailbox(row.mailbox).error
    assert len(server.remaining()) == 1


def test_no_token_stands_in_an_error(server, provider):
    access = connected(provider, "eve")
    token = storage.decrypt(access.access_token)
    row = account(server.imap_uri, access)
    assert token not in fetch.fetch_mailbox(row.mailbox).error


def test_the_application_signs_in_by_itself():
    with tokens() as running, dovecot(userinfo=running.userinfo) as server:
        access = running.access(flow=OAuthAccess.Flow.CLIENT, refresh_token="")
        row = account(server.imap_uri, access)
        server.deliver(mail(1))
        assert fetch.fetch_mailbox(row.mailbox).fetched == 1
        assert [asked["grant_type"] for asked in running.asked] == ["client_credentials"]
        server.deliver(mail(2))
        assert fetch.fetch_mailbox(row.mailbox).fetched == 1
        assert len(running.asked) == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_token_revoked_before_its_time_is_dropped_and_the_next_one_taken(protocol):
    with tokens() as running, dovecot(userinfo=running.userinfo) as server:
        access = running.access()
        row = account(server.imap_uri if protocol == "imap" else server.pop3_uri, access)
        assert fetch.fetch_mailbox(row.mailbox).error == ""
        running.valid.clear()
        server.deliver(mail(1))
        # dovecot calls it a temporary failure that the provider does not know the token
        assert "cannot log anybody in" in fetch.fetch_mailbox(row.mailbox).error
        assert fetch.fetch_mailbox(row.mailbox).fetched == 1


def test_a_provider_that_is_away_stops_this_mailbox_only():
    with tokens() as running:
        access = running.access()
    row = account("imap://desk@127.0.0.1:1/", access)
    with dovecot() as server:
        row.mailbox.uri = server.imap_uri
        row.mailbox.save()
        report = fetch.fetch_mailbox(row.mailbox)
    assert report.error == "The connection to 127.0.0.1 failed."
