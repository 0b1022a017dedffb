"""The page on which a queue is ordered: an intake form with some fields that have their part in the order."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from wagtail.fields import StreamField

from helpdesk import actions, permissions
from helpdesk.actions import Wanted
from helpdesk.errors import AddressTaken, Blocked, InvalidInput
from helpdesk.models import QueueOrder, Ticket
from helpdesk.rules.ordering import AgentRow

from .conditional import PREFIX
from .forms import IntakeForm
from .inputs.orders import (
    COLUMNS,
    AgentsField,
    AgentsInput,
    QueueAddressInput,
    QueueDepartmentInput,
    QueueHoursInput,
    QueueNameInput,
    QueuePurposeInput,
)
from .intake import IntakeFormMixin
from .stream import FormFieldsBlock


class OrderFieldsBlock(FormFieldsBlock):
    """The fields of an intake form, and those of an order: the address and the agents have to be there."""

    queue_address = QueueAddressInput(group=_("Order of a queue"))
    queue_name = QueueNameInput(group=_("Order of a queue"))
    queue_purpose = QueuePurposeInput(group=_("Order of a queue"))
    queue_department = QueueDepartmentInput(group=_("Order of a queue"))
    queue_hours = QueueHoursInput(group=_("Order of a queue"))
    agents = AgentsInput(group=_("Order of a queue"))

    class Meta:
        block_counts: ClassVar[dict[str, dict[str, int]]] = {
            "queue_address": {"min_num": 1, "max_num": 1},
            "queue_name": {"max_num": 1},
            "queue_purpose": {"max_num": 1},
            "queue_department": {"max_num": 1},
            "queue_hours": {"max_num": 1},
            "agents": {"min_num": 1, "max_num": 1},
        }


class QueueOrderPageMixin(IntakeFormMixin):
    """A form whose tickets are orders of queues: the agents of its queue see a plan and approve or refuse it."""

    fields = StreamField(OrderFieldsBlock(), verbose_name=_("fields"))

    class Meta:
        abstract = True

    def get_form(self, *args: Any, **kwargs: Any) -> IntakeForm:
        """Return the form; for who is signed in the directory is asked about the agents."""
        form = super().get_form(*args, **kwargs)
        user = kwargs.get("user")
        for field in form.fields.values():
            if isinstance(field, AgentsField):
                field.asks_directory = user is not None and user.is_authenticated
        return form

    def answer(self, form: IntakeForm, request: HttpRequest) -> HttpResponse:
        """Place the order of a valid form. Nobody is asked about an open request: each order is one of its own."""
        if not self.is_known(form):
            self.check_open(form.cleaned_data["shown_at"])
        try:
            ticket = self.receive(form, request)
        except (InvalidInput, AddressTaken) as error:
            raise Blocked(str(error)) from error
        return HttpResponseRedirect(self.thanks_url(request, ticket))

    @transaction.atomic
    def receive(self, form: IntakeForm, request: HttpRequest) -> Ticket:
        """Open the ticket and place its order, both or neither. A test has no order."""
        ticket = super().receive(form, request)
        if not ticket.is_test and not QueueOrder.objects.filter(ticket=ticket).exists():
            bearer = permissions.link_bearer(ticket)
            actions.place_order(actor=bearer, ticket=ticket, wanted=self.wanted(form))
        return ticket

    def wanted(self, form: IntakeForm) -> Wanted:
        """Return what a valid form orders."""
        found: dict[str, Any] = {}
        checks: dict[str, str] = {}
        for child in form.inputs.values():
            role = getattr(child.block, "role", "")
            if role:
                found[role] = form.answer_of(child) or ""
            field = form.fields[PREFIX + child.value["key"]]
            checks.update(getattr(field, "checks", {}))
        rows = [
            AgentRow(**{key: row.get(key) or "" for key in COLUMNS})
            for row in found.pop("agents", "") or ()
        ]
        agents = tuple(
            AgentRow(
                row.first_name,
                row.last_name,
                row.email,
                row.login_name,
                checks.get(row.login_name.lower(), ""),
            )
            for row in rows
        )
        return Wanted(agents=agents, **found)
