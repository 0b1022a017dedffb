"""A ticket for somebody on the phone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import actions, addressing
from helpdesk.errors import AlreadyDone, HelpdeskError, NotPermitted
from helpdesk.models import Customer, Priority, Queue, Right, TicketType
from helpdesk.permissions import Actor
from helpdesk.persons import Person

from . import lookup, policy
from .storing import SaidField
from .tickets_list import queue_choices

FOUND = 8
#: From so many characters on somebody is looked up.
MIN_CHARACTERS = 3
NEW, NONE = "new", "none"


@dataclass(frozen=True)
class Known:
    """A customer found. `address` is where answers would go; `is_open`: the agent sees the whole record.

    Whom nobody knows in the agent's queues has no `name`, and the address that was typed.
    """

    customer: Customer
    name: str
    address: str
    is_open: bool

    def __str__(self) -> str:
        return self.name or self.address


def find_customers(actor: Actor, words: str) -> list[Known]:
    """Return customers by name, log-in name or address, among those of the agent's tickets.

    By what they told others (`permissions.open_records`) nobody is found, but for a complete address: the caller
    knew it, and a ticket can be opened for whoever it is.
    """
    words = words.strip()
    if len(words) < MIN_CHARACTERS:
        return []
    record = Q(login_name__istartswith=words) | Q(addresses__normalised__istartswith=words)
    matching = Q(name__icontains=words) | Q(contact_here__istartswith=words)
    rows = policy.with_contacts(policy.visible_customers(actor), actor)
    rows = rows.filter(matching | (Q(is_open=True) & record))
    found = [_known(row) for row in rows.prefetch_related("addresses").distinct()[:FOUND]]
    exact = actions.find_customer(words) if addressing.is_address(words) else None
    if exact is not None and all(one.customer.pk != exact.pk for one in found):
        found.append(_by_address(actor, exact, words))
    return found


def _known(row: Any) -> Known:
    address = row.main_address() if row.is_open else row.contact_here
    return Known(row, row.name, address or "", row.is_open)


def _by_address(actor: Actor, customer: Customer, typed: str) -> Known:
    """Return whom a typed address belongs to, with what the agent's own queues know of them and no more."""
    rows = policy.with_contacts(policy.visible_customers(actor).filter(pk=customer.pk), actor)
    known: Any = rows.first()
    if known is None:
        return Known(customer, "", typed, is_open=False)
    return Known(known, known.name, typed, known.is_open)


class PhoneForm(forms.Form):
    """Whose ticket, where, and what was said."""

    find = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        help_text=gettext_lazy("Name, log-in name or e-mail address, from three letters on"),
    )
    customer = forms.CharField(required=False, max_length=4000)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    full_name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    queue = forms.ChoiceField(label=gettext_lazy("Queue"))
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=250)
    body = forms.CharField(
        label=gettext_lazy("What the customer says"), widget=forms.Textarea(attrs={"rows": 8})
    )
    priority = forms.ChoiceField(label=gettext_lazy("Priority"))
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False)
    own = forms.BooleanField(label=gettext_lazy("I work on it"), required=False, initial=True)
    receipt = forms.BooleanField(
        label=gettext_lazy("Send the customer a receipt"), required=False, initial=True
    )
    objects = forms.BooleanField(
        label=gettext_lazy("The customer objects to the longer storage"), required=False
    )
    objection = SaidField(
        label=gettext_lazy("How, and in which words"),
        help_text=gettext_lazy("Customers do not see this."),
        required=False,
    )
    idempotency_key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        fields: Any = self.fields
        fields["queue"].choices = queue_choices(actor.queues_with(Right.CREATE))
        rows = list(Priority.objects.filter(is_active=True))
        fields["priority"].choices = [(row.pk, row.name) for row in rows]
        fields["priority"].initial = actions.default_priority().pk
        types = TicketType.objects.filter(is_active=True)
        fields["type"].choices = [("", "–"), *((row.pk, row.name) for row in types)]
        fields["idempotency_key"].initial = lambda: uuid.uuid4().hex

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen = data.get("customer") or (NEW if data.get("email") else "")
        if not chosen:
            self.add_error("find", _("Choose a customer, enter a new one, or go on without."))
        if chosen == NEW and not data.get("email") and "email" not in self.errors:
            self.add_error("email", _("A new customer needs an e-mail address."))
        if chosen.isdecimal() and self._existing(int(chosen)) is None:
            self.add_error("find", _("Choose a customer, enter a new one, or go on without."))
        if lookup.is_choice(chosen) and self._chosen_person(chosen) is None:
            self.add_error("find", _("This choice is too old. Please search once more."))
        data["customer"] = chosen
        self._check_objection(data)
        return data

    def _check_objection(self, data: dict[str, Any]) -> None:
        said = data.get("objection", "")
        if data.get("objects") and not said and "objection" not in self.errors:
            self.add_error("objection", _("Say how the customer told you."))
        if said and not data.get("objects"):
            self.add_error("objects", _("Tick this if the customer objects, or empty the words."))

    def _chosen_person(self, chosen: str) -> Person | None:
        return lookup.read_choice(chosen, int(self.actor.user.pk or 0))

    def _existing(self, pk: int) -> Known | None:
        """Return a chosen customer: one the agent could find, by the address that was typed or the one known here."""
        typed = (self.cleaned_data.get("find") or "").strip()
        exact = actions.find_customer(typed) if addressing.is_address(typed) else None
        if exact is not None and exact.pk == pk:
            return _by_address(self.actor, exact, typed)
        rows = policy.with_contacts(policy.visible_customers(self.actor).filter(pk=pk), self.actor)
        found = rows.first()
        return _known(found) if found is not None else None

    def person(self) -> tuple[Customer | None, str]:
        """Return the customer and the address answers go to."""
        chosen = self.cleaned_data["customer"]
        if chosen == NONE:
            return None, ""
        if chosen.isdecimal():
            known = self._existing(int(chosen))
            return (known.customer, known.address) if known else (None, "")
        if lookup.is_choice(chosen):
            person = self._chosen_person(chosen)
            if person is None:
                return None, ""
            made = actions.customer_for_person(actor=self.actor, person=person)
            # as the directory says; what else the customer is known by may be what others were told
            theirs = [one for one in person.addresses if addressing.is_address(one)]
            return made, next(iter(theirs), "")
        address = self.cleaned_data["email"]
        found = actions.customer_for_address(address, name=self.cleaned_data["full_name"])
        return found, address

    @transaction.atomic
    def save(self) -> Any:
        """Open the ticket and return it; make its customer if need be. Raises what `open_by_phone` raises."""
        data = self.cleaned_data
        queue = get_object_or_404(Queue, pk=data["queue"])
        policy.require(self.actor, Right.CREATE, queue)
        customer, contact = self.person()
        rights = self.actor.queue_rights.get(queue.pk, frozenset())
        return actions.open_by_phone(
            actor=self.actor,
            queue=queue,
            subject=data["subject"],
            body=data["body"],
            customer=customer,
            contact=contact,
            language=customer.language if customer else "",
            receipt=data["receipt"],
            owner=self.actor.user if data["own"] and str(Right.OWN) in rights else None,
            priority=Priority.objects.get(pk=data["priority"]),
            type_=TicketType.objects.filter(pk=data["type"] or 0).first(),
            idempotency_key=data["idempotency_key"],
            objection=data["objection"],
        ).ticket


class PhoneView(WagtailAdminTemplateMixin, TemplateView):
    """The form. Searching a customer sends it too, so that it works without script."""

    template_name = "helpdesk/agents/phone.html"
    header_icon = "mobile-alt"
    page_title = gettext_lazy("New phone ticket")
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_open(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_agents:tickets"), "label": _("Tickets")},
            {"url": "", "label": str(self.page_title)},
        ]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(PhoneForm(actor=policy.actor_of(request)))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        actor = policy.actor_of(request)
        if "search" in request.POST:
            typed = {name: request.POST.get(name, "") for name in PhoneForm.base_fields}
            return self._show(PhoneForm(initial=typed, actor=actor), typed["find"])
        form = PhoneForm(request.POST, actor=actor)
        try:
            ticket = form.save() if form.is_valid() else None
        except AlreadyDone as error:
            ticket = error.existing
        except NotPermitted as error:
            raise Http404 from error
        except HelpdeskError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            ticket = None
        if ticket is None:
            return self._show(form, request.POST.get("find", ""), status=422)
        number = {"number": ticket.number}
        messages.success(request, _("The ticket %(number)s is open.") % number)
        return redirect("helpdesk_agents:ticket", ticket.pk)

    def _show(self, form: PhoneForm, words: str = "", status: int = 200) -> HttpResponse:
        chosen = form["customer"].value() or ""
        context = self.get_context_data(form=form, chosen=chosen, **look_up(self.request, words))
        kept = lookup.read_choice(chosen, int(self.request.user.pk or 0))
        if kept is not None and all(one.value != chosen for one in context["people"]):
            context["people"].insert(0, lookup.Found(chosen, kept))
        return self.render_to_response(context, status=status)


def look_up(request: HttpRequest, words: str) -> dict[str, Any]:
    """Return what is shown for words typed: customers known, people of the directory, and why there is nothing."""
    actor = policy.actor_of(request)
    if len(words.strip()) < MIN_CHARACTERS:
        return {"found": [], "people": [], "searched": False}
    if not lookup.may_search(request.user):
        return {"found": [], "people": [], "searched": False, "is_throttled": True}
    found = find_customers(actor, words)
    people, is_down = lookup.people(
        words, int(request.user.pk or 0), known=[one.customer for one in found]
    )
    searched = bool(words)
    return {"found": found, "people": people, "searched": searched, "is_down": is_down}


@require_GET
def customers(request: HttpRequest) -> HttpResponse:
    """Return the customers and people found, as the list of choices that the form puts in place."""
    policy.check(policy.may_open(policy.actor_of(request)))
    context = {"chosen": "", **look_up(request, request.GET.get("q", ""))}
    return render(request, "helpdesk/agents/phone_customers.html", context)
