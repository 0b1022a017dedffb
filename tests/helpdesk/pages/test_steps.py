"""Forms in steps, and the check of one before the next."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk.models import Customer, OutboundMail, Ticket
from helpdesk.pages.asking import problems, rows_of
from helpdesk.pages.keys import key_for
from helpdesk.pages.steps import CHECK, steps_of
from tests import page_factories as p
from tests.helpdesk.pages.test_asking import COLOUR, IS_RED, block, form

pytestmark = pytest.mark.django_db


def titles(*raw: dict[str, Any], **data: Any) -> list[str]:
    return [step.title for step in steps_of(form(*raw, **data))]


def opened(*raw: dict[str, Any], **data: Any) -> list[int]:
    return [step.number for step in steps_of(form(*raw, **data)) if step.is_open]


ROOM = block("text", "room", required=True)
STEPS = [
    block("step", title="You"),
    COLOUR,
    block("step", title="Red", condition=IS_RED),
    ROOM,
]


def test_a_form_without_steps_is_one_without_a_title():
    assert titles(COLOUR) == [""]
    assert titles() == [""]


def test_name_and_address_belong_to_the_first_step():
    assert titles(*STEPS) == ["You", "Red"]
    assert titles(COLOUR, *STEPS[2:]) == ["About you", "Red"]


def test_each_step_has_its_parts():
    found = steps_of(form(*STEPS))

    assert [[part.field.name for part in step.parts] for step in found] == [
        ["q_colour"],
        ["q_room"],
    ]
    assert [step.place for step in found] == [0, 2]


def test_the_first_step_with_an_error_is_open():
    assert opened(*STEPS, q_colour="r") == [2]
    assert opened(*STEPS, q_colour="x") == [1]
    assert opened(*STEPS, q_colour="b") == [1]
    assert opened(*STEPS, q_colour="r", contact_name="") == [1]


def test_a_step_says_whether_it_is_asked_and_when():
    asked = [step.is_asked for step in steps_of(form(*STEPS, q_colour="b"))]

    assert asked == [True, False]
    assert [step.when for step in steps_of(form(*STEPS))] == ["", "Only if Colour is Red."]


def test_a_check_tells_the_errors_and_does_nothing_else(client):
    page = p.make_form(p.make_site().services)
    response = p.sent(client, page, q_room="", contact_email="nowhere", **{CHECK: "1"})

    assert response.status_code == 200
    assert set(response.json()["errors"]) == {"q_room", "contact_email"}
    assert p.sent(client, page, **{CHECK: "1"}).json() == {"errors": {}, "lists": {}}
    assert not Ticket.objects.exists()
    assert not Customer.objects.exists()
    assert not OutboundMail.objects.exists()


def test_the_page_hands_the_script_its_rules(client):
    raw = [
        p.question("choice", "colour", "Farbe", choices={"r": "Rot", "b": "Blau"}),
        p.question("text", "shade", "Ton", condition=IS_RED),
    ]
    page = p.make_form(p.make_site().services, raw)
    content = client.get(page.url).content.decode()

    assert '"shown": {"field": "colour", "op": "is", "value": "r"}' in content
    assert 'data-part="1" data-name="q_shade" data-not-asked' in content
    assert 'data-part="0" data-name="q_colour">' in content


def test_a_form_with_conditions_asks_no_more_of_the_database(client, django_assert_max_num_queries):
    raw = [
        p.question("choice", "colour", "Farbe", choices={"r": "Rot", "b": "Blau"}),
        *(p.question("text", f"t{n}", f"Ton {n}", condition=IS_RED) for n in range(30)),
    ]
    tree = p.make_site()
    plain, full = p.make_form(tree.services), p.make_form(tree.services, raw, title="Viel")
    client.get(plain.url)
    with CaptureQueriesContext(connection) as few:
        client.get(plain.url)
    with django_assert_max_num_queries(len(few)):
        client.get(full.url)


def test_copies_and_translations_keep_their_conditions():
    tree = p.make_site()
    raw = [
        {
            "type": "choice",
            "id": "one",
            "value": {
                "label": "Farbe",
                "choices": [{"type": "item", "id": "red", "value": {"label": "Rot"}}],
            },
        },
        {
            "type": "text",
            "id": "two",
            "value": {
                "label": "Ton",
                "condition": {"field": key_for("one"), "op": "is", "value": key_for("red")},
            },
        },
    ]
    page = p.make_form(tree.home, raw)
    copied = page.copy(update_attrs={"slug": "noch-eins"})
    translated = page.copy_for_translation(tree.english.locale)

    for one in (page, copied, translated):
        fields = type(page).objects.get(pk=one.pk).get_latest_revision_as_object().fields
        assert problems(fields) == {}
        assert rows_of(fields)[1].shown.to_json() == raw[1]["value"]["condition"]


def test_a_duplicated_block_asks_about_the_original_question():
    stream_block = form(COLOUR).stream.stream_block
    value = {"label": "Ton", "key": key_for("two"), "condition": IS_RED}
    twice = stream_block.to_python(
        [
            COLOUR,
            {"type": "text", "id": "two", "value": value},
            {"type": "text", "id": "three", "value": value},
        ]
    )
    cleaned = stream_block.clean(twice)

    assert [child.value["key"] for child in cleaned][1:] == [key_for("two"), key_for("three")]
    assert [child.value["condition"] for child in cleaned][1:] == [IS_RED, IS_RED]
