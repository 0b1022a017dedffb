"""Automatic answers in the admin: four texts a row, the variables beside them, and a preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import BooleanColumn, Column

from helpdesk import addressing
from helpdesk.actions.terms import terms_of
from helpdesk.models import AutoResponse, Queue
from helpdesk.notifications import builtin, compose, responses, variables
from helpdesk.rules import wording

from . import policy
from .tickets_list import queue_choices
from .viewsets import DeskForm, DeskViewSet, PolicedCreate, PolicedEdit, PolicedIndex

_TEXT = forms.Textarea(attrs={"rows": 12})
_TEXTS = ("subject_de", "body_de", "subject_en", "body_en")
_LANGUAGES = (("de", gettext_lazy("German")), ("en", gettext_lazy("English")))


class ResponseForm(DeskForm):
    """Queue and kind are chosen once; a text may name only variables of its kind."""

    class Meta:
        model = AutoResponse
        fields = ["queue", "kind", "is_active", *_TEXTS]
        widgets = {"body_de": _TEXT, "body_en": _TEXT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        managed = policy.led(policy.actor_for(self.for_user))
        fields["queue"].queryset = Queue.objects.filter(pk__in=managed)
        fields["queue"].choices = queue_choices(managed)
        fields["queue"].help_text = _("Holds below it too, where a queue has no answer of its own.")
        fields["kind"].choices = AutoResponse.Kind.choices
        for name in ("queue", "kind"):
            fields[name].disabled = self.instance.pk is not None
        for name in ("subject_de", "subject_en"):
            fields[name].help_text = _(
                "Empty: the subject of the ticket. Its number stands before it."
            )
        for name in ("body_de", "body_en"):
            fields[name].help_text = _("Empty: the built-in text. A blank line begins a paragraph.")

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        known = variables.names(variables.KNOWN.get(data.get("kind", ""), ()))
        for name in _TEXTS if known else ():
            try:
                wording.check(data.get(name) or "", known)
            except wording.WordingError as error:
                self.add_error(name, str(error))
        return data


@dataclass(frozen=True)
class Preview:
    """One mail as a customer would get it, in one language."""

    language: str
    label: Any
    subject: str
    body: str
    html: SafeString
    builtin: str


def previews(row: AutoResponse) -> list[Preview]:
    """Return what a row says for a sample ticket, in German and English."""
    return [_preview(row, code, label) for code, label in _LANGUAGES]


def _preview(row: AutoResponse, language: str, label: Any) -> Preview:
    queue = row.queue
    address = compose.sender_of(queue)[1]
    words = responses.wording_of(row, language)
    sentence = terms_of(queue, language=language).retention_sentence
    number = "2026031510000427"
    signature = compose.signature_of(queue, language, number=number)
    with translation.override(language):
        values = variables.sample(queue, row.kind, address=address, sentence=sentence)
        subject = wording.fill_line(words.subject or "{{ subject }}", values)
        paragraphs = wording.fill_html(words.body, values)
        sign = linebreaks(signature, autoescape=True) if signature else ""
        return Preview(
            language=language,
            label=label,
            subject=addressing.tag_subject(subject, number),
            body=compose.with_signature(wording.fill(words.body, values), signature),
            # both escape everything that people wrote
            html=mark_safe(paragraphs + (f"<div>-- </div>{sign}" if sign else "")),  # noqa: S308
            builtin=builtin.text(row.kind),
        )


class PreviewMixin:
    """The form with its variables and previews; the button *Preview* saves nothing."""

    request: HttpRequest
    form: Any
    object: Any

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "preview" not in request.POST:
            return super().post(request, *args, **kwargs)  # type: ignore[misc,no-any-return]
        self.prepare()
        self.form = self.get_form()  # type: ignore[attr-defined]
        self.form.is_valid()
        context = self.get_context_data(form=self.form)
        context["has_unsaved_changes"] = True
        return self.render_to_response(context)  # type: ignore[attr-defined,no-any-return]

    def prepare(self) -> None:
        """Find the row that is edited."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        form = context["form"]
        kind = form["kind"].value() or AutoResponse.Kind.RECEIVED
        context["variables"] = variables.KNOWN.get(kind, ())
        shown = form.instance.pk or (form.is_bound and form.is_valid())
        shown = shown and not (form.is_bound and not form.is_valid())
        context["previews"] = previews(form.instance) if shown else []
        return context


class ResponseCreate(PreviewMixin, PolicedCreate):
    def prepare(self) -> None:
        self.object = None

    def get_initial(self) -> dict[str, Any]:
        asked = {name: self.request.GET.get(name, "") for name in ("queue", "kind")}
        return {**super().get_initial(), **{name: value for name, value in asked.items() if value}}


class ResponseEdit(PreviewMixin, PolicedEdit):
    def prepare(self) -> None:
        self.object = self.get_object()


class ResponseIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("queue").defer(*_TEXTS)


class ResponseViewSet(DeskViewSet):
    model = AutoResponse
    name, url_prefix = "helpdesk_responses", "helpdesk/responses"
    icon = "comment"
    form_class = ResponseForm
    index_view_class = ResponseIndex
    add_view_class = ResponseCreate
    edit_view_class = ResponseEdit
    create_template_name = edit_template_name = "helpdesk/agents/response_form.html"
    search_fields = ["queue__name"]
    list_display = [
        "queue",
        Column("kind", label=gettext_lazy("When"), accessor="get_kind_display"),
        BooleanColumn("is_active", label=gettext_lazy("Is sent")),
    ]


# --- on the page of a queue ----------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What a queue says in one case, in a few words, and where that is changed."""

    when: str
    what: str
    url: str
    does: str


def overview(queue: Queue) -> list[Line]:
    """Return one line for each kind of automatic answer, as it holds in `queue`. One query."""
    lineage = queue.lineage()
    rows: dict[tuple[int, str], AutoResponse] = {
        (row.queue_id, row.kind): row
        for row in AutoResponse.objects.filter(queue__in=[one.pk for one in lineage]).defer(*_TEXTS)
    }
    lines = []
    for kind in AutoResponse.Kind:
        found = next((rows[one.pk, kind] for one in lineage if (one.pk, kind) in rows), None)
        own = found is not None and found.queue_id == queue.pk
        add = f"{reverse('helpdesk_responses:add')}?queue={queue.pk}&kind={kind.value}"
        url = reverse("helpdesk_responses:edit", args=[found.pk]) if own and found else add
        source = next((one.name for one in lineage if found and one.pk == found.queue_id), "")
        does = _("Change") if own else _("Write your own")
        lines.append(Line(str(kind.label), _in_words(queue, kind, found, source), url, does))
    return lines


def _in_words(queue: Queue, kind: AutoResponse.Kind, row: AutoResponse | None, source: str) -> str:
    if kind == AutoResponse.Kind.RECEIVED and not queue.sends_receipt:
        return _("nothing is sent: this queue confirms no receipt")
    if row is None:
        return _("nothing is sent") if kind == AutoResponse.Kind.APPENDED else _("built-in text")
    if not row.is_active:
        if row.queue_id == queue.pk:
            return _("nothing is sent")
        return _("nothing is sent, as in the queue “%(queue)s”") % {"queue": source}
    if row.queue_id == queue.pk:
        return _("own text")
    return _("text of the queue “%(queue)s”") % {"queue": source}
