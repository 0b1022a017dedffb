"""*My addresses*: from which addresses one writes, each proved before it shows anything."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from helpdesk import actions, permissions, throttle
from helpdesk.errors import AddressTaken, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Customer
from helpdesk.permissions import Actor

from . import access
from .forms import AddressForm

#: Mails to confirm an address: at most so many an hour for one account.
AN_HOUR, SENT_AN_HOUR = 3600, 5


class AccountView(View):
    """A page for somebody with an account."""

    actor: Actor
    person: Customer

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            response: HttpResponseBase = redirect_to_login(request.get_full_path())
            return access.discreet(response)
        self.person = actions.customer_for_user(request.user)
        self.actor = permissions.customer(self.person)
        return access.discreet(super().dispatch(request, *args, **kwargs))


class Addresses(AccountView):
    """The list, and every change of it: `do` says which, `row` of which address."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.show(AddressForm(label_suffix=""))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        change = {"main": self.choose, "remove": self.remove, "drop": self.drop}.get(
            request.POST.get("do", "")
        )
        if change is None:
            return self.claim()
        try:
            message = change()
        except (NotFound, NotPermitted):  # a second click, or another browser
            return HttpResponseRedirect(request.path)
        except HelpdeskError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.path)
        messages.success(request, message)
        return HttpResponseRedirect(request.path)

    def show(self, form: AddressForm, status: int = 200) -> HttpResponseBase:
        rows = sorted(
            self.person.addresses.all(),
            key=lambda row: (not row.is_main, row.verified_at is None, row.pk),
        )
        known = {row.normalised for row in rows}
        claims = [one for one in self.person.claims.all() if one.normalised not in known]
        sent = {one.normalised: one.asked_at for one in self.person.claims.all()}
        context = {
            "rows": [(row, sent.get(row.normalised)) for row in rows],
            "claims": claims,
            "main": self.person.main_address(),
            "form": form,
        }
        return render(self.request, "helpdesk/customers/addresses.html", context, status=status)

    def claim(self) -> HttpResponseBase:
        """Send the mail by which an address is confirmed: the first one, or one more."""
        form = AddressForm(self.request.POST, label_suffix="")
        if not form.is_valid():
            return self.show(form, status=422)
        address = form.cleaned_data["email"]
        who = str(self.person.pk)
        if not throttle.allow("address.proof", who, times=SENT_AN_HOUR, seconds=AN_HOUR):
            form.add_error(None, _("Too many mails were sent from here. Please try again later."))
            return self.show(form, status=429)
        try:
            actions.claim_address(actor=self.actor, address=address, language=get_language() or "")
        except HelpdeskError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return self.show(form, status=422)
        message = _("A mail is on its way to %(address)s. Open the link in it to confirm.")
        messages.success(self.request, message % {"address": address})
        return HttpResponseRedirect(self.request.path)

    def _row(self) -> int:
        chosen = self.request.POST.get("row", "")
        return int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0

    def choose(self) -> str:
        row = self.person.addresses.filter(pk=self._row()).first()
        if row is None:
            raise NotFound
        actions.choose_main_address(actor=self.actor, address=row)
        return _("We write to %(address)s from now on.") % {"address": row.address}

    def remove(self) -> str:
        row = self.person.addresses.filter(pk=self._row()).first()
        if row is None:
            raise NotFound
        actions.remove_address(actor=self.actor, address=row)
        return _("%(address)s is removed.") % {"address": row.address}

    def drop(self) -> str:
        claim = self.person.claims.filter(pk=self._row()).first()
        if claim is None:
            raise NotFound
        actions.drop_claim(actor=self.actor, claim=claim)
        return _("%(address)s is removed.") % {"address": claim.address}


class ConfirmAddress(View):
    """Where the link in the mail leads. Only the button confirms: a program that opens links does not."""

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        return self._show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self._show(request, token)
        claim, actor = actions.read_claim(token), access.actor_of(request.user)
        if claim is None or claim.customer != actor.customer:
            return self._show(request, token)
        try:
            row = actions.confirm_address(actor=actor, claim=claim)
        except NotFound:
            return self._show(request, token)
        except AddressTaken:
            return self._page(request, "taken", status=409)
        except HelpdeskError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("helpdesk_customers:addresses"))
        said = _(
            "%(address)s is confirmed. Requests that came by mail from it are now among yours."
        )
        messages.success(request, said % {"address": row.address})
        return HttpResponseRedirect(reverse("helpdesk_customers:addresses"))

    def _show(self, request: HttpRequest, token: str) -> HttpResponseBase:
        claim = actions.read_claim(token)
        if claim is None:
            return self._page(request, "gone", status=404)
        if not request.user.is_authenticated:
            return access.discreet(redirect_to_login(request.get_full_path()))
        if claim.customer != access.actor_of(request.user).customer:
            return self._page(request, "other", status=403)
        return self._page(request, "ask", claim=claim)

    def _page(self, request: HttpRequest, case: str, status: int = 200, **more: Any) -> Any:
        context = {"case": case, **more}
        name = "helpdesk/customers/address_confirm.html"
        return access.discreet(render(request, name, context, status=status))
