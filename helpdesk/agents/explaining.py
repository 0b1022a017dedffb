"""Who may do what, and why: for a queue with all its people, and for one agent and one ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import permissions
from helpdesk.errors import InvalidInput
from helpdesk.models import Queue, Right, Ticket
from helpdesk.permissions import Actor, Answer, Grant, Why

from . import policy
from .team_members import find_account

#: People offered while one types.
OFFERED = 200


def leads(actor: Actor, queue_id: int) -> bool:
    """Tell whether the actor manages or administers a queue."""
    return permissions.is_superuser(actor) or queue_id in policy.led(actor)


def known_accounts(actor: Actor) -> QuerySet[Any]:
    """Return the accounts that the actor may know of: in any order, active or not.

    All for superusers, for who administers a queue (they take accounts into teams) and for who keeps accounts. For
    others oneself, the people of the queues they read, and superusers, who are named to who leads a queue.
    """
    model = get_user_model()
    rows = model._default_manager.all()
    keeps = f"{model._meta.app_label}.change_{model._meta.model_name}"
    user = actor.user
    if policy.may_administer(actor) or (user is not None and user.has_perm(keeps)):
        return rows
    team = permissions.teammates(actor).order_by().values("pk")
    return rows.filter(Q(pk__in=team) | Q(is_superuser=True) | Q(pk=getattr(user, "pk", None)))


@dataclass(frozen=True)
class Line:
    """An answer in words. What the reader must not know of is not named."""

    right: Any
    allowed: bool
    reasons: tuple[str, ...]


def line(answer: Answer, actor: Actor, queue: Queue) -> Line:
    """Return an answer about `queue` in the words for `actor`, who leads it."""
    if answer.why == Why.TEAM:
        reasons = tuple(_grant(one, actor, queue) for one in answer.grants)
    elif answer.why == Why.FOLLOWS:
        one = answer.grants[0]
        said = {"right": one.right_name, "grant": _grant(one, actor, queue)}
        reasons = (_("follows from “%(right)s”: %(grant)s") % said,)
    else:
        reasons = (str(answer.why.label),)
    return Line(answer.right_name, answer.allowed, reasons)


def _grant(grant: Grant, actor: Actor, queue: Queue) -> str:
    said = {"team": grant.team.name, "queue": grant.queue.name}
    if grant.queue.pk == queue.pk:
        return _("team “%(team)s”, here") % said
    if permissions.is_superuser(actor) or grant.queue.pk in actor.queue_rights:
        return _("team “%(team)s”, in “%(queue)s” above") % said
    return _("team “%(team)s”, in a queue above") % said


class Screen(WagtailAdminTemplateMixin, TemplateView):
    header_icon = "view"
    page_title: Any = ""
    _show_breadcrumbs = True

    @property
    def actor(self) -> Actor:
        return policy.actor_of(self.request)


class QueuePeopleView(Screen):
    """Who may do what in a queue, and where that comes from."""

    template_name = "helpdesk/agents/queue_people.html"

    def get_page_title(self) -> str:
        return _("Who may do what in “%(queue)s”") % {"queue": self.queue.name}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not leads(policy.actor_of(request), kwargs["pk"]):
            raise Http404
        self.queue = get_object_or_404(Queue, pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        edit = reverse("helpdesk_queues:edit", args=[self.queue.pk])
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_queues:index"), "label": _("Queues")},
            {"url": edit, "label": self.queue.name},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people, superusers = permissions.people_of(self.queue)
        return super().get_context_data(
            queue=self.queue,
            rights=list(Right.labels),
            rows=[
                (one.user, [line(answer, self.actor, self.queue) for answer in one.answers])
                for one in people
            ],
            superusers=superusers,
            **kwargs,
        )


class ExplainView(Screen):
    """Why somebody may do something with a ticket, or not. For who leads its queue."""

    template_name = "helpdesk/agents/explain.html"
    page_title = gettext_lazy("Who may see this?")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not policy.may_lead(policy.actor_of(request)):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        number = request.GET.get("number", "").strip()[:40]
        who = request.GET.get("who", "").strip()[:254]
        context: dict[str, Any] = {"number": number, "who": who}
        status = 200
        if number:
            ticket = self._ticket(number)
            if ticket is None:  # also for one that is there, but not the reader's to ask about
                context["error"] = _("There is no such ticket in a queue that you lead.")
                status = 404
            else:
                context |= self._explained(ticket, who)
        context["offered"] = permissions.teammates(self.actor)[:OFFERED]
        return self.render_to_response(self.get_context_data(**context), status=status)

    def _ticket(self, number: str) -> Ticket | None:
        digits = "".join(character for character in number if character.isdigit())
        rows = permissions.visible_tickets(self.actor).filter(number=digits)
        found = rows.select_related("state", "queue", "merged_into").first() if digits else None
        return found if found is not None and leads(self.actor, found.queue_id) else None

    def _explained(self, ticket: Ticket, who: str) -> dict[str, Any]:
        if not who:
            return {"ticket": ticket}
        try:
            user = find_account(who, among=known_accounts(self.actor))
        except InvalidInput as error:
            return {"ticket": ticket, "who_error": str(error)}
        answers = permissions.explain_all(permissions.agent(user), ticket)
        lines = [line(answer, self.actor, ticket.queue) for answer in answers]
        return {"ticket": ticket, "person": user, "lines": lines, "reads": lines[0]}
