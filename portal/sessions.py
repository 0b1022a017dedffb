"""How long somebody stays logged in: idle and absolute limits, and sessions ended by others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk import audit
from helpdesk.models import AuditKind
from helpdesk.worker import Job

from .models import User

#: In the session: when it began, and when somebody last did something (seconds since the epoch).
BEGAN, SEEN = "portal_began", "portal_seen"
#: So often at most is written down that somebody is there.
NOTE_EVERY = 60
#: What pages ask by themselves while nobody sits there; it keeps no session alive.
POLLS = frozenset(
    {
        "helpdesk_agents:together",
        "helpdesk_agents:notice_count",
        "wagtailadmin_editing_sessions:ping",
    }
)


def begin(sender: object, request: HttpRequest, user: Any, **_signal: object) -> None:
    """Note at log-in that a session begins now."""
    request.session[BEGAN] = request.session[SEEN] = time.time()


def limits(user: Any) -> tuple[int, int]:
    """Return the idle and the absolute limit of a user's session in seconds."""
    works_here = user.is_superuser or user.groups.exists()
    suffix = "" if works_here else "_CUSTOMERS"
    idle, most = (getattr(settings, f"SESSION_{name}_MINUTES{suffix}") for name in ("IDLE", "MAX"))
    return idle * 60, most * 60


class SessionLimits:
    """Ends a session that was idle too long, lasted too long, or was ended by somebody else."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            reason = _why_over(request)
            if reason:
                _end(request, reason)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Note that somebody is there, once it is known what was asked for."""
        match = request.resolver_match
        if not request.user.is_authenticated or (match and match.view_name in POLLS):
            return
        now = time.time()
        if now - request.session.get(SEEN, 0) >= NOTE_EVERY:
            request.session[SEEN] = now
            own = UserSession.objects.filter(session_key=request.session.session_key)
            own.update(last_seen_at=timezone.now())


def _why_over(request: HttpRequest) -> str:
    """Return why the session at hand is over, '' if it is not."""
    now, session, user = time.time(), request.session, request.user
    # one without the mark began before there were marks: as the user's last log-in said
    began = session.get(BEGAN)
    if began is None:
        began = session[BEGAN] = user.last_login.timestamp() if user.last_login else now
    ended = user.sessions_ended_at
    if ended is not None and began < ended.timestamp():
        return "by_others"
    seen = session.get(SEEN, began)
    if now - max(began, seen) < NOTE_EVERY:  # spares the question who it is
        return ""
    idle, most = limits(user)
    if now - began >= most:
        return "too_long"
    return "idle" if now - seen >= idle + NOTE_EVERY else ""


def _end(request: HttpRequest, reason: str) -> None:
    audit.record(
        AuditKind.SESSION_ENDED, user=request.user, subject=request.user, data={"reason": reason}
    )
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    logout(request)
    words = {
        "idle": _("You were logged out because nothing happened for a long time."),
        "too_long": _("You were logged out. Please log in again."),
        "by_others": _("This session was ended. Please log in again."),
    }
    messages.info(request, words[reason])


@transaction.atomic
def end_all(user: User, *, by: Any = None, reason: str) -> None:
    """End all sessions of `user`, whatever browser they are in; `by` did it (None: the system)."""
    User.objects.filter(pk=user.pk).update(sessions_ended_at=timezone.now())
    rows = list(UserSession.objects.filter(user_id=user.pk))
    for row in rows:
        row.end()
    if rows or by is not None:
        audit.record(
            AuditKind.SESSION_ENDED,
            user=by,
            subject=user,
            data={"reason": reason, "sessions": len(rows)},
        )


def end_others(request: HttpRequest, *, reason: str) -> None:
    """End all sessions of the person at hand but this one."""
    user = request.user
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)
    request.session[BEGAN] = now.timestamp()
    rows = UserSession.objects.filter(user_id=user.pk)
    others = list(rows.exclude(session_key=request.session.session_key))
    for row in others:
        row.end()
    if others:
        audit.record(
            AuditKind.SESSION_ENDED,
            user=user,
            subject=user,
            data={"reason": reason, "sessions": len(others)},
        )


class UserSessionsAdapter(DefaultUserSessionsAdapter):
    """What people do on their own page of sessions."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """End these sessions of one user, and write it down."""
        rows = list(sessions)
        super().end_sessions(rows)
        if rows:
            audit.record(
                AuditKind.SESSION_ENDED,
                user=rows[0].user,
                subject=rows[0].user,
                data={"reason": "own", "sessions": len(rows)},
            )


def follow_account(sender: object, instance: User, created: bool, **_signal: object) -> None:
    """End the sessions of an account that is switched off: switched on again, it needs a new log-in."""
    if not created and not instance.is_active:
        transaction.on_commit(lambda: end_all(instance, reason="inactive"))


def follow_groups(
    sender: object, instance: Any, action: str, reverse: bool, pk_set: Any, **_signal: object
) -> None:
    """End the sessions of people who left their last group."""
    if action in ("post_remove", "post_clear") and not reverse:
        transaction.on_commit(lambda: _end_without_groups([instance.pk]))
    elif action == "pre_clear" and reverse:
        members = list(instance.user_set.values_list("pk", flat=True))
        transaction.on_commit(lambda: _end_without_groups(members))
    elif action == "post_remove" and reverse:
        transaction.on_commit(lambda: _end_without_groups(list(pk_set or ())))


def _end_without_groups(pks: list[int]) -> None:
    # at the end of the transaction: who is put into other groups in one go stays
    for user in User.objects.filter(pk__in=pks, groups=None, is_superuser=False):
        end_all(user, reason="no_group")


def forget_sessions() -> int:
    """Forget the sessions that can live no more, with their IP addresses; return how many. A job of the worker.

    A browser that never comes back ends none itself.
    """
    longest = max(settings.SESSION_MAX_MINUTES, settings.SESSION_MAX_MINUTES_CUSTOMERS)
    until = timezone.now() - timedelta(minutes=longest)
    return UserSession.objects.filter(created_at__lt=until).delete()[0]


FORGETTING = Job("sessions.forget", timedelta(days=1), forget_sessions)
