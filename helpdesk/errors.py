"""What can go wrong, as types: each has a code for machines and a sentence for people.

Verbs raise these; fronts turn them into a message at the field they belong to. `HelpdeskError`
itself is never raised.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class HelpdeskError(Exception):
    """Base of all refusals. `field` names the input the message belongs to, if any."""

    code = "error"
    message: str | Promise = _("This is not possible.")
    field: str | None = None

    def __init__(self, message: str | Promise | None = None, *, field: str | None = None) -> None:
        super().__init__(message or self.message)
        if message is not None:
            self.message = message
        if field is not None:
            self.field = field

    def __str__(self) -> str:
        return str(self.message)


class NotPermitted(HelpdeskError):
    """The actor lacks the right. Fronts answer as if the thing did not exist (404)."""

    code = "not_permitted"
    message = _("You may not do this.")


class NotFound(HelpdeskError):
    code = "not_found"
    message = _("There is no such thing.")


class WrongState(HelpdeskError):
    code = "wrong_state"
    message = _("The ticket's state does not allow this.")
    field = "state"


class InvalidInput(HelpdeskError):
    code = "invalid"
    message = _("This value is not possible.")


class AddressTaken(HelpdeskError):
    code = "address_taken"
    message = _("This address is already in use.")
    field = "address"


class Blocked(HelpdeskError):
    """Whoever asks is blocked."""

    code = "blocked"
    message = _("We cannot accept messages from you here. Please contact us in another way.")


class Conflict(HelpdeskError):
    """Somebody else changed the ticket meanwhile."""

    code = "conflict"
    message = _("Somebody changed this ticket in the meantime. Please look again.")


class StaleField(Conflict):
    """A fact is no longer what it was when it was shown; nothing was overwritten."""

    code = "stale_field"


class StaleView(Conflict):
    """Something was written on the thread that the actor has not seen; nothing was sent.

    `articles` and `changes` (events) are what is new, oldest first; `sight` is up to where whoever is shown
    these has seen the thread.
    """

    code = "stale_view"
    message = _("Something has happened here in the meantime. Please read it, then send again.")

    def __init__(
        self, *, articles: tuple[Any, ...], changes: tuple[Any, ...], sight: object
    ) -> None:
        super().__init__()
        self.articles, self.changes, self.sight = articles, changes, sight


class AlreadyDone(HelpdeskError):
    """The same submission arrived before; `existing` is what it made then."""

    code = "already_done"
    message = _("This has been done already.")

    def __init__(self, existing: object) -> None:
        super().__init__()
        self.existing = existing
