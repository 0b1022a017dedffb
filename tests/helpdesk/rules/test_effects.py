from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.effects import (
    MAX_EFFECTS,
    Arg,
    ArgType,
    Effect,
    EffectError,
    EffectKind,
    Plan,
    Registry,
    describe,
    parse,
    plan,
    registry,
)

pytestmark = pytest.mark.pure

KNOWN = {"queue": {3: "Support"}, "priority": {1: "low", 2: "high"}}
QUEUE = {"do": "set_queue", "queue": 3}
IGNORE = {"do": "ignore", "reason": "newsletter"}


def test_parse_reads_effects() -> None:
    effects = parse([QUEUE, {"do": "add_note", "text": "by rule"}], known=KNOWN)
    assert effects == (
        Effect("set_queue", (("queue", 3),)),
        Effect("add_note", (("text", "by rule"),)),
    )
    assert effects[0].get("queue") == 3
    assert effects[0].get("text") is None


def _effects(kind: EffectKind) -> st.SearchStrategy[dict[str, Any]]:
    values = {
        ArgType.ROW: st.integers(1, 2**50),
        ArgType.NUMBER: st.integers(0, 2**50),
        ArgType.TEXT: st.text("ab ß", min_size=1).filter(str.strip),
        ArgType.TAGS: st.text("ab ,ß", min_size=1).filter(lambda text: text.strip(" ,")),
    }
    args = {arg.name: values[arg.type] for arg in kind.args}
    return st.fixed_dictionaries({"do": st.just(kind.code), **args})


_settings = st.one_of([_effects(kind) for kind in registry if not kind.alone])
_alone = st.one_of([_effects(kind) for kind in registry if kind.alone])


@given(st.one_of(st.lists(_settings, max_size=6), _alone.map(lambda effect: [effect])))
def test_parse_reads_what_to_json_writes(data: list[dict[str, Any]]) -> None:
    effects = parse(data)
    assert [effect.to_json() for effect in effects] == data
    assert len(describe(effects)) >= len(effects)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, ""),
        ({}, ""),
        ([QUEUE] * (MAX_EFFECTS + 1), ""),
        (["set_queue"], "[0]"),
        ([{}], "[0].do"),
        ([QUEUE, {"do": "fly"}], "[1].do"),
        ([{"do": ["set_queue"]}], "[0].do"),
        ([{"do": "set_queue"}], "[0].queue"),
        ([{"do": "set_queue", "queue": "3"}], "[0].queue"),
        ([{"do": "set_queue", "queue": True}], "[0].queue"),
        ([{"do": "set_queue", "queue": 0}], "[0].queue"),
        ([{"do": "set_queue", "queue": 4}], "[0].queue"),
        ([{"do": "set_owner", "owner": 1}], "[0].owner"),
        ([{**QUEUE, "more": 1}], "[0].more"),
        ([{"do": "add_note", "text": " "}], "[0].text"),
        ([{"do": "add_note", "text": "a\x00"}], "[0].text"),
        ([{"do": "add_note", "text": "a" * 10_001}], "[0].text"),
        ([{"do": "add_tags", "tags": " , "}], "[0].tags"),
        ([{"do": "add_tags", "tags": f"a, {'b' * 101}"}], "[0].tags"),
        ([QUEUE, IGNORE], "[1]"),
        ([IGNORE, {"do": "refuse", "text": "no"}], "[0]"),
    ],
)
def test_parse_refuses_with_path(data: object, path: str) -> None:
    with pytest.raises(EffectError) as caught:
        parse(data, known=KNOWN)
    assert caught.value.path == path
    assert str(caught.value)


def test_describe_names_rows() -> None:
    with translation.override("en"):
        effects = parse([QUEUE, {"do": "set_priority", "priority": 2}])
        assert describe(effects, KNOWN) == "move to the queue Support, set the priority to high"
        assert describe(effects) == "move to the queue 3, set the priority to 2"
        assert describe(parse([IGNORE])) == "make no ticket, because of “newsletter”"


def test_plan_takes_the_last_setting() -> None:
    effects = parse(
        [
            QUEUE,
            {"do": "add_note", "text": "a"},
            {"do": "set_queue", "queue": 4},
            {"do": "set_owner", "owner": 7},
            {"do": "add_note", "text": "b"},
        ]
    )
    assert plan(effects) == Plan(queue=4, owner=7, notes=("a", "b"))
    assert plan(effects).makes_ticket


def test_plan_adds_tags_up_each_once() -> None:
    effects = parse(
        [{"do": "add_tags", "tags": tags} for tags in ("VPN,  access  card", "vpn, new")]
    )
    assert plan(effects).tags == ("VPN", "access card", "new")


def test_plan_for_a_mail_that_joins_a_ticket_leaves_what_people_decided() -> None:
    full = plan(
        parse(
            [
                QUEUE,
                {"do": "set_owner", "owner": 7},
                {"do": "add_tags", "tags": "vpn"},
                {"do": "add_note", "text": "a"},
            ]
        )
    )
    assert full.for_existing() == Plan(notes=("a",), tags=("vpn",))
    assert plan(parse([IGNORE])).for_existing() == Plan(ignore="newsletter")


@given(st.lists(st.one_of(_settings, _alone), max_size=6))
def test_the_effects_of_a_plan_decide_the_same(data: list[dict[str, Any]]) -> None:
    decided = plan(effect for item in data for effect in parse([item]))
    assert plan(decided.effects()) == decided


def test_plan_sets_nothing_when_no_ticket_is_made() -> None:
    refuse = parse([{"do": "refuse", "text": "no"}])
    effects = parse([QUEUE]) + parse([IGNORE])
    assert plan(effects) == Plan(ignore="newsletter")
    assert plan(effects + refuse + parse([QUEUE])) == Plan(refuse="no")
    assert not plan(effects).makes_ticket


def test_plan_is_empty_without_effects() -> None:
    assert plan(()) == Plan()


def test_plan_keeps_effects_of_other_kinds() -> None:
    other = Effect("call", (("url", "x"),))
    assert plan([other]).others == (other,)
    assert other.describe() == "call"


def test_register_refuses_a_second_kind_of_one_code() -> None:
    kinds = Registry()
    kind = kinds.register(EffectKind("call", "Call", "call", (Arg("hook", ArgType.ROW, "Hook"),)))
    assert kinds.get("call") is kind
    with pytest.raises(ValueError, match="call"):
        kinds.register(kind)
