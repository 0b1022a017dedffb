"""The ticket screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import actions
from helpdesk.models import OutboundMail, Ticket

from . import (
    answers,
    bounced,
    clock_facts,
    confidential,
    erased,
    facts,
    likely,
    merging,
    panels,
    policy,
    sharing,
    standing,
    storage_facts,
    taking_back,
    thread,
    together,
)
from .change_form import ChangeForm
from .composer import COMPOSERS, ComposerForm
from .conflicts import Conflict
from .desk import Desk
from .explaining import leads
from .tickets_list import STATE_ICONS

#: Outgoing mail that somebody has to look at.
TROUBLED = (OutboundMail.State.FAILED, OutboundMail.State.UNCERTAIN)


class TicketView(WagtailAdminTemplateMixin, TemplateView):
    """Thread, facts and composer of one ticket. Opening it marks the ticket as read."""

    template_name = "helpdesk/agents/ticket.html"
    header_icon = "mail"
    _show_breadcrumbs = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            ticket = policy.find_ticket(request, kwargs["pk"])
        except Http404:
            stone = erased.by_pk(policy.actor_of(request), kwargs["pk"])
            if stone is None:
                raise
            return erased.show(request, stone)
        actions.mark_seen(actor=policy.actor_of(request), ticket=ticket)
        return self.screen(Desk(policy.actor_of(request), ticket), {})

    def screen(
        self,
        desk: Desk,
        bound: Mapping[str, ChangeForm],
        status: int = 200,
        conflict: Conflict | None = None,
    ) -> HttpResponse:
        """Return the screen; `bound` holds the forms that were refused, with what was typed.

        A `conflict` is a change that was decided on what is no longer so.
        """
        self.desk, self.bound, self.conflict = desk, bound, conflict
        self.is_confidential = confidential.opened(desk.actor, desk.ticket)
        return self.render_to_response(self.get_context_data(), status=status)

    def get_page_title(self) -> str:
        return self.desk.ticket.subject

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_agents:tickets"), "label": _("Tickets")},
            {"url": "", "label": self.desk.ticket.number},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        desk, ticket = self.desk, self.desk.ticket
        together.show_up(desk)
        shown = thread.read(desk, everything="all" in self.request.GET)
        is_merged, joined = ticket.merged_into_id is not None, merging.joined(desk)
        own = answers.own_entries(ticket, shown.entries)
        files = [one for entry in own for one in entry.files if one.answer_key]
        if ticket.answers:  # they stand beside their question
            for entry in own:
                entry.files = [one for one in entry.files if not one.answer_key]
                entry.repeats_answers = answers.are_in(ticket.answers, entry.article)
        context.update(
            ticket=ticket,
            desk=desk,
            conflict=self.conflict,
            is_confidential=self.is_confidential,
            left=[] if desk.reads_along else standing.without_rights(ticket),
            thread=shown,
            answers=answers.read(ticket.answers, files),
            state_icon=STATE_ICONS[ticket.state.type],
            facts=facts.facts(desk, self.bound),
            customer_facts=facts.customer_facts(desk, self.bound),
            origin_facts=facts.origin_facts(desk, self._page()),
            bounced=[] if desk.reads_along else bounced.addresses_of(ticket),
            **self._cards(),
            others=facts.others_of_customer(desk),
            linked=facts.linked(desk),
            clocks=[] if desk.reads_along else clock_facts.clock_facts(desk),
            dates=[] if desk.reads_along else clock_facts.other_dates(ticket),
            forms={
                name.replace("-", "_"): facts.form_of(desk, name, self.bound)
                for name in ("subject", "link", *_head_forms(desk))
            },
            joined=joined,
            hints=likely.hints(desk),
            may_merge=not is_merged and desk.may("note"),
            may_split=not is_merged and desk.may("note") and policy.may_open(desk.actor),
            may_answer=desk.may("answer"),
            may_fetch=policy.may_fetch_quarantined(desk.actor, desk.ticket),
            may_separate=desk.may("answer") and desk.may("create") and len(shown.entries) > 1,
            may_explain=leads(desk.actor, ticket.queue_id),
            may_discard=ticket.is_test and desk.may("manage"),
            is_mine=ticket.owner_id == self.request.user.pk,
            troubled=TROUBLED,
            **self._added(),
            **self._composers(),
            **together.context_of(desk),
        )
        return context

    def _cards(self) -> dict[str, Any]:
        """How long the ticket is kept, and who shares it: that not for who reads along."""
        found: dict[str, Any] = {"storage": storage_facts.context_of(self.desk, self.bound)}
        if not self.desk.reads_along:
            found["sharing"] = sharing.context_of(self.desk, self.bound)
        return found

    def _added(self) -> dict[str, Any]:
        """What the site adds, for those who work on the ticket: it need not know who reads along."""
        if self.desk.reads_along:
            return {"panels": [], "ticket_actions": []}
        return {
            "panels": panels.panels_of(self.request, self.desk.ticket),
            "ticket_actions": panels.actions_of(self.request, self.desk.ticket),
        }

    def _page(self) -> Any:
        """The page the ticket came from; its class is the site's, so nothing but the base is read."""
        return self.desk.ticket.page

    def _composers(self) -> dict[str, Any]:
        if self.desk.ticket.merged_into_id is not None:  # nobody would read it
            return {"composers": [], "mode": "", "is_composing": False}
        composers: list[ComposerForm] = []
        again = taking_back.find(self.desk, self.request.GET.get("again"))
        mode = taking_back.mode_of(again) if again else self.request.GET.get("mode")
        for name, form_class in COMPOSERS.items():
            refused = self.bound.get(name)
            if isinstance(refused, ComposerForm):
                composers.append(refused)
            elif self.desk.may(form_class.right):
                before = taking_back.prefill(again) if again and name == mode else {}
                composers.append(form_class.fresh(self.desk, before))
        drafts = [form.saved for form in composers if form.saved is not None]
        if mode is None and drafts:
            mode = max(drafts, key=lambda draft: draft.saved_at).mode
        names = [form.name for form in composers]
        asked = next((name for name in names if name in self.bound), mode)
        return {
            "composers": composers,
            "mode": asked if asked in names else (names[0] if names else ""),
            "is_composing": asked in names,
        }


def _head_forms(desk: Desk) -> tuple[str, ...]:
    """Return what the head of the screen offers: of a ticket that was merged, nothing."""
    if desk.ticket.merged_into_id is not None:
        return ()
    return ("claim", "hand-back", *_spam_forms(desk))


def _spam_forms(desk: Desk) -> tuple[str, ...]:
    """Return which of the two may be asked: a ticket in the junk queue can be confirmed as well."""
    if not desk.is_spam:
        return ("spam",)
    return ("not-spam", "spam") if desk.ticket.state.is_open else ("not-spam",)


def url_of(ticket: Ticket, anchor: str = "") -> str:
    """Return the address of a ticket's screen."""
    return reverse("helpdesk_agents:ticket", args=[ticket.pk]) + anchor
