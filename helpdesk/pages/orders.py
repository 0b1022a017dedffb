"""The page on which a queue is ordered: an intake form with some fields that have their part in the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from wagtail.blocks import StreamBlockValidationError
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.fields import StreamField

from helpdesk import actions, limits, permissions
from helpdesk.actions import Wanted
from helpdesk.actions.order_checks import NAME_IN_USE, is_name_in_use
from helpdesk.actions.site_side import site_side
from helpdesk.errors import AddressTaken, InvalidInput
from helpdesk.models import Customer, QueueOrder, Ticket
from helpdesk.rules.ordering import AgentRow

from . import holding, steps
from .conditional import PREFIX
from .forms import IntakeForm
from .inputs.orders import (
    COLUMNS,
    AgentsField,
    AgentsInput,
    QueueAddressField,
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

    def clean(self, value: Any) -> Any:
        """Refuse a condition that could hide the address or the agents: without them nobody can send the form."""
        cleaned = super().clean(value)
        if self.is_deferred_validation:
            return cleaned
        wrong: dict[int, ValidationError] = {}
        for place, child in _hiding(self.parted(cleaned)):
            message = ValidationError(_ALWAYS_ASKED, code="condition")
            # the condition of a field set is edited elsewhere
            is_own = cleaned[place].block_type == child.block_type
            wrong[place] = StructBlockValidationError({"condition": message}) if is_own else message
        if wrong:
            raise StreamBlockValidationError(wrong)
        return cleaned


_ALWAYS_ASKED = _("The desired address and the agents have to be asked always: leave out this condition.")  # fmt: skip


def _hiding(parts: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Yield the blocks with a condition on which the address or the agents hang, each with its place."""
    around: dict[str, tuple[int, Any]] = {}
    for place, child in parts:
        if child.block_type == "step":
            around = {"step": (place, child)}
        elif child.block_type == "section":
            around["section"] = (place, child)
        elif getattr(child.block, "role", "") in ("address", "agents"):
            for at, one in (*around.values(), (place, child)):
                if one.value.get("condition"):
                    yield at, one


class QueueOrderPageMixin(IntakeFormMixin):
    """A form whose tickets are orders of queues: the agents of its queue see a plan and approve or refuse it."""

    fields = StreamField(OrderFieldsBlock(), verbose_name=_("fields"))

    class Meta:
        abstract = True

    def get_form(self, *args: Any, **kwargs: Any) -> IntakeForm:
        """Return the form. The directory is asked about the agents once all is there, and for who is vouched for.

        Whoever signed up alone is a stranger to it. Who orders may order the address they write from.
        """
        form = super().get_form(*args, **kwargs)
        user = kwargs.get("user")
        is_known = user is not None and user.is_authenticated
        is_asked = is_known and steps.CHECK not in form.data and site_side().vouches_for(user)
        for field in form.fields.values():
            if isinstance(field, AgentsField):
                field.asks_directory = is_asked
            elif isinstance(field, QueueAddressField):
                field.customer = _orderer(form, user) if form.is_bound else None
        return form

    def _taken(self, request: HttpRequest) -> HttpResponse:
        """Count each look at what was sent, good or bad: it says whose address is in use, and who is known."""
        form = holding.sent_form(self, request)
        if not form.only_changes_rows:
            try:
                limits.count("CHECKS_PER_IP")
            except limits.TooOften as error:
                if steps.is_check(request):
                    return steps.unchecked(error.seconds)
                form.leave_unchecked(error.words)
                return self._shown_again(request, form, 429, error.seconds)
        return super()._taken(request)

    def answer(self, form: IntakeForm, request: HttpRequest) -> HttpResponse:
        """Place the order of a valid form. Nobody is asked about an open request: each order is one of its own."""
        if not self.is_known(form):
            self.check_open(form.cleaned_data["shown_at"])
            wanted = self.wanted(form)
            if not wanted.name and is_name_in_use(wanted.address.partition("@")[0]):
                # it would be called like what stands before the @
                place = _field_of(form, "name") or _field_of(form, "address")
                form.add_error(place, str(NAME_IN_USE))
                return self._shown_again(request, form, holds=True)
        try:
            ticket = self.receive(form, request)
        except (InvalidInput, AddressTaken) as error:
            form.add_error(_field_of(form, error.field), str(error))
            return self._shown_again(request, form, holds=True)
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


def _orderer(form: IntakeForm, user: Any) -> Customer | None:
    """Return whose order it would be, as `IntakeFormMixin.asker` finds them, without making anybody.

    Whoever is not signed in may have typed anybody's address: for them the owner of an account is a stranger.
    """
    if user is not None and user.is_authenticated:
        return Customer.objects.filter(user=user).first()
    found = actions.find_customer(form.data.get("contact_email", ""))
    return found if found is not None and found.user_id is None else None


def _field_of(form: IntakeForm, name: str | None) -> str | None:
    """Return the field of the form that has a part ("address", "agents") in the order."""
    roles = {getattr(child.block, "role", ""): key for key, child in form.inputs.items()}
    return roles.get(name) if name else None
