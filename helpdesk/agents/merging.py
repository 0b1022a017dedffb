"""Merging on the screen: choose the other ticket, look at both side by side, merge; and take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from wagtail.admin import messages

from helpdesk import actions, duplicates, permissions
from helpdesk.confidence import Veil
from helpdesk.errors import AlreadyDone, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Merge, Right, Ticket
from helpdesk.permissions import Actor

from . import confidential, finder, policy
from .desk import Desk
from .ticket_page import TicketPage

OFFERED = 5


class ChooseForm(forms.Form):
    """Which ticket is the same."""

    other = finder.NumberField()

    def __init__(self, *args: Any, ticket: Ticket, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "hd-merge-%s", "label_suffix": "", **kwargs})
        self.ticket, self.actor = ticket, actor
        widget: Any = self.fields["other"].widget
        widget.but = ticket.pk

    def clean_other(self) -> Ticket:
        found = finder.by_number(self.actor, self.cleaned_data["other"], but=self.ticket)
        if found is None:
            raise forms.ValidationError(_("You see no other ticket with this number."))
        return found


class MergeForm(forms.Form):
    """Which of the two stays, and that the agent knows what it means: if the customers differ, or confidence ends."""

    keep = forms.ChoiceField(label=gettext_lazy("Which ticket goes on?"), widget=forms.RadioSelect)
    confirm = forms.BooleanField(
        label=gettext_lazy("The customers differ. I know that the messages become internal."),
        required=False,
    )
    opens = forms.BooleanField(
        label=gettext_lazy(
            "I know that everybody who may read that queue will read what is confidential now."
        ),
        required=False,
    )

    def __init__(self, *args: Any, pair: tuple[Ticket, Ticket], **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "hd-merge-%s", "label_suffix": "", **kwargs})
        self.pair = sorted(pair, key=lambda one: (one.created_at, one.pk))
        keep: Any = self.fields["keep"]
        keep.choices = [(str(one.pk), f"{one.number} {one.subject}") for one in self.pair]
        veil = Veil()
        closed = [one for one in self.pair if veil.covers(one)]
        #: The confidential one of the two, if the other is not.
        self.confidential = closed[0] if len(closed) == 1 else None
        first = next((one for one in self.pair if one.state.is_open), self.pair[0])
        keep.initial = str((self.confidential or first).pk)
        if self.confidential is None:
            del self.fields["opens"]
        self.differ = not permissions.share_customer(*pair)
        if not self.differ:
            del self.fields["confirm"]

    def ends(self) -> tuple[Ticket, Ticket]:
        """Return source and target."""
        one, other = self.pair
        return (one, other) if str(other.pk) == self.cleaned_data["keep"] else (other, one)

    def apply(self, actor: Actor) -> Merge:
        """Merge. Raises what `actions.merge` does."""
        source, target = self.ends()
        visible = False if self.cleaned_data.get("confirm") else None
        opens = bool(self.cleaned_data.get("opens"))
        return actions.merge(
            actor=actor, source=source, target=target, visible=visible, opens=opens
        )


class MergeView(TicketPage):
    """Without `other` the choice, with it both tickets side by side and what will happen."""

    template_name = "helpdesk/agents/merge.html"
    header_icon = "resubmit"
    page_title = gettext_lazy("Merge tickets")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        choose = ChooseForm(
            request.GET if "other" in request.GET else None, ticket=self.ticket, actor=self.actor
        )
        if choose.is_bound and choose.is_valid():
            return self._compare(choose.cleaned_data["other"])
        return self._choose(choose, status=422 if choose.is_bound else 200)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        choose = ChooseForm(request.POST, ticket=self.ticket, actor=self.actor)
        if not choose.is_valid():
            return self._choose(choose, status=422)
        other = choose.cleaned_data["other"]
        form = MergeForm(request.POST, pair=(self.ticket, other))
        if form.is_valid():
            try:
                return self._done(form.apply(self.actor))
            except AlreadyDone as done:
                return self._done(done.existing)
            except (NotPermitted, NotFound) as error:
                raise Http404 from error
            except HelpdeskError as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
        return self._compare(other, form, status=422)

    def _done(self, journal: Any) -> HttpResponse:
        until = date_format(timezone.localtime(actions.reversible_until(journal)))
        said = _("The tickets are merged. Until %(day)s that can be taken back.") % {"day": until}
        messages.success(self.request, said)
        return redirect("helpdesk_agents:ticket", journal.target_id)

    def _choose(self, form: ChooseForm, status: int) -> HttpResponse:
        likely = duplicates.likely(self.actor, self.ticket, limit=OFFERED)
        known = {one.ticket.pk for one in likely}
        offered = [one.ticket for one in likely]
        if self.ticket.customer_id is not None:
            others = finder.workable(self.actor).filter(
                customer=self.ticket.customer_id, merged_into=None
            )
            others = others.exclude(pk=self.ticket.pk).select_related("state", "customer", "queue")
            newest = others.order_by("-created_at", "-pk")[:OFFERED]
            offered += [one for one in newest if one.pk not in known]
        offered = Veil().over(offered)
        context = self.get_context_data(ticket=self.ticket, choose=form, offered=offered)
        return self.render_to_response(context, status=status)

    def _compare(self, other: Ticket, form: MergeForm | None = None, status: int = 200) -> Any:
        rows = finder.workable(self.actor).filter(pk__in=(self.ticket.pk, other.pk))
        rows = rows.select_related("state", "queue", "owner", "customer").annotate(
            written=Count("articles", filter=~Q(articles__channel="note")),
            notes=Count("articles", filter=Q(articles__channel="note")),
        )
        confidential.opened(self.actor, other)
        form = form or MergeForm(pair=(self.ticket, other))
        context = self.get_context_data(
            ticket=self.ticket,
            other=other,
            form=form,
            pair=rows.order_by("created_at", "pk"),
            kept=str(form["keep"].value()),
            days=actions.REVERSIBLE.days,
        )
        return self.render_to_response(context, status=status)


class UnmergeView(View):
    """Take a merge back, and lead to the ticket that stands by itself again."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = policy.actor_of(request)
        visible = permissions.visible_tickets(actor).order_by().values("pk")
        known = Merge.objects.filter(source__in=visible, target__in=visible)
        journal = get_object_or_404(known.select_related("source", "target"), pk=pk)
        for one in (journal.source, journal.target):
            policy.require(actor, Right.NOTE, policy.find_ticket(request, one.pk))
        try:
            actions.unmerge(actor=actor, merge=journal)
        except AlreadyDone:
            pass
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except HelpdeskError as error:
            messages.error(request, str(error))
            return redirect("helpdesk_agents:ticket", journal.target_id)
        messages.success(request, _("The merge is taken back."))
        return redirect("helpdesk_agents:ticket", journal.source_id)


# --- on the ticket screen ------------------------------------------------------------------------


@dataclass(frozen=True)
class Joined:
    """A merge as the ticket screen shows it: the other ticket, and whether and until when it can be undone."""

    pk: int
    ticket: Ticket
    at: datetime
    who: str
    until: datetime
    may_undo: bool


def joined(desk: Desk) -> dict[str, Any]:
    """Return where the ticket went, and what went into it: of tickets that the agent may read.

    Two queries; for who reads along nothing.
    """
    if desk.reads_along:
        return {"went": None, "came": []}
    here = desk.ticket
    journals = list(
        Merge.objects.filter(Q(source=here) | Q(target=here), undone_at=None)
        .select_related("user")
        .defer("moved")
        .order_by("-at", "-pk")
    )
    ids = {row.target_id if row.source_id == here.pk else row.source_id for row in journals}
    if here.merged_into_id is not None:
        ids.add(here.merged_into_id)
    visible = permissions.visible_tickets(desk.actor).filter(pk__in=ids) if ids else ()
    tickets = {row.pk: row for row in Veil().over(visible)}
    found = [
        _joined(desk, row, tickets[other])
        for row in journals
        for other in (row.target_id if row.source_id == here.pk else row.source_id,)
        if other in tickets
    ]
    out = {row.pk for row in journals if row.source_id == here.pk}
    home = tickets.get(here.merged_into_id or 0)
    return {
        "home": home,
        "went": next((one for one in found if one.pk in out), None),
        "came": [one for one in found if one.pk not in out],
    }


def _joined(desk: Desk, row: Merge, other: Ticket) -> Joined:
    until = actions.reversible_until(row)
    is_possible = timezone.now() <= until and other.queue_id in desk.actor.queues_with(Right.NOTE)
    # what was merged on goes back from its end
    last = desk.ticket.merged_into_id in (None, row.target_id)
    return Joined(
        row.pk,
        other,
        row.at,
        str(row.user) if row.user is not None else "",
        until,
        is_possible and last and desk.may(Right.NOTE),
    )
