"""What a policy promises, what a change of it touches, and the order to apply it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk import actions
from helpdesk.actions import Origin
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Hold,
    Merge,
    Queue,
    RetentionSettings,
    TermsChange,
    Ticket,
    queue_map,
)
from helpdesk.permissions import SYSTEM
from helpdesk.privacy import applying, policy
from helpdesk.privacy.policy import Form
from helpdesk.rules.terms import Objection, Terms, shortened
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def queue():
    return f.QueueFactory(retention_days=730)


def closed(queue: Queue, days: int = 730, *, ago: int = 0, **options) -> Ticket:
    """Make a ticket that was closed so many days ago and is kept so long."""
    origin = Origin(form_key=options.pop("form", None))
    terms = Terms(retention_days=days, **options.pop("terms", {}))
    with time_machine.travel(NOW - timedelta(days=ago), tick=False):
        return f.make_ticket(
            queue,
            state=f.state(StateType.CLOSED),
            contact="",
            origin=origin,
            terms=terms,
            **options,
        )


def of(queue: Queue, *forms: Form, **changes) -> list[policy.Promised]:
    """Return what changes if `queue` is changed."""
    queues = queue_map()
    for name, value in changes.items():
        setattr(queues[queue.pk], name, value)
    return policy.changed(policy.promises(forms), policy.promises(forms, queues=queues))


def finish() -> int:
    rounds = 1
    while applying.apply_orders():
        rounds += 1
    return rounds


# --- what is promised ----------------------------------------------------------------------------------


def test_a_change_reaches_the_queues_and_forms_that_leave_it_open(queue):
    heir = f.QueueFactory(parent=queue)
    f.QueueFactory(parent=queue, retention_days=90)
    f.QueueFactory()
    says_itself = Form(uuid4(), heir.pk, {"de": {"retention_days": 10}})
    inherits = Form(uuid4(), heir.pk, {"de": {}, "en": {}})
    found = of(queue, says_itself, inherits, retention_days=365)
    assert {one.key for one in found} == {
        (queue.pk, None),
        (heir.pk, None),
        (None, inherits.key),
    }
    assert {terms.retention_days for one in found for terms in one.terms.values()} == {365}


def test_other_words_are_no_other_policy(queue):
    assert of(queue, legal_basis_de="§ 5", storage_purpose_en="Proof") == []


def test_the_settings_hold_where_no_queue_says_anything(queue):
    lonely = f.QueueFactory()
    after = policy.promises((), settings=RetentionSettings(retention_days=30))
    found = policy.changed(policy.promises(()), after)
    assert [one.key for one in found] == [(lonely.pk, None)]


def test_an_order_keeps_what_was_promised(queue):
    form = Form(uuid4(), queue.pk, {"de": {"attachment_days": 9, "at_end": "anonymise"}})
    for one in policy.promises([form]):
        back = policy.Promised.from_json(one.to_json())
        assert back.key == one.key
        assert [t.attachment_days for t in back.variants()] == [
            t.attachment_days for t in one.variants()
        ]


# --- figures -------------------------------------------------------------------------------------------


def test_figures_say_how_the_requests_stand_to_the_promise(queue):
    closed(queue, 730)
    closed(queue, 730, ago=400)
    held = closed(queue, 730, ago=400)
    Hold.objects.create(
        ticket=held, reason="x", until=timezone.localdate() + timedelta(days=9999), placed_at=NOW
    )
    closed(queue, 30)
    closed(queue, 365)
    objection = Objection(at=NOW, wording="x", channel="web", days=14)
    closed(queue, 730, ago=400, terms={"objection": objection})
    closed(f.QueueFactory(), 9000, ago=8000)
    found = policy.figures(of(queue, retention_days=365), (), now=NOW)
    assert (found.total, found.longer, found.kept, found.others) == (6, 4, 1, 5)
    assert (found.due, found.held, found.objected) == (1, 1, 1)
    assert found.by_key[queue.pk, None].longer == 4


@pytest.mark.parametrize(("ago", "due"), [(364, 0), (365, 1), (366, 1)])
def test_due_is_what_the_coming_night_erases(queue, ago, due):
    ticket = closed(queue, 730, ago=ago)
    targets = of(queue, retention_days=365)
    assert policy.figures(targets, (), now=NOW).due == due
    actions.shorten_terms(
        tickets=[ticket.pk], promised=lambda row: targets[0].for_language(row.language)
    )
    ticket.refresh_from_db()
    assert (ticket.erase_at <= NOW + timedelta(hours=20)) == bool(due)


def test_a_request_from_a_form_goes_by_the_form_wherever_it_is_moved(queue):
    other = f.QueueFactory(retention_days=5)
    form = Form(uuid4(), queue.pk, {"de": {}})
    ticket = closed(queue, form=form.key)
    actions.move(actor=SYSTEM, ticket=ticket, queue=other)
    ticket.refresh_from_db()
    assert ticket.retention_days == 730
    targets = policy.promises([form])
    by_key = policy.figures(targets, {form.key}).by_key
    assert (by_key[None, form.key].total, by_key[other.pk, None].total) == (1, 0)
    assert by_key[None, form.key].longer == 0


def test_a_request_of_a_form_that_is_gone_goes_by_its_queue(queue):
    closed(queue, form=uuid4())
    assert policy.figures(of(queue, retention_days=9), ()).longer == 1


def test_each_language_of_a_form_is_held_to_what_it_says(queue):
    form = Form(uuid4(), queue.pk, {"de": {"retention_days": 10}, "en": {"retention_days": 90}})
    closed(queue, 90, form=form.key, language="en")
    closed(queue, 90, form=form.key, language="de")
    targets = [one for one in policy.promises([form]) if one.form]
    assert policy.figures(targets, {form.key}).longer == 1
    policy.order(user=None, targets=targets, forms={form.key})
    finish()
    days = Ticket.objects.order_by("pk").values_list("retention_days", flat=True)
    assert list(days) == [90, 10]


def test_a_merged_request_is_counted_with_the_other(queue):
    source, target = (f.make_ticket(queue, contact="") for _n in range(2))
    actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    assert policy.figures(of(queue, retention_days=9), ()).total == 1


def test_questions_do_not_grow_with_queues_and_requests(queue):
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            policy.figures(policy.promises(forms), {form.key for form in forms}, now=NOW)
        assert not [one for one in queries if "answers" in one["sql"] or '"subject"' in one["sql"]]
        return len(queries)

    forms: list[Form] = []
    closed(queue, 9000)
    few = asked()
    for number in range(5):
        child = f.QueueFactory(parent=queue, retention_days=number + 1)
        forms.append(Form(uuid4(), child.pk, {"de": {"retention_days": number}}))
        closed(child, 9000, form=forms[-1].key)
        closed(child, 9000)
    assert asked() == few


some_days = st.integers(0, 4)
some_terms = st.builds(
    Terms,
    retention_days=some_days,
    attachment_days=st.none() | some_days,
    personal_days=st.none() | some_days,
    at_end=st.sampled_from(["erase", "anonymise"]),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=some_terms, promised=some_terms)
def test_the_database_finds_what_the_rule_shortens(db, given, promised):
    queue = Queue.objects.first() or f.QueueFactory()
    Ticket.objects.filter(queue=queue).update(anonymised_at=NOW)
    f.make_ticket(queue, contact="", terms=given)
    found = policy.longer([policy.Promised({"de": promised}, queue=queue.pk)], ())
    assert found.exists() == (shortened(given, promised) is not None)


# --- applying ------------------------------------------------------------------------------------------


def test_an_order_is_carried_out_in_batches_and_written_down(queue, monkeypatch):
    monkeypatch.setattr(applying, "BATCH", 2)
    for _n in range(5):
        closed(queue, 730)
    short = closed(queue, 30)
    targets = of(queue, retention_days=365)
    user = f.UserFactory()
    order = policy.order(user=user, targets=targets, forms=(), queue=queue)
    assert order.total == 5
    assert applying.apply_orders()
    order.refresh_from_db()
    assert (order.done, order.finished_at) == (2, None)
    finish()
    order.refresh_from_db()
    assert (order.done, order.finished_at is None) == (5, False)
    assert Ticket.objects.filter(retention_days=365).count() == 5
    short.refresh_from_db()
    assert short.retention_days == 30
    line = AuditEntry.objects.get(kind=AuditKind.TERMS_SHORTENED)
    assert (line.user_id, line.queue_id) == (user.pk, queue.pk)
    assert line.data["tickets"] == 5
    assert not applying.apply_orders()


def test_after_a_death_it_goes_on_behind_the_last_batch(queue, monkeypatch):
    monkeypatch.setattr(applying, "BATCH", 2)
    tickets = [closed(queue, 730) for _n in range(5)]
    policy.order(user=None, targets=of(queue, retention_days=365), forms=())
    applying.apply_orders()
    real = actions.shorten_terms

    def dies(**options):
        real(**options)
        raise RuntimeError

    monkeypatch.setattr(actions, "shorten_terms", dies)
    with pytest.raises(RuntimeError):
        applying.apply_orders()
    monkeypatch.setattr(actions, "shorten_terms", real)
    assert TermsChange.objects.get().done == 2
    finish()
    assert TermsChange.objects.get().done == 5
    assert all(row.events.filter(kind="terms.applied").count() == 1 for row in tickets)


def test_a_policy_that_is_changed_meanwhile_changes_nothing_in_the_order(queue):
    ticket = closed(queue, 730)
    policy.order(user=None, targets=of(queue, retention_days=365), forms=())
    Queue.objects.filter(pk=queue.pk).update(retention_days=1)
    finish()
    ticket.refresh_from_db()
    assert ticket.retention_days == 365


# --- merged tickets ------------------------------------------------------------------------------


def merged(*days: int, queues: list[Queue]) -> tuple[list[Ticket], Merge]:
    """Return two tickets kept so long, in these queues, and the merge of the first into the second."""
    pair = [closed(queue, n) for queue, n in zip(queues, days, strict=True)]
    return pair, actions.merge(actor=SYSTEM, source=pair[0], target=pair[1], visible=False)


def kept(pair: list[Ticket]) -> list[tuple[int, int | None]]:
    for ticket in pair:
        ticket.refresh_from_db()
    return [(ticket.retention_days, ticket.attachment_days) for ticket in pair]


def ordered(queue: Queue, **changes) -> None:
    policy.order(user=None, targets=of(queue, **changes), forms=())


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_what_was_ordered_while_they_were_merged_holds_for_both_when_they_are_apart(
    queue, is_carried_out
):
    pair, merge = merged(730, 730, queues=[queue, queue])
    ordered(queue, retention_days=100)
    if is_carried_out:
        finish()
        assert kept(pair) == [(730, None), (100, None)]
    actions.unmerge(actor=SYSTEM, merge=merge)
    assert kept(pair) == [(100, None)] * 2
    for ticket in pair:
        assert "100" in ticket.retention_sentence
        assert ticket.events.filter(kind="terms.applied").count() == (
            1 if is_carried_out or ticket == pair[0] else 0
        )
        assert ticket.erase_at - ticket.closed_at < timedelta(days=102)
    finish()
    assert kept(pair) == [(100, None)] * 2


def test_each_gets_what_was_ordered_for_its_own_queue(queue):
    """The target went by the source's shorter promise: the order found nothing to shorten on it."""
    other = f.QueueFactory(retention_days=730)
    pair, merge = merged(30, 730, queues=[queue, other])
    ordered(other, retention_days=365, attachment_days=90)
    finish()
    assert kept(pair) == [(30, None), (30, None)]
    actions.unmerge(actor=SYSTEM, merge=merge)
    assert kept(pair) == [(30, None), (365, 90)]
    assert "90" in pair[1].retention_sentence


def test_what_was_ordered_before_or_for_another_queue_changes_nothing(queue):
    other = f.QueueFactory(retention_days=730)
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        ordered(queue, retention_days=5)
        finish()
    pair, merge = merged(730, 30, queues=[queue, queue])
    ordered(other, retention_days=7)
    finish()
    actions.unmerge(actor=SYSTEM, merge=merge)
    assert kept(pair) == [(730, None), (30, None)]


def test_terms_that_were_changed_otherwise_stay_when_they_are_apart(queue):
    pair, merge = merged(300, 730, queues=[queue, queue])
    pair[1].refresh_from_db()
    actions.apply_terms(actor=SYSTEM, ticket=pair[1], terms=Terms(500, retention_sentence="Agreed"))
    ordered(queue, retention_days=400)
    finish()
    actions.unmerge(actor=SYSTEM, merge=merge)
    assert kept(pair) == [(300, None), (400, None)]


def test_what_is_still_merged_keeps_its_promise_when_another_leaves(queue):
    pair, merge = merged(30, 730, queues=[queue, queue])
    third = closed(queue, 30)
    actions.merge(actor=SYSTEM, source=third, target=pair[1], visible=False)
    actions.unmerge(actor=SYSTEM, merge=merge)
    assert kept(pair) == [(30, None), (30, None)]
