"""The screens for requests of data subjects."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.models import AuditEntry, AuditKind, Customer, DataExport, PersonErasure
from helpdesk.privacy import export, found, person_jobs, persons
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

URL = "/admin/helpdesk/persons/"


@pytest.fixture
def customer() -> Customer:
    row = f.CustomerAddressFactory(
        address="mia@mail.example", customer__name="Mia Muster", verified=True
    )
    f.make_ticket(customer=row.customer, contact="mia@mail.example", subject="Secret of Mia")
    return row.customer


@pytest.fixture
def officer() -> Any:
    """Somebody whose team deals with data subjects, and who may read no queue."""
    user = f.make_agent(username="officer", rights=[])
    user.groups.get().permissions.add(Permission.objects.get(codename="handle_persons"))
    return browser(user)


def sheet(customer: Customer) -> str:
    return f"{URL}customer-{customer.pk}/"


def test_nobody_else_gets_in(red, customer, officer):
    row = DataExport.objects.create(
        is_complete=True, asked_at=timezone.now(), expires_at=timezone.now()
    )
    head = browser(f.make_agent(red.queue, rights=["administer", "manage"]))
    urls = (URL, sheet(customer), *(f"{sheet(customer)}{one}/" for one in ("export", "correct", "erase")), f"{URL}exports/{row.pk}/")  # fmt: skip
    for client in (red.client, head):
        for url in urls:
            assert client.get(url).status_code == 404, url
            assert client.post(url).status_code == 404, url
        assert URL not in client.get("/admin/").text
    assert URL in officer.get("/admin/").text
    assert not DataExport.objects.exclude(pk=row.pk).exists()


def test_search_and_sheet(officer, customer):
    answer = officer.post(URL, {"q": "mia@mail"}, follow=True)
    assert sheet(customer) in answer.text
    ((address, _status),) = answer.redirect_chain
    assert "mia@mail" not in address  # nor anything else that could be read
    assert sheet(customer) in officer.get(address).text  # going back asks for nothing
    assert "Who is meant?" not in officer.get(f"{URL}?for=mia").text
    page = officer.get(sheet(customer)).text
    assert "Mia Muster" in page
    assert "Own requests" in page
    assert "Secret of Mia" not in page  # may read no queue
    lines = AuditEntry.objects.filter(kind=AuditKind.PERSON_LOOKED_UP).order_by("pk")
    searched, shown_again, line = lines
    assert shown_again.data == searched.data
    assert searched.data == {"did": "searched", "found": 1, "shown": [f"customer-{customer.pk}"]}
    assert line.data["customer"] == customer.pk
    assert "mia" not in str(line.data).lower()


def test_what_was_found_is_told_in_words_and_never_in_codes(customer):
    f.make_ticket(customer=customer, contact="mia@mail.example", receipt=True)
    actor = permissions.agent(f.UserFactory(is_superuser=True))
    with translation.override("de"):
        sections = found.everything(actor, persons.person_of(customers=[customer.pk]))
    (sent,) = [one for one in sections if one.code == "outbound"]
    assert [row.text for row in sent.rows] == ["Eingangsbestätigung"]


def test_what_is_held_is_not_counted_as_going(customer):
    ticket = f.make_ticket(customer=customer, contact="mia@mail.example", receipt=True)
    person = persons.person_of(customers=[customer.pk])
    assert person_jobs.preview(person)["outbound"] == 1
    actions.place_hold(
        actor=permissions.agent(f.UserFactory(is_superuser=True)),
        ticket=ticket,
        reason="A dispute",
        until=timezone.localdate() + timedelta(days=9),
    )
    counts = person_jobs.preview(person)
    assert (counts["outbound"], counts["held"], counts["tickets"]) == (0, 1, 1)
    assert (counts["customers"], counts["addresses"]) == (0, 0)


def test_nothing_typed_and_nobody_found(officer):
    assert "Nobody found" in officer.post(URL, {"q": "qqqqqq"}, follow=True).text
    officer.post(URL, {"q": "unknown@mail.example"}, follow=True)
    lines = AuditEntry.objects.filter(kind=AuditKind.PERSON_LOOKED_UP)
    assert [one.data["found"] for one in lines] == [0, 0]
    assert "unknown" not in str([one.data for one in lines])
    assert officer.post(URL, {"q": "x"}).status_code == 422  # too short: nothing was looked for
    assert lines.count() == 2
    assert officer.get(f"{URL}customer-99999/").status_code == 404


def test_export_and_fetch(officer, customer):
    assert officer.post(f"{sheet(customer)}export/", {"reference": "DS-1"}).status_code == 302
    row = DataExport.objects.get()
    export.make.call(row.pk)
    url = f"{URL}exports/{row.pk}/"
    assert url in officer.get(URL).text
    assert url in officer.get(sheet(customer)).text
    got = officer.get(url)
    assert got["Content-Disposition"].startswith("attachment")
    assert got["X-Content-Type-Options"] == "nosniff"
    assert b"".join(got.streaming_content)[:2] == b"PK"
    lines = AuditEntry.objects.filter(kind=AuditKind.EXPORTED).order_by("pk")
    assert [one.data["did"] for one in lines][-1] == "fetched"
    assert lines[0].data["reference"] == "DS-1"


def test_a_file_number_that_is_too_long_is_not_dropped_in_silence(officer, customer):
    answer = officer.post(f"{sheet(customer)}export/", {"reference": "D" * 41}, follow=True)
    assert "40" in answer.text
    assert not DataExport.objects.exists()


def in_form(customer: Customer, **options: Any) -> Any:
    said = [
        {"key": "mail", "label": "Postfach", "type": "email", "value": "mia@mail.example", "shown": "mia@mail.example"},
        {"key": "free", "label": "Freitext", "type": "text", "value": "x", "shown": "of Mia Muster"},
    ]  # fmt: skip
    return f.make_ticket(
        customer=customer,
        body="Mia Muster",
        origin=actions.Origin(answers=tuple(said)),
        **options,
    )


def test_before_correcting_it_says_where_it_stands_and_what_stays(officer, customer):
    ticket = in_form(customer)
    url = f"{sheet(customer)}correct/"
    page = officer.get(url).text
    assert ticket.number in page
    assert "Postfach" not in page  # may read no queue
    assert "1 Antwort" in page or "1 answer" in page
    agent = f.make_agent(ticket.queue)
    agent.groups.get().permissions.add(Permission.objects.get(codename="handle_persons"))
    reader = browser(agent)
    page = reader.get(url).text
    assert "Postfach: mia@mail.example" in page
    assert "Freitext" not in page
    ticket.queue.is_confidential = True
    ticket.queue.save()
    page = reader.get(url).text
    assert ticket.number in page
    assert "Postfach" not in page


def test_answers_are_corrected_with_the_person_unless_it_is_unticked(officer, customer):
    ticket = in_form(customer)
    address = customer.addresses.get()
    form = {"name": "Mia Muster", f"address-{address.pk}": "mia@new.example"}
    url = f"{sheet(customer)}correct/"
    (box,) = re.findall(r'<input[^>]*name="in_answers"[^>]*>', officer.get(url).text)
    assert "checked" in box
    officer.post(url, {**form, "in_answers": "on"})
    ticket.refresh_from_db()
    assert ticket.answers[0]["shown"] == "mia@new.example"
    officer.post(url, {**form, f"address-{address.pk}": "mia@third.example"})
    ticket.refresh_from_db()
    assert ticket.answers[0]["shown"] == "mia@new.example"
    agent = browser(f.make_agent(ticket.queue))
    page = agent.get(f"/admin/helpdesk/tickets/{ticket.pk}/").text
    assert "by request of the person" in page or "auf Verlangen" in page


def test_two_and_many_places_take_the_same_queries(officer, customer):
    url = f"{sheet(customer)}correct/"
    queue = in_form(customer).queue
    officer.get(url)
    with CaptureQueriesContext(connection) as few:
        officer.get(url)
    for _n in range(30):
        in_form(customer, queue=queue)
    with CaptureQueriesContext(connection) as many:
        officer.get(url)
    assert len(many) == len(few)


def test_correct(officer, customer):
    address = customer.addresses.get()
    url = f"{sheet(customer)}correct/"
    assert "mia@mail.example" in officer.get(url).text
    data = {
        "name": "Mia Meister",
        f"address-{address.pk}": "mia2@mail.example",
        "reference": "DS-9",
    }
    assert officer.post(url, data).status_code == 302
    customer.refresh_from_db()
    assert customer.name == "Mia Meister"
    assert customer.main_address() == "mia2@mail.example"
    assert AuditEntry.objects.get(kind=AuditKind.PERSON_CORRECTED).data["reference"] == "DS-9"
    f.CustomerAddressFactory(address="taken@mail.example")
    refused = officer.post(url, {**data, f"address-{address.pk}": "taken@mail.example"})
    assert refused.status_code == 422
    assert "already in use" in refused.text


def test_erase_asks_for_the_address(officer, customer):
    url = f"{sheet(customer)}erase/"
    page = officer.get(url).text
    assert "requests that are theirs alone" in page
    data = {"kind": "erase", "ground": "consent", "reference": "DS-2", "confirm": "mia"}
    refused = officer.post(url, data)
    assert refused.status_code == 422
    assert "no mail address of the person" in refused.text
    assert 'id="id_confirm_error"' in refused.text  # which the field points to
    assert not PersonErasure.objects.exists()
    assert officer.post(url, {**data, "confirm": " MIA@mail.example"}).status_code == 302
    assert "under way" in officer.get(URL).text
    while person_jobs.work():
        pass
    page = officer.get(URL).text
    assert "1 ticket erased" in page
    assert not Customer.objects.filter(pk=customer.pk).exists()
    assert officer.get(sheet(customer)).status_code == 404


def test_what_failed_is_tried_again(officer, customer, red):
    row = PersonErasure.objects.create(
        kind="erase",
        ground="duty",
        state="failed",
        digest="x",
        person=persons.person_of(customers=[customer.pk]).as_data(),
    )
    url = f"{URL}erasures/{row.pk}/"
    assert url in officer.get(URL).text
    assert officer.get(url).status_code == 405
    assert red.client.post(url).status_code == 404
    assert officer.post(url).status_code == 302
    row.refresh_from_db()
    assert row.state == "waiting"
    page = officer.get(URL).text
    assert url not in page
    assert officer.post(url).status_code == 404


def test_the_sheet_says_that_somebody_has_the_same_name(officer, customer):
    assert "the same name" not in officer.get(sheet(customer)).text
    f.CustomerFactory(name="Muster, Mia")
    assert "the same name" in officer.get(sheet(customer)).text


def test_whoever_works_here_is_refused(officer, red):
    url = f"{URL}account-{red.agent.pk}/"
    assert "account with rights" in officer.get(url).text
    data = {"kind": "erase", "ground": "consent", "confirm": red.agent.email}
    assert officer.post(f"{url}erase/", data).status_code == 422
    assert not PersonErasure.objects.exists()


def test_the_permission_is_given_on_the_page_of_a_group(admin):
    assert "data subjects" in admin.get("/admin/groups/new/").text
