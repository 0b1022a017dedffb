"""Which pages Wagtail's chooser offers: to whoever has the admin for the help desk alone, no drafts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from wagtail.permission_policies.pages import PagePermissionPolicy


def choosable(pages: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Leave what is published, and what the user may find among the pages of the admin. A hook of Wagtail's."""
    explorable = PagePermissionPolicy().explorable_instances(request.user)
    return pages.filter(Q(live=True) | Q(pk__in=explorable.order_by().values("pk")))
