"""How often outsiders may do what costs us work, and how fast a form can honestly be filled in.

By IP address the limits are wide, for thousands may share one; by mail address and by request they are narrow.
Nobody outside is asked (no captcha service), and no script is needed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import conf, origin, throttle

HOUR, MINUTE = 3600, 60
#: setting: seconds in which it holds
WINDOWS = {
    "FORMS_PER_IP": HOUR,
    "FORMS_PER_ADDRESS": HOUR,
    "CHECKS_PER_IP": HOUR,
    "REPLIES_PER_IP": HOUR,
    "REPLIES_PER_REQUEST": HOUR,
    "UPLOADS_PER_IP": HOUR,
    "WRONG_LINKS_PER_IP": HOUR,
    "PAGE_PASSWORDS_PER_IP": HOUR,
    "SEARCHES_PER_IP": MINUTE,
    "EXPORTS_PER_PERSON": HOUR,
    "DOWNLOADS_PER_IP": HOUR,
}
#: A form that was shown longer ago than this (seconds) is sent once more: it may be a copy from a program.
LONGEST = 24 * HOUR


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="helpdesk.limits.form")


class TooOften(Exception):
    """A limit is reached. `seconds` from now it may be tried again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    @property
    def words(self) -> str:
        """Return the sentence for whoever was stopped."""
        minutes = -(-self.seconds // 60)
        wait = ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
        return _("That was too often in a short time. Nothing is lost: please try again %(wait)s.") % {"wait": wait}  # fmt: skip


def count(name: str, who: str | None = None) -> None:
    """Count one more of `name` (a setting) by `who`, else by the IP address of the request at hand.

    Raises `TooOften` beyond the limit. Where it is unknown who it is, nothing is counted.
    """
    who = origin.network() if who is None else who
    seconds = WINDOWS[name]
    if who and not throttle.allow(name, who, times=int(conf.get(name)), seconds=seconds):
        raise TooOften(seconds - int(time.time()) % seconds)


def forget(name: str, who: str) -> None:
    """Begin counting `name` by `who` anew."""
    throttle.forget(name, who, seconds=WINDOWS[name])


def stamp(seconds_ago: int = 0) -> str:
    """Return a signed note of this moment, or an earlier one, to be sent along with a form."""
    signer = _signer()
    moment = signing.b62_encode(int(time.time()) - seconds_ago)
    return signing.Signer.sign(signer, f"{signer.sep}{moment}")


def in_good_time(stamped: str) -> bool:
    """Tell whether a form with this note was filled in by a person: neither at once, nor a day later."""
    least = int(conf.get("FORM_MIN_SECONDS"))
    if not least:
        return True
    return is_fresh(stamped) and not _is_younger(stamped, least)


def is_fresh(stamped: str) -> bool:
    """Tell whether a note is genuine and not too old: a form that came too fast keeps it."""
    return _is_younger(stamped, LONGEST)


def moment_of(stamped: str) -> datetime | None:
    """Return the moment at which a genuine note was made (aware, to the second), or None."""
    try:
        _signer().unsign(stamped)
    except signing.BadSignature:
        return None
    return datetime.fromtimestamp(signing.b62_decode(stamped.split(_signer().sep)[1]), UTC)


def _is_younger(stamped: str, seconds: int) -> bool:
    try:
        _signer().unsign(stamped, max_age=seconds)
    except signing.BadSignature:
        return False
    return True
