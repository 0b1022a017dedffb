"""Who may change whose account, for people who keep accounts without being superusers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from helpdesk.models import QueueRight, Team

from .actors import Actor
from .administering import changeable_teams, is_superuser
from .site_rights import beyond, held_permissions


def joinable_groups(actor: Actor) -> QuerySet[Group]:
    """Return the groups into which the actor may put accounts: none that makes somebody more than the actor is.

    Superusers: all. Others: the teams they may change, and groups that have nothing in the help desk (no right in a
    queue, no department) and nothing on the site that the actor lacks.
    """
    groups = Group.objects.all()
    if is_superuser(actor):
        return groups
    desk = QueueRight.objects.filter(group=OuterRef("pk"))
    departments = Team.objects.filter(group=OuterRef("pk"), department__isnull=False)
    harmless = ~Q(Exists(desk)) & ~Q(Exists(departments)) & ~Q(pk__in=beyond(actor))
    return groups.filter(Q(pk__in=changeable_teams(actor)) | harmless)


def may_change_account(actor: Actor, user: Any) -> bool:
    """Tell whether the actor may change the account of `user`, who could then log in as them.

    Superusers: everybody's. Others, if Wagtail lets them change accounts at all: their own, and those of people
    who are in no group and have no permission that the actor could not give.
    """
    if is_superuser(actor):
        return True
    if actor.user is None or user.is_superuser:
        return False
    if user.pk == actor.user.pk:
        return True
    if user.user_permissions.exclude(pk__in=held_permissions(actor)).exists():
        return False
    return not user.groups.exclude(pk__in=joinable_groups(actor)).exists()
