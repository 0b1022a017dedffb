"""System checks of the doors: each half-set one says what is missing, with an example. No host is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register

from . import config, saml

BASE = "LDAP_SEARCH_BASE=ou=people,dc=example,dc=org"
MAP = "cn=it-service,ou=groups,dc=example,dc=org => IT service; cn=office,ou=groups,dc=example,dc=org => Office"


def error(number: int, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"portal.E{number}")


def is_here(host: str | None) -> bool:
    """Return whether a host is this machine: nobody listens on the way."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_safe(url: str) -> bool:
    """Return whether an address is https, or on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_here(parts.hostname))
    )


@register(Tags.security)
def check_doors(**kwargs: Any) -> list[Error]:
    """Report what is missing or wrong in the settings of the log-in."""
    return [*_order(), *_half_set(), *_maps(), *_ldap(), *_oidc(), *_saml()]


@register(Tags.security)
def check_names(**kwargs: Any) -> list[Error | Warning]:
    """Report variables that are none of the doors'.

    One that is nearly the name of a setting keeps production from starting: a misspelt LDAP_REQUIRED_GROUP would
    let everybody in.
    """
    found: list[Error | Warning] = []
    for name in settings.LOGIN_UNKNOWN:
        near = get_close_matches(name, config.NAMES, 3, 0.8)
        text = f"{name} is set, but there is no such setting."
        if near:
            found.append(error(104, text, f"Do you mean {' or '.join(near)}? Otherwise remove it."))
        else:
            hint = "docs/login.md lists them all; remove it if it is not meant for Stelze."
            found.append(Warning(text, hint=hint, id="portal.W105"))
    return found


@register(Tags.security)
def check_buttons(**kwargs: Any) -> list[Warning]:
    """Report two buttons on the log-in page that nobody can tell apart."""
    oidc, door = config.oidc(), config.saml()
    if oidc is None or door is None or not {"oidc", "saml"} <= set(config.doors()):
        return []
    if oidc.button != door.button:
        return []
    return [
        Warning(
            "The buttons for OpenID Connect and SAML say the same.",
            hint="OIDC_BUTTON=Log in with the university account, SAML_BUTTON=Log in with Shibboleth",
            id="portal.W106",
        )
    ]


def _order() -> Iterator[Error]:
    for name in settings.LOGIN_DOORS:
        if name not in ("local", *config.READERS):
            yield error(
                100,
                f"LOGIN_DOORS names {name}, which is no way to log in.",
                "Name some of oidc, saml, ldap and local: LOGIN_DOORS=oidc,ldap,local",
            )
        elif name != "local" and config.READERS[name]() is None:
            first = {"ldap": "LDAP_URL", "oidc": "OIDC_ISSUER", "saml": "SAML_METADATA"}[name]
            yield error(
                101,
                f"LOGIN_DOORS names {name}, but {first} is not set.",
                f"Set {first}, or leave {name} out of LOGIN_DOORS.",
            )


#: What makes a door, and what else it needs, with examples.
NEEDED = {
    "LDAP": (
        "URL",
        {"URL": "ldaps://ldap.example.org", "SEARCH_BASE": "ou=people,dc=example,dc=org"},
    ),
    "OIDC": (
        "ISSUER",
        {
            "ISSUER": "https://login.example.org/realms/university",
            "CLIENT_ID": "stelze",
            "CLIENT_SECRET": "what the provider gave you",
        },
    ),
    "SAML": ("METADATA", {"METADATA": "https://idp.example.org/idp/shibboleth"}),
}
DEFAULTS = {
    "LDAP": config.LDAP_DEFAULTS,
    "OIDC": config.OIDC_DEFAULTS,
    "SAML": config.SAML_DEFAULTS,
}


#: Groups of the directory that let people in or keep them out.
GATES = ("REQUIRED_GROUP", "DENIED_GROUP")


def _half_set() -> Iterator[Error]:
    for prefix, (_first, needed) in NEEDED.items():
        values = getattr(settings, prefix)
        changed = [name for name, value in DEFAULTS[prefix].items() if values[name] != value]
        if not changed:
            continue
        for name, example in needed.items():
            if not values[name]:
                yield error(
                    102,
                    f"{prefix}_{changed[0]} is set, but {prefix}_{name} is not.",
                    f"Set it, for example {prefix}_{name}={example}",
                )


def _maps() -> Iterator[Error]:
    for prefix in NEEDED:
        try:
            config.group_map(getattr(settings, prefix)["GROUPS"])
        except ValueError as wrong:
            yield error(
                103,
                f"{prefix}_GROUPS cannot be read at “{wrong}”.",
                f"Write GROUP THERE => GROUP HERE, with ; between: {prefix}_GROUPS={MAP}",
            )


def _ldap() -> Iterator[Error]:
    values, door = settings.LDAP, config.ldap()
    if door is None:
        return
    if find_spec("ldap") is None or find_spec("django_auth_ldap") is None:
        yield error(
            110,
            "LDAP_URL is set, but the packages for LDAP are not installed.",
            "Install requirements/ldap.txt (docs/login.md says what it needs).",
        )
    urls = [urlsplit(one) for one in door.url.split()]
    if any(one.scheme not in ("ldap", "ldaps") or not one.hostname for one in urls):
        yield error(
            111, "LDAP_URL is no address of a directory.", "LDAP_URL=ldaps://ldap.example.org"
        )
    elif not door.starttls and any(
        one.scheme == "ldap" and not is_here(one.hostname) for one in urls
    ):
        yield error(
            112,
            "LDAP_URL would send passwords unprotected over the network.",
            "Write ldaps://… or set LDAP_STARTTLS=yes.",
        )
    if door.bind_dn and not door.bind_password:
        yield error(113, "LDAP_BIND_DN is set, but LDAP_BIND_PASSWORD is not.", "Set the password.")
    if door.ca_file and not Path(door.ca_file).is_file():
        yield error(
            114,
            "LDAP_CA_FILE is no file.",
            "Name a file in PEM form: LDAP_CA_FILE=/etc/ssl/certs/ca-certificates.crt",
        )
    if "{name}" not in door.user_filter:
        yield error(
            115,
            "LDAP_USER_FILTER has no {name} in it.",
            "LDAP_USER_FILTER=(uid={name}), for Active Directory (sAMAccountName={name})",
        )
    if not values["TIMEOUT"].isdecimal() or not 0 < door.timeout <= 30:
        yield error(116, "LDAP_TIMEOUT is no number of seconds up to 30.", "LDAP_TIMEOUT=5")
    yield from _ldap_forms(values)


def _ldap_forms(values: dict[str, str]) -> Iterator[Error]:
    """Tell which values of the directory have not the form that they need."""
    for name in ("STARTTLS", "PERSONS"):
        if values[name].strip().lower() not in config.YES | config.NO:
            yield error(117, f"LDAP_{name} is neither yes nor no.", f"LDAP_{name}=yes")
    for name in ("USER_FILTER", "GROUP_FILTER", "PERSONS_FILTER"):
        text = values[name]
        if not text.startswith("(") or text.count("(") != text.count(")"):
            yield error(
                118,
                f"LDAP_{name} is no filter: it begins with ( and each ( needs its ).",
                f"LDAP_{name}={config.LDAP_DEFAULTS[name]}",
            )
    dns = [(name, values[name]) for name in ("SEARCH_BASE", "GROUP_BASE", *GATES) if values[name]]
    dns += [("GROUPS", there) for there, _here in config.known_pairs(values["GROUPS"])]
    for name, text in dns:
        if not text.partition(",")[0].partition("=")[2].strip():
            yield error(
                119,
                f"LDAP_{name}: “{text}” is no DN.",
                "Write the whole name: cn=it-service,ou=groups,dc=example,dc=org",
            )


def _oidc() -> Iterator[Error]:
    door = config.oidc()
    if door is None:
        return
    if not is_safe(door.issuer):
        yield error(
            120,
            "OIDC_ISSUER is no https address.",
            "OIDC_ISSUER=https://login.example.org/realms/university",
        )
    if "openid" not in door.scopes:
        yield error(121, "OIDC_SCOPES does not name openid.", "OIDC_SCOPES=openid profile email")
    if door.client_auth not in ("auto", "basic", "post"):
        yield error(
            123,
            f"OIDC_CLIENT_AUTH={door.client_auth} is not known.",
            "One of auto, basic and post: OIDC_CLIENT_AUTH=auto",
        )
    if door.mail_verified not in ("claim", "always", "never"):
        yield error(
            122,
            f"OIDC_MAIL_VERIFIED={door.mail_verified} is not known.",
            "One of claim, always and never: OIDC_MAIL_VERIFIED=claim",
        )


def _saml() -> Iterator[Error]:
    door = config.saml()
    if door is None:
        return
    if find_spec("onelogin") is None:
        yield error(
            130,
            "SAML_METADATA is set, but the packages for SAML are not installed.",
            "Install requirements/saml.txt (docs/login.md says what it needs).",
        )
    if "://" in door.metadata and not is_safe(door.metadata):
        yield error(
            131,
            "SAML_METADATA is no https address.",
            "SAML_METADATA=https://idp.example.org/idp/shibboleth, or the path of a file",
        )
    elif "://" not in door.metadata and not Path(door.metadata).is_file():
        yield error(132, "SAML_METADATA is no file.", "Name an https address or a file.")
    if door.signed not in ("assertion", "response"):
        yield error(
            133,
            f"SAML_SIGNED={door.signed} is not known.",
            "What the provider signs, assertion or response: SAML_SIGNED=assertion",
        )
    if bool(door.certificate) != bool(door.private_key):
        yield error(
            134,
            "SAML_CERTIFICATE and SAML_PRIVATE_KEY belong together: only one is set.",
            "SAML_CERTIFICATE=/srv/stelze/saml.crt SAML_PRIVATE_KEY=/srv/stelze/saml.key",
        )
    for name in ("certificate", "private_key"):
        if getattr(door, name) and not saml.read(getattr(door, name)):
            yield error(135, f"SAML_{name.upper()} cannot be read.", "Name a file in PEM form.")
