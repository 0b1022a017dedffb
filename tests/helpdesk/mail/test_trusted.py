from __future__ import annotations

import pytest

from helpdesk.mail import trusted
from helpdesk.mail.parse import parse
from helpdesk.models import Priority, State, TicketType
from helpdesk.rules.effects import Plan, plan
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


def said(**headers: str) -> trusted.Said:
    lines = [f"X-Stelze-{name}: {value}" for name, value in headers.items()]
    return trusted.plan_of(parse("\r\n".join(["From: a@mail.example", *lines, "", "Hi"]).encode()))


def test_headers_name_rows_by_short_name_and_users_by_login_name():
    queue = f.QueueFactory(slug="faults")
    user = f.UserFactory(username="uta")
    priority, type_ = Priority.objects.first(), TicketType.objects.create(slug="t", name_en="T")
    opened = State.objects.filter(type=StateType.OPEN).first()
    found = said(
        Queue="Faults",
        Priority=priority.slug,
        State=opened.slug,
        Type="t",
        Owner="uta",
        Tags="door, key",
        Note="From the building control.",
    )
    assert plan(found.effects) == Plan(
        queue=queue.pk,
        priority=priority.pk,
        state=opened.pk,
        type=type_.pk,
        owner=user.pk,
        tags=("door", "key"),
        notes=("From the building control.",),
    )
    assert found.evidence[0] == "X-Stelze-Queue: Faults"
    assert len(found.evidence) == 7


def test_unknown_values_set_nothing_and_are_named():
    f.QueueFactory(slug="old", is_active=False)
    waiting = State.objects.filter(type=StateType.PENDING_REMINDER).first()
    found = said(Queue="old", Priority="no-such", State=waiting.slug, Owner="nobody", Tags=" , ")
    assert found.effects == ()
    assert [line.endswith("(unknown, passed over)") for line in found.evidence] == [True] * 5


def test_ignore_makes_no_ticket():
    assert plan(said(Ignore="test message", Tags="a").effects) == Plan(ignore="test message")


def test_a_mail_without_such_headers_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert said() == trusted.Said()
    with django_assert_num_queries(1):
        said(Queue="x", Tags="y", Note="z")


@pytest.mark.parametrize("value", ["", " ", "=?utf-8?q?=00?=", "x" * 5000, "'; --", "Ä\U0001f600"])
def test_any_value_is_borne(value):
    for name in ("Queue", "Priority", "State", "Type", "Owner", "Tags", "Note", "Ignore", "Else"):
        found = said(**{name: value})
        assert all(len(line) < 200 for line in found.evidence)
