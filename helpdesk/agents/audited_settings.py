"""What is written into the audit log of settings: which row, and the names of the columns that changed.

One place for all view sets, modeladmins and screens of our own: what is saved inside the admin is written down
as it is saved. Never a value, and no name of a row that belongs to a person.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_save
from django.utils.encoding import force_str
from django_mailbox.models import Mailbox
from wagtail.log_actions import get_active_log_context

from helpdesk import audit
from helpdesk.models import (
    AuditKind,
    AutoResponse,
    Calendar,
    Customer,
    Department,
    MailAccount,
    MailFilter,
    MailRoute,
    OAuthAccess,
    OrderSettings,
    Organisation,
    Priority,
    Promise,
    PromiseOverride,
    Queue,
    QueueAddress,
    RetentionSettings,
    SenderBlock,
    State,
    Team,
    TicketType,
)

#: Settings, and the column by which a line names the row; '' where that would name a person.
SETTINGS: dict[type[Model], str] = {
    Queue: "name",
    QueueAddress: "address",
    Mailbox: "name",
    MailAccount: "",
    MailRoute: "name",
    OAuthAccess: "name",
    AutoResponse: "kind",
    MailFilter: "name",
    SenderBlock: "",
    Calendar: "name",
    Promise: "name",
    PromiseOverride: "",
    State: "slug",
    Priority: "slug",
    TicketType: "slug",
    Department: "name",
    Team: "",
    Organisation: "name",
    OrderSettings: "",
    RetentionSettings: "",
    Group: "name",
}
#: Of customers only what is set by hand, and not that one comes into being or is told of by a verb.
OF_CUSTOMERS = ("name", "phone", "language", "organisation", "is_blocked")


def connect(*more: type[Model]) -> None:
    """Place the receivers for our settings, or for `more` of a site's own; once more changes nothing."""
    for model in more or (*SETTINGS, Customer):
        uid = f"helpdesk.setting.{model._meta.label}"
        pre_save.connect(before, sender=model, dispatch_uid=f"{uid}.before")
        post_save.connect(saved, sender=model, dispatch_uid=f"{uid}.saved")
        post_delete.connect(deleted, sender=model, dispatch_uid=f"{uid}.deleted")


def acting_user() -> Any:
    """Return who is at work in the admin at the moment, or None: what happens elsewhere is no setting."""
    return get_active_log_context().user


def columns(model: Any) -> dict[str, str]:
    """Return the columns that people set: by attribute, their names."""
    if model is Customer:
        fields = [field for field in Customer._meta.concrete_fields if field.name in OF_CUSTOMERS]
        return {field.attname: field.name for field in fields}
    return {
        field.attname: field.name
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and not getattr(field, "auto_now_add", False)
    }


def before(
    sender: Any, instance: Any, raw: bool = False, update_fields: Any = None, **kwargs: Any
) -> None:
    """Note which columns a save changes."""
    if raw or acting_user() is None or instance.pk is None:
        return
    asked = {
        attribute: name
        for attribute, name in columns(sender).items()
        if update_fields is None or name in update_fields
    }
    rows = sender._default_manager.filter(pk=instance.pk).values(*asked) if asked else ()
    for was in rows:
        instance._audited_fields = [
            name for one, name in asked.items() if _told(was[one]) != _told(getattr(instance, one))
        ]


def _told(value: Any) -> Any:
    """Return a value as it is compared: forms trim texts, and browsers end lines in their own way."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


def saved(sender: Any, instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Write down that a row was made or changed."""
    fields = instance.__dict__.pop("_audited_fields", [])
    if raw or (created and sender is Customer) or not (created or fields):
        return
    record(instance, "created" if created else "changed", [] if created else fields)


def deleted(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Write down that a row was deleted."""
    record(instance, "deleted", [])


def record(row: Any, did: str, fields: list[str]) -> None:
    """Write a line about a setting, if somebody is at work in the admin.

    For what no save tells of, such as a new order of several rows, call it from the screen.
    """
    user = acting_user()
    if user is None:
        return
    name = SETTINGS.get(type(row), "")
    audit.record(
        AuditKind.SETTING_CHANGED,
        user=user,
        queue=_queue_of(row),
        data={
            "did": did,
            "model": row._meta.label_lower,
            "id": row.pk,
            **({"name": force_str(getattr(row, name))} if name else {}),
            **({"fields": fields} if fields else {}),
        },
    )


def _queue_of(row: Any) -> Queue | None:
    """Return the queue that a setting belongs to, so that who administers it sees the line."""
    if isinstance(row, Queue):
        return row
    if isinstance(row, Mailbox):
        row = MailAccount.objects.select_related("queue").filter(mailbox=row.pk).first()
    if isinstance(row, Group):
        row = Team.objects.select_related("department__queue").filter(group=row.pk).first()
    department = getattr(row, "department", None)
    found = getattr(row if department is None else department, "queue", None)
    return found if isinstance(found, Queue) else None
