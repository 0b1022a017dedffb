"""The directory: asking LDAP or Active Directory for a person. Needs python-ldap (requirements/ldap.txt)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ldap
import ldap.filter
from ldap.cidict import cidict

from . import person
from .config import Ldap
from .person import Proven, Refused


def options(config: Ldap) -> dict[int, Any]:
    """Return the options of a connection: it never waits for long, follows no referral, checks certificates."""
    found: dict[int, Any] = {
        ldap.OPT_NETWORK_TIMEOUT: config.timeout,
        ldap.OPT_TIMEOUT: config.timeout,
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_PROTOCOL_VERSION: ldap.VERSION3,
    }
    if config.starttls or config.url.lower().startswith("ldaps:"):
        found[ldap.OPT_X_TLS_REQUIRE_CERT] = ldap.OPT_X_TLS_DEMAND
        if config.ca_file:
            found[ldap.OPT_X_TLS_CACERTFILE] = config.ca_file
        found[ldap.OPT_X_TLS_NEWCTX] = 0  # takes what is set above; must be last
    return found


@contextmanager
def connected(config: Ldap) -> Iterator[Any]:
    """Give a connection bound as the help desk's own account of the directory. Raises `ldap.LDAPError`."""
    connection = ldap.initialize(config.url, bytes_mode=False)
    try:
        for option, value in options(config).items():
            connection.set_option(option, value)
        if config.starttls:
            connection.start_tls_s()
        connection.simple_bind_s(config.bind_dn, config.bind_password)
        yield connection
    finally:
        connection.unbind_ext_s()


def filled(template: str, **values: str) -> str:
    """Return a filter with its {placeholders} filled, each value escaped (RFC 4515)."""
    text = template
    for name, value in values.items():
        text = text.replace("{" + name + "}", ldap.filter.escape_filter_chars(value))
    return text


def attributes(config: Ldap) -> list[str]:
    """Return the names of the attributes that are asked for: no others leave the directory."""
    names = config.names
    every = [*names.name, *names.first_name, *names.last_name, *names.mail, *names.groups]
    return list(dict.fromkeys([*every, *config.phone, *config.organisation]))


def decoded(entry: Mapping[str, list[bytes]]) -> Mapping[str, list[str]]:
    """Return the attributes as text, by name in any case; what is no text is left out."""
    return cidict({name: list(_texts(values)) for name, values in entry.items()})


def _texts(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
            continue
        try:
            yield value.decode()
        except UnicodeDecodeError:
            continue


def search(
    connection: Any, base: str, filter_: str, names: list[str], *, limit: int, timeout: float
) -> list[tuple[str, Mapping[str, list[str]]]]:
    """Return up to `limit` entries (DN, attributes); more than that is no error."""
    asked = connection.search_ext(
        base, ldap.SCOPE_SUBTREE, filter_, names, timeout=timeout, sizelimit=limit
    )
    found: list[tuple[str, Mapping[str, list[str]]]] = []
    try:
        while True:
            kind, rows = connection.result(asked, all=0, timeout=timeout)
            # a referral has no DN
            found += [(dn, decoded(entry)) for dn, entry in rows or [] if dn is not None]
            if kind == ldap.RES_SEARCH_RESULT:
                break
    except (ldap.SIZELIMIT_EXCEEDED, ldap.ADMINLIMIT_EXCEEDED):
        pass
    return found[:limit]


def exists(connection: Any, dn: str, *, timeout: float) -> bool:
    """Return whether there is an entry of this name that the help desk's account may see."""
    try:
        found = connection.search_ext_s(dn, ldap.SCOPE_BASE, attrlist=["1.1"], timeout=timeout)
    except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX, ldap.INSUFFICIENT_ACCESS):
        return False
    return any(name is not None for name, _values in found)


def groups_of(config: Ldap, connection: Any, dn: str, values: Mapping[str, list[str]]) -> list[str]:
    """Return the DNs of the groups of a person: those of memberOf, and those that name the person as a member."""
    found = person.all_of(values, config.names.groups)
    if config.group_base:
        name = person.first_of(values, config.names.name)
        filter_ = filled(config.group_filter, dn=dn, name=name)
        rows = search(
            connection, config.group_base, filter_, ["1.1"], limit=1000, timeout=config.timeout
        )
        found += [group for group, _none in rows]
    return list(dict.fromkeys(found))


def proven(config: Ldap, connection: Any, dn: str, values: Mapping[str, list[str]]) -> Proven:
    """Return the person of an entry. Raises `Refused`: required-group, denied-group, no-name."""
    groups = groups_of(config, connection, dn, values)
    keys = {person.dn_key(one) for one in groups}
    if config.required_group and person.dn_key(config.required_group) not in keys:
        raise Refused("required-group")
    if config.denied_group and person.dn_key(config.denied_group) in keys:
        raise Refused("denied-group")
    return person.build("ldap", values, config.names, config.groups, groups=groups)
