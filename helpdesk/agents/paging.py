"""Pages of long lists, without counting to the end, and lists without side doors."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.paginator import WagtailPaginator
from wagtail_modeladmin.views import IndexView

CAP = 10_000


class CappedPaginator(WagtailPaginator):
    """Counts up to `CAP` rows. What lies behind is reached by a filter, not by turning pages."""

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: CAP + 1].count() if hasattr(rows, "order_by") else len(rows)

    @cached_property
    def count(self) -> int:
        return min(self._counted, CAP)

    @cached_property
    def items_count_label(self) -> str:
        if self._counted > CAP:
            return _("%(count)s+ entries") % {"count": f"{CAP:,}"}
        return str(super().items_count_label)


def find_row(rows: QuerySet[Any], pk: str) -> None:
    """Raise 404 unless `pk`, as modeladmin writes it into an address, is one of `rows`."""
    try:
        is_there = rows.filter(pk=unquote(pk)).exists()
    except (ValueError, ValidationError):
        is_there = False
    if not is_there:
        raise Http404


class GuardedIndex(IndexView):
    """modeladmin's list, which would filter by any path in the address, a stored secret included.

    Only the filters that the list offers are taken.
    """

    paginator_class = CappedPaginator

    def get_page_title(self) -> Any:
        return self.model_admin.get_menu_label()

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        offered = {
            f"{name}{lookup}"
            for name in self.model_admin.get_list_filter(self.request)
            for lookup in ("", "__exact", "__isnull")
        }
        found = super().get_filters_params(params)
        return {key: value for key, value in found.items() if key in offered}
