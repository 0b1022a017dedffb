"""Making a backup: the database first, the files after it, the journal, and the manifest last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import django
from django.db import connection
from django.utils import timezone

import helpdesk
from helpdesk import conf, journal, unfinished
from helpdesk.models import PeriodicJob

from . import databases, files, keys, layout, pruning
from .layout import BackupError, Manifest
from .pool import Pool

#: The row that says when the last good backup was made, and why the last attempt failed; no job of the worker.
STAMP = "backup"

Say = Callable[[str], object]


@dataclass
class Made:
    """A backup that was made, and what was removed for it."""

    folder: Path
    manifest: Manifest
    removed: list[str] = field(default_factory=list)


def make(
    target: Path, *, keep: int = 0, key_file: Path | None = None, say: Say = lambda line: None
) -> Made:
    """Make a backup in a new folder below `target`, and keep the newest `keep` (0: all) of those that lie there.

    The site may go on: the database is written as it is at one moment, and files that are erased after that
    are told of in the manifest. Raises `BackupError`; what was written by then is no backup and goes with the
    next one.
    """
    if again := unfinished.command():
        raise BackupError(
            f"A restore was not finished here, and would take the place of a good backup. First: manage.py {again}."
        )
    if key_file is not None:
        keys.write_keys(key_file, target)
    try:
        with layout.locked(target):
            made = _make(target, say)
            if keep:
                say("Removing what is too old …")
                made.removed = pruning.prune(target, keep)
    except OSError as error:
        raise BackupError(f"{target} cannot be written to: {error.strerror or error}.") from None
    note(made.manifest)
    return made


def _make(target: Path, say: Say) -> Made:
    started = monotonic()
    for one in layout.interrupted(target):
        say(f"Removing {one.name}: it was interrupted …")
        shutil.rmtree(one)
    pool = Pool(target)
    pool.drop_half_written()
    before = layout.backups(target)
    folder = target / f"{timezone.now():%Y-%m-%dT%H%M%SZ}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise BackupError(f"{folder} is there already: one backup a second is enough.") from None
    say("Writing the database …")
    with databases.dumped(folder) as dump:
        facts = {
            "made_at": dump.made_at,
            "server": dump.server,
            "rows": dump.count_rows(),
            "migrations": _migrations(dump.query),
        }
        wanted = files.blob_rows(dump.query)
        names = files.file_names(dump.query, dump.tables)
    say(f"Copying what is new of {len(wanted) + len(names)} files …")
    blobs = files.take_blobs(pool, wanted)
    others = files.take_files(
        pool, names, layout.read_lines(before[-1] / layout.FILES) if before else ()
    )
    layout.write_lines(folder / layout.BLOBS, blobs.rows)
    layout.write_lines(folder / layout.FILES, others.rows)
    # after the files: also what was erased while they were copied stands there
    layout.write_lines(
        folder / layout.JOURNAL, ({"at": at, "entries": rows} for at, rows in journal.read())
    )
    manifest = _manifest(folder, facts, blobs, others)
    manifest.new_bytes, manifest.seconds = pool.new_bytes, round(monotonic() - started, 1)
    os.sync()  # all names, before the one that says that they are there
    manifest.write(folder)
    return Made(folder, manifest)


def _manifest(
    folder: Path, facts: dict[str, Any], blobs: files.Found, others: files.Found
) -> Manifest:
    contents = {row["sha256"]: row["size"] for row in [*blobs.rows, *others.rows]}
    parts = (databases.part(), layout.BLOBS, layout.FILES, layout.JOURNAL)
    for name in parts:
        (folder / name).chmod(0o600)
    return Manifest(
        name=folder.name,
        engine=connection.vendor,
        database=databases.part(),
        application=helpdesk.__version__,
        django=django.get_version(),
        wagtail=version("wagtail"),
        system_id=str(conf.get("SYSTEM_ID")),
        parts={name: layout.facts_of(folder / name) for name in parts},
        contents=len(contents),
        content_bytes=sum(contents.values()),
        new_bytes=0,
        erased=blobs.erased + others.erased,
        lost=[*blobs.lost, *others.lost],
        keys=keys.fingerprints(),
        **facts,
    )


def _migrations(query: databases.Query) -> dict[str, str]:
    """Return the last migration of each app, by its number."""
    return dict(query("SELECT app, MAX(name) FROM django_migrations GROUP BY app ORDER BY app"))


def note(manifest: Manifest) -> None:
    """Write down that a backup was made: `/healthz/ready` tells how old it is."""
    PeriodicJob.objects.update_or_create(
        name=STAMP,
        defaults={
            "last_run_at": manifest.moment,
            "next_run_at": manifest.moment,
            "last_error": f"{len(manifest.lost)} files are lost" if manifest.lost else "",
        },
    )


def note_failure(kind: str) -> None:
    """Write down that a backup failed; when the last good one was stays."""
    now = timezone.now()
    PeriodicJob.objects.update_or_create(
        name=STAMP, defaults={"last_error": kind}, create_defaults={"name": STAMP, "next_run_at": now, "last_error": kind},
    )  # fmt: skip
