"""People who left: accounts of doors whose log-in name the directory knows no more."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from portal.models import NameFrom

from .config import Ldap

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
    from . import directory

    accounts = get_user_model().objects.filter(
        name_from=NameFrom.DOOR, is_active=True, is_superuser=False
    )
    everybody = list(accounts.order_by("username"))
    missing = []
    with directory.connected(door) as connection:
        for user in everybody:
            filter_ = directory.filled(door.user_filter, name=user.get_username())
            found = directory.search(
                connection, door.search_base, filter_, ["1.1"], limit=1, timeout=door.timeout
            )
            if not found:
                missing.append(user)
    if len(missing) > max(A_FEW, AT_MOST * len(everybody)):
        raise TooMany(f"{len(missing)} of {len(everybody)}")
    return missing


def switch_off(user: Any) -> None:
    """Switch an account off: its sessions end at once, its requests and its history stay."""
    user.is_active = False
    user.save(update_fields=["is_active"])
