"""OpenID Connect and SAML on allauth: its protocol, our settings, our rule of whose account it is."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount import app_settings
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.http import HttpRequest
from django.shortcuts import render

from . import entering, matching, oidc, saml
from .ldap import own_password
from .person import Proven, Refused

logger = logging.getLogger(__name__)

READERS = {"openid_connect": oidc.proven, "saml": saml.proven}


class SocialAdapter(DefaultSocialAccountAdapter):
    """Knows the providers of the settings and no others, and lets `matching` find the account."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the providers that the environment names; rows of the database count for nothing."""
        apps = [app for app in (oidc.app(), saml.app()) if app is not None]
        return [
            app
            for app in apps
            if provider in (None, "", app.provider, app.provider_id)
            and client_id in (None, "", app.client_id)
        ]

    def get_requests_session(self) -> requests.Session:
        """Return a session that waits a few seconds only and goes nowhere but where it was sent."""
        session = requests.Session()
        session.max_redirects = 0
        session.request = functools.partial(  # type: ignore[method-assign]
            session.request, timeout=app_settings.REQUESTS_TIMEOUT
        )
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Set whose account it is. Ends the log-in with a page that says why if it is nobody's."""
        kind = sociallogin.provider.app.provider
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            raise ImmediateHttpResponse(refusal_page(request, "no-login"))
        told, stashed = sociallogin.account.extra_data, sociallogin.state.get("data") or {}
        try:
            user = _admitted(request, READERS[kind](told, stashed))
        except Refused as refusal:
            door = "oidc" if kind == "openid_connect" else kind
            entering.note_refusal(door, refusal)
            raise ImmediateHttpResponse(refusal_page(request, refusal.code)) from None
        finally:  # allauth has just kept what the provider told: we keep the subject only
            SocialAccount.objects.exclude(extra_data={}).filter(
                provider=sociallogin.account.provider, uid=sociallogin.account.uid
            ).update(extra_data={})
        sociallogin.user = sociallogin.account.user = user

    def on_authentication_error(self, request: HttpRequest, provider: Any, **told: Any) -> None:
        """Log that a log-in failed on the way, by codes only."""
        door = "oidc" if provider.id == "openid_connect" else provider.id
        error, exception = told.get("error"), told.get("exception")
        name = type(exception).__name__ if exception else ""
        # the provider's own code, as invalid_client: of what it says besides nobody knows what is in it
        code = re.search(r'"error"\s*:\s*"([a-z_]{1,40})"', str(exception))
        logger.warning("%s: %s %s %s", door, error, name, code.group(1) if code else "")


def _admitted(request: HttpRequest, person: Proven) -> Any:
    try:
        return matching.admit(person)
    except Refused as refusal:
        if refusal.code == "own-password":
            matching.note_pending(request, person)
        raise


def refusal_page(request: HttpRequest, code: str) -> Any:
    """Return the page that says why somebody does not come in."""
    context: Mapping[str, Any] = {
        "code": code,
        "own_password": own_password() if code == "own-password" else "",
    }
    return render(request, "socialaccount/refused.html", context, status=403)
