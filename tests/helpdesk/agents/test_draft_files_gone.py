"""The composer says that files of a draft went with the files of the ticket."""

from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.actions import Upload, saved_drafts
from helpdesk.models import Tombstone
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("shared", [False, True])
def test_whoever_goes_on_writing_learns_that_a_file_is_gone(shared):
    ticket = f.make_ticket()
    author, colleague = f.make_agent(ticket.queue), f.make_agent(ticket.queue)
    saved_drafts.save_draft(
        actor=permissions.agent(author),
        ticket=ticket,
        mode="reply",
        fields={"body": "See the plan."},
        files=[Upload("plan.pdf", b"x", "application/pdf")],
        shared=shared,
    )
    url = f"/admin/helpdesk/tickets/{ticket.pk}/"
    words = "file of this draft was erased"
    before = browser(author).get(url).text
    assert "plan.pdf" in before
    assert words not in before
    actions.erase_files(tickets=[ticket.pk], reason=Tombstone.Reason.BY_HAND)
    page = browser(author).get(url).text
    assert page.count(words) == 1
    assert "plan.pdf" not in page
    assert "See the plan." in page
    assert (words in browser(colleague).get(url).text) is shared
