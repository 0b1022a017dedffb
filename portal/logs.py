"""Logs without content: an exception is told by type and place, never by its message."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

_Fault = tuple[type[BaseException], BaseException, TracebackType | None]


class QuietFormatter(logging.Formatter):
    """Writes tracebacks without the words of the exceptions: these may quote what people wrote."""

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
