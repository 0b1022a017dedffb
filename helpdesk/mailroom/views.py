"""The pages of the mail room. Outside development they answer as if they did not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods

from helpdesk import conf
from helpdesk.mail.parse import ParsedMail, parse
from helpdesk.models import QueueAddress

from . import room, write
from .forms import WriteForm

A_PAGE = 50
#: What a mail's own HTML may do in its frame: be looked at, and open links elsewhere.
SANDBOX = "sandbox allow-popups allow-popups-to-escape-sandbox"
POLICY = f"{SANDBOX}; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
#: Mail is written for white paper; its links open beside the frame.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
FRAME = '<base target="_blank"><style>:root { color-scheme: light; background: white }</style>'

View = Callable[..., HttpResponse]


def in_development(view: View) -> View:
    """Answer 404 unless the mail room is open."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        if not conf.get("MAILROOM"):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def _mail(key: str) -> tuple[bytes, ParsedMail]:
    raw = room.read(key)
    if raw is None:
        raise Http404
    return raw, parse(raw)


@in_development
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All mails, newest first."""
    address = request.GET.get("address", "")[:254]
    page = Paginator(room.mails(address), A_PAGE).get_page(request.GET.get("p"))
    return render(request, "helpdesk/mailroom/index.html", {"page": page, "address": address})


@in_development
@require_GET
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail: text, HTML, files, head."""
    _raw, parsed = _mail(key)
    context = {
        "key": key,
        "mail": parsed,
        "sender": room.shown(parsed.from_),
        "to": [room.shown(one) for one in parsed.to],
        "cc": [room.shown(one) for one in parsed.cc],
        "head": [(name, value) for name, values in parsed.headers.items() for value in values],
        "sandbox": SANDBOX.removeprefix("sandbox "),
    }
    response = render(request, "helpdesk/mailroom/mail.html", context)
    # a frame in a page is allowed here only: this page exists in development alone
    response["Content-Security-Policy"] = PAGE_POLICY
    return response


@in_development
@require_GET
@xframe_options_sameorigin
def html(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML of a mail as it was sent, for the frame."""
    _raw, parsed = _mail(key)
    if not parsed.html:
        raise Http404
    response = HttpResponse(FRAME + parsed.html)
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


@in_development
@require_GET
def raw(request: HttpRequest, key: str) -> HttpResponse:
    """The mail as it came over the wire."""
    content, _parsed = _mail(key)
    response = HttpResponse(content, content_type="text/plain; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    return response


@in_development
@require_GET
def file(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A file of a mail, as a download."""
    _raw, parsed = _mail(key)
    if number >= len(parsed.attachments):
        raise Http404
    part = parsed.attachments[number]
    response = HttpResponse(part.content, content_type="application/octet-stream")
    disposition = content_disposition_header(as_attachment=True, filename=part.name)
    response["Content-Disposition"] = disposition or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@in_development
@transaction.non_atomic_requests
@require_http_methods(["GET", "POST"])
def write_mail(request: HttpRequest) -> HttpResponse:
    """Write a mail as a customer; with `?reply=` an answer to a mail of the room."""
    key = (request.POST or request.GET).get("reply", "")
    answered = _mail(key)[1] if key else None
    recipients = list(QueueAddress.objects.values_list("address", flat=True))
    if answered is not None and write.reply_target(answered):
        recipients = list(dict.fromkeys([write.reply_target(answered), *recipients]))
    if request.method == "POST":
        form = WriteForm(request.POST, request.FILES, recipients=recipients)
        if form.is_valid():
            try:
                write.send(form.cleaned_data, answered)
            except write.NotTaken as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("The mail has been sent."))
                return HttpResponseRedirect(reverse("helpdesk_mailroom:index"))
    else:
        initial = write.first_values(answered, key) if answered else {}
        form = WriteForm(recipients=recipients, initial=initial)
    context = {"form": form, "recipients": recipients}
    return render(request, "helpdesk/mailroom/write.html", context)
