"""One person with traces everywhere, and other people around them whose parts must stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from django_mailbox.models import Mailbox, Message

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Origin, Upload
from helpdesk.models import (
    AddressClaim,
    Article,
    AutoMail,
    Blob,
    BouncedAddress,
    Channel,
    Customer,
    DataExport,
    Event,
    EventKind,
    InboundMail,
    OutboundMail,
    Participant,
    QueueOrder,
    SavedDraft,
    SenderBlock,
    Ticket,
)
from helpdesk.notifications import codes
from tests import factories as f

FIRST, LAST = "Zacharïas", "Quorkmann"
NAME = f"{FIRST} {LAST}"
LOGIN = "zq31415"
ADDRESS, OTHER_ADDRESS, OLD_ADDRESS = "Quork@Mail.Example", "zq@uni.example", "old.zq@mail.example"
PHONE = "+49 711 31415926"
FILE = b"file of zq31415 with marker-of-the-file"
#: What the person wrote: it stays when they are only anonymised.
WORDS = "marker-of-their-words"
MARKS = (ADDRESS, OTHER_ADDRESS, OLD_ADDRESS, LAST, LOGIN, PHONE, "31415926")


@dataclass
class World:
    customer: Customer
    merged: Customer
    user: Any
    agent: Any
    queue: Any
    alone: Ticket
    shared: Ticket
    theirs: Ticket
    form: Ticket
    control: Ticket
    other: Customer

    @property
    def actor(self) -> permissions.Actor:
        return permissions.agent(self.agent)


def snapshot(*texts: str) -> list[dict[str, Any]]:
    people = [[{"key": "email", "type": "email", "label": "Address", "value": one, "shown": one}] for one in texts]  # fmt: skip
    return [{"key": "people", "type": "rows", "label": "People", "rows": people}]


def make_world() -> World:
    """Make the person, and every kind of trace there is."""
    queue = f.QueueFactory(slug="desk")
    user = f.UserFactory(username=LOGIN, first_name=FIRST, last_name=LAST, email=OTHER_ADDRESS)
    customer = actions.customer_for_user(user)
    Customer.objects.filter(pk=customer.pk).update(phone=PHONE)
    for address in (ADDRESS, OTHER_ADDRESS):
        f.CustomerAddressFactory(customer=customer, address=address, verified=True)
    merged = f.CustomerFactory(name=NAME, merged_into=customer)
    f.CustomerAddressFactory(customer=merged, address=OLD_ADDRESS)
    other = f.CustomerAddressFactory(
        address="other@mail.example", customer__name="Olga Other", verified=True
    ).customer
    agent = f.make_agent(queue, username="worker")
    world = World(
        *(customer, merged, user, agent, queue),
        alone=_alone(queue, customer, agent),
        shared=_shared(queue, customer, other, agent),
        theirs=_theirs(queue, customer, other, agent),
        form=_form(queue, other, agent),
        control=_control(queue, other, agent),
        other=other,
    )
    _loose(world)
    return world


def _alone(queue: Any, customer: Customer, agent: Any) -> Ticket:
    ticket = f.make_ticket(
        queue,
        subject=f"Request of {NAME}",
        body=f"{WORDS}, {PHONE}",
        customer=customer,
        contact="quork@mail.example",
        origin=Origin(answers=snapshot(ADDRESS)),
    )
    actions.receive_message(
        actor=permissions.customer(customer),
        ticket=ticket,
        draft=Draft(
            body=WORDS,
            channel=Channel.WEB,
            from_name=NAME,
            from_address=ADDRESS,
            files=(Upload(f"{LAST}.txt", FILE, "text/plain"),),
        ),
        customer=customer,
    )
    actions.add_note(
        actor=permissions.agent(agent),
        ticket=ticket,
        draft=Draft(body=f"{LOGIN} is in a hurry", channel=Channel.NOTE),
    )
    return ticket


def _shared(queue: Any, customer: Customer, other: Customer, agent: Any) -> Ticket:
    """A request of the person in which somebody else has a part."""
    ticket = f.make_ticket(
        queue,
        subject=f"About {NAME}",
        body=WORDS,
        customer=customer,
        contact="zq@uni.example",
        origin=Origin(answers=snapshot(OTHER_ADDRESS)),
    )
    Participant.objects.create(
        ticket=ticket, address="other@mail.example", normalised="other@mail.example", name="Olga"
    )
    message(ticket, other, f"I know {NAME}, write to {ADDRESS}.\n\nOlga's own words.")
    actions.answer(
        actor=permissions.agent(agent),
        ticket=ticket,
        draft=Draft(body=f"Dear {NAME}, we look.", channel=Channel.EMAIL),
    )
    return ticket


def _theirs(queue: Any, customer: Customer, other: Customer, agent: Any) -> Ticket:
    """A request of somebody else in which the person takes part."""
    ticket = f.make_ticket(queue, subject="Olga's request", body="Olga asks.", customer=other)
    Participant.objects.create(
        ticket=ticket, address=ADDRESS, normalised="quork@mail.example", name=NAME, may_read=True
    )
    message(ticket, customer, WORDS, files=(Upload("part.txt", FILE, "text/plain"),))
    article = message(ticket, other, f"With {LAST}, {FIRST} in copy.")
    Article.objects.filter(pk=article.pk).update(
        to=[["Desk", "desk@desk.example"], [NAME, ADDRESS.lower()]],
        cc=[[NAME, OTHER_ADDRESS]],
        reply_to="quork@mail.example",
        html=f'<p>With <a href="mailto:{ADDRESS.lower()}">{NAME}</a> in copy.</p>',
    )
    raw(article, f"From: other@mail.example\nCc: {ADDRESS}\n\nWith {NAME}")
    event = Event.objects.filter(ticket=ticket, kind=EventKind.TICKET_OPENED).first()
    Event.objects.filter(pk=event.pk).update(content={"name": NAME, "address": ADDRESS})
    return ticket


def _form(queue: Any, other: Customer, agent: Any) -> Ticket:
    """A request of somebody else with lists of people, an order and a draft."""
    ticket = f.make_ticket(
        queue,
        subject="A list of people",
        body="Please enter them.",
        customer=other,
        origin=Origin(answers=snapshot("someone@mail.example", OTHER_ADDRESS)),
    )
    QueueOrder.objects.create(
        ticket=ticket,
        address="new@desk.example",
        name="New",
        group_name="New team",
        agents=[
            {"first_name": FIRST, "last_name": LAST, "email": ADDRESS, "login_name": LOGIN},
            {"first_name": "Olga", "last_name": "Other", "email": "", "login_name": "oo1"},
        ],
    )
    SavedDraft.objects.create(
        ticket=ticket,
        user=agent,
        mode="note",
        fields={"body": f"ask {LOGIN}"},
        saved_at=timezone.now(),
    )
    return ticket


def _control(queue: Any, other: Customer, agent: Any) -> Ticket:
    """Nothing of the person, but what looks like it."""
    ticket = f.make_ticket(queue, subject="Quorkner", body="zq3141 and Quork", customer=other)
    article = message(ticket, other, "uni.example, mail.example")
    raw(article, "From: other@mail.example\n\nuni.example")
    return ticket


def message(ticket: Ticket, customer: Customer, body: str, **options: Any) -> Article:
    draft = Draft(
        body=body,
        channel=Channel.EMAIL,
        from_name=customer.name,
        from_address=customer.main_address(),
        message_id=f"<{ticket.pk}-{customer.pk}-{len(body)}@{customer.main_address()}>",
        **options,
    )
    return actions.receive_message(
        actor=permissions.SYSTEM, ticket=ticket, draft=draft, customer=customer
    )


def raw(article: Article, text: str) -> InboundMail:
    """The raw mail of a message, in ledger, storage and django-mailbox's journal."""
    mailbox, _made = Mailbox.objects.get_or_create(name="Desk")
    return InboundMail.objects.create(
        source="pipe",
        key=f"{article.pk}",
        state="filed",
        outcome="appended",
        sender=article.from_address,
        subject=article.subject,
        ticket=article.ticket,
        article=article,
        blob=Blob.keep(text.encode()),
        message=Message.objects.create(
            mailbox=mailbox, subject="x", message_id="m", from_header=text[:200], body=text
        ),
    )


def _loose(world: World) -> None:
    """What belongs to no ticket."""
    customer, now = world.customer, timezone.now()
    AddressClaim.objects.create(
        customer=customer, address="new.zq31415@mail.example", normalised="new.zq31415@mail.example", asked_at=now
    )  # fmt: skip
    BouncedAddress.objects.create(address="quork@mail.example", bounces=1, last_at=now)
    AutoMail.objects.create(address="zq@uni.example", at=now)
    SenderBlock.objects.create(pattern="old.zq@mail.example")
    DataExport.objects.create(
        customer=customer,
        addresses=["quork@mail.example"],
        state="ready",
        asked_at=now,
        expires_at=now + timedelta(days=1),
        blob=Blob.keep(b"archive of zq31415"),
    )
    OutboundMail.objects.create(
        kind="code",
        state="sent",
        message_id="<code@desk.example>",
        from_address="desk@desk.example",
        to=[[NAME, ADDRESS]],
        subject="Your code",
        body="1234",
        due_at=now,
    )
    InboundMail.objects.create(
        source="pipe",
        key="ignored",
        state="ignored",
        sender="quork@mail.example",
        subject=f"From {NAME}",
        blob=Blob.keep(f"From: {ADDRESS}".encode()),
    )
    codes.send_code.enqueue("quork@mail.example", "sealed", "en")
    for data in (
        {"_auth_user_id": str(world.user.pk)},
        {"helpdesk_guest": {"address": "quork@mail.example", "since": 0, "seen": 0}},
        {"_auth_user_id": str(world.agent.pk)},
    ):
        session = SessionStore()
        session.update(data)
        session.create()
