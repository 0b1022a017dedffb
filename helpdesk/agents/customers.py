"""The administration of customers and organisations, and two customers becoming one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.ui.tables import BooleanColumn, Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import actions, permissions
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import (
    Customer,
    CustomerAddress,
    Organisation,
    Right,
    Ticket,
    own_addresses,
)
from helpdesk.permissions import Actor

from . import policy
from .phone import MIN_CHARACTERS, find_customers
from .viewsets import IN_USE, DeskForm, DeskViewSet, PolicedEdit, PolicedIndex, form_for


class CustomerIndex(PolicedIndex):
    lists_more = True

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        found = policy.with_contacts(rows, policy.actor_of(self.request))
        return found.select_related("organisation").prefetch_related("addresses")

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Find by name and by the address known here; by the rest of the record only where it is seen."""
        words = self.search_query
        if not words:
            return queryset
        record = Q(login_name__icontains=words) | Q(addresses__normalised__icontains=words)
        here = Q(name__icontains=words) | Q(contact_here__icontains=words)
        return queryset.filter(here | (Q(is_open=True) & record)).distinct()


class CustomerForm(DeskForm):
    """What agents may mend. Addresses are proved by the customer, never typed in here.

    It holds for all departments: who does not deal with the customer in all of theirs reads it only.
    """

    known_addresses = forms.CharField(
        label=gettext_lazy("Addresses"),
        required=False,
        disabled=True,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    class Meta:
        model = Customer
        fields = ["name", "phone", "language", "organisation", "is_blocked"]
        help_texts = {
            "organisation": gettext_lazy(
                "The customer sees what others of it share with it, and nothing else of theirs."
            ),
            "is_blocked": gettext_lazy(
                "Mail from any address of a blocked customer is ignored, as if each of them stood among "
                "the blocked senders; forms and replies on the site are refused."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = list(self.instance.addresses.order_by("pk")) if self.instance.pk else []
        self.fields["known_addresses"].initial = "\n".join(in_words(row) for row in rows)
        self.fields["known_addresses"].widget.attrs["rows"] = max(len(rows), 1)
        self._lock()
        choice: Any = self.fields["organisation"]
        choice.queryset = Organisation.objects.filter(is_active=True) | Organisation.objects.filter(
            pk=self.instance.organisation_id
        )

    def _lock(self) -> None:
        """Let be read only what this agent may not change."""
        actor, person = policy.actor_for(self.for_user), self.instance
        everyday = permissions.may_change_record(actor, person)
        for name in ("name", "phone", "language"):
            self.fields[name].disabled = not everyday
        may_block = permissions.may_change_record(actor, person, Right.MANAGE)
        self.fields["is_blocked"].disabled = not may_block
        self.fields["organisation"].disabled = not permissions.may_set_organisation(actor, person)

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        if "organisation" in self.changed_data:
            actor, chosen = policy.actor_for(self.for_user), self.cleaned_data["organisation"]
            actions.set_organisation(actor=actor, customer=self.instance, organisation=chosen)
        return super().save(commit)

    def clean_organisation(self) -> Organisation | None:
        """Let nobody see, as its customer, what was shared with an organisation in queues of others."""
        chosen: Organisation | None = self.cleaned_data["organisation"]
        if chosen is None or chosen.pk == self.instance.organisation_id:
            return chosen
        mine = permissions.visible_tickets(policy.actor_for(self.for_user)).order_by().values("pk")
        if Ticket.objects.filter(organisation=chosen).exclude(pk__in=mine).exists():
            message = _(
                "Requests of other teams are shared with this organisation: ask an administrator."
            )
            raise forms.ValidationError(message)
        return chosen

    def clean_is_blocked(self) -> bool:
        blocked: bool = self.cleaned_data["is_blocked"]
        theirs = {row.normalised for row in self.instance.addresses.all()} if blocked else set()
        ours = next((one for one in own_addresses() if one.lower() in theirs), "") if theirs else ""
        if ours:
            message = _("%(address)s is our own or an agent's: it cannot be blocked.")
            raise forms.ValidationError(message % {"address": ours})
        return blocked


def in_words(row: CustomerAddress) -> str:
    """Return an address with what proved it, and when."""
    if row.verified_at is None:
        return _("%(address)s (not confirmed)") % {"address": row.address}
    return _("%(address)s (%(how)s, %(day)s)") % {
        "address": row.address,
        "how": row.get_verified_by_display() or _("confirmed"),
        "day": date_format(row.verified_at, "SHORT_DATE_FORMAT"),
    }


def _address(customer: Any) -> str:
    return (customer.main_address() if customer.is_open else customer.contact_here) or ""


def _of_record(name: str) -> Callable[[Any], Any]:
    """Return what a column shows of the record, if the agent sees it."""
    return lambda customer: getattr(customer, name) if customer.is_open else None


class CustomerEdit(PolicedEdit):
    """The form; who became another customer is found there."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        actor = policy.actor_of(request)
        home = _home_of(kwargs.get("pk") or (args[0] if args else ""))
        if home is not None and policy.visible_customers(actor).filter(pk=home).exists():
            return redirect("helpdesk_people:edit", home)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["may_merge"] = policy.may_manage(policy.actor_of(self.request))
        return context


def _home_of(pk: object) -> int | None:
    text = str(pk)
    if not text.isdecimal() or len(text) > 18:
        return None
    rows = Customer.objects.filter(pk=int(text))
    return rows.values_list("merged_into", flat=True).first()


class CustomerViewSet(DeskViewSet):
    """Customers come into being by mail, form or phone ticket, and go by erasure."""

    model = Customer
    name, url_prefix = "helpdesk_people", "helpdesk/customers"
    icon = "user"
    is_creatable = False
    index_view_class = CustomerIndex
    edit_view_class = CustomerEdit
    edit_template_name = "helpdesk/agents/customer_form.html"
    form_class = CustomerForm
    search_fields = ["name", "login_name", "addresses__normalised"]

    list_display = [
        "__str__",
        Column("address", label=gettext_lazy("Address"), accessor=_address),
        Column("phone", label=gettext_lazy("Phone"), accessor=_of_record("phone")),
        Column(
            "organisation",
            label=gettext_lazy("Organisation"),
            accessor=_of_record("organisation"),
        ),
        BooleanColumn(
            "is_blocked", label=gettext_lazy("Blocked"), accessor=_of_record("is_blocked")
        ),
    ]


class OrganisationIndex(PolicedIndex):
    lists_more = True


class OrganisationViewSet(DeskViewSet):
    model = Organisation
    index_view_class = OrganisationIndex
    name, url_prefix = "helpdesk_organisations", "helpdesk/organisations"
    icon = "group"
    form_class = form_for(Organisation, "name", "is_active")
    search_fields = ["name"]
    list_display = ["name", IN_USE]


# --- two become one ------------------------------------------------------------------------------


class MergeCustomersView(WagtailAdminTemplateMixin, TemplateView):
    """Without `other` the choice, with it both side by side and what will happen."""

    template_name = "helpdesk/agents/customers_merge.html"
    header_icon = "user"
    page_title = gettext_lazy("Merge customers")
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.actor = policy.actor_of(request)
        policy.check(policy.may_manage(self.actor))
        self.here = _visible(self.actor, kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        here = self.here
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_people:index"), "label": _("Customers")},
            {"url": reverse("helpdesk_people:edit", args=[here.pk]), "label": str(here)},
            {"url": "", "label": str(self.page_title)},
        ]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = request.GET.get("other", "")
        if chosen:
            return self._compare(_visible(self.actor, chosen))
        words = request.GET.get("q", "")
        known = [one for one in find_customers(self.actor, words) if one.is_open]
        found = [one.customer for one in known if one.customer.pk != self.here.pk]
        searched = len(words.strip()) >= MIN_CHARACTERS
        context = self.get_context_data(here=self.here, words=words, found=found, searched=searched)
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        other = _visible(self.actor, request.POST.get("other", ""))
        source, target = ends(self.here, other)
        if request.POST.get("confirm") != "on":
            return self._compare(other, _("Confirm that the two are one person."), status=422)
        try:
            actions.merge_customers(actor=self.actor, source=source, target=target)
        except (NotFound, NotPermitted) as error:
            raise Http404 from error
        except HelpdeskError as error:
            return self._compare(other, str(error), status=422)
        messages.success(request, _("The two are one customer now."))
        return redirect("helpdesk_people:edit", target.pk)

    def _compare(self, other: Customer, error: str = "", status: int = 200) -> HttpResponse:
        if other.pk == self.here.pk:
            raise Http404
        source, target = ends(self.here, other)
        rows = Customer.objects.filter(pk__in=(source.pk, target.pk)).select_related(
            "organisation", "user"
        )
        rows = rows.prefetch_related("addresses").annotate(count=Count("tickets"))
        pair = sorted(rows, key=lambda row: row.pk != target.pk)
        context = self.get_context_data(
            here=self.here,
            other=other,
            target=target,
            pair=[(row, [in_words(one) for one in row.addresses.all()]) for row in pair],
            may=permissions.may_merge_customers(self.actor, source, target),
            error=error,
        )
        return self.render_to_response(context, status=status)


def ends(one: Customer, other: Customer) -> tuple[Customer, Customer]:
    """Return who goes and who stays: the one with an account, else with a log-in name, else who came first."""
    first, last = sorted(
        (one, other), key=lambda row: (row.user_id is None, not row.login_name, row.pk)
    )
    return last, first


def _visible(actor: Actor, pk: object) -> Customer:
    text = str(pk)
    if not text.isdecimal() or len(text) > 18:
        raise Http404
    rows = policy.visible_customers(actor).filter(permissions.open_records(actor))
    found: Customer = get_object_or_404(rows, pk=int(text))
    return found
