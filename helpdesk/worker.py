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
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import task_backends
from django_tasks_db import DatabaseBackend
from django_tasks_db.management.commands.db_worker import Worker as TaskRunner
from django_tasks_db.models import DBTaskResult

from . import conf, duplicates, unfinished
from .actions import (
    archiving,
    begin_absences,
    escalation,
    follow_merged,
    leaving,
    presence,
    reckoning,
    saved_drafts,
    scanning,
)
from .mail import fetch, health, ingest, listen
from .models import AutoMail, HeldFile, PeriodicJob, Reckoning
from .notifications import digest, letting_go, send_due, summaries, telling
from .privacy import applying, export, nightly, person_jobs

logger = logging.getLogger(__name__)

#: Seconds between two looks at the schedule.
TICK = 1.0
#: Seconds to wait after the database was gone; doubled up to the second figure.
BACK_OFF = (2.0, 60.0)
#: Seconds between two signs of life; each renews the claims of what is under way.
BEAT = 15.0
#: A claim that was not renewed for so long was left by a process that died.
LEASE = timedelta(seconds=60)
#: The claim of a run without signs of life (`--once`): longer than it may take.
LONG_LEASE = timedelta(minutes=15)
#: Seconds given to what is under way when the worker is told to stop; whatever is left is cut off.
GRACE = 20.0
#: A job that finds more and more to do comes to an end, so that its lane's others get their turn.
LONGEST_RUN = timedelta(minutes=5)
#: A task of a worker that shows no signs of life is given up after so long.
TASK_LEASE = timedelta(minutes=30)
#: A task is started at most so often: one that kills its worker must not go on for ever.
TASK_ATTEMPTS = 3
#: Automatic mails are remembered as long as the limiter asks for them.
AUTO_MAIL_MEMORY = timedelta(days=2)
#: Names of the rows that show which workers live; no job's name begins so.
WORKER_ROW = "worker "


@dataclass(frozen=True)
class Job:
    """One line of the schedule.

    `run` is called with nothing. If it `repeats`, it is called again at once as long as it returns
    something true. Jobs of one lane run one after another, lanes side by side, so that a mail server
    that does not answer holds up only what needs it. A `shared` job runs in every worker at its own
    pace: what it works on is claimed row by row; any other runs in one worker at a time.
    """

    name: str
    every: timedelta
    run: Callable[[], object]
    lane: str = "house"
    repeats: bool = False
    shared: bool = False


class LaneDied(Exception):
    """A thread of the worker ended unasked; the process must be started anew."""


def schedule() -> list[Job]:
    """Return the jobs of this installation; a site adds its own by the setting `JOBS`."""
    seconds = timedelta(seconds=1)
    return [
        Job("mail.fetch", conf.get("FETCH_EVERY") * seconds, fetch.fetch_all, "in"),
        Job("mail.file", 3 * seconds, ingest.process_pending, "in", repeats=True),
        Job("mail.silence", timedelta(hours=1), health.watch_silence),
        Job("mail.send", 3 * seconds, send_due, "out", repeats=True),
        Job("clocks.raise", 15 * seconds, escalation.raise_clocks, repeats=True),
        Job("clocks.reckon", 5 * seconds, reckoning.reckon, "reckon", repeats=True),
        Job("tickets.remind", 60 * seconds, escalation.remind, repeats=True),
        Job("tickets.close", 60 * seconds, escalation.close_pending, repeats=True),
        Job("tickets.hand_back", 60 * seconds, escalation.hand_back_idle, repeats=True),
        Job("tickets.archive", timedelta(hours=1), archiving.archive_closed, repeats=True),
        Job("tickets.no_rights", 300 * seconds, leaving.release_without_rights, repeats=True),
        Job("absences.begin", 60 * seconds, begin_absences, repeats=True),
        Job("absences.sum_up", 300 * seconds, summaries.sum_up_absences, repeats=True),
        Job("notices.tell", 3 * seconds, telling.tell, "notices", repeats=True, shared=True),
        Job("notices.digest", timedelta(minutes=5), digest.send_digests, "notices"),
        Job("tasks.run", 3 * seconds, run_task, "tasks", repeats=True, shared=True),
        Job("tasks.reap", timedelta(minutes=1), reap_tasks),
        Job("pages.publish", timedelta(minutes=1), publish_pages),
        Job("customers.follow", 60 * seconds, follow_merged, repeats=True),
        Job("duplicates.look", 20 * seconds, duplicates.look, repeats=True),
        Job(scanning.JOB, 20 * seconds, scanning.scan_files, "scan", repeats=True),
        Job("storage.shorten", 15 * seconds, applying.apply_orders, "storage", repeats=True),
        Job("persons.erase", 20 * seconds, person_jobs.work, "persons", repeats=True),
        Job("persons.exports", timedelta(hours=1), export.tidy_exports, repeats=True),
        Job("forms.held", timedelta(hours=1), HeldFile.drop_old, repeats=True),
        Job("tidy", timedelta(days=1), tidy),
        Job("privacy.night", 60 * seconds, nightly.run_night, "privacy", repeats=True),
        *(import_string(path) for path in conf.get("JOBS")),
    ]


def run_task() -> bool:
    """Run one task that waits; tell whether there was one."""
    if not isinstance(task_backends["default"], DatabaseBackend):
        return False  # another engine (Redis, at once) has workers of its own
    if not DBTaskResult.objects.ready().exists():
        return False  # claiming takes SQLite's only write lock: not for nothing
    TaskRunner(
        queue_names=["*"],
        excluded_queue_names=[],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=1,
        worker_id=_process_name(),
    ).run()
    return True


def reap_tasks() -> int:
    """Put tasks of dead workers back, or give them up after too many starts; return their number."""
    now = timezone.now()
    alive = set(
        PeriodicJob.objects.filter(name__startswith=WORKER_ROW, lease_until__gt=now).values_list(
            "name", flat=True
        )
    )
    count = 0
    for row in DBTaskResult.objects.running().only("id", "worker_ids", "started_at"):
        runner = row.worker_ids[-1] if row.worker_ids else ""
        if WORKER_ROW + runner in alive or row.started_at > now - LEASE:
            continue
        known = PeriodicJob.objects.filter(name=WORKER_ROW + runner).exists()
        if not known and row.started_at > now - TASK_LEASE:
            continue  # a worker of another kind: only time can tell
        if len(row.worker_ids) >= TASK_ATTEMPTS:
            changes = {"status": "FAILED", "finished_at": now}
        else:
            changes = {"status": "READY", "started_at": None}
        same = DBTaskResult.objects.running().filter(pk=row.pk, started_at=row.started_at)
        count += same.update(**changes)
    return count


def tidy() -> None:
    """Forget what is of no use any more: sessions, finished tasks, dead workers, old limits, drafts."""
    call_command("clearsessions", verbosity=0)
    if isinstance(task_backends["default"], DatabaseBackend):
        call_command("prune_db_task_results", verbosity=0)
    now = timezone.now()
    telling.tidy()
    letting_go.tidy_outbox(now=now)
    AutoMail.objects.filter(at__lt=now - AUTO_MAIL_MEMORY).delete()
    presence.forget_presence()
    saved_drafts.tidy_drafts(now=now)
    Reckoning.objects.filter(finished_at__lt=now - timedelta(days=30)).delete()
    long_dead = PeriodicJob.objects.filter(name__startswith=WORKER_ROW)
    long_dead.filter(last_run_at__lt=now - timedelta(days=1)).delete()


def publish_pages() -> None:
    """Publish and unpublish the pages whose time has come."""
    call_command("publish_scheduled", verbosity=0)


class Worker:
    """Runs jobs when they are due and nobody else has them. Use one of its two ways to run, once.

    With the schedule of this installation (no `jobs` given) it also listens to mailboxes while it runs for ever.

    Faults of a job are logged by type and place, never by message (it may quote what people wrote),
    noted on its row, and stop nothing else.
    """

    def __init__(self, jobs: Iterable[Job] | None = None, *, lease: timedelta = LONG_LEASE) -> None:
        self.jobs = schedule() if jobs is None else list(jobs)
        self.stopping = threading.Event()
        self._listeners = listen.Listeners(self.stopping) if jobs is None else None
        self._lease = lease
        self._lock = threading.Lock()
        self._claims: dict[str, datetime] = {}
        self._shared_next: dict[str, datetime] = {}
        self._refusal: unfinished.Unfinished | None = None

    def run_once(self, *, everything: bool = False) -> int:
        """Run each job that is due, or each at all if `everything`; return how many ran.

        Raises `DatabaseError` when the schedule itself cannot be read, `Unfinished` if nothing may run.
        """
        unfinished.refuse()
        if everything:
            names = [job.name for job in self.jobs]
            PeriodicJob.objects.filter(name__in=names).update(next_run_at=timezone.now())
        return sum(self._run_if_due(job) for job in self.jobs)

    def run_for_ever(self) -> None:
        """Run until `stopping` is set; return when what is under way has ended, or after `GRACE`.

        Raises `LaneDied` if a thread broke down, `Unfinished` if nothing may run.
        """
        self._lease = LEASE
        jobs = sorted(self.jobs, key=lambda job: job.lane)
        lanes = {"heart": self._thread("heart", self._beat, BEAT)}
        for name, group in groupby(jobs, key=lambda job: job.lane):
            lanes[name] = self._thread(name, self._round(list(group)), TICK)
        if self._listeners is not None:
            lanes["listen"] = self._thread("listen", self._listeners.look, listen.LOOK)
        dead = ""
        while not dead and not self.stopping.wait(TICK):
            dead = next((name for name, lane in lanes.items() if not lane.is_alive()), "")
        self.stopping.set()
        until = timezone.now() + timedelta(seconds=GRACE)
        for lane in lanes.values():
            lane.join(max(0.0, (until - timezone.now()).total_seconds()))
        if self._listeners is not None:
            self._listeners.join((until - timezone.now()).total_seconds())
        if self._refusal is not None:
            raise self._refusal
        if dead:
            raise LaneDied(dead)
        if not any(lane.is_alive() for lane in lanes.values()):
            self._say_goodbye()

    def _thread(self, name: str, step: Callable[[], None], pause: float) -> threading.Thread:
        thread = threading.Thread(target=self._live, args=(step, pause), name=name, daemon=True)
        thread.start()
        return thread

    def _live(self, step: Callable[[], None], pause: float) -> None:
        """Do a step, pause, and so on; with growing pauses while the database is gone."""
        wait = failed = 0.0
        try:
            while not self.stopping.wait(wait):
                _drop_broken_connections()
                try:
                    step()
                    wait, failed = pause, 0.0
                except DatabaseError as fault:
                    wait = failed = min(max(failed * 2, BACK_OFF[0]), BACK_OFF[1])
                    logger.error("database: %s; next attempt in %d s", type(fault).__name__, wait)
        finally:
            connections.close_all()  # this thread's own

    def _round(self, jobs: list[Job]) -> Callable[[], None]:
        is_whole = False

        def step() -> None:
            nonlocal is_whole
            is_whole = is_whole or self._may_work()
            for job in jobs:
                if not self.stopping.is_set():
                    self._run_if_due(job)

        return step

    def _may_work(self) -> bool:
        """Tell whether the database is whole; stop if not. Asked by each lane once it can be asked."""
        try:
            unfinished.refuse()
        except unfinished.Unfinished as refusal:
            self._refusal = refusal
            self.stopping.set()
        return self._refusal is None

    def _beat(self) -> None:
        """Show that this worker lives, and renew its claims on what is under way."""
        now = timezone.now()
        sign = {"lease_until": now + LEASE, "next_run_at": now + LEASE, "last_run_at": now}
        PeriodicJob.objects.update_or_create(name=WORKER_ROW + _process_name(), defaults=sign)
        with self._lock:
            for name, lease in self._claims.items():
                mine = PeriodicJob.objects.filter(name=name, lease_until=lease)
                if mine.update(lease_until=now + LEASE):
                    self._claims[name] = now + LEASE

    def _say_goodbye(self) -> None:
        try:
            PeriodicJob.objects.filter(name=WORKER_ROW + _process_name()).delete()
        except DatabaseError:
            logger.error("database gone at the end; the sign of life runs out by itself")

    def _run_if_due(self, job: Job) -> bool:
        if job.shared:
            due = self._shared_next.get(job.name)
            if due is not None and due > timezone.now():
                return False
        elif not self._claim(job):
            return False
        fault = self._attempt(job)
        self._settle(job, fault)
        return True

    def _claim(self, job: Job) -> bool:
        now = timezone.now()
        lease = now + self._lease
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        due = PeriodicJob.objects.filter(free, name=job.name, next_run_at__lte=now)
        with self._lock:
            if not due.update(lease_until=lease):
                _row, made = PeriodicJob.objects.get_or_create(
                    name=job.name, defaults={"next_run_at": now, "lease_until": lease}
                )
                if not made:
                    return False
            self._claims[job.name] = lease
        return True

    def _attempt(self, job: Job) -> str:
        """Run a job; return the type of its fault, if any."""
        until = timezone.now() + LONGEST_RUN
        try:
            while job.run() and job.repeats:
                if self.stopping.is_set() or timezone.now() > until:
                    break
        except Exception as fault:  # noqa: BLE001  a job's fault never stops the others
            _drop_broken_connections()  # or the next job fails too
            logger.error("job %s failed: %s at %s", job.name, type(fault).__name__, _place(fault))
            return type(fault).__name__
        return ""

    def _settle(self, job: Job, fault: str) -> None:
        now = timezone.now()
        done = {"next_run_at": now + job.every, "last_run_at": now, "last_error": fault}
        if job.shared:
            self._shared_next[job.name] = now + job.every
            # noted at a fault, after a fault, and once in a while
            known = PeriodicJob.objects.filter(
                name=job.name, last_error=fault, last_run_at__gt=now - timedelta(minutes=1)
            )
            if not known.exists():
                PeriodicJob.objects.update_or_create(name=job.name, defaults=done)
            return
        with self._lock:
            lease = self._claims.pop(job.name)
            mine = PeriodicJob.objects.filter(name=job.name, lease_until=lease)
            mine.update(lease_until=None, **done)


def _process_name() -> str:
    """Name this process among all machines, in at most 64 characters."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}"


def _drop_broken_connections() -> None:
    """Close connections that broke or grew old; inside a transaction somebody else looks after it."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _place(fault: Exception) -> str:
    """Tell the line of ours, else of others, in which a fault arose."""
    frames = traceback.extract_tb(fault.__traceback__)
    package = Path(__file__).parent
    ours = [one for one in frames[1:] if package in Path(one.filename).parents]
    last = (ours or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
