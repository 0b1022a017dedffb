"""What the settings say about the doors, read into plain values; what is wrong with them is told by `checks`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

#: The address of the one OpenID provider and of the one SAML provider: /accounts/oidc/sso/…, /accounts/saml/sso/…
SLUG = "sso"

#: Variables of the environment, each with what holds if it is not set.
LDAP_DEFAULTS = {
    "URL": "",
    "STARTTLS": "no",
    "CA_FILE": "",
    "TIMEOUT": "5",
    "BIND_DN": "",
    "BIND_PASSWORD": "",
    "SEARCH_BASE": "",
    "USER_FILTER": "(uid={name})",
    "ATTR_NAME": "uid",
    "ATTR_FIRST_NAME": "givenName",
    "ATTR_LAST_NAME": "sn",
    "ATTR_MAIL": "mail",
    "ATTR_PHONE": "telephoneNumber",
    "ATTR_ORGANISATION": "ou",
    "ATTR_MEMBER_OF": "memberOf",
    "GROUP_BASE": "",
    "GROUP_FILTER": "(|(member={dn})(uniqueMember={dn})(memberUid={name}))",
    "GROUPS": "",
    "REQUIRED_GROUP": "",
    "DENIED_GROUP": "",
    "PERSONS": "yes",
    "PERSONS_FILTER": "(objectClass=person)",
}
OIDC_DEFAULTS = {
    "ISSUER": "",
    "CLIENT_ID": "",
    "CLIENT_SECRET": "",
    "CLIENT_AUTH": "auto",
    "BUTTON": "",
    "SCOPES": "openid profile email",
    "CLAIM_NAME": "preferred_username",
    "SCOPE_OF_NAME": "",
    "CLAIM_FIRST_NAME": "given_name",
    "CLAIM_LAST_NAME": "family_name",
    "CLAIM_MAIL": "email",
    "MAIL_VERIFIED": "claim",
    "CLAIM_GROUPS": "groups",
    "GROUPS": "",
}
SAML_DEFAULTS = {
    "METADATA": "",
    "IDP_ENTITY_ID": "",
    "ENTITY_ID": "",
    "CERTIFICATE": "",
    "PRIVATE_KEY": "",
    "SIGNED": "assertion",
    "BUTTON": "",
    "ATTR_NAME": "urn:oid:0.9.2342.19200300.100.1.1,urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "SCOPE_OF_NAME": "",
    "ATTR_FIRST_NAME": "urn:oid:2.5.4.42",
    "ATTR_LAST_NAME": "urn:oid:2.5.4.4",
    "ATTR_MAIL": "urn:oid:0.9.2342.19200300.100.1.3",
    "ATTR_GROUPS": "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    "GROUPS": "",
}
#: All variables of the doors.
NAMES = (
    "LOGIN_DOORS",
    "LOGIN_MAIL_DOMAINS",
    *(f"LDAP_{name}" for name in LDAP_DEFAULTS),
    *(f"OIDC_{name}" for name in OIDC_DEFAULTS),
    *(f"SAML_{name}" for name in SAML_DEFAULTS),
)
#: What clusters put into the environment of a service called ldap, oidc or saml by themselves.
OF_CLUSTERS = re.compile(r"_(SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?)$")
YES, NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0", ""}

GroupMap = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Names:
    """Attributes or claims of a person; of several the first that has a value counts, of mail all."""

    name: tuple[str, ...]
    first_name: tuple[str, ...]
    last_name: tuple[str, ...]
    mail: tuple[str, ...]
    groups: tuple[str, ...]
    # what is cut off behind the @ of a log-in name: 'example.org'
    scope: str = ""


@dataclass(frozen=True)
class Ldap:
    url: str
    starttls: bool
    ca_file: str
    timeout: int
    bind_dn: str
    bind_password: str
    search_base: str
    user_filter: str
    names: Names
    phone: tuple[str, ...]
    organisation: tuple[str, ...]
    group_base: str
    group_filter: str
    groups: GroupMap
    required_group: str
    denied_group: str
    persons: bool
    persons_filter: str


@dataclass(frozen=True)
class Oidc:
    issuer: str
    client_id: str
    client_secret: str
    client_auth: str
    button: str
    scopes: tuple[str, ...]
    names: Names
    mail_verified: str
    groups: GroupMap


@dataclass(frozen=True)
class Saml:
    metadata: str
    idp_entity_id: str
    entity_id: str
    certificate: str
    private_key: str
    signed: str
    button: str
    names: Names
    groups: GroupMap


def unknown(environment: Iterable[str]) -> list[str]:
    """Return the variables that look like one of the doors' and are none."""
    return sorted(
        name
        for name in environment
        if name.startswith(("LOGIN_DOOR", "LOGIN_MAIL", "LDAP_", "OIDC_", "SAML_"))
        and name not in NAMES
        and not OF_CLUSTERS.search(name)
    )


def words(text: str, separator: str = ",") -> tuple[str, ...]:
    """Return the non-empty parts of a list in one setting."""
    return tuple(part for one in text.split(separator) if (part := one.strip()))


def group_map(text: str) -> GroupMap:
    """Return (group of the directory, group here) of each entry of 'A => B; C => D'.

    Raises `ValueError` with the entry that is none.
    """
    pairs = []
    for entry in re.split(r"(?<!\\)[;\n]", text):
        if not entry.strip():
            continue
        there, arrow, here = (part.strip() for part in entry.partition("=>"))
        if not (there and arrow and here):
            raise ValueError(entry.strip())
        pairs.append((there, here))
    return tuple(pairs)


def known_pairs(text: str) -> GroupMap:
    """Return the entries of a group map; none of them if one cannot be read (which `checks` tells)."""
    try:
        return group_map(text)
    except ValueError:
        return ()


def truth(text: str) -> bool:
    """Return whether a setting says yes."""
    return text.strip().lower() in YES


def ldap() -> Ldap | None:
    """Return the settings of the directory, None if there is none."""
    raw = settings.LDAP
    if not raw["URL"]:
        return None
    return Ldap(
        url=raw["URL"],
        starttls=truth(raw["STARTTLS"]),
        ca_file=raw["CA_FILE"],
        timeout=int(raw["TIMEOUT"]) if raw["TIMEOUT"].isdecimal() else 5,
        bind_dn=raw["BIND_DN"],
        bind_password=raw["BIND_PASSWORD"],
        search_base=raw["SEARCH_BASE"],
        user_filter=raw["USER_FILTER"],
        names=Names(
            name=words(raw["ATTR_NAME"]),
            first_name=words(raw["ATTR_FIRST_NAME"]),
            last_name=words(raw["ATTR_LAST_NAME"]),
            mail=words(raw["ATTR_MAIL"]),
            groups=words(raw["ATTR_MEMBER_OF"]),
        ),
        phone=words(raw["ATTR_PHONE"]),
        organisation=words(raw["ATTR_ORGANISATION"]),
        group_base=raw["GROUP_BASE"],
        group_filter=raw["GROUP_FILTER"],
        groups=known_pairs(raw["GROUPS"]),
        required_group=raw["REQUIRED_GROUP"],
        denied_group=raw["DENIED_GROUP"],
        persons=truth(raw["PERSONS"]),
        persons_filter=raw["PERSONS_FILTER"],
    )


def oidc() -> Oidc | None:
    """Return the settings of the OpenID provider, None if there is none."""
    raw = settings.OIDC
    if not raw["ISSUER"]:
        return None
    return Oidc(
        issuer=raw["ISSUER"].rstrip("/"),
        client_id=raw["CLIENT_ID"],
        client_secret=raw["CLIENT_SECRET"],
        client_auth=raw["CLIENT_AUTH"],
        button=raw["BUTTON"],
        scopes=words(raw["SCOPES"].replace(",", " "), " "),
        names=Names(
            name=words(raw["CLAIM_NAME"]),
            first_name=words(raw["CLAIM_FIRST_NAME"]),
            last_name=words(raw["CLAIM_LAST_NAME"]),
            mail=words(raw["CLAIM_MAIL"]),
            groups=words(raw["CLAIM_GROUPS"]),
            scope=raw["SCOPE_OF_NAME"].lstrip("@"),
        ),
        mail_verified=raw["MAIL_VERIFIED"],
        groups=known_pairs(raw["GROUPS"]),
    )


def saml() -> Saml | None:
    """Return the settings of the SAML provider, None if there is none."""
    raw = settings.SAML
    if not raw["METADATA"]:
        return None
    return Saml(
        metadata=raw["METADATA"],
        idp_entity_id=raw["IDP_ENTITY_ID"],
        entity_id=raw["ENTITY_ID"],
        certificate=raw["CERTIFICATE"],
        private_key=raw["PRIVATE_KEY"],
        signed=raw["SIGNED"],
        button=raw["BUTTON"],
        names=Names(
            name=words(raw["ATTR_NAME"]),
            first_name=words(raw["ATTR_FIRST_NAME"]),
            last_name=words(raw["ATTR_LAST_NAME"]),
            mail=words(raw["ATTR_MAIL"]),
            groups=words(raw["ATTR_GROUPS"]),
            scope=raw["SCOPE_OF_NAME"].lstrip("@"),
        ),
        groups=known_pairs(raw["GROUPS"]),
    )


READERS = {"oidc": oidc, "saml": saml, "ldap": ldap}


def doors() -> list[str]:
    """Return the doors that people see, in order: of oidc, saml, ldap and local.

    Without LOGIN_DOORS all that are set up, the local password last.
    """
    named: Iterable[str] = settings.LOGIN_DOORS or [*READERS, "local"]
    return [one for one in named if one == "local" or (one in READERS and READERS[one]())]


def has_local() -> bool:
    """Return whether accounts with a password of their own are for everybody, not only for emergencies."""
    return "local" in doors()
