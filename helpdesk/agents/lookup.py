"""People of the directory on the phone ticket's form. Nothing of them is stored before the ticket is."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing

from helpdesk import persons, throttle
from helpdesk.models import Customer
from helpdesk.persons import DirectoryDown, Person

logger = logging.getLogger(__name__)

#: Searches of one agent: at most so many a minute. Typing one name makes a handful.
A_MINUTE, SEARCHES_A_MINUTE = 60, 60
#: A person found can be chosen for so long, in seconds.
HOLDS = 4 * 3600
_PREFIX = "person:"


@dataclass(frozen=True)
class Found:
    """Somebody found, and what the form sends if they are chosen: the facts themselves, signed."""

    value: str
    person: Person


def may_search(user: Any) -> bool:
    """Tell whether the agent may search once more, and count it."""
    return throttle.allow("agents.lookup", str(user.pk), times=SEARCHES_A_MINUTE, seconds=A_MINUTE)


def people(words: str, user_id: int, *, known: Iterable[Customer]) -> tuple[list[Found], bool]:
    """Return the people of the directory that are not among the customers `known`, and whether it is down."""
    names = {one.login_name for one in known if one.login_name}
    try:
        found = persons.find(words)
    except DirectoryDown as error:
        logger.warning("the directory does not answer: %s", type(error.__cause__ or error).__name__)
        return [], True
    return [
        Found(_choice(one, user_id), one) for one in found if one.login_name not in names
    ], False


def _salt(user_id: int) -> str:
    return f"helpdesk.agents.lookup.{user_id}"


def _choice(person: Person, user_id: int) -> str:
    return _PREFIX + signing.dumps(asdict(person), salt=_salt(user_id), compress=True)


def is_choice(text: str) -> bool:
    """Tell whether what the form sent means somebody of the directory."""
    return text.startswith(_PREFIX)


def read_choice(text: str, user_id: int) -> Person | None:
    """Return the person whom this agent was shown and has chosen; None if that is too long ago."""
    if not is_choice(text):
        return None
    try:
        facts = signing.loads(text.removeprefix(_PREFIX), salt=_salt(user_id), max_age=HOLDS)
    except signing.BadSignature:
        return None
    return Person(**{**facts, "addresses": tuple(facts["addresses"])})
