"""Erasing a person, step by step, by the worker: asked for by whoever deals with data subjects, done in batches.

What is to be done and how far it is stands in `PersonErasure`: a worker that dies takes nothing along, and a batch that
is done twice changes nothing the second time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from helpdesk import audit, conf, permissions, search
from helpdesk.actions import persons as verbs
from helpdesk.actions.erasing import erase
from helpdesk.actions.person_rows import forget_person
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    Article,
    AuditKind,
    Customer,
    CustomerAddress,
    InboundMail,
    OutboundMail,
    Participant,
    PersonErasure,
    Ticket,
    Tombstone,
)
from helpdesk.permissions import Actor
from helpdesk.rules.blanking import Blanker, Person

from . import kinds, persons

logger = logging.getLogger(__name__)

#: Tickets erased whole in one transaction.
TICKETS = 100
#: A batch that failed so often is given up, and said so.
_TRIES = 5


def ask(
    *,
    actor: Actor,
    person: Person,
    kind: str,
    ground: str,
    reference: str = "",
) -> PersonErasure:
    """Note that a person is to be erased or anonymised, and return the row; the worker does it.

    One that is under way already is returned again; what is to be anonymised is erased once that is asked for. Raises `NotPermitted`; `InvalidInput` for a person whose account
    works here: their rights have to be taken away first.
    """
    if not permissions.may_handle_persons(actor):
        raise NotPermitted
    _refuse_staff(person)
    digest = persons.digest_of(person)
    facts: dict[str, Any] = {
        "kind": kind,
        "ground": ground,
        "reference": reference,
        "asked_by": actor.user,
    }
    with transaction.atomic():
        row = _waiting(digest)
        if row is None:
            row = PersonErasure.objects.create(digest=digest, person=person.as_data(), **facts)
        elif (row.kind, kind) == (PersonErasure.Kind.ANONYMISE, PersonErasure.Kind.ERASE):
            # from the beginning; the person as they were first: some of them may be gone already
            for name, value in {**facts, "step": "", "after": 0}.items():
                setattr(row, name, value)
            row.save(update_fields=[*facts, "step", "after"])
        else:
            return row
        _record(row, actor.user, {"did": "asked"})
    return row


def _waiting(digest: str) -> PersonErasure | None:
    """Return the erasure of a person that is under way, locked, or None."""
    rows = PersonErasure.objects.select_for_update(of=("self",)).order_by("pk")
    return rows.filter(digest=digest, state=PersonErasure.State.WAITING).first()


def _refuse_staff(person: Person) -> None:
    if persons.is_staff(person):
        raise InvalidInput(
            _(
                "This person has an account with rights in the help desk or in the admin. Take the rights away first, "
                "then come back."
            )
        )


def try_again(*, actor: Actor, pk: int) -> PersonErasure:
    """Let an erasure that failed go on where it stopped, and return it; one that is under way for them already instead.

    Raises `NotPermitted`; `NotFound` for one that did not fail, or of whom nobody knows any more who it was;
    `InvalidInput` as `ask` does.
    """
    if not permissions.may_handle_persons(actor):
        raise NotPermitted
    with transaction.atomic():
        rows = PersonErasure.objects.select_for_update(of=("self",))
        row = rows.filter(pk=pk, state=PersonErasure.State.FAILED).exclude(person={}).first()
        if row is None:
            raise NotFound
        _refuse_staff(Person.from_data(row.person))
        waiting = _waiting(row.digest)
        if waiting is not None:
            return waiting
        row.state, row.fault = PersonErasure.State.WAITING, ""
        row.counts = _without_faults(row.counts)
        row.save(update_fields=["state", "fault", "counts"])
        _record(row, actor.user, {"did": "asked"})
    return row


def preview(person: Person) -> dict[str, int]:
    """Return what erasing would do, by code. A constant number of queries, but for merged tickets."""
    held = verbs.held_tickets()
    own = set(Ticket.objects.filter(verbs.own_by(person)).values_list("pk", flat=True))
    alone = set(verbs.tickets_alone(person))
    mine = Article.objects.filter(verbs.written_by(person)).exclude(ticket__in=alone)
    mentioned = kinds.mentioning(person).exclude(ticket__in=own)
    took_part = Participant.objects.filter(normalised__in=person.addresses)
    return {
        "tickets": len(alone - held),
        "own": len(own - alone - held),
        "articles": mine.exclude(ticket__in=held).count(),
        "mentions": mentioned.order_by().values("ticket").distinct().count(),
        "participants": took_part.exclude(ticket__in=own).count(),
        "mails": InboundMail.objects.filter(
            article__in=Article.objects.filter(verbs.written_by(person))
            .exclude(ticket__in=held)
            .order_by()
            .values("pk")
        ).count(),
        "outbound": OutboundMail.objects.filter(
            kinds.receives(OutboundMail, person, "to", "cc", "bcc")
        )
        .exclude(ticket__in=held)
        .count(),
        **_who_goes(person, own & held),
        "accounts": len(person.users),
        "held": len(own & held),
    }


def _who_goes(person: Person, held: Collection[int]) -> dict[str, int]:
    """Return how many customers and addresses go: whose tickets are `held` stays with them."""
    if not held:
        return {"customers": len(person.customers), "addresses": len(person.addresses)}
    stay = Q(tickets__in=held) | Q(merged_from__tickets__in=held)
    going = Customer.objects.filter(pk__in=person.customers).exclude(
        pk__in=Customer.objects.filter(stay).order_by().values("pk")
    )
    addresses = CustomerAddress.objects.filter(customer__in=going.order_by().values("pk"))
    return {"customers": going.count(), "addresses": addresses.count()}


# --- the worker ------------------------------------------------------------------------------------------


def work() -> bool:
    """Do one batch of the oldest erasure that is under way; tell whether to go on at once.

    After a fault it is not: what was in the way may be gone at the next turn. If it is the database that is away,
    that counts as no try.
    """
    row = PersonErasure.objects.filter(state=PersonErasure.State.WAITING).order_by("pk").first()
    if row is None:
        return False
    try:
        _go_on(row)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001  the next ones have their turn; tried again five times
        _note_fault(row, fault)
        return False
    return True


def _note_fault(row: PersonErasure, fault: Exception) -> None:
    row.refresh_from_db(fields=["counts", "state", "step"])  # what was not saved did not happen
    tries = int(row.counts.get("faults", 0)) + 1
    row.counts = {**row.counts, "faults": tries}
    row.fault, row.seen_at = type(fault).__name__[:60], timezone.now()
    if tries >= _TRIES:
        row.state = PersonErasure.State.FAILED
    row.save(update_fields=["counts", "fault", "seen_at", "state"])
    # by type: the message may quote what people wrote
    logger.error("erasure %d of a person: %s at %s", row.pk, row.fault, row.step)


def _go_on(row: PersonErasure) -> None:
    person = Person.from_data(row.person)
    names = [name for name, _do in steps(row)]
    step = row.step or names[0]
    do = dict(steps(row))[step]
    after, counts = do(person, row.after)
    row.counts = dict(Counter(_without_faults(row.counts)) + counts)
    row.fault, row.seen_at = "", timezone.now()
    if after:
        row.step, row.after = step, after
    elif step != names[-1]:
        row.step, row.after = names[names.index(step) + 1], 0
    else:
        _finish(row)
        return
    _note(row, "step", "after")


def _note(row: PersonErasure, *fields: str) -> bool:
    """Write down how far a batch came; not if more than that was asked for meanwhile: then it begins anew."""
    facts = {name: getattr(row, name) for name in ("counts", "fault", "seen_at", *fields)}
    return bool(PersonErasure.objects.filter(pk=row.pk, kind=row.kind).update(**facts))


def _without_faults(counts: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if name != "faults"}


Step = Callable[[Person, int], tuple[int, Counter[str]]]


def steps(row: PersonErasure) -> list[tuple[str, Step]]:
    """Return the steps of an erasure in their order; each does a batch and returns where to go on, or 0."""
    erases = row.kind == PersonErasure.Kind.ERASE
    found: list[tuple[str, Step]] = [("tickets", _erase_alone)] if erases else []
    for model in verbs.tables():
        found.append((model.__name__, _blanking(model, own_goes=erases)))
    return [*found, ("participants", _drop_participants), ("person", _forget)]


def _erase_alone(person: Person, after: int) -> tuple[int, Counter[str]]:
    held = verbs.held_tickets()
    left = [pk for pk in verbs.tickets_alone(person) if pk not in held and pk > after][:TICKETS]
    if not left:
        return 0, Counter()
    counts = erase(tickets=left, reason=Tombstone.Reason.PERSON)
    return left[-1], Counter(counts)


def _blanking(model: Any, *, own_goes: bool) -> Step:
    def step(person: Person, after: int) -> tuple[int, Counter[str]]:
        return verbs.blank(
            model=model,
            person=person,
            blanker=Blanker(person.marks, word()),
            after=after,
            held=verbs.held_tickets(),
            own_goes=own_goes,
        )

    return step


def word() -> str:
    """Return what stands in place of a name: in the site's language, the same everywhere."""
    with translation.override(conf.site_language()):
        return gettext("[erased]")


def _drop_participants(person: Person, after: int) -> tuple[int, Counter[str]]:
    return 0, verbs.drop_participants(person=person, held=verbs.held_tickets())


def _forget(person: Person, after: int) -> tuple[int, Counter[str]]:
    return 0, forget_person(person=person)


def _finish(row: PersonErasure) -> None:
    """Let nobody be named any more, and write down what was done; or go round again for what came meanwhile."""
    person = Person.from_data(row.person)
    held = verbs.held_tickets()
    came = Ticket.objects.filter(verbs.own_by(person)).exclude(pk__in=held)
    rounds = int(row.counts.get("rounds", 0)) + 1
    row.counts = {**row.counts, "rounds": rounds}
    row.step, row.after = "", 0
    if came.exists() and rounds < _TRIES:
        _note(row, "step", "after")
        return
    own = Ticket.objects.filter(verbs.own_by(person))
    row.counts = {**row.counts, "held": own.count()} if own.exists() else row.counts
    search.purge()
    row.person, row.state, row.finished_at = {}, PersonErasure.State.DONE, timezone.now()
    with transaction.atomic():
        if not _note(row, "step", "after", "person", "state", "finished_at"):
            return
        # those that failed before are done with this one
        failed = PersonErasure.objects.filter(digest=row.digest, state=PersonErasure.State.FAILED)
        failed.exclude(person={}).update(person={}, finished_at=row.finished_at)
        counts = {name: n for name, n in row.counts.items() if name != "rounds"}
        _record(row, row.asked_by, {"did": "done", **counts})


def _record(row: PersonErasure, user: Any, data: dict[str, Any]) -> None:
    """Write it into the audit log, without a name: by the number of the request and a keyed digest."""
    facts = {"request": row.pk, "how": row.kind, "ground": row.ground, "whom": row.digest[:12]}
    if row.reference:
        facts["reference"] = row.reference
    audit.record(AuditKind.PERSON_ERASED, user=user, data={**facts, **data})
