"""*Data subjects*: everything about one person, to be given out, corrected, erased or anonymised.

For whoever may deal with data subjects (`permissions.may_handle_persons`); for all others the screens are not there.
What is looked for and found is personal data: it is posted, and stands in no address that anybody could read.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import addressing, audit, permissions
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import AuditKind, Customer, DataExport, PersonErasure
from helpdesk.privacy import export, found, person_jobs, persons
from helpdesk.rules.blanking import Person

from . import person_words, policy

#: Lines of what was done lately.
LATELY = 15


class SearchForm(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Person"),
        max_length=200,
        min_length=persons.MIN_QUERY,
        help_text=gettext_lazy("Mail address, name or log-in name"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "type": "search"}),
    )


class ReferenceForm(forms.Form):
    """The file number of a request, for the audit log."""

    reference = forms.CharField(
        label=gettext_lazy("File number"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("It stands in the audit log: write no name here."),
    )


class EraseForm(ReferenceForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("What is to be done?"),
        choices=[
            (
                PersonErasure.Kind.ERASE,
                gettext_lazy(
                    "Erase: requests that are theirs alone, and what they wrote in those of others"
                ),
            ),
            (
                PersonErasure.Kind.ANONYMISE,
                gettext_lazy("Anonymise: the texts stay, without name, addresses and files"),
            ),
        ],
        widget=forms.RadioSelect,
        initial=PersonErasure.Kind.ERASE,
    )
    ground = forms.ChoiceField(label=gettext_lazy("Reason"), choices=PersonErasure.Ground.choices)
    confirm = forms.CharField(
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("kind", "ground", "reference", "confirm")

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["confirm"].label = (
            _("Type a mail address of the person to confirm")
            if person.addresses
            else _("Type “%(name)s” to confirm") % {"name": person.title}
        )

    def clean_confirm(self) -> str:
        """Take an address of the person in any spelling; of who has none, what they are called."""
        typed = str(self.cleaned_data["confirm"]).strip()
        known = {one.casefold() for one in self.person.addresses | self.person.spelled}
        if not known:
            known = {self.person.title.casefold()}
        canonical = addressing.canonical(typed) if addressing.is_address(typed) else typed
        if not {typed.casefold(), canonical.casefold()} & known:
            raise forms.ValidationError(self._asked())
        return typed

    def _asked(self) -> str:
        if self.person.addresses:
            return _("This is no mail address of the person.")
        return _("Please type “%(name)s”, as it stands here.") % {"name": self.person.title}


class PersonsBase(WagtailAdminTemplateMixin, TemplateView):
    """What the screens have in common: the guard, the path, the person."""

    header_icon = "user"
    page_title: Any = gettext_lazy("Data subjects")
    _show_breadcrumbs = True
    person: Person
    key = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.actor = policy.actor_of(request)
        if not permissions.may_handle_persons(self.actor):
            raise Http404
        self.key = str(kwargs.get("key", ""))
        if self.key:
            person = persons.by_key(self.key)
            if person is None:
                raise Http404
            self.person = person
        response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        here = {"url": "", "label": str(self.page_title)}
        above = [{"url": reverse("helpdesk_agents:persons"), "label": _("Data subjects")}]
        if self.key and not isinstance(self, PersonView):
            above.append({"url": self.sheet(), "label": self.person.title})
        return [*self.breadcrumbs_items, *(above if self.key else []), here]

    def sheet(self) -> str:
        """Return the address of the person's sheet."""
        return reverse("helpdesk_agents:person", args=[self.key])


class PersonsView(PersonsBase):
    """The search; and what was asked for lately.

    What was looked for goes into the address encrypted: going back to what was found, and reloading it, ask nothing again.
    """

    template_name = "helpdesk/agents/persons.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        words = persons.read_words(request.GET.get("for", ""))
        if not words:
            return self.render_to_response(self.get_context_data())
        candidates = persons.find(words)
        persons.write_down(candidates, user=request.user)
        context = self.get_context_data(form=SearchForm({"q": words}), candidates=candidates)
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = SearchForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        asked = urlencode({"for": persons.hidden_words(form.cleaned_data["q"])})
        return redirect(f"{reverse('helpdesk_agents:persons')}?{asked}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", SearchForm())
        exports = DataExport.objects.filter(is_complete=True).select_related("blob", "customer")
        erasures: list[Any] = list(PersonErasure.objects.all()[:LATELY])
        for one in erasures:
            one.summary = person_words.did(one.counts)
        return super().get_context_data(
            erasures=erasures,
            exports=exports.filter(expires_at__gt=timezone.now())[:LATELY],
            **kwargs,
        )


class PersonView(PersonsBase):
    """Everything that was found about one person. Opening it is written down."""

    template_name = "helpdesk/agents/person.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.page_title = self.person.title
        data: dict[str, Any] = {"whom": persons.digest_of(self.person)[:12]}
        if self.person.customers:
            data["customer"] = self.person.customers[0]
        audit.record(AuditKind.PERSON_LOOKED_UP, user=request.user, data=data)
        return self.render_to_response(self.get_context_data())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.person
        exports = DataExport.objects.filter(is_complete=True, expires_at__gt=timezone.now())
        mine = exports.filter(customer__in=person.customers) if person.customers else exports.none()
        return super().get_context_data(
            key=self.key,
            person=person,
            sections=found.everything(self.actor, person),
            customers=Customer.objects.filter(pk__in=person.customers)
            .select_related("organisation", "user")
            .prefetch_related("addresses"),
            exports=mine.select_related("blob", "customer"),
            is_staff=persons.is_staff(person),
            reference=ReferenceForm(),
            **kwargs,
        )


class ExportView(PersonsBase):
    """Has the complete export made."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ReferenceForm(request.POST)
        if not form.is_valid():
            messages.error(request, form.errors["reference"][0])
            return redirect(self.sheet())
        export.ask_complete(
            actor=self.actor,
            person=self.person,
            language=get_language() or "",
            reference=form.cleaned_data["reference"],
        )
        messages.success(request, _("The archive is being made. It stands here when it is ready."))
        return redirect(reverse("helpdesk_agents:persons"))


class ExportFileView(PersonsBase):
    """Gives out a complete export, and writes it down."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        rows = DataExport.objects.filter(is_complete=True, state=DataExport.State.READY)
        row = get_object_or_404(rows.select_related("blob"), pk=kwargs["pk"])
        try:
            file = export.open_archive(row=row, user=request.user)
        except NotFound as error:
            raise Http404 from error
        response = FileResponse(
            file,
            as_attachment=True,
            filename=f"export-{row.pk}.zip",
            content_type="application/zip",
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response


class EraseView(PersonsBase):
    """Shows what erasing would do, and has it done after an address was typed."""

    template_name = "helpdesk/agents/person_erase.html"
    page_title = gettext_lazy("Erase or anonymise")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.shown(EraseForm(person=self.person))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = EraseForm(request.POST, person=self.person)
        if not form.is_valid():
            return self.shown(form, status=422)
        data = form.cleaned_data
        try:
            person_jobs.ask(
                actor=self.actor,
                person=self.person,
                kind=data["kind"],
                ground=data["ground"],
                reference=data["reference"],
            )
        except NotPermitted as error:
            raise Http404 from error
        except HelpdeskError as error:
            form.add_error(None, str(error))
            return self.shown(form, status=422)
        messages.success(request, _("It is being done. How far it is stands here."))
        return redirect(reverse("helpdesk_agents:persons"))

    def shown(self, form: EraseForm, *, status: int = 200) -> HttpResponse:
        counts = person_jobs.preview(self.person)
        context = self.get_context_data(
            person=self.person,
            form=form,
            lines=person_words.would(counts),
            held=person_words.held(counts["held"]) if counts["held"] else "",
            is_staff=persons.is_staff(self.person),
            back=self.sheet(),
        )
        return self.render_to_response(context, status=status)
