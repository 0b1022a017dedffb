"""What editors put on service pages, articles and the home page."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.images.blocks import ImageChooserBlock

TEXT_FEATURES = ["h3", "bold", "italic", "link", "document-link", "ol", "ul", "hr", "code"]


class TextBlock(blocks.RichTextBlock):
    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"features": TEXT_FEATURES, **kwargs})

    class Meta:
        icon = "pilcrow"
        label = _("Text")
        template = "portal/blocks/text.html"


class StepBlock(blocks.StructBlock):
    title = blocks.CharBlock(label=_("What to do"), max_length=150)
    text = blocks.RichTextBlock(
        label=_("How"), required=False, features=["bold", "italic", "link", "document-link", "ul"]
    )


class StepsBlock(blocks.StructBlock):
    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=150)
    steps = blocks.ListBlock(StepBlock(label_format="{title}"), label=_("Steps"), min_num=1)

    class Meta:
        icon = "list-ol"
        label = _("Steps")
        template = "portal/blocks/steps.html"


class NoticeBlock(blocks.StructBlock):
    tone = blocks.ChoiceBlock(
        label=_("Kind"),
        choices=[("info", _("Hint")), ("warning", _("Warning"))],
        default="info",
    )
    text = blocks.RichTextBlock(label=_("Text"), features=["bold", "italic", "link"])

    class Meta:
        icon = "warning"
        label = _("Notice")
        template = "portal/blocks/notice.html"


class FactBlock(blocks.StructBlock):
    """A side note of a service: who may use it, what it costs."""

    text = blocks.RichTextBlock(label=_("Text"), features=["bold", "italic", "link", "ul"])

    class Meta:
        template = "portal/blocks/fact.html"


class AudienceBlock(FactBlock):
    class Meta:
        icon = "group"
        label = _("Who may use it")


class CostsBlock(FactBlock):
    class Meta:
        icon = "tag"
        label = _("Costs")


class ContactBlock(blocks.StructBlock):
    name = blocks.CharBlock(label=_("Name or team"), max_length=150)
    email = blocks.EmailBlock(label=_("E-mail address"), required=False)
    phone = blocks.CharBlock(label=_("Phone"), required=False, max_length=50)
    place = blocks.CharBlock(label=_("Place"), required=False, max_length=150)
    hours = blocks.CharBlock(label=_("Hours"), required=False, max_length=150)

    class Meta:
        icon = "mail"
        label = _("Contact")
        template = "portal/blocks/contact.html"


class FilesBlock(blocks.StructBlock):
    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=150)
    files = blocks.ListBlock(DocumentChooserBlock(), label=_("Files"), min_num=1)

    class Meta:
        icon = "doc-full-inverse"
        label = _("Files")
        template = "portal/blocks/files.html"


class RelatedBlock(blocks.StructBlock):
    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=150)
    pages = blocks.ListBlock(blocks.PageChooserBlock(), label=_("Pages"), min_num=1)

    class Meta:
        icon = "link"
        label = _("Related pages")
        template = "portal/blocks/related.html"


class PictureBlock(blocks.StructBlock):
    image = ImageChooserBlock(label=_("Image"))
    alternative = blocks.CharBlock(
        label=_("Description"),
        required=False,
        max_length=250,
        help_text=_(
            "What the image shows, for people who do not see it. Empty: it only decorates."
        ),
    )
    caption = blocks.CharBlock(label=_("Caption"), required=False, max_length=250)

    class Meta:
        icon = "image"
        label = _("Image")
        template = "portal/blocks/picture.html"


class BodyBlock(blocks.StreamBlock):
    """Running text with steps, notices, images and links."""

    heading = blocks.CharBlock(
        label=_("Heading"), icon="title", max_length=150, template="portal/blocks/heading.html"
    )
    text = TextBlock()
    steps = StepsBlock()
    notice = NoticeBlock()
    picture = PictureBlock()
    files = FilesBlock()
    related = RelatedBlock()


class ServiceBlock(BodyBlock):
    """A service: the text, and the facts that stand beside it."""

    #: shown beside the text
    aside: ClassVar[frozenset[str]] = frozenset({"audience", "costs", "contact"})

    audience = AudienceBlock()
    costs = CostsBlock()
    contact = ContactBlock()
