"""`X-Stelze-` headers: what a trusted system says about the ticket its mail is to become.

Only asked for mail of a trusted way in (`InboundMail.trusted`): anybody may write such headers.
They set attributes of new tickets; filters stand behind them and win.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth import get_user_model

from helpdesk.actions import STARTS
from helpdesk.models import Priority, Queue, State, TicketType
from helpdesk.rules import effects

from .parsed import ParsedMail

PREFIX = "x-stelze-"
MAX_SHOWN = 100


@dataclass(frozen=True)
class Said:
    """What the headers set; `evidence` names each header, and what of it means nothing to us."""

    effects: tuple[effects.Effect, ...] = ()
    evidence: tuple[str, ...] = ()


def _slug(rows: Any) -> Callable[[str], object]:
    def find(value: str) -> object:
        return (
            rows().filter(slug=value.lower(), is_active=True).values_list("pk", flat=True).first()
        )

    return find


def _user(value: str) -> object:
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: value}, is_active=True)
    return found.values_list("pk", flat=True).first()


#: Header, effect, its argument, and how the value is read.
_HEADERS: Final[tuple[tuple[str, str, str, Callable[[str], object]], ...]] = (
    ("Queue", "set_queue", "queue", _slug(Queue.objects.all)),
    ("Priority", "set_priority", "priority", _slug(Priority.objects.all)),
    ("State", "set_state", "state", _slug(lambda: State.objects.filter(type__in=STARTS))),
    ("Type", "set_type", "type", _slug(TicketType.objects.all)),
    ("Owner", "set_owner", "owner", _user),
    ("Tags", "add_tags", "tags", str),
    ("Note", "add_note", "text", str),
    ("Ignore", "ignore", "reason", str),
)


def plan_of(mail: ParsedMail) -> Said:
    """Return the effects of the mail's headers; the first header of a name counts.

    An unknown value sets nothing and stands in the evidence. One query for each header that names
    a row, none for a mail without such headers.
    """
    found: list[effects.Effect] = []
    evidence: list[str] = []
    for name, kind, arg, read in _HEADERS:
        given = mail.headers.get(PREFIX + name.lower(), ())
        if not given or not given[0].strip():
            continue
        value = given[0].strip()
        shown = f"X-Stelze-{name}: {value[:MAX_SHOWN]}"
        try:
            found += effects.parse([{"do": kind, arg: read(value)}])
        except effects.EffectError:
            evidence.append(f"{shown} (unknown, passed over)")
        else:
            evidence.append(shown)
    return Said(tuple(found), tuple(evidence))
