"""What somebody wrote into a form that changed meanwhile, given back with the questions as they read them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wagtail.models import Revision

from .base import source_of
from .conditional import PREFIX


@dataclass(frozen=True)
class Version:
    """The form that a visitor sees: its page, whose revision it is, and how its fields are stored."""

    page: int
    revision: int | None
    block: Any = field(repr=False)

    @classmethod
    def of(cls, page: Any) -> Version:
        """Return that of a page as it is shown; an alias shows its source."""
        source = source_of(page)
        return cls(source.pk, source.live_revision_id, page.fields.stream_block)

    def questions(self, revision: int | None) -> dict[str, Question]:
        """Return the questions of an earlier revision of this form by name of input; {} if it is gone. One query.

        Those of a field set are read as they are now: the page has no others.
        """
        if revision is None:
            return {}
        rows = Revision.page_revisions.filter(pk=revision, object_id=str(self.page))
        content = rows.values_list("content", flat=True).first() or {}
        stored = content.get("fields") or "[]"
        before = self.block.to_python(json.loads(stored) if isinstance(stored, str) else stored)
        return questions_of(self.block.inputs(before))


@dataclass(frozen=True)
class Question:
    """A question as it was read: its label, the labels of its choices by value, and of its columns by key."""

    label: str
    choices: Mapping[str, str]
    columns: Mapping[str, Question]


def questions_of(children: Any) -> dict[str, Question]:
    """Return the questions of some blocks by name of their input."""
    return {PREFIX + child.value["key"]: _question(child) for child in children}


def _question(child: Any) -> Question:
    choices = {one["value"]: one["label"] for one in child.block.choices_of(child.value)}
    inner = child.block.inner(child.value) if hasattr(child.block, "inner") else ()
    columns = {one.value["key"]: _question(one) for one in inner}
    return Question(child.value["label"], choices, columns)


def told(
    lost: Mapping[str, list[tuple[str, str]]],
    questions: Mapping[str, Question],
    there: Collection[str],
) -> str:
    """Return as text what has no question any more, under its label; rows of a list stand below each other.

    `lost` has by place (an input, or a row of a list) what was written there: name of the input, and text. Of lists
    that are still `there`, only the columns named are gone.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for place, texts in lost.items():
        name = place.partition("-")[0]
        question = questions.get(name)
        said = "\t".join(_said(sent, text, question) for sent, text in texts)
        label = _label(question, texts if name in there else ())
        found.setdefault((name, label), []).append(said)
    return "\n\n".join(_part(label, lines) for (_name, label), lines in found.items())


def _label(question: Question | None, texts: Iterable[tuple[str, str]]) -> str:
    if question is None:
        return ""
    columns = [question.columns.get(_column(sent)) for sent, _text in texts]
    named = dict.fromkeys(one.label for one in columns if one is not None)
    return ", ".join([question.label, *named])


def _column(sent: str) -> str:
    return sent.partition("-")[2].partition("-")[2]


def _said(sent: str, text: str, question: Question | None) -> str:
    """Return an answer as it was read: of a choice its label."""
    if question is None:
        return text
    asked = question.columns.get(_column(sent), question)
    return asked.choices.get(text, text)


def _part(label: str, lines: list[str]) -> str:
    text = "\n".join(lines)
    if not label:
        return text
    head = label if label.endswith((".", "?", "!", ":")) else f"{label}:"
    return f"{head}\n{text}" if "\n" in text else f"{head} {text}"
