from __future__ import annotations

import pytest

from helpdesk.rules.promises import Override, choose

LOW, HIGH = 1, 2
FAULT, ORDER = 10, 11
LEAF, ROOT, ELSEWHERE = 100, 101, 102


def chosen(*overrides, type_id=FAULT, priority_id=HIGH, page=None, queue=7):
    return choose(
        [Override(*one) for one in overrides],
        lineage=[LEAF, ROOT],
        type_id=type_id,
        priority_id=priority_id,
        page_promise_id=page,
        queue_promise_id=queue,
    )


@pytest.mark.parametrize(
    ("overrides", "options", "expected"),
    [
        ((), {}, 7),
        ((), {"queue": None}, None),
        ((), {"page": 8}, 8),
        (((None, None, HIGH, 9),), {"page": 8}, 9),
        (((None, None, LOW, 9),), {"page": 8}, 8),
        (((ELSEWHERE, None, HIGH, 9),), {}, 7),
        (((None, None, HIGH, 9), (ROOT, FAULT, None, 5)), {}, 5),
        (((ROOT, None, HIGH, 9), (LEAF, FAULT, None, 5)), {}, 5),
        (((LEAF, None, HIGH, 9), (LEAF, FAULT, None, 5)), {}, 9),
        (((LEAF, None, HIGH, 9), (LEAF, FAULT, HIGH, 5)), {}, 5),
        (((LEAF, FAULT, None, 5),), {"type_id": None}, 7),
        (((LEAF, FAULT, None, 5),), {"type_id": ORDER}, 7),
        (((LEAF, FAULT, None, None),), {"page": 8}, None),
    ],
)
def test_the_most_special_promise_of_the_nearest_queue_holds(overrides, options, expected):
    assert chosen(*overrides, **options) == expected
    assert chosen(*reversed(overrides), **options) == expected
