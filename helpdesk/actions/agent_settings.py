"""What agents choose for themselves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import permissions
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import AgentSettings
from helpdesk.permissions import Actor

WEEK = range(7)


@transaction.atomic
def set_free_days(*, actor: Actor, days: Iterable[int]) -> AgentSettings:
    """Set the acting agent's days off in the week (0 is Monday).

    Raises `NotPermitted` for whoever is no agent, `InvalidInput` for what is no weekday and for all seven.
    """
    row = _settings_of(actor)
    wanted = sorted(set(days))
    if any(day not in WEEK for day in wanted):
        raise InvalidInput(field="free_days")
    if len(wanted) == len(WEEK):
        message = _("On one day of the week at least you are there.")
        raise InvalidInput(message, field="free_days")
    row.free_days = wanted
    row.save(update_fields=["free_days"])
    return row


@transaction.atomic
def renew_feed_key(*, actor: Actor) -> AgentSettings:
    """Give the acting agent a new secret address of the absence feed; the old one is worthless then.

    Raises `NotPermitted` for whoever is no agent.
    """
    row = _settings_of(actor)
    row.feed_key = secrets.token_urlsafe(24)
    row.save(update_fields=["feed_key"])
    return row


def _settings_of(actor: Actor) -> AgentSettings:
    if actor.kind != "agent" or not permissions.is_agent(actor):
        raise NotPermitted
    AgentSettings.objects.get_or_create(user=actor.user)
    return AgentSettings.objects.select_for_update(no_key=True).get(user=actor.user)
