"""Hidden values: which parameters of an address they may be taken from, and what an editor is offered."""

from __future__ import annotations

import pytest
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.pages.inputs.hidden import HiddenInputBlock

BLOCK = HiddenInputBlock()


def cleaned(parameter):
    return BLOCK.clean(BLOCK.to_python({"label": "Ort", "key": "place", "parameter": parameter}))


@pytest.mark.parametrize("name", ["done", "untranslated"])
def test_a_parameter_of_the_page_itself_is_refused(name):
    with pytest.raises(StructBlockValidationError) as caught:
        cleaned(name)
    assert set(caught.value.block_errors) == {"parameter"}
    assert cleaned("place")["parameter"] == "place"


def test_it_offers_no_setting_without_effect():
    names = set(BLOCK.meta.form_layout.get_sorted_block_names())
    assert not {"required", "required_when", "help_text"} & names
    assert "condition" in names
