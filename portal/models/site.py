"""What an administrator sets for the whole site."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting

from .look import Look


def _footer_page(label: object) -> models.ForeignKey:
    return models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=label,
        null=True,
        blank=True,
        related_name="+",
    )


@register_setting(icon="site")
class SiteSettings(Look, BaseSiteSetting):
    """Who runs the site, how to reach them, how it looks, and what the footer links to."""

    imprint_page = _footer_page(_("imprint"))
    privacy_page = _footer_page(_("privacy"))
    accessibility_page = _footer_page(_("accessibility"))

    panels = [
        FieldPanel("organisation"),
        FieldPanel("logo"),
        MultiFieldPanel(
            [FieldPanel("contact_email"), FieldPanel("contact_phone")], heading=_("Contact")
        ),
        MultiFieldPanel([FieldPanel(name) for name in Look.TOKENS], heading=_("Look")),
        MultiFieldPanel(
            [
                FieldPanel("imprint_page"),
                FieldPanel("privacy_page"),
                FieldPanel("accessibility_page"),
            ],
            heading=_("Footer"),
        ),
    ]

    select_related = ["logo", "imprint_page", "privacy_page", "accessibility_page"]

    class Meta:
        verbose_name = _("site settings")

    def footer_pages(self) -> list[models.Model]:
        """Return the pages the footer links to, as chosen."""
        chosen = (self.imprint_page, self.privacy_page, self.accessibility_page)
        return [page for page in chosen if page is not None]
