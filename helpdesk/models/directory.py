"""The few rows that every request asks for: queues with what they inherit, their addresses, states, priorities.

A run that files many mails keeps them (`kept_directory`) instead of asking for each mail anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from .clocks import PromiseOverride
from .keeping import RetentionSettings
from .outbound import BouncedAddress
from .queues import Queue, QueueAddress
from .sorting import Priority, State
from .time import Promise


class Directory:
    """Rows read at the first question and then remembered. Change none of them."""

    @cached_property
    def queues(self) -> dict[int, Queue]:
        """All queues by id, with parents, addresses, automatic answers, promise and calendar filled in."""
        rows = Queue.objects.select_related("calendar", "promise__calendar", "route")
        found = {row.pk: row for row in rows.prefetch_related("addresses", "auto_responses")}
        for row in found.values():
            if row.parent_id is not None:
                row.parent = found[row.parent_id]
        return found

    @cached_property
    def retention(self) -> RetentionSettings:
        """What holds where no queue says how long tickets are kept."""
        return RetentionSettings.current()

    @cached_property
    def promises(self) -> dict[int, Promise]:
        """All promises by id, with their calendars."""
        return {row.pk: row for row in Promise.objects.select_related("calendar")}

    @cached_property
    def overrides(self) -> list[PromiseOverride]:
        return list(PromiseOverride.objects.all().order_by())

    @cached_property
    def own_addresses(self) -> dict[str, int]:
        """Our normalised addresses, each with the id of its queue."""
        return dict(QueueAddress.objects.values_list("normalised", "queue_id"))

    @cached_property
    def bounced(self) -> frozenset[str]:
        """The canonical addresses from which mail came back for good."""
        return frozenset(BouncedAddress.objects.values_list("address", flat=True))

    def forget_bounced(self) -> None:
        """Ask anew next time: one of these addresses was just counted or released."""
        self.__dict__.pop("bounced", None)

    @cached_property
    def states(self) -> dict[int, State]:
        return {row.pk: row for row in State.objects.all()}

    @cached_property
    def priorities(self) -> dict[int, Priority]:
        return {row.pk: row for row in Priority.objects.all()}


_kept: ContextVar[Directory | None] = ContextVar("helpdesk_directory", default=None)


def directory() -> Directory:
    """Return the directory that is kept at present, else a new one that knows nothing yet."""
    return _kept.get() or Directory()


def is_kept() -> bool:
    """Tell whether a directory is kept: its rows then cost nothing."""
    return _kept.get() is not None


@contextmanager
def kept_directory(*, anew: bool = False) -> Iterator[Directory]:
    """Keep one directory for everything inside: the one that is kept already, or with `anew` a new one.

    Keep it for seconds, not for hours: it sees no change.
    """
    found = Directory() if anew else directory()
    token = _kept.set(found)
    try:
        yield found
    finally:
        _kept.reset(token)
