"""What the site adds to the Wagtail admin: looks, log-in and security, translations, statements, the bar on pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component
from wagtail.admin.ui.tables import LiveStatusTagColumn, LocaleColumn, UpdatedAtColumn
from wagtail.admin.userbar import BaseItem
from wagtail.admin.widgets import Button
from wagtail.models import Page, Site
from wagtail.permissions import register_permission_policy
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from helpdesk.agents.policy import DepartmentPolicy
from helpdesk.pages.intake import IntakeFormMixin

from . import key_views, translation_views
from .looks import LookViewSet
from .models import DepartmentLook, FieldSet
from .standing import lacking
from .translations import stale_since

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
    list_display = [
        "title",
        LocaleColumn(label=gettext_lazy("Language")),
        LiveStatusTagColumn(),
        UpdatedAtColumn(),
    ]


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


# --- languages ------------------------------------------------------------------------------------


@hooks.register("register_admin_urls")
def translation_urls() -> list[URLPattern]:
    return [
        path("reports/translations/", translation_views.report, name="portal_translations"),
        path(
            "reports/translations/<int:pk>/current/",
            translation_views.current,
            name="portal_translation_current",
        ),
    ]


class _TranslationsItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return translation_views.may_see(request.user)


@hooks.register("register_reports_menu_item")
def translations_item() -> MenuItem:
    return _TranslationsItem(
        gettext_lazy("Translations"),
        reverse_lazy("portal_translations"),
        name="translations",
        icon_name="globe",
        order=1200,
    )


@hooks.register("before_edit_page")
def warn_of_a_stale_translation(request: HttpRequest, page: Page) -> None:
    """Say above the editor that the source of this translation was published since."""
    if request.method != "GET" or request.headers.get("x-requested-with"):
        return
    # what is edited is the draft; what counts is what was published
    found = stale_since(Page.objects.get(pk=page.pk))
    if found is not None:
        source, since = found
        context = {
            "page": page,
            "source": source,
            "since": since,
            "compare_url": reverse("wagtailadmin_pages:history", args=[source.pk]),
        }
        template = "portal/admin/stale_translation.html"
        messages.warning(request, mark_safe(render_to_string(template, context, request)))  # noqa: S308


# --- what a public body has to say about its site -------------------------------------------------


class _StatementsPanel(Component):
    """Says what the site lacks, to those who may change its settings."""

    name = "portal_statements"
    template_name = "portal/admin/statements_panel.html"
    order = 90

    def __init__(self, lines: list[str], settings_url: str) -> None:
        self.lines, self.settings_url = lines, settings_url

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        return {"lines": self.lines, "settings_url": self.settings_url}


@hooks.register("construct_homepage_panels")
def statements_panel(request: HttpRequest, panels: list[Any]) -> None:
    if not request.user.has_perm("portal.change_sitesettings"):
        return
    for site in Site.objects.all():
        lines = lacking(site)
        if lines:
            url = reverse("wagtailsettings:edit", args=["portal", "sitesettings", site.pk])
            panels.append(_StatementsPanel(lines, url))


# --- Wagtail's bar on the pages themselves --------------------------------------------------------


class _SubmissionsItem(BaseItem):
    template_name = "portal/admin/submissions_item.html"

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        url = reverse("wagtailforms:list_submissions", args=[self.page.pk])
        return {**super().get_context_data(parent_context), "url": url}


@hooks.register("construct_wagtail_userbar")
def submissions_item(request: HttpRequest, items: list[Any], page: Page | None) -> None:
    """Lead from a form to what was sent with it, for who may edit it."""
    is_form = isinstance(page, IntakeFormMixin) and page.pk
    if page is not None and is_form and page.permissions_for_user(request.user).can_edit():
        items.append(_SubmissionsItem(page))
