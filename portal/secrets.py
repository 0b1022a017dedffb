"""Secrets that lie in tables of other apps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator

#: What a token of `helpdesk.storage.encrypt` begins with: the version of Fernet and the first bytes of its time.
TOKEN = "gAAAA"  # noqa: S105


def renew_factors(renew: Callable[[str], str]) -> int:
    """Encrypt anew what second factors keep; return how many were changed."""
    count = 0
    for row in Authenticator.objects.order_by("pk").iterator(chunk_size=200):
        data = _renewed(row.data, renew)
        if data != row.data:
            count += Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=data)
    return count


def _renewed(value: Any, renew: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _renewed(one, renew) for key, one in value.items()}
    if isinstance(value, list):
        return [_renewed(one, renew) for one in value]
    return renew(value) if isinstance(value, str) and value.startswith(TOKEN) else value
