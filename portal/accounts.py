"""How people log in to the site."""

from __future__ import annotations

from contextlib import suppress

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.http import HttpRequest
from django.urls import reverse

from helpdesk import actions, addressing
from helpdesk.errors import AddressTaken


class AccountAdapter(DefaultAccountAdapter):
    """Agents and editors land in the admin, customers at their requests."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if request.user.has_perm("wagtailadmin.access_admin"):
            return reverse("wagtailadmin_home")
        return reverse("helpdesk_customers:list")


def join_requests(email_address: EmailAddress, **_signal: object) -> None:
    """Give an account the requests that came by mail from an address it has just confirmed."""
    if not addressing.is_address(email_address.email):
        return
    # an address that another account has confirmed stays that account's
    with suppress(AddressTaken):
        actions.verify_address(user=email_address.user, address=email_address.email)
