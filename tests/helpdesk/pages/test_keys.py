from __future__ import annotations

from types import SimpleNamespace

import pytest

from helpdesk.pages.keys import doubles, give_keys, key_for

pytestmark = pytest.mark.pure


def child(id_, key=""):
    return SimpleNamespace(id=id_, value={"key": key})


def keys(children):
    return [one.value["key"] for one in children]


def test_key_depends_on_the_block_id_alone_so_that_autosave_finds_the_same():
    first, again = [child("a"), child("b")], [child("b"), child("a")]
    give_keys(first)
    give_keys(again)
    assert keys(first) == [key_for("a"), key_for("b")]
    assert keys(again) == [key_for("b"), key_for("a")]


def test_block_without_an_id_gets_both():
    block = child(None)
    give_keys([block])
    assert block.value["key"] == key_for(block.id)


def test_given_key_stays():
    blocks = [child("a", "room")]
    give_keys(blocks)
    assert keys(blocks) == ["room"]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_duplicated_block_gets_a_key_of_its_own_wherever_it_stands(order):
    blocks = [child(id_, key_for("a")) for id_ in order]
    give_keys(blocks)
    assert keys(blocks) == [key_for(id_) for id_ in order]
    assert doubles(blocks) == []


def test_doubles_names_the_later_ones():
    blocks = [child("a", "room"), child("b", "day"), child("c", "room")]
    give_keys(blocks)
    assert doubles(blocks) == [2]
