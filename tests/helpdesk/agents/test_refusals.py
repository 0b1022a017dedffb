"""What must not be seen answers byte for byte like what is not there, with as many questions to the database."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.models import Attachment
from tests import factories as f

from .conftest import browser, upload, write_note
from .test_walls import ROWS, fill, routes

pytestmark = pytest.mark.django_db

#: Rows that are nowhere; as many digits as a true one may have makes no difference.
ABSENT = 8_000_000
#: What differs from one answer to the next by chance: tokens against forgery, nonces.
_CHANCE = re.compile(r'\b[A-Za-z0-9]{64}\b|(?<=nonce=")[^"]+')


def pairs(parts: dict[str, str]) -> list[tuple[str, str]]:
    """Return every address of a row, for a team's rows and for rows that do not exist."""
    absent = {
        name: str(ABSENT + number) if value.isdecimal() else value
        for number, (name, value) in enumerate(sorted(parts.items()))
    }
    absent["task"] = "00000000-0000-0000-0000-000000000000"
    found = []
    for path, _route in routes():
        both = []
        for ids in (parts, absent):
            url = path
            pk = next((ids.get(row, "") for start, row in ROWS if start in path), "")
            for name, value in {**ids, "pk": pk}.items():
                for kind in ("int:", "slug:", "str:", "uuid:", ""):
                    url = url.replace(f"<{kind}{name}>", value)
            both.append("/" + url.replace(r"(?P<instance_pk>[-\w]+)", pk).replace("$", ""))
        if both[0] != both[1] and "//" not in both[0] and "<" not in both[0]:
            found.append((both[0], both[1]))
    return sorted(set(found))


def plain(text: str, url: str) -> str:
    """Return an answer without what is different by chance, and without the address that was asked for."""
    other_language = url.removeprefix("/en")
    return _CHANCE.sub("{chance}", text).replace(url, "{url}").replace(other_language, "{url}")


def asked(client: Client, method: str, url: str, data: Any = None) -> tuple[int, dict, str, int]:
    """Return status, headers, body and the number of queries of an answer."""
    client.cookies.pop("messages", None)  # what the answer before left to be told
    with CaptureQueriesContext(connection) as caught:
        answer = getattr(client, method)(url, data or {})
    headers = {
        name: value.replace(url, "{url}")
        for name, value in answer.headers.items()
        # the clock goes on, and nonces are new each time
        if name not in ("Content-Length", "Content-Security-Policy", "Expires", "Last-Modified")
    }
    body = b"".join(answer) if answer.streaming else answer.content
    return answer.status_code, headers, plain(body.decode(errors="replace"), url), len(caught)


def told(method: str, url: str, one: tuple, other: tuple) -> str:
    """Say in which parts two answers differ."""
    names = ("status", "headers", "body", "queries")
    parts = [name for name, a, b in zip(names, one, other, strict=True) if a != b]
    at = next((n for n, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), 0)
    near = (
        f"{one[2][at - 30 : at + 40]!r} / {other[2][at - 30 : at + 40]!r}"
        if "body" in parts
        else ""
    )
    numbers = f"({one[0]}/{other[0]}, {one[3]}/{other[3]})"
    return f"{method} {url}: {', '.join(parts)} {numbers} {near}"


@pytest.mark.parametrize("rights", [[], ["read"], None])
def test_every_address_of_another_team_s_rows(red, blue, rights):
    client = red.client if rights is None else browser(f.make_agent(red.queue, rights=rights))
    found = pairs(fill(blue))
    assert len(found) > 40
    data = {"body": "x", "idempotency_key": "k", "last_article": "1", "address": "x@mail.example"}
    client.get("/admin/")  # what is asked once in a session is asked
    different = []
    for theirs, absent in found:
        for method in ("get", "post"):
            one, other = asked(client, method, theirs, data), asked(client, method, absent, data)
            if one != other:
                different.append(told(method, theirs, one, other))
    assert not different, "\n".join(different)


def test_the_comparison_sees_a_difference(red, blue):
    theirs = f"/admin/helpdesk/tickets/{red.ticket.pk}/"
    assert asked(red.client, "get", theirs) != asked(
        red.client, "get", theirs.replace("/tickets/", "/tickets/9")
    )


def test_an_internal_file_of_an_own_request_is_not_there(red):
    login = f.UserFactory()
    ticket = f.make_ticket(red.queue, customer=actions.customer_for_user(login), contact="")
    red.ticket = ticket
    article = write_note(red, files=(upload("x.txt", b"x", "text/plain"),))
    client = Client()
    client.force_login(login)
    client.get(reverse("helpdesk_customers:list"))
    urls = [
        reverse("helpdesk_customers:file", kwargs={"number": ticket.number, "pk": pk})
        for pk in (Attachment.objects.get(article=article).pk, ABSENT)
    ]
    assert asked(client, "get", urls[0]) == asked(client, "get", urls[1])


def test_a_removed_ticket_is_not_there(red):
    from helpdesk.states import StateType

    url = f"/admin/helpdesk/tickets/{red.ticket.pk}/"
    red.client.get(url)
    actions.change_state(
        actor=permissions.SYSTEM, ticket=red.ticket, state=f.state(StateType.REMOVED)
    )
    assert timezone.now()
    absent = url.replace(str(red.ticket.pk), str(ABSENT))
    assert asked(red.client, "get", url) == asked(red.client, "get", absent)
