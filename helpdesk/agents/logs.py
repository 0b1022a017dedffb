"""Logs and journals: read-only lists of what arrived, what went out and what ran."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_mailbox.models import Message
from django_tasks_db.models import DBTaskResult
from wagtail_modeladmin.helpers import PermissionHelper
from wagtail_modeladmin.options import ModelAdmin
from wagtail_modeladmin.views import InspectView

from helpdesk.models import InboundMail, OutboundMail, Right
from helpdesk.permissions import Actor

from . import policy
from .failures import visible_inbound, visible_outbound
from .paging import GuardedIndex
from .tickets_list import queue_choices


def visible_messages(actor: Actor) -> QuerySet[Message]:
    """Return the journal rows of mails filed in queues that the actor manages; superusers see all."""
    if policy.is_superuser(actor):
        return Message.objects.all()
    mails = visible_inbound(actor).filter(message=OuterRef("pk"))
    return Message.objects.filter(Exists(mails))


def visible_tasks(actor: Actor) -> QuerySet[DBTaskResult]:
    """Return the tasks, to superusers only: they belong to no queue."""
    rows = DBTaskResult.objects.all()
    return rows if policy.is_superuser(actor) else rows.none()


class ReadOnly(PermissionHelper):
    """Managers read the rows of their queues; nobody writes any."""

    rows: dict[Any, Any] = {
        InboundMail: visible_inbound,
        OutboundMail: visible_outbound,
        Message: visible_messages,
        DBTaskResult: visible_tasks,
    }

    def get_all_model_permissions(self) -> QuerySet[Permission]:
        return Permission.objects.none()

    def user_can_list(self, user: Any) -> bool:
        actor = policy.actor_for(user)
        if self.model is DBTaskResult:
            return policy.is_superuser(actor)
        return policy.may_manage(actor)

    def user_can_inspect_obj(self, user: Any, obj: Any) -> bool:
        actor = policy.actor_for(user)
        return self.user_can_list(user) and self.rows[self.model](actor).filter(pk=obj.pk).exists()

    def user_can_create(self, user: Any) -> bool:
        return False

    def user_can_edit_obj(self, user: Any, obj: Any) -> bool:
        return False

    def user_can_delete_obj(self, user: Any, obj: Any) -> bool:
        return False


class LogAdmin(ModelAdmin):
    """What the logs have in common. Their texts and status links are never shown."""

    add_to_admin_menu = False
    history_view_enabled = False
    inspect_view_enabled = True
    permission_helper_class = ReadOnly
    index_view_class = GuardedIndex
    list_per_page = 50
    deferred: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = ReadOnly.rows[self.model](policy.actor_of(request))
        rows = rows.defer(*self.deferred)
        return rows.select_related(*self.related) if self.related else rows

    def register_indexing(self) -> None:
        """Nothing refers to a log from a page."""


class InboundInspect(InspectView):
    """One mail of the log; one that became nothing can be made a ticket here."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        return super().get_context_data(
            queues=queue_choices(actor.queues_with(Right.CREATE)),
            unfiled=(InboundMail.State.FAILED, InboundMail.State.IGNORED),
            **kwargs,
        )


class InboundAdmin(LogAdmin):
    model = InboundMail
    base_url_path = "helpdesk/inbound"
    menu_label = _("Inbound log")
    menu_icon = "download"
    list_display = ("received_at", "source", "state", "outcome", "rule", "reason_words", "ticket")
    list_filter = ("state", "rule")
    inspect_view_class = InboundInspect
    inspect_template_name = "helpdesk/agents/inbound_inspect.html"
    search_fields = ("source", "key", "reason", "ticket__number")
    ordering = ("-received_at", "-pk")
    related = ("queue", "ticket")
    deferred = ("evidence", "error")
    inspect_view_fields = (
        *("received_at", "source", "key", "size", "state", "outcome", "rule", "evidence", "reason"),
        *("error", "attempts", "processed_at", "queue", "ticket"),
    )


class OutboundAdmin(LogAdmin):
    model = OutboundMail
    base_url_path = "helpdesk/outbound"
    menu_label = _("Outbound log")
    menu_icon = "upload"
    list_display = (*("created_at", "kind", "state", "ticket", "recipients", "sent_at", "server"),)
    list_filter = ("state", "kind")
    search_fields = ("message_id", "subject", "ticket__number")
    ordering = ("-created_at", "-pk")
    related = ("ticket", "route")
    deferred = ("body", "html", "references")
    inspect_view_fields = (
        *("created_at", "kind", "state", "message_id", "from_address", "to", "cc", "subject"),
        *("attempts", "due_at", "sent_at", "route", "server_reply", "delivered", "refused"),
        *("bounced_at", "bounces", "ticket"),
    )

    def recipients(self, mail: OutboundMail) -> str:
        back = {str(row[0]) for row in mail.bounces}
        addresses = [address for _name, address in [*mail.to, *mail.cc]]
        missing = sorted(back.difference(addresses))  # of a mail that was handed on
        return ", ".join(
            gettext("%(address)s (came back)") % {"address": one} if one in back else one
            for one in [*addresses, *missing]
        )

    def server(self, mail: OutboundMail) -> str:
        return mail.route.name if mail.route is not None else "–"

    recipients.short_description = _("Recipients")  # type: ignore[attr-defined]
    server.short_description = _("Mail server")  # type: ignore[attr-defined]


class MessageAdmin(LogAdmin):
    model = Message
    base_url_path = "helpdesk/journal"
    menu_label = _("Mail journal")
    menu_icon = "history"
    list_display = ("processed", "mailbox", "from_header", "subject")
    search_fields = ("subject", "from_header", "message_id")
    ordering = ("-processed", "-pk")
    related = ("mailbox",)
    deferred = ("body",)
    inspect_view_fields = (
        *("processed", "mailbox", "from_header", "to_header", "subject", "message_id"),
    )


class TaskAdmin(LogAdmin):
    model = DBTaskResult
    base_url_path = "helpdesk/tasks"
    menu_label = _("Task journal")
    menu_icon = "tasks"
    list_display = ("enqueued_at", "task_path", "status", "started_at", "finished_at")
    list_filter = ("status",)
    search_fields = ("task_path",)
    ordering = ("-enqueued_at",)
    deferred = ("args_kwargs", "return_value", "traceback")
    inspect_view_fields = (
        *("id", "task_path", "status", "priority", "queue_name", "enqueued_at", "started_at"),
        *("finished_at", "exception_class_path", "traceback"),
    )
