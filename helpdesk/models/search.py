"""The index of tickets' texts. Written and read by `helpdesk.search` only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .articles import Article
from .base import CONTENT
from .tickets import Ticket


class SearchEntry(models.Model):
    """The words of one article, or (without an article) of a ticket itself.

    What a ticket has for its agents alone (the tags) has an entry of its own, marked `internal`.
    The database keeps its own index over `words`: a generated column `vector` on PostgreSQL, the
    table `helpdesk_searchwords` (FTS5, kept by triggers) on SQLite. A later migration that alters
    this table on SQLite has to make the triggers anew: see migration 0003.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    article = models.OneToOneField(Article, models.CASCADE, null=True, related_name="+")
    internal = models.BooleanField(null=True)  # True: no customer's search looks there
    words = models.TextField()  # folded: lower case, no accents, blanks between words

    privacy = {"words": CONTENT}

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(article__isnull=True, internal__isnull=True),
                name="helpdesk_search_ticket_once",
            ),
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(internal=True),
                name="helpdesk_search_internal_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.article_id or ''}"
