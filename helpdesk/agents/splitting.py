"""A further ticket for what a message also asks."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages

from helpdesk import actions, addressing, permissions
from helpdesk.errors import AlreadyDone, HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Article, Queue, Right, Ticket, queue_map
from helpdesk.permissions import Actor

from . import openings, policy
from .ticket_page import TicketPage
from .tickets_list import queue_choices


class SplitForm(forms.Form):
    """Where the new ticket goes and what it is called."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=250)
    queue = forms.ChoiceField(label=gettext_lazy("Queue"))
    opens = openings.field()
    receipt = forms.BooleanField(label=gettext_lazy("Send the customer a receipt"), required=False)
    idempotency_key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actor: Actor, ticket: Ticket, article: Article, **kwargs: Any):
        super().__init__(*args, **{"auto_id": "hd-split-%s", "label_suffix": "", **kwargs})
        self.actor, self.ticket, self.article = actor, ticket, article
        fields: Any = self.fields
        fields["queue"].choices = queue_choices(actor.queues_with(Right.CREATE))
        fields["queue"].initial = ticket.queue_id
        fields["subject"].initial = addressing.clean_subject(article.subject) or ticket.subject
        fields["idempotency_key"].initial = lambda: uuid.uuid4().hex
        openings.ask(self, ticket, queue_map())

    def apply(self) -> Ticket:
        """Open the new ticket and return it. Raises what `actions.split` does."""
        data = self.cleaned_data
        try:
            return actions.split(
                actor=self.actor,
                ticket=self.ticket,
                article=self.article,
                queue=get_object_or_404(Queue, pk=data["queue"]),
                subject=data["subject"],
                receipt=data["receipt"],
                opens=bool(data.get("opens")),
                idempotency_key=data["idempotency_key"],
            ).ticket
        except AlreadyDone as done:
            return cast("Ticket", done.existing)


class SplitView(TicketPage):
    """The message, and the form for the new ticket."""

    template_name = "helpdesk/agents/split.html"
    header_icon = "copy"
    page_title = gettext_lazy("New ticket from a message")

    def prepare(self, **kwargs: Any) -> None:
        if not policy.may_open(self.actor):
            raise Http404
        articles = permissions.visible_articles(self.actor, self.ticket)
        self.article = get_object_or_404(articles, pk=kwargs["article"])

    def _form(self, *args: Any) -> SplitForm:
        return SplitForm(*args, actor=self.actor, ticket=self.ticket, article=self.article)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(self._form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if form.is_valid():
            try:
                made = form.apply()
            except (NotPermitted, NotFound) as error:
                raise Http404 from error
            except HelpdeskError as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            else:
                said = _("The ticket %(number)s is open.") % {"number": made.number}
                messages.success(request, said)
                seen = permissions.visible_tickets(self.actor).filter(pk=made.pk).exists()
                return redirect("helpdesk_agents:ticket", made.pk if seen else self.ticket.pk)
        return self._show(form, status=422)

    def _show(self, form: SplitForm, status: int = 200) -> HttpResponse:
        files = self.article.attachments.all()
        context = self.get_context_data(
            ticket=self.ticket, article=self.article, form=form, files=files
        )
        return self.render_to_response(context, status=status)
