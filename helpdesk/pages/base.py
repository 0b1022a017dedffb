"""What the mixins are mixed into: to the type checker a Wagtail page, at run time any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from wagtail.models import Page as PagePart
else:
    PagePart = models.Model

__all__ = ["PagePart"]
