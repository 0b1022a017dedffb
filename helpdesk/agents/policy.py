"""`helpdesk.permissions` in the words of Wagtail: who may see and change what in the admin.

Nothing is decided here. The view sets ask these policies, and the policies ask `permissions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from wagtail.permission_policies.base import BasePermissionPolicy

from helpdesk import permissions
from helpdesk.models import (
    AutoResponse,
    Customer,
    Queue,
    Right,
    TaggedTicket,
    Ticket,
    TicketTag,
    confidential_queues,
)
from helpdesk.permissions import Actor

ALL = frozenset({"add", "change", "delete", "view"})


def actor_for(user: Any) -> Actor:
    """Return the actor of a logged-in user; rights are looked up once per user object."""
    actor = getattr(user, "_helpdesk_actor", None)
    if actor is None:
        actor = permissions.agent(user)
        user._helpdesk_actor = actor
    return actor


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts in this request."""
    return actor_for(request.user)


def is_superuser(actor: Actor) -> bool:
    return permissions.is_superuser(actor)


def may_enter(actor: Actor) -> bool:
    """Tell whether the actor has anything to do in the help desk."""
    return is_superuser(actor) or permissions.is_agent(actor)


def may_open(actor: Actor) -> bool:
    """Tell whether the actor may open tickets in at least one queue."""
    return bool(actor.queues_with(Right.CREATE))


def may_manage(actor: Actor) -> bool:
    """Tell whether the actor manages at least one queue, or everything."""
    return is_superuser(actor) or bool(actor.queues_with(Right.MANAGE))


def may_administer(actor: Actor) -> bool:
    """Tell whether the actor administers at least one queue, or everything."""
    return is_superuser(actor) or bool(permissions.administered(actor))


def may_lead(actor: Actor) -> bool:
    """Tell whether the actor manages or administers at least one queue, or everything."""
    return may_manage(actor) or may_administer(actor)


def led(actor: Actor) -> frozenset[int]:
    """Return the ids of the queues that the actor manages or administers."""
    return actor.queues_with(Right.MANAGE) | permissions.administered(actor)


def may_administer_department(actor: Actor) -> bool:
    """Tell whether the actor administers a whole department, or everything. One query for each user object."""
    if is_superuser(actor):
        return True
    if not may_administer(actor):
        return False
    known: bool | None = getattr(actor.user, "_helpdesk_has_department", None)
    if known is None:  # the menu asks for each of its items
        known = permissions.administered_departments(actor).exists()
        actor.user._helpdesk_has_department = known
    return known


def may_audit(actor: Actor) -> bool:
    """Tell whether the actor may read the audit log: of everything, or of the queues they administer."""
    return may_administer(actor)


def may_handle_persons(actor: Actor) -> bool:
    """Tell whether the actor deals with the requests of data subjects."""
    return permissions.may_handle_persons(actor)


def check(allowed: bool) -> None:
    """Send somebody without the right away: the admin answers with its own message."""
    if not allowed:
        raise PermissionDenied


def find_ticket(request: HttpRequest, pk: int) -> Ticket:
    """Return a ticket the acting agent may read, or raise 404."""
    tickets = permissions.visible_tickets(actor_of(request))
    related = ("state", "queue", "priority", "type", "owner", "responsible", "promise")
    people = ("customer__organisation", "organisation")
    return get_object_or_404(tickets.select_related(*related, *people), pk=pk)


def may_fetch_quarantined(actor: Actor, ticket: Ticket) -> bool:
    """Tell whether the actor may be given a file in which a virus was found, after a warning."""
    return is_superuser(actor) or permissions.can(actor, Right.ADMINISTER, ticket)


def require(actor: Actor, right: Right, thing: Ticket | Queue) -> None:
    """Raise 404 unless the actor has the right: a refusal looks like absence."""
    if not permissions.can(actor, right, thing):
        raise Http404


def colleagues(actor: Actor) -> QuerySet[Any]:
    """Return the users who may own tickets in a queue that the actor may read, by name."""
    return permissions.teammates(actor, Right.OWN)


def visible_tags(actor: Actor) -> QuerySet[TicketTag]:
    """Return the tags on tickets that the actor may read, by name."""
    tagged = TaggedTicket.objects.filter(content_object__in=permissions.visible_tickets(actor))
    return TicketTag.objects.filter(pk__in=tagged.values("tag")).order_by("name")


class DeskPolicy(BasePermissionPolicy):
    """A Wagtail policy over an actor's rights: which actions at all, and on which rows."""

    def actions(self, actor: Actor) -> frozenset[str]:
        """Return the actions possible on at least some rows. Superusers may do everything."""
        return ALL if is_superuser(actor) else frozenset()

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Any]:
        """Return the rows on which one of `actions` (all of them possible) is allowed."""
        return self.model._default_manager.all()

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action in self.actions(actor_for(user))

    def users_with_any_permission(self, actions: Iterable[str]) -> QuerySet[Any]:
        return get_user_model()._default_manager.filter(is_active=True, is_superuser=True)

    def instances_user_has_any_permission_for(
        self, user: Any, actions: Iterable[str]
    ) -> QuerySet[Any]:
        actor = actor_for(user)
        possible = self.actions(actor) & frozenset(actions)
        if not possible:
            return self.model._default_manager.none()
        return self.rows(actor, possible)

    def user_has_permission_for_instance(self, user: Any, action: str, instance: Model) -> bool:
        rows = self.instances_user_has_any_permission_for(user, [action])
        return rows.filter(pk=instance.pk).exists()


class TicketPolicy(DeskPolicy):
    """Tickets are listed by view sets, but changed by verbs only."""

    def actions(self, actor: Actor) -> frozenset[str]:
        found = {"view"} if may_enter(actor) else set()
        return frozenset(found | ({"add"} if may_open(actor) else set()))

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Ticket]:
        return permissions.visible_tickets(actor)


class BlockPolicy(DeskPolicy):
    """Blocked senders hold for the whole help desk, and are for everybody who manages a queue."""

    def actions(self, actor: Actor) -> frozenset[str]:
        return ALL if may_manage(actor) else frozenset()


class QueuePolicy(DeskPolicy):
    """Queues are for those who lead them; who administers one makes others below it."""

    def actions(self, actor: Actor) -> frozenset[str]:
        if is_superuser(actor):
            return ALL
        found = {"change", "view"} if may_lead(actor) else set()
        return frozenset(found | ({"add"} if may_administer(actor) else set()))

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Queue]:
        if is_superuser(actor):
            return Queue.objects.all()
        return Queue.objects.filter(pk__in=led(actor))


class ResponsePolicy(DeskPolicy):
    """Automatic answers belong to whoever leads their queue."""

    def actions(self, actor: Actor) -> frozenset[str]:
        return ALL if may_lead(actor) else frozenset()

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Any]:
        if is_superuser(actor):
            return AutoResponse.objects.all()
        return AutoResponse.objects.filter(queue__in=led(actor))


class DepartmentPolicy(DeskPolicy):
    """What belongs to a department is for those who administer it; what is for the whole site, for superusers."""

    def actions(self, actor: Actor) -> frozenset[str]:
        return ALL if may_administer_department(actor) else frozenset()

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Any]:
        rows = self.model._default_manager.all()
        if is_superuser(actor):
            return rows
        return rows.filter(department__in=permissions.administered_departments(actor))


class CustomerPolicy(DeskPolicy):
    """An agent sees the customers of the tickets that the agent sees; the form is for who sees the whole record."""

    def actions(self, actor: Actor) -> frozenset[str]:
        if not may_enter(actor):
            return frozenset()
        return frozenset({"view", "change"} if may_open(actor) else {"view"})

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Customer]:
        rows = visible_customers(actor)
        return rows if "view" in actions else rows.filter(permissions.open_records(actor))


class OrganisationPolicy(DeskPolicy):
    """Organisations are for who manages a queue, changed where nobody else deals with them; superusers delete."""

    def actions(self, actor: Actor) -> frozenset[str]:
        if is_superuser(actor):
            return ALL
        return frozenset({"add", "change", "view"}) if may_manage(actor) else frozenset()

    def rows(self, actor: Actor, actions: frozenset[str]) -> QuerySet[Any]:
        rows = super().rows(actor, actions)
        return rows if "view" in actions else rows.filter(permissions.own_organisations(actor))


def visible_customers(actor: Actor) -> QuerySet[Customer]:
    """Return the customers with at least one ticket in the actor's queues; superusers see all.

    Those who became another customer are not among them, nor those who only asked in confidence. Who only reads a
    ticket along has nothing to do with its customer.
    """
    customers = Customer.objects.filter(merged_into=None)
    if is_superuser(actor):
        return customers
    tickets = permissions.visible_tickets(actor).filter(
        customer=OuterRef("pk"), queue__in=actor.queues_with(Right.READ) - confidential_queues()
    )
    return customers.filter(Exists(tickets))


def with_contacts(customers: QuerySet[Customer], actor: Actor) -> QuerySet[Customer]:
    """Return customers with `contact_here`, the address they last asked from in the actor's queues, and `is_open`.

    `is_open`: the actor sees their whole record, too.
    """
    tickets = permissions.visible_tickets(actor).filter(
        customer=OuterRef("pk"), queue__in=actor.queues_with(Right.READ) - confidential_queues()
    )
    last = tickets.exclude(contact="").order_by("-pk").values("contact")[:1]
    record = permissions.open_records(actor)
    is_open = Case(When(record, then=True), default=False) if record else Value(value=True)
    return customers.annotate(
        contact_here=Subquery(last), is_open=ExpressionWrapper(is_open, BooleanField())
    )


def in_managed_queues(actor: Actor, prefix: str) -> Q:
    """Return a filter on rows whose `prefix` (path to a queue) is managed by the actor."""
    if is_superuser(actor):
        return Q()
    return Q(**{f"{prefix}__in": actor.queues_with(Right.MANAGE)})
