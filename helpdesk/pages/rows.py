"""A list of rows in a form: the field, what is sent for it, and how it is shown.

A row is a form of its own, named `<name>-<place>`, and so a cell `<name>-<place>-<key>`. `<name>-rows` says how many
rows there are, `<name>-paste` may hold a table, and three buttons change the list without sending the form:
`<name>-add`, `<name>-remove` (its value: the place) and `<name>-fill`. Nobody needs scripts for it.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _now
from django.utils.translation import ngettext

from . import pasting

#: No list has more rows or cells: a request may not carry more than 1,000 values (Django's own limit).
MAX_ROWS = 100
MAX_CELLS = 600
#: Empty rows offered at first; a script takes away what is not needed.
OFFERED = 3
#: So many rows behind the last one of which anything was sent are shown again.
SPARE = 10

Cells = dict[str, list[str]]


@dataclass(frozen=True)
class Column:
    """One column: the key and label of its cells, their field, and how a pasted one is read."""

    key: str
    label: str
    field: forms.Field
    reading: pasting.Reading


def _weight(field: forms.Field) -> int:
    """Return how many values a control sends at most: each box that is ticked is one."""
    offered: Any = getattr(field, "choices", ())
    return len(offered) if isinstance(field, forms.MultipleChoiceField) else 1


def most_rows(fields: Iterable[forms.Field]) -> int:
    """Return how many rows of these fields one request can carry."""
    return max(MAX_CELLS // max(sum(map(_weight, fields)), 1), 1)


class RowForm(forms.Form):
    """One row. One that is wholly empty is valid and means nothing; `is_quiet`: nothing is checked yet."""

    use_required_attribute = False
    error_css_class = "field--invalid"

    def __init__(self, columns: Sequence[Column], *, is_quiet: bool = False, **kwargs: Any) -> None:
        super().__init__(
            empty_permitted=True, use_required_attribute=False, label_suffix="", **kwargs
        )
        self.is_quiet = is_quiet
        for column in columns:
            self.fields[column.key] = copy.deepcopy(column.field)

    def full_clean(self) -> None:
        if self.is_quiet:
            self._errors = ErrorDict()
            self.cleaned_data: dict[str, Any] = {}
        else:
            super().full_clean()

    @property
    def is_empty(self) -> bool:
        return not self.has_changed()


@dataclass
class Sent:
    """What was sent for a list: the texts of its cells, and whether only the list was to be changed."""

    name: str
    rows: list[Cells] = field(default_factory=list)
    asked: str = ""  # "add", "remove", "fill"
    is_cut: bool = False
    focus: int | None = None  # the row to go on with
    misfits: list[pasting.Misfit] = field(default_factory=list)  # pasted, and not filled in
    _forms: dict[bool, list[RowForm]] = field(default_factory=dict, repr=False)

    def forms(self, columns: Sequence[Column], *, is_quiet: bool = False) -> list[RowForm]:
        """Return the rows as forms, always the same ones."""
        if is_quiet not in self._forms:
            self._forms[is_quiet] = [
                RowForm(columns, data=self._data(place), prefix=f"{self.name}-{place}", is_quiet=is_quiet)
                for place in range(len(self.rows))
            ]  # fmt: skip
        return self._forms[is_quiet]

    def _data(self, place: int) -> MultiValueDict[str, str]:
        return MultiValueDict(
            {f"{self.name}-{place}-{key}": texts for key, texts in self.rows[place].items()}
        )


class RowsWidget(forms.Widget):
    """Reads the cells of a list from what was sent. It is drawn by `includes/rows.html`, not by itself."""

    use_fieldset = True

    def __init__(self, columns: Sequence[Column], most: int) -> None:
        super().__init__()
        self.columns = columns
        self.most = most

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Sent:
        sent = Sent(
            name, [self._row(data, f"{name}-{at}") for at in range(_count(data, name, self))]
        )
        self._paste(sent, str(data.get(f"{name}-paste") or ""))
        if f"{name}-fill" in data:
            sent.asked = "fill"
        elif f"{name}-add" in data:
            sent.asked = "add"
            if len(sent.rows) < self.most:
                sent.rows.append({})
            sent.focus = len(sent.rows) - 1
        elif f"{name}-remove" in data:
            sent.asked = "remove"
            place = _number(data.get(f"{name}-remove"))
            if 0 <= place < len(sent.rows):
                del sent.rows[place]
                sent.focus = min(place, len(sent.rows) - 1)
        sent.is_cut = len(sent.rows) > MAX_ROWS
        del sent.rows[MAX_ROWS:]
        return sent

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}-") for key in data)

    def _row(self, data: Any, prefix: str) -> Cells:
        """Return the texts of one row by column; as the browser sends them."""
        names = {column.key: f"{prefix}-{column.key}" for column in self.columns}
        return {key: _texts(data, name) for key, name in names.items() if name in data}

    def _paste(self, sent: Sent, text: str) -> None:
        """Put pasted rows where nothing was typed yet, and the others behind; what fits nowhere stays in its box."""
        readings = [column.reading for column in self.columns]
        pasted, sent.misfits = pasting.sort(text, readings, MAX_ROWS + 1)
        free = [row for row in sent.rows if not any(map(str.strip, itertools.chain(*row.values())))]
        for row in pasted:
            if free:
                free.pop(0).update(row)
            else:
                sent.rows.append(row)


class RowsField(forms.Field):
    """A list of rows; its clean value is a list of dicts by column key, without the empty rows."""

    widget: RowsWidget
    is_rows = True

    def __init__(
        self,
        *,
        columns: Sequence[Column],
        min_rows: int = 0,
        max_rows: int = MAX_ROWS,
        row_name: str = "",
        **kwargs: Any,
    ) -> None:
        self.columns = columns
        self.max_rows = min(max_rows, MAX_ROWS, most_rows(column.field for column in columns))
        super().__init__(widget=RowsWidget(columns, self.max_rows), **kwargs)
        self._least = min_rows
        self.row_name = row_name or _now("Row")

    @property
    def min_rows(self) -> int:
        # a condition may demand an answer later
        return min(max(self._least, 1 if self.required else 0), self.max_rows)

    def get_bound_field(self, form: Any, field_name: str) -> RowsBoundField:
        return RowsBoundField(form, self, field_name)

    def clean(self, value: Sent | None) -> list[dict[str, Any]]:
        """Return the rows. Raises `ValidationError`: code `cell` for what a cell shows itself, too."""
        sent = value or Sent("")
        rows = sent.forms(self.columns)
        wrong = [
            ValidationError(f"{self.place_name(row, place)}: {message}", code="cell")
            for row, place, message in _cell_errors(rows)
        ]
        filled = [row for row in rows if not row.is_empty]
        if sent.is_cut or len(filled) > self.max_rows:
            wrong.append(ValidationError(self._too_many(), code="max_rows"))
        if sent.misfits:
            wrong.append(ValidationError(self.misfit_words(sent.misfits), code="misfit"))
        if len(filled) < self.min_rows:
            wrong.append(ValidationError(self._too_few(), code="min_rows"))
        if wrong:
            raise ValidationError(wrong)
        return [
            {column.key: row.cleaned_data.get(column.key) for column in self.columns}
            for row in filled
        ]

    def has_changed(self, initial: Any, data: Sent | None) -> bool:
        return any(not row.is_empty for row in (data or Sent("")).forms(self.columns))

    def place_name(self, place: int, key: str = "") -> str:
        """Return what people call a row, or one of its cells: “Person 2, E-mail address”."""
        row = f"{self.row_name} {place + 1}"
        label = next((column.label for column in self.columns if column.key == key), "")
        return f"{row}, {label}" if label else row

    def misfit_words(self, misfits: Sequence[pasting.Misfit]) -> str:
        """Return the sentence on pasted rows that were not filled in."""
        first = misfits[0]
        label = next(one.label for one in self.columns if one.key == first.column.key)
        message = ngettext(
            "%(n)d pasted row is not filled in and still stands in the box: “%(cell)s” does not fit “%(column)s”.",
            "%(n)d pasted rows are not filled in and still stand in the box: “%(cell)s” does not fit “%(column)s”.",
            len(misfits),
        )
        return message % {"n": len(misfits), "cell": first.cell, "column": label}

    def _too_few(self) -> str:
        message = ngettext(
            "Please fill in at least %(n)d row.",
            "Please fill in at least %(n)d rows.",
            self.min_rows,
        )
        return message % {"n": self.min_rows}

    def _too_many(self) -> str:
        message = ngettext(
            "No more than %(n)d row is possible here.",
            "No more than %(n)d rows are possible here.",
            self.max_rows,
        )
        return message % {"n": self.max_rows}


@dataclass(frozen=True)
class ShownRow:
    """A row ready to be drawn."""

    place: int
    name: str
    cells: list[BoundField]
    has_errors: bool


class RowsBoundField(BoundField):
    """A list of rows on a page."""

    field: RowsField

    @cached_property
    def data(self) -> Sent:  # type: ignore[override]
        """What was sent, read once, so that its cells keep their errors."""
        sent: Sent = super().data
        return sent

    @property
    def _is_quiet(self) -> bool:
        quiet = ("only_changes_rows", "is_left_unchecked")
        return any(getattr(self.form, name, False) for name in quiet)

    @cached_property
    def rows(self) -> list[ShownRow]:
        """The rows as they are shown: what was sent, and at first some empty ones."""
        if not self.form.is_bound:
            count = min(max(self.field.min_rows, OFFERED), self.field.max_rows)
            return [self._shown(at, self._empty(str(at))) for at in range(count)]
        sent = self.data.forms(self.field.columns, is_quiet=self._is_quiet)
        if self.data.focus is not None and sent:
            # who pressed a button goes on there; a page without scripts cannot do it otherwise
            first = self.field.columns[0].key if self.field.columns else ""
            if first:
                sent[self.data.focus].fields[first].widget.attrs["autofocus"] = True
        rows = [self._shown(at, form) for at, form in enumerate(sent)]
        return rows or [self._shown(0, self._empty("0"))]

    @property
    def blank(self) -> ShownRow:
        """An empty row for scripts to copy; its place is `__n__`."""
        return self._shown(0, self._empty("__n__"))

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def can_grow(self) -> bool:
        return self.count < self.field.max_rows

    @property
    def left(self) -> str:
        """The pasted rows that were not filled in, for their box."""
        misfits = self.data.misfits if self.form.is_bound else ()
        return "\n".join(one.line for one in misfits)

    @property
    def left_words(self) -> str:
        """Why they were not."""
        return self.field.misfit_words(self.data.misfits) if self.left else ""

    @property
    def general_errors(self) -> list[str]:
        """What is wrong with the list, not with one of its cells."""
        return [str(one.messages[0]) for one in self.errors.as_data() if one.code != "cell"]

    @property
    def cell_errors(self) -> dict[str, list[str]]:
        """What is wrong with single cells, by the names of their controls."""
        cells = [cell for row in self.rows for cell in row.cells if cell.errors]
        return {cell.html_name: [str(one) for one in cell.errors] for cell in cells}

    @property
    def columns(self) -> list[dict[str, Any]]:
        """How a script reads a pasted table."""
        return [
            {
                "key": column.key,
                "names": [pasting.plain(name) for name in column.reading.names],
                "values": dict(column.reading.values),
                "type": column.reading.type,
                "label": column.label,
            }
            for column in self.field.columns
        ]

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """Yield id of the control, name and message of each error, in the order of the page."""
        first = self.rows[0].cells
        for message in self.general_errors:
            yield (first[0].id_for_label if first else ""), str(self.label), message
        for row, key, message in _cell_errors(
            [one.cells[0].form for one in self.rows if one.cells]
        ):
            bound = next(cell for cell in self.rows[row].cells if cell.name == key)
            yield anchor(bound), self.field.place_name(row, key), message

    def _empty(self, place: str) -> RowForm:
        return RowForm(self.field.columns, prefix=f"{self.html_name}-{place}")

    def _shown(self, place: int, form: RowForm) -> ShownRow:
        cells = list(form)
        has_errors = form.is_bound and any(cell.errors for cell in cells)
        return ShownRow(place, self.field.place_name(place), cells, has_errors)


def anchor(bound: BoundField) -> str:
    """Return the id of the control to which an error leads."""
    # a group of boxes has no control of its own: go to its first
    return f"{bound.auto_id}_0" if bound.use_fieldset else str(bound.auto_id)


def _cell_errors(rows: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
    """Yield place, column and message of each error."""
    for place, row in enumerate(rows):
        for key, errors in row.errors.items() if row.is_bound else ():
            for message in errors:
                yield place, key, str(message)


def _texts(data: Any, name: str) -> list[str]:
    return list(data.getlist(name)) if hasattr(data, "getlist") else [data[name]]


def _number(text: object) -> int:
    """Return a small whole number that was sent, -1 for anything else."""
    written = str(text or "").strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) < 8 else -1


def _count(data: Mapping[str, Any], name: str, widget: RowsWidget) -> int:
    """Return how many rows were sent; what is no sensible number is counted instead.

    A row whose boxes are all empty sends nothing; but nobody gets a hundred rows for one number.
    """
    keys = [column.key for column in widget.columns]

    def is_there(place: int) -> bool:
        return any(f"{name}-{place}-{key}" in data for key in keys)

    stated = _number(data.get(f"{name}-rows"))
    if 0 <= stated <= widget.most:
        last = next(filter(is_there, reversed(range(stated))), -1)
        return min(stated, last + 1 + SPARE)
    return sum(1 for _place in itertools.takewhile(is_there, range(MAX_ROWS + 1)))
