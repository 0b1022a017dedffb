"""The ways to log in, for the log-in page."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _

from portal.doors import config

register = template.Library()


@dataclass(frozen=True)
class Button:
    """A way to a provider; `place` is "before" or "after" the form for name and password."""

    door: str
    label: str
    place: str


@dataclass(frozen=True)
class Doors:
    """The buttons in order, whether the form is shown, and whether accounts are made here at all."""

    buttons: tuple[Button, ...]
    form: bool
    local: bool
    #: whether buttons lead and the form follows
    leads: bool


@register.simple_tag(takes_context=True)
def login_doors(context: template.Context) -> Doors:
    """Return the ways to log in, in the order of LOGIN_DOORS.

    `/accounts/login/?local` shows the form also where it is hidden: superusers keep a password for emergencies.
    """
    request = context.get("request")
    named = config.doors()
    forms = [number for number, one in enumerate(named) if one in ("ldap", "local")]
    first = forms[0] if forms else len(named)
    providers = {"oidc": config.oidc(), "saml": config.saml()}
    buttons = []
    for number, one in enumerate(named):
        provider = providers.get(one)
        if provider is not None:
            label = provider.button or _("Log in with the account of your organisation")
            buttons.append(Button(one, label, "before" if number < first else "after"))
    asked = request is not None and ("local" in request.GET or request.method == "POST")
    form = bool(forms) or asked
    return Doors(
        tuple(buttons),
        form=form,
        local="local" in named,
        leads=form and any(one.place == "before" for one in buttons),
    )
