"""System checks of the site: what must be set before it may start in production."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured

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
    if settings.SETTINGS_MODULE != "portal.settings.production":
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
