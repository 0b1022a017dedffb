"""What the mixins are mixed into: to the type checker a Wagtail page, at run time any model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from wagtail.models import Page as PagePart
else:
    PagePart = models.Model

__all__ = ["PagePart", "PromisingMixin", "form_key_of", "source_of"]


class PromisingMixin(PagePart):
    """A page that may promise something else than its queue does."""

    promise = models.ForeignKey(
        "helpdesk.Promise",
        models.SET_NULL,
        verbose_name=_("promise"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: as the service page above promises, else as the queue does."),
    )

    class Meta:
        abstract = True

    def promised(self) -> int | None:
        """Return the id of the promise of this page, or of the nearest page above that makes one."""
        if self.promise_id is not None:
            return int(self.promise_id)
        for page in self.get_ancestors().specific().reverse():
            if isinstance(page, PromisingMixin) and page.promise_id is not None:
                return int(page.promise_id)
        return None


def source_of(page: Any) -> Any:
    """Return the page that an alias shows in the end; any other page itself."""
    while page.alias_of_id:
        page = page.alias_of
    return page


def form_key_of(page: Any) -> UUID:
    """Return the key of a form's data: one for all its languages and aliases."""
    key: UUID = source_of(page).translation_key
    return key
