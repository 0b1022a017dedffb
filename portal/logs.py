"""Logs without content: key=value or JSON lines, in which what people wrote has no place.

An exception is told by type and place, never by its message; an address of a page without its query, and without
what only its owner may know (the token of a link to a request, the key of a new password).
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType

_Fault = tuple[type[BaseException], BaseException, TracebackType | None]

#: Loggers that quote addresses of pages.
_WITH_ADDRESSES = ("django.request", "django.server", "django.security", "gunicorn", "csp")
#: After these the next part of an address is a secret.
_SECRET = re.compile(r"(/(?:status|key|confirm-email|code|invitation|feed)/)[^/\s?\"']+")
_LONG = re.compile(r"(?<=/)(?=[^/\s]*[A-Za-z])[A-Za-z0-9_:.=%-]{24,}(?=[/\s?\"']|$)")
_QUERY = re.compile(r"\?[^\s\"']*")


def masked(text: str) -> str:
    """Return a line with addresses of pages without their queries and secret parts."""
    return _LONG.sub("…", _SECRET.sub(r"\1…", _QUERY.sub("?…", text)))


class MaskAddresses(logging.Filter):
    """Masks what loggers of requests say. Place it on the handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(_WITH_ADDRESSES):
            record.msg, record.args = masked(record.getMessage()), ()
        return True


class QuietFormatter(logging.Formatter):
    """Writes key=value lines; tracebacks without the words of the exceptions: these may quote what people wrote."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{name}={_value(value)}" for name, value in self.facts(record).items())

    def facts(self, record: logging.LogRecord) -> dict[str, str]:
        """Return what there is to say of a record, in order."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return facts

    def formatException(self, ei: _Fault | tuple[None, None, None]) -> str:
        fault, lines = ei[1], []
        seen: set[int] = set()
        while fault is not None and id(fault) not in seen:
            seen.add(id(fault))
            frames = traceback.extract_tb(fault.__traceback__)
            places = [f"  {one.filename}:{one.lineno} in {one.name}" for one in frames]
            lines.append(
                "\n".join([f"{type(fault).__module__}.{type(fault).__qualname__}", *places])
            )
            fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
        return "\ncaused by ".join(lines)


class JsonFormatter(QuietFormatter):
    """Writes one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.facts(record), ensure_ascii=False)


def _value(text: str) -> str:
    """Return a value in quotes where it needs them; one record is one line, also with a traceback."""
    plain = bool(text) and not re.search(r"[\s\"=]", text)
    return text if plain else json.dumps(text, ensure_ascii=False)
