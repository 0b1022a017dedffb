"""The page editor's side of a form: what may be chosen, what is refused in words, and how the form stands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, Panel

from helpdesk.models import Queue

from . import acceptance, routing, storage, storage_check
from .check_panel import PublishCheckPanel
from .comparing import FormFieldsPanel, RoutesPanel


class IntakeEditForm(WagtailAdminPageForm):
    """Offers the queues of the page's department, and refuses what could not be followed.

    A draft may be unfinished: texts and rules are checked when the page is to be seen.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        page = self.instance
        self.held_queues = routing.queues_in(page.routes) | ({page.queue_id} - {None})
        self.offered = routing.offered_queues(page, self.parent_page, self.for_user)
        fields: Any = self.fields
        if "queue" in fields:
            kept = self.offered | Queue.objects.filter(pk__in=self.held_queues)
            fields["queue"].queryset = kept.distinct()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", _("It would close before it opens."))
        if data.get("routes") is not None:
            foreign = routing.foreign_routes(data["routes"], self.offered, self.held_queues)
            if foreign is not None:
                self._refuse("routes", foreign)
        for name, words in storage_check.wrong(data).items():
            self._refuse(name, ValidationError(words))
        if not self.is_deferred_validation:
            self._check_what_is_seen(data)
        return data

    def _check_what_is_seen(self, data: dict[str, Any]) -> None:
        """Check texts and rules against the fields as they are sent."""
        page = self.instance
        names = ("fields", "routes", "thank_you", "subject", "receipt_subject", "receipt_text")
        for name in (*names, "queue"):
            if data.get(name) is not None:
                setattr(page, name, data[name])
        if "fields" in self.errors:  # what may be named is unknown
            return
        for name, error in page.wording_errors():
            self._refuse(name, error)
        wrong = page.route_error() if "routes" not in self.errors else None
        if wrong is not None:
            self._refuse("routes", wrong)
        if data.get("audience") == "groups" and not data.get("audience_groups"):
            self._refuse("audience_groups", ValidationError(_("Choose at least one group.")))

    def _refuse(self, name: str, error: ValidationError) -> None:
        # a site may show some of the fields only
        self.add_error(name if name in self.fields else None, error)


class StatePanel(Panel):
    """Says in words whether the form is open, what is wrong with its rules, and where to try it."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "helpdesk/pages/panels/state.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            is_new = page.pk is None
            return context | {
                "state": [] if is_new else acceptance.state_in_words(page),
                "problems": [] if is_new else page.route_problems(),
                "try_url": "" if is_new else try_url(page),
            }


class VariablesPanel(Panel):
    """Lists the variables that the texts of the form may name."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "helpdesk/pages/panels/variables.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            return context | {
                "answers": page.answer_variables(),
                "subject": page.subject_variables()[:2],
                "receipt": page.receipt_variables()[: -len(page.told_variables()) or None],
                "thanks": page.thanks_variables()[: -len(page.told_variables()) or None],
            }


def try_url(page: Any) -> str:
    """Return the address at which a form is tried; '' on a site without it."""
    try:
        return reverse("helpdesk_forms:try", args=[page.pk])
    except NoReverseMatch:
        return ""


#: What an editor of a form sees below its title.
PANELS = [
    StatePanel(heading=_("How the form stands")),
    PublishCheckPanel(heading=_("Before publishing")),
    FieldPanel("intro"),
    FormFieldsPanel("fields"),
    MultiFieldPanel(
        [
            FieldPanel("queue"),
            FieldPanel("subject"),
            FieldPanel("ticket_type"),
            FieldPanel("priority"),
            FieldPanel("promise"),
            RoutesPanel("routes"),
        ],
        heading=_("What becomes of it"),
    ),
    MultiFieldPanel(
        [
            FieldPanel("receipt_subject"),
            FieldPanel("receipt_text"),
            FieldPanel("thank_you"),
            VariablesPanel(),
        ],
        heading=_("What the sender reads"),
    ),
    MultiFieldPanel(
        [
            FieldRowPanel([FieldPanel("opens_at"), FieldPanel("closes_at")]),
            FieldPanel("submission_limit"),
            FieldPanel("text_before"),
            FieldPanel("text_after"),
            FieldPanel("text_full"),
        ],
        heading=_("Acceptance"),
        classname="collapsed",
    ),
    MultiFieldPanel(
        [
            FieldPanel("audience"),
            FieldPanel("audience_groups", widget=forms.CheckboxSelectMultiple),
            FieldPanel("text_excluded"),
        ],
        heading=_("Who may send it"),
        classname="collapsed",
    ),
    storage.PANEL,
]
