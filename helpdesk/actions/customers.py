"""Who a message is from: finding and making customers."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from helpdesk import addressing
from helpdesk.errors import InvalidInput
from helpdesk.models import Customer, CustomerAddress


def find_customer(address: str) -> Customer | None:
    """Return the customer with this mail address (in any spelling), or None."""
    try:
        normalised = addressing.canonical(address)
    except addressing.BadAddress:
        return None
    row = CustomerAddress.objects.filter(normalised=normalised).select_related("customer").first()
    return row.customer if row else None


@transaction.atomic
def customer_for_address(address: str, *, name: str = "", language: str = "de") -> Customer:
    """Return the customer with this mail address; an unknown one is made, its address unverified.

    Raises `InvalidInput` if it is no mail address.
    """
    found = find_customer(address)
    if found is not None:
        return found
    try:
        normalised = addressing.canonical(address)
    except addressing.BadAddress as error:
        raise InvalidInput(field="email") from error
    try:
        with transaction.atomic():
            customer = Customer.objects.create(name=name[:200], language=language)
            CustomerAddress.objects.create(
                customer=customer, address=address[:254], normalised=normalised
            )
    except IntegrityError:  # the same sender, at the same moment, in another process
        return CustomerAddress.objects.get(normalised=normalised).customer
    return customer


@transaction.atomic
def customer_for_user(user: Any) -> Customer:
    """Return the customer of an account, made at first use.

    Tickets that came from the account's address before are joined only through an address row that
    nobody else holds with a log-in; verification is a separate step (`verify_address`).
    """
    customer = Customer.objects.filter(user=user).first()
    if customer is not None:
        return customer
    customer = Customer.objects.filter(login_name=user.get_username(), user=None).first()
    if customer is None:
        customer = Customer(login_name=user.get_username())
    customer.user = user
    customer.name = customer.name or user.get_full_name()
    customer.language = getattr(user, "language", "") or customer.language
    customer.save()
    return customer


@transaction.atomic
def verify_address(*, user: Any, address: str) -> Customer:
    """Note that the account's owner has proved to read `address`; its earlier tickets become theirs.

    A customer that was made from mails alone (no account) is taken over with its tickets. Called when
    the account confirmed the address, never on a mere claim.
    """
    customer = customer_for_user(user)
    normalised = addressing.canonical(address)
    row = CustomerAddress.objects.filter(normalised=normalised).select_related("customer").first()
    if row is None:
        CustomerAddress.objects.create(
            customer=customer, address=address, normalised=normalised, verified_at=timezone.now()
        )
        return customer
    former = row.customer
    if former.pk != customer.pk:
        former.tickets.filter(contact=normalised).update(customer=customer)
        row.customer = customer
    row.verified_at = row.verified_at or timezone.now()
    row.save(update_fields=["customer", "verified_at"])
    return customer
