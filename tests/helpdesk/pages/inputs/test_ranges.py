"""A refusal names the limit as the reader writes numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from helpdesk.pages.inputs.ranges import within
from helpdesk.pages.stream import FormFieldsBlock


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        ("0.4", "de", "0,5"),
        ("0.4", "en", "0.5"),
        ("10.51", "de", "10,5"),
        ("0.5", "de", None),
        ("10.5", "de", None),
    ],
)
def test_limits_are_named_in_the_language_and_belong_to_the_range(number, language, said):
    with translation.override(language):
        found = []
        for one in within(Decimal("0.50"), Decimal("10.50")):
            try:
                one(Decimal(number))
            except ValidationError as error:
                found += error.messages
    assert len(found) == (said is not None)
    assert all(f" {said}" in message for message in found), found


def test_a_field_without_limits_has_none():
    assert within(None, None) == []


def test_the_field_of_a_form_says_it_so():
    block = FormFieldsBlock().child_blocks["number"]
    field = block.build(block.to_python({"label": "Betrag", "key": "x", "minimum": "0.5"}))
    with translation.override("de"), pytest.raises(ValidationError, match="0,5"):
        field.clean("0,1")
