"""Personal answers outside the snapshot of a form: in its message, in copies of that elsewhere, and in subjects.

What of a message is personal goes with the message, so it is known where a message went that has no snapshot beside
it: to a ticket that was split off, or to another request to which a form was added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from helpdesk.models import Article, Channel, Sender, Ticket
from helpdesk.rules import answers

#: In an article's `extra`: the lines of a form's message that are personal, and the answers in them.
PRIVATE = "private"
#: What is shown instead of a subject of which nothing is left.
NO_SUBJECT = "–"


def private_words(snapshot: object) -> dict[str, Any]:
    """Return for an article's `extra` what is personal in the message that a form makes of a snapshot."""
    lines, words = answers.personal_lines(snapshot), answers.personal_words(snapshot)
    return {PRIVATE: {"lines": lines, "words": words}} if lines or words else {}


def blank_private(article: Article) -> None:
    """Take the personal answers out of a message and its subject; what they were is forgotten. Saves nothing."""
    kept = _kept(article)
    article.body = answers.without_lines(article.body, kept.get("lines", ()))
    article.subject = answers.without_words(article.subject, kept.get("words", ()))
    article.extra = {name: one for name, one in article.extra.items() if name != PRIVATE}


def _kept(article: Article) -> Mapping[str, Any]:
    found = article.extra.get(PRIVATE)
    return found if isinstance(found, dict) else {}


def erase_private(tickets: Collection[int]) -> None:
    """Take personal answers out of all messages of locked tickets (ids), and out of subjects; of these also names.

    A subject that a form makes may name who filled it in. Call it while names and answers are there. Subjects of other
    messages repeat the ticket's, and are changed with it; other texts stay.
    """
    words = _erase_in_messages(tickets)
    rows = {one.pk: one for one in _subjects(tickets)}
    for one in rows.values():
        words[_root(one, rows)].update(answers.personal_words(one.answers))
    changed: dict[int, list[tuple[str, str]]] = {}
    renamed = []
    for one in rows.values():
        root = _root(one, rows)
        left = answers.without_words(one.subject, words[root]) or NO_SUBJECT
        if left != one.subject:
            changed.setdefault(root, []).append((one.subject, left))
            one.subject = left
            renamed.append(one)
    Ticket.objects.bulk_update(renamed, ["subject"], batch_size=200)
    _change_subjects(changed)


def _subjects(tickets: Collection[int]) -> list[Ticket]:
    rows = Ticket.objects.filter(pk__in=tickets).order_by("pk")
    return list(rows.only("pk", "subject", "answers", "merged_into"))


def _root(ticket: Ticket, rows: Mapping[int, Ticket]) -> int:
    """Return the ticket (id) that has the messages of one, which may have been merged into it."""
    while (home := rows.get(ticket.merged_into_id or 0)) is not None:
        ticket = home
    return ticket.pk


def _erase_in_messages(tickets: Collection[int]) -> defaultdict[int, set[str]]:
    """Blank the messages that forms made; return by ticket what must not stand in subjects."""
    words: defaultdict[int, set[str]] = defaultdict(set)
    made = Article.objects.filter(ticket__in=tickets, channel=Channel.WEB, sender=Sender.CUSTOMER)
    changed = []
    for one in made.only("pk", "ticket_id", "from_name", "subject", "body", "extra").order_by("pk"):
        before = (one.subject, one.body, one.extra)
        words[one.ticket_id].update([one.from_name, *_kept(one).get("words", ())])
        blank_private(one)
        one.subject = answers.without_words(one.subject, [one.from_name])
        if before != (one.subject, one.body, one.extra):
            changed.append(one)
    Article.objects.bulk_update(changed, ["subject", "body", "extra"], batch_size=50)
    return words


def _change_subjects(changed: Mapping[int, Collection[tuple[str, str]]]) -> None:
    rows = Article.objects.filter(ticket__in=changed).exclude(subject="").order_by("pk")
    found = []
    for one in rows.only("pk", "ticket_id", "subject"):
        before = one.subject
        for was, now in changed[one.ticket_id]:
            one.subject = one.subject.replace(was, now)
        if one.subject != before:
            found.append(one)
    Article.objects.bulk_update(found, ["subject"], batch_size=200)
