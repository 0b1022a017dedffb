"""The thread of a ticket as the screen shows it: articles oldest first, events between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from helpdesk import notifications, permissions
from helpdesk.mail.folding import Segment, fold
from helpdesk.models import (
    Article,
    Attachment,
    Event,
    EventKind,
    InboundMail,
    OutboundMail,
    Sender,
    TicketTag,
)

from . import storage_facts, taking_back
from .bounced import may_go_again, returned
from .desk import Desk
from .mail_facts import Invitation, defects_in_words, invitations_of, protection_of

#: The newest articles shown at once; the rest on demand.
LIMIT = 100
EVENT_LIMIT = 500

#: These are told by the article they belong to.
TOLD_BY_ARTICLES = (
    EventKind.ARTICLE_ADDED,
    EventKind.NOTE_ADDED,
    EventKind.ANSWER_SENT,
    EventKind.FORWARDED,
    EventKind.CALL_LOGGED,
    EventKind.MACHINE_MAIL,
    EventKind.MAIL_SENT,
    EventKind.MENTIONED,
)


_NAMING_QUEUES = (
    EventKind.QUEUE_INFORMED,
    EventKind.QUEUE_UNINFORMED,
    EventKind.SECOND_DELIVERY,
)
_NAMING_TICKETS = (
    *(EventKind.LINKED, EventKind.UNLINKED, EventKind.SEPARATED, EventKind.SPLIT),
    *(EventKind.MERGED, EventKind.UNMERGED, EventKind.OBJECTION_CHANGED),
)


@dataclass(frozen=True)
class EventLine:
    """One line of history in words."""

    at: datetime
    who: str
    what: str
    detail: str


@dataclass
class Entry:
    """One step of the thread: an article, or the events between two of them."""

    at: datetime
    article: Any = None
    who: str = ""
    kind: str = ""  # customer, agent, system, internal
    label: str = ""
    icon: str = ""
    segments: tuple[Segment, ...] = ()
    files: list[Attachment] = field(default_factory=list)
    mails: list[OutboundMail] = field(default_factory=list)
    has_source: bool = False
    is_from_outside: bool = False
    events: list[EventLine] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    protection: str = ""
    defects: list[str] = field(default_factory=list)
    repeats_answers: bool = False  # the form's own text: shown above, so folded
    undo: taking_back.Undo | None = None


@dataclass(frozen=True)
class Thread:
    entries: list[Entry]
    is_cut: bool
    last_article: int


def read(desk: Desk, *, everything: bool = False) -> Thread:
    """Return the thread of the ticket on the desk, with a fixed number of queries."""
    newest_first = articles_of(desk).order_by("-created_at", "-pk")
    rows = list(newest_first if everything else newest_first[: LIMIT + 1])
    is_cut = not everything and len(rows) > LIMIT
    rows = rows[:LIMIT] if is_cut else rows
    rows.reverse()
    lines = _lines(desk, since=rows[0].created_at if is_cut else None)
    return Thread(_merge(desk, rows, lines), is_cut, max((row.pk for row in rows), default=0))


def articles_of(desk: Desk) -> QuerySet[Article]:
    """Return the articles with what is shown of them; HTML bodies stay in the database.

    Who reads along sees neither outgoing mails nor sources.
    """
    mails = OutboundMail.objects.defer("body", "html", "references").select_related("route")
    mails = mails.order_by("pk")
    sources = InboundMail.objects.only("article_id", "blob_id")
    if desk.reads_along:  # how mail fares is for those who work on the ticket
        mails, sources = mails.none(), sources.none()
    return (
        permissions.visible_articles(desk.actor, desk.ticket)
        .annotate(
            has_html=~Q(html=""),
            has_remote=Q(html__contains="data-remote-src"),
        )
        .select_related("customer")
        .defer("html", "references")
        .prefetch_related(
            Prefetch("attachments", Attachment.objects.select_related("blob")),
            Prefetch("outbound", mails),
            Prefetch("inbound", sources),
        )
    )


def _merge(desk: Desk, articles: list[Article], lines: list[EventLine]) -> list[Entry]:
    entries: list[Entry] = []
    waiting = iter(lines)
    line = next(waiting, None)
    for article in articles:
        between = []
        while line is not None and line.at < article.created_at:
            between.append(line)
            line = next(waiting, None)
        if between:
            entries.append(Entry(at=between[0].at, events=between))
        entries.append(_entry(desk, article))
    rest = ([line] if line is not None else []) + list(waiting)
    if rest:
        entries.append(Entry(at=rest[0].at, events=rest))
    return entries


def _entry(desk: Desk, article: Any) -> Entry:
    mails: list[Any] = list(article.outbound.all())
    for mail in mails:
        mail.returned = returned(mail)
        mail.may_go_again = may_go_again(mail)
    return replace(
        bare_entry(article),
        files=[one for one in article.attachments.all() if not (one.inline and article.has_html)],
        invitations=invitations_of(article),
        protection=protection_of(article),
        defects=defects_in_words(article.defects),
        mails=mails,
        undo=taking_back.undo_of(desk, article, mails),
        is_from_outside=article.sender != Sender.AGENT,
        has_source=any(row.blob_id for row in article.inbound.all()),
    )


def bare_entry(article: Article) -> Entry:
    """Return an article as it is shown where only its words matter. Asks the database nothing."""
    kind, label, icon = _kind(article)
    return Entry(
        at=article.created_at,
        article=article,
        kind=kind,
        label=label,
        icon=icon,
        who=_who_wrote(article),
        segments=_segments(article.body),
    )


def _who_wrote(article: Article) -> str:
    name = article.from_name or (article.customer.name if article.customer else "")
    if not name and not article.from_address and article.sender != Sender.CUSTOMER:
        # a mail filter's note has nobody's name
        return _("Help desk")
    return name or article.from_address or "–"


def _segments(body: str) -> tuple[Segment, ...]:
    """Return the folded text without the empty lines at the seams."""
    trimmed = (Segment(one.kind, one.text.strip("\r\n")) for one in fold(body))
    return tuple(one for one in trimmed if one.text.strip())


def _kind(article: Article) -> tuple[str, str, str]:
    """Return kind, label and icon: nobody has to tell them apart by colour."""
    if article.sender == Sender.SYSTEM or article.machine:
        return "system", _("Machine mail"), "cog"
    if article.taken_back:
        return "internal", _("Taken back"), "history"
    if not article.verified:
        return "unverified", _("Unverified sender"), "warning"
    if not article.visible:
        if article.to:
            return "internal", _("Internal: forwarded"), "redirect"
        if article.sender == Sender.CUSTOMER:
            return "internal", _("Internal: third party"), "no-view"
        return "internal", _("Internal note"), "no-view"
    if article.sender == Sender.CUSTOMER:
        return "customer", pgettext("who speaks", "Customer"), "user"
    return "agent", pgettext("who speaks", "Agent"), "group"


# --- events in words -----------------------------------------------------------------------------


def _lines(desk: Desk, since: datetime | None) -> list[EventLine]:
    if desk.reads_along:
        return []
    # of a merged ticket the articles are elsewhere, and its history is all there is
    told = TOLD_BY_ARTICLES if desk.ticket.merged_into_id is None else ()
    events = Event.objects.filter(ticket=desk.ticket).exclude(kind__in=told)
    if since is not None:
        events = events.filter(at__gte=since)
    newest = events.select_related("user", "customer").order_by("-at", "-pk")[:EVENT_LIMIT]
    return lines_of(desk, list(reversed(newest)))


def lines_of(desk: Desk, rows: list[Event]) -> list[EventLine]:
    """Return some events of the ticket on the desk in words."""
    words = _Words(desk, rows)
    return [
        EventLine(
            row.at,
            _who(row),
            storage_facts.happened(row) or row.get_kind_display(),
            _infected(row) or words.detail(row),
        )
        for row in rows
    ]


def _infected(event: Event) -> str:
    """Return which files were infected, and with what; '' for any other event."""
    if event.kind != EventKind.FILE_INFECTED:
        return ""
    names = ", ".join(str(one) for one in (event.content or {}).get("files", ()))
    found = ", ".join(str(one) for one in event.data.get("findings", ()))
    return f"{names}: {found}" if names else found


def _who(event: Event) -> str:
    if event.user is not None:
        return str(event.user)
    if event.actor_kind == "customer":
        return event.customer.name if event.customer else _("The customer")
    return _("The help desk") if event.actor_kind == "system" else _("Somebody")


class _Words:
    """The names of what events mention, read together."""

    def __init__(self, desk: Desk, events: Iterable[Event]) -> None:
        self.desk = desk
        users: set[int] = set()
        tickets: set[int] = set()
        for event in events:
            data = event.data if isinstance(event.data, dict) else {}
            if event.kind in (EventKind.OWNER_CHANGED, EventKind.RESPONSIBLE_CHANGED):
                users |= {pk for pk in (data.get("from"), data.get("to")) if isinstance(pk, int)}
            if event.kind in _NAMING_TICKETS and isinstance(data.get("ticket"), int):
                tickets.add(data["ticket"])
        self.tags = _tags_named(events)
        self.users = get_user_model()._default_manager.in_bulk(users) if users else {}
        visible = permissions.visible_tickets(desk.actor).filter(pk__in=tickets)
        self.numbers = dict(visible.values_list("pk", "number")) if tickets else {}

    def detail(self, event: Event) -> str:
        data = event.data if isinstance(event.data, dict) else {}
        match event.kind:
            case EventKind.STATE_CHANGED:
                return _change(data, lambda pk: _name(self.desk.states, pk))
            case EventKind.PRIORITY_CHANGED:
                return _change(data, lambda pk: _name(self.desk.priorities, pk))
            case EventKind.TYPE_CHANGED:
                return _change(data, lambda pk: _name(self.desk.types, pk))
            case EventKind.QUEUE_CHANGED:
                return _change(data, self.desk.queue_name)
            case EventKind.OWNER_CHANGED | EventKind.RESPONSIBLE_CHANGED:
                return _because(data, _change(data, lambda pk: _name(self.users, pk)))
            case EventKind.SUBJECT_CHANGED:
                return _change(event.content or {}, lambda text: f"“{text}”")
            case EventKind.TAGS_CHANGED:
                return _tag_change(data, self.tags)
            case _ if event.kind in _NAMING_QUEUES and data.get("queue"):
                return _name(self.desk.queues, data["queue"])
            case EventKind.MERGED | EventKind.UNMERGED:
                arrow = "→" if data.get("source") == self.desk.ticket.pk else "←"
                return f"{arrow} {self.numbers.get(data.get('ticket') or 0, '…')}"
            case EventKind.OBJECTION_CHANGED:
                return storage_facts.detail(event, self.numbers.get(data.get("ticket") or 0, ""))
            case _ if event.kind in _NAMING_TICKETS:
                return str(self.numbers.get(data.get("ticket") or 0, "…"))
        return _of_people(event) or _of_mail(event, data) or storage_facts.detail(event, "")


def _of_people(event: Event) -> str:
    is_participant = event.kind in (EventKind.PARTICIPANT_INVITED, EventKind.PARTICIPANT_REMOVED)
    return str((event.content or {}).get("address", "")) if is_participant else ""


def _of_mail(event: Event, data: dict[str, Any]) -> str:
    """Return what an event about a mail says beside its kind."""
    content = event.content or {}
    match event.kind:
        case EventKind.MAIL_BOUNCED:
            return ", ".join(one[0] for one in content.get("bounces", ()))
        case EventKind.ADDRESS_RELEASED:
            return str(content.get("address", ""))
        case EventKind.RECEIPT_WITHHELD | EventKind.RESPONSE_WITHHELD:
            reason = str(data.get("reason", ""))
            return str(dict(notifications.Withheld.choices).get(reason, reason))
    return ""


def _tags_named(events: Iterable[Event]) -> dict[int, TicketTag]:
    ids: set[int] = set()
    for event in events:
        if event.kind == EventKind.TAGS_CHANGED:
            ids.update(*(event.data.get(key, ()) for key in ("added", "removed")))
    return TicketTag.objects.in_bulk(ids) if ids else {}


def _tag_change(data: dict[str, Any], tags: dict[int, TicketTag]) -> str:
    shown = [f"+ {_name(tags, pk)}" for pk in data.get("added", ())]
    return ", ".join([*shown, *(f"− {_name(tags, pk)}" for pk in data.get("removed", ()))])


def _change(data: dict[str, Any], name: Any) -> str:
    if "to" not in data:
        return ""
    return f"{name(data.get('from'))} → {name(data['to'])}"


def _because(data: dict[str, Any], change: str) -> str:
    """Return a change of a person with the occasion, where it was nobody's decision."""
    match data.get("by"):
        case "absence":
            return _("%(change)s, because of an absence") % {"change": change}
        case "no_rights":
            return _("%(change)s, for want of rights") % {"change": change}
    return change


def _name(rows: Any, pk: object) -> str:
    row = rows.get(pk)
    if row is None:
        return "–"
    return str(getattr(row, "name", row))
