"""Everything that runs by itself, in one process: the schedule, the tasks, and the reaper.

Several workers may run at once: a job of the schedule is claimed by a conditional update of its row, and
what a job works on (ledger, outbox, tasks) is claimed row by row. Any of it may die at any line; the
tables say what is left to do.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks_db.management.commands.db_worker import Worker as TaskWorker
from django_tasks_db.models import DBTaskResult

from . import conf
from .mail import fetch, ingest
from .models import AutoMail, PeriodicJob
from .notifications import send_due

logger = logging.getLogger(__name__)

#: Seconds between two looks at the schedule.
TICK = 1.0
#: Seconds to wait after the database was gone; doubled up to the second figure.
BACK_OFF = (2.0, 60.0)
#: A task that has been running for longer was left by a worker that died.
TASK_LEASE = timedelta(minutes=30)
#: A task is started at most so often: one that kills its worker must not go on for ever.
TASK_ATTEMPTS = 3
#: Automatic mails are remembered as long as the limiter asks for them.
AUTO_MAIL_MEMORY = timedelta(days=2)


@dataclass(frozen=True)
class Job:
    """One line of the schedule.

    Jobs of one lane run one after another, lanes side by side, so that a mail server that does not
    answer holds up only what needs it. `lease` is longer than any run: a claim older than that was
    left by a process that died.
    """

    name: str
    every: timedelta
    run: Callable[[], object]
    lane: str = "house"
    lease: timedelta = timedelta(minutes=15)


def _drain(step: Callable[[], int]) -> Callable[[], None]:
    def run() -> None:
        while step():
            pass

    return run


def run_tasks() -> None:
    """Run the tasks that wait, until there is none."""
    if "django_tasks_db" not in settings.TASKS["default"]["BACKEND"]:
        return  # another engine (Redis, at once) has workers of its own
    if not DBTaskResult.objects.ready().exists():
        return  # claiming takes SQLite's only write lock: not for nothing
    TaskWorker(
        queue_names=["*"],
        excluded_queue_names=[],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=f"{socket.gethostname()}:{os.getpid()}"[:64],
    ).run()


def reap_tasks() -> int:
    """Put tasks of dead workers back, or give them up after too many starts; return their number."""
    dead = DBTaskResult.objects.running().filter(started_at__lt=timezone.now() - TASK_LEASE)
    count = 0
    for row in dead.only("id", "worker_ids"):
        if len(row.worker_ids) >= TASK_ATTEMPTS:
            changes = {"status": "FAILED", "finished_at": timezone.now()}
        else:
            changes = {"status": "READY", "started_at": None}
        count += DBTaskResult.objects.running().filter(pk=row.pk).update(**changes)
    return count


def tidy() -> None:
    """Forget what is of no use any more: sessions, finished tasks, the limiter's memory."""
    call_command("clearsessions", verbosity=0)
    call_command("prune_db_task_results", verbosity=0)
    AutoMail.objects.filter(at__lt=timezone.now() - AUTO_MAIL_MEMORY).delete()


def publish_pages() -> None:
    """Publish and unpublish the pages whose time has come."""
    call_command("publish_scheduled", verbosity=0)


def schedule() -> list[Job]:
    """Return the jobs of this installation; a site adds its own by the setting `JOBS`."""
    return [
        Job("mail.fetch", timedelta(seconds=conf.get("FETCH_EVERY")), fetch.fetch_all, "in"),
        Job("mail.file", timedelta(seconds=3), _drain(ingest.process_pending), "in"),
        Job("mail.send", timedelta(seconds=3), _drain(send_due), "out"),
        Job("tasks.run", timedelta(seconds=3), run_tasks, "tasks", timedelta(hours=1)),
        Job("tasks.reap", timedelta(minutes=5), reap_tasks),
        Job("pages.publish", timedelta(minutes=1), publish_pages),
        Job("tidy", timedelta(days=1), tidy),
        *(import_string(path) for path in conf.get("JOBS")),
    ]


def run_due(jobs: list[Job]) -> int:
    """Run those of `jobs` that are due and that no other worker has; return how many ran.

    A job's fault is logged without its message (it may quote content), noted on its row, and never
    stops the next one. Raises only `DatabaseError`, when the schedule itself cannot be read.
    """
    return sum(_run(job) for job in jobs if _claim(job))


def _claim(job: Job) -> bool:
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = PeriodicJob.objects.filter(free, name=job.name, next_run_at__lte=now)
    if due.update(lease_until=now + job.lease):
        return True
    _row, made = PeriodicJob.objects.get_or_create(
        name=job.name, defaults={"next_run_at": now, "lease_until": now + job.lease}
    )
    return made


def _run(job: Job) -> bool:
    error = ""
    try:
        job.run()
    except DatabaseError as fault:
        connections.close_all()  # a broken connection must not fail the next job too
        error = type(fault).__name__
    except Exception as fault:  # noqa: BLE001  a job's fault never stops the others
        error = type(fault).__name__
    if error:
        logger.error("job %s failed: %s", job.name, error)
    now = timezone.now()
    PeriodicJob.objects.filter(name=job.name).update(
        next_run_at=now + job.every, lease_until=None, last_run_at=now, last_error=error
    )
    return True


def run_once() -> int:
    """Run everything once, whether due or not (unless another worker has it); return the number."""
    PeriodicJob.objects.update(next_run_at=F("next_run_at") - timedelta(days=366))
    return run_due(schedule())


def run_for_ever(stop: threading.Event) -> None:
    """Run the schedule until `stop` is set; returns within seconds after the jobs under way end."""
    jobs = sorted(schedule(), key=lambda job: job.lane)
    lanes = [
        threading.Thread(target=_lane, args=(list(group), stop), name=lane, daemon=True)
        for lane, group in groupby(jobs, key=lambda job: job.lane)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def _lane(jobs: list[Job], stop: threading.Event) -> None:
    wait = TICK
    while not stop.wait(wait):
        with _fresh_connections():
            try:
                for job in jobs:
                    if stop.is_set():
                        return
                    run_due([job])
                wait = TICK
            except DatabaseError as fault:
                connections.close_all()
                wait = min(max(wait * 2, BACK_OFF[0]), BACK_OFF[1])
                logger.error("database: %s; next attempt in %d s", type(fault).__name__, wait)


@contextmanager
def _fresh_connections() -> Iterator[None]:
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
