"""One registry of what filters, macros and rules may do, and what a list of it decides.

An effect is a decision, not a deed: `{"do": "set_queue", "queue": 3}`. Those who apply effects (mail
filters to a ticket that does not exist yet, verbs to one that does) stand above and look the kind
up by its code. A layer above may `register` kinds of its own.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from helpdesk.errors import InvalidInput

Text = str | Promise
#: The labels of the rows an effect may name: `{"queue": {3: "Support"}, …}`.
Known = Mapping[str, Mapping[int, Text]]

MAX_EFFECTS = 50
MAX_TEXT = 10_000
#: Length of one tag, as its column has it.
MAX_TAG = 100


class EffectError(InvalidInput):
    """A list of effects that cannot be saved. `path` leads to the faulty part: `[2].queue`."""

    code = "effect"

    def __init__(self, message: Text, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ArgType(enum.StrEnum):
    ROW = "row"
    """The id of a row; which, says the name of the argument."""
    TEXT = "text"
    NUMBER = "number"
    """A whole number from 0 on."""
    TAGS = "tags"
    """A text of tags, separated by commas."""


@dataclass(frozen=True)
class Arg:
    name: str
    type: ArgType
    label: Text
    required: bool = True


@dataclass(frozen=True)
class EffectKind:
    """One thing that may be done. `sentence` describes it, with `%(<argument>)s` in it.

    `alone`: no other effect can stand beside it, since there will be no ticket.
    """

    code: str
    label: Text
    sentence: Text
    args: tuple[Arg, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Effect:
    """One decision: the code of its kind, and its arguments as sorted pairs."""

    kind: str
    args: tuple[tuple[str, int | str], ...] = ()

    def get(self, name: str) -> int | str | None:
        return dict(self.args).get(name)

    def to_json(self) -> dict[str, object]:
        """Return what `parse` takes in its list."""
        return {"do": self.kind, **dict(self.args)}

    def describe(self, known: Known | None = None) -> str:
        """Return a sentence in the active language, without full stop."""
        kind = registry.get(self.kind)
        if kind is None:
            return self.kind
        given = dict(self.args)
        shown = {arg.name: _shown(arg, given.get(arg.name), known or {}) for arg in kind.args}
        return str(kind.sentence) % shown


def _shown(arg: Arg, value: int | str | None, known: Known) -> str:
    match value:
        case None:
            return "–"
        case str():
            return _("“%(text)s”") % {"text": value}
    label = known.get(arg.name, {}).get(value) if arg.type is ArgType.ROW else None
    return str(value) if label is None else str(label)


class Registry:
    """The kinds of effects by code, in the order in which they are offered."""

    def __init__(self) -> None:
        self._kinds: dict[str, EffectKind] = {}

    def register(self, kind: EffectKind) -> EffectKind:
        """Add a kind. A second one with the same code raises `ValueError`."""
        if kind.code in self._kinds or any(arg.name == "do" for arg in kind.args):
            raise ValueError(f"The effect {kind.code} cannot be registered.")
        self._kinds[kind.code] = kind
        return kind

    def get(self, code: object) -> EffectKind | None:
        return self._kinds.get(code) if isinstance(code, str) else None

    def __iter__(self) -> Iterator[EffectKind]:
        return iter(self._kinds.values())


def _set(name: str, label: Text, sentence: Text, arg_label: Text) -> EffectKind:
    return EffectKind(f"set_{name}", label, sentence, (Arg(name, ArgType.ROW, arg_label),))


registry = Registry()
for _kind in (
    _set(
        "queue",
        gettext_lazy("Move to a queue"),
        gettext_lazy("move to the queue %(queue)s"),
        gettext_lazy("Queue"),
    ),
    _set(
        "priority",
        gettext_lazy("Set the priority"),
        gettext_lazy("set the priority to %(priority)s"),
        gettext_lazy("Priority"),
    ),
    _set(
        "state",
        gettext_lazy("Set the state"),
        gettext_lazy("set the state to %(state)s"),
        gettext_lazy("State"),
    ),
    _set(
        "type",
        gettext_lazy("Set the type"),
        gettext_lazy("set the type to %(type)s"),
        gettext_lazy("Type"),
    ),
    _set(
        "owner",
        gettext_lazy("Assign to an agent"),
        gettext_lazy("assign to %(owner)s"),
        pgettext_lazy("of a ticket", "Owner"),
    ),
    EffectKind(
        "add_tags",
        gettext_lazy("Add tags"),
        gettext_lazy("add the tags %(tags)s"),
        (Arg("tags", ArgType.TAGS, gettext_lazy("Tags")),),
    ),
    EffectKind(
        "add_note",
        gettext_lazy("Add a note"),
        gettext_lazy("add the note %(text)s"),
        (Arg("text", ArgType.TEXT, gettext_lazy("Text")),),
    ),
    EffectKind(
        "ignore",
        gettext_lazy("Make no ticket"),
        gettext_lazy("make no ticket, because of %(reason)s"),
        (Arg("reason", ArgType.TEXT, gettext_lazy("Reason")),),
        alone=True,
    ),
    EffectKind(
        "refuse",
        gettext_lazy("Make no ticket and tell the sender"),
        gettext_lazy("make no ticket and answer %(text)s"),
        (Arg("text", ArgType.TEXT, gettext_lazy("Answer to the sender")),),
        alone=True,
    ),
):
    registry.register(_kind)


# --- parsing -----------------------------------------------------------------------------------


def tags_of(text: str) -> tuple[str, ...]:
    """Return the tags of a text that separates them by commas, each once (ignoring case)."""
    found: dict[str, str] = {}
    for part in text.split(","):
        tag = " ".join(part.split())
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def _value(arg: Arg, value: object, known: Known | None, path: str) -> int | str:
    if arg.type in (ArgType.TEXT, ArgType.TAGS):
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise EffectError(gettext_lazy("A text is expected here."), path)
        if len(value) > MAX_TEXT:
            raise EffectError(gettext_lazy("This text is too long."), path)
        if arg.type is ArgType.TAGS:
            _check_tags(value, path)
        return value
    lowest = 1 if arg.type is ArgType.ROW else 0
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**53:
        raise EffectError(gettext_lazy("Choose one of the values."), path)
    if arg.type is ArgType.ROW and known is not None and value not in known.get(arg.name, {}):
        raise EffectError(gettext_lazy("This value does not exist any more. Choose another."), path)
    return value


def _check_tags(text: str, path: str) -> None:
    tags = tags_of(text)
    if not tags:
        raise EffectError(gettext_lazy("Give at least one tag."), path)
    if any(len(tag) > MAX_TAG for tag in tags):
        raise EffectError(gettext_lazy("A tag has 100 characters at most."), path)


def _effect(data: object, known: Known | None, path: str) -> Effect:
    if not isinstance(data, dict):
        raise EffectError(gettext_lazy("This is no effect."), path)
    kind = registry.get(data.get("do"))
    if kind is None:
        raise EffectError(gettext_lazy("There is no such effect."), f"{path}.do")
    given = {name: value for name, value in data.items() if name != "do"}
    found = []
    for arg in sorted(kind.args, key=lambda each: each.name):
        if arg.name in given:
            where = f"{path}.{arg.name}"
            found.append((arg.name, _value(arg, given.pop(arg.name), known, where)))
        elif arg.required:
            raise EffectError(gettext_lazy("A value is missing."), f"{path}.{arg.name}")
    if given:
        raise EffectError(gettext_lazy("No value belongs here."), f"{path}.{next(iter(given))}")
    return Effect(kind.code, tuple(found))


def parse(data: object, *, known: Known | None = None) -> tuple[Effect, ...]:
    """Return the checked effects of a JSON list.

    With `known` the rows named must be among the given ones; without it any id will do (to read
    what was saved). Raises `EffectError` with the path to the faulty part.
    """
    if not isinstance(data, list):
        raise EffectError(gettext_lazy("A list of effects is expected here."))
    if len(data) > MAX_EFFECTS:
        raise EffectError(gettext_lazy("There are too many effects."))
    effects = tuple(_effect(item, known, f"[{index}]") for index, item in enumerate(data))
    for index, effect in enumerate(effects):
        kind = registry.get(effect.kind)
        if kind and kind.alone and len(effects) > 1:
            raise EffectError(
                gettext_lazy("Where no ticket is made, nothing else can be done with it."),
                f"[{index}]",
            )
    return effects


def describe(effects: Iterable[Effect], known: Known | None = None) -> str:
    """Return the effects as one sentence in the active language, without full stop."""
    return ", ".join(effect.describe(known) for effect in effects)


# --- planning ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a list of effects decides for a ticket that does not exist yet.

    `queue` to `owner` are ids; None leaves the choice to the queue. With `ignore` or `refuse` (never
    both) there will be no ticket, and nothing else is set. `others` are effects of registered kinds
    that this table does not know, in their order.
    """

    queue: int | None = None
    priority: int | None = None
    state: int | None = None
    type: int | None = None
    owner: int | None = None
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ignore: str | None = None
    refuse: str | None = None
    others: tuple[Effect, ...] = ()

    @property
    def makes_ticket(self) -> bool:
        return self.ignore is None and self.refuse is None

    def for_existing(self) -> Plan:
        """Return what remains of the plan for a mail that joins a ticket.

        Queue, priority, state, type and owner of a ticket that people work on stay as they are;
        notes and tags are added, and *ignore* and *refuse* hold.
        """
        return Plan(notes=self.notes, tags=self.tags, ignore=self.ignore, refuse=self.refuse)

    def effects(self) -> tuple[Effect, ...]:
        """Return the shortest list of effects that decides the same."""
        if self.ignore is not None:
            return (Effect("ignore", (("reason", self.ignore),)),)
        if self.refuse is not None:
            return (Effect("refuse", (("text", self.refuse),)),)
        set_ = [
            Effect(kind, ((name, value),))
            for kind, name in _SETTERS.items()
            if (value := getattr(self, name)) is not None
        ]
        tags = [Effect("add_tags", (("tags", ", ".join(self.tags)),))] if self.tags else []
        notes = [Effect("add_note", (("text", text),)) for text in self.notes]
        return (*set_, *tags, *notes, *self.others)


_SETTERS = {f"set_{each.name}": each.name for each in fields(Plan)[:5]}


def plan(effects: Iterable[Effect]) -> Plan:
    """Return what the effects decide together, those of several filters in their order.

    The last setting of a thing wins, notes and tags add up. The last *ignore* or *refuse* wins over the
    other and over everything else.
    """
    made = Plan()
    ending: Plan | None = None
    for effect in effects:
        if effect.kind in _SETTERS:
            name = _SETTERS[effect.kind]
            setting: dict[str, Any] = {name: effect.get(name)}
            made = replace(made, **setting)
        elif effect.kind == "add_note":
            made = replace(made, notes=(*made.notes, str(effect.get("text"))))
        elif effect.kind == "add_tags":
            tags = ",".join((*made.tags, str(effect.get("tags"))))
            made = replace(made, tags=tags_of(tags))
        elif effect.kind == "ignore":
            ending = Plan(ignore=str(effect.get("reason")))
        elif effect.kind == "refuse":
            ending = Plan(refuse=str(effect.get("text")))
        else:
            made = replace(made, others=(*made.others, effect))
    return ending or made
