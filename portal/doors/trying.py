"""Trying each door, for an administrator who sets it up: what works, and what the next step is. Prints no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.socialaccount.adapter import get_adapter
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone, translation

from . import checks, config, faults, saml
from .config import GroupMap, Ldap
from .person import Proven, Refused


@dataclass(frozen=True)
class Line:
    """One thing that was tried. `fine` is None for what is only told."""

    fine: bool | None
    text: str


def told(text: str) -> Line:
    return Line(None, text)


def ok(text: str) -> Line:
    return Line(True, text)


def bad(text: str) -> Line:
    return Line(False, text)


def address(name: str) -> str:
    """Return the public address of a view of the doors, as providers must know it."""
    with translation.override(settings.LANGUAGE_CODE):
        return settings.SITE_URL + reverse(name)


def everything(name: str) -> Iterator[tuple[str, list[Line]]]:
    """Give each door's name and what came of trying it; `name` is the log-in name of somebody to look up, or ''."""
    found = [*checks.check_doors(), *checks.check_names()]
    wrong = [bad(f"{one.msg} {one.hint or ''}") for one in found]
    yield "settings", wrong or [ok(f"The doors, in order: {', '.join(config.doors())}.")]
    for door, trying in (("ldap", _ldap), ("oidc", _oidc), ("saml", _saml)):
        if config.READERS[door]() is not None:
            yield door, list(trying(name))


def _groups(pairs: GroupMap) -> Iterator[Line]:
    known = set(Group.objects.values_list("name", flat=True))
    for here in sorted({here for _there, here in pairs} - known):
        near = get_close_matches(here, known, 1, 0.7)
        mean = f" Do you mean “{near[0]}”?" if near else ""
        yield bad(
            f"The group “{here}” of the map does not exist here: make it under Settings → Groups.{mean}"
        )


def _describe(found: Proven) -> Iterator[Line]:
    yield told(f"log-in name: {found.login_name}")
    yield told(f"name: {found.first_name} {found.last_name}")
    yield told(f"addresses it proves: {', '.join(found.addresses) or 'none'}")
    there_are = Group.objects.filter(name__in=found.groups).values_list("name", flat=True)
    yield told(f"groups here: {', '.join(sorted(there_are)) or 'none'}")


def _entries(door: Ldap, connection: Any) -> Iterator[Line]:
    """Tell which of the entries that the settings name are not there: a slip of the pen lets in nobody, or all."""
    from . import directory

    named = {
        "LDAP_SEARCH_BASE": [door.search_base],
        "LDAP_GROUP_BASE": [door.group_base],
        "LDAP_REQUIRED_GROUP": [door.required_group],
        "LDAP_DENIED_GROUP": [door.denied_group],
        "LDAP_GROUPS": dict.fromkeys(there for there, _here in door.groups),
    }
    for setting, dns in named.items():
        for dn in filter(None, dns):
            if not directory.exists(connection, dn, timeout=door.timeout):
                yield bad(
                    f"{setting}: {dn} is not in the directory, or the help desk's own account may not read it."
                )


def _ldap(name: str) -> Iterator[Line]:
    door = config.ldap()
    try:
        import ldap

        from . import directory
    except ImportError:
        return
    if door is None:
        return
    yield from _groups(door.groups)
    try:
        with directory.connected(door) as connection:
            yield ok(f"{door.url} answers and takes the help desk's own account.")
            yield from _entries(door, connection)
            if not name:
                yield told("Give somebody's log-in name to look that person up: check_login NAME")
                return
            filter_ = directory.filled(door.user_filter, name=name)
            rows = directory.search(
                connection,
                door.search_base,
                filter_,
                directory.attributes(door),
                limit=2,
                timeout=door.timeout,
            )
            if len(rows) != 1:
                yield bad(
                    f"{len(rows)} entries below {door.search_base} for {filter_}; it must be one."
                )
                return
            dn, values = rows[0]
            yield ok(f"found: {dn}")
            for group in directory.groups_of(door, connection, dn, values):
                yield told(f"group there: {group}")
            yield from _describe(directory.proven(door, connection, dn, values))
    except Refused as refusal:
        yield bad(f"This person would not be let in. {faults.explained(refusal.code)}.")
    except ldap.LDAPError as error:
        unreachable = isinstance(error, ldap.SERVER_DOWN | ldap.CONNECT_ERROR | ldap.TIMEOUT)
        yield bad(f"{faults.explained(type(error).__name__)}.")
        if unreachable and (why := faults.of_directory(door)):
            yield told(why)


def _oidc(_name: str) -> Iterator[Line]:
    door = config.oidc()
    if door is None:
        return
    yield told(f"redirect address to enter at the provider: {address('door_oidc')}")
    yield from _groups(door.groups)
    place = f"{door.issuer}/.well-known/openid-configuration"
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(place)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        yield bad(f"{place}: {faults.of_error(error)}. (OIDC_ISSUER)")
        return
    yield ok(f"{place} answers.")
    issuer = str(found.get("issuer", ""))
    if issuer.rstrip("/") != door.issuer:
        yield bad(f"It calls itself {issuer}: set OIDC_ISSUER to that.")
    for key in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        url = str(found.get(key, ""))
        if not checks.is_safe(url):
            yield bad(f"It names no https address for {key}.")
    if door.client_auth == "auto" and not found.get("token_endpoint_auth_methods_supported"):
        yield told("It does not tell how it takes the client secret. If it answers invalid_client:")
        yield told("OIDC_CLIENT_AUTH=basic")
    methods = found.get("code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        yield bad("It does not do PKCE with S256.")
    claims = found.get("claims_supported")
    for name in [*door.names.name[:1], *door.names.groups[:1]] if claims else []:
        if name.partition(".")[0] not in claims:
            yield told(f"It does not list the claim {name}; it may have to be mapped there.")


def _saml(_name: str) -> Iterator[Line]:
    door = config.saml()
    if door is None:
        return
    yield told(f"our metadata: {address('door_metadata')}")
    yield told(f"our assertion consumer service: {address('door_acs')}")
    yield from _groups(door.groups)
    try:
        found = saml.parse(saml.fetch(door.metadata), door.idp_entity_id)["idp"]
    except saml.BadMetadata as error:
        yield bad(f"{door.metadata}: {error}. (SAML_METADATA)")
        return
    yield ok(
        f"metadata of {found['entityId']}; log-in at {urlsplit(found['singleSignOnService']['url']).netloc}"
    )
    signing = found.get("x509certMulti", {}).get("signing") or [found["x509cert"]]
    for number, text in enumerate(signing, start=1):
        yield _expiry(f"certificate {number} of the provider", saml.pem(text))
    if door.certificate:
        yield from _own_pair(saml.read(door.certificate), saml.read(door.private_key))


def _expiry(what: str, text: str) -> Line:
    try:
        until = x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc
    except ValueError:
        return bad(f"The {what} cannot be read.")
    if until <= timezone.now():
        return bad(f"{what}: expired on {until:%Y-%m-%d}")
    return ok(f"{what}: valid until {until:%Y-%m-%d}")


def _own_pair(certificate: str, key: str) -> Iterator[Line]:
    yield _expiry("certificate of this site", certificate)
    try:
        ours = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        theirs = load_pem_private_key(key.encode(), None).public_key()
    except (ValueError, TypeError):
        yield bad("SAML_PRIVATE_KEY cannot be read: an unencrypted key in PEM form is needed.")
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if ours.public_bytes(*form) != theirs.public_bytes(*form):
        yield bad("SAML_CERTIFICATE and SAML_PRIVATE_KEY do not belong together.")
