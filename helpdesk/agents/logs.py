"""Logs and journals: read-only lists of what arrived, what went out and what ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_mailbox.models import Message
from django_tasks_db.models import DBTaskResult
from wagtail_modeladmin.helpers import PermissionHelper
from wagtail_modeladmin.options import ModelAdmin
from wagtail_modeladmin.views import InspectView

from helpdesk.models import InboundMail, OutboundMail, Right, Ticket
from helpdesk.permissions import Actor

from . import log_facts, policy
from .failures import visible_inbound, visible_outbound
from .paging import GuardedIndex, find_row
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
        rows = rows.defer(*self.deferred).annotate(is_veiled=log_facts.is_confidential(self.model))
        if request.GET.get("q"):  # a hit would tell what the words of a veiled mail are
            rows = rows.filter(is_veiled=False)
        return rows.select_related(*self.related) if self.related else rows

    def inspect_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        """Show one row; one that the agent may not see is not there."""
        find_row(self.get_queryset(request), instance_pk)
        return super().inspect_view(request, instance_pk)

    def edit_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        """Nobody writes a log, whether there is such a row or not."""
        raise PermissionDenied

    def delete_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        """Nor deletes any."""
        raise PermissionDenied

    def register_indexing(self) -> None:
        """Nothing refers to a log from a page."""


class LogInspect(InspectView):
    """One row of a log, as words."""

    titles: dict[Any, Any] = {
        InboundMail: _("Arrived mail"),
        OutboundMail: _("Outgoing mail"),
    }

    def get_page_title(self) -> Any:
        return self.titles[self.model]

    def get_meta_title(self) -> Any:
        return self.titles[self.model]

    def get_page_subtitle(self) -> str:
        row = self.instance
        at = row.received_at if self.model is InboundMail else row.created_at
        return shown_moment(at)


class InboundInspect(LogInspect):
    """One mail of the log; one that became nothing can be made a ticket here."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        return super().get_context_data(
            sections=log_facts.of_inbound(self.instance),
            queues=queue_choices(actor.queues_with(Right.CREATE)),
            unfiled=(InboundMail.State.FAILED, InboundMail.State.IGNORED),
            **kwargs,
        )


class OutboundInspect(LogInspect):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(sections=log_facts.of_outbound(self.instance), **kwargs)


class MessageInspect(InspectView):
    """One row of the journal; of a confidential ticket's mail only when it came."""

    veiled_fields = ("from_header", "to_header", "subject")

    @cached_property
    def is_veiled(self) -> bool:
        rows = Message.objects.filter(log_facts.confidential(Message), pk=self.instance.pk)
        return bool(rows.exists())

    def get_page_subtitle(self) -> str:
        return gettext("confidential") if self.is_veiled else str(self.instance)

    def get_field_display_value(self, field_name: str, field: Any = None) -> Any:
        if self.is_veiled and field_name in self.veiled_fields:
            return gettext("confidential")
        return super().get_field_display_value(field_name, field)


def shown_moment(at: datetime | None) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT") if at is not None else "–"


def veiled(row: Any, text: str) -> str:
    """Return what a log shows of a mail: of a confidential ticket's nothing but the word."""
    return gettext("confidential") if row.is_veiled else text


def ticket_link(ticket: Ticket | None) -> str | SafeString:
    if ticket is None:
        return "–"
    url = reverse("helpdesk_agents:ticket", args=[ticket.pk])
    return format_html('<a class="hd-number" href="{}">{}</a>', url, ticket.number)


class InboundAdmin(LogAdmin):
    model = InboundMail
    base_url_path = "helpdesk/inbound"
    menu_label = _("Inbound log")
    menu_icon = "download"
    list_display = ("received", "written_by", "about", "became", "of_ticket")
    list_filter = ("state", "rule")
    inspect_view_class = InboundInspect
    inspect_template_name = "helpdesk/agents/log_inspect.html"
    search_fields = ("sender", "subject", "reason", "ticket__number")
    ordering = ("-received_at", "-pk")
    related = ("queue", "ticket", "mailbox")
    deferred = ("evidence", "error")
    inspect_view_fields = ()

    def written_by(self, mail: Any) -> str:
        return veiled(mail, mail.sender)

    def about(self, mail: Any) -> str:
        return veiled(mail, mail.subject)

    def received(self, mail: InboundMail) -> str:
        return shown_moment(mail.received_at)

    def of_ticket(self, mail: InboundMail) -> str:
        return ticket_link(mail.ticket)

    def became(self, mail: InboundMail) -> str:
        """What a mail became, and by which rule; of one that became nothing, why."""
        reason = mail.reason_words()
        if mail.state == InboundMail.State.FILED:
            words = str(mail.get_outcome_display())
        elif reason:
            return f"{mail.get_state_display()}: {reason}"
        else:
            words = str(mail.get_state_display())
        return f"{words} ({mail.get_rule_display()})" if mail.rule else words

    written_by.short_description = _("From")  # type: ignore[attr-defined]
    written_by.admin_order_field = "sender"  # type: ignore[attr-defined]
    about.short_description = _("Subject")  # type: ignore[attr-defined]
    received.short_description = _("Received")  # type: ignore[attr-defined]
    received.admin_order_field = "received_at"  # type: ignore[attr-defined]
    became.short_description = _("What became of it")  # type: ignore[attr-defined]
    became.admin_order_field = "state"  # type: ignore[attr-defined]
    of_ticket.short_description = _("Ticket")  # type: ignore[attr-defined]
    of_ticket.admin_order_field = "ticket"  # type: ignore[attr-defined]


class OutboundAdmin(LogAdmin):
    model = OutboundMail
    base_url_path = "helpdesk/outbound"
    menu_label = _("Outbound log")
    menu_icon = "upload"
    list_display = ("created", "kind", "state", "of_ticket", "recipients", "server")
    list_filter = ("state", "kind")
    inspect_view_class = OutboundInspect
    inspect_template_name = "helpdesk/agents/log_inspect.html"
    search_fields = ("message_id", "subject", "ticket__number")
    ordering = ("-created_at", "-pk")
    related = ("ticket", "route")
    deferred = ("body", "html", "references")
    inspect_view_fields = ()

    def created(self, mail: OutboundMail) -> str:
        return shown_moment(mail.created_at)

    def of_ticket(self, mail: OutboundMail) -> str:
        return ticket_link(mail.ticket)

    def recipients(self, mail: Any) -> str:
        if mail.is_veiled:
            return veiled(mail, "")
        back = {str(row[0]) for row in mail.bounces}
        addresses = [address for _name, address in [*mail.to, *mail.cc]]
        missing = sorted(back.difference(addresses))  # of a mail that was handed on
        return ", ".join(
            gettext("%(address)s (came back)") % {"address": one} if one in back else one
            for one in [*addresses, *missing]
        )

    def server(self, mail: OutboundMail) -> str:
        return mail.route.name if mail.route is not None else "–"

    created.short_description = _("Created")  # type: ignore[attr-defined]
    created.admin_order_field = "created_at"  # type: ignore[attr-defined]
    of_ticket.short_description = _("Ticket")  # type: ignore[attr-defined]
    of_ticket.admin_order_field = "ticket"  # type: ignore[attr-defined]
    recipients.short_description = _("Recipients")  # type: ignore[attr-defined]
    server.short_description = _("Mail server")  # type: ignore[attr-defined]


class MessageAdmin(LogAdmin):
    model = Message
    base_url_path = "helpdesk/journal"
    menu_label = _("Mail journal")
    menu_icon = "history"
    list_display = ("processed", "mailbox", "written_by", "about")
    search_fields = ("subject", "from_header", "message_id")
    ordering = ("-processed", "-pk")
    related = ("mailbox",)
    deferred = ("body",)
    inspect_view_class = MessageInspect
    inspect_view_fields = (
        *("processed", "mailbox", "from_header", "to_header", "subject", "message_id"),
    )

    def written_by(self, message: Any) -> str:
        return veiled(message, message.from_header)

    def about(self, message: Any) -> str:
        return veiled(message, message.subject)

    written_by.short_description = _("From")  # type: ignore[attr-defined]
    written_by.admin_order_field = "from_header"  # type: ignore[attr-defined]
    about.short_description = _("Subject")  # type: ignore[attr-defined]


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
