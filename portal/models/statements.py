"""What a public body has to say about its site: the accessibility statement, and the privacy notice."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail import blocks
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.search import index

from helpdesk.pages.service import SummaryMixin
from portal import statements

_PLAIN = ["bold", "italic", "link", "document-link", "ol", "ul"]


class Conformance(models.TextChoices):
    FULL = "full", _("fully")
    PARTIAL = "partial", _("partly")
    NONE = "none", _("not")


class Method(models.TextChoices):
    OWN = "own", _("we have examined the site ourselves")
    OTHERS = "others", _("others have examined it for us")


class Reason(models.TextChoices):
    NOT_YET = "not_yet", _("not accessible yet")
    BURDEN = "burden", _("a disproportionate burden")
    EXEMPT = "exempt", _("outside the scope of the law")


class BarrierBlock(blocks.StructBlock):
    """Something that is not accessible, and why."""

    what = blocks.CharBlock(label=_("What is not accessible"), max_length=250)
    reason = blocks.ChoiceBlock(
        label=_("Reason"), choices=Reason.choices, default=Reason.NOT_YET.value
    )
    text = blocks.TextBlock(
        label=_("Explanation"),
        required=False,
        help_text=_("Why, which other way there is, and by when it will be mended."),
    )

    class Meta:
        icon = "warning"
        label = _("Barrier")
        label_format = "{what}"


class PurposeBlock(blocks.StructBlock):
    """A purpose for which data of persons are used."""

    purpose = blocks.CharBlock(label=_("Purpose"), max_length=250)
    data = blocks.TextBlock(label=_("Which data"), required=False)
    basis = blocks.CharBlock(label=_("Legal basis"), required=False, max_length=250)

    class Meta:
        icon = "doc-full"
        label = _("Purpose")
        label_format = "{purpose}"


class StatementForm(WagtailAdminPageForm):
    """Begins a new page with our text in the language of the place where it is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        page = self.instance
        if page.pk is None and not self.is_bound and self.parent_page is not None:
            for name, value in page.start(self.parent_page.locale.language_code).items():
                self.initial[name] = page._meta.get_field(name).to_python(value)


class StatementMixin(SummaryMixin):
    """A page that starts with text of ours, and whose translation does so, too, where nothing was changed."""

    base_form_class = StatementForm

    class Meta:
        abstract = True

    def start(self, language: str) -> dict[str, Any]:
        """Return the text that a new page begins with, by field."""
        return statements.start(type(self).__name__, language)

    def copy_for_translation(self, locale: Any, *args: Any, **kwargs: Any) -> Any:
        copy = super().copy_for_translation(locale, *args, **kwargs)
        ours, theirs = self.start(self.locale.language_code), self.start(locale.language_code)
        unchanged = {name for name in ours if _same(getattr(self, name), ours[name])}
        for name in unchanged:
            setattr(copy, name, copy._meta.get_field(name).to_python(theirs[name]))
        if unchanged and copy.alias_of_id is None:
            copy.save()
            copy.save_revision(changed=False, clean=False)
        return copy


def _same(found: Any, start: Any) -> bool:
    """Tell whether a text is still the one begun with, whatever tags the editor has drawn it with."""
    if not isinstance(found, str) or not isinstance(start, str):
        return False
    return strip_tags(found).split() == strip_tags(start).split()


class AccessibilityStatementPage(StatementMixin, Page):
    """The statement of (EU) 2018/1523: how accessible the site is, what is not, and whom to tell."""

    scope = models.CharField(
        _("what it is about"),
        max_length=250,
        blank=True,
        help_text=_("The addresses of the sites, for example help.example.org."),
    )
    legal_basis = models.CharField(_("legal basis"), max_length=250, blank=True)
    standard = models.CharField(_("standard"), max_length=150, blank=True)
    conformance = models.CharField(
        _("meets the standard"),
        max_length=10,
        choices=Conformance.choices,
        default=Conformance.PARTIAL,
    )
    barriers = StreamField(
        blocks.StreamBlock([("barrier", BarrierBlock())], required=False),
        verbose_name=_("what is not accessible"),
        blank=True,
    )
    prepared_on = models.DateField(_("prepared on"), null=True, blank=True)
    reviewed_on = models.DateField(_("last examined on"), null=True, blank=True)
    method = models.CharField(
        _("way of examining"), max_length=10, choices=Method.choices, default=Method.OWN
    )
    method_text = RichTextField(_("how it was examined"), blank=True, features=_PLAIN)
    feedback = RichTextField(
        _("reporting barriers"),
        blank=True,
        features=_PLAIN,
        help_text=_("What people may report and ask for, and by when they have an answer."),
    )
    feedback_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("form for reports"),
        null=True,
        blank=True,
        related_name="+",
    )
    feedback_email = models.EmailField(_("e-mail address for reports"), blank=True)
    feedback_phone = models.CharField(_("phone for reports"), max_length=50, blank=True)
    enforcement = RichTextField(
        _("enforcement"),
        blank=True,
        features=_PLAIN,
        help_text=_("Which body people may turn to if the answer does not satisfy them."),
    )

    content_panels = [
        *Page.content_panels,
        *SummaryMixin.summary_panels,
        MultiFieldPanel(
            [FieldPanel("scope"), FieldPanel("legal_basis"), FieldPanel("standard")],
            heading=_("What it is about"),
        ),
        FieldPanel("conformance"),
        FieldPanel("barriers"),
        MultiFieldPanel(
            [
                FieldPanel("prepared_on"),
                FieldPanel("reviewed_on"),
                FieldPanel("method"),
                FieldPanel("method_text"),
            ],
            heading=_("How it was examined"),
        ),
        MultiFieldPanel(
            [
                FieldPanel("feedback"),
                FieldPanel("feedback_page"),
                FieldPanel("feedback_email"),
                FieldPanel("feedback_phone"),
            ],
            heading=_("Reporting barriers"),
        ),
        FieldPanel("enforcement"),
    ]
    search_fields = [
        *Page.search_fields,
        *SummaryMixin.summary_search_fields,
        index.SearchField("barriers"),
    ]
    parent_page_types = ["portal.HomePage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("accessibility statement")
        verbose_name_plural = _("accessibility statements")

    def barrier_groups(self) -> list[tuple[str, list[Any]]]:
        """Return what is not accessible, by reason in the order of the model statement."""
        found = [block.value for block in self.barriers]
        groups = [
            (label, [one for one in found if one["reason"] == value])
            for value, label in _HEADINGS.items()
        ]
        return [(str(label), rows) for label, rows in groups if rows]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        form = self.feedback_page.localized if self.feedback_page_id else None
        context["feedback_form"] = form if form is not None and form.live else None
        return context


_HEADINGS = {
    Reason.NOT_YET.value: _("Not in accordance with the standard"),
    Reason.BURDEN.value: _("Disproportionate burden"),
    Reason.EXEMPT.value: _("Outside the scope of the law"),
}


class PrivacyPage(StatementMixin, Page):
    """Who uses data of persons for what, how long they are kept, and which rights people have (GDPR, 13 and 14)."""

    controller = RichTextField(_("controller"), blank=True, features=_PLAIN)
    officer = RichTextField(_("data protection officer"), blank=True, features=_PLAIN)
    purposes = StreamField(
        blocks.StreamBlock([("purpose", PurposeBlock())], required=False),
        verbose_name=_("purposes"),
        blank=True,
    )
    recipients = RichTextField(_("recipients"), blank=True, features=_PLAIN)
    retention = RichTextField(
        _("how long data are kept"),
        blank=True,
        features=_PLAIN,
        help_text=_("A table of all public forms and queues follows by itself."),
    )
    rights = RichTextField(_("rights"), blank=True, features=_PLAIN)
    authority = RichTextField(
        pgettext_lazy("data protection", "supervisory authority"), blank=True, features=_PLAIN
    )

    content_panels = [
        *Page.content_panels,
        *SummaryMixin.summary_panels,
        FieldPanel("controller"),
        FieldPanel("officer"),
        FieldPanel("purposes"),
        FieldPanel("recipients"),
        FieldPanel("retention"),
        FieldPanel("rights"),
        FieldPanel("authority"),
    ]
    search_fields = [
        *Page.search_fields,
        *SummaryMixin.summary_search_fields,
        index.SearchField("controller"),
        index.SearchField("purposes"),
    ]
    parent_page_types = ["portal.HomePage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = pgettext_lazy("page", "privacy notice")
        verbose_name_plural = pgettext_lazy("page", "privacy notices")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        from portal import retention  # it reads the other page types

        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        context["kept"] = retention.kept(self.locale)
        context["objection"] = retention.objection(self.locale)
        return context
