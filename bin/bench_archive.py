"""Measures what the archive saves: lists, counts and indexes of 200,000 tickets on PostgreSQL, before and after.

`python bin/bench_archive.py [TICKETS]`. One ticket of twenty is open or was closed lately; the others have been closed
for long. First they are all among the daily work, and so are the indexes; then the worker's own job archives them.
PostgreSQL is a throw-away cluster of its own that flushes to disk as in production, never the one in use. The last
line is one JSON object: medians in milliseconds, sizes in megabytes.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bin")]

TIMES = 21
SHARE_HOT = 20
HOT = ("queue", "owner", "state", "changed", "created")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    from test import throw_away_cluster  # type: ignore[attr-defined]

    os.environ["DATABASE_URL"] = throw_away_cluster(safe=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    import django

    django.setup()
    measure(count)


def measure(count: int) -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    admin, agent = fill(count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    before, size_before = timed(admin, agent), sizes()
    seconds, archived = archive()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        size_vacuumed = sizes()
        for name in HOT:  # a page of an index is used again, but given back only so
            cursor.execute(f"REINDEX INDEX helpdesk_ticket_{name}")
    after, size_after = timed(admin, agent), sizes()
    print(f"{count} tickets, {archived} archived in {seconds:.1f} s")
    for name, figure in before.items():
        print(f"{name:40} {figure:8.1f} ms {after[name]:8.1f} ms  {figure / after[name]:6.1f} x")
    for name, size in size_before.items():
        print(f"{name:40} {size:8.1f} MB {size_vacuumed[name]:8.1f} MB {size_after[name]:8.1f} MB")
    figures = {
        "tickets": count,
        "archived": archived,
        "archived_per_s": round(archived / seconds),
        "before_ms": {name: round(one, 2) for name, one in before.items()},
        "after_ms": {name: round(one, 2) for name, one in after.items()},
        "before_mb": {name: round(one, 2) for name, one in size_before.items()},
        "after_mb": {name: round(one, 2) for name, one in size_after.items()},
    }
    print(json.dumps(figures), flush=True)
    logging.disable(logging.CRITICAL)  # the cluster's farewell


def fill(count: int) -> tuple[Any, Any]:
    """Make the tickets, in twenty queues; return a superuser, and an agent of two of the queues."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from helpdesk.models import Priority, Queue, QueueRight, Right, State, Ticket

    users = get_user_model().objects
    owners = [users.create(username=f"agent{number}") for number in range(40)]
    admin = users.create(username="chief", is_superuser=True)
    team = Group.objects.create(name="Bench")
    owners[0].groups.add(team)
    queues = [
        Queue.objects.create(name=f"Q{one}", slug=f"q{one}", purpose="Bench") for one in range(20)
    ]
    for queue in queues[:2]:
        for right in Right.values:
            QueueRight.objects.create(group=team, queue=queue, right=right)
    types = {row.type: row.pk for row in State.objects.all()}
    now = timezone.now()
    first = Ticket.objects.create(
        number="first",
        subject="Request about the printer on floor 3",
        preview="It shows an error since Monday and nobody can print.",
        queue=queues[0],
        state_id=types["open"],
        priority=Priority.objects.order_by("pk").first(),
        contact="person@mail.example",
        channel="email",
        created_at=now,
        changed_at=now,
        retention_days=730,
    )
    copy(first, count, queues[0].pk, owners[0].pk, types)
    return admin, owners[0]


def copy(first: Any, count: int, queue: int, owner: int, types: dict[str, int]) -> None:
    """Fill the table with what differs from ticket to ticket; the database does it, for it takes a tenth of the time.

    Every twentieth is hot, every second of those open; ages are spread evenly, in an order of their own.
    """
    from django.db import connection

    columns = [one.column for one in first._meta.concrete_fields if one.column != "id"]
    hot, opened = f"n % {SHARE_HOT} = 0", f"n % {2 * SHARE_HOT} = 0"
    age = f"make_interval(hours => CASE WHEN {hot} THEN x * 24 * 50 ELSE 24 * 61 + x * 24 * 660 END::int)"
    told = {
        "number": "lpad(n::text, 16, '0')",
        "queue_id": f"{queue} + n / {SHARE_HOT} % 20",
        "state_id": f"CASE WHEN {opened} THEN {types['open']} ELSE {types['closed']} END",
        "owner_id": f"CASE WHEN n % 10 < 7 THEN {owner} + n / 10 % 40 END",
        "contact": "'person' || n % 30000 || '@mail.example'",
        "created_at": f"created_at - {age}",
        "changed_at": f"created_at - {age} * 0.98",
        "closed_at": f"CASE WHEN NOT {opened} THEN created_at - {age} * 0.98 - interval '1 day' END",
        "waiting_since": f"CASE WHEN {opened} THEN created_at - {age} END",
        "link_nonce": "md5(n::text)::varchar(16)",
    }
    values = ", ".join(told.get(name, f'"{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO helpdesk_ticket ({names}) SELECT {values} FROM helpdesk_ticket, "  # noqa: S608  our own words
            f"(SELECT n, (n::bigint * 7919 % 10007) / 10007.0 AS x FROM generate_series(1, {count}) AS n) AS numbers "
            "WHERE number = 'first'"
        )
    first.delete()


def archive() -> tuple[float, int]:
    """Archive what is due with the worker's own job; return seconds and number."""
    from helpdesk.actions.archiving import archive_closed

    started, total = time.perf_counter(), 0
    while done := archive_closed():
        total += done
    return time.perf_counter() - started, total


def timed(admin: Any, agent: Any) -> dict[str, float]:
    """Return the median time of each question in milliseconds."""
    from helpdesk import actions, permissions
    from helpdesk.agents.dashboard import _count
    from helpdesk.agents.tickets_list import TicketFilters, for_rows, ordered, tickets_for
    from helpdesk.models import Ticket

    def page(user: Any, slug: str, ordering: str, **asked: Any) -> Callable[[], object]:
        def run() -> object:
            actor = permissions.agent(user)
            found = tickets_for(actor, TicketFilters(view=slug, **asked))
            return list(ordered(for_rows(found, actor), ordering)[:50])

        return run

    def count(user: Any, slug: str) -> Callable[[], object]:
        return lambda: _count(permissions.agent(user), slug)

    owner = Ticket.objects.exclude(owner=None).values_list("owner", flat=True)[0]
    questions: dict[str, Callable[[], object]] = {
        "all open, team": page(agent, "open", "-changed_at"),
        "all open, everything": page(admin, "open", "-changed_at"),
        "closed, team": page(agent, "closed", "-changed_at"),
        "all, team": page(agent, "all", "-changed_at"),
        "all, everything": page(admin, "all", "-changed_at"),
        "all by creation, everything": page(admin, "all", "-created_at"),
        "mine": page(agent, "mine", "waiting_since"),
        "count mine": count(agent, "mine"),
        "count unassigned": count(agent, "unassigned"),
        "count waiting": count(agent, "waiting-for-us"),
        "what an owner has open": lambda: len(actions.open_tickets_of(owner)),
        "all with archive, team": page(agent, "all", "-changed_at", with_archive=True),
        "all with archive, everything": page(admin, "all", "-changed_at", with_archive=True),
    }
    return {name: median(run) for name, run in questions.items()}


def median(run: Callable[[], object]) -> float:
    run()
    found = []
    for _ in range(TIMES):
        started = time.perf_counter()
        run()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def sizes() -> dict[str, float]:
    """Return the size of each index of the daily lists in megabytes, and of all indexes of tickets."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for name in HOT:
            cursor.execute("SELECT pg_relation_size(%s)", [f"helpdesk_ticket_{name}"])
            found[name] = cursor.fetchone()[0] / 1e6
        cursor.execute("SELECT pg_indexes_size('helpdesk_ticket')")
        found["all indexes of tickets"] = cursor.fetchone()[0] / 1e6
    return found


if __name__ == "__main__":
    main()
