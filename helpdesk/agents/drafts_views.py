"""Saving, discarding and taking over drafts: from the script as JSON, from a button as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages

from helpdesk.actions import saved_drafts
from helpdesk.errors import AlreadyDone, Conflict, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import SavedDraft

from . import policy
from .composer import COMPOSERS, ComposerForm
from .desk import Desk
from .ticket import TicketView, url_of


def _form(request: HttpRequest, pk: int, change: str) -> ComposerForm:
    """Return the form that was sent, for somebody who may send it. Raises 404 for anybody else."""
    ticket = policy.find_ticket(request, pk)
    form_class = COMPOSERS.get(change)
    if form_class is None:
        raise Http404
    actor = policy.actor_of(request)
    policy.require(actor, form_class.right, ticket)
    return form_class(request.POST, request.FILES, desk=Desk(actor, ticket))


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _back(form: ComposerForm) -> HttpResponse:
    return redirect(url_of(form.desk.ticket, f"?mode={form.name}#composer"))


@require_POST
def save(request: HttpRequest, pk: int, change: str) -> HttpResponse:
    """Save what is typed. An empty text is no draft: one that was saved before is deleted."""
    form = _form(request, pk, change)
    form.is_valid()  # what is not right yet may be saved all the same; files must be
    if "files" in form.errors:
        return _refuse(request, form, None, 422)
    files = form.cleaned_data["files"]
    if not form.texts().get("body", "").strip() and not files and not form.files_of_draft:
        saved_drafts.discard_draft(mode=form.name, **form.who)
        return JsonResponse({"saved": "", "version": 0}) if _wants_json(request) else _back(form)
    try:
        draft = saved_drafts.save_draft(
            mode=form.name,
            fields=form.texts(),
            seen=form.seen().article,
            shared=bool(form.cleaned_data.get("shared")),
            version=None if "force" in request.POST else form.cleaned_data.get("draft_version"),
            files=files,
            key=form.cleaned_data.get("idempotency_key") or "",
            **form.who,
        )
    except AlreadyDone:
        return JsonResponse({"sent": True}) if _wants_json(request) else _back(form)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    except HelpdeskError as error:
        return _refuse(request, form, error, 409 if isinstance(error, Conflict) else 422)
    if _wants_json(request):
        return JsonResponse({"saved": saved_at(draft), "version": draft.version})
    messages.success(request, saved_at(draft))
    return _back(form)


def saved_at(draft: SavedDraft) -> str:
    """Return the sentence that says when a draft was saved."""
    at = time_format(timezone.localtime(draft.saved_at), "TIME_FORMAT")
    words = _("Draft saved at %(time)s, for the team.") if draft.is_shared else _("Draft saved at %(time)s.")  # fmt: skip
    return words % {"time": at}


def _refuse(
    request: HttpRequest, form: ComposerForm, error: HelpdeskError | None, status: int
) -> HttpResponse:
    """Say what is wrong. What was typed stays; saving it a second time overwrites what was saved elsewhere."""
    if _wants_json(request):
        words = str(error) if error else " ".join(str(one) for one in form.errors["files"])
        return JsonResponse({"message": words}, status=status)
    if error is not None:
        form.add_error(None, str(error))
    if status == 409:
        data = form.data.copy()  # type: ignore[attr-defined]
        data["draft_version"] = str(form.saved.version if form.saved else 0)
        form.data = data
    view = TicketView()
    view.setup(request, pk=form.desk.ticket.pk)
    return view.screen(form.desk, {form.name: form}, status=status)


@require_POST
def discard(request: HttpRequest, pk: int, change: str) -> HttpResponse:
    """Delete the agent's own draft."""
    form = _form(request, pk, change)
    if saved_drafts.discard_draft(mode=form.name, **form.who):
        messages.success(request, _("The draft is discarded."))
    return _back(form)


@require_POST
def take_over(request: HttpRequest, pk: int, change: str) -> HttpResponse:
    """Go on writing what a colleague began and shares."""
    form = _form(request, pk, change)
    shared = (row for row in form.desk.drafts if row.mode == change and row.is_shared)
    draft = next(shared, None)
    version = request.POST.get("version", "")
    if not version.isdigit():
        raise Http404
    if draft is None:
        messages.error(request, _("This draft is gone: it was sent or discarded."))
        return _back(form)
    try:
        saved_drafts.take_over_draft(draft=draft, version=int(version), **form.who)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The draft is yours now. It stays shared with the team."))
    return _back(form)
