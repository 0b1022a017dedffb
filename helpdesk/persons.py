"""People whom the organisation knows: the directory behind the help desk, if the site has one.

A site names a source in `HELPDESK["PERSONS"]`: the dotted name of a function that takes what somebody typed and
returns `Person`s. The help desk asks it when an agent opens a ticket for somebody, and never stores what it
does not need.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.module_loading import import_string

from . import conf

logger = logging.getLogger(__name__)

#: What is typed is longer than this before anybody is asked, and so many people are shown.
MIN_QUERY = 3
MAX_FOUND = 10


@dataclass(frozen=True)
class Person:
    """Somebody in the directory. The mail addresses are proved by it."""

    login_name: str
    name: str
    addresses: tuple[str, ...] = ()
    phone: str = ""
    organisation: str = ""


class DirectoryDown(Exception):
    """The directory does not answer; work goes on without it."""


def has_directory() -> bool:
    """Tell whether the site has a directory."""
    return bool(conf.get("PERSONS"))


def find(text: str) -> Sequence[Person]:
    """Return the people of the directory whose name, log-in name or address begins with `text` (at most ten).

    Raises `DirectoryDown` if it cannot be asked.
    """
    words = text.strip()
    if not has_directory() or len(words) < MIN_QUERY:
        return []
    source: Callable[[str], Sequence[Person]] = import_string(conf.get("PERSONS"))
    return list(source(words))[:MAX_FOUND]
