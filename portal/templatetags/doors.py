"""The ways to log in, for the log-in page."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _

from portal.doors import config

register = template.Library()


@dataclass(frozen=True)
class Button:
    door: str
    label: str


@dataclass(frozen=True)
class Doors:
    """Buttons above and below the form, the form itself, and whether accounts are made here at all."""

    before: tuple[Button, ...]
    after: tuple[Button, ...]
    form: bool
    local: bool


@register.simple_tag(takes_context=True)
def login_doors(context: template.Context) -> Doors:
    """Return the ways to log in, in the order of LOGIN_DOORS.

    `/accounts/login/?local` shows the form also where it is hidden: superusers keep a password for emergencies.
    """
    request = context.get("request")
    named = config.doors()
    forms = [number for number, one in enumerate(named) if one in ("ldap", "local")]
    first = forms[0] if forms else len(named)
    found = {"oidc": config.oidc(), "saml": config.saml()}
    buttons = [
        (
            number,
            Button(one, found[one].button or _("Log in with the account of your organisation")),
        )
        for number, one in enumerate(named)
        if found.get(one)
    ]
    return Doors(
        before=tuple(button for number, button in buttons if number < first),
        after=tuple(button for number, button in buttons if number > first),
        form=bool(forms)
        or (request is not None and ("local" in request.GET or request.method == "POST")),
        local="local" in named,
    )
