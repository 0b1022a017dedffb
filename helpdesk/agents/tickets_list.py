"""The list of tickets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, Table
from wagtail.admin.views import generic
from wagtail.admin.widgets.button import Button, HeaderButton

from helpdesk import conf, duplicates, permissions, search
from helpdesk.confidence import Veil
from helpdesk.models import (
    NOT_ARCHIVED,
    InformedQueue,
    OutboundMail,
    Priority,
    Right,
    Seen,
    State,
    TaggedTicket,
    Ticket,
    Watcher,
    in_tree_order,
    queue_map,
)
from helpdesk.permissions import Actor
from helpdesk.rules import conditions
from helpdesk.states import StateType

from . import clock_facts, erased, erased_soon, policy, standing, together
from .list_views import TICKET_FIELDS, VIEWS
from .paging import CappedPaginator
from .standing import Standings


@dataclass(frozen=True)
class TicketFilters:
    """What an agent asks the list for. Owners are ids, "me" or "none"."""

    view: str = "open"
    queues: tuple[int, ...] = ()
    states: tuple[int, ...] = ()
    owners: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    words: str = ""
    with_archive: bool = False
    #: only those that may be erased in so many days; 0: whenever
    erased_within: int = 0

    @property
    def has_archived(self) -> bool:
        """Whether archived tickets are among them: in lists of closed ones, if they or something of them is asked for."""
        asks = self.with_archive or self.erased_within or self.words.strip()
        return VIEWS[self.view].has_closed and bool(asks)

    def condition(self, actor: Actor) -> dict[str, object]:
        """Return the filter as a condition of `helpdesk.rules.conditions`, in JSON."""
        view = VIEWS[self.view]
        parts: list[dict[str, object]] = list(view.conditions)
        if view.mine:
            parts.append({"field": "owner", "op": "is", "value": actor.user.pk})
        for field, ids in (
            ("queue", self.queues),
            ("state", self.states),
            ("priority", self.priorities),
        ):
            if ids:
                parts.append({"field": field, "op": "in", "value": list(ids)})
        if self.owners:
            parts.append({"any": [_owner(owner, actor) for owner in self.owners]})
        return {"all": parts}


def _owner(owner: str, actor: Actor) -> dict[str, object]:
    if owner == "none":
        return {"field": "owner", "op": "empty"}
    return {"field": "owner", "op": "is", "value": actor.user.pk if owner == "me" else int(owner)}


def tickets_for(actor: Actor, filters: TicketFilters) -> QuerySet[Ticket]:
    """Return the tickets that `actor` may read and that the filter asks for, in no order.

    Spam shows in lists of open tickets only where its queue is asked for.
    """
    condition = conditions.parse(filters.condition(actor), TICKET_FIELDS)
    found = permissions.visible_tickets(actor).filter(condition.to_q(timezone.now()))
    view = VIEWS[filters.view]
    if not filters.has_archived:
        found = found.filter(NOT_ARCHIVED)
    if filters.erased_within:
        found = erased_soon.narrow(found, filters.erased_within)
    if view.watched:
        found = found.filter(pk__in=Watcher.objects.filter(user=actor.user).values("ticket"))
    if view.is_work:
        found = found.filter(queue__in=actor.queues_with(Right.READ))
    if not view.has_spam and not filters.queues:
        found = found.filter(queue__is_junk=False)
    if view.narrow is not None:
        found = view.narrow(found, actor)
    if filters.tags:
        tagged = TaggedTicket.objects.filter(tag__in=filters.tags)
        found = found.filter(pk__in=tagged.values("content_object"))
    if filters.words.strip():
        hits = search.find_tickets(actor, filters.words)
        found = found.filter(pk__in=hits.order_by().values("pk"))
    return found


def for_rows(tickets: QuerySet[Ticket], actor: Actor) -> QuerySet[Ticket]:
    """Return `tickets` with what a row shows and nothing else: no answers, no long texts."""
    seen = Seen.objects.filter(ticket=OuterRef("pk"), user=actor.user).values("at")[:1]
    mails = OutboundMail.objects.filter(ticket=OuterRef("pk")).exclude(
        kind=OutboundMail.Kind.NOTICE
    )
    newest = mails.order_by("-pk").values("bounced_at")[:1]
    informed = InformedQueue.objects.filter(ticket=OuterRef("pk"))
    return (
        tickets.select_related("queue", "state", "priority", "owner", "customer")
        .annotate(
            seen_at=Subquery(seen),
            page_title=F("page__title"),
            informs=Exists(informed),
            # when the newest mail to the customer came back, if it did
            came_back_at=Subquery(newest),
        )
        .only(
            *("number", "subject", "preview", "contact", "channel", "is_test"),
            *("created_at", "changed_at", "waiting_since", "pending_until"),
            *("next_action_at", "next_action", "archived_at"),
            *("erase_at", "erase_warned_at", "storage_step", "at_end", "objected_at"),
            *("queue__name", "state__name_de", "state__name_en", "state__type"),
            *("priority__name_de", "priority__name_en", "priority__level"),
            *("owner__first_name", "owner__last_name", "owner__username", "customer__name"),
            *("owner__is_active", "owner__is_superuser"),
        )
    )


def tags_by_ticket(tickets: Iterable[Ticket]) -> dict[int, list[str]]:
    """Return the names of the tags of some tickets, in one query."""
    found: dict[int, list[str]] = {}
    rows = TaggedTicket.objects.filter(content_object__in=[ticket.pk for ticket in tickets])
    for pk, name in rows.order_by("tag__name").values_list("content_object_id", "tag__name"):
        found.setdefault(pk, []).append(name)
    return found


def is_unread(ticket: Any) -> bool:
    """Tell whether something happened since the agent last opened a ticket of `for_rows`."""
    return ticket.seen_at is None or ticket.seen_at < ticket.changed_at


#: Dates that are never empty.
_INDEXED = ("changed_at", "created_at")


def ordered(tickets: QuerySet[Ticket], ordering: str) -> QuerySet[Ticket]:
    """Order by a field (`-` before it: downwards); empty dates come last in both directions."""
    name = ordering.removeprefix("-")
    minus = "-" if ordering.startswith("-") else ""
    if name in _INDEXED:  # said as the index has it: with "empty ones last" it is of no use
        return tickets.order_by(ordering, f"{minus}pk")
    field = F(name)
    key = field.desc(nulls_last=True) if minus else field.asc(nulls_last=True)
    return tickets.order_by(key, "-changed_at", "-pk")


def queue_choices(queue_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Return queues as choices in tree order, indented by their depth."""
    wanted = set(queue_ids)
    queues = {pk: queue for pk, queue in queue_map().items() if pk in wanted}
    return [
        (queue.pk, "\u2003" * depth + queue.name + ("" if queue.is_active else " ·"))
        for queue, depth in in_tree_order(queues)
    ]


def _checkboxes(label: Any) -> Any:
    return django_filters.MultipleChoiceFilter(label=label, widget=forms.CheckboxSelectMultiple)


class TicketFilterSet(WagtailFilterSet):
    """The form of the list's filters. The query itself is `tickets_for`."""

    queue = _checkboxes(gettext_lazy("Queue"))
    state = _checkboxes(gettext_lazy("State"))
    owner = _checkboxes(pgettext_lazy("of a ticket", "Owner"))
    priority = _checkboxes(gettext_lazy("Priority"))
    tag = _checkboxes(gettext_lazy("Tag"))
    erased = erased_soon.filter_field()

    class Meta:
        model = Ticket
        fields: list[str] = []

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, **kwargs)
        actor = policy.actor_of(request)
        people = [(str(user.pk), str(user)) for user in policy.colleagues(actor)]
        choices: dict[str, list[tuple[Any, Any]]] = {
            "queue": list(queue_choices(actor.queues_with(Right.READ))),
            "state": [(row.pk, row.name) for row in State.objects.all()],
            "owner": [("me", _("Me")), ("none", _("Nobody")), *people],
            "priority": [(row.pk, row.name) for row in Priority.objects.all()],
            "tag": [(row.pk, row.name) for row in policy.visible_tags(actor)],
        }
        for name, options in choices.items():
            self.filters[name].extra["choices"] = options

    def asked(self, view: str, words: str) -> TicketFilters:
        """Return what the form asks for, together with the tab and the search words."""
        data = self.form.cleaned_data if self.is_valid() else {}
        return TicketFilters(
            view=view,
            queues=tuple(int(pk) for pk in data.get("queue", ())),
            states=tuple(int(pk) for pk in data.get("state", ())),
            owners=tuple(data.get("owner", ())),
            priorities=tuple(int(pk) for pk in data.get("priority", ())),
            tags=tuple(int(pk) for pk in data.get("tag", ())),
            words=words,
            with_archive=bool(data.get("archive")),
            erased_within=int(data.get("erased") or 0),
        )


class ClosedFilterSet(TicketFilterSet):
    """The same for lists of closed tickets: with a switch for those in the archive."""

    archive = _checkboxes(gettext_lazy("Archive"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, **kwargs)
        self.filters["archive"].extra["choices"] = [("with", _("With archived tickets"))]


class CellColumn(Column):
    """A column with a template of its own."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.cell_template_name = f"helpdesk/agents/cells/{name}.html"
        super().__init__(name, accessor=lambda ticket: ticket, **kwargs)


STATE_ICONS: dict[str, str] = {
    StateType.NEW: "plus-inverse",
    StateType.OPEN: "folder-open-inverse",
    StateType.PENDING_REMINDER: "time",
    StateType.PENDING_AUTO: "time",
    StateType.CLOSED: "circle-check",
    StateType.MERGED: "redirect",
    StateType.REMOVED: "bin",
}


class TicketTable(Table):
    """Rows know whether they are unread, and their state's icon."""

    def get_row_classname(self, instance: Any) -> str:
        return "hd-row hd-row--unread" if instance.is_unread else "hd-row"


COLUMNS = (
    CellColumn("subject", label=gettext_lazy("Subject")),
    CellColumn("customer", label=gettext_lazy("Customer")),
    CellColumn("queue", label=gettext_lazy("Queue")),
    CellColumn("state", label=gettext_lazy("State")),
    CellColumn("owner", label=pgettext_lazy("of a ticket", "Owner")),
    CellColumn("waiting", label=gettext_lazy("Waiting"), sort_key="waiting_since"),
    CellColumn("next", label=gettext_lazy("Due"), sort_key="next_action_at"),
    CellColumn("changed", label=gettext_lazy("Changed"), sort_key="changed_at"),
)


class TicketIndexView(generic.IndexView):
    """The list: tabs, filters, search, sorting. Real links, one page at a time."""

    model = Ticket
    template_name = "helpdesk/agents/tickets.html"
    results_template_name = "helpdesk/agents/tickets_results.html"
    page_title = gettext_lazy("Tickets")
    header_icon = "mail"
    any_permission_required = ["view"]
    is_searchable = True
    filterset_class = TicketFilterSet
    table_class = TicketTable
    table_classname = "listing hd-tickets"
    columns = COLUMNS
    paginate_by = 50
    paginator_class = CappedPaginator
    verbose_name_plural = gettext_lazy("tickets")
    _show_breadcrumbs = True

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        found = VIEWS.get(kwargs.get("view", "open"))
        if found is None:
            raise Http404
        self.list_view = found
        if found.has_closed:
            self.filterset_class = ClosedFilterSet
        self.default_ordering = erased_soon.ordering_of(request) or found.ordering
        super().setup(request, *args, **kwargs)
        self.is_export = False  # a spreadsheet would read the whole list

    @property
    def actor(self) -> Actor:
        return policy.actor_of(self.request)

    @cached_property
    def standings(self) -> Standings:
        return Standings()

    def get_index_url(self) -> str:
        if self.list_view.slug == "open":
            return reverse("helpdesk_agents:tickets")
        return reverse("helpdesk_agents:tickets_view", args=[self.list_view.slug])

    def get_index_results_url(self) -> str:
        return reverse("helpdesk_agents:tickets_results", args=[self.list_view.slug])

    def get_valid_orderings(self) -> list[str]:
        more = ("number", "created_at", "priority__level", erased_soon.ORDERING)
        return [*super().get_valid_orderings(), *more, *(f"-{key}" for key in more)]

    @cached_property
    def asked(self) -> TicketFilters:
        found: TicketFilters = self.filters.asked(self.list_view.slug, self.search_query or "")
        return found

    def get_queryset(self) -> QuerySet[Ticket]:
        tickets = for_rows(tickets_for(self.actor, self.asked), self.actor)
        return ordered(tickets, self.ordering)

    def get_table(self, object_list: Iterable[Any]) -> Table:
        rows = Veil().over(object_list)
        tags = tags_by_ticket(rows)
        self.standings.mark(rows)
        standing.mark_without_rights(rows, self.actor)
        marked = duplicates.marked(self.actor, rows)
        erased_soon.mark(rows, with_date=self.asked.erased_within > 0)
        for ticket in rows:
            ticket.is_unread = is_unread(ticket)
            ticket.looks_like = ticket.pk in marked
            ticket.tag_names = () if ticket.is_veiled else tags.get(ticket.pk, ())
            ticket.reads_along = permissions.reads_along(self.actor, ticket)
            ticket.next_date = clock_facts.next_date(ticket)
            ticket.state_icon = STATE_ICONS[ticket.state.type]
        together.mark_rows(self.actor, rows)
        return super().get_table(rows)

    @property
    def header_buttons(self) -> list[Any]:
        if not policy.may_open(self.actor):
            return []
        url = reverse("helpdesk_agents:phone")
        return [HeaderButton(_("New phone ticket"), url=url, icon_name="plus")]

    @property
    def header_more_buttons(self) -> list[Any]:
        orders = (
            ("-created_at", _("Newest first")),
            ("created_at", _("Oldest first")),
            ("waiting_since", _("Longest waiting first")),
            ("next_action_at", _("Due first")),
            ("-priority__level", _("Most urgent first")),
        )
        return [
            Button(label, url=f"{self.index_url}?ordering={key}", icon_name="order", priority=rank)
            for rank, (key, label) in enumerate(orders)
        ]

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(*args, **kwargs)
        tabs = []
        for view in VIEWS.values():
            if view.narrow and view != self.list_view and not self.standings.who.absences:
                continue  # nobody is away
            name, where = ("tickets", []) if view.slug == "open" else ("tickets_view", [view.slug])
            url = reverse(f"helpdesk_agents:{name}", args=where)
            tabs.append((view.label, url, view.slug == self.list_view.slug))
        context["tabs"] = tabs
        context["all_url"] = reverse("helpdesk_agents:tickets_view", args=["all"])
        context["list_view"] = self.list_view
        context["erased"] = erased.by_words(self.actor, self.search_query or "")
        if self.list_view.has_closed and not self.asked.has_archived:
            context["archived_after"] = int(conf.get("ARCHIVE_DAYS"))
        return context
