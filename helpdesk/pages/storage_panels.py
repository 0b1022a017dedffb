"""The fields in the editor of a form that say how long its requests are kept: the sentence, and changes in words."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.compare import FieldComparison
from wagtail.admin.panels import FieldPanel, Panel

from helpdesk import actions


class SentencePanel(Panel):
    """Shows what customers read, as the form was last saved. It has no field of its own."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "helpdesk/pages/panels/storage.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            is_known = page.pk is not None and page.queue_id is not None
            return context | {
                "language": page.locale.language_code if is_known else "",
                "sentence": _sentence(page) if is_known else "",
            }


def _sentence(page: Any) -> str:
    inherited = actions.terms_of(page.queue, language=page.locale.language_code)
    found: str = page.storage_terms(inherited).retention_sentence
    return found


class DaysComparison(FieldComparison):
    """A number of days, or nothing, before and after, in words."""

    def htmldiff(self) -> SafeString:
        """Return both in HTML, marked as Wagtail marks what went and what came."""
        words = '<span class="deletion">{}</span><span class="addition">{}</span>'
        return format_html(words, _in_words(self.val_a), _in_words(self.val_b))


def _in_words(days: int | None) -> str:
    if days is None:
        return _("as the queue says")
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


class DaysPanel(FieldPanel):
    """The panel of a number of days: as any other, but for the comparison."""

    def get_comparison_class(self) -> Any:
        return DaysComparison
