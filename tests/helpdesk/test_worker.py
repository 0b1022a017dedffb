"""The schedule: due or not, claimed or not, faults apart; tasks of the dead; a process that stops."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.test import override_settings
from django.utils import timezone
from django_tasks import default_task_backend, task
from django_tasks_db.models import DBTaskResult

from helpdesk import worker
from helpdesk.models import PeriodicJob
from helpdesk.worker import Job, Worker

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@task()
def note_done(name: str) -> str:
    return name


class Count:
    """A job's work: counts its calls, and returns what it is told to."""

    def __init__(self, *results: object, fault: Exception | None = None) -> None:
        self.calls, self.results, self.fault = 0, list(results), fault

    def __call__(self) -> object:
        self.calls += 1
        if self.fault:
            raise self.fault
        return self.results.pop(0) if self.results else None


def test_a_job_runs_when_it_is_due_and_not_before():
    work = Count()
    jobs = [Job("count", HOUR, work)]
    assert [Worker(jobs).run_once() for _ in range(3)] == [1, 0, 0]
    PeriodicJob.objects.filter(name="count").update(next_run_at=timezone.now())
    assert Worker(jobs).run_once() == 1
    assert work.calls == 2


def test_everything_runs_due_or_not_when_asked():
    work = Count()
    jobs = [Job("count", HOUR, work), Job("other", HOUR, Count(), shared=True)]
    assert [Worker(jobs).run_once(everything=True) for _ in range(2)] == [2, 2]
    assert work.calls == 2


def test_a_job_another_worker_has_is_left_to_it():
    work = Count()
    now = timezone.now()
    PeriodicJob.objects.create(name="count", next_run_at=now, lease_until=now + HOUR)
    assert Worker([Job("count", HOUR, work)]).run_once(everything=True) == 0
    assert work.calls == 0


def test_a_claim_of_a_dead_worker_is_taken_over():
    work = Count()
    past = timezone.now() - HOUR
    PeriodicJob.objects.create(name="count", next_run_at=past, lease_until=past)
    assert Worker([Job("count", HOUR, work)]).run_once() == 1
    row = PeriodicJob.objects.get(name="count")
    assert (work.calls, row.lease_until) == (1, None)


def test_a_fault_is_noted_without_its_words_and_stops_nothing_else(caplog):
    secret = "Dear help desk, my pass word is swordfish"
    jobs = [
        Job("bad", HOUR, Count(fault=ValueError(secret))),
        Job("worse", HOUR, Count(fault=DatabaseError(secret))),
        Job("good", HOUR, Count()),
    ]
    with caplog.at_level(logging.DEBUG):
        assert Worker(jobs).run_once() == 3
    rows = dict(PeriodicJob.objects.values_list("name", "last_error"))
    assert rows == {"bad": "ValueError", "worse": "DatabaseError", "good": ""}
    assert "job bad failed: ValueError at test_worker.py:" in caplog.text
    assert "swordfish" not in caplog.text


def test_the_fault_of_a_job_goes_from_its_row_when_it_runs_well_again():
    for fault in (ValueError("x"), None):
        Worker([Job("job", HOUR, Count(fault=fault), shared=True)]).run_once()
    assert PeriodicJob.objects.get(name="job").last_error == ""


def test_a_job_that_repeats_goes_on_as_long_as_there_is_something():
    repeats, single = Count(3, 1, 0, 1), Count(3, 1)
    Worker([Job("repeats", HOUR, repeats, repeats=True), Job("single", HOUR, single)]).run_once()
    assert (repeats.calls, single.calls) == (3, 1)


def test_a_job_that_repeats_ends_when_the_worker_is_told_to_stop():
    running = Worker([])
    work = Count(1, 1, 1)
    running.jobs = [Job("job", HOUR, work, repeats=True)]
    running.stopping.set()
    running.run_once()
    assert work.calls == 1


def test_a_sign_of_life_renews_what_is_under_way():
    leases = []

    def work() -> None:
        before = PeriodicJob.objects.get(name="job").lease_until
        running._beat()
        leases.append(PeriodicJob.objects.get(name="job").lease_until - before)

    running = Worker([Job("job", HOUR, work)], lease=timedelta(seconds=5))
    running.run_once()
    assert leases[0] > timedelta(seconds=30)
    assert PeriodicJob.objects.get(name="job").lease_until is None


@pytest.mark.parametrize(
    ("runner", "starts", "started", "status"),
    [
        ("gone:1", 1, HOUR, "READY"),
        ("gone:1", 3, HOUR, "FAILED"),
        ("alive:1", 1, HOUR, "RUNNING"),
        ("dead:1", 1, timedelta(minutes=5), "READY"),
        ("dead:1", 1, timedelta(seconds=5), "RUNNING"),
        ("of another kind", 1, timedelta(minutes=5), "RUNNING"),
    ],
)
def test_tasks_of_dead_workers_run_again_but_not_for_ever(runner, starts, started, status):
    now = timezone.now()
    for name, lease in (("alive:1", now + HOUR), ("dead:1", now - HOUR)):
        PeriodicJob.objects.create(
            name=f"worker {name}", next_run_at=now, lease_until=lease, last_run_at=now
        )
    row = DBTaskResult.objects.create(
        status="RUNNING",
        args_kwargs={"args": [], "kwargs": {}},
        task_path="nowhere.task",
        backend_name="default",
        run_after=now,
        started_at=now - started,
        worker_ids=[runner] * starts,
    )
    worker.reap_tasks()
    row.refresh_from_db()
    assert row.status == status


@pytest.mark.parametrize(
    "engine",
    ["django_tasks_db.DatabaseBackend", "django_tasks.backends.immediate.ImmediateBackend"],
)
def test_the_schedule_of_this_installation_runs_through(engine):
    with override_settings(TASKS={"default": {"BACKEND": engine}}):
        call_command("worker", "--once", "--all")
    assert not PeriodicJob.objects.exclude(last_error="")
    assert {job.name for job in worker.schedule()} == set(
        PeriodicJob.objects.values_list("name", flat=True)
    )


JOB_OF_THE_SITE = Job("site.job", HOUR, Count())


# the task runner closes connections as it likes
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@override_settings(TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}})
def test_tasks_that_wait_are_run_one_by_one():
    results = [note_done.enqueue(name) for name in ("ada", "bob")]
    assert [worker.run_task() for _ in range(3)] == [True, True, False]
    assert [default_task_backend.get_result(one.id).status for one in results] == ["SUCCESSFUL"] * 2


@override_settings(HELPDESK={"JOBS": ["tests.helpdesk.test_worker.JOB_OF_THE_SITE"]})
def test_a_site_adds_jobs_of_its_own():
    assert worker.schedule()[-1] is JOB_OF_THE_SITE


def test_a_lane_that_dies_ends_the_worker(monkeypatch):
    # no database in these threads: it is the test's own
    monkeypatch.setattr(Worker, "_beat", lambda self: None)
    monkeypatch.setattr(Worker, "_run_if_due", lambda self, job: threading.current_thread().nope)
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with pytest.raises(worker.LaneDied, match="house"):
        Worker([Job("job", HOUR, Count())]).run_for_ever()


def test_the_database_gone_is_waited_for(monkeypatch):
    tries = []

    def step() -> None:
        tries.append(1)
        running.stopping.set() if len(tries) == 3 else None
        raise DatabaseError

    monkeypatch.setattr(worker, "BACK_OFF", (0.01, 0.02))
    running = Worker([])
    running._live(step, 0.01)
    assert len(tries) == 3
