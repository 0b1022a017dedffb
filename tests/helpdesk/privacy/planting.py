"""A ticket in which every field holds a marker: made as people and machines make one, and the rest filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db.models import DateField, FloatField, JSONField, Model
from django.utils import timezone
from django_mailbox.models import Mailbox, MessageAttachment

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload, erasing_rows, previews
from helpdesk.mail import ingest, ledger
from helpdesk.models import (
    AbsenceTicket,
    Attachment,
    Blob,
    Channel,
    Clock,
    DataExport,
    DraftFile,
    Event,
    ExportedTicket,
    Hold,
    InboundMail,
    InformedQueue,
    LikelyDuplicate,
    Notice,
    NoticeKind,
    OutboundMail,
    Presence,
    Privacy,
    Queue,
    QueueOrder,
    Ticket,
    UntoldEvent,
)
from helpdesk.notifications import telling
from tests import factories as f

from .markers import CONTENT, FILE, PERSON, is_in, mark

ADDRESS = f"{mark(PERSON)}@mail.example"


@dataclass
class World:
    """What was made. `tickets` are those to erase: one, what was merged into it, and what was split off of both."""

    queue: Queue
    agent: Any
    main: Ticket
    merged: Ticket
    split: Ticket
    formed: Ticket
    other: Ticket

    @property
    def tickets(self) -> list[int]:
        return [self.main.pk, self.merged.pk, self.split.pk, self.formed.pk]


def plant() -> World:
    """Make the tickets."""
    queue = f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue
    agent = f.make_agent(queue, first_name="Fin", last_name="Fink")
    actor = permissions.agent(agent)
    main = _by_mail()
    customer = main.customer
    merged = f.make_ticket(
        queue,
        subject=f"Form {mark(CONTENT)}",
        body=" ",
        customer=customer,
        contact=ADDRESS,
        origin=actions.Origin(answers=tuple(snapshot()), form_key=uuid4()),
        receipt=True,
    )
    _write_form(merged)
    formed = actions.split(
        actor=actor,
        ticket=merged,
        article=merged.articles.get(),
        queue=queue,
        subject=f"Copy {mark(CONTENT)}",
    ).ticket
    _add_form(main)
    other = f.make_ticket(queue, subject="Another matter", contact="")
    article = _work_on(actor, main, other)
    opened = actions.split(
        actor=actor, ticket=main, article=article, queue=queue, subject=f"Part {mark(CONTENT)}"
    )
    actions.merge(actor=actor, source=merged, target=main)
    telling.tell()
    world = World(queue, agent, main, merged, opened.ticket, formed, other)
    _by_hand(world)
    fill(world.tickets)
    return world


def _by_mail() -> Ticket:
    message = EmailMessage()
    message["From"] = f"{mark(PERSON)} <{ADDRESS}>"
    message["To"] = "support@desk.example"
    message["Cc"] = f"{mark(PERSON)} <{mark(PERSON)}@mail.example>"
    message["Subject"] = f"Printer {mark(CONTENT)}"
    message["Message-ID"] = f"<{mark(PERSON)}@mail.example>"
    message["X-Odd"] = mark(PERSON)
    message.set_content(f"It is silent {mark(CONTENT)}.")
    message.add_attachment(
        mark(FILE).encode(), maintype="application", subtype="pdf", filename=f"{mark(FILE)}.pdf"
    )
    mailbox = Mailbox.objects.create(name="Support", uri="imap://x@127.0.0.1")
    row = ledger.accept(message.as_bytes(), source="mailbox:1", key="1", mailbox=mailbox)
    row = ingest.process(row.pk)
    row.refresh_from_db()
    assert row.ticket is not None, row.error
    assert row.message is not None
    MessageAttachment.objects.create(
        message=row.message,
        headers=f"X: {mark(FILE)}",
        document=ContentFile(mark(FILE).encode(), name=f"{mark(FILE)}.bin"),
    )
    row.message.eml.save(f"{mark(FILE)}.eml", ContentFile(mark(FILE).encode()))
    return row.ticket


def snapshot() -> list[dict[str, Any]]:
    """Return answers of a form: some of a person, some a text, some that nobody is in."""
    base = {"help": "", "private": False}
    name, text, file = mark(PERSON), mark(CONTENT), f"{mark(FILE)}.pdf"
    mail, cell, free = f"{mark(PERSON)}@mail.example", mark(PERSON), mark(CONTENT)
    choices = [{"value": "west", "label": "West"}, {"value": "east", "label": "East"}]
    column = {**base, "key": "who", "label": "Who", "type": "text", "private": True}
    number = {**base, "key": "seats", "label": "Seats", "type": "number", "value": 3, "shown": "3"}
    return [
        {**base, "key": "name", "label": "Name", "type": "text", "value": name, "shown": name, "private": True},
        {**base, "key": "mail", "label": "Mail", "type": "email", "value": mail, "shown": mail},
        {**base, "key": "why", "label": "Why?", "type": "long_text", "value": text, "shown": text},
        {**base, "key": "site", "label": "Site", "type": "choice", "value": "west", "shown": "West", "choices": choices},
        {**base, "key": "day", "label": "Day", "type": "date", "value": "2026-05-04", "shown": "4 May 2026"},
        {**base, "key": "plan", "label": "Plan", "type": "files", "value": [{"name": file, "size": 1, "content_type": "x"}], "shown": file},
        {
            **base,
            "key": "people",
            "label": "People",
            "type": "group",
            "value": [{"who": cell, "seats": 3, "note": free}],
            "shown": f"Who: {cell}, Seats: 3, Note: {free}",
            "rows": [
                [
                    {**column, "value": cell, "shown": cell},
                    number,
                    {**base, "key": "note", "label": "Note", "type": "text", "value": free, "shown": free},
                ]
            ],
        },
    ]  # fmt: skip


def _write_form(ticket: Ticket) -> None:
    """Let the first message say what a form writes into it."""
    from helpdesk.pages.snapshot import as_text

    article = ticket.articles.get()
    article.body = as_text(tuple(ticket.answers))
    article.from_name = mark(PERSON)
    article.save()
    from helpdesk import search

    search.index_article(article)
    previews.renew_previews([ticket.pk])


def _add_form(ticket: Ticket) -> None:
    """Add a form to a request that knows nothing of its answers, as who has a request open already may."""
    from helpdesk.pages.snapshot import as_text

    said = tuple(snapshot())
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(
            body=as_text(said),
            channel=Channel.WEB,
            from_name=mark(PERSON),
            from_address=ADDRESS,
            extra=actions.private_words(said),
            files=(Upload(f"{mark(FILE)}.pdf", mark(FILE).encode(), "application/pdf"),),
        ),
        customer=ticket.customer,
    )


def _failed(ticket: Ticket) -> None:
    """A mail that answered the ticket and could not be filed."""
    raw = f"From: {ADDRESS}\nSubject: {mark(CONTENT)}\n\n{mark(FILE)} {mark(PERSON)}"
    InboundMail.objects.create(
        source="mailbox:1",
        key="failed",
        state=InboundMail.State.FAILED,
        ticket=ticket,
        sender=ADDRESS,
        subject=f"Broken {mark(CONTENT)}",
        blob=Blob.keep(raw.encode()),
    )


def _export_of(customer: Any, address: str, ticket: Ticket) -> None:
    """An archive that holds something of the ticket, ready to be fetched."""
    now = timezone.now()
    blob = Blob.keep(f"archive {mark(CONTENT)} {mark(PERSON)} {mark(FILE)}".encode())
    export = DataExport.objects.create(
        is_noted=True,
        customer=customer,
        addresses=[address],
        state="ready",
        asked_at=now,
        expires_at=now + timedelta(days=7),
        blob=blob,
    )
    ExportedTicket.objects.create(export=export, ticket_pk=ticket.pk)


def _work_on(actor: Any, main: Ticket, other: Ticket) -> Any:
    queue = main.queue
    file = Upload(f"{mark(FILE)}.pdf", mark(FILE).encode(), "application/pdf")
    colleague = f.make_agent(queue)
    actions.add_note(
        actor=actor,
        ticket=main,
        draft=Draft(
            body=f"@{colleague.username} {mark(CONTENT)}", channel=Channel.NOTE, files=(file,)
        ),
    )
    article = actions.answer(
        actor=actor,
        ticket=main,
        draft=Draft(body=f"Look {mark(CONTENT)}", channel=Channel.EMAIL, files=(file,)),
    )
    actions.forward(
        actor=actor,
        ticket=main,
        draft=Draft(body=mark(CONTENT), channel=Channel.EMAIL),
        original=article,
        to=((mark(PERSON), f"{mark(PERSON)}@firm.example"),),
    )
    actions.rename(actor=actor, ticket=main, subject=f"Renamed {mark(CONTENT)}")
    actions.set_tags(actor=actor, ticket=main, tags=["printer"])
    actions.invite(
        actor=actor, ticket=main, address=f"{mark(PERSON)}@mail.example", name=mark(PERSON)
    )
    actions.link(actor=actor, source=main, target=other, kind="related")
    actions.dismiss_hint(actor=actor, ticket=main, other=other)
    actions.watch(actor=actor, ticket=main)
    actions.mark_seen(actor=actor, ticket=main)
    actions.saved_drafts.save_draft(
        actor=actor,
        ticket=main,
        mode="reply",
        fields={"body": mark(CONTENT), "to": f"{mark(PERSON)}@mail.example"},
        files=[Upload(f"{mark(FILE)}.txt", mark(FILE).encode(), "text/plain")],
    )
    return article


def _by_hand(world: World) -> None:
    """Make what takes long to come by itself."""
    main, now = world.main, timezone.now()
    user = world.agent
    Presence.objects.create(ticket=main, user=user, seen_at=now)
    InformedQueue.objects.create(ticket=main, queue=f.QueueFactory(), at=now)
    Hold.objects.create(
        ticket=main,
        reason=mark(CONTENT),
        until=now.date() - timedelta(days=9),
        placed_at=now,
        lifted_at=now,
    )
    absence = f.make_absence(user)
    AbsenceTicket.objects.create(absence=absence, ticket=main, handover="keep")
    LikelyDuplicate.objects.update_or_create(
        ticket=world.other, defaults={"other": main, "score": 3}
    )
    LikelyDuplicate.objects.update_or_create(
        ticket=main, defaults={"other": world.other, "score": 3}
    )
    Clock.objects.get_or_create(
        ticket=main, kind="solution", run=1, defaults={"minutes": 9, "started_at": now}
    )
    QueueOrder.objects.create(
        ticket=main,
        address="new@desk.example",
        name="New",
        purpose=mark(CONTENT),
        group_name="New",
        state=QueueOrder.State.REFUSED,
        agents=[{"first_name": mark(PERSON), "last_name": mark(PERSON)}],
        reason=mark(CONTENT),
    )
    UntoldEvent.objects.get_or_create(event=main.events.first())
    digest = OutboundMail.objects.create(
        kind=OutboundMail.Kind.NOTICE,
        state=OutboundMail.State.SENT,
        message_id="<digest@desk.example>",
        from_address="support@desk.example",
        to=[["Fin", "fin@staff.example"]],
        subject="Your tickets",
        body=f"Printer {mark(CONTENT)} {mark(PERSON)}",
        about=[main.pk, world.other.pk],
        due_at=now,
        user=user,
    )
    event = Event.objects.filter(ticket=world.other).first()
    Notice.objects.create(user=user, kind=NoticeKind.REPLY, ticket=main, at=now, mail=digest)
    Notice.objects.create(user=user, kind=NoticeKind.NOTE, ticket=world.other, event=event, at=now)
    OutboundMail.objects.filter(ticket=main).update(server_reply=mark(PERSON))
    _export_of(main.customer, ADDRESS, main)
    second = f.CustomerAddressFactory(address="second@mail.example").customer
    _export_of(second, "second@mail.example", main)
    _failed(main)


# --- what nobody thought of --------------------------------------------------------------------------

#: Columns whose values are no words: gone with their rows.
NUMBERS = (FloatField, DateField)
#: Columns that name files.
OF_FILES = {(Attachment, "name"), (DraftFile, "name")}


#: What stands in lists that are not pairs of name and address.
SHAPES: dict[str, Any] = {
    "bounces": lambda one: [one, "5.1.1", one],
    "delivered": str,
    "references": str,
    "envelope_to": str,
    "agents": lambda one: {"last_name": one},
    "evidence": lambda one: ["%(value)s", one],
}


def planted_models() -> list[type[Model]]:
    """Return all tables of which rows go with a ticket."""
    return [Ticket, InboundMail, *(model for model, _columns in erasing_rows.GONE)]


def columns_of(model: type[Model]) -> list[tuple[str, str]]:
    """Return the columns that hold something of people, with the kind of marker that belongs there."""
    kinds = {Privacy.CONTENT: CONTENT, Privacy.PERSON: PERSON}
    return [
        (name, FILE if (model, name) in OF_FILES else kinds[kind])
        for name, kind in model.privacy.items()
        if kind in kinds and not isinstance(model._meta.get_field(name), NUMBERS)
    ]


def fill(tickets: list[int]) -> None:
    """Put a marker into every column of these tickets' rows that has none yet."""
    rows = erasing_rows.Rows(tickets)
    ids = {**rows.ids, InboundMail: rows.mails}
    for model in planted_models():
        assert ids[model], f"no {model.__name__} was planted"
        for name, kind in columns_of(model):
            for row in model._default_manager.filter(pk__in=ids[model]).only("pk", name):
                value = getattr(row, name)
                if not is_in(value):
                    _put(row, name, value, kind)


def _put(row: Model, name: str, value: Any, kind: str) -> None:
    field = row._meta.get_field(name)
    new: Any = mark(kind)
    if isinstance(field, JSONField):
        shape = value if value is not None else {}
        if (type(row), name) == (Ticket, "answers"):
            new = snapshot()
        elif isinstance(shape, dict):
            new = {**shape, "planted": new}
        else:
            new = [*shape, SHAPES.get(name, lambda one: [one, f"{one}@mail.example"])(new)]
    elif value:
        new = f"{value} {new}"
    type(row)._default_manager.filter(pk=row.pk).update(**{name: new})
