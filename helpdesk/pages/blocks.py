"""What the blocks of an intake form have in common: one block, one field.

Each block knows how its form field is made (`build`), how a clean value is stored (`typed`) and how
people read it (`shown`). What is stored is JSON and neutral of language; what is shown is text in
the language of the page.

The fields themselves stand in `pages.inputs`, by kind. A section is a marker in the flat stream, a step
is one, too; every field carries a slot for its condition.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup

from helpdesk.rules.conditions import FieldType

from .builder import ConditionWidget


class Untranslated:
    """A block whose value is the same in every language: wagtail-localize finds nothing to translate in it."""

    def get_translatable_segments(self, value: Any) -> list[Any]:
        return []


class NeutralCharBlock(Untranslated, blocks.CharBlock):
    """A text that machines read: a pattern, a domain, the ending of a file name."""


class KeyBlock(Untranslated, blocks.CharBlock):
    """The key of a field or choice: shown, never typed."""

    def __init__(self, **kwargs: Any) -> None:
        validator = RegexValidator(r"^[a-z][a-z0-9_]{0,39}$", _("This key is not possible."))
        super().__init__(required=False, validators=[validator], search_index=False, **kwargs)
        self.field.widget.attrs["readonly"] = True

    class Meta:
        label = _("Key")
        help_text = _("Set by the system, and kept for good: answers are found by it.")


class ConditionBlock(Untranslated, blocks.FieldBlock):
    """A condition over the answers of the form: a tree of `rules.conditions`, put together in the editor.

    `stream` is the name of the page's field that holds the form. A block within that stream asks about
    the fields before it, one that stands elsewhere on the page (a rule of routing) about all of them.
    Its label opens the sentence in which the condition is told: "Shown when …".
    """

    def __init__(self, stream: str = "fields", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        widget = ConditionWidget(stream, self.label)
        self.field = forms.JSONField(required=self.meta.required, widget=widget)

    def value_from_form(self, value: Any) -> Any:
        """Return the tree that was sent; what is no JSON stays a text, which `clean` refuses."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            return value

    class Meta:
        icon = "help"
        label = _("Shown when")
        required = False


#: What browsers can fill in (WCAG 1.3.5), and how editors read it.
_AUTOFILL = {
    "name": _("name"),
    "given-name": _("first name"),
    "family-name": _("last name"),
    "organization": _("organisation"),
    "street-address": _("street and number"),
    "postal-code": _("postcode"),
    "address-level2": _("town"),
    "email": _("e-mail address"),
    "tel": _("phone number"),
    "bday": _("day of birth"),
}


def autofill(*tokens: str) -> blocks.ChoiceBlock:
    """Return the block in which an editor says that a browser may fill in what it knows."""
    return blocks.ChoiceBlock(
        label=_("Asks who fills in the form for their own"),
        required=False,
        choices=[(token, _AUTOFILL[token]) for token in tokens],
        help_text=_(
            "Then browsers can fill it in. Leave it empty if the question is about somebody else."
        ),
    )


def layout(*children: str, more: Sequence[str] = ()) -> BlockGroup:
    """Return the layout of a field: what most need stands open, `more` with the rest is folded."""
    return BlockGroup(
        children=["label", "help_text", "required", *children],
        settings=[*more, "private", "in_subject", "key", "condition"],
    )


class InputBlock(blocks.StructBlock):
    """What all fields have in common."""

    #: the type in snapshots: never rename one, old tickets carry it
    type: ClassVar[str] = ""
    #: how conditions compare its answer; None: they cannot ask about it
    compared_as: ClassVar[FieldType | None] = FieldType.TEXT
    #: settings that would have no effect on this kind of field: they are there, and not offered
    not_offered: ClassVar[frozenset[str]] = frozenset()

    label = blocks.CharBlock(label=_("Question or label"), max_length=250)
    help_text = blocks.CharBlock(
        label=_("Help"),
        required=False,
        max_length=500,
        help_text=_("Stands below the label: what to enter, and where to find it."),
    )
    required = blocks.BooleanBlock(label=_("Must be answered"), required=False)
    private = blocks.BooleanBlock(
        label=_("Personal"),
        required=False,
        help_text=_("The answer says something about a person."),
    )
    in_subject = blocks.BooleanBlock(
        label=_("Into the subject"),
        required=False,
        help_text=_("The answer is added to the ticket's subject."),
    )
    key = KeyBlock()
    condition = ConditionBlock(required=False, label=_("Shown when"))
    required_when = ConditionBlock(required=False, label=_("Must be answered when"))

    class Meta:
        icon = "form"
        label_format = "{label}"
        form_layout = layout()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # what a stored page does not know yet is no text, not None: wagtail-localize takes text only
        for block in self.child_blocks.values():
            if isinstance(block, blocks.CharBlock | blocks.TextBlock):
                block.meta.default = block.meta.default or ""
        # afterwards: the order of the settings is that of the whole layout, and stands in migrations
        whole = self.meta.form_layout
        self.meta.form_layout = BlockGroup(
            children=[name for name in whole.children if name not in self.not_offered],
            settings=[name for name in whole.settings if name not in self.not_offered],
        )

    def get_form_layout(self) -> BlockGroup:
        """Return the layout of the kind of field, with the slots for conditions at the end of its settings."""
        layout = super().get_form_layout()
        slots = [name for name in ("condition", "required_when") if name in self.child_blocks]
        rest = [name for name in layout.settings if name not in slots]
        return BlockGroup(children=layout.children, settings=[*rest, *slots])

    def common(self, value: Any) -> dict[str, Any]:
        """Return the arguments that every form field takes."""
        return {
            "label": value["label"],
            "help_text": value["help_text"] or "",
            "required": bool(value["required"]),
        }

    def attrs(self, value: Any) -> dict[str, str]:
        """Return the attributes of the control that an editor chose: what a browser may fill in."""
        token = value.get("autocomplete")
        return {"autocomplete": token} if token else {}

    def build(self, value: Any) -> forms.Field:
        """Return the form field of this block."""
        raise NotImplementedError

    def typed(self, value: Any, cleaned: Any) -> Any:
        """Return the clean value as it is stored: JSON, neutral of language."""
        return cleaned

    def shown(self, value: Any, cleaned: Any) -> str:
        """Return the clean value as people read it, in the active language; '' for no answer."""
        return "" if cleaned is None else str(cleaned)

    def choices_of(self, value: Any) -> list[dict[str, str]]:
        """Return the choices offered, as `{"value", "label"}`; [] if the field has none."""
        return []
