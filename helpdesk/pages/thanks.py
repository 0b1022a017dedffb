"""The thank-you page: blocks with variables, filled with what is known of the request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.stream_block import StreamBlockValidationError
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.rich_text import expand_db_html

from helpdesk.rules import wording
from helpdesk.rules.wording import WordingError

_FEATURES = ["bold", "italic", "link", "document-link", "ol", "ul", "h3"]
_VARIABLES = _("Variables such as {{ number }} can be used; they are listed below.")


class NoticeBlock(blocks.StructBlock):
    """What must not be missed."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=150)
    text = blocks.RichTextBlock(label=_("Text"), features=["bold", "italic", "link"])

    class Meta:
        label = _("Notice")
        icon = "warning"
        label_format = "{heading}"


class StepsBlock(blocks.StructBlock):
    """What happens next, as a numbered list."""

    heading = blocks.CharBlock(label=_("Heading"), max_length=150)
    steps = blocks.ListBlock(blocks.CharBlock(label=_("Step"), max_length=300), label=_("Steps"))

    class Meta:
        label = _("What happens next")
        icon = "list-ol"
        label_format = "{heading}"


class LinkBlock(blocks.StructBlock):
    """A button that leads to a page or an address."""

    label = blocks.CharBlock(label=_("Label"), max_length=80)
    page = blocks.PageChooserBlock(label=_("Page"), required=False)
    url = blocks.URLBlock(label=_("or address"), required=False)

    class Meta:
        label = _("Button")
        icon = "link"
        label_format = "{label}"

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if bool(cleaned["page"]) is bool(cleaned["url"]):
            message = ValidationError(_("Choose a page or enter an address, one of the two."))
            raise StructBlockValidationError({"page": message})
        return cleaned


class ThanksBlock(blocks.StreamBlock):
    """What is shown after sending."""

    text = blocks.RichTextBlock(label=_("Text"), icon="pilcrow", features=_FEATURES)
    notice = NoticeBlock()
    steps = StepsBlock()
    link = LinkBlock()

    class Meta:
        help_text = _VARIABLES


# --- checking -----------------------------------------------------------------------------------


def error_of(stream: Any, known: Collection[str]) -> ValidationError | None:
    """Return the error of texts that name what is not `known`, each at its place; None if all is well."""
    found = {}
    for place, child in enumerate(stream):
        error = _error_of_block(child.block_type, child.value, known)
        if error is not None:
            found[place] = error
    return StreamBlockValidationError(found) if found else None


def _error_of_block(type_: str, value: Any, known: Collection[str]) -> ValidationError | None:
    if type_ == "text":
        return _rich_error(value.source, known)
    errors: dict[str, Any] = {}
    if type_ == "notice":
        errors = {
            "heading": _error(value["heading"] or "", known),
            "text": _rich_error(value["text"].source, known),
        }
    elif type_ == "steps":
        errors = {"heading": _error(value["heading"], known)}
        steps = {place: _error(text, known) for place, text in enumerate(value["steps"])}
        wrong = {place: error for place, error in steps.items() if error is not None}
        if wrong:
            errors["steps"] = ListBlockValidationError(wrong)
    elif type_ == "link":
        errors = {"label": _error(value["label"], known)}
    errors = {name: error for name, error in errors.items() if error is not None}
    return StructBlockValidationError(errors) if errors else None


def _error(text: str, known: Collection[str]) -> ValidationError | None:
    try:
        wording.check(text, known)
    except WordingError as error:
        return ValidationError(str(error))
    return None


def _rich_error(source: str, known: Collection[str]) -> ValidationError | None:
    # piece by piece: a variable of which a part is bold cannot be filled in
    pieces = BeautifulSoup(source, "html.parser").find_all(string=True)
    return next((error for piece in pieces if (error := _error(str(piece), known))), None)


# --- filling ------------------------------------------------------------------------------------


def filled(stream: Any, values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what is shown of each block: its `type`, and its texts with their values.

    What visitors typed is put in as text, escaped. A paragraph or step whose variable is empty is left out.
    """
    for child in stream:
        type_, value = child.block_type, child.value
        if type_ == "text":
            html = fill_rich(value.source, values)
            if html:
                yield {"type": type_, "text": html}
        elif type_ == "notice":
            html = fill_rich(value["text"].source, values)
            if html:
                heading = wording.fill_line(value["heading"] or "", values)
                yield {"type": type_, "heading": heading, "text": html}
        elif type_ == "steps":
            steps = [one for text in value["steps"] if (one := wording.fill_line(text, values))]
            if steps:
                heading = wording.fill_line(value["heading"], values)
                yield {"type": type_, "heading": heading, "steps": steps}
        else:
            url = value["page"].url if value["page"] else value["url"]
            label = wording.fill_line(value["label"], values)
            if url and label:
                yield {"type": type_, "label": label, "url": url}


def fill_rich(source: str, values: Mapping[str, str]) -> SafeString:
    """Return rich text as HTML with its values as escaped text, without paragraphs whose value is empty."""
    soup = BeautifulSoup(expand_db_html(source), "html.parser")
    for element in soup.find_all(["p", "li", "h3"]):
        named = wording.names(element.get_text())
        if any(not values.get(name) for name in named):
            element.extract()
    for piece in soup.find_all(string=True):
        if "{{" in piece:
            piece.replace_with(wording.insert(str(piece), values))
    for element in soup.find_all(["ul", "ol"]):
        if element.find("li") is None:
            element.extract()
    # the editor's own rich text, and values that BeautifulSoup escapes
    return mark_safe(str(soup) if soup.get_text().strip() else "")  # noqa: S308
