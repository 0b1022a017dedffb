"""The people of an order in its plan: who gets an account, who joins the team, who cannot.

What is known of all of them is read at once: an order of fifty people asks no more than one of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext as _

from helpdesk import addressing, permissions
from helpdesk.models import QueueAddress, QueueOrder, QueueRight
from helpdesk.permissions import Actor
from helpdesk.rules.ordering import AgentRow, Refused, check_agents

from .order_checks import UNKNOWN_LOGIN, Checked, rules_of
from .ordering import rows_of
from .plan_steps import Standing, Step
from .site_side import SiteSide, site_side


def adds_people(order: QueueOrder, group: Group | None) -> bool:
    """Tell whether approving lets the people join: not once more, or who was taken out of the team came back.

    `group` is the team if it is there. A team that has to be made anew gets them anew.
    """
    return order.state != QueueOrder.State.APPROVED or group is None


def accounts_named(login_names: Iterable[str]) -> dict[str, list[Any]]:
    """Return the accounts with these log-in names, however they are written, by name in lower case.

    More than one of a name is a fault.
    """
    model: Any = get_user_model()
    wanted = [Q(**{f"{model.USERNAME_FIELD}__iexact": name}) for name in login_names]
    found: dict[str, list[Any]] = {}
    for user in model.objects.filter(reduce(or_, wanted)).order_by("pk") if wanted else ():
        found.setdefault(user.get_username().lower(), []).append(user)
    return found


@dataclass(frozen=True)
class _Known:
    """What is known of all people of an order."""

    accounts: dict[str, list[Any]]
    queue_addresses: frozenset[str]
    members: frozenset[int]
    works_elsewhere: frozenset[int]  # in queues that the actor does not administer
    is_mighty: bool
    side: SiteSide


def _known(rows: list[AgentRow], actor: Actor, group: Group | None) -> _Known:
    accounts = accounts_named(row.login_name for row in rows)
    users = get_user_model()._default_manager.filter(
        pk__in=[user.pk for same in accounts.values() for user in same]
    )
    is_mighty = actor.kind == "system" or permissions.is_superuser(actor)
    others: Iterable[int] = ()
    if not is_mighty:
        rights = QueueRight.objects.exclude(queue__in=permissions.administered(actor))
        others = users.filter(groups__in=rights.values("group")).values_list("pk", flat=True)
    inside: Iterable[int] = ()
    if group is not None:
        inside = users.filter(groups=group).values_list("pk", flat=True)
    normalised = {addressing.normalise(row.email) for row in rows}
    taken = QueueAddress.objects.filter(normalised__in=normalised)
    return _Known(
        accounts=accounts,
        queue_addresses=frozenset(taken.values_list("normalised", flat=True)),
        members=frozenset(inside),
        works_elsewhere=frozenset(others),
        is_mighty=is_mighty,
        side=site_side(),
    )


def people_steps(order: QueueOrder, actor: Actor, group: Group | None) -> Iterator[Step]:
    """Yield the steps of the people of an order; `group` is its team if it is there."""
    rows = rows_of(order)
    if not adds_people(order, group):
        yield from _settled(rows, group)
        return
    try:
        _clean, faults = check_agents(rows, rules_of(), queue_address=order.address)
    except Refused as refusal:
        yield Step("agents", Standing.STOPS, refusal.message)
        return
    good = [row for place, row in enumerate(rows) if place not in faults]
    known = _known(good, actor, group)
    for place, row in enumerate(rows):
        wrong = next(iter(faults.get(place, {}).values()), None)
        if wrong is not None:
            yield Step("agent", Standing.STOPS, f"{row.name or row.email}: {wrong.message}")
        else:
            yield _agent(row, known)


def _settled(rows: list[AgentRow], group: Group | None) -> Iterator[Step]:
    """Say of each person of an approved order whether they are in the team: that is not changed any more."""
    accounts = accounts_named(row.login_name for row in rows)
    pks = [user.pk for same in accounts.values() for user in same]
    users = get_user_model()._default_manager.filter(pk__in=pks, groups=group)
    inside = set(users.values_list("pk", flat=True))
    for row in rows:
        found = accounts.get(row.login_name.lower(), [])
        said = {"login": row.login_name}
        words = _("“%(login)s” does not belong to the team any more. Approving once more does not change that.") % said  # fmt: skip
        if any(user.pk in inside for user in found):
            words = _("The account “%(login)s” belongs to the team") % said
        yield Step("agent", Standing.THERE, words)


def _agent(row: AgentRow, known: _Known) -> Step:
    said = {"login": row.login_name, "name": row.name, "email": row.email}
    found = known.accounts.get(row.login_name.lower(), [])
    if addressing.normalise(row.email) in known.queue_addresses:
        words = _("%(name)s: %(email)s is the address of a queue. Enter the person's own.") % said
        return Step("agent", Standing.STOPS, words)
    if not found:
        if row.check == Checked.UNKNOWN:
            return Step("agent", Standing.STOPS, f"{row.name}: {UNKNOWN_LOGIN % said}")
        note = (
            _("Not checked in the directory. Saving asks it once more.")
            if row.check == Checked.UNCHECKED
            else ""
        )
        words = _("An account “%(login)s” for %(name)s (%(email)s), without a password") % said
        return Step("agent", Standing.MAKE, words, note)
    user, stop = found[0], _account_stop(found, row, known)
    if stop:
        return Step("agent", Standing.STOPS, stop)
    words = _("The account “%(login)s” joins the team") % said
    if user.pk in known.members:
        words = _("The account “%(login)s” belongs to the team") % said
    return Step("agent", Standing.THERE, words, _differs(user, row))


def _differs(user: Any, row: AgentRow) -> str:
    """Say how an account calls its owner if the order says something else: it is not changed."""
    same_name = user.get_full_name().casefold() == row.name.casefold()
    if same_name and user.email.lower() == row.email.lower():
        return ""
    said = {"name": user.get_full_name() or user.get_username(), "email": user.email or "–"}
    return _("The account belongs to %(name)s (%(email)s). The order says something else.") % said


def _account_stop(found: list[Any], row: AgentRow, known: _Known) -> str:
    """Return in a sentence why the account with a row's log-in name cannot join, ''."""
    user, said = found[0], {"login": row.login_name}
    if len(found) > 1:
        return _("Two accounts have the log-in name “%(login)s”: one has to go first.") % said
    if not user.is_active:
        return _("The account “%(login)s” is not active.") % said
    if user.is_superuser and not known.is_mighty:
        return _("The account “%(login)s” is looked after by the site's administrators.") % said
    if user.pk in known.works_elsewhere:
        return _("“%(login)s” works for others, too: ask the site's administrators.") % said
    if not known.side.vouches_for(user) and user.email.lower() != row.email.lower():
        words = _(
            "The account “%(login)s” was made by somebody who chose this name, with another mail address. "
            "Find out whether it is the same person."
        )
        return words % said
    return ""
