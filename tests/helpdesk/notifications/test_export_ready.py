"""The mail that an archive is ready: to whoever asked for it, with no word of what is in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from helpdesk import actions, notifications, permissions
from helpdesk.models import BouncedAddress, CustomerAddress, DataExport, OutboundMail
from helpdesk.notifications import notices
from helpdesk.privacy import archive, export, persons
from tests import factories as f

pytestmark = pytest.mark.django_db

NAME, LOGIN, SECRET = "Ada Lovelace", "al1815", "a private matter"


@pytest.fixture
def customer(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    user = f.UserFactory(username=LOGIN, email="ada@account.example")
    customer = actions.customer_for_user(user)
    customer.name = NAME
    customer.save()
    f.make_ticket(subject=SECRET, customer=customer, body=SECRET)
    return customer


def made(row: DataExport) -> OutboundMail | None:
    before = set(OutboundMail.objects.values_list("pk", flat=True))
    row.refresh_from_db()
    if row.state == DataExport.State.WAITING:
        assert export.make.call(row.pk) == "made"
        return OutboundMail.objects.exclude(pk__in=before).first()
    return OutboundMail.objects.order_by("-pk").first()


def own(customer: Any, language: str = "") -> OutboundMail | None:
    return made(export.ask_own(actor=permissions.customer(customer), language=language))


def proved(customer: Any, address: str, **facts: Any) -> None:
    f.CustomerAddressFactory(
        customer=customer, address=address, verified_at=timezone.now(), **facts
    )


@pytest.mark.parametrize(("language", "word"), [("de", "automatisch"), ("en", "is ready")])
def test_a_customer_is_told_at_their_main_address_and_led_to_the_log_in(
    customer, client, language, word
):
    proved(customer, "first@mail.example")
    proved(customer, "main@mail.example", is_main=True)
    mail = own(customer, language)
    assert mail is not None
    assert mail.to == [[NAME, "main@mail.example"]]
    assert (mail.kind, mail.automatic, mail.language) == ("link", True, language)
    assert mail.ticket is None
    assert word in f"{mail.subject} {mail.body}"
    assert SECRET not in f"{mail.subject} {mail.body}"
    (url,) = (line for line in mail.body.splitlines() if line.startswith("http"))
    assert ("/en/" in url) == (language == "en")
    answer = client.get(urlsplit(url).path)
    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_an_address_that_nobody_proved_is_not_told(customer):
    CustomerAddress.objects.filter(customer=customer).update(verified_at=None)
    f.CustomerAddressFactory(customer=customer, address="claimed@mail.example")
    mail = own(customer)
    assert mail is not None
    assert mail.to == [[NAME, "ada@account.example"]]


def test_a_guest_is_told_at_the_address_that_they_proved(customer):
    proved(customer, "guest@mail.example")
    f.make_ticket(subject=SECRET, customer=customer, contact="guest@mail.example")
    mail = made(export.ask_own(actor=permissions.guest("guest@mail.example", customer)))
    assert mail is not None
    assert mail.to == [["", "guest@mail.example"]]
    assert NAME not in mail.body


@pytest.mark.parametrize(("language", "word"), [("de", "automatisch"), ("en", "is ready")])
def test_one_of_the_team_is_told_without_whose_data_it_is(customer, language, word, client):
    boss = f.UserFactory(is_superuser=True, first_name="Bo", email="bo@staff.example")
    boss.language = language
    boss.save()
    person = persons.person_of(customers=[customer.pk])
    mail = made(export.ask_complete(actor=permissions.agent(boss), person=person, language="de"))
    assert mail is not None
    assert (mail.kind, mail.user, mail.about) == ("notice", boss, [])
    assert mail.to == [[boss.get_full_name(), "bo@staff.example"]]
    said = f"{mail.subject} {mail.body}"
    assert word in said
    for words in (NAME, LOGIN, SECRET, "ada@account.example"):
        assert words not in said
    assert notices.may_still_go(mail)
    (url,) = (line for line in mail.body.splitlines() if line.startswith("http"))
    assert client.get(urlsplit(url).path).status_code == 302


@pytest.mark.parametrize("gone", ["inactive", "deleted"])
def test_who_asked_and_has_left_is_not_told(customer, gone):
    boss = f.UserFactory(is_superuser=True)
    person = persons.person_of(customers=[customer.pk])
    row = export.ask_complete(actor=permissions.agent(boss), person=person)
    if gone == "inactive":
        boss.is_active = False
        boss.save()
        assert made(row) is None
    row.asked_by = None if gone == "deleted" else boss
    assert notifications.send_export_ready(row) is None


def test_where_mail_comes_back_none_goes_and_the_archive_is_there(customer):
    now = timezone.now()
    BouncedAddress.objects.create(address="ada@account.example", last_at=now, suspended_at=now)
    row = export.ask_own(actor=permissions.customer(customer))
    assert made(row) is None
    row.refresh_from_db()
    assert row.state == DataExport.State.READY


def test_what_could_not_be_made_is_not_called_ready(customer, monkeypatch):
    row = DataExport.objects.create(
        customer=customer,
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    monkeypatch.setattr(archive, "write", lambda *_a, **_k: (_ for _ in ()).throw(OSError()))
    assert export.make.call(row.pk) == "failed"
    assert not OutboundMail.objects.filter(kind="link").exists()
