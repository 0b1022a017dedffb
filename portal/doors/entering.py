"""Who may use which door: the last word before anybody is logged in, whatever page they came from."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from helpdesk import audit
from helpdesk.models import AuditKind
from portal.models import NameFrom

from . import config, matching
from .person import Refused

logger = logging.getLogger(__name__)

LDAP_BACKEND = "portal.doors.ldap.LdapBackend"


def before_login(
    request: HttpRequest, user: Any, *, signal_kwargs: Any = None, **hook: Any
) -> HttpResponse | None:
    """Return what is answered instead of logging `user` in, None to go on. Called by the account adapter.

    Who came by a door is not asked to confirm a mail address. An account that a door owns opens by a door only,
    so that it ends with the account there: no password, passkey or code of its own outlives it. Where the local
    password is hidden it is for superusers, and for joining an account with the door that was just passed.
    """
    if is_by_door(user, signal_kwargs):
        if hook.get("email_verification") == "none":
            return None
        return perform_login(
            request,
            user,
            email_verification="none",
            redirect_url=hook.get("redirect_url"),
            signal_kwargs=signal_kwargs,
            signup=False,
        )
    if user.is_superuser or matching.pending_name(request) == user.get_username().lower():
        return None
    if user.name_from == NameFrom.DOOR:
        return _turn_away(request, user, "owned-by-door")
    if not config.has_local():
        return _turn_away(request, user, "local-hidden")
    return None


def is_by_door(user: Any, signal_kwargs: Any) -> bool:
    """Tell whether a door let `user` in, not a password of the site."""
    is_social = bool((signal_kwargs or {}).get("sociallogin"))
    return is_social or getattr(user, "backend", "") == LDAP_BACKEND


def _turn_away(request: HttpRequest, user: Any, code: str) -> HttpResponseBase:
    logger.warning("local: %s (user %d)", code, user.pk)
    audit.record(AuditKind.LOGIN_FAILED, subject=user, data={"by": "local", "code": code})
    messages.error(request, _("Please log in with the account of your organisation."))
    return redirect("account_login")


def came_by(request: HttpRequest, user: Any) -> list[str]:
    """Return how somebody proved who they are in this session, for the audit log: 'ldap', 'oidc', 'password', 'totp', …"""
    ways: list[str] = []
    for record in get_authentication_records(request, user):
        way = str(record.get("method", ""))
        if way == "password" and _is_by_directory(user):
            way = "ldap"
        elif way == "socialaccount":
            way = "oidc" if record.get("provider") == config.SLUG else "saml"
        elif way == "mfa":
            way = str(record.get("type", way))
        ways.append(way)
    return list(dict.fromkeys(filter(None, ways)))


def _is_by_directory(user: Any) -> bool:
    backend = getattr(user, "backend", "")
    # after a second factor the backend is forgotten; the password of such an account can only be the directory's
    return backend == LDAP_BACKEND or (
        not backend and user.name_from == NameFrom.DOOR and not user.has_usable_password()
    )


def note_refusal(door: str, refusal: Refused) -> None:
    """Write down that a door proved somebody who does not come in: a code, and the account if there is one."""
    who = refusal.data.get("user", "-")
    logger.warning("%s: %s (user %s)%s", door, refusal.code, who, _told(refusal))
    audit.record(AuditKind.LOGIN_FAILED, data={"by": door, "code": refusal.code, "user": who})


def _told(refusal: Refused) -> str:
    """Return the names (not the values) of what a door told, which help to find the right one."""
    told = refusal.data.get("told")
    return f", it told only: {', '.join(told) or 'nothing'}" if told is not None else ""
