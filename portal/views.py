"""The site's own views."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from wagtail.models import Page
from wagtail.views import authenticate_with_password

from helpdesk import limits, origin
from helpdesk.customers.slow import limited

from .search import MAX_QUERY, search_pages

RESULTS_PER_PAGE = 10


@require_safe
@limited
def search(request: HttpRequest) -> HttpResponse:
    """Search the pages of the active language (?q=, ?p=)."""
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    if query:
        limits.count("SEARCHES_PER_IP")
    results = Paginator(search_pages(query, get_language() or "de"), RESULTS_PER_PAGE)
    found = results.get_page(request.GET.get("p"))
    order = [page.pk for page in found.object_list]
    specific = {
        page.pk: page
        for page in Page.objects.filter(pk__in=order).select_related("locale").specific()
    }
    return render(
        request,
        "portal/search.html",
        {
            "query": query,
            "count": results.count,
            "found": found,
            "pages": [specific[pk] for pk in order if pk in specific],
            "page_numbers": list(results.get_elided_page_range(found.number)),
        },
    )


@require_safe
def admin_login(request: HttpRequest) -> HttpResponse:
    """Send the admin's own log-in address to the site's log-in page, keeping where to go after.

    Who is logged in already and may not enter the admin is told so on the home page.
    """
    if request.user.is_authenticated and not request.user.has_perm("wagtailadmin.access_admin"):
        messages.error(request, _("Your account may not enter the administration."))
        return redirect("wagtail_serve", "")
    target = request.GET.get("next") or reverse("wagtailadmin_home")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("wagtailadmin_home")
    return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")


def wagtail_login(request: HttpRequest) -> HttpResponse:
    """Send Wagtail's log-in for private pages to the site's own, keeping where to go after."""
    target = request.GET.get("next") or "/"
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")


@limited
def page_password(
    request: HttpRequest, page_view_restriction_id: int, page_id: int
) -> HttpResponseBase:
    """Take the password of a page as Wagtail does, a limited number of times."""
    who = f"{origin.network()} {page_view_restriction_id}"
    if request.method == "POST":
        limits.count("PAGE_PASSWORDS_PER_IP", who)
    answer: HttpResponseBase = authenticate_with_password(
        request, page_view_restriction_id, page_id
    )
    if answer.status_code == 302:
        limits.forget("PAGE_PASSWORDS_PER_IP", who)
    return answer


def gone(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer that there is nothing here."""
    raise Http404
