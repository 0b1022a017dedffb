"""What all models of the extension share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Privacy(StrEnum):
    """What a text column may hold; every model classifies each of its text columns in `privacy`."""

    CONTENT = "content"  # what people wrote: goes at erasure
    PERSON = "person"  # who they are: goes at erasure, or when the person is erased
    NONE = "none"  # names of things, codes, digests of no use without the content


CONTENT, PERSON, NONE = Privacy.CONTENT, Privacy.PERSON, Privacy.NONE


def delete_alone(rows: models.QuerySet[Any]) -> int:
    """Delete rows with one statement, and return how many; what points to them is the caller's business.

    Django's own way reads them whole first if anybody listens, and Wagtail listens to every model.
    """
    # None: Django saw that there can be none, and asked nobody
    return rows._raw_delete(rows.db) or 0  # type: ignore[attr-defined]


class OfDepartment(models.Model):
    """A row that one department looks after, or the whole site."""

    department = models.ForeignKey(
        "helpdesk.Department",
        models.PROTECT,
        verbose_name=_("department"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Who administers the department may change it. Empty: for the whole site."),
    )

    class Meta:
        abstract = True


class NamedRow(models.Model):
    """A row that people choose from a list, with a name in German and English."""

    slug = models.SlugField(_("short name"), max_length=50, unique=True)
    name_de = models.CharField(_("name (German)"), max_length=100)
    name_en = models.CharField(_("name (English)"), max_length=100)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    privacy = {"slug": NONE, "name_de": NONE, "name_en": NONE}

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the active language."""
        return self.name_de if (get_language() or "de").startswith("de") else self.name_en
