"""Who stands in: chains, cycles, nobody there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.substitution import Standing, effective

pytestmark = pytest.mark.pure

PEOPLE = range(6)


def standing(agent, away, deputies, allowed=frozenset(PEOPLE)):
    return effective(
        agent,
        is_away=lambda one: one in away,
        deputy_of=deputies.get,
        may=lambda one: one in allowed,
    )


def naive(agent, away, deputies, allowed):
    """Walk one step at a time, at most as often as there are people."""
    asked = []
    now = agent
    for _step in range(len(PEOPLE) + 1):
        if now is None:
            return None, asked
        if now not in away:
            return (now if now == agent or now in allowed else None), asked
        if now in asked:
            return None, asked
        asked.append(now)
        now = deputies.get(now)
    return None, asked


people = st.sampled_from(PEOPLE)


@given(
    people,
    st.frozensets(people),
    st.dictionaries(people, st.one_of(st.none(), people)),
    st.frozensets(people),
)
def test_as_a_naive_walker_finds(agent, away, deputies, allowed):
    person, asked = naive(agent, away, deputies, allowed)
    assert standing(agent, away, deputies, allowed) == Standing(person, tuple(asked))


@given(people, st.frozensets(people), st.dictionaries(people, people), st.frozensets(people))
def test_nobody_who_is_away_stands_in_and_nobody_without_the_right(agent, away, deputies, allowed):
    found = standing(agent, away, deputies, allowed)
    assert found.person not in away
    assert found.person in {None, agent, *allowed}
    assert set(found.passed) <= away
    assert len(set(found.passed)) == len(found.passed)


@pytest.mark.parametrize(
    ("away", "deputies", "expected"),
    [
        (set(), {0: 1}, Standing(0)),
        ({0}, {0: 1}, Standing(1, (0,))),
        ({0, 1}, {0: 1, 1: 2}, Standing(2, (0, 1))),  # the deputy's deputy, first hop and all
        ({0, 1}, {0: 1}, Standing(None, (0, 1))),
        ({0}, {}, Standing(None, (0,))),
        ({0, 1}, {0: 1, 1: 0}, Standing(None, (0, 1))),  # both away, each the other's deputy
        ({0, 1, 2}, {0: 1, 1: 2, 2: 1}, Standing(None, (0, 1, 2))),  # a ring not through the first
        ({0}, {0: 0}, Standing(None, (0,))),
    ],
)
def test_chains_and_rings(away, deputies, expected):
    assert standing(0, away, deputies) == expected


def test_a_deputy_without_the_right_leaves_it_to_the_team():
    assert standing(0, {0}, {0: 1}, allowed={2}) == Standing(None, (0,))
