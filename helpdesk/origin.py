"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from . import conf

_current: ContextVar[str] = ContextVar("helpdesk_origin", default="")


def address_of(request: Any) -> str:
    """Return the IP address of whoever made an HTTP request, '' if it is none.

    Behind `PROXIES` reverse proxies it is the entry of X-Forwarded-For that the outermost of them wrote; what
    stands before it anybody may have sent.
    """
    count = int(conf.get("PROXIES"))
    forwarded = [one.strip() for one in request.headers.get("x-forwarded-for", "").split(",")]
    found = request.META.get("REMOTE_ADDR", "")
    if count and len(forwarded) >= count and forwarded[-count]:
        found = forwarded[-count]
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return ""


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Note for everything inside where it comes from; `current` tells it."""
    token = _current.set(address)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> str:
    """Return the IP address that the request at hand comes from; '' in the worker and on the command line."""
    return _current.get()


def network() -> str:
    """Return the same for counting: of an IPv6 address the network (/64) that one household or machine is given."""
    found = current()
    if ":" not in found:
        return found
    return str(ipaddress.ip_network(f"{found}/64", strict=False))


class OriginMiddleware:
    """Notes where each request comes from, for the audit log and the limits."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with coming_from(address_of(request)):
            return self.get_response(request)
