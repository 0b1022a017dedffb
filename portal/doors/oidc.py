"""The OpenID provider: its settings for allauth, and the person that its claims tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialApp
from django.utils.crypto import constant_time_compare

from . import config, person
from .config import SLUG, Oidc
from .person import Proven, Refused

#: How the client proves itself to the provider; `auto`: what the provider names, by form if it names both or none.
METHODS = {"basic": "client_secret_basic", "post": "client_secret_post"}


def app() -> SocialApp | None:
    """Return the provider as allauth takes it, None if there is none."""
    door = config.oidc()
    if door is None or "oidc" not in config.doors():
        return None
    return SocialApp(
        provider="openid_connect",
        provider_id=SLUG,
        name="OpenID Connect",
        client_id=door.client_id,
        secret=door.client_secret,
        settings={
            "server_url": door.issuer,
            "oauth_pkce_enabled": True,
            "scope": list(door.scopes),
            "verified_email": False,
            "email_authentication": False,
            "token_auth_method": METHODS.get(door.client_auth),
        },
    )


def proven(claims: Mapping[str, Any], stashed: Mapping[str, Any]) -> Proven:
    """Return the person of a finished log-in.

    `claims` is allauth's: 'id_token' (issuer, audience and expiry checked) and 'userinfo'. `stashed` is what was
    kept in the session when it began. Raises `Refused`: no-id-token, wrong-nonce, other-issuer, other-subject-told
    (OpenID Connect Core 3.1.3.7, 5.3.2), no-name, other-scope.
    """
    door = config.oidc()
    token = claims.get("id_token")
    if door is None or not isinstance(token, Mapping):
        raise Refused("no-id-token")
    nonce = str(stashed.get("nonce") or "")
    if not nonce or not constant_time_compare(str(token.get("nonce") or ""), nonce):
        raise Refused("wrong-nonce")
    if str(token.get("iss") or "").rstrip("/") != door.issuer:
        raise Refused("other-issuer")
    subject = str(token.get("sub") or "")
    told = claims.get("userinfo") or {}
    if not subject or (told and str(told.get("sub") or "") != subject):
        raise Refused("other-subject-told")
    values = {**token, **told}
    return person.build(
        "oidc",
        values,
        door.names,
        door.groups,
        addresses=_addresses(door, values),
        subject=subject,
    )


def _addresses(door: Oidc, values: Mapping[str, Any]) -> list[str]:
    """Return the addresses that the provider vouches for, by what OIDC_MAIL_VERIFIED says."""
    trusted = {"always": True, "never": False}.get(
        door.mail_verified, values.get("email_verified") in (True, "true")
    )
    return person.all_of(values, door.names.mail) if trusted else []
