"""Looking for viruses in what came by mail, and in what could not be looked at when it came."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from helpdesk import audit, events, permissions, scanner
from helpdesk.models import (
    Article,
    Attachment,
    AuditKind,
    Blob,
    Event,
    EventKind,
    PeriodicJob,
    Scan,
)

logger = logging.getLogger(__name__)

#: Name of the worker's job.
JOB = "files.scan"
#: Files scanned in one go.
BATCH = 50


def scan_files() -> int:
    """Scan files that nobody looked at, oldest first; put what is infected into quarantine.

    Returns how many were scanned; 0 without a scanner. Raises `scanner.ScannerDown` if it does not answer, also
    if there is nothing to scan: files stay as they are, and the next run goes on.
    """
    if not scanner.is_on():
        return 0
    rows = list(Blob.objects.filter(scan=Scan.WAITING).order_by("stored_at", "pk")[:BATCH])
    if not rows and not scanner.is_up():  # nobody would hear of it before the next file came
        raise scanner.ScannerDown("no answer")
    try:
        for row in rows:
            _settle(row, _look_at(row))
    finally:
        tell_infected()
    return len(rows)


def is_down() -> bool:
    """Tell whether the scanner did not answer when the worker last asked; False without a scanner."""
    return scanner.is_on() and PeriodicJob.objects.filter(name=JOB).exclude(last_error="").exists()


def unchecked() -> int:
    """Return how many files wait to be scanned."""
    return Blob.objects.filter(scan=Scan.WAITING).count()


def _look_at(row: Blob) -> scanner.Verdict:
    try:
        return scanner.scan(row.read(), timeout=scanner.IN_THE_WORKER)
    except FileNotFoundError:  # nothing to give out, nothing to scan
        return scanner.Verdict(too_large=True)


def _settle(row: Blob, verdict: scanner.Verdict) -> None:
    found = Scan.INFECTED if verdict.finding else Scan.CLEAN
    Blob.objects.filter(pk=row.pk, scan=Scan.WAITING).update(
        scan=Scan.SKIPPED if verdict.too_large else found,
        scanned_at=timezone.now(),
        finding=verdict.finding,
    )


def tell_infected() -> int:
    """Note on each ticket that got an infected file what was found, once; return the number of messages.

    The raw mail of such a message goes into quarantine with it.
    """
    rows = list(
        Attachment.objects.filter(blob__scan=Scan.INFECTED).select_related("blob").order_by("pk")
    )
    events_of_them = Event.objects.filter(
        article__in={row.article_id for row in rows}, kind=EventKind.FILE_INFECTED
    )
    # a message's other files may have been scanned later
    told = {
        pk for data in events_of_them.values_list("data", flat=True) for pk in data["attachments"]
    }
    by_article: dict[int, list[Attachment]] = {}
    for row in rows:
        if row.pk not in told:
            by_article.setdefault(row.article_id, []).append(row)
    for pk, files in by_article.items():
        _tell(Article.objects.select_related("ticket__queue").get(pk=pk), files)
    return len(by_article)


@transaction.atomic
def _tell(article: Article, files: list[Attachment]) -> None:
    findings = sorted({file.blob.finding for file in files})
    events.record(
        actor=permissions.SYSTEM,
        ticket=article.ticket,
        kind=EventKind.FILE_INFECTED,
        article=article,
        data={"findings": findings, "attachments": [file.pk for file in files]},
        content={"files": [file.name for file in files]},
    )
    audit.record(
        AuditKind.FILE_QUARANTINED,
        ticket=article.ticket,
        data={"findings": findings, "files": [file.blob.sha256 for file in files]},
    )
    raw = Blob.objects.filter(inbound__article=article).exclude(scan=Scan.INFECTED)
    Blob.objects.filter(pk__in=list(raw.values_list("pk", flat=True))).update(
        scan=Scan.INFECTED, scanned_at=timezone.now(), finding=findings[0]
    )
    logger.warning("article %d: a file is infected and in quarantine", article.pk)
