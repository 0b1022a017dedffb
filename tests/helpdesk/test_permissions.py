from __future__ import annotations

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import actions, permissions, search
from helpdesk.errors import NotPermitted
from helpdesk.models import (
    Channel,
    Customer,
    CustomerAddress,
    InformedQueue,
    QueueRight,
    Right,
    Ticket,
)
from helpdesk.permissions import (
    REPLY,
    SYSTEM,
    can,
    reads_along,
    require,
    visible_articles,
    visible_tickets,
)
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


# --- promise 7: the list and the single question always agree --------------------------------------

QUEUES, GROUPS, USERS, PEOPLE = 5, 3, 3, 3

# what lies where: parents come before their children, so there is no cycle
parents = st.tuples(
    *(st.sampled_from([None, *range(index)]) if index else st.none() for index in range(QUEUES))
)
rights = st.sets(
    st.tuples(st.integers(0, GROUPS - 1), st.integers(0, QUEUES - 1), st.sampled_from(list(Right))),
    max_size=6,
)
users = st.tuples(
    *(
        st.fixed_dictionaries(
            {
                "groups": st.sets(st.integers(0, GROUPS - 1)),
                "is_active": st.sampled_from([True, True, True, False]),
                "is_superuser": st.sampled_from([False, False, False, True]),
            }
        )
        for _ in range(USERS)
    )
)
tickets = st.lists(
    st.fixed_dictionaries(
        {
            "queue": st.integers(0, QUEUES - 1),
            "state": st.sampled_from(list(StateType)),
            "channel": st.sampled_from(list(Channel)),
            "customer": st.sampled_from([None, *range(PEOPLE)]),
            # whose address it came from: it need not be the customer's own
            "contact": st.sampled_from([None, *range(PEOPLE)]),
            "is_test": st.sampled_from([False, False, True]),
            "informed": st.sets(st.integers(0, QUEUES - 1), max_size=2),
        }
    ),
    max_size=6,
)
verified = st.tuples(*(st.sampled_from([True, False, None]) for _ in range(PEOPLE)))


class World:
    """Rows made once for all examples; each example only moves them about."""

    def __init__(self) -> None:
        self.queues = [f.QueueFactory() for _ in range(QUEUES)]
        self.groups = [f.GroupFactory() for _ in range(GROUPS)]
        self.users = [f.UserFactory() for _ in range(USERS)]
        self.people = [f.CustomerFactory() for _ in range(PEOPLE)]
        self.states = {type_: f.state(type_) for type_ in StateType}

    def arrange(self, parents, rights, users, tickets, verified) -> None:
        for queue, parent in zip(self.queues, parents, strict=True):
            queue.parent = None if parent is None else self.queues[parent]
            queue.save(update_fields=["parent"])
        QueueRight.objects.all().delete()
        QueueRight.objects.bulk_create(
            QueueRight(group=self.groups[group], queue=self.queues[queue], right=right)
            for group, queue, right in rights
        )
        for user, traits in zip(self.users, users, strict=True):
            user.is_active, user.is_superuser = traits["is_active"], traits["is_superuser"]
            user.save(update_fields=["is_active", "is_superuser"])
            user.groups.set([self.groups[index] for index in traits["groups"]])
        CustomerAddress.objects.all().delete()
        CustomerAddress.objects.bulk_create(
            CustomerAddress(
                customer=person,
                address=self.address(index),
                normalised=self.address(index),
                verified_at=timezone.now() if is_verified else None,
            )
            for index, (person, is_verified) in enumerate(zip(self.people, verified, strict=True))
            if is_verified is not None
        )
        Ticket.objects.all().delete()
        informed = [traits["informed"] for traits in tickets]
        rows = Ticket.objects.bulk_create(
            self.ticket(number, **{key: traits[key] for key in traits if key != "informed"})
            for number, traits in enumerate(tickets)
        )
        InformedQueue.objects.bulk_create(
            InformedQueue(ticket=row, queue=self.queues[queue], at=timezone.now())
            for row, queues in zip(rows, informed, strict=True)
            for queue in queues
        )

    @staticmethod
    def address(index: int | None) -> str:
        return "" if index is None else f"person{index}@mail.example"

    def ticket(self, number: int, *, queue, state, customer, contact, **traits) -> Ticket:
        now = timezone.now()
        return Ticket(
            number=str(number),
            subject="x",
            queue=self.queues[queue],
            state=self.states[state],
            priority=actions.default_priority(),
            customer=None if customer is None else self.people[customer],
            contact=self.address(contact),
            created_at=now,
            changed_at=now,
            retention_days=1,
            **traits,
        )

    def actors(self):
        yield SYSTEM
        yield from (permissions.agent(user) for user in self.users)
        yield from (permissions.customer(person) for person in self.people)
        yield permissions.customer(Customer(pk=10**6, name="nobody"))
        yield permissions.agent(None)
        yield from (permissions.link_bearer(ticket) for ticket in Ticket.objects.all())


@pytest.fixture
def world():
    return World()


@given(parents=parents, rights=rights, users=users, tickets=tickets, verified=verified)
def test_list_and_single_question_agree_for_everybody(
    world, parents, rights, users, tickets, verified
):
    world.arrange(parents, rights, users, tickets, verified)
    everything = list(Ticket.objects.select_related("state", "queue"))
    for actor in world.actors():
        listed = list(visible_tickets(actor))
        assert len(listed) == len(set(listed))
        assert {ticket for ticket in everything if can(actor, Right.READ, ticket)} == set(listed)


@given(parents=parents, rights=rights, users=users, tickets=tickets, verified=verified)
def test_no_right_reaches_farther_than_sight(world, parents, rights, users, tickets, verified):
    world.arrange(parents, rights, users, tickets, verified)
    everything = list(Ticket.objects.select_related("state", "queue"))
    for actor in world.actors():
        seen = set(visible_tickets(actor))
        assert seen.issuperset(
            ticket
            for ticket in everything
            for right in [*Right, REPLY]
            if can(actor, right, ticket)
        )


@given(parents=parents, rights=rights, users=users, tickets=tickets)
def test_a_queue_that_was_informed_lets_its_team_read_the_conversation_and_do_nothing(
    world, parents, rights, users, tickets
):
    world.arrange(parents, rights, users, tickets, [None] * PEOPLE)
    everything = list(Ticket.objects.select_related("state", "queue"))
    actions_of_agents = [right for right in [*Right, REPLY] if right != Right.READ]
    for ticket in everything:
        for number, visible in enumerate((True, False)):
            ticket.articles.create(
                channel="email", sender="customer", visible=visible, body=f"quokka{number}",
                created_at=timezone.now(),
            )  # fmt: skip
        for article in ticket.articles.all():
            search.index_article(article)
    for user in world.users:
        actor = permissions.agent(user)
        own = {ticket for ticket in everything if ticket.queue_id in actor.queue_rights}
        along = {ticket for ticket in visible_tickets(actor) if reads_along(actor, ticket)}
        readable = actor.queues_with(Right.READ)
        informed = {
            ticket
            for ticket in everything
            if ticket.state.type != StateType.REMOVED
            and readable & set(ticket.informed.values_list("queue_id", flat=True))
        }
        assert along == informed - own
        for ticket in along:
            assert not [right for right in actions_of_agents if can(actor, right, ticket)]
            assert [one.visible for one in visible_articles(actor, ticket)] == [True]
        assert set(search.find_tickets(actor, "quokka0")) == set(visible_tickets(actor))
        notes = set(search.find_tickets(actor, "quokka1"))
        assert notes == set(visible_tickets(actor)) - along
        assert set(search.find_tickets(actor, "quokka0 -quokka1")) == along


@given(parents=parents, rights=rights, users=users, right=st.sampled_from(list(Right)))
def test_who_is_named_for_a_right_is_who_has_it(world, parents, rights, users, right):
    ordinary = [{**user, "is_superuser": False} for user in users]
    world.arrange(parents, rights, ordinary, [], [None] * PEOPLE)
    actors = [permissions.agent(user) for user in world.users]
    for queue in world.queues:
        named = list(permissions.agents_with(right, queue))
        assert len(named) == len(set(named))
        assert set(named) == {actor.user for actor in actors if can(actor, right, queue)}


# --- agents --------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", Right)
def test_a_right_holds_in_the_queue_and_below_it_never_above_or_beside(right):
    top = f.QueueFactory()
    middle = f.QueueFactory(parent=top)
    below, beside = f.QueueFactory(parent=middle), f.QueueFactory(parent=top)
    actor = permissions.agent(f.make_agent(middle, rights=[right]))
    assert actor.queues_with(right) == {middle.pk, below.pk}
    assert actor.queues_with(Right.READ) == {middle.pk, below.pk}
    tickets = {queue.pk: f.make_ticket(queue) for queue in (top, middle, below, beside)}
    assert set(visible_tickets(actor)) == {tickets[middle.pk], tickets[below.pk]}


@pytest.mark.parametrize(
    "leave",
    [
        lambda user: user.groups.clear(),
        lambda user: user.groups.all().delete(),
        lambda user: QueueRight.objects.all().delete(),
        lambda user: type(user).objects.update(is_active=False),
    ],
    ids=["left the team", "team deleted", "right withdrawn", "account closed"],
)
def test_access_ends_at_once(leave):
    ticket = f.make_ticket()
    user = f.make_agent(ticket.queue)
    assert visible_tickets(permissions.agent(user)).exists()
    leave(user)
    user.refresh_from_db()
    actor = permissions.agent(user)
    assert not visible_tickets(actor).exists()
    assert not permissions.is_agent(actor)
    with pytest.raises(NotPermitted):
        require(actor, Right.READ, ticket)


def test_two_teams_cannot_see_each_other():
    one, other = f.make_ticket(), f.make_ticket()
    actor = permissions.agent(f.make_agent(one.queue))
    assert list(visible_tickets(actor)) == [one]
    for right in Right:
        assert not can(actor, right, other)
        assert not can(actor, right, other.queue)


def test_a_removed_ticket_is_the_superusers_alone():
    ticket = f.make_ticket()
    user = f.make_agent(ticket.queue)
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.REMOVED))
    ticket.refresh_from_db()
    assert not can(permissions.agent(user), Right.READ, ticket)
    chief = permissions.agent(f.UserFactory(is_superuser=True))
    assert can(chief, Right.MANAGE, ticket)
    assert list(visible_tickets(chief)) == [ticket]


@pytest.mark.parametrize("queues", [2, 200])
def test_visible_tickets_costs_three_queries_whatever_the_number_of_queues(
    queues, django_assert_num_queries
):
    made = [f.QueueFactory() for _ in range(queues)]
    f.make_ticket(made[0])
    user = f.make_agent(*made)
    with django_assert_num_queries(3):
        actor = permissions.agent(user)
        assert len(visible_tickets(actor)) == 1
    with django_assert_num_queries(1):
        assert visible_tickets(actor).exists()


# --- customers -----------------------------------------------------------------------------------


@pytest.fixture
def mailed():
    """A ticket that came by mail from an address nobody proved to read."""
    address = f.CustomerAddressFactory()
    return f.make_ticket(
        customer=address.customer, contact=address.normalised, channel=Channel.EMAIL
    )


def test_mails_show_only_once_their_address_is_verified(mailed):
    person = permissions.customer(mailed.customer)
    assert not can(person, Right.READ, mailed)
    mailed.customer.addresses.update(verified_at=timezone.now())
    assert can(person, Right.READ, mailed)


def test_another_verified_address_of_the_same_person_shows_no_mail(mailed):
    f.CustomerAddressFactory(customer=mailed.customer, verified=True)
    assert not can(permissions.customer(mailed.customer), Right.READ, mailed)


def test_who_holds_the_link_sees_this_ticket_and_no_other(mailed):
    other = f.make_ticket(customer=mailed.customer)
    bearer = permissions.link_bearer(mailed)
    assert list(visible_tickets(bearer)) == [mailed]
    assert can(bearer, REPLY, mailed)
    assert not can(bearer, Right.READ, other)


@pytest.mark.parametrize("right", sorted(set(Right) - {Right.READ}))
def test_a_customer_has_no_agents_right(right):
    ticket = f.make_ticket()
    for actor in (permissions.customer(ticket.customer), permissions.link_bearer(ticket)):
        assert not can(actor, right, ticket)
        assert not can(actor, right, ticket.queue)


def test_whoever_may_answer_may_write_for_the_customer():
    ticket = f.make_ticket()
    actors = {
        right: permissions.agent(f.make_agent(ticket.queue, rights=[right])) for right in Right
    }
    assert [right for right in Right if can(actors[right], REPLY, ticket)] == [Right.ANSWER]


def test_customers_read_visible_articles_only():
    ticket = f.make_ticket()
    note = actions.Draft(body="internal", channel=Channel.NOTE)
    actions.add_note(actor=SYSTEM, ticket=ticket, draft=note)
    agent = permissions.agent(f.make_agent(ticket.queue))
    for person in (permissions.customer(ticket.customer), permissions.link_bearer(ticket)):
        assert [article.visible for article in visible_articles(person, ticket)] == [True]
    for insider in (agent, SYSTEM):
        assert visible_articles(insider, ticket).count() == 2
