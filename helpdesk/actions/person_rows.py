"""What is stored of a person themselves: correcting it, and letting it go at the end of an erasure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import audit, journal, permissions, search
from helpdesk.errors import AddressTaken, InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    Article,
    AuditKind,
    AutoMail,
    BouncedAddress,
    Customer,
    CustomerAddress,
    DataExport,
    HeldFile,
    Participant,
    SenderBlock,
    Ticket,
    delete_rows,
    forget_generic,
    let_go,
)
from helpdesk.permissions import Actor
from helpdesk.rules.blanking import Person
from helpdesk.rules.correcting import Corrections

from .base import address_of
from .exported import drop_exports
from .person_answers import correct_answers

#: Sessions looked at in one go.
_SESSIONS = 500


@transaction.atomic
def correct_person(
    *,
    actor: Actor,
    customer: Customer,
    name: str,
    phone: str = "",
    login_name: str = "",
    addresses: Mapping[int, str] | None = None,
    everywhere: bool = False,
    in_answers: bool = False,
    reference: str = "",
) -> list[str]:
    """Correct what is stored about a customer (Art. 16 GDPR); return the names of what was changed.

    `addresses` are new texts by the id of the address; '' takes it away. A corrected address is not confirmed any
    more; answers to requests from the old one go to the new one, which takes its place where it took part, and the
    links that were sent to the old one open nothing any more. `everywhere`: the name is corrected on their
    messages and where they take part, too; what messages say stays. `in_answers`: what forms and orders hold of them
    is corrected where its type says what it is, but on held tickets. Raises `NotPermitted`, `NotFound`,
    `AddressTaken`, and `InvalidInput` at `login_name` for one that another customer has.
    """
    if not permissions.may_handle_persons(actor):
        raise NotPermitted
    row = Customer.objects.select_for_update(of=("self",)).filter(pk=customer.pk).first()
    if row is None:
        raise NotFound
    wanted = {
        "name": name.strip(),
        "phone": phone.strip(),
        "login_name": login_name.strip() or None,
    }
    fields = [field for field, value in wanted.items() if getattr(row, field) != value]
    before = known_of(row)
    _save(row, {field: wanted[field] for field in fields})
    if _correct_addresses(row, addresses or {}):
        fields.append("addresses")
    touched = _correct_shown(row) if everywhere else 0
    answered = 0
    if in_answers and (made := _corrections(before, row)):
        theirs = [row.pk, *row.merged_from.values_list("pk", flat=True)]
        answered = correct_answers(actor=actor, wanted=made, customers=theirs, reference=reference)
    for ticket in Ticket.objects.filter(customer=row).select_related("customer"):
        search.index_ticket(ticket)
    if fields or touched:
        data: dict[str, Any] = {"customer": row.pk, "fields": fields, "messages": touched}
        data |= {"tickets": answered} if answered else {}
        audit.record(
            AuditKind.PERSON_CORRECTED, user=actor.user, data={**data, "reference": reference}
        )
    return fields


def _save(row: Customer, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(wanted))
    except IntegrityError:
        message = _("Another customer has this log-in name.")
        raise InvalidInput(message, field="login_name") from None


@dataclass(frozen=True)
class Known:
    """By what a customer is known in forms, as it stands now; addresses by their id."""

    name: str
    phone: str
    login_name: str
    addresses: Mapping[int, str]

    def same(self) -> Corrections:
        """Return corrections by which each becomes itself: they find the places."""
        return _between(self, self)


def known_of(customer: Customer) -> Known:
    """Return by what a customer is known."""
    addresses = dict(customer.addresses.values_list("pk", "address"))
    return Known(customer.name, customer.phone, customer.login_name or "", addresses)


def _corrections(before: Known, customer: Customer) -> Corrections:
    """Return what a correction changed. What was taken away leaves its traces as they are."""
    after = known_of(customer)
    left = {pk: text for pk, text in before.addresses.items() if pk in after.addresses}
    made = _between(replace(before, addresses=left), after)
    changed = {
        type_: tuple(pair for pair in pairs if pair[0] != pair[1] and pair[1])
        for type_, pairs in made.values.items()
    }
    names = made.names if before.name != after.name and after.name else None
    return replace(made, values=changed, names=names)


def _between(before: Known, after: Known) -> Corrections:
    addresses = tuple((text, after.addresses[pk]) for pk, text in before.addresses.items())
    return Corrections(
        values={
            "email": addresses,
            "login": ((before.login_name, after.login_name),) if before.login_name else (),
            "phone": ((before.phone, after.phone),) if before.phone else (),
        },
        names=(before.name, after.name) if before.name else None,
        name=before.name,
        known={
            "email": tuple(before.addresses.values()),
            "login": (before.login_name,) if before.login_name else (),
            "phone": (before.phone,) if before.phone else (),
        },
    )


def _correct_addresses(customer: Customer, wanted: Mapping[int, str]) -> bool:
    changed = False
    for row in customer.addresses.select_for_update().filter(pk__in=wanted):
        text = wanted[row.pk].strip(" <>")
        if text == row.address:
            continue
        changed = True
        if not text:
            row.delete()
            continue
        before, normalised = row.normalised, address_of(text, "addresses")
        if CustomerAddress.objects.filter(normalised=normalised).exclude(pk=row.pk).exists():
            raise AddressTaken(field="addresses")
        if normalised != before:
            row.verified_at, row.verified_by, row.is_main = None, "", False
        row.address = text
        row.save()
        if normalised != before:
            _move_requests(customer, before, normalised)
            _move_participants(before, row)
    return changed


def _move_requests(customer: Customer, before: str, address: str) -> None:
    """Let requests be answered to another address; links to them went to somebody else, perhaps, and are worthless."""
    theirs = Ticket.objects.filter(customer=customer, contact=before)
    rows = list(theirs.select_for_update(of=("self",), no_key=True).order_by("pk").only("pk"))
    for one in rows:
        one.renew_link()
    Ticket.objects.bulk_update(rows, ["link_nonce"], batch_size=200)
    moved = Ticket.objects.filter(pk__in=[one.pk for one in rows])
    moved.update(contact=address, version=F("version") + 1)


def _move_participants(before: str, address: CustomerAddress) -> None:
    """Let an address take part where another one did, with what that might do there, and by new links only."""
    rows = list(Participant.objects.select_for_update().filter(normalised=before).order_by("pk"))
    tickets = [one.ticket_id for one in rows]
    there = Participant.objects.filter(ticket__in=tickets, normalised=address.normalised)
    taken = set(there.values_list("ticket", flat=True))
    readers = [one.ticket_id for one in rows if one.may_read]
    there.filter(ticket__in=readers).update(may_read=True)
    delete_rows(
        Participant.objects.filter(pk__in=[one.pk for one in rows if one.ticket_id in taken])
    )
    moved = [one for one in rows if one.ticket_id not in taken]
    for one in moved:
        one.address, one.normalised = address.address, address.normalised
        one.renew_link()
    Participant.objects.bulk_update(moved, ["address", "normalised", "link_nonce"], batch_size=200)
    Ticket.objects.filter(pk__in=tickets).update(version=F("version") + 1)


def _correct_shown(customer: Customer) -> int:
    articles = list(Article.objects.filter(customer=customer).exclude(from_name=customer.name))
    for one in articles:
        one.from_name = customer.name
    Article.objects.bulk_update(articles, ["from_name"], batch_size=100)
    for one in articles:
        search.index_article(one)
    known = customer.addresses.values("normalised")
    renamed = Participant.objects.filter(normalised__in=known).update(name=customer.name)
    return len(articles) + renamed


# --- the end of an erasure ---------------------------------------------------------------------------


def forget_person(*, person: Person) -> Counter[str]:
    """Delete what is stored of a person themselves: customer, addresses, account, sessions, exports, bounces.

    A customer whose tickets are left (a hold keeps them) stays with them. What may be deleted nowhere, an account
    to which pages or pictures hold on, is switched off and emptied. May be called again.
    """
    counts: Counter[str] = Counter()
    with transaction.atomic():
        left = set(
            Ticket.objects.filter(customer__in=person.customers).values_list("customer", flat=True)
        )
        left |= set(Customer.objects.filter(merged_from__in=left).values_list("pk", flat=True))
        going = [pk for pk in person.customers if pk not in left]
        if going and not left:
            journal.write([{"kind": journal.CUSTOMERS, "pks": going}])
        counts["exports"] = drop_exports(exports_of(person))
        counts["addresses"] = delete_rows(CustomerAddress.objects.filter(customer__in=going))
        rows = Customer.objects.filter(pk__in=going)
        counts["customers"] = rows.count()
        let_go({Customer: going})
        rows.delete()
        counts["kept"] = len(left)
        theirs = person.addresses | person.spelled
        BouncedAddress.objects.filter(address__in=theirs).delete()
        AutoMail.objects.filter(address__in=theirs).delete()
        SenderBlock.objects.filter(pattern__in=theirs).delete()
        forget_generic({Customer: going, get_user_model(): list(person.users)})
        _drop_tasks(theirs | person.logins)
        counts["accounts"] = sum(_drop_account(pk) for pk in person.users)
    counts["sessions"] = _drop_sessions(person)
    return Counter({name: n for name, n in counts.items() if n})


def exports_of(person: Person) -> list[int]:
    """Return the exports of their data. Those of others that held something of them went with the tickets' parts."""
    rows = DataExport.objects.filter(customer__in=person.customers).values_list("pk", flat=True)
    named = DataExport.objects.filter(customer__isnull=True).values_list("pk", "addresses")
    known = person.addresses | person.logins
    return [*rows, *(pk for pk, texts in named if known & set(texts))]


def _drop_account(pk: int) -> int:
    model = get_user_model()
    user = model._default_manager.filter(pk=pk).first()
    if user is None:
        return 0
    HeldFile.drop(HeldFile.objects.filter(user=user))
    # first without a name: what is written down of its end names nobody
    emptied: dict[str, Any] = {model.USERNAME_FIELD: f"erased-{pk}", "is_active": False}
    emptied |= {name: "" for name in ("first_name", "last_name", "email") if hasattr(user, name)}
    model._default_manager.filter(pk=pk).update(**emptied)
    user.refresh_from_db()
    try:
        with transaction.atomic():
            user.delete()
    except ProtectedError:
        user.set_unusable_password()
        model._default_manager.filter(pk=pk).update(password=user.password)
    return 1


def _drop_tasks(texts: Collection[str]) -> None:
    """Delete tasks that were given an address or a log-in name: they are done, or of no use any more."""
    try:
        tasks: Any = apps.get_model("django_tasks_database", "DBTaskResult")
    except LookupError:
        return
    for text in texts:
        tasks.objects.filter(args_kwargs__icontains=f'"{text}"').delete()


def _drop_sessions(person: Person) -> int:
    """End the sessions of the account, and of guests with one of the addresses. Reads them all, some at a time."""
    gone, last = 0, ""
    users = {str(pk) for pk in person.users}
    while True:
        rows = Session.objects.filter(expire_date__gt=timezone.now(), session_key__gt=last)
        batch = list(rows.order_by("session_key")[:_SESSIONS])
        if not batch:
            return gone
        last = batch[-1].session_key
        theirs = [row.session_key for row in batch if _is_of(row.get_decoded(), users, person)]
        gone += Session.objects.filter(session_key__in=theirs).delete()[0]


def _is_of(data: Mapping[str, Any], users: Collection[str], person: Person) -> bool:
    if data.get("_auth_user_id") in users:
        return True
    kept = (data.get("helpdesk_guest"), data.get("helpdesk_code"))
    known = person.addresses | person.spelled
    return any(
        isinstance(one, dict) and {one.get("address"), one.get("canonical")} & known for one in kept
    )
