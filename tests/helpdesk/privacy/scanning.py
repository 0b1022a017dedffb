"""Looks for words in every table of the database and every stored file, whatever they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.db import connection

from helpdesk.storage import blob_storage

#: Not data: what the database keeps for itself.
_INSIDE = ("django_migrations", "sqlite_")


def places_of(words: Iterable[str], *, besides: Iterable[str] = ()) -> list[str]:
    """Return "table.column: word" for each place in the database that holds one of the words, whatever its case."""
    wanted = [word.casefold() for word in words]
    skip = set(besides)
    found = set()
    for table in connection.introspection.table_names():
        if table in skip or table.startswith(_INSIDE):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = _text(value)
                    found |= {f"{table}.{name}: {word}" for word in wanted if word in text}
    return sorted(found)


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace").casefold()
    text = str(value)
    if "\\u" in text:  # JSON as SQLite keeps it
        text += text.encode("ascii", "backslashreplace").decode("unicode_escape", "replace")
    return text.casefold()


def files_with(words: Iterable[str]) -> list[str]:
    """Return the stored files that hold one of the words."""
    root = Path(blob_storage().path(""))  # type: ignore[attr-defined]
    wanted = [word.encode() for word in words]
    return [
        f"{path.name[:12]}: {word.decode()}"
        for path in root.rglob("*")
        if path.is_file()
        for word in wanted
        if word in path.read_bytes()
    ]
