"""Erasing one person across tickets: a row for each request, and how far the worker is with it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE, PERSON


class PersonErasure(models.Model):
    """One person whose traces go, made by the worker in batches; it goes on where it stopped.

    Who it is stands in `person` until it is done; afterwards nothing here names them: `digest` (keyed) only
    tells that it was the same address as another time.
    """

    class Kind(models.TextChoices):
        ERASE = "erase", _("erase")
        ANONYMISE = "anonymise", _("anonymise")

    class State(models.TextChoices):
        WAITING = "waiting", _("under way")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    class Ground(models.TextChoices):
        """Why: Art. 17 (1) GDPR, by its letters."""

        NEEDLESS = "needless", _("no longer needed (Art. 17 (1) a)")
        CONSENT = "consent", _("consent withdrawn (Art. 17 (1) b)")
        OBJECTION = "objection", _("objection (Art. 17 (1) c)")
        UNLAWFUL = "unlawful", _("processed unlawfully (Art. 17 (1) d)")
        DUTY = "duty", _("a legal duty to erase (Art. 17 (1) e)")

    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    ground = models.CharField(_("reason"), max_length=10, choices=Ground.choices)
    # under which the request is filed elsewhere; no name
    reference = models.CharField(_("file number"), max_length=40, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    # ids, addresses and names, as `rules.blanking.Marks` and `privacy.persons.Person` have them; {} when done
    person = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    # where it goes on: the step, and the last row of it that is done
    step = models.CharField(max_length=60, blank=True)
    after = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # what was done, by code; the type of a fault
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    fault = models.CharField(max_length=60, blank=True)

    privacy = {
        "kind": NONE,
        "state": NONE,
        "ground": NONE,
        "reference": NONE,
        "person": PERSON,
        "digest": NONE,
        "step": NONE,
        "counts": NONE,
        "fault": NONE,
    }

    class Meta:
        verbose_name = _("erasure of a person")
        verbose_name_plural = _("erasures of persons")
        ordering = ["-asked_at", "-pk"]
        permissions = [("handle_persons", "Can deal with requests of data subjects")]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d} {self.kind}"
