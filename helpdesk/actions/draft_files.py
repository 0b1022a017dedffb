"""Files in drafts of tickets of which the files went: they go as well, and the draft says that it had some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.db import connection, transaction

from helpdesk.models import Blob, DraftFile, SavedDraft, Ticket, delete_rows

#: In a draft's `fields`: how many of its files were erased.
GONE = "files_gone"
#: Tickets of which drafts are looked at in one night.
BATCH = 500


def take_files(tickets: Collection[int], blobs: set[int]) -> int:
    """Delete the files in drafts on locked tickets (ids), and return how many; the texts stay and say so.

    Adds what they were stored in to `blobs`: the caller lets go of these.
    """
    files = DraftFile.objects.filter(draft__ticket__in=tickets).order_by()
    lost = Counter(files.values_list("draft_id", flat=True))
    if not lost:
        return 0
    blobs.update(files.values_list("blob_id", flat=True))
    drafts = list(SavedDraft.objects.select_for_update(of=("self",)).filter(pk__in=lost))
    for one in drafts:
        one.fields = {**one.fields, GONE: lost[one.pk] + int(one.fields.get(GONE) or 0)}
    # no new version: whoever has the form open goes on writing in it
    SavedDraft.objects.bulk_update(drafts, ["fields"], batch_size=200)
    return delete_rows(files)


@transaction.atomic
def take_late_files(*, held: Collection[int]) -> int:
    """Take the files that drafts got after the files of their closed ticket went; return how many stored ones went.

    A machine's verb, once a night. Those `held` (ids), and those that somebody works on at this moment, are left.
    """
    late = Ticket.objects.filter(files_erased_at__isnull=False, drafts__files__isnull=False)
    found = set(late.exclude(pk__in=held).order_by().values_list("pk", flat=True)[:BATCH])
    if not found:
        return 0
    skip = connection.features.has_select_for_update_skip_locked
    locks = Ticket.objects.select_for_update(of=("self",), no_key=True, skip_locked=skip)
    rows = locks.filter(pk__in=found, files_erased_at__isnull=False).order_by("pk")
    blobs: set[int] = set()
    take_files(list(rows.values_list("pk", flat=True)), blobs)
    return Blob.release_all(blobs)
