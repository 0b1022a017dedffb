"""What goes on for both when a merge is taken back: what was promised, objected to, or held while they were one.

The words of one lay with the other, so whatever was decided about these was decided about all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from helpdesk.models import Merge, TermsChange, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.terms import Terms, strictest_in_words

from .holds import hold_also
from .objecting import object_along
from .shortening import as_ordered, orders_since, take_orders
from .terms import FROZEN, frozen_terms, put_terms


def part(actor: Actor, journal: Merge) -> list[TermsChange]:
    """Give the source of a merge that is taken back what came since; return the orders that may have touched it.

    The caller saves `FROZEN` and `OBJECTION` of the source, and calls `hold_both` when the two are apart.
    """
    source, target = journal.source, journal.target
    orders = orders_since(journal.at)
    take_orders(source, orders)
    object_along(actor=actor, leaving=source, home=target, since=journal.at)
    return orders


def hold_both(actor: Actor, journal: Merge) -> None:
    """Let a hold that was placed on one while they were merged hold the other as well: it covered both."""
    for one, other in (
        (journal.source, journal.target),
        (journal.target, journal.source),
    ):
        hold_also(actor=actor, ticket=one, as_on=other, since=journal.at)


def terms_back(journal: Merge, *, orders: Sequence[TermsChange], merged: Sequence[Ticket]) -> None:
    """Give the target its terms from before the merge, with what was ordered for it since; the caller saves `FROZEN`.

    Whatever is still `merged` into it keeps its promise. Terms that were changed since by anything else stay.
    """
    target = journal.target
    now = frozen_terms(target)
    before, after = (
        replace(now, **_of_storage(facts))
        for facts in (journal.moved["before"]["target"], journal.moved["after"])
    )
    if _frozen(now) not in map(_frozen, (after, as_ordered(target, orders, after))):
        return
    terms = as_ordered(target, orders, before)
    for one in merged:
        terms = strictest_in_words(terms, frozen_terms(one), target.language)
    put_terms(target, terms)


def _frozen(terms: Terms) -> tuple[object, ...]:
    return tuple(getattr(terms, name) for name in FROZEN)


def _of_storage(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms that a journal knows; an old one knows fewer."""
    return {name: facts[name] for name in FROZEN if name in facts}
