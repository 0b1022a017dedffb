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
