from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload, saved_drafts
from helpdesk.errors import AlreadyDone, Conflict, InvalidInput, NotFound, NotPermitted
from helpdesk.models import Blob, Channel, Event, InformedQueue, Right, SavedDraft
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return f.make_ticket()


@pytest.fixture
def fink(ticket):
    return permissions.agent(f.make_agent(ticket.queue))


@pytest.fixture
def amsel(ticket):
    return permissions.agent(f.make_agent(ticket.queue))


def save(actor, ticket, text="Dear", mode="reply", **options):
    return saved_drafts.save_draft(
        actor=actor, ticket=ticket, mode=mode, fields={"body": text}, **options
    )


def seen_by(actor, ticket):
    return [row.fields["body"] for row in saved_drafts.drafts_on(actor, ticket)]


def test_a_draft_is_one_row_of_its_agent_ticket_and_form(ticket, fink, amsel):
    save(fink, ticket, "one")
    row = save(fink, ticket, "two", seen=7)
    save(fink, ticket, "aside", mode="note")
    save(amsel, ticket, "hers")
    assert SavedDraft.objects.count() == 3
    assert (row.fields, row.last_article, row.version) == ({"body": "two"}, 7, 2)
    assert seen_by(amsel, ticket) == ["hers"]


def test_a_draft_is_no_change_of_the_ticket(ticket, fink):
    events, version = Event.objects.count(), ticket.version
    save(fink, ticket)
    ticket.refresh_from_db()
    assert (Event.objects.count(), ticket.version) == (events, version)


def test_what_another_window_saved_is_not_overwritten_silently(ticket, fink):
    save(fink, ticket, "one", version=0)
    save(fink, ticket, "two", version=1)
    for stale in (0, 1):
        with pytest.raises(Conflict):
            save(fink, ticket, "lost", version=stale)
    assert seen_by(fink, ticket) == ["two"]
    save(fink, ticket, "mine all the same")
    assert seen_by(fink, ticket) == ["mine all the same"]


def test_a_draft_saved_late_does_not_outlive_its_message(ticket, fink):
    draft = Draft(body="Sent", channel=Channel.WEB, idempotency_key="once")
    actions.answer(actor=fink, ticket=ticket, draft=draft)
    with pytest.raises(AlreadyDone):
        save(fink, ticket, "Sent", key="once")
    assert not SavedDraft.objects.exists()


@pytest.mark.parametrize(
    ("rights", "modes"),
    [([Right.READ], []), ([Right.NOTE], ["note"]), ([Right.ANSWER], ["reply", "forward"])],
)
def test_each_kind_of_draft_needs_the_right_of_its_verb(ticket, rights, modes):
    actor = permissions.agent(f.make_agent(ticket.queue, rights=rights))
    for mode in saved_drafts.MODES:
        if mode in modes:
            save(actor, ticket, mode=mode)
        else:
            with pytest.raises(NotPermitted):
                save(actor, ticket, mode=mode)
    assert SavedDraft.objects.count() == len(modes)


def test_others_see_a_draft_only_when_it_is_shared_and_they_have_the_right(ticket, fink, amsel):
    save(fink, ticket, "secret", shared=True)
    reader = permissions.agent(f.make_agent(ticket.queue, rights=[Right.READ, Right.NOTE]))
    stranger = permissions.agent(f.make_agent(f.QueueFactory()))
    informed = f.QueueFactory()
    InformedQueue.objects.create(ticket=ticket, queue=informed, at=timezone.now())
    along = permissions.agent(f.make_agent(informed))
    assert seen_by(amsel, ticket) == ["secret"]
    for actor in (reader, stranger, along, permissions.customer(ticket.customer),
                  permissions.link_bearer(ticket), permissions.SYSTEM):  # fmt: skip
        assert seen_by(actor, ticket) == []
    save(fink, ticket, "secret")
    assert seen_by(amsel, ticket) == []


@pytest.mark.parametrize("who", ["customer", "link", "stranger", "along"])
def test_refused_are_all_who_do_not_work_on_the_ticket(ticket, fink, who):
    informed = f.QueueFactory()
    InformedQueue.objects.create(ticket=ticket, queue=informed, at=timezone.now())
    actor = {
        "customer": permissions.customer(ticket.customer),
        "link": permissions.link_bearer(ticket),
        "stranger": permissions.agent(f.make_agent(f.QueueFactory())),
        "along": permissions.agent(f.make_agent(informed)),
    }[who]
    row = save(fink, ticket, shared=True)
    with pytest.raises(NotPermitted):
        save(actor, ticket)
    with pytest.raises(NotPermitted):
        saved_drafts.take_over_draft(actor=actor, ticket=ticket, draft=row, version=row.version)
    if actor.kind == "customer":
        with pytest.raises(NotPermitted):
            saved_drafts.discard_draft(actor=actor, ticket=ticket, mode="reply")
    else:
        assert not saved_drafts.discard_draft(actor=actor, ticket=ticket, mode="reply")
    assert SavedDraft.objects.get().user == fink.user


def test_a_colleague_takes_a_shared_draft_over_as_it_was_shown(ticket, fink, amsel):
    row = save(fink, ticket, "begun", shared=True)
    save(fink, ticket, "begun and changed", shared=True)
    with pytest.raises(Conflict):
        saved_drafts.take_over_draft(actor=amsel, ticket=ticket, draft=row, version=row.version)
    row.refresh_from_db()
    saved_drafts.take_over_draft(actor=amsel, ticket=ticket, draft=row, version=row.version)
    row.refresh_from_db()
    assert (row.user, row.is_shared, row.version) == (amsel.user, True, 3)
    # who began it goes on with a draft of one's own: the colleague's is not touched
    save(fink, ticket, "mine", version=2)
    assert sorted(seen_by(amsel, ticket)) == ["begun and changed"]
    with pytest.raises(Conflict):
        save(fink, ticket, "mine", shared=True)


def test_two_texts_do_not_become_one(ticket, fink, amsel):
    row = save(fink, ticket, shared=True)
    save(amsel, ticket, "own")
    with pytest.raises(Conflict):
        saved_drafts.take_over_draft(actor=amsel, ticket=ticket, draft=row, version=row.version)


def test_an_unshared_draft_cannot_be_taken_over(ticket, fink, amsel):
    row = save(fink, ticket)
    with pytest.raises(NotFound):
        saved_drafts.take_over_draft(actor=amsel, ticket=ticket, draft=row, version=row.version)


def test_files_wait_with_the_draft_and_go_with_it(ticket, fink):
    row = save(fink, ticket, files=[Upload("plan.txt", b"the plan of this test", "text/plain")])
    blob = Blob.objects.get(draft_files__draft=row)
    assert row.files.get().name == "plan.txt"
    assert not blob.release()  # it is needed
    assert saved_drafts.discard_draft(actor=fink, ticket=ticket, mode="reply")
    assert not Blob.objects.filter(pk=blob.pk).exists()
    assert not SavedDraft.objects.exists()


def test_unknown_forms_and_endless_texts_are_refused(ticket, fink, monkeypatch):
    with pytest.raises(InvalidInput):
        save(fink, ticket, mode="poem")
    monkeypatch.setattr(saved_drafts, "LONGEST", 10)
    with pytest.raises(InvalidInput):
        save(fink, ticket, "0123456789")


def test_drafts_end_thirty_days_after_their_ticket(ticket, fink):
    save(fink, ticket)
    far = timezone.now() + timedelta(days=400)
    assert saved_drafts.tidy_drafts(now=far) == 0  # an open ticket's draft waits
    actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.CLOSED))
    assert saved_drafts.tidy_drafts(now=timezone.now() + timedelta(days=29)) == 0
    assert saved_drafts.tidy_drafts(now=timezone.now() + timedelta(days=31)) == 1
    assert not SavedDraft.objects.exists()
