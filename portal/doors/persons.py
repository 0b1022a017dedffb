"""The directory as the help desk's source of people (`HELPDESK["PERSONS"]`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from helpdesk.persons import MAX_FOUND, MIN_QUERY, DirectoryDown, Person

from . import config, person
from .config import Ldap

logger = logging.getLogger(__name__)

#: Somebody waits before the form: seconds for the whole answer.
PATIENCE = 3
MAX_WORDS = 4


def find(text: str) -> Sequence[Person]:
    """Return people whose names, log-in name or address begin with the words of `text` (each word with one of them).

    Raises `DirectoryDown` if the directory does not answer in time.
    """
    door = config.ldap()
    # signs that nobody sees are nothing to a directory: three of them would find everybody
    seen = "".join(one for one in text if one.isprintable())
    wanted = seen.split()[:MAX_WORDS]
    if door is None or len(seen.strip()) < MIN_QUERY:
        return []
    try:
        import ldap

        from . import directory
    except ImportError:
        logger.error("ldap: package-missing")
        raise DirectoryDown from None
    try:
        with directory.connected(door) as connection:
            connection.set_option(ldap.OPT_NETWORK_TIMEOUT, PATIENCE)
            rows = directory.search(
                connection,
                door.search_base,
                _filter(door, wanted),
                directory.attributes(door),
                limit=MAX_FOUND,
                timeout=PATIENCE,
            )
    except ldap.LDAPError as error:
        logger.warning("ldap: %s (persons)", type(error).__name__)
        raise DirectoryDown from None
    return [one for _dn, values in rows if (one := _person(door, values)) is not None]


def _filter(door: Ldap, wanted: Sequence[str]) -> str:
    from . import directory

    names = door.names
    attributes = dict.fromkeys(
        [*names.name, *names.first_name, *names.last_name, *names.mail, "cn"]
    )
    each = []
    for word in wanted:
        terms = [
            f"({name}={'smtp:' if name.lower() == 'proxyaddresses' else ''}{{word}}*)"
            for name in attributes
        ]
        each.append(directory.filled(f"(|{''.join(terms)})", word=word))
    return f"(&{door.persons_filter}{''.join(each)})"


def _person(door: Ldap, values: Mapping[str, list[str]]) -> Person | None:
    names = door.names
    login_name = person.first_of(values, names.name).lower()
    if not login_name:
        return None
    parts = [person.first_of(values, names.first_name), person.first_of(values, names.last_name)]
    return Person(
        login_name=login_name,
        name=" ".join(filter(None, parts)) or login_name,
        addresses=person.mail_addresses(person.all_of(values, names.mail)),
        phone=person.first_of(values, door.phone),
        organisation=person.first_of(values, door.organisation),
    )
