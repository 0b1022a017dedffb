from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules import order_mail
from helpdesk.rules.ordering import AgentRow

DOMAINS = ("uni.example",)
ADA = AgentRow("Ada", "Byron", "ada.byron@uni.example", "adbyr100")
BEN = AgentRow("Ben", "von Berg", "ben@uni.example", "bevon101")

GERMAN = """Guten Tag,

wie besprochen möchten wir eine Queue beantragen.

Gewünschte Adresse: pruefungsamt@uni.example
Name der Queue: Prüfungsamt
Zweck: Fragen zu Prüfungen,
Anmeldungen und Fristen
Einrichtung: Philosophische Fakultät
Servicezeiten: Mo–Fr 9–12 Uhr

Personen:
- Ada Byron <ada.byron@uni.example> adbyr100
- Ben von Berg <ben@uni.example>, Unikennung: bevon101

Mit freundlichen Grüßen
Max Muster

--
Max Muster <max.muster@uni.example> mamus100
Dekanat, Adresse: Allee 1
"""
ENGLISH = """Hi there,

could we have exams@uni.example for questions about exams please?

First name\tLast name\tE-mail\tLogin
Ada\tByron\tada.byron@uni.example\tadbyr100
Ben\tvon Berg\tben@uni.example\tbevon101

Kind regards
Max <max@uni.example> mamus100
"""
LABELLED = """Wunschadresse:
  amt@uni.example

Vorname: Ada
Nachname: Byron
E-Mail: ada.byron@uni.example
Unikennung: adbyr100
Vorname: Ben
Nachname: von Berg
E-Mail: ben@uni.example
Unikennung: bevon101
"""


def test_a_german_mail_with_labels():
    found = order_mail.read(GERMAN, DOMAINS)
    assert found.address == "pruefungsamt@uni.example"
    assert found.name == "Prüfungsamt"
    assert found.purpose == "Fragen zu Prüfungen, Anmeldungen und Fristen"
    assert found.department == "Philosophische Fakultät"
    assert found.hours == "Mo–Fr 9–12 Uhr"
    assert found.agents == (ADA, BEN)
    assert found.missing() == ()


def test_an_english_mail_with_a_table():
    found = order_mail.read(ENGLISH, DOMAINS)
    assert (found.address, found.agents) == ("exams@uni.example", (ADA, BEN))
    assert found.missing() == ("name", "purpose", "department", "hours")


def test_people_by_label():
    found = order_mail.read(LABELLED, DOMAINS)
    assert (found.address, found.agents) == ("amt@uni.example", (ADA, BEN))


@pytest.mark.parametrize(
    "line",
    [
        "Ada; Byron; ada.byron@uni.example; adbyr100",
        "Ada\tByron\tada.byron@uni.example\tadbyr100",
        "Ada, Byron, ada.byron@uni.example, adbyr100",
        "| Ada | Byron | ada.byron@uni.example | adbyr100 |",
        "Ada;Byron;adbyr100;ada.byron@uni.example",
        "adbyr100;Ada;Byron;ada.byron@uni.example",
        "Ada Byron; ada.byron@uni.example; adbyr100",
        "Ada Byron <ada.byron@uni.example>; adbyr100",
        "Ada Byron <ada.byron@uni.example> adbyr100",
        "Ada Byron <ada.byron@uni.example> (adbyr100)",
        "Byron, Ada <ada.byron@uni.example> adbyr100",
        "Ada Byron ada.byron@uni.example adbyr100",
        "Ada Byron (adbyr100), ada.byron@uni.example",
        "1. Ada Byron <ada.byron@uni.example> Kennung adbyr100",
        "Dr. Ada Byron <ada.byron@uni.example> adbyr100",
        "Prof. Dr. rer. nat. Ada Byron <ada.byron@uni.example> adbyr100",
        "Frau Dr.-Ing. Ada Byron; ada.byron@uni.example; adbyr100",
        "Dr. Ada; Byron; ada.byron@uni.example; adbyr100",
        "Byron, Dr. Ada <ada.byron@uni.example> adbyr100",
        "Zugang bekommt bitte Ada Byron (adbyr100, ada.byron@uni.example).",
        "Kollegin Ada Byron (Unikennung: adbyr100, Mail: ada.byron@uni.example), Dekanat, Raum 3",
        "* Ada Byron <mailto:ada.byron@uni.example> adbyr100".replace("mailto:", ""),
    ],
)
def test_a_person_in_a_line(line):
    assert order_mail.read(line, DOMAINS).agents == (ADA,)


@pytest.mark.parametrize(
    "line",
    [
        "Bitte schreiben Sie an ada.byron@uni.example zurück.",
        "Die Adresse pruefung@uni.example wäre schön.",
        "> Ada Byron <ada.byron@uni.example> adbyr100",
        "Ada Byron",
        "a@uni.example, b@uni.example, c@uni.example",
        "",
    ],
)
def test_a_line_that_names_nobody(line):
    assert order_mail.read(line, DOMAINS).agents == ()


@pytest.mark.parametrize(
    "line",
    [
        "Ada Byron (adbyr100, ada.byron@uni.example) und Ben von Berg (bevon101, ben@uni.example)",
        "Es arbeiten mit: Dr. Ada Byron (ada.byron@uni.example, adbyr100), Ben von Berg (ben@uni.example; bevon101).",
        "Personen: Ada Byron <ada.byron@uni.example> adbyr100 und Ben von Berg <ben@uni.example> bevon101",
        "Ada Byron <ada.byron@uni.example> (adbyr100), Ben von Berg <ben@uni.example> (bevon101)",
        "Ada Byron ada.byron@uni.example adbyr100 and Ben von Berg ben@uni.example bevon101.",
    ],
)
def test_several_people_in_a_line(line):
    assert order_mail.read(line, DOMAINS).agents == (ADA, BEN)


def test_an_initial_is_no_title():
    [row] = order_mail.read("H. Byron <ada.byron@uni.example> adbyr100").agents
    assert (row.first_name, row.last_name) == ("H.", "Byron")


@pytest.mark.parametrize(
    "label",
    ["Mail-Adresse", "E-Mail-Adresse", "Email", "Gewünschte Mail-Adresse", "E-mail address"],
)
def test_a_labelled_address_with_nobody_around_is_the_one_wanted(label):
    text = f"{label}: amt@uni.example\nZweck: Prüfungen\n\nAda Byron <ada.byron@uni.example> adbyr100\n"
    found = order_mail.read(text, DOMAINS)
    assert (found.address, found.purpose, found.agents) == ("amt@uni.example", "Prüfungen", (ADA,))
    # of one that is named, the label says nothing
    found = order_mail.read(f"Adresse: neu@uni.example\n\n{text}", DOMAINS)
    assert found.address == "neu@uni.example"


def test_the_same_person_twice_is_one():
    line = "Ada Byron <ada.byron@uni.example> adbyr100\n"
    assert order_mail.read(line * 3).agents == (ADA,)


def test_of_addresses_in_running_text_the_first_of_ours_counts():
    text = "Instead of office@web.example we would like office@uni.example.\n"
    assert order_mail.read(text, DOMAINS).address == "office@uni.example"
    assert order_mail.read(text).address == "office@web.example"
    assert order_mail.read("Write to a@web.example", DOMAINS).address == ""


@given(st.text(max_size=3000))
def test_any_text_is_read(text):
    found = order_mail.read(text, DOMAINS)
    assert len(found.agents) <= order_mail.MAX_PEOPLE


LINES = st.sampled_from([*GERMAN.splitlines(), *ENGLISH.splitlines(), *LABELLED.splitlines()])
PIECES = st.text(st.sampled_from(list("@<>;,\t|:. aZ9\n-")), max_size=60)


@given(st.lists(LINES | PIECES, max_size=60))
def test_any_mixture_of_lines_is_read(lines):
    for row in order_mail.read("\n".join(lines), DOMAINS).agents:
        assert row.email or row.login_name
        assert max(map(len, (row.first_name, row.last_name, row.email, row.login_name))) <= 254


def test_long_mails_take_no_time():
    order_mail.read(("Ada Byron <" * 50 + "a@b" * 50 + "\n") * 5000, DOMAINS)
    order_mail.read("x" * 500_000 + ":" * 1000, DOMAINS)
