"""Which promise holds for a ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Override:
    """Another promise for tickets of a type, a priority or both, in a queue and below it.

    `queue_id` None means everywhere; `promise_id` None: nothing is promised for them.
    """

    queue_id: int | None
    type_id: int | None
    priority_id: int | None
    promise_id: int | None

    def fits(self, type_id: int | None, priority_id: int) -> bool:
        return self.type_id in (None, type_id) and self.priority_id in (None, priority_id)


def choose(
    overrides: Iterable[Override],
    *,
    lineage: Sequence[int],
    type_id: int | None,
    priority_id: int,
    page_promise_id: int | None,
    queue_promise_id: int | None,
) -> int | None:
    """Return the id of the promise that holds, or None if nothing is promised.

    An override for the type or the priority goes before the page's promise, and that before the queue's.
    Of several overrides the one of the nearest queue holds (`lineage`, nearest first; everywhere comes last),
    there the one for both, then the one for the priority, then the one for the type.
    """
    rank: dict[int | None, int] = {pk: place for place, pk in enumerate(lineage)}
    rank[None] = len(lineage)
    fitting = [one for one in overrides if one.queue_id in rank and one.fits(type_id, priority_id)]
    if fitting:
        best = min(
            fitting,
            key=lambda one: (rank[one.queue_id], one.priority_id is None, one.type_id is None),
        )
        return best.promise_id
    return page_promise_id if page_promise_id is not None else queue_promise_id
