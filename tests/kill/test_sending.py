"""SIGKILL between any two steps of sending: nothing is lost, nothing goes out twice by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.servers import smtp

pytestmark = pytest.mark.kill

ROOT = Path(__file__).parents[2]


class Stage:
    """The process that carries out orders (sending_stage.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def together(self, *orders):
        """Carry out orders at once and return what came of each."""
        self.process.stdin.write(json.dumps(orders) + "\n")
        self.process.stdin.flush()
        results = json.loads(self.process.stdout.readline())
        assert not any(one["failed"] for one in results)
        return results

    def __call__(self, op, **order):
        (result,) = self.together({"op": op, **order})
        return result


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Yield the URL of a database of its own on the engine the tests run on; it may have had its migrations."""
    if connection.vendor != "postgresql":
        yield f"sqlite:///{folder / 'kill.sqlite3'}"
        return
    url = os.environ["DATABASE_URL"]
    server, _name, options = re.fullmatch(r"(\w+://[^/]*/)([^?]*)(.*)", url).groups()
    name = f"test_kill_sending_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        template = connection.settings_dict["TEST"]["TEMPLATE"] or "template1"
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield f"{server}{name}{options}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with database(tmp_path_factory.mktemp("kill")) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.sending_stage"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "portal.settings.test",
                "LOG_LEVEL": "ERROR",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert json.loads(process.stdout.readline()) == "ready"
            yield Stage(process)
            process.stdin.close()


@dataclass
class Death:
    """One death and what came after it."""

    point: str
    number: int
    state: str
    told: list[str]
    received: int
    received_after_all: int
    state_after_all: str


def mails_of(sink, message_id):
    time.sleep(0.05)  # the server may still be busy with what the dead process left
    return sum(one.message["Message-ID"] == message_id for one in sink.mails)


def die(stage, sink, number) -> Death | None:
    """Die at one point of sending one mail, run again, decide if asked; None past the last point."""
    (row,) = stage("seed")["result"]
    death = stage("send", port=sink.port, die=number)
    if not death["killed"]:
        return None
    stage("send", port=sink.port, expire=True)
    after = stage("look", pk=row["pk"])["result"]
    received = mails_of(sink, row["message_id"])
    if after["state"] == "uncertain":
        stage("again", pk=row["pk"])
        stage("send", port=sink.port)
    return Death(
        point=death["result"],
        number=number,
        state=after["state"],
        told=after["told"],
        received=received,
        received_after_all=mails_of(sink, row["message_id"]),
        state_after_all=stage("look", pk=row["pk"])["result"]["state"],
    )


@pytest.fixture(scope="module")
def deaths(stage):
    """All deaths, one at each point."""
    with smtp.sink() as sink:
        outcomes = (die(stage, sink, number) for number in count(1))
        return list(takewhile(lambda death: death is not None, outcomes))


def test_there_is_a_point_around_every_step(deaths):
    points = Counter(death.point for death in deaths)
    for step in ("mail", "rcpt", "data", "content"):
        assert points[f"before {step}"] == 1
        assert points[f"after {step}"] == 1
    assert points["inside content"] == 1
    # claim, mark, settle
    assert points["before commit"] == points["after commit"] == 3


def test_no_mail_is_lost(deaths):
    assert [death for death in deaths if death.state not in ("sent", "uncertain")] == []
    assert [death for death in deaths if death.state == "sent" and death.received != 1] == []
    assert [death for death in deaths if death.state_after_all != "sent"] == []
    assert [death for death in deaths if death.received_after_all == 0] == []


def test_no_mail_goes_out_twice_by_itself(deaths):
    assert [death for death in deaths if death.received > 1] == []


def test_every_death_before_the_content_is_made_good_by_the_next_run(deaths):
    (first,) = [death.number for death in deaths if death.point == "before content"]
    before = [death for death in deaths if death.number < first - 1]
    assert {death.state for death in before} == {"sent"}


def test_every_death_after_the_content_began_is_shown_as_uncertain(deaths):
    (first,) = [death.number for death in deaths if death.point == "before content"]
    (*_earlier, last) = [death.number for death in deaths if death.point == "before commit"]
    open_ = [death for death in deaths if first <= death.number <= last]
    assert {death.state for death in open_} == {"uncertain"}
    assert all(death.told.count("mail.uncertain") == 1 for death in open_)
    # both are among them: mails that went out and mails that did not
    assert {death.received for death in open_} == {0, 1}


def test_mail_settled_before_the_death_stays_sent(deaths):
    assert deaths[-1].state == "sent"
    assert deaths[-1].told.count("mail.sent") == 1


def test_two_workers_send_each_mail_once(stage):
    with smtp.sink() as sink:
        rows = stage("seed", count=20)["result"]
        order = {"op": "send", "port": sink.port}
        workers = stage.together(order, order, order)
        assert sum(worker["result"] for worker in workers) == 20
        ids = Counter(one.message["Message-ID"] for one in sink.mails)
        assert ids == Counter(row["message_id"] for row in rows)
        states = {stage("look", pk=row["pk"])["result"]["state"] for row in rows}
        assert states == {"sent"}


def test_no_mail_is_both_taken_back_and_sent(stage):
    """Two workers go through the outbox from its beginning, agents take back from its end."""
    with smtp.sink() as sink:
        rows = stage("seed", count=30)["result"]
        backwards = [row["pk"] for row in reversed(rows)]
        order = {"op": "send", "port": sink.port}
        *_workers, agent = stage.together(order, order, {"op": "take_back", "pks": backwards})
        stage("send", port=sink.port)
        received = Counter(one.message["Message-ID"] for one in sink.mails)
        for row in rows:
            known = stage("look", pk=row["pk"])["result"]
            taken = row["pk"] not in agent["result"]
            assert known["state"] == ("withdrawn" if taken else "sent")
            assert received[row["message_id"]] == (0 if taken else 1)
            assert known["visible"] != taken
        # both happened, or the two did not meet
        assert 0 < len(agent["result"]) < len(rows)
