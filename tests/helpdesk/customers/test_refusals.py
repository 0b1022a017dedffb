"""Every address of somebody else's request, asked by everybody who has no part in it: like one that is not there.

The list is taken from the addresses themselves: whoever adds one whose parts are not known here is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk import urls as front
from helpdesk.customers import access, codes
from helpdesk.customers import urls as customers_urls
from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Customer,
    DataExport,
    Organisation,
    Participant,
    Ticket,
)
from tests import factories as f
from tests.helpdesk.agents.conftest import Team, make_team, upload, write_note
from tests.helpdesk.agents.test_refusals import ABSENT, asked, told

pytestmark = pytest.mark.django_db

NO_NUMBER = "2001010110000019"
#: What is posted: all that any of the forms asks for.
POSTED = {"body": "x", "email": "x@mail.example", "name": "x", "share": "on", "objects": "on"}
WATCHED = (Ticket, Participant, Article, DataExport)


def named(patterns: Any, kinds: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of every address that has parts, with the names of these."""
    for one in patterns:
        found = (*kinds, *one.pattern.converters)
        if isinstance(one, URLResolver):
            yield from named(one.url_patterns, found)
        elif isinstance(one, URLPattern) and found:
            yield one.name, found


#: All addresses of a request, a file or an export by name.
PAGES = dict(named(customers_urls.urlpatterns))
#: Those that have other tests: what confirms an address is a secret of its own (`test_addresses`).
APART = {"address_confirm"}


def test_every_address_with_parts_is_known_here():
    """A new address is asked below if its parts are these; with others it has to be thought of first."""
    kinds = {"number", "token", "number pk", "token pk"}
    unknown = {name for name, parts in PAGES.items() if " ".join(parts) not in kinds}
    assert unknown == {"data_fetch"}  # of an export: asked in a test of its own
    with_rows = {name for name, parts in PAGES.items() if "pk" in parts}
    assert with_rows == {"data_fetch", "file", "status_file"}
    assert set(PAGES) > APART
    for name in ("invite", "uninvite", "share", "links", "withdraw", "download", "reply", "close"):
        assert {name, f"status_{name}"} <= set(PAGES)


def test_no_other_front_of_the_extension_shows_requests():
    parts = [str(one.pattern) for one in front.urlpatterns]
    # the feed is of absences and has its own secret; the mail room is there in development only
    assert set(parts) <= {"requests/", "absences/", "mailroom/"}


def snapshot() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in WATCHED]


def addresses(by: dict[str, str], none: dict[str, str], file: int) -> list[tuple[str, str]]:
    """Return every address of a request by number or by token, with that of one that is not there."""
    found = []
    for name, parts in PAGES.items():
        if name in APART or not set(by) <= set(parts):
            continue
        rows = ({"pk": file}, {"pk": ABSENT}) if "pk" in parts else ({}, {})
        found.append(
            (
                reverse(f"helpdesk_customers:{name}", kwargs={**by, **rows[0]}),
                reverse(f"helpdesk_customers:{name}", kwargs={**none, **rows[1]}),
            )
        )
    return found


def test_the_list_has_all_addresses(red):
    by_number = addresses({"number": "1"}, {"number": "2"}, 1)
    by_token = addresses({"token": "1"}, {"token": "2"}, 1)
    assert len(by_number) == len(by_token)
    # all but the confirmation of an address, and the fetching of an export
    assert len(by_number) + len(by_token) == len(PAGES) - len(APART) - 1


@pytest.fixture
def red(db) -> Team:
    team = make_team("Red")
    firm = Organisation.objects.create(name="Firm")
    owner = f.UserFactory(email="owner@mail.example")
    person = actions.customer_for_user(owner)
    person.organisation = firm
    person.save()
    team.ticket = f.make_ticket(team.queue, customer=person, contact="owner@mail.example")
    return team


def visible_file(team: Team) -> int:
    article = team.ticket.articles.get()
    row = Attachment.objects.create(
        article=article, blob=Blob.keep(b"seen"), name="f", content_type="text/plain"
    )
    return row.pk


def log_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    assert client.get(reverse("helpdesk_customers:list")).status_code == 200
    return client


def someone(**facts: Any) -> tuple[Any, Customer]:
    user = f.UserFactory()
    person = actions.customer_for_user(user)
    f.CustomerAddressFactory(
        customer=person, address="someone@mail.example", verified_at=timezone.now()
    )
    for name, value in facts.items():
        setattr(person, name, value)
    person.save()
    return user, person


def copied_in(team: Team, address: str = "someone@mail.example") -> Participant:
    return Participant.objects.create(
        ticket=team.ticket, address=address, normalised=address, may_read=False
    )


def other(team: Team) -> Client:
    return log_in(someone()[0])


def of_the_same_organisation(team: Team) -> Client:
    assert team.ticket.customer is not None
    return log_in(someone(organisation=team.ticket.customer.organisation)[0])


def participant_who_may_not_read(team: Team) -> Client:
    copied_in(team)
    return log_in(someone()[0])


def guest_who_may_not_read(team: Team) -> Client:
    copied_in(team, "guest@mail.example")
    return guest("guest@mail.example")


def guest_of_another_address(team: Team) -> Client:
    return guest("guest@mail.example")


def blocked(team: Team) -> Client:
    return log_in(someone(is_blocked=True)[0])


def agent_of_another_queue(team: Team) -> Client:
    return log_in(f.make_agent(f.QueueFactory()))


def agent_of_the_queue(team: Team) -> Client:
    """Who reads it in the admin has no part in it here: on the site everybody has only their own requests."""
    return log_in(team.agent)


def superuser(team: Team) -> Client:
    return log_in(f.UserFactory(is_superuser=True))


def guest(address: str) -> Client:
    """A browser in which a code sent to an address was entered."""
    client, now = Client(), time.time()
    session = client.session
    session[codes.GUEST] = {"address": address, "since": now, "seen": now}
    session.save()
    assert client.get(reverse("helpdesk_customers:list")).status_code == 200
    return client


ROLES: tuple[Callable[[Team], Client], ...] = (
    other,
    of_the_same_organisation,
    participant_who_may_not_read,
    guest_who_may_not_read,
    guest_of_another_address,
    blocked,
    agent_of_another_queue,
    agent_of_the_queue,
    superuser,
)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.__name__)
def test_somebody_else_s_request_is_not_there(red, role):
    file = visible_file(red)
    client = role(red)
    before, different = snapshot(), []
    pairs = addresses({"number": red.ticket.number}, {"number": NO_NUMBER}, file)
    assert len(pairs) > 10
    for theirs, absent in pairs:
        for method in ("get", "post"):
            cache.clear()
            one, none = (asked(client, method, url, POSTED) for url in (theirs, absent))
            assert one[0] in (404, 405), theirs
            if one != none:
                different.append(told(method, theirs, one, none))
    assert not different, "\n".join(different)
    assert snapshot() == before


def test_nobody_at_all_is_asked_to_log_in(red):
    before = snapshot()
    pairs = addresses({"number": red.ticket.number}, {"number": NO_NUMBER}, visible_file(red))
    for theirs, absent in pairs:
        for method in ("get", "post"):
            one, none = (
                getattr(Client(), method)(url, POSTED, follow=False) for url in (theirs, absent)
            )
            assert one.status_code == none.status_code == 302
            assert (
                one["Location"].replace(red.ticket.number, NO_NUMBER).split("/files/")[0]
                == (none["Location"].split("/files/")[0])
            )
            assert one.content == none.content == b""
    assert snapshot() == before


def withdrawn_link(team: Team) -> str:
    token = access.status_token(team.ticket)
    team.ticket.renew_link()
    team.ticket.save()
    return token


def ended_invitation(team: Team) -> str:
    row = copied_in(team)
    row.may_read = True
    row.save()
    token = access.participant_token(row)
    row.may_read = False
    row.save()
    return token


def removed_participant(team: Team) -> str:
    row = copied_in(team)
    token = access.participant_token(row)
    row.delete()
    return token


def expired_link(team: Team) -> str:
    long_ago = timezone.now() - timedelta(days=4000)
    Ticket.objects.filter(pk=team.ticket.pk).update(changed_at=long_ago)
    return access.status_token(team.ticket)


LINKS = (withdrawn_link, ended_invitation, removed_participant, expired_link)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_a_link_that_holds_no_more_leads_nowhere(red, link):
    file, token = visible_file(red), link(red)
    forged = token[:-1] + ("a" if token[-1] != "a" else "b")
    before, different = snapshot(), []
    pairs = addresses({"token": token}, {"token": forged}, file)
    for client in (Client(), other(red)):
        for theirs, absent in pairs:
            for method in ("get", "post"):
                cache.clear()  # who tries many is made to wait
                one, none = (asked(client, method, url, POSTED) for url in (theirs, absent))
                assert one[0] in (404, 405), theirs
                # one that held once has to be looked up; a forged one is none at sight
                if one[:3] != none[:3]:
                    different.append(told(method, theirs, one, none))
    assert not different, "\n".join(different)
    assert snapshot() == before


def invited(team: Team) -> tuple[Client, dict[str, str]]:
    row = copied_in(team)
    Participant.objects.filter(pk=row.pk).update(may_read=True)
    return log_in(someone()[0]), {"number": team.ticket.number}


def invited_by_link(team: Team) -> tuple[Client, dict[str, str]]:
    row = copied_in(team)
    row.may_read = True
    row.save()
    return Client(), {"token": access.participant_token(row)}


def of_the_organisation(team: Team) -> tuple[Client, dict[str, str]]:
    assert team.ticket.customer is not None
    firm = team.ticket.customer.organisation
    Ticket.objects.filter(pk=team.ticket.pk).update(organisation=firm)
    return log_in(someone(organisation=firm)[0]), {"number": team.ticket.number}


READERS = (invited, invited_by_link, of_the_organisation)
#: What only the customer decides.
DECISIONS = ("close", "objection", "withdraw", "invite", "uninvite", "share", "links")


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.__name__)
def test_who_may_read_decides_nothing(red, role):
    client, by = role(red)
    prefix = "status_" if "token" in by else ""
    page = client.get(reverse(f"helpdesk_customers:{prefix}detail", kwargs=by))
    assert page.status_code == 200
    row = Participant.objects.create(ticket=red.ticket, address="z@x.example", normalised="z")
    before = snapshot()
    for name in DECISIONS:
        url = reverse(f"helpdesk_customers:{prefix}{name}", kwargs=by)
        answer = client.post(url, {**POSTED, "participant": row.pk})
        assert answer.status_code == 404, name
    assert snapshot() == before


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.__name__)
def test_internal_files_are_nobody_s(red, role):
    article = write_note(red, files=(upload("x.txt", b"x", "text/plain"),))
    client, by = role(red)
    prefix = "status_" if "token" in by else ""
    for pk in (Attachment.objects.get(article=article).pk, ABSENT):
        url = reverse(f"helpdesk_customers:{prefix}file", kwargs={**by, "pk": pk})
        assert client.get(url).status_code == 404


def exported(customer: Customer | None, *, is_complete: bool = False, **facts: Any) -> int:
    row = DataExport.objects.create(
        customer=customer,
        is_complete=is_complete,
        state=DataExport.State.READY,
        blob=Blob.keep(b"everything"),
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
        **facts,
    )
    return row.pk


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.__name__)
def test_somebody_else_s_export_is_not_there(red, role):
    client = role(red)
    rows = [
        exported(red.ticket.customer),
        exported(red.ticket.customer, is_complete=True),
        exported(None, addresses=["owner@mail.example"]),
        # that of a person who may fetch their own, but made for whoever answers a request for access
        *(exported(one, is_complete=True) for one in Customer.objects.all()),
    ]
    absent = asked(client, "get", reverse("helpdesk_customers:data_fetch", args=[ABSENT]))
    assert absent[0] == 404
    for pk in rows:
        url = reverse("helpdesk_customers:data_fetch", args=[pk])
        cache.clear()
        assert asked(client, "get", url) == absent
    assert Client().get(url).status_code == 302


def test_a_blocked_customer_changes_nothing_of_their_own(red):
    """They still read what they asked; nothing that they send arrives."""
    person = red.ticket.customer
    Customer.objects.filter(pk=person.pk).update(is_blocked=True)
    client = log_in(person.user)
    number = {"number": red.ticket.number}
    assert client.get(reverse("helpdesk_customers:detail", kwargs=number)).status_code == 200
    articles = Article.objects.count()
    client.post(reverse("helpdesk_customers:reply", kwargs=number), POSTED)
    client.post(reverse("helpdesk_customers:invite", kwargs=number), POSTED)
    assert Article.objects.count() == articles
    assert not Participant.objects.exists()


def test_the_roles_are_what_they_are_called(red):
    """So that none of them is refused only because it is nobody at all."""
    assert permissions.can(red.actor, "read", red.ticket)
    owner = log_in(red.ticket.customer.user)
    number = {"number": red.ticket.number}
    assert owner.get(reverse("helpdesk_customers:detail", kwargs=number)).status_code == 200
