"""What tickets are sorted by: state, priority, type, channel."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.states import OPEN_TYPES, StateType

from .base import NONE, NamedRow
from .time import Reckoning


class State(NamedRow):
    """A named state on one of the fixed types; the first active one of a type is its default."""

    type = models.CharField(_("type"), max_length=20, choices=StateType.choices)
    pauses_first_response = models.BooleanField(
        _("the clock of the first response stands still"), default=False
    )
    pauses_update = models.BooleanField(
        _("the clock of the next answer stands still"), default=False
    )
    pauses_solution = models.BooleanField(
        _("the clock of the solution stands still"), default=False
    )
    waits_for_customer = models.BooleanField(
        _("we wait for the customer"),
        default=False,
        help_text=_("Customers read that they are asked for something."),
    )

    privacy = {**NamedRow.privacy, "type": NONE}

    class Meta(NamedRow.Meta):
        verbose_name = _("state")
        verbose_name_plural = _("states")

    def save(self, *args: object, **kwargs: object) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        if not is_new:
            Reckoning.ask()

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.type in OPEN_TYPES


class Priority(NamedRow):
    """How soon; the row marked as default is given to new tickets."""

    level = models.SmallIntegerField(
        _("level"), default=0, help_text=_("Higher is more urgent; 0 is normal.")
    )

    class Meta(NamedRow.Meta):
        verbose_name = _("priority")
        verbose_name_plural = _("priorities")
        ordering = ["-level", "position", "id"]


class TicketType(NamedRow):
    """What kind of request this is: a fault, a question, an order …"""

    class Meta(NamedRow.Meta):
        verbose_name = _("ticket type")
        verbose_name_plural = _("ticket types")


class Channel(models.TextChoices):
    """How a ticket or an article came."""

    EMAIL = "email", _("e-mail")
    WEB = "web", _("form or web page")
    PHONE = "phone", _("phone")
    NOTE = "note", _("note")
    API = "api", _("interface")
