from __future__ import annotations

import pytest

from helpdesk.agents import answers
from helpdesk.models import Article, Channel, Sender

SNAPSHOT = [
    {"key": "room", "label": "Room:", "shown": "12.3"},
    {"key": "what", "label": "What happened?", "shown": "Smoke.\nAnd noise."},
    {"key": "photo", "label": "Photo", "shown": ""},
]
TEXT = "Room: 12.3\n\nWhat happened?\nSmoke.\nAnd noise."


@pytest.mark.parametrize(
    ("body", "channel", "expected"),
    [
        (TEXT, Channel.WEB, True),
        (f"{TEXT}\n\nPlease hurry.", Channel.WEB, False),
        ("Room: 12.3", Channel.WEB, False),
        ("", Channel.WEB, False),
        (TEXT, Channel.EMAIL, False),
    ],
    ids=["the form's own text", "more words", "an answer is missing", "empty", "a mail"],
)
def test_are_in_only_when_the_article_says_nothing_else(body, channel, expected):
    article = Article(body=body, channel=channel, sender=Sender.CUSTOMER)
    assert answers.are_in(SNAPSHOT, article) is expected


def test_are_in_when_an_agent_repeats_them():
    article = Article(body=TEXT, channel=Channel.WEB, sender=Sender.AGENT)
    assert not answers.are_in(SNAPSHOT, article)


LIST = {
    "key": "team",
    "label": "Team",
    "type": "group",
    "private": True,
    "shown": "1. First name: Ada, E-mail: ada@mail.example",
    "rows": [
        [
            {"key": "first", "label": "First name", "shown": "Ada"},
            {"key": "mail", "label": "E-mail", "shown": "ada@mail.example", "private": True},
        ]
    ],
}


def test_a_list_is_read_row_by_row_and_what_is_personal_says_so():
    [team] = answers.read([LIST], ())
    assert (team.is_private, team.is_empty) == (True, False)
    [[first, mail]] = team.rows
    assert (first.label, first.shown, first.is_private) == ("First name", "Ada", False)
    assert mail.is_private
    assert team.heads == ["First name", "E-mail"]


def test_rows_that_differ_are_no_table():
    [team] = answers.read([{**LIST, "rows": [*LIST["rows"], LIST["rows"][0][:1]]}], ())
    assert len(team.rows) == 2
    assert team.heads == []


def test_a_list_is_in_the_text_of_its_form():
    body = f"{TEXT}\n\nTeam:\n{LIST['shown']}"
    article = Article(body=body, channel=Channel.WEB, sender=Sender.CUSTOMER)
    assert answers.are_in([*SNAPSHOT, LIST], article)
    article.body += "\n2. First name: Kim"
    assert not answers.are_in([*SNAPSHOT, LIST], article)


def test_a_list_without_rows_is_empty():
    [team] = answers.read([{**LIST, "rows": [], "shown": ""}], ())
    assert team.is_empty


@pytest.mark.parametrize(
    ("more", "expected"), [("", True), ("\n\nMark: intern", True), ("\n\nNo", False)]
)
def test_hidden_values_may_be_missing_in_the_text(more, expected):
    hidden = {"key": "h", "label": "Mark", "shown": "intern", "value": "intern", "type": "hidden"}
    body = "\n\n".join(f"{one['label']}: {one['shown']}" for one in SNAPSHOT if one.get("shown"))
    article = Article(body=body + more, channel=Channel.WEB, sender=Sender.CUSTOMER)
    assert answers.are_in([*SNAPSHOT, hidden], article) is expected
