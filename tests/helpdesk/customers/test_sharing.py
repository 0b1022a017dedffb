"""Who takes part in a request: invited, copied in, of the same organisation; and links that end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions, search
from helpdesk.actions import Draft
from helpdesk.customers import access
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import (
    Article,
    BouncedAddress,
    Channel,
    Customer,
    EventKind,
    Organisation,
    OutboundMail,
    Participant,
    Ticket,
)
from helpdesk.states import StateType
from tests import factories as f
from tests.helpdesk.mail.test_ingest import deliver, mail

pytestmark = pytest.mark.django_db

FRIEND = "friend@mail.example"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def owner(client):
    user = f.UserFactory(first_name="Ada", last_name="Byron")
    client.force_login(user)
    return user


@pytest.fixture
def ticket(owner):
    person = actions.customer_for_user(owner)
    return f.make_ticket(customer=person, contact="ada@mail.example", language="en")


@pytest.fixture(params=["number", "link"])
def door(request, client, owner, ticket):
    if request.param == "number":
        return access.Door(permissions.customer(ticket.customer), ticket)
    client.logout()
    return access.by_link(access.status_token(ticket))


def invite(ticket: Ticket, address: str = FRIEND, **options) -> Participant:
    actor = permissions.customer(ticket.customer)
    return actions.invite(actor=actor, ticket=ticket, address=address, **options)


def link_in(mail: OutboundMail) -> str:
    return re.search(r"https?://[^/\s]+(/\S+)", mail.body)[1]


def url_for(row: Participant, name: str = "detail") -> str:
    return reverse(f"helpdesk_customers:status_{name}", args=[access.participant_token(row)])


# --- inviting ------------------------------------------------------------------------------------


def test_customer_invites_somebody_who_reads_and_writes_by_a_link_of_their_own(
    client, door, ticket
):
    data = {"email": "Friend@Mail.example", "name": "Fred"}
    page = client.post(door.url("invite"), data, follow=True).text
    assert "Friend@Mail.example is invited" in page
    assert "Fred" in page
    row = ticket.participants.get()
    assert (row.normalised, row.may_read) == (FRIEND, True)
    event = ticket.events.get(kind=EventKind.PARTICIPANT_INVITED)
    assert (event.data, event.content) == (
        {"participant": row.pk},
        {"address": "Friend@Mail.example"},
    )
    mail = OutboundMail.objects.get()
    assert mail.to == [["Fred", "Friend@Mail.example"]]
    assert mail.reply_to == ""  # the ticket's own is for its customer
    client.logout()
    page = client.get(link_in(mail))
    assert page.status_code == 200
    assert "It prints nothing." in page.text
    assert "Ada Byron" in page.text  # who shared it
    reply = reverse("helpdesk_customers:status_reply", args=[access.participant_token(row)])
    answer = client.post(reply, {"body": "Me too", "key": "0" * 32}, follow=True)
    assert "Your message has been received." in answer.text
    article = ticket.articles.last()
    assert (article.body, article.from_address, article.visible) == ("Me too", FRIEND, True)
    assert article.customer != ticket.customer
    assert "Message of the person who asked" in answer.text
    client.force_login(ticket.customer.user)
    assert FRIEND in client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text


def test_whoever_is_invited_decides_nothing(client, ticket):
    row = invite(ticket)
    client.logout()
    page = client.get(url_for(row)).text
    for words in ("Close this request", "Object", "Invite somebody", "Withdraw all links"):
        assert words not in page, words
    before = Ticket.objects.values().get(pk=ticket.pk)
    data = {"objects": "on", "email": "x@mail.example", "participant": row.pk, "share": "on"}
    for name in ("close", "objection", "invite", "uninvite", "share", "links"):
        assert client.post(url_for(row, name), data).status_code == 404, name
    assert client.get(url_for(row, "close")).status_code == 404
    assert Ticket.objects.values().get(pk=ticket.pk) == before
    assert Participant.objects.get() == row


def test_verbs_refuse_whoever_is_invited(ticket):
    actor = permissions.invited(invite(ticket))
    other = f.CustomerAddressFactory(address=FRIEND, verified=True).customer
    for who in (actor, permissions.customer(other), permissions.guest(FRIEND, other)):
        assert permissions.can(who, permissions.REPLY, ticket)
        kwargs = {"actor": who, "ticket": ticket}
        for verb, more in (
            (actions.close_request, {}),
            (actions.object_to_storage, {"channel": Channel.WEB}),
            (actions.invite, {"address": "x@mail.example"}),
            (actions.share, {"organisation": None}),
            (actions.withdraw_links, {}),
            (actions.send_link, {}),
            (actions.remove_participant, {"participant": ticket.participants.get()}),
        ):
            with pytest.raises(NotPermitted):
                verb(**kwargs, **more)


def test_removing_ends_the_link_and_a_new_invitation_makes_another(client, ticket, door):
    row = invite(ticket)
    first = url_for(row)
    assert client.post(door.url("uninvite"), {"participant": row.pk}).status_code == 302
    assert not ticket.participants.exists()
    assert client.get(first).status_code == 404
    event = ticket.events.get(kind=EventKind.PARTICIPANT_REMOVED)
    assert event.content == {"address": FRIEND}
    again = invite(ticket)
    second = url_for(again)
    invite(ticket)
    assert client.get(second).status_code == 404  # renewed with every mail
    again.refresh_from_db()
    assert client.get(url_for(again)).status_code == 200


def test_somebody_copied_in_sees_nothing_until_invited(client, ticket):
    row = ticket.participants.create(address=FRIEND, normalised=FRIEND)
    assert client.get(url_for(row)).status_code == 404
    page = client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text
    assert "got a copy of a mail" in page
    invite(ticket)
    row.refresh_from_db()
    assert client.get(url_for(row)).status_code == 200


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ada@mail.example", "belongs to the request already"),
        ("noreply@mail.example", "nobody reads mail"),
        ("no address", "valid email"),
        ("", "required"),
    ],
)
def test_an_invitation_that_cannot_be_says_why(client, door, address, words):
    page = client.post(door.url("invite"), {"email": address, "name": "Fred"})
    assert page.status_code == 422
    assert words in page.text
    assert 'value="Fred"' in page.text
    assert not Participant.objects.exists()
    assert not OutboundMail.objects.exists()


def test_an_invitation_tells_customers_nothing_of_other_people(client, door, ticket):
    """Nor of further addresses of the customer: whoever holds the link may be anybody."""
    f.CustomerAddressFactory(address=FRIEND, customer__is_blocked=True)
    private = "private@mail.example"
    f.CustomerAddressFactory(address=private, customer=ticket.customer)
    pages = [
        client.post(door.url("invite"), {"email": address}, follow=True).text.replace(address, "")
        for address in (FRIEND, private, "unknown@mail.example")
    ]
    for page in pages:
        assert " is invited and gets a mail" in page
    assert ticket.participants.count() == 3


def test_of_an_address_from_which_mail_comes_back_they_learn_no_more(client, door):
    BouncedAddress.objects.create(
        address=FRIEND, bounces=3, last_at=timezone.now(), suspended_at=timezone.now()
    )
    page = client.post(door.url("invite"), {"email": FRIEND}).text
    assert "This address cannot be invited." in page
    assert "comes back" not in page


def test_an_agent_is_told_that_somebody_is_blocked(ticket):
    f.CustomerAddressFactory(address=FRIEND, customer__is_blocked=True)
    agent = permissions.agent(f.make_agent(ticket.queue))
    with pytest.raises(InvalidInput, match="cannot be invited"):
        actions.invite(actor=agent, ticket=ticket, address=FRIEND)


def test_the_customer_is_changed_and_whom_the_former_one_invited_reads_no_more(client, ticket):
    row = invite(ticket)
    link = url_for(row)
    other = f.CustomerAddressFactory(address="other@mail.example").customer
    agent = permissions.agent(f.make_agent(ticket.queue))
    actions.set_customer(actor=agent, ticket=ticket, customer=other)
    assert ticket.events.get(kind=EventKind.CUSTOMER_CHANGED).data["uninvited"] == [row.pk]
    client.logout()
    assert client.get(link).status_code == 404
    actions.invite(actor=agent, ticket=ticket, address=FRIEND)
    assert client.get(link).status_code == 404  # another link than before
    row.refresh_from_db()
    assert client.get(url_for(row)).status_code == 200


def test_who_is_known_by_a_link_invites_by_the_name_that_the_mail_went_to(ticket):
    """A mail may name any Reply-To: who reads there does not learn who the customer is."""
    Ticket.objects.filter(pk=ticket.pk).update(channel=Channel.EMAIL, contact="eve@evil.example")
    ticket.refresh_from_db()
    actions.invite(actor=permissions.link_bearer(ticket), ticket=ticket, address=FRIEND)
    assert "Ada" not in OutboundMail.objects.get().body


@pytest.mark.parametrize("theirs", [True, False])
def test_a_link_shows_the_organisation_at_an_address_of_the_customer_alone(client, ticket, theirs):
    firm = Organisation.objects.create(name="Oncology ward")
    Customer.objects.filter(pk=ticket.customer_id).update(organisation=firm, name="Ada Byron")
    address = "ada@mail.example" if theirs else "eve@evil.example"
    f.CustomerAddressFactory(address="ada@mail.example", customer=ticket.customer)
    Ticket.objects.filter(pk=ticket.pk).update(channel=Channel.EMAIL, contact=address)
    ticket.refresh_from_db()
    client.logout()
    token = access.status_token(ticket)
    page = client.get(reverse("helpdesk_customers:status_detail", kwargs={"token": token})).text
    assert ("Oncology ward" in page) == theirs
    assert "Ada Byron" not in page
    share = reverse("helpdesk_customers:status_share", kwargs={"token": token})
    client.post(share, {"share": "on"})
    ticket.refresh_from_db()
    assert (ticket.organisation == firm) == theirs


def test_invitations_are_counted(client, ticket):
    url = reverse("helpdesk_customers:invite", args=[ticket.number])
    codes = [client.post(url, {"email": f"friend{n}@mail.example"}).status_code for n in range(11)]
    assert codes == [302] * 10 + [429]
    assert OutboundMail.objects.count() == 10


def test_what_a_customer_calls_things_carries_no_address_to_strangers(owner):
    person = actions.customer_for_user(owner)
    Customer.objects.filter(pk=person.pk).update(name="Win at https://evil.example")
    person.refresh_from_db()
    ticket = f.make_ticket(customer=person, subject="Look at www.evil.example", language="en")
    invite(ticket)
    mail = OutboundMail.objects.get()
    assert "evil" not in mail.body + mail.html + mail.subject


def test_an_invited_account_finds_the_request_among_its_own_with_a_mark(client, ticket):
    user = f.UserFactory()
    invite(ticket)
    client.force_login(user)
    url = reverse("helpdesk_customers:list")
    assert ticket.subject not in client.get(url).text
    f.CustomerAddressFactory(address=FRIEND, customer=actions.customer_for_user(user))
    assert ticket.subject not in client.get(url).text  # not confirmed
    actions.verify_address(user=user, address=FRIEND)
    page = client.get(url).text
    assert ticket.subject in page
    assert "shared by Ada Byron" in page
    detail = reverse("helpdesk_customers:detail", args=[ticket.number])
    assert client.get(detail).status_code == 200
    assert client.post(reverse("helpdesk_customers:close", args=[ticket.number])).status_code == 404


def test_reply_of_somebody_invited_to_a_closed_request_becomes_their_own(client, ticket):
    row = invite(ticket)
    ticket.queue.follow_up = "new"
    ticket.queue.save()
    actions.close_request(actor=permissions.customer(ticket.customer), ticket=ticket)
    client.logout()
    page = client.post(url_for(row, "reply"), {"body": "Next", "key": "0" * 32}, follow=True)
    new = Ticket.objects.exclude(pk=ticket.pk).get()
    assert new.customer == actions.find_customer(FRIEND)
    assert new.contact == FRIEND
    assert new.number in page.text


# --- organisations -------------------------------------------------------------------------------


@pytest.fixture
def firm(ticket):
    firm = Organisation.objects.create(name="Firm")
    Customer.objects.filter(pk=ticket.customer_id).update(organisation=firm)
    ticket.customer.refresh_from_db()
    return firm


def colleague(firm: Organisation):
    user = f.UserFactory()
    person = actions.customer_for_user(user)
    Customer.objects.filter(pk=person.pk).update(organisation=firm)
    return user


def test_customer_shares_with_the_own_organisation_and_stops(client, ticket, firm):
    url = reverse("helpdesk_customers:share", args=[ticket.number])
    other = colleague(firm)
    assert (
        "Share with Firm"
        in client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text
    )

    def seen() -> bool:
        actor = permissions.customer(actions.customer_for_user(other))
        return permissions.visible_tickets(actor).filter(pk=ticket.pk).exists()

    assert not seen()
    client.post(url, {"share": "on"})
    assert seen()
    event = ticket.events.get(kind=EventKind.SHARING_CHANGED)
    assert event.data == {"from": None, "to": firm.pk}
    client.post(url, {})
    assert not seen()


def test_an_organisation_in_which_one_is_not_is_no_choice(ticket, firm):
    other = Organisation.objects.create(name="Other")
    actor = permissions.customer(ticket.customer)
    with pytest.raises(InvalidInput):
        actions.share(actor=actor, ticket=ticket, organisation=other)
    firm.is_active = False
    firm.save()
    with pytest.raises(InvalidInput):
        actions.share(actor=actor, ticket=ticket, organisation=firm)


def test_the_same_mail_domain_shares_nothing(client, ticket):
    user = f.UserFactory()
    actions.verify_address(user=user, address="colleague@mail.example")
    client.force_login(user)
    assert ticket.subject not in client.get(reverse("helpdesk_customers:list")).text


def test_another_customer_ends_the_sharing_and_the_links(ticket, firm):
    actions.share(actor=permissions.customer(ticket.customer), ticket=ticket, organisation=firm)
    agent = permissions.agent(f.make_agent(ticket.queue))
    link = access.status_token(ticket)
    other = f.CustomerAddressFactory(verified=True).customer
    actions.set_customer(actor=agent, ticket=ticket, customer=other)
    ticket.refresh_from_db()
    assert ticket.organisation is None
    with pytest.raises(Http404):
        access.by_link(link)


@pytest.mark.parametrize("count", [2, 60])
def test_shared_requests_cost_no_query_each(client, owner, count):
    firm = Organisation.objects.create(name="Firm")
    me = actions.customer_for_user(owner)
    Customer.objects.filter(pk=me.pk).update(organisation=firm)
    sharer = f.CustomerFactory(name="", organisation=firm)
    for _n in range(count):
        ticket = f.make_ticket(customer=sharer, contact="s@mail.example")
        Ticket.objects.filter(pk=ticket.pk).update(organisation=firm)
    url = reverse("helpdesk_customers:list")
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert "shared by s@mail.example" in client.get(url).text
    assert len(queries) <= 16


# --- links ---------------------------------------------------------------------------------------


def close(ticket: Ticket, days_ago: int) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    closed = f.state(StateType.CLOSED)
    Ticket.objects.filter(pk=ticket.pk).update(state=closed, closed_at=at)


def test_links_end_some_time_after_the_closing(client, settings, ticket):
    row = invite(ticket)
    urls = [reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)])]
    urls.append(url_for(row))
    client.logout()
    settings.HELPDESK = {**settings.HELPDESK, "STATUS_LINK_DAYS": 30}
    for days, code in ((29, 200), (31, 404)):
        close(ticket, days)
        assert [client.get(url).status_code for url in urls] == [code, code], days
    page = client.get(urls[0]).text
    assert "This link does not work" in page
    assert ticket.subject not in page
    Ticket.objects.filter(pk=ticket.pk).update(state=f.state(StateType.OPEN), closed_at=None)
    assert client.get(urls[0]).status_code == 200  # opened again


def test_links_to_an_open_request_end_when_nothing_happens_and_hold_again(client, settings, ticket):
    url = reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)])
    client.logout()
    settings.HELPDESK = {**settings.HELPDESK, "STATUS_LINK_DAYS": 30}
    for days, code in ((29, 200), (31, 404)):
        at = timezone.now() - timedelta(days=days)
        Ticket.objects.filter(pk=ticket.pk).update(changed_at=at)
        assert client.get(url).status_code == code, days
    assert "Have a code sent" in client.get(url).text
    agent = permissions.agent(f.make_agent(ticket.queue))
    actions.answer(actor=agent, ticket=ticket, draft=Draft(body="Yes", channel=Channel.WEB))
    assert client.get(url).status_code == 200


def test_a_request_by_log_in_never_expires(client, ticket):
    close(ticket, 4000)
    assert client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).status_code == 200


def test_customer_withdraws_all_links(client, door, ticket):
    old = reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)])
    invited = url_for(invite(ticket))
    OutboundMail.objects.all().delete()
    page = client.post(door.url("links"), follow=True)
    assert page.status_code == 200
    assert client.get(old).status_code == 404
    assert client.get(invited).status_code == 200  # theirs
    assert ticket.events.filter(kind=EventKind.LINK_WITHDRAWN).count() == 1
    if door.token:
        assert "A new one is on its way" in page.text
        mail = OutboundMail.objects.get()
        assert mail.to[0][1] == "ada@mail.example"
        assert client.get(link_in(mail)).status_code == 200
    else:
        assert not OutboundMail.objects.exists()


# --- blocking ------------------------------------------------------------------------------------


def test_a_blocked_customer_is_told_so(client, door, ticket):
    Customer.objects.filter(pk=ticket.customer_id).update(is_blocked=True)
    page = client.post(door.url("reply"), {"body": "More", "key": "0" * 32})
    assert page.status_code == 422
    assert "We cannot accept messages from you here." in page.text
    assert "More" in page.text
    assert Article.objects.count() == 1


def test_a_blocked_person_who_was_invited_before_is_refused_too(client, ticket):
    row = invite(ticket)
    f.CustomerAddressFactory(address=FRIEND, customer__is_blocked=True)
    client.logout()
    page = client.post(url_for(row, "reply"), {"body": "More", "key": "0" * 32})
    assert page.status_code == 422
    assert ticket.articles.count() == 1


def test_agents_still_write_down_what_a_blocked_customer_says(ticket):
    Customer.objects.filter(pk=ticket.customer_id).update(is_blocked=True)
    agent = permissions.agent(f.make_agent(ticket.queue))
    draft = Draft(body="Called", channel=Channel.PHONE)
    assert actions.log_call(actor=agent, ticket=ticket, draft=draft, inbound=True).pk


# --- by mail -------------------------------------------------------------------------------------


def test_what_somebody_invited_answers_by_mail_stands_on_the_request(ticket):
    f.QueueAddressFactory(queue=ticket.queue, address="support@desk.example")
    row = invite(ticket)
    sent = OutboundMail.objects.get()

    def reply(sender: str) -> Article:
        headers = {"In_Reply_To": sent.message_id}
        done = deliver(mail("Re: Printer", "By mail.", sender, **headers))
        assert done.ticket == ticket
        return done.article

    assert reply(f"Fred <{FRIEND}>").visible
    assert not reply("eve@evil.example").visible
    actions.remove_participant(
        actor=permissions.customer(ticket.customer), ticket=ticket, participant=row
    )
    assert not reply(f"Fred <{FRIEND}>").visible


def test_whoever_takes_part_finds_no_address_of_the_customer(ticket):
    secret = f.CustomerAddressFactory(customer=ticket.customer, address="secret@home.example")
    search.index_ticket(ticket)
    invite(ticket)
    friend = actions.verify_address(user=f.UserFactory(), address=FRIEND)

    def finds(person: Customer, words: str) -> bool:
        return search.find_tickets(permissions.customer(person), words).exists()

    assert finds(ticket.customer, secret.address)
    assert not finds(friend, secret.address)
    assert finds(friend, "printer silent")
    assert finds(friend, ticket.number)


def test_the_link_of_a_request_without_a_customer_decides_and_an_invitation_does_not(ticket):
    row = invite(ticket)
    Ticket.objects.filter(pk=ticket.pk).update(customer=None)
    ticket.refresh_from_db()
    assert permissions.may_decide(permissions.link_bearer(ticket), ticket)
    assert not permissions.may_decide(permissions.invited(row), ticket)
    assert not permissions.may_decide(permissions.guest(FRIEND, None), ticket)
