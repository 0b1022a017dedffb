"""Measures how fast tickets are erased whose time is over: 100,000 of them, in batches, on PostgreSQL.

`python bin/bench_erase.py [TICKETS [BATCH]]`. Each ticket has three messages, a raw mail with its file in the storage,
a mail that went out, eight lines of history, entries in the search and answers of a form. Beside it somebody writes
ten times a second; how long that takes is measured, too. PostgreSQL is the one `DATABASE_URL` names, else a throw-away
cluster of its own that flushes to disk as in production. The last line is one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bin")]

from bench_mail import WORDS, counted, peak  # noqa: E402

CHUNK = 1000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    with tempfile.TemporaryDirectory(prefix="stelze-bench-") as home:
        os.environ["MEDIA_ROOT"] = str(Path(home) / "media")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            from test import throw_away_cluster  # type: ignore[attr-defined]

            os.environ["DATABASE_URL"] = throw_away_cluster(safe=True)
        measure(count, batch)


def measure(count: int, batch: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    other = fill(count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{count} tickets made in {time.perf_counter() - started:.0f} s", flush=True)
    before = peak()
    writer = Writer(other)
    writer.start()
    started, cpu = time.perf_counter(), time.process_time()
    with counted() as statements:
        done, batches = erase_all(batch)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    waited = writer.end()
    figures = {
        "tickets": done["tickets"],
        "seconds": round(seconds, 1),
        "tickets_per_s": round(done["tickets"] / seconds, 1),
        "tickets_per_cpu_s": round(done["tickets"] / cpu, 1),
        "batch": batch,
        "statements_per_batch": round(sum(statements.values()) / batches, 1),
        "longest_batch_s": round(done["longest"] / 1000, 2),
        "write_beside_ms": {
            "median": round(statistics.median(waited) * 1000, 1),
            "p95": round(sorted(waited)[int(len(waited) * 0.95)] * 1000, 1),
            "longest": round(max(waited) * 1000, 1),
            "number": len(waited),
        },
        "peak_mb": round(peak(), 1),
        "peak_mb_before": round(before, 1),
        "files_left": left_over(),
        "database": connection.vendor,
    }
    print({name: number for name, number in done.items() if name != "longest"})
    print(json.dumps(figures), flush=True)
    logging.disable(logging.CRITICAL)  # the cluster's farewell


def erase_all(batch: int) -> tuple[Counter[str], int]:
    """Erase what is due as the night does it, one batch after the other."""
    from django.utils import timezone

    from helpdesk import actions
    from helpdesk.models import Ticket

    done: Counter[str] = Counter()
    batches = 0
    while True:
        due = Ticket.objects.filter(storage_step="end", storage_step_at__lte=timezone.now())
        ids = list(due.order_by("storage_step_at", "pk").values_list("pk", flat=True)[:batch])
        if not ids:
            return done, batches
        started = time.perf_counter()
        done += actions.erase(tickets=ids)
        done["longest"] = max(done["longest"], int((time.perf_counter() - started) * 1000))
        batches += 1


class Writer(threading.Thread):
    """Somebody who works on another ticket meanwhile."""

    def __init__(self, ticket: Any) -> None:
        super().__init__(daemon=True)
        self.ticket, self.waited, self._over = ticket, [], threading.Event()

    def run(self) -> None:
        from django.db import connection

        from helpdesk import actions, permissions

        number = 0
        while not self._over.wait(0.1):
            number += 1
            started = time.perf_counter()
            actions.rename(
                actor=permissions.SYSTEM, ticket=self.ticket, subject=f"Another {number}"
            )
            self.waited.append(time.perf_counter() - started)
        connection.close()

    def end(self) -> list[float]:
        self._over.set()
        self.join()
        return self.waited


def left_over() -> int:
    """Return how many files of the storage are still there."""
    return sum(path.is_file() for path in (Path(os.environ["MEDIA_ROOT"]) / "helpdesk").rglob("*"))


# --- what is erased ------------------------------------------------------------------------------


def fill(count: int) -> Any:
    """Make the tickets, and one that stays; return that."""
    from django.utils import timezone

    from helpdesk import actions, permissions
    from helpdesk.models import Customer, Queue

    dice = random.Random(20261126)  # noqa: S311  samples, no secrets
    queue = Queue.objects.create(name="Bench", slug="bench", purpose="Measuring.")
    people = Customer.objects.bulk_create(Customer(name=f"Person {n}") for n in range(500))
    opened = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=queue,
        customer=people[0],
        subject="Another",
        draft=actions.Draft(body="stays", channel="web"),
        receipt=False,
    )
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        closed = timezone.now() - timedelta(days=800, seconds=start)
        _fill_chunk(numbers, queue, people, closed, dice)
    return opened.ticket


def _text(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words))


def _fill_chunk(
    numbers: range, queue: Any, people: list[Any], closed: Any, dice: random.Random
) -> None:
    from helpdesk import models as m

    state = m.State.objects.filter(type="closed").first()
    priority = m.Priority.objects.first()
    tickets = m.Ticket.objects.bulk_create(
        m.Ticket(
            number=f"2024010110{number:08}",
            subject=_text(dice, 5),
            queue=queue,
            state=state,
            priority=priority,
            customer=people[number % len(people)],
            contact=f"person{number}@mail.example",
            channel="email",
            created_at=closed,
            changed_at=closed,
            closed_at=closed,
            retention_days=730,
            erase_at=closed + timedelta(days=731),
            storage_step_at=closed + timedelta(days=731),
            storage_step="end",
        )
        for number in numbers
    )
    articles = m.Article.objects.bulk_create(
        m.Article(
            ticket=one,
            channel="email",
            sender=sender,
            visible=True,
            from_name="Person",
            from_address=one.contact,
            subject=one.subject,
            body=_text(dice, 150),
            message_id=f"<{one.number}-{sender}@mail.example>",
            created_at=closed,
        )
        for one in tickets
        for sender in ("customer", "agent", "system")
    )
    _fill_rest(tickets, articles, queue, closed, dice)


def _fill_rest(
    tickets: list[Any], articles: list[Any], queue: Any, closed: Any, dice: random.Random
) -> None:
    from helpdesk import models as m

    raws = [f"Subject: {one.number}\n\n{_text(dice, 200)}".encode() for one in tickets]
    blobs = m.Blob.objects.bulk_create(m.Blob(sha256=_store(raw), size=len(raw)) for raw in raws)
    m.InboundMail.objects.bulk_create(
        m.InboundMail(
            source="bench",
            key=one.number,
            queue=queue,
            blob=blob,
            sender=one.contact,
            subject=one.subject,
            state="filed",
            ticket=one,
            article=article,
        )
        for one, blob, article in zip(tickets, blobs, articles[::3], strict=True)
    )
    m.OutboundMail.objects.bulk_create(
        m.OutboundMail(
            ticket=one,
            article=article,
            kind="answer",
            state="sent",
            message_id=f"<o{one.number}@desk.example>",
            from_address="desk@desk.example",
            to=[["Person", one.contact]],
            subject=one.subject,
            body=article.body,
            due_at=closed,
        )
        for one, article in zip(tickets, articles[1::3], strict=True)
    )
    m.Event.objects.bulk_create(
        m.Event(ticket=one, kind="state.changed", actor_kind="system", at=closed, data={"from": 1})
        for one in tickets
        for _number in range(8)
    )
    m.SearchEntry.objects.bulk_create(
        m.SearchEntry(ticket=one, words=f"{one.number} {one.subject}") for one in tickets
    )
    m.SearchEntry.objects.bulk_create(
        m.SearchEntry(ticket_id=one.ticket_id, article=one, words=one.body) for one in articles
    )
    m.Answer.objects.bulk_create(
        m.Answer(ticket=one, key=key, text=_text(dice, 3)) for one in tickets for key in "abcd"
    )


def _store(raw: bytes) -> str:
    """Put bytes where the storage would, without its flushing of each."""
    from helpdesk import storage

    sha256 = hashlib.sha256(raw).hexdigest()
    path = Path(os.environ["MEDIA_ROOT"]) / "helpdesk" / storage.path_of(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return sha256


if __name__ == "__main__":
    main()
