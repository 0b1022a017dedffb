"""Departments in the admin: their list, and what belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminPageChooser

from helpdesk import permissions
from helpdesk.models import (
    Department,
    MailAccount,
    MailRoute,
    Promise,
    PromiseOverride,
    Queue,
    queue_map,
)
from helpdesk.permissions import Actor

from . import policy
from .tickets_list import queue_choices
from .viewsets import DeskForm, DeskViewSet

#: Whose rows use what belongs to a department, with their way to it: a queue, or a department of their own.
_USERS: dict[Any, str] = {
    Queue: "pk",
    MailAccount: "queue",
    PromiseOverride: "queue",
    Promise: "department__queue",
    MailRoute: "department__queue",
}


def limit(
    field: Any,
    actor: Actor,
    queues: Iterable[Queue],
    *,
    held: int | None = None,
    shared: bool = True,
) -> None:
    """Offer in a choice what one of `queues` (a queue and those above) may use, and what is `held` already.

    With `shared` also what is for the whole site. Superusers choose among everything; whether it may be used
    there is asked when the form is checked.
    """
    if permissions.is_superuser(actor):
        return
    rows = field.queryset
    found = rows.filter(department__in=permissions.departments_above(queues)) | rows.filter(pk=held)
    field.queryset = (found | rows.filter(department=None)) if shared else found


def limit_access(field: Any, actor: Actor, held: int | None) -> bool:
    """Offer an administrator the accesses of their own departments; tell whether one of others is `held`.

    That one stays where a superuser put it: its token is not theirs to send anywhere.
    """
    own = field.queryset.model.objects.filter(
        department__in=permissions.administered_departments(actor)
    )
    foreign = held is not None and not own.filter(pk=held).exists()
    field.queryset = own.model.objects.filter(pk=held) if foreign else own
    field.disabled = foreign or not own.exists()
    return foreign


def check_lent(form: Any, name: str, queue: Queue) -> None:
    """Add an error at a field whose row belongs to a department, unless `queue` does, too."""
    row = form.cleaned_data.get(name)
    if row is not None and not permissions.usable(row.department, queue):
        form.add_error(name, _("“%(name)s” belongs to another department.") % {"name": row})


def inside(department: Department) -> set[int]:
    """Return the ids of the department's queues: its topmost and all below."""
    parents = {pk: queue.parent_id for pk, queue in queue_map().items()}
    return {pk for pk in parents if department.queue_id in permissions.upwards(pk, parents)}


def used_elsewhere(row: Any, department: Department) -> bool:
    """Tell whether something outside a department uses a row that is to belong to it."""
    theirs = inside(department)
    for relation in row._meta.related_objects:
        path = _USERS.get(relation.related_model)
        if path is not None:
            users = relation.related_model._default_manager.filter(**{relation.field.name: row.pk})
            if users.exclude(**{f"{path}__in": theirs}).exists():
                return True
    return False


class DepartmentForm(DeskForm):
    """A form for something that belongs to a department, or (for superusers) to the whole site.

    Sub-classes name *department* among their fields, and in `borrowed` the fields that lead to rows which belong
    to a department themselves.
    """

    borrowed: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = policy.actor_for(self.for_user)
        self.is_superuser = permissions.is_superuser(self.actor)
        fields: Any = self.fields
        own = permissions.administered_departments(self.actor)
        field = fields["department"]
        field.queryset = own
        field.empty_label = _("the whole site")
        if not self.is_superuser:
            field.required, field.empty_label = True, None
            field.help_text = ""
            if len(found := list(own[:2])) == 1:
                self.instance.department = found[0]
                del fields["department"]
        above = [queue for one in own.select_related("queue") for queue in one.queue.lineage()]
        for name in self.borrowed:
            held = getattr(self.instance, f"{name}_id")
            limit(fields[name], self.actor, above, held=held, shared=name == "calendar")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "department" in self.fields:
            department = data.get("department")
        else:
            department = self.instance.department
        for name in self.borrowed:
            row = data.get(name)
            if row is not None and not _lends(row, department):
                self.add_error(name, _("“%(name)s” belongs to another department.") % {"name": row})
        changed = "department" in self.changed_data and self.instance.pk
        if changed and department is not None and used_elsewhere(self.instance, department):
            self.add_error("department", _("It is used outside this department."))
        return data


def _lends(row: Any, department: Department | None) -> bool:
    """Tell whether a row may be used by something of a department (None: of the whole site)."""
    if row.department_id is None:
        return True
    return department is not None and permissions.usable(row.department, department.queue)


# --- the departments themselves, for superusers --------------------------------------------------


class DepartmentFacts(DeskForm):
    """A department: a topmost queue, and perhaps a topmost page."""

    class Meta:
        model = Department
        fields = ["name", "slug", "queue", "page"]
        widgets = {"page": AdminPageChooser}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["slug"].required = False
        fields["slug"].help_text = _("Empty: made from the name.")
        taken = Department.objects.exclude(pk=self.instance.pk).values_list("queue", flat=True)
        free = Queue.objects.exclude(pk__in=list(taken))
        fields["queue"].queryset = free
        fields["queue"].choices = [
            ("", "–"),
            *queue_choices(free.values_list("pk", flat=True)),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("slug") and data.get("name"):
            data["slug"] = slugify(data["name"])[:60] or "department"
            taken = Department.objects.filter(slug=data["slug"]).exclude(pk=self.instance.pk)
            if taken.exists():
                self.add_error("slug", _("Another department has this short name already."))
        return data


class DepartmentViewSet(DeskViewSet):
    model = Department
    name, url_prefix = "helpdesk_departments", "helpdesk/departments"
    icon = "group"
    form_class = DepartmentFacts
    search_fields = ["name"]
    list_display = [
        "name",
        Column("queue", label=gettext_lazy("Topmost queue")),
        Column("page", label=gettext_lazy("Topmost page")),
    ]


class DepartmentColumn(Column):
    """Which department something belongs to."""

    def __init__(self) -> None:
        super().__init__("department", label=gettext_lazy("Department"), accessor=_name)


def _name(row: Any) -> Any:
    return row.department or _("the whole site")


def with_department(rows: Any) -> Any:
    """Return the rows of a list with their departments, in one query."""
    return rows.select_related("department")
