"""What goes of a ticket before all of it goes: its files, who its people are, or everything that somebody is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Field, JSONField, Model, Q
from django.utils.crypto import get_random_string

from helpdesk import events, journal, notifications, search
from helpdesk.models import (
    Answer,
    Article,
    Attachment,
    Blob,
    Clock,
    DraftFile,
    Event,
    EventKind,
    InboundMail,
    OutboundMail,
    Participant,
    Privacy,
    QueueOrder,
    SavedDraft,
    StorageStep,
    Ticket,
    closed_nonce,
    delete_rows,
)
from helpdesk.permissions import SYSTEM
from helpdesk.rules import answers
from helpdesk.states import StateType

from .base import default_state
from .draft_files import take_files
from .erasing_rows import NO_RAW, drop_raw
from .previews import renew_previews
from .private_words import NO_SUBJECT, erase_file_names, erase_private

Erasing = Callable[[Collection[Ticket], datetime], Counter[str]]


@dataclass(frozen=True)
class Part:
    """One step: the column that says when it was taken, its name, and what it does."""

    column: str
    step: StorageStep
    kind: EventKind
    journal: str
    erase: Erasing


def blank(model: type[Model], *kinds: Privacy) -> dict[str, Any]:
    """Return what the columns of a table that are classified so are set to when they go."""
    privacy: Mapping[str, Privacy] = model.privacy  # type: ignore[attr-defined]
    names = [name for name, kind in privacy.items() if kind in kinds]
    return {name: _empty(model._meta.get_field(name)) for name in names}  # type: ignore[arg-type]


def _empty(field: Field[Any, Any]) -> Any:
    if field.null:
        return None
    return field.get_default() if isinstance(field, JSONField) else ""


def note(roots: Iterable[Ticket], rows: Collection[Ticket], part: Part, *, now: datetime) -> None:
    """Say on locked tickets that a step was taken."""
    Ticket.objects.filter(pk__in=_ids(rows)).update(
        **{part.column: now, "version": F("version") + 1}
    )
    for root in roots:
        events.record(actor=SYSTEM, ticket=root, kind=part.kind)


# --- files -------------------------------------------------------------------------------------------


def _erase_files(rows: Collection[Ticket], now: datetime) -> Counter[str]:
    ids = _ids(rows)
    files = Attachment.objects.filter(article__ticket__in=ids).order_by()
    blobs = set(files.values_list("blob_id", flat=True))
    named = set(files.values_list("article__ticket_id", flat=True))
    done = Counter(attachments=delete_rows(files), rows=take_files(ids, blobs))
    done += _drop_raw_mails(ids, blobs)
    events.empty(ids, kinds=[EventKind.FILE_INFECTED])
    notifications.empty_mails(tickets=ids)
    changed = erase_file_names(ids).union(_rewrite_answers(ids, answers.is_files))
    if changed:
        renew_previews(ids)
    search.renew(sorted(named | changed))
    done["files"] += Blob.release_all(blobs)
    return done


def _drop_raw_mails(ids: list[int], blobs: set[int]) -> Counter[str]:
    """Let go of the raw mails: all files are in them, and every name. Adds their blobs to `blobs`."""
    mails = InboundMail.objects.filter(Q(ticket__in=ids) | Q(article__ticket__in=ids)).order_by()
    found = dict(mails.values_list("pk", "blob_id"))
    blobs |= {blob for blob in found.values() if blob is not None}
    done = drop_raw(found)
    rows = InboundMail.objects.filter(pk__in=found)
    rows.update(**NO_RAW)
    # one that could not be filed is nobody's to try any more
    rows.filter(state=InboundMail.State.FAILED).update(
        state=InboundMail.State.ERASED, next_try_at=None
    )
    return done


def _close_links(ids: Collection[int]) -> None:
    """Let the links open nothing any more, and say why if they are held against what is left."""
    rows = list(Ticket.objects.filter(pk__in=ids).only("pk", "link_nonce"))
    for row in rows:
        row.link_nonce = closed_nonce(row.link_nonce)
    Ticket.objects.bulk_update(rows, ["link_nonce"], batch_size=500)


def _rewrite_answers(ids: list[int], goes: Callable[[Mapping[str, Any]], bool]) -> list[int]:
    """Empty those answers of forms, in the snapshot, as rows, and in the message that the form wrote.

    Returns the ids of the tickets where there were such.
    """
    tickets = Ticket.objects.filter(pk__in=ids).exclude(answers=[]).order_by("pk")
    changed: list[Ticket] = []
    for one in tickets.only("pk", "answers"):
        before, one.answers = one.answers, answers.emptied(one.answers, goes)
        if one.answers != before:
            changed.append(one)
            rewrite_message(one, before)
    Ticket.objects.bulk_update(changed, ["answers"], batch_size=200)
    write_anew(changed)
    return _ids(changed)


def write_anew(rows: Collection[Ticket]) -> None:
    """Write the answers of tickets as rows again, after their snapshots were changed."""
    delete_rows(Answer.objects.filter(ticket__in=_ids(rows)))
    Answer.objects.bulk_create(
        [
            Answer(
                ticket_id=one.pk,
                key=value.key,
                row=value.row,
                text=value.text,
                number=value.number,
                day=value.day,
                private=value.private,
            )
            for one in rows
            for value in answers.values_of(one.answers)
        ],
        batch_size=500,
    )


def rewrite_message(ticket: Ticket, before: object) -> None:
    """Take what went out of the first message: the form had written it there, a paragraph for each answer.

    `before` is the snapshot as it was, which the ticket no longer has.
    """
    old = before if isinstance(before, list) else []
    pairs = [
        (answers.line_of(was), answers.line_of(now))
        for was, now in zip(old, ticket.answers, strict=False)
        if was != now
    ]
    first = Event.objects.filter(
        ticket=ticket, kind__in=(EventKind.TICKET_OPENED, EventKind.TICKET_IMPORTED)
    ).values("article")
    for article in Article.objects.filter(pk__in=first).only("pk", "body"):
        body = article.body
        for was, now in pairs:
            if was:
                body = body.replace(was, now, 1)
        Article.objects.filter(pk=article.pk).update(body=body)


# --- persons -----------------------------------------------------------------------------------------


def _erase_persons(rows: Collection[Ticket], now: datetime) -> Counter[str]:
    ids = _ids(rows)
    blobs: set[int] = set()
    done = _drop_raw_mails(ids, blobs)
    drafts = DraftFile.objects.filter(draft__ticket__in=ids).order_by()
    blobs.update(drafts.values_list("blob_id", flat=True))
    delete_rows(drafts)
    done["drafts"] += delete_rows(SavedDraft.objects.filter(ticket__in=ids))
    done["persons"] += delete_rows(Participant.objects.filter(ticket__in=ids))
    erase_private(ids)
    person = Privacy.PERSON
    notifications.empty_mails(tickets=ids, also={**blank(OutboundMail, person), "subject": ""})
    taken = InboundMail.objects.filter(ticket__in=ids)
    taken.update(**blank(InboundMail, person))
    done["articles"] += Article.objects.filter(ticket__in=ids).update(
        **blank(Article, person), customer=None
    )
    QueueOrder.objects.filter(ticket__in=ids).update(**blank(QueueOrder, person))
    events.empty(ids)
    Ticket.objects.filter(pk__in=ids).update(
        **blank(Ticket, person), customer=None, organisation=None
    )
    _close_links(ids)
    _rewrite_answers(ids, answers.is_personal)
    renew_previews(ids)
    search.renew(ids)
    done["files"] += Blob.release_all(blobs)
    return done


FILES = Part(
    "files_erased_at",
    StorageStep.ATTACHMENTS,
    EventKind.FILES_ERASED,
    journal.FILES,
    _erase_files,
)
PERSONS = Part(
    "persons_erased_at",
    StorageStep.PERSONAL,
    EventKind.PERSONS_ERASED,
    journal.PERSONS,
    _erase_persons,
)


# --- anonymous ---------------------------------------------------------------------------------------

#: Tables of which rows stay with an anonymised ticket.
STAYS = (Ticket, Event, Clock)
#: Answers that nobody is in, if the form did not say otherwise: chosen, counted, or a date.
_NEUTRAL = frozenset({"choice", "choices", "yes_no", "consent", "number", "date", "time"})


def make_anonymous(rows: Collection[Ticket], *, now: datetime) -> None:
    """Empty the rows of locked tickets, of which everything else is gone, for good."""
    ids = _ids(rows)
    _close([row.pk for row in rows if row.state.is_open], now)
    kept = list(Ticket.objects.filter(pk__in=ids).exclude(answers=[]).only("pk", "answers"))
    for one in kept:
        one.answers = answers.emptied(one.answers, lambda entry: not _is_neutral(entry))
    Ticket.objects.bulk_update(kept, ["answers"], batch_size=200)
    write_anew(kept)
    Ticket.objects.filter(pk__in=ids).update(
        subject=NO_SUBJECT,
        preview="",
        contact="",
        objection_reason="",
        customer=None,
        organisation=None,
        owner=None,
        responsible=None,
        page=None,
        revision=None,
        owner_acted_at=None,
        next_action_at=None,
        next_action="",
        pending_until=None,
        waiting_since=None,
        remind_at=None,
        hand_back_at=None,
        erase_at=None,
        storage_step_at=None,
        storage_step="",
        submission_key=None,
        link_nonce=get_random_string(16),
        anonymised_at=now,
        version=F("version") + 1,
    )
    events.make_anonymous(ids)
    for row in rows:
        events.record(actor=SYSTEM, ticket=row, kind=EventKind.ANONYMISED)


def _close(ids: list[int], now: datetime) -> None:
    """An open ticket would be waited for by somebody."""
    if ids:
        closed = default_state(StateType.CLOSED)
        Ticket.objects.filter(pk__in=ids).update(state=closed, closed_at=now)
        Clock.objects.filter(ticket__in=ids, ended_at__isnull=True).update(
            ended_at=now, end=Clock.End.DROPPED, running_since=None, next_at=None, warn_at=None
        )


def _is_neutral(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") in _NEUTRAL and not entry.get("private")


def _ids(rows: Iterable[Ticket]) -> list[int]:
    return sorted(row.pk for row in rows)
