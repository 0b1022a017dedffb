"""Erasing: what must stay for the time being, what was erased, and the runs that did it."""

from __future__ import annotations

import base64
import hashlib
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import conf

from .base import CONTENT, NONE, PERSON
from .blobs import Blob
from .people import Customer
from .queues import Queue
from .tickets import Ticket


class HoldQuerySet(models.QuerySet["Hold"]):
    """Holds by whether they hold."""

    def active(self) -> Self:
        """Return those that hold at this moment."""
        return self.filter(lifted_at__isnull=True, until__gte=timezone.localdate())


class Hold(models.Model):
    """A ticket that must not be erased for the time being, although its time may be over.

    It ends by itself after the day `until`; whoever placed it is reminded before.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="holds")
    reason = models.TextField(_("reason"))
    until = models.DateField(_("until"))
    placed_at = models.DateTimeField(_("placed"))
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(_("last looked at"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reminded_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = HoldQuerySet.as_manager()

    privacy = {"reason": CONTENT}

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["until", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(lifted_at__isnull=True), name="helpdesk_hold_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.until}"


class Tombstone(models.Model):
    """What stays of an erased ticket: that it was there, and why it is gone. No person, no content.

    Old links and numbers lead here; a number that is here is never drawn again.
    """

    class Reason(models.TextChoices):
        RETENTION = "retention", _("its time of keeping was over")
        OBJECTION = "objection", _("the customer objected to the longer storage")
        UNCLOSED = (
            "unclosed",
            _("nothing had happened for so long that its time of keeping was over"),
        )
        PERSON = "person", _("the person it was about asked for it")
        BY_HAND = "by_hand", _("it was erased by hand")

    # the id that the ticket had: it stands in links
    ticket_pk = models.PositiveBigIntegerField(unique=True)
    number = models.CharField(_("number"), max_length=30, unique=True)
    queue = models.ForeignKey(
        Queue, models.SET_NULL, verbose_name=_("queue"), null=True, related_name="+"
    )
    opened_on = models.DateField(_("opened"))
    closed_on = models.DateField(_("closed"), null=True)
    erased_at = models.DateTimeField(_("erased"), db_index=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    # what is left is the ticket itself, without a person in it
    is_anonymised = models.BooleanField(default=False)
    # tells its last link from those withdrawn before (`closed_nonce`); "" if that was not kept
    link_digest = models.CharField(max_length=16, blank=True)

    privacy = {"number": NONE, "reason": NONE, "link_digest": NONE}

    class Meta:
        verbose_name = _("erased ticket")
        verbose_name_plural = _("erased tickets")
        ordering = ["-erased_at", "-pk"]

    def __str__(self) -> str:
        return self.number


def closed_nonce(nonce: str) -> str:
    """Return what is kept of a link's nonce when its ticket goes: enough to know the link again, not to make it.

    It is a nonce itself, and its own digest; no nonce of a link that was given out looks like it.
    """
    if nonce.startswith("-"):
        return nonce
    octets = hashlib.sha256(f"closed link {nonce}".encode()).digest()
    return "-" + base64.urlsafe_b64encode(octets).decode()[:15]


class ErasureRun(models.Model):
    """One night's erasing, or a dry run: how far it is, and what it counted. Counts only, nobody's name."""

    day = models.DateField(_("night"))
    is_dry = models.BooleanField(_("dry run"), default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(_("started"))
    # renewed by each batch
    seen_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # which part of its work it is at, and what it leaves for another night (ids) or where it goes on
    phase = models.CharField(max_length=20, blank=True)
    left = models.JSONField(default=list, blank=True)
    # how many there were to do at the start
    total = models.PositiveIntegerField(_("due"), default=0)
    # what was done, by code: "tickets", "articles", "attachments", …
    counts = models.JSONField(_("counts"), default=dict, blank=True)

    privacy = {"phase": NONE, "left": NONE, "counts": NONE}

    class Meta:
        verbose_name = _("run of erasure")
        verbose_name_plural = _("runs of erasure")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["day"], condition=Q(is_dry=False), name="helpdesk_erasure_nightly"
            )
        ]

    def __str__(self) -> str:
        return str(self.day)


class DataExport(models.Model):
    """An archive of what is stored about one person, made by the worker, and gone after some days.

    For the person (`customer`, or `address` for a guest), or for whoever deals with their request.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, models.CASCADE, null=True, blank=True, related_name="exports"
    )
    # canonical addresses and log-in names it is about
    addresses = models.JSONField(default=list)
    # made for an agent: with what only agents see
    is_complete = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default=conf.site_language)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    asked_at = models.DateTimeField(_("asked for"))
    made_at = models.DateTimeField(_("made"), null=True, blank=True)
    expires_at = models.DateTimeField(_("gone after"), db_index=True)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, blank=True, related_name="exports")
    # whether `tickets` says what it holds; of one made by an earlier version nobody knows
    is_noted = models.BooleanField(default=False)

    privacy = {"addresses": PERSON, "language": NONE, "state": NONE}

    class Meta:
        verbose_name = _("export of personal data")
        verbose_name_plural = _("exports of personal data")
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d} {self.state}"


class ExportedTicket(models.Model):
    """That an export holds something of a ticket: written before it is read, so that an erasure finds the export."""

    # the constraint has an index that begins with it
    export = models.ForeignKey(DataExport, models.CASCADE, db_index=False, related_name="tickets")
    # its id and no more: the row goes with the export, and an export goes with what it holds
    ticket_pk = models.PositiveBigIntegerField(db_index=True)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("ticket in an export")
        verbose_name_plural = _("tickets in exports")
        constraints = [
            models.UniqueConstraint(fields=["export", "ticket_pk"], name="helpdesk_exported_once")
        ]

    def __str__(self) -> str:
        return f"{self.export_id} {self.ticket_pk}"
