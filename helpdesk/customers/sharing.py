"""What a customer decides on the page of a request: who else sees it, and which links open it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from helpdesk import actions, permissions, throttle
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted

from .forms import InvitationForm
from .parts import organisation_of
from .views import RequestView

#: Invitations and links sent from one request: at most so many an hour.
AN_HOUR, SENT_AN_HOUR = 3600, 10


class DecidingView(RequestView):
    """For the customer; to whoever only takes part there is nothing here."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return HttpResponseRedirect(self.door.url() + "#sharing")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not permissions.may_decide(self.door.actor, self.door.ticket):
            raise Http404
        return self.decide(request)

    def decide(self, request: HttpRequest) -> HttpResponseBase:
        raise NotImplementedError

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.door.actor, "ticket": self.door.ticket}

    def may_send(self) -> bool:
        """Tell whether one more mail may go out because of this request, and count it."""
        number = self.door.ticket.number
        return throttle.allow("request.mails", number, times=SENT_AN_HOUR, seconds=AN_HOUR)


class Invite(DecidingView):
    def decide(self, request: HttpRequest) -> HttpResponseBase:
        form = InvitationForm(request.POST, auto_id="invite_%s", label_suffix="")
        if not form.is_valid():
            return self.show(invitation=form, status=422)
        if not self.may_send():
            form.add_error(None, _("Too many mails were sent from here. Please try again later."))
            return self.show(invitation=form, status=429)
        email = form.cleaned_data["email"]
        try:
            actions.invite(address=email, name=form.cleaned_data["name"], **self.who)
        except (NotFound, NotPermitted):
            raise
        except HelpdeskError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return self.show(invitation=form, status=422)
        message = _("%(address)s is invited and gets a mail with a link.") % {"address": email}
        return self.back(message, anchor="#sharing")


class Uninvite(DecidingView):
    def decide(self, request: HttpRequest) -> HttpResponseBase:
        chosen = request.POST.get("participant", "")
        pk = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
        row = self.door.ticket.participants.filter(pk=pk).first()
        if row is None:  # a second click
            return HttpResponseRedirect(self.door.url() + "#sharing")
        actions.remove_participant(participant=row, **self.who)
        message = _("%(name)s does not take part any more.") % {"name": row.name or row.address}
        return self.back(message, anchor="#sharing")


class Share(DecidingView):
    def decide(self, request: HttpRequest) -> HttpResponseBase:
        own = organisation_of(self.door)
        wanted = own if request.POST.get("share") == "on" else None
        try:
            actions.share(organisation=wanted, **self.who)
        except (NotFound, NotPermitted):
            raise
        except HelpdeskError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.door.url() + "#sharing")
        if wanted is None:
            return self.back(_("The request is shared with no organisation."), anchor="#sharing")
        message = _("The request is shared with %(name)s.") % {"name": wanted.name}
        return self.back(message, anchor="#sharing")


class Links(DecidingView):
    """Withdraw the links. Whoever came by one gets a new one by mail: it could be somebody else's hands."""

    def decide(self, request: HttpRequest) -> HttpResponseBase:
        if not self.may_send():
            messages.error(
                request, _("Too many mails were sent from here. Please try again later.")
            )
            return HttpResponseRedirect(self.door.url() + "#sharing")
        actions.withdraw_links(**self.who)
        if not self.door.token:
            message = _("The links sent so far do not work any more.")
            return self.back(message, anchor="#sharing")
        is_sent = True
        try:
            actions.send_link(**self.who)
        except (NotFound, NotPermitted):
            raise
        except HelpdeskError:
            is_sent = False
        return render(request, "helpdesk/customers/links_withdrawn.html", {"is_sent": is_sent})
