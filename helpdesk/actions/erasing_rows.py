"""Which rows go with a ticket, and how: table by table, each with one statement, and nobody's text is read for it.

The database would refuse a ticket to which something still points, and Django's own way of deleting would read every
row whole, because Wagtail listens to each. So the tables stand here; a test walks through the models and finds what
is missing. What a site's own tables say of their rows is followed by `helpdesk.models.outside`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import FileField, Model

from helpdesk import journal
from helpdesk.models import (
    AbsenceTicket,
    Answer,
    Article,
    Attachment,
    Blob,
    Clock,
    Customer,
    CustomerAddress,
    DismissedHint,
    DraftFile,
    Event,
    Hold,
    InboundMail,
    InformedQueue,
    LikelyDuplicate,
    Mention,
    Merge,
    Notice,
    OutboundMail,
    Participant,
    Presence,
    QueueOrder,
    SavedDraft,
    SearchEntry,
    Seen,
    TaggedTicket,
    Ticket,
    TicketLink,
    UntoldEvent,
    Watcher,
    delete_alone,
    forget_generic,
    let_go,
)
from helpdesk.models.outside import by

Table = type[Model]
#: Rows that go because they point, by one of these columns, to a row that goes. What is pointed to stands first.
GONE: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (Article, ("ticket",)),
    (Event, ("ticket",)),
    (OutboundMail, ("ticket", "article")),
    (SavedDraft, ("ticket",)),
    (Attachment, ("article",)),
    (DraftFile, ("draft",)),
    (UntoldEvent, ("event",)),
    (SearchEntry, ("ticket", "article")),
    (Mention, ("ticket", "article")),
    (Notice, ("ticket",)),
    (Watcher, ("ticket",)),
    (Clock, ("ticket",)),
    (Participant, ("ticket",)),
    (Answer, ("ticket",)),
    (QueueOrder, ("ticket",)),
    (TicketLink, ("source", "target")),
    (Merge, ("source", "target")),
    (Presence, ("ticket",)),
    (Seen, ("ticket",)),
    (TaggedTicket, ("content_object",)),
    (InformedQueue, ("ticket",)),
    (Hold, ("ticket",)),
    (DismissedHint, ("ticket", "other")),
    (AbsenceTicket, ("ticket",)),
    (LikelyDuplicate, ("ticket",)),
)
#: Rows that stay, and point nowhere afterwards.
CUT: tuple[tuple[Table, str], ...] = (
    (Event, "article"),
    (Notice, "event"),
    (Notice, "mail"),
    (OutboundMail, "original"),
    (LikelyDuplicate, "other"),
)
#: Tables of which erasing deletes rows, or counts them as deleted: a site's foreign keys there have to allow it.
ERASED: tuple[Table, ...] = (
    Ticket,
    *(model for model, _columns in GONE),
    InboundMail,
    Customer,
    CustomerAddress,
)
#: What stays of a mail in the ledger: where it came from, its key, and when; see `InboundMail.State.ERASED`.
SHELL: dict[str, Any] = {
    "state": InboundMail.State.ERASED,
    "ticket": None,
    "article": None,
    "sender": "",
    "subject": "",
    "envelope_to": [],
    "reason": "",
    "evidence": [],
    "error": "",
    "next_try_at": None,
}
#: And of its raw message, which the ledger holds until then.
NO_RAW: dict[str, Any] = {"blob": None, "message": None}
#: How a count is called in a report.
NAMES: dict[Table, str] = {
    Ticket: "tickets",
    Article: "articles",
    Attachment: "attachments",
    Event: "events",
    OutboundMail: "outbound",
    SavedDraft: "drafts",
    Answer: "answers",
    Notice: "notices",
}


class Rows:
    """The ids of all rows that go with some tickets, read after these are locked; those in `keep` stay."""

    def __init__(self, tickets: Iterable[int], *, keep: Collection[Table] = ()) -> None:
        self.keep = keep
        self.ids: dict[Table, list[int]] = {Ticket: sorted(tickets)}
        for model, columns in GONE:
            self.ids[model] = sorted(self._pointing(model, columns))
        self.mails = sorted(self._pointing(InboundMail, ("ticket", "article")))

    def _pointing(self, model: Table, columns: Iterable[str]) -> set[int]:
        """Return the ids of rows of a table that point to what goes."""
        found: set[int] = set()
        for name in columns:
            to = model._meta.get_field(name).related_model
            for ids in by(self.ids.get(to, ())):  # type: ignore[arg-type, call-overload]
                rows = model._default_manager.filter(**{f"{name}__in": ids}).order_by()
                found.update(rows.values_list("pk", flat=True))
        return found

    def delete(self) -> Counter[str]:
        """Delete all of it; the raw mails and the bytes of files that nothing else needs as well."""
        blobs = self._blobs()
        done = drop_raw(self.mails)
        for mails in by(self.mails):
            rows = InboundMail.objects.filter(pk__in=mails)
            done["mails"] += rows.update(**SHELL, **NO_RAW)
        for model, column in CUT:
            self._cut(model, column)
        # a site's rows go also where ours stays without a person in it: it counts as erased
        done += let_go({**self.ids, InboundMail: self.mails})
        gone = {model: ids for model, ids in self.ids.items() if ids and model not in self.keep}
        for model, ids in gone.items():
            done[NAMES.get(model, "rows")] += _delete(model, ids)
        forget_generic(gone)
        done["files"] += Blob.release_all(blobs)
        return done

    def _blobs(self) -> set[int]:
        keepers = {
            Attachment: self.ids[Attachment],
            DraftFile: self.ids[DraftFile],
            InboundMail: self.mails,
        }
        found: set[int | None] = set()
        for model, pks in keepers.items():
            for ids in by(pks):
                rows = model._default_manager.filter(pk__in=ids).order_by()
                found.update(rows.values_list("blob_id", flat=True))
        return {pk for pk in found if pk is not None}

    def _cut(self, model: Table, column: str) -> None:
        to = model._meta.get_field(column).related_model
        if to in self.keep:
            return
        for ids in by(self.ids.get(to, ())):  # type: ignore[arg-type, call-overload]
            model._default_manager.filter(**{f"{column}__in": ids}).update(**{column: None})


def _delete(model: Table, pks: Sequence[int]) -> int:
    # what of a site's tables points to them went before
    return sum(delete_alone(model._default_manager.filter(pk__in=ids)) for ids in by(pks))


# --- what other apps keep ----------------------------------------------------------------------------


def drop_raw(mails: Collection[int]) -> Counter[str]:
    """Delete what django-mailbox keeps of some mails of the ledger, rows and files. Their blobs are the caller's.

    The files go first: if we die in between, the rows are still there and lead here again.
    """
    done: Counter[str] = Counter()
    message: Any = InboundMail._meta.get_field("message").related_model
    for some in by(list(mails)):
        rows = InboundMail.objects.filter(pk__in=some, message__isnull=False).order_by()
        ids = list(rows.values_list("message_id", flat=True))
        if ids:
            rows.update(message=None)
            done["messages"] += _drop_messages(message, ids)
    return done


def _drop_messages(message: Any, ids: list[int]) -> int:
    for relation in message._meta.related_objects:
        model, column = relation.related_model, relation.field.name
        pointing = model._default_manager.filter(**{f"{column}__in": ids})
        if model is message:
            pointing.update(**{column: None})
            continue
        _delete_with_files(model, list(pointing.order_by().values_list("pk", flat=True)))
    return _delete_with_files(message, ids)


def _delete_with_files(model: Any, ids: list[int]) -> int:
    if not ids:
        return 0
    rows = model._default_manager.filter(pk__in=ids).order_by()
    for field in model._meta.concrete_fields:
        if isinstance(field, FileField):
            for name in rows.exclude(**{field.name: ""}).values_list(field.name, flat=True):
                if name:
                    field.storage.delete(name)
    forget_generic({model: ids})
    return delete_alone(rows)


def drop_mail(mail: InboundMail) -> None:
    """Leave of a mail in the ledger that it came, and why it made nothing. Call inside a transaction."""
    blobs = [mail.blob_id] if mail.blob_id is not None else []
    journal.write([{"kind": journal.INBOUND, "pks": [mail.pk]}])
    let_go({InboundMail: [mail.pk]})
    drop_raw([mail.pk])
    InboundMail.objects.filter(pk=mail.pk).update(**{**SHELL, **NO_RAW, "reason": mail.reason})
    mail.refresh_from_db()
    Blob.release_all(blobs)
