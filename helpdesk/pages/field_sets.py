"""Field sets: questions that many forms share, kept in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import (
    DraftStateMixin,
    LockableMixin,
    Page,
    PreviewableMixin,
    ReferenceIndex,
    RevisionMixin,
    TranslatableMixin,
    WorkflowMixin,
)

from . import uses
from .comparing import FormFieldsPanel
from .forms import IntakeForm
from .stream import FieldsBlock


class FieldSetForm(WagtailAdminModelForm):
    """Refuses to publish a set without a question that a live form uses. A draft may lack it."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if self.instance.pk and not self.is_deferred_validation and data.get("fields") is not None:
            for words in dict.fromkeys(_still_asked(self.instance, data["fields"])):
                self.add_error("fields" if "fields" in self.fields else None, words)
        return data


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

    base_form_class = FieldSetForm
    panels = [FieldPanel("title"), FormFieldsPanel("fields")]

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


# --- what would take questions away from forms ----------------------------------------------------


def refuse_deletion(request: HttpRequest, instances: list[Any]) -> HttpResponse | None:
    """Stop the deletion of field sets that forms use, and say so: Wagtail's hook `before_delete_snippet`."""
    for one in instances:
        used = _uses(one)
        if used:
            words = ngettext(
                "“%(title)s” cannot be deleted: %(n)d form uses it. Take it out there first.",
                "“%(title)s” cannot be deleted: %(n)d forms use it. Take it out there first.",
                used,
            )
            return _refused(request, one, words, used)
    return None


def refuse_unpublishing(request: HttpRequest, instance: Any) -> HttpResponse | None:
    """Stop that a field set which forms use is unpublished: Wagtail's hook `before_unpublish`.

    Their rules would no longer find the answers they ask about.
    """
    used = _uses(instance)
    if not used:
        return None
    words = ngettext(
        "“%(title)s” cannot be unpublished: %(n)d form uses it. Take it out there first.",
        "“%(title)s” cannot be unpublished: %(n)d forms use it. Take it out there first.",
        used,
    )
    return _refused(request, instance, words, used)


def _uses(one: Any) -> int:
    if not isinstance(one, FieldSetMixin):
        return 0
    rows = ReferenceIndex.get_references_to(one).values("base_content_type", "object_id")
    return int(rows.distinct().count())


def _refused(request: HttpRequest, one: Any, words: str, used: int) -> HttpResponse:
    messages.error(request, words % {"title": one.title, "n": used})
    return HttpResponseRedirect(_usage_url(one))


def _still_asked(one: Any, fields: Any) -> Iterator[str]:
    """Yield in words what live forms use and `one` would no longer ask if it had these `fields`."""
    family = type(one).objects.filter(translation_key=one.translation_key)
    live = list(family.filter(live=True))
    before = {key: label for row in live for key, label in _labels(row.fields).items()}
    lost = before.keys() - _labels(fields).keys()
    if not lost:
        return
    elsewhere = {row.locale_id for row in live} - {one.locale_id}
    rows = ReferenceIndex.get_references_to_in_bulk(family).values_list("object_id", flat=True)
    forms = Page.objects.filter(pk__in={int(pk) for pk in rows if pk.isdigit()}, live=True)
    for page in forms.exclude(locale__in=elsewhere).order_by("pk").specific():
        for use in uses.uses_of(page):
            if use.key in lost:
                yield _now("“%(question)s” is used by the form “%(form)s”: %(place)s. Change that first.") % {
                    "question": before[use.key], "form": page.title, "place": use.where,
                }  # fmt: skip


def _labels(fields: Any) -> dict[str, str]:
    return {one.value["key"]: one.value["label"] for one in fields.stream_block.inputs(fields)}


def _usage_url(one: FieldSetMixin) -> str:
    return reverse(one.snippet_viewset.get_url_name("usage"), args=[one.pk])
