"""What was erased, written down outside the database, so that a backup that is restored is cleaned again.

Set `STORAGES["helpdesk_journal"]` to keep it elsewhere (an object store of its own); without it the files lie in the
folder `ERASURE_JOURNAL`. One file for each batch: ids, numbers and dates, never content nor a person. It is written
before the batch is committed: what stands here may not be erased yet, what is erased stands here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db import connection
from django.utils import timezone

from . import conf
from .storage import BlobStorage

#: Kinds of entries, and what each names: a ticket by `pk` and `number`, other rows by `pks`.
TICKET, FILES, PERSONS, ANONYMISED = "ticket", "files", "persons", "anonymised"
#: A request of which others have a part: what the person wrote of it who asked to be erased.
OWN = "own"
ARTICLES, CUSTOMERS, INBOUND = "articles", "customers", "inbound"

Entry = Mapping[str, Any]


def journal_storage() -> Storage:
    """Return where the journal lies."""
    try:
        return storages["helpdesk_journal"]
    except InvalidStorageError:
        folder = conf.get("ERASURE_JOURNAL") or Path(settings.MEDIA_ROOT).parent / "erasures"
        return BlobStorage(location=folder, base_url=None)


def write(entries: Iterable[Entry]) -> str:
    """Write down a batch and return the name of its file; '' for none. It lies on disk before this returns.

    Raises `IntegrityError` if the rows that are gone by now are still pointed to: that would come up with the commit,
    and what was written down by then would never have happened.
    """
    rows = [dict(one) for one in entries]
    if not rows:
        return ""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        connection.check_constraints()
    name, body = file_of(timezone.now().isoformat(), rows)
    return journal_storage().save(name, ContentFile(body))


def of_tickets(kind: str, tickets: Iterable[Any]) -> list[Entry]:
    """Return the entries of a kind for some tickets."""
    return [{"kind": kind, "pk": one.pk, "number": one.number} for one in tickets]


def file_of(at: str, entries: list[dict[str, Any]]) -> tuple[str, bytes]:
    """Return a name for the file of a batch that was written at a moment (ISO 8601), and what stands in it."""
    moment = datetime.fromisoformat(at).astimezone(UTC)
    name = f"{moment:%Y/%m/%d}/{moment:%H%M%S%f}-{uuid4().hex[:8]}.json"
    return name, json.dumps({"at": at, "entries": entries}).encode()


def read(storage: Storage | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield all batches in the order in which they were written: the moment (ISO 8601) and its entries.

    Raises `ValueError` for a file that is none of the journal's.
    """
    found = storage or journal_storage()
    for name in sorted(_names(found, "")):
        with found.open(name) as file:
            body = json.loads(file.read())
        yield body["at"], body["entries"]


def _names(storage: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{one}" if folder else one for one in files if one.endswith(".json"))
    for one in folders:
        yield from _names(storage, f"{folder}/{one}" if folder else one)
