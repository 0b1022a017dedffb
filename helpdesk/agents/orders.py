"""Orders of queues on the screen of their ticket: the panel, the plan, approval and refusal, and orders by mail."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import actions, permissions
from helpdesk.actions import Wanted
from helpdesk.errors import Conflict, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import MailAccount, OrderSettings, QueueOrder, Right, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules import order_mail

from . import policy
from .order_forms import PlacedForm, SettingsForm, Sheet, WantedForm, rows_for
from .panels import TicketAction, TicketPanel
from .ticket import url_of
from .ticket_page import TicketPage


def order_of(ticket: Ticket) -> QueueOrder | None:
    """Return the order that a ticket is, with what its plan reads."""
    related = (
        "parent",
        "queue",
        "group",
        "chosen_team",
        "account__mailbox",
        "calendar",
        "promise",
        "page",
    )
    rows = QueueOrder.objects.select_related(*related, "decided_by")
    return rows.filter(ticket=ticket).first()


def takes_orders(ticket: Ticket) -> bool:
    """Tell whether a ticket without an order may be made one: it lies in the queue of orders and is no test of a form."""
    return not ticket.is_test and ticket.queue_id == OrderSettings.current().queue_id


def may_decide(actor: Actor, order: QueueOrder) -> bool:
    """Tell whether the actor may approve or refuse: who answers on the ticket, and makes queues at that place."""
    return permissions.can(actor, Right.ANSWER, order.ticket) and permissions.may_make_queue(
        actor, order.parent
    )


def _of(request: HttpRequest, ticket: Ticket) -> QueueOrder | None:
    """Return the order of the ticket shown; it is looked up once for the whole screen."""
    known: dict[int, QueueOrder | None] = request.__dict__.setdefault("_helpdesk_orders", {})
    if ticket.pk not in known:
        known[ticket.pk] = order_of(ticket)
    return known[ticket.pk]


def action(request: HttpRequest, ticket: Ticket) -> TicketAction | None:
    """Return the button to an order that waits for a decision (a hook `register_ticket_action`)."""
    actor, order = policy.actor_of(request), _of(request, ticket)
    if order is None or not order.is_open or not permissions.can(actor, Right.NOTE, ticket):
        return None
    html = format_html(
        '<a class="button button-small button-secondary" href="{}">{}</a>',
        reverse("helpdesk_agents:order", args=[ticket.pk]),
        _("Order of a queue"),
    )
    return TicketAction(html=html, order=10)


def panel(request: HttpRequest, ticket: Ticket) -> TicketPanel | None:
    """Return the panel of an order, or the way to make a ticket one (a hook `register_ticket_panel`)."""
    actor = policy.actor_of(request)
    order = _of(request, ticket)
    if not permissions.can(actor, Right.NOTE, ticket):
        return None
    if order is None:
        if ticket.merged_into_id is not None or not takes_orders(ticket):
            return None
        context: dict[str, Any] = {"ticket": ticket}
    else:
        # of what is decided the order's own screen tells: a ticket is looked at more often than an order
        plan = actions.plan_of(order, actor) if order.is_open else ()
        context = {
            "ticket": ticket,
            "order": order,
            "plan": plan,
            "stops": len(actions.in_the_way(plan)),
            "may_decide": may_decide(actor, order),
        }
    html = render_to_string("helpdesk/agents/parts/order_panel.html", context, request)
    return TicketPanel(title=_("Order of a queue"), html=html, order=10)


class OrderView(TicketPage):
    """The plan of an order, what can be changed of it, and the decision."""

    template_name = "helpdesk/agents/order.html"
    page_title = gettext_lazy("Order of a queue")
    header_icon = "clipboard-list"

    def prepare(self, **kwargs: Any) -> None:
        found = order_of(self.ticket)
        if found is None:
            raise Http404
        self.order = found
        self.order.ticket = self.ticket

    def get_page_subtitle(self) -> str:
        return str(self.order.address)

    def sheet(self, data: Any = None) -> Sheet:
        names = ("address", "name", "purpose", "department", "hours", "group_name")
        initial = {name: getattr(self.order, name) for name in names}
        initial |= {
            name: getattr(self.order, f"{name}_id")
            for name in ("chosen_team", "parent", "calendar", "promise", "page")
        }
        facts = PlacedForm(data, initial=initial, order=self.order, actor=self.actor)
        people = actions.rows_of(self.order)
        return Sheet(facts, rows_for(people, data), people)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order = self.order
        plan = actions.plan_of(order, self.actor)
        kwargs.setdefault("sheet", None if order.state == order.State.APPROVED else self.sheet())
        return super().get_context_data(
            ticket=self.ticket,
            order=order,
            plan=plan,
            stops=actions.in_the_way(plan),
            is_incomplete=any(step.standing == actions.Standing.MAKE for step in plan),
            may_decide=may_decide(self.actor, order),
            account_url=_account_url(self.actor, order.account),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        does = {"save": self._save, "approve": self._approve, "refuse": self._refuse}
        do = does.get(request.POST.get("do", ""))
        if do is None:
            raise Http404
        try:
            return do(request)
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except Conflict as error:
            messages.error(request, str(error))
            return redirect("helpdesk_agents:order", self.ticket.pk)

    def _version(self, request: HttpRequest) -> int:
        sent = request.POST.get("version", "")
        return int(sent) if sent.isdigit() and len(sent) < 9 else 0

    def _save(self, request: HttpRequest) -> HttpResponse:
        sheet = self.sheet(request.POST)
        if not sheet.is_valid():
            return self.render_to_response(self.get_context_data(sheet=sheet), status=422)
        try:
            actions.change_order(
                actor=self.actor,
                ticket=self.ticket,
                values=sheet.values(),
                version=self._version(request),
            )
        except Conflict:
            raise
        except HelpdeskError as error:
            _refused(sheet, error)
            return self.render_to_response(self.get_context_data(sheet=sheet), status=422)
        messages.success(request, _("The order is saved."))
        return redirect("helpdesk_agents:order", self.ticket.pk)

    def _approve(self, request: HttpRequest) -> HttpResponse:
        if not may_decide(self.actor, self.order):
            raise Http404
        try:
            order = actions.approve_order(
                actor=self.actor, ticket=self.ticket, version=self._version(request)
            )
        except (NotPermitted, NotFound, Conflict):
            raise
        except HelpdeskError as error:
            messages.error(request, _("Not approved: %(reason)s") % {"reason": error})
            return self.render_to_response(self.get_context_data(), status=422)
        messages.success(request, _("The queue “%(queue)s” is set up.") % {"queue": order.queue})
        return redirect("helpdesk_agents:order", self.ticket.pk)

    def _refuse(self, request: HttpRequest) -> HttpResponse:
        if not may_decide(self.actor, self.order):
            raise Http404
        reason = request.POST.get("reason", "")
        try:
            actions.refuse_order(
                actor=self.actor, ticket=self.ticket, reason=reason, version=self._version(request)
            )
        except (NotPermitted, NotFound, Conflict):
            raise
        except HelpdeskError as error:
            context = self.get_context_data(reason=reason, reason_error=str(error))
            return self.render_to_response(context, status=422)
        messages.success(request, _("The order is refused, and the orderer told why."))
        return redirect(url_of(self.ticket))


def _account_url(actor: Actor, account: MailAccount | None) -> str:
    """Return the address of a mail account's screen for who may complete it, ''."""
    if account is None:
        return ""
    mine = policy.is_superuser(actor) or account.queue_id in permissions.administered(actor)
    return reverse("helpdesk_accounts_modeladmin_edit", args=[account.pk]) if mine else ""


def _refused(sheet: Sheet, error: HelpdeskError) -> None:
    """Show a refusal of the verb at the field it belongs to."""
    field = error.field if error.field in sheet.facts.fields else None
    sheet.facts.add_error(field, str(error))


class FillView(TicketPage):
    """Make a ticket an order, filled in with what its mail says. What was not found is marked."""

    template_name = "helpdesk/agents/order_fill.html"
    page_title = gettext_lazy("Fill in an order")
    header_icon = "clipboard-list"

    def prepare(self, **kwargs: Any) -> None:
        if QueueOrder.objects.filter(ticket=self.ticket).exists():
            self.is_placed = True
            return
        self.is_placed = False
        if not takes_orders(self.ticket):
            raise Http404

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.is_placed:
            return redirect("helpdesk_agents:order", self.ticket.pk)
        return super().get(request, *args, **kwargs)

    def found(self) -> order_mail.Found:
        """Return what the first message of the customer says."""
        article = self.ticket.articles.order_by("created_at", "pk").first()
        return order_mail.read(article.body if article else "", actions.rules_of().domains)

    def sheet(self, data: Any = None) -> Sheet:
        found = self.found()
        names = ("address", "name", "purpose", "department", "hours")
        initial = {name: getattr(found, name) for name in names}
        facts = WantedForm(data, initial=initial, customer=self.ticket.customer)
        return Sheet(facts, rows_for(found.agents, data))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("sheet", self.sheet())
        article = self.ticket.articles.order_by("created_at", "pk").first()
        missing = self.found().missing()
        return super().get_context_data(
            ticket=self.ticket, article=article, missing=missing, **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.is_placed:  # a second press of the button
            return redirect("helpdesk_agents:order", self.ticket.pk)
        sheet = self.sheet(request.POST)
        if not sheet.is_valid():
            return self.render_to_response(self.get_context_data(sheet=sheet), status=422)
        values = sheet.values()
        wanted = Wanted(**{**values, "agents": tuple(values["agents"])})
        try:
            actions.place_order(actor=self.actor, ticket=self.ticket, wanted=wanted)
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except HelpdeskError as error:
            _refused(sheet, error)
            return self.render_to_response(self.get_context_data(sheet=sheet), status=422)
        messages.success(request, _("The order is filled in. This is its plan."))
        return redirect("helpdesk_agents:order", self.ticket.pk)


class OrderSettingsView(WagtailAdminTemplateMixin, TemplateView):
    """What may be ordered on this site. For superusers; for others it does not exist."""

    template_name = "helpdesk/agents/order_settings.html"
    page_title: Any = gettext_lazy("Orders of queues")
    header_icon = "clipboard-list"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not policy.is_superuser(policy.actor_of(request)):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", SettingsForm(instance=OrderSettings.current()))
        return super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = SettingsForm(request.POST, instance=OrderSettings.current())
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        form.save()
        messages.success(request, _("The settings for orders are saved."))
        return redirect("helpdesk_agents:order_settings")


def incomplete_accounts(actor: Actor) -> list[MailAccount]:
    """Return the accounts of new queues that wait for a password, of the queues that the actor administers."""
    rows = MailAccount.objects.filter(
        orders__isnull=False, mailbox__active=False, secret="", oauth=None, last_success_at=None
    )
    if not policy.is_superuser(actor):
        rows = rows.filter(queue__in=permissions.administered(actor))
    return list(rows.select_related("mailbox", "queue").distinct().order_by("mailbox__name"))
