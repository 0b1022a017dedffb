"""The two readers of a condition against each other, over a real table; and what `parse` refuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.test.utils import isolate_apps
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.rules.conditions import (
    MAX_DEPTH,
    MAX_NODES,
    ConditionError,
    Field,
    FieldSet,
    FieldType,
    parse,
)
from helpdesk.rules.fields import OPERATORS, Operand

UTC = dt.UTC
NOW = dt.datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
TEXTS = ["", "Drucker", "drucker kaputt", "Ärger", "ärger\n", "a.b", "50%_", "Maß", None]
DAYS = [dt.date(2026, 11, 24) + dt.timedelta(days=step) for step in (-8, -7, -1, 0, 1)]
TIMES = [
    NOW,
    NOW - dt.timedelta(days=7),
    NOW - dt.timedelta(days=7, microseconds=1),
    dt.datetime(2026, 11, 23, 23, 0, tzinfo=UTC),
    dt.datetime(2026, 11, 23, 22, 59, 59, 999999, tzinfo=UTC),
    NOW + dt.timedelta(hours=3),
]

CLOCKS = [dt.time(0, 0), dt.time(9, 30), dt.time(9, 31), dt.time(23, 59)]


@pytest.fixture(scope="module")
def table(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """A table with nullable columns of every type, a nullable parent, and a list beside it."""
    with isolate_apps("helpdesk"), django_db_blocker.unblock():

        class Parent(models.Model):
            name = models.CharField(max_length=50, null=True)

            class Meta:
                app_label = "helpdesk"
                db_table = "test_condition_parent"

            def __str__(self) -> str:
                return str(self.name)

        class Row(models.Model):
            text = models.CharField(max_length=50, null=True)
            number = models.BigIntegerField(null=True)
            queue = models.ForeignKey(Parent, models.CASCADE, null=True)
            code = models.CharField(max_length=10, null=True)
            flag = models.BooleanField(null=True)
            day = models.DateField(null=True)
            at = models.DateTimeField(null=True)
            clock = models.TimeField(null=True)

            class Meta:
                app_label = "helpdesk"
                db_table = "test_condition_row"

            def __str__(self) -> str:
                return str(self.text)

        class Recipient(models.Model):
            row = models.ForeignKey(Row, models.CASCADE)
            address = models.CharField(max_length=50, null=True)

            class Meta:
                app_label = "helpdesk"
                db_table = "test_condition_recipient"

            def __str__(self) -> str:
                return str(self.address)

        made = (Parent, Row, Recipient)
        with connection.schema_editor() as editor:
            for model in made:
                editor.create_model(model)
        try:
            _fill(Parent, Row, Recipient)
            yield Row, Recipient
        finally:
            with connection.schema_editor() as editor:
                for model in reversed(made):
                    editor.delete_model(model)


def _fill(parent: Any, row: Any, recipient: Any) -> None:
    parents = [parent.objects.create(name=name) for name in ("Störung", "", None)] + [None]
    for index in range(36):
        made = row.objects.create(
            text=TEXTS[index % len(TEXTS)],
            number=[None, -1, 0, 1, 2**40][index % 5],
            queue=parents[index % 4],
            code=["new", "open", "", None][(index // 2) % 4],
            flag=[True, False, None][index % 3],
            day=[*DAYS, None][(index * 5 + index // 6) % 6],
            at=[*TIMES, None][(index * 3) % 7],
            clock=[*CLOCKS, None][index % 5],
        )
        for address in TEXTS[index % len(TEXTS) : index % len(TEXTS) + index % 3]:
            recipient.objects.create(row=made, address=address)


def _fields(recipient: Any = None) -> FieldSet:
    def through(inner: Q) -> Q:
        return Q(Exists(recipient.objects.filter(row=OuterRef("pk")).filter(inner)))

    return FieldSet(
        Field("text", FieldType.TEXT, "Subject", lookup="text"),
        Field("number", FieldType.NUMBER, "Count", lookup="number"),
        Field("queue", FieldType.CHOICE, "Queue", "queue", choices=[(1, "Faults"), (2, "Help")]),
        Field("queue_name", FieldType.TEXT, "Name of the queue", lookup="queue__name"),
        Field(
            "code",
            FieldType.CHOICE,
            "State",
            lookup="code",
            choices=lambda: [("new", "new"), ("open", "in work")],
            codes=True,
        ),
        Field("flag", FieldType.BOOLEAN, "Flag", lookup="flag"),
        Field("day", FieldType.DATE, "Due", lookup="day"),
        Field("at", FieldType.DATETIME, "Created", lookup="at"),
        Field("clock", FieldType.TIME, "Begin", lookup="clock"),
        Field("to", FieldType.LIST, "Recipients", lookup="address", through=through),
        Field("weight", FieldType.NUMBER, "Weight"),
    )


FIELDS = _fields()

# --- any condition that can be written

_words = st.sampled_from(["Drucker", "DRUCKER", "är", "Ä", "a.b", ".", "%", "\n", "r", "ss", "ö"])
_words = _words.filter(str.strip)
_patterns = st.sampled_from(
    [r"d.*k", r"^ä", r"r$", r"\d+%", r"[ab]\.[^a]", r"dru(ck|x)er ?k?", r"\w\s\w", r"ä\w+r$"]
)
_spans = st.builds(
    lambda unit, amount: {unit: amount},
    st.sampled_from(["days", "hours", "minutes"]),
    st.sampled_from([0, 1, 3, 7, 8]),
)
_day_spans = st.integers(0, 9).map(lambda amount: {"days": amount})
_relative = st.sampled_from(["days_ago", "days_ahead", "hours_ago", "hours_ahead", "minutes_ago"])
_days_json = st.one_of(
    st.sampled_from(DAYS).map(str),
    st.integers(0, 9).map(lambda amount: {"days_ago": amount}),
    st.integers(0, 2).map(lambda amount: {"days_ahead": amount}),
)
_moments = st.one_of(
    _days_json,
    st.sampled_from(TIMES).map(dt.datetime.isoformat),
    st.builds(lambda unit, amount: {unit: amount}, _relative, st.integers(0, 200)),
)
_ONE = {
    FieldType.TEXT: _words,
    FieldType.LIST: _words,
    FieldType.NUMBER: st.sampled_from([-2, -1, 0, 1, 2, 2**40, 2**53]),
    FieldType.BOOLEAN: st.booleans(),
}


def _values(field: Field, operand: Operand) -> st.SearchStrategy[Any]:
    one = st.sampled_from(list(field.options() or [0])) if field.choices else _ONE.get(field.type)
    timed = field.type is FieldType.DATETIME
    return {
        Operand.ONE: one,
        Operand.MANY: st.lists(one, min_size=1, max_size=3) if one is not None else None,
        Operand.PATTERN: _patterns,
        Operand.MOMENT: _moments if timed else _days_json,
        Operand.DAY: _days_json,
        Operand.SPAN: _spans if timed else _day_spans,
        Operand.CLOCK: st.sampled_from(["00:00", "09:29", "09:30", "10:00", "23:59"]),
    }[operand]


def _leaves(fields: FieldSet) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        [
            st.fixed_dictionaries({"field": st.just(field.name), "op": st.just(operator.code)})
            if operator.operand is Operand.NONE
            else st.fixed_dictionaries(
                {
                    "field": st.just(field.name),
                    "op": st.just(operator.code),
                    "value": _values(field, operator.operand),
                }
            )
            for field in fields
            for operator in OPERATORS[field.type].values()
        ]
    )


def _trees(fields: FieldSet) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        _leaves(fields),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=8,
    )


IN_TABLE = FieldSet(*(field for field in FIELDS if field.lookup))


def _values_of(row: Any) -> dict[str, object]:
    return {
        "text": row.text,
        "number": row.number,
        "queue": row.queue_id,
        "queue_name": row.queue.name if row.queue else None,
        "code": row.code,
        "flag": row.flag,
        "day": row.day,
        "at": row.at,
        "clock": row.clock,
        "to": [one.address for one in row.recipient_set.all()],
    }


# --- the two readers


def _compare(table: Any, data: dict[str, Any]) -> None:
    rows, recipients = table
    condition = parse(data, _fields(recipients))
    values = {row.pk: _values_of(row) for row in _all_rows(rows)}
    asked = sorted(rows.objects.filter(condition.to_q(NOW)).values_list("pk", flat=True))
    given_values = sorted(pk for pk in values if condition.matches(values[pk], NOW))
    assert asked == given_values, condition.describe()


def _all_rows(rows: Any) -> Any:
    return rows.objects.select_related("queue").prefetch_related("recipient_set")


@pytest.mark.django_db
@settings(max_examples=150, deadline=None)
@given(data=_trees(IN_TABLE))
def test_matches_equals_to_q_when_tree_is_random(table: Any, data: dict[str, Any]) -> None:
    with timezone.override("Europe/Berlin"):
        _compare(table, data)


@pytest.mark.django_db
@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(
    ("name", "code"),
    [(field.name, code) for field in IN_TABLE for code in OPERATORS[field.type]],
)
def test_matches_equals_to_q_for_each_operator(
    table: Any, name: str, code: str, negated: bool
) -> None:
    field = IN_TABLE.get(name)
    assert field is not None
    one = {
        FieldType.TEXT: "ÄR",
        FieldType.LIST: "ÄR",
        FieldType.NUMBER: 0,
        FieldType.CHOICE: "new" if field.codes else 2,
        FieldType.BOOLEAN: False,
    }.get(field.type)
    values = {
        Operand.ONE: one,
        Operand.MANY: [one],
        Operand.PATTERN: "ä.*r",
        Operand.MOMENT: "2026-11-24",
        Operand.DAY: {"days_ago": 0},
        Operand.SPAN: {"days": 7},
        Operand.CLOCK: "09:30",
    }
    operand = OPERATORS[field.type][code].operand
    data: dict[str, Any] = {"field": name, "op": code}
    data |= {"value": values[operand]} if operand in values else {}
    with timezone.override("Europe/Berlin"):
        _compare(table, {"not": data} if negated else data)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("values", "data", "expected"),
    [
        ({"text": "Drucker"}, {"field": "text", "op": "is", "value": "drucker"}, True),
        ({"text": "ÄRGER"}, {"field": "text", "op": "contains", "value": "ärg"}, True),
        ({"text": "a.b"}, {"field": "text", "op": "contains", "value": "axb"}, False),
        ({"text": "a\n"}, {"field": "text", "op": "matches", "value": "a$"}, False),
        ({}, {"field": "text", "op": "is", "value": "a"}, False),
        ({}, {"field": "text", "op": "is_not", "value": "a"}, True),
        ({"text": None}, {"field": "text", "op": "empty"}, True),
        ({"text": ""}, {"field": "text", "op": "not_empty"}, False),
        ({"weight": 2.5}, {"field": "weight", "op": "gt", "value": 2.4}, True),
        ({"to": ["a@x", "b@y"]}, {"field": "to", "op": "ends_with", "value": "@y"}, True),
        ({"to": ["a@x", "b@y"]}, {"field": "to", "op": "is_not", "value": "a@x"}, False),
        ({"to": []}, {"field": "to", "op": "empty"}, True),
        ({"queue": [1, 2]}, {"field": "queue", "op": "in", "value": [2]}, True),
        ({"at": NOW}, {"field": "at", "op": "older_than", "value": {"minutes": 0}}, False),
        ({"at": NOW}, {"field": "at", "op": "is", "value": {"days_ago": 0}}, True),
        ({"at": NOW}, {"field": "at", "op": "after", "value": "2026-11-24"}, False),
        ({"day": NOW.date()}, {"field": "day", "op": "before", "value": {"days_ahead": 1}}, True),
        ({"clock": dt.time(9, 5)}, {"field": "clock", "op": "before", "value": "10:00"}, True),
        ({"clock": dt.time(10, 0)}, {"field": "clock", "op": "before", "value": "10:00"}, False),
        ({"clock": dt.time(10, 1)}, {"field": "clock", "op": "after", "value": "10:00"}, True),
        ({}, {"field": "clock", "op": "after", "value": "10:00"}, False),
        ({}, {"all": []}, True),
        ({}, {"not": {"all": []}}, False),
    ],
)
def test_matches(values: dict[str, object], data: dict[str, Any], expected: bool) -> None:
    assert parse(data, FIELDS).matches(values, NOW) is expected


@pytest.mark.pure
@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("is", "2026-03-29", True),
        ("before", "2026-03-29", False),
        ("before", "2026-03-30", True),
        ("after", "2026-03-29", False),
        ("after", "2026-03-28", True),
    ],
)
@pytest.mark.parametrize("hour", ["2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"])
def test_matches_takes_local_days_when_the_clock_changes(
    code: str, day: str, expected: bool, hour: str
) -> None:
    condition = parse({"field": "at", "op": code, "value": day}, FIELDS)
    with timezone.override("Europe/Berlin"):
        assert condition.matches({"at": dt.datetime.fromisoformat(hour)}, NOW) is expected


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "code", "value", "wrong"),
    [
        ("text", "is", "a", 3),
        ("number", "is", 1, "1"),
        ("number", "is", 1, True),
        ("flag", "is", True, 1),
        ("day", "before", "2026-01-01", NOW),
        ("at", "before", "2026-01-01", NOW.replace(tzinfo=None)),
        ("at", "before", "2026-01-01", NOW.date()),
        ("clock", "before", "10:00", "09:00"),
    ],
)
def test_matches_raises_when_value_is_of_another_type(
    name: str, code: str, value: object, wrong: object
) -> None:
    condition = parse({"field": name, "op": code, "value": value}, FIELDS)
    with pytest.raises(TypeError):
        condition.matches({name: wrong}, NOW)


@pytest.mark.pure
def test_to_q_raises_when_field_has_no_column() -> None:
    condition = parse({"not": {"field": "weight", "op": "is", "value": 1}}, FIELDS)
    with pytest.raises(ConditionError):
        condition.to_q(NOW)


# --- parse


@pytest.mark.pure
@given(_trees(FIELDS))
def test_parse_reads_what_to_json_writes(data: dict[str, Any]) -> None:
    condition = parse(data, FIELDS)
    assert parse(condition.to_json(), FIELDS) == condition
    assert condition.describe()
    assert condition.fields() <= {field.name for field in FIELDS}


_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(["text", "at", "is", "in", "matches", "before", "days_ago"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "op", "value", "days_ago", "days"]),
            inner,
            max_size=3,
        ),
    ),
)


@pytest.mark.pure
@given(_json)
def test_parse_raises_nothing_but_condition_error(data: object) -> None:
    message = "read"
    try:
        parse(data, FIELDS)
    except ConditionError as error:
        message = str(error)
    assert message


def _leaf(name: str, code: str, *value: object) -> dict[str, object]:
    return {"field": name, "op": code, **({"value": value[0]} if value else {})}


@pytest.mark.pure
@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, ""),
        ([], ""),
        ({}, ""),
        ({"all": {}}, ""),
        ({"any": []}, ""),
        ({"all": [], "any": []}, ""),
        ({"all": [{"not": []}]}, "all[0].not"),
        (_leaf("nothing", "is", "a"), "field"),
        (_leaf(["text"], "is", "a"), "field"),
        ({"any": [_leaf("text", "lt", "a")]}, "any[0].op"),
        (_leaf("text", [], "a"), "op"),
        ({"all": [_leaf("text", "is")]}, "all[0].value"),
        (_leaf("text", "empty", "a"), "value"),
        ({**_leaf("text", "is", "a"), "more": 1}, ""),
        (_leaf("text", "is", 3), "value"),
        (_leaf("text", "is", " "), "value"),
        (_leaf("text", "is", "a\x00"), "value"),
        (_leaf("text", "is", "\ud800"), "value"),
        (_leaf("text", "is", "a" * 1001), "value"),
        (_leaf("text", "in", []), "value"),
        (_leaf("text", "in", "a"), "value"),
        (_leaf("text", "matches", "(a+)+"), "value"),
        (_leaf("number", "is", True), "value"),
        (_leaf("number", "is", 1.5), "value"),
        (_leaf("number", "is", 2**60), "value"),
        (_leaf("weight", "is", float("nan")), "value"),
        (_leaf("queue", "is", 3), "value"),
        (_leaf("queue", "is", "1"), "value"),
        (_leaf("code", "in", ["new", "old"]), "value"),
        (_leaf("flag", "is", 1), "value"),
        (_leaf("day", "before", "2026-02-30"), "value"),
        (_leaf("day", "before", "2026-02-03T10:00:00Z"), "value"),
        (_leaf("day", "before", {"hours_ago": 1}), "value"),
        (_leaf("at", "before", "2026-02-03T10:00:00"), "value"),
        (_leaf("at", "is", {"hours_ago": 1}), "value"),
        (_leaf("at", "before", {"days_ago": -1}), "value"),
        (_leaf("at", "before", {"days_ago": 10**9}), "value"),
        (_leaf("at", "before", {"days_ago": 1, "hours_ago": 1}), "value"),
        (_leaf("at", "before", "9999-12-31"), "value"),
        (_leaf("at", "older_than", {"days_ago": 7}), "value"),
        (_leaf("at", "older_than", 7), "value"),
    ],
)
def test_parse_refuses_with_path(data: object, path: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(data, FIELDS)
    assert caught.value.path == path
    assert str(caught.value)


def _nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = _leaf("text", "empty")
    for _step in range(depth - 1):
        data = {"not": data}
    return data


@pytest.mark.pure
def test_parse_limits_depth_and_size() -> None:
    assert parse(_nested(MAX_DEPTH), FIELDS)
    assert parse({"all": [_leaf("text", "empty")] * (MAX_NODES - 1)}, FIELDS)
    with pytest.raises(ConditionError):
        parse(_nested(MAX_DEPTH + 1), FIELDS)
    with pytest.raises(ConditionError):
        parse(_nested(5000), FIELDS)
    with pytest.raises(ConditionError):
        parse({"all": [_leaf("text", "empty")] * MAX_NODES}, FIELDS)


@pytest.mark.pure
def test_parse_takes_a_lost_choice_when_reading_what_was_saved() -> None:
    data = _leaf("queue", "is", 99)
    assert parse(data, FIELDS, known=False).to_json() == data


@pytest.mark.pure
def test_field_set_refuses_two_fields_of_one_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        FieldSet(Field("a", FieldType.TEXT, "A"), Field("a", FieldType.DATE, "B"))


# --- describe, fields

TREE = {
    "all": [
        _leaf("queue", "is", 1),
        {"any": [_leaf("code", "in", ["new", "open"]), _leaf("flag", "is", True)]},
        {"not": _leaf("text", "contains", "Spam")},
        _leaf("at", "older_than", {"days": 1}),
        _leaf("at", "before", {"hours_ago": 3}),
    ]
}


@pytest.mark.pure
def test_describe_is_a_sentence() -> None:
    with translation.override("en"):
        assert parse(TREE, FIELDS).describe() == (
            "Queue is Faults and (State is one of new, in work or Flag is yes)"
            " and not (Subject contains “Spam”) and Created is longer ago than 1 day"
            " and Created is before 3 hours ago"
        )


@pytest.mark.pure
@pytest.mark.parametrize(("language", "said"), [("de", "1,5"), ("en", "1.5")])
def test_numbers_are_told_as_the_language_writes_them(language: str, said: str) -> None:
    fields = FieldSet(Field("count", FieldType.NUMBER, "Count"))
    with translation.override(language):
        assert said in parse(_leaf("count", "gt", 1.5), fields).describe()


@pytest.mark.pure
def test_fields_are_those_asked_about() -> None:
    assert parse(TREE, FIELDS).fields() == {"queue", "code", "flag", "text", "at"}
