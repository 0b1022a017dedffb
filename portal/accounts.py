"""How people log in to the site."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from helpdesk import actions, addressing
from helpdesk.errors import AddressTaken

from .doors import config as doors
from .doors import entering


class AccountAdapter(DefaultAccountAdapter):
    """Agents and editors land in the admin, customers at their requests."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return doors.has_local()

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if request.user.has_perm("wagtailadmin.access_admin"):
            return reverse("wagtailadmin_home")
        return reverse("helpdesk_customers:list")

    def pre_login(
        self, request: HttpRequest, user: Any, *, signup: bool, **hook: Any
    ) -> HttpResponse | None:
        """Let in whom an administrator made: only who signed up alone has to confirm the address.

        Such an account has no address row of its own yet. Without this the first administrator
        could not log in before mail works.
        """
        answer = entering.before_login(request, user, **hook)
        if answer is not None:
            return answer
        if not signup:
            _vouch_for_address(user)
        return super().pre_login(request, user, signup=signup, **hook)


def _vouch_for_address(user: Any) -> None:
    if not user.email or EmailAddress.objects.filter(user=user).exists():
        return
    if not EmailAddress.objects.filter(email__iexact=user.email, verified=True).exists():
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def join_requests(email_address: EmailAddress, **_signal: object) -> None:
    """Give an account the requests that came by mail from an address it has just confirmed."""
    if not addressing.is_address(email_address.email):
        return
    # an address that another account has confirmed stays that account's
    with suppress(AddressTaken):
        actions.verify_address(user=email_address.user, address=email_address.email)
