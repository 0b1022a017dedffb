"""What is asked of arriving mail: filters, and senders who are not let in."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf

from .base import CONTENT, NONE, PERSON
from .queues import QueueAddress


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

    def clean(self) -> None:
        """Bring the pattern into the form in which it is looked up; our own addresses are refused."""
        try:
            self.pattern = self.read(self.pattern)
        except addressing.BadAddress:
            message = _("Write an address (name@example.org) or a domain (@example.org).")
            raise ValidationError({"pattern": message}) from None
        ours = next((one for one in own_addresses() if self.pattern in self.patterns_of(one)), "")
        if ours:
            message = _("This would block %(address)s, which is our own or an agent's.")
            raise ValidationError({"pattern": message % {"address": ours}})

    @staticmethod
    def read(text: str) -> str:
        """Return the pattern a person means: a canonical address, or `@domain`. Raises `BadAddress`."""
        text = text.strip()
        if not text.startswith("@"):
            return addressing.canonical(text)
        domain = addressing.canonical(f"somebody{text}").rpartition("@")[2]
        if "." not in domain:  # a whole top-level domain
            raise addressing.BadAddress(text)
        return f"@{domain}"

    @staticmethod
    def patterns_of(address: str) -> Iterator[str]:
        """Yield what would block an address: itself, its domain, and every domain above.

        Nothing for what is no address.
        """
        try:
            canonical = addressing.canonical(address)
        except addressing.BadAddress:
            return
        yield canonical
        domain = canonical.rpartition("@")[2]
        while domain:
            yield f"@{domain}"
            domain = domain.partition(".")[2]


def own_addresses() -> Iterator[str]:
    """Yield the addresses whose mail is never blocked: those of queues, of the site, and of agents."""
    yield parseaddr(str(conf.get("DEFAULT_FROM")))[1]
    yield from QueueAddress.objects.values_list("normalised", flat=True)
    agents = get_user_model()._default_manager.filter(
        Q(is_superuser=True) | Q(groups__queue_rights__isnull=False), is_active=True
    )
    yield from agents.exclude(email="").values_list("email", flat=True).distinct()
