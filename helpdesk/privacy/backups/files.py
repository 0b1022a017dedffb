"""The files of a backup: attachments and raw mail by digest, and what other models keep in file columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage
from django.db import connection
from django.db.models import FileField

from helpdesk.models import Blob
from helpdesk.storage import BlobStorage, blob_storage, path_of

from . import layout
from .databases import Query
from .layout import BackupError
from .pool import Damaged, Pool

Row = dict[str, Any]


@dataclass
class Found:
    """What became of the files of a backup."""

    rows: list[Row] = field(default_factory=list)
    erased: int = 0
    lost: list[str] = field(default_factory=list)

    def miss(self, name: str, *, is_needed: bool) -> None:
        """Note a file that is not there: erased since the database was written, or lost."""
        if is_needed:
            self.lost.append(name)
        else:
            self.erased += 1


def blob_rows(query: Query) -> list[tuple[str, int]]:
    """Return digest and size of all contents that the database of the backup names."""
    table = connection.ops.quote_name(Blob._meta.db_table)
    return list(query(f"SELECT sha256, size FROM {table} WHERE size > 0 ORDER BY sha256"))  # noqa: S608


def file_columns() -> list[FileField]:
    """Return the file columns of all models: documents, pictures, what is cut of them."""
    return [
        column
        for model in apps.get_models()
        for column in model._meta.local_fields
        if isinstance(column, FileField) and not model._meta.proxy
    ]


def file_names(query: Query, tables: Iterable[str]) -> list[tuple[FileField, str]]:
    """Return the files that the database of the backup names, by column."""
    there, quote = set(tables), connection.ops.quote_name
    found = []
    for one in file_columns():
        table = one.model._meta.db_table
        if table in there:
            name = quote(str(one.column))
            sql = f"SELECT DISTINCT {name} FROM {quote(table)} WHERE {name} <> ''"  # noqa: S608
            found += [(one, row[0]) for row in query(sql)]
    return found


def take_blobs(pool: Pool, wanted: Iterable[tuple[str, int]]) -> Found:
    """Bring contents into the pool that are not there yet; what was erased meanwhile is counted only."""
    storage, found = blob_storage(), Found()
    for sha256, size in wanted:
        if not pool.has(sha256, size):
            try:
                pool.take(storage, path_of(sha256), sha256)
            except FileNotFoundError:
                found.miss(sha256, is_needed=Blob.objects.filter(sha256=sha256).exists())
                continue
            except Damaged:
                found.lost.append(sha256)
                continue
        found.rows.append({"sha256": sha256, "size": size})
    pool.flush()
    return found


def take_files(pool: Pool, wanted: Iterable[tuple[FileField, str]], before: Iterable[Row]) -> Found:
    """Bring other files into the pool; one that has not changed since the last backup (`before`) is not read again."""
    known = {(row["column"], row["name"]): row for row in before}
    found = Found()
    for column, name in wanted:
        label = f"{column.model._meta.label}.{column.name}"
        try:
            row = _take_file(pool, column.storage, name, known.get((label, name)))
        except FileNotFoundError:
            rows = column.model._base_manager.filter(**{column.name: name})
            found.miss(name, is_needed=rows.exists())
            continue
        found.rows.append({"column": label, "name": name, **row})
    pool.flush()
    return found


def _take_file(pool: Pool, storage: Storage, name: str, known: Row | None) -> Row:
    marks = {"modified": _modified(storage, name), "size": storage.size(name)}
    is_same = known and marks["modified"] and marks == {key: known[key] for key in marks}
    if known and is_same and pool.has(known["sha256"], known["size"]):
        return {"sha256": known["sha256"], **marks}
    sha256, size = pool.take(storage, name)
    return {"sha256": sha256, **marks, "size": size}


def _modified(storage: Storage, name: str) -> str:
    try:
        return storage.get_modified_time(name).isoformat()
    except NotImplementedError:
        return ""


# --- putting them back -----------------------------------------------------------------------------


def put_back(folder: Path, pool: Pool) -> tuple[int, int]:
    """Put the files of a backup where they belong, unless they lie there; return how many there are, and were put."""
    count = put = 0
    for storage, name, row in _places(folder):
        count += 1
        put += _put(storage, name, pool.path(row["sha256"]), row)
    return count, put


def _places(folder: Path) -> Iterator[tuple[Storage, str, Row]]:
    storage = blob_storage()
    for row in layout.read_lines(folder / layout.BLOBS):
        yield storage, path_of(row["sha256"]), row
    columns = {f"{one.model._meta.label}.{one.name}": one for one in file_columns()}
    for row in layout.read_lines(folder / layout.FILES):
        column = columns.get(row["column"])
        if column is None:
            raise BackupError(
                f"There is no place for the files of {row['column']}: an app is missing."
            )
        yield column.storage, row["name"], row


def _put(storage: Storage, name: str, source: Path, row: Row) -> bool:
    is_there = storage.exists(name)
    if is_there and _is_same(storage, name, row):
        return False
    with source.open("rb") as content:
        if isinstance(storage, BlobStorage):  # it replaces by itself
            saved = storage.save(name, File(content))
        elif isinstance(storage, FileSystemStorage):
            saved = _replace(storage, name, File(content))
        else:
            if is_there:  # or it would choose another name
                storage.delete(name)
            saved = storage.save(name, File(content))
    if saved != name:
        raise BackupError(f"The storage put the file {name} elsewhere: {saved}.")
    return True


def _replace(storage: FileSystemStorage, name: str, content: File) -> str:
    """Store a file so that under its name lies what was there before, or all of it; return its name."""
    aside = f"{name}.restoring"
    storage.delete(aside)  # left by somebody who died at it
    saved = storage.save(aside, content)
    Path(storage.path(saved)).replace(storage.path(name))
    return name


def _is_same(storage: Storage, name: str, row: Row) -> bool:
    if storage.size(name) != row["size"]:
        return False
    with storage.open(name, "rb") as file:
        return layout.digest_of(file.chunks()) == row["sha256"]


def left_over(names: set[str]) -> Iterator[str]:
    """Give the digests of stored contents that are none of `names`: no row leads to them any more."""
    storage = blob_storage()

    def walk(folder: str) -> Iterator[str]:
        try:
            folders, files = storage.listdir(folder)
        except FileNotFoundError:
            return
        yield from (one for one in files if one not in names and len(one) == 64)
        for one in folders:
            yield from walk(f"{folder}/{one}" if folder else one)

    yield from walk("")
