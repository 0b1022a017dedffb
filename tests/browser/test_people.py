"""Addresses, invitations and links in a real browser: a customer, somebody invited, and an agent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from helpdesk import actions, permissions
from helpdesk.models import Customer, Organisation, OutboundMail
from helpdesk.persons import Person
from tests import factories as f
from tests.browser import stage

pytestmark = pytest.mark.django_db(transaction=True)


def persons(words: str) -> list[Person]:
    """The directory that the test names in the settings."""
    return [Person("ina01", "Ina Rother", ("ina@uni.example",), "0331 1")]


def path_in(mail: OutboundMail) -> str:
    return re.search(r"https?://[^/\s]+(/\S+)", mail.body)[1]


@pytest.mark.parametrize("phone", [False, True])
def test_customer_shares_a_request_and_confirms_an_address(visit: Callable, phone: bool) -> None:
    setting = stage.set_up()
    user = stage.account("kim", "de", first_name="Kim", last_name="Weber")
    person = actions.verify_address(user=user, address=user.email)
    firm = Organisation.objects.create(name="Institut für Physik")
    Customer.objects.filter(pk=person.pk).update(organisation=firm)
    ticket = f.make_ticket(setting.queue, customer=person, contact=user.email, language="de")
    kim = visit(phone=phone)
    kim.log_in("kim")
    kim.goto(f"/requests/{ticket.number}/")
    kim.check()
    kim.page.click("#sharing ~ details:nth-of-type(1) > summary")
    kim.page.fill("[name=email]", "freund@mail.example")
    kim.page.fill("[name=name]", "Fred")
    kim.page.press("[name=name]", "Enter")
    kim.page.wait_for_selector(".people")
    kim.check()
    kim.page.click("form[action$='/share/'] button")
    kim.page.wait_for_selector(".messages")
    ticket.refresh_from_db()
    assert ticket.organisation == firm
    kim.page.click("#sharing ~ details:nth-of-type(2) > summary")
    kim.check()

    guest = visit(phone=phone)
    guest.goto(path_in(OutboundMail.objects.latest("pk")))
    guest.check()
    guest.page.fill("[name=body]", "Ich auch.")
    guest.page.click("#reply ~ form button[type=submit]")
    guest.page.wait_for_selector(".messages")
    guest.check()

    kim.goto("/requests/addresses/")
    kim.page.fill(".form [name=email]", "kim@home.example")
    kim.page.press(".form [name=email]", "Enter")
    kim.page.wait_for_selector(".messages")
    kim.check()
    kim.goto(path_in(OutboundMail.objects.latest("pk")))
    kim.check()
    kim.page.click("main form.actions button")
    kim.page.wait_for_selector(".messages")
    kim.check()
    assert person.addresses.filter(verified_at__isnull=False).count() == 2
    kim.goto("/requests/status/x/")
    assert [one for one in kim.problems() if "404" not in one] == []


def test_agent_sees_who_takes_part_and_merges_customers(visit: Callable) -> None:
    setting = stage.set_up()
    one, other = (f.CustomerAddressFactory(customer__name=name) for name in ("Ina", "Ina R."))
    ticket = f.make_ticket(setting.queue, customer=one.customer, contact=one.address)
    f.make_ticket(setting.queue, customer=other.customer, contact=other.address)
    actions.invite(actor=permissions.SYSTEM, ticket=ticket, address="freund@mail.example")
    ticket.participants.create(address="cc@mail.example", normalised="cc@mail.example")
    Customer.objects.filter(pk=one.customer_id).update(is_blocked=True)
    agent = visit()
    agent.log_in("agent")
    merge = f"/admin/helpdesk/people/{one.customer_id}/merge/"
    agent.tour(
        {
            "ticket": f"/admin/helpdesk/tickets/{ticket.pk}/#sharing",
            "customer": f"/admin/helpdesk/customers/edit/{one.customer_id}/",
            "choice": f"{merge}?q=Ina",
            "compared": f"{merge}?other={other.customer_id}",
            "organisations": "/admin/helpdesk/organisations/",
            "new organisation": "/admin/helpdesk/organisations/new/",
        }
    )


def test_agent_finds_somebody_of_the_directory_while_typing(visit: Callable, settings) -> None:
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": f"{__name__}.persons"}
    setting = stage.set_up()
    agent = visit()
    agent.log_in("agent")
    agent.goto("/admin/helpdesk/new/")
    agent.page.fill("[name=find]", "Roth")
    agent.page.wait_for_selector("input[value^='person:']")
    agent.check()
    agent.page.check("input[value^='person:']")
    agent.page.fill("[name=subject]", "Projektor")
    agent.page.fill("[name=body]", "Er bleibt dunkel.")
    agent.page.select_option("[name=queue]", str(setting.queue.pk))
    agent.page.click("main button[type=submit]:not([name=search])")
    agent.page.wait_for_selector(".hd-ticket-screen, #hd-screen")
    assert Customer.objects.get(login_name="ina01").tickets.get().subject == "Projektor"
