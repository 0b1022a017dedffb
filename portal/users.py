"""Wagtail's screens of accounts, offering to whoever is no superuser what they may give (`helpdesk.agents.keeping_accounts`)."""

from __future__ import annotations

from typing import Any

from wagtail.users.forms import UserCreationForm, UserEditForm
from wagtail.users.views import users

from helpdesk import permissions
from helpdesk.agents import policy


class _Offering:
    """A form of an account that knows who fills it in. What it does not offer is refused by the hooks as well."""

    fields: dict[str, Any]
    instance: Any

    def __init__(self, *args: Any, for_user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = policy.actor_for(for_user)
        if policy.is_superuser(actor):
            return
        if "is_superuser" in self.fields:  # not in one's own
            self.fields["is_superuser"].disabled = True
        offered = permissions.joinable_groups(actor)
        held = self.instance.groups.all() if self.instance.pk else offered.none()
        self.fields["groups"].queryset = (offered | held).distinct()


class CreationForm(_Offering, UserCreationForm):
    pass


class EditForm(_Offering, UserEditForm):
    pass


class _Telling:
    request: Any

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs()  # type: ignore[misc]
        return {**kwargs, "for_user": self.request.user}


class CreateView(_Telling, users.CreateView):
    pass


class EditView(_Telling, users.EditView):
    pass


class UserViewSet(users.UserViewSet):
    # an account is somebody's own: a copy would begin with another person's teams
    copy_view_enabled = False
    add_view_class = CreateView
    edit_view_class = EditView

    def get_form_class(self, for_update: bool = False) -> type[Any]:
        return EditForm if for_update else CreationForm
