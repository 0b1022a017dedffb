"""Words that stand nowhere else, and a search for them, or others, through everything in which something can be stored."""

from __future__ import annotations

import base64
import itertools
import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.db import connection

from helpdesk.storage import blob_storage

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
    return [plain, *_in_base64(plain)]


def _in_base64(plain: bytes) -> list[bytes]:
    coded = []
    for ahead in range(3):
        text = base64.b64encode(b"\0" * ahead + plain + b"\0\0")
        # only those letters of which every bit is the word's
        coded.append(text[-(-ahead * 8 // 6) : (ahead + len(plain)) * 8 // 6])
    return coded


def is_in(value: object, kind: str = "") -> bool:
    if isinstance(value, memoryview | bytes | bytearray):
        found = bytes(value)
    else:
        found = str(value).encode("utf-8", "replace")
    return any(one in found for one in needles(kind))


def _cells(leave_out: Collection[str]) -> Iterator[tuple[str, str, object]]:
    """Give table, column and value of everything in the database: of whatever app, index or shadow."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in leave_out:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                yield from ((table, *pair) for pair in zip(names, row, strict=True))


def in_tables(kind: str = "", leave_out: Collection[str] = ()) -> set[tuple[str, str]]:
    """Return the columns of all tables of the database in which a marker stands."""
    return {(table, name) for table, name, value in _cells(leave_out) if is_in(value, kind)}


def places_of(words: Iterable[str], *, besides: Collection[str] = ()) -> list[str]:
    """Return "table.column: word" for each place in the database that holds one of these words, whatever its case."""
    wanted = {word: _needles_of(word) for word in words}
    found = set()
    for table, name, value in _cells(besides):
        stored = _stored(value)
        folded = stored.lower()
        for word, (plain, coded) in wanted.items():
            if plain in folded or any(one in stored for one in coded):
                found.add(f"{table}.{name}: {word}")
    return sorted(found)


def _needles_of(word: str) -> tuple[bytes, list[bytes]]:
    plain = word.encode()
    # a short word stands in base64 by chance
    return plain.lower(), _in_base64(plain) if len(plain) > 6 else []


def _stored(value: object) -> bytes:
    if isinstance(value, memoryview | bytes | bytearray):
        return bytes(value)
    text = str(value)
    if "\\u" in text:  # JSON as SQLite keeps it
        text += text.encode("ascii", "backslashreplace").decode("unicode_escape", "replace")
    return text.encode("utf-8", "replace")


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def in_files(kind: str = "") -> set[str]:
    """Return the files below the folder of this run in which a marker stands, or in whose names one does."""
    root = Path(settings.MEDIA_ROOT)
    return {
        str(path.relative_to(root))
        for path in _files(root)
        if is_in(path, kind) or is_in(path.read_bytes(), kind)
    }


def contents_with(words: Iterable[str]) -> list[str]:
    """Return the stored contents (the beginnings of their digests) that hold one of these words."""
    root = Path(blob_storage().path(""))  # type: ignore[attr-defined]
    return [
        f"{path.name[:12]}: {word}"
        for path in _files(root)
        for word in words
        if word.encode() in path.read_bytes()
    ]


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
