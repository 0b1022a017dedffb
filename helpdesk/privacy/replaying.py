"""Erasing again: what the journal knows goes from a database that was put back to an earlier state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from helpdesk import actions, journal
from helpdesk.actions import erasing_again
from helpdesk.actions.persons import groups_of
from helpdesk.models import Customer, PersonErasure, Ticket, Tombstone

from . import person_jobs, persons

#: The moment of a batch (ISO 8601) and its entries, as `journal.read` gives them.
Batches = Iterable[tuple[str, list[dict[str, Any]]]]
Entry = dict[str, Any]

#: Rows dealt with in one transaction.
BATCH = 200
#: What is done to tickets of which the journal knows a step; erasing them whole has an order of its own.
STEPS = {
    journal.FILES: actions.erase_files,
    journal.PERSONS: actions.erase_persons,
    journal.ANONYMISED: actions.anonymise,
}
BY_HAND = Tombstone.Reason.BY_HAND


def replay(entries: Batches, *, since: datetime | None = None) -> Counter[str]:
    """Erase again what batches of the journal tell of, and count it: `tickets`, `articles`, `files`, `customers` and others.

    Only batches written at `since` or later count: before, the database knew of them. A ticket that it still has was
    written down then, and stayed: the journal comes before the commit. A ticket is the one meant only if its id and
    its number are. `left` counts tickets that could not be taken apart from others. May be called again at any time.
    """
    done: Counter[str] = Counter()
    people: set[int] = set()
    own: set[int] = set()
    known = [(datetime.fromisoformat(at), rows) for at, rows in entries]
    known = [(moment, rows) for moment, rows in known if since is None or moment >= since]
    gone = {pk for _at, rows in known for pk, _number in _tickets(rows, journal.TICKET)}
    for moment, rows in known:
        done += _erase_whole(rows, gone, moment)
        for kind in STEPS:
            done += _take_step(kind, _tickets(rows, kind), moment)
        for batch in _in_batches(_pks(rows, journal.ARTICLES)):
            done += erasing_again.empty_articles(articles=batch)
        for batch in _in_batches(_pks(rows, journal.INBOUND)):
            done += erasing_again.empty_mails(mails=batch)
        people.update(_pks(rows, journal.CUSTOMERS))
        own.update(_matching(_tickets(rows, journal.OWN)))
    done += _forget(people)
    for batch in _in_batches(sorted(own)):
        done += erasing_again.empty_requests(tickets=batch, word=person_jobs.word())
    return +done


# --- tickets -----------------------------------------------------------------------------------------


def _erase_whole(rows: list[Entry], gone: set[int], moment: datetime) -> Counter[str]:
    done: Counter[str] = Counter()
    entries = sorted((one for one in rows if one.get("kind") == journal.TICKET), key=_reason)
    for reason, several in groupby(entries, key=_reason):
        for batch in _in_batches(_matching(_tickets(list(several), journal.TICKET))):
            done += _erase(batch, gone, reason, moment)
    return done


def _erase(
    batch: list[int], gone: set[int], reason: Tombstone.Reason, moment: datetime
) -> Counter[str]:
    """Erase tickets, but none that was only merged with one of them when the backup was made."""
    free, left = _freed(batch, gone, moment)
    return actions.erase(tickets=free, reason=reason, now=moment) + left


def _take_step(kind: str, pairs: list[tuple[int, str]], moment: datetime) -> Counter[str]:
    """Take a step of tickets again, and of none that was only merged with one of them when the backup was made.

    A batch names all that were merged with each other when the step was taken: what it does not name was apart.
    """
    done: Counter[str] = Counter()
    taken = set(_matching(pairs))
    for batch in _in_batches(sorted(taken)):
        free, left = _freed(batch, taken, moment)
        done += STEPS[kind](tickets=free, reason=BY_HAND, now=moment) + left
    return done


def _freed(
    batch: Collection[int], gone: Collection[int], moment: datetime
) -> tuple[list[int], Counter[str]]:
    """Take tickets out of their merges with others than those `gone`; return those that are, and how many are not.

    What they are merged with still is held by nothing any more.
    """
    group, goes = groups_of(batch), set(gone)
    stayed: set[int] = set()
    if others := group - goes:
        erasing_again.part_from(tickets=group & goes, others=others)
        stayed = {pk for pk in batch if groups_of([pk]) - goes}
    free = [pk for pk in batch if pk not in stayed]
    erasing_again.lift_holds_again(tickets=groups_of(free), now=moment)
    return free, Counter(left=len(stayed))


def _reason(entry: Entry) -> Tombstone.Reason:
    known = entry.get("reason")
    return Tombstone.Reason(known) if known in Tombstone.Reason.values else BY_HAND


def _tickets(rows: list[Entry], kind: str) -> list[tuple[int, str]]:
    return [(int(one["pk"]), str(one["number"])) for one in rows if one.get("kind") == kind]


def _matching(pairs: Collection[tuple[int, str]]) -> Iterator[int]:
    """Give the ids of those that are here, with this very number."""
    wanted = dict(pairs)
    for batch in _in_batches(wanted):
        for pk, number in Ticket.objects.filter(pk__in=batch).values_list("pk", "number"):
            if wanted[pk] == number:
                yield pk


# --- rows without a number ---------------------------------------------------------------------------


def _pks(rows: list[Entry], kind: str) -> list[int]:
    return [int(pk) for one in rows if one.get("kind") == kind for pk in one["pks"]]


def _forget(customers: Collection[int]) -> Counter[str]:
    """Take the traces of people out of what was not erased whole; their own requests went by their numbers."""
    done: Counter[str] = Counter()
    for batch in _in_batches(customers):
        for pk in Customer.objects.filter(pk__in=batch).values_list("pk", flat=True):
            person = persons.person_of(customers=[pk])
            PersonErasure.objects.get_or_create(
                digest=persons.digest_of(person),
                state=PersonErasure.State.WAITING,
                defaults={
                    "kind": PersonErasure.Kind.ANONYMISE,
                    "ground": PersonErasure.Ground.DUTY,
                    "person": person.as_data(),
                },
            )
            done["customers"] += 1
    while person_jobs.work():
        pass
    return done


def _in_batches(pks: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(pks)
    while batch := list(islice(rest, BATCH)):
        yield batch
