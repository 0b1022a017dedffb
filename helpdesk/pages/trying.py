"""Trying a form before it is published: the latest draft, and what a real request would have done.

Who may edit the page may try it. A test is a ticket like any other but marked, and mailed to nobody.
"""

from __future__ import annotations

import copy
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from wagtail.models import Page

from helpdesk import actions, notifications, permissions
from helpdesk.actions import clocks
from helpdesk.errors import Blocked, InvalidInput, NotPermitted
from helpdesk.models import Right, Ticket
from helpdesk.notifications import Withheld
from helpdesk.rules.terms import kept_sentence

from . import holding, seen, steps
from .forms import IntakeForm
from .intake import IntakeFormMixin

app_name = "helpdesk_forms"


@never_cache
def try_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the latest draft of a form and take what is sent as a test."""
    page = _draft_of(request, pk)
    with translation.override(page.locale.language_code):
        if request.method == "POST":
            form = holding.sent_form(page, request)
            if steps.is_check(request):
                return steps.not_open(str(seen.CHANGED)) if form.is_outdated else steps.check(form)
            if form.is_outdated:
                form.show_anew()
            elif (ticket := _made(request, page, form)) is not None:
                return HttpResponseRedirect(reverse("helpdesk_forms:tried", args=[ticket.pk]))
            holding.keep(form)
        else:
            form = page.get_form(user=request.user, parameters=request.GET)
        context = page.get_context(request)
        context |= {"form": form, "is_trial": True}
        response = TemplateResponse(request, page.get_template(request), context)
        return response.render()


def _made(request: HttpRequest, page: Any, form: IntakeForm) -> Ticket | None:
    """Return the test that a form makes, or has made; None, with the error at the form, if it makes none."""
    if not form.is_valid():
        key = page.key_of(form) if holding.is_only_gone(form) else None
        return Ticket.objects.filter(submission_key=key, is_test=True).first() if key else None
    try:
        customer = actions.customer_for_user(request.user)
        form.uploads()
        with transaction.atomic():
            ticket: Ticket = page.open(form, customer, is_test=True)
            holding.use(form)
        return ticket
    except Blocked as error:
        form.add_error(None, str(error))
    except holding.Gone:
        form.add_error(None, str(holding.AGAIN))
        holding.find(form)
    return None


@never_cache
def tried(request: HttpRequest, ticket: int) -> HttpResponse:
    """Say in words what a real request would have done."""
    row = _own_test(request, ticket)
    page = _form_of(request, row)
    route = page.routed(row.answers)
    context = {
        **_receipt(page, row),
        "page_title": _("Test of “%(form)s”") % {"form": page.title},
        "header_icon": "form",
        "problem": route.problem,
        "facts": _facts(row, route.rule),
        "answers": row.answers,
        "ticket_url": _ticket_url(request, row),
        "discard_url": reverse("helpdesk_forms:discard", args=[row.pk]),
        "edit_url": reverse("wagtailadmin_pages:edit", args=[page.pk]),
        "try_url": reverse("helpdesk_forms:try", args=[page.pk]),
    }
    return TemplateResponse(request, "helpdesk/pages/tried.html", context)


@require_POST
def discard(request: HttpRequest, ticket: int) -> HttpResponse:
    """Delete a test: for whoever made it, and for agents who manage its queue."""
    row = get_object_or_404(Ticket, pk=ticket, is_test=True)
    is_own = row.customer is not None and row.customer.user_id == request.user.pk
    actor = permissions.customer(row.customer) if is_own else permissions.agent(request.user)  # type: ignore[arg-type]
    try:
        actions.discard_test(actor=actor, ticket=row)
    except NotPermitted:
        raise Http404 from None
    except InvalidInput as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_next(request))
    messages.success(request, _("The test request %(number)s is deleted.") % {"number": row.number})
    return HttpResponseRedirect(_next(request))


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    hosts = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted if is_ours else reverse("wagtailadmin_home")


def _draft_of(request: HttpRequest, pk: int) -> Any:
    """Return the latest draft of a form that the user may edit, or raise Http404."""
    page: Any = get_object_or_404(Page, pk=pk).specific
    if not isinstance(page, IntakeFormMixin):
        raise Http404
    if not page.permissions_for_user(request.user).can_edit():  # type: ignore[attr-defined]
        raise Http404
    return page.get_latest_revision_as_object()  # type: ignore[attr-defined]


def _own_test(request: HttpRequest, ticket: int) -> Ticket:
    """Return a test that the user made, or raise Http404."""
    return get_object_or_404(
        Ticket.objects.select_related("queue", "priority", "type", "owner", "customer"),
        pk=ticket,
        is_test=True,
        customer__user=request.user.pk,
    )


def _form_of(request: HttpRequest, ticket: Ticket) -> Any:
    if ticket.page_id is None:
        raise Http404
    return _draft_of(request, ticket.page_id)


def _facts(ticket: Ticket, rule: int | None) -> list[tuple[str, str]]:
    by = _("rule %(number)d of the routing") % {"number": rule} if rule else _("what the page says")
    return [
        (_("Goes to"), f"{ticket.queue.name} ({by})"),
        (_("Subject"), ticket.subject),
        (_("Type"), str(ticket.type or "–")),
        (_("Priority"), str(ticket.priority)),
        (pgettext("of a ticket", "Owner"), str(ticket.owner or _("nobody yet"))),
        (_("Promise"), str(_real(ticket).promise or "–")),
        (_("Language"), str(translation.get_language_info(ticket.language)["name_local"])),
        (_("Storage"), kept_sentence(ticket)),
    ]


def _receipt(page: Any, ticket: Ticket) -> dict[str, Any]:
    article = ticket.articles.order_by("pk").first()
    if article is None:
        raise Http404
    wording = page.receipt_for(ticket.answers, ticket.queue)
    real = _real(ticket)
    found = notifications.receipt_as_read(ticket=real, article=article, wording=wording)
    if found is None or isinstance(found, Withheld):
        reason = str(found.label) if found is not None else ""
        return {"receipt": None, "no_receipt": _("There would be none: %(why)s.") % {"why": reason}}
    return {"receipt": found}


def _real(ticket: Ticket) -> Ticket:
    """Return a copy of a test, never to be saved, with what a real request would have been promised."""
    real = copy.copy(ticket)
    real.is_test = False
    real.promise = clocks.promise_of(real)
    return real


def _ticket_url(request: HttpRequest, ticket: Ticket) -> str:
    """Return the ticket's address for an agent who may read it; else ''."""
    if not permissions.can(permissions.agent(request.user), Right.READ, ticket):
        return ""
    try:
        return reverse("helpdesk_agents:ticket", args=[ticket.pk])
    except NoReverseMatch:  # a site without the agents' screens
        return ""


urlpatterns = [
    path("<int:pk>/try/", try_form, name="try"),
    path("tests/<int:ticket>/", tried, name="tried"),
    path("tests/<int:ticket>/discard/", discard, name="discard"),
]
