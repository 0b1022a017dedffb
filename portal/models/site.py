"""What an administrator sets for the whole site."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting


@register_setting(icon="site")
class SiteSettings(BaseSiteSetting):
    """Who runs the site, how to reach them, and what the footer links to."""

    organisation = models.CharField(_("organisation"), max_length=150, blank=True)
    logo = models.ForeignKey(
        settings.WAGTAILIMAGES_IMAGE_MODEL,
        models.SET_NULL,
        verbose_name=_("logo"),
        null=True,
        blank=True,
        related_name="+",
    )
    contact_email = models.EmailField(_("e-mail address"), blank=True)
    contact_phone = models.CharField(_("phone"), max_length=50, blank=True)
    imprint_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("imprint"),
        null=True,
        blank=True,
        related_name="+",
    )
    privacy_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("privacy"),
        null=True,
        blank=True,
        related_name="+",
    )
    accessibility_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("accessibility"),
        null=True,
        blank=True,
        related_name="+",
    )

    panels = [
        FieldPanel("organisation"),
        FieldPanel("logo"),
        MultiFieldPanel(
            [FieldPanel("contact_email"), FieldPanel("contact_phone")], heading=_("Contact")
        ),
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
