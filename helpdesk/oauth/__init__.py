"""Logging in at mail servers with OAuth2 (RFC 6749): tokens are kept encrypted and renewed in time.

Two ways to get a token: somebody signs in once at the provider (authorisation code with PKCE, RFC 7636), after which
the refresh token renews it; or the application signs in by itself (client credentials). Only the database is kept in
step here; who may connect an access is decided by the front.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient

from helpdesk import storage
from helpdesk.models import OAuthAccess

from .providers import Endpoints, check_address, endpoints
from .request import AccessRefused, OAuthError, Unreachable, ask, endpoints_of

__all__ = [
    "AccessRefused",
    "Authenticator",
    "Endpoints",
    "OAuthError",
    "SignIn",
    "Unreachable",
    "authenticator",
    "check_address",
    "connect",
    "endpoints",
    "finish",
    "forget_token",
    "start",
    "token",
]

#: A token is renewed when it is valid for less than this.
MARGIN = timedelta(minutes=2)
#: Providers should say how long a token is valid; one that does not is asked again after this.
UNSAID = timedelta(minutes=10)
LONGEST = timedelta(days=1)

Authenticator = Callable[[], tuple[str, bytes]]


@dataclass(frozen=True)
class SignIn:
    """A sign-in that has begun: send the browser to `url`, keep `state` and `verifier` in its session."""

    url: str
    state: str
    verifier: str


# Using


def authenticator(access: OAuthAccess, user: str) -> Authenticator:
    """Return what gives the SASL mechanism and its first answer for `user`, to be called at each login.

    It returns ("XOAUTH2", b"user=…\\x01auth=Bearer …\\x01\\x01"), unencoded, with a token that is renewed before it
    expires. It raises `AccessRefused` or `Unreachable`, and must not be called inside a transaction.
    """
    pk = access.pk
    return lambda: ("XOAUTH2", f"user={user}\x01auth=Bearer {token(pk)}\x01\x01".encode())


def token(pk: int) -> str:
    """Return a valid token of the access with this key; several that ask at once renew it once.

    Raises `AccessRefused` or `Unreachable`, which are noted on the access too.
    """
    access = OAuthAccess.objects.filter(pk=pk).first()
    if access is None:
        raise AccessRefused(_("The OAuth2 access is not there any more."))
    if _fresh(access) and (kept := _kept(access)):
        return kept
    # The row is locked while the provider is asked: a refresh token that it replaces holds only once. What came
    # is committed even if it is a refusal; a caller's transaction that rolls back would lose the new one.
    with transaction.atomic(durable=True):
        access = OAuthAccess.objects.select_for_update().get(pk=pk)
        found, fault = _renewed(access)
    if fault is not None:
        raise fault
    return found


def forget_token(pk: int) -> None:
    """Drop the token that a mail server has refused, so that the next login asks for another one."""
    OAuthAccess.objects.filter(pk=pk).update(access_token="", access_expires_at=None)


def _fresh(access: OAuthAccess, margin: timedelta = MARGIN) -> bool:
    until = access.access_expires_at
    return until is not None and until > timezone.now() + margin


def _kept(access: OAuthAccess) -> str:
    """Return the token of the row; '' if there is none or the key to it is gone."""
    try:
        return storage.decrypt(access.access_token)
    except storage.SecretLost:
        return ""


def _renewed(access: OAuthAccess) -> tuple[str, OAuthError | None]:
    """Return a token of the locked row, or what to raise once this is committed."""
    try:
        if _fresh(access) and (kept := _kept(access)):
            return kept, None  # somebody else was faster
        answer = ask(access, _renewal(access))
    except storage.SecretLost:
        lost = _("The stored secret cannot be read any more; enter it again and connect again.")
        return "", _noted(access, AccessRefused(lost))
    except OAuthError as error:
        if isinstance(error, Unreachable) and _fresh(access, timedelta(0)):
            return _kept(access), None if _kept(access) else error
        return "", _noted(access, error)
    _keep(access, answer)
    return storage.decrypt(access.access_token), None


def _renewal(access: OAuthAccess) -> str:
    """Return the body of the request for the next token."""
    scope = endpoints_of(access).scope or None
    if access.flow == OAuthAccess.Flow.CLIENT:
        return BackendApplicationClient(access.client_id).prepare_request_body(scope=scope)
    refresh = storage.decrypt(access.refresh_token)
    if not refresh:
        raise AccessRefused(_("Nobody is signed in: connect the access."))
    client = WebApplicationClient(access.client_id)
    # no scope: the provider keeps the one that was granted (RFC 6749 section 6)
    return client.prepare_refresh_body(refresh_token=refresh)


# Connecting


def start(access: OAuthAccess, redirect_uri: str) -> SignIn:
    """Begin a sign-in that comes back to `redirect_uri`. Raises `AccessRefused` if the access cannot be used so."""
    where = endpoints_of(access)
    client = WebApplicationClient(access.client_id)
    verifier = client.create_code_verifier(64)
    state = secrets.token_urlsafe(32)
    query = {
        "response_type": "code",
        "client_id": access.client_id,
        "redirect_uri": redirect_uri,
        "scope": where.scope,
        "state": state,
        "code_challenge": client.create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
        **dict(where.extra),
    }
    pairs = urlencode({name: value for name, value in query.items() if value})
    return SignIn(
        f"{where.authorize}{'&' if '?' in where.authorize else '?'}{pairs}", state, verifier
    )


def finish(access: OAuthAccess, *, code: str, verifier: str, redirect_uri: str) -> None:
    """Take the code that came back, and store the tokens it is worth.

    Raises `AccessRefused` or `Unreachable`, which are noted on the access too; what it had before stays.
    """
    client = WebApplicationClient(access.client_id)
    body = client.prepare_request_body(
        code=code, redirect_uri=redirect_uri, code_verifier=verifier, include_client_id=False
    )
    _connect(access.pk, lambda _row: body)


def connect(access: OAuthAccess) -> None:
    """Let the application sign in by itself, now. Raises `AccessRefused` or `Unreachable`."""
    _connect(access.pk, _renewal)


def _connect(pk: int, body: Callable[[OAuthAccess], str]) -> None:
    fault: OAuthError | None = None
    with transaction.atomic(durable=True):
        row = OAuthAccess.objects.select_for_update().get(pk=pk)
        try:
            answer = ask(row, body(row))
            if row.flow == OAuthAccess.Flow.CODE and not answer.get("refresh_token"):
                raise AccessRefused(
                    _("The provider gave no refresh token: the access would end within the hour.")
                )
        except storage.SecretLost:
            fault = _noted(row, AccessRefused(_("The client secret must be entered again.")))
        except OAuthError as error:
            fault = _noted(row, error)
        else:
            row.connected_at = timezone.now()
            _keep(row, answer)
    if fault is not None:
        raise fault


# Rows


def _keep(access: OAuthAccess, answer: dict[str, object]) -> None:
    access.access_token = storage.encrypt(str(answer["access_token"]))
    access.access_expires_at = _end(answer.get("expires_in"))
    if answer.get("refresh_token"):
        access.refresh_token = storage.encrypt(str(answer["refresh_token"]))
    if access.connected_at is None:
        access.connected_at = timezone.now()
    access.last_error = ""
    access.save()


def _end(seconds: object) -> datetime:
    span = timedelta(seconds=min(seconds, 10**6)) if isinstance(seconds, int) else UNSAID
    return timezone.now() + max(timedelta(0), min(span, LONGEST))


def _noted(access: OAuthAccess, error: OAuthError) -> OAuthError:
    access.last_error = str(error)[:2000]
    access.save(update_fields=["last_error"])
    return error
