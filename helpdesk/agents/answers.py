"""The frozen answers of a form, ready for a definition list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpdesk.models import Article, Attachment, Channel, EventKind, Sender, Ticket
from helpdesk.rules.answers import told


@dataclass
class Answer:
    """One question as the customer saw it. A list has rows of answers; its text says them in lines."""

    label: str
    shown: str = ""
    is_empty: bool = False
    is_private: bool = False
    files: list[Attachment] = field(default_factory=list)
    rows: list[list[Answer]] = field(default_factory=list)

    @property
    def heads(self) -> list[str]:
        """The columns of its rows, if all have the same: then they are a table."""
        labels = [[cell.label for cell in row] for row in self.rows]
        return labels[0] if labels and all(one == labels[0] for one in labels) else []


def read(snapshot: object, files: Iterable[Attachment]) -> list[Answer]:
    """Return the answers of a ticket. Old or odd snapshots lose a line, never the screen."""
    by_key: dict[str, list[Attachment]] = {}
    for one in files:
        by_key.setdefault(one.answer_key, []).append(one)
    return _answers(snapshot, by_key)


def own_entries(ticket: Ticket, entries: list[Any]) -> list[Any]:
    """Return the entries of a thread in which files of the ticket's own form can be.

    What a merge brought may have files of a form as well, even of the same; they stay with its message.
    """
    if not ticket.answers:
        return entries
    opening = (EventKind.TICKET_OPENED, EventKind.TICKET_IMPORTED)
    first = ticket.events.filter(kind__in=opening).values_list("article", flat=True).first()
    if first is None:
        return entries
    return [one for one in entries if one.article is not None and one.article.pk == first]


def are_in(snapshot: object, article: Article | None) -> bool:
    """Tell whether `article` is the text that the form wrote: all answers, and hardly more.

    Hidden values may be missing in it: the customer does not see them.
    """
    if article is None or article.channel != Channel.WEB or article.sender != Sender.CUSTOMER:
        return False
    rest = article.body
    seen = told(snapshot)
    hidden = [one for one in snapshot if one not in seen] if isinstance(snapshot, list) else []
    for entries, must in ((seen, True), (hidden, False)):
        for words in _words(entries):
            if must and words not in rest:
                return False
            rest = rest.replace(words, "", 1)
    return bool(article.body) and not rest.strip(": \n")


def _words(entries: list[Any]) -> Iterator[str]:
    for answer in read(entries, ()):
        if answer.shown:
            yield from (answer.label.rstrip(": "), answer.shown)


def _answers(snapshot: object, files: Mapping[str, list[Attachment]]) -> list[Answer]:
    if not isinstance(snapshot, list):
        return []
    return [_answer(item, files) for item in snapshot if isinstance(item, dict)]


def _answer(item: dict[str, Any], files: Mapping[str, list[Attachment]]) -> Answer:
    key = str(item.get("key", ""))
    label = str(item.get("label") or key)
    private = bool(item.get("private"))
    if isinstance(item.get("rows"), list):
        rows = [_answers(row, files) for row in item["rows"]]
        rows = [row for row in rows if row]
        return Answer(label, _text(item.get("shown")), not rows, private, rows=rows)
    found = files.get(key, []) if key else []
    shown = _text(item.get("shown", item.get("display", item.get("value"))))
    is_empty = not shown and not found
    return Answer(label, "" if found else shown, is_empty, private, files=found)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return str(value)
