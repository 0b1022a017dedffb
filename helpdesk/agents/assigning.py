"""Giving a ticket to somebody: what the screen says of those who are away, and whom it offers instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from helpdesk.errors import InvalidInput

from .desk import Desk


def owner_in_words(desk: Desk) -> str:
    """Return the owner's name, with until when they are away and who stands in."""
    owner = desk.ticket.owner
    if owner is None:
        return _("Nobody")
    return f"{owner} ({desk.away.words})" if desk.away else str(owner)


def owner_choices(desk: Desk) -> list[tuple[int, str]]:
    """Return whom the ticket can be assigned to; of those who are away, until when."""
    found = []
    for pk, user in desk.owners.items():
        away = desk.standings.away(user, desk.queue)
        note = _("away until %(date)s") % {"date": away.until} if away else ""
        found.append((pk, f"{user} ({note})" if note else str(user)))
    return found


def chosen_owner(
    desk: Desk, wanted: int | None, data: Mapping[str, Any]
) -> tuple[Any | None, tuple[tuple[str, str, str], ...]]:
    """Return whom a form assigns, and the buttons to offer if that one is away and nobody said “all the same”.

    `data` is what the browser sent: `instead` names the deputy, `anyway` insists.
    """
    instead = str(data.get("instead", ""))
    if instead.isdecimal() and int(instead) in desk.owners:
        return desk.owners[int(instead)], ()
    owner = desk.owners.get(wanted or 0)
    away = desk.standings.away(owner, desk.queue)
    is_new = owner is not None and owner.pk not in (desk.ticket.owner_id, desk.actor.user.pk)
    if owner is None or away is None or not is_new or "anyway" in data:
        return owner, ()
    offers = [("anyway", "1", _("Assign to %(name)s all the same") % {"name": owner})]
    if away.person is not None and away.person.pk in desk.owners:
        label = _("Assign to %(name)s") % {"name": away.person}
        offers.insert(0, ("instead", str(away.person.pk), label))
    return owner, tuple(offers)


def is_away(desk: Desk, owner: Any) -> InvalidInput:
    """Return the refusal that tells who is away and who stands in."""
    away = desk.standings.away(owner, desk.queue)
    return InvalidInput(away.sentence if away else None, field="owner")
