"""What holds for all verbs: which right lets them pass, and what each leaves behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import (
    Article,
    Channel,
    Event,
    EventKind,
    InformedQueue,
    Organisation,
    OutboundMail,
    Participant,
    Priority,
    Queue,
    Right,
    Seen,
    SenderBlock,
    TaggedTicket,
    Ticket,
    TicketLink,
    TicketType,
)
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

Verb = Callable[[permissions.Actor, Ticket], Any]


def note(text: str = "Look at this.", **options: Any) -> Draft:
    return Draft(body=text, channel=Channel.NOTE, **options)


def mail(text: str = "An answer.", **options: Any) -> Draft:
    return Draft(body=text, channel=Channel.EMAIL, **options)


def _unverified(ticket: Ticket) -> Article:
    return ticket.articles.filter(verified=False).get()


def _link(actor: permissions.Actor, ticket: Ticket) -> Any:
    other = Ticket.objects.exclude(pk=ticket.pk).get()
    return actions.link(actor=actor, source=ticket, target=other, kind="related")


def _forward(actor: permissions.Actor, ticket: Ticket) -> Any:
    to = (("Firm", "firm@vendor.example"),)
    return actions.forward(actor=actor, ticket=ticket, draft=mail(), original=None, to=to)


def _reminded(actor: permissions.Actor, ticket: Ticket) -> Any:
    return actions.change_state(
        actor=actor,
        ticket=ticket,
        state=f.state(StateType.PENDING_REMINDER),
        pending_until=timezone.now() + timedelta(days=1),
    )


#: name → (verb, the one right it needs, the one event it leaves)
VERBS: dict[str, tuple[Verb, Right, EventKind]] = {
    "open_ticket": (
        lambda actor, ticket: actions.open_ticket(
            actor=actor, queue=ticket.queue, subject="New", draft=note(), customer=None
        ),
        Right.CREATE,
        EventKind.TICKET_OPENED,
    ),
    "open_by_phone": (
        lambda actor, ticket: actions.open_by_phone(
            actor=actor, queue=ticket.queue, subject="New", body="Called", customer=None
        ),
        Right.CREATE,
        EventKind.TICKET_OPENED,
    ),
    "hand_back": (
        lambda actor, ticket: actions.hand_back(actor=actor, ticket=ticket),
        Right.OWN,
        EventKind.OWNER_CHANGED,
    ),
    "claim": (
        lambda actor, ticket: actions.claim(actor=actor, ticket=ticket),
        Right.OWN,
        EventKind.OWNER_CHANGED,
    ),
    "set_responsible": (
        lambda actor, ticket: actions.set_responsible(
            actor=actor, ticket=ticket, responsible=ticket.owner
        ),
        Right.OWN,
        EventKind.RESPONSIBLE_CHANGED,
    ),
    "set_priority": (
        lambda actor, ticket: actions.set_priority(
            actor=actor, ticket=ticket, priority=Priority.objects.get(slug="urgent")
        ),
        Right.PRIORITY,
        EventKind.PRIORITY_CHANGED,
    ),
    "set_type": (
        lambda actor, ticket: actions.set_type(
            actor=actor, ticket=ticket, type_=TicketType.objects.get(slug="fault")
        ),
        Right.NOTE,
        EventKind.TYPE_CHANGED,
    ),
    "rename": (
        lambda actor, ticket: actions.rename(actor=actor, ticket=ticket, subject="Other"),
        Right.NOTE,
        EventKind.SUBJECT_CHANGED,
    ),
    "set_customer": (
        lambda actor, ticket: actions.set_customer(actor=actor, ticket=ticket, customer=None),
        Right.NOTE,
        EventKind.CUSTOMER_CHANGED,
    ),
    "change_state": (
        lambda actor, ticket: actions.change_state(
            actor=actor, ticket=ticket, state=f.state(StateType.CLOSED)
        ),
        Right.NOTE,
        EventKind.STATE_CHANGED,
    ),
    "change_state to pending": (_reminded, Right.NOTE, EventKind.STATE_CHANGED),
    "close_request": (
        lambda actor, ticket: actions.close_request(actor=actor, ticket=ticket),
        Right.ANSWER,
        EventKind.STATE_CHANGED,
    ),
    "receive_message": (
        lambda actor, ticket: actions.receive_message(actor=actor, ticket=ticket, draft=mail()),
        Right.ANSWER,
        EventKind.ARTICLE_ADDED,
    ),
    "answer": (
        lambda actor, ticket: actions.answer(actor=actor, ticket=ticket, draft=mail()),
        Right.ANSWER,
        EventKind.ANSWER_SENT,
    ),
    "add_note": (
        lambda actor, ticket: actions.add_note(actor=actor, ticket=ticket, draft=note()),
        Right.NOTE,
        EventKind.NOTE_ADDED,
    ),
    "log_call": (
        lambda actor, ticket: actions.log_call(
            actor=actor, ticket=ticket, draft=note(), inbound=True
        ),
        Right.NOTE,
        EventKind.CALL_LOGGED,
    ),
    "forward": (_forward, Right.ANSWER, EventKind.FORWARDED),
    "accept_sender": (
        lambda actor, ticket: actions.accept_sender(
            actor=actor, ticket=ticket, article=_unverified(ticket)
        ),
        Right.ANSWER,
        EventKind.SENDER_ACCEPTED,
    ),
    "inform_queue": (
        lambda actor, ticket: actions.inform_queue(
            actor=actor,
            ticket=ticket,
            article=_unverified(ticket),
            queue_id=f.QueueFactory().pk,
        ),
        Right.MANAGE,
        EventKind.QUEUE_INFORMED,
    ),
    "end_reading_along": (
        lambda actor, ticket: actions.end_reading_along(
            actor=actor, ticket=ticket, queue=ticket.informed.get().queue
        ),
        Right.NOTE,
        EventKind.QUEUE_UNINFORMED,
    ),
    "set_tags": (
        lambda actor, ticket: actions.set_tags(actor=actor, ticket=ticket, tags=["Printer"]),
        Right.NOTE,
        EventKind.TAGS_CHANGED,
    ),
    "mark_spam": (
        lambda actor, ticket: actions.mark_spam(actor=actor, ticket=ticket, block=True),
        Right.NOTE,
        EventKind.MARKED_SPAM,
    ),
    "note_spam": (
        lambda actor, ticket: actions.note_spam(actor=actor, ticket=ticket, queue=ticket.queue),
        Right.MANAGE,
        EventKind.MARKED_SPAM,
    ),
    "not_spam": (
        lambda actor, ticket: actions.not_spam(actor=actor, ticket=ticket),
        Right.NOTE,
        EventKind.NOT_SPAM,
    ),
    "withdraw_links": (
        lambda actor, ticket: actions.withdraw_links(actor=actor, ticket=ticket),
        Right.ANSWER,
        EventKind.LINK_WITHDRAWN,
    ),
    "invite": (
        lambda actor, ticket: actions.invite(
            actor=actor, ticket=ticket, address="friend@mail.example"
        ),
        Right.ANSWER,
        EventKind.PARTICIPANT_INVITED,
    ),
    "remove_participant": (
        lambda actor, ticket: actions.remove_participant(
            actor=actor, ticket=ticket, participant=ticket.participants.get()
        ),
        Right.ANSWER,
        EventKind.PARTICIPANT_REMOVED,
    ),
    "share": (
        lambda actor, ticket: actions.share(
            actor=actor, ticket=ticket, organisation=ticket.customer.organisation
        ),
        Right.ANSWER,
        EventKind.SHARING_CHANGED,
    ),
    "apply_terms": (
        lambda actor, ticket: actions.apply_terms(
            actor=actor, ticket=ticket, terms=Terms(retention_days=1)
        ),
        Right.MANAGE,
        EventKind.TERMS_APPLIED,
    ),
    "object_to_storage": (
        lambda actor, ticket: actions.object_to_storage(
            actor=actor, ticket=ticket, channel=Channel.PHONE, reason="said so"
        ),
        Right.ANSWER,
        EventKind.OBJECTION_CHANGED,
    ),
}
#: Not in the table above: they touch two tickets or none, or two queues, or ask who wrote a message.
OTHERS = {
    *("assign", "move", "link", "mark_seen", "make_own_ticket", "take_back"),
    *("merge", "merge_all", "unmerge", "split", "unlink", "dismiss_hint"),
}
#: Sends a mail and changes nothing of the ticket: test_sharing.py of the customers' pages.
ABOUT_LINKS = {"send_link", "MAX_INVITED"}
#: About people: test_addresses.py of the customers' pages, test_joining.py, test_belonging.py.
ABOUT_CUSTOMERS = {
    *("CLAIM_HOLDS", "MAX_ADDRESSES", "claim_address", "claim_token", "read_claim", "drop_claim"),
    *("confirm_address", "remove_address", "choose_main_address"),
    *("merge_customers", "follow_merged", "customer_for_person", "set_organisation"),
}
#: About teams: test_granting.py.
ABOUT_TEAMS = {"change_rights"}
#: Leaves nothing behind: test_discarding.py.
DISCARDING = {"discard_test"}
#: The machine's, many tickets at a time: test_erasing.py.
ERASING = {"erase", "erase_files", "erase_persons", "anonymise"}
#: The machine's, on many tickets at once: test_shortening.py.
IN_BULK = {"shorten_terms"}
#: Orders of queues: test_ordering.py.
ABOUT_ORDERS = {
    *(
        "choosable_teams",
        "PlannedPage",
        "SiteSide",
        "Standing",
        "Step",
        "Wanted",
        "in_the_way",
        "look_up",
        "plan_of",
    ),
    *("place_order", "change_order", "approve_order", "refuse_order", "rows_of", "rules_of"),
    "taken_by",
}
#: Change no date of the ticket: test_holds.py.
ABOUT_HOLDS = {"place_hold", "extend_hold", "lift_hold", "end_holds"}
#: There is none to withdraw on a fresh ticket: test_objecting.py.
ABOUT_OBJECTIONS = {"withdraw_objection", "joined_from"}
#: How long a merge can be taken back.
ABOUT_MERGING = {"REVERSIBLE", "reversible_until"}
#: What an agent hears of: nothing of the ticket itself changes.
HEARING = {"watch", "unwatch", "mark_read", "named"}
#: Questions and names that the verbs about spam have in common.
ABOUT_SPAM = {"few_tags", "tags_of", "SPAM_TAG", "is_spam", "junk_queue", "sender_of"}
#: The customer's side of the ticket; all other verbs refuse customers.
CUSTOMERS_VERBS = {
    *("receive_message", "close_request", "object_to_storage"),
    *("withdraw_links", "invite", "remove_participant", "share"),
}
OPENING = {"open_ticket", "open_by_phone"}
# about people, not about a ticket: test_absence.py, test_agent_settings.py
ABOUT_AGENTS = {
    *("AbsencePlan", "begin_absences", "change_absence", "end_absence", "enter_absence"),
    *("may_read_reason", "open_tickets_of", "renew_feed_key", "set_free_days"),
}
# leaves no version behind: it changes nothing of the ticket
UNVERSIONED = {"inform_queue", "note_spam", *OPENING}


@pytest.fixture
def ticket():
    """An owned ticket without contact, with one message whose sender is not verified.

    It is tagged as spam, which makes no difference but to the verbs about it. Its customer has an organisation,
    somebody was copied in, and another queue reads along.
    """
    opened = f.make_ticket(contact="", subject="Old", tags=["spam"])
    opened.customer.organisation = Organisation.objects.create(name="Firm")
    opened.customer.save()
    opened.participants.create(address="copy@mail.example", normalised="copy@mail.example")
    InformedQueue.objects.create(ticket=opened, queue=f.QueueFactory(), at=timezone.now())
    owner = f.make_agent(opened.queue)
    actions.assign(actor=permissions.SYSTEM, ticket=opened, owner=owner)
    draft = mail("Who am I?", from_address="eve@evil.example", verified=False)
    actions.receive_message(actor=permissions.SYSTEM, ticket=opened, draft=draft, visible=False)
    opened.refresh_from_db()
    return opened


def everything() -> list[Any]:
    models = (
        *(Ticket, Article, Event, TicketLink, Participant, OutboundMail, Seen),
        *(TaggedTicket, InformedQueue, SenderBlock),
    )
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_the_table_names_every_verb():
    finders = {"customer_for_address", "customer_for_user", "find_customer", "verify_address"}
    finders |= {"note_code"}
    ahead = {"hold_tickets", "read_ahead_customers"}
    rest = {
        "STARTS",
        "Draft",
        "FORGED",
        "Opened",
        "Origin",
        "Upload",
        "default_priority",
        "default_state",
        "one_transaction",
        "private_words",
    }
    named = {name.split()[0] for name in VERBS} | OTHERS | finders | ahead | rest
    named |= {"terms_of", "frozen_terms", "in_words"} | ABOUT_OBJECTIONS
    named |= ABOUT_SPAM | ABOUT_AGENTS | HEARING | ABOUT_MERGING
    named |= ABOUT_LINKS | ABOUT_CUSTOMERS | ABOUT_TEAMS | ABOUT_ORDERS | DISCARDING | ERASING
    named |= ABOUT_HOLDS
    # takes a person, not a ticket: test_persons.py
    named |= IN_BULK | {"correct_person"}
    assert set(actions.__all__) == named


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_passes_with_its_right_alone(ticket, name):
    verb, needed, kind = VERBS[name]
    actor = permissions.agent(f.make_agent(ticket.queue, rights=[needed]))
    verb(actor, ticket)
    assert Event.objects.filter(kind=kind, user=actor.user).count() == 1


@pytest.mark.parametrize("name", VERBS)
def test_without_its_right_a_verb_is_refused_and_changes_nothing(ticket, name):
    verb, needed, _kind = VERBS[name]
    before = everything()
    for right in sorted(set(Right) - {needed}):
        actor = permissions.agent(f.make_agent(ticket.queue, rights=[right]))
        with pytest.raises(NotPermitted):
            verb(actor, ticket)
    allowed = sorted(set(Right) - {needed})
    actor = permissions.agent(f.make_agent(ticket.queue, rights=allowed))
    with pytest.raises(NotPermitted):
        verb(actor, ticket)
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in VERBS if name not in OPENING])
def test_a_right_in_another_queue_lets_nobody_pass(ticket, name):
    verb, _needed, _kind = VERBS[name]
    actor = permissions.agent(f.make_agent(f.QueueFactory()))
    before = everything()
    with pytest.raises(NotPermitted):
        verb(actor, ticket)
    assert everything() == before


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_raises_the_version_and_leaves_its_event(ticket, name):
    verb, _needed, kind = VERBS[name]
    actor = permissions.agent(f.make_agent(ticket.queue))
    version, changed_at = ticket.version, ticket.changed_at
    events = set(Event.objects.values_list("pk", flat=True))
    verb(actor, ticket)
    ticket.refresh_from_db()
    assert (ticket.version > version) == (name not in UNVERSIONED)
    assert ticket.changed_at >= changed_at
    new = Event.objects.exclude(pk__in=events)
    assert new.filter(kind=kind).count() == 1
    assert {event.actor_kind for event in new} == {"agent"}


def owner_of(ticket: Ticket) -> permissions.Actor:
    return permissions.customer(ticket.customer)


BY = pytest.mark.parametrize("by", [owner_of, permissions.link_bearer])


@BY
@pytest.mark.parametrize("name", sorted(CUSTOMERS_VERBS))
def test_customers_have_verbs_of_their_own(ticket, name, by):
    verb, _needed, kind = VERBS[name]
    verb(by(ticket), ticket)
    assert ticket.events.filter(kind=kind, actor_kind="customer").count() == 1


@BY
@pytest.mark.parametrize("name", sorted(set(VERBS) - CUSTOMERS_VERBS - OPENING))
def test_customers_never_pass_for_agents(ticket, name, by):
    verb, _needed, _kind = VERBS[name]
    before = everything()
    with pytest.raises(NotPermitted):
        verb(by(ticket), ticket)
    assert everything() == before


@pytest.mark.parametrize("name", sorted(CUSTOMERS_VERBS))
def test_other_customers_are_refused(ticket, name):
    verb, _needed, _kind = VERBS[name]
    stranger = permissions.customer(f.CustomerFactory())
    with pytest.raises(NotPermitted):
        verb(stranger, ticket)


@pytest.mark.parametrize("name", ["claim", "add_note", "answer", "rename", "set_priority"])
def test_a_ticket_that_is_gone_is_not_found(ticket, name):
    verb, _needed, _kind = VERBS[name]
    actor = permissions.agent(f.make_agent(ticket.queue))
    with pytest.raises(NotFound):
        verb(actor, Ticket(pk=ticket.pk + 1000, queue=ticket.queue, state=ticket.state))


def test_linking_asks_for_note_on_both_tickets(ticket):
    other = f.make_ticket()
    for right in sorted(set(Right) - {Right.NOTE}):
        with pytest.raises(NotPermitted):
            _link(
                permissions.agent(f.make_agent(ticket.queue, other.queue, rights=[right])), ticket
            )
    assert not TicketLink.objects.exists()
    _link(permissions.agent(f.make_agent(ticket.queue, other.queue, rights=[Right.NOTE])), ticket)
    assert TicketLink.objects.exists()


@pytest.mark.parametrize("where", ["source", "target"])
def test_linking_to_a_ticket_out_of_sight_is_refused(ticket, where):
    other = f.make_ticket()
    ends = {"source": ticket, "target": other}
    actor = permissions.agent(f.make_agent(ends[where].queue))
    with pytest.raises(NotPermitted):
        actions.link(actor=actor, source=ticket, target=other, kind="related")
    assert not TicketLink.objects.exists()


def _mover(ticket: Ticket, here: Right, other: Queue, there: Right) -> permissions.Actor:
    user = f.UserFactory()
    user.groups.add(f.make_team(ticket.queue, rights=[here]), f.make_team(other, rights=[there]))
    return permissions.agent(user)


def test_moving_asks_for_note_here_and_move_into_there(ticket):
    other = f.QueueFactory()
    pairs = set(itertools.product(Right, Right)) - {(Right.NOTE, Right.MOVE_INTO)}
    before = everything()
    for here, there in sorted(pairs):
        with pytest.raises(NotPermitted):
            actions.move(actor=_mover(ticket, here, other, there), ticket=ticket, queue=other)
    assert everything() == before
    mover = _mover(ticket, Right.NOTE, other, Right.MOVE_INTO)
    assert actions.move(actor=mover, ticket=ticket, queue=other).queue == other


def test_an_inactive_agent_may_nothing_more(ticket):
    user = f.make_agent(ticket.queue, is_active=False)
    with pytest.raises(NotPermitted):
        actions.claim(actor=permissions.agent(user), ticket=ticket)


def test_after_the_owners_account_is_gone_the_team_sees_and_answers(ticket):
    colleague = permissions.agent(f.make_agent(ticket.queue))
    actions.add_note(actor=permissions.agent(ticket.owner), ticket=ticket, draft=note("Mine."))
    ticket.owner.delete()
    found = permissions.visible_tickets(colleague).get()
    assert (found, found.owner) == (ticket, None)
    actions.answer(actor=colleague, ticket=found, draft=mail())
    found.refresh_from_db()
    assert found.owner == colleague.user
    written = found.articles.get(body="Mine.")
    assert (written.author, bool(written.from_name)) == (None, True)
    assert found.events.filter(kind=EventKind.NOTE_ADDED, user=None).exists()
