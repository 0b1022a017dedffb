from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from wagtail.users.models import UserProfile

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.models import Channel, Queue, Ticket
from tests import factories as f


@dataclass
class Team:
    """A queue, its agent with a logged-in browser, and one ticket with a bit of everything."""

    queue: Queue
    agent: Any
    client: Client
    ticket: Ticket

    @property
    def actor(self) -> permissions.Actor:
        return permissions.agent(self.agent)


def browser(user: Any) -> Client:
    """Return a logged-in browser of a user who reads English."""
    UserProfile.objects.get_or_create(user=user, defaults={"preferred_language": "en"})
    client = Client()
    client.force_login(user)
    return client


def make_team(name: str, **agent: Any) -> Team:
    """Make a team whose ticket has no contact address, so that no mail is queued."""
    queue = f.QueueFactory(name=name, slug=name.lower())
    user = f.make_agent(queue, username=name.lower(), first_name=name, last_name="Agent", **agent)
    ticket = f.make_ticket(queue, subject=f"Secret of {name}", body=f"Words of {name}", contact="")
    return Team(queue, user, browser(user), ticket)


@pytest.fixture
def red(db) -> Team:
    return make_team("Red")


@pytest.fixture
def blue(db) -> Team:
    return make_team("Blue")


@pytest.fixture
def admin(db) -> Client:
    return browser(f.UserFactory(username="root", is_superuser=True, is_staff=True))


def write_note(team: Team, body: str = "A note", **draft: Any):
    return actions.add_note(
        actor=team.actor,
        ticket=team.ticket,
        draft=Draft(body=body, channel=Channel.NOTE, **draft),
    )


def upload(name: str, content: bytes, content_type: str, **options: Any) -> Upload:
    return Upload(name=name, content=content, content_type=content_type, **options)
