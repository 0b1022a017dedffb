"""Which queue a mail belongs to, by the addresses it went to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from helpdesk import addressing


@dataclass(frozen=True)
class Route:
    """The queue that gets the ticket, the address that decided, and the queues to be informed."""

    queue_id: int | None
    address: str = ""
    others: tuple[int, ...] = ()


def route(recipients: Iterable[str], queues: Mapping[str, int], fallback: int | None) -> Route:
    """Return where a mail goes.

    `recipients` are its addresses, the header's (To, Cc) before the envelope's; `queues` maps
    normalised queue addresses to queue ids; plus-parts are ignored. The first address that belongs
    to a queue decides, the other queues addressed are informed; without one it is `fallback`.
    """
    found: dict[int, str] = {}
    for address in recipients:
        try:
            normalised = addressing.normalise(address)
        except addressing.BadAddress:
            continue
        queue_id = queues.get(normalised)
        if queue_id is not None:
            found.setdefault(queue_id, normalised)
    if not found:
        return Route(fallback)
    first, *others = found
    return Route(first, found[first], tuple(others))
