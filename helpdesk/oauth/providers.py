"""Where the providers are asked, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext as _

from helpdesk.errors import InvalidInput
from helpdesk.models import OAuthAccess


@dataclass(frozen=True)
class Endpoints:
    """Where a provider is asked, and for what."""

    authorize: str
    token: str
    scope: str
    #: further parameters of the address at which somebody signs in
    extra: tuple[tuple[str, str], ...] = ()


_MICROSOFT = "https://login.microsoftonline.com"
_MICROSOFT_SCOPES = "IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send"


def endpoints(access: OAuthAccess) -> Endpoints:
    """Return the addresses and the scope of an access: the provider's own, or those entered.

    The presets follow the documentation of Microsoft and Google. Raises `InvalidInput` for an address that may not
    be asked.
    """
    if access.provider == OAuthAccess.Provider.MICROSOFT:
        base = f"{_MICROSOFT}/{quote(access.tenant or 'organizations', safe='')}/oauth2/v2.0"
        if access.flow == OAuthAccess.Flow.CLIENT:
            scope = "https://outlook.office365.com/.default"
        else:
            names = _MICROSOFT_SCOPES.split()
            scope = " ".join(
                [*(f"https://outlook.office.com/{n}" for n in names), "offline_access"]
            )
        extra = (("prompt", "select_account"),)
        return Endpoints(f"{base}/authorize", f"{base}/token", access.scope or scope, extra)
    if access.provider == OAuthAccess.Provider.GOOGLE:
        return Endpoints(
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            access.scope or "https://mail.google.com/",
            # without these there is no refresh token
            (("access_type", "offline"), ("prompt", "consent")),
        )
    check_address(access.token_url, field="token_url")
    if access.flow == OAuthAccess.Flow.CODE:
        check_address(access.authorize_url, field="authorize_url")
    return Endpoints(access.authorize_url, access.token_url, access.scope)


def check_address(url: str, *, field: str) -> None:
    """Raise `InvalidInput` unless `url` is one of https, or of http on this very machine."""
    try:
        parts = urlsplit(url)
        good = (
            bool(parts.hostname) and parts.port != 0 and not parts.username and not parts.fragment
        )
    except ValueError:
        parts, good = urlsplit(""), False
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and _is_loopback(parts.hostname or "")
    )
    if good and safe:
        return
    raise InvalidInput(_("This must be an address that begins with https://."), field=field)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
