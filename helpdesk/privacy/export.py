"""Exports of personal data (Art. 15 and 20 GDPR): asked for, made by the worker, fetched, and gone after some days."""

from __future__ import annotations

import logging
import tempfile
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django_tasks import task

from helpdesk import audit, conf, notifications, permissions, storage
from helpdesk.actions import exported
from helpdesk.actions.customers import find_customer
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import AuditKind, Blob, Customer, DataExport, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.blanking import Person

from . import archive, persons
from .export_scope import Scope

logger = logging.getLogger(__name__)

#: An export that is not made after so long never will be.
_GIVEN_UP = timedelta(hours=24)
WHAT = "personal data"


def own_exports(actor: Actor) -> Any:
    """Return the exports that a customer may fetch: made for the account, or for the address a guest proved.

    The bearer of a link to one request has none.
    """
    rows = DataExport.objects.filter(is_complete=False)
    if actor.kind != "customer" or actor.ticket_id is not None:
        return rows.none()
    if actor.address:
        return rows.filter(customer__isnull=True, addresses=[actor.address])
    if actor.customer is None or actor.customer.user_id is None:
        return rows.none()
    return rows.filter(customer=actor.customer)


def latest(actor: Actor) -> DataExport | None:
    """Return a customer's newest export that is not over, or None."""
    rows = own_exports(actor).filter(expires_at__gt=timezone.now())
    found: DataExport | None = rows.order_by("-pk").first()
    return found


def ask_own(*, actor: Actor, language: str = "") -> DataExport:
    """Have a customer's own data put together; one that is being made already is returned again.

    Raises `NotPermitted` for whoever only holds a link.
    """
    waiting = own_exports(actor).filter(state=DataExport.State.WAITING).first()
    if waiting is not None:
        found: DataExport = waiting
        return found
    if actor.kind != "customer" or actor.ticket_id is not None:
        raise NotPermitted
    if not actor.address and (actor.customer is None or actor.customer.user_id is None):
        raise NotPermitted
    return _ask(
        customer=None if actor.address else actor.customer,
        addresses=[actor.address] if actor.address else [],
        user=actor.customer.user if actor.customer is not None and not actor.address else None,
        language=language,
    )


def ask_complete(
    *, actor: Actor, person: Person, language: str = "", reference: str = ""
) -> DataExport:
    """Have everything about a person put together, for whoever answers their request for access.

    Raises `NotPermitted`.
    """
    if not permissions.may_handle_persons(actor):
        raise NotPermitted
    main = Customer.objects.filter(pk__in=person.customers).order_by("merged_into", "pk")
    return _ask(
        customer=main.filter(merged_into=None).first() or main.first(),
        addresses=sorted(person.addresses | person.logins),
        user=actor.user,
        asked_by=actor.user,
        is_complete=True,
        language=language,
        reference=reference,
    )


def _ask(*, user: Any, reference: str = "", **facts: Any) -> DataExport:
    facts["language"] = conf.site_language(facts["language"])
    with transaction.atomic():
        row = DataExport.objects.create(asked_at=timezone.now(), expires_at=_expiry(), **facts)
        _record(row, user, "asked", reference)
        transaction.on_commit(lambda: make.enqueue(row.pk))
    return row


def _expiry() -> Any:
    return timezone.now() + timedelta(days=int(conf.get("EXPORT_DAYS")))


def _record(row: DataExport, user: Any, did: str, reference: str = "") -> None:
    """Write it into the audit log by ids: whose data it is, is known from the customer's row."""
    data: dict[str, Any] = {"what": WHAT, "did": did, "export": row.pk, "complete": row.is_complete}
    if row.customer_id is not None:
        data["customer"] = row.customer_id
    if reference:
        data["reference"] = reference
    audit.record(AuditKind.EXPORTED, user=user, data=data)


@task()
def make(pk: int) -> str:
    """Make the archive of an export that waits, tell whoever asked for it, and return what was done. Twice makes it once."""
    row = DataExport.objects.filter(pk=pk, state=DataExport.State.WAITING).first()
    if row is None:
        return "nothing"
    try:
        exported.begin_noting(pk)
        blob = _made(row)
    except exported.Dropped:
        return "nothing"
    except Exception as fault:  # noqa: BLE001  whatever it is: it is shown as failed, and asked for again
        DataExport.objects.filter(pk=pk).update(state=DataExport.State.FAILED)
        # by type: the message may quote what people wrote
        logger.error("export %d: %s", pk, type(fault).__name__)
        return "failed"
    with transaction.atomic():
        still = DataExport.objects.filter(pk=pk, state=DataExport.State.WAITING)
        facts = {
            "state": DataExport.State.READY,
            "made_at": timezone.now(),
            "expires_at": _expiry(),
        }
        if not still.update(blob=blob, **facts):  # erased meanwhile, or made by another
            blob.release()
            return "nothing"
        _record(row, None, "made")
        row.refresh_from_db()
        notifications.send_export_ready(row)
    return "made"


def _made(row: DataExport) -> Blob:
    with tempfile.TemporaryFile() as target:
        scope = _scope_of(row)
        scope.note = partial(exported.note_tickets, row.pk)
        archive.write(scope, target, language=row.language)
        target.seek(0)
        return Blob.keep_file(File(target))


def _scope_of(row: DataExport) -> Scope:
    if not row.is_complete:
        return Scope(*_own(row))
    users = get_user_model()._default_manager.filter(
        **{f"{get_user_model().USERNAME_FIELD}__in": row.addresses}
    )
    ids = [row.customer_id] if row.customer_id is not None else []
    person = persons.person_of(
        customers=ids, addresses=row.addresses, users=users.values_list("pk", flat=True)
    )
    return Scope(person)


def _own(row: DataExport) -> tuple[Person, Actor]:
    if row.customer is not None:
        return persons.person_of(customers=[row.customer.pk]), permissions.customer(row.customer)
    address = row.addresses[0]
    customer = find_customer(address)
    known = Person(
        customers=(customer.pk,) if customer is not None else (),
        addresses=frozenset([address]),
        spelled=frozenset([address]),
        names=frozenset([customer.name]) if customer is not None and customer.name else frozenset(),
    )
    return known, permissions.guest(address, customer)


def open_archive(*, row: DataExport, user: Any) -> File:
    """Return the archive as an open file, and write down that it was fetched. Raises `NotFound` if it is over."""
    if row.blob is None or row.expires_at <= timezone.now():
        raise NotFound
    try:
        found = storage.open_file(row.blob.sha256)
    except FileNotFoundError:
        raise NotFound from None
    _record(row, user, "fetched")
    return found


def of_request(*, actor: Actor, ticket: Ticket, language: str = "") -> Any:
    """Return the archive of one request as whoever came through its door sees it: an open file, at its beginning."""
    person = Person()
    if actor.customer is not None and not actor.address:
        person = persons.person_of(customers=[actor.customer.pk])
    elif actor.address:
        ids = (actor.customer.pk,) if actor.customer is not None else ()
        person = Person(customers=ids, addresses=frozenset([actor.address]))
    target = tempfile.TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    archive.write(Scope(person, actor, ticket), target, language=language)
    target.seek(0)
    audit.record(
        AuditKind.EXPORTED,
        user=actor.customer.user if actor.customer is not None else None,
        ticket=ticket,
        data={"what": WHAT, "did": "fetched"},
    )
    return target


def tidy_exports() -> int:
    """Delete exports that are over, and give up what was never made; return how many are gone.

    An hourly job, and the only one that does: an archive is to be gone on its hour, not in the night after it.
    """
    now = timezone.now()
    late = DataExport.objects.filter(state=DataExport.State.WAITING, asked_at__lt=now - _GIVEN_UP)
    late.update(state=DataExport.State.FAILED)
    over = DataExport.objects.filter(expires_at__lte=now).values_list("pk", flat=True)[:200]
    return exported.drop_exports(over)
