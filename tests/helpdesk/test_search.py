from __future__ import annotations

import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from helpdesk import actions, permissions, search
from helpdesk.actions import Draft, Upload
from helpdesk.models import Article, Channel, SearchEntry, Ticket
from helpdesk.permissions import SYSTEM, link_bearer
from tests import factories as f

pytestmark = pytest.mark.django_db


def find(words: str, actor: permissions.Actor = SYSTEM) -> set[int]:
    return set(search.find_tickets(actor, words).values_list("pk", flat=True))


def note(ticket, body, **draft):
    agent = permissions.agent(f.make_agent(ticket.queue))
    text = Draft(body=body, channel=Channel.NOTE, **draft)
    return actions.add_note(actor=agent, ticket=ticket, draft=text)


def message(ticket, body, **draft):
    text = Draft(body=body, channel=Channel.EMAIL, **draft)
    return actions.receive_message(actor=SYSTEM, ticket=ticket, draft=text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Die Straße ist gesperrt", "strasse"),
        ("Die Strasse ist gesperrt", "STRAẞE"),
        ("Die Strasse ist gesperrt", "straße"),
        ("Übung am Freitag", "übung"),
        ("Übung am Freitag", "ubung"),
        ("Übung am Freitag", "Uebung"),
        ("Herr Mueller fragt", "Müller"),
        ("Herr Müller fragt", "mueller"),
        ("ein Café", "cafe"),
        ("U\u0308bung zerlegt", "Übung"),
        ("Der Drucker streikt", "druck"),
        ("Please write to printer@office.example soon", "printer@office.example"),
        ("Please write to printer@office.example soon", "office"),
        ("a web-site.pdf", "web-site"),
        ("a web-site.pdf", "site"),
        ("room_4711 is cold", "4711"),
        ("C++ is 100% fine", "100%"),
        ("one two three", '"two three"'),
        ("one two three", "three one"),
        ("one two three", '"two three'),
        ("one two three", "one -four"),
    ],
)
def test_find_tickets_finds(text, words):
    ticket = f.make_ticket(body=text)
    assert find(words) == {ticket.pk}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one two three", '"two one"'),
        ("one two three", '"one tw"'),
        ("one two three", "one four"),
        ("one two three", "one -two"),
        ("one two three", '-"two three"'),
        ("italic", "it"),
        ("The printer is silent", "rinter"),
    ],
)
def test_find_tickets_does_not_find(text, words):
    f.make_ticket(subject="x", body=text)
    assert find(words) == set()


@pytest.mark.parametrize(
    "words",
    [
        '"', "'", "-", '-"', '""', "(", "a & | ! b", "a:*", "<->", "\\", "'; DROP TABLE x; --", "%",
        "NEAR(a b)", "words:printer", "^a", "a AND", "OR", "NOT", "*", "a*", "\x00", "a\x00b",
        "\ud800", "𝔘𝔫𝔦", "-" * 600, "a " * 600, "x" * 3000, "ﷺ" * 500, "Ticket#", "[Ticket#1", "٣",
    ],
)  # fmt: skip
def test_find_tickets_takes_any_words(words):
    f.make_ticket()
    assert isinstance(find(words), set)


def test_find_tickets_without_words_finds_all_and_without_letters_nothing():
    ticket = f.make_ticket()
    assert find("  ") == {ticket.pk}
    assert find("?!") == set()


def test_find_tickets_by_number():
    ticket, other = f.make_ticket(), f.make_ticket(body="see 20240115 in the archive")
    number = ticket.number
    spaced = f"{number[:8]} {number[8:12]} {number[12:]}"
    for words in (number, f"Ticket#{number}", f"[Ticket#{number}]", f"ticket {number}", spaced):
        assert find(words) == {ticket.pk}
    assert find(number[:8]) == find(f"ticket#{number[:5]}") == {ticket.pk, other.pk}
    assert find("20240115") == {other.pk}
    assert find(f"{number} printer") == {ticket.pk}


def test_terms_may_lie_in_different_articles():
    ticket = f.make_ticket(subject="Toner", body="empty")
    message(ticket, "The cartridge is blue", from_name="Berta Blau")
    assert find("toner cartridge berta") == {ticket.pk}
    assert find("toner -cartridge") == set()


def test_customer_and_answers_and_files_are_found():
    customer = f.CustomerAddressFactory(
        address="ada@lovelace.example", customer__name="Ada Byron", customer__login_name="ab123"
    ).customer
    row = {"key": "b", "label": "Room", "type": "text", "value": "C7", "shown": "C7"}
    answers = (
        {"key": "a", "label": "Device", "type": "choice", "value": "x", "shown": "Fernrohr"},
        {"key": "g", "label": "Rooms", "type": "group", "value": [], "shown": "", "rows": [[row]]},
    )
    ticket = f.make_ticket(customer=customer, origin=actions.Origin(answers=answers))
    message(ticket, "see file", files=(Upload("Protokoll_2031.pdf", b"%PDF"),))
    for words in ("lovelace", "byron", "ab123", "fernrohr", "C7", "protokoll", "2031"):
        assert find(words) == {ticket.pk}


def test_renamed_ticket_is_found_by_its_new_subject_only():
    ticket = f.make_ticket()
    agent = permissions.agent(f.make_agent(ticket.queue))
    actions.rename(actor=agent, ticket=ticket, subject="Wallpaper")
    assert find("wallpaper") == {ticket.pk}
    actions.rename(actor=agent, ticket=ticket, subject="Carpet")
    assert find("carpet") == {ticket.pk}
    assert find("wallpaper") == set()


def test_wrong_team_finds_nothing():
    ticket = f.make_ticket()
    words = ("printer", ticket.number, "-zebra", "")
    right, wrong = (permissions.agent(f.make_agent(q)) for q in (ticket.queue, f.QueueFactory()))
    assert [find(one, right) for one in words] == [{ticket.pk}] * 4
    assert [find(one, wrong) for one in words] == [set()] * 4


def test_customers_search_sees_own_and_visible_only():
    ticket, foreign = f.make_ticket(), f.make_ticket()
    note(ticket, "he is tiresome", files=(Upload("zeugnis.pdf", b"x"),))
    for actor in (permissions.customer(ticket.customer), link_bearer(ticket)):
        assert find("printer", actor) == {ticket.pk}
        assert find("tiresome", actor) == find("zeugnis", actor) == set()
        assert find("printer -tiresome", actor) == {ticket.pk}
        assert find(foreign.number, actor) == set()
    assert find("tiresome zeugnis") == {ticket.pk}


def test_article_made_visible_is_found_by_the_customer_at_once():
    ticket = f.make_ticket()
    article = message(ticket, "quokka")
    Article.objects.filter(pk=article.pk).update(visible=False)
    actor = permissions.customer(ticket.customer)
    assert find("quokka", actor) == set()
    Article.objects.filter(pk=article.pk).update(visible=True)
    assert find("quokka", actor) == {ticket.pk}


def test_forget_leaves_no_word():
    ticket, other = f.make_ticket(body="quokka"), f.make_ticket(body="quokka")
    assert search.forget([ticket.pk]) == 2
    search.purge()
    assert find("quokka") == {other.pk}
    assert not SearchEntry.objects.filter(ticket=ticket).exists()
    search.forget([ticket.pk])


def test_deleted_article_is_forgotten():
    ticket = f.make_ticket()
    article = message(ticket, "quokka")
    article.events.all().delete()
    Article.objects.filter(pk=article.pk).delete()
    assert find("quokka") == set()
    message(ticket, "wombat")
    assert find("wombat") == {ticket.pk}


def test_huge_body_is_indexed_by_its_beginning():
    letters = random.Random(1)  # noqa: S311 (the same words every time)
    words = ["".join(letters.choices("abcdefghijklmnopqrstuvwxyzäöü", k=9)) for _ in range(60_000)]
    ticket = f.make_ticket(body=" ".join(["quokka", *words, "w" * 5000]))
    assert find("quokka") == {ticket.pk}


def test_reindex_restores_what_is_missing_and_removes_what_is_wrong():
    tickets = [f.make_ticket(body=f"quokka{n}") for n in range(5)]
    message(tickets[0], "wombat", files=(Upload("emu.txt", b"x"),))
    SearchEntry.objects.filter(ticket=tickets[0]).delete()
    SearchEntry.objects.filter(ticket=tickets[1]).update(words="platypus")
    out = StringIO()
    call_command("helpdesk_reindex", batch=2, stdout=out, verbosity=1)
    assert "5 tickets" in out.getvalue()
    assert find("wombat emu quokka0") == {tickets[0].pk}
    assert find("platypus") == set()
    assert SearchEntry.objects.count() == 11


def test_one_query_however_many(django_assert_num_queries):
    queue = f.QueueFactory()
    actor = permissions.agent(f.make_agent(queue))
    customer = f.CustomerFactory()
    assert actor.queue_rights
    for many in (2, 198):
        for _ in range(many):
            f.make_ticket(queue, customer=customer, contact="a@b.example")
        with django_assert_num_queries(1):
            list(search.find_tickets(actor, "printer nothing -zebra"))


def test_plan_uses_the_index():
    ticket = f.make_ticket(body="quokka")
    number = ticket.number
    for name in range(3000):
        ticket.pk, ticket.number = None, f"x{name}"
        ticket.save(force_insert=True)
    SearchEntry.objects.bulk_create(
        SearchEntry(
            ticket=row, words=f"word{row.pk} " + " ".join(f"a{row.pk}b{n}" for n in range(30))
        )
        for row in Ticket.objects.exclude(number=number)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = search.find_tickets(SYSTEM, "quokka").explain()
    used = {"postgresql": "helpdesk_search_vector", "sqlite": "VIRTUAL TABLE INDEX"}
    assert used[connection.vendor] in plan
    assert find("word") == set(Ticket.objects.exclude(number=number).values_list("pk", flat=True))


def test_which_agent_answered_is_found_by_nobody():
    queue = f.QueueFactory(agent_names="team", sender_name="The Desk")
    agent = f.make_agent(queue, first_name="Grace", last_name="Hopper", email="grace@staff.example")
    ticket = f.make_ticket(queue)
    draft = Draft(body="Solved with a quokka.", channel=Channel.EMAIL)
    actions.answer(actor=permissions.agent(agent), ticket=ticket, draft=draft)
    for _time in range(2):
        assert find("quokka", permissions.customer(ticket.customer)) == {ticket.pk}
        for words in ("Hopper", "Grace", "grace@staff.example"):
            assert find(words, permissions.customer(ticket.customer)) == set()
        list(search.reindex())
