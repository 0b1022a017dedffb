"""Watching a ticket, on its screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from helpdesk import actions
from helpdesk.models import Right

from .change_form import ChangeForm


class WatchForm(ChangeForm):
    name, right = "watch", Right.READ
    done = _("You are told what happens on this ticket.")

    def apply(self) -> object:
        return actions.watch(**self.who)


class UnwatchForm(ChangeForm):
    name, right = "unwatch", Right.READ
    done = _("You do not watch this ticket any more.")

    def apply(self) -> object:
        actions.unwatch(**self.who)
        return None


WATCHING: dict[str, type[ChangeForm]] = {form.name: form for form in (WatchForm, UnwatchForm)}
