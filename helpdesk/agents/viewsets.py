"""View sets: the administration of what tickets are made of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.ui.tables import BooleanColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.history import HistoryView
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.permissions import policy_registry

from helpdesk.models import Priority, TicketType

from .paging import CappedPaginator


class PolicedMixin:
    """Reads only the rows that the model's policy gives the user for this view's action."""

    request: HttpRequest
    model: Any
    wanted: tuple[str, ...] = ("change",)

    def allowed(self) -> QuerySet[Any]:
        found = policy_registry.get_by_type(self.model)
        return found.instances_user_has_any_permission_for(self.request.user, self.wanted)

    def get_queryset(self) -> QuerySet[Any]:
        return self.allowed()


class PolicedIndex(generic.IndexView):
    any_permission_required = ["view", "change"]
    paginator_class = CappedPaginator
    #: Whether rows are listed that whoever looks may not change: they lead nowhere.
    lists_more = False

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.is_export = False

    def get_base_queryset(self) -> QuerySet[Any]:
        found = policy_registry.get_by_type(self.model)
        rows = found.instances_user_has_any_permission_for(
            self.request.user, self.any_permission_required
        )
        if self.lists_more:
            own = found.instances_user_has_any_permission_for(self.request.user, ["change"])
            rows = rows.annotate(may_change=Exists(own.filter(pk=OuterRef("pk"))))
        return self.prepared(rows)

    def get_edit_url(self, instance: Any) -> str | None:
        if self.lists_more and not instance.may_change:
            return None
        url: str | None = super().get_edit_url(instance)
        return url

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows


class PolicedEdit(PolicedMixin, generic.EditView):
    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        kwargs["for_user"] = self.request.user
        return kwargs


class PolicedCreate(generic.CreateView):
    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        kwargs["for_user"] = self.request.user
        return kwargs


class PolicedDelete(PolicedMixin, generic.DeleteView):
    wanted = ("delete",)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except ProtectedError:
            message = _("“%(name)s” is in use and cannot be deleted. Take it out of use instead.")
            messages.error(self.request, message % {"name": self.object})
            return redirect(self.get_success_url())


class PolicedHistory(HistoryView):
    """The log of one row: its rows are log entries, so only the object goes by the policy."""

    any_permission_required = ["change"]

    def get_base_object_queryset(self) -> QuerySet[Any]:
        found = policy_registry.get_by_type(self.model)
        return found.instances_user_has_any_permission_for(self.request.user, ["change"])


class Lines(forms.Textarea):
    """A text of several lines, whose ends are stored alike: else each save in a browser would change it."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class DeskForm(forms.ModelForm):
    """A model form that knows who fills it in."""

    def __init__(self, *args: Any, for_user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.for_user = for_user
        for field in self.fields.values():
            if type(field.widget) is forms.Textarea:
                required = field.widget.is_required
                field.widget = Lines(attrs=field.widget.attrs)
                field.widget.is_required = required


class DeskViewSet(ModelViewSet):
    """A view set whose every view asks the model's policy, and that offers no side doors."""

    index_view_class = PolicedIndex
    add_view_class = PolicedCreate
    edit_view_class = PolicedEdit
    delete_view_class = PolicedDelete
    history_view_class = PolicedHistory
    form_class: type[DeskForm]
    add_to_reference_index = False
    copy_view_enabled = False
    list_per_page = 50
    search_backend_name = None
    is_creatable = True

    def get_form_class(self, for_update: bool = False) -> type[DeskForm]:
        return self.form_class

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_common_view_kwargs(**kwargs)
        found["usage_url_name"] = None
        if not self.is_creatable:
            found["add_url_name"] = found["delete_url_name"] = None
        return found

    def get_permissions_to_register(self) -> QuerySet[Permission]:
        return Permission.objects.none()  # rights are given on queues, not in the group editor

    def get_urlpatterns(self) -> list[Any]:
        dropped = {"usage"} | (set() if self.is_creatable else {"add", "delete"})
        return [route for route in super().get_urlpatterns() if route.name not in dropped]


def form_for(model: Any, *fields: str, **attributes: Any) -> type[DeskForm]:
    """Return a form for these fields of a model."""
    meta = type("Meta", (), {"model": model, "fields": list(fields)})
    return type(f"{model.__name__}Form", (DeskForm,), {"Meta": meta, **attributes})


IN_USE = BooleanColumn("is_active", label=gettext_lazy("In use"))
NAME_FIELDS = ("name_de", "name_en", "slug", "position", "is_active")


class PriorityViewSet(DeskViewSet):
    model = Priority
    name, url_prefix = "helpdesk_priorities", "helpdesk/priorities"
    icon = "order-up"
    form_class = form_for(Priority, *NAME_FIELDS, "level")
    list_display = ["name", "level", IN_USE]


class TypeViewSet(DeskViewSet):
    model = TicketType
    name, url_prefix = "helpdesk_types", "helpdesk/types"
    icon = "tag"
    form_class = form_for(TicketType, *NAME_FIELDS)
    list_display = ["name", "position", IN_USE]
