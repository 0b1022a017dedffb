"""Who finds what: full text over tickets, always within `visible_tickets`."""

from __future__ import annotations

from django.db.models import QuerySet

from .models import Article, Ticket
from .permissions import Actor, visible_tickets


def index_article(article: Article) -> None:
    """Put one article into the index."""


def index_ticket(ticket: Ticket) -> None:
    """Put number, subject, customer and answers of a ticket into the index."""


def find_tickets(actor: Actor, words: str) -> QuerySet[Ticket]:
    """Return the tickets that `actor` may read and that match `words`."""
    return visible_tickets(actor).filter(subject__icontains=words)
