"""The fields of an order: an editor is offered what has an effect."""

from __future__ import annotations

import pytest

from helpdesk.pages.orders import OrderFieldsBlock

IGNORED = {"shape", "own_pattern", "own_message", "min_length", "max_length", "autocomplete"}
ALWAYS = {"required", "required_when", "condition"}


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("queue_address", IGNORED | ALWAYS),
        ("queue_name", IGNORED),
        ("queue_department", IGNORED),
        ("queue_hours", IGNORED),
        ("agents", ALWAYS),
    ],
)
def test_no_setting_without_effect_is_offered(name, without):
    layout = OrderFieldsBlock().child_blocks[name].meta.form_layout
    offered = set(layout.get_sorted_block_names())
    assert not offered & without
    assert {"label", "help_text", "private", "key"} <= offered
