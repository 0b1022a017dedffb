"""The whole way of a mail, from the ledger to its end: what the parts decide together."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
import time_machine
from django.db import connection
from django.utils import timezone, translation
from django_mailbox.models import Mailbox, Message
from django_mailbox.signals import message_received

from helpdesk import actions, addressing, notifications, permissions
from helpdesk.actions import Draft
from helpdesk.errors import InvalidInput, WrongState
from helpdesk.mail import ingest, journal, ledger
from helpdesk.mail.parse import parse
from helpdesk.models import (
    Article,
    AutoMail,
    BouncedAddress,
    Channel,
    Customer,
    EventKind,
    InboundMail,
    MailFilter,
    OutboundMail,
    Right,
    SenderBlock,
    Ticket,
)
from helpdesk.notifications import mime, outbox, smtp
from tests import factories as f

from .samples import COLLECTED, OWN
from .test_bounces import answered, report

pytestmark = pytest.mark.django_db

_counter = itertools.count()
GENUINE = "mx.desk.example; dmarc=pass header.from=staff.example"


def mail(
    body: str = "It is silent.",
    *,
    sender: str = "Ina Rother <ina@mail.example>",
    to: str = "support@desk.example",
    subject: str = "Printer",
    **headers: str,
) -> bytes:
    message = EmailMessage()
    given = {"From": sender, "To": to, "Subject": subject, "Date": datetime.now(UTC)}
    given["Message-ID"] = f"<p{next(_counter)}@mail.example>"
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        message[name] = value
    message.set_content(body)
    return message.as_bytes()


def stored(raw: bytes, **options: object) -> InboundMail:
    return ledger.accept(raw, source="test", key=str(next(_counter)), **options)


def deliver(raw: bytes, **options: object) -> InboundMail:
    row = ingest.process(stored(raw, **options).pk)
    row.refresh_from_db()
    return row


def deliver_all(*raws: bytes, **options: object) -> list[InboundMail]:
    keys = [stored(raw, **options).pk for raw in raws]
    ingest.process_all(keys)
    rows = InboundMail.objects.in_bulk(keys)
    return [rows[key] for key in keys]


def filter_of(effects: list[dict], field: str = "subject", value: str = "offer") -> MailFilter:
    condition = {"field": field, "op": "contains", "value": value}
    return MailFilter.objects.create(
        name=f"F{next(_counter)}", condition=condition, effects=effects
    )


def reply_address(ticket: Ticket, base: str = "support@desk.example") -> str:
    return addressing.reply_address(base, ticket.pk, addressing.signing_keys())


def sent(kind: str) -> OutboundMail:
    return OutboundMail.objects.get(kind=kind)


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def hr():
    return f.QueueAddressFactory(address="hr@desk.example", queue__slug="hr").queue


@pytest.fixture
def junk():
    return f.QueueFactory(slug="junk", is_junk=True)


# --- who is not let in ---------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["ina@mail.example", "@mail.example"])
def test_a_blocked_sender_makes_no_ticket_and_is_counted(support, pattern):
    block = SenderBlock.objects.create(pattern=pattern)
    row = deliver(mail())
    assert (row.state, row.rule, row.ticket) == ("ignored", "blocked", None)
    assert row.evidence_lines() == [f"{pattern} is blocked"]
    block.refresh_from_db()
    assert (block.hits, Ticket.objects.count(), OutboundMail.objects.count()) == (1, 0, 0)


def test_a_blocked_customer_is_kept_out_of_the_own_ticket_too(support):
    first = deliver(mail())
    Customer.objects.filter(pk=first.ticket.customer_id).update(is_blocked=True)
    row = deliver(mail("Hello?", to=reply_address(first.ticket)))
    assert (row.state, row.rule) == ("ignored", "blocked")
    assert first.ticket.articles.count() == 1


# --- filters -------------------------------------------------------------------------------------


def test_a_filter_ignores(support):
    filter_of([{"do": "ignore", "reason": "advertising"}])
    row = deliver(mail(subject="An offer"))
    assert (row.state, row.rule, row.reason) == ("ignored", "filter", "advertising")
    assert not Ticket.objects.exists()
    assert not OutboundMail.objects.exists()


def test_a_refusal_goes_out_once_and_its_return_is_known_as_our_own(support):
    filter_of([{"do": "refuse", "text": "We buy nothing."}])
    row = deliver(mail(subject="An offer"))
    assert (row.state, row.rule, row.reason) == ("ignored", "filter", "refused by a filter")
    refusal = sent("refused")
    assert refusal.to == [["Ina Rother", "ina@mail.example"]]
    assert "We buy nothing." in refusal.body
    raw = mime.build(refusal)
    assert b"Auto-Submitted: auto-replied" in raw
    back = deliver(raw)
    assert (back.state, back.rule) == ("ignored", "own_mail")
    assert OutboundMail.objects.count() == 1
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"sender": "noreply@shop.example"},
        {"X_Spam_Flag": "YES"},
        {"sender": "hr@desk.example"},
    ],
)
def test_no_refusal_goes_to_machines_to_who_did_not_write_or_to_ourselves(support, hr, headers):
    filter_of([{"do": "refuse", "text": "We buy nothing."}])
    row = deliver(mail(subject="An offer", **headers))
    assert row.state == "ignored"
    assert not OutboundMail.objects.exists()


def test_an_archive_is_refused_silently(support):
    filter_of([{"do": "refuse", "text": "We buy nothing."}])
    assert deliver(mail(subject="An offer"), silent=True, queue=support).state == "ignored"
    assert not OutboundMail.objects.exists()


def test_notes_and_tags_come_to_new_and_to_joining_mail_and_nobody_outside_sees_them(support):
    filter_of([{"do": "add_note", "text": "Look at the list."}, {"do": "add_tags", "tags": "sale"}])
    first = deliver(mail(subject="An offer"))
    deliver(mail("More.", subject="Re: An offer", to=reply_address(first.ticket)))
    notes = first.ticket.articles.filter(channel=Channel.NOTE)
    assert [(note.body, note.visible) for note in notes] == [("Look at the list.", False)] * 2
    assert actions.tags_of(first.ticket) == ["sale"]
    bearer = permissions.link_bearer(first.ticket)
    assert len(permissions.visible_articles(bearer, first.ticket)) == 2


def test_what_a_filter_sets_is_for_new_tickets(support, hr):
    first = deliver(mail())
    filter_of([{"do": "set_queue", "queue": hr.pk}])
    row = deliver(mail(subject="Re: offer", to=reply_address(first.ticket)))
    assert (row.ticket, row.ticket.queue, row.rule) == (first.ticket, support, "token")


# --- headers of a trusted way --------------------------------------------------------------------


def test_headers_count_by_a_trusted_way_only(support, hr):
    named = {"X_Stelze_Queue": "hr", "X_Stelze_Note": "from the alarm", "X_Stelze_Tags": "alarm"}
    stranger = deliver(mail(**named))
    assert (stranger.ticket.queue, stranger.rule) == (support, "recipient")
    assert actions.tags_of(stranger.ticket) == []
    assert stranger.ticket.articles.count() == 1
    row = deliver(mail(**named), trusted=True)
    assert (row.ticket.queue, row.rule) == (hr, "header")
    assert actions.tags_of(row.ticket) == ["alarm"]
    assert row.ticket.articles.count() == 2
    assert "header of a trusted way: X-Stelze-Queue: hr" in row.evidence_lines()


# --- spam ----------------------------------------------------------------------------------------


def test_spam_goes_to_the_junk_queue_unanswered_and_comes_back(support, junk):
    row = deliver(mail(X_Spam_Flag="YES"))
    ticket = row.ticket
    assert (ticket.queue, row.rule, row.outcome) == (junk, "spam", "opened")
    assert not OutboundMail.objects.exists()
    agent = permissions.agent(f.make_agent(support, junk))
    actions.not_spam(actor=agent, ticket=ticket)
    ticket.refresh_from_db()
    assert ticket.queue == support
    assert ticket.state.is_open


def test_spam_to_several_queues_is_nobodys_to_read_until_it_is_none(support, hr, junk):
    row = deliver(mail(to="support@desk.example, hr@desk.example", X_Spam_Flag="YES"))
    reader = f.make_agent(hr)
    assert not permissions.visible_tickets(permissions.agent(reader)).exists()
    agent = permissions.agent(f.make_agent(support, junk))
    actions.not_spam(actor=agent, ticket=row.ticket)
    assert list(permissions.visible_tickets(permissions.agent(reader))) == [row.ticket]
    row.ticket.refresh_from_db()
    assert row.ticket.queue == support


def test_without_a_junk_queue_spam_is_tagged_and_unanswered(support):
    row = deliver(mail(X_Spam_Score="12.1"))
    assert (row.ticket.queue, row.rule) == (support, "recipient")
    assert actions.tags_of(row.ticket) == [actions.SPAM_TAG]
    assert not OutboundMail.objects.exists()


def test_the_queue_of_a_filter_wins_over_junk(support, hr, junk):
    filter_of([{"do": "set_queue", "queue": hr.pk}])
    row = deliver(mail(subject="An offer", X_Spam_Flag="YES"))
    assert (row.ticket.queue, row.rule) == (hr, "filter")
    assert not OutboundMail.objects.exists()


# --- agents by mail ------------------------------------------------------------------------------


@pytest.fixture
def uta(support, settings):
    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": "mx.desk.example"}
    return f.make_agent(support, email="uta@staff.example", first_name="Uta", last_name="Berg")


def by_uta(
    ticket: Ticket, results: str = GENUINE, body: str = "Switch it on.", **more: str
) -> bytes:
    more = {"to": reply_address(ticket), **more}
    raw = mail(body, sender="Uta Berg <uta@staff.example>", subject="Re: Printer", **more)
    return f"Authentication-Results: {results}\r\n".encode() + raw


def test_an_authentic_agent_answers_once(support, uta):
    ticket = deliver(mail()).ticket
    raw = by_uta(ticket)
    row, again = deliver_all(raw, raw)
    assert (row.state, row.outcome, row.rule) == ("filed", "appended", "token")
    assert (row.article.sender, row.article.visible, row.article.author) == ("agent", True, uta)
    assert sent("answer").to == [["Ina Rother", "ina@mail.example"]]
    assert (again.state, again.rule, again.article) == ("ignored", "second_delivery", row.article)
    assert parse(raw).message_id in again.evidence_lines()[-1]
    ticket.refresh_from_db()
    assert (ticket.owner, ticket.waiting_since) == (uta, None)


@pytest.mark.parametrize("results", ["mx.evil.example; dmarc=pass header.from=staff.example", ""])
def test_who_only_says_to_be_an_agent_stays_inside(support, uta, results):
    ticket = deliver(mail()).ticket
    raw = by_uta(ticket, results or "none")
    row, again = deliver_all(raw, raw)
    article = row.article
    assert (row.state, article.visible, article.verified) == ("filed", False, False)
    assert (again.rule, again.article) == ("second_delivery", article)
    assert not OutboundMail.objects.filter(kind="answer").exists()
    with pytest.raises(WrongState):
        actions.accept_sender(actor=permissions.agent(uta), ticket=ticket, article=article)
    article.refresh_from_db()
    assert not article.visible


@pytest.mark.parametrize("hint", ["number", "references"])
def test_a_colleague_without_the_reply_address_is_not_accepted_as_the_customer(support, uta, hint):
    """Mail programs drop Reply-To; what a colleague quotes then may be a note."""
    first = deliver(mail())
    named = {
        "number": {"subject": addressing.tag_subject("x", first.ticket.number)},
        "references": {"References": first.article.message_id, "subject": "x"},
    }[hint]
    raw = mail("> a note", sender="Uta <uta@staff.example>", **named)
    row = deliver(raw)
    assert (row.ticket, row.article.visible, row.article.verified) == (first.ticket, False, False)
    with pytest.raises(WrongState):
        actions.accept_sender(
            actor=permissions.agent(uta), ticket=first.ticket, article=row.article
        )


# --- mail that came back -------------------------------------------------------------------------


def bounce(row: OutboundMail) -> bytes:
    return report(row.message_id, name=f"<b{next(_counter)}@mx.example>")


def test_the_third_mail_that_came_back_suspends_and_a_person_releases(support):
    for turn in range(3):
        ticket, row = answered(support)
        said = deliver(bounce(row))
        assert (said.state, said.rule, said.ticket) == ("filed", "report", ticket)
        row.refresh_from_db()
        assert row.bounced_at is not None
        suspended = BouncedAddress.objects.get().suspended_at is not None
        assert suspended == (turn == 2)
    ticket.refresh_from_db()
    assert ticket.articles.filter(machine="delivery_failure", visible=False).exists()
    deliver(mail("I am here.", sender="ada@mail.example"))
    assert not BouncedAddress.objects.exists()
    assert Ticket.objects.filter(events__kind=EventKind.ADDRESS_RELEASED).exists()


def test_a_batch_sees_what_its_own_mails_made_known(support):
    _ticket, row = answered(support)
    # the first one's receipt asks who is known to bounce: nobody yet
    deliver_all(mail(), bounce(row), mail("I am here.", sender="ada@mail.example"))
    assert not BouncedAddress.objects.exists()


def test_spam_in_somebodys_name_releases_nobody(support, junk):
    _ticket, row = answered(support)
    deliver(bounce(row))
    deliver(mail("Buy!", sender="ada@mail.example", X_Spam_Flag="YES"))
    assert BouncedAddress.objects.exists()


def test_a_failed_mail_to_a_suspended_address_is_not_sent_again_until_it_is_released(support):
    _ticket, row = answered(support)
    at = row.created_at
    OutboundMail.objects.update(state="failed")
    BouncedAddress.objects.create(
        address="ada@mail.example", bounces=3, last_at=at, suspended_at=at
    )
    actor = permissions.agent(f.make_agent(support))
    with pytest.raises(InvalidInput):
        notifications.send_again(actor=actor, mail=row)
    BouncedAddress.objects.all().delete()
    assert notifications.send_again(actor=actor, mail=row).state == "queued"


# --- several queues ------------------------------------------------------------------------------


def test_several_queue_addresses_make_one_ticket_and_the_others_read_along(support, hr):
    row = deliver(mail(to="support@desk.example, hr@desk.example"))
    assert (Ticket.objects.count(), row.ticket.queue) == (1, support)
    actions.add_note(
        actor=permissions.SYSTEM,
        ticket=row.ticket,
        draft=Draft(body="Secret.", channel=Channel.NOTE),
    )
    reader = permissions.agent(f.make_agent(hr))
    assert list(permissions.visible_tickets(reader)) == [row.ticket]
    assert permissions.reads_along(reader, row.ticket)
    (seen,) = permissions.visible_articles(reader, row.ticket)
    assert seen == row.article
    for right in (Right.ANSWER, Right.NOTE, Right.MANAGE):
        assert not permissions.can(reader, right, row.ticket)


def test_a_second_delivery_does_not_tell_the_queue_that_handed_the_ticket_on(support, hr):
    """A ticket that was moved to where few may read does not come back by a repeated delivery."""
    raw = mail()
    row = deliver(raw)
    actor = permissions.agent(f.make_agent(support, hr))
    actions.move(actor=actor, ticket=row.ticket, queue=hr)
    again = deliver(raw, queue=support)
    assert again.rule == "second_delivery"
    former = permissions.agent(f.make_agent(support))
    assert not permissions.visible_tickets(former).exists()


def test_what_was_sent_about_a_message_stays_when_it_gets_a_ticket_of_its_own(support):
    """A report on it still finds it; what had not gone out yet does not go any more."""
    row = deliver(mail())
    receipt = sent("receipt")
    result = smtp.Result(smtp.Outcome.SENT, delivered=("ina@mail.example",))
    outbox.note_result(mail=receipt, result=result)
    actor = permissions.agent(f.make_agent(support))
    opened = actions.make_own_ticket(actor=actor, ticket=row.ticket, article=row.article)
    receipt.refresh_from_db()
    assert (receipt.ticket, receipt.article, receipt.state) == (row.ticket, None, "sent")
    waiting = OutboundMail.objects.get(kind="receipt", state="queued")
    assert waiting.ticket == opened.ticket
    actions.make_own_ticket(actor=actor, ticket=opened.ticket, article=opened.article)
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn"
    said = deliver(report(receipt.message_id, "ina@mail.example"))
    assert (said.rule, said.ticket) == ("report", row.ticket)


def test_a_second_delivery_to_another_queue_informs_it(support, hr):
    raw = mail(to="list@else.example")
    row = deliver(raw, queue=support)
    deliver(raw, envelope_to=["hr@desk.example"])
    reader = permissions.agent(f.make_agent(hr))
    assert list(permissions.visible_tickets(reader)) == [row.ticket]


# --- threads -------------------------------------------------------------------------------------


def test_the_answer_to_a_receipt_joins_by_its_id_alone(support):
    """A request of the web has no mail but its receipt; not every program answers to Reply-To."""
    ticket = f.make_ticket(support, contact="ina@mail.example", receipt=True)
    receipt = sent("receipt")
    row = deliver(mail("Still silent.", subject="hello", In_Reply_To=receipt.message_id))
    assert (row.ticket, row.rule, row.article.visible) == (ticket, "references", True)


def test_the_id_of_a_receipt_lets_no_stranger_in(support):
    ticket = f.make_ticket(support, contact="ina@mail.example", receipt=True)
    named = {"In_Reply_To": sent("receipt").message_id, "subject": "hello"}
    row = deliver(mail("Let me in.", sender="mallory@else.example", **named))
    assert (row.ticket, row.article.visible, row.article.verified) == (ticket, False, False)


# --- the inbound log -----------------------------------------------------------------------------

SAMPLES = [*sorted(OWN.glob("*.eml")), *sorted(COLLECTED.rglob("*.eml"))[:60]]


def test_the_log_names_rule_and_evidence_for_every_mail(support):
    """Whatever the mail: it ends, and the log says by which rule and why, in German as well."""
    rows = deliver_all(*(path.read_bytes() for path in SAMPLES), queue=support)
    assert len(rows) == len(SAMPLES) > 80
    for path, row in zip(SAMPLES, rows, strict=True):
        assert row.state in ("filed", "ignored"), (path.name, row.error)
        assert row.rule in InboundMail.Rule.values, path.name
        assert row.evidence, path.name
        assert (row.state == "filed") == (row.outcome in ("opened", "appended")), path.name
        assert (row.state == "filed") == (row.reason == ""), path.name
        with translation.override("de"):
            lines = [*row.evidence_lines(), row.get_evidence_display(), row.reason_words()]
        assert lines[0], path.name
        assert all(isinstance(line, str) for line in lines), path.name
    assert not InboundMail.objects.filter(next_try_at__isnull=False).exists()


def test_a_repeated_run_adds_nothing(support):
    raws = [path.read_bytes() for path in SAMPLES if path.parent == OWN]
    deliver_all(*raws, queue=support, silent=True)
    before = Article.objects.count()
    rows = deliver_all(*raws, queue=support, silent=True)
    with_id = [row for row in rows if row.rule == "second_delivery"]
    assert Article.objects.count() - before == len(rows) - len(with_id)
    assert not OutboundMail.objects.exists()
    assert not AutoMail.objects.exists()


# --- the journal ---------------------------------------------------------------------------------


@pytest.fixture
def mailbox():
    return Mailbox.objects.create(name="Support", uri="maildir:///nowhere")


def test_every_mail_of_a_mailbox_has_its_journal_row(support, mailbox):
    SenderBlock.objects.create(pattern="@spam.example")
    raws = [mail(subject=f"No. {number}") for number in range(5)]
    raws += [mail(sender="x@spam.example", subject="No. 5"), raws[0]]
    heard: list[str] = []

    def listen(message, **_rest):
        heard.append(message.subject)

    message_received.connect(listen)
    try:
        rows = deliver_all(*raws, mailbox=mailbox, queue=support)
        single = deliver(mail(subject="No. 6"), mailbox=mailbox, queue=support)
    finally:
        message_received.disconnect(listen)
    subjects = [row.message.subject for row in [*rows, single]]
    assert subjects == ["No. 0", *(f"No. {number}" for number in range(1, 6)), "No. 0", "No. 6"]
    assert heard == subjects
    assert Message.objects.count() == 8
    assert deliver(mail()).message is None


def test_one_bad_journal_row_does_not_lose_the_others(support, mailbox, monkeypatch):
    real = journal._row

    def bad(mailbox_id, parsed):
        row = real(mailbox_id, parsed)
        if parsed.subject == "No. 1":
            row.mailbox_id = None  # refused by the database
        return row

    monkeypatch.setattr(journal, "_row", bad)
    rows = deliver_all(
        *(mail(subject=f"No. {n}") for n in range(3)), mailbox=mailbox, queue=support
    )
    assert [row.state for row in rows] == ["filed"] * 3
    assert [row.message and row.message.subject for row in rows] == ["No. 0", None, "No. 2"]


def test_what_receivers_raise_is_worth_no_mail(support, mailbox):
    def fail(**_rest):
        raise RuntimeError

    message_received.connect(fail)
    try:
        (row,) = deliver_all(mail(), mailbox=mailbox, queue=support)
    finally:
        message_received.disconnect(fail)
    assert row.state == "filed"
    assert row.message is not None


# --- faults in the middle ------------------------------------------------------------------------


def test_a_fault_undoes_all_of_its_mail_and_nothing_of_the_others(support, monkeypatch):
    real = ingest.filing.open_new

    def broken(step, plan, **options):
        real(step, plan, **options)
        if step.mail.subject == "No. 1":
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")

    monkeypatch.setattr(ingest.filing, "open_new", broken)
    raws = [mail(subject=f"No. {n}", sender=f"p{n}@mail.example") for n in range(3)]
    rows = deliver_all(*raws)
    assert [row.state for row in rows] == ["filed", "failed", "filed"]
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["No. 0", "No. 2"]
    assert not Customer.objects.filter(addresses__normalised="p1@mail.example").exists()
    assert OutboundMail.objects.count() == 2
    monkeypatch.undo()
    assert ingest.process(rows[1].pk).state == "filed"


def test_an_agents_refused_answer_leaves_the_transaction_whole(support, uta):
    """To a suspended address nothing is sent; the agent's words are kept as a note."""
    ticket = deliver(mail()).ticket
    BouncedAddress.objects.create(
        address="ina@mail.example",
        bounces=3,
        last_at=ticket.created_at,
        suspended_at=ticket.created_at,
    )
    row = deliver(by_uta(ticket))
    assert (row.state, row.article.channel, row.article.visible) == ("filed", "note", False)
    assert not OutboundMail.objects.filter(kind="answer").exists()
    assert ticket.articles.count() == 2


def test_refused_recipients_of_the_outbox_and_of_reports_count_together(support):
    ticket = f.make_ticket(support, contact="ada@mail.example", channel=Channel.EMAIL)
    article = actions.answer(
        actor=permissions.SYSTEM, ticket=ticket, draft=Draft(body="x", channel=Channel.EMAIL)
    )
    row = OutboundMail.objects.get(article=article)
    refused = (("ada@mail.example", "550 5.1.1 user unknown"),)
    outbox.note_result(mail=row, result=smtp.Result(smtp.Outcome.REFUSED, 550, refused=refused))
    _ticket, other = answered(support)
    deliver(bounce(other))
    assert BouncedAddress.objects.get().bounces == 2


# --- who else is informed, and mails that end the process ---------------------------------------------


def test_a_follow_up_to_a_further_queue_lets_it_read_along_once(support, hr):
    first = deliver(mail(Message_ID="<f1@x>"))
    for number in (2, 3):
        deliver(
            mail(
                subject="Re: Printer",
                to="support@desk.example, hr@desk.example",
                Message_ID=f"<f{number}@x>",
                References="<f1@x>",
            )
        )
    ticket = first.ticket
    assert [row.queue for row in ticket.informed.all()] == [hr]
    assert ticket.events.filter(kind=EventKind.QUEUE_INFORMED).count() == 1


def test_a_mail_sent_on_later_opens_the_conversation_to_nobody(support, hr):
    raw = mail(Message_ID="<later@x>")
    ticket = deliver(raw).ticket
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        again = deliver(raw, envelope_to=["hr@desk.example"])
    assert (again.rule, ticket.informed.count()) == ("second_delivery", 0)
    assert ticket.events.filter(kind=EventKind.SECOND_DELIVERY).count() == 1


def test_a_blind_copy_that_comes_at_the_same_time_is_informed(support, hr):
    raw = mail(to="somebody@else.example", Message_ID="<bcc@x>")
    ticket = deliver(raw, envelope_to=["support@desk.example"]).ticket
    deliver(raw, envelope_to=["hr@desk.example"])
    assert [row.queue for row in ticket.informed.all()] == [hr]


def test_the_receipt_at_another_reply_to_tells_nothing_that_is_stored(support):
    """Else whoever names somebody as the sender learns who is known here, and by which name."""
    vera = f.CustomerFactory(name="Vera Victim", language="en")
    f.CustomerAddressFactory(customer=vera, address="vera@uni.example")
    known, unknown = (
        deliver(mail(sender=sender, Reply_To="eve@evil.example", subject="Results")).ticket
        for sender in ("vera@uni.example", "nobody@uni.example")
    )
    one, other = (OutboundMail.objects.get(ticket=row, kind="receipt") for row in (known, unknown))
    assert one.to == other.to == [["", "eve@evil.example"]]
    assert "Vera" not in one.body + one.html
    assert one.language == other.language
    actor = permissions.agent(f.make_agent(support))
    draft = Draft(body="Yes.", channel=Channel.EMAIL)
    assert actions.answer(actor=actor, ticket=known, draft=draft).to == [["", "eve@evil.example"]]


def test_at_an_address_of_theirs_people_are_called_by_their_name(support):
    vera = f.CustomerFactory(name="Vera Victim")
    for address in ("vera@uni.example", "vera@home.example"):
        f.CustomerAddressFactory(customer=vera, address=address)
    deliver(mail(sender="vera@uni.example", Reply_To="vera@home.example"))
    assert sent("receipt").to == [["Vera Victim", "vera@home.example"]]


def test_who_takes_part_no_more_writes_for_the_team_alone(support):
    """The reply address stays with whoever has it, and with whoever it was passed on to."""
    ticket = deliver(mail(Cc="pal@mail.example")).ticket
    to = reply_address(ticket)
    pal = deliver(mail(sender="pal@mail.example", to=to))
    friend = deliver(mail(sender="second@mail.example", to=to))
    assert pal.article.visible
    assert friend.article.visible
    actor = permissions.agent(f.make_agent(support))
    row = ticket.participants.get(normalised="pal@mail.example")
    actions.remove_participant(actor=actor, ticket=ticket, participant=row)
    for sender in ("pal@mail.example", "third@mail.example"):
        late = deliver(mail(sender=sender, to=to))
        assert (late.ticket, late.article.visible, late.article.verified) == (ticket, False, False)
    assert deliver(mail(to=to)).article.visible  # the customer's own


@pytest.mark.parametrize("way", ["follow-up", "second delivery"])
def test_only_the_customer_lets_a_further_queue_read_along(support, hr, way):
    ticket = deliver(mail(Cc="pal@mail.example")).ticket
    both = "support@desk.example, hr@desk.example"
    raw = mail(
        sender="pal@mail.example",
        to=both if way == "follow-up" else "support@desk.example",
        subject=f"[Ticket#{ticket.number}] Printer",
    )
    deliver(raw)
    if way == "second delivery":
        deliver(raw, envelope_to=["hr@desk.example"])
    assert not ticket.informed.exists()


def test_a_stranger_who_knows_the_number_lets_no_queue_read_along(support, hr):
    ticket = deliver(mail()).ticket
    raw = mail(sender="eve@evil.example", subject=f"[Ticket#{ticket.number}] Printer")
    deliver(raw)
    deliver(raw, envelope_to=["hr@desk.example"])
    assert not ticket.informed.exists()


def test_a_mail_over_which_the_process_dies_is_tried_last_and_then_given_up(support):
    died = ledger.accept(mail(sender="Bo <bo@mail.example>"), source="test", key="died")
    fresh = ledger.accept(mail(), source="test", key="fresh")
    InboundMail.objects.filter(pk=died.pk).update(attempts=len(ledger.RETRY_AFTER) + 1)
    assert ingest.process_pending() == 2
    died.refresh_from_db()
    fresh.refresh_from_db()
    assert (fresh.state, fresh.attempts) == ("filed", 1)
    assert (died.state, died.next_try_at) == ("failed", None)
    assert died.reason_words() == "Filing this mail ended the process every time."
    # by hand it is tried all the same
    assert ingest.process(died.pk).state == "filed"


def test_the_log_shows_sender_and_subject_of_a_mail_that_failed_or_was_ignored(support):
    failed = deliver(mail(to="nobody@desk.example", subject="Lost"))
    SenderBlock.objects.create(pattern="eve@mail.example")
    ignored = deliver(mail(sender="eve@mail.example", subject="Ads"))
    assert (failed.state, failed.sender, failed.subject) == ("failed", "ina@mail.example", "Lost")
    assert (ignored.state, ignored.sender, ignored.subject) == (
        "ignored",
        "eve@mail.example",
        "Ads",
    )
