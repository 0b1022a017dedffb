"""What a browser may load and run on our pages (Content-Security-Policy), and what else it is told.

Two policies: one for everything that customers and visitors see, one for the administration. Views that show
what strangers sent (mails, files) bring a stricter one of their own, and that stays. docs/decisions/0009.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from csp.constants import HEADER, NONCE, NONE, SELF, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

#: Where an administrator who connects a mailbox is sent after a form (the providers built in).
MAIL_PROVIDERS = ("https://login.microsoftonline.com", "https://accounts.google.com")

#: Features of the browser that none of our pages uses.
PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        *("accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking"),
    )
)

_request: ContextVar[HttpRequest | None] = ContextVar("portal_policies", default=None)

_ADMIN = re.compile(r"^/(?:[a-z]{2}/)?admin/")
_DESK = re.compile(r"^/(?:[a-z]{2}/)?admin/helpdesk/")
_PREVIEW = re.compile(r"/preview/|/(?:view_draft|revisions/\d+/view)/")


def _hosts(*urls: str) -> list[str]:
    """Return the servers of addresses that lead elsewhere: a site may keep static files or pictures there."""
    parts = (urlsplit(url) for url in urls)
    return sorted({f"{one.scheme}://{one.netloc}" for one in parts if one.netloc})


def public_policy() -> dict[str, Any]:
    """Return the policy of everything outside the administration."""
    static, pictures = _hosts(settings.STATIC_URL), _hosts(settings.STATIC_URL, settings.MEDIA_URL)
    return {
        "default-src": [NONE],
        "script-src": [SELF, *static],
        "style-src": [SELF, *static],
        # data: the picture of a second factor's key, which must not be a file; pictures run nothing
        "img-src": [SELF, *pictures, "data:"],
        "font-src": [SELF, *static],
        "connect-src": [SELF],
        # Chromium applies it to the redirect after a form too: a log-in elsewhere has to be named
        "form-action": [SELF, *settings.CSP_FORM_ACTION],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }


def admin_policy() -> dict[str, Any]:
    """Return the policy of Wagtail's screens: scripts only with the nonce; its rich text editor needs inline styles."""
    public = public_policy()
    return {
        **public,
        "script-src": [*public["script-src"], NONCE],
        "style-src": [*public["style-src"], UNSAFE_INLINE],
        "img-src": [*public["img-src"], "blob:"],
        "form-action": [SELF, *MAIL_PROVIDERS, *settings.CSP_FORM_ACTION],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
    }


def desk_policy() -> dict[str, Any]:
    """Return the policy of the agents' screens, which show what strangers wrote: no inline styles here."""
    return {**admin_policy(), "style-src": public_policy()["style-src"]}


class PolicyMiddleware(CSPMiddleware):
    """Sends the policy that belongs to the address, unless the view set one itself."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        # the preview of a page is a request inside a request
        request._policy_outer = _request.get()
        _request.set(request)

    def _make_nonce(self, request: HttpRequest) -> str:
        stored = getattr(request, "_csp_nonce", None)
        if isinstance(stored, str):
            return stored
        request._csp_nonce = nonce_of(request)
        return request._csp_nonce

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if is_admin(request) and response.get("Content-Type", "").startswith("text/html"):
            self._make_nonce(request)
        if is_admin(request) and _PREVIEW.search(request.path_info):
            del response[HEADER]  # that of the page's own address: this is its preview
        answer = super().process_response(request, response)
        _request.set(request._policy_outer)
        answer.headers.setdefault("Permissions-Policy", PERMISSIONS)
        answer.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return answer

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            parts.config = policy_for(request)
        return parts


def is_admin(request: HttpRequest) -> bool:
    return bool(_ADMIN.match(request.path_info))


def policy_for(request: HttpRequest) -> dict[str, Any]:
    """Return the policy for an address; a page shown as a preview may stand in the editor's frame."""
    if not is_admin(request):
        return public_policy()
    if _PREVIEW.search(request.path_info):
        return {**public_policy(), "frame-ancestors": [SELF]}
    return desk_policy() if _DESK.match(request.path_info) else admin_policy()


def nonce_of(request: HttpRequest) -> str:
    """Return the nonce of the administration's scripts: one for each session.

    Not one for each answer: Wagtail fetches dialogs and parts of forms with scripts in them and puts them
    into a page that came with another answer, whose policy holds there.
    """
    key = getattr(getattr(request, "session", None), "session_key", None) or secrets.token_hex(16)
    made = hmac.new(f"csp nonce {settings.SECRET_KEY}".encode(), key.encode(), hashlib.sha256)
    return made.hexdigest()[:32]


def current_nonce() -> str:
    """Return the nonce of the request at hand, for widgets that draw a script and know no request; '' without one."""
    request = _request.get()
    return str(request.csp_nonce) if request is not None else ""
