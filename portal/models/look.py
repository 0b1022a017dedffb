"""How a department shows itself on its pages."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

#: The darkest ground on which the site writes in its accent colour (`--sunken` of public.css).
GROUND = "#edf0f1"
#: WCAG 2.2, 1.4.3: text of any size.
ENOUGH = 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2), 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2), 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def check_accent(colour: str) -> None:
    """Refuse what is no colour, and one in which text could not be read on the site's light grounds."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValidationError(_("Write the colour as # and six digits, such as #0b5a69."))
    if contrast(colour, GROUND) < ENOUGH:
        raise ValidationError(_("Text in this colour is hard to read. Take a darker one."))


class DepartmentLook(models.Model):
    """Logo, name, contact and colour of a department, on its topmost page and all below.

    What is empty is as on the rest of the site.
    """

    department = models.OneToOneField(
        "helpdesk.Department",
        models.CASCADE,
        verbose_name=_("department"),
        related_name="+",
    )
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
    accent = models.CharField(
        _("colour of links and buttons"),
        max_length=7,
        blank=True,
        validators=[check_accent],
        help_text=_("# and six digits, such as #0b5a69. Used where people read dark on light."),
    )

    class Meta:
        verbose_name = _("look of a department")
        verbose_name_plural = _("looks of departments")
        ordering = ["department__name"]

    def __str__(self) -> str:
        return str(self.department)

    @property
    def accent_strong(self) -> str:
        """The accent colour a quarter darker: for what the pointer is on."""
        parts = (int(self.accent[at : at + 2], 16) * 3 // 4 for at in (1, 3, 5))
        return "#" + "".join(f"{part:02x}" for part in parts)
