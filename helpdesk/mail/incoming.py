"""One mail on its way from the ledger to an article: what is known of it, and the draft it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from helpdesk import addressing, conf
from helpdesk.actions import FORGED, Draft, Upload, customer_for_address
from helpdesk.models import Channel, Customer, InboundMail, Ticket

from .language import guess_language
from .parsed import Address, ParsedMail
from .sanitise import clean


@dataclass
class Incoming:
    """One mail on its way through the steps; `evidence` and `rule` end in the inbound log."""

    inbound: InboundMail
    mail: ParsedMail
    recipients: tuple[str, ...]
    own: dict[str, int]  # normalised queue address → queue id
    machine: str = ""  # kind of machine mail
    # the receiving server of ours that says the mail is not from whom it names; '' if none does
    forged: str = ""
    rule: str = ""
    evidence: list[list[str]] = field(default_factory=list)
    nobodys: Ticket | None = None  # what it answers, if nobody knows any more whose that is

    def note(self, words: str, value: str = "") -> None:
        """Note what speaks for a decision: `words` in the code's language (`gettext_noop`) with `%(value)s`."""
        self.evidence.append([words, value[:500]])

    def decided(self, rule: InboundMail.Rule, words: str, value: str = "") -> None:
        """Note which rule decides over this mail, and what speaks for it."""
        self.rule = rule
        self.note(words, value)

    @property
    def sender(self) -> str:
        """The sender's address as it is compared, without plus-part; '' if there is none."""
        return normalised(self.mail.from_)


def head_of(mail: ParsedMail) -> dict[str, str]:
    """Return by what a mail is found again in the log: whom it is from, and its subject."""
    sender = mail.from_.address if mail.from_ is not None else ""
    return {"sender": sender[:254], "subject": mail.subject[:250]}


def recipients_of(inbound: InboundMail, mail: ParsedMail) -> tuple[str, ...]:
    """Return all addresses the mail went to, the header's first, then the envelope's."""
    addresses = [one.address for one in (*mail.to, *mail.cc)]
    addresses += [*mail.delivered_to, *inbound.envelope_to]
    return tuple(dict.fromkeys(address for address in addresses if address))


def normalised(address: Address | None) -> str:
    """Return an address without its plus-part, as our own are compared; '' for none."""
    try:
        return addressing.normalise(address.address) if address else ""
    except addressing.BadAddress:
        return ""


def customer_of(step: Incoming) -> Customer | None:
    """Return the sender as a customer, made if unknown; None if the mail names no usable address."""
    sender = step.mail.from_
    if sender is None or not addressing.is_address(sender.address):
        return None
    return customer_for_address(sender.address, name=sender.name, language=language_of(step))


def language_of(step: Incoming) -> str:
    return guess_language(step.mail, default=conf.site_language())


def contact_of(step: Incoming) -> str:
    """Where answers go: Reply-To if it is no address of ours, else From; '' if there is none."""
    for one in (*step.mail.reply_to, step.mail.from_):
        if one is None or not addressing.is_address(one.address):
            continue
        if addressing.normalise(one.address) not in step.own:
            return addressing.canonical(one.address)
    return ""


def draft_of(step: Incoming, *, verified: bool = True) -> Draft:
    """Return the article this mail becomes: HTML sanitised, files in hand."""
    mail = step.mail
    cids = {part.content_id: part.content_id for part in mail.attachments if part.content_id}
    sender = mail.from_
    return Draft(
        body=mail.text,
        html=clean(mail.html, cids) if mail.html else "",
        channel=Channel.EMAIL,
        subject=mail.subject,
        from_name=sender.name if sender else "",
        from_address=sender.address if sender else "",
        reply_to=mail.reply_to[0].address if mail.reply_to else "",
        to=tuple((one.name, one.address) for one in mail.to),
        cc=tuple((one.name, one.address) for one in mail.cc),
        message_id=mail.message_id or "",
        in_reply_to=mail.in_reply_to[0] if mail.in_reply_to else "",
        references=mail.references[-30:],
        content_hash=mail.content_hash,
        machine=step.machine,
        verified=verified,
        defects=mail.defects,
        extra=_extra(mail) | ({FORGED: step.forged} if step.forged else {}),
        files=tuple(
            Upload(
                name=part.name,
                content=part.content,
                content_type=part.content_type,
                content_id=part.content_id or "",
                inline=part.inline,
            )
            for part in mail.attachments
        ),
        created_at=_date(step),
    )


def _date(step: Incoming) -> datetime:
    """The article's time: of an archive the mail's own (never in the future), else the receipt."""
    if step.inbound.silent and step.mail.date is not None:
        return min(step.mail.date, step.inbound.received_at)
    return step.inbound.received_at


def _extra(mail: ParsedMail) -> dict[str, object]:
    extra: dict[str, object] = {}
    if mail.events:
        extra["events"] = [
            {
                "summary": one.summary,
                "start": one.start.isoformat() if one.start else None,
                "end": one.end.isoformat() if one.end else None,
                "location": one.location,
                "method": one.method,
                "all_day": one.all_day,
            }
            for one in mail.events
        ]
    if mail.protection:
        extra["protection"] = mail.protection
    if mail.date is not None:
        extra["date"] = mail.date.isoformat()
    return extra
