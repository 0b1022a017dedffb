"""Files of tickets, given out through the permission check and never shown inside our pages."""

from __future__ import annotations

import re
import secrets
from html import escape, unescape
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from helpdesk import permissions, uploads
from helpdesk.models import Article, Attachment, Blob, InboundMail

from . import confidential, policy
from .inline_styles import taken_out

#: Shown inside a mail's frame: pictures that carry no script.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
#: Types that may keep their name in a download; everything else is just bytes.
_HARMLESS = PICTURES | {
    "application/pdf",
    "application/zip",
    "text/plain",
    "text/csv",
    "text/calendar",
    "message/rfc822",
}
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*")*? href="https?://(?:[^/"@]*@)?([^/"?#]{1,250})[^"]*")')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')

FRAME_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:12px;background:#fff;color:#1f1f1f;"
    "overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}"
    'a[data-host]::after{content:" [" attr(data-host) "]";color:#555;font-size:.85em}'
    "blockquote{margin:0 0 0 .5em;padding-left:.75em;border-left:3px solid #ccc}"
)


def _article(request: HttpRequest, pk: int, article: int) -> Article:
    ticket = policy.find_ticket(request, pk)
    articles = permissions.visible_articles(policy.actor_of(request), ticket)
    found = get_object_or_404(articles, pk=article)
    confidential.opened(policy.actor_of(request), ticket)
    return found


def bytes_of(blob: Blob) -> bytes:
    """Return the stored bytes, or raise 404 if they are in quarantine or the storage lost them."""
    if blob.is_quarantined:
        raise Http404
    try:
        return blob.read()
    except FileNotFoundError:
        raise Http404 from None


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Return `content` as a download that no browser opens in our name."""
    plain = content_type.split(";")[0].strip().lower()
    kind = plain if plain in _HARMLESS else "application/octet-stream"
    return _guarded(HttpResponse(content, content_type=kind), name, "attachment")


def raw_bytes(file: Attachment) -> HttpResponse:
    """Return a file from quarantine, named so that nobody opens it by a double click."""
    try:
        content = file.blob.read()
    except FileNotFoundError:
        raise Http404 from None
    return download(content, f"{file.name}.quarantine", "application/octet-stream")


def _guarded(response: HttpResponse, name: str, how: str) -> HttpResponse:
    response["Content-Disposition"] = _disposition(how, name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _disposition(how: str, name: str) -> str:
    return content_disposition_header(how == "attachment", uploads.clean_name(name)) or how


@require_GET
def attachment(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """Give out a file of a ticket; with `?inline=1` a picture for the frame of its mail."""
    ticket = policy.find_ticket(request, pk)
    articles = permissions.visible_articles(policy.actor_of(request), ticket)
    files = Attachment.objects.filter(article__in=articles).select_related("blob")
    row = get_object_or_404(files, pk=attachment)
    confidential.opened(policy.actor_of(request), ticket)
    content = bytes_of(row.blob)
    if request.GET.get("inline") and row.content_type in PICTURES:
        return _guarded(HttpResponse(content, content_type=row.content_type), row.name, "inline")
    return download(content, row.name, row.content_type)


@require_GET
def source(request: HttpRequest, pk: int, article: int) -> HttpResponse:
    """Give out the raw mail of an article, to those who work on the ticket."""
    found = _article(request, pk, article)
    if permissions.reads_along(policy.actor_of(request), found.ticket):
        raise Http404
    rows = InboundMail.objects.filter(article=found, blob__isnull=False).select_related("blob")
    row = rows.order_by("pk").first()
    if row is None or row.blob is None:
        raise Http404
    return download(bytes_of(row.blob), f"mail-{row.pk}.eml", "message/rfc822")


@xframe_options_sameorigin
@require_GET
def frame(request: HttpRequest, pk: int, article: int) -> HttpResponse:
    """Return a mail's sanitised HTML for its sandboxed frame: no script, nothing from outside.

    With `?remote=1` the pictures of other servers are loaded, as the agent asked.
    """
    found = _article(request, pk, article)
    if not found.html:
        raise Http404
    remote = bool(request.GET.get("remote"))
    html, rules = taken_out(with_pictures(found, pk, remote=remote))
    nonce = secrets.token_urlsafe(16)
    page = (
        '<!doctype html><html><head><meta charset="utf-8"><title>–</title>'
        f'<meta name="referrer" content="no-referrer">'
        f'<style nonce="{nonce}">{FRAME_STYLE}{rules}</style></head><body>{html}</body></html>'
    )
    response = HttpResponse(page)
    pictures = "'self' http: https:" if remote else "'self'"
    response["Content-Security-Policy"] = (
        f"default-src 'none'; img-src {pictures}; style-src 'nonce-{nonce}'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response


def with_pictures(article: Article, ticket_pk: int, *, remote: bool) -> str:
    """Return the article's HTML with the pictures of the mail itself, and remote ones if asked."""
    own = {
        row.content_id.strip("<>"): reverse("helpdesk_agents:attachment", args=[ticket_pk, row.pk])
        + "?inline=1"
        for row in article.attachments.all()
        if row.content_id and row.content_type in PICTURES
    }

    def image(match: Any) -> str:
        values = dict(_ATTRIBUTE.findall(match[1]))
        values.pop("src", None)
        cid = unescape(values.get("data-cid", ""))
        if cid in own:
            values["src"] = escape(own[cid])
        elif remote and "data-remote-src" in values:
            values["src"] = values["data-remote-src"]
        return "<img" + "".join(f' {name}="{value}"' for name, value in values.items()) + ">"

    return _IMAGE.sub(image, with_hosts(article.html))


def with_hosts(html: str) -> str:
    """Return sanitised HTML in which every link says where it leads: to which server (shown by the style)."""
    return _LINK.sub(lambda match: f'<a data-host="{match[2]}"{match[1]}', html)
