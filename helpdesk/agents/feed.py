"""The feed of absences for calendar programs (RFC 5545): names, dates, deputies; never reasons.

Whoever has the address reads it, without logging in. So it holds a secret that the agent can change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import icalendar
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from helpdesk import conf, permissions
from helpdesk.models import Absence, AgentSettings
from helpdesk.permissions import Actor

from .absences import visible_absences

#: How long an absence that is over stays in the feed, and how many are given out.
MEMORY = timedelta(days=60)
LIMIT = 2000


@require_safe
def team(request: HttpRequest, key: str) -> HttpResponse:
    """Give out the absences of the people in the agent's teams."""
    actor = _owner(key)
    return _answer(request, visible_absences(actor), _("Absences"))


@require_safe
def mine(request: HttpRequest, key: str) -> HttpResponse:
    """Give out the agent's own absences."""
    actor = _owner(key)
    rows = visible_absences(actor).filter(user=actor.user)
    return _answer(request, rows, _("My absences"))


def _owner(key: str) -> Actor:
    """Return the agent whose secret this is; 404 for a wrong one and for who is no active agent any more."""
    rows = AgentSettings.objects.filter(feed_key=key, user__is_active=True).select_related("user")
    row = rows.first()
    actor = permissions.agent(row.user) if row is not None else None
    if actor is None or not permissions.is_agent(actor):
        raise Http404
    return actor


def _answer(request: HttpRequest, absences: QuerySet[Absence], name: str) -> HttpResponse:
    rows = absences.filter(ends_at__gt=timezone.now() - MEMORY).order_by("starts_at", "pk")
    body = calendar(rows[:LIMIT], name)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="absences.ics"'
    response["X-Robots-Tag"] = "noindex"
    answer = get_conditional_response(request, etag=etag, response=response) or response
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, max-age=300"
    return answer


def calendar(absences: Iterable[Absence], name: str) -> bytes:
    """Return absences as an iCalendar object. The same rows always make the same bytes."""
    made = icalendar.Calendar()
    made.add("version", "2.0")
    made.add("prodid", f"-//{conf.mail_domain()}//Stelze//{(get_language() or 'de').upper()}")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", f"{conf.get('SITE_NAME')}: {name}")
    made.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})  # RFC 7986
    for absence in absences:
        made.add_component(_event(absence))
    return bytes(made.to_ical())


def _event(absence: Absence) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"absence-{absence.pk}@{conf.mail_domain()}")
    event.add("dtstamp", absence.changed_at.astimezone(UTC))
    event.add("last-modified", absence.changed_at.astimezone(UTC))
    start, end = _span(absence)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", _summary(absence))
    event.add("transp", "TRANSPARENT")  # the reader is no less free
    return event


def _span(absence: Absence) -> tuple[date | datetime, date | datetime]:
    """Return start and end: as days, where both are midnight in the site's zone, else in UTC."""
    zone = timezone.get_default_timezone()
    start, end = (timezone.localtime(at, zone) for at in (absence.starts_at, absence.ends_at))
    if (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0):
        return start.date(), end.date()  # the end is the first day back (RFC 5545 3.6.1)
    return absence.starts_at.astimezone(UTC), absence.ends_at.astimezone(UTC)


def _summary(absence: Absence) -> str:
    names = {"name": absence.user, "deputy": absence.deputy}
    if absence.deputy is None:
        return _("%(name)s: away") % names
    return _("%(name)s: away, %(deputy)s stands in") % names


app_name = "helpdesk_feed"

urlpatterns = [
    path("<str:key>/team.ics", team, name="team"),
    path("<str:key>/mine.ics", mine, name="mine"),
]
