"""A file in which a virus was found: given out after a warning, to few, and written down."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy

from helpdesk import audit, permissions
from helpdesk.models import Attachment, AuditKind, Scan

from . import policy
from .files import raw_bytes
from .ticket_page import TicketPage


class Quarantined(TicketPage):
    """The warning, and by its button the file. 404 for everybody who may not fetch it."""

    template_name = "helpdesk/agents/quarantine.html"
    page_title = gettext_lazy("File in quarantine")
    header_icon = "warning"

    def prepare(self, **kwargs: Any) -> None:
        if not policy.may_fetch_quarantined(self.actor, self.ticket):
            raise Http404
        articles = permissions.visible_articles(self.actor, self.ticket)
        files = Attachment.objects.filter(article__in=articles, blob__scan=Scan.INFECTED)
        self.file = get_object_or_404(files.select_related("blob"), pk=kwargs["attachment"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "file": self.file, "ticket": self.ticket}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            audit.record(
                AuditKind.EXPORTED,
                user=request.user,
                ticket=self.ticket,
                data={"quarantined": self.file.blob.sha256, "finding": self.file.blob.finding},
            )
        return raw_bytes(self.file)
