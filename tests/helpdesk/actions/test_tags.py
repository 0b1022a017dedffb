from __future__ import annotations

import pytest

from helpdesk import actions, permissions, search
from helpdesk.errors import InvalidInput
from helpdesk.models import Event, EventKind, SearchEntry, TaggedTicket, TicketTag
from helpdesk.permissions import SYSTEM
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return f.make_ticket()


def names(ticket) -> list[str]:
    return list(ticket.tags.order_by("name").values_list("name", flat=True))


def put(ticket, *tags: str):
    return actions.set_tags(actor=SYSTEM, ticket=ticket, tags=tags)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["  big   printer "], ["big printer"]),
        (["a, b,,c ,"], ["a", "b", "c"]),
        (["WLAN", "wlan", "Wlan"], ["WLAN"]),
        (["Übung", "übung", "U\u0308bung"], ["Übung"]),
        (["Straße", "STRASSE"], ["Straße"]),
        (["C++", "C"], ["C", "C++"]),
        (["a\x00b\nc"], ["a b c"]),
        (["", " , "], []),
        (["x" * 50], ["x" * 50]),
    ],
)
def test_tags_are_normalised(ticket, typed, kept):
    put(ticket, *typed)
    assert names(ticket) == kept


def test_a_tag_that_exists_keeps_its_spelling(ticket):
    put(f.make_ticket(), "WLAN")
    put(ticket, "wlan", "new")
    assert names(ticket) == ["WLAN", "new"]
    assert TicketTag.objects.count() == 2


def test_tags_are_replaced_and_the_history_names_them_by_id(ticket):
    put(ticket, "a", "b")
    put(ticket, "B", "c")
    ids = dict(TicketTag.objects.values_list("name", "pk"))
    last = ticket.events.filter(kind=EventKind.TAGS_CHANGED).last()
    assert last.data == {"added": [ids["c"]], "removed": [ids["a"]]}
    assert last.content is None
    assert names(ticket) == ["b", "c"]


def test_the_same_tags_again_change_nothing(ticket):
    put(ticket, "a", "b")
    ticket.refresh_from_db()
    version, events = ticket.version, Event.objects.count()
    put(ticket, "B", "a")
    ticket.refresh_from_db()
    assert (ticket.version, Event.objects.count()) == (version, events)


@pytest.mark.parametrize("tags", [["x" * 51], [str(number) for number in range(21)]])
def test_too_long_and_too_many_are_refused_whole(ticket, tags):
    put(ticket, "kept")
    with pytest.raises(InvalidInput) as refused:
        put(ticket, *tags)
    assert refused.value.field == "tags"
    assert names(ticket) == ["kept"]


def test_a_ticket_is_born_with_tags_cut_to_what_it_can_have():
    tags = ["x" * 60, *(str(number) for number in range(30))]
    ticket = f.make_ticket(tags=tags)
    assert TaggedTicket.objects.filter(content_object=ticket).count() == 20
    assert "x" * 50 in names(ticket)
    assert ticket.version == 1
    assert ticket.events.filter(kind=EventKind.TAGS_CHANGED).count() == 1
    assert not f.make_ticket().events.filter(kind=EventKind.TAGS_CHANGED).exists()


def test_agents_find_by_tags_and_customers_do_not(ticket):
    put(ticket, "Querulant", "zweites Wort")
    agent = permissions.agent(f.make_agent(ticket.queue))
    for words in ("querulant", "zweites printer", "queru"):
        assert list(search.find_tickets(agent, words)) == [ticket]
    for actor in (permissions.customer(ticket.customer), permissions.link_bearer(ticket)):
        assert list(search.find_tickets(actor, "printer")) == [ticket]
        assert not search.find_tickets(actor, "querulant").exists()
        assert list(search.find_tickets(actor, "printer -querulant")) == [ticket]


def test_a_tag_taken_away_is_not_found_any_more(ticket):
    put(ticket, "quokka", "wombat")
    put(ticket, "wombat")
    assert not search.find_tickets(SYSTEM, "quokka").exists()
    put(ticket)
    assert not search.find_tickets(SYSTEM, "wombat").exists()
    assert not SearchEntry.objects.filter(internal=True).exists()


def test_reindexing_finds_tags_again(ticket):
    put(ticket, "quokka")
    SearchEntry.objects.all().delete()
    list(search.reindex())
    assert list(search.find_tickets(SYSTEM, "quokka")) == [ticket]
    assert not search.find_tickets(permissions.customer(ticket.customer), "quokka").exists()
    put(ticket, "wombat")
    assert not search.find_tickets(SYSTEM, "quokka").exists()
