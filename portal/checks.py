"""System checks of the site: what must be set before it may start in production."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from . import passwords

#: setting → how to set it
REQUIRED = {
    "SECRET_KEY": "Set SECRET_KEY to at least 50 random characters.",
    "DATABASE_URL": "Set DATABASE_URL, for example postgresql://USER:PASSWORD@HOST:5432/NAME.",
    "EMAIL_URL": "Set EMAIL_URL, for example smtp+tls://USER:PASSWORD@HOST:587.",
}
#: What gunicorn takes as "does not start": it ends instead of trying for ever.
BOOT_ERROR = 3


def refuse_to_start_unsafe() -> None:
    """End the process, saying what to set, if a security check finds an error."""
    errors = [one for one in run_checks(tags=[Tags.security]) if one.is_serious()]
    if errors:
        lines = [f"  {error.msg} {error.hint or ''}" for error in errors]
        print("Stelze does not start:", *lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(BOOT_ERROR)


def _is_set(name: str) -> bool:
    try:
        return bool(getattr(settings, name))
    except ImproperlyConfigured:  # Django's own refusal of an empty SECRET_KEY
        return False


@register(Tags.security)
def check_production_settings(**kwargs: Any) -> list[Error]:
    """Report each secret or address that production needs and does not have."""
    if not settings.PRODUCTION:
        return []
    errors = [
        Error(f"{name} is not set.", hint=hint, id=f"portal.E{number:03}")
        for number, (name, hint) in enumerate(REQUIRED.items(), start=1)
        if not _is_set(name)
    ]
    if not settings.SITE_URL.startswith("https://"):
        errors.append(
            Error(
                "SITE_URL is not an https address.",
                hint="Set SITE_URL to the public address, for example https://help.example.org.",
                id="portal.E010",
            )
        )
    return errors


#: Caches that each process has for itself: limits counted there are as many times higher.
LONELY_CACHES = ("locmem", "dummy")


@register(Tags.caches)
def check_shared_cache(**kwargs: Any) -> list[Warning]:
    """Report a cache that the processes of a production site do not share."""
    backend = settings.CACHES["default"]["BACKEND"]
    if not settings.PRODUCTION:
        return []
    if not any(f".{name}." in backend for name in LONELY_CACHES):
        return []
    return [
        Warning(
            "The cache is not shared by the processes of the site, so each counts attempts to log in for itself.",
            hint="Leave CACHE_URL empty (the database is used), or set it to redis://HOST:6379/1.",
            id="portal.W021",
        )
    ]


@register(Tags.security)
def check_breached_passwords(**kwargs: Any) -> list[Warning]:
    """Report a list of breached passwords that is not there, or is none; it is looked at in some places."""
    path = settings.BREACHED_PASSWORDS
    if not path:
        return []
    try:
        passwords.check_file(path)
    except (OSError, passwords.Unsorted) as error:
        return [
            Warning(
                f"BREACHED_PASSWORDS cannot be used ({type(error).__name__}): no password is compared with it.",
                hint="Name a file of lines HASH:COUNT, sorted by hash (docs/accounts.md).",
                id="portal.W020",
            )
        ]
    return []


@register(Tags.security)
def check_scanner(**kwargs: Any) -> list[Error | Warning]:
    """Report an address of the virus scanner that is none, and a socket that is not there."""
    where = settings.CLAMD
    path = where.removeprefix("unix:")
    if not where or (path.startswith("/") and Path(path).is_socket()):
        return []
    if path.startswith("/"):
        return [
            Warning(
                f"CLAMD: {path} is no socket, or this account may not see it.",
                hint="Is clamd running, and is the account in the group clamav? Until then files are not checked.",
                id="portal.W023",
            )
        ]
    host, colon, port = where.rpartition(":")
    if "/" in where or (colon and not port.isdecimal()) or (colon and not host):
        return [
            Error(
                f"CLAMD={where} is neither HOST:PORT nor the path of a socket.",
                hint="CLAMD=127.0.0.1:3310 or CLAMD=/run/clamav/clamd.ctl",
                id="portal.E013",
            )
        ]
    return []
