"""How a password is compared: once, whatever was typed and whether the account exists."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from .accounts import account_of


class AccountBackend(AuthenticationBackend):
    """Accounts of this site, by log-in name or mail address; carries the permissions, too."""

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        # the base class hashes once for a name that nobody has; more than one comparison would tell that
        # somebody has it
        password = credentials.get("password") or ""
        return self._check_password(account_of(**credentials), password)
