"""What the doors listen to; called once at the start."""

from __future__ import annotations

from allauth.account.signals import user_signed_up
from django.contrib.auth.signals import user_logged_in

from . import checks, matching  # noqa: F401  (checks register themselves)


def connect() -> None:
    """Hear of sign-ups and log-ins."""
    user_signed_up.connect(matching.note_sign_up, dispatch_uid="portal.doors.sign_up")
    user_logged_in.connect(matching.join_pending, dispatch_uid="portal.doors.join")
