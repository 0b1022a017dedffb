"""When a customer may expect an answer, in one sentence of the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.models import Promise


def sentence(promise: Promise | None, *, further: bool = False) -> str:
    """Return when an answer is to be expected after a request (or, `further`, one more message)."""
    minutes = None
    if promise is not None:
        minutes = promise.first_response
        if further:
            minutes = promise.update or minutes
    if not minutes:
        return _(
            "Someone from the team will read it and answer you. You need not do anything until then."
        )
    hours = -(-minutes // 60)
    return ngettext(
        "You will hear from us within one working hour.",
        "You will hear from us within %(hours)s working hours.",
        hours,
    ) % {"hours": hours}
