"""*Download my data*: a customer's own data as an archive (Art. 15 and 20 GDPR), and one request at once."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from helpdesk import limits
from helpdesk.errors import NotFound
from helpdesk.models import DataExport
from helpdesk.permissions import Actor
from helpdesk.privacy import export

from . import access, slow
from .views import RequestView


class MyData(View):
    """Asks for the archive, says how far it is, and leads to it: all on one page, which is loaded again to look."""

    @method_decorator(slow.limited)
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        actor = access.actor_of_request(request)
        if actor is None:
            return redirect_to_login(reverse("helpdesk_customers:data"))
        self.actor: Actor = actor
        return access.discreet(super().dispatch(request, *args, **kwargs))

    def get(self, request: HttpRequest) -> HttpResponseBase:
        context = {"found": export.latest(self.actor), "guest": self.actor.address}
        return render(request, "helpdesk/customers/data.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        found = export.latest(self.actor)
        if found is None or found.state != DataExport.State.WAITING:
            person = self.actor.customer
            limits.count("EXPORTS_PER_PERSON", self.actor.address or str(person and person.pk))
            export.ask_own(actor=self.actor, language=get_language() or "")
        return HttpResponseRedirect(reverse("helpdesk_customers:data"))


class Fetch(View):
    """Gives out an archive that is ready, to whom it was made for."""

    @method_decorator(slow.limited)
    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        actor = access.actor_of_request(request)
        if actor is None:
            return redirect_to_login(reverse("helpdesk_customers:data"))
        limits.count("DOWNLOADS_PER_IP")
        row = get_object_or_404(
            export.own_exports(actor).select_related("blob"),
            pk=pk,
            state=DataExport.State.READY,
        )
        try:
            user = request.user if request.user.is_authenticated else None
            found = export.open_archive(row=row, user=user)
        except NotFound as error:
            raise Http404 from error
        day = timezone.localdate(row.made_at)
        return sent(found, _("my-data-%(day)s.zip") % {"day": f"{day:%Y-%m-%d}"})


class DownloadRequest(RequestView):
    """One request as an archive, made at once for whoever came through its door."""

    @method_decorator(slow.limited)
    def get(self, request: HttpRequest) -> HttpResponseBase:
        limits.count("DOWNLOADS_PER_IP")
        door = self.door
        found = export.of_request(
            actor=door.actor, ticket=door.ticket, language=get_language() or ""
        )
        return sent(found, f"{door.ticket.number}.zip")


def sent(file: object, name: str) -> FileResponse:
    """Return an archive as a download that nobody keeps in between and no browser opens in our name."""
    response = FileResponse(
        file,  # type: ignore[arg-type]
        as_attachment=True,
        filename=name,
        content_type="application/zip",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return access.discreet(response)  # type: ignore[return-value]
