"""Blocked senders in the admin."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, DateColumn

from helpdesk.models import SenderBlock

from .viewsets import DeskForm, DeskViewSet, PolicedIndex


class BlockForm(DeskForm):
    """Who blocks a sender is noted; our own addresses are refused by the model."""

    class Meta:
        model = SenderBlock
        fields = ["pattern", "reason"]

    def save(self, commit: bool = True) -> Any:
        if self.instance.pk is None:
            self.instance.created_by = self.for_user
        return super().save(commit)


class BlockIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("created_by")


class BlockViewSet(DeskViewSet):
    model = SenderBlock
    name, url_prefix = "helpdesk_blocks", "helpdesk/blocks"
    icon = "circle-xmark"
    form_class = BlockForm
    index_view_class = BlockIndex
    search_fields = ["pattern", "reason"]
    ordering = "pattern"
    list_display = [
        "pattern",
        "reason",
        Column("hits", label=_("Mails kept out"), sort_key="hits"),
        DateColumn("last_hit_at", label=_("Last one"), sort_key="last_hit_at"),
        Column("created_by", label=_("Blocked by"), accessor="created_by"),
        DateColumn("created_at", label=_("Since"), sort_key="created_at"),
    ]
