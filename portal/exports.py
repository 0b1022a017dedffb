"""Lists of Wagtail's admin given out as files are written down, whichever of its screens it was."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from wagtail.admin.views.mixins import SpreadsheetExportMixin

from helpdesk import audit
from helpdesk.models import AuditKind

#: Screens that write a line of their own, which says more.
TELL_THEMSELVES = frozenset({"wagtailforms:list_submissions"})


class ExportsAreTold:
    """Writes a line into the audit log where Wagtail's own lists and reports are downloaded as CSV or XLSX."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        asked, match = request.GET.get("export", ""), request.resolver_match
        if asked not in SpreadsheetExportMixin.FORMATS or match is None:
            return response
        is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
        if response.status_code == 200 and is_file and match.view_name not in TELL_THEMSELVES:
            data = {"what": "list", "list": match.view_name, "format": asked}
            audit.record(AuditKind.EXPORTED, user=request.user, data=data)
        return response
