"""What a mail filter may ask of an arriving mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _
from django_mailbox.models import Mailbox

from helpdesk import conf
from helpdesk.rules.fields import Field, FieldSet, FieldType, Options

from . import spam
from .language import guess_language
from .parsed import ParsedMail
from .screen import MachineKind

MAX_BODY = 50_000

_MACHINES: Final = {
    MachineKind.AUTO_REPLY: _("automatic answer"),
    MachineKind.LIST: _("mailing list or newsletter"),
    MachineKind.DELIVERY_FAILURE: _("delivery failure"),
    MachineKind.DELIVERY_DELAY: _("delayed delivery"),
    MachineKind.DISPOSITION: _("read receipt"),
    MachineKind.CALENDAR_REPLY: _("answer to an invitation"),
    MachineKind.SYSTEM: _("other program"),
}


def _mailboxes() -> Options:
    return list(Mailbox.objects.order_by("name").values_list("pk", "name"))


def _machines() -> Options:
    return [(str(kind), label) for kind, label in _MACHINES.items()]


MAIL_FIELDS = FieldSet(
    Field("from", FieldType.TEXT, _("sender's address")),
    Field("from_name", FieldType.TEXT, _("sender's name")),
    Field("from_domain", FieldType.TEXT, _("sender's domain")),
    Field("recipients", FieldType.LIST, _("recipients")),
    Field("subject", FieldType.TEXT, _("subject")),
    Field("body", FieldType.TEXT, _("text")),
    Field("attachments", FieldType.LIST, _("names of attachments")),
    Field("is_followup", FieldType.BOOLEAN, _("belongs to an existing ticket")),
    Field("machine", FieldType.CHOICE, _("kind of machine mail"), choices=_machines, codes=True),
    Field("spam", FieldType.TEXT, _("taken for spam (yes, or empty)")),
    Field("spam_score", FieldType.NUMBER, _("spam score")),
    Field("list_id", FieldType.TEXT, _("mailing list")),
    Field(
        "language",
        FieldType.CHOICE,
        _("language of the text"),
        choices=conf.language_choices,
        codes=True,
    ),
    Field("size", FieldType.NUMBER, _("size in kilobytes")),
    Field("account", FieldType.CHOICE, _("mail account"), choices=_mailboxes),
    Field("headers", FieldType.LIST, _("headers (name: value)")),
)


@dataclass(frozen=True)
class Context:
    """What a filter may ask that does not stand in the mail itself.

    `account` is the id of the mailbox it was fetched from, `size` its bytes, `is_followup` whether
    it joins a ticket that exists.
    """

    is_followup: bool = False
    account: int | None = None
    size: int = 0


class MailValues(Mapping[str, object]):
    """The values of `MAIL_FIELDS` for one mail, each worked out when a filter asks for it."""

    def __init__(
        self, mail: ParsedMail, recipients: tuple[str, ...], machine: str, context: Context
    ) -> None:
        self.mail = mail
        self.recipients = recipients
        self.machine = machine
        self.context = context
        self._found: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name not in self._found:
            self._found[name] = _READERS[name](self)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_READERS)

    def __len__(self) -> int:
        return len(_READERS)


def _first(mail: ParsedMail, name: str) -> str:
    return mail.headers.get(name, ("",))[0]


def _domain(mail: ParsedMail) -> str:
    return mail.from_.address.rpartition("@")[2].lower() if mail.from_ else ""


def _language(mail: ParsedMail) -> str:
    codes = [code for code, _label in conf.language_choices()]
    found = guess_language(mail, default="")
    return found if found in codes else ""


def _list_id(mail: ParsedMail) -> str:
    """Return the identifier of a mailing list (RFC 2919), without its description."""
    value = _first(mail, "list-id")
    inside = re.search(r"<([^<>]*)>", value)
    return (inside.group(1) if inside else value).strip()


def _headers(mail: ParsedMail) -> list[str]:
    return [f"{name}: {value}" for name, values in mail.headers.items() for value in values]


_READERS: Final[dict[str, Callable[[MailValues], object]]] = {
    "from": lambda of: of.mail.from_.address if of.mail.from_ else "",
    "from_name": lambda of: of.mail.from_.name if of.mail.from_ else "",
    "from_domain": lambda of: _domain(of.mail),
    "recipients": lambda of: list(of.recipients),
    "subject": lambda of: of.mail.subject,
    "body": lambda of: of.mail.text[:MAX_BODY],
    "attachments": lambda of: [part.name for part in of.mail.attachments],
    "is_followup": lambda of: of.context.is_followup,
    "machine": lambda of: of.machine,
    "spam": lambda of: "yes" if spam.judge(of.mail) else "",
    "spam_score": lambda of: spam.score_of(of.mail),
    "list_id": lambda of: _list_id(of.mail),
    "language": lambda of: _language(of.mail),
    "size": lambda of: of.context.size / 1024,
    "account": lambda of: of.context.account,
    "headers": lambda of: _headers(of.mail),
}
