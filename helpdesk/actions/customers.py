"""Who a message is from: finding and making customers, and what an account takes over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.utils import timezone

from helpdesk import addressing, audit, conf, events, permissions, search
from helpdesk.errors import AddressTaken, Blocked, InvalidInput
from helpdesk.models import (
    AuditKind,
    Channel,
    Customer,
    CustomerAddress,
    EventKind,
    Proof,
    Ticket,
    insert,
    known,
    learn,
)
from helpdesk.permissions import Actor

from .base import address_of, is_whole, savepoint, touch, verb


def find_customer(address: str) -> Customer | None:
    """Return the customer with this mail address (in any spelling), or None."""
    try:
        normalised = addressing.canonical(address)
    except addressing.BadAddress:
        return None
    ahead = known(Customer)
    if normalised in ahead:
        return cast("Customer | None", ahead[normalised])
    found = Customer.objects.filter(addresses__normalised=normalised).order_by()
    return next(iter(found), None)


def read_ahead_customers(addresses: Collection[str]) -> None:
    """Read for the open batch who has these canonical mail addresses."""
    rows = CustomerAddress.objects.filter(normalised__in=addresses).select_related("customer")
    found = {row.normalised: row.customer for row in rows.prefetch_related("customer__addresses")}
    learn(Customer, {address: found.get(address) for address in addresses})


@verb
def customer_for_address(address: str, *, name: str = "", language: str = "") -> Customer:
    """Return the customer with this mail address; an unknown one is made, its address unverified.

    A `language` that the site does not have becomes the site's. Raises `InvalidInput` if it is no mail address.
    """
    found = find_customer(address)
    if found is not None:
        return found
    normalised = address_of(address, "email")
    if not normalised:
        raise InvalidInput(field="email")
    try:
        with savepoint():
            customer = Customer(name=name[:200], language=conf.site_language(language))
            insert(customer)
            shown = address.strip(" <>")
            customer.first_address = CustomerAddress(
                customer=customer,
                address=shown if len(shown) <= 254 else normalised,
                normalised=normalised,
            )
            insert(customer.first_address, with_id=False)
    except IntegrityError:  # the same sender, at the same moment, in another process
        if is_whole():
            raise
        return CustomerAddress.objects.get(normalised=normalised).customer
    learn(Customer, {normalised: customer})
    return customer


def refuse_blocked(actor: Actor, customer: Customer | None = None) -> None:
    """Raise `Blocked` if whoever acts from outside, or `customer` for whom they act, is blocked."""
    if actor.kind != "customer":
        return
    person = actor.customer or (find_customer(actor.address) if actor.address else None)
    if any(one is not None and one.is_blocked for one in (person, customer)):
        raise Blocked


@transaction.atomic
def customer_for_user(user: Any, *, proven: bool = False) -> Customer:
    """Return the customer of an account, made at first use.

    A log-in name proves nothing where people choose it themselves: a customer who has it already (a
    deleted account's, say) is taken over only while no request and no address is theirs, unless the
    name is `proven`: by the organisation's own log-in. Requests are joined by addresses the account
    proved to read (`verify_address`).
    """
    customer = Customer.objects.filter(user=user).first()
    if customer is not None:
        return customer
    login = user.get_username()
    held = Customer.objects.filter(login_name=login).first()
    if held is None:
        customer = Customer(login_name=login)
    elif held.user_id is None and (
        proven or not (held.tickets.exists() or held.addresses.exists())
    ):
        customer = held
    else:
        customer = Customer()
    customer.user = user
    customer.name = customer.name or user.get_full_name()
    customer.language = conf.site_language(getattr(user, "language", "") or customer.language)
    try:
        with transaction.atomic():
            customer.save()
    except IntegrityError:  # the same account's other request, at the same moment
        return Customer.objects.get(user=user)
    return customer


@transaction.atomic
def verify_address(*, user: Any, address: str, by: str = Proof.ACCOUNT) -> Customer:
    """Note that the account's owner has proved to read `address`; its earlier tickets become theirs.

    Called when the account confirmed the address (or the directory did: `by`), never on a mere claim. The
    requests from this address, and no others, are taken over from a customer without an account; from one with
    an account that never confirmed it only those that came by mail, for what was written while logged
    in stays with the account. Raises `AddressTaken` if another account has confirmed it,
    `InvalidInput` if it is no mail address.
    """
    customer = customer_for_user(user)
    prove(customer, address, by=by, user=user)
    return customer


def prove(customer: Customer, address: str, *, by: str, user: Any) -> CustomerAddress:
    """Give the customer an address that is proved, as `verify_address` says; `user` made it so. Only verbs call this."""
    normalised = address_of(address, "email")
    row, made = CustomerAddress.objects.get_or_create(
        normalised=normalised,
        defaults={
            "customer": customer,
            "address": address,
            "verified_at": timezone.now(),
            "verified_by": by,
        },
    )
    if not made:
        row = CustomerAddress.objects.select_for_update().get(pk=row.pk)
        if row.customer_id == customer.pk and row.verified_at is not None:
            return row
        _adopt(row, customer)
        # what a former holder proved says nothing about this one
        row.verified_at, row.verified_by = timezone.now(), by
        row.save(update_fields=["customer", "verified_at", "verified_by", "is_main"])
    audit.record(
        AuditKind.ADDRESS_VERIFIED,
        user=user,
        data={"customer": customer.pk, "address": row.pk, "by": str(by)},
    )
    return row


def _adopt(row: CustomerAddress, customer: Customer) -> None:
    """Let a locked address be `customer`'s, with the tickets from it. Raises `AddressTaken`.

    A block goes along from a customer without an account: it was meant for whoever writes from there.
    """
    former = row.customer
    if former.pk == customer.pk:
        return
    if former.user_id is not None and row.verified_at is not None:
        raise AddressTaken(field="email")
    tickets = former.tickets.filter(contact=row.normalised)
    if former.user_id is not None:
        tickets = tickets.filter(channel=Channel.EMAIL)
    elif former.is_blocked and not customer.is_blocked:
        customer.is_blocked = True
        customer.save(update_fields=["is_blocked"])
    rows = tickets.select_for_update(of=("self",), no_key=True).order_by("pk")
    take_over(list(rows), customer, actor=permissions.customer(customer), by="verified")
    row.customer, row.is_main = customer, False


def take_over(tickets: list[Ticket], customer: Customer, *, actor: Actor, by: str) -> None:
    """Make locked tickets the customer's own. Only verbs call this."""
    for ticket in tickets:
        before, ticket.customer = ticket.customer_id, customer
        touch(actor, ticket, "customer")
        search.index_ticket(ticket)
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.CUSTOMER_CHANGED,
            data={"from": before, "to": customer.pk, "by": by},
        )
