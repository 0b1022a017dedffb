"""What agents are told: notices, who watches, who was mentioned, and what each wants to hear of."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .articles import Article
from .base import NONE
from .history import Event
from .outbound import OutboundMail
from .queues import Queue
from .tickets import Ticket


class NoticeKind(models.TextChoices):
    """What an agent can be told of."""

    NEW_TICKET = "new_ticket", _("a new ticket in my queues")
    REPLY = "reply", _("a reply on a ticket of mine")
    ASSIGNED = "assigned", _("a ticket was assigned to me")
    MENTIONED = "mentioned", _("I was mentioned")
    NOTE = "note", _("a note on a ticket of mine or one I watch")
    REMINDER = "reminder", _("a reminder is due")
    WARNING = "warning", _("a deadline comes near")
    BREACH = "breach", _("a deadline has passed")
    HAND_BACK = "hand_back", _("a ticket went back to the queue")
    DELIVERY = "delivery", _("a mail could not be delivered")
    STORAGE = "storage", _("a ticket will be erased soon")
    RETURN = "return", _("what happened during an absence")


class Notice(models.Model):
    """One thing that one agent was told. Holds no words of customers or colleagues."""

    class ByMail(models.TextChoices):
        NO = "no", _("not by mail")
        DIGEST = "digest", _("in the daily digest")
        NOW = "now", _("by mail at once")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_notices", db_index=False
    )
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="notices")
    event = models.ForeignKey(Event, models.SET_NULL, null=True, blank=True, related_name="+")
    # for whom it was meant, if that agent is away and this one stands in
    instead_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    in_admin = models.BooleanField(default=True)
    by_mail = models.CharField(max_length=10, choices=ByMail.choices, default=ByMail.NO)
    mail = models.ForeignKey(OutboundMail, models.SET_NULL, null=True, blank=True, related_name="+")
    read_at = models.DateTimeField(null=True, blank=True)

    privacy = {"kind": NONE, "by_mail": NONE}

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "user", "kind"],
                condition=Q(event__isnull=False),
                name="helpdesk_notice_once",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="helpdesk_notice_list"),
            models.Index(
                fields=["user"],
                name="helpdesk_notice_unread",
                condition=Q(read_at__isnull=True, in_admin=True),
            ),
            models.Index(
                fields=["user", "at"],
                name="helpdesk_notice_digest",
                condition=Q(by_mail="digest", mail__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"


class NoticeChoice(models.Model):
    """How an agent wants to hear of one kind of event. A missing row means the default of the kind."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_choices"
    )
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    in_admin = models.BooleanField(_("in the admin"), default=True)
    by_mail = models.CharField(
        _("by mail"),
        max_length=10,
        choices=Notice.ByMail.choices,
        default=Notice.ByMail.NO,
    )

    privacy = {"kind": NONE, "by_mail": NONE}

    class Meta:
        verbose_name = _("choice of notices")
        verbose_name_plural = _("choices of notices")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="helpdesk_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"


class MutedQueue(models.Model):
    """A queue of whose new tickets an agent does not want to hear."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_muted"
    )
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="muted_by")

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("muted queue")
        verbose_name_plural = _("muted queues")
        constraints = [
            models.UniqueConstraint(fields=["user", "queue"], name="helpdesk_muted_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.queue_id}"


class Watcher(models.Model):
    """An agent who wants to hear what happens on a ticket."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="watchers", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_watched"
    )
    at = models.DateTimeField(auto_now_add=True)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("watcher")
        verbose_name_plural = _("watchers")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="helpdesk_watcher_once")
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.user_id}"


class Mention(models.Model):
    """That a note names an agent who should read it."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="mentions")
    article = models.ForeignKey(Article, models.CASCADE, related_name="mentions", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_mentions"
    )
    at = models.DateTimeField(auto_now_add=True)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["article", "user"], name="helpdesk_mention_once")
        ]

    def __str__(self) -> str:
        return f"{self.article_id} {self.user_id}"


class UntoldEvent(models.Model):
    """An event of which nobody was told yet.

    Made together with the event, in the same transaction, and deleted together with making the notices: so
    nobody is told twice, and nothing is left out, whenever a process dies.
    """

    event = models.OneToOneField(Event, models.CASCADE, primary_key=True, related_name="+")
    # after a fault: when it is tried again
    not_before = models.DateTimeField(null=True, blank=True)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("untold event")
        verbose_name_plural = _("untold events")

    def __str__(self) -> str:
        return str(self.pk)
