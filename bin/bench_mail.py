"""Measures how fast arriving mail is filed: 1,000 mixed mails through `manage.py ingest` on PostgreSQL.

`python bin/bench_mail.py [MAILS]`. The mails are made here, always the same ones: about 3 KB in the median, a fifth with
50 to 200 KB of attachments, a third answers to earlier ones. Each is treated as newly arrived: receipts are written
into the outbox, and each leaves a row in django-mailbox's journal. PostgreSQL is the one `DATABASE_URL` names, else a
throw-away cluster of its own that flushes to disk as in production. The last line is one JSON object.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bin")]

SENTENCE = (
    "the printer on floor three shows an error since monday and nobody can print exam sheets could you please "
    "have a look many thanks wir haben ein Problem mit der Anmeldung für das Seminar und bitten um Hilfe"
)
WORDS = SENTENCE.split()


def mails(count: int) -> Iterator[bytes]:
    """Yield `count` raw mails, the same ones at every run."""
    dice = random.Random(20261126)  # noqa: S311  samples, no secrets
    threads: list[tuple[str, str, str]] = []
    for number in range(count):
        message_id = f"<bench-{number}@mail.example>"
        if threads and dice.random() < 1 / 3:
            sender, subject, first = dice.choice(threads)
            head = f"Subject: Re: {subject}\r\nIn-Reply-To: {first}\r\nReferences: {first}\r\n"
        else:
            sender, subject = f"person{number}@mail.example", " ".join(dice.choices(WORDS, k=5))
            head = f"Subject: {subject}\r\n"
            threads.append((sender, subject, message_id))
        head = (
            f"Received: from mail.example by mx.desk.example; Thu, 26 Nov 2026 08:00:00 +0000\r\n"
            f"From: Person {number} <{sender}>\r\nTo: Support <support@desk.example>\r\n{head}"
            f"Date: Thu, 26 Nov 2026 08:00:00 +0000\r\nMessage-ID: {message_id}\r\nMIME-Version: 1.0\r\n"
        )
        yield (head + body(dice)).encode()


def body(dice: random.Random) -> str:
    """Return the rest of a mail: text alone, text with HTML, or these with files."""
    size = int(dice.lognormvariate(7.6, 0.7))
    text = ""
    while len(text) < size:
        text += " ".join(dice.choices(WORDS, k=12)) + "\r\n"
    plain = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    if dice.random() < 0.5:
        html = text[: size // 2].replace("\r\n", "<br>\r\n")
        plain = (
            "Content-Type: multipart/alternative; boundary=alt\r\n\r\n--alt\r\n"
            f"{plain}--alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            f"<html><body><p>{html}</p></body></html>\r\n--alt--\r\n"
        )
    if dice.random() >= 0.2:
        return plain
    content = base64.encodebytes(dice.randbytes(dice.randint(50, 200) * 1024 * 3 // 4)).decode()
    return (
        f"Content-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\n{plain}--mix\r\n"
        "Content-Type: application/pdf; name=scan.pdf\r\nContent-Disposition: attachment; filename=scan.pdf\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{content}\r\n--mix--\r\n"
    )


def prepare(folder: Path, count: int) -> list[int]:
    """Write the mails as a maildir; return their sizes."""
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    sizes = []
    for number, raw in enumerate(mails(count)):
        (folder / "new" / f"{number:08}").write_bytes(raw)
        sizes.append(len(raw))
    return sizes


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the statements that go to the database, by their first word."""
    from django.db import connection

    counts: Counter[str] = Counter()

    def count(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        counts[str(sql).split(None, 1)[0].upper()] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield counts


def peak() -> float:
    """Return the largest memory this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="stelze-bench-") as home:
        folder = Path(home)
        sizes = prepare(folder / "mails", count)
        os.environ["MEDIA_ROOT"] = str(folder / "media")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            from test import throw_away_cluster  # type: ignore[attr-defined]

            os.environ["DATABASE_URL"] = throw_away_cluster(safe=True)
        measure(folder, sizes)


def measure(folder: Path, sizes: list[int]) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django_mailbox.models import Mailbox

    from helpdesk.models import Article, InboundMail, MailAccount, Queue, QueueAddress, Ticket

    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    queue = Queue.objects.create(name="Bench", slug="bench", purpose="Measuring.")
    QueueAddress.objects.create(queue=queue, address="support@desk.example")
    mailbox = Mailbox.objects.create(name="bench", uri="imap://bench@mail.example/", active=False)
    MailAccount.objects.create(mailbox=mailbox, queue=queue)
    before = peak()
    out = io.StringIO()
    started, cpu = time.perf_counter(), time.process_time()
    with counted() as statements:
        call_command(
            "ingest",
            str(folder / "mails"),
            queue="bench",
            mailbox="bench",
            reply=True,
            json=True,
            stdout=out,
        )
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    outcomes = Counter(json.loads(line)["outcome"] for line in out.getvalue().splitlines())
    journal = InboundMail.objects.filter(message__isnull=False).count()
    print(
        f"{len(sizes)} mails, median {statistics.median(sizes):.0f} bytes, {sum(sizes) / 1e6:.1f} MB in all"
    )
    print(
        f"outcomes: {dict(outcomes)}; {Ticket.objects.count()} tickets, {Article.objects.count()} articles"
    )
    print(f"journal rows: {journal}; statements: {dict(statements.most_common())}")
    figures = {
        "mails": len(sizes),
        "mails_per_s": round(len(sizes) / seconds, 1),
        "mails_per_cpu_s": round(len(sizes) / cpu, 1),
        "queries_per_mail": round(sum(statements.values()) / len(sizes), 1),
        "peak_mb": round(peak(), 1),
        "peak_mb_before": round(before, 1),
        "seconds": round(seconds, 2),
        "database": connection.vendor,
    }
    print(json.dumps(figures), flush=True)
    logging.disable(logging.CRITICAL)  # the cluster's farewell


if __name__ == "__main__":
    main()
