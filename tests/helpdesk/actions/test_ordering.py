"""Orders of queues: placed, changed, planned, approved and refused by verbs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from helpdesk import actions, permissions, persons
from helpdesk.actions import Standing, Wanted
from helpdesk.actions.order_checks import Checked, look_up
from helpdesk.errors import (
    AddressTaken,
    Conflict,
    InvalidInput,
    NotPermitted,
    WrongState,
)
from helpdesk.mail import ingest, ledger
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    EventKind,
    InboundMail,
    MailAccount,
    OrderSettings,
    OutboundMail,
    Queue,
    QueueAddress,
    QueueOrder,
    QueueRight,
    Right,
    Team,
    Ticket,
)
from helpdesk.permissions import SYSTEM
from helpdesk.rules.ordering import AgentRow
from helpdesk.states import StateType
from portal.models import IntakeFormPage, NameFrom, QueuePage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db
User = get_user_model()

ADA = AgentRow("Ada", "Byron", "ada.byron@uni.example", "adbyr100")
BEN = AgentRow("Ben", "Berg", "ben.berg@uni.example", "beber101")
WANTED = Wanted(
    address="pruefung@desk.example",
    name="Prüfungsamt",
    purpose="Fragen zu Prüfungen.",
    department="Philosophische Fakultät",
    hours="Mo–Fr 9–12 Uhr",
    agents=(ADA, BEN),
)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def inbox():
    """The queue of orders."""
    queue = f.QueueFactory(name="Orders", slug="orders")
    OrderSettings(domains="desk.example", queue=queue).save()
    return queue


def ordered(queue, wanted=WANTED, **options):
    ticket = f.make_ticket(queue, subject="A queue, please", **options)
    actions.place_order(actor=SYSTEM, ticket=ticket, wanted=wanted)
    return Ticket.objects.get(pk=ticket.pk)


@pytest.fixture
def ticket(inbox):
    return ordered(inbox)


@pytest.fixture
def root(inbox):
    return permissions.agent(f.UserFactory(username="root", is_superuser=True))


def order_of(ticket):
    return QueueOrder.objects.get(ticket=ticket)


def stops(ticket, actor):
    return [step.words for step in actions.in_the_way(actions.plan_of(order_of(ticket), actor))]


def made():
    """Everything that approving may make."""
    rows = (
        Queue,
        QueueAddress,
        QueueRight,
        Group,
        Team,
        User,
        MailAccount,
        QueuePage,
        IntakeFormPage,
    )
    return {model.__name__: model.objects.count() for model in rows}


def mail_to(address: str, sender: str = "student@mail.example") -> bytes:
    return (
        f"From: Stud Ent <{sender}>\r\nTo: {address}\r\nSubject: When is the exam?\r\n"
        "Message-ID: <first@mail.example>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0100\r\n\r\nTell me.\r\n"
    ).encode()


# --- placing -------------------------------------------------------------------------------------


def test_an_order_is_placed_once_and_leaves_an_event(inbox):
    ticket = ordered(inbox)
    order = order_of(ticket)
    assert (order.address, order.name, order.group_name) == ("pruefung@desk.example", "Prüfungsamt", "Prüfungsamt")  # fmt: skip
    assert [row["login_name"] for row in order.agents] == ["adbyr100", "beber101"]
    again = actions.place_order(
        actor=SYSTEM, ticket=ticket, wanted=replace(WANTED, address="other@desk.example")
    )
    assert (again.pk, again.address) == (order.pk, order.address)
    assert ticket.events.filter(kind=EventKind.ORDER_PLACED).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "x@desk.example.evil.org"}, "address"),
        ({"address": "x@sub.desk.example"}, "address"),
        ({"address": "postmaster@desk.example"}, "address"),
        ({"agents": ()}, "agents"),
        ({"agents": (ADA, replace(BEN, login_name="ADBYR100"))}, "agents"),
        ({"agents": (replace(ADA, login_name="??"),)}, "agents"),
        ({"agents": (replace(ADA, email="pruefung@desk.example"),)}, "agents"),
    ],
)
def test_what_cannot_be_ordered_is_refused(inbox, changes, field):
    ticket = f.make_ticket(inbox)
    with pytest.raises(InvalidInput) as error:
        actions.place_order(actor=SYSTEM, ticket=ticket, wanted=replace(WANTED, **changes))
    assert error.value.field == field
    assert not QueueOrder.objects.exists()


def test_an_address_is_free_neither_for_queues_nor_orders_nor_people(inbox):
    other = f.make_ticket(inbox)
    f.QueueAddressFactory(queue=inbox, address="Pruefung@Desk.example")
    with pytest.raises(AddressTaken):
        actions.place_order(actor=SYSTEM, ticket=other, wanted=WANTED)
    QueueAddress.objects.all().delete()
    f.UserFactory(email="pruefung@desk.example")
    with pytest.raises(AddressTaken):
        actions.place_order(actor=SYSTEM, ticket=other, wanted=WANTED)
    User.objects.filter(email="pruefung@desk.example").delete()
    first = ordered(inbox)
    with pytest.raises(AddressTaken):
        actions.place_order(actor=SYSTEM, ticket=other, wanted=WANTED)
    QueueOrder.objects.filter(ticket=first).update(state="refused")
    assert actions.place_order(actor=SYSTEM, ticket=other, wanted=WANTED).is_open


def note_of_address(ticket, actor):
    plan = actions.plan_of(order_of(ticket), actor)
    return next(step.note for step in plan if step.part == "address")


def test_a_shared_mailbox_that_wrote_before_can_be_ordered(inbox, root):
    """It wrote by mail once, as any mailbox may: nobody knows whether it is a person's."""
    shared = f.CustomerAddressFactory(address="pruefung@desk.example").customer
    f.make_ticket(customer=shared, contact="pruefung@desk.example")
    ticket = ordered(inbox)
    assert "1 request stays theirs" in note_of_address(ticket, root)
    order = actions.approve_order(actor=root, ticket=ticket)
    assert order.queue.main_address() == "pruefung@desk.example"
    row = ledger.accept(mail_to("pruefung@desk.example"), source="test", key="first")
    assert ingest.process(row.pk).ticket.queue == order.queue
    assert shared.tickets.count() == 1


@pytest.mark.parametrize("verified_at", [None, timezone.now()])
def test_a_mailbox_can_order_itself(inbox, root, verified_at):
    row = f.CustomerAddressFactory(address="pruefung@desk.example", verified_at=verified_at)
    ticket = ordered(inbox, customer=row.customer, contact="pruefung@desk.example")
    assert stops(ticket, root) == []
    assert "1 request stays theirs" in note_of_address(ticket, root)
    order = actions.approve_order(actor=root, ticket=ticket)
    assert order.queue.main_address() == "pruefung@desk.example"
    # who reads the mailbox until now is told there
    assert OutboundMail.objects.get(ticket=ticket).to[0][1] == "pruefung@desk.example"
    row = ledger.accept(mail_to("pruefung@desk.example"), source="test", key="first")
    assert ingest.process(row.pk).ticket.queue == order.queue


def test_nobody_orders_the_address_of_an_account_not_even_its_owner(inbox):
    user = f.UserFactory(email="pruefung@desk.example")
    ticket = f.make_ticket(inbox, customer=actions.customer_for_user(user))
    with pytest.raises(AddressTaken) as error:
        actions.place_order(actor=SYSTEM, ticket=ticket, wanted=WANTED)
    assert error.value.field == "address"


def test_a_test_of_a_form_orders_nothing(inbox):
    ticket = f.make_ticket(inbox)
    Ticket.objects.filter(pk=ticket.pk).update(is_test=True)
    with pytest.raises(WrongState):
        actions.place_order(actor=SYSTEM, ticket=ticket, wanted=WANTED)
    assert not QueueOrder.objects.exists()


def test_without_domains_nothing_can_be_ordered(inbox):
    OrderSettings().save()
    with pytest.raises(InvalidInput, match="no domain is set"):
        actions.place_order(actor=SYSTEM, ticket=f.make_ticket(inbox), wanted=WANTED)


# --- approving -----------------------------------------------------------------------------------


def test_approval_makes_everything_and_tells_the_orderer(inbox, ticket, root):
    tree = p.make_site()
    settings = OrderSettings.current()
    settings.page, settings.mail_server = tree.services.page_ptr, "imap.desk.example"
    settings.save()
    QueueOrder.objects.update(page=tree.services.page_ptr)
    order = actions.approve_order(actor=root, ticket=ticket, version=1)
    queue = Queue.objects.get(name="Prüfungsamt")
    assert (order.state, order.queue, order.decided_by) == ("approved", queue, root.user)
    assert (queue.slug, queue.purpose) == ("prufungsamt", "Fragen zu Prüfungen.")
    assert queue.main_address() == "pruefung@desk.example"
    mailbox = queue.mail_accounts.get().mailbox
    assert (mailbox.active, mailbox.uri) == (
        False,
        "imap+ssl://pruefung%40desk.example@imap.desk.example/",
    )
    group = Group.objects.get(name="Prüfungsamt")
    rights = set(
        QueueRight.objects.filter(group=group, queue=queue).values_list("right", flat=True)
    )
    assert rights == set(Right.values) - {"manage", "administer"}
    ada = User.objects.get(username="adbyr100")
    assert (ada.get_full_name(), ada.email, ada.has_usable_password()) == (
        "Ada Byron",
        ADA.email,
        False,
    )
    assert set(group.user_set.values_list("username", flat=True)) == {"adbyr100", "beber101"}
    assert ada.has_perm("wagtailadmin.access_admin")
    pages = QueuePage.objects.filter(queue=queue)
    assert [(page.live, page.hours) for page in pages] == [(False, WANTED.hours)]
    form = IntakeFormPage.objects.get(queue=queue)
    assert (form.live, len(form.fields), form.get_parent().pk) == (False, 3, pages[0].pk)
    mail = OutboundMail.objects.get(ticket=ticket)
    assert mail.kind == "answer"
    for word in ("pruefung@desk.example", "adbyr100", "http://testserver/admin/"):
        assert word in mail.body
    assert ticket.events.filter(kind=EventKind.ORDER_APPROVED, user=root.user).count() == 1
    assert AuditEntry.objects.filter(kind=AuditKind.ORDER_APPROVED, queue_id=queue.pk).count() == 1
    assert AuditEntry.objects.filter(kind=AuditKind.RIGHT_GRANTED, queue_id=queue.pk).count() == 7


def test_the_first_mail_to_the_new_address_is_a_ticket_of_its_queue(ticket, root):
    order = actions.approve_order(actor=root, ticket=ticket)
    row = ledger.accept(mail_to("pruefung@desk.example"), source="test", key="first")
    row = ingest.process(row.pk)
    assert row.state == InboundMail.State.FILED, row.reason
    assert row.ticket.queue == order.queue
    agent = permissions.agent(User.objects.get(username="adbyr100"))
    assert list(permissions.visible_tickets(agent)) == [row.ticket]


def test_approving_again_makes_nothing_twice_and_what_is_missing(inbox, ticket, root):
    tree = p.make_site()
    QueueOrder.objects.update(page=tree.services.page_ptr)
    actions.approve_order(actor=root, ticket=ticket, version=1)
    before = made()
    actions.approve_order(actor=root, ticket=ticket, version=1)
    assert made() == before
    assert OutboundMail.objects.filter(ticket=ticket).count() == 1
    QueueRight.objects.filter(right="own").delete()
    order_of(ticket).queue.addresses.all().delete()
    actions.approve_order(actor=root, ticket=ticket)
    assert made() == before


def test_approving_again_brings_nobody_back_who_was_taken_out(ticket, root):
    group = actions.approve_order(actor=root, ticket=ticket).group
    User.objects.get(username="adbyr100").groups.clear()
    User.objects.filter(username="beber101").delete()
    words = [step.words for step in actions.plan_of(order_of(ticket), root) if step.part == "agent"]
    assert all("does not belong to the team any more" in one for one in words)
    actions.approve_order(actor=root, ticket=ticket)
    assert not group.user_set.exists()
    assert not User.objects.filter(username="beber101").exists()
    # who is switched off since is in nobody's way
    User.objects.filter(username="adbyr100").update(is_active=False)
    assert stops(ticket, root) == []
    group.delete()
    # a team made anew gets its people anew
    assert "not active" in stops(ticket, root)[0]
    User.objects.filter(username="adbyr100").update(is_active=True)
    group = actions.approve_order(actor=root, ticket=ticket).group
    assert set(group.user_set.values_list("username", flat=True)) == {"adbyr100", "beber101"}


def test_a_fault_in_the_middle_leaves_nothing_and_the_next_try_completes(ticket, root, monkeypatch):
    before = made()
    calls = []

    def broken(*args, **kwargs):
        calls.append(1)
        raise OSError("the power went")

    from helpdesk.actions import approving

    for place in (
        "_address",
        "_account",
        "_team",
        "change_rights",
        "_member",
        "site_side",
        "answer",
    ):
        if place == "site_side":
            continue
        with monkeypatch.context() as patch:
            patch.setattr(approving, place, broken)
            with pytest.raises(OSError, match="power"):
                actions.approve_order(actor=root, ticket=ticket)
        assert made() == before, place
        assert order_of(ticket).is_open
    assert len(calls) == 6
    actions.approve_order(actor=root, ticket=ticket)
    assert made()["Queue"] == before["Queue"] + 1


def test_an_account_that_is_there_joins_and_is_not_changed(ticket, root):
    ada = f.UserFactory(
        username="ADBYR100", first_name="Augusta", last_name="King", email="a@b.example"
    )
    plan = actions.plan_of(order_of(ticket), root)
    step = next(step for step in plan if step.part == "agent")
    assert step.standing == Standing.THERE
    assert "Augusta King" in step.note
    actions.approve_order(actor=root, ticket=ticket)
    ada.refresh_from_db()
    assert (ada.first_name, ada.email) == ("Augusta", "a@b.example")
    assert ada.groups.get().name == "Prüfungsamt"
    assert User.objects.filter(username__iexact="adbyr100").count() == 1


def test_an_account_somebody_chose_the_name_of_joins_only_with_the_same_address(ticket, root):
    ada = f.UserFactory(username="adbyr100", email="mallory@evil.example", name_from=NameFrom.SELF)
    assert "made by somebody who chose this name" in stops(ticket, root)[0]
    with pytest.raises(InvalidInput):
        actions.approve_order(actor=root, ticket=ticket)
    User.objects.filter(pk=ada.pk).update(email=ADA.email)
    assert stops(ticket, root) == []


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda: f.QueueFactory(name="prüfungsamt"), "There is a queue"),
        (lambda: f.QueueAddressFactory(address="pruefung@desk.example"), "leads into a queue"),
        (lambda: f.CustomerAddressFactory(address="pruefung@desk.example", verified_at=timezone.now()), "belongs to a person"),
        (lambda: f.CustomerAddressFactory(address="pruefung@desk.example", customer__user=f.UserFactory()), "belongs to a person"),
        (lambda: f.UserFactory(username="beber101", is_active=False), "not active"),
        (lambda: f.QueueAddressFactory(address=ADA.email), "address of a queue"),
        (lambda: Group.objects.get(name="Editors").__class__.objects.filter(name="Editors").update(name="Prüfungsamt"), "There is a group"),
    ],
)  # fmt: skip
def test_what_is_in_the_way_is_said_and_stops(ticket, root, prepare, words):
    prepare()
    assert any(words in one for one in stops(ticket, root))
    before = made()
    with pytest.raises(InvalidInput, match=words):
        actions.approve_order(actor=root, ticket=ticket)
    assert made() == before


def test_a_change_since_it_was_seen_stops_the_decision(ticket, root):
    actions.change_order(actor=root, ticket=ticket, values={"name": "Prüfungen"}, version=1)
    for verb in (actions.approve_order, lambda **kw: actions.refuse_order(reason="x", **kw)):
        with pytest.raises(Conflict):
            verb(actor=root, ticket=ticket, version=1)
    assert actions.approve_order(actor=root, ticket=ticket, version=2).queue.name == "Prüfungen"
    with pytest.raises(WrongState):
        actions.change_order(actor=root, ticket=ticket, values={"name": "x"})


# --- the team ------------------------------------------------------------------------------------


def test_an_order_named_like_a_team_makes_one_of_its_own(inbox, root):
    """Whoever orders types the name: it lets nobody into a team that is there."""
    other = f.QueueFactory(name="Staff council")
    team = f.make_team(other, name="IT-Support")
    ticket = ordered(inbox, replace(WANTED, name="it-support"))
    assert order_of(ticket).group_name == "it-support (2)"
    actions.approve_order(actor=root, ticket=ticket)
    ada = permissions.agent(User.objects.get(username="adbyr100"))
    assert not team.user_set.exists()
    assert not permissions.can(ada, Right.READ, other)
    assert order_of(ticket).group.name == "it-support (2)"


def test_a_name_changed_by_the_administrator_leads_into_no_team(inbox, root):
    """The queue's name was in the way; the team's, left as it was, would have let them in."""
    other = f.QueueFactory(name="Counselling", is_confidential=True)
    f.make_team(other, name="Counselling")
    ticket = ordered(inbox, replace(WANTED, name="Counselling"))
    QueueOrder.objects.update(group_name="Counselling")  # as it was stored before
    assert any("There is a group “Counselling” already" in one for one in stops(ticket, root))
    actions.change_order(actor=root, ticket=ticket, values={"name": "Chemistry help"})
    assert (order_of(ticket).group_name, stops(ticket, root)) == ("Chemistry help", [])
    actions.approve_order(actor=root, ticket=ticket)
    secret = f.make_ticket(other)
    ada = permissions.agent(User.objects.get(username="adbyr100"))
    assert not permissions.visible_tickets(ada).filter(pk=secret.pk).exists()
    # one of its name alone, made since, is no way in either
    late = ordered(inbox, replace(WANTED, name="Late", address="late@desk.example"))
    f.make_team(other, name="LATE")
    assert any("There is a group “LATE” already" in one for one in stops(late, root))


@pytest.mark.parametrize(
    ("values", "team"),
    [
        ({"name": "Exams"}, "Exams"),
        ({"name": "Exams", "group_name": "Prüfungsamt"}, "Exams"),  # as the form sends it
        ({"name": "Exams", "group_name": "Team of mine"}, "Team of mine"),
        ({"purpose": "Else."}, "Prüfungsamt"),
    ],
)
def test_the_teams_name_goes_along_with_the_queues_while_they_are_the_same(
    ticket, root, values, team
):
    actions.change_order(actor=root, ticket=ticket, values=values)
    assert order_of(ticket).group_name == team


def test_a_team_of_its_own_name_stays_when_the_queue_is_renamed(ticket, root):
    actions.change_order(actor=root, ticket=ticket, values={"group_name": "Team of mine"})
    actions.change_order(actor=root, ticket=ticket, values={"name": "Exams"})
    assert order_of(ticket).group_name == "Team of mine"


def test_a_team_that_is_there_takes_on_the_queue_if_somebody_chose_it(ticket, root):
    other = f.QueueFactory(name="Examinations before")
    team = f.make_team(other, name="Examiners")
    actions.change_order(actor=root, ticket=ticket, values={"chosen_team": team})
    step = next(one for one in actions.plan_of(order_of(ticket), root) if one.part == "team")
    assert step.standing == Standing.THERE
    assert "Examinations before" in step.note
    order = actions.approve_order(actor=root, ticket=ticket)
    assert (order.group, team.user_set.count()) == (team, 2)
    actions.approve_order(actor=root, ticket=ticket)
    assert not Group.objects.filter(name="Prüfungsamt").exists()


@pytest.mark.parametrize("is_above", [False, True])
def test_no_team_with_rights_in_a_confidential_queue_can_be_chosen(ticket, root, is_above):
    above = f.QueueFactory(name="Counselling", is_confidential=not is_above)
    below = f.QueueFactory(name="Counselling of staff", parent=above, is_confidential=is_above)
    team = f.make_team(above if is_above else below, name="Counsellors")
    assert team not in actions.choosable_teams(root)
    with pytest.raises(InvalidInput) as error:
        actions.change_order(actor=root, ticket=ticket, values={"chosen_team": team})
    assert error.value.field == "chosen_team"
    QueueOrder.objects.update(chosen_team=team)  # it was given the right after it was chosen
    assert any("works in a confidential queue" in one for one in stops(ticket, root))
    with pytest.raises(InvalidInput, match="confidential"):
        actions.approve_order(actor=root, ticket=ticket)
    assert not team.user_set.exists()


def test_nobody_chooses_a_team_that_they_do_not_look_after(ticket, inbox):
    arts = f.make_department("Arts")
    QueueOrder.objects.update(parent=arts.queue)
    actor, team = lead(arts.queue), f.make_team(f.QueueFactory(), name="Others")
    for foreign in (team, Group.objects.get(name="Editors")):
        assert foreign not in actions.choosable_teams(actor)
        with pytest.raises(InvalidInput):
            actions.change_order(actor=actor, ticket=ticket, values={"chosen_team": foreign})
    QueueOrder.objects.update(chosen_team=team)  # a superuser chose it
    assert any("that you do not look after" in one for one in stops(ticket, actor))


# --- who may -------------------------------------------------------------------------------------


def lead(queue, **options):
    """Make somebody with all rights in a queue, and answering in the queue of orders."""
    user = f.make_agent(queue, **options)
    user.groups.add(f.make_team(Queue.objects.get(slug="orders"), rights=["answer", "note"]))
    return permissions.agent(user)


def test_who_administers_nothing_approves_and_refuses_nothing(ticket, inbox):
    agent = permissions.agent(f.make_agent(inbox, rights=set(Right.values) - {"administer"}))
    for verb in (actions.approve_order, lambda **kw: actions.refuse_order(reason="x", **kw)):
        with pytest.raises(NotPermitted):
            verb(actor=agent, ticket=ticket)
    assert order_of(ticket).is_open


def test_a_departments_administrator_stays_below_the_own_queue(ticket, inbox):
    arts = f.make_department("Arts")
    actor = lead(arts.queue)
    with pytest.raises(NotPermitted):  # at the top
        actions.approve_order(actor=actor, ticket=ticket)
    actions.change_order(actor=actor, ticket=ticket, values={"parent": inbox})
    with pytest.raises(NotPermitted):  # below a queue of others
        actions.approve_order(actor=actor, ticket=ticket)
    actions.change_order(actor=actor, ticket=ticket, values={"parent": arts.queue})
    assert stops(ticket, actor) == []
    order = actions.approve_order(actor=actor, ticket=ticket)
    assert order.queue.parent == arts.queue
    assert order.group.team.department == arts
    assert permissions.may_change_team(permissions.agent(actor.user), order.group)


def test_nobody_gives_a_right_that_they_lack(ticket):
    arts = f.make_department("Arts")
    actor = lead(arts.queue, rights=["administer", "read", "note"])
    QueueOrder.objects.update(parent=arts.queue)
    assert any("you lack them yourself" in one for one in stops(ticket, actor))
    with pytest.raises(InvalidInput):
        actions.approve_order(actor=actor, ticket=ticket)


def test_an_administrator_draws_nobody_in_who_works_for_others(ticket, inbox):
    arts = f.make_department("Arts")
    QueueOrder.objects.update(parent=arts.queue)
    f.make_agent(inbox, username="adbyr100", rights=["read"])
    f.UserFactory(username="beber101", is_superuser=True)
    found = " ".join(stops(ticket, lead(arts.queue)))
    assert "works for others" in found
    assert "looked after by the site" in found


def test_the_plan_asks_no_more_for_many_people(inbox, root):
    arts = f.make_department("Arts")
    actors, numbers = (root, lead(arts.queue)), {}
    for number in (2, 40):
        people = tuple(
            AgentRow("A", "B", f"a{at}@uni.example", f"aabbc{at:03}") for at in range(number)
        )
        for at in range(0, number, 2):
            f.UserFactory(username=f"aabbc{at:03}")
        ticket = ordered(inbox, replace(WANTED, agents=people))
        QueueOrder.objects.update(parent=arts.queue)
        for actor in actors:
            order = QueueOrder.objects.select_related("parent", "ticket__customer").get(
                ticket=ticket
            )
            actions.plan_of(order, actor)  # an actor remembers what they administer
            with CaptureQueriesContext(connection) as asked:
                plan = actions.plan_of(order, actor)
            assert len([step for step in plan if step.part == "agent"]) == number
            numbers.setdefault(actor.user.pk, set()).add(len(asked))
        User.objects.filter(username__startswith="aabbc").delete()
        QueueOrder.objects.all().delete()
    assert [len(found) for found in numbers.values()] == [1, 1], numbers


# --- refusing ------------------------------------------------------------------------------------


def test_a_refusal_needs_a_reason_and_tells_it(ticket, root):
    with pytest.raises(InvalidInput) as error:
        actions.refuse_order(actor=root, ticket=ticket, reason="  ")
    assert error.value.field == "reason"
    actions.refuse_order(actor=root, ticket=ticket, reason="There is such a queue.")
    ticket.refresh_from_db()
    assert (order_of(ticket).state, ticket.state.type) == ("refused", StateType.CLOSED)
    assert "There is such a queue." in OutboundMail.objects.get(ticket=ticket).body
    with pytest.raises(WrongState):
        actions.approve_order(actor=root, ticket=ticket)
    actions.change_order(actor=root, ticket=ticket, values={"address": "amt@desk.example"})
    ticket.refresh_from_db()
    assert order_of(ticket).is_open
    assert ticket.state.is_open


def test_the_answer_is_in_the_language_of_the_request(inbox, root):
    ticket = ordered(inbox, language="de")
    actions.refuse_order(actor=root, ticket=ticket, reason="Doppelt.")
    german = OutboundMail.objects.get(ticket=ticket).body
    with translation.override("de"):
        said = translation.gettext(
            "You can answer this message, or order again with other details."
        )
    assert said in german


# --- the directory -------------------------------------------------------------------------------

ASKED: list[str] = []


def directory(text):
    ASKED.append(text)
    if text == "down":
        raise persons.DirectoryDown
    return [persons.Person(login_name="adbyr100", name="Ada")] if text.startswith("ad") else []


@override_settings(HELPDESK={"PERSONS": f"{__name__}.directory"})
def test_the_directory_is_asked_about_each_and_no_more_once_it_is_down():
    ASKED.clear()
    rows = look_up([ADA, BEN, replace(BEN, login_name="down"), replace(BEN, login_name="other")])
    assert [row.check for row in rows] == [Checked.KNOWN, Checked.UNKNOWN, Checked.UNCHECKED, Checked.UNCHECKED]  # fmt: skip
    assert ASKED == ["adbyr100", "beber101", "down"]


def test_unknown_to_the_directory_stops_unless_there_is_an_account(inbox, root):
    unknown = replace(BEN, check="unknown")
    ticket = ordered(inbox, replace(WANTED, agents=(replace(ADA, check="unchecked"), unknown)))
    assert "The directory does not know “beber101”" in stops(ticket, root)[0]
    notes = [step.note for step in actions.plan_of(order_of(ticket), root) if step.part == "agent"]
    assert "Not checked" in notes[0]
    f.UserFactory(username="beber101")
    assert stops(ticket, root) == []
