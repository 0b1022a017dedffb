"""Bytes that nothing needs: removals that a dead process left, rows that nothing points to, files that have no row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.core.files.storage import Storage

from helpdesk import search, storage
from helpdesk.models import Blob, BlobRemoval, ErasureRun, blobs, remove_left_files

from . import due

BATCH = 500
#: Rows looked at in one go.
ROWS = 5000
#: What a run counts where entries of the index went or were made anew.
INDEXED = ("tickets", "articles", due.FILES, due.PERSONS, due.ANONYMISED)
#: On this day of the week (0 is Monday) the storage and its rows are looked through.
SWEEP_ON = 6
#: What is younger may belong to a row that is about to be committed.
YOUNG = timedelta(days=1)
#: The last of the topmost folders of the storage, `storage.path_of`.
LAST = 0xFF
_DIGEST = re.compile(r"[0-9a-f]{64}")


def removal_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Delete bytes whose row is gone already, and that were to follow; those of sites' own rows, too."""
    gone, others = blobs.remove_left(BATCH), remove_left_files(BATCH)
    return Counter(removed_files=gone + others), BATCH in (gone, others)


def index_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Rewrite the search index if anything was erased: until then its file holds words of what is gone (SQLite)."""
    if any(run.counts.get(code) for code in INDEXED):
        search.purge()
    return Counter(), False


def orphan_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Once a week, find the bytes in the storage that no row knows; they are removed with the others.

    Looks through one of the 256 topmost folders at a time; `run.left` says which is the next.
    """
    number = run.left[0] if run.left else 0
    if run.day.weekday() != SWEEP_ON or number > LAST:
        return Counter(), False
    run.left = [number + 1]
    return Counter(orphans=sweep(f"{number:02x}", now)), number < LAST


def needless_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Once a week, let rows go that nothing points to, with their bytes: whoever stored them died before it did.

    Looks at some rows at a time; `run.left` says which was the last.
    """
    if run.day.weekday() != SWEEP_ON:
        return Counter(), False
    old = Blob.objects.filter(pk__gt=run.left[0] if run.left else 0, stored_at__lt=now - YOUNG)
    pks = list(old.order_by("pk").values_list("pk", flat=True)[:ROWS])
    if not pks:
        return Counter(), False
    run.left = [pks[-1]]
    return Counter(orphans=Blob.release_all(Blob.needless(pks))), True


def sweep(folder: str, now: datetime) -> int:
    """Let files below a folder of the storage go that are older than a day and have no row; return how many.

    What is not named by a digest, as half-written files are, goes at once.
    """
    found, gone = storage.blob_storage(), 0
    listing = _names(found, folder)
    while names := list(islice(listing, BATCH)):
        digests = {name.rsplit("/", 1)[-1]: name for name in names}
        known = set(Blob.objects.filter(sha256__in=digests).values_list("sha256", flat=True))
        old = [one for one in set(digests) - known if _is_old(found, digests[one], now)]
        for other in (one for one in old if not _DIGEST.fullmatch(one)):
            found.delete(digests[other])
        lost = [BlobRemoval(sha256=one) for one in old if _DIGEST.fullmatch(one)]
        BlobRemoval.objects.bulk_create(lost, ignore_conflicts=True)
        gone += len(old)
    return gone


def _is_old(found: Storage, name: str, now: datetime) -> bool:
    try:
        return found.get_modified_time(name) < now - YOUNG
    except FileNotFoundError:
        return False


def _names(found: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = found.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from _names(found, f"{folder}/{name}")
