"""How long a form's requests are kept: what its page says instead of the queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel

from helpdesk import actions
from helpdesk.models import AtEnd, Channel, directory
from helpdesk.rules.terms import Objection, Terms, makes_shorter, objection_wording

from .base import PagePart
from .forms import IntakeForm
from .storage_panels import DaysPanel, SentencePanel

PANEL = MultiFieldPanel(
    [
        SentencePanel(),
        DaysPanel("retention_days"),
        FieldPanel("storage_purpose"),
        FieldPanel("legal_basis"),
        FieldRowPanel([DaysPanel("attachment_days"), DaysPanel("personal_days")]),
        FieldPanel("at_end"),
    ],
    heading=_("Storage"),
)
#: What a page may say itself, by the name in the terms.
_OWN = {
    "retention_days": "retention_days",
    "purpose": "storage_purpose",
    "legal_basis": "legal_basis",
    "attachment_days": "attachment_days",
    "personal_days": "personal_days",
    "at_end": "at_end",
}


class StorageMixin(PagePart):
    """What a form promises about storage, and the objection to it."""

    retention_days = models.PositiveIntegerField(
        _("days kept after closing"),
        null=True,
        blank=True,
        help_text=_("Empty: as the queue says."),
    )
    storage_purpose = models.CharField(
        _("purpose of keeping"),
        max_length=250,
        blank=True,
        help_text=_("What requests are kept for, as customers read it. Empty: as the queue says."),
    )
    legal_basis = models.CharField(
        _("legal basis"),
        max_length=250,
        blank=True,
        help_text=_("Why requests are kept that long. Empty: as the queue says."),
    )
    attachment_days = models.PositiveIntegerField(
        _("days files are kept after closing"),
        null=True,
        blank=True,
        help_text=_("Empty: as the queue says."),
    )
    personal_days = models.PositiveIntegerField(
        _("days personal details are kept after closing"),
        null=True,
        blank=True,
        help_text=_(
            "Names, addresses and answers marked as personal go then; the text stays. Empty: as the queue says."
        ),
    )
    at_end = models.CharField(
        _("at the end"),
        max_length=10,
        choices=AtEnd.choices,
        blank=True,
        help_text=_("Empty: as the queue says."),
    )

    class Meta:
        abstract = True

    def own_terms(self) -> dict[str, Any]:
        """Return what the page says itself, by the names of `Terms`."""
        return {
            name: value
            for name, column in _OWN.items()
            if (value := getattr(self, column)) not in (None, "")
        }

    def storage_terms(self, inherited: Terms) -> Terms:
        """Return the queue's terms with what the page says itself, and the sentence for both."""
        own = self.own_terms()
        if not own:
            return inherited
        return actions.in_words(replace(inherited, **own), self.locale.language_code)

    def objection_offered(self, terms: Terms) -> str:
        """Return the words in which the objection is offered; '' where it would change nothing."""
        days = directory().retention.days_with_objection()
        return self.objection_wording() if makes_shorter(terms, days) else ""

    def objection_wording(self) -> str:
        """Return the words in which the objection is offered, in the page's language."""
        days = directory().retention.days_with_objection()
        return objection_wording(days, self.locale.language_code)

    def objection(self, form: IntakeForm) -> Objection | None:
        """Return the objection with the wording shown, if the box was ticked."""
        if not form.cleaned_data.get("objects_to_storage"):
            return None
        return Objection(
            timezone.now(),
            self.objection_wording(),
            str(Channel.WEB),
            directory().retention.days_with_objection(),
        )
