"""The form of an absence: dates, deputies, and on a second page what becomes of single tickets.

Every button sends the whole form, so that it works without script; what is not shown goes along hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages

from helpdesk import actions, permissions
from helpdesk.actions import AbsencePlan
from helpdesk.confidence import Veil
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Absence, AbsenceTicket, Handover, Right, Ticket
from helpdesk.permissions import Actor

from . import policy, standing
from .absences import AgentsView, find
from .deputy_rows import BLANK_ROWS, MAX_ROWS, DeputyRows, deputy_choices, rows_class
from .tickets_list import queue_choices

#: Tickets listed one by one; what lies behind goes as all others.
LISTED = 200
#: In front of a ticket's id: the name of its choice.
TICKET = "ticket-"
#: At which field of the form a refusal of the verb belongs.
FIELDS = {"starts_at": "from_day", "ends_at": "to_day", "deputy": "deputy"}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class AbsenceForm(forms.Form):
    """Who is away, from when until when, who stands in, and what becomes of the open tickets."""

    who = forms.ChoiceField(label=gettext_lazy("Who is away?"))
    from_day = forms.DateField(label=gettext_lazy("First day"), widget=DateInput())
    from_time = forms.TimeField(
        label=gettext_lazy("from (time)"), required=False, widget=TimeInput()
    )
    to_day = forms.DateField(label=gettext_lazy("Last day"), widget=DateInput())
    to_time = forms.TimeField(
        label=gettext_lazy("until (time)"), required=False, widget=TimeInput()
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Only the agent and whoever enters the absence can read it."),
    )
    deputy = forms.ChoiceField(label=gettext_lazy("Deputy"), required=False)
    handover = forms.ChoiceField(
        label=gettext_lazy("Open tickets"),
        choices=Handover.choices,
        initial=Handover.KEEP,
        widget=forms.RadioSelect,
    )

    def __init__(
        self,
        *args: Any,
        actor: Actor,
        absence: Absence | None,
        people: dict[int, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.absence, self.people = actor, absence, people
        fields: Any = self.fields
        fields["deputy"].choices = deputy_choices(people)
        if absence is not None:
            del fields["who"]
            if not actions.may_read_reason(actor, absence):
                del fields["reason"]
            return
        self.wards = {actor.user.pk: actor.user}
        self.wards |= {user.pk: user for user in permissions.looked_after(actor)}
        fields["who"].choices = [(pk, str(user)) for pk, user in self.wards.items()]
        fields["who"].initial = actor.user.pk
        if len(self.wards) == 1:
            fields["who"].required = False
            fields["who"].widget = forms.HiddenInput()

    @property
    def user(self) -> Any:
        """Whose absence it is. Ask after `is_valid`."""
        if self.absence is not None:
            return self.absence.user
        return self.wards[int(self.cleaned_data["who"] or self.actor.user.pk)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("from_day", "to_day"):
            day = data.get(name)
            if day is not None and not 2000 <= day.year < 2200:
                self.add_error(name, _("Please check the year."))
        return data

    def plan(self, rows: DeputyRows, tickets: dict[int, Handover]) -> AbsencePlan:
        """Return what the form says. Ask after `is_valid`."""
        data = self.cleaned_data
        start = _moment(data["from_day"], data["from_time"] or time())
        last = data["to_day"] if data["to_time"] else data["to_day"] + timedelta(days=1)
        return AbsencePlan(
            starts_at=start,
            ends_at=_moment(last, data["to_time"] or time()),
            reason=data.get("reason", ""),
            deputy=self.people.get(int(data["deputy"] or 0)),
            deputies=rows.chosen(self.people),
            handover=Handover(data["handover"]),
            tickets=tickets,
        )


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at), timezone.get_default_timezone())


class AbsenceFormView(AgentsView):
    """Entering and changing an absence."""

    template_name = "helpdesk/agents/absence_form.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.absence: Absence | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_enter(policy.actor_of(request)))
        if "pk" in kwargs:
            self.absence = find(self.actor, kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        if self.absence is None:
            return _("Enter an absence")
        return _("Absence of %(name)s") % {"name": self.absence.user}

    @cached_property
    def people(self) -> dict[int, Any]:
        """Whom one may choose as deputies: who may own tickets in the actor's queues, and who is chosen."""
        found = {user.pk: user for user in policy.colleagues(self.actor)}
        if self.absence is not None:
            if self.absence.deputy is not None:
                found.setdefault(self.absence.deputy.pk, self.absence.deputy)
            for row in self._old_rows:
                if row.queue_id in self.actor.queue_rights:
                    found.setdefault(row.deputy_id, row.deputy)
            found.pop(self.absence.user_id, None)
        return found

    @cached_property
    def _old_rows(self) -> list[Any]:
        if self.absence is None:
            return []
        return list(self.absence.deputies.select_related("deputy").order_by("pk"))

    @cached_property
    def _queues(self) -> list[tuple[int, str]]:
        return queue_choices(self.actor.queues_with(Right.READ))

    def _form(self, data: Any = None, **kwargs: Any) -> AbsenceForm:
        return AbsenceForm(
            data, actor=self.actor, absence=self.absence, people=self.people, **kwargs
        )

    def _rows(self, data: Any = None, **kwargs: Any) -> DeputyRows:
        blank = kwargs.pop("blank", BLANK_ROWS)
        form_kwargs = {"queues": self._queues, "people": self.people}
        rows: DeputyRows = rows_class(blank)(data, prefix="rows", form_kwargs=form_kwargs, **kwargs)
        known = self.actor.queue_rights
        rows.kept = {
            row.queue_id: row.deputy for row in self._old_rows if row.queue_id not in known
        }
        return rows

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        absence = self.absence
        if absence is None:
            today = timezone.localdate(timezone=timezone.get_default_timezone())
            form = self._form(initial={"from_day": today, "who": request.GET.get("who")})
            return self._show(form, self._rows())
        known = self.actor.queue_rights
        shown = [
            {"queue": row.queue_id, "deputy": row.deputy_id}
            for row in self._old_rows
            if row.queue_id in known
        ]
        return self._show(self._form(initial=_initial(absence)), self._rows(initial=shown))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "more" in request.POST or "back" in request.POST:
            return self._show(*self._as_typed())
        form, rows = self._form(request.POST), self._rows(request.POST)
        # both, so that all that is wrong shows at once
        if not all([form.is_valid(), rows.is_valid()]):
            return self._show(form, rows, status=422)
        if "tickets" in request.POST:
            return self._show_tickets(form)
        try:
            absence = self._save(form, form.plan(rows, self._ticket_choices()))
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except HelpdeskError as error:
            form.add_error(FIELDS.get(error.field or ""), str(error))
            return self._show(form, rows, status=422)
        messages.success(request, _("The absence is saved."))
        for text in standing.warnings(self.actor, absence):
            messages.warning(request, text)
        return redirect("helpdesk_agents:absences")

    def _save(self, form: AbsenceForm, plan: AbsencePlan) -> Absence:
        if self.absence is None:
            return actions.enter_absence(actor=self.actor, user=form.user, plan=plan)
        return actions.change_absence(actor=self.actor, absence=self.absence, plan=plan)

    def _as_typed(self) -> tuple[AbsenceForm, DeputyRows]:
        """Return the form as it was sent, not yet judged, with more rows if they were asked for."""
        data = self.request.POST
        form = self._form(initial={name: data.get(name, "") for name in AbsenceForm.base_fields})
        sent = data.get("rows-TOTAL_FORMS")
        total = min(int(sent), MAX_ROWS) if sent and _is_number(sent) else 0
        typed = [
            {name: data.get(f"rows-{number}-{name}", "") for name in ("queue", "deputy")}
            for number in range(total)
        ]
        filled = [row for row in typed if any(row.values())]
        blank = max(total - len(filled), 0) + (BLANK_ROWS if "more" in data else 0)
        return form, self._rows(initial=filled, blank=max(blank, BLANK_ROWS))

    def _ticket_choices(self) -> dict[int, Handover]:
        """Return what the browser sent for single tickets; that they are the agent's is for the verb to see."""
        found = {}
        for name, value in self.request.POST.items():
            pk = name.removeprefix(TICKET)
            if name.startswith(TICKET) and _is_number(pk) and value in Handover.values:
                found[int(pk)] = Handover(value)
        return found

    def _chosen_before(self) -> dict[int, str]:
        if self.request.method == "POST":
            return {pk: str(what) for pk, what in self._ticket_choices().items()}
        if self.absence is None:
            return {}
        rows = AbsenceTicket.objects.filter(
            absence=self.absence,
            is_chosen=True,
            ticket__in=self._tickets(self.absence.user).order_by().values("pk"),
        )
        return dict(rows.values_list("ticket_id", "handover"))

    def _tickets(self, user: Any) -> Any:
        """The open tickets of the absent agent that the actor sees, longest waiting first."""
        mine = actions.open_tickets_of(user).order_by().values("pk")
        rows = permissions.visible_tickets(self.actor).filter(pk__in=mine)
        return rows.select_related("queue", "state").order_by("waiting_since", "pk")

    def _show(self, form: AbsenceForm, rows: DeputyRows, status: int = 200) -> HttpResponse:
        hidden = [(f"{TICKET}{pk}", what) for pk, what in self._chosen_before().items()]
        context = self.get_context_data(
            form=form,
            rows=rows,
            hidden=hidden,
            chosen=len(hidden),
            absence=self.absence,
            warnings=standing.warnings(self.actor, self.absence) if self.absence else [],
            may_add_rows=rows.total_form_count() < MAX_ROWS,
        )
        return self.render_to_response(context, status=status)

    def _show_tickets(self, form: AbsenceForm) -> HttpResponse:
        """Show the second page: the open tickets with a choice each."""
        found = self._tickets(form.user).only(
            *("number", "subject", "waiting_since", "queue__name"),
            *("state__type", "state__name_de", "state__name_en"),
        )
        rows: list[Ticket] = list(found[: LISTED + 1])
        chosen = self._ticket_choices()
        shown = {f"{TICKET}{ticket.pk}" for ticket in rows[:LISTED]}
        context = self.get_context_data(
            form=form,
            absence=self.absence,
            tickets=[
                (ticket, str(chosen.get(ticket.pk, ""))) for ticket in Veil().over(rows[:LISTED])
            ],
            more=found.count() - LISTED if len(rows) > LISTED else 0,
            as_all=Handover(form.cleaned_data["handover"]).label,
            choices=Handover.choices,
            hidden=list(_carried(self.request, shown)),
        )
        return self.response_class(
            self.request,
            "helpdesk/agents/absence_tickets.html",
            context,
            using=self.template_engine,
        )


def _carried(request: HttpRequest, shown: set[str]) -> Iterable[tuple[str, str]]:
    """Give what the first page sent, to be sent again by the second."""
    left_out = {"csrfmiddlewaretoken", "save", "tickets", "more", "back"} | shown
    for name, values in request.POST.lists():
        if name not in left_out:
            for value in values:
                yield name, value


def _is_number(text: str | None) -> bool:
    return bool(text) and str(text).isdecimal() and len(str(text)) < 18


def _initial(absence: Absence) -> dict[str, Any]:
    """Return an absence as the form writes it: whole days without times, in the site's zone."""
    zone = timezone.get_default_timezone()
    start, end = (timezone.localtime(at, zone) for at in (absence.starts_at, absence.ends_at))
    ends_whole = end.time() == time()
    return {
        "from_day": start.date(),
        "from_time": None if start.time() == time() else start.time(),
        "to_day": end.date() - timedelta(days=1) if ends_whole else end.date(),
        "to_time": None if ends_whole else end.time(),
        "reason": absence.reason,
        "deputy": absence.deputy_id or "",
        "handover": absence.handover,
    }
