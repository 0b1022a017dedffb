"""Which rows go with a ticket, and how: table by table, each with one statement, and nobody's text is read for it.

The database would refuse a ticket to which something still points, and Django's own way of deleting would read every
row whole, because Wagtail listens to each. So the tables stand here; a test walks through the models and finds what
is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import FileField, Model, Q, QuerySet

from helpdesk.models import (
    AbsenceTicket,
    Answer,
    Article,
    Attachment,
    Blob,
    Clock,
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
    delete_rows,
)

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
            rows = model._default_manager.filter(self._pointing(model, columns))
            self.ids[model] = list(rows.order_by().values_list("pk", flat=True))
        self.mails = list(self.of_mail().order_by().values_list("pk", flat=True))

    def _pointing(self, model: Table, columns: Iterable[str]) -> Q:
        wanted = []
        for name in columns:
            to = model._meta.get_field(name).related_model
            wanted.append(Q(**{f"{name}__in": self.ids.get(to, ())}))  # type: ignore[arg-type, call-overload]
        return reduce(or_, wanted)

    def of_mail(self) -> QuerySet[InboundMail]:
        """Return the mails of the ledger that came to these tickets."""
        return InboundMail.objects.filter(
            Q(ticket__in=self.ids[Ticket]) | Q(article__in=self.ids.get(Article, ()))
        )

    def delete(self) -> Counter[str]:
        """Delete all of it; the raw mails and the bytes of files that nothing else needs as well."""
        blobs = self._blobs()
        done = drop_raw(self.mails)
        done["mails"] = InboundMail.objects.filter(pk__in=self.mails).update(**SHELL, **NO_RAW)
        for model, column in CUT:
            self._cut(model, column)
        gone = {model: ids for model, ids in self.ids.items() if ids and model not in self.keep}
        for model, ids in gone.items():
            rows = model._default_manager.filter(pk__in=ids)
            done[NAMES.get(model, "rows")] += delete_rows(rows)
        forget_generic(gone)
        done["files"] += Blob.release_all(blobs)
        return done

    def _blobs(self) -> set[int]:
        files = Attachment.objects.filter(pk__in=self.ids.get(Attachment, ()))
        drafts = DraftFile.objects.filter(pk__in=self.ids.get(DraftFile, ()))
        raw = InboundMail.objects.filter(pk__in=self.mails, blob__isnull=False)
        return {
            pk
            for rows in (files, drafts, raw)
            for pk in rows.order_by().values_list("blob_id", flat=True)
        }

    def _cut(self, model: Table, column: str) -> None:
        to = model._meta.get_field(column).related_model
        ids = self.ids.get(to)  # type: ignore[arg-type, call-overload]
        if ids and to not in self.keep:
            model._default_manager.filter(**{f"{column}__in": ids}).update(**{column: None})


# --- what other apps keep ----------------------------------------------------------------------------


def drop_raw(mails: Collection[int]) -> Counter[str]:
    """Delete what django-mailbox keeps of some mails of the ledger, rows and files. Their blobs are the caller's.

    The files go first: if we die in between, the rows are still there and lead here again.
    """
    done: Counter[str] = Counter()
    message: Any = InboundMail._meta.get_field("message").related_model
    rows = InboundMail.objects.filter(pk__in=mails, message__isnull=False).order_by()
    ids = list(rows.values_list("message_id", flat=True))
    if not ids:
        return done
    rows.update(message=None)
    for relation in message._meta.related_objects:
        model, column = relation.related_model, relation.field.name
        pointing = model._default_manager.filter(**{f"{column}__in": ids})
        if model is message:
            pointing.update(**{column: None})
            continue
        inner = list(pointing.order_by().values_list("pk", flat=True))
        _delete_with_files(model, inner)
    done["messages"] = _delete_with_files(message, ids)
    return done


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
    return delete_rows(rows)


#: Pairs of columns by which a table points to a row of any table.
_PAIRS = (
    ("content_type", "object_id"),
    ("base_content_type", "object_id"),
    ("to_content_type", "to_object_id"),
)


def forget_generic(ids: dict[Table, list[int]]) -> None:
    """Delete the rows of other apps that point to these: Wagtail's logs, its index of references, and their like."""
    types = {model: ContentType.objects.get_for_model(model).pk for model in ids if ids[model]}
    for table, type_, key in _generic():
        rows = table._default_manager.filter(**{f"{type_}__in": list(types.values())}).order_by()
        present = set(rows.values_list(type_, flat=True)[:1]) and set(types)
        for model in present:
            texts = [str(pk) for pk in ids[model]]
            delete_rows(table._default_manager.filter(**{type_: types[model], f"{key}__in": texts}))


def _generic() -> Iterator[tuple[Any, str, str]]:
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        yield from ((model, type_, key) for type_, key in _PAIRS if {type_, key} <= names)
