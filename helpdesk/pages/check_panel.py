"""Where an editor reads what publishing a form would bring: in the page editor, and once more when it happens."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from wagtail.admin import messages
from wagtail.admin.panels import Panel

from . import publish_check

#: So many sentences fit into a message.
TOLD = 6


class PublishCheckPanel(Panel):
    """The findings about the form as it was last saved. It has no field of its own."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "helpdesk/pages/panels/publish_check.html"

        @cached_property
        def findings(self) -> list[publish_check.Finding]:
            return publish_check.check(self.instance)

        def is_shown(self) -> bool:
            return self.instance.pk is not None


#: What somebody presses who hands a form over, or lets it go on the site at the end of a workflow.
_HANDING_OVER = frozenset({"action-submit", "action-restart-workflow", "action-workflow-action"})


def tell_when_submitting(request: HttpRequest, page: Any) -> None:
    """Tell the same to who submits a form for approval, or approves it (hooks `after_create_page`, `after_edit_page`).

    What is told is the form as it was sent, not as it is on the site.
    """
    if _HANDING_OVER & request.POST.keys():
        tell_before_publishing(request, page.get_latest_revision_as_object())


def tell_before_publishing(request: HttpRequest, page: Any) -> None:
    """Tell an editor who publishes a form what that brings (hook `before_publish_page`); it goes on."""
    page = page.specific
    if not hasattr(page, "intake_panels"):
        return
    findings = publish_check.check(page)
    if not findings:
        return
    told = [finding.text for finding in findings[:TOLD]]
    if len(findings) > TOLD:
        told.append(_("%(n)d more, see the form in the editor.") % {"n": len(findings) - TOLD})
    lines = format_html_join("", "<li>{}</li>", ((one,) for one in told))
    messages.warning(request, format_html("{}<ul>{}</ul>", _("To know about this form:"), lines))
