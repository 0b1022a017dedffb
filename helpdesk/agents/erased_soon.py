"""The list of tickets by when they go: those that may be erased in the next days, and the date shown with each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from helpdesk.models import Ticket
from helpdesk.privacy import due

from . import storage_facts

#: In how many days they may go.
DAYS: dict[int, str | Promise] = {
    7: gettext_lazy("in the next 7 days"),
    30: gettext_lazy("in the next 30 days"),
    90: gettext_lazy("in the next 90 days"),
}
#: The soonest first: in this order the list opens with the filter.
ORDERING = "erase_at"


def filter_field() -> Any:
    """Return the field of the list's form: one of the numbers of days, or none."""
    return django_filters.ChoiceFilter(
        label=pgettext_lazy("in future", "Erased"),
        choices=[(str(days), words) for days, words in DAYS.items()],
        empty_label=gettext_lazy("at any time"),
        widget=forms.RadioSelect,
    )


def ordering_of(request: HttpRequest) -> str:
    """Return the order in which the list opens with the filter, '' without it."""
    return ORDERING if request.GET.get("erased") else ""


def narrow(tickets: QuerySet[Ticket], days: int) -> QuerySet[Ticket]:
    """Return those of `tickets` of which the time ends in so many days from now on and that no hold keeps longer.

    One query at once, two more where a hold is on a merged ticket.
    """
    until = timezone.now() + timedelta(days=days)
    day = due.day_of(until)
    # no step comes later than the end (`rules.storing`), and by the next step there is an index
    found = tickets.filter(storage_step_at__lte=until, erase_at__lte=until)
    found = found.filter(~Exists(due.holds_on(day).filter(ticket=OuterRef("pk"))))
    homes = due.homes_of_held(day)
    return found.exclude(pk__in=homes) if homes else found


def mark(rows: Iterable[Any], *, with_date: bool) -> None:
    """Say on rows of the list that their teams were warned, or `with_date` of each when it goes. No query."""
    for ticket in rows:
        ticket.is_erased_soon = storage_facts.is_warned(ticket)
        ticket.shows_end = with_date and not ticket.is_erased_soon
        ticket.keeps_part = storage_facts.keeps_part(ticket)
