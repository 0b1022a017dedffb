"""Before a form is sent: whether its sender has an open request about the same, and what to do then.

Only for people who are logged in, about their own requests. Nothing typed is lost while they decide, and
nothing chosen: the files are held (`pages.holding`), and the form is sent once more with what it said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from helpdesk import actions, duplicates, permissions
from helpdesk.actions import Draft
from helpdesk.errors import AlreadyDone, WrongState
from helpdesk.models import Article, Ticket

from . import holding
from .forms import IntakeForm

#: What the form sends with the answer: "new", "edit", or the number of an own request.
ANSWER = "instead"
TEMPLATE = "helpdesk/pages/intake_alike.html"


def repeated(request: HttpRequest, page: Any, form: IntakeForm) -> HttpResponse | None:
    """Answer to a form whose held files are filed already, by this very submission; None to any other."""
    key = page.key_of(form) if holding.is_only_gone(form) else None
    if key is None:
        return None
    ticket = Ticket.objects.filter(submission_key=key).first()
    if ticket is not None:
        return HttpResponseRedirect(page.thanks_url(request, ticket))
    article = Article.objects.filter(idempotency_key=key).select_related("ticket").first()
    if article is None or not request.user.is_authenticated:
        return None
    return added(request, article.ticket, page.thanks_url(request, article.ticket))


def question(
    request: HttpRequest,
    form: IntakeForm,
    *,
    subject: str,
    text: str,
    form_key: UUID,
    context: dict[str, Any],
) -> HttpResponse | None:
    """Return the page that shows what looks alike, or None if there is nothing, or it was answered.

    Also where its files cannot be held for so long: rather not asked than lost. `form` is valid; `context` is the
    page's.
    """
    if not request.user.is_authenticated or request.POST.get(ANSWER):
        return None
    actor = permissions.customer(actions.customer_for_user(request.user))
    found = duplicates.alike(actor, subject=subject, text=text, form=form_key)
    if not found or not holding.keep(form):
        return None
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and not holding.is_ours(name)
        for value in values
    ]
    context |= {
        "found": [(one.ticket, url_of(one.ticket)) for one in found],
        "typed": [*typed, *holding.tokens(form)],
        "held_names": form.held_names(),
    }
    return TemplateResponse(request, TEMPLATE, context)


def add(request: HttpRequest, draft: Draft, key: str | None) -> Article | None:
    """Add what a form says to the own request that its sender chose; None if that was none.

    `key` is the form's fingerprint: the same form sent twice is added once. A request that was closed
    meanwhile takes nothing if its queue refuses: None, so it becomes a new one.
    """
    number = request.POST.get(ANSWER, "")
    if not request.user.is_authenticated or not number.isdecimal():
        return None
    actor = permissions.customer(actions.customer_for_user(request.user))
    own = permissions.visible_tickets(actor).filter(permissions.own_tickets(actor))
    ticket = own.filter(number=number).first()
    if ticket is None:
        return None
    draft = replace(
        draft,
        files=tuple(replace(file, answer_key="") for file in draft.files),
        idempotency_key=key,
    )
    try:
        return actions.receive_message(
            actor=actor, ticket=ticket, draft=draft, customer=actor.customer
        )
    except AlreadyDone as done:
        return done.existing if isinstance(done.existing, Article) else None
    except WrongState:
        return None


def url_of(ticket: Ticket) -> str:
    """Return the address of an own request; '' on a site without the customers' pages."""
    try:
        return reverse("helpdesk_customers:detail", kwargs={"number": ticket.number})
    except NoReverseMatch:
        return ""


def added(request: HttpRequest, ticket: Ticket, otherwise: str) -> HttpResponse:
    """Lead to the request to which the form was added, or to the address `otherwise`."""
    said = _("Your message has been added to the request %(number)s.") % {"number": ticket.number}
    messages.success(request, said)
    return HttpResponseRedirect(url_of(ticket) or otherwise)
