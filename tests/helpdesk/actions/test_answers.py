from __future__ import annotations

import importlib
from datetime import date
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Q

from helpdesk import actions, answered, permissions, search
from helpdesk.actions import Draft, Origin
from helpdesk.models import Answer, AskedField, Channel, Ticket
from helpdesk.permissions import SYSTEM
from tests import factories as f

pytestmark = pytest.mark.django_db

FORM = uuid4()


def entry(key, value, type_="text", **more):
    shown = "" if value is None else str(value)
    return {"key": key, "label": key.title(), "type": type_, "value": value, "shown": shown, **more}


def opened(*entries, form_key=FORM, **options):
    queue = options.pop("queue", None) or f.QueueFactory()
    return actions.open_ticket(
        actor=SYSTEM,
        queue=queue,
        subject="A form",
        draft=Draft(body="Text", channel=Channel.WEB),
        customer=None,
        origin=Origin(form_key=form_key, answers=tuple(entries)),
        **options,
    ).ticket


def rows(ticket):
    return list(Answer.objects.filter(ticket=ticket).order_by("pk").values_list("key", "text"))


def test_opening_writes_a_row_for_each_value():
    ticket = opened(
        entry("room", "12.3"),
        entry("mail", "A@mail.example", "email", private=True),
        entry("count", 3, "number"),
        entry("day", "2026-11-20", "date"),
        entry("nothing", None),
    )
    assert rows(ticket) == [
        ("room", "12.3"),
        ("mail", "a@mail.example"),
        ("count", "3"),
        ("day", "2026-11-20"),
    ]
    assert Answer.objects.get(number=3.0, key="count")
    assert Answer.objects.get(day=date(2026, 11, 20))
    assert Answer.objects.filter(private=True).values_list("key", flat=True).get() == "mail"


def test_what_comes_without_answers_costs_nothing_more(django_assert_num_queries):
    ticket = f.make_ticket()
    with django_assert_num_queries(0):
        importlib.import_module("helpdesk.actions.answers").write_answers(ticket)


def test_rows_cost_the_same_whatever_their_number():
    from django.test.utils import CaptureQueriesContext

    def cost(count):
        entries = [entry(f"k{n}", str(n)) for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            opened(*entries, form_key=uuid4(), queue=queue)
        return len(queries)

    queue = f.QueueFactory()
    cost(1)
    assert cost(1) == cost(100)


def test_fields_are_kept_as_they_were_shown_last_in_each_language():
    opened(entry("room", "1"), entry("gone", "x"), language="en")
    opened({**entry("room", "1"), "label": "Zimmer"}, language="de")
    opened({**entry("room", "2"), "label": "Number of the room"}, language="en")
    opened({**entry("room", "2"), "label": "Only tried"}, language="en", is_test=True)
    found = AskedField.objects.filter(form_key=FORM).values_list("language", "key", "label")
    assert set(found) == {
        ("en", "room", "Number of the room"),
        ("en", "gone", "Gone"),
        ("de", "room", "Zimmer"),
    }


def test_data_migration_fills_the_rows_of_tickets_there_are(monkeypatch):
    first = opened(entry("room", "1"), entry("mail", "a@mail.example", private=True))
    second = opened({**entry("room", "2"), "label": "Zimmer"})
    odd = opened()
    Ticket.objects.filter(pk=odd.pk).update(answers=[{"no": "key"}])
    before = [rows(one) for one in (first, second)]
    asked = set(AskedField.objects.values_list("language", "key", "label"))
    Answer.objects.all().delete()
    AskedField.objects.all().delete()
    migration = importlib.import_module("helpdesk.migrations.0020_answers")
    monkeypatch.setattr(migration, "BATCH", 1)
    migration.fill(apps, None)
    assert [rows(one) for one in (first, second)] == before
    assert Answer.objects.get(private=True).key == "mail"
    assert set(AskedField.objects.values_list("language", "key", "label")) == asked


def test_questions_use_their_indexes():
    ticket = opened(entry("room", "4711"))
    Answer.objects.bulk_create(
        Answer(
            ticket=ticket, key=f"k{n % 50}", text=str(n), number=n, day=date(2026, 1, 1 + n % 28)
        )
        for n in range(5000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    text = Answer.objects.filter(key="k7", text="7")
    number = Answer.objects.filter(key="k7", number__gte=100, number__lte=120)
    day = Answer.objects.filter(key="k7", day__range=(date(2026, 1, 1), date(2026, 1, 2)))
    assert "helpdesk_answer_text" in text.explain()
    assert "helpdesk_answer_number" in number.explain()
    assert "helpdesk_answer_day" in day.explain()
    asked = answered.saying(Ticket.objects.all(), [("room", "4711")])
    assert "helpdesk_answer_text" in asked.explain()
    assert list(asked) == [ticket]


def test_agents_find_by_an_answer_and_by_its_words():
    queue = f.QueueFactory()
    ticket = opened(entry("room", "West Wing 4711"), queue=queue)
    opened(entry("room", "West Wing"), queue=queue)
    agent = permissions.agent(f.make_agent(queue))
    for words in ('answer:room="west wing  4711"', "4711", 'answer:room="West Wing 4711" west'):
        assert list(search.find_tickets(agent, words)) == [ticket], words
    assert not search.find_tickets(agent, "answer:room=elsewhere")
    assert not search.find_tickets(agent, 'answer:room="West Wing 4711" lamp')
    stranger = permissions.agent(f.make_agent(f.QueueFactory()))
    assert not search.find_tickets(stranger, 'answer:room="west wing 4711"')


def test_customers_cannot_ask_for_an_answer_by_its_key():
    customer = f.CustomerFactory()
    ticket = opened(entry("room", "4711"))
    Ticket.objects.filter(pk=ticket.pk).update(customer=customer)
    found = search.find_tickets(permissions.customer(customer), "answer:secret=4711")
    assert not found


def test_confidential_tickets_are_not_found_by_an_answer():
    queue = f.QueueFactory(is_confidential=True)
    opened(entry("room", "4711"), queue=queue)
    agent = permissions.agent(f.make_agent(queue))
    assert not search.find_tickets(agent, "answer:room=4711")


def test_answers_go_with_their_ticket():
    ticket = opened(entry("room", "4711"))
    Ticket.objects.filter(Q(pk=ticket.pk)).delete()
    assert not Answer.objects.exists()
