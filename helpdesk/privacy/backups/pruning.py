"""What goes: backups that are too old, and contents that no backup names any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import layout
from .pool import Pool


def prune(target: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` backups; return their names. Call with the target locked.

    What was erased lives on in backups until the last one that holds it is removed here.
    """
    old = layout.backups(target)[:-keep]
    for one in old:
        # without its manifest it is none any more, whatever happens next
        (one / layout.MANIFEST).unlink()
        shutil.rmtree(one)
    drop_unnamed(target)
    return [one.name for one in old]


def drop_unnamed(target: Path) -> int:
    """Remove the contents that no backup names; return how many there were."""
    named: set[str] = set()
    for one in layout.backups(target):
        for part in (layout.BLOBS, layout.FILES):
            named.update(row["sha256"] for row in layout.read_lines(one / part))
    count = 0
    for path in Pool(target).contents():
        if path.name not in named:
            path.unlink()
            count += 1
    return count
