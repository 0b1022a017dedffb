"""Move an archive of mails in: files, maildirs and mboxes, through the pipeline of arriving mail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_mailbox.models import Mailbox
from tqdm import tqdm

from helpdesk import unfinished
from helpdesk.mail import ingest, ledger
from helpdesk.mail.transports.mbox import QUOTED, SEPARATOR
from helpdesk.models import InboundMail, Queue

#: So many mails, or bytes, are stored with one commit.
BATCH = 50
BATCH_BYTES = 8 * 1024 * 1024

FINAL = (InboundMail.State.FILED, InboundMail.State.IGNORED)


class Command(BaseCommand):
    help = (
        "Files the mails of PATH… (single files, maildirs, mboxes, folders of these) in a queue. "
        "Sends nothing unless --reply; a ticket's date is its mail's. Mails filed before are told "
        "again, not filed again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--queue", required=True, help="short name of the queue")
        parser.add_argument(
            "--mailbox", help="name of a mailbox: leave rows in its journal, as if they came by it"
        )
        parser.add_argument("--json", action="store_true", help="one line of JSON a mail")
        parser.add_argument(
            "--reply", action="store_true", help="treat the mails as newly arrived: receipts go out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            unfinished.refuse()
        except unfinished.Unfinished as refusal:
            raise CommandError(str(refusal)) from None
        queue = Queue.objects.filter(slug=options["queue"]).first()
        if queue is None:
            known = ", ".join(Queue.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no queue {options['queue']} (there are: {known}).")
        for path in options["paths"]:
            if not path.exists():
                raise CommandError(f"There is no {path}.")
        mailbox = None
        if options["mailbox"]:
            mailbox = Mailbox.objects.filter(name=options["mailbox"]).first()
            if mailbox is None:
                raise CommandError(f"There is no mailbox {options['mailbox']}.")
        counts: dict[str, int] = {}
        progress = tqdm(unit=" mails", disable=None, dynamic_ncols=True)
        for batch in _batches(_mails(options["paths"])):
            for line in _file(batch, queue, mailbox, reply=options["reply"]):
                counts[line["outcome"]] = counts.get(line["outcome"], 0) + 1
                if options["json"]:
                    self.stdout.write(json.dumps(line, ensure_ascii=False))
            progress.update(len(batch))
        progress.close()
        if not options["json"]:
            total = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
            self.stdout.write(total or "no mails found")


def _batches(mails: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the mails some at a time: few enough to lie in memory, enough to be stored together."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name, raw in mails:
        batch.append((name, raw))
        size += len(raw)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _file(
    batch: list[tuple[str, bytes]], queue: Queue, mailbox: Mailbox | None, *, reply: bool
) -> Iterator[dict[str, Any]]:
    """Store and file some mails; yield a line about each."""
    arrivals = [
        ledger.Arrival(
            raw,
            source="archive",
            key=hashlib.sha256(raw).hexdigest(),
            queue=queue,
            mailbox=mailbox,
            silent=not reply,
        )
        for _name, raw in batch
    ]
    rows = ledger.accept_many(arrivals)
    final = {row.pk for row in rows if row.state in FINAL}
    todo = list(dict.fromkeys(row.pk for row in rows if row.pk not in final))
    filed = {row.pk: row for row in ingest.process_all(todo)}
    told: set[int] = set()
    for (name, _raw), row in zip(batch, rows, strict=True):
        before = row.pk in final or row.pk in told
        told.add(row.pk)
        row = filed.get(row.pk, row)
        yield {
            "source": name,
            "outcome": row.outcome if row.state in FINAL else "failed",
            "reason": "already filed" if before else row.reason,
            "ticket": row.ticket.number if row.ticket else None,
            "article": row.article_id,
            "inbound": row.pk,
        }


def _mails(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield (name, raw bytes) of every mail below the paths, one in memory at a time."""
    for path in paths:
        if path.is_dir() and (path / "cur").is_dir() and (path / "new").is_dir():
            for file in sorted([*(path / "new").iterdir(), *(path / "cur").iterdir()]):
                yield str(file), file.read_bytes()
        elif path.is_dir():
            yield from _mails(sorted(child for child in path.iterdir() if not _is_note(child)))
        elif _is_mbox(path):
            for number, raw in enumerate(_messages(path)):
                yield f"{path}#{number}", raw
        else:
            yield str(path), path.read_bytes()


def _is_note(path: Path) -> bool:
    return path.name.startswith(".") or path.name.upper().startswith(("README", "LICEN", "COPYING"))


def _is_mbox(path: Path) -> bool:
    """Tell whether a file holds many mails; an .eml is one, whatever its first line looks like."""
    with path.open("rb") as file:
        return path.suffix.lower() != ".eml" and SEPARATOR.match(file.readline(1000)) is not None


def _messages(path: Path) -> Iterator[bytes]:
    """Yield the mails of an mbox. Only a separator behind an empty line ends one."""
    lines: list[bytes] = []
    is_behind_blank = True
    with path.open("rb") as file:
        for line in file:
            if is_behind_blank and SEPARATOR.match(line):
                if lines:
                    yield _unquoted(lines)
                lines = []
            else:
                lines.append(line)
            is_behind_blank = not line.strip()
    if lines:
        yield _unquoted(lines)


def _unquoted(lines: list[bytes]) -> bytes:
    if not lines[-1].strip():
        lines.pop()  # the empty line belongs to the separator
    return QUOTED.sub(rb"\1", b"".join(lines))
