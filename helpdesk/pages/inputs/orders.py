"""The fields of the page on which a queue is ordered: each has its part in the order, whatever its label says."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk import persons
from helpdesk.actions import look_up, rules_of, taken_by
from helpdesk.actions.order_checks import (
    IN_USE,
    NAME_IN_USE,
    TAKEN_WORDS,
    UNKNOWN_LOGIN,
    Checked,
    Taken,
    is_name_in_use,
)
from helpdesk.models import Customer
from helpdesk.pages.rows import RowForm, RowsField, Sent
from helpdesk.rules.ordering import MAX_AGENTS, AgentRow, Refused, check_address, check_agents

from .groups import PeopleInput
from .texts import LongTextInput, TextInput

#: The columns that every agent has.
COLUMNS = ("first_name", "last_name", "email", "login_name")


class QueueAddressField(forms.CharField):
    """The address wanted; its clean value is in lower case, well-formed, and free.

    `customer` is who orders: they may order the address they write from.
    """

    customer: Customer | None = None

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text:
            return text
        try:
            address = check_address(text, rules_of())
        except Refused as refusal:
            raise ValidationError(refusal.message, code=str(refusal.fault)) from refusal
        taken = taken_by(address, customer=self.customer)
        if taken is not None:
            words = TAKEN_WORDS[Taken.QUEUE] if taken == Taken.QUEUE else IN_USE
            raise ValidationError(str(words), code="taken")
        return address


class QueueAddressInput(TextInput):
    """The mail address that the new queue is to have."""

    type = "email"
    role: ClassVar[str] = "address"

    class Meta:
        label = _("Desired address")
        icon = "mail"

    def build(self, value: Any) -> forms.Field:
        widget = forms.EmailInput(attrs={"autocapitalize": "none", "spellcheck": "false"})
        common = {**self.common(value), "required": True}
        return QueueAddressField(max_length=254, widget=widget, **common)


class QueueNameField(forms.CharField):
    """The name wanted: free, as far as whoever orders may know."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if is_name_in_use(text):
            raise ValidationError(str(NAME_IN_USE), code="taken")
        return text


class QueueNameInput(TextInput):
    role: ClassVar[str] = "name"

    class Meta:
        label = _("Name of the queue")

    def build(self, value: Any) -> forms.Field:
        return QueueNameField(max_length=100, **self.common(value))


class QueuePurposeInput(LongTextInput):
    role: ClassVar[str] = "purpose"

    class Meta:
        label = _("Purpose of the queue")
        icon = "doc-full"


class QueueDepartmentInput(TextInput):
    role: ClassVar[str] = "department"

    class Meta:
        label = _("Department that orders")

    def build(self, value: Any) -> forms.Field:
        return forms.CharField(max_length=200, **self.common(value))


class QueueHoursInput(TextInput):
    role: ClassVar[str] = "hours"

    class Meta:
        label = _("Hours of the queue")
        icon = "time"

    def build(self, value: Any) -> forms.Field:
        return forms.CharField(max_length=250, **self.common(value))


class AgentsField(RowsField):
    """Rows of people, each checked at its cells: log-in name, address, nobody twice.

    The directory is asked only for who is signed in (`asks_directory`): it tells no stranger who is there. `checks`
    holds what it said, by log-in name.
    """

    asks_directory = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks: dict[str, str] = {}

    def clean(self, value: Sent | None) -> list[dict[str, Any]]:
        forms_ = (value or Sent("")).forms(self.columns)
        filled = [row for row in forms_ if not row.is_empty]
        if filled and len(filled) <= MAX_AGENTS:
            self._check(filled)
        return super().clean(value)

    def _check(self, filled: list[RowForm]) -> None:
        rows, faults = check_agents([_as_typed(row) for row in filled], rules_of())
        for place, wrong in faults.items():
            for column, refusal in wrong.items():
                _add(filled[place], column, refusal.message)
        # only of good rows: a directory is not asked for what is no log-in name
        good = [place for place in range(len(rows)) if place not in faults]
        if self.asks_directory:
            found = look_up([rows[place] for place in good])
        else:
            found = [_unchecked(rows[place]) for place in good]
        for place, row in zip(good, found, strict=True):
            self.checks[row.login_name] = row.check
            if row.check == Checked.UNKNOWN:
                words = UNKNOWN_LOGIN % {"login": row.login_name}
                _add(filled[place], "login_name", str(words))


def _as_typed(form: RowForm) -> AgentRow:
    """Return a row as it was sent, whether its cells are good or not."""
    values = {key: str(form[key].value() or "") for key in COLUMNS if key in form.fields}
    return AgentRow(**values)


def _unchecked(row: AgentRow) -> AgentRow:
    check = Checked.UNCHECKED if persons.has_directory() else Checked.NONE
    return AgentRow(row.first_name, row.last_name, row.email, row.login_name, check)


def _add(form: RowForm, column: str, message: str) -> None:
    """Add an error to a cell that has none yet."""
    if column in form.fields and column not in form.errors:
        form.add_error(column, message)


class AgentsInput(PeopleInput):
    """The people who are to work on the requests. Its four columns have to stay."""

    role: ClassVar[str] = "agents"

    class Meta:
        label = _("Agents of the queue")
        icon = "group"

    def build(self, value: Any) -> forms.Field:
        common = {**self.common(value), "required": True}
        return AgentsField(
            columns=[self.column(child) for child in self.inner(value)],
            min_rows=max(value["minimum"] or 0, 1),
            max_rows=min(value["maximum"] or MAX_AGENTS, MAX_AGENTS),
            row_name=value["row_name"] or str(self.row_word),
            **common,
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        keys = {child.value["key"] for child in cleaned["columns"]}
        if not keys.issuperset(COLUMNS):
            message = _("First name, last name, e-mail address and log-in name have to stay.")
            raise StructBlockValidationError({"columns": ValidationError(message)})
        return cleaned
