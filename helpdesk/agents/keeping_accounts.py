"""Wagtail's screens of accounts within the help desk's rights: who may change whom, and what is written down.

Whoever may change accounts could otherwise log in as anybody and join any team. Placed as hooks, so that they hold
for Wagtail's own view set, for another one of the site, and for its bulk actions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from helpdesk import permissions

from . import policy


def before_create(request: HttpRequest) -> None:
    """Refuse a new account that would be more than who makes it. Raises `PermissionDenied`."""
    if request.method == "POST":
        _check_posted(request, set())


def before_edit(request: HttpRequest, user: Any) -> None:
    """Refuse somebody else's account that is not theirs to change, and what it would become. As above."""
    policy.check(permissions.may_change_account(policy.actor_of(request), user))
    if request.method == "POST":
        _check_posted(request, {str(pk) for pk in user.groups.values_list("pk", flat=True)})


def before_delete(request: HttpRequest, user: Any) -> None:
    """Refuse to delete such an account. As above."""
    policy.check(permissions.may_change_account(policy.actor_of(request), user))


def _check_posted(request: HttpRequest, held: set[str]) -> None:
    """Refuse the tick at "Administrator", and groups joined or left that are not theirs to give."""
    actor = policy.actor_of(request)
    if policy.is_superuser(actor):
        return
    policy.check(not request.POST.get("is_superuser"))
    changed = held ^ set(request.POST.getlist("groups"))
    mine = {str(pk) for pk in permissions.joinable_groups(actor).values_list("pk", flat=True)}
    policy.check(changed <= mine)


def before_bulk(
    request: HttpRequest, action_type: str, objects: Iterable[Any], action: Any
) -> None:
    """Refuse the same for many at once; switch accounts off and on one by one, so that everybody hears of it.

    Wagtail updates them in one statement, of which neither the audit log nor the end of sessions would know.
    """
    if action.model is not get_user_model():
        return
    actor, rows = policy.actor_of(request), list(objects)
    policy.check(all(permissions.may_change_account(actor, user) for user in rows))
    data = action.cleaned_form.cleaned_data
    if action_type == "assign_role":
        groups = permissions.joinable_groups(actor)
        policy.check(groups.filter(pk=data["role"].pk).exists())
    elif action_type == "set_active_state":
        for user in rows:
            if user.pk != request.user.pk and user.is_active != data["mark_as_active"]:
                user.is_active = data["mark_as_active"]
                user.save(update_fields=["is_active"])
