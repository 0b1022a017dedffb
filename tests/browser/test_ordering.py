"""A department orders a queue on the public site, an administrator approves, and the first mail arrives."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from helpdesk.mail import ingest, ledger
from helpdesk.models import OrderSettings, OutboundMail, QueueOrder
from portal.models import QueueOrderPage
from tests import factories as f
from tests.helpdesk.pages.test_orders import FIELDS

from .conftest import Visitor
from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

Visit = Callable[..., Visitor]
TABLE = (
    "Vorname\tNachname\tE-Mail\tUnikennung\n"
    "Ada\tByron\tada@uni.example\tadbyr100\n"
    "Ben\tBerg\tben@uni.example\tb?\n"
)
ORDER_MAIL = (
    "From: Dana Drossel <dekanat@uni.example>\r\nTo: ticketsystem@desk.example\r\n"
    "Subject: Neue Queue\r\nMessage-ID: <order@uni.example>\r\n\r\n"
    "Guten Tag,\r\n\r\nwir möchten eine Queue.\r\n\r\nGewünschte Adresse: pruefung@desk.example\r\n"
    "Zweck: Fragen zu Prüfungen\r\n\r\nVorname;Nachname;E-Mail;Unikennung\r\n"
    "Ada;Byron;ada@uni.example;adbyr100\r\nBen;Berg;ben@uni.example;beber101\r\n"
)
MAIL = (
    "From: Stud Ent <student@mail.example>\r\nTo: pruefung@desk.example\r\n"
    "Subject: When is the exam?\r\nMessage-ID: <first@mail.example>\r\n\r\nTell me, please.\r\n"
)


def order_page(stage) -> QueueOrderPage:
    OrderSettings(
        domains="desk.example", queue=stage.queue, page=stage.tree.services.page_ptr
    ).save()
    page = QueueOrderPage(title="Queue beantragen", slug="queue-beantragen", queue=stage.queue)
    page.fields = json.dumps(FIELDS)
    stage.tree.home.add_child(instance=page)
    page.save_revision().publish()
    return page


def fill_in(visitor: Visitor, path: str) -> None:
    page = visitor.page
    visitor.goto(path)
    page.fill("[name=contact_name]", "Dana Drossel")
    page.fill("[name=contact_email]", "dekanat@uni.example")
    page.fill("[name=q_addr]", "pruefung@desk.example.evil.org")
    page.fill("[name=q_name]", "Prüfungsamt")
    page.fill("[name=q_what]", "Fragen zu Prüfungen.")
    page.locator("details.rows__paste summary").click()
    page.fill("[name=q_team-paste]", TABLE)
    page.locator("[name=q_team-fill]").click()
    page.wait_for_function("document.querySelector('[name=q_team-1-login_name]')?.value === 'b?'")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_queue_is_ordered_approved_and_receives_its_first_mail(visit: Visit, scripts: bool):
    stage = set_up("de")
    account("root", "de", is_superuser=True, is_staff=True)
    path = order_page(stage).url
    visitor = visit(phone=scripts, scripts=scripts)
    page = visitor.page
    if scripts:
        fill_in(visitor, path)
    else:
        visitor.goto(path)
        for name, text in {
            "contact_name": "Dana Drossel",
            "contact_email": "dekanat@uni.example",
            "q_addr": "pruefung@desk.example.evil.org",
            "q_name": "Prüfungsamt",
            "q_what": "Fragen zu Prüfungen.",
            "q_team-paste": TABLE,
        }.items():
            if name == "q_team-paste":
                page.locator("details.rows__paste summary").click()
            page.fill(f"[name={name}]", text)
        page.locator("[name=q_team-fill]").click()
    page.locator(
        "form.form > p > button[class=button], form.form button.button:not([name])"
    ).last.click()
    page.wait_for_load_state()
    # both faults at their places, everything typed still there
    assert not QueueOrder.objects.exists()
    expect(page.locator("[name=q_addr]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=q_team-1-login_name]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=q_team-0-login_name]")).to_have_value("adbyr100")
    visitor.check()
    page.fill("[name=q_addr]", "pruefung@desk.example")
    page.fill("[name=q_team-1-login_name]", "beber101")
    page.locator("form.form button.button:not([name])").last.click()
    page.wait_for_load_state()
    order = QueueOrder.objects.select_related("ticket").get()
    expect(page.locator("main")).to_contain_text(order.ticket.number)

    approve(visit, order)


def test_an_order_by_plain_mail_is_filled_in_and_approved(visit: Visit):
    stage = set_up("de")
    account("root", "de", is_superuser=True, is_staff=True)
    order_page(stage)
    f.QueueAddressFactory(queue=stage.queue, address="ticketsystem@desk.example")
    row = ingest.process(ledger.accept(ORDER_MAIL.encode(), source="test", key="order").pk)
    admin = visit(language="de")
    admin.log_in("root")
    admin.goto(f"/admin/helpdesk/tickets/{row.ticket_id}/")
    admin.page.locator("a[href$='/order/fill/']").first.click()
    admin.page.wait_for_load_state()
    admin.check()
    expect(admin.page.locator("[name=address]")).to_have_value("pruefung@desk.example")
    expect(admin.page.locator("[name$=login_name]").nth(1)).to_have_value("beber101")
    admin.page.fill("[name=name]", "Prüfungsamt")
    admin.page.locator("main form button[type=submit]").last.click()
    admin.page.wait_for_url(f"**/tickets/{row.ticket_id}/order/")
    approve(visit, QueueOrder.objects.get(ticket=row.ticket))


def approve(visit: Visit, order: QueueOrder) -> None:
    """Approve an order as an administrator, and let the first mail come to the new queue."""
    admin = visit(language="de")
    admin.log_in("root")
    admin.goto(f"/admin/helpdesk/tickets/{order.ticket_id}/")
    admin.check()
    admin.page.locator(f"a[href$='/tickets/{order.ticket_id}/order/']").first.click()
    admin.page.wait_for_load_state()
    admin.check()
    admin.page.locator("button[value=approve]").click()
    admin.page.wait_for_load_state()
    admin.check()
    order.refresh_from_db()
    assert order.state == "approved"
    assert order.queue.main_address() == "pruefung@desk.example"
    answer = OutboundMail.objects.get(ticket=order.ticket, kind="answer")
    assert "pruefung@desk.example" in answer.body

    row = ingest.process(ledger.accept(MAIL.encode(), source="test", key="first").pk)
    assert row.ticket.queue == order.queue
    admin.goto(f"/admin/helpdesk/tickets/{row.ticket_id}/")
    expect(admin.page.locator("main")).to_contain_text("Tell me, please.")
