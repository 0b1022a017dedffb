"""Server and browser ask the same: one condition, one answer, two evaluators."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.http import QueryDict
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

import helpdesk
from helpdesk.pages.asking import decide, rows_of
from helpdesk.pages.conditional import PREFIX
from helpdesk.pages.forms import IntakeForm
from helpdesk.pages.stream import FormFieldsBlock

CHOICES = [
    {"type": "item", "value": {"label": one, "value": one}, "id": one} for one in ("r", "b", "w")
]
#: Key, type of the block, how it is compared.
KINDS = {
    "text": "text",
    "number": "number",
    "date": "date",
    "time": "time",
    "choice": "choice",
    "choices": "choices",
    "yes_no": "yes_no",
}
#: Where the two languages could differ: case, umlauts, long and Greek s, Turkish i, signs of patterns.
LETTERS = "aAäÄßẞſsSσςΣiIİıKK.*+?()[]|^$\\/-{}é 🙂"
TODAY = dt.date(2026, 11, 26)
NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)

words = st.text(LETTERS, max_size=4)
filled = words.filter(lambda text: text.strip())
numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -1.5, 2.0]))
days = st.dates(dt.date(2026, 11, 20), dt.date(2026, 12, 3))
moments = st.one_of(
    days.map(dt.date.isoformat),
    st.builds(
        lambda key, n: {key: n}, st.sampled_from(["days_ago", "days_ahead"]), st.integers(0, 9)
    ),
)
clocks = st.times(dt.time(8), dt.time(12)).map(lambda one: one.replace(second=0, microsecond=0))
keys = st.sampled_from(["r", "b", "w"])
ANSWERS: dict[str, Any] = {
    "text": st.one_of(st.none(), words),
    "number": st.one_of(st.none(), numbers),
    "date": st.one_of(st.none(), days),
    "time": st.one_of(st.none(), clocks),
    "choice": st.one_of(st.none(), keys),
    "choices": st.lists(keys, unique=True),
    "yes_no": st.sampled_from([None, True, False]),
}


def clock(value: dt.time) -> str:
    return value.strftime("%H:%M")


def leaf(kind: str, ops: list[str], values: Any) -> Any:
    return st.builds(
        lambda op, value: {"field": kind, "op": op, "value": value}, st.sampled_from(ops), values
    )


def empty(kind: str) -> Any:
    return st.sampled_from(["empty", "not_empty"]).map(lambda op: {"field": kind, "op": op})


def many(values: Any) -> Any:
    return st.lists(values, min_size=1, max_size=3)


LEAVES = {
    "text": st.one_of(
        leaf(
            "text",
            ["is", "is_not", "contains", "not_contains", "starts_with", "ends_with"],
            filled,
        ),
        leaf("text", ["in", "not_in"], many(filled)),
        empty("text"),
    ),
    "number": st.one_of(
        leaf("number", ["is", "is_not", "lt", "le", "gt", "ge"], numbers),
        leaf("number", ["in", "not_in"], many(numbers)),
        empty("number"),
    ),
    "date": st.one_of(leaf("date", ["is", "is_not", "before", "after"], moments), empty("date")),
    "time": st.one_of(
        leaf("time", ["is", "is_not", "before", "after"], clocks.map(clock)), empty("time")
    ),
    "choice": st.one_of(
        leaf("choice", ["is", "is_not"], keys),
        leaf("choice", ["in", "not_in"], many(keys)),
        empty("choice"),
    ),
    "choices": st.one_of(
        leaf("choices", ["is", "is_not"], keys),
        leaf("choices", ["in", "not_in"], many(keys)),
        empty("choices"),
    ),
    "yes_no": st.one_of(leaf("yes_no", ["is", "is_not"], st.booleans()), empty("yes_no")),
}


def trees(kinds: list[str]) -> Any:
    leaves = st.one_of(*(LEAVES[kind] for kind in kinds))
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.lists(parts, max_size=3).map(lambda found: {"all": found}),
            st.lists(parts, min_size=1, max_size=3).map(lambda found: {"any": found}),
            parts.map(lambda part: {"not": part}),
        ),
        max_leaves=5,
    )


@st.composite
def forms(draw: Any) -> Any:
    """Return the raw blocks of a form whose later parts hang on earlier ones, and its answers."""
    raw, before = [], []
    for at, (key, type_) in enumerate(KINDS.items()):
        if at and draw(st.booleans()):
            kind = draw(st.sampled_from(["section", "step", "help_text"]))
            named = {"section": "heading", "step": "title", "help_text": "text"}[kind]
            raw.append(
                {
                    "type": kind,
                    "id": f"s{at}",
                    "value": {named: "x", "condition": draw(trees(before))},
                }
            )
        value: dict[str, Any] = {"label": key, "key": key}
        if "choice" in type_:
            value["choices"] = CHOICES
        if at:
            for slot in ("condition", "required_when"):
                value[slot] = draw(st.one_of(st.none(), trees(before)))
        raw.append({"type": type_, "id": key, "value": value})
        before.append(key)
    return raw, {key: draw(answer) for key, answer in ANSWERS.items()}


@pytest.fixture(scope="module")
def page(chromium: Any) -> Any:
    script = Path(helpdesk.__file__).parent / "static/helpdesk/forms.js"
    code = base64.b64encode(script.read_bytes()).decode()
    context = chromium.new_context()
    page = context.new_page()
    page.evaluate(
        "async (code) => { window.forms = await import(`data:text/javascript;base64,${code}`); }",
        code,
    )
    yield page
    context.close()


def data_of(raw: list[dict[str, Any]]) -> dict[str, Any]:
    return IntakeForm(stream=FormFieldsBlock().to_python(raw)).asking_data()


def as_told(answer: Any) -> Any:
    """Return an answer as the browser reads it."""
    if isinstance(answer, dt.time):
        return clock(answer)
    return answer.isoformat() if isinstance(answer, dt.date) else answer


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(forms())
def test_both_ask_the_same(page: Page, drawn: Any) -> None:
    raw, answers = drawn
    rows = rows_of(FormFieldsBlock().to_python(raw))
    here = decide(rows, answers.get, NOW)

    told = {key: as_told(one) for key, one in answers.items()}
    there = page.evaluate(
        "([given, told]) => forms.decide(given, (row) => told[row.key])",
        [{**data_of(raw), "today": TODAY.isoformat()}, told],
    )
    assert set(there["places"]) == here.places
    assert set(there["required"]) == here.required
    # nothing was left out as unreadable: all that was drawn took part
    drawn_slots = sum(
        1
        for one in raw
        for slot in ("condition", "required_when")
        if one["value"].get(slot) is not None
    )
    assert drawn_slots == sum((row.shown is not None) + (row.required is not None) for row in rows)


GROUPED = ("1.000", "1,000", "-2.500", "12 345", "1\u00a0000,5", "1.000 000", "0.500", "1234.567", "1.299,00", "1,299.00", "1.00", "1.0000", "1.000.000", "1,000,000.25")  # fmt: skip


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("type_", "typed"),
    [
        *(("number", one) for one in ("", " ", "5", "2,5", "2.5", "-1", "+1", "1.234,5", "1,5,5", "x", "1e3", ".5", "007", *GROUPED)),
        *(("date", one) for one in ("", "2026-11-26", "26.11.2026", "6/1/2026", "morgen")),
        *(("time", one) for one in ("", "09:30", "9:5", "9.05", "09:30:59", "24:00", "9.05.10", "23:60", "12:30:61", "930", "9:", "00:00")),
        *(("text", one) for one in ("", "  ", " a ", "ÄÖ")),
        *(("yes_no", one) for one in ("", "yes", "no")),
        *(("choice", one) for one in ("", "r")),
    ],
)  # fmt: skip
def test_both_read_the_same(page: Page, type_: str, typed: str, language: str) -> None:
    value: dict[str, Any] = {"label": "L", "key": "k"}
    if type_ == "choice":
        value["choices"] = CHOICES
    raw = [{"type": type_, "id": "k", "value": value}]
    with translation.override(language):
        sent = QueryDict(mutable=True)
        sent[PREFIX + "k"] = typed
        form = IntakeForm(sent, stream=FormFieldsBlock().to_python(raw))
        here = form._compared("k")
        spec = form.asking_data()
    there = page.evaluate(
        "([type, value, decimal]) => forms.readAs(type, [{ type: 'text', value }], decimal)",
        [spec["rows"][0]["type"], typed, spec["decimal"]],
    )
    here = as_told(here)
    assert (there or None) == (here or None) or there == here


def test_the_day_is_that_of_the_site() -> None:
    assert data_of([])["today"] == timezone.localdate().isoformat()
    assert site.USE_TZ
