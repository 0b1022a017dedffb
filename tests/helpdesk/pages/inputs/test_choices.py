"""Answers to choose from: one that need not be given can be taken back."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from helpdesk.models import Ticket
from helpdesk.pages.stream import FormFieldsBlock
from tests import page_factories as p

pytestmark = pytest.mark.django_db

COLOURS = {"r": "Rot", "b": "Blau"}


def buttons(client, page, name):
    """Return value and label of each button of a field."""
    soup = BeautifulSoup(client.get(page.url).content, "html.parser")
    found = soup.select(f"input[type=radio][name={name}]")
    return [(one["value"], one.parent.get_text(strip=True)) for one in found]


@pytest.fixture
def tree():
    return p.make_site()


@pytest.mark.parametrize(
    ("field", "offered"),
    [
        (p.question("choice", "x", "Farbe", choices=COLOURS), [("r", "Rot"), ("b", "Blau")]),
        (p.question("yes_no", "x", "Eilt es?"), [("yes", "Ja"), ("no", "Nein")]),
    ],
)
def test_an_answer_that_need_not_be_given_can_be_taken_back(client, tree, field, offered):
    free = p.make_form(tree.services, [field], title="Frei")
    assert buttons(client, free, "q_x") == [*offered, ("", "Keine Angabe")]
    assert p.sent(client, free, q_room=None, q_x="").status_code == 302
    [entry] = Ticket.objects.get().answers
    assert (entry["value"], entry["shown"]) == (None, "")
    needed = {**field, "value": {**field["value"], "required": True}}
    must = p.make_form(tree.services, [needed], title="Muss")
    assert buttons(client, must, "q_x") == offered
    assert p.sent(client, must, q_room=None, q_x="").status_code == 200


def test_no_answer_is_what_stands_there_before_anybody_chose(client, tree):
    page = p.make_form(tree.services, [p.question("yes_no", "x", "Eilt es?")])
    soup = BeautifulSoup(client.get(page.url).content, "html.parser")
    assert [one["value"] for one in soup.select("input[type=radio][checked]")] == [""]


def test_a_consent_offers_no_setting_without_effect():
    layout = FormFieldsBlock().child_blocks["consent"].meta.form_layout
    assert not {"required", "required_when"} & set(layout.get_sorted_block_names())
