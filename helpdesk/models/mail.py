"""Mail as it came and as it goes: accounts, ledger, outbox, filters."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_mailbox.models import Mailbox, Message

from helpdesk import conf

from .articles import Article
from .base import CONTENT, NONE, PERSON
from .blobs import Blob
from .queues import Queue
from .tickets import Ticket


class MailAccount(models.Model):
    """What we know of a mailbox beyond django-mailbox's own row: queue, secret, health, lease."""

    mailbox = models.OneToOneField(
        Mailbox, models.CASCADE, primary_key=True, related_name="helpdesk_account"
    )
    queue = models.ForeignKey(
        Queue,
        models.PROTECT,
        verbose_name=_("queue"),
        related_name="mail_accounts",
        help_text=_("Where mail goes whose recipient is none of the queue addresses."),
    )
    # encrypted with a key made from SECRET_KEY; never shown again
    secret = models.TextField(_("password"), blank=True)
    trusted = models.BooleanField(
        _("trusted"), default=False, help_text=_("X-Stelze- headers of its mails set attributes.")
    )
    move_to = models.CharField(
        _("move read mail to the folder"),
        max_length=250,
        blank=True,
        help_text=_("Empty: mail is deleted from the server once it is stored here."),
    )
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("error"), blank=True, editable=False)

    privacy = {"secret": NONE, "move_to": NONE, "last_error": NONE}

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")

    def __str__(self) -> str:
        return str(self.mailbox)


class InboundMail(models.Model):
    """A raw message as received; stored before anything else happens to it."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        FILED = "filed", _("filed")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", _("failed")

    class Outcome(models.TextChoices):
        OPENED = "opened", _("opened a ticket")
        APPENDED = "appended", _("joined a ticket")
        IGNORED = "ignored", _("made nothing new")

    # where it came from: "mailbox:7", "pipe", "archive", "mailroom"; with `key` the identity of the delivery
    source = models.CharField(_("source"), max_length=60)
    key = models.CharField(max_length=200)
    mailbox = models.ForeignKey(
        Mailbox, models.SET_NULL, verbose_name=_("mailbox"), null=True, blank=True, related_name="+"
    )
    queue = models.ForeignKey(
        Queue, models.SET_NULL, verbose_name=_("queue"), null=True, blank=True, related_name="+"
    )
    envelope_to = models.JSONField(default=list, blank=True)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="inbound")
    size = models.PositiveBigIntegerField(_("size"), default=0)
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    # moved in from an archive: nobody is answered, the ticket's date is the mail's
    silent = models.BooleanField(default=False)

    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RECEIVED
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    reason = models.CharField(_("reason"), max_length=250, blank=True)
    evidence = models.JSONField(_("evidence"), default=list, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    ticket = models.ForeignKey(
        Ticket, models.SET_NULL, null=True, blank=True, related_name="inbound"
    )
    article = models.ForeignKey(
        Article, models.SET_NULL, null=True, blank=True, related_name="inbound"
    )
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")

    privacy = {
        "source": NONE,
        "key": NONE,
        "envelope_to": PERSON,
        "state": NONE,
        "outcome": NONE,
        "reason": NONE,
        "evidence": PERSON,
        "error": NONE,
    }

    class Meta:
        verbose_name = _("inbound mail")
        verbose_name_plural = _("inbound mails")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="helpdesk_inbound_once")
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                name="helpdesk_inbound_todo",
                condition=Q(state__in=["received", "failed"]),
            ),
            models.Index(fields=["-received_at", "-id"], name="helpdesk_inbound_log"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"

    def reason_words(self) -> str:
        """Return the reason in the active language; what is stored is the language of the code."""
        return gettext(self.reason) if self.reason else ""

    reason_words.short_description = _("reason")  # type: ignore[attr-defined]


class OutboundMail(models.Model):
    """The outbox row of one mail. Written by `helpdesk.notifications` only."""

    class Kind(models.TextChoices):
        ANSWER = "answer", _("answer")
        FORWARD = "forward", _("forwarded message")
        RECEIPT = "receipt", _("receipt")
        NOTICE = "notice", _("notice")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        UNCERTAIN = "uncertain", _("uncertain")

    ticket = models.ForeignKey(
        Ticket, models.CASCADE, null=True, blank=True, related_name="outbound"
    )
    article = models.ForeignKey(
        Article, models.CASCADE, null=True, blank=True, related_name="outbound"
    )
    # of a forwarded message: whose files go along
    original = models.ForeignKey(Article, models.SET_NULL, null=True, blank=True, related_name="+")
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
    # the state of the row is a fact of the ticket's history; told there once
    privacy = {
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


class MailFilter(models.Model):
    """A rule for arriving mail: when the condition holds, the effects apply."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)
    condition = models.JSONField(_("condition"), default=dict)
    effects = models.JSONField(_("effects"), default=list)
    stops = models.BooleanField(_("no further filter after this one"), default=False)
    hits = models.PositiveIntegerField(_("hits"), default=0, editable=False)

    privacy = {"name": NONE, "condition": NONE, "effects": NONE}

    class Meta:
        verbose_name = _("mail filter")
        verbose_name_plural = _("mail filters")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name
