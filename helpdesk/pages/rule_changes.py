"""What was changed in the rules of a form's routing, in words: each rule is told as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from helpdesk.rules.conditions import FieldSet

from .differences import moved_of, quoted, told_condition

#: What a rule may set, in the order in which it is told.
_SET = ("queue", "ticket_type", "priority", "owner")


def rule_changes(
    before: Iterable[Any], after: Iterable[Any], fields: tuple[FieldSet, FieldSet]
) -> list[str]:
    """Return a sentence for each rule that was removed, added, changed or got another place.

    `before` and `after` are the children of two versions of the stream of rules, `fields` what conditions may ask
    about in each. Plain text, without full stop, in the active language.
    """
    old, new = _by_id(before), _by_id(after)
    return [*_removed(old, new, fields[0]), *_there(old, new, fields)]


def _by_id(rules: Iterable[Any]) -> dict[str, tuple[int, Any]]:
    """Return number (from 1) and block of each rule by the id of its block."""
    return {str(rule.id): (number, rule) for number, rule in enumerate(rules, start=1)}


def _removed(
    old: Mapping[str, tuple[int, Any]], new: Mapping[str, tuple[int, Any]], fields: FieldSet
) -> Iterator[str]:
    for name, (number, rule) in old.items():
        if name not in new:
            values = {"number": number, "rule": _rule(rule, fields)}
            yield _("Rule %(number)d was removed (%(rule)s)") % values


def _there(
    old: Mapping[str, tuple[int, Any]],
    new: Mapping[str, tuple[int, Any]],
    fields: tuple[FieldSet, FieldSet],
) -> Iterator[str]:
    moved = moved_of([one for one in old if one in new], [one for one in new if one in old])
    for name in (one for one in new if one in moved):
        yield _("Rule %(old)d is now rule %(new)d") % {"old": old[name][0], "new": new[name][0]}
    for name, (number, rule) in new.items():
        values = {"number": number, "rule": _rule(rule, fields[1])}
        if name not in old:
            yield _("Rule %(number)d was added (%(rule)s)") % values
        elif _raw(old[name][1]) != _raw(rule):
            values["old"] = _rule(old[name][1], fields[0])
            yield _("Rule %(number)d is now: %(rule)s (it was: %(old)s)") % values


def _raw(rule: Any) -> list[Any]:
    return [
        rule.value["condition"] or None,
        *(getattr(rule.value[name], "pk", None) for name in _SET),
    ]


def _rule(rule: Any, fields: FieldSet) -> str:
    """Return a rule in words: when it holds, and what it sets."""
    value, blocks = rule.value, rule.block.child_blocks
    sets = [
        f"{blocks[name].label} {quoted(value[name])}" for name in _SET if value[name] is not None
    ]
    aims = ", ".join(sets) or _("as the page says")
    if not value["condition"]:
        return _("always: %(aims)s") % {"aims": aims}
    condition = told_condition(value["condition"], fields)
    return _("if %(condition)s: %(aims)s") % {"condition": condition, "aims": aims}
