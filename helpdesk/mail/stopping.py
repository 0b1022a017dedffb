"""No mail is fetched until somebody says so: after a backup was restored."""

from __future__ import annotations

from collections.abc import Iterable

from django_mailbox.models import Mailbox


def stop_fetching() -> list[int]:
    """Take all mailboxes out of use; return the ids of those that were in use."""
    rows = Mailbox.objects.filter(active=True)
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    Mailbox.objects.filter(pk__in=pks).update(active=False)
    return pks


def start_fetching(pks: Iterable[int]) -> list[str]:
    """Take mailboxes into use again; return the names of those that were not."""
    rows = Mailbox.objects.filter(pk__in=list(pks), active=False).order_by("name")
    names = list(rows.values_list("name", flat=True))
    rows.update(active=True)
    return names
