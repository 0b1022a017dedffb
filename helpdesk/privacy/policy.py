"""How long requests are kept as policy says it now, and what of the requests that are there a change of it touches.

A request from a form goes by the form (and what that leaves open, by the queue of the form, wherever the ticket has
been moved since); any other by the queue in which it is. The words of a promise make no difference here, only its
days and its end: what was promised to a customer stays until somebody expressly applies something shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings as site
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from helpdesk import actions, conf
from helpdesk.models import AtEnd, Hold, Queue, RetentionSettings, TermsChange, Ticket, queue_map
from helpdesk.rules.terms import Terms, in_effect, shortened
from helpdesk.states import OPEN_TYPES

#: What tells a queue from a form: (queue id, None) or (None, key of the form).
Key = tuple[int | None, UUID | None]
#: What of terms is kept in an order to apply them.
_KEPT = ("retention_days", "legal_basis", "purpose", "attachment_days", "personal_days", "at_end")
#: What of terms brings something about.
_IN_EFFECT = ("retention_days", "attachment_days", "personal_days", "at_end")
_NONE = Q(pk__in=())


@dataclass(frozen=True)
class Form:
    """A form with what it says itself, by language: names and values of `Terms`. The rest its queue says."""

    key: UUID
    queue: int
    own: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Promised:
    """What a queue or a form promises a new request: its terms by language."""

    terms: Mapping[str, Terms]
    queue: int | None = None
    form: UUID | None = None

    @property
    def key(self) -> Key:
        return self.queue, self.form

    def for_language(self, language: str) -> Terms:
        """Return the terms in a language, else in the first of the site's in which there are any."""
        return self.terms.get(language) or next(iter(self.terms.values()))

    def variants(self) -> list[Terms]:
        """Return one of all terms that bring about the same: mostly there is one for all languages."""
        return list({in_effect(terms): terms for terms in self.terms.values()}.values())

    def to_json(self) -> dict[str, Any]:
        """Return what an order keeps of it."""
        kept = {code: asdict(replace(terms, objection=None)) for code, terms in self.terms.items()}
        return {
            "queue": self.queue,
            "form": None if self.form is None else str(self.form),
            "terms": {code: {name: row[name] for name in _KEPT} for code, row in kept.items()},
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Promised:
        """Return what `to_json` was made of."""
        return cls(
            {code: Terms(**row) for code, row in kept["terms"].items()},
            kept["queue"],
            None if kept["form"] is None else UUID(kept["form"]),
        )


@dataclass
class Figures:
    """How many requests there are, and how they stand to what is promised now.

    `longer` of them were promised longer than that, `kept` shorter or otherwise. Of the longer ones: `due` go with
    the next night if the shorter terms are applied, `held` stay as long as their hold does, and `objected` go by
    their objection anyway. Merged tickets are counted with the one they were merged into.
    """

    total: int = 0
    longer: int = 0
    kept: int = 0
    objected: int = 0
    due: int = 0
    held: int = 0
    by_key: dict[Key, Figures] = field(default_factory=dict)

    @property
    def others(self) -> int:
        """How many are under other terms than those promised now."""
        return self.longer + self.kept


def promises(
    forms: Iterable[Form],
    *,
    queues: Mapping[int, Queue] | None = None,
    settings: RetentionSettings | None = None,
) -> list[Promised]:
    """Return what every queue and each of `forms` promises; under other `queues` or `settings` than those that hold.

    Two queries at most.
    """
    known = queue_map() if queues is None else queues
    found = RetentionSettings.current() if settings is None else settings
    by_queue = {
        pk: {
            code: actions.terms_of(queue, language=code, settings=found)
            for code, _label in site.LANGUAGES
        }
        for pk, queue in known.items()
    }
    return [
        *(Promised(terms, queue=pk) for pk, terms in by_queue.items()),
        *(_of_form(form, by_queue[form.queue]) for form in forms if form.queue in by_queue),
    ]


def _of_form(form: Form, inherited: Mapping[str, Terms]) -> Promised:
    terms = {
        code: actions.in_words(replace(inherited[conf.site_language(code)], **own), code)
        for code, own in form.own.items()
    }
    return Promised(terms or inherited, form=form.key)


def changed(before: Iterable[Promised], after: Iterable[Promised]) -> list[Promised]:
    """Return those of `after` that bring about something else than before. What is new has no requests yet."""
    were = {one.key: _effects(one) for one in before}
    return [one for one in after if one.key in were and were[one.key] != _effects(one)]


def _effects(promised: Promised) -> dict[str, Any]:
    return {code: in_effect(terms) for code, terms in promised.terms.items()}


# --- which requests ------------------------------------------------------------------------------------


def _requests() -> QuerySet[Ticket]:
    return Ticket.objects.filter(merged_into=None, anonymised_at=None).order_by()


def _of(targets: Iterable[Promised], forms: Collection[UUID]) -> Q:
    """Return the condition for the requests of some queues and forms; those of a form that is gone are the queue's."""
    queues = [one.queue for one in targets if one.queue is not None]
    keys = [one.form for one in targets if one.form is not None]
    found = _NONE
    if queues:
        found = Q(queue__in=queues) & (Q(form_key=None) | ~Q(form_key__in=list(forms)))
    return found | Q(form_key__in=keys) if keys else found


def _longer_than(terms: Terms) -> Q:
    """Return the condition for what `shortened` would shorten; the two must say the same."""
    found = Q(retention_days__gt=terms.retention_days)
    for name in ("attachment_days", "personal_days"):
        days = getattr(terms, name)
        if days is not None and days < terms.retention_days:
            later = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": days})
            found |= Q(retention_days__gt=days) & later
    if terms.at_end == AtEnd.ERASE:
        found |= Q(at_end=AtEnd.ANONYMISE)
    return found


def _by_variant(targets: Iterable[Promised]) -> list[tuple[Terms, list[Promised]]]:
    """Return the targets by what they bring about: a condition for each of these few, not for each queue."""
    found: dict[Any, tuple[Terms, list[Promised]]] = {}
    for target in targets:
        for terms in target.variants():
            found.setdefault(in_effect(terms), (terms, []))[1].append(target)
    return list(found.values())


def longer(targets: Collection[Promised], forms: Collection[UUID]) -> QuerySet[Ticket]:
    """Return the requests of some queues and forms that were promised longer than these promise now.

    `forms` are the keys of all forms there are. Where the languages of a form promise different things it may
    return some of a longer language, too; `shorten_terms` looks at each ticket again.
    """
    conditions = (_of(those, forms) & _longer_than(terms) for terms, those in _by_variant(targets))
    return _requests().filter(reduce(or_, conditions, _NONE))


# --- figures -------------------------------------------------------------------------------------------


def figures(
    targets: Collection[Promised], forms: Collection[UUID], *, now: datetime | None = None
) -> Figures:
    """Return how the requests of some queues and forms stand to what these promise.

    `forms` are the keys of all forms there are. Three queries and that for the queues, whatever there is; none reads
    a text of a request.
    """
    known = {one.key: one for one in targets}
    found = Figures(by_key={key: Figures() for key in known})
    if not known:
        return found
    for row in _counted(targets, forms):
        key = _key_of(row, forms)
        target = known.get(key)
        if target is None:  # a form that is none of the targets, in a queue that is
            continue
        for figure in (found, found.by_key[key]):
            _add(figure, row, target.for_language(row["language"]))
    if found.longer:
        those = longer(targets, forms)
        held = _held()
        found.held = those.filter(held).count()
        found.due = those.filter(_due(targets, forms, now or timezone.now())).exclude(held).count()
    return found


def _counted(targets: Collection[Promised], forms: Collection[UUID]) -> QuerySet[Ticket, Any]:
    """Return the requests in groups under the same terms, each with its number (`n`)."""
    rows = (
        _requests()
        .filter(_of(targets, forms))
        .values("queue_id", "form_key", "language", *_IN_EFFECT)
    )
    return rows.annotate(n=Count("pk"), objected=Count("objected_at"))


def shorter_for(
    targets: Collection[Promised], forms: Collection[UUID]
) -> list[tuple[Terms, Terms, int]]:
    """Return what requests were promised that these promise shorter now, what they would get, and how many each.

    The most frequent first. One query, whatever there is; words of terms are left out.
    """
    known = {one.key: one for one in targets}
    found: Counter[tuple[Terms, Terms]] = Counter()
    for row in _counted(targets, forms):
        target = known.get(_key_of(row, forms))
        given = _given(row)
        instead = target and shortened(given, target.for_language(row["language"]))
        if instead:
            found[given, Terms(**{name: getattr(instead, name) for name in _IN_EFFECT})] += row["n"]
    rows = [(given, instead, number) for (given, instead), number in found.items()]
    return sorted(rows, key=lambda row: (-row[2], -row[0].retention_days))


def _key_of(row: Mapping[str, Any], forms: Collection[UUID]) -> Key:
    return (None, row["form_key"]) if row["form_key"] in forms else (row["queue_id"], None)


def _given(row: Mapping[str, Any]) -> Terms:
    return Terms(**{name: row[name] for name in _IN_EFFECT})


def _add(figure: Figures, row: Mapping[str, Any], promised: Terms) -> None:
    given = _given(row)
    figure.total += row["n"]
    if shortened(given, promised) is not None:
        figure.longer += row["n"]
        figure.objected += row["objected"]
    elif in_effect(given) != in_effect(promised):
        figure.kept += row["n"]


def _held() -> Q:
    """Return the condition for requests that a hold keeps; one on a ticket merged into them does."""
    holds = Hold.objects.active()
    merged = holds.filter(ticket__merged_into__isnull=False)
    return Q(pk__in=holds.values("ticket")) | Q(pk__in=merged.values("ticket__merged_into"))


def _due(targets: Collection[Promised], forms: Collection[UUID], now: datetime) -> Q:
    """Return the condition for closed requests whose time is over with the next night, were it that short."""
    zones: dict[str, list[int]] = {}
    for queue in queue_map().values():
        zones.setdefault(queue.time_zone(), []).append(queue.pk)
    found = _NONE
    for terms, those in _by_variant(targets):
        days = terms.retention_days
        is_theirs = _of(those, forms) & Q(retention_days__gt=days) & ~_goes_sooner(days)
        for zone, queues in zones.items():
            before = _closed_before(zone, days, now)
            in_zone = Q(queue__in=queues) if len(zones) > 1 else Q()
            found |= is_theirs & in_zone & Q(closed_at__lt=before)
    return ~Q(state__type__in=OPEN_TYPES) & found


def _goes_sooner(days: int) -> Q:
    """Return the condition for requests that an objection lets go sooner anyway."""
    found = Q(objection_days__lte=days)
    if int(conf.get("OBJECTION_DAYS")) <= days:
        found |= Q(objection_days=None)
    return Q(objected_at__isnull=False) & found


def _closed_before(zone: str, days: int, now: datetime) -> datetime:
    """Return before which moment it was closed what goes in the coming night (`rules.storing.gone_from`)."""
    there = ZoneInfo(zone)
    day = now.astimezone(there).date() + timedelta(days=1)
    try:
        return datetime.combine(day - timedelta(days=days), time.min, there)
    except OverflowError:
        return datetime.min.replace(tzinfo=there)


# --- applying ------------------------------------------------------------------------------------------


def order(
    *,
    user: Any,
    targets: Collection[Promised],
    forms: Collection[UUID],
    queue: Queue | None = None,
) -> TermsChange:
    """Order to apply what some queues and forms promise now to the requests that are there, where it is shorter.

    The worker does it (`applying.apply_orders`). `queue` is the one whose policy was changed, if it was one. Who may is asked by the screen that offers it.
    """
    return TermsChange.objects.create(
        asked_by=user,
        queue=queue,
        asked_at=timezone.now(),
        targets=[one.to_json() for one in targets],
        forms=sorted(map(str, forms)),
        total=longer(targets, forms).count(),
    )
