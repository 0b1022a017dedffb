"""Who belongs to a team: accounts are added and removed, and made for people who have none yet.

Neither changes an account that is there. A new one has no password: whoever logs in with its name through the
organisation's log-in gets it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from wagtail.admin import messages

from helpdesk import permissions
from helpdesk.errors import InvalidInput
from helpdesk.models import QueueRight
from helpdesk.permissions import Actor

from . import policy
from .teams_admin import TeamScreen, find_team

User: Any = get_user_model()


def find_account(text: str, among: QuerySet[Any] | None = None) -> Any:
    """Return the account with a log-in name or else a mail address, `among` some or all of them.

    Raises `InvalidInput` with a sentence for people if there is none, or several with this address.
    """
    text = text.strip()[:254]
    rows = User._default_manager.all() if among is None else among
    named = f"{User.USERNAME_FIELD}__iexact"
    found = list(rows.filter(**{named: text})[:2]) if text else []
    if not found and "@" in text:
        found = list(rows.filter(email__iexact=text)[:2])
    if not found:
        raise InvalidInput(_("There is no account with this log-in name or address."), field="who")
    if len(found) > 1:
        raise InvalidInput(
            _("Several accounts have this address. Give the log-in name."), field="who"
        )
    return found[0]


def _changeable(request: HttpRequest, pk: int) -> tuple[Actor, Group]:
    actor = policy.actor_of(request)
    if not policy.may_administer(actor):
        raise Http404
    return actor, find_team(actor, pk, to_change=True)


def _works_elsewhere(user: Any, actor: Actor) -> bool:
    """Tell whether somebody has rights in queues that are not the actor's.

    Who leads a team of theirs may say when they are away, everywhere: nobody draws people of others in by themselves.
    """
    rights = QueueRight.objects.filter(group__user=user)
    return (
        not permissions.is_superuser(actor)
        and rights.exclude(queue__in=permissions.administered(actor)).exists()
    )


@require_POST
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an account into a team."""
    actor, group = _changeable(request, pk)
    answer = redirect("helpdesk_agents:team", group.pk)
    try:
        user = find_account(request.POST.get("who", ""))
    except InvalidInput as error:
        messages.error(request, str(error))
        return answer
    if user.is_superuser and not permissions.is_superuser(actor):
        messages.error(request, _("This account is looked after by the site's administrators."))
    elif not user.is_active:
        messages.error(request, _("The account of %(name)s is not active.") % {"name": user})
    elif _works_elsewhere(user, actor):
        words = _("%(name)s works for others, too: ask the site's administrators.")
        messages.error(request, words % {"name": user})
    else:
        group.user_set.add(user)
        said = {"name": user, "team": group.name}
        messages.success(request, _("%(name)s belongs to “%(team)s” now.") % said)
    return answer


@require_POST
def remove(request: HttpRequest, pk: int, user: int) -> HttpResponse:
    """Take an account out of a team: its rights end at once."""
    _actor, group = _changeable(request, pk)
    member = get_object_or_404(group.user_set.all(), pk=user)
    group.user_set.remove(member)
    said = {"name": member, "team": group.name}
    messages.success(request, _("%(name)s does not belong to “%(team)s” any more.") % said)
    return redirect("helpdesk_agents:team", group.pk)


class AccountForm(forms.ModelForm):
    """A new account: a name, an address, and the name to log in with."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", User.USERNAME_FIELD]
        help_texts = {User.USERNAME_FIELD: gettext_lazy("As in the organisation's log-in.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        name = data.get(User.USERNAME_FIELD)
        rows = User._default_manager.filter(**{f"{User.USERNAME_FIELD}__iexact": name or ""})
        if name and rows.exists():
            self.add_error(
                User.USERNAME_FIELD, _("There is an account with this log-in name already.")
            )
        return data

    def save(self, commit: bool = True) -> Any:
        self.instance.set_unusable_password()
        return super().save(commit)


class NewAccountView(TeamScreen):
    """Make an account for somebody who has none, as a member of a team."""

    template_name = "helpdesk/agents/team_account.html"
    page_title = gettext_lazy("New account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _actor, self.group = _changeable(request, kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", AccountForm())
        return super().get_context_data(group=self.group, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = AccountForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        with transaction.atomic():
            user = form.save()
            self.group.user_set.add(user)
        said = {"name": user, "team": self.group.name}
        messages.success(request, _("%(name)s has an account and belongs to “%(team)s”.") % said)
        return redirect("helpdesk_agents:team", self.group.pk)
