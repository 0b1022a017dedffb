"""How long requests are kept, and what becomes of them then: what the whole help desk promises."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import conf

from .base import NONE


class AtEnd(models.TextChoices):
    """What becomes of a ticket when its time is over."""

    ERASE = "erase", _("everything is erased")
    ANONYMISE = "anonymise", _("everything is erased but what no person is in, for statistics")


class RetentionSettings(models.Model):
    """What holds where neither form nor queue says otherwise: one row for the whole help desk."""

    retention_days = models.PositiveIntegerField(
        _("days kept after closing"),
        null=True,
        blank=True,
        help_text=_("Empty: as the settings of the installation say."),
    )
    purpose_de = models.CharField(
        _("purpose of keeping (German)"),
        max_length=250,
        blank=True,
        help_text=_("What requests are kept for, as customers read it."),
    )
    purpose_en = models.CharField(_("purpose of keeping (English)"), max_length=250, blank=True)
    legal_basis_de = models.CharField(
        _("legal basis (German)"),
        max_length=250,
        blank=True,
        help_text=_("Why requests are kept that long, as customers read it."),
    )
    legal_basis_en = models.CharField(_("legal basis (English)"), max_length=250, blank=True)
    attachment_days = models.PositiveIntegerField(
        _("days files are kept after closing"),
        null=True,
        blank=True,
        help_text=_("Empty: as long as the ticket."),
    )
    personal_days = models.PositiveIntegerField(
        _("days personal details are kept after closing"),
        null=True,
        blank=True,
        help_text=_(
            "Names, addresses and answers marked as personal go then; the text stays. Empty: as long as the ticket."
        ),
    )
    at_end = models.CharField(
        _("at the end"), max_length=10, choices=AtEnd.choices, default=AtEnd.ERASE
    )
    objection_days = models.PositiveIntegerField(
        _("days kept after closing with an objection"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: as the settings of the installation say."),
    )

    privacy = {
        "purpose_de": NONE,
        "purpose_en": NONE,
        "legal_basis_de": NONE,
        "legal_basis_en": NONE,
        "at_end": NONE,
    }

    class Meta:
        verbose_name = _("settings for retention")
        verbose_name_plural = _("settings for retention")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: object, **kwargs: object) -> None:
        self.pk = 1
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def current(cls) -> RetentionSettings:
        """Return the one row; before the first time it is saved, one with nothing in it."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    def days(self) -> int:
        """Return for how many days after closing a ticket is kept."""
        days = self.retention_days
        return int(conf.get("RETENTION_DAYS")) if days is None else days

    def days_with_objection(self) -> int:
        """Return for how many days after closing a ticket is kept if its customer objects."""
        days = self.objection_days
        return int(conf.get("OBJECTION_DAYS")) if days is None else days


class TermsChange(models.Model):
    """An order to put the requests that are there under shorter terms, and how far that is.

    Carried out by the worker in batches, behind the last ticket done. It knows what was shown to whoever ordered
    it (`targets`: what each queue and form promised then): a policy that is changed meanwhile changes nothing in it.
    """

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # the queue whose policy was changed; empty: that of the whole help desk, or of a form
    queue = models.ForeignKey(
        "helpdesk.Queue", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(_("ordered"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, db_index=True)
    # what is promised, by queue or form (`privacy.policy.Promised`), and the keys of all forms there were
    targets = models.JSONField(default=list)
    forms = models.JSONField(default=list)
    # the last ticket that is done
    cursor = models.PositiveBigIntegerField(default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("to do"), default=0)

    privacy = {"targets": NONE, "forms": NONE}

    class Meta:
        verbose_name = _("shortening of terms")
        verbose_name_plural = _("shortenings of terms")
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"
