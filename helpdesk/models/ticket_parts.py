"""What belongs to a ticket besides its messages: queues that read along, links, read marks; and the counter of numbers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE
from .queues import Queue
from .tickets import Ticket


class InformedQueue(models.Model):
    """Another queue to which a mail of the ticket went as well: its team reads along.

    One request, one ticket: the other team sees the conversation with the customer, and no notes.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="informed", db_index=False)
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="informed_of")
    at = models.DateTimeField()

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("informed queue")
        verbose_name_plural = _("informed queues")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "queue"], name="helpdesk_informed_once")
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.queue_id}"


class TicketLink(models.Model):
    """Two tickets that have to do with each other. For *parent*, `source` is the parent."""

    class Kind(models.TextChoices):
        RELATED = "related", _("related")
        PARENT = "parent", _("parent of")
        DUPLICATE = "duplicate", _("duplicate of")
        FOLLOWS = "follows", _("continues")

    source = models.ForeignKey(Ticket, models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Ticket, models.CASCADE, related_name="links_in")
    kind = models.CharField(max_length=10, choices=Kind.choices)

    privacy = {"kind": NONE}

    class Meta:
        verbose_name = _("link between tickets")
        verbose_name_plural = _("links between tickets")
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="helpdesk_link_once")
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"


class Seen(models.Model):
    """Up to which article an agent has read a ticket; what is newer shows bold."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="seen", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("read mark")
        verbose_name_plural = _("read marks")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="helpdesk_seen_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ticket_id}"


class NumberCounter(models.Model):
    """The counter of one day's ticket numbers; its row is locked while a number is drawn."""

    day = models.DateField(unique=True)
    value = models.PositiveIntegerField(default=0)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("number counter")
        verbose_name_plural = _("number counters")

    def __str__(self) -> str:
        return f"{self.day} {self.value}"
