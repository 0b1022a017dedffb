"""How the extension enters the Wagtail admin."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import include, path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.permissions import register_permission_policy
from wagtail_modeladmin.options import modeladmin_register

from . import models
from .agents import (
    accounts,
    blocks,
    calendars,
    customers,
    departments,
    group_rights,
    keeping_accounts,
    logs,
    menu,
    notice_choices,
    notices,
    oauth,
    orders,
    policy,
    promises,
    queues,
    responses,
    routes,
    viewsets,
)
from .agents.dashboard import DeskPanel
from .agents.panels import TicketPanel
from .pages import choosing, form_version
from .pages.builder import editor_assets
from .pages.check_panel import tell_before_publishing, tell_when_submitting
from .pages.field_sets import refuse_deletion, refuse_unpublishing
from .pages.inputs import sets
from .pages.stream import FormFieldsBlock

register_permission_policy(models.Ticket, policy.TicketPolicy(models.Ticket))
register_permission_policy(models.Queue, policy.QueuePolicy(models.Queue))
register_permission_policy(models.AutoResponse, policy.ResponsePolicy(models.AutoResponse))
register_permission_policy(models.Customer, policy.CustomerPolicy(models.Customer))
register_permission_policy(models.Organisation, policy.OrganisationPolicy(models.Organisation))
register_permission_policy(models.SenderBlock, policy.BlockPolicy(models.SenderBlock))
for _owned in (models.Calendar, models.Promise, models.MailRoute, models.OAuthAccess):
    register_permission_policy(_owned, policy.DepartmentPolicy(_owned))
for _model in (
    models.Department,
    models.PromiseOverride,
    models.State,
    models.Priority,
    models.TicketType,
):
    register_permission_policy(_model, policy.DeskPolicy(_model))

for _model_admin in (
    accounts.AccountAdmin,
    logs.InboundAdmin,
    logs.OutboundAdmin,
    logs.MessageAdmin,
    logs.TaskAdmin,
):
    modeladmin_register(_model_admin)


@hooks.register("register_admin_urls")
def admin_urls() -> list[Any]:
    return [
        path("helpdesk/forms/", include("helpdesk.pages.trying")),
        path("helpdesk/", include("helpdesk.agents.urls")),
    ]


for _rank, _group in enumerate(menu.GROUPS):
    hooks.register("register_admin_menu_item", partial(menu.submenu, _group, 50 + _rank))


hooks.register("register_admin_menu_item", partial(notices.menu_item, 49))
hooks.register("register_group_permission_panel", group_rights.panel)
hooks.register("register_ticket_panel", orders.panel)
hooks.register("register_ticket_action", orders.action)
hooks.register("before_publish_page", tell_before_publishing)
hooks.register("after_create_page", tell_when_submitting)
hooks.register("after_edit_page", tell_when_submitting)
hooks.register("construct_main_menu", menu.without_editors_items)
hooks.register("construct_page_chooser_queryset", choosing.choosable)
hooks.register("before_create_user", keeping_accounts.before_create)
hooks.register("before_edit_user", keeping_accounts.before_edit)
hooks.register("before_delete_user", keeping_accounts.before_delete)
hooks.register("before_bulk_action", keeping_accounts.before_bulk)
hooks.register("before_delete_snippet", refuse_deletion)
hooks.register("before_unpublish", refuse_unpublishing)
hooks.register("register_account_settings_panel", notice_choices.NoticesPanel)


@hooks.register("register_ticket_panel")
def form_of_the_ticket(request: HttpRequest, ticket: models.Ticket) -> TicketPanel | None:
    html = form_version.since(ticket, request.user)
    return None if html is None else TicketPanel(_("The form"), html)


@hooks.register("register_icons")
def icons(found: list[str]) -> list[str]:
    return [*found, "helpdesk/agents/icons/bell.svg"]


@hooks.register("register_admin_viewset")
def admin_viewsets() -> list[Any]:
    return [
        queues.QueueViewSet(),
        responses.ResponseViewSet(),
        oauth.OAuthViewSet(),
        customers.CustomerViewSet(),
        customers.OrganisationViewSet(),
        blocks.BlockViewSet(),
        calendars.CalendarViewSet(),
        promises.PromiseViewSet(),
        promises.OverrideViewSet(),
        promises.StateViewSet(),
        viewsets.PriorityViewSet(),
        viewsets.TypeViewSet(),
        routes.RouteViewSet(),
        departments.DepartmentViewSet(),
    ]


@hooks.register("register_permissions")
def permissions_of_groups() -> Any:
    """What is given on the page of a group beside rights in queues."""
    return Permission.objects.filter(content_type__app_label="helpdesk", codename="handle_persons")


@hooks.register("construct_homepage_panels")
def homepage_panels(request: HttpRequest, panels: list[Any]) -> None:
    if policy.may_enter(policy.actor_of(request)):
        panels.append(DeskPanel(request))


@hooks.register("insert_global_admin_css")
def admin_css() -> str:
    names = ("desk", "notices", "together", "merging", "rights", "people", "orders", "policy")
    paths = [*(f"helpdesk/agents/{name}.css" for name in names), "helpdesk/pages/check.css"]
    links = ((static(path),) for path in paths)
    return format_html_join("", '<link rel="stylesheet" href="{}">', links)


@hooks.register("insert_global_admin_js")
def admin_js() -> str:
    names = ("desk", "notices", "finder")
    links = ((static(f"helpdesk/agents/{name}.js"),) for name in names)
    together = format_html(
        '<script type="module" src="{}"></script>', static("helpdesk/agents/together.js")
    )
    return format_html_join("", '<script src="{}"></script>', links) + together


@hooks.register("insert_editor_js")
def editor_js() -> str:
    return editor_assets(FormFieldsBlock().kinds(), sets.live())
