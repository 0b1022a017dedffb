"""What is written into the audit log of log-ins, accounts, groups and their rights, whoever changes them where.

Receivers of Django's signals, placed by `connect`. Who did it is known inside the admin, where Wagtail keeps it
for its own logs; what happens elsewhere (a directory, the command line) was done by the system.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model, signals
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.utils.crypto import salted_hmac
from wagtail.models import GroupCollectionPermission, GroupPagePermission

from helpdesk import audit
from helpdesk.models import AuditKind, Queue, QueueRight, Team

from . import audited_settings
from .audited_settings import acting_user

#: Columns of an account that say what it may do, or whose it is.
ACCOUNT_FIELDS = ("username", "email", "is_active", "is_staff", "is_superuser")
PASSWORD = "password"  # noqa: S105  a column


def connect() -> None:
    """Place all receivers; once more changes nothing."""
    user_model = get_user_model()
    places: tuple[tuple[Any, Any, Any], ...] = (
        (signals.user_logged_in, logged_in, None),
        (signals.user_logged_out, logged_out, None),
        (signals.user_login_failed, failed, None),
        (m2m_changed, members, user_model.groups.through),  # type: ignore[attr-defined]
        (m2m_changed, permissions_of_group, Group.permissions.through),
        (m2m_changed, permissions_of_user, user_model.user_permissions.through),  # type: ignore[attr-defined]
        (pre_save, before_account, user_model),
        (post_save, account, user_model),
        (post_delete, account_gone, user_model),
        (pre_delete, group_goes, Group),
        *((post_save, right_given, model) for model in _PAGE_RIGHTS),
        *((post_delete, right_taken, model) for model in _PAGE_RIGHTS),
    )
    for signal, receiver, sender in places:
        signal.connect(receiver, sender=sender, dispatch_uid=f"helpdesk.{receiver.__name__}")
    audited_settings.connect()


_PAGE_RIGHTS = (GroupPagePermission, GroupCollectionPermission)


# --- log-in ------------------------------------------------------------------------------------


def logged_in(sender: Any, user: Any, **kwargs: Any) -> None:
    """A log-in, with the door it came through: `came_by` of the account if the site says so, or Django's backend."""
    ways = getattr(user, "came_by", ())
    backend = str(getattr(user, "backend", "") or "").rpartition(".")[2]
    data = {"by": ", ".join(ways)} if ways else {"backend": backend}
    audit.record(AuditKind.LOGIN, user=user, data=data if ways or backend else None)


def logged_out(sender: Any, user: Any, **kwargs: Any) -> None:
    """A log-out; of a session that had ended already there is nothing to tell."""
    if user is not None and user.pk is not None:
        audit.record(AuditKind.LOGOUT, user=user)


def failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """A log-in that failed, under the account's name if what was typed is one."""
    audit.record(AuditKind.LOGIN_FAILED, user_name=called(credentials))


def called(credentials: dict[str, Any]) -> str:
    """Return how somebody called themselves at a log-in: an account's name, or a digest of anything else.

    Never what was typed: it may be the password, in the wrong field.
    """
    names = ("username", "login", "email")
    typed = next((str(credentials[name]) for name in names if credentials.get(name)), "")
    if not typed:
        return ""
    rows = get_user_model()._default_manager.filter(Q(username=typed) | Q(email__iexact=typed))
    known = rows.order_by("pk").values_list("username", flat=True).first()
    digest = salted_hmac("helpdesk.audit.login", typed, algorithm="sha256").hexdigest()
    return known or f"? {digest[:12]}"


# --- accounts and groups -----------------------------------------------------------------------


def members(
    sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any, **kwargs: Any
) -> None:
    """Somebody joins or leaves a group, from either end."""
    kind = {
        "post_add": AuditKind.MEMBER_ADDED,
        "post_remove": AuditKind.MEMBER_REMOVED,
        "pre_clear": AuditKind.MEMBER_REMOVED,
    }.get(action)
    if kind is None:
        return
    if reverse:  # from the group's end
        rows = instance.user_set.all() if pk_set is None else _users(pk_set)
        pairs = [(user, instance) for user in rows]
    else:
        groups = instance.groups.all() if pk_set is None else Group.objects.filter(pk__in=pk_set)
        pairs = [(instance, group) for group in groups]
    places = _queues_of(group for _user, group in pairs)
    for user, group in pairs:
        _tell(kind, group, places, subject=user)


def permissions_of_group(
    sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any, **kwargs: Any
) -> None:
    """Wagtail's and Django's own permissions given to a group or taken away."""
    kind = _right_kind(action)
    if kind is None or reverse:
        return
    rows = (
        instance.permissions.all() if pk_set is None else Permission.objects.filter(pk__in=pk_set)
    )
    names = sorted(rows.values_list("codename", flat=True))
    if names:
        _tell(kind, instance, _queues_of([instance]), data={"permissions": names})


def permissions_of_user(
    sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any, **kwargs: Any
) -> None:
    """The same, given to one person."""
    kind = _right_kind(action)
    if kind is None or reverse:
        return
    own = instance.user_permissions.all()
    rows = own if pk_set is None else Permission.objects.filter(pk__in=pk_set)
    names = sorted(rows.values_list("codename", flat=True))
    if names:
        audit.record(kind, user=acting_user(), subject=instance, data={"permissions": names})


def _right_kind(action: str) -> AuditKind | None:
    given = {"post_add": AuditKind.RIGHT_GRANTED, "post_remove": AuditKind.RIGHT_WITHDRAWN}
    return AuditKind.RIGHT_WITHDRAWN if action == "pre_clear" else given.get(action)


def right_given(sender: Any, instance: Any, created: bool, raw: bool = False, **kw: Any) -> None:
    """A right on pages or collections is given to a group."""
    if created and not raw:
        _page_right(AuditKind.RIGHT_GRANTED, instance)


def right_taken(sender: Any, instance: Any, **kwargs: Any) -> None:
    """It is taken away."""
    _page_right(AuditKind.RIGHT_WITHDRAWN, instance)


def _page_right(kind: AuditKind, row: Any) -> None:
    where = "page" if isinstance(row, GroupPagePermission) else "collection"
    codename = Permission.objects.filter(pk=row.permission_id).values_list("codename", flat=True)
    audit.record(
        kind,
        user=acting_user(),
        data={
            "group": Group.objects.filter(pk=row.group_id).values_list("name", flat=True).first(),
            "permissions": list(codename),
            where: getattr(row, f"{where}_id"),
        },
    )


def group_goes(sender: Any, instance: Group, **kwargs: Any) -> None:
    """A group is deleted: its members lose what it could do in the queues."""
    places = _queues_of([instance])
    for right in QueueRight.objects.filter(group=instance).select_related("queue"):
        audit.record(
            AuditKind.RIGHT_WITHDRAWN,
            user=acting_user(),
            queue=right.queue,
            data={"group": instance.name, "group_id": instance.pk, "right": right.right},
        )
    for user in instance.user_set.all():  # type: ignore[attr-defined]
        _tell(AuditKind.MEMBER_REMOVED, instance, places, subject=user)


def before_account(
    sender: Any, instance: Any, raw: bool = False, update_fields: Any = None, **kwargs: Any
) -> None:
    """Note which columns a save changes."""
    # a password set outside the admin is written down by who sets it; one is stored anew at a log-in, too
    watched = (*ACCOUNT_FIELDS, PASSWORD) if acting_user() is not None else ACCOUNT_FIELDS
    asked = [name for name in watched if update_fields is None or name in update_fields]
    if raw or not asked or instance.pk is None:
        return
    before = sender._default_manager.filter(pk=instance.pk).values(*asked).first()
    instance._audited_fields = [
        name for name in asked if before and before[name] != getattr(instance, name)
    ]


def account(sender: Any, instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """An account is made, switched off or on, made superuser, or given another password in the admin."""
    fields = instance.__dict__.pop("_audited_fields", [])
    if not raw and PASSWORD in fields:
        fields.remove(PASSWORD)
        audit.record(AuditKind.PASSWORD_CHANGED, user=acting_user(), subject=instance)
    if raw or not (created or fields):
        return
    # whether it is on and what it is are no words of people
    flags = {name: getattr(instance, name) for name in fields if name.startswith("is_")}
    if created and instance.is_superuser:
        flags["is_superuser"] = True
    data = {"did": "created" if created else "changed", "fields": fields, **flags}
    audit.record(AuditKind.ACCOUNT_CHANGED, user=acting_user(), subject=instance, data=data)


def account_gone(sender: Any, instance: Any, **kwargs: Any) -> None:
    """An account is deleted."""
    data = {"did": "deleted"}
    audit.record(AuditKind.ACCOUNT_CHANGED, user=acting_user(), subject=instance, data=data)


def _users(pks: Iterable[int]) -> Iterable[Any]:
    rows: Iterable[Any] = get_user_model()._default_manager.filter(pk__in=pks)
    return rows


def _queues_of(groups: Iterable[Group]) -> dict[int, Queue]:
    """Return the topmost queue of the department each group belongs to, by the group's id."""
    rows = Team.objects.filter(group__in=[group.pk for group in groups], department__isnull=False)
    return {
        row.pk: row.department.queue
        for row in rows.select_related("department__queue")
        if row.department is not None
    }


def _tell(
    kind: AuditKind,
    group: Group,
    places: dict[int, Queue],
    *,
    subject: Any = None,
    data: dict[str, Any] | None = None,
) -> None:
    audit.record(
        kind,
        user=acting_user(),
        subject=subject,
        queue=places.get(group.pk),
        data={"group": group.name, "group_id": group.pk, **audit.cause(), **(data or {})},
    )
