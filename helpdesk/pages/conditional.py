"""A form that asks what its conditions say: the part of `IntakeForm` that knows about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _

from helpdesk.rules.fields import OPERATORS

from .asking import Asked, Row, compared, decide, rows_of

if TYPE_CHECKING:
    from helpdesk.rules.conditions import Condition

#: Stands before a field's key in the names of inputs, so that no key can meet a name of ours.
PREFIX = "q_"


class ConditionalForm(forms.Form):
    """A form over the blocks `children`, whose `inputs` are the blocks by name of their form field.

    What is not asked is neither checked nor kept: it is not in `cleaned_data`, whatever was sent. What a
    condition demands is demanded. A form that came back keeps what was typed into hidden fields, so that it is
    there again when they are shown.
    """

    children: list[Any]
    inputs: dict[str, Any]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The blocks as conditions see them."""
        return rows_of(self.children)

    @cached_property
    def asked(self) -> Asked:
        """What is asked, given what was sent; of a form that is fresh, given what stands in it."""
        return decide(self.rows, self._compared)

    def asked_inputs(self) -> dict[str, Any]:
        """Return those of `inputs` that are asked, in their order."""
        keys = {row.key for place, row in self._fields() if place in self.asked.places}
        return {name: child for name, child in self.inputs.items() if child.value["key"] in keys}

    def _fields(self) -> list[tuple[int, Row]]:
        return [(place, row) for place, row in enumerate(self.rows) if row.kind == "field"]

    def _compared(self, key: str) -> object:
        """Return the answer to a field as conditions compare it; None for one that cannot be read."""
        name = PREFIX + key
        bound, field = self[name], self.fields[name]
        given = bound.data if self.is_bound and not field.disabled else bound.initial
        was, field.required = field.required, False
        try:
            return compared(self.inputs[name], field.clean(given))
        except ValidationError:
            return None
        finally:
            field.required = was

    def full_clean(self) -> None:
        if not self.is_bound:
            super().full_clean()
            return
        self.__dict__.pop("asked", None)
        for key in self.asked.required:
            self.fields[PREFIX + key].required = True
        asked = self.asked_inputs()
        hidden = {name: self.fields[name] for name in self.inputs if name not in asked}
        states = {name: (field.disabled, field.required) for name, field in hidden.items()}
        for field in hidden.values():
            # Django takes the initial value of a disabled field, and never looks at what was sent
            field.disabled, field.required = True, False
        try:
            super().full_clean()
        finally:
            for name, field in hidden.items():
                field.disabled, field.required = states[name]
        for name in hidden:
            self.cleaned_data.pop(name, None)
            self.errors.pop(name, None)

    # --- for people and for the browser ---

    def say_conditions(self) -> None:
        """Add to the help of each field its condition in words: for whom no script hides it."""
        for _place, row in self._fields():
            words = " ".join(filter(None, [only_if(row.shown), must_if(row.required)]))
            field = self.fields[PREFIX + row.key]
            if words:
                told = '{} <span class="form__when">{}</span>' if field.help_text else '{}<span class="form__when">{}</span>'  # fmt: skip
                field.help_text = format_html(told, field.help_text, words)

    def asking_data(self) -> dict[str, Any]:
        """Return as JSON what the browser needs to decide what is asked."""
        return {
            "rows": [row.spec() for row in self.rows],
            "today": timezone.localdate().isoformat(),
            "decimal": get_format("DECIMAL_SEPARATOR"),
            "negates": {
                one.code: one.negates
                for operators in OPERATORS.values()
                for one in operators.values()
                if one.negates
            },
        }


def only_if(condition: Condition | None) -> str:
    """Return the sentence that says when something is asked; '' if always."""
    return _("Only if %(condition)s.") % {"condition": condition.describe()} if condition else ""


def must_if(condition: Condition | None) -> str:
    """Return the sentence that says when something must be answered; '' if there is no condition."""
    if condition is None:
        return ""
    return _("Must be answered if %(condition)s.") % {"condition": condition.describe()}
