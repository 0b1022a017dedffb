"""What the site adds to the Wagtail admin: the look of departments, and what is shown of log-in and security."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.ui.tables import LiveStatusTagColumn, UpdatedAtColumn
from wagtail.admin.widgets import Button
from wagtail.permissions import register_permission_policy
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from helpdesk.agents.policy import DepartmentPolicy

from . import key_views
from .looks import LookViewSet
from .models import DepartmentLook, FieldSet

register_permission_policy(DepartmentLook, DepartmentPolicy(DepartmentLook))


@hooks.register("register_admin_viewset")
def looks() -> LookViewSet:
    return LookViewSet()


class FieldSetViewSet(SnippetViewSet):
    model = FieldSet
    icon = "form"
    menu_label = gettext_lazy("Field sets")
    menu_order = 260
    add_to_admin_menu = True
    list_display = ["title", LiveStatusTagColumn(), UpdatedAtColumn()]


register_snippet(FieldSetViewSet)


@hooks.register("register_account_menu_item")
def security_item(request: HttpRequest) -> dict[str, str]:
    """The link from the account page to passwords, factors and sessions."""
    return {
        "url": reverse("mfa_index"),
        "label": _("Log-in and security"),
        "help_text": _("Password, e-mail addresses, second factor and sessions."),
    }


@hooks.register("register_admin_urls")
def admin_urls() -> list[URLPattern]:
    return [path("users/<int:pk>/keys/", key_views.keys, name="portal_keys")]


@hooks.register("register_user_listing_buttons")
def keys_button(user: Any, request_user: Any) -> Iterator[Button]:
    """The way to somebody's factors and sessions, for who may see them."""
    if request_user.is_superuser:
        yield Button(
            _("Log-in and security"),
            reverse("portal_keys", args=[user.pk]),
            icon_name="lock",
            priority=40,
        )
