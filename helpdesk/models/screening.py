"""What is asked of arriving mail: filters, and senders who are not let in."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import CONTENT, NONE, PERSON


class MailFilter(models.Model):
    """A rule for arriving mail: when the condition holds, the effects apply."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)
    condition = models.JSONField(_("condition"), default=dict)
    effects = models.JSONField(_("effects"), default=list)
    stops = models.BooleanField(_("no further filter after this one"), default=False)
    hits = models.PositiveIntegerField(_("hits"), default=0, editable=False)
    last_hit_at = models.DateTimeField(_("last hit"), null=True, blank=True, editable=False)

    privacy = {"name": NONE, "condition": NONE, "effects": NONE}

    class Meta:
        verbose_name = _("mail filter")
        verbose_name_plural = _("mail filters")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class SenderBlock(models.Model):
    """A sender whose mail makes no ticket: one address, or with `@` at the beginning a whole domain."""

    pattern = models.CharField(
        _("address or domain"),
        max_length=254,
        unique=True,
        help_text=_("name@example.org, or @example.org for everybody there."),
    )
    reason = models.CharField(_("reason"), max_length=250, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    hits = models.PositiveIntegerField(_("hits"), default=0, editable=False)
    last_hit_at = models.DateTimeField(_("last hit"), null=True, blank=True, editable=False)

    privacy = {"pattern": PERSON, "reason": CONTENT}

    class Meta:
        verbose_name = _("blocked sender")
        verbose_name_plural = _("blocked senders")
        ordering = ["pattern"]

    def __str__(self) -> str:
        return self.pattern
