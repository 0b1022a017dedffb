"""What administrators ordered about arriving mail: filters and blocks, read once for many mails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from . import blocks, filters


class Orders:
    """Filters and blocks, each read at the first question and then remembered."""

    @cached_property
    def filters(self) -> tuple[filters.Compiled, ...]:
        return filters.load()

    @cached_property
    def blocks(self) -> blocks.Blocks:
        return blocks.load()


_kept: ContextVar[Orders | None] = ContextVar("helpdesk_orders", default=None)


def orders() -> Orders:
    """Return the orders that are kept at present, else new ones that nobody asked yet."""
    return _kept.get() or Orders()


@contextmanager
def kept_orders() -> Iterator[None]:
    """Keep the orders for everything inside: for seconds, for they see no change."""
    token = _kept.set(Orders())
    try:
        yield
    finally:
        _kept.reset(token)
