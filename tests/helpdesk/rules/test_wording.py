"""Texts with variables: what is inserted, what goes with an empty value, what cannot be saved."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules import wording
from helpdesk.rules.wording import Link, WordingError

KNOWN = ("number", "queue", "link")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Your number: {{ number }}.", "Your number: 7."),
        ("{{number}} and {{  NUMBER }}", "7 and 7"),
        ("No variable.", "No variable."),
        ("{{ unknown }}", ""),
        ("First.\n\n{{ empty }}\n\nLast.", "First.\n\nLast."),
        ("A line.\nSee {{ empty }}.\nAnother.", "A line.\nAnother."),
        ("It stays. It lies with {{ empty }}. It stays too.", "It stays. It stays too."),
        ("It stays. See here:\n{{ empty }}", "It stays."),
        ("It stays.\n\nSee here:\n\n{{ empty }}", "It stays."),
        ("State: {{ empty }}", ""),
        ("See here:\n{{ number }}", "See here:\n7"),
        ("Ask Dr. Weber ({{ empty }}) on 3. May. It stays.", "It stays."),
        ("z. B. {{ empty }}. Es bleibt.", "Es bleibt."),
        ("a\r\n\r\n\r\nb\rc", "a\n\nb\nc"),
        ("  two  blanks  stay.  Yes", "  two  blanks  stay.  Yes"),
        ("", ""),
    ],
)
def test_fill(text, filled):
    assert wording.fill(text, {"number": "7", "empty": " "}) == filled


def test_a_value_is_inserted_once_and_on_one_line():
    values = {"number": "{{ queue }}\r\nBcc: x@y.example\0", "queue": "secret"}
    assert wording.fill("“{{ number }}”", values) == "“{{ queue }} Bcc: x@y.example”"
    assert wording.fill_line("a\n\nb {{ number }}", values) == "a b {{ queue }} Bcc: x@y.example"


def test_a_long_value_is_cut():
    assert len(wording.fill("{{ number }}", {"number": "x" * 5000})) == wording.MAX_VALUE


def test_html_escapes_text_and_values():
    made = wording.fill_html("<b>{{ number }}</b>\n& so\n\non", {"number": "<script>'\""})
    assert made == ("<p>&lt;b&gt;&lt;script&gt;&#x27;&quot;&lt;/b&gt;<br>\n&amp; so</p>\n<p>on</p>")


def test_only_addresses_of_the_text_and_links_can_be_clicked():
    values = {
        "number": "https://evil.example",
        "link": Link("https://desk.example/?a=1&b='2"),
    }
    made = wording.fill_html(
        "{{ number }} {{ link }} https://uni.example/a?b=c&d. javascript:alert(1)", values
    )
    assert re.findall(r'href="([^"]*)"', made) == [
        "https://desk.example/?a=1&amp;b=&#x27;2",
        "https://uni.example/a?b=c&amp;d",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ number",
        "number }}",
        "{{ }}",
        "{{ a b }}",
        "{{ number|upper }}",
        "{{{ number }}}x}}",
        "{{ 9 }}",
        "{{ número }}",
        "{{ number }",
    ],
)
def test_a_broken_variable_cannot_be_saved(text):
    with pytest.raises(WordingError, match="two braces") as refusal:
        wording.check(text, KNOWN, field="body_de")
    assert refusal.value.field == "body_de"


def test_an_unknown_variable_is_named_with_those_that_are_known():
    with pytest.raises(WordingError) as refusal:
        wording.check("{{ number }} {{ nmuber }}", KNOWN)
    assert "“nmuber”" in str(refusal.value)
    assert "number, queue, link" in str(refusal.value)


def test_what_is_known_can_be_saved():
    wording.check("{ {{ number }} } {{Queue}} {% if %}", KNOWN)


texts = st.lists(
    st.sampled_from(["{{ a }}", "{{ b }}", "{{", "}}", "Wort", ". ", ": ", "\n", "\n\n", "<", "é"]),
    max_size=20,
).map("".join)


@given(texts, st.text(), st.text())
def test_values_bring_no_line_tag_or_variable_of_their_own(text, a, b):
    values = {"a": a, "b": b}
    filled, made = wording.fill(text, values), wording.fill_html(text, values)
    assert filled.count("\n") <= text.count("\n") + 1
    assert not any(ord(c) < 32 and c != "\n" for c in filled)
    assert set(re.findall(r"<[^>]*>", made)) <= {"<p>", "</p>", "<br>"}
    words = html.unescape(re.sub(r"<[^>]*>", "", made))
    assert words.split() == filled.split()


@pytest.mark.parametrize(
    ("text", "values", "title"),
    [
        ("Raum {{ a }} ({{ b }})", {"a": "1"}, "Raum 1"),
        ("Raum {{ a }} ({{ b }})", {"a": "1", "b": "2"}, "Raum 1 (2)"),
        ("{{ a }}, {{ b }}, {{ c }}", {"a": "1", "c": "3"}, "1, 3"),
        ("{{ a }}: {{ b }} – {{ c }}", {"b": "2"}, "2"),
        ("{{ a }} / {{ b }}", {}, ""),
        ("Wer? {{ a }}", {}, "Wer?"),
        ("Ohne (…) alles -", {}, "Ohne (…) alles -"),
        ("{{ a }}", {"a": "two\nlines {{ b }}"}, "two lines {{ b }}"),
    ],
)
def test_a_title_closes_the_gaps_of_empty_values(text, values, title):
    assert wording.fill_title(text, values) == title


def test_inserting_changes_nothing_but_the_variables():
    text = " Keep  this.\n\n{{ a }} and {{ b }}. "
    assert wording.insert(text, {"a": "x\ny"}) == " Keep  this.\n\nx y and . "
