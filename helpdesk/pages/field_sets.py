"""Field sets: questions that many forms share, kept in one place."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import (
    DraftStateMixin,
    LockableMixin,
    PreviewableMixin,
    ReferenceIndex,
    RevisionMixin,
    TranslatableMixin,
    WorkflowMixin,
)

from .forms import IntakeForm
from .stream import FieldsBlock


class FieldSetMixin(
    WorkflowMixin,
    DraftStateMixin,
    LockableMixin,
    RevisionMixin,
    PreviewableMixin,
    TranslatableMixin,
    models.Model,
):
    """A set of questions; forms that use it show its live version in their own language.

    A site names its concrete model in `HELPDESK["FIELD_SET_MODEL"]` and registers it as a snippet; its
    Meta has to inherit from `FieldSetMixin.Meta`.
    """

    title = models.CharField(
        _("title"),
        max_length=150,
        help_text=_("Only editors see it: what the questions are about."),
    )
    fields = StreamField(FieldsBlock(), verbose_name=_("fields"))

    workflow_states = GenericRelation(
        "wagtailcore.WorkflowState",
        content_type_field="base_content_type",
        object_id_field="object_id",
        for_concrete_model=False,
    )
    _revisions = GenericRelation(
        "wagtailcore.Revision",
        content_type_field="base_content_type",
        object_id_field="object_id",
        for_concrete_model=False,
    )

    panels = [FieldPanel("title"), FieldPanel("fields")]

    class Meta(TranslatableMixin.Meta):
        abstract = True
        verbose_name = _("field set")
        verbose_name_plural = _("field sets")

    def __str__(self) -> str:
        return self.title

    @property
    def revisions(self) -> Any:
        return self._revisions

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> str:
        return "helpdesk/pages/field_set_preview.html"

    def get_preview_context(self, request: HttpRequest, mode_name: str) -> dict[str, Any]:
        context: dict[str, Any] = super().get_preview_context(request, mode_name)
        return {**context, "form": IntakeForm(stream=self.fields, label_suffix="")}


def refuse_deletion(request: HttpRequest, instances: list[Any]) -> HttpResponse | None:
    """Stop the deletion of field sets that forms use, and say so: Wagtail's hook `before_delete_snippet`."""
    for one in instances:
        if isinstance(one, FieldSetMixin):
            count = ReferenceIndex.get_references_to(one).values("base_content_type", "object_id")
            used = count.distinct().count()
            if used:
                words = ngettext(
                    "“%(title)s” cannot be deleted: %(n)d form uses it. Take it out there first.",
                    "“%(title)s” cannot be deleted: %(n)d forms use it. Take it out there first.",
                    used,
                )
                messages.error(request, words % {"title": one.title, "n": used})
                return HttpResponseRedirect(_usage_url(one))
    return None


def _usage_url(one: FieldSetMixin) -> str:
    return reverse(one.snippet_viewset.get_url_name("usage"), args=[one.pk])
