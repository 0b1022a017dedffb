"""Where a form's requests go by what was answered: rules that an editor writes on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail import blocks
from wagtail.blocks.stream_block import StreamBlockValidationError
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.fields import StreamField

from helpdesk import permissions
from helpdesk.models import Department, Priority, Queue, Right, TicketType, queue_map
from helpdesk.rules.conditions import Condition, ConditionError, FieldSet, parse

from .base import PagePart
from .blocks import ConditionBlock, Untranslated
from .conditions import fields_of, problem, values_of


class RowBlock(blocks.ChooserBlock):
    """A choice of one row of a table, from a list."""

    def __init__(self, target_model: str, **kwargs: Any) -> None:
        self.target_model = target_model
        super().__init__(**kwargs)

    def rows(self) -> QuerySet[Any]:
        """Return the rows to choose from."""
        found: QuerySet[Any] = self.model_class._default_manager.all()
        return found

    @cached_property
    def field(self) -> forms.ModelChoiceField:
        return forms.ModelChoiceField(
            queryset=self.rows(),
            required=self._required,
            help_text=self._help_text,
            empty_label="–",
        )

    def get_form_state(self, value: Any) -> Any:
        # what a drop-down takes in the browser: the values chosen, as texts
        return self.field.widget.format_value(getattr(value, "pk", None))


class OwnerBlock(RowBlock):
    """A choice of somebody who may own tickets in some queue."""

    def rows(self) -> QuerySet[Any]:
        owning = Q(groups__queue_rights__right=Right.OWN)
        found = self.model_class._default_manager.filter(owning, is_active=True)
        return found.distinct().order_by("last_name", "first_name", "pk")


class RouteBlock(Untranslated, blocks.StructBlock):
    """One rule: when this was answered, the request goes there. What is empty is as the page says."""

    condition = ConditionBlock(
        label=_("Holds when"), required=False, help_text=_("Empty: always. Such a rule comes last.")
    )
    queue = RowBlock("helpdesk.Queue", label=_("Queue"), required=False)
    ticket_type = RowBlock("helpdesk.TicketType", label=_("Type"), required=False)
    priority = RowBlock("helpdesk.Priority", label=_("Priority"), required=False)
    owner = OwnerBlock(
        settings.AUTH_USER_MODEL,
        label=pgettext_lazy("of a ticket", "Owner"),
        required=False,
        help_text=_("Empty: nobody yet, the team of the queue takes it."),
    )

    class Meta:
        label = _("Rule")
        icon = "redirect"
        label_format = "{queue} {priority} {owner}"


class RoutesBlock(blocks.StreamBlock):
    """The rules in their order."""

    route = RouteBlock()


@dataclass(frozen=True)
class Route:
    """Where a request goes, by which rule (from 1; None: by what the page says), and what was left out."""

    queue: Queue
    type_: TicketType | None
    priority: Priority | None
    owner: Any | None = None
    rule: int | None = None
    problem: str = ""


class RoutingMixin(PagePart):
    """A form whose answers decide where a request goes."""

    queue: Any
    ticket_type: Any
    priority: Any
    fields: Any

    routes = StreamField(
        RoutesBlock(),
        verbose_name=_("routing by answers"),
        blank=True,
        help_text=_(
            "The first rule that holds decides, alone; what it leaves empty, and requests for which none "
            "holds, are as the page says. How long a request is kept stays as the form says it."
        ),
    )

    class Meta:
        abstract = True

    def condition_fields(self) -> FieldSet:
        """Return what conditions may ask about: the form's own fields."""
        return fields_of(self.fields.stream_block.inputs(self.fields))

    def routed(self, answers: Iterable[Mapping[str, Any]]) -> Route:
        """Return where a request with these answers (entries of a snapshot) goes.

        A rule that asks about a field which is gone does not hold; but if it leads to a confidential queue,
        the request goes there rather than to an open one. No request is lost because its owner may not own
        it (any more): it has none then. `problem` says what was left out.
        """
        found = by_page = Route(self.queue, self.ticket_type, self.priority)
        if not self.routes:
            return by_page
        fields = self.condition_fields()
        values, now = values_of(answers, fields), timezone.now()
        unread: list[tuple[int, Any]] = []
        for number, child in enumerate(self.routes, start=1):
            condition = _condition(child.value, fields)
            if condition is None:
                unread.append((number, child.value))
            elif condition.matches(values, now):
                found = _routed(by_page, child.value, number)
                break
        return _in_confidence(found, unread, by_page, fields)

    def route_problems(self) -> list[str]:
        """Return in words what is wrong with the rules as they stand: fields, rights and people change."""
        return [
            _now("Rule %(number)d: %(problem)s") % {"number": place + 1, "problem": message}
            for place, _field, message in self._wrong_routes()
        ]

    def route_error(self) -> ValidationError | None:
        """Return the error of the rules, each at its field; None if all can be followed."""
        found: dict[int, dict[str, ValidationError]] = {}
        for place, field, message in self._wrong_routes():
            found.setdefault(place, {})[field] = ValidationError(message)
        if not found:
            return None
        return StreamBlockValidationError(
            {place: StructBlockValidationError(errors) for place, errors in found.items()}
        )

    def _wrong_routes(self) -> Iterator[tuple[int, str, str]]:
        """Yield place, field and message of what is wrong."""
        fields = self.condition_fields()
        for place, child in enumerate(self.routes):
            value = child.value
            wrong = problem(value["condition"], fields)
            if wrong:
                yield place, "condition", wrong
            owner, queue = value["owner"], value["queue"] or _queue_of(self)
            if owner is not None and queue is not None and not _may_own(owner, queue):
                yield place, "owner", _no_owner(owner, queue)


def _queue_of(page: RoutingMixin) -> Queue | None:
    return page.queue if page.queue_id is not None else None  # type: ignore[attr-defined]


def _condition(value: Any, fields: FieldSet) -> Condition | None:
    """Return the condition of a rule; None if it cannot be asked any more."""
    try:
        return parse(value["condition"] or {"all": []}, fields, known=False)
    except ConditionError:
        return None


def _routed(by_page: Route, value: Any, number: int) -> Route:
    queue, owner = value["queue"] or by_page.queue, value["owner"]
    is_wrong = owner is not None and not _may_own(owner, queue)
    return Route(
        queue,
        value["ticket_type"] or by_page.type_,
        value["priority"] or by_page.priority,
        None if is_wrong else owner,
        number,
        _no_owner(owner, queue) if is_wrong else "",
    )


def _in_confidence(
    found: Route, unread: Iterable[tuple[int, Any]], by_page: Route, fields: FieldSet
) -> Route:
    """Return `found`, or the way into a confidential queue by a rule that nobody can read any more.

    Whether such a rule would have held is unknown: what may be confidential is not shown to everybody.
    """
    for number, value in unread:
        route = _routed(by_page, value, number)
        if route.queue.keeps_confidence:
            if found.queue.keeps_confidence:
                return found
            return replace(route, problem=problem(value["condition"], fields) or route.problem)
    return found


def _may_own(user: Any, queue: Queue) -> bool:
    return permissions.can(permissions.agent(user), Right.OWN, queue)


def _no_owner(user: Any, queue: Queue) -> str:
    return _now("%(person)s may not own tickets in the queue “%(queue)s”.") % {
        "person": user,
        "queue": queue,
    }


# --- which queues an editor may choose ----------------------------------------------------------


def offered_queues(page: Any, parent: Any, user: Any) -> QuerySet[Queue]:
    """Return the queues that a form may lead to: those of the page's department; superusers: all.

    `parent` is the page above, where a new page has no place yet. Pages of no department lead anywhere, unless
    the editor may edit them only as a member of teams that belong to departments: then to those.
    """
    everything = Queue.objects.all()
    if user is None or permissions.is_superuser(permissions.agent(user)):
        return everything
    place = page if page.pk else parent
    department = department_of(place)
    tops = _tops_of_editor(place, user) if department is None else {department.queue_id}
    if not tops:
        return everything
    parents = {pk: queue.parent_id for pk, queue in queue_map().items()}
    inside = [pk for pk in parents if tops.intersection(permissions.upwards(pk, parents))]
    return everything.filter(pk__in=inside)


def _tops_of_editor(place: Any, user: Any) -> set[int]:
    """Return the topmost queues of the departments for which somebody edits a page; empty: for the whole site."""
    if place is None:
        return set()
    above = place.get_ancestors(inclusive=True)
    groups = user.groups.filter(page_permissions__page__in=above).distinct()
    tops = set(groups.values_list("team__department__queue", flat=True))
    return set() if None in tops else tops


def department_of(page: Any) -> Department | None:
    """Return the department to which a page belongs: that of the nearest topmost page above it."""
    if page is None:
        return None
    above = list(page.get_ancestors(inclusive=True).reverse().values_list("pk", flat=True))
    found = {row.page_id: row for row in Department.objects.filter(page__in=above)}
    return next((found[pk] for pk in above if pk in found), None)


def foreign_routes(routes: Any, offered: QuerySet[Queue], held: set[int]) -> ValidationError | None:
    """Return the error of rules that lead outside `offered`; those in `held` were chosen before."""
    allowed = set(offered.values_list("pk", flat=True)) | held
    message = _("This queue belongs to another department.")
    wrong = {
        place: StructBlockValidationError({"queue": ValidationError(message)})
        for place, child in enumerate(routes)
        if child.value["queue"] is not None and child.value["queue"].pk not in allowed
    }
    return StreamBlockValidationError(wrong) if wrong else None


def queues_in(routes: Any) -> set[int]:
    """Return the ids of the queues that rules lead to."""
    return {child.value["queue"].pk for child in routes if child.value["queue"] is not None}
