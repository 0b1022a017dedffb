"""Who stands in for whom. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A", bound=Hashable)


@dataclass(frozen=True)
class Standing(Generic[A]):
    """Who acts for an agent: `person`, or the whole team where that is None.

    `passed` are those who were asked and are away, the agent first; empty if the agent is there.
    """

    person: A | None
    passed: tuple[A, ...] = ()


def effective(
    agent: A,
    *,
    is_away: Callable[[A], bool],
    deputy_of: Callable[[A], A | None],
    may: Callable[[A], bool],
) -> Standing[A]:
    """Follow deputies from `agent` until somebody is there who may work on the matter.

    The first hop counts as every other: an agent who is there stands for themselves, allowed or not. A chain that
    ends, goes round, or comes to somebody who may not work there leads to the team.
    """
    passed: list[A] = []
    person: A | None = agent
    while person is not None and person not in passed:
        if not is_away(person):
            return Standing(person if person == agent or may(person) else None, tuple(passed))
        passed.append(person)
        person = deputy_of(person)
    return Standing(None, tuple(passed))
