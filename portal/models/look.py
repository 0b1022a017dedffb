"""How a site or a department shows itself on its pages."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal import tokens


def check_accent(colour: str) -> None:
    """Refuse what is no colour, and one in which text could not be read on the site's light grounds."""
    _check(colour, dark=False)


def check_accent_dark(colour: str) -> None:
    """Refuse what is no colour, and one in which text could not be read on the site's dark grounds."""
    _check(colour, dark=True)


def _check(colour: str, *, dark: bool) -> None:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValidationError(_("Write the colour as # and six digits, such as #0b5a69."))
    found = tokens.worst(colour, dark=dark)
    if found >= tokens.ENOUGH:
        return
    if dark:
        message = _(
            "On a dark ground, text in this colour is hard to read: its contrast is %(found)s to 1, and "
            "%(enough)s to 1 is needed. Take a lighter one; the nearest is %(better)s."
        )
    else:
        message = _(
            "On a light ground, text in this colour is hard to read: its contrast is %(found)s to 1, and "
            "%(enough)s to 1 is needed. Take a darker one; the nearest is %(better)s."
        )
    better = tokens.readable(colour, dark=dark)
    # rounded down: 4.46 is not to read as 4.5
    shown = int(found * 10) / 10
    said = {"found": number_format(shown, 1), "enough": number_format(tokens.ENOUGH, 1)}
    raise ValidationError(message, params={**said, "better": better})


class Tone(models.TextChoices):
    COOL = "cool", pgettext_lazy("tone of a colour", "cool")
    WARM = "warm", pgettext_lazy("tone of a colour", "warm")
    PLAIN = "plain", pgettext_lazy("tone of a colour", "grey without a tinge")


class Corners(models.TextChoices):
    ROUND = "round", _("well rounded")
    SOFT = "soft", _("a little rounded")
    SQUARE = "square", _("square")


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", _("roomy")
    COMPACT = "compact", _("close together")


class Typeface(models.TextChoices):
    SANS = "sans", _("without serifs, as the device has it")
    HUMANIST = "humanist", _("without serifs, softer")
    SERIF_HEADINGS = "serif_headings", _("headings with serifs, text without")
    SERIF = "serif", _("with serifs")


class TextSize(models.TextChoices):
    SMALL = "small", pgettext_lazy("size of text", "small")
    MEDIUM = "medium", pgettext_lazy("size of text", "medium")
    LARGE = "large", pgettext_lazy("size of text", "large")


class Look(models.Model):
    """Logo, name, contact, colours, shape and type. What is empty is as elsewhere on the site."""

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
    accent_dark = models.CharField(
        _("the same in the dark"),
        max_length=7,
        blank=True,
        validators=[check_accent_dark],
        help_text=_(
            "Used where people read light on dark. Empty: a lighter shade of the colour above that can be read there."
        ),
    )
    tone = models.CharField(_("tone of the greys"), max_length=20, blank=True, choices=Tone.choices)
    corners = models.CharField(_("corners"), max_length=20, blank=True, choices=Corners.choices)
    density = models.CharField(_("distances"), max_length=20, blank=True, choices=Density.choices)
    typeface = models.CharField(
        _("font"),
        max_length=20,
        blank=True,
        choices=Typeface.choices,
        help_text=_("Fonts that people's devices have: nothing is fetched from elsewhere."),
    )
    text_size = models.CharField(
        _("size of the text"), max_length=20, blank=True, choices=TextSize.choices
    )

    #: the fields that make the style sheet
    TOKENS = ("accent", "accent_dark", "tone", "corners", "density", "typeface", "text_size")

    class Meta:
        abstract = True

    def tokens(self) -> tokens.Look:
        """Return what was chosen of colours, shape and type."""
        return tokens.Look(**{name: getattr(self, name) for name in self.TOKENS})


class DepartmentLook(Look):
    """The look of a department, on its topmost page and all below."""

    department = models.OneToOneField(
        "helpdesk.Department",
        models.CASCADE,
        verbose_name=_("department"),
        related_name="+",
    )

    class Meta:
        verbose_name = _("look of a department")
        verbose_name_plural = _("looks of departments")
        ordering = ["department__name"]

    def __str__(self) -> str:
        return str(self.department)
