"""A restore that has not come to its end: a table of its own says so to every process, on every machine.

It comes into the database in the transaction that brings the rows of the backup, and goes when nothing can come back or go
out twice any more. Until then the worker does not start, mail is not taken and the web answers 503. It is no model: it
has to be there in a database of an older version, before its migrations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext

TABLE = "helpdesk_unfinished"
RESTORE, REPLAY = "restore SOURCE --force", "replay_erasures --since {since}"
_CREATE = f"CREATE TABLE {TABLE} (command text NOT NULL, mailboxes text NOT NULL)"
#: What is run in the transaction that puts a backup in the place of what is here.
MARK = f"{_CREATE}; INSERT INTO {TABLE} VALUES ('{RESTORE}', '[]');"  # noqa: S608 (words of our own)
_ASK = {
    "postgresql": f"SELECT 1 WHERE to_regclass('{TABLE}') IS NOT NULL",
    "sqlite": f"SELECT 1 FROM sqlite_master WHERE name = '{TABLE}'",  # noqa: S608
}

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Unfinished(Exception):
    """The database was put back, and what has to be done then was not done to its end."""


def command() -> str:
    """Return what has to be started again ("restore SOURCE --force"); '' if nothing was left unfinished."""
    with connection.cursor() as cursor:
        if connection.vendor not in _ASK:
            return ""
        cursor.execute(_ASK[connection.vendor])
        if cursor.fetchone() is None:
            return ""
        cursor.execute(f"SELECT command FROM {TABLE}")  # noqa: S608
        return str(cursor.fetchone()[0])


def refuse() -> None:
    """Raise `Unfinished` if a restore was begun here and is not finished. Raises `DatabaseError` as any query does."""
    if again := command():
        raise Unfinished(
            f"A restore was not finished: what was erased may be back, mails may go out twice. Start it again: manage.py {again}"
        )


@transaction.atomic
def begin(again: str) -> None:
    """Say that a restore has begun, if nothing says so yet; `again` is the command that begins it anew."""
    if command():
        return
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, '[]')", [again])  # noqa: S608


def mailboxes() -> list[int]:
    """Return the ids of the mailboxes that were stopped so far."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT mailboxes FROM {TABLE}")  # noqa: S608
        return [int(one) for one in json.loads(cursor.fetchone()[0])]


def note_mailboxes(pks: Iterable[int]) -> None:
    """Keep which mailboxes were stopped: whoever begins again finds none of them in use."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET mailboxes = %s", [json.dumps(list(pks))])  # noqa: S608


def end() -> None:
    """Say that the restore is finished."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


def guarded(application: Application) -> Application:
    """Return a WSGI application that answers 503 while a restore is not finished; afterwards it costs nothing."""
    is_whole = False

    def answer(asked: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        nonlocal is_whole
        if not is_whole:
            try:
                is_whole = not command()
            except DatabaseError:
                # the application has its own words for a database that is gone; asked again next time
                return application(asked, start_response)
            finally:
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()
            if not is_whole:
                return _not_yet(start_response)
        return application(asked, start_response)

    return answer


def _not_yet(start_response: Callable[..., Any]) -> list[bytes]:
    with translation.override(settings.LANGUAGE_CODE):
        words = gettext("This site is being restored from a backup. Please try again later.")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Retry-After", "300"),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [f"{words}\n".encode()]
