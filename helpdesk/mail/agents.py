"""Agents who work by mail: their answer goes on to the customer, if it is theirs.

An agent gets mail of a ticket (as a copy, say) and answers it to the ticket's signed reply address. The
address in From alone proves nothing: only an authentic mail speaks for the desk. And a mail repeats
what it answers, internal notes too: only words that are surely the agent's own are sent on. In doubt
the mail becomes internal; nothing is lost, and nothing gets out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, cast

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_noop

from helpdesk import addressing, permissions
from helpdesk.actions import Draft, Upload, add_note, answer, receive_message
from helpdesk.errors import AlreadyDone, InvalidInput
from helpdesk.models import Article, InboundMail, Right, Ticket
from helpdesk.permissions import SYSTEM, Actor

from . import authenticity, thread
from .authenticity import Verdict
from .folding import LIMIT_LINES, fold
from .incoming import Incoming
from .parsed import ParsedMail
from .references import answer_key

#: A mail whose Date is further from its receipt may be an old one, sent again by somebody else.
MAX_AGE: Final = timedelta(days=7)
#: Internal messages of the ticket that an answer is compared with, newest first.
LIMIT_NOTES: Final = 50
#: A line of a note that is shorter may stand in anything.
_TELLING: Final = 25

#: What stands before a reason; each part is translated where the inbound log shows it.
_KEPT_INSIDE: Final = gettext_noop("not sent to the customer, filed internally")

#: Parts that protect the agent's mail on its way to us; they fit nothing that we send.
_PROTECTING: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_QUOTED = re.compile(r"^[ \t]{0,3}(?:>|&gt;)", re.MULTILINE)
_SIGNATURE = re.compile(r"^--[ \t]*$", re.MULTILINE)
_REPLY_ADDRESS = re.compile(r"\+t\d{1,18}-[a-z2-7]{16}@")


@dataclass(frozen=True, slots=True)
class AgentMail:
    """What became of an agent's mail.

    answered: the article is the answer, its mail is on the way; noted: an internal note of the agent;
    unverified: internal, and who wrote it is open; again: the mail came before, as this article.
    """

    article: Article
    outcome: Literal["answered", "noted", "unverified", "again"]
    evidence: tuple[str, ...]


class _Unclear(Exception):
    """It cannot be told what of the mail is meant for the customer; the text says why."""


def may_wait(steps: Mapping[int, Incoming]) -> list[int]:
    """Return the keys of those mails of which `answer_of` may ask the DNS: an agent's to a reply address.

    They must not be filed together with others, which would keep their locks for as long. One query at most.
    """
    keys = addressing.signing_keys()
    senders = {
        pk: thread.sender_of(step.mail)
        for pk, step in steps.items()
        if any(addressing.read_reply_token(one, keys) is not None for one in step.recipients)
    }
    if not senders:
        return []
    works = Q(is_superuser=True) | Q(groups__queue_rights__isnull=False)
    users = get_user_model()._default_manager.filter(works, is_active=True)
    found = users.annotate(address=Lower("email")).filter(address__in=senders.values())
    addresses = set(found.values_list("address", flat=True))
    return [pk for pk, sender in senders.items() if sender in addresses]


def answer_of(
    *, inbound: InboundMail, mail: ParsedMail, match: thread.Match, draft: Draft
) -> AgentMail | None:
    """File the mail of an agent to a ticket's reply address; None if it is none.

    `draft` is the whole mail as an article to be. It is an agent's if its sender is no customer of the
    ticket and a user with the right to answer or to write notes there. Machine mail and archives are
    none. May wait for the DNS a few seconds. Call inside the transaction that files `inbound`.
    """
    ticket, sender = match.ticket, thread.sender_of(mail)
    if match.tier != thread.Tier.TOKEN or draft.machine or inbound.silent:
        return None
    if not sender or thread.is_customer(ticket, sender):
        return None
    actors = _agents(ticket, sender)
    if not actors:
        return None
    before = _came_before(mail)
    if before is not None and before.content_hash == mail.content_hash:
        return AgentMail(before, "again", (gettext_noop("the same mail of an agent came before"),))
    if before is not None:
        verdict = Verdict(
            False, gettext_noop("not authentic: another mail with this Message-ID came before")
        )
    else:
        verdict = _verdict(inbound, mail, match, actors)
    if not verdict.authentic:
        return _unverified(ticket, draft, verdict)
    if match.of_joined:
        # the words are for the customer of the request that was merged, not for this one's
        kept = gettext_noop(
            "not sent to the customer: the request was merged with another customer's"
        )
        return AgentMail(_note(actors[0], ticket, draft), "noted", (verdict.evidence, kept))
    return _taken(actors[0], ticket, mail, draft, verdict)


def _came_before(mail: ParsedMail) -> Article | None:
    if not mail.message_id:
        return None
    key = answer_key(mail.message_id)
    return Article.objects.filter(idempotency_key=key).select_related("ticket").first()


def _agents(ticket: Ticket, sender: str) -> list[Actor]:
    """Return the users with this address who may do something by mail here."""
    users = get_user_model()._default_manager.filter(is_active=True, email__iexact=sender)
    actors = [permissions.agent(user) for user in users.order_by("pk")[:5]]
    return [
        one for one in actors if _may(one, Right.ANSWER, ticket) or _may(one, Right.NOTE, ticket)
    ]


def _may(actor: Actor, right: Right, ticket: Ticket) -> bool:
    return permissions.can(actor, right, ticket)


def _verdict(
    inbound: InboundMail, mail: ParsedMail, match: thread.Match, actors: list[Actor]
) -> Verdict:
    """Decide whether the mail was written by the agent, now, and to this ticket."""
    if len(actors) > 1:
        return Verdict(False, gettext_noop("not authentic: several users have this address"))
    if not mail.message_id:
        return Verdict(False, gettext_noop("not authentic: no Message-ID"))
    if mail.date is None or abs(inbound.received_at - mail.date) > MAX_AGE:
        return Verdict(False, gettext_noop("not authentic: its date is not of these days"))
    carrying = _carrying(mail, match.evidence)
    if not carrying:
        # the envelope is nobody's word: an old mail to somebody else could be sent here
        return Verdict(
            False, gettext_noop("not authentic: the reply address stands neither in To nor in Cc")
        )
    if inbound.blob is None:
        return Verdict(False, gettext_noop("not authentic: the raw mail is gone"))
    return authenticity.judge(
        inbound.blob.read(),
        mail,
        server=authenticity.server_of(inbound),
        now=inbound.received_at,
        covering=(carrying, "message-id"),
    )


def _carrying(mail: ParsedMail, address: str) -> str:
    for name, people in (("to", mail.to), ("cc", mail.cc)):
        if any(one.address == address for one in people):
            return name
    return ""


def _unverified(ticket: Ticket, draft: Draft, verdict: Verdict) -> AgentMail:
    article = receive_message(
        actor=SYSTEM,
        ticket=ticket,
        draft=replace(draft, verified=False, extra={**draft.extra, "agent_by_mail": "unverified"}),
        visible=False,
    )
    evidence = (
        gettext_noop("sent from an agent's address"),
        verdict.evidence,
        gettext_noop("filed internally"),
    )
    return AgentMail(article, "unverified", evidence)


def _taken(
    actor: Actor, ticket: Ticket, mail: ParsedMail, draft: Draft, verdict: Verdict
) -> AgentMail:
    """File an authentic mail: as an answer if that is allowed and clear, else internally."""
    evidence = [f"agent {actor.user.get_username()}", verdict.evidence]
    if not _may(actor, Right.ANSWER, ticket):
        evidence.append(gettext_noop("no right to answer: filed as a note"))
        return AgentMail(_note(actor, ticket, draft), "noted", tuple(evidence))
    try:
        own = _for_customer(ticket, mail, draft)
        article = answer(actor=actor, ticket=ticket, draft=own)
    except _Unclear as doubt:
        evidence.append(f"{_KEPT_INSIDE}: {doubt}")
    except InvalidInput:
        evidence.append(
            gettext_noop(
                "not sent to the customer, filed internally: there is no address to send to"
            )
        )
    except AlreadyDone as done:  # filed at this moment in another process
        return AgentMail(
            cast("Article", done.existing),
            "again",
            (gettext_noop("the same mail of an agent came before"),),
        )
    else:
        left_out = len(draft.files) - len(own.files)
        if left_out:
            evidence.append(f"pictures in the text and signatures left out: {left_out}")
        return AgentMail(article, "answered", (*evidence, gettext_noop("answered the customer")))
    return AgentMail(_note(actor, ticket, draft), "noted", tuple(evidence))


def _note(actor: Actor, ticket: Ticket, draft: Draft) -> Article:
    """Keep the whole mail internally: as a note of the agent, or without that right as a message."""
    draft = replace(draft, verified=True)
    if _may(actor, Right.NOTE, ticket) and (draft.body.strip() or draft.files):
        return add_note(actor=actor, ticket=ticket, draft=draft)
    return receive_message(actor=SYSTEM, ticket=ticket, draft=draft, visible=False)


def _for_customer(ticket: Ticket, mail: ParsedMail, draft: Draft) -> Draft:
    """Return what of a mail goes on to the customer. Raises `_Unclear`.

    Text and files only: the HTML holds the quotation, and its pictures are mostly a signature's. The
    agent's own address and subject (that of an internal notice, perhaps) stay inside as well.
    """
    if mail.protection in ("smime-encrypted", "pgp-encrypted") or "-----BEGIN PGP" in mail.text:
        raise _Unclear(gettext_noop("it is encrypted, or signed inside its text"))
    if "text-cut" in mail.defects:
        raise _Unclear(gettext_noop("it is too long"))
    body = own_words(mail.text)
    if _repeats_a_note(ticket, body):
        raise _Unclear(gettext_noop("it repeats an internal message"))
    return Draft(
        body=body,
        channel=draft.channel,
        subject=ticket.subject,
        content_hash=draft.content_hash,
        defects=draft.defects,
        extra={"agent_by_mail": "authentic"},
        files=_files(draft),
        created_at=draft.created_at,
        idempotency_key=answer_key(mail.message_id or ""),
    )


def own_words(text: str) -> str:
    """Return what an agent wrote above the quotation, without signature.

    Raises `_Unclear` if nothing is left, or if words stand among or behind quoted lines: those may
    answer them line by line, and cannot be told from the quotation for sure.
    """
    if text.count("\n") > LIMIT_LINES:
        raise _Unclear(gettext_noop("it is too long"))
    own, quoted = "", False
    for segment in fold(text):
        if segment.kind == "quote":
            quoted = True
        elif segment.kind == "text" and segment.text.strip():
            if quoted:
                raise _Unclear(gettext_noop("words stand behind the quotation"))
            own += segment.text
    own = _SIGNATURE.split(own, maxsplit=1)[0].strip()
    if _QUOTED.search(own) or _REPLY_ADDRESS.search(own):
        raise _Unclear(gettext_noop("words stand among quoted lines"))
    if not own:
        raise _Unclear(gettext_noop("nothing is left without quotation and signature"))
    return own


def _repeats_a_note(ticket: Ticket, body: str) -> bool:
    """Tell whether a telling line of an internal message stands in the text, however it is broken.

    The last wall: a way of quoting that we do not know must not carry a note outside.
    """
    text = _joined(body)
    notes = Article.objects.filter(ticket=ticket, visible=False).order_by("-created_at", "-pk")
    for note in notes.values_list("body", flat=True)[:LIMIT_NOTES]:
        for line in note[:50_000].splitlines():
            telling = _joined(line)
            if len(telling) >= _TELLING and telling in text:
                return True
    return False


def _joined(text: str) -> str:
    return " ".join(text.split()).casefold()


def _files(draft: Draft) -> tuple[Upload, ...]:
    """Return the files that go along. Raises `_Unclear` for an attached mail: it may be the notice."""
    if any(file.content_type == "message/rfc822" for file in draft.files):
        raise _Unclear(gettext_noop("a mail is attached"))
    return tuple(
        replace(file, content_id="", inline=False)
        for file in draft.files
        if not file.inline
        and file.content_type not in _PROTECTING
        and not (file.content_id and file.content_type.startswith("image/"))
    )
