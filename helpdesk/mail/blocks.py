"""Senders who are not let in: blocked addresses and domains, and customers who are blocked."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F
from django.utils import timezone

from helpdesk.models import CustomerAddress, SenderBlock

Blocks = Mapping[str, SenderBlock]


def load() -> Blocks:
    """Return all blocks by their pattern, in two queries: once for many mails.

    A blocked customer blocks all addresses known to be theirs, as if each stood in the list; those
    rows are not stored, and their hits not counted.
    """
    rows = CustomerAddress.objects.filter(customer__is_blocked=True)
    found = {
        address: SenderBlock(pattern=address, reason="customer")
        for address in rows.values_list("normalised", flat=True)
    }
    return found | {row.pattern: row for row in SenderBlock.objects.all()}


def find(loaded: Blocks, address: str) -> SenderBlock | None:
    """Return the block that holds for a sender: that of the very address, else of the nearest domain.

    A domain blocks its subdomains too. None for what is no address. No query.
    """
    return next((loaded[one] for one in SenderBlock.patterns_of(address) if one in loaded), None)


def count(block: SenderBlock) -> None:
    """Note that a mail was kept out by `block`."""
    if block.pk is not None:
        SenderBlock.objects.filter(pk=block.pk).update(
            hits=F("hits") + 1, last_hit_at=timezone.now()
        )
