"""One-time codes: how somebody without an account sees their requests.

What is needed to compare lies in the visitor's session: the address, a salted hash of the code, until when. The
answer is the same for every address, and so is the work: whether there is anything to mail the worker finds out.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.crypto import get_random_string
from django.utils.translation import get_language

from helpdesk import actions, addressing, origin, storage, throttle
from helpdesk.notifications import codes

DIGITS = 8
#: Seconds for which a code holds, and how often somebody may try.
VALID = 600
TRIES = 5
#: Seconds after which a guest who does nothing is out, and at the latest.
IDLE = 30 * 60
LONGEST = 8 * 3600
#: How many codes may be asked for, and tried, in an hour.
HOUR = 3600
PER_ADDRESS, PER_IP, TRIES_PER_ADDRESS, TRIES_PER_IP = 5, 20, 15, 60

PENDING, GUEST = "helpdesk_code", "helpdesk_guest"


class TooMany(Exception):
    """So much was asked for from one place that it has to wait."""


@dataclass(frozen=True)
class Pending:
    """A code that was asked for in this session. `address` is as typed."""

    address: str
    canonical: str
    hashed: str
    until: float
    name: str


def ask(request: HttpRequest, address: str) -> None:
    """Have a code sent to `address`, if there is something to see with it. Raises `TooMany`.

    Also for an address that has had enough codes the answer is the same: nothing is sent then.
    """
    if not throttle.allow("code.ask.ip", origin.network(), times=PER_IP, seconds=HOUR):
        raise TooMany
    canonical = addressing.canonical(address)
    code = get_random_string(DIGITS, "0123456789")
    request.session[PENDING] = {
        "address": address,
        "canonical": canonical,
        "hashed": make_password(code),
        "until": time.time() + VALID,
        "name": secrets.token_hex(8),
        "tries": 0,
    }
    if throttle.allow("code.ask", canonical, times=PER_ADDRESS, seconds=HOUR):
        codes.send_code.enqueue(canonical, storage.encrypt(code), get_language() or "")


def pending(request: HttpRequest) -> Pending | None:
    """Return the code that this session waits for, None if there is none any more."""
    found = request.session.get(PENDING)
    if not found or found["until"] < time.time() or found["tries"] >= TRIES:
        return None
    return Pending(**{name: found[name] for name in Pending.__annotations__})


def enter(request: HttpRequest, typed: str) -> bool:
    """Take the code that somebody typed; if it is right, the session is that address's guest. Raises `TooMany`."""
    found = pending(request)
    if found is None or not _may_try(found):
        raise TooMany
    request.session[PENDING] = {
        **request.session[PENDING],
        "tries": request.session[PENDING]["tries"] + 1,
    }
    digits = "".join(char for char in typed if char.isdecimal())
    if not check_password(digits, found.hashed):
        return False
    del request.session[PENDING]
    request.session.cycle_key()
    rotate_token(request)
    now = time.time()
    request.session[GUEST] = {"address": found.canonical, "since": now, "seen": now}
    request.session.set_expiry(0)
    actions.note_code(address=found.canonical)
    return True


def _may_try(found: Pending) -> bool:
    """Count a try, also those that several requests make at once with the same session."""
    return (
        throttle.allow("code.try", found.name, times=TRIES, seconds=VALID)
        and throttle.allow("code.try", found.canonical, times=TRIES_PER_ADDRESS, seconds=HOUR)
        and throttle.allow("code.try.ip", origin.network(), times=TRIES_PER_IP, seconds=HOUR)
    )


def guest_address(request: HttpRequest) -> str:
    """Return the (canonical) address whose guest the session is, '' if it is nobody's or was idle too long."""
    found = request.session.get(GUEST)
    if not found:
        return ""
    now = time.time()
    if now - found["seen"] > IDLE or now - found["since"] > LONGEST:
        leave(request)
        return ""
    if now - found["seen"] > 60:
        request.session[GUEST] = {**found, "seen": now}
    return str(found["address"])


def leave(request: HttpRequest) -> None:
    """End being a guest."""
    request.session.pop(GUEST, None)
    request.session.pop(PENDING, None)
    request.session.cycle_key()
