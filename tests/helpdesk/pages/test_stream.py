from __future__ import annotations

import pytest
from wagtail.blocks import StreamBlockValidationError

from helpdesk.pages.keys import key_for
from helpdesk.pages.stream import FormFieldsBlock
from tests.page_factories import question


def stream(*raw):
    block = FormFieldsBlock()
    return block, block.to_python(list(raw))


def text(label, id_=None, key=""):
    raw = question("text", key, label)
    return {**raw, "id": id_} if id_ else raw


def test_keys_are_given_when_the_stream_is_stored():
    block, value = stream(text("Raum", "one"), text("Haus", "two"))
    stored = block.get_prep_value(value)
    assert [one["value"]["key"] for one in stored] == [key_for("one"), key_for("two")]


def test_label_changes_leave_the_key():
    block, value = stream(text("Ra", "one"))
    block.get_prep_value(value)
    value[0].value["label"] = "Raum"
    assert block.get_prep_value(value)[0]["value"]["key"] == key_for("one")


def test_choice_values_do_not_come_from_labels():
    raw = question("choice", "kind", "Art")
    raw["value"]["choices"] = [{"label": "Papier"}, {"label": "Papier"}]
    block, value = stream(raw)
    first, second = block.get_prep_value(value)[0]["value"]["choices"]
    assert first["value"]["value"] == key_for(first["id"])
    assert first["value"]["value"] != second["value"]["value"]


def test_duplicate_key_is_refused_at_the_later_block():
    block, value = stream(text("Raum", key="room"), text("Zimmer", key="room"))
    with pytest.raises(StreamBlockValidationError) as caught:
        block.clean(value)
    assert list(caught.value.block_errors) == [1]
    assert "key" in caught.value.block_errors[1].block_errors


def test_duplicated_block_is_accepted_with_a_key_of_its_own():
    block, value = stream(
        text("Raum", "one", key_for("one")), text("Zimmer", "two", key_for("one"))
    )
    assert [child.value["key"] for child in block.clean(value)] == [key_for("one"), key_for("two")]
