"""Mail to tickets that were merged: through the whole pipeline, and over any sequence of merges."""

from __future__ import annotations

import contextlib

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk import actions, addressing, permissions
from helpdesk.actions import Draft
from helpdesk.customers import access
from helpdesk.errors import HelpdeskError
from helpdesk.mail import thread
from helpdesk.mail.parse import parse
from helpdesk.models import Article, Channel, InboundMail, Merge, OutboundMail, Right, Ticket
from helpdesk.states import StateType
from tests import factories as f

from .test_pipeline import GENUINE, deliver, mail, reply_address

pytestmark = pytest.mark.django_db

INA, BO = "Ina <ina@mail.example>", "Bo <bo@mail.example>"


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def agent(support):
    return permissions.agent(f.make_agent(support, email="grace@staff.example"))


def ticket_from(sender, message_id, body="It is silent."):
    return deliver(mail(body, sender=sender, Message_ID=message_id)).ticket


def joined(agent, source, target):
    actions.merge(actor=agent, source=source, target=target)
    return source, target


@pytest.fixture
def same(support, agent):
    """Two tickets of Ina's, the first merged into the second."""
    return joined(agent, ticket_from(INA, "<1@mail.example>"), ticket_from(INA, "<2@mail.example>"))


@pytest.fixture
def apart(support, agent):
    """Ina's ticket merged into Bo's."""
    source, target = ticket_from(INA, "<1@mail.example>"), ticket_from(BO, "<2@mail.example>")
    actions.merge(actor=agent, source=source, target=target, visible=False)
    return source, target


def ways(source):
    """Return mails of Ina's that name the source: by token, by number, by Message-ID."""
    return {
        "token": mail("Via token", sender=INA, to=reply_address(source)),
        "number": mail("Via number", sender=INA, subject=f"Re: [Ticket#{source.number}] Printer"),
        "reference": mail("Via reference", sender=INA, In_Reply_To="<1@mail.example>"),
    }


@pytest.mark.parametrize("way", ["token", "number", "reference"])
def test_mail_to_the_source_lands_on_the_target(same, way):
    source, target = same
    row = deliver(ways(source)[way])
    assert (row.outcome, row.ticket) == (InboundMail.Outcome.APPENDED, target)
    assert row.article.visible


@pytest.mark.parametrize("way", ["token", "number", "reference"])
def test_mail_of_the_sources_customer_is_internal_on_anothers_ticket(apart, way):
    source, target = apart
    before = OutboundMail.objects.count()
    row = deliver(ways(source)[way])
    assert row.ticket == target
    assert (row.article.visible, row.article.verified) == (False, True)
    assert row.article.customer == source.customer
    assert OutboundMail.objects.count() == before  # nobody is told of the other's ticket
    assert not target.participants.filter(normalised="ina@mail.example").exists()


def test_it_opens_the_closed_ticket_all_the_same(apart, agent):
    source, target = apart
    actions.change_state(actor=agent, ticket=target, state=f.state(StateType.CLOSED))
    deliver(ways(source)["token"])
    target.refresh_from_db()
    assert target.state.type == StateType.OPEN


def test_who_has_the_reply_address_of_the_source_speaks_not_for_the_other_customer(apart):
    source, target = apart
    row = deliver(mail("Hi", sender="Eve <eve@evil.example>", to=reply_address(source)))
    assert row.ticket == target
    assert (row.article.visible, row.article.verified) == (False, False)


def test_an_agents_answer_by_mail_to_the_source_goes_not_to_the_other_customer(apart, agent):
    source, target = apart
    row = deliver(
        mail(
            "For Ina alone.",
            sender="Grace <grace@staff.example>",
            to=reply_address(source),
            Authentication_Results=GENUINE,
        )
    )
    assert row.ticket == target
    assert not row.article.visible
    assert not OutboundMail.objects.filter(kind="answer").exists()


def test_a_second_delivery_of_a_merged_mail_is_known(same):
    source, target = same
    raw = mail("Twice", sender=INA, to=reply_address(source), Message_ID="<3@mail.example>")
    first = deliver(raw)
    row = deliver(raw)
    assert (row.state, row.article, row.ticket) == ("ignored", first.article, target)


def test_after_taking_back_mail_lands_where_it_did(same, agent):
    source, target = same
    actions.unmerge(actor=agent, merge=Merge.objects.get())
    for raw in ways(source).values():
        assert deliver(raw).ticket == source
    assert deliver(mail("More", sender=INA, In_Reply_To="<2@mail.example>")).ticket == target


# --- over any sequence ---------------------------------------------------------------------------


class World:
    """Two queues, three customers, six tickets, and everything that ever named one of them."""

    def __init__(self) -> None:
        self.queues = [
            f.QueueAddressFactory(address=f"q{n}@desk.example", queue__slug=f"q{n}").queue
            for n in range(2)
        ]
        self.agent = permissions.agent(f.make_agent(*self.queues, rights=Right.values))
        self.people = [
            f.CustomerAddressFactory(address=f"c{n}@mail.example").customer for n in range(3)
        ]
        self.tickets: list[Ticket] = []
        self.message_ids: dict[str, int] = {}
        self.links: dict[int, str] = {}
        for n in range(6):
            person = self.people[n % 3]
            self.know(f.make_ticket(self.queues[n % 2], customer=person, body=f"c{n % 3} asks {n}"))
            self.write(n)

    def know(self, ticket: Ticket) -> None:
        self.tickets.append(ticket)
        self.links[ticket.pk] = access.status_token(ticket)

    def write(self, n: int) -> None:
        ticket = self.fresh(n)
        home = ticket.merged_into or ticket
        owner = next(i for i, one in enumerate(self.people) if one.pk == ticket.customer_id)
        message_id = f"<m{len(self.message_ids)}@mail.example>"
        article = actions.receive_message(
            actor=permissions.SYSTEM,
            ticket=ticket,
            draft=Draft(
                body=f"c{owner} writes",
                channel=Channel.EMAIL,
                message_id=message_id,
                from_address=f"c{owner}@mail.example",
            ),
            customer=ticket.customer,
        )
        assert article.ticket_id == home.pk
        self.message_ids[message_id] = article.pk

    def fresh(self, n: int) -> Ticket:
        return Ticket.objects.select_related("merged_into", "state", "customer").get(
            pk=self.tickets[n % len(self.tickets)].pk
        )

    def merge(self, n: int, m: int) -> None:
        source, target = self.fresh(n), self.fresh(m)
        home = target.merged_into or target
        visible = None if permissions.share_customer(source, home) else False
        actions.merge(actor=self.agent, source=source, target=target, visible=visible)

    def unmerge(self, n: int, _m: int) -> None:
        journals = list(Merge.objects.filter(undone_at=None).order_by("pk"))
        if journals:
            actions.unmerge(actor=self.agent, merge=journals[n % len(journals)])

    def move(self, n: int, m: int) -> None:
        actions.move(actor=self.agent, ticket=self.fresh(n), queue=self.queues[m % 2])

    def split(self, n: int, m: int) -> None:
        article = Article.objects.order_by("pk")[n % Article.objects.count()]
        opened = actions.split(
            actor=self.agent,
            ticket=article.ticket,
            article=article,
            queue=self.queues[m % 2],
            subject="Also",
        )
        self.know(opened.ticket)

    def post(self, n: int, _m: int) -> None:
        self.write(n)

    def check(self) -> None:
        keys = addressing.signing_keys()
        for ticket in map(self.fresh, range(len(self.tickets))):
            home = ticket.merged_into or ticket
            assert home.merged_into_id is None
            assert (ticket.state.type == StateType.MERGED) == (ticket.pk != home.pk)
            by_number = mail(sender=INA, subject=f"[Ticket#{ticket.number}]")
            assert self.found(by_number) == home.pk
            address = addressing.reply_address("q0@desk.example", ticket.pk, keys)
            assert self.found(mail(sender=INA, to=address), address) == home.pk
            door = access.at_home(access.by_link(self.links[ticket.pk]))
            shared = permissions.share_customer(ticket, home)
            assert door.ticket.pk == (home.pk if shared else ticket.pk)
            self.check_eyes(ticket, door)
        for message_id, pk in self.message_ids.items():
            assert self.found(mail(sender=INA, In_Reply_To=message_id)) == (
                Article.objects.get(pk=pk).ticket_id
            )

    def check_eyes(self, ticket: Ticket, door: access.Door) -> None:
        """Nobody reads but the own words, by whatever link (promise 3)."""
        owner = next(i for i, one in enumerate(self.people) if one.pk == ticket.customer_id)
        for article in permissions.visible_articles(door.actor, door.ticket):
            assert article.body.startswith(f"c{owner} ")

    def found(self, raw: bytes, *recipients: str) -> int | None:
        match = thread.find(parse(raw), recipients)
        return match.ticket.pk if match is not None else None


STEP = st.tuples(
    st.sampled_from(["merge", "merge", "merge", "unmerge", "move", "split", "post"]),
    st.integers(0, 30),
    st.integers(0, 30),
)


@settings(max_examples=12)
@given(steps=st.lists(STEP, max_size=9))
def test_promise_5_every_number_link_and_message_id_resolves(steps):
    with transaction.atomic():
        world = World()
        for name, n, m in steps:
            with (
                contextlib.suppress(HelpdeskError),
                transaction.atomic(),
            ):  # refused: as if not asked
                getattr(world, name)(n, m)
            world.check()
        transaction.set_rollback(True)
