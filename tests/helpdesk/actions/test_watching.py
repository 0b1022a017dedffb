"""Watching, mentioning and reading: who may, and what it leaves."""

from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import NotPermitted
from helpdesk.models import Channel, EventKind, InformedQueue, Notice, Right
from helpdesk.rules import mentions
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return f.make_ticket(contact="")


@pytest.fixture
def reader(ticket):
    return permissions.agent(f.make_agent(ticket.queue, rights=[Right.READ], username="reader"))


def test_watching_needs_read_and_changes_nothing_of_the_ticket(ticket, reader):
    version = ticket.version
    actions.watch(actor=reader, ticket=ticket)
    actions.unwatch(actor=reader, ticket=ticket)
    actions.unwatch(actor=reader, ticket=ticket)
    ticket.refresh_from_db()
    assert ticket.version == version


@pytest.mark.parametrize("verb", [actions.watch, actions.unwatch])
def test_customers_the_machine_and_other_teams_cannot_watch(ticket, verb):
    stranger = permissions.agent(f.make_agent(f.QueueFactory()))
    for actor in (stranger, permissions.SYSTEM, permissions.customer(ticket.customer)):
        with pytest.raises(NotPermitted):
            verb(actor=actor, ticket=ticket)
    assert not ticket.watchers.exists()


def test_only_agents_read_notices_and_only_their_own(ticket, reader):
    other = f.make_agent(ticket.queue)
    for user in (reader.user, other):
        Notice.objects.create(user=user, ticket=ticket, kind="reply", at=timezone.now())
    with pytest.raises(NotPermitted):
        actions.mark_read(actor=permissions.customer(ticket.customer))
    assert actions.mark_read(actor=reader) == 1
    assert Notice.objects.filter(read_at=None).get().user == other


def test_a_mention_is_in_the_history_by_id_and_once_for_each_note(ticket, reader):
    writer = permissions.agent(f.make_agent(ticket.queue))
    for _number in range(2):
        actions.add_note(
            actor=writer,
            ticket=ticket,
            draft=Draft(body="@reader @reader", channel=Channel.NOTE),
        )
    rows = ticket.events.filter(kind=EventKind.MENTIONED)
    assert [row.data for row in rows] == [{"users": [reader.user.pk]}] * 2
    assert [row.content for row in rows] == [None, None]
    assert ticket.mentions.count() == 2


def test_who_reads_along_cannot_be_named_for_the_note_is_internal(ticket):
    other = f.QueueFactory()
    f.make_agent(other, username="along")
    InformedQueue.objects.create(ticket=ticket, queue=other, at=timezone.now())
    assert actions.named(permissions.SYSTEM, ticket, "@along") == ([], ["along"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@uta", [("uta",)]),
        ("Hello @Uta.Berg, and (@kai)!", [("uta.berg",), ("kai",)]),
        ("See @uta.", [("uta.", "uta")]),
        ("@uta@staff.example now", [("uta@staff.example",)]),
        ("mail uta@staff.example, 5 @ 3 Euro, @@x", []),
        ("> @uta\n @kai", [("kai",)]),
        ("@uta @UTA", [("uta",)]),
        ("@jörg", [("jörg",)]),
    ],
)
def test_which_names_a_text_mentions(text, names):
    assert mentions.spellings(text) == names


def test_the_longest_spelling_that_is_known_is_meant():
    ways = mentions.spellings("@uta.. and @nobody.")
    assert mentions.chosen(ways, ["uta", "uta."]) == (["uta."], ["nobody"])


def test_a_text_full_of_names_is_not_read_to_the_end():
    assert len(mentions.spellings(" ".join(f"@n{n}" for n in range(100)))) == mentions.MOST
