"""The mail addresses that a customer with an account looks after: claimed, confirmed by mail, removed."""

from __future__ import annotations

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import notifications
from helpdesk.errors import Blocked, InvalidInput, NotFound, NotPermitted
from helpdesk.models import AddressClaim, Customer, CustomerAddress, Proof
from helpdesk.permissions import Actor

from .base import address_of
from .customers import prove

#: The link in the mail holds so long, in seconds.
CLAIM_HOLDS = 3 * 24 * 3600
#: So many addresses a customer may have, those to be confirmed included.
MAX_ADDRESSES = 10
_SALT = "helpdesk.actions.addresses"


@transaction.atomic
def claim_address(*, actor: Actor, address: str, language: str = "") -> AddressClaim:
    """Send a mail to an address that the customer says is theirs; the link in it leads to its confirmation.

    Whether anybody else has the address is not told: whoever reads it is asked, and learns it. A second mail
    makes the link of the first worthless. Raises `InvalidInput` at `email` for what is no address, for one that
    is confirmed already, for too many, and where no mail may go; `Blocked`; `NotPermitted` without an account.
    """
    customer = _with_account(actor)
    normalised = address_of(address.strip(), "email")
    if not normalised:
        raise InvalidInput(_("Enter a mail address."), field="email")
    own = list(customer.addresses.all())
    if any(row.normalised == normalised and row.verified_at for row in own):
        raise InvalidInput(_("You have confirmed this address already."), field="email")
    known = {row.normalised for row in own} | set(
        customer.claims.values_list("normalised", flat=True)
    )
    if normalised not in known and len(known) >= MAX_ADDRESSES:
        raise InvalidInput(
            _("At most %(n)d addresses are possible.") % {"n": MAX_ADDRESSES}, field="email"
        )
    claim, _made = AddressClaim.objects.update_or_create(
        customer=customer,
        normalised=normalised,
        defaults={"address": address.strip(" <>")[:254], "asked_at": timezone.now()},
    )
    claim.renew()
    claim.save(update_fields=["nonce"])
    notifications.send_proof(
        claim=claim, token=claim_token(claim), language=language or customer.language
    )
    return claim


def claim_token(claim: AddressClaim) -> str:
    """Return the secret part of the link in the mail to a claimed address."""
    return signing.dumps([claim.pk, claim.nonce], salt=_SALT)


def read_claim(token: str) -> AddressClaim | None:
    """Return the claim of a genuine link that still holds, or None."""
    try:
        pk, nonce = signing.loads(token, salt=_SALT, max_age=CLAIM_HOLDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return AddressClaim.objects.select_related("customer").filter(pk=pk, nonce=nonce).first()


@transaction.atomic
def confirm_address(*, actor: Actor, claim: AddressClaim) -> CustomerAddress:
    """Note that whoever claimed an address opened the link sent to it. What was written from it becomes theirs.

    Raises `NotFound` for another customer's claim or one that is gone, `Blocked`, and `AddressTaken` if another
    account has confirmed the address.
    """
    customer = _with_account(actor)
    found = AddressClaim.objects.select_for_update().filter(pk=claim.pk, customer=customer).first()
    if found is None:
        raise NotFound
    row = prove(customer, found.address, by=Proof.ACCOUNT, user=actor.user or customer.user)
    found.delete()
    return row


@transaction.atomic
def remove_address(*, actor: Actor, address: CustomerAddress) -> None:
    """Take an own address away: requests that came by mail from it are not among the own ones any more.

    Nothing else changes. Raises `NotFound` for another customer's, `Blocked` for somebody who is.
    """
    customer = _with_account(actor)
    removed, _by_model = CustomerAddress.objects.filter(pk=address.pk, customer=customer).delete()
    if not removed:
        raise NotFound
    customer.claims.filter(normalised=address.normalised).delete()


@transaction.atomic
def drop_claim(*, actor: Actor, claim: AddressClaim) -> None:
    """Give up an address that was not confirmed. Raises `NotFound` for another customer's."""
    removed, _by_model = AddressClaim.objects.filter(
        pk=claim.pk, customer=_with_account(actor)
    ).delete()
    if not removed:
        raise NotFound


@transaction.atomic
def choose_main_address(*, actor: Actor, address: CustomerAddress) -> CustomerAddress:
    """Make an own, confirmed address the one to which we write. Raises `NotFound` for any other."""
    customer = _with_account(actor)
    row = customer.addresses.filter(pk=address.pk, verified_at__isnull=False).first()
    if row is None:
        raise NotFound
    customer.addresses.filter(is_main=True).exclude(pk=row.pk).update(is_main=False)
    row.is_main = True
    row.save(update_fields=["is_main"])
    return row


def _with_account(actor: Actor) -> Customer:
    """Return the customer, locked, whose account acts. Raises `NotPermitted` for anybody else."""
    person = actor.customer
    if actor.kind != "customer" or person is None or actor.ticket_id is not None or actor.address:
        raise NotPermitted
    fresh = (
        Customer.objects.select_for_update(of=("self",), no_key=True).filter(pk=person.pk).first()
    )
    if fresh is None or fresh.user_id is None:
        raise NotPermitted
    if fresh.is_blocked:
        raise Blocked
    return fresh
