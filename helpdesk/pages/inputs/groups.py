"""Lists of rows: the same few questions about several people or things."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

from helpdesk.pages import pasting
from helpdesk.pages.blocks import InputBlock, layout
from helpdesk.pages.keyed import KeyedStreamBlock
from helpdesk.pages.keys import give_keys
from helpdesk.pages.rows import MAX_ROWS, Column, RowsField, most_rows

from .choices import ChoiceInput, MultipleChoiceInput, YesNoInput
from .numbers import DateInput, NumberInput
from .texts import EmailInput, LoginInput, PhoneInput, TextInput

#: What a cell with a yes or no may say in a pasted table.
_YES_NO = {"yes": "yes", "ja": "yes", "x": "yes", "1": "yes", "no": "no", "nein": "no", "0": "no"}
#: A cell has no condition, and goes into no subject.
_NOT_IN_ROWS = ("in_subject", "condition", "required_when")


def _cell(base: type[InputBlock]) -> InputBlock:
    """Return a field as a column of a list offers it: without what makes no sense in a row."""
    layout = base().meta.form_layout
    inner = BlockGroup(
        children=[name for name in layout.children if name not in _NOT_IN_ROWS],
        settings=[name for name in layout.settings if name not in _NOT_IN_ROWS],
    )
    meta = type("Meta", (), {"form_layout": inner})
    block = type(base.__name__, (base,), {**dict.fromkeys(_NOT_IN_ROWS), "Meta": meta})
    return cast(InputBlock, block())


class ColumnsBlock(KeyedStreamBlock):
    """The columns of a list, in their order."""

    text = _cell(TextInput)
    email = _cell(EmailInput)
    phone = _cell(PhoneInput)
    number = _cell(NumberInput)
    date = _cell(DateInput)
    choice = _cell(ChoiceInput)
    choices = _cell(MultipleChoiceInput)
    yes_no = _cell(YesNoInput)
    login = _cell(LoginInput)

    class Meta:
        min_num = 1
        max_num = 12
        collapsed = True


class GroupInput(InputBlock):
    """The same questions several times: one row for each person or thing.

    Its clean value is a list of dicts by the columns' keys; what is stored has the same shape.
    """

    type = "group"
    compared_as = None
    #: what a row is called where the editor says nothing
    row_word: ClassVar[Any] = _("Row")

    minimum = blocks.IntegerBlock(
        label=_("At least so many rows"), required=False, min_value=0, max_value=MAX_ROWS
    )
    maximum = blocks.IntegerBlock(
        label=_("At most so many rows"), required=False, min_value=1, max_value=MAX_ROWS
    )
    row_name = blocks.CharBlock(
        label=_("What one row is"),
        required=False,
        max_length=50,
        help_text=_("One word, for example: Person. It stands above each row with its number."),
    )
    columns = ColumnsBlock(label=_("Questions in each row"))

    class Meta:
        label = _("List of rows")
        icon = "table"
        form_layout = layout("row_name", "columns", more=["minimum", "maximum"])

    def build(self, value: Any) -> forms.Field:
        return RowsField(
            columns=[self.column(child) for child in self.inner(value)],
            min_rows=value["minimum"] or 0,
            max_rows=value["maximum"] or MAX_ROWS,
            row_name=value["row_name"] or str(self.row_word),
            **self.common(value),
        )

    def inner(self, value: Any) -> list[Any]:
        """Return the columns as the children of their stream, each with its key."""
        children = list(value["columns"])
        give_keys(children)
        return children

    def column(self, child: Any) -> Column:
        """Return one column as the form field needs it."""
        field = child.block.build(child.value)
        # a row has no room for buttons; Django's boxes for several answers are a kind of them
        if isinstance(field.widget, forms.RadioSelect) and not field.widget.allow_multiple_selected:
            pairs = [pair for pair in field.choices if pair[0] != ""]
            field.widget = forms.Select()
            field.choices = [("", "–"), *pairs]
        return Column(child.value["key"], child.value["label"], field, self.reading(child))

    def reading(self, child: Any) -> pasting.Reading:
        key, type_ = child.value["key"], child.block.type
        values = {
            pasting.plain(one["label"]): one["value"] for one in child.block.choices_of(child.value)
        }
        names = pasting.names_of(child.value["label"], key, type_)
        return pasting.Reading(key, names, _YES_NO if type_ == "yes_no" else values, type_)

    def typed(self, value: Any, cleaned: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        inner = self.inner(value)
        return [
            {
                child.value["key"]: child.block.typed(child.value, row.get(child.value["key"]))
                for child in inner
            }
            for row in cleaned or ()
        ]

    def shown(self, value: Any, cleaned: list[dict[str, Any]] | None) -> str:
        """Return the rows as lines: number, then each answer behind its label."""
        lines = []
        for place, entries in enumerate(self.rows_of(value, cleaned), start=1):
            cells = [f"{label}: {shown}" for label, shown in entries if shown]
            lines.append(f"{place}. {', '.join(cells)}")
        return "\n".join(lines)

    def rows_of(
        self, value: Any, cleaned: list[dict[str, Any]] | None
    ) -> list[list[tuple[str, str]]]:
        """Return label and shown text of each cell, row by row."""
        inner = self.inner(value)
        return [
            [
                (
                    child.value["label"],
                    child.block.shown(child.value, row.get(child.value["key"])),
                )
                for child in inner
            ]
            for row in cleaned or ()
        ]  # fmt: skip

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        least, most = cleaned["minimum"] or 0, cleaned["maximum"]
        if most and least > most:
            message = _("This is less than the least number of rows.")
            raise StructBlockValidationError({"maximum": ValidationError(message)})
        possible = most_rows(child.block.build(child.value) for child in self.inner(cleaned))
        if (most or 0) > possible:
            words = ngettext(
                "With so many questions no more than %(n)d row is possible.",
                "With so many questions no more than %(n)d rows are possible.",
                possible,
            )
            raise StructBlockValidationError({"maximum": ValidationError(words % {"n": possible})})
        return cleaned


class PeopleColumnsBlock(ColumnsBlock):
    """Columns that begin with those of a person, in the language of who adds the list."""

    def get_default(self) -> Any:
        rows = [
            ("text", "first_name", _("First name"), True),
            ("text", "last_name", _("Last name"), True),
            ("email", "email", _("E-mail address"), True),
            ("login", "login_name", _("Log-in name"), False),
        ]
        return self.to_python(
            [
                {"type": type_, "value": {"key": key, "label": str(label), "required": required}}
                for type_, key, label, required in rows
            ]
        )


class PeopleInput(GroupInput):
    """A list of people. Its columns have fixed keys: first_name, last_name, email, login_name."""

    row_word = _("Person")

    columns = PeopleColumnsBlock(label=_("Questions in each row"))

    class Meta:
        label = _("List of people")
        icon = "group"
