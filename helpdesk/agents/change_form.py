"""What all changes on the ticket screen have in common, and the fields for dates and states."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.actions.base import in_json
from helpdesk.models import Right

from .desk import Desk


def tomorrow_morning() -> datetime:
    """Return nine o'clock on the next day, in the current time zone."""
    day = timezone.localdate() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(day, time(9)))


class DateTimeInput(forms.DateTimeInput):
    """The browser's own input for date and time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class StateSelect(forms.Select):
    """Marks the states that need a date, so that the date shows only beside them."""

    desk: Desk

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if self.desk.is_pending(value):
            option["attrs"]["data-pending"] = True
        return option


class PendingField(forms.DateTimeField):
    """The date on which a waiting ticket comes back; tomorrow at nine unless changed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"label": _("Pending until"), "required": False, **kwargs}
        super().__init__(widget=DateTimeInput(), initial=tomorrow_morning, **kwargs)


class ChangeForm(forms.Form):
    """One change of a ticket. `right` says who sees it; `apply` calls the verb.

    `apply` raises the verb's errors; the view puts them beside the field they belong to.
    """

    name: ClassVar[str]
    right: ClassVar[Right] = Right.NOTE
    button: ClassVar[str | Promise] = _("Save")
    #: Whether it stands below another form, whose button is the one that is meant most often.
    is_second: ClassVar[bool] = False
    #: Other ways to send it, offered after a refusal: name, value and label of a button each.
    offers: tuple[tuple[str, str, str], ...] = ()
    done: str | Promise = _("Saved.")  # a form may say more after it was applied
    #: The columns of the ticket that it changes: it tells the verb what they were when it was shown.
    watches: ClassVar[tuple[str, ...]] = ()
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, desk: Desk, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"hd-{self.name}-%s")
        super().__init__(*args, **kwargs)
        self.desk = desk
        #: What the verb returned.
        self.made: object = None
        if self.watches:
            self.fields["shown"].initial = lambda: json.dumps(self.now())
        else:
            del self.fields["shown"]
        self.offer()

    def offer(self) -> None:
        """Fill in choices and initial values from `self.desk`."""

    def apply(self) -> object:
        raise NotImplementedError

    def now(self) -> dict[str, Any]:
        """Return what it changes as it is now."""
        return {name: in_json(getattr(self.desk.ticket, name)) for name in self.watches}

    def expected(self) -> dict[str, Any] | None:
        """Return what it changes as it was shown; None if the browser does not say so."""
        try:
            found = json.loads(self.cleaned_data.get("shown") or "")
        except ValueError:
            return None
        if not isinstance(found, dict) or set(found) != set(self.watches):
            return None
        return found

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.desk.actor, "ticket": self.desk.ticket}

    @property
    def who_saw(self) -> dict[str, Any]:
        return {**self.who, "expected": self.expected()}

    def choose(self, field: str, choices: list[tuple[Any, Any]], initial: object) -> None:
        found: Any = self.fields[field]
        found.choices = choices
        found.initial = initial

    def whole(self, field: str) -> int | None:
        value = self.cleaned_data.get(field)
        return int(value) if value else None
