"""Passwords, factors and sessions: the site's own views beside those of allauth."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from . import second_factor, sessions
from .models import User


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a superuser somebody's factors and sessions; POST takes them away (`do`: factors, sessions)."""
    if not request.user.is_superuser:
        raise Http404
    user = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        return _do(request, user)
    context = {
        "page_title": _("Log-in and security"),
        "page_subtitle": str(user),
        "header_icon": "lock",
        "person": user,
        "factors": second_factor.factors_of(user),
        "is_needed": second_factor.is_needed(user),
        "sessions": UserSession.objects.purge_and_list(user),
    }
    return render(request, "portal/keys/person.html", context)


def _do(request: HttpRequest, user: User) -> HttpResponse:
    if request.POST.get("do") == "factors":
        count = second_factor.reset(user, by=request.user)
        words = ngettext("%(n)d factor removed.", "%(n)d factors removed.", count) % {"n": count}
        messages.success(request, words)
    elif request.POST.get("do") == "sessions":
        sessions.end_all(user, by=request.user, reason="by_administrator")
        messages.success(request, _("All sessions are ended."))
    return redirect("portal_keys", user.pk)


@require_safe
@login_required
def password_elsewhere(request: HttpRequest) -> HttpResponse:
    """Say that this account has no password here, and can get none: it comes in by another door."""
    return render(request, "account/password_elsewhere.html")
