"""Two customers who are one person become one; and people of the directory become customers."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, audit, permissions, search
from helpdesk.errors import AddressTaken, InvalidInput, NotFound, NotPermitted, WrongState
from helpdesk.models import (
    Article,
    AuditKind,
    Customer,
    CustomerAddress,
    Proof,
    Right,
    Ticket,
)
from helpdesk.permissions import SYSTEM, Actor
from helpdesk.persons import Person

from .customers import prove, take_over

#: So many tickets are put right in one run.
BATCH = 100


@transaction.atomic
def merge_customers(*, actor: Actor, source: Customer, target: Customer) -> Customer:
    """Make everything of `source` the `target`'s, and return that; `source` stays as a row that leads there.

    For superusers, and for whoever manages every queue in which the two have tickets. A proved address stays
    proved only if the target has no account: that somebody read it says nothing of the account's owner, who
    confirms it anew (until then mails' tickets from it are not among the own ones). Blocked is who one of the
    two was. Name, phone, organisation and log-in name are taken over where the target has none.

    Raises `NotPermitted`; `InvalidInput` for one and the same; `WrongState` if one of the two was merged already,
    if both have an account, if only `source` has one, or if neither has and the directory knows both.
    """
    pks = sorted({source.pk, target.pk})
    theirs = Ticket.objects.filter(customer__in=pks)
    _locked(theirs)  # before the customers, as whoever files a message locks its ticket first
    # who is opening a ticket for one of the two at this moment asks nobody: see `follow_merged`
    customers = Customer.objects.select_for_update(of=("self",), no_key=True)
    rows = customers.filter(pk__in=pks).order_by("pk")
    found = {row.pk: row for row in rows}
    if len(found) < len(pks):
        raise NotFound
    source, target = found[source.pk], found[target.pk]
    if not permissions.may_merge_customers(actor, source, target):
        raise NotPermitted
    _may_be_one(source, target)
    tickets = _locked(theirs.all())
    moving = [one for one in tickets if one.customer_id == source.pk]
    _move_addresses(source, target)
    _fill(source, target)
    Article.objects.filter(customer=source).update(customer=target)
    Customer.objects.filter(merged_into=source).update(merged_into=target)
    take_over(moving, target, actor=actor, by="merge")
    for ticket in tickets:
        if ticket not in moving:
            ticket.customer = target
            search.index_ticket(ticket)  # by all addresses of its customer
    audit.record(
        AuditKind.CUSTOMERS_MERGED,
        user=actor.user,
        data={"source": source.pk, "target": target.pk, "tickets": len(moving)},
    )
    return target


def _may_be_one(source: Customer, target: Customer) -> None:
    if source.pk == target.pk:
        raise InvalidInput(_("A customer cannot be merged with itself."), field="other")
    if source.merged_into_id is not None or target.merged_into_id is not None:
        raise WrongState(_("One of the two was merged already."))
    if source.user_id is not None and target.user_id is not None:
        raise WrongState(_("Both have an account. Two accounts cannot become one."))
    if source.user_id is not None:
        raise WrongState(_("The customer with the account has to stay."))
    if source.login_name and target.login_name and target.user_id is None:
        raise WrongState(_("Both have a log-in name: the directory knows them as two people."))


def _locked(tickets: QuerySet[Ticket]) -> list[Ticket]:
    return list(tickets.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _move_addresses(source: Customer, target: Customer) -> None:
    rows = CustomerAddress.objects.filter(customer=source)
    if target.user_id is not None:
        rows.update(verified_at=None, verified_by="", is_main=False)
    elif target.addresses.filter(is_main=True).exists():
        rows.update(is_main=False)
    rows.update(customer=target)


def _fill(source: Customer, target: Customer) -> None:
    """Take over what the target lacks, and leave of the source no more than its name and where it went."""
    login_name = source.login_name
    target.is_blocked = target.is_blocked or source.is_blocked
    target.name = target.name or source.name
    target.phone = target.phone or source.phone
    target.organisation_id = target.organisation_id or source.organisation_id
    source.login_name, source.phone, source.organisation = None, "", None
    source.merged_into = target
    source.save()
    target.login_name = target.login_name or login_name
    target.save()


def follow_merged() -> int:
    """Move what came to a customer who was merged at that very moment; return how many rows there were.

    The machine's verb, run by the worker: a mail may have been filed for whom a merge had just left.
    """
    left = Customer.objects.filter(merged_into__isnull=False).order_by()
    late = Ticket.objects.filter(customer__in=left).order_by("pk")
    pks = list(late.values_list("pk", flat=True)[:BATCH])
    for pk in pks:
        with transaction.atomic():
            for ticket in _locked(Ticket.objects.filter(pk=pk)):
                if ticket.customer is not None and ticket.customer.merged_into is not None:
                    home = ticket.customer.merged_into
                    take_over([ticket], home, actor=SYSTEM, by="merge")
    written = Article.objects.filter(customer__in=left).order_by("pk")
    rows = list(written.values_list("pk", "customer__merged_into")[:BATCH])
    for pk, home_id in rows:
        Article.objects.filter(pk=pk).update(customer=home_id)
    return len(pks) + len(rows)


@transaction.atomic
def customer_for_person(*, actor: Actor, person: Person) -> Customer:
    """Return the customer who is somebody of the directory, made if need be; for whoever may open tickets.

    Found by log-in name, else by an address. A log-in name proves nothing where people choose it themselves: an
    account that has it is that person only if it proved one of the addresses. The directory's addresses are
    proved by it; one that an account confirmed stays there. Name and phone are filled in where there are none.
    """
    if actor.kind != "system" and not actor.queues_with(Right.CREATE):
        raise NotPermitted
    addresses = [one for one in person.addresses if addressing.is_address(one)]
    customer = _known(person, [addressing.canonical(one) for one in addresses])
    customer.name = customer.name or person.name[:200]
    customer.phone = customer.phone or person.phone[:50]
    if not customer.login_name and not _is_taken(person.login_name):
        customer.login_name = person.login_name[:150] or None
    customer.save()
    for address in addresses:
        try:
            with transaction.atomic():
                prove(customer, address, by=Proof.DIRECTORY, user=actor.user)
        except AddressTaken:
            continue
    return customer


def _known(person: Person, addresses: list[str]) -> Customer:
    """Return the customer who is this person, or a new, unsaved one."""
    rows = CustomerAddress.objects.filter(normalised__in=addresses).select_related("customer")
    holders = {row.customer_id: row.customer for row in rows if row.verified_at is not None}
    named = (
        Customer.objects.filter(login_name=person.login_name).first() if person.login_name else None
    )
    if named is not None and (named.user_id is None or named.pk in holders):
        return named
    for row in sorted(rows, key=lambda one: addresses.index(one.normalised)):
        found = row.customer
        others = found.addresses.exclude(normalised__in=addresses).exists()
        # who was known by these addresses only, and by no other log-in name
        if found.user_id is None and not found.login_name and not others:
            return found
        if found.pk in holders and found.user_id is not None:  # an account that proved to read it
            return found
    return Customer()


def _is_taken(login_name: str) -> bool:
    return not login_name or Customer.objects.filter(login_name=login_name).exists()
