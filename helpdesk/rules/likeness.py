"""How much two requests look alike, in a number and in reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz, utils

#: Requests further apart are not the same, however alike.
WINDOW: Final = timedelta(days=7)
#: From this score on two requests are worth a look.
LIKELY: Final = 60
#: So much of a text is compared.
TEXT: Final = 2000
#: What makes a subject or text similar, out of 100.
_SIMILAR: Final = 75
#: A text of somebody else has to be this similar, out of 100.
_COPY: Final = 88
#: A shorter text tells nothing.
_TELLING: Final = 12


class Reason(StrEnum):
    """Why two requests look alike."""

    MAIL = "mail"  # the very same mail
    SENDER = "sender"
    SUBJECT = "subject"
    TEXT = "text"


@dataclass(frozen=True)
class Traits:
    """What of a request is compared. `sender` is an address in canonical form, or ''.

    Of a `form` the subject is the form's, not its sender's: two of one form are compared by their texts.
    """

    subject: str
    text: str
    at: datetime
    sender: str = ""
    customer_id: int | None = None
    message_ids: frozenset[str] = frozenset()
    form: object = None


@dataclass(frozen=True)
class Likeness:
    """How alike: `score` from 0 to 100, and what speaks for it, strongest first."""

    score: int
    reasons: tuple[Reason, ...] = ()

    @property
    def is_likely(self) -> bool:
        return self.score >= LIKELY


def likeness(one: Traits, other: Traits) -> Likeness:
    """Return how much two requests look alike; the order makes no difference.

    The very same mail always does. Requests of one sender do if subject or text is similar, those of
    different senders only if the text is nearly the same. The further apart in time, the less.
    """
    if one.message_ids & other.message_ids:
        return Likeness(100, (Reason.MAIL,))
    apart = abs(one.at - other.at)
    if apart > WINDOW:
        return Likeness(0)
    same_form = one.form is not None and one.form == other.form
    subject = 0.0 if same_form else _similar(one.subject, other.subject)
    text = _similar(one.text[:TEXT], other.text[:TEXT])
    found = {Reason.TEXT: text, Reason.SUBJECT: subject}
    reasons = tuple(reason for reason, value in found.items() if value >= _SIMILAR)
    if _same_sender(one, other):
        if not reasons:
            return Likeness(0)
        score = 0.6 * max(text, subject) + 0.25 * text + 0.15 * (text if same_form else subject)
        reasons = (Reason.SENDER, *reasons)
    elif text >= _COPY:
        score = 0.75 * text + 0.15 * (text if same_form else subject)
    else:
        return Likeness(0)
    return Likeness(round(score * (1 - 0.15 * (apart / WINDOW))), reasons)


def _same_sender(one: Traits, other: Traits) -> bool:
    same_person = one.customer_id is not None and one.customer_id == other.customer_id
    return same_person or bool(one.sender and one.sender == other.sender)


def _similar(one: str, other: str) -> float:
    """Return how similar two texts are, from 0 to 100, whatever the order of their words."""
    one, other = utils.default_process(one), utils.default_process(other)
    if min(len(one), len(other)) < _TELLING and one != other:
        return 0.0
    return float(fuzz.token_sort_ratio(one, other)) if one and other else 0.0
