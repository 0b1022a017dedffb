"""docs/permissions.md tells the truth: its tables are what the policy answers.

`python bin/permissions_doc.py` writes them anew after a change of the policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from wagtail.permissions import page_permission_policy, policy_registry

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.agents import policy
from helpdesk.agents.explaining import leads
from helpdesk.models import (
    AutoResponse,
    Calendar,
    Channel,
    Participant,
    Queue,
    Right,
    SenderBlock,
    State,
    Ticket,
)
from helpdesk.permissions import REPLY, Actor, can, may_decide, visible_articles, visible_tickets
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

DOC = Path(__file__).resolve().parent.parent / "docs" / "permissions.md"
MARKS = "<!-- {name}: written by bin/permissions_doc.py -->\n", "<!-- end of {name} -->"


class World:
    """One department with a queue and a request in it, and everybody who might want something of it."""

    def __init__(self) -> None:
        self.department = f.make_department("Law")
        self.queue = f.QueueFactory(parent=self.department.queue)
        address = f.CustomerAddressFactory(verified=True)
        self.person = address.customer
        self.ticket = f.make_ticket(
            self.queue, customer=self.person, contact=address.address, channel=Channel.EMAIL
        )
        second = f.CustomerAddressFactory(customer=self.person, verified=True)
        self.second = f.make_ticket(
            self.queue, customer=self.person, contact=second.address, channel=Channel.EMAIL
        )
        self.foreign = f.make_ticket()
        self.removed = f.make_ticket(self.queue)
        Ticket.objects.filter(pk=self.removed.pk).update(state=f.state(StateType.REMOVED))
        self.removed.refresh_from_db()
        draft = Draft(body="Between us", channel=Channel.NOTE)
        actions.add_note(actor=permissions.SYSTEM, ticket=self.ticket, draft=draft)
        self.team = f.join(f.make_team(self.queue, rights=[Right.READ]), self.department)
        self.calendar = Calendar.objects.create(name="Law", department=self.department)
        self.shared = Calendar.objects.create(name="All")
        self.response = AutoResponse.objects.create(queue=self.queue, kind="received")
        self.block = SenderBlock.objects.create(pattern="@spam.example")
        self.ticket.refresh_from_db()

    def outside(self) -> dict[str, Actor]:
        """Everybody on the customer's side."""
        invited = Participant.objects.create(
            ticket=self.ticket, address="x@mail.example", normalised="x@mail.example", may_read=True
        )
        return {
            "visitor": permissions.guest("nobody@mail.example", None),
            "guest with a code": permissions.guest(self.ticket.contact, self.person),
            "holder of the status link": permissions.link_bearer(self.ticket),
            "invited participant": permissions.invited(invited),
            "customer": permissions.customer(self.person),
            "another customer": permissions.customer(f.CustomerFactory()),
        }

    def inside(self) -> dict[str, Actor]:
        """Everybody on the side of the house. Rights are given at the top of the department."""
        top = self.department.queue
        plain = [right for right in Right if right not in {Right.MANAGE, Right.ADMINISTER}]
        users: dict[str, Any] = {str(one): f.make_agent(top, rights=[one]) for one in plain}
        users["manage"] = f.make_agent(top, rights=[Right.MANAGE])
        users["administer"] = f.make_agent(top, rights=[Right.ADMINISTER])
        users["editor"] = f.UserFactory()
        users["editor"].groups.add(Group.objects.get(name="Editors"))
        users["superuser"] = f.UserFactory(is_superuser=True)
        return {name: permissions.agent(user) for name, user in users.items()}


Question = Callable[[World, Actor], bool]


def _right(right: Right | str) -> Question:
    return lambda world, actor: can(actor, right, world.ticket)


def _row(name: str, action: str = "change") -> Question:
    def asked(world: World, actor: Actor) -> bool:
        row = getattr(world, name)
        found = policy_registry.get_by_type(type(row))
        return bool(found.user_has_permission_for_instance(actor.user, action, row))

    return asked


def _sees_notes(world: World, actor: Actor) -> bool:
    seen = visible_tickets(actor).filter(pk=world.ticket.pk).exists()
    return seen and visible_articles(actor, world.ticket).filter(visible=False).exists()


def _sees(name: str) -> Question:
    return lambda world, actor: visible_tickets(actor).filter(pk=getattr(world, name).pk).exists()


OUTSIDE: dict[str, Question] = {
    "read the request and what was said to the customer": _right(Right.READ),
    "write on it": _right(REPLY),
    "close it, object to storage, share it": lambda world, actor: may_decide(actor, world.ticket),
    "see the customer's requests from other addresses": _sees("second"),
    "see other people's requests": _sees("foreign"),
    "read notes of the team": _sees_notes,
}

INSIDE: dict[str, Question] = {
    "read tickets, with the team's notes": _sees_notes,
    "open tickets": _right(Right.CREATE),
    "write notes": _right(Right.NOTE),
    "answer customers": _right(Right.ANSWER),
    "own and assign tickets": _right(Right.OWN),
    "move tickets into the queue": _right(Right.MOVE_INTO),
    "change the priority": _right(Right.PRIORITY),
    "see removed tickets": _sees("removed"),
    "see tickets of other departments": _sees("foreign"),
    "settings of a queue": _row("queue"),
    "automatic answers": _row("response"),
    "see who may do what, and why": lambda world, actor: leads(actor, world.queue.pk),
    "logs of mail, failure inbox": lambda _world, actor: policy.may_manage(actor),
    "blocked senders": _row("block"),
    "queues below": lambda _world, actor: policy_registry.get_by_type(Queue).user_has_permission(
        actor.user, "add"
    ),
    "teams: members, and rights that one has": lambda world, actor: permissions.may_change_team(
        actor, world.team
    ),
    "mail accounts": lambda _world, actor: policy.may_administer(actor),
    "calendars, promises, servers of the department": _row("calendar"),
    "calendars, promises, servers of the whole site": _row("shared"),
    "departments, states, priorities, types, mail filters": lambda _world, actor: (
        policy_registry.get_by_type(State).user_has_permission(actor.user, "change")
    ),
    "write pages": lambda _world, actor: bool(
        page_permission_policy.user_has_permission(actor.user or AnonymousUser(), "add")
    ),
}


def table(world: World, actors: dict[str, Actor], questions: dict[str, Question]) -> str:
    """Return a table in Markdown: a row for each question, a column for each actor."""
    lines = [f"| | {' | '.join(actors)} |", "|---|" + ":-:|" * len(actors)]
    for words, asked in questions.items():
        cells = ["yes" if asked(world, actor) else "–" for actor in actors.values()]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def part(name: str) -> str:
    start, end = (mark.format(name=name) for mark in MARKS)
    text = DOC.read_text(encoding="utf-8")
    return text[text.index(start) + len(start) : text.index(end)]


def write(name: str, new: str) -> None:
    text = DOC.read_text(encoding="utf-8")
    start = MARKS[0].format(name=name)
    DOC.write_text(text.replace(start + part(name), start + new), encoding="utf-8")


@pytest.mark.parametrize("name", ["customers", "agents"])
def test_table_is_what_the_policy_answers(name, pytestconfig):
    world = World()
    actors, questions = (
        (world.outside(), OUTSIDE) if name == "customers" else (world.inside(), INSIDE)
    )
    found = table(world, actors, questions)
    if getattr(pytestconfig, "rewrites_docs", False):
        write(name, found)
    assert part(name) == found, "run python bin/permissions_doc.py"


@pytest.mark.pure
@pytest.mark.parametrize("right", list(Right))
def test_every_right_has_a_row(right):
    rows = re.findall(r"^\| \*(\w+)\* \|", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    assert str(right) in rows


@pytest.mark.pure
@pytest.mark.parametrize(
    "path", re.findall(r"\]\(([^)#]+)\)", DOC.read_text(encoding="utf-8") if DOC.exists() else "")
)
def test_link_leads_somewhere(path):
    assert (DOC.parent / path).exists()
