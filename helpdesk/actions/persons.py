"""One person across tickets: which requests are theirs alone, and how their traces leave those of others.

The machine's verbs: they lock their rows themselves, take a batch each, and may be called again at any point. What
others wrote stays byte for byte, but for the person's addresses, full name and log-in name in it. A name says less than
an address: beside another's address it is that other person's, and for it alone no raw mail goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q, QuerySet

from helpdesk import events, journal, notifications, search
from helpdesk.models import (
    Answer,
    Article,
    EventKind,
    Hold,
    InboundMail,
    OutboundMail,
    Participant,
    Privacy,
    SavedDraft,
    Ticket,
    delete_rows,
    let_go,
)
from helpdesk.permissions import SYSTEM
from helpdesk.rules.blanking import Blanker, Person, Term

from . import own_requests
from .answers import rows_of_snapshot
from .exported import forget_copies, forget_exports, lock_tickets, locked_sources
from .person_files import drop_files, drop_raw_mails
from .previews import renew_previews
from .private_words import blank_files, blank_private

#: Rows of one transaction.
BATCH = 200
#: Tables that are dealt with by themselves, or hold no words of people that may be changed.
_APART = frozenset(
    ("SearchEntry", "AuditEntry", "Customer", "CustomerAddress", "AddressClaim", "Participant")
    + ("BouncedAddress", "AutoMail", "DataExport", "PersonErasure", "SenderBlock", "Answer")
    + ("FileRemoval",)
)
#: Lists of recipients: the person's entry goes, name and all.
_RECIPIENTS = frozenset(("to", "cc", "bcc", "delivered", "refused", "bounces", "envelope_to"))
#: What `Article.extra` holds besides words of people.
_CODES = frozenset(("of_ticket", "taken_back"))
#: How a ticket is reached from a table that does not point at one itself.
_VIA: tuple[tuple[type[models.Model], str], ...] = (
    (Ticket, ""),
    (Article, "__ticket"),
    (SavedDraft, "__ticket"),
)


def own_by(person: Person) -> Q:
    """The condition for tickets that are the person's own requests."""
    mine = Q(customer__in=person.customers)
    return mine | Q(customer__isnull=True, contact__in=person.addresses)


def written_by(person: Person) -> Q:
    """The condition for articles that the person wrote."""
    found = Q(customer__in=person.customers)
    for address in sorted(person.addresses | person.spelled):
        found |= Q(from_address__iexact=address, sender="customer")
    return found


# --- whole tickets -----------------------------------------------------------------------------------


def groups_of(ticket_ids: Collection[int]) -> set[int]:
    """Return tickets with all that were merged with them, over any number of merges."""
    found = set(ticket_ids)
    fresh = set(found)
    while fresh:
        rows = Ticket.objects.filter(Q(pk__in=fresh) | Q(merged_into__in=fresh))
        around = {pk for pair in rows.values_list("pk", "merged_into") for pk in pair if pk}
        fresh = around - found
        found |= fresh
    return found


def held_tickets() -> set[int]:
    """Return the tickets that a hold keeps: it holds all that were merged with one."""
    return groups_of(set(Hold.objects.active().values_list("ticket", flat=True)))


def tickets_alone(person: Person, *, limit: int | None = None) -> list[int]:
    """Return the person's own tickets in which no other outside person has a part, holds not asked.

    That is: every ticket merged with it is theirs, nobody else takes part, and no other customer wrote.
    """
    own = Ticket.objects.filter(own_by(person))
    shared = Participant.objects.exclude(normalised__in=person.addresses)
    theirs = Article.objects.filter(sender="customer").exclude(written_by(person))
    # who wrote as nobody that is known was the customer
    theirs = theirs.filter(Q(customer__isnull=False) | ~Q(from_address=""))
    apart = set(own.filter(pk__in=shared.values("ticket")).values_list("pk", flat=True))
    apart |= set(own.filter(pk__in=theirs.values("ticket")).values_list("pk", flat=True))
    joined = own.filter(Q(merged_into__isnull=False) | Q(merged_from__isnull=False))
    for pk in set(joined.values_list("pk", flat=True)):
        group = groups_of({pk})
        rows = Ticket.objects.filter(pk__in=group)
        if group & apart or rows.exclude(own_by(person)).exists():
            apart |= group
    alone = own.exclude(pk__in=apart).order_by("pk").values_list("pk", flat=True)
    return list(alone if limit is None else alone[:limit])


# --- what others wrote ---------------------------------------------------------------------------------


def tables() -> list[type[models.Model]]:
    """Return the tables in which people's words or names stand, in the order in which they are gone through."""
    found = [
        model
        for model in apps.get_app_config("helpdesk").get_models()
        if columns(model) and model.__name__ not in _APART
    ]
    first = [Article, Ticket]
    return first + sorted((one for one in found if one not in first), key=lambda one: one.__name__)


def columns(model: type[models.Model]) -> list[Any]:
    """Return the columns of a table that its `privacy` says hold words or names of people."""
    privacy = getattr(model, "privacy", {})
    names = {name for name, what in privacy.items() if what != Privacy.NONE}
    return [field for field in model._meta.concrete_fields if field.name in names]


def mentions(model: type[models.Model], terms: Iterable[Term]) -> Q:
    """The condition for rows that may mention a person."""
    found = Q(pk__in=())
    for field in columns(model):
        if isinstance(field, models.FloatField | models.DateField):
            continue
        for term in terms:
            one = Q()
            for text in term:
                one &= Q(**{f"{field.name}__icontains": text})
            found |= one
    return found


def _outside(model: type[models.Model], held: Collection[int]) -> Q:
    """The condition for rows that belong to no held ticket."""
    if not held:
        return Q()
    if model is Ticket:
        return ~Q(pk__in=held)
    for field in model._meta.concrete_fields:
        for target, path in _VIA:
            if field.is_relation and field.related_model is target:
                return ~Q(**{f"{field.name}{path}__in": held, f"{field.name}__isnull": False})
    return Q()


def blank(
    *,
    model: type[models.Model],
    person: Person,
    blanker: Blanker,
    after: int,
    held: Collection[int],
    own_goes: bool,
) -> tuple[int, Counter[str]]:
    """Take the person out of the next batch of a table; return the last row looked at (0: no more) and counts.

    `own_goes`: what they wrote themselves goes, too; otherwise it stays without their names. Rows of held tickets
    stay as they are.
    """
    which = mentions(model, blanker.terms())
    if model is Article:
        which |= written_by(person)
    if model is Ticket:
        which |= own_by(person)
    if model is InboundMail:
        which |= Q(article__isnull=True, sender__in=person.addresses | person.spelled)
    rows = model._default_manager.filter(which, _outside(model, held), pk__gt=after)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0, Counter()
    with transaction.atomic():
        copied = locked_sources(model, ids)
        found = model._default_manager.select_for_update(of=("self",)).filter(pk__in=ids)
        counts = _change(model, found.order_by("pk"), person, blanker, own_goes)
        forget_copies(copied)
    return ids[-1], counts


def _change(
    model: type[models.Model],
    rows: QuerySet[Any],
    person: Person,
    blanker: Blanker,
    own_goes: bool,
) -> Counter[str]:
    if model is Article:
        return _articles(rows, person, blanker, own_goes)
    if model is Ticket:
        return _tickets(rows, person, blanker, own_goes)
    if model is InboundMail:
        return _inbound(rows, person, blanker)
    changed = [row for row in rows if blanked(row, blanker)]
    if changed:
        names = [field.name for field in columns(model)]
        model._default_manager.bulk_update(changed, names, batch_size=50)
    if model is OutboundMail:
        _without_recipients([row.pk for row in changed])
    return Counter({"mentions": len(changed)}) if changed else Counter()


def blanked(row: Any, blanker: Blanker) -> bool:
    """Take the person out of one row, unsaved; tell whether that changed anything."""
    changed = False
    others = _names_of_others(row, blanker)
    for field in columns(type(row)):
        before = getattr(row, field.name)
        if field.name in others:
            continue
        if field.name in _RECIPIENTS:
            value = blanker.without(before)
        elif isinstance(field, models.JSONField):
            value = blanker.data(before)
        elif isinstance(before, str) and blanker.is_address(before):
            value = ""  # nobody writes there: a word in its place might be taken for an address
        elif isinstance(before, str):
            value = blanker.html(before) if field.name == "html" else blanker.text(before)
            value = _fitting(value, field)
        else:
            continue
        if value != before:
            setattr(row, field.name, value)
            changed = True
    return changed


def _names_of_others(row: Any, blanker: Blanker) -> frozenset[str]:
    """Return the columns that hold the name of another writer, of the same name perhaps."""
    is_another = isinstance(row, Article) and blanker.is_foreign(row.from_address)
    return frozenset(("from_name",) if is_another else ())


def _fitting(value: str, field: Any) -> str:
    longest = getattr(field, "max_length", None)
    return value[:longest] if longest else value


# --- messages --------------------------------------------------------------------------------------------


def _articles(
    rows: QuerySet[Article], person: Person, blanker: Blanker, own_goes: bool
) -> Counter[str]:
    own = set(rows.filter(written_by(person)).values_list("pk", flat=True))
    changed, raw = [], set(own)
    for row in rows:
        is_sure = blanked(row, blanker.sure)
        is_changed = blanked(row, blanker) or is_sure
        if is_sure:
            raw.add(row.pk)
        if row.pk in own:
            blank_private(row)
            blank_files(row)  # the files go as well
            _unsign(row, blanker.word)
            if own_goes:
                _empty(row, blanker.word)
        if is_changed or row.pk in own:
            changed.append(row)
    names = [field.name for field in columns(Article)] + ["customer"]
    Article.objects.bulk_update(changed, names, batch_size=50)
    pks = [row.pk for row in changed]
    if own_goes:
        journal.write([{"kind": journal.ARTICLES, "pks": sorted(own)}] if own else [])
    drop_files(own)  # whose they are stands in most files, and cannot be taken out of them
    mails = drop_raw_mails(Q(article__in=raw), shells=Q(article__in=own))
    if own_goes:
        notifications.empty_automatic(articles=own)
    renew_previews({row.ticket_id for row in changed})
    for row in changed:
        search.index_article(row)
    counts = {"articles": len(own), "mentions": len(set(pks) - own), "mails": mails}
    return Counter({name: n for name, n in counts.items() if n})


def _unsign(row: Article, word: str) -> None:
    """Let nobody be known as the writer of a message."""
    row.customer = None
    row.from_name, row.from_address, row.reply_to = word, "", ""
    row.message_id = ""
    row.extra = {name: value for name, value in row.extra.items() if name in _CODES}


def _empty(row: Article, word: str) -> None:
    """Leave nothing of a message but that it was there."""
    row.subject, row.body, row.html = "", word, ""
    row.to, row.cc, row.references, row.in_reply_to = [], [], [], ""


def _inbound(rows: QuerySet[InboundMail], person: Person, blanker: Blanker) -> Counter[str]:
    """Mails from the person become shells; of others' that have their address, say, the raw bytes go."""
    pks, own = [], []
    for row in rows:
        mine = blanker.is_address(row.sender)
        is_sure = blanked(row, blanker.sure) or mine
        if not (blanked(row, blanker) or is_sure):
            continue
        row.save(update_fields=[field.name for field in columns(InboundMail)])
        pks += [row.pk] if is_sure else []
        own += [row.pk] if mine else []
    mails = drop_raw_mails(Q(pk__in=pks), shells=Q(pk__in=own))
    return Counter({"mails": mails}) if mails else Counter()


def _without_recipients(mail_ids: Collection[int]) -> None:
    """Mails that went to the person alone go, if they belong to no ticket; none of the others goes out any more."""
    nobody = OutboundMail.objects.filter(pk__in=mail_ids, to=[], cc=[], bcc=[])
    alone = nobody.filter(ticket__isnull=True, article__isnull=True)
    let_go({OutboundMail: list(alone.values_list("pk", flat=True))})
    alone.delete()
    waiting = nobody.filter(state__in=(OutboundMail.State.QUEUED, OutboundMail.State.FAILED))
    waiting.update(state=OutboundMail.State.WITHDRAWN)


# --- tickets -----------------------------------------------------------------------------------------------


def _tickets(
    rows: QuerySet[Ticket], person: Person, blanker: Blanker, own_goes: bool
) -> Counter[str]:
    own = set(rows.filter(own_by(person)).values_list("pk", flat=True))
    gone, changed = [], []
    for row in rows:
        if own_goes and row.pk in own:
            gone.append(row)
            continue
        before = row.answers
        is_changed = blanked(row, blanker)
        if row.pk in own:
            row.customer, row.contact, row.organisation = None, "", None
            row.renew_link()
            own_requests.without_personal(row)
        elif not is_changed:
            continue
        changed.append(row)
        if row.answers != before:
            delete_rows(Answer.objects.filter(ticket=row))
            Answer.objects.bulk_create(rows_of_snapshot(row), batch_size=500)
    names = [field.name for field in columns(Ticket)]
    Ticket.objects.bulk_update(
        changed, [*names, "customer", "organisation", "link_nonce"], batch_size=50
    )
    own_requests.empty_requests(gone, blanker.word)
    journal.write(journal.of_tickets(journal.OWN, gone))
    changed += gone
    pks = [row.pk for row in changed]
    renew_previews(pks)
    # screens that show it learn that it changed; when something last happened is another matter
    Ticket.objects.filter(pk__in=pks).update(version=F("version") + 1)
    delete_rows(Participant.objects.filter(ticket__in=pks, normalised__in=person.addresses))
    search.renew(pks)
    for row in changed:
        events.record(
            actor=SYSTEM, ticket=row, kind=EventKind.PERSONS_ERASED, data={"of": "person"}
        )
    counts = {"own": len(own), "tickets_of_others": len(set(pks) - own)}
    return Counter({name: n for name, n in counts.items() if n})


def drop_participants(*, person: Person, held: Collection[int]) -> Counter[str]:
    """Let the person take part in no ticket any more, held ones apart."""
    with transaction.atomic():
        rows = Participant.objects.filter(normalised__in=person.addresses).exclude(ticket__in=held)
        tickets = set(rows.values_list("ticket", flat=True))
        lock_tickets(tickets)
        gone = delete_rows(rows.filter(ticket__in=tickets))
        forget_exports(tickets)
    return Counter({"participants": gone}) if gone else Counter()
