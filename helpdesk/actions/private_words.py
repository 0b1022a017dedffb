"""Personal answers, and names of files, outside the snapshot of a form: in its message, in copies of that elsewhere, and in
subjects.

What of a message is personal goes with the message, so it is known where a message went that has no snapshot beside
it: to a ticket that was split off, or to another request to which a form was added. The same holds for its files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from helpdesk.models import Article, Channel, Sender, Ticket
from helpdesk.rules import answers

#: In an article's `extra`: the lines of a form's message that are personal, and the answers in them.
PRIVATE = "private"
#: The same of the lines that name files.
FILES = "files"
#: What is shown instead of a subject of which nothing is left.
NO_SUBJECT = "–"
#: Which answers stand under which key.
_GOES: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    PRIVATE: answers.is_personal,
    FILES: answers.is_files,
}


def private_words(snapshot: object) -> dict[str, Any]:
    """Return for an article's `extra` what is personal in the message that a form makes of a snapshot, and what files."""
    found = {}
    for key, other in ((PRIVATE, FILES), (FILES, PRIVATE)):
        lines = answers.lines_that_go(snapshot, _GOES[key], _GOES[other])
        words = answers.words_that_go(snapshot, _GOES[key])
        if lines or words:
            found[key] = {"lines": lines, "words": words}
    return found


def blank_private(article: Article) -> None:
    """Take the personal answers out of a message and its subject; what they were is forgotten. Saves nothing."""
    _blank(article, PRIVATE)


def blank_files(article: Article) -> None:
    """Take the names of files out of a message that a form made, and its subject. Saves nothing."""
    _blank(article, FILES)


def _blank(article: Article, key: str) -> None:
    kept = _kept(article, key)
    article.body = answers.without_lines(article.body, kept.get("lines", ()))
    article.subject = answers.without_words(article.subject, kept.get("words", ()))
    article.extra = {name: one for name, one in article.extra.items() if name != key}
    _forget_in_the_other(article, kept)


def _forget_in_the_other(article: Article, kept: Mapping[str, Any]) -> None:
    """Let the lines that go at the other step say nothing of those that went: in a list of rows they are the same line."""
    lines, words = {was for was, _now in kept.get("lines", ())}, kept.get("words", ())
    for key in _GOES.keys() & article.extra.keys():
        other = _kept(article, key)
        left = {
            "lines": [pair for pair in other.get("lines", ()) if pair[0] not in lines],
            "words": [
                one for one in other.get("words", ()) if not any(one in was for was in words)
            ],
        }
        article.extra = {**article.extra, key: left}


def _kept(article: Article, key: str) -> Mapping[str, Any]:
    found = article.extra.get(key)
    return found if isinstance(found, dict) else {}


def erase_private(tickets: Collection[int]) -> None:
    """Take personal answers out of all messages of locked tickets (ids), and out of subjects; of these also names.

    A subject that a form makes may name who filled it in. Call it while names and answers are there. Subjects of other
    messages repeat the ticket's, and are changed with it; other texts stay.
    """
    _erase(tickets, PRIVATE)


def erase_file_names(tickets: Collection[int]) -> set[int]:
    """Take the names of files out of all messages of locked tickets (ids) that forms made, and out of subjects.

    Call it while the answers are there. Returns the tickets in which something changed.
    """
    return _erase(tickets, FILES)


def _erase(tickets: Collection[int], key: str) -> set[int]:
    words = _erase_in_messages(tickets, key)
    touched = set(words)
    rows = {one.pk: one for one in _subjects(tickets)}
    for one in rows.values():
        words[_root(one, rows)].update(answers.words_that_go(one.answers, _GOES[key]))
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
    return touched | {one.pk for one in renamed}


def _subjects(tickets: Collection[int]) -> list[Ticket]:
    rows = Ticket.objects.filter(pk__in=tickets).order_by("pk")
    return list(rows.only("pk", "subject", "answers", "merged_into"))


def _root(ticket: Ticket, rows: Mapping[int, Ticket]) -> int:
    """Return the ticket (id) that has the messages of one, which may have been merged into it."""
    while (home := rows.get(ticket.merged_into_id or 0)) is not None:
        ticket = home
    return ticket.pk


def _erase_in_messages(tickets: Collection[int], key: str) -> defaultdict[int, set[str]]:
    """Blank the messages that forms made; return by ticket what must not stand in subjects."""
    words: defaultdict[int, set[str]] = defaultdict(set)
    made = Article.objects.filter(ticket__in=tickets, channel=Channel.WEB, sender=Sender.CUSTOMER)
    changed = []
    for one in made.only("pk", "ticket_id", "from_name", "subject", "body", "extra").order_by("pk"):
        before = (one.subject, one.body, one.extra)
        names = [one.from_name] if key == PRIVATE else []
        if found := {*names, *_kept(one, key).get("words", ())}:
            words[one.ticket_id].update(found)
        _blank(one, key)
        one.subject = answers.without_words(one.subject, names)
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
