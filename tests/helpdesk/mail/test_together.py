"""Mails filed together end as if each had been filed by itself."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from helpdesk import actions, addressing, permissions
from helpdesk.mail import agents, filing, ingest, ledger
from helpdesk.mail.authenticity import Verdict
from helpdesk.models import (
    Article,
    Attachment,
    AutoMail,
    Customer,
    CustomerAddress,
    Event,
    InboundMail,
    NumberCounter,
    OutboundMail,
    SearchEntry,
    Ticket,
    current_batch,
    learn,
)
from helpdesk.states import StateType
from tests import factories as f

from .test_ingest import mail

pytestmark = pytest.mark.django_db

NOBODY = "nobody@elsewhere.example"

TABLES = [
    Ticket,
    Article,
    Attachment,
    Customer,
    CustomerAddress,
    Event,
    OutboundMail,
    AutoMail,
    SearchEntry,
]
#: What differs between two runs: ids, times, secrets, and what is made of them.
OTHER = {"id", "at", "link_nonce", "message_id", "reply_to", "references", "in_reply_to", "data"}
TOKEN = re.compile(r"[0-9]+\.[A-Za-z0-9]{16}\.[a-z2-7]{32}")


def accept(*raws: bytes) -> list[int]:
    return [
        ledger.accept(raw, source="test", key=f"{number}").pk for number, raw in enumerate(raws)
    ]


def with_file(raw: bytes) -> bytes:
    message = message_from_bytes(raw, policy=policy.default)
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


def mixed(first: Ticket) -> list[bytes]:
    """Return mails that have to do with each other, and with a ticket that is there."""
    again = mail("Again", Message_ID="<twice@mail.example>")
    return [
        mail("One", Message_ID="<one@mail.example>"),
        mail("Re: One", body="More of it.", References="<one@mail.example>"),
        mail("Re: One", sender="eve@mail.example", In_Reply_To="<one@mail.example>"),
        mail("Lost", to=NOBODY),
        with_file(mail("With a file", sender="bo@mail.example")),
        again,
        again,
        mail("Copied", Cc="Kim <kim@mail.example>", Message_ID="<copied@mail.example>"),
        mail("Re: Copied", sender="kim@mail.example", References="<copied@mail.example>"),
        mail(f"Re: [Ticket#{first.number}] One", sender=first.contact),
        mail("Away", Auto_Submitted="auto-replied", References="<one@mail.example>"),
        *(mail(f"Often {n}", sender="often@mail.example") for n in range(5)),
        mail("Re: Twice", References="<twice@mail.example>", sender="Ina@Mail.example"),
    ]


def snapshot() -> dict[str, list[dict[str, object]]]:
    return {model.__name__: sorted(map(plain, rows(model)), key=repr) for model in TABLES}


def rows(model: type[Model]):
    return model._base_manager.order_by("pk")


def plain(row: Model) -> dict[str, object]:
    """Return what a row says: of others their text, of times whether they are set."""
    said: dict[str, object] = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.is_relation and value is not None:
            other = getattr(row, field.name)
            value = getattr(other, "subject", None) or getattr(other, "name", None) or True
        elif hasattr(value, "isoformat"):
            value = True
        elif isinstance(value, str):
            value = TOKEN.sub("", value)
        if field.name not in OTHER:
            said[field.name] = value
    return said


def lines(keys: list[int]) -> list[tuple[str, ...]]:
    found = InboundMail.objects.in_bulk(keys)
    return [
        (row.state, row.outcome, row.rule, row.reason, row.sender, row.subject, str(row.evidence))
        for row in map(found.get, keys)
    ]


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def first(support):
    return f.make_ticket(support, contact="old@mail.example", subject="Old")


def test_together_they_end_as_one_by_one(first):
    keys = accept(*mixed(first))
    number = NumberCounter.objects.get().value

    def file(how) -> tuple[object, ...]:
        with transaction.atomic():
            how(keys)
            found = lines(keys), snapshot(), NumberCounter.objects.get().value - number
            transaction.set_rollback(True)
        return found

    alone = file(lambda keys: [ingest.process(pk) for pk in keys])
    together = file(ingest.process_all)
    assert together[0] == alone[0]
    for table, rows_alone in alone[1].items():
        assert together[1][table] == rows_alone, table
    assert together[2] == alone[2]
    outcomes = [line[1] for line in alone[0]]
    assert {"opened", "appended", "ignored", ""} == set(outcomes)


def test_the_rows_that_come_back_are_those_that_were_asked_for(support):
    keys = accept(mail(), mail(to=NOBODY), mail())
    ingest.process(keys[0])
    found = ingest.process_all([*keys, keys[0]])
    assert [row.pk for row in found] == keys
    assert [row.state for row in found] == ["filed", "failed", "filed"]
    assert found[2].ticket == InboundMail.objects.get(pk=keys[2]).ticket


def test_numbers_have_no_gaps_though_a_mail_failed(support):
    keys = accept(mail(), mail(), mail(to=NOBODY), mail())
    ingest.process_all(keys)
    numbers = [
        int(number[:-1])
        for number in Ticket.objects.order_by("pk").values_list("number", flat=True)
    ]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert NumberCounter.objects.get().value == 3


def test_many_cost_little(support, django_assert_max_num_queries):
    keys = accept(*(mail(sender=f"p{n}@mail.example") for n in range(25)))
    # SQLite gives ids only one by one
    most = 40 if connection.vendor == "postgresql" else 160
    with django_assert_max_num_queries(most):
        found = ingest.process_all(keys)
    assert {row.outcome for row in found} == {"opened"}


def test_a_batch_is_bounded_by_number_and_size(support, monkeypatch):
    keys = accept(*(mail(body="x" * 5000) for _n in range(5)))
    monkeypatch.setattr(ingest, "TOGETHER", 2)
    assert [len(one) for one in ingest._portions(keys)] == [2, 2, 1]
    monkeypatch.setattr(ingest, "TOGETHER_BYTES", 6000)
    assert [len(one) for one in ingest._portions(keys)] == [1] * 5


def test_who_fails_while_it_is_filed_is_taken_out(support, monkeypatch):
    keys = accept(*(mail(f"Mail {n}", sender=f"p{n}@mail.example") for n in range(5)))
    finish = filing._finish

    def fail_two(step):
        if step.mail.subject in ("Mail 1", "Mail 3"):
            raise LookupError("a fault of ours")
        finish(step)

    monkeypatch.setattr(filing, "_finish", fail_two)
    found = ingest.process_all(keys)
    assert [row.state for row in found] == ["filed", "failed", "filed", "failed", "filed"]
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == [
        "Mail 0",
        "Mail 2",
        "Mail 4",
    ]
    assert Article.objects.count() == SearchEntry.objects.filter(article__isnull=False).count() == 3


def test_an_agents_answer_which_may_wait_for_the_dns_holds_up_nobody(support, monkeypatch):
    ticket = f.make_ticket(support)
    f.make_agent(support, email="Uta@staff.example")
    address = addressing.reply_address("support@desk.example", ticket.pk, addressing.signing_keys())
    batches = []
    monkeypatch.setattr(
        agents, "_verdict", lambda *_: batches.append(current_batch()) or Verdict(False, "no")
    )
    keys = accept(
        mail("One"),
        mail("Mine", sender="uta@staff.example", to=address),
        mail("Not mine", sender="uta@staff.example"),
        mail("Two", to=address, sender=ticket.contact),
    )
    found = ingest.process_all(keys)
    assert batches == [None]
    assert [row.outcome for row in found] == ["opened", "appended", "opened", "appended"]
    assert [row.pk for row in found] == keys


def test_what_shows_only_at_the_end_files_them_one_by_one(support, monkeypatch):
    """Somebody else made the same customer while the batch was under way."""
    keys = accept(mail(sender="new@mail.example"), mail(sender="other@mail.example"))
    theirs = f.CustomerAddressFactory(address="new@mail.example").customer
    monkeypatch.setattr(
        ingest, "read_ahead_customers", lambda addresses: learn(Customer, dict.fromkeys(addresses))
    )
    found = ingest.process_all(keys)
    assert [row.outcome for row in found] == ["opened", "opened"]
    assert found[0].ticket.customer == theirs
    assert Ticket.objects.count() == Article.objects.count() == 2


def test_a_verb_inside_sees_the_ticket_as_an_earlier_mail_left_it(support):
    ticket = f.make_ticket(support, contact="ina@mail.example")
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    subject = f"Re: [Ticket#{ticket.number}]"
    keys = accept(mail(f"{subject} a", body="First."), mail(f"{subject} b", body="Second."))
    version = Ticket.objects.get(pk=ticket.pk).version
    ingest.process_all(keys)
    now = Ticket.objects.get(pk=ticket.pk)
    assert (now.state.type, now.preview, now.articles.count()) == (StateType.OPEN, "Second.", 3)
    assert now.version > version + 1
    assert now.closed_at is None
    assert now.changed_at <= timezone.now()
