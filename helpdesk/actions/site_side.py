"""What the site adds to a queue that was ordered: its pages, and whose accounts it vouches for.

A site derives from `SiteSide` and names its class in `HELPDESK["ORDERED_QUEUES"]`. The help desk makes one
instance each time it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.utils.module_loading import import_string

from helpdesk import conf
from helpdesk.models import QueueOrder


@dataclass(frozen=True)
class PlannedPage:
    """A page of a new queue: what it is in words (“queue page (German)”), its title, and its address in the admin
    if it is there already ('': it is yet to be made)."""

    what: str
    title: str
    edit_url: str = ""


class SiteSide:
    """A site that makes no pages and vouches for every account."""

    def planned(self, order: QueueOrder, above: Any) -> Sequence[PlannedPage]:
        """Return the pages that belong to the queue of `order`, made or not. `above` is the page they come below."""
        return ()

    def make(self, order: QueueOrder, above: Any) -> Sequence[PlannedPage]:
        """Make as drafts those that are missing, and return all. `order.queue` is there; called in a transaction."""
        return ()

    def refuses(self, order: QueueOrder, above: Any) -> str:
        """Return in a sentence why no page can be made below `above`, ''."""
        return ""

    def vouches_for(self, user: Any) -> bool:
        """Tell whether an account belongs to whoever has its log-in name in the organisation.

        Not if somebody chose the name at sign-up, for instance.
        """
        return True


def site_side() -> SiteSide:
    """Return the site's side, by the setting."""
    name = conf.get("ORDERED_QUEUES")
    return cast(SiteSide, import_string(name)()) if name else SiteSide()
