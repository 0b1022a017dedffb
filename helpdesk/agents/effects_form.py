"""The builder of effects: rows *what to do – with what*, for any registry of kinds.

Works like `conditions_form`; the template is `helpdesk/agents/parts/effects.html`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.actions import STARTS
from helpdesk.models import Priority, Queue, State, TicketType
from helpdesk.permissions import Actor
from helpdesk.rules.effects import (
    MAX_EFFECTS,
    Arg,
    ArgType,
    Effect,
    EffectError,
    EffectKind,
    Known,
    parse,
    registry,
)

from . import policy
from .conditions_form import Choice, _count

Text = str | Promise


def known_rows(actor: Actor) -> Known:
    """Return the rows that effects on new tickets may name, with their labels: five queries."""
    return {
        "queue": dict(Queue.objects.filter(is_active=True).values_list("pk", "name")),
        "priority": {row.pk: row.name for row in Priority.objects.filter(is_active=True)},
        "state": {
            row.pk: row.name for row in State.objects.filter(is_active=True, type__in=STARTS)
        },
        "type": {row.pk: row.name for row in TicketType.objects.filter(is_active=True)},
        "owner": {
            user.pk: user.get_full_name() or user.get_username()
            for user in policy.colleagues(actor)
        },
    }


def all_labels() -> Known:
    """Return the labels of all rows that stored effects may name, those out of use as well."""
    users: Any = get_user_model()._default_manager.filter(is_active=True)
    return {
        "queue": dict(Queue.objects.values_list("pk", "name")),
        "priority": {row.pk: row.name for row in Priority.objects.all()},
        "state": {row.pk: row.name for row in State.objects.all()},
        "type": {row.pk: row.name for row in TicketType.objects.all()},
        "owner": {user.pk: user.get_full_name() or user.get_username() for user in users},
    }


@dataclass
class EffectRow:
    """One effect as typed."""

    kind: str = ""
    values: dict[str, str] = field(default_factory=dict)
    error: Text = ""


@dataclass(frozen=True)
class ArgView:
    """One control: `kind` is select, text, long or number."""

    name: str
    label: Text
    kind: str
    value: str
    options: list[Choice]
    help: Text = ""


@dataclass(frozen=True)
class EffectView:
    name: str
    number: int
    kinds: list[Choice]
    args: list[ArgView]
    error: Text


class EffectsForm:
    """A list of effects in a form, its controls named `<prefix>-…`."""

    def __init__(self, known: Known, prefix: str = "effect") -> None:
        self.known = known
        self.prefix = prefix
        self.rows: list[EffectRow] = [EffectRow()]
        self.error: Text = ""
        self.focus = ""

    @classmethod
    def of(cls, stored: object, known: Known, prefix: str = "effect") -> EffectsForm:
        """Return the form of stored effects; what cannot be read is shown with what is wrong."""
        form = cls(known, prefix)
        found = (
            [item for item in stored if isinstance(item, dict)] if isinstance(stored, list) else []
        )
        if found:
            form.rows = [
                EffectRow(
                    str(item.get("do", "")),
                    {name: str(value) for name, value in item.items() if name != "do"},
                )
                for item in found[:MAX_EFFECTS]
            ]
            form.clean()
        return form

    @classmethod
    def typed(cls, data: QueryDict, known: Known, prefix: str = "effect") -> EffectsForm:
        """Return the form as it was sent."""
        form = cls(known, prefix)
        form.rows = []
        for index in range(_count(data.get(f"{prefix}-rows"), MAX_EFFECTS)):
            name = f"{prefix}-{index}"
            kind = registry.get(data.get(f"{name}-do"))
            values = {
                arg.name: data.get(f"{name}-{arg.name}", "").replace("\r\n", "\n")
                for arg in (kind.args if kind else ())
            }
            form.rows.append(EffectRow(data.get(f"{name}-do", ""), values))
        return form

    def act(self, command: str) -> bool:
        """Do what a button of this builder says (`<prefix>:remove:0`); tell whether it was one."""
        prefix, _colon, rest = command.partition(":")
        if prefix != self.prefix:
            return False
        verb, _colon, number = rest.partition(":")
        if verb == "add" and len(self.rows) < MAX_EFFECTS:
            self.rows.append(EffectRow())
            self.focus = f"{self.prefix}-{len(self.rows) - 1}-do"
        elif verb == "remove" and number.isdecimal() and len(number) < 4:
            self.rows = [row for index, row in enumerate(self.rows) if index != int(number)]
            self.rows = self.rows or [EffectRow()]
            self.focus = f"{self.prefix}-add"
        return True

    def clean(self) -> tuple[Effect, ...] | None:
        """Return the checked effects (there may be none), or None with the rows' errors set."""
        self.error = ""
        found: list[dict[str, object]] = []
        for row in self.rows:
            row.error = ""
            if not row.kind:
                continue
            data = _json(row)
            found.append(data)
            try:
                parse([data], known=self.known)
            except EffectError as error:
                row.error = error.message
        if any(row.error for row in self.rows):
            return None
        try:
            return parse(found, known=self.known)
        except EffectError as error:
            filled = [row for row in self.rows if row.kind]
            index = error.path.strip("[]")
            if index.isdecimal():
                filled[int(index)].error = error.message
            else:
                self.error = error.message
            return None

    @property
    def views(self) -> list[EffectView]:
        return [self._view(row, index) for index, row in enumerate(self.rows)]

    @property
    def takes_more(self) -> bool:
        return len(self.rows) < MAX_EFFECTS

    def _view(self, row: EffectRow, index: int) -> EffectView:
        name = f"{self.prefix}-{index}"
        kinds: list[Choice] = [(one.code, one.label, one.code == row.kind) for one in registry]
        kind: EffectKind | None = registry.get(row.kind)
        if row.kind and kind is None:
            kinds.append((row.kind, row.kind, True))
        args = [self._arg(arg, row, name) for arg in (kind.args if kind else ())]
        return EffectView(name, index + 1, kinds, args, row.error)

    def _arg(self, arg: Arg, row: EffectRow, name: str) -> ArgView:
        value = row.values.get(arg.name, "")
        name = f"{name}-{arg.name}"
        match arg.type:
            case ArgType.ROW:
                rows = self.known.get(arg.name, {})
                options = [(str(pk), label, str(pk) == value) for pk, label in rows.items()]
                if value and not any(chosen for _pk, _label, chosen in options):
                    lost = _("%(value)s (does not exist any more)") % {"value": value}
                    options.append((value, lost, True))
                return ArgView(name, arg.label, "select", value, options)
            case ArgType.TAGS:
                return ArgView(
                    name, arg.label, "text", value, [], gettext_lazy("Separated by commas.")
                )
            case ArgType.NUMBER:
                return ArgView(name, arg.label, "number", value, [])
        return ArgView(name, arg.label, "long" if arg.name == "text" else "text", value, [])


def _json(row: EffectRow) -> dict[str, object]:
    kind = registry.get(row.kind)
    types = {arg.name: arg.type for arg in (kind.args if kind else ())}
    data: dict[str, object] = {"do": row.kind}
    for name, value in row.values.items():
        texts = types.get(name) in (ArgType.TEXT, ArgType.TAGS)
        number = value.isascii() and value.isdecimal() and len(value) < 17
        data[name] = int(value) if number and not texts else value
    return data
