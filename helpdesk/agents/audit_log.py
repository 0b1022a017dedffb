"""The audit log as a screen: found by who, whom, what, when and where; a page at a time, never counted."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton

from helpdesk import audit, permissions
from helpdesk.models import AuditEntry, AuditKind, Queue, Right
from helpdesk.permissions import Actor

from . import person_words, policy, run_words
from .tickets_list import queue_choices

PAGE = 50
_DATE = {"type": "date"}


def visible_lines(actor: Actor) -> QuerySet[AuditEntry]:
    """Return the lines that `actor` may read: superusers all, else those of queues that they administer."""
    if policy.is_superuser(actor):
        return AuditEntry.objects.all()
    return AuditEntry.objects.filter(queue_id__in=permissions.administered(actor))


class AuditForm(forms.Form):
    """What to look for. Everything may stay empty."""

    q = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    who = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=100)
    whom = forms.CharField(label=gettext_lazy("Whom"), required=False, max_length=100)
    first = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs=_DATE)
    )
    last = forms.DateField(
        label=gettext_lazy("Until"), required=False, widget=forms.DateInput(attrs=_DATE)
    )
    queue = forms.ChoiceField(label=gettext_lazy("Queue"), required=False)
    number = forms.CharField(label=gettext_lazy("Ticket number"), required=False, max_length=30)
    ip = forms.CharField(label=gettext_lazy("IP address"), required=False, max_length=45)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["kind"].choices = [
            ("", pgettext_lazy("all kinds of lines", "Everything")),
            *AuditKind.choices,
        ]
        seen = actor.queue_rights if policy.is_superuser(actor) else permissions.administered(actor)
        fields["queue"].choices = [
            ("", pgettext_lazy("all queues", "All")),
            *((str(pk), label) for pk, label in queue_choices(seen)),
        ]

    def narrowed(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Return the rows that fit; what was typed wrongly finds none."""
        if not self.is_valid():
            return rows.none()
        data, fits = self.cleaned_data, Q()
        if data["q"]:
            fits &= Q(user_name__icontains=data["q"]) | Q(subject_name__icontains=data["q"])
        lookups = {
            "kind": "kind",
            "who": "user_name__icontains",
            "whom": "subject_name__icontains",
            "queue": "queue_id",
            "number": "ticket_number",
            "ip": "ip__startswith",
        }
        for name, lookup in lookups.items():
            if data[name]:
                fits &= Q(**{lookup: data[name]})
        for name, lookup, hour in (("first", "at__gte", time.min), ("last", "at__lte", time.max)):
            if data[name]:
                moment = datetime.combine(data[name], hour)
                fits &= Q(**{lookup: timezone.make_aware(moment)})
        return rows.filter(fits)

    def asked(self) -> list[str]:
        """Return the names of what was looked for."""
        return sorted(name for name, value in self.cleaned_data.items() if value)


@dataclass(frozen=True)
class Line:
    """One line in words."""

    entry: AuditEntry
    queue: str
    details: str
    ticket_url: str


def in_words(rows: Iterable[AuditEntry], actor: Actor) -> list[Line]:
    """Return lines for people. Three queries, however many there are."""
    entries = list(rows)
    names = dict(Queue.objects.values_list("pk", "name"))
    numbers = [entry.ticket_number for entry in entries if entry.ticket_number]
    tickets: dict[str, int] = {}
    if numbers:
        found = permissions.visible_tickets(actor).filter(number__in=numbers)
        tickets = dict(found.order_by().values_list("number", "pk"))
    labels = permission_labels(entries)
    return [
        Line(
            entry,
            names.get(entry.queue_id or 0, ""),
            details(entry, labels),
            reverse("helpdesk_agents:ticket", args=[tickets[entry.ticket_number]])
            if entry.ticket_number in tickets
            else "",
        )
        for entry in entries
    ]


def permission_labels(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Return the names of the permissions that the lines tell of, by code."""
    codes = {code for entry in entries for code in entry.data.get("permissions", ())}
    if not codes:
        return {}
    rows = Permission.objects.filter(codename__in=codes)
    return {code: _(name) for code, name in rows.values_list("codename", "name")}


_DID = {
    "created": gettext_lazy("created"),
    "changed": gettext_lazy("changed"),
    "deleted": gettext_lazy("deleted"),
    "asked": gettext_lazy("asked for"),
    "made": gettext_lazy("made"),
    "fetched": gettext_lazy("fetched"),
    "done": gettext_lazy("done"),
    "searched": gettext_lazy("searched"),
}
#: How something confidential came where it is not.
_LEFT: dict[str, Any] = {
    "moved_to": gettext_lazy("moved to “%(value)s”, which is not confidential"),
    "split_to": gettext_lazy("a part of it opened in “%(value)s”, which is not confidential"),
    "merged_into": gettext_lazy("merged into %(value)s, which is not confidential"),
}


def details(entry: AuditEntry, labels: dict[str, str]) -> str:
    """Return the details of a line in words; what is not known stands as it is."""
    data = dict(entry.data)
    if entry.kind == AuditKind.ERASED and "run" in data:  # what a nightly run counted
        return " · ".join(run_words.counted(data))
    found = person_words.taken(entry.kind, data)
    model = _model(str(data.pop("model", "")))
    if model is not None:
        what = capfirst(str(model._meta.verbose_name))
        name = data.pop("name", "")
        found.append(_("%(what)s “%(name)s”") % {"what": what, "name": name} if name else what)
    if did := data.pop("did", ""):
        found.append(str(_DID.get(did, did)))
    if fields := data.pop("fields", []):
        found.append(", ".join(_field(model, name) for name in fields))
    if "group" in data:
        found.append(_("group “%(name)s”") % {"name": data.pop("group")})
        data.pop("group_id", None)
    if "right" in data:
        right = str(data.pop("right"))
        found.append(str(dict(Right.choices).get(right, right)))
    if codes := data.pop("permissions", []):
        found.append(", ".join(labels.get(code, code) for code in codes))
    found += [str(words) % {"value": data.pop(key)} for key, words in _LEFT.items() if key in data]
    found += [f"{key}: {_plain(value)}" for key, value in data.items() if key != "id"]
    return " · ".join(found)


def _model(label: str) -> Any:
    try:
        return apps.get_model(label) if label else None
    except LookupError:  # of a site that has it no more
        return None


def _field(model: Any, name: str) -> str:
    known = {field.name: field for field in model._meta.concrete_fields} if model else {}
    return str(known[name].verbose_name) if name in known else name


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return str(value) if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)


def behind(rows: QuerySet[AuditEntry], cursor: str) -> QuerySet[AuditEntry]:
    """Return the lines older than the one that `cursor` names; all if it names none."""
    moment, _sep, pk = cursor.rpartition("_")
    try:
        at = parse_datetime(moment)
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at) or not pk.isdecimal() or len(pk) > 18:
        return rows
    return rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=int(pk)))


def cursor_of(entry: AuditEntry) -> str:
    """Return what names a line in the address of the page behind it."""
    return f"{entry.at.isoformat()}_{entry.pk}"


class AuditLogView(WagtailAdminTemplateMixin, TemplateView):
    """The newest lines that fit, and a way to the older ones."""

    template_name = "helpdesk/agents/audit_log.html"
    page_title = gettext_lazy("Audit log")
    header_icon = "history"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_audit(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def _link(self, **more: str) -> str:
        asked = self.request.GET.copy()
        asked.pop("before", None)
        for name, value in more.items():
            asked[name] = value
        return f"?{asked.urlencode()}"

    @property
    def header_buttons(self) -> list[HeaderButton]:
        url = reverse("helpdesk_agents:audit_export") + self._link()
        return [HeaderButton(_("Export as CSV"), url=url, icon_name="download")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        form = AuditForm(self.request.GET, actor=actor)
        cursor = self.request.GET.get("before", "")
        rows = list(behind(form.narrowed(visible_lines(actor)), cursor)[: PAGE + 1])
        return super().get_context_data(
            form=form,
            lines=in_words(rows[:PAGE], actor),
            is_narrowed=form.is_valid() and bool(form.asked()),
            older=self._link(before=cursor_of(rows[PAGE - 1])) if len(rows) > PAGE else "",
            newest=self._link() if cursor else "",
            **kwargs,
        )


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give out all lines that fit as CSV, and write down that they were given out."""
    actor = policy.actor_of(request)
    policy.check(policy.may_audit(actor))
    form = AuditForm(request.GET, actor=actor)
    rows = form.narrowed(visible_lines(actor))
    asked = form.asked() if form.is_valid() else []
    audit.record(
        AuditKind.EXPORTED, user=request.user, data={"what": "audit log", "filters": asked}
    )
    answer = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _csv(rows: QuerySet[AuditEntry]) -> Iterator[str]:
    names = dict(Queue.objects.values_list("pk", "name"))
    writer = csv.writer(_Echo())
    yield "\ufeff"  # or spreadsheets take the names for Latin-1
    heads = ("at", "kind", "who", "whom", "ip", "queue", "ticket", "details")
    yield writer.writerow(heads)
    for row in rows.iterator(chunk_size=2000):
        details_of = json.dumps(row.data, ensure_ascii=False, sort_keys=True) if row.data else ""
        cells = (
            *(row.at.isoformat(), row.kind, row.user_name, row.subject_name, row.ip or ""),
            *(names.get(row.queue_id or 0, ""), row.ticket_number, details_of),
        )
        yield writer.writerow([harmless(cell) for cell in cells])


def harmless(cell: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
