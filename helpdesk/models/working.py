"""Working on tickets together: who looks at one, what is being written, what may be the same, what was merged."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .base import CONTENT, NONE
from .blobs import Blob
from .tickets import Ticket


class Presence(models.Model):
    """That an agent has a ticket open; old after some seconds without a sign of life."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="presence", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    is_writing = models.BooleanField(default=False)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="helpdesk_presence_once")
        ]
        indexes = [models.Index(fields=["seen_at"], name="helpdesk_presence_old")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.user_id}"


class SavedDraft(models.Model):
    """What an agent is writing on a ticket and has not sent: one of each kind, or one shared by the team."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="drafts", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # of which form: reply, note, forward
    mode = models.CharField(max_length=20)
    # the fields of the form as typed
    fields = models.JSONField(default=dict)
    is_shared = models.BooleanField(_("shared with the team"), default=False)
    # up to which article its author had read
    last_article = models.PositiveBigIntegerField(default=0)
    saved_at = models.DateTimeField(_("saved"))
    version = models.PositiveIntegerField(default=1)

    privacy = {"mode": NONE, "fields": CONTENT}

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user", "mode"], name="helpdesk_draft_once"),
            models.UniqueConstraint(
                fields=["ticket", "mode"],
                condition=Q(is_shared=True),
                name="helpdesk_draft_one_shared",
            ),
        ]
        indexes = [models.Index(fields=["user", "-saved_at"], name="helpdesk_draft_user")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.mode}"


class DraftFile(models.Model):
    """A file that waits with a draft until it is sent."""

    draft = models.ForeignKey(SavedDraft, models.CASCADE, related_name="files")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="draft_files")
    name = models.CharField(_("name"), max_length=250)
    content_type = models.CharField(max_length=150, default="application/octet-stream")

    privacy = {"name": CONTENT, "content_type": NONE}

    class Meta:
        verbose_name = _("file of a draft")
        verbose_name_plural = _("files of drafts")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class DismissedHint(models.Model):
    """That two tickets look alike and are not the same, as somebody said."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("dismissed hint")
        verbose_name_plural = _("dismissed hints")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "other"], name="helpdesk_hint_once")
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.other_id}"


class LikelyDuplicate(models.Model):
    """What a ticket looked like when it was new: looked at once, after it was opened.

    Whether the hint still holds (both there, nobody said otherwise) is asked where it is shown.
    """

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="+")
    # the likeliest; none: nothing looked like it
    other = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="+")
    score = models.PositiveSmallIntegerField(default=0)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("likely duplicate")
        verbose_name_plural = _("likely duplicates")

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.other_id}"


class Merge(models.Model):
    """The journal of one merge: what it moved, so that it can be taken back."""

    source = models.ForeignKey(Ticket, models.CASCADE, related_name="merges_out")
    target = models.ForeignKey(Ticket, models.CASCADE, related_name="merges_in")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    # ids, codes and dates only
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)

    privacy = {"moved": NONE}

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"
