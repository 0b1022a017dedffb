"""The help desk in the main menu: work, mail and settings, each item shown to those who may use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.auth import user_has_any_page_permission
from wagtail.admin.menu import Menu, MenuItem, SubmenuMenuItem

from helpdesk.permissions import Actor

from . import policy

Test = Callable[[Actor], bool]

Item = tuple[Any, str, str, Test]

DEPARTMENT = policy.may_administer_department


@dataclass(frozen=True)
class Group:
    """One entry of the main menu. An item: label, URL name, icon, who sees it.

    No `name` may begin with another's: Wagtail opens both then (“helpdesk” opened its “help”).
    """

    name: str
    label: Any
    icon: str
    items: tuple[Item, ...]


GROUPS = (
    Group(
        "desk-work",
        _("Help desk"),
        "mail",
        (
            (_("Tickets"), "helpdesk_agents:tickets", "mail", policy.may_enter),
            (_("New phone ticket"), "helpdesk_agents:phone", "mobile-alt", policy.may_open),
            (_("Customers"), "helpdesk_people:index", "user", policy.may_enter),
            (_("Organisations"), "helpdesk_organisations:index", "group", policy.may_manage),
            (_("Failure inbox"), "helpdesk_agents:failures", "warning", policy.may_manage),
            (_("Queues"), "helpdesk_queues:index", "list-ul", policy.may_lead),
            (_("Absences"), "helpdesk_agents:absences", "calendar-alt", policy.may_enter),
            (_("Holds"), "helpdesk_agents:holds", "lock", policy.may_manage),
            (_("Audit log"), "helpdesk_agents:audit", "history", policy.may_audit),
            (_("Erasure"), "helpdesk_agents:erasure", "bin", policy.may_audit),
            (
                _("Data subjects"),
                "helpdesk_agents:persons",
                "user",
                policy.may_handle_persons,
            ),
        ),
    ),
    Group(
        "desk-mail",
        _("Mail in and out"),
        "resubmit",
        (
            (_("Automatic answers"), "helpdesk_responses:index", "comment", policy.may_lead),
            (_("Mail filters"), "helpdesk_agents:filters", "sliders", policy.is_superuser),
            (_("Blocked senders"), "helpdesk_blocks:index", "circle-xmark", policy.may_manage),
            (_("Addresses that bounce"), "helpdesk_agents:bounced", "no-view", policy.may_manage),
            (_("Inbound log"), "helpdesk_inbound_modeladmin_index", "download", policy.may_manage),
            (_("Outbound log"), "helpdesk_outbound_modeladmin_index", "upload", policy.may_manage),
            (
                _("Mail accounts"),
                "helpdesk_accounts_modeladmin_index",
                "mail",
                policy.may_administer,
            ),
            (_("Outgoing mail servers"), "helpdesk_routes:index", "site", DEPARTMENT),
            (_("OAuth2 accesses"), "helpdesk_oauth:index", "key", DEPARTMENT),
            (_("Mail journal"), "helpdesk_journal_modeladmin_index", "history", policy.may_manage),
        ),
    ),
    Group(
        "desk-settings",
        _("Help desk settings"),
        "clipboard-list",
        (
            (_("Teams"), "helpdesk_agents:teams", "group", policy.may_administer),
            (_("Departments"), "helpdesk_departments:index", "group", policy.is_superuser),
            (_("Who may see this?"), "helpdesk_agents:explain", "view", policy.may_lead),
            (_("Retention"), "helpdesk_agents:retention", "time", policy.may_administer),
            (
                _("Settings for retention"),
                "helpdesk_agents:retention_settings",
                "time",
                policy.is_superuser,
            ),
            (_("Calendars"), "helpdesk_calendars:index", "calendar", DEPARTMENT),
            (_("Promises"), "helpdesk_promises:index", "time", DEPARTMENT),
            (
                _("Promises by type or priority"),
                "helpdesk_overrides:index",
                "time",
                policy.is_superuser,
            ),
            (_("States"), "helpdesk_states:index", "folder-open-inverse", policy.is_superuser),
            (_("Priorities"), "helpdesk_priorities:index", "order-up", policy.is_superuser),
            (_("Ticket types"), "helpdesk_types:index", "tag", policy.is_superuser),
            (
                _("Orders of queues"),
                "helpdesk_agents:order_settings",
                "clipboard-list",
                policy.is_superuser,
            ),
            (_("Task journal"), "helpdesk_tasks_modeladmin_index", "tasks", policy.is_superuser),
        ),
    ),
)


class DeskMenuItem(MenuItem):
    """An item that asks the policy."""

    def __init__(self, *args: Any, test: Test, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.test = test

    def is_shown(self, request: HttpRequest) -> bool:
        return self.test(policy.actor_of(request))


def submenu(group: Group, order: int) -> SubmenuMenuItem:
    """Return a group for Wagtail's main menu; it is not shown to whom none of its items is."""
    items = [
        DeskMenuItem(
            label,
            reverse(name),
            name=name.replace(":", "-"),
            icon_name=icon,
            order=rank,
            test=test,
        )
        for rank, (label, name, icon, test) in enumerate(group.items)
    ]
    return SubmenuMenuItem(
        group.label, Menu(items=items), name=group.name, icon_name=group.icon, order=order
    )


#: What Wagtail shows to everybody in the admin, and what is of use to editors of pages only.
FOR_EDITORS = frozenset({"explorer", "reports", "help"})


def without_editors_items(request: HttpRequest, items: list[MenuItem]) -> None:
    """Leave out of the main menu what has nothing for somebody without any right on pages (a Wagtail hook)."""
    if not user_has_any_page_permission(request.user):
        items[:] = [item for item in items if item.name not in FOR_EDITORS]
