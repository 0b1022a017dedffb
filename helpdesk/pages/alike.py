"""Before a form is sent: whether its sender has an open request about the same, and what to do then.

Only for people who are logged in, about their own requests. Nothing typed is lost while they decide, and
nothing chosen: the files are held for some hours, and the form is sent once more with what it said. They
outlive its sending, so that a second click sends the very same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from helpdesk import actions, duplicates, permissions
from helpdesk.actions import Draft
from helpdesk.errors import AlreadyDone, WrongState
from helpdesk.models import Article, HeldFile, Ticket

from .forms import IntakeForm

#: What the form sends with the answer: "new", "edit", or the number of an own request.
ANSWER = "instead"
#: The key of the files held.
HELD = "held_files"
TEMPLATE = "helpdesk/pages/intake_alike.html"


def files_of(request: HttpRequest) -> MultiValueDict[str, Any]:
    """Return the files sent, and those held for this visitor in the inputs that were left empty."""
    files = MultiValueDict({name: request.FILES.getlist(name) for name in request.FILES})
    held: dict[str, list[Any]] = {}
    for row in _held(request):
        if row.field not in files:
            with contextlib.suppress(FileNotFoundError):
                file = SimpleUploadedFile(row.name, row.blob.read())
                held.setdefault(row.field, []).append(file)
    for name, rows in held.items():
        files.setlist(name, rows)
    return files


def held_names(request: HttpRequest) -> list[str]:
    """Return the names of the files held for this visitor."""
    return [row.name for row in _held(request)]


def _key(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get(HELD, "")) if request.user.is_authenticated else None
    except ValueError:
        return None


def _held(request: HttpRequest) -> Iterable[HeldFile]:
    key = _key(request)
    if key is None:
        return ()
    return HeldFile.objects.filter(user=request.user.pk, key=key).select_related("blob")


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

    `form` is valid; `context` is the page's.
    """
    if not request.user.is_authenticated or request.POST.get(ANSWER):
        return None
    actor = permissions.customer(actions.customer_for_user(request.user))
    found = duplicates.alike(actor, subject=subject, text=text, form=form_key)
    if not found:
        return None
    HeldFile.drop_old()
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in ("csrfmiddlewaretoken", HELD)
        for value in values
    ]
    names = [file.name for file in form.uploads()]
    context |= {
        "found": [(one.ticket, url_of(one.ticket)) for one in found],
        "typed": typed,
        "held": _hold(request, form),
        "held_names": names,
    }
    return TemplateResponse(request, TEMPLATE, context)


def _hold(request: HttpRequest, form: IntakeForm) -> str:
    chosen = [
        (name, file.name, file.content)
        for name, child in form.inputs.items()
        if child.block_type == "files"
        for file in form.cleaned_data.get(name) or ()
    ]
    return HeldFile.hold(request.user, chosen)


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
