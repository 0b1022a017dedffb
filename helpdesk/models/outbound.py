"""Mail as it goes: the servers it goes by, the outbox, automatic texts, and addresses that bounce."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from helpdesk import conf

from .articles import Article
from .base import CONTENT, NONE, PERSON
from .queues import Queue
from .routes import MailRoute
from .tickets import Ticket


class OutboundMail(models.Model):
    """The outbox row of one mail. Written by `helpdesk.notifications` only."""

    class Kind(models.TextChoices):
        ANSWER = "answer", _("answer")
        FORWARD = "forward", _("forwarded message")
        RECEIPT = "receipt", _("receipt")
        APPENDED = "appended", _("receipt of a further message")
        REFUSED = "refused", _("refusal")
        CONTINUED = "continued", _("receipt of a new ticket for a closed one")
        NOTICE = "notice", _("notice")
        LINK = "link", _("link to a request or an address")
        CODE = "code", _("one-time code")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        UNCERTAIN = "uncertain", _("uncertain")
        WITHDRAWN = "withdrawn", _("taken back")

    ticket = models.ForeignKey(
        Ticket, models.CASCADE, null=True, blank=True, related_name="outbound"
    )
    article = models.ForeignKey(
        Article, models.CASCADE, null=True, blank=True, related_name="outbound"
    )
    # of a forwarded message: whose files go along
    original = models.ForeignKey(Article, models.SET_NULL, null=True, blank=True, related_name="+")
    # by which server; none: the one that the settings name
    route = models.ForeignKey(
        MailRoute,
        models.SET_NULL,
        verbose_name=_("mail server"),
        null=True,
        blank=True,
        related_name="+",
    )
    # of a notice: to whom it goes, and of which tickets it tells if it belongs to none; asked again when it is sent
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    about = models.JSONField(default=list, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    automatic = models.BooleanField(default=False)
    message_id = models.CharField(max_length=255, unique=True)
    in_reply_to = models.CharField(max_length=255, blank=True)
    references = models.JSONField(default=list, blank=True)
    from_name = models.CharField(max_length=250, blank=True)
    from_address = models.CharField(_("from"), max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    to = models.JSONField(_("to"), default=list)  # [[name, address], …]
    cc = models.JSONField(default=list, blank=True)
    bcc = models.JSONField(default=list, blank=True)
    subject = models.CharField(_("subject"), max_length=500)
    body = models.TextField()
    html = models.TextField(blank=True)
    language = models.CharField(max_length=10, default=conf.site_language)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    due_at = models.DateTimeField(_("next attempt"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # when it was claimed: also the sign of the worker that holds it
    sending_since = models.DateTimeField(null=True, blank=True)
    # when the content began to go out; from then on only the server's answer tells what happened
    content_since = models.DateTimeField(null=True, blank=True)
    delivered = models.JSONField(_("taken by the server for"), default=list, blank=True)
    refused = models.JSONField(_("refused recipients"), default=list, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    server_reply = models.TextField(_("the server's words"), blank=True)
    # delivery reports that came back later: [[address, status (RFC 3463), words], …]
    bounces = models.JSONField(_("came back"), default=list, blank=True)
    bounced_at = models.DateTimeField(_("came back at"), null=True, blank=True)
    # the state of the row is a fact of the ticket's history; told there once
    privacy = {
        "about": NONE,
        "kind": NONE,
        "state": NONE,
        "message_id": NONE,
        "in_reply_to": PERSON,
        "references": PERSON,
        "from_name": NONE,
        "from_address": NONE,
        "reply_to": NONE,
        "to": PERSON,
        "cc": PERSON,
        "bcc": PERSON,
        "subject": CONTENT,
        "body": CONTENT,
        "html": CONTENT,
        "language": NONE,
        "delivered": PERSON,
        "refused": PERSON,
        "server_reply": PERSON,
        "bounces": PERSON,
    }

    class Meta:
        verbose_name = _("outbound mail")
        verbose_name_plural = _("outbound mails")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="helpdesk_outbound_due",
                condition=Q(state__in=["queued", "sending"]),
            ),
            models.Index(fields=["-created_at", "-id"], name="helpdesk_outbound_log"),
            # how much a route sent lately (its rate limit)
            models.Index(fields=["route", "sent_at"], name="helpdesk_outbound_rate"),
            models.Index(
                fields=["-bounced_at"],
                name="helpdesk_outbound_bounced",
                condition=Q(bounced_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.message_id


class AutoMail(models.Model):
    """When an address was last written to by the machine: what the limiter counts."""

    address = models.CharField(max_length=254)
    at = models.DateTimeField()

    privacy = {"address": PERSON}

    class Meta:
        verbose_name = _("automatic mail")
        verbose_name_plural = _("automatic mails")
        indexes = [models.Index(fields=["address", "at"], name="helpdesk_automail_recent")]

    def __str__(self) -> str:
        return str(self.at)


class AutoResponse(models.Model):
    """The text of one automatic answer of a queue and those below it that have none of their own."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("a new ticket was opened")
        APPENDED = "appended", _("a message joined a ticket")
        REFUSED = "refused", _("a message was refused")
        NEW_TICKET = "new_ticket", _("a message to a closed ticket became a new one")

    queue = models.ForeignKey(
        Queue, models.CASCADE, verbose_name=_("queue"), related_name="auto_responses"
    )
    kind = models.CharField(_("when"), max_length=10, choices=Kind.choices)
    is_active = models.BooleanField(
        _("is sent"), default=True, help_text=_("Off: nothing is sent in this case.")
    )
    subject_de = models.CharField(_("subject (German)"), max_length=200, blank=True)
    subject_en = models.CharField(_("subject (English)"), max_length=200, blank=True)
    body_de = models.TextField(_("text (German)"), blank=True)
    body_en = models.TextField(_("text (English)"), blank=True)

    privacy = {
        "kind": NONE,
        "subject_de": NONE,
        "subject_en": NONE,
        "body_de": NONE,
        "body_en": NONE,
    }

    class Meta:
        verbose_name = _("automatic answer")
        verbose_name_plural = _("automatic answers")
        ordering = ["queue__name", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "kind"], name="helpdesk_autoresponse_once")
        ]

    def __str__(self) -> str:
        return f"{self.queue}: {self.get_kind_display()}"


class BouncedAddress(models.Model):
    """An address from which mails came back for good; after several of them it is suspended."""

    address = models.CharField(_("address"), max_length=254, unique=True)  # canonical
    bounces = models.PositiveSmallIntegerField(_("mails that came back"), default=0)
    status = models.CharField(_("status"), max_length=20, blank=True)
    words = models.TextField(_("the server's words"), blank=True)
    last_at = models.DateTimeField(_("last"))
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)

    privacy = {"address": PERSON, "status": NONE, "words": PERSON}

    class Meta:
        verbose_name = _("address that bounces")
        verbose_name_plural = _("addresses that bounce")
        ordering = ["-last_at"]

    def __str__(self) -> str:
        return self.address
