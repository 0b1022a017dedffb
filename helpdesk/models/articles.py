"""Articles: the messages and notes of a ticket, with their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import uploads

from .base import CONTENT, NONE, PERSON
from .blobs import Blob
from .people import Customer
from .sorting import Channel
from .tickets import Ticket


class Sender(models.TextChoices):
    """Who speaks in an article."""

    CUSTOMER = "customer", _("customer")
    AGENT = "agent", _("agent")
    SYSTEM = "system", _("system")


class Article(models.Model):
    """One message or note. `visible` articles are those the customer sees; others are internal."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="articles", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    sender = models.CharField(max_length=10, choices=Sender.choices)
    visible = models.BooleanField(_("visible to the customer"))
    # the agent who wrote it, or the customer; the names below stay when the account goes
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(Customer, models.SET_NULL, null=True, blank=True, related_name="+")
    from_name = models.CharField(max_length=250, blank=True)
    from_address = models.CharField(max_length=254, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    to = models.JSONField(default=list, blank=True)  # [[name, address], …]
    cc = models.JSONField(default=list, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)  # plain text, always there
    html = models.TextField(blank=True)  # sanitised at filing; never the mail's own HTML

    # mail only; ids through `addressing.message_id_key`
    message_id = models.CharField(max_length=255, blank=True)
    in_reply_to = models.CharField(max_length=255, blank=True)
    references = models.JSONField(default=list, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    machine = models.CharField(max_length=20, blank=True)  # kind of machine mail; "" from people
    verified = models.BooleanField(_("sender verified"), default=True)
    defects = models.JSONField(default=list, blank=True)  # codes of what the parser mended or cut
    extra = models.JSONField(default=dict, blank=True)  # calendar events and the like

    created_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=64, unique=True, null=True, blank=True)

    privacy = {
        "channel": NONE,
        "sender": NONE,
        "from_name": PERSON,
        "from_address": PERSON,
        "reply_to": PERSON,
        "to": PERSON,
        "cc": PERSON,
        "subject": CONTENT,
        "body": CONTENT,
        "html": CONTENT,
        "message_id": PERSON,
        "in_reply_to": PERSON,
        "references": PERSON,
        "content_hash": NONE,
        "machine": NONE,
        "defects": NONE,
        "extra": CONTENT,
        "idempotency_key": NONE,
    }

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["ticket", "created_at", "id"], name="helpdesk_article_thread"),
            models.Index(fields=["message_id"], name="helpdesk_article_msgid"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.pk}"

    @property
    def taken_back(self) -> bool:
        """Whether its author stopped it before its mail went out."""
        return bool(self.extra.get("taken_back"))


class Attachment(models.Model):
    """A file of an article."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="attachments")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="attachments")
    name = models.CharField(_("name"), max_length=250)
    content_type = models.CharField(max_length=150, default="application/octet-stream")
    content_id = models.CharField(max_length=250, blank=True)
    inline = models.BooleanField(default=False)
    # the form field it answers, if it came with a form
    answer_key = models.CharField(max_length=60, blank=True)

    #: No column: the bytes of a file that is not kept yet.
    content: bytes = b""

    privacy = {"name": CONTENT, "content_type": NONE, "content_id": NONE, "answer_key": NONE}

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_dangerous(self) -> bool:
        """Tell whether it is of a kind that only comes in by mail: a program, a web page."""
        return uploads.is_dangerous(self.name, self.content_type)

    @classmethod
    def insert_all(cls, rows: Sequence[Self]) -> None:
        """Keep the bytes of new rows (equal ones once) and insert them, with three statements."""
        blobs = Blob.keep_all(row.content for row in rows)
        for row, blob in zip(rows, blobs, strict=True):
            row.blob, row.content = blob, b""
        cls.objects.bulk_create(rows)
