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


def test_a_form_in_another_language_brings_its_field_set_along(outcome):
    assert outcome["with_set"]["early"] == {"sets": 1, "forms": 1}


def test_a_field_set_is_translated_and_keeps_keys_values_and_limits(outcome):
    found = by_key(outcome["with_set"]["set"])
    assert found["building"]["label"] == "EN:Gebäude"
    assert found["building"]["help_text"] == "EN:Am Eingang"
    days = [(one["value"]["value"], one["value"]["label"]) for one in found["days"]["choices"]]
    assert days == [("mo", "EN:Montag"), ("tu", "EN:Dienstag")]
    assert (found["begin"]["earliest"], found["begin"]["latest"]) == ("08:00:00", "18:00:00")
    assert outcome["with_set"]["is_live"] == [True, True]
    assert not {"building", "mo", "08:00:00"} & set(outcome["with_set"]["strings"])
    # what is within the set is translated there, once
    assert "Gebäude" not in outcome["with_set"]["form_strings"]


def test_the_form_uses_the_set_of_its_language(outcome):
    assert outcome["with_set"]["used"] == [outcome["with_set"]["set_pk"]]


def test_both_languages_ask_in_their_words_and_store_the_same(outcome):
    german, english = outcome["with_set"]["sent"]
    assert [(key, value) for key, _label, value, _shown, _is_asked in german] == [
        ("building", "23.01"),
        ("days", ["mo", "tu"]),
        ("begin", "14:30"),
        ("why", "x"),  # a condition on a field of the set holds in both
    ]
    assert [(one[0], one[2]) for one in english] == [(one[0], one[2]) for one in german]
    assert [one[1] for one in english] == [f"EN:{one[1]}" for one in german]
    assert (german[1][3], english[1][3]) == ("Montag, Dienstag", "EN:Montag, EN:Dienstag")
    assert all(is_asked for *_rest, is_asked in [*german, *english])


def test_answers_to_a_field_set_are_one_data_set_in_all_languages(outcome):
    assert len(set(outcome["with_set"]["form_keys"])) == 1
    german, english = outcome["with_set"]["across"]
    assert [one[0] for one in german] == [one[0] for one in english]
    assert german[1] == ["days", "Tage", {"mo": "Montag", "tu": "Dienstag"}]
    assert english[1] == ["days", "EN:Tage", {"mo": "EN:Montag", "tu": "EN:Dienstag"}]


def test_a_question_added_to_the_set_comes_in_its_own_words_until_it_is_translated(outcome):
    assert outcome["with_set"]["later"][-1] == ["floor", "Stock"]
    assert outcome["with_set"]["later"][0] == ["building", "EN:Gebäude"]
