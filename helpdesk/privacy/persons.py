"""Who a person is: from an address, a name, a log-in name or a row to everything by which they are known here.

An address and a log-in name are known to be one person's; a name is not, so it only leads to people to choose from,
and is looked for in texts only when it is a full one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature
from django.db.models import Q
from django.utils.crypto import salted_hmac

from helpdesk import addressing, audit, storage
from helpdesk.actions.persons import own_by
from helpdesk.models import (
    AuditKind,
    Customer,
    CustomerAddress,
    Participant,
    QueueRight,
    Ticket,
)
from helpdesk.rules.blanking import Person, orders

#: Shown of those whom a search finds.
MAX_FOUND = 25
MIN_QUERY = 3
#: Customers that became one another: so often is followed.
_DEEP = 20


@dataclass(frozen=True)
class Candidate:
    """Somebody whom a search found. `key` leads to them and names nobody."""

    key: str
    name: str
    about: str


def find(text: str) -> list[Candidate]:
    """Return who may be meant by an address, a name or a log-in name, at most `MAX_FOUND`. Five queries at most."""
    words = " ".join(text.split())
    if len(words) < MIN_QUERY:
        return []
    address = addressing.canonical(words) if addressing.is_address(words) else ""
    by_words = Q(name__icontains=words) | Q(login_name__istartswith=words)
    pks = CustomerAddress.objects.filter(normalised__startswith=address or words.lower())
    rows = Customer.objects.filter(by_words | Q(pk__in=pks.values("customer")), merged_into=None)
    customers = list(rows.prefetch_related("addresses").order_by("name", "pk")[:MAX_FOUND])
    found = [
        Candidate(f"customer-{row.pk}", str(row), _about(row.login_name, row.all_addresses()))
        for row in customers
    ]
    found += _accounts(words, {row.user_id for row in customers})
    if address and not any(_has(row, address) for row in customers):
        found.append(Candidate(key_of_address(address), address, ""))
    return found[: MAX_FOUND + 1]


def write_down(found: Iterable[Candidate], *, user: Any) -> None:
    """Write into the audit log whose names and addresses a search showed to a user, by ids; never what was typed."""
    known = [one.key for one in found if not one.key.startswith("address-")]
    data = {"did": "searched", "found": len(known), "shown": known}
    audit.record(AuditKind.PERSON_LOOKED_UP, user=user, data=data)


def _about(login: str | None, addresses: Iterable[CustomerAddress]) -> str:
    return ", ".join(filter(None, [login or "", *(row.address for row in addresses)]))


def _has(row: Customer, address: str) -> bool:
    return any(one.normalised == address for one in row.addresses.all())


def _accounts(words: str, known: Collection[int | None]) -> list[Candidate]:
    users = get_user_model()._default_manager.filter(_user_words(words))
    users = users.exclude(pk__in=[pk for pk in known if pk]).order_by("username")[:MAX_FOUND]
    return [
        Candidate(
            f"account-{one.pk}",
            one.get_full_name() or one.get_username(),
            ", ".join(filter(None, [one.get_username(), one.email])),
        )
        for one in users
    ]


def _user_words(words: str) -> Q:
    first, _space, last = words.rpartition(" ")
    found = Q(username__istartswith=words) | Q(email__istartswith=words)
    found |= Q(last_name__icontains=words) | Q(first_name__icontains=words)
    return found | Q(first_name__icontains=first, last_name__icontains=last) if first else found


# --- keys ------------------------------------------------------------------------------------------


def key_of_address(address: str) -> str:
    """Return the key of somebody of whom only an address is known; it does not show it."""
    return f"address-{storage.encrypt(address)}"


def hidden_words(words: str) -> str:
    """Return what was looked for in a form that shows it to nobody, for an address."""
    return storage.encrypt(words)


def read_words(hidden: str) -> str:
    """Return what `hidden_words` hid; '' for anything else."""
    try:
        return storage.decrypt(hidden) if hidden else ""
    except (storage.SecretLost, BadSignature, ValueError):
        return ""


def by_key(key: str) -> Person | None:
    """Return whom a key of `find` names, or None if there is nobody (any more)."""
    kind, _dash, rest = key.partition("-")
    if kind == "address":
        try:
            return person_of(addresses=[storage.decrypt(rest)])
        except (storage.SecretLost, BadSignature, ValueError):
            return None
    if not rest.isdecimal() or len(rest) > 18:
        return None
    if kind == "customer":
        row = Customer.objects.filter(pk=int(rest)).exists()
        return person_of(customers=[int(rest)]) if row else None
    if kind == "account" and get_user_model()._default_manager.filter(pk=int(rest)).exists():
        return person_of(users=[int(rest)])
    return None


# --- the whole person --------------------------------------------------------------------------------


def person_of(
    *,
    customers: Iterable[int] = (),
    users: Iterable[int] = (),
    addresses: Iterable[str] = (),
) -> Person:
    """Return the whole person: rows that became one another, their addresses and claims, their account.

    An address leads to the customer who has it. An address that was only claimed is not theirs: otherwise somebody
    could claim another's and have that person's data given out or erased. A name that somebody else here has, too, is
    `common`: it tells nobody apart in texts.
    """
    known = {addressing.canonical(one) for one in addresses if addressing.is_address(one)}
    ids = set(customers)
    ids |= set(
        CustomerAddress.objects.filter(normalised__in=known).values_list("customer", flat=True)
    )
    ids |= set(Customer.objects.filter(user__in=list(users)).values_list("pk", flat=True))
    ids = _all_of(ids)
    rows = list(Customer.objects.filter(pk__in=ids))
    accounts = {*(row.user_id for row in rows if row.user_id is not None), *users}
    people = list(get_user_model()._default_manager.filter(pk__in=accounts))
    spelled = set(known)
    for pair in CustomerAddress.objects.filter(customer__in=ids).values_list(
        "address", "normalised"
    ):
        spelled.update(pair)
    spelled |= _of_accounts(people, ids)
    canonical = {addressing.canonical(one) for one in spelled if addressing.is_address(one)}
    names = {row.name for row in rows} | {one.get_full_name() for one in people}
    if canonical and not any(names):
        names |= set(
            Participant.objects.filter(normalised__in=canonical).values_list("name", flat=True)
        )
    names = set(filter(None, (name.strip() for name in names)))
    return Person(
        customers=tuple(sorted(ids)),
        users=tuple(sorted(one.pk for one in people)),
        addresses=frozenset(canonical),
        spelled=frozenset(spelled),
        logins=frozenset(filter(None, [*(row.login_name for row in rows), *_logins(people)])),
        names=frozenset(names),
        phones=frozenset(row.phone.strip() for row in rows if row.phone.strip()),
        common=frozenset(one for one in names if _has_namesake(one, ids, accounts)),
    )


def _has_namesake(name: str, ids: Collection[int], accounts: Collection[int]) -> bool:
    """Tell whether another customer or account has a full name, in any of the ways in which it is written."""
    customers, users = Q(pk__in=()), Q(pk__in=())
    for way in orders([name]):
        customers |= Q(name__iexact=way)
        words = way.replace(",", "").split()
        for cut in range(1, len(words)):
            first, last = " ".join(words[:cut]), " ".join(words[cut:])
            users |= Q(first_name__iexact=first, last_name__iexact=last)
    others = get_user_model()._default_manager.exclude(pk__in=accounts)
    return (
        Customer.objects.filter(customers).exclude(pk__in=ids).exists()
        or others.filter(users).exists()
    )


def _of_accounts(people: Iterable[Any], ids: Collection[int]) -> set[str]:
    """Return the addresses of accounts, unless somebody else has them here."""
    found = {one.email for one in people if one.email and addressing.is_address(one.email)}
    canonical = {addressing.canonical(one): one for one in found}
    others = CustomerAddress.objects.filter(normalised__in=canonical).exclude(customer__in=ids)
    taken = set(others.values_list("normalised", flat=True))
    return {one for address, one in canonical.items() if address not in taken}


def _logins(people: Iterable[Any]) -> list[str]:
    return [one.get_username() for one in people]


def _all_of(ids: set[int]) -> set[int]:
    """Return the rows with all that became them, and what they became."""
    for _round in range(_DEEP):
        into = Customer.objects.filter(pk__in=ids, merged_into__isnull=False)
        more = {pk for pk in into.values_list("merged_into", flat=True) if pk is not None}
        more |= set(Customer.objects.filter(merged_into__in=ids).values_list("pk", flat=True))
        if more <= ids:
            break
        ids = ids | more
    return ids


def digest_of(person: Person) -> str:
    """Return a keyed digest that tells whether somebody was dealt with before, and nothing else."""
    rows = [
        f"customer {pk}" for pk in person.customers
    ]  # a name alone may be somebody else's as well
    texts = sorted(person.addresses) or sorted(person.logins) or rows or sorted(person.names)
    return salted_hmac(
        "helpdesk.persons", texts[0] if texts else "", algorithm="sha256"
    ).hexdigest()


def is_staff(person: Person) -> bool:
    """Tell whether an account of theirs works here: with rights on queues, in the admin, or over everything."""
    users = get_user_model()._default_manager.filter(pk__in=person.users)
    if users.filter(Q(is_superuser=True) | Q(is_staff=True)).exists():
        return True
    if QueueRight.objects.filter(group__user__in=person.users).exists():
        return True
    return users.filter(groups__permissions__codename="access_admin").exists()


def has_tickets(person: Person) -> bool:
    """Tell whether requests of theirs are left."""
    return Ticket.objects.filter(own_by(person)).exists()
