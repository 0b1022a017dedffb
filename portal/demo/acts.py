"""What customers of the demo do: each act is one verb, one form, or one mail through the pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import override

from helpdesk import actions, limits, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.mail import ingest, ledger
from helpdesk.models import (
    Blob,
    Channel,
    InboundMail,
    OutboundMail,
    Queue,
    Ticket,
)
from portal.models import IntakeFormPage, User

from . import clock
from .blocks import block_id, choice_value, input_name
from .people import WRITERS

#: (name, content)
File = tuple[str, bytes]


@dataclass
class Stage:
    """Everything and everybody a story needs; `ticket` is the story's own."""

    users: dict[str, User]
    queues: dict[str, Queue]
    forms: dict[tuple[str, str], IntakeFormPage]  # (key, language)
    tickets: dict[str, Ticket] = field(default_factory=dict)  # by story
    story: str = ""

    @property
    def ticket(self) -> Ticket:
        return Ticket.objects.select_related("queue", "state", "customer").get(
            pk=self.tickets[self.story].pk
        )

    def agent(self, username: str) -> permissions.Actor:
        return permissions.agent(self.users[username])

    def sender(self, who: str) -> tuple[str, str]:
        """Return name and address of a person with or without an account."""
        if who in WRITERS:
            return WRITERS[who].name, WRITERS[who].address
        return str(self.users[who]), self.users[who].email

    def language(self, who: str) -> str:
        return WRITERS[who].language if who in WRITERS else self.users[who].language


@dataclass(frozen=True)
class Act:
    """Something that happens in a story. `when` is read by `clock.moment`."""

    when: str

    def play(self, stage: Stage) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Form(Act):
    """Somebody fills in a form. `answers` by field name; a choice by its name, files as `File`s,
    a date as working days from today, people as rows of their columns."""

    form: str
    who: str
    answers: dict[str, Any]
    objects: bool = False

    def play(self, stage: Stage) -> None:
        page = stage.forms[self.form, stage.language(self.who)]
        name, address = stage.sender(self.who)
        request = HttpRequest()
        request.user = stage.users.get(self.who, AnonymousUser())
        data: MultiValueDict[str, str] = MultiValueDict(
            {
                "contact_name": [name],
                "contact_email": [address],
                "submission_key": [f"demo-{stage.story}"],
                "shown_at": [limits.stamp(seconds_ago=60)],
            }
        )
        files: MultiValueDict[str, SimpleUploadedFile] = MultiValueDict()
        if self.objects:
            data["objects_to_storage"] = "on"
        kinds = {block.id: block.block_type for block in page.fields}
        for key, value in self.answers.items():
            fill(data, files, self.form, key, value, kinds)
        with override(page.locale.language_code):
            form = page.get_form(data, files, user=request.user)
            if not form.is_valid():
                raise ValueError(f"{stage.story}: {form.errors.as_json()}")
            stage.tickets[stage.story] = page.receive(form, request)


def fill(
    data: MultiValueDict[str, str],
    files: MultiValueDict[str, SimpleUploadedFile],
    form: str,
    key: str,
    value: Any,
    kinds: dict[str, str],
) -> None:
    """Put one answer into the data of a request, as a browser would."""
    name = input_name(form, key)
    kind = kinds[block_id(form, key)]
    if kind == "files":
        files.setlist(name, [SimpleUploadedFile(*one) for one in value])
    elif kind in ("choice", "choices"):
        chosen = [value] if isinstance(value, str) else value
        data.setlist(name, [choice_value(form, key, one) for one in chosen])
    elif kind == "people":
        data[f"{name}-rows"] = str(len(value))
        for place, row in enumerate(value):
            data.update({f"{name}-{place}-{column}": said for column, said in row.items()})
    elif kind == "date":
        data[name] = timezone.localdate(clock.due(value)).isoformat()
    else:
        data[name] = str(value)


@dataclass(frozen=True)
class Mail(Act):
    """Somebody writes a mail; the first one of a story opens its ticket.

    `reply` answers our last mail in the story; `number` only names the ticket in the subject.
    `to` may be several addresses, `again` delivers the same mail once more.
    """

    who: str
    text: str
    subject: str = ""
    to: tuple[str, ...] = ()
    html: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    reply: bool = False
    number: bool = False
    again: bool = False

    def play(self, stage: Stage) -> None:
        raw = self.raw(stage)
        row = deliver(raw)
        if self.again:
            deliver(raw, key="again")
        if row.ticket is None:
            raise ValueError(f"{stage.story}: {row.state} {row.reason}")
        stage.tickets.setdefault(stage.story, row.ticket)

    def raw(self, stage: Stage) -> bytes:
        mail = EmailMessage()
        now = timezone.now()
        sender = stage.sender(self.who)
        digest = sha256(f"{stage.story}{self.when}".encode()).hexdigest()[:20]
        mail["From"] = formataddr(sender)
        mail["Date"] = format_datetime(timezone.localtime(now))
        mail["Message-ID"] = f"<{digest}@{sender[1].rpartition('@')[2]}>"
        for name, value in self.headers:
            mail[name] = value
        subject, to, body = self.subject, list(self.to), self.text
        if self.reply:
            last = OutboundMail.objects.filter(ticket=stage.ticket).order_by("-pk")[0]
            subject, to = f"Re: {last.subject}", [last.reply_to]
            mail["In-Reply-To"] = last.message_id
            mail["References"] = " ".join([*last.references, last.message_id])
            if not self.headers:
                body = f"{body}\n\n{quoted(last, stage.language(self.who))}"
        if self.number:
            subject = f"{self.subject} [#{stage.ticket.number}]"
        mail["To"] = ", ".join(to)
        mail["Subject"] = subject
        mail.set_content(body)
        if self.html:
            mail.add_alternative(self.html, subtype="html")
        for name, content in self.files:
            kind, _, sub = KINDS[name.rpartition(".")[2]].partition("/")
            mail.add_attachment(content, maintype=kind, subtype=sub, filename=name)
        return mail.as_bytes()


KINDS = {"png": "image/png", "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv"}


def quoted(mail: OutboundMail, language: str) -> str:
    """Return our mail as most programs quote it."""
    head = f"{mail.from_name} wrote:" if language == "en" else f"{mail.from_name} schrieb:"
    return "\n".join([head, *(f"> {line}".rstrip() for line in mail.body.strip().splitlines())])


def deliver(raw: bytes, *, key: str = "", attempts: int = 1) -> InboundMail:
    """Put a raw mail into the ledger and file it, as a fetched one.

    `ledger.accept` promises a commit of its own, which the demo's one transaction cannot give: so
    the row is made here.
    """
    digest = sha256(raw).hexdigest()
    row = InboundMail.objects.create(
        source="demo",
        key=f"{digest}{key}",
        blob=Blob.keep(raw),
        size=len(raw),
        next_try_at=timezone.now(),
    )
    for _attempt in range(attempts):
        row = ingest.process(row.pk)
    return row


@dataclass(frozen=True)
class LostMail(Mail):
    """A mail to an address that is no queue's: tried as often as the worker would, then given up."""

    def play(self, stage: Stage) -> None:
        with _silent("helpdesk.mail.ingest"):
            deliver(self.raw(stage), attempts=len(ledger.RETRY_AFTER) + 1)


@dataclass(frozen=True)
class IgnoredMail(Mail):
    """A mail that a filter makes no ticket of."""

    def play(self, stage: Stage) -> None:
        deliver(self.raw(stage))


@dataclass(frozen=True)
class CameBack(Act):
    """The customer's mail server reports that our last mail could not be delivered (RFC 3464)."""

    words: str

    def play(self, stage: Stage) -> None:
        last = OutboundMail.objects.filter(ticket=stage.ticket).order_by("-pk")[0]
        address = last.to[0][1]
        server = f"mx.{address.rpartition('@')[2]}"
        report = REPORT.format(
            server=server,
            address=address,
            number=stage.ticket.number,
            words=self.words,
            desk=last.from_address,
            date=format_datetime(timezone.localtime(timezone.now())),
            message_id=last.message_id,
        )
        deliver(report.encode())


REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@{server}>
To: {desk}
Subject: Undelivered Mail Returned to Sender
Date: {date}
Message-ID: <report-{number}@{server}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=report
Return-Path: <>
Auto-Submitted: auto-replied

--report
Content-Type: text/plain; charset=utf-8

Ihre Nachricht konnte nicht zugestellt werden. / Your message could not be delivered.

<{address}>: {words}
--report
Content-Type: message/delivery-status

Reporting-MTA: dns; {server}

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; {words}

--report
Content-Type: text/rfc822-headers

From: {desk}
Message-ID: {message_id}

--report--
"""


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep an expected failure out of the terminal."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@dataclass(frozen=True)
class Call(Act):
    """Somebody calls, and an agent writes it down as a new ticket."""

    agent: str
    queue: str
    who: str
    subject: str
    text: str

    def play(self, stage: Stage) -> None:
        name, address = stage.sender(self.who)
        language = stage.language(self.who)
        opened = actions.open_by_phone(
            actor=stage.agent(self.agent),
            queue=stage.queues[self.queue],
            subject=self.subject,
            body=self.text,
            customer=actions.customer_for_address(address, name=name, language=language),
            contact=address,
            language=language,
            receipt=True,
        )
        stage.tickets[stage.story] = opened.ticket


@dataclass(frozen=True)
class Reply(Act):
    """The customer writes on the page of the request."""

    text: str
    files: tuple[File, ...] = ()

    def play(self, stage: Stage) -> None:
        ticket = stage.ticket
        person = ticket.customer
        actions.receive_message(
            actor=permissions.link_bearer(ticket),
            ticket=ticket,
            customer=person,
            draft=Draft(
                body=self.text,
                channel=Channel.WEB,
                from_name=str(person),
                from_address=ticket.contact,
                files=tuple(
                    Upload(name, content, KINDS[name.rpartition(".")[2]])
                    for name, content in self.files
                ),
            ),
        )


@dataclass(frozen=True)
class CloseRequest(Act):
    """The customer closes the request."""

    def play(self, stage: Stage) -> None:
        ticket = stage.ticket
        actions.close_request(actor=permissions.link_bearer(ticket), ticket=ticket)


@dataclass(frozen=True)
class Object(Act):
    """The customer objects to the longer storage on the page of the request."""

    def play(self, stage: Stage) -> None:
        ticket = stage.ticket
        actions.object_to_storage(
            actor=permissions.link_bearer(ticket), ticket=ticket, channel=Channel.WEB
        )
