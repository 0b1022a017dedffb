"""Putting a backup in the place of what is here, and what has to be done so that nothing comes back or goes out twice.

The order: everything is verified, files first (more of them hurt nobody), then the database in one transaction, then
migrations, then what was erased since goes again. Whoever dies on the way leaves what was there before, or a database that says so
(`helpdesk.unfinished`): nothing works with it until the restore was begun anew and came to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils import timezone
from django.utils.translation import gettext

from helpdesk import audit, journal, search, unfinished
from helpdesk.actions import numbers
from helpdesk.mail import stopping
from helpdesk.models import (
    Article,
    AuditKind,
    Blob,
    BlobRemoval,
    Customer,
    InboundMail,
    PeriodicJob,
    Ticket,
)
from helpdesk.notifications import restored
from helpdesk.privacy import replaying

from . import checking, databases, files, layout
from .layout import BackupError, Manifest
from .making import Say
from .pool import Pool

#: A batch of erasure is written down shortly before it is committed; what is older than this before the backup
#: is in the backup for certain.
MARGIN = timedelta(minutes=10)
#: So many numbers of today are left out: those that were drawn since the backup, nobody knows how many.
GAP = 1_000
#: And so many ids. They stand in reply addresses and Message-IDs that went out: an answer to what is lost must not
#: come to a stranger's request. They are many days'; there are enough of them.
IDS_GAP = 100_000
#: The tables whose ids are known outside the database, and which entries of the journal name them.
NAMED: dict[type[Model], tuple[str, ...]] = {
    Ticket: (journal.TICKET, journal.FILES, journal.PERSONS, journal.ANONYMISED, journal.OWN),
    Article: (journal.ARTICLES,),
    Customer: (journal.CUSTOMERS,),
    InboundMail: (journal.INBOUND,),
}


@dataclass(frozen=True)
class Wishes:
    """What somebody who restores may choose."""

    force: bool = False
    send_queued: bool = False
    fetch_mail: bool = False
    journals: tuple[Path, ...] = ()


@dataclass
class Restored:
    """What was done, for the summary."""

    name: str
    made_at: str
    rows: int = 0
    files: int = 0
    files_put: int = 0
    erased_again: Counter[str] = field(default_factory=Counter)
    held_back: int = 0
    mailboxes: list[int] = field(default_factory=list)
    left_over: int = 0


def check(folder: Path, *, say: Say) -> Manifest:
    """Read the whole backup and tell whether it could be restored here. Raises `BackupError`."""
    manifest = Manifest.read(folder)
    checking.refuse_unfit(manifest)
    say("Reading the whole backup …")
    checking.verify(folder, manifest)
    return manifest


def restore(folder: Path, wishes: Wishes, *, say: Say = lambda line: None) -> Restored:
    """Restore a backup. Raises `BackupError`; before the database was replaced nothing is lost then.

    No web or worker process may run.
    """
    manifest = check(folder, say=say)
    checking.refuse_at_work()
    if not wishes.force:
        checking.refuse_filled()
    done = Restored(manifest.name, manifest.made_at)
    say("Putting the files back …")
    done.files, done.files_put = files.put_back(folder, Pool(folder.parent))
    gather_journals(wishes.journals, folder)
    say("Putting the database back …")
    databases.load(folder / manifest.database)
    _compare(manifest)
    done.rows = sum(manifest.rows.values())
    say("Migrating …")
    call_command("migrate", verbosity=0, interactive=False)
    put_right(done, wishes, moment=manifest.moment, say=say)
    return done


def put_right(done: Restored, wishes: Wishes, *, moment: datetime, say: Say) -> None:
    """Do what a database needs that was put back to its state of a `moment`: nothing comes back, or goes out twice."""
    again = unfinished.REPLAY.format(since=moment.isoformat())
    unfinished.begin(again)  # `restore` has said so with the rows of its backup
    _forget_what_passes()
    numbers.skip_drawn(_numbers(), gap=GAP)
    _skip_ids()
    if not wishes.fetch_mail:
        done.mailboxes = _stop_fetching()
    if not wishes.send_queued:
        done.held_back = restored.hold_back(_reason(moment))
    say("Erasing again what was erased since …")
    done.erased_again = replaying.replay(journal.read(), since=moment - MARGIN)
    if done.erased_again:
        search.purge()
    done.left_over = _mark_left_over()
    databases.refresh_statistics()
    with transaction.atomic():
        audit.record(AuditKind.RESTORED, data=_facts(done))
        unfinished.end()


@transaction.atomic
def _stop_fetching() -> list[int]:
    stopped = sorted({*unfinished.mailboxes(), *stopping.stop_fetching()})
    unfinished.note_mailboxes(stopped)
    return stopped


def _reason(moment: datetime) -> str:
    made = timezone.localtime(moment)
    return gettext(
        "Held back: it waited when the backup of %(moment)s was made, and may have gone out since."
    ) % {"moment": f"{made:%Y-%m-%d %H:%M}"}


def _facts(done: Restored) -> dict[str, Any]:
    return {
        "backup": done.name,
        "made_at": done.made_at,
        "erased_again": dict(done.erased_again),
        "held_back": done.held_back,
        "mailboxes": done.mailboxes,
    }


def _compare(manifest: Manifest) -> None:
    """Raise `BackupError` if the database does not hold what the backup counted."""
    now = databases.rows_now()
    wrong = [
        name for name, count in manifest.rows.items() if now.get(name) != count and _counts(name)
    ]
    if wrong:
        raise BackupError(f"The database was restored, but rows are missing in {', '.join(wrong)}.")


def _counts(table: str) -> bool:
    """Tell whether a table is one of rows: the index of SQLite's full text search lays its own out anew."""
    return connection.vendor != "sqlite" or not table.startswith("helpdesk_searchwords")


def _forget_what_passes() -> None:
    """Log everybody out and empty the caches: they tell of another state."""
    ContentType.objects.clear_cache()
    if apps.is_installed("django.contrib.sessions"):
        apps.get_model("sessions", "Session").objects.all().delete()
    for alias in settings.CACHES:
        caches[alias].clear()
    # the workers that ran when the backup was made are none of ours
    PeriodicJob.objects.filter(lease_until__isnull=False).update(lease_until=None)


# --- the journal -----------------------------------------------------------------------------------


def gather_journals(others: tuple[Path, ...], folder: Path | None = None) -> None:
    """Bring what other journals and that of a backup know into ours, so that the next restoring knows it, too."""
    here = journal.journal_storage()
    ours = {_mark(at, rows) for at, rows in journal.read(here)}
    for at, rows in _foreign(others, folder):
        mark = _mark(at, rows)
        if mark not in ours:
            ours.add(mark)
            _keep(here, at, rows)


def _foreign(
    others: tuple[Path, ...], folder: Path | None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for row in layout.read_lines(folder / layout.JOURNAL) if folder else ():
        yield row["at"], row["entries"]
    for one in others:
        if not one.is_dir():
            raise BackupError(f"There is no journal in {one}.")
        try:
            yield from journal.read(FileSystemStorage(location=one))
        except (ValueError, KeyError):
            raise BackupError(f"{one} holds a file that is none of a journal's.") from None


def _mark(at: str, rows: list[dict[str, Any]]) -> str:
    return layout.digest_of([at.encode(), repr(rows).encode()])


def _keep(storage: Storage, at: str, rows: list[dict[str, Any]]) -> None:
    name, body = journal.file_of(at, rows)
    storage.save(name, ContentFile(body))


def _numbers() -> Iterator[str]:
    """Give the numbers that the journal knows."""
    for _at, entries in journal.read():
        yield from (str(one["number"]) for one in entries if one.get("number"))


def _skip_ids() -> None:
    """Let no id be given again that was given since: nobody knows how many were, the journal knows some."""
    kinds = {kind: model for model, several in NAMED.items() for kind in several}
    known = {model: _last_id(model) for model in NAMED}
    for _at, entries in journal.read():
        for one in entries:
            if model := kinds.get(one["kind"]):
                known[model] = max(known[model], one.get("pk", 0), *one.get("pks", ()))
    for model, last in known.items():
        databases.skip_ids(model._meta.db_table, last, gap=IDS_GAP)


def _last_id(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


# --- files that no row leads to --------------------------------------------------------------------


def _mark_left_over() -> int:
    """Have the contents removed that came after the backup: no row of the restored database leads to them."""
    named = set(Blob.objects.values_list("sha256", flat=True).iterator(chunk_size=10_000))
    rows = [BlobRemoval(sha256=one) for one in files.left_over(named)]
    BlobRemoval.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)
