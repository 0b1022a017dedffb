from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import Article, Attachment, EventKind, OutboundMail, Right
from tests import factories as f

pytestmark = pytest.mark.django_db


def weak_article(ticket):
    draft = actions.Draft(
        body="A question of my own",
        channel="email",
        subject=f"[Ticket#{ticket.number}] Question",
        from_name="Eve",
        from_address="eve@mail.example",
        message_id="<own@mail.example>",
        verified=False,
        files=(actions.Upload("a.txt", b"a"),),
    )
    return actions.receive_message(
        actor=permissions.SYSTEM, ticket=ticket, draft=draft, visible=False
    )


def test_make_own_ticket_moves_the_message_with_its_files():
    queue = f.QueueFactory()
    ticket = f.make_ticket(queue)
    article = weak_article(ticket)
    actor = permissions.agent(f.make_agent(queue))
    opened = actions.make_own_ticket(actor=actor, ticket=ticket, article=article)
    opened.article.refresh_from_db()
    assert opened.ticket.contact == "eve@mail.example"
    assert opened.ticket.subject == "Question"
    assert opened.article.visible
    assert opened.article.message_id == "<own@mail.example>"
    assert Attachment.objects.get().article == opened.article
    assert not Article.objects.filter(pk=article.pk).exists()
    assert ticket.events.filter(kind=EventKind.SEPARATED).count() == 1
    assert OutboundMail.objects.get().ticket == opened.ticket


def test_make_own_ticket_needs_the_right_to_create():
    queue = f.QueueFactory()
    ticket = f.make_ticket(queue)
    article = weak_article(ticket)
    actor = permissions.agent(f.make_agent(queue, rights=[Right.ANSWER]))
    with pytest.raises(NotPermitted):
        actions.make_own_ticket(actor=actor, ticket=ticket, article=article)
    assert Article.objects.get(pk=article.pk).ticket == ticket


def test_make_own_ticket_refuses_an_article_of_another_ticket():
    queue = f.QueueFactory()
    ticket, other = f.make_ticket(queue), f.make_ticket(queue)
    actor = permissions.agent(f.make_agent(queue))
    with pytest.raises(NotFound):
        actions.make_own_ticket(actor=actor, ticket=ticket, article=other.articles.get())
