"""The intake form as a page: what an editor sets, what a visitor sees, what is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from wagtail.contrib.forms.models import FormMixin
from wagtail.fields import RichTextField, StreamField
from wagtail.search import index

from helpdesk import actions, addressing, duplicates, limits, permissions
from helpdesk.actions import Draft, Origin
from helpdesk.errors import AlreadyDone, Blocked
from helpdesk.models import Article, Channel, Customer, Priority, Queue, Ticket, TicketType
from helpdesk.rules.terms import Objection, Terms

from . import acceptance, alike, holding, seen, snapshot, steps
from .acceptance import AcceptanceMixin, NotAccepted, Phase
from .audience import AudienceMixin
from .base import PromisingMixin, form_key_of, source_of
from .editing import PANELS, IntakeEditForm, try_url
from .forms import IntakeForm
from .giving_back import Version
from .routing import RoutingMixin
from .sending import count_form, count_long_lists, read_reference, reference, status_url
from .storage import StorageMixin
from .stream import FormFieldsBlock
from .wordings import WordingMixin

_PLAIN = ["bold", "italic", "link", "document-link", "ol", "ul", "h3"]


class IntakeFormMixin(
    FormMixin,
    RoutingMixin,
    WordingMixin,
    AcceptanceMixin,
    AudienceMixin,
    StorageMixin,
    PromisingMixin,
):
    """A page with a form; each submission opens one ticket in `queue`, or where its routes lead.

    Fields are blocks of one stream, `fields`. There are no submission rows: Wagtail's list of
    submissions reads the tickets made by this form in any language (`form_key`).
    """

    queue = models.ForeignKey(
        Queue,
        models.PROTECT,
        verbose_name=_("queue"),
        related_name="+",
        help_text=_("Where the requests go."),
    )
    ticket_type = models.ForeignKey(
        TicketType,
        models.PROTECT,
        verbose_name=_("type of the tickets"),
        null=True,
        blank=True,
        related_name="+",
    )
    priority = models.ForeignKey(
        Priority,
        models.PROTECT,
        verbose_name=_("priority of the tickets"),
        null=True,
        blank=True,
        related_name="+",
    )
    intro = RichTextField(_("introduction"), blank=True, features=_PLAIN)
    fields = StreamField(FormFieldsBlock(), verbose_name=_("fields"))

    intake_panels = PANELS
    intake_search_fields = [index.SearchField("intro")]

    base_form_class = IntakeEditForm
    shipped_template = "helpdesk/pages/intake_form.html"
    shipped_landing_template = "helpdesk/pages/intake_thanks.html"
    outside_template = "helpdesk/pages/intake_outside.html"

    class Meta:
        abstract = True

    # --- Wagtail's side ---

    def get_template(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return [self.template, self.shipped_template]

    def get_landing_page_template(self, *args: Any, **kwargs: Any) -> Any:
        return [self.landing_page_template, self.shipped_landing_template]

    def get_form_fields(self) -> Any:
        return self.fields

    def get_data_fields(self) -> list[tuple[str, str]]:
        """Return key and label of each field, as the form stands now."""
        with translation.override(self.locale.language_code):  # that of the field sets in it
            children = self.fields.stream_block.inputs(self.fields)
        return [(child.value["key"], child.value["label"]) for child in children]

    def get_submissions(self) -> models.QuerySet[Ticket]:
        """Return nothing: tickets are read through the policy, and never deleted from here."""
        return Ticket.objects.none()

    def get_submissions_list_view_class(self) -> Any:
        # Wagtail's views can be imported only once all models are there
        return import_string("helpdesk.pages.submissions.TicketSubmissionsView")

    def get_form(self, *args: Any, **kwargs: Any) -> IntakeForm:
        """Return the form for `user`, bound if data is given."""
        with translation.override(self.locale.language_code):  # that of the field sets in it
            return IntakeForm(
                *args,
                stream=self.fields,
                user=kwargs.get("user"),
                parameters=kwargs.get("parameters"),
                holding=kwargs.get("holding"),
                version=Version.of(self),
                objection=self.objection_offered(self.terms()),
                label_suffix="",
            )

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        context["retention_sentence"] = self.terms().retention_sentence
        return context

    def get_preview_context(self, request: HttpRequest, mode_name: str) -> dict[str, Any]:
        context: dict[str, Any] = super().get_preview_context(request, mode_name)
        return context | {"try_url": try_url(self) if self.pk else ""}

    def render_landing_page(
        self, request: HttpRequest, form_submission: Any = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the thank-you page; `form_submission` is the ticket, or None if it is not to be named."""
        context = self.get_context(request)
        context["ticket"] = form_submission
        is_sample = form_submission is None and getattr(request, "is_preview", False)
        context["thank_you"] = (
            self.sample_thanks() if is_sample else self.thanks_for(form_submission)
        )
        # an address that was only typed proves nothing: its owner gets the link by mail
        is_known = form_submission is not None and request.user.is_authenticated
        context["status_url"] = status_url(form_submission) if is_known else ""
        template = self.get_landing_page_template(request)
        return TemplateResponse(request, template, context)

    @method_decorator(never_cache)
    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_preview(request):
            if not self.may_send(request.user):
                return self.refuse(request)
            if request.method == "POST":
                return self._taken(request)
            if "done" in request.GET:
                return self.render_landing_page(request, read_reference(request.GET["done"]))
            phase = self.phase()
            if phase is not Phase.OPEN:
                return self._outside(request, phase)
        form = self.get_form(user=request.user, parameters=request.GET)
        return self._form_page(request, form)

    def _taken(self, request: HttpRequest) -> HttpResponse:
        """Answer to a form that was sent: what is refused is shown again with everything in it."""
        if steps.is_check(request):
            return self._checked(request)
        form = holding.sent_form(self, request)
        if form.is_outdated:
            form.show_anew()
            return self._shown_again(request, form, 409, holds=self.phase() is Phase.OPEN)
        status, wait, holds = 200, 0, False
        try:
            if form.is_valid() and request.POST.get(alike.ANSWER) != "edit":
                count_form(form)
                return self.answer(form, request)
            repeated = alike.repeated(request, self, form)
            if repeated is not None:
                return repeated
            self.check_open(request.POST.get("shown_at", ""))
            holds = True
        except holding.Gone:  # it stays so: the same again finds it missing from the start
            return self._taken(request)
        except Blocked as error:
            form.add_error(None, str(error))
        except NotAccepted as error:
            form.add_error(None, error.words)
            status = 409
        except limits.TooOften as error:
            form.add_error(None, error.words)
            status, wait = 429, error.seconds
        return self._shown_again(request, form, status, wait, holds=holds)

    def _shown_again(
        self,
        request: HttpRequest,
        form: IntakeForm,
        status: int = 200,
        wait: int = 0,
        *,
        holds: bool = False,
    ) -> HttpResponse:
        """Show a form with all that was sent; if it `holds`, with its files, too."""
        try:
            count_long_lists(form)
            if holds:
                holding.keep(form)
            response = self._form_page(request, form)
        except (
            limits.TooOften
        ) as error:  # to show it is what costs: the browser has all of it, one page back
            status, wait = 429, error.seconds
            response = self._instead(request, error.words)
        response.status_code = status
        if wait:
            response["Retry-After"] = str(wait)
        return response

    def _checked(self, request: HttpRequest) -> HttpResponse:
        """Answer to the script that asks for the errors of a step: a form that is not open names no field."""
        try:
            self.check_open(request.POST.get("shown_at", ""))
        except NotAccepted as error:
            return steps.not_open(error.words)
        form = holding.sent_form(self, request)
        return steps.not_open(str(seen.CHANGED)) if form.is_outdated else steps.check(form)

    def _form_page(self, request: HttpRequest, form: IntakeForm) -> HttpResponse:
        context = self.get_context(request)
        context["form"] = form
        return TemplateResponse(request, self.get_template(request), context)

    def _outside(self, request: HttpRequest, phase: Phase) -> HttpResponse:
        return self._instead(request, acceptance.sentence(self, phase), self.text_outside(phase))

    def _instead(self, request: HttpRequest, sentence: str, text: str = "") -> HttpResponse:
        """Show a sentence in place of the form, or the editor's `text`."""
        context = {**self.get_context(request), "text": text, "sentence": sentence}
        return TemplateResponse(request, self.outside_template, context)

    def thanks_url(self, request: HttpRequest, ticket: Ticket) -> str:
        """Return the address that the browser is sent to after `ticket` was opened."""
        return f"{request.path}?{urlencode({'done': reference(ticket)})}"

    # --- our side ---

    def terms(self, objection: Objection | None = None) -> Terms:
        """Return what this form promises now: the queue's terms where the page says nothing."""
        language = self.locale.language_code
        inherited = actions.terms_of(self.queue, language=language, objection=objection)
        promise_id = self.promised()
        return self.storage_terms(replace(inherited, promise_id=promise_id))

    def answer(self, form: IntakeForm, request: HttpRequest) -> HttpResponse:
        """Make of a valid form what its sender wants; ask first if there is an open request like it."""
        if not self.is_known(form):
            self.check_open(form.cleaned_data["shown_at"])
            answers = self.answers(form)
            draft = self.draft(form, answers)
            asked = alike.question(
                request,
                form,
                subject=draft.subject,
                text=duplicates.words_of(answers),
                form_key=self.form_key,
                context=self.get_context(request),
            )
            if asked is not None:
                return asked
            with transaction.atomic():
                article = alike.add(request, draft, self.key_of(form))
                if article is not None:  # its sender read what this form promises
                    holding.use(form)
                    actions.shorten_terms(
                        tickets=[article.ticket_id], promised=lambda _ticket: self.terms()
                    )
            if article is not None:
                return self.added(form, request, article)
        return HttpResponseRedirect(self.thanks_url(request, self.receive(form, request)))

    def added(self, form: IntakeForm, request: HttpRequest, article: Article) -> HttpResponse:
        """End for a form that was added to an own request: an objection made with it holds there."""
        actor = permissions.customer(actions.customer_for_user(request.user))
        if form.cleaned_data.get("objects_to_storage"):
            actions.object_to_storage(actor=actor, ticket=article.ticket, channel=Channel.WEB)
        return alike.added(request, article.ticket, self.thanks_url(request, article.ticket))

    def answers(self, form: IntakeForm) -> tuple[dict[str, Any], ...]:
        """Return the snapshot of a valid form, in the page's language."""
        with translation.override(self.locale.language_code):
            return snapshot.take(form)

    def draft(self, form: IntakeForm, answers: tuple[dict[str, Any], ...]) -> Draft:
        """Return what a valid form says as a message."""
        name, queue = form.cleaned_data["contact_name"], self.routed(answers).queue
        return Draft(
            body=snapshot.as_text(answers),
            channel=Channel.WEB,
            subject=self.subject_for(answers, form=form, name=name, queue=queue),
            from_name=name,
            from_address=form.cleaned_data["contact_email"],
            extra=actions.private_words(answers),
            files=form.uploads(),
        )

    def is_known(self, form: IntakeForm) -> bool:
        """Tell whether this very submission opened a ticket before."""
        key = self.key_of(form)
        return key is not None and Ticket.objects.filter(submission_key=key).exists()

    def key_of(self, form: IntakeForm) -> str | None:
        """Return what tells this very submission from others; None if the form came without a key."""
        key = form.cleaned_data["submission_key"]
        return snapshot.fingerprint(key, str(self.translation_key), form)

    @transaction.atomic
    def receive(self, form: IntakeForm, request: HttpRequest) -> Ticket:
        """Open the ticket of a valid form, or return the one this very submission made before.

        Raises `NotAccepted` if somebody else took the last place in this moment.
        """
        key = self.key_of(form)
        self.lock_places()
        before = Ticket.objects.filter(submission_key=key).first() if key else None
        if before is not None:
            return before
        if self.is_full():
            raise NotAccepted(acceptance.refusal(self, Phase.FULL))
        holding.use(form)
        return self.open(form, self.asker(form, request.user))

    def open(self, form: IntakeForm, customer: Customer, *, is_test: bool = False) -> Ticket:
        """Open the ticket of a valid form for a customer. A test goes the same way and has no address."""
        answers = self.answers(form)
        draft, route = self.draft(form, answers), self.routed(answers)
        origin = Origin(
            self.pk,
            self.latest_revision_id if is_test else self.seen_revision_id(),
            self.form_key,
            answers,
            self.receipt_for(answers, route.queue),
        )
        try:
            opened = actions.open_ticket(
                actor=permissions.customer(customer),
                queue=route.queue,
                subject=draft.subject,
                draft=draft,
                customer=customer,
                contact="" if is_test else addressing.canonical(draft.from_address),
                language=self.locale.language_code,
                terms=self.terms(self.objection(form)),
                origin=origin,
                type_=route.type_,
                priority=route.priority,
                owner=route.owner,
                submission_key=self.key_of(form),
                is_test=is_test,
            )
        except AlreadyDone as done:
            return cast(Ticket, done.existing)
        return opened.ticket

    def asker(self, form: IntakeForm, user: Any) -> Customer:
        """Return who asks: the account's customer, or the one who holds the address given."""
        if user.is_authenticated:
            return actions.customer_for_user(user)
        return actions.customer_for_address(
            form.cleaned_data["contact_email"],
            name=form.cleaned_data["contact_name"],
            language=self.locale.language_code,
        )

    def seen_revision_id(self) -> int | None:
        """Return the revision the visitor sees; an alias shows that of its source."""
        return source_of(self).live_revision_id

    @property
    def form_key(self) -> UUID:
        """The key of this form's data: one for all its languages and aliases."""
        return form_key_of(self)


def is_preview(request: HttpRequest) -> bool:
    """Tell whether an editor looks at the page in the preview."""
    return bool(getattr(request, "is_preview", False))
