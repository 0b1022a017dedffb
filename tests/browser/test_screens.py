"""Every main screen, seen: accessible in light and dark, nothing wider than a phone, no fault."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone, translation
from django_mailbox.models import Mailbox
from playwright.sync_api import expect

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.customers import access
from helpdesk.models import (
    AutoResponse,
    Blob,
    BouncedAddress,
    Calendar,
    Channel,
    InboundMail,
    MailAccount,
    MailFilter,
    MailRoute,
    OAuthAccess,
    OutboundMail,
    SenderBlock,
    Ticket,
)
from tests import factories as f
from tests import page_factories as pages

from .stage import Stage, account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

BODY = [
    {"type": "text", "value": "<p>Erst ausschalten, dann <b>warten</b>.</p>"},
]


@dataclass(frozen=True)
class Places:
    """The addresses of what there is to see."""

    public: dict[str, str]
    customers: dict[str, str]
    agents: dict[str, str]
    mail: dict[str, str]


@pytest.fixture
def places() -> Places:
    stage = set_up()
    customer = account("kundin", "de", first_name="Ada", last_name="Beispiel")
    ticket = busy_ticket(stage, customer)
    troubles(stage, ticket)
    mail = engine(stage, ticket)
    account("chef", "de", is_superuser=True, is_staff=True)
    with translation.override("de"):
        return Places(
            public(stage, ticket),
            customers(ticket),
            agents(stage, ticket),
            {name: reverse(view, args=args) for name, (view, *args) in mail.items()},
        )


def public(stage: Stage, ticket: Ticket) -> dict[str, str]:
    tree, service = stage.tree, stage.service
    queue_page = pages.make_queue_page(tree.services, stage.queue)
    article = pages.make_article(service, body=BODY)
    form = pages.make_form(service, pages.ALL_FIELDS, queue=stage.queue)
    pages.make_service(tree.services, "Drucken", summary="Papier und Toner.")
    return {
        "home": tree.home.url,
        "english home": tree.english.url,
        "catalogue": tree.services.url,
        "service": service.url,
        "queue": queue_page.url,
        "article": article.url,
        "form": form.url,
        "search": "/search/?q=Drucken",
        "nothing found": "/search/?q=Einhorn",
        "log in": "/accounts/login/",
        "sign up": "/accounts/signup/",
        "status link": access.by_link(access.status_token(ticket)).url(),
        "close": access.by_link(access.status_token(ticket)).url("close"),
        "dead link": "/requests/status/nothing/",
        "absent": "/gibt-es-nicht/",
    }


def customers(ticket: Ticket) -> dict[str, str]:
    return {
        "my requests": reverse("helpdesk_customers:list"),
        "request": reverse("helpdesk_customers:detail", kwargs={"number": ticket.number}),
    }


def agents(stage: Stage, ticket: Ticket) -> dict[str, str]:
    ticket_url = reverse("helpdesk_agents:ticket", args=[ticket.pk])
    names = {
        "failures": "helpdesk_agents:failures",
        "phone ticket": "helpdesk_agents:phone",
        "queues": "helpdesk_queues:index",
        "new queue": "helpdesk_queues:add",
        "people": "helpdesk_people:index",
        "calendars": "helpdesk_calendars:index",
        "promises": "helpdesk_promises:index",
        "states": "helpdesk_states:index",
        "priorities": "helpdesk_priorities:index",
        "types": "helpdesk_types:index",
        "accounts": "helpdesk_accounts_modeladmin_index",
        "new account": "helpdesk_accounts_modeladmin_create",
        "inbound": "helpdesk_inbound_modeladmin_index",
        "outbound": "helpdesk_outbound_modeladmin_index",
        "journal": "helpdesk_journal_modeladmin_index",
        "tasks": "helpdesk_tasks_modeladmin_index",
    }
    return {
        "start": reverse("wagtailadmin_home"),
        "open": reverse("helpdesk_agents:tickets"),
        "mine": reverse("helpdesk_agents:tickets_view", args=["mine"]),
        "closed": reverse("helpdesk_agents:tickets_view", args=["closed"]),
        "nothing found": reverse("helpdesk_agents:tickets") + "?q=Einhorn",
        "ticket": ticket_url,
        "note": f"{ticket_url}?mode=note#composer",
        "forward": f"{ticket_url}?mode=forward#composer",
        **{name: reverse(view) for name, view in names.items()},
        "queue": reverse("helpdesk_queues:edit", args=[stage.queue.pk]),
    }


def busy_ticket(stage: Stage, user: object) -> Ticket:
    """A ticket with a bit of everything: answers in a form, a note, an answer, a change of state."""
    customer = actions.customer_for_user(user)
    answers = (
        {"key": "room", "label": "Raum", "type": "text", "value": "12.3", "shown": "12.3"},
        {"key": "what", "label": "Was?", "type": "long_text", "value": "", "shown": ""},
    )
    ticket = f.make_ticket(
        stage.queue,
        subject="Stuhl im Raum 12.3 hat nur noch drei Beine",
        body="Raum: 12.3",
        customer=customer,
        origin=actions.Origin(None, None, None, answers),
    )
    agent = permissions.agent(type(user).objects.get(username="agent"))
    note = Draft(body="Der dritte heuer.", channel=Channel.NOTE)
    actions.add_note(actor=agent, ticket=ticket, draft=note)
    actions.claim(actor=agent, ticket=ticket)
    picture = actions.Upload(name="stuhl.txt", content=b"ein Stuhl", content_type="text/plain")
    answer = Draft(body="Wir kommen.\n\n> Raum: 12.3", channel=Channel.WEB, files=(picture,))
    actions.answer(actor=agent, ticket=ticket, draft=answer)
    f.make_ticket(stage.queue, subject="Noch einer", customer=customer)
    return ticket


def troubles(stage: Stage, ticket: Ticket) -> None:
    """Something in the failure inbox, and in the logs."""
    InboundMail.objects.create(
        source="pipe",
        key="1",
        state=InboundMail.State.FAILED,
        queue=stage.queue,
        reason="the database was away",
        error="the database was away\nfor a while",
        blob=Blob.keep(b"From: a@mail.example\r\nSubject: x\r\n\r\nHi\r\n"),
    )
    OutboundMail.objects.create(
        ticket=ticket,
        article=ticket.articles.order_by("pk").last(),
        kind=OutboundMail.Kind.ANSWER,
        state=OutboundMail.State.UNCERTAIN,
        message_id="<o@x>",
        from_address="a@desk.example",
        to=[["", "c@mail.example"]],
        subject="x",
        body="x",
        due_at=timezone.now(),
        server_reply="connection lost",
    )


def engine(stage: Stage, ticket: Ticket) -> dict[str, tuple[object, ...]]:
    """Everything about mail that has a screen, with something in it; names, views and arguments."""
    now = timezone.now()
    access_ = OAuthAccess.objects.create(
        name="Microsoft", provider="microsoft", client_id="1", last_error="invalid_grant"
    )
    route = MailRoute.objects.create(
        name="Rechenzentrum", host="smtp.uni.example", last_error="535 no", last_error_at=now
    )
    mailbox = Mailbox.objects.create(
        name="Möbelei", uri="imap+ssl://moebel@imap.desk.example/", active=True
    )
    MailAccount.objects.create(
        mailbox=mailbox, queue=stage.queue, oauth=access_, last_error="no", last_error_at=now
    )
    sieve = MailFilter.objects.create(
        name="Rechnungen",
        condition={"any": [{"field": "subject", "op": "contains", "value": "Rechnung"}]},
        effects=[{"do": "set_queue", "queue": stage.queue.pk}, {"do": "add_tags", "tags": "Geld"}],
    )
    text = AutoResponse.objects.create(
        queue=stage.queue, kind="received", body_de="{{greeting}}\n\nDanke!"
    )
    block = SenderBlock.objects.create(pattern="@spam.example", reason="Werbung", hits=2)
    BouncedAddress.objects.create(
        address="weg@mail.example", bounces=3, status="5.1.1", last_at=now, suspended_at=now
    )
    calendar = Calendar.objects.create(name="Werktage", hours={"mon": [["08:00", "17:00"]]})
    ignored = InboundMail.objects.create(
        source="pipe",
        key="2",
        state=InboundMail.State.IGNORED,
        rule="blocked",
        reason="sender is blocked",
        evidence=[["%(value)s is blocked", "@spam.example"]],
        blob=Blob.keep(b"From: a@spam.example\r\n\r\nHi\r\n"),
    )
    back = ticket.outbound.filter(kind=OutboundMail.Kind.ANSWER).first()
    back.bounces = [["weg@mail.example", "5.1.1", "550 User unknown"]]
    back.state, back.bounced_at = OutboundMail.State.SENT, now
    back.save()
    agent = permissions.agent(get_user_model().objects.get(username="agent"))
    actions.set_tags(actor=agent, ticket=ticket, tags=["Stuhl", "Erdgeschoss"])
    junk = f.make_ticket(f.QueueFactory(name="Spam", slug="spam", is_junk=True), subject="GEWONNEN")
    return {
        "filters": ("helpdesk_agents:filters",),
        "filter": ("helpdesk_agents:filter", sieve.pk),
        "new filter": ("helpdesk_agents:filter_new",),
        "delete filter": ("helpdesk_agents:filter_delete", sieve.pk),
        "responses": ("helpdesk_responses:index",),
        "response": ("helpdesk_responses:edit", text.pk),
        "new response": ("helpdesk_responses:add",),
        "blocks": ("helpdesk_blocks:index",),
        "block": ("helpdesk_blocks:edit", block.pk),
        "bounced": ("helpdesk_agents:bounced",),
        "failures": ("helpdesk_agents:failures",),
        "inbound": ("helpdesk_inbound_modeladmin_index",),
        "inbound mail": ("helpdesk_inbound_modeladmin_inspect", ignored.pk),
        "outbound": ("helpdesk_outbound_modeladmin_index",),
        "outbound mail": ("helpdesk_outbound_modeladmin_inspect", back.pk),
        "accounts": ("helpdesk_accounts_modeladmin_index",),
        "account": ("helpdesk_accounts_modeladmin_edit", mailbox.pk),
        "routes": ("helpdesk_routes:index",),
        "route": ("helpdesk_routes:edit", route.pk),
        "new route": ("helpdesk_routes:add",),
        "accesses": ("helpdesk_oauth:index",),
        "access": ("helpdesk_oauth:edit", access_.pk),
        "new access": ("helpdesk_oauth:add",),
        "calendar": ("helpdesk_calendars:edit", calendar.pk),
        "queue": ("helpdesk_queues:edit", stage.queue.pk),
        "junk queue": ("helpdesk_queues:edit", junk.queue_id),
        "spam": ("helpdesk_agents:ticket", junk.pk),
    }


def test_public_screens(visit, places):
    visitor = visit()
    visitor.tour(places.public)
    visitor.log_in("kundin")
    visitor.tour(places.customers)


def test_public_screens_on_a_phone(visit, places):
    visitor = visit(phone=True)
    visitor.tour(places.public)
    visitor.log_in("kundin")
    visitor.tour(places.customers)


def test_agents_screens(visit, places):
    visitor = visit()
    visitor.log_in("chef")
    visitor.tour(places.agents)


def test_agents_screens_on_a_phone(visit, places):
    visitor = visit(phone=True)
    visitor.log_in("agent")
    visitor.tour({name: places.agents[name] for name in ("open", "ticket", "phone ticket")})


def test_mail_screens(visit, places):
    visitor = visit()
    visitor.log_in("chef")
    visitor.tour(places.mail)


def test_mail_screens_on_a_phone(visit, places):
    visitor = visit(phone=True)
    visitor.log_in("chef")
    visitor.tour(places.mail)


def test_each_menu_opens_its_own_list(visit, places):
    visitor = visit()
    visitor.log_in("chef")
    inside = {"Helpdesk": "Neues Telefonticket", "E-Mail-Verkehr": "Eingangsprotokoll"}
    for label, item in inside.items():
        visitor.goto(places.agents["start"])
        visitor.page.get_by_role("button", name=label, exact=True).click()
        expect(visitor.page.get_by_role("link", name=item)).to_be_visible()
        expect(visitor.page.get_by_role("link", name="Was ist neu")).to_be_hidden()
