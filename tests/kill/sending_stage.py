"""A process that sends, and dies where it is told to: run by test_sending.py, one order a line.

Orders but the first are carried out in forks of their own, so that what survives is what the database and the
mail server know. A *point* lies before and after each commit, each word to the server and each of
its answers, and in the middle of the content.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from helpdesk import actions, notifications, permissions  # noqa: E402
from helpdesk.actions import Draft, Upload  # noqa: E402
from helpdesk.errors import WrongState  # noqa: E402
from helpdesk.models import Channel, EventKind, OutboundMail  # noqa: E402
from helpdesk.notifications import outbox  # noqa: E402
from tests import factories as f  # noqa: E402


class Points:
    """Counts the points passed and dies at one of them; names the last one before that."""

    def __init__(self, deadly: int, note: int) -> None:
        self.deadly, self.note, self.passed = deadly, note, 0

    def __call__(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.deadly:
            os.write(self.note, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def lay(point: Points) -> None:
    """Put the points into the parts that talk to the outside."""
    commit, send, reply = BaseDatabaseWrapper._commit, smtplib.SMTP.send, smtplib.SMTP.getreply

    def committing(self: Any) -> None:
        point("before commit")
        commit(self)
        point("after commit")

    def sending(self: Any, words: Any) -> None:
        name = words[:4].strip().lower() if isinstance(words, str) else "content"
        point(f"before {name}")
        if name == "content":
            half = len(words) // 2
            send(self, words[:half])
            point("inside content")
            words = words[half:]
        send(self, words)
        point(f"after {name}")

    def replying(self: Any) -> Any:
        answer = reply(self)
        point("after answer")
        return answer

    BaseDatabaseWrapper._commit = committing
    smtplib.SMTP.send = sending
    smtplib.SMTP.getreply = replying


def seed(count: int = 1, **_rest: Any) -> list[dict[str, Any]]:
    """Queue answers with a file each."""
    queue = f.QueueAddressFactory().queue
    agent = permissions.agent(f.make_agent(queue))
    rows = []
    for number in range(count):
        ticket = f.make_ticket(queue)
        article = actions.answer(
            actor=agent,
            ticket=ticket,
            draft=Draft(
                body="Switch it on. " * 200,
                channel=Channel.EMAIL,
                files=(Upload(f"{number}.bin", os.urandom(5000)),),
            ),
        )
        rows.append(OutboundMail.objects.get(article=article))
    return [{"pk": row.pk, "message_id": row.message_id} for row in rows]


def send(port: int, note: int, die: int = 0, expire: bool = False, **_rest: Any) -> Any:
    """Send what is due; with `expire` every claim found counts as abandoned."""
    settings.EMAIL_BACKEND = outbox.SMTP_BACKEND
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    if expire:
        outbox.LEASE = timedelta(0)
    if die:
        lay(Points(die, note))
    return notifications.send_due()


def look(pk: int, **_rest: Any) -> Any:
    """Tell what is known of a row."""
    row = OutboundMail.objects.get(pk=pk)
    told = row.ticket.events.filter(data__mail=pk).values_list("kind", flat=True)
    return {
        "state": row.state,
        "visible": row.article.visible,
        "attempts": row.attempts,
        "told": [EventKind(k).value for k in told],
    }


def again(pk: int, **_rest: Any) -> Any:
    """Send a row again, as the machine's actor."""
    row = OutboundMail.objects.get(pk=pk)
    return notifications.send_again(actor=permissions.SYSTEM, mail=row).state


def take_back(pks: list[int], **_rest: Any) -> Any:
    """Take back the answers of these rows one by one; tell which were not to be had any more."""
    late = []
    for pk in pks:
        row = OutboundMail.objects.select_related("ticket", "article").get(pk=pk)
        try:
            actions.take_back(actor=permissions.SYSTEM, ticket=row.ticket, article=row.article)
        except WrongState:
            late.append(pk)
    return late


ORDERS: dict[str, Callable[..., Any]] = {
    "seed": seed,
    "send": send,
    "look": look,
    "again": again,
    "take_back": take_back,
}


def begin(order: dict[str, Any]) -> tuple[int, int]:
    """Carry out an order in a fork; return its process and where it writes."""
    reading, writing = os.pipe()
    connections.close_all()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            result = ORDERS[order["op"]](note=writing, **order)
            os.write(writing, json.dumps(result).encode())
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    return process, reading


def end(process: int, reading: int) -> dict[str, Any]:
    """Wait for a fork; return what it wrote, and whether it was killed."""
    with os.fdopen(reading, "rb") as stream:
        written = stream.read().decode()
    _pid, status = os.waitpid(process, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    failed = not killed and status != 0
    return {
        "killed": killed,
        "failed": failed,
        "result": written if killed else json.loads(written or "null"),
    }


def say(value: Any) -> None:
    """Write one line to whoever gives the orders."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Prepare the database and carry out orders until there are no more."""
    call_command("migrate", verbosity=0)
    say("ready")
    for line in sys.stdin:
        orders = json.loads(line)
        if orders[0]["op"] == "seed":  # here, for the factories count on
            say([{"killed": False, "failed": False, "result": seed(**orders[0])}])
            continue
        forks = [begin(order) for order in orders]  # several orders of one line run at once
        say([end(*fork) for fork in forks])


if __name__ == "__main__":
    main()
