"""The administration of promises: what is promised, and for which types and priorities it is something else."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column

from helpdesk.models import Promise, PromiseOverride, Reckoning, State

from .departments import DepartmentColumn, DepartmentForm
from .viewsets import (
    IN_USE,
    NAME_FIELDS,
    DeskForm,
    DeskViewSet,
    PolicedCreate,
    PolicedEdit,
    PolicedIndex,
    form_for,
)


def progress() -> Reckoning | None:
    """Return the working out of deadlines that is under way or waits, if there is one."""
    return Reckoning.objects.filter(finished_at__isnull=True).order_by("pk").first()


class ReckonedMixin:
    """A view after which deadlines are worked out anew; says so."""

    request: HttpRequest

    def form_valid(self, form: Any) -> Any:
        response = super().form_valid(form)  # type: ignore[misc]
        if progress() is not None:
            messages.info(
                self.request,
                _("The deadlines of open tickets are worked out anew in the background."),
            )
        return response


class ReckonedEdit(ReckonedMixin, PolicedEdit):
    pass


class ReckonedCreate(ReckonedMixin, PolicedCreate):
    pass


class PromiseForm(DepartmentForm):
    borrowed = ("calendar",)

    class Meta:
        model = Promise
        fields = [
            *("name", "department", "calendar", "first_response", "update", "solution"),
            "warning_percent",
        ]


class PromiseIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("calendar", "department")


class PromiseViewSet(DeskViewSet):
    model = Promise
    name, url_prefix = "helpdesk_promises", "helpdesk/promises"
    icon = "time"
    form_class = PromiseForm
    index_view_class = PromiseIndex
    edit_view_class = ReckonedEdit
    list_display = [
        *("name", "calendar", "first_response", "update", "solution", "warning_percent"),
        DepartmentColumn(),
    ]
    search_fields = ["name"]


class OverrideIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("queue", "type", "priority", "promise")


def _or(name: str, words: Any) -> Any:
    def read(override: PromiseOverride) -> Any:
        return getattr(override, name) or words

    return read


class OverrideViewSet(DeskViewSet):
    """The title of a row is what it holds for."""

    model = PromiseOverride
    name, url_prefix = "helpdesk_overrides", "helpdesk/promises-by-type"
    icon = "time"
    form_class = form_for(PromiseOverride, "queue", "type", "priority", "promise")
    index_view_class = OverrideIndex
    add_view_class = ReckonedCreate
    edit_view_class = ReckonedEdit
    list_display = [
        "__str__",
        Column("queue", label=gettext_lazy("Queue"), accessor=_or("queue", gettext_lazy("all"))),
        Column(
            "promise",
            label=gettext_lazy("Promise"),
            accessor=_or("promise", gettext_lazy("nothing")),
        ),
    ]


def _stopped(state: State) -> str:
    names = {
        "pauses_first_response": _("first response"),
        "pauses_update": _("next answer"),
        "pauses_solution": _("solution"),
    }
    return ", ".join(label for name, label in names.items() if getattr(state, name)) or "–"


class StateForm(DeskForm):
    """A state's type is fixed once tickets may be in it: the machine relies on it."""

    class Meta:
        model = State
        fields = [
            *(*NAME_FIELDS, "type", "waits_for_customer"),
            *("pauses_first_response", "pauses_update", "pauses_solution"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"].disabled = self.instance.pk is not None


class StateViewSet(DeskViewSet):
    model = State
    name, url_prefix = "helpdesk_states", "helpdesk/states"
    icon = "folder-open-inverse"
    form_class = StateForm
    edit_view_class = ReckonedEdit
    ordering = "position"

    list_display = [
        *("name", "type"),
        Column("clocks", label=gettext_lazy("Clocks that stand still"), accessor=_stopped),
        "position",
        IN_USE,
    ]
