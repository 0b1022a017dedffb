"""How often something may be done, counted in Django's cache.

Several processes count together if the site's cache is shared (database or Redis; docs/operations.md).
"""

from __future__ import annotations

import hashlib
import time

from django.core.cache import cache


def _name(action: str, who: str, window: int) -> str:
    digest = hashlib.sha256(f"{action}\0{who}".encode()).hexdigest()[:40]
    return f"helpdesk.throttle.{digest}.{window}"


def allow(action: str, who: str, *, times: int, seconds: int) -> bool:
    """Count one more of `action` by `who` (an IP address, a mail address …) and tell whether it is still allowed.

    At most `times` in each window of `seconds`; 0 times: no limit. Who it was is kept as a digest only.
    """
    if not times:
        return True
    name = _name(action, who, int(time.time()) // seconds)
    if cache.add(name, 1, timeout=seconds):
        return True
    try:
        return cache.incr(name) <= times
    except ValueError:  # it ran out between the two lines
        return True


def forget(action: str, who: str, *, seconds: int) -> None:
    """Begin counting `action` by `who` anew."""
    cache.delete(_name(action, who, int(time.time()) // seconds))
