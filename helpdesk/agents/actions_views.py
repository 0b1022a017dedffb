"""What the buttons of the ticket screen do: each view calls one verb and shows the screen again."""

from __future__ import annotations

import contextlib
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View
from wagtail.admin import messages

from helpdesk import actions, notifications, permissions
from helpdesk.errors import (
    AlreadyDone,
    HelpdeskError,
    NotFound,
    NotPermitted,
    StaleField,
    StaleView,
    WrongState,
)
from helpdesk.models import EventKind, OutboundMail, Right, State, Ticket
from helpdesk.permissions import Actor

from . import facts, policy, taking_back
from .change_form import ChangeForm
from .composer import COMPOSERS
from .conflicts import conflict_of
from .desk import Desk
from .drafted import DraftedForm, held_back
from .forms import CHANGES
from .holds import HOLDS
from .sharing import SHARING
from .storing import STORING
from .ticket import TROUBLED, TicketView, url_of
from .watching import WATCHING

_FORMS: dict[str, type[ChangeForm]] = {
    **CHANGES,
    **COMPOSERS,
    **WATCHING,
    **SHARING,
    **HOLDS,
    **STORING,
}


class ChangeView(View):
    """One change of a ticket. A refused one shows the screen with what was typed and why."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, change: str) -> HttpResponse:
        try:
            return self._change(request, pk, change)
        except Http404:
            text = request.POST.get("body", "") if change in COMPOSERS else ""
            if not text.strip():
                raise
            # the ticket may have been moved out of sight: what was written on it is the agent's own
            return render(request, "helpdesk/agents/lost.html", {"text": text}, status=404)

    def _change(self, request: HttpRequest, pk: int, change: str) -> HttpResponse:
        ticket = policy.find_ticket(request, pk)
        form_class = _FORMS.get(change)
        if form_class is None:
            raise Http404
        desk = Desk(policy.actor_of(request), ticket)
        policy.require(desk.actor, form_class.right, ticket)
        form = form_class(request.POST, request.FILES, desk=desk)
        view = TicketView()
        view.setup(request, pk=pk)
        try:
            if not _carry_out(form):
                return view.screen(desk, {change: form}, status=422)
        except StaleView as error:
            desk = Desk(desk.actor, policy.find_ticket(request, pk))
            held = held_back(cast(DraftedForm, form), desk, error)
            return view.screen(desk, {change: held}, status=409)
        except StaleField:
            desk = Desk(desk.actor, policy.find_ticket(request, pk))
            return view.screen(desk, {}, status=409, conflict=conflict_of(desk, form))
        messages.success(request, taking_back.with_undo(desk, str(form.done), form.made))
        _warn_of_open_parts(request, desk)
        still_there = permissions.visible_tickets(desk.actor).filter(pk=pk).exists()
        return redirect(url_of(ticket) if still_there else "helpdesk_agents:tickets")


def _warn_of_open_parts(request: HttpRequest, desk: Desk) -> None:
    """Tell whoever has just closed a ticket which tickets that are part of it are still open."""
    closed = State.objects.filter(pk__in=Ticket.objects.filter(pk=desk.ticket.pk).values("state"))
    if not desk.ticket.state.is_open or closed.get().is_open:
        return
    numbers = ", ".join(one.number for one in facts.open_parts(desk))
    if numbers:
        messages.warning(
            request, _("Still open are its parts: %(numbers)s.") % {"numbers": numbers}
        )


def _carry_out(form: ChangeForm) -> bool:
    """Call the form's verb; tell whether it went through. A repeated submission has gone through.

    Raises `StaleView` or `StaleField` if somebody was faster.
    """
    if not form.is_valid():
        return False
    try:
        form.made = form.apply()
    except AlreadyDone:
        return True
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    except (StaleView, StaleField):
        raise
    except HelpdeskError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    return True


class AcceptSenderView(View):
    """Accept a message whose sender was not verified."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, article: int) -> HttpResponse:
        ticket = policy.find_ticket(request, pk)
        actor = policy.actor_of(request)
        policy.require(actor, Right.ANSWER, ticket)
        found = get_object_or_404(permissions.visible_articles(actor, ticket), pk=article)
        try:
            with contextlib.suppress(AlreadyDone):
                actions.accept_sender(actor=actor, ticket=ticket, article=found)
            messages.success(request, _("The sender is accepted."))
        except WrongState as error:
            messages.error(request, str(error))
        return redirect(url_of(ticket, f"#article-{found.pk}"))


class OwnTicketView(View):
    """Make a message that does not belong here a ticket of its own."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, article: int) -> HttpResponse:
        ticket = policy.find_ticket(request, pk)
        actor = policy.actor_of(request)
        for right in (Right.ANSWER, Right.CREATE):
            policy.require(actor, right, ticket)
        if (before := _separated(actor, ticket, article)) is not None:
            return redirect(url_of(before))  # a second press of the button
        found = get_object_or_404(permissions.visible_articles(actor, ticket), pk=article)
        try:
            opened = actions.make_own_ticket(actor=actor, ticket=ticket, article=found)
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        messages.success(request, _("The message has a ticket of its own."))
        return redirect(url_of(opened.ticket))


def _separated(actor: Actor, ticket: Ticket, article: int) -> Ticket | None:
    """Return the ticket that a message of this one has become already, if the actor may read it."""
    event = ticket.events.filter(kind=EventKind.SEPARATED, data__article=article).first()
    made = permissions.visible_tickets(actor).filter(pk=event.data["ticket"] if event else 0)
    return made.first()


class TakeBackView(View):
    """Stop a message before its mail goes out, and let its author go on writing."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, article: int) -> HttpResponse:
        ticket = policy.find_ticket(request, pk)
        actor = policy.actor_of(request)
        policy.require(actor, Right.ANSWER, ticket)
        found = get_object_or_404(permissions.visible_articles(actor, ticket), pk=article)
        try:
            actions.take_back(actor=actor, ticket=ticket, article=found)
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except AlreadyDone:
            pass
        except HelpdeskError as error:
            messages.error(request, str(error))
            return redirect(url_of(ticket, f"#article-{found.pk}"))
        messages.success(request, _("The message is taken back. Nobody received it."))
        return redirect(url_of(ticket, f"?again={found.pk}#composer"))


def send_again(request: HttpRequest, mail: OutboundMail) -> None:
    """Put a failed or uncertain mail back into the outbox, as the agent asked."""
    try:
        notifications.send_again(actor=policy.actor_of(request), mail=mail)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    except HelpdeskError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The mail will be sent again."))


class SendAgainView(View):
    """Send a failed or uncertain mail of a ticket again."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, mail: int) -> HttpResponse:
        ticket = policy.find_ticket(request, pk)
        policy.require(policy.actor_of(request), Right.ANSWER, ticket)
        found = get_object_or_404(OutboundMail, pk=mail, ticket=ticket)
        if found.state in TROUBLED:  # a second press of the button finds it waiting already
            send_again(request, found)
        return redirect(url_of(ticket, f"#article-{found.article_id}" if found.article_id else ""))
