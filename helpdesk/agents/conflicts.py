"""When a fact was changed by somebody else while an agent was about to change it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms

from helpdesk.models import Event, EventKind

from .change_form import ChangeForm
from .desk import Desk
from .forms import CHANGES
from .thread import EventLine, lines_of

_KINDS: dict[str, tuple[EventKind, ...]] = {
    "owner": (EventKind.OWNER_CHANGED,),
    "responsible": (EventKind.RESPONSIBLE_CHANGED,),
    "queue": (EventKind.QUEUE_CHANGED,),
    "state": (EventKind.STATE_CHANGED, EventKind.PENDING_CHANGED),
    "priority": (EventKind.PRIORITY_CHANGED,),
    "type": (EventKind.TYPE_CHANGED,),
    "subject": (EventKind.SUBJECT_CHANGED,),
    "customer": (EventKind.CUSTOMER_CHANGED,),
    "tags": (EventKind.TAGS_CHANGED,),
}
#: Buttons that change a fact without a choice.
_OF_OWNER = ("claim", "hand-back")
#: What the buttons say that stand beside a refusal (`ChangeForm.offers`).
_OFFERED = ("instead", "anyway")


@dataclass(frozen=True)
class Conflict:
    """A change that was not made. `again` is what a form sends to make it all the same."""

    label: Any
    now: str
    wanted: str
    line: EventLine | None
    name: str
    again: tuple[tuple[str, str], ...]


def conflict_of(desk: Desk, form: ChangeForm) -> Conflict:
    """Return in words what stopped a change; `desk` has the ticket as it is now."""
    fact = "owner" if form.name in _OF_OWNER else form.name
    fresh = CHANGES[fact](desk=desk)
    field = next(iter(fresh.visible_fields()))
    typed: dict[str, str] = {
        "claim": str(desk.actor.user.pk) if desk.actor.user is not None else "",
        "hand-back": "",
    }
    chosen = form.data.get("instead") or form.data.get(field.name, "")
    wanted = typed.get(form.name, str(chosen))
    kept = [
        (name, str(value))
        for name, values in form.data.lists()  # type: ignore[attr-defined]
        for value in values
        if name != "shown" and (name in form.fields or name in _OFFERED)
    ]
    return Conflict(
        label=field.label,
        now=_in_words(field.field, field.initial),
        wanted=_in_words(field.field, wanted),
        line=_last_change(desk, fact),
        name=form.name,
        again=(*kept, ("shown", json.dumps(type(form)(desk=desk).now()))),
    )


def _in_words(field: Any, value: Any) -> str:
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        names = {str(key): str(label).strip("\u2003 ") for key, label in choices}
        return names.get(str(value), "–")
    return str(value or "–")


def _last_change(desk: Desk, fact: str) -> EventLine | None:
    rows = Event.objects.filter(ticket=desk.ticket, kind__in=_KINDS[fact])
    newest = list(rows.select_related("user", "customer").order_by("-pk")[:1])
    return next(iter(lines_of(desk, newest)), None)
