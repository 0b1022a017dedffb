"""Orders of queues in the admin: panel, plan, decision, orders by mail, settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Wanted
from helpdesk.models import (
    Channel,
    MailAccount,
    OrderSettings,
    OutboundMail,
    Queue,
    QueueOrder,
    Right,
    Ticket,
)
from helpdesk.rules.ordering import AgentRow
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

ADA = AgentRow("Ada", "Byron", "ada@uni.example", "adbyr100")
WANTED = Wanted(address="amt@desk.example", name="Prüfungsamt", purpose="Exams.", agents=(ADA,))
MAIL = """Hello,

we would like a queue.

Desired address: exams@desk.example
Purpose: questions about exams

Ada Byron <ada@uni.example> adbyr100
Ben Berg; ben@uni.example; beber101

Best regards
Max
"""


@pytest.fixture
def inbox():
    queue = f.QueueFactory(name="Orders", slug="orders")
    OrderSettings(domains="desk.example", queue=queue, mail_server="imap.desk.example").save()
    return queue


@pytest.fixture
def ticket(inbox):
    ticket = f.make_ticket(inbox, subject="A queue, please", language="en")
    actions.place_order(actor=permissions.SYSTEM, ticket=ticket, wanted=WANTED)
    return ticket


def url(ticket, part="order/"):
    return f"/admin/helpdesk/tickets/{ticket.pk}/{part}"


def sheet(**changes):
    data = {
        "do": "save",
        "version": "1",
        "address": "amt@desk.example",
        "name": "Exams",
        "purpose": "Exams.",
        "department": "Arts",
        "hours": "",
        "group_name": "Exam team",
        "parent": "",
        "calendar": "",
        "promise": "",
        "page": "",
        "more": "",
        "agents-TOTAL_FORMS": "1",
        "agents-INITIAL_FORMS": "1",
        "agents-0-first_name": "Ada",
        "agents-0-last_name": "Byron",
        "agents-0-email": "ada@uni.example",
        "agents-0-login_name": "adbyr100",
    }
    return {**data, **changes}


def test_the_ticket_shows_the_plan_and_the_way_to_decide(ticket, admin):
    html = admin.get(url(ticket, "")).content.decode()
    for text in (
        "Order of a queue",
        "amt@desk.example",
        "What approving will do",
        "Check and decide",
    ):
        assert text in html
    html = admin.get(url(ticket)).content.decode()
    assert 'value="approve"' in html
    assert 'value="refuse"' in html


def test_changed_approved_and_left_to_do(ticket, admin):
    answer = admin.post(url(ticket), sheet(more="Ben; Berg; ben@uni.example; beber101"))
    assert answer.status_code == 302, answer.context["sheet"].facts.errors
    order = QueueOrder.objects.get()
    assert (order.name, order.group_name, order.department) == ("Exams", "Exam team", "Arts")
    assert [row["login_name"] for row in order.agents] == ["adbyr100", "beber101"]
    # what was shown before is not what is approved now
    answer = admin.post(url(ticket), {"do": "approve", "version": "1"}, follow=True)
    assert "Somebody changed this order" in answer.content.decode()
    answer = admin.post(url(ticket), {"do": "approve", "version": "2"}, follow=True)
    html = answer.content.decode()
    assert "is set up" in html
    assert "waits for its password" in html
    assert "Complete the mail account" in html
    account = MailAccount.objects.get()
    assert (
        "Mail accounts to be completed" in admin.get("/admin/helpdesk/failures/").content.decode()
    )
    assert "to be completed" in admin.get("/admin/helpdesk/accounts/").content.decode()
    account.mailbox.active = True
    account.mailbox.save()
    assert (
        "Mail accounts to be completed"
        not in admin.get("/admin/helpdesk/failures/").content.decode()
    )
    assert admin.post(url(ticket), {"do": "approve", "version": "1"}).status_code == 302
    assert Queue.objects.filter(name="Exams").count() == 1


def test_the_team_follows_the_name_and_another_one_is_chosen_on_purpose(ticket, admin):
    other, secret = f.QueueFactory(name="Before"), f.QueueFactory(is_confidential=True)
    team, hidden = f.make_team(other, name="Examiners"), f.make_team(secret, name="Counsellors")
    html = admin.get(url(ticket)).content.decode()
    assert "none: a new team is made" in html
    assert ">Examiners</option>" in html
    assert "Counsellors" not in html
    assert "Editors" not in html
    answer = admin.post(url(ticket), sheet(name="Exams", group_name="Prüfungsamt"))
    assert (answer.status_code, QueueOrder.objects.get().group_name) == (302, "Exams")
    answer = admin.post(url(ticket), sheet(version="2", chosen_team=str(hidden.pk)))
    assert answer.status_code == 422
    assert admin.post(url(ticket), sheet(version="2", chosen_team=str(team.pk))).status_code == 302
    assert "(Before)" in admin.get(url(ticket)).content.decode()
    admin.post(url(ticket), {"do": "approve", "version": "3"})
    assert QueueOrder.objects.get().group == team
    assert team.user_set.get().username == "adbyr100"


def nobody(text):
    ASKED.append(text)
    return []


ASKED: list[str] = []


def test_what_the_directory_said_is_not_for_the_browser_to_say(ticket, admin, settings):
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": f"{__name__}.nobody"}
    ASKED.clear()
    assert "agents-0-check" not in admin.get(url(ticket)).content.decode()
    answer = admin.post(url(ticket), sheet(**{"agents-0-check": "known"}))
    assert answer.status_code == 302
    assert ASKED == ["adbyr100"]
    assert QueueOrder.objects.get().agents[0]["check"] == "unknown"
    # who is known is not asked for again; somebody else is
    QueueOrder.objects.update(agents=[vars(AgentRow(**{**vars(ADA), "check": "known"}))])
    ASKED.clear()
    assert admin.post(url(ticket), sheet(version="2")).status_code == 302
    assert (ASKED, QueueOrder.objects.get().agents[0]["check"]) == ([], "known")
    changed = sheet(version="3", **{"agents-0-login_name": "beber101", "agents-0-check": "known"})
    assert admin.post(url(ticket), changed).status_code == 302
    assert (ASKED, QueueOrder.objects.get().agents[0]["check"]) == (["beber101"], "unknown")


def test_many_people_cost_no_more_questions_and_a_decided_order_none(inbox, admin):
    counts = {"": [], "order/": []}
    for number in (2, 40):
        people = tuple(
            AgentRow("A", "B", f"a{at}@uni.example", f"aabbc{at:03}") for at in range(number)
        )
        wanted = replace(
            WANTED, address=f"q{number}@desk.example", name=f"Q{number}", agents=people
        )
        ticket = f.make_ticket(inbox)
        actions.place_order(actor=permissions.SYSTEM, ticket=ticket, wanted=wanted)
        for part, found in counts.items():
            admin.get(url(ticket, part))
            with CaptureQueriesContext(connection) as asked:
                assert admin.get(url(ticket, part)).status_code == 200
            found.append(len(asked))
    assert all(few == many for few, many in counts.values()), counts
    admin.post(url(ticket), {"do": "approve", "version": "1"})
    html = admin.get(url(ticket, "")).content.decode()
    assert "Show the order" in html
    assert "What was set up" not in html


def test_a_test_of_a_form_is_no_order(inbox, admin):
    ticket = f.make_ticket(inbox)
    assert "Fill in an order" in admin.get(url(ticket, "")).content.decode()
    Ticket.objects.filter(pk=ticket.pk).update(is_test=True)
    assert "Fill in an order" not in admin.get(url(ticket, "")).content.decode()
    assert admin.get(url(ticket, "order/fill/")).status_code == 404
    assert admin.post(url(ticket, "order/fill/"), sheet()).status_code == 404
    assert not QueueOrder.objects.exists()


def test_a_mail_from_the_mailbox_that_is_ordered_fills_in_an_order(inbox, admin):
    row = f.CustomerAddressFactory(address="exams@desk.example", verified_at=timezone.now())
    ticket = f.make_ticket(inbox, customer=row.customer, contact=row.address, channel=Channel.EMAIL)
    answer = admin.post(url(ticket, "order/fill/"), sheet(address="exams@desk.example"))
    assert answer.status_code == 302, answer.context["sheet"].facts.errors
    html = admin.get(url(ticket)).content.decode()
    assert "has written to us as a customer" in html
    answer = admin.post(url(ticket), {"do": "approve", "version": "1"})
    assert Queue.objects.get(name="Exams").main_address() == "exams@desk.example"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "x@desk.example.evil.org"}, "only begins like"),
        ({"address": "x@sub.desk.example"}, "domain below it"),
        ({"agents-0-login_name": "?"}, "no log-in name"),
        ({"more": "Ben; Berg; ben@uni.example; adbyr100"}, "stands here twice"),
        ({"agents-0-first_name": "", "agents-0-last_name": "", "agents-0-email": "", "agents-0-login_name": ""}, "at least one person"),
        ({"group_name": ""}, "required"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place_and_nothing_is_lost(ticket, admin, changes, words):
    answer = admin.post(url(ticket), sheet(name="Typed name", **changes))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert "Typed name" in html
    assert QueueOrder.objects.get().name == "Prüfungsamt"


def test_a_refusal_needs_a_reason(ticket, admin):
    answer = admin.post(url(ticket), {"do": "refuse", "version": "1", "reason": " "})
    assert answer.status_code == 422
    assert "needs a reason" in answer.content.decode()
    answer = admin.post(url(ticket), {"do": "refuse", "version": "1", "reason": "Not needed."})
    assert answer.status_code == 302
    assert "Not needed." in OutboundMail.objects.get().body
    assert "Not needed." in admin.get(url(ticket, "")).content.decode()


def test_what_is_in_the_way_leaves_no_button(ticket, admin):
    f.QueueFactory(name="Prüfungsamt")
    html = admin.get(url(ticket)).content.decode()
    assert 'value="approve"' not in html
    assert "choose another name" in html
    answer = admin.post(url(ticket), {"do": "approve", "version": "1"})
    assert answer.status_code == 422


def test_without_the_right_there_is_nothing_to_decide(ticket, inbox):
    agent = browser(f.make_agent(inbox, rights=set(Right.values) - {"administer"}))
    html = agent.get(url(ticket)).content.decode()
    assert 'value="approve"' not in html
    assert 'value="save"' in html
    for do in ("approve", "refuse", "destroy"):
        answer = agent.post(url(ticket), {"do": do, "version": "1", "reason": "x"})
        assert answer.status_code == 404, do
    assert QueueOrder.objects.get().is_open
    reader = browser(f.make_agent(inbox, rights=["read"]))
    assert reader.get(url(ticket)).status_code == 404
    assert "Order of a queue" not in reader.get(url(ticket, "")).content.decode()
    stranger = browser(f.make_agent(f.QueueFactory()))
    assert stranger.get(url(ticket)).status_code == 404
    assert stranger.post(url(ticket), sheet()).status_code == 404


def test_an_administrator_is_offered_own_places_only(ticket, inbox):
    arts = f.make_department("Arts")
    user = f.make_agent(arts.queue)
    user.groups.add(f.make_team(inbox, rights=["answer", "note"]))
    client = browser(user)
    offered = client.get(url(ticket)).context["sheet"].facts.fields["parent"].choices
    assert [value for value, _label in offered if value] == [arts.queue.pk]
    assert client.post(url(ticket), {"do": "approve", "version": "1"}).status_code == 404
    assert client.post(url(ticket), sheet(parent=str(inbox.pk))).status_code == 422
    assert client.post(url(ticket), sheet(parent=str(arts.queue.pk))).status_code == 302
    assert client.post(url(ticket), {"do": "approve", "version": "2"}).status_code == 302
    assert Queue.objects.get(name="Exams").parent == arts.queue


# --- by mail -------------------------------------------------------------------------------------


@pytest.fixture
def mailed(inbox):
    return f.make_ticket(inbox, subject="Queue", body=MAIL, channel=Channel.EMAIL)


def test_a_mail_fills_in_an_order(mailed, admin):
    assert "Fill in an order from this mail" in admin.get(url(mailed, "")).content.decode()
    answer = admin.get(url(mailed, "order/fill/"))
    html = answer.content.decode()
    for text in ("exams@desk.example", "questions about exams", "adbyr100", "beber101"):
        assert f'value="{text}"' in html or text in html
    assert "Not found in the message: Name of the queue" in html
    assert "Max" not in [form["first_name"].value() for form in answer.context["sheet"].rows.forms]
    data = {
        "address": "exams@desk.example",
        "name": "",
        "purpose": "Exams",
        "department": "",
        "hours": "",
    }
    rows = sheet()
    data |= {key: rows[key] for key in rows if key.startswith("agents")}
    assert (
        admin.post(url(mailed, "order/fill/"), {**data, "address": "x@evil.example"}).status_code
        == 422
    )
    answer = admin.post(url(mailed, "order/fill/"), data)
    assert answer["Location"] == url(mailed)
    order = QueueOrder.objects.get(ticket=mailed)
    assert (order.address, order.name) == ("exams@desk.example", "exams")
    assert admin.post(url(mailed, "order/fill/"), data).status_code == 302
    assert QueueOrder.objects.count() == 1
    assert admin.get(url(mailed, "order/fill/"))["Location"] == url(mailed)


def test_a_ticket_elsewhere_is_no_order(admin, inbox, red):
    assert admin.get(url(red.ticket, "order/fill/")).status_code == 404
    assert admin.get(url(red.ticket)).status_code == 404
    assert "Fill in an order" not in admin.get(url(red.ticket, "")).content.decode()


# --- settings ------------------------------------------------------------------------------------


def test_settings_are_for_superusers_and_checked(admin, red, inbox):
    where = "/admin/helpdesk/orders/settings/"
    assert red.client.get(where).status_code == 404
    assert red.client.post(where, {"domains": "evil.org"}).status_code == 404
    assert admin.get(where).status_code == 200
    answer = admin.post(where, {"domains": "nowhere", "login_pattern": "((("})
    assert set(answer.context["form"].errors) == {"domains", "login_pattern"}
    answer = admin.post(
        where, {"domains": "@Uni.example, desk.example", "login_pattern": "[a-z]{5}[0-9]{3}"}
    )
    assert answer.status_code == 302
    row = OrderSettings.objects.get()
    assert row.domains == "uni.example\ndesk.example"
    assert actions.rules_of().login_pattern == "[a-z]{5}[0-9]{3}"


def test_merging_takes_the_order_along(ticket, inbox):
    other = f.make_ticket(inbox, customer=ticket.customer)
    actor = permissions.agent(f.make_agent(inbox))
    journal = actions.merge(actor=actor, source=Ticket.objects.get(pk=ticket.pk), target=other)
    assert QueueOrder.objects.get().ticket_id == other.pk
    actions.unmerge(actor=actor, merge=journal)
    assert QueueOrder.objects.get().ticket_id == ticket.pk
