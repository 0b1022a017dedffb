"""Move an archive of mails in: files, maildirs and mboxes, through the pipeline of arriving mail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from helpdesk.mail import ingest, ledger
from helpdesk.mail.transports.mbox import QUOTED, SEPARATOR
from helpdesk.models import InboundMail, Queue

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
        parser.add_argument("--json", action="store_true", help="one line of JSON a mail")
        parser.add_argument(
            "--reply", action="store_true", help="treat the mails as newly arrived: receipts go out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queue = Queue.objects.filter(slug=options["queue"]).first()
        if queue is None:
            known = ", ".join(Queue.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no queue {options['queue']} (there are: {known}).")
        for path in options["paths"]:
            if not path.exists():
                raise CommandError(f"There is no {path}.")
        counts: dict[str, int] = {}
        mails = tqdm(_mails(options["paths"]), unit=" mails", disable=None, dynamic_ncols=True)
        for source, raw in mails:
            line = self._one(source, raw, queue, reply=options["reply"])
            counts[line["outcome"]] = counts.get(line["outcome"], 0) + 1
            if options["json"]:
                self.stdout.write(json.dumps(line, ensure_ascii=False))
        if not options["json"]:
            total = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
            self.stdout.write(total or "no mails found")

    def _one(self, source: str, raw: bytes, queue: Queue, *, reply: bool) -> dict[str, Any]:
        key = hashlib.sha256(raw).hexdigest()
        row = InboundMail.objects.filter(source="archive", key=key).first()
        before = row is not None and row.state in FINAL
        if row is None:
            row = ledger.accept(raw, source="archive", key=key, queue=queue, silent=not reply)
        if not before:
            row = ingest.process(row.pk)
        return {
            "source": source,
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
