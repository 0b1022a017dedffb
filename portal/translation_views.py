"""The report on translations, and the word of an editor that one is up to date."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from wagtail.models import Page
from wagtail.permissions import page_permission_policy

from .translations import State, overview, say_current, stale_since

ROWS_PER_PAGE = 50


def may_see(user: Any) -> bool:
    """Tell whether the report is for this user: who may write or publish pages somewhere."""
    return bool(page_permission_policy.user_has_any_permission(user, {"add", "change", "publish"}))


@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """List the translations that are missing, not published or stale (?state=, ?language=, ?p=)."""
    if not may_see(request.user):
        raise Http404
    mine = page_permission_policy.instances_user_has_any_permission_for(
        request.user, {"add", "change", "publish"}
    )
    ids = set(mine.values_list("pk", flat=True))
    state, language = request.GET.get("state", ""), request.GET.get("language", "")
    rows = [
        row
        for row in overview()
        if (row.page or row.source) in ids
        and (not state or row.state == state)
        and (not language or row.language == language)
    ]
    shown = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("p"))
    names = dict(settings.LANGUAGES)
    context = {
        "rows": [
            {
                "title": row.title,
                "language": names.get(row.language, row.language),
                "word": _words()[row.state],
                "state": row.state,
                "since": row.since,
                "edit_url": _edit_url(row.page or row.source),
                "translate_url": _translate_url(request, row.source) if row.page is None else "",
                "current_page": row.page if row.state == State.STALE else None,
            }
            for row in shown
        ],
        "page_obj": shown,
        "states": [(one.value, _words()[one]) for one in State],
        "languages": list(settings.LANGUAGES),
        "state": state,
        "language": language,
        "page_title": _("Translations"),
        "header_title": _("Translations"),
        "header_icon": "globe",
    }
    return render(request, "portal/admin/translations.html", context)


def _words() -> dict[State, str]:
    return {
        State.MISSING: _("there is none"),
        State.DRAFT: _("not published"),
        State.STALE: _("older than its source"),
    }


def _edit_url(pk: int) -> str:
    return reverse("wagtailadmin_pages:edit", args=[pk])


def _translate_url(request: HttpRequest, pk: int) -> str:
    """Return where a translation is begun, for who may; '' where neither way is installed."""
    if request.user.has_perm("simple_translation.submit_translation"):
        try:
            return reverse("simple_translation:submit_page_translation", args=[pk])
        except NoReverseMatch:
            pass
    if request.user.has_perm("wagtail_localize.submit_translation"):
        try:
            return reverse("wagtail_localize:submit_page_translation", args=[pk])
        except NoReverseMatch:
            pass
    return ""


@require_POST
def current(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep that a translation is up to date, and go back to it."""
    page = get_object_or_404(Page, pk=pk)
    if not page.permissions_for_user(request.user).can_edit():
        raise Http404
    if stale_since(page) is not None:
        say_current(page, request.user, timezone.now())
        messages.success(request, _("“%(page)s” counts as up to date.") % {"page": page.title})
    if request.POST.get("then") == "report":
        return redirect("portal_translations")
    return redirect("wagtailadmin_pages:edit", pk)
