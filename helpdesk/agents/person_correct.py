"""*Data subjects*: correcting what is stored of a person (Art. 16 GDPR), with the places where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages

from helpdesk import actions, permissions
from helpdesk.actions.person_answers import places_of
from helpdesk.actions.person_rows import known_of
from helpdesk.confidence import Veil
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Customer
from helpdesk.permissions import Actor
from helpdesk.privacy import kinds
from helpdesk.rules.blanking import Person
from helpdesk.rules.correcting import Place

from .persons import PersonsBase, ReferenceForm

#: Tickets of which the places are listed.
SHOWN = 100


@dataclass(frozen=True)
class Listed:
    """A ticket with answers that are the person's: what they say only for who may read it."""

    number: str
    count: int
    is_held: bool
    places: list[Place] = field(default_factory=list)


def places_for(actor: Actor, customer: Customer, person: Person) -> Iterator[Listed]:
    """Yield the tickets in whose forms and orders the customer stands, at most `SHOWN`. A constant number of queries."""
    found = list(islice(places_of(known_of(customer).same(), person.customers), SHOWN))
    pks = [ticket.pk for ticket, _places, _held in found]
    readable = permissions.visible_tickets(actor).filter(pk__in=pks).order_by()
    open_to = set(readable.values_list("pk", flat=True))
    veil = Veil()
    for ticket, places, is_held in found:
        is_shown = ticket.pk in open_to and not veil.covers(ticket)
        yield Listed(ticket.number, len(places), is_held, places if is_shown else [])


def _named_in(customer: Customer) -> int:
    """Return in how many requests the present name stands in texts, which are not corrected."""
    if len(customer.name.split()) < 2:
        return 0
    entries = kinds.mentioning(Person(names=frozenset([customer.name])))
    return entries.order_by().values("ticket").distinct().count()


class CorrectForm(ReferenceForm):
    """What is stored of a customer, a field for each address."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=50, required=False)
    login_name = forms.CharField(label=gettext_lazy("Log-in name"), max_length=150, required=False)
    everywhere = forms.BooleanField(
        label=gettext_lazy("Correct the name on their messages, too"), required=False
    )
    in_answers = forms.BooleanField(
        label=gettext_lazy("Correct their answers in forms and orders of queues, too"),
        help_text=gettext_lazy("Those listed below; the history of each ticket says so."),
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        shown = {name: getattr(customer, name) or "" for name in ("name", "phone", "login_name")}
        kwargs["initial"] = {**shown, "in_answers": True}
        super().__init__(*args, **kwargs)
        self.rows = list(customer.addresses.order_by("pk"))
        for number, row in enumerate(self.rows, 1):
            self.fields[f"address-{row.pk}"] = forms.EmailField(
                label=_("Address %(n)d") % {"n": number},
                initial=row.address,
                required=False,
                max_length=254,
                help_text=_("Empty: it is taken away. A corrected one has to be confirmed anew."),
            )
        self.order_fields(
            [
                *("name", "phone", "login_name", *self.address_names()),
                *("everywhere", "in_answers", "reference"),
            ]
        )

    def address_names(self) -> list[str]:
        return [f"address-{row.pk}" for row in self.rows]

    def wanted(self) -> dict[int, str]:
        """Return the new texts of the addresses by id."""
        return {row.pk: self.cleaned_data[f"address-{row.pk}"] for row in self.rows}


class CorrectView(PersonsBase):
    """Corrects what is stored of a customer."""

    template_name = "helpdesk/agents/person_correct.html"
    page_title = gettext_lazy("Correct")

    def customer(self) -> Customer:
        rows = Customer.objects.filter(pk__in=self.person.customers, merged_into=None)
        found_row = rows.order_by("pk").first()
        if found_row is None:
            raise Http404
        return found_row

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = self.customer()
        return self.shown(CorrectForm(customer=customer), customer)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = self.customer()
        form = CorrectForm(request.POST, customer=customer)
        if form.is_valid() and self._save(customer, form):
            messages.success(request, _("Corrected."))
            return redirect(self.sheet())
        return self.shown(form, customer, status=422)

    def shown(self, form: CorrectForm, customer: Customer, *, status: int = 200) -> HttpResponse:
        context = self.get_context_data(
            form=form,
            back=self.sheet(),
            places=list(places_for(self.actor, customer, self.person)),
            named_in=_named_in(customer),
            name=customer.name,
        )
        return self.render_to_response(context, status=status)

    def _save(self, customer: Customer, form: CorrectForm) -> bool:
        data = form.cleaned_data
        try:
            actions.correct_person(
                actor=self.actor,
                customer=customer,
                addresses=form.wanted(),
                **{
                    name: data[name]
                    for name in (
                        *("name", "phone", "login_name"),
                        *("everywhere", "in_answers", "reference"),
                    )
                },
            )
        except (NotFound, NotPermitted) as error:
            raise Http404 from error
        except HelpdeskError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return False
        return True
