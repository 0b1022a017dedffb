"""Words that stand nowhere else, and a search for them through everything in which something can be stored."""

from __future__ import annotations

import base64
import itertools
import logging
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.db import connection

#: A marker is this, a letter for its kind, and a number; nothing that an index folds, stems or cuts.
ROOT = "qzxvkwjyhq"
CONTENT, PERSON, FILE = "c", "p", "f"
_numbers = itertools.count(1000)


def mark(kind: str) -> str:
    """Return a new marker."""
    return f"{ROOT}{kind}{next(_numbers)}"


def needles(kind: str = "") -> list[bytes]:
    """Return what is looked for: without its first letter, for an index stores only in what a word differs from
    the one before; and as it reads in base64, wherever in a line it begins.
    """
    plain = f"{ROOT[1:]}{kind}".encode()
    coded = []
    for ahead in range(3):
        text = base64.b64encode(b"\0" * ahead + plain + b"\0\0")
        # only those letters of which every bit is the marker's
        coded.append(text[-(-ahead * 8 // 6) : (ahead + len(plain)) * 8 // 6])
    return [plain, *coded]


def is_in(value: object, kind: str = "") -> bool:
    if isinstance(value, memoryview | bytes | bytearray):
        found = bytes(value)
    else:
        found = str(value).encode("utf-8", "replace")
    return any(one in found for one in needles(kind))


def in_tables(kind: str = "", leave_out: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
    """Return the columns of all tables of the database in which a marker stands: of whatever app, index or shadow."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in leave_out:
                continue
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT * FROM {quoted}")  # noqa: S608  the tables that are there
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found |= {
                    (table, name)
                    for name, value in zip(names, row, strict=True)
                    if is_in(value, kind)
                }
    return found


def in_files(kind: str = "") -> set[str]:
    """Return the files below the folder of this run in which a marker stands, or in whose names one does."""
    root = Path(settings.MEDIA_ROOT)
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and (is_in(path, kind) or is_in(path.read_bytes(), kind))
    }


def in_caches(kind: str = "") -> set[str]:
    """Return the keys of what the caches hold where a marker stands."""
    held = [pair for name in settings.CACHES for pair in caches[name]._cache.items()]
    return {key for key, value in held if is_in(key, kind) or is_in(value, kind)}


def in_logs(records: list[logging.LogRecord], kind: str = "") -> set[str]:
    """Return what was written to a log and has a marker in it."""
    form = logging.Formatter()
    return {text for text in map(form.format, records) if is_in(text, kind)}


def in_database_file(kind: str = "") -> bool:
    """Tell whether the bytes of SQLite's file still have a marker in them, used or not; PostgreSQL is not asked."""
    if connection.vendor != "sqlite":
        return False
    connection.ensure_connection()
    return is_in(connection.connection.serialize(), kind)
