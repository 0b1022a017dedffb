"""Orders of queues: what was asked for, what was decided, what was made of it; and what a site allows."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing

from .base import CONTENT, NONE, PERSON
from .mail import MailAccount
from .queues import Queue
from .tickets import Ticket
from .time import Calendar, Promise


class OrderSettings(models.Model):
    """What may be ordered, and where it is put: one row for the whole help desk, looked after by superusers."""

    domains = models.TextField(
        _("domains of queue addresses"),
        blank=True,
        help_text=_(
            "One a line, such as desk.example. An address must end in exactly one of them. Empty: no queue can be ordered."
        ),
    )
    reserved = models.TextField(
        _("names that nobody may order"),
        blank=True,
        help_text=_(
            "One a line, what stands before the @. Technical names (postmaster, abuse, noreply …) always are."
        ),
    )
    login_pattern = models.CharField(
        _("pattern of log-in names"),
        max_length=190,
        blank=True,
        help_text=_(
            "A pattern that a whole log-in name matches, such as [a-z]{5}[0-9]{3}. Empty: as the settings say."
        ),
    )
    agent_domains = models.TextField(
        _("domains of agents' addresses"),
        blank=True,
        help_text=_("One a line. Empty: agents may have any mail address."),
    )
    queue = models.ForeignKey(
        Queue,
        models.SET_NULL,
        verbose_name=_("queue of orders"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_(
            "A mail or call that opens a ticket here may be an order: it can be filled in from there."
        ),
    )
    parent = models.ForeignKey(
        Queue,
        models.SET_NULL,
        verbose_name=_("new queues come below"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Unless something else is chosen. Empty: at the top."),
    )
    page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("new pages come below"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Unless something else is chosen. Empty: no pages are made."),
    )
    mail_server = models.CharField(
        _("mail server of new addresses"),
        max_length=200,
        blank=True,
        help_text=_(
            "For each new address a mail account (IMAP with TLS) on this server is made ready, waiting for its "
            "password. Empty: no accounts are made; your mail server hands the mail over."
        ),
    )

    privacy = {
        "domains": NONE,
        "reserved": NONE,
        "login_pattern": NONE,
        "agent_domains": NONE,
        "mail_server": NONE,
    }

    class Meta:
        verbose_name = _("settings for orders")
        verbose_name_plural = _("settings for orders")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: object, **kwargs: object) -> None:
        self.pk = 1
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def current(cls) -> OrderSettings:
        """Return the one row; before the first time it is saved, one with nothing in it."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class QueueOrder(models.Model):
    """An order of a queue, made with its ticket. `agents` are rows as `rules.ordering.AgentRow` has them.

    What is wanted can be changed until it is decided; what was made is noted below it, so that approving once more
    finds it.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for a decision")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")

    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="queue_order")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    # raised with every change: who decides says which one they saw
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    address = models.EmailField(_("address"), max_length=254)
    normalised = models.CharField(max_length=254, editable=False)
    name = models.CharField(_("name of the queue"), max_length=100)
    purpose = models.TextField(_("purpose"), blank=True)
    department = models.CharField(_("department"), max_length=200, blank=True)
    hours = models.CharField(_("hours"), max_length=250, blank=True)
    agents = models.JSONField(_("agents"), default=list, blank=True)

    group_name = models.CharField(_("name of the team"), max_length=150)
    # of a team that is there: nobody joins one because the order is named like it
    chosen_team = models.ForeignKey(
        Group,
        models.SET_NULL,
        verbose_name=_("existing team"),
        null=True,
        blank=True,
        related_name="+",
    )
    parent = models.ForeignKey(
        Queue,
        models.SET_NULL,
        verbose_name=_("parent queue"),
        null=True,
        blank=True,
        related_name="+",
    )
    calendar = models.ForeignKey(
        Calendar,
        models.SET_NULL,
        verbose_name=_("calendar"),
        null=True,
        blank=True,
        related_name="+",
    )
    promise = models.ForeignKey(
        Promise, models.SET_NULL, verbose_name=_("promise"), null=True, blank=True, related_name="+"
    )
    page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("pages come below"),
        null=True,
        blank=True,
        related_name="+",
    )

    queue = models.ForeignKey(
        Queue, models.SET_NULL, null=True, blank=True, related_name="orders", editable=False
    )
    group = models.ForeignKey(
        Group, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    account = models.ForeignKey(
        MailAccount, models.SET_NULL, null=True, blank=True, related_name="orders", editable=False
    )

    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.TextField(_("reason"), blank=True)

    privacy = {
        "state": NONE,
        "address": NONE,
        "normalised": NONE,
        "name": NONE,
        "purpose": CONTENT,
        "department": CONTENT,
        "hours": CONTENT,
        "agents": PERSON,
        "group_name": NONE,
        "reason": CONTENT,
    }

    class Meta:
        verbose_name = _("order of a queue")
        verbose_name_plural = _("orders of queues")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["normalised"],
                condition=models.Q(state="open"),
                name="helpdesk_order_address_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"

    def save(self, *args: object, **kwargs: object) -> None:
        self.normalised = addressing.normalise(self.address)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def waits_for_account(self) -> bool:
        """Whether mail to the new address waits for somebody to complete the mail account."""
        return self.account is not None and self.account.is_incomplete
