"""What filters ask of a mail, what they decide together, and what is counted."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from typing import Any

import pytest
from django_mailbox.models import Mailbox

from helpdesk.mail import filters
from helpdesk.mail.filter_fields import MAIL_FIELDS, Context, MailValues
from helpdesk.mail.parse import parse
from helpdesk.mail.parsed import ParsedMail
from helpdesk.mail.spam import score_of as spam_score
from helpdesk.models import MailFilter
from helpdesk.rules import conditions
from helpdesk.rules.effects import Plan
from helpdesk.rules.effects import parse as parse_effects

NOW = dt.datetime(2026, 11, 24, 10, 30, tzinfo=dt.UTC)
IS_IT = {"field": "subject", "op": "contains", "value": "printer"}
NEVER = {"field": "subject", "op": "contains", "value": "unicorn"}


def mail(
    body: str = "Der Drucker ist kaputt und ich bin nicht da, bitte.", **headers: str
) -> ParsedMail:
    message = EmailMessage()
    message["From"] = "Ina Rother <ina@Mail.example>"
    message["Subject"] = "Printer"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return parse(message.as_bytes())


def holds(one: ParsedMail, name: str, op: str, value: object = None, **context: Any) -> bool:
    data = {"field": name, "op": op} | ({} if value is None else {"value": value})
    condition = conditions.parse(data, MAIL_FIELDS, known=False)
    values = MailValues(one, ("support@desk.example",), "list", Context(**context))
    return condition.matches(values, NOW)


@pytest.mark.parametrize(
    ("name", "op", "value"),
    [
        ("from", "is", "ina@mail.example"),
        ("from_name", "starts_with", "Ina"),
        ("from_domain", "is", "mail.example"),
        ("recipients", "is", "support@desk.example"),
        ("subject", "contains", "print"),
        ("body", "contains", "kaputt"),
        ("attachments", "empty", None),
        ("is_followup", "is", True),
        ("machine", "is", "list"),
        ("spam", "is", "YES"),
        ("spam_score", "ge", 7.5),
        ("list_id", "is", "news.example.org"),
        ("language", "is", "de"),
        ("size", "gt", 1.5),
        ("account", "in", [3, 4]),
        ("headers", "is", "x-room: 12.3"),
    ],
)
def test_every_field_can_be_asked(name, op, value):
    one = mail(
        X_Spam_Flag="YES",
        X_Spam_Score="7.5",
        List_Id="The news <news.example.org>",
        X_Room="12.3",
    )
    assert holds(one, name, op, value, is_followup=True, account=3, size=2048)


def test_there_is_a_reader_for_every_field():
    values = MailValues(mail(), (), "", Context())
    assert set(values) == {field.name for field in MAIL_FIELDS}
    assert len(values) == len(MAIL_FIELDS)


@pytest.mark.parametrize("field", list(MAIL_FIELDS), ids=lambda field: field.name)
def test_an_empty_mail_raises_nothing(field):
    one = parse(b"")
    assert holds(one, field.name, "empty") is not holds(one, field.name, "not_empty")


@pytest.mark.parametrize(
    ("name", "value", "score"),
    [
        ("X-Spam-Score", "5.3", 5.3),
        ("X-Spam-Status", "No, score=-1.9 required=5.0 tests=BAYES_00", -1.9),
        ("X-Spam-Status", "Yes, hits=12 required=5.0", 12),
        ("X-Rspamd-Score", "15.1", 15.1),
        ("X-Spamd-Result", "default: False [3.20 / 15.00]", 3.2),
        ("X-MS-Exchange-Organization-SCL", "9", None),  # a scale of its own: a verdict, no score
        ("X-Spam-Score", "much", None),
        ("X-Other", "5", None),
    ],
)
def test_spam_score_of_each_server(name, value, score):
    assert spam_score(mail(**{name.replace("-", "_"): value})) == score


def make(name: str, condition: object = None, *effects: dict[str, Any], **more: Any) -> MailFilter:
    return MailFilter.objects.create(
        name=name, condition=condition or IS_IT, effects=list(effects), **more
    )


def judge(**options: Any) -> filters.Verdict:
    return filters.judge(mail(), ("support@desk.example",), "", now=NOW, **options)


@pytest.mark.django_db
def test_filters_run_in_their_order_until_one_stops():
    make("late", None, {"do": "set_queue", "queue": 3}, position=3)
    make("last", None, {"do": "set_queue", "queue": 4}, position=2, stops=True)
    make("first", None, {"do": "set_queue", "queue": 5}, {"do": "set_type", "type": 1}, position=1)
    make("no", NEVER, {"do": "set_owner", "owner": 1})
    make("off", None, {"do": "set_owner", "owner": 2}, is_active=False)
    verdict = judge()
    assert verdict.names == ("first", "last")
    assert verdict.plan == Plan(queue=4, type=1)


@pytest.mark.django_db
def test_a_hit_is_counted_with_its_time():
    hit, miss = make("hit"), make("miss", NEVER)
    judge()
    judge()
    hit.refresh_from_db()
    miss.refresh_from_db()
    assert (hit.hits, hit.last_hit_at) == (2, NOW)
    assert (miss.hits, miss.last_hit_at) == (0, None)


@pytest.mark.django_db
def test_loaded_once_a_mail_costs_one_query_at_most(django_assert_num_queries):
    make("hit")
    make("second")
    with django_assert_num_queries(1):
        rules = filters.load()
    with django_assert_num_queries(1):  # the UPDATE
        judge(compiled=rules)
    MailFilter.objects.update(condition=NEVER)
    rules = filters.load()
    with django_assert_num_queries(0):
        judge(compiled=rules)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("condition", "effects"),
    [
        ({}, []),
        ({"field": "gone", "op": "is", "value": "x"}, []),
        (IS_IT, [{"do": "fly"}]),
        ({"field": "subject", "op": "matches", "value": "(a+)+$"}, []),
    ],
)
def test_a_filter_that_cannot_be_read_is_passed_over(condition, effects):
    MailFilter.objects.create(name="broken", condition=condition, effects=effects)
    make("whole", None, {"do": "set_type", "type": 1}, position=1)
    verdict = judge()
    assert verdict.names == ("whole",)
    assert MailFilter.objects.get(name="broken").hits == 0


@pytest.mark.django_db
def test_a_mail_that_joins_a_ticket_gets_notes_and_tags_only():
    make(
        "all",
        None,
        {"do": "set_queue", "queue": 3},
        {"do": "add_tags", "tags": "vpn"},
        {"do": "add_note", "text": "look"},
    )
    assert judge(context=Context(is_followup=True)).plan == Plan(tags=("vpn",), notes=("look",))
    assert judge().plan.queue == 3


@pytest.mark.django_db
def test_filters_win_over_headers_and_headers_are_for_new_tickets():
    make("queue", None, {"do": "set_queue", "queue": 3})
    headers = parse_effects([{"do": "set_queue", "queue": 9}, {"do": "set_type", "type": 2}])
    assert judge(headers=headers).plan == Plan(queue=3, type=2)
    ignore = parse_effects([{"do": "ignore", "reason": "x"}])
    joins = Context(is_followup=True)
    assert judge(headers=ignore, context=joins).plan == Plan()


@pytest.mark.django_db
def test_accounts_are_offered_by_name_and_looked_up_once(django_assert_num_queries):
    box = Mailbox.objects.create(name="Support box", uri="")
    fields = MAIL_FIELDS.cached()
    data = {"field": "account", "op": "is", "value": box.pk}
    with django_assert_num_queries(1):
        found = [conditions.parse(data, fields).describe() for _turn in range(3)]
    assert found == ["mail account is Support box"] * 3
