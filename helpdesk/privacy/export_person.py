"""What an archive says of the person themselves, besides requests; and, for the team, how much was found of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from helpdesk.models import AddressClaim, Customer, CustomerAddress
from helpdesk.rules.blanking import Person

from . import kinds
from .export_scope import Scope, moment, without_others

#: What may speak of others.
_FREE_TEXTS = frozenset(("subject", "reason"))
#: Kinds of which the rows belong to tickets, which are noted before anything is read.
_OF_TICKETS = frozenset(("inbound", "outbound"))


def person_data(scope: Scope) -> dict[str, Any]:
    """Return what is stored of the person themselves."""
    person = scope.person
    rows = Customer.objects.filter(pk__in=person.customers).select_related("organisation")
    customers = [
        {
            "name": row.name,
            "log_in_name": row.login_name or "",
            "phone": row.phone,
            "language": row.language,
            "organisation": row.organisation.name if row.organisation else "",
            "since": moment(row.created_at),
        }
        for row in rows
    ]
    addresses = CustomerAddress.objects.filter(customer__in=person.customers).order_by("pk")
    claims = AddressClaim.objects.filter(customer__in=person.customers).order_by("pk")
    is_guest = scope.actor is not None and bool(scope.actor.address)
    if scope.actor is not None and is_guest:  # a guest is known by this one alone
        addresses = addresses.filter(normalised=scope.actor.address)
        claims = claims.none()
        customers = [{"name": row["name"], "language": row["language"]} for row in customers]
    data: dict[str, Any] = {
        "customers": customers,
        "addresses": [
            {
                "address": row.address,
                "confirmed": moment(row.verified_at),
                "confirmed_by": str(row.get_verified_by_display()) if row.verified_by else "",
            }
            for row in addresses
        ],
        "claims": [{"at": moment(row.asked_at), "address": row.address} for row in claims],
        "accounts": [] if is_guest else _accounts(person),
    }
    return {**data, **(_only_team(scope) if scope.is_complete else {})}


def _accounts(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "log_in_name": one.get_username(),
            "name": one.get_full_name(),
            "address": one.email,
            "since": moment(one.date_joined),
            "last_log_in": moment(one.last_login),
        }
        for one in get_user_model()._default_manager.filter(pk__in=person.users)
    ]


def _only_team(scope: Scope) -> dict[str, Any]:
    """Return what there is besides requests and only the team sees, and of every kind how much there is."""
    data: dict[str, Any] = {}
    found = [_of_tickets(scope, kind) for kind in kinds.TICKETS]
    for kind in kinds.LISTS:
        rows = kind.rows(scope.person)
        if rows is None:
            if kind.key != kinds.REQUESTS and kind.key:
                data[kind.key] = []
            continue
        count = rows.count()
        if kind.key and kind.key != kinds.REQUESTS:
            data[kind.key] = list(_rows(scope, kind, rows.order_by(kind.order.lstrip("-"))))
            count = len(data[kind.key])
        found.append(_line(kind, count, kind.key, str(kind.why_not)))
    return {**data, "found": [one for one in found if one["count"]]}


def _of_tickets(scope: Scope, kind: kinds.TicketKind) -> dict[str, Any]:
    reason = ""
    if kind.code != "own":
        reason = _(
            "Of it only what concerns the person: the rest is other people's (Art. 15 (4) GDPR)."
        )
    return _line(kind, kind.tickets(scope.person).count(), kinds.REQUESTS, reason)


def _line(kind: kinds.Kind | kinds.TicketKind, count: int, key: str, reason: str) -> dict[str, Any]:
    return {
        "kind": kind.code,
        "label": str(kind.label),
        "count": count,
        "where": key,
        "left_out": reason,
    }


def _rows(scope: Scope, kind: kinds.Kind, rows: QuerySet[Any]) -> Iterator[dict[str, Any]]:
    """Yield rows of a list, but not of tickets to which none of them belonged when it was asked."""
    of: tuple[str, ...] = ("ticket_id", "article__ticket_id") if kind.code in _OF_TICKETS else ()
    tickets: set[int] = set()
    if of:
        tickets = {pk for pair in rows.values_list(*of) for pk in pair if pk is not None}
        scope.reads(tickets)
    for at, *rest in rows.values_list(kind.at, *kind.columns.values(), *of).iterator():
        texts, pair = rest[: len(kind.columns)], rest[len(kind.columns) :]
        if tickets.issuperset(pk for pk in pair if pk is not None):
            said = {
                name: _said(name, one, scope) for name, one in zip(kind.columns, texts, strict=True)
            }
            yield {"at": moment(at), **said}


def _said(name: str, value: Any, scope: Scope) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if name in _FREE_TEXTS:
        return without_others(value, scope)
    return "" if value is None else value
