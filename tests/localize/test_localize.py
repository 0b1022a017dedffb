"""wagtail-localize translates what people read of a form, and leaves keys, values and rules as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(not find_spec("wagtail_localize"), reason="not installed")


@pytest.fixture(scope="module")
def outcome() -> dict[str, Any]:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.localize.settings"}
    command = [sys.executable, "-m", "tests.localize.translate_a_form"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_columns_of_lists_are_translated_and_keep_their_keys(outcome):
    team = by_key(outcome["copy"])["team"]
    assert team["label"] == "EN:Gruppe"
    first, meal = team["columns"]
    assert (first["value"]["key"], first["value"]["label"]) == ("first", "EN:Vorname")
    assert first["value"]["own_pattern"] == "[a-z]+"
    [choice] = meal["value"]["choices"]
    assert (choice["value"]["value"], choice["value"]["label"]) == ("veg", "EN:Ohne Fleisch")


def by_key(fields: list[Any]) -> dict[str, Any]:
    return {one["value"]["key"]: one["value"] for one in fields if "key" in one["value"]}


def test_labels_help_choices_and_texts_are_translated(outcome):
    copy = by_key(outcome["copy"])
    assert copy["kind"]["label"] == "EN:Art"
    assert copy["kind"]["help_text"] == "EN:Was fehlt?"
    assert [one["value"]["label"] for one in copy["kind"]["choices"]] == ["EN:Papier", "EN:Toner"]
    assert copy["room"]["label"] == "EN:Raum"
    section = next(one for one in outcome["copy"] if one["type"] == "section")
    assert section["value"]["heading"] == "EN:Wo?"
    assert "EN:Kurz" in section["value"]["text"]
    assert outcome["title"].startswith("EN:")
    assert "EN:Guten Tag" in outcome["intro"]
    assert outcome["live"]


def test_keys_values_conditions_and_the_queue_stay(outcome):
    source, copy = by_key(outcome["source"]), by_key(outcome["copy"])
    assert list(source) == list(copy) == ["kind", "room", "photo", "team"]
    assert [one["value"]["value"] for one in copy["kind"]["choices"]] == ["paper", "toner"]
    assert copy["room"]["condition"] == source["room"]["condition"] is not None
    assert copy["room"]["required"] is True
    assert copy["photo"]["endings"] == "png, pdf"
    assert outcome["queue"][0] == outcome["queue"][1]
    assert [one["id"] for one in outcome["source"]] == [one["id"] for one in outcome["copy"]]


def test_words_with_variables_are_translated_and_rules_stay(outcome):
    assert outcome["subject"] == "EN:Raum {{ answer_room }}"
    text, steps = outcome["thanks"]
    assert "EN:Danke für {{ answer_room }}." in text["value"]
    assert steps["value"]["heading"] == "EN:Weiter"
    assert [one["value"] for one in steps["value"]["steps"]] == ["EN:Wir lesen {{ number }}."]
    assert outcome["routes"][0] == outcome["routes"][1] != []


def test_nothing_that_is_no_text_is_offered_for_translation(outcome):
    assert not {"kind", "room", "photo", "paper", "toner", "png, pdf"} & set(outcome["strings"])


def test_both_languages_are_one_data_set(outcome):
    assert outcome["key"][0] == outcome["key"][1]


def test_a_later_choice_comes_with_its_value(outcome):
    assert outcome["changed"] == ["paper", "toner", "dust"]
