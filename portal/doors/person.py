"""Who stands at a door, as it tells us: the same for a directory's attributes and a token's claims."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from helpdesk import addressing

from .config import GroupMap, Names

logger = logging.getLogger(__name__)

MAX_ADDRESSES = 20


class Refused(Exception):
    """Somebody does not come in by a door. `code` goes to the log and chooses the words shown."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


@dataclass(frozen=True)
class Proven:
    """A person whose log-in name a door has proved.

    `login_name` is the Unikennung in small letters. `groups` are the groups *here* that the door's map gives,
    `managed` all that it may give: only these are mirrored. `subject` is the provider's own unchanging
    name of the person, '' if it has none.
    """

    door: str
    login_name: str
    first_name: str = ""
    last_name: str = ""
    addresses: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    managed: frozenset[str] = frozenset()
    subject: str = ""


def texts(value: Any) -> list[str]:
    """Return the text values of an attribute or claim, which may be one, many or none."""
    many = value if isinstance(value, list | tuple | set) else [value]
    return [one.strip() for one in many if isinstance(one, str) and one.strip()]


def all_of(values: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return all values of several attributes, in order. A name may go inside with dots ('realm_access.roles')."""
    return [text for name in names for text in texts(_inside(values, name))]


def first_of(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the first value of several attributes, ''."""
    return next(iter(all_of(values, names)), "")


def _inside(values: Any, name: str) -> Any:
    if isinstance(values, Mapping) and name in values:
        return values[name]
    outer, dot, inner = name.partition(".")
    if dot and isinstance(values, Mapping) and isinstance(values.get(outer), Mapping):
        return _inside(values[outer], inner)
    return None


def login_name(values: Mapping[str, Any], names: Names) -> str:
    """Return the log-in name. Raises `Refused` if there is none, or one of another organisation, or no ASCII.

    Letters of other scripts that have a Latin one as their small letter (the sign for kelvin) would make it
    the name of somebody else.
    """
    given = first_of(values, names.name)
    if not given.isascii():
        raise Refused("name-unusable")
    name = given.lower()
    local, at, scope = name.rpartition("@")
    if at and names.scope:
        if scope != names.scope.lower():
            raise Refused("other-scope")
        name = local
    if not name:
        raise Refused("no-name", told=sorted(map(str, values)))
    return name


def mail_addresses(found: Sequence[str]) -> tuple[str, ...]:
    """Return what of a directory's values are mail addresses that it may prove.

    Of Active Directory's proxyAddresses ('SMTP:a@b', 'smtp:c@d', 'X500:…') those that are mail. With
    LOGIN_MAIL_DOMAINS only addresses in these domains.
    """
    domains = {one.lower().lstrip("@") for one in settings.LOGIN_MAIL_DOMAINS}
    addresses: dict[str, str] = {}
    for text in found:
        kind, colon, rest = text.partition(":")
        if colon and kind.lower() != "smtp":
            continue
        address = rest if colon else text
        if not addressing.is_address(address) or len(address) > 254:
            continue
        if domains and address.rpartition("@")[2].lower() not in domains:
            continue
        addresses.setdefault(address.lower(), address)
    return tuple(list(addresses.values())[:MAX_ADDRESSES])


def dn_key(text: str) -> str:
    """Return a group's name for comparing: LDAP takes no account of case, nor of blanks around , and =."""
    return re.sub(r"\s*(?<!\\)([,=])\s*", r"\1", text.strip()).casefold()


def mapped(groups: Iterable[str], pairs: GroupMap) -> tuple[frozenset[str], frozenset[str]]:
    """Return the groups here that somebody in `groups` gets by the map, and all that the map may give."""
    theirs = {dn_key(one) for one in groups}
    return (
        frozenset(here for there, here in pairs if dn_key(there) in theirs),
        frozenset(here for _there, here in pairs),
    )


def build(
    door: str, values: Mapping[str, Any], names: Names, pairs: GroupMap, **more: Any
) -> Proven:
    """Return the person that attributes or claims tell of. Raises `Refused`."""
    there = more.pop("groups", None)
    if there is None:
        there = all_of(values, names.groups)
        if (
            pairs and not there
        ):  # in none, or the provider does not tell: nobody could see it otherwise
            logger.info(
                "%s: no-groups, it told only: %s", door, ", ".join(sorted(map(str, values)))
            )
    groups, managed = mapped(there, pairs)
    return Proven(
        door=door,
        login_name=login_name(values, names),
        first_name=first_of(values, names.first_name)[:150],
        last_name=first_of(values, names.last_name)[:150],
        addresses=mail_addresses(more.pop("addresses", all_of(values, names.mail))),
        groups=groups,
        managed=managed,
        **more,
    )
