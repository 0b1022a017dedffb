"""*Data subjects*: an erasure that failed is tried again."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.admin import messages

from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.privacy import person_jobs

from .persons import PersonsBase


class AgainView(PersonsBase):
    """Lets an erasure that failed go on where it stopped."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            person_jobs.try_again(actor=self.actor, pk=kwargs["pk"])
        except (NotFound, NotPermitted) as error:
            raise Http404 from error
        except HelpdeskError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is being done. How far it is stands here."))
        return redirect(reverse("helpdesk_agents:persons"))
