"""The second factor: how its secrets are kept, who must have one, and how it is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import audit, storage
from helpdesk.models import AuditKind, Team

from . import sessions

#: What a person without the factor that they need may open: set one up, say who they are, change the language, go.
OPEN_VIEWS = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "javascript-catalog",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_download_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_view_recovery_codes",
        "set_language",
        "wagtailadmin_logout",
    }
)
#: What counts; recovery codes only help out for one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class MFAAdapter(DefaultMFAAdapter):
    """Keeps secrets encrypted, with the keys of all other secrets, and names the site in apps."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": gettext_lazy(
            "Your team needs a second factor. Set up another one before you remove the last."
        ),
    }

    def encrypt(self, text: str) -> str:
        return storage.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return storage.decrypt(encrypted_text)

    def _get_site_name(self) -> str:
        return str(settings.SITE_NAME)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Refuse the last factor of somebody who needs one: they would stand before the door at once."""
        others = Authenticator.objects.filter(user=authenticator.user, type__in=FACTORS)
        return not is_needed(authenticator.user) or others.exclude(pk=authenticator.pk).exists()


def is_needed(user: Any) -> bool:
    """Tell whether a team of `user` asks for a second factor."""
    return Team.objects.filter(group__user=user, requires_second_factor=True).exists()


def is_missing(user: Any) -> bool:
    """Tell whether `user` needs a second factor and has none. One query."""
    factors = Authenticator.objects.filter(user=OuterRef("group__user"), type__in=FACTORS)
    teams = Team.objects.filter(group__user=user, requires_second_factor=True)
    return teams.filter(~Exists(factors)).exists()


class SecondFactorMiddleware:
    """Lets somebody whose team needs a second factor do nothing else before they have set one up."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Lead to the page of factors instead, or refuse a script; on every request, since flags change."""
        match = request.resolver_match
        if not request.user.is_authenticated or (match and match.view_name in OPEN_VIEWS):
            return None
        if match and match.route.startswith("healthz/"):
            return None
        if not is_missing(request.user):
            return None
        words = _("Your team needs a second factor. Please set one up before you go on.")
        if _is_script(request):
            return JsonResponse({"detail": words}, status=403)
        messages.warning(request, words)
        return redirect("mfa_index")


def _is_script(request: HttpRequest) -> bool:
    """Tell whether a program asks, which a page of words would not help."""
    asked_by_page = request.headers.get("Sec-Fetch-Dest", "document") in ("empty",)
    return asked_by_page or not request.accepts("text/html")


@transaction.atomic
def reset(user: Any, *, by: Any = None) -> int:
    """Take away all factors and recovery codes of `user`, end their sessions, and return how many there were."""
    rows = list(Authenticator.objects.filter(user=user))
    for row in rows:
        _note(AuditKind.FACTOR_REMOVED, row, user=by, reset=True)
    Authenticator.objects.filter(pk__in=[row.pk for row in rows]).delete()
    if rows:
        sessions.end_all(user, by=by, reason="factor_reset")
    return len(rows)


def note_added(
    sender: object, request: HttpRequest, user: Any, authenticator: Authenticator, **_signal: object
) -> None:
    """Write down a new factor; browsers that came in without one have to log in again."""
    _note(AuditKind.FACTOR_ADDED, authenticator, user=user)
    others = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
    if authenticator.type in FACTORS and not others.exists():
        sessions.end_others(request, reason="factor_added")


def note_removed(
    sender: object, user: Any, authenticator: Authenticator, **_signal: object
) -> None:
    """Write down a factor that somebody removed."""
    _note(AuditKind.FACTOR_REMOVED, authenticator, user=user)


def note_renewed(
    sender: object, user: Any, authenticator: Authenticator, **_signal: object
) -> None:
    """Write down new recovery codes."""
    _note(AuditKind.FACTOR_ADDED, authenticator, user=user, renewed=True)


def note_failed(
    sender: object, user: Any, authenticator: Authenticator | None = None, **_signal: object
) -> None:
    """Write down a wrong code."""
    kind = str(authenticator.type) if authenticator is not None else ""
    audit.record(AuditKind.LOGIN_FAILED, user=user, subject=user, data={"factor": kind})


def _note(kind: AuditKind, row: Authenticator, *, user: Any, **data: Any) -> None:
    audit.record(kind, user=user, subject=row.user, data={"factor": str(row.type), **data})


def factors_of(user: Any) -> Iterable[Authenticator]:
    """Return the factors of `user`, recovery codes last."""
    rows = Authenticator.objects.filter(user=user).order_by("created_at")
    return sorted(rows, key=lambda row: row.type == Authenticator.Type.RECOVERY_CODES)
