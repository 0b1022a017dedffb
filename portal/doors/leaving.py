"""People who left: accounts of doors whose log-in name the directory knows no more, or whose groups changed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from portal.models import NameFrom

from . import matching, person
from .config import Ldap
from .person import Proven, Refused

#: If more than this part of the accounts is missing, the search is wrong, and not the people gone.
AT_MOST = 0.2
#: Fewer than this are never too many.
A_FEW = 5


class TooMany(Exception):
    """So many are missing that the directory was asked in the wrong way."""


def gone(door: Ldap) -> list[Any]:
    """Return the active accounts of doors that are no longer in the directory; superusers stay out of it.

    Raises `ldap.LDAPError` if the directory cannot be asked, `TooMany`.
    """
    everybody = _everybody()
    missing = [user for user, entry in _looked_up(door, everybody, ["1.1"]) if entry is None]
    _look_closer(missing, everybody)
    return missing


@dataclass(frozen=True)
class Change:
    """What the map of groups gives to an account and takes from it."""

    user: Any
    person: Proven
    added: list[str]
    removed: list[str]


def changed(door: Ldap) -> list[Change]:
    """Return whose groups here are not those that the map gives now; nothing is changed yet.

    Who may not log in any more (required-group, denied-group) keeps none of the map's. Raises `ldap.LDAPError`,
    and `TooMany` if that many would lose one.
    """
    from . import directory

    everybody = _everybody()
    found = []
    for user, entry in _looked_up(door, everybody, directory.attributes(door)):
        if entry is None:
            continue
        told = _proven(door, *entry)
        added, removed = matching.group_changes(user, told)
        if added or removed:
            found.append(Change(user, told, added, removed))
    _look_closer([one for one in found if one.removed], everybody)
    return found


def _proven(door: Ldap, connection: Any, dn: str, values: Any) -> Proven:
    from . import directory

    try:
        return directory.proven(door, connection, dn, values)
    except Refused:
        return Proven("ldap", "", managed=person.mapped([], door.groups)[1])


def _everybody() -> list[Any]:
    accounts = get_user_model().objects.filter(
        name_from=NameFrom.DOOR, is_active=True, is_superuser=False
    )
    return list(accounts.order_by("username"))


def _looked_up(
    door: Ldap, users: list[Any], attributes: list[str]
) -> Iterator[tuple[Any, tuple[Any, str, Any] | None]]:
    """Give each account with connection, DN and attributes of its entry, or None."""
    from . import directory

    with directory.connected(door) as connection:
        for user in users:
            filter_ = directory.filled(door.user_filter, name=user.get_username())
            rows = directory.search(
                connection, door.search_base, filter_, attributes, limit=1, timeout=door.timeout
            )
            yield user, (connection, *rows[0]) if rows else None


def _look_closer(losers: list[Any], everybody: list[Any]) -> None:
    if len(losers) > max(A_FEW, AT_MOST * len(everybody)):
        raise TooMany(f"{len(losers)} of {len(everybody)}")


def switch_off(user: Any) -> None:
    """Switch an account off: its sessions end at once, its requests and its history stay."""
    user.is_active = False
    user.save(update_fields=["is_active"])
