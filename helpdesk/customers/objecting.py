"""The objection to the longer storage on the page of a request: made with a box and a button, withdrawn after a question.

Never by opening an address: what reads mails to protect people opens every link in them.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from helpdesk import actions, permissions
from helpdesk.models import Channel

from .forms import ObjectionForm
from .views import RequestView

#: Where on the page of a request its storage stands.
ANCHOR = "#storage"


class Objection(RequestView):
    def get(self, request: HttpRequest) -> HttpResponseBase:
        return HttpResponseRedirect(self.door.url() + ANCHOR)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = ObjectionForm(request.POST)
        if not form.is_valid():
            return self.show(objection=form, status=422)
        actions.object_to_storage(
            actor=self.door.actor, ticket=self.door.ticket, channel=Channel.WEB
        )
        return self.back(_("Your objection has been noted."), anchor=ANCHOR)


class Withdraw(RequestView):
    """Asks first: what it does takes effect at once."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        door = self.door
        if not permissions.may_decide(door.actor, door.ticket):
            raise Http404
        if door.ticket.objected_at is None or actions.joined_from(door.ticket) is not None:
            return HttpResponseRedirect(door.url() + ANCHOR)
        urls = {name: door.url(name) for name in ("detail", "withdraw")}
        context = {"door": door, "ticket": door.ticket, "urls": urls}
        return render(request, "helpdesk/customers/withdraw.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        actions.withdraw_objection(actor=self.door.actor, ticket=self.door.ticket)
        return self.back(_("Your objection is withdrawn."), anchor=ANCHOR)
