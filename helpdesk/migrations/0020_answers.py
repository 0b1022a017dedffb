"""Answers as rows, and the fields that were asked; both filled from the snapshots of the tickets there are."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

BATCH = 500

# How a snapshot was read when these tables were made, frozen here: the reader of today may read another one.
MAX_TEXT, MAX_ROWS, MAX_KEY, MAX_LABEL = 250, 5000, 100, 500
WITHIN = "."
_YES, _NO = "yes", "no"


@dataclass(frozen=True)
class Value:
    """One value of one field: `row` counts from 0 in a list of rows and is None outside."""

    key: str
    row: int | None
    text: str
    number: float | None = None
    day: date | None = None
    private: bool = False


@dataclass(frozen=True)
class Shown:
    """A field as somebody saw it. `choices` are the answers offered, as pairs of value and label."""

    key: str
    type: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()


def folded(text: object) -> str:
    """Return how a text is compared: one line, no capitals, one way of writing accents, bounded."""
    return " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())[:MAX_TEXT]


def values_of(snapshot: object) -> list[Value]:
    """Return the values of a snapshot, empty answers left out. Several choices are several values."""
    found: list[Value] = []
    for value in _values(snapshot, "", None, private=False):
        found.append(value)
        if len(found) == MAX_ROWS:
            break
    return found


def fields_of(snapshot: object) -> list[Shown]:
    """Return the fields of a snapshot in their order, each once; those of a list of rows after it."""
    found: dict[str, Shown] = {}
    for field in _fields(snapshot, "", ""):
        found.setdefault(field.key, field)
    return list(found.values())


def _entries(snapshot: object, within: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entries that have a usable key, with the key under which they are found."""
    for entry in snapshot if isinstance(snapshot, list | tuple) else ():
        key = entry.get("key") if isinstance(entry, Mapping) else None
        if isinstance(key, str) and key and len(within + key) <= MAX_KEY:
            yield within + key, entry


def _lines(entry: Mapping[str, Any]) -> list[Any] | None:
    rows = entry.get("rows")
    return rows if isinstance(rows, list) else None


def _values(snapshot: object, within: str, row: int | None, *, private: bool) -> Iterator[Value]:
    for key, entry in _entries(snapshot, within):
        is_private = private or bool(entry.get("private"))
        lines = _lines(entry)
        if lines is None:
            yield from _typed(key, row, entry.get("value"), str(entry.get("type")), is_private)
            continue
        for number, line in enumerate(lines):
            yield from _values(line, key + WITHIN, number, private=is_private)


def _typed(key: str, row: int | None, value: Any, type_: str, private: bool) -> Iterator[Value]:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        yield Value(key, row, _YES if value else _NO, private=private)
    elif isinstance(value, int | float):
        yield Value(key, row, folded(value), number=float(value), private=private)
    elif isinstance(value, list | tuple):
        for one in value:
            name = one.get("name") if isinstance(one, Mapping) else one  # of a file
            yield from _typed(key, row, name, type_, private)
    elif isinstance(value, Mapping):  # several things in one field: who is logged in
        for name, one in value.items():
            if len(f"{key}{WITHIN}{name}") <= MAX_KEY:
                yield from _typed(f"{key}{WITHIN}{name}", row, one, type_, private)
    elif isinstance(value, str):
        yield Value(key, row, folded(value), day=_day(value, type_), private=private)


def _day(value: str, type_: str) -> date | None:
    if not type_.startswith("date"):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _fields(snapshot: object, within: str, of: str) -> Iterator[Shown]:
    for key, entry in _entries(snapshot, within):
        label = f"{of}{entry.get('label') or key}"[:MAX_LABEL]
        yield Shown(key, str(entry.get("type") or "text")[:40], label, _choices(entry))
        lines = _lines(entry) or ()
        yield from _fields(_first_of_each(lines), key + WITHIN, f"{label}: ")


def _first_of_each(lines: Iterable[Any]) -> list[Any]:
    """Return an entry for each field of a list's lines: what was hidden in one may stand in another."""
    return [entry for line in lines if isinstance(line, list) for entry in line]


def _choices(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    choices = entry.get("choices")
    return tuple(
        (str(one.get("value"))[:MAX_TEXT], str(one.get("label"))[:MAX_LABEL])
        for one in (choices if isinstance(choices, list) else ())
        if isinstance(one, Mapping)
    )


def fill(apps, schema_editor):
    """Read the snapshots, some hundred tickets at a time; the labels are those of the newest."""
    Ticket = apps.get_model("helpdesk", "Ticket")
    Answer = apps.get_model("helpdesk", "Answer")
    AskedField = apps.get_model("helpdesk", "AskedField")
    asked, last = {}, 0
    rows = Ticket.objects.order_by("pk").exclude(answers=[])
    columns = ("pk", "form_key", "language", "is_test", "answers")
    while batch := list(rows.filter(pk__gt=last).values_list(*columns)[:BATCH]):
        made = []
        for ticket_id, form_key, language, is_test, snapshot in batch:
            made += [
                Answer(
                    ticket_id=ticket_id,
                    key=value.key,
                    row=value.row,
                    text=value.text,
                    number=value.number,
                    day=value.day,
                    private=value.private,
                )
                for value in values_of(snapshot)
            ]
            if form_key is not None and not is_test:
                for field in fields_of(snapshot):
                    asked[form_key, language, field.key] = field
        Answer.objects.bulk_create(made, batch_size=BATCH)
        last = batch[-1][0]
    AskedField.objects.bulk_create(
        (
            AskedField(
                form_key=form_key,
                language=language,
                key=key,
                type=field.type,
                label=field.label,
                choices=[list(pair) for pair in field.choices],
            )
            for (form_key, language, key), field in asked.items()
        ),
        batch_size=BATCH,
    )


def count_aliases_to_their_source(apps, schema_editor):
    """An alias had a key of its own: what came by it belongs to the form that it shows."""
    Page = apps.get_model("wagtailcore", "Page")
    Ticket = apps.get_model("helpdesk", "Ticket")
    pages = dict(Page.objects.values_list("pk", "alias_of_id"))
    keys = dict(Page.objects.filter(pk__in=pages).values_list("pk", "translation_key"))
    for page, source in pages.items():
        while source and pages.get(source):
            source = pages[source]
        if source and keys[source] != keys[page]:
            Ticket.objects.filter(form_key=keys[page]).update(form_key=keys[source])


class Migration(migrations.Migration):

    dependencies = [
        ("helpdesk", "0019_blob_infected"),
    ]

    operations = [
        migrations.CreateModel(
            name='AskedField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form_key', models.UUIDField()),
                ('language', models.CharField(max_length=10)),
                ('key', models.CharField(max_length=100)),
                ('type', models.CharField(max_length=40)),
                ('label', models.CharField(max_length=500)),
                ('choices', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'field that was asked',
                'verbose_name_plural': 'fields that were asked',
                'constraints': [models.UniqueConstraint(fields=('form_key', 'language', 'key'), name='helpdesk_asked_once')],
            },
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=100)),
                ('row', models.PositiveIntegerField(null=True)),
                ('text', models.CharField(max_length=250)),
                ('number', models.FloatField(null=True)),
                ('day', models.DateField(null=True)),
                ('private', models.BooleanField(default=False)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answer_rows', to='helpdesk.ticket')),
            ],
            options={
                'verbose_name': 'answer',
                'verbose_name_plural': 'answers',
                'indexes': [models.Index(fields=['key', 'text'], name='helpdesk_answer_text'), models.Index(condition=models.Q(('number__isnull', False)), fields=['key', 'number'], name='helpdesk_answer_number'), models.Index(condition=models.Q(('day__isnull', False)), fields=['key', 'day'], name='helpdesk_answer_day')],
            },
        ),
        migrations.RunPython(
            count_aliases_to_their_source, migrations.RunPython.noop, elidable=True
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
