"""The archive of an export: one ZIP with a page to read, the same as data, and the files.

Written piece by piece into files on disk: it needs no more memory for two gigabytes than for one message. These have no
name in any folder: whatever kills the process, nothing of them stays.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime

from helpdesk import conf, storage

from . import export_data, export_person
from .export_scope import Scope

_PAGE, _DATA = "index.html", "data.json"
#: Characters, or bytes, copied in one go.
_AT_ONCE = 256 * 1024


def write(scope: Scope, target: IO[bytes], *, language: str) -> dict[str, int]:
    """Write the archive of a scope into an open binary file; return how much it holds, by code."""
    with (
        translation.override(conf.site_language(language)),
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as page,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as data,
    ):
        counts = _write_texts(scope, page, data)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            for name, file in ((_PAGE, page), (_DATA, data)):
                _write_text(archive, name, file)
            counts["files"] = _write_files(scope, archive)
    return counts


def _write_text(archive: zipfile.ZipFile, name: str, file: IO[str]) -> None:
    facts = zipfile.ZipInfo(name, date_time=timezone.localtime().timetuple()[:6])
    facts.compress_type = zipfile.ZIP_DEFLATED
    file.seek(0)
    with archive.open(facts, "w", force_zip64=True) as copy:
        while text := file.read(_AT_ONCE):
            copy.write(text.encode())


def _write_texts(scope: Scope, page: IO[str], data: IO[str]) -> dict[str, int]:
    """Write page and data side by side, a request at a time."""
    count = 0
    head: dict[str, Any] = {
        "format": export_data.FORMAT,
        "made": timezone.now().isoformat(timespec="seconds"),
        "site": conf.get("SITE_NAME"),
        "complete": scope.is_complete,
        "person": export_person.person_data(scope) if scope.only is None else {},
    }
    cut = secrets.token_hex(16)  # where the requests go: nobody can have written this
    context = {**head, "only": scope.only, "made_at": timezone.now(), "cut": cut}
    before, after = _html("page", context).split(cut)
    page.write(before)
    data.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "requests": [\n')
    for request in export_data.requests(scope):
        facts = {"request_data": _readable(request), "level": 3 if scope.only is None else 2}
        page.write(_html("request", facts))
        data.write((",\n" if count else "") + json.dumps(request, ensure_ascii=False))
        count += 1
    page.write(after if count else _html("page", {**context, "is_empty": True}).split(cut)[1])
    data.write("\n ]\n}\n")
    return {"requests": count}


def _html(part: str, context: Mapping[str, Any]) -> str:
    language = translation.get_language()
    return render_to_string(f"helpdesk/export/{part}.html", {**context, "language": language})


def _readable(value: Any) -> Any:
    """Return data for the page: moments as such, and their days in the reader's language."""
    if isinstance(value, dict):
        return {
            name: _as_moment(one) if name in _MOMENTS and isinstance(one, str) else _readable(one)
            for name, one in value.items()
        }
    return [_readable(one) for one in value] if isinstance(value, list) else value


_MOMENTS = frozenset(("at", "opened", "changed", "closed", "objected"))


def _as_moment(text: str) -> Any:
    at = parse_datetime(text) if text else None
    return timezone.localtime(at) if at is not None else None


def _write_files(scope: Scope, archive: zipfile.ZipFile) -> int:
    """Copy the files into the archive; one that the storage lost is left out. Stored, for most are packed already."""
    count = 0
    for entry in scope.files:
        facts = zipfile.ZipInfo(entry.path, date_time=timezone.localtime().timetuple()[:6])
        try:
            source = storage.open_file(entry.sha256)
        except FileNotFoundError:
            continue
        with source, archive.open(facts, "w", force_zip64=True) as copy:
            shutil.copyfileobj(source, copy, _AT_ONCE)
        count += 1
    return count
