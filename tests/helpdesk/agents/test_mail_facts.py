from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import translation

from helpdesk.agents import mail_facts
from helpdesk.agents.files import with_hosts
from helpdesk.mail import ingest, ledger
from helpdesk.mail.sanitise import clean
from helpdesk.models import Article
from tests import factories as f
from tests.helpdesk.mail.samples import OWN

pytestmark = pytest.mark.django_db


def shown(red, name: str) -> str:
    f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    row = ledger.accept(
        (OWN / f"{name}.eml").read_bytes(), source="test", key=name, queue=red.queue
    )
    row = ingest.process(row.pk)
    return red.client.get(reverse("helpdesk_agents:ticket", args=[row.ticket.pk])).content.decode()


def test_an_invitation_is_shown_as_an_event(red):
    page = shown(red, "invitation-by-person")
    assert re.search(r"Invitation: \w+", page)


def test_protection_is_named(red):
    assert "Signed with S/MIME" in shown(red, "smime-signed")


def test_what_was_not_right_is_told_in_words(red):
    assert "The mail has no Message-ID." in shown(red, "message-id-missing")


def test_every_code_of_the_parser_has_words():
    """Gather the codes from the source: a new one needs words."""
    from pathlib import Path

    import helpdesk.mail as package

    texts = [path.read_text() for path in Path(package.__file__).parent.glob("*.py")]
    codes = set()
    for text in texts:
        codes |= set(re.findall(r'defects\.(?:append|add)\(\s*"([a-z-]+)"', text))
        codes |= set(re.findall(r'defects\.append\("([a-z-]+)" if \w+ else "', text))
    assert len(codes) > 10
    assert codes - set(mail_facts._DEFECTS) == set()


def test_times_of_an_invitation_follow_the_reader():
    article = Article(
        extra={
            "events": [
                {"summary": "Talk", "start": "2026-05-04T08:00:00+00:00", "end": "2026-05-04T09:30:00+00:00",
                 "location": "Room 2", "method": "REQUEST", "all_day": False},
                {"summary": "", "start": "nonsense", "end": None, "location": "", "method": "X", "all_day": True},
            ]
        }
    )  # fmt: skip
    with translation.override("de"):
        first, second = mail_facts.invitations_of(article)
    assert first.when == "4. Mai 2026 10:00 – 11:30"
    assert (second.title, second.when) == ("–", "")


def test_links_say_where_they_lead():
    html = clean(
        '<p><a href="https://bank.example@evil.example/login?x=1">https://bank.example</a></p>', {}
    )
    assert 'data-host="evil.example"' in with_hosts(html)
    assert "data-host" not in with_hosts('<a href="mailto:a@b.example">a</a>')
