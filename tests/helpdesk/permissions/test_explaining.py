"""The reasons agree with the policy, and name the team and queue from which a right comes."""

from __future__ import annotations

import pytest
from hypothesis import given

from helpdesk import permissions
from helpdesk.models import InformedQueue, Queue, QueueRight, Right, Ticket
from helpdesk.permissions import Why, can, explain, explain_all, people_of
from helpdesk.states import StateType
from tests import factories as f
from tests.helpdesk.test_permissions import PEOPLE, World, parents, rights, tickets, users

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@given(parents=parents, rights=rights, users=users, tickets=tickets)
def test_the_reason_says_what_the_policy_says(world, parents, rights, users, tickets):
    world.arrange(parents, rights, users, tickets, [None] * PEOPLE)
    for ticket in Ticket.objects.select_related("state", "queue"):
        for user in world.users:
            actor = permissions.agent(user)
            for right in Right:
                assert explain(actor, right, ticket).allowed == can(actor, right, ticket)


@given(parents=parents, rights=rights, users=users)
def test_the_table_of_a_queue_says_what_the_policy_says(world, parents, rights, users):
    world.arrange(parents, rights, users, [], [None] * PEOPLE)
    for queue in Queue.objects.all():
        people, superusers = people_of(queue)
        listed = {
            (one.user.pk, answer.right)
            for one in people
            for answer in one.answers
            if answer.allowed
        }
        mighty = {user.pk for user in superusers}
        for user in world.users:
            actor = permissions.agent(user)
            for right in Right:
                named = user.pk in mighty or (user.pk, str(right)) in listed
                assert named == can(actor, right, queue)


def test_a_right_from_above_names_team_and_queue():
    above = f.QueueFactory(name="Faculty")
    ticket = f.make_ticket(f.QueueFactory(parent=above))
    agent = f.make_agent(above, rights=[Right.NOTE])
    answer = explain(permissions.agent(agent), Right.NOTE, ticket)
    assert (answer.why, answer.grants[0].queue, answer.grants[0].team) == (
        Why.TEAM,
        above,
        agent.groups.get(),
    )
    read = explain(permissions.agent(agent), Right.READ, ticket)
    assert (read.allowed, read.why, read.grants[0].right) == (True, Why.FOLLOWS, Right.NOTE)
    assert explain(permissions.agent(agent), Right.OWN, ticket).why == Why.NO_TEAM


def test_who_reads_along_is_told_so():
    ticket, other = f.make_ticket(), f.QueueFactory()
    agent = permissions.agent(f.make_agent(other))
    assert explain(agent, Right.READ, ticket).why == Why.NO_TEAM
    InformedQueue.objects.create(ticket=ticket, queue=other, at=ticket.created_at)
    assert explain(agent, Right.READ, ticket).why == Why.READS_ALONG
    assert explain(agent, Right.NOTE, ticket).allowed is False


def test_what_holds_for_everything_is_one_reason():
    ticket = f.make_ticket()
    cases = {
        Why.INACTIVE: f.make_agent(ticket.queue, is_active=False),
        Why.SUPERUSER: f.UserFactory(is_superuser=True),
    }
    for why, user in cases.items():
        assert {one.why for one in explain_all(permissions.agent(user), ticket)} == {why}
    Ticket.objects.filter(pk=ticket.pk).update(state=f.state(StateType.REMOVED))
    ticket.refresh_from_db()
    agent = permissions.agent(f.make_agent(ticket.queue))
    assert {one.why for one in explain_all(agent, ticket)} == {Why.REMOVED}


def test_only_agents_are_explained():
    ticket = f.make_ticket()
    with pytest.raises(ValueError, match="only agents"):
        explain(permissions.customer(ticket.customer), Right.READ, ticket)


def test_people_of_200_agents_are_read_with_as_many_queries_as_of_2(django_assert_num_queries):
    queue = f.QueueFactory(parent=f.QueueFactory())
    for count in (2, 198):
        team = f.make_team(queue.parent)
        team.user_set.add(*(f.UserFactory() for _n in range(count)))
        queue = Queue.objects.select_related("parent").get(pk=queue.pk)
        with django_assert_num_queries(4):
            people, _superusers = people_of(queue)
    assert len(people) == 200
    assert QueueRight.objects.count() == 2 * len(Right)
