"""Erasing again: what the journal knows goes from a database that was put back to an earlier state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Batches = Iterable[tuple[str, list[dict[str, Any]]]]


def replay(entries: Batches, *, since: datetime | None = None) -> Counter[str]:
    """Erase again (draft)."""
    return Counter()
