from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from helpdesk import actions, permissions, search
from helpdesk.actions import Draft, Upload
from helpdesk.errors import AlreadyDone, InvalidInput, NotPermitted, WrongState
from helpdesk.models import (
    Article,
    Channel,
    Event,
    EventKind,
    InboundMail,
    InformedQueue,
    Mention,
    Merge,
    Notice,
    Organisation,
    OutboundMail,
    Participant,
    Queue,
    Right,
    SavedDraft,
    SearchEntry,
    Ticket,
    TicketLink,
    Watcher,
)
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


@pytest.fixture
def queue():
    return f.QueueAddressFactory(queue__name="Print", queue__slug="print").queue


@pytest.fixture
def agent(queue):
    return permissions.agent(f.make_agent(queue))


@pytest.fixture
def pair(queue):
    """Two tickets of one customer; the first is the older."""
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    return tuple(
        f.make_ticket(queue, subject=f"Printer {n}", body=f"Words {n}", customer=person)
        for n in (1, 2)
    )


@pytest.fixture
def strangers(queue):
    """Two tickets of two customers: the source and the target."""
    return tuple(f.make_ticket(queue, subject=f"Desk {n}", body=f"Words {n}") for n in (1, 2))


def again(*tickets):
    for ticket in tickets:
        ticket.refresh_from_db()


def mail(body, **options):
    return Draft(body=body, channel=Channel.EMAIL, **options)


def note(actor, ticket, body="A note"):
    return actions.add_note(
        actor=actor, ticket=ticket, draft=Draft(body=body, channel=Channel.NOTE)
    )


SAID = "said so on the phone"


def belongings():
    """Return where every row that belongs to a ticket stands: what taking back has to restore."""
    models = (
        *(Article, Participant, Watcher, Mention, InboundMail, OutboundMail),
        *(InformedQueue, SavedDraft, Notice),
    )
    found = {
        model.__name__: sorted(model.objects.values_list("pk", "ticket_id")) for model in models
    }
    found["links"] = sorted(TicketLink.objects.values_list("source_id", "target_id", "kind"))
    found["visible"] = sorted(Article.objects.values_list("pk", "visible"))
    found["extra"] = list(Article.objects.order_by("pk").values_list("pk", "extra"))
    found["index"] = sorted(
        SearchEntry.objects.values_list("article_id", "ticket_id", "words"), key=str
    )
    found["tags"] = {one.pk: actions.tags_of(one) for one in Ticket.objects.all()}
    found["tickets"] = list(
        Ticket.objects.order_by("pk").values(
            *("pk", "state_id", "closed_at", "pending_until", "waiting_since", "merged_into_id"),
            *("objected_at", "objection_wording", "objection_channel", "retention_days"),
            *(
                "legal_basis",
                "retention_sentence",
                "owner_id",
                "queue_id",
                "customer_id",
                "preview",
            ),
        )
    )
    return found


def fill(ticket, agent, other):
    """Give a ticket one of everything that can belong to it."""
    person = f.UserFactory()
    written = note(agent, ticket, "Look @you")
    Mention.objects.create(ticket=ticket, article=written, user=person)
    Watcher.objects.create(ticket=ticket, user=person)
    Notice.objects.create(user=person, kind="note", ticket=ticket, at=timezone.now())
    Participant.objects.create(ticket=ticket, address="p@x.example", normalised="p@x.example")
    InformedQueue.objects.create(ticket=ticket, queue=f.QueueFactory(), at=timezone.now())
    SavedDraft.objects.create(ticket=ticket, user=person, mode="reply", saved_at=timezone.now())
    article = actions.receive_message(
        actor=SYSTEM,
        ticket=ticket,
        draft=mail("By mail", message_id="<one@mail.example>", files=(Upload("a.txt", b"a"),)),
    )
    InboundMail.objects.create(source="pipe", key="1", ticket=ticket, article=article)
    actions.answer(actor=agent, ticket=ticket, draft=mail("An answer"))
    actions.set_tags(actor=agent, ticket=ticket, tags=["Printer", "Loud"])
    actions.link(actor=agent, source=ticket, target=other, kind="related")


def test_everything_moves_and_everything_comes_back(queue, agent, pair):
    source, target = pair
    fill(source, agent, f.make_ticket(queue))
    actions.set_tags(actor=agent, ticket=target, tags=["Printer"])
    actions.object_to_storage(actor=agent, ticket=source, channel=Channel.PHONE, reason=SAID)
    before = belongings()
    owner, customer = target.owner_id, target.customer_id
    journal = actions.merge(actor=agent, source=source, target=target)
    again(source, target)
    assert (source.state.type, source.merged_into) == (StateType.MERGED, target)
    assert (target.owner_id, target.customer_id, target.queue) == (owner, customer, queue)
    assert not source.articles.exists()
    assert target.articles.count() == 5
    for name in (
        "participants",
        "watchers",
        "mentions",
        "inbound",
        "outbound",
        "drafts",
        "notices",
    ):
        assert not getattr(source, name).exists(), name
        assert getattr(target, name).exists(), name
    assert InformedQueue.objects.get().ticket == source  # nobody gains sight of anything
    assert TicketLink.objects.get().source == target
    assert actions.tags_of(target) == ["Loud", "Printer"]
    assert target.objected_at == source.objected_at is not None
    assert target in search.find_tickets(agent, "An answer")
    assert {event.ticket_id for event in Event.objects.filter(kind=EventKind.MERGED)} == {
        source.pk,
        target.pk,
    }
    assert source.events.filter(kind=EventKind.ANSWER_SENT).exists()  # the history stays
    actions.unmerge(actor=agent, merge=journal)
    assert belongings() == before
    assert Event.objects.filter(kind=EventKind.UNMERGED).count() == 2
    with pytest.raises(AlreadyDone):
        actions.unmerge(actor=agent, merge=journal)


def test_every_table_that_points_to_a_ticket_is_known_to_merging():
    """Whoever adds one has to decide whether its rows move."""
    moved = {
        *("Article", "Participant", "Watcher", "Mention", "InboundMail", "OutboundMail"),
        *("InformedQueue", "SavedDraft", "Notice", "TicketLink", "SearchEntry", "TaggedTicket"),
        *("Ticket", "QueueOrder"),
    }
    # answers were given to that ticket's form
    stay = {"Event", "Seen", "Presence", "Clock", "DismissedHint", "Merge", "Answer"}
    # a hold on one holds all that were merged
    stay |= {"Hold"}
    pointing = {
        relation.related_model.__name__
        for relation in Ticket._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete
    }
    # absence is the business of a person, whatever became of the ticket
    assert pointing - {"AbsenceTicket", "Handover", "LikelyDuplicate"} == moved | stay


def test_waiting_since_is_the_older_one(agent, pair):
    source, target = pair
    actions.answer(actor=agent, ticket=target, draft=mail("Done"))
    since = source.waiting_since
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert target.waiting_since == since
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert (source.waiting_since, target.waiting_since) == (since, None)


def test_who_wrote_since_the_merge_goes_on_waiting_after_it_is_taken_back(agent, pair):
    source, target = pair
    actions.answer(actor=agent, ticket=target, draft=mail("Done"))
    journal = actions.merge(actor=agent, source=source, target=target)
    later = actions.receive_message(actor=SYSTEM, ticket=target, draft=mail("More"))
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert later.ticket_id == target.pk
    assert target.waiting_since == later.created_at


def test_an_open_source_opens_a_closed_target_and_taking_back_closes_it(agent, pair):
    source, target = pair
    closed = f.state(StateType.CLOSED)
    actions.change_state(actor=agent, ticket=target, state=closed)
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert (target.state.type, target.waiting_since) == (StateType.OPEN, source.waiting_since)
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert (target.state, target.waiting_since) == (closed, None)


def test_a_closed_source_leaves_a_closed_target_closed(agent, pair):
    for one in pair:
        actions.change_state(actor=agent, ticket=one, state=f.state(StateType.CLOSED))
    actions.merge(actor=agent, source=pair[0], target=pair[1])
    again(*pair)
    assert [one.state.type for one in pair] == [StateType.MERGED, StateType.CLOSED]


@pytest.fixture
def both_closed(agent, pair):
    """The two, closed; the source a hundred days after the target."""
    source, target = pair
    for one, ago in ((source, 10), (target, 110)):
        at = timezone.now() - timedelta(days=ago)
        with time_machine.travel(at, tick=False):
            actions.change_state(actor=agent, ticket=one, state=f.state(StateType.CLOSED))
        Ticket.objects.filter(pk=one.pk).update(retention_days=100, changed_at=at)
    again(*pair)
    return pair


def test_of_two_closed_tickets_the_later_closing_counts_until_it_is_taken_back(agent, both_closed):
    source, target = both_closed
    late, early = source.closed_at, target.closed_at
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert target.closed_at == late
    assert target.erase_at > timezone.now()  # not before what the other was promised
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert (source.closed_at, target.closed_at) == (late, early)


def test_a_target_that_was_closed_later_keeps_its_date(agent, both_closed):
    target, source = both_closed
    late = target.closed_at
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert target.closed_at == late
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert target.closed_at == late


def test_what_is_still_merged_holds_the_date_when_another_is_taken_back(agent, queue, both_closed):
    source, target = both_closed
    third = f.make_ticket(queue, customer=source.customer)
    with time_machine.travel(timezone.now() - timedelta(days=50), tick=False):
        actions.change_state(actor=agent, ticket=third, state=f.state(StateType.CLOSED))
    again(third)
    journal = actions.merge(actor=agent, source=source, target=target)
    actions.merge(actor=agent, source=third, target=target)
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert target.closed_at == third.closed_at


def test_closed_anew_since_it_stays_so_when_the_merge_is_taken_back(agent, both_closed):
    source, target = both_closed
    journal = actions.merge(actor=agent, source=source, target=target)
    for kind in (StateType.OPEN, StateType.CLOSED):
        actions.change_state(actor=agent, ticket=target, state=f.state(kind))
    again(target)
    late = target.closed_at
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert target.closed_at == late


def test_a_step_that_only_the_target_took_is_to_be_taken_of_both(agent, both_closed):
    source, target = both_closed
    at = timezone.now() - timedelta(days=60)
    Ticket.objects.filter(pk__in=[source.pk, target.pk]).update(attachment_days=30)
    Ticket.objects.filter(pk=target.pk).update(files_erased_at=at, persons_erased_at=at)
    Ticket.objects.filter(pk=source.pk).update(persons_erased_at=at)
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert (target.files_erased_at, target.persons_erased_at) == (None, at)
    assert target.storage_step == "attachments"
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert (target.files_erased_at, target.persons_erased_at) == (at, at)


def test_a_pending_source_is_pending_again_with_its_date(agent, pair):
    source, target = pair
    until = timezone.now() + timedelta(days=3)
    state = f.state(StateType.PENDING_REMINDER)
    actions.change_state(actor=agent, ticket=source, state=state, pending_until=until)
    journal = actions.merge(actor=agent, source=source, target=target)
    actions.unmerge(actor=agent, merge=journal)
    again(source)
    assert (source.state, source.pending_until, source.closed_at) == (state, until, None)


def test_the_shorter_time_of_keeping_wins(agent, pair):
    source, target = pair
    Ticket.objects.filter(pk=source.pk).update(retention_days=30, legal_basis="§ 3")
    Ticket.objects.filter(pk=target.pk).update(retention_days=90, legal_basis="§ 9")
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert (target.retention_days, target.legal_basis) == (30, "§ 3")
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert (target.retention_days, target.legal_basis) == (90, "§ 9")


def test_the_sentence_says_what_holds_after_a_merge_and_what_for(agent, queue):
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    promised = (
        Terms(100, purpose="Proof", at_end="anonymise"),
        Terms(730, attachment_days=30),
    )
    target, source = (
        f.make_ticket(queue, customer=person, terms=actions.in_words(one, "en"), language="en")
        for one in promised
    )
    given = target.retention_sentence
    journal = actions.merge(actor=agent, source=source, target=target)
    again(target)
    assert (target.retention_days, target.attachment_days, target.at_end) == (100, 30, "erase")
    for words in ("100 days after it is closed and then deleted", "30 days", "Purpose: Proof."):
        assert words in target.retention_sentence
    part = actions.split(
        actor=agent, ticket=target, article=target.articles.first(), queue=queue, subject="Part"
    )
    assert (part.ticket.retention_days, part.ticket.attachment_days) == (100, 30)
    assert "30 days" in part.ticket.retention_sentence
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert target.retention_sentence == given


def test_what_was_changed_since_stays_changed(agent, pair):
    source, target = pair
    actions.object_to_storage(actor=agent, ticket=source, channel=Channel.PHONE, reason=SAID)
    actions.set_tags(actor=agent, ticket=source, tags=["Loud"])
    journal = actions.merge(actor=agent, source=source, target=target)
    actions.set_tags(actor=agent, ticket=target, tags=["Loud", "New"])
    actions.change_state(actor=agent, ticket=target, state=f.state(StateType.CLOSED))
    actions.unmerge(actor=agent, merge=journal)
    again(target)
    assert target.state.type == StateType.CLOSED
    assert actions.tags_of(target) == ["New"]


def test_the_tag_of_spam_is_not_handed_on(agent, queue):
    source = f.make_ticket(queue, tags=["spam", "Other"])
    target = f.make_ticket(queue, customer=source.customer)
    actions.merge(actor=agent, source=source, target=target)
    assert actions.tags_of(target) == ["Other"]


# --- customers who differ ------------------------------------------------------------------------


def test_different_customers_need_a_confirmation(agent, strangers):
    source, target = strangers
    for visible in (None, True):
        with pytest.raises(InvalidInput) as caught:
            actions.merge(actor=agent, source=source, target=target, visible=visible)
        assert caught.value.field == "confirm"
    assert not Merge.objects.exists()


def test_confirmed_the_messages_of_the_source_become_internal(agent, strangers):
    source, target = strangers
    actions.answer(actor=agent, ticket=source, draft=mail("For the first"))
    actions.receive_message(
        actor=SYSTEM,
        ticket=source,
        draft=mail("Who am I?", from_address="eve@x.example", verified=False),
        visible=False,
    )
    before = belongings()
    journal = actions.merge(actor=agent, source=source, target=target, visible=False)
    again(target)
    bodies = permissions.visible_articles(permissions.link_bearer(target), target)
    assert [one.body for one in bodies] == ["Words 2"]
    assert target.preview == "Words 2"
    unverified = target.articles.get(verified=False)
    with pytest.raises(WrongState):
        actions.accept_sender(actor=agent, ticket=target, article=unverified)
    actions.unmerge(actor=agent, merge=journal)
    assert belongings() == before


def test_the_customer_of_the_source_goes_on_reading_the_own_words_only(agent, strangers):
    source, target = strangers
    note(agent, source, "Internal")
    actions.merge(actor=agent, source=source, target=target, visible=False)
    actions.answer(actor=agent, ticket=target, draft=mail("For the second"))
    again(source)
    read = permissions.visible_articles(permissions.link_bearer(source), source)
    assert [one.body for one in read] == ["Words 1"]


def test_participants_drafts_and_readers_stay_with_a_customer_who_differs(agent, strangers):
    source, target = strangers
    Participant.objects.create(ticket=source, address="p@x.example", normalised="p@x.example")
    InformedQueue.objects.create(ticket=source, queue=f.QueueFactory(), at=timezone.now())
    SavedDraft.objects.create(ticket=source, user=agent.user, mode="reply", saved_at=timezone.now())
    actions.merge(actor=agent, source=source, target=target, visible=False)
    for model in (Participant, InformedQueue, SavedDraft):
        assert model.objects.get().ticket_id == source.pk


def inform(ticket: Ticket, queue: Queue) -> None:
    InformedQueue.objects.create(ticket=ticket, queue=queue, at=timezone.now())


def test_only_queues_that_could_read_both_read_the_target_along(agent, pair):
    source, target = pair
    one, other, both = (f.QueueFactory() for _ in range(3))
    for ticket, queue in ((source, one), (target, other), (source, both), (target, both)):
        inform(ticket, queue)
    before = set(InformedQueue.objects.values_list("ticket", "queue", "at"))
    journal = actions.merge(actor=agent, source=source, target=target)
    assert [row.queue for row in target.informed.all()] == [both]
    assert not permissions.visible_tickets(permissions.agent(f.make_agent(one))).filter(
        pk=target.pk
    )
    ended = target.events.get(kind=EventKind.QUEUE_UNINFORMED)
    assert ended.data == {"queue": other.pk, "by": "merge"}
    actions.unmerge(actor=agent, merge=journal)
    assert set(InformedQueue.objects.values_list("ticket", "queue", "at")) == before


def test_a_team_whose_own_ticket_is_merged_goes_on_reading_along(queue, agent, pair):
    _source, target = pair
    home = f.QueueFactory()
    own = f.make_ticket(home, customer=target.customer, contact=target.contact)
    inform(target, home)
    worker = permissions.agent(f.make_agent(queue, home))
    actions.merge(actor=worker, source=own, target=target)
    assert [row.queue for row in target.informed.all()] == [home]


def invited(ticket: Ticket, address: str) -> Participant:
    return Participant.objects.create(
        ticket=ticket, address=address, normalised=address, may_read=True
    )


def reads(address: str, ticket: Ticket) -> list[str]:
    """Return what somebody who proved to read `address` sees of a ticket."""
    actor = permissions.guest(address, actions.find_customer(address))
    if not permissions.visible_tickets(actor).filter(pk=ticket.pk).exists():
        return []
    return [one.body for one in permissions.visible_articles(actor, ticket)]


def test_by_a_merge_of_different_customers_nobody_invited_gains_sight(agent, strangers):
    source, target = strangers
    firm = Organisation.objects.create(name="Firm")
    for ticket, address in ((source, "a@x.example"), (target, "b@x.example")):
        invited(ticket, address)
        Ticket.objects.filter(pk=ticket.pk).update(organisation=firm)
    again(source, target)
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source, target)
    assert reads("a@x.example", source) == ["Words 1"]
    assert reads("b@x.example", target) == ["Words 2"]
    assert reads("a@x.example", target) == reads("b@x.example", source) == []
    assert (source.organisation, target.organisation) == (firm, firm)


def test_a_merge_of_one_customers_tickets_is_read_only_by_who_read_both(agent, pair):
    source, target = pair
    firm = Organisation.objects.create(name="Firm")
    Ticket.objects.filter(pk=target.pk).update(organisation=firm)
    for address, tickets in (
        ("a@x.example", [source]),
        ("b@x.example", [target]),
        ("both@x.example", pair),
    ):
        for ticket in tickets:
            invited(ticket, address)
    again(source, target)
    before = list(Participant.objects.order_by("pk").values())
    journal = actions.merge(actor=agent, source=source, target=target)
    again(source, target)
    assert reads("a@x.example", target) == reads("b@x.example", target) == []
    assert reads("both@x.example", target) == ["Words 1", "Words 2"]
    assert target.organisation is None
    # they are still known as senders, so what they answer by mail belongs there
    assert target.participants.count() == 3
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert list(Participant.objects.order_by("pk").values()) == before
    assert target.organisation == firm
    assert reads("a@x.example", source) == ["Words 1"]


def test_what_is_split_off_is_shared_with_nobody(agent, pair):
    source, _other = pair
    firm = Organisation.objects.create(name="Firm")
    Ticket.objects.filter(pk=source.pk).update(organisation=firm)
    invited(source, "a@x.example")
    opened = actions.split(
        actor=agent,
        ticket=source,
        article=source.articles.get(),
        queue=source.queue,
        subject="Also",
    )
    again(opened.ticket)
    assert not opened.ticket.participants.exists()
    assert opened.ticket.organisation is None


def test_a_message_to_the_source_is_internal_on_the_target_and_wakes_it(agent, strangers):
    source, target = strangers
    actions.merge(actor=agent, source=source, target=target, visible=False)
    actions.change_state(actor=agent, ticket=target, state=f.state(StateType.CLOSED))
    again(source)
    article = actions.receive_message(
        actor=permissions.link_bearer(source),
        ticket=source,
        draft=Draft(body="And now?", channel=Channel.WEB),
        customer=source.customer,
    )
    again(target)
    assert (article.ticket_id, article.visible) == (target.pk, False)
    assert (target.state.type, target.waiting_since) == (StateType.OPEN, article.created_at)
    assert target.preview == "Words 2"


def test_a_message_filed_while_the_ticket_is_being_merged_follows_it(agent, pair):
    source, target = pair
    stale = Ticket.objects.get(pk=source.pk)
    actions.merge(actor=agent, source=source, target=target)
    article = actions.receive_message(actor=SYSTEM, ticket=stale, draft=mail("Late"))
    assert (article.ticket_id, article.visible) == (target.pk, True)


def test_nobody_writes_on_a_merged_ticket(agent, pair):
    source, target = pair
    actions.merge(actor=agent, source=source, target=target)
    before = Article.objects.count()
    for verb in (actions.answer, actions.add_note):
        with pytest.raises(WrongState):
            verb(actor=agent, ticket=source, draft=mail("Lost"))
    assert Article.objects.count() == before


def test_an_objection_to_a_merged_ticket_holds_where_its_words_are(agent, strangers):
    source, target = strangers
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source)
    bearer = permissions.link_bearer(source)
    actions.object_to_storage(actor=bearer, ticket=source, channel=Channel.WEB)
    again(source, target)
    assert source.objected_at
    assert target.objected_at


# --- refusals ------------------------------------------------------------------------------------


def test_merging_asks_for_note_on_both(queue, pair):
    source, _target = pair
    elsewhere = f.make_ticket(customer=source.customer)
    for right in sorted(set(Right) - {Right.NOTE}):
        actor = permissions.agent(f.make_agent(queue, elsewhere.queue, rights=[right]))
        with pytest.raises(NotPermitted):
            actions.merge(actor=actor, source=source, target=elsewhere)
    one_side = permissions.agent(f.make_agent(queue))
    for ends in ((source, elsewhere), (elsewhere, source)):
        with pytest.raises(NotPermitted):
            actions.merge(actor=one_side, source=ends[0], target=ends[1])
    for customer in (permissions.customer(source.customer), permissions.link_bearer(source)):
        with pytest.raises(NotPermitted):
            actions.merge(actor=customer, source=source, target=elsewhere)
    assert not Merge.objects.exists()
    noter = permissions.agent(f.make_agent(queue, elsewhere.queue, rights=[Right.NOTE]))
    journal = actions.merge(actor=noter, source=source, target=elsewhere)
    with pytest.raises(NotPermitted):
        actions.unmerge(actor=one_side, merge=journal)
    actions.unmerge(actor=noter, merge=journal)


def test_who_reads_along_merges_nothing(queue, pair):
    InformedQueue.objects.create(ticket=pair[0], queue=f.QueueFactory(), at=timezone.now())
    reader = permissions.agent(f.make_agent(InformedQueue.objects.get().queue))
    with pytest.raises(NotPermitted):
        actions.merge(actor=reader, source=pair[0], target=pair[1])


def test_a_ticket_is_not_merged_with_itself_nor_twice_nor_elsewhere(queue, agent, pair):
    source, target = pair
    with pytest.raises(InvalidInput):
        actions.merge(actor=agent, source=source, target=source)
    journal = actions.merge(actor=agent, source=source, target=target)
    with pytest.raises(AlreadyDone) as done:
        actions.merge(actor=agent, source=source, target=target)
    assert done.value.existing == journal
    with pytest.raises(InvalidInput):  # the source stands for its target by now
        actions.merge(actor=agent, source=target, target=source)
    with pytest.raises(WrongState):
        actions.merge(
            actor=agent, source=source, target=f.make_ticket(queue, customer=source.customer)
        )


def test_a_removed_or_test_ticket_is_not_merged(queue, pair):
    root = permissions.agent(f.UserFactory(is_superuser=True))
    removed = f.make_ticket(queue, customer=pair[0].customer)
    actions.change_state(actor=root, ticket=removed, state=f.state(StateType.REMOVED))
    for ends in ((removed, pair[0]), (pair[0], removed)):
        with pytest.raises(WrongState):
            actions.merge(actor=root, source=ends[0], target=ends[1])
    trial = f.make_ticket(queue, customer=pair[0].customer, is_test=True)
    with pytest.raises(InvalidInput):
        actions.merge(actor=root, source=trial, target=pair[0])


def test_a_chain_is_flattened_and_taken_back_from_its_end(queue, agent, pair):
    first, second = pair
    third = f.make_ticket(queue, customer=first.customer)
    inner = actions.merge(actor=agent, source=first, target=second)
    before = belongings()
    outer = actions.merge(actor=agent, source=second, target=third)
    again(first, second)
    assert (first.merged_into, second.merged_into) == (third, third)
    with pytest.raises(WrongState, match=second.number):
        actions.unmerge(actor=agent, merge=inner)
    actions.unmerge(actor=agent, merge=outer)
    assert belongings() == before
    actions.unmerge(actor=agent, merge=inner)
    again(first)
    assert first.merged_into is None


def test_a_merge_into_a_merged_ticket_goes_where_that_went(queue, agent, pair):
    first, second = pair
    third = f.make_ticket(queue, customer=first.customer)
    actions.merge(actor=agent, source=first, target=second)
    journal = actions.merge(actor=agent, source=third, target=first)
    assert journal.target == second


def test_after_thirty_days_a_merge_stays(agent, pair):
    journal = actions.merge(actor=agent, source=pair[0], target=pair[1])
    with (
        time_machine.travel(actions.reversible_until(journal) + timedelta(minutes=1)),
        pytest.raises(WrongState),
    ):
        actions.unmerge(actor=agent, merge=journal)
    with time_machine.travel(actions.reversible_until(journal) - timedelta(minutes=1)):
        actions.unmerge(actor=agent, merge=journal)


# --- links ---------------------------------------------------------------------------------------


def test_links_become_neither_double_nor_loops(queue, agent, pair):
    source, target = pair
    other = f.make_ticket(queue, customer=source.customer)
    actions.link(actor=agent, source=source, target=target, kind="duplicate")
    actions.link(actor=agent, source=source, target=other, kind="related")
    actions.link(actor=agent, source=other, target=target, kind="related")
    actions.link(actor=agent, source=source, target=other, kind="parent")
    before = belongings()
    journal = actions.merge(actor=agent, source=source, target=target)
    links = set(TicketLink.objects.values_list("source_id", "target_id", "kind"))
    assert links == {(other.pk, target.pk, "related"), (target.pk, other.pk, "parent")}
    actions.unmerge(actor=agent, merge=journal)
    assert belongings()["links"] == before["links"]


# --- mail ----------------------------------------------------------------------------------------


def test_what_waits_in_the_outbox_still_goes_out(agent, pair):
    source, target = pair
    actions.answer(actor=agent, ticket=source, draft=mail("On its way"))
    row = OutboundMail.objects.get()
    actions.merge(actor=agent, source=source, target=target)
    row.refresh_from_db()
    assert (row.state, row.ticket) == (OutboundMail.State.QUEUED, target)


def test_an_answer_taken_back_after_the_merge_leaves_the_target_alone(agent, pair):
    source, target = pair
    answer = actions.answer(
        actor=agent, ticket=source, draft=mail("Oh"), state=f.state(StateType.CLOSED)
    )
    actions.merge(actor=agent, source=source, target=target)
    again(target)
    state = target.state
    actions.take_back(actor=agent, ticket=target, article=answer)
    again(target)
    assert target.state == state


# --- many ----------------------------------------------------------------------------------------


def test_many_are_merged_into_the_oldest(queue, agent):
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    rows = [f.make_ticket(queue, customer=person) for _n in range(4)]
    done = actions.merge_all(actor=agent, tickets=reversed(rows))
    assert {one.target for one in done} == {rows[0]}
    assert {one.source for one in done} == set(rows[1:])
    assert rows[0].articles.count() == 4
    assert actions.merge_all(actor=agent, tickets=rows) == []


def test_many_are_merged_all_or_none(queue, agent, strangers):
    same = f.make_ticket(queue, customer=strangers[0].customer)
    with pytest.raises(InvalidInput):
        actions.merge_all(actor=agent, tickets=[*strangers, same], target=strangers[0])
    assert not Merge.objects.exists()
    done = actions.merge_all(
        actor=agent, tickets=[*strangers, same], target=strangers[1], visible=False
    )
    assert len(done) == 2


def test_merging_takes_a_fixed_number_of_queries(queue, agent, django_assert_max_num_queries):
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    source, target = (f.make_ticket(queue, customer=person) for _n in range(2))
    for n in range(40):
        actions.receive_message(actor=SYSTEM, ticket=source, draft=mail(f"No. {n}"))
    with django_assert_max_num_queries(80):
        actions.merge(actor=agent, source=source, target=target)
