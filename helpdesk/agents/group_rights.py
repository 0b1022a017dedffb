"""The help desk on Wagtail's page of a group: the rights of the team in queues, and its department."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from wagtail.log_actions import get_active_log_context

from helpdesk import permissions
from helpdesk.models import Team
from helpdesk.permissions import Actor

from . import policy
from .group_limits import gives_too_much
from .rights_table import TeamRights

PREFIX = "helpdesk"


class TeamForm(forms.ModelForm):
    """What superusers say of a team besides its rights."""

    class Meta:
        model = Team
        fields = ["department", "requires_second_factor"]


class GroupRightsPanel:
    """A permission panel in Wagtail's manner: bound to what was posted, checked and saved with the group.

    Who acts is whom Wagtail's admin notes for its log; without anybody nothing may be changed.
    """

    def __init__(self, data: Any = None, files: Any = None, instance: Group | None = None) -> None:
        self.data = data
        self.group = instance or Group()
        self.is_new = self.group.pk is None
        user = get_active_log_context().user
        self.actor = policy.actor_for(user) if user is not None else Actor(kind="agent")
        self.table = TeamRights(self.actor, self.group, data)
        team = Team.objects.filter(pk=self.group.pk).first() if self.group.pk else None
        self.form = TeamForm(data, instance=team or Team(), prefix=PREFIX)
        self.is_superuser = permissions.is_superuser(self.actor)
        if not self.is_superuser:
            for field in self.form.fields.values():
                field.disabled = True
        self.error = ""

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def is_valid(self) -> bool:
        """Refuse what the acting user may not give, whatever was posted."""
        gives_new = self.is_new and not self.is_superuser and bool(self.table.wanted)
        if self.table.refused() or gives_new:
            self.error = _(
                "You can only give rights that you have yourself, to teams you look after."
            )
        elif gives_too_much(self.actor, self.group.pk, self.data, but=type(self)):
            self.error = _(
                "You can only give and take permissions that you have yourself, also on pages and collections. "
                "A group that may do more than you keeps its name."
            )
        return self.form.is_valid() and not self.error

    @transaction.atomic
    def save(self) -> None:
        """Write rights and facts; the group itself is saved already."""
        if self.is_superuser:
            team = self.form.save(commit=False)
            team.group = self.group
            team.save()
        self.table.save(self.group)

    def as_admin_panel(self) -> str:
        return render_to_string("helpdesk/agents/group_rights.html", {"panel": self})


def panel() -> type[GroupRightsPanel]:
    """Return what Wagtail's hook `register_group_permission_panel` asks for."""
    return GroupRightsPanel
