"""*My requests*: list, request, reply, close, objection, files. Every query starts at the policy."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, Value, When
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from helpdesk import actions, limits, permissions, search, uploads
from helpdesk.actions import Draft
from helpdesk.errors import AlreadyDone, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Attachment, Channel, Ticket
from helpdesk.rules.answers import told
from helpdesk.states import OPEN_TYPES

from . import access, kept, parts, present, slow
from .forms import InvitationForm, ObjectionForm, ReplyForm

REQUESTS_A_PAGE = 25
MESSAGES_A_PAGE = 100
#: What a request's page leads to, by the way by which it was opened.
PAGES = (
    *("detail", "reply", "close", "objection", "withdraw"),
    *("invite", "uninvite", "share", "links", "download"),
)
#: Files of these types keep their type; all others are sent as unknown bytes.
HARMLESS = frozenset(
    {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"}
)


class MyRequests(View):
    """The requests of the person logged in: open ones first, the latest change on top."""

    @method_decorator(slow.limited)
    def get(self, request: HttpRequest) -> HttpResponseBase:
        actor = access.actor_of_request(request)
        if actor is None:
            return redirect_to_login(request.get_full_path())
        words = request.GET.get("q", "")[: search.MAX_QUERY]
        if words:
            limits.count("SEARCHES_PER_IP")
        is_open = Case(
            When(state__type__in=OPEN_TYPES, then=Value(1)),
            default=Value(0),
            output_field=IntegerField(),
        )
        tickets = (
            present.with_last_change(search.find_tickets(actor, words))
            .select_related("state", "customer")
            .prefetch_related("customer__addresses")
            .only(
                "number", "subject", "state", "channel", "created_at",
                "pending_until", "waiting_since", "contact", "customer__name",
            )
            .order_by(is_open.desc(), "-told_at", "-pk")
        )  # fmt: skip
        paginator = Paginator(tickets, REQUESTS_A_PAGE)
        page = paginator.get_page(request.GET.get("p"))
        rows = [present.summary_of(ticket, actor) for ticket in page]
        context = {
            "groups": [
                (_("Open requests"), [row for row in rows if row.is_open]),
                (_("Closed requests"), [row for row in rows if not row.is_open]),
            ],
            "words": words,
            "guest": actor.address,
            "pages": page,
            "page_numbers": list(paginator.get_elided_page_range(page.number)),
        }
        return access.discreet(render(request, "helpdesk/customers/list.html", context))


class RequestView(View):
    """One request, by its number (log-in) or by the token of its link.

    What must not be seen looks as if it were not there; so does a link that no longer holds.
    """

    door: access.Door
    #: Whether the request asked for was joined with the one behind the door.
    is_led_on = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token, number = kwargs.pop("token", ""), kwargs.pop("number", "")
        actor = None if token else access.actor_of_request(request)
        if not token and actor is None:
            page = reverse("helpdesk_customers:detail", kwargs={"number": number})
            return redirect_to_login(request.get_full_path() if request.method == "GET" else page)
        try:
            door = access.by_link(token) if actor is None else access.by_number(actor, number)
            self.door = access.at_home(door)
            self.is_led_on = self.door is not door
            response = super().dispatch(request, *args, **kwargs)
        except access.Gone as gone:
            context = {"erased": gone.erased}
            response = render(request, "helpdesk/customers/erased.html", context, status=410)
        except (Http404, NotFound, NotPermitted):
            response = self.gone() if token else self.absent()
        return access.discreet(response)

    def absent(self) -> HttpResponseBase:
        """Say that there is none with this number, in the same words whether there never was or is no more."""
        return render(self.request, "helpdesk/customers/absent.html", status=404)

    def gone(self) -> HttpResponseBase:
        """Say that the link leads nowhere; whoever tries many is made to wait."""
        try:
            limits.count("WRONG_LINKS_PER_IP")
        except limits.TooOften as error:
            return slow.too_often(self.request, error)
        return render(self.request, "helpdesk/customers/gone.html", status=404)

    def show(
        self,
        *,
        reply: ReplyForm | None = None,
        objection: ObjectionForm | None = None,
        invitation: InvitationForm | None = None,
        status: int = 200,
    ) -> HttpResponseBase:
        """Render the request with the given forms, or with fresh ones."""
        door, ticket = self.door, self.door.ticket
        articles = present.thread(permissions.visible_articles(door.actor, ticket))
        paginator = Paginator(articles, MESSAGES_A_PAGE)
        page = paginator.get_page(self.request.GET.get("p", paginator.num_pages))
        decides = permissions.may_decide(door.actor, ticket)
        context = {
            "door": door,
            "ticket": ticket,
            "status": present.status_of(ticket),
            "told_at": present.last_change(ticket, articles),
            "thread": present.messages_of(ticket, page, None if decides else door.actor),
            "answers": told(ticket.answers),
            "pages": page,
            "page_numbers": list(paginator.get_elided_page_range(page.number)),
            "notice": present.reply_notice(ticket),
            "reply": reply or ReplyForm(label_suffix=""),
            "objection": objection or ObjectionForm(),
            "storage": kept.storage_of(ticket, get_language() or ticket.language)
            if decides
            else None,
            "decides": decides,
            "owner": present.owner_of(ticket),
            "sharing": parts.sharing_of(door, invitation) if decides else None,
            "urls": {name: door.url(name) for name in PAGES},
        }
        return render(self.request, "helpdesk/customers/detail.html", context, status=status)

    def back(self, message: str, *, anchor: str = "") -> HttpResponseBase:
        """Say what happened and lead to the request again: reloading repeats nothing."""
        messages.success(self.request, message)
        return HttpResponseRedirect(self.door.url() + anchor)


class Detail(RequestView):
    def get(self, request: HttpRequest) -> HttpResponseBase:
        return HttpResponseRedirect(self.door.url()) if self.is_led_on else self.show()


class Reply(RequestView):
    def get(self, request: HttpRequest) -> HttpResponseBase:
        return HttpResponseRedirect(self.door.url())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = ReplyForm(request.POST, request.FILES, label_suffix="")
        if not form.is_valid():
            return self.show(reply=form, status=422)
        door, ticket = self.door, self.door.ticket
        try:
            count_reply(ticket, len(form.cleaned_data["attachments"]))
        except limits.TooOften as error:
            form.add_error(None, error.words)
            response = self.show(reply=form, status=429)
            response["Retry-After"] = str(error.seconds)
            return response
        draft = Draft(
            body=form.cleaned_data["body"],
            channel=Channel.WEB,
            from_name=door.actor.name,
            from_address=parts.address_of(door),
            files=form.uploads(),
            idempotency_key=f"reply-{ticket.pk}-{form.cleaned_data['key'].hex}",
        )
        try:
            article = actions.receive_message(
                actor=door.actor, ticket=ticket, draft=draft, customer=parts.writer_of(door)
            )
        except AlreadyDone as done:
            article = done.existing  # type: ignore[assignment]
        except (NotFound, NotPermitted):
            raise
        except HelpdeskError as error:
            form.add_error(None, str(error))
            return self.show(reply=form, status=422)
        # one that was joined with another customer's is dealt with there, and that is all to tell
        if article.ticket_id != ticket.pk and article.visible:
            messages.success(
                request,
                _("Your message has become the new request %(number)s.")
                % {"number": article.ticket.number},
            )
            return HttpResponseRedirect(door.url(ticket=article.ticket))
        return self.back(_("Your message has been received."))


def count_reply(ticket: Ticket, files: int) -> None:
    """Count a reply and its files against the limits. Raises `limits.TooOften`."""
    limits.count("REPLIES_PER_IP")
    limits.count("REPLIES_PER_REQUEST", str(ticket.pk))
    for _number in range(files):
        limits.count("UPLOADS_PER_IP")


class Close(RequestView):
    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not permissions.may_decide(self.door.actor, self.door.ticket):
            raise Http404
        if not self.door.ticket.state.is_open:
            return HttpResponseRedirect(self.door.url())
        context = {
            "door": self.door,
            "ticket": self.door.ticket,
            "urls": {name: self.door.url(name) for name in ("detail", "close")},
        }
        return render(request, "helpdesk/customers/close.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        actions.close_request(actor=self.door.actor, ticket=self.door.ticket)
        return self.back(_("The request is closed."))


class File(RequestView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        articles = permissions.visible_articles(self.door.actor, self.door.ticket)
        found = Attachment.objects.filter(pk=pk, article__in=articles.order_by())
        attachment = found.select_related("blob").first()
        if attachment is None or attachment.blob.is_quarantined:
            raise Http404
        try:
            content = attachment.blob.read()
        except FileNotFoundError as error:
            raise Http404 from error
        kind = attachment.content_type
        response = FileResponse(
            BytesIO(content),
            as_attachment=True,
            filename=uploads.clean_name(attachment.name),
            content_type=kind if kind in HARMLESS else "application/octet-stream",
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return response
