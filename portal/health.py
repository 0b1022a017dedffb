"""Answers for load balancers and monitors: does the process live, can it serve.

Plain text lines, no session, no language, nothing about people.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import FileSystemStorage
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from helpdesk import scanner
from helpdesk.actions import scanning
from helpdesk.mail.health import summary
from helpdesk.models import PeriodicJob
from helpdesk.privacy.backups import making
from helpdesk.storage import blob_storage

#: The worker is called late when it has shown no sign of life for so long.
WORKER_LATE = timedelta(minutes=5)
#: A backup is called late when the last good one is older.
BACKUP_LATE = timedelta(days=2)

#: Once complete, the migrations of a running process stay so: looked at until then only.
_migrated = False


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process does."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if requests can be served, else 503; one line for each part looked at.

    A worker that is late, an old backup and mail accounts in trouble are told, and fail nothing: pages and forms are served
    without them.
    """
    parts = {"database": _database(), "migrations": "unknown", "storage": _storage()}
    if parts["database"] == "ok":
        parts["migrations"] = _migrations()
    good = all(answer.startswith("ok") for answer in parts.values())
    if good:
        parts["worker"] = _worker()
        parts["mail accounts"] = _mail_accounts()
        if scanner.is_on():
            parts["virus scanner"] = _virus_scanner()
        if backup := _backup():
            parts["backup"] = backup
    lines = "".join(f"{name}: {answer}\n" for name, answer in parts.items())
    return HttpResponse(lines, content_type="text/plain", status=200 if good else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"not reachable ({type(error).__name__})"
    return "ok"


def _migrations() -> str:
    global _migrated
    if not _migrated:
        loader = MigrationLoader(connection)
        _migrated = all(leaf in loader.applied_migrations for leaf in loader.graph.leaf_nodes())
    return "ok" if _migrated else "pending: run manage.py migrate"


def _storage() -> str:
    storage = blob_storage()
    if not isinstance(storage, FileSystemStorage):
        return "ok (not a local folder, not tried)"
    try:
        Path(storage.location).mkdir(parents=True, exist_ok=True)
        # a file without a name leaves nothing behind, even if we die
        with tempfile.TemporaryFile(dir=storage.location) as file:
            file.write(b"ok")
    except OSError as error:
        return f"not writable ({type(error).__name__})"
    return "ok"


def _worker() -> str:
    jobs = PeriodicJob.objects.exclude(name=making.STAMP)
    last = jobs.aggregate(last=Max("last_run_at"))["last"]
    if last is None:
        return "never seen"
    age = timezone.now() - last
    return f"{'late' if age > WORKER_LATE else 'ok'} (last seen {int(age.total_seconds())} s ago)"


def _mail_accounts() -> str:
    used, bad = summary()
    return f"{bad} of {used} in trouble" if bad else f"ok ({used} in use)"


def _virus_scanner() -> str:
    waiting = scanning.unchecked()
    if scanning.is_down():
        return f"not reachable ({waiting} files not checked)"
    return f"ok ({waiting} files waiting)" if waiting else "ok"


def _backup() -> str:
    """Tell how old the last backup is; '' where none was ever made with `manage.py backup`."""
    row = PeriodicJob.objects.filter(name=making.STAMP).first()
    if row is None:
        return ""
    if row.last_run_at is None:
        return f"failed ({row.last_error}), none made yet"
    age = timezone.now() - row.last_run_at
    word = "failed" if row.last_error else "late" if age > BACKUP_LATE else "ok"
    return f"{word} (last made {int(age.total_seconds() // 3600)} h ago)"
