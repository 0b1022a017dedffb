"""Teams for those who administer a department: name, rights, members. Superusers see every group here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton

from helpdesk import actions, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Department, QueueRight, Team
from helpdesk.permissions import Actor

from . import policy
from .paging import CappedPaginator
from .rights_table import TeamRights

PER_PAGE = 50


class TeamScreen(WagtailAdminTemplateMixin, TemplateView):
    """What the screens have in common: for administrators, for whom else they do not exist."""

    header_icon = "group"
    page_title: Any = gettext_lazy("Teams")
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not policy.may_administer(policy.actor_of(request)):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        return policy.actor_of(self.request)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        above = {"url": reverse("helpdesk_agents:teams"), "label": _("Teams")}
        return [*self.breadcrumbs_items, above, {"url": "", "label": str(self.get_page_title())}]


class TeamListView(TeamScreen):
    """The teams of the departments looked after."""

    template_name = "helpdesk/agents/teams.html"

    @property
    def header_buttons(self) -> list[HeaderButton]:
        if not policy.may_administer_department(self.actor):
            return []
        return [HeaderButton(_("New team"), reverse("helpdesk_agents:team_new"), icon_name="plus")]

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = permissions.administered_teams(self.actor).select_related("team__department")
        rows = rows.annotate(
            members=Count("user", distinct=True), queues=Count("queue_rights__queue", distinct=True)
        )
        page = CappedPaginator(rows, PER_PAGE).get_page(self.request.GET.get("p"))
        mine = permissions.changeable_teams(self.actor)
        return super().get_context_data(
            page=page, rows=[(group, group.pk in mine) for group in page], **kwargs
        )


def find_team(actor: Actor, pk: int, *, to_change: bool = False) -> Group:
    """Return a team that the actor sees as an administrator, or raise 404.

    With `to_change` only one whose rights and members they may change.
    """
    teams = permissions.administered_teams(actor).select_related("team__department")
    group = get_object_or_404(teams, pk=pk)
    if to_change and not permissions.may_change_team(actor, group):
        raise Http404
    return group


class TeamFacts(forms.ModelForm):
    """Name and department of a team. Who has one department makes teams of this one."""

    department = forms.ModelChoiceField(
        Department.objects.none(), label=gettext_lazy("Department"), required=False
    )
    requires_second_factor = forms.BooleanField(required=False)

    class Meta:
        model = Group
        fields = ["name"]
        labels = {"name": gettext_lazy("Name")}

    def __init__(self, *args: Any, actor: Actor, locked: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = Team.objects.filter(pk=self.instance.pk or 0).first() or Team()
        fields: Any = self.fields
        own = permissions.administered_departments(actor)
        chosen = fields["department"]
        chosen.queryset, chosen.initial = own, self.team.department_id
        chosen.empty_label = _("the whole site")
        column: Any = Team._meta.get_field("requires_second_factor")
        factor = fields["requires_second_factor"]
        factor.label, factor.help_text = capfirst(column.verbose_name), column.help_text
        factor.initial = self.team.requires_second_factor
        if not permissions.is_superuser(actor):
            chosen.required, chosen.empty_label = True, None
            if len(found := list(own[:2])) == 1 and not locked:
                self.team.department = found[0]
                del fields["department"]
            # what the site asks for is not taken back here, nor got round by a new team
            if self.instance.pk is None and _is_strict(own):
                factor.initial = True
            factor.disabled = bool(factor.initial)
        for field in fields.values() if locked else ():
            field.disabled = True

    def save(self, commit: bool = True) -> Group:
        is_new = self.instance.pk is None
        group: Group = super().save(commit=True)
        if "department" in self.fields:
            self.team.department = self.cleaned_data["department"]
        self.team.requires_second_factor = self.cleaned_data["requires_second_factor"]
        self.team.group = group
        self.team.save()
        if is_new:
            app, codename = permissions.ENTER_ADMIN
            group.permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        return group


def _is_strict(departments: QuerySet[Department]) -> bool:
    """Tell whether a team of one of these departments needs a second factor."""
    return Team.objects.filter(department__in=departments, requires_second_factor=True).exists()


class TeamView(TeamScreen):
    """One team, or (without a number) a new one."""

    template_name = "helpdesk/agents/team.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.group = Group()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        actor = policy.actor_of(request)
        if "pk" in kwargs:
            self.group = find_team(actor, kwargs["pk"])
            self.locked = not permissions.may_change_team(actor, self.group)
        else:
            self.locked = False
            if not policy.may_administer_department(actor):
                raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        return self.group.name if self.group.pk else _("New team")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if "facts" not in kwargs:
            kwargs["facts"] = TeamFacts(instance=self.group, actor=self.actor, locked=self.locked)
            kwargs["rights"] = TeamRights(self.actor, self.group)
        return super().get_context_data(
            group=self.group,
            locked=self.locked,
            members=members_of(self.group) if self.group.pk else [],
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.locked:
            raise Http404
        facts = TeamFacts(request.POST, instance=self.group, actor=self.actor)
        rights = TeamRights(self.actor, self.group, request.POST)
        refused = rights.refused()
        if not facts.is_valid() or refused:
            error = _("You can only give rights that you have yourself, to teams you look after.")
            context = self.get_context_data(
                facts=facts, rights=rights, error=error if refused else ""
            )
            return self.render_to_response(context, status=422)
        with transaction.atomic():
            group = facts.save()
            rights.mine = permissions.changeable_teams(self.actor)  # of a new one it is known now
            try:
                rights.save(group)
            except NotPermitted as error:
                raise Http404 from error
        messages.success(request, _("The team “%(name)s” is saved.") % {"name": group.name})
        return redirect("helpdesk_agents:team", group.pk)


def members_of(group: Group) -> QuerySet[Any]:
    """Return the accounts of a team, by name."""
    users: QuerySet[Any] = group.user_set.order_by("last_name", "first_name", "pk")
    return users


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a team without members; its rights are taken from it first."""
    actor = policy.actor_of(request)
    group = find_team(actor, pk, to_change=True)
    name = {"name": group.name}
    if group.user_set.exists():
        messages.error(request, _("“%(name)s” still has members.") % name)
        return redirect("helpdesk_agents:team", group.pk)
    with transaction.atomic():
        rows = QueueRight.objects.filter(group=group).select_related("queue")
        actions.change_rights(actor=actor, take=[(group, row.queue, row.right) for row in rows])
        group.delete()
    messages.success(request, _("The team “%(name)s” is deleted.") % name)
    return redirect("helpdesk_agents:teams")
