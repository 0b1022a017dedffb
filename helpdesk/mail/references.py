"""Which articles of ours a mail is, or refers to, by Message-ID."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from helpdesk import addressing
from helpdesk.models import Article, current_batch, known, learn

from .parsed import ParsedMail


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """What is asked first of an article. Most mails are new and have none: so nothing else is read."""

    pk: int
    ticket_id: int
    content_hash: str


#: By Message-ID (`message_id_key`), newest first.
KnownArticles = Mapping[str, Sequence[KnownArticle]]


def hints_of(mail: ParsedMail) -> list[str]:
    """Return the Message-IDs the mail refers to, nearest first; a report's comes before all."""
    report_id = mail.report.original_message_id if mail.report else None
    ids = [report_id] if report_id else []
    return [*ids, *mail.in_reply_to, *reversed(mail.references)][:60]


def answer_key(message_id: str) -> str:
    """Return the idempotency key of an agent's answer that came by the mail with this Message-ID.

    The answer itself carries the id of the mail that went on to the customer; by this key a second
    delivery of the agent's mail, and replies to it, are recognised.
    """
    key = addressing.message_id_key(message_id)
    return f"mail-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:59]}"


def known_articles(mail: ParsedMail) -> KnownArticles:
    """Return our articles with the mail's own id, or one it refers to. One query, if not read ahead."""
    own, hints = _keys(mail)
    asked = [*own, *hints, *map(answer_key, hints)]
    ahead = _ahead()
    rows = ahead if all(key in ahead for key in asked) else _read(asked)
    found = {key: list(rows[key]) for key in (*own, *hints) if rows[key]}
    for key in hints:  # an agent's answer by mail went out under another id; its own one is its key
        if answers := rows[answer_key(key)]:
            both = {*found.get(key, ()), *answers}
            found[key] = sorted(both, key=lambda one: one.pk, reverse=True)
    return found


def read_ahead_articles(mails: Iterable[ParsedMail]) -> None:
    """Read for the open batch what `known_articles` will ask about some mails."""
    asked: set[str] = set()
    for mail in mails:
        own, hints = _keys(mail)
        asked |= {*own, *hints, *map(answer_key, hints)}
    learn(Article, _read(asked))


def _keys(mail: ParsedMail) -> tuple[list[str], list[str]]:
    own = [addressing.message_id_key(mail.message_id)] if mail.message_id else []
    return own, [addressing.message_id_key(one) for one in hints_of(mail)]


def _read(asked: Collection[str]) -> dict[str, list[KnownArticle]]:
    """Return the articles by the Message-IDs and answers' keys asked for."""
    found: dict[str, list[KnownArticle]] = {key: [] for key in asked}
    if not asked:
        return found
    which = Q(message_id__in=asked)
    answers = [key for key in asked if key.startswith("mail-")]
    which = which | Q(idempotency_key__in=answers) if answers else which
    rows = (
        Article.objects.filter(which)
        .order_by("-pk")
        .values_list("message_id", "idempotency_key", "pk", "ticket_id", "content_hash")
    )
    for message_id, answer, pk, ticket_id, content_hash in rows:
        for key in found.keys() & {message_id, answer}:
            found[key].append(KnownArticle(pk, ticket_id, content_hash))
    return found


def _ahead() -> dict[str, list[KnownArticle]]:
    """Return what the open batch has read ahead, with the articles it made since."""
    opened = current_batch()
    rows = dict(known(Article))
    for article in opened.made(Article) if opened is not None else ():
        if article.message_id in rows:
            made = KnownArticle(article.pk, article.ticket_id, article.content_hash)
            rows[article.message_id] = [made, *rows[article.message_id]]
    return rows
