"""What somebody who is no superuser may change of a group on Wagtail's screens: nothing that they could not do themselves.

What was posted is tried out and taken back: so it holds whatever the screens offer, and for panels of others.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from wagtail.users.forms import GroupForm
from wagtail.users.views.groups import get_permission_panel_classes

from helpdesk import permissions
from helpdesk.permissions import Actor, SiteRight


def gives_too_much(actor: Actor, pk: int | None, data: Any, *, but: type[Any]) -> bool:
    """Tell whether posted `data` gives a group (None: a new one) a right that the actor lacks, or takes one away.

    A group that the actor may put nobody into keeps its name, too: by names the organisation's log-in finds the groups
    of its people. The panel `but` is left out. Data with other faults says nothing: of that nothing is saved.
    """
    if permissions.is_superuser(actor):
        return False
    held = permissions.held_rights(actor)
    with transaction.atomic():
        group = Group.objects.filter(pk=pk or 0).first() or Group()
        before, name = _rights(group), group.name
        form = GroupForm(data, instance=group)
        if form.is_valid():
            group = form.save()
            _save_panels(group, data, but)
        after = _rights(group)
        transaction.set_rollback(True)
    if not all(permissions.covers(held, right) for right in before ^ after):
        return True
    is_mine = pk is None or permissions.joinable_groups(actor).filter(pk=pk).exists()
    return group.name != name and not is_mine


def _save_panels(group: Group, data: Any, but: type[Any]) -> None:
    for panel_class in get_permission_panel_classes():
        if panel_class is but:
            continue
        panel = panel_class(data=data, instance=group)
        if panel.is_valid():
            panel.save()


def _rights(group: Group) -> set[SiteRight]:
    if group.pk is None:
        return set()
    return {right for _pk, right in permissions.rights_of(Group.objects.filter(pk=group.pk))}
